//! What git knows about a directory, by its command line.
//!
//! A migration is pending when the base does not hold it: the commit at which this branch left the main branch. Whatever
//! has reached the main branch may have run somewhere.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why git cannot tell anything where there is nothing to tell.
pub const NO_REPOSITORY: &str = "the files are in no git repository";

/// Files below a directory that the base holds, absolute.
///
/// `since` names a commit or branch in place of the main branch. The error is a whole sentence: why git cannot tell.
pub fn applied(directory: &Path, since: Option<&str>) -> Result<BTreeSet<PathBuf>, String> {
    // A directory that is not written yet holds nothing applied, but git must start somewhere.
    let Some(start) = directory.ancestors().find(|above| above.is_dir()) else { return Ok(BTreeSet::new()) };
    let shallow = git(start, &["rev-parse", "--is-shallow-repository"])?.trim_ascii() == b"true";
    if git(start, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).is_err() {
        return Ok(BTreeSet::new());
    }
    let base = match since {
        Some(since) => {
            let since = format!("{since}^{{commit}}");
            let commit = git(start, &["rev-parse", "--verify", "--quiet", "--end-of-options", &since])
                .map_err(|_| format!("git knows no commit `{}`", since.trim_end_matches("^{commit}")))?;
            String::from_utf8_lossy(commit.trim_ascii()).into_owned()
        }
        None => main_branch(start)?,
    };
    let base = git(start, &["merge-base", "HEAD", &base]).map_err(|_| {
        if shallow {
            "the clone is shallow, so git cannot tell where this branch began; fetch the whole history (`git fetch \
             --unshallow`, or `fetch-depth: 0` in the checkout)"
                .to_owned()
        } else {
            "this branch and the main branch have no commit in common".to_owned()
        }
    })?;
    let base = String::from_utf8_lossy(base.trim_ascii()).into_owned();
    // Names come relative to where git runs, so links above the repository do not matter.
    let listed = git(start, &["ls-tree", "-r", "-z", "--name-only", &base, "--", "."])?;
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| start.join(path_of(name))).filter(|path| path.starts_with(directory)).collect())
}

/// Where a directory lies below the root of its repository.
pub fn prefix(directory: &Path) -> Result<PathBuf, String> {
    let prefix = git(directory, &["rev-parse", "--show-prefix"])?;
    Ok(PathBuf::from(path_of(prefix.strip_suffix(b"\n").unwrap_or(&prefix))))
}

/// The ref of the branch that others deploy from; `HEAD` when there is none.
fn main_branch(directory: &Path) -> Result<String, String> {
    let patterns =
        ["refs/remotes/*/HEAD", "refs/remotes/*/main", "refs/remotes/*/master", "refs/heads/main", "refs/heads/master"];
    let mut arguments = vec!["for-each-ref", "--format=%(refname)"];
    arguments.extend(patterns);
    let listed = git(directory, &arguments)?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let found = |wanted: &str| listed.lines().find(|name| *name == wanted).map(str::to_owned);
    let origin = ["HEAD", "main", "master"].iter().find_map(|name| found(&format!("refs/remotes/origin/{name}")));
    let other = || {
        let ends = ["/HEAD", "/main", "/master"];
        ends.iter().find_map(|end| listed.lines().find(|name| name.starts_with("refs/remotes/") && name.ends_with(end)))
    };
    let local = || ["refs/heads/main", "refs/heads/master"].iter().find_map(|name| found(name));
    Ok(origin.or_else(|| other().map(str::to_owned)).or_else(local).unwrap_or_else(|| "HEAD".to_owned()))
}

fn git(directory: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(directory).args(arguments).stdin(Stdio::null());
    // Inside a hook these point at the repository of the hook, which need not be the one of the directory.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"] {
        command.env_remove(variable);
    }
    command.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
    let output = command.output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "git is not installed".to_owned(),
        _ => format!("git cannot be run: {error}"),
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = complaint.lines().next().unwrap_or_default().trim_start_matches("fatal: ");
    Err(match complaint {
        "" => format!("`git {}` failed", arguments.join(" ")),
        _ if complaint.starts_with("not a git repository") => NO_REPOSITORY.to_owned(),
        _ => format!("git says: {complaint}"),
    })
}

#[cfg(unix)]
fn path_of(name: &[u8]) -> &OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(name)
}

/// Elsewhere git writes UTF-8.
#[cfg(not(unix))]
fn path_of(name: &[u8]) -> &OsStr {
    OsStr::new(std::str::from_utf8(name).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Repository(tempfile::TempDir);

    impl Repository {
        fn new() -> Self {
            let repository = Self(tempfile::tempdir().expect("a temporary directory"));
            repository.git(&["init", "-q", "-b", "main"]);
            repository
        }

        fn at(&self) -> &Path {
            self.0.path()
        }

        fn git(&self, arguments: &[&str]) {
            let identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always"];
            git(self.at(), &[&identity, arguments].concat()).expect("git runs");
        }

        fn write(&self, name: &str) {
            let path = self.at().join(name);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            std::fs::write(path, "SELECT 1;\n").expect("written");
        }

        fn commit(&self, names: &[&str]) {
            for name in names {
                self.write(name);
            }
            self.git(&["add", "-A"]);
            self.git(&["commit", "-q", "-m", "x"]);
        }

        fn applied(&self, below: &str) -> Vec<String> {
            let directory = self.at().join(below);
            let found = applied(&directory, None).expect("git tells");
            found.iter().map(|path| path.strip_prefix(&directory).expect("below").display().to_string()).collect()
        }
    }

    #[test]
    fn a_branch_adds_what_the_main_branch_does_not_have() {
        let repository = Repository::new();
        repository.write("m/1.sql");
        assert!(repository.applied("m").is_empty(), "no commit yet");
        repository.commit(&["m/1.sql", "m/ü b/2.sql", "other/9.sql"]);
        repository.write("m/3.sql");
        assert_eq!(repository.applied("m"), ["1.sql", "ü b/2.sql"]);
        assert!(repository.applied("m/not yet there").is_empty());
        repository.git(&["checkout", "-q", "-b", "feature"]);
        repository.commit(&["m/3.sql"]);
        assert_eq!(repository.applied("m"), ["1.sql", "ü b/2.sql"]);
        let since = applied(&repository.at().join("m"), Some("feature")).expect("git tells");
        assert_eq!(since.len(), 3);
        let error = applied(repository.at(), Some("--upload-pack=x")).expect_err("no such commit");
        assert_eq!(error, "git knows no commit `--upload-pack=x`");
    }

    #[test]
    fn the_remote_counts_before_the_local_branch_and_worktrees_and_submodules_are_repositories() {
        let origin = Repository::new();
        origin.commit(&["m/1.sql"]);
        let clone = Repository(tempfile::tempdir().expect("a temporary directory"));
        let from = origin.at().display().to_string();
        clone.git(&["clone", "-q", &from, "."]);
        clone.commit(&["m/2.sql"]);
        assert_eq!(clone.applied("m"), ["1.sql"]);

        let tree = clone.at().join("tree");
        clone.git(&["worktree", "add", "-q", "-b", "other", &tree.display().to_string()]);
        assert_eq!(applied(&tree.join("m"), None).expect("git tells"), [tree.join("m/1.sql")].into());

        let outer = Repository::new();
        outer.commit(&["x.sql"]);
        outer.git(&["submodule", "--quiet", "add", &from, "sub"]);
        assert_eq!(outer.applied("sub"), ["m/1.sql"]);
    }

    #[test]
    fn without_repository_or_history_git_says_why() {
        let nowhere = tempfile::tempdir().expect("a temporary directory");
        let error = applied(nowhere.path(), None).expect_err("no repository");
        assert_eq!(error, "the files are in no git repository");

        let origin = Repository::new();
        origin.commit(&["1.sql"]);
        origin.git(&["checkout", "-q", "-b", "feature"]);
        origin.commit(&["2.sql"]);
        origin.commit(&["3.sql"]);
        let shallow = Repository(tempfile::tempdir().expect("a temporary directory"));
        let from = format!("file://{}", origin.at().display());
        shallow.git(&["clone", "-q", "--depth", "1", "--no-single-branch", &from, "."]);
        let error = applied(shallow.at(), Some("origin/main")).expect_err("shallow");
        assert!(error.starts_with("the clone is shallow"), "{error}");
    }
}
