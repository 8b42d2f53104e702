//! Typed statements: what the parser hands to everything above it.
//!
//! The words are PostgreSQL's own. Spans inside a statement count from the statement's first byte, so that equal statements
//! are equal values wherever they stand and can be cached by their text; [`Statement::locate`] gives the place in the file.
//! An expression keeps its source span and a small tree of the facts the model reasons with.

use std::sync::Arc;

use crate::span::Span;

/// One file, or one section of it.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Every statement, broken and opaque ones too, in source order.
    pub statements: Vec<Statement>,
    /// Comments outside and inside statements, in source order.
    pub comments: Vec<Comment>,
    /// Stretches that were masked before parsing: psql commands, COPY payload, template tags.
    pub masked: Vec<Masked>,
    /// Where a template chooses: from `{{ if }}` or `{{ range }}` to its `{{ end }}`.
    pub branches: Vec<Span>,
    /// The statements that the grammar rejects, by index, with those that only a template explains.
    pub(crate) broken: Vec<usize>,
    /// COPY data was looked for.
    pub(crate) copies: bool,
}

impl Script {
    /// A template decides whether what stands there is part of the file.
    #[must_use]
    pub fn is_chosen(&self, span: Span) -> bool {
        self.branches.iter().any(|branch| branch.start <= span.start && span.start < branch.end)
    }
}

/// A statement and where it stands.
#[derive(Clone, Debug)]
pub struct Statement {
    /// From the first token to the last, without the terminator; in the file.
    pub span: Span,
    /// The end in the file of the terminating `;`, or `span.end` when there is none.
    pub end: u32,
    pub parsed: Arc<Parsed>,
}

impl Statement {
    /// The place in the file of a span inside the statement.
    #[must_use]
    pub fn locate(&self, span: Span) -> Span {
        span.shifted(self.span.start)
    }
}

/// What one statement's text means. Equal text gives an equal value, so it is shared through a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The source as written, without terminator.
    pub text: Arc<str>,
    /// Shared by statements that differ in nothing but their constants.
    pub kind: Arc<StatementKind>,
    /// The first PostgreSQL major whose grammar accepts the statement and the construct that needs it; `None` when every
    /// supported major does.
    pub needs: Option<Needs>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    pub major: u32,
    /// As the manual names it, e.g. `NOT NULL ... NOT VALID`.
    pub construct: &'static str,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// PostgreSQL's message, e.g. `syntax error at or near "foo"`.
    pub message: String,
    /// The offending token.
    pub span: Span,
    /// What could help, e.g. which bracket was never closed.
    pub hint: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// In the file, with its delimiters.
    pub span: Span,
    pub block: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    pub span: Span,
    pub kind: MaskedKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaskedKind {
    /// A psql backslash command, without the backslash: name and arguments.
    Psql {
        command: String,
        arguments: String,
    },
    CopyData,
    /// `${x}`, `{{ x }}`, `:name`, `@x@` and the like.
    Template,
    /// A byte-order mark, a NUL byte or a byte that is not UTF-8.
    Byte,
}

/// A name as PostgreSQL folds it: unquoted names in lower case, quotes removed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ident {
    pub text: String,
    pub span: Span,
}

/// A possibly qualified name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    pub schema: Option<String>,
    pub name: String,
    pub span: Span,
}

/// A relation in a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationRef {
    pub name: Name,
    /// `ONLY`: partitions and children are left out.
    pub only: bool,
    pub alias: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    pub schema: Option<String>,
    /// PostgreSQL's internal name where the grammar gives one (`int4`, `varchar`, `bpchar`, `timestamptz`), else as folded.
    pub name: String,
    /// Type modifiers as written: `[50]` for varchar(50), `[10, 2]` for numeric(10,2); for interval the field mask first.
    pub modifiers: Vec<i64>,
    pub array: bool,
    pub setof: bool,
    /// Modifiers that are not integers, folded: `point` in geometry(Point, 4326).
    pub modifier_words: Vec<String>,
    /// `t.c%TYPE`.
    pub percent_type: bool,
    pub span: Span,
}

/// An expression with the source it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprAt {
    pub span: Span,
    pub expr: Expr,
}

/// The shape of an expression, as far as the model reasons about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    Null,
    Bool(bool),
    /// Numbers, strings and bit strings, as written without quotes.
    Number(String),
    String(String),
    /// `a.b.c` by parts; `*` is the part `*`.
    Column(Vec<String>),
    Parameter(i32),
    Cast {
        operand: Box<Expr>,
        ty: TypeName,
    },
    Collate {
        operand: Box<Expr>,
        collation: Name,
    },
    Call {
        name: Name,
        arguments: Vec<Expr>,
    },
    /// A unary operator has no left side. `LIKE` is `~~`, `IN` and `= ANY` are [`Expr::AnyOf`].
    Operator {
        name: String,
        left: Option<Box<Expr>>,
        right: Box<Expr>,
    },
    /// `x op ANY (list)`: IN lists, arrays and subqueries; `all` for ALL and for NOT IN (operator `<>`).
    AnyOf {
        operator: String,
        left: Box<Expr>,
        values: Vec<Expr>,
        all: bool,
    },
    Between {
        operand: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull {
        operand: Box<Expr>,
        negated: bool,
    },
    /// IS TRUE, IS NOT FALSE, ...
    IsBool {
        operand: Box<Expr>,
        test: &'static str,
    },
    Case(Vec<Expr>),
    Coalesce(Vec<Expr>),
    /// GREATEST and LEAST.
    MinMax(Vec<Expr>),
    Array(Vec<Expr>),
    Row(Vec<Expr>),
    /// CURRENT_TIMESTAMP, CURRENT_USER, ... in upper case.
    SqlValue(&'static str),
    /// DEFAULT in INSERT and UPDATE.
    SetToDefault,
    Subquery(Box<Query>),
    /// Anything else, with the expressions inside it.
    Other(Vec<Expr>),
}

/// What a query reads, writes and calls; also the facts of data-modifying statements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Relations read, in order of appearance, common table expressions left out.
    pub reads: Vec<Read>,
    /// Data-modifying common table expressions.
    pub writes: Vec<Write>,
    /// Functions called anywhere in it, operators not counted.
    pub functions: Vec<Name>,
    /// Calls with their arguments where a call stands for itself, e.g. `SELECT setval('s', 1)`: the target list when the
    /// query has one row and reads no relation, else empty.
    pub targets: Vec<Expr>,
    /// A WHERE clause, LIMIT or join condition limits what is read.
    pub filtered: bool,
    pub limited: bool,
    /// A LIMIT stands in it or in any query inside it, the values of SET left out.
    pub limited_within: bool,
    /// The relation of SELECT INTO.
    pub into: Option<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub relation: RelationRef,
    /// FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE.
    pub row_lock: Option<&'static str>,
    pub skip_locked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub relation: RelationRef,
    pub kind: WriteKind,
    /// The WHERE of an UPDATE or DELETE.
    pub filter: Option<Expr>,
    /// Its rows come from others too: FROM, USING, MERGE, and INSERT of what a query gives.
    pub joined: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    Insert,
    Update,
    Delete,
    Merge,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementKind {
    // Relations.
    AlterTable(AlterTable),
    CreateTable(CreateTable),
    CreateTableAs(CreateTableAs),
    CreateIndex(CreateIndex),
    CreateView(CreateView),
    CreateSequence(CreateSequence),
    AlterSequence(AlterSequence),
    RefreshMaterializedView {
        name: Name,
        concurrently: bool,
        with_data: bool,
    },
    Truncate {
        relations: Vec<RelationRef>,
        restart_identity: bool,
        cascade: bool,
    },
    LockTable {
        relations: Vec<RelationRef>,
        mode: LockMode,
        nowait: bool,
    },
    /// ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b.
    AlterAllInTablespace {
        object: ObjectKind,
        from: String,
        to: String,
    },

    // Any object.
    Drop(Drop),
    Rename(Rename),
    SetSchema(SetSchema),
    SetOwner(SetOwner),
    DependsOnExtension {
        object: ObjectKind,
        relation: Option<Name>,
        name: Name,
    },
    Comment(CommentOn),
    SecurityLabel {
        object: ObjectKind,
        name: Name,
    },

    // Maintenance.
    Reindex(Reindex),
    Cluster {
        relation: Option<Name>,
        index: Option<Ident>,
    },
    Vacuum(Vacuum),
    Analyze {
        relations: Vec<(RelationRef, Vec<Ident>)>,
    },

    // Things on a table.
    CreateTrigger(CreateTrigger),
    CreateRule {
        name: Ident,
        relation: Name,
        replace: bool,
        event: &'static str,
        /// INSTEAD without WHERE: the command itself never runs.
        instead: bool,
        /// What its actions read and write.
        facts: Query,
    },
    CreatePolicy {
        name: Ident,
        relation: Name,
        expressions: Vec<Expr>,
        /// The clause that the command of FOR does not take, as PostgreSQL says it.
        misplaced: Option<&'static str>,
    },
    AlterPolicy {
        name: Ident,
        relation: Name,
        expressions: Vec<Expr>,
    },
    CreateStatistics {
        name: Option<Name>,
        relation: Option<Name>,
        columns: Vec<String>,
        expressions: Vec<Expr>,
        if_not_exists: bool,
    },
    AlterStatistics {
        name: Name,
        if_exists: bool,
    },

    // Types, functions, schemas.
    CreateEnum {
        name: Name,
        values: Vec<String>,
    },
    AlterEnum(AlterEnum),
    CreateComposite {
        name: Name,
        attributes: Vec<ColumnDef>,
    },
    CreateRange {
        name: Name,
    },
    /// CREATE TYPE of a base or shell type, CREATE AGGREGATE, CREATE OPERATOR, ... (DefineStmt).
    Define {
        object: ObjectKind,
        name: Name,
    },
    CreateDomain {
        name: Name,
        base: TypeName,
        collation: Option<Name>,
        constraints: Vec<Constraint>,
    },
    AlterDomain {
        name: Name,
        action: DomainAction,
    },
    CreateFunction(CreateFunction),
    AlterFunction {
        name: Name,
        object: ObjectKind,
        volatility: Option<Volatility>,
    },
    CreateSchema {
        name: Option<String>,
        if_not_exists: bool,
        elements: Vec<StatementKind>,
    },
    CreateExtension {
        name: String,
        schema: Option<String>,
        if_not_exists: bool,
    },
    AlterExtension {
        name: String,
    },
    CreateCast,
    CreateEventTrigger {
        name: Ident,
    },
    AlterEventTrigger {
        name: Ident,
    },

    // Privileges and cluster-wide objects.
    Grant(Grant),
    AlterDefaultPrivileges,
    ReassignOwned {
        from: Vec<String>,
    },
    DropOwned {
        roles: Vec<String>,
        cascade: bool,
    },
    CreatePublication(Publication),
    AlterPublication {
        publication: Publication,
        action: PublicationAction,
    },
    CreateSubscription {
        creates_slot: bool,
    },
    AlterSubscription,
    DropSubscription,
    CreateDatabase,
    AlterDatabase {
        set_tablespace: bool,
    },
    DropDatabase {
        if_exists: bool,
    },
    CreateTablespace,
    DropTablespace,
    AlterSystem,
    /// CREATE, ALTER or DROP ROLE, and ALTER ROLE ... SET.
    Role,

    // Session and transaction.
    Transaction {
        kind: TransactionKind,
    },
    Set(Set),
    SetConstraints {
        deferred: bool,
    },
    Discard {
        all: bool,
    },

    // Data.
    Select(Query),
    Insert(Insert),
    Update(Update),
    Delete(Delete),
    Merge {
        target: RelationRef,
        facts: Query,
    },
    Copy(Copy),
    Explain {
        analyze: bool,
        statement: Box<StatementKind>,
    },
    Do(Do),
    Call {
        name: Name,
        arguments: Vec<Expr>,
    },
    /// PREPARE, DECLARE CURSOR: the query inside.
    Prepare {
        statement: Box<StatementKind>,
    },

    /// A statement that names no relation and needs no attention: LISTEN, CHECKPOINT, FETCH, ... with its command tag.
    Other {
        tag: &'static str,
    },
    /// The grammar rejects it.
    Invalid(SyntaxError),
    /// So much of it is template that its meaning is not known.
    Template(Template),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub error: SyntaxError,
    /// The tables that it seems to create, in whichever branch.
    pub creates: Vec<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    Table,
    Index,
    View,
    MaterializedView,
    Sequence,
    ForeignTable,
    /// Composite types, enums, ranges, base types.
    Type,
    Domain,
    Column,
    /// An attribute of a composite type.
    Attribute,
    TableConstraint,
    DomainConstraint,
    Trigger,
    Rule,
    Policy,
    Function,
    Procedure,
    Routine,
    Aggregate,
    Schema,
    Extension,
    Statistics,
    Publication,
    Subscription,
    EventTrigger,
    Collation,
    Role,
    Database,
    Tablespace,
    Other,
}

// ---------------------------------------------------------------------------------------------------- ALTER TABLE

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterTable {
    /// What the statement calls the relation: ALTER TABLE also works on views, indexes and sequences.
    pub object: ObjectKind,
    pub relation: RelationRef,
    pub if_exists: bool,
    pub subcommands: Vec<Subcommand>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subcommand {
    /// From its first token to its last, without the separating comma.
    pub span: Span,
    pub action: AlterAction,
    /// CASCADE of ADD and ALTER ATTRIBUTE; DROP has its own.
    pub cascade: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterAction {
    AddColumn {
        column: ColumnDef,
        if_not_exists: bool,
    },
    DropColumn {
        column: Ident,
        if_exists: bool,
        cascade: bool,
    },
    SetDefault {
        column: Ident,
        default: ExprAt,
    },
    DropDefault {
        column: Ident,
    },
    SetNotNull {
        column: Ident,
    },
    DropNotNull {
        column: Ident,
    },
    AlterType {
        column: Ident,
        ty: TypeName,
        collation: Option<Name>,
        using: Option<ExprAt>,
    },
    SetExpression {
        column: Ident,
        expression: ExprAt,
    },
    DropExpression {
        column: Ident,
        if_exists: bool,
    },
    AddIdentity {
        column: Ident,
        always: bool,
        options: Vec<DefElem>,
    },
    SetIdentity {
        column: Ident,
        options: Vec<DefElem>,
    },
    DropIdentity {
        column: Ident,
        if_exists: bool,
    },
    /// The column of an index is named by number.
    SetStatistics {
        column: Option<Ident>,
    },
    SetColumnOptions {
        column: Ident,
        options: Vec<DefElem>,
    },
    ResetColumnOptions {
        column: Ident,
        options: Vec<DefElem>,
    },
    /// The mode and the method are folded.
    SetStorage {
        column: Ident,
        storage: String,
    },
    SetCompression {
        column: Ident,
        compression: String,
    },
    AddConstraint(Constraint),
    AlterConstraint {
        name: Ident,
        deferrable: Option<bool>,
        initially_deferred: Option<bool>,
        enforced: Option<bool>,
        no_inherit: Option<bool>,
    },
    ValidateConstraint {
        name: Ident,
    },
    DropConstraint {
        name: Ident,
        if_exists: bool,
        cascade: bool,
    },
    Owner {
        role: String,
    },
    ClusterOn {
        index: Ident,
    },
    SetWithoutCluster,
    SetLogged,
    SetUnlogged,
    SetAccessMethod {
        method: Option<String>,
    },
    SetTablespace {
        tablespace: String,
    },
    SetOptions {
        options: Vec<DefElem>,
    },
    ResetOptions {
        options: Vec<DefElem>,
    },
    Inherit {
        parent: Name,
    },
    NoInherit {
        parent: Name,
    },
    Of {
        ty: TypeName,
    },
    NotOf,
    ReplicaIdentity {
        /// `d` default, `f` full, `n` nothing, `i` index.
        kind: char,
        index: Option<Ident>,
    },
    RowSecurity {
        enable: bool,
    },
    ForceRowSecurity {
        force: bool,
    },
    /// No name stands for ALL, or for USER, which leaves out the triggers of foreign keys.
    EnableTrigger {
        name: Option<Ident>,
        user: bool,
    },
    DisableTrigger {
        name: Option<Ident>,
        user: bool,
    },
    EnableRule {
        name: Ident,
    },
    DisableRule {
        name: Ident,
    },
    /// ALTER INDEX ... ATTACH PARTITION has no bound.
    AttachPartition {
        partition: Name,
        bound: Option<PartitionBound>,
    },
    DetachPartition {
        partition: Name,
        concurrently: bool,
        finalize: bool,
    },
    SetWithoutOids,
    /// A foreign table's options.
    GenericOptions,
}

/// An option of WITH (...), SET (...) or a sequence: `toast.autovacuum_enabled = false`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefElem {
    pub namespace: Option<String>,
    pub name: String,
    /// As written without quotes; `None` when only the name stands there.
    pub value: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDef {
    pub span: Span,
    pub name: Ident,
    /// Absent in CREATE TABLE ... OF and PARTITION OF.
    pub ty: Option<TypeName>,
    pub collation: Option<Name>,
    pub storage: Option<String>,
    pub compression: Option<String>,
    /// In source order.
    pub constraints: Vec<Constraint>,
}

/// A table or column constraint; the grammar counts DEFAULT, NULL, identity and generation among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// With `CONSTRAINT name` and the attributes behind it (DEFERRABLE, NOT VALID, ...).
    pub span: Span,
    pub name: Option<Ident>,
    pub kind: ConstraintKind,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub not_valid: bool,
    pub not_enforced: bool,
    pub no_inherit: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    Null,
    /// The column stands in the table form of PostgreSQL 18.
    NotNull {
        column: Option<Ident>,
    },
    Default(ExprAt),
    Identity {
        always: bool,
        options: Vec<DefElem>,
    },
    Generated {
        expression: ExprAt,
        stored: bool,
    },
    Check(ExprAt),
    Unique(UniqueKey),
    PrimaryKey(UniqueKey),
    Exclude(Exclude),
    ForeignKey(ForeignKey),
}

/// The columns are empty for a column constraint and for USING INDEX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueKey {
    pub columns: Vec<Ident>,
    pub including: Vec<Ident>,
    pub nulls_not_distinct: bool,
    pub without_overlaps: bool,
    pub using_index: Option<Ident>,
    pub options: Vec<DefElem>,
    pub tablespace: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclude {
    pub method: String,
    pub elements: Vec<(IndexElement, String)>,
    pub predicate: Option<ExprAt>,
    pub including: Vec<Ident>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// Empty for a column constraint.
    pub columns: Vec<Ident>,
    pub referenced: Name,
    /// Empty: the primary key.
    pub referenced_columns: Vec<Ident>,
    pub match_type: char,
    /// `a` no action, `r` restrict, `c` cascade, `n` set null, `d` set default.
    pub on_update: char,
    pub on_delete: char,
    pub on_delete_columns: Vec<Ident>,
    /// FOREIGN KEY (..., PERIOD p).
    pub period: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionBound {
    Default,
    Range { from: Vec<RangeDatum>, to: Vec<RangeDatum> },
    List { values: Vec<Expr> },
    Hash { modulus: i32, remainder: i32 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeDatum {
    MinValue,
    MaxValue,
    Value(Expr),
}

// ---------------------------------------------------------------------------------------------------- CREATE

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    Permanent,
    Unlogged,
    Temporary,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTable {
    pub name: Name,
    pub if_not_exists: bool,
    pub persistence: Persistence,
    pub foreign: bool,
    pub columns: Vec<ColumnDef>,
    pub constraints: Vec<Constraint>,
    pub likes: Vec<Like>,
    pub inherits: Vec<Name>,
    pub of_type: Option<TypeName>,
    /// PARTITION OF: the parent stands in `inherits`.
    pub partition_of: Option<PartitionBound>,
    pub partition_by: Option<PartitionBy>,
    pub options: Vec<DefElem>,
    pub access_method: Option<String>,
    pub tablespace: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Like {
    pub relation: Name,
    /// INCLUDING ...: the names in lower case (`all`, `indexes`, `constraints`, `defaults`, `identity`, `generated`, ...).
    pub including: Vec<&'static str>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionBy {
    /// `range`, `list` or `hash`.
    pub strategy: &'static str,
    /// A column name or an expression.
    pub keys: Vec<IndexElement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTableAs {
    pub name: Name,
    /// Table or MaterializedView.
    pub object: ObjectKind,
    pub persistence: Persistence,
    pub if_not_exists: bool,
    pub with_data: bool,
    pub columns: Vec<String>,
    /// SELECT ... INTO.
    pub select_into: bool,
    pub query: Query,
    /// Columns that the query of a materialized view names: the view depends on them. Empty for tables.
    pub columns_used: Vec<ColumnUse>,
    /// Output columns as far as their names are evident; `None` when the query has a `*` or an unnamed expression.
    pub output: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateIndex {
    pub name: Option<Ident>,
    pub relation: RelationRef,
    pub unique: bool,
    pub concurrently: bool,
    pub if_not_exists: bool,
    pub method: String,
    pub elements: Vec<IndexElement>,
    pub including: Vec<Ident>,
    pub nulls_not_distinct: bool,
    pub predicate: Option<ExprAt>,
    pub options: Vec<DefElem>,
    pub tablespace: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexElement {
    pub span: Span,
    /// The column, or the expression.
    pub column: Option<String>,
    pub expression: Option<Expr>,
    pub collation: Option<Name>,
    pub operator_class: Option<Name>,
    pub descending: bool,
    /// NULLS FIRST or LAST other than the default of the direction.
    pub nulls_reordered: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateView {
    pub name: Name,
    pub replace: bool,
    pub temporary: bool,
    pub query: Query,
    /// Columns of the relations read that the query names anywhere.
    pub columns_used: Vec<ColumnUse>,
    pub output: Option<Vec<String>>,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSequence {
    pub name: Name,
    pub if_not_exists: bool,
    pub temporary: bool,
    pub options: Vec<DefElem>,
    /// OWNED BY table.column; `None` for NONE and when absent.
    pub owned_by: Option<(Name, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterSequence {
    pub name: Name,
    pub if_exists: bool,
    pub options: Vec<DefElem>,
    pub owned_by: Option<(Name, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTrigger {
    pub name: Ident,
    pub relation: Name,
    pub replace: bool,
    pub constraint: bool,
    pub row: bool,
    /// `before`, `after` or `instead of`.
    pub timing: &'static str,
    pub insert: bool,
    pub update: bool,
    pub delete: bool,
    pub truncate: bool,
    /// UPDATE OF.
    pub columns: Vec<String>,
    pub when: Option<Expr>,
    pub function: Name,
    /// FROM: the other table of a constraint trigger.
    pub referenced: Option<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterEnum {
    pub name: Name,
    pub action: EnumAction,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnumAction {
    AddValue {
        value: String,
        neighbour: Option<String>,
        after: bool,
        if_not_exists: bool,
    },
    RenameValue {
        from: String,
        to: String,
    },
    /// Parses from 17 on and always fails.
    DropValue {
        value: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainAction {
    SetDefault(Option<ExprAt>),
    SetNotNull,
    DropNotNull,
    AddConstraint(Constraint),
    DropConstraint { name: Ident, if_exists: bool },
    ValidateConstraint { name: Ident },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    Immutable,
    Stable,
    Volatile,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateFunction {
    pub name: Name,
    pub procedure: bool,
    pub replace: bool,
    /// Types of the input parameters.
    pub parameters: Vec<TypeName>,
    pub returns: Option<TypeName>,
    pub language: String,
    /// As declared; `None` is VOLATILE.
    pub volatility: Option<Volatility>,
    pub strict: bool,
    pub security_definer: bool,
    pub sets_search_path: bool,
    pub body: Option<Body>,
    /// BEGIN ATOMIC or RETURN: parsed when it is created.
    pub atomic: bool,
}

/// A routine body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Of the text inside the quotes.
    pub span: Span,
    /// Statements in it, in source order; empty for languages other than SQL and PL/pgSQL.
    pub statements: Vec<Lowered>,
    /// What in it is not understood: an EXECUTE whose text is not constant, a body that does not parse.
    pub opaque: Vec<Opaque>,
    /// COMMIT and ROLLBACK inside it.
    pub commits: Vec<Span>,
    /// Columns that the queries of a BEGIN ATOMIC body name: it depends on them. Empty for other bodies.
    pub columns_used: Vec<ColumnUse>,
}

/// A column that a query names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnUse {
    pub parts: Vec<String>,
    /// Where a name without qualifier is looked for: the items of each FROM around it, the innermost first, by the names they
    /// have there; empty for those that have none.
    pub from: Vec<Vec<String>>,
}

/// What is known only at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opaque {
    pub span: Span,
    /// It may bring relations, types, functions, schemas or extensions into being. What is known of the text rules it out
    /// where it tells the kind of the statement.
    pub creates: bool,
}

/// A statement inside a routine body. Its spans count from the statement that holds the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowered {
    pub span: Span,
    pub kind: StatementKind,
    /// Below IF, CASE, EXCEPTION or a loop that may not run.
    pub conditional: bool,
    pub in_loop: bool,
    /// The constant text of an EXECUTE.
    pub dynamic: bool,
    /// Its block has an EXCEPTION section, so a failure of it may be caught.
    pub guarded: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Do {
    pub language: String,
    pub body: Body,
}

// ---------------------------------------------------------------------------------------------------- any object

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    pub object: ObjectKind,
    pub names: Vec<DropName>,
    pub if_exists: bool,
    pub cascade: bool,
    pub concurrently: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropName {
    pub name: Name,
    /// The table of a trigger, rule or policy.
    pub relation: Option<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    pub object: ObjectKind,
    /// For columns, attributes and constraints: the kind of relation named in the statement.
    pub relation_object: ObjectKind,
    /// The relation, for relations and things on them.
    pub relation: Option<Name>,
    /// The old name: of the object, or of the column, constraint, trigger, ... on the relation.
    pub name: Name,
    pub new_name: String,
    pub if_exists: bool,
    /// ALTER TABLE ONLY.
    pub only: bool,
    /// RENAME ATTRIBUTE ... CASCADE.
    pub cascade: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetSchema {
    pub object: ObjectKind,
    pub name: Name,
    pub schema: String,
    pub if_exists: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetOwner {
    pub object: ObjectKind,
    pub name: Name,
    pub role: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentOn {
    pub object: ObjectKind,
    /// The object; for columns, constraints, triggers, rules and policies the name on `relation`.
    pub name: Name,
    pub relation: Option<Name>,
    pub text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub revoke: bool,
    pub object: ObjectKind,
    pub names: Vec<Name>,
    /// ALL TABLES IN SCHEMA: the names are schemas.
    pub all_in_schema: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    pub name: String,
    /// Tables with the columns of their row filter.
    pub tables: Vec<(RelationRef, Vec<String>)>,
    pub schemas: Vec<String>,
    pub all_tables: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicationAction {
    Add,
    Set,
    Drop,
    /// SET (options), OWNER.
    Other,
}

// ---------------------------------------------------------------------------------------------------- maintenance

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reindex {
    /// Index, Table, Schema, Database; `Other` is SYSTEM.
    pub object: ObjectKind,
    /// The schema or database stands in `name.name`.
    pub name: Option<Name>,
    pub concurrently: bool,
    pub tablespace: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vacuum {
    pub full: bool,
    pub analyze: bool,
    /// TRUNCATE false.
    pub no_truncate: bool,
    pub relations: Vec<(RelationRef, Vec<Ident>)>,
}

/// Table-level lock modes, weakest first (manual, 13.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

// ---------------------------------------------------------------------------------------------------- session

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionKind {
    Begin,
    Commit,
    Rollback,
    /// COMMIT AND CHAIN, ROLLBACK AND CHAIN.
    CommitAndChain,
    RollbackAndChain,
    Savepoint,
    Release,
    RollbackTo,
    Prepare,
    CommitPrepared,
    RollbackPrepared,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// In lower case; `all` for RESET ALL.
    pub name: String,
    /// The values as written without quotes; `None` for RESET and SET ... TO DEFAULT.
    pub values: Option<Vec<String>>,
    pub local: bool,
}

// ---------------------------------------------------------------------------------------------------- data

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insert {
    pub target: RelationRef,
    pub columns: Vec<Ident>,
    pub source: InsertSource,
    pub on_conflict: bool,
    /// Reads and functions of everything in the statement.
    pub facts: Query,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsertSource {
    Values { rows: usize },
    Query,
    Default,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    pub target: RelationRef,
    pub assignments: Vec<Assignment>,
    pub has_from: bool,
    pub filter: Option<ExprAt>,
    pub facts: Query,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub column: String,
    /// `None` for a multi-column assignment from a row or subquery.
    pub value: Option<ExprAt>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    pub target: RelationRef,
    pub has_using: bool,
    pub filter: Option<ExprAt>,
    pub facts: Query,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    pub relation: Option<RelationRef>,
    pub from: bool,
    pub stdin: bool,
    pub query: Option<Query>,
}
