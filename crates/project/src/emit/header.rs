//! Comment lines that say where a file comes from and what to do when it fails.

use std::path::Path;

use model::effect::{self, Effect, Work, blocks_reads, blocks_writes, lock_name};
use model::name::QName;
use model::plan::{Recovery, Setting, Step};
use model::runner::Messages;
use model::schema::Born;
use syntax::Options;
use syntax::ast::{LockMode, StatementKind};

use crate::emit::body::is_timeout;
use crate::emit::target::Target;
use crate::emit::{Job, Piece};

/// What an earlier rewrite said above a file, which is no longer true when the file is split again.
pub(super) fn earlier(text: &str) -> Option<&str> {
    let first = |line: &str| line.starts_with("-- Step ") && line.contains(", split by safestep");
    let last =
        |line: &str| line.starts_with("-- Roll back with ") || line.starts_with("-- There is no Down section; undo");
    let (mut start, mut at) = (None, 0);
    for line in text.split_inclusive('\n') {
        start = start.or_else(|| first(line).then_some(at));
        at += line.len();
        match start {
            Some(start) if last(line) => return Some(&text[start..at]),
            Some(_) if !line.starts_with("-- ") => return None,
            _ => {}
        }
    }
    None
}

/// The comment lines of one file, each with its newline.
pub(super) fn header(job: &Job, groups: &[&[Piece]], targets: &[Target], index: usize, has_down: bool) -> String {
    let Job { migration, writer, one_file, .. } = *job;
    let count = groups.len();
    let mut said: Vec<String> = Vec::new();
    let blocks = groups[index].len();
    if one_file && blocks > 1 {
        // What the author sets in one block holds in the next.
        let kept = |it: &Setting| !it.local && !is_timeout(&it.name);
        let sets = groups[index][1..].iter().any(|piece| job.plan.parts[piece.part].settings.iter().any(kept));
        let again = if sets { "run the SET statements above it, then " } else { "" };
        said.push(match writer.one_file {
            true => format!(
                "Split into {blocks} blocks by safestep. Run it with psql -v ON_ERROR_STOP=1; after a failure {again}go on \
                 with the block that failed."
            ),
            false => format!(
                "Split into {blocks} blocks by safestep, which commit one by one. After a failure take out those that ran, \
                 then {}.",
                writer.run
            ),
        });
    } else if count > 1 && index == 0 {
        let others: Vec<String> = targets[1..].iter().map(|target| name(job, &target.path)).collect();
        let others = match others.as_slice() {
            [first, .., last] if others.len() > 3 => format!("{first} to {last}"),
            few => few.join(", "),
        };
        said.push(format!("Step 1 of {count}, split by safestep. Then: {others}."));
    } else if count > 1 {
        let from = name(job, &migration.path);
        said.push(format!("Step {} of {count}, split by safestep from {from}.", index + 1));
    }
    if !one_file || blocks == 1 {
        said.extend((0..blocks).flat_map(|at| about(job, groups, targets, (index, at))));
    }
    if count > 1 {
        said.push(match (has_down, writer.undo) {
            (true, Some(undo)) => format!("Roll back with {undo}, once for each step, last step first."),
            _ => "There is no Down section; undo the steps by a new migration, last step first.".to_owned(),
        });
    }
    lines(said)
}

/// The comment lines above one of several blocks in a file, each with its newline.
pub(super) fn above_block(job: &Job, groups: &[&[Piece]], targets: &[Target], at: usize) -> String {
    let blocks = groups[0].len();
    if !job.one_file || blocks == 1 {
        return String::new();
    }
    let mut said = about(job, groups, targets, (0, at));
    let number = format!("Block {} of {blocks}.", at + 1);
    match said.first_mut().filter(|line| line.starts_with(LOCKS)) {
        Some(locks) => *locks = format!("{number} {locks}"),
        None => said.insert(0, number),
    }
    lines(said)
}

/// A line break would end the comment.
fn lines(said: Vec<String>) -> String {
    let one_line = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    said.iter().map(|line| format!("-- {}\n", one_line(line))).collect()
}

fn name(job: &Job, path: &Path) -> String {
    let below = path.strip_prefix(&job.history.root).unwrap_or(path);
    below.to_string_lossy().replace('\\', "/")
}

const LOCKS: &str = "Locks: ";

/// What a piece locks, and what to do when it fails.
fn about(job: &Job, groups: &[&[Piece]], targets: &[Target], (index, at): (usize, usize)) -> Vec<String> {
    let writer = job.writer;
    let piece = &groups[index][at];
    let steps = steps_of(job, piece);
    let mut said = Vec::new();
    let locks: Vec<String> = locks(steps, piece.transaction);
    if !locks.is_empty() {
        said.push(format!("{LOCKS}{}.", locks.join("; ")));
    }
    said.extend(steps.iter().filter_map(|step| Some(format!("Run it only when {}.", step.after_deploy.as_ref()?))));
    // The statement must be alone in its file, or SET is no free companion.
    let sets = writer.sets_freely && job.unit.runner.messages != Messages::Whole;
    if !piece.transaction && !sets && steps.iter().any(|step| step.long && !step.verbatim) {
        said.push(
            "A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here."
                .to_owned(),
        );
    }
    let directory = targets[index].path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let repair = (writer.repair)(previous(job, targets, index).as_deref(), &directory);
    let again = match job.one_file && groups[index].len() == 1 {
        true => "run it again".to_owned(),
        false => format!("{repair}{}", writer.run),
    };
    let mut told = false;
    for (step, recovery) in steps.iter().filter_map(|step| Some((step, step.recovery.as_ref()?))) {
        said.push(match recovery {
            Recovery::First(sql) => {
                let failed = if is_unique(step) { " or finds duplicates" } else { "" };
                format!("If it is interrupted{failed}: {} then {again}.", sql.trim_end())
            }
            Recovery::Again(left) => format!("If it stops half-way, {left}, and it may be run again: {again}."),
            Recovery::Rows { rows, changed_by, repeat } => {
                told = true;
                let by = changed_by.and_then(|by| changed(job, groups, targets, (index, at), by));
                let written = if by.is_some() { " written meanwhile" } else { "" };
                let change = match by {
                    Some(by) if *repeat => format!("run {by} again for them"),
                    Some(by) => format!("correct them, as {by} does"),
                    None => "correct them".to_owned(),
                };
                format!("If it fails because of {rows}{written}, nothing has changed: {change}, then {again}.")
            }
        });
    }
    if groups.len() > 1 && piece.transaction && !told && !repair.is_empty() {
        said.push(format!("If it fails, nothing has changed: {again}."));
    }
    said
}

fn steps_of<'a>(job: &Job<'a>, piece: &Piece) -> &'a [Step] {
    &job.plan.parts[piece.part].steps[piece.steps.clone()]
}

/// How rows are changed again by the step, before that piece, that comes from a statement of the original.
fn changed(
    job: &Job,
    groups: &[&[Piece]],
    targets: &[Target],
    until: (usize, usize),
    statement: usize,
) -> Option<String> {
    let places = groups.iter().enumerate().flat_map(|(group, pieces)| (0..pieces.len()).map(move |at| (group, at)));
    let before = places.take_while(|place| *place < until).flat_map(|(group, at)| {
        let steps = steps_of(job, &groups[group][at]).iter().filter(|step| step.from.contains(&statement));
        steps.filter_map(row_change).map(move |word| (group, at, word))
    });
    let (group, at, word) = before.last()?;
    let of = if job.one_file { format!("block {}", at + 1) } else { name(job, &targets[group].path) };
    Some(format!("the {word} of {of}"))
}

/// The word for what a step does to rows that others may want to change.
fn row_change(step: &Step) -> Option<&'static str> {
    let script = syntax::parse(&step.sql, &Options::plain());
    script.statements.iter().find_map(|statement| match &*statement.parsed.kind {
        StatementKind::Update(_) => Some("UPDATE"),
        StatementKind::Delete(_) => Some("DELETE"),
        StatementKind::Merge { .. } => Some("MERGE"),
        StatementKind::Do(_) if !step.verbatim => Some(BACKFILL),
        _ => None,
    })
}

const BACKFILL: &str = "backfill";

/// It fails over rows that are there, and leaves as much as an interruption.
fn is_unique(step: &Step) -> bool {
    let script = syntax::parse(&step.sql, &Options::plain());
    script.statements.iter().any(|it| matches!(&*it.parsed.kind, StatementKind::CreateIndex(index) if index.unique))
}

/// The locks that somebody else may notice.
fn locks(steps: &[Step], transaction: bool) -> Vec<String> {
    let changes: Vec<&str> = steps.iter().filter_map(row_change).collect();
    let rows = if changes.contains(&BACKFILL) { "rows of one batch at a time" } else { "rows that it changed" };
    let is_told = |effect: &Effect| {
        let lock = effect.lock >= LockMode::ShareUpdateExclusive
            || effect.lock == LockMode::RowExclusive && effect.work == Work::Rows && !changes.is_empty();
        effect.born == Born::Before && effect.on.is_none() && lock
    };
    // Work on something else goes on under a lock that was taken before it.
    let is_kept = |relation: &QName| {
        let takes = |step: &Step| step.effects.iter().any(|it| it.relation == *relation && it.work == Work::Instant);
        let elsewhere = |it: &Effect| it.relation != *relation && it.on.as_ref() != Some(relation);
        let works = |step: &Step| step.effects.iter().any(|it| it.work != Work::Instant && !it.empty && elsewhere(it));
        let taken = steps.iter().position(takes).filter(|_| transaction);
        taken.is_some_and(|at| steps[at..].iter().any(works))
    };
    let effects = effect::strongest(steps.iter().flat_map(|step| step.effects.clone()));
    let worse = |it: &Effect| {
        let same = |other: &&Effect| other.relation == it.relation && other.lock >= it.lock;
        it.work == Work::Instant
            && !is_kept(&it.relation)
            && effects.iter().filter(same).any(|other| other.work != Work::Instant)
    };
    let told = effects.iter().filter(|it| is_told(it) && !worse(it));
    told.map(|effect| {
        let while_ = match effect.work {
            Work::Instant if is_kept(&effect.relation) => "until the end of the transaction",
            Work::Instant => "for an instant",
            Work::Rows => "while rows are changed",
            Work::Scan => "while the table is read",
            Work::Build => "while an index is built",
            Work::Rewrite => "while the table is rewritten",
        };
        let blocks = match (blocks_reads(effect.lock), blocks_writes(effect.lock)) {
            (true, _) => "blocks reads and writes".to_owned(),
            (false, true) => "blocks writes".to_owned(),
            (false, false) if effect.lock == LockMode::RowExclusive => format!("blocks writes of the {rows}"),
            (false, false) => "blocks neither reads nor writes".to_owned(),
        };
        format!("{} on {} {while_} ({blocks})", lock_name(effect.lock), effect.relation)
    })
    .collect()
}

/// The version before that of a target.
fn previous(job: &Job, targets: &[Target], index: usize) -> Option<String> {
    if index > 0 {
        return Some(targets[index - 1].version.clone());
    }
    let migrations = &job.history.migrations;
    let at = migrations.iter().position(|it| it.path == job.migration.path)?;
    Some(migrations[at.checked_sub(1)?].version.clone())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use model::plan::Mode;
    use model::schema::RelationKind;

    use super::*;
    use crate::testing::{emitted, kept, made, memory, plan};

    /// The comment lines of what is written for steps that change rows and prove what they changed.
    fn told(files: &[(&str, &str)], path: &str) -> String {
        let fill = Step {
            recovery: Some(Recovery::Again("the batches done by then stay done")),
            ..made(1, Mode::NonTx, "backfill_t_a", "DO $$ BEGIN UPDATE t SET a = 1; COMMIT; END $$;", "")
        };
        let proof = |name: &str, rows: &str, changed_by, repeat| Step {
            recovery: Some(Recovery::Rows { rows: rows.to_owned(), changed_by, repeat }),
            ..made(3, Mode::OwnTx, "validate", &format!("ALTER TABLE t VALIDATE CONSTRAINT {name};"), "")
        };
        let steps = plan(vec![
            vec![kept(0, "ALTER TABLE t ADD a int;")],
            vec![fill],
            vec![kept(2, "DELETE FROM t WHERE b = 0;")],
            vec![proof("a_proof", "rows without a", Some(1), true)],
            vec![proof("b_fkey", "rows that violate b_fkey", Some(2), false)],
            vec![proof("c_check", "rows that violate c_check", None, false)],
        ]);
        let text = emitted(&memory(files), path, &steps);
        let lines = text.lines().filter(|line| line.starts_with("==") || line.starts_with("-- If"));
        lines.map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_lock_is_told_for_as_long_as_it_is_held() {
        let step = |lock, table: &str, work| Step {
            effects: vec![Effect {
                relation: QName::new("public", table),
                kind: RelationKind::Table,
                on: None,
                lock,
                work,
                born: Born::Before,
                empty: false,
                maybe: false,
            }],
            ..kept(0, "UPDATE u SET a = 1;")
        };
        let steps = [
            step(LockMode::AccessExclusive, "t", Work::Instant),
            step(LockMode::AccessExclusive, "v", Work::Instant),
            step(LockMode::RowExclusive, "u", Work::Rows),
            step(LockMode::AccessExclusive, "w", Work::Instant),
            step(LockMode::AccessExclusive, "v", Work::Rewrite),
            step(LockMode::AccessExclusive, "x", Work::Instant),
            step(LockMode::AccessExclusive, "y", Work::Instant),
            step(LockMode::AccessExclusive, "y", Work::Scan),
            step(LockMode::AccessExclusive, "z", Work::Instant),
        ];
        expect![[r#"
            ACCESS EXCLUSIVE on t until the end of the transaction (blocks reads and writes)
            ACCESS EXCLUSIVE on v until the end of the transaction (blocks reads and writes)
            ROW EXCLUSIVE on u while rows are changed (blocks writes of the rows that it changed)
            ACCESS EXCLUSIVE on w until the end of the transaction (blocks reads and writes)
            ACCESS EXCLUSIVE on v while the table is rewritten (blocks reads and writes)
            ACCESS EXCLUSIVE on x until the end of the transaction (blocks reads and writes)
            ACCESS EXCLUSIVE on y while the table is read (blocks reads and writes)
            ACCESS EXCLUSIVE on z for an instant (blocks reads and writes)"#]]
        .assert_eq(&locks(&steps, true).join("\n"));
        assert!(!locks(&steps, false).concat().contains("until the end"));
    }

    #[test]
    fn what_to_do_after_a_failure_is_said() {
        let files = [
            ("m/1_a.up.sql", "SELECT 1;"),
            ("m/2_b.up.sql", "SELECT 2;"),
            ("go.mod", "github.com/golang-migrate/migrate/v4"),
        ];
        expect![[r#"
            ==== m/2_b.up.sql
            -- If it fails, nothing has changed: `migrate force 1`, then `migrate up`.
            ==== m/3_b_step2_backfill_t_a.up.sql
            -- If it stops half-way, the batches done by then stay done, and it may be run again: `migrate force 2`, then `migrate up`.
            ==== m/4_b_step3_keep.up.sql
            -- If it fails, nothing has changed: `migrate force 3`, then `migrate up`.
            ==== m/5_b_step4_validate.up.sql
            -- If it fails because of rows without a written meanwhile, nothing has changed: run the backfill of 3_b_step2_backfill_t_a.up.sql again for them, then `migrate force 4`, then `migrate up`.
            ==== m/6_b_step5_validate.up.sql
            -- If it fails because of rows that violate b_fkey written meanwhile, nothing has changed: correct them, as the DELETE of 4_b_step3_keep.up.sql does, then `migrate force 5`, then `migrate up`.
            ==== m/7_b_step6_validate.up.sql
            -- If it fails because of rows that violate c_check, nothing has changed: correct them, then `migrate force 6`, then `migrate up`.
        "#]].assert_eq(&told(&files, "m/2_b.up.sql"));
        let first = told(&files[..1], "m/1_a.up.sql");
        assert!(first.contains("nothing has changed: `migrate force -- -1`, then `migrate up`"), "{first}");
        let files = [("m/001_a.sql", "SELECT 1;")];
        expect![[r#"
            ==== m/001_a.sql
            -- If it stops half-way, the batches done by then stay done, and it may be run again: go on with this block.
            -- If it fails because of rows without a written meanwhile, nothing has changed: run the backfill of block 2 again for them, then go on with this block.
            -- If it fails because of rows that violate b_fkey written meanwhile, nothing has changed: correct them, as the DELETE of block 3 does, then go on with this block.
            -- If it fails because of rows that violate c_check, nothing has changed: correct them, then go on with this block.
        "#]].assert_eq(&told(&files, "m/001_a.sql"));
    }

    #[test]
    fn settings_of_the_author_are_made_again_before_going_on() {
        let steps = |name: &str| {
            let mut steps = plan(vec![vec![kept(0, "SELECT 1;")], vec![kept(1, "SELECT 2;")]]);
            let setting = Setting { name: name.to_owned(), sql: format!("SET {name} = 1;"), local: false };
            steps.parts.iter_mut().for_each(|part| part.settings = vec![setting.clone()]);
            steps
        };
        let first = |name: &str| {
            let text = format!("SET {name} = 1;\nSELECT 1;\nSELECT 2;");
            let text = emitted(&memory(&[("m/001_a.sql", &text)]), "m/001_a.sql", &steps(name));
            text.lines().nth(1).unwrap_or_default().to_owned()
        };
        let again = "after a failure run the SET statements above it, then go on with the block that failed.";
        assert!(first("search_path").ends_with(again), "{}", first("search_path"));
        assert!(first("lock_timeout").ends_with("after a failure go on with the block that failed."));
    }
}
