//! Text to script: split, mask, parse each statement by itself, convert.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::Arc;

use crate::ast::{Masked, MaskedKind, Name, Needs, Parsed, Script, Statement, StatementKind, SyntaxError, Template};
use crate::cache::Cache;
use crate::convert;
use crate::convert::source::{Origin, Source};
use crate::ffi;
use crate::lex::{self, TokenKind};
use crate::mask::{self, Stand};
use crate::options::Options;
use crate::plpgsql;
use crate::seed;
use crate::shorten;
use crate::span::Span;
use crate::split::{self, Piece, Split};

/// Reads a text, whatever it holds: what the grammar rejects becomes [`StatementKind::Invalid`].
#[must_use]
pub fn parse(text: &str, options: &Options) -> Script {
    script(text, options, None)
}

/// As [`parse`]; statements that the cache holds are not parsed again.
#[must_use]
pub fn parse_cached(text: &str, options: &Options, cache: &Cache) -> Script {
    script(text, options, Some(cache))
}

/// As [`parse_cached`] for a text that may not be UTF-8. Bytes that are not become `_` in the text that is given back, to
/// which all spans belong: as PostgreSQL's lexer has it, they are letters.
#[must_use]
pub fn parse_bytes(bytes: &[u8], options: &Options, cache: Option<&Cache>) -> (String, Script) {
    let mut text = String::with_capacity(bytes.len());
    let mut replaced = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            let start = text.len();
            text.extend(chunk.invalid().iter().map(|_| '_'));
            replaced.push(Masked { span: Span::new(start, text.len()), kind: MaskedKind::Byte });
        }
    }
    let mut script = script(&text, options, cache);
    list_also(&mut script.masked, replaced);
    (text, script)
}

/// Adds stretches to a sorted list.
fn list_also(masked: &mut Vec<Masked>, more: Vec<Masked>) {
    if !more.is_empty() {
        masked.extend(more);
        masked.sort_by_key(|mask| mask.span);
    }
}

fn script(text: &str, options: &Options, cache: Option<&Cache>) -> Script {
    if text.contains('\0') {
        return without_nul(text, options, cache);
    }
    let mut split = split::split(text, options, None);
    let Pieces { statements, broken, .. } = statements(&mut split, text, options, cache);
    let branches = branches(text, &split.masked);
    let Split { comments, masked, copies, .. } = split;
    Script { statements, comments, masked, branches, broken, copies }
}

pub(crate) struct Pieces {
    pub statements: Vec<Statement>,
    /// See [`Script::broken`].
    pub broken: Vec<usize>,
    /// How often the rest of the text was split again.
    pub cuts: usize,
}

/// Reads the pieces of a text, which may turn out to be others.
pub(crate) fn statements(split: &mut Split, text: &str, options: &Options, cache: Option<&Cache>) -> Pieces {
    let mut statements = Vec::with_capacity(split.pieces.len());
    let (mut broken, mut cuts) = (Vec::new(), 0);
    let mut header: Option<seed::Header> = None;
    while let Some(piece) = split.pieces.get(statements.len()) {
        let slice = piece.span.slice(text);
        let masks = piece.masked.clone();
        let read = || match header.as_ref().filter(|_| masks.is_empty()).and_then(|header| seed::like(header, slice)) {
            Some(kind) => Parsed { text: Arc::from(slice), kind, needs: None },
            None => statement(slice, piece, &split.masked[masks.clone()], &split.stands[masks.clone()], options),
        };
        // What is said of an open parenthesis depends on where the statement ends, which is a guess.
        let parsed = match cache.filter(|_| piece.unclosed.is_none()) {
            Some(cache) => cache.get_or_parse(slice, options, read),
            None => Arc::new(read()),
        };
        if let StatementKind::Invalid(_) | StatementKind::Template(_) = *parsed.kind {
            if let StatementKind::Invalid(_) = *parsed.kind
                && cuts < MOST_CUTS
                && let Some(cut) = split::swallowed_line(text, piece, options)
            {
                cuts += 1;
                split::split_again(split, statements.len(), cut, text, options);
                continue;
            }
            broken.push(statements.len());
        }
        // Only plain strings are compared, which a setting changes.
        if options.standard_conforming_strings
            && masks.is_empty()
            && matches!(*parsed.kind, StatementKind::Insert(_))
            && !header.as_ref().is_some_and(|header| header.begins(slice))
        {
            header = seed::header(&parsed);
        }
        statements.push(Statement { span: piece.span, end: piece.end, parsed });
    }
    Pieces { statements, broken, cuts }
}

/// The outermost stretches that a template of Go, Jinja or Handlebars may leave out.
pub(crate) fn branches(text: &str, masked: &[Masked]) -> Vec<Span> {
    let mut branches = Vec::new();
    let mut open: Vec<u32> = Vec::new();
    for mask in masked.iter().filter(|mask| mask.kind == MaskedKind::Template) {
        let Some(inner) = text.get(mask.span.range()).filter(|it| it.starts_with(['{'])) else { continue };
        match inner.trim_start_matches(['{', '%', '-', '~', ' ']).split(|it: char| !it.is_alphanumeric()).next() {
            Some("if" | "range" | "with" | "for" | "unless" | "each") => open.push(mask.span.start),
            Some("end" | "endif" | "endfor") => {
                if let Some(start) = open.pop().filter(|_| open.is_empty()) {
                    branches.push(Span { start, end: mask.span.end });
                }
            }
            _ => {}
        }
    }
    branches
}

/// So many times per text a broken statement is cut short and what follows is split again, which reads the rest of the
/// text each time.
const MOST_CUTS: usize = 32;

/// No SQL text holds a NUL, and C would end the text there.
fn without_nul(text: &str, options: &Options, cache: Option<&Cache>) -> Script {
    let range = options.range.map_or(0..text.len(), Span::range);
    let nul = text.bytes().enumerate().filter(|(at, byte)| *byte == 0 && range.contains(at));
    let listed = nul.map(|(at, _)| Masked { span: Span::new(at, at + 1), kind: MaskedKind::Byte }).collect();
    let mut script = script(&text.replace('\0', " "), options, cache);
    list_also(&mut script.masked, listed);
    script
}

fn statement(text: &str, piece: &Piece, masked: &[Masked], stands: &[Stand], options: &Options) -> Parsed {
    let sql = unmasked(text, piece.span.start, masked, stands);
    let (kind, needs) = match sql_statement(&sql, Origin::default(), options, 0) {
        Ok(read) => read,
        Err(mut error) => {
            error.hint = hint(text, piece, &error);
            let template = masked.iter().any(|mask| mask.kind == MaskedKind::Template);
            let kind = if template {
                StatementKind::Template(Template { error, creates: created(&sql) })
            } else {
                StatementKind::Invalid(error)
            };
            (kind, None)
        }
    };
    Parsed { text: Arc::from(text), kind: Arc::new(kind), needs }
}

/// The names behind CREATE TABLE.
fn created(sql: &str) -> Vec<Name> {
    let mut tokens = lex::tokens(sql);
    tokens.retain(|token| !token.is_comment());
    let mut names = Vec::new();
    for at in 1..tokens.len() {
        let word = |offset: usize, word: &str| tokens.get(at + offset).is_some_and(|it| it.is(sql, word));
        let begins = ["CREATE", "UNLOGGED"].iter().any(|word| tokens[at - 1].is(sql, word));
        if !begins || !word(0, "TABLE") {
            continue;
        }
        let at = at + if word(1, "IF") && word(2, "NOT") && word(3, "EXISTS") { 4 } else { 1 };
        let name = |at: usize| {
            let token = tokens.get(at).filter(|it| matches!(it.kind, TokenKind::Word | TokenKind::QuotedName))?;
            Some((lex::fold(token.span.slice(sql)), token.span))
        };
        let Some((first, start)) = name(at) else { continue };
        let behind = tokens.get(at + 1).filter(|it| it.kind == TokenKind::Dot).and_then(|_| name(at + 2));
        names.push(match behind {
            Some((name, end)) => Name { schema: Some(first), name, span: Span { end: end.end, ..start } },
            None => Name { schema: None, name: first, span: start },
        });
    }
    names
}

/// A text with the placeholders in it masked that are written with braces or percent signs.
pub fn masked_text<'t>(text: &'t str, options: &Options) -> Cow<'t, str> {
    if !text.contains(['{', '%']) {
        return Cow::Borrowed(text);
    }
    let split = split::split(text, options, None);
    unmasked(text, 0, &split.masked, &split.stands)
}

/// The placeholders of a text that may be read as names: what is read, and what is written.
#[must_use]
pub fn placeholders<'t>(text: &'t str, script: &Script) -> BTreeMap<String, &'t str> {
    let template = |mask: &&Masked| mask.kind == MaskedKind::Template;
    let mut spans: Vec<Span> = script.masked.iter().filter(template).map(|mask| mask.span).collect();
    for statement in &script.statements {
        let StatementKind::Do(block) = &*statement.parsed.kind else { continue };
        let body = statement.locate(block.body.span);
        if text.get(body.range()).is_some_and(|it| it.contains(['{', '%'])) {
            let split = split::split(text, &Options { range: Some(body), ..Options::default() }, None);
            spans.extend(split.masked.iter().filter(template).map(|mask| mask.span));
        }
    }
    let read = |written: &'t str| {
        let mut read = written.as_bytes().to_vec();
        mask::write(&mut read, Stand::Name);
        (String::from_utf8_lossy(&read).into_owned(), written)
    };
    spans.into_iter().filter_map(|span| text.get(span.range())).map(read).collect()
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

/// Parses and converts the text of one statement, which stands at `origin` in the statement that spans count from.
pub fn sql_statement(
    sql: &str,
    origin: Origin,
    options: &Options,
    nesting: u32,
) -> Result<(StatementKind, Option<Needs>), SyntaxError> {
    match shorten::shorten(sql, options.standard_conforming_strings) {
        Some(short) => {
            let origin = Origin::inside(&origin, &shorten::place(&short.parts), short.text.len());
            let source = Source::new(&short.text, origin, options, nesting);
            source.rows_left_out.set(short.rows);
            source_statement(&source)
        }
        None => source_statement(&Source::new(sql, origin, options, nesting)),
    }
}

fn source_statement(source: &Source<'_>) -> Result<(StatementKind, Option<Needs>), SyntaxError> {
    if let Some(last) = source.tokens.last()
        && last.kind == TokenKind::Unclosed
        && nests_deeply(&source.text.as_bytes()[last.span.range()])
    {
        let message = "unterminated /* comment at or near \"/*\"".to_owned();
        return Err(SyntaxError { message, span: source.span(last.span), hint: None });
    }
    let flags = if source.options.standard_conforming_strings { 0 } else { ffi::STANDARD_CONFORMING_STRINGS_OFF };
    let bytes = for_the_parser(source);
    // No NUL is in it: `script` has replaced them.
    let text = CStr::from_bytes_until_nul(&bytes).unwrap_or_default();
    let kind = ffi::parse(text, flags, |statements| {
        let mut nodes = statements.iter();
        match (nodes.next().map(ffi::Node::kind), nodes.next()) {
            (Some(crate::nodes::Kind::RawStmt(raw)), None) => raw.stmt.map(|node| convert::statement(source, node)),
            _ => None,
        }
    });
    match kind {
        Ok(Some(mut kind)) => {
            convert::lexical_needs(source);
            plpgsql::fill(source, &mut kind);
            Ok((kind, source.needs.take()))
        }
        Ok(None) => Err(SyntaxError { message: "not one statement".to_owned(), span: source.whole(), hint: None }),
        Err(error) => Err(syntax_error(source, error)),
    }
}

/// PostgreSQL reads nested comments in quadratic time.
fn nests_deeply(comment: &[u8]) -> bool {
    const DEEP: usize = 32;
    comment.len() > 4 * DEEP && comment.windows(2).filter(|pair| *pair == b"/*").count() > DEEP
}

/// The text with deep comments blanked and a NUL at its end; line breaks between strings count.
pub fn for_the_parser(source: &Source<'_>) -> Vec<u8> {
    let text = source.text.as_bytes();
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.extend_from_slice(text);
    if source.text.contains("/*") {
        let starts = source.tokens.iter().map(|token| token.span.start as usize).chain([text.len()]);
        let ends = [0].into_iter().chain(source.tokens.iter().map(|token| token.span.end as usize));
        for (from, to) in ends.zip(starts) {
            let gap = &mut bytes[from..to];
            if nests_deeply(gap) {
                gap.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
            }
        }
    }
    bytes.push(0);
    bytes
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
    (first.kind == TokenKind::RightParen).then(|| "a `)` without `(`?".to_owned())
}
