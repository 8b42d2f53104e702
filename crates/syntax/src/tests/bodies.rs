//! Routine bodies: which statements run, under which conditions, and what is opaque.

use std::fmt::Write;

use expect_test::{Expect, expect};

use crate::ast::{Body, StatementKind};
use crate::{Options, parse};

fn check(text: &str, expected: Expect) {
    let script = parse(text, &Options::default());
    let mut drawn = String::new();
    for statement in &script.statements {
        let text = &statement.parsed.text;
        let body: &Body = match &*statement.parsed.kind {
            StatementKind::Do(statement) => &statement.body,
            StatementKind::CreateFunction(function) => function.body.as_ref().expect("a body"),
            kind => panic!("{kind:?}"),
        };
        for lowered in &body.statements {
            let kind = format!("{:?}", lowered.kind);
            let kind = kind.split(['(', ' ']).next().unwrap_or_default();
            let _ = write!(drawn, "{kind} ‹{}›", lowered.span.slice(text));
            for (flag, name) in [
                (lowered.conditional, "conditional"),
                (lowered.in_loop, "in loop"),
                (lowered.dynamic, "dynamic"),
                (lowered.guarded, "guarded"),
            ] {
                if flag {
                    let _ = write!(drawn, " {name}");
                }
            }
            drawn.push('\n');
        }
        for it in &body.opaque {
            let creates = if it.creates { "" } else { " creates nothing" };
            let _ = writeln!(drawn, "opaque ‹{}›{creates}", it.span.slice(text));
        }
        for span in &body.commits {
            let _ = writeln!(drawn, "commits ‹{}›", span.slice(text));
        }
    }
    expected.assert_eq(&drawn);
}

#[test]
fn control() {
    check(
        r##"
DO $$
#variable_conflict use_column
<<outer>>
DECLARE
  n CONSTANT int := (SELECT count(*) FROM a);
  r record; c CURSOR (x int) FOR SELECT 1;
BEGIN
  IF n > 0 AND NOT EXISTS (SELECT 1 FROM b) THEN
    DROP TABLE t1;
  ELSIF f(n) THEN DROP TABLE t2;
  ELSE DROP TABLE t3;
  END IF;
  CASE n WHEN 1 THEN DROP TABLE t4; ELSE DROP TABLE t5; END CASE;
  CASE WHEN CASE WHEN g() THEN true END THEN NULL; END CASE;
  LOOP DROP TABLE t6; EXIT WHEN h(n); END LOOP outer;
  WHILE i(n) LOOP DROP TABLE t7; END LOOP;
  FOR x IN REVERSE j(1)..10 LOOP DROP TABLE t8; END LOOP;
  FOR r IN SELECT * FROM d LOOP DROP TABLE t9; CONTINUE; END LOOP;
  FOR r IN EXECUTE 'SELECT 1 FROM e' USING n LOOP NULL; END LOOP;
  FOREACH x IN ARRAY k(n) LOOP NULL; END LOOP;
  BEGIN
    DROP TABLE t10;
  EXCEPTION WHEN undefined_table OR others THEN
    DROP TABLE t11;
  END;
  DROP TABLE t12;
END outer $$;
"##,
        expect![[r#"
            Select ‹(SELECT count(*) FROM a)›
            Select ‹n > 0 AND NOT EXISTS (SELECT 1 FROM b)›
            Drop ‹DROP TABLE t1› conditional
            Select ‹f(n)› conditional
            Drop ‹DROP TABLE t2› conditional
            Drop ‹DROP TABLE t3› conditional
            Drop ‹DROP TABLE t4› conditional
            Drop ‹DROP TABLE t5› conditional
            Select ‹CASE WHEN g() THEN true END› conditional
            Drop ‹DROP TABLE t6› in loop
            Select ‹h(n)› in loop
            Select ‹i(n)›
            Drop ‹DROP TABLE t7› conditional in loop
            Select ‹j(1)›
            Drop ‹DROP TABLE t8› conditional in loop
            Select ‹SELECT * FROM d›
            Drop ‹DROP TABLE t9› conditional in loop
            Select ‹SELECT 1 FROM e› dynamic
            Select ‹k(n)›
            Drop ‹DROP TABLE t10› guarded
            Drop ‹DROP TABLE t11› conditional
            Drop ‹DROP TABLE t12›
        "#]],
    );
}

#[test]
fn simple_statements() {
    check(
        r##"
CREATE PROCEDURE p() LANGUAGE plpgsql AS $_$
BEGIN
  x := a(1); y.z[b(2)] = 3; m := 1;
  PERFORM c(d) FROM t1 WHERE e;
  SELECT q, w INTO STRICT x, y.z FROM t2;
  WITH v AS (SELECT 1) SELECT * INTO x FROM v;
  INSERT INTO t3 VALUES (1) RETURNING id INTO x;
  UPDATE t4 SET a = CASE WHEN b THEN 1 END;
  DELETE FROM t5; TRUNCATE t6; LOCK t7;
  RAISE NOTICE '% %', f(1), g; ASSERT h(1), 'no';
  GET DIAGNOSTICS x = ROW_COUNT;
  OPEN cur FOR SELECT * FROM t8; FETCH cur INTO x; CLOSE cur;
  RETURN QUERY SELECT * FROM t9;
  RETURN NEXT i(1); RETURN;
  COMMIT; ROLLBACK AND CHAIN;
  CALL j(1); CREATE TABLE t10 AS SELECT 1; NULL;
  not sql at all;
END $_$;
"##,
        expect![[r#"
            Select ‹a(1)›
            Select ‹PERFORM c(d) FROM t1 WHERE e›
            Select ‹SELECT q, w INTO STRICT x, y.z FROM t2›
            Select ‹WITH v AS (SELECT 1) SELECT * INTO x FROM v›
            Insert ‹INSERT INTO t3 VALUES (1) RETURNING id›
            Update ‹UPDATE t4 SET a = CASE WHEN b THEN 1 END›
            Delete ‹DELETE FROM t5›
            Truncate ‹TRUNCATE t6›
            LockTable ‹LOCK t7›
            Select ‹f(1), g›
            Select ‹h(1), 'no'›
            Select ‹SELECT * FROM t8›
            Select ‹SELECT * FROM t9›
            Select ‹i(1)›
            Call ‹CALL j(1)›
            CreateTableAs ‹CREATE TABLE t10 AS SELECT 1›
            opaque ‹not sql at all›
            commits ‹COMMIT›
            commits ‹ROLLBACK AND CHAIN›
        "#]],
    );
}

#[test]
fn dynamic() {
    check(
        r##"
DO $$ BEGIN
  EXECUTE 'ALTER TABLE a ADD b text DEFAULT ''c''; DROP TABLE d';
  EXECUTE $q$CREATE INDEX ON e (f)$q$ INTO x USING y;
  EXECUTE 'DROP ' || 'TABLE g';
  EXECUTE format('ALTER TABLE %I.%I ADD h %s DEFAULT %L', 's', 'T', 'int', 'i''j');
  EXECUTE (format('DROP TABLE %2$I, %1$s', 'k', 'l'));
  EXECUTE E'DROP\nTABLE m';
  EXECUTE 'DROP TABLE ' || quote_ident('N');
  EXECUTE format('DROP TABLE %I', o);
  EXECUTE 'DROP TABLE ' || p;
  EXECUTE q;
  EXECUTE 'not sql';
  EXECUTE 'DO ''BEGIN EXECUTE ''''DROP TABLE r''''; END''';
END $$;
"##,
        expect![[r#"
            AlterTable ‹ALTER TABLE a ADD b text DEFAULT ''c''› dynamic
            Drop ‹DROP TABLE d› dynamic
            CreateIndex ‹CREATE INDEX ON e (f)› dynamic
            Drop ‹DROP ' || 'TABLE g› dynamic
            AlterTable ‹ALTER TABLE %I.%I ADD h %s DEFAULT %L', 's', 'T', 'int', 'i''j'› dynamic
            Drop ‹DROP TABLE %2$I, %1$s', 'k'› dynamic
            Drop ‹DROP\nTABLE m› dynamic
            Drop ‹DROP TABLE ' || quote_ident('N› dynamic
            Do ‹DO ''BEGIN EXECUTE ''''DROP TABLE r''''; END''› dynamic
            opaque ‹EXECUTE format('DROP TABLE %I', o)› creates nothing
            opaque ‹EXECUTE 'DROP TABLE ' || p› creates nothing
            opaque ‹EXECUTE q›
            opaque ‹EXECUTE 'not sql'›
        "#]],
    );
}

#[test]
fn what_is_known_of_a_text_tells_what_it_may_create() {
    check(
        r##"
DO $$ BEGIN
  EXECUTE format('DROP POLICY %I ON t', p);
  EXECUTE 'GRANT SELECT ON ' || t || ' TO reader';
  EXECUTE ('alter table ' || quote_ident(t) || ' ENABLE ROW LEVEL SECURITY');
  EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', t, c);
  EXECUTE format('CREATE POLICY %I ON %I', p, t);
  EXECUTE format('ALTER TABLE %I RENAME TO %I', t, u);
  EXECUTE format('ALTER TABLE %I DROP CONSTRAINT a, ADD UNIQUE (b)', t);
  EXECUTE 'ALTER TABLE ' || t || action;
  EXECUTE format('DROP TABLE %I; CREATE TABLE a ()', t);
  EXECUTE format('CREATE INDEX ON %I (a)', t);
  EXECUTE verb || ' TABLE a';
END $$;
"##,
        expect![[r#"
            opaque ‹EXECUTE format('DROP POLICY %I ON t', p)› creates nothing
            opaque ‹EXECUTE 'GRANT SELECT ON ' || t || ' TO reader'› creates nothing
            opaque ‹EXECUTE ('alter table ' || quote_ident(t) || ' ENABLE ROW LEVEL SECURITY')› creates nothing
            opaque ‹EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', t, c)› creates nothing
            opaque ‹EXECUTE format('CREATE POLICY %I ON %I', p, t)› creates nothing
            opaque ‹EXECUTE format('ALTER TABLE %I RENAME TO %I', t, u)›
            opaque ‹EXECUTE format('ALTER TABLE %I DROP CONSTRAINT a, ADD UNIQUE (b)', t)›
            opaque ‹EXECUTE 'ALTER TABLE ' || t || action›
            opaque ‹EXECUTE format('DROP TABLE %I; CREATE TABLE a ()', t)›
            opaque ‹EXECUTE format('CREATE INDEX ON %I (a)', t)›
            opaque ‹EXECUTE verb || ' TABLE a'›
        "#]],
    );
}

#[test]
fn other_bodies() {
    check(
        r##"
CREATE FUNCTION a() RETURNS int LANGUAGE sql AS 'SELECT 1; DROP TABLE b';
CREATE FUNCTION c() RETURNS int LANGUAGE plpython3u AS 'return 1';
CREATE FUNCTION d() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF x THEN DROP TABLE e; END $$;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$BEGIN DROP TABLE ${schema}.g; END $$;
DO 'BEGIN DROP TABLE h; END';
"##,
        expect![[r#"
            Select ‹SELECT 1›
            Drop ‹DROP TABLE b›
            opaque ‹return 1›
            Drop ‹DROP TABLE e› conditional
            opaque ‹BEGIN IF x THEN DROP TABLE e; END ›
            Drop ‹DROP TABLE ${schema}.g›
            Drop ‹DROP TABLE h›
        "#]],
    );
}
