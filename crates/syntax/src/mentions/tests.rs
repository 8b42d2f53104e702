//! Drawn: each name in a text with what it is taken for.

use expect_test::{Expect, expect};

use super::*;
use crate::parse;

/// Each name in the text with its role and what it is taken for.
fn check(text: &str, expected: Expect) {
    let mut drawn = String::new();
    let options = Options::default();
    for statement in parse(text, &options).statements {
        for mention in mentions(&statement.parsed, &options) {
            let role = match &mention.role {
                Role::Define => "define",
                Role::Use => "use",
                Role::Drop => "drop",
                Role::Rename(to) => &format!("rename to {to}"),
                Role::Move(to) => &format!("move to {to}"),
            };
            let draw = |name: &Name| match &name.schema {
                Some(schema) => format!("{schema}.{}", name.name),
                None => name.name.clone(),
            };
            let thing = match &mention.thing {
                Thing::Relation(name) => format!("relation {}", draw(name)),
                Thing::Type(name) => format!("type {}", draw(name)),
                Thing::Function(name) => format!("function {}", draw(name)),
                Thing::Part { part, of, name } => {
                    let of: Vec<String> = of.iter().map(draw).collect();
                    format!("{part:?} {name} of {}", of.join(" or ")).to_lowercase()
                }
                Thing::Unnamed { clause, of, columns } => format!("{clause:?} of {}{columns:?}", draw(of)),
            };
            let source = statement.locate(mention.span).slice(text);
            drawn += &format!("{source}: {role} {thing}\n");
        }
    }
    expected.assert_eq(&drawn);
}

#[test]
fn tables_with_their_columns_and_constraints() {
    check(
        "CREATE TABLE app.\"Orders\" (\r\n  id bigint PRIMARY KEY, /* 😀 */ \"é x\" mood NOT NULL CHECK (\"é x\" <> 'a'),
          parent bigint REFERENCES app.\"Orders\" (id), CONSTRAINT u UNIQUE (parent, \"é x\"));",
        expect![[r#"
            "Orders": define relation app.Orders
            id: define column id of app.orders
            bigint: use type int8
            PRIMARY KEY: define PrimaryKey of app.Orders["id"]
            "é x": define column é x of app.orders
            mood: use type mood
            NOT NULL: define NotNull of app.Orders["é x"]
            CHECK ("é x" <> 'a'): define Check of app.Orders["é x"]
            "é x": use column é x of app.orders
            parent: define column parent of app.orders
            bigint: use type int8
            REFERENCES app."Orders" (id): define ForeignKey of app.Orders["parent"]
            "Orders": use relation app.Orders
            id: use column id of app.orders
            u: define constraint u of app.orders
            parent: use column parent of app.orders
            "é x": use column é x of app.orders
        "#]],
    );
}

#[test]
fn alterations_and_renames() {
    check(
        "ALTER TABLE t ADD COLUMN a int, ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES o (id) NOT VALID, DROP COLUMN b;
         ALTER TABLE t RENAME COLUMN a TO \"To\"; ALTER TABLE t RENAME TO s; ALTER INDEX i RENAME TO j;
         ALTER TABLE t RENAME CONSTRAINT c TO d; ALTER TABLE t SET SCHEMA app;
         ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY USING INDEX i, ALTER a TYPE int USING a::int + f(b);",
        expect![[r#"
            t: use relation t
            a: define column a of t
            int: use type int4
            c: define constraint c of t
            a: use column a of t
            o: use relation o
            id: use column id of o
            b: drop column b of t
            t: use relation t
            a: use column a of t
            "To": rename to To column a of t
            t: use relation t
            s: rename to s relation t
            i: use relation i
            j: rename to j relation i
            t: use relation t
            c: use constraint c of t
            d: rename to d constraint c of t
            t: move to app relation t
            t: use relation t
            k: rename to k relation i
            i: use relation i
            a: use column a of t
            int: use type int4
            a: use column a of t
            f: use function f
            b: use column b of t
        "#]],
    );
}

#[test]
fn queries_by_their_scopes() {
    check(
        "UPDATE orders o SET total = i.sum FROM (SELECT order_id, sum(price) FROM items GROUP BY 1) i
           WHERE o.id = i.order_id AND EXISTS (SELECT 1 FROM users WHERE users.id = owner);
         WITH recent AS (SELECT id FROM orders) INSERT INTO t (a) SELECT recent.id FROM recent
           ON CONFLICT (a) DO UPDATE SET b = excluded.a;
         CREATE VIEW v AS SELECT count(*), app.t.c FROM app.t JOIN u ON u.x = c;
         SELECT setval('app.s', 1);",
        expect![[r#"
            orders: use relation orders
            total: use column total of orders
            order_id: use column order_id of items
            sum: use function sum
            price: use column price of items
            items: use relation items
            id: use column id of orders
            users: use relation users
            users: use relation users
            id: use column id of users
            owner: use column owner of users or orders or 
            id: use column id of orders
            orders: use relation orders
            t: use relation t
            a: use column a of t
            a: use column a of t
            b: use column b of t
            a: use column a of t
            v: define relation v
            count: use function count
            t: use relation app.t
            c: use column c of app.t
            t: use relation app.t
            u: use relation u
            u: use relation u
            x: use column x of u
            c: use column c of app.t or u
            setval: use function setval
            s: use relation app.s
        "#]],
    );
}

#[test]
fn indexes_triggers_and_bodies() {
    check(
        "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a, lower(b)) WHERE c IS NULL; CREATE INDEX ON t (a, b);
         CREATE TRIGGER g BEFORE UPDATE OF a, b ON t FOR EACH ROW WHEN (new.a <> old.b) EXECUTE FUNCTION app.f();
         DROP TRIGGER g ON t; COMMENT ON COLUMN app.t.a IS 'x'; DROP INDEX app.i, j;
         DO $$ BEGIN ALTER TABLE t DROP COLUMN a; UPDATE t SET b = 1; INSERT INTO u VALUES (1) RETURNING id INTO x; END $$;",
        expect![[r#"
            i: define relation i
            t: use relation t
            a: use column a of t
            lower: use function lower
            b: use column b of t
            c: use column c of t
            t: use relation t
            a: use column a of t
            a, b: define Index of t["a", "b"]
            b: use column b of t
            g: define trigger g of t
            a: use column a of t
            b: use column b of t
            t: use relation t
            a: use column a of t
            b: use column b of t
            f: use function app.f
            g: drop trigger g of t
            t: use relation t
            t: use relation app.t
            a: use column a of app.t
            i: drop relation app.i
            j: drop relation j
            t: use relation t
            a: drop column a of t
            t: use relation t
            b: use column b of t
            u: use relation u
            id: use column id of u
        "#]],
    );
}
