//! What a migration tool is to us: plain data, and a few functions where a tool has rules of its own.
//!
//! Each tool is one file below `tools/`, and one line in [`tools::ALL`](crate::tools).

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::emit::{Sheet, Written};
use crate::files::Files;
use crate::migration::{Companion, Key, Migration, Problem, Role, UnitText};

pub use crate::tools::{ALL, named};

pub struct Tool {
    /// As `--tool` and `safestep.toml` call it.
    pub name: &'static str,
    /// As messages call it.
    pub label: &'static str,
    pub evidence: Evidence,
    /// The tool's own configuration, relative to a directory of migrations or to one above it.
    pub settings_files: &'static [&'static str],
    /// What those of the files say that are there, nearest first.
    pub settings: fn(&Files, &[PathBuf]) -> Settings,
    /// The place of a file by its path alone; `None` when the tool would not run it.
    pub place: fn(&Path, &Settings) -> Option<Place>,
    /// Migrations of one history may stand in directories below its root.
    pub recursive: bool,
    /// Two files of one version cannot both be applied.
    pub unique_version: bool,
    /// Each migration has a directory of its own.
    pub directories: bool,
    /// It complains of an applied file that was edited.
    pub checksums: bool,
    pub read: fn(&Source, &Settings) -> Reading,
    /// `None`: nothing is written for it.
    pub writer: Option<Writer>,
}

/// How migrations are written for a tool.
pub struct Writer {
    /// All parts of a plan stay in the file of the original.
    pub one_file: bool,
    /// So many versions behind one, below another if there is one; `None` when there is no room.
    pub versions: fn(&str, usize, Option<&str>) -> Option<Vec<String>>,
    /// The file of a new migration beside an old one, for a version and a name.
    pub path: fn(&Migration, &str, &str) -> Option<PathBuf>,
    /// The files of one migration; the error is a reason, as a phrase.
    pub write: fn(&Sheet) -> Result<Written, String>,
    /// A statement as it must stand in a file; the flag says that it stood between the tool's marks.
    pub statement: fn(&str, bool) -> String,
    /// Words in lower case by which marks around one statement are known.
    pub fences: &'static [&'static str],
    /// One mark turns off the transaction of both sections.
    pub one_switch: bool,
    /// SET may stand beside a statement that refuses a transaction without further marks.
    pub sets_freely: bool,
    pub down_required: bool,
    /// A statement for sections that must hold one.
    pub nothing: &'static str,
    /// How migrations are run, as a phrase.
    pub run: &'static str,
    /// How one is undone, as a phrase.
    pub undo: Option<&'static str>,
    /// What comes before `run` after a failure: for the version before it, if there is one, and the name of its directory. Empty
    /// or ending in `then `.
    pub repair: fn(Option<&str>, &str) -> String,
    /// What a user must know when steps run outside a transaction.
    pub advice: fn(&Settings) -> Option<&'static str>,
}

/// By what a tool is recognised when nobody names it.
pub struct Evidence {
    /// The text is written for this tool and no other.
    pub signature: fn(&str) -> bool,
    /// Every file of this tool carries the signature.
    pub always_signed: bool,
    /// Files or directories that lie in the directory of the migrations or above it.
    pub files: &'static [&'static str],
    /// A file that names what a project depends on, and the word that names the tool in it.
    pub dependencies: &'static [(&'static str, &'static str)],
    /// Words in scripts and lock files that tell it from tools whose files are named alike.
    pub words: &'static [&'static str],
    /// The names of the SQL files in one directory are sign enough when nothing else speaks.
    pub by_name: fn(&[&str]) -> bool,
}

/// Where a user names the tool.
#[must_use]
pub fn tool_setting(editor: bool) -> &'static str {
    if editor { "the setting safestep.tool" } else { "--tool" }
}

/// The setting under which a tool's configuration says that the migrations are for another database.
pub const OTHER_DIALECT: &str = "other dialect";

/// What the tool's own configuration says, by keys that only the tool's file knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Settings(pub BTreeMap<&'static str, String>);

/// Where a file stands among the migrations of its tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The directory that holds the whole history.
    pub root: PathBuf,
    pub key: Key,
    pub version: String,
    pub name: String,
    pub role: Role,
}

/// A migration before it is read.
pub struct Source<'a> {
    pub path: &'a Path,
    pub text: &'a Arc<str>,
    pub place: &'a Place,
    pub companions: &'a [Companion],
}

#[derive(Debug, Default)]
pub struct Reading {
    pub units: Vec<UnitText>,
    pub problems: Vec<Problem>,
}

impl Settings {
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

impl PartialEq for Tool {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
