//! Columns of a new table: its own, and those of parents, a parent partitioned table or a composite type (MergeAttributes,
//! tablecmds.c).

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, TypeName};

use super::{Parts, type_conflict};
use crate::effect::LockMode;
use crate::exec::alter_table::identity;
use crate::exec::expression::{self, Place};
use crate::exec::reach::written;
use crate::exec::{Exec, Stop, define};
use crate::name::QName;
use crate::schema::{Column, ColumnType, Constraint, ConstraintKind, RelationKind, TypeKind};

/// Columns, CHECKs and NOT NULL of the parents; INHERITS locks them so that two children do not come at once.
pub(super) fn add_parents(exec: &mut Exec, it: &ast::CreateTable, parts: &mut Parts, span: Span) -> Result<(), Stop> {
    let partition = it.partition_of.is_some();
    for parent in &it.inherits {
        let name = exec.resolve(parent);
        if exec.is_missing(&name) {
            return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(parent)), span);
        }
        if !partition {
            exec.lock(&name, LockMode::ShareUpdateExclusive);
        }
        exec.change(&name);
        let relation = exec.relation(&name);
        if !partition && !relation.open {
            let problem = match relation.kind {
                RelationKind::PartitionedTable => {
                    Some(format!("cannot inherit from partitioned table \"{}\"", name.name))
                }
                RelationKind::Table | RelationKind::ForeignTable if relation.partition_of.is_some() => {
                    Some(format!("cannot inherit from partition \"{}\"", name.name))
                }
                RelationKind::Table | RelationKind::ForeignTable => None,
                _ => Some(format!("inherited relation \"{}\" is not a table or foreign table", name.name)),
            };
            if let Some(message) = problem {
                return exec.refuse("42809", message, span);
            }
        }
        let with_identity =
            partition && relation.columns.iter().any(|column| column.identity.is_some()) && exec.since(17);
        for column in &relation.columns {
            let inherited = Column {
                born: exec.born,
                inherited: true,
                local: false,
                comment: None,
                identity: column.identity.filter(|_| with_identity),
                ..column.clone()
            };
            match parts.columns.iter_mut().find(|own| own.name == column.name) {
                Some(own) if type_conflict(&own.ty, &column.ty) => {
                    let message = format!("inherited column \"{}\" has a type conflict", column.name);
                    return exec.refuse("42804", message, span);
                }
                Some(own) => own.not_null |= column.not_null,
                None => parts.columns.push(inherited),
            }
        }
        for constraint in relation.constraints.iter().filter(|it| !it.no_inherit) {
            let heritable = matches!(constraint.kind, ConstraintKind::Check { .. } | ConstraintKind::NotNull { .. });
            if heritable && !parts.inherited.iter().any(|own| own.kind == constraint.kind) {
                parts.inherited.push(Constraint {
                    born: exec.born,
                    inherited: true,
                    local: false,
                    comment: None,
                    validated: constraint.enforced,
                    ..constraint.clone()
                });
            }
        }
    }
    Ok(())
}

/// CREATE TABLE ... OF a composite type (transformOfType, parse_utilcmd.c).
pub(super) fn add_type(exec: &mut Exec, ty: &TypeName, parts: &mut Parts) -> Result<(), Stop> {
    // Refuses a type that does not exist.
    define::column_type(exec, ty)?;
    let types = define::types(exec);
    let resolved = types.resolve(ty);
    match types.kind(&resolved) {
        Some(TypeKind::Composite { attributes }) => parts.columns = attribute_columns(exec, attributes),
        Some(_) => {
            let message = format!("type {} is not a composite type", resolved.name);
            return exec.refuse("42809", message, ty.span);
        }
        None => {}
    }
    Ok(())
}

pub(super) fn attribute_columns(exec: &Exec, attributes: &[(Arc<str>, TypeName)]) -> Vec<Column> {
    let types = define::types(exec);
    let column = |(name, ty): &(Arc<str>, TypeName)| Column {
        ty: ColumnType::Known(types.resolve(ty)),
        ..define::unknown_column(exec, name)
    };
    attributes.iter().map(column).collect()
}

/// A column of the statement: new, or one that adds to what a parent or type gave.
pub(super) fn add_column(
    exec: &mut Exec,
    table: &QName,
    it: &ast::CreateTable,
    def: &ast::ColumnDef,
    parts: &mut Parts,
) -> Result<(), Stop> {
    let mut column = define::column(exec, table, def)?;
    if let Some(default) = column.default.clone() {
        let relation = exec.relation(table);
        expression::check(exec, &relation, &default.expr, Place::Default, def.span)?;
        crate::exec::alter_table::columns::refuse_value(exec, &column.ty, &default.expr, def.span)?;
    }
    let given = parts.columns.iter().position(|own| own.name == column.name);
    let from_parent = it.partition_of.is_some() || it.of_type.is_some();
    let Some(at) = given else {
        let parent_is_open = it.inherits.iter().any(|parent| {
            let name = exec.resolve(parent);
            exec.relation(&name).open
        });
        let type_is_open = it.of_type.is_some() && parts.columns.is_empty();
        if from_parent && !parent_is_open && !type_is_open {
            return exec.refuse("42703", format!("column \"{}\" does not exist", column.name), def.span);
        }
        identity::add_sequence(exec, table, def, &mut column);
        parts.columns.push(column);
        return Ok(());
    };
    let own = parts.columns[at].clone();
    let duplicate = !own.inherited && !from_parent;
    if duplicate {
        return exec.refuse("42701", format!("column \"{}\" specified more than once", column.name), def.span);
    }
    if type_conflict(&own.ty, &column.ty) {
        return exec.refuse("42804", format!("column \"{}\" has a type conflict", column.name), def.span);
    }
    identity::add_sequence(exec, table, def, &mut column);
    parts.columns[at] = Column {
        ty: own.ty,
        not_null: own.not_null || column.not_null,
        default: column.default.or(own.default),
        generated: column.generated.or(own.generated),
        identity: column.identity.or(own.identity),
        // A partition's columns are its parent's alone.
        local: it.partition_of.is_none(),
        inherited: own.inherited,
        collation: own.collation.or(column.collation),
        ..column
    };
    Ok(())
}
