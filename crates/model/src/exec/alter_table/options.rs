//! The subcommands about the table as a whole: owner, storage, options, inheritance, triggers, security.

use syntax::ast::{AlterAction, Persistence};

use super::partitions::{inherit, match_columns, refuse_circle};
use super::{Alter, Task, locks};
use crate::effect::{LockMode, Work};
use crate::exec::{Exec, Stop};
use crate::name::QName;
use crate::schema::{ColumnType, Constraint, ConstraintKind, RelationKind, TypeKind};

pub(super) fn execute(exec: &mut Exec, alter: &mut Alter, task: &Task<'_>, action: &AlterAction) -> Result<(), Stop> {
    let table = alter.table.clone();
    match action {
        AlterAction::Owner { role } => change_owner(exec, task, &table, role),
        AlterAction::ClusterOn { index } => {
            let index = require_index(exec, task, &table, &index.text)?;
            if exec.relation(&table).kind == RelationKind::PartitionedTable {
                let message = "cannot mark index clustered in partitioned table".to_owned();
                return exec.refuse("0A000", message, task.span);
            }
            exec.lock(&index, LockMode::ShareUpdateExclusive);
            exec.change(&table).clustered_on = Some(index.name);
        }
        AlterAction::SetWithoutCluster => {
            if exec.relation(&table).kind == RelationKind::PartitionedTable {
                let message = "cannot mark index clustered in partitioned table".to_owned();
                return exec.refuse("0A000", message, task.span);
            }
            exec.change(&table).clustered_on = None;
        }
        AlterAction::SetLogged => set_persistence(exec, alter, task, Persistence::Permanent)?,
        AlterAction::SetUnlogged => set_persistence(exec, alter, task, Persistence::Unlogged)?,
        AlterAction::SetAccessMethod { method } => {
            let relation = exec.relation(&table);
            if relation.kind == RelationKind::PartitionedTable && !exec.since(17) {
                let message = "cannot change access method of a partitioned table".to_owned();
                return exec.refuse("42809", message, task.span);
            }
            let method = method.as_deref().unwrap_or("heap");
            if relation.access_method.as_deref().unwrap_or("heap") != method {
                alter.rewrite(exec, task, &table);
            }
            exec.change(&table).access_method = Some(method.into());
        }
        // CheckRelationTableSpaceMove, tablecmds.c.
        AlterAction::SetTablespace { tablespace } if tablespace == "pg_global" => {
            let message = "only shared relations can be placed in pg_global tablespace".to_owned();
            return exec.refuse("22023", message, task.span);
        }
        AlterAction::SetTablespace { tablespace } => {
            let relation = exec.relation(&table);
            // A block-wise copy; the indexes stay where they are (ATExecSetTableSpace).
            if relation.tablespace.as_deref().unwrap_or("pg_default") != tablespace
                && relation.kind != RelationKind::PartitionedTable
            {
                exec.work(&table, LockMode::AccessExclusive, Work::Rewrite);
            }
            exec.change(&table).tablespace = Some(tablespace.as_str().into());
        }
        AlterAction::SetOptions { options } => {
            let known = exec.relation(&table);
            if known.kind == RelationKind::PartitionedTable
                && let Some(option) = options.iter().find(|option| locks::is_table_option(option))
            {
                if exec.since(16) {
                    let message = "cannot specify storage parameters for a partitioned table".to_owned();
                    return exec.refuse("42809", message, task.span);
                }
                return exec.refuse("22023", format!("unrecognized parameter \"{}\"", option.name), task.span);
            }
            if known.kind == RelationKind::Table
                && !known.open
                && let Some(option) = options.iter().find(|option| !locks::is_table_option(option))
            {
                return exec.refuse("22023", format!("unrecognized parameter \"{}\"", option.name), task.span);
            }
            let relation = exec.change(&table);
            relation
                .options
                .retain(|own| options.iter().all(|new| (&new.namespace, &new.name) != (&own.namespace, &own.name)));
            relation.options.extend(options.iter().cloned());
        }
        AlterAction::ResetOptions { options } => {
            exec.change(&table).options.retain(|own| {
                options.iter().all(|reset| (&reset.namespace, &reset.name) != (&own.namespace, &own.name))
            });
        }
        AlterAction::Inherit { parent } => {
            let parent = exec.resolve(parent);
            add_parent(exec, task, &table, &parent)?;
        }
        AlterAction::NoInherit { parent } => {
            let parent = exec.resolve(parent);
            exec.lock(&parent, LockMode::AccessShare);
            if !exec.relation(&table).open && !exec.relation(&table).inherits.contains(&parent) {
                let message = format!("relation \"{}\" is not a parent of relation \"{}\"", parent.name, table.name);
                return exec.refuse("42P01", message, task.span);
            }
            remove_parent(exec, &table, &parent);
        }
        AlterAction::Of { ty } => {
            let ty = crate::exec::define::types(exec).resolve(ty);
            let name = QName::new(ty.schema.as_deref().unwrap_or("public"), &ty.name);
            refuse_other_row(exec, task, &table, &name)?;
            exec.change(&table).of_type = Some(name);
        }
        AlterAction::NotOf => {
            let relation = exec.relation(&table);
            if !relation.open && relation.of_type.is_none() {
                return exec.refuse("42809", format!("\"{}\" is not a typed table", table.name), task.span);
            }
            exec.change(&table).of_type = None;
        }
        AlterAction::ReplicaIdentity { index, kind } => {
            let identity = match index {
                Some(index) => Some(replica_index(exec, task, &table, &index.text)?.name),
                None => None,
            };
            let relation = exec.change(&table);
            relation.replica_identity = identity;
            relation.replica_identity_kind = *kind;
        }
        AlterAction::RowSecurity { enable } => exec.change(&table).row_security = *enable,
        AlterAction::ForceRowSecurity { force } => exec.change(&table).force_row_security = *force,
        AlterAction::EnableTrigger { name, .. } => {
            switch_trigger(exec, alter, task, name.as_ref().map(|it| it.text.as_str()), true)?;
        }
        AlterAction::DisableTrigger { name, .. } => {
            switch_trigger(exec, alter, task, name.as_ref().map(|it| it.text.as_str()), false)?;
        }
        AlterAction::EnableRule { name } | AlterAction::DisableRule { name } => {
            let relation = exec.relation(&table);
            if !relation.open && !relation.rules.iter().any(|rule| *rule.name == *name.text) {
                let message = format!("rule \"{}\" for relation \"{}\" does not exist", name.text, table.name);
                return exec.refuse("42704", message, task.span);
            }
        }
        _ => {}
    }
    Ok(())
}

/// A table of a type has its columns, in its order (ATExecAddOf).
fn refuse_other_row(exec: &mut Exec, task: &Task<'_>, table: &QName, ty: &QName) -> Result<(), Stop> {
    let relation = exec.relation(table);
    if !relation.inherits.is_empty() {
        return exec.refuse("42809", "typed tables cannot inherit".to_owned(), task.span);
    }
    let Some(ty) = exec.schema.types.get(ty).cloned() else { return Ok(()) };
    let TypeKind::Composite { attributes } = &ty.kind else { return Ok(()) };
    if relation.open {
        return Ok(());
    }
    let mut columns = relation.columns.iter();
    for (attribute, wanted) in attributes {
        let message = match columns.next() {
            None => format!("table is missing column \"{attribute}\""),
            Some(column) if column.name != *attribute => {
                format!("table has column \"{}\" where type requires \"{attribute}\"", column.name)
            }
            Some(column) => {
                let wanted = ColumnType::Known(crate::exec::define::types(exec).resolve(wanted));
                if column.ty == wanted || column.ty == ColumnType::Unknown {
                    continue;
                }
                format!("table \"{}\" has different type for column \"{attribute}\"", table.name)
            }
        };
        return exec.refuse("42804", message, task.span);
    }
    if let Some(extra) = columns.next() {
        return exec.refuse("42804", format!("table has extra column \"{}\"", extra.name), task.span);
    }
    Ok(())
}

/// The indexes and owned sequences follow, and are locked alike (ATExecChangeOwner). Nothing follows when the owner stays.
pub(super) fn change_owner(exec: &mut Exec, task: &Task<'_>, table: &QName, role: &str) {
    let owner = exec.relation(table).owner.clone();
    // What migrations create without a word belongs to whoever runs them.
    let myself = |role: &str| matches!(role, "current_user" | "current_role" | "session_user");
    if owner.as_deref().map_or(myself(role) && !exec.relation(table).open, |owner| owner == role) {
        return;
    }
    let indexes: Vec<QName> = exec.schema.indexes_of(table).map(|index| index.name.clone()).collect();
    for index in indexes {
        exec.lock(&index, task.lock);
    }
    for (sequence, _) in exec.schema.sequences_of(table) {
        exec.lock(&sequence, task.lock);
        exec.change(&sequence).owner = Some(role.into());
    }
    exec.change(table).owner = Some(role.into());
}

fn require_index(exec: &mut Exec, task: &Task<'_>, table: &QName, index: &str) -> Result<QName, Stop> {
    let name = table.sibling(index);
    match exec.schema.indexes.get(&name) {
        Some(entry) if entry.table == *table => Ok(name),
        Some(_) => {
            let message = format!("\"{index}\" is not an index for table \"{}\"", table.name);
            exec.refuse("42809", message, task.span)
        }
        None if !exec.relation(table).open => {
            let message = format!("index \"{index}\" for table \"{}\" does not exist", table.name);
            exec.refuse("42704", message, task.span)
        }
        None => {
            exec.unknown_index(&name);
            Ok(name)
        }
    }
}

/// ATExecReplicaIdentity.
fn replica_index(exec: &mut Exec, task: &Task<'_>, table: &QName, index: &str) -> Result<QName, Stop> {
    let name = require_index(exec, task, table, index)?;
    exec.lock(&name, LockMode::Share);
    let Some(entry) = exec.schema.indexes.get(&name).cloned() else { return Ok(name) };
    let relation = exec.relation(table);
    let deferrable = entry.constraint.as_ref().and_then(|it| relation.constraint(it)).is_some_and(|it| it.deferrable);
    if !entry.unique {
        let message = format!("cannot use non-unique index \"{index}\" as replica identity");
        return exec.refuse("42809", message, task.span);
    }
    let problem = if deferrable {
        Some("non-immediate")
    } else if entry.elements.iter().any(|it| it.expression.is_some()) {
        Some("expression")
    } else if entry.predicate.is_some() {
        Some("partial")
    } else {
        None
    };
    if let Some(problem) = problem {
        let message = format!("cannot use {problem} index \"{index}\" as replica identity");
        return exec.refuse("0A000", message, task.span);
    }
    for column in entry.elements.iter().filter_map(|it| it.column.as_ref()) {
        if relation.column(column).is_some_and(|it| !it.not_null) && !relation.open {
            let message =
                format!("index \"{index}\" cannot be used as replica identity because column \"{column}\" is nullable");
            return exec.refuse("42809", message, task.span);
        }
    }
    Ok(name)
}

/// SET LOGGED and UNLOGGED copy the table; since 15 its sequences, too (ATPrepChangePersistence, ATRewriteTables).
fn set_persistence(exec: &mut Exec, alter: &mut Alter, task: &Task<'_>, persistence: Persistence) -> Result<(), Stop> {
    let table = alter.table.clone();
    let relation = exec.relation(&table);
    let name = &table.name;
    if relation.persistence == Persistence::Temporary {
        let message = format!("cannot change logged status of table \"{name}\" because it is temporary");
        return exec.refuse("42P16", message, task.span);
    }
    // A relation that is only known by name may be either.
    if relation.persistence == persistence && !relation.open {
        return Ok(());
    }
    let published = exec.schema.publications.values().any(|it| it.tables.iter().any(|(of, _)| *of == table));
    if persistence == Persistence::Unlogged && published {
        let message = format!("cannot change table \"{name}\" to unlogged because it is part of a publication");
        return exec.refuse("55000", message, task.span);
    }
    if persistence == Persistence::Permanent {
        for constraint in &relation.constraints {
            if let ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind
                && *referenced != table
                && exec.relation(referenced).persistence == Persistence::Unlogged
            {
                let message = format!(
                    "could not change table \"{name}\" to logged because it references unlogged table \"{}\"",
                    referenced.name
                );
                return exec.refuse("42P16", message, task.span);
            }
        }
    } else {
        for (referencing, _) in exec.schema.foreign_keys_over(&table) {
            if referencing != table && exec.relation(&referencing).persistence == Persistence::Permanent {
                let message = format!(
                    "could not change table \"{name}\" to unlogged because it references logged table \"{}\"",
                    referencing.name
                );
                return exec.refuse("42P16", message, task.span);
            }
        }
    }
    if relation.kind == RelationKind::Sequence {
        exec.work(&table, LockMode::AccessExclusive, Work::Instant);
    } else {
        alter.rewrite(exec, task, &table);
    }
    if exec.since(15) {
        for (sequence, _) in exec.schema.sequences_of(&table) {
            exec.lock(&sequence, LockMode::AccessExclusive);
            exec.change(&sequence).persistence = persistence;
        }
    }
    // Without storage nothing is made anew, and what pg_class says stays.
    if relation.kind != RelationKind::PartitionedTable {
        exec.change(&table).persistence = persistence;
    }
    Ok(())
}

/// ATExecAddInherit.
fn add_parent(exec: &mut Exec, task: &Task<'_>, table: &QName, parent: &QName) -> Result<(), Stop> {
    let relation = exec.relation(table);
    let problem = if relation.of_type.is_some() {
        Some("typed table")
    } else if relation.partition_of.is_some() {
        Some("a partition")
    } else if relation.kind == RelationKind::PartitionedTable {
        Some("partitioned table")
    } else {
        None
    };
    if let Some(problem) = problem {
        return exec.refuse("42809", format!("cannot change inheritance of {problem}"), task.span);
    }
    if exec.is_missing(parent) {
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", parent.name), task.span);
    }
    exec.lock(parent, LockMode::ShareUpdateExclusive);
    exec.change(parent);
    for below in exec.schema.descendants(table) {
        exec.lock(&below, LockMode::AccessShare);
    }
    let model = exec.relation(parent);
    if model.kind == RelationKind::PartitionedTable {
        let message = format!("cannot inherit from partitioned table \"{}\"", parent.name);
        return exec.refuse("42809", message, task.span);
    }
    if model.partition_of.is_some() {
        return exec.refuse("42809", "cannot inherit from a partition".to_owned(), task.span);
    }
    if relation.inherits.contains(parent) {
        let message = format!("relation \"{}\" would be inherited from more than once", parent.name);
        return exec.refuse("42P07", message, task.span);
    }
    refuse_circle(exec, parent, table, task.span)?;
    match_columns(exec, &model, &relation, task.span)?;
    exec.schema.edit(table, |relation| {
        relation.inherits.push(parent.clone());
        inherit(relation, &model, false);
    });
    exec.change(parent).children.push(table.clone());
    Ok(())
}

fn remove_parent(exec: &mut Exec, table: &QName, parent: &QName) {
    let others: Vec<_> =
        exec.relation(table).inherits.iter().filter(|it| *it != parent).map(|other| exec.relation(other)).collect();
    exec.schema.edit(table, |relation| {
        relation.inherits.retain(|it| it != parent);
        relation.columns.change_all(|column| {
            column.inherited = others.iter().any(|other| other.column(&column.name).is_some());
            column.local |= !column.inherited;
        });
        relation.constraints.change_all(|constraint| {
            constraint.inherited = others.iter().any(|other| other.constraint(&constraint.name).is_some());
            constraint.local |= !constraint.inherited;
        });
    });
    exec.schema.edit(parent, |relation| relation.children.retain(|child| child != table));
}

/// Row triggers of a partitioned table are switched on its partitions, too (EnableDisableTrigger, trigger.c).
fn switch_trigger(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    name: Option<&str>,
    enabled: bool,
) -> Result<(), Stop> {
    let relation = exec.relation(&alter.table);
    let chosen = |trigger: &crate::schema::Trigger| name.is_none_or(|name| *trigger.name == *name);
    if let Some(name) = name
        && !relation.open
        && !relation.triggers.iter().any(chosen)
    {
        let message = format!("trigger \"{name}\" for table \"{}\" does not exist", alter.table.name);
        return exec.refuse("42704", message, task.span);
    }
    // The triggers of foreign keys, on both sides, are for rows; ALL means them too, USER does not. The action triggers of
    // partitions are linked to their parent's since 15.
    let all = exec.source(task.span).to_ascii_lowercase().ends_with("all");
    let is_key = |it: &Constraint| matches!(it.kind, ConstraintKind::ForeignKey { .. });
    let keyed = relation.constraints.iter().any(is_key) || !exec.schema.foreign_keys_over(&alter.table).is_empty();
    let recurses = relation.kind == RelationKind::PartitionedTable
        && alter.recurse
        && (relation.triggers.iter().any(|it| chosen(it) && it.row)
            || (name.is_none() && all && keyed && exec.since(15)));
    let tables = if recurses { alter.with_descendants(exec, task) } else { vec![alter.table.clone()] };
    for table in tables {
        exec.schema.edit(&table, |relation| {
            relation.triggers.change(|it| chosen(it), |trigger| trigger.enabled = enabled);
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str =
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p DEFAULT;
CREATE TABLE k (p int REFERENCES p)";

    #[test]
    fn triggers_of_foreign_keys_stand_on_partitions() {
        let sql = "ALTER TABLE p DISABLE TRIGGER ALL; ALTER TABLE p ENABLE TRIGGER USER; ALTER TABLE ONLY p ENABLE TRIGGER ALL";
        expect![[r#"
            ALTER TABLE p DISABLE TRIGGER ALL
                p SHARE ROW EXCLUSIVE, p1 SHARE ROW EXCLUSIVE | blocks p:W p1:W | 15-18
            ALTER TABLE p ENABLE TRIGGER USER
                p SHARE ROW EXCLUSIVE | blocks p:W
            ALTER TABLE ONLY p ENABLE TRIGGER ALL
                p SHARE ROW EXCLUSIVE | blocks p:W
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
