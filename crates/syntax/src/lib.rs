//! SQL text to a script of typed statements with spans.
//!
//! Invariants: `parse` never fails and never panics, whatever the bytes; every byte of the input belongs to a statement, a
//! comment, a masked stretch or white space; a broken statement costs itself only. No I/O. Only this crate names pg_query.

// The constants of the parse tree keep their C names.
#![allow(non_upper_case_globals)]

mod again;
pub mod ast;
mod cache;
mod convert;
pub mod directive;
mod dynamic;
mod ffi;
pub mod lex;
mod mask;
pub mod mentions;
mod nodes;
mod options;
mod parse;
mod plpgsql;
mod seed;
mod shorten;
mod span;
mod split;
mod strings;

pub use again::{Before, parse_again};
pub use cache::Cache;
#[cfg(test)]
mod tests;

pub use options::{Options, Templates};
pub use parse::{parse, parse_bytes, parse_cached, placeholders};
pub use span::Span;

/// Quotes an identifier where PostgreSQL would not read it back as it is: keywords that are not free in every place are quoted
/// everywhere (quote_identifier, ruleutils.c).
#[must_use]
pub fn quote_ident(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '$')
        && !KEYWORDS.split_ascii_whitespace().any(|keyword| keyword == name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The keywords of PostgreSQL 18 that are not unreserved (kwlist.h).
const KEYWORDS: &str = "
all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast
char character check coalesce collate collation column concurrently constraint create cross current_catalog
current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable
desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest group
grouping having ilike in initially inner inout int integer intersect interval into is isnull join json json_array
json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value
lateral leading least left like limit localtime localtimestamp merge_action national natural nchar none normalize not
notnull null nullif numeric offset on only or order out outer overlaps overlay placing position precision primary real
references returning right row select session_user setof similar smallint some substring symmetric system_user table
tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic verbose
when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
xmlserialize xmltable";
