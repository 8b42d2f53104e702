//! What stands around the statements: comments, blank lines, terminators. Every comment belongs to one statement.

use syntax::ast::MaskedKind;
use syntax::lex::{self, TokenKind};

use crate::Request;

/// The surroundings of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Around {
    /// Comments and psql commands above it, up to its first byte, without blank lines at the beginning.
    pub above: String,
    /// A blank line stands above all that.
    pub spaced: bool,
    /// From its last byte on: the terminator, a comment on the same line, the data of COPY.
    pub below: String,
}

impl Around {
    /// Comments between the last word of the statement and its terminator.
    pub fn before_terminator(&self) -> Vec<String> {
        let tokens = lex::tokens(&self.below).into_iter().take_while(|token| token.kind != TokenKind::Semicolon);
        tokens.filter(|token| token.is_comment()).map(|token| token.span.slice(&self.below).to_owned()).collect()
    }

    /// A comment on the line of the terminator, the data of COPY.
    pub fn behind_terminator(&self) -> &str {
        let terminator = lex::tokens(&self.below).into_iter().find(|token| token.kind == TokenKind::Semicolon);
        terminator.map_or("", |token| &self.below[token.span.end as usize..])
    }
}

/// One per statement, and what follows the last one.
pub(crate) fn layout(request: &Request) -> (Vec<Around>, String) {
    let text = request.text;
    let statements = &request.script.statements;
    let mut position = request.section.start as usize;
    let mut found = Vec::with_capacity(statements.len());
    for (index, statement) in statements.iter().enumerate() {
        let gap = unmarked(request, position, statement.span.start as usize);
        let (above, spaced) = above(&gap);
        let limit = statements.get(index + 1).map_or(request.section.end, |next| next.span.start) as usize;
        position = end_of(request, statement.end as usize, limit);
        let tail = &text[statement.span.end as usize..statement.end as usize];
        let mut below = if tail.contains(';') { tail.to_owned() } else { ";".to_owned() };
        below.push_str(&unmarked(request, statement.end as usize, position));
        found.push(Around { above, spaced: spaced && index > 0, below });
    }
    let rest = unmarked(request, position, (request.section.end as usize).max(position));
    (found, rest.trim().to_owned())
}

/// Where that ends which belongs to the statement before `end`: a comment on the same line, the data of COPY.
fn end_of(request: &Request, end: usize, limit: usize) -> usize {
    let text = request.text;
    let copied = request.script.masked.iter().find(|masked| {
        masked.kind == MaskedKind::CopyData
            && masked.span.start as usize >= end
            && masked.span.end as usize <= limit
            && text[end..masked.span.start as usize].trim().is_empty()
    });
    if let Some(copied) = copied {
        return copied.span.end as usize;
    }
    let line = text[end..limit].split(['\n', '\r']).next().unwrap_or_default();
    // A block comment that goes on below this line, or another statement behind it, ends the search.
    let comments = lex::tokens(line);
    if comments.is_empty() || !comments.iter().all(|token| token.is_comment()) {
        return end;
    }
    if line.len() == limit - end && limit != request.section.end as usize {
        return end;
    }
    end + line.trim_end().len()
}

/// The text between two offsets without the marks of the migration tool, and without the lines that only they stood on.
fn unmarked(request: &Request, start: usize, end: usize) -> String {
    let mut result = String::new();
    let mut position = start;
    for mark in request.marks.iter().filter(|mark| start <= mark.start as usize && mark.end as usize <= end) {
        let (from, to) = (mark.start as usize, mark.end as usize);
        if from < position {
            continue;
        }
        result.push_str(&request.text[position..from]);
        let alone = result.rsplit('\n').next().is_none_or(|line| line.trim().is_empty());
        let rest = &request.text[to..end];
        position = match rest.find('\n') {
            Some(line) if alone && rest[..line].trim().is_empty() => to + line + 1,
            _ => to,
        };
    }
    result.push_str(&request.text[position..end]);
    result
}

/// A gap without its leading blank lines, and whether there is one. A gap of white space leaves nothing.
fn above(gap: &str) -> (String, bool) {
    let content = gap.trim_start();
    let blank = &gap[..gap.len() - content.len()];
    (content.to_owned(), blank.matches('\n').count() > 1)
}
