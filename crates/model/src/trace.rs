//! What a whole unit does, statement by statement.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use syntax::ast::{Script, Statement, StatementKind, TransactionKind};

use self::alike::Alike;
use self::transaction::Machine;
use crate::effect::{Blocked, Breaks, Effect, FailsWhen, Failure, Operation, WaitsFor};
use crate::exec::{self, NeedsBlock, Setting};
use crate::map::{self, Map, Reads};
use crate::name::QName;
use crate::runner::{Messages, Runner};
use crate::schema::{Born, Schema};

mod again;
mod alike;
mod blocked;
mod follow;
mod judged;
mod majors;
mod transaction;

pub use again::{Record, trace_again};
pub use judged::Judged;

/// The supported majors.
pub const MAJORS: RangeInclusive<u32> = 14..=18;

/// One section of one file, as its runner executes it.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'a> {
    pub script: &'a Script,
    pub runner: &'a Runner,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub majors: RangeInclusive<u32>,
    /// lock_timeout and statement_timeout are set outside the migrations (role, URL).
    pub external_timeouts: bool,
}

/// The trace of a unit.
#[derive(Clone, Debug)]
pub struct Trace {
    /// One per statement of the script, in order; shared with the traces that an edit makes of this one.
    pub judged: Vec<Judged>,
    /// By statement, the statements of its transaction.
    pub transactions: Vec<Range<u32>>,
    pub before: Schema,
    pub after: Schema,
    pub session_after: Session,
    pub majors: RangeInclusive<u32>,
}

/// What a statement meets and does.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// In the state that it was judged in first; see [`Judged::before`].
    before: Schema,
    /// Merged over its operations; the worst over the majors in range.
    pub effects: Vec<Effect>,
    pub operations: Vec<Operation>,
    /// As `before`; see [`Judged::held`].
    held: Held,
    pub fails: Option<Failure>,
    pub waits_for: Vec<WaitsFor>,
    pub breaks: Vec<Breaks>,
    /// What other sessions cannot do because of this statement's own locks.
    pub blocked: Vec<Blocked>,
    /// The majors in range whose effects are those given, when other majors in range do less. Locks weaker than SHARE
    /// UPDATE EXCLUSIVE, with no work, do not count.
    pub majors: Option<(u32, u32)>,
    /// It cannot run inside a transaction block.
    pub refuses_transaction: bool,
    /// Where it looks for names without schema.
    pub search_path: Vec<String>,
    /// What it was judged by, where somebody watched.
    reads: Option<Reads>,
    /// It may change settings, or what else is not in the schema.
    changes_session: bool,
    /// [`Schema::complete`] after it.
    completes: bool,
}

impl Judgement {
    /// Of a statement that does nothing.
    #[must_use]
    pub fn idle(before: Schema, held: Held, search_path: Vec<String>) -> Self {
        Self {
            before,
            effects: Vec::new(),
            operations: Vec::new(),
            held,
            fails: None,
            waits_for: Vec::new(),
            breaks: Vec::new(),
            blocked: Vec::new(),
            majors: None,
            refuses_transaction: false,
            search_path,
            reads: None,
            changes_session: false,
            completes: true,
        }
    }
}

/// Locks by relation, the strongest of each. Shared with the statements around, as a long transaction holds much.
pub type Held = Map<QName, Effect, 11>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Statements with the same number share a transaction.
    pub id: u32,
    /// `None`: depends on the unknown runner.
    pub inside: Option<bool>,
    pub opened_by: Opener,
    /// When its locks go.
    pub until: Until,
}

impl Transaction {
    /// Whether statements of the two may take effect at once. Under an unknown runner those outside BEGIN and COMMIT may.
    #[must_use]
    pub fn may_share(&self, other: &Self) -> bool {
        (self.id == other.id && self.inside != Some(false)) || (self.inside.is_none() && other.inside.is_none())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// Autocommit.
    Nobody,
    /// BEGIN in the file.
    Explicit,
    Runner,
    /// Several statements in one message.
    Message,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    Statement,
    Commit,
    /// The end of all pending files.
    Run,
}

/// Settings that change what statements do.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub lock_timeout: Timeout,
    pub statement_timeout: Timeout,
    /// The schema where unqualified names are created; `public` by default.
    pub search_path: Vec<String>,
    pub time_zone: Option<String>,
    pub check_function_bodies: bool,
    /// Locks that earlier units of a run in one transaction still hold.
    pub held: Arc<Vec<Effect>>,
    /// Enum values that the open transaction added.
    pub new_values: Arc<Vec<NewValue>>,
}

/// A value that ALTER TYPE ... ADD VALUE brought and that is not committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewValue {
    pub ty: QName,
    pub value: Arc<str>,
    /// The type is as new as the value.
    pub with_type: bool,
}

/// A new connection.
impl Default for Session {
    fn default() -> Self {
        Self {
            lock_timeout: Timeout::Unset,
            statement_timeout: Timeout::Unset,
            search_path: vec!["public".to_owned()],
            time_zone: None,
            check_function_bodies: true,
            held: Arc::default(),
            new_values: Arc::default(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub lock: Timeout,
    pub statement: Timeout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// Nothing in the migrations sets it.
    Unset,
    /// Set to 0, or RESET.
    Off,
    Milliseconds(u64),
    /// Configured outside, or set to something not constant.
    External,
}

/// Executes a unit and judges each of its statements. Relations it creates are born here; see [`Schema::aged`] for what
/// follows in later units.
#[must_use]
pub fn trace(before: &Schema, session: &Session, unit: &Unit, settings: &Settings) -> Trace {
    let mut machine = Machine::new(before, session, unit.runner);
    let mut judged = Vec::with_capacity(unit.script.statements.len());
    let mut alike = None;
    walk(&mut machine, unit, |machine, statement| judged.push(judge(machine, statement, settings, &mut alike, false)));
    Trace::of(before, session, unit, settings, judged, machine.finish())
}

impl Trace {
    fn of(
        before: &Schema,
        session: &Session,
        unit: &Unit,
        settings: &Settings,
        judged: Vec<Judged>,
        (after, session_after): (Schema, Session),
    ) -> Self {
        let session_after = leave(session, session_after, unit.runner);
        let transactions = transactions(&judged);
        Self { judged, transactions, before: before.clone(), after, session_after, majors: settings.majors.clone() }
    }
}

/// Runs of statements that share a transaction.
fn transactions(judged: &[Judged]) -> Vec<Range<u32>> {
    let mut ranges = Vec::with_capacity(judged.len());
    for run in judged.chunk_by(|a, b| a.transaction.id == b.transaction.id) {
        let start = ranges.len() as u32;
        ranges.resize(ranges.len() + run.len(), start..start + run.len() as u32);
    }
    ranges
}

/// What a unit of the history leaves: [`trace`] without effects, on the newest major, everything born `born`.
#[must_use]
pub fn fold(before: &Schema, session: &Session, unit: &Unit, settings: &Settings, born: Born) -> (Schema, Session) {
    follow(before, session, unit, settings, born, |_| {})
}

/// A statement of a unit that is folded.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub statement: &'a Statement,
    pub before: &'a Schema,
    pub after: &'a Schema,
    /// Where it looks for names without schema.
    pub search_path: &'a [String],
}

/// As [`fold`], and shows what each statement does to the schema.
pub fn follow(
    before: &Schema,
    session: &Session,
    unit: &Unit,
    settings: &Settings,
    born: Born,
    mut show: impl FnMut(Step),
) -> (Schema, Session) {
    let mut machine = Machine::new(before, session, unit.runner);
    let newest = *settings.majors.end();
    walk(&mut machine, unit, |machine, statement| {
        let before = machine.state.schema.clone();
        let search_path = machine.state.session.search_path.clone();
        let mut outcome = run(machine, statement, newest, born, true, settings);
        if shows_gap(&machine.state.schema, outcome.failure.as_ref()) {
            machine.state.schema.complete = false;
            outcome = run(machine, statement, newest, born, true, settings);
        }
        let failed = outcome.failure.as_ref().is_some_and(|failure| failure.when == FailsWhen::Always);
        advance(machine, statement, (!failed).then_some(outcome.schema), outcome.session, outcome.durable);
        show(Step { statement, before: &before, after: &machine.state.schema, search_path: &search_path });
    });
    let (after, session_after) = machine.finish();
    (after.aged(before, born), leave(session, session_after, unit.runner))
}

/// The session that the next unit begins with. It may run another day on a new connection, so that a timeout protects only
/// the unit that sets it.
fn leave(before: &Session, after: Session, runner: &Runner) -> Session {
    if runner.resets_session {
        return before.clone();
    }
    Session { lock_timeout: before.lock_timeout, statement_timeout: before.statement_timeout, ..after }
}

/// Visits the statements in order, each in its message.
fn walk(machine: &mut Machine, unit: &Unit, mut visit: impl FnMut(&mut Machine, &Statement)) {
    for (statement, place) in unit.script.statements.iter().zip(places(unit)) {
        step(machine, statement, place, &mut visit);
    }
}

/// Where a statement stands in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// Not the only one.
    shared: bool,
    last: bool,
}

fn places(unit: &Unit) -> Vec<Place> {
    let statements = &unit.script.statements;
    let mut places = Vec::with_capacity(statements.len());
    while places.len() < statements.len() {
        let length = message(&statements[places.len()..], &unit.runner.messages);
        places.extend((1..=length).map(|at| Place { shared: length > 1, last: at == length }));
    }
    places
}

fn step(machine: &mut Machine, statement: &Statement, place: Place, visit: impl FnOnce(&mut Machine, &Statement)) {
    if place.shared {
        machine.enter_message();
    }
    visit(machine, statement);
    if place.last {
        machine.leave_message();
    }
}

/// How many of the next statements share a message.
fn message(statements: &[Statement], messages: &Messages) -> usize {
    match messages {
        Messages::Each => 1,
        Messages::Whole => statements.len(),
        Messages::Spans(spans) => {
            let start = statements[0].span.start;
            // In source order, and a bulk load has very many.
            let at = spans.partition_point(|span| span.end <= start);
            let Some(span) = spans.get(at).filter(|span| span.start <= start) else { return 1 };
            statements.iter().take_while(|it| it.span.start < span.end).count()
        }
    }
}

fn judge(
    machine: &mut Machine,
    statement: &Statement,
    settings: &Settings,
    alike: &mut Option<Alike>,
    watched: bool,
) -> Judged {
    let before = machine.state.schema.clone();
    // BEGIN belongs to the transaction it opens.
    if let Some(begin @ TransactionKind::Begin) = control(statement) {
        machine.control(begin, &statement.parsed.text);
    }
    let transaction = machine.transaction();
    let timeouts = timeouts(&machine.state.session, settings);
    *alike = alike
        .take()
        .filter(|it| it.is(statement, &machine.state, transaction))
        .or_else(|| Alike::new(statement, &machine.state, transaction));
    if let Some(known) = alike.as_ref().and_then(|it| it.find(statement)) {
        return Judged::new(transaction, timeouts, Arc::clone(known));
    }
    let meet = || meet(machine, statement, before, transaction, settings);
    let judgement = Arc::new(if watched {
        let (judgement, reads) = map::watch(meet);
        Judgement { reads: Some(reads), ..judgement }
    } else {
        meet()
    });
    *alike = alike.take().filter(|it| it.is_at(&machine.state));
    if let Some(alike) = alike {
        alike.note(statement, &judgement);
    }
    Judged::new(transaction, timeouts, judgement)
}

/// Executes a statement in the state that the machine is in.
fn meet(
    machine: &mut Machine,
    statement: &Statement,
    mut before: Schema,
    transaction: Transaction,
    settings: &Settings,
) -> Judgement {
    let held = machine.state.held.clone();
    let search_path = machine.state.session.search_path.clone();
    let newest = *settings.majors.end();
    // Majors whose grammar rejects the statement never execute it.
    let needs = statement.parsed.needs.as_ref().map_or(0, |needs| needs.major);
    let majors = (*settings.majors.start()).max(needs).min(newest)..=newest;
    let execute =
        |machine: &Machine| majors::judge(&majors, |major| run(machine, statement, major, Born::Here, false, settings));
    let mut verdict = execute(machine);
    if shows_gap(&machine.state.schema, verdict.failure.as_ref()) {
        machine.state.schema.complete = false;
        before.complete = false;
        verdict = execute(machine);
    }
    let outcome = verdict.newest;
    let fails = verdict.failure.or_else(|| {
        let explicit = machine.explicit();
        outcome.needs_block.and_then(|needs| outside(needs, transaction, explicit, (*settings.majors.start(), newest)))
    });
    let blocked = blocked::blocked(
        &before,
        &verdict.effects,
        &verdict.operations,
        outcome.refuses_transaction,
        !verdict.waits_for.is_empty(),
        newest,
    );
    machine.hold(&verdict.effects);
    let changes_session =
        outcome.sets || outcome.session != machine.state.session || outcome.durable != machine.state.durable;
    let failed = fails.as_ref().is_some_and(|it| it.when == FailsWhen::Always && it.majors.1 == newest);
    // BEGIN has taken effect.
    if control(statement) != Some(&TransactionKind::Begin) {
        advance(machine, statement, (!failed).then_some(outcome.schema), outcome.session, outcome.durable);
    }
    Judgement {
        effects: verdict.effects,
        operations: verdict.operations,
        fails,
        waits_for: verdict.waits_for,
        breaks: verdict.breaks,
        blocked,
        majors: verdict.majors,
        refuses_transaction: outcome.refuses_transaction,
        changes_session,
        completes: machine.state.schema.complete,
        ..Judgement::idle(before, held, search_path)
    }
}

fn control(statement: &Statement) -> Option<&TransactionKind> {
    match &*statement.parsed.kind {
        StatementKind::Transaction { kind } => Some(kind),
        _ => None,
    }
}

fn timeouts(session: &Session, settings: &Settings) -> Timeouts {
    let external = |timeout| match timeout {
        Timeout::Unset if settings.external_timeouts => Timeout::External,
        timeout => timeout,
    };
    Timeouts { lock: external(session.lock_timeout), statement: external(session.statement_timeout) }
}

/// The migrations name a thing that none of them made: the history did not begin with an empty database after all, or the
/// tool makes the thing itself.
fn shows_gap(schema: &Schema, failure: Option<&Failure>) -> bool {
    /// Undefined table, object, schema and function (manual, appendix A).
    const UNDEFINED: [&str; 4] = ["42P01", "42704", "3F000", "42883"];
    // Not those about what is known: `data type text has no default operator class`.
    let absent = |it: &Failure| UNDEFINED.contains(&it.sqlstate) && it.message.ends_with("does not exist");
    failure.is_some_and(|it| it.when == FailsWhen::Always && absent(it)) && schema.is_complete()
}

fn run(
    machine: &Machine,
    statement: &Statement,
    major: u32,
    born: Born,
    quiet: bool,
    settings: &Settings,
) -> exec::Outcome {
    let setting = Setting {
        major,
        born,
        quiet,
        external_timeouts: settings.external_timeouts,
        in_block: machine.in_block(),
        in_transaction: machine.inside(),
    };
    let state = &machine.state;
    exec::execute(&statement.parsed, &state.schema, &state.session, &state.durable, setting)
}

/// The state after a statement; a statement that certainly fails changes nothing. What would fail in a transaction is taken
/// as done, so that one mistake does not hide what follows.
fn advance(machine: &mut Machine, statement: &Statement, schema: Option<Schema>, session: Session, durable: Session) {
    if let Some(kind) = control(statement) {
        return machine.control(kind, &statement.parsed.text);
    }
    let Some(schema) = schema else {
        // What rests on the mistake, or only comes after it, is not told as another.
        return machine.state.schema.distrust_gone();
    };
    machine.state.schema = schema;
    machine.state.session = session;
    machine.state.durable = durable;
}

/// A command that demands a transaction block stands outside one (RequireTransactionBlock, xact.c).
fn outside(needs: NeedsBlock, transaction: Transaction, explicit: bool, majors: (u32, u32)) -> Option<Failure> {
    let satisfied = transaction.inside != Some(false) && (!needs.explicit || explicit || transaction.inside.is_none());
    (!satisfied).then(|| Failure {
        sqlstate: "25P01",
        message: format!("{} can only be used in transaction blocks", needs.command),
        when: FailsWhen::Always,
        span: needs.span,
        majors,
    })
}
