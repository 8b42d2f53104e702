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
    let top = severity(&effects);
    let alike: Vec<&Run> = runs.iter().filter(|run| severity(&run.outcome.effects) == top).collect();
    let span = |runs: &[&Run]| {
        (
            runs.iter().map(|run| run.first).min().unwrap_or_default(),
            runs.iter().map(|run| run.last).max().unwrap_or_default(),
        )
    };
    let majors = (alike.len() < runs.len()).then(|| span(&alike));
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
                    run.outcome
                        .failure
                        .as_ref()
                        .is_some_and(|it| it.sqlstate == failure.sqlstate && it.when == failure.when)
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
    let mut relations: Vec<&QName> = lists.iter().flat_map(|list| list.iter().map(|effect| &effect.relation)).collect();
    relations.sort();
    relations.dedup();
    let mut worst = Vec::new();
    for relation in relations {
        let of = |list: &[Effect]| -> Vec<Effect> {
            list.iter().filter(|effect| effect.relation == *relation).cloned().collect()
        };
        let mut best = Vec::new();
        for list in lists {
            let candidate = of(list);
            if severity(&candidate) > severity(&best) {
                best = candidate;
            }
        }
        worst.extend(best);
    }
    worst
}

fn severity(effects: &[Effect]) -> Option<(Work, LockMode, usize)> {
    let work = effects.iter().map(|effect| effect.work).max()?;
    let lock = effects.iter().map(|effect| effect.lock).max()?;
    Some((work, lock, effects.len()))
}
