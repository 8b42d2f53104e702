//! SQL text to a script of typed statements with spans.
//!
//! Invariants: `parse` never fails and never panics, whatever the bytes; every byte of the input belongs to a statement, a
//! comment, a masked stretch or white space; a broken statement costs itself only. No I/O. Only this crate names pg_query.

pub mod ast;
mod span;

pub use span::Span;
