//! Edits of the original text, which keep every byte that they are not about.

use syntax::Span;
use syntax::lex::{self, Token, TokenKind};

/// The text below `span`, which counts from the beginning of the statement, becomes `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub span: Span,
    pub text: String,
}

impl Edit {
    pub fn insert(at: u32, text: impl Into<String>) -> Self {
        Self { span: Span { start: at, end: at }, text: text.into() }
    }

    pub fn cut(span: Span) -> Self {
        Self { span, text: String::new() }
    }
}

/// The edited part of `text` below `within`. Edits outside of it do not count; where two overlap the first one counts.
pub(crate) fn apply(text: &str, within: Span, edits: &[Edit]) -> String {
    let mut edits: Vec<&Edit> = edits.iter().filter(|edit| within.contains(edit.span)).collect();
    edits.sort_by_key(|edit| edit.span.start);
    let mut result = String::new();
    let mut position = within.start;
    for edit in edits {
        if edit.span.start < position {
            continue;
        }
        result.push_str(Span { start: position, end: edit.span.start }.slice(text));
        result.push_str(&edit.text);
        position = edit.span.end;
    }
    result.push_str(Span { start: position, end: within.end }.slice(text));
    result
}

/// Ends a statement. A line comment at its end would swallow the terminator.
pub(crate) fn terminated(mut sql: String) -> String {
    if lex::tokens(&sql).last().is_some_and(|token| token.kind == TokenKind::LineComment) {
        sql.push('\n');
    }
    sql.push(';');
    sql
}

/// The tokens of a text on one line, without comments. Only between two strings a line break means something: it joins them.
pub(crate) fn on_one_line(text: &str) -> String {
    let mut result = String::new();
    let mut last: Option<Token> = None;
    for token in lex::tokens(text).into_iter().filter(|token| !token.is_comment()) {
        if let Some(last) = last.replace(token)
            && last.span.end < token.span.start
        {
            let strings = is_string(last.kind) && token.kind == TokenKind::String;
            result.push(if strings { '\n' } else { ' ' });
        }
        result.push_str(token.span.slice(text));
    }
    result
}

fn is_string(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::String | TokenKind::PrefixedString | TokenKind::BitString)
}

/// `SELECT '<text>'`: a string literal that reads the same whatever standard_conforming_strings says.
pub(crate) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_keep_the_rest() {
        let text = "CREATE  INDEX /* x */ ON t (a)";
        let edits = [Edit::insert(13, " CONCURRENTLY"), Edit::cut(Span::new(14, 21))];
        assert_eq!(apply(text, Span::new(0, text.len()), &edits), "CREATE  INDEX CONCURRENTLY  ON t (a)");
    }

    #[test]
    fn a_line_comment_does_not_swallow_the_terminator() {
        assert_eq!(terminated("ALTER TABLE t ADD a int -- a".to_owned()), "ALTER TABLE t ADD a int -- a\n;");
    }

    #[test]
    fn one_line_keeps_what_the_tokens_mean() {
        assert_eq!(on_one_line("a =  /* x */ 'b'\n  'c' -- d\n AND\n(e)"), "a = 'b'\n'c' AND (e)");
    }

    #[test]
    fn literals_are_quoted() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\b'"), "E'a\\\\b'''");
    }
}
