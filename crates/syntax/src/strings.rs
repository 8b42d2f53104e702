//! The values of string tokens, with the way back to the source.

use crate::convert::source::Part;
use crate::lex::{self, Token, TokenKind};
use crate::span::Span;

/// A string's value and where its parts stand in the source.
#[derive(Clone, Debug, Default)]
pub struct Value {
    pub text: String,
    pub parts: Vec<Part>,
    /// Of the text inside the quotes.
    pub inner: Span,
}

impl Value {
    fn copy(&mut self, source: &str, from: usize, to: usize) {
        if from < to {
            self.parts.push(Part::copy(self.text.len(), from));
            self.text.push_str(&source[from..to]);
        }
    }

    fn replace(&mut self, from: usize, to: usize, value: char) {
        self.parts.push(Part::whole(self.text.len(), Span::new(from, to)));
        self.text.push(value);
    }
}

/// The value of a string token; `None` for tokens that are no string and for `U&''`.
pub fn value(source: &str, token: Token) -> Option<Value> {
    let (start, end) = (token.span.start as usize, token.span.end as usize);
    let bytes = source.as_bytes();
    match token.kind {
        TokenKind::DollarString => {
            let open = lex::dollar_tag(bytes, start)?;
            let close = end - (open - start);
            let mut value = Value { inner: Span::new(open, close), ..Value::default() };
            value.copy(source, open, close);
            Some(value)
        }
        TokenKind::String => Some(unquoted(source, start + 1, end - 1, false)),
        TokenKind::PrefixedString => match bytes[start] {
            b'e' | b'E' => Some(unquoted(source, start + 2, end - 1, true)),
            b'n' | b'N' => Some(unquoted(source, start + 2, end - 1, false)),
            b'\'' => Some(unquoted(source, start + 1, end - 1, true)),
            _ => None,
        },
        _ => None,
    }
}

/// Undoes doubled quotes and, with `escapes`, backslashes.
fn unquoted(source: &str, start: usize, end: usize, escapes: bool) -> Value {
    let bytes = source.as_bytes();
    let mut value = Value { inner: Span::new(start, end), ..Value::default() };
    let (mut copied, mut at) = (start, start);
    while at < end {
        match bytes[at] {
            b'\'' if at + 1 < end && bytes[at + 1] == b'\'' => {
                value.copy(source, copied, at);
                value.replace(at, at + 2, '\'');
                at += 2;
                copied = at;
            }
            b'\\' if escapes && at + 1 < end => {
                value.copy(source, copied, at);
                let (length, character) = escape(&source[at + 1..end]);
                value.replace(at, at + 1 + length, character);
                at += 1 + length;
                copied = at;
            }
            _ => at += 1,
        }
    }
    value.copy(source, copied, end);
    value
}

/// The character behind a backslash and how many bytes spell it (`scan.l`, state `xe`).
fn escape(rest: &str) -> (usize, char) {
    let digits = |from: usize, most: usize, radix: u32| {
        let digits: String = rest[from..].chars().take(most).take_while(|c| c.is_digit(radix)).collect();
        let character = u32::from_str_radix(&digits, radix).ok().and_then(char::from_u32);
        character.filter(|c| *c != '\0').map(|character| (from + digits.len(), character))
    };
    let Some(first) = rest.chars().next() else { return (0, '\\') };
    let special = match first {
        'b' => return (1, '\u{8}'),
        'f' => return (1, '\u{c}'),
        'n' => return (1, '\n'),
        'r' => return (1, '\r'),
        't' => return (1, '\t'),
        'x' => digits(1, 2, 16),
        'u' => digits(1, 4, 16),
        'U' => digits(1, 8, 16),
        '0'..='7' => digits(0, 3, 8),
        _ => None,
    };
    special.unwrap_or((first.len_utf8(), first))
}
