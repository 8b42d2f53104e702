//! What a statement takes away and a later one gives back. Between `DISABLE TRIGGER` and `ENABLE TRIGGER`, `DROP DEFAULT` and
//! `SET DEFAULT`, or `DROP VIEW` and `CREATE VIEW` of one transaction nobody else ever works without it. Parts that commit
//! between the two would let others, silently or with errors.

use std::fmt;

use model::schema::Schema;
use syntax::ast::{AlterAction, AlterTable, ObjectKind, StatementKind};

/// Something that a statement takes away and a later one may give back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    Triggers {
        table: String,
    },
    Rules {
        table: String,
    },
    RowSecurity {
        table: String,
    },
    Policies {
        table: String,
    },
    Default {
        table: String,
        column: String,
    },
    Identity {
        table: String,
        column: String,
    },
    Column {
        table: String,
        column: String,
    },
    /// A trigger function that fits the columns of its tables.
    Function(String),
    /// A table, view, type, function, ... under this name.
    Name(String),
    /// Not being open to all who have what the schema grants by default.
    Closed(String),
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Triggers { table } => write!(f, "{table} would be without triggers"),
            Self::Rules { table } => write!(f, "{table} would be without rules"),
            Self::RowSecurity { table } => write!(f, "{table} would be without row security"),
            Self::Policies { table } => write!(f, "{table} would be without policies"),
            Self::Default { table, column } => write!(f, "{table}.{column} would be without its default"),
            Self::Identity { table, column } => write!(f, "{table}.{column} would be without its identity"),
            Self::Column { table, column } => write!(f, "{table} would be without column {column}"),
            Self::Function(name) => write!(f, "the triggers that call {name} would fail over a column that is gone"),
            Self::Name(name) => write!(f, "{name} would be missing"),
            Self::Closed(name) => {
                return write!(
                    f,
                    "{name} would be open to everybody for a while, which the original makes and closes at once"
                );
            }
        }?;
        f.write_str(" for a while, which the original takes away and gives back at once")
    }
}

pub(crate) fn taken(kind: &StatementKind) -> Vec<Loss> {
    match kind {
        StatementKind::AlterTable(it) => table_changes(it, false),
        StatementKind::Drop(it) => it
            .names
            .iter()
            .map(|dropped| match (it.object, &dropped.relation) {
                (ObjectKind::Trigger, Some(table)) => Loss::Triggers { table: table.name.clone() },
                (ObjectKind::Rule, Some(table)) => Loss::Rules { table: table.name.clone() },
                (ObjectKind::Policy, Some(table)) => Loss::Policies { table: table.name.clone() },
                _ => Loss::Name(dropped.name.name.clone()),
            })
            .filter(|_| it.object != ObjectKind::Index)
            .collect(),
        StatementKind::Rename(it) => match (it.object, &it.relation) {
            (ObjectKind::Column, Some(table)) => {
                vec![Loss::Column { table: table.name.clone(), column: it.name.name.clone() }]
            }
            (ObjectKind::TableConstraint | ObjectKind::Index | ObjectKind::DomainConstraint, _) => Vec::new(),
            _ => vec![Loss::Name(it.name.name.clone())],
        },
        StatementKind::CreateTable(it) => vec![Loss::Closed(it.name.name.clone())],
        StatementKind::CreateTableAs(it) => vec![Loss::Closed(it.name.name.clone())],
        StatementKind::CreateView(it) => vec![Loss::Closed(it.name.name.clone())],
        StatementKind::CreateFunction(it) => vec![Loss::Closed(it.name.name.clone())],
        _ => Vec::new(),
    }
}

/// The functions of triggers that may still name a column which goes, or gets another name.
pub(crate) fn outdated(kind: &StatementKind, before: &Schema, search_path: &[String]) -> Vec<Loss> {
    let table = match kind {
        StatementKind::AlterTable(it) => {
            let drops = it.subcommands.iter().any(|it| matches!(it.action, AlterAction::DropColumn { .. }));
            drops.then_some(&it.relation.name)
        }
        StatementKind::Rename(it) if it.object == ObjectKind::Column => it.relation.as_ref(),
        _ => None,
    };
    let table = table.and_then(|it| before.relations.get(&before.resolve(it, search_path)));
    let triggers = table.into_iter().flat_map(|it| &it.triggers);
    triggers.map(|trigger| Loss::Function(trigger.function.name.to_string())).collect()
}

pub(crate) fn given(kind: &StatementKind) -> Vec<Loss> {
    let name = |name: &syntax::ast::Name| vec![Loss::Name(name.name.clone())];
    match kind {
        StatementKind::AlterTable(it) => table_changes(it, true),
        StatementKind::CreateTrigger(it) => vec![Loss::Triggers { table: it.relation.name.clone() }],
        StatementKind::CreateRule { relation, .. } => vec![Loss::Rules { table: relation.name.clone() }],
        StatementKind::CreatePolicy { relation, .. } => vec![Loss::Policies { table: relation.name.clone() }],
        StatementKind::CreateTable(it) => name(&it.name),
        StatementKind::CreateTableAs(it) => name(&it.name),
        StatementKind::CreateView(it) => name(&it.name),
        StatementKind::CreateSequence(it) => name(&it.name),
        StatementKind::CreateFunction(it) => {
            vec![Loss::Name(it.name.name.clone()), Loss::Function(it.name.name.clone())]
        }
        StatementKind::CreateEnum { name: it, .. }
        | StatementKind::CreateComposite { name: it, .. }
        | StatementKind::CreateRange { name: it }
        | StatementKind::CreateDomain { name: it, .. } => name(it),
        StatementKind::Rename(it) => match (it.object, &it.relation) {
            (ObjectKind::Column, Some(table)) => {
                vec![Loss::Column { table: table.name.clone(), column: it.new_name.clone() }]
            }
            (ObjectKind::TableConstraint | ObjectKind::Index | ObjectKind::DomainConstraint, _) => Vec::new(),
            _ => vec![Loss::Name(it.new_name.clone())],
        },
        StatementKind::CreateSchema { name, .. } => name.iter().cloned().map(Loss::Name).collect(),
        StatementKind::Grant(it) if it.revoke => it.names.iter().map(|name| Loss::Closed(name.name.clone())).collect(),
        // What was dropped and made anew is of no use before.
        StatementKind::Grant(it) => it.names.iter().map(|name| Loss::Name(name.name.clone())).collect(),
        _ => Vec::new(),
    }
}

/// What the subcommands of an ALTER TABLE give back, or take away.
fn table_changes(it: &AlterTable, gives: bool) -> Vec<Loss> {
    let table = || it.relation.name.name.clone();
    let change = |action: &AlterAction| -> Option<(bool, Loss)> {
        let column = |name: &syntax::ast::Ident| (table(), name.text.clone());
        Some(match action {
            AlterAction::DisableTrigger { .. } => (false, Loss::Triggers { table: table() }),
            AlterAction::EnableTrigger { .. } => (true, Loss::Triggers { table: table() }),
            AlterAction::DisableRule { .. } => (false, Loss::Rules { table: table() }),
            AlterAction::EnableRule { .. } => (true, Loss::Rules { table: table() }),
            AlterAction::RowSecurity { enable } => (*enable, Loss::RowSecurity { table: table() }),
            AlterAction::ForceRowSecurity { force } => (*force, Loss::RowSecurity { table: table() }),
            AlterAction::DropDefault { column: it } | AlterAction::SetDefault { column: it, .. } => {
                let (table, column) = column(it);
                (matches!(action, AlterAction::SetDefault { .. }), Loss::Default { table, column })
            }
            AlterAction::DropIdentity { column: it, .. } | AlterAction::AddIdentity { column: it, .. } => {
                let (table, column) = column(it);
                (matches!(action, AlterAction::AddIdentity { .. }), Loss::Identity { table, column })
            }
            AlterAction::DropColumn { column: it, .. } => {
                let (table, column) = column(it);
                (false, Loss::Column { table, column })
            }
            AlterAction::AddColumn { column: it, .. } => {
                let (table, column) = column(&it.name);
                (true, Loss::Column { table, column })
            }
            _ => return None,
        })
    };
    let changes = it.subcommands.iter().filter_map(|it| change(&it.action));
    let mut found: Vec<Loss> = changes.filter(|(given, _)| *given == gives).map(|(_, loss)| loss).collect();
    // Who may read the table may read a new column of it.
    if !gives && it.subcommands.iter().any(|it| matches!(it.action, AlterAction::AddColumn { .. })) {
        found.push(Loss::Closed(table()));
    }
    // It closes a table, until a policy opens it to some.
    if it.subcommands.iter().any(|it| matches!(it.action, AlterAction::RowSecurity { enable: true })) {
        found.push(if gives { Loss::Closed(table()) } else { Loss::Policies { table: table() } });
    }
    found
}
