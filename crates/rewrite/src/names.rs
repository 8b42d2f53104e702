//! Names: those that PostgreSQL generated, read from the schema after the statement, and those of our helpers.

use model::expr::placeless;
use model::name::QName;
use model::names::object_name;
use model::schema::{self, Relation, Schema};
use syntax::ast::{AlterAction, Constraint, ConstraintKind};

use crate::context::Site;

/// The name of a constraint that the statement adds; `column` is the column it stands in, when it stands in one.
pub(crate) fn constraint(site: &Site, constraint: &Constraint, column: Option<&str>) -> Option<String> {
    if let Some(name) = &constraint.name {
        return Some(name.text.clone());
    }
    let relation = site.operation.relation.as_ref()?;
    let before = site.before.relations.get(relation);
    let after = site.after.relations.get(relation)?;
    let given = given_names(site);
    // A name that was there before is new when the constraint of that name is another one now.
    let is_new = |it: &&schema::Constraint| {
        let old = before.and_then(|before| before.constraint(&it.name));
        old.is_none_or(|old| old.kind != it.kind || drops(site, &it.name))
    };
    after
        .constraints
        .iter()
        .filter(is_new)
        .filter(|it| !given.contains(&&*it.name))
        .find(|it| is_same(&it.kind, constraint, column))
        .map(|it| it.name.to_string())
}

fn drops(site: &Site, constraint: &str) -> bool {
    site.alter_table().is_some_and(|it| {
        it.subcommands
            .iter()
            .any(|it| matches!(&it.action, AlterAction::DropConstraint { name, .. } if name.text == constraint))
    })
}

/// The names that the statement gives itself.
fn given_names<'a>(site: &Site<'a>) -> Vec<&'a str> {
    let subcommands = site.alter_table().map(|it| it.subcommands.as_slice()).unwrap_or_default();
    let mut names = Vec::new();
    for subcommand in subcommands {
        let constraints = match &subcommand.action {
            AlterAction::AddConstraint(it) => std::slice::from_ref(it),
            AlterAction::AddColumn { column, .. } => &column.constraints,
            _ => continue,
        };
        names.extend(constraints.iter().filter_map(|it| it.name.as_ref()).map(|name| name.text.as_str()));
    }
    names
}

fn is_same(kind: &schema::ConstraintKind, written: &Constraint, column: Option<&str>) -> bool {
    let columns = |names: &[std::sync::Arc<str>], idents: &[syntax::ast::Ident]| {
        if idents.is_empty() {
            names.len() == 1 && column == Some(&*names[0])
        } else {
            names.len() == idents.len() && names.iter().zip(idents).all(|(a, b)| **a == *b.text)
        }
    };
    match (kind, &written.kind) {
        (schema::ConstraintKind::Check { expr, .. }, ConstraintKind::Check(it)) => *expr == placeless(&it.expr),
        (schema::ConstraintKind::Unique { columns: names }, ConstraintKind::Unique(it))
        | (schema::ConstraintKind::PrimaryKey { columns: names }, ConstraintKind::PrimaryKey(it)) => {
            columns(names, &it.columns)
        }
        (schema::ConstraintKind::ForeignKey { columns: names, .. }, ConstraintKind::ForeignKey(it)) => {
            columns(names, &it.columns)
        }
        _ => false,
    }
}

/// The name of the index that a CREATE INDEX makes.
pub(crate) fn created_index(site: &Site) -> Option<String> {
    let relation = site.operation.relation.as_ref()?;
    site.after
        .indexes_of(relation)
        .find(|index| !site.before.indexes.contains_key(&index.name))
        .map(|index| index.name.name.to_string())
}

/// A constraint name that the table does not use and that PostgreSQL never generates: its own end in `_check`, `_not_null`,
/// `_key`, `_fkey`, `_pkey` or `_excl`, with or without digits (ChooseConstraintName, pg_constraint.c).
pub(crate) fn helper(relation: Option<&Relation>, table: &QName, column: &str, label: &str) -> String {
    let mut name = object_name(&table.name, Some(column), label);
    let mut number = 0;
    while relation.is_some_and(|relation| relation.constraint(&name).is_some()) {
        number += 1;
        name = object_name(&table.name, Some(column), &format!("{label}{number}"));
    }
    name
}

/// The name of a relation beside the table, for a helper.
pub(crate) fn helper_relation(schema: &Schema, table: &QName, column: &str, label: &str) -> String {
    let mut name = object_name(&table.name, Some(column), label);
    let mut number = 0;
    while schema.has_class(&table.sibling(&name)) {
        number += 1;
        name = object_name(&table.name, Some(column), &format!("{label}{number}"));
    }
    name
}
