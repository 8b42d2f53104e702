//! What rules ask of a trace, and how they say it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::effect::{Effect, Failure, Operation, OperationKind, Work, blocks_reads, blocks_writes, lock_name};
use model::name::QName;
use model::runner::RunnerTransaction;
use model::schema::{Born, ConstraintKind, Relation, RelationKind, Schema};
use model::trace::{Judged, Opener};
use syntax::Span;
use syntax::ast::{
    AlterAction, AlterTable, Body, ColumnDef, Constraint, LockMode, Name, Query, Set, StatementKind, TransactionKind,
};

use crate::{Context, Finding, Rule};

/// An operation in its place.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    pub context: &'a Context<'a>,
    pub statement: usize,
    /// In `Judged::operations`.
    pub index: usize,
    pub judged: &'a Judged,
    pub operation: &'a Operation,
}

impl<'a> Context<'a> {
    /// The operations that run of the statements that are wanted: those of a statement that certainly fails are left out,
    /// its failure is the finding.
    fn operations(&'a self, wanted: impl Fn(&Judged) -> bool) -> impl Iterator<Item = At<'a>> {
        let judged = self.trace.judged.iter().enumerate();
        let running = judged.filter(move |(_, judged)| wanted(judged) && !surely_fails(self, judged));
        running.flat_map(move |(statement, judged)| {
            let operations = judged.operations.iter().enumerate();
            operations.map(move |(index, operation)| At { context: self, statement, index, judged, operation })
        })
    }

    pub fn operations_of(&'a self, kind: OperationKind) -> impl Iterator<Item = At<'a>> {
        self.operations_among([kind])
    }

    /// Those of several kinds, in order.
    pub fn operations_among<const N: usize>(&'a self, kinds: [OperationKind; N]) -> impl Iterator<Item = At<'a>> {
        let operations = self.operations(move |judged| kinds.iter().any(|kind| judged.does(*kind)));
        operations.filter(move |at| kinds.contains(&at.operation.kind))
    }

    /// As [`Self::operations_among`], but only of statements that lock what others use, as most findings are about them.
    pub fn operations_on_others<const N: usize>(&'a self, kinds: [OperationKind; N]) -> impl Iterator<Item = At<'a>> {
        let does = move |judged: &Judged| kinds.iter().any(|kind| judged.does(*kind));
        let operations = self.operations(move |judged| judged.meets_others() && does(judged));
        operations.filter(move |at| kinds.contains(&at.operation.kind))
    }

    /// All operations of these statements.
    pub fn all_on_others(&'a self) -> impl Iterator<Item = At<'a>> {
        self.operations(Judged::meets_others)
    }

    /// The statements that fail, whenever it be.
    pub fn failures(&'a self) -> impl Iterator<Item = (usize, &'a StatementKind, &'a Judged, &'a Failure)> {
        let failing = self.statements().filter(|(_, _, judged)| judged.may_fail());
        failing.filter_map(|(at, kind, judged)| Some((at, kind, judged, judged.fails.as_ref()?)))
    }

    /// Every statement with its judgement, failing ones too.
    pub fn statements(&'a self) -> impl Iterator<Item = (usize, &'a StatementKind, &'a Judged)> {
        let statements = self.script.statements.iter().zip(&self.trace.judged).enumerate();
        statements.map(|(at, (statement, judged))| (at, &*statement.parsed.kind, judged))
    }

    /// The place in the file of a span inside a statement.
    #[must_use]
    pub fn locate(&self, statement: usize, span: Span) -> Span {
        self.script.statements[statement].locate(span)
    }

    /// The other statements of the same transaction that come earlier.
    pub fn earlier_in_transaction(&'a self, statement: usize) -> impl Iterator<Item = usize> {
        self.trace.transactions[statement].start as usize..statement
    }

    /// The earlier statement of the same transaction that took the lock.
    #[must_use]
    pub fn taken_by(&self, statement: usize, held: &Effect) -> Option<usize> {
        self.earlier_in_transaction(statement).find(|&at| {
            let effects = &self.trace.judged[at].effects;
            effects.iter().any(|effect| effect.relation == held.relation && effect.lock >= held.lock)
        })
    }

    /// An earlier statement of the file deletes all rows of the table that the statement changes.
    #[must_use]
    pub fn emptied(&self, statement: usize) -> bool {
        let tables = |at: usize| self.trace.judged[at].operations.iter().filter_map(|it| it.relation.as_ref());
        let empties = |at: &usize| match &*self.script.statements[*at].parsed.kind {
            StatementKind::Delete(it) => it.filter.is_none() && !it.has_using,
            StatementKind::Truncate { .. } => true,
            _ => false,
        };
        (0..statement).filter(empties).any(|at| tables(at).any(|it| tables(statement).any(|table| table == it)))
    }

    /// The statement's transaction ends in ROLLBACK, so that nothing of it stays.
    #[must_use]
    pub fn rolls_back(&self, statement: usize) -> bool {
        let Some(transaction) = self.trace.transactions.get(statement) else { return false };
        let last = transaction.end as usize - 1;
        self.trace.judged[last].transaction.opened_by != Opener::Nobody
            && matches!(
                transaction_kind(&self.script.statements[last].parsed.kind),
                Some(TransactionKind::Rollback | TransactionKind::RollbackAndChain)
            )
    }

    /// What others see once the statement's transaction has committed.
    #[must_use]
    pub fn end_of_transaction(&self, statement: usize) -> &'a Schema {
        let next = self.trace.transactions[statement].end as usize;
        self.trace.judged.get(next).map_or(&self.trace.after, |it| it.before())
    }

    /// The table is dropped after all, by this or a later statement. That locks it as strongly and breaks as much as what is
    /// done to it before.
    #[must_use]
    pub fn drops_later(&self, statement: usize, table: &QName) -> bool {
        self.operations_of(OperationKind::DropTable).any(|it| {
            it.statement >= statement && !it.operation.conditional && it.operation.relation.as_ref() == Some(table)
        })
    }

    /// The span of a whole statement, inside it.
    #[must_use]
    pub fn whole(&self, statement: usize) -> Span {
        Span::new(0, self.script.statements[statement].parsed.text.len())
    }

    /// A finding about a span of a statement.
    #[must_use]
    pub fn finding(&self, rule: &'static Rule, statement: usize, span: Span, message: String) -> Finding {
        Finding {
            rule: &rule.info,
            level: rule.info.level,
            statement,
            span: self.locate(statement, span),
            message,
            notes: Vec::new(),
            related: Vec::new(),
            operations: Vec::new(),
        }
    }
}

impl<'a> At<'a> {
    /// A finding about this operation.
    #[must_use]
    pub fn finding(&self, rule: &'static Rule, message: String) -> Finding {
        let mut finding = self.context.finding(rule, self.statement, self.operation.span, message);
        finding.operations.push((self.statement, self.index));
        finding
    }

    /// The statement's typed form; for an operation inside a routine body the statement there, if it stands in this file.
    #[must_use]
    pub fn kind(&self) -> Option<&'a StatementKind> {
        let kind = &*self.context.script.statements[self.statement].parsed.kind;
        if !self.operation.lowered {
            return Some(kind);
        }
        let StatementKind::Do(block) = kind else { return None };
        let inside = block.body.statements.iter().filter(|it| it.span.contains(self.operation.span));
        inside.map(|it| &it.kind).next()
    }

    #[must_use]
    pub fn alter_table(&self) -> Option<&'a AlterTable> {
        match self.kind()? {
            StatementKind::AlterTable(alter) => Some(alter),
            _ => None,
        }
    }

    /// The subcommand of an ALTER TABLE.
    #[must_use]
    pub fn action(&self) -> Option<&'a AlterAction> {
        Some(&self.alter_table()?.subcommands.get(self.operation.subcommand?)?.action)
    }

    /// The column that the operation adds, or whose inline constraint it is.
    #[must_use]
    pub fn added_column(&self) -> Option<&'a ColumnDef> {
        match self.action()? {
            AlterAction::AddColumn { column, .. } => Some(column),
            _ => None,
        }
    }

    /// The constraint that an ALTER TABLE adds, inline or not.
    #[must_use]
    pub fn constraint(&self) -> Option<&'a Constraint> {
        match self.action()? {
            AlterAction::AddConstraint(constraint) => Some(constraint),
            AlterAction::AddColumn { column, .. } => column.constraints.get(self.operation.constraint?),
            _ => None,
        }
    }

    /// The relation as it stands before the statement.
    #[must_use]
    pub fn relation(&self) -> Option<&'a Relation> {
        self.judged.before().relations.get(self.operation.relation.as_ref()?).map(|relation| &**relation)
    }

    /// The relation's name; rules ask only operations that have one.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.operation.relation.as_ref().map_or("", |name| &name.name)
    }

    /// The effect under which others wait while work is done that grows with the table: the strongest, on a table rather
    /// than on its index.
    #[must_use]
    pub fn long_blocking(&self) -> Option<&'a Effect> {
        let long = |effect: &&Effect| is_long(effect) && blocks_writes(effect.lock);
        self.operation.effects.iter().filter(long).max_by_key(|it| (it.on.is_none(), it.lock, it.work))
    }

    /// Whether the operation does this work on something that was there before.
    #[must_use]
    pub fn does(&self, work: Work) -> bool {
        self.operation.effects.iter().any(|effect| is_busy(effect) && effect.work == work)
    }

    /// A lock on one of the operation's tables that an earlier statement or another part of the same ALTER TABLE took, and
    /// that is stronger than what the operation takes.
    #[must_use]
    pub fn stronger(&self) -> Option<&'a Effect> {
        let taken = self.operation.effects.iter().map(|it| it.lock).max()?;
        let same = self.judged.effects.iter().filter(|_| self.alter_table().is_some() && !self.operation.lowered);
        let held = self.judged.held().values().chain(same).filter(|it| stops_others(it) && it.lock > taken);
        held.filter(|it| self.operation.effects.iter().any(|own| own.relation == it.relation))
            .max_by_key(|it| (it.lock, Some(&it.relation) == self.operation.relation.as_ref()))
    }

    /// [`holds`], or under which stronger lock the operation runs.
    #[must_use]
    pub fn holds(&self, effect: &Effect) -> String {
        match self.stronger() {
            Some(held) => {
                let lock = lock_name(held.lock);
                format!("runs while {lock} is held on {}: {} wait", table_of(held), who_waits(held.lock))
            }
            None => holds(effect),
        }
    }

    /// Says which other relations the transaction keeps locked meanwhile, and whether it took more than the operation needs.
    #[must_use]
    pub fn with_held(&self, mut finding: Finding) -> Finding {
        let own: Vec<&QName> = self.operation.effects.iter().map(table_of).collect();
        let stronger = self.stronger();
        let held = self.judged.held();
        let goes_without_saying =
            |it: &&Effect| it.on.as_ref().is_some_and(|on| held.get(on).is_some_and(stops_others));
        let held = held.values().filter(|it| stops_others(it) && !goes_without_saying(it));
        // Under a stronger lock the message names the table of that lock alone.
        let is_stronger = |it: &Effect| stronger.is_some_and(|stronger| std::ptr::eq(stronger, it));
        let is_told = |it: &&Effect| match stronger {
            Some(stronger) => is_stronger(it) || table_of(it) != table_of(stronger),
            None => !own.contains(&table_of(it)),
        };
        let mut others: Vec<&Effect> = held.filter(is_told).collect();
        others.sort_by_key(|it| (!is_stronger(it), is_unknown_index(it), std::cmp::Reverse(it.lock)));
        const SHOWN: usize = 3;
        let (mut shown, mut more) = (0, 0);
        for effect in others {
            match self.context.taken_by(self.statement, effect).filter(|_| shown < SHOWN) {
                Some(by) => {
                    let on = if effect.on.is_some() { effect.relation.to_string() } else { place(effect) };
                    let said = format!("{} is held on {on} since here", lock_name(effect.lock));
                    finding.related.push((self.context.script.statements[by].span, said));
                    shown += 1;
                }
                // Its table may be one that is counted already.
                None if is_unknown_index(effect) => {}
                None => more += 1,
            }
        }
        if more > 0 {
            let noun = if more == 1 { "relation" } else { "relations" };
            finding.notes.push(format!("The transaction keeps {more} more {noun} locked"));
        }
        finding
    }
}

impl Finding {
    /// Adds a whole sentence without full stop.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub fn related(mut self, span: Span, message: impl Into<String>) -> Self {
        self.related.push((span, message.into()));
        self
    }
}

/// Operations by the relation they are about, in order.
#[must_use]
pub fn by_relation<'a>(operations: impl Iterator<Item = At<'a>>) -> BTreeMap<&'a QName, Vec<At<'a>>> {
    let mut map: BTreeMap<&QName, Vec<At>> = BTreeMap::new();
    for at in operations {
        if let Some(relation) = &at.operation.relation {
            map.entry(relation).or_default().push(at);
        }
    }
    map
}

/// Renames that take a name which another rename of the file has given up: (statement, operation) of the one, and the other.
#[must_use]
pub fn swaps<'a>(context: &'a Context<'a>) -> BTreeMap<(usize, usize), At<'a>> {
    let mut given_up: BTreeMap<&QName, At> = BTreeMap::new();
    let mut swaps = BTreeMap::new();
    for at in context.operations_of(OperationKind::RenameRelation) {
        let (Some(StatementKind::Rename(rename)), Some(old)) = (at.kind(), at.operation.relation.as_ref()) else {
            continue;
        };
        if let Some(earlier) = given_up.get(&old.sibling(&rename.new_name)) {
            swaps.insert((at.statement, at.index), *earlier);
        }
        given_up.entry(old).or_insert(at);
    }
    swaps
}

/// It fails on every major in range, wherever it runs or because of where it runs.
#[must_use]
pub fn surely_fails(context: &Context, judged: &Judged) -> bool {
    if !judged.may_fail() {
        return false;
    }
    let Some(failure) = &judged.fails else { return false };
    failure.is_certain(judged.transaction.inside == Some(true))
        && failure.majors.0 <= *context.trace.majors.start()
        && failure.majors.1 >= *context.trace.majors.end()
}

/// Others use the relation: it was there before the pending migrations.
#[must_use]
pub fn is_busy(effect: &Effect) -> bool {
    effect.born == Born::Before && !effect.empty
}

/// Work on a relation in use that grows with it.
#[must_use]
pub fn is_long(effect: &Effect) -> bool {
    is_busy(effect) && matches!(effect.work, Work::Scan | Work::Build | Work::Rewrite)
}

/// The lock stops reads or writes of a relation in use.
#[must_use]
pub fn stops_others(effect: &Effect) -> bool {
    effect.born == Born::Before && blocks_writes(effect.lock) && effect.kind != RelationKind::Sequence
}

/// The table of an index, else the relation itself.
#[must_use]
pub fn table_of(effect: &Effect) -> &QName {
    effect.on.as_ref().unwrap_or(&effect.relation)
}

/// Where the lock is, for a message: an index that no migration tells of stands for its table.
#[must_use]
pub fn place(effect: &Effect) -> String {
    if is_unknown_index(effect) { format!("the table of {}", effect.relation) } else { table_of(effect).to_string() }
}

/// An index that no migration tells of.
#[must_use]
pub fn is_unknown_index(effect: &Effect) -> bool {
    effect.on.is_none() && matches!(effect.kind, RelationKind::Index | RelationKind::PartitionedIndex)
}

/// Who waits for the lock.
#[must_use]
pub fn who_waits(lock: LockMode) -> &'static str {
    if blocks_reads(lock) { "reads and writes" } else { "writes" }
}

/// `holds SHARE on users: writes wait`.
#[must_use]
pub fn holds(effect: &Effect) -> String {
    format!("holds {} on {}: {} wait", lock_name(effect.lock), place(effect), who_waits(effect.lock))
}

/// `PostgreSQL 14 to 17`, when only these majors of the range behave like that.
#[must_use]
pub fn majors_note(judged: &Judged) -> Option<String> {
    judged.majors.map(|majors| format!("This holds for {}; the other majors in range do less", majors_text(majors)))
}

#[must_use]
pub fn majors_text((first, last): (u32, u32)) -> String {
    if first == last { format!("PostgreSQL {first}") } else { format!("PostgreSQL {first} to {last}") }
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list<T: std::fmt::Display>(items: &[T]) -> String {
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        let before = match at {
            0 => "",
            _ if at + 1 == items.len() => " and ",
            _ => ", ",
        };
        let _ = write!(text, "{before}{item}");
    }
    text
}

/// How the rest of the file is told to run a statement outside a transaction.
#[must_use]
pub fn outside_transaction(context: &Context) -> String {
    match &context.runner.opt_out {
        Some(marker) => {
            format!(
                "Put it in a migration of its own that {} runs without a transaction: {marker}",
                context.runner.name
            )
        }
        None if context.runner.transaction == RunnerTransaction::AllPending => {
            format!(
                "{} runs all pending migrations in one transaction, so run it by hand, outside of them",
                context.runner.name
            )
        }
        None => "Put it in a migration of its own that runs without a transaction".to_owned(),
    }
}

/// The statements that set or reset a setting, in order.
#[must_use]
pub fn settings_of<'a>(context: &Context<'a>, name: &str) -> Vec<(usize, &'a Set)> {
    let statements = context.script.statements.iter().enumerate();
    let sets = statements.filter_map(|(at, statement)| match &*statement.parsed.kind {
        StatementKind::Set(set) => Some((at, set)),
        _ => None,
    });
    sets.filter(|(_, set)| set.name == name).collect()
}

/// The statement waits for other transactions and must not run inside one.
#[must_use]
pub fn is_concurrent(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::CreateIndex(it) => it.concurrently,
        StatementKind::Drop(it) => it.concurrently,
        StatementKind::Reindex(it) => it.concurrently,
        StatementKind::AlterTable(it) => {
            it.subcommands.iter().any(|it| matches!(it.action, AlterAction::DetachPartition { concurrently: true, .. }))
        }
        _ => false,
    }
}

/// BEGIN, COMMIT and the like, of any form.
#[must_use]
pub fn transaction_kind(kind: &StatementKind) -> Option<&TransactionKind> {
    match kind {
        StatementKind::Transaction { kind } => Some(kind),
        _ => None,
    }
}

/// The routine bodies that a statement runs itself.
#[must_use]
pub fn body(kind: &StatementKind) -> Option<&Body> {
    match kind {
        StatementKind::Do(block) => Some(&block.body),
        _ => None,
    }
}

/// What a data-modifying statement or query reads and calls.
#[must_use]
pub fn query(kind: &StatementKind) -> Option<&Query> {
    match kind {
        StatementKind::Select(query) => Some(query),
        StatementKind::Insert(it) => Some(&it.facts),
        StatementKind::Update(it) => Some(&it.facts),
        StatementKind::Delete(it) => Some(&it.facts),
        StatementKind::Merge { facts, .. } => Some(facts),
        _ => None,
    }
}

/// The relation whose rows a statement itself changes.
#[must_use]
pub fn target(kind: &StatementKind) -> Option<&Name> {
    match kind {
        StatementKind::Insert(it) => Some(&it.target.name),
        StatementKind::Update(it) => Some(&it.target.name),
        StatementKind::Delete(it) => Some(&it.target.name),
        StatementKind::Merge { target, .. } => Some(&target.name),
        _ => None,
    }
}

/// Who opened the transaction, as the end of a sentence.
#[must_use]
pub fn opener(context: &Context, judged: &Judged) -> String {
    match judged.transaction.opened_by {
        Opener::Nobody => String::new(),
        Opener::Explicit => ": BEGIN opened one".to_owned(),
        Opener::Runner => format!(": {} opens one around the file", context.runner.name),
        Opener::Message => {
            format!(": {} sends several statements in one message, which makes them one", context.runner.name)
        }
    }
}

/// A relation as others saw it before the file.
#[must_use]
pub fn existed<'a>(schema: &'a Schema, name: &QName) -> Option<&'a Relation> {
    schema.relations.get(name).map(|relation| &**relation).filter(|relation| relation.born == Born::Before)
}

/// The relation or index that the statement means by a name.
#[must_use]
pub fn resolve(judged: &Judged, name: &Name) -> QName {
    judged.before().resolve(name, &judged.search_path)
}

/// The relation that the statement creates under a name.
#[must_use]
pub fn new_name(judged: &Judged, name: &Name) -> QName {
    QName::of(name, judged.search_path.first().map_or("public", String::as_str))
}

/// Changes of the table are sent to subscribers.
#[must_use]
pub fn is_published(schema: &Schema, table: &QName) -> bool {
    schema.publications.values().any(|it| {
        it.all_tables || it.schemas.contains(&table.schema) || it.tables.iter().any(|(name, _)| name == table)
    })
}

/// Something tells a row of the table from the others: its primary key, the index it names, or the whole row.
#[must_use]
pub fn has_replica_identity(schema: &Schema, table: &Relation) -> bool {
    match table.replica_identity_kind {
        'f' => true,
        'n' => false,
        'i' => {
            let index = table.replica_identity.as_deref().map(|index| table.name.sibling(index));
            index.is_some_and(|index| schema.indexes.contains_key(&index))
        }
        _ => table.open || table.constraints.iter().any(|it| matches!(it.kind, ConstraintKind::PrimaryKey { .. })),
    }
}
