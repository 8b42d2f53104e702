//! Files are written together or not at all.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::emit::FileChange;
use crate::error::Error;
use crate::files::Files;

/// Makes all changes on the disk, or none: whatever fails, the files are as before.
///
/// Fails as well when a file is no longer what it was when it was read.
pub fn write_all(changes: &[FileChange]) -> Result<(), Error> {
    let mut done = Undo::default();
    let result = stage(changes, &mut done).and_then(|staged| commit(changes, staged, &mut done));
    if result.is_err() {
        done.undo();
    }
    result
}

impl Files {
    /// The same files after the changes, for reading a rewrite back before it is written.
    #[must_use]
    pub fn with(&self, changes: &[FileChange]) -> Self {
        let mut files = self.clone();
        for change in changes {
            files.put(&change.path, change.new.as_deref().map(Into::into));
        }
        files
    }
}

/// What must be taken back.
#[derive(Default)]
struct Undo {
    directories: Vec<PathBuf>,
    /// Paths with their bytes before; `None` where there was no file.
    files: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Undo {
    /// As far as the disk lets us: nobody is left to tell about a second failure.
    fn undo(self) {
        for (path, bytes) in self.files.into_iter().rev() {
            let _ = match bytes {
                Some(bytes) => std::fs::write(&path, bytes),
                None => std::fs::remove_file(&path),
            };
        }
        for directory in self.directories.iter().rev() {
            let _ = std::fs::remove_dir(directory);
        }
    }
}

/// Writes every new text beside its place, and checks that the places are as they were.
fn stage(changes: &[FileChange], done: &mut Undo) -> Result<Vec<Option<NamedTempFile>>, Error> {
    let mut staged = Vec::new();
    for change in changes {
        let path = &change.path;
        let failed = |what: &str, error: std::io::Error| Error::new(path, format!("{what}: {error}"));
        match &change.old {
            Some(old) => {
                let bytes = std::fs::read(path).map_err(|error| failed("cannot be read", error))?;
                if bytes != old.as_bytes() {
                    return Err(Error::new(path, "has changed since it was read; run the command again"));
                }
            }
            None if path.exists() => {
                return Err(Error::new(path, "is there already; remove it or run the command again"));
            }
            None => {}
        }
        let Some(new) = &change.new else {
            staged.push(None);
            continue;
        };
        let place = target(path);
        let directory = place.parent().unwrap_or(Path::new("."));
        make_directories(directory, done).map_err(|error| failed("its directory cannot be made", error))?;
        let mut file = tempfile::Builder::new()
            .prefix(".safestep-")
            .tempfile_in(directory)
            .map_err(|error| failed("cannot be written", error))?;
        file.write_all(new.as_bytes()).map_err(|error| failed("cannot be written", error))?;
        if let Ok(metadata) = std::fs::metadata(&place) {
            file.as_file()
                .set_permissions(metadata.permissions())
                .map_err(|error| failed("cannot be written", error))?;
        } else {
            ordinary_permissions(&file).map_err(|error| failed("cannot be written", error))?;
        }
        file.as_file().sync_all().map_err(|error| failed("cannot be written", error))?;
        staged.push(Some(file));
    }
    Ok(staged)
}

fn commit(changes: &[FileChange], staged: Vec<Option<NamedTempFile>>, done: &mut Undo) -> Result<(), Error> {
    let mut emptied = BTreeSet::new();
    for (change, file) in changes.iter().zip(staged) {
        if change.old.is_none() && change.new.is_none() {
            continue;
        }
        let place = target(&change.path);
        let before = change.old.as_deref().map(|old| old.as_bytes().to_vec());
        let result = match file {
            Some(file) => file.persist(&place).map(drop).map_err(|error| error.error),
            None => std::fs::remove_file(&place),
        };
        result.map_err(|error| Error::new(&change.path, format!("cannot be written: {error}")))?;
        if change.new.is_none() {
            emptied.extend(place.parent().map(Path::to_owned));
        }
        done.files.push((place, before));
    }
    // A directory that held one migration goes with it; others are not empty and stay.
    for directory in emptied {
        let _ = std::fs::remove_dir(directory);
    }
    Ok(())
}

/// A link stays, and the file it points to changes.
fn target(path: &Path) -> PathBuf {
    if path.is_symlink() { path.canonicalize().unwrap_or_else(|_| path.to_owned()) } else { path.to_owned() }
}

fn make_directories(directory: &Path, done: &mut Undo) -> std::io::Result<()> {
    let missing: Vec<&Path> = directory.ancestors().take_while(|above| !above.exists()).collect();
    for directory in missing.into_iter().rev() {
        std::fs::create_dir(directory)?;
        done.directories.push(directory.to_owned());
    }
    Ok(())
}

/// Temporary files are for their owner only; migrations are not.
#[cfg(unix)]
fn ordinary_permissions(file: &NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn ordinary_permissions(_: &NamedTempFile) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &Path, old: Option<&str>, new: Option<&str>) -> FileChange {
        FileChange { path: path.to_owned(), old: old.map(Into::into), new: new.map(str::to_owned) }
    }

    fn all(directory: &Path) -> Vec<(String, String)> {
        let mut found: Vec<_> = ignore::WalkBuilder::new(directory)
            .standard_filters(false)
            .build()
            .flatten()
            .filter(|entry| entry.path().is_file())
            .map(|entry| {
                let name = entry.path().strip_prefix(directory).expect("below").display().to_string();
                (name, std::fs::read_to_string(entry.path()).expect("readable"))
            })
            .collect();
        found.sort();
        found
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn files_are_changed_made_and_removed_together() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| root.path().join(name);
        std::fs::create_dir(at("gone")).expect("made");
        std::fs::write(at("a b.sql"), "old").expect("written");
        std::fs::write(at("gone/up.sql"), "x").expect("written");
        write_all(&[
            change(&at("a b.sql"), Some("old"), Some("new")),
            change(&at("deep/er/ü.sql"), None, Some("made")),
            change(&at("gone/up.sql"), Some("x"), None),
            change(&at("never.sql"), None, None),
        ])
        .expect("written");
        assert_eq!(all(root.path()), pairs(&[("a b.sql", "new"), ("deep/er/ü.sql", "made")]));
        assert!(!at("gone").exists());
    }

    #[test]
    fn a_failure_leaves_everything_as_it_was() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| root.path().join(name);
        std::fs::write(at("a.sql"), "old").expect("written");
        std::fs::write(at("b.sql"), "other").expect("written");
        let before = all(root.path());
        let error = write_all(&[
            change(&at("new/c.sql"), None, Some("x")),
            change(&at("a.sql"), Some("old"), Some("new")),
            change(&at("b.sql"), Some("what it was"), Some("new")),
        ])
        .expect_err("b.sql has changed");
        assert!(error.message.contains("has changed"), "{error}");
        assert_eq!(all(root.path()), before);
        assert!(!at("new").exists());

        // The second rename meets a directory: the first file must come back.
        std::fs::create_dir(at("d.sql")).expect("made");
        std::fs::write(at("d.sql/x"), "").expect("written");
        let before = all(root.path());
        let staged =
            write_all(&[change(&at("a.sql"), Some("old"), Some("new")), change(&at("d.sql"), None, Some("new"))]);
        assert!(staged.is_err());
        assert_eq!(all(root.path()), before);
    }
}
