//! Tokens by the rules of PostgreSQL's own lexer (`src/backend/parser/scan.l`).
//!
//! The grammar gives no position for most parts of a statement; these tokens do. Every byte of a text belongs to one token
//! or to white space, and a token that is never closed reaches to the end of the text.

use crate::span::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TokenKind {
    /// An unquoted identifier or a keyword.
    Word,
    /// `"x"` and `U&"x"`.
    QuotedName,
    /// `'x'` as the standard has it.
    String,
    /// `E'x'`, `U&'x'` and `N'x'`, and a plain string when backslashes escape.
    PrefixedString,
    /// `$$x$$` and `$tag$x$tag$`.
    DollarString,
    /// `b'01'` and `x'1f'`.
    BitString,
    /// Fits PostgreSQL's `int`.
    Integer,
    /// Any other number.
    Float,
    /// `$1`.
    Parameter,
    Operator,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    Comma,
    Semicolon,
    Dot,
    /// `..`
    DotDot,
    Colon,
    /// `::`
    Cast,
    /// `:=`
    Assign,
    LineComment,
    BlockComment,
    /// A string, name, dollar quote or block comment that the text ends in.
    Unclosed,
    /// A character that begins no token, or a number with letters behind it.
    Junk,
}

impl Token {
    #[must_use]
    pub fn is_comment(self) -> bool {
        matches!(self.kind, TokenKind::LineComment | TokenKind::BlockComment)
    }

    /// An unquoted word, compared without regard to case; `keyword` is in upper case.
    #[must_use]
    pub fn is(self, text: &str, keyword: &str) -> bool {
        self.kind == TokenKind::Word
            && self.span.end - self.span.start == keyword.len() as u32
            && self.span.slice(text).eq_ignore_ascii_case(keyword)
    }
}

/// The tokens of a text, comments included.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::with_capacity(text.len() / 5);
    let mut position = 0;
    while let Some(token) = next(text.as_bytes(), position, true) {
        position = token.span.end as usize;
        found.push(token);
    }
    found
}

/// The index ranges of the parts of `tokens` between commas that stand outside parentheses and brackets; comments belong
/// to the part they stand in.
#[must_use]
pub fn comma_separated(tokens: &[Token]) -> Vec<std::ops::Range<usize>> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::LeftParen | TokenKind::LeftBracket => depth += 1,
            TokenKind::RightParen | TokenKind::RightBracket => depth = depth.saturating_sub(1),
            TokenKind::Comma if depth == 0 => {
                parts.push(start..index);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(start..tokens.len());
    parts
}

/// The first token at or after `position`. Backslashes escape in plain strings unless `standard_strings`.
pub(crate) fn next(text: &[u8], position: usize, standard_strings: bool) -> Option<Token> {
    let start = skip_space(text, position);
    let first = *text.get(start)?;
    let second = text.get(start + 1).copied().unwrap_or(0);
    let (kind, end) = match first {
        b'\'' if standard_strings => quoted(text, start + 1, b'\'', TokenKind::String),
        b'\'' => escaped(text, start + 1),
        b'"' => quoted(text, start + 1, b'"', TokenKind::QuotedName),
        b'e' | b'E' if second == b'\'' => escaped(text, start + 2),
        b'n' | b'N' if second == b'\'' => quoted(text, start + 2, b'\'', TokenKind::PrefixedString),
        b'b' | b'B' | b'x' | b'X' if second == b'\'' => quoted(text, start + 2, b'\'', TokenKind::BitString),
        b'u' | b'U' if second == b'&' && text.get(start + 2) == Some(&b'\'') => {
            quoted(text, start + 3, b'\'', TokenKind::PrefixedString)
        }
        b'u' | b'U' if second == b'&' && text.get(start + 2) == Some(&b'"') => {
            quoted(text, start + 3, b'"', TokenKind::QuotedName)
        }
        _ if begins_name(first) => (TokenKind::Word, name_end(text, start + 1)),
        b'0'..=b'9' => number(text, start),
        b'.' if second.is_ascii_digit() => number(text, start),
        b'.' if second == b'.' => (TokenKind::DotDot, start + 2),
        b'.' => (TokenKind::Dot, start + 1),
        b'$' if second.is_ascii_digit() => {
            let end = digits_end(text, start + 1);
            match text.get(end) {
                Some(byte) if begins_name(*byte) => (TokenKind::Junk, name_end(text, end)),
                _ => (TokenKind::Parameter, end),
            }
        }
        b'$' => match dollar_tag(text, start) {
            Some(tag_end) => match find(text, tag_end, &text[start..tag_end]) {
                Some(closing) => (TokenKind::DollarString, closing + (tag_end - start)),
                None => (TokenKind::Unclosed, text.len()),
            },
            None => (TokenKind::Junk, start + 1),
        },
        b'(' => (TokenKind::LeftParen, start + 1),
        b')' => (TokenKind::RightParen, start + 1),
        b'[' => (TokenKind::LeftBracket, start + 1),
        b']' => (TokenKind::RightBracket, start + 1),
        b',' => (TokenKind::Comma, start + 1),
        b';' => (TokenKind::Semicolon, start + 1),
        b':' if second == b':' => (TokenKind::Cast, start + 2),
        b':' if second == b'=' => (TokenKind::Assign, start + 2),
        b':' => (TokenKind::Colon, start + 1),
        b'-' if second == b'-' => (TokenKind::LineComment, line_end(text, start)),
        b'/' if second == b'*' => match block_comment_end(text, start) {
            Some(end) => (TokenKind::BlockComment, end),
            None => (TokenKind::Unclosed, text.len()),
        },
        _ if is_class(first, OPERATOR) => (TokenKind::Operator, operator_end(text, start)),
        _ => (TokenKind::Junk, start + 1),
    };
    Some(Token { kind, span: Span::new(start, end) })
}

const SPACE: u8 = 1;
const NAME: u8 = 2;
const NAME_PART: u8 = 4;
const OPERATOR: u8 = 8;

/// What each byte can be part of.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            // `scan.l`: space is `[ \t\n\r\f\v]`.
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => SPACE,
            // Bytes above ASCII belong to names, a no-break space too.
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xff => NAME | NAME_PART,
            b'0'..=b'9' | b'$' => NAME_PART,
            b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'+' | b'-' | b'*' | b'/' | b'%' | b'<'
            | b'>' | b'=' => OPERATOR,
            _ => 0,
        };
        byte += 1;
    }
    classes
}

fn is_class(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// The first position from `position` on whose byte is not of the class.
fn class_end(text: &[u8], position: usize, class: u8) -> usize {
    match text.get(position..) {
        Some(rest) => {
            rest.iter().position(|byte| !is_class(*byte, class)).map_or(text.len(), |length| position + length)
        }
        None => position,
    }
}

pub(crate) fn skip_space(text: &[u8], position: usize) -> usize {
    class_end(text, position, SPACE)
}

pub(crate) fn is_space(byte: u8) -> bool {
    is_class(byte, SPACE)
}

pub(crate) fn begins_name(byte: u8) -> bool {
    is_class(byte, NAME)
}

pub(crate) fn continues_name(byte: u8) -> bool {
    is_class(byte, NAME_PART)
}

pub(crate) fn name_end(text: &[u8], position: usize) -> usize {
    class_end(text, position, NAME_PART)
}

/// The end of the line without its line break.
pub(crate) fn line_end(text: &[u8], position: usize) -> usize {
    text[position..]
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .map_or(text.len(), |length| position + length)
}

/// The end of the opening `$tag$` at `start`.
pub(crate) fn dollar_tag(text: &[u8], start: usize) -> Option<usize> {
    let mut position = start + 1;
    if text.get(position).is_some_and(|byte| begins_name(*byte)) {
        while text.get(position).is_some_and(|byte| begins_name(*byte) || byte.is_ascii_digit()) {
            position += 1;
        }
    }
    (text.get(position) == Some(&b'$')).then_some(position + 1)
}

/// Block comments nest.
fn block_comment_end(text: &[u8], start: usize) -> Option<usize> {
    let (mut depth, mut position) = (1_usize, start + 2);
    while position + 1 < text.len() {
        match (text[position], text[position + 1]) {
            (b'/', b'*') => {
                depth += 1;
                position += 2;
            }
            (b'*', b'/') => {
                depth -= 1;
                position += 2;
                if depth == 0 {
                    return Some(position);
                }
            }
            _ => position += 1,
        }
    }
    None
}

/// The closing quote is not doubled.
fn quoted(text: &[u8], mut position: usize, quote: u8, kind: TokenKind) -> (TokenKind, usize) {
    loop {
        match text[position..].iter().position(|byte| *byte == quote) {
            None => return (TokenKind::Unclosed, text.len()),
            Some(length) if text.get(position + length + 1) == Some(&quote) && kind != TokenKind::BitString => {
                position += length + 2;
            }
            Some(length) => return (kind, position + length + 1),
        }
    }
}

fn escaped(text: &[u8], mut position: usize) -> (TokenKind, usize) {
    loop {
        match text.get(position) {
            None => return (TokenKind::Unclosed, text.len()),
            Some(b'\\') => position = text.len().min(position + 2),
            Some(b'\'') if text.get(position + 1) == Some(&b'\'') => position += 2,
            Some(b'\'') => return (TokenKind::PrefixedString, position + 1),
            Some(_) => position += 1,
        }
    }
}

fn find(text: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    let mut position = from;
    while let Some(length) = text.get(position..)?.iter().position(|byte| *byte == b'$') {
        position += length;
        if text[position..].starts_with(needle) {
            return Some(position);
        }
        position += 1;
    }
    None
}

fn digits_end(text: &[u8], mut position: usize) -> usize {
    while text.get(position).is_some_and(u8::is_ascii_digit) {
        position += 1;
    }
    position
}

/// Digits with single underscores between them.
fn grouped_digits_end(text: &[u8], mut position: usize, digit: fn(&u8) -> bool) -> usize {
    loop {
        match text.get(position) {
            Some(byte) if digit(byte) => position += 1,
            Some(b'_') if text.get(position + 1).is_some_and(digit) => position += 2,
            _ => return position,
        }
    }
}

fn number(text: &[u8], start: usize) -> (TokenKind, usize) {
    let (kind, end) = match (text[start], text.get(start + 1)) {
        (b'0', Some(b'x' | b'X')) => (TokenKind::Integer, grouped_digits_end(text, start + 2, u8::is_ascii_hexdigit)),
        (b'0', Some(b'o' | b'O')) => {
            (TokenKind::Integer, grouped_digits_end(text, start + 2, |b| matches!(b, b'0'..=b'7')))
        }
        (b'0', Some(b'b' | b'B')) => {
            (TokenKind::Integer, grouped_digits_end(text, start + 2, |b| matches!(b, b'0' | b'1')))
        }
        _ => decimal(text, start),
    };
    let empty_radix = end == start + 2 && text.get(start + 1).is_some_and(u8::is_ascii_alphabetic);
    match text.get(end) {
        _ if empty_radix => (TokenKind::Junk, name_end(text, end)),
        Some(byte) if begins_name(*byte) => (TokenKind::Junk, name_end(text, end)),
        _ if kind == TokenKind::Integer && !fits_int(&text[start..end]) => (TokenKind::Float, end),
        _ => (kind, end),
    }
}

fn decimal(text: &[u8], start: usize) -> (TokenKind, usize) {
    let mut end = grouped_digits_end(text, start, u8::is_ascii_digit);
    let mut kind = TokenKind::Integer;
    // `1..10` is a range of PL/pgSQL.
    if text.get(end) == Some(&b'.') && text.get(end + 1) != Some(&b'.') {
        kind = TokenKind::Float;
        end = grouped_digits_end(text, end + 1, u8::is_ascii_digit);
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        if text.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            kind = TokenKind::Float;
            end = grouped_digits_end(text, end + 1 + sign, u8::is_ascii_digit);
        }
    }
    (kind, end)
}

fn fits_int(literal: &[u8]) -> bool {
    let (radix, digits) = match literal {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', b'o' | b'O', rest @ ..] => (8, rest),
        [b'0', b'b' | b'B', rest @ ..] => (2, rest),
        _ => (10, literal),
    };
    digits
        .iter()
        .filter_map(|byte| char::from(*byte).to_digit(radix))
        .try_fold(0_i64, |value, digit| {
            let value = value * i64::from(radix) + i64::from(digit);
            (value <= i64::from(i32::MAX)).then_some(value)
        })
        .is_some()
}

/// An operator ends before a comment, and ends in `+` or `-` only if it holds a character that no standard operator has.
fn operator_end(text: &[u8], start: usize) -> usize {
    let mut end = start;
    while text.get(end).is_some_and(|byte| is_class(*byte, OPERATOR)) {
        if end > start && matches!(text.get(end..end + 2), Some(b"/*" | b"--")) {
            break;
        }
        end += 1;
    }
    let special = text[start..end]
        .iter()
        .any(|byte| matches!(byte, b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'%'));
    if !special {
        while end > start + 1 && matches!(text[end - 1], b'+' | b'-') {
            end -= 1;
        }
    }
    end
}

/// The name that an identifier token stands for: unquoted names in lower case, quotes removed, cut at 63 bytes.
/// Unicode escapes of `U&""` stay as they are.
#[must_use]
pub fn fold(token: &str) -> String {
    let name = match token.strip_prefix(['u', 'U']).and_then(|rest| rest.strip_prefix('&')).unwrap_or(token) {
        quoted if quoted.starts_with('"') => {
            let inner = &quoted[1..];
            inner.strip_suffix('"').unwrap_or(inner).replace("\"\"", "\"")
        }
        _ => token.to_ascii_lowercase(),
    };
    truncated(name)
}

/// NAMEDATALEN - 1 bytes, at a character boundary.
fn truncated(mut name: String) -> String {
    let mut end = 63;
    if name.len() > end {
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
    }
    name
}
