//! `safestep plan`: the parts that a rewrite is made of, with their locks before and after.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

use model::effect::{Effect, Work};
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

fn draw_plan(out: &mut String, planned: &Planned, sources: &Sources, style: Style) {
    draw::paint(out, style, Ink::Bold, &draw::path_name(&planned.path));
    let parts = draw::count(planned.parts.len(), "part");
    let files: BTreeSet<&PathBuf> = planned.parts.iter().map(|part| &part.path).collect();
    let files = draw::count(files.len(), "file");
    let _ = writeln!(out, " becomes {parts} in {files} ({})", draw::flag(planned.class));
    out.push('\n');
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
    let transaction = if part.transaction { "in a transaction" } else { "outside a transaction" };
    draw::paint(out, style, Ink::Bold, &format!("{number}  {}", draw::path_name(&part.path)));
    draw::paint(out, style, Ink::Faint, &format!("  {transaction}"));
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

/// The locks that someone waits for, the strongest first; when there is none, that is said.
fn tell_locks(out: &mut String, label: &str, effects: &[Effect], style: Style) {
    // A weaker lock is worth a line of its own where long work was done before the stronger one was taken.
    let hidden = |effect: &Effect| {
        effect.work == Work::Instant && effects.iter().any(|it| it.relation == effect.relation && it.lock > effect.lock)
    };
    let told = |effect: &&Effect| effect.born == Born::Before && effect.on.is_none() && !hidden(effect);
    let mut effects: Vec<&Effect> = effects.iter().filter(told).collect();
    effects.sort_by_key(|effect| (Reverse((Shade::of(effect), effect.lock, effect.work)), &effect.relation));
    let lines: Vec<_> =
        effects.chunk_by(|a, b| a.lock == b.lock).flat_map(|it| locks::lines(it.iter().copied())).collect();
    for (index, (shade, text)) in lines.iter().take(TOLD).enumerate() {
        let text = format!("{} {text}", shade.glyph(style));
        tell(out, if index == 0 { label } else { "" }, shade.ink(), &text, style);
    }
    match lines.len() {
        0 => tell(out, label, Ink::Faint, "no lock that others wait for", style),
        length if length > TOLD => {
            tell(out, "", Ink::Faint, &format!("and {}", draw::count(length - TOLD, "more lock")), style);
        }
        _ => {}
    }
}

fn tell(out: &mut String, label: &str, ink: Ink, text: &str, style: Style) {
    for (index, line) in draw::wrap(text, style.width.saturating_sub(13)).iter().enumerate() {
        out.push_str("   ");
        draw::paint(out, style, Ink::Faint, &draw::pad(if index == 0 { label } else { "" }, 10));
        draw::paint(out, style, ink, line);
        out.push('\n');
    }
}
