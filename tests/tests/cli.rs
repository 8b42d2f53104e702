//! The whole program as a user runs it: what it prints, what it writes, how it exits.
//!
//! The binary is built from the sources of `crates/cli` as one of this package, because cargo hands a test the path of its own
//! package's binaries only.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::{Expect, expect};
use serde_json::Value;

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

#[test]
fn help_tells_what_there_is() {
    let place = Place::new(&[]);
    place.check(&["--help", "lint -h", "explain -h", "plan -h", "rule -h"], &expect![[""]]);
    let version = place.run(&["--version"]);
    assert_eq!(version.out, format!("safestep {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(place.run(&[]).code, Some(2));
}

#[test]
fn lint_shows_findings_and_the_fix() {
    let place = goose();
    place.check(&["lint", "lint db/migrations/00001_users.sql"], &expect![[""]]);
    place.check(&["lint --format github"], &expect![[""]]);
}

#[test]
fn explain_and_plan_draw() {
    let place = goose();
    place.check(&["explain", "plan"], &expect![[""]]);
}

#[test]
fn exit_codes_tell_clean_findings_and_failure() {
    let place = goose();
    let code = |line: &str| place.run(&line.split_whitespace().collect::<Vec<_>>()).code.unwrap();
    assert_eq!(code("lint db/migrations/00001_users.sql"), 0);
    assert_eq!(code("lint"), 1);
    assert_eq!(code("explain"), 0);
    assert_eq!(code("plan"), 0);
    place.write("db/migrations/00002_more.sql", "-- +goose Up\nALTER TABLE users ADD COLUMN age int;\n");
    assert_eq!(code("lint"), 1, "a warning");
    assert_eq!(code("lint --fail-on error"), 0);
    assert_eq!(code("lint --fail-on info"), 1);
    assert_eq!(code("lint --fix --diff"), 0, "what the fix removes is no finding any more");
    place.write("safestep.toml", "fail-on = \"error\"\n");
    assert_eq!(code("lint"), 0);
    assert_eq!(code("lint --fail-on warning"), 1);
    place.write("db/migrations/00002_more.sql", GOOD);
    assert_eq!(code("lint --fail-on info"), 0);
    assert_eq!(code("lint --format xml"), 2);
    assert_eq!(code("lint nowhere"), 2);
}

#[test]
fn wrong_usage_says_what_was_meant() {
    let place = goose();
    place.check(
        &[
            "lnt",
            "lint --fial-on error",
            "lint --fix=saef",
            "lint --format xml",
            "lint --tool gose",
            "lint --tool make",
            "lint --pg-version 12",
            "lint --pg-version latest",
            "lint --diff",
            "lint --since nowhere",
            "lint - x",
            "lint --stdin-filename a.sql",
            "lint nowhere.sql",
            "explain nowhere.sql",
            "rule blocking-index-creaton",
            "rule x",
        ],
        &expect![[""]],
    );
}

#[test]
fn a_broken_configuration_is_shown_with_its_place() {
    let place = goose();
    let configurations = [
        "tool = \"goose\"\npostgres = 12\n",
        "fail_on = \"error\"\n",
        "[rules]\nblocking-index-creaton = \"off\"\n",
        "tool = \"gose\"\n",
        "tool = [\n",
    ];
    let mut drawn = String::new();
    for configuration in configurations {
        place.write("safestep.toml", configuration);
        drawn += &format!("==== {configuration}{}", place.run(&["lint"]).drawn());
    }
    expect![[""]].assert_eq(&drawn);
}

#[test]
fn standard_input_is_judged_under_its_name() {
    let place = goose();
    let mut drawn = String::new();
    for (line, text) in [
        ("lint - --stdin-filename db/migrations/00003_next.sql", "-- +goose Up\nDROP INDEX users_email;\n"),
        ("lint -", "CREATE INDEX i ON t (a);\n"),
        ("lint - --tool plain --fix", "-- first\nCREATE INDEX i ON t (a);\n"),
        ("lint - --fix", "SELECT 1;\n"),
        ("lint - --tool sqlx --fix --stdin-filename 1_a.sql", "CREATE INDEX i ON t (a);\nCREATE INDEX j ON t (a);\n"),
        ("explain - --tool plain", "VACUUM t;\n"),
        ("plan - --tool plain", "CREATE INDEX i ON t (a);\n"),
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        drawn += &format!("$ safestep {line}\n{}", place.run_with(&words, text.as_bytes()).drawn());
    }
    drawn += &place.run_with(&["lint", "-"], b"SELECT '\xff';").drawn();
    expect![[""]].assert_eq(&drawn);
    assert_eq!(place.git(&["status", "--short"]), "?? db/migrations/00002_more.sql\n", "nothing is written");
}

#[test]
fn fix_writes_pending_files_only() {
    let applied = ("db/migrations/00002_applied.sql", BAD);
    let place = Place::committed(&[USERS, applied]);
    place.write("db/migrations/00003_pending.sql", "-- +goose Up\nCREATE INDEX users_id ON users (id);\n");
    place.check(&["lint db --fix"], &expect![[""]]);
    expect![[""]].assert_eq(&place.git(&["status", "--short"]));
    assert_eq!(place.read("db/migrations/00002_applied.sql"), BAD);
    let before = place.files();
    assert_eq!(place.run(&["lint", "--fix"]).code, Some(0), "there is nothing left to fix");
    assert!(place.files() == before, "and nothing is written again");

    place.check(&["lint --fix --all-files db/migrations/00002_applied.sql"], &expect![[""]]);
    expect![[""]].assert_eq(&place.git(&["status", "--short"]));
}

#[test]
fn without_paths_pending_migrations_are_judged() {
    let place = Place::committed(&[USERS, ("db/migrations/00002_more.sql", BAD)]);
    let files = |line: &str| place.run(&line.split_whitespace().collect::<Vec<_>>()).json()["summary"]["files"].clone();
    assert_eq!(files("lint --format json"), 0);
    place.git(&["checkout", "-q", "-b", "work"]);
    place.write("db/migrations/00003_a.sql", GOOD);
    place.git(&["add", "-A"]);
    place.git(&["commit", "-q", "-m", "a"]);
    place.write("db/migrations/00004_b.sql", GOOD);
    assert_eq!(files("lint --format json"), 2, "what is committed on a branch is not applied");
    assert_eq!(files("lint --format json --since HEAD"), 1);
    assert_eq!(files("lint --format json --since HEAD~1"), 2);
    assert_eq!(files("lint --format json db"), 4);
    assert_eq!(files("lint --format json db/migrations/00002_more.sql"), 1);
}

#[test]
fn all_files_of_a_fix_are_written_or_none() {
    let place = goose();
    // In the way of the second file of the fix.
    place.write("db/migrations/00003_more_step2_add_users_age.sql/x", "");
    let fixed = place.run(&["lint", "--fix"]);
    let after = place.files();
    assert_eq!(fixed.code, Some(2), "{}", fixed.drawn());
    assert_eq!(place.read("db/migrations/00002_more.sql"), BAD);
    assert_eq!(after.len(), 3, "{after:?}");
    expect![[""]].assert_eq(&fixed.err);
}

#[test]
fn a_diff_is_the_fix() {
    let place = goose();
    let diff = place.run(&["lint", "--fix", "--diff"]);
    expect![[""]].assert_eq(&diff.drawn());
    assert_eq!(place.read("db/migrations/00002_more.sql"), BAD, "nothing is written");
    place.git(&["add", "-A"]);
    place.write("fix.patch", &diff.out);
    place.git(&["apply", "fix.patch"]);
    std::fs::remove_file(place.root.path().join("fix.patch")).unwrap();
    let patched = place.files();
    let other = goose();
    other.run(&["lint", "--fix"]);
    assert!(patched == other.files(), "the patch makes the files that --fix writes");
}

#[test]
fn odd_files_are_read_and_keep_their_bytes() {
    let up = "CREATE TABLE t (a int);\n";
    let place = Place::new(&[("sql/migrations/1_t.sql", up)]);
    let odd: [(&str, &[u8]); 7] = [
        ("crlf", b"CREATE INDEX i ON t (a);\r\nALTER TABLE t ADD b int;\r\n"),
        ("bom", b"\xef\xbb\xbfCREATE INDEX i ON t (a);\n"),
        ("empty", b""),
        ("comment", b"-- nothing yet"),
        ("latin1", b"-- f\xfcr alle\nCREATE INDEX i ON t (a);\n"),
        ("nul", b"SELECT 'a\0b';\nCREATE INDEX i ON t (a);\n"),
        ("broken", b"CREATE INDEX i ON t (a;\nCREATE INDEX j ON t (a);\nSELECT 'open"),
    ];
    let mut drawn = String::new();
    for (name, bytes) in odd {
        let path = format!("sql/migrations/2_{name}.sql");
        place.write(&path, bytes);
        drawn += &format!("==== {name}\n{}", place.run(&["lint", "--fix", &path, "--pg-version", "16"]).drawn());
        let after = std::fs::read(place.root.path().join(&path)).unwrap();
        drawn += &match after == bytes {
            true => "unchanged\n".to_owned(),
            false => format!("{:?}\n", String::from_utf8_lossy(&after)),
        };
        std::fs::remove_file(place.root.path().join(&path)).unwrap();
    }
    expect![[""]].assert_eq(&drawn);
}

#[test]
fn nothing_to_do_is_no_failure() {
    let place = Place::new(&[("readme.md", "no SQL here"), ("query.sql", "SELECT 1;")]);
    place.check(&["lint", "lint .", "explain", "plan", "lint --format json --fix"], &expect![[""]]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = goose();
    for arguments in
        [&["lint"][..], &["rule"], &["explain"], &["plan"], &["completions", "bash"], &["lint", "--format", "json"]]
    {
        let mut child = place
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {:?}", output.status);
    }
}

#[test]
fn completions_are_scripts() {
    let place = Place::new(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]);
        assert_eq!((script.code, script.err.as_str()), (Some(0), ""), "{shell}");
        for word in ["lint", "explain", "stdin-filename"] {
            assert!(script.out.contains(word), "{shell} does not complete {word}");
        }
    }
    place.write("safestep.bash", place.run(&["completions", "bash"]).out);
    let script = place.root.path().join("safestep.bash");
    assert!(Command::new("bash").arg("-n").arg(script).status().unwrap().success());
}

#[test]
fn every_rule_is_listed_and_explained() {
    let place = Place::new(&[]);
    let list = place.run(&["rule"]);
    let names: Vec<&str> = list.out.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(names.len() > 50 && names.is_sorted(), "{names:?}");
    for name in &names {
        let page = place.run(&["rule", name]);
        assert!(page.code == Some(0) && page.out.starts_with(&format!("# {name}\n\nLevel ")), "{}", page.drawn());
    }
    place.check(&["rule drop-table"], &expect![[""]]);
}

#[test]
fn a_workflow_gets_annotations_and_a_summary() {
    let place = goose();
    place.write("summary.md", "before\n");
    let mut command = place.command(&["lint", "--format", "github"]);
    let output = command.env("GITHUB_STEP_SUMMARY", place.root.path().join("summary.md")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    expect![[""]].assert_eq(&place.read("summary.md"));
}

#[test]
fn other_formats_are_json() {
    let place = goose();
    let sarif = place.run(&["lint", "--format", "sarif"]).json();
    assert_eq!((&sarif["version"], &sarif["runs"][0]["tool"]["driver"]["name"]), (&"2.1.0".into(), &"safestep".into()));
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 2);
    let gitlab = place.run(&["lint", "--format", "gitlab"]).json();
    assert_eq!(gitlab.as_array().unwrap().len(), 2);
    assert_eq!(gitlab[0]["location"]["path"], "db/migrations/00002_more.sql");
}

/// The fields that programs may rely on. New ones are compatible; one that goes or changes its type is not.
#[test]
fn json_keeps_its_contract() {
    let place = goose();
    place.write(
        "db/migrations/00004_type.sql",
        "-- +goose Up\nALTER TABLE users ALTER COLUMN email TYPE int USING 1;\nVACUUM users;\n",
    );
    place.write("db/migrations/notes.sql", "-- +goose Up\nSELECT 1;\n");
    let mut drawn = String::new();
    for (line, contract) in [
        (
            "lint --format json",
            "version:number tool:string postgres:string findings[].rule:string findings[].level:string \
             findings[].message:string findings[].path:string findings[].section:string findings[].start.byte:number \
             findings[].start.line:number findings[].start.column:number findings[].end.byte:number \
             findings[].statement:number findings[].notes[]:string findings[].docs:string findings[].fingerprint:string \
             findings[].fix.title:string findings[].fix.class:string findings[].fix.files[].path:string \
             findings[].withheld:null skipped[].path:string skipped[].reason:string summary.errors:number",
        ),
        (
            "explain --format json",
            "version:number tool:string postgres:string files[].path:string files[].statements[].index:number \
             files[].statements[].start.byte:number files[].statements[].kind:string \
             files[].statements[].in_transaction:boolean files[].statements[].effects[].relation:string \
             files[].statements[].effects[].kind:string files[].statements[].effects[].on:null \
             files[].statements[].effects[].lock:string files[].statements[].effects[].work:string \
             files[].statements[].effects[].reads_blocked:boolean files[].statements[].effects[].writes_blocked:boolean \
             files[].statements[].effects[].until:string files[].statements[].fails.sqlstate:string \
             files[].statements[].fails.message:string files[].statements[].fails.when:string",
        ),
        (
            "plan --format json",
            "version:number files[].path:string files[].class:string files[].parts[].path:string \
             files[].parts[].transaction:boolean files[].parts[].sql:string files[].parts[].from[]:number \
             files[].parts[].locks_before[].lock:string files[].parts[].locks_after[].work:string",
        ),
    ] {
        let mut fields = BTreeSet::new();
        flatten(&place.run(&line.split_whitespace().collect::<Vec<_>>()).json(), "", &mut fields);
        for field in contract.split_whitespace() {
            assert!(fields.contains(field), "{line} has no {field}: {fields:#?}");
        }
        drawn += &format!("$ safestep {line}\n{}\n", fields.into_iter().collect::<Vec<_>>().join("\n"));
    }
    expect![[""]].assert_eq(&drawn);
}

/// Every field with its type: `findings[].start.byte:number`.
fn flatten(value: &Value, path: &str, fields: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) if items.is_empty() => "[]",
        Value::Array(items) => return items.iter().for_each(|item| flatten(item, &format!("{path}[]"), fields)),
        Value::Object(members) => {
            let dot = if path.is_empty() { "" } else { "." };
            return members.iter().for_each(|(name, value)| flatten(value, &format!("{path}{dot}{name}"), fields));
        }
    };
    fields.insert(format!("{path}:{kind}"));
}
