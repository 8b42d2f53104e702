//! From the syntax of columns and index elements to what the schema keeps of them.

use syntax::ast::{self, Expr, ExprAt, TypeName};

use super::{Exec, Stop};
use crate::coercion::{self, Types};
use crate::expr::placeless;
use crate::name::QName;
use crate::schema::{Born, Column, ColumnType, Default, Generated, IndexColumn, Relation};

/// A column with its own constraints NOT NULL, DEFAULT, GENERATED and identity; the others stand beside it in the table.
pub(super) fn column(exec: &mut Exec, table: &QName, it: &ast::ColumnDef) -> Result<Column, Stop> {
    refuse_contradiction(exec, table, it)?;
    let ty = match &it.ty {
        Some(ty) => column_type(exec, ty)?,
        None => ColumnType::Unknown,
    };
    let mut column = Column {
        ty,
        collation: it.collation.as_ref().filter(|name| name.name != "default").map(|name| name.name.as_str().into()),
        not_null: it.ty.as_ref().is_some_and(|ty| coercion::serial(ty).is_some()),
        storage: it.storage.as_deref().map(Into::into),
        compression: it.compression.as_deref().map(Into::into),
        ..unknown_column(exec, crate::names::clip(&it.name.text, 63))
    };
    for constraint in &it.constraints {
        match &constraint.kind {
            ast::ConstraintKind::NotNull { .. } | ast::ConstraintKind::PrimaryKey(_) => column.not_null = true,
            ast::ConstraintKind::Identity { always, .. } => {
                super::alter_table::identity::refuse_type(exec, &column.ty, it.span)?;
                column.identity = Some(if *always { 'a' } else { 'd' });
                column.not_null = true;
            }
            ast::ConstraintKind::Default(at) => column.default = default(exec, at),
            ast::ConstraintKind::Generated { expression, stored } => {
                column.generated = Some(Generated {
                    expr: placeless(&expression.expr),
                    text: exec.source(expression.span),
                    stored: *stored,
                });
            }
            _ => {}
        }
    }
    let domain = |ty: &ColumnType| matches!(ty, ColumnType::Known(ty) if types(exec).domain(ty).is_some());
    if column.generated.as_ref().is_some_and(|it| !it.stored) && domain(&column.ty) {
        let message = format!("virtual generated column \"{}\" cannot have a domain type", column.name);
        return exec.refuse("0A000", message, it.span);
    }
    Ok(column)
}

/// What a column cannot be at once (transformColumnDefinition, parse_utilcmd.c).
fn refuse_contradiction(exec: &mut Exec, table: &QName, it: &ast::ColumnDef) -> Result<(), Stop> {
    let name = &it.name.text;
    let mut nullable: Option<bool> = None;
    let (mut defaults, mut identities, mut generated) = (0, 0, 0);
    for constraint in &it.constraints {
        let null = match &constraint.kind {
            ast::ConstraintKind::Null => Some(true),
            ast::ConstraintKind::NotNull { .. } => Some(false),
            _ => None,
        };
        if null.is_some() && nullable.is_some() && null != nullable {
            let message =
                format!("conflicting NULL/NOT NULL declarations for column \"{name}\" of table \"{}\"", table.name);
            return exec.refuse("42601", message, constraint.span);
        }
        nullable = nullable.or(null);
        let (count, many) = match &constraint.kind {
            ast::ConstraintKind::Default(_) => (&mut defaults, "multiple default values"),
            ast::ConstraintKind::Identity { .. } => (&mut identities, "multiple identity specifications"),
            ast::ConstraintKind::Generated { .. } => (&mut generated, "multiple generation clauses"),
            _ => continue,
        };
        *count += 1;
        if *count > 1 {
            let specified = if many == "multiple identity specifications" { "" } else { " specified" };
            let message = format!("{many}{specified} for column \"{name}\" of table \"{}\"", table.name);
            return exec.refuse("42601", message, constraint.span);
        }
    }
    let serial = it.ty.as_ref().is_some_and(|ty| coercion::serial(ty).is_some());
    let problem = match (defaults > 0 || serial, identities > 0, generated > 0) {
        (true, true, _) => "both default and identity",
        (true, _, true) => "both default and generation expression",
        (_, true, true) => "both identity and generation expression",
        _ => return Ok(()),
    };
    let message = format!("{problem} specified for column \"{name}\" of table \"{}\"", table.name);
    exec.refuse("42601", message, it.span)
}

/// DEFAULT NULL is no default (AddRelationNewConstraints, heap.c).
pub(super) fn default(exec: &Exec, at: &ExprAt) -> Option<Default> {
    (!is_null(&at.expr)).then(|| Default { expr: placeless(&at.expr), text: exec.source(at.span) })
}

pub(super) fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Null => true,
        Expr::Cast { operand, .. } => is_null(operand),
        _ => false,
    }
}

/// The type of a column, serial types as the integers they are.
pub(super) fn column_type(exec: &mut Exec, ty: &TypeName) -> Result<ColumnType, Stop> {
    if let Some(integer) = coercion::serial(ty) {
        return Ok(ColumnType::Known(TypeName {
            schema: None,
            name: integer.to_owned(),
            ..crate::expr::placeless_type(ty)
        }));
    }
    if ty.percent_type {
        return Ok(ColumnType::Unknown);
    }
    let resolved = types(exec).resolve(ty);
    let unheard_of =
        resolved.schema == ty.schema && !coercion::is_built_in(&resolved) && !types(exec).is_known(&resolved);
    if unheard_of && exec.knows_all_types() {
        let name = match &ty.schema {
            Some(schema) => format!("{schema}.{}", ty.name),
            None => ty.name.clone(),
        };
        return exec.refuse("42704", format!("type \"{name}\" does not exist"), ty.span);
    }
    Ok(ColumnType::Known(resolved))
}

pub(super) fn types(exec: &Exec) -> Types<'_> {
    Types { schema: &exec.schema, search_path: &exec.session.search_path }
}

pub(super) fn index_column(exec: &Exec, it: &ast::IndexElement) -> IndexColumn {
    IndexColumn {
        column: it.column.as_deref().map(Into::into),
        expression: it.expression.as_ref().map(placeless),
        text: exec.source(it.span),
        collation: it.collation.as_ref().map(|name| name.name.as_str().into()),
        operator_class: it.operator_class.as_ref().map(|name| name.name.as_str().into()),
        descending: it.descending,
        nulls_reordered: it.nulls_reordered,
    }
}

/// A plain ascending key on a column.
pub(super) fn key_column(column: &str) -> IndexColumn {
    IndexColumn {
        column: Some(column.into()),
        expression: None,
        text: column.into(),
        collation: None,
        operator_class: None,
        descending: false,
        nulls_reordered: false,
    }
}

/// Whether the relation certainly has no such column; every table has the system columns.
pub(super) fn lacks_column(exec: &Exec, relation: &Relation, column: &str) -> bool {
    const SYSTEM: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];
    relation.column(column).is_none()
        && !SYSTEM.contains(&column)
        && (!relation.open || exec.knows_where() && exec.schema.has_lost(&relation.name, column))
}

/// A relation of which only the name was known gets to know a column.
pub(super) fn ensure_column(exec: &mut Exec, table: &QName, column: &str) {
    let unknown = Column { born: Born::Before, ..unknown_column(exec, column) };
    let relation = exec.change(table);
    if relation.open && relation.column(column).is_none() {
        relation.columns.push(unknown);
    }
}

/// A column of which only the name is known.
pub(super) fn unknown_column(exec: &Exec, name: &str) -> Column {
    Column {
        name: name.into(),
        ty: ColumnType::Unknown,
        collation: None,
        not_null: false,
        default: None,
        identity: None,
        generated: None,
        storage: None,
        compression: None,
        statistics: None,
        options: Vec::new(),
        comment: None,
        born: exec.born,
        inherited: false,
        local: true,
    }
}
