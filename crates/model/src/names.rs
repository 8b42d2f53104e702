//! The names that PostgreSQL generates for constraints, indexes and sequences.

use syntax::ast::Expr;

use crate::name::QName;
use crate::schema::{ConstraintKind, Schema};

/// NAMEDATALEN - 1: the longest name in bytes (pg_config_manual.h).
const LONGEST: usize = 63;

/// `name1_name2_label`, cut where it is too long: the longer name first, never inside a character (makeObjectName,
/// indexcmds.c).
#[must_use]
pub fn object_name(name1: &str, name2: Option<&str>, label: &str) -> String {
    let overhead = label.len() + 1 + usize::from(name2.is_some());
    let available = LONGEST.saturating_sub(overhead);
    let mut length1 = name1.len();
    let mut length2 = name2.map_or(0, str::len);
    while length1 + length2 > available {
        if length1 > length2 {
            length1 -= 1;
        } else {
            length2 -= 1;
        }
    }
    let name1 = clip(name1, length1);
    match name2 {
        Some(name2) => format!("{name1}_{}_{label}", clip(name2, length2)),
        None => format!("{name1}_{label}"),
    }
}

/// As the catalogs keep a name that was written too long (truncate_identifier, scansup.c).
#[must_use]
pub fn clip(name: &str, length: usize) -> &str {
    let mut end = length.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// A name for a relation or index that is not taken yet (ChooseRelationName, indexcmds.c). Names of constraint indexes
/// must differ from those of constraints, too. On majors before 18 a NOT NULL has no name: `named_not_null`.
pub fn choose_relation_name(
    schema: &Schema,
    namespace: &QName,
    name1: &str,
    name2: Option<&str>,
    label: &str,
    for_constraint: bool,
    named_not_null: impl Fn() -> bool,
) -> String {
    numbered(name1, name2, label, |name| {
        let name = namespace.sibling(name);
        schema.has_class(&name) || (for_constraint && constraint_exists(schema, &name, &named_not_null))
    })
}

/// A name for a constraint that is not taken yet in the whole schema (ChooseConstraintName, pg_constraint.c); `others` are
/// names given earlier in the same statement.
pub fn choose_constraint_name(
    schema: &Schema,
    namespace: &QName,
    name1: &str,
    name2: Option<&str>,
    label: &str,
    others: &[String],
    named_not_null: impl Fn() -> bool,
) -> String {
    numbered(name1, name2, label, |name| {
        others.iter().any(|other| other == name) || constraint_exists(schema, &namespace.sibling(name), &named_not_null)
    })
}

fn numbered(name1: &str, name2: Option<&str>, label: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut name = object_name(name1, name2, label);
    for pass in 1.. {
        if !taken(&name) {
            break;
        }
        name = object_name(name1, name2, &format!("{label}{pass}"));
    }
    name
}

fn constraint_exists(schema: &Schema, name: &QName, named_not_null: impl Fn() -> bool) -> bool {
    schema
        .constraints_named(name)
        .any(|(_, constraint)| !matches!(constraint.kind, ConstraintKind::NotNull { .. }) || named_not_null())
}

/// The middle part of a name made from several columns (ChooseIndexNameAddition, indexcmds.c, and
/// ChooseForeignKeyConstraintNameAddition, tablecmds.c).
#[must_use]
pub fn columns_addition<'a>(columns: impl IntoIterator<Item = &'a str>) -> String {
    let mut addition = String::new();
    for column in columns {
        if !addition.is_empty() {
            addition.push('_');
        }
        addition.push_str(column);
        if addition.len() > LONGEST {
            break;
        }
    }
    addition
}

/// The column names of an index: columns by name, expressions by what they call, repeated names numbered
/// (ChooseIndexColumnNames, indexcmds.c).
#[must_use]
pub fn index_columns<'a>(elements: impl IntoIterator<Item = (Option<&'a str>, Option<&'a Expr>)>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (column, expression) in elements {
        let original = match (column, expression) {
            (Some(column), _) => column.to_owned(),
            (None, Some(expression)) => figure_name(expression).0.unwrap_or_else(|| "expr".to_owned()),
            (None, None) => "expr".to_owned(),
        };
        let mut name = original.clone();
        let mut number = 1;
        while names.contains(&name) {
            let suffix = number.to_string();
            name = format!("{}{suffix}", clip(&original, LONGEST - suffix.len()));
            number += 1;
        }
        names.push(name);
    }
    names
}

/// The name of an output column without AS, with its strength: 2 for a column or a call, 1 for a guess, 0 for none
/// (FigureColnameInternal, parse_target.c).
fn figure_name(expr: &Expr) -> (Option<String>, u8) {
    let named = |name: &str| (Some(name.to_owned()), 2);
    match expr {
        Expr::Column(parts) => parts.last().map_or((None, 0), |name| named(name)),
        Expr::Call { name, .. } => named(&name.name),
        Expr::Cast { operand, ty } => match figure_name(operand) {
            (name, strength) if strength > 1 => (name, strength),
            _ => (Some(ty.name.clone()), 1),
        },
        Expr::Collate { operand, .. } => figure_name(operand),
        Expr::Coalesce(_) => named("coalesce"),
        Expr::Array(_) => named("array"),
        Expr::Row(_) => named("row"),
        Expr::SqlValue(name) => named(&name.to_lowercase()),
        Expr::Case(_) => (Some("case".to_owned()), 1),
        _ => (None, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_name_is_cut_first_and_never_inside_a_character() {
        let long = "a".repeat(60);
        assert_eq!(object_name("users", Some("email"), "key"), "users_email_key");
        assert_eq!(object_name("users", None, "pkey"), "users_pkey");
        assert_eq!(object_name(&long, Some("b"), "fkey"), format!("{}_b_fkey", "a".repeat(56)));
        assert_eq!(object_name(&long, Some(&long), "idx"), format!("{}_{}_idx", "a".repeat(29), "a".repeat(29)));
        let umlauts = "ä".repeat(30);
        assert_eq!(object_name(&umlauts, Some("b"), "seq"), format!("{}_b_seq", "ä".repeat(28)));
    }

    #[test]
    fn index_columns_are_named_by_column_or_call() {
        let call = Expr::Call {
            name: syntax::ast::Name { schema: None, name: "lower".into(), span: syntax::Span::default() },
            arguments: vec![Expr::Column(vec!["email".into()])],
        };
        let sum = Expr::Operator { name: "+".into(), left: None, right: Box::new(Expr::Number("1".into())) };
        let names = index_columns([(Some("a"), None), (None, Some(&call)), (None, Some(&sum)), (Some("a"), None)]);
        assert_eq!(names, ["a", "lower", "expr", "a1"]);
    }
}
