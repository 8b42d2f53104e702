//! Routine bodies lowered to the statements inside them.
//!
//! PL/pgSQL is read statement by statement (`src/pl/plpgsql/src/pl_gram.y`): blocks and branches are followed, embedded
//! queries are parsed by themselves with their INTO taken out. What does not parse is listed as opaque.

use crate::ast::{Body, Do, Lowered, Opaque, Query, StatementKind};
use crate::convert::source::{Origin, Part, Source};
use crate::dynamic;
use crate::ffi::Node;
use crate::lex::{self, Token, TokenKind};
use crate::nodes::{self as pg, Kind};
use crate::options::{Options, Templates};
use crate::parse;
use crate::span::Span;
use crate::split;
use crate::strings::{self, Value};

/// Bodies in the text of an EXECUTE in a body in ... are followed this far.
const DEEPEST: u32 = 4;

pub fn do_statement(source: &Source<'_>, node: &pg::DoStmt<'_>) -> StatementKind {
    let mut language = "plpgsql".to_owned();
    let mut text = None;
    for option in node.args.iter() {
        let Kind::DefElem(option) = option.kind() else { continue };
        match option.defname.get() {
            "language" => language = option.arg.and_then(Node::string).unwrap_or_default().to_ascii_lowercase(),
            "as" => text = source.at(option.location),
            _ => {}
        }
    }
    let at = text.unwrap_or(1);
    StatementKind::Do(Do { body: body(source, at, &language), language })
}

/// The body in the string at a token: opaque until [`fill`].
pub fn body(source: &Source<'_>, at: usize, language: &str) -> Body {
    let token = source.tokens.get(at).copied();
    let continued = matches!(
        source.kind(at + 1),
        Some(TokenKind::String | TokenKind::PrefixedString) if token.is_some_and(|token| token.kind != TokenKind::DollarString)
    );
    let value = token.filter(|_| !continued).and_then(|token| strings::value(source.text, token));
    let span = value.as_ref().map_or_else(|| source.tokens_span(at, at + 1), |value| source.span(value.inner));
    if let Some(value) = value
        && source.nesting < DEEPEST
        && matches!(language, "plpgsql" | "sql")
    {
        source.body.replace(Some(Pending { value, sql: language == "sql" }));
    }
    Body {
        span,
        statements: Vec::new(),
        opaque: vec![Opaque { span, creates: true }],
        commits: Vec::new(),
        columns_used: Vec::new(),
    }
}

/// A body to be lowered when the tree of the statement that holds it is gone: the library holds one tree at a time.
pub struct Pending {
    value: Value,
    sql: bool,
}

/// Puts the lowered body in its place.
pub fn fill(source: &Source<'_>, kind: &mut StatementKind) {
    let Some(pending) = source.body.take() else { return };
    match kind {
        StatementKind::Do(statement) => statement.body = lower(source, &pending),
        StatementKind::CreateFunction(function) => function.body = Some(lower(source, &pending)),
        _ => {}
    }
}

fn lower(source: &Source<'_>, pending: &Pending) -> Body {
    let value = &pending.value;
    let span = source.span(value.inner);
    // The tool that fills in placeholders does not know strings; psql does.
    let templates = Templates { colon: false, at: false, ..source.options.templates };
    let options = Options { templates, ..Options::plain() };
    let text = parse::masked_text(&value.text, &options);
    let origin = Origin::inside(&source.origin, &value.parts, text.len());
    let body = Body { span, statements: Vec::new(), opaque: Vec::new(), commits: Vec::new(), columns_used: Vec::new() };
    let mut lowering = Lowering { holder: source, text: &text, origin, body };
    if pending.sql {
        lowering.statements(&text, &[Part::copy(0, 0)], Flags::default(), Span::new(0, text.len()));
    } else {
        lowering.plpgsql();
    }
    lowering.body
}

struct Lowering<'l, 's, 't> {
    /// The statement that holds the body.
    holder: &'l Source<'s>,
    text: &'t str,
    origin: Origin,
    body: Body,
}

#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    conditional: bool,
    in_loop: bool,
    dynamic: bool,
}

/// A construct that waits for its END.
struct Frame {
    kind: FrameKind,
    outer: Flags,
    /// How many statements precede it.
    from: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Block,
    /// The handlers of a block.
    Handlers,
    If,
    Case,
    Loop,
}

impl Lowering<'_, '_, '_> {
    fn plpgsql(&mut self) {
        let tokens: Vec<Token> = lex::tokens(self.text).into_iter().filter(|token| !token.is_comment()).collect();
        let scan = Scan { text: self.text, tokens: &tokens };
        let mut frames: Vec<Frame> = Vec::new();
        let mut flags = Flags::default();
        let mut at = 0;
        // `#variable_conflict use_column`: lines for the compiler.
        while scan.word(at) == "#" {
            let line_end = lex::line_end(self.text.as_bytes(), scan.start(at));
            at = tokens.partition_point(|token| (token.span.start as usize) < line_end);
        }
        while at < tokens.len() {
            let frame = frames.last().map(|frame| frame.kind);
            if scan.word(at) == "<<" {
                at += 3;
            } else if scan.is(at, "DECLARE") {
                at = self.declarations(&scan, at + 1, flags);
            } else if scan.is(at, "BEGIN") {
                frames.push(Frame { kind: FrameKind::Block, outer: flags, from: self.body.statements.len() });
                at += 1;
            } else if scan.is(at, "EXCEPTION") && frame == Some(FrameKind::Block) {
                if let Some(frame) = frames.last_mut() {
                    frame.kind = FrameKind::Handlers;
                    self.body.statements[frame.from..].iter_mut().for_each(|it| it.guarded = true);
                }
                flags.conditional = true;
                at += 1;
            } else if scan.is(at, "WHEN") && frame == Some(FrameKind::Handlers) {
                at = scan.find(at, &["THEN"]) + 1;
            } else if scan.is(at, "WHEN") && frame == Some(FrameKind::Case)
                || scan.is(at, "ELSIF")
                || scan.is(at, "ELSEIF")
            {
                let then = scan.find(at, &["THEN"]);
                self.expression(&scan, at + 1, then, flags);
                at = then + 1;
            } else if scan.is(at, "ELSE") {
                at += 1;
            } else if scan.is(at, "IF") {
                let then = scan.find(at, &["THEN"]);
                self.expression(&scan, at + 1, then, flags);
                frames.push(Frame { kind: FrameKind::If, outer: flags, from: self.body.statements.len() });
                flags.conditional = true;
                at = then + 1;
            } else if scan.is(at, "CASE") {
                let when = scan.find(at + 1, &["WHEN"]);
                self.expression(&scan, at + 1, when, flags);
                frames.push(Frame { kind: FrameKind::Case, outer: flags, from: self.body.statements.len() });
                flags.conditional = true;
                at = when;
            } else if scan.is(at, "LOOP") {
                frames.push(Frame { kind: FrameKind::Loop, outer: flags, from: self.body.statements.len() });
                flags.in_loop = true;
                at += 1;
            } else if scan.is(at, "WHILE") || scan.is(at, "FOR") || scan.is(at, "FOREACH") {
                let body = scan.find(at, &["LOOP"]);
                self.loop_head(&scan, at, body, flags);
                frames.push(Frame { kind: FrameKind::Loop, outer: flags, from: self.body.statements.len() });
                flags.in_loop = true;
                flags.conditional = true;
                at = body + 1;
            } else if scan.is(at, "END") {
                if let Some(frame) = frames.pop() {
                    flags = frame.outer;
                }
                at = scan.semicolon(at) + 1;
            } else {
                let end = scan.semicolon(at);
                self.simple(&scan, at, end, flags);
                at = end + 1;
            }
        }
        if !frames.is_empty() {
            // The blocks do not close: what was read of them may be anything.
            self.body.opaque.push(Opaque { span: self.body.span, creates: true });
        }
    }

    /// The declarations up to BEGIN. Defaults and cursors' queries are expressions that run.
    fn declarations(&mut self, scan: &Scan<'_>, mut at: usize, flags: Flags) -> usize {
        while at < scan.tokens.len() && !scan.is(at, "BEGIN") {
            let end = scan.semicolon(at);
            let value = scan.find_where(at, end, |index| {
                scan.kind(index) == Some(TokenKind::Assign) || scan.word(index) == "=" || scan.is(index, "DEFAULT")
            });
            if value < end {
                self.expression(scan, value + 1, end, flags);
            }
            at = end + 1;
        }
        at
    }

    /// WHILE condition; FOR x IN range, query, EXECUTE or cursor; FOREACH x IN ARRAY.
    fn loop_head(&mut self, scan: &Scan<'_>, at: usize, end: usize, flags: Flags) {
        if scan.is(at, "WHILE") {
            self.expression(scan, at + 1, end, flags);
            return;
        }
        let mut from = scan.find(at, &["IN"]).min(end) + 1;
        if scan.is(from, "EXECUTE") {
            self.execute(scan, from, end, flags);
            return;
        }
        if scan.is(at, "FOREACH") {
            from += usize::from(scan.is(from, "ARRAY"));
            self.expression(scan, from, end, flags);
            return;
        }
        let range = scan.find_where(from, end, |index| scan.kind(index) == Some(TokenKind::DotDot));
        if range < end {
            from += usize::from(scan.is(from, "REVERSE"));
            self.expression(scan, from, range, flags);
            self.expression(scan, range + 1, end, flags);
        } else if begins_query(scan, from) {
            self.query(scan, from, end, flags);
        }
    }

    /// A statement without parts that are statements, at the tokens `from..end`.
    fn simple(&mut self, scan: &Scan<'_>, from: usize, end: usize, flags: Flags) {
        if from >= end {
            return;
        }
        let word = scan.word(from).to_ascii_uppercase();
        match word.as_str() {
            _ if scan.assigns(from, end).is_some() => {
                let value = scan.assigns(from, end).unwrap_or(end);
                self.expression(scan, value, end, flags);
            }
            "NULL" | "GET" | "FETCH" | "MOVE" | "CLOSE" => {}
            "EXIT" | "CONTINUE" => {
                let when = scan.find_where(from, end, |index| scan.is(index, "WHEN"));
                self.expression(scan, when + 1, end, flags);
            }
            // RAISE level 'format', argument, ... USING option = value.
            "RAISE" => {
                let argument = scan.find_where(from, end, |index| scan.kind(index) == Some(TokenKind::Comma));
                let using = scan.find_where(argument, end, |index| scan.is(index, "USING"));
                self.expression(scan, argument + 1, using, flags);
            }
            "ASSERT" => self.expression(scan, from + 1, end, flags),
            "COMMIT" | "ROLLBACK" => self.body.commits.push(self.place(scan, from, end)),
            "PERFORM" => {
                let (start, stop) = (scan.start(from), scan.end(end - 1));
                // SELECT is as long as PERFORM with a space less.
                let text = format!("SELECT {}", &self.text[start + "PERFORM".len()..stop]);
                self.statement(&text, &[Part::copy(0, start)], flags, Span::new(start, stop));
            }
            "EXECUTE" => self.execute(scan, from, end, flags),
            "RETURN" if scan.is(from + 1, "QUERY") && scan.is(from + 2, "EXECUTE") => {
                self.execute(scan, from + 2, end, flags);
            }
            "RETURN" if scan.is(from + 1, "QUERY") => self.query(scan, from + 2, end, flags),
            "RETURN" => {
                let from = from + 1 + usize::from(scan.is(from + 1, "NEXT"));
                self.expression(scan, from, end, flags);
            }
            "OPEN" => {
                let query = scan.find_where(from, end, |index| scan.is(index, "FOR"));
                if scan.is(query + 1, "EXECUTE") {
                    self.execute(scan, query + 1, end, flags);
                } else if query < end {
                    self.query(scan, query + 1, end, flags);
                }
            }
            _ => self.query(scan, from, end, flags),
        }
    }

    fn place(&self, scan: &Scan<'_>, from: usize, end: usize) -> Span {
        self.origin.span(Span::new(scan.start(from), scan.end(end.max(from + 1) - 1)))
    }

    /// An SQL statement, whose INTO is blanked.
    fn query(&mut self, scan: &Scan<'_>, from: usize, end: usize, flags: Flags) {
        if from >= end {
            return;
        }
        let (start, stop) = (scan.start(from), scan.end(end - 1));
        let mut text = self.text[start..stop].to_owned();
        if let Some((into, targets_end)) = scan.into(from, end) {
            let (first, last) = (scan.start(into) - start, scan.end(targets_end - 1) - start);
            let blank: String = text[first..last].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
            text.replace_range(first..last, &blank);
        }
        self.statement(&text, &[Part::copy(0, start)], flags, Span::new(start, stop));
    }

    /// An expression: worth a statement only if it calls or reads something.
    fn expression(&mut self, scan: &Scan<'_>, from: usize, end: usize, flags: Flags) {
        let calls = (from..end.min(scan.tokens.len())).any(|index| scan.kind(index) == Some(TokenKind::LeftParen));
        if !calls {
            return;
        }
        let (start, stop) = (scan.start(from), scan.end(end.min(scan.tokens.len()) - 1));
        let text = format!("SELECT {}", &self.text[start..stop]);
        let parts = [Part::whole(0, Span::new(start, start)), Part::copy("SELECT ".len(), start)];
        let known = self.body.statements.len();
        self.statement(&text, &parts, flags, Span::new(start, stop));
        if let [Lowered { kind: StatementKind::Select(query), .. }] = &self.body.statements[known..]
            && is_inert(query)
        {
            self.body.statements.truncate(known);
        }
    }

    /// EXECUTE text [INTO ...] [USING ...]; FOR x IN EXECUTE text.
    fn execute(&mut self, scan: &Scan<'_>, at: usize, end: usize, flags: Flags) {
        let stop = scan.find_where(at + 1, end, |index| scan.is(index, "INTO") || scan.is(index, "USING"));
        let place = Span::new(scan.start(at), scan.end(end.max(at + 1) - 1));
        let tokens = &scan.tokens[(at + 1).min(stop)..stop];
        match dynamic::constant_text(self.text, tokens) {
            Some(value) => self.statements(&value.text, &value.parts, Flags { dynamic: true, ..flags }, place),
            None => {
                let creates = dynamic::may_create(self.text, tokens);
                self.body.opaque.push(Opaque { span: self.origin.span(place), creates });
            }
        }
    }

    /// Parses a text made of `parts` of the body, which may hold several statements; `place` is what is opaque if that
    /// fails.
    fn statements(&mut self, text: &str, parts: &[Part], flags: Flags, place: Span) {
        let origin = Origin::inside(&self.origin, parts, text.len());
        for piece in split::split(text, &Options::plain(), None).pieces {
            let sql = piece.span.slice(text);
            let shift = [Part { at: 0, from: piece.span.start, whole: None }];
            if !self.one(sql, Origin::inside(&origin, &shift, sql.len()), flags, place) {
                return;
            }
        }
    }

    /// As [`Self::statements`] for a text that is one statement.
    fn statement(&mut self, text: &str, parts: &[Part], flags: Flags, place: Span) {
        let origin = Origin::inside(&self.origin, parts, text.len());
        self.one(text, origin, flags, place);
    }

    fn one(&mut self, sql: &str, origin: Origin, flags: Flags, place: Span) -> bool {
        let sql = sql.trim_end();
        let span = origin.span(Span::new(0, sql.len()));
        match parse::sql_statement(sql, origin, self.holder.options, self.holder.nesting + 1) {
            Ok((kind, needs)) => {
                self.holder.need_also(needs);
                self.body.statements.push(Lowered {
                    span,
                    kind,
                    conditional: flags.conditional,
                    in_loop: flags.in_loop,
                    dynamic: flags.dynamic,
                    guarded: false,
                });
                true
            }
            Err(_) => {
                self.body.opaque.push(Opaque { span: self.origin.span(place), creates: true });
                false
            }
        }
    }
}

fn is_inert(query: &Query) -> bool {
    query.reads.is_empty() && query.functions.is_empty() && query.writes.is_empty()
}

fn begins_query(scan: &Scan<'_>, at: usize) -> bool {
    ["SELECT", "WITH", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE", "EXPLAIN", "SHOW"]
        .iter()
        .any(|word| scan.is(at, word))
        || scan.kind(at) == Some(TokenKind::LeftParen)
}

/// The body's tokens without comments.
struct Scan<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl<'a> Scan<'a> {
    fn word(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| &self.text[token.span.range()])
    }

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn is(&self, at: usize, keyword: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(self.text, keyword))
    }

    fn start(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(self.text.len(), |token| token.span.start as usize)
    }

    fn end(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(self.text.len(), |token| token.span.end as usize)
    }

    /// The first token in `from..end` outside parentheses that satisfies `stop`, else `end`.
    fn find_where(&self, from: usize, end: usize, mut stop: impl FnMut(usize) -> bool) -> usize {
        let mut depth = 0_usize;
        for at in from..end.min(self.tokens.len()) {
            match self.tokens[at].kind {
                TokenKind::LeftParen | TokenKind::LeftBracket => depth += 1,
                TokenKind::RightParen | TokenKind::RightBracket => depth = depth.saturating_sub(1),
                _ if depth == 0 && stop(at) => return at,
                _ => {}
            }
        }
        end.min(self.tokens.len())
    }

    /// The first of the keywords outside parentheses and CASE expressions, or the `;` that ends the statement.
    fn find(&self, from: usize, keywords: &[&str]) -> usize {
        let mut cases = 0_usize;
        self.find_where(from, self.tokens.len(), |at| {
            if self.is(at, "CASE") && at > from {
                cases += 1;
            } else if cases > 0 && self.is(at, "END") {
                cases -= 1;
            } else if cases == 0 {
                return self.tokens[at].kind == TokenKind::Semicolon || keywords.iter().any(|word| self.is(at, word));
            }
            false
        })
    }

    fn semicolon(&self, from: usize) -> usize {
        self.find_where(from, self.tokens.len(), |at| self.tokens[at].kind == TokenKind::Semicolon)
    }

    /// Behind the `:=` or `=` of an assignment to a variable, field or element.
    fn assigns(&self, from: usize, end: usize) -> Option<usize> {
        if !matches!(self.kind(from)?, TokenKind::Word | TokenKind::QuotedName | TokenKind::Parameter) {
            return None;
        }
        let mut at = from + 1;
        while at < end {
            match self.kind(at)? {
                TokenKind::Dot => at += 2,
                TokenKind::LeftBracket => {
                    at = self.find_where(at + 1, end, |_| false).min(self.bracket_end(at, end));
                }
                TokenKind::Assign => return Some(at + 1),
                TokenKind::Operator if self.word(at) == "=" => return Some(at + 1),
                _ => return None,
            }
        }
        None
    }

    fn bracket_end(&self, open: usize, end: usize) -> usize {
        let mut depth = 0_usize;
        for at in open..end {
            match self.tokens[at].kind {
                TokenKind::LeftBracket => depth += 1,
                TokenKind::RightBracket => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        end
    }

    /// The tokens of `INTO [STRICT] target, ...`: of a query, not of INSERT INTO and MERGE INTO.
    fn into(&self, from: usize, end: usize) -> Option<(usize, usize)> {
        if !["SELECT", "WITH", "VALUES", "INSERT", "UPDATE", "DELETE", "MERGE", "TABLE"]
            .iter()
            .any(|word| self.is(from, word))
        {
            return None;
        }
        let into = self.find_where(from, end, |at| {
            self.is(at, "INTO") && !(at > 0 && (self.is(at - 1, "INSERT") || self.is(at - 1, "MERGE")))
        });
        if into >= end {
            return None;
        }
        let mut at = into + 1 + usize::from(self.is(into + 1, "STRICT"));
        loop {
            at += 1;
            while at < end {
                match self.kind(at)? {
                    TokenKind::Dot => at += 2,
                    TokenKind::LeftBracket => at = self.bracket_end(at, end),
                    _ => break,
                }
            }
            if at >= end || self.kind(at) != Some(TokenKind::Comma) {
                return Some((into, at.min(end)));
            }
            at += 1;
        }
    }
}
