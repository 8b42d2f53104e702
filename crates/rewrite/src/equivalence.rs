//! Whether two ways through a migration leave the same schema.
//!
//! Both begin with the same schema, so only what they changed has to be compared. Column order, names that PostgreSQL
//! generated, comments, ownership, validity and the birth of relations and columns count. The order of constraints and
//! whether a name was written or generated do not, because the catalogs keep neither; nor does the birth of a constraint or
//! index, which tells a replaced one from the one before.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::sync::Arc;

use model::list::List;
use model::map::Map;
use model::schema::{Born, Constraint, ConstraintKind, Index, Relation, RelationKind, Schema};

/// What the steps leave that the original does not, and the other way round; empty when they are equivalent.
pub fn differences(original: &Schema, rewritten: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    each(&original.relations, &rewritten.relations, "relation", &mut found, relation);
    each(&original.indexes, &rewritten.indexes, "index", &mut found, index);
    each(&original.types, &rewritten.types, "type", &mut found, |a, b, found| same("type", &a.name, a, b, found));
    whole(&original.functions, &rewritten.functions, "function", &mut found);
    whole(&original.schemas, &rewritten.schemas, "schema", &mut found);
    whole(&original.extensions, &rewritten.extensions, "extension", &mut found);
    whole(&original.publications, &rewritten.publications, "publication", &mut found);
    whole(&original.statistics, &rewritten.statistics, "statistics object", &mut found);
    found
}

/// Walks only what is not shared.
fn each<K: Ord + Clone + Hash + Display, V: Eq, const PART: u8>(
    original: &Map<K, Arc<V>, PART>,
    rewritten: &Map<K, Arc<V>, PART>,
    what: &str,
    found: &mut Vec<String>,
    compare: impl Fn(&V, &V, &mut Vec<String>),
) {
    for it in original.diff(rewritten) {
        match (it.old, it.new) {
            (Some(a), Some(b)) => compare(a, b, found),
            (None, _) => found.push(format!("{what} {} exists only after the steps", it.key)),
            (_, None) => found.push(format!("{what} {} exists only after the original", it.key)),
        }
    }
}

fn whole<K: Ord + Clone + Hash + Display, V: Clone + PartialEq, const PART: u8>(
    original: &Map<K, V, PART>,
    rewritten: &Map<K, V, PART>,
    what: &str,
    found: &mut Vec<String>,
) {
    found.extend(original.diff(rewritten).map(|it| format!("{what} {} differs", it.key)));
}

/// Says what differs first.
fn same<T: PartialEq + Debug>(what: &str, name: &impl Display, a: &T, b: &T, found: &mut Vec<String>) {
    if a == b {
        return;
    }
    let (a, b) = (format!("{a:#?}"), format!("{b:#?}"));
    let line = a.lines().zip(b.lines()).find(|(a, b)| a != b);
    let (a, b) = line.map_or(("", ""), |(a, b)| (a.trim().trim_end_matches(','), b.trim().trim_end_matches(',')));
    // A list that only one of them has, or has more of, does not fit on a line.
    let listed = |it: &str| it.ends_with(['[', '{', '(', ']', '}', ')']);
    found.push(match a.split_once(": ") {
        _ if !listed(a) && !listed(b) => format!("{what} {name} differs ({a} becomes {b})"),
        Some((field, _)) => format!("{what} {name} differs ({field})"),
        None => format!("{what} {name} differs"),
    });
}

fn relation(a: &Relation, b: &Relation, found: &mut Vec<String>) {
    let name = &a.name;
    if a.columns.iter().map(|it| &it.name).ne(b.columns.iter().map(|it| &it.name)) {
        found.push(format!("the columns of {name} differ"));
    } else {
        for (a, b) in a.columns.iter().zip(&b.columns) {
            let plain = |column: &model::schema::Column| {
                let mut column = column.clone();
                if let Some(default) = &mut column.default {
                    default.text = "".into();
                }
                column
            };
            same("column", &format!("{}.{}", name, a.name), &plain(a), &plain(b), found);
        }
    }
    let names: BTreeSet<&Arc<str>> = a.constraints.iter().chain(&b.constraints).map(|it| &it.name).collect();
    for constraint in names {
        match (a.constraint(constraint), b.constraint(constraint)) {
            (Some(a), Some(b)) if a.validated && !b.validated => {
                found.push(format!("constraint {constraint} of {name} is left NOT VALID"));
            }
            (Some(a), Some(b)) => {
                same("constraint", constraint, &plain_constraint(a), &plain_constraint(b), found);
            }
            (Some(_), None) => found.push(format!("constraint {constraint} of {name} is missing")),
            (None, _) => found.push(format!("constraint {constraint} of {name} is too many")),
        }
    }
    let rest = |relation: &Relation| {
        let mut relation = relation.clone();
        relation.columns = List::default();
        relation.constraints = List::default();
        relation.triggers.sort_by_key(|it| it.name.clone());
        relation.policies.sort_by_key(|it| it.name.clone());
        relation.children.sort_by_key(Clone::clone);
        // A sequence's type and owner stand in fields of their own.
        relation
            .options
            .retain(|it| relation.kind != RelationKind::Sequence || !matches!(&*it.name, "as" | "owned_by"));
        // Whether rows were written is not part of the schema.
        relation.empty = false;
        relation
    };
    same("relation", name, &rest(a), &rest(b), found);
}

fn plain_constraint(constraint: &Constraint) -> Constraint {
    let mut constraint = constraint.clone();
    constraint.generated_name = false;
    constraint.born = Born::Before;
    if let ConstraintKind::Check { text, .. } = &mut constraint.kind {
        *text = "".into();
    }
    constraint
}

fn index(a: &Index, b: &Index, found: &mut Vec<String>) {
    let plain = |index: &Index| {
        let mut index = index.clone();
        index.predicate_text = None;
        index.born = Born::Before;
        for element in &mut index.elements {
            element.text = "".into();
        }
        index
    };
    match (a.valid, b.valid) {
        (true, false) => found.push(format!("index {} is left invalid", a.name)),
        _ => same("index", &a.name, &plain(a), &plain(b), found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Made {
        options: Vec<&'static str>,
        unique: bool,
    }

    #[test]
    fn lists_are_told_by_name() {
        let drawn = |b: Made| {
            let mut found = Vec::new();
            same("index", &"i", &Made { options: Vec::new(), unique: false }, &b, &mut found);
            found.join("")
        };
        assert_eq!(drawn(Made { options: vec!["fillfactor=60"], unique: false }), "index i differs (options)");
        assert_eq!(
            drawn(Made { options: Vec::new(), unique: true }),
            "index i differs (unique: false becomes unique: true)"
        );
    }
}
