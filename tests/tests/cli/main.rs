//! The whole program as a user runs it: what it prints, what it writes, how it exits.
//!
//! The binary is built from the sources of `crates/cli` as one of this package, because cargo hands a test the path of its own
//! package's binaries only.

#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::Expect;
use serde_json::Value;

mod explain;
mod fix;
mod formats;
mod lint;
mod undo;
mod usage;

/// A directory of its own to run in.
struct Place {
    root: tempfile::TempDir,
}

/// How a run ended.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Place {
    /// With these files.
    fn new(files: &[(&str, &str)]) -> Place {
        let place = Place { root: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            place.write(path, text);
        }
        place
    }

    /// With these files in a repository that holds them all.
    fn committed(files: &[(&str, &str)]) -> Place {
        let place = Place::new(files);
        for arguments in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-q", "-m", "all"]] {
            place.git(arguments);
        }
        place
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.path().join(path)).unwrap()
    }

    /// Every file outside .git with its text, for a look at all at once.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        fn below(root: &Path, directory: &Path, found: &mut Vec<(String, Vec<u8>)>) {
            for path in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() && !path.ends_with(".git") {
                    below(root, &path, found);
                } else if path.is_file() {
                    found.push((path.strip_prefix(root).unwrap().display().to_string(), std::fs::read(&path).unwrap()));
                }
            }
            found.sort();
        }
        let mut found = Vec::new();
        below(self.root.path(), self.root.path(), &mut found);
        found
    }

    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        let output =
            Command::new("git").arg("-C").arg(self.root.path()).args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_safestep-under-test"));
        command.arg0("safestep").args(arguments).current_dir(self.root.path());
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path))).env("HOME", self.root.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, b"")
    }

    fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> Run {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        // Who does not read standard input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        let output = child.wait_with_output().unwrap();
        let scrub = |bytes: Vec<u8>| {
            String::from_utf8(bytes).expect("UTF-8").replace(&self.root.path().display().to_string(), "DIR")
        };
        Run { code: output.status.code(), out: scrub(output.stdout), err: scrub(output.stderr) }
    }

    /// Runs several command lines, words between spaces, and draws what came of each.
    fn check(&self, lines: &[&str], expected: &Expect) {
        let mut drawn = String::new();
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            drawn += &format!("$ safestep {line}\n{}", self.run(&words).drawn());
        }
        expected.assert_eq(&drawn);
    }
}

impl Run {
    fn drawn(&self) -> String {
        let code = self.code.map_or("killed".to_owned(), |code| code.to_string());
        let err: String = self.err.lines().map(|line| format!("stderr: {line}\n")).collect();
        format!("{}{err}exit {code}\n", self.out)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}{}", self.out, self.err))
    }
}

const USERS: (&str, &str) = (
    "db/migrations/00001_users.sql",
    "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, email text);\n\n-- +goose Down\nDROP TABLE users;\n",
);
const BAD: &str = "-- +goose Up\nCREATE INDEX users_email ON users (email);\nALTER TABLE users ADD COLUMN age int;\n
-- +goose Down\nALTER TABLE users DROP COLUMN age;\nDROP INDEX users_email;\n";
const GOOD: &str = "-- +goose Up\nSET LOCAL lock_timeout = '2s';\nALTER TABLE users ADD COLUMN age int;\n";

/// A history that is applied and a migration that is not.
fn goose() -> Place {
    let place = Place::committed(&[USERS]);
    place.write("db/migrations/00002_more.sql", BAD);
    place
}
