//! Help, usage, exit codes, completions, the list of rules.

use std::process::{Command, Stdio};

use expect_test::expect;

use crate::{GOOD, Place, goose};

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
                               deploys between the files, which no rewrite does so far [possible values:
                               safe, unsafe, plan]
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
              +-- If it is interrupted: DROP INDEX CONCURRENTLY users_email; then `goose up`.
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
fn nothing_to_do_is_no_failure() {
    let place = Place::new(&[("readme.md", "no SQL here"), ("query.sql", "SELECT 1;")]);
    place.check(
        &["lint", "lint .", "explain", "plan", "lint --format json --fix"],
        &expect![[r#"
        $ safestep lint
        nothing to check: no pending migrations found; `safestep lint PATH` judges any file
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
