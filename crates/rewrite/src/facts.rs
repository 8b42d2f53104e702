//! What the steps do, found by executing them: what they lock, how long they work, what they take and give.

use std::collections::{BTreeMap, BTreeSet};

use model::effect::{Effect, OperationKind, Work, blocks_reads, blocks_writes};
use model::name::QName;
use model::plan::Mode;
use model::schema::Born;
use model::trace::Judged;
use syntax::ast::{AlterAction, InsertSource, LockMode, ObjectKind, StatementKind};

use crate::execute::execute;
use crate::expand::Item;
use crate::footprint::{self, Footprint};
use crate::losses::{self, Loss};
use crate::plan::{Chosen, Refusal, shared_transaction};
use crate::schedule::Group;
use crate::{Request, fills, settings};

/// The strongest lock per table.
pub(crate) type Locks = BTreeMap<QName, LockMode>;

/// What a step does, found by executing it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub footprint: Footprint,
    /// Locks that block reads or writes on relations that others use.
    pub locks: Locks,
    /// Tables that others use and whose rows it writes or locks.
    pub writes: BTreeSet<QName>,
    /// Work that grows with a table that others use.
    pub long: bool,
    /// It only drops constraints or indexes.
    pub drops: bool,
    /// It drops columns or tables with what they hold.
    pub destroys: bool,
    /// What it takes away from others, and what it gives them.
    pub takes: Vec<Loss>,
    pub gives: Vec<Loss>,
    /// Tables that others use and whose rows it restricts.
    pub restricts: BTreeSet<QName>,
    /// Tables that others use and for which it changes what is written into their rows: by a default, a trigger, or a function
    /// that was there before.
    pub fills: BTreeSet<QName>,
    /// It only says what new rows get.
    pub defaults: bool,
    /// The table that a VALIDATE reads.
    pub validates: Option<QName>,
    /// The indexes that it builds anew, when that is all its long work and the rows stay as they are.
    pub rebuilds: BTreeSet<QName>,
    /// The index that it makes.
    pub builds: Option<QName>,
    /// The transaction of the original, when it had one for several statements.
    pub transaction: Option<u32>,
}

/// What the steps do, executed one by one in the order of the original.
pub(crate) fn facts(request: &Request, items: &[Item]) -> Result<Vec<Facts>, Refusal> {
    let alone =
        |(index, item): (usize, &Item)| Group { transaction: item.draft.mode != Mode::NonTx, steps: vec![index] };
    let alone: Vec<Group> = items.iter().enumerate().map(alone).collect();
    let executed = execute(request, items, &alone)?;
    let old = Old::of(request);
    Ok(items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let original = &request.trace.judged[item.statement];
            let Some((_, statement, judged)) = executed.get(&index) else { return Facts::default() };
            let kind = &*statement.parsed.kind;
            let path = settings::search_path(&item.settings, request);
            // Batches do what the one statement did.
            let whole = &*request.script.statements[item.statement].parsed.kind;
            let in_batches = matches!(kind, StatementKind::Do(_)) && footprint::is_data(whole);
            let (does, before) = if in_batches { (whole, original.before()) } else { (kind, judged.before()) };
            Facts {
                footprint: footprint::of(does, before, &path),
                locks: blocking(judged, &old),
                writes: writing(judged, &old),
                long: takes_long(judged, kind, |it| old.has(it)),
                drops: drops(kind),
                destroys: destroys(kind),
                takes: [losses::taken(kind), losses::outdated(kind, judged.before(), &path)].concat(),
                gives: losses::given(kind),
                restricts: fills::restricted(kind, &changed(judged, &old)),
                fills: fills::filled(kind, &item.draft.sql, &changed(judged, &old), judged, |it| {
                    old.is_old(judged, it)
                }),
                defaults: matches!(kind, StatementKind::AlterTable(it) if footprint::sets_defaults_only(it)),
                validates: validates(judged),
                rebuilds: rebuilds(judged, kind),
                builds: match kind {
                    StatementKind::CreateIndex(_) => built(judged).next(),
                    _ => None,
                },
                transaction: shared_transaction(original),
            }
        })
        .collect())
}

/// What others use by the time a step runs: what was there before, and the tables of operations that run apart.
pub(crate) struct Old(BTreeSet<QName>);

impl Old {
    pub fn of(request: &Request) -> Self {
        let operation =
            |(statement, operation): &Chosen| request.trace.judged.get(*statement)?.operations.get(*operation);
        Self(request.apart.iter().filter_map(|it| operation(it)?.relation.clone()).collect())
    }

    pub fn has(&self, effect: &Effect) -> bool {
        effect.born == Born::Before || self.0.contains(&effect.relation)
    }

    /// What is not known is.
    pub fn is_old(&self, judged: &Judged, name: &QName) -> bool {
        judged.before().relations.get(name).is_none_or(|it| it.born == Born::Before || self.0.contains(name))
    }
}

fn blocking(judged: &Judged, old: &Old) -> BTreeMap<QName, LockMode> {
    let mut locks: BTreeMap<QName, LockMode> = BTreeMap::new();
    for effect in judged.effects.iter().filter(|effect| old.has(effect)) {
        if blocks_reads(effect.lock) || blocks_writes(effect.lock) {
            let table = effect.on.clone().unwrap_or_else(|| effect.relation.clone());
            let held = locks.entry(table).or_insert(effect.lock);
            *held = (*held).max(effect.lock);
        }
    }
    locks
}

/// Tables that others use and that it locks against their writes.
fn changed(judged: &Judged, old: &Old) -> BTreeSet<QName> {
    let strong = |it: &&Effect| old.has(it) && blocks_writes(it.lock) && it.on.is_none();
    judged.effects.iter().filter(strong).map(|it| it.relation.clone()).collect()
}

/// Tables whose rows it writes or locks.
fn writing(judged: &Judged, old: &Old) -> BTreeSet<QName> {
    let weak = |it: &&Effect| old.has(it) && matches!(it.lock, LockMode::RowShare | LockMode::RowExclusive);
    judged.effects.iter().filter(weak).map(|it| it.relation.clone()).collect()
}

fn drops(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Drop(it) => it.object == ObjectKind::Index,
        StatementKind::AlterTable(it) => {
            it.subcommands.iter().all(|it| matches!(it.action, AlterAction::DropConstraint { .. }))
        }
        _ => false,
    }
}

fn destroys(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Drop(it) => it.object == ObjectKind::Table,
        StatementKind::AlterTable(it) => {
            it.subcommands.iter().any(|it| matches!(it.action, AlterAction::DropColumn { .. }))
        }
        _ => false,
    }
}

fn validates(judged: &Judged) -> Option<QName> {
    judged.effects.iter().find(|it| it.lock == LockMode::ShareUpdateExclusive).map(|it| it.relation.clone())
}

/// The indexes that changes of type build anew, when there is no other long work and no expression that reads rows.
fn rebuilds(judged: &Judged, kind: &StatementKind) -> BTreeSet<QName> {
    let StatementKind::AlterTable(it) = kind else { return BTreeSet::new() };
    let plain = |action: &AlterAction| matches!(action, AlterAction::AlterType { using: None, .. });
    let other = judged.effects.iter().any(|it| !matches!(it.work, Work::Instant | Work::Build));
    if other || !it.subcommands.iter().all(|it| plain(&it.action)) {
        return BTreeSet::new();
    }
    built(judged).collect()
}

fn built(judged: &Judged) -> impl Iterator<Item = QName> {
    judged.effects.iter().filter(|it| it.work == Work::Build && it.on.is_some()).map(|it| it.relation.clone())
}

/// Work that grows with rows, those of new tables too when `counts` says so. A few rows by VALUES are no long work; what is not
/// known may be.
pub(crate) fn takes_long(judged: &Judged, kind: &StatementKind, counts: impl Fn(&Effect) -> bool) -> bool {
    if matches!(kind, StatementKind::Insert(it) if !matches!(it.source, InsertSource::Query)) {
        return false;
    }
    judged.operations.iter().any(|it| it.kind == OperationKind::Opaque)
        || judged.effects.iter().any(|it| it.work != Work::Instant && counts(it) && !it.empty)
}
