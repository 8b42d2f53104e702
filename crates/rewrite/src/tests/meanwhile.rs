//! What others meet between two parts, and what they write meanwhile.

use expect_test::expect;
use model::plan::Class;

use super::{check, wrapped};

pub(super) const ORDERS: &str = "
CREATE TABLE old (id bigint PRIMARY KEY, a int);
CREATE TABLE new (id bigint PRIMARY KEY, a int, CONSTRAINT a_once UNIQUE (a));
";

#[test]
fn what_is_deleted_is_what_was_copied() {
    check(
        &wrapped(ORDERS),
        "
ALTER TABLE new ADD COLUMN b int;
INSERT INTO new SELECT id, a FROM old;
DELETE FROM old;
CREATE INDEX new_b ON new (b);
",
        expect![[r#"
            == add_new_b
            ALTER TABLE new ADD COLUMN b int;  -- blocks verbatim
            == fill_new
            INSERT INTO new SELECT id, a FROM old;  -- long verbatim
            DELETE FROM old;  -- long verbatim
            == create_new_b (no transaction)
            CREATE INDEX CONCURRENTLY new_b ON new (b);  -- long
                undo DROP INDEX CONCURRENTLY new_b;
            withheld 1.0: it stays in one transaction with its neighbours: rows written in between would be deleted without having been copied or changed; to have the file split, delete by a later migration, and only rows that were copied
            withheld 2.0: it stays in one transaction with its neighbours: rows written in between would be deleted without having been copied or changed; to have the file split, delete by a later migration, and only rows that were copied
        "#]],
    );
}

#[test]
fn a_table_is_filled_where_it_must_be_empty() {
    check(
        &wrapped(ORDERS),
        "CREATE INDEX old_a ON old (a);\nDELETE FROM new;\nALTER TABLE new ADD COLUMN b int NOT NULL;\n",
        expect![[r#"
            == create_old_a (no transaction)
            CREATE INDEX CONCURRENTLY old_a ON old (a);  -- long
                undo DROP INDEX CONCURRENTLY old_a;
            == delete_from_new
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('old_a') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index old_a is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS old_a; then build it again.';
              END IF;
            END
            $safestep$;  --
            DELETE FROM new;  -- long verbatim
            ALTER TABLE new ADD COLUMN b int NOT NULL;  -- blocks verbatim
            withheld 1.0: it stays in one transaction with its neighbours: a column without a value for rows is added to a table that must still be empty then; to have the file split, add it with a DEFAULT, or nullable, and fill it before SET NOT NULL
            withheld 2.0: it stays in one transaction with its neighbours: a column without a value for rows is added to a table that must still be empty then; to have the file split, add it with a DEFAULT, or nullable, and fill it before SET NOT NULL
        "#]],
    );
}

#[test]
fn what_rests_on_a_changed_catalog_stays_with_it() {
    check(
        &wrapped(ORDERS),
        "
CREATE INDEX old_a ON old (a);
UPDATE pg_index SET indisready = false WHERE indrelid = 'old'::regclass;
UPDATE old SET a = a + 1;
REINDEX TABLE old;
",
        expect![[r#"
            == create_old_a (no transaction)
            CREATE INDEX CONCURRENTLY old_a ON old (a);  -- long
                undo DROP INDEX CONCURRENTLY old_a;
            == update_pg_index
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('old_a') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index old_a is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS old_a; then build it again.';
              END IF;
            END
            $safestep$;  --
            UPDATE pg_index SET indisready = false WHERE indrelid = 'old'::regclass;  -- verbatim
            UPDATE old SET a = a + 1;  -- long verbatim
            REINDEX TABLE old;  -- long blocks verbatim
            withheld 2.0: it stays in one transaction with its neighbours: it changes a system catalog, and what follows rests on that; split the file by hand around both
            withheld 3.0: it stays in one transaction with its neighbours: it changes a system catalog, and what follows rests on that; split the file by hand around both
        "#]],
    );
}

#[test]
fn no_table_is_without_its_key_for_a_while() {
    // The change of the rows must stand between the two.
    check(
        &wrapped(ORDERS).choosing(&[(1, 0), (2, 0)]),
        "
ALTER TABLE new DROP CONSTRAINT a_once;
UPDATE new SET a = a + 1 FROM old WHERE old.id = new.id;
ALTER TABLE new ADD CONSTRAINT a_once UNIQUE (a);
",
        expect![[r#"
            unchanged
            withheld 1.0: its rows depend on other tables; change one range of the primary key after the other by hand, each in a transaction of its own
            withheld 2.0: new would be without a unique key on (a) between two transactions, which the original replaces at once; make the new one by an earlier migration, beside the old one, and only then drop that
        "#]],
    );
    // A new one is built before the old one goes.
    check(
        &wrapped(ORDERS),
        "ALTER TABLE new DROP CONSTRAINT a_once;\nALTER TABLE new ADD CONSTRAINT a_and_id UNIQUE (a, id);\n",
        expect![[r#"
            == build_a_and_id (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY a_and_id ON new (a, id);  -- long
                undo DROP INDEX CONCURRENTLY IF EXISTS a_and_id;
            == add_a_and_id
            ALTER TABLE new ADD CONSTRAINT a_and_id UNIQUE USING INDEX a_and_id;  -- blocks
                undo ALTER TABLE new DROP CONSTRAINT a_and_id;
            ALTER TABLE new DROP CONSTRAINT a_once;  -- blocks verbatim
        "#]],
    );
}

#[test]
fn a_key_goes_where_the_new_one_comes() {
    // Not where its column was dropped.
    check(
        &wrapped("CREATE TABLE new (id int PRIMARY KEY, a int, b int, UNIQUE (a, b));"),
        "
ALTER TABLE new DROP COLUMN a;
COMMENT ON TABLE new IS 'without a';
ALTER TABLE new ADD COLUMN c int;
CREATE UNIQUE INDEX b_once ON new (b, c);
",
        expect![[r#"
            == comment_on_new
            COMMENT ON TABLE new IS 'without a';  -- verbatim
            ALTER TABLE new ADD COLUMN c int;  -- blocks verbatim
            == create_b_once (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY b_once ON new (b, c);  -- long
                undo DROP INDEX CONCURRENTLY b_once;
            == drop_new_a
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('b_once') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index b_once is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS b_once; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE new DROP COLUMN a;  -- blocks verbatim
            withheld 0.0: the drop is safe only when no running application uses it any more; do it by a later migration, after that deploy
        "#]],
    );
    check(
        &wrapped(
            "CREATE TABLE users (id int PRIMARY KEY, team int); CREATE TABLE orders (id int PRIMARY KEY,
user_id int CONSTRAINT orders_user REFERENCES users, note text);",
        ),
        "
ALTER TABLE orders DROP CONSTRAINT orders_user;
ALTER TABLE orders ADD COLUMN team int;
CREATE INDEX orders_note ON orders (note);
ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
",
        expect![[r#"
            == create_orders_note (no transaction)
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);  -- long
                undo DROP INDEX CONCURRENTLY orders_note;
            == drop_orders_user
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('orders_note') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index orders_note is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS orders_note; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE orders DROP CONSTRAINT orders_user;  -- blocks verbatim
            ALTER TABLE orders ADD COLUMN team int;  -- blocks verbatim
            ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_user;
            == validate_orders_user
            ALTER TABLE orders VALIDATE CONSTRAINT orders_user;  -- own long
        "#]],
    );
}

const FILLED: &str = "
CREATE TABLE users (id int PRIMARY KEY, team int);
CREATE TABLE orders (id int PRIMARY KEY, user_id int, team int);
CREATE FUNCTION add_order(who int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN INSERT INTO orders (user_id) VALUES (who); END $$;
";

#[test]
fn others_write_in_the_new_way_before_rows_are_held_to_it() {
    check(
        &wrapped(FILLED).allowing(Class::Unsafe),
        "
ALTER TABLE orders ADD COLUMN squad int;
UPDATE orders SET squad = 0;
ALTER TABLE orders ALTER squad SET NOT NULL;
CREATE OR REPLACE FUNCTION add_order(who int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN INSERT INTO orders (user_id, squad) SELECT who, team FROM users WHERE id = who; END $$;
",
        expect![[r#"
            unsafe
            == add_orders_squad
            ALTER TABLE orders ADD COLUMN squad int;  -- blocks verbatim
            CREATE OR REPLACE FUNCTION add_order(who int) RETURNS void LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO orders (user_id, squad) SELECT who, team FROM users WHERE id = who; END $$;  -- verbatim
            == backfill_orders_squad (no transaction)
            DO $safestep$
            DECLARE
              safestep_first orders.id%TYPE;
              safestep_last orders.id%TYPE;
              safestep_end orders.id%TYPE;
              safestep_rows bigint;
              safestep_batches bigint := 0;
            BEGIN
              SELECT orders.id INTO safestep_end FROM orders ORDER BY orders.id DESC LIMIT 1;
              SELECT orders.id INTO safestep_first FROM orders
                WHERE orders.squad IS DISTINCT FROM (0)::int4 ORDER BY orders.id LIMIT 1;
              WHILE safestep_first IS NOT NULL LOOP
                SELECT batch.id, count(*) OVER () INTO safestep_last, safestep_rows FROM (
                  SELECT orders.id FROM orders
                    WHERE orders.id >= safestep_first AND (orders.squad IS DISTINCT FROM (0)::int4) ORDER BY orders.id LIMIT 1000
                ) AS batch ORDER BY batch.id DESC LIMIT 1;
                UPDATE orders SET squad = 0
                  WHERE orders.id >= safestep_first AND orders.id <= safestep_last AND (orders.squad IS DISTINCT FROM (0)::int4);
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN safestep_last <= safestep_end THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT orders.id INTO safestep_first FROM orders
                  WHERE orders.id > safestep_last AND (orders.squad IS DISTINCT FROM (0)::int4) ORDER BY orders.id LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            == add_orders_squad_not_null_proof
            ALTER TABLE orders ADD CONSTRAINT orders_squad_not_null_proof CHECK (squad IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_squad_not_null_proof;
            == validate_orders_squad_not_null_proof
            ALTER TABLE orders VALIDATE CONSTRAINT orders_squad_not_null_proof;  -- own long
                again: rows without squad by 1
            == set_orders_squad_not_null
            ALTER TABLE orders ALTER COLUMN squad SET NOT NULL;  -- blocks
                undo ALTER TABLE orders ALTER COLUMN squad DROP NOT NULL;
            ALTER TABLE orders DROP CONSTRAINT orders_squad_not_null_proof;  -- blocks
                undo ALTER TABLE orders ADD CONSTRAINT orders_squad_not_null_proof CHECK (squad IS NOT NULL) NOT VALID;
            assuming: Rows of orders that others write meanwhile are changed too when they match, unless the batches have passed them or do not keep up with them, and a failure leaves the batches before it done.
        "#]],
    );
    check(
        &wrapped(FILLED),
        "
ALTER TABLE orders ALTER user_id SET NOT NULL;
ALTER TABLE orders ALTER user_id SET DEFAULT 0;
",
        expect![[r#"
            == alter_orders
            ALTER TABLE orders ALTER user_id SET DEFAULT 0;  -- blocks verbatim
            ALTER TABLE orders ADD CONSTRAINT orders_user_id_not_null_proof CHECK (user_id IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_user_id_not_null_proof;
            == validate_orders_user_id_not_null_proof
            ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_not_null_proof;  -- own long
            == set_orders_user_id_not_null
            ALTER TABLE orders ALTER COLUMN user_id SET NOT NULL;  -- blocks
                undo ALTER TABLE orders ALTER COLUMN user_id DROP NOT NULL;
            ALTER TABLE orders DROP CONSTRAINT orders_user_id_not_null_proof;  -- blocks
                undo ALTER TABLE orders ADD CONSTRAINT orders_user_id_not_null_proof CHECK (user_id IS NOT NULL) NOT VALID;
        "#]],
    );
    // What is not understood stands between the two.
    check(
        &wrapped(FILLED),
        "
ALTER TABLE orders ADD CHECK (user_id > 0);
DO $$ BEGIN PERFORM some(); END $$;
CREATE TRIGGER fills BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fill();
",
        expect![[r#"
            unchanged
            withheld 0.0: between two transactions others would write rows into orders that are not allowed any more; first make sure, by an earlier migration or the application, that no such rows are written
            withheld 1.0: it stands inside a block or function body, which is never rewritten; make it a statement of the file
        "#]],
    );
}

#[test]
fn what_rows_are_made_of_goes_when_they_are_proven() {
    check(
        &wrapped(FILLED).allowing(Class::Unsafe),
        "
ALTER TABLE orders ADD COLUMN owner int;
UPDATE orders SET owner = user_id;
ALTER TABLE orders ALTER owner SET NOT NULL;
ALTER TABLE orders DROP COLUMN user_id;
",
        expect![[r#"
            == add_orders_owner
            ALTER TABLE orders ADD COLUMN owner int;  -- blocks verbatim
            UPDATE orders SET owner = user_id;  -- long verbatim
            ALTER TABLE orders DROP COLUMN user_id;  -- blocks verbatim
            == add_orders_owner_not_null_proof
            ALTER TABLE orders ADD CONSTRAINT orders_owner_not_null_proof CHECK (owner IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_owner_not_null_proof;
            == validate_orders_owner_not_null_proof
            ALTER TABLE orders VALIDATE CONSTRAINT orders_owner_not_null_proof;  -- own long
                again: rows without owner by 1
            == set_orders_owner_not_null
            ALTER TABLE orders ALTER COLUMN owner SET NOT NULL;  -- blocks
                undo ALTER TABLE orders ALTER COLUMN owner DROP NOT NULL;
            ALTER TABLE orders DROP CONSTRAINT orders_owner_not_null_proof;  -- blocks
                undo ALTER TABLE orders ADD CONSTRAINT orders_owner_not_null_proof CHECK (owner IS NOT NULL) NOT VALID;
            withheld 1.0: what others write into orders.user_id after it was copied would be lost
            withheld 3.0: the drop is safe only when no running application uses it any more; do it by a later migration, after that deploy
        "#]],
    );
}

/// Between the parts of a split others would write what nobody takes along.
#[test]
fn what_others_write_meanwhile_is_not_lost() {
    for (sql, expected) in [
        (
            "INSERT INTO users (id, team) SELECT id, user_id FROM orders;
DROP TABLE orders;
CREATE INDEX users_team ON users (team);",
            expect![[r#"
                == fill_users
                INSERT INTO users (id, team) SELECT id, user_id FROM orders;  -- long verbatim
                DROP TABLE orders;  -- blocks verbatim
                == create_users_team (no transaction)
                CREATE INDEX CONCURRENTLY users_team ON users (team);  -- long
                    undo DROP INDEX CONCURRENTLY users_team;
                withheld 1.0: the drop is safe only when no running application uses it any more; do it by a later migration, after that deploy
            "#]],
        ),
        (
            "UPDATE orders SET id = user_id WHERE id < 0;
ALTER TABLE orders DROP COLUMN user_id, ALTER COLUMN team SET NOT NULL, ALTER COLUMN team SET DEFAULT 1;",
            expect![[r#"
                == alter_orders
                ALTER TABLE orders ALTER COLUMN team SET DEFAULT 1;  -- blocks
                == update_orders
                UPDATE orders SET id = user_id WHERE id < 0;  -- long verbatim
                ALTER TABLE orders DROP COLUMN user_id;  -- blocks
                == add_orders_team_not_null_proof
                ALTER TABLE orders ADD CONSTRAINT orders_team_not_null_proof CHECK (team IS NOT NULL) NOT VALID;  -- blocks
                    undo ALTER TABLE orders DROP CONSTRAINT orders_team_not_null_proof;
                == validate_orders_team_not_null_proof
                ALTER TABLE orders VALIDATE CONSTRAINT orders_team_not_null_proof;  -- own long
                == set_orders_team_not_null
                ALTER TABLE orders ALTER COLUMN team SET NOT NULL;  -- blocks
                    undo ALTER TABLE orders ALTER COLUMN team DROP NOT NULL;
                ALTER TABLE orders DROP CONSTRAINT orders_team_not_null_proof;  -- blocks
                    undo ALTER TABLE orders ADD CONSTRAINT orders_team_not_null_proof CHECK (team IS NOT NULL) NOT VALID;
                withheld 0.0: it changes the primary key, along which its batches would go; change one range after the other by hand
                withheld 1.0: the drop is safe only when no running application uses it any more; do it by a later migration, after that deploy
            "#]],
        ),
        (
            "ALTER TABLE orders ADD COLUMN done int;
UPDATE orders SET done = user_id;
CREATE TRIGGER does BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION do_it();
CREATE INDEX orders_done ON orders (done);",
            expect![[r#"
                == add_orders_done
                ALTER TABLE orders ADD COLUMN done int;  -- blocks verbatim
                UPDATE orders SET done = user_id;  -- long verbatim
                CREATE TRIGGER does BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION do_it();  -- blocks verbatim
                == create_orders_done (no transaction)
                CREATE INDEX CONCURRENTLY orders_done ON orders (done);  -- long
                    undo DROP INDEX CONCURRENTLY orders_done;
                withheld 1.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
            "#]],
        ),
        (
            "ALTER TABLE orders ADD COLUMN views int;
UPDATE orders SET views = 0;
ALTER TABLE orders ALTER COLUMN views SET DEFAULT 0;
CREATE INDEX orders_views ON orders (views);",
            expect![[r#"
                == add_orders_views
                ALTER TABLE orders ADD COLUMN views int;  -- blocks verbatim
                ALTER TABLE orders ALTER COLUMN views SET DEFAULT 0;  -- blocks verbatim
                == update_orders
                UPDATE orders SET views = 0;  -- long verbatim
                == create_orders_views (no transaction)
                CREATE INDEX CONCURRENTLY orders_views ON orders (views);  -- long
                    undo DROP INDEX CONCURRENTLY orders_views;
                withheld 1.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
            "#]],
        ),
        (
            "ALTER TABLE orders RENAME COLUMN user_id TO user_old;
ALTER TABLE orders ADD COLUMN user_id text;
UPDATE orders SET user_id = user_old::text;
CREATE INDEX orders_user ON orders (user_id);",
            expect![[r#"
                == rename_user_id
                ALTER TABLE orders RENAME COLUMN user_id TO user_old;  -- blocks verbatim
                ALTER TABLE orders ADD COLUMN user_id text;  -- blocks verbatim
                UPDATE orders SET user_id = user_old::text;  -- long verbatim
                == create_orders_user (no transaction)
                CREATE INDEX CONCURRENTLY orders_user ON orders (user_id);  -- long
                    undo DROP INDEX CONCURRENTLY orders_user;
                withheld 0.0: the old name must stay until every running application uses the new one; add the new one beside it, and drop the old one by a later migration
                withheld 2.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
            "#]],
        ),
        (
            "DELETE FROM users;
ALTER TABLE users ADD COLUMN price int;
INSERT INTO users VALUES (1, 2, 3);
CREATE INDEX users_price ON users (price);",
            expect![[r#"
                == delete_from_users
                DELETE FROM users;  -- long verbatim
                ALTER TABLE users ADD COLUMN price int;  -- blocks verbatim
                INSERT INTO users VALUES (1, 2, 3);  -- verbatim
                == create_users_price (no transaction)
                CREATE INDEX CONCURRENTLY users_price ON users (price);  -- long
                    undo DROP INDEX CONCURRENTLY users_price;
                withheld 0.0: it stays in one transaction with its neighbours: others must not meet the table without the rows that are put back
                withheld 1.0: it stays in one transaction with its neighbours: others must not meet the table without the rows that are put back
                withheld 2.0: it stays in one transaction with its neighbours: others must not meet the table without the rows that are put back
            "#]],
        ),
    ] {
        check(&wrapped(FILLED), sql, expected);
    }
}

#[test]
fn nothing_is_open_to_all_or_closed_to_all_for_a_while() {
    check(
        &wrapped(FILLED),
        "
CREATE FUNCTION danger() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
ALTER TABLE orders ADD CHECK (user_id > 0);
REVOKE ALL ON FUNCTION danger() FROM PUBLIC;
",
        expect![[r#"
            == create_danger
            CREATE FUNCTION danger() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';  -- verbatim
            REVOKE ALL ON FUNCTION danger() FROM PUBLIC;  -- verbatim
            ALTER TABLE orders ADD CONSTRAINT orders_user_id_check CHECK (user_id > 0) NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_user_id_check;
            == validate_orders_user_id_check
            ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_check;  -- own long
        "#]],
    );
    check(
        &wrapped(FILLED),
        "
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE orders ALTER COLUMN user_id SET NOT NULL;
CREATE INDEX orders_user ON orders (user_id);
CREATE POLICY p ON orders USING (user_id = 1);
",
        expect![[r#"
            unchanged
            withheld 1.0: orders would be without policies for a while, which the original takes away and gives back at once
            withheld 2.0: orders would be without policies for a while, which the original takes away and gives back at once
        "#]],
    );
}

#[test]
fn a_rule_for_rows_is_replaced_under_another_name() {
    let given = "CREATE TABLE t (id bigserial PRIMARY KEY, a int NOT NULL, st text NOT NULL, CONSTRAINT c1 CHECK (st IN ('a','b')));
CREATE UNIQUE INDEX t_st ON t (st);";
    for (sql, expected) in [
        (
            "ALTER TABLE t DROP CONSTRAINT c1;
UPDATE t SET st = 'c' WHERE st = 'b';
ALTER TABLE t ADD CONSTRAINT c2 CHECK (st IN ('a','c'));
CREATE INDEX t_a ON t (a);",
            expect![[r#"
                == drop_c1
                ALTER TABLE t DROP CONSTRAINT c1;  -- blocks verbatim
                UPDATE t SET st = 'c' WHERE st = 'b';  -- long verbatim
                ALTER TABLE t ADD CONSTRAINT c2 CHECK (st IN ('a','c')) NOT VALID;  -- blocks
                    undo ALTER TABLE t DROP CONSTRAINT c2;
                == validate_c2
                ALTER TABLE t VALIDATE CONSTRAINT c2;  -- own long
                    again: rows that violate c2 by 1
                == create_t_a (no transaction)
                CREATE INDEX CONCURRENTLY t_a ON t (a);  -- long
                    undo DROP INDEX CONCURRENTLY t_a;
                withheld 1.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
            "#]],
        ),
        (
            "DROP INDEX t_st;
UPDATE t SET st = lower(st);
CREATE UNIQUE INDEX t_st_lower ON t (lower(st));
CREATE INDEX t_a ON t (a);",
            expect![[r#"
                == drop_t_st
                DROP INDEX t_st;  -- blocks verbatim
                UPDATE t SET st = lower(st);  -- long verbatim
                CREATE UNIQUE INDEX t_st_lower ON t (lower(st));  -- long blocks verbatim
                == create_t_a (no transaction)
                CREATE INDEX CONCURRENTLY t_a ON t (a);  -- long
                    undo DROP INDEX CONCURRENTLY t_a;
                withheld 0.0: t would be without a unique key on (st) between two transactions, which the original replaces at once; make the new one by an earlier migration, beside the old one, and only then drop that
                withheld 1.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
                withheld 2.0: t would be without a unique key on (st) between two transactions, which the original replaces at once; make the new one by an earlier migration, beside the old one, and only then drop that
            "#]],
        ),
        (
            "ALTER TABLE t ADD COLUMN b int, ALTER a DROP NOT NULL;
UPDATE t SET b = a, a = NULL WHERE a > 30;
ALTER TABLE t ADD CHECK (num_nonnulls(a, b) = 1);
CREATE INDEX t_a ON t (a);",
            expect![[r#"
                == alter_t
                ALTER TABLE t ADD COLUMN b int, ALTER a DROP NOT NULL;  -- blocks verbatim
                UPDATE t SET b = a, a = NULL WHERE a > 30;  -- long verbatim
                ALTER TABLE t ADD CONSTRAINT t_check CHECK (num_nonnulls(a, b) = 1) NOT VALID;  -- blocks
                    undo ALTER TABLE t DROP CONSTRAINT t_check;
                == validate_t_check
                ALTER TABLE t VALIDATE CONSTRAINT t_check;  -- own long
                    again: rows that violate t_check by 1
                == create_t_a (no transaction)
                CREATE INDEX CONCURRENTLY t_a ON t (a);  -- long
                    undo DROP INDEX CONCURRENTLY t_a;
                withheld 1.0: the new value of b depends on what the statement changes, so no row may be changed twice; change one range of the primary key after the other by hand, and keep how far that came
            "#]],
        ),
    ] {
        check(&wrapped(given), sql, expected);
    }
}

/// A default that comes first must not keep the foreign key of a new table from a file of its own, where it counts as filled.
#[test]
fn what_runs_apart_may_be_filled_by_then() {
    check(
        &wrapped(FILLED).choosing(&[(0, 0), (1, 0), (3, 0)]).apart(&[(3, 0)]),
        "
UPDATE users SET team = 1 WHERE team IS NULL;
ALTER TABLE users ALTER team SET NOT NULL, ALTER team SET DEFAULT 1;
CREATE TABLE IF NOT EXISTS slots (id int PRIMARY KEY, user_id int);
ALTER TABLE slots ADD CONSTRAINT slots_user FOREIGN KEY (user_id) REFERENCES users;
INSERT INTO slots SELECT id, id FROM users;
",
        expect![[r#"
            == alter_users
            ALTER TABLE users ALTER team SET DEFAULT 1;  -- blocks
            == update_users
            UPDATE users SET team = 1 WHERE team IS NULL;  -- long verbatim
            CREATE TABLE IF NOT EXISTS slots (id int PRIMARY KEY, user_id int);  -- verbatim
            == add_users_team_not_null_proof
            ALTER TABLE users ADD CONSTRAINT users_team_not_null_proof CHECK (team IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_team_not_null_proof;
            == validate_users_team_not_null_proof
            ALTER TABLE users VALIDATE CONSTRAINT users_team_not_null_proof;  -- own long
                again: rows without team by 0
            == set_users_team_not_null
            ALTER TABLE users ALTER COLUMN team SET NOT NULL;  -- blocks
                undo ALTER TABLE users ALTER COLUMN team DROP NOT NULL;
            ALTER TABLE users DROP CONSTRAINT users_team_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_team_not_null_proof CHECK (team IS NOT NULL) NOT VALID;
            == add_slots_user
            ALTER TABLE slots ADD CONSTRAINT slots_user FOREIGN KEY (user_id) REFERENCES users NOT VALID;  -- blocks
                undo ALTER TABLE slots DROP CONSTRAINT slots_user;
            == validate_slots_user
            ALTER TABLE slots VALIDATE CONSTRAINT slots_user;  -- own
            == fill_slots
            INSERT INTO slots SELECT id, id FROM users;  -- long verbatim
            withheld 0.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
        "#]],
    );
}

#[test]
fn a_trigger_and_a_copy_do_not_write_the_same_rows() {
    let mirror = "CREATE TABLE mirror (id bigint PRIMARY KEY);
CREATE FUNCTION mirrored() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO mirror VALUES (NEW.id); RETURN NULL; END $$;
CREATE TRIGGER mirrored AFTER INSERT ON old FOR EACH ROW EXECUTE FUNCTION mirrored();
INSERT INTO mirror SELECT id FROM old;
CREATE INDEX old_a ON old (a);
";
    check(
        &wrapped(ORDERS),
        mirror,
        expect![[r#"
        == create_mirror
        CREATE TABLE mirror (id bigint PRIMARY KEY);  -- verbatim
        CREATE FUNCTION mirrored() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO mirror VALUES (NEW.id); RETURN NULL; END $$;  -- verbatim
        CREATE TRIGGER mirrored AFTER INSERT ON old FOR EACH ROW EXECUTE FUNCTION mirrored();  -- blocks verbatim
        INSERT INTO mirror SELECT id FROM old;  -- long verbatim
        == create_old_a (no transaction)
        CREATE INDEX CONCURRENTLY old_a ON old (a);  -- long
            undo DROP INDEX CONCURRENTLY old_a;
    "#]],
    );
    // Whichever comes first, the other does nothing.
    let settled = mirror.replace("FROM old;", "FROM old ON CONFLICT DO NOTHING;");
    check(
        &wrapped(ORDERS),
        &settled,
        expect![[r#"
        == create_mirror
        CREATE TABLE mirror (id bigint PRIMARY KEY);  -- verbatim
        CREATE FUNCTION mirrored() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO mirror VALUES (NEW.id); RETURN NULL; END $$;  -- verbatim
        CREATE TRIGGER mirrored AFTER INSERT ON old FOR EACH ROW EXECUTE FUNCTION mirrored();  -- blocks verbatim
        == fill_mirror
        INSERT INTO mirror SELECT id FROM old ON CONFLICT DO NOTHING;  -- long verbatim
        == create_old_a (no transaction)
        CREATE INDEX CONCURRENTLY old_a ON old (a);  -- long
            undo DROP INDEX CONCURRENTLY old_a;
    "#]],
    );
    // The function writes elsewhere.
    let other = mirror.replace("INSERT INTO mirror VALUES", "INSERT INTO new VALUES");
    check(
        &wrapped(ORDERS),
        &other,
        expect![[r#"
        == create_mirror
        CREATE TABLE mirror (id bigint PRIMARY KEY);  -- verbatim
        CREATE FUNCTION mirrored() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO new VALUES (NEW.id); RETURN NULL; END $$;  -- verbatim
        CREATE TRIGGER mirrored AFTER INSERT ON old FOR EACH ROW EXECUTE FUNCTION mirrored();  -- blocks verbatim
        == fill_mirror
        INSERT INTO mirror SELECT id FROM old;  -- long verbatim
        == create_old_a (no transaction)
        CREATE INDEX CONCURRENTLY old_a ON old (a);  -- long
            undo DROP INDEX CONCURRENTLY old_a;
    "#]],
    );
}

#[test]
fn a_copy_takes_the_place_of_what_it_was_made_of() {
    let held = |sql: &str, expected| {
        let sql = format!("CREATE INDEX new_b ON new (a);\n{sql}");
        check(&wrapped(ORDERS), &sql, expected);
    };
    held(
        "CREATE TABLE next (id bigint PRIMARY KEY, a bigint);
INSERT INTO next SELECT id, a FROM old;
ALTER TABLE old RENAME TO was;
ALTER TABLE next RENAME TO old;
",
        expect![[r#"
            == create_new_b (no transaction)
            CREATE INDEX CONCURRENTLY new_b ON new (a);  -- long
                undo DROP INDEX CONCURRENTLY new_b;
            == create_next
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('new_b') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index new_b is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS new_b; then build it again.';
              END IF;
            END
            $safestep$;  --
            CREATE TABLE next (id bigint PRIMARY KEY, a bigint);  -- verbatim
            INSERT INTO next SELECT id, a FROM old;  -- long verbatim
            ALTER TABLE old RENAME TO was;  -- blocks verbatim
            ALTER TABLE next RENAME TO old;  -- verbatim
            withheld 3.0: the old name must stay until every running application uses the new one; add the new one beside it, and drop the old one by a later migration
            withheld 4.0: the old name must stay until every running application uses the new one; add the new one beside it, and drop the old one by a later migration
        "#]],
    );
    held(
        "ALTER TABLE old ADD COLUMN a2 bigint;
UPDATE old SET a2 = a;
ALTER TABLE old RENAME COLUMN a TO was;
ALTER TABLE old RENAME COLUMN a2 TO a;
",
        expect![[r#"
            == create_new_b (no transaction)
            CREATE INDEX CONCURRENTLY new_b ON new (a);  -- long
                undo DROP INDEX CONCURRENTLY new_b;
            == add_old_a2
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('new_b') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index new_b is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS new_b; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE old ADD COLUMN a2 bigint;  -- blocks verbatim
            UPDATE old SET a2 = a;  -- long verbatim
            ALTER TABLE old RENAME COLUMN a TO was;  -- blocks verbatim
            ALTER TABLE old RENAME COLUMN a2 TO a;  -- blocks verbatim
            withheld 2.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
            withheld 3.0: the old name must stay until every running application uses the new one; add the new one beside it, and drop the old one by a later migration
            withheld 4.0: the old name must stay until every running application uses the new one; add the new one beside it, and drop the old one by a later migration
        "#]],
    );
    held(
        "CREATE TABLE kept AS SELECT * FROM old;\nDROP TABLE old;\n",
        expect![[r#"
        == create_new_b (no transaction)
        CREATE INDEX CONCURRENTLY new_b ON new (a);  -- long
            undo DROP INDEX CONCURRENTLY new_b;
        == create_kept
        DO $safestep$
        BEGIN
          IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('new_b') AND indisvalid) THEN
            RAISE EXCEPTION USING MESSAGE = 'index new_b is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS new_b; then build it again.';
          END IF;
        END
        $safestep$;  --
        CREATE TABLE kept AS SELECT * FROM old;  -- long verbatim
        DROP TABLE old;  -- blocks verbatim
        withheld 2.0: the drop is safe only when no running application uses it any more; do it by a later migration, after that deploy
    "#]],
    );
    held(
        "DO $$ BEGIN INSERT INTO new SELECT * FROM old; END $$;\nDROP TABLE old;\n",
        expect![[r#"
        unchanged
        withheld 0.0: what others write into old after it was copied would be lost
        withheld 1.0: it stands inside a block or function body, which is never rewritten; make it a statement of the file
        withheld 2.0: the drop is safe only when no running application uses it any more; do it by a later migration, after that deploy
    "#]],
    );
}

#[test]
fn an_exclusion_constraint_is_a_key() {
    check(
        &wrapped("CREATE TABLE booked (id bigint PRIMARY KEY, during tsrange, EXCLUDE USING gist (during WITH &&));"),
        "ALTER TABLE booked DROP CONSTRAINT booked_during_excl;\nCREATE UNIQUE INDEX booked_during ON booked (during);\n",
        expect![[r#"
            unchanged
            withheld 1.0: booked would be without a unique key on (during) between two transactions, which the original replaces at once; make the new one by an earlier migration, beside the old one, and only then drop that
        "#]],
    );
}

#[test]
fn what_is_changed_and_not_looked_at_may_be_deleted_later() {
    let split = |sql: &str| {
        let given = wrapped(ORDERS).allowing(Class::Unsafe);
        super::run(&given, sql).2.plan.parts.len()
    };
    assert_eq!(split("UPDATE old SET a = 1;\nDELETE FROM old WHERE id < 5;\n"), 2);
    assert_eq!(split("UPDATE old SET a = 1 WHERE id < 5;\nDELETE FROM old WHERE a IS NULL;\n"), 1);
    assert_eq!(split("UPDATE new SET a = (SELECT max(a) FROM old);\nDELETE FROM old WHERE id < 5;\n"), 1);
}
