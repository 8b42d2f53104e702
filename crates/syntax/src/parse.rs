//! Text to script: split, mask, parse each statement by itself, convert.

use std::borrow::Cow;
use std::ffi::CString;
use std::sync::Arc;

use crate::ast::{Masked, Needs, Parsed, Script, Statement, StatementKind, SyntaxError};
use crate::convert;
use crate::convert::source::{Origin, Source};
use crate::ffi;
use crate::lex::{self, TokenKind};
use crate::mask::{self, Stand};
use crate::options::Options;
use crate::span::Span;
use crate::split::{self, Piece};

/// Reads a text, whatever it holds: what the grammar rejects becomes [`StatementKind::Invalid`].
#[must_use]
pub fn parse(text: &str, options: &Options) -> Script {
    let split = split::split(text, options);
    let statements = split
        .pieces
        .iter()
        .map(|piece| {
            let slice = piece.span.slice(text);
            let masks = piece.masked.clone();
            let parsed = Arc::new(one(slice, piece, &split.masked[masks.clone()], &split.stands[masks], options));
            Statement { span: piece.span, end: piece.end, parsed }
        })
        .collect();
    Script { statements, comments: split.comments, masked: split.masked }
}

fn one(text: &str, piece: &Piece, masked: &[Masked], stands: &[Stand], options: &Options) -> Parsed {
    let sql = unmasked(text, piece.span.start, masked, stands);
    let (kind, needs) = match sql_statement(&sql, Origin::default(), options) {
        Ok(read) => read,
        Err(mut error) => {
            error.hint = hint(text, piece, &error);
            let template = masked.iter().any(|mask| mask.kind == crate::ast::MaskedKind::Template);
            (if template { StatementKind::Template(error) } else { StatementKind::Invalid(error) }, None)
        }
    };
    Parsed { text: Arc::from(text), kind, needs }
}

/// The text with its masked stretches replaced at equal length.
fn unmasked<'t>(text: &'t str, start: u32, masked: &[Masked], stands: &[Stand]) -> Cow<'t, str> {
    if masked.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().to_vec();
    for (mask, stand) in masked.iter().zip(stands) {
        let range = (mask.span.start - start) as usize..(mask.span.end - start) as usize;
        if let Some(stretch) = bytes.get_mut(range) {
            mask::write(stretch, *stand);
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Parses and converts the text of one statement.
pub fn sql_statement(
    sql: &str,
    origin: Origin,
    options: &Options,
) -> Result<(StatementKind, Option<Needs>), SyntaxError> {
    let source = Source::new(sql, origin, options.standard_conforming_strings);
    let flags = if options.standard_conforming_strings { 0 } else { ffi::STANDARD_CONFORMING_STRINGS_OFF };
    let bytes: Vec<u8> = sql.bytes().map(|byte| if byte == 0 { b' ' } else { byte }).collect();
    let text = CString::new(bytes).unwrap_or_default();
    let kind = ffi::parse(&text, flags, |statements| {
        let mut nodes = statements.iter();
        match (nodes.next().map(ffi::Node::kind), nodes.next()) {
            (Some(crate::nodes::Kind::RawStmt(raw)), None) => raw.stmt.map(|node| convert::statement(&source, node)),
            _ => None,
        }
    });
    match kind {
        Ok(Some(kind)) => Ok((kind, source.needs.take())),
        Ok(None) => Err(SyntaxError { message: "not one statement".to_owned(), span: source.whole(), hint: None }),
        Err(error) => Err(syntax_error(&source, error)),
    }
}

fn syntax_error(source: &Source<'_>, error: ffi::RawSyntaxError) -> SyntaxError {
    let place = error
        .character
        .map(|character| source.text.char_indices().nth(character).map_or(source.text.len(), |(offset, _)| offset));
    let span = match place {
        None => source.whole(),
        Some(offset) => {
            let offset = Span::new(offset, offset).start;
            let index = source.tokens.partition_point(|token| token.span.end <= offset);
            match (source.tokens.get(index), source.tokens.last()) {
                (Some(token), _) => source.span(token.span),
                (None, Some(last)) => source.span(last.span),
                (None, None) => source.whole(),
            }
        }
    };
    SyntaxError { message: shortened(error.message), span, hint: None }
}

/// An unterminated string is quoted to the end of the text: its beginning is enough.
fn shortened(message: String) -> String {
    const LONGEST: usize = 60;
    let Some(quote) = message.find(" near \"") else { return message };
    let start = quote + " near \"".len();
    let quoted = &message[start..];
    let cut = quoted.char_indices().find(|(at, c)| *at >= LONGEST || *c == '\n').map(|(at, _)| at);
    match cut {
        Some(cut) if cut + 1 < quoted.len() => format!("{}...\"", &message[..start + cut].trim_end()),
        _ => message,
    }
}

fn hint(text: &str, piece: &Piece, error: &SyntaxError) -> Option<String> {
    if let Some(open) = piece.unclosed {
        let open = (open - piece.span.start) as usize;
        let before = text[..open].trim_end().rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
        return Some(match before {
            "" => "a `(` is never closed".to_owned(),
            word => format!("the `(` after `{word}` is never closed"),
        });
    }
    let token = error.span.slice(text);
    if token.contains('\u{a0}') {
        return Some("the text holds a no-break space (U+00A0)".to_owned());
    }
    let first = lex::next(text.as_bytes(), error.span.start as usize, true)?;
    (first.kind == TokenKind::RightParen && error.span.start > 0).then(|| "a `)` without `(`?".to_owned())
}
