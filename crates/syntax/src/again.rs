//! A text that differs in one place from one that was read before. What stands before and behind that place is taken over:
//! statements are split from each other by what is in them, but for what recovers from an open string or parenthesis.

use std::ops::Range;

use crate::ast::{Comment, Masked, Script, Statement};
use crate::cache::Cache;
use crate::options::Options;
use crate::parse;
use crate::span::Span;
use crate::split;

/// What was read before.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    pub text: &'a str,
    pub options: &'a Options,
    pub script: &'a Script,
}

/// The end of a statement is decided by what it holds and by less than these bytes behind it, the longest placeholder.
const FORESIGHT: usize = 8192;

/// With more broken statements the splitter may have begun to save time, which changes what it finds.
const MOST_BROKEN: usize = 3;

/// As [`crate::parse_cached`], faster where not much has changed.
#[must_use]
pub fn parse_again(text: &str, options: &Options, cache: &Cache, before: Before) -> Script {
    patched(text, options, cache, before).unwrap_or_else(|| parse::parse_cached(text, options, cache))
}

/// `None` where the text must be read as a whole.
fn patched(text: &str, options: &Options, cache: &Cache, before: Before) -> Option<Script> {
    let Before { text: old_text, options: old_options, script: old } = before;
    let dialect = |options: &Options| Options { range: None, ..options.clone() };
    let hard = old.copies || old.broken.len() > MOST_BROKEN || old_text.contains('\0') || text.contains('\0');
    if hard || dialect(options) != dialect(old_options) {
        return None;
    }
    let (was, now) = (split::range(old_text, old_options), split::range(text, options));
    let (head, tail) = in_common(old_text.as_bytes().get(was.clone())?, text.as_bytes().get(now.clone())?);
    // A byte-order mark is one at the beginning of the text.
    if (was.start == 0) != (now.start == 0) {
        return None;
    }
    let is_ended = |statement: &Statement| statement.end > statement.span.end;

    // In front: whole statements, whose ends nothing behind them has decided.
    let safe = was.start + head.saturating_sub(FORESIGHT);
    let whole = old.statements.partition_point(|it| it.end as usize <= safe);
    let whole = old.broken.first().map_or(whole, |first| whole.min(*first));
    let front = old.statements[..whole].iter().rposition(is_ended).map_or(0, |last| last + 1);
    let from = old.statements[..front].last().map_or(was.start, |last| last.end as usize);

    // Behind: from the first place where a statement ends now and then, with the `;` in what has stayed.
    let stayed = was.end - tail;
    let ends = |at: usize| {
        let at = (at + was.end).checked_sub(now.end).filter(|at| *at > stayed)?;
        let index = old.statements.partition_point(|it| (it.end as usize) < at);
        old.statements.get(index).filter(|it| it.end as usize == at && is_ended(it)).map(|_| (index + 1, at))
    };
    let mut split = split::split_until(text, options, from + now.start - was.start, &|at| ends(at).is_some());
    let (behind, behind_from) = split.stopped.and_then(ends).unwrap_or((old.statements.len(), was.end + 1));
    let middle = parse::statements(&mut split, text, options, Some(cache));
    if split.copies || middle.cuts > 0 {
        return None;
    }

    let (into, by) = (Shift::between(was.start, now.start), Shift::between(was.end, now.end));
    let moved = |it: &Statement, shift: Shift| Statement {
        span: shift.span(it.span),
        end: shift.at(it.end),
        parsed: it.parsed.clone(),
    };
    let mut statements = Vec::with_capacity(front + middle.statements.len() + old.statements.len() - behind);
    statements.extend(old.statements[..front].iter().map(|it| moved(it, into)));
    statements.extend(middle.statements);
    let so_far = statements.len();
    statements.extend(old.statements[behind..].iter().map(|it| moved(it, by)));
    let broken_behind = old.broken.iter().filter(|at| **at >= behind).map(|at| at - behind + so_far);
    let broken = middle.broken.iter().map(|at| at + front).chain(broken_behind).collect();

    // Comments and masked stretches: those in front, then those that were read, then those behind.
    let fronted = |span: Span| ((span.start as usize) < from).then(|| into.span(span));
    let backed = |span: Span| (span.start as usize >= behind_from).then(|| by.span(span));
    let comment = |place: &dyn Fn(Span) -> Option<Span>| -> Vec<Comment> {
        old.comments.iter().filter_map(|it| Some(Comment { span: place(it.span)?, block: it.block })).collect()
    };
    let mask = |place: &dyn Fn(Span) -> Option<Span>| -> Vec<Masked> {
        old.masked.iter().filter_map(|it| Some(Masked { span: place(it.span)?, kind: it.kind.clone() })).collect()
    };
    let comments = [comment(&fronted), split.comments, comment(&backed)].concat();
    let masked = [mask(&fronted), split.masked, mask(&backed)].concat();
    let branches = parse::branches(text, &masked);
    Some(Script { statements, comments, masked, branches, broken, copies: false })
}

/// How far things have moved, forwards or backwards.
#[derive(Clone, Copy)]
struct Shift(u32);

impl Shift {
    fn between(old: usize, new: usize) -> Self {
        Self(Span::new(new, new).start.wrapping_sub(Span::new(old, old).start))
    }

    fn at(self, offset: u32) -> u32 {
        offset.wrapping_add(self.0)
    }

    fn span(self, span: Span) -> Span {
        Span { start: self.at(span.start), end: self.at(span.end) }
    }
}

/// How many bytes two texts share at their beginnings and, of what is left, at their ends.
fn in_common(old: &[u8], new: &[u8]) -> (usize, usize) {
    const BLOCK: usize = 1024;
    let blocks = old.chunks_exact(BLOCK).zip(new.chunks_exact(BLOCK)).take_while(|(old, new)| old == new).count();
    let equal = |(old, new): &(&u8, &u8)| old == new;
    let head = blocks * BLOCK;
    let head = head + old[head..].iter().zip(&new[head..]).take_while(equal).count();
    let (old, new): (&[u8], &[u8]) = (&old[head..], &new[head..]);
    let blocks = old.rchunks_exact(BLOCK).zip(new.rchunks_exact(BLOCK)).take_while(|(old, new)| old == new).count();
    let tail = blocks * BLOCK;
    let rest = |text: &'_ [u8]| -> Range<usize> { 0..text.len() - tail };
    let (old, new) = (&old[rest(old)], &new[rest(new)]);
    (head, tail + old.iter().rev().zip(new.iter().rev()).take_while(equal).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text may hold; `¶` is a number that differs from place to place.
    const PIECES: [&str; 32] = [
        "CREATE TABLE t¶ (id int, b text DEFAULT 'a;b');\n",
        "ALTER TABLE t¶ ADD COLUMN c¶ int; -- a comment; with one\n",
        "INSERT INTO t (a, b) VALUES (¶, 'x');\r\n",
        "UPDATE t SET a = ¶ WHERE b = $$a;b$$;\n",
        "/* a block; of /* two */ */ SELECT ¶;\n",
        "CREATE FUNCTION f¶() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;\n",
        "CREATE RULE r¶ AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM v);\n",
        "DO $body$ BEGIN PERFORM ¶; END $body$;\n",
        "SELECT '{{ quoted \"x\" }}', ${braces}, {{ mustache }}, :colon;\n",
        "{{ if .x }} DROP TABLE t¶; {{ end }}\n",
        "\\set x ¶\n",
        "SELECT ¶ \\g\n",
        "SELECT {{ x }}, 'abc\n",
        "SELECT ({{ x }};\n",
        ";;\n",
        "SELECT\n",
        "CREATE TABL t¶ (;\n",
        "CREATE TABLE u¶ (a int;\n",
        "SELECT 'it''s ¶' AS \"a;b\";\n",
        "\u{feff}SELECT ¶; -- é 😀\n",
        "'",
        "\"",
        "/*",
        "*/",
        "(",
        ")",
        "$$",
        "{{",
        "}}",
        "--",
        ";",
        "COPY t FROM stdin;\n¶\tx\n\\.\n",
    ];

    #[test]
    fn edits_read_as_the_whole_text_does() {
        let mut state = 1_u64;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let (mut taken_over, mut rounds) = (0, 0);
        // What is common and harmless, then also what is broken, then also what reaches far.
        for (pieces, length) in [(12, 500), (20, 500), (PIECES.len(), 40)] {
            let cache = Cache::default();
            let piece =
                |draw: &mut dyn FnMut(usize) -> usize, of: usize| PIECES[draw(of)].replace('¶', &draw(100).to_string());
            let mut text: String = (0..length).map(|_| piece(&mut draw, pieces.min(8))).collect();
            let mut sound = text.clone();
            let mut options = Options::default();
            let mut script = parse::parse_cached(&text, &options, &cache);
            for round in 0..700 {
                // What was done is undone at some time.
                let begun = if round % 2 == 0 { &sound } else { &text };
                let (mut next, mut wanted) = (begun.clone(), options.clone());
                let boundary = |at: usize| (0..=at).rev().find(|at| begun.is_char_boundary(*at)).unwrap_or(0);
                let from = boundary(draw(begun.len() + 1));
                match round % 5 {
                    0 => next.replace_range(from..boundary(begun.len().min(from + draw(60))), ""),
                    1 => next.insert_str(from, &piece(&mut draw, pieces)),
                    2 => next.replace_range(from..boundary(begun.len().min(from + draw(9))), &piece(&mut draw, pieces)),
                    // As one who types, and takes back what was typed.
                    3 => next.insert(from, ['a', ' ', '1', '(', '.'][draw(5)]),
                    _ => {
                        let line = next[..from].rfind('\n').map_or(0, |at| at + 1);
                        next.insert_str(line, &piece(&mut draw, pieces));
                    }
                }
                // A section, whose beginning may move as well as its end.
                if round % 7 == 0 {
                    let (start, end) = (draw(40), next.len().saturating_sub(draw(40)));
                    wanted.range = (draw(2) == 0).then(|| Span::new(start.min(end), end));
                }
                let before = Before { text: &text, options: &options, script: &script };
                let again = patched(&next, &wanted, &cache, before);
                let whole = parse::parse_cached(&next, &wanted, &cache);
                rounds += 1;
                if let Some(again) = again {
                    taken_over += 1;
                    assert_eq!(drawn(&again), drawn(&whole), "{text}\n=>\n{next}");
                }
                if round % 20 == 0 && whole.broken.len() <= 1 {
                    sound.clone_from(&next);
                }
                (text, options, script) = (next, wanted, whole);
            }
        }
        assert!(taken_over * 4 > rounds, "{taken_over} of {rounds}");
    }

    /// An open string reaches to the end of the text, behind a placeholder too.
    #[test]
    fn what_was_guessed_is_guessed_again() {
        let fill: String = (0..500).map(|at| format!("CREATE TABLE f{at} (id int);\n")).collect();
        for begun in ["SELECT {{x}}, 'abc\n", "SELECT {{x}}, $$abc\n", "SELECT {{x}} /* abc\n", "SELECT 'abc\n"] {
            let text = |last: &str| format!("{begun}DROP TABLE t;\n{fill}SELECT {last};\n{fill}");
            let closer = if begun.contains('*') {
                "*/1"
            } else if begun.contains('$') {
                "$$1"
            } else {
                "'1"
            };
            let (old, new) = (text("1"), text(closer));
            let (options, cache) = (Options::default(), Cache::default());
            let script = parse::parse_cached(&old, &options, &cache);
            let before = Before { text: &old, options: &options, script: &script };
            let again = parse_again(&new, &options, &cache, before);
            assert!(drawn(&again) == drawn(&parse::parse_cached(&new, &options, &cache)), "{begun}");
        }
    }

    fn drawn(script: &Script) -> String {
        let statements = script.statements.iter().map(|it| format!("{:?} {} {:?}\n", it.span, it.end, it.parsed));
        let Script { comments, masked, branches, broken, copies, .. } = script;
        format!("{}{comments:?}\n{masked:?}\n{branches:?} {broken:?} {copies}", statements.collect::<String>())
    }
}
