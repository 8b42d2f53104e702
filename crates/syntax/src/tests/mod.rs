//! Tests over whole scripts, one file per subject; helpers that draw what was read.

mod bodies;
mod caching;
mod convert;
mod lexer;
mod properties;
mod recovery;

use std::fmt::Write;

use crate::ast::{Script, StatementKind, Template};
use crate::{Options, parse};

/// One line per statement: its kind, each span as the text below it.
fn drawn(text: &str) -> String {
    drawn_script(&parse(text, &Options::default()))
}

fn drawn_script(script: &Script) -> String {
    let mut out = String::new();
    for statement in &script.statements {
        let parsed = &statement.parsed;
        let line = match &*parsed.kind {
            StatementKind::Invalid(error) | StatementKind::Template(Template { error, .. }) => {
                let kind = if matches!(*parsed.kind, StatementKind::Invalid(_)) { "invalid" } else { "template" };
                let hint = error.hint.as_deref().map_or(String::new(), |hint| format!("; {hint}"));
                format!("{kind} ‹{}›: {} at ‹{}›{hint}", parsed.text, error.message, error.span.slice(&parsed.text))
            }
            kind => spans_as_text(&parsed.text, &format!("{kind:?}")),
        };
        out.push_str(&short(&line));
        if let Some(needs) = &parsed.needs {
            let _ = write!(out, " needs {} for {} ‹{}›", needs.major, needs.construct, needs.span.slice(&parsed.text));
        }
        out.push('\n');
    }
    out
}

fn spans_as_text(text: &str, debug: &str) -> String {
    let mut out = String::new();
    let mut rest = debug;
    while let Some((before, behind)) = rest.split_once("Span { start: ") {
        out.push_str(before);
        let (numbers, behind) = behind.split_once(" }").expect("a whole span");
        let (start, end) = numbers.split_once(", end: ").expect("two numbers");
        let range = start.parse().expect("a number")..end.parse().expect("a number");
        out.push('‹');
        out.push_str(text.get(range).expect("a span in the text"));
        out.push('›');
        rest = behind;
    }
    out + rest
}

/// Leaves out what says nothing: absent options, empty lists, flags that are off.
fn short(line: &str) -> String {
    let mut line = line.to_owned();
    for (long, brief) in
        [("Some(", "("), ("Name { schema: None, name: ", "Name { "), ("TypeName { schema: None, name: ", "TypeName { ")]
    {
        line = line.replace(long, brief);
    }
    // Fields are left out from the inside to the outside: a struct that holds nothing any more is kept as a name.
    for value in [": None", ": false", ": []"] {
        let mut out = String::new();
        for (index, part) in line.split(value).enumerate() {
            let whole = index > 0 && part.starts_with([',', ' ']);
            if index > 0 && !whole {
                out.push_str(value);
                out.push_str(part);
                continue;
            }
            if index > 0 {
                let name = out.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |before| before + 1);
                out.truncate(name);
                out.push_str(part.strip_prefix(", ").unwrap_or(part));
            } else {
                out.push_str(part);
            }
        }
        line = out;
    }
    line.replace(",  }", " }").replace("{  }", "{}")
}
