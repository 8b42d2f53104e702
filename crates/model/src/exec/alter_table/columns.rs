//! ADD COLUMN and what ALTER COLUMN changes beside type and NOT NULL.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, AlterAction, Expr, ExprAt};

use super::{Alter, Task, checks, identity, require_column};
use crate::effect::{Breaks, FailsWhen, LockMode};
use crate::exec::expression::{self, Place};
use crate::exec::{Exec, Stop, define};
use crate::name::QName;
use crate::names;
use crate::schema::{Column, ColumnType, Generated, Relation, RelationKind, TypeKind};
use crate::volatility;

/// What becomes of the old rows when a column is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    /// NULL, or a value that is stored once in pg_attribute.
    Nothing,
    /// Computed per row: the table is rewritten.
    Rewrite,
}

/// ATExecAddColumn, on the table and, since children get every column, on everything below it.
pub(super) fn add_column(
    exec: &mut Exec,
    alter: &mut Alter,
    task: &Task<'_>,
    it: &ast::ColumnDef,
    if_not_exists: bool,
) -> Result<(), Stop> {
    let table = alter.table.clone();
    let relation = exec.relation(&table);
    let name = names::clip(&it.name.text, 63);
    if relation.of_type.is_some() {
        return exec.refuse("42809", "cannot add column to typed table".to_owned(), task.span);
    }
    if relation.partition_of.is_some() {
        return exec.refuse("42809", "cannot add column to a partition".to_owned(), task.span);
    }
    if relation.column(name).is_some() {
        if if_not_exists {
            alter.skipped.push(it.name.span);
            return Ok(());
        }
        let message = format!("column \"{name}\" of relation \"{}\" already exists", table.name);
        return exec.refuse("42701", message, task.span);
    }
    if const { &["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"] }.contains(&name) {
        return exec.refuse("42701", format!("column name \"{name}\" conflicts with a system column name"), task.span);
    }
    let mut column = define::column(exec, &table, it)?;
    if let Some(default) = column.default.clone() {
        expression::check(exec, &relation, &default.expr, Place::Default, it.span)?;
        refuse_value(exec, &column.ty, &default.expr, it.span)?;
    }
    if let Some(generated) = column.generated.clone() {
        let mut with_itself = (*relation).clone();
        with_itself.columns.push(column.clone());
        expression::check(exec, &with_itself, &generated.expr, Place::Generation, it.span)?;
    }
    refuse_identity(exec, alter, task, &column, &relation)?;
    if !alter.recurse && !relation.children.is_empty() {
        return exec.refuse("42P16", "column must be added to child tables too".to_owned(), task.span);
    }
    refuse_row_type(exec, task, &relation, &column)?;
    identity::add_sequence(exec, &table, it, &mut column);
    let fill = fill(exec, &column);
    let draws = column.default.as_ref().map(|default| volatility::sequences(&default.expr)).unwrap_or_default();
    let not_null_name = column.not_null.then(|| checks::not_null_name(exec, &table, name));
    let mut open = vec![(table.clone(), false)];
    while let Some((at, inherited)) = open.pop() {
        let relation = exec.relation(&at);
        if inherited {
            alter.lock_child(exec, task, &at);
            if let Some(own) = relation.column(name) {
                merge_column(exec, task, &at, own, &column)?;
                continue;
            }
        }
        let own = Column { inherited, local: !inherited, ..column.clone() };
        exec.schema.note_column(&at, &own);
        exec.change(&at).columns.push(own);
        if fill == Fill::Rewrite {
            alter.rewrite(exec, task, &at);
            // A row that is filled draws from the sequence.
            for sequence in draws.iter().filter(|_| !relation.empty) {
                let sequence = exec.resolve(sequence);
                if exec.relation(&sequence).owned_by.as_ref().is_none_or(|(owner, of)| *owner != table || **of != *name)
                {
                    exec.lock(&sequence, LockMode::RowExclusive);
                }
            }
        }
        check_filled(exec, alter, task, &at, &column, fill);
        if let Some(not_null_name) = &not_null_name {
            checks::set_not_null_mark(exec, &at, name, not_null_name.clone(), inherited);
        }
        open.extend(exec.relation(&at).children.iter().rev().cloned().map(|child| (child, true)));
    }
    if column.not_null && column.default.is_none() && column.identity.is_none() && column.generated.is_none() {
        exec.breaks.push(Breaks::InsertNeedsColumn { relation: table, column: name.to_owned() });
    }
    Ok(())
}

/// Identity is for partitions only, and only since 17 (ATExecAddColumn).
fn refuse_identity(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    column: &Column,
    relation: &Relation,
) -> Result<(), Stop> {
    if column.identity.is_none() || !alter.recurse || relation.children.is_empty() {
        return Ok(());
    }
    if relation.kind == RelationKind::PartitionedTable && exec.since(17) {
        return Ok(());
    }
    let message = "cannot recursively add identity column to table that has child tables".to_owned();
    exec.refuse("42P16", message, task.span)
}

/// A column with a default changes the row type, which other tables may have as a column type
/// (find_composite_type_dependencies).
pub(super) fn refuse_row_type(
    exec: &mut Exec,
    task: &Task<'_>,
    relation: &Relation,
    column: &Column,
) -> Result<(), Stop> {
    let filled = column.default.is_some() || column.identity.is_some() || column.generated.is_some();
    if filled || fill(exec, column) == Fill::Rewrite {
        return refuse_row_type_use(exec, task, relation);
    }
    Ok(())
}

pub(super) fn refuse_row_type_use(exec: &mut Exec, task: &Task<'_>, relation: &Relation) -> Result<(), Stop> {
    let Some((holder, column)) = row_type_use(exec, &relation.name) else { return Ok(()) };
    let message = format!(
        "cannot alter table \"{}\" because column \"{}.{column}\" uses its row type",
        relation.name.name, holder.name
    );
    exec.refuse("0A000", message, task.span)
}

/// A column with storage that has a row type, by itself or in an array.
pub(super) fn row_type_use(exec: &Exec, name: &QName) -> Option<(QName, Arc<str>)> {
    let uses = |it: &&Column| match &it.ty {
        ColumnType::Known(ty) => ty.name == *name.name && ty.schema.as_deref() == Some(&name.schema),
        ColumnType::Unknown => false,
    };
    exec.schema.dependents_of(name).into_iter().find_map(|dependent| {
        let holder = exec.schema.relations.get(&dependent)?;
        let stored = matches!(
            holder.kind,
            RelationKind::Table | RelationKind::MaterializedView | RelationKind::PartitionedTable
        );
        let column = holder.columns.iter().filter(|_| stored).find(uses)?;
        Some((dependent, column.name.clone()))
    })
}

/// Whether a rewrite is needed: a stored generated column, a constrained domain, a volatile default. Anything else is stored
/// as the column's missing value, or is NULL.
fn fill(exec: &Exec, column: &Column) -> Fill {
    let search_path = &exec.session.search_path;
    let types = define::types(exec);
    if let Some(generated) = &column.generated {
        return if generated.stored { Fill::Rewrite } else { Fill::Nothing };
    }
    let (constrained, domain_default) = match &column.ty {
        ColumnType::Known(ty) => {
            (types.domain(ty).is_some_and(|(_, constrained)| constrained), types.domain_default(ty))
        }
        ColumnType::Unknown => (false, None),
    };
    let default = column.default.as_ref().map(|it| &it.expr).or(domain_default);
    let volatile = default.is_some_and(|it| volatility::is_volatile(it, &exec.schema, search_path));
    if constrained || column.identity.is_some() || volatile { Fill::Rewrite } else { Fill::Nothing }
}

/// NOT NULL is checked on the old rows unless a stored value says that none is NULL (has_missing).
fn check_filled(exec: &mut Exec, alter: &Alter, task: &Task<'_>, table: &QName, column: &Column, fill: Fill) {
    let relation = exec.relation(table);
    if relation.kind == RelationKind::PartitionedTable || relation.empty {
        return;
    }
    let ty = match &column.ty {
        ColumnType::Known(ty) => Some(ty),
        ColumnType::Unknown => None,
    };
    let types = define::types(exec);
    let has_default = column.default.is_some() || ty.is_some_and(|ty| types.domain_default(ty).is_some());
    let not_null_domain = ty.filter(|ty| forbids_null(exec, ty)).map(|ty| ty.name.clone());
    if column.generated.is_some() {
        // A virtual column is computed for every row to see whether it is NULL.
        if column.not_null && fill == Fill::Nothing {
            alter.scan(exec, task, table);
        }
        return;
    }
    if has_default || column.identity.is_some() {
        return;
    }
    if column.not_null {
        let message = format!("column \"{}\" of relation \"{}\" contains null values", column.name, table.name);
        exec.fail("23502", message, FailsWhen::NotEmpty, task.span);
    } else if let Some(domain) = not_null_domain {
        exec.fail("23502", format!("domain {domain} does not allow null values"), FailsWhen::NotEmpty, task.span);
    }
}

fn forbids_null(exec: &Exec, ty: &ast::TypeName) -> bool {
    let types = define::types(exec);
    match types.kind(ty) {
        // The NULL of a new column is an array without elements to check (domain_check_input, domains.c).
        Some(_) if ty.array => false,
        Some(TypeKind::Domain { not_null, base, .. }) => *not_null || forbids_null(exec, &types.resolve(base)),
        _ => false,
    }
}

/// A child that has the column already keeps it, as the parent's too.
fn merge_column(exec: &mut Exec, task: &Task<'_>, child: &QName, own: &Column, column: &Column) -> Result<(), Stop> {
    if let (ColumnType::Known(own), ColumnType::Known(new)) = (&own.ty, &column.ty)
        && own != new
    {
        let message = format!("child table \"{}\" has different type for column \"{}\"", child.name, column.name);
        return exec.refuse("42804", message, task.span);
    }
    exec.schema.edit(child, |relation| {
        relation.columns.change(|it| it.name == column.name, |it| it.inherited = true);
    });
    Ok(())
}

/// ALTER COLUMN ... SET DEFAULT and DROP DEFAULT (ATExecColumnDefault, with ATSimpleRecursion).
pub(super) fn set_default(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    column: &str,
    default: Option<&ExprAt>,
) -> Result<(), Stop> {
    for table in alter.with_descendants(exec, task) {
        require_column(exec, task, &table, column)?;
        let relation = exec.relation(&table);
        let Some(it) = relation.column(column) else { continue };
        let kind = match (it.identity.is_some(), it.generated.is_some()) {
            (true, _) => Some("an identity column"),
            (_, true) => Some("a generated column"),
            _ => None,
        };
        if let Some(kind) = kind {
            let message = format!("column \"{column}\" of relation \"{}\" is {kind}", table.name);
            return exec.refuse("42601", message, task.span);
        }
        if let Some(default) = default {
            expression::check(exec, &relation, &default.expr, Place::Default, task.span)?;
            refuse_value(exec, &it.ty, &default.expr, task.span)?;
        }
        let new = default.and_then(|at| define::default(exec, at));
        if new.is_none() && it.default.is_some() && it.not_null && table == alter.table {
            exec.breaks.push(Breaks::InsertNeedsColumn { relation: table.clone(), column: column.to_owned() });
        }
        edit_column(exec, &table, column, |it| it.default = new.clone());
        // The default depends on the sequence that it names (recordDependencyOnExpr, StoreAttrDefault, pg_attrdef.c).
        if let Some(it) = exec.relation(&table).column(column) {
            exec.schema.note_column(&table, it);
        }
    }
    Ok(())
}

/// Values of a fixed length are never moved out nor compressed (GetAttributeStorage, GetAttributeCompression, tablecmds.c).
fn refuse_toast(
    exec: &mut Exec,
    task: &Task<'_>,
    table: &QName,
    column: &str,
    action: &AlterAction,
) -> Result<(), Stop> {
    const FIXED: [&str; 16] = [
        "bool",
        "date",
        "float4",
        "float8",
        "int2",
        "int4",
        "int8",
        "interval",
        "money",
        "name",
        "oid",
        "time",
        "timestamp",
        "timestamptz",
        "timetz",
        "uuid",
    ];
    let relation = exec.relation(table);
    let ty = relation.column(column).map(|column| &column.ty);
    let Some(ColumnType::Known(ty)) = ty.filter(|ty| matches!(ty, ColumnType::Known(ty) if !ty.array)) else {
        return Ok(());
    };
    if !FIXED.contains(&ty.name.as_str()) {
        return Ok(());
    }
    let message = match action {
        AlterAction::SetStorage { storage, .. } if !matches!(storage.as_str(), "plain" | "default") => {
            format!("column data type {} can only have storage PLAIN", ty.name)
        }
        AlterAction::SetCompression { compression, .. } if compression != "default" => {
            format!("column data type {} does not support compression", ty.name)
        }
        _ => return Ok(()),
    };
    exec.refuse("0A000", message, task.span)
}

/// A literal that is none of the values of an enum (enum_in, enum.c).
pub(in crate::exec) fn refuse_value(exec: &mut Exec, ty: &ColumnType, value: &Expr, span: Span) -> Result<(), Stop> {
    let (ColumnType::Known(ty), Expr::String(value)) = (ty, value) else { return Ok(()) };
    let name = QName::new(ty.schema.as_deref().unwrap_or("public"), &ty.name);
    match exec.schema.types.get(&name).map(|it| &it.kind) {
        Some(TypeKind::Enum { values }) if !ty.array && !values.iter().any(|it| **it == **value) => {
            let message = format!("invalid input value for enum {}: \"{value}\"", ty.name);
            exec.refuse("22P02", message, span)
        }
        _ => Ok(()),
    }
}

pub(super) fn edit_column(exec: &mut Exec, table: &QName, column: &str, change: impl FnMut(&mut Column)) {
    exec.schema.edit(table, |relation| relation.columns.change(|it| &*it.name == column, change));
}

/// ATExecSetExpression: a stored column is computed again for every row.
pub(super) fn set_expression(
    exec: &mut Exec,
    alter: &mut Alter,
    task: &Task<'_>,
    column: &str,
    at: &ExprAt,
) -> Result<(), Stop> {
    for table in alter.with_descendants(exec, task) {
        require_column(exec, task, &table, column)?;
        let relation = exec.relation(&table);
        let generated = relation.column(column).and_then(|it| it.generated.clone());
        let Some(generated) = generated else {
            if relation.open {
                alter.rewrite(exec, task, &table);
                continue;
            }
            let message = format!("column \"{column}\" of relation \"{}\" is not a generated column", table.name);
            return exec.refuse("55000", message, task.span);
        };
        expression::check(exec, &relation, &at.expr, Place::Generation, task.span)?;
        if generated.stored {
            refuse_row_type_use(exec, task, &relation)?;
            super::type_change::relock_dependents(exec, task, &table, column);
            alter.rewrite(exec, task, &table);
        } else {
            let has_check =
                |it: &crate::schema::Constraint| matches!(it.kind, crate::schema::ConstraintKind::Check { .. });
            if relation.constraints.iter().any(has_check) {
                let message = "ALTER TABLE / SET EXPRESSION is not supported for virtual generated columns on tables with check constraints";
                return exec.refuse("0A000", message.to_owned(), task.span);
            }
            if relation.column(column).is_some_and(|it| it.not_null) {
                alter.scan(exec, task, &table);
            }
        }
        let new =
            Generated { expr: crate::expr::placeless(&at.expr), text: exec.source(at.span), stored: generated.stored };
        edit_column(exec, &table, column, |it| it.generated = Some(new.clone()));
    }
    Ok(())
}

/// ATExecDropExpression: the values stay where they are.
pub(super) fn drop_expression(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    column: &str,
    if_exists: bool,
) -> Result<(), Stop> {
    let relation = exec.relation(&alter.table);
    if !alter.recurse && !relation.children.is_empty() {
        let message = "ALTER TABLE / DROP EXPRESSION must be applied to child tables too".to_owned();
        return exec.refuse("0A000", message, task.span);
    }
    if relation.column(column).is_some_and(|it| it.inherited) {
        return exec.refuse("42P16", "cannot drop generation expression from inherited column".to_owned(), task.span);
    }
    for table in alter.with_descendants(exec, task) {
        require_column(exec, task, &table, column)?;
        let relation = exec.relation(&table);
        match relation.column(column).and_then(|it| it.generated.as_ref()) {
            Some(generated) if !generated.stored => {
                let message = "ALTER TABLE / DROP EXPRESSION is not supported for virtual generated columns".to_owned();
                return exec.refuse("0A000", message, task.span);
            }
            None if !if_exists && !relation.open => {
                let message = if exec.since(18) {
                    format!("column \"{column}\" of relation \"{}\" is not a generated column", table.name)
                } else {
                    format!("column \"{column}\" of relation \"{}\" is not a stored generated column", table.name)
                };
                return exec.refuse("55000", message, task.span);
            }
            _ => edit_column(exec, &table, column, |it| it.generated = None),
        }
    }
    Ok(())
}

/// Statistics, options, storage, compression: the catalog row of a column. Statistics and storage go to children, too.
pub(super) fn set_attribute(exec: &mut Exec, alter: &Alter, task: &Task<'_>, action: &AlterAction) -> Result<(), Stop> {
    let column = match action {
        AlterAction::SetStatistics { column } => column.as_ref(),
        AlterAction::SetColumnOptions { column, .. }
        | AlterAction::ResetColumnOptions { column, .. }
        | AlterAction::SetStorage { column, .. }
        | AlterAction::SetCompression { column, .. } => Some(column),
        _ => None,
    };
    let Some(column) = column else { return Ok(()) };
    let recurses = matches!(action, AlterAction::SetStatistics { .. } | AlterAction::SetStorage { .. });
    let tables = if recurses { alter.with_descendants(exec, task) } else { vec![alter.table.clone()] };
    for table in tables {
        require_column(exec, task, &table, &column.text)?;
        refuse_toast(exec, task, &table, &column.text, action)?;
        edit_column(exec, &table, &column.text, |it| match action {
            AlterAction::SetColumnOptions { options, .. } => {
                it.options.retain(|option| options.iter().all(|new| new.name != option.name));
                it.options.extend(options.iter().cloned());
            }
            AlterAction::ResetColumnOptions { options, .. } => {
                it.options.retain(|option| options.iter().all(|reset| reset.name != option.name));
            }
            _ => {}
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    #[test]
    fn domains_and_names_of_not_null() {
        let before = "CREATE DOMAIN d AS int NOT NULL; CREATE TABLE t (id int, e text NOT NULL)";
        let sql = "ALTER TABLE t ADD a d[]; ALTER TABLE t ADD b d; ALTER TABLE t ADD CONSTRAINT nn NOT NULL e; ALTER TABLE t ADD CONSTRAINT t_e_not_null NOT NULL e";
        expect![[r#"
            ALTER TABLE t ADD a d[]
                t ACCESS EXCLUSIVE | blocks t:RW
            ALTER TABLE t ADD b d
                t ACCESS EXCLUSIVE+rewrite | blocks t:RW | 23502 unless empty: domain d does not allow null values
            ALTER TABLE t ADD CONSTRAINT nn NOT NULL e
                t ACCESS EXCLUSIVE | blocks t:RW | 55000: cannot create not-null constraint "nn" on column "e" of table "t" (18-18)
            ALTER TABLE t ADD CONSTRAINT t_e_not_null NOT NULL e
                t ACCESS EXCLUSIVE | blocks t:RW
        "#]].assert_eq(&effects(before, sql));
    }
}
