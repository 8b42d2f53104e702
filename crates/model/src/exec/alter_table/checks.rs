//! CHECK and NOT NULL: what adds, proves and removes them.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, ExprAt};

use super::{Alter, Task, drops, require_column};
use crate::effect::Breaks;
use crate::exec::expression::{self, Place};
use crate::exec::{Exec, Stop};
use crate::expr::{columns, placeless};
use crate::name::QName;
use crate::names;
use crate::proof::{self, Condition};
use crate::schema::{ColumnType, Constraint, ConstraintKind, Relation, RelationKind};

/// A CHECK about to be added.
#[derive(Clone, Copy, Debug)]
pub(in crate::exec) struct NewCheck<'a> {
    pub it: &'a ast::Constraint,
    pub at: &'a ExprAt,
    /// The table is new: what it says holds without a look at rows.
    pub fresh: bool,
}

/// Adds a CHECK to one table and returns it (AddRelationNewConstraints, heap.c).
pub(in crate::exec) fn add_check(exec: &mut Exec, table: &QName, new: NewCheck<'_>) -> Result<Constraint, Stop> {
    let relation = exec.relation(table);
    let span = new.it.span;
    expression::check(exec, &relation, &new.at.expr, Place::Check, span)?;
    let name = match &new.it.name {
        Some(name) => {
            let name = names::clip(&name.text, 63).to_owned();
            if let Some(existing) = relation.constraint(&name)
                && (!matches!(existing.kind, ConstraintKind::NotNull { .. }) || exec.since(18))
            {
                let same =
                    matches!(&existing.kind, ConstraintKind::Check { expr, .. } if *expr == placeless(&new.at.expr));
                // A new table may say again what its parent says (MergeWithExistingConstraint, heap.c).
                if new.fresh && existing.inherited && same {
                    exec.schema.edit(table, |relation| {
                        relation.constraints.change(|own| *own.name == *name, |own| own.local = true);
                    });
                    return Ok(existing.clone());
                }
                if new.fresh && !existing.inherited && matches!(existing.kind, ConstraintKind::Check { .. }) {
                    return exec.refuse("42710", format!("check constraint \"{name}\" already exists"), span);
                }
                let message = format!("constraint \"{name}\" for relation \"{}\" already exists", table.name);
                return exec.refuse("42710", message, span);
            }
            name
        }
        None => {
            // Named after the column when there is exactly one.
            let read = columns(&new.at.expr);
            let column = if let [column] = read.as_slice() { Some(*column) } else { None };
            let named_not_null = || exec.since(18);
            names::choose_constraint_name(&exec.schema, table, &table.name, column, "check", &[], named_not_null)
        }
    };
    let constraint = Constraint {
        name: name.into(),
        generated_name: new.it.name.is_none(),
        kind: ConstraintKind::Check { expr: placeless(&new.at.expr), text: exec.source(new.at.span) },
        validated: !new.it.not_enforced && (new.fresh || !new.it.not_valid),
        enforced: !new.it.not_enforced,
        deferrable: false,
        initially_deferred: false,
        no_inherit: new.it.no_inherit,
        inherited: false,
        local: true,
        born: exec.born,
        comment: None,
    };
    exec.change(table);
    exec.schema.add_constraint(table, constraint.clone());
    Ok(constraint)
}

/// ADD CONSTRAINT ... CHECK on a table and everything below it (ATAddCheckNNConstraint).
pub(super) fn alter_add_check(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    it: &ast::Constraint,
    at: &ExprAt,
) -> Result<(), Stop> {
    let relation = exec.relation(&alter.table);
    if it.no_inherit && relation.kind == RelationKind::PartitionedTable {
        let message = format!("cannot add NO INHERIT constraint to partitioned table \"{}\"", alter.table.name);
        return exec.refuse("42P16", message, it.span);
    }
    let existing = it.name.as_ref().and_then(|name| relation.constraint(names::clip(&name.text, 63)));
    if let Some(existing) = existing
        && matches!(&existing.kind, ConstraintKind::Check { expr, .. } if *expr == placeless(&at.expr))
        && existing.inherited
        && !existing.local
        && relation.partition_of.is_none()
    {
        // Parent and child may get it in either order (MergeWithExistingConstraint, heap.c).
        exec.schema.edit(&alter.table, |relation| {
            relation.constraints.change(|own| own.name == existing.name, |own| own.local = true);
        });
        return Ok(());
    }
    // Since 18 the descendants are locked before anything is known of the constraint.
    let locks_all = it.no_inherit && alter.recurse && !relation.children.is_empty() && exec.since(18);
    if locks_all {
        alter.with_descendants(exec, task);
    }
    let constraint = add_check(exec, &alter.table, NewCheck { it, at, fresh: false })?;
    if constraint.validated {
        alter.scan(exec, task, &alter.table);
    }
    if it.no_inherit {
        return Ok(());
    }
    if !alter.recurse && !relation.children.is_empty() {
        return exec.refuse("42P16", "constraint must be added to child tables too".to_owned(), it.span);
    }
    let inherited = Constraint { inherited: true, local: false, ..constraint };
    let mut parents = vec![alter.table.clone()];
    while let Some(parent) = parents.pop() {
        for child in exec.relation(&parent).children.clone() {
            alter.lock_child(exec, task, &child);
            if merge_check(exec, &child, &inherited, it.span)? {
                continue;
            }
            exec.schema.add_constraint(&child, inherited.clone());
            if inherited.validated {
                alter.scan(exec, task, &child);
            }
            parents.push(child);
        }
    }
    Ok(())
}

/// A child may have the constraint already (MergeWithExistingConstraint, heap.c); it is not checked again then.
fn merge_check(exec: &mut Exec, child: &QName, parent: &Constraint, span: Span) -> Result<bool, Stop> {
    let relation = exec.relation(child);
    let Some(own) = relation.constraint(&parent.name) else { return Ok(false) };
    let (ConstraintKind::Check { expr: own_expr, .. }, ConstraintKind::Check { expr, .. }) = (&own.kind, &parent.kind)
    else {
        return Ok(false);
    };
    if own_expr != expr && proof::condition(own_expr) != proof::condition(expr) {
        let message = format!("constraint \"{}\" for relation \"{}\" already exists", parent.name, child.name);
        return exec.refuse("42710", message, span);
    }
    if parent.validated && !own.validated {
        let message = format!(
            "constraint \"{}\" conflicts with NOT VALID constraint on relation \"{}\"",
            parent.name, child.name
        );
        return exec.refuse("42P17", message, span);
    }
    exec.schema.edit(child, |relation| {
        let partition = relation.partition_of.is_some();
        let which = |it: &Constraint| it.name == parent.name;
        relation.constraints.change(which, |constraint| {
            constraint.inherited = true;
            constraint.local &= !partition;
        });
    });
    Ok(true)
}

/// ALTER COLUMN ... SET NOT NULL. Until 17 all descendants are locked first; since 18 a constraint is propagated and stops
/// where there is one already (ATPrepSetNotNull of 17, ATExecSetNotNull of 18).
pub(super) fn set_not_null(exec: &mut Exec, alter: &Alter, task: &Task<'_>, column: &str) -> Result<(), Stop> {
    require_column(exec, task, &alter.table, column)?;
    let relation = exec.relation(&alter.table);
    let partitioned = relation.kind == RelationKind::PartitionedTable;
    let already = relation.column(column).is_some_and(|it| it.not_null);
    needs_value(exec, &relation, column);
    if !exec.since(18) {
        // Partitions cannot differ from their parent, so they are left alone.
        if already && partitioned && !relation.children.is_empty() {
            return Ok(());
        }
        if partitioned && !alter.recurse {
            for child in exec.schema.descendants(&alter.table) {
                alter.lock_child(exec, task, &child);
                if !is_not_null(exec, &child, column) {
                    return exec.refuse("42P16", "constraint must be added to child tables too".to_owned(), task.span);
                }
            }
        }
        for table in alter.with_descendants(exec, task) {
            make_not_null(exec, alter, task, &table, column, None);
        }
        return Ok(());
    }
    if let Some(constraint) = not_null_constraint(&relation, column) {
        if !constraint.validated {
            return super::constraints::validate(exec, alter, task, &constraint.name.clone());
        }
        return Ok(());
    }
    if already {
        return Ok(());
    }
    if !alter.recurse && !relation.children.is_empty() && partitioned {
        return exec.refuse("42P16", "constraint must be added to child tables too".to_owned(), task.span);
    }
    let name = not_null_name(exec, &alter.table, column);
    propagate_not_null(exec, alter, task, column, &name);
    Ok(())
}

/// NOT NULL on a table, and on the children that have none yet (ATExecSetNotNull of 18).
pub(super) fn propagate_not_null(exec: &mut Exec, alter: &Alter, task: &Task<'_>, column: &str, name: &Arc<str>) {
    make_not_null(exec, alter, task, &alter.table, column, Some(name));
    let mut parents = if alter.recurse { vec![alter.table.clone()] } else { Vec::new() };
    while let Some(parent) = parents.pop() {
        for child in exec.relation(&parent).children.clone() {
            alter.lock_child(exec, task, &child);
            if is_not_null(exec, &child, column) {
                exec.schema.edit(&child, |relation| {
                    relation.constraints.change(|it| is_not_null_of(it, column), |it| it.inherited = true);
                });
                continue;
            }
            make_not_null(exec, alter, task, &child, column, Some(name));
            parents.push(child);
        }
    }
}

fn make_not_null(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    table: &QName,
    column: &str,
    name: Option<&Arc<str>>,
) {
    if is_not_null(exec, table, column) {
        return;
    }
    if !is_proved_not_null(exec, table, column) {
        alter.scan(exec, task, table);
    }
    let name = name.cloned().unwrap_or_else(|| not_null_name(exec, table, column));
    set_not_null_mark(exec, table, column, name, *table != alter.table);
}

/// Marks a column NOT NULL and gives it the constraint that 18 keeps in pg_constraint.
pub(in crate::exec) fn set_not_null_mark(
    exec: &mut Exec,
    table: &QName,
    column: &str,
    name: Arc<str>,
    inherited: bool,
) {
    let constraint = Constraint {
        name,
        generated_name: true,
        kind: ConstraintKind::NotNull { column: column.into() },
        validated: true,
        enforced: true,
        deferrable: false,
        initially_deferred: false,
        no_inherit: false,
        inherited,
        local: !inherited,
        born: exec.born,
        comment: None,
    };
    exec.schema.edit(table, |relation| {
        relation.columns.change(|it| &*it.name == column, |it| it.not_null = true);
    });
    if not_null_constraint(&exec.relation(table), column).is_none() {
        exec.schema.add_constraint(table, constraint);
    }
}

/// The name that 18 gives: `users_email_not_null`.
pub(in crate::exec) fn not_null_name(exec: &Exec, table: &QName, column: &str) -> Arc<str> {
    names::choose_constraint_name(&exec.schema, table, &table.name, Some(column), "not_null", &[], || true).into()
}

pub(in crate::exec) fn not_null_constraint<'a>(relation: &'a Relation, column: &str) -> Option<&'a Constraint> {
    relation.constraints.iter().find(|it| is_not_null_of(it, column))
}

pub(super) fn is_not_null_of(constraint: &Constraint, column: &str) -> bool {
    matches!(&constraint.kind, ConstraintKind::NotNull { column: of } if &**of == column)
}

/// Whether the column is marked NOT NULL, valid or not (pg_attribute.attnotnull).
pub(super) fn is_not_null(exec: &Exec, table: &QName, column: &str) -> bool {
    exec.schema.relations.get(table).and_then(|it| it.column(column)).is_some_and(|it| it.not_null)
}

/// Whether valid CHECKs show that there is no NULL (NotNullImpliedByRelConstraints).
pub(super) fn is_proved_not_null(exec: &Exec, table: &QName, column: &str) -> bool {
    let relation = exec.relation(table);
    let goal = Condition::NotNull(column.to_owned());
    proof::implied(&valid_checks(&relation), &goal, &|_| proof::Order::Unknown)
}

/// What the valid CHECKs of a table say (ConstraintImpliedByRelConstraint).
pub(super) fn valid_checks(relation: &Relation) -> Vec<Condition> {
    let checks = relation.constraints.iter().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::Check { expr, .. } if constraint.validated => Some(proof::condition(expr)),
        _ => None,
    });
    checks.collect()
}

/// Whether existing constraints imply a partition's condition (PartConstraintImpliedByRelConstraint).
pub(super) fn is_implied(exec: &Exec, table: &QName, condition: &Condition) -> bool {
    let relation = exec.relation(table);
    let mut known = valid_checks(&relation);
    for column in relation.columns.iter().filter(|column| column.not_null) {
        if not_null_constraint(&relation, &column.name).is_none_or(|it| it.validated) {
            known.push(Condition::NotNull(column.name.to_string()));
        }
    }
    let order = |column: &str| {
        let ty = relation.column(column).map(|column| &column.ty);
        proof::order(match ty {
            Some(ColumnType::Known(ty)) => Some(ty),
            _ => None,
        })
    };
    proof::implied(&known, condition, &order)
}

/// Writers that leave the column out get an error from now on.
pub(super) fn needs_value(exec: &mut Exec, relation: &Relation, column: &str) {
    if let Some(it) = relation.column(column)
        && !it.not_null
        && it.default.is_none()
        && it.identity.is_none()
        && it.generated.is_none()
    {
        exec.breaks.push(Breaks::InsertNeedsColumn { relation: relation.name.clone(), column: column.to_owned() });
    }
}

/// ADD CONSTRAINT ... NOT NULL column, from 18 on.
pub(super) fn add_not_null(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    it: &ast::Constraint,
    column: &str,
) -> Result<(), Stop> {
    require_column(exec, task, &alter.table, column)?;
    let relation = exec.relation(&alter.table);
    if it.no_inherit && relation.kind == RelationKind::PartitionedTable {
        let message = "not-null constraints on partitioned tables cannot be NO INHERIT".to_owned();
        return exec.refuse("0A000", message, it.span);
    }
    // Descendants are locked whatever the constraint turns out to be (ATPrepCmd of 18).
    let tables = alter.with_descendants(exec, task);
    if let Some(existing) = not_null_constraint(&relation, column) {
        if !existing.validated && !it.not_valid {
            let message =
                format!("incompatible NOT VALID constraint \"{}\" on relation \"{}\"", existing.name, alter.table.name);
            return exec.refuse("55000", message, it.span);
        }
        // AdjustNotNullInheritance, pg_constraint.c.
        if let Some(name) = it.name.as_ref().filter(|name| names::clip(&name.text, 63) != &*existing.name) {
            let message = format!(
                "cannot create not-null constraint \"{}\" on column \"{column}\" of table \"{}\"",
                name.text, alter.table.name
            );
            return exec.refuse("55000", message, it.span);
        }
        return Ok(());
    }
    if relation.column(column).is_some_and(|it| it.not_null) {
        return Ok(());
    }
    let name: Arc<str> = match &it.name {
        Some(name) if relation.constraint(&name.text).is_some() => {
            let message = format!("constraint \"{}\" for relation \"{}\" already exists", name.text, alter.table.name);
            return exec.refuse("42710", message, it.span);
        }
        Some(name) => names::clip(&name.text, 63).into(),
        None => not_null_name(exec, &alter.table, column),
    };
    if !it.no_inherit && !alter.recurse && !relation.children.is_empty() {
        return exec.refuse("42P16", "constraint must be added to child tables too".to_owned(), it.span);
    }
    needs_value(exec, &relation, column);
    let tables = if it.no_inherit { vec![alter.table.clone()] } else { tables };
    for table in tables {
        if is_not_null(exec, &table, column) {
            continue;
        }
        if !it.not_valid && !is_proved_not_null(exec, &table, column) {
            alter.scan(exec, task, &table);
        }
        set_not_null_mark(exec, &table, column, name.clone(), table != alter.table);
        exec.schema.edit(&table, |relation| {
            let which = |it: &Constraint| it.name == name;
            relation.constraints.change(which, |constraint| {
                constraint.validated = !it.not_valid;
                constraint.no_inherit = it.no_inherit;
                constraint.generated_name = it.name.is_none();
            });
        });
    }
    Ok(())
}

/// ALTER COLUMN ... DROP NOT NULL (ATExecDropNotNull; until 17 with ATSimpleRecursion).
pub(super) fn drop_not_null(exec: &mut Exec, alter: &Alter, task: &Task<'_>, column: &str) -> Result<(), Stop> {
    require_column(exec, task, &alter.table, column)?;
    let relation = exec.relation(&alter.table);
    let partitioned = relation.kind == RelationKind::PartitionedTable;
    if partitioned && !alter.recurse && !relation.children.is_empty() && !exec.since(18) {
        let message = "cannot remove constraint from only the partitioned table when partitions exist".to_owned();
        return exec.refuse("42P16", message, task.span);
    }
    let since_18 = exec.since(18);
    let marked = relation.column(column).is_some_and(|it| it.not_null);
    // Since 18 a column that is nullable already is left alone before anything else is looked at.
    if !marked && since_18 && !relation.open {
        return Ok(());
    }
    refuse_drop_not_null(exec, &relation, column, task.span)?;
    if !since_18 {
        for table in alter.with_descendants(exec, task) {
            let relation = exec.relation(&table);
            refuse_drop_not_null(exec, &relation, column, task.span)?;
            drops::clear_not_null(exec, &table, column);
        }
        return Ok(());
    }
    drops::drop_not_null_constraint(exec, alter, task, column)
}

pub(super) fn refuse_drop_not_null(exec: &mut Exec, relation: &Relation, column: &str, span: Span) -> Result<(), Stop> {
    let name = &relation.name.name;
    if relation.column(column).is_some_and(|it| it.identity.is_some()) {
        let message = format!("column \"{column}\" of relation \"{name}\" is an identity column");
        return exec.refuse("42601", message, span);
    }
    let in_primary_key = relation.constraints.iter().any(
        |it| matches!(&it.kind, ConstraintKind::PrimaryKey { columns } if columns.iter().any(|key| &**key == column)),
    );
    if in_primary_key {
        return exec.refuse("42P16", format!("column \"{column}\" is in a primary key"), span);
    }
    if let Some((parent, _)) = &relation.partition_of
        && is_not_null(exec, parent, column)
    {
        return exec.refuse("42P16", format!("column \"{column}\" is marked NOT NULL in parent table"), span);
    }
    Ok(())
}
