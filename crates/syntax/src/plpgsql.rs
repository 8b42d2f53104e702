//! Routine bodies lowered to the statements inside them.

use crate::ast::{Body, Do, StatementKind};
use crate::convert::source::Source;
use crate::ffi::Node;
use crate::nodes::{self as pg, Kind};

pub fn do_statement(source: &Source<'_>, node: &pg::DoStmt<'_>) -> StatementKind {
    let mut language = "plpgsql".to_owned();
    let mut text = None;
    for option in node.args.iter() {
        let Kind::DefElem(option) = option.kind() else { continue };
        match option.defname.get() {
            "language" => language = option.arg.and_then(Node::string).unwrap_or_default().to_ascii_lowercase(),
            "as" => text = source.at(option.location),
            _ => {}
        }
    }
    let at = text.unwrap_or(1);
    StatementKind::Do(Do { body: body(source, at, &language), language })
}

/// The body in the string at a token.
pub fn body(source: &Source<'_>, at: usize, _language: &str) -> Body {
    let span = source.tokens_span(at, at + 1);
    Body { span, statements: Vec::new(), opaque: vec![span], commits: Vec::new() }
}
