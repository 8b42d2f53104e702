//! Splitting, masking and what one mistake costs.

use expect_test::{Expect, expect};

use super::drawn;

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&drawn(text));
}

#[test]
fn quotes() {
    check(
        r##"
SELECT 1; SELECT 'open;
CREATE TABLE a (id int);
SELECT $$ open;
DROP TABLE b;
/* open
DROP TABLE c;
INSERT INTO d VALUES ('it's');
INSERT INTO d VALUES ('fine');
"##,
        expect![[r#"
            Select(Query { targets: [Number("1")] })
            invalid ‹SELECT 'open;›: unterminated quoted string at or near "'open;" at ‹'open;›
            CreateTable(CreateTable { name: Name { "a", span: ‹a› }, persistence: Permanent, columns: [ColumnDef { span: ‹id int›, name: Ident { text: "id", span: ‹id› }, ty: (TypeName { "int4", span: ‹int› }) }] })
            invalid ‹SELECT $$ open;›: unterminated dollar-quoted string at or near "$$ open;" at ‹$$ open;›
            Drop(Drop { object: Table, names: [DropName { name: Name { "b", span: ‹b› } }] })
            invalid ‹/* open›: unterminated /* comment at or near "/* open" at ‹/* open›
            Drop(Drop { object: Table, names: [DropName { name: Name { "c", span: ‹c› } }] })
            invalid ‹INSERT INTO d VALUES ('it's');›: syntax error at or near "s" at ‹s›; the `(` after `VALUES` is never closed
            Insert(Insert { target: RelationRef { name: Name { "d", span: ‹d› } }, source: Values { rows: 1 }, facts: Query {} })
        "#]],
    );
}

#[test]
fn parentheses() {
    check(
        r##"
CREATE TABLE a (id int;
CREATE TABLE b (id int));
SELECT (1; 2);
CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1);
DELETE FROM v);
DROP TABLE c;
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;
DROP TABLE d;
"##,
        expect![[r#"
            invalid ‹CREATE TABLE a (id int›: syntax error at end of input at ‹int›; the `(` after `a` is never closed
            invalid ‹CREATE TABLE b (id int))›: syntax error at or near ")" at ‹)›; a `)` without `(`?
            invalid ‹SELECT (1; 2)›: syntax error at or near ";" at ‹;›
            CreateRule { name: Ident { text: "r", span: ‹r› }, relation: Name { "t", span: ‹t› }, event: "insert", facts: Query { writes: [Write { relation: RelationRef { name: Name { "u", span: ‹u› } }, kind: Insert }, Write { relation: RelationRef { name: Name { "v", span: ‹v› } }, kind: Delete }] } }
            Drop(Drop { object: Table, names: [DropName { name: Name { "c", span: ‹c› } }] })
            invalid ‹CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1›: syntax error at end of input at ‹1›
            Drop(Drop { object: Table, names: [DropName { name: Name { "d", span: ‹d› } }] })
        "#]],
    );
}

#[test]
fn junk() {
    check(
        r##"
SELEC 1;
foo bar;
;;
CREATE TABLE "a" ("b" int "c");
DROP  TABLE x;
"##,
        expect![[r#"
            invalid ‹SELEC 1›: syntax error at or near "SELEC" at ‹SELEC›
            invalid ‹foo bar›: syntax error at or near "foo" at ‹foo›
            invalid ‹CREATE TABLE "a" ("b" int "c")›: syntax error at or near ""c"" at ‹"c"›
            invalid ‹DROP  TABLE x›: syntax error at or near " TABLE" at ‹ TABLE›; the text holds a no-break space (U+00A0)
        "#]],
    );
}

#[test]
fn psql() {
    check(
        r##"
\set x 1 \echo 'a;b' \\ SELECT 1; SELECT 2 \; SELECT 3 \gset p_
SELECT 'DROP TABLE x' \gexec
SELECT 4
\g
\copy t from stdin
1	it's
\.
COPY t FROM stdin; -- data follows
2	; DROP TABLE
\.
SELECT :a, :'b', :"c", d[:e], f::text, '{:g}' FROM "h:i";
SELECT :select :from;
"##,
        expect![[r#"
            Select(Query { targets: [Number("1")] })
            Select(Query { targets: [Number("2")] })
            Select(Query { targets: [Number("3")] })
            Select(Query { targets: [String("DROP TABLE x")] })
            Select(Query { targets: [Number("4")] })
            Copy(Copy { relation: (RelationRef { name: Name { "t", span: ‹t› } }), from: true, stdin: true })
            Select(Query { reads: [Read { relation: RelationRef { name: Name { "h:i", span: ‹"h:i"› } } }] })
            Select(Query { targets: [Column(["_select"])] })
        "#]],
    );
}

#[test]
fn templates() {
    check(
        r##"
CREATE TABLE ${schema}.t_{{ env }} (a int DEFAULT ${x}, b text DEFAULT '${y}');
INSERT INTO @table@ VALUES (<%= value %>, #{v}, %(w)s, {x});
{% if a %} DROP TABLE a; {# note; #} {% endif %}
{{ config(x) }} SELECT 1;
ALTER TABLE "{{ index .Options "Namespace" }}".users ADD a int;
SELECT $evolutions{{{x}}}, a %b, @ -1, c <@ d, e @> f, '{1}'::int[];
"##,
        expect![[r#"
            CreateTable(CreateTable { name: Name { schema: ("__schema_"), name: "t____env___", span: ‹${schema}.t_{{ env }}› }, persistence: Permanent, columns: [ColumnDef { span: ‹a int DEFAULT ${x}›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }), constraints: [Constraint { span: ‹DEFAULT ${x}›, kind: Default(ExprAt { span: ‹${x}›, expr: Column(["__x_"]) }) }] }, ColumnDef { span: ‹b text DEFAULT '${y}'›, name: Ident { text: "b", span: ‹b› }, ty: (TypeName { "text", span: ‹text› }), constraints: [Constraint { span: ‹DEFAULT '${y}'›, kind: Default(ExprAt { span: ‹'${y}'›, expr: String("${y}") }) }] }] })
            Insert(Insert { target: RelationRef { name: Name { "_table_", span: ‹@table@› } }, source: Values { rows: 1 }, facts: Query {} })
            Drop(Drop { object: Table, names: [DropName { name: Name { "a", span: ‹a› } }] })
            template ‹{{ config(x) }} SELECT 1›: syntax error at or near "___config_x____" at ‹{{ config(x) }}›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { schema: ("___index__options__namespace____"), name: "users", span: ‹"{{ index .Options "Namespace" }}".users› } }, subcommands: [Subcommand { span: ‹ADD a int›, action: AddColumn { column: ColumnDef { span: ‹a int›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }) } } }] })
            Select(Query { targets: [Column(["_evolutions___x___"]), Operator { name: "%", left: (Column(["a"])), right: Column(["b"]) }, Operator { name: "@", right: Number("-1") }, Operator { name: "<@", left: (Column(["c"])), right: Column(["d"]) }, Operator { name: "@>", left: (Column(["e"])), right: Column(["f"]) }, Cast { operand: String("{1}"), ty: TypeName { "int4", array: true, span: ‹int[]› } }] })
        "#]],
    );
}
