//! The disk below an overlay of texts that are not written yet: editor buffers, or the files of a rewrite.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// Where everything is read from.
#[derive(Clone, Debug)]
pub struct Files {
    /// Relative paths start here.
    directory: PathBuf,
    /// `None` is a file that is as good as deleted. Keys are absolute and clean.
    overlay: BTreeMap<PathBuf, Option<Arc<str>>>,
    disk: bool,
    /// Clones count together.
    reads: Arc<AtomicU64>,
}

/// The text of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub text: Arc<str>,
    /// The bytes are UTF-8. If not, each other byte became one `?`, so offsets still hold, and the file is never rewritten.
    pub exact: bool,
}

impl Files {
    /// The disk, with relative paths starting at `directory`, which is absolute.
    #[must_use]
    pub fn disk(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), overlay: BTreeMap::new(), disk: true, reads: Arc::default() }
    }

    /// Nothing but what [`Files::put`] puts in.
    #[must_use]
    pub fn memory(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), overlay: BTreeMap::new(), disk: false, reads: Arc::default() }
    }

    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reads `text` in place of what the disk holds; `None` hides the file.
    pub fn put(&mut self, path: &Path, text: Option<Arc<str>>) {
        let path = self.absolute(path);
        self.overlay.insert(path, text);
    }

    /// Reads the disk again.
    pub fn forget(&mut self, path: &Path) {
        let path = self.absolute(path);
        self.overlay.remove(&path);
    }

    /// Made absolute and freed of `.` and `..` without asking the disk, so that links keep their names.
    #[must_use]
    pub fn absolute(&self, path: &Path) -> PathBuf {
        let mut clean = PathBuf::new();
        for component in self.directory.join(path).components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => {
                    clean.pop();
                }
                other => clean.push(other),
            }
        }
        clean
    }

    /// As a person in the working directory would write it, with `/` on every system.
    #[must_use]
    pub fn display(&self, path: &Path) -> String {
        match path.strip_prefix(&self.directory) {
            Ok(here) if here.as_os_str().is_empty() => ".".to_owned(),
            Ok(below) => below.to_string_lossy().replace('\\', "/"),
            Err(_) => path.to_string_lossy().replace('\\', "/"),
        }
    }

    /// How often a file was asked for.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Fails when the file cannot be read, is too large for 32-bit offsets, or is UTF-16.
    pub fn read(&self, path: &Path) -> Result<Text, Error> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let path = self.absolute(path);
        let bytes = match self.overlay.get(&path) {
            Some(Some(text)) => return Ok(Text { text: Arc::clone(text), exact: true }),
            Some(None) => return Err(Error::new(&path, "no such file")),
            None if !self.disk => return Err(Error::new(&path, "no such file")),
            None => std::fs::read(&path).map_err(|error| Error::new(&path, format!("cannot be read: {error}")))?,
        };
        if u32::try_from(bytes.len()).is_err() {
            return Err(Error::new(&path, "is larger than 4 GiB; split the file, or exclude it in safestep.toml"));
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(Error::new(&path, "is UTF-16; save it as UTF-8, PostgreSQL does not read anything else"));
        }
        Ok(match String::from_utf8(bytes) {
            Ok(text) => Text { text: text.into(), exact: true },
            Err(error) => Text { text: one_for_one(error.as_bytes()).into(), exact: false },
        })
    }

    #[must_use]
    pub fn is_file(&self, path: &Path) -> bool {
        let path = self.absolute(path);
        match self.overlay.get(&path) {
            Some(text) => text.is_some(),
            None => self.disk && path.is_file(),
        }
    }

    #[must_use]
    pub fn is_directory(&self, path: &Path) -> bool {
        let path = self.absolute(path);
        let mut below = self.overlay.range(path.clone()..).take_while(|(file, _)| file.starts_with(&path));
        (self.disk && path.is_dir()) || below.any(|(file, text)| text.is_some() && *file != path)
    }

    /// What stands directly in a directory, sorted: files, and directories. A directory that cannot be listed is empty.
    #[must_use]
    pub fn list(&self, directory: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let directory = self.absolute(directory);
        // Names compare faster than paths.
        let mut files: BTreeSet<OsString> = BTreeSet::new();
        let mut directories: BTreeSet<OsString> = BTreeSet::new();
        if self.disk {
            for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
                let name = entry.file_name();
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => directories.insert(name),
                    // A link is what it points to, as the tools see it.
                    Ok(kind) if kind.is_symlink() && entry.path().is_dir() => directories.insert(name),
                    _ => files.insert(name),
                };
            }
        }
        // Everything below a directory stands together.
        for (path, text) in self.overlay.range(directory.clone()..) {
            let Ok(rest) = path.strip_prefix(&directory) else { break };
            let mut components = rest.components();
            let (Some(first), more) = (components.next(), components.next()) else { continue };
            let first = first.as_os_str();
            match (more, text) {
                (Some(_), Some(_)) => directories.insert(first.to_owned()),
                (None, Some(_)) => files.insert(first.to_owned()),
                (None, None) => files.remove(first),
                (Some(_), None) => false,
            };
        }
        let paths = |names: BTreeSet<OsString>| names.into_iter().map(|name| directory.join(name)).collect();
        (paths(files), paths(directories))
    }

    /// Every file in the overlay that is not hidden.
    pub(crate) fn unsaved(&self) -> impl Iterator<Item = &Path> {
        self.overlay.iter().filter(|(_, text)| text.is_some()).map(|(path, _)| path.as_path())
    }

    pub(crate) fn on_disk(&self) -> bool {
        self.disk
    }
}

/// Each byte that is not UTF-8 becomes one `?`.
fn one_for_one(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(files: &[(&str, &str)]) -> Files {
        let mut all = Files::memory(Path::new("/work"));
        for (path, text) in files {
            all.put(Path::new(path), Some((*text).into()));
        }
        all
    }

    #[test]
    fn an_overlay_lists_like_a_disk() {
        let mut files = memory(&[("a/1.sql", ""), ("a/b/2.sql", ""), ("/work/c.sql", "")]);
        let names = |paths: Vec<PathBuf>| paths.iter().map(|path| files.display(path)).collect::<Vec<_>>();
        let (inside, below) = files.list(Path::new("a/x/.."));
        assert_eq!((names(inside), names(below)), (vec!["a/1.sql".to_owned()], vec!["a/b".to_owned()]));
        assert!(files.is_directory(Path::new("a")) && !files.is_directory(Path::new("c.sql")));
        files.put(Path::new("a/1.sql"), None);
        assert!(files.list(Path::new("a")).0.is_empty());
        assert!(files.read(Path::new("a/1.sql")).is_err());
    }

    #[test]
    fn unsaved_text_hides_the_disk_and_odd_bytes_keep_offsets() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut files = Files::disk(directory.path());
        std::fs::write(directory.path().join("a b ü.sql"), b"x\xffy\xe2\x82z").expect("written");
        let text = files.read(Path::new("a b ü.sql")).expect("readable");
        assert_eq!((&*text.text, text.exact), ("x?y??z", false));
        files.put(Path::new("a b ü.sql"), Some("new".into()));
        assert_eq!(&*files.read(Path::new("a b ü.sql")).expect("readable").text, "new");
        files.forget(Path::new("a b ü.sql"));
        assert!(!files.read(Path::new("a b ü.sql")).expect("readable").exact);
        std::fs::write(directory.path().join("w.sql"), b"\xff\xfex\0").expect("written");
        let error = files.read(Path::new("w.sql")).expect_err("UTF-16");
        assert!(error.to_string().contains("save it as UTF-8"), "{error}");
    }
}
