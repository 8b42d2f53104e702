//! ALTER INDEX, and ALTER TABLE on an index.

use syntax::Span;
use syntax::ast::{self, AlterAction};

use super::{Task, What, locks};
use crate::effect::{LockMode, Work};
use crate::exec::index::{attach_index, clone_index, matching_index};
use crate::exec::reach::written;
use crate::exec::{Exec, Stop};
use crate::name::QName;
use crate::schema::{Index, RelationKind};

/// The index is locked as a table would be; who plans a query on the table waits for that.
pub(super) fn alter_index(exec: &mut Exec, name: &QName, tasks: &[Task<'_>]) -> Result<(), Stop> {
    let index = exec.schema.indexes.get(name).cloned();
    if index.is_none() {
        exec.unknown_index(name);
    }
    let lock = tasks.iter().map(|task| task.lock).max().unwrap_or(LockMode::ShareUpdateExclusive);
    exec.lock_for_statement(name, lock);
    for task in tasks {
        exec.resume(task.operation);
        exec.lock(name, task.lock);
        let What::Action(action) = task.what else { continue };
        let partitioned = index.as_ref().is_some_and(|it| it.kind == RelationKind::PartitionedIndex);
        match action {
            AlterAction::SetOptions { .. } | AlterAction::ResetOptions { .. } if partitioned => {
                return refuse(exec, name, action, task.span);
            }
            AlterAction::AttachPartition { partition, .. } => {
                attach(exec, name, index.as_deref(), partition, task.span)?;
            }
            AlterAction::SetTablespace { tablespace } => {
                let moved = index.as_ref().is_none_or(|it| it.kind == RelationKind::Index && moves(it, tablespace));
                if moved {
                    exec.work(name, LockMode::AccessExclusive, Work::Rewrite);
                }
                exec.schema.edit_index(name, |index| index.tablespace = Some(tablespace.as_str().into()));
            }
            AlterAction::SetOptions { options } => exec.schema.edit_index(name, |index| {
                index.options.retain(|own| options.iter().all(|new| new.name != own.name));
                index.options.extend(options.iter().cloned());
            }),
            AlterAction::ResetOptions { options } => exec.schema.edit_index(name, |index| {
                index.options.retain(|own| options.iter().all(|reset| reset.name != own.name));
            }),
            // ATExecSetStatistics: only expressions have statistics of their own. The column is a number.
            AlterAction::SetStatistics { .. } => {
                let plain = index.as_ref().is_some_and(|it| it.elements.iter().all(|it| it.column.is_some()));
                if plain {
                    let message =
                        format!("cannot alter statistics on non-expression column of index \"{}\"", name.name);
                    return exec.refuse("0A000", message, task.span);
                }
            }
            AlterAction::Owner { .. } => {}
            _ => return refuse(exec, name, action, task.span),
        }
    }
    Ok(())
}

fn refuse(exec: &mut Exec, name: &QName, action: &AlterAction, span: Span) -> Result<(), Stop> {
    let message = if exec.since(15) {
        format!("ALTER action {} cannot be performed on relation \"{}\"", locks::words(action), name.name)
    } else {
        format!("\"{}\" is {}", name.name, locks::wrong_kind(action))
    };
    exec.refuse("42809", message, span)
}

fn moves(index: &Index, tablespace: &str) -> bool {
    index.tablespace.as_deref().unwrap_or("pg_default") != tablespace
}

/// ALTER INDEX ... ATTACH PARTITION (ATExecAttachPartitionIdx): both tables are only looked at, but ACCESS EXCLUSIVE on the
/// part keeps everyone from planning with the partition.
fn attach(
    exec: &mut Exec,
    parent: &QName,
    index: Option<&Index>,
    partition: &ast::Name,
    span: Span,
) -> Result<(), Stop> {
    if let Some(index) = index {
        exec.lock(&index.table.clone(), LockMode::AccessShare);
    }
    let part = exec.resolve(partition);
    if exec.is_missing(&part) {
        return exec.refuse("42704", format!("index \"{}\" does not exist", written(partition)), span);
    }
    let Some(own) = exec.schema.indexes.get(&part).cloned() else {
        exec.unknown_index(&part);
        exec.lock(&part, LockMode::AccessExclusive);
        return Ok(());
    };
    exec.lock(&own.table, LockMode::AccessShare);
    exec.lock(&part, LockMode::AccessExclusive);
    let Some(index) = index else { return Ok(()) };
    if own.parent.as_ref() == Some(parent) {
        return Ok(());
    }
    let refused = format!("cannot attach index \"{}\" as a partition of index \"{}\"", part.name, parent.name);
    let taken = exec.schema.indexes_of(&own.table).any(|it| it.parent.as_ref() == Some(parent));
    if taken || own.parent.is_some() || !exec.relation(&index.table).children.contains(&own.table) {
        return exec.refuse("55000", refused, span);
    }
    let model = clone_index(exec, index, &own.table);
    if matching_index(exec, &model, model.constraint.as_ref(), &own.table).is_none() {
        return exec.refuse("42P17", refused, span);
    }
    attach_index(exec, &part, parent);
    make_valid(exec, parent);
    Ok(())
}

/// A partitioned index becomes valid with its last part (validatePartitionedIndex).
fn make_valid(exec: &mut Exec, name: &QName) {
    let Some(index) = exec.schema.indexes.get(name).cloned() else { return };
    let parts = exec.schema.index_children(name, &index.table);
    let complete = parts.len() == exec.relation(&index.table).children.len()
        && parts.iter().all(|part| exec.schema.indexes[part].valid);
    if !complete || index.valid {
        return;
    }
    exec.schema.edit_index(name, |index| index.valid = true);
    if let Some(parent) = &index.parent {
        make_valid(exec, parent);
    }
}
