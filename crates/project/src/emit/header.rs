//! Comment lines that say where a file comes from and what to do when it fails.

use std::path::Path;

use model::effect::{self, Effect, Work, blocks_reads, blocks_writes, lock_name};
use model::plan::Step;
use model::schema::Born;
use syntax::ast::LockMode;

use crate::emit::target::Target;
use crate::emit::{Job, Piece};

/// The comment lines of one file, each with its newline.
pub(super) fn header(job: &Job, groups: &[&[Piece]], targets: &[Target], index: usize, has_down: bool) -> String {
    let Job { history, migration, plan, writer, one_file, .. } = *job;
    let name = |path: &Path| {
        let below = path.strip_prefix(&history.root).unwrap_or(path);
        below.to_string_lossy().replace('\\', "/")
    };
    let count = groups.len();
    let mut said: Vec<String> = Vec::new();
    let blocks = groups[index].len();
    if one_file && blocks > 1 {
        said.push(match writer.one_file {
            true => format!(
                "Split into {blocks} blocks by safestep. Run it with psql -v ON_ERROR_STOP=1; after a failure go on with the \
                 block that failed."
            ),
            false => format!(
                "Split into {blocks} blocks by safestep, which commit one by one. After a failure take out those that ran, \
                 then {}.",
                writer.run
            ),
        });
    } else if count > 1 && index == 0 {
        let others: Vec<String> = targets[1..].iter().map(|target| name(&target.path)).collect();
        let others = match others.as_slice() {
            [first, .., last] if others.len() > 3 => format!("{first} to {last}"),
            few => few.join(", "),
        };
        said.push(format!("Step 1 of {count}, split by safestep. Then: {others}."));
    } else if count > 1 {
        said.push(format!("Step {} of {count}, split by safestep from {}.", index + 1, name(&migration.path)));
    }
    for piece in groups[index] {
        let steps = &plan.parts[piece.part].steps[piece.steps.clone()];
        // Parts that share a file have no header of their own.
        let locks: Vec<String> = locks(steps).filter(|_| blocks == 1 && !one_file).collect();
        if !locks.is_empty() {
            said.push(format!("Locks: {}.", locks.join("; ")));
        }
        said.extend(steps.iter().filter_map(|step| Some(format!("Run it only when {}.", step.after_deploy.as_ref()?))));
        let directory = targets[index].path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let repair = match previous(job, targets, index) {
            Some(previous) => writer.repair.replace("{previous}", &previous).replace("{directory}", &directory),
            None if writer.repair.contains("{previous}") => String::new(),
            None => writer.repair.replace("{directory}", &directory),
        };
        for recovery in steps.iter().filter_map(|step| step.recovery.as_ref()) {
            said.push(format!("If it is interrupted: {} Then {repair}{}.", recovery.trim_end(), writer.run));
        }
        if count > 1 && piece.transaction && !repair.is_empty() {
            said.push(format!("If it fails, nothing has changed: {repair}{}.", writer.run));
        }
    }
    if count > 1 {
        said.push(match (has_down, writer.undo) {
            (true, Some(undo)) => format!("Roll back with {undo}, once for each step, last step first."),
            _ => "There is no Down section; undo the steps by a new migration, last step first.".to_owned(),
        });
    }
    // A line break would end the comment.
    let one_line = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    said.iter().map(|line| format!("-- {}\n", one_line(line))).collect()
}

/// The locks that somebody else may notice.
fn locks(steps: &[Step]) -> impl Iterator<Item = String> {
    let is_told = |effect: &Effect| {
        effect.born == Born::Before && effect.on.is_none() && effect.lock >= LockMode::ShareUpdateExclusive
    };
    let effects = effect::strongest(steps.iter().flat_map(|step| step.effects.clone()));
    effects.into_iter().filter(is_told).map(|effect| {
        let while_ = match effect.work {
            Work::Instant => "for an instant",
            Work::Rows => "while rows are changed",
            Work::Scan => "while the table is read",
            Work::Build => "while an index is built",
            Work::Rewrite => "while the table is rewritten",
        };
        let blocks = match (blocks_reads(effect.lock), blocks_writes(effect.lock)) {
            (true, _) => "blocks reads and writes",
            (false, true) => "blocks writes",
            (false, false) => "blocks neither reads nor writes",
        };
        format!("{} on {} {while_} ({blocks})", lock_name(effect.lock), effect.relation)
    })
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
