//! Rows of constants behind a header that was parsed before.
//!
//! A dump is thousands of `INSERT INTO t (a, b) VALUES (1, 'x');` in a row. When the text up to VALUES is that of an
//! INSERT parsed before, and constants follow it, the grammar accepts the statement and it means the same but for its
//! number of rows.

use std::sync::Arc;

use crate::ast::{Insert, InsertSource, Parsed, Query, StatementKind};
use crate::lex::{self, TokenKind};

/// An INSERT of rows that reads and calls nothing.
#[derive(Debug)]
pub struct Header {
    /// The text up to and with VALUES.
    text: String,
    /// The INSERT.
    kind: Arc<StatementKind>,
}

/// What later statements can be compared with, if the parsed one is such an INSERT.
#[must_use]
pub fn header(parsed: &Parsed) -> Option<Header> {
    let StatementKind::Insert(insert) = &*parsed.kind else { return None };
    let plain = matches!(insert.source, InsertSource::Values { .. })
        && !insert.on_conflict
        && insert.facts == Query::default()
        && parsed.needs.is_none();
    if !plain {
        return None;
    }
    let bytes = parsed.text.as_bytes();
    let (mut position, mut depth) = (0, 0_usize);
    while let Some(token) = lex::next(bytes, position, true) {
        position = token.span.end as usize;
        match token.kind {
            TokenKind::LeftParen => depth += 1,
            TokenKind::RightParen => depth = depth.saturating_sub(1),
            TokenKind::Word if depth == 0 && token.is(&parsed.text, "VALUES") => {
                // Only rows may follow: RETURNING and the like would have to be compared too.
                rows(&parsed.text, position)?;
                return Some(Header { text: parsed.text[..position].to_owned(), kind: Arc::clone(&parsed.kind) });
            }
            _ => {}
        }
    }
    None
}

impl Header {
    /// The text begins as the header does.
    #[must_use]
    pub fn begins(&self, text: &str) -> bool {
        text.starts_with(&self.text)
    }
}

/// The statement, if it is the header's with other constants.
#[must_use]
pub fn like(header: &Header, text: &str) -> Option<Arc<StatementKind>> {
    if !header.begins(text) {
        return None;
    }
    let rows = rows(text, header.text.len())?;
    let source = InsertSource::Values { rows };
    let StatementKind::Insert(insert) = &*header.kind else { return None };
    if insert.source == source {
        return Some(Arc::clone(&header.kind));
    }
    Some(Arc::new(StatementKind::Insert(Insert { source, ..insert.clone() })))
}

/// The number of rows when nothing but rows of constants stands from `position` on.
fn rows(text: &str, mut position: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut next = || {
        let token = lex::next(bytes, position, true);
        position = token.map_or(bytes.len(), |token| token.span.end as usize);
        token
    };
    let mut rows = 0;
    loop {
        if next()?.kind != TokenKind::LeftParen {
            return None;
        }
        loop {
            let mut token = next()?;
            let mut signed = false;
            if token.kind == TokenKind::Operator && matches!(token.span.slice(text), "-" | "+") {
                token = next()?;
                signed = true;
            }
            let value = token.span.slice(text);
            let constant = match token.kind {
                // Newer majors read more numbers.
                TokenKind::Integer | TokenKind::Float => !value.contains(['_', 'x', 'X', 'o', 'O', 'b', 'B']),
                TokenKind::String => !signed,
                TokenKind::Word => {
                    !signed && ["NULL", "TRUE", "FALSE"].iter().any(|word| value.eq_ignore_ascii_case(word))
                }
                _ => false,
            };
            if !constant {
                return None;
            }
            match next()?.kind {
                TokenKind::Comma => {}
                TokenKind::RightParen => break,
                _ => return None,
            }
        }
        rows += 1;
        match next() {
            None => return Some(rows),
            Some(token) if token.kind == TokenKind::Comma => {}
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Options, parse};

    /// Each statement reads the same alone and behind others.
    #[test]
    fn alike() {
        let text = "\
INSERT INTO t (a, \"B\") VALUES (1, 'x');
INSERT INTO t (a, \"B\") VALUES (-2.5e3, 'it''s'), (NULL, true);
INSERT INTO t (a, \"B\") VALUES (1 2, 'x');
INSERT INTO t (a, \"B\") VALUES (1, 'x' 'y');
INSERT INTO t (a, \"B\") VALUES (1_000, now());
INSERT INTO t (a, \"B\") VALUES (1, -'x') RETURNING a;
INSERT INTO t (a, \"B\") VALUES (1, 'x') ON CONFLICT DO NOTHING;
INSERT INTO t (a, \"B\") VALUES (1, /* c */ 'x'
  'y');
INSERT INTO t (a, \"B\") VALUES (0x1, 2);
INSERT INTO t (a, \"B\") VALUES ();
INSERT INTO u VALUES (1);
INSERT INTO u VALUES (2), (3);
";
        let script = parse(text, &Options::default());
        assert_eq!(script.statements.len(), 12);
        for statement in &script.statements {
            let alone = parse(&statement.parsed.text, &Options::default());
            assert_eq!(*alone.statements[0].parsed, *statement.parsed);
        }
    }
}
