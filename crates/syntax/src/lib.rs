//! SQL text to a script of typed statements with spans.
//!
//! Invariants: `parse` never fails and never panics, whatever the bytes; every byte of the input belongs to a statement, a
//! comment, a masked stretch or white space; a broken statement costs itself only. No I/O. Only this crate names pg_query.

// The constants of the parse tree keep their C names.
#![allow(non_upper_case_globals)]

pub mod ast;
mod cache;
mod convert;
pub mod directive;
mod dynamic;
mod ffi;
pub mod lex;
mod mask;
mod nodes;
mod options;
mod parse;
mod plpgsql;
mod shorten;
mod span;
mod split;
mod strings;

pub use cache::Cache;
#[cfg(test)]
mod tests;

pub use options::{Options, Templates};
pub use parse::{parse, parse_bytes, parse_cached};
pub use span::Span;

/// Quotes an identifier where PostgreSQL would not read it back as it is.
#[must_use]
pub fn quote_ident(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '$');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
