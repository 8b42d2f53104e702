//! CREATE TABLE, CREATE TABLE AS, ALTER TABLE ALL IN TABLESPACE.
//!
//! A new table is locked by nobody else; what counts is what it locks beside: parents, a default partition, referenced tables.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, ConstraintKind, ObjectKind, PartitionBound, Persistence, StatementKind};

use super::alter_table::locks::is_table_option;
use super::alter_table::{checks, constraints, foreign_keys, partitions};
use super::expression::{self, Place};
use super::index::{Build, NewIndex, clone_index, define_index};
use super::reach::written;
use super::{Exec, Stop, data, define, view};
use crate::effect::{LockMode, OperationKind, Work};
use crate::name::QName;
use crate::schema::{
    Column, ColumnType, Constraint, ConstraintKind as Kind, Index, PartitionKey, Relation, RelationKind,
};

mod inherit;
mod like;

pub(super) fn create_table(exec: &mut Exec, it: &ast::CreateTable, span: Span) {
    // What refuses the statement is recorded.
    let _ = try_create_table(exec, it, span);
}

/// What the parts of a CREATE TABLE add up to before the table exists.
#[derive(Debug, Default)]
struct Parts {
    columns: Vec<Column>,
    /// From parents and LIKE, with their names.
    inherited: Vec<Constraint>,
}

/// An element in the order in which it is written.
enum Element<'a> {
    Column(&'a ast::ColumnDef),
    Like(&'a ast::Like),
}

fn try_create_table(exec: &mut Exec, it: &ast::CreateTable, span: Span) -> Result<(), Stop> {
    let name = created_name(exec, &it.name, it.persistence);
    let kind = match it.partition_of {
        Some(_) => OperationKind::CreatePartition,
        None => OperationKind::CreateTable,
    };
    exec.operation(kind, span, Some(&name));
    if exists(exec, &name, it.if_not_exists, it.name.span)? {
        return Ok(());
    }
    if it.partition_by.is_some() {
        if it.partition_of.is_none() && !it.inherits.is_empty() {
            let message = "cannot create partitioned table as inheritance child".to_owned();
            return exec.refuse("42P17", message, span);
        }
        if it.persistence == Persistence::Unlogged && exec.since(18) {
            return exec.refuse("0A000", "partitioned tables cannot be unlogged".to_owned(), span);
        }
    } else if !it.foreign
        && it.access_method.is_none()
        // WITH (oids = false) is still taken (transformRelOptions, reloptions.c).
        && let Some(option) =
            it.options.iter().find(|it| it.namespace.is_none() && it.name != "oids" && !is_table_option(it))
    {
        return exec.refuse("22023", format!("unrecognized parameter \"{}\"", option.name), span);
    }
    let elements = elements(it);
    let mut parts = Parts::default();
    if let Some(bound) = &it.partition_of {
        lock_parent(exec, it, bound, span)?;
    }
    inherit::add_parents(exec, it, &mut parts, span)?;
    if let Some(ty) = &it.of_type {
        inherit::add_type(exec, ty, &mut parts)?;
    }
    // The table is there, empty of columns, while its sequences and defaults are made.
    let relation = Relation {
        kind: match (it.foreign, &it.partition_by) {
            (true, _) => RelationKind::ForeignTable,
            (_, Some(_)) => RelationKind::PartitionedTable,
            _ => RelationKind::Table,
        },
        born: exec.born,
        maybe: it.if_not_exists && !exec.schema.is_complete(),
        open: false,
        empty: true,
        persistence: it.persistence,
        inherits: if it.partition_of.is_some() { Vec::new() } else { parent_names(exec, it) },
        of_type: it.of_type.as_ref().map(|ty| {
            let ty = define::types(exec).resolve(ty);
            QName::new(ty.schema.as_deref().unwrap_or(&name.schema), &ty.name)
        }),
        options: it.options.clone(),
        access_method: it.access_method.as_deref().map(Into::into),
        tablespace: it.tablespace.as_deref().map(Into::into),
        ..Relation::open(name.clone())
    };
    exec.schema.insert_relation(relation);
    for element in &elements {
        match element {
            Element::Column(column) => inherit::add_column(exec, &name, it, column, &mut parts)?,
            Element::Like(like) => like::add_columns(exec, &name, like, &mut parts)?,
        }
    }
    let key_columns = primary_key_columns(it);
    for column in parts.columns.iter_mut().filter(|column| key_columns.iter().any(|key| **key == *column.name)) {
        column.not_null = true;
    }
    let partition_by = partition_key(exec, it, &parts, span)?;
    let relation = exec.change(&name);
    relation.columns = std::mem::take(&mut parts.columns).into_iter().collect();
    relation.partition_by = partition_by;
    exec.schema.note_relation(&name);
    finish(exec, it, &name, parts, &elements, span)
}

/// Constraints, indexes, the bound and the foreign keys, in PostgreSQL's order (DefineRelation, tablecmds.c;
/// transformCreateStmt, parse_utilcmd.c).
fn finish(
    exec: &mut Exec,
    it: &ast::CreateTable,
    name: &QName,
    parts: Parts,
    elements: &[Element<'_>],
    span: Span,
) -> Result<(), Stop> {
    let parent = it.partition_of.as_ref().map(|bound| (exec.resolve(&it.inherits[0]), bound));
    if let Some((parent, bound)) = &parent {
        partitions::scan_default_partition(exec, parent, bound);
        exec.change(name).partition_of = Some((parent.clone(), (*bound).clone()));
    }
    for constraint in parts.inherited {
        exec.schema.add_constraint(name, constraint);
    }
    let written = constraints_as_written(it);
    let relation = exec.relation(name);
    for column in &relation.columns {
        if let Some(generated) = &column.generated {
            expression::check(exec, &relation, &generated.expr, Place::Generation, span)?;
        }
    }
    for (_, constraint) in &written {
        if let ConstraintKind::Check(at) = &constraint.kind {
            checks::add_check(exec, name, checks::NewCheck { it: constraint, at, fresh: true })?;
        }
    }
    name_not_nulls(exec, it, name);
    for parent in parent_names(exec, it) {
        partitions::refuse_circle(exec, &parent, name, span)?;
        exec.change(&parent).children.push(name.clone());
    }
    if let Some((parent, _)) = &parent {
        clone_parent_indexes(exec, parent, name, span)?;
        let mut triggers = exec.relation(parent).triggers.clone();
        triggers.retain(|trigger| trigger.row);
        exec.change(name).triggers = triggers;
        foreign_keys::clone_foreign_keys(exec, parent, name, LockMode::AccessExclusive);
    }
    add_indexes(exec, name, &written, span)?;
    for element in elements {
        if let Element::Like(like) = element {
            like::add_rest(exec, name, like, span)?;
        }
    }
    for (column, constraint) in &written {
        if let ConstraintKind::ForeignKey(key) = &constraint.kind {
            let columns: Vec<Arc<str>> = match column {
                Some(column) => vec![column.clone()],
                None => key.columns.iter().map(|it| it.text.as_str().into()).collect(),
            };
            foreign_keys::add_foreign_key(exec, name, constraints::fresh_foreign_key(constraint, key, &columns))?;
        }
    }
    Ok(())
}

/// Temporary relations live in a schema of their own.
fn created_name(exec: &Exec, name: &ast::Name, persistence: Persistence) -> QName {
    if persistence == Persistence::Temporary && name.schema.is_none() {
        QName::new("pg_temp", crate::names::clip(&name.name, 63))
    } else {
        let name = exec.new_name(name);
        name.sibling(crate::names::clip(&name.name, 63))
    }
}

/// Whether the statement leaves a relation alone that is there already.
fn exists(exec: &mut Exec, name: &QName, if_not_exists: bool, span: Span) -> Result<bool, Stop> {
    let certain = match exec.schema.relations.get(name) {
        // A temporary table goes with ON COMMIT DROP or with the session.
        Some(relation) => !relation.maybe && !relation.open && &*name.schema != "pg_temp",
        None => exec.schema.indexes.contains_key(name),
    };
    if if_not_exists && exec.schema.has_class(name) {
        return Ok(true);
    }
    if certain {
        return exec.refuse("42P07", format!("relation \"{}\" already exists", name.name), span);
    }
    if exec.schema.types.get(name).is_some_and(|ty| !ty.maybe) {
        return exec.refuse("42710", format!("type \"{}\" already exists", name.name), span);
    }
    Ok(false)
}

fn elements(it: &ast::CreateTable) -> Vec<Element<'_>> {
    let mut elements: Vec<(u32, Element<'_>)> =
        it.columns.iter().map(|column| (column.span.start, Element::Column(column))).collect();
    elements.extend(it.likes.iter().map(|like| (like.span.start, Element::Like(like))));
    elements.sort_by_key(|(start, _)| *start);
    elements.into_iter().map(|(_, element)| element).collect()
}

fn parent_names(exec: &Exec, it: &ast::CreateTable) -> Vec<QName> {
    it.inherits.iter().map(|parent| exec.resolve(parent)).collect()
}

/// A new partition changes the parent's description under ACCESS EXCLUSIVE (parentLockmode in DefineRelation).
fn lock_parent(exec: &mut Exec, it: &ast::CreateTable, bound: &PartitionBound, span: Span) -> Result<(), Stop> {
    let parent = exec.resolve(&it.inherits[0]);
    if exec.is_missing(&parent) {
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(&it.inherits[0])), span);
    }
    // If a parent that this file makes IF NOT EXISTS was there before, so was the partition.
    let maybe = std::mem::replace(&mut exec.change(&parent).maybe, false);
    exec.lock(&parent, LockMode::AccessExclusive);
    exec.change(&parent).maybe = maybe;
    let relation = exec.relation(&parent);
    if !relation.open && relation.kind != RelationKind::PartitionedTable {
        return exec.refuse("42P17", format!("\"{}\" is not partitioned", parent.name), span);
    }
    partitions::refuse_bound(exec, &parent, bound, span)?;
    partitions::refuse_overlap(exec, &parent, &it.name.name, bound, span)
}

fn primary_key_columns(it: &ast::CreateTable) -> Vec<&String> {
    let keys = it.constraints.iter().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey(key) => Some(&key.columns),
        _ => None,
    });
    keys.flatten().map(|column| &column.text).collect()
}

fn partition_key(
    exec: &mut Exec,
    it: &ast::CreateTable,
    parts: &Parts,
    span: Span,
) -> Result<Option<PartitionKey>, Stop> {
    let Some(by) = &it.partition_by else { return Ok(None) };
    let mut columns: Vec<Option<Arc<str>>> = Vec::new();
    for key in &by.keys {
        if let Some(column) = &key.column
            && !parts.columns.iter().any(|it| *it.name == **column)
        {
            let message = format!("column \"{column}\" named in partition key does not exist");
            return exec.refuse("42703", message, span);
        }
        if let Some(expression) = &key.expression {
            let relation =
                Relation { columns: parts.columns.iter().cloned().collect(), ..Relation::open(QName::new("", "")) };
            expression::check(exec, &Relation { open: false, ..relation }, expression, Place::PartitionKey, span)?;
        }
        columns.push(key.column.as_deref().map(Into::into));
    }
    Ok(Some(PartitionKey { strategy: by.strategy, columns }))
}

/// Column and table constraints together in the order of the text, each with its column.
fn constraints_as_written(it: &ast::CreateTable) -> Vec<(Option<Arc<str>>, &ast::Constraint)> {
    let mut all: Vec<(Option<Arc<str>>, &ast::Constraint)> = Vec::new();
    for column in &it.columns {
        let name: Arc<str> = crate::names::clip(&column.name.text, 63).into();
        all.extend(column.constraints.iter().map(|constraint| (Some(name.clone()), constraint)));
    }
    all.extend(it.constraints.iter().map(|constraint| (None, constraint)));
    all.sort_by_key(|(_, constraint)| constraint.span.start);
    all
}

/// NOT NULL constraints get their names after the CHECKs (AddRelationNotNullConstraints of 18).
fn name_not_nulls(exec: &mut Exec, it: &ast::CreateTable, name: &QName) {
    let relation = exec.relation(name);
    for column in relation.columns.iter().filter(|column| column.not_null) {
        if checks::not_null_constraint(&relation, &column.name).is_some() {
            continue;
        }
        let inline = it.columns.iter().find(|def| *def.name.text == *column.name).into_iter();
        let inline = inline
            .flat_map(|def| &def.constraints)
            .find(|constraint| matches!(constraint.kind, ConstraintKind::NotNull { .. }) && constraint.name.is_some());
        let table = it.constraints.iter().find(|constraint| {
            matches!(&constraint.kind, ConstraintKind::NotNull { column: Some(of) } if *of.text == *column.name)
        });
        let given = inline.or(table).and_then(|constraint| constraint.name.as_ref());
        let not_null_name = match given {
            Some(given) => crate::names::clip(&given.text, 63).into(),
            None => checks::not_null_name(exec, name, &column.name),
        };
        checks::set_not_null_mark(exec, name, &column.name, not_null_name, false);
    }
}

/// UNIQUE, PRIMARY KEY and EXCLUDE: the primary key first, one index for equal definitions (transformIndexConstraints).
fn add_indexes(
    exec: &mut Exec,
    name: &QName,
    written: &[(Option<Arc<str>>, &ast::Constraint)],
    span: Span,
) -> Result<(), Stop> {
    let mut indexes: Vec<NewIndex> = Vec::new();
    for (column, constraint) in written {
        let new = match &constraint.kind {
            ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) => {
                let columns: Vec<Arc<str>> = match column {
                    Some(column) => vec![column.clone()],
                    None => key.columns.iter().map(|it| it.text.as_str().into()).collect(),
                };
                constraints::new_key(name, constraint, key, &columns, exec)
            }
            ConstraintKind::Exclude(exclude) => constraints::new_exclusion(exec, name, constraint, exclude),
            _ => continue,
        };
        let primary = |new: &NewIndex| matches!(new.constraint, Some(Constraint { kind: Kind::PrimaryKey { .. }, .. }));
        if primary(&new) && indexes.iter().any(primary) {
            let message = format!("multiple primary keys for table \"{}\" are not allowed", name.name);
            return exec.refuse("42P16", message, constraint.span);
        }
        let twin = indexes.iter_mut().find(|other| {
            let excludes =
                |new: &NewIndex| matches!(new.constraint, Some(Constraint { kind: Kind::Exclude { .. }, .. }));
            let deferred = |new: &NewIndex| new.constraint.as_ref().map(|it| (it.deferrable, it.initially_deferred));
            other.elements == new.elements
                && other.including == new.including
                && deferred(other) == deferred(&new)
                && !excludes(other)
                && !excludes(&new)
        });
        match twin {
            Some(twin) if primary(&new) => *twin = NewIndex { name: new.name.clone().or(twin.name.take()), ..new },
            Some(twin) => twin.name = twin.name.take().or(new.name),
            None => indexes.push(new),
        }
    }
    indexes.sort_by_key(|new| !matches!(new.constraint, Some(Constraint { kind: Kind::PrimaryKey { .. }, .. })));
    for new in indexes {
        constraints::refuse_second_primary_key(exec, &new, span)?;
        define_index(exec, new, Build { lock: LockMode::AccessExclusive, work: false, span })?;
    }
    Ok(())
}

/// A partition gets an index for each of its parent's.
fn clone_parent_indexes(exec: &mut Exec, parent: &QName, name: &QName, span: Span) -> Result<(), Stop> {
    let indexes: Vec<Index> = exec.schema.indexes_of(parent).cloned().collect();
    for index in indexes {
        let mut new = clone_index(exec, &index, name);
        new.parent = Some(index.name.clone());
        if let Some(constraint) = &mut new.constraint {
            constraint.inherited = true;
            constraint.local = false;
        }
        define_index(exec, new, Build { lock: LockMode::AccessExclusive, work: false, span })?;
    }
    Ok(())
}

/// CREATE TABLE AS, SELECT INTO and CREATE MATERIALIZED VIEW: the query is read, or only analyzed WITH NO DATA
/// (ExecCreateTableAs, createas.c).
pub(super) fn create_table_as(exec: &mut Exec, it: &ast::CreateTableAs, span: Span) {
    let _ = try_create_table_as(exec, it, span);
}

fn try_create_table_as(exec: &mut Exec, it: &ast::CreateTableAs, span: Span) -> Result<(), Stop> {
    let name = created_name(exec, &it.name, it.persistence);
    exec.operation(OperationKind::CreateTable, span, Some(&name));
    if it.if_not_exists && exec.schema.has_class(&name) {
        return data::analyze(exec, &it.query, false);
    }
    exists(exec, &name, false, it.name.span)?;
    if it.with_data {
        data::read(exec, &it.query)?;
    } else {
        data::analyze(exec, &it.query, true)?;
    }
    let materialized = it.object == ObjectKind::MaterializedView;
    let names = if it.columns.is_empty() { it.output.clone() } else { Some(it.columns.clone()) };
    let columns = names.iter().flatten().map(|name| define::unknown_column(exec, name)).collect();
    let relation = Relation {
        kind: if materialized { RelationKind::MaterializedView } else { RelationKind::Table },
        born: exec.born,
        maybe: it.if_not_exists && !exec.schema.is_complete(),
        // Columns that a `*` stands for are not known; there are no indexes and constraints.
        open: names.is_none(),
        empty: !it.with_data,
        persistence: it.persistence,
        columns,
        populated: it.with_data,
        reads: if materialized { view::reads(exec, &it.query, &it.columns_used) } else { Vec::new() },
        ..Relation::open(name.clone())
    };
    exec.schema.insert_relation(relation);
    Ok(())
}

/// ALTER TABLE ALL IN TABLESPACE: every table in it is locked and copied (AlterTableMoveAll).
pub(super) fn alter_all_in_tablespace(exec: &mut Exec, it: &StatementKind, span: Span) {
    let StatementKind::AlterAllInTablespace { object, from, to } = it else { return };
    exec.operation(OperationKind::RewriteTable, span, None);
    if from == to {
        return;
    }
    let placed = |tablespace: Option<&Arc<str>>| tablespace.map_or("pg_default", |it| &**it) == from;
    let moved: Vec<QName> = match object {
        ObjectKind::Index => exec
            .schema
            .indexes
            .values()
            .filter(|it| it.kind == RelationKind::Index && placed(it.tablespace.as_ref()))
            .map(|it| it.name.clone())
            .collect(),
        _ => {
            let wanted = match object {
                ObjectKind::MaterializedView => RelationKind::MaterializedView,
                _ => RelationKind::Table,
            };
            let relations = exec.schema.relations.values();
            let fits = |it: &&Arc<Relation>| it.kind == wanted && placed(it.tablespace.as_ref());
            relations.filter(fits).map(|it| it.name.clone()).collect()
        }
    };
    for name in moved {
        exec.work(&name, LockMode::AccessExclusive, Work::Rewrite);
        exec.schema.edit(&name, |it| it.tablespace = Some(to.as_str().into()));
        exec.schema.edit_index(&name, |it| it.tablespace = Some(to.as_str().into()));
    }
}

/// A column as a copy that belongs to the new table.
fn copied(exec: &Exec, column: &Column) -> Column {
    Column { born: exec.born, inherited: false, local: true, comment: None, ..column.clone() }
}

/// A constraint as a copy that belongs to the new table; an empty table fulfils it.
fn copied_constraint(exec: &Exec, constraint: &Constraint) -> Constraint {
    Constraint {
        born: exec.born,
        inherited: false,
        local: true,
        comment: None,
        validated: constraint.enforced,
        ..constraint.clone()
    }
}

fn type_conflict(a: &ColumnType, b: &ColumnType) -> bool {
    matches!((a, b), (ColumnType::Known(a), ColumnType::Known(b)) if a != b)
}
