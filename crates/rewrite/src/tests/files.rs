//! What holds for files: order, parts, settings, comments, what keeps a file together.

use expect_test::expect;
use model::plan::Class;

use super::{Given, check, plain, run, wrapped};

const SHOP: &str = "
CREATE TABLE users (id bigint PRIMARY KEY, email text, age int);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
";

#[test]
fn settings_hold_in_every_part() {
    check(
        &plain("CREATE SCHEMA app; CREATE TABLE app.users (id bigint PRIMARY KEY, email text);"),
        "
-- app only
SET search_path = app;
SET lock_timeout = '5s';
CREATE INDEX ON users (email);
ALTER TABLE users ADD CHECK (email <> '');
RESET search_path;
",
        expect![[r#"
            == create_users_email_idx (no transaction)
            with SET search_path = app;
            with SET lock_timeout = '5s';
            -- app only
            CREATE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
                undo DROP INDEX CONCURRENTLY users_email_idx;
            == add_users_email_check
            with SET search_path = app;
            with SET lock_timeout = '5s';
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email_idx') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index users_email_idx is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_email_idx; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE users ADD CONSTRAINT users_email_check CHECK (email <> '') NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_email_check;
            == validate_users_email_check
            with SET search_path = app;
            with SET lock_timeout = '5s';
            ALTER TABLE users VALIDATE CONSTRAINT users_email_check;  -- own long
        "#]],
    );
}

#[test]
fn transactions_of_the_file_are_understood() {
    check(
        &plain(SHOP),
        "
-- first
BEGIN;
-- second
ALTER TABLE users ADD COLUMN a int;

ALTER TABLE users ADD COLUMN b int; -- third
CREATE INDEX ON users (email);
COMMIT; -- fourth
-- fifth
",
        expect![[r#"
            == add_users_a
            -- first
            -- second
            ALTER TABLE users ADD COLUMN a int;  -- blocks verbatim
            ALTER TABLE users ADD COLUMN b int; -- third  -- blocks verbatim
            == create_users_email_idx (no transaction)
            CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
            -- fourth
            -- fifth  -- long
                undo DROP INDEX CONCURRENTLY users_email_idx;
        "#]],
    );
}

#[test]
fn comments_at_words_that_go_are_kept() {
    check(
        &plain("CREATE TABLE t (id bigint PRIMARY KEY, a int, b int);"),
        "
-- of the file

BEGIN; -- all at once
ALTER TABLE t
    ALTER COLUMN a SET NOT NULL /* a; */ , -- also a
    ALTER COLUMN b DROP NOT NULL -- b
;  -- end
COMMIT;
",
        expect![[r#"
            == alter_t
            -- of the file
            -- all at once

            -- b
            ALTER TABLE t
                ALTER COLUMN b DROP NOT NULL;  -- end  -- blocks
            /* a; */
            -- also a
            ALTER TABLE t ADD CONSTRAINT t_a_not_null_proof CHECK (a IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE t DROP CONSTRAINT t_a_not_null_proof;
            == validate_t_a_not_null_proof
            ALTER TABLE t VALIDATE CONSTRAINT t_a_not_null_proof;  -- own long
            == set_t_a_not_null
            ALTER TABLE t ALTER COLUMN a SET NOT NULL;  -- blocks
                undo ALTER TABLE t ALTER COLUMN a DROP NOT NULL;
            ALTER TABLE t DROP CONSTRAINT t_a_not_null_proof;  -- blocks
                undo ALTER TABLE t ADD CONSTRAINT t_a_not_null_proof CHECK (a IS NOT NULL) NOT VALID;
        "#]],
    );
}

#[test]
fn what_was_not_chosen_stays_together() {
    check(
        &wrapped(SHOP).choosing(&[(2, 0)]),
        "
ALTER TABLE users ADD COLUMN a int;
ALTER TABLE orders ADD COLUMN a int;
CREATE INDEX ON users (email);
ALTER TABLE orders ADD COLUMN b int;
",
        expect![[r#"
            == add_users_a
            ALTER TABLE users ADD COLUMN a int;  -- blocks verbatim
            ALTER TABLE orders ADD COLUMN a int;  -- blocks verbatim
            ALTER TABLE orders ADD COLUMN b int;  -- blocks verbatim
            == create_users_email_idx (no transaction)
            CREATE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
                undo DROP INDEX CONCURRENTLY users_email_idx;
        "#]],
    );
    check(
        &wrapped(SHOP),
        "
ALTER TABLE users ADD COLUMN a int;
ALTER TABLE orders ADD COLUMN a int;
",
        expect![[r#"
            == add_users_a
            ALTER TABLE users ADD COLUMN a int;  -- blocks verbatim
            == add_orders_a
            ALTER TABLE orders ADD COLUMN a int;  -- blocks verbatim
        "#]],
    );
}

#[test]
fn files_that_must_run_as_one() {
    for (sql, expected) in [
        (
            "SAVEPOINT a; CREATE INDEX ON users (email); RELEASE a;",
            expect![[r#"
                unchanged
                withheld 1.0: the file uses savepoints or rolls back; to have it split, leave that out
            "#]],
        ),
        (
            "LOCK TABLE orders; CREATE INDEX ON users (email); SELECT 1;",
            expect![[r#"
                unchanged
                withheld 0.0: it stays in one transaction with its neighbours: LOCK TABLE holds its lock only until the end of its transaction
                withheld 1.0: it stays in one transaction with its neighbours: LOCK TABLE holds its lock only until the end of its transaction
            "#]],
        ),
        (
            "CREATE TEMP TABLE t (a int); CREATE INDEX ON users (email);",
            expect![[r#"
                == create_t
                CREATE TEMP TABLE t (a int);  -- verbatim
                == create_users_email_idx (no transaction)
                CREATE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
                    undo DROP INDEX CONCURRENTLY users_email_idx;
                withheld 0.0: it stays in one transaction with its neighbours: a temporary table lives in one session; to have the file split, use a table that stays until the last step drops it
            "#]],
        ),
        (
            "BEGIN ISOLATION LEVEL SERIALIZABLE; CREATE INDEX ON users (email); COMMIT;",
            expect![[r#"
                unchanged
                withheld 1.0: the file chooses the properties of its transaction; to have it split, leave that out
            "#]],
        ),
        (
            "CREATE INDEX ON users (email); SELEC 1;",
            expect![[r#"
                unchanged
                withheld 0.0: statement 2 has a syntax error; mend it first
                PROBLEM syntax error at or near "SELEC" in SELEC 1
            "#]],
        ),
        (
            "\\if :x\nCREATE INDEX ON users (email);\n\\endif",
            expect![[r#"
            unchanged
            withheld 0.0: the psql command \if changes what is run
        "#]],
        ),
        (
            "SET LOCAL search_path = public; CREATE INDEX ON users (email);",
            expect![[r#"
            unchanged
            withheld 1.0: search_path is set only for the transaction that the step must leave
        "#]],
        ),
        (
            "SET LOCAL session_replication_role = replica; SET LOCAL my.own = 'x'; CREATE INDEX ON users (email);",
            expect![[r#"
            == create_users_email_idx (no transaction)
            CREATE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
                undo DROP INDEX CONCURRENTLY users_email_idx;
        "#]],
        ),
    ] {
        check(&wrapped(SHOP), sql, expected);
    }
}

#[test]
fn a_temporary_table_keeps_its_statements_together() {
    check(
        &wrapped(SHOP),
        "
CREATE INDEX ON users (email);
CREATE TEMP TABLE wanted (id bigint);
INSERT INTO wanted SELECT user_id FROM orders;
CREATE INDEX ON orders (user_id);
UPDATE users SET age = 1 WHERE id IN (SELECT id FROM wanted);
ALTER TABLE users ADD CHECK (age > 0);
",
        expect![[r#"
            == create_users_email_idx (no transaction)
            CREATE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
                undo DROP INDEX CONCURRENTLY users_email_idx;
            == create_wanted
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email_idx') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index users_email_idx is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_email_idx; then build it again.';
              END IF;
            END
            $safestep$;  --
            CREATE TEMP TABLE wanted (id bigint);  -- verbatim
            INSERT INTO wanted SELECT user_id FROM orders;  -- long verbatim
            CREATE INDEX ON orders (user_id);  -- long blocks verbatim
            UPDATE users SET age = 1 WHERE id IN (SELECT id FROM wanted);  -- long verbatim
            == add_users_age_check
            ALTER TABLE users ADD CONSTRAINT users_age_check CHECK (age > 0) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_age_check;
            == validate_users_age_check
            ALTER TABLE users VALIDATE CONSTRAINT users_age_check;  -- own long
                again: rows that violate users_age_check by 4
            withheld 1.0: it stays in one transaction with its neighbours: a temporary table lives in one session; to have the file split, use a table that stays until the last step drops it
            withheld 2.0: it stays in one transaction with its neighbours: a temporary table lives in one session; to have the file split, use a table that stays until the last step drops it
            withheld 3.0: it stays in one transaction with its neighbours: a temporary table lives in one session; to have the file split, use a table that stays until the last step drops it
            withheld 4.0: it stays in one transaction with its neighbours: a temporary table lives in one session; to have the file split, use a table that stays until the last step drops it
        "#]],
    );
}

#[test]
fn blocks_are_left_alone() {
    check(
        &wrapped(SHOP),
        "DO $$ BEGIN CREATE INDEX ON users (email); END $$;",
        expect![[r#"
            unchanged
            withheld 0.0: it stands inside a block or function body, which is never rewritten; make it a statement of the file
        "#]],
    );
}

#[test]
fn data_changes_keep_their_place() {
    check(
        &wrapped(SHOP),
        "
ALTER TABLE users ADD CHECK (age > 0);
INSERT INTO users VALUES (1, 'a', 1);
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;
",
        expect![[r#"
            == add_users_age_check
            ALTER TABLE users ADD CONSTRAINT users_age_check CHECK (age > 0) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_age_check;
            == validate_users_age_check
            ALTER TABLE users VALIDATE CONSTRAINT users_age_check;  -- own long
            == fill_users
            INSERT INTO users VALUES (1, 'a', 1);  -- verbatim
            == add_orders_user_id_fkey
            ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
            == validate_orders_user_id_fkey
            ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey;  -- own long
        "#]],
    );
}

#[test]
fn what_is_taken_away_is_given_back_in_the_same_part() {
    for (sql, expected) in [
        (
            "ALTER TABLE users DISABLE TRIGGER ALL;
UPDATE users SET age = 1;
ALTER TABLE users ENABLE TRIGGER ALL;
CREATE INDEX ON users (age);",
            expect![[r#"
                == alter_users
                ALTER TABLE users DISABLE TRIGGER ALL;  -- blocks verbatim
                UPDATE users SET age = 1;  -- long verbatim
                ALTER TABLE users ENABLE TRIGGER ALL;  -- blocks verbatim
                == create_users_age_idx (no transaction)
                CREATE INDEX CONCURRENTLY users_age_idx ON users (age);  -- long
                    undo DROP INDEX CONCURRENTLY users_age_idx;
                withheld 1.0: users would be without triggers for a while, which the original takes away and gives back at once
            "#]],
        ),
        (
            "ALTER TABLE users ALTER age DROP DEFAULT;
ALTER TABLE users ALTER age TYPE bigint;
ALTER TABLE users ALTER age SET DEFAULT 1;
ALTER TABLE users ALTER email SET NOT NULL;",
            expect![[r#"
                == alter_users
                ALTER TABLE users ALTER age DROP DEFAULT;  -- blocks verbatim
                ALTER TABLE users ALTER age TYPE bigint;  -- long blocks verbatim
                ALTER TABLE users ALTER age SET DEFAULT 1;  -- blocks verbatim
                == add_users_email_not_null_proof
                ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;  -- blocks
                    undo ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;
                == validate_users_email_not_null_proof
                ALTER TABLE users VALIDATE CONSTRAINT users_email_not_null_proof;  -- own long
                == set_users_email_not_null
                ALTER TABLE users ALTER COLUMN email SET NOT NULL;  -- blocks
                    undo ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
                ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;  -- blocks
                    undo ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;
                withheld 1.0: rows are not rewritten without this lock: another type needs a new column, a backfill and a deploy that uses it
            "#]],
        ),
        (
            "CREATE INDEX ON users (age);
ALTER TABLE users RENAME TO people;
CREATE VIEW users AS SELECT * FROM people;
ALTER TABLE orders ADD CHECK (user_id > 0);",
            expect![[r#"
                == create_users_age_idx (no transaction)
                CREATE INDEX CONCURRENTLY users_age_idx ON users (age);  -- long
                    undo DROP INDEX CONCURRENTLY users_age_idx;
                == rename_users
                DO $safestep$
                BEGIN
                  IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_age_idx') AND indisvalid) THEN
                    RAISE EXCEPTION USING MESSAGE = 'index users_age_idx is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_age_idx; then build it again.';
                  END IF;
                END
                $safestep$;  --
                ALTER TABLE users RENAME TO people;  -- blocks verbatim
                CREATE VIEW users AS SELECT * FROM people;  -- verbatim
                == add_orders_user_id_check
                ALTER TABLE orders ADD CONSTRAINT orders_user_id_check CHECK (user_id > 0) NOT VALID;  -- blocks
                    undo ALTER TABLE orders DROP CONSTRAINT orders_user_id_check;
                == validate_orders_user_id_check
                ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_check;  -- own long
                withheld 1.0: the old name must stay until every running application uses the new one; add the new one beside it, and drop the old one by a later migration
            "#]],
        ),
    ] {
        check(&wrapped(SHOP).allowing(Class::Unsafe), sql, expected);
    }
}

#[test]
fn what_fails_is_not_split() {
    let sql = "
CREATE INDEX ON orders (user_id);
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL (user_id);
";
    check(
        &Given { majors: 14..=14, ..wrapped(SHOP) },
        sql,
        expect![[r#"
        unchanged
        withheld 0.0: statement 2 fails as it stands: ON DELETE SET ... (columns) needs PostgreSQL 15; mend it first, since of a split file what stands before it would stay
    "#]],
    );
    let split = |majors| run(&Given { majors, ..wrapped(SHOP) }, sql.trim_start()).2.changed;
    assert!(split(14..=15) && split(15..=15));
    check(
        &wrapped(SHOP),
        "CREATE INDEX ON orders (user_id);\nDROP INDEX users_pkey;\n",
        expect![[r#"
        unchanged
        withheld 0.0: statement 2 fails as it stands: cannot drop index users_pkey because constraint users_pkey on table users requires it; mend it first, since of a split file what stands before it would stay
        withheld 1.0: statement 2 fails as it stands: cannot drop index users_pkey because constraint users_pkey on table users requires it; mend it first, since of a split file what stands before it would stay
    "#]],
    );
}
