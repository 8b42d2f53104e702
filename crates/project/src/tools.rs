//! The migration tools, one file each.

use crate::tool::{Settings, Tool};

mod goose;
mod plain;
mod unknown;

/// Every tool. The order decides nothing but the order in messages.
pub static ALL: &[&Tool] = &[&goose::TOOL, &plain::TOOL, &unknown::TOOL];

/// Statement by statement, as psql does; what a file is when nothing points at a tool.
pub static PLAIN: &Tool = &plain::TOOL;

/// Nobody knows what runs it.
pub static UNKNOWN: &Tool = &unknown::TOOL;

/// The tool of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Tool> {
    ALL.iter().copied().find(|tool| tool.name == name)
}

/// For tools without configuration of their own.
fn no_settings(_: &crate::files::Files, _: &std::path::Path) -> Settings {
    Settings::default()
}
