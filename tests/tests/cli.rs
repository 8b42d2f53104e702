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
    place.check(
        &["--help", "lint -h", "explain -h", "plan -h", "rule -h"],
        &expect![[r#"
        $ safestep --help
        Finds PostgreSQL migrations that would hurt a live database, and rewrites them into safe steps

        Usage: safestep <COMMAND>

        Commands:
          lint         Report what would hurt; with --fix, rewrite it
          explain      Show each statement's transaction, locks, work and what they block
          plan         Show the steps that --fix would write, with the locks before and after
          rule         List the rules, or explain one
          lsp          Run the language server on standard input and output
          completions  Print a completion script for a shell
          help         Print this message or the help of the given subcommand(s)

        Options:
          -h, --help     Print help
          -V, --version  Print version

        Exit codes: 0 nothing to report, 1 findings, 2 the command could not do its work.
        Configuration: safestep.toml in the directory of the migrations or above it.
        exit 0
        $ safestep lint -h
        Report what would hurt; with --fix, rewrite it

        Usage: safestep lint [OPTIONS] [PATHS]...

        Arguments:
          [PATHS]...  Files or directories; `-` is standard input. Without any: the migrations that are not
                      applied yet

        Options:
          -h, --help  Print help (see more with '--help')

        Judging:
              --stdin-filename <NAME>  The name that standard input is judged under
              --tool <TOOL>            The migration tool that runs the files; found out by default
              --pg-version <N[-M]>     The PostgreSQL majors in use, as `16` or `14-18`
              --since <REV>            What counts as applied: the migrations of this git revision
              --pending                Of PATHS, judge only what is found without them: migrations that are
                                       not applied yet

        Rewriting:
              --fix[=<CLASS>]  Rewrite what can be rewritten: `safe` keeps the result and needs no
                               assumption, `unsafe` needs one that is printed, `plan` needs application
                               deploys between the files [possible values: safe, unsafe, plan]
              --diff           With --fix: show the changes, write nothing
              --all-files      Migrations that are already applied, too: judged without PATHS, and rewritten

        Output:
              --format <FORMAT>  How to print [default: text] [possible values: text, json, github, sarif,
                                 gitlab]
              --fail-on <LEVEL>  The lowest level that makes the exit code 1 [possible values: error,
                                 warning, info]
              --color <COLOR>    Colours [default: auto] [possible values: auto, always, never]
        exit 0
        $ safestep explain -h
        Show each statement's transaction, locks, work and what they block

        Usage: safestep explain [OPTIONS] [PATHS]...

        Arguments:
          [PATHS]...  Files or directories; `-` is standard input. Without any: the migrations that are not
                      applied yet

        Options:
          -h, --help  Print help (see more with '--help')

        Judging:
              --stdin-filename <NAME>  The name that standard input is judged under
              --tool <TOOL>            The migration tool that runs the files; found out by default
              --pg-version <N[-M]>     The PostgreSQL majors in use, as `16` or `14-18`
              --since <REV>            What counts as applied: the migrations of this git revision

        Rewriting:
              --fix[=<CLASS>]  With --format html or svg: draw also what --fix of that class would run
                               instead; html does so for `safe` unasked [possible values: safe, unsafe,
                               plan]

        Output:
              --format <FORMAT>  How to print; several migrations make one document, each below the one
                                 before [default: text] [possible values: text, json, svg, html]
              --color <COLOR>    Colours [default: auto] [possible values: auto, always, never]
        exit 0
        $ safestep plan -h
        Show the steps that --fix would write, with the locks before and after

        Usage: safestep plan [OPTIONS] [PATHS]...

        Arguments:
          [PATHS]...  Files or directories; `-` is standard input. Without any: the migrations that are not
                      applied yet

        Options:
          -h, --help  Print help

        Judging:
              --stdin-filename <NAME>  The name that standard input is judged under
              --tool <TOOL>            The migration tool that runs the files; found out by default
              --pg-version <N[-M]>     The PostgreSQL majors in use, as `16` or `14-18`
              --since <REV>            What counts as applied: the migrations of this git revision

        Rewriting:
              --fix <CLASS>  The highest class of rewriting to plan with [default: safe] [possible values:
                             safe, unsafe, plan]

        Output:
              --format <FORMAT>  [default: text] [possible values: text, json]
              --color <COLOR>    Colours [default: auto] [possible values: auto, always, never]
        exit 0
        $ safestep rule -h
        List the rules, or explain one

        Usage: safestep rule [OPTIONS] [NAME]

        Arguments:
          [NAME]  The rule to explain; without it all rules are listed

        Options:
          -h, --help  Print help

        Output:
              --format <FORMAT>  [default: text] [possible values: text, json]
        exit 0
    "#]],
    );
    let version = place.run(&["--version"]);
    assert_eq!(version.out, format!("safestep {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(place.run(&[]).code, Some(2));
}

#[test]
fn lint_shows_findings_and_the_fix() {
    let place = goose();
    place.check(&["lint", "lint db/migrations/00001_users.sql"], &expect![[r#"
        $ safestep lint
        error[blocking-index-creation]: building index users_email holds SHARE on users: writes wait until it is built
          ┌─ db/migrations/00002_more.sql:2:1
          │
        2 │ CREATE INDEX users_email ON users (email);
          │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          │
          = Build it concurrently, which a transaction does not allow
          = Put it in a migration of its own that goose runs without a transaction: -- +goose NO TRANSACTION
          = https://github.com/safestep/safestep/blob/main/rules.md#blocking-index-creation

        warning[missing-lock-timeout]: no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on users, reads and writes wait behind it
          ┌─ db/migrations/00002_more.sql:3:1
          │
        3 │ ALTER TABLE users ADD COLUMN age int;
          │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          │
          = Set lock_timeout to 2s before it, and try again when it runs out
          = https://github.com/safestep/safestep/blob/main/rules.md#missing-lock-timeout

        fix: split the migration into 2 files (--fix, for lines 2 and 3)
          --- db/migrations/00002_more.sql
          +++ db/migrations/00002_more.sql
          @@ -1,7 +1,18 @@
          +-- +goose NO TRANSACTION
          +-- Step 1 of 2, split by safestep. Then: 00003_more_step2_add_users_age.sql.
          +-- Locks: SHARE UPDATE EXCLUSIVE on users while an index is built (blocks neither reads nor writes).
          +-- If it is interrupted: DROP INDEX CONCURRENTLY users_email; Then `goose up`.
          +-- Roll back with `goose down`, once for each step, last step first.
           -- +goose Up
          -CREATE INDEX users_email ON users (email);
          -ALTER TABLE users ADD COLUMN age int;
          +SET lock_timeout = 0;
          +SET statement_timeout = 0;
          +CREATE INDEX CONCURRENTLY users_email ON users (email);
          +RESET lock_timeout;
          +RESET statement_timeout;

           -- +goose Down
          -ALTER TABLE users DROP COLUMN age;
          -DROP INDEX users_email;
          +SET lock_timeout = 0;
          +SET statement_timeout = 0;
          +DROP INDEX CONCURRENTLY users_email;
          +RESET lock_timeout;
          +RESET statement_timeout;
          +++ db/migrations/00003_more_step2_add_users_age.sql (new file)
          +-- Step 2 of 2, split by safestep from 00002_more.sql.
          +-- Locks: ACCESS EXCLUSIVE on users for an instant (blocks reads and writes).
          +-- Roll back with `goose down`, once for each step, last step first.
          +-- +goose Up
          +SET LOCAL lock_timeout = '2s';
          +SET LOCAL statement_timeout = '30s';
          +-- +goose StatementBegin
          +DO $safestep$
          +BEGIN
          +  IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email') AND indisvalid) THEN
          +    RAISE EXCEPTION USING MESSAGE = 'index users_email is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY I…
          +  END IF;
          +END
          +$safestep$;
          +-- +goose StatementEnd
          +ALTER TABLE users ADD COLUMN age int;
          +
          +-- +goose Down
          +SET LOCAL lock_timeout = '2s';
          +ALTER TABLE users DROP COLUMN age;

        judged as run by goose on PostgreSQL 14 to 18
        1 error, 1 warning in 1 file; 2 fixable with --fix
        exit 1
        $ safestep lint db/migrations/00001_users.sql
        judged as run by goose on PostgreSQL 14 to 18
        1 file, clean
        exit 0
    "#]]);
    place.check(&["lint --format github"], &expect![[r#"
        $ safestep lint --format github
        ::error file=db/migrations/00002_more.sql,line=2,endLine=2,col=1,endColumn=42,title=blocking-index-creation::building index users_email holds SHARE on users: writes wait until it is built%0ABuild it concurrently, which a transaction does not allow%0APut it in a migration of its own that goose runs without a transaction: -- +goose NO TRANSACTION%0Ahttps://github.com/safestep/safestep/blob/main/rules.md#blocking-index-creation
        ::warning file=db/migrations/00002_more.sql,line=3,endLine=3,col=1,endColumn=37,title=missing-lock-timeout::no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on users, reads and writes wait behind it%0ASet lock_timeout to 2s before it, and try again when it runs out%0Ahttps://github.com/safestep/safestep/blob/main/rules.md#missing-lock-timeout
        judged as run by goose on PostgreSQL 14 to 18
        1 error, 1 warning in 1 file; 2 fixable with --fix
        exit 1
    "#]]);
}

/// What pre-commit does: it names whatever SQL was changed.
#[test]
fn pending_passes_over_what_lint_would_not_find() {
    let report = ("reports/monthly.sql", "CREATE INDEX ON users (email);\n");
    let place = Place::committed(&[USERS, report, ("vendor/migrations/00001_a.sql", BAD)]);
    place.write("db/migrations/00002_more.sql", BAD);
    place.write("db/migrations/00003_draft.sql", BAD);
    place.check(
        &[
            "lint --pending db/migrations/00001_users.sql reports/monthly.sql vendor/migrations/00001_a.sql",
            "lint --pending db/migrations/00002_more.sql reports/monthly.sql --format github",
            "lint --pending reports gone.sql",
        ],
        &expect![[r#"
            $ safestep lint --pending db/migrations/00001_users.sql reports/monthly.sql vendor/migrations/00001_a.sql
            nothing to check
            exit 0
            $ safestep lint --pending db/migrations/00002_more.sql reports/monthly.sql --format github
            ::error file=db/migrations/00002_more.sql,line=2,endLine=2,col=1,endColumn=42,title=blocking-index-creation::building index users_email holds SHARE on users: writes wait until it is built%0ABuild it concurrently, which a transaction does not allow%0APut it in a migration of its own that goose runs without a transaction: -- +goose NO TRANSACTION%0Ahttps://github.com/safestep/safestep/blob/main/rules.md#blocking-index-creation
            ::warning file=db/migrations/00002_more.sql,line=3,endLine=3,col=1,endColumn=37,title=missing-lock-timeout::no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on users, reads and writes wait behind it%0ASet lock_timeout to 2s before it, and try again when it runs out%0Ahttps://github.com/safestep/safestep/blob/main/rules.md#missing-lock-timeout
            judged as run by goose on PostgreSQL 14 to 18
            1 error, 1 warning in 1 file; 2 fixable with --fix
            exit 1
            $ safestep lint --pending reports gone.sql
            stderr: safestep: DIR/gone.sql: no such file or directory
            exit 2
        "#]],
    );
    assert_eq!(place.run(&["lint", "reports/monthly.sql"]).code, Some(1), "a named file is judged");
    let outside = Place::committed(&[USERS]);
    let path = place.root.path().join("db").display().to_string();
    let run = outside.run(&["lint", "--pending", &path]);
    assert!(run.out.contains("00002_more.sql") && !run.out.contains("00001_users.sql"), "{}", run.out);
}

/// A workflow may run it below the root, but annotations, merge requests and code scanning start at the root.
#[test]
fn reports_for_others_name_files_from_the_root() {
    let place = goose();
    for format in ["github", "gitlab", "sarif", "text"] {
        let output = place.command(&["lint", "--format", format]).current_dir(place.root.path().join("db")).output();
        let out = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(out.contains("migrations/00002_more.sql"), "{out}");
        assert_eq!(out.contains("db/migrations/00002_more.sql"), format != "text", "{out}");
    }
}

#[test]
fn explain_draws_pictures() {
    let place = goose();
    let tags = |arguments: &[&str], starts: &[&str]| {
        let run = place.run(arguments);
        assert_eq!(run.code, Some(0), "{}", run.err);
        let tags = run.out.split('<').filter(|tag| starts.iter().any(|start| tag.starts_with(start)));
        tags.map(|tag| tag.trim_end().to_owned() + "\n").collect::<String>()
    };
    let groups = ["title id", "g class=\"file", "g class=\"column", "g class=\"lane"];
    expect![[r#"
        title id="safestep-title">Lock timelines
        g class="file" data-path="db/migrations/00002_more.sql" data-section="up">
        g class="column grows hurts" data-statement="0">
        g class="column instant" data-statement="1">
        g class="lane" data-relation="users">
        g class="file" data-path="db/migrations/00002_more.sql" data-section="down">
        g class="column instant" data-statement="0">
        g class="column instant" data-statement="1">
        g class="lane" data-relation="users">
    "#]]
    .assert_eq(&tags(&["explain", "--format", "svg"], &groups));
    expect![[r#"
        title id="safestep-title">Lock timelines
        g class="file" data-path="db/migrations/00002_more.sql" data-section="up">
        g class="column grows hurts" data-statement="0">
        g class="column instant" data-statement="1">
        g class="lane" data-relation="users">
        g class="file" data-path="db/migrations/00002_more.sql" data-section="up">
        g class="column" data-statement="0">
        g class="column" data-statement="1">
        g class="column grows" data-statement="2">
        g class="column" data-statement="3">
        g class="column" data-statement="4">
        g class="file" data-path="db/migrations/00003_more_step2_add_users_age.sql" data-section="up">
        g class="column" data-statement="0">
        g class="column" data-statement="1">
        g class="column" data-statement="2">
        g class="column instant" data-statement="3">
        g class="lane" data-relation="users">
        g class="file" data-path="db/migrations/00002_more.sql" data-section="down">
        g class="column instant" data-statement="0">
        g class="column instant" data-statement="1">
        g class="lane" data-relation="users">
    "#]]
    .assert_eq(&tags(&["explain", "--format", "svg", "--fix"], &groups));
    expect![[r#"
        h1>Lock timelines
        h2>db/migrations/00002_more.sql
        h3>Before
        title id="t1-title">db/migrations/00002_more.sql
        h3>After --fix
        title id="t2-title">Rewritten into 2 files
        h3>Down
        title id="t3-title">db/migrations/00002_more.sql (Down)
    "#]]
    .assert_eq(&tags(&["explain", "--format", "html"], &["h1", "h2", "h3", "title id", "li"]));
    place.check(
        &["explain --fix"],
        &expect![[r#"
        $ safestep explain --fix
        stderr: safestep: --fix of explain is for --format html and svg; `safestep plan` tells the rewrite
        exit 2
    "#]],
    );
}

#[test]
fn explain_and_plan_draw() {
    let place = goose();
    place.check(&["explain", "plan"], &expect![[r#"
        $ safestep explain
        db/migrations/00002_more.sql as run by goose on PostgreSQL 14 to 18

              users
              │
         2 ╭  ▓▓b  CREATE INDEX users_email ON users (email)
         3 ╰  ██   ALTER TABLE users ADD COLUMN age int

        ██ reads and writes wait   ▓▓ writes wait
        b index built

        In a transaction opened by goose

         2  CREATE INDEX users_email ON users (email)
            takes   SHARE on users, an index is built
            blocks  writes to users, until commit
            limit   no lock_timeout: others queue behind it while it waits

         3  ALTER TABLE users ADD COLUMN age int
            takes   ACCESS EXCLUSIVE on users
            blocks  reads and writes of users, until commit

        Long waits

          writes to users wait while an index is built on it (line 2)

        db/migrations/00002_more.sql (Down) as run by goose on PostgreSQL 14 to 18

              users
              │
         6 ╭  ██   ALTER TABLE users DROP COLUMN age
         7 ╰  ██   DROP INDEX users_email

        ██ reads and writes wait

        In a transaction opened by goose

         6  ALTER TABLE users DROP COLUMN age
            takes   ACCESS EXCLUSIVE on users
            blocks  reads and writes of users, until commit
            limit   no lock_timeout: others queue behind it while it waits
            breaks  code that names column age of users

         7  DROP INDEX users_email
            takes   ACCESS EXCLUSIVE on users
                    ACCESS EXCLUSIVE on users_email (index of users) (new)
            blocks  reads and writes of users, until commit

        No long waits: nothing blocks reads or writes while work grows with a table.
        exit 0
        $ safestep plan
        db/migrations/00002_more.sql becomes 2 parts in 2 files (--fix)

        1  db/migrations/00002_more.sql  outside a transaction
           before    ▓ SHARE on users, an index is built
           after     ▒ SHARE UPDATE EXCLUSIVE on users, an index is built

             CREATE INDEX CONCURRENTLY users_email ON users (email);

        2  db/migrations/00003_more_step2_add_users_age.sql  in a transaction
           before    █ ACCESS EXCLUSIVE on users
                     ▓ SHARE on users, an index is built
           after     █ ACCESS EXCLUSIVE on users

             DO $safestep$
             BEGIN
               IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email') AND indisvalid) THEN
                 RAISE EXCEPTION USING MESSAGE = 'index users_email is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY…
               END IF;
             END
             $safestep$;
             ALTER TABLE users ADD COLUMN age int;

        exit 0
    "#]]);
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
        &expect![[r#"
            $ safestep lnt
            stderr: error: unrecognized subcommand 'lnt'
            stderr: 
            stderr:   tip: a similar subcommand exists: 'lint'
            stderr: 
            stderr: Usage: safestep <COMMAND>
            stderr: 
            stderr: For more information, try '--help'.
            exit 2
            $ safestep lint --fial-on error
            stderr: error: unexpected argument '--fial-on' found
            stderr: 
            stderr:   tip: a similar argument exists: '--fail-on'
            stderr: 
            stderr: Usage: safestep lint --fail-on <LEVEL> [PATHS]...
            stderr: 
            stderr: For more information, try '--help'.
            exit 2
            $ safestep lint --fix=saef
            stderr: error: invalid value 'saef' for '--fix[=<CLASS>]'
            stderr:   [possible values: safe, unsafe, plan]
            stderr: 
            stderr:   tip: a similar value exists: 'safe'
            stderr: 
            stderr: For more information, try '--help'.
            exit 2
            $ safestep lint --format xml
            stderr: error: invalid value 'xml' for '--format <FORMAT>'
            stderr:   [possible values: text, json, github, sarif, gitlab]
            stderr: 
            stderr: For more information, try '--help'.
            exit 2
            $ safestep lint --tool gose
            stderr: safestep: no migration tool is called `gose`; did you mean `goose`?
            exit 2
            $ safestep lint --tool make
            stderr: safestep: no migration tool is called `make`; there are goose, golang-migrate, dbmate, sqlx, diesel, flyway, prisma, plain, unknown
            exit 2
            $ safestep lint --pg-version 12
            stderr: safestep: PostgreSQL 12 is not known; 14 to 18 are
            exit 2
            $ safestep lint --pg-version latest
            stderr: safestep: expected a PostgreSQL major such as "16" or a range such as "14-18", found `latest`
            exit 2
            $ safestep lint --diff
            stderr: safestep: --diff shows what --fix would change; give --fix (or --fix=unsafe, --fix=plan) too
            exit 2
            $ safestep lint --since nowhere
            error[blocking-index-creation]: building index users_email holds SHARE on users: writes wait until it is built
              ┌─ db/migrations/00002_more.sql:2:1
              │
            2 │ CREATE INDEX users_email ON users (email);
              │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              │
              = Build it concurrently, which a transaction does not allow
              = Put it in a migration of its own that goose runs without a transaction: -- +goose NO TRANSACTION
              = https://github.com/safestep/safestep/blob/main/rules.md#blocking-index-creation

            warning[missing-lock-timeout]: no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on users, reads and writes wait behind it
              ┌─ db/migrations/00002_more.sql:3:1
              │
            3 │ ALTER TABLE users ADD COLUMN age int;
              │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              │
              = Set lock_timeout to 2s before it, and try again when it runs out
              = https://github.com/safestep/safestep/blob/main/rules.md#missing-lock-timeout

            fix: split the migration into 2 files (--fix, for lines 2 and 3)
              --- db/migrations/00002_more.sql
              +++ db/migrations/00002_more.sql
              @@ -1,7 +1,18 @@
              +-- +goose NO TRANSACTION
              +-- Step 1 of 2, split by safestep. Then: 00003_more_step2_add_users_age.sql.
              +-- Locks: SHARE UPDATE EXCLUSIVE on users while an index is built (blocks neither reads nor writes).
              +-- If it is interrupted: DROP INDEX CONCURRENTLY users_email; Then `goose up`.
              +-- Roll back with `goose down`, once for each step, last step first.
               -- +goose Up
              -CREATE INDEX users_email ON users (email);
              -ALTER TABLE users ADD COLUMN age int;
              +SET lock_timeout = 0;
              +SET statement_timeout = 0;
              +CREATE INDEX CONCURRENTLY users_email ON users (email);
              +RESET lock_timeout;
              +RESET statement_timeout;

               -- +goose Down
              -ALTER TABLE users DROP COLUMN age;
              -DROP INDEX users_email;
              +SET lock_timeout = 0;
              +SET statement_timeout = 0;
              +DROP INDEX CONCURRENTLY users_email;
              +RESET lock_timeout;
              +RESET statement_timeout;
              +++ db/migrations/00003_more_step2_add_users_age.sql (new file)
              +-- Step 2 of 2, split by safestep from 00002_more.sql.
              +-- Locks: ACCESS EXCLUSIVE on users for an instant (blocks reads and writes).
              +-- Roll back with `goose down`, once for each step, last step first.
              +-- +goose Up
              +SET LOCAL lock_timeout = '2s';
              +SET LOCAL statement_timeout = '30s';
              +-- +goose StatementBegin
              +DO $safestep$
              +BEGIN
              +  IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email') AND indisvalid) THEN
              +    RAISE EXCEPTION USING MESSAGE = 'index users_email is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY I…
              +  END IF;
              +END
              +$safestep$;
              +-- +goose StatementEnd
              +ALTER TABLE users ADD COLUMN age int;
              +
              +-- +goose Down
              +SET LOCAL lock_timeout = '2s';
              +ALTER TABLE users DROP COLUMN age;

            note: git knows no commit `nowhere`
            judged as run by goose on PostgreSQL 14 to 18
            1 error, 1 warning in 1 of 2 files; 2 fixable with --fix
            exit 1
            $ safestep lint - x
            stderr: safestep: `-` (standard input) stands alone; name files in another run
            exit 2
            $ safestep lint --stdin-filename a.sql
            stderr: safestep: --stdin-filename names standard input; give `-` as the path
            exit 2
            $ safestep lint nowhere.sql
            stderr: safestep: DIR/nowhere.sql: no such file or directory
            exit 2
            $ safestep explain nowhere.sql
            stderr: safestep: DIR/nowhere.sql: no such file or directory
            exit 2
            $ safestep rule blocking-index-creaton
            stderr: safestep: no rule is called `blocking-index-creaton`; did you mean `blocking-index-creation`?
            exit 2
            $ safestep rule x
            stderr: safestep: no rule is called `x`; `safestep rule` lists them
            exit 2
        "#]],
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
    expect![[r#"
        ==== tool = "goose"
        postgres = 12
        stderr: safestep: DIR/safestep.toml:2:12: PostgreSQL 12 is not known; 14 to 18 are
        exit 2
        ==== fail_on = "error"
        stderr: safestep: DIR/safestep.toml:1:1: unknown key `fail_on`; did you mean `fail-on`?
        exit 2
        ==== [rules]
        blocking-index-creaton = "off"
        stderr: safestep: DIR/safestep.toml:2:1: unknown rule `blocking-index-creaton`; did you mean `blocking-index-creation`?
        exit 2
        ==== tool = "gose"
        stderr: safestep: DIR/safestep.toml:1:8: unknown value `gose`; did you mean `goose`?
        exit 2
        ==== tool = [
        stderr: safestep: DIR/safestep.toml:1:9: unclosed array, expected `]`
        exit 2
    "#]].assert_eq(&drawn);
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
    expect![[r#"
        $ safestep lint - --stdin-filename db/migrations/00003_next.sql
        warning[blocking-index-drop]: dropping index users_email takes ACCESS EXCLUSIVE on users: reads and writes queue behind it while a query on the table runs
          ┌─ db/migrations/00003_next.sql:2:1
          │
        2 │ DROP INDEX users_email;
          │ ^^^^^^^^^^^^^^^^^^^^^^
          │
          = Drop it concurrently, which a transaction does not allow
          = Put it in a migration of its own that goose runs without a transaction: -- +goose NO TRANSACTION
          = https://github.com/safestep/safestep/blob/main/rules.md#blocking-index-drop

        fix: rewrite the migration (--fix)
          --- db/migrations/00003_next.sql
          +++ db/migrations/00003_next.sql
          @@ -1,2 +1,8 @@
          +-- +goose NO TRANSACTION
          +-- Locks: SHARE UPDATE EXCLUSIVE on users for an instant (blocks neither reads nor writes).
           -- +goose Up
          -DROP INDEX users_email;
          +SET lock_timeout = 0;
          +SET statement_timeout = 0;
          +DROP INDEX CONCURRENTLY users_email;
          +RESET lock_timeout;
          +RESET statement_timeout;

        judged as run by goose on PostgreSQL 14 to 18
        1 warning in 1 file; 1 fixable with --fix
        exit 1
        $ safestep lint -
        error[blocking-index-creation]: building index i holds SHARE on t: writes wait until it is built
          ┌─ stdin.sql:1:1
          │
        1 │ CREATE INDEX i ON t (a);
          │ ^^^^^^^^^^^^^^^^^^^^^^^
          │
          = Build it concurrently
          = not fixed: it is not known which tool runs the file; name it with --tool or in safestep.toml
          = https://github.com/safestep/safestep/blob/main/rules.md#blocking-index-creation

        judged as run by an unknown tool on PostgreSQL 14 to 18; no migration tool recognised, --tool names one
        1 error in 1 file
        exit 1
        $ safestep lint - --tool plain --fix
        -- If it is interrupted: DROP INDEX CONCURRENTLY i; Then go on with its block.
        SET lock_timeout = 0;
        SET statement_timeout = 0;
        -- first
        CREATE INDEX CONCURRENTLY i ON t (a);
        exit 0
        $ safestep lint - --fix
        stderr: safestep: nothing on standard input can be fixed; run without --fix for the reasons
        exit 2
        $ safestep lint - --tool sqlx --fix --stdin-filename 1_a.sql
        stderr: safestep: the fix needs several files, so it cannot be written to standard output; name the file
        exit 2
        $ safestep explain - --tool plain
        stdin.sql as run by plain psql on PostgreSQL 14 to 18

              t
              │
         1    ▒▒   VACUUM t

        ▒▒ DDL waits

        Each in a transaction of its own

         1  VACUUM t
            takes   SHARE UPDATE EXCLUSIVE on t

        No long waits: nothing blocks reads or writes while work grows with a table.
        exit 0
        $ safestep plan - --tool plain
        stdin.sql becomes 1 part in 1 file (--fix)

        1  stdin.sql  outside a transaction
           before    ▓ SHARE on t, an index is built
           after     ▒ SHARE UPDATE EXCLUSIVE on t, an index is built

             CREATE INDEX CONCURRENTLY i ON t (a);

           provided  t is not partitioned.
        exit 0
        stderr: safestep: standard input is not UTF-8 from byte 8 on
        exit 2
    "#]].assert_eq(&drawn);
    assert_eq!(place.git(&["status", "--short"]), "?? db/migrations/00002_more.sql\n", "nothing is written");
}

/// Rows that only a rollback changes while it keeps a table locked are no finding, and stand in the way of no rewrite.
#[test]
fn what_a_rollback_holds_does_not_count() {
    let place = goose();
    place.write(
        "db/migrations/00002_more.sql",
        "-- +goose Up
ALTER TABLE users ADD CONSTRAINT named CHECK (email <> '');
-- +goose Down
ALTER TABLE users DROP CONSTRAINT named;
UPDATE users SET email = '';
",
    );
    let rules = |json: &Value| -> Vec<String> {
        json["findings"].as_array().unwrap().iter().map(|it| it["rule"].to_string()).collect()
    };
    let found = place.run(&["lint", "--format", "json"]).json();
    expect![[r#""missing-lock-timeout" "check-without-not-valid""#]].assert_eq(&rules(&found).join(" "));
    place.check(
        &["lint --fix"],
        &expect![[r#"
        $ safestep lint --fix
        wrote db/migrations/00002_more.sql
        wrote db/migrations/00003_more_step2_validate_named.sql
        judged as run by goose on PostgreSQL 14 to 18
        2 files, all clean; 2 fixed
        exit 0
    "#]],
    );
}

/// What stays of a divided statement hurts as the whole did, and a Down section may fail as it did before.
#[test]
fn faults_of_the_original_do_not_stand_in_the_way() {
    let place = goose();
    place.write(
        "db/migrations/00002_more.sql",
        "-- +goose Up
ALTER TABLE users ADD COLUMN age int NOT NULL, ADD CONSTRAINT named CHECK (email <> '');
-- +goose Down
ALTER TABLE users DROP CONSTRAINT named;
ALTER TABLE users DROP COLUMN age;
ALTER TABLE users DROP COLUMN nothing;
",
    );
    place.check(&["lint --fix --diff"], &expect![[r#"
        $ safestep lint --fix --diff
        diff --git a/db/migrations/00002_more.sql b/db/migrations/00002_more.sql
        --- a/db/migrations/00002_more.sql
        +++ b/db/migrations/00002_more.sql
        @@ -1,6 +1,13 @@
        +-- Step 1 of 2, split by safestep. Then: 00003_more_step2_validate_named.sql.
        +-- Locks: ACCESS EXCLUSIVE on users for an instant (blocks reads and writes).
        +-- Roll back with `goose down`, once for each step, last step first.
         -- +goose Up
        -ALTER TABLE users ADD COLUMN age int NOT NULL, ADD CONSTRAINT named CHECK (email <> '');
        +SET LOCAL lock_timeout = '2s';
        +SET LOCAL statement_timeout = '30s';
        +ALTER TABLE users ADD COLUMN age int NOT NULL;
        +ALTER TABLE users ADD CONSTRAINT named CHECK (email <> '') NOT VALID;
         -- +goose Down
        +SET LOCAL lock_timeout = '2s';
         ALTER TABLE users DROP CONSTRAINT named;
         ALTER TABLE users DROP COLUMN age;
         ALTER TABLE users DROP COLUMN nothing;
        diff --git a/db/migrations/00003_more_step2_validate_named.sql b/db/migrations/00003_more_step2_validate_named.sql
        new file mode 100644
        --- /dev/null
        +++ b/db/migrations/00003_more_step2_validate_named.sql
        @@ -0,0 +1,9 @@
        +-- Step 2 of 2, split by safestep from 00002_more.sql.
        +-- Locks: SHARE UPDATE EXCLUSIVE on users while the table is read (blocks neither reads nor writes).
        +-- Roll back with `goose down`, once for each step, last step first.
        +-- +goose Up
        +SET LOCAL statement_timeout = 0;
        +ALTER TABLE users VALIDATE CONSTRAINT named;
        +
        +-- +goose Down
        +-- There is nothing to undo.
        exit 1
    "#]]);
}

/// The last file is undone first, and its column comes back before the index; the file with the other index holds nothing else.
#[test]
fn down_clauses_stand_where_they_can_be_run() {
    let place = Place::committed(&[(
        "db/migrations/00001_users.sql",
        "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, email text, age int);\nCREATE INDEX users_age ON users (age);\n",
    )]);
    place.write(
        "db/migrations/00002_more.sql",
        "-- +goose Up
CREATE INDEX users_email ON users (email);
ALTER TABLE users DROP COLUMN age;
-- +goose Down
ALTER TABLE users ADD COLUMN age int;
CREATE INDEX users_age ON users (age);
DROP INDEX users_email;
",
    );
    place.check(&["lint --fix --diff"], &expect![[r#"
        $ safestep lint --fix --diff
        diff --git a/db/migrations/00002_more.sql b/db/migrations/00002_more.sql
        --- a/db/migrations/00002_more.sql
        +++ b/db/migrations/00002_more.sql
        @@ -1,7 +1,17 @@
        +-- +goose NO TRANSACTION
        +-- Step 1 of 2, split by safestep. Then: 00003_more_step2_drop_users_age.sql.
        +-- Locks: SHARE UPDATE EXCLUSIVE on users while an index is built (blocks neither reads nor writes).
        +-- If it is interrupted: DROP INDEX CONCURRENTLY users_email; Then `goose up`.
        +-- Roll back with `goose down`, once for each step, last step first.
         -- +goose Up
        -CREATE INDEX users_email ON users (email);
        -ALTER TABLE users DROP COLUMN age;
        +SET lock_timeout = 0;
        +SET statement_timeout = 0;
        +CREATE INDEX CONCURRENTLY users_email ON users (email);
        +RESET lock_timeout;
        +RESET statement_timeout;
         -- +goose Down
        -ALTER TABLE users ADD COLUMN age int;
        -CREATE INDEX users_age ON users (age);
        -DROP INDEX users_email;
        +SET lock_timeout = 0;
        +SET statement_timeout = 0;
        +DROP INDEX CONCURRENTLY users_email;
        +RESET lock_timeout;
        +RESET statement_timeout;
        diff --git a/db/migrations/00003_more_step2_drop_users_age.sql b/db/migrations/00003_more_step2_drop_users_age.sql
        new file mode 100644
        --- /dev/null
        +++ b/db/migrations/00003_more_step2_drop_users_age.sql
        @@ -0,0 +1,21 @@
        +-- Step 2 of 2, split by safestep from 00002_more.sql.
        +-- Locks: ACCESS EXCLUSIVE on users for an instant (blocks reads and writes).
        +-- Roll back with `goose down`, once for each step, last step first.
        +-- +goose Up
        +SET LOCAL lock_timeout = '2s';
        +SET LOCAL statement_timeout = '30s';
        +-- +goose StatementBegin
        +DO $safestep$
        +BEGIN
        +  IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email') AND indisvalid) THEN
        +    RAISE EXCEPTION USING MESSAGE = 'index users_email is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_email; then build it again.';
        +  END IF;
        +END
        +$safestep$;
        +-- +goose StatementEnd
        +ALTER TABLE users DROP COLUMN age;
        +
        +-- +goose Down
        +SET LOCAL lock_timeout = '2s';
        +ALTER TABLE users ADD COLUMN age int;
        +CREATE INDEX users_age ON users (age);
        exit 1
    "#]]);
}

#[test]
fn fix_writes_pending_files_only() {
    let applied = ("db/migrations/00002_applied.sql", BAD);
    let place = Place::committed(&[USERS, applied]);
    place.write("db/migrations/00003_pending.sql", "-- +goose Up\nCREATE INDEX users_id ON users (id);\n");
    place.check(&["lint db --fix"], &expect![[r#"
        $ safestep lint db --fix
        error[blocking-index-creation]: building index users_email holds SHARE on users: writes wait until it is built
          ┌─ db/migrations/00002_applied.sql:2:1
          │
        2 │ CREATE INDEX users_email ON users (email);
          │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          │
          = Build it concurrently, which a transaction does not allow
          = Put it in a migration of its own that goose runs without a transaction: -- +goose NO TRANSACTION
          = not fixed: the migration is already applied; --all-files rewrites it all the same
          = https://github.com/safestep/safestep/blob/main/rules.md#blocking-index-creation

        warning[missing-lock-timeout]: no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on users, reads and writes wait behind it
          ┌─ db/migrations/00002_applied.sql:3:1
          │
        3 │ ALTER TABLE users ADD COLUMN age int;
          │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          │
          = Set lock_timeout to 2s before it, and try again when it runs out
          = not fixed: the migration is already applied; --all-files rewrites it all the same
          = https://github.com/safestep/safestep/blob/main/rules.md#missing-lock-timeout

        wrote db/migrations/00003_pending.sql
        judged as run by goose on PostgreSQL 14 to 18
        1 error, 1 warning in 1 of 3 files; 1 fixed
        exit 1
    "#]]);
    expect![[r#"
        ?? db/migrations/00003_pending.sql
    "#]]
    .assert_eq(&place.git(&["status", "--short"]));
    assert_eq!(place.read("db/migrations/00002_applied.sql"), BAD);
    let before = place.files();
    assert_eq!(place.run(&["lint", "--fix"]).code, Some(0), "there is nothing left to fix");
    assert!(place.files() == before, "and nothing is written again");

    place.check(
        &["lint --fix --all-files db/migrations/00002_applied.sql"],
        &expect![[r#"
            $ safestep lint --fix --all-files db/migrations/00002_applied.sql
            note: db/migrations/00003_pending.sql becomes db/migrations/00004_pending.sql, to make room
            wrote db/migrations/00002_applied.sql
            wrote db/migrations/00003_applied_step2_add_users_age.sql
            wrote db/migrations/00003_pending.sql
            wrote db/migrations/00004_pending.sql
            judged as run by goose on PostgreSQL 14 to 18
            2 files, all clean; 2 fixed
            exit 0
        "#]],
    );
    expect![[r#"
         M db/migrations/00002_applied.sql
        ?? db/migrations/00003_applied_step2_add_users_age.sql
        ?? db/migrations/00004_pending.sql
    "#]]
    .assert_eq(&place.git(&["status", "--short"]));
}

/// Sequential versions have no room between them: a draft of somebody else gets another number once, and is told.
#[test]
fn later_drafts_make_room_once_and_headers_name_what_is_there() {
    let place = Place::committed(&[
        ("go.mod", "require github.com/golang-migrate/migrate/v4 v4.17.0\n"),
        ("db/000001_users.up.sql", "CREATE TABLE users (id bigint PRIMARY KEY, email text, age int);\n"),
    ]);
    place.write("db/000002_mail.up.sql", "CREATE INDEX i ON users (email);\nALTER TABLE users ADD COLUMN a int;\n");
    place.write("db/000003_age.up.sql", "CREATE INDEX j ON users (age);\nALTER TABLE users ADD COLUMN b int;\n");
    place.write("db/000004_theirs.up.sql", "SELECT 1;\n");
    place.write("db/000009_far.up.sql", "SELECT 1;\n");
    place.check(
        &["lint --fix"],
        &expect![[r#"
            $ safestep lint --fix
            note: db/000003_age.up.sql becomes db/000004_age.up.sql, to make room
            note: db/000004_theirs.up.sql becomes db/000006_theirs.up.sql, to make room
            wrote db/000002_mail.up.sql
            wrote db/000003_age.up.sql
            wrote db/000003_mail_step2_add_users_a.up.sql
            wrote db/000004_age.up.sql
            wrote db/000004_theirs.up.sql
            wrote db/000005_age_step2_add_users_b.up.sql
            wrote db/000006_theirs.up.sql
            judged as run by golang-migrate on PostgreSQL 14 to 18
            6 files, all clean; 4 fixed
            exit 0
        "#]],
    );
    let headers = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).into_owned();
        text.lines().filter(|line| line.starts_with("-- ")).map(|line| format!("  {line}\n")).collect::<String>()
    };
    let drawn: String = place.files().iter().map(|(path, text)| format!("{path}\n{}", headers(text))).collect();
    expect![[r#"
        db/000001_users.up.sql
        db/000002_mail.up.sql
          -- Step 1 of 2, split by safestep. Then: 000003_mail_step2_add_users_a.up.sql.
          -- Locks: SHARE UPDATE EXCLUSIVE on users while an index is built (blocks neither reads nor writes).
          -- If it is interrupted: DROP INDEX CONCURRENTLY i; Then `migrate force 000001`, then `migrate up`.
          -- There is no Down section; undo the steps by a new migration, last step first.
        db/000003_mail_step2_add_users_a.up.sql
          -- Step 2 of 2, split by safestep from 000002_mail.up.sql.
          -- Locks: ACCESS EXCLUSIVE on users for an instant (blocks reads and writes).
          -- If it fails, nothing has changed: `migrate force 000002`, then `migrate up`.
          -- There is no Down section; undo the steps by a new migration, last step first.
        db/000004_age.up.sql
          -- Step 1 of 2, split by safestep. Then: 000005_age_step2_add_users_b.up.sql.
          -- Locks: SHARE UPDATE EXCLUSIVE on users while an index is built (blocks neither reads nor writes).
          -- If it is interrupted: DROP INDEX CONCURRENTLY j; Then `migrate force 000003`, then `migrate up`.
          -- There is no Down section; undo the steps by a new migration, last step first.
        db/000005_age_step2_add_users_b.up.sql
          -- Step 2 of 2, split by safestep from 000004_age.up.sql.
          -- Locks: ACCESS EXCLUSIVE on users for an instant (blocks reads and writes).
          -- If it fails, nothing has changed: `migrate force 000004`, then `migrate up`.
          -- There is no Down section; undo the steps by a new migration, last step first.
        db/000006_theirs.up.sql
        db/000009_far.up.sql
        go.mod
    "#]]
    .assert_eq(&drawn);
}

#[test]
fn one_run_does_all_that_a_second_would() {
    let tables: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    let each = |line: &dyn Fn(&str) -> String| tables.iter().map(|table| line(table)).collect::<String>();
    let first = each(&|table| format!("CREATE TABLE {table} (id bigint PRIMARY KEY);\n"));
    let second = each(&|table| format!("ALTER TABLE {table} ADD COLUMN n int;\n"));
    let place = Place::committed(&[
        ("db/00001_tables.sql", &format!("-- +goose Up\n{first}")),
        ("db/00002_columns.sql", &format!("-- +goose Up\nSET LOCAL lock_timeout = '2s';\n{second}")),
    ]);
    place.run(&["lint", "--fix", "--all-files"]);
    let once = place.files();
    let names: Vec<&str> = once.iter().map(|(name, _)| name.as_str()).collect();
    expect![[r#"
        db/00001_tables.sql
        db/00002_columns.sql
        db/00003_columns_step2_add_b_n.sql
        db/00004_columns_step3_add_c_n.sql
        db/00005_columns_step4_add_d_n.sql
        db/00006_columns_step5_add_e_n.sql"#]]
    .assert_eq(&names.join("\n"));
    place.run(&["lint", "--fix", "--all-files"]);
    assert!(place.files() == once, "nothing is left to do");
}

#[test]
fn what_an_applied_migration_makes_is_old_to_its_later_steps() {
    let migration = "-- +goose Up\nCREATE TABLE seen (id bigint PRIMARY KEY);\nALTER TABLE users ADD COLUMN age int;\n\
                     INSERT INTO seen SELECT id FROM users;\nCREATE INDEX seen_id ON seen (id);\n";
    let indexes = |place: &Place| -> String {
        let texts: Vec<String> =
            place.files().into_iter().map(|(_, text)| String::from_utf8(text).expect("UTF-8")).collect();
        let lines = texts.iter().flat_map(|text| text.lines()).filter(|line| line.starts_with("CREATE INDEX"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let place = Place::committed(&[USERS, ("db/migrations/00002_seen.sql", migration)]);
    place.run(&["lint", "--fix", "--all-files"]);
    expect!["CREATE INDEX CONCURRENTLY seen_id ON seen (id);"].assert_eq(&indexes(&place));
    let once = place.files();
    place.git(&["add", "-A"]);
    place.git(&["commit", "-q", "-m", "split"]);
    place.run(&["lint", "--fix", "--all-files"]);
    assert!(place.files() == once, "nothing is left to do");
    // In a draft nobody uses the table before all of it ran.
    let draft = Place::committed(&[USERS]);
    draft.write("db/migrations/00002_seen.sql", migration);
    draft.run(&["lint", "--fix"]);
    expect!["CREATE INDEX seen_id ON seen (id);"].assert_eq(&indexes(&draft));
}

#[test]
fn what_a_rewrite_rests_on_is_told() {
    let place = Place::committed(&[USERS, ("db/migrations/atlas.sum", "h1:x=\n")]);
    place.write("db/migrations/00002_fill.sql", "-- +goose Up\nUPDATE users SET email = 'none' WHERE email IS NULL;\n");
    let told = place.run(&["lint", "--fix=unsafe", "--format", "json"]).json()["notes"].to_string();
    assert!(told.contains("on the assumption"), "{told}");
    assert!(told.contains("atlas migrate hash"), "{told}");
}

#[test]
fn without_paths_pending_migrations_are_judged() {
    let place = Place::committed(&[USERS, ("db/migrations/00002_more.sql", BAD)]);
    let files = |line: &str| place.run(&line.split_whitespace().collect::<Vec<_>>()).json()["summary"]["files"].clone();
    assert_eq!(files("lint --format json"), 0);
    assert_eq!(files("lint --format json --all-files"), 2);
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
fn a_session_ends_with_its_file() {
    let session = "SET lock_timeout = '2s';\nCREATE TEMPORARY TABLE seen (id bigint);\n";
    let place = Place::committed(&[USERS, ("db/migrations/00002_session.sql", &format!("-- +goose Up\n{session}"))]);
    place.write(
        "db/migrations/00003_next.sql",
        "-- +goose Up\nCREATE TEMPORARY TABLE seen (id bigint);\nALTER TABLE users ADD COLUMN age int;\n",
    );
    place.check(&["lint"], &expect![[r#"
        $ safestep lint
        warning[missing-lock-timeout]: no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on users, reads and writes wait behind it
          ┌─ db/migrations/00003_next.sql:3:1
          │
        3 │ ALTER TABLE users ADD COLUMN age int;
          │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          │
          = Set lock_timeout to 2s before it, and try again when it runs out
          = https://github.com/safestep/safestep/blob/main/rules.md#missing-lock-timeout

        fix: set timeouts where they are missing (--fix)
          --- db/migrations/00003_next.sql
          +++ db/migrations/00003_next.sql
          @@ -1,3 +1,5 @@
           -- +goose Up
          +SET LOCAL lock_timeout = '2s';
          +SET LOCAL statement_timeout = '30s';
           CREATE TEMPORARY TABLE seen (id bigint);
           ALTER TABLE users ADD COLUMN age int;

        judged as run by goose on PostgreSQL 14 to 18
        1 warning in 1 file; 1 fixable with --fix
        exit 1
    "#]]);
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
    expect![[r#"
        safestep: DIR/db/migrations/00003_more_step2_add_users_age.sql: is there already; remove it or run the command again
    "#]].assert_eq(&fixed.err);
}

#[test]
fn a_diff_is_the_fix() {
    let place = goose();
    let diff = place.run(&["lint", "--fix", "--diff"]);
    // A line of nothing but a blank does not survive in this file.
    expect![[r#"
        diff --git a/db/migrations/00002_more.sql b/db/migrations/00002_more.sql
        --- a/db/migrations/00002_more.sql
        +++ b/db/migrations/00002_more.sql
        @@ -1,7 +1,18 @@
        +-- +goose NO TRANSACTION
        +-- Step 1 of 2, split by safestep. Then: 00003_more_step2_add_users_age.sql.
        +-- Locks: SHARE UPDATE EXCLUSIVE on users while an index is built (blocks neither reads nor writes).
        +-- If it is interrupted: DROP INDEX CONCURRENTLY users_email; Then `goose up`.
        +-- Roll back with `goose down`, once for each step, last step first.
         -- +goose Up
        -CREATE INDEX users_email ON users (email);
        -ALTER TABLE users ADD COLUMN age int;
        +SET lock_timeout = 0;
        +SET statement_timeout = 0;
        +CREATE INDEX CONCURRENTLY users_email ON users (email);
        +RESET lock_timeout;
        +RESET statement_timeout;
 
         -- +goose Down
        -ALTER TABLE users DROP COLUMN age;
        -DROP INDEX users_email;
        +SET lock_timeout = 0;
        +SET statement_timeout = 0;
        +DROP INDEX CONCURRENTLY users_email;
        +RESET lock_timeout;
        +RESET statement_timeout;
        diff --git a/db/migrations/00003_more_step2_add_users_age.sql b/db/migrations/00003_more_step2_add_users_age.sql
        new file mode 100644
        --- /dev/null
        +++ b/db/migrations/00003_more_step2_add_users_age.sql
        @@ -0,0 +1,20 @@
        +-- Step 2 of 2, split by safestep from 00002_more.sql.
        +-- Locks: ACCESS EXCLUSIVE on users for an instant (blocks reads and writes).
        +-- Roll back with `goose down`, once for each step, last step first.
        +-- +goose Up
        +SET LOCAL lock_timeout = '2s';
        +SET LOCAL statement_timeout = '30s';
        +-- +goose StatementBegin
        +DO $safestep$
        +BEGIN
        +  IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email') AND indisvalid) THEN
        +    RAISE EXCEPTION USING MESSAGE = 'index users_email is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_email; then build it again.';
        +  END IF;
        +END
        +$safestep$;
        +-- +goose StatementEnd
        +ALTER TABLE users ADD COLUMN age int;
        +
        +-- +goose Down
        +SET LOCAL lock_timeout = '2s';
        +ALTER TABLE users DROP COLUMN age;
        exit 0
    "#]].assert_eq(&diff.drawn().replace("\n \n", "\n\n"));
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
    expect![[r#"
        ==== crlf
        note: the files are in no git repository
        wrote sql/migrations/2_crlf.sql
        judged as run by plain psql on PostgreSQL 16; no migration tool recognised, --tool names one
        1 file, clean; 2 fixed
        exit 0
        "-- Split into 2 blocks by safestep. Run it with psql -v ON_ERROR_STOP=1; after a failure go on with the block that failed.\r\n-- If it is interrupted: DROP INDEX CONCURRENTLY i; Then go on with its block.\r\nSET lock_timeout = 0;\r\nSET statement_timeout = 0;\r\nCREATE INDEX CONCURRENTLY i ON t (a);\r\n\r\nBEGIN;\r\nSET LOCAL lock_timeout = '2s';\r\nSET LOCAL statement_timeout = '30s';\r\nDO $safestep$\r\nBEGIN\r\n  IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('i') AND indisvalid) THEN\r\n    RAISE EXCEPTION USING MESSAGE = 'index i is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS i; then build it again.';\r\n  END IF;\r\nEND\r\n$safestep$;\r\nALTER TABLE t ADD b int;\r\nCOMMIT;\r\n"
        ==== bom
        note: the files are in no git repository
        wrote sql/migrations/2_bom.sql
        judged as run by plain psql on PostgreSQL 16; no migration tool recognised, --tool names one
        1 file, clean; 1 fixed
        exit 0
        "\u{feff}-- If it is interrupted: DROP INDEX CONCURRENTLY i; Then go on with its block.\nSET lock_timeout = 0;\nSET statement_timeout = 0;\nCREATE INDEX CONCURRENTLY i ON t (a);\n"
        ==== empty
        note: the files are in no git repository
        judged as run by plain psql on PostgreSQL 16; no migration tool recognised, --tool names one
        1 file, clean
        exit 0
        unchanged
        ==== comment
        note: the files are in no git repository
        judged as run by plain psql on PostgreSQL 16; no migration tool recognised, --tool names one
        1 file, clean
        exit 0
        unchanged
        ==== latin1
        error[blocking-index-creation]: building index i holds SHARE on t: writes wait until it is built
          ┌─ sql/migrations/2_latin1.sql:2:1
          │
        2 │ CREATE INDEX i ON t (a);
          │ ^^^^^^^^^^^^^^^^^^^^^^^
          │
          = Build it concurrently
          = not fixed: the file is not UTF-8; save it as UTF-8 first
          = https://github.com/safestep/safestep/blob/main/rules.md#blocking-index-creation

        note: the files are in no git repository
        judged as run by plain psql on PostgreSQL 16; no migration tool recognised, --tool names one
        1 error in 1 file
        exit 1
        unchanged
        ==== nul
        note: the files are in no git repository
        wrote sql/migrations/2_nul.sql
        judged as run by plain psql on PostgreSQL 16; no migration tool recognised, --tool names one
        1 file, clean; 1 fixed
        exit 0
        "-- Split into 2 blocks by safestep. Run it with psql -v ON_ERROR_STOP=1; after a failure go on with the block that failed.\n-- If it is interrupted: DROP INDEX CONCURRENTLY i; Then go on with its block.\nSELECT 'a\0b';\n\nSET lock_timeout = 0;\nSET statement_timeout = 0;\nCREATE INDEX CONCURRENTLY i ON t (a);\n"
        ==== broken
        error[syntax-error]: syntax error at end of input
          ┌─ sql/migrations/2_broken.sql:1:22
          │
        1 │ CREATE INDEX i ON t (a;
          │                      ^
          │
          = the `(` after `t` is never closed
          = https://github.com/safestep/safestep/blob/main/rules.md#syntax-error

        error[blocking-index-creation]: building index j holds SHARE on t: writes wait until it is built
          ┌─ sql/migrations/2_broken.sql:2:1
          │
        2 │ CREATE INDEX j ON t (a);
          │ ^^^^^^^^^^^^^^^^^^^^^^^
          │
          = Build it concurrently
          = not fixed: statement 1 has a syntax error
          = https://github.com/safestep/safestep/blob/main/rules.md#blocking-index-creation

        error[syntax-error]: unterminated quoted string at or near "'open"
          ┌─ sql/migrations/2_broken.sql:3:8
          │
        3 │ SELECT 'open
          │        ^^^^^

        note: the files are in no git repository
        judged as run by plain psql on PostgreSQL 16; no migration tool recognised, --tool names one
        3 errors in 1 file
        exit 1
        unchanged
    "#]].assert_eq(&drawn);
}

#[test]
fn nothing_to_do_is_no_failure() {
    let place = Place::new(&[("readme.md", "no SQL here"), ("query.sql", "SELECT 1;")]);
    place.check(
        &["lint", "lint .", "explain", "plan", "lint --format json --fix"],
        &expect![[r#"
        $ safestep lint
        nothing to check
        exit 0
        $ safestep lint .
        note: the files are in no git repository
        judged as run by plain psql on PostgreSQL 14 to 18; no migration tool recognised, --tool names one
        1 file, clean
        exit 0
        $ safestep explain
        exit 0
        $ safestep plan
        Nothing to rewrite.
        exit 0
        $ safestep lint --format json --fix
        {
          "version": 1,
          "tool": "",
          "tool_guessed": false,
          "postgres": "14-18",
          "findings": [],
          "skipped": [],
          "notes": [],
          "summary": {
            "errors": 0,
            "warnings": 0,
            "infos": 0,
            "files": 0,
            "files_with_findings": 0,
            "fixable": {
              "safe": 0,
              "unsafe": 0,
              "plan": 0
            },
            "fixed": 0,
            "suppressed": 0,
            "written": []
          }
        }
        exit 0
    "#]],
    );
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
    place.check(&["rule drop-table"], &expect![[r#"
        $ safestep rule drop-table
        # drop-table

        Level warning, group compatibility.

        Dropping a table breaks application code that still uses it, and its rows are gone.

        ### What it does
        Reports DROP TABLE of a table that was there before. Where the same transaction creates a table of that name again, it is only
        the rows that are gone.

        ### Why it hurts
        Code of the release that runs while the migration does still reads and writes the table: its statements fail at once. A
        foreign key on either side makes the drop take ACCESS EXCLUSIVE on the other table too.

        ### Way out
        Deploy code that does not use the table first. Drop its foreign keys one by one, perhaps rename the table and wait a while,
        then drop it in a later migration and acknowledge it there with a directive.

        ### When to allow it
        No code that runs uses the table any more: say so with a directive.

        ```sql given
        CREATE TABLE sessions (id bigint PRIMARY KEY);
        ```
        ```sql
        DROP TABLE sessions;
        ```
        ```sql
        BEGIN;
        DROP TABLE sessions;
        CREATE TABLE sessions (id uuid PRIMARY KEY);
        COMMIT;
        ```
        ```sql ok
        -- safestep: allow(drop-table) unused since release 41
        DROP TABLE sessions;
        ```
        exit 0
    "#]]);
}

#[test]
fn a_workflow_gets_annotations_and_a_summary() {
    let place = goose();
    place.write("summary.md", "before\n");
    let mut command = place.command(&["lint", "--format", "github"]);
    let output = command.env("GITHUB_STEP_SUMMARY", place.root.path().join("summary.md")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    expect![[r#"
        before
        ### Safestep

        | | Place | Rule | Finding |
        |---|---|---|---|
        | :red_circle: error | db/migrations/00002\_more.sql:2 | [blocking-index-creation](https://github.com/safestep/safestep/blob/main/rules.md#blocking-index-creation) | building index users\_email holds SHARE on users: writes wait until it is built |
        | :yellow_circle: warning | db/migrations/00002\_more.sql:3 | [missing-lock-timeout](https://github.com/safestep/safestep/blob/main/rules.md#missing-lock-timeout) | no lock\_timeout is set: while this waits for ACCESS EXCLUSIVE on users, reads and writes wait behind it |

        - judged as run by goose on PostgreSQL 14 to 18

        **1 error, 1 warning in 1 file; 2 fixable with --fix**
    "#]].assert_eq(&place.read("summary.md"));
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
    expect![[r#"
        $ safestep lint --format json
        findings[].docs:string
        findings[].end.byte:number
        findings[].end.column:number
        findings[].end.line:number
        findings[].fingerprint:string
        findings[].fix.assumptions:[]
        findings[].fix.class:string
        findings[].fix.edits:[]
        findings[].fix.files[].action:string
        findings[].fix.files[].path:string
        findings[].fix.files[].text:string
        findings[].fix.same_as:null
        findings[].fix.same_as:number
        findings[].fix.title:string
        findings[].fix:null
        findings[].level:string
        findings[].message:string
        findings[].notes[]:string
        findings[].path:string
        findings[].related:[]
        findings[].rule:string
        findings[].section:string
        findings[].start.byte:number
        findings[].start.column:number
        findings[].start.line:number
        findings[].statement:number
        findings[].withheld:null
        findings[].withheld:string
        notes:[]
        postgres:string
        skipped[].path:string
        skipped[].reason:string
        summary.errors:number
        summary.files:number
        summary.files_with_findings:number
        summary.fixable.plan:number
        summary.fixable.safe:number
        summary.fixable.unsafe:number
        summary.fixed:number
        summary.infos:number
        summary.suppressed:number
        summary.warnings:number
        summary.written:[]
        tool:string
        tool_guessed:boolean
        version:number
        $ safestep explain --format json
        files[].path:string
        files[].section:string
        files[].statements[].effects[].kind:string
        files[].statements[].effects[].lock:string
        files[].statements[].effects[].on:null
        files[].statements[].effects[].on:string
        files[].statements[].effects[].reads_blocked:boolean
        files[].statements[].effects[].relation:string
        files[].statements[].effects[].until:string
        files[].statements[].effects[].work:string
        files[].statements[].effects[].writes_blocked:boolean
        files[].statements[].end.byte:number
        files[].statements[].end.column:number
        files[].statements[].end.line:number
        files[].statements[].fails.message:string
        files[].statements[].fails.only_with_rows:boolean
        files[].statements[].fails.postgres:string
        files[].statements[].fails.sqlstate:string
        files[].statements[].fails.when:string
        files[].statements[].fails:null
        files[].statements[].in_transaction:boolean
        files[].statements[].index:number
        files[].statements[].kind:string
        files[].statements[].start.byte:number
        files[].statements[].start.column:number
        files[].statements[].start.line:number
        files[].statements[].transaction:number
        files[].statements[].waits_for:[]
        postgres:string
        tool:string
        tool_guessed:boolean
        version:number
        $ safestep plan --format json
        files[].assumptions:[]
        files[].class:string
        files[].parts[].after_deploy:null
        files[].parts[].from[]:number
        files[].parts[].locks_after[].kind:string
        files[].parts[].locks_after[].lock:string
        files[].parts[].locks_after[].on:null
        files[].parts[].locks_after[].on:string
        files[].parts[].locks_after[].reads_blocked:boolean
        files[].parts[].locks_after[].relation:string
        files[].parts[].locks_after[].work:string
        files[].parts[].locks_after[].writes_blocked:boolean
        files[].parts[].locks_before[].kind:string
        files[].parts[].locks_before[].lock:string
        files[].parts[].locks_before[].on:null
        files[].parts[].locks_before[].on:string
        files[].parts[].locks_before[].reads_blocked:boolean
        files[].parts[].locks_before[].relation:string
        files[].parts[].locks_before[].work:string
        files[].parts[].locks_before[].writes_blocked:boolean
        files[].parts[].path:string
        files[].parts[].sql:string
        files[].parts[].transaction:boolean
        files[].path:string
        files[].withheld:[]
        files[].withheld[].end.byte:number
        files[].withheld[].end.column:number
        files[].withheld[].end.line:number
        files[].withheld[].reason:string
        files[].withheld[].start.byte:number
        files[].withheld[].start.column:number
        files[].withheld[].start.line:number
        files[].withheld[].statement:number
        version:number
    "#]]
    .assert_eq(&drawn);
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
