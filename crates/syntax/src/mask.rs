//! What is not SQL: psql commands, COPY data, template placeholders, bytes that no SQL text holds.
//!
//! The lexer asks here at the bytes that can begin one. A masked stretch keeps its length, so that every offset holds.

use crate::ast::MaskedKind;
use crate::lex;
use crate::options::Templates;

/// How far a placeholder may reach; bounds the search for its end.
const LONGEST_PLACEHOLDER: usize = 4096;

/// What stands in for a masked stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// White space.
    Blank,
    /// An identifier made of the placeholder's own letters, so that equal placeholders are equal names.
    Name,
    /// The quoted token of `:'x'` and `:"x"`, without the colon.
    Quoted,
}

#[derive(Clone, Debug)]
pub struct Found {
    pub end: usize,
    pub stand: Stand,
}

/// What the lexer knows around a position.
#[derive(Clone, Copy)]
pub struct Around {
    /// A colon between brackets is an array slice.
    pub in_brackets: bool,
    /// A string, number or closing parenthesis ends right before: `JSON_OBJECT('k':v)` holds no placeholder.
    pub after_operand: bool,
}

/// The placeholder that begins at `start`.
#[must_use]
pub fn placeholder(text: &[u8], start: usize, templates: Templates, around: Around) -> Option<Found> {
    let rest = &text[start..];
    let name = |end: Option<usize>| end.map(|end| Found { end, stand: Stand::Name });
    let blank = |end: Option<usize>| end.map(|end| Found { end, stand: Stand::Blank });
    match rest {
        [b'$', b'e', ..] if templates.braces && rest.starts_with(b"$evolutions{{{") => {
            name(closing(text, start + 14, b"}}}"))
        }
        [b'$' | b'#', b'{', ..] if templates.braces => name(closing_in_line(text, start + 2, b"}")),
        [b'{', b'{', b'{', ..] if templates.mustache => name(closing(text, start + 3, b"}}}")),
        [b'{', b'{', ..] if templates.mustache => name(closing(text, start + 2, b"}}")),
        [b'{', b'%', ..] if templates.mustache => blank(closing(text, start + 2, b"%}")),
        [b'{', b'#', ..] if templates.mustache => blank(closing(text, start + 2, b"#}")),
        [b'{', first, ..] if templates.mustache && lex::begins_name(*first) => {
            let end = rest[1..].iter().position(|byte| !(is_variable(*byte) || *byte == b'.'))?;
            (rest[1 + end] == b'}').then_some(Found { end: start + end + 2, stand: Stand::Name })
        }
        [b'%', b'(', ..] if templates.braces => {
            let end = rest[2..].iter().position(|byte| !is_variable(*byte))?;
            let closed =
                rest[2 + end..].starts_with(b")s") && !rest.get(4 + end).is_some_and(|byte| is_variable(*byte));
            (closed && end > 0).then_some(Found { end: start + end + 4, stand: Stand::Name })
        }
        [b'<', b'%', b'=', ..] if templates.erb => name(closing(text, start + 3, b"%>")),
        [b':', ..] if templates.colon && !around.in_brackets && !around.after_operand => colon(text, start),
        [b'@', first, ..] if templates.at && lex::begins_name(*first) => {
            let end = rest[1..]
                .iter()
                .position(|byte| !(lex::continues_name(*byte) || matches!(byte, b'.' | b'-' | b':')))?;
            (rest[1 + end] == b'@').then_some(Found { end: start + end + 2, stand: Stand::Name })
        }
        _ => None,
    }
}

/// `:x`, `:'x'`, `:"x"`, `:{?x}` as psql reads them.
fn colon(text: &[u8], start: usize) -> Option<Found> {
    match text.get(start + 1)? {
        quote @ (b'\'' | b'"') => {
            let inner = &text[start + 2..];
            let length = inner.iter().position(|byte| !is_variable(*byte))?;
            (length > 0 && inner[length] == *quote).then_some(Found { end: start + length + 3, stand: Stand::Quoted })
        }
        b'{' => closing_in_line(text, start + 2, b"}").map(|end| Found { end, stand: Stand::Name }),
        byte if lex::begins_name(*byte) => {
            let end =
                text[start + 1..].iter().position(|byte| !is_variable(*byte)).map_or(text.len(), |n| start + 1 + n);
            Some(Found { end, stand: Stand::Name })
        }
        _ => None,
    }
}

/// psql's variable names: letters, digits, underscores.
fn is_variable(byte: u8) -> bool {
    lex::begins_name(byte) || byte.is_ascii_digit()
}

/// The end of a placeholder. One that opens in another is none: the search stops, so that a text full of openings is read
/// in linear time.
fn closing(text: &[u8], from: usize, closer: &[u8]) -> Option<usize> {
    let window = &text[from..text.len().min(from + LONGEST_PLACEHOLDER)];
    for (at, pair) in window.windows(closer.len().max(2)).enumerate() {
        if pair.starts_with(closer) {
            return Some(from + at + closer.len());
        }
        if matches!(pair, [b'{', b'{' | b'%', ..] | [b'$' | b'#', b'{', ..]) {
            return None;
        }
    }
    // A single-byte closer can be the last byte.
    (closer.len() == 1 && window.ends_with(closer)).then(|| from + window.len())
}

fn closing_in_line(text: &[u8], from: usize, closer: &[u8]) -> Option<usize> {
    let end = closing(text, from, closer)?;
    (!text[from..end].contains(&b'\n')).then_some(end)
}

#[derive(Clone, Debug)]
pub struct PsqlCommand {
    pub end: usize,
    pub kind: MaskedKind,
    /// Sends the statement before it.
    pub sends: bool,
    /// The lines behind it are COPY data.
    pub copies: bool,
}

/// The backslash command at `start`: to the end of the line or to the next command on it (`psqlscanslash.l`).
#[must_use]
pub fn psql_command(text: &[u8], start: usize) -> PsqlCommand {
    let name_start = start + 1;
    let name_end = match text.get(name_start) {
        // `\;` and `\\` are whole; SQL goes on behind them.
        Some(b';' | b'\\') => name_start + 1,
        _ => {
            let length = text[name_start..].iter().position(|byte| lex::is_space(*byte) || *byte == b'\\');
            length.map_or(text.len(), |length| name_start + length)
        }
    };
    let name = &text[name_start..name_end];
    let end = match name {
        b";" | b"\\" => name_end,
        b"!" | b"copy" | b"ef" | b"ev" | b"sf" | b"sf+" | b"sv" | b"sv+" | b"h" | b"help" | b"?" => {
            lex::line_end(text, name_end)
        }
        _ => arguments_end(text, name_end),
    };
    let arguments = String::from_utf8_lossy(&text[name_end..end]).trim().to_owned();
    let copies = name == b"copy" && {
        let words: Vec<String> = arguments.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
        words.windows(2).any(|pair| pair[0] == "from" && matches!(pair[1].as_str(), "stdin" | "pstdin"))
    };
    let sends = matches!(
        name,
        b"g" | b"gx" | b"gexec" | b"gset" | b"gdesc" | b"crosstabview" | b"watch" | b"parse" | b"sendpipeline" | b";"
    ) || name.starts_with(b"g|");
    let command = String::from_utf8_lossy(name).into_owned();
    PsqlCommand { end, kind: MaskedKind::Psql { command, arguments }, sends, copies }
}

/// An unquoted backslash begins the next command.
fn arguments_end(text: &[u8], mut position: usize) -> usize {
    let mut quote = None;
    while let Some(byte) = text.get(position) {
        match (quote, byte) {
            (_, b'\n' | b'\r') | (None, b'\\') => return position,
            (None, b'\'' | b'"' | b'`') => quote = Some(*byte),
            (Some(b'\''), b'\\') if !matches!(text.get(position + 1), Some(b'\n' | b'\r')) => position += 1,
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
        position += 1;
    }
    text.len()
}

/// Writes a masked stretch into `out`, which holds a copy of it.
pub fn write(out: &mut [u8], stand: Stand) {
    let keep_lines = |byte: &u8| matches!(byte, b'\n' | b'\r');
    match stand {
        Stand::Blank => out.iter_mut().filter(|byte| !keep_lines(byte)).for_each(|byte| *byte = b' '),
        Stand::Name => {
            // Folded, so that it is one name with and without double quotes around it.
            out.make_ascii_lowercase();
            out.iter_mut()
                .filter(|byte| !(byte.is_ascii_alphanumeric() || **byte >= 0x80))
                .for_each(|byte| *byte = b'_');
        }
        Stand::Quoted => {
            if let Some(first) = out.first_mut() {
                *first = b' ';
            }
        }
    }
}
