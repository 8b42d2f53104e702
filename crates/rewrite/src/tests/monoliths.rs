//! The migrations that people really write.

use expect_test::expect;
use model::plan::Class;

use super::{check, plain, wrapped};

const SHOP: &str = "
CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50), name varchar(50), age int);
CREATE INDEX users_name_idx ON users (name);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
";

const FILL: &str = "
ALTER TABLE users ADD COLUMN plan text;
UPDATE users SET plan = 'free';
ALTER TABLE users ALTER COLUMN plan SET NOT NULL;
";

#[test]
fn add_fill_and_forbid_null() {
    check(
        &wrapped(SHOP),
        FILL,
        expect![[r#"
            == add_users_plan
            ALTER TABLE users ADD COLUMN plan text;  -- blocks verbatim
            == update_users
            UPDATE users SET plan = 'free';  -- long verbatim
            == add_users_plan_not_null_proof
            ALTER TABLE users ADD CONSTRAINT users_plan_not_null_proof CHECK (plan IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_plan_not_null_proof;
            == validate_users_plan_not_null_proof
            ALTER TABLE users VALIDATE CONSTRAINT users_plan_not_null_proof;  -- own long
                again: rows without plan by 1
            == set_users_plan_not_null
            ALTER TABLE users ALTER COLUMN plan SET NOT NULL;  -- blocks
                undo ALTER TABLE users ALTER COLUMN plan DROP NOT NULL;
            ALTER TABLE users DROP CONSTRAINT users_plan_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_plan_not_null_proof CHECK (plan IS NOT NULL) NOT VALID;
            withheld 1.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
        "#]],
    );
    check(
        &wrapped(SHOP).allowing(Class::Unsafe),
        FILL,
        expect![[r#"
            unsafe
            == add_users_plan
            ALTER TABLE users ADD COLUMN plan text;  -- blocks verbatim
            == backfill_users_plan (no transaction)
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
                WHERE users.plan IS DISTINCT FROM ('free')::text ORDER BY users.id LIMIT 1;
              WHILE safestep_first IS NOT NULL LOOP
                SELECT batch.id, count(*) OVER () INTO safestep_last, safestep_rows FROM (
                  SELECT users.id FROM users
                    WHERE users.id >= safestep_first AND (users.plan IS DISTINCT FROM ('free')::text) ORDER BY users.id LIMIT 1000
                ) AS batch ORDER BY batch.id DESC LIMIT 1;
                UPDATE users SET plan = 'free'
                  WHERE users.id >= safestep_first AND users.id <= safestep_last AND (users.plan IS DISTINCT FROM ('free')::text);
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN safestep_last <= safestep_end THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT users.id INTO safestep_first FROM users
                  WHERE users.id > safestep_last AND (users.plan IS DISTINCT FROM ('free')::text) ORDER BY users.id LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            == add_users_plan_not_null_proof
            ALTER TABLE users ADD CONSTRAINT users_plan_not_null_proof CHECK (plan IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_plan_not_null_proof;
            == validate_users_plan_not_null_proof
            ALTER TABLE users VALIDATE CONSTRAINT users_plan_not_null_proof;  -- own long
                again: rows without plan by 1
            == set_users_plan_not_null
            ALTER TABLE users ALTER COLUMN plan SET NOT NULL;  -- blocks
                undo ALTER TABLE users ALTER COLUMN plan DROP NOT NULL;
            ALTER TABLE users DROP CONSTRAINT users_plan_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_plan_not_null_proof CHECK (plan IS NOT NULL) NOT VALID;
            assuming: Rows of users that others write meanwhile are changed too when they match, unless the batches have passed them or do not keep up with them, and a failure leaves the batches before it done.
        "#]],
    );
    check(
        &plain(SHOP),
        FILL,
        expect![[r#"
            == add_users_plan
            ALTER TABLE users ADD COLUMN plan text;  -- blocks verbatim
            == update_users
            UPDATE users SET plan = 'free';  -- long verbatim
            == add_users_plan_not_null_proof
            ALTER TABLE users ADD CONSTRAINT users_plan_not_null_proof CHECK (plan IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_plan_not_null_proof;
            == validate_users_plan_not_null_proof
            ALTER TABLE users VALIDATE CONSTRAINT users_plan_not_null_proof;  -- own long
                again: rows without plan by 1
            == set_users_plan_not_null
            ALTER TABLE users ALTER COLUMN plan SET NOT NULL;  -- blocks
                undo ALTER TABLE users ALTER COLUMN plan DROP NOT NULL;
            ALTER TABLE users DROP CONSTRAINT users_plan_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_plan_not_null_proof CHECK (plan IS NOT NULL) NOT VALID;
            withheld 1.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
        "#]],
    );
}

#[test]
fn everything_at_once() {
    const SQL: &str = "
-- Orders belong to users.
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id);
ALTER TABLE users ADD CONSTRAINT users_age_check CHECK (age >= 0);
CREATE UNIQUE INDEX users_lower_email ON users (lower(email));
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email);
ALTER TABLE users ALTER COLUMN email SET NOT NULL;
CREATE INDEX orders_user ON orders (user_id);
ALTER TABLE users ALTER COLUMN name TYPE varchar(100);
DROP INDEX users_name_idx;
";
    check(
        &wrapped(SHOP),
        SQL,
        expect![[r#"
            == add_orders_user_id_fkey
            -- Orders belong to users.
            ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
            == validate_orders_user_id_fkey
            ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey;  -- own long
            == add_users_age_check
            ALTER TABLE users ADD CONSTRAINT users_age_check CHECK (age >= 0) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_age_check;
            ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;
            ALTER TABLE users ALTER COLUMN name TYPE varchar(100);  -- blocks verbatim
            == validate_users_age_check
            ALTER TABLE users VALIDATE CONSTRAINT users_age_check;  -- own long
            ALTER TABLE users VALIDATE CONSTRAINT users_email_not_null_proof;  -- own long
            == create_users_lower_email (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY users_lower_email ON users (lower(email));  -- long
                undo DROP INDEX CONCURRENTLY users_lower_email;
            == build_users_email_key (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);  -- long
                undo DROP INDEX CONCURRENTLY IF EXISTS users_email_key;
            == add_users_email_key
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_lower_email') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index users_lower_email is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_lower_email; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_email_key;
            ALTER TABLE users ALTER COLUMN email SET NOT NULL;  -- blocks
                undo ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
            ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;
            == create_orders_user (no transaction)
            CREATE INDEX CONCURRENTLY orders_user ON orders (user_id);  -- long
                undo DROP INDEX CONCURRENTLY orders_user;
            == drop_users_name_idx (no transaction)
            DROP INDEX CONCURRENTLY IF EXISTS users_name_idx;  --
                undo CREATE INDEX CONCURRENTLY users_name_idx ON users (name);
                again: the index may be left invalid
        "#]],
    );
    check(
        &plain(SHOP),
        SQL,
        expect![[r#"
            == add_orders_user_id_fkey
            -- Orders belong to users.
            ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
            == validate_orders_user_id_fkey
            ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey;  -- own long
            == add_users_age_check
            ALTER TABLE users ADD CONSTRAINT users_age_check CHECK (age >= 0) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_age_check;
            ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;
            ALTER TABLE users ALTER COLUMN name TYPE varchar(100);  -- blocks verbatim
            == validate_users_age_check
            ALTER TABLE users VALIDATE CONSTRAINT users_age_check;  -- own long
            ALTER TABLE users VALIDATE CONSTRAINT users_email_not_null_proof;  -- own long
            == create_users_lower_email (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY users_lower_email ON users (lower(email));  -- long
                undo DROP INDEX CONCURRENTLY users_lower_email;
            == build_users_email_key (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);  -- long
                undo DROP INDEX CONCURRENTLY IF EXISTS users_email_key;
            == add_users_email_key
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_lower_email') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index users_lower_email is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_lower_email; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_email_key;
            ALTER TABLE users ALTER COLUMN email SET NOT NULL;  -- blocks
                undo ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
            ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;
            == create_orders_user (no transaction)
            CREATE INDEX CONCURRENTLY orders_user ON orders (user_id);  -- long
                undo DROP INDEX CONCURRENTLY orders_user;
            == drop_users_name_idx (no transaction)
            DROP INDEX CONCURRENTLY IF EXISTS users_name_idx;  --
                undo CREATE INDEX CONCURRENTLY users_name_idx ON users (name);
                again: the index may be left invalid
        "#]],
    );
}
