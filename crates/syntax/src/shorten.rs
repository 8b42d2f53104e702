//! Long lists made short before they are parsed.
//!
//! A seed file can be one INSERT of a million rows. Its tree would take gigabytes and say nothing that the first rows do
//! not say. An element of a list is left out when enough elements were kept and one of them has the same shape: the same
//! tokens but for the values of constants. Then the grammar accepts it exactly if it accepts the one that was kept.

use std::hash::{DefaultHasher, Hasher};

use crate::convert::source::Part;
use crate::lex::{self, Token, TokenKind};
use crate::span::Span;

/// Shorter statements are parsed as they are.
const LONG: usize = 16 << 10;
/// So many elements of a list stay.
const KEPT: usize = 64;
/// So many shapes of a list are remembered.
const SHAPES: usize = 64;

#[derive(Debug)]
pub struct Short {
    pub text: String,
    /// Where the parts of `text` stand in the statement.
    pub parts: Vec<Part>,
    /// Rows left out of the outermost VALUES.
    pub rows: usize,
}

/// The statement without most of its long lists; `None` when nothing can be left out.
#[must_use]
pub fn shorten(sql: &str, standard_strings: bool) -> Option<Short> {
    if sql.len() < LONG {
        return None;
    }
    let bytes = sql.as_bytes();
    let mut walk = Walk::new(sql);
    let mut position = 0;
    let mut first = true;
    while let Some(token) = lex::next(bytes, position, standard_strings) {
        position = token.span.end as usize;
        if token.is_comment() {
            continue;
        }
        // In other statements the elements matter one by one: the values of a partition, of an enum.
        if first
            && !["INSERT", "UPDATE", "DELETE", "SELECT", "WITH", "MERGE", "VALUES"]
                .iter()
                .any(|word| token.is(sql, word))
        {
            return None;
        }
        first = false;
        if matches!(token.kind, TokenKind::Unclosed | TokenKind::Junk) {
            return None;
        }
        walk.token(token);
    }
    walk.finish()
}

/// A list being read. The elements of parentheses and of VALUES are separated by commas.
#[derive(Default)]
struct List {
    /// The rows behind a VALUES, which no parenthesis encloses.
    rows: bool,
    kept: usize,
    shapes: Vec<u64>,
    /// Where the current element begins.
    start: Option<u32>,
    tokens: usize,
    hash: DefaultHasher,
    /// The element is a constant, signed perhaps.
    constant: bool,
    /// The shapes of the elements in order: the shape of the whole list.
    whole: DefaultHasher,
    last: Option<TokenKind>,
}

struct Walk<'s> {
    sql: &'s str,
    /// Lists open now; those beyond `depth` are kept for their memory.
    lists: Vec<List>,
    depth: usize,
    /// VALUES was the last token.
    values: bool,
    out: String,
    parts: Vec<Part>,
    /// Up to here the text is copied or left out.
    copied: usize,
    /// The element before was left out: the copy goes on at the next token.
    resume: bool,
    rows: usize,
}

impl<'s> Walk<'s> {
    fn new(sql: &'s str) -> Self {
        let mut walk = Self {
            sql,
            lists: Vec::new(),
            depth: 0,
            values: false,
            out: String::new(),
            parts: Vec::new(),
            copied: 0,
            resume: false,
            rows: 0,
        };
        // The statement itself: a list whose commas separate nothing that is left out.
        walk.open(false);
        walk
    }

    fn open(&mut self, rows: bool) {
        if self.lists.len() == self.depth {
            self.lists.push(List::default());
        }
        let list = &mut self.lists[self.depth];
        let shapes = std::mem::take(&mut list.shapes);
        *list = List { rows, shapes, constant: true, ..List::default() };
        list.shapes.clear();
        self.depth += 1;
    }

    fn list(&mut self) -> &mut List {
        &mut self.lists[self.depth - 1]
    }

    fn token(&mut self, token: Token) {
        if std::mem::take(&mut self.resume) {
            self.copied = token.span.start as usize;
        }
        let values = std::mem::take(&mut self.values);
        match token.kind {
            TokenKind::LeftParen | TokenKind::LeftBracket => {
                if values && token.kind == TokenKind::LeftParen {
                    self.open(true);
                }
                self.begin_element(token);
                self.open(false);
            }
            TokenKind::RightParen | TokenKind::RightBracket => {
                // Rows end where the parenthesis around their VALUES closes.
                if self.list().rows {
                    self.close();
                }
                if self.depth > 1 {
                    self.close();
                }
            }
            TokenKind::Comma => self.comma(token),
            _ => {
                if self.list().rows {
                    // ON CONFLICT, RETURNING, AS: no row any more.
                    self.close();
                }
                self.begin_element(token);
                self.part_of_element(token);
                self.values = token.is(self.sql, "VALUES");
            }
        }
    }

    fn begin_element(&mut self, token: Token) {
        let list = self.list();
        list.start.get_or_insert(token.span.start);
    }

    /// Takes a token into the shape of the element it stands in.
    fn part_of_element(&mut self, token: Token) {
        let text = token.span.slice(self.sql);
        let list = &mut self.lists[self.depth - 1];
        let value = match token.kind {
            TokenKind::Integer | TokenKind::Float | TokenKind::String | TokenKind::DollarString => true,
            TokenKind::PrefixedString => plain_escapes(text),
            TokenKind::Word => ["NULL", "TRUE", "FALSE"].iter().any(|word| text.eq_ignore_ascii_case(word)),
            _ => false,
        };
        let sign = token.kind == TokenKind::Operator && matches!(text, "-" | "+") && list.tokens == 0;
        let signed = list.tokens == 1
            && list.last == Some(TokenKind::Operator)
            && matches!(token.kind, TokenKind::Integer | TokenKind::Float);
        list.constant &= sign || signed || (value && list.tokens == 0);
        list.tokens += 1;
        // Two strings make one only across a line break: such an element has no shape but its own text.
        let adjacent = matches!(token.kind, TokenKind::String | TokenKind::PrefixedString)
            && matches!(list.last, Some(TokenKind::String | TokenKind::PrefixedString | TokenKind::BitString));
        list.hash.write_u8(token.kind as u8);
        if adjacent {
            list.hash.write_u32(token.span.start);
        } else if token.kind == TokenKind::Word {
            for byte in text.bytes() {
                list.hash.write_u8(byte.to_ascii_lowercase());
            }
        } else if !value {
            list.hash.write(text.as_bytes());
        }
        list.last = Some(token.kind);
    }

    /// The shape of the element that ends here.
    fn shape(list: &mut List) -> u64 {
        let constant = list.constant && list.tokens > 0 && list.last != Some(TokenKind::Operator);
        let shape = if constant { 1 } else { list.hash.finish() };
        list.whole.write_u64(shape);
        list.hash = DefaultHasher::new();
        list.tokens = 0;
        list.constant = true;
        list.last = None;
        shape
    }

    fn comma(&mut self, comma: Token) {
        let outermost = self.depth == 1;
        let statement_rows = self.depth == 2 && self.list().rows;
        let list = self.list();
        let shape = Self::shape(list);
        let start = list.start.take();
        if outermost {
            return;
        }
        if list.kept >= KEPT && list.shapes.contains(&shape) {
            if let Some(start) = start {
                self.leave_out(start as usize, comma.span.end as usize);
                self.rows += usize::from(statement_rows);
            }
            return;
        }
        list.kept += 1;
        if list.shapes.len() < SHAPES && !list.shapes.contains(&shape) {
            list.shapes.push(shape);
        }
    }

    fn leave_out(&mut self, from: usize, to: usize) {
        self.copy_to(from);
        self.copied = to;
        self.resume = true;
    }

    fn copy_to(&mut self, to: usize) {
        if self.copied < to {
            self.parts.push(Part::copy(self.out.len(), self.copied));
            self.out.push_str(&self.sql[self.copied..to]);
        }
    }

    /// The innermost list ends; its shape is part of the element it stands in.
    fn close(&mut self) {
        let list = self.list();
        Self::shape(list);
        let whole = list.whole.finish();
        self.depth -= 1;
        let outer = self.list();
        outer.hash.write_u64(whole);
        outer.tokens += 2;
        outer.constant = false;
        outer.last = None;
    }

    fn finish(mut self) -> Option<Short> {
        if self.copied == 0 {
            return None;
        }
        self.copy_to(self.sql.len());
        Some(Short { text: self.out, parts: self.parts, rows: self.rows })
    }
}

/// The lexer rejects some escapes by their value: numeric ones.
fn plain_escapes(text: &str) -> bool {
    let mut bytes = text.bytes();
    if matches!(bytes.next(), Some(b'u' | b'U')) {
        return false;
    }
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && matches!(bytes.next(), Some(b'0'..=b'9' | b'x' | b'u' | b'U' | b'\'') | None) {
            return false;
        }
    }
    true
}

/// Where a text that was shortened stands in its statement.
#[must_use]
pub fn place(parts: &[Part]) -> Vec<Part> {
    match parts.first() {
        Some(first) if first.at == 0 => parts.to_vec(),
        _ => [&[Part { at: 0, from: 0, whole: Some(Span::default()) }], parts].concat(),
    }
}
