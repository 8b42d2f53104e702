//! CREATE INDEX and REINDEX, and the making of every other index: of constraints, partitions and copies.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, DefElem, Expr, ObjectKind, Persistence};

use super::expression::{self, Place};
use super::reach::written;
use super::{Exec, Stop, define};
use crate::effect::{FailsWhen, LockMode, OperationKind, WaitsFor, Work};
use crate::name::QName;
use crate::names;
use crate::schema::{Born, ColumnType, Constraint, ConstraintKind, Index, IndexColumn, Relation, RelationKind};

/// An index about to be made.
#[derive(Clone, Debug)]
pub(super) struct NewIndex {
    pub table: QName,
    pub name: Option<String>,
    pub unique: bool,
    pub nulls_not_distinct: bool,
    pub method: Arc<str>,
    pub elements: Vec<IndexColumn>,
    pub including: Vec<Arc<str>>,
    pub predicate: Option<Expr>,
    pub predicate_text: Option<Arc<str>>,
    pub options: Vec<DefElem>,
    pub tablespace: Option<Arc<str>>,
    /// The constraint it implements; the name is the index's.
    pub constraint: Option<Constraint>,
    /// ON ONLY: partitions get no index.
    pub only: bool,
    /// The partitioned index it becomes a part of.
    pub parent: Option<QName>,
    /// It may be there already, and the statement would leave it alone.
    pub maybe: bool,
}

/// How an index is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Build {
    /// Taken on the table and, where there are any, on its partitions and the indexes that are attached.
    pub lock: LockMode,
    /// Rows are read for it; not so when the table is rewritten anyway, or is new.
    pub work: bool,
    pub span: Span,
}

pub(super) fn create_index(exec: &mut Exec, it: &ast::CreateIndex, span: Span) {
    // What refuses the statement is recorded.
    let _ = try_create_index(exec, it, span);
}

/// DefineIndex, indexcmds.c; the locks on partitions are those of ProcessUtilitySlow, utility.c.
fn try_create_index(exec: &mut Exec, it: &ast::CreateIndex, span: Span) -> Result<(), Stop> {
    let table = exec.resolve(&it.relation.name);
    exec.operation(OperationKind::CreateIndex, span, Some(&table));
    if it.concurrently {
        exec.refuse_transaction("CREATE INDEX CONCURRENTLY", span);
    }
    if exec.is_missing(&table) {
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(&it.relation.name)), span);
    }
    let relation = exec.relation(&table);
    // Nobody else sees a temporary table, so it is never done concurrently.
    let concurrently = it.concurrently && relation.persistence != Persistence::Temporary;
    let lock = if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::Share };
    exec.lock(&table, lock);
    if relation.kind == RelationKind::PartitionedTable {
        if it.concurrently {
            let message = format!("cannot create index on partitioned table \"{}\" concurrently", table.name);
            return exec.refuse("0A000", message, span);
        }
        if !it.relation.only {
            for partition in exec.schema.descendants(&table) {
                exec.lock(&partition, lock);
            }
        }
    }
    if let Some(name) = &it.name
        && it.if_not_exists
        && exec.schema.has_class(&table.sibling(&name.text))
    {
        return Ok(());
    }
    if concurrently {
        // Two waits for writers of the table, one for every older snapshot of the database.
        exec.waits_for.extend([WaitsFor::Writers, WaitsFor::Snapshots]);
    }
    let new = NewIndex {
        name: it.name.as_ref().map(|name| name.text.clone()),
        unique: it.unique,
        nulls_not_distinct: it.nulls_not_distinct,
        method: it.method.as_str().into(),
        elements: it.elements.iter().map(|element| define::index_column(exec, element)).collect(),
        including: it.including.iter().map(|name| name.text.as_str().into()).collect(),
        predicate: it.predicate.as_ref().map(|at| crate::expr::placeless(&at.expr)),
        predicate_text: it.predicate.as_ref().map(|at| exec.source(at.span)),
        options: it.options.clone(),
        tablespace: it.tablespace.as_deref().map(Into::into),
        constraint: None,
        only: it.relation.only,
        parent: None,
        maybe: it.if_not_exists && relation.open,
        table,
    };
    define_index(exec, new, Build { lock, work: true, span })?;
    Ok(())
}

/// Makes an index, on a partitioned table also those of the partitions, and the constraint that goes with it. The table is
/// locked already. Returns the index's name.
pub(super) fn define_index(exec: &mut Exec, mut new: NewIndex, build: Build) -> Result<QName, Stop> {
    let relation = exec.relation(&new.table);
    check_index(exec, &new, &relation, build.span)?;
    let name = match new.name.take() {
        Some(name) => {
            let name = new.table.sibling(names::clip(&name, 63));
            if exec.schema.has_class(&name) {
                return exec.refuse("42P07", format!("relation \"{}\" already exists", name.name), build.span);
            }
            if new.constraint.is_some() && relation.constraint(&name.name).is_some() {
                let message =
                    format!("constraint \"{}\" for relation \"{}\" already exists", name.name, new.table.name);
                return exec.refuse("42710", message, build.span);
            }
            name
        }
        None => new.table.sibling(&choose_name(exec, &new)),
    };
    let partitioned = relation.kind == RelationKind::PartitionedTable;
    let constraint = new.constraint.take().map(|constraint| Constraint { name: name.name.clone(), ..constraint });
    exec.schema.insert_index(Index {
        name: name.clone(),
        table: new.table.clone(),
        kind: if partitioned { RelationKind::PartitionedIndex } else { RelationKind::Index },
        born: exec.born,
        maybe: new.maybe,
        unique: new.unique,
        nulls_not_distinct: new.nulls_not_distinct,
        method: new.method.clone(),
        elements: new.elements.clone(),
        including: new.including.clone(),
        predicate: new.predicate.clone(),
        predicate_text: new.predicate_text.clone(),
        valid: !(partitioned && new.only && !relation.children.is_empty()),
        constraint: constraint.as_ref().map(|constraint| constraint.name.clone()),
        parent: new.parent.clone(),
        options: new.options.clone(),
        tablespace: new.tablespace.clone(),
        comment: None,
    });
    exec.change(&new.table);
    if let Some(parent) = &new.parent {
        exec.lock(parent, LockMode::ShareUpdateExclusive);
    }
    if let Some(constraint) = &constraint {
        exec.schema.add_constraint(&new.table, constraint.clone());
    }
    if partitioned {
        if !new.only {
            for partition in relation.children.clone() {
                index_partition(exec, &new, &name, constraint.as_ref(), &partition, build)?;
            }
            // A partitioned table in use has partitions: jobs and functions made those that no migration tells of.
            if relation.children.is_empty() && relation.born == Born::Before && build.work {
                exec.work(&new.table, build.lock, Work::Build);
            }
        }
    } else if build.work {
        exec.work(&new.table, build.lock, Work::Build);
        // Nobody else sees the new index, so its own lock keeps nobody out.
        exec.work(&name, build.lock, Work::Build);
    }
    Ok(name)
}

/// A partition's part of a partitioned index: one that is there already is attached, else one is made.
fn index_partition(
    exec: &mut Exec,
    parent: &NewIndex,
    parent_name: &QName,
    constraint: Option<&Constraint>,
    partition: &QName,
    build: Build,
) -> Result<(), Stop> {
    exec.lock(partition, build.lock);
    if exec.relation(partition).kind == RelationKind::ForeignTable {
        return Ok(());
    }
    if let Some(found) = matching_index(exec, parent, constraint, partition) {
        exec.lock(&found, build.lock);
        attach_index(exec, &found, parent_name);
        if !exec.schema.indexes[&found].valid {
            exec.schema.edit_index(parent_name, |index| index.valid = false);
        }
        return Ok(());
    }
    let inherited =
        constraint.map(|it| Constraint { inherited: true, local: false, generated_name: true, ..it.clone() });
    let child = NewIndex {
        table: partition.clone(),
        name: None,
        constraint: inherited,
        parent: Some(parent_name.clone()),
        ..parent.clone()
    };
    define_index(exec, child, build)?;
    Ok(())
}

/// An index of a partition that can become part of a partitioned index: same definition, not attached yet, and with a
/// constraint where the parent has one (CompareIndexInfo, index.c).
pub(super) fn matching_index(
    exec: &Exec,
    parent: &NewIndex,
    constraint: Option<&Constraint>,
    partition: &QName,
) -> Option<QName> {
    if constraint.is_some_and(|it| matches!(it.kind, ConstraintKind::Exclude { .. })) {
        return None;
    }
    let table = exec.schema.relations.get(partition)?;
    let found = exec.schema.indexes_of(partition).find(|index| {
        let same_constraint = match constraint {
            None => true,
            Some(wanted) => index
                .constraint
                .as_ref()
                .and_then(|name| table.constraint(name))
                .is_some_and(|own| std::mem::discriminant(&own.kind) == std::mem::discriminant(&wanted.kind)),
        };
        index.parent.is_none()
            && same_constraint
            && index.unique == parent.unique
            && index.nulls_not_distinct == parent.nulls_not_distinct
            && index.method == parent.method
            && index.including == parent.including
            && index.predicate == parent.predicate
            && index.elements.len() == parent.elements.len()
            && index.elements.iter().zip(&parent.elements).all(|(own, wanted)| {
                own.column == wanted.column
                    && own.expression == wanted.expression
                    && own.collation == wanted.collation
                    && own.operator_class == wanted.operator_class
            })
    });
    found.map(|index| index.name.clone())
}

/// Makes an existing index, and its constraint, part of a partitioned one (IndexSetParentIndex, indexcmds.c).
pub(super) fn attach_index(exec: &mut Exec, index: &QName, parent: &QName) {
    exec.lock(parent, LockMode::ShareUpdateExclusive);
    exec.schema.edit_index(index, |it| it.parent = Some(parent.clone()));
    let Some(index) = exec.schema.indexes.get(index).cloned() else { return };
    let with_constraint = exec.schema.indexes.get(parent).is_some_and(|parent| parent.constraint.is_some());
    if let Some(name) = &index.constraint
        && with_constraint
    {
        exec.schema.edit(&index.table, |relation| {
            let which = |it: &Constraint| it.name == *name;
            relation.constraints.change(which, |constraint| {
                constraint.inherited = true;
                constraint.local = false;
            });
        });
    }
}

/// An index as it would be made again on another table (generateClonedIndexStmt, parse_utilcmd.c).
pub(super) fn clone_index(exec: &Exec, index: &Index, onto: &QName) -> NewIndex {
    let source = exec.schema.relations.get(&index.table);
    let constraint = index.constraint.as_ref().and_then(|name| source?.constraint(name)).cloned();
    NewIndex {
        table: onto.clone(),
        name: None,
        unique: index.unique,
        nulls_not_distinct: index.nulls_not_distinct,
        method: index.method.clone(),
        elements: index.elements.clone(),
        including: index.including.clone(),
        predicate: index.predicate.clone(),
        predicate_text: index.predicate_text.clone(),
        options: index.options.clone(),
        tablespace: index.tablespace.clone(),
        constraint: constraint.map(|it| Constraint {
            inherited: false,
            local: true,
            generated_name: true,
            born: exec.born,
            comment: None,
            ..it
        }),
        only: false,
        parent: None,
        maybe: false,
    }
}

fn choose_name(exec: &Exec, new: &NewIndex) -> String {
    let columns = new.elements.iter().map(|element| (element.column.as_deref(), element.expression.as_ref()));
    let included = new.including.iter().map(|column| (Some(&**column), None));
    let columns = names::index_columns(columns.chain(included));
    let addition = names::columns_addition(columns.iter().map(String::as_str));
    let (middle, label) = match new.constraint.as_ref().map(|it| &it.kind) {
        Some(ConstraintKind::PrimaryKey { .. }) => (None, "pkey"),
        Some(ConstraintKind::Exclude { .. }) => (Some(&*addition), "excl"),
        Some(_) => (Some(&*addition), "key"),
        None => (Some(&*addition), "idx"),
    };
    let named_not_null = || exec.since(18);
    let for_constraint = new.constraint.is_some();
    names::choose_relation_name(
        &exec.schema,
        &new.table,
        &new.table.name,
        middle,
        label,
        for_constraint,
        named_not_null,
    )
}

fn check_index(exec: &mut Exec, new: &NewIndex, relation: &Relation, span: Span) -> Result<(), Stop> {
    let table = &*relation.name.name;
    if !matches!(relation.kind, RelationKind::Table | RelationKind::PartitionedTable | RelationKind::MaterializedView) {
        let message = if exec.since(15) {
            format!("cannot create index on relation \"{table}\"")
        } else if relation.kind == RelationKind::ForeignTable {
            format!("cannot create index on foreign table \"{table}\"")
        } else {
            format!("\"{table}\" is not a table or materialized view")
        };
        return exec.refuse("42809", message, span);
    }
    refuse_method(exec, new, span)?;
    if new.elements.iter().filter_map(|it| it.column.as_deref()).any(|it| SYSTEM.contains(&it)) {
        return exec.refuse("0A000", "index creation on system columns is not supported".to_owned(), span);
    }
    if let Some(option) = new.options.iter().find(|option| !has_option(&new.method, &option.name)) {
        return exec.refuse("22023", format!("unrecognized parameter \"{}\"", option.name), span);
    }
    let keys = new.elements.iter().filter_map(|element| element.column.as_ref());
    for column in keys.clone().chain(&new.including) {
        if define::lacks_column(exec, relation, column) {
            let message = match new.constraint {
                Some(_) => format!("column \"{column}\" named in key does not exist"),
                None => format!("column \"{column}\" does not exist"),
            };
            return exec.refuse("42703", message, span);
        }
        let is_virtual = |it: &crate::schema::Generated| !it.stored;
        if relation.column(column).and_then(|it| it.generated.as_ref()).is_some_and(is_virtual) {
            let what = match new.constraint.as_ref().map(|it| &it.kind) {
                Some(ConstraintKind::PrimaryKey { .. }) => "primary keys",
                Some(_) => "unique constraints",
                None => "indexes",
            };
            return exec.refuse("0A000", format!("{what} on virtual generated columns are not supported"), span);
        }
    }
    let kind = match new.constraint.as_ref().map(|it| &it.kind) {
        Some(ConstraintKind::PrimaryKey { .. }) => Some("primary key"),
        Some(ConstraintKind::Unique { .. }) => Some("unique"),
        _ => None,
    };
    if let Some(kind) = kind
        && let Some(column) = keys.clone().enumerate().find(|(at, key)| keys.clone().take(*at).any(|it| it == *key))
    {
        let message = format!("column \"{}\" appears twice in {kind} constraint", column.1);
        return exec.refuse("42701", message, span);
    }
    refuse_operators(exec, new, relation, span)?;
    for element in &new.elements {
        if let Some(expression) = &element.expression {
            expression::check(exec, relation, expression, Place::Index, span)?;
        }
    }
    if let Some(predicate) = &new.predicate {
        expression::check(exec, relation, predicate, Place::Predicate, span)?;
    }
    let excludes = new.constraint.as_ref().is_some_and(|it| matches!(it.kind, ConstraintKind::Exclude { .. }));
    if let Some(key) = &relation.partition_by
        && (new.unique || excludes)
    {
        for part in &key.columns {
            let Some(column) = part else {
                let kind = match new.constraint.as_ref().map(|it| &it.kind) {
                    Some(ConstraintKind::PrimaryKey { .. }) => "PRIMARY KEY",
                    Some(ConstraintKind::Exclude { .. }) => "EXCLUDE",
                    _ => "UNIQUE",
                };
                return exec.refuse(
                    "0A000",
                    format!("unsupported {kind} constraint with partition key definition"),
                    span,
                );
            };
            if !keys.clone().any(|key| key == column) {
                let message = "unique constraint on partitioned table must include all partitioning columns";
                return exec.refuse("0A000", message.to_owned(), span);
            }
        }
    }
    Ok(())
}

const SYSTEM: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// The options of the methods of PostgreSQL (reloptions.c).
fn has_option(method: &str, option: &str) -> bool {
    match method {
        "btree" => matches!(option, "fillfactor" | "deduplicate_items" | "vacuum_cleanup_index_scale_factor"),
        "hash" | "spgist" => option == "fillfactor",
        "gist" => matches!(option, "fillfactor" | "buffering"),
        "gin" => matches!(option, "fastupdate" | "gin_pending_list_limit"),
        "brin" => matches!(option, "pages_per_range" | "autosummarize"),
        _ => true,
    }
}

/// What the access methods of PostgreSQL cannot do (their IndexAmRoutines).
fn refuse_method(exec: &mut Exec, new: &NewIndex, span: Span) -> Result<(), Stop> {
    const METHODS: [&str; 5] = ["hash", "gist", "gin", "spgist", "brin"];
    let method = &*new.method;
    if !METHODS.contains(&method) {
        return Ok(());
    }
    let kind = new.constraint.as_ref().map(|it| &it.kind);
    let excludes = matches!(kind, Some(ConstraintKind::Exclude { .. }));
    let what = if new.unique && kind.is_none() {
        "unique indexes"
    } else if !new.including.is_empty() && matches!(method, "hash" | "gin" | "brin") {
        "included columns"
    } else if new.elements.len() > 1 && matches!(method, "hash" | "spgist") {
        "multicolumn indexes"
    } else if excludes && matches!(method, "gin" | "brin") {
        "exclusion constraints"
    } else if new.elements.iter().any(|it| it.descending) {
        "ASC/DESC options"
    } else if new.elements.iter().any(|it| it.nulls_reordered) {
        "NULLS FIRST/LAST options"
    } else {
        return Ok(());
    };
    exec.refuse("0A000", format!("access method \"{method}\" does not support {what}"), span)
}

/// A key needs an operator class (GetDefaultOpClass, indexcmds.c).
fn refuse_operators(exec: &mut Exec, new: &NewIndex, relation: &Relation, span: Span) -> Result<(), Stop> {
    for element in new.elements.iter().filter(|it| it.operator_class.is_none()) {
        let column = element.column.as_ref().and_then(|it| relation.column(it)).map(|column| &column.ty);
        let cast = match &element.expression {
            Some(Expr::Cast { ty, .. }) => Some(define::types(exec).resolve(ty)),
            _ => None,
        };
        let ty = match (column, &cast) {
            (Some(ColumnType::Known(ty)), _) => Some(ty),
            (_, cast) => cast.as_ref(),
        };
        if let Some(ty) = ty
            && define::types(exec).lacks_operators(ty, &new.method)
        {
            let message = format!(
                "data type {} has no default operator class for access method \"{}\"",
                crate::coercion::describe(ty),
                new.method
            );
            return exec.refuse("42704", message, span);
        }
    }
    Ok(())
}

/// REINDEX: ReindexIndex, ReindexTable and ReindexMultipleTables, indexcmds.c. Plain REINDEX blocks writes of the table, and
/// reads of it as far as they plan with the index.
pub(super) fn reindex(exec: &mut Exec, it: &ast::Reindex, span: Span) {
    let Some(name) = &it.name else {
        exec.operation(OperationKind::Reindex, span, None);
        return reindex_many(exec, it, None, span);
    };
    match it.object {
        ObjectKind::Index => {
            let index = exec.resolve(name);
            let table = exec.schema.indexes.get(&index).map(|index| index.table.clone());
            exec.operation(OperationKind::Reindex, span, table.as_ref());
            if exec.is_missing(&index) {
                let message = format!("relation \"{}\" does not exist", written(name));
                exec.fail("42P01", message, FailsWhen::Always, span);
                return;
            }
            if exec.schema.relations.contains_key(&index) {
                let message = format!("\"{}\" is not an index", index.name);
                return exec.fail("42809", message, FailsWhen::Always, span);
            }
            let partitioned =
                exec.schema.indexes.get(&index).is_some_and(|index| index.kind == RelationKind::PartitionedIndex);
            if it.concurrently {
                exec.refuse_transaction("REINDEX CONCURRENTLY", span);
            } else if partitioned {
                exec.refuse_transaction("REINDEX INDEX", span);
            }
            let Some(table) = table else {
                exec.unknown_index(&index);
                exec.work(&index, LockMode::AccessExclusive, Work::Build);
                return;
            };
            if partitioned {
                exec.lock(&table, reindex_lock(it.concurrently));
                let strong = if it.concurrently { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive };
                exec.lock(&index, strong);
            }
            for index in leaves(exec, &index) {
                let table = exec.schema.indexes[&index].table.clone();
                if partitioned {
                    exec.lock(&table, LockMode::Share);
                }
                if it.concurrently && is_exclusion(exec, &index) {
                    exec.lock(&table, LockMode::ShareUpdateExclusive);
                    let message = "concurrent index creation for exclusion constraints is not supported".to_owned();
                    return exec.fail("0A000", message, FailsWhen::Always, span);
                }
                rebuild(exec, &table, &[index], it.concurrently);
            }
        }
        ObjectKind::Table => {
            let table = exec.resolve(name);
            exec.operation(OperationKind::Reindex, span, Some(&table));
            if exec.is_missing(&table) {
                let message = format!("relation \"{}\" does not exist", written(name));
                exec.fail("42P01", message, FailsWhen::Always, span);
                return;
            }
            let kind = exec.relation(&table).kind;
            let partitioned = kind == RelationKind::PartitionedTable;
            let fits =
                matches!(kind, RelationKind::Table | RelationKind::PartitionedTable | RelationKind::MaterializedView);
            if exec.schema.indexes.contains_key(&table) || !fits {
                let message = format!("\"{}\" is not a table or materialized view", table.name);
                return exec.fail("42809", message, FailsWhen::Always, span);
            }
            if it.concurrently {
                exec.refuse_transaction("REINDEX CONCURRENTLY", span);
            } else if partitioned {
                exec.refuse_transaction("REINDEX TABLE", span);
            }
            if partitioned {
                exec.lock(&table, reindex_lock(it.concurrently));
                for partition in exec.schema.descendants(&table) {
                    exec.lock(&partition, LockMode::Share);
                }
            }
            // Children by INHERITS have indexes of their own.
            let tables = if partitioned { exec.schema.storages(&table) } else { vec![table] };
            for table in tables {
                rebuild_all(exec, &table, it.concurrently);
            }
        }
        _ => {
            exec.operation(OperationKind::Reindex, span, None);
            reindex_many(exec, it, Some(&name.name), span);
        }
    }
}

/// REINDEX SCHEMA, DATABASE and SYSTEM: one transaction per table.
fn reindex_many(exec: &mut Exec, it: &ast::Reindex, name: Option<&str>, span: Span) {
    let what = match it.object {
        ObjectKind::Schema => "REINDEX SCHEMA",
        ObjectKind::Database => "REINDEX DATABASE",
        _ => "REINDEX SYSTEM",
    };
    exec.refuse_transaction(if it.concurrently { "REINDEX CONCURRENTLY" } else { what }, span);
    if what == "REINDEX SYSTEM" {
        return;
    }
    let in_schema = |relation: &Relation| what != "REINDEX SCHEMA" || name == Some(&*relation.name.schema);
    let tables: Vec<QName> = exec
        .schema
        .relations
        .values()
        .filter(|it| matches!(it.kind, RelationKind::Table | RelationKind::MaterializedView) && in_schema(it))
        .map(|it| it.name.clone())
        .collect();
    for table in tables {
        rebuild_all(exec, &table, it.concurrently);
    }
}

fn reindex_lock(concurrently: bool) -> LockMode {
    if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::Share }
}

fn rebuild_all(exec: &mut Exec, table: &QName, concurrently: bool) {
    let skipped = |index: &Index| concurrently && (!index.valid || is_exclusion_index(exec, index));
    let indexes: Vec<QName> =
        exec.schema.indexes_of(table).filter(|index| !skipped(index)).map(|index| index.name.clone()).collect();
    if indexes.is_empty() {
        exec.lock(table, reindex_lock(concurrently));
        if exec.relation(table).open {
            // Indexes that no migration told of.
            exec.work(table, reindex_lock(concurrently), Work::Build);
        }
        return;
    }
    rebuild(exec, table, &indexes, concurrently);
}

fn rebuild(exec: &mut Exec, table: &QName, indexes: &[QName], concurrently: bool) {
    let lock = reindex_lock(concurrently);
    exec.work(table, lock, Work::Build);
    for index in indexes {
        // The concurrent form takes it only to swap the old index for the new one, when nobody uses it any more.
        exec.work(index, LockMode::AccessExclusive, Work::Build);
        exec.schema.edit_index(index, |index| index.valid = true);
    }
    if concurrently {
        for waits in [WaitsFor::Readers, WaitsFor::Writers, WaitsFor::Snapshots] {
            if !exec.waits_for.contains(&waits) {
                exec.waits_for.push(waits);
            }
        }
    }
}

/// The indexes with storage at and below an index.
fn leaves(exec: &Exec, index: &QName) -> Vec<QName> {
    let mut found = Vec::new();
    let mut open = vec![index.clone()];
    while let Some(name) = open.pop() {
        let Some(index) = exec.schema.indexes.get(&name) else { continue };
        if index.kind == RelationKind::PartitionedIndex {
            open.extend(exec.schema.index_children(&name, &index.table));
        } else {
            found.push(name);
        }
    }
    found
}

fn is_exclusion(exec: &Exec, index: &QName) -> bool {
    exec.schema.indexes.get(index).is_some_and(|index| is_exclusion_index(exec, index))
}

fn is_exclusion_index(exec: &Exec, index: &Index) -> bool {
    let table = exec.schema.relations.get(&index.table);
    let constraint = index.constraint.as_ref().and_then(|name| table?.constraint(name));
    constraint.is_some_and(|it| matches!(it.kind, ConstraintKind::Exclude { .. }))
}
