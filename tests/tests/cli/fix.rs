//! What `--fix` writes.

use expect_test::expect;

use crate::{BAD, Place, USERS, goose};

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
        @@ -0,0 +1,10 @@
        +-- Step 2 of 2, split by safestep from 00002_more.sql.
        +-- Locks: SHARE UPDATE EXCLUSIVE on users while the table is read (blocks neither reads nor writes).
        +-- If it fails because of rows that violate named, nothing has changed: correct them, then `goose up`.
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

/// What is done to one table cannot be undone in steps, what is done to the other can.
#[test]
fn a_table_at_which_the_files_would_fail_is_left_alone() {
    let place = Place::committed(&[(
        "db/migrations/00001_users.sql",
        "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);\nCREATE TABLE teams (id bigint PRIMARY KEY, name text);\n",
    )]);
    place.write(
        "db/migrations/00002_keys.sql",
        "-- +goose Up
CREATE INDEX teams_name ON teams (name);
ALTER TABLE users DROP CONSTRAINT IF EXISTS users_email_key;
ALTER TABLE users ADD UNIQUE (email);
ALTER TABLE users DROP COLUMN id, ADD PRIMARY KEY (email), DROP CONSTRAINT users_email_key;
-- +goose Down
ALTER TABLE users ADD UNIQUE (email), DROP CONSTRAINT users_pkey, ADD COLUMN id serial PRIMARY KEY;
DROP INDEX teams_name;
",
    );
    place.check(&["plan"], &expect![[r#"
        $ safestep plan
        db/migrations/00002_keys.sql becomes 5 parts in 5 files (--fix)

        1  db/migrations/00002_keys.sql  outside a transaction
           before    ▓ SHARE on teams, an index is built
           after     ▒ SHARE UPDATE EXCLUSIVE on teams, an index is built

             CREATE INDEX CONCURRENTLY teams_name ON teams (name);

        2  db/migrations/00003_keys_step2_build_users_email_key_new.sql  outside a transaction
           before    █ ACCESS EXCLUSIVE on users, an index is built
           after     ▒ SHARE UPDATE EXCLUSIVE on users, an index is built

             CREATE UNIQUE INDEX CONCURRENTLY users_email_key_new ON users (email);

        3  db/migrations/00004_keys_step3_drop_users_email_key.sql  in a transaction
           before    █ ACCESS EXCLUSIVE on users, an index is built
                     ▓ SHARE on teams, an index is built
           after     █ ACCESS EXCLUSIVE on users

             DO $safestep$
             BEGIN
               IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('teams_name') AND indisvalid) THEN
                 RAISE EXCEPTION USING MESSAGE = 'index teams_name is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY …
               END IF;
             END
             $safestep$;
             ALTER TABLE users DROP CONSTRAINT IF EXISTS users_email_key;
             ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key_new;

        4  db/migrations/00005_keys_step4_build_users_pkey_new.sql  outside a transaction
           before    █ ACCESS EXCLUSIVE on users, an index is built
           after     ▒ SHARE UPDATE EXCLUSIVE on users, an index is built

             CREATE UNIQUE INDEX CONCURRENTLY users_pkey_new ON users (email);

        5  db/migrations/00006_keys_step5_alter_users.sql  in a transaction
           before    █ ACCESS EXCLUSIVE on users, an index is built
           after     █ ACCESS EXCLUSIVE on users

             ALTER TABLE users DROP COLUMN id, DROP CONSTRAINT users_email_key;
             ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_pkey_new;

           kept      line 5: the drop is safe only when no running application uses it any more; do it by a later migration,
                     after that deploy
        exit 0
    "#]]);
}

/// goose sends a statement at a time, so that a search path reaches an index that is built concurrently. One name may stand
/// for two tables, in the Down section too.
#[test]
fn search_paths_of_a_file_are_kept() {
    let place = Place::committed(&[(
        "db/migrations/00001_base.sql",
        "-- +goose Up\nCREATE SCHEMA app;\nCREATE TABLE app.t (id bigserial PRIMARY KEY, n int);\nCREATE TABLE t (id bigserial PRIMARY KEY, n int);\n",
    )]);
    place.write(
        "db/migrations/00002_one.sql",
        "-- +goose Up\nSET search_path TO app;\nCREATE INDEX t_n ON t (n);\n-- +goose Down\nSET search_path TO app;\nDROP INDEX t_n;\n",
    );
    place.check(
        &["lint --fix --diff"],
        &expect![[r#"
        $ safestep lint --fix --diff
        diff --git a/db/migrations/00002_one.sql b/db/migrations/00002_one.sql
        --- a/db/migrations/00002_one.sql
        +++ b/db/migrations/00002_one.sql
        @@ -1,6 +1,18 @@
        +-- +goose NO TRANSACTION
        +-- Locks: SHARE UPDATE EXCLUSIVE on app.t while an index is built (blocks neither reads nor writes).
        +-- If it is interrupted: DROP INDEX CONCURRENTLY t_n; then `goose up`.
         -- +goose Up
         SET search_path TO app;
        -CREATE INDEX t_n ON t (n);
        +SET lock_timeout = 0;
        +SET statement_timeout = 0;
        +CREATE INDEX CONCURRENTLY t_n ON t (n);
        +RESET lock_timeout;
        +RESET statement_timeout;
         -- +goose Down
         SET search_path TO app;
        -DROP INDEX t_n;
        +SET lock_timeout = 0;
        +SET statement_timeout = 0;
        +DROP INDEX CONCURRENTLY t_n;
        +RESET lock_timeout;
        +RESET statement_timeout;
        +RESET search_path;
        exit 0
    "#]],
    );
    place.write(
        "db/migrations/00002_one.sql",
        "-- +goose Up
SET search_path TO app;
ALTER TABLE t ALTER COLUMN n SET NOT NULL;
SET search_path TO public;
CREATE UNIQUE INDEX t_u ON t (n, id);
-- +goose Down
SET search_path TO app;
ALTER TABLE t ALTER COLUMN n DROP NOT NULL;
SET search_path TO public;
DROP INDEX t_u;
",
    );
    place.check(
        &["lint --fix --diff"],
        &expect![[r#"
        $ safestep lint --fix --diff
        diff --git a/db/migrations/00002_one.sql b/db/migrations/00002_one.sql
        --- a/db/migrations/00002_one.sql
        +++ b/db/migrations/00002_one.sql
        @@ -1,10 +1,15 @@
        +-- Step 1 of 4, split by safestep. Then: 00003_one_step2_validate_t_n_not_null_proof.sql, 00004_one_step3_set_t_n_not_null.sql, 00005_one_step4_create_t_u.sql.
        +-- Locks: ACCESS EXCLUSIVE on app.t for an instant (blocks reads and writes).
        +-- Roll back with `goose down`, once for each step, last step first.
         -- +goose Up
         SET search_path TO app;
        -ALTER TABLE t ALTER COLUMN n SET NOT NULL;
        -SET search_path TO public;
        -CREATE UNIQUE INDEX t_u ON t (n, id);
        +SET LOCAL lock_timeout = '2s';
        +SET LOCAL statement_timeout = '30s';
        +ALTER TABLE t ADD CONSTRAINT t_n_not_null_proof CHECK (n IS NOT NULL) NOT VALID;
        +RESET search_path;
         -- +goose Down
         SET search_path TO app;
        -ALTER TABLE t ALTER COLUMN n DROP NOT NULL;
        -SET search_path TO public;
        -DROP INDEX t_u;
        +SET LOCAL lock_timeout = '2s';
        +SET LOCAL statement_timeout = '30s';
        +ALTER TABLE t DROP CONSTRAINT t_n_not_null_proof;
        +RESET search_path;
        diff --git a/db/migrations/00003_one_step2_validate_t_n_not_null_proof.sql b/db/migrations/00003_one_step2_validate_t_n_not_null_proof.sql
        new file mode 100644
        --- /dev/null
        +++ b/db/migrations/00003_one_step2_validate_t_n_not_null_proof.sql
        @@ -0,0 +1,12 @@
        +-- Step 2 of 4, split by safestep from 00002_one.sql.
        +-- Locks: SHARE UPDATE EXCLUSIVE on app.t while the table is read (blocks neither reads nor writes).
        +-- If it fails because of rows without n, nothing has changed: correct them, then `goose up`.
        +-- Roll back with `goose down`, once for each step, last step first.
        +-- +goose Up
        +SET search_path TO app;
        +SET LOCAL statement_timeout = 0;
        +ALTER TABLE t VALIDATE CONSTRAINT t_n_not_null_proof;
        +RESET search_path;
        +
        +-- +goose Down
        +-- There is nothing to undo.
        diff --git a/db/migrations/00004_one_step3_set_t_n_not_null.sql b/db/migrations/00004_one_step3_set_t_n_not_null.sql
        new file mode 100644
        --- /dev/null
        +++ b/db/migrations/00004_one_step3_set_t_n_not_null.sql
        @@ -0,0 +1,18 @@
        +-- Step 3 of 4, split by safestep from 00002_one.sql.
        +-- Locks: ACCESS EXCLUSIVE on app.t for an instant (blocks reads and writes).
        +-- Roll back with `goose down`, once for each step, last step first.
        +-- +goose Up
        +SET search_path TO app;
        +SET LOCAL lock_timeout = '2s';
        +SET LOCAL statement_timeout = '30s';
        +ALTER TABLE t ALTER COLUMN n SET NOT NULL;
        +ALTER TABLE t DROP CONSTRAINT t_n_not_null_proof;
        +RESET search_path;
        +
        +-- +goose Down
        +SET search_path TO app;
        +SET LOCAL lock_timeout = '2s';
        +SET LOCAL statement_timeout = '30s';
        +ALTER TABLE t ADD CONSTRAINT t_n_not_null_proof CHECK (n IS NOT NULL) NOT VALID;
        +ALTER TABLE t ALTER COLUMN n DROP NOT NULL;
        +RESET search_path;
        diff --git a/db/migrations/00005_one_step4_create_t_u.sql b/db/migrations/00005_one_step4_create_t_u.sql
        new file mode 100644
        --- /dev/null
        +++ b/db/migrations/00005_one_step4_create_t_u.sql
        @@ -0,0 +1,21 @@
        +-- +goose NO TRANSACTION
        +-- Step 4 of 4, split by safestep from 00002_one.sql.
        +-- Locks: SHARE UPDATE EXCLUSIVE on t while an index is built (blocks neither reads nor writes).
        +-- If it is interrupted or finds duplicates: DROP INDEX CONCURRENTLY t_u; then `goose up`.
        +-- Roll back with `goose down`, once for each step, last step first.
        +-- +goose Up
        +SET search_path TO public;
        +SET lock_timeout = 0;
        +SET statement_timeout = 0;
        +CREATE UNIQUE INDEX CONCURRENTLY t_u ON t (n, id);
        +RESET lock_timeout;
        +RESET statement_timeout;
        +
        +-- +goose Down
        +SET search_path TO public;
        +SET lock_timeout = 0;
        +SET statement_timeout = 0;
        +DROP INDEX CONCURRENTLY t_u;
        +RESET lock_timeout;
        +RESET statement_timeout;
        +RESET search_path;
        exit 0
    "#]],
    );
}

/// What was dropped and made anew is in use again when a later part locks it.
#[test]
fn headers_tell_what_is_made_anew() {
    let place = Place::committed(&[(
        "db/migrations/00001_base.sql",
        "-- +goose Up\nCREATE TABLE t (id bigint PRIMARY KEY, a int);\nCREATE MATERIALIZED VIEW v AS SELECT id FROM t;\n",
    )]);
    place.write(
        "db/migrations/00002_one.sql",
        "-- +goose Up
DROP MATERIALIZED VIEW v;
CREATE MATERIALIZED VIEW v AS SELECT id, a FROM t;
CREATE UNIQUE INDEX v_id ON v (id);
UPDATE t SET a = 0;
REFRESH MATERIALIZED VIEW CONCURRENTLY v;
CREATE INDEX t_a ON t (a);
",
    );
    place.check(
        &["lint --fix --diff"],
        &expect![[r#"
        $ safestep lint --fix --diff
        diff --git a/db/migrations/00002_one.sql b/db/migrations/00002_one.sql
        --- a/db/migrations/00002_one.sql
        +++ b/db/migrations/00002_one.sql
        @@ -1,7 +1,8 @@
        +-- Step 1 of 3, split by safestep. Then: 00003_one_step2_update_t.sql, 00004_one_step3_create_t_a.sql.
        +-- Locks: ACCESS EXCLUSIVE on v until the end of the transaction (blocks reads and writes).
        +-- There is no Down section; undo the steps by a new migration, last step first.
         -- +goose Up
        +SET LOCAL lock_timeout = '2s';
         DROP MATERIALIZED VIEW v;
         CREATE MATERIALIZED VIEW v AS SELECT id, a FROM t;
         CREATE UNIQUE INDEX v_id ON v (id);
        -UPDATE t SET a = 0;
        -REFRESH MATERIALIZED VIEW CONCURRENTLY v;
        -CREATE INDEX t_a ON t (a);
        diff --git a/db/migrations/00003_one_step2_update_t.sql b/db/migrations/00003_one_step2_update_t.sql
        new file mode 100644
        --- /dev/null
        +++ b/db/migrations/00003_one_step2_update_t.sql
        @@ -0,0 +1,6 @@
        +-- Step 2 of 3, split by safestep from 00002_one.sql.
        +-- Locks: ROW EXCLUSIVE on t while rows are changed (blocks writes of the rows that it changed); EXCLUSIVE on v while the table is read (blocks writes); EXCLUSIVE on v while rows are changed (blocks writes).
        +-- There is no Down section; undo the steps by a new migration, last step first.
        +-- +goose Up
        +UPDATE t SET a = 0;
        +REFRESH MATERIALIZED VIEW CONCURRENTLY v;
        diff --git a/db/migrations/00004_one_step3_create_t_a.sql b/db/migrations/00004_one_step3_create_t_a.sql
        new file mode 100644
        --- /dev/null
        +++ b/db/migrations/00004_one_step3_create_t_a.sql
        @@ -0,0 +1,11 @@
        +-- +goose NO TRANSACTION
        +-- Step 3 of 3, split by safestep from 00002_one.sql.
        +-- Locks: SHARE UPDATE EXCLUSIVE on t while an index is built (blocks neither reads nor writes).
        +-- If it is interrupted: DROP INDEX CONCURRENTLY t_a; then `goose up`.
        +-- There is no Down section; undo the steps by a new migration, last step first.
        +-- +goose Up
        +SET lock_timeout = 0;
        +SET statement_timeout = 0;
        +CREATE INDEX CONCURRENTLY t_a ON t (a);
        +RESET lock_timeout;
        +RESET statement_timeout;
        exit 1
    "#]],
    );
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
          -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
          -- If it is interrupted: DROP INDEX CONCURRENTLY i; then `migrate force 000001`, then `migrate up`.
          -- There is no Down section; undo the steps by a new migration, last step first.
        db/000003_mail_step2_add_users_a.up.sql
          -- Step 2 of 2, split by safestep from 000002_mail.up.sql.
          -- Locks: ACCESS EXCLUSIVE on users for an instant (blocks reads and writes).
          -- If it fails, nothing has changed: `migrate force 000002`, then `migrate up`.
          -- There is no Down section; undo the steps by a new migration, last step first.
        db/000004_age.up.sql
          -- Step 1 of 2, split by safestep. Then: 000005_age_step2_add_users_b.up.sql.
          -- Locks: SHARE UPDATE EXCLUSIVE on users while an index is built (blocks neither reads nor writes).
          -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
          -- If it is interrupted: DROP INDEX CONCURRENTLY j; then `migrate force 000003`, then `migrate up`.
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
fn an_empty_diff_says_why() {
    let place = goose();
    let other = "-- +goose Up\nCREATE TABLE a (id bigint);\nINSERT INTO a SELECT id FROM users;\nUPDATE users SET email = '';\n";
    place.write("db/migrations/00002_more.sql", other);
    place.check(&["lint --fix --diff"], &expect![[r#"
        $ safestep lint --fix --diff
        stderr: safestep: --fix would write nothing
        stderr: error[unbatched-backfill]: the UPDATE locks every row of users until the transaction ends: writes to them wait
        stderr:   ┌─ db/migrations/00002_more.sql:4:1
        stderr:   │
        stderr: 4 │ UPDATE users SET email = '';
        stderr:   │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^
        stderr:   │
        stderr:   = Change the rows in batches by primary key that commit one by one
        stderr:   = not fixed: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
        stderr:   = https://github.com/safestep/safestep/blob/main/rules.md#unbatched-backfill
        stderr: 
        stderr: judged as run by goose on PostgreSQL 14 to 18
        stderr: 1 error in 1 file
        exit 1
    "#]]);
    place.write("db/migrations/00002_more.sql", "-- +goose Up\nSELECT 1;\n");
    place.check(
        &["lint --fix --diff"],
        &expect![[r#"
        $ safestep lint --fix --diff
        stderr: safestep: --fix would write nothing
        stderr: judged as run by goose on PostgreSQL 14 to 18
        stderr: 1 file, clean
        exit 0
    "#]],
    );
}

#[test]
fn timeouts_are_set_where_nothing_else_can_be_done() {
    let place = goose();
    place.write(
        "db/migrations/00002_more.sql",
        "-- +goose Up\nALTER TABLE users ADD COLUMN a int;\nCREATE INDEX i ON users (a);\n-- +goose Down\nDO $$ BEGIN END $$;\n",
    );
    place.check(&["lint --fix"], &expect![[r#"
        $ safestep lint --fix
        error[blocking-index-creation]: building index i runs while ACCESS EXCLUSIVE is held on users: reads and writes wait until it is built
          ┌─ db/migrations/00002_more.sql:4:1
          │
        3 │ ALTER TABLE users ADD COLUMN a int;
          │ ---------------------------------- ACCESS EXCLUSIVE is held on users since here
        4 │ CREATE INDEX i ON users (a);
          │ ^^^^^^^^^^^^^^^^^^^^^^^^^^^
          │
          = Build it concurrently, which a transaction does not allow
          = Put it in a migration of its own that goose runs without a transaction: -- +goose NO TRANSACTION
          = not fixed: its Down section cannot be divided: it is not clear with which step `DO $$ BEGIN END $$;` is to be
            undone; divide the migration by hand
          = https://github.com/safestep/safestep/blob/main/rules.md#blocking-index-creation

        wrote db/migrations/00002_more.sql
        judged as run by goose on PostgreSQL 14 to 18
        1 error in 1 file; 1 fixed
        exit 1
    "#]]);
    assert!(place.read("db/migrations/00002_more.sql").starts_with("-- +goose Up\nSET LOCAL lock_timeout = '2s';\n"));
}

#[test]
fn what_stays_says_why_wherever_it_stands() {
    let place = goose();
    place.write(
        "db/migrations/00002_more.sql",
        "-- +goose Up\nALTER TABLE users ADD COLUMN a int;\nUPDATE users SET a = u.id FROM (SELECT 1 AS id) u;\n",
    );
    let told = place.run(&["lint", "--fix=unsafe", "--format", "json"]).out;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let reasons = told["findings"].as_array().unwrap().iter().map(|it| format!("{}: {}\n", it["rule"], it["withheld"]));
    expect![[r#"
        "unbatched-backfill": "its rows depend on other tables; change one range of the primary key after the other by hand, each in a transaction of its own"
    "#]]
    .assert_eq(&reasons.collect::<String>());
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
