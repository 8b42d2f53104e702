//! Judging a unit again after an edit: what the edit does not reach keeps its judgement.
//!
//! Statements before the edit are as they were. Those behind it are taken over from where the state before them is what it
//! was then, which is soon where the edit changes no schema: a comment, a row, a word that is not finished. Where it is
//! nearly what it was then, those are taken over that did not look at the difference.

use std::sync::Arc;

use syntax::ast::Parsed;

use super::follow::Follow;
use super::transaction::Machine;
use super::{Place, Session, Settings, Trace, Unit, judge, places, step};
use crate::runner::RunnerTransaction;
use crate::schema::Schema;

/// What it takes to take up a trace again.
#[derive(Clone, Debug)]
pub struct Record {
    circumstances: Circumstances,
    statements: Vec<Placed>,
    /// By index, the state before some of the statements, the first among them.
    checkpoints: Vec<(usize, Machine)>,
    end: Machine,
    /// How many statements were judged, and not taken over.
    pub judged: usize,
}

type Placed = (Arc<Parsed>, Place);

/// What all statements are judged by, besides the schema before them.
#[derive(Clone, Debug, PartialEq)]
struct Circumstances {
    session: Session,
    transaction: RunnerTransaction,
    resets_session: bool,
    majors: (u32, u32),
    external_timeouts: bool,
}

/// So many statements are judged again before the edit at most.
const STRIDE: usize = 32;

/// As [`super::trace`], but what an earlier trace of the same unit judged alike is taken over from it. Transactions may be
/// numbered otherwise.
#[must_use]
pub fn trace_again(
    before: &Schema,
    session: &Session,
    unit: &Unit,
    settings: &Settings,
    earlier: Option<(&Trace, Record)>,
) -> (Trace, Record) {
    let circumstances = Circumstances {
        session: session.clone(),
        transaction: unit.runner.transaction,
        resets_session: unit.runner.resets_session,
        majors: (*settings.majors.start(), *settings.majors.end()),
        external_timeouts: settings.external_timeouts,
    };
    let earlier = earlier.filter(|(_, record)| {
        // There are numbers enough for the transactions of this time.
        let numbers = record.end.numbered_to() < u32::MAX / 2;
        numbers && record.circumstances == circumstances
    });
    let same_before = earlier.as_ref().is_some_and(|(trace, _)| trace.before == *before);
    let statements = &unit.script.statements;
    let parsed = statements.iter().map(|statement| Arc::clone(&statement.parsed));
    let statements_now: Vec<Placed> = parsed.zip(places(unit)).collect();

    let mut machine = Machine::new(before, session, unit.runner);
    let is_the_same = |record: &Record| alike(statements_now.iter(), record.statements.iter()) == statements.len();
    if let Some((trace, record)) = &earlier
        && same_before
        && record.statements.len() == statements.len()
        && is_the_same(record)
    {
        return ((*trace).clone(), Record { judged: 0, ..record.clone() });
    }
    let (mut checkpoints, mut tail) = (Vec::new(), Vec::new());
    let mut judged = Vec::with_capacity(statements.len());
    let (mut old, mut same_to_the_end) = (None, 0);
    if let Some((trace, record)) = earlier {
        let head = if same_before { alike(statements_now.iter(), record.statements.iter()) } else { 0 };
        let room = statements.len().min(record.statements.len()) - head;
        same_to_the_end = alike(statements_now.iter().rev(), record.statements.iter().rev()).min(room);
        checkpoints = record.checkpoints;
        tail = checkpoints.split_off(checkpoints.partition_point(|(index, _)| same_before && *index <= head));
        if let Some((index, state)) = checkpoints.pop() {
            judged.extend_from_slice(&trace.judged[..index]);
            machine = state;
        }
        machine.number_from(record.end.numbered_to());
        old = Some((trace, record.end));
    }

    let (mut judged_again, mut end, mut like) = (0, None, None);
    let mut follow: Option<Follow> = None;
    for (index, statement) in statements.iter().enumerate().skip(judged.len()) {
        let (place, left) = (statements_now[index].1, statements.len() - index);
        // The same statement in the old trace.
        let was = old.as_ref().filter(|_| left <= same_to_the_end).map_or(0, |(trace, _)| trace.judged.len() - left);
        if let Some((trace, old_end)) = old.as_ref().filter(|_| left <= same_to_the_end)
            && let Ok(at) = tail.binary_search_by_key(&was, |(was, _)| *was)
        {
            if let Some(follow) = &mut follow {
                follow.settle(was, &mut machine);
            }
            if tail[at].1.is_like(&machine) {
                judged.extend_from_slice(&trace.judged[was..]);
                checkpoints.extend(tail.drain(at..).map(|(then, state)| (then - was + index, state)));
                let mut state = old_end.clone();
                state.number_from(machine.numbered_to());
                end = Some(state);
                break;
            }
            if follow.is_none() {
                follow = Follow::from(&trace.judged, old_end, &tail[at].1, &machine);
            }
        }
        if checkpoints.last().is_none_or(|(last, _)| index >= last + STRIDE) {
            if let Some(follow) = &mut follow {
                follow.settle(was, &mut machine);
            }
            checkpoints.push((index, machine.clone()));
        }
        if let Some(taken) = follow.as_mut().and_then(|it| it.take(was, statement, place, &mut machine, settings)) {
            judged.push(taken);
            continue;
        }
        if let Some(follow) = &mut follow {
            follow.settle(was, &mut machine);
        }
        step(&mut machine, statement, place, |machine, statement| {
            judged.push(judge(machine, statement, settings, &mut like, true));
        });
        judged_again += 1;
        follow = follow.and_then(|it| it.go_on(was, judged.last()?, &machine));
    }
    if let Some(follow) = &mut follow {
        follow.settle(old.as_ref().map_or(0, |(trace, _)| trace.judged.len()), &mut machine);
    }
    let end = end.unwrap_or(machine);
    let record =
        Record { circumstances, statements: statements_now, checkpoints, end: end.clone(), judged: judged_again };
    (Trace::of(before, session, unit, settings, judged, end.finish()), record)
}

/// How many are the same before the first that is not.
fn alike<'a>(now: impl Iterator<Item = &'a Placed>, then: impl Iterator<Item = &'a Placed>) -> usize {
    let same = |now: &Placed, then: &Placed| now.1 == then.1 && (Arc::ptr_eq(&now.0, &then.0) || now.0 == then.0);
    now.zip(then).take_while(|(now, then)| same(now, then)).count()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use syntax::Options;

    use super::*;
    use crate::drawn::{history, plain, runner};
    use crate::runner::{Messages, Runner};
    use crate::schema::Born;
    use crate::trace::Judgement;
    use crate::trace::{MAJORS, trace};

    const SETTINGS: Settings = Settings { majors: MAJORS, external_timeouts: false };

    /// 300 statements of all kinds of weight.
    fn long() -> Vec<String> {
        let statement = |at: usize| match at % 6 {
            0 => format!("CREATE TABLE t{at} (id int PRIMARY KEY, a int)"),
            1 => format!("CREATE INDEX i{at} ON t{} (a)", at - 1),
            2 => format!("BEGIN; ALTER TABLE t{} ADD COLUMN b int", at - 2),
            3 => format!("UPDATE t{} SET b = 1; COMMIT", at - 3),
            4 => format!("SET lock_timeout = {}", at + 1),
            _ => format!("ALTER TABLE u{at} ADD FOREIGN KEY (x) REFERENCES t{} (id)", at - 5),
        };
        (0..300).map(statement).collect()
    }

    fn empty(_: usize) -> Schema {
        Schema { complete: true, ..Schema::default() }
    }

    /// How many statements are judged again for each of the texts, which begin with a schema of their own.
    fn judge_all(texts: &[&[String]], before: impl Fn(usize) -> Schema, runner: &Runner) -> Vec<usize> {
        let session = Session::default();
        let mut last: Option<(Trace, Record)> = None;
        let mut counts = Vec::new();
        for (round, text) in texts.iter().enumerate() {
            let before = before(round);
            let script = syntax::parse(&text.join(";\n"), &Options::default());
            let unit = Unit { script: &script, runner };
            let earlier = last.as_ref().map(|(trace, record)| (trace, record.clone()));
            let (again, record) = trace_again(&before, &session, &unit, &SETTINGS, earlier);
            let anew = trace(&before, &session, &unit, &SETTINGS);
            let (drawn, expected) = (draw(&again), draw(&anew));
            let differs =
                drawn.lines().zip(expected.lines()).enumerate().find(|(_, (drawn, expected))| drawn != expected);
            assert_eq!(differs.map(|(line, texts)| (&script.statements[line / 2].parsed.text, texts)), None);
            assert!(again.after == anew.after && again.session_after == anew.session_after);
            for (again, anew) in again.judged.iter().zip(&anew.judged) {
                assert_eq!(again.before(), anew.before());
            }
            if let Some((earlier, _)) = last.as_ref().filter(|(earlier, _)| earlier.before == before) {
                let known = (&earlier.after, &earlier.after.aged(&before, Born::Before));
                let aged = again.after.aged_like(&before, Born::Before, known);
                assert!(aged.is_none_or(|it| it == again.after.aged(&before, Born::Before)));
            }
            counts.push(record.judged);
            last = Some((again, record));
        }
        counts
    }

    /// Everything but the numbers of transactions and the schemas, which are long.
    fn draw(trace: &Trace) -> String {
        let mut drawn = String::new();
        for (judged, transaction) in trace.judged.iter().zip(&trace.transactions) {
            let own = judged.transaction;
            let Judgement { effects, operations, blocked, fails, .. } = &**judged;
            let (timeouts, held) = (judged.timeouts, judged.held());
            let own = (own.inside, own.opened_by, own.until);
            let _ = writeln!(
                drawn,
                "{transaction:?} {own:?} {effects:?} {operations:?} {timeouts:?} {held:?} {blocked:?} {fails:?}"
            );
            let _ = writeln!(drawn, "{} relations", judged.before().relations.len());
        }
        drawn
    }

    #[test]
    fn only_what_an_edit_reaches_is_judged_again() {
        let long = long();
        let edited = |at: usize, text: &str| {
            let mut edited = long.clone();
            text.clone_into(&mut edited[at]);
            edited
        };
        let longer: Vec<String> = long.iter().cloned().chain(["ALTER TABLE t0 ADD c int".to_owned()]).collect();
        let shorter = [&long[..100], &long[101..]].concat();
        let (row, half) = (edited(153, "UPDATE t150 SET b = 2; COMMIT"), edited(12, "CREATE TABL"));
        let texts: [&[String]; 8] = [&long, &long, &longer, &long, &row, &shorter, &half, &[]];
        // COMMIT and BEGIN are statements of their own.
        assert_eq!(judge_all(&texts, empty, &plain()), [400, 0, 17, 16, 32, 95, 221, 0]);
        let wrapped = runner(RunnerTransaction::Unit, Messages::Each);
        assert_eq!(judge_all(&texts, empty, &wrapped)[..5], [400, 0, 17, 16, 32]);
        let whole = runner(RunnerTransaction::None, Messages::Whole);
        assert_eq!(judge_all(&texts, empty, &whole)[..3], [400, 0, 17]);
    }

    /// A thousand edits of all kinds in one script, at places that only look random.
    #[test]
    fn edits_leave_what_a_fresh_look_finds() {
        const STATEMENTS: [&str; 36] = [
            "CREATE TABLE § (id int PRIMARY KEY, a int, b text)",
            "CREATE TABLE § (id int REFERENCES ¶, a int, b text CHECK (b <> ''))",
            "CREATE TABLE § PARTITION OF ¶ FOR VALUES IN (1)",
            "CREATE TABLE § (id int, a int, b text) PARTITION BY LIST (a)",
            "CREATE TABLE § () INHERITS (¶)",
            "CREATE TEMP TABLE § (id int)",
            "CREATE TABLE IF NOT EXISTS § (id int)",
            "DROP TABLE §",
            "DROP TABLE IF EXISTS § CASCADE",
            "ALTER TABLE § ADD COLUMN c int DEFAULT 1",
            "ALTER TABLE § DROP COLUMN a",
            "ALTER TABLE § ALTER COLUMN b SET NOT NULL",
            "ALTER TABLE § ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES ¶ NOT VALID",
            "ALTER TABLE § VALIDATE CONSTRAINT f",
            "ALTER TABLE § RENAME TO ¶",
            "ALTER TABLE § RENAME COLUMN b TO c",
            "CREATE INDEX §_i ON § (a)",
            "CREATE UNIQUE INDEX CONCURRENTLY §_u ON § (b)",
            "DROP INDEX §_i",
            "ALTER INDEX §_i RENAME TO ¶_i",
            "CREATE VIEW §_v AS SELECT a FROM §",
            "DROP VIEW §_v",
            "CREATE FUNCTION §_f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE TYPE §_t AS ENUM ('a', 'b')",
            "ALTER TYPE §_t ADD VALUE 'c'",
            "DO $$ BEGIN IF true THEN ALTER TABLE § ADD COLUMN d int; END IF; END $$",
            "INSERT INTO § (a) SELECT a FROM ¶",
            "UPDATE § SET a = 1",
            "LOCK TABLE § IN EXCLUSIVE MODE",
            "SET lock_timeout = '1s'",
            "SET LOCAL search_path = other, public",
            "BEGIN",
            "COMMIT",
            "ROLLBACK",
            "SAVEPOINT s",
            "ROLLBACK TO s",
        ];
        for runner in [
            plain(),
            runner(RunnerTransaction::Unit, Messages::Each),
            runner(RunnerTransaction::None, Messages::Whole),
            runner(RunnerTransaction::Unknown, Messages::Each),
        ] {
            let mut state = 1_u64;
            let mut draw = |below: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as usize % below
            };
            let mut statement = || {
                let text = STATEMENTS[draw(STATEMENTS.len())];
                text.replace('§', &format!("t{}", draw(40))).replace('¶', &format!("t{}", draw(40)))
            };
            let mut texts = vec![(0..120).map(|_| statement()).collect::<Vec<_>>()];
            for round in 0..250 {
                let mut text = texts[round].clone();
                let at = (round * 37) % (text.len() / if round % 3 == 0 { 1 } else { 8 });
                match round % 4 {
                    0 => text.insert(at, statement()),
                    1 => text[at] = statement(),
                    2 => text[at] = "CREATE TABL".to_owned(),
                    _ => drop(text.remove(at)),
                }
                texts.push(text);
            }
            // Now and then a migration before this one makes other tables.
            let before = |round: usize| Schema {
                complete: true,
                ..history(&format!("CREATE TABLE t3 (id int, a int); CREATE TABLE t{} (b text)", 4 + round / 10))
            };
            let counts = judge_all(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>(), before, &runner);
            // Much is taken over: of short scripts, in which most have to do with each other.
            assert!(counts.iter().sum::<usize>() < texts.len() * 120 * 3 / 4, "{counts:?}");
        }
    }

    #[test]
    fn what_other_circumstances_judge_again() {
        let long = long();
        let script = syntax::parse(&long.join(";\n"), &Options::default());
        let (schema, session) = (Schema::default(), Session::default());
        let plain = plain();
        let unit = Unit { script: &script, runner: &plain };
        let (first, record) = trace_again(&schema, &session, &unit, &SETTINGS, None);
        let again = |schema: &Schema, session: &Session, unit: &Unit| {
            trace_again(schema, session, unit, &SETTINGS, Some((&first, record.clone()))).1.judged
        };
        assert_eq!(again(&schema, &session, &unit), 0);
        // Few statements ask whether all is known.
        assert_eq!(again(&Schema { complete: true, ..Schema::default() }, &session, &unit), 9);
        let other = Session { time_zone: Some("UTC".to_owned()), ..Session::default() };
        assert_eq!(again(&schema, &other, &unit), 400);
        let runner = runner(RunnerTransaction::Unit, Messages::Each);
        assert_eq!(again(&schema, &session, &Unit { script: &script, runner: &runner }), 400);
    }
}
