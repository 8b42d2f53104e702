//! ALTER TYPE ... ATTRIBUTE of composite types.

use std::sync::Arc;

use syntax::ast::{self, AlterAction};

use super::{Alter, Task, What, finish, type_change};
use crate::effect::LockMode;
use crate::exec::dependents::is_type;
use crate::exec::{Exec, Stop, define};
use crate::name::QName;
use crate::schema::{ColumnType, RelationKind, TypeKind};

/// The typed tables follow with CASCADE; columns of the type cannot follow a change of an attribute's type
/// (ATTypedTableRecursion, ATPrepAlterColumnType).
pub(super) fn alter_composite(
    exec: &mut Exec,
    it: &ast::AlterTable,
    name: &QName,
    tasks: &[Task<'_>],
) -> Result<(), Stop> {
    let typed: Vec<QName> = exec
        .schema
        .relations
        .values()
        .filter(|relation| relation.of_type.as_ref() == Some(name))
        .map(|relation| relation.name.clone())
        .collect();
    for (task, subcommand) in tasks.iter().zip(&it.subcommands) {
        exec.resume(task.operation);
        let What::Action(action) = task.what else { continue };
        let cascade = match action {
            AlterAction::AddColumn { .. } | AlterAction::AlterType { .. } => subcommand.cascade,
            AlterAction::DropColumn { cascade, .. } => *cascade,
            _ => continue,
        };
        if let AlterAction::AlterType { .. } = action {
            refuse_use(exec, task, name)?;
        }
        if !typed.is_empty() && !cascade {
            let message = format!("cannot alter type \"{}\" because it is the type of a typed table", name.name);
            return exec.refuse("2BP01", message, task.span);
        }
        for table in &typed {
            exec.lock(table, LockMode::AccessExclusive);
        }
        alter_attribute(exec, task, name, &typed, action)?;
    }
    Ok(())
}

fn refuse_use(exec: &mut Exec, task: &Task<'_>, name: &QName) -> Result<(), Stop> {
    let stored = |it: &&Arc<crate::schema::Relation>| {
        matches!(it.kind, RelationKind::Table | RelationKind::MaterializedView | RelationKind::PartitionedTable)
    };
    let found = exec.schema.relations.values().filter(stored).find_map(|it| {
        let column = it.columns.iter().find(|column| is_type(&column.ty, name))?;
        Some((it.name.clone(), column.name.clone()))
    });
    let Some((holder, column)) = found else { return Ok(()) };
    let message = format!("cannot alter type \"{}\" because column \"{}.{column}\" uses it", name.name, holder.name);
    exec.refuse("0A000", message, task.span)
}

fn alter_attribute(
    exec: &mut Exec,
    task: &Task<'_>,
    name: &QName,
    typed: &[QName],
    action: &AlterAction,
) -> Result<(), Stop> {
    let exists = |exec: &Exec, attribute: &str| match exec.schema.types.get(name).map(|it| &it.kind) {
        Some(TypeKind::Composite { attributes }) => attributes.iter().any(|(it, _)| **it == *attribute),
        _ => true,
    };
    let absent = |attribute: &str| format!("column \"{attribute}\" of relation \"{}\" does not exist", name.name);
    match action {
        AlterAction::AddColumn { column, .. } => {
            if exists(exec, &column.name.text) {
                let message = format!("column \"{}\" of relation \"{}\" already exists", column.name.text, name.name);
                return exec.refuse("42701", message, task.span);
            }
            let new = define::column(exec, name, column)?;
            let ColumnType::Known(ty) = new.ty.clone() else { return Ok(()) };
            edit_attributes(exec, name, |attributes| attributes.push((new.name.clone(), ty)));
            for table in typed {
                exec.change(table).columns.push(new.clone());
            }
        }
        AlterAction::DropColumn { column, if_exists, .. } => {
            if !exists(exec, &column.text) {
                let missing = absent(&column.text);
                return if *if_exists { Ok(()) } else { exec.refuse("42703", missing, task.span) };
            }
            edit_attributes(exec, name, |attributes| attributes.retain(|(it, _)| **it != *column.text));
            for table in typed {
                exec.change(table).columns.retain(|it| *it.name != *column.text);
            }
        }
        AlterAction::AlterType { column, ty, collation, .. } => {
            if !exists(exec, &column.text) {
                return exec.refuse("42703", absent(&column.text), task.span);
            }
            let ColumnType::Known(new) = define::column_type(exec, ty)? else { return Ok(()) };
            edit_attributes(exec, name, |attributes| {
                for (_, own) in attributes.iter_mut().filter(|(it, _)| **it == *column.text) {
                    *own = new.clone();
                }
            });
            for table in typed {
                let mut alter = Alter::new(table.clone(), LockMode::AccessExclusive, true);
                type_change::alter_type(exec, &mut alter, task, column, ty, collation.as_ref(), None)?;
                finish(exec, &alter);
            }
        }
        _ => {}
    }
    Ok(())
}

fn edit_attributes(exec: &mut Exec, name: &QName, change: impl FnOnce(&mut Vec<(Arc<str>, ast::TypeName)>)) {
    if let Some(ty) = exec.schema.types.get_mut(name)
        && let TypeKind::Composite { attributes } = &mut Arc::make_mut(ty).kind
    {
        change(attributes);
    }
}
