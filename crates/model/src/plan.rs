//! Plans: the abstract steps that a rewrite is made of. `rewrite` makes them, `project` turns them into files.

use crate::effect::Effect;

/// How far the user must agree. The class of a plan is its highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Same result, runs under the detected runner, re-runnable.
    Safe,
    /// Needs a stated assumption or parameter.
    Unsafe,
    /// Needs an application deploy in between.
    Plan,
}

/// The transaction a step asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Any transaction; may share one with its neighbours.
    Tx,
    /// A transaction that holds no stronger lock: must not share one with the step before.
    OwnTx,
    /// Outside any transaction block.
    NonTx,
}

/// One step, usually one statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub mode: Mode,
    /// The statement with its terminator, and the comments that belong to it above; no timeouts, no transaction control.
    pub sql: String,
    /// The original statements it comes from.
    pub from: Vec<usize>,
    /// The SQL is the original's, byte for byte.
    pub verbatim: bool,
    /// Few words for file names and headers: `validate_users_email_check`; lower case, digits and underscores.
    pub title: String,
    /// A blank line stands above it in the original.
    pub spaced: bool,
    /// The work grows with the table: no statement_timeout may be in force.
    pub long: bool,
    /// It takes a lock that blocks reads or writes on a relation that others use: a lock_timeout belongs before it.
    pub blocks: bool,
    /// What it locks and does, under the locks that its part holds by then.
    pub effects: Vec<Effect>,
    /// What undoes exactly this step.
    pub inverse: Inverse,
    pub recovery: Option<Recovery>,
    /// Only after the application was deployed again; the reason.
    pub after_deploy: Option<String>,
}

/// What to do when a step stopped half-way, before it is run again.
#[derive(Clone, Debug, PartialEq)]
pub enum Recovery {
    /// Run this by hand: `DROP INDEX CONCURRENTLY i;`.
    First(String),
    /// Nothing; what an interruption leaves, as a clause.
    Again(&'static str),
    /// Correct rows that were written since the steps before it ran, as a phrase; the statement of the original that did so for
    /// others, and whether it is enough to run that again.
    Rows { rows: String, changed_by: Option<usize>, repeat: bool },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Inverse {
    /// Nothing to undo (VALIDATE).
    Nothing,
    Sql {
        sql: String,
        mode: Mode,
    },
    /// Cannot be undone; the reason.
    Impossible(String),
    /// The original's Down section undoes the statement it was copied from.
    Original,
}

/// Steps that run together and commit together: one transaction, or statements outside any. A part is what may stand in one
/// file. Outside a transaction there is at most one [`Mode::NonTx`] step, save for statements of the original that ran one
/// by one and still do; a [`Mode::Tx`] step beside it (a guard, a SET) may move to a file of its own before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub transaction: bool,
    /// The title of its leading step.
    pub title: String,
    /// Settings of the original in force where the part begins, to be made again when it does not run in the session of
    /// the part before. Timeouts stand only here, never among the steps.
    pub settings: Vec<Setting>,
    pub steps: Vec<Step>,
}

/// A SET of the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// In lower case.
    pub name: String,
    /// The statement as written, with its terminator.
    pub sql: String,
    pub local: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub class: Class,
    pub parts: Vec<Part>,
    /// Settings of the original in force where it ends, beyond its transactions.
    pub left: Vec<Setting>,
    /// Stated once each, whole sentences.
    pub assumptions: Vec<String>,
    /// Chosen operations that stay as they are: (statement, operation index in `Judged::operations`, reason).
    pub withheld: Vec<(usize, usize, String)>,
}
