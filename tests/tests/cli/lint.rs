//! What is judged, and what is said about it.

use expect_test::expect;
use serde_json::Value;

use crate::{BAD, GOOD, Place, USERS, goose};

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
            nothing to check: no pending migrations found; `safestep lint PATH` judges any file
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
          @@ -1,2 +1,9 @@
          +-- +goose NO TRANSACTION
          +-- Locks: SHARE UPDATE EXCLUSIVE on users for an instant (blocks neither reads nor writes).
          +-- If it stops half-way, the index may be left invalid, and it may be run again: `goose up`.
           -- +goose Up
          -DROP INDEX users_email;
          +SET lock_timeout = 0;
          +SET statement_timeout = 0;
          +DROP INDEX CONCURRENTLY IF EXISTS users_email;
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
        -- Locks: SHARE UPDATE EXCLUSIVE on t while an index is built (blocks neither reads nor writes).
        -- If it is interrupted: DROP INDEX CONCURRENTLY i; then run it again.
        SET lock_timeout = 0;
        SET statement_timeout = 0;
        -- first
        CREATE INDEX CONCURRENTLY i ON t (a);
        RESET lock_timeout;
        RESET statement_timeout;
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
        "-- Split into 2 blocks by safestep. Run it with psql -v ON_ERROR_STOP=1; after a failure go on with the block that failed.\r\n-- Block 1 of 2. Locks: SHARE UPDATE EXCLUSIVE on t while an index is built (blocks neither reads nor writes).\r\n-- If it is interrupted: DROP INDEX CONCURRENTLY i; then go on with this block.\r\nSET lock_timeout = 0;\r\nSET statement_timeout = 0;\r\nCREATE INDEX CONCURRENTLY i ON t (a);\r\nRESET lock_timeout;\r\nRESET statement_timeout;\r\n\r\n-- Block 2 of 2. Locks: ACCESS EXCLUSIVE on t for an instant (blocks reads and writes).\r\nBEGIN;\r\nSET LOCAL lock_timeout = '2s';\r\nSET LOCAL statement_timeout = '30s';\r\nDO $safestep$\r\nBEGIN\r\n  IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('i') AND indisvalid) THEN\r\n    RAISE EXCEPTION USING MESSAGE = 'index i is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS i; then build it again.';\r\n  END IF;\r\nEND\r\n$safestep$;\r\nALTER TABLE t ADD b int;\r\nCOMMIT;\r\n"
        ==== bom
        note: the files are in no git repository
        wrote sql/migrations/2_bom.sql
        judged as run by plain psql on PostgreSQL 16; no migration tool recognised, --tool names one
        1 file, clean; 1 fixed
        exit 0
        "\u{feff}-- Locks: SHARE UPDATE EXCLUSIVE on t while an index is built (blocks neither reads nor writes).\n-- If it is interrupted: DROP INDEX CONCURRENTLY i; then run it again.\nSET lock_timeout = 0;\nSET statement_timeout = 0;\nCREATE INDEX CONCURRENTLY i ON t (a);\nRESET lock_timeout;\nRESET statement_timeout;\n"
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
        "-- Split into 2 blocks by safestep. Run it with psql -v ON_ERROR_STOP=1; after a failure go on with the block that failed.\n-- Block 1 of 2.\nSELECT 'a\0b';\n\n-- Block 2 of 2. Locks: SHARE UPDATE EXCLUSIVE on t while an index is built (blocks neither reads nor writes).\n-- If it is interrupted: DROP INDEX CONCURRENTLY i; then go on with this block.\nSET lock_timeout = 0;\nSET statement_timeout = 0;\nCREATE INDEX CONCURRENTLY i ON t (a);\nRESET lock_timeout;\nRESET statement_timeout;\n"
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
          = not fixed: statement 1 has a syntax error; mend it first
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
