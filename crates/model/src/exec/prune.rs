//! What a WHERE clause leaves: which partitions, and whether an index finds the rows.

use std::cmp::Ordering;

use syntax::ast::{Expr, PartitionBound, Query, RangeDatum, Read};

use super::Exec;
use crate::name::QName;
use crate::schema::Relation;

/// What is known of the rows that a statement wants.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filter<'a> {
    All,
    Where(&'a Expr),
    /// A condition that is not at hand.
    Unknown,
}

/// Whether a partition is part of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Certain,
    Maybe,
    Never,
}

/// Partition pruning for comparisons of the first key column with constants (partprune.c).
pub(super) fn reach(parent: &Relation, partition: &Relation, filter: Filter<'_>) -> Reach {
    let filter = match filter {
        Filter::All => return Reach::Certain,
        Filter::Unknown => return Reach::Maybe,
        Filter::Where(filter) => filter,
    };
    let key = parent.partition_by.as_ref().and_then(|by| by.columns.first().cloned().flatten());
    let (Some(key), Some((_, bound))) = (key, &partition.partition_of) else { return Reach::Maybe };
    let mut conditions = Vec::new();
    conjuncts(filter, &mut conditions);
    conditions.retain(|condition| mentions(condition, &key));
    let mut verdict = Reach::Certain;
    for condition in conditions {
        verdict = match (compared(condition, &key), bound) {
            (Some((operator, value)), PartitionBound::Range { from, to }) => {
                match in_range(operator, value, from.first(), to.first()) {
                    Some(true) => verdict,
                    Some(false) => return Reach::Never,
                    None => Reach::Maybe,
                }
            }
            (Some(("=", value)), PartitionBound::List { values }) => {
                let matches = values.iter().map(|it| compare(value, it)).collect::<Option<Vec<_>>>();
                match matches {
                    Some(matches) if matches.contains(&Ordering::Equal) => verdict,
                    Some(_) => return Reach::Never,
                    None => Reach::Maybe,
                }
            }
            _ => Reach::Maybe,
        };
    }
    verdict
}

/// Whether rows between the bounds can satisfy `key operator value`; the upper bound is exclusive.
fn in_range(operator: &str, value: &Expr, from: Option<&RangeDatum>, to: Option<&RangeDatum>) -> Option<bool> {
    let side = |datum: Option<&RangeDatum>, infinite: Ordering| match datum {
        Some(RangeDatum::Value(bound)) => compare(bound, value),
        Some(_) => Some(infinite),
        None => None,
    };
    let from = side(from, Ordering::Less)?;
    let to = side(to, Ordering::Greater)?;
    Some(match operator {
        "=" => from != Ordering::Greater && to == Ordering::Greater,
        "<" => from == Ordering::Less,
        "<=" => from != Ordering::Greater,
        ">" | ">=" => to == Ordering::Greater,
        _ => return None,
    })
}

/// Numbers, and strings whose order is that of their bytes: dates, times and UUIDs as they are usually written.
fn compare(left: &Expr, right: &Expr) -> Option<Ordering> {
    match (constant(left)?, constant(right)?) {
        (Expr::Number(left), Expr::Number(right)) => left.parse::<f64>().ok()?.partial_cmp(&right.parse::<f64>().ok()?),
        (Expr::String(left), Expr::String(right)) => {
            let plain =
                |text: &str| text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b' ' | b'+' | b'.'));
            if left == right {
                return Some(Ordering::Equal);
            }
            // `2024-01-05` and `2024-01-05 00:00:00` are one moment, so only texts of one form compare.
            (plain(left) && plain(right) && left.len() == right.len()).then(|| left.cmp(right))
        }
        (Expr::Bool(left), Expr::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn constant(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Number(_) | Expr::String(_) | Expr::Bool(_) => Some(expr),
        Expr::Cast { operand, .. } => constant(operand),
        _ => None,
    }
}

/// A value that does not depend on the row. In a routine body what is no column of the statement's relations is a variable.
fn row_independent(expr: &Expr, is_variable: &impl Fn(&[String]) -> bool) -> bool {
    match expr {
        Expr::Column(parts) => is_variable(parts),
        Expr::Subquery(_) => false,
        _ => crate::expr::children(expr).into_iter().all(|child| row_independent(child, is_variable)),
    }
}

/// `column operator constant`, turned round where the constant stands first.
fn compared<'a>(condition: &'a Expr, column: &str) -> Option<(&'static str, &'a Expr)> {
    let Expr::Operator { name, left: Some(left), right } = condition else { return None };
    let known = ["=", "<", "<=", ">", ">="].into_iter().find(|known| known == name)?;
    if is_column(left, column) && constant(right).is_some() {
        return Some((known, right));
    }
    let turned = match known {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    };
    (is_column(right, column) && constant(left).is_some()).then_some((turned, &**left))
}

fn is_column(expr: &Expr, column: &str) -> bool {
    match expr {
        Expr::Column(parts) => parts.last().is_some_and(|part| part == column),
        Expr::Cast { operand, .. } => is_column(operand, column),
        _ => false,
    }
}

fn mentions(expr: &Expr, column: &str) -> bool {
    is_column(expr, column) || crate::expr::children(expr).into_iter().any(|child| mentions(child, column))
}

fn conjuncts<'a>(expr: &'a Expr, found: &mut Vec<&'a Expr>) {
    match expr {
        Expr::And(parts) => parts.iter().for_each(|part| conjuncts(part, found)),
        _ => found.push(expr),
    }
}

/// Whether an index leads to the rows: a comparison of its first column with something that is the same for all rows.
/// The planner decides by statistics; equality on a leading column is what it hardly ever answers with a full scan.
/// `called`: what the statement calls the table; `others`: the other relations that it names.
pub(super) fn is_indexed(exec: &Exec, table: &QName, called: &str, others: &Query, filter: &Expr) -> bool {
    let is_variable = |parts: &[String]| {
        exec.lowered
            && match parts {
                [name] => others.reads.is_empty() && exec.relation(table).column(name).is_none(),
                [.., qualifier, _] => {
                    let names =
                        |read: &Read| read.relation.alias.as_deref().unwrap_or(&read.relation.name.name) == qualifier;
                    qualifier != called && !others.reads.iter().any(names)
                }
                [] => false,
            }
    };
    let by_index = |condition: &Expr| {
        exec.schema.indexes_of(table).any(|index| {
            let Some(leading) = index.elements.first() else { return false };
            let is_key = |expr: &Expr| match (&leading.column, &leading.expression) {
                (Some(column), _) => match expr {
                    Expr::Column(parts) => match parts.as_slice() {
                        [name] => *name == **column,
                        [.., qualifier, name] => *name == **column && qualifier == called,
                        [] => false,
                    },
                    _ => false,
                },
                (None, Some(expression)) => crate::expr::placeless(expr) == *expression,
                (None, None) => false,
            };
            index.valid && index.predicate.is_none() && leads(condition, is_key, &is_variable)
        })
    };
    found_by(filter, &by_index)
}

/// AND needs one condition that an index answers, OR all of them.
fn found_by(filter: &Expr, by_index: &impl Fn(&Expr) -> bool) -> bool {
    match filter {
        Expr::And(parts) => parts.iter().any(|part| found_by(part, by_index)),
        Expr::Or(parts) => parts.iter().all(|part| found_by(part, by_index)),
        _ => by_index(filter),
    }
}

fn leads(condition: &Expr, is_key: impl Fn(&Expr) -> bool, is_variable: &impl Fn(&[String]) -> bool) -> bool {
    let row_independent = |expr: &Expr| row_independent(expr, is_variable);
    match condition {
        Expr::Operator { name, left: Some(left), right } => {
            let indexable = matches!(name.as_str(), "=" | "<" | "<=" | ">" | ">=");
            indexable && ((is_key(left) && row_independent(right)) || (is_key(right) && row_independent(left)))
        }
        Expr::AnyOf { operator, left, values, all } => {
            let usable = |it: &Expr| row_independent(it) || matches!(it, Expr::Subquery(_));
            operator == "=" && !all && is_key(left) && values.iter().all(usable)
        }
        Expr::Between { operand, low, high, negated } => {
            !negated && is_key(operand) && row_independent(low) && row_independent(high)
        }
        Expr::IsNull { operand, negated } => !negated && is_key(operand),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{PartitionKey, RelationKind};

    #[test]
    fn pruning() {
        let parent = Relation {
            kind: RelationKind::PartitionedTable,
            partition_by: Some(PartitionKey { strategy: "range", columns: vec![Some("day".into())] }),
            ..Relation::open(QName::new("public", "events"))
        };
        let text = |value: &str| Expr::String(value.to_owned());
        let bound = PartitionBound::Range {
            from: vec![RangeDatum::Value(text("2024-01-01"))],
            to: vec![RangeDatum::Value(text("2024-02-01"))],
        };
        let partition = Relation {
            partition_of: Some((parent.name.clone(), bound)),
            ..Relation::open(QName::new("public", "events_p1"))
        };
        let compare = |column: &str, operator: &str, value: &str| Expr::Operator {
            name: operator.to_owned(),
            left: Some(Box::new(Expr::Column(vec![column.to_owned()]))),
            right: Box::new(text(value)),
        };
        let drawn: Vec<String> = [
            compare("day", "=", "2024-01-05"),
            compare("day", "=", "2024-02-01"),
            compare("day", "<", "2024-01-01"),
            compare("day", ">=", "2024-01-31"),
            compare("day", "=", "yesterday"),
            compare("id", "=", "1"),
            Expr::And(vec![compare("day", ">=", "2024-02-01"), compare("day", "<", "2024-03-01")]),
        ]
        .iter()
        .map(|filter| format!("{:?}", reach(&parent, &partition, Filter::Where(filter))))
        .collect();
        expect_test::expect!["Certain Never Never Certain Maybe Certain Never"].assert_eq(&drawn.join(" "));
    }
}
