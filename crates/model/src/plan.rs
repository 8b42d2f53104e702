//! Plans: the abstract steps that a rewrite is made of. `rewrite` makes them, `project` turns them into files.

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
    /// Few words for file names and headers: `validate users_email_check`.
    pub title: String,
    /// The work grows with the table: no statement_timeout may be in force.
    pub long: bool,
    /// It takes a lock that blocks reads or writes on a relation that others use: a lock_timeout belongs before it.
    pub blocks: bool,
    /// What undoes exactly this step.
    pub inverse: Inverse,
    /// What to run by hand when a non-transactional step was interrupted: `DROP INDEX CONCURRENTLY i;`.
    pub recovery: Option<String>,
    /// Only after the application was deployed again; the reason.
    pub after_deploy: Option<String>,
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

/// Steps that run together: one transaction, or several statements outside any.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub transaction: bool,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub class: Class,
    pub parts: Vec<Part>,
    /// Stated once each, whole sentences.
    pub assumptions: Vec<String>,
    /// Chosen operations that stay as they are: (statement, operation index in `Judged::operations`, reason).
    pub withheld: Vec<(usize, usize, String)>,
}
