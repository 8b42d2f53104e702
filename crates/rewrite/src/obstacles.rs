//! What keeps statements or a whole file together: state of the session or of the transaction that they share.

use std::ops::Range;

use syntax::ast::{MaskedKind, Persistence, Query, StatementKind, TransactionKind};
use syntax::lex::{self, TokenKind};

use crate::{Request, settings};

/// Why the statements of the file cannot be told apart at all.
pub(crate) fn incomprehensible(request: &Request) -> Option<String> {
    for masked in &request.script.masked {
        if let MaskedKind::Psql { command, .. } = &masked.kind
            && !HARMLESS.contains(&command.as_str())
        {
            return Some(format!("the psql command \\{command} changes what is run"));
        }
    }
    for (index, statement) in request.script.statements.iter().enumerate() {
        let number = index + 1;
        match &statement.parsed.kind {
            StatementKind::Invalid(_) => return Some(format!("statement {number} has a syntax error")),
            StatementKind::Template(_) => return Some(format!("statement {number} is a template")),
            StatementKind::Transaction { kind }
                if !matches!(kind, TransactionKind::Begin | TransactionKind::Commit) =>
            {
                return Some("the file uses savepoints or rolls back".to_owned());
            }
            StatementKind::Transaction { .. } if has_options(statement.span.slice(request.text)) => {
                return Some("the file chooses the properties of its transaction".to_owned());
            }
            _ => {}
        }
    }
    None
}

/// They print, or say how errors are treated, which is the same in every part.
const HARMLESS: [&str; 9] = ["echo", "encoding", "errverbose", "pset", "qecho", "set", "timing", "unset", "warn"];

/// BEGIN ISOLATION LEVEL ..., COMMIT AND CHAIN and the like.
fn has_options(text: &str) -> bool {
    const PLAIN: [&str; 6] = ["BEGIN", "START", "TRANSACTION", "WORK", "COMMIT", "END"];
    let tokens = lex::tokens(text);
    tokens.iter().any(|token| !token.is_comment() && !PLAIN.iter().any(|word| token.is(text, word)))
}

/// Statements that must share a part: they share state of the transaction or of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bond {
    pub statements: Range<usize>,
    pub reason: &'static str,
}

pub(crate) fn bonds(request: &Request) -> Vec<Bond> {
    let statements = &request.script.statements;
    let mut found: Vec<Bond> = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let kind = &statement.parsed.kind;
        let control = |it: &syntax::ast::Statement| matches!(it.parsed.kind, StatementKind::Transaction { .. });
        let rest = || statements[index..].iter().position(control).map_or(statements.len(), |end| index + end);
        let bond = match kind {
            StatementKind::LockTable { .. } => {
                Some((index..rest(), "LOCK TABLE holds its lock only until the end of its transaction"))
            }
            StatementKind::SetConstraints { deferred: true } => {
                Some((index..rest(), "SET CONSTRAINTS holds only until the end of its transaction"))
            }
            StatementKind::Prepare { .. } => {
                Some((0..statements.len(), "a prepared statement or cursor lives in one session"))
            }
            StatementKind::Discard { .. } => Some((0..statements.len(), "DISCARD changes the whole session")),
            StatementKind::Set(it) if it.name.starts_with("transaction") || it.name.contains("characteristics") => {
                Some((0..statements.len(), "the file chooses the properties of its transaction"))
            }
            kind if settings::setting(kind, "").is_some() => None,
            kind if uses_session(kind) => {
                Some((0..statements.len(), "a function depends on what was called before in the same session"))
            }
            kind => temporary(kind).map(|name| {
                let last = (index..statements.len()).rev().find(|it| mentions(request, *it, name)).unwrap_or(index);
                (index..last + 1, "a temporary table lives in one session")
            }),
        };
        let Some((mut range, reason)) = bond else { continue };
        // What spans transactions holds the whole file together.
        if statements[range.clone()].iter().any(control) {
            range = 0..statements.len();
        }
        match found.last_mut() {
            Some(last) if range.start < last.statements.end => {
                last.statements.end = last.statements.end.max(range.end);
                last.statements.start = last.statements.start.min(range.start);
            }
            _ => found.push(Bond { statements: range, reason }),
        }
    }
    // One that begins earlier may have been found later.
    if let Some(whole) = found.iter().find(|it| it.statements == (0..statements.len())) {
        return vec![whole.clone()];
    }
    found
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

/// Whether the name stands anywhere in the statement, in the text of a body too.
fn mentions(request: &Request, index: usize, name: &str) -> bool {
    let text = request.script.statements[index].span.slice(request.text);
    lex::tokens(text).iter().any(|token| match token.kind {
        TokenKind::Word | TokenKind::QuotedName => lex::fold(token.span.slice(text)) == name,
        TokenKind::DollarString | TokenKind::String | TokenKind::PrefixedString => {
            token.span.slice(text).contains(name)
        }
        _ => false,
    })
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
