//! How a migration tool hands statements to the server: plain data, filled in by `project`.

use syntax::Span;

#[derive(Clone, Debug, PartialEq)]
pub struct Runner {
    /// As the user calls it: `goose`, `plain psql`.
    pub name: &'static str,
    pub transaction: RunnerTransaction,
    /// What is sent as one simple-protocol query message. Two or more statements in one message form an implicit
    /// transaction block (manual, 53.2.2.1).
    pub messages: Messages,
    /// How the tool is told not to open a transaction, as text for a message: `-- +goose NO TRANSACTION`.
    pub opt_out: Option<String>,
    /// The unit opted out.
    pub opted_out: bool,
    /// Session settings are reset between files, or the session ends with the file.
    pub resets_session: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunnerTransaction {
    /// The tool opens none.
    None,
    /// BEGIN and COMMIT around the unit.
    Unit,
    /// One transaction over all pending files.
    AllPending,
    /// Not known which tool runs it.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Messages {
    /// Each statement by itself.
    Each,
    /// The whole unit.
    Whole,
    /// Statements that begin in the same span go together; spans in the file, in order.
    Spans(Vec<Span>),
}
