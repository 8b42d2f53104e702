//! What goes when a thing goes: automatic dependents always, others only with CASCADE (dependency.c).

use std::sync::Arc;

use syntax::Span;
use syntax::ast::Expr;

use super::alter_table::drops::remove_foreign_key;
use super::reach::{index_names, lock_indexes};
use super::{Exec, Stop};
use crate::effect::LockMode;
use crate::expr;
use crate::map::Map;
use crate::name::QName;
use crate::schema::{ColumnType, ConstraintKind, Index, Relation, RelationKind};
use crate::volatility;

const LOCK: LockMode = LockMode::AccessExclusive;

/// Drops relations of any kind with their indexes, sequences, partitions and, with CASCADE, all that depends on them.
pub(super) fn drop_relations(exec: &mut Exec, roots: Vec<QName>, cascade: bool, span: Span) -> Result<(), Stop> {
    let single = match roots.as_slice() {
        [] => return Ok(()),
        [root] => Some(root.clone()),
        _ => None,
    };
    let mut doomed = roots;
    let mut next = 0;
    while next < doomed.len() {
        let name = doomed[next].clone();
        let relation = exec.relation(&name);
        let sequences = exec.schema.sequences_of(&name).into_iter().map(|(sequence, _)| sequence);
        sequences.for_each(|it| push(&mut doomed, it));
        let partitions = relation.children.iter().filter(|_| relation.kind == RelationKind::PartitionedTable);
        partitions.for_each(|it| push(&mut doomed, it.clone()));
        if cascade {
            exec.schema.views_of(&name).into_iter().for_each(|it| push(&mut doomed, it));
            relation.children.iter().for_each(|it| push(&mut doomed, it.clone()));
        }
        next += 1;
    }
    for name in doomed.clone() {
        let relation = exec.relation(&name);
        if relation.kind == RelationKind::Sequence
            && let Some((table, column)) = &relation.owned_by
            && !doomed.contains(table)
            && exec.relation(table).column(column).is_some_and(|column| column.identity.is_some())
        {
            let message = format!(
                "cannot drop sequence {} because column {column} of table {} requires it",
                name.name, table.name
            );
            return exec.refuse("2BP01", message, span);
        }
        let outside = outside(exec, &name, &relation, &doomed);
        if !outside.is_empty() && !cascade {
            let message = match &single {
                Some(root) => {
                    format!("cannot drop {} {root} because other objects depend on it", noun(exec.relation(root).kind))
                }
                None => "cannot drop desired object(s) because other objects depend on them".to_owned(),
            };
            return exec.refuse("2BP01", message, span);
        }
        for dependent in outside {
            cut(exec, dependent);
        }
    }
    for name in &doomed {
        remove(exec, name);
    }
    Ok(())
}

/// Something outside that depends on a dropped relation.
pub(super) enum Dependent {
    View,
    Child,
    Function { name: QName },
    Policy { table: QName, policy: Arc<str> },
    ForeignKey { table: QName, constraint: Arc<str> },
    Default { table: QName, column: Arc<str> },
    Column { table: QName, column: Arc<str> },
}

fn outside(exec: &Exec, name: &QName, relation: &Relation, doomed: &[QName]) -> Vec<Dependent> {
    let mut found = Vec::new();
    // A partition holds keys that reference a table above it.
    if let Some((parent, _)) = &relation.partition_of
        && !doomed.contains(parent)
    {
        for (table, constraint) in exec.schema.foreign_keys_over(parent) {
            if !doomed.contains(&table) {
                found.push(Dependent::ForeignKey { table, constraint: constraint.name });
            }
        }
    }
    for dependent in exec.schema.dependents_of(name) {
        if doomed.contains(&dependent) {
            continue;
        }
        let other = exec.relation(&dependent);
        if other.reads.iter().any(|(read, _)| read == name) {
            found.push(Dependent::View);
        }
        for policy in other.policies.iter().filter(|policy| policy.reads.contains(name)) {
            found.push(Dependent::Policy { table: dependent.clone(), policy: policy.name.clone() });
        }
        for constraint in &other.constraints {
            if let ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind
                && referenced == name
            {
                found.push(Dependent::ForeignKey { table: dependent.clone(), constraint: constraint.name.clone() });
            }
        }
        for column in &other.columns {
            let table = dependent.clone();
            if column.default.as_ref().is_some_and(|default| draws_from(exec, &default.expr, &table, name)) {
                found.push(Dependent::Default { table, column: column.name.clone() });
            } else if is_type(&column.ty, name) {
                found.push(Dependent::Column { table, column: column.name.clone() });
            }
        }
    }
    if relation.kind != RelationKind::Sequence {
        // Bodies in BEGIN ATOMIC, and types of parameters and results.
        for (function, overloads) in exec.schema.functions.iter() {
            let row_type =
                |ty: &syntax::ast::TypeName| !ty.percent_type && is_type(&ColumnType::Known(ty.clone()), name);
            let depends = overloads.iter().any(|it| {
                it.reads.iter().any(|(read, _)| read == name)
                    || it.returns.as_ref().is_some_and(row_type)
                    || it.parameters.iter().any(row_type)
            });
            if depends {
                found.push(Dependent::Function { name: function.clone() });
            }
        }
    }
    let children = relation.children.iter().filter(|child| !doomed.contains(child));
    found.extend(children.map(|_| Dependent::Child));
    found
}

fn draws_from(exec: &Exec, default: &Expr, table: &QName, sequence: &QName) -> bool {
    volatility::sequences(default).iter().any(|name| exec.resolve_near(name, table) == *sequence)
}

/// CASCADE removes what depends, and locks the table it stands on (RemoveConstraintById, RemoveAttrDefaultById,
/// RemoveAttributeById).
pub(super) fn cut(exec: &mut Exec, dependent: Dependent) {
    match dependent {
        // Doomed themselves.
        Dependent::View | Dependent::Child => {}
        Dependent::Function { name } => {
            exec.schema.functions.remove(&name);
        }
        Dependent::Policy { table, policy } => {
            exec.lock(&table, LOCK);
            exec.schema.edit(&table, |it| it.policies.retain(|it| it.name != policy));
        }
        Dependent::ForeignKey { table, constraint } => drop_foreign_key(exec, &table, &constraint),
        Dependent::Default { table, column } => {
            exec.lock(&table, LOCK);
            exec.schema.edit(&table, |it| {
                it.columns.change(|it| it.name == column, |it| it.default = None);
            });
        }
        Dependent::Column { table, column } => drop_column(exec, &table, &column),
    }
}

fn drop_foreign_key(exec: &mut Exec, table: &QName, constraint: &str) {
    if let Some(constraint) = exec.relation(table).constraint(constraint).cloned() {
        remove_foreign_key(exec, table, &constraint);
    }
}

/// A column goes with its indexes and constraints.
pub(super) fn drop_column(exec: &mut Exec, table: &QName, column: &str) {
    let mut tables = exec.schema.descendants(table);
    tables.insert(0, table.clone());
    for table in tables {
        exec.lock(&table, LOCK);
        for index in index_names(exec, &table) {
            let Some(entry) = exec.schema.indexes.get(&index).cloned() else { continue };
            if index_uses(&entry, column) {
                exec.lock(&index, LOCK);
                exec.schema.remove_index(&index);
            }
        }
        for constraint in exec.relation(&table).constraints.clone() {
            let uses = match &constraint.kind {
                ConstraintKind::ForeignKey { columns, .. } => {
                    let uses = columns.iter().any(|it| &**it == column);
                    if uses {
                        drop_foreign_key(exec, &table, &constraint.name);
                    }
                    uses
                }
                ConstraintKind::Check { expr, .. } => expr::reads_column(expr, column),
                ConstraintKind::NotNull { column: it } => &**it == column,
                ConstraintKind::Unique { columns }
                | ConstraintKind::PrimaryKey { columns }
                | ConstraintKind::Exclude { columns, .. } => columns.iter().any(|it| &**it == column),
            };
            if uses {
                exec.schema.edit(&table, |it| it.constraints.retain(|it| it.name != constraint.name));
            }
        }
        exec.schema.edit(&table, |it| it.columns.retain(|it| &*it.name != column));
    }
}

/// Whether an index has the column as a key, included, or in an expression or predicate.
pub(super) fn index_uses(index: &Index, column: &str) -> bool {
    index.elements.iter().any(|element| {
        element.column.as_deref() == Some(column)
            || element.expression.as_ref().is_some_and(|it| expr::reads_column(it, column))
    }) || index.including.iter().any(|it| &**it == column)
        || index.predicate.as_ref().is_some_and(|it| expr::reads_column(it, column))
}

/// Locks and removes one relation.
fn remove(exec: &mut Exec, name: &QName) {
    let relation = exec.relation(name);
    // A partition's parent, and the default partition, whose bounds change (heap_drop_with_catalog, heap.c).
    if let Some((parent, _)) = &relation.partition_of {
        exec.lock(parent, LOCK);
        for sibling in exec.relation(parent).children.clone() {
            let is_default =
                matches!(exec.relation(&sibling).partition_of, Some((_, syntax::ast::PartitionBound::Default)));
            if is_default {
                exec.lock(&sibling, LOCK);
            }
        }
    }
    exec.lock(name, LOCK);
    lock_indexes(exec, name, LOCK);
    for constraint in &relation.constraints {
        if matches!(constraint.kind, ConstraintKind::ForeignKey { .. }) {
            drop_foreign_key(exec, name, &constraint.name);
        }
    }
    exec.schema.remove_relation(name);
}

/// An index with its children on the partitions, and with CASCADE the foreign keys that rely on it.
pub(super) fn drop_index_tree(exec: &mut Exec, index: &Index, cascade: bool, span: Span) -> Result<(), Stop> {
    let relying: Vec<(QName, Arc<str>)> = exec
        .schema
        .foreign_keys_to(&index.table)
        .into_iter()
        .filter(|(_, constraint)| index.unique && relies_on(exec, &constraint.kind, index))
        .map(|(table, constraint)| (table, constraint.name))
        .collect();
    if !relying.is_empty() && !cascade {
        let message = format!("cannot drop index {} because other objects depend on it", index.name.name);
        return exec.refuse("2BP01", message, span);
    }
    for (table, constraint) in relying {
        drop_foreign_key(exec, &table, &constraint);
    }
    exec.lock(&index.table, LOCK);
    // All partitions are locked before their indexes are looked for (RemoveRelations, tablecmds.c).
    if index.kind == RelationKind::PartitionedIndex {
        for table in exec.schema.descendants(&index.table) {
            exec.lock(&table, LOCK);
        }
    }
    let mut doomed = vec![index.name.clone()];
    let mut next = 0;
    while next < doomed.len() {
        if let Some(parent) = exec.schema.indexes.get(&doomed[next]).cloned() {
            doomed.extend(exec.schema.index_children(&parent.name, &parent.table));
        }
        next += 1;
    }
    for name in doomed {
        exec.lock(&name, LOCK);
        exec.schema.remove_index(&name);
    }
    Ok(())
}

/// A foreign key depends on the unique index whose columns it references, if no constraint offers another one.
fn relies_on(exec: &Exec, foreign_key: &ConstraintKind, index: &Index) -> bool {
    let ConstraintKind::ForeignKey { referenced_columns, .. } = foreign_key else { return false };
    let matches = |it: &Index| {
        it.unique
            && it.predicate.is_none()
            && it.elements.len() == referenced_columns.len()
            && it
                .elements
                .iter()
                .all(|element| element.column.as_ref().is_some_and(|it| referenced_columns.contains(it)))
    };
    let other = exec.schema.indexes_of(&index.table).any(|it| it.name != index.name && matches(it));
    matches(index) && !other
}

/// Whether a column is of the type, or an array of it.
pub(super) fn is_type(ty: &ColumnType, name: &QName) -> bool {
    match ty {
        ColumnType::Known(ty) => {
            ty.name == *name.name && ty.schema.as_deref().is_none_or(|schema| *schema == *name.schema)
        }
        ColumnType::Unknown => false,
    }
}

pub(super) fn in_schema<'a, V: Clone, const PART: u8>(
    map: &'a Map<QName, V, PART>,
    schema: &'a str,
) -> impl Iterator<Item = QName> + 'a {
    map.range_from(QName::new(schema, ""))
        .take_while(move |(name, _)| *name.schema == *schema)
        .map(|(name, _)| name.clone())
}

fn push(names: &mut Vec<QName>, name: QName) {
    if !names.contains(&name) {
        names.push(name);
    }
}

pub(super) fn noun(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::View => "view",
        RelationKind::MaterializedView => "materialized view",
        RelationKind::Sequence => "sequence",
        RelationKind::ForeignTable => "foreign table",
        RelationKind::Index | RelationKind::PartitionedIndex => "index",
        RelationKind::CompositeType => "composite type",
        RelationKind::Table | RelationKind::PartitionedTable => "table",
    }
}
