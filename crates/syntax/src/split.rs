//! A text into statements by the rules of psql and of the grammar: `;` outside parentheses and BEGIN ATOMIC bodies.
//!
//! Recovery: a string, comment or dollar quote that is open at the end of the text, a missing `)` and a body without END
//! end at the next line that looks like a statement, so one slip costs one statement. Time is linear: after too many
//! bytes read in vain, no token may cross such a line any more.

use crate::ast::{Comment, Masked, MaskedKind};
use crate::lex::{self, Token, TokenKind};
use crate::mask::{self, Around, Stand};
use crate::options::Options;
use crate::span::Span;

#[derive(Debug, Default)]
pub struct Split {
    pub pieces: Vec<Piece>,
    pub comments: Vec<Comment>,
    pub masked: Vec<Masked>,
    /// What stands in for each of `masked`.
    pub stands: Vec<Stand>,
    /// COPY data was looked for, which may be anywhere behind.
    pub copies: bool,
    /// Where it ended before its time; see [`split_until`].
    pub stopped: Option<usize>,
}

#[derive(Debug)]
pub struct Piece {
    /// From the first token to the last.
    pub span: Span,
    /// Behind the terminator.
    pub end: u32,
    /// The part of [`Split::masked`] inside the span.
    pub masked: std::ops::Range<usize>,
    /// The outermost parenthesis that is never closed.
    pub unclosed: Option<u32>,
}

/// Splits the part of a text that the options name, or what of it begins at `from`.
#[must_use]
pub fn split(text: &str, options: &Options, from: Option<usize>) -> Split {
    split_until(text, options, from.unwrap_or_else(|| range(text, options).start), &|_| false)
}

/// The part of a text that the options name.
#[must_use]
pub fn range(text: &str, options: &Options) -> std::ops::Range<usize> {
    options.range.map_or(0..text.len(), |span| clamped(text, span))
}

/// As [`split`] from a place on, to the first end of a statement of which `stops` says that it is enough. Nobody is asked
/// once an open string or comment was met.
#[must_use]
pub fn split_until(text: &str, options: &Options, from: usize, stops: &dyn Fn(usize) -> bool) -> Split {
    let mut splitter = Splitter {
        text: &text.as_bytes()[..range(text, options).end],
        position: from,
        stops,
        options,
        out: Split::default(),
        state: State::default(),
        copy_data_ends: true,
        wasted: 0,
        limit: None,
    };
    splitter.run();
    splitter.out
}

/// The first line that a string of a broken statement seems to have swallowed: it begins a statement and stands behind a
/// line that ends one. The string's first quote is one too many.
#[must_use]
pub fn swallowed_line(text: &str, piece: &Piece, options: &Options) -> Option<usize> {
    let bytes = &text.as_bytes()[..piece.span.end as usize];
    let mut position = piece.span.start as usize;
    while let Some(token) = lex::next(bytes, position, options.standard_conforming_strings) {
        position = token.span.end as usize;
        if matches!(token.kind, TokenKind::String | TokenKind::PrefixedString | TokenKind::QuotedName)
            && let Some(line) = next_statement_line(&bytes[..position], token.span.start as usize, position)
        {
            return Some(line);
        }
    }
    None
}

/// Ends the piece `index` before `cut` and splits anew from there.
pub fn split_again(split: &mut Split, index: usize, cut: usize, text: &str, options: &Options) {
    let rest = self::split(text, options, Some(cut));
    let end = text[..cut].trim_end_matches(|c: char| c.is_ascii() && lex::is_space(c as u8)).len();
    let before = |span: Span| (span.end as usize) <= cut;
    split.comments.truncate(split.comments.partition_point(|comment| before(comment.span)));
    let masks = split.masked.partition_point(|mask| before(mask.span));
    split.masked.truncate(masks);
    split.stands.truncate(masks);
    split.pieces.truncate(index + 1);
    if let Some(piece) = split.pieces.last_mut() {
        piece.span.end = Span::new(0, end).end;
        piece.end = piece.span.end;
        piece.masked.end = piece.masked.end.min(masks);
        piece.masked.start = piece.masked.start.min(masks);
        piece.unclosed = None;
    }
    split.copies |= rest.copies;
    split.comments.extend(rest.comments);
    split.masked.extend(rest.masked);
    split.stands.extend(rest.stands);
    split.pieces.extend(
        rest.pieces
            .into_iter()
            .map(|piece| Piece { masked: piece.masked.start + masks..piece.masked.end + masks, ..piece }),
    );
}

fn clamped(text: &str, span: Span) -> std::ops::Range<usize> {
    let boundary =
        |offset: u32| (0..=text.len().min(offset as usize)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = boundary(span.start);
    start..boundary(span.end).max(start)
}

struct Splitter<'a> {
    text: &'a [u8],
    position: usize,
    stops: &'a dyn Fn(usize) -> bool,
    options: &'a Options,
    out: Split,
    state: State,
    /// False once COPY data without end was met: there is no `\.` further down.
    copy_data_ends: bool,
    /// Bytes of tokens that were never closed.
    wasted: usize,
    /// No token reaches beyond; set per statement when too much was wasted.
    limit: Option<usize>,
}

/// The statement being read.
#[derive(Default)]
struct State {
    start: Option<usize>,
    end: usize,
    first_mask: usize,
    /// Open parentheses, and where the outermost stands.
    parens: usize,
    outermost: u32,
    brackets: usize,
    /// BEGIN ATOMIC and the CASEs in it.
    begins: usize,
    /// The first words and the last one, as spans.
    words: [Option<Span>; 4],
    word_count: usize,
    last: Option<Token>,
    copies: bool,
}

impl Splitter<'_> {
    fn run(&mut self) {
        loop {
            if self.state.start.is_none() && self.wasted > 4 * self.text.len() + (1 << 16) {
                let from = lex::skip_space(self.text, self.position);
                self.limit = Some(next_statement_line(self.text, from, from).unwrap_or(self.text.len()));
            }
            let text = &self.text[..self.limit.unwrap_or(self.text.len())];
            let start = lex::skip_space(text, self.position);
            if start >= text.len() {
                self.finish(None);
                if start >= self.text.len() {
                    return;
                }
                self.position = start;
                continue;
            }
            if self.masked(text, start) {
                continue;
            }
            let Some(mut token) = lex::next(text, start, self.options.standard_conforming_strings) else { return };
            // `name_${x}`: the lexer takes the dollar sign into the name.
            let end = token.span.end as usize;
            if token.kind == TokenKind::Word && text[end - 1] == b'$' && text.get(end) == Some(&b'{') && end - start > 1
            {
                token.span.end -= 1;
            }
            self.token(token);
            if self.out.stopped.is_some() {
                return;
            }
        }
    }

    /// Takes a masked stretch at `start`.
    fn masked(&mut self, text: &[u8], start: usize) -> bool {
        match text[start] {
            b'\\' if self.options.psql => {
                let command = mask::psql_command(text, start);
                let (end, sends) = (command.end, command.sends);
                self.mask(start, end, command.kind, Stand::Blank);
                self.position = end;
                if sends {
                    self.finish(None);
                }
                if command.copies && self.options.copy_data {
                    self.copy_data();
                }
                true
            }
            0 => {
                self.mask(start, start + 1, MaskedKind::Byte, Stand::Blank);
                self.position = start + 1;
                true
            }
            // A byte-order mark at the beginning of the text or, where files were joined, of a line.
            0xef if text[start..].starts_with(b"\xef\xbb\xbf")
                && (start == 0 || matches!(text[start - 1], b'\n' | b';')) =>
            {
                self.mask(start, start + 3, MaskedKind::Byte, Stand::Blank);
                self.position = start + 3;
                true
            }
            quote @ (b'\'' | b'"') => self.quoted_placeholder(text, start, quote),
            b'$' | b'#' | b'{' | b':' | b'@' | b'<' | b'%' => {
                let adjacent = self.state.last.is_some_and(|token| {
                    token.span.end as usize == start
                        && matches!(
                            token.kind,
                            TokenKind::String
                                | TokenKind::PrefixedString
                                | TokenKind::QuotedName
                                | TokenKind::Integer
                                | TokenKind::Float
                                | TokenKind::RightParen
                        )
                });
                let around = Around { in_brackets: self.state.brackets > 0, after_operand: adjacent };
                // `::` is a cast.
                if text[start..].starts_with(b"::") {
                    return false;
                }
                let Some(found) = mask::placeholder(text, start, self.options.templates, around) else { return false };
                self.mask(start, found.end, MaskedKind::Template, found.stand);
                self.position = found.end;
                if found.stand != Stand::Blank {
                    self.extend(start, found.end);
                    self.state.last = None;
                }
                true
            }
            _ => false,
        }
    }

    /// `"{{ x "y" }}"`: quotes inside a placeholder do not close the name around it.
    fn quoted_placeholder(&mut self, text: &[u8], start: usize, quote: u8) -> bool {
        let around = Around { in_brackets: true, after_operand: true };
        let Some(found) = mask::placeholder(text, start + 1, self.options.templates, around) else { return false };
        if found.stand != Stand::Name || !text[start + 1..found.end].contains(&quote) {
            return false;
        }
        let line_end = lex::line_end(text, found.end);
        let Some(length) = text[found.end..line_end].iter().position(|byte| *byte == quote) else { return false };
        self.mask(start + 1, found.end, MaskedKind::Template, Stand::Name);
        self.position = found.end + length + 1;
        self.extend(start, self.position);
        self.state.last = None;
        true
    }

    fn mask(&mut self, start: usize, end: usize, kind: MaskedKind, stand: Stand) {
        self.out.masked.push(Masked { span: Span::new(start, end), kind });
        self.out.stands.push(stand);
    }

    /// The statement holds `start..end`.
    fn extend(&mut self, start: usize, end: usize) {
        if self.state.start.is_none() {
            self.state.start = Some(start);
            let masks = &self.out.masked;
            self.state.first_mask =
                masks.len() - masks.iter().rev().take_while(|mask| mask.span.start as usize >= start).count();
        }
        self.state.end = end;
    }

    fn token(&mut self, token: Token) {
        let (start, end) = (token.span.start as usize, token.span.end as usize);
        self.position = end;
        match token.kind {
            TokenKind::LineComment | TokenKind::BlockComment => {
                self.out.comments.push(Comment { span: token.span, block: token.kind == TokenKind::BlockComment });
                return;
            }
            TokenKind::Semicolon if self.ends_statement(end) => {
                self.finish(Some(end));
                if self.wasted == 0 && (self.stops)(end) {
                    self.out.stopped = Some(end);
                }
                return;
            }
            TokenKind::Unclosed => {
                self.unclosed(start);
                return;
            }
            _ => {}
        }
        self.extend(start, end);
        let state = &mut self.state;
        match token.kind {
            TokenKind::LeftParen => {
                if state.parens == 0 {
                    state.outermost = token.span.start;
                }
                state.parens += 1;
            }
            TokenKind::RightParen => state.parens = state.parens.saturating_sub(1),
            TokenKind::LeftBracket => state.brackets += 1,
            TokenKind::RightBracket => state.brackets = state.brackets.saturating_sub(1),
            TokenKind::Word => self.word(token),
            _ => {}
        }
        self.state.last = Some(token);
    }

    fn word(&mut self, token: Token) {
        let is = |span: Option<Span>, keyword: &str| span.is_some_and(|span| word_is(self.text, span, keyword));
        let here = Some(token.span);
        let follows = |keyword: &str| {
            self.state.last.is_some_and(|last| last.kind == TokenKind::Word && word_is(self.text, last.span, keyword))
        };
        let first = self.state.words[0];
        let (mut begins, mut copies) = (self.state.begins, self.state.copies);
        if begins > 0 && is(here, "CASE") {
            begins += 1;
        } else if begins > 0 && is(here, "END") {
            begins -= 1;
        } else if is(here, "ATOMIC") && follows("BEGIN") && is(first, "CREATE") {
            begins = 1;
        } else if is(here, "STDIN") && follows("FROM") && is(first, "COPY") {
            copies = true;
        }
        let state = &mut self.state;
        (state.begins, state.copies) = (begins, copies);
        if let Some(slot) = state.words.get_mut(state.word_count) {
            *slot = here;
        }
        state.word_count += 1;
    }

    /// A `;` that ends at `end` also ends the statement.
    fn ends_statement(&self, end: usize) -> bool {
        if self.state.begins > 0 {
            // The END is missing if a line follows that no body holds.
            let next = lex::skip_space(self.text, end);
            return next > end
                && at_line_start(self.text, next)
                && statement_word(self.text, next).is_some_and(|word| !in_body(word));
        }
        if self.state.parens == 0 {
            return true;
        }
        // Only the actions of CREATE RULE hold a `;` in parentheses: elsewhere one is missing.
        let next = lex::skip_space(self.text, end);
        let word = statement_word(self.text, next);
        let new_line = self.text[end..next].contains(&b'\n');
        if self.is_rule() {
            return next >= self.text.len() || (new_line && word.is_some_and(|word| !in_body(word)));
        }
        next >= self.text.len() || word.is_some() || (new_line && self.text[next] != b')')
    }

    fn is_rule(&self) -> bool {
        let is =
            |index: usize, keyword: &str| self.state.words[index].is_some_and(|span| word_is(self.text, span, keyword));
        is(0, "CREATE") && (is(1, "RULE") || (is(1, "OR") && is(3, "RULE")))
    }

    /// The token at `start` has no end: the statement ends before the next line that begins one.
    fn unclosed(&mut self, start: usize) {
        let end = self.limit.unwrap_or(self.text.len());
        let statement = self.state.start.unwrap_or(start);
        let resume = match self.limit {
            Some(limit) => limit,
            None => next_statement_line(self.text, statement, start).unwrap_or(end),
        };
        // A line inside an earlier token of the statement: what was read behind it is read again.
        self.wasted += end - start.min(resume);
        while self.out.comments.last().is_some_and(|comment| comment.span.end as usize > resume) {
            self.out.comments.pop();
        }
        while self.out.masked.last().is_some_and(|mask| mask.span.end as usize > resume) {
            self.out.masked.pop();
            self.out.stands.pop();
        }
        let trimmed = self.text[..resume].iter().rposition(|byte| !lex::is_space(*byte)).map_or(0, |last| last + 1);
        self.extend(statement, trimmed);
        self.position = resume;
        self.finish(None);
    }

    /// Ends the statement, if one was begun; `terminator` is the end of its `;`.
    fn finish(&mut self, terminator: Option<usize>) {
        let state = std::mem::take(&mut self.state);
        self.limit = None;
        let Some(start) = state.start else { return };
        let first_mask = state.first_mask.min(self.out.masked.len());
        let inside =
            self.out.masked[first_mask..].iter().take_while(|mask| (mask.span.start as usize) < state.end).count();
        self.out.pieces.push(Piece {
            span: Span::new(start, state.end),
            end: Span::new(0, terminator.unwrap_or(state.end)).end,
            masked: first_mask..first_mask + inside,
            unclosed: (state.parens > 0 && (state.outermost as usize) < state.end).then_some(state.outermost),
        });
        if state.copies && self.options.copy_data {
            self.copy_data();
        }
    }

    /// Masks the lines behind the current one up to `\.`.
    fn copy_data(&mut self) {
        self.out.copies = true;
        let line_end = lex::line_end(self.text, self.position);
        let rest = self.text[self.position..line_end].trim_ascii();
        if !(rest.is_empty() || rest.starts_with(b"--")) {
            return;
        }
        if !rest.is_empty() {
            let start = line_end - self.text[self.position..line_end].trim_ascii_start().len();
            self.out.comments.push(Comment { span: Span::new(start, line_end), block: false });
        }
        let start = next_line(self.text, line_end);
        self.position = start;
        let mut position = start;
        if self.copy_data_ends {
            while position < self.text.len() {
                let end = lex::line_end(self.text, position);
                if self.text[position..end].trim_ascii_end() == b"\\." {
                    self.mask(start, end, MaskedKind::CopyData, Stand::Blank);
                    self.position = end;
                    return;
                }
                position = next_line(self.text, end);
            }
            self.copy_data_ends = false;
        }
        // Without its end the data reaches to the next line that looks like a statement.
        position = start;
        while position < self.text.len() && statement_word(self.text, position).is_none() {
            position = next_line(self.text, lex::line_end(self.text, position));
        }
        let end = self.text[..position].trim_ascii_end().len();
        if end > start {
            self.mask(start, end, MaskedKind::CopyData, Stand::Blank);
            self.position = end;
        }
    }
}

/// The next line that begins with a statement: behind `token` any such line, before it only one that stands behind a line
/// ending in `;`, which a string or comment opened too early has swallowed.
fn next_statement_line(text: &[u8], statement: usize, token: usize) -> Option<usize> {
    let mut position = statement;
    let mut after_semicolon = false;
    loop {
        let line_end = lex::line_end(text, position);
        let line = text[position..line_end].trim_ascii_end();
        if !line.is_empty() {
            after_semicolon = line.ends_with(b";");
        }
        position = line_end + 1;
        if position >= text.len() {
            return None;
        }
        if (after_semicolon || position > token) && statement_word(text, position).is_some() {
            return Some(position);
        }
    }
}

fn next_line(text: &[u8], line_end: usize) -> usize {
    match text.get(line_end..line_end + 2) {
        Some(b"\r\n") => line_end + 2,
        _ => text.len().min(line_end + 1),
    }
}

fn at_line_start(text: &[u8], position: usize) -> bool {
    position == 0 || matches!(text[position - 1], b'\n' | b'\r')
}

fn word_is(text: &[u8], span: Span, keyword: &str) -> bool {
    text.get(span.range()).is_some_and(|word| word.eq_ignore_ascii_case(keyword.as_bytes()))
}

/// What a BEGIN ATOMIC body and the actions of a rule hold.
fn in_body(word: &str) -> bool {
    matches!(word, "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "WITH" | "VALUES" | "TABLE" | "END" | "NOTIFY")
}

/// The keyword that begins a statement at `position`, written all in upper or all in lower case: prose in a string begins
/// its lines with `Select`.
fn statement_word(text: &[u8], position: usize) -> Option<&'static str> {
    const WORDS: [&str; 49] = [
        "ABORT",
        "ALTER",
        "ANALYZE",
        "BEGIN",
        "CALL",
        "CHECKPOINT",
        "CLUSTER",
        "COMMENT",
        "COMMIT",
        "COPY",
        "CREATE",
        "DEALLOCATE",
        "DECLARE",
        "DELETE",
        "DISCARD",
        "DO",
        "DROP",
        "END",
        "EXECUTE",
        "EXPLAIN",
        "FETCH",
        "GRANT",
        "IMPORT",
        "INSERT",
        "LISTEN",
        "LOAD",
        "LOCK",
        "MERGE",
        "NOTIFY",
        "PREPARE",
        "REASSIGN",
        "REFRESH",
        "REINDEX",
        "RELEASE",
        "RESET",
        "REVOKE",
        "ROLLBACK",
        "SAVEPOINT",
        "SECURITY",
        "SELECT",
        "SET",
        "SHOW",
        "START",
        "TABLE",
        "TRUNCATE",
        "UPDATE",
        "VACUUM",
        "VALUES",
        "WITH",
    ];
    let first = *text.get(position)?;
    if !first.is_ascii_alphabetic() {
        return None;
    }
    let word = &text[position..lex::name_end(text, position)];
    if word.len() > 10 || !(word.iter().all(u8::is_ascii_uppercase) || word.iter().all(u8::is_ascii_lowercase)) {
        return None;
    }
    WORDS.into_iter().find(|keyword| keyword.as_bytes().eq_ignore_ascii_case(word))
}
