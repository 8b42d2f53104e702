//! Added columns and changed types.

use expect_test::expect;
use model::plan::Class;

use super::{check, wrapped};

const SHOP: &str = "
CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50), age int);
CREATE TABLE orders (id bigint PRIMARY KEY, note text);
";

#[test]
fn constraints_leave_the_column() {
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ADD COLUMN size int CHECK (size > 0);",
        expect![[r#"
        == add_users_size
        ALTER TABLE users ADD COLUMN size int;  -- blocks
        ALTER TABLE users ADD CONSTRAINT users_size_check CHECK (size > 0) NOT VALID;  -- blocks
            undo ALTER TABLE users DROP CONSTRAINT users_size_check;
        == validate_users_size_check
        ALTER TABLE users VALIDATE CONSTRAINT users_size_check;  -- own long
    "#]],
    );
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ADD COLUMN nick text CONSTRAINT nick_key UNIQUE;",
        expect![[r#"
        == add_users_nick
        ALTER TABLE users ADD COLUMN nick text;  -- blocks
        == build_nick_key (no transaction)
        CREATE UNIQUE INDEX CONCURRENTLY nick_key ON users (nick);  -- long
            undo DROP INDEX CONCURRENTLY IF EXISTS nick_key;
        == add_nick_key
        ALTER TABLE users ADD CONSTRAINT nick_key UNIQUE USING INDEX nick_key;  -- blocks
            undo ALTER TABLE users DROP CONSTRAINT nick_key;
    "#]],
    );
    check(
        &wrapped(SHOP),
        "ALTER TABLE orders ADD COLUMN user_id bigint NOT NULL DEFAULT 1 REFERENCES users (id) ON DELETE SET NULL, ADD b int;",
        expect![[r#"
            == alter_orders
            ALTER TABLE orders ADD COLUMN user_id bigint NOT NULL DEFAULT 1, ADD b int;  -- blocks
            == add_orders_user_id_fkey
            ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
            == validate_orders_user_id_fkey
            ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey;  -- own long
        "#]],
    );
    check(
        &wrapped(SHOP),
        "ALTER TABLE orders ADD COLUMN user_id bigint REFERENCES users (id);",
        expect![[r#"
        unchanged
    "#]],
    );
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ADD COLUMN IF NOT EXISTS size int CHECK (size > 0);",
        expect![[r#"
        == add_users_size
        ALTER TABLE users ADD COLUMN IF NOT EXISTS size int;  -- blocks
        ALTER TABLE users ADD CONSTRAINT users_size_check CHECK (size > 0) NOT VALID;  -- blocks
            undo ALTER TABLE users DROP CONSTRAINT users_size_check;
        == validate_users_size_check
        ALTER TABLE users VALIDATE CONSTRAINT users_size_check;  -- own long
    "#]],
    );
    check(
        &wrapped(SHOP).unknown(),
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS size int CHECK (size > 0);",
        expect![[r#"
        unchanged
        withheld 0.1: IF NOT EXISTS adds what belongs to column size only when the column is not there, which is not known
    "#]],
    );
}

#[test]
fn volatile_defaults() {
    const SQL: &str = "ALTER TABLE users ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();";
    check(
        &wrapped(SHOP),
        SQL,
        expect![[r#"
        unchanged
        withheld 0.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
    "#]],
    );
    check(
        &wrapped(SHOP).allowing(Class::Unsafe),
        SQL,
        expect![[r#"
            unsafe
            == add_users_token
            ALTER TABLE users ADD COLUMN token uuid, ALTER COLUMN token SET DEFAULT gen_random_uuid();  -- blocks
            == backfill_users_token (no transaction)
            DO $safestep$
            DECLARE
              safestep_first users.id%TYPE;
              safestep_last users.id%TYPE;
              safestep_end users.id%TYPE;
              safestep_rows bigint;
              safestep_batches bigint := 0;
            BEGIN
              SELECT users.id INTO safestep_end FROM users ORDER BY users.id DESC LIMIT 1;
              SELECT users.id INTO safestep_first FROM users
                WHERE token IS NULL ORDER BY users.id LIMIT 1;
              WHILE safestep_first IS NOT NULL LOOP
                SELECT batch.id, count(*) OVER () INTO safestep_last, safestep_rows FROM (
                  SELECT users.id FROM users
                    WHERE users.id >= safestep_first AND (token IS NULL) ORDER BY users.id LIMIT 1000
                ) AS batch ORDER BY batch.id DESC LIMIT 1;
                UPDATE users SET token = DEFAULT
                  WHERE users.id >= safestep_first AND users.id <= safestep_last AND (token IS NULL);
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN safestep_last <= safestep_end THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT users.id INTO safestep_first FROM users
                  WHERE users.id > safestep_last AND (token IS NULL) ORDER BY users.id LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            == add_users_token_not_null_proof
            ALTER TABLE users ADD CONSTRAINT users_token_not_null_proof CHECK (token IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_token_not_null_proof;
            == validate_users_token_not_null_proof
            ALTER TABLE users VALIDATE CONSTRAINT users_token_not_null_proof;  -- own long
                again: rows without token by 0
            == set_users_token_not_null
            ALTER TABLE users ALTER COLUMN token SET NOT NULL;  -- blocks
            ALTER TABLE users DROP CONSTRAINT users_token_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_token_not_null_proof CHECK (token IS NOT NULL) NOT VALID;
            assuming: The rows of users get their values of token batch by batch in the order of the primary key, and until then are NULL.
        "#]],
    );
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ADD COLUMN at timestamptz NOT NULL DEFAULT now();",
        expect![[r#"
        unchanged
    "#]],
    );
    check(
        &wrapped("CREATE TABLE t (a int);").allowing(Class::Unsafe),
        "ALTER TABLE t ADD COLUMN token uuid DEFAULT gen_random_uuid();",
        expect![[r#"
            unchanged
            withheld 0.0: batches need a primary key, which t has not; go along another key by hand
        "#]],
    );
}

#[test]
fn serial_columns() {
    check(
        &wrapped(SHOP).allowing(Class::Unsafe),
        "ALTER TABLE users ADD COLUMN number serial;",
        expect![[r#"
            unsafe
            == add_users_number
            ALTER TABLE users ADD COLUMN number integer;  -- blocks
            CREATE SEQUENCE users_number_seq AS integer OWNED BY users.number;  --
                undo DROP SEQUENCE users_number_seq;
            ALTER TABLE users ALTER COLUMN number SET DEFAULT nextval('users_number_seq'::regclass);  -- blocks
                undo ALTER TABLE users ALTER COLUMN number DROP DEFAULT;
            == backfill_users_number (no transaction)
            DO $safestep$
            DECLARE
              safestep_first users.id%TYPE;
              safestep_last users.id%TYPE;
              safestep_end users.id%TYPE;
              safestep_rows bigint;
              safestep_batches bigint := 0;
            BEGIN
              SELECT users.id INTO safestep_end FROM users ORDER BY users.id DESC LIMIT 1;
              SELECT users.id INTO safestep_first FROM users
                WHERE number IS NULL ORDER BY users.id LIMIT 1;
              WHILE safestep_first IS NOT NULL LOOP
                SELECT batch.id, count(*) OVER () INTO safestep_last, safestep_rows FROM (
                  SELECT users.id FROM users
                    WHERE users.id >= safestep_first AND (number IS NULL) ORDER BY users.id LIMIT 1000
                ) AS batch ORDER BY batch.id DESC LIMIT 1;
                UPDATE users SET number = DEFAULT
                  WHERE users.id >= safestep_first AND users.id <= safestep_last AND (number IS NULL);
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN safestep_last <= safestep_end THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT users.id INTO safestep_first FROM users
                  WHERE users.id > safestep_last AND (number IS NULL) ORDER BY users.id LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            == add_users_number_not_null_proof
            ALTER TABLE users ADD CONSTRAINT users_number_not_null_proof CHECK (number IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_number_not_null_proof;
            == validate_users_number_not_null_proof
            ALTER TABLE users VALIDATE CONSTRAINT users_number_not_null_proof;  -- own long
                again: rows without number by 0
            == set_users_number_not_null
            ALTER TABLE users ALTER COLUMN number SET NOT NULL;  -- blocks
            ALTER TABLE users DROP CONSTRAINT users_number_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_number_not_null_proof CHECK (number IS NOT NULL) NOT VALID;
            assuming: The rows of users get their values of number batch by batch in the order of the primary key, and until then are NULL.
        "#]],
    );
    check(
        &wrapped(SHOP).allowing(Class::Unsafe),
        "ALTER TABLE users ADD COLUMN number bigint GENERATED BY DEFAULT AS IDENTITY;",
        expect![[r#"
            unsafe
            == add_users_number
            ALTER TABLE users ADD COLUMN number bigint;  -- blocks
            CREATE SEQUENCE users_number_backfill AS bigint;  --
                undo DROP SEQUENCE users_number_backfill;
            ALTER TABLE users ALTER COLUMN number SET DEFAULT nextval('users_number_backfill'::regclass);  -- blocks
                undo ALTER TABLE users ALTER COLUMN number DROP DEFAULT;
            == backfill_users_number (no transaction)
            DO $safestep$
            DECLARE
              safestep_first users.id%TYPE;
              safestep_last users.id%TYPE;
              safestep_end users.id%TYPE;
              safestep_rows bigint;
              safestep_batches bigint := 0;
            BEGIN
              SELECT users.id INTO safestep_end FROM users ORDER BY users.id DESC LIMIT 1;
              SELECT users.id INTO safestep_first FROM users
                WHERE number IS NULL ORDER BY users.id LIMIT 1;
              WHILE safestep_first IS NOT NULL LOOP
                SELECT batch.id, count(*) OVER () INTO safestep_last, safestep_rows FROM (
                  SELECT users.id FROM users
                    WHERE users.id >= safestep_first AND (number IS NULL) ORDER BY users.id LIMIT 1000
                ) AS batch ORDER BY batch.id DESC LIMIT 1;
                UPDATE users SET number = DEFAULT
                  WHERE users.id >= safestep_first AND users.id <= safestep_last AND (number IS NULL);
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN safestep_last <= safestep_end THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT users.id INTO safestep_first FROM users
                  WHERE users.id > safestep_last AND (number IS NULL) ORDER BY users.id LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            == add_users_number_not_null_proof
            ALTER TABLE users ADD CONSTRAINT users_number_not_null_proof CHECK (number IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_number_not_null_proof;
            == validate_users_number_not_null_proof
            ALTER TABLE users VALIDATE CONSTRAINT users_number_not_null_proof;  -- own long
                again: rows without number by 0
            == set_users_number_not_null
            ALTER TABLE users ALTER COLUMN number SET NOT NULL;  -- blocks
            ALTER TABLE users ALTER COLUMN number DROP DEFAULT;  -- blocks
                undo ALTER TABLE users ALTER COLUMN number SET DEFAULT nextval('users_number_backfill'::regclass);
            ALTER TABLE users ALTER COLUMN number ADD GENERATED BY DEFAULT AS IDENTITY;  -- blocks
                undo ALTER TABLE users ALTER COLUMN number DROP IDENTITY;
            SELECT setval(pg_get_serial_sequence('users', 'number'), last_value, is_called) FROM users_number_backfill;  --
                undo SELECT setval('users_number_backfill', last_value, is_called) FROM users_number_seq;
            DROP SEQUENCE users_number_backfill;  --
                undo CREATE SEQUENCE users_number_backfill AS bigint;
            ALTER TABLE users DROP CONSTRAINT users_number_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_number_not_null_proof CHECK (number IS NOT NULL) NOT VALID;
            assuming: The rows of users get their values of number batch by batch in the order of the primary key, and until then are NULL.
        "#]],
    );
    check(
        &wrapped(SHOP).allowing(Class::Unsafe),
        "ALTER TABLE users ADD COLUMN half int GENERATED ALWAYS AS (age / 2) STORED;",
        expect![[r#"
            unchanged
            withheld 0.0: a stored generated column is computed for every row when it is added; from PostgreSQL 18 on make it VIRTUAL, before fill a plain column in batches and by a trigger
        "#]],
    );
}

/// An index of the same file is made of the changed column, so that the change need not build it anew under its lock.
#[test]
fn a_type_changes_before_the_index_is_built() {
    check(
        &wrapped(SHOP),
        "CREATE INDEX users_lower ON users (lower(email));
ALTER TABLE users ALTER email TYPE varchar(100);
ALTER TABLE users ADD COLUMN b int;",
        expect![[r#"
            == change_users_email_type
            ALTER TABLE users ALTER email TYPE varchar(100);  -- blocks
            ALTER TABLE users ADD COLUMN b int;  -- blocks verbatim
            == create_users_lower (no transaction)
            CREATE INDEX CONCURRENTLY users_lower ON users (lower(email));  -- long
                undo DROP INDEX CONCURRENTLY users_lower;
        "#]],
    );
    check(
        &wrapped(SHOP),
        "CREATE INDEX users_lower ON users (lower(email));
COMMENT ON INDEX users_lower IS 'by mail';
ALTER TABLE users ALTER email TYPE varchar(100);",
        expect![[r#"
            == change_users_email_type
            ALTER TABLE users ALTER email TYPE varchar(100);  -- blocks
            == create_users_lower (no transaction)
            CREATE INDEX CONCURRENTLY users_lower ON users (lower(email));  -- long
                undo DROP INDEX CONCURRENTLY users_lower;
            == comment_on_users_lower
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_lower') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index users_lower is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_lower; then build it again.';
              END IF;
            END
            $safestep$;  --
            COMMENT ON INDEX users_lower IS 'by mail';  -- verbatim
        "#]],
    );
    check(
        &wrapped(SHOP),
        "CREATE INDEX users_age ON users ((age + 1));
ALTER TABLE users ALTER age TYPE bigint;",
        expect![[r#"
            == create_users_age (no transaction)
            CREATE INDEX CONCURRENTLY users_age ON users ((age + 1));  -- long
                undo DROP INDEX CONCURRENTLY users_age;
            == alter_users
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_age') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index users_age is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_age; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE users ALTER age TYPE bigint;  -- long blocks verbatim
            withheld 1.0: rows are not rewritten without this lock: another type needs a new column, a backfill and a deploy that uses it
        "#]],
    );
}

#[test]
fn types() {
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ALTER email TYPE varchar(100);",
        expect![[r#"
        unchanged
    "#]],
    );
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ALTER age TYPE bigint;",
        expect![[r#"
        unchanged
        withheld 0.0: rows are not rewritten without this lock: another type needs a new column, a backfill and a deploy that uses it
    "#]],
    );
    const CHECKED: &str = "
CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50), CONSTRAINT filled CHECK (email <> ''));
COMMENT ON CONSTRAINT filled ON users IS 'no empty mails';
";
    check(
        &wrapped(CHECKED),
        "ALTER TABLE users ALTER email TYPE varchar(100);",
        expect![[r#"
        == drop_filled
        ALTER TABLE users DROP CONSTRAINT filled;  -- blocks
        ALTER TABLE users ALTER email TYPE varchar(100);  -- blocks
        ALTER TABLE users ADD CONSTRAINT filled CHECK (email <> '') NOT VALID;  -- blocks
        COMMENT ON CONSTRAINT filled ON users IS 'no empty mails';  --
        == validate_filled
        ALTER TABLE users VALIDATE CONSTRAINT filled;  -- own long
    "#]],
    );
    const INDEXED: &str = "
CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50));
CREATE INDEX users_lower_idx ON users (lower(email));
";
    check(
        &wrapped(INDEXED),
        "ALTER TABLE users ALTER email TYPE varchar(100);",
        expect![[r#"
        unchanged
        withheld 0.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
    "#]],
    );
    check(
        &wrapped(INDEXED).allowing(Class::Unsafe),
        "ALTER TABLE users ALTER email TYPE varchar(100);",
        expect![[r#"
            unsafe
            == drop_users_lower_idx (no transaction)
            DROP INDEX CONCURRENTLY IF EXISTS users_lower_idx;  --
                undo CREATE INDEX CONCURRENTLY users_lower_idx ON users (lower(email));
                again: the index may be left invalid
            == change_users_email_type
            ALTER TABLE users ALTER email TYPE varchar(100);  -- blocks
            == create_users_lower_idx (no transaction)
            CREATE INDEX CONCURRENTLY users_lower_idx ON users (lower(email));  -- long
                undo DROP INDEX CONCURRENTLY IF EXISTS users_lower_idx;
            assuming: Queries do without an index between "DROP INDEX CONCURRENTLY IF EXISTS users_lower_idx" and its being built again.
        "#]],
    );
}

#[test]
fn what_old_rows_hold_is_said_by_nobody_else() {
    check(
        &wrapped("CREATE TABLE t (id bigint PRIMARY KEY);"),
        "ALTER TABLE t ADD COLUMN a text NOT NULL, ADD CONSTRAINT positive CHECK (id > 0);\n",
        expect![[r#"
            == add_t_a
            ALTER TABLE t ADD COLUMN a text NOT NULL;  -- blocks
            ALTER TABLE t ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;  -- blocks
                undo ALTER TABLE t DROP CONSTRAINT positive;
            == validate_positive
            ALTER TABLE t VALIDATE CONSTRAINT positive;  -- own long
            withheld 0.0: only its author knows what the rows that are there shall hold; add the column with a DEFAULT, or nullable, and fill it before SET NOT NULL
        "#]],
    );
}
