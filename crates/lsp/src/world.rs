//! What the editor has open, and what the engine says about it.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use diagnostics::{Explained, Finding, Source, Sources};
use engine::{Engine, ExplainedSection, Files, Options};
use tower_lsp::ls_types::Uri;

use crate::convert::Encoding;

/// All state of the server. It is changed only under a lock that is never held across an await.
#[derive(Debug, Default)]
pub struct World {
    pub client: Abilities,
    /// Absolute; none when the editor opened single files.
    pub folders: Vec<PathBuf>,
    pub documents: BTreeMap<Uri, Document>,
    /// Counts changes of any document.
    pub generation: u64,
    /// To be judged, the next one first.
    pub waiting: VecDeque<Uri>,
    /// Their findings are to be taken back.
    pub closed: Vec<Uri>,
    /// What was said at the generation beside it.
    pub judged: BTreeMap<Uri, (u64, Arc<Judged>)>,
    /// By document, what keeps it from being judged.
    pub errors: BTreeMap<Uri, Vec<String>>,
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
    /// Shows pages that a server names.
    pub shows: bool,
}

#[derive(Clone, Debug)]
pub struct Document {
    pub path: PathBuf,
    pub text: Arc<str>,
    pub version: i32,
}

/// The world as one document sees it; it stays as it is while the editor goes on.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub uri: Uri,
    pub document: Document,
    pub files: Files,
    /// Open documents by path, with their versions.
    pub open: BTreeMap<PathBuf, (Uri, i32)>,
    pub generation: u64,
}

/// What the engine says about one document.
#[derive(Debug)]
pub struct Judged {
    pub uri: Uri,
    pub version: i32,
    pub source: Source,
    /// Of this file.
    pub findings: Vec<Finding>,
    pub sections: Vec<ExplainedSection>,
    /// What related places stand in.
    pub sources: Sources,
    pub files: Files,
    /// Open documents by path, with their versions.
    pub open: BTreeMap<PathBuf, (Uri, i32)>,
}

impl World {
    /// Notes a change. Later migrations depend on earlier ones, so every open document waits for a new judgement, and
    /// the one that was edited comes first.
    pub fn touch(&mut self, first: Option<&Uri>) {
        self.generation += 1;
        let others = self.documents.keys().filter(|uri| Some(*uri) != first);
        let first = first.filter(|uri| self.documents.contains_key(*uri));
        self.waiting = first.into_iter().chain(others).cloned().collect();
    }

    /// `None` for what is not open, and for an open configuration, which the others are judged by.
    pub fn snapshot(&self, uri: &Uri) -> Option<Snapshot> {
        let document = self.documents.get(uri)?.clone();
        if document.path.extension().is_some_and(|extension| extension == "toml") {
            return None;
        }
        let folder = self.folders.iter().filter(|folder| document.path.starts_with(folder)).max();
        let directory = folder.map(PathBuf::as_path).or(document.path.parent())?;
        let mut files = Files::disk(directory);
        let mut versions = BTreeMap::new();
        for (uri, open) in &self.documents {
            files.put(&open.path, Some(Arc::clone(&open.text)));
            versions.insert(open.path.clone(), (uri.clone(), open.version));
        }
        Some(Snapshot { uri: uri.clone(), document, files, open: versions, generation: self.generation })
    }

    /// The text is still the one of the snapshot.
    pub fn is_current(&self, snapshot: &Snapshot) -> bool {
        let now = self.documents.get(&snapshot.uri);
        now.is_some_and(|now| {
            now.version == snapshot.document.version && Arc::ptr_eq(&now.text, &snapshot.document.text)
        })
    }

    /// Keeps the errors of a document and returns those that no other shows already.
    pub fn news(&mut self, uri: &Uri, errors: Vec<String>) -> Vec<String> {
        let known = |error: &String| self.errors.values().flatten().any(|known| known == error);
        let news = errors.iter().filter(|error| !known(error)).cloned().collect();
        self.errors.insert(uri.clone(), errors);
        news
    }
}

impl Snapshot {
    pub fn options(&self, today: engine::Date) -> Options {
        Options { paths: vec![self.document.path.clone()], today: Some(today), ..Options::default() }
    }

    /// What keeps a document from being judged is a wrong configuration or a wrong neighbour.
    pub fn judge(self, engine: &Engine, today: engine::Date) -> Result<Judged, Vec<String>> {
        let (linted, mut sections) = engine
            .on(self.files.clone())
            .judge(&self.options(today))
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let path = &self.document.path;
        let shown = PathBuf::from(self.files.display(path));
        sections.retain(|section| section.path == *path);
        let mut findings = linted.report.findings;
        findings.retain(|finding| finding.path == shown);
        findings.sort_by_key(|finding| (finding.span, finding.rule));
        Ok(Judged {
            uri: self.uri,
            version: self.document.version,
            source: Source::new(self.document.text),
            findings,
            sections,
            sources: linted.sources,
            files: self.files,
            open: self.open,
        })
    }
}

impl Judged {
    /// The section and the statement that a finding is about.
    pub fn statement_of(&self, finding: &Finding) -> Option<(u32, u32)> {
        let section = self.sections.iter().find(|section| section.section == finding.section)?;
        let statement = section.script.statements.get(finding.statement)?;
        Some((statement.span.start, statement.end))
    }

    /// The section and the index of the statement at an offset.
    pub fn statement_at(&self, offset: u32) -> Option<(&ExplainedSection, usize)> {
        self.sections.iter().find_map(|section| {
            let at = section.script.statements.iter().position(|it| it.span.start <= offset && offset <= it.end)?;
            Some((section, at))
        })
    }
}

pub fn explained(section: &ExplainedSection) -> Explained<'_> {
    Explained { path: &section.path, section: section.section, script: &section.script, trace: &section.trace }
}
