//! Statements that must share a part.
//!
//! Some share state: a temporary table lives in one session, LOCK TABLE holds until the end of its transaction. And some count
//! on rows that nobody else changes meanwhile: copied and then deleted, deleted before a column that needs an empty table, or
//! rows of a system catalog.

use std::ops::Range;

use model::effect::FailsWhen;
use syntax::ast::{Persistence, Query, Statement, StatementKind};

use crate::fills::mentions;
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
        let Some((mut range, reason)) = session(request, index).or_else(|| rows(request, index)) else { continue };
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
        StatementKind::Prepare { .. } => Some((all, "a prepared statement or cursor lives in one session; to have the file split, do without it")),
        StatementKind::Discard { .. } => Some((all, "DISCARD changes the whole session")),
        StatementKind::Set(it) if it.name.starts_with("transaction") || it.name.contains("characteristics") => {
            Some((all, "the file chooses the properties of its transaction; to have it split, leave that out"))
        }
        kind if settings::setting(kind, "").is_some() => None,
        kind if uses_session(kind) => Some((all, "a function depends on what was called before in the same session; split the file by hand around both")),
        kind => temporary(kind)
            .map(|name| (index..last_mention(request, index, name) + 1, "a temporary table lives in one session; to have the file split, use a table that stays until the last step drops it")),
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
    let mentioned = |it: &usize| mentions(statements[*it].span.slice(request.text), name);
    (index..statements.len()).rev().find(mentioned).unwrap_or(index)
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
    let emptied: Vec<&str> = match kind {
        StatementKind::Delete(it) => vec![it.target.name.name.as_str()],
        StatementKind::Truncate { relations, .. } => relations.iter().map(|it| it.name.name.as_str()).collect(),
        _ => Vec::new(),
    };
    let fills = |it: &usize| matches!(&*statements[*it].parsed.kind, StatementKind::Insert(it) if emptied.contains(&it.target.name.name.as_str()));
    if let Some(end) = (index + 1..statements.len()).rev().filter(&same).find(fills) {
        return Some((index..end + 1, "others must not meet the table without the rows that are put back"));
    }
    let (target, facts) = match kind {
        StatementKind::Insert(it) => (&it.target.name, &it.facts),
        StatementKind::Update(it) => (&it.target.name, &it.facts),
        StatementKind::Delete(it) => (&it.target.name, &it.facts),
        _ => return None,
    };
    if target.schema.as_deref().map_or(target.name.starts_with("pg_"), |schema| schema == "pg_catalog") {
        let end = (index + 1..statements.len()).find(|it| !same(it) || is_control(&statements[*it]));
        let end = end.unwrap_or(statements.len());
        return Some((
            index..end,
            "it changes a system catalog, and what follows rests on that; split the file by hand around both",
        ));
    }
    let later = || (index + 1..statements.len()).rev().filter(&same);
    let reads = facts.reads.iter().map(|it| it.relation.name.name.as_str());
    let touched: Vec<&str> = reads.chain([target.name.as_str()]).collect();
    // What an UPDATE leaves where it was matters only when the deletion looks at it.
    let matters = |deletion: usize, table: &str| match kind {
        StatementKind::Update(it) if table == target.name && !touched[..touched.len() - 1].contains(&table) => {
            let sql = statements[deletion].span.slice(request.text);
            it.assignments.iter().any(|it| mentions(sql, &it.column))
        }
        _ => touched.contains(&table),
    };
    let empties = |it: &usize| match &*statements[*it].parsed.kind {
        StatementKind::Delete(deletion) => matters(*it, &deletion.target.name.name),
        StatementKind::Truncate { relations, .. } => {
            relations.iter().any(|it| touched.contains(&it.name.name.as_str()))
        }
        _ => false,
    };
    if let Some(end) = later().find(empties).filter(|_| !matches!(kind, StatementKind::Delete(_))) {
        return Some((
            index..end + 1,
            "rows written in between would be deleted without having been copied or changed; to have the file split, delete by a later migration, and only rows that were copied",
        ));
    }
    // A new column without a value goes into an empty table only.
    let needs_empty = |it: &usize| {
        let fails = request.trace.judged[*it].fails.as_ref().is_some_and(|failure| failure.when == FailsWhen::NotEmpty);
        let StatementKind::AlterTable(it) = &*statements[*it].parsed.kind else { return false };
        fails && it.relation.name.name == target.name
    };
    let end = later().find(needs_empty).filter(|_| matches!(kind, StatementKind::Delete(_)))?;
    Some((
        index..end + 1,
        "a column without a value for rows is added to a table that must still be empty then; to have the file split, add it with a DEFAULT, or nullable, and fill it before SET NOT NULL",
    ))
}
