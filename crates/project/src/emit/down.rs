//! The Down section divided among the files of a plan.
//!
//! A step whose exact inverse is known is undone by it, and what the original Down section says about the same thing is
//! left out. Every other clause of the original Down section goes to the file with the step that it undoes. Files are
//! undone last first, so the inverse of each file comes in the right order by itself. A clause that undoes no known step
//! goes where it keeps its place among the clauses that it may depend on.

use std::collections::BTreeSet;

use model::plan::{Inverse, Mode, Setting, Step};
use syntax::Options;
use syntax::ast::StatementKind;

use crate::emit::body::Line;
use crate::emit::clause::{Clause, Statement, is_data, statements};
use crate::emit::things::{Act, NEAR, Thing, things};
use crate::migration::UnitText;

/// What one file's Down section does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Share {
    /// What the original sets for these statements.
    pub settings: Vec<Setting>,
    pub lines: Vec<Line>,
    /// What stands there in place of statements: whole sentences.
    pub remarks: Vec<String>,
}

impl Share {
    /// Inverses name things as the steps do that they undo; what the author wrote beside them may not.
    pub fn find_names<'a>(&mut self, mut settings: impl Iterator<Item = &'a Setting>) {
        if !self.lines.is_empty() && self.lines.iter().all(|line| !line.verbatim) {
            self.settings.retain(|known| known.name != "search_path");
            self.settings.extend(settings.find(|setting| setting.name == "search_path").cloned());
        }
    }
}

/// A Down section in parts.
#[derive(Clone, Debug)]
pub(crate) struct Division {
    /// One per file.
    pub shares: Vec<Share>,
    /// The first share is the whole original section in its order, and the others are empty.
    pub unchanged: bool,
}

/// Divides the Down section for files that hold these steps each. The error is a reason, as a phrase.
pub(crate) fn divide(unit: &UnitText, files: &[Vec<&Step>]) -> Result<Division, String> {
    let statements = statements(unit)?;
    if statements.is_empty() {
        let remarks = vec!["The original has nothing that undoes it.".to_owned()];
        let shares = vec![Share { remarks, ..Share::default() }; files.len()];
        return Ok(Division { shares, unchanged: true });
    }
    let steps: Vec<Known> =
        files.iter().enumerate().flat_map(|(file, steps)| steps.iter().map(move |step| known(file, step))).collect();
    // Where a file is one message, what refuses a transaction must be alone; elsewhere it may fail half-way, and what stood
    // beside it would be done twice.
    let alone = |step: &&Known| matches!(step.step.inverse, Inverse::Sql { mode: Mode::NonTx, .. });
    let full: BTreeSet<usize> = steps.iter().filter(alone).map(|step| step.file).collect();
    let homes = homes(&statements, &steps, &full, files.len())?;
    let mut clauses: Vec<(Clause, Home)> = Vec::new();
    let mut homes = homes.into_iter();
    for statement in statements {
        let homes: Vec<Home> = homes.by_ref().take(statement.pieces.len()).collect();
        let together = |first: &Home| homes.iter().all(|home| home.file == first.file && !home.replaced);
        match homes.first() {
            // Pieces that stay together stay one statement.
            Some(first) if together(first) => clauses.push((statement.whole, *first)),
            _ => clauses.extend(statement.pieces.into_iter().zip(homes)),
        }
    }

    let mut shares = vec![Share::default(); files.len()];
    for (file, share) in shares.iter_mut().enumerate() {
        let own: Vec<usize> = (0..clauses.len()).filter(|at| clauses[*at].1.file == file).collect();
        share.settings = settings_of(own.iter().map(|at| &clauses[*at].0))?;
        share.lines = lines(file, &clauses, &own, &steps);
        if share.lines.is_empty() {
            let impossible = files[file].iter().filter_map(|step| match &step.inverse {
                Inverse::Impossible(reason) => Some(format!("Not undone: {reason}.")),
                _ => None,
            });
            share.remarks = impossible.collect::<BTreeSet<_>>().into_iter().collect();
        }
    }
    let exact = steps.iter().any(|step| matches!(step.step.inverse, Inverse::Sql { .. }));
    let unchanged = !exact && shares.iter().skip(1).all(|share| share.lines.is_empty());
    Ok(Division { shares, unchanged })
}

/// Where a clause goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Home {
    file: usize,
    /// The step that it undoes, where one is meant.
    step: Option<usize>,
    /// The step's own inverse takes the clause's place.
    replaced: bool,
}

struct Known<'a> {
    file: usize,
    step: &'a Step,
    things: Vec<Thing>,
    undone: Vec<Thing>,
    data: bool,
}

fn known<'a>(file: usize, step: &'a Step) -> Known<'a> {
    let script = syntax::parse(&step.sql, &Options::default());
    let kinds: Vec<&StatementKind> =
        script.statements.iter().flat_map(|statement| inside(&statement.parsed.kind)).collect();
    let undone = match &step.inverse {
        Inverse::Sql { sql, .. } => {
            let script = syntax::parse(sql, &Options::plain());
            script.statements.iter().filter_map(|statement| things(&statement.parsed.kind)).flatten().collect()
        }
        _ => Vec::new(),
    };
    Known {
        file,
        step,
        things: kinds.iter().filter_map(|kind| things(kind)).flatten().collect(),
        undone,
        data: kinds.iter().any(|kind| is_data(kind)),
    }
}

/// A statement, or those in its block: rows that are changed in batches are changed by one.
fn inside(kind: &StatementKind) -> Vec<&StatementKind> {
    match kind {
        StatementKind::Do(block) => block.body.statements.iter().map(|statement| &statement.kind).collect(),
        _ => vec![kind],
    }
}

/// One for each piece of each statement.
fn homes(statements: &[Statement], steps: &[Known], full: &BTreeSet<usize>, files: usize) -> Result<Vec<Home>, String> {
    let pieces: Vec<&Clause> = statements.iter().flat_map(|statement| &statement.pieces).collect();
    let mut homes: Vec<Option<Home>> = pieces.iter().map(|piece| by_things(piece, steps)).collect();
    let claimed: BTreeSet<usize> = homes.iter().flatten().filter_map(|home| home.step).collect();
    let open = (0..steps.len()).filter(|at| !claimed.contains(at)).map(|at| &steps[at]);
    let inverse = open.clone().any(|step| matches!(step.step.inverse, Inverse::Sql { .. }));
    let waiting: BTreeSet<usize> =
        open.filter(|step| step.step.inverse == Inverse::Original).map(|step| step.file).collect();
    for at in 0..pieces.len() {
        if homes[at].is_some() {
            continue;
        }
        let unclear = || format!("it is not clear with which step `{}` is to be undone", shortened(&pieces[at].sql));
        let depends = |other: &usize| pieces[at].may_depend_on(pieces[*other]);
        let file = |other: usize| homes[other].map(|home| home.file);
        // Files are undone last first: what came before must not come in an earlier file, nor what came after in a later.
        let nothing = |other: &usize| pieces[at].index && pieces[*other].is_nothing_to_an_index();
        let last = (0..at).filter(depends).filter(|other| !nothing(other)).filter_map(file).min();
        let first = (at + 1..pieces.len()).filter(depends).filter_map(file).max().unwrap_or(0);
        let range = first..=last.unwrap_or(usize::MAX);
        // Nobody knows what a block undoes: not what an inverse would undo again, and of the rest only the one choice.
        let opaque = pieces[at].things.is_none();
        let only = waiting.first().filter(|_| opaque);
        if range.is_empty()
            || opaque && (inverse || waiting.len() > 1)
            || only.is_some_and(|file| !range.contains(file))
        {
            return Err(unclear());
        }
        let relations = pieces[at].relations();
        let has_room = |file: &usize| range.contains(file) && !full.contains(file);
        let near = steps.iter().filter(|step| has_room(&step.file) && (!pieces[at].data || step.data));
        let near = near.filter(|step| step.things.iter().filter_map(Thing::relation).any(|it| relations.contains(it)));
        let near = near.map(|step| step.file).min();
        // Best with what it comes after, so that it holds there without what other files still undo. Rows are changed back
        // where they were changed.
        let behind = last.filter(has_room);
        let known = if pieces[at].data { near.or(behind) } else { behind.or(near) };
        let before = || at.checked_sub(1).and_then(file).filter(has_room);
        let file = only.copied().or(known).or_else(before);
        let file = file.or_else(|| (0..files).find(has_room)).unwrap_or(first);
        homes[at] = Some(Home { file, step: None, replaced: false });
    }
    Ok(homes.into_iter().flatten().collect())
}

/// The step that a clause undoes.
fn by_things(clause: &Clause, steps: &[Known]) -> Option<Home> {
    let things: Vec<&Thing> = clause.things.iter().flatten().filter(|thing| thing.kind != NEAR).collect();
    let home = |at: usize, replaced| Home { file: steps[at].file, step: Some(at), replaced };
    let matching = |test: fn(&Thing, &Thing) -> bool| -> Vec<usize> {
        let met = |step: &Known| step.things.iter().any(|it| things.iter().any(|thing| test(thing, it)));
        (0..steps.len()).filter(|at| met(&steps[*at])).collect()
    };
    let inverted = |at: &usize| {
        // A constraint without a name is none that the inverse names.
        let same = |thing: &Thing, it: &Thing| thing.act == it.act && thing.name == it.name && thing.meets(it);
        !things.is_empty() && things.iter().all(|thing| steps[*at].undone.iter().any(|it| same(thing, it)))
    };
    if let Some(at) = (0..steps.len()).find(inverted) {
        return Some(home(at, true));
    }
    let undone = matching(Thing::undoes);
    let removes = things.iter().any(|thing| thing.act == Act::Removes);
    let at = if removes { undone.last() } else { undone.first() };
    at.copied().or_else(|| matching(Thing::meets).first().copied()).map(|at| home(at, false))
}

/// The statements of one file, in order.
fn lines(file: usize, clauses: &[(Clause, Home)], own: &[usize], steps: &[Known]) -> Vec<Line> {
    let mut placed: Vec<(Option<usize>, Line)> = Vec::new();
    let exact = steps.iter().any(|step| step.file == file && matches!(step.step.inverse, Inverse::Sql { .. }));
    for (index, step) in steps.iter().enumerate().rev().filter(|(_, step)| step.file == file && exact) {
        let mine = |at: &&usize| clauses[**at].1.step == Some(index);
        if let Inverse::Sql { sql, mode } = &step.step.inverse {
            // What is said about a statement is said about what takes its place.
            let replaced = own.iter().filter(mine).filter(|at| clauses[**at].1.replaced);
            let said = replaced.clone().map(|at| clauses[*at].0.said());
            let line = Line {
                sql: said.chain([sql.clone()]).collect(),
                mode: *mode,
                verbatim: false,
                spaced: false,
                blocks: *mode != Mode::NonTx,
                long: false,
            };
            placed.push((replaced.clone().next().copied(), line));
        }
        let kept = own.iter().filter(mine).filter(|at| !clauses[**at].1.replaced);
        placed.extend(kept.map(|at| (Some(*at), clauses[*at].0.line())));
    }
    for at in own.iter().filter(|at| !clauses[**at].1.replaced) {
        if placed.iter().any(|(known, _)| *known == Some(*at)) {
            continue;
        }
        let behind = placed.iter().position(|(known, _)| known.is_some_and(|known| known > *at));
        placed.insert(behind.unwrap_or(placed.len()), (Some(*at), clauses[*at].0.line()));
    }
    // Clauses of the original between which nothing of ours stands keep their order, by which columns get theirs.
    for run in placed.chunk_by_mut(|(_, a), (_, b)| a.verbatim == b.verbatim).filter(|run| run[0].1.verbatim) {
        run.sort_by_key(|(at, _)| *at);
    }
    if let Some((_, first)) = placed.first_mut() {
        first.spaced = false;
    }
    placed.into_iter().map(|(_, line)| line).collect()
}

/// What must be set for all of the clauses. They stand in one file, so they must agree.
fn settings_of<'a>(clauses: impl Iterator<Item = &'a Clause>) -> Result<Vec<Setting>, String> {
    let mut agreed: Option<&Vec<Setting>> = None;
    for clause in clauses {
        match agreed {
            Some(settings) if *settings != clause.settings => {
                return Err("it sets something for some of its statements only".to_owned());
            }
            _ => agreed = Some(&clause.settings),
        }
    }
    Ok(agreed.cloned().unwrap_or_default())
}

/// A statement on one line, and not all of it when it is long.
fn shortened(sql: &str) -> String {
    let code = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    let words: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    let line = words.join(" ");
    match line.char_indices().nth(70) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::load::{Request, load};
    use crate::migration::Section;
    use crate::testing::{kept, made, memory};

    /// Divides a Down section and draws who gets what.
    fn drawn(down: &str, files: &[Vec<Step>]) -> String {
        let disk = memory(&[("m/1_a.up.sql", "SELECT 1;"), ("m/1_a.down.sql", down)]);
        let project = load(&disk, &Request::default()).expect("readable");
        let unit = project.histories[0].migrations[0].unit(Section::Down).expect("a Down section");
        let steps: Vec<Vec<&Step>> = files.iter().map(|steps| steps.iter().collect()).collect();
        match divide(unit, &steps) {
            Ok(division) if division.unchanged => "unchanged\n".to_owned(),
            Ok(division) => {
                let mut drawn = String::new();
                for (file, share) in division.shares.iter().enumerate() {
                    drawn.extend(share.settings.iter().map(|setting| format!("{file}: {}\n", setting.sql)));
                    let lines = share.lines.iter().map(|line| format!("{file}: {}\n", line.sql.replace('\n', "\\n")));
                    drawn.extend(lines);
                    drawn.extend(share.remarks.iter().map(|remark| format!("{file}: ({remark})\n")));
                }
                drawn
            }
            Err(reason) => format!("withheld: {reason}\n"),
        }
    }

    fn index(from: usize) -> Step {
        made(from, Mode::NonTx, "create_i", "CREATE INDEX CONCURRENTLY i ON t (a);", "DROP INDEX CONCURRENTLY i;")
    }

    #[test]
    fn each_clause_goes_to_the_step_that_it_undoes() {
        let files = [
            vec![kept(0, "ALTER TABLE t ADD COLUMN a int;"), kept(1, "CREATE TABLE s ();")],
            vec![index(2)],
            vec![kept(3, "CREATE VIEW v AS SELECT a FROM t;")],
        ];
        let down = "-- first\nDROP VIEW v;\nDROP INDEX i;\nDROP TABLE s; -- gone\nALTER TABLE t DROP COLUMN a;\n";
        expect![[r#"
            0: DROP TABLE s; -- gone
            0: ALTER TABLE t DROP COLUMN a;
            1: DROP INDEX CONCURRENTLY i;
            2: -- first\nDROP VIEW v;
        "#]]
        .assert_eq(&drawn(down, &files));
        // The order of the original does not matter where the steps give one.
        let down = "ALTER TABLE t DROP COLUMN a;\nDROP INDEX IF EXISTS public.i;\nDROP VIEW v;\nDROP TABLE s;\n";
        expect![[r#"
            0: ALTER TABLE t DROP COLUMN a;
            0: DROP TABLE s;
            1: DROP INDEX CONCURRENTLY i;
            2: DROP VIEW v;
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    #[test]
    fn a_statement_that_undoes_several_steps_is_cut() {
        let files = [
            vec![
                kept(0, "ALTER TABLE t ADD COLUMN a int, ADD COLUMN b int;"),
                made(
                    1,
                    Mode::Tx,
                    "add_c",
                    "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;",
                    "ALTER TABLE t DROP CONSTRAINT c;",
                ),
            ],
            vec![index(2)],
            vec![kept(3, "CREATE INDEX j ON u (b);")],
        ];
        let down = "-- all\nALTER TABLE ONLY public.t\n  DROP CONSTRAINT c,\n  DROP COLUMN a,\n  DROP COLUMN b CASCADE;\nDROP INDEX i, j;\n";
        expect![[r#"
            0: -- all\nALTER TABLE t DROP CONSTRAINT c;
            0: ALTER TABLE ONLY public.t\n  DROP COLUMN a;
            0: ALTER TABLE ONLY public.t\n  DROP COLUMN b CASCADE;
            1: DROP INDEX CONCURRENTLY i;
            2: DROP INDEX j;
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    #[test]
    fn a_key_without_a_name_is_no_helper() {
        let drop = "ALTER TABLE t DROP CONSTRAINT a_proof;";
        let add = "ALTER TABLE t ADD CONSTRAINT a_proof CHECK (a IS NOT NULL) NOT VALID;";
        let files = [
            vec![kept(0, "ALTER TABLE t DROP CONSTRAINT t_pkey;"), made(1, Mode::Tx, "add", add, drop)],
            vec![made(1, Mode::Tx, "drop", drop, add)],
        ];
        expect![[r#"
            0: ALTER TABLE t DROP CONSTRAINT a_proof;
            0: ALTER TABLE t ADD PRIMARY KEY (b);
            1: ALTER TABLE t ADD CONSTRAINT a_proof CHECK (a IS NOT NULL) NOT VALID;
        "#]]
        .assert_eq(&drawn("ALTER TABLE t ADD PRIMARY KEY (b);\n", &files));
    }

    #[test]
    fn nothing_stands_beside_what_must_be_alone() {
        let files = [vec![index(0)], vec![kept(1, "ALTER TABLE t DROP COLUMN b;")]];
        let down = "ALTER TABLE t ADD COLUMN b int;\nCREATE INDEX k ON t (b);\nDROP INDEX i;\n";
        expect![[r#"
            0: DROP INDEX CONCURRENTLY i;
            1: ALTER TABLE t ADD COLUMN b int;
            1: CREATE INDEX k ON t (b);
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    #[test]
    fn what_depends_on_a_clause_stays_with_it() {
        let drop = |from, name: &str, back: &str| {
            made(from, Mode::NonTx, "drop", &format!("DROP INDEX CONCURRENTLY {name};"), back)
        };
        let files = [
            vec![kept(0, "CREATE TYPE y AS ENUM ();"), kept(0, "ALTER TABLE t ADD COLUMN z int;")],
            vec![drop(1, "i", "CREATE INDEX CONCURRENTLY i ON t (a);")],
            vec![kept(2, "ALTER TABLE t DROP COLUMN b;"), kept(3, "DROP TABLE u;")],
        ];
        // Index k went with its column and is made again by no known step; so are those of the table.
        let down = "CREATE TABLE u (c serial);\nALTER SEQUENCE u_c_seq RENAME TO s;\nALTER TABLE t ADD COLUMN b int;\n\
                    DROP TYPE y;\nCREATE INDEX u_c ON u (c);\nCREATE INDEX i ON t (a);\nCREATE INDEX k ON t (b);\n\
                    ALTER TABLE t DROP COLUMN z;\n";
        expect![[r#"
            0: DROP TYPE y;
            0: ALTER TABLE t DROP COLUMN z;
            1: CREATE INDEX CONCURRENTLY i ON t (a);
            2: CREATE TABLE u (c serial);
            2: ALTER SEQUENCE u_c_seq RENAME TO s;
            2: ALTER TABLE t ADD COLUMN b int;
            2: CREATE INDEX u_c ON u (c);
            2: CREATE INDEX k ON t (b);
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    #[test]
    fn columns_come_back_in_the_order_of_the_original() {
        let helper = ("ALTER TABLE t ADD CONSTRAINT h CHECK (d > 0);", "ALTER TABLE t DROP CONSTRAINT h;");
        let files = [vec![
            made(0, Mode::Tx, "drop", helper.1, helper.0),
            kept(1, "ALTER TABLE t DROP COLUMN a;"),
            kept(2, "ALTER TABLE t DROP COLUMN b;"),
            kept(3, "ALTER TABLE t ADD COLUMN c int;"),
        ]];
        let down = "ALTER TABLE t ADD COLUMN a int;\nALTER TABLE t ADD COLUMN b int;\nALTER TABLE t DROP COLUMN c;\n";
        expect![[r#"
            0: ALTER TABLE t ADD COLUMN a int;
            0: ALTER TABLE t ADD COLUMN b int;
            0: ALTER TABLE t DROP COLUMN c;
            0: ALTER TABLE t ADD CONSTRAINT h CHECK (d > 0);
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    #[test]
    fn what_undoes_nothing_known_stays_or_is_refused() {
        let column = || kept(0, "ALTER TABLE t ADD COLUMN a int;");
        let fill = || kept(1, "UPDATE t SET a = 1;");
        let other = || kept(2, "ALTER TABLE t ALTER COLUMN b SET DEFAULT 1;");
        let down = "UPDATE t SET b = a;\nALTER TABLE t DROP COLUMN a;\n";
        expect![[r#"
            0: ALTER TABLE t DROP COLUMN a;
            1: UPDATE t SET b = a;
        "#]]
        .assert_eq(&drawn(down, &[vec![column()], vec![fill()], vec![other()]]));
        expect![[r#"
            unchanged
        "#]]
        .assert_eq(&drawn("ALTER TABLE t DROP COLUMN z;", &[vec![column()], vec![other()]]));
        expect![[r#"
            withheld: it is not clear with which step `DO $$ BEGIN END $$;` is to be undone
        "#]]
        .assert_eq(&drawn("DO $$ BEGIN END $$;", &[vec![column()], vec![other()]]));
        expect![[r#"
            unchanged
        "#]]
        .assert_eq(&drawn("DO $$ BEGIN END $$;", &[vec![column()]]));
        expect![[r#"
            unchanged
        "#]]
        .assert_eq(&drawn("SELECT 'down SQL query';", &[vec![column()], vec![other()]]));
        expect![[r#"
            unchanged
        "#]]
        .assert_eq(&drawn("", &[vec![column()], vec![other()]]));
        expect![[r#"
            unchanged
        "#]]
        .assert_eq(&drawn("SET search_path = x;\nDROP TABLE t;", &[vec![column()], vec![other()]]));
    }

    #[test]
    fn a_name_that_comes_back_stays_behind_what_frees_it() {
        let files = [
            vec![
                kept(0, "ALTER TABLE t DROP CONSTRAINT k;"),
                kept(1, "ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY USING INDEX u;"),
            ],
            vec![index(2)],
        ];
        let down = "ALTER TABLE t DROP CONSTRAINT k;\nALTER TABLE t ADD CONSTRAINT k PRIMARY KEY (a, b);\n\
                    CREATE UNIQUE INDEX u ON t (a);\nDROP INDEX i;\n";
        expect![[r#"
            0: ALTER TABLE t DROP CONSTRAINT k;
            0: ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY (a, b);
            0: CREATE UNIQUE INDEX u ON t (a);
            1: DROP INDEX CONCURRENTLY i;
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    #[test]
    fn what_is_dropped_and_made_again_is_told_apart() {
        let files = [
            vec![kept(0, "DROP VIEW v;")],
            vec![index(1)],
            vec![
                kept(2, "ALTER TABLE t ALTER COLUMN a TYPE varchar(255);"),
                kept(3, "CREATE VIEW v AS SELECT * FROM t;"),
            ],
        ];
        let down = "DROP VIEW v;\nALTER TABLE t ALTER COLUMN a TYPE varchar(20);\nDROP INDEX i;\n\
                    CREATE VIEW v AS SELECT * FROM t;\n";
        expect![[r#"
            0: CREATE VIEW v AS SELECT * FROM t;
            1: DROP INDEX CONCURRENTLY i;
            2: DROP VIEW v;
            2: ALTER TABLE t ALTER COLUMN a TYPE varchar(20);
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    /// At the last step they would meet the proof that the inverse of that step makes again.
    #[test]
    fn rows_are_changed_back_where_batches_changed_them() {
        let block = "DO $$ BEGIN\n  LOOP\n    UPDATE t SET a = 0 WHERE a IS NULL;\n    COMMIT;\n    EXIT;\n  END LOOP;\nEND $$;";
        let proof = "ALTER TABLE t ADD CONSTRAINT p CHECK (a IS NOT NULL) NOT VALID;";
        let files = [
            vec![Step { mode: Mode::NonTx, ..kept(0, block) }],
            vec![made(1, Mode::Tx, "prove", proof, "ALTER TABLE t DROP CONSTRAINT p;")],
            vec![
                kept(1, "ALTER TABLE t ALTER COLUMN a SET NOT NULL;"),
                made(1, Mode::Tx, "drop_p", "ALTER TABLE t DROP CONSTRAINT p;", proof),
            ],
        ];
        let down = "ALTER TABLE t ALTER COLUMN a DROP NOT NULL;\nUPDATE t SET a = NULL WHERE a = 0;\n";
        expect![[r#"
            0: UPDATE t SET a = NULL WHERE a = 0;
            1: ALTER TABLE t DROP CONSTRAINT p;
            2: ALTER TABLE t ADD CONSTRAINT p CHECK (a IS NOT NULL) NOT VALID;
            2: ALTER TABLE t ALTER COLUMN a DROP NOT NULL;
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    #[test]
    fn settings_go_with_the_statements_that_they_are_made_for() {
        let files = [vec![kept(0, "ALTER TABLE t ALTER a TYPE timestamptz;")], vec![index(1)]];
        let down = "DROP INDEX i;\nSET timezone = 'UTC';\nALTER TABLE t ALTER a TYPE timestamp;\nRESET timezone;\n";
        expect![[r#"
            0: SET timezone = 'UTC';
            0: ALTER TABLE t ALTER a TYPE timestamp;
            1: DROP INDEX CONCURRENTLY i;
        "#]]
        .assert_eq(&drawn(down, &files));
        let down = "ALTER TABLE t ALTER a TYPE timestamp;\nSET timezone = 'UTC';\nUPDATE t SET b = now();\n";
        expect![[r#"
            withheld: it sets something for some of its statements only
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    #[test]
    fn comments_at_what_is_cut_or_replaced_are_kept() {
        let files = [vec![kept(0, "ALTER TABLE t ADD COLUMN a int, ADD COLUMN b int;")], vec![index(1)]];
        let down = "BEGIN; -- undo\nDROP INDEX /* slow */ i; -- gone\nALTER TABLE t -- all\n  DROP COLUMN a, -- a\n  DROP COLUMN b\n\
                    -- b\n;\n-- done\nCOMMIT;\n";
        expect![[r#"
            0: ALTER TABLE t -- all\n  DROP COLUMN a, -- a\n  DROP COLUMN b\n-- b\n;\n-- done
            1: -- undo\n/* slow */\n-- gone\nDROP INDEX CONCURRENTLY i;
        "#]]
        .assert_eq(&drawn(down, &files));
        let files =
            [vec![kept(0, "ALTER TABLE t ADD COLUMN a int;")], vec![kept(1, "ALTER TABLE t ADD COLUMN b int;")]];
        expect![[r#"
            0: -- all\n-- a\nALTER TABLE t DROP COLUMN a;
            1: ALTER TABLE t DROP COLUMN b; -- b\n-- done
        "#]]
        .assert_eq(&drawn(down.split_once("gone\n").expect("a line").1, &files));
    }

    #[test]
    fn comments_at_the_end_stay() {
        let files = [vec![kept(0, "CREATE TABLE t ();")], vec![index(1)]];
        expect![[r#"
            0: DROP TABLE t; -- gone\n-- The rows are lost.
            1: DROP INDEX CONCURRENTLY i;
        "#]]
        .assert_eq(&drawn("DROP INDEX i;\nDROP TABLE t; -- gone\n\n-- The rows are lost.\n", &files));
    }

    #[test]
    fn transactions_go_and_timeouts_are_for_every_file() {
        let files = [vec![kept(0, "CREATE TABLE t ();")], vec![index(1)]];
        let down = "BEGIN;\nSET LOCAL lock_timeout = '3s';\nDROP INDEX i;\nDROP TABLE t;\nCOMMIT;\n";
        expect![[r#"
            0: SET LOCAL lock_timeout = '3s';
            0: DROP TABLE t;
            1: SET LOCAL lock_timeout = '3s';
            1: DROP INDEX CONCURRENTLY i;
        "#]]
        .assert_eq(&drawn(down, &files));
        expect![[r#"
            withheld: it has transactions of its own
        "#]]
        .assert_eq(&drawn("DROP INDEX i;\nCOMMIT;\nDROP TABLE t;\n", &files));
        expect![[r#"
            withheld: it holds a statement that cannot be read
        "#]]
        .assert_eq(&drawn("DROP INDEX i i;\n", &files));
    }
}
