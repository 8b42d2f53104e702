//! From the request to the plan: expand, arrange, prove; what cannot be proven is left out and the rest tried again.

use std::collections::BTreeMap;

use model::effect::{Effect, FailsWhen, OperationKind, Work, blocks_reads, blocks_writes};
use model::name::QName;
use model::plan::{Class, Inverse, Mode, Part, Plan, Recovery, Step};
use model::runner::Messages;
use model::schema::{Born, Schema};
use model::trace::{Judged, Opener, Settings, Trace, Unit, trace};
use syntax::ast::{ObjectKind, Statement, StatementKind};

use crate::draft::Role;
use crate::execute::{Executed, alone, execute};
use crate::expand::{Expansion, Item, expand};
use crate::facts::{self, Facts, Old, facts};
use crate::gaps::{Gap, State};
use crate::losses::Loss;
use crate::schedule::{Freedom, Group, Wishes, arrange};
use crate::settings::is_timeout;
use crate::{Outcome, Request, bonds, copies, equivalence, fills, gaps, obstacles, recovery, twice};

pub(crate) type Chosen = (usize, usize);

/// Why a plan cannot be used, and which operations are to blame; nobody when that is not known.
pub(crate) struct Refusal {
    pub operations: Vec<Chosen>,
    pub reason: String,
}

pub(crate) fn plan(request: &Request) -> Outcome {
    match statement_by_statement(request) {
        Apart::Same => proven(request, false),
        Apart::Runs(trace) => proven(&Request { trace: &trace, ..*request }, true),
        Apart::Fails(statement, why) => {
            let reason = format!(
                "statement {} fails as it stands: {why}; mend it first, since of a split file what stands before it would stay",
                statement + 1
            );
            unchanged(request, request.chosen.iter().map(|it| (*it, reason.clone())).collect())
        }
    }
}

/// What the statements of a migration do one by one.
enum Apart {
    /// What they do together.
    Same,
    /// They run, though not together.
    Runs(Box<Trace>),
    /// This one fails on each major in range, and takes back with it what stands before it in its transaction.
    Fails(usize, String),
}

/// When the original fails only because of the transaction it runs in (a new enum value is used, an index is built
/// concurrently), what it means is what its statements do one by one.
fn statement_by_statement(request: &Request) -> Apart {
    let always = |judged: &Judged| judged.fails.as_ref().is_some_and(|it| it.when == FailsWhen::Always);
    if let Some(newer) = request.script.statements.iter().enumerate().find_map(|it| newer(request, it)) {
        return newer;
    }
    if !request.trace.judged.iter().any(always) {
        return Apart::Same;
    }
    let runner = alone(request.runner);
    let settings = Settings { majors: request.trace.majors.clone(), external_timeouts: true };
    let mut script = request.script.clone();
    let control = |it: &Statement| matches!(*it.parsed.kind, StatementKind::Transaction { .. });
    script.statements.retain(|it| !control(it));
    let mut apart =
        trace(&request.trace.before, request.session, &Unit { script: &script, runner: &runner }, &settings);
    // Transactions are still those of the original.
    let mut judged = apart.judged.into_iter();
    let mut all = Vec::with_capacity(request.trace.judged.len());
    for (statement, original) in request.script.statements.iter().zip(&request.trace.judged) {
        if control(statement) {
            all.push(original.clone());
        } else if let Some(judged) = judged.next() {
            all.push(judged.placed_as(original));
        }
    }
    let everywhere = (*request.trace.majors.start(), *request.trace.majors.end());
    if let Some((index, judged)) = all.iter().enumerate().find(|(_, judged)| always(judged)) {
        let failure = judged.fails.as_ref().filter(|it| it.majors == everywhere);
        let failure = failure.filter(|_| shared_transaction(judged).is_some());
        return failure.map_or(Apart::Same, |failure| Apart::Fails(index, failure.message.clone()));
    }
    apart.judged = all;
    apart.transactions.clone_from(&request.trace.transactions);
    Apart::Runs(Box::new(apart))
}

/// A statement that no major in range takes.
fn newer(request: &Request, (index, statement): (usize, &Statement)) -> Option<Apart> {
    let needs = statement.parsed.needs.as_ref().filter(|it| it.major > *request.trace.majors.end())?;
    shared_transaction(&request.trace.judged[index])?;
    Some(Apart::Fails(index, format!("{} needs PostgreSQL {}", needs.construct, needs.major)))
}

fn proven(request: &Request, failing: bool) -> Outcome {
    let mut withheld: BTreeMap<Chosen, String> = BTreeMap::new();
    let mut chosen: Vec<Chosen> = request.chosen.to_vec();
    chosen.sort_unstable();
    chosen.dedup();
    chosen.retain(|(statement, operation)| {
        request.trace.judged.get(*statement).is_some_and(|judged| *operation < judged.operations.len())
    });
    if chosen.is_empty() {
        return unchanged(request, withheld);
    }
    if let Some(reason) = obstacles::incomprehensible(request) {
        withheld.extend(chosen.iter().map(|it| (*it, reason.clone())));
        return unchanged(request, withheld);
    }
    for bond in bonds::bonds(request) {
        let bound = |it: &Chosen| bond.statements.contains(&it.0);
        let reason = format!("it stays in one transaction with its neighbours: {}", bond.reason);
        withheld.extend(chosen.iter().filter(|it| bound(it)).map(|it| (*it, reason.clone())));
        chosen.retain(|it| !bound(it));
    }
    let mut higher = None;
    let outcome = prove_all(request, failing, chosen, withheld, &mut higher);
    Outcome { higher, ..outcome }
}

/// Every round leaves at least one operation out. What waits for a `higher` class is known after the first.
fn prove_all(
    request: &Request,
    failing: bool,
    mut chosen: Vec<Chosen>,
    mut withheld: BTreeMap<Chosen, String>,
    higher: &mut Option<Class>,
) -> Outcome {
    loop {
        let isolated: Vec<Chosen> = withheld.keys().copied().collect();
        let expansion = expand(request, &chosen, &isolated, failing);
        *higher = higher.or(expansion.higher);
        if !expansion.withheld.is_empty() {
            for (statement, operation, reason) in expansion.withheld {
                chosen.retain(|it| *it != (statement, operation));
                withheld.insert((statement, operation), reason);
            }
            continue;
        }
        let refusal = match attempt(request, &expansion, Freedom::Independent) {
            Ok(plan) => return finish(request, plan, withheld),
            Err(Refusal { operations, .. }) if operations.is_empty() => {
                match attempt(request, &expansion, Freedom::None) {
                    Ok(plan) => return finish(request, plan, withheld),
                    Err(refusal) => refusal,
                }
            }
            Err(refusal) => refusal,
        };
        let blamed = if refusal.operations.is_empty() { guilty(request, &chosen, failing) } else { refusal.operations };
        if blamed.is_empty() || chosen.is_empty() {
            withheld.extend(chosen.iter().map(|it| (*it, refusal.reason.clone())));
            return unchanged(request, withheld);
        }
        chosen.retain(|it| !blamed.contains(it));
        withheld.extend(blamed.into_iter().map(|it| (it, refusal.reason.clone())));
    }
}

/// The operations that cannot be proven even alone; the last one when each of them can.
fn guilty(request: &Request, chosen: &[Chosen], failing: bool) -> Vec<Chosen> {
    let alone = |it: &Chosen| {
        let expansion = expand(request, std::slice::from_ref(it), &[], failing);
        attempt(request, &expansion, Freedom::None).is_err()
    };
    let found: Vec<Chosen> = chosen.iter().copied().filter(alone).collect();
    if found.is_empty() { chosen.last().copied().into_iter().collect() } else { found }
}

fn finish(request: &Request, plan: Plan, withheld: BTreeMap<Chosen, String>) -> Outcome {
    let verbatim = plan.parts.iter().flat_map(|part| &part.steps).all(|step| step.verbatim);
    if verbatim && !splits(request, &plan) {
        return unchanged(request, withheld);
    }
    Outcome { plan: Plan { withheld: listed(request, withheld), ..plan }, changed: true, higher: None }
}

fn listed(request: &Request, mut withheld: BTreeMap<Chosen, String>) -> Vec<(usize, usize, String)> {
    for it in request.chosen.iter().filter(|it| lacks_value(request, it)) {
        withheld
            .entry(*it)
            .or_insert_with(|| "only its author knows what the rows that are there shall hold; add the column with a DEFAULT, or nullable, and fill it before SET NOT NULL".to_owned());
    }
    withheld.into_iter().map(|((statement, operation), reason)| (statement, operation, reason)).collect()
}

/// It adds a NOT NULL column for which the rows that are there have no value.
fn lacks_value(request: &Request, (statement, operation): &Chosen) -> bool {
    let Some(judged) = request.trace.judged.get(*statement) else { return false };
    let fails = judged.fails.as_ref().filter(|it| it.when == FailsWhen::NotEmpty);
    let added = judged.operations.get(*operation).filter(|it| it.kind == OperationKind::AddColumn);
    fails.zip(added).is_some_and(|(failure, it)| it.span.contains(failure.span))
}

/// Two statements of one transaction of the original stand in different parts, or one that cannot run there has left it.
fn splits(request: &Request, plan: &Plan) -> bool {
    let mut part_of: BTreeMap<u32, usize> = BTreeMap::new();
    for (index, part) in plan.parts.iter().enumerate() {
        for statement in part.steps.iter().flat_map(|step| &step.from) {
            let Some(judged) = request.trace.judged.get(*statement) else { continue };
            let Some(transaction) = shared_transaction(judged) else { continue };
            if !part.transaction || *part_of.entry(transaction).or_insert(index) != index {
                return true;
            }
        }
    }
    false
}

/// The transaction that holds the statement together with others.
pub(crate) fn shared_transaction(judged: &Judged) -> Option<u32> {
    let shared = judged.transaction.opened_by != Opener::Nobody && judged.transaction.inside != Some(false);
    shared.then_some(judged.transaction.id)
}

/// The original in parts, one per transaction.
fn unchanged(request: &Request, withheld: BTreeMap<Chosen, String>) -> Outcome {
    let expansion = expand(request, &[], &[], false);
    let mut groups: Vec<(Option<u32>, Group)> = Vec::new();
    for (index, item) in expansion.items.iter().enumerate() {
        let judged = request.trace.judged.get(item.statement);
        let transaction = judged.and_then(shared_transaction);
        match groups.last_mut() {
            Some((last, group)) if transaction.is_some() && *last == transaction => group.steps.push(index),
            _ => {
                let alone = item.draft.mode != Mode::NonTx;
                groups.push((transaction, Group { transaction: transaction.is_some() || alone, steps: vec![index] }));
            }
        }
    }
    let groups: Vec<Group> = groups.into_iter().map(|(_, group)| group).collect();
    let old = Old::of(request);
    let marks: Vec<Marks> = expansion
        .items
        .iter()
        .map(|item| marks(&request.trace.judged[item.statement], &request.script.statements[item.statement], &old))
        .collect();
    let mut plan = assemble(&expansion, &groups, &marks);
    plan.withheld = listed(request, withheld);
    Outcome { plan, changed: false, higher: None }
}

/// One way to arrange the steps, proven or refused.
fn attempt(request: &Request, expansion: &Expansion, freedom: Freedom) -> Result<Plan, Refusal> {
    let items = &expansion.items;
    let facts = facts(request, items)?;
    // The reason that says most comes last.
    let mut together: BTreeMap<_, _> = twice::pairs(request, items).into_iter().collect();
    together.extend(given_back(request, items, &facts));
    together.extend(copies::pairs(request, items, &facts));
    let mut wishes = Wishes { together, near: granted(request, items, &facts), ..Wishes::default() };
    let (groups, executed) = loop {
        let groups = arrange(items, &facts, freedom, &wishes).map_err(|apart| Refusal {
            operations: apart.steps.into_iter().flat_map(|step| operations(&items[step])).collect(),
            reason: apart.reason,
        })?;
        settings_reach(request, expansion, &groups)?;
        let executed = execute(request, items, &groups)?;
        let gaps = gaps(request, &groups, &executed);
        // What takes something away comes late, and only when that is not enough beside what gives it back.
        let known = (wishes.waiting.len(), wishes.together.len());
        wishes.waiting.extend(gaps.iter().map(|gap| gap.early));
        wishes.together.extend(half_way(request, items, &facts, &groups));
        if known.0 == wishes.waiting.len() {
            wishes.together.extend(gaps.iter().map(|gap| ((gap.early, gap.late), gap.to_string())));
        }
        if known == (wishes.waiting.len(), wishes.together.len()) {
            without_gap(request, items, gaps)?;
            break (groups, executed);
        }
    };
    for (index, item) in items.iter().enumerate() {
        if let Some((transaction, statement, judged)) = executed.get(&index) {
            harmless(request, item, transaction, statement, judged)?;
        }
    }
    let differences = equivalence::differences(&request.trace.after, &executed.after);
    if !differences.is_empty() {
        let reason = format!("the steps would not lead to the same schema: {}", differences.join("; "));
        return Err(Refusal { operations: Vec::new(), reason });
    }
    let old = Old::of(request);
    let marks: Vec<Marks> = (0..items.len())
        .map(|index| {
            let Some((_, statement, judged)) = executed.get(&index) else { return Marks::default() };
            let recovery = recovery::of(request, &expansion.items, index, statement, judged);
            let group = groups.iter().find(|group| group.steps.contains(&index));
            let begin = group.and_then(|group| executed.get(&group.steps[0])).map(|(_, _, judged)| judged.before());
            let mut marks = Marks { recovery, ..marks(judged, statement, &old) };
            // What the migration drops and makes anew is in use again as soon as the part that makes it commits.
            for effect in marks.effects.iter_mut().filter(|it| it.born != Born::Before) {
                let table = effect.on.as_ref().unwrap_or(&effect.relation);
                let made = |schema: &Schema| schema.relations.get(table).is_some_and(|it| it.born != Born::Before);
                if request.trace.before.relations.contains_key(table) && begin.is_some_and(made) {
                    marks.blocks |= judged.blocked.iter().any(|it| !it.rows && it.relation == *table);
                    effect.born = Born::Before;
                }
            }
            marks
        })
        .collect();
    Ok(assemble(expansion, &groups, &marks))
}

/// What takes something away, with the last step that gives it back at once.
fn given_back(request: &Request, items: &[Item], facts: &[Facts]) -> BTreeMap<(usize, usize), String> {
    let transaction = |step: usize| &request.trace.judged[items[step].statement].transaction;
    let mut found = BTreeMap::new();
    for (early, taking) in facts.iter().enumerate() {
        let at_once = |late: &usize| transaction(early).may_share(transaction(*late));
        let later = || (early + 1..facts.len()).rev().filter(at_once);
        for loss in &taking.takes {
            let Some(late) = later().find(|late| facts[*late].gives.contains(loss)) else { continue };
            // The columns of a renamed type follow after the new one is there.
            let late = match &*request.script.statements[items[early].statement].parsed.kind {
                StatementKind::Rename(it) if it.object == ObjectKind::Type => later()
                    .find(|late| fills::mentions(&items[*late].draft.sql, &it.new_name))
                    .unwrap_or(late)
                    .max(late),
                _ => late,
            };
            found.insert((early, late), loss.to_string());
        }
    }
    found
}

/// What makes an object, with what lets others use it.
fn granted(request: &Request, items: &[Item], facts: &[Facts]) -> Vec<(usize, usize)> {
    let kind = |step: usize| &*request.script.statements[items[step].statement].parsed.kind;
    let transaction = |step: usize| &request.trace.judged[items[step].statement].transaction;
    let mut found = Vec::new();
    for late in 0..items.len() {
        let StatementKind::Grant(grant) = kind(late) else { continue };
        let named = |loss: &Loss| matches!(loss, Loss::Name(name) if grant.names.iter().any(|it| it.name == *name));
        let makes = |early: &usize| {
            !matches!(kind(*early), StatementKind::Grant(_))
                && transaction(*early).may_share(transaction(late))
                && facts[*early].gives.iter().any(named)
        };
        found.extend((0..late).rev().find(makes).map(|early| (early, late)));
    }
    found
}

/// Where rows are held to something in an earlier part than that which lets others keep it, and the original does both at once.
fn half_way(request: &Request, items: &[Item], facts: &[Facts], groups: &[Group]) -> Vec<((usize, usize), String)> {
    let transaction = |step: usize| &request.trace.judged[items[step].statement].transaction;
    let mut restricting: Vec<usize> = Vec::new();
    let mut found = Vec::new();
    for group in groups {
        for late in group.steps.iter().copied().filter(|it| !facts[*it].fills.is_empty()) {
            let at_once = restricting.iter().copied().filter(|it| transaction(*it).may_share(transaction(late)));
            found.extend(at_once.filter_map(|early| {
                let table = facts[early].restricts.intersection(&facts[late].fills).next()?;
                let why = format!("between two transactions others would write rows into {table} that are not allowed any more; first make sure, by an earlier migration or the application, that no such rows are written");
                Some(((early, late), why))
            }));
        }
        restricting.extend(group.steps.iter().filter(|it| !facts[**it].restricts.is_empty()));
    }
    found
}

fn gaps(request: &Request, groups: &[Group], executed: &Executed) -> Vec<Gap> {
    let steps: Vec<(usize, bool)> = groups
        .iter()
        .flat_map(|group| {
            let last = group.steps.len().saturating_sub(1);
            group.steps.iter().enumerate().map(move |(at, step)| (*step, at == last || !group.transaction))
        })
        .collect();
    let before = |(step, _): &(usize, bool)| executed.get(step).map(|(_, _, judged)| judged.before());
    let states: Vec<State> = steps
        .iter()
        .enumerate()
        .map(|(at, (step, seen))| {
            let schema = steps[at + 1..].iter().find_map(before).unwrap_or(&executed.after);
            State { step: *step, schema, seen: *seen }
        })
        .collect();
    gaps::gaps(request.trace, &states)
}

/// What the original replaces at once is not missing between two parts. To blame is what makes it later, or else what is done
/// to its table, or else everything.
fn without_gap(request: &Request, items: &[Item], gaps: Vec<Gap>) -> Result<(), Refusal> {
    let Some(gap) = gaps.into_iter().next() else { return Ok(()) };
    let touches = |item: &Item| {
        let all = &request.trace.judged[item.statement].operations;
        item.operations.iter().any(|it| all[*it].relation.as_ref() == Some(&gap.table))
    };
    let blamed = [
        operations(&items[gap.late]),
        items.iter().filter(|item| touches(item)).flat_map(operations).collect(),
        items.iter().flat_map(operations).collect(),
    ];
    let operations = blamed.into_iter().find(|it| !it.is_empty()).unwrap_or_default();
    Err(Refusal { operations, reason: gap.to_string() })
}

fn operations(item: &Item) -> Vec<Chosen> {
    item.operations.iter().map(|operation| (item.statement, *operation)).collect()
}

/// Settings that a part needs must be makeable in it.
fn settings_reach(request: &Request, expansion: &Expansion, groups: &[Group]) -> Result<(), Refusal> {
    for group in groups.iter().filter(|group| !group.transaction) {
        for item in group.steps.iter().map(|step| &expansion.items[*step]).filter(|item| !item.verbatim) {
            let needed = item.settings.iter().find(|it| !is_timeout(&it.name));
            let Some(setting) = needed else { continue };
            let reason = if setting.local {
                format!("{} is set only for the transaction that the step must leave", setting.name)
            } else if request.runner.messages == Messages::Whole {
                format!(
                    "{} is set in the file, and {} sends a file as one message, in which the step cannot run with anything else",
                    setting.name, request.runner.name
                )
            } else {
                continue;
            };
            return Err(Refusal { operations: operations(item), reason });
        }
    }
    Ok(())
}

/// What a step does, as the plan tells it.
#[derive(Clone, Debug, Default)]
struct Marks {
    long: bool,
    blocks: bool,
    effects: Vec<Effect>,
    recovery: Option<Recovery>,
}

fn marks(judged: &Judged, statement: &Statement, old: &Old) -> Marks {
    Marks {
        long: facts::takes_long(judged, &statement.parsed.kind, |_| true),
        blocks: blocked(judged, old).next().is_some(),
        effects: judged.effects_under_locks(),
        recovery: None,
    }
}

/// A new step fails on no major in range, and holds no lock that blocks others while its work grows with the table.
fn harmless(
    request: &Request,
    item: &Item,
    transaction: bool,
    statement: &Statement,
    judged: &Judged,
) -> Result<(), Refusal> {
    let refuse = |reason: String| Err(Refusal { operations: operations(item), reason });
    let certain =
        |judged: &Judged, transaction: bool| judged.fails.as_ref().filter(|it| it.is_certain(transaction)).cloned();
    let failure = certain(judged, transaction);
    if item.verbatim || item.operations.is_empty() {
        // What stays may fail as it did.
        let before = &request.trace.judged[item.statement];
        let already = certain(before, before.transaction.inside == Some(true)).is_some();
        return match failure {
            Some(failure) if !already => refuse(format!("the steps would fail: {}", failure.message)),
            _ => Ok(()),
        };
    }
    if let StatementKind::Invalid(error) = &*statement.parsed.kind {
        return refuse(format!("the steps cannot be written: {}", error.message));
    }
    if let Some(needs) = &statement.parsed.needs
        && needs.major > *request.trace.majors.start()
    {
        return refuse(format!("{} needs PostgreSQL {}", needs.construct, needs.major));
    }
    if let Some(failure) = failure {
        return refuse(format!("the steps would fail: {}", failure.message));
    }
    let old = Old::of(request);
    let works = judged.effects.iter().find(|it| it.work != Work::Instant && old.has(it) && !it.empty);
    let holds = |it: &&Effect| old.has(it) && (blocks_reads(it.lock) || blocks_writes(it.lock));
    let held = judged.held().values().find(holds).map(|it| &it.relation).or_else(|| blocked(judged, &old).next());
    if let (Some(work), Some(held)) = (works, held) {
        return refuse(format!(
            "the steps would still block others on {held} while they work on {}; do these in migrations of their own",
            work.relation
        ));
    }
    Ok(())
}

/// Relations that others use and cannot while the statement holds its locks. Locks on rows do not count.
fn blocked<'a>(judged: &'a Judged, old: &Old) -> impl Iterator<Item = &'a QName> {
    let others = |name: &QName| match judged.effects.iter().find(|effect| effect.relation == *name) {
        Some(effect) => old.has(effect),
        None => old.is_old(judged, name),
    };
    judged.blocked.iter().filter(|it| !it.rows).map(|it| &it.relation).filter(move |name| others(name))
}

fn assemble(expansion: &Expansion, groups: &[Group], marks: &[Marks]) -> Plan {
    let parts = groups
        .iter()
        .map(|group| {
            let items: Vec<(usize, &Item)> = group.steps.iter().map(|step| (*step, &expansion.items[*step])).collect();
            let leading = items.iter().find(|(_, item)| is_leading(item)).or(items.first());
            Part {
                transaction: group.transaction,
                title: leading.map(|(_, item)| item.draft.title.clone()).unwrap_or_default(),
                settings: items.first().map(|(_, item)| item.settings.clone()).unwrap_or_default(),
                steps: items.iter().map(|(step, item)| finished(item, &marks[*step])).collect(),
            }
        })
        .collect();
    let class = if expansion.items.iter().all(|item| item.verbatim) { Class::Safe } else { expansion.class };
    let (left, assumptions) = (expansion.left.clone(), expansion.assumptions.clone());
    Plan { class, parts, left, assumptions, withheld: Vec::new() }
}

fn is_leading(item: &Item) -> bool {
    !matches!(item.draft.role, Role::Assertion | Role::RequiredAssertion | Role::Guard)
}

fn finished(item: &Item, marks: &Marks) -> Step {
    let draft = &item.draft;
    Step {
        mode: draft.mode,
        sql: draft.sql.clone(),
        from: vec![item.statement],
        verbatim: item.verbatim,
        title: draft.title.clone(),
        spaced: item.spaced,
        long: marks.long,
        blocks: marks.blocks,
        effects: marks.effects.clone(),
        inverse: if item.verbatim { Inverse::Original } else { draft.inverse.clone() },
        recovery: marks.recovery.clone(),
        after_deploy: None,
    }
}
