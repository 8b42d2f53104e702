//! Every statement family, with the source below each span.

use expect_test::{Expect, expect};

use super::drawn;

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&drawn(text));
}

#[test]
fn create_table() {
    check(
        r##"
CREATE TABLE IF NOT EXISTS s.t (
  id bigint GENERATED ALWAYS AS IDENTITY (START WITH 5) PRIMARY KEY,
  "Name" character varying(50) COLLATE pg_catalog."C" CONSTRAINT nn NOT NULL DEFAULT lower('X') UNIQUE DEFERRABLE INITIALLY DEFERRED,
  at timestamp(3) with time zone DEFAULT CURRENT_TIMESTAMP, span interval day to second(2), p geometry(Point, 4326)[],
  total numeric(10,2) GENERATED ALWAYS AS (price * qty) STORED CHECK (total > 0) NO INHERIT,
  o int REFERENCES o.p (id) ON DELETE SET NULL DEFERRABLE,
  CONSTRAINT u UNIQUE (a, "B") INCLUDE (c) WITH (fillfactor = 70) USING INDEX TABLESPACE x,
  FOREIGN KEY (a, b) REFERENCES r MATCH FULL ON UPDATE CASCADE NOT VALID,
  EXCLUDE USING gist (room WITH =, tsrange(a, b) WITH &&) WHERE (active),
  LIKE other INCLUDING DEFAULTS INCLUDING INDEXES
) INHERITS (p1, p2) WITH (autovacuum_enabled = false, toast.vacuum_truncate = on) TABLESPACE ts;
CREATE UNLOGGED TABLE p PARTITION OF q FOR VALUES FROM ('2024-01-01', MINVALUE) TO ('2025-01-01', MAXVALUE) PARTITION BY LIST (lower(a) COLLATE "de" text_ops, b);
CREATE TABLE h PARTITION OF q FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE l PARTITION OF q (a DEFAULT 3, CONSTRAINT c CHECK (b > 1)) FOR VALUES IN ('x', NULL);
CREATE TABLE d PARTITION OF q DEFAULT;
CREATE TEMP TABLE o OF ty (a WITH OPTIONS NOT NULL);
CREATE FOREIGN TABLE f (a int OPTIONS (x 'y')) SERVER s;
CREATE TABLE c (a, b) AS SELECT x, y + 1, now() FROM z WITH NO DATA;
CREATE MATERIALIZED VIEW m AS SELECT a.id, count(*) FROM a JOIN b USING (id) GROUP BY 1;
SELECT * INTO n FROM o;
"##,
        expect![[r#"
            CreateTable(CreateTable { name: Name { schema: ("s"), name: "t", span: ‹s.t› }, if_not_exists: true, persistence: Permanent, columns: [ColumnDef { span: ‹id bigint GENERATED ALWAYS AS IDENTITY (START WITH 5) PRIMARY KEY›, name: Ident { text: "id", span: ‹id› }, ty: (TypeName { "int8", span: ‹bigint› }), constraints: [Constraint { span: ‹GENERATED ALWAYS AS IDENTITY (START WITH 5)›, kind: Identity { always: true, options: [DefElem { name: "start", value: ("5") }] } }, Constraint { span: ‹PRIMARY KEY›, kind: PrimaryKey(UniqueKey {}) }] }, ColumnDef { span: ‹"Name" character varying(50) COLLATE pg_catalog."C" CONSTRAINT nn NOT NULL DEFAULT lower('X') UNIQUE DEFERRABLE INITIALLY DEFERRED›, name: Ident { text: "Name", span: ‹"Name"› }, ty: (TypeName { "varchar", modifiers: [50], span: ‹character varying(50)› }), collation: (Name { schema: ("pg_catalog"), name: "C", span: ‹pg_catalog."C"› }), constraints: [Constraint { span: ‹CONSTRAINT nn NOT NULL›, name: (Ident { text: "nn", span: ‹nn› }), kind: NotNull {} }, Constraint { span: ‹DEFAULT lower('X')›, kind: Default(ExprAt { span: ‹lower('X')›, expr: Call { name: Name { "lower", span: ‹lower› }, arguments: [String("X")] } }) }, Constraint { span: ‹UNIQUE DEFERRABLE INITIALLY DEFERRED›, kind: Unique(UniqueKey {}), deferrable: true, initially_deferred: true }] }, ColumnDef { span: ‹at timestamp(3) with time zone DEFAULT CURRENT_TIMESTAMP›, name: Ident { text: "at", span: ‹at› }, ty: (TypeName { "timestamptz", modifiers: [3], span: ‹timestamp(3) with time zone› }), constraints: [Constraint { span: ‹DEFAULT CURRENT_TIMESTAMP›, kind: Default(ExprAt { span: ‹CURRENT_TIMESTAMP›, expr: SqlValue("CURRENT_TIMESTAMP") }) }] }, ColumnDef { span: ‹span interval day to second(2)›, name: Ident { text: "span", span: ‹span› }, ty: (TypeName { "interval", modifiers: [7176, 2], span: ‹interval day to second(2)› }) }, ColumnDef { span: ‹p geometry(Point, 4326)[]›, name: Ident { text: "p", span: ‹p› }, ty: (TypeName { "geometry", modifiers: [4326], array: true, modifier_words: ["point"], span: ‹geometry(Point, 4326)[]› }) }, ColumnDef { span: ‹total numeric(10,2) GENERATED ALWAYS AS (price * qty) STORED CHECK (total > 0) NO INHERIT›, name: Ident { text: "total", span: ‹total› }, ty: (TypeName { "numeric", modifiers: [10, 2], span: ‹numeric(10,2)› }), constraints: [Constraint { span: ‹GENERATED ALWAYS AS (price * qty) STORED›, kind: Generated { expression: ExprAt { span: ‹price * qty›, expr: Operator { name: "*", left: (Column(["price"])), right: Column(["qty"]) } }, stored: true } }, Constraint { span: ‹CHECK (total > 0) NO INHERIT›, kind: Check(ExprAt { span: ‹total > 0›, expr: Operator { name: ">", left: (Column(["total"])), right: Number("0") } }), no_inherit: true }] }, ColumnDef { span: ‹o int REFERENCES o.p (id) ON DELETE SET NULL DEFERRABLE›, name: Ident { text: "o", span: ‹o› }, ty: (TypeName { "int4", span: ‹int› }), constraints: [Constraint { span: ‹REFERENCES o.p (id) ON DELETE SET NULL DEFERRABLE›, kind: ForeignKey(ForeignKey { referenced: Name { schema: ("o"), name: "p", span: ‹o.p› }, referenced_columns: [Ident { text: "id", span: ‹id› }], match_type: 's', on_update: 'a', on_delete: 'n' }), deferrable: true }] }], constraints: [Constraint { span: ‹CONSTRAINT u UNIQUE (a, "B") INCLUDE (c) WITH (fillfactor = 70) USING INDEX TABLESPACE x›, name: (Ident { text: "u", span: ‹u› }), kind: Unique(UniqueKey { columns: [Ident { text: "a", span: ‹a› }, Ident { text: "B", span: ‹"B"› }], including: [Ident { text: "c", span: ‹c› }], options: [DefElem { name: "fillfactor", value: ("70") }], tablespace: ("x") }) }, Constraint { span: ‹FOREIGN KEY (a, b) REFERENCES r MATCH FULL ON UPDATE CASCADE NOT VALID›, kind: ForeignKey(ForeignKey { columns: [Ident { text: "a", span: ‹a› }, Ident { text: "b", span: ‹b› }], referenced: Name { "r", span: ‹r› }, match_type: 'f', on_update: 'c', on_delete: 'a' }), not_valid: true }, Constraint { span: ‹EXCLUDE USING gist (room WITH =, tsrange(a, b) WITH &&) WHERE (active)›, kind: Exclude(Exclude { method: "gist", elements: [(IndexElement { span: ‹room›, column: ("room") }, "="), (IndexElement { span: ‹tsrange(a, b)›, expression: (Call { name: Name { "tsrange", span: ‹tsrange› }, arguments: [Column(["a"]), Column(["b"])] }) }, "&&")], predicate: (ExprAt { span: ‹active›, expr: Column(["active"]) }) }) }], likes: [Like { relation: Name { "other", span: ‹other› }, including: ["defaults", "indexes"], span: ‹LIKE other INCLUDING DEFAULTS INCLUDING INDEXES› }], inherits: [Name { "p1", span: ‹p1› }, Name { "p2", span: ‹p2› }], options: [DefElem { name: "autovacuum_enabled", value: ("false") }, DefElem { namespace: ("toast"), name: "vacuum_truncate", value: ("on") }], tablespace: ("ts") })
            CreateTable(CreateTable { name: Name { "p", span: ‹p› }, persistence: Unlogged, inherits: [Name { "q", span: ‹q› }], partition_of: (Range { from: [Value(String("2024-01-01")), MinValue], to: [Value(String("2025-01-01")), MaxValue] }), partition_by: (PartitionBy { strategy: "list", keys: [IndexElement { span: ‹lower(a) COLLATE "de" text_ops›, expression: (Call { name: Name { "lower", span: ‹lower› }, arguments: [Column(["a"])] }), collation: (Name { "de", span: ‹"de"› }), operator_class: (Name { "text_ops", span: ‹text_ops› }) }, IndexElement { span: ‹b›, column: ("b") }] }) })
            CreateTable(CreateTable { name: Name { "h", span: ‹h› }, persistence: Permanent, inherits: [Name { "q", span: ‹q› }], partition_of: (Hash { modulus: 4, remainder: 1 }) })
            CreateTable(CreateTable { name: Name { "l", span: ‹l› }, persistence: Permanent, columns: [ColumnDef { span: ‹a DEFAULT 3›, name: Ident { text: "a", span: ‹a› }, constraints: [Constraint { span: ‹DEFAULT 3›, kind: Default(ExprAt { span: ‹3›, expr: Number("3") }) }] }], constraints: [Constraint { span: ‹CONSTRAINT c CHECK (b > 1)›, name: (Ident { text: "c", span: ‹c› }), kind: Check(ExprAt { span: ‹b > 1›, expr: Operator { name: ">", left: (Column(["b"])), right: Number("1") } }) }], inherits: [Name { "q", span: ‹q› }], partition_of: (List { values: [String("x"), Null] }) })
            CreateTable(CreateTable { name: Name { "d", span: ‹d› }, persistence: Permanent, inherits: [Name { "q", span: ‹q› }], partition_of: (Default) })
            CreateTable(CreateTable { name: Name { "o", span: ‹o› }, persistence: Temporary, columns: [ColumnDef { span: ‹a WITH OPTIONS NOT NULL›, name: Ident { text: "a", span: ‹a› }, constraints: [Constraint { span: ‹NOT NULL›, kind: NotNull {} }] }], of_type: (TypeName { "ty", span: ‹ty› }) })
            CreateTable(CreateTable { name: Name { "f", span: ‹f› }, persistence: Permanent, foreign: true, columns: [ColumnDef { span: ‹a int OPTIONS (x 'y')›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }) }] })
            CreateTableAs(CreateTableAs { name: Name { "c", span: ‹c› }, object: Table, persistence: Permanent, columns: ["a", "b"], query: Query { reads: [Read { relation: RelationRef { name: Name { "z", span: ‹z› } } }], functions: [Name { "now", span: ‹now› }] }, output: (["a", "b", "now"]) })
            CreateTableAs(CreateTableAs { name: Name { "m", span: ‹m› }, object: MaterializedView, persistence: Permanent, with_data: true, query: Query { reads: [Read { relation: RelationRef { name: Name { "a", span: ‹a› } } }, Read { relation: RelationRef { name: Name { "b", span: ‹b› } } }], functions: [Name { "count", span: ‹count› }], filtered: true }, columns_used: [ColumnUse { parts: ["id"], from: [["b", "a"]] }, ColumnUse { parts: ["a", "id"] }], output: (["id", "count"]) })
            CreateTableAs(CreateTableAs { name: Name { "n", span: ‹n› }, object: Table, persistence: Permanent, with_data: true, select_into: true, query: Query { reads: [Read { relation: RelationRef { name: Name { "o", span: ‹o› } } }], into: (Name { "n", span: ‹n› }) } })
        "#]],
    );
}

#[test]
fn alter_table() {
    check(
        r##"
ALTER TABLE IF EXISTS ONLY s.t ADD a int, ADD COLUMN IF NOT EXISTS b serial NOT NULL, DROP a RESTRICT, DROP COLUMN IF EXISTS "B" CASCADE;
ALTER TABLE t ALTER a SET DEFAULT nextval('s'), ALTER COLUMN b DROP DEFAULT, ALTER c SET NOT NULL, ALTER d DROP NOT NULL;
ALTER TABLE t ALTER a TYPE varchar(20) COLLATE "C" USING a::text || 'x', ALTER COLUMN b SET DATA TYPE bigint;
ALTER TABLE t ALTER a DROP EXPRESSION IF EXISTS, ALTER b ADD GENERATED BY DEFAULT AS IDENTITY (CACHE 5), ALTER c SET GENERATED ALWAYS SET INCREMENT 2, ALTER d DROP IDENTITY IF EXISTS;
ALTER TABLE t ALTER a SET STATISTICS 500, ALTER b SET (n_distinct = -0.5), ALTER c RESET (n_distinct), ALTER d SET STORAGE external, ALTER e SET COMPRESSION lz4;
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NO INHERIT NOT VALID, ADD PRIMARY KEY USING INDEX i, ADD UNIQUE (a), VALIDATE CONSTRAINT c, DROP CONSTRAINT IF EXISTS d CASCADE, ALTER CONSTRAINT e DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE t OWNER TO bob, CLUSTER ON i, SET WITHOUT CLUSTER, SET LOGGED, SET UNLOGGED, SET TABLESPACE ts, SET (fillfactor = 70, toast.autovacuum_enabled = off), RESET (fillfactor), SET WITHOUT OIDS;
ALTER TABLE t INHERIT p, NO INHERIT q, OF ty, NOT OF, REPLICA IDENTITY FULL, REPLICA IDENTITY USING INDEX i, ENABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
ALTER TABLE t ENABLE TRIGGER a, DISABLE TRIGGER ALL, ENABLE ALWAYS TRIGGER b, ENABLE REPLICA RULE r, DISABLE RULE q;
ALTER TABLE t ATTACH PARTITION s.p FOR VALUES IN (1, 2);
ALTER TABLE t DETACH PARTITION p CONCURRENTLY;
ALTER TABLE t DETACH PARTITION p FINALIZE;
ALTER INDEX i ATTACH PARTITION j;
ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 100;
ALTER VIEW v ALTER a SET DEFAULT 1;
ALTER MATERIALIZED VIEW m SET (fillfactor = 50);
ALTER TYPE c ADD ATTRIBUTE a int CASCADE, DROP ATTRIBUTE IF EXISTS b, ALTER ATTRIBUTE d SET DATA TYPE text COLLATE "C";
ALTER FOREIGN TABLE f OPTIONS (SET a 'b');
ALTER TABLE ALL IN TABLESPACE a OWNED BY b SET TABLESPACE c;
"##,
        expect![[r#"
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { schema: ("s"), name: "t", span: ‹s.t› }, only: true }, if_exists: true, subcommands: [Subcommand { span: ‹ADD a int›, action: AddColumn { column: ColumnDef { span: ‹a int›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }) } } }, Subcommand { span: ‹ADD COLUMN IF NOT EXISTS b serial NOT NULL›, action: AddColumn { column: ColumnDef { span: ‹b serial NOT NULL›, name: Ident { text: "b", span: ‹b› }, ty: (TypeName { "serial", span: ‹serial› }), constraints: [Constraint { span: ‹NOT NULL›, kind: NotNull {} }] }, if_not_exists: true } }, Subcommand { span: ‹DROP a RESTRICT›, action: DropColumn { column: Ident { text: "a", span: ‹a› } } }, Subcommand { span: ‹DROP COLUMN IF EXISTS "B" CASCADE›, action: DropColumn { column: Ident { text: "B", span: ‹"B"› }, if_exists: true, cascade: true } }] })
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ALTER a SET DEFAULT nextval('s')›, action: SetDefault { column: Ident { text: "a", span: ‹a› }, default: ExprAt { span: ‹nextval('s')›, expr: Call { name: Name { "nextval", span: ‹nextval› }, arguments: [String("s")] } } } }, Subcommand { span: ‹ALTER COLUMN b DROP DEFAULT›, action: DropDefault { column: Ident { text: "b", span: ‹b› } } }, Subcommand { span: ‹ALTER c SET NOT NULL›, action: SetNotNull { column: Ident { text: "c", span: ‹c› } } }, Subcommand { span: ‹ALTER d DROP NOT NULL›, action: DropNotNull { column: Ident { text: "d", span: ‹d› } } }] })
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ALTER a TYPE varchar(20) COLLATE "C" USING a::text || 'x'›, action: AlterType { column: Ident { text: "a", span: ‹a› }, ty: TypeName { "varchar", modifiers: [20], span: ‹varchar(20)› }, collation: (Name { "C", span: ‹"C"› }), using: (ExprAt { span: ‹a::text || 'x'›, expr: Operator { name: "||", left: (Cast { operand: Column(["a"]), ty: TypeName { "text", span: ‹text› } }), right: String("x") } }) } }, Subcommand { span: ‹ALTER COLUMN b SET DATA TYPE bigint›, action: AlterType { column: Ident { text: "b", span: ‹b› }, ty: TypeName { "int8", span: ‹bigint› } } }] })
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ALTER a DROP EXPRESSION IF EXISTS›, action: DropExpression { column: Ident { text: "a", span: ‹a› }, if_exists: true } }, Subcommand { span: ‹ALTER b ADD GENERATED BY DEFAULT AS IDENTITY (CACHE 5)›, action: AddIdentity { column: Ident { text: "b", span: ‹b› }, options: [DefElem { name: "cache", value: ("5") }] } }, Subcommand { span: ‹ALTER c SET GENERATED ALWAYS SET INCREMENT 2›, action: SetIdentity { column: Ident { text: "c", span: ‹c› }, options: [DefElem { name: "generated", value: ("always") }, DefElem { name: "increment", value: ("2") }] } }, Subcommand { span: ‹ALTER d DROP IDENTITY IF EXISTS›, action: DropIdentity { column: Ident { text: "d", span: ‹d› }, if_exists: true } }] })
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ALTER a SET STATISTICS 500›, action: SetStatistics { column: (Ident { text: "a", span: ‹a› }) } }, Subcommand { span: ‹ALTER b SET (n_distinct = -0.5)›, action: SetColumnOptions { column: Ident { text: "b", span: ‹b› }, options: [DefElem { name: "n_distinct", value: ("-0.5") }] } }, Subcommand { span: ‹ALTER c RESET (n_distinct)›, action: ResetColumnOptions { column: Ident { text: "c", span: ‹c› }, options: [DefElem { name: "n_distinct" }] } }, Subcommand { span: ‹ALTER d SET STORAGE external›, action: SetStorage { column: Ident { text: "d", span: ‹d› }, storage: "external" } }, Subcommand { span: ‹ALTER e SET COMPRESSION lz4›, action: SetCompression { column: Ident { text: "e", span: ‹e› }, compression: "lz4" } }] })
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ADD CONSTRAINT c CHECK (a > 0) NO INHERIT NOT VALID›, action: AddConstraint(Constraint { span: ‹CONSTRAINT c CHECK (a > 0) NO INHERIT NOT VALID›, name: (Ident { text: "c", span: ‹c› }), kind: Check(ExprAt { span: ‹a > 0›, expr: Operator { name: ">", left: (Column(["a"])), right: Number("0") } }), not_valid: true, no_inherit: true }) }, Subcommand { span: ‹ADD PRIMARY KEY USING INDEX i›, action: AddConstraint(Constraint { span: ‹PRIMARY KEY USING INDEX i›, kind: PrimaryKey(UniqueKey { using_index: (Ident { text: "i", span: ‹i› }) }) }) }, Subcommand { span: ‹ADD UNIQUE (a)›, action: AddConstraint(Constraint { span: ‹UNIQUE (a)›, kind: Unique(UniqueKey { columns: [Ident { text: "a", span: ‹a› }] }) }) }, Subcommand { span: ‹VALIDATE CONSTRAINT c›, action: ValidateConstraint { name: Ident { text: "c", span: ‹c› } } }, Subcommand { span: ‹DROP CONSTRAINT IF EXISTS d CASCADE›, action: DropConstraint { name: Ident { text: "d", span: ‹d› }, if_exists: true, cascade: true } }, Subcommand { span: ‹ALTER CONSTRAINT e DEFERRABLE INITIALLY DEFERRED›, action: AlterConstraint { name: Ident { text: "e", span: ‹e› }, deferrable: (true), initially_deferred: (true) } }] })
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹OWNER TO bob›, action: Owner { role: "bob" } }, Subcommand { span: ‹CLUSTER ON i›, action: ClusterOn { index: Ident { text: "i", span: ‹i› } } }, Subcommand { span: ‹SET WITHOUT CLUSTER›, action: SetWithoutCluster }, Subcommand { span: ‹SET LOGGED›, action: SetLogged }, Subcommand { span: ‹SET UNLOGGED›, action: SetUnlogged }, Subcommand { span: ‹SET TABLESPACE ts›, action: SetTablespace { tablespace: "ts" } }, Subcommand { span: ‹SET (fillfactor = 70, toast.autovacuum_enabled = off)›, action: SetOptions { options: [DefElem { name: "fillfactor", value: ("70") }, DefElem { namespace: ("toast"), name: "autovacuum_enabled", value: ("off") }] } }, Subcommand { span: ‹RESET (fillfactor)›, action: ResetOptions { options: [DefElem { name: "fillfactor" }] } }, Subcommand { span: ‹SET WITHOUT OIDS›, action: SetWithoutOids }] })
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹INHERIT p›, action: Inherit { parent: Name { "p", span: ‹p› } } }, Subcommand { span: ‹NO INHERIT q›, action: NoInherit { parent: Name { "q", span: ‹q› } } }, Subcommand { span: ‹OF ty›, action: Of { ty: TypeName { "ty", span: ‹ty› } } }, Subcommand { span: ‹NOT OF›, action: NotOf }, Subcommand { span: ‹REPLICA IDENTITY FULL›, action: ReplicaIdentity { kind: 'f' } }, Subcommand { span: ‹REPLICA IDENTITY USING INDEX i›, action: ReplicaIdentity { kind: 'i', index: (Ident { text: "i", span: ‹i› }) } }, Subcommand { span: ‹ENABLE ROW LEVEL SECURITY›, action: RowSecurity { enable: true } }, Subcommand { span: ‹NO FORCE ROW LEVEL SECURITY›, action: ForceRowSecurity {} }] })
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ENABLE TRIGGER a›, action: EnableTrigger { name: (Ident { text: "a", span: ‹a› }) } }, Subcommand { span: ‹DISABLE TRIGGER ALL›, action: DisableTrigger {} }, Subcommand { span: ‹ENABLE ALWAYS TRIGGER b›, action: EnableTrigger { name: (Ident { text: "b", span: ‹b› }) } }, Subcommand { span: ‹ENABLE REPLICA RULE r›, action: EnableRule { name: Ident { text: "r", span: ‹r› } } }, Subcommand { span: ‹DISABLE RULE q›, action: DisableRule { name: Ident { text: "q", span: ‹q› } } }] })
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ATTACH PARTITION s.p FOR VALUES IN (1, 2)›, action: AttachPartition { partition: Name { schema: ("s"), name: "p", span: ‹s.p› }, bound: (List { values: [Number("1"), Number("2")] }) } }] })
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹DETACH PARTITION p CONCURRENTLY›, action: DetachPartition { partition: Name { "p", span: ‹p› }, concurrently: true } }] })
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹DETACH PARTITION p FINALIZE›, action: DetachPartition { partition: Name { "p", span: ‹p› }, finalize: true } }] })
            AlterTable(AlterTable { object: Index, relation: RelationRef { name: Name { "i", span: ‹i› } }, subcommands: [Subcommand { span: ‹ATTACH PARTITION j›, action: AttachPartition { partition: Name { "j", span: ‹j› } } }] })
            AlterTable(AlterTable { object: Index, relation: RelationRef { name: Name { "i", span: ‹i› } }, subcommands: [Subcommand { span: ‹ALTER COLUMN 1 SET STATISTICS 100›, action: SetStatistics {} }] })
            AlterTable(AlterTable { object: View, relation: RelationRef { name: Name { "v", span: ‹v› } }, subcommands: [Subcommand { span: ‹ALTER a SET DEFAULT 1›, action: SetDefault { column: Ident { text: "a", span: ‹a› }, default: ExprAt { span: ‹1›, expr: Number("1") } } }] })
            AlterTable(AlterTable { object: MaterializedView, relation: RelationRef { name: Name { "m", span: ‹m› } }, subcommands: [Subcommand { span: ‹SET (fillfactor = 50)›, action: SetOptions { options: [DefElem { name: "fillfactor", value: ("50") }] } }] })
            AlterTable(AlterTable { object: Type, relation: RelationRef { name: Name { "c", span: ‹c› } }, subcommands: [Subcommand { span: ‹ADD ATTRIBUTE a int CASCADE›, action: AddColumn { column: ColumnDef { span: ‹a int CASCADE›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }) } }, cascade: true }, Subcommand { span: ‹DROP ATTRIBUTE IF EXISTS b›, action: DropColumn { column: Ident { text: "b", span: ‹b› }, if_exists: true } }, Subcommand { span: ‹ALTER ATTRIBUTE d SET DATA TYPE text COLLATE "C"›, action: AlterType { column: Ident { text: "d", span: ‹d› }, ty: TypeName { "text", span: ‹text› }, collation: (Name { "C", span: ‹"C"› }) } }] })
            AlterTable(AlterTable { object: ForeignTable, relation: RelationRef { name: Name { "f", span: ‹f› } }, subcommands: [Subcommand { span: ‹OPTIONS (SET a 'b')›, action: GenericOptions }] })
            AlterAllInTablespace { object: Table, from: "a", to: "c" }
        "#]],
    );
}

#[test]
fn indexes() {
    check(
        r##"
CREATE INDEX ON t (a);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "I" ON ONLY s.t USING gin (a jsonb_path_ops, (b ->> 'x') COLLATE "C" DESC, lower(c) ASC NULLS FIRST, d DESC NULLS LAST) INCLUDE (e, "F") WITH (fastupdate = off) TABLESPACE ts WHERE a IS NOT NULL AND b > 1;
REINDEX (VERBOSE, TABLESPACE ts) TABLE CONCURRENTLY s.t;
REINDEX DATABASE CONCURRENTLY db;
CLUSTER t USING i;
CLUSTER;
DROP INDEX CONCURRENTLY IF EXISTS a.i, j CASCADE;
CREATE STATISTICS IF NOT EXISTS s.st (ndistinct) ON a, lower(b) FROM t;
"##,
        expect![[r#"
            CreateIndex(CreateIndex { relation: RelationRef { name: Name { "t", span: ‹t› } }, method: "btree", elements: [IndexElement { span: ‹a›, column: ("a") }] })
            CreateIndex(CreateIndex { name: (Ident { text: "I", span: ‹"I"› }), relation: RelationRef { name: Name { schema: ("s"), name: "t", span: ‹s.t› }, only: true }, unique: true, concurrently: true, if_not_exists: true, method: "gin", elements: [IndexElement { span: ‹a jsonb_path_ops›, column: ("a"), operator_class: (Name { "jsonb_path_ops", span: ‹jsonb_path_ops› }) }, IndexElement { span: ‹(b ->> 'x') COLLATE "C" DESC›, expression: (Operator { name: "->>", left: (Column(["b"])), right: String("x") }), collation: (Name { "C", span: ‹"C"› }), descending: true }, IndexElement { span: ‹lower(c) ASC NULLS FIRST›, expression: (Call { name: Name { "lower", span: ‹lower› }, arguments: [Column(["c"])] }), nulls_reordered: true }, IndexElement { span: ‹d DESC NULLS LAST›, column: ("d"), descending: true, nulls_reordered: true }], including: [Ident { text: "e", span: ‹e› }, Ident { text: "F", span: ‹"F"› }], predicate: (ExprAt { span: ‹a IS NOT NULL AND b > 1›, expr: And([IsNull { operand: Column(["a"]), negated: true }, Operator { name: ">", left: (Column(["b"])), right: Number("1") }]) }), options: [DefElem { name: "fastupdate", value: ("off") }], tablespace: ("ts") })
            Reindex(Reindex { object: Table, name: (Name { schema: ("s"), name: "t", span: ‹s.t› }), concurrently: true, tablespace: ("ts") })
            Reindex(Reindex { object: Database, name: (Name { "db", span: ‹db› }), concurrently: true })
            Cluster { relation: (Name { "t", span: ‹t› }), index: (Ident { text: "i", span: ‹i› }) }
            Cluster {}
            Drop(Drop { object: Index, names: [DropName { name: Name { schema: ("a"), name: "i", span: ‹a.i› } }, DropName { name: Name { "j", span: ‹j› } }], if_exists: true, cascade: true, concurrently: true })
            CreateStatistics { name: (Name { schema: ("s"), name: "st", span: ‹s.st› }), relation: (Name { "t", span: ‹t› }), columns: ["a"], expressions: [Call { name: Name { "lower", span: ‹lower› }, arguments: [Column(["b"])] }], if_not_exists: true }
        "#]],
    );
}

#[test]
fn objects() {
    check(
        r##"
DROP TABLE a.b, c;
DROP FUNCTION IF EXISTS f(int, text), g CASCADE;
DROP TRIGGER tr ON s.t;
DROP MATERIALIZED VIEW IF EXISTS m;
DROP OPERATOR CLASS o USING btree;
DROP TYPE x, y.z;
DROP CAST (int AS text);
ALTER TABLE t RENAME TO u;
ALTER TABLE IF EXISTS t RENAME a TO "B";
ALTER TABLE t RENAME CONSTRAINT a TO b;
ALTER VIEW v RENAME COLUMN a TO b;
ALTER INDEX i RENAME TO j;
ALTER TYPE ty RENAME TO tz;
ALTER TYPE ty RENAME ATTRIBUTE a TO b CASCADE;
ALTER DOMAIN d RENAME CONSTRAINT a TO b;
ALTER TRIGGER tr ON t RENAME TO tq;
ALTER SCHEMA a RENAME TO b;
ALTER FUNCTION f(int) RENAME TO g;
ALTER ROLE a RENAME TO b;
ALTER TABLE t SET SCHEMA s;
ALTER FUNCTION s.f(int) SET SCHEMA x;
ALTER TYPE s.t SET SCHEMA x;
ALTER SCHEMA s OWNER TO CURRENT_USER;
ALTER FUNCTION f(int) OWNER TO bob;
ALTER INDEX i DEPENDS ON EXTENSION e;
ALTER TRIGGER tr ON s.t DEPENDS ON EXTENSION e;
COMMENT ON TABLE s.t IS 'x';
COMMENT ON COLUMN s.t.c IS NULL;
COMMENT ON CONSTRAINT c ON s.t IS 'x';
COMMENT ON CONSTRAINT c ON DOMAIN d IS 'x';
COMMENT ON FUNCTION s.f(int) IS 'x';
COMMENT ON SCHEMA s IS 'x';
SECURITY LABEL FOR p ON TABLE s.t IS 'x';
GRANT SELECT, UPDATE (a) ON s.t, u TO bob WITH GRANT OPTION;
REVOKE ALL ON ALL TABLES IN SCHEMA a, b FROM PUBLIC;
GRANT USAGE ON SCHEMA s TO bob;
GRANT EXECUTE ON FUNCTION f(int) TO bob;
GRANT admin, dev TO bob;
"##,
        expect![[r#"
            Drop(Drop { object: Table, names: [DropName { name: Name { schema: ("a"), name: "b", span: ‹a.b› } }, DropName { name: Name { "c", span: ‹c› } }] })
            Drop(Drop { object: Function, names: [DropName { name: Name { "f", span: ‹f› } }, DropName { name: Name { "g", span: ‹g› } }], if_exists: true, cascade: true })
            Drop(Drop { object: Trigger, names: [DropName { name: Name { "tr", span: ‹tr› }, relation: (Name { schema: ("s"), name: "t", span: ‹s.t› }) }] })
            Drop(Drop { object: MaterializedView, names: [DropName { name: Name { "m", span: ‹m› } }], if_exists: true })
            Drop(Drop { object: Other, names: [DropName { name: Name { "o", span: ‹o› } }] })
            Drop(Drop { object: Type, names: [DropName { name: Name { "x", span: ‹x› } }, DropName { name: Name { schema: ("y"), name: "z", span: ‹y.z› } }] })
            Drop(Drop { object: Other, names: [DropName { name: Name { schema: ("pg_catalog"), name: "int4", span: ‹(› } }] })
            Rename(Rename { object: Table, relation_object: Table, relation: (Name { "t", span: ‹t› }), name: Name { "t", span: ‹t› }, new_name: "u" })
            Rename(Rename { object: Column, relation_object: Table, relation: (Name { "t", span: ‹t› }), name: Name { "a", span: ‹a› }, new_name: "B", if_exists: true })
            Rename(Rename { object: TableConstraint, relation_object: Table, relation: (Name { "t", span: ‹t› }), name: Name { "a", span: ‹a› }, new_name: "b" })
            Rename(Rename { object: Column, relation_object: View, relation: (Name { "v", span: ‹v› }), name: Name { "a", span: ‹a› }, new_name: "b" })
            Rename(Rename { object: Index, relation_object: Index, relation: (Name { "i", span: ‹i› }), name: Name { "i", span: ‹i› }, new_name: "j" })
            Rename(Rename { object: Type, relation_object: Type, name: Name { "ty", span: ‹ty› }, new_name: "tz" })
            Rename(Rename { object: Attribute, relation_object: Type, relation: (Name { "ty", span: ‹ty› }), name: Name { "a", span: ‹a› }, new_name: "b", cascade: true })
            Rename(Rename { object: DomainConstraint, relation_object: Domain, relation: (Name { "d", span: ‹d› }), name: Name { "a", span: ‹a› }, new_name: "b" })
            Rename(Rename { object: Trigger, relation_object: Table, relation: (Name { "t", span: ‹t› }), name: Name { "tr", span: ‹tr› }, new_name: "tq" })
            Rename(Rename { object: Schema, relation_object: Schema, name: Name { "a", span: ‹a› }, new_name: "b" })
            Rename(Rename { object: Function, relation_object: Function, name: Name { "f", span: ‹f› }, new_name: "g" })
            Rename(Rename { object: Role, relation_object: Role, name: Name { "a", span: ‹a› }, new_name: "b" })
            SetSchema(SetSchema { object: Table, name: Name { "t", span: ‹t› }, schema: "s" })
            SetSchema(SetSchema { object: Function, name: Name { schema: ("s"), name: "f", span: ‹s.f› }, schema: "x" })
            SetSchema(SetSchema { object: Type, name: Name { schema: ("s"), name: "t", span: ‹s.t› }, schema: "x" })
            SetOwner(SetOwner { object: Schema, name: Name { "s", span: ‹s› }, role: "current_user" })
            SetOwner(SetOwner { object: Function, name: Name { "f", span: ‹f› }, role: "bob" })
            DependsOnExtension { object: Index, name: Name { "i", span: ‹i› } }
            DependsOnExtension { object: Trigger, relation: (Name { schema: ("s"), name: "t", span: ‹s.t› }), name: Name { "tr", span: ‹tr› } }
            Comment(CommentOn { object: Table, name: Name { schema: ("s"), name: "t", span: ‹s.t› }, text: ("x") })
            Comment(CommentOn { object: Column, name: Name { "c", span: ‹c› }, relation: (Name { schema: ("s"), name: "t", span: ‹s.t› }) })
            Comment(CommentOn { object: TableConstraint, name: Name { "c", span: ‹c› }, relation: (Name { schema: ("s"), name: "t", span: ‹s.t› }), text: ("x") })
            Comment(CommentOn { object: DomainConstraint, name: Name { "c", span: ‹c› }, relation: (Name { "d", span: ‹d› }), text: ("x") })
            Comment(CommentOn { object: Function, name: Name { schema: ("s"), name: "f", span: ‹s.f› }, text: ("x") })
            Comment(CommentOn { object: Schema, name: Name { "s", span: ‹s› }, text: ("x") })
            SecurityLabel { object: Table, name: Name { schema: ("s"), name: "t", span: ‹s.t› } }
            Grant(Grant { object: Table, names: [Name { schema: ("s"), name: "t", span: ‹s.t› }, Name { "u", span: ‹u› }] })
            Grant(Grant { revoke: true, object: Table, names: [Name { "a", span: ‹a› }, Name { "b", span: ‹b› }], all_in_schema: true })
            Grant(Grant { object: Schema, names: [Name { "s", span: ‹s› }] })
            Grant(Grant { object: Function, names: [Name { "f", span: ‹f› }] })
            Grant(Grant { object: Role, names: [Name { "admin", span: ‹admin› }, Name { "dev", span: ‹dev› }] })
        "#]],
    );
}

#[test]
fn types_and_functions() {
    check(
        r##"
CREATE TYPE s.e AS ENUM ('a', 'b');
ALTER TYPE e ADD VALUE 'c';
ALTER TYPE e ADD VALUE IF NOT EXISTS 'c' AFTER 'a';
ALTER TYPE e RENAME VALUE 'a' TO 'b';
CREATE TYPE c AS (a int, b text COLLATE "C");
CREATE TYPE r AS RANGE (subtype = float8);
CREATE TYPE sh;
CREATE AGGREGATE ag (int) (sfunc = f, stype = int);
CREATE DOMAIN s.d AS text COLLATE "C" DEFAULT 'x' CONSTRAINT nn NOT NULL CHECK (value <> '');
ALTER DOMAIN d SET DEFAULT 'x' || 'y';
ALTER DOMAIN d DROP DEFAULT;
ALTER DOMAIN d SET NOT NULL;
ALTER DOMAIN s.d ADD CONSTRAINT c CHECK (value > 0) NOT VALID;
ALTER DOMAIN d DROP CONSTRAINT IF EXISTS c;
ALTER DOMAIN d VALIDATE CONSTRAINT c;
CREATE OR REPLACE FUNCTION s.f(a int, INOUT b text, VARIADIC c int[] DEFAULT '{}') RETURNS SETOF t LANGUAGE 'SQL' IMMUTABLE STRICT SECURITY DEFINER SET search_path = x AS 'SELECT 1; DELETE FROM u WHERE v = ''w''';
CREATE FUNCTION add(a int, b int) RETURNS int RETURN a + abs(b);
CREATE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); UPDATE t SET a = 2 WHERE b; END;
CREATE FUNCTION cf() RETURNS int AS 'lib', 'sym' LANGUAGE c;
ALTER FUNCTION s.f(int) STABLE;
CREATE SCHEMA IF NOT EXISTS s;
CREATE SCHEMA AUTHORIZATION bob CREATE TABLE t (a int DEFAULT 1) CREATE VIEW v AS SELECT a FROM t;
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA x;
ALTER EXTENSION e UPDATE TO '2';
CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION f();
"##,
        expect![[r#"
            CreateEnum { name: Name { schema: ("s"), name: "e", span: ‹s.e› }, values: ["a", "b"] }
            AlterEnum(AlterEnum { name: Name { "e", span: ‹e› }, action: AddValue { value: "c", after: true } })
            AlterEnum(AlterEnum { name: Name { "e", span: ‹e› }, action: AddValue { value: "c", neighbour: ("a"), after: true, if_not_exists: true } })
            AlterEnum(AlterEnum { name: Name { "e", span: ‹e› }, action: RenameValue { from: "a", to: "b" } })
            CreateComposite { name: Name { "c", span: ‹c› }, attributes: [ColumnDef { span: ‹a int›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }) }, ColumnDef { span: ‹b text COLLATE "C"›, name: Ident { text: "b", span: ‹b› }, ty: (TypeName { "text", span: ‹text› }), collation: (Name { "C", span: ‹"C"› }) }] }
            CreateRange { name: Name { "r", span: ‹r› } }
            Define { object: Type, name: Name { "sh", span: ‹sh› } }
            Define { object: Aggregate, name: Name { "ag", span: ‹ag› } }
            CreateDomain { name: Name { schema: ("s"), name: "d", span: ‹s.d› }, base: TypeName { "text", span: ‹text› }, collation: (Name { "C", span: ‹"C"› }), constraints: [Constraint { span: ‹DEFAULT 'x'›, kind: Default(ExprAt { span: ‹'x'›, expr: String("x") }) }, Constraint { span: ‹CONSTRAINT nn NOT NULL›, name: (Ident { text: "nn", span: ‹nn› }), kind: NotNull {} }, Constraint { span: ‹CHECK (value <> '')›, kind: Check(ExprAt { span: ‹value <> ''›, expr: Operator { name: "<>", left: (Column(["value"])), right: String("") } }) }] }
            AlterDomain { name: Name { "d", span: ‹d› }, action: SetDefault((ExprAt { span: ‹'x' || 'y'›, expr: Operator { name: "||", left: (String("x")), right: String("y") } })) }
            AlterDomain { name: Name { "d", span: ‹d› }, action: SetDefault(None) }
            AlterDomain { name: Name { "d", span: ‹d› }, action: SetNotNull }
            AlterDomain { name: Name { schema: ("s"), name: "d", span: ‹s.d› }, action: AddConstraint(Constraint { span: ‹CONSTRAINT c CHECK (value > 0) NOT VALID›, name: (Ident { text: "c", span: ‹c› }), kind: Check(ExprAt { span: ‹value > 0›, expr: Operator { name: ">", left: (Column(["value"])), right: Number("0") } }), not_valid: true }) }
            AlterDomain { name: Name { "d", span: ‹d› }, action: DropConstraint { name: Ident { text: "c", span: ‹c› }, if_exists: true } }
            AlterDomain { name: Name { "d", span: ‹d› }, action: ValidateConstraint { name: Ident { text: "c", span: ‹c› } } }
            CreateFunction(CreateFunction { name: Name { schema: ("s"), name: "f", span: ‹s.f› }, replace: true, parameters: [TypeName { "int4", span: ‹int› }, TypeName { "text", span: ‹text› }, TypeName { "int4", array: true, span: ‹int[]› }], returns: (TypeName { "t", setof: true, span: ‹t› }), language: "sql", volatility: (Immutable), strict: true, security_definer: true, sets_search_path: true, body: (Body { span: ‹SELECT 1; DELETE FROM u WHERE v = ''w''›, statements: [Lowered { span: ‹SELECT 1›, kind: Select(Query { targets: [Number("1")] }) }, Lowered { span: ‹DELETE FROM u WHERE v = ''w''›, kind: Delete(Delete { target: RelationRef { name: Name { "u", span: ‹u› } }, filter: (ExprAt { span: ‹v = ''w''›, expr: Operator { name: "=", left: (Column(["v"])), right: String("w") } }), facts: Query { filtered: true } }) }] }) })
            CreateFunction(CreateFunction { name: Name { "add", span: ‹add› }, parameters: [TypeName { "int4", span: ‹int› }, TypeName { "int4", span: ‹int› }], returns: (TypeName { "int4", span: ‹int› }), language: "sql", body: (Body { span: ‹RETURN a + abs(b)›, statements: [Lowered { span: ‹RETURN a + abs(b)›, kind: Select(Query { functions: [Name { "abs", span: ‹abs› }], targets: [Operator { name: "+", left: (Column(["a"])), right: Call { name: Name { "abs", span: ‹abs› }, arguments: [Column(["b"])] } }] }) }], columns_used: [ColumnUse { parts: ["a"] }, ColumnUse { parts: ["b"] }] }), atomic: true })
            CreateFunction(CreateFunction { name: Name { "p", span: ‹p› }, procedure: true, language: "sql", body: (Body { span: ‹BEGIN ATOMIC INSERT INTO t VALUES (1); UPDATE t SET a = 2 WHERE b; END›, statements: [Lowered { span: ‹INSERT INTO t VALUES (1)›, kind: Insert(Insert { target: RelationRef { name: Name { "t", span: ‹t› } }, source: Values { rows: 1 }, facts: Query {} }) }, Lowered { span: ‹UPDATE t SET a = 2 WHERE b›, kind: Update(Update { target: RelationRef { name: Name { "t", span: ‹t› } }, assignments: [Assignment { column: "a", value: (ExprAt { span: ‹2›, expr: Number("2") }), span: ‹a = 2› }], filter: (ExprAt { span: ‹b›, expr: Column(["b"]) }), facts: Query { filtered: true } }) }], columns_used: [ColumnUse { parts: ["b"] }] }), atomic: true })
            CreateFunction(CreateFunction { name: Name { "cf", span: ‹cf› }, returns: (TypeName { "int4", span: ‹int› }), language: "c" })
            AlterFunction { name: Name { schema: ("s"), name: "f", span: ‹s.f› }, object: Function, volatility: (Stable) }
            CreateSchema { name: ("s"), if_not_exists: true }
            CreateSchema { elements: [CreateTable(CreateTable { name: Name { "t", span: ‹t› }, persistence: Permanent, columns: [ColumnDef { span: ‹a int DEFAULT 1›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }), constraints: [Constraint { span: ‹DEFAULT 1›, kind: Default(ExprAt { span: ‹1›, expr: Number("1") }) }] }] }), CreateView(CreateView { name: Name { "v", span: ‹v› }, query: Query { reads: [Read { relation: RelationRef { name: Name { "t", span: ‹t› } } }] }, columns_used: [ColumnUse { parts: ["a"], from: [["t"]] }], output: (["a"]) })] }
            CreateExtension { name: "pgcrypto", schema: ("x"), if_not_exists: true }
            AlterExtension { name: "e" }
            CreateEventTrigger { name: Ident { text: "et", span: ‹et› } }
        "#]],
    );
}

#[test]
fn views_triggers_policies() {
    check(
        r##"
CREATE OR REPLACE VIEW s.v (x) WITH (security_barrier) AS WITH c AS (SELECT * FROM c) SELECT a.id AS i, a.b::date, c.* FROM a JOIN LATERAL (SELECT 1) q ON true, c WHERE a.z IS NOT NULL;
CREATE TEMP VIEW w AS SELECT id, coalesce(a, b), f(c), 1 AS one, CASE WHEN x THEN y END FROM t;
CREATE CONSTRAINT TRIGGER tr AFTER UPDATE OF a, b OR DELETE ON s.t FROM u DEFERRABLE FOR EACH ROW WHEN (old.a IS DISTINCT FROM new.a) EXECUTE PROCEDURE s.f('x');
CREATE OR REPLACE TRIGGER tr INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f();
CREATE OR REPLACE RULE r AS ON UPDATE TO s.t WHERE old.a > 1 DO INSTEAD (SELECT 1; SELECT 2);
CREATE POLICY p ON s.t FOR SELECT TO bob USING (owner = current_user) WITH CHECK (f(a));
ALTER POLICY p ON t USING (true);
REFRESH MATERIALIZED VIEW CONCURRENTLY s.m;
REFRESH MATERIALIZED VIEW m WITH NO DATA;
CREATE SEQUENCE IF NOT EXISTS s.q AS int INCREMENT 2 NO MAXVALUE CYCLE OWNED BY s.t.c;
ALTER SEQUENCE IF EXISTS q RESTART WITH 5 OWNED BY NONE;
"##,
        expect![[r#"
            CreateView(CreateView { name: Name { schema: ("s"), name: "v", span: ‹s.v› }, replace: true, query: Query { reads: [Read { relation: RelationRef { name: Name { "c", span: ‹c› } } }, Read { relation: RelationRef { name: Name { "a", span: ‹a› } } }], filtered: true }, columns_used: [ColumnUse { parts: ["c", "*"] }, ColumnUse { parts: ["a", "id"] }, ColumnUse { parts: ["a", "b"] }, ColumnUse { parts: ["c", "*"] }, ColumnUse { parts: ["a", "z"] }], options: [DefElem { name: "security_barrier" }] })
            CreateView(CreateView { name: Name { "w", span: ‹w› }, temporary: true, query: Query { reads: [Read { relation: RelationRef { name: Name { "t", span: ‹t› } } }], functions: [Name { "f", span: ‹f› }] }, columns_used: [ColumnUse { parts: ["id"], from: [["t"]] }, ColumnUse { parts: ["a"], from: [["t"]] }, ColumnUse { parts: ["b"], from: [["t"]] }, ColumnUse { parts: ["c"], from: [["t"]] }, ColumnUse { parts: ["x"], from: [["t"]] }, ColumnUse { parts: ["y"], from: [["t"]] }], output: (["id", "coalesce", "f", "one", "case"]) })
            CreateTrigger(CreateTrigger { name: Ident { text: "tr", span: ‹tr› }, relation: Name { schema: ("s"), name: "t", span: ‹s.t› }, constraint: true, row: true, timing: "after", update: true, delete: true, columns: ["a", "b"], when: (Operator { name: "IS DISTINCT FROM", left: (Column(["old", "a"])), right: Column(["new", "a"]) }), function: Name { schema: ("s"), name: "f", span: ‹s.f› }, referenced: (Name { "u", span: ‹u› }) })
            CreateTrigger(CreateTrigger { name: Ident { text: "tr", span: ‹tr› }, relation: Name { "v", span: ‹v› }, replace: true, row: true, timing: "instead of", insert: true, function: Name { "f", span: ‹f› } })
            CreateRule { name: Ident { text: "r", span: ‹r› }, relation: Name { schema: ("s"), name: "t", span: ‹s.t› }, replace: true, event: "update", facts: Query {} }
            CreatePolicy { name: Ident { text: "p", span: ‹p› }, relation: Name { schema: ("s"), name: "t", span: ‹s.t› }, expressions: [Operator { name: "=", left: (Column(["owner"])), right: SqlValue("CURRENT_USER") }, Call { name: Name { "f", span: ‹f› }, arguments: [Column(["a"])] }], misplaced: ("WITH CHECK cannot be applied to SELECT or DELETE") }
            AlterPolicy { name: Ident { text: "p", span: ‹p› }, relation: Name { "t", span: ‹t› }, expressions: [Bool(true)] }
            RefreshMaterializedView { name: Name { schema: ("s"), name: "m", span: ‹s.m› }, concurrently: true, with_data: true }
            RefreshMaterializedView { name: Name { "m", span: ‹m› } }
            CreateSequence(CreateSequence { name: Name { schema: ("s"), name: "q", span: ‹s.q› }, if_not_exists: true, options: [DefElem { name: "as", value: ("int4") }, DefElem { name: "increment", value: ("2") }, DefElem { name: "maxvalue" }, DefElem { name: "cycle", value: ("true") }, DefElem { name: "owned_by", value: ("s, t, c") }], owned_by: ((Name { schema: ("s"), name: "t", span: ‹s.t› }, "c")) })
            AlterSequence(AlterSequence { name: Name { "q", span: ‹q› }, if_exists: true, options: [DefElem { name: "restart", value: ("5") }, DefElem { name: "owned_by", value: ("none") }] })
        "#]],
    );
}

#[test]
fn data() {
    check(
        r##"
SELECT setval('s', 1), pg_advisory_lock(1);
SELECT a FROM t AS x JOIN s.u ON x.id = u.id WHERE EXISTS (SELECT 1 FROM v FOR SHARE) LIMIT 1 FOR UPDATE OF x SKIP LOCKED;
WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT n FROM r JOIN t USING (n)) TABLE r;
WITH d AS (DELETE FROM a WHERE b RETURNING *) INSERT INTO c SELECT * FROM d;
INSERT INTO s.t AS x (a, "B") VALUES (1, now()), (DEFAULT, $1) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING a;
INSERT INTO t DEFAULT VALUES;
INSERT INTO t SELECT g FROM generate_series(1, 10) g;
UPDATE ONLY t AS x SET a = b IS DISTINCT FROM c, (d, e) = (SELECT 1, 2), f[1] = 3 FROM u WHERE x.id = u.id RETURNING x.id;
UPDATE t SET a = upper(a);
DELETE FROM t USING u WHERE t.id = u.id AND t.a NOT IN (1, 2) AND b BETWEEN 1 AND 2;
DELETE FROM t WHERE CURRENT OF c;
TRUNCATE a, ONLY s.b RESTART IDENTITY CASCADE;
COPY s.t (a) FROM '/tmp/x' WITH (FORMAT csv);
COPY (SELECT * FROM t) TO STDOUT;
EXPLAIN (ANALYZE, BUFFERS) UPDATE t SET a = 1;
PREPARE p (int) AS SELECT * FROM t WHERE a = $1;
DECLARE c CURSOR FOR SELECT * FROM t;
CALL s.p(1, 'x');
SELECT a FROM t WHERE a = ANY (ARRAY[1, 2]) OR NOT b OR c IS NULL OR d LIKE 'x%' OR (e).f = g[1:2] OR h = (SELECT max(i) FROM u);
"##,
        expect![[r#"
            Select(Query { functions: [Name { "setval", span: ‹setval› }, Name { "pg_advisory_lock", span: ‹pg_advisory_lock› }], targets: [Call { name: Name { "setval", span: ‹setval› }, arguments: [String("s"), Number("1")] }, Call { name: Name { "pg_advisory_lock", span: ‹pg_advisory_lock› }, arguments: [Number("1")] }] })
            Select(Query { reads: [Read { relation: RelationRef { name: Name { "t", span: ‹t› }, alias: ("x") }, row_lock: ("FOR UPDATE"), skip_locked: true }, Read { relation: RelationRef { name: Name { schema: ("s"), name: "u", span: ‹s.u› } } }, Read { relation: RelationRef { name: Name { "v", span: ‹v› } }, row_lock: ("FOR SHARE") }], filtered: true, limited: true, limited_within: true })
            Select(Query { reads: [Read { relation: RelationRef { name: Name { "t", span: ‹t› } } }] })
            Insert(Insert { target: RelationRef { name: Name { "c", span: ‹c› } }, source: Query, facts: Query { writes: [Write { relation: RelationRef { name: Name { "a", span: ‹a› } }, kind: Delete, filter: (Column(["b"])) }] } })
            Insert(Insert { target: RelationRef { name: Name { schema: ("s"), name: "t", span: ‹s.t› }, alias: ("x") }, columns: [Ident { text: "a", span: ‹a› }, Ident { text: "B", span: ‹"B"› }], source: Values { rows: 2 }, on_conflict: true, facts: Query { functions: [Name { "now", span: ‹now› }] } })
            Insert(Insert { target: RelationRef { name: Name { "t", span: ‹t› } }, source: Default, facts: Query {} })
            Insert(Insert { target: RelationRef { name: Name { "t", span: ‹t› } }, source: Query, facts: Query { functions: [Name { "generate_series", span: ‹generate_series› }] } })
            Update(Update { target: RelationRef { name: Name { "t", span: ‹t› }, only: true, alias: ("x") }, assignments: [Assignment { column: "a", value: (ExprAt { span: ‹b IS DISTINCT FROM c›, expr: Operator { name: "IS DISTINCT FROM", left: (Column(["b"])), right: Column(["c"]) } }), span: ‹a = b IS DISTINCT FROM c› }, Assignment { column: "d", span: ‹d› }, Assignment { column: "e", span: ‹e› }, Assignment { column: "f", value: (ExprAt { span: ‹3›, expr: Number("3") }), span: ‹f[1] = 3› }], has_from: true, filter: (ExprAt { span: ‹x.id = u.id›, expr: Operator { name: "=", left: (Column(["x", "id"])), right: Column(["u", "id"]) } }), facts: Query { reads: [Read { relation: RelationRef { name: Name { "u", span: ‹u› } } }], filtered: true } })
            Update(Update { target: RelationRef { name: Name { "t", span: ‹t› } }, assignments: [Assignment { column: "a", value: (ExprAt { span: ‹upper(a)›, expr: Call { name: Name { "upper", span: ‹upper› }, arguments: [Column(["a"])] } }), span: ‹a = upper(a)› }], facts: Query { functions: [Name { "upper", span: ‹upper› }] } })
            Delete(Delete { target: RelationRef { name: Name { "t", span: ‹t› } }, has_using: true, filter: (ExprAt { span: ‹t.id = u.id AND t.a NOT IN (1, 2) AND b BETWEEN 1 AND 2›, expr: And([Operator { name: "=", left: (Column(["t", "id"])), right: Column(["u", "id"]) }, AnyOf { operator: "<>", left: Column(["t", "a"]), values: [Number("1"), Number("2")], all: true }, Between { operand: Column(["b"]), low: Number("1"), high: Number("2") }]) }), facts: Query { reads: [Read { relation: RelationRef { name: Name { "u", span: ‹u› } } }], filtered: true } })
            Delete(Delete { target: RelationRef { name: Name { "t", span: ‹t› } }, filter: (ExprAt { span: ‹CURRENT OF c›, expr: Other([]) }), facts: Query { filtered: true } })
            Truncate { relations: [RelationRef { name: Name { "a", span: ‹a› } }, RelationRef { name: Name { schema: ("s"), name: "b", span: ‹s.b› }, only: true }], restart_identity: true, cascade: true }
            Copy(Copy { relation: (RelationRef { name: Name { schema: ("s"), name: "t", span: ‹s.t› } }), from: true })
            Copy(Copy { stdin: true, query: (Query { reads: [Read { relation: RelationRef { name: Name { "t", span: ‹t› } } }] }) })
            Explain { analyze: true, statement: Update(Update { target: RelationRef { name: Name { "t", span: ‹t› } }, assignments: [Assignment { column: "a", value: (ExprAt { span: ‹1›, expr: Number("1") }), span: ‹a = 1› }], facts: Query {} }) }
            Prepare { statement: Select(Query { reads: [Read { relation: RelationRef { name: Name { "t", span: ‹t› } } }], filtered: true }) }
            Prepare { statement: Select(Query { reads: [Read { relation: RelationRef { name: Name { "t", span: ‹t› } } }] }) }
            Call { name: Name { schema: ("s"), name: "p", span: ‹s.p› }, arguments: [Number("1"), String("x")] }
            Select(Query { reads: [Read { relation: RelationRef { name: Name { "t", span: ‹t› } } }, Read { relation: RelationRef { name: Name { "u", span: ‹u› } } }], functions: [Name { "max", span: ‹max› }], filtered: true })
        "#]],
    );
}

#[test]
fn session() {
    check(
        r##"
BEGIN ISOLATION LEVEL SERIALIZABLE;
START TRANSACTION READ ONLY;
COMMIT AND CHAIN;
ROLLBACK TO SAVEPOINT s;
SAVEPOINT s;
RELEASE s;
PREPARE TRANSACTION 'x';
SET LOCAL lock_timeout = '2s';
SET search_path TO a, "B", 'c';
SET statement_timeout = 0;
SET TIME ZONE 'UTC';
SET x.y TO DEFAULT;
RESET ALL;
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE;
SET CONSTRAINTS ALL DEFERRED;
DISCARD ALL;
LOCK TABLE a, ONLY b IN SHARE ROW EXCLUSIVE MODE NOWAIT;
VACUUM (FULL, TRUNCATE false) s.t (a, b);
ANALYZE t, u (a);
LISTEN x;
CHECKPOINT;
SHOW all;
CREATE ROLE bob;
CREATE DATABASE d;
ALTER DATABASE d SET TABLESPACE t;
DROP DATABASE IF EXISTS d;
ALTER SYSTEM SET a = 1;
REASSIGN OWNED BY a, b TO c;
DROP OWNED BY a CASCADE;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO bob;
CREATE PUBLICATION p FOR TABLE a, ONLY s.b;
CREATE PUBLICATION p FOR ALL TABLES;
ALTER PUBLICATION p DROP TABLE a;
ALTER PUBLICATION p SET (publish = 'insert');
CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = false);
DROP SUBSCRIPTION s;
IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c;
"##,
        expect![[r#"
            Transaction { kind: Begin }
            Transaction { kind: Begin }
            Transaction { kind: CommitAndChain }
            Transaction { kind: RollbackTo }
            Transaction { kind: Savepoint }
            Transaction { kind: Release }
            Transaction { kind: Prepare }
            Set(Set { name: "lock_timeout", values: (["2s"]), local: true })
            Set(Set { name: "search_path", values: (["a", "B", "c"]) })
            Set(Set { name: "statement_timeout", values: (["0"]) })
            Set(Set { name: "timezone", values: (["UTC"]) })
            Set(Set { name: "x.y" })
            Set(Set { name: "all" })
            Set(Set { name: "session characteristics", values: ([""]) })
            SetConstraints { deferred: true }
            Discard { all: true }
            LockTable { relations: [RelationRef { name: Name { "a", span: ‹a› } }, RelationRef { name: Name { "b", span: ‹b› }, only: true }], mode: ShareRowExclusive, nowait: true }
            Vacuum(Vacuum { full: true, no_truncate: true, relations: [(RelationRef { name: Name { schema: ("s"), name: "t", span: ‹s.t› } }, [Ident { text: "a", span: ‹a› }, Ident { text: "b", span: ‹b› }])] })
            Analyze { relations: [(RelationRef { name: Name { "t", span: ‹t› } }, []), (RelationRef { name: Name { "u", span: ‹u› } }, [Ident { text: "a", span: ‹a› }])] }
            Other { tag: "LISTEN" }
            Other { tag: "CHECKPOINT" }
            Other { tag: "SHOW" }
            Role
            CreateDatabase
            AlterDatabase { set_tablespace: true }
            DropDatabase { if_exists: true }
            AlterSystem
            ReassignOwned { from: ["a", "b"] }
            DropOwned { roles: ["a"], cascade: true }
            AlterDefaultPrivileges
            CreatePublication(Publication { name: "p", tables: [(RelationRef { name: Name { "a", span: ‹a› } }, []), (RelationRef { name: Name { schema: ("s"), name: "b", span: ‹s.b› }, only: true }, [])] })
            CreatePublication(Publication { name: "p", all_tables: true })
            AlterPublication { publication: Publication { name: "p", tables: [(RelationRef { name: Name { "a", span: ‹a› } }, [])] }, action: Drop }
            AlterPublication { publication: Publication { name: "p" }, action: Other }
            CreateSubscription {}
            DropSubscription
            Other { tag: "IMPORT FOREIGN SCHEMA" }
        "#]],
    );
}

#[test]
fn needs() {
    check(
        r##"
MERGE INTO t USING s ON s.a = t.a WHEN MATCHED THEN DELETE;
MERGE INTO t USING s ON s.a = t.a WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING merge_action();
CREATE TABLE t (a int UNIQUE NULLS NOT DISTINCT);
ALTER TABLE t ADD UNIQUE NULLS DISTINCT (a);
ALTER TABLE t SET ACCESS METHOD heap;
ALTER TABLE t SET ACCESS METHOD DEFAULT;
CREATE TABLE t (a int, FOREIGN KEY (a, b) REFERENCES u ON DELETE SET NULL (a));
CREATE VIEW v WITH (security_invoker) AS SELECT 1;
CREATE UNLOGGED SEQUENCE s;
ALTER SEQUENCE s SET LOGGED;
CREATE PUBLICATION p FOR TABLES IN SCHEMA s;
CREATE PUBLICATION p FOR TABLE t (a);
CREATE PUBLICATION p FOR TABLE t WHERE (a > 1);
CREATE TABLE t (a text STORAGE external);
ALTER TABLE t ALTER a SET STORAGE DEFAULT;
SELECT * FROM (SELECT 1);
SELECT 1_000, 0xff;
SELECT JSON_OBJECT('a': 1);
SELECT x IS JSON FROM t;
SELECT system_user;
CREATE STATISTICS ON a, b FROM t;
REINDEX DATABASE;
GRANT a TO b WITH INHERIT TRUE;
SELECT * FROM JSON_TABLE(x, '$' COLUMNS (a int PATH '$.a')) j;
SELECT JSON_VALUE(x, '$.a');
SELECT now() AT LOCAL;
ALTER TABLE t ALTER a SET EXPRESSION AS (b + 1);
ALTER TABLE t ALTER a SET STATISTICS DEFAULT;
SET transaction_timeout = 1;
COPY t FROM '/x' WITH (ON_ERROR ignore);
ALTER TYPE e DROP VALUE 'x';
CREATE TABLE t (a int GENERATED ALWAYS AS (b + 1) VIRTUAL);
CREATE TABLE t (a int GENERATED ALWAYS AS (b + 1));
CREATE TABLE t (a int CHECK (a > 0) NOT ENFORCED);
ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u NOT ENFORCED;
ALTER TABLE t ADD CONSTRAINT c NOT NULL a NOT VALID;
ALTER TABLE t ADD NOT NULL a;
CREATE TABLE t (a int NOT NULL NO INHERIT);
ALTER TABLE t ALTER CONSTRAINT c ENFORCED;
ALTER TABLE t ALTER CONSTRAINT c NO INHERIT;
CREATE TABLE t (a int, b tsrange, PRIMARY KEY (a, b WITHOUT OVERLAPS));
ALTER TABLE t ADD FOREIGN KEY (a, PERIOD b) REFERENCES u (a, PERIOD b);
UPDATE t SET a = 1 RETURNING old.a, new.a;
UPDATE t AS old SET a = 1 RETURNING old.a;
DELETE FROM t RETURNING WITH (OLD AS o) o.a;
ANALYZE ONLY t;
ALTER DOMAIN d ADD NOT NULL;
ALTER OPERATOR = (a, b) SET (HASHES);
GRANT a TO b WITH ADMIN OPTION;
GRANT a TO b WITH ADMIN TRUE;
CREATE INDEX ON t (JSON_VALUE(a, '$'));
CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY, b numeric(3, -2)) PARTITION BY LIST (a) USING heap;
DO $$BEGIN MERGE INTO t USING s ON s.a = t.a WHEN MATCHED THEN DELETE; END$$;
"##,
        expect![[r#"
            Merge { target: RelationRef { name: Name { "t", span: ‹t› } }, facts: Query { reads: [Read { relation: RelationRef { name: Name { "s", span: ‹s› } } }], filtered: true } } needs 15 for MERGE ‹MERGE›
            Merge { target: RelationRef { name: Name { "t", span: ‹t› } }, facts: Query { reads: [Read { relation: RelationRef { name: Name { "s", span: ‹s› } } }], filtered: true } } needs 17 for MERGE ... WHEN NOT MATCHED BY SOURCE ‹BY SOURCE›
            CreateTable(CreateTable { name: Name { "t", span: ‹t› }, persistence: Permanent, columns: [ColumnDef { span: ‹a int UNIQUE NULLS NOT DISTINCT›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }), constraints: [Constraint { span: ‹UNIQUE NULLS NOT DISTINCT›, kind: Unique(UniqueKey { nulls_not_distinct: true }) }] }] }) needs 15 for NULLS NOT DISTINCT ‹NULLS NOT DISTINCT›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ADD UNIQUE NULLS DISTINCT (a)›, action: AddConstraint(Constraint { span: ‹UNIQUE NULLS DISTINCT (a)›, kind: Unique(UniqueKey { columns: [Ident { text: "a", span: ‹a› }] }) }) }] }) needs 15 for NULLS NOT DISTINCT ‹NULLS DISTINCT›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹SET ACCESS METHOD heap›, action: SetAccessMethod { method: ("heap") } }] }) needs 15 for SET ACCESS METHOD ‹SET ACCESS METHOD heap›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹SET ACCESS METHOD DEFAULT›, action: SetAccessMethod {} }] }) needs 17 for SET ACCESS METHOD DEFAULT ‹SET ACCESS METHOD DEFAULT›
            CreateTable(CreateTable { name: Name { "t", span: ‹t› }, persistence: Permanent, columns: [ColumnDef { span: ‹a int›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }) }], constraints: [Constraint { span: ‹FOREIGN KEY (a, b) REFERENCES u ON DELETE SET NULL (a)›, kind: ForeignKey(ForeignKey { columns: [Ident { text: "a", span: ‹a› }, Ident { text: "b", span: ‹b› }], referenced: Name { "u", span: ‹u› }, match_type: 's', on_update: 'a', on_delete: 'n', on_delete_columns: [Ident { text: "a", span: ‹a› }] }) }] }) needs 15 for ON DELETE SET ... (columns) ‹(a)›
            CreateView(CreateView { name: Name { "v", span: ‹v› }, query: Query { targets: [Number("1")] }, options: [DefElem { name: "security_invoker" }] }) needs 15 for security_invoker ‹security_invoker›
            CreateSequence(CreateSequence { name: Name { "s", span: ‹s› } }) needs 15 for CREATE UNLOGGED SEQUENCE ‹UNLOGGED SEQUENCE›
            AlterTable(AlterTable { object: Sequence, relation: RelationRef { name: Name { "s", span: ‹s› } }, subcommands: [Subcommand { span: ‹SET LOGGED›, action: SetLogged }] }) needs 15 for ALTER SEQUENCE ... SET LOGGED ‹SET LOGGED›
            CreatePublication(Publication { name: "p", schemas: ["s"] }) needs 15 for FOR TABLES IN SCHEMA ‹TABLES IN SCHEMA›
            CreatePublication(Publication { name: "p", tables: [(RelationRef { name: Name { "t", span: ‹t› } }, [])] }) needs 15 for a publication's column list ‹(a)›
            CreatePublication(Publication { name: "p", tables: [(RelationRef { name: Name { "t", span: ‹t› } }, ["a"])] }) needs 15 for a publication's row filter ‹WHERE (a > 1)›
            CreateTable(CreateTable { name: Name { "t", span: ‹t› }, persistence: Permanent, columns: [ColumnDef { span: ‹a text STORAGE external›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "text", span: ‹text› }), storage: ("external") }] }) needs 16 for STORAGE in a column definition ‹STORAGE external›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ALTER a SET STORAGE DEFAULT›, action: SetStorage { column: Ident { text: "a", span: ‹a› }, storage: "default" } }] }) needs 16 for SET STORAGE DEFAULT ‹STORAGE DEFAULT›
            Select(Query {}) needs 16 for a subquery in FROM without alias ‹(SELECT 1)›
            Select(Query { targets: [Number("1000"), Number("255")] }) needs 16 for numbers like 1_000 and 0xff ‹1_000›
            Select(Query { targets: [Other([Other([String("a"), Other([Number("1")])])])] }) needs 16 for JSON_OBJECT ‹JSON_OBJECT›
            Select(Query { reads: [Read { relation: RelationRef { name: Name { "t", span: ‹t› } } }] }) needs 16 for IS JSON ‹x›
            Select(Query { functions: [Name { "system_user", span: ‹system_user› }], targets: [Call { name: Name { "system_user", span: ‹system_user› } }] }) needs 16 for SYSTEM_USER ‹system_user›
            CreateStatistics { relation: (Name { "t", span: ‹t› }), columns: ["a", "b"] } needs 16 for CREATE STATISTICS without a name ‹CREATE STATISTICS›
            Reindex(Reindex { object: Database }) needs 16 for REINDEX DATABASE without a name ‹REINDEX DATABASE›
            Grant(Grant { object: Role, names: [Name { "a", span: ‹a› }] }) needs 16 for GRANT ... WITH INHERIT, SET ‹WITH INHERIT TRUE›
            Select(Query {}) needs 17 for JSON_TABLE ‹JSON_TABLE›
            Select(Query { targets: [Other([Other([Column(["x"])]), String("$.a")])] }) needs 17 for JSON_EXISTS, JSON_QUERY, JSON_VALUE ‹JSON_VALUE›
            Select(Query { functions: [Name { "timezone", span: ‹› }, Name { "now", span: ‹now› }], targets: [Call { name: Name { "timezone", span: ‹› }, arguments: [Call { name: Name { "now", span: ‹now› } }] }] }) needs 17 for AT LOCAL ‹AT LOCAL›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ALTER a SET EXPRESSION AS (b + 1)›, action: SetExpression { column: Ident { text: "a", span: ‹a› }, expression: ExprAt { span: ‹b + 1›, expr: Operator { name: "+", left: (Column(["b"])), right: Number("1") } } } }] }) needs 17 for SET EXPRESSION ‹SET EXPRESSION AS (b + 1)›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ALTER a SET STATISTICS DEFAULT›, action: SetStatistics { column: (Ident { text: "a", span: ‹a› }) } }] }) needs 17 for SET STATISTICS DEFAULT ‹STATISTICS DEFAULT›
            Set(Set { name: "transaction_timeout", values: (["1"]) }) needs 17 for transaction_timeout ‹SET transaction_timeout = 1›
            Copy(Copy { relation: (RelationRef { name: Name { "t", span: ‹t› } }), from: true }) needs 17 for COPY ... ON_ERROR ‹ON_ERROR›
            invalid ‹ALTER TYPE e DROP VALUE 'x'›: dropping an enum value is not implemented at ‹DROP›
            CreateTable(CreateTable { name: Name { "t", span: ‹t› }, persistence: Permanent, columns: [ColumnDef { span: ‹a int GENERATED ALWAYS AS (b + 1) VIRTUAL›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }), constraints: [Constraint { span: ‹GENERATED ALWAYS AS (b + 1) VIRTUAL›, kind: Generated { expression: ExprAt { span: ‹b + 1›, expr: Operator { name: "+", left: (Column(["b"])), right: Number("1") } } } }] }] }) needs 18 for VIRTUAL generated columns ‹GENERATED ALWAYS AS (b + 1) VIRTUAL›
            CreateTable(CreateTable { name: Name { "t", span: ‹t› }, persistence: Permanent, columns: [ColumnDef { span: ‹a int GENERATED ALWAYS AS (b + 1)›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }), constraints: [Constraint { span: ‹GENERATED ALWAYS AS (b + 1)›, kind: Generated { expression: ExprAt { span: ‹b + 1›, expr: Operator { name: "+", left: (Column(["b"])), right: Number("1") } } } }] }] }) needs 18 for VIRTUAL generated columns ‹GENERATED ALWAYS AS (b + 1)›
            CreateTable(CreateTable { name: Name { "t", span: ‹t› }, persistence: Permanent, columns: [ColumnDef { span: ‹a int CHECK (a > 0) NOT ENFORCED›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }), constraints: [Constraint { span: ‹CHECK (a > 0) NOT ENFORCED›, kind: Check(ExprAt { span: ‹a > 0›, expr: Operator { name: ">", left: (Column(["a"])), right: Number("0") } }), not_enforced: true }] }] }) needs 18 for NOT ENFORCED ‹NOT ENFORCED›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u NOT ENFORCED›, action: AddConstraint(Constraint { span: ‹CONSTRAINT c FOREIGN KEY (a) REFERENCES u NOT ENFORCED›, name: (Ident { text: "c", span: ‹c› }), kind: ForeignKey(ForeignKey { columns: [Ident { text: "a", span: ‹a› }], referenced: Name { "u", span: ‹u› }, match_type: 's', on_update: 'a', on_delete: 'a' }), not_enforced: true }) }] }) needs 18 for NOT ENFORCED ‹NOT ENFORCED›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ADD CONSTRAINT c NOT NULL a NOT VALID›, action: AddConstraint(Constraint { span: ‹CONSTRAINT c NOT NULL a NOT VALID›, name: (Ident { text: "c", span: ‹c› }), kind: NotNull { column: (Ident { text: "a", span: ‹a› }) }, not_valid: true }) }] }) needs 18 for NOT NULL ... NOT VALID ‹CONSTRAINT c NOT NULL a NOT VALID›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ADD NOT NULL a›, action: AddConstraint(Constraint { span: ‹NOT NULL a›, kind: NotNull { column: (Ident { text: "a", span: ‹a› }) } }) }] }) needs 18 for NOT NULL as a table constraint ‹NOT NULL a›
            CreateTable(CreateTable { name: Name { "t", span: ‹t› }, persistence: Permanent, columns: [ColumnDef { span: ‹a int NOT NULL NO INHERIT›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }), constraints: [Constraint { span: ‹NOT NULL NO INHERIT›, kind: NotNull {}, no_inherit: true }] }] }) needs 18 for NOT NULL ... NO INHERIT ‹NOT NULL NO INHERIT›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ALTER CONSTRAINT c ENFORCED›, action: AlterConstraint { name: Ident { text: "c", span: ‹c› }, enforced: (true) } }] }) needs 18 for ALTER CONSTRAINT ... ENFORCED ‹ALTER CONSTRAINT c ENFORCED›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ALTER CONSTRAINT c NO INHERIT›, action: AlterConstraint { name: Ident { text: "c", span: ‹c› }, no_inherit: (true) } }] }) needs 18 for ALTER CONSTRAINT ... INHERIT ‹ALTER CONSTRAINT c NO INHERIT›
            CreateTable(CreateTable { name: Name { "t", span: ‹t› }, persistence: Permanent, columns: [ColumnDef { span: ‹a int›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }) }, ColumnDef { span: ‹b tsrange›, name: Ident { text: "b", span: ‹b› }, ty: (TypeName { "tsrange", span: ‹tsrange› }) }], constraints: [Constraint { span: ‹PRIMARY KEY (a, b WITHOUT OVERLAPS)›, kind: PrimaryKey(UniqueKey { columns: [Ident { text: "a", span: ‹a› }, Ident { text: "b", span: ‹b› }], without_overlaps: true }) }] }) needs 18 for WITHOUT OVERLAPS ‹WITHOUT OVERLAPS›
            AlterTable(AlterTable { object: Table, relation: RelationRef { name: Name { "t", span: ‹t› } }, subcommands: [Subcommand { span: ‹ADD FOREIGN KEY (a, PERIOD b) REFERENCES u (a, PERIOD b)›, action: AddConstraint(Constraint { span: ‹FOREIGN KEY (a, PERIOD b) REFERENCES u (a, PERIOD b)›, kind: ForeignKey(ForeignKey { columns: [Ident { text: "a", span: ‹a› }, Ident { text: "b", span: ‹b› }], referenced: Name { "u", span: ‹u› }, referenced_columns: [Ident { text: "a", span: ‹a› }, Ident { text: "b", span: ‹b› }], match_type: 's', on_update: 'a', on_delete: 'a', period: true }) }) }] }) needs 18 for PERIOD ‹PERIOD b›
            Update(Update { target: RelationRef { name: Name { "t", span: ‹t› } }, assignments: [Assignment { column: "a", value: (ExprAt { span: ‹1›, expr: Number("1") }), span: ‹a = 1› }], facts: Query {} }) needs 18 for RETURNING old and new ‹old.a›
            Update(Update { target: RelationRef { name: Name { "t", span: ‹t› }, alias: ("old") }, assignments: [Assignment { column: "a", value: (ExprAt { span: ‹1›, expr: Number("1") }), span: ‹a = 1› }], facts: Query {} })
            Delete(Delete { target: RelationRef { name: Name { "t", span: ‹t› } }, facts: Query {} }) needs 18 for RETURNING WITH (OLD, NEW) ‹OLD AS o›
            Analyze { relations: [(RelationRef { name: Name { "t", span: ‹t› }, only: true }, [])] } needs 18 for ANALYZE ONLY ‹ONLY›
            AlterDomain { name: Name { "d", span: ‹d› }, action: AddConstraint(Constraint { span: ‹NOT NULL›, kind: NotNull {} }) } needs 17 for ALTER DOMAIN ... ADD NOT NULL ‹NOT NULL›
            Other { tag: "ALTER OPERATOR" } needs 17 for ALTER OPERATOR ... SET (COMMUTATOR, NEGATOR, HASHES, MERGES) ‹HASHES›
            Grant(Grant { object: Role, names: [Name { "a", span: ‹a› }] })
            Grant(Grant { object: Role, names: [Name { "a", span: ‹a› }] }) needs 16 for GRANT ... WITH INHERIT, SET ‹WITH ADMIN TRUE›
            CreateIndex(CreateIndex { relation: RelationRef { name: Name { "t", span: ‹t› } }, method: "btree", elements: [IndexElement { span: ‹JSON_VALUE(a, '$')›, expression: (Other([Other([Column(["a"])]), String("$")])) }] }) needs 17 for JSON_EXISTS, JSON_QUERY, JSON_VALUE ‹JSON_VALUE›
            CreateTable(CreateTable { name: Name { "t", span: ‹t› }, persistence: Permanent, columns: [ColumnDef { span: ‹a int GENERATED ALWAYS AS IDENTITY›, name: Ident { text: "a", span: ‹a› }, ty: (TypeName { "int4", span: ‹int› }), constraints: [Constraint { span: ‹GENERATED ALWAYS AS IDENTITY›, kind: Identity { always: true } }] }, ColumnDef { span: ‹b numeric(3, -2)›, name: Ident { text: "b", span: ‹b› }, ty: (TypeName { "numeric", modifiers: [3, -2], span: ‹numeric(3, -2)› }) }], partition_by: (PartitionBy { strategy: "list", keys: [IndexElement { span: ‹a›, column: ("a") }] }), access_method: ("heap") }) needs 17 for USING of a partitioned table ‹USING heap›
            Do(Do { language: "plpgsql", body: Body { span: ‹BEGIN MERGE INTO t USING s ON s.a = t.a WHEN MATCHED THEN DELETE; END›, statements: [Lowered { span: ‹MERGE INTO t USING s ON s.a = t.a WHEN MATCHED THEN DELETE›, kind: Merge { target: RelationRef { name: Name { "t", span: ‹t› } }, facts: Query { reads: [Read { relation: RelationRef { name: Name { "s", span: ‹s› } } }], filtered: true } } }] } }) needs 15 for MERGE ‹MERGE›
        "#]],
    );
}
