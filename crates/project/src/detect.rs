//! Which tool runs a file: what the text says, then the nearest configuration, then what the project depends on, then the
//! shape of the file's name.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::files::{Files, Text};
use crate::tool::{Settings, Tool};
use crate::tools::{ALL, PLAIN, UNKNOWN};

#[derive(Clone, Debug)]
pub(crate) struct Detection {
    pub tool: &'static Tool,
    pub because: String,
}

/// Tools, each with the reason.
type Found = Vec<(&'static Tool, String)>;

/// Remembers what it has looked at.
pub(crate) struct Detector<'a> {
    pub files: &'a Files,
    signatures: BTreeMap<PathBuf, Vec<&'static Tool>>,
    settings: BTreeMap<(PathBuf, &'static str), Settings>,
    manifests: BTreeMap<PathBuf, Option<Arc<str>>>,
    texts: BTreeMap<PathBuf, Result<Text, Error>>,
    /// What the names of files say, by directory and by the tools that would run the file.
    named: BTreeMap<(PathBuf, Vec<&'static str>), Found>,
    /// The names of the files and of the directories in a directory.
    names: BTreeMap<PathBuf, (BTreeSet<OsString>, BTreeSet<OsString>)>,
}

impl<'a> Detector<'a> {
    pub(crate) fn new(files: &'a Files) -> Self {
        Self {
            files,
            signatures: BTreeMap::new(),
            settings: BTreeMap::new(),
            manifests: BTreeMap::new(),
            texts: BTreeMap::new(),
            named: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    /// Every file is read once.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Text, Error> {
        if let Some(known) = self.texts.get(path) {
            return known.clone();
        }
        let text = self.files.read(path);
        self.texts.insert(path.to_owned(), text.clone());
        text
    }

    pub(crate) fn settings(&mut self, tool: &'static Tool, path: &Path) -> Settings {
        if tool.settings_files.is_empty() {
            return Settings::default();
        }
        let directory = path.parent().unwrap_or(path).to_owned();
        let key = (directory, tool.name);
        if let Some(known) = self.settings.get(&key) {
            return known.clone();
        }
        let mut found = Vec::new();
        for directory in self.above(path) {
            let here = tool.settings_files.iter().filter(|name| self.has(&directory, name));
            found.extend(here.map(|name| directory.join(name)));
        }
        let settings = (tool.settings)(self.files, &found);
        self.settings.insert(key, settings.clone());
        settings
    }

    /// A file or directory of that name, which may have several parts, is in the directory.
    fn has(&mut self, directory: &Path, name: &str) -> bool {
        if !self.names.contains_key(directory) {
            let (files, directories) = self.files.list(directory);
            let names =
                |paths: Vec<PathBuf>| paths.iter().filter_map(|path| Some(path.file_name()?.to_owned())).collect();
            self.names.insert(directory.to_owned(), (names(files), names(directories)));
        }
        let Some((files, directories)) = self.names.get(directory) else { return false };
        match name.split_once('/') {
            Some((first, _)) => directories.contains(OsStr::new(first)) && self.files.is_file(&directory.join(name)),
            None => files.contains(OsStr::new(name)) || directories.contains(OsStr::new(name)),
        }
    }

    pub(crate) fn detect(&mut self, path: &Path, text: &str) -> Detection {
        if let Some(tool) = signed(text).first() {
            return Detection { tool, because: "its own text says so".to_owned() };
        }
        if let [tool] = self.signed_beside(path)[..]
            && self.fits(tool, path)
        {
            return Detection { tool, because: "the files beside it say so".to_owned() };
        }
        let above: Vec<PathBuf> = self.above(path);
        for directory in &above {
            let mut found: Vec<(&'static Tool, &str)> = Vec::new();
            for tool in ALL {
                if let Some(name) = tool.evidence.files.iter().find(|name| self.has(directory, name))
                    && self.fits(tool, path)
                {
                    found.push((tool, name));
                }
            }
            let found = found
                .into_iter()
                .map(|(tool, name)| (tool, format!("{} is there", self.files.display(&directory.join(name)))));
            if let Some(detection) = self.only(found.collect(), path, text) {
                return detection;
            }
        }
        let found = self.depended_on(&above, path);
        if let Some(detection) = self.only(found, path, text) {
            return detection;
        }
        let named = self.named(&above, path);
        self.only(named, path, text)
            .unwrap_or(Detection { tool: PLAIN, because: "nothing points at a tool".to_owned() })
    }

    /// A text that is written for other tools than `tool`. A user who names it means what tools write that are not known.
    pub(crate) fn of_another_tool(&self, tool: &Tool, named: bool, text: &str) -> bool {
        let mut signed = signed(text);
        signed.retain(|other| !named || **other != *UNKNOWN);
        !signed.is_empty() && !signed.iter().any(|other| **other == *tool)
    }

    fn fits(&mut self, tool: &'static Tool, path: &Path) -> bool {
        let settings = self.settings(tool, path);
        (tool.place)(path, &settings).is_some()
    }

    /// The nearest directory whose manifest names a tool that could run the file.
    fn depended_on(&mut self, above: &[PathBuf], path: &Path) -> Found {
        for unknown in [false, true] {
            for directory in above {
                let mut found = Vec::new();
                for tool in ALL.iter().copied().filter(|tool| (**tool == *UNKNOWN) == unknown) {
                    let named = tool.evidence.dependencies.iter().find(|(manifest, word)| {
                        self.has(directory, manifest)
                            && self.manifest(&directory.join(manifest)).is_some_and(|text| holds_word(&text, word))
                    });
                    if let Some((manifest, word)) = named
                        && self.fits(tool, path)
                    {
                        let manifest = self.files.display(&directory.join(manifest));
                        found.push((tool, format!("{manifest} names {word}")));
                    }
                }
                if !found.is_empty() {
                    return found;
                }
            }
        }
        Vec::new()
    }

    /// Tools that want files to be named like this one and those beside it. Of several, those of which something speaks.
    fn named(&mut self, above: &[PathBuf], path: &Path) -> Found {
        let tools: Vec<&'static Tool> = ALL.iter().copied().filter(|tool| self.fits(tool, path)).collect();
        let directory = path.parent().unwrap_or(path).to_owned();
        let key = (directory, tools.iter().map(|tool| tool.name).collect::<Vec<_>>());
        if let Some(known) = self.named.get(&key) {
            return known.clone();
        }
        let beside = self.files.list(&key.0).0;
        let names = beside.iter().filter_map(|path| path.file_name()?.to_str()).filter(|name| name.ends_with(".sql"));
        let names: Vec<&str> = names.collect();
        let tools: Vec<_> = tools.into_iter().filter(|tool| (tool.evidence.by_name)(&names)).collect();
        let told = if tools.len() > 1 { self.told_apart(above, &tools) } else { Vec::new() };
        let by_name = || tools.iter().map(|tool| (*tool, "files are named the way it wants".to_owned())).collect();
        let found = if told.is_empty() { by_name() } else { told };
        self.named.insert(key, found.clone());
        found
    }

    /// Those of the tools of which the nearest of the clearest signs speaks.
    fn told_apart(&mut self, above: &[PathBuf], tools: &[&'static Tool]) -> Found {
        // Only in a repository is it known how far a project goes.
        let repository = above.last().filter(|root| self.has(root, ".git")).is_some();
        let around = if repository { above } else { &[] };
        let signs: [(&[PathBuf], Sign); 3] = [(above, spoken_of), (around, below), (above, of_its_language)];
        for (directories, sign) in signs {
            for directory in directories {
                let told = tools.iter().filter_map(|tool| Some((*tool, sign(self, tool, directory)?)));
                let told: Vec<_> = told.collect();
                if !told.is_empty() {
                    return told;
                }
            }
        }
        Vec::new()
    }

    fn manifest(&mut self, path: &Path) -> Option<Arc<str>> {
        if let Some(known) = self.manifests.get(path) {
            return known.clone();
        }
        let text = self.files.read(path).ok().map(|read| read.text);
        self.manifests.insert(path.to_owned(), text.clone());
        text
    }

    /// One tool is an answer, several are a conflict, none is a question for the next kind of sign.
    fn only(&mut self, mut found: Found, path: &Path, text: &str) -> Option<Detection> {
        if found.len() > 1 {
            found.retain(|(tool, _)| **tool != *UNKNOWN);
        }
        if found.len() > 1 && !text.trim().is_empty() {
            // A tool whose files always carry its mark does not run this one, unless it is the only choice.
            let unmarked: Vec<_> = found.iter().filter(|(tool, _)| !tool.evidence.always_signed).cloned().collect();
            if !unmarked.is_empty() {
                found = unmarked;
            }
        }
        match &found[..] {
            [] => None,
            [(tool, because)] => Some(Detection { tool, because: because.clone() }),
            several => {
                let signs: Vec<_> =
                    several.iter().map(|(tool, because)| format!("{} ({because})", tool.label)).collect();
                let because = format!("{} points at several tools: {}", self.files.display(path), signs.join(", "));
                Some(Detection { tool: UNKNOWN, because })
            }
        }
    }

    /// Tools for which the files in the same directory are written.
    fn signed_beside(&mut self, path: &Path) -> Vec<&'static Tool> {
        let directory = path.parent().unwrap_or(path);
        if let Some(known) = self.signatures.get(directory) {
            return known.clone();
        }
        let mut found: Vec<&'static Tool> = Vec::new();
        for path in self.files.list(directory).0 {
            let sql = path.extension().is_some_and(|extension| extension == "sql");
            let Some(text) = sql.then(|| self.read(&path).ok()).flatten() else { continue };
            for tool in signed(&text.text) {
                if !found.contains(&tool) {
                    found.push(tool);
                }
            }
        }
        self.signatures.insert(directory.to_owned(), found.clone());
        found
    }

    /// The file's directory and those above it, as far as its repository goes.
    fn above(&mut self, path: &Path) -> Vec<PathBuf> {
        let mut above = Vec::new();
        for directory in path.ancestors().skip(1) {
            above.push(directory.to_owned());
            if self.has(directory, ".git") {
                break;
            }
        }
        above
    }
}

/// Why what lies in a directory, or below it, speaks of a tool.
type Sign = fn(&mut Detector, &'static Tool, &Path) -> Option<String>;

/// A script or a lock file holds one of the tool's words.
fn spoken_of(detector: &mut Detector, tool: &'static Tool, directory: &Path) -> Option<String> {
    for name in SPEAKING {
        let path = directory.join(name);
        let text = if detector.has(directory, name) { detector.manifest(&path) } else { None };
        let word = text.and_then(|text| tool.evidence.words.iter().find(|word| holds_word(&text, word)));
        if let Some(word) = word {
            return Some(format!("{} says {word}", detector.files.display(&path)));
        }
    }
    None
}

const SPEAKING: [&str; 14] = [
    "Cargo.lock",
    "go.sum",
    "Makefile",
    "Taskfile.yml",
    "Taskfile.yaml",
    "justfile",
    "Justfile",
    "Dockerfile",
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
    "package.json",
    "README.md",
];

/// A directory at most two levels below holds the tool's own files, or a manifest that names it.
fn below(detector: &mut Detector, tool: &'static Tool, directory: &Path) -> Option<String> {
    let children = detector.files.list(directory).1;
    let grandchildren: Vec<PathBuf> = children.iter().flat_map(|child| detector.files.list(child).1).collect();
    for directory in children.into_iter().chain(grandchildren) {
        if let Some(name) = tool.evidence.files.iter().find(|name| detector.has(&directory, name)) {
            return Some(format!("{} is there", detector.files.display(&directory.join(name))));
        }
        for (name, word) in tool.evidence.dependencies {
            let path = directory.join(name);
            if detector.has(&directory, name) && detector.manifest(&path).is_some_and(|text| holds_word(&text, word)) {
                return Some(format!("{} names {word}", detector.files.display(&path)));
            }
        }
    }
    None
}

/// A manifest in which the tool could be named, although it is not.
fn of_its_language(detector: &mut Detector, tool: &'static Tool, directory: &Path) -> Option<String> {
    let (name, _) = tool.evidence.dependencies.iter().find(|(name, _)| detector.has(directory, name))?;
    Some(format!("{} is there", detector.files.display(&directory.join(name))))
}

/// Two texts of one file say the same about the tool that it is written for.
pub(crate) fn points_alike(tool: &Tool, old: &str, new: &str) -> bool {
    let signature = tool.evidence.signature;
    let clear = tool.evidence.always_signed && signature(old) && signature(new);
    clear || signed(old) == signed(new)
}

fn signed(text: &str) -> Vec<&'static Tool> {
    ALL.iter().copied().filter(|tool| (tool.evidence.signature)(text)).collect()
}

/// The text holds the word with nothing on either side that could belong to a longer name.
fn holds_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}
