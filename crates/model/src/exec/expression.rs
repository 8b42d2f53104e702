//! What expressions of defaults, checks, indexes and generated columns may contain (parse_expr.c, parse_agg.c, heap.c).

use syntax::Span;
use syntax::ast::Expr;

use super::define::lacks_column;
use super::{Exec, Stop};
use crate::expr::children;
use crate::schema::{ColumnType, Relation};
use crate::volatility;

/// Where an expression stands, in the words of messages (ParseExprKindName).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Default,
    Generation,
    Check,
    Index,
    Predicate,
    PartitionKey,
    Transform,
}

impl Place {
    fn words(self) -> &'static str {
        match self {
            Place::Default => "DEFAULT expression",
            Place::Generation => "column generation expression",
            Place::Check => "check constraint",
            Place::Index => "index expression",
            Place::Predicate => "index predicate",
            Place::PartitionKey => "partition key expression",
            Place::Transform => "transform expression",
        }
    }

    /// Functions have to be immutable, or else this is said.
    fn demands_immutable(self) -> Option<&'static str> {
        match self {
            Place::Generation => Some("generation expression is not immutable"),
            Place::Index => Some("functions in index expression must be marked IMMUTABLE"),
            Place::Predicate => Some("functions in index predicate must be marked IMMUTABLE"),
            Place::PartitionKey => Some("functions in partition key expression must be marked IMMUTABLE"),
            Place::Default | Place::Check | Place::Transform => None,
        }
    }
}

/// Refuses what certainly cannot stand in an expression over one table.
pub(super) fn check(exec: &mut Exec, relation: &Relation, expr: &Expr, place: Place, span: Span) -> Result<(), Stop> {
    check_parts(exec, relation, expr, place, span)?;
    if matches!(place, Place::Check | Place::Predicate)
        && let Expr::Column(parts) = expr
        && let Some(ColumnType::Known(ty)) = parts.last().and_then(|it| relation.column(it)).map(|it| &it.ty)
        && (ty.array || NOT_BOOLEAN.contains(&ty.name.as_str()))
    {
        let clause = if place == Place::Check { "CHECK" } else { "WHERE" };
        let message = format!("argument of {clause} must be type boolean, not type {}", crate::coercion::describe(ty));
        return exec.refuse("42804", message, span);
    }
    if let Some(message) = place.demands_immutable()
        && depends_on_settings(relation, expr)
    {
        return exec.refuse("42P17", message.to_owned(), span);
    }
    if let Some(message) = place.demands_immutable()
        && volatility::is_mutable(expr, &exec.schema, &exec.session.search_path)
    {
        return exec.refuse("42P17", message.to_owned(), span);
    }
    Ok(())
}

const NOT_BOOLEAN: [&str; 14] = [
    "bytea",
    "date",
    "float4",
    "float8",
    "int2",
    "int4",
    "int8",
    "json",
    "jsonb",
    "numeric",
    "text",
    "timestamp",
    "timestamptz",
    "uuid",
];

/// A cast of a column that looks at TimeZone or DateStyle (pg_cast.dat: the functions are stable).
fn depends_on_settings(relation: &Relation, expr: &Expr) -> bool {
    if let Expr::Cast { operand, ty } = expr
        && !ty.array
        && let Expr::Column(parts) = &**operand
        && let Some(ColumnType::Known(from)) = parts.last().and_then(|it| relation.column(it)).map(|it| &it.ty)
        && !from.array
    {
        let stable = match (from.name.as_str(), ty.name.as_str()) {
            ("timestamptz", to) => {
                matches!(to, "date" | "time" | "timetz" | "timestamp" | "text" | "varchar" | "bpchar")
            }
            ("timestamp" | "date", to) => matches!(to, "timestamptz" | "text" | "varchar" | "bpchar"),
            ("text" | "varchar" | "bpchar", to) => matches!(to, "date" | "timestamp" | "timestamptz" | "timetz"),
            _ => false,
        };
        if stable {
            return true;
        }
    }
    children(expr).into_iter().any(|child| depends_on_settings(relation, child))
}

/// Aggregate and set-returning functions that are nothing else in any form (pg_proc.dat).
const AGGREGATES: &str =
    " any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or count every json_agg jsonb_agg
    json_object_agg jsonb_object_agg max min range_agg stddev string_agg sum variance xmlagg ";
const SETS: &str = " generate_series generate_subscripts json_array_elements jsonb_array_elements json_each jsonb_each
    json_object_keys jsonb_object_keys regexp_matches regexp_split_to_table string_to_table unnest ";

fn check_parts(exec: &mut Exec, relation: &Relation, expr: &Expr, place: Place, span: Span) -> Result<(), Stop> {
    let words = place.words();
    match expr {
        Expr::Column(_) if place == Place::Default => {
            return exec.refuse("0A000", "cannot use column reference in DEFAULT expression".to_owned(), span);
        }
        Expr::Column(parts) => {
            if let Some(column) = parts.last() {
                check_column(exec, relation, column, place, span)?;
            }
        }
        Expr::Subquery(_) => return exec.refuse("0A000", format!("cannot use subquery in {words}"), span),
        Expr::Call { name, arguments } if !exec.schema.functions.keys().any(|known| *known.name == *name.name) => {
            let is_in = |list: &str| list.split_ascii_whitespace().any(|it| it == name.name);
            if is_in(AGGREGATES) {
                return exec.refuse("42803", format!("aggregate functions are not allowed in {words}s"), span);
            }
            // With arguments the message would need their types.
            if let Some(major) = volatility::since(&name.name)
                && arguments.is_empty()
                && !exec.since(major)
            {
                return exec.refuse("42883", format!("function {}() does not exist", name.name), span);
            }
            for argument in arguments {
                check_parts(exec, relation, argument, place, span)?;
            }
            if is_in(SETS) {
                return exec.refuse("0A000", format!("set-returning functions are not allowed in {words}s"), span);
            }
            return Ok(());
        }
        _ => {}
    }
    for child in children(expr) {
        check_parts(exec, relation, child, place, span)?;
    }
    Ok(())
}

/// A column that is read must exist; one that is generated cannot be read to generate another (check_nested_generated).
fn check_column(exec: &mut Exec, relation: &Relation, column: &str, place: Place, span: Span) -> Result<(), Stop> {
    let whole_row = column == "*" || column == &*relation.name.name;
    if !whole_row && lacks_column(exec, relation, column) {
        return exec.refuse("42703", format!("column \"{column}\" does not exist"), span);
    }
    let generated = relation.column(column).is_some_and(|it| it.generated.is_some());
    if place == Place::Generation && generated {
        let message = format!("cannot use generated column \"{column}\" in column generation expression");
        return exec.refuse("42P17", message, span);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    #[test]
    fn text_search_without_configuration_is_stable() {
        let sql =
            "CREATE INDEX ON t USING gin (to_tsvector(a)); CREATE INDEX ON t USING gin (to_tsvector('simple', a))";
        expect![[r#"
            CREATE INDEX ON t USING gin (to_tsvector(a))
                t SHARE | blocks t:W | 42P17: functions in index expression must be marked IMMUTABLE
            CREATE INDEX ON t USING gin (to_tsvector('simple', a))
                t SHARE+build, t_to_tsvector_idx SHARE+build | blocks t:W
        "#]]
        .assert_eq(&effects("CREATE TABLE t (a text)", sql));
    }
}
