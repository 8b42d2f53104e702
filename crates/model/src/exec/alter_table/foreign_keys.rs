//! Foreign keys: added, copied to partitions, validated. Both tables are locked, and with partitioned tables every partition
//! on either side.

use std::sync::Arc;

use syntax::Span;
use syntax::ast;

use super::{Alter, Task};
use crate::coercion::Types;
use crate::effect::{LockMode, Work};
use crate::exec::prune::Filter;
use crate::exec::reach::{Access, access, lock_indexes, written};
use crate::exec::{Exec, Stop, define};
use crate::name::QName;
use crate::names;
use crate::schema::{Column, ColumnType, Constraint, ConstraintKind, Index, Relation, RelationKind};

/// A foreign key about to be added.
#[derive(Clone, Copy, Debug)]
pub(in crate::exec) struct NewForeignKey<'a> {
    pub it: &'a ast::Constraint,
    pub key: &'a ast::ForeignKey,
    pub columns: &'a [Arc<str>],
    /// The table is new, so that the key holds.
    pub fresh: bool,
    /// Taken on the partitions of the referencing table.
    pub lock: LockMode,
}

/// The rows that a new foreign key has to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// An added column without default: all NULL, known without a look.
    None,
    /// DEFAULT NULL: the table is read, and as no value is found, the referenced table is not.
    AllNull,
    All,
}

/// ADD FOREIGN KEY and REFERENCES of an added column.
pub(super) fn alter_add(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    it: &ast::Constraint,
    key: &ast::ForeignKey,
    columns: &[Arc<str>],
    rows: Rows,
) -> Result<(), Stop> {
    let relation = exec.relation(&alter.table);
    let partitioned = relation.kind == RelationKind::PartitionedTable;
    if !relation.children.is_empty() && alter.recurse && rows == Rows::All && exec.since(18) {
        alter.with_descendants(exec, task);
    }
    if partitioned {
        let referenced = exec.resolve(&key.referenced);
        if !alter.recurse {
            exec.lock(&referenced, LockMode::ShareRowExclusive);
            let message = format!(
                "cannot use ONLY for foreign key on partitioned table \"{}\" referencing relation \"{}\"",
                alter.table.name, referenced.name
            );
            return exec.refuse("42809", message, it.span);
        }
        if it.not_valid && !it.not_enforced && !exec.since(18) {
            let message = format!(
                "cannot add NOT VALID foreign key on partitioned table \"{}\" referencing relation \"{}\"",
                alter.table.name, referenced.name
            );
            return exec.refuse("42809", message, it.span);
        }
    }
    let fresh = rows == Rows::None;
    let new = NewForeignKey { it, key, columns, fresh, lock: task.lock };
    let added = add_foreign_key(exec, &alter.table, new)?;
    for table in &added.tables {
        exec.lock_for_statement(table, alter.lock);
    }
    if it.not_valid || it.not_enforced || fresh {
        return Ok(());
    }
    for table in &added.unchecked {
        if rows == Rows::AllNull {
            plan_check(exec, table, task.lock, &added.referenced);
        } else {
            check_rows(exec, table, task.lock, &added.referenced, LockMode::ShareRowExclusive);
        }
    }
    Ok(())
}

/// What a new foreign key touched.
#[derive(Debug)]
pub(in crate::exec) struct Added {
    pub referenced: QName,
    /// The partitions of the referencing table that were locked.
    pub tables: Vec<QName>,
    /// Tables with rows whose key was not there before.
    pub unchecked: Vec<QName>,
}

/// Adds a foreign key to a table and its partitions (ATAddForeignKeyConstraint, addFkRecurseReferencing).
pub(in crate::exec) fn add_foreign_key(exec: &mut Exec, table: &QName, new: NewForeignKey<'_>) -> Result<Added, Stop> {
    let NewForeignKey { it, key, columns, fresh, .. } = new;
    let span = it.span;
    let referenced = exec.resolve(&key.referenced);
    if exec.is_missing(&referenced) && referenced != *table {
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(&key.referenced)), span);
    }
    exec.lock(&referenced, LockMode::ShareRowExclusive);
    exec.change(&referenced);
    exec.change(table);
    let target = exec.relation(&referenced);
    let relation = exec.relation(table);
    if !target.open && !matches!(target.kind, RelationKind::Table | RelationKind::PartitionedTable) {
        let message = format!("referenced relation \"{}\" is not a table", referenced.name);
        return exec.refuse("42809", message, span);
    }
    refuse_persistence(exec, &relation, &target, span)?;
    for column in columns {
        if define::lacks_column(exec, &relation, column) {
            let message = format!("column \"{column}\" referenced in foreign key constraint does not exist");
            return exec.refuse("42703", message, span);
        }
    }
    let referenced_columns = referenced_columns(exec, &target, key, span)?;
    if referenced_columns.as_ref().is_some_and(|referenced| referenced.len() != columns.len()) {
        let message = "number of referencing and referenced columns for foreign key disagree".to_owned();
        return exec.refuse("42830", message, span);
    }
    let name = constraint_name(exec, table, it, columns, span)?;
    if let Some(referenced_columns) = &referenced_columns {
        refuse_types(exec, &relation, &target, columns, referenced_columns, &name, span)?;
    }
    // A partition of the referenced table gets triggers of its own.
    for partition in exec.schema.partitions(&referenced) {
        exec.lock(&partition, LockMode::ShareRowExclusive);
    }
    let constraint = Constraint {
        name,
        generated_name: it.name.is_none(),
        kind: ConstraintKind::ForeignKey {
            columns: columns.to_vec(),
            referenced: referenced.clone(),
            referenced_columns: referenced_columns.unwrap_or_default(),
            match_type: key.match_type,
            on_update: key.on_update,
            on_delete: key.on_delete,
        },
        validated: !it.not_enforced && (fresh || !it.not_valid),
        enforced: !it.not_enforced,
        deferrable: it.deferrable,
        initially_deferred: it.initially_deferred,
        no_inherit: false,
        inherited: false,
        local: true,
        born: exec.born,
        comment: None,
    };
    exec.schema.add_constraint(table, constraint.clone());
    let mut added = Added { referenced, tables: Vec::new(), unchecked: Vec::new() };
    if relation.kind == RelationKind::PartitionedTable {
        add_to_partitions(exec, table, &constraint, new.lock, &mut added);
    } else {
        added.unchecked.push(table.clone());
    }
    Ok(added)
}

fn add_to_partitions(exec: &mut Exec, table: &QName, parent: &Constraint, lock: LockMode, added: &mut Added) {
    for partition in exec.relation(table).children.clone() {
        exec.lock(&partition, lock);
        added.tables.push(partition.clone());
        if attach(exec, &partition, parent, added) {
            continue;
        }
        let name = free_name(exec, &partition, parent);
        let own = Constraint { name, inherited: true, local: false, ..parent.clone() };
        exec.schema.add_constraint(&partition, own.clone());
        if exec.relation(&partition).kind == RelationKind::PartitionedTable {
            add_to_partitions(exec, &partition, &own, lock, added);
        } else {
            added.unchecked.push(partition);
        }
    }
}

/// The parent's name, unless the partition uses it for something else (addFkConstraint).
fn free_name(exec: &Exec, partition: &QName, parent: &Constraint) -> Arc<str> {
    let ConstraintKind::ForeignKey { columns, .. } = &parent.kind else { return parent.name.clone() };
    if exec.relation(partition).constraint(&parent.name).is_none() {
        return parent.name.clone();
    }
    let addition = names::columns_addition(columns.iter().map(|it| &**it));
    names::choose_constraint_name(&exec.schema, partition, &partition.name, Some(&addition), "fkey", &[], || {
        exec.since(18)
    })
    .into()
}

/// A partition's own key that says the same becomes part of the parent's: no scan, but its triggers on the referenced table
/// are dropped under ACCESS EXCLUSIVE (tryAttachPartitionForeignKey). Before 18 it must be valid.
fn attach(exec: &mut Exec, partition: &QName, parent: &Constraint, added: &mut Added) -> bool {
    let relation = exec.relation(partition);
    let found = relation.constraints.iter().find(|own| {
        same_key(&own.kind, &parent.kind)
            && !own.inherited
            && own.enforced == parent.enforced
            && own.deferrable == parent.deferrable
            && own.initially_deferred == parent.initially_deferred
    });
    let Some(own) = found.cloned() else { return false };
    if !own.validated && !exec.since(18) {
        return false;
    }
    exec.lock(&added.referenced.clone(), LockMode::AccessExclusive);
    for target in exec.schema.partitions(&added.referenced) {
        exec.lock(&target, LockMode::AccessExclusive);
    }
    if !own.validated && parent.validated {
        added.unchecked.push(partition.clone());
    }
    let name = own.name;
    exec.schema.edit(partition, |relation| {
        let which = |it: &Constraint| it.name == name;
        relation.constraints.change(which, |it| {
            it.inherited = true;
            it.local = false;
            it.validated |= parent.validated;
        });
    });
    true
}

fn same_key(own: &ConstraintKind, parent: &ConstraintKind) -> bool {
    matches!(own, ConstraintKind::ForeignKey { .. }) && own == parent
}

/// The columns referenced, the primary key's when none are given; `None` when the target is not known well enough.
fn referenced_columns(
    exec: &mut Exec,
    target: &Relation,
    key: &ast::ForeignKey,
    span: Span,
) -> Result<Option<Vec<Arc<str>>>, Stop> {
    let table = &target.name.name;
    if key.referenced_columns.is_empty() {
        let primary = target.constraints.iter().find_map(|it| match &it.kind {
            ConstraintKind::PrimaryKey { columns } => Some((columns.clone(), it.deferrable)),
            _ => None,
        });
        return match primary {
            Some((_, true)) => {
                let message = format!("cannot use a deferrable primary key for referenced table \"{table}\"");
                exec.refuse("55000", message, span)
            }
            Some((columns, _)) => Ok(Some(columns)),
            None if target.open => Ok(None),
            None => exec.refuse("42704", format!("there is no primary key for referenced table \"{table}\""), span),
        };
    }
    let columns: Vec<Arc<str>> = key.referenced_columns.iter().map(|it| it.text.as_str().into()).collect();
    for column in &columns {
        if define::lacks_column(exec, target, column) {
            let message = format!("column \"{column}\" referenced in foreign key constraint does not exist");
            return exec.refuse("42703", message, span);
        }
    }
    let fits = |index: &Index| {
        let keys: Vec<&Arc<str>> = index.elements.iter().filter_map(|it| it.column.as_ref()).collect();
        (index.unique || key.period)
            && index.valid
            && index.predicate.is_none()
            && keys.len() == index.elements.len()
            && keys.len() == columns.len()
            && columns.iter().all(|column| keys.contains(&column))
    };
    let found = exec.schema.indexes_of(&target.name).find(|index| fits(index));
    let constraint = found.and_then(|index| target.constraint(index.constraint.as_deref()?));
    if constraint.is_some_and(|constraint| constraint.deferrable) {
        let message = format!("cannot use a deferrable unique constraint for referenced table \"{table}\"");
        return exec.refuse("55000", message, span);
    }
    if !target.open && found.is_none() {
        let message = format!("there is no unique constraint matching given keys for referenced table \"{table}\"");
        return exec.refuse("42830", message, span);
    }
    Ok(Some(columns))
}

fn constraint_name(
    exec: &mut Exec,
    table: &QName,
    it: &ast::Constraint,
    columns: &[Arc<str>],
    span: Span,
) -> Result<Arc<str>, Stop> {
    let Some(name) = &it.name else {
        let addition = names::columns_addition(columns.iter().map(|it| &**it));
        let named_not_null = || exec.since(18);
        let name = names::choose_constraint_name(
            &exec.schema,
            table,
            &table.name,
            Some(&addition),
            "fkey",
            &[],
            named_not_null,
        );
        return Ok(name.into());
    };
    let name = names::clip(&name.text, 63);
    let taken = exec.relation(table).constraint(name).map(|it| matches!(it.kind, ConstraintKind::NotNull { .. }));
    if taken.is_some_and(|not_null| !not_null || exec.since(18)) {
        let message = format!("constraint \"{name}\" for relation \"{}\" already exists", table.name);
        return exec.refuse("42710", message, span);
    }
    Ok(name.into())
}

fn refuse_persistence(exec: &mut Exec, relation: &Relation, target: &Relation, span: Span) -> Result<(), Stop> {
    use ast::Persistence::{Permanent, Temporary, Unlogged};
    let message = match (relation.persistence, target.persistence) {
        _ if target.open || relation.open => return Ok(()),
        (Permanent, Unlogged | Temporary) => "constraints on permanent tables may reference only permanent tables",
        (Unlogged, Temporary) => "constraints on unlogged tables may reference only permanent or unlogged tables",
        (Temporary, Permanent | Unlogged) => "constraints on temporary tables may reference only temporary tables",
        _ => return Ok(()),
    };
    exec.refuse("42P16", message.to_owned(), span)
}

/// Types without an equality operator between them, nor an implicit cast of the referencing one to the other. Only pairs
/// that certainly have none are refused.
pub(super) fn refuse_types(
    exec: &mut Exec,
    relation: &Relation,
    target: &Relation,
    columns: &[Arc<str>],
    referenced: &[Arc<str>],
    name: &str,
    span: Span,
) -> Result<(), Stop> {
    for (own, other) in columns.iter().zip(referenced) {
        let types = define::types(exec);
        let own = relation.column(own).and_then(|it| family(types, it));
        let other = target.column(other).and_then(|it| family(types, it));
        let (Some(own), Some(other)) = (own, other) else { continue };
        let cast = matches!((own, other), ("integer", "numeric" | "float") | ("numeric", "float"));
        if own != other && !cast {
            return exec.refuse("42804", format!("foreign key constraint \"{name}\" cannot be implemented"), span);
        }
    }
    Ok(())
}

fn family(types: Types<'_>, column: &Column) -> Option<&'static str> {
    let ColumnType::Known(ty) = &column.ty else { return None };
    let base = types.domain(ty).map_or_else(|| ty.clone(), |(base, _)| base);
    Some(match base.name.as_str() {
        _ if base.array || base.schema.is_some() => return None,
        "int2" | "int4" | "int8" => "integer",
        "numeric" => "numeric",
        "float4" | "float8" => "float",
        "text" | "varchar" | "bpchar" | "name" => "text",
        "uuid" => "uuid",
        "bool" => "bool",
        "date" | "timestamp" | "timestamptz" => "date",
        "bytea" => "bytea",
        _ => return None,
    })
}

/// The rows of one table are checked by a query that joins both (RI_Initial_Check, ri_triggers.c). Planning it locks the
/// indexes. Where the referenced table is partitioned, a small referencing table finds its partners by index, so that only
/// the locks are certain.
pub(super) fn check_rows(exec: &mut Exec, table: &QName, lock: LockMode, referenced: &QName, on_referenced: LockMode) {
    plan_check(exec, table, lock, referenced);
    // Without a row there is nothing to look for.
    if !exec.relation(table).empty && exec.relation(referenced).kind != RelationKind::PartitionedTable {
        exec.work(referenced, on_referenced, Work::Scan);
    }
}

fn plan_check(exec: &mut Exec, table: &QName, lock: LockMode, referenced: &QName) {
    exec.work(table, lock, Work::Scan);
    lock_indexes(exec, table, LockMode::AccessShare);
    // The query says ONLY of a table that is not partitioned.
    let only = exec.relation(referenced).kind != RelationKind::PartitionedTable;
    let planned = Access { lock: LockMode::AccessShare, works: &[], only, planned: true, filter: Filter::All };
    access(exec, referenced, &planned);
}

/// VALIDATE of a foreign key (QueueFKConstraintValidation; before 18 partitioned tables have no invalid keys).
pub(super) fn validate(exec: &mut Exec, alter: &Alter, task: &Task<'_>, constraint: &Constraint) -> Result<(), Stop> {
    let ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind else { return Ok(()) };
    let mut open = vec![alter.table.clone()];
    while let Some(table) = open.pop() {
        let relation = exec.relation(&table);
        super::constraints::mark_validated(exec, &table, constraint);
        if relation.kind != RelationKind::PartitionedTable {
            exec.lock(referenced, LockMode::RowShare);
            check_rows(exec, &table, task.lock, referenced, LockMode::RowShare);
            continue;
        }
        for partition in relation.children.clone() {
            let own = exec.relation(&partition).constraint(&constraint.name).cloned();
            if own.is_some_and(|it| !it.validated) {
                alter.lock_child(exec, task, &partition);
                open.push(partition);
            }
        }
    }
    Ok(())
}

/// ALTER CONSTRAINT ENFORCED makes triggers and checks the rows, NOT ENFORCED drops the triggers
/// (ATExecAlterConstrEnforceability).
pub(super) fn set_enforced(
    exec: &mut Exec,
    task: &Task<'_>,
    constraint: &Constraint,
    enforced: bool,
    tables: &[QName],
) {
    let ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind else { return };
    let lock = if enforced { LockMode::ShareRowExclusive } else { LockMode::AccessExclusive };
    exec.lock(referenced, lock);
    for partition in exec.schema.partitions(referenced) {
        exec.lock(&partition, lock);
    }
    if enforced {
        for table in tables {
            if exec.relation(table).kind != RelationKind::PartitionedTable {
                check_rows(exec, table, task.lock, referenced, lock);
            }
        }
    }
}

/// The keys of a partitioned table that a new partition gets, and those that reference the partitioned table and so the
/// partition (CloneForeignKeyConstraints). Returns the tables to check, with the table they reference.
pub(in crate::exec) fn clone_foreign_keys(
    exec: &mut Exec,
    parent: &QName,
    partition: &QName,
    lock: LockMode,
) -> Vec<(QName, QName)> {
    let mut unchecked = Vec::new();
    for constraint in exec.relation(parent).constraints.clone() {
        let ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind else { continue };
        exec.lock(referenced, LockMode::ShareRowExclusive);
        for target in exec.schema.partitions(referenced) {
            exec.lock(&target, LockMode::ShareRowExclusive);
        }
        let mut added = Added { referenced: referenced.clone(), tables: Vec::new(), unchecked: Vec::new() };
        if !attach(exec, partition, &constraint, &mut added) {
            let name = free_name(exec, partition, &constraint);
            let own = Constraint { name, inherited: true, local: false, born: exec.born, ..constraint.clone() };
            exec.schema.add_constraint(partition, own.clone());
            if exec.relation(partition).kind == RelationKind::PartitionedTable {
                add_to_partitions(exec, partition, &own, lock, &mut added);
            } else {
                added.unchecked.push(partition.clone());
            }
        }
        if constraint.validated {
            unchecked.extend(added.unchecked.into_iter().map(|table| (table, referenced.clone())));
        }
    }
    for (referencing, _) in exec.schema.foreign_keys_over(parent) {
        // CloneFkReferenced; 14 only looked at the table.
        let lock = if exec.since(15) { LockMode::ShareRowExclusive } else { LockMode::AccessShare };
        exec.lock(&referencing, lock);
    }
    unchecked
}

/// The rows of a partition that came from elsewhere are checked against the keys it got.
pub(super) fn check_attached(exec: &mut Exec, unchecked: &[(QName, QName)], lock: LockMode) {
    for (table, referenced) in unchecked {
        check_rows(exec, table, lock, referenced, LockMode::ShareRowExclusive);
    }
}
