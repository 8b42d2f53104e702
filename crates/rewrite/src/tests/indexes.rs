//! Indexes: build, drop, rebuild.

use expect_test::expect;
use model::runner::Messages;

use super::{check, plain, wrapped};

const USERS: &str = "
CREATE TABLE users (id bigint PRIMARY KEY, email text, name text);
CREATE INDEX users_name_idx ON users (name);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
";

#[test]
fn an_index_is_built_concurrently() {
    check(
        &wrapped(USERS),
        "CREATE INDEX users_email_idx ON users (email);\n",
        expect![[r#"
        == create_users_email_idx (no transaction)
        CREATE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
            undo DROP INDEX CONCURRENTLY users_email_idx;
    "#]],
    );
    check(
        &wrapped(USERS),
        "
-- Mails are looked up.
create unique index on users using btree (lower(email)) where email is not null; -- soon
",
        expect![[r#"
            == create_users_lower_idx (no transaction)
            -- Mails are looked up.
            create unique index concurrently users_lower_idx on users using btree (lower(email)) where email is not null; -- soon  -- long
                undo drop index concurrently users_lower_idx;
        "#]],
    );
}

/// Undoing the later statement takes the index along.
#[test]
fn an_index_that_becomes_something_else_need_not_be_there_when_it_is_undone() {
    check(
        &wrapped(USERS),
        "
CREATE INDEX users_email_idx ON users (email);
ALTER INDEX users_email_idx RENAME TO by_email;
",
        expect![[r#"
            == create_users_email_idx (no transaction)
            CREATE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
                undo DROP INDEX CONCURRENTLY IF EXISTS users_email_idx;
            == rename_users_email_idx
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email_idx') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index users_email_idx is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_email_idx; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER INDEX users_email_idx RENAME TO by_email;  -- verbatim
            withheld 1.0: the old name must stay until every running application uses the new one; add the new one beside it, and drop the old one by a later migration
        "#]],
    );
    check(
        &wrapped(USERS),
        "
CREATE UNIQUE INDEX users_email_idx ON users (email);
ALTER TABLE users ADD CONSTRAINT users_email_uq UNIQUE USING INDEX users_email_idx;
",
        expect![[r#"
            == create_users_email_idx (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
                undo DROP INDEX CONCURRENTLY IF EXISTS users_email_idx;
            == add_users_email_uq
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email_idx') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index users_email_idx is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_email_idx; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE users ADD CONSTRAINT users_email_uq UNIQUE USING INDEX users_email_idx;  -- blocks verbatim
        "#]],
    );
}

#[test]
fn what_follows_waits_for_a_valid_index() {
    check(
        &wrapped(USERS),
        "
CREATE INDEX users_email_idx ON users (email);
ALTER TABLE orders ADD COLUMN note text;
",
        expect![[r#"
            == create_users_email_idx (no transaction)
            CREATE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
                undo DROP INDEX CONCURRENTLY users_email_idx;
            == add_orders_note
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email_idx') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index users_email_idx is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_email_idx; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE orders ADD COLUMN note text;  -- blocks verbatim
        "#]],
    );
    check(
        &plain(USERS),
        "CREATE INDEX IF NOT EXISTS users_email_idx ON users (email);",
        expect![[r#"
            == create_users_email_idx (no transaction)
            DO $safestep$
            BEGIN
              IF EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email_idx') AND NOT indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'an earlier build left the invalid index users_email_idx', HINT = 'Run DROP INDEX CONCURRENTLY users_email_idx; then run this again.';
              END IF;
            END
            $safestep$;  --
            CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email_idx ON users (email);  -- long
                undo DROP INDEX CONCURRENTLY users_email_idx;
            == assert_users_email_idx
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email_idx') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index users_email_idx is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_email_idx; then CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email_idx ON users (email).';
              END IF;
            END
            $safestep$;  --
        "#]],
    );
}

#[test]
fn a_table_of_the_section_may_count_as_old() {
    let sql = "
CREATE TABLE seen (id bigint);
INSERT INTO seen SELECT id FROM users;
CREATE INDEX seen_id ON seen (id);
";
    check(
        &wrapped(USERS).choosing(&[(2, 0)]),
        sql,
        expect![[r#"
        unchanged
    "#]],
    );
    check(
        &wrapped(USERS).choosing(&[(2, 0)]).apart(&[(2, 0)]),
        sql,
        expect![[r#"
        == create_seen
        CREATE TABLE seen (id bigint);  -- verbatim
        INSERT INTO seen SELECT id FROM users;  -- long verbatim
        == create_seen_id (no transaction)
        CREATE INDEX CONCURRENTLY seen_id ON seen (id);  -- long
            undo DROP INDEX CONCURRENTLY seen_id;
    "#]],
    );
}

#[test]
fn an_index_that_cannot_be_there_is_built_in_any_case() {
    let mut given = wrapped(USERS);
    given.runner.messages = Messages::Whole;
    check(
        &given,
        "create unique index if not exists users_email_idx on users (email);",
        expect![[r#"
        == create_users_email_idx (no transaction)
        create unique index concurrently users_email_idx on users (email);  -- long
            undo drop index concurrently users_email_idx;
    "#]],
    );
    check(
        &given,
        "CREATE INDEX IF /* why? */ NOT EXISTS users_email_idx ON users (email);",
        expect![[r#"
        == create_users_email_idx (no transaction)
        /* why? */
        CREATE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
            undo DROP INDEX CONCURRENTLY users_email_idx;
    "#]],
    );
    check(
        &given.unknown(),
        "CREATE INDEX IF NOT EXISTS users_email_idx ON users (email);",
        expect![[r#"
        == create_users_email_idx (no transaction)
        DO $safestep$
        BEGIN
          IF EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email_idx') AND NOT indisvalid) THEN
            RAISE EXCEPTION USING MESSAGE = 'an earlier build left the invalid index users_email_idx', HINT = 'Run DROP INDEX CONCURRENTLY users_email_idx; then run this again.';
          END IF;
        END
        $safestep$;  --
        CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email_idx ON users (email);  -- long
            undo DROP INDEX CONCURRENTLY users_email_idx;
        == assert_users_email_idx
        DO $safestep$
        BEGIN
          IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email_idx') AND indisvalid) THEN
            RAISE EXCEPTION USING MESSAGE = 'index users_email_idx is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS users_email_idx; then CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email_idx ON users (email).';
          END IF;
        END
        $safestep$;  --
    "#]],
    );
}

#[test]
fn what_cannot_be_built_concurrently() {
    check(
        &wrapped("CREATE TABLE events (id bigint, day date) PARTITION BY RANGE (day);"),
        "CREATE INDEX ON events (id);",
        expect![[r#"
            unchanged
            withheld 0.0: events is partitioned: its index cannot be built concurrently, only those of the partitions one by one
        "#]],
    );
    check(
        &wrapped(""),
        "CREATE TABLE t (a int);\nCREATE INDEX ON t (a);",
        expect![[r#"
        unchanged
    "#]],
    );
    check(
        &wrapped("").unknown(),
        "CREATE INDEX ON users (email);",
        expect![[r#"
        == create_users_email_idx (no transaction)
        CREATE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
            undo DROP INDEX CONCURRENTLY users_email_idx;
        assuming: users is not partitioned.
        assuming: No other relation is called users_email_idx.
    "#]],
    );
}

#[test]
fn indexes_are_dropped_one_by_one() {
    check(
        &wrapped(USERS),
        "DROP INDEX users_name_idx;",
        expect![[r#"
            == drop_users_name_idx (no transaction)
            DROP INDEX CONCURRENTLY IF EXISTS users_name_idx;  --
                undo CREATE INDEX CONCURRENTLY users_name_idx ON users (name);
                again: the index may be left invalid
        "#]],
    );
    check(
        &wrapped(USERS).unknown(),
        "DROP INDEX IF EXISTS users_name_idx, other_idx;",
        expect![[r#"
            == drop_users_name_idx (no transaction)
            DROP INDEX CONCURRENTLY IF EXISTS users_name_idx;  --
                undo CREATE INDEX CONCURRENTLY users_name_idx ON users (name);
                again: the index may be left invalid
            == drop_other_idx (no transaction)
            DROP INDEX CONCURRENTLY IF EXISTS other_idx;  -- blocks
                again: the index may be left invalid
            assuming: Index other_idx belongs neither to a constraint nor to a partitioned table.
        "#]],
    );
    check(
        &wrapped(USERS),
        "DROP INDEX users_name_idx CASCADE;",
        expect![[r#"
            unchanged
            withheld 0.0: DROP INDEX CONCURRENTLY does not support CASCADE; drop what depends on it first
        "#]],
    );
    check(
        &wrapped(USERS),
        "DROP INDEX users_pkey;",
        expect![[r#"
            unchanged
            withheld 0.0: statement 1 fails as it stands: cannot drop index users_pkey because constraint users_pkey on table users requires it; mend it first, since of a split file what stands before it would stay
        "#]],
    );
}

#[test]
fn reindex() {
    check(
        &wrapped(USERS),
        "REINDEX INDEX users_name_idx;",
        expect![[r#"
        == reindex_users_name_idx (no transaction)
        REINDEX INDEX CONCURRENTLY users_name_idx;  -- long
    "#]],
    );
    check(
        &wrapped(USERS),
        "REINDEX (VERBOSE) TABLE users;",
        expect![[r#"
            == reindex_users (no transaction)
            REINDEX (VERBOSE) TABLE CONCURRENTLY users;  -- long
                again: invalid indexes may be left whose names end in _ccnew, which nothing needs
        "#]],
    );
}

#[test]
fn concurrent_statements_leave_the_transaction() {
    check(
        &wrapped(USERS),
        "ALTER TABLE users ADD COLUMN age int;\nCREATE INDEX CONCURRENTLY ON users (email);",
        expect![[r#"
            == add_users_age
            ALTER TABLE users ADD COLUMN age int;  -- blocks verbatim
            == create_users_email_idx (no transaction)
            CREATE INDEX CONCURRENTLY users_email_idx ON users (email);  -- long
                undo DROP INDEX CONCURRENTLY users_email_idx;
        "#]],
    );
}

#[test]
fn a_view_is_refreshed_concurrently() {
    const VIEW: &str = "
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE MATERIALIZED VIEW names AS SELECT id FROM users;
CREATE MATERIALIZED VIEW keyed AS SELECT id FROM users;
CREATE UNIQUE INDEX keyed_id_idx ON keyed (id);
";
    check(
        &wrapped(VIEW),
        "REFRESH MATERIALIZED VIEW names;",
        expect![[r#"
            unchanged
            withheld 0.0: CONCURRENTLY needs a unique index on columns of names that covers all rows; create one first
        "#]],
    );
    check(
        &wrapped(VIEW),
        "REFRESH MATERIALIZED VIEW keyed;",
        expect![[r#"
        == refresh_keyed
        REFRESH MATERIALIZED VIEW CONCURRENTLY keyed;  -- long
    "#]],
    );
}

/// What is written again uses the names of now.
#[test]
fn a_dropped_index_comes_back_with_renamed_columns() {
    check(
        &wrapped(
            "CREATE TABLE users (id bigint PRIMARY KEY, name text, lower text);
             CREATE INDEX i ON users (name DESC, lower(lower)) INCLUDE (id) WHERE name <> 'name' AND lower(\"lower\") > '';
             ALTER TABLE users RENAME name TO \"full name\"; ALTER TABLE users RENAME lower TO low;",
        ),
        "DROP INDEX i;",
        expect![[r#"
            == drop_i (no transaction)
            DROP INDEX CONCURRENTLY IF EXISTS i;  --
                undo CREATE INDEX CONCURRENTLY i ON users ("full name" DESC, lower(low)) INCLUDE (id) WHERE "full name" <> 'name' AND lower(low) > '';
                again: the index may be left invalid
        "#]],
    );
}
