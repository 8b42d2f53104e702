//! How the files that `lint --fix` writes are undone.

use expect_test::expect;

use crate::{Place, goose};

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
        +-- If it is interrupted: DROP INDEX CONCURRENTLY users_email; then `goose up`.
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

/// The plan's own inverse comes when the author's Down section has dropped the constraint by its new name.
#[test]
fn inverses_forgive_what_is_gone() {
    let place = Place::committed(&[(
        "db/migrations/00001_base.sql",
        "-- +goose Up\nCREATE SCHEMA app;\nCREATE TABLE app.t (id bigserial PRIMARY KEY, n int);\n",
    )]);
    place.write(
        "db/migrations/00002_one.sql",
        "-- +goose Up
SET search_path TO app;
ALTER TABLE t ADD CONSTRAINT old CHECK (n > 0);
ALTER TABLE t RENAME CONSTRAINT old TO new;
-- +goose Down
ALTER TABLE app.t DROP CONSTRAINT new;
",
    );
    place.check(
        &["lint --fix --diff"],
        &expect![[r#"
            $ safestep lint --fix --diff
            diff --git a/db/migrations/00002_one.sql b/db/migrations/00002_one.sql
            --- a/db/migrations/00002_one.sql
            +++ b/db/migrations/00002_one.sql
            @@ -1,6 +1,15 @@
            +-- Step 1 of 3, split by safestep. Then: 00003_one_step2_validate_old.sql, 00004_one_step3_rename_old.sql.
            +-- Locks: ACCESS EXCLUSIVE on app.t for an instant (blocks reads and writes).
            +-- Roll back with `goose down`, once for each step, last step first.
             -- +goose Up
             SET search_path TO app;
            -ALTER TABLE t ADD CONSTRAINT old CHECK (n > 0);
            -ALTER TABLE t RENAME CONSTRAINT old TO new;
            +SET LOCAL lock_timeout = '2s';
            +SET LOCAL statement_timeout = '30s';
            +ALTER TABLE t ADD CONSTRAINT old CHECK (n > 0) NOT VALID;
            +RESET search_path;
             -- +goose Down
            -ALTER TABLE app.t DROP CONSTRAINT new;
            +SET search_path TO app;
            +SET LOCAL lock_timeout = '2s';
            +SET LOCAL statement_timeout = '30s';
            +ALTER TABLE t DROP CONSTRAINT IF EXISTS old;
            +RESET search_path;
            diff --git a/db/migrations/00003_one_step2_validate_old.sql b/db/migrations/00003_one_step2_validate_old.sql
            new file mode 100644
            --- /dev/null
            +++ b/db/migrations/00003_one_step2_validate_old.sql
            @@ -0,0 +1,12 @@
            +-- Step 2 of 3, split by safestep from 00002_one.sql.
            +-- Locks: SHARE UPDATE EXCLUSIVE on app.t while the table is read (blocks neither reads nor writes).
            +-- If it fails because of rows that violate old, nothing has changed: correct them, then `goose up`.
            +-- Roll back with `goose down`, once for each step, last step first.
            +-- +goose Up
            +SET search_path TO app;
            +SET LOCAL statement_timeout = 0;
            +ALTER TABLE t VALIDATE CONSTRAINT old;
            +RESET search_path;
            +
            +-- +goose Down
            +-- There is nothing to undo.
            diff --git a/db/migrations/00004_one_step3_rename_old.sql b/db/migrations/00004_one_step3_rename_old.sql
            new file mode 100644
            --- /dev/null
            +++ b/db/migrations/00004_one_step3_rename_old.sql
            @@ -0,0 +1,12 @@
            +-- Step 3 of 3, split by safestep from 00002_one.sql.
            +-- Locks: ACCESS EXCLUSIVE on app.t for an instant (blocks reads and writes).
            +-- Roll back with `goose down`, once for each step, last step first.
            +-- +goose Up
            +SET search_path TO app;
            +SET LOCAL lock_timeout = '2s';
            +SET LOCAL statement_timeout = '30s';
            +ALTER TABLE t RENAME CONSTRAINT old TO new;
            +
            +-- +goose Down
            +SET LOCAL lock_timeout = '2s';
            +ALTER TABLE app.t DROP CONSTRAINT new;
            exit 0
        "#]],
    );
}

/// The index that the plan's own inverse would drop is gone with its column.
#[test]
fn inverses_forgive_what_is_gone_with_something_else() {
    let place = Place::committed(&[(
        "db/migrations/00001_users.sql",
        "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, age int);\n",
    )]);
    place.write(
        "db/migrations/00002_age.sql",
        "-- +goose Up
CREATE INDEX users_age ON users (age);
ALTER TABLE users ADD COLUMN born date;
-- +goose Down
ALTER TABLE users DROP COLUMN born;
ALTER TABLE users DROP COLUMN age;
",
    );
    place.check(&["plan"], &expect![[r#"
        $ safestep plan
        db/migrations/00002_age.sql becomes 2 parts in 2 files (--fix)

        1  db/migrations/00002_age.sql  outside a transaction
           before    ▓ SHARE on users, an index is built
           after     ▒ SHARE UPDATE EXCLUSIVE on users, an index is built

             CREATE INDEX CONCURRENTLY users_age ON users (age);

        2  db/migrations/00003_age_step2_add_users_born.sql  in a transaction
           before    █ ACCESS EXCLUSIVE on users
                     ▓ SHARE on users, an index is built
           after     █ ACCESS EXCLUSIVE on users

             DO $safestep$
             BEGIN
               IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_age') AND indisvalid) THEN
                 RAISE EXCEPTION USING MESSAGE = 'index users_age is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY I…
               END IF;
             END
             $safestep$;
             ALTER TABLE users ADD COLUMN born date;

        exit 0
    "#]]);
}

/// Exact inverses undo what the author's Down section forgets.
#[test]
fn what_is_undone_beyond_the_original_is_told() {
    let place = goose();
    place.write(
        "db/migrations/00002_more.sql",
        "-- +goose Up
ALTER TABLE users ADD CONSTRAINT named CHECK (email <> '');
CREATE INDEX users_email ON users (email);
-- +goose Down
DROP INDEX users_email;
",
    );
    place.check(&["lint --fix"], &expect![[r#"
        $ safestep lint --fix
        note: the Down section of db/migrations/00002_more.sql leaves constraint named of users, and those of its steps undo that too
        wrote db/migrations/00002_more.sql
        wrote db/migrations/00003_more_step2_validate_named.sql
        wrote db/migrations/00004_more_step3_create_users_email.sql
        judged as run by goose on PostgreSQL 14 to 18
        3 files, all clean; 3 fixed
        exit 0
    "#]]);
}
