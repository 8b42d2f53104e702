//! What a whole unit does, statement by statement.

use std::ops::RangeInclusive;

use syntax::ast::Script;

use crate::effect::{Blocked, Breaks, Effect, Failure, Operation, WaitsFor};
use crate::runner::Runner;
use crate::schema::Schema;

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
    /// One per statement of the script, in order.
    pub judged: Vec<Judged>,
    pub before: Schema,
    pub after: Schema,
    pub session_after: Session,
    pub majors: RangeInclusive<u32>,
}

/// One statement in its place.
#[derive(Clone, Debug)]
pub struct Judged {
    pub before: Schema,
    pub transaction: Transaction,
    /// Merged over its operations; the worst over the majors in range.
    pub effects: Vec<Effect>,
    pub operations: Vec<Operation>,
    /// In force when it runs.
    pub timeouts: Timeouts,
    /// Locks taken by earlier statements of the same transaction and still held.
    pub held: Vec<Effect>,
    pub fails: Option<Failure>,
    pub waits_for: Vec<WaitsFor>,
    pub breaks: Vec<Breaks>,
    /// What other sessions cannot do because of this statement's own locks.
    pub blocked: Vec<Blocked>,
    /// The majors in range whose effects are those given, when other majors in range do less.
    pub majors: Option<(u32, u32)>,
    /// It cannot run inside a transaction block.
    pub refuses_transaction: bool,
}

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
