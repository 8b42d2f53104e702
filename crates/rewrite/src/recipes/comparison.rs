//! Whether a row already has the value that an UPDATE would give it, as SQL.

use model::expr::{children, columns};
use model::schema::{Column, ColumnType, Relation};
use syntax::ast::{Expr, TypeName};

/// What tells a row that is done from one that is not.
pub(super) enum Comparison {
    /// `column IS DISTINCT FROM value`.
    Sql(String),
    /// The value is another one each time, or its type has no equality.
    Impossible,
}

/// Functions of one argument that change nothing when they are applied again.
const IDEMPOTENT: [&str; 9] = ["abs", "btrim", "ceil", "floor", "initcap", "lower", "ltrim", "rtrim", "upper"];

/// Types whose `=` compares the values themselves, or nearly so. json, xml and the geometric types have none or another one.
const COMPARABLE: [&str; 21] = [
    "bool",
    "bpchar",
    "bytea",
    "cidr",
    "date",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int8",
    "jsonb",
    "macaddr",
    "numeric",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "uuid",
    "varchar",
];

/// Refuses values that depend on what the statement itself changes: a second run would change them again. The column is
/// written with `qualifier` before it.
pub(super) fn of(
    table: &Relation,
    qualifier: &str,
    column: &str,
    assigned: &[&str],
    value: &Expr,
    volatile: bool,
    written: &str,
) -> Result<Comparison, String> {
    if contains_query(value) {
        return Err("its values depend on other queries; change one range of the primary key after the other by hand, each in a transaction of its own".to_owned());
    }
    let reads_assigned = columns(value).iter().any(|read| *read == "*" || assigned.contains(read));
    if reads_assigned && !is_idempotent(value, column) {
        return Err(format!(
            "the new value of {column} depends on what the statement changes, so no row may be changed twice; change one range of the primary key after the other by hand, and keep how far that came"
        ));
    }
    if volatile || matches!(value, Expr::SetToDefault) {
        return Ok(Comparison::Impossible);
    }
    let Some((known, ty)) = table.column(column).and_then(|column| Some((column, comparable(&column.ty)?))) else {
        return Ok(Comparison::Impossible);
    };
    let name = format!("{qualifier}.{}", syntax::quote_ident(column));
    Ok(Comparison::Sql(match value {
        Expr::Null => format!("{name} IS NOT NULL"),
        // The value as the column keeps it: rounded, padded, in its time zone.
        _ if is_equal_only_to_itself(known) => format!("{name} IS DISTINCT FROM ({written})::{ty}"),
        // Byte for byte (record_image_ne, rowtypes.c). Two plain ROWs would be compared column by column.
        _ => format!("ROW({name})::record *<> ROW(({written})::{ty})::record"),
    }))
}

/// Whether values that are equal are the same: 1.0 and 1.00 are not, nor 0 and -0, nor what a collation of the user's own
/// takes for equal.
fn is_equal_only_to_itself(column: &Column) -> bool {
    let ColumnType::Known(TypeName { name, modifiers, .. }) = &column.ty else { return false };
    let deterministic = column.collation.as_deref().is_none_or(|it| ["C", "POSIX", "default"].contains(&it));
    match name.as_str() {
        "float4" | "float8" | "jsonb" => false,
        "numeric" => !modifiers.is_empty(),
        "bpchar" => !modifiers.is_empty() && deterministic,
        _ => deterministic,
    }
}

/// `column = column`: an UPDATE that is there for its triggers.
pub(super) fn is_itself(value: &Expr, column: &str) -> bool {
    matches!(value, Expr::Column(parts) if parts.last().is_some_and(|it| it == column))
}

fn contains_query(expr: &Expr) -> bool {
    matches!(expr, Expr::Subquery(_)) || children(expr).into_iter().any(contains_query)
}

fn is_idempotent(value: &Expr, column: &str) -> bool {
    let is_column = |expr: &Expr| is_itself(expr, column);
    match value {
        Expr::Column(_) => is_column(value),
        Expr::Call { name, arguments } => {
            IDEMPOTENT.contains(&name.name.as_str())
                && matches!(arguments.as_slice(), [argument] if is_column(argument))
        }
        Expr::Coalesce(parts) => {
            parts.first().is_some_and(is_column) && parts[1..].iter().all(|part| columns(part).is_empty())
        }
        _ => false,
    }
}

/// The type as SQL, when values of it can be compared.
fn comparable(ty: &ColumnType) -> Option<String> {
    let ColumnType::Known(TypeName { schema, name, modifiers, array, .. }) = ty else { return None };
    let builtin = schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
    if !builtin || !COMPARABLE.contains(&name.as_str()) {
        return None;
    }
    let mut sql = name.clone();
    if !modifiers.is_empty() {
        let list = modifiers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        sql.push_str(&format!("({list})"));
    }
    if *array {
        sql.push_str("[]");
    }
    Some(sql)
}

/// Certain not to be NULL: a constant, `now()`, or a function that makes values up.
pub(super) fn is_never_null(value: &Expr) -> bool {
    match value {
        Expr::Bool(_) | Expr::Number(_) | Expr::String(_) | Expr::SqlValue(_) | Expr::Array(_) => true,
        Expr::Cast { operand, .. } => is_never_null(operand),
        Expr::Coalesce(parts) => parts.iter().any(is_never_null),
        Expr::Call { name, .. } => matches!(
            name.name.as_str(),
            "clock_timestamp"
                | "gen_random_uuid"
                | "nextval"
                | "now"
                | "random"
                | "uuid_generate_v4"
                | "uuidv4"
                | "uuidv7"
        ),
        _ => false,
    }
}
