//! ALTER TABLE: locks, passes over the subcommands, and what phase 3 does to the tables (tablecmds.c).
//!
//! The lock is the strongest that any subcommand asks for, and all subcommands run under it. They run in passes, so that
//! drops come before type changes and those before additions, whatever the order they are written in. At the end each table
//! is rewritten once or scanned once. An operation records what its subcommand alone would take.

use std::collections::BTreeMap;

use syntax::Span;
use syntax::ast::Persistence::{Permanent, Unlogged};
use syntax::ast::{self, AlterAction, ConstraintKind, ObjectKind};

use super::reach::written;
use super::{Exec, Stop};
use crate::effect::{LockMode, OperationKind, Work};
use crate::name::QName;
use crate::schema::{Relation, RelationKind};

pub(super) mod checks;
pub(super) mod columns;
mod composite;
pub(super) mod constraints;
pub(super) mod drops;
pub(super) mod foreign_keys;
pub(super) mod identity;
mod indexes;
pub(super) mod locks;
mod options;
pub(super) mod partitions;
mod type_change;

/// One ALTER TABLE while it runs.
#[derive(Debug)]
struct Alter {
    table: QName,
    /// The lock of the whole statement.
    lock: LockMode,
    /// Without ONLY.
    recurse: bool,
    /// Operations that rewrite a table.
    rewrites: BTreeMap<QName, Vec<Rewrite>>,
    /// Columns whose type has been changed.
    retyped: Vec<String>,
    /// Columns of ADD COLUMN IF NOT EXISTS that are there already, each by the place of its name.
    skipped: Vec<Span>,
}

#[derive(Debug)]
struct Rewrite {
    operation: usize,
    lock: LockMode,
}

/// One step of a subcommand: the subcommand itself, or an inline constraint of the column it adds.
#[derive(Clone, Copy, Debug)]
struct Task<'a> {
    pass: Pass,
    operation: usize,
    /// What the subcommand alone would lock.
    lock: LockMode,
    span: Span,
    what: What<'a>,
}

#[derive(Clone, Copy, Debug)]
enum What<'a> {
    Action(&'a AlterAction),
    /// An inline constraint of an added column.
    Inline {
        column: &'a ast::ColumnDef,
        constraint: &'a ast::Constraint,
    },
}

/// AlterTablePass, tablecmds.c. Passes that only make again what a type change dropped are part of that change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pass {
    Drop,
    AlterType,
    AddColumn,
    SetExpression,
    ColumnAttributes,
    IndexConstraint,
    Index,
    OtherConstraint,
    Misc,
}

pub(super) fn alter_table(exec: &mut Exec, it: &ast::AlterTable, span: Span) {
    // What refuses the statement is recorded.
    let _ = try_alter_table(exec, it, span);
}

fn try_alter_table(exec: &mut Exec, it: &ast::AlterTable, span: Span) -> Result<(), Stop> {
    let table = exec.resolve(&it.relation.name);
    let mut tasks = plan(exec, it, &table);
    if exec.is_missing(&table) && !is_composite(exec, &table) {
        if it.if_exists {
            return Ok(());
        }
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(&it.relation.name)), span);
    }
    // ALTER TYPE ... ATTRIBUTE of an enum or a domain looks for a relation.
    let other_type = exec.schema.types.contains_key(&table) && !is_composite(exec, &table);
    if it.object == ObjectKind::Type && other_type && !exec.schema.has_class(&table) {
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(&it.relation.name)), span);
    }
    let unknown = !exec.schema.has_class(&table) && !is_composite(exec, &table);
    let outside = exec.conditional;
    exec.conditional |= unknown && it.if_exists;
    let result = run(exec, it, table, &mut tasks, span);
    exec.conditional = outside;
    result
}

fn run(exec: &mut Exec, it: &ast::AlterTable, table: QName, tasks: &mut Vec<Task<'_>>, span: Span) -> Result<(), Stop> {
    if exec.schema.indexes.contains_key(&table) || (it.object == ObjectKind::Index && !exec.schema.has_class(&table)) {
        return indexes::alter_index(exec, &table, tasks);
    }
    if is_composite(exec, &table) {
        return composite::alter_composite(exec, it, &table, tasks);
    }
    let relation = exec.relation(&table);
    check_object(exec, it, &relation, span)?;
    let lock = tasks.iter().map(|task| task.lock).max().unwrap_or(LockMode::ShareUpdateExclusive);
    let mut alter = Alter::new(table.clone(), lock, !it.relation.only);
    exec.lock_for_statement(&table, lock);
    exec.change(&table);
    for task in &*tasks {
        exec.resume(task.operation);
        exec.lock(&table, task.lock);
        check_kind(exec, task, &relation)?;
    }
    refuse_repeated(exec, tasks, &relation)?;
    tasks.sort_by_key(|task| task.pass);
    // Type changes are prepared against the columns as they are before anything runs.
    for task in &*tasks {
        if let What::Action(AlterAction::AlterType { column, ty, using, .. }) = task.what {
            exec.resume(task.operation);
            type_change::prepare(exec, &alter, task, column, ty, using.as_ref())?;
        }
    }
    for task in &*tasks {
        exec.resume(task.operation);
        execute(exec, &mut alter, task)?;
    }
    finish(exec, &alter);
    Ok(())
}

/// One operation per subcommand and per inline constraint, in the order in which they are written.
fn plan<'a>(exec: &mut Exec, it: &'a ast::AlterTable, table: &QName) -> Vec<Task<'a>> {
    let mut tasks = Vec::new();
    for (at, subcommand) in it.subcommands.iter().enumerate() {
        let action = &subcommand.action;
        let lock = locks::level(action);
        let mut add = |exec: &mut Exec, kind, span, constraint, what, pass, lock| {
            let operation = exec.operation(kind, span, Some(table));
            operation.subcommand = Some(at);
            operation.constraint = constraint;
            let operation = exec.operations.len() - 1;
            tasks.push(Task { pass, operation, lock, span, what });
        };
        let whole = What::Action(action);
        add(exec, locks::kind(action), subcommand.span, None, whole, locks::pass(action), lock);
        let AlterAction::AddColumn { column, .. } = action else { continue };
        for (index, constraint) in column.constraints.iter().enumerate() {
            let Some((kind, pass, lock)) = inline(&constraint.kind) else { continue };
            let what = What::Inline { column, constraint };
            add(exec, kind, constraint.span, Some(index), what, pass, lock);
        }
    }
    tasks
}

/// Inline constraints that are scheduled by themselves (ATParseTransformCmd, tablecmds.c).
fn inline(kind: &ConstraintKind) -> Option<(OperationKind, Pass, LockMode)> {
    match kind {
        ConstraintKind::Check(_) => Some((OperationKind::AddCheck, Pass::OtherConstraint, LockMode::AccessExclusive)),
        ConstraintKind::Unique(_) => Some((OperationKind::AddUnique, Pass::Index, LockMode::AccessExclusive)),
        ConstraintKind::PrimaryKey(_) => Some((OperationKind::AddPrimaryKey, Pass::Index, LockMode::AccessExclusive)),
        ConstraintKind::ForeignKey(_) => {
            Some((OperationKind::AddForeignKey, Pass::OtherConstraint, LockMode::ShareRowExclusive))
        }
        _ => None,
    }
}

fn execute(exec: &mut Exec, alter: &mut Alter, task: &Task<'_>) -> Result<(), Stop> {
    let action = match task.what {
        What::Action(action) => action,
        // A column that is there already is skipped with all that is said of it (ATExecAddColumn, tablecmds.c).
        What::Inline { column, .. } if alter.skipped.contains(&column.name.span) => return Ok(()),
        What::Inline { column, constraint } => return constraints::add_inline(exec, alter, task, column, constraint),
    };
    match action {
        AlterAction::AddColumn { column, if_not_exists } => {
            columns::add_column(exec, alter, task, column, *if_not_exists)
        }
        AlterAction::DropColumn { column, if_exists, cascade } => {
            drops::drop_column(exec, alter, task, &column.text, *if_exists, *cascade)
        }
        AlterAction::SetDefault { column, default } => {
            columns::set_default(exec, alter, task, &column.text, Some(default))
        }
        AlterAction::DropDefault { column } => columns::set_default(exec, alter, task, &column.text, None),
        AlterAction::SetNotNull { column } => checks::set_not_null(exec, alter, task, &column.text),
        AlterAction::DropNotNull { column } => checks::drop_not_null(exec, alter, task, &column.text),
        AlterAction::AlterType { column, ty, collation, using } => {
            type_change::alter_type(exec, alter, task, column, ty, collation.as_ref(), using.as_ref())
        }
        AlterAction::SetExpression { column, expression } => {
            columns::set_expression(exec, alter, task, &column.text, expression)
        }
        AlterAction::DropExpression { column, if_exists } => {
            columns::drop_expression(exec, alter, task, &column.text, *if_exists)
        }
        AlterAction::AddIdentity { column, always, options } => {
            identity::add_identity(exec, alter, task, &column.text, *always, options)
        }
        AlterAction::SetIdentity { column, options } => {
            identity::set_identity(exec, alter, task, &column.text, options)
        }
        AlterAction::DropIdentity { column, if_exists } => {
            identity::drop_identity(exec, alter, task, &column.text, *if_exists)
        }
        AlterAction::SetStatistics { .. }
        | AlterAction::SetColumnOptions { .. }
        | AlterAction::ResetColumnOptions { .. }
        | AlterAction::SetStorage { .. }
        | AlterAction::SetCompression { .. } => columns::set_attribute(exec, alter, task, action),
        AlterAction::AddConstraint(constraint) => constraints::add_constraint(exec, alter, task, constraint),
        AlterAction::AlterConstraint { .. } => constraints::alter_constraint(exec, alter, task, action),
        AlterAction::ValidateConstraint { name } => constraints::validate(exec, alter, task, &name.text),
        AlterAction::DropConstraint { name, if_exists, cascade } => {
            drops::drop_constraint(exec, alter, task, &name.text, *if_exists, *cascade)
        }
        AlterAction::AttachPartition { partition, bound } => {
            partitions::attach(exec, alter, task, partition, bound.as_ref())
        }
        AlterAction::DetachPartition { partition, concurrently, finalize } => {
            partitions::detach(exec, alter, task, partition, *concurrently, *finalize)
        }
        _ => options::execute(exec, alter, task, action),
    }
}

/// Phase 3 for tables that are rewritten: all rows are copied, and every index is built on the copy (ATRewriteTables).
fn finish(exec: &mut Exec, alter: &Alter) {
    for (table, rewrites) in &alter.rewrites {
        let indexes: Vec<QName> = exec.schema.indexes_of(table).map(|index| index.name.clone()).collect();
        for rewrite in rewrites {
            exec.resume(rewrite.operation);
            exec.work(table, rewrite.lock, Work::Rewrite);
            for index in &indexes {
                exec.work(index, LockMode::AccessExclusive, Work::Build);
            }
            if !indexes.is_empty() {
                exec.work(table, rewrite.lock, Work::Build);
            }
        }
    }
}

impl Alter {
    fn new(table: QName, lock: LockMode, recurse: bool) -> Self {
        Self { table, lock, recurse, rewrites: BTreeMap::new(), retyped: Vec::new(), skipped: Vec::new() }
    }

    /// The table, and with recursion everything below it, locked as find_all_inheritors does.
    fn with_descendants(&self, exec: &mut Exec, task: &Task<'_>) -> Vec<QName> {
        let mut tables = vec![self.table.clone()];
        if self.recurse {
            for table in exec.schema.descendants(&self.table) {
                self.lock_child(exec, task, &table);
                tables.push(table);
            }
        }
        tables
    }

    /// A partition or child is locked like the table of the statement.
    fn lock_child(&self, exec: &mut Exec, task: &Task<'_>, table: &QName) {
        exec.lock(table, task.lock);
        exec.lock_for_statement(table, self.lock);
    }

    /// Every row is read to check a constraint; what has no storage is left out (ATRewriteTables, tablecmds.c).
    fn scan(&self, exec: &mut Exec, task: &Task<'_>, table: &QName) {
        if !matches!(exec.relation(table).kind, RelationKind::PartitionedTable | RelationKind::ForeignTable) {
            exec.work(table, task.lock, Work::Scan);
        }
    }

    fn rewrite(&mut self, exec: &mut Exec, task: &Task<'_>, table: &QName) {
        if exec.relation(table).kind == RelationKind::PartitionedTable {
            return;
        }
        let rewrite = Rewrite { operation: task.operation, lock: task.lock };
        self.rewrites.entry(table.clone()).or_default().push(rewrite);
    }

    fn is_rewritten(&self, table: &QName) -> bool {
        self.rewrites.contains_key(table)
    }
}

/// What one statement can change only once (ATPrepCmd, ATPrepSetTableSpace, tablecmds.c).
fn refuse_repeated(exec: &mut Exec, tasks: &[Task<'_>], relation: &Relation) -> Result<(), Stop> {
    let (mut persistence, mut tablespace, mut method) = (false, false, false);
    for task in tasks {
        let What::Action(action) = task.what else { continue };
        let (seen, message) = match action {
            AlterAction::SetLogged | AlterAction::SetUnlogged => {
                // What asks for the present persistence is not counted.
                let to = if matches!(action, AlterAction::SetLogged) { Permanent } else { Unlogged };
                if !persistence && relation.persistence == to {
                    continue;
                }
                (&mut persistence, "cannot change persistence setting twice")
            }
            AlterAction::SetTablespace { .. } => (&mut tablespace, "cannot have multiple SET TABLESPACE subcommands"),
            // One that the table has already does not count (ATPrepSetAccessMethod).
            AlterAction::SetAccessMethod { method: wanted }
                if wanted.as_deref().unwrap_or("heap") == relation.access_method.as_deref().unwrap_or("heap") =>
            {
                continue;
            }
            AlterAction::SetAccessMethod { .. } => (&mut method, "cannot have multiple SET ACCESS METHOD subcommands"),
            _ => continue,
        };
        if std::mem::replace(seen, true) {
            exec.resume(task.operation);
            let code = if matches!(action, AlterAction::SetTablespace { .. }) { "42601" } else { "0A000" };
            return exec.refuse(code, message.to_owned(), task.span);
        }
    }
    Ok(())
}

/// A column that the statement names must exist; one of an open relation is taken for existing.
fn require_column(exec: &mut Exec, task: &Task<'_>, table: &QName, column: &str) -> Result<(), Stop> {
    let relation = exec.relation(table);
    if super::define::lacks_column(exec, &relation, column) {
        let message = format!("column \"{column}\" of relation \"{}\" does not exist", table.name);
        return exec.refuse("42703", message, task.span);
    }
    super::define::ensure_column(exec, table, column);
    Ok(())
}

fn is_composite(exec: &Exec, name: &QName) -> bool {
    let ty = exec.schema.types.get(name);
    ty.is_some_and(|it| matches!(it.kind, crate::schema::TypeKind::Composite { .. }))
}

/// ALTER VIEW, SEQUENCE, ... on something else (RangeVarCallbackForAlterRelation, tablecmds.c).
fn check_object(exec: &mut Exec, it: &ast::AlterTable, relation: &Relation, span: Span) -> Result<(), Stop> {
    if relation.open {
        return Ok(());
    }
    let name = &relation.name.name;
    let (fits, what) = match it.object {
        ObjectKind::View => (relation.kind == RelationKind::View, "a view"),
        ObjectKind::MaterializedView => (relation.kind == RelationKind::MaterializedView, "a materialized view"),
        ObjectKind::Sequence => (relation.kind == RelationKind::Sequence, "a sequence"),
        ObjectKind::ForeignTable => (relation.kind == RelationKind::ForeignTable, "a foreign table"),
        ObjectKind::Index => (false, "an index"),
        ObjectKind::Type => (false, "a composite type"),
        _ => return Ok(()),
    };
    if fits {
        return Ok(());
    }
    exec.refuse("42809", format!("\"{name}\" is not {what}"), span)
}

/// ATSimplePermissions, tablecmds.c; before 15 it said what the relation is not.
fn check_kind(exec: &mut Exec, task: &Task<'_>, relation: &Relation) -> Result<(), Stop> {
    let What::Action(action) = task.what else { return Ok(()) };
    let persistence = matches!(action, AlterAction::SetLogged | AlterAction::SetUnlogged);
    let allowed = match relation.kind {
        _ if relation.open => true,
        // Sequences have had a persistence of their own since 15; 18 says that partitioned tables have none.
        RelationKind::Sequence if persistence => exec.since(15),
        RelationKind::PartitionedTable if persistence => !exec.since(18),
        kind => locks::allows(action, kind),
    };
    // transformTableConstraint, parse_utilcmd.c.
    if relation.kind == RelationKind::ForeignTable
        && let AlterAction::AddConstraint(constraint) = action
    {
        let what = match constraint.kind {
            ConstraintKind::PrimaryKey(_) => Some("primary key"),
            ConstraintKind::Unique(_) => Some("unique"),
            ConstraintKind::Exclude(_) => Some("exclusion"),
            ConstraintKind::ForeignKey(_) => Some("foreign key"),
            _ => None,
        };
        if let Some(what) = what {
            let message = format!("{what} constraints are not supported on foreign tables");
            return exec.refuse("0A000", message, task.span);
        }
    }
    if allowed {
        return Ok(());
    }
    let name = &relation.name.name;
    let message = if exec.since(15) {
        format!("ALTER action {} cannot be performed on relation \"{name}\"", locks::words(action))
    } else {
        format!("\"{name}\" is {}", locks::wrong_kind(action))
    };
    exec.refuse("42809", message, task.span)
}
