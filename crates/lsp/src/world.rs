//! What the editor has open, and what the engine says about it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diagnostics::{Explained, Finding, Source};
use engine::{Engine, Error, ExplainedSection, Files, Options, Told};
use tower_lsp::ls_types::{Diagnostic, Uri};

use crate::convert::Encoding;
use crate::preferences::Preferences;

/// All state of the server. It is changed only under a lock that is never held across an await.
#[derive(Debug, Default)]
pub struct World {
    pub client: Abilities,
    /// What the client said at the start.
    pub initial: Preferences,
    /// Of documents outside of every folder, and of folders without their own.
    pub preferences: Preferences,
    /// By folder.
    pub own: BTreeMap<PathBuf, Preferences>,
    /// Absolute; none when the editor opened single files.
    pub folders: Vec<PathBuf>,
    pub documents: BTreeMap<Uri, Document>,
    /// Counts changes of anything.
    pub generation: u64,
    /// Counts changes of what is not open: files on the disk, folders, preferences.
    pub surroundings: u64,
    /// What was said last, which may be about an older text.
    pub judged: BTreeMap<Uri, Arc<Judged>>,
    /// The server ends.
    pub over: bool,
}

/// What the client can do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Abilities {
    pub encoding: Encoding,
    pub related: bool,
    pub document_changes: bool,
    /// Tells about files that change on the disk, when asked.
    pub watches: bool,
    pub create: bool,
    pub delete: bool,
    /// Asks for diagnostics itself, and again when told that they may have changed.
    pub pulls: bool,
    /// Asks again when told that hints or lenses may have changed.
    pub refresh: Refresh,
    /// Shows progress that a server begins.
    pub progress: bool,
    /// Shows what cannot be done, with the reason.
    pub disabled: bool,
    /// Shows what edits are for, and may ask before it makes them.
    pub annotations: bool,
    /// Tells its settings when asked.
    pub configuration: bool,
    pub watches_configuration: bool,
    /// Shows pages that a server names.
    pub shows: bool,
    /// Shows no Markdown in hovers.
    pub plain_hover: bool,
    /// Shows no Markdown beside what it completes.
    pub plain_completion: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Refresh {
    pub inlay_hints: bool,
    pub code_lenses: bool,
}

#[derive(Clone, Debug)]
pub struct Document {
    /// Where it lies, or would lie if it were a file.
    pub path: PathBuf,
    pub text: Arc<str>,
    pub version: i32,
    /// It is no file yet.
    pub untitled: bool,
    /// What others see of it: a configuration that is being typed is wrong at most keystrokes, and its last right text holds
    /// meanwhile; `None`: it was not right yet, and what is on the disk holds.
    pub in_force: Option<Arc<str>>,
    /// What is wrong with a configuration.
    pub wrong: Vec<Error>,
}

/// The world as one document sees it; it stays as it is while the editor goes on.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub document: Document,
    pub files: Files,
    pub preferences: Preferences,
    /// Open documents by path, with their versions.
    pub open: Open,
    pub generation: u64,
}

pub type Open = Arc<BTreeMap<PathBuf, (Uri, i32)>>;

/// Whether a document is kept out of all histories, and why.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Refused {
    #[default]
    No,
    /// As a phrase.
    Skipped(String),
    /// What is wrong with the files that it is judged by.
    Wrong(String),
}

/// What the engine says about one document.
#[derive(Clone, Debug)]
pub struct Judged {
    pub uri: Uri,
    pub version: i32,
    /// Of the world that it was judged in.
    pub generation: u64,
    pub source: Arc<Source>,
    /// Of this file, without their fixes.
    pub findings: Arc<Vec<Finding>>,
    pub sections: Arc<Vec<ExplainedSection>>,
    pub diagnostics: Arc<Vec<Diagnostic>>,
    /// Counts the lists of diagnostics, so that equal ones need not be sent again.
    pub result: u64,
    /// The migration that it belongs to; `None` when it is judged by nothing.
    pub told: Option<Arc<Told>>,
    pub refused: Refused,
    pub files: Files,
    pub open: Open,
}

impl World {
    /// `None` for what is not open.
    pub fn snapshot(&self, uri: &Uri) -> Option<Snapshot> {
        let document = self.documents.get(uri)?.clone();
        let folder = self.folder_of(&document);
        let (files, preferences) = (self.files(&folder), self.preferences_in(&folder).clone());
        Some(Snapshot { document, files, preferences, open: self.open(), generation: self.generation })
    }

    /// The workspace folder that holds a document, or else the directory that it is in.
    pub fn folder_of(&self, document: &Document) -> PathBuf {
        let folder = self.folders.iter().filter(|folder| document.path.starts_with(folder)).max();
        folder.map_or_else(|| document.path.parent().unwrap_or(Path::new("/")).to_owned(), Clone::clone)
    }

    pub fn preferences_in(&self, folder: &Path) -> &Preferences {
        self.own.get(folder).unwrap_or(&self.preferences)
    }

    /// The disk as seen from a folder, under what is open.
    pub fn files(&self, folder: &Path) -> Files {
        let mut files = Files::disk(folder);
        for open in self.documents.values() {
            if let Some(text) = &open.in_force {
                files.put(&open.path, Some(Arc::clone(text)));
            }
        }
        files
    }

    pub fn open(&self) -> Open {
        let versions =
            self.documents.iter().map(|(uri, document)| (document.path.clone(), (uri.clone(), document.version)));
        Arc::new(versions.collect())
    }
}

impl Document {
    /// Takes over the text.
    pub fn read(&mut self, engine: &Engine) {
        if self.path.file_name().is_some_and(|name| name == engine::CONFIG_FILE) {
            self.wrong = engine.wrong_config(&self.path, &self.text);
        }
        if self.wrong.is_empty() {
            self.in_force = Some(Arc::clone(&self.text));
        }
    }

    /// A configuration is not judged: the others are judged by it.
    pub fn is_configuration(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "toml")
    }
}

impl Snapshot {
    pub fn options(&self, today: engine::Date) -> Options {
        let Preferences { tool, majors, .. } = self.preferences.clone();
        Options { paths: vec![self.document.path.clone()], tool, majors, today: Some(today), ..Options::default() }
    }
}

impl Judged {
    /// What is said about a document that belongs to a migration, or to none.
    pub fn new(
        uri: Uri,
        document: &Document,
        told: Option<Arc<Told>>,
        files: Files,
        open: Open,
        generation: u64,
    ) -> Self {
        let (mut findings, mut sections) = (Vec::new(), Vec::new());
        if let Some(told) = &told {
            let shown = PathBuf::from(files.display(&document.path));
            findings.extend(told.findings.iter().filter(|finding| finding.path == shown).cloned());
            findings.sort_by_key(|finding| (finding.span, finding.rule));
            sections.extend(told.sections.iter().filter(|section| section.path == document.path).cloned());
        }
        Self {
            uri,
            version: document.version,
            generation,
            source: Arc::new(Source::new(Arc::clone(&document.text))),
            findings: Arc::new(findings),
            sections: Arc::new(sections),
            diagnostics: Arc::default(),
            result: 0,
            told,
            refused: Refused::No,
            files,
            open,
        }
    }

    /// Still the last word about this document.
    pub fn holds_for(&self, document: &Document, told: Option<&Arc<Told>>) -> bool {
        let same = match (&self.told, told) {
            (None, None) => true,
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            _ => false,
        };
        same && self.source.text() == &*document.text
    }

    /// The section and the statement that a finding is about.
    pub fn statement_of(&self, finding: &Finding) -> Option<(u32, u32)> {
        let section = self.sections.iter().find(|section| section.section == finding.section)?;
        let statement = section.script.statements.get(finding.statement)?;
        Some((statement.span.start, statement.end))
    }

    /// The section and the index of the statement at an offset.
    pub fn statement_at(&self, offset: u32) -> Option<(&ExplainedSection, usize)> {
        self.sections.iter().find_map(|section| {
            let statements = &section.script.statements;
            let at = statements.partition_point(|it| it.end < offset);
            statements.get(at).filter(|it| it.span.start <= offset).map(|_| (section, at))
        })
    }
}

pub fn explained(section: &ExplainedSection) -> Explained<'_> {
    Explained { path: &section.path, section: section.section, script: &section.script, trace: &section.trace }
}
