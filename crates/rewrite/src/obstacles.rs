//! What keeps a whole file together: state of the session or of the transaction that its statements share.

use syntax::ast::{MaskedKind, Persistence, Query, StatementKind, TransactionKind};
use syntax::lex;

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

/// Why the file cannot be run in more than one transaction or session.
pub(crate) fn inseparable(request: &Request) -> Option<String> {
    for statement in &request.script.statements {
        let reason = match &statement.parsed.kind {
            StatementKind::LockTable { .. } => "LOCK TABLE holds its lock only until the end of its transaction",
            StatementKind::SetConstraints { deferred: true } => {
                "SET CONSTRAINTS holds only until the end of its transaction"
            }
            StatementKind::CreateTable(it) if it.persistence == Persistence::Temporary => TEMPORARY,
            StatementKind::CreateTableAs(it) if it.persistence == Persistence::Temporary => TEMPORARY,
            StatementKind::CreateView(it) if it.temporary => TEMPORARY,
            StatementKind::CreateSequence(it) if it.temporary => TEMPORARY,
            StatementKind::Prepare { .. } => "a prepared statement or cursor lives in one session",
            StatementKind::Discard { .. } => "DISCARD changes the whole session",
            StatementKind::Set(it) if it.name.starts_with("transaction") || it.name.contains("characteristics") => {
                "the file chooses the properties of its transaction"
            }
            kind if settings::setting(kind, "").is_some() => continue,
            kind if uses_session(kind) => "a function depends on what was called before in the same session",
            _ => continue,
        };
        return Some(reason.to_owned());
    }
    None
}

const TEMPORARY: &str = "a temporary table lives in one session";

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
