//! Which transaction a statement runs in: BEGIN and COMMIT of the file, of the runner, and of messages with several statements.
//!
//! xact.c is the source: a message of two or more statements forms an implicit block (BeginImplicitTransactionBlock),
//! BEGIN inside it makes it explicit with all that went before, COMMIT ends it and what follows forms the next one.

use std::sync::Arc;

use imbl::OrdMap;
use syntax::ast::TransactionKind;

use super::{Opener, Session, Transaction, Until};
use crate::effect::Effect;
use crate::name::QName;
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
    pub held: OrdMap<QName, Effect>,
}

#[derive(Debug)]
struct Block {
    transaction: Transaction,
    /// What ROLLBACK brings back.
    start: State,
    savepoints: Vec<(String, State)>,
}

#[derive(Debug)]
pub(super) struct Machine {
    pub state: State,
    block: Option<Block>,
    next: u32,
    /// The runner is not known, so outside explicit blocks it is not known whether a transaction is open.
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
            let slot = self.state.held.entry(effect.relation.clone()).or_insert_with(|| effect.clone());
            slot.lock = slot.lock.max(effect.lock);
            slot.work = slot.work.max(effect.work);
            slot.maybe &= effect.maybe;
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
            TransactionKind::Commit | TransactionKind::Prepare => self.commit(),
            TransactionKind::Rollback => self.rollback(),
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
            TransactionKind::CommitPrepared | TransactionKind::RollbackPrepared => {}
        }
    }

    /// The unit ends. A BEGIN that nothing in it ends is taken as committed: an included file or the runner does it.
    pub fn finish(mut self) -> (Schema, Session) {
        let run = self.block.as_ref().is_some_and(|block| block.transaction.until == Until::Run);
        if run {
            let mut session = self.state.session;
            session.held = Arc::new(self.state.held.into_iter().map(|(_, effect)| effect).collect());
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
        self.state.held = OrdMap::new();
    }

    fn rollback(&mut self) {
        if let Some(block) = self.block.take() {
            self.state = block.start;
            self.state.session = self.state.durable.clone();
            self.state.held = OrdMap::new();
        }
    }
}

/// The name in SAVEPOINT a, RELEASE a, ROLLBACK TO SAVEPOINT a: the last word.
fn savepoint(text: &str) -> String {
    let last = text.split_whitespace().last().unwrap_or_default();
    if last.contains('"') { last.to_owned() } else { last.to_lowercase() }
}
