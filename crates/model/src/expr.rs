//! What expressions are made of: walking, comparing, the columns they read.

use syntax::Span;
use syntax::ast::{Expr, TypeName};

/// The expressions directly inside one; a subquery is not entered.
#[must_use]
pub fn children(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Null
        | Expr::Bool(_)
        | Expr::Number(_)
        | Expr::String(_)
        | Expr::Column(_)
        | Expr::Parameter(_)
        | Expr::SqlValue(_)
        | Expr::SetToDefault
        | Expr::Subquery(_) => Vec::new(),
        Expr::Cast { operand, .. }
        | Expr::Collate { operand, .. }
        | Expr::Not(operand)
        | Expr::IsNull { operand, .. }
        | Expr::IsBool { operand, .. } => vec![operand],
        Expr::Operator { left, right, .. } => left.as_deref().into_iter().chain([&**right]).collect(),
        Expr::AnyOf { left, values, .. } => std::iter::once(&**left).chain(values).collect(),
        Expr::Between { operand, low, high, .. } => vec![operand, low, high],
        Expr::Call { arguments: parts, .. }
        | Expr::And(parts)
        | Expr::Or(parts)
        | Expr::Case(parts)
        | Expr::Coalesce(parts)
        | Expr::MinMax(parts)
        | Expr::Array(parts)
        | Expr::Row(parts)
        | Expr::Other(parts) => parts.iter().collect(),
    }
}

fn children_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Null
        | Expr::Bool(_)
        | Expr::Number(_)
        | Expr::String(_)
        | Expr::Column(_)
        | Expr::Parameter(_)
        | Expr::SqlValue(_)
        | Expr::SetToDefault
        | Expr::Subquery(_) => Vec::new(),
        Expr::Cast { operand, .. }
        | Expr::Collate { operand, .. }
        | Expr::Not(operand)
        | Expr::IsNull { operand, .. }
        | Expr::IsBool { operand, .. } => vec![operand],
        Expr::Operator { left, right, .. } => left.as_deref_mut().into_iter().chain([&mut **right]).collect(),
        Expr::AnyOf { left, values, .. } => std::iter::once(&mut **left).chain(values).collect(),
        Expr::Between { operand, low, high, .. } => vec![operand, low, high],
        Expr::Call { arguments: parts, .. }
        | Expr::And(parts)
        | Expr::Or(parts)
        | Expr::Case(parts)
        | Expr::Coalesce(parts)
        | Expr::MinMax(parts)
        | Expr::Array(parts)
        | Expr::Row(parts)
        | Expr::Other(parts) => parts.iter_mut().collect(),
    }
}

/// The expression without its place in a file, so that equal expressions are equal wherever they were written.
#[must_use]
pub fn placeless(expr: &Expr) -> Expr {
    let mut expr = expr.clone();
    clear_spans(&mut expr);
    expr
}

fn clear_spans(expr: &mut Expr) {
    match expr {
        Expr::Cast { ty, .. } => ty.span = Span::default(),
        Expr::Collate { collation, .. } => collation.span = Span::default(),
        Expr::Call { name, .. } => name.span = Span::default(),
        _ => {}
    }
    children_mut(expr).into_iter().for_each(clear_spans);
}

#[must_use]
pub fn placeless_type(ty: &TypeName) -> TypeName {
    TypeName { span: Span::default(), ..ty.clone() }
}

/// The names of the columns read, each once, in order of appearance; qualification is dropped because table expressions
/// have one table. `*` stands for the whole row.
#[must_use]
pub fn columns(expr: &Expr) -> Vec<&str> {
    let mut found = Vec::new();
    collect_columns(expr, &mut found);
    found
}

fn collect_columns<'a>(expr: &'a Expr, found: &mut Vec<&'a str>) {
    if let Expr::Column(parts) = expr
        && let Some(name) = parts.last()
        && !found.contains(&name.as_str())
    {
        found.push(name);
    }
    for child in children(expr) {
        collect_columns(child, found);
    }
}

#[must_use]
pub fn reads_column(expr: &Expr, column: &str) -> bool {
    columns(expr).contains(&column)
}

/// Renames a column in place.
pub fn rename_column(expr: &mut Expr, from: &str, to: &str) {
    if let Expr::Column(parts) = expr
        && let Some(name) = parts.last_mut()
        && name == from
    {
        to.clone_into(name);
    }
    for child in children_mut(expr) {
        rename_column(child, from, to);
    }
}
