//! What a transaction changes twice, what it gives to others, and what must fit by then.

use expect_test::expect;

use super::meanwhile::ORDERS;
use super::{check, plain, wrapped};

#[test]
fn what_is_changed_twice_is_changed_at_once() {
    let given = format!("{ORDERS}CREATE TABLE child () INHERITS (old);\n");
    let between = |first: &str, last: &str, expected| {
        check(&wrapped(&given), &format!("{first};\nCREATE INDEX new_a ON new (a);\n{last};\n"), expected);
    };
    between(
        "CREATE POLICY p ON old USING (true)",
        "ALTER POLICY p ON old USING (false)",
        expect![[r#"
        unchanged
        withheld 1.0: others would meet policy p on old half-way, which the original changes twice at once
    "#]],
    );
    between(
        "CREATE RULE r AS ON UPDATE TO old DO ALSO NOTHING",
        "DROP RULE r ON old",
        expect![[r#"
        unchanged
        withheld 1.0: others would meet rule r on old half-way, which the original changes twice at once
        withheld 2.0: the drop is safe only when no running application uses it any more; do it by a later migration, after that deploy
    "#]],
    );
    between(
        "ALTER TABLE child NO INHERIT old",
        "ALTER TABLE child INHERIT old",
        expect![[r#"
        unchanged
        withheld 1.0: others would meet the children of old half-way, which the original changes twice at once
    "#]],
    );
    between(
        "GRANT SELECT ON ALL TABLES IN SCHEMA s TO x",
        "REVOKE SELECT ON ALL TABLES IN SCHEMA s FROM y",
        expect![[r#"
            unchanged
            withheld 1.0: others would meet the privileges in schema s half-way, which the original changes twice at once
        "#]],
    );
    // They need nothing between them.
    between(
        "GRANT SELECT ON old TO app",
        "REVOKE SELECT ON old FROM app",
        expect![[r#"
        == create_new_a (no transaction)
        CREATE INDEX CONCURRENTLY new_a ON new (a);  -- long
            undo DROP INDEX CONCURRENTLY new_a;
        == grant
        DO $safestep$
        BEGIN
          IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('new_a') AND indisvalid) THEN
            RAISE EXCEPTION USING MESSAGE = 'index new_a is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS new_a; then build it again.';
          END IF;
        END
        $safestep$;  --
        GRANT SELECT ON old TO app;  -- verbatim
        REVOKE SELECT ON old FROM app;  -- verbatim
    "#]],
    );
    // What only grows harms nobody.
    between(
        "GRANT SELECT ON ALL TABLES IN SCHEMA s TO x",
        "GRANT SELECT ON ALL TABLES IN SCHEMA s TO y",
        expect![[r#"
            == grant
            GRANT SELECT ON ALL TABLES IN SCHEMA s TO x;  -- verbatim
            == create_new_a (no transaction)
            CREATE INDEX CONCURRENTLY new_a ON new (a);  -- long
                undo DROP INDEX CONCURRENTLY new_a;
            == grant
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('new_a') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index new_a is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS new_a; then build it again.';
              END IF;
            END
            $safestep$;  --
            GRANT SELECT ON ALL TABLES IN SCHEMA s TO y;  -- verbatim
        "#]],
    );
}

#[test]
fn privileges_come_with_what_they_are_on() {
    check(
        &wrapped(ORDERS),
        "CREATE TABLE log (id bigint);
CREATE INDEX old_a ON old (a);
GRANT INSERT ON log TO app;
",
        expect![[r#"
            == create_old_a (no transaction)
            CREATE INDEX CONCURRENTLY old_a ON old (a);  -- long
                undo DROP INDEX CONCURRENTLY old_a;
            == create_log
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('old_a') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index old_a is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS old_a; then build it again.';
              END IF;
            END
            $safestep$;  --
            CREATE TABLE log (id bigint);  -- verbatim
            GRANT INSERT ON log TO app;  -- verbatim
        "#]],
    );
    check(
        &wrapped(ORDERS),
        "ALTER TABLE old ADD COLUMN secret text;
CREATE INDEX new_a ON new (a);
REVOKE SELECT ON old FROM app;
GRANT SELECT (id, a) ON old TO app;
",
        expect![[r#"
            == create_new_a (no transaction)
            CREATE INDEX CONCURRENTLY new_a ON new (a);  -- long
                undo DROP INDEX CONCURRENTLY new_a;
            == add_old_secret
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('new_a') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index new_a is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS new_a; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE old ADD COLUMN secret text;  -- blocks verbatim
            REVOKE SELECT ON old FROM app;  -- verbatim
            GRANT SELECT (id, a) ON old TO app;  -- verbatim
        "#]],
    );
    // Rows are shown when they are as they shall be.
    check(
        &wrapped(ORDERS),
        "CREATE INDEX new_a ON new (a);\nUPDATE old SET a = NULL;\nGRANT SELECT ON old TO app;\n",
        expect![[r#"
            == create_new_a (no transaction)
            CREATE INDEX CONCURRENTLY new_a ON new (a);  -- long
                undo DROP INDEX CONCURRENTLY new_a;
            == update_old
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('new_a') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index new_a is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS new_a; then build it again.';
              END IF;
            END
            $safestep$;  --
            UPDATE old SET a = NULL;  -- long verbatim
            GRANT SELECT ON old TO app;  -- verbatim
            withheld 1.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
        "#]],
    );
}

#[test]
fn functions_of_triggers_know_the_columns_that_are_left() {
    let given = format!(
        "{ORDERS}CREATE FUNCTION filled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := 1; RETURN NEW; END $$;
CREATE TRIGGER filled BEFORE UPDATE ON old FOR EACH ROW EXECUTE FUNCTION filled();
"
    );
    check(
        &wrapped(&given),
        "ALTER TABLE old DROP COLUMN a;
CREATE INDEX new_a ON new (a);
UPDATE old SET id = 1 WHERE id < 0;
CREATE OR REPLACE FUNCTION filled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
",
        expect![[r#"
            == create_new_a (no transaction)
            CREATE INDEX CONCURRENTLY new_a ON new (a);  -- long
                undo DROP INDEX CONCURRENTLY new_a;
            == drop_old_a
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('new_a') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index new_a is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS new_a; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE old DROP COLUMN a;  -- blocks verbatim
            UPDATE old SET id = 1 WHERE id < 0;  -- long verbatim
            CREATE OR REPLACE FUNCTION filled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;  -- verbatim
            withheld 0.0: the drop is safe only when no running application uses it any more; do it by a later migration, after that deploy
            withheld 2.0: it changes the primary key, along which its batches would go; change one range after the other by hand
        "#]],
    );
}

#[test]
fn each_transaction_changes_its_own() {
    let sql = "
BEGIN;
CREATE POLICY p ON old USING (true);
COMMIT;
BEGIN;
ALTER POLICY p ON old USING (id = 1);
CREATE INDEX new_a ON new (a);
ALTER POLICY p ON old USING (false);
COMMIT;
";
    check(
        &plain(ORDERS),
        sql,
        expect![[r#"
        unchanged
        withheld 5.0: others would meet policy p on old half-way, which the original changes twice at once
    "#]],
    );
    // Statements that commit one by one change nothing at once.
    let alone = sql.replace("BEGIN;\n", "").replace("COMMIT;\n", "");
    assert!(super::run(&plain(ORDERS), alone.trim_start()).2.changed);
}
