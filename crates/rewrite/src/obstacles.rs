//! Files whose statements cannot be told apart at all.

use syntax::ast::{MaskedKind, StatementKind, TransactionKind};
use syntax::lex;

use crate::Request;

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
        match &*statement.parsed.kind {
            StatementKind::Invalid(_) => return Some(format!("statement {number} has a syntax error; mend it first")),
            StatementKind::Template(_) => {
                return Some(format!(
                    "statement {number} is a template, so that what will run is not known; put it into a migration of its own"
                ));
            }
            StatementKind::Transaction { kind }
                if !matches!(kind, TransactionKind::Begin | TransactionKind::Commit) =>
            {
                return Some("the file uses savepoints or rolls back; to have it split, leave that out".to_owned());
            }
            StatementKind::Transaction { .. } if has_options(statement.span.slice(request.text)) => {
                return Some(
                    "the file chooses the properties of its transaction; to have it split, leave that out".to_owned(),
                );
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
