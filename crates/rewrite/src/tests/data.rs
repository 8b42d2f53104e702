//! Data changes in batches.

use expect_test::expect;
use model::plan::Class;

use super::{check, wrapped};

const SHOP: &str = "
CREATE TABLE users (id bigint PRIMARY KEY, email text, status varchar(20), seen timestamptz, extra json, visits int);
CREATE TABLE pairs (a int, b int, note text, PRIMARY KEY (a, b));
CREATE TABLE heap (a int);
CREATE TABLE plans (id int PRIMARY KEY, name text);
";

fn plan(sql: &str, expected: expect_test::Expect) {
    check(&wrapped(SHOP).allowing(Class::Unsafe), sql, expected);
}

#[test]
fn a_table_that_may_have_been_there_is_gone_through_by_the_key_that_is_known() {
    check(
        &wrapped("CREATE TABLE IF NOT EXISTS users (id bigint PRIMARY KEY, note text);")
            .unknown()
            .allowing(Class::Unsafe),
        "UPDATE users SET note = '';",
        expect![[r#"
            unsafe
            == backfill_users_note (no transaction)
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
                WHERE users.note IS DISTINCT FROM ('')::text ORDER BY users.id LIMIT 1;
              WHILE safestep_first IS NOT NULL LOOP
                SELECT batch.id, count(*) OVER () INTO safestep_last, safestep_rows FROM (
                  SELECT users.id FROM users
                    WHERE users.id >= safestep_first AND (users.note IS DISTINCT FROM ('')::text) ORDER BY users.id LIMIT 1000
                ) AS batch ORDER BY batch.id DESC LIMIT 1;
                UPDATE users SET note = ''
                  WHERE users.id >= safestep_first AND users.id <= safestep_last AND (users.note IS DISTINCT FROM ('')::text);
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN safestep_last <= safestep_end THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT users.id INTO safestep_first FROM users
                  WHERE users.id > safestep_last AND (users.note IS DISTINCT FROM ('')::text) ORDER BY users.id LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            assuming: Rows of users that others write meanwhile are changed too when they match, unless the batches have passed them or do not keep up with them, and a failure leaves the batches before it done.
            assuming: users has the primary key (id).
            assuming: users has no triggers that must fire once for the whole statement.
            assuming: Rows of users that already hold the new values are left alone, and triggers that it may have for UPDATE do not run for them.
        "#]],
    );
}

#[test]
fn updates() {
    plan(
        "UPDATE users SET status = 'new' WHERE status IS NULL;",
        expect![[r#"
            unsafe
            == backfill_users_status (no transaction)
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
                WHERE (status IS NULL) AND users.status IS DISTINCT FROM ('new')::varchar(20) ORDER BY users.id LIMIT 1;
              WHILE safestep_first IS NOT NULL LOOP
                SELECT batch.id, count(*) OVER () INTO safestep_last, safestep_rows FROM (
                  SELECT users.id FROM users
                    WHERE users.id >= safestep_first AND ((status IS NULL) AND users.status IS DISTINCT FROM ('new')::varchar(20)) ORDER BY users.id LIMIT 1000
                ) AS batch ORDER BY batch.id DESC LIMIT 1;
                UPDATE users SET status = 'new'
                  WHERE users.id >= safestep_first AND users.id <= safestep_last AND ((status IS NULL) AND users.status IS DISTINCT FROM ('new')::varchar(20));
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN safestep_last <= safestep_end THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT users.id INTO safestep_first FROM users
                  WHERE users.id > safestep_last AND ((status IS NULL) AND users.status IS DISTINCT FROM ('new')::varchar(20)) ORDER BY users.id LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            assuming: Rows of users that others write meanwhile are changed too when they match, unless the batches have passed them or do not keep up with them, and a failure leaves the batches before it done.
        "#]],
    );
    plan(
        "UPDATE pairs AS p SET note = p.a || '/' || p.b;",
        expect![[r#"
            unsafe
            == backfill_pairs_note (no transaction)
            DO $safestep$
            DECLARE
              safestep_first_1 pairs.a%TYPE;
              safestep_first_2 pairs.b%TYPE;
              safestep_last_1 pairs.a%TYPE;
              safestep_last_2 pairs.b%TYPE;
              safestep_end_1 pairs.a%TYPE;
              safestep_end_2 pairs.b%TYPE;
              safestep_rows bigint;
              safestep_batches bigint := 0;
            BEGIN
              SELECT p.a, p.b INTO safestep_end_1, safestep_end_2 FROM pairs AS p ORDER BY p.a DESC, p.b DESC LIMIT 1;
              SELECT p.a, p.b INTO safestep_first_1, safestep_first_2 FROM pairs AS p
                WHERE p.note IS DISTINCT FROM (p.a || '/' || p.b)::text ORDER BY p.a, p.b LIMIT 1;
              WHILE safestep_first_1 IS NOT NULL LOOP
                SELECT batch.a, batch.b, count(*) OVER () INTO safestep_last_1, safestep_last_2, safestep_rows FROM (
                  SELECT p.a, p.b FROM pairs AS p
                    WHERE (p.a, p.b) >= (safestep_first_1, safestep_first_2) AND (p.note IS DISTINCT FROM (p.a || '/' || p.b)::text) ORDER BY p.a, p.b LIMIT 1000
                ) AS batch ORDER BY batch.a DESC, batch.b DESC LIMIT 1;
                UPDATE pairs AS p SET note = p.a || '/' || p.b
                  WHERE (p.a, p.b) >= (safestep_first_1, safestep_first_2) AND (p.a, p.b) <= (safestep_last_1, safestep_last_2) AND (p.note IS DISTINCT FROM (p.a || '/' || p.b)::text);
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN (safestep_last_1, safestep_last_2) <= (safestep_end_1, safestep_end_2) THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT p.a, p.b INTO safestep_first_1, safestep_first_2 FROM pairs AS p
                  WHERE (p.a, p.b) > (safestep_last_1, safestep_last_2) AND (p.note IS DISTINCT FROM (p.a || '/' || p.b)::text) ORDER BY p.a, p.b LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            assuming: Rows of pairs that others write meanwhile are changed too when they match, unless the batches have passed them or do not keep up with them, and a failure leaves the batches before it done.
        "#]],
    );
    plan(
        "-- clean\nUPDATE public.users SET email = lower(email), seen = now() WHERE email IS NULL; -- done",
        expect![[r#"
            unsafe
            == backfill_users_email (no transaction)
            -- clean
            DO $safestep$
            DECLARE
              safestep_first public.users.id%TYPE;
              safestep_last public.users.id%TYPE;
              safestep_end public.users.id%TYPE;
              safestep_rows bigint;
              safestep_batches bigint := 0;
              safestep_now timestamptz := now();
            BEGIN
              SELECT users.id INTO safestep_end FROM public.users ORDER BY users.id DESC LIMIT 1;
              SELECT users.id INTO safestep_first FROM public.users
                WHERE (email IS NULL) AND (users.email IS DISTINCT FROM (lower(email))::text OR users.seen IS DISTINCT FROM (safestep_now)::timestamptz) ORDER BY users.id LIMIT 1;
              WHILE safestep_first IS NOT NULL LOOP
                SELECT batch.id, count(*) OVER () INTO safestep_last, safestep_rows FROM (
                  SELECT users.id FROM public.users
                    WHERE users.id >= safestep_first AND ((email IS NULL) AND (users.email IS DISTINCT FROM (lower(email))::text OR users.seen IS DISTINCT FROM (safestep_now)::timestamptz)) ORDER BY users.id LIMIT 1000
                ) AS batch ORDER BY batch.id DESC LIMIT 1;
                UPDATE public.users SET email = lower(email), seen = safestep_now
                  WHERE users.id >= safestep_first AND users.id <= safestep_last AND ((email IS NULL) AND (users.email IS DISTINCT FROM (lower(email))::text OR users.seen IS DISTINCT FROM (safestep_now)::timestamptz));
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN safestep_last <= safestep_end THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT users.id INTO safestep_first FROM public.users
                  WHERE users.id > safestep_last AND ((email IS NULL) AND (users.email IS DISTINCT FROM (lower(email))::text OR users.seen IS DISTINCT FROM (safestep_now)::timestamptz)) ORDER BY users.id LIMIT 1;
              END LOOP;
            END
            $safestep$; -- done  -- long
                again: the batches done by then stay done
            assuming: Rows of public.users that others write meanwhile are changed too when they match, unless the batches have passed them or do not keep up with them, and a failure leaves the batches before it done.
        "#]],
    );
    plan(
        "UPDATE users SET email = lower(email) WHERE email <> lower(email)",
        expect![[r#"
            unsafe
            == backfill_users_email (no transaction)
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
                WHERE (email <> lower(email)) AND users.email IS DISTINCT FROM (lower(email))::text ORDER BY users.id LIMIT 1;
              WHILE safestep_first IS NOT NULL LOOP
                SELECT batch.id, count(*) OVER () INTO safestep_last, safestep_rows FROM (
                  SELECT users.id FROM users
                    WHERE users.id >= safestep_first AND ((email <> lower(email)) AND users.email IS DISTINCT FROM (lower(email))::text) ORDER BY users.id LIMIT 1000
                ) AS batch ORDER BY batch.id DESC LIMIT 1;
                UPDATE users SET email = lower(email)
                  WHERE users.id >= safestep_first AND users.id <= safestep_last AND ((email <> lower(email)) AND users.email IS DISTINCT FROM (lower(email))::text);
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN safestep_last <= safestep_end THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT users.id INTO safestep_first FROM users
                  WHERE users.id > safestep_last AND ((email <> lower(email)) AND users.email IS DISTINCT FROM (lower(email))::text) ORDER BY users.id LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            assuming: Rows of users that others write meanwhile are changed too when they match, unless the batches have passed them or do not keep up with them, and a failure leaves the batches before it done.
        "#]],
    );
    plan(
        "UPDATE users SET extra = '{}' WHERE extra IS NULL",
        expect![[r#"
            unsafe
            == backfill_users_extra (no transaction)
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
                WHERE extra IS NULL ORDER BY users.id LIMIT 1;
              WHILE safestep_first IS NOT NULL LOOP
                SELECT batch.id, count(*) OVER () INTO safestep_last, safestep_rows FROM (
                  SELECT users.id FROM users
                    WHERE users.id >= safestep_first AND (extra IS NULL) ORDER BY users.id LIMIT 1000
                ) AS batch ORDER BY batch.id DESC LIMIT 1;
                UPDATE users SET extra = '{}'
                  WHERE users.id >= safestep_first AND users.id <= safestep_last AND (extra IS NULL);
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN safestep_last <= safestep_end THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT users.id INTO safestep_first FROM users
                  WHERE users.id > safestep_last AND (extra IS NULL) ORDER BY users.id LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            assuming: Rows of users that others write meanwhile are changed too when they match, unless the batches have passed them or do not keep up with them, and a failure leaves the batches before it done.
        "#]],
    );
}

#[test]
fn deletes() {
    plan(
        "DELETE FROM users WHERE seen < now() - interval '1 year';",
        expect![[r#"
            unsafe
            == delete_from_users (no transaction)
            DO $safestep$
            DECLARE
              safestep_first users.id%TYPE;
              safestep_last users.id%TYPE;
              safestep_end users.id%TYPE;
              safestep_rows bigint;
              safestep_batches bigint := 0;
              safestep_now timestamptz := now();
            BEGIN
              SELECT users.id INTO safestep_end FROM users ORDER BY users.id DESC LIMIT 1;
              SELECT users.id INTO safestep_first FROM users
                WHERE seen < safestep_now - interval '1 year' ORDER BY users.id LIMIT 1;
              WHILE safestep_first IS NOT NULL LOOP
                SELECT batch.id, count(*) OVER () INTO safestep_last, safestep_rows FROM (
                  SELECT users.id FROM users
                    WHERE users.id >= safestep_first AND (seen < safestep_now - interval '1 year') ORDER BY users.id LIMIT 1000
                ) AS batch ORDER BY batch.id DESC LIMIT 1;
                DELETE FROM users
                  WHERE users.id >= safestep_first AND users.id <= safestep_last AND (seen < safestep_now - interval '1 year');
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN safestep_last <= safestep_end THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT users.id INTO safestep_first FROM users
                  WHERE users.id > safestep_last AND (seen < safestep_now - interval '1 year') ORDER BY users.id LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            assuming: Rows of users that others write meanwhile are changed too when they match, unless the batches have passed them or do not keep up with them, and a failure leaves the batches before it done.
        "#]],
    );
    plan(
        "DELETE FROM ONLY pairs p;",
        expect![[r#"
            unsafe
            == delete_from_pairs (no transaction)
            DO $safestep$
            DECLARE
              safestep_first_1 pairs.a%TYPE;
              safestep_first_2 pairs.b%TYPE;
              safestep_last_1 pairs.a%TYPE;
              safestep_last_2 pairs.b%TYPE;
              safestep_end_1 pairs.a%TYPE;
              safestep_end_2 pairs.b%TYPE;
              safestep_rows bigint;
              safestep_batches bigint := 0;
            BEGIN
              SELECT p.a, p.b INTO safestep_end_1, safestep_end_2 FROM ONLY pairs p ORDER BY p.a DESC, p.b DESC LIMIT 1;
              SELECT p.a, p.b INTO safestep_first_1, safestep_first_2 FROM ONLY pairs p
                WHERE true ORDER BY p.a, p.b LIMIT 1;
              WHILE safestep_first_1 IS NOT NULL LOOP
                SELECT batch.a, batch.b, count(*) OVER () INTO safestep_last_1, safestep_last_2, safestep_rows FROM (
                  SELECT p.a, p.b FROM ONLY pairs p
                    WHERE (p.a, p.b) >= (safestep_first_1, safestep_first_2) AND (true) ORDER BY p.a, p.b LIMIT 1000
                ) AS batch ORDER BY batch.a DESC, batch.b DESC LIMIT 1;
                DELETE FROM ONLY pairs p
                  WHERE (p.a, p.b) >= (safestep_first_1, safestep_first_2) AND (p.a, p.b) <= (safestep_last_1, safestep_last_2) AND (true);
                COMMIT;
                safestep_batches := safestep_batches + CASE WHEN (safestep_last_1, safestep_last_2) <= (safestep_end_1, safestep_end_2) THEN 1 ELSE -1 END;
                EXIT WHEN safestep_rows < 1000 OR safestep_batches < 0;
                PERFORM pg_sleep(0.100);
                SELECT p.a, p.b INTO safestep_first_1, safestep_first_2 FROM ONLY pairs p
                  WHERE (p.a, p.b) > (safestep_last_1, safestep_last_2) AND (true) ORDER BY p.a, p.b LIMIT 1;
              END LOOP;
            END
            $safestep$;  -- long
                again: the batches done by then stay done
            assuming: Rows of pairs that others write meanwhile are changed too when they match, unless the batches have passed them or do not keep up with them, and a failure leaves the batches before it done.
        "#]],
    );
}

#[test]
fn what_batches_would_change() {
    for (sql, expected) in [
        (
            "UPDATE users SET visits = visits + 1;",
            expect![[r#"
                unchanged
                withheld 0.0: the new value of visits depends on what the statement changes, so no row may be changed twice; change one range of the primary key after the other by hand, and keep how far that came
            "#]],
        ),
        (
            "UPDATE users SET id = id + 1;",
            expect![[r#"
                unchanged
                withheld 0.0: it changes the primary key, along which its batches would go; change one range after the other by hand
            "#]],
        ),
        (
            "UPDATE users SET status = p.name FROM plans p WHERE p.id = users.id;",
            expect![[r#"
                unchanged
                withheld 0.0: its rows depend on other tables; change one range of the primary key after the other by hand, each in a transaction of its own
            "#]],
        ),
        (
            "UPDATE users SET status = (SELECT name FROM plans LIMIT 1);",
            expect![[r#"
                unchanged
                withheld 0.0: its rows depend on other queries; change one range of the primary key after the other by hand, each in a transaction of its own
            "#]],
        ),
        (
            "UPDATE users SET extra = '{}';",
            expect![[r#"
                unchanged
                withheld 0.0: a batch that is run again would change rows that are done; let the statement name only rows that are not
            "#]],
        ),
        (
            "UPDATE users SET (email, status) = ('a', 'b');",
            expect![[r#"
                unchanged
                withheld 0.0: it assigns several columns at once; assign each by itself
            "#]],
        ),
        (
            "UPDATE users SET status = 'x' RETURNING id;",
            expect![[r#"
                unchanged
                withheld 0.0: the statement is written in a way that is not understood; change it by hand
            "#]],
        ),
        (
            "UPDATE users SET status = 'x' WHERE random() < 0.5;",
            expect![[r#"
                unchanged
                withheld 0.0: its condition holds for other rows from one moment to the next; write down the value that it compares with
            "#]],
        ),
        (
            "UPDATE heap SET a = 1;",
            expect![[r#"
                unchanged
                withheld 0.0: batches need a primary key, which heap has not; go along another key by hand
            "#]],
        ),
        (
            "UPDATE unknown SET a = 1;",
            expect![[r#"
                unchanged
                withheld 0.0: batches need the primary key of unknown, and no migration that was read tells it; go along it by hand, each batch in a transaction of its own
            "#]],
        ),
    ] {
        plan(sql, expected);
    }
}

#[test]
fn without_leave_an_update_only_gets_its_own_transaction() {
    check(
        &wrapped(SHOP),
        "
ALTER TABLE users ADD COLUMN plan text;
UPDATE users SET plan = 'free';
ALTER TABLE users ADD COLUMN note text;
",
        expect![[r#"
            == add_users_plan
            ALTER TABLE users ADD COLUMN plan text;  -- blocks verbatim
            == update_users
            UPDATE users SET plan = 'free';  -- long verbatim
            == add_users_note
            ALTER TABLE users ADD COLUMN note text;  -- blocks verbatim
            withheld 1.0: only an unsafe fix (--fix=unsafe) does this, because it rests on assumptions that a user must confirm
        "#]],
    );
}

#[test]
fn enum_values_are_committed_before_they_are_used() {
    check(
        &wrapped("CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t (id int PRIMARY KEY, m mood);"),
        "ALTER TYPE mood ADD VALUE 'sad';\nALTER TABLE t ALTER m SET DEFAULT 'sad';",
        expect![[r#"
            == extend_mood
            ALTER TYPE mood ADD VALUE 'sad';  -- verbatim
            == alter_t
            ALTER TABLE t ALTER m SET DEFAULT 'sad';  -- blocks verbatim
        "#]],
    );
}

/// Which rows the batches look for, or why there are none; and what is assumed.
fn looks_for(given: super::Given, sql: &str) -> String {
    let (.., outcome) = super::run(&given.allowing(Class::Unsafe), sql);
    let steps = outcome.plan.parts.iter().flat_map(|part| &part.steps);
    let wheres = steps.flat_map(|step| step.sql.lines().filter_map(|line| line.trim().strip_prefix("WHERE ")).take(1));
    let told = outcome.plan.withheld.iter().map(|(.., reason)| reason.as_str());
    let assumed = outcome.plan.assumptions.iter().map(String::as_str).filter(|it| !it.contains("meanwhile"));
    wheres.chain(told).chain(assumed).map(|line| format!("{line}\n")).collect()
}

const TRIGGERED: &str = "
CREATE TABLE t (id bigint PRIMARY KEY, a int, n numeric, m numeric(8, 2), f float8, c char(5), b text COLLATE ci);
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION tf();
";

#[test]
fn what_is_equal_is_compared_byte_by_byte_where_it_may_differ_all_the_same() {
    let sql = "
UPDATE t SET n = 1.00;
UPDATE t SET m = 1.00, c = 'ab';
UPDATE t SET f = 0.0;
UPDATE t SET b = lower(b);
";
    let drawn: String = sql.lines().map(|line| looks_for(wrapped(TRIGGERED), line)).collect();
    expect![[r#"
        ROW(t.n)::record *<> ROW((1.00)::numeric)::record ORDER BY t.id LIMIT 1;
        (t.m IS DISTINCT FROM (1.00)::numeric(8, 2) OR t.c IS DISTINCT FROM ('ab')::bpchar(5)) ORDER BY t.id LIMIT 1;
        ROW(t.f)::record *<> ROW((0.0)::float8)::record ORDER BY t.id LIMIT 1;
        ROW(t.b)::record *<> ROW((lower(b))::text)::record ORDER BY t.id LIMIT 1;
    "#]]
    .assert_eq(&drawn);
}

#[test]
fn the_triggers_of_rows_that_stay_as_they_are() {
    let sql = "
UPDATE t SET a = a;
UPDATE t SET a = t.a, n = n WHERE a > 1;
UPDATE t SET a = 5;
UPDATE t SET a = 5 WHERE a IS NULL;
UPDATE t SET m = 5;
";
    let drawn: String = sql.lines().map(|line| looks_for(wrapped(TRIGGERED), line)).collect();
    expect![[r#"
        it sets a to what it is, for the triggers of t, and no row tells whether that was done; change one range of the primary key after the other by hand, each in a transaction of its own
        it sets a to what it is, for the triggers of t, and no row tells whether that was done; change one range of the primary key after the other by hand, each in a transaction of its own
        t.a IS DISTINCT FROM (5)::int4 ORDER BY t.id LIMIT 1;
        Rows of t that already hold the new values are left alone, and its triggers for UPDATE do not run for them.
        (a IS NULL) AND t.a IS DISTINCT FROM (5)::int4 ORDER BY t.id LIMIT 1;
        t.m IS DISTINCT FROM (5)::numeric(8, 2) ORDER BY t.id LIMIT 1;
    "#]].assert_eq(&drawn);
}

#[test]
fn filling_a_new_column_must_set_nothing_off() {
    let open = "CREATE TABLE IF NOT EXISTS t (id bigint PRIMARY KEY);";
    let every = format!("{TRIGGERED}CREATE TRIGGER every AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tf();");
    let rule = format!("{TRIGGERED}CREATE RULE ru AS ON UPDATE TO t DO INSTEAD NOTHING;");
    let given = [wrapped(TRIGGERED), wrapped(open).unknown(), wrapped(&every), wrapped(&rule)];
    let drawn = given.map(|it| looks_for(it, "ALTER TABLE t ADD COLUMN s serial;")).join("--\n");
    expect![[r#"
        s IS NULL ORDER BY t.id LIMIT 1;
        The rows of t get their values of s batch by batch in the order of the primary key, and until then are NULL.
        --
        s IS NULL ORDER BY t.id LIMIT 1;
        The rows of t get their values of s batch by batch in the order of the primary key, and until then are NULL.
        t has no triggers or rules for UPDATE, which filling the rows would set off and adding the column does not.
        --
        adding the column fires no trigger, but filling its rows would fire every; add the column without what rewrites the table, let the trigger leave rows alone of which only s changes, and fill them in batches by hand
        --
        adding the column follows no rule, but filling its rows would follow rule ru; add the column without what rewrites the table, and fill its rows by hand where the rule leaves them
    "#]].assert_eq(&drawn);
}

#[test]
fn a_constrained_domain_rewrites_without_default_too() {
    let base = format!("{TRIGGERED}CREATE DOMAIN posint AS int CHECK (VALUE > 0);");
    let drawn = looks_for(wrapped(&base), "ALTER TABLE t ADD COLUMN q posint DEFAULT 4;");
    expect![[r#"
        its type is a domain that every row must be checked against; add a column of the type below, with a CHECK constraint NOT VALID that is validated later
    "#]].assert_eq(&drawn);
}

#[test]
fn what_looks_at_all_rows_at_once() {
    let base =
        "CREATE TABLE n (id bigint PRIMARY KEY, up bigint REFERENCES n, place int, UNIQUE (place) DEFERRABLE, b text);
CREATE FUNCTION most(int) RETURNS text STABLE LANGUAGE sql AS 'SELECT max(b) FROM n';
CREATE FUNCTION same(int) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1::text';
";
    let later = format!(
        "{base}CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON n DEFERRABLE FOR EACH ROW EXECUTE FUNCTION tf();"
    );
    let sql = "
DELETE FROM n WHERE place > 3;
UPDATE n SET place = 3 - id;
UPDATE n SET b = most(place);
UPDATE n SET b = same(place);
";
    let drawn: String = sql.lines().map(|line| looks_for(wrapped(base), line)).collect();
    let drawn = drawn + &looks_for(wrapped(&later), "UPDATE n SET b = 'x';");
    expect![[r#"
        rows of n refer to each other by n_up_fkey, and a batch may delete one without those that refer to it; delete those first, range after range, by hand
        constraint n_place_key is checked when all rows are changed, and a batch alone may break it; change the rows in an order that never does, by hand
        function most may read rows that an earlier batch has changed; if it does not, declare it IMMUTABLE, else change one range of the primary key after the other by hand
        n.b IS DISTINCT FROM (same(place))::text ORDER BY n.id LIMIT 1;
        constraint trigger late would fire before all rows are changed; see whether it may, and change the rows in batches by hand
    "#]].assert_eq(&drawn);
}
