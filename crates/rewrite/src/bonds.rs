//! Statements that must share a part.
//!
//! Some share state: a temporary table lives in one session, LOCK TABLE holds until the end of its transaction. Others take
//! something away and give it back: between `DISABLE TRIGGER` and `ENABLE TRIGGER`, `DROP DEFAULT` and `SET DEFAULT`, or
//! `DROP VIEW` and `CREATE VIEW` of one transaction nobody else ever works without it. Parts that commit between the two
//! would let others, silently or with errors. And some count on rows that nobody else changes meanwhile: copied and then
//! deleted, deleted before a column that needs an empty table, or rows of a system catalog.

use std::ops::Range;

use model::effect::FailsWhen;
use syntax::ast::{AlterAction, AlterTable, ObjectKind, Persistence, Query, Statement, StatementKind};
use syntax::lex::{self, TokenKind};

use crate::{Request, settings};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bond {
    /// Indices of statements.
    pub statements: Range<usize>,
    pub reason: &'static str,
}

/// In order, none overlapping another.
pub(crate) fn bonds(request: &Request) -> Vec<Bond> {
    let statements = &request.script.statements;
    let mut found: Vec<Bond> = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let (mut range, reason) =
            match session(request, index).or_else(|| rows(request, index)).or_else(|| given_back(request, index)) {
                Some(bond) => bond,
                None => continue,
            };
        debug_assert!(range.contains(&index) && !statement.span.is_empty());
        // What spans transactions holds the whole file together.
        if statements[range.clone()].iter().any(is_control) {
            range = 0..statements.len();
        }
        found.push(Bond { statements: range, reason });
    }
    found.sort_by_key(|bond| bond.statements.start);
    let mut merged: Vec<Bond> = Vec::new();
    for bond in found {
        match merged.last_mut() {
            Some(last) if bond.statements.start < last.statements.end => {
                last.statements.end = last.statements.end.max(bond.statements.end);
            }
            _ => merged.push(bond),
        }
    }
    merged
}

fn is_control(statement: &Statement) -> bool {
    matches!(*statement.parsed.kind, StatementKind::Transaction { .. })
}

/// State of the session or transaction that begins with this statement.
fn session(request: &Request, index: usize) -> Option<(Range<usize>, &'static str)> {
    let statements = &request.script.statements;
    let all = 0..statements.len();
    let kind = &*statements[index].parsed.kind;
    let commit = statements[index..].iter().position(is_control).map_or(statements.len(), |end| index + end);
    match kind {
        StatementKind::LockTable { .. } => {
            Some((index..commit, "LOCK TABLE holds its lock only until the end of its transaction"))
        }
        StatementKind::SetConstraints { deferred: true } => {
            Some((index..commit, "SET CONSTRAINTS holds only until the end of its transaction"))
        }
        StatementKind::Prepare { .. } => Some((all, "a prepared statement or cursor lives in one session")),
        StatementKind::Discard { .. } => Some((all, "DISCARD changes the whole session")),
        StatementKind::Set(it) if it.name.starts_with("transaction") || it.name.contains("characteristics") => {
            Some((all, "the file chooses the properties of its transaction"))
        }
        kind if settings::setting(kind, "").is_some() => None,
        kind if uses_session(kind) => Some((all, "a function depends on what was called before in the same session")),
        kind => temporary(kind)
            .map(|name| (index..last_mention(request, index, name) + 1, "a temporary table lives in one session")),
    }
}

fn temporary(kind: &StatementKind) -> Option<&str> {
    match kind {
        StatementKind::CreateTable(it) if it.persistence == Persistence::Temporary => Some(&it.name.name),
        StatementKind::CreateTableAs(it) if it.persistence == Persistence::Temporary => Some(&it.name.name),
        StatementKind::CreateView(it) if it.temporary => Some(&it.name.name),
        StatementKind::CreateSequence(it) if it.temporary => Some(&it.name.name),
        _ => None,
    }
}

fn uses_session(kind: &StatementKind) -> bool {
    let facts: &Query = match kind {
        StatementKind::Select(it) => it,
        StatementKind::Insert(it) => &it.facts,
        StatementKind::Update(it) => &it.facts,
        StatementKind::Delete(it) => &it.facts,
        StatementKind::Merge { facts, .. } => facts,
        StatementKind::CreateTableAs(it) => &it.query,
        _ => return false,
    };
    facts.functions.iter().any(|function| {
        matches!(function.name.as_str(), "currval" | "lastval" | "set_config")
            || function.name.starts_with("pg_advisory")
    })
}

/// The last statement that has the name anywhere, in the text of a body too.
fn last_mention(request: &Request, index: usize, name: &str) -> usize {
    let statements = &request.script.statements;
    let mentions = |statement: &Statement| {
        let text = statement.span.slice(request.text);
        lex::tokens(text).iter().any(|token| match token.kind {
            TokenKind::Word | TokenKind::QuotedName => lex::fold(token.span.slice(text)) == name,
            TokenKind::DollarString | TokenKind::String | TokenKind::PrefixedString => {
                token.span.slice(text).contains(name)
            }
            _ => false,
        })
    };
    (index..statements.len()).rev().find(|it| mentions(&statements[*it])).unwrap_or(index)
}

/// Whether statements may share the transaction of this one, in which nobody else sees what it does.
fn together(request: &Request, index: usize) -> Option<impl Fn(&usize) -> bool> {
    let judged = &request.trace.judged;
    let transaction = judged.get(index)?.transaction;
    let same = move |it: &usize| judged.get(*it).is_some_and(|it| transaction.may_share(&it.transaction));
    (transaction.inside != Some(false)).then_some(same)
}

/// Rows that others must not see or change half-way.
fn rows(request: &Request, index: usize) -> Option<(Range<usize>, &'static str)> {
    let statements = &request.script.statements;
    let same = together(request, index)?;
    let kind = &*statements[index].parsed.kind;
    let (target, facts) = match kind {
        StatementKind::Insert(it) => (&it.target.name, &it.facts),
        StatementKind::Update(it) => (&it.target.name, &it.facts),
        StatementKind::Delete(it) => (&it.target.name, &it.facts),
        _ => return None,
    };
    if target.schema.as_deref().map_or(target.name.starts_with("pg_"), |schema| schema == "pg_catalog") {
        let end = (index + 1..statements.len()).find(|it| !same(it) || is_control(&statements[*it]));
        let end = end.unwrap_or(statements.len());
        return Some((index..end, "it changes a system catalog, and what follows rests on that"));
    }
    let later = || (index + 1..statements.len()).rev().filter(&same);
    let reads = facts.reads.iter().map(|it| it.relation.name.name.as_str());
    let touched: Vec<&str> = reads.chain([target.name.as_str()]).collect();
    let empties = |it: &usize| match &*statements[*it].parsed.kind {
        StatementKind::Delete(it) => touched.contains(&it.target.name.name.as_str()),
        StatementKind::Truncate { relations, .. } => {
            relations.iter().any(|it| touched.contains(&it.name.name.as_str()))
        }
        _ => false,
    };
    if let Some(end) = later().find(empties).filter(|_| !matches!(kind, StatementKind::Delete(_))) {
        return Some((index..end + 1, "what is deleted then must be what was copied or changed before"));
    }
    // A new column without a value goes into an empty table only.
    let needs_empty = |it: &usize| {
        let fails = request.trace.judged[*it].fails.as_ref().is_some_and(|failure| failure.when == FailsWhen::NotEmpty);
        let StatementKind::AlterTable(it) = &*statements[*it].parsed.kind else { return false };
        fails && it.relation.name.name == target.name
    };
    let end = later().find(needs_empty).filter(|_| matches!(kind, StatementKind::Delete(_)))?;
    Some((index..end + 1, "the table must still be empty then"))
}

/// Something that a statement takes away and a later one may give back.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Loss {
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
    /// A table, view, type, function, ... under this name.
    Name(String),
}

/// From this statement to the one that gives back what it takes, in the same transaction.
fn given_back(request: &Request, index: usize) -> Option<(Range<usize>, &'static str)> {
    let statements = &request.script.statements;
    let same = together(request, index)?;
    let kind = &*statements[index].parsed.kind;
    let losses = taken(kind);
    let later = index + 1..statements.len();
    let gain = later.rev().filter(&same).find(|it| {
        let gains = given(&statements[*it].parsed.kind);
        gains.iter().any(|gain| losses.contains(gain))
    })?;
    // The columns of a renamed type follow after the new one is there.
    let end = match kind {
        StatementKind::Rename(it) if it.object == ObjectKind::Type => last_mention(request, gain, &it.new_name),
        _ => gain,
    };
    let end = if same(&end) { end } else { gain };
    Some((index..end + 1, "it takes away what a later statement gives back, and others must not work without it"))
}

fn taken(kind: &StatementKind) -> Vec<Loss> {
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
        _ => Vec::new(),
    }
}

fn given(kind: &StatementKind) -> Vec<Loss> {
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
        StatementKind::CreateFunction(it) => name(&it.name),
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
    changes.filter(|(given, _)| *given == gives).map(|(_, loss)| loss).collect()
}
