use std::fmt::Write;
use std::sync::Arc;

use expect_test::{Expect, expect};
use model::plan::Class;
use rules::Level;
use syntax::Span;

use super::{ASCII, COLOR, PLAIN, World, users};
use crate::{Edit, FileChange, Fix, Style, text};

fn check(world: &World, style: Style, expected: Expect) {
    expected.assert_eq(&(text::FORMAT.render)(&world.report, &world.sources, style).text);
}

/// One error at a needle, drawn without the lines behind it.
fn check_one(text: &str, needle: &str, expected: Expect) {
    let mut world = World::new(&[("a.sql", text)]);
    world.find(Level::Error, "some-rule", "a.sql", needle, "something is wrong").docs = String::new();
    let drawn = (text::FORMAT.render)(&world.report, &world.sources, PLAIN).text;
    let end = drawn.find("\n\njudged").map_or(drawn.len(), |at| at + 1);
    expected.assert_eq(&drawn[..end]);
}

#[test]
fn findings_come_in_file_order_with_the_shared_fix_behind_the_last() {
    check(
        &users(),
        PLAIN,
        expect![[r#"
            warning[no-lock-timeout]: no lock_timeout bounds the wait for users
              ┌─ db/migrations/0007_users.sql:2:1
              │
            2 │ ALTER TABLE users ADD COLUMN email text;
              │ ^^^^^^^^^^^^^^^^^
              │
              = not fixed: goose runs this file with others in one transaction
              = https://safestep.dev/rules#no-lock-timeout

            error[index-blocks-writes]: writes to users wait until the index is built
              ┌─ db/migrations/0007_users.sql:4:1
              │
            2 │ ALTER TABLE users ADD COLUMN email text;
              │ --------------------------------------- ACCESS EXCLUSIVE on users since here
            3 │
            4 │ CREATE INDEX users_email_idx ON users (lower(email));
              │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              │
              = CREATE INDEX holds SHARE on users until the transaction of goose
                commits, and it reads the whole table first
              = build it CONCURRENTLY, in a file that opens no transaction
              = https://safestep.dev/rules#index-blocks-writes

            error[foreign-key-scans]: writes to orders and users wait while every row of orders is checked
              ┌─ db/migrations/0007_users.sql:7:3
              │
            7 │ ╭   ADD CONSTRAINT orders_user_fk
            8 │ │   FOREIGN KEY (user_id) REFERENCES users (id);
              │ ╰─────────────────────────────────────────────^
              │
              = https://safestep.dev/rules#foreign-key-scans

            fix: split into 2 files (--fix, for lines 4 and 7)
              provided: No other relation is called users_email_idx
              --- db/migrations/0007_users.sql
              +++ db/migrations/0007_users.sql
              @@ -1,8 +1,6 @@
               -- +goose Up
               ALTER TABLE users ADD COLUMN email text;

              -CREATE INDEX users_email_idx ON users (lower(email));
              -
               ALTER TABLE orders
                 ADD CONSTRAINT orders_user_fk
              -  FOREIGN KEY (user_id) REFERENCES users (id);
              +  FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
              +++ db/migrations/0009_users_email_idx.sql (new file)
              +-- +goose NO TRANSACTION
              +-- +goose Up
              +CREATE INDEX CONCURRENTLY users_email_idx ON users (lower(email));
              +ALTER TABLE orders VALIDATE CONSTRAINT orders_user_fk;

            skipped: db/migrations/0006_blob.sql: not UTF-8
            note: no base branch found, so the named files count as pending
            judged as run by goose on PostgreSQL 14 to 18
            2 errors, 1 warning in 1 of 2 files; 2 fixable with --fix; 1 skipped
        "#]],
    );
}

#[test]
fn ascii() {
    check(
        &users(),
        ASCII,
        expect![[r#"
            warning[no-lock-timeout]: no lock_timeout bounds the wait for users
              --> db/migrations/0007_users.sql:2:1
              |
            2 | ALTER TABLE users ADD COLUMN email text;
              | ^^^^^^^^^^^^^^^^^
              |
              = not fixed: goose runs this file with others in one transaction
              = https://safestep.dev/rules#no-lock-timeout

            error[index-blocks-writes]: writes to users wait until the index is built
              --> db/migrations/0007_users.sql:4:1
              |
            2 | ALTER TABLE users ADD COLUMN email text;
              | --------------------------------------- ACCESS EXCLUSIVE on users since here
            3 |
            4 | CREATE INDEX users_email_idx ON users (lower(email));
              | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = CREATE INDEX holds SHARE on users until the transaction of goose
                commits, and it reads the whole table first
              = build it CONCURRENTLY, in a file that opens no transaction
              = https://safestep.dev/rules#index-blocks-writes

            error[foreign-key-scans]: writes to orders and users wait while every row of orders is checked
              --> db/migrations/0007_users.sql:7:3
              |
            7 | /   ADD CONSTRAINT orders_user_fk
            8 | |   FOREIGN KEY (user_id) REFERENCES users (id);
              | \---------------------------------------------^
              |
              = https://safestep.dev/rules#foreign-key-scans

            fix: split into 2 files (--fix, for lines 4 and 7)
              provided: No other relation is called users_email_idx
              --- db/migrations/0007_users.sql
              +++ db/migrations/0007_users.sql
              @@ -1,8 +1,6 @@
               -- +goose Up
               ALTER TABLE users ADD COLUMN email text;

              -CREATE INDEX users_email_idx ON users (lower(email));
              -
               ALTER TABLE orders
                 ADD CONSTRAINT orders_user_fk
              -  FOREIGN KEY (user_id) REFERENCES users (id);
              +  FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
              +++ db/migrations/0009_users_email_idx.sql (new file)
              +-- +goose NO TRANSACTION
              +-- +goose Up
              +CREATE INDEX CONCURRENTLY users_email_idx ON users (lower(email));
              +ALTER TABLE orders VALIDATE CONSTRAINT orders_user_fk;

            skipped: db/migrations/0006_blob.sql: not UTF-8
            note: no base branch found, so the named files count as pending
            judged as run by goose on PostgreSQL 14 to 18
            2 errors, 1 warning in 1 of 2 files; 2 fixable with --fix; 1 skipped
        "#]],
    );
}

#[test]
fn color() {
    check(
        &users(),
        COLOR,
        expect![[r#"
            [1;33mwarning[no-lock-timeout][0m[1m: no lock_timeout bounds the wait for users[0m
              [2m┌─[0m db/migrations/0007_users.sql:2:1
              [2m│[0m
            [2m2[0m [2m│[0m [33mALTER TABLE users[0m ADD COLUMN email text;
              [2m│[0m [33m^^^^^^^^^^^^^^^^^[0m
              [2m│[0m
              [2m=[0m not fixed: goose runs this file with others in one transaction
              [2m=[0m https://safestep.dev/rules#no-lock-timeout

            [1;31merror[index-blocks-writes][0m[1m: writes to users wait until the index is built[0m
              [2m┌─[0m db/migrations/0007_users.sql:4:1
              [2m│[0m
            [2m2[0m [2m│[0m ALTER TABLE users ADD COLUMN email text;
              [2m│[0m [36m---------------------------------------[0m [36mACCESS EXCLUSIVE on users since here[0m
            [2m3[0m [2m│[0m
            [2m4[0m [2m│[0m [31mCREATE INDEX users_email_idx ON users (lower(email))[0m;
              [2m│[0m [31m^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^[0m
              [2m│[0m
              [2m=[0m CREATE INDEX holds SHARE on users until the transaction of goose
                commits, and it reads the whole table first
              [2m=[0m build it CONCURRENTLY, in a file that opens no transaction
              [2m=[0m https://safestep.dev/rules#index-blocks-writes

            [1;31merror[foreign-key-scans][0m[1m: writes to orders and users wait while every row of orders is checked[0m
              [2m┌─[0m db/migrations/0007_users.sql:7:3
              [2m│[0m
            [2m7[0m [2m│[0m [31m╭[0m   [31mADD CONSTRAINT orders_user_fk[0m
            [2m8[0m [2m│[0m [31m│[0m [31m  FOREIGN KEY (user_id) REFERENCES users (id)[0m;
              [2m│[0m [31m╰[0m[31m─────────────────────────────────────────────^[0m
              [2m│[0m
              [2m=[0m https://safestep.dev/rules#foreign-key-scans

            [1;32mfix[0m[1m: split into 2 files[0m[2m (--fix, for lines 4 and 7)[0m
              provided: No other relation is called users_email_idx
              [1m--- db/migrations/0007_users.sql[0m
              [1m+++ db/migrations/0007_users.sql[0m
              [36m@@ -1,8 +1,6 @@[0m
               -- +goose Up
               ALTER TABLE users ADD COLUMN email text;

              [31m-CREATE INDEX users_email_idx ON users (lower(email));[0m
              [31m-[0m
               ALTER TABLE orders
                 ADD CONSTRAINT orders_user_fk
              [31m-  FOREIGN KEY (user_id) REFERENCES users (id);[0m
              [32m+  FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;[0m
              [1m+++ db/migrations/0009_users_email_idx.sql (new file)[0m
              [32m+-- +goose NO TRANSACTION[0m
              [32m+-- +goose Up[0m
              [32m+CREATE INDEX CONCURRENTLY users_email_idx ON users (lower(email));[0m
              [32m+ALTER TABLE orders VALIDATE CONSTRAINT orders_user_fk;[0m

            [1;33mskipped[0m: db/migrations/0006_blob.sql: not UTF-8
            [1;36mnote[0m: no base branch found, so the named files count as pending
            [2mjudged as run by goose on PostgreSQL 14 to 18[0m
            [1;31m2 errors, 1 warning in 1 of 2 files; 2 fixable with --fix; 1 skipped[0m
        "#]],
    );
}

#[test]
fn clean() {
    check(
        &World::new(&[("a.sql", "")]),
        PLAIN,
        expect![[r#"
        judged as run by goose on PostgreSQL 14 to 18
        1 file, clean
    "#]],
    );
    check(
        &World::new(&[("a.sql", ""), ("b.sql", "")]),
        COLOR,
        expect![[r#"
            [2mjudged as run by goose on PostgreSQL 14 to 18[0m
            [1;32m2 files, all clean[0m
        "#]],
    );
    check(
        &World::new(&[]),
        PLAIN,
        expect![[r#"
            nothing to check: no pending migrations found; `safestep lint PATH` judges any file
        "#]],
    );
    let mut world = World::new(&[("a.sql", ""), ("b.sql", "")]);
    world.report.assumed.guessed = true;
    world.report.assumed.tool = "plain psql".to_owned();
    world.report.assumed.postgres = (16, 16);
    world.report.fixed = 3;
    world.report.suppressed = 1;
    world.report.written = vec!["a.sql".into(), "c.sql".into()];
    check(
        &world,
        PLAIN,
        expect![[r#"
        wrote a.sql
        wrote c.sql
        judged as run by plain psql on PostgreSQL 16; no migration tool recognised, --tool names one
        2 files, all clean; 3 fixed; 1 allowed by directives
    "#]],
    );
}

#[test]
fn markers_stand_below_tabs_and_wide_characters() {
    check_one(
        "\tDROP\tTABLE\tt;",
        "TABLE\tt",
        expect![[r#"
        error[some-rule]: something is wrong
          ┌─ a.sql:1:7
          │
        1 │     DROP    TABLE   t;
          │             ^^^^^^^^^
    "#]],
    );
    check_one(
        "COMMENT ON TABLE t IS '漢字😀é'; DROP TABLE t;",
        "DROP TABLE t",
        expect![[r#"
        error[some-rule]: something is wrong
          ┌─ a.sql:1:31
          │
        1 │ COMMENT ON TABLE t IS '漢字😀é'; DROP TABLE t;
          │                                  ^^^^^^^^^^^^
    "#]],
    );
}

#[test]
fn line_ends_of_windows() {
    check_one(
        "SELECT 1;\r\nDROP TABLE t\r\n  CASCADE;\r\n",
        "DROP TABLE t\r\n  CASCADE",
        expect![[r#"
            error[some-rule]: something is wrong
              ┌─ a.sql:2:1
              │
            2 │ ╭ DROP TABLE t
            3 │ │   CASCADE;
              │ ╰─────────^
        "#]],
    );
}

#[test]
fn edges_of_the_text() {
    check_one(
        "",
        "",
        expect![[r#"
            error[some-rule]: something is wrong
              ┌─ a.sql:1:1
              │
            1 │
              │ ^
        "#]],
    );
    let mut world = World::new(&[("a.sql", "DROP TABLE t\n")]);
    for (start, end) in [(13, 13), (12, 12), (5, 99), (99, 99)] {
        world.find(Level::Info, "some-rule", "a.sql", "", "something is wrong").span = Span::new(start, end);
    }
    check(
        &world,
        PLAIN,
        expect![[r#"
            info[some-rule]: something is wrong
              ┌─ a.sql:1:6
              │
            1 │ DROP TABLE t
              │      ^^^^^^^
              │
              = https://safestep.dev/rules#some-rule

            info[some-rule]: something is wrong
              ┌─ a.sql:1:13
              │
            1 │ DROP TABLE t
              │             ^

            info[some-rule]: something is wrong
              ┌─ a.sql:2:1
              │
            2 │
              │ ^

            info[some-rule]: something is wrong
              ┌─ a.sql:2:1
              │
            2 │
              │ ^

            judged as run by goose on PostgreSQL 14 to 18
            4 info in 1 file
        "#]],
    );
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let path = "a\n\x1b[2J.sql";
    let mut world = World::new(&[(path, "SELECT '\x1b[31m\u{202E}'; DROP TABLE t;")]);
    let related = crate::Related { path: path.into(), span: Span::new(0, 6), message: "\"a\nb\x1b\"".to_owned() };
    let found = world.find(Level::Error, "some-rule", path, "DROP TABLE t", "\"a\nb\x1b\" is gone");
    found.related = vec![related];
    found.notes = vec!["\"a\nb\x1b\" again".to_owned()];
    world.report.skipped.push(("\x1b.sql".into(), "\x1b".to_owned()));
    check(
        &world,
        PLAIN,
        expect![[r#"
        error[some-rule]: "a b�" is gone
          ┌─ a �[2J.sql:1:18
          │
        1 │ SELECT '�[31m�'; DROP TABLE t;
          │ ------           ^^^^^^^^^^^^
          │ │
          │ "a b�"
          │
          = "a
            b�" again
          = https://safestep.dev/rules#some-rule

        skipped: �.sql: �
        judged as run by goose on PostgreSQL 14 to 18
        1 error in 1 file; 1 skipped
    "#]],
    );
}

#[test]
fn long_statements_are_shortened() {
    let columns = (1..30).fold(String::new(), |mut out, n| {
        let _ = writeln!(out, "  c{n} int,");
        out
    });
    let text = format!("CREATE TABLE t (\n{columns}  d int\n);\n");
    check_one(
        &text,
        text.trim_end(),
        expect![[r#"
        error[some-rule]: something is wrong
           ┌─ a.sql:1:1
           │
         1 │ ╭ CREATE TABLE t (
         2 │ │   c1 int,
         3 │ │   c2 int,
         4 │ │   c3 int,
           · │
        31 │ │   d int
        32 │ │ );
           │ ╰──^
    "#]],
    );
}

#[test]
fn long_lines_are_clipped_around_the_marker() {
    let text = format!("SELECT '{}'; DROP TABLE t; SELECT '{}';", "x".repeat(1 << 20), "é".repeat(1 << 19));
    check_one(
        &text,
        "DROP TABLE t",
        expect![[r#"
        error[some-rule]: something is wrong
          ┌─ a.sql:1:1048588
          │
        1 │ …xxxxxxxxxxxxxxx'; DROP TABLE t; SELECT 'ééééééééééééééééééééééééééééééééé…
          │                    ^^^^^^^^^^^^
    "#]],
    );
    check_one(
        &text,
        &text,
        expect![[r#"
        error[some-rule]: something is wrong
          ┌─ a.sql:1:1
          │
        1 │ SELECT 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
          │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    check_one(
        &text,
        "SELECT",
        expect![[r#"
        error[some-rule]: something is wrong
          ┌─ a.sql:1:1
          │
        1 │ SELECT 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
          │ ^^^^^^
    "#]],
    );
    let text = "ALTER TABLE accounts ADD CONSTRAINT accounts_balance_check CHECK (balance >= 0), ADD COLUMN x int;";
    check_one(
        text,
        "ADD CONSTRAINT accounts_balance_check CHECK (balance >= 0)",
        expect![[r#"
            error[some-rule]: something is wrong
              ┌─ a.sql:1:22
              │
            1 │ …TABLE accounts ADD CONSTRAINT accounts_balance_check CHECK (balance >= 0)…
              │                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn many_findings_on_a_long_line_take_no_time() {
    let text = "DROP TABLE t; ".repeat(1 << 16);
    let mut world = World::new(&[("a.sql", &text)]);
    for index in 0..300 {
        let start = index * 14 * 200;
        world.find(Level::Error, "some-rule", "a.sql", "", "something is wrong").span = Span::new(start, start + 12);
    }
    let drawn = (text::FORMAT.render)(&world.report, &world.sources, PLAIN).text;
    assert!(drawn.len() < 300 * 500, "{}", drawn.len());
    assert!(drawn.ends_with("300 errors in 1 file\n"));
}

#[test]
fn other_files_and_unknown_files() {
    let mut world = World::new(&[("ä/ö 1.sql", "DROP TABLE t;\n"), ("b.sql", "CREATE TABLE t ();\n")]);
    let related =
        |path: &str| crate::Related { path: path.into(), span: Span::new(0, 18), message: "created here".into() };
    world.find(Level::Warning, "some-rule", "ä/ö 1.sql", "DROP TABLE t", "t is gone").related =
        vec![related("b.sql"), related("gone.sql")];
    world.find(Level::Warning, "some-rule", "b.sql", "", "x").path = "gone.sql".into();
    check(
        &world,
        PLAIN,
        expect![[r#"
        warning[some-rule]: x
         = in gone.sql
         = https://safestep.dev/rules#some-rule

        warning[some-rule]: t is gone
          ┌─ ä/ö 1.sql:1:1
          │
        1 │ DROP TABLE t;
          │ ^^^^^^^^^^^^
          │
          ┌─ b.sql:1:1
          │
        1 │ CREATE TABLE t ();
          │ ------------------ created here
          │
          = gone.sql: created here

        judged as run by goose on PostgreSQL 14 to 18
        2 warnings in 2 files
    "#]],
    );
}

#[test]
fn distant_edits_are_hunks_with_the_right_numbers() {
    let text = (1..40).fold(String::new(), |mut out, n| {
        let _ = writeln!(out, "SELECT {n};");
        out
    });
    let mut world = World::new(&[("a.sql", &text)]);
    let edit =
        |needle: &str, replacement: &str| Edit { span: world.span("a.sql", needle), text: replacement.to_owned() };
    let edits = vec![
        edit("SELECT 38;", "SELECT 0"),
        edit("SELECT 5;\n", ""),
        edit("SELECT 10;", "-- ten\nSELECT 10;"),
        edit("SELECT 25;", "-- twenty\n-- five\nSELECT 25;"),
        edit("ECT 25", "overlaps"),
    ];
    let fix =
        Fix { title: "change it".to_owned(), class: Class::Unsafe, assumptions: Vec::new(), edits, files: Vec::new() };
    world.find(Level::Info, "some-rule", "a.sql", "", "something is wrong").fix = Some(Arc::new(fix));
    let drawn = (text::FORMAT.render)(&world.report, &world.sources, PLAIN).text;
    expect![[r#"
        fix: change it (--fix=unsafe)
          --- a.sql
          +++ a.sql
          @@ -2,11 +2,11 @@
           SELECT 2;
           SELECT 3;
           SELECT 4;
          -SELECT 5;
           SELECT 6;
           SELECT 7;
           SELECT 8;
           SELECT 9;
          +-- ten
           SELECT 10;
           SELECT 11;
           SELECT 12;
          @@ -22,6 +22,8 @@
           SELECT 22;
           SELECT 23;
           SELECT 24;
          +-- twenty
          +-- five
           SELECT 25;
           SELECT 26;
           SELECT 27;
          @@ -35,5 +37,5 @@
           SELECT 35;
           SELECT 36;
           SELECT 37;
          -SELECT 38;
          +SELECT 0
           SELECT 39;

        judged as run by goose on PostgreSQL 14 to 18
        1 info in 1 file; 1 fixable with --fix=unsafe
    "#]]
    .assert_eq(&drawn[drawn.find("fix:").unwrap_or_default()..]);
}

#[test]
fn fixes_rename_delete_and_stay_short() {
    let long = (0..100).fold(String::new(), |mut out, n| {
        let _ = writeln!(out, "INSERT INTO t VALUES ({n});");
        out
    });
    let mut world = World::new(&[("1.sql", "a\nb"), ("2.sql", "c\n"), ("3.sql", "d\n")]);
    let change = |path: &str, old: Option<&str>, new: Option<&str>| FileChange {
        path: path.into(),
        old: old.map(str::to_owned),
        new: new.map(str::to_owned),
    };
    let fix = Arc::new(Fix {
        title: "renumber".to_owned(),
        class: Class::Plan,
        assumptions: Vec::new(),
        edits: vec![Edit { span: Span::new(2, 3), text: "B".to_owned() }],
        files: vec![
            change("2.sql", Some("c\n"), None),
            change("4.sql", None, Some("c\n")),
            change("3.sql", Some("d\n"), None),
            change("5.sql", None, Some(&long)),
        ],
    });
    world.find(Level::Info, "some-rule", "1.sql", "b", "something is wrong").fix = Some(fix.clone());
    let drawn = (text::FORMAT.render)(&world.report, &world.sources, PLAIN).text;
    let (before, rest) = drawn.split_once("(2);\n").expect("the beginning is drawn");
    expect![[r#"
        info[some-rule]: something is wrong
          ┌─ 1.sql:2:1
          │
        2 │ b
          │ ^
          │
          = https://safestep.dev/rules#some-rule

        fix: renumber (--fix=plan)
          --- 1.sql
          +++ 1.sql
          @@ -1,2 +1,2 @@
           a
          -b
          +B
          --- 2.sql
          +++ 4.sql (renamed)
          --- 3.sql (deleted)
          +++ 5.sql (new file)
          +INSERT INTO t VALUES (0);
          +INSERT INTO t VALUES (1);
          +INSERT INTO t VALUES "#]]
    .assert_eq(before);
    let (_, after) = rest.split_once("(58);\n").expect("the beginning is drawn");
    expect![[r#"
          +INSERT INTO t VALUES (59);
          … 40 more lines with --diff

        judged as run by goose on PostgreSQL 14 to 18
        1 info in 1 of 3 files; 1 fixable with --fix=plan
    "#]]
    .assert_eq(after);

    let mut files = fix.files.clone();
    files[3].new = Some("e f".to_owned());
    files.push(change("a \"b\"\t.sql", Some("x\ny\n"), Some("x\nz")));
    files.push(change("ü x.sql", None, Some("")));
    expect![[r#"
        diff --git a/2.sql b/4.sql
        similarity index 100%
        rename from 2.sql
        rename to 4.sql
        diff --git a/3.sql b/3.sql
        deleted file mode 100644
        --- a/3.sql
        +++ /dev/null
        @@ -1 +0,0 @@
        -d
        diff --git a/5.sql b/5.sql
        new file mode 100644
        --- /dev/null
        +++ b/5.sql
        @@ -0,0 +1 @@
        +e f
        \ No newline at end of file
        diff --git "a/a \"b\"\t.sql" "b/a \"b\"\t.sql"
        --- "a/a \"b\"\t.sql"
        +++ "b/a \"b\"\t.sql"
        @@ -1,2 +1,2 @@
         x
        -y
        +z
        \ No newline at end of file
        diff --git a/ü x.sql b/ü x.sql
        new file mode 100644
    "#]]
    .assert_eq(&crate::patch(&files));
}
