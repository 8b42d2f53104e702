//! CREATE TABLE (LIKE ...): the columns at once, the rest when the table is there (transformTableLikeClause and
//! expandTableLikeClause, parse_utilcmd.c).

use syntax::Span;
use syntax::ast;

use super::{Parts, copied, copied_constraint, inherit};
use crate::effect::LockMode;
use crate::exec::alter_table::identity;
use crate::exec::index::{Build, clone_index, define_index};
use crate::exec::reach::written;
use crate::exec::{Exec, Stop};
use crate::name::QName;
use crate::schema::{Column, ConstraintKind, Index, RelationKind, TypeKind};

fn includes(like: &ast::Like, what: &str) -> bool {
    like.including.iter().any(|it| *it == what || *it == "all")
}

pub(super) fn add_columns(exec: &mut Exec, table: &QName, like: &ast::Like, parts: &mut Parts) -> Result<(), Stop> {
    let name = exec.resolve(&like.relation);
    if let Some(ty) = exec.schema.types.get(&name).cloned()
        && let TypeKind::Composite { attributes } = &ty.kind
    {
        let columns = inherit::attribute_columns(exec, attributes);
        parts.columns.extend(columns);
        return Ok(());
    }
    if exec.is_missing(&name) {
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(&like.relation)), like.span);
    }
    if exec.schema.indexes.contains_key(&name) {
        let message = format!("relation \"{}\" is invalid in LIKE clause", name.name);
        return exec.refuse("42809", message, like.span);
    }
    exec.lock(&name, LockMode::AccessShare);
    exec.change(&name);
    let source = exec.relation(&name);
    if matches!(source.kind, RelationKind::Sequence | RelationKind::Index | RelationKind::PartitionedIndex) {
        let message = format!("relation \"{}\" is invalid in LIKE clause", name.name);
        return exec.refuse("42809", message, like.span);
    }
    if source.open {
        exec.change(table).open = true;
    }
    for column in &source.columns {
        let given = parts.columns.iter().position(|own| own.name == column.name);
        if given.is_some_and(|at| !parts.columns[at].inherited) {
            let message = format!("column \"{}\" specified more than once", column.name);
            return exec.refuse("42701", message, like.span);
        }
        let mut own = Column {
            default: column.default.clone().filter(|_| includes(like, "defaults")),
            generated: column.generated.clone().filter(|_| includes(like, "generated")),
            identity: column.identity.filter(|_| includes(like, "identity")),
            storage: column.storage.clone().filter(|_| includes(like, "storage")),
            compression: column.compression.clone().filter(|_| includes(like, "compression")),
            ..copied(exec, column)
        };
        if includes(like, "comments") {
            own.comment = column.comment.clone();
        }
        if own.identity.is_some() {
            identity::add_identity_sequence(exec, table, &own);
        }
        match given {
            Some(at) => {
                own.inherited = true;
                own.not_null |= parts.columns[at].not_null;
                parts.columns[at] = own;
            }
            None => parts.columns.push(own),
        }
    }
    for constraint in &source.constraints {
        let wanted = match constraint.kind {
            ConstraintKind::NotNull { .. } => true,
            ConstraintKind::Check { .. } => includes(like, "constraints"),
            _ => false,
        };
        if wanted {
            parts.inherited.push(copied_constraint(exec, constraint));
        }
    }
    Ok(())
}

/// Indexes with their constraints.
pub(super) fn add_rest(exec: &mut Exec, table: &QName, like: &ast::Like, span: Span) -> Result<(), Stop> {
    if !includes(like, "indexes") {
        return Ok(());
    }
    let name = exec.resolve(&like.relation);
    let indexes: Vec<Index> = exec.schema.indexes_of(&name).cloned().collect();
    for index in indexes {
        let new = clone_index(exec, &index, table);
        define_index(exec, new, Build { lock: LockMode::AccessExclusive, work: false, span })?;
    }
    Ok(())
}
