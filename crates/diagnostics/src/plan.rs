//! `safestep plan`: the parts that a rewrite is made of, with their locks before and after.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use model::effect::{Effect, Work};
use model::plan::Class;
use model::schema::Born;

use crate::draw::{self, Ink};
use crate::locks::{self, Shade};
use crate::{Planned, PlannedPart, Sources, Style};

/// Locks told of one side of a part.
const TOLD: usize = 6;

/// What `safestep plan` prints.
#[must_use]
pub fn text(planned: &[Planned], sources: &Sources, style: Style) -> String {
    let style = Style { width: style.width.max(60), ..style };
    let mut out = String::new();
    for (index, it) in planned.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        draw_plan(&mut out, it, sources, style);
    }
    if planned.is_empty() {
        out.push_str("Nothing to rewrite.\n");
    }
    out
}

/// The same as Markdown, with the SQL as it is written.
#[must_use]
pub fn markdown(planned: &[Planned], sources: &Sources) -> String {
    let mut out = String::new();
    for it in planned {
        let class = match it.class {
            Class::Safe => "",
            Class::Unsafe => " (unsafe)",
            Class::Plan => " (in several releases)",
        };
        let _ = writeln!(out, "## {} {}{class}", draw::path_name(&it.path), becomes(it));
        for (index, part) in it.parts.iter().enumerate() {
            let name = part.path.file_name().unwrap_or_default();
            let name = draw::path_name(Path::new(name));
            let _ = writeln!(out, "\n### {}. {name}, {}\n", index + 1, transaction(part));
            if let Some(reason) = &part.after_deploy {
                let _ = writeln!(out, "- **wait** for a deploy: {}", draw::markdown(reason));
            }
            for (label, effects) in [("before", &part.before), ("after", &part.after)] {
                let (lines, rest) = locks_of(effects);
                let mut words: Vec<String> = lines.into_iter().map(|(_, words)| words).collect();
                if words.is_empty() {
                    words.push(NO_LOCK.to_owned());
                }
                words.extend((rest > 0).then(|| format!("and {}", draw::count(rest, "more lock"))));
                let _ = writeln!(out, "- **{label}** {}", draw::markdown(&words.join("; ")));
            }
            let _ = write!(out, "\n{}", draw::fenced(part.sql.trim_end()));
        }
        if !it.assumptions.is_empty() || !it.withheld.is_empty() {
            out.push('\n');
        }
        for assumption in &it.assumptions {
            let _ = writeln!(out, "- **provided** {}", draw::markdown(assumption));
        }
        for withheld in &it.withheld {
            let line = draw::line(sources.get(&it.path), withheld.span.start);
            let _ = writeln!(out, "- **kept** line {line}: {}", draw::markdown(&withheld.reason));
        }
    }
    if planned.is_empty() {
        out.push_str("Nothing to rewrite.\n");
    }
    out
}

/// `becomes 3 parts in 3 files`
fn becomes(planned: &Planned) -> String {
    if planned.parts.is_empty() {
        return "stays as it is".to_owned();
    }
    let parts = draw::count(planned.parts.len(), "part");
    let files: BTreeSet<&PathBuf> = planned.parts.iter().map(|part| &part.path).collect();
    format!("becomes {parts} in {}", draw::count(files.len(), "file"))
}

fn transaction(part: &PlannedPart) -> &'static str {
    if part.transaction { "in a transaction" } else { "outside a transaction" }
}

const NO_LOCK: &str = "no lock that others wait for";

fn draw_plan(out: &mut String, planned: &Planned, sources: &Sources, style: Style) {
    draw::paint(out, style, Ink::Bold, &draw::path_name(&planned.path));
    let flag = if planned.parts.is_empty() { String::new() } else { format!(" ({})", draw::flag(planned.class)) };
    let _ = writeln!(out, " {}{flag}\n", becomes(planned));
    for (index, part) in planned.parts.iter().enumerate() {
        draw_part(out, index + 1, part, style);
    }
    for assumption in &planned.assumptions {
        tell(out, "provided", Ink::Plain, assumption, style);
    }
    for withheld in &planned.withheld {
        let line = draw::line(sources.get(&planned.path), withheld.span.start);
        tell(out, "kept", Ink::Yellow, &format!("line {line}: {}", withheld.reason), style);
    }
}

fn draw_part(out: &mut String, number: usize, part: &PlannedPart, style: Style) {
    draw::paint(out, style, Ink::Bold, &format!("{number}  {}", draw::path_name(&part.path)));
    draw::paint(out, style, Ink::Faint, &format!("  {}", transaction(part)));
    out.push('\n');
    if let Some(reason) = &part.after_deploy {
        tell(out, "wait", Ink::Yellow, &format!("for a deploy: {reason}"), style);
    }
    tell_locks(out, "before", &part.before, style);
    tell_locks(out, "after", &part.after, style);
    out.push('\n');
    for line in part.sql.trim_end().lines() {
        let line = draw::clip(line, style.width.saturating_sub(5), style);
        let ink = if line.trim_start().starts_with("--") { Ink::Faint } else { Ink::Cyan };
        if !line.is_empty() {
            out.push_str("     ");
            draw::paint(out, style, ink, &line);
        }
        out.push('\n');
    }
    out.push('\n');
}

fn tell_locks(out: &mut String, label: &str, effects: &[Effect], style: Style) {
    let (lines, rest) = locks_of(effects);
    for (index, (shade, text)) in lines.iter().enumerate() {
        let text = format!("{} {text}", shade.glyph(style));
        tell(out, if index == 0 { label } else { "" }, shade.ink(), &text, style);
    }
    if lines.is_empty() {
        tell(out, label, Ink::Faint, NO_LOCK, style);
    }
    if rest > 0 {
        tell(out, "", Ink::Faint, &format!("and {}", draw::count(rest, "more lock")), style);
    }
}

/// The locks that someone waits for, the strongest first, and how many are not told.
fn locks_of(effects: &[Effect]) -> (Vec<(Shade, String)>, usize) {
    // A weaker lock is worth a line of its own where long work was done before the stronger one was taken.
    let hidden = |effect: &Effect| {
        effect.work == Work::Instant && effects.iter().any(|it| it.relation == effect.relation && it.lock > effect.lock)
    };
    let told = |effect: &&Effect| effect.born == Born::Before && effect.on.is_none() && !hidden(effect);
    let mut effects: Vec<&Effect> = effects.iter().filter(told).collect();
    effects.sort_by_key(|effect| (Reverse((Shade::of(effect), effect.lock, effect.work)), &effect.relation));
    let mut lines: Vec<_> =
        effects.chunk_by(|a, b| a.lock == b.lock).flat_map(|it| locks::lines(it.iter().copied())).collect();
    let rest = lines.split_off(lines.len().min(TOLD)).len();
    (lines, rest)
}

fn tell(out: &mut String, label: &str, ink: Ink, text: &str, style: Style) {
    for (index, line) in draw::wrap(text, style.width.saturating_sub(13)).iter().enumerate() {
        out.push_str("   ");
        draw::paint(out, style, Ink::Faint, &draw::pad(if index == 0 { label } else { "" }, 10));
        draw::paint(out, style, ink, line);
        out.push('\n');
    }
}
