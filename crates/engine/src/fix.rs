//! Rewrites of one migration: choose operations, plan, emit, read back, prove.
//!
//! A rewrite leaves this file only when the files it writes, read back through `project` and judged like any other, leave
//! the schema of the original, fail nowhere, and say nothing that the original did not say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use diagnostics::{Edit, FileChange, Fix, Planned, PlannedPart, Sources, Withheld};
use model::effect::strongest;
use model::plan::{Class, Plan};
use model::schema::Born;
use model::trace::{Session, Unit, trace};
use project::emit::{self, Emission};
use project::load::History;
use project::migration::Migration;
use rayon::prelude::*;
use rules::Group;
use syntax::Span;
use syntax::ast::{Statement, StatementKind};

use crate::explain::{self, Comparison, ExplainedSection};
use crate::findings::{self, Found, Judged};
use crate::proof::{Broken, levels, prove, undone_beyond};
use crate::view::{self, FileView, HistoryView, SectionView};
use crate::{Engine, Files, Options};

/// What can be done about one finding.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    pub fix: Option<Arc<Fix>>,
    pub withheld: Option<String>,
}

/// What a run with `--fix` did to one history.
#[derive(Default)]
pub(crate) struct Fixed {
    pub changes: Vec<FileChange>,
    /// What ran together runs in several transactions now, be it in one file or in several.
    pub split: bool,
    /// Findings that are gone.
    pub removed: usize,
    /// Whole sentences about what was written.
    pub notes: Vec<String>,
    /// The migrations as they are after the changes.
    pub rest: Vec<Judged>,
}

/// A rewrite that passed.
struct Rewrite {
    plan: Plan,
    /// The plan differs from the original.
    changed: bool,
    emission: Emission,
    /// The new migrations in the place of the old one, judged.
    after: HistoryView,
    found: Vec<Found>,
}

/// The rewrite of one migration at one class, and what became of each finding.
struct Attempt {
    rewrite: Option<Rewrite>,
    /// By finding: gone, or the reason why not where one is known.
    outcome: Vec<Result<(), Option<String>>>,
    /// The operations of the original that its files still have findings about, whether it passed or not.
    still_told: BTreeSet<(usize, usize)>,
    /// The next class that would do more.
    higher: Option<Class>,
    /// The plan differs from the original, whether it passed or not.
    changed: bool,
}

/// A migration and what was found in it.
#[derive(Clone, Copy)]
struct Task<'a> {
    engine: &'a Engine,
    options: &'a Options,
    view: &'a HistoryView,
    file: &'a FileView,
    found: &'a Found,
}

/// The fix that each finding of a migration has, at the lowest class that removes it.
pub(crate) fn offers(
    engine: &Engine,
    options: &Options,
    history: &HistoryView,
    file: &FileView,
    found: &Found,
) -> Vec<Offer> {
    let mut offers = vec![Offer::default(); found.findings.len()];
    let task = Task { engine, options, view: history, file, found };
    let mut class = Some(Class::Safe);
    while let Some(allowed) = class {
        let open = |offer: &Offer| offer.fix.is_none();
        if !found.findings.iter().zip(&offers).any(|((_, finding), offer)| open(offer) && has_recipe(finding)) {
            break;
        }
        let attempt = attempt(&task, allowed);
        class = attempt.higher;
        let fix = attempt.rewrite.as_ref().map(|rewrite| Arc::new(told(engine, history.migration(file), rewrite)));
        for (offer, outcome) in offers.iter_mut().zip(attempt.outcome) {
            match outcome {
                Ok(()) if open(offer) => {
                    *offer = Offer { fix: fix.clone(), withheld: None };
                }
                Err(Some(reason)) if open(offer) => offer.withheld = Some(reason),
                _ => {}
            }
        }
    }
    offers
}

/// The fix of the wanted findings, at the lowest class that removes one of them.
pub(crate) fn offer(
    engine: &Engine,
    options: &Options,
    history: &HistoryView,
    file: &FileView,
    found: &Found,
) -> Option<Arc<Fix>> {
    let wanted = || found.wanted.iter().filter(|at| found.findings.get(**at).is_some_and(|(_, it)| has_recipe(it)));
    wanted().next()?;
    let task = Task { engine, options, view: history, file, found };
    let mut class = Some(Class::Safe);
    while let Some(allowed) = class {
        let attempt = attempt(&task, allowed);
        class = attempt.higher;
        if let Some(rewrite) = attempt.rewrite
            && wanted().any(|at| attempt.outcome[*at].is_ok())
        {
            return Some(Arc::new(told(engine, history.migration(file), &rewrite)));
        }
    }
    None
}

/// The safe fix that leaves the migration in one piece, where fixing everything would take it apart: of the rules whose
/// findings are all fixed so.
pub(crate) fn offer_whole(
    engine: &Engine,
    options: &Options,
    history: &HistoryView,
    file: &FileView,
    found: &Found,
) -> Option<Arc<Fix>> {
    let whole = |wanted: BTreeSet<usize>| {
        let found = Found { wanted, ..found.clone() };
        let attempt = attempt(&Task { engine, options, view: history, file, found: &found }, Class::Safe);
        let rewrite = attempt.rewrite.filter(|it| !it.changed || it.plan.parts.len() <= 1)?;
        let fixes = found.wanted.iter().any(|at| attempt.outcome[*at].is_ok());
        Some(told(engine, history.migration(file), &rewrite)).filter(|fix| fixes && fix.files.is_empty())
    };
    let mut rules: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (at, (_, finding)) in found.findings.iter().enumerate().filter(|(_, (_, finding))| has_recipe(finding)) {
        rules.entry(finding.rule.name).or_default().insert(at);
    }
    let wanted: BTreeSet<usize> =
        rules.into_values().filter(|of_rule| whole(of_rule.clone()).is_some()).flatten().collect();
    Some(wanted).filter(|wanted| !wanted.is_empty()).and_then(whole).map(Arc::new)
}

/// Rewrites every migration that may be rewritten. What is needed of new versions is known only when all are planned, so
/// later files make room once, and the rewrites are written on what that leaves.
pub(crate) fn fix(engine: &Engine, options: &Options, view: &HistoryView, class: Class) -> Fixed {
    let mut judged: Vec<(&FileView, Found, Attempt)> = view
        .files
        .par_iter()
        .map(|file| {
            let found = findings::find(engine, options, view, file);
            let attempt = if file.pending && found.findings.iter().any(|(_, finding)| has_recipe(finding)) {
                attempt(&Task { engine, options, view, file, found: &found }, class)
            } else {
                let reason = match view.migration(file).pending {
                    Some(_) => "the migration is already applied; --all-files rewrites it all the same",
                    None => "without git it is not known whether the migration is applied; name the file to have it rewritten",
                };
                refuse(file, &found, &BTreeMap::new(), (!file.pending).then_some(reason))
            };
            (file, found, attempt)
        })
        .collect();
    let mut fixed = Fixed::default();
    let moves = room(engine, options, view, &mut judged);
    let moved_to = |path: &PathBuf| moves.iter().find(|(from, _)| from == path).map_or(path, |(_, to)| to).clone();
    let making_room = emit::moving(&engine.files, &moves).unwrap_or_default();
    let mut files = engine.files.with(&making_room);
    let mut history = after((*view.history).clone(), &files, &making_room, Some(true));
    fixed.notes.extend(moves.iter().map(|(from, to)| emit::moved(&engine.files, from, to)));
    merge(&mut fixed.changes, making_room.iter().map(|change| from_project(engine, change)).collect());
    let shown: BTreeMap<PathBuf, PathBuf> =
        moves.iter().map(|(from, to)| (findings::shown(engine, from), findings::shown(engine, to))).collect();
    for (file, found, attempt) in judged {
        let path = moved_to(&view.migration(file).path);
        let inside = engine.on(files.clone());
        let placed = match attempt.rewrite {
            Some(rewrite) => place(&inside, options, &history, view, (file, &path), rewrite).map(Some),
            None => Ok(None),
        };
        let outcome = match &placed {
            Ok(_) => attempt.outcome,
            Err(why) => refuse(file, &found, &BTreeMap::new(), Some(why)).outcome,
        };
        let Ok(Some(rewrite)) = placed else {
            let withheld = |outcome: Result<(), Option<String>>| Offer { fix: None, withheld: outcome.err().flatten() };
            let offers: Vec<Offer> = outcome.into_iter().map(withheld).collect();
            let mut judged = findings::finish(engine, view, file, found, &offers);
            judged.move_to(&shown);
            fixed.rest.push(judged);
            continue;
        };
        fixed.split |= rewrite.changed && rewrite.plan.parts.len() > 1;
        let left: usize = rewrite.found.iter().map(|found| found.findings.len()).sum();
        fixed.removed += found.findings.len().saturating_sub(left);
        // What stays says why it stays, wherever it stands now.
        let mut reasons: BTreeMap<(&str, String), String> = BTreeMap::new();
        for ((_, finding), outcome) in found.findings.iter().zip(&outcome) {
            if let Err(Some(reason)) = outcome {
                reasons.insert((finding.rule.name, finding.message.clone()), reason.clone());
            }
        }
        for (new, found) in rewrite.after.files.iter().zip(rewrite.found) {
            let reason = |it: &(usize, rules::Finding)| {
                let same = reasons.get(&(it.1.rule.name, it.1.message.clone())).cloned();
                same.or_else(|| why_left(file, &rewrite.plan, new, it))
            };
            let offers: Vec<Offer> =
                found.findings.iter().map(|it| Offer { fix: None, withheld: reason(it) }).collect();
            fixed.rest.push(findings::finish(engine, &rewrite.after, new, found, &offers));
        }
        files = files.with(&rewrite.emission.changes);
        history = after(history, &files, &rewrite.emission.changes, view.migration(file).pending);
        let name = findings::shown(engine, &path);
        let assumed = rewrite.plan.assumptions.iter();
        fixed.notes.extend(assumed.map(|it| format!("{} is rewritten on the assumption: {it}", name.display())));
        fixed.notes.extend(undone_beyond(file, &rewrite.after).map(|beyond| {
            format!("the Down section of {} leaves {beyond}, and those of its steps undo that too", name.display())
        }));
        fixed.notes.extend(rewrite.emission.notes);
        merge(&mut fixed.changes, rewrite.emission.changes.iter().map(|it| from_project(engine, it)).collect());
    }
    fixed.changes.sort_by(|a, b| a.path.cmp(&b.path));
    if !fixed.changes.is_empty() {
        fixed.notes.extend(emit::checksums(&engine.files, &view.history));
    }
    fixed
}

/// The moves of later files that make room for all rewrites. A rewrite for which there is none is given up.
fn room(
    engine: &Engine,
    options: &Options,
    view: &HistoryView,
    judged: &mut [(&FileView, Found, Attempt)],
) -> emit::Moves {
    let needed = |attempt: &Attempt| attempt.rewrite.as_ref().is_some_and(|it| !it.emission.moves.is_empty());
    while judged.iter().any(|(_, _, attempt)| needed(attempt)) {
        let extra = judged.iter().filter_map(|(file, _, attempt)| {
            let emission = &attempt.rewrite.as_ref()?.emission;
            Some((view.migration(file).path.clone(), emission.files().saturating_sub(1)))
        });
        match emit::make_room(&engine.files, &view.history, &extra.collect(), options.all_files) {
            Ok(moves) => return moves,
            Err((path, why)) => {
                let asks =
                    |it: &&mut (&FileView, Found, Attempt)| it.2.rewrite.is_some() && view.migration(it.0).path == path;
                let Some((file, found, attempt)) = judged.iter_mut().find(asks) else { break };
                *attempt = refuse(file, found, &BTreeMap::new(), Some(&why));
            }
        }
    }
    emit::Moves::new()
}

/// A rewrite on files that have made room and hold the rewrites of earlier migrations: its own file is at `path`, and the
/// version before it may be another.
fn place(
    engine: &Engine,
    options: &Options,
    now: &History,
    view: &HistoryView,
    (file, path): (&FileView, &PathBuf),
    rewrite: Rewrite,
) -> Result<Rewrite, String> {
    let migration = now.migrations.iter().find(|it| it.path == *path).unwrap_or(view.migration(file));
    let Options { all_files, one_file, editor, .. } = *options;
    let wishes = emit::Options { changed: rewrite.changed, all_files, one_file, editor };
    let emission = emit::emit(&engine.files, now, migration, &rewrite.plan, &wishes).map_err(|why| why.0)?;
    if emission.changes == rewrite.emission.changes {
        return Ok(rewrite);
    }
    let after = read_back(engine, options, now, view, file, &emission)?;
    let found = after.files.iter().map(|file| findings::find(engine, options, &after, file)).collect();
    Ok(Rewrite { emission, after, found, ..rewrite })
}

/// What `--fix` at that class would write for each migration that it would change.
pub(crate) fn plan(
    engine: &Engine,
    options: &Options,
    histories: &[HistoryView],
    class: Class,
) -> (Vec<Planned>, Sources) {
    let mut planned = Vec::new();
    let mut sources = Sources::default();
    for history in histories {
        for file in &history.files {
            let (it, _) = plan_file(engine, options, history, file, class);
            sources.insert(it.path.clone(), history.migration(file).text.clone());
            if !it.parts.is_empty() || !it.withheld.is_empty() {
                planned.push(it);
            }
        }
    }
    (planned, sources)
}

/// Every migration beside what `--fix` at that class would run instead.
pub(crate) fn compare(engine: &Engine, options: &Options, histories: &[HistoryView], class: Class) -> Vec<Comparison> {
    let mut compared = Vec::new();
    for history in histories {
        for file in &history.files {
            let (planned, after) = plan_file(engine, options, history, file, class);
            let up = |after: HistoryView| -> Vec<ExplainedSection> {
                let files = after.files.iter();
                files.flat_map(|file| explain::sections(&after, file).into_iter().take(1)).collect()
            };
            compared.push(Comparison {
                before: explain::sections(history, file),
                planned: Some(planned),
                after: after.map_or_else(Vec::new, up),
            });
        }
    }
    compared
}

/// The plan of one migration, and the migrations that it makes of it.
fn plan_file(
    engine: &Engine,
    options: &Options,
    history: &HistoryView,
    file: &FileView,
    class: Class,
) -> (Planned, Option<HistoryView>) {
    let found = findings::find(engine, options, history, file);
    let attempt = attempt(&Task { engine, options, view: history, file, found: &found }, class);
    let withheld = found.findings.iter().zip(&attempt.outcome).filter_map(|((_, finding), outcome)| {
        let reason = outcome.as_ref().err()?.clone()?;
        Some(Withheld { statement: finding.statement, span: finding.span, reason })
    });
    let rewrite = attempt.rewrite.as_ref();
    let planned = Planned {
        path: findings::shown(engine, &history.migration(file).path),
        class: rewrite.map_or(Class::Safe, |rewrite| rewrite.plan.class),
        assumptions: rewrite.map_or_else(Vec::new, |rewrite| rewrite.plan.assumptions.clone()),
        parts: rewrite.map_or_else(Vec::new, |rewrite| parts(engine, file, rewrite)),
        withheld: withheld.collect(),
    };
    (planned, attempt.rewrite.map(|rewrite| rewrite.after))
}

/// Rules whose findings name operations have recipes; so have missing timeouts, which emission writes.
fn has_recipe(finding: &rules::Finding) -> bool {
    !finding.operations.is_empty() || finding.rule.group == Group::Timeout
}

/// One rewrite does all that another run would do with what it writes: what its files still say about statements of the
/// original is treated too. A rule tells one place of several, and the next only when that is gone; and what is harmless
/// where a table is new may not be so in a file of its own.
fn attempt(task: &Task, class: Class) -> Attempt {
    let Task { file, found, .. } = *task;
    let mut best = attempt_once(task, class, &BTreeSet::new());
    // Who wants one finding treated gets no more than that.
    if found.wanted.len() < found.findings.len() {
        return best;
    }
    // What was treated where its table is old is treated as well as it can be.
    let judged = &file.sections[0].trace.judged;
    let is_old = |(statement, operation): &(usize, usize)| {
        let operation = judged.get(*statement).and_then(|judged| judged.operations.get(*operation));
        operation.is_none_or(|it| it.effects.iter().all(|effect| effect.born == Born::Before))
    };
    let known: BTreeSet<(usize, usize)> = wanted(found).filter(is_old).collect();
    let mut apart = BTreeSet::new();
    loop {
        let new = |it: &&(usize, usize)| !known.contains(it) && !apart.contains(*it);
        let more: Vec<(usize, usize)> = best.still_told.iter().filter(new).copied().collect();
        apart.extend(more.iter().copied());
        let next = if more.is_empty() { return best } else { attempt_once(task, class, &apart) };
        let higher = best.higher.into_iter().chain(next.higher).min();
        let told = |rewrite: &Rewrite| levels(rewrite.found.iter().flat_map(|found| &found.findings));
        match (&best.rewrite, &next.rewrite) {
            (_, None) => return Attempt { higher, ..best },
            (Some(before), Some(after)) if told(after) >= told(before) => return Attempt { higher, ..best },
            _ => best = Attempt { higher, ..next },
        }
    }
}

/// The operations that a rewrite is to treat.
fn wanted(found: &Found) -> impl Iterator<Item = (usize, usize)> {
    let wanted = found.wanted.iter().filter_map(|at| found.findings.get(*at)).filter(|(section, _)| *section == 0);
    wanted.flat_map(|(_, finding)| &finding.operations).copied()
}

/// The operations of the original that the files of a rewrite still have findings about. What stays of a statement that was
/// taken apart stands for the operations of its kind.
fn still_told(file: &FileView, plan: &Plan, after: &HistoryView, after_found: &[Found]) -> BTreeSet<(usize, usize)> {
    let mut told = BTreeSet::new();
    for (new, found) in after.files.iter().zip(after_found) {
        let up = found.findings.iter().filter(|(section, _)| *section == 0);
        told.extend(up.flat_map(|(_, it)| &it.operations).flat_map(|it| originals(file, plan, &new.sections[0], *it)));
    }
    told
}

/// The operations of the original that one of a written file stands for.
fn originals(
    file: &FileView,
    plan: &Plan,
    new: &SectionView,
    (statement, operation): (usize, usize),
) -> Vec<(usize, usize)> {
    let original = &file.sections[0];
    let Some(kept) = new.script.statements.get(statement) else { return Vec::new() };
    let text = &kept.parsed.text;
    let same = original.script.statements.iter().enumerate().filter(|(_, it)| it.parsed.text == *text);
    let same: Vec<(usize, usize)> = same.map(|(at, _)| (at, operation)).collect();
    if !same.is_empty() {
        return same;
    }
    let kind = new.trace.judged[statement].operations.get(operation).map(|it| it.kind);
    let steps = plan.parts.iter().flat_map(|part| &part.steps).filter(|step| step.sql.contains(&**text));
    let of_kind = |at: usize| {
        let operations = original.trace.judged[at].operations.iter().enumerate();
        operations.filter(|(_, it)| Some(it.kind) == kind).map(move |(operation, _)| (at, operation))
    };
    steps.flat_map(|step| step.from.iter().copied()).flat_map(of_kind).collect()
}

/// Why a written file still has a finding: what was said of the operations of the original that it is about.
fn why_left(file: &FileView, plan: &Plan, new: &FileView, it: &(usize, rules::Finding)) -> Option<String> {
    let own = it.1.operations.iter().filter(|_| it.0 == 0);
    let mut originals = own.flat_map(|operation| originals(file, plan, &new.sections[0], *operation));
    let refused = |it: (usize, usize)| plan.withheld.iter().find(|known| (known.0, known.1) == it);
    originals.find_map(refused).map(|(.., reason)| reason.clone()).or_else(|| kept(new, it))
}

/// Why what a finding is about stays as it is although nothing was refused.
fn kept(file: &FileView, (section, finding): &(usize, rules::Finding)) -> Option<String> {
    let judged = &file.sections[*section].trace.judged;
    let mut operations = finding.operations.iter();
    let reason = match section {
        0 => operations.find_map(|it| rewrite::stays(judged.get(it.0)?.operations.get(it.1)?.kind)),
        _ => operations.next().map(|_| "a Down section is divided among the files of a rewrite, not rewritten"),
    };
    reason.map(str::to_owned)
}

/// One rewrite of the wanted findings. The operations in `apart` are treated too, as if their tables were there before. Where
/// the files would fail at some tables, what is done to those is left out.
fn attempt_once(task: &Task, class: Class, apart: &BTreeSet<(usize, usize)>) -> Attempt {
    let judged = &task.file.sections[0].trace.judged;
    // One name stands for several tables then.
    let path = |it: &&Statement| matches!(&*it.parsed.kind, StatementKind::Set(it) if it.name == "search_path");
    let changes_path = task.file.sections[0].script.statements.iter().filter(path).count() > 1;
    let mut chosen: Vec<(usize, usize)> = wanted(task.found).chain(apart.iter().copied()).collect();
    let mut left_out: BTreeMap<(usize, usize), String> = BTreeMap::new();
    loop {
        let (attempt, broken) = attempt_chosen(task, class, apart, &chosen, &left_out);
        let Some(Broken { why, relations, .. }) = broken.filter(|_| !changes_path) else {
            return or_timeouts(task, class, attempt);
        };
        let blamed = |it: &(usize, usize)| {
            let operation = judged.get(it.0).and_then(|judged| judged.operations.get(it.1));
            operation.and_then(|it| it.relation.as_ref()).is_some_and(|it| relations.contains(it))
        };
        let known = left_out.len();
        left_out.extend(chosen.extract_if(.., |it| blamed(it)).map(|it| (it, why.clone())));
        if chosen.is_empty() || left_out.len() == known {
            return or_timeouts(task, class, attempt);
        }
    }
}

/// Where a rewrite is refused, missing timeouts are set all the same.
fn or_timeouts(task: &Task, class: Class, attempt: Attempt) -> Attempt {
    let Found { findings, wanted, .. } = task.found;
    let missing = wanted.iter().any(|at| findings.get(*at).is_some_and(|(_, it)| it.rule.group == Group::Timeout));
    if attempt.rewrite.is_some() || !attempt.changed || !missing {
        return attempt;
    }
    let (timeouts, _) = attempt_chosen(task, class, &BTreeSet::new(), &[], &BTreeMap::new());
    if timeouts.rewrite.is_none() {
        return attempt;
    }
    let outcome = attempt.outcome.into_iter().zip(timeouts.outcome);
    let outcome = outcome.map(|(why, now)| if now.is_ok() { now } else { why }).collect();
    Attempt { rewrite: timeouts.rewrite, outcome, ..attempt }
}

fn attempt_chosen(
    task: &Task,
    class: Class,
    apart: &BTreeSet<(usize, usize)>,
    chosen: &[(usize, usize)],
    left_out: &BTreeMap<(usize, usize), String>,
) -> (Attempt, Option<Broken>) {
    let Task { engine, options, view, file, found } = *task;
    let now = &*view.history;
    let migration = view.migration(file);
    let section = &file.sections[0];
    let unit = &migration.units[section.unit];
    let parameters = rewrite::Parameters {
        batch: u32::try_from(now.config.batch_size).unwrap_or(u32::MAX),
        pause: u32::try_from(now.config.pause_ms).unwrap_or(u32::MAX),
    };
    let outcome = rewrite::rewrite(&rewrite::Request {
        text: &unit.text,
        section: unit.span,
        options: &unit.options,
        script: &section.script,
        trace: &section.trace,
        session: &section.session,
        runner: &unit.runner,
        marks: &unit.marks,
        chosen,
        apart,
        allowed: class,
        parameters,
    });
    let refused: BTreeMap<(usize, usize), &str> = outcome
        .plan
        .withheld
        .iter()
        .map(|(statement, operation, reason)| ((*statement, *operation), reason.as_str()))
        .chain(left_out.iter().map(|(it, why)| (*it, why.as_str())))
        .collect();
    let higher = outcome.higher;
    let refuse = |why: Option<&str>| Attempt { higher, changed: outcome.changed, ..refuse(file, found, &refused, why) };
    let Options { all_files, one_file, editor, .. } = *options;
    let wishes = emit::Options { changed: outcome.changed, all_files, one_file, editor };
    let mut plan = outcome.plan.clone();
    let (emission, after, after_found) = loop {
        let emission = match emit::emit(&engine.files, now, migration, &plan, &wishes) {
            Ok(emission) => emission,
            Err(why) => return (refuse(Some(&why.0)), None),
        };
        if emission.changes.is_empty() {
            return (refuse(None), None);
        }
        let after = match read_back(engine, options, now, view, file, &emission) {
            Ok(after) => after,
            Err(why) => return (refuse(Some(&why)), None),
        };
        let after_found: Vec<Found> =
            after.files.iter().map(|file| findings::find(engine, options, &after, file)).collect();
        let Err(broken) = prove(file, found, &after, &after_found) else { break (emission, after, after_found) };
        // An inverse of ours may meet what another statement has undone.
        if !broken.undoing.as_ref().is_some_and(|statement| rewrite::inverse::forgive(&mut plan, statement)) {
            let still_told = still_told(file, &plan, &after, &after_found);
            return (Attempt { still_told, ..refuse(Some(&broken.why)) }, Some(broken));
        }
    };
    let still_told = still_told(file, &plan, &after, &after_found);
    let mut left: Vec<&rules::Finding> =
        after_found.iter().flat_map(|found| &found.findings).map(|(_, finding)| finding).collect();
    let outcome_of = |it: &(usize, rules::Finding)| -> Result<(), Option<String>> {
        if let Some(reason) = reason_of(it, &refused) {
            return Err(Some(reason));
        }
        let finding = &it.1;
        // Missing timeouts are gathered per transaction, so that what is left of them may be worded otherwise.
        let same = |it: &&rules::Finding| {
            it.rule.name == finding.rule.name && (finding.operations.is_empty() || it.message == finding.message)
        };
        let Some(at) = left.iter().position(same) else { return Ok(()) };
        left.remove(at);
        Err(kept(file, it))
    };
    let outcomes = found.findings.iter().map(outcome_of).collect();
    let changed = outcome.changed;
    let rewrite = Rewrite { plan, changed, emission, after, found: after_found };
    (Attempt { outcome: outcomes, rewrite: Some(rewrite), still_told, higher, changed }, None)
}

/// No rewrite: each finding says why its own operations were refused, or else why the whole is.
fn refuse(file: &FileView, found: &Found, refused: &BTreeMap<(usize, usize), &str>, why: Option<&str>) -> Attempt {
    let outcome_of = |it: &(usize, rules::Finding)| {
        let why = why.filter(|_| has_recipe(&it.1)).map(str::to_owned);
        Err(reason_of(it, refused).or(why).or_else(|| kept(file, it)))
    };
    let outcome = found.findings.iter().map(outcome_of).collect();
    Attempt { rewrite: None, outcome, still_told: BTreeSet::new(), higher: None, changed: false }
}

/// Why the operations of a finding about the Up section were refused.
fn reason_of((section, finding): &(usize, rules::Finding), refused: &BTreeMap<(usize, usize), &str>) -> Option<String> {
    let mut own = finding.operations.iter().filter(|_| *section == 0);
    own.find_map(|operation| refused.get(operation)).map(|reason| (*reason).to_owned())
}

/// The migrations of a rewrite as the tool would read them, judged from where the original began.
fn read_back(
    engine: &Engine,
    options: &Options,
    now: &History,
    view: &HistoryView,
    file: &FileView,
    emission: &Emission,
) -> Result<HistoryView, String> {
    let files = engine.files.with(&emission.changes);
    let ours: Vec<PathBuf> = emission.parts.iter().map(|part| part.path.clone()).collect();
    let pending = view.migration(file).pending;
    let migrations =
        project::load::reread(&files, now, &ours, pending).map_err(|error| format!("reading back: {error}"))?;
    let history = now.with(migrations);
    let section = &file.sections[0];
    let begin = view::Begin { schema: section.trace.before.clone(), session: section.session.clone() };
    let mut judged = view::judge(engine, options, history, view.settings.clone(), begin, |_| true);
    undo(&mut judged);
    Ok(judged)
}

/// Judges the Down sections as they run: the last file first, each on what those after it left.
fn undo(view: &mut HistoryView) {
    let mut schema = view.latest.clone();
    for file in view.files.iter_mut().rev() {
        let migration = &view.history.migrations[file.migration];
        for section in file.sections.iter_mut().skip(1) {
            let unit = Unit { script: &section.script, runner: &migration.units[section.unit].runner };
            section.trace = Arc::new(trace(&schema, &Session::default(), &unit, &view.settings));
            schema = section.trace.after.aged(&schema, view::born(migration));
        }
    }
}

fn parts(engine: &Engine, file: &FileView, rewrite: &Rewrite) -> Vec<PlannedPart> {
    let original = &file.sections[0].trace;
    let mut in_place = (!rewrite.changed).then(|| in_place(file, rewrite));
    let part = |emitted: &emit::Emitted| {
        let steps = &rewrite.plan.parts[emitted.part].steps[emitted.steps.clone()];
        let mut from: Vec<usize> = steps.iter().flat_map(|step| step.from.iter().copied()).collect();
        from.sort_unstable();
        from.dedup();
        let before =
            from.iter().filter_map(|at| original.judged.get(*at)).flat_map(|judged| judged.effects_under_locks());
        PlannedPart {
            path: findings::shown(engine, &emitted.path),
            transaction: emitted.transaction,
            sql: match in_place.as_mut().and_then(Iterator::next) {
                Some(sql) => sql,
                None => steps.iter().map(|step| step.sql.as_str()).collect::<Vec<_>>().join("\n"),
            },
            before: strongest(before),
            after: strongest(steps.iter().flat_map(|step| step.effects.clone())),
            after_deploy: steps.iter().find_map(|step| step.after_deploy.clone()),
            from,
        }
    };
    rewrite.emission.parts.iter().map(part).collect()
}

/// The text of each part where the statements stay and only timeouts come between them.
fn in_place<'a>(file: &'a FileView, rewrite: &'a Rewrite) -> impl Iterator<Item = String> + 'a {
    let original = &file.sections[0].script.statements;
    let new = &rewrite.after.files[0];
    let section = &new.sections[0];
    let text = &rewrite.after.migration(new).units[section.unit].text;
    let mut rest = section.script.statements.iter();
    let mut position = section.script.statements.first().map_or(text.len(), |it| it.span.start as usize);
    rewrite.plan.parts.iter().enumerate().map(move |(number, part)| {
        let start = position;
        for at in part.steps.iter().flat_map(|step| &step.from) {
            let same = |it: &&Statement| original.get(*at).is_some_and(|old| old.parsed.text == it.parsed.text);
            position = rest.by_ref().find(same).map_or(position, |it| it.end as usize);
        }
        // Behind the last part the timeouts are taken back.
        if number + 1 == rewrite.plan.parts.len() {
            position = rest.by_ref().last().map_or(position, |it| it.end as usize);
        }
        text[start..position].trim().to_owned()
    })
}

/// The fix as diagnostics tell it.
fn told(engine: &Engine, migration: &Migration, rewrite: &Rewrite) -> Fix {
    let changes: Vec<FileChange> = rewrite.emission.changes.iter().map(|change| from_project(engine, change)).collect();
    let own = findings::shown(engine, &migration.path);
    let (edits, files) = match changes.as_slice() {
        [FileChange { path, old: Some(old), new: Some(new) }] if *path == own => (vec![edit(old, new)], Vec::new()),
        _ => (Vec::new(), changes),
    };
    let title = match (rewrite.emission.files(), rewrite.plan.parts.len()) {
        _ if !rewrite.changed => "set timeouts where they are missing".to_owned(),
        (0 | 1, 0 | 1) => "rewrite the migration".to_owned(),
        (0 | 1, parts) => format!("rewrite the migration into {parts} parts"),
        (files, _) => format!("split the migration into {files} files"),
    };
    Fix { title, class: rewrite.plan.class, assumptions: rewrite.plan.assumptions.clone(), edits, files }
}

/// The one replacement that makes `new` of `old`.
fn edit(old: &str, new: &str) -> Edit {
    let head = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    let head = (0..=head).rev().find(|at| old.is_char_boundary(*at) && new.is_char_boundary(*at)).unwrap_or_default();
    let room = old.len().min(new.len()) - head;
    let tail = old.bytes().rev().zip(new.bytes().rev()).take(room).take_while(|(a, b)| a == b).count();
    let boundary = |tail: &usize| old.is_char_boundary(old.len() - tail) && new.is_char_boundary(new.len() - tail);
    let tail = (0..=tail).rev().find(boundary).unwrap_or_default();
    Edit { span: Span::new(head, old.len() - tail), text: new[head..new.len() - tail].to_owned() }
}

/// The history with the files that a rewrite left.
fn after(history: History, files: &Files, changes: &[emit::FileChange], pending: Option<bool>) -> History {
    let changed = |path: &PathBuf| changes.iter().any(|change| change.path == *path);
    let written = changes.iter().filter(|change| change.new.is_some());
    let written: Vec<PathBuf> = written.map(|change| change.path.clone()).collect();
    // What was read back a moment ago can be read again.
    let new = project::load::reread(files, &history, &written, pending).unwrap_or_default();
    let mut migrations: Vec<Migration> = history.migrations.iter().filter(|it| !changed(&it.path)).cloned().collect();
    migrations.retain(|it| !new.iter().any(|new| new.path == it.path));
    migrations.extend(new);
    migrations.sort_by(|a, b| a.key.cmp(&b.key));
    history.with(migrations)
}

/// Adds changes to changes: a file that changes again keeps its first `old`.
fn merge(all: &mut Vec<FileChange>, more: Vec<FileChange>) {
    for change in more {
        match all.iter_mut().find(|known| known.path == change.path) {
            Some(known) => known.new = change.new,
            None => all.push(change),
        }
    }
    // What one rewrite created and a later one moved was never there.
    all.retain(|change| change.old.is_some() || change.new.is_some());
}

fn from_project(engine: &Engine, change: &emit::FileChange) -> FileChange {
    FileChange {
        path: findings::shown(engine, &change.path),
        old: change.old.as_deref().map(str::to_owned),
        new: change.new.clone(),
    }
}

pub(crate) fn to_project(files: &Files, change: &FileChange) -> emit::FileChange {
    emit::FileChange {
        path: files.absolute(&change.path),
        old: change.old.as_deref().map(Into::into),
        new: change.new.clone(),
    }
}
