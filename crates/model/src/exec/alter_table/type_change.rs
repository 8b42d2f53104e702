//! ALTER COLUMN ... TYPE: whether the table is rewritten, and what happens to everything that names the column.

use std::sync::Arc;

use syntax::ast::{self, ExprAt, Ident, TypeName};

use super::{Alter, Task, columns, drops, foreign_keys, identity, require_column};
use crate::coercion::{self, Change, Path};
use crate::effect::{Breaks, FailsWhen, LockMode, Work};
use crate::exec::dependents::index_uses;
use crate::exec::expression::{self, Place};
use crate::exec::{Exec, Stop, define};
use crate::expr::reads_column;
use crate::name::QName;
use crate::schema::{Column, ColumnType, Constraint, ConstraintKind, Index, Relation, RelationKind};

/// What can be refused before any subcommand has run (ATPrepAlterColumnType).
pub(super) fn prepare(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    column: &Ident,
    ty: &TypeName,
    using: Option<&ExprAt>,
) -> Result<(), Stop> {
    let table = &alter.table;
    let column = column.text.as_str();
    require_column(exec, task, table, column)?;
    let relation = exec.relation(table);
    if relation.of_type.is_some() {
        return exec.refuse("42809", "cannot alter column type of typed table".to_owned(), task.span);
    }
    let Some(it) = relation.column(column) else { return Ok(()) };
    if it.generated.is_some() && using.is_some() {
        let message = "cannot specify USING when altering type of generated column".to_owned();
        return exec.refuse("42611", message, task.span);
    }
    if it.inherited {
        return exec.refuse("42P16", format!("cannot alter inherited column \"{column}\""), task.span);
    }
    let in_key = |key: &crate::schema::PartitionKey| key.columns.iter().flatten().any(|it| &**it == column);
    if relation.partition_by.as_ref().is_some_and(in_key) {
        let message = format!(
            "cannot alter column \"{column}\" because it is part of the partition key of relation \"{}\"",
            table.name
        );
        return exec.refuse("42P16", message, task.span);
    }
    if !alter.recurse && !relation.children.is_empty() {
        let message = format!("type of inherited column \"{column}\" must be changed in child tables too");
        return exec.refuse("42P16", message, task.span);
    }
    if let Some(at) = using {
        expression::check(exec, &relation, &at.expr, Place::Transform, task.span)?;
    }
    let ColumnType::Known(new) = define::column_type(exec, ty)? else { return Ok(()) };
    let change = change(exec, it, &new, using);
    if change.path == Path::Impossible {
        let target = coercion::describe(&new);
        let message = match using {
            Some(_) => {
                format!("result of USING clause for column \"{column}\" cannot be cast automatically to type {target}")
            }
            None => format!("column \"{column}\" cannot be cast automatically to type {target}"),
        };
        return exec.refuse("42804", message, task.span);
    }
    Ok(())
}

fn change(exec: &Exec, column: &Column, new: &TypeName, using: Option<&ExprAt>) -> Change {
    match &column.ty {
        ColumnType::Known(old) => define::types(exec).change(old, new, &column.name, using.map(|at| &at.expr)),
        // The old type is not known: the dangerous side.
        ColumnType::Unknown => Change { path: Path::Work, other_operators: true },
    }
}

/// The change itself, on the table and everything below it.
pub(super) fn alter_type(
    exec: &mut Exec,
    alter: &mut Alter,
    task: &Task<'_>,
    column: &Ident,
    ty: &TypeName,
    collation: Option<&ast::Name>,
    using: Option<&ExprAt>,
) -> Result<(), Stop> {
    let name = column.text.as_str();
    if alter.retyped.iter().any(|it| it == name) {
        return exec.refuse("0A000", format!("cannot alter type of column \"{name}\" twice"), task.span);
    }
    let collation: Option<Arc<str>> = collation.filter(|it| it.name != "default").map(|it| it.name.as_str().into());
    for table in alter.with_descendants(exec, task) {
        let relation = exec.relation(&table);
        let Some(old) = relation.column(name).cloned() else { continue };
        let new = define::column_type(exec, ty)?;
        let change = match &new {
            ColumnType::Known(new) => change(exec, &old, new, using),
            ColumnType::Unknown => Change { path: Path::Work, other_operators: true },
        };
        let rewrites = match change.path {
            Path::Free => false,
            Path::TimeZone => !is_utc(exec),
            Path::Work | Path::Impossible => true,
        };
        let is_virtual = old.generated.as_ref().is_some_and(|it| !it.stored);
        refuse_dependents(exec, task, &relation, &old)?;
        refuse_default(exec, task, &old, &new)?;
        if relation.kind != RelationKind::PartitionedTable {
            columns::refuse_row_type_use(exec, task, &relation)?;
        }
        if rewrites && !is_virtual {
            alter.rewrite(exec, task, &table);
        }
        if using.is_none() {
            refuse_bit_length(exec, task, &relation, &old.ty, &new);
        }
        let dependents = Dependents {
            operators: change.other_operators,
            collation: old.collation != collation,
            rewrites,
            array: matches!(&new, ColumnType::Known(it) if it.array),
        };
        remake(exec, alter, task, &table, name, &dependents);
        change_identity_sequence(exec, task, &table, &old, &new)?;
        let named = |it: &Column| &*it.name == name;
        exec.schema.edit(&table, |relation| {
            relation.columns.change(named, |it| {
                if it.ty != new && table == alter.table {
                    alter.retyped.push(name.to_owned());
                }
                it.ty = new.clone();
                it.collation = collation.clone();
                it.compression = None;
            });
        });
        if let Some(it) = exec.relation(&table).column(name).cloned() {
            exec.schema.note_column(&table, &it);
        }
        refuse_foreign_keys(exec, task, &table, name)?;
    }
    // The same type again changes no result.
    if alter.retyped.iter().any(|it| it == name) {
        exec.breaks.push(Breaks::CachedPlans { relation: alter.table.clone() });
    }
    Ok(())
}

/// A bit string of another length is an error, not a cast (bit, varbit.c).
fn refuse_bit_length(exec: &mut Exec, task: &Task<'_>, relation: &Relation, old: &ColumnType, new: &ColumnType) {
    let (ColumnType::Known(old), ColumnType::Known(new)) = (old, new) else { return };
    if let ("bit", "bit", [old], [new]) = (&*old.name, &*new.name, &*old.modifiers, &*new.modifiers)
        && old != new
        && !relation.empty
    {
        let message = format!("bit string length {old} does not match type bit({new})");
        exec.fail("22026", message, FailsWhen::NotEmpty, task.span);
    }
}

/// TimestampTimestampTzRequiresRewrite, timestamp.c: the zone has never had another offset than zero.
fn is_utc(exec: &Exec) -> bool {
    const ZERO: [&str; 8] = ["utc", "gmt", "uct", "zulu", "universal", "greenwich", "gmt0", "gmt+0"];
    exec.session.time_zone.as_deref().is_some_and(|zone| {
        let zone = zone.to_ascii_lowercase();
        ZERO.contains(&zone.strip_prefix("etc/").unwrap_or(&zone))
    })
}

struct Dependents {
    /// The default operator class changes, and with it the equality operator of foreign keys.
    operators: bool,
    collation: bool,
    rewrites: bool,
    array: bool,
}

/// Constraints and indexes that name the column are dropped and made again (RememberAllDependentForRebuilding,
/// ATPostAlterTypeCleanup).
fn remake(exec: &mut Exec, alter: &Alter, task: &Task<'_>, table: &QName, column: &str, dependents: &Dependents) {
    let indexes: Vec<Index> =
        exec.schema.indexes_of(table).filter(|index| index_uses(index, column)).cloned().collect();
    for index in indexes {
        exec.lock(&index.name, LockMode::AccessExclusive);
        if !dependents.rewrites && index.kind == RelationKind::Index && !survives(&index, column, dependents) {
            exec.work(table, task.lock, Work::Build);
            exec.work(&index.name, LockMode::AccessExclusive, Work::Build);
        }
    }
    for constraint in exec.relation(table).constraints.clone() {
        match &constraint.kind {
            ConstraintKind::Check { expr, .. } if reads_column(expr, column) && constraint.validated => {
                alter.scan(exec, task, table);
            }
            ConstraintKind::ForeignKey { columns, referenced, .. } if columns.iter().any(|it| &**it == column) => {
                remake_foreign_key(exec, task, table, referenced, &constraint, dependents);
            }
            _ => {}
        }
    }
    for (referencing, constraint) in exec.schema.foreign_keys_to(table) {
        if let ConstraintKind::ForeignKey { referenced_columns, .. } = &constraint.kind
            && referenced_columns.iter().any(|it| &**it == column)
            && referencing != *table
        {
            remake_foreign_key(exec, task, &referencing, table, &constraint, dependents);
        }
    }
}

/// CheckIndexCompatible, indexcmds.c: an index with an expression or a predicate is always built again, another one when a
/// key column gets another operator class or collation.
fn survives(index: &Index, column: &str, dependents: &Dependents) -> bool {
    let plain = index.predicate.is_none() && index.elements.iter().all(|it| it.expression.is_none());
    let key = index.elements.iter().find(|it| it.column.as_deref() == Some(column));
    // A class or collation that is written out stays.
    let kept = key.is_none_or(|key| {
        (!dependents.operators || key.operator_class.is_some()) && (!dependents.collation || key.collation.is_some())
    });
    // The class of arrays is polymorphic and a GIN index stores their elements, which are of another type than the column.
    let elements = key.is_some() && &*index.method == "gin" && dependents.array;
    plain && kept && index.valid && !elements
}

/// The keys that are made again must still compare.
fn refuse_foreign_keys(exec: &mut Exec, task: &Task<'_>, table: &QName, column: &str) -> Result<(), Stop> {
    let relation = exec.relation(table);
    let own = relation.constraints.iter().map(|constraint| (table.clone(), constraint.clone()));
    let keys: Vec<(QName, Constraint)> = own.chain(exec.schema.foreign_keys_to(table)).collect();
    for (referencing, constraint) in keys {
        let ConstraintKind::ForeignKey { columns, referenced, referenced_columns, .. } = &constraint.kind else {
            continue;
        };
        if columns.iter().chain(referenced_columns).any(|it| &**it == column) {
            let (from, to) = (exec.relation(&referencing), exec.relation(referenced));
            let name = &constraint.name;
            foreign_keys::refuse_types(exec, &from, &to, columns, referenced_columns, name, task.span)?;
        }
    }
    Ok(())
}

/// Both tables are locked for dropping and adding the key; its rows are checked again when a side is rewritten or compares
/// differently (TryReuseForeignKey).
fn remake_foreign_key(
    exec: &mut Exec,
    task: &Task<'_>,
    referencing: &QName,
    referenced: &QName,
    constraint: &Constraint,
    dependents: &Dependents,
) {
    exec.lock(referencing, LockMode::AccessExclusive);
    exec.lock(referenced, LockMode::AccessExclusive);
    let has_rows = exec.relation(referencing).kind != RelationKind::PartitionedTable;
    if (dependents.rewrites || dependents.operators) && constraint.validated && has_rows {
        foreign_keys::check_rows(exec, referencing, task.lock, referenced, LockMode::AccessExclusive);
    }
}

/// SET EXPRESSION makes the same things again; the table is rewritten, which builds the indexes.
pub(super) fn relock_dependents(exec: &mut Exec, task: &Task<'_>, table: &QName, column: &str) {
    let indexes: Vec<QName> = exec
        .schema
        .indexes_of(table)
        .filter(|index| index_uses(index, column))
        .map(|index| index.name.clone())
        .collect();
    for index in indexes {
        exec.lock(&index, LockMode::AccessExclusive);
    }
    for constraint in exec.relation(table).constraints.clone() {
        if let ConstraintKind::Check { expr, .. } = &constraint.kind
            && reads_column(expr, column)
            && constraint.validated
        {
            exec.work(table, task.lock, Work::Scan);
        }
    }
}

/// What PostgreSQL cannot make again keeps the type from changing.
fn refuse_dependents(exec: &mut Exec, task: &Task<'_>, relation: &Relation, column: &Column) -> Result<(), Stop> {
    let table = &relation.name;
    let name = &*column.name;
    let reads = |reads: &[(QName, Option<Arc<str>>)]| {
        reads.iter().any(|(read, part)| read == table && part.as_deref() == Some(name))
    };
    let views = exec.schema.views_of(table);
    let what = if views.iter().any(|view| reads(&exec.schema.relations[view].reads)) {
        "used by a view or rule"
    } else if relation.triggers.iter().any(|it| it.columns.iter().any(|of| &**of == name)) {
        "used in a trigger definition"
    } else if relation.policies.iter().any(|it| it.columns.iter().any(|of| &**of == name)) {
        "used in a policy definition"
    } else if exec.schema.publications.values().any(|it| drops::filters_on(it, table, name)) && exec.since(15) {
        "used by a publication WHERE clause"
    } else if exec.schema.functions.values().any(|overloads| overloads.iter().any(|it| reads(&it.reads))) {
        "used by a function or procedure"
    } else if relation.columns.iter().any(|it| drops::generated_from(it, name)) {
        let sqlstate = if exec.since(15) { "0A000" } else { "42601" };
        let message = "cannot alter type of a column used by a generated column".to_owned();
        return exec.refuse(sqlstate, message, task.span);
    } else {
        return Ok(());
    };
    exec.refuse("0A000", format!("cannot alter type of a column {what}"), task.span)
}

/// The default must be castable too, by assignment.
fn refuse_default(exec: &mut Exec, task: &Task<'_>, column: &Column, new: &ColumnType) -> Result<(), Stop> {
    let (ColumnType::Known(old), ColumnType::Known(new)) = (&column.ty, new) else { return Ok(()) };
    let Some(default) = &column.default else { return Ok(()) };
    let types = define::types(exec);
    let from = match &default.expr {
        ast::Expr::String(_) => old.clone(),
        ast::Expr::Bool(_) => coercion::plain("bool"),
        ast::Expr::Number(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => coercion::plain("int4"),
        ast::Expr::Number(_) => coercion::plain("numeric"),
        ast::Expr::Cast { ty, .. } => types.resolve(ty),
        ast::Expr::Call { name, .. } if name.name == "nextval" => coercion::plain("int8"),
        ast::Expr::Call { name, .. } if name.name == "now" => coercion::plain("timestamptz"),
        _ => return Ok(()),
    };
    if types.coerce(&from, new, false) != Path::Impossible {
        return Ok(());
    }
    let target = coercion::describe(new);
    let message = format!("default for column \"{}\" cannot be cast automatically to type {target}", column.name);
    exec.refuse("42804", message, task.span)
}

/// The sequence of an identity column follows the type; a serial's does not (transformAlterTableStmt).
fn change_identity_sequence(
    exec: &mut Exec,
    task: &Task<'_>,
    table: &QName,
    column: &Column,
    ty: &ColumnType,
) -> Result<(), Stop> {
    let ColumnType::Known(new) = ty else { return Ok(()) };
    if column.identity.is_none() || exec.relation(table).partition_of.is_some() {
        return Ok(());
    }
    identity::refuse_type(exec, ty, task.span)?;
    for (sequence, _) in exec.schema.sequences_of(table).iter().filter(|(_, of)| *of == column.name) {
        exec.lock(sequence, LockMode::ShareRowExclusive);
        exec.schema.edit(sequence, |it| it.sequence_type = Some(coercion::describe(new).as_str().into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    #[test]
    fn domains_have_no_modifiers_and_gin_indexes_keep_elements() {
        let before = "CREATE DOMAIN d20 AS varchar(20); CREATE DOMAIN other AS varchar(20); CREATE TABLE t (a d20, b int[], c varchar(20)); CREATE INDEX i ON t USING gin (b)";
        let sql = "
ALTER TABLE t ALTER a TYPE other; ALTER TABLE t ALTER a TYPE varchar(20); ALTER TABLE t ALTER a TYPE text; ALTER TABLE t ALTER c TYPE d20; ALTER TABLE t ALTER b TYPE int[]";
        expect![[r#"
            ALTER TABLE t ALTER a TYPE other
                i ACCESS EXCLUSIVE+build, t ACCESS EXCLUSIVE+rewrite, t ACCESS EXCLUSIVE+build | blocks t:RW
            ALTER TABLE t ALTER a TYPE varchar(20)
                i ACCESS EXCLUSIVE+build, t ACCESS EXCLUSIVE+rewrite, t ACCESS EXCLUSIVE+build | blocks t:RW
            ALTER TABLE t ALTER a TYPE text
                t ACCESS EXCLUSIVE | blocks t:RW
            ALTER TABLE t ALTER c TYPE d20
                t ACCESS EXCLUSIVE | blocks t:RW
            ALTER TABLE t ALTER b TYPE int[]
                i ACCESS EXCLUSIVE+build, t ACCESS EXCLUSIVE+build | blocks t:RW
        "#]]
        .assert_eq(&effects(before, sql));
    }
}
