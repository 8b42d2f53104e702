//! Which tool runs a file: what the text says, then the nearest configuration, then what the project depends on, then the
//! shape of the file's name.

use std::collections::BTreeMap;
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

/// Remembers what it has looked at.
pub(crate) struct Detector<'a> {
    pub files: &'a Files,
    signatures: BTreeMap<PathBuf, Vec<&'static Tool>>,
    settings: BTreeMap<(PathBuf, &'static str), Settings>,
    manifests: BTreeMap<PathBuf, Option<Arc<str>>>,
    texts: BTreeMap<PathBuf, Result<Text, Error>>,
}

impl<'a> Detector<'a> {
    pub(crate) fn new(files: &'a Files) -> Self {
        Self {
            files,
            signatures: BTreeMap::new(),
            settings: BTreeMap::new(),
            manifests: BTreeMap::new(),
            texts: BTreeMap::new(),
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
        let directory = path.parent().unwrap_or(path).to_owned();
        let files = self.files;
        let settings = self.settings.entry((directory, tool.name));
        settings.or_insert_with_key(|(directory, _)| (tool.settings)(files, directory)).clone()
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
                let here = |name: &&&str| {
                    self.files.is_file(&directory.join(name)) || self.files.is_directory(&directory.join(name))
                };
                if let Some(name) = tool.evidence.files.iter().find(here)
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
        let named = ALL.iter().filter(|tool| tool.evidence.by_name && self.fits(tool, path));
        let named: Vec<_> = named.copied().map(|tool| (tool, "files are named the way it wants".to_owned())).collect();
        self.only(named, path, text)
            .unwrap_or(Detection { tool: PLAIN, because: "nothing points at a tool".to_owned() })
    }

    /// A text that is written for other tools than `tool`.
    pub(crate) fn of_another_tool(&self, tool: &Tool, text: &str) -> bool {
        let signed = signed(text);
        !signed.is_empty() && !signed.iter().any(|other| **other == *tool)
    }

    fn fits(&mut self, tool: &'static Tool, path: &Path) -> bool {
        let settings = self.settings(tool, path);
        (tool.place)(path, &settings).is_some()
    }

    /// The nearest directory whose manifest names a tool that could run the file.
    fn depended_on(&mut self, above: &[PathBuf], path: &Path) -> Vec<(&'static Tool, String)> {
        for unknown in [false, true] {
            for directory in above {
                let mut found = Vec::new();
                for tool in ALL.iter().copied().filter(|tool| (**tool == *UNKNOWN) == unknown) {
                    let named = tool.evidence.dependencies.iter().find(|(manifest, word)| {
                        self.manifest(&directory.join(manifest)).is_some_and(|text| holds_word(&text, word))
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

    fn manifest(&mut self, path: &Path) -> Option<Arc<str>> {
        let files = self.files;
        let known = self.manifests.entry(path.to_owned());
        known
            .or_insert_with_key(|path| {
                files.is_file(path).then(|| files.read(path).ok()).flatten().map(|text| text.text)
            })
            .clone()
    }

    /// One tool is an answer, several are a conflict, none is a question for the next kind of sign.
    fn only(&mut self, mut found: Vec<(&'static Tool, String)>, path: &Path, text: &str) -> Option<Detection> {
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
    fn above(&self, path: &Path) -> Vec<PathBuf> {
        let mut above = Vec::new();
        for directory in path.ancestors().skip(1) {
            above.push(directory.to_owned());
            let git = directory.join(".git");
            if self.files.is_file(&git) || self.files.is_directory(&git) {
                break;
            }
        }
        above
    }
}

fn signed(text: &str) -> Vec<&'static Tool> {
    ALL.iter().copied().filter(|tool| (tool.evidence.signature)(text)).collect()
}

/// The text holds the word with nothing on either side that could belong to a longer name.
fn holds_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}
