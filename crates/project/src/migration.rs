//! Migrations as a tool sees them.

use std::path::PathBuf;
use std::sync::Arc;

use model::runner::Runner;
use syntax::{Options, Span};

use crate::tool::Tool;

/// One migration: usually one file, with what belongs to it.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The file with the Up statements.
    pub path: PathBuf,
    pub tool: &'static Tool,
    pub key: Key,
    /// The version as written, with its zeros; empty where the name has none.
    pub version: String,
    /// The rest of the name, without version, direction and extension.
    pub name: String,
    /// The text of `path`.
    pub text: Arc<str>,
    /// The bytes of `path` are UTF-8. If not, `text` stands in for them and the file is never rewritten.
    pub exact: bool,
    /// Sections in the order in which they are written; the Up section first.
    pub units: Vec<UnitText>,
    /// Files that belong to it: the paired down file, `metadata.toml`, `.sql.conf`.
    pub companions: Vec<Companion>,
    /// What the tool itself would refuse or silently do otherwise.
    pub problems: Vec<Problem>,
    /// Given on the command line, itself or by its directory.
    pub named: bool,
    /// Not applied anywhere as far as git knows; `None` when git cannot tell.
    pub pending: Option<bool>,
}

/// One section of a migration, as its tool hands it to the server.
#[derive(Clone, Debug)]
pub struct UnitText {
    pub section: Section,
    /// The file it stands in: the migration's own, or its paired down file.
    pub path: PathBuf,
    /// The whole text of that file.
    pub text: Arc<str>,
    /// Sections divide their file without gaps: markers and comments before the first statement are inside.
    pub span: Span,
    pub runner: Runner,
    /// Comments that are the tool's own marks, in source order.
    pub marks: Vec<Span>,
    /// How to parse it; the range is `span`.
    pub options: Options,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    Up,
    Down,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    pub role: Role,
    pub path: PathBuf,
    pub text: Arc<str>,
}

/// What a file is to its migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Up,
    Down,
    /// Settings of this one migration: `metadata.toml`, `.sql.conf`.
    Settings,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In the migration's own file.
    pub span: Span,
    /// A whole sentence without final full stop, with what to do.
    pub message: String,
    /// The tool stops at it, so nothing can be rewritten.
    pub fatal: bool,
}

/// The place of a migration in its history, by the tool's own order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Compared number by number. `1.0` and `1` are one version: no trailing zeros.
    Numbers(Vec<u128>),
    /// Compared byte by byte.
    Text(String),
    /// After all versions (Flyway's `R__`), by description.
    Repeatable(String),
}

impl Migration {
    #[must_use]
    pub fn unit(&self, section: Section) -> Option<&UnitText> {
        self.units.iter().find(|unit| unit.section == section)
    }

    #[must_use]
    pub fn companion(&self, role: Role) -> Option<&Companion> {
        self.companions.iter().find(|companion| companion.role == role)
    }
}
