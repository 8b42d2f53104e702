//! Chosen operations of a trace to a plan of safe steps.
//!
//! Three passes. *Expand*: each chosen operation becomes steps by its recipe ([`recipes`]), the rest of the file stays byte
//! for byte. *Arrange*: the steps are put in order and into parts ([`schedule`]). *Prove*: original and plan are executed on
//! the same schema and must leave the same one ([`equivalence`]); no new step may hold a lock that blocks others while its
//! work grows with the table; and others must meet no state between parts in which something is missing that the original
//! replaces at once ([`gaps`], [`losses`]), rows are held to what others cannot keep yet ([`fills`]), or what they write is
//! lost ([`copies`]). What cannot be proven is withheld with a reason. Pure: no I/O, no clock, no failure.

mod alter;
mod bonds;
mod context;
mod copies;
mod draft;
mod edit;
pub mod equivalence;
mod execute;
mod expand;
mod facts;
mod fills;
mod footprint;
mod gaps;
pub mod inverse;
mod layout;
mod losses;
mod names;
mod obstacles;
mod plan;
mod recipes;
mod recovery;
mod schedule;
mod settings;
mod titles;
mod twice;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use model::effect::OperationKind;
use model::plan::{Class, Plan};
use model::runner::Runner;
use model::trace::{Session, Trace};
use syntax::Span;
use syntax::ast::Script;

/// One section of one file, what it does, and which of it shall be done differently.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The text that the script was parsed from.
    pub text: &'a str,
    /// The section inside it.
    pub section: Span,
    pub script: &'a Script,
    /// How it was parsed.
    pub options: &'a syntax::Options,
    pub trace: &'a Trace,
    /// The session in which the section begins.
    pub session: &'a Session,
    pub runner: &'a Runner,
    /// Comments that are the migration tool's own marks. Files get their marks where they are written, so no step keeps them.
    pub marks: &'a [Span],
    /// Statements and the indices of their operations in `Judged::operations`.
    pub chosen: &'a [(usize, usize)],
    /// Those of them for which a table that the section makes counts as old: their steps run when others already use it.
    pub apart: &'a BTreeSet<(usize, usize)>,
    /// The highest class that operations may be expanded to.
    pub allowed: Class,
    pub parameters: Parameters,
}

/// What recipes of class unsafe need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Rows per batch of a backfill.
    pub batch: u32,
    /// Milliseconds between two batches.
    pub pause: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { batch: 1000, pause: 100 }
    }
}

#[derive(Clone, Debug)]
pub struct Outcome {
    pub plan: Plan,
    /// The plan differs from the original. When it does not, the plan is one part per transaction of the original, which
    /// still tells which steps want a timeout.
    pub changed: bool,
    /// The lowest class above the allowed one that would do more.
    pub higher: Option<Class>,
}

/// Expands exactly the chosen operations.
#[must_use]
pub fn rewrite(request: &Request) -> Outcome {
    plan::plan(request)
}

/// Why an operation that can be treated stays as it is all the same: it is only parted from others.
#[must_use]
pub fn stays(kind: OperationKind) -> Option<&'static str> {
    recipes::keep::stays(kind)
}
