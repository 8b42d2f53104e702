//! DROP COLUMN and DROP CONSTRAINT, with everything that goes along.

use std::sync::Arc;

use syntax::Span;

use super::{Alter, Task, checks};
use crate::catalog::add;
use crate::effect::{Breaks, LockMode};
use crate::exec::dependents::{drop_relations, index_uses};
use crate::exec::{Exec, Stop};
use crate::expr::reads_column;
use crate::name::QName;
use crate::schema::{Column, Constraint, ConstraintKind, Index, Relation, RelationKind};

/// ATExecDropColumn: children that have the column only from here lose it too, and what depends on the columns goes or, where
/// it would not go by itself, needs CASCADE.
pub(super) fn drop_column(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    column: &str,
    if_exists: bool,
    cascade: bool,
) -> Result<(), Stop> {
    let relation = exec.relation(&alter.table);
    if relation.of_type.is_some() {
        return exec.refuse("42809", "cannot drop column from typed table".to_owned(), task.span);
    }
    if crate::exec::define::lacks_column(exec, &relation, column) {
        if if_exists {
            return Ok(());
        }
        let message = format!("column \"{column}\" of relation \"{}\" does not exist", alter.table.name);
        return exec.refuse("42703", message, task.span);
    }
    if relation.column(column).is_some_and(|it| it.inherited) {
        return exec.refuse("42P16", format!("cannot drop inherited column \"{column}\""), task.span);
    }
    let dropped = columns_to_drop(exec, alter, task, column)?;
    if !cascade && let Some(blocker) = dropped.iter().find(|table| is_needed(exec, table, column)) {
        let message = if dropped.len() > 1 {
            "cannot drop desired object(s) because other objects depend on them".to_owned()
        } else {
            format!("cannot drop column {column} of table {blocker} because other objects depend on it")
        };
        return exec.refuse("2BP01", message, task.span);
    }
    for table in dropped {
        remove_column(exec, &table, column);
    }
    exec.breaks.push(Breaks::ColumnGone { relation: alter.table.clone(), column: column.to_owned() });
    Ok(())
}

/// The tables that lose the column; other children keep it as their own.
fn columns_to_drop(exec: &mut Exec, alter: &Alter, task: &Task<'_>, column: &str) -> Result<Vec<QName>, Stop> {
    let mut dropped = Vec::new();
    let mut open = vec![alter.table.clone()];
    while let Some(table) = open.pop() {
        let relation = exec.relation(&table);
        let in_key = |key: &crate::schema::PartitionKey| key.columns.iter().flatten().any(|it| &**it == column);
        if relation.partition_by.as_ref().is_some_and(in_key) {
            let message = format!(
                "cannot drop column \"{column}\" because it is part of the partition key of relation \"{}\"",
                table.name
            );
            return exec.refuse("42P16", message, task.span);
        }
        if relation.kind == RelationKind::PartitionedTable && !alter.recurse && !relation.children.is_empty() {
            let message = "cannot drop column from only the partitioned table when partitions exist".to_owned();
            return exec.refuse("42P16", message, task.span);
        }
        for child in relation.children.clone() {
            alter.lock_child(exec, task, &child);
            let from_elsewhere = exec.relation(&child).inherits.iter().any(|parent| {
                *parent != table && exec.schema.relations.get(parent).is_some_and(|it| it.column(column).is_some())
            });
            let local = exec.relation(&child).column(column).is_none_or(|it| it.local);
            if alter.recurse && !local && !from_elsewhere {
                open.push(child);
            } else if !from_elsewhere {
                exec.schema.edit(&child, |relation| {
                    let which = |it: &Column| &*it.name == column;
                    relation.columns.change(which, |it| {
                        it.inherited = false;
                        it.local = true;
                    });
                });
            }
        }
        dropped.push(table);
    }
    Ok(dropped)
}

/// Whether something outside the table's own constraints and indexes depends on the column (pg_depend, type normal).
fn is_needed(exec: &Exec, table: &QName, column: &str) -> bool {
    let relation = exec.relation(table);
    let reads = |reads: &[(QName, Option<Arc<str>>)]| {
        reads.iter().any(|(read, part)| read == table && part.as_deref() == Some(column))
    };
    let views = exec.schema.views_of(table);
    let indexes: Vec<&Index> = exec.schema.indexes_of(table).filter(|index| index_uses(index, column)).collect();
    views.iter().any(|view| reads(&exec.schema.relations[view].reads))
        || relation.columns.iter().any(|it| generated_from(it, column))
        || relation.triggers.iter().any(|it| it.columns.iter().any(|name| &**name == column))
        || relation.policies.iter().any(|it| it.columns.iter().any(|name| &**name == column))
        || exec.schema.publications.values().any(|it| filters_on(it, table, column))
        || exec.schema.functions.values().any(|overloads| overloads.iter().any(|it| reads(&it.reads)))
        || indexes.iter().any(|index| !foreign_keys_through(exec, index).is_empty())
}

pub(super) fn generated_from(it: &Column, column: &str) -> bool {
    &*it.name != column && it.generated.as_ref().is_some_and(|generated| reads_column(&generated.expr, column))
}

pub(super) fn filters_on(publication: &crate::schema::Publication, table: &QName, column: &str) -> bool {
    publication.tables.iter().any(|(name, columns)| name == table && columns.iter().any(|it| &**it == column))
}

/// Foreign keys of other tables, and of the table itself, that rely on a unique index. They depend on the first index that
/// fits when they are made (transformFkeyCheckAttrs).
pub(super) fn foreign_keys_through(exec: &Exec, index: &Index) -> Vec<(QName, Constraint)> {
    let keys = |index: &Index| -> Option<Vec<Arc<str>>> {
        let fits = index.unique && index.predicate.is_none();
        let mut keys = index.elements.iter().map(|it| it.column.clone()).collect::<Option<Vec<_>>>()?;
        keys.sort();
        fits.then_some(keys)
    };
    let Some(own) = keys(index) else { return Vec::new() };
    let first = exec.schema.indexes_of(&index.table).find(|it| keys(it).as_ref() == Some(&own));
    if first.is_none_or(|it| it.name != index.name) {
        return Vec::new();
    }
    let mut found = exec.schema.foreign_keys_to(&index.table);
    found.retain(|(_, constraint)| match &constraint.kind {
        ConstraintKind::ForeignKey { referenced_columns, .. } => {
            let mut columns = referenced_columns.clone();
            columns.sort();
            columns == own && !constraint.inherited
        }
        _ => false,
    });
    found
}

/// Takes a column out of one table with its indexes, constraints, sequences and dependents.
fn remove_column(exec: &mut Exec, table: &QName, column: &str) {
    for view in exec.schema.views_of(table) {
        let reads = exec.relation(&view).reads.clone();
        if reads.iter().any(|(read, part)| read == table && part.as_deref() == Some(column)) {
            // It was dropped with CASCADE, so nothing can refuse it.
            let _ = drop_relations(exec, vec![view], true, Span::default());
        }
    }
    let indexes: Vec<Index> =
        exec.schema.indexes_of(table).filter(|index| index_uses(index, column)).cloned().collect();
    for index in indexes {
        for (referencing, constraint) in foreign_keys_through(exec, &index) {
            remove_foreign_key(exec, &referencing, &constraint);
        }
        remove_index(exec, &index.name);
    }
    let relation = exec.relation(table);
    for constraint in &relation.constraints {
        let gone = match &constraint.kind {
            ConstraintKind::ForeignKey { columns, .. } => columns.iter().any(|it| &**it == column),
            ConstraintKind::Check { expr, .. } => reads_column(expr, column),
            ConstraintKind::NotNull { column: of } => &**of == column,
            // Gone with their indexes.
            _ => false,
        };
        match constraint.kind {
            ConstraintKind::ForeignKey { .. } if gone => remove_foreign_key(exec, table, constraint),
            _ if gone => remove_constraint(exec, table, &constraint.name),
            _ => {}
        }
    }
    for (sequence, owner) in exec.schema.sequences_of(table) {
        if &*owner == column {
            exec.lock(&sequence, LockMode::AccessExclusive);
            exec.schema.remove_relation(&sequence);
        }
    }
    let generated: Vec<Arc<str>> =
        relation.columns.iter().filter(|it| generated_from(it, column)).map(|it| it.name.clone()).collect();
    exec.schema.edit(table, |relation| {
        relation.columns.retain(|it| &*it.name != column);
        relation.triggers.retain(|it| !it.columns.iter().any(|name| &**name == column));
        relation.policies.retain(|it| !it.columns.iter().any(|name| &**name == column));
    });
    if relation.open {
        add(&mut exec.schema.gone_columns, table, column.into());
    }
    let statistics = exec.schema.statistics.iter();
    let covers = statistics.filter(|(_, it)| it.table == *table && it.columns.iter().any(|name| &**name == column));
    for name in covers.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
        exec.schema.statistics.remove(&name);
    }
    for name in generated {
        remove_column(exec, table, &name);
    }
}

/// An index with the parts of it that partitions have, and the constraint that it implements.
pub(super) fn remove_index(exec: &mut Exec, name: &QName) {
    let Some(index) = exec.schema.indexes.get(name).cloned() else { return };
    exec.lock(name, LockMode::AccessExclusive);
    for child in exec.schema.index_children(name, &index.table) {
        exec.lock(&exec.schema.indexes[&child].table.clone(), LockMode::AccessExclusive);
        remove_index(exec, &child);
    }
    if let Some(constraint) = &index.constraint {
        remove_constraint(exec, &index.table, constraint);
    }
    exec.schema.remove_index(name);
}

fn remove_constraint(exec: &mut Exec, table: &QName, name: &str) {
    exec.schema.edit(table, |relation| relation.constraints.retain(|it| &*it.name != name));
}

/// A foreign key leaves both tables: its triggers are dropped under ACCESS EXCLUSIVE (RemoveTriggerById, trigger.c).
pub(in crate::exec) fn remove_foreign_key(exec: &mut Exec, table: &QName, constraint: &Constraint) {
    let ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind else { return };
    exec.lock(table, LockMode::AccessExclusive);
    // The triggers on the referenced table belong to the key of the partitioned table.
    if !constraint.inherited {
        let mut targets = exec.schema.partitions(referenced);
        targets.insert(0, referenced.clone());
        for target in targets {
            // Partitioned tables have had triggers of their own since 15.
            if exec.relation(&target).kind != RelationKind::PartitionedTable || exec.since(15) {
                exec.lock(&target, LockMode::AccessExclusive);
            }
        }
    }
    for partition in exec.schema.partitions(table) {
        let inherited = |it: &&Constraint| it.inherited && it.kind == constraint.kind;
        let own = exec.relation(&partition).constraints.iter().find(inherited).cloned();
        if let Some(own) = own {
            exec.lock(&partition, LockMode::AccessExclusive);
            remove_constraint(exec, &partition, &own.name);
        }
    }
    remove_constraint(exec, table, &constraint.name);
}

/// ATExecDropConstraint.
pub(super) fn drop_constraint(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    name: &str,
    if_exists: bool,
    cascade: bool,
) -> Result<(), Stop> {
    let relation = exec.relation(&alter.table);
    if relation.kind == RelationKind::PartitionedTable {
        // ATCheckPartitionsNotInUse.
        for partition in exec.schema.descendants(&alter.table) {
            alter.lock_child(exec, task, &partition);
        }
    }
    // Before 18 a NOT NULL has no constraint that could be dropped.
    let found = relation
        .constraint(name)
        .filter(|it| !matches!(it.kind, ConstraintKind::NotNull { .. }) || exec.since(18))
        .cloned();
    let Some(constraint) = found else {
        if if_exists || relation.open {
            return Ok(());
        }
        let message = format!("constraint \"{name}\" of relation \"{}\" does not exist", alter.table.name);
        return exec.refuse("42704", message, task.span);
    };
    if constraint.inherited {
        let message = format!("cannot drop inherited constraint \"{name}\" of relation \"{}\"", alter.table.name);
        return exec.refuse("42P16", message, task.span);
    }
    match &constraint.kind {
        ConstraintKind::ForeignKey { referenced, .. } => {
            exec.lock(referenced, LockMode::AccessExclusive);
            remove_foreign_key(exec, &alter.table, &constraint);
        }
        ConstraintKind::NotNull { column } => {
            let column = column.clone();
            refuse_drop(exec, &relation, &column, task.span)?;
            drop_not_null_constraint(exec, alter, task, &column)?;
        }
        ConstraintKind::Check { .. } => {
            if relation.kind == RelationKind::PartitionedTable
                && !alter.recurse
                && !relation.children.is_empty()
                && !exec.since(18)
            {
                let message =
                    "cannot remove constraint from only the partitioned table when partitions exist".to_owned();
                return exec.refuse("42P16", message, task.span);
            }
            remove_constraint(exec, &alter.table, name);
            if !constraint.no_inherit {
                drop_from_children(exec, alter, task, name);
            }
        }
        ConstraintKind::Unique { .. } | ConstraintKind::PrimaryKey { .. } | ConstraintKind::Exclude { .. } => {
            let index = alter.table.sibling(name);
            let Some(entry) = exec.schema.indexes.get(&index).cloned() else {
                remove_constraint(exec, &alter.table, name);
                return Ok(());
            };
            let dependents = foreign_keys_through(exec, &entry);
            if !dependents.is_empty() && !cascade {
                let message = format!(
                    "cannot drop constraint {name} on table {} because other objects depend on it",
                    alter.table
                );
                return exec.refuse("2BP01", message, task.span);
            }
            for (referencing, foreign_key) in dependents {
                remove_foreign_key(exec, &referencing, &foreign_key);
            }
            remove_index(exec, &index);
        }
    }
    Ok(())
}

/// Children that have the CHECK only from here lose it too.
fn drop_from_children(exec: &mut Exec, alter: &Alter, task: &Task<'_>, name: &str) {
    let mut open = vec![alter.table.clone()];
    while let Some(table) = open.pop() {
        for child in exec.relation(&table).children.clone() {
            alter.lock_child(exec, task, &child);
            let Some(own) = exec.relation(&child).constraint(name).cloned() else { continue };
            if alter.recurse && own.inherited && !own.local {
                remove_constraint(exec, &child, name);
                open.push(child);
            } else {
                make_local(exec, &child, |it| &*it.name == name);
            }
        }
    }
}

fn make_local(exec: &mut Exec, table: &QName, which: impl Fn(&Constraint) -> bool) {
    exec.schema.edit(table, |relation| {
        relation.constraints.change(&which, |constraint| {
            constraint.inherited = false;
            constraint.local = true;
        });
    });
}

/// dropconstraint_internal of 18 for NOT NULL.
fn refuse_drop(exec: &mut Exec, relation: &Relation, column: &str, span: Span) -> Result<(), Stop> {
    if relation.column(column).is_some_and(|it| it.identity.is_some()) {
        let message = format!("column \"{column}\" of relation \"{}\" is an identity column", relation.name.name);
        return exec.refuse("55000", message, span);
    }
    checks::refuse_drop_not_null(exec, relation, column, span)
}

/// Removes NOT NULL with its constraint, also from the children that have it only from here.
pub(super) fn drop_not_null_constraint(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    column: &str,
) -> Result<(), Stop> {
    let relation = exec.relation(&alter.table);
    if let Some(constraint) = checks::not_null_constraint(&relation, column)
        && constraint.inherited
    {
        let message =
            format!("cannot drop inherited constraint \"{}\" of relation \"{}\"", constraint.name, alter.table.name);
        return exec.refuse("42P16", message, task.span);
    }
    let no_inherit = checks::not_null_constraint(&relation, column).is_some_and(|it| it.no_inherit);
    clear_not_null(exec, &alter.table, column);
    let mut open = if no_inherit { Vec::new() } else { vec![alter.table.clone()] };
    while let Some(table) = open.pop() {
        for child in exec.relation(&table).children.clone() {
            alter.lock_child(exec, task, &child);
            let own = checks::not_null_constraint(&exec.relation(&child), column).cloned();
            let only_inherited = own.is_some_and(|it| it.inherited && !it.local);
            if alter.recurse && only_inherited {
                clear_not_null(exec, &child, column);
                open.push(child);
            } else {
                make_local(
                    exec,
                    &child,
                    |it| matches!(&it.kind, ConstraintKind::NotNull { column: of } if &**of == column),
                );
            }
        }
    }
    Ok(())
}

pub(super) fn clear_not_null(exec: &mut Exec, table: &QName, column: &str) {
    exec.schema.edit(table, |relation| {
        relation.columns.change(|it| &*it.name == column, |it| it.not_null = false);
        relation.constraints.retain(|it| !checks::is_not_null_of(it, column));
    });
}
