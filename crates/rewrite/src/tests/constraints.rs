//! CHECK, FOREIGN KEY, UNIQUE, PRIMARY KEY, NOT NULL.

use expect_test::expect;

use super::{check, plain, wrapped};

const SHOP: &str = "
CREATE TABLE users (id bigint PRIMARY KEY, email text, age int);
CREATE TABLE orders (id bigint, user_id bigint, total numeric);
";

#[test]
fn checks() {
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ADD CHECK (age > 0);",
        expect![[r#"
        == add_users_age_check
        ALTER TABLE users ADD CONSTRAINT users_age_check CHECK (age > 0) NOT VALID;  -- blocks
            undo ALTER TABLE users DROP CONSTRAINT users_age_check;
        == validate_users_age_check
        ALTER TABLE users VALIDATE CONSTRAINT users_age_check;  -- own long
    "#]],
    );
    check(
        &wrapped(SHOP),
        "
ALTER TABLE IF EXISTS ONLY public.users -- people
    ADD CONSTRAINT adult CHECK (age >= 18 /* years */) NO INHERIT;
",
        expect![[r#"
            == add_adult
            ALTER TABLE IF EXISTS ONLY public.users -- people
                ADD CONSTRAINT adult CHECK (age >= 18 /* years */) NO INHERIT NOT VALID;  -- blocks
                undo ALTER TABLE IF EXISTS ONLY public.users DROP CONSTRAINT adult;
            == validate_adult
            ALTER TABLE IF EXISTS ONLY public.users VALIDATE CONSTRAINT adult;  -- own long
        "#]],
    );
}

#[test]
fn foreign_keys() {
    check(
        &wrapped(SHOP),
        "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;",
        expect![[r#"
        == add_orders_user_id_fkey
        ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID;  -- blocks
            undo ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
        == validate_orders_user_id_fkey
        ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey;  -- own long
    "#]],
    );
    check(
        &plain(SHOP),
        "alter table orders add constraint fk foreign key (user_id) references users (id) deferrable initially deferred;",
        expect![[r#"
            == add_fk
            alter table orders add constraint fk foreign key (user_id) references users (id) deferrable initially deferred not valid;  -- blocks
                undo alter table orders drop constraint fk;
            == validate_fk
            alter table orders validate constraint fk;  -- own long
        "#]],
    );
}

#[test]
fn foreign_keys_of_partitioned_tables() {
    const EVENTS: &str = "
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE events (user_id bigint, day date) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
";
    const SQL: &str = "ALTER TABLE events ADD FOREIGN KEY (user_id) REFERENCES users (id);";
    check(
        &wrapped(EVENTS),
        SQL,
        expect![[r#"
        unchanged
        withheld 0.0: events is partitioned: before PostgreSQL 18 its foreign key cannot be NOT VALID, only those of the partitions one by one
    "#]],
    );
    check(
        &wrapped(EVENTS).on(18..=18),
        SQL,
        expect![[r#"
        == add_events_user_id_fkey
        ALTER TABLE events ADD CONSTRAINT events_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;  -- blocks
            undo ALTER TABLE events DROP CONSTRAINT events_user_id_fkey;
        == validate_events_user_id_fkey
        ALTER TABLE events VALIDATE CONSTRAINT events_user_id_fkey;  -- own long
    "#]],
    );
    check(
        &wrapped("").unknown(),
        SQL,
        expect![[r#"
        == add_events_user_id_fkey
        ALTER TABLE events ADD CONSTRAINT events_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;  -- blocks
            undo ALTER TABLE events DROP CONSTRAINT events_user_id_fkey;
        == validate_events_user_id_fkey
        ALTER TABLE events VALIDATE CONSTRAINT events_user_id_fkey;  -- own long
        assuming: events is not partitioned.
    "#]],
    );
}

#[test]
fn unique_constraints() {
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ADD UNIQUE (email);",
        expect![[r#"
        == build_users_email_key (no transaction)
        CREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);  -- long
            undo DROP INDEX CONCURRENTLY IF EXISTS users_email_key;
        == add_users_email_key
        ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key;  -- blocks
            undo ALTER TABLE users DROP CONSTRAINT users_email_key;
    "#]],
    );
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (email) INCLUDE (age) WITH (fillfactor = 70) DEFERRABLE INITIALLY DEFERRED;",
        expect![[r#"
            unchanged
            withheld 0.0: NULLS NOT DISTINCT needs PostgreSQL 15
        "#]],
    );
    check(
        &wrapped(SHOP).on(15..=18),
        "ALTER TABLE users ADD UNIQUE NULLS NOT DISTINCT (email, \"age\");",
        expect![[r#"
        == build_users_email_age_key (no transaction)
        CREATE UNIQUE INDEX CONCURRENTLY users_email_age_key ON users (email, "age") NULLS NOT DISTINCT;  -- long
            undo DROP INDEX CONCURRENTLY IF EXISTS users_email_age_key;
        == add_users_email_age_key
        ALTER TABLE users ADD CONSTRAINT users_email_age_key UNIQUE USING INDEX users_email_age_key;  -- blocks
            undo ALTER TABLE users DROP CONSTRAINT users_email_age_key;
    "#]],
    );
}

#[test]
fn primary_keys() {
    check(
        &wrapped(SHOP),
        "ALTER TABLE orders ADD PRIMARY KEY (id);",
        expect![[r#"
        == add_orders_id_not_null_proof
        ALTER TABLE orders ADD CONSTRAINT orders_id_not_null_proof CHECK (id IS NOT NULL) NOT VALID;  -- blocks
            undo ALTER TABLE orders DROP CONSTRAINT orders_id_not_null_proof;
        == validate_orders_id_not_null_proof
        ALTER TABLE orders VALIDATE CONSTRAINT orders_id_not_null_proof;  -- own long
        == build_orders_pkey (no transaction)
        CREATE UNIQUE INDEX CONCURRENTLY orders_pkey ON orders (id);  -- long
            undo DROP INDEX CONCURRENTLY IF EXISTS orders_pkey;
        == set_orders_id_not_null
        ALTER TABLE orders ALTER COLUMN id SET NOT NULL;  -- blocks
        ALTER TABLE orders DROP CONSTRAINT orders_id_not_null_proof;  -- blocks
            undo ALTER TABLE orders ADD CONSTRAINT orders_id_not_null_proof CHECK (id IS NOT NULL) NOT VALID;
        ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_pkey;  -- blocks
            undo ALTER TABLE orders DROP CONSTRAINT orders_pkey;
    "#]],
    );
    check(
        &wrapped(SHOP),
        "
CREATE UNIQUE INDEX CONCURRENTLY orders_id ON orders (id);
ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_id;
",
        expect![[r#"
            == create_orders_id (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY orders_id ON orders (id);  -- long verbatim
            == add_orders_id_not_null_proof
            ALTER TABLE orders ADD CONSTRAINT orders_id_not_null_proof CHECK (id IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_id_not_null_proof;
            == validate_orders_id_not_null_proof
            ALTER TABLE orders VALIDATE CONSTRAINT orders_id_not_null_proof;  -- own long
            == set_orders_id_not_null
            ALTER TABLE orders ALTER COLUMN id SET NOT NULL;  -- blocks
            ALTER TABLE orders DROP CONSTRAINT orders_id_not_null_proof;  -- blocks
                undo ALTER TABLE orders ADD CONSTRAINT orders_id_not_null_proof CHECK (id IS NOT NULL) NOT VALID;
            ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_id;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_pkey;
        "#]],
    );
}

#[test]
fn not_null() {
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ALTER email SET NOT NULL;",
        expect![[r#"
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
    "#]],
    );
    check(
        &wrapped(SHOP).on(18..=18),
        "ALTER TABLE users ALTER email SET NOT NULL;",
        expect![[r#"
        == add_users_email_not_null
        ALTER TABLE users ADD CONSTRAINT users_email_not_null NOT NULL email NOT VALID;  -- blocks
            undo ALTER TABLE users DROP CONSTRAINT users_email_not_null;
        == validate_users_email_not_null
        ALTER TABLE users VALIDATE CONSTRAINT users_email_not_null;  -- own long
    "#]],
    );
    check(
        &wrapped(SHOP).on(18..=18),
        "ALTER TABLE users ADD CONSTRAINT given NOT NULL email NO INHERIT;",
        expect![[r#"
        == add_given
        ALTER TABLE users ADD CONSTRAINT given NOT NULL email NO INHERIT NOT VALID;  -- blocks
            undo ALTER TABLE users DROP CONSTRAINT given;
        == validate_given
        ALTER TABLE users VALIDATE CONSTRAINT given;  -- own long
    "#]],
    );
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ALTER email SET NOT NULL, ALTER COLUMN age SET NOT NULL;",
        expect![[r#"
        == add_users_email_not_null_proof
        ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;  -- blocks
            undo ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;
        ALTER TABLE users ADD CONSTRAINT users_age_not_null_proof CHECK (age IS NOT NULL) NOT VALID;  -- blocks
            undo ALTER TABLE users DROP CONSTRAINT users_age_not_null_proof;
        == validate_users_email_not_null_proof
        ALTER TABLE users VALIDATE CONSTRAINT users_email_not_null_proof;  -- own long
        ALTER TABLE users VALIDATE CONSTRAINT users_age_not_null_proof;  -- own long
        == set_users_email_not_null
        ALTER TABLE users ALTER COLUMN email SET NOT NULL;  -- blocks
            undo ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
        ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;  -- blocks
            undo ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;
        ALTER TABLE users ALTER COLUMN age SET NOT NULL;  -- blocks
            undo ALTER TABLE users ALTER COLUMN age DROP NOT NULL;
        ALTER TABLE users DROP CONSTRAINT users_age_not_null_proof;  -- blocks
            undo ALTER TABLE users ADD CONSTRAINT users_age_not_null_proof CHECK (age IS NOT NULL) NOT VALID;
    "#]],
    );
    check(
        &wrapped(SHOP),
        "ALTER TABLE users ALTER id SET NOT NULL;",
        expect![[r#"
        unchanged
    "#]],
    );
}

#[test]
fn a_proof_is_not_dropped_with_the_statement_that_needs_it() {
    const PROVEN: &str = "CREATE TABLE t (a int, CONSTRAINT a_set CHECK (a IS NOT NULL));";
    check(
        &wrapped(PROVEN),
        "ALTER TABLE t ALTER a SET NOT NULL, DROP CONSTRAINT a_set;",
        expect![[r#"
        == set_t_a_not_null
        ALTER TABLE t ALTER a SET NOT NULL;  -- blocks
        ALTER TABLE t DROP CONSTRAINT a_set;  -- blocks
    "#]],
    );
}

#[test]
fn validation_leaves_the_transaction() {
    check(
        &wrapped(SHOP),
        "
ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT adult;
",
        expect![[r#"
            == add_adult
            ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18) NOT VALID;  -- blocks verbatim
            == validate_adult
            ALTER TABLE users VALIDATE CONSTRAINT adult;  -- own long verbatim
        "#]],
    );
    const PENDING: &str = "
CREATE TABLE users (id bigint PRIMARY KEY, age int);
ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18) NOT VALID;
";
    check(
        &wrapped(PENDING),
        "ALTER TABLE users VALIDATE CONSTRAINT adult, ADD COLUMN z int;",
        expect![[r#"
        == add_users_z
        ALTER TABLE users ADD COLUMN z int;  -- blocks
        == validate_adult
        ALTER TABLE users VALIDATE CONSTRAINT adult;  -- own long
    "#]],
    );
}

#[test]
fn subcommands_are_split() {
    check(
        &wrapped(SHOP),
        "
ALTER TABLE users
    -- the nick
    ADD COLUMN nick text, -- short
    -- mails are mandatory
    ALTER COLUMN email SET NOT NULL, -- at last
    -- years
    DROP COLUMN age;
",
        expect![[r#"
            == alter_users
            ALTER TABLE users
                -- the nick
                ADD COLUMN nick text, -- short
                -- years
                DROP COLUMN age;  -- blocks
            -- mails are mandatory
            -- at last
            ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;
            == validate_users_email_not_null_proof
            ALTER TABLE users VALIDATE CONSTRAINT users_email_not_null_proof;  -- own long
            == set_users_email_not_null
            ALTER TABLE users ALTER COLUMN email SET NOT NULL;  -- blocks
                undo ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
            ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;
            withheld 0.2: the drop is safe only when no running application uses it any more; do it by a later migration, after that deploy
        "#]],
    );
    check(
        &wrapped(SHOP),
        "ALTER TABLE orders ALTER id SET NOT NULL, ALTER id ADD GENERATED ALWAYS AS IDENTITY, ADD CHECK (total > 0);",
        expect![[r#"
            == add_orders_total_check
            ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total > 0) NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_total_check;
            ALTER TABLE orders ADD CONSTRAINT orders_id_not_null_proof CHECK (id IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_id_not_null_proof;
            == validate_orders_total_check
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total_check;  -- own long
            ALTER TABLE orders VALIDATE CONSTRAINT orders_id_not_null_proof;  -- own long
            == set_orders_id_not_null
            ALTER TABLE orders ALTER COLUMN id SET NOT NULL;  -- blocks
                undo ALTER TABLE orders ALTER COLUMN id DROP NOT NULL;
            ALTER TABLE orders DROP CONSTRAINT orders_id_not_null_proof;  -- blocks
                undo ALTER TABLE orders ADD CONSTRAINT orders_id_not_null_proof CHECK (id IS NOT NULL) NOT VALID;
            ALTER TABLE orders ALTER id ADD GENERATED ALWAYS AS IDENTITY;  -- blocks
        "#]],
    );
}

#[test]
fn exclusion_constraints_have_no_safe_form() {
    check(
        &wrapped(SHOP),
        "ALTER TABLE orders ADD EXCLUDE USING btree (id WITH =);",
        expect![[r#"
            unchanged
            withheld 0.0: an exclusion constraint can neither be built concurrently nor be added NOT VALID; add it while nobody uses the table
        "#]],
    );
}

#[test]
fn a_key_is_replaced_without_a_gap() {
    check(
        &wrapped(SHOP),
        "
ALTER TABLE users DROP CONSTRAINT users_pkey;
ALTER TABLE users ADD PRIMARY KEY (id, email);
",
        expect![[r#"
            == add_users_email_not_null_proof
            ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;
            == validate_users_email_not_null_proof
            ALTER TABLE users VALIDATE CONSTRAINT users_email_not_null_proof;  -- own long
            == build_users_pkey_new (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY users_pkey_new ON users (id, email);  -- long
                undo DROP INDEX CONCURRENTLY IF EXISTS users_pkey_new;
            == set_users_email_not_null
            ALTER TABLE users ALTER COLUMN email SET NOT NULL;  -- blocks
            ALTER TABLE users DROP CONSTRAINT users_email_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_email_not_null_proof CHECK (email IS NOT NULL) NOT VALID;
            ALTER TABLE users DROP CONSTRAINT users_pkey;  -- blocks verbatim
            ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_pkey_new;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_pkey;
        "#]],
    );
    check(
        &wrapped("CREATE TABLE t (a int NOT NULL, b int NOT NULL); CREATE UNIQUE INDEX one ON t (a);"),
        "
DROP INDEX one;
CREATE UNIQUE INDEX two ON t (a);
ALTER TABLE t ADD CONSTRAINT three UNIQUE (a, b);
",
        expect![[r#"
            == create_two (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY two ON t (a);  -- long
                undo DROP INDEX CONCURRENTLY two;
            == build_three (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY three ON t (a, b);  -- long
                undo DROP INDEX CONCURRENTLY IF EXISTS three;
            == add_three
            DO $safestep$
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('two') AND indisvalid) THEN
                RAISE EXCEPTION USING MESSAGE = 'index two is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS two; then build it again.';
              END IF;
            END
            $safestep$;  --
            ALTER TABLE t ADD CONSTRAINT three UNIQUE USING INDEX three;  -- blocks
                undo ALTER TABLE t DROP CONSTRAINT three;
            == drop_one (no transaction)
            DROP INDEX CONCURRENTLY IF EXISTS one;  --
                undo CREATE UNIQUE INDEX CONCURRENTLY one ON t (a);
                again: the index may be left invalid
        "#]],
    );
    check(
        &wrapped(SHOP),
        "
ALTER TABLE users DROP CONSTRAINT users_pkey, ADD CONSTRAINT users_pkey PRIMARY KEY (age);
",
        expect![[r#"
            == add_users_age_not_null_proof
            ALTER TABLE users ADD CONSTRAINT users_age_not_null_proof CHECK (age IS NOT NULL) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_age_not_null_proof;
            == validate_users_age_not_null_proof
            ALTER TABLE users VALIDATE CONSTRAINT users_age_not_null_proof;  -- own long
            == build_users_pkey_new (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY users_pkey_new ON users (age);  -- long
                undo DROP INDEX CONCURRENTLY IF EXISTS users_pkey_new;
            == set_users_age_not_null
            ALTER TABLE users ALTER COLUMN age SET NOT NULL;  -- blocks
            ALTER TABLE users DROP CONSTRAINT users_age_not_null_proof;  -- blocks
                undo ALTER TABLE users ADD CONSTRAINT users_age_not_null_proof CHECK (age IS NOT NULL) NOT VALID;
            ALTER TABLE users DROP CONSTRAINT users_pkey;  -- blocks
            ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_pkey_new;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_pkey;
        "#]],
    );
}

#[test]
fn a_foreign_key_waits_for_its_key() {
    check(
        &wrapped(SHOP),
        "
ALTER TABLE orders ADD UNIQUE (id);
ALTER TABLE users ADD FOREIGN KEY (id) REFERENCES orders (id);
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;
",
        expect![[r#"
            == build_orders_id_key (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY orders_id_key ON orders (id);  -- long
                undo DROP INDEX CONCURRENTLY IF EXISTS orders_id_key;
            == add_orders_id_key
            ALTER TABLE orders ADD CONSTRAINT orders_id_key UNIQUE USING INDEX orders_id_key;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_id_key;
            == add_users_id_fkey
            ALTER TABLE users ADD CONSTRAINT users_id_fkey FOREIGN KEY (id) REFERENCES orders (id) NOT VALID;  -- blocks
                undo ALTER TABLE users DROP CONSTRAINT users_id_fkey;
            ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users NOT VALID;  -- blocks
                undo ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
            == validate_users_id_fkey
            ALTER TABLE users VALIDATE CONSTRAINT users_id_fkey;  -- own long
            == validate_orders_user_id_fkey
            ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey;  -- own long
        "#]],
    );
}

#[test]
fn what_depends_on_an_index_waits_until_it_is_dropped() {
    check(
        &wrapped(
            "CREATE TABLE p (a int NOT NULL, b int NOT NULL); CREATE UNIQUE INDEX p_key ON p (a, b); CREATE TABLE c (a int, b int);",
        ),
        "
DROP INDEX p_key;
ALTER TABLE p ADD PRIMARY KEY (a, b);
ALTER TABLE c ADD FOREIGN KEY (a, b) REFERENCES p (a, b);
",
        expect![[r#"
            == build_p_pkey (no transaction)
            CREATE UNIQUE INDEX CONCURRENTLY p_pkey ON p (a, b);  -- long
                undo DROP INDEX CONCURRENTLY IF EXISTS p_pkey;
            == add_p_pkey
            ALTER TABLE p ADD CONSTRAINT p_pkey PRIMARY KEY USING INDEX p_pkey;  -- blocks
                undo ALTER TABLE p DROP CONSTRAINT p_pkey;
            == drop_p_key (no transaction)
            DROP INDEX CONCURRENTLY IF EXISTS p_key;  --
                undo CREATE UNIQUE INDEX CONCURRENTLY p_key ON p (a, b);
                again: the index may be left invalid
            == add_c_a_b_fkey
            ALTER TABLE c ADD CONSTRAINT c_a_b_fkey FOREIGN KEY (a, b) REFERENCES p (a, b) NOT VALID;  -- blocks
                undo ALTER TABLE c DROP CONSTRAINT c_a_b_fkey;
            == validate_c_a_b_fkey
            ALTER TABLE c VALIDATE CONSTRAINT c_a_b_fkey;  -- own long
        "#]],
    );
    check(
        &wrapped("CREATE TABLE t (a varchar(10), b int); CREATE INDEX t_b_idx ON t (b) WHERE a <> '';"),
        "
DROP INDEX t_b_idx;
ALTER TABLE t ALTER a TYPE text;
",
        expect![[r#"
            == drop_t_b_idx (no transaction)
            DROP INDEX CONCURRENTLY IF EXISTS t_b_idx;  --
                undo CREATE INDEX CONCURRENTLY t_b_idx ON t (b) WHERE a <> '';
                again: the index may be left invalid
            == alter_t
            ALTER TABLE t ALTER a TYPE text;  -- blocks verbatim
        "#]],
    );
}

#[test]
fn what_allows_something_in_a_statement_stays_with_all_that_stays_of_it() {
    check(
        &wrapped("CREATE TABLE b (id bigint, n bigint);"),
        "
-- Of later use.
-- atlas:nolint DS103
ALTER TABLE b DROP COLUMN id, ADD CONSTRAINT b_n CHECK (n > 0), ALTER n SET DEFAULT 1;
",
        expect![[r#"
            == drop_b_id
            -- Of later use.
            -- atlas:nolint DS103
            ALTER TABLE b DROP COLUMN id;  -- blocks
            -- atlas:nolint DS103
            ALTER TABLE b ALTER n SET DEFAULT 1;  -- blocks
            ALTER TABLE b ADD CONSTRAINT b_n CHECK (n > 0) NOT VALID;  -- blocks
                undo ALTER TABLE b DROP CONSTRAINT b_n;
            == validate_b_n
            ALTER TABLE b VALIDATE CONSTRAINT b_n;  -- own long
            withheld 0.0: the drop is safe only when no running application uses it any more; do it by a later migration, after that deploy
        "#]],
    );
}
