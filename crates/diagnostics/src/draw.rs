//! Ink, widths and words that the drawings share.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

use model::plan::Class;
use rules::Level;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::{Source, Style};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Bold,
    Faint,
    Red,
    Yellow,
    Green,
    Cyan,
    BoldRed,
    BoldYellow,
    BoldGreen,
    BoldCyan,
}

impl Ink {
    /// The escape that begins it. Only the sixteen colours of every terminal theme.
    pub(crate) fn escape(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Faint => "\x1b[2m",
            Self::Red => "\x1b[31m",
            Self::Yellow => "\x1b[33m",
            Self::Green => "\x1b[32m",
            Self::Cyan => "\x1b[36m",
            Self::BoldRed => "\x1b[1;31m",
            Self::BoldYellow => "\x1b[1;33m",
            Self::BoldGreen => "\x1b[1;32m",
            Self::BoldCyan => "\x1b[1;36m",
        }
    }

    pub(crate) fn of(level: Level) -> Self {
        match level {
            Level::Error => Self::BoldRed,
            Level::Warning => Self::BoldYellow,
            Level::Info => Self::BoldCyan,
        }
    }
}

/// Writes a text that stays on its line, harmless to a terminal.
pub(crate) fn paint(out: &mut String, style: Style, ink: Ink, text: &str) {
    let text = clean(text);
    if style.color && ink != Ink::Plain && !text.trim().is_empty() {
        let _ = write!(out, "{}{text}\x1b[0m", ink.escape());
    } else {
        out.push_str(&text);
    }
}

/// On one line and without what a terminal would obey.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let on_line = |c| if c == '\n' { ' ' } else { printable(c) };
    if text.chars().all(|c| on_line(c) == c) { text.into() } else { text.chars().map(on_line).collect() }
}

pub(crate) fn ellipsis(style: Style) -> &'static str {
    if style.unicode { "…" } else { "..." }
}

/// Columns that a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// What a terminal must not get raw: control characters, and marks that turn the direction of writing.
pub(crate) fn printable(c: char) -> char {
    match c {
        '\t' | '\n' => c,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        _ if c.is_control() => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

/// The beginning of a text that fits, with an ellipsis when something is missing. Tabs count as four columns and become
/// blanks.
pub(crate) fn clip(text: &str, width: usize, style: Style) -> String {
    let mut out = String::new();
    let mut used = 0;
    let mut room = None;
    for c in text.chars().map(printable) {
        let (c, columns) =
            if c == '\t' { ("    ".into(), 4) } else { (Cow::from(c.to_string()), c.width().unwrap_or(0)) };
        if used + columns > width {
            out.truncate(room.unwrap_or(out.len()));
            out.push_str(ellipsis(style));
            return out;
        }
        if used + columns + self::columns(ellipsis(style)) > width && room.is_none() {
            room = Some(out.len());
        }
        out.push_str(&c);
        used += columns;
    }
    out
}

/// A statement on one line: white space collapsed, clipped.
pub(crate) fn one_line(text: &str, width: usize, style: Style) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(&word.chars().take(width + 1).collect::<String>());
        if columns(&words) > width {
            break;
        }
    }
    clip(&words, width, style)
}

/// Breaks a text into lines between words. A word wider than the line stays whole.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let word: String = word.chars().map(printable).collect();
            if !line.is_empty() && columns(&line) + 1 + columns(&word) > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines.push(line);
    }
    lines
}

/// Fills a text up to a width.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(columns(text));
    format!("{text}{:blanks$}", "")
}

/// `1 error`, `2 errors`.
/// A text as it is, in one line of Markdown.
pub(crate) fn markdown(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('\\', "\\\\").replace('*', "\\*").replace('<', "\\<")
}

/// SQL as a block of Markdown, whose fence it does not hold.
#[must_use]
pub fn fenced(sql: &str) -> String {
    let longest = sql.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}sql\n{sql}\n{fence}\n")
}

pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A path as every platform and format writes it here, with `/`. What is not UTF-8 is replaced.
pub(crate) fn path_name(path: &Path) -> String {
    let name = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { name.into_owned() } else { name.replace(std::path::MAIN_SEPARATOR, "/") }
}

/// `14 to 18`, or `16`.
pub(crate) fn majors((first, last): (u32, u32)) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

pub(crate) fn flag(class: Class) -> &'static str {
    match class {
        Class::Safe => "--fix",
        Class::Unsafe => "--fix=unsafe",
        Class::Plan => "--fix=plan",
    }
}

pub(crate) fn class_name(class: Class) -> &'static str {
    match class {
        Class::Safe => "safe",
        Class::Unsafe => "unsafe",
        Class::Plan => "plan",
    }
}

/// The line of an offset, from 1.
pub(crate) fn line(source: Option<&Source>, offset: u32) -> u32 {
    source.map_or(1, |source| source.position(offset).line)
}

#[cfg(test)]
mod tests {
    use super::{clean, clip, columns, list, one_line, wrap};
    use crate::Style;

    const STYLE: Style = Style { color: false, unicode: true, width: 80 };

    #[test]
    fn clipped_texts_fit() {
        assert_eq!(clip("abcdef", 6, STYLE), "abcdef");
        assert_eq!(clip("abcdefg", 6, STYLE), "abcde…");
        assert_eq!(clip("ab漢字漢字", 6, STYLE), "ab漢…");
        assert_eq!(clip("abcdefg", 6, Style { unicode: false, ..STYLE }), "abc...");
        assert_eq!(one_line("CREATE\n\t TABLE  t ()", 80, STYLE), "CREATE TABLE t ()");
        assert!(columns(&one_line(&"x".repeat(1 << 20), 40, STYLE)) <= 40);
        assert_eq!(clean("a\r\nb\x1b"), "a\u{FFFD} b\u{FFFD}");
        assert_eq!(clip("a\x1b[31m\u{202E}b", 80, STYLE), "a\u{FFFD}[31m\u{FFFD}b");
    }

    #[test]
    fn texts_are_broken_between_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("https://example.org/long x", 8), ["https://example.org/long", "x"]);
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
