//! The execution of one statement on one major: the schema changes, and what that took is recorded.
//!
//! One file per statement family below. They call [`Exec::lock`] and [`Exec::work`] in the order in which PostgreSQL takes
//! locks and does work; both go to the statement and to the operation that is current.

use std::collections::BTreeMap;

use syntax::Span;
use syntax::ast::{Name, Parsed, StatementKind};

use crate::effect::{Breaks, Effect, FailsWhen, Failure, LockMode, Operation, OperationKind, WaitsFor, Work};
use crate::list::List;
use crate::name::QName;
use crate::schema::{Born, Relation, RelationKind, Schema};
use crate::trace::Session;

mod alter_table;
mod data;
mod define;
mod dependents;
mod drop;
mod expression;
mod index;
mod integrity;
mod lock;
mod maintenance;
mod objects;
mod on_table;
mod privileges;
mod prune;
mod publication;
mod reach;
mod rename;
mod routine;
mod sequence;
mod session;
mod table;
mod types;
mod uses;
mod view;

/// The state while one statement runs.
#[derive(Debug)]
pub(crate) struct Exec {
    /// The source of the statement; spans count from its beginning, those inside routine bodies too.
    text: std::sync::Arc<str>,
    pub schema: Schema,
    pub session: Session,
    pub major: u32,
    /// What things created now are born as.
    pub born: Born,
    /// Inside a branch that may not run.
    pub conditional: bool,
    pub lowered: bool,
    pub in_loop: bool,
    /// How many routine bodies are being run inside each other.
    pub depth: usize,
    /// The routine bodies that other bodies have run, once for each run.
    pub ran: Vec<std::sync::Arc<syntax::ast::Body>>,
    pub operations: Vec<Operation>,
    pub failure: Option<Failure>,
    pub waits_for: Vec<WaitsFor>,
    pub breaks: Vec<Breaks>,
    pub refuses_transaction: bool,
    /// What holds after COMMIT: `session` without SET LOCAL.
    pub durable: Session,
    /// It sets something, perhaps to what it is already.
    pub sets: bool,
    /// The command that has to run inside a transaction block and what suffices for it.
    pub needs_block: Option<NeedsBlock>,
    pub setting: Setting,
    recorded: Recorded,
    /// Majors at which a decision could have gone another way; see [`Exec::since`].
    thresholds: std::cell::RefCell<Vec<u32>>,
}

/// Execution cannot go on; the failure is recorded.
#[derive(Debug)]
pub(crate) struct Stop;

/// Extensions that bring no tables, views or sequences.
const RELATIONLESS: [&str; 16] = [
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "intarray",
    "ltree",
    "pg_trgm",
    "pgcrypto",
    "plpgsql",
    "tablefunc",
    "unaccent",
    "uuid-ossp",
    "vector",
];

/// What an execution is told beside the statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub major: u32,
    /// What things created now are born as.
    pub born: Born,
    /// Only the schema and the session matter: effects are not recorded.
    pub quiet: bool,
    /// RESET brings back timeouts that are set outside the migrations.
    pub external_timeouts: bool,
    /// SET LOCAL takes effect: the statement runs in a transaction block, explicit or implicit, or may do so.
    pub in_block: bool,
    /// `None`: depends on the unknown runner.
    pub in_transaction: Option<bool>,
}

/// RequireTransactionBlock and the savepoint commands of xact.c.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NeedsBlock {
    pub command: &'static str,
    /// The implicit block of a message with several statements does not suffice.
    pub explicit: bool,
    pub span: Span,
}

/// Locks and work, by relation.
#[derive(Clone, Debug, Default)]
struct Recorded {
    all: Ledger,
    /// One per operation.
    by_operation: Vec<Ledger>,
    /// The operation that locks and work count for.
    current: usize,
    unknown_indexes: Vec<QName>,
}

#[derive(Clone, Debug, Default)]
struct Ledger(BTreeMap<QName, Entry>);

#[derive(Clone, Debug)]
struct Entry {
    kind: RelationKind,
    on: Option<QName>,
    lock: LockMode,
    works: Vec<Work>,
    born: Born,
    empty: bool,
    maybe: bool,
}

#[derive(Debug)]
pub(crate) struct Mark {
    recorded: Recorded,
    operations: usize,
    breaks: usize,
}

/// What one execution leaves.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub schema: Schema,
    pub session: Session,
    pub effects: Vec<Effect>,
    pub operations: Vec<Operation>,
    pub failure: Option<Failure>,
    pub waits_for: Vec<WaitsFor>,
    pub breaks: Vec<Breaks>,
    pub refuses_transaction: bool,
    pub durable: Session,
    pub sets: bool,
    pub needs_block: Option<NeedsBlock>,
    /// Majors at which another outcome is possible, ascending.
    pub thresholds: Vec<u32>,
}

/// Executes a statement on a schema as one major would. `durable` is the session without SET LOCAL.
pub(crate) fn execute(
    statement: &Parsed,
    schema: &Schema,
    session: &Session,
    durable: &Session,
    setting: Setting,
) -> Outcome {
    let mut exec = Exec {
        text: statement.text.clone(),
        schema: schema.clone(),
        session: session.clone(),
        major: setting.major,
        born: setting.born,
        conditional: false,
        lowered: false,
        in_loop: false,
        depth: 0,
        ran: Vec::new(),
        operations: Vec::new(),
        failure: None,
        waits_for: Vec::new(),
        breaks: Vec::new(),
        refuses_transaction: false,
        durable: durable.clone(),
        sets: false,
        needs_block: None,
        setting,
        recorded: Recorded::default(),
        thresholds: std::cell::RefCell::default(),
    };
    match &statement.needs {
        Some(needs) if needs.major > setting.major => {
            let text = exec.source(needs.span);
            let word = text.split_whitespace().next().unwrap_or_default();
            let message = format!("syntax error at or near \"{word}\"");
            exec.fail("42601", message, FailsWhen::Always, needs.span);
        }
        _ => exec.statement(&statement.kind, Span::new(0, statement.text.len())),
    }
    exec.finish(schema)
}

impl Exec {
    /// Runs one statement: the whole file's, or one inside a routine body.
    pub fn statement(&mut self, kind: &StatementKind, span: Span) {
        types::check_new_values(self, kind, span);
        match kind {
            StatementKind::AlterTable(it) => alter_table::alter_table(self, it, span),
            StatementKind::CreateTable(it) => table::create_table(self, it, span),
            StatementKind::CreateTableAs(it) => table::create_table_as(self, it, span),
            StatementKind::CreateIndex(it) => index::create_index(self, it, span),
            StatementKind::Reindex(it) => index::reindex(self, it, span),
            StatementKind::Drop(it) => drop::drop_objects(self, it, span),
            StatementKind::AlterAllInTablespace { .. } => table::alter_all_in_tablespace(self, kind, span),
            StatementKind::Truncate { .. } | StatementKind::LockTable { .. } => {
                data::truncate_or_lock(self, kind, span)
            }
            StatementKind::Select(_)
            | StatementKind::Insert(_)
            | StatementKind::Update(_)
            | StatementKind::Delete(_)
            | StatementKind::Merge { .. }
            | StatementKind::Copy(_)
            | StatementKind::Explain { .. }
            | StatementKind::Prepare { .. } => data::data(self, kind, span),
            StatementKind::Do(_)
            | StatementKind::Call { .. }
            | StatementKind::CreateFunction(_)
            | StatementKind::AlterFunction { .. } => {
                routine::routine(self, kind, span);
            }
            StatementKind::CreateEnum { .. }
            | StatementKind::AlterEnum(_)
            | StatementKind::CreateComposite { .. }
            | StatementKind::CreateRange { .. }
            | StatementKind::Define { .. }
            | StatementKind::CreateDomain { .. }
            | StatementKind::AlterDomain { .. } => types::types(self, kind, span),
            StatementKind::Cluster { .. }
            | StatementKind::Vacuum(_)
            | StatementKind::Analyze { .. }
            | StatementKind::RefreshMaterializedView { .. } => maintenance::maintenance(self, kind, span),
            StatementKind::Transaction { .. }
            | StatementKind::Set(_)
            | StatementKind::SetConstraints { .. }
            | StatementKind::Discard { .. } => session::session(self, kind, span),
            _ => objects::object(self, kind, span),
        }
    }

    /// Whether the major being executed is `major` or newer. Every decision that depends on the version must be asked here:
    /// the answers tell which majors in range have to be executed separately.
    pub fn since(&self, major: u32) -> bool {
        let mut thresholds = self.thresholds.borrow_mut();
        if !thresholds.contains(&major) {
            thresholds.push(major);
        }
        self.major >= major
    }

    /// The source below a span, white space as written.
    pub fn source(&self, span: Span) -> std::sync::Arc<str> {
        span.slice(&self.text).into()
    }

    /// Begins an operation; locks and work count for it until the next one begins.
    pub fn operation(&mut self, kind: OperationKind, span: Span, relation: Option<&QName>) -> &mut Operation {
        self.recorded.by_operation.push(Ledger::default());
        self.operations.push(Operation {
            kind,
            subcommand: None,
            constraint: None,
            span,
            relation: relation.cloned(),
            effects: Vec::new(),
            lowered: self.lowered,
            conditional: self.conditional,
            in_loop: self.in_loop,
        });
        let last = self.operations.len() - 1;
        self.recorded.current = last;
        &mut self.operations[last]
    }

    /// Locks and work count for an earlier operation again; ALTER TABLE works in passes over its subcommands.
    pub fn resume(&mut self, operation: usize) {
        self.recorded.current = operation;
    }

    /// A lock that the statement takes because its subcommands stand together; alone none of them would ask for it.
    pub fn lock_for_statement(&mut self, relation: &QName, lock: LockMode) {
        let current = std::mem::replace(&mut self.recorded.current, usize::MAX);
        self.record(relation, lock, None);
        self.recorded.current = current;
    }

    /// Records a lock on a relation or index. The relation becomes known when it was not.
    pub fn lock(&mut self, relation: &QName, lock: LockMode) {
        self.record(relation, lock, None);
    }

    /// Records work done under a lock that is taken with it.
    pub fn work(&mut self, relation: &QName, lock: LockMode, work: Work) {
        self.record(relation, lock, Some(work));
    }

    /// An index that no migration told of, so its table is not known either.
    pub fn lock_unknown_index(&mut self, index: &QName, lock: LockMode) {
        self.record(index, lock, None);
        let current = self.recorded.by_operation.get_mut(self.recorded.current);
        for ledger in std::iter::once(&mut self.recorded.all).chain(current) {
            ledger.0.entry(index.clone()).and_modify(|entry| entry.kind = RelationKind::Index);
        }
    }

    fn record(&mut self, relation: &QName, lock: LockMode, work: Option<Work>) {
        if self.setting.quiet {
            return;
        }
        let entry = match (self.schema.indexes.get(relation), self.schema.relations.get(relation)) {
            (Some(index), _) => {
                let table = self.schema.relations.get(&index.table);
                Entry {
                    kind: index.kind,
                    on: Some(index.table.clone()),
                    lock,
                    works: Vec::new(),
                    born: index.born,
                    empty: table.is_some_and(|t| t.empty),
                    maybe: self.conditional,
                }
            }
            (None, Some(it)) => Entry {
                kind: it.kind,
                on: None,
                lock,
                works: Vec::new(),
                // Nobody else has this session's temporary tables.
                born: if it.maybe && &*it.name.schema != "pg_temp" { Born::Before } else { it.born },
                empty: it.empty,
                maybe: self.conditional,
            },
            (None, None) => Entry {
                kind: if self.recorded.unknown_indexes.contains(relation) {
                    RelationKind::Index
                } else {
                    RelationKind::Table
                },
                on: None,
                lock,
                works: Vec::new(),
                born: Born::Before,
                empty: false,
                maybe: self.conditional,
            },
        };
        let current = self.recorded.by_operation.get_mut(self.recorded.current);
        for ledger in std::iter::once(&mut self.recorded.all).chain(current) {
            let slot = ledger.0.entry(relation.clone()).or_insert_with(|| Entry {
                kind: entry.kind,
                on: entry.on.clone(),
                lock,
                works: Vec::new(),
                born: entry.born,
                empty: entry.empty,
                maybe: entry.maybe,
            });
            slot.lock = slot.lock.max(lock);
            slot.maybe &= entry.maybe;
            if let Some(work) = work
                && !slot.works.contains(&work)
            {
                slot.works.push(work);
            }
        }
    }

    /// The locks and operations so far, for [`Exec::undo`].
    pub fn mark(&self) -> Mark {
        Mark { recorded: self.recorded.clone(), operations: self.operations.len(), breaks: self.breaks.len() }
    }

    /// A subtransaction ends in an error: its locks are given back (AbortSubTransaction, xact.c).
    pub fn undo(&mut self, mark: Mark) {
        self.recorded = mark.recorded;
        self.operations.truncate(mark.operations);
        self.breaks.truncate(mark.breaks);
    }

    /// The statement fails here; the first failure counts, and one that is certain more than others.
    pub fn fail(&mut self, sqlstate: &'static str, message: String, when: FailsWhen, span: Span) {
        // What may not run does not certainly fail.
        let certain = when == FailsWhen::Always;
        let first = self.failure.as_ref().is_none_or(|it| certain && it.when != FailsWhen::Always);
        if first && !(self.conditional && certain) {
            self.failure = Some(Failure { sqlstate, message, when, span, majors: (self.major, self.major) });
        }
    }

    /// The statement certainly fails here, for whoever runs it: `return exec.refuse(...)`.
    pub fn refuse<T>(&mut self, sqlstate: &'static str, message: String, span: Span) -> Result<T, Stop> {
        self.fail(sqlstate, message, FailsWhen::Always, span);
        Err(Stop)
    }

    /// Whether a relation or index certainly does not exist. What an extension or a system schema brings is not known.
    pub fn is_missing(&self, name: &QName) -> bool {
        if self.schema.has_class(name) || matches!(&*name.schema, "pg_catalog" | "information_schema" | "pg_temp") {
            return false;
        }
        self.knows_where() && self.schema.is_gone(name)
            || self.schema.is_complete()
                && self.schema.extensions.keys().all(|extension| RELATIONLESS.contains(&&**extension))
    }

    /// A name without schema stands for one thing only, whatever else exists.
    pub fn knows_where(&self) -> bool {
        self.session.search_path.len() == 1
    }

    /// Whether a type that no migration told of cannot exist.
    pub fn knows_all_types(&self) -> bool {
        const TYPELESS: [&str; 9] = [
            "btree_gin",
            "btree_gist",
            "fuzzystrmatch",
            "pg_stat_statements",
            "pg_trgm",
            "pgcrypto",
            "plpgsql",
            "unaccent",
            "uuid-ossp",
        ];
        self.schema.is_complete() && self.schema.extensions.keys().all(|extension| TYPELESS.contains(&&**extension))
    }

    /// An index that no migration told of: it is shown as an index, of an unknown table.
    pub fn unknown_index(&mut self, name: &QName) {
        self.recorded.unknown_indexes.push(name.clone());
    }

    /// The statement does not run in a transaction block, nor in a routine (PreventInTransactionBlock, xact.c).
    pub fn refuse_transaction(&mut self, statement: &str, span: Span) {
        if self.lowered {
            let message = format!("{statement} cannot be executed from a function");
            return self.fail("25001", message, FailsWhen::Always, span);
        }
        self.refuses_transaction = true;
        self.fail("25001", format!("{statement} cannot run inside a transaction block"), FailsWhen::Wrapped, span);
    }

    /// The qualified name of an existing relation or index: the first schema of the search path that has it, else the first.
    pub fn resolve(&self, name: &Name) -> QName {
        self.schema.resolve(name, &self.session.search_path)
    }

    /// The qualified name of a thing that is created now.
    pub fn new_name(&self, name: &Name) -> QName {
        QName::of(name, self.session.search_path.first().map_or("public", String::as_str))
    }

    /// The relation; an open record when nothing is known of it and something may exist.
    pub fn relation(&self, name: &QName) -> std::sync::Arc<Relation> {
        self.schema.relations.get(name).cloned().unwrap_or_else(|| std::sync::Arc::new(Relation::open(name.clone())))
    }

    /// Changes a relation, making its open record first when nothing is known of it.
    pub fn change(&mut self, name: &QName) -> &mut Relation {
        let relation = self
            .schema
            .relations
            .entry_or_insert_with(name.clone(), || std::sync::Arc::new(Relation::open(name.clone())));
        std::sync::Arc::make_mut(relation)
    }

    fn finish(mut self, before: &Schema) -> Outcome {
        // What certainly fails changes nothing.
        if self.failure.as_ref().is_some_and(|failure| failure.when == FailsWhen::Always) {
            self.schema = before.clone();
        }
        for (operation, ledger) in self.operations.iter_mut().zip(self.recorded.by_operation) {
            operation.effects = ledger.effects();
        }
        let mut thresholds = self.thresholds.into_inner();
        thresholds.sort_unstable();
        Outcome {
            schema: self.schema,
            session: self.session,
            effects: self.recorded.all.effects(),
            operations: self.operations,
            failure: self.failure,
            waits_for: self.waits_for,
            breaks: self.breaks,
            refuses_transaction: self.refuses_transaction,
            durable: self.durable,
            sets: self.sets,
            needs_block: self.needs_block,
            thresholds,
        }
    }
}

impl Ledger {
    fn effects(self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (relation, entry) in self.0 {
            let works = if entry.works.is_empty() { vec![Work::Instant] } else { entry.works };
            for work in works {
                effects.push(Effect {
                    relation: relation.clone(),
                    kind: entry.kind,
                    on: entry.on.clone(),
                    lock: entry.lock,
                    work,
                    born: entry.born,
                    empty: entry.empty,
                    maybe: entry.maybe,
                });
            }
        }
        effects
    }
}

impl Relation {
    /// A relation of which nothing is known but that it is there.
    #[must_use]
    pub fn open(name: QName) -> Self {
        Self {
            name,
            kind: RelationKind::Table,
            born: Born::Before,
            maybe: false,
            open: true,
            empty: false,
            persistence: syntax::ast::Persistence::Permanent,
            columns: List::new(),
            constraints: List::new(),
            partition_by: None,
            partition_of: None,
            inherits: Vec::new(),
            children: List::new(),
            triggers: List::new(),
            policies: List::new(),
            rules: Vec::new(),
            row_security: false,
            force_row_security: false,
            replica_identity: None,
            replica_identity_kind: 'd',
            clustered_on: None,
            of_type: None,
            options: Vec::new(),
            access_method: None,
            tablespace: None,
            owner: None,
            comment: None,
            reads: Vec::new(),
            filtered: true,
            calls: Vec::new(),
            populated: true,
            owned_by: None,
            sequence_type: None,
        }
    }

    #[must_use]
    pub fn column(&self, name: &str) -> Option<&crate::schema::Column> {
        self.columns.iter().find(|column| &*column.name == name)
    }

    #[must_use]
    pub fn constraint(&self, name: &str) -> Option<&crate::schema::Constraint> {
        self.constraints.iter().find(|constraint| &*constraint.name == name)
    }
}
