//! The state of a database as far as the migrations tell it.
//!
//! The maps are persistent: a clone costs nothing and shares everything that does not change. What no migration told is
//! unknown, never assumed absent: see [`Schema::complete`] and [`Relation::open`].

use std::sync::Arc;

use syntax::ast::{DefElem, Expr, PartitionBound, Persistence, TypeName, Volatility};

use crate::list::List;
use crate::map::Map;
use crate::name::QName;

mod age;
pub(crate) mod patch;
pub(crate) mod rename;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The history begins with an empty database, so what is not here does not exist. Otherwise an absent relation is
    /// unknown: existing, large and busy.
    pub complete: bool,
    /// That it is complete is only presumed: the first migration that names a thing which none made shows otherwise.
    pub presumed: bool,
    /// Tables, views, materialized views, sequences, foreign tables; not indexes.
    pub relations: Map<QName, Arc<Relation>, 0>,
    pub indexes: Map<QName, Arc<Index>, 1>,
    pub types: Map<QName, Arc<Type>, 2>,
    /// Overloads in order of creation.
    pub functions: Map<QName, Arc<Vec<Function>>, 3>,
    pub schemas: Map<Arc<str>, (), 4>,
    pub extensions: Map<Arc<str>, (), 5>,
    pub publications: Map<Arc<str>, Arc<Publication>, 6>,
    pub statistics: Map<QName, Arc<Statistics>, 7>,
    /// Names of relations and indexes that this migration took away, be the schema complete or not. Behind a mistake an empty
    /// name is among them, and nothing is concluded from the others; ask [`Schema::is_gone`].
    pub gone: Map<QName, (), 13>,
    /// The same of columns, by relation.
    pub gone_columns: Map<QName, List<Arc<str>>, 14>,
    /// Derived from the maps above; kept by the functions of `catalog`.
    pub lookup: crate::catalog::Lookup,
}

/// When a thing came into being, seen from the migration being judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Born {
    /// Before the pending migrations: large and busy until a snapshot says otherwise.
    Before,
    /// In another pending migration: exists when this one runs, but nothing uses it yet.
    Pending,
    /// Earlier in this file.
    Here,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RelationKind {
    Table,
    PartitionedTable,
    View,
    MaterializedView,
    Sequence,
    ForeignTable,
    Index,
    PartitionedIndex,
    CompositeType,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    pub name: QName,
    pub kind: RelationKind,
    pub born: Born,
    /// Created by a statement that may not have run (IF NOT EXISTS, DO with IF).
    pub maybe: bool,
    /// First met as a reference: columns, constraints, indexes and dependents beyond those listed may exist.
    pub open: bool,
    /// Certainly without rows: created here and never written.
    pub empty: bool,
    pub persistence: Persistence,
    /// In attribute order.
    pub columns: List<Column>,
    pub constraints: List<Constraint>,
    /// Set for partitioned tables.
    pub partition_by: Option<PartitionKey>,
    /// The parent and the bound of a partition.
    pub partition_of: Option<(QName, PartitionBound)>,
    /// Parents by INHERITS, in order.
    pub inherits: Vec<QName>,
    /// Direct partitions and inheritance children.
    pub children: List<QName>,
    pub triggers: List<Trigger>,
    pub policies: List<Policy>,
    pub rules: Vec<Rule>,
    pub row_security: bool,
    pub force_row_security: bool,
    /// The index of REPLICA IDENTITY USING INDEX.
    pub replica_identity: Option<Arc<str>>,
    /// relreplident: `d` the primary key, `f` the whole row, `n` nothing, `i` the index.
    pub replica_identity_kind: char,
    pub clustered_on: Option<Arc<str>>,
    pub of_type: Option<QName>,
    pub options: Vec<DefElem>,
    pub access_method: Option<Arc<str>>,
    pub tablespace: Option<Arc<str>>,
    pub owner: Option<Arc<str>>,
    pub comment: Option<Arc<str>>,
    /// Views, materialized views: what the query reads, by relation and column (`None`: all of it or not known).
    pub reads: Vec<(QName, Option<Arc<str>>)>,
    /// Views, materialized views: the query leaves out rows of what it reads (WHERE, LIMIT), or may do so.
    pub filtered: bool,
    /// Views, materialized views: functions that the query calls, without their schemas.
    pub calls: Vec<Arc<str>>,
    /// Materialized views: WITH NO DATA leaves them unpopulated.
    pub populated: bool,
    /// Sequences: the owning column; identity sequences too.
    pub owned_by: Option<(QName, Arc<str>)>,
    /// Sequences: `smallint`, `integer`, `bigint`.
    pub sequence_type: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: Arc<str>,
    pub ty: ColumnType,
    pub collation: Option<Arc<str>>,
    pub not_null: bool,
    pub default: Option<Default>,
    /// `a` always, `d` by default.
    pub identity: Option<char>,
    pub generated: Option<Generated>,
    pub storage: Option<Arc<str>>,
    pub compression: Option<Arc<str>>,
    pub statistics: Option<i64>,
    pub options: Vec<DefElem>,
    pub comment: Option<Arc<str>>,
    pub born: Born,
    /// Comes from a parent.
    pub inherited: bool,
    /// Declared here too (attislocal): stays when the parent's column goes.
    pub local: bool,
}

/// A column type with aliases resolved: `integer` is `int4`. Unknown when the history does not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Known(TypeName),
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Default {
    pub expr: Expr,
    /// The source, white space as written.
    pub text: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    pub expr: Expr,
    pub text: Arc<str>,
    pub stored: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    pub name: Arc<str>,
    /// The name was generated by PostgreSQL.
    pub generated_name: bool,
    pub kind: ConstraintKind,
    pub validated: bool,
    pub enforced: bool,
    pub deferrable: bool,
    pub initially_deferred: bool,
    pub no_inherit: bool,
    /// Came from the parent.
    pub inherited: bool,
    /// Declared here too (conislocal): stays when the parent's constraint goes.
    pub local: bool,
    pub born: Born,
    pub comment: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    Check {
        expr: Expr,
        text: Arc<str>,
    },
    /// A catalog row of its own from 18 on; modelled on every major.
    NotNull {
        column: Arc<str>,
    },
    /// The index carries the constraint's name.
    Unique {
        columns: Vec<Arc<str>>,
    },
    PrimaryKey {
        columns: Vec<Arc<str>>,
    },
    Exclude {
        columns: Vec<Arc<str>>,
        text: Arc<str>,
    },
    ForeignKey {
        columns: Vec<Arc<str>>,
        referenced: QName,
        referenced_columns: Vec<Arc<str>>,
        match_type: char,
        on_update: char,
        on_delete: char,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionKey {
    pub strategy: &'static str,
    /// Columns; an expression gives `None`.
    pub columns: Vec<Option<Arc<str>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub name: QName,
    pub table: QName,
    pub kind: RelationKind,
    pub born: Born,
    pub maybe: bool,
    pub unique: bool,
    pub nulls_not_distinct: bool,
    pub method: Arc<str>,
    pub elements: Vec<IndexColumn>,
    pub including: Vec<Arc<str>>,
    pub predicate: Option<Expr>,
    pub predicate_text: Option<Arc<str>>,
    /// False after an interrupted concurrent build and for ON ONLY on a partitioned table.
    pub valid: bool,
    /// The constraint (unique, primary key, exclusion) that it implements.
    pub constraint: Option<Arc<str>>,
    /// The partitioned index it is attached to.
    pub parent: Option<QName>,
    pub options: Vec<DefElem>,
    pub tablespace: Option<Arc<str>>,
    pub comment: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexColumn {
    pub column: Option<Arc<str>>,
    pub expression: Option<Expr>,
    /// The element as written, for comparison.
    pub text: Arc<str>,
    pub collation: Option<Arc<str>>,
    pub operator_class: Option<Arc<str>>,
    pub descending: bool,
    pub nulls_reordered: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    pub name: QName,
    pub kind: TypeKind,
    pub born: Born,
    pub maybe: bool,
}

// Types stand behind an Arc, so the size of the largest variant costs nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeKind {
    Enum {
        values: Vec<Arc<str>>,
    },
    Domain {
        base: TypeName,
        not_null: bool,
        default: Option<Default>,
        constraints: Vec<(Arc<str>, Arc<str>, bool)>,
    },
    Composite {
        attributes: Vec<(Arc<str>, TypeName)>,
    },
    Range,
    /// A base type, or one that an extension brings.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub parameters: Vec<TypeName>,
    pub returns: Option<TypeName>,
    pub procedure: bool,
    pub language: Arc<str>,
    pub volatility: Volatility,
    pub strict: bool,
    /// SQL functions of one SELECT without relations: what the planner may inline.
    pub inline: Option<Expr>,
    /// BEGIN ATOMIC bodies: dependencies on relations and columns.
    pub reads: Vec<(QName, Option<Arc<str>>)>,
    /// What a call does: locks relations, runs DDL, cannot be told.
    pub body: Option<Arc<syntax::ast::Body>>,
    pub born: Born,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    pub name: Arc<str>,
    pub function: QName,
    pub row: bool,
    pub insert: bool,
    pub update: bool,
    pub delete: bool,
    pub truncate: bool,
    pub timing: &'static str,
    /// Columns of UPDATE OF and WHEN.
    pub columns: Vec<Arc<str>>,
    /// Columns of UPDATE OF.
    pub update_of: Vec<Arc<str>>,
    /// WHEN decides whether it fires.
    pub conditional: bool,
    pub enabled: bool,
    pub constraint: bool,
    pub deferred: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub name: Arc<str>,
    /// `select`, `insert`, `update` or `delete`.
    pub event: &'static str,
    /// `select`, `insert`, `update` or `delete`, when the rule always takes the place of that command.
    pub replaces: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub name: Arc<str>,
    pub columns: Vec<Arc<str>>,
    /// Relations that its expressions query.
    pub reads: Vec<QName>,
    /// Functions that its expressions call, without their schemas.
    pub functions: Vec<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    pub all_tables: bool,
    /// Tables with the columns of their row filters.
    pub tables: Vec<(QName, Vec<Arc<str>>)>,
    pub schemas: Vec<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    pub table: QName,
    pub columns: Vec<Arc<str>>,
}
