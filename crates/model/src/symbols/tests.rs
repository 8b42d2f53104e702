//! Drawn: each thing with the places that name it.

use expect_test::{Expect, expect};
use syntax::mentions::mentions;

use super::*;
use crate::drawn::plain;
use crate::schema::Born;
use crate::trace::{Session, Settings, Unit, follow};

/// Each thing with the places that name it: the statement's number, the name as written, the role. A text that begins with
/// `down` is the Down section of the one before it.
fn check(texts: &[&str], expected: Expect) {
    let settings = Settings { majors: 14..=18, external_timeouts: false };
    let (mut schema, mut session) =
        (Schema { complete: true, presumed: true, ..Schema::default() }, Session::default());
    let mut symbols = Symbols::default();
    let runner = plain();
    for (number, text) in texts.iter().enumerate() {
        let is_down = text.starts_with("/*down*/");
        let options = syntax::Options::default();
        let script = syntax::parse(text, &options);
        if is_down {
            symbols.enter_down();
        }
        let unit = Unit { script: &script, runner: &runner };
        let after = follow(&schema, &session, &unit, &settings, Born::Before, |step| {
            symbols.read(number, &step, &mentions(&step.statement.parsed, &options));
        });
        if is_down {
            symbols.leave_down();
        } else {
            (schema, session) = after;
        }
    }
    let mut drawn = String::new();
    for (number, thing) in symbols.things.iter().enumerate() {
        let of = thing.owner.map(|owner| format!(" of {}", symbols.things[owner].name)).unwrap_or_default();
        drawn += &format!("{:?} {}{of}:", thing.kind, thing.name);
        for place in symbols.places_of(number) {
            let role = match place.role {
                Role::Use => String::new(),
                role => format!(" {role:?}").to_lowercase(),
            };
            drawn += &format!(" {}{role} {:?}", place.unit, place.span.slice(texts[place.unit]));
        }
        drawn.push('\n');
    }
    expected.assert_eq(&drawn);
}

#[test]
fn equal_names_of_different_things() {
    check(
        &[
            "CREATE TABLE a (id int, \"Größe 😀\" int);\r\nCREATE TABLE b (id int, a int);",
            "UPDATE b SET a = a.id FROM a WHERE b.id = a.\"Größe 😀\";",
            "CREATE VIEW v AS SELECT \"Größe 😀\", (SELECT a) FROM a JOIN b USING (id);",
        ],
        expect![[r#"
            Table a: 0 define "a" 1 "a" 1 "a" 1 "a" 2 "a"
            Part(Column) id of a: 0 define "id" 1 "id" 2 "id"
            Part(Column) Größe 😀 of a: 0 define "\"Größe 😀\"" 1 "\"Größe 😀\"" 2 "\"Größe 😀\""
            Table b: 0 define "b" 1 "b" 1 "b" 2 "b"
            Part(Column) id of b: 0 define "id" 1 "id" 2 "id"
            Part(Column) a of b: 0 define "a" 1 "a" 2 "a"
            View v: 2 define "v"
        "#]],
    );
}

#[test]
fn chains_of_renames_and_down_sections() {
    check(
        &[
            "CREATE TABLE orders (id bigint PRIMARY KEY, total int, CONSTRAINT c CHECK (total > 0));
             CREATE INDEX i ON orders (total);",
            "ALTER TABLE orders RENAME TO purchases; ALTER TABLE purchases RENAME total TO amount;
             ALTER INDEX i RENAME TO j; ALTER TABLE purchases RENAME CONSTRAINT c TO d;",
            "/*down*/ ALTER TABLE purchases RENAME amount TO total; ALTER TABLE purchases RENAME TO orders;",
            "ALTER TABLE purchases RENAME COLUMN amount TO sum; ALTER TABLE purchases RENAME CONSTRAINT orders_pkey TO p;
             DROP INDEX j; ALTER TABLE purchases DROP COLUMN sum;",
            "/*down*/ ALTER TABLE purchases ADD COLUMN sum int; CREATE INDEX j ON purchases (sum);",
        ],
        expect![[r#"
            Table purchases: 0 define "orders" 0 "orders" 1 "orders" 1 rename "purchases" 1 "purchases" 1 "purchases" 2 "purchases" 2 "purchases" 2 rename "orders" 3 "purchases" 3 "purchases" 3 "purchases" 4 "purchases" 4 "purchases"
            Part(Column) id of purchases: 0 define "id"
            Part(Constraint) p of purchases: 0 define "PRIMARY KEY" 3 "orders_pkey" 3 rename "p"
            Part(Column) sum of purchases: 0 define "total" 0 "total" 0 "total" 1 "total" 1 rename "amount" 2 "amount" 2 rename "total" 3 "amount" 3 rename "sum" 3 drop "sum" 4 define "sum" 4 "sum"
            Part(Constraint) d of purchases: 0 define "c" 1 "c" 1 rename "d"
            Index j: 0 define "i" 1 "i" 1 rename "j" 3 drop "j" 4 define "j"
        "#]],
    );
}

#[test]
fn a_new_thing_under_an_old_name() {
    check(
        &[
            "CREATE TABLE t (a int);",
            "DROP TABLE t; CREATE TABLE t (a int);",
            "ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD a text;",
        ],
        expect![[r#"
            Table t: 0 define "t" 1 drop "t"
            Part(Column) a of t: 0 define "a"
            Table t: 1 define "t" 2 "t" 2 "t"
            Part(Column) a of t: 1 define "a" 2 drop "a"
            Part(Column) a of t: 2 define "a"
        "#]],
    );
}

#[test]
fn names_that_postgresql_finds() {
    check(
        &[
            "CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE t (a int UNIQUE, b int REFERENCES u, CHECK (a > 0), CHECK (b > 0));
             CREATE INDEX ON t (b);",
            "ALTER TABLE t DROP CONSTRAINT t_a_key, DROP CONSTRAINT t_b_fkey, DROP CONSTRAINT t_b_check; DROP INDEX t_b_idx;
             CREATE UNIQUE INDEX k ON u (id); ALTER TABLE u DROP CONSTRAINT u_pkey, ADD CONSTRAINT p PRIMARY KEY USING INDEX k;",
            "ALTER TABLE u RENAME CONSTRAINT p TO q;",
        ],
        expect![[r#"
            Table u: 0 define "u" 0 "u" 1 "u" 1 "u" 2 "u"
            Part(Column) id of u: 0 define "id" 1 "id"
            Part(Constraint) u_pkey of u: 0 define "PRIMARY KEY" 1 drop "u_pkey"
            Table t: 0 define "t" 0 "t" 1 "t"
            Part(Column) a of t: 0 define "a" 0 "a"
            Part(Constraint) t_a_key of t: 0 define "UNIQUE" 1 drop "t_a_key"
            Part(Column) b of t: 0 define "b" 0 "b" 0 "b"
            Part(Constraint) t_b_fkey of t: 0 define "REFERENCES u" 1 drop "t_b_fkey"
            Part(Constraint) t_a_check of t: 0 define "CHECK (a > 0)"
            Part(Constraint) t_b_check of t: 0 define "CHECK (b > 0)" 1 drop "t_b_check"
            Index t_b_idx: 0 define "b" 1 drop "t_b_idx"
            Part(Constraint) q of u: 1 define "k" 1 rename "p" 1 "k" 2 "p" 2 rename "q"
        "#]],
    );
}

#[test]
fn schemas_and_search_paths() {
    check(
        &[
            "CREATE SCHEMA app; CREATE TABLE t (a int); CREATE TABLE app.t (a int);",
            "SET search_path = app, public; ALTER TABLE t ADD b int; ALTER TABLE public.t ADD c int; CREATE TYPE mood AS ENUM ('x');
             CREATE FUNCTION f(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER TABLE t ADD m mood DEFAULT 'x'::mood;",
            "ALTER TABLE app.t SET SCHEMA public; SELECT app.f('x'); DROP TYPE app.mood;",
        ],
        expect![[r#"
            Table t: 0 define "t" 1 "t"
            Part(Column) a of t: 0 define "a"
            Table t: 0 define "t" 1 "t" 1 "t" 2 "t"
            Part(Column) a of t: 0 define "a"
            Part(Column) b of t: 1 define "b"
            Part(Column) c of t: 1 define "c"
            Type mood: 1 define "mood" 1 "mood" 1 "mood" 1 "mood" 2 drop "mood"
            Function f: 1 define "f" 2 "f"
            Part(Column) m of t: 1 define "m"
        "#]],
    );
}

#[test]
fn a_schema_gets_another_name() {
    check(
        &[
            "CREATE SCHEMA app; CREATE TABLE app.t (a int, CONSTRAINT c CHECK (a > 0)); CREATE TYPE app.mood AS ENUM ('x');",
            "ALTER SCHEMA app RENAME TO shop; ALTER TABLE shop.t DROP CONSTRAINT c, ADD m shop.mood; UPDATE shop.t SET a = 1;",
            "/*down*/ ALTER SCHEMA shop RENAME TO app; DROP TABLE app.t;",
        ],
        expect![[r#"
            Table t: 0 define "t" 1 "t" 1 "t" 2 drop "t"
            Part(Column) a of t: 0 define "a" 0 "a" 1 "a"
            Part(Constraint) c of t: 0 define "c" 1 drop "c"
            Type mood: 0 define "mood" 1 "mood"
            Part(Column) m of t: 1 define "m"
        "#]],
    );
}

#[test]
fn columns_of_both_sides_and_of_views() {
    check(
        &["CREATE TABLE a (id int, x int); CREATE TABLE b (id int, y int);
             CREATE VIEW v (n, m) AS SELECT a.x, count(*) FROM a JOIN b USING (id) GROUP BY a.x; SELECT n FROM v;"],
        expect![[r#"
            Table a: 0 define "a" 0 "a" 0 "a" 0 "a"
            Part(Column) id of a: 0 define "id" 0 "id"
            Part(Column) x of a: 0 define "x" 0 "x" 0 "x"
            Table b: 0 define "b" 0 "b"
            Part(Column) id of b: 0 define "id" 0 "id"
            Part(Column) y of b: 0 define "y"
            View v: 0 define "v" 0 "v"
            Part(Column) n of v: 0 define "n" 0 "n"
            Part(Column) m of v: 0 define "m"
        "#]],
    );
}

#[test]
fn partitions_share_columns_and_the_unknown_is_followed_by_name() {
    check(
        &[
            "CREATE TABLE p (a int, at date) PARTITION BY RANGE (at); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
            "CREATE INDEX ON p1 (a); UPDATE p1 SET at = now(); CREATE TRIGGER g AFTER UPDATE OF at ON p EXECUTE FUNCTION f();
             DROP TRIGGER g ON p;",
            "ALTER TABLE unknown ADD COLUMN x int; ALTER TABLE unknown RENAME x TO y; UPDATE unknown SET y = z;",
        ],
        expect![[r#"
            Table p: 0 define "p" 0 "p" 1 "p" 1 "p"
            Part(Column) a of p: 0 define "a" 1 "a"
            Part(Column) at of p: 0 define "at" 0 "at" 1 "at" 1 "at"
            Table p1: 0 define "p1" 1 "p1" 1 "p1"
            Index p1_a_idx: 1 define "a"
            Part(Trigger) g of p: 1 define "g" 1 drop "g"
            Table unknown: 2 "unknown" 2 "unknown" 2 "unknown"
            Part(Column) y of unknown: 2 define "x" 2 "x" 2 rename "y" 2 "y"
            Part(Column) z of unknown: 2 "z"
        "#]],
    );
}
