//! The migration tools, one file each.

use std::path::{Path, PathBuf};

use syntax::{Options, Span, Templates};

use crate::emit::Sheet;
use crate::files::Files;
use crate::migration::Role;
use crate::tool::{Settings, Tool};

mod dbmate;
mod diesel;
mod flyway;
mod golang_migrate;
mod goose;
mod plain;
mod prisma;
mod sqlx;
mod unknown;

/// Every tool. The order decides nothing but the order in messages.
pub static ALL: &[&Tool] = &[
    &goose::TOOL,
    &golang_migrate::TOOL,
    &dbmate::TOOL,
    &sqlx::TOOL,
    &diesel::TOOL,
    &flyway::TOOL,
    &prisma::TOOL,
    &plain::TOOL,
    &unknown::TOOL,
];

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
fn no_settings(_: &Files, _: &[PathBuf]) -> Settings {
    Settings::default()
}

/// A version of digits only.
fn number(version: &str) -> Option<u128> {
    version.bytes().all(|byte| byte.is_ascii_digit()).then(|| version.parse().ok())?
}

/// `x.up.sql`, `x.down.sql` and `x.sql`: the stem, and the direction where there is one.
fn pair(file: &str) -> Option<(&str, Option<Role>)> {
    let stem = file.strip_suffix(".sql")?;
    Some(match (stem.strip_suffix(".up"), stem.strip_suffix(".down")) {
        (Some(stem), _) => (stem, Some(Role::Up)),
        (_, Some(stem)) => (stem, Some(Role::Down)),
        _ => (stem, None),
    })
}

/// What a server is sent. Placeholders in braces are never SQL, so they are masked even where the tool knows none: somebody
/// fills them in before.
fn server_sql(span: Span) -> Options {
    Options {
        templates: Templates { braces: true, mustache: true, ..Options::plain().templates },
        range: Some(span),
        ..Options::plain()
    }
}

/// The byte-order mark that the original begins with.
fn bom(sheet: &Sheet) -> &'static str {
    if sheet.original && sheet.migration.text.starts_with('\u{feff}') { "\u{feff}" } else { "" }
}

/// `x.down.sql` for `x.up.sql`.
fn in_other_direction(path: &Path) -> Result<PathBuf, String> {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".up.sql"));
    name.map(|name| path.with_file_name(format!("{name}.down.sql")))
        .ok_or_else(|| "the file is not called .up.sql".to_owned())
}
