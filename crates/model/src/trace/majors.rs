//! One verdict over a range of majors: the worst effects, and which majors they hold for.
//!
//! A statement is executed on the newest major first. Its decisions that depend on the version tell down to which major the
//! outcome is the same; below that it is executed again.

use std::ops::RangeInclusive;

use crate::effect::{Breaks, Effect, FailsWhen, Failure, LockMode, Operation, WaitsFor, Work};
use crate::exec::Outcome;
use crate::name::QName;

pub(super) struct Verdict {
    /// Schema and session on the newest major.
    pub newest: Outcome,
    pub effects: Vec<Effect>,
    pub operations: Vec<Operation>,
    pub failure: Option<Failure>,
    pub waits_for: Vec<WaitsFor>,
    pub breaks: Vec<Breaks>,
    pub majors: Option<(u32, u32)>,
}

/// The outcome of the majors from `first` to `last`.
struct Run {
    first: u32,
    last: u32,
    outcome: Outcome,
}

pub(super) fn judge(range: &RangeInclusive<u32>, mut execute: impl FnMut(u32) -> Outcome) -> Verdict {
    let mut runs = Vec::new();
    let mut last = *range.end();
    loop {
        let outcome = execute(last);
        let first = outcome.thresholds.iter().copied().filter(|major| *major <= last).max();
        let first = first.unwrap_or_default().max(*range.start());
        runs.push(Run { first, last, outcome });
        if first <= *range.start() {
            break;
        }
        last = first - 1;
    }
    merge(runs)
}

fn merge(mut runs: Vec<Run>) -> Verdict {
    if runs.len() == 1
        && let Some(Run { first, last, mut outcome }) = runs.pop()
    {
        let mut failure = outcome.failure.take();
        if let Some(failure) = &mut failure {
            failure.majors = (first, last);
        }
        return Verdict {
            effects: std::mem::take(&mut outcome.effects),
            operations: std::mem::take(&mut outcome.operations),
            waits_for: std::mem::take(&mut outcome.waits_for),
            breaks: std::mem::take(&mut outcome.breaks),
            newest: outcome,
            failure,
            majors: None,
        };
    }
    // The newest of the worst gives the operations, so that a recipe is chosen for what it has to cure.
    let mut worst = 0;
    for at in 1..runs.len() {
        if severity(&runs[at].outcome.effects) > severity(&runs[worst].outcome.effects) {
            worst = at;
        }
    }
    let lists: Vec<&[Effect]> = runs.iter().map(|run| &*run.outcome.effects).collect();
    let effects = worst_of(&lists);
    let as_bad = |run: &&Run| {
        let all = relations(&lists);
        all.iter().all(|it| {
            let (own, worst) = (of(&run.outcome.effects, it), of(&effects, it));
            severity(&own) == severity(&worst) || !worst.iter().any(matters)
        })
    };
    let mut alike: Vec<&Run> = runs.iter().filter(as_bad).collect();
    let differ = alike.len() < runs.len();
    if alike.is_empty() {
        // Each major is worse in something.
        alike.push(&runs[worst]);
    }
    let span = |runs: &[&Run]| {
        (
            runs.iter().map(|run| run.first).min().unwrap_or_default(),
            runs.iter().map(|run| run.last).max().unwrap_or_default(),
        )
    };
    let majors = differ.then(|| span(&alike));
    let mut operations = runs[worst].outcome.operations.clone();
    for (at, operation) in operations.iter_mut().enumerate() {
        let same: Vec<&[Effect]> = runs
            .iter()
            .filter(|run| run.outcome.operations.len() > at && run.outcome.operations[at].kind == operation.kind)
            .map(|run| &*run.outcome.operations[at].effects)
            .collect();
        operation.effects = worst_of(&same);
    }
    let failure = runs
        .iter()
        .filter_map(|run| run.outcome.failure.as_ref())
        .min_by_key(|failure| match failure.when {
            FailsWhen::Always => 0,
            FailsWhen::Wrapped => 1,
            FailsWhen::NotEmpty => 2,
        })
        .cloned()
        .map(|mut failure| {
            let same: Vec<&Run> = runs
                .iter()
                .filter(|run| {
                    // Some majors give one message another code.
                    let same = |it: &Failure| it.sqlstate == failure.sqlstate || it.message == failure.message;
                    run.outcome.failure.as_ref().is_some_and(|it| same(it) && it.when == failure.when)
                })
                .collect();
            failure.majors = span(&same);
            failure
        });
    let mut waits_for: Vec<WaitsFor> = runs.iter().flat_map(|run| run.outcome.waits_for.iter().copied()).collect();
    waits_for.sort_unstable();
    waits_for.dedup();
    let mut breaks: Vec<Breaks> = Vec::new();
    for broken in runs.iter().flat_map(|run| &run.outcome.breaks) {
        if !breaks.contains(broken) {
            breaks.push(broken.clone());
        }
    }
    let newest = runs.swap_remove(0).outcome;
    Verdict { newest, effects, operations, failure, waits_for, breaks, majors }
}

/// Relation by relation, the effects of the run that treats it worst; the first run wins a tie.
fn worst_of(lists: &[&[Effect]]) -> Vec<Effect> {
    let mut worst = Vec::new();
    for relation in relations(lists) {
        let mut best = Vec::new();
        for list in lists {
            let candidate = of(list, relation);
            if severity(&candidate) > severity(&best) {
                best = candidate;
            }
        }
        worst.extend(best);
    }
    worst
}

fn relations<'a>(lists: &[&'a [Effect]]) -> Vec<&'a QName> {
    let mut relations: Vec<&QName> = lists.iter().flat_map(|list| list.iter().map(|effect| &effect.relation)).collect();
    relations.sort();
    relations.dedup();
    relations
}

fn of(list: &[Effect], relation: &QName) -> Vec<Effect> {
    list.iter().filter(|effect| effect.relation == *relation).cloned().collect()
}

/// Locks that conflict with no everyday work and that no work is done under are not worth naming majors for.
fn matters(effect: &Effect) -> bool {
    effect.lock >= LockMode::ShareUpdateExclusive || effect.work != Work::Instant
}

fn severity(effects: &[Effect]) -> Option<(Work, LockMode, usize)> {
    let work = effects.iter().map(|effect| effect.work).max()?;
    let lock = effects.iter().map(|effect| effect.lock).max()?;
    Some((work, lock, effects.len()))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    #[test]
    fn the_worst_major_counts() {
        let before = "
CREATE TABLE p (a int, b int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TYPE e AS ENUM ('x')";
        let sql = "
ALTER TABLE p ADD CONSTRAINT u UNIQUE (a, b); GRANT SELECT ON p TO someone; SELECT count(*) FROM p; LOCK TABLE e;
ALTER DOMAIN d ADD CONSTRAINT c NOT NULL; ALTER TABLE p ADD COLUMN c int";
        expect![[r#"
            ALTER TABLE p ADD CONSTRAINT u UNIQUE (a, b)
                p ACCESS EXCLUSIVE, p1 ACCESS EXCLUSIVE+build, p1_a_b_key SHARE+build, u SHARE UPDATE EXCLUSIVE | blocks p:RW p1:RW | 18-18
            GRANT SELECT ON p TO someone
                p ACCESS SHARE
            SELECT count(*) FROM p
                p ACCESS SHARE, p1 ACCESS SHARE+scan, p1_a_b_key ACCESS SHARE, u ACCESS SHARE
            LOCK TABLE e
                e ACCESS EXCLUSIVE | blocks e:RW | 25P01: LOCK TABLE can only be used in transaction blocks
            ALTER DOMAIN d ADD CONSTRAINT c NOT NULL
                nothing
            ALTER TABLE p ADD COLUMN c int
                p ACCESS EXCLUSIVE, p1 ACCESS EXCLUSIVE | blocks p:RW p1:RW
        "#]]
        .assert_eq(&effects(before, sql));
    }
}
