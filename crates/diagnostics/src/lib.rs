//! What we say about migrations, and how it is drawn.
//!
//! Plain data in, strings out: no I/O, no clock, no environment, no failure. Offsets are bytes; lines and columns are made
//! here, at the edge. The data are not `Serialize`: each output format owns its wire structs.

pub mod command;
mod diff;
mod draw;
pub mod explain;
mod fingerprint;
mod github;
mod gitlab;
pub mod json;
mod locks;
pub mod plan;
mod sarif;
mod source;
#[cfg(test)]
mod tests;
mod text;
pub mod timeline;
mod wire;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::effect::Effect;
use model::plan::Class;
use model::trace::Trace;
use rules::{Level, Section};
use syntax::Span;
use syntax::ast::Script;

pub use diff::patch;
pub use draw::fenced;
pub use fingerprint::Fingerprints;
pub use source::{Position, Source, Sources};

/// A way to write a report. Adding one is a file and a line in [`FORMATS`].
#[derive(Debug)]
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// A line for the help.
    pub about: &'static str,
    /// Its readers stand at the root of the repository, wherever the command runs.
    pub from_root: bool,
    pub render: fn(&Report, &Sources, Style) -> Output,
}

pub static FORMATS: &[Format] = &[text::FORMAT, json::FORMAT, github::FORMAT, sarif::FORMAT, gitlab::FORMAT];

/// What a format wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// For standard output; ends with a line end.
    pub text: String,
    /// Markdown for the file that `$GITHUB_STEP_SUMMARY` names.
    pub job_summary: Option<String>,
}

/// All that one run of `lint` found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How the migrations were judged.
    pub assumed: Assumed,
    /// Any order; renderers sort by path and place.
    pub findings: Vec<Finding>,
    /// Files that were not judged, and why: a path and a whole sentence.
    pub skipped: Vec<(PathBuf, String)>,
    /// Whole sentences about the run itself, each said once.
    pub notes: Vec<String>,
    /// Files judged, clean ones too.
    pub files: usize,
    /// Findings silenced by a directive.
    pub suppressed: usize,
    /// Findings that a fix removed in this run; they are no longer among `findings`.
    pub fixed: usize,
    /// Files that this run wrote, created or deleted.
    pub written: Vec<PathBuf>,
}

impl Report {
    /// The worst level found.
    #[must_use]
    pub fn worst(&self) -> Option<Level> {
        self.findings.iter().map(|finding| finding.level).max()
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        let level = |level| self.findings.iter().filter(|finding| finding.level == level).count();
        let fixable = |class| {
            self.findings.iter().filter(|finding| finding.fix.as_ref().is_some_and(|fix| fix.class == class)).count()
        };
        Counts {
            errors: level(Level::Error),
            warnings: level(Level::Warning),
            infos: level(Level::Info),
            files: self.findings.iter().map(|finding| &finding.path).collect::<BTreeSet<_>>().len(),
            safe: fixable(Class::Safe),
            r#unsafe: fixable(Class::Unsafe),
            plan: fixable(Class::Plan),
        }
    }

    /// The findings by path and place.
    fn in_order(&self) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by(|a, b| (&a.path, a.span, a.rule).cmp(&(&b.path, b.span, b.rule)));
        findings
    }
}

/// How many findings of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub errors: usize,
    pub warnings: usize,
    pub infos: usize,
    /// Files with findings.
    pub files: usize,
    /// Findings with a fix, by its class.
    pub safe: usize,
    pub r#unsafe: usize,
    pub plan: usize,
}

/// The runner and the versions that a verdict rests on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assumed {
    /// As the user calls it: `goose`, `plain psql`, `unknown`; several joined by commas.
    pub tool: String,
    /// Nothing in the project or on the command line told which tool runs the migrations.
    pub guessed: bool,
    /// First and last PostgreSQL major in range.
    pub postgres: (u32, u32),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub rule: &'static str,
    pub level: Level,
    /// Begins in lower case, no full stop.
    pub message: String,
    /// Relative to the project, as all paths here.
    pub path: PathBuf,
    pub section: Section,
    /// In the file.
    pub span: Span,
    /// Index of the statement in its section.
    pub statement: usize,
    /// Whole sentences without full stop: first why, last the way out.
    pub notes: Vec<String>,
    pub related: Vec<Related>,
    /// URL of the rule's page.
    pub docs: String,
    /// See [`Fingerprints`].
    pub fingerprint: String,
    /// Shared by the findings that it removes together.
    pub fix: Option<Arc<Fix>>,
    /// Why there is no fix although the rule has a recipe.
    pub withheld: Option<String>,
}

/// Another place that explains a finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Related {
    pub path: PathBuf,
    pub span: Span,
    pub message: String,
}

/// A change that removes findings. The finding's own file is changed by `edits`, unless it is also among `files`, which
/// then holds the same change as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// Imperative, lower case: `build the index concurrently in a file of its own`.
    pub title: String,
    pub class: Class,
    /// Whole sentences, each a condition of "same result".
    pub assumptions: Vec<String>,
    /// Disjoint, in order.
    pub edits: Vec<Edit>,
    pub files: Vec<FileChange>,
}

/// Replaces the text below a span of the finding's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// A file as a whole: created without `old`, deleted without `new`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    pub path: PathBuf,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// What `explain` tells about: one section of one file.
#[derive(Clone, Copy, Debug)]
pub struct Explained<'a> {
    pub path: &'a Path,
    pub section: Section,
    pub script: &'a Script,
    pub trace: &'a Trace,
}

/// What `plan` tells about: the plan for one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The file that the plan replaces.
    pub path: PathBuf,
    pub class: Class,
    /// Whole sentences.
    pub assumptions: Vec<String>,
    /// In the order in which they run.
    pub parts: Vec<PlannedPart>,
    pub withheld: Vec<Withheld>,
}

/// What runs together and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedPart {
    pub path: PathBuf,
    pub transaction: bool,
    pub sql: String,
    /// Original statements that it comes from.
    pub from: Vec<usize>,
    /// What these statements do.
    pub before: Vec<Effect>,
    /// What the part does.
    pub after: Vec<Effect>,
    /// Run only after the application was deployed again; the reason.
    pub after_deploy: Option<String>,
}

/// An operation that no permitted recipe treats: it stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Withheld {
    pub statement: usize,
    /// In the file.
    pub span: Span,
    pub reason: String,
}

/// How to draw for a reader's terminal; the caller looks at the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// ANSI escapes.
    pub color: bool,
    /// Box-drawing characters; otherwise plain ASCII.
    pub unicode: bool,
    /// Columns.
    pub width: usize,
}
