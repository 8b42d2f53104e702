//! ATTACH and DETACH PARTITION.

use std::collections::BTreeSet;
use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, Expr, PartitionBound, Persistence, RangeDatum};

use super::{Alter, Task, checks, foreign_keys};
use crate::effect::{LockMode, WaitsFor, Work};
use crate::exec::index::{Build, attach_index, clone_index, define_index, matching_index};
use crate::exec::reach::{lock_ancestors, lock_indexes, written};
use crate::exec::{Exec, Stop};
use crate::name::QName;
use crate::names;
use crate::proof::{self, Condition};
use crate::schema::{Column, ColumnType, Constraint, ConstraintKind, Index, PartitionKey, Relation, RelationKind};

/// ATExecAttachPartition: the parent is locked weakly, the partition and a default partition fully.
pub(super) fn attach(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    partition: &ast::Name,
    bound: Option<&PartitionBound>,
) -> Result<(), Stop> {
    let parent = alter.table.clone();
    refuse_plain(exec, &parent, task)?;
    let name = exec.resolve(partition);
    let default = default_partition(exec, &parent);
    if let Some(default) = &default {
        exec.lock(default, LockMode::AccessExclusive);
    }
    if exec.is_missing(&name) {
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(partition)), task.span);
    }
    exec.lock(&name, LockMode::AccessExclusive);
    for below in exec.schema.descendants(&name) {
        exec.lock(&below, LockMode::AccessExclusive);
    }
    exec.change(&name);
    refuse_attach(exec, &parent, &name, task.span)?;
    let bound = bound.cloned().unwrap_or(PartitionBound::Default);
    refuse_bound(exec, &parent, &bound, task.span)?;
    refuse_overlap(exec, &parent, &name.name, &bound, task.span)?;
    let condition = partition_condition(exec, &parent, &bound);
    lock_ancestors(exec, &parent);
    adopt(exec, &parent, &name, bound.clone());
    attach_indexes(exec, &parent, &name, task.span)?;
    let unchecked = foreign_keys::clone_foreign_keys(exec, &parent, &name, LockMode::AccessExclusive);
    foreign_keys::check_attached(exec, &unchecked, LockMode::AccessExclusive);
    match condition {
        // The first partition that is a default holds anything.
        Needed::Nothing => {}
        Needed::Condition(condition) => verify(exec, &name, Some(&condition)),
        Needed::Unknown => verify(exec, &name, None),
    }
    if default.is_some() {
        scan_default_partition(exec, &parent, &bound);
    }
    Ok(())
}

/// A bound that is of another strategy (transformPartitionBound, parse_utilcmd.c) or holds nothing (check_new_partition_bound).
pub(in crate::exec) fn refuse_bound(
    exec: &mut Exec,
    parent: &QName,
    bound: &PartitionBound,
    span: Span,
) -> Result<(), Stop> {
    let relation = exec.relation(parent);
    let Some(key) = &relation.partition_by else { return Ok(()) };
    let fits = match bound {
        PartitionBound::Default if key.strategy == "hash" => {
            let message = "a hash-partitioned table may not have a default partition".to_owned();
            return exec.refuse("42P16", message, span);
        }
        PartitionBound::Default => true,
        PartitionBound::Range { .. } => key.strategy == "range",
        PartitionBound::List { .. } => key.strategy == "list",
        PartitionBound::Hash { .. } => key.strategy == "hash",
    };
    if !fits {
        return exec.refuse("42P16", format!("invalid bound specification for a {} partition", key.strategy), span);
    }
    // A range meets another that is all there is, unless it is empty.
    if let PartitionBound::Range { from, to } = bound
        && is_empty_range(&relation, key, from, to)
    {
        return exec.refuse("42P17", "empty range bound specified for partition".to_owned(), span);
    }
    Ok(())
}

/// The first column alone decides: it is less for `to` than for `from`, or the only one and equal.
fn is_empty_range(relation: &Relation, key: &PartitionKey, from: &[RangeDatum], to: &[RangeDatum]) -> bool {
    let column = key.columns.first().and_then(Option::as_ref).and_then(|column| relation.column(column));
    let Some(ColumnType::Known(ty)) = column.map(|column| &column.ty) else { return false };
    let (Some(RangeDatum::Value(from)), Some(RangeDatum::Value(to)), 1) = (from.first(), to.first(), from.len()) else {
        return false;
    };
    match (from, to) {
        // A plain date sorts as it is written, also as a timestamp.
        (Expr::String(from), Expr::String(to)) if matches!(ty.name.as_str(), "date" | "timestamp" | "timestamptz") => {
            let plain = |text: &str| text.len() == 10 && text.chars().all(|it| it.is_ascii_digit() || it == '-');
            plain(from) && plain(to) && to <= from
        }
        (Expr::Number(from), Expr::Number(to)) => {
            matches!((from.parse::<i64>(), to.parse::<i64>()), (Ok(from), Ok(to)) if to <= from)
        }
        _ => false,
    }
}

/// Bounds that certainly meet those of another partition (check_new_partition_bound, partbounds.c).
pub(in crate::exec) fn refuse_overlap(
    exec: &mut Exec,
    parent: &QName,
    name: &str,
    bound: &PartitionBound,
    span: Span,
) -> Result<(), Stop> {
    let relation = exec.relation(parent);
    let key = relation.partition_by.as_ref().and_then(|by| by.columns.first().cloned().flatten());
    let ty = key.and_then(|key| relation.column(&key).map(|column| column.ty.clone()));
    let order = proof::order(match &ty {
        Some(ColumnType::Known(ty)) => Some(ty),
        _ => None,
    });
    for child in &relation.children {
        let Some((_, own)) = exec.schema.relations.get(child).and_then(|it| it.partition_of.clone()) else { continue };
        if *bound == PartitionBound::Default && own == PartitionBound::Default {
            let message = format!("partition \"{name}\" conflicts with existing default partition \"{}\"", child.name);
            return exec.refuse("42P17", message, span);
        }
        if proof::bounds_overlap(bound, &own, order) {
            let message = format!("partition \"{name}\" would overlap partition \"{}\"", child.name);
            return exec.refuse("42P17", message, span);
        }
    }
    Ok(())
}

/// What the rows of a partition must fulfil.
#[derive(Debug)]
enum Needed {
    Nothing,
    Condition(Condition),
    Unknown,
}

fn partition_condition(exec: &Exec, parent: &QName, bound: &PartitionBound) -> Needed {
    let relation = exec.relation(parent);
    let Some(key) = &relation.partition_by else { return Needed::Unknown };
    let own = if *bound == PartitionBound::Default {
        let others: Option<Vec<Condition>> = relation
            .children
            .iter()
            .filter_map(|child| exec.schema.relations.get(child)?.partition_of.as_ref().map(|(_, bound)| bound.clone()))
            .map(|bound| proof::bound_condition(&key.columns, &bound).map(proof::negate))
            .collect();
        match others {
            Some(others) if others.is_empty() && relation.partition_of.is_none() => return Needed::Nothing,
            Some(others) => Some(Condition::And(others)),
            None => None,
        }
    } else {
        proof::bound_condition(&key.columns, bound)
    };
    // A partition of a partition fulfils both bounds.
    let above = match &relation.partition_of {
        Some((grandparent, bound)) => partition_condition(exec, grandparent, bound),
        None => Needed::Nothing,
    };
    match (own, above) {
        (Some(own), Needed::Nothing) => Needed::Condition(own),
        (Some(own), Needed::Condition(above)) => Needed::Condition(Condition::And(vec![own, above])),
        _ => Needed::Unknown,
    }
}

/// Reads the table, or those of its partitions, that no constraint speaks for (QueuePartitionConstraintValidation).
fn verify(exec: &mut Exec, table: &QName, condition: Option<&Condition>) {
    if condition.is_some_and(|condition| checks::is_implied(exec, table, condition)) {
        return;
    }
    let relation = exec.relation(table);
    if relation.kind == RelationKind::PartitionedTable {
        for partition in relation.children.clone() {
            exec.lock(&partition, LockMode::AccessExclusive);
            verify(exec, &partition, condition);
        }
    } else {
        exec.work(table, LockMode::AccessExclusive, Work::Scan);
    }
}

/// A default partition must not hold rows of the new partition: it is locked and, unless a constraint excludes them, read
/// (check_default_partition_contents, partbounds.c).
pub(in crate::exec) fn scan_default_partition(exec: &mut Exec, parent: &QName, bound: &PartitionBound) {
    let Some(default) = default_partition(exec, parent) else { return };
    exec.lock(&default, LockMode::AccessExclusive);
    let relation = exec.relation(parent);
    let condition = relation.partition_by.as_ref().and_then(|key| proof::bound_condition(&key.columns, bound));
    verify(exec, &default, condition.map(proof::negate).as_ref());
}

pub(in crate::exec) fn default_partition(exec: &Exec, parent: &QName) -> Option<QName> {
    let relation = exec.schema.relations.get(parent)?;
    let is_default = |child: &&QName| {
        let bound = exec.schema.relations.get(*child).and_then(|it| it.partition_of.as_ref());
        bound.is_some_and(|(_, bound)| *bound == PartitionBound::Default)
    };
    relation.children.iter().find(is_default).cloned()
}

fn refuse_plain(exec: &mut Exec, parent: &QName, task: &Task<'_>) -> Result<(), Stop> {
    let relation = exec.relation(parent);
    if relation.open || relation.kind == RelationKind::PartitionedTable {
        return Ok(());
    }
    if exec.since(18) {
        let words = match task.what {
            super::What::Action(action) => super::locks::words(action),
            super::What::Inline { .. } => "",
        };
        let message = format!("ALTER action {words} cannot be performed on relation \"{}\"", parent.name);
        return exec.refuse("42809", message, task.span);
    }
    exec.refuse("42P17", format!("table \"{}\" is not partitioned", parent.name), task.span)
}

/// The new partition must look like its parent (MergeAttributesIntoExisting, MergeConstraintsIntoExisting).
fn refuse_attach(exec: &mut Exec, parent: &QName, partition: &QName, span: Span) -> Result<(), Stop> {
    let own = exec.relation(partition);
    let model = exec.relation(parent);
    let name = &partition.name;
    refuse_circle(exec, parent, partition, span)?;
    if own.open {
        return Ok(());
    }
    let what = if own.partition_of.is_some() {
        Some(format!("\"{name}\" is already a partition"))
    } else if own.of_type.is_some() {
        Some("cannot attach a typed table as partition".to_owned())
    } else if own.persistence == Persistence::Temporary && model.persistence != Persistence::Temporary {
        Some(format!("cannot attach a temporary relation as partition of permanent relation \"{}\"", parent.name))
    } else if !own.inherits.is_empty() {
        Some("cannot attach inheritance child as partition".to_owned())
    } else if !own.children.is_empty() && own.kind == RelationKind::Table {
        Some("cannot attach inheritance parent as partition".to_owned())
    } else {
        None
    };
    if let Some(message) = what {
        return exec.refuse("42809", message, span);
    }
    for column in &own.columns {
        if column.identity.is_some() && exec.since(17) {
            let message = format!("table \"{name}\" being attached contains an identity column \"{}\"", column.name);
            return exec.refuse("55000", message, span);
        }
        if crate::exec::define::lacks_column(exec, &model, &column.name) {
            let message =
                format!("table \"{name}\" contains column \"{}\" not found in parent \"{}\"", column.name, parent.name);
            return exec.refuse("42804", message, span);
        }
    }
    match_columns(exec, &model, &own, span)
}

/// No table stands above itself (ATExecAddInherit and ATExecAttachPartition, tablecmds.c); what walks down relies on it.
pub(in crate::exec) fn refuse_circle(exec: &mut Exec, parent: &QName, child: &QName, span: Span) -> Result<(), Stop> {
    if parent == child || exec.schema.descendants(child).contains(parent) {
        return exec.refuse("42P07", "circular inheritance not allowed".to_owned(), span);
    }
    Ok(())
}

/// The columns and CHECKs of a parent must be in its child; used for INHERIT, too.
pub(super) fn match_columns(exec: &mut Exec, parent: &Relation, child: &Relation, span: Span) -> Result<(), Stop> {
    let name = &child.name.name;
    if child.open {
        return Ok(());
    }
    for column in &parent.columns {
        let Some(own) = child.column(&column.name) else {
            return exec.refuse("42804", format!("child table is missing column \"{}\"", column.name), span);
        };
        if let (ColumnType::Known(own), ColumnType::Known(ty)) = (&own.ty, &column.ty)
            && own != ty
        {
            let message = format!("child table \"{name}\" has different type for column \"{}\"", column.name);
            return exec.refuse("42804", message, span);
        }
        let inherits = checks::not_null_constraint(parent, &column.name).is_none_or(|it| !it.no_inherit);
        if column.not_null && !own.not_null && inherits {
            let message = if exec.since(18) {
                format!("column \"{}\" in child table \"{name}\" must be marked NOT NULL", column.name)
            } else {
                format!("column \"{}\" in child table must be marked NOT NULL", column.name)
            };
            return exec.refuse("42804", message, span);
        }
    }
    for constraint in parent.constraints.iter().filter(|it| !it.no_inherit) {
        let ConstraintKind::Check { .. } = constraint.kind else { continue };
        let Some(own) = child.constraint(&constraint.name) else {
            return exec.refuse("42804", format!("child table is missing constraint \"{}\"", constraint.name), span);
        };
        if constraint.validated && own.enforced && !own.validated {
            let message = format!(
                "constraint \"{}\" conflicts with NOT VALID constraint on child table \"{name}\"",
                constraint.name
            );
            return exec.refuse("42P17", message, span);
        }
    }
    Ok(())
}

/// The partition's columns and constraints count as the parent's from now on.
fn adopt(exec: &mut Exec, parent: &QName, partition: &QName, bound: PartitionBound) {
    let model = exec.relation(parent);
    exec.schema.edit(partition, |relation| {
        relation.partition_of = Some((parent.clone(), bound));
        inherit(relation, &model, true);
    });
    let triggers: Vec<_> = model.triggers.iter().filter(|trigger| trigger.row).cloned().collect();
    exec.schema.edit(partition, |relation| relation.triggers.extend(triggers));
    exec.change(parent).children.push(partition.clone());
}

pub(super) fn inherit(child: &mut Relation, parent: &Relation, partition: bool) {
    let which = |column: &Column| parent.column(&column.name).is_some();
    child.columns.change(which, |column| {
        column.inherited = true;
        column.local &= !partition;
        if partition {
            column.identity = parent.column(&column.name).and_then(|it| it.identity);
        }
    });
    child.constraints.change_all(|own| {
        let matches = parent.constraints.iter().any(|it| match (&own.kind, &it.kind) {
            (ConstraintKind::Check { .. }, ConstraintKind::Check { .. }) => own.name == it.name && !it.no_inherit,
            (ConstraintKind::NotNull { column: own }, ConstraintKind::NotNull { column }) => {
                own == column && !it.no_inherit
            }
            _ => false,
        });
        if matches {
            own.inherited = true;
            own.local &= !partition;
        }
    });
}

/// Every index of the parent is matched by one of the partition, or built (AttachPartitionEnsureIndexes).
fn attach_indexes(exec: &mut Exec, parent: &QName, partition: &QName, span: Span) -> Result<(), Stop> {
    let indexes: Vec<Index> =
        exec.schema.indexes_of(parent).filter(|index| index.kind == RelationKind::PartitionedIndex).cloned().collect();
    for index in indexes {
        let mut new = clone_index(exec, &index, partition);
        let constraint = new.constraint.clone();
        let found =
            matching_index(exec, &new, constraint.as_ref(), partition).filter(|found| exec.schema.indexes[found].valid);
        if let Some(found) = found {
            attach_index(exec, &found, &index.name);
            continue;
        }
        super::constraints::refuse_second_primary_key(exec, &new, span)?;
        new.parent = Some(index.name.clone());
        if let Some(constraint) = &mut new.constraint {
            constraint.inherited = true;
            constraint.local = false;
        }
        define_index(exec, new, Build { lock: LockMode::AccessExclusive, work: true, span })?;
    }
    Ok(())
}

/// ATExecDetachPartition; CONCURRENTLY works in two transactions and waits in between for everyone who uses the parent.
pub(super) fn detach(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    partition: &ast::Name,
    concurrently: bool,
    finalize: bool,
) -> Result<(), Stop> {
    let parent = alter.table.clone();
    let name = exec.resolve(partition);
    if concurrently {
        exec.refuse_transaction("ALTER TABLE ... DETACH CONCURRENTLY", task.span);
    }
    refuse_plain(exec, &parent, task)?;
    if exec.is_missing(&name) {
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(partition)), task.span);
    }
    let known = exec.schema.relations.get(&name).is_some_and(|it| !it.open);
    let is_partition = exec.relation(&name).partition_of.as_ref().is_some_and(|(of, _)| *of == parent);
    if known && !is_partition {
        let message = format!("relation \"{}\" is not a partition of relation \"{}\"", name.name, parent.name);
        return exec.refuse("42P01", message, task.span);
    }
    if finalize {
        exec.lock(&name, LockMode::AccessExclusive);
        exec.waits_for.push(WaitsFor::Snapshots);
        if known {
            // In the history every concurrent detach has finished.
            let message = format!("cannot complete detaching partition \"{}\"", name.name);
            return exec.refuse("55000", message, task.span);
        }
        return Ok(());
    }
    if let Some(default) = default_partition(exec, &parent) {
        if concurrently {
            let message = "cannot detach partitions concurrently when a default partition exists".to_owned();
            return exec.refuse("55000", message, task.span);
        }
        exec.lock(&default, LockMode::AccessExclusive);
    }
    if concurrently {
        exec.waits_for.extend([WaitsFor::Readers, WaitsFor::Writers]);
    }
    exec.lock(&name, LockMode::AccessExclusive);
    for below in exec.schema.descendants(&name) {
        exec.lock(&below, LockMode::AccessExclusive);
    }
    for (referencing, _) in exec.schema.foreign_keys_over(&parent) {
        // No row of the other table may point into the partition, so the two are joined (RI_PartitionRemove_Check,
        // ri_triggers.c); then the key's part for it is dropped.
        exec.work(&referencing, LockMode::AccessExclusive, Work::Scan);
        for storage in exec.schema.storages(&name) {
            exec.work(&storage, LockMode::AccessExclusive, Work::Scan);
        }
        lock_indexes(exec, &referencing, LockMode::AccessShare);
    }
    for constraint in exec.relation(&name).constraints.clone() {
        if let ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind
            && constraint.inherited
        {
            exec.lock(referenced, LockMode::ShareRowExclusive);
            for target in exec.schema.partitions(referenced) {
                exec.lock(&target, LockMode::ShareRowExclusive);
            }
        }
    }
    let attached: Vec<QName> =
        exec.schema.indexes_of(&name).filter(|index| index.parent.is_some()).map(|index| index.name.clone()).collect();
    for index in attached {
        exec.lock(&index, LockMode::AccessExclusive);
        exec.schema.edit_index(&index, |index| index.parent = None);
    }
    if concurrently {
        lock_ancestors(exec, &parent);
        keep_bound(exec, &parent, &name);
    }
    release(exec, &parent, &name);
    Ok(())
}

/// DETACH CONCURRENTLY leaves the old bound as a CHECK, unless one says as much (DetachAddConstraintIfNeeded).
fn keep_bound(exec: &mut Exec, parent: &QName, partition: &QName) {
    let Some((_, bound)) = exec.relation(partition).partition_of.clone() else { return };
    if let Needed::Condition(condition) = partition_condition(exec, parent, &bound)
        && checks::is_implied(exec, partition, &condition)
    {
        return;
    }
    // The name tells the column when the bounds of all levels are about one.
    let mut keys: BTreeSet<Option<Arc<str>>> = BTreeSet::new();
    let mut level = Some(parent.clone());
    while let Some(table) = level {
        let relation = exec.relation(&table);
        keys.extend(relation.partition_by.iter().flat_map(|by| by.columns.iter().cloned()));
        level = relation.partition_of.as_ref().map(|(above, _)| above.clone());
    }
    let column = if keys.len() == 1 { keys.first().and_then(Option::as_deref) } else { None };
    let name = names::choose_constraint_name(&exec.schema, partition, &partition.name, column, "check", &[], || {
        exec.since(18)
    });
    let text: Arc<str> = "the partition's bound".into();
    let constraint = Constraint {
        name: name.into(),
        generated_name: true,
        kind: ConstraintKind::Check { expr: Expr::Other(Vec::new()), text },
        validated: true,
        enforced: true,
        deferrable: false,
        initially_deferred: false,
        no_inherit: false,
        inherited: false,
        local: true,
        born: exec.born,
        comment: None,
    };
    exec.schema.add_constraint(partition, constraint);
}

/// The partition is a table of its own.
fn release(exec: &mut Exec, parent: &QName, partition: &QName) {
    exec.schema.edit(partition, |relation| {
        relation.partition_of = None;
        relation.columns.change_all(|column| {
            column.inherited = false;
            column.local = true;
            column.identity = None;
        });
        relation.constraints.change_all(|constraint| {
            constraint.inherited = false;
            constraint.local = true;
        });
    });
    exec.schema.edit(parent, |relation| relation.children.retain(|child| child != partition));
}
