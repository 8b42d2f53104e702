//! What valid CHECK constraints prove, so that PostgreSQL skips a scan: NOT NULL columns and partition bounds.
//!
//! PostgreSQL shows that the clause to prove is not false for any row for which the known clauses are not false ("weak"
//! implication, predicate_implied_by, predtest.c). A check is not false when it is NULL, so `x > 0` says nothing about NULLs.

use std::cmp::Ordering;

use syntax::ast::{Expr, PartitionBound, RangeDatum, TypeName};

use crate::expr::placeless;

/// A condition after simplification: NOT is pushed to the leaves, BETWEEN and IN are spelt out (canonicalize_qual and
/// eval_const_expressions).
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    IsNull(String),
    NotNull(String),
    Compare { column: String, operator: Operator, value: Value },
    Other { expr: Expr, negated: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
    Different,
}

/// A constant, as written without quotes and casts.
#[derive(Clone, Debug, PartialEq)]
pub struct Value(String);

/// How the constants of a column compare.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Different spellings may be the same value.
    Unknown,
    /// Different spellings are different values, in an order that depends on the collation.
    Equality,
    Total(fn(&str, &str) -> Option<Ordering>),
}

/// The condition that an expression stands for.
#[must_use]
pub fn condition(expr: &Expr) -> Condition {
    simplify(expr, false)
}

fn simplify(expr: &Expr, negated: bool) -> Condition {
    let other = || Condition::Other { expr: placeless(expr), negated };
    let all = |parts: Vec<Condition>, and: bool| if and { Condition::And(parts) } else { Condition::Or(parts) };
    match expr {
        Expr::And(parts) => all(parts.iter().map(|part| simplify(part, negated)).collect(), !negated),
        Expr::Or(parts) => all(parts.iter().map(|part| simplify(part, negated)).collect(), negated),
        Expr::Not(inner) => simplify(inner, !negated),
        Expr::IsNull { operand, negated: not } => match (column(operand), *not != negated) {
            (Some(column), true) => Condition::NotNull(column),
            (Some(column), false) => Condition::IsNull(column),
            (None, _) => other(),
        },
        Expr::Between { operand, low, high, negated: not } => {
            let bound = |name: &str, bound: &Expr| Expr::Operator {
                name: name.into(),
                left: Some(operand.clone()),
                right: Box::new(bound.clone()),
            };
            simplify(&Expr::And(vec![bound(">=", low), bound("<=", high)]), *not != negated)
        }
        Expr::AnyOf { operator: name, left, values, all: for_all } => {
            // `= ANY (ARRAY[...])` has the array as its only value.
            let values = match values.as_slice() {
                [Expr::Array(values)] => values,
                values => values,
            };
            if values.is_empty() || operator(name).is_none() || values.iter().any(|value| constant(value).is_none()) {
                return other();
            }
            let each = values.iter().map(|value| {
                let one =
                    Expr::Operator { name: name.clone(), left: Some(left.clone()), right: Box::new(value.clone()) };
                simplify(&one, negated)
            });
            all(each.collect(), *for_all != negated)
        }
        Expr::Operator { name, left: Some(left), right } => {
            let Some(found) = operator(name) else { return other() };
            let (column, value, found) = match (column(left), constant(right), constant(left), column(right)) {
                (Some(column), Some(value), ..) => (column, value, found),
                (_, _, Some(value), Some(column)) => (column, value, found.swapped()),
                _ => return other(),
            };
            Condition::Compare { column, operator: if negated { found.negation() } else { found }, value }
        }
        _ => other(),
    }
}

fn column(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Column(parts) => parts.last().filter(|name| *name != "*").cloned(),
        _ => None,
    }
}

/// The text of a literal, casts dropped: the operator's type decides how it is read.
fn constant(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Number(text) | Expr::String(text) => Some(Value(text.clone())),
        Expr::Bool(value) => Some(Value(value.to_string())),
        Expr::Cast { operand, .. } => constant(operand),
        Expr::Operator { name, left: None, right } if name == "-" => {
            let Value(text) = constant(right)?;
            Some(Value(format!("-{text}")))
        }
        _ => None,
    }
}

fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        "=" => Operator::Equal,
        ">=" => Operator::GreaterOrEqual,
        ">" => Operator::Greater,
        "<>" | "!=" => Operator::Different,
        _ => return None,
    })
}

impl Operator {
    fn negation(self) -> Self {
        match self {
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Equal => Self::Different,
            Self::GreaterOrEqual => Self::Less,
            Self::Greater => Self::LessOrEqual,
            Self::Different => Self::Equal,
        }
    }

    fn swapped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Greater => Self::Less,
            same => same,
        }
    }
}

/// The opposite condition; NULL stays NULL.
#[must_use]
pub fn negate(condition: Condition) -> Condition {
    match condition {
        Condition::And(parts) => Condition::Or(parts.into_iter().map(negate).collect()),
        Condition::Or(parts) => Condition::And(parts.into_iter().map(negate).collect()),
        Condition::IsNull(column) => Condition::NotNull(column),
        Condition::NotNull(column) => Condition::IsNull(column),
        Condition::Compare { column, operator, value } => {
            Condition::Compare { column, operator: operator.negation(), value }
        }
        Condition::Other { expr, negated } => Condition::Other { expr, negated: !negated },
    }
}

/// Whether the conditions known together imply `goal` (predicate_implied_by_recurse, predtest.c). `order` tells how the
/// constants of a column compare.
#[must_use]
pub fn implied(known: &[Condition], goal: &Condition, order: &impl Fn(&str) -> Order) -> bool {
    match goal {
        Condition::And(goals) => goals.iter().all(|goal| implied(known, goal, order)),
        _ => known.iter().any(|known| implies(known, goal, order)),
    }
}

fn implies(known: &Condition, goal: &Condition, order: &impl Fn(&str) -> Order) -> bool {
    match (known, goal) {
        (_, Condition::And(goals)) => goals.iter().all(|goal| implies(known, goal, order)),
        (Condition::Or(known), _) => known.iter().all(|known| implies(known, goal, order)),
        (Condition::And(parts), Condition::Or(goals)) => {
            parts.iter().any(|part| implies(part, goal, order)) || goals.iter().any(|goal| implies(known, goal, order))
        }
        (Condition::And(known), _) => known.iter().any(|known| implies(known, goal, order)),
        (_, Condition::Or(goals)) => goals.iter().any(|goal| implies(known, goal, order)),
        (
            Condition::Compare { column, operator, value },
            Condition::Compare { column: goal_column, operator: goal_operator, value: goal_value },
        ) => column == goal_column && compares(*operator, value, *goal_operator, goal_value, order(column)),
        _ => known == goal,
    }
}

/// BT_implic_table, predtest.c.
fn compares(known: Operator, value: &Value, goal: Operator, goal_value: &Value, order: Order) -> bool {
    use Operator::{Different, Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    if value == goal_value && known == goal {
        return true;
    }
    let ordering = match order {
        _ if value == goal_value => Ordering::Equal,
        Order::Equality => return known == Equal && goal == Different,
        Order::Total(compare) => match compare(&value.0, &goal_value.0) {
            Some(ordering) => ordering,
            None => return false,
        },
        Order::Unknown => return false,
    };
    match (known, goal) {
        (Less, Less | LessOrEqual | Different) | (LessOrEqual, LessOrEqual) => ordering.is_le(),
        (LessOrEqual, Less | Different) | (Equal, Less) => ordering.is_lt(),
        (Equal, LessOrEqual) => ordering.is_le(),
        (Equal, Equal) | (Different, Different) => ordering.is_eq(),
        (Equal, Different) => ordering.is_ne(),
        (Equal, GreaterOrEqual) | (GreaterOrEqual, GreaterOrEqual) => ordering.is_ge(),
        (Equal, Greater) | (GreaterOrEqual, Greater | Different) => ordering.is_gt(),
        (Greater, Greater | GreaterOrEqual | Different) => ordering.is_ge(),
        _ => false,
    }
}

/// The order of a type's constants.
#[must_use]
pub fn order(ty: Option<&TypeName>) -> Order {
    match ty.map(|ty| ty.name.as_str()) {
        Some("int2" | "int4" | "int8" | "oid" | "numeric" | "float4" | "float8") => Order::Total(numbers),
        Some("date" | "timestamp" | "timestamptz") => Order::Total(dates),
        Some("uuid") => Order::Total(|a, b| Some(a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase()))),
        Some("bool") => Order::Total(|a, b| Some(a.cmp(b))),
        Some("text" | "varchar") => Order::Equality,
        _ => Order::Unknown,
    }
}

fn numbers(a: &str, b: &str) -> Option<Ordering> {
    match (a.trim().parse::<i128>(), b.trim().parse::<i128>()) {
        (Ok(a), Ok(b)) => Some(a.cmp(&b)),
        _ => a.trim().parse::<f64>().ok()?.partial_cmp(&b.trim().parse::<f64>().ok()?),
    }
}

/// ISO dates and timestamps without zone compare as their text does once both have a time.
fn dates(a: &str, b: &str) -> Option<Ordering> {
    Some(date(a)?.cmp(&date(b)?))
}

fn date(text: &str) -> Option<String> {
    let text = text.trim();
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let mut parts = day.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || year.len() != 4 || ![year, month, day].iter().all(|part| digits(part)) {
        return None;
    }
    // Every timestamp constant is read in the same session zone; one with a zone of its own is not compared.
    if !time.bytes().all(|byte| byte.is_ascii_digit() || byte == b':' || byte == b'.') {
        return None;
    }
    let time = time.trim_end_matches(['0', ':', '.']);
    Some(format!("{year}-{month:0>2}-{day:0>2} {time}"))
}

/// The condition that every row of a partition fulfils (get_qual_from_partbound, partbounds.c), for bounds over one plain
/// column or a list of them; `None` when it cannot be told, and for hash partitions, which no check can prove.
#[must_use]
pub fn bound_condition(keys: &[Option<std::sync::Arc<str>>], bound: &PartitionBound) -> Option<Condition> {
    let keys = keys.iter().map(|key| key.as_deref().map(str::to_owned)).collect::<Option<Vec<_>>>()?;
    let compare = |column: &String, operator, value: &Expr| {
        Some(Condition::Compare { column: column.clone(), operator, value: constant(value)? })
    };
    match bound {
        PartitionBound::Default | PartitionBound::Hash { .. } => None,
        PartitionBound::List { values } => {
            let key = keys.first()?;
            let with_null = values.iter().any(is_null);
            let equal: Option<Vec<Condition>> = values
                .iter()
                .filter(|value| !is_null(value))
                .map(|value| compare(key, Operator::Equal, value))
                .collect();
            let equal = Condition::Or(equal?);
            Some(if with_null {
                Condition::Or(vec![Condition::IsNull(key.clone()), equal])
            } else {
                Condition::And(vec![Condition::NotNull(key.clone()), equal])
            })
        }
        PartitionBound::Range { from, to } => {
            let mut parts: Vec<Condition> = keys.iter().cloned().map(Condition::NotNull).collect();
            parts.extend(edge(&keys, from, Operator::Greater, Operator::GreaterOrEqual)?);
            parts.extend(edge(&keys, to, Operator::Less, Operator::Less)?);
            Some(Condition::And(parts))
        }
    }
}

/// Whether two partitions of one table certainly share values; only the first key of a range is compared when it is the only
/// one.
#[must_use]
pub fn bounds_overlap(a: &PartitionBound, b: &PartitionBound, order: Order) -> bool {
    match (a, b) {
        (PartitionBound::Hash { modulus: m1, remainder: r1 }, PartitionBound::Hash { modulus: m2, remainder: r2 }) => {
            let (mut gcd, mut rest) = (*m1, *m2);
            while rest != 0 {
                (gcd, rest) = (rest, gcd % rest);
            }
            gcd != 0 && (r1 - r2) % gcd == 0
        }
        (PartitionBound::List { values: a }, PartitionBound::List { values: b }) => {
            let meet =
                |a: &Expr, b: &Expr| is_null(a) && is_null(b) || constant(a).is_some_and(|a| Some(a) == constant(b));
            a.iter().any(|a| b.iter().any(|b| meet(a, b)))
        }
        (PartitionBound::Range { from: from1, to: to1 }, PartitionBound::Range { from: from2, to: to2 }) => {
            let below = |low: &[RangeDatum], high: &[RangeDatum]| match (low, high) {
                ([RangeDatum::MinValue], [_]) | ([_], [RangeDatum::MaxValue]) => true,
                ([RangeDatum::Value(low)], [RangeDatum::Value(high)]) => match (constant(low), constant(high), order) {
                    (Some(low), Some(high), Order::Total(compare)) => {
                        compare(&low.0, &high.0).is_some_and(Ordering::is_lt)
                    }
                    _ => false,
                },
                _ => false,
            };
            below(from1, to2) && below(from2, to1)
        }
        _ => false,
    }
}

fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Null => true,
        Expr::Cast { operand, .. } => is_null(operand),
        _ => false,
    }
}

/// One end of a range: `a > x OR (a = x AND b >= y)`. Keys that are equal at both ends are simplified by PostgreSQL in a way
/// that this does not follow, so a proof over several keys may be missed.
fn edge(keys: &[String], data: &[RangeDatum], strict: Operator, last: Operator) -> Option<Option<Condition>> {
    let mut alternatives = Vec::new();
    let mut equal: Vec<Condition> = Vec::new();
    for (at, (key, datum)) in keys.iter().zip(data).enumerate() {
        let RangeDatum::Value(value) = datum else {
            // MINVALUE below or MAXVALUE above: whatever has the prefix belongs.
            if equal.is_empty() {
                return Some(None);
            }
            alternatives.push(Condition::And(std::mem::take(&mut equal)));
            break;
        };
        let value = constant(value)?;
        let compare = |operator| Condition::Compare { column: key.clone(), operator, value: value.clone() };
        let is_last = at + 1 == data.len();
        let mut alternative = equal.clone();
        alternative.push(compare(if is_last { last } else { strict }));
        alternatives.push(if alternative.len() == 1 { alternative.remove(0) } else { Condition::And(alternative) });
        equal.push(compare(Operator::Equal));
    }
    Some(if alternatives.len() == 1 { alternatives.pop() } else { Some(Condition::Or(alternatives)) })
}
