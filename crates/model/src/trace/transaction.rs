//! Which transaction a statement runs in: BEGIN and COMMIT of the file, of the runner, and of messages with several statements.
//!
//! xact.c is the source: a message of two or more statements forms an implicit block (BeginImplicitTransactionBlock),
//! BEGIN inside it makes it explicit with all that went before, COMMIT ends it and what follows forms the next one.

use std::sync::Arc;

use syntax::ast::TransactionKind;

use super::{Held, Opener, Session, Transaction, Until};
use crate::effect::Effect;
use crate::runner::{Runner, RunnerTransaction};
use crate::schema::{Born, Schema};

/// What a transaction changes.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub schema: Schema,
    pub session: Session,
    /// The session without SET LOCAL.
    pub durable: Session,
    /// The strongest lock per relation.
    pub held: Held,
}

impl State {
    /// Nothing was changed since the one was copied from the other.
    pub fn is_same(&self, other: &Self) -> bool {
        self.schema.is_same(&other.schema)
            && self.held.ptr_eq(&other.held)
            && self.session == other.session
            && self.durable == other.durable
    }
}

#[derive(Clone, Debug)]
struct Block {
    transaction: Transaction,
    /// What ROLLBACK brings back.
    start: State,
    savepoints: Vec<(String, State)>,
}

#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub state: State,
    block: Option<Block>,
    next: u32,
    /// The runner is not known, so outside explicit blocks it is not known whether a transaction is open, until one is ended:
    /// that of the runner, if there was one.
    unknown: bool,
}

impl Machine {
    pub fn new(schema: &Schema, session: &Session, runner: &Runner) -> Self {
        let held = session.held.iter().map(|effect| (effect.relation.clone(), effect.clone())).collect();
        let mut durable = session.clone();
        durable.held = Arc::default();
        let state = State { schema: schema.clone(), session: durable.clone(), durable, held };
        let mut machine = Self { state, block: None, next: 0, unknown: false };
        match runner.transaction {
            RunnerTransaction::Unit => machine.open(Opener::Runner, Until::Commit),
            RunnerTransaction::AllPending => machine.open(Opener::Runner, Until::Run),
            RunnerTransaction::None => {}
            RunnerTransaction::Unknown => machine.unknown = true,
        }
        machine
    }

    /// What follows happens alike, save that transactions may have other numbers.
    pub fn is_like(&self, other: &Self) -> bool {
        self.runs_like(other, |a, b| {
            a.session == b.session && a.durable == b.durable && a.held == b.held && a.schema == b.schema
        })
    }

    /// What follows happens alike where it does not look at what the two have not in common, save for timeouts.
    pub fn is_near(&self, other: &Self) -> bool {
        let alike = |a: &Session, b: &Session| {
            *a == Session { lock_timeout: a.lock_timeout, statement_timeout: a.statement_timeout, ..b.clone() }
        };
        self.runs_like(other, |a, b| alike(&a.session, &b.session) && alike(&a.durable, &b.durable))
    }

    fn runs_like(&self, other: &Self, alike: impl Fn(&State, &State) -> bool) -> bool {
        let blocks = match (&self.block, &other.block) {
            (None, None) => true,
            (Some(a), Some(b)) => {
                a.transaction == b.transaction
                    && alike(&a.start, &b.start)
                    && a.savepoints.len() == b.savepoints.len()
                    && a.savepoints.iter().zip(&b.savepoints).all(|(a, b)| a.0 == b.0 && alike(&a.1, &b.1))
            }
            _ => false,
        };
        blocks && self.unknown == other.unknown && alike(&self.state, &other.state)
    }

    /// Gives transactions that begin from now on numbers which none had before.
    pub fn number_from(&mut self, next: u32) {
        self.next = next;
    }

    pub fn numbered_to(&self) -> u32 {
        self.next
    }

    /// The transaction of the next statement.
    pub fn transaction(&mut self) -> Transaction {
        if let Some(block) = &self.block {
            return block.transaction;
        }
        let inside = if self.unknown { None } else { Some(false) };
        self.next += 1;
        Transaction { id: self.next, inside, opened_by: Opener::Nobody, until: Until::Statement }
    }

    /// An explicit block is open: BEGIN of the file or of the runner.
    pub fn explicit(&self) -> bool {
        self.block.as_ref().is_some_and(|block| block.transaction.opened_by != Opener::Message)
    }

    /// SET LOCAL takes effect. An unknown runner is believed to wrap when the file uses it.
    pub fn in_block(&self) -> bool {
        self.block.is_some() || self.unknown
    }

    /// Whether the next statement runs in a transaction block; `None` when that depends on the unknown runner.
    pub fn inside(&self) -> Option<bool> {
        if self.block.is_some() {
            return Some(true);
        }
        if self.unknown { None } else { Some(false) }
    }

    /// A statement of a message with several begins.
    pub fn enter_message(&mut self) {
        if self.block.is_none() {
            self.open(Opener::Message, Until::Commit);
        }
    }

    /// The message ends, and with it an implicit block.
    pub fn leave_message(&mut self) {
        if self.block.is_some() && !self.explicit() {
            self.commit();
        }
    }

    /// Locks of a statement that has run.
    pub fn hold(&mut self, effects: &[Effect]) {
        if self.block.is_none() {
            return;
        }
        // What this file created is nobody else's yet.
        for effect in effects.iter().filter(|effect| effect.born != Born::Here) {
            let known = self.state.held.get(&effect.relation);
            let held = known.map_or_else(
                || effect.clone(),
                |known| Effect {
                    lock: known.lock.max(effect.lock),
                    work: known.work.max(effect.work),
                    maybe: known.maybe && effect.maybe,
                    ..known.clone()
                },
            );
            // Writing copies what is shared with the statements before.
            if known != Some(&held) {
                self.state.held.insert(held.relation.clone(), held);
            }
        }
    }

    /// Runs a command of transaction control; `text` is the statement, for the names of savepoints.
    pub fn control(&mut self, kind: &TransactionKind, text: &str) {
        match kind {
            TransactionKind::Begin => match &mut self.block {
                Some(block) if block.transaction.opened_by == Opener::Message => {
                    block.transaction.opened_by = Opener::Explicit;
                }
                Some(_) => {}
                None => self.open(Opener::Explicit, Until::Commit),
            },
            // A prepared transaction is committed by whoever prepared it.
            TransactionKind::Commit | TransactionKind::Prepare => {
                self.commit();
                self.unknown = false;
            }
            TransactionKind::Rollback => {
                self.rollback();
                self.unknown = false;
            }
            TransactionKind::CommitAndChain | TransactionKind::RollbackAndChain => {
                let Some(Transaction { opened_by, until, .. }) = self.block.as_ref().map(|block| block.transaction)
                else {
                    return;
                };
                if *kind == TransactionKind::CommitAndChain {
                    self.commit()
                } else {
                    self.rollback()
                }
                self.open(opened_by, until);
            }
            TransactionKind::Savepoint => {
                if let Some(block) = &mut self.block {
                    block.savepoints.push((savepoint(text), self.state.clone()));
                }
            }
            TransactionKind::Release => {
                if let Some(block) = &mut self.block
                    && let Some(at) = block.savepoints.iter().rposition(|(name, _)| *name == savepoint(text))
                {
                    block.savepoints.truncate(at);
                }
            }
            TransactionKind::RollbackTo => {
                if let Some(block) = &mut self.block
                    && let Some(at) = block.savepoints.iter().rposition(|(name, _)| *name == savepoint(text))
                {
                    block.savepoints.truncate(at + 1);
                    self.state = block.savepoints[at].1.clone();
                }
            }
            TransactionKind::CommitPrepared => {}
            TransactionKind::RollbackPrepared => self.state.schema.forget_gone(),
        }
    }

    /// The unit ends. A BEGIN that nothing in it ends is taken as committed: an included file or the runner does it.
    pub fn finish(mut self) -> (Schema, Session) {
        let run = self.block.as_ref().is_some_and(|block| block.transaction.until == Until::Run);
        if run {
            let mut session = self.state.session;
            session.held = Arc::new(self.state.held.values().cloned().collect());
            return (self.state.schema, session);
        }
        self.commit();
        (self.state.schema, self.state.durable)
    }

    fn open(&mut self, opened_by: Opener, until: Until) {
        self.next += 1;
        let transaction = Transaction { id: self.next, inside: Some(true), opened_by, until };
        self.block = Some(Block { transaction, start: self.state.clone(), savepoints: Vec::new() });
    }

    fn commit(&mut self) {
        self.block = None;
        self.state.session = self.state.durable.clone();
        self.state.held = Held::default();
    }

    fn rollback(&mut self) {
        if let Some(block) = self.block.take() {
            self.state = block.start;
            self.state.session = self.state.durable.clone();
            self.state.held = Held::default();
        }
    }
}

/// The name in SAVEPOINT a, RELEASE a, ROLLBACK TO SAVEPOINT a: the last word.
fn savepoint(text: &str) -> String {
    let last = text.split_whitespace().last().unwrap_or_default();
    if last.contains('"') { last.to_owned() } else { last.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::{plain, runner, transactions};
    use crate::runner::{Messages, RunnerTransaction};

    #[test]
    fn psql() {
        let sql = "
SET lock_timeout = '2s'; CREATE TABLE a (); BEGIN; SET LOCAL lock_timeout = 500; LOCK TABLE t;
SAVEPOINT s; LOCK TABLE u; ROLLBACK TO s; LOCK TABLE v; COMMIT; LOCK TABLE t; SET LOCAL statement_timeout = 1; SELECT 1;
BEGIN; SET lock_timeout = 0; ROLLBACK; SELECT 2; RESET lock_timeout; SAVEPOINT x; SELECT 3";
        expect![[r#"
            1 alone -/-: SET lock_timeout = '2s'
            2 alone 2000ms/-: CREATE TABLE a ()
            3 in by BEGIN 2000ms/-: BEGIN
            3 in by BEGIN 2000ms/-: SET LOCAL lock_timeout = 500
            3 in by BEGIN 500ms/-: LOCK TABLE t
            3 in by BEGIN 500ms/- holding t: SAVEPOINT s
            3 in by BEGIN 500ms/- holding t: LOCK TABLE u
            3 in by BEGIN 500ms/- holding t u: ROLLBACK TO s
            3 in by BEGIN 500ms/- holding t: LOCK TABLE v
            3 in by BEGIN 500ms/- holding t v: COMMIT
            4 alone 2000ms/- 25P01: LOCK TABLE t
            5 alone 2000ms/-: SET LOCAL statement_timeout = 1
            6 alone 2000ms/-: SELECT 1
            7 in by BEGIN 2000ms/-: BEGIN
            7 in by BEGIN 2000ms/-: SET lock_timeout = 0
            7 in by BEGIN 0/-: ROLLBACK
            8 alone 2000ms/-: SELECT 2
            9 alone 2000ms/-: RESET lock_timeout
            10 alone 0/- 25P01: SAVEPOINT x
            11 alone 0/-: SELECT 3
        "#]]
        .assert_eq(&transactions(sql, &plain()));
    }

    #[test]
    fn one_message() {
        let sql =
            "LOCK TABLE a; COMMIT; LOCK TABLE b; BEGIN; LOCK TABLE c; COMMIT; DROP INDEX CONCURRENTLY i; SAVEPOINT s";
        expect![[r#"
            1 in by message -/-: LOCK TABLE a
            1 in by message -/- holding a: COMMIT
            2 in by message -/-: LOCK TABLE b
            2 in by BEGIN -/- holding b: BEGIN
            2 in by BEGIN -/- holding b: LOCK TABLE c
            2 in by BEGIN -/- holding b c: COMMIT
            3 in by message -/- 25001: DROP INDEX CONCURRENTLY i
            3 in by message -/- holding i 25P01: SAVEPOINT s
        "#]]
        .assert_eq(&transactions(sql, &runner(RunnerTransaction::None, Messages::Whole)));
        expect![[r#"
            1 alone -/- 25P01: LOCK TABLE a
        "#]]
        .assert_eq(&transactions("LOCK TABLE a", &runner(RunnerTransaction::None, Messages::Whole)));
    }

    #[test]
    fn a_runner_wraps() {
        let sql = "SET LOCAL lock_timeout = '1s'; LOCK TABLE a; BEGIN; LOCK TABLE b; COMMIT; LOCK TABLE c; SELECT 1";
        expect![[r#"
            1 in by runner -/-: SET LOCAL lock_timeout = '1s'
            1 in by runner 1000ms/-: LOCK TABLE a
            1 in by runner 1000ms/- holding a: BEGIN
            1 in by runner 1000ms/- holding a: LOCK TABLE b
            1 in by runner 1000ms/- holding a b: COMMIT
            2 alone -/- 25P01: LOCK TABLE c
            3 alone -/-: SELECT 1
        "#]]
        .assert_eq(&transactions(sql, &runner(RunnerTransaction::Unit, Messages::Each)));
        expect![[r#"
            1 in by runner until the run ends -/-: LOCK TABLE a
            1 in by runner until the run ends -/- holding a: SELECT 1
        "#]]
        .assert_eq(&transactions("LOCK TABLE a; SELECT 1", &runner(RunnerTransaction::AllPending, Messages::Whole)));
    }

    #[test]
    fn an_unknown_runner() {
        expect![[r#"
            1 ? -/-: SET LOCAL lock_timeout = '1s'
            2 ? 1000ms/-: LOCK TABLE a
            3 in by BEGIN 1000ms/-: BEGIN
            3 in by BEGIN 1000ms/-: SELECT 1
            3 in by BEGIN 1000ms/-: COMMIT
            4 alone -/- 25001: VACUUM a
        "#]]
        .assert_eq(&transactions(
            "SET LOCAL lock_timeout = '1s'; LOCK TABLE a; BEGIN; SELECT 1; COMMIT; VACUUM a",
            &runner(RunnerTransaction::Unknown, Messages::Each),
        ));
    }
}
