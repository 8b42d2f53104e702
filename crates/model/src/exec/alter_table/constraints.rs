//! ADD, ALTER and VALIDATE CONSTRAINT; the constraints of added columns.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, AlterAction};

use super::foreign_keys::{self, NewForeignKey, Rows};
use super::{Alter, Task, checks};
use crate::effect::{FailsWhen, LockMode, Work};
use crate::exec::index::{Build, NewIndex, define_index};
use crate::exec::{Exec, Stop, define};
use crate::name::QName;
use crate::schema::{Constraint, ConstraintKind, Index, IndexColumn, Relation, RelationKind};

pub(super) fn add_constraint(
    exec: &mut Exec,
    alter: &mut Alter,
    task: &Task<'_>,
    it: &ast::Constraint,
) -> Result<(), Stop> {
    match &it.kind {
        ast::ConstraintKind::Check(at) => checks::alter_add_check(exec, alter, task, it, at),
        ast::ConstraintKind::NotNull { column: Some(column) } => {
            checks::add_not_null(exec, alter, task, it, &column.text)
        }
        ast::ConstraintKind::ForeignKey(key) => {
            let columns: Vec<Arc<str>> = key.columns.iter().map(|it| it.text.as_str().into()).collect();
            foreign_keys::alter_add(exec, alter, task, it, key, &columns, Rows::All)
        }
        ast::ConstraintKind::Unique(key) | ast::ConstraintKind::PrimaryKey(key) => match &key.using_index {
            Some(index) => use_index(exec, alter, task, it, &index.text),
            None => {
                let columns: Vec<Arc<str>> = key.columns.iter().map(|it| it.text.as_str().into()).collect();
                add_key(exec, alter, task, it, key, &columns)
            }
        },
        ast::ConstraintKind::Exclude(exclude) => {
            let partitioned = exec.relation(&alter.table).kind == RelationKind::PartitionedTable;
            if partitioned && !exec.since(17) {
                let message = "exclusion constraints are not supported on partitioned tables".to_owned();
                return exec.refuse("0A000", message, it.span);
            }
            lock_all(exec, alter, task);
            let new = new_exclusion(exec, &alter.table, it, exclude);
            make_index(exec, alter, task, NewIndex { only: !alter.recurse, ..new }, it.span)
        }
        _ => Ok(()),
    }
}

/// UNIQUE, PRIMARY KEY, CHECK and REFERENCES of an added column, each by itself.
pub(super) fn add_inline(
    exec: &mut Exec,
    alter: &mut Alter,
    task: &Task<'_>,
    column: &ast::ColumnDef,
    it: &ast::Constraint,
) -> Result<(), Stop> {
    let name: Arc<str> = crate::names::clip(&column.name.text, 63).into();
    // ADD COLUMN IF NOT EXISTS left a column alone that was there; its constraints are not added then.
    let relation = exec.relation(&alter.table);
    if relation.column(&name).is_none_or(|it| it.born != exec.born) && !relation.open {
        return Ok(());
    }
    match &it.kind {
        ast::ConstraintKind::Check(at) => checks::alter_add_check(exec, alter, task, it, at),
        ast::ConstraintKind::ForeignKey(key) => {
            // Without any DEFAULT the values are NULL, and nothing is checked (transformFKConstraints).
            let default = column.constraints.iter().find_map(|constraint| match &constraint.kind {
                ast::ConstraintKind::Default(at) => Some(define::is_null(&at.expr)),
                ast::ConstraintKind::Generated { .. } => Some(false),
                _ => None,
            });
            let serial = column.ty.as_ref().is_some_and(|ty| crate::coercion::serial(ty).is_some());
            let rows = match default {
                None if !serial => Rows::None,
                Some(true) => Rows::AllNull,
                _ => Rows::All,
            };
            foreign_keys::alter_add(exec, alter, task, it, key, &[name], rows)
        }
        ast::ConstraintKind::Unique(key) | ast::ConstraintKind::PrimaryKey(key) => {
            add_key(exec, alter, task, it, key, std::slice::from_ref(&name))?;
            refuse_repeated(exec, alter, it, &name);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// One value for all old rows is not unique. A column that is filled row by row, or with NULL, may be.
fn refuse_repeated(exec: &mut Exec, alter: &Alter, it: &ast::Constraint, column: &str) {
    let relation = exec.relation(&alter.table);
    let stored_once = relation.column(column).is_some_and(|it| it.default.is_some());
    let Some(index) = exec.schema.indexes_of(&alter.table).last() else { return };
    if stored_once && !relation.empty && !alter.is_rewritten(&alter.table) {
        let message = format!("could not create unique index \"{}\"", index.name.name);
        exec.fail("23505", message, FailsWhen::NotEmpty, it.span);
    }
}

/// Since 18 ADD CONSTRAINT locks all descendants before it starts (ATPrepCmd).
fn lock_all(exec: &mut Exec, alter: &Alter, task: &Task<'_>) {
    let has_children = !exec.relation(&alter.table).children.is_empty();
    if has_children && alter.recurse && exec.since(18) {
        alter.with_descendants(exec, task);
    }
}

/// UNIQUE and PRIMARY KEY by columns: an index is built under the lock of the table.
fn add_key(
    exec: &mut Exec,
    alter: &mut Alter,
    task: &Task<'_>,
    it: &ast::Constraint,
    key: &ast::UniqueKey,
    columns: &[Arc<str>],
) -> Result<(), Stop> {
    let inline = key.columns.is_empty();
    if !inline {
        lock_all(exec, alter, task);
    }
    if matches!(it.kind, ast::ConstraintKind::PrimaryKey(_)) {
        let relation = exec.relation(&alter.table);
        for column in columns {
            if define::lacks_column(exec, &relation, column) {
                let message = format!("column \"{column}\" of relation \"{}\" does not exist", alter.table.name);
                return exec.refuse("42703", message, it.span);
            }
        }
        make_keys_not_null(exec, alter, task, columns, it.span)?;
    }
    let new = new_key(&alter.table, it, key, columns, exec);
    make_index(exec, alter, task, NewIndex { only: !alter.recurse, ..new }, it.span)
}

fn make_index(exec: &mut Exec, alter: &Alter, task: &Task<'_>, new: NewIndex, span: Span) -> Result<(), Stop> {
    refuse_second_primary_key(exec, &new, span)?;
    let partitioned = exec.relation(&alter.table).kind == RelationKind::PartitionedTable;
    // DefineIndex locks partitions as CREATE INDEX does.
    let lock = if partitioned { LockMode::Share } else { task.lock };
    define_index(exec, new, Build { lock, work: !alter.is_rewritten(&alter.table), span })?;
    Ok(())
}

pub(in crate::exec) fn refuse_second_primary_key(exec: &mut Exec, new: &NewIndex, span: Span) -> Result<(), Stop> {
    let is_primary = |kind: &ConstraintKind| matches!(kind, ConstraintKind::PrimaryKey { .. });
    let relation = exec.relation(&new.table);
    if new.constraint.as_ref().is_some_and(|it| is_primary(&it.kind))
        && relation.constraints.iter().any(|it| is_primary(&it.kind))
    {
        let message = format!("multiple primary keys for table \"{}\" are not allowed", new.table.name);
        return exec.refuse("42P16", message, span);
    }
    Ok(())
}

/// The columns of a primary key become NOT NULL first. Until 17 by SET NOT NULL on every descendant, since 18 by a
/// constraint that must not be there as NOT VALID (ATPrepAddPrimaryKey).
fn make_keys_not_null(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    columns: &[Arc<str>],
    span: Span,
) -> Result<(), Stop> {
    for column in columns {
        let relation = exec.relation(&alter.table);
        if let Some(existing) = checks::not_null_constraint(&relation, column) {
            // SET NOT NULL is added for every column, and goes down (transformIndexConstraint, parse_utilcmd.c).
            if relation.kind == RelationKind::Table && !exec.since(18) && alter.recurse {
                alter.with_descendants(exec, task);
            }
            if !existing.validated && exec.since(18) {
                let message = format!(
                    "incompatible NOT VALID constraint \"{}\" on relation \"{}\"",
                    existing.name, alter.table.name
                );
                return exec.refuse("55000", message, span);
            }
            continue;
        }
        if checks::is_not_null(exec, &alter.table, column) {
            continue;
        }
        if exec.since(18) {
            if !alter.recurse {
                for child in relation.children.clone() {
                    if !checks::is_not_null(exec, &child, column) {
                        let message = format!("column \"{column}\" of table \"{}\" is not marked NOT NULL", child.name);
                        return exec.refuse("XX000", message, span);
                    }
                }
            }
            let name = checks::not_null_name(exec, &alter.table, column);
            checks::propagate_not_null(exec, alter, task, column, &name);
        } else {
            checks::set_not_null(exec, alter, task, column)?;
        }
    }
    Ok(())
}

/// The index of UNIQUE or PRIMARY KEY (transformIndexConstraint, parse_utilcmd.c).
pub(in crate::exec) fn new_key(
    table: &QName,
    it: &ast::Constraint,
    key: &ast::UniqueKey,
    columns: &[Arc<str>],
    exec: &Exec,
) -> NewIndex {
    let kind = match it.kind {
        ast::ConstraintKind::PrimaryKey(_) => ConstraintKind::PrimaryKey { columns: columns.to_vec() },
        _ => ConstraintKind::Unique { columns: columns.to_vec() },
    };
    NewIndex {
        table: table.clone(),
        name: it.name.as_ref().map(|name| name.text.clone()),
        unique: true,
        nulls_not_distinct: key.nulls_not_distinct,
        // WITHOUT OVERLAPS is an exclusion constraint in disguise.
        method: if key.without_overlaps { "gist" } else { "btree" }.into(),
        elements: columns.iter().map(|column| define::key_column(column)).collect(),
        including: key.including.iter().map(|it| it.text.as_str().into()).collect(),
        predicate: None,
        predicate_text: None,
        options: key.options.clone(),
        tablespace: key.tablespace.as_deref().map(Into::into),
        constraint: Some(constraint_of(exec, it, kind)),
        only: false,
        parent: None,
        maybe: false,
    }
}

pub(in crate::exec) fn new_exclusion(
    exec: &Exec,
    table: &QName,
    it: &ast::Constraint,
    exclude: &ast::Exclude,
) -> NewIndex {
    let elements: Vec<IndexColumn> =
        exclude.elements.iter().map(|(element, _)| define::index_column(exec, element)).collect();
    let columns = elements.iter().filter_map(|element| element.column.clone()).collect();
    let kind = ConstraintKind::Exclude { columns, text: exec.source(it.span) };
    NewIndex {
        table: table.clone(),
        name: it.name.as_ref().map(|name| name.text.clone()),
        unique: false,
        nulls_not_distinct: false,
        method: exclude.method.as_str().into(),
        elements,
        including: exclude.including.iter().map(|it| it.text.as_str().into()).collect(),
        predicate: exclude.predicate.as_ref().map(|at| crate::expr::placeless(&at.expr)),
        predicate_text: exclude.predicate.as_ref().map(|at| exec.source(at.span)),
        options: Vec::new(),
        tablespace: None,
        constraint: Some(constraint_of(exec, it, kind)),
        only: false,
        parent: None,
        maybe: false,
    }
}

fn constraint_of(exec: &Exec, it: &ast::Constraint, kind: ConstraintKind) -> Constraint {
    Constraint {
        name: it.name.as_ref().map_or("", |name| name.text.as_str()).into(),
        generated_name: it.name.is_none(),
        kind,
        validated: true,
        enforced: true,
        deferrable: it.deferrable,
        initially_deferred: it.initially_deferred,
        no_inherit: false,
        inherited: false,
        local: true,
        born: exec.born,
        comment: None,
    }
}

/// UNIQUE and PRIMARY KEY USING INDEX: no work but NOT NULL for a primary key (ATExecAddIndexConstraint; what makes an index
/// unfit is checked in transformIndexConstraint).
fn use_index(exec: &mut Exec, alter: &Alter, task: &Task<'_>, it: &ast::Constraint, name: &str) -> Result<(), Stop> {
    let table = &alter.table;
    let relation = exec.relation(table);
    let index = table.sibling(name);
    if relation.kind == RelationKind::PartitionedTable {
        let message = "ALTER TABLE / ADD CONSTRAINT USING INDEX is not supported on partitioned tables".to_owned();
        return exec.refuse("0A000", message, it.span);
    }
    lock_all(exec, alter, task);
    let Some(entry) = exec.schema.indexes.get(&index).cloned() else {
        if !relation.open {
            return exec.refuse("42704", format!("index \"{name}\" does not exist"), it.span);
        }
        return Ok(());
    };
    exec.lock(&index, LockMode::AccessShare);
    refuse_unfit(exec, &entry, &relation, it.span)?;
    let columns: Vec<Arc<str>> = entry.elements.iter().filter_map(|element| element.column.clone()).collect();
    let primary = matches!(it.kind, ast::ConstraintKind::PrimaryKey(_));
    if primary {
        if entry.nulls_not_distinct {
            let message = "primary keys cannot use NULLS NOT DISTINCT indexes".to_owned();
            return exec.refuse("42P16", message, it.span);
        }
        make_keys_not_null(exec, alter, task, &columns, it.span)?;
    }
    let kind = if primary { ConstraintKind::PrimaryKey { columns } } else { ConstraintKind::Unique { columns } };
    let mut constraint = constraint_of(exec, it, kind);
    let new_name = it.name.as_ref().map_or(name, |name| name.text.as_str());
    constraint.name = new_name.into();
    constraint.generated_name = false;
    let probe =
        NewIndex { constraint: Some(constraint.clone()), ..crate::exec::index::clone_index(exec, &entry, table) };
    refuse_second_primary_key(exec, &probe, it.span)?;
    if new_name != name {
        if exec.schema.has_class(&table.sibling(new_name)) {
            return exec.refuse("42P07", format!("relation \"{new_name}\" already exists"), it.span);
        }
        // RenameRelationInternal.
        exec.lock(&index, LockMode::ShareUpdateExclusive);
        exec.schema.rename_index(&index, new_name);
    }
    if relation.constraint(new_name).is_some() {
        let message = format!("constraint \"{new_name}\" for relation \"{}\" already exists", table.name);
        return exec.refuse("42710", message, it.span);
    }
    exec.schema.add_constraint(table, constraint);
    exec.schema.edit_index(&table.sibling(new_name), |index| index.constraint = Some(new_name.into()));
    Ok(())
}

fn refuse_unfit(exec: &mut Exec, index: &Index, relation: &Relation, span: Span) -> Result<(), Stop> {
    let name = &index.name.name;
    if index.constraint.is_some() {
        return exec.refuse("55000", format!("index \"{name}\" is already associated with a constraint"), span);
    }
    if index.table != relation.name {
        let message = format!("index \"{name}\" does not belong to table \"{}\"", relation.name.name);
        return exec.refuse("55000", message, span);
    }
    if !index.valid {
        return exec.refuse("55000", format!("index \"{name}\" is not valid"), span);
    }
    if !index.unique {
        return exec.refuse("42809", format!("\"{name}\" is not a unique index"), span);
    }
    if index.elements.iter().any(|element| element.expression.is_some()) {
        return exec.refuse("42809", format!("index \"{name}\" contains expressions"), span);
    }
    if index.predicate.is_some() {
        return exec.refuse("42809", format!("\"{name}\" is a partial index"), span);
    }
    let unusual = |element: &IndexColumn| {
        let own_collation =
            element.column.as_ref().and_then(|it| relation.column(it)).and_then(|it| it.collation.clone());
        element.descending
            || element.nulls_reordered
            || element.operator_class.is_some()
            || element.collation.as_ref().is_some_and(|it| Some(it) != own_collation.as_ref())
    };
    if let Some(at) = index.elements.iter().position(unusual) {
        let message = format!("index \"{name}\" column number {} does not have default sorting behavior", at + 1);
        return exec.refuse("42809", message, span);
    }
    Ok(())
}

/// VALIDATE CONSTRAINT: one scan under SHARE UPDATE EXCLUSIVE (ATExecValidateConstraint).
pub(super) fn validate(exec: &mut Exec, alter: &Alter, task: &Task<'_>, name: &str) -> Result<(), Stop> {
    let relation = exec.relation(&alter.table);
    let found = relation
        .constraint(name)
        .filter(|it| !matches!(it.kind, ConstraintKind::NotNull { .. }) || exec.since(18))
        .cloned();
    let Some(constraint) = found else {
        if relation.open {
            // Whatever it is, rows of the table are read.
            exec.work(&alter.table, task.lock, Work::Scan);
            return Ok(());
        }
        let message = format!("constraint \"{name}\" of relation \"{}\" does not exist", alter.table.name);
        return exec.refuse("42704", message, task.span);
    };
    if matches!(
        constraint.kind,
        ConstraintKind::Unique { .. } | ConstraintKind::PrimaryKey { .. } | ConstraintKind::Exclude { .. }
    ) {
        let message = if exec.since(18) {
            format!("cannot validate constraint \"{name}\" of relation \"{}\"", alter.table.name)
        } else {
            let table = &alter.table.name;
            format!("constraint \"{name}\" of relation \"{table}\" is not a foreign key or check constraint")
        };
        return exec.refuse("42809", message, task.span);
    }
    if !constraint.enforced {
        return exec.refuse("55000", "cannot validate NOT ENFORCED constraint".to_owned(), task.span);
    }
    if constraint.validated {
        return Ok(());
    }
    if let ConstraintKind::ForeignKey { .. } = constraint.kind {
        return foreign_keys::validate(exec, alter, task, &constraint);
    }
    if !constraint.no_inherit {
        for child in exec.schema.descendants(&alter.table) {
            alter.lock_child(exec, task, &child);
            if !alter.recurse {
                let message = "constraint must be validated on child tables too".to_owned();
                return exec.refuse("42P16", message, task.span);
            }
            // NOT NULL is found by its column, whatever its name there.
            let own = exec.relation(&child).constraints.iter().find(|it| same_object(it, &constraint)).cloned();
            if own.is_some_and(|it| !it.validated) {
                alter.scan(exec, task, &child);
                mark_validated(exec, &child, &constraint);
            }
        }
    }
    alter.scan(exec, task, &alter.table);
    mark_validated(exec, &alter.table, &constraint);
    Ok(())
}

fn same_object(own: &Constraint, parent: &Constraint) -> bool {
    match (&own.kind, &parent.kind) {
        (ConstraintKind::NotNull { column: own }, ConstraintKind::NotNull { column: parent }) => own == parent,
        _ => own.name == parent.name,
    }
}

pub(super) fn mark_validated(exec: &mut Exec, table: &QName, constraint: &Constraint) {
    exec.schema.edit(table, |relation| {
        relation.constraints.change(|own| same_object(own, constraint), |own| own.validated = true);
    });
}

/// ALTER CONSTRAINT: deferrability touches the child only, enforceability makes or drops triggers on both sides
/// (ATExecAlterConstraint).
pub(super) fn alter_constraint(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    action: &AlterAction,
) -> Result<(), Stop> {
    let AlterAction::AlterConstraint { name, deferrable, initially_deferred, enforced, no_inherit } = action else {
        return Ok(());
    };
    let relation = exec.relation(&alter.table);
    let table = &alter.table.name;
    if relation.kind == RelationKind::PartitionedTable && !alter.recurse && exec.since(18) {
        return exec.refuse("42P16", "constraint must be altered in child tables too".to_owned(), task.span);
    }
    if no_inherit.is_some() && !exec.since(18) {
        return exec.refuse("0A000", "FOREIGN KEY constraints cannot be marked NO INHERIT".to_owned(), task.span);
    }
    let found = relation
        .constraint(&name.text)
        .filter(|it| !matches!(it.kind, ConstraintKind::NotNull { .. }) || exec.since(18))
        .cloned();
    let Some(constraint) = found else {
        if relation.open {
            return Ok(());
        }
        let message = format!("constraint \"{}\" of relation \"{table}\" does not exist", name.text);
        return exec.refuse("42704", message, task.span);
    };
    let is_foreign_key = matches!(constraint.kind, ConstraintKind::ForeignKey { .. });
    let wrong = if (deferrable.is_some() || initially_deferred.is_some()) && !is_foreign_key {
        Some(format!("constraint \"{}\" of relation \"{table}\" is not a foreign key constraint", name.text))
    } else if enforced.is_some() && !is_foreign_key {
        Some(format!("cannot alter enforceability of constraint \"{}\" of relation \"{table}\"", name.text))
    } else if no_inherit.is_some() && !matches!(constraint.kind, ConstraintKind::NotNull { .. }) {
        Some(format!("constraint \"{}\" of relation \"{table}\" is not a not-null constraint", name.text))
    } else {
        None
    };
    if let Some(message) = wrong {
        return exec.refuse("42809", message, task.span);
    }
    if is_foreign_key && constraint.inherited {
        let message = format!("cannot alter constraint \"{}\" on relation \"{table}\"", name.text);
        let sqlstate = if exec.since(18) { "55000" } else { "XX000" };
        return exec.refuse(sqlstate, message, task.span);
    }
    let mut tables = vec![alter.table.clone()];
    if is_foreign_key && relation.kind == RelationKind::PartitionedTable {
        for partition in exec.schema.descendants(&alter.table) {
            alter.lock_child(exec, task, &partition);
            tables.push(partition);
        }
    }
    match enforced {
        Some(enforced) if *enforced != constraint.enforced => {
            foreign_keys::set_enforced(exec, task, &constraint, *enforced, &tables);
        }
        _ => {}
    }
    if let Some(no_inherit) = no_inherit
        && constraint.no_inherit != *no_inherit
    {
        for child in relation.children.clone() {
            alter.lock_child(exec, task, &child);
            if let ConstraintKind::NotNull { column } = &constraint.kind
                && !no_inherit
                && !checks::is_not_null(exec, &child, column)
            {
                if !checks::is_proved_not_null(exec, &child, column) {
                    alter.scan(exec, task, &child);
                }
                checks::set_not_null_mark(exec, &child, column, constraint.name.clone(), true);
            }
        }
    }
    for table in tables {
        exec.schema.edit(&table, |relation| {
            let which = |own: &Constraint| own.name == constraint.name;
            relation.constraints.change(which, |own| {
                own.deferrable = deferrable.unwrap_or(own.deferrable);
                own.initially_deferred = initially_deferred.unwrap_or(own.initially_deferred);
                own.no_inherit = no_inherit.unwrap_or(own.no_inherit);
                if let Some(enforced) = enforced {
                    own.enforced = *enforced;
                    own.validated = *enforced;
                }
            });
        });
    }
    Ok(())
}

/// A foreign key of CREATE TABLE: the table has no rows.
pub(in crate::exec) fn fresh_foreign_key<'a>(
    it: &'a ast::Constraint,
    key: &'a ast::ForeignKey,
    columns: &'a [Arc<str>],
) -> NewForeignKey<'a> {
    NewForeignKey { it, key, columns, fresh: true, lock: LockMode::ShareRowExclusive }
}
