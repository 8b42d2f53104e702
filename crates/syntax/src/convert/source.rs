//! A statement's text with its tokens, and the spans the grammar gives no location for.
//!
//! Offsets are those of the text that the parser read. It can differ from the file: bodies stand inside another
//! statement, doubled quotes are undone, long lists are shortened. [`Source::span`] leads back.

use std::cell::{Cell, RefCell};

use crate::ast::{Ident, Name, Needs};
use crate::lex::{self, Token, TokenKind};
use crate::options::Options;
use crate::plpgsql::Pending;
use crate::span::Span;

/// Where the text the parser read stands in the statement.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Of the whole text, when it is a slice.
    pub shift: u32,
    /// Else its parts in order; the first begins at 0.
    pub parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Where the part begins in the parser's text.
    pub at: u32,
    pub from: u32,
    /// The part stands for all of this stretch; else it is a copy that begins at `from`.
    pub whole: Option<Span>,
}

impl Part {
    pub fn copy(at: usize, from: usize) -> Self {
        Self { at: Span::new(at, at).start, from: Span::new(from, from).start, whole: None }
    }

    pub fn whole(at: usize, whole: Span) -> Self {
        Self { at: Span::new(at, at).start, from: whole.start, whole: Some(whole) }
    }
}

impl Origin {
    /// Of a text made from `outer`'s text by copying `parts`.
    pub fn inside(outer: &Origin, parts: &[Part], length: usize) -> Origin {
        if let ([Part { at: 0, from, whole: None }], []) = (parts, outer.parts.as_slice()) {
            return Origin { shift: outer.shift + from, parts: Vec::new() };
        }
        let mut mapped = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            let end = parts.get(index + 1).map_or(Span::new(length, length).start, |next| next.at);
            if let Some(whole) = part.whole {
                mapped.push(Part { at: part.at, from: 0, whole: Some(outer.span(whole)) });
                continue;
            }
            mapped.push(outer.moved(part.at, part.from));
            // A copied stretch can run over several parts of the outer text.
            let first = outer.parts.partition_point(|known| known.at <= part.from);
            for known in &outer.parts[first.min(outer.parts.len())..] {
                if known.at >= part.from + (end - part.at) {
                    break;
                }
                mapped.push(outer.moved(part.at + (known.at - part.from), known.at));
            }
        }
        Origin { shift: 0, parts: mapped }
    }

    /// The part of this origin at `offset`, as a part of another text that begins at `at` there.
    fn moved(&self, at: u32, offset: u32) -> Part {
        match self.part(offset) {
            Some(Part { whole: Some(whole), .. }) => Part { at, from: whole.start, whole: Some(*whole) },
            _ => Part { at, from: self.start(offset), whole: None },
        }
    }

    fn part(&self, offset: u32) -> Option<&Part> {
        self.parts[..self.parts.partition_point(|part| part.at <= offset)].last()
    }

    fn start(&self, offset: u32) -> u32 {
        match self.part(offset) {
            None => offset + self.shift,
            Some(Part { whole: Some(whole), .. }) => whole.start,
            Some(part) => part.from + (offset - part.at),
        }
    }

    pub fn span(&self, span: Span) -> Span {
        if self.parts.is_empty() {
            return span.shifted(self.shift);
        }
        if span.is_empty() {
            let at = self.start(span.start);
            return Span { start: at, end: at };
        }
        // The end belongs to the part that holds the last byte.
        let end = match self.part(span.end - 1) {
            Some(Part { whole: Some(whole), .. }) => whole.end,
            _ => self.start(span.end - 1) + 1,
        };
        let start = self.start(span.start);
        Span { start, end: end.max(start) }
    }
}

pub struct Source<'t> {
    pub text: &'t str,
    /// Without comments.
    pub tokens: Vec<Token>,
    pub origin: Origin,
    pub needs: RefCell<Option<Needs>>,
    pub options: &'t Options,
    /// Bodies inside bodies.
    pub nesting: u32,
    /// The routine body of the statement.
    pub body: RefCell<Option<Pending>>,
    /// Rows left out of the text because they are like those kept.
    pub rows_left_out: Cell<usize>,
}

impl<'t> Source<'t> {
    pub fn new(text: &'t str, origin: Origin, options: &'t Options, nesting: u32) -> Self {
        let mut tokens = Vec::with_capacity(text.len() / 5 + 4);
        let mut position = 0;
        while let Some(token) = lex::next(text.as_bytes(), position, options.standard_conforming_strings) {
            position = token.span.end as usize;
            if !token.is_comment() {
                tokens.push(token);
            }
        }
        Self {
            text,
            tokens,
            origin,
            needs: RefCell::new(None),
            options,
            nesting,
            body: RefCell::new(None),
            rows_left_out: Cell::new(0),
        }
    }

    /// The tokens `from..to` as a statement of their own: one that stands inside this one.
    pub fn part(&self, from: usize, to: usize) -> Source<'t> {
        let to = to.min(self.tokens.len());
        Source {
            text: self.text,
            tokens: self.tokens[from.min(to)..to].to_vec(),
            origin: self.origin.clone(),
            needs: RefCell::new(None),
            options: self.options,
            nesting: self.nesting,
            body: RefCell::new(None),
            rows_left_out: Cell::new(0),
        }
    }

    /// The place in the statement of a stretch of the text.
    pub fn span(&self, span: Span) -> Span {
        self.origin.span(span)
    }

    /// The place of the tokens `from..to`.
    pub fn tokens_span(&self, from: usize, to: usize) -> Span {
        match (self.tokens.get(from), to.checked_sub(1).and_then(|last| self.tokens.get(last))) {
            (Some(first), Some(last)) if from < to => self.span(Span { start: first.span.start, end: last.span.end }),
            _ => {
                let at = self.tokens.get(from).map_or(self.text.len() as u32, |token| token.span.start);
                self.span(Span { start: at, end: at })
            }
        }
    }

    pub fn whole(&self) -> Span {
        self.tokens_span(0, self.tokens.len())
    }

    /// The index of the first token at or after a location the grammar gives; `None` for -1.
    pub fn at(&self, location: i32) -> Option<usize> {
        let offset = u32::try_from(location).ok()?;
        let index = self.tokens.partition_point(|token| token.span.start < offset);
        (index < self.tokens.len()).then_some(index)
    }

    pub fn word(&self, index: usize) -> &'t str {
        self.tokens.get(index).map_or("", |token| &self.text[token.span.range()])
    }

    pub fn is(&self, index: usize, keyword: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is(self.text, keyword))
    }

    pub fn kind(&self, index: usize) -> Option<TokenKind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    /// Behind the qualified name that begins at a token.
    pub fn name_end(&self, index: usize) -> usize {
        let mut end = index + 1;
        while self.kind(end) == Some(TokenKind::Dot) {
            end += 2;
        }
        end.min(self.tokens.len())
    }

    /// Behind the closing parenthesis or bracket of the one at `index`.
    pub fn group_end(&self, index: usize) -> usize {
        let mut depth = 0_usize;
        for (offset, token) in self.tokens[index..].iter().enumerate() {
            match token.kind {
                TokenKind::LeftParen | TokenKind::LeftBracket => depth += 1,
                TokenKind::RightParen | TokenKind::RightBracket => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return index + offset + 1;
                    }
                }
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// The first token from `index` on, at this level of parentheses, that satisfies `stop` or closes the level; the end
    /// of the tokens if there is none.
    pub fn scan(&self, index: usize, mut stop: impl FnMut(usize, Token) -> bool) -> usize {
        let mut at = index;
        while let Some(token) = self.tokens.get(at) {
            if stop(at, *token) {
                return at;
            }
            at = match token.kind {
                TokenKind::LeftParen | TokenKind::LeftBracket => self.group_end(at),
                TokenKind::RightParen | TokenKind::RightBracket => return at,
                _ => at + 1,
            };
        }
        self.tokens.len()
    }

    /// Where the list element at `index` ends: at a comma, at the closing parenthesis, at the end.
    pub fn element_end(&self, index: usize) -> usize {
        self.scan(index, |_, token| token.kind == TokenKind::Comma)
    }

    /// The elements from `index` to `end` or to the parenthesis that closes them.
    pub fn elements(&self, index: usize, end: usize) -> Vec<(usize, usize)> {
        let mut elements = Vec::new();
        let mut from = index;
        loop {
            let to = self.element_end(from).min(end);
            if to > from {
                elements.push((from, to));
            }
            if to >= end || self.kind(to) != Some(TokenKind::Comma) {
                return elements;
            }
            from = to + 1;
        }
    }

    /// The first `keyword` from `index` on outside parentheses.
    pub fn find(&self, index: usize, keyword: &str) -> Option<usize> {
        let at = self.scan(index, |_, token| token.is(self.text, keyword));
        self.is(at, keyword).then_some(at)
    }

    /// The parenthesis that opens next at this level.
    pub fn find_open(&self, index: usize) -> Option<usize> {
        let at = self.scan(index, |_, token| token.kind == TokenKind::LeftParen);
        (self.kind(at) == Some(TokenKind::LeftParen)).then_some(at)
    }

    /// The qualified name at `index`; a catalog is left out.
    pub fn name(&self, index: usize) -> Name {
        let end = self.name_end(index);
        let last = end.saturating_sub(1);
        let schema = (last >= index + 2).then(|| lex::fold(self.word(last - 2)));
        Name { schema, name: lex::fold(self.word(last)), span: self.tokens_span(index, end) }
    }

    /// Notes that the construct at the tokens `from..to` needs a PostgreSQL major.
    pub fn need(&self, major: u32, construct: &'static str, from: usize, to: usize) {
        self.need_at(major, construct, self.tokens_span(from, to.max(from + 1).min(self.tokens.len())));
    }

    /// Takes over what a part needs.
    pub fn need_also(&self, needs: Option<Needs>) {
        if let Some(Needs { major, construct, span }) = needs {
            self.need_at(major, construct, span);
        }
    }

    /// As [`Self::need`], with a place in the statement. The newest need counts, of equal ones the first.
    pub fn need_at(&self, major: u32, construct: &'static str, span: Span) {
        let mut needs = self.needs.borrow_mut();
        if needs.as_ref().is_none_or(|known| known.major < major) {
            *needs = Some(Needs { major, construct, span });
        }
    }
}

/// Walks over the fixed words of a statement. The tree says what stands there, the walk says where.
pub struct Cursor<'c, 't> {
    pub source: &'c Source<'t>,
    pub at: usize,
}

impl<'c, 't> Cursor<'c, 't> {
    pub fn new(source: &'c Source<'t>, at: usize) -> Self {
        Self { source, at }
    }

    pub fn eat(&mut self, keyword: &str) -> bool {
        let found = self.source.is(self.at, keyword);
        self.at += usize::from(found);
        found
    }

    /// All the keywords or none.
    pub fn eat_all(&mut self, keywords: &[&str]) -> bool {
        let found = keywords.iter().enumerate().all(|(offset, keyword)| self.source.is(self.at + offset, keyword));
        if found {
            self.at += keywords.len();
        }
        found
    }

    pub fn eat_any(&mut self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.eat(keyword))
    }

    /// The token as a name, whose text the tree gives.
    pub fn ident(&mut self, text: &str) -> Ident {
        self.at += 1;
        Ident { text: text.to_owned(), span: self.source.tokens_span(self.at - 1, self.at) }
    }
}
