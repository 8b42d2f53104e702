//! Comments that speak to a linter: ours, and the ignore comments of squawk, eugene and Atlas.
//!
//! ```sql
//! -- safestep: allow(drop-column, rename-column) the last reader is gone until=2027-01-31
//! -- safestep: acknowledge(drop-table) contract step
//! -- safestep: allow-file(missing-lock-timeout) the runner sets it
//! -- squawk-ignore ban-drop-column, adding-required-field -- reason
//! -- squawk-ignore-file
//! -- eugene: ignore E1, W2
//! -- atlas:nolint DS103
//! ```

use crate::ast::{Comment, Script};
use crate::lex;
use crate::span::Span;

/// Spans count from the beginning of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Directive {
    /// Of the comment.
    pub span: Span,
    pub tool: Tool,
    /// `acknowledge`: the author says that the hazard is known and wanted, which only some rules ask for.
    pub acknowledges: bool,
    pub scope: Scope,
    /// Rule names as written; empty when the tool's comment means every rule.
    pub names: Vec<Named>,
    pub reason: Option<String>,
    pub until: Option<Date>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    pub text: String,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Safestep,
    Squawk,
    Eugene,
    Atlas,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    File,
    /// The statement that holds the comment, that ends on its line, or that comes next; `None` when there is none.
    Statement(Option<usize>),
}

/// What a directive of ours can begin with, and what it does.
pub const VERBS: [(&str, &str); 3] = [
    ("allow", "Findings of these rules are not reported for the next statement, or for the one on the same line."),
    ("allow-file", "Findings of these rules are not reported in this file."),
    ("acknowledge", "The author knows the hazard of the next statement and wants it."),
];

/// The last day on which a directive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

/// A comment that begins like a directive of ours and is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    pub span: Span,
    /// What should stand there, e.g. ``a rule name in the parentheses of `allow` ``.
    pub expected: String,
}

/// The directives of a script in source order. `text` is the whole file.
#[must_use]
pub fn directives(text: &str, script: &Script) -> (Vec<Directive>, Vec<Malformed>) {
    let (mut directives, mut malformed) = (Vec::new(), Vec::new());
    for comment in &script.comments {
        let inner = inner(text, comment);
        let content = inner.slice(text);
        let read = if content.starts_with("safestep") {
            ours(text, inner)
        } else {
            Ok(squawk(text, inner).or_else(|| eugene(text, inner)).or_else(|| atlas(text, inner, script)))
        };
        match read {
            Ok(Some(mut directive)) => {
                directive.span = comment.span;
                if directive.scope != Scope::File {
                    directive.scope = Scope::Statement(statement_of(text, script, comment.span));
                }
                directives.push(directive);
            }
            Ok(None) => {}
            Err(expected) => malformed.push(Malformed { span: comment.span, expected }),
        }
    }
    (directives, malformed)
}

/// The comment without delimiters and the white space inside them.
fn inner(text: &str, comment: &Comment) -> Span {
    let whole = comment.span.slice(text);
    let closed = if comment.block { whole.strip_suffix("*/").unwrap_or(whole) } else { whole };
    let start = comment.span.start as usize + closed.len().min(2);
    let content = closed.get(2..).unwrap_or_default();
    let trimmed = content.trim_start();
    let start = start + content.len() - trimmed.len();
    Span::new(start, start + trimmed.trim_end().len())
}

fn statement_of(text: &str, script: &Script, comment: Span) -> Option<usize> {
    let next = script.statements.partition_point(|statement| statement.span.start < comment.start);
    if let Some(before) = next.checked_sub(1) {
        let statement = &script.statements[before];
        let same_line = || !text.get(statement.end as usize..comment.start as usize).unwrap_or("\n").contains('\n');
        if comment.start < statement.span.end || same_line() {
            return Some(before);
        }
    }
    (next < script.statements.len()).then_some(next)
}

fn blank(tool: Tool, scope: Scope) -> Directive {
    Directive { span: Span::default(), tool, acknowledges: false, scope, names: Vec::new(), reason: None, until: None }
}

const NEXT: Scope = Scope::Statement(None);

/// `safestep: verb(names) reason until=date`.
fn ours(text: &str, inner: Span) -> Result<Option<Directive>, String> {
    let content = inner.slice(text);
    let behind = content.strip_prefix("safestep").unwrap_or_default();
    let Some(rest) = behind.trim_start().strip_prefix(':') else {
        // Prose may begin with our name; `safestep allow(...)` is a slip.
        let slip =
            ["allow", "acknowledge"].iter().any(|verb| behind.trim_start().starts_with(verb)) && behind.contains('(');
        return if slip && behind.starts_with([' ', '\t']) { Err("`:` after `safestep`".to_owned()) } else { Ok(None) };
    };
    let rest = rest.trim_start();
    let word =
        &rest[..rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(rest.len())];
    let mut directive = match word {
        "allow" => blank(Tool::Safestep, NEXT),
        "allow-file" => blank(Tool::Safestep, Scope::File),
        "acknowledge" => Directive { acknowledges: true, ..blank(Tool::Safestep, NEXT) },
        _ => return Err("`allow(rule)`, `allow-file(rule)` or `acknowledge(rule)`".to_owned()),
    };
    let behind = rest[word.len()..].trim_start();
    let list = behind.strip_prefix('(').and_then(|list| list.split_once(')'));
    let Some((list, tail)) = list else {
        return Err(format!("rule names in parentheses: `{word}(rule)`"));
    };
    directive.names = names(text, list, |c| c == ',');
    if directive.names.is_empty() {
        return Err(format!("a rule name in the parentheses of `{word}`"));
    }
    if let Some(name) = directive.names.iter().find(|name| name.text.contains(char::is_whitespace)) {
        return Err(format!("a comma between the rule names in `{}`", name.text));
    }
    let mut reason = Vec::new();
    for part in tail.split_whitespace() {
        match part.strip_prefix("until=") {
            Some(date) => directive.until = Some(self::date(date).ok_or("a date like `until=2027-01-31`")?),
            None => reason.push(part),
        }
    }
    directive.reason = self::reason(&reason.join(" "));
    Ok(Some(directive))
}

/// `squawk-ignore a, b -- reason`, `squawk-ignore-file [a, b] [-- reason]`. Without names the first ignores nothing.
fn squawk(text: &str, inner: Span) -> Option<Directive> {
    let content = inner.slice(text);
    let (mut directive, rest) = match content.strip_prefix("squawk-ignore-file") {
        Some(rest) => (blank(Tool::Squawk, Scope::File), rest),
        None => (blank(Tool::Squawk, NEXT), content.strip_prefix("squawk-ignore")?),
    };
    if !(rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == ':')) {
        return None;
    }
    let (list, tail) = rest.split_once("--").unwrap_or((rest, ""));
    directive.names = names(text, list.trim_start_matches(':'), |c| c == ',' || c.is_whitespace());
    directive.reason = reason(tail);
    (directive.scope == Scope::File || !directive.names.is_empty()).then_some(directive)
}

/// `eugene: ignore` and `eugene: ignore E1, W2`.
fn eugene(text: &str, inner: Span) -> Option<Directive> {
    let rest = inner.slice(text).strip_prefix("eugene:")?.trim_start().strip_prefix("ignore")?;
    let mut directive = blank(Tool::Eugene, NEXT);
    directive.names = names(text, rest, |c| c == ',' || c.is_whitespace());
    Some(directive)
}

/// `atlas:nolint` and `atlas:nolint DS103 destructive`: of the file when it is its first line and an empty one follows.
fn atlas(text: &str, inner: Span, script: &Script) -> Option<Directive> {
    let rest = inner.slice(text).strip_prefix("atlas:nolint")?;
    if !(rest.is_empty() || rest.starts_with(char::is_whitespace)) {
        return None;
    }
    let mut directive = blank(Tool::Atlas, NEXT);
    directive.names = names(text, rest, char::is_whitespace);
    let first = script.statements.first().is_none_or(|statement| inner.end <= statement.span.start);
    let line_end = lex::line_end(text.as_bytes(), inner.end as usize);
    let mut lines = text[line_end..].lines();
    lines.next();
    if first && lines.next().is_some_and(|line| line.trim().is_empty()) {
        directive.scope = Scope::File;
    }
    Some(directive)
}

/// The names in a stretch of the text.
fn names(text: &str, list: &str, separator: fn(char) -> bool) -> Vec<Named> {
    // Parts of the text know their place by their address.
    let offset = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    list.split(separator)
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| Named { text: part.to_owned(), span: Span::new(offset(part), offset(part) + part.len()) })
        .collect()
}

fn reason(tail: &str) -> Option<String> {
    let reason = tail.trim().trim_start_matches([':', '-', '–', '—']).trim();
    (!reason.is_empty()).then(|| reason.to_owned())
}

/// `2027-01-31`, a day that exists.
fn date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let mut number = |length: usize| parts.next().filter(|part| part.len() == length)?.parse::<u16>().ok();
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    if parts.next().is_some() {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    (1..=days).contains(&day).then_some(Date { year, month, day })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::{Options, parse};

    fn check(text: &str, expected: Expect) {
        let (directives, malformed) = directives(text, &parse(text, &Options::default()));
        let mut drawn = String::new();
        for directive in directives {
            let names: Vec<&str> = directive.names.iter().map(|name| name.span.slice(text)).collect();
            let scope = match directive.scope {
                Scope::File => "file".to_owned(),
                Scope::Statement(Some(index)) => format!("statement {index}"),
                Scope::Statement(None) => "nothing".to_owned(),
            };
            drawn += &format!("{:?} {scope} {names:?}", directive.tool);
            if directive.acknowledges {
                drawn += " acknowledged";
            }
            if let Some(reason) = directive.reason {
                drawn += &format!(" because {reason:?}");
            }
            if let Some(Date { year, month, day }) = directive.until {
                drawn += &format!(" until {year}-{month}-{day}");
            }
            drawn.push('\n');
        }
        for slip in malformed {
            drawn += &format!("{} expected {}\n", slip.span.slice(text), slip.expected);
        }
        expected.assert_eq(&drawn);
    }

    #[test]
    fn ours() {
        check(
            "\
-- safestep: allow-file(missing-lock-timeout): the runner sets it
-- safestep: allow(a, b) all of them read until=2028-02-29 it
SELECT 1; -- safestep: allow(c)
/* safestep: acknowledge(drop-table) */
DROP TABLE t, -- safestep:allow(inside)
  u;
-- safestep: allow(last)
",
            expect![[r#"
                Safestep file ["missing-lock-timeout"] because "the runner sets it"
                Safestep statement 0 ["a", "b"] because "all of them read it" until 2028-2-29
                Safestep statement 0 ["c"]
                Safestep statement 1 ["drop-table"] acknowledged
                Safestep statement 1 ["inside"]
                Safestep nothing ["last"]
            "#]],
        );
    }

    #[test]
    fn slips() {
        check(
            "\
-- safestep writes this file
-- safestep allow(a)
-- safestep: permit(a)
-- safestep: allow a
-- safestep: allow(
-- safestep: allow( , )
-- safestep: allow(a b)
-- safestep: allow(a) until=2027-02-29
-- safestep:
SELECT '-- safestep: allow(x)';
",
            expect![[r#"
                -- safestep allow(a) expected `:` after `safestep`
                -- safestep: permit(a) expected `allow(rule)`, `allow-file(rule)` or `acknowledge(rule)`
                -- safestep: allow a expected rule names in parentheses: `allow(rule)`
                -- safestep: allow( expected rule names in parentheses: `allow(rule)`
                -- safestep: allow( , ) expected a rule name in the parentheses of `allow`
                -- safestep: allow(a b) expected a comma between the rule names in `a b`
                -- safestep: allow(a) until=2027-02-29 expected a date like `until=2027-01-31`
                -- safestep: expected `allow(rule)`, `allow-file(rule)` or `acknowledge(rule)`
            "#]],
        );
    }

    #[test]
    fn theirs() {
        check(
            "\
-- atlas:nolint

-- squawk-ignore ban-drop-column, prefer-identity -- we know
-- squawk-ignore
-- squawk-ignore-file
-- squawk-ignored
-- eugene: ignore E1, W2
-- atlas:nolint DS103 destructive
-- atlas:txmode none
SELECT 1;
",
            expect![[r#"
                Atlas file []
                Squawk statement 0 ["ban-drop-column", "prefer-identity"] because "we know"
                Squawk file []
                Eugene statement 0 ["E1", "W2"]
                Atlas statement 0 ["DS103", "destructive"]
            "#]],
        );
    }
}
