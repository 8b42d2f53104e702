//! Changes of files as unified diffs: for eyes, and for `git apply`.

use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices, group_diff_ops};

use crate::draw::{self, Ink};
use crate::{Edit, FileChange, Fix, Source, Style};

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Lines of one file that a reader is shown; [`patch`] has all.
const SHOWN: usize = 60;

/// Changes in the format of git, complete: `git apply` and `patch -p1` take it.
#[must_use]
pub fn patch(changes: &[FileChange]) -> String {
    let mut out = String::new();
    for change in pair_renames(changes) {
        let Some(path) = change.to.or(change.from) else { continue };
        let (a, b) = (quoted("a/", change.from.unwrap_or(path)), quoted("b/", path));
        let _ = writeln!(out, "diff --git {a} {b}");
        match (change.from, change.to) {
            (None, _) => out.push_str("new file mode 100644\n"),
            (_, None) => out.push_str("deleted file mode 100644\n"),
            (Some(from), Some(to)) if from != to => {
                let (from, to) = (quoted("", from), quoted("", to));
                let _ = writeln!(out, "similarity index 100%\nrename from {from}\nrename to {to}");
            }
            (Some(_), Some(_)) => {}
        }
        let diff = Diff::of(change.old, change.new);
        if diff.hunks.is_empty() {
            continue;
        }
        // A tab ends a name with blanks.
        let tab = |name: String| if name.contains(' ') && !name.starts_with('"') { name + "\t" } else { name };
        let a = if change.from.is_some() { tab(a) } else { "/dev/null".to_owned() };
        let b = if change.to.is_some() { tab(b) } else { "/dev/null".to_owned() };
        let _ = writeln!(out, "--- {a}\n+++ {b}");
        for hunk in &diff.hunks {
            let _ = writeln!(out, "{}", diff.header(hunk));
            for (tag, line) in diff.lines(hunk) {
                let _ = write!(out, "{tag}{line}");
                if !line.ends_with('\n') {
                    out.push_str("\n\\ No newline at end of file\n");
                }
            }
        }
    }
    out
}

/// Draws what a fix changes, each line behind an indent.
pub(crate) fn draw(out: &mut String, fix: &Fix, path: &Path, source: Option<&Source>, style: Style) {
    if let Some(source) = source.filter(|_| !fix.edits.is_empty() && fix.files.iter().all(|file| file.path != path)) {
        let regions = edited(source, &fix.edits);
        let diffs: Vec<Diff> = regions
            .iter()
            .map(|it| Diff { lines_before: it.lines_before, ..Diff::of(&source.text()[it.old.clone()], &it.new) })
            .collect();
        draw_file(out, Some(path), Some(path), &diffs, style);
    }
    for change in pair_renames(&fix.files) {
        draw_file(out, change.from, change.to, &[Diff::of(change.old, change.new)], style);
    }
}

fn draw_file(out: &mut String, from: Option<&Path>, to: Option<&Path>, diffs: &[Diff], style: Style) {
    let mut line = |ink, text: &str| {
        if !text.is_empty() {
            out.push_str("  ");
        }
        draw::paint(out, style, ink, &draw::clip(text, style.width.saturating_sub(2), style));
        out.push('\n');
    };
    match (from, to) {
        (Some(from), Some(to)) => {
            line(Ink::Bold, &format!("--- {}", draw::path_name(from)));
            let renamed = if from == to { "" } else { " (renamed)" };
            line(Ink::Bold, &format!("+++ {}{renamed}", draw::path_name(to)));
        }
        (None, Some(to)) => line(Ink::Bold, &format!("+++ {} (new file)", draw::path_name(to))),
        (Some(from), None) => {
            line(Ink::Bold, &format!("--- {} (deleted)", draw::path_name(from)));
            return;
        }
        (None, None) => return,
    }
    let mut total = 0;
    for (diff, hunk) in diffs.iter().flat_map(|diff| diff.hunks.iter().map(move |hunk| (diff, hunk))) {
        if from.is_some() && total < SHOWN {
            line(Ink::Cyan, &diff.header(hunk));
        }
        for (tag, text) in diff.lines(hunk) {
            total += 1;
            if total > SHOWN {
                continue;
            }
            let ink = match tag {
                '+' => Ink::Green,
                '-' => Ink::Red,
                _ => Ink::Plain,
            };
            let text = text.trim_end_matches(['\n', '\r']);
            line(ink, format!("{tag}{text}").trim_end());
        }
    }
    if total > SHOWN {
        line(Ink::Faint, &format!("{} {} more lines with --diff", draw::ellipsis(style), total - SHOWN));
    }
}

/// Whole lines that edits change, with context.
struct Region {
    old: Range<usize>,
    new: String,
    /// Lines before it, in the old text and in the new.
    lines_before: (usize, usize),
}

/// What edits change, one region for edits whose context touches. Takes time for the lines around the edits, not for the
/// whole text. Edits that do not fit the text, or overlap an earlier one, are left out.
fn edited(source: &Source, edits: &[Edit]) -> Vec<Region> {
    let text = source.text();
    let mut valid: Vec<&Edit> = edits.iter().filter(|edit| text.get(edit.span.range()).is_some()).collect();
    valid.sort_by_key(|edit| edit.span);
    let mut done = 0;
    valid.retain(|edit| {
        let fits = edit.span.start >= done;
        done = if fits { edit.span.end } else { done };
        fits
    });
    let line_of = |offset: u32| source.utf8(offset).0;
    let context = u32::try_from(CONTEXT).unwrap_or_default();
    let mut regions: Vec<Region> = Vec::new();
    let mut new_lines = 0;
    let mut old_lines = 0;
    for group in valid.chunk_by(|a, b| line_of(b.span.start) - line_of(a.span.end) <= 2 * context) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let line = line_of(first.span.start).saturating_sub(context);
        let old = source.line(line).start..source.line(line_of(last.span.end) + context + 1).start;
        let mut new = String::new();
        let mut at = old.start;
        for edit in group {
            new.push_str(&text[at..edit.span.start as usize]);
            new.push_str(&edit.text);
            at = edit.span.end as usize;
        }
        new.push_str(&text[at..old.end]);
        new_lines += line as usize - old_lines;
        let lines_before = (line as usize, new_lines);
        new_lines += new.split_inclusive('\n').count();
        old_lines = line as usize + text[old.clone()].split_inclusive('\n').count();
        regions.push(Region { old, new, lines_before });
    }
    regions
}

/// One file before and after.
#[derive(Clone, Copy)]
struct Change<'a> {
    from: Option<&'a Path>,
    to: Option<&'a Path>,
    old: &'a str,
    new: &'a str,
}

/// A file that is deleted here and created there with the same text is renamed.
fn pair_renames(changes: &[FileChange]) -> Vec<Change<'_>> {
    let target = |gone: &FileChange| {
        let moved = |new: &&FileChange| new.old.is_none() && new.new.is_some() && new.new == gone.old;
        gone.new.is_none().then(|| changes.iter().find(moved)).flatten()
    };
    let renamed: Vec<&FileChange> = changes.iter().filter_map(target).collect();
    changes
        .iter()
        .filter(|change| !renamed.iter().any(|new| std::ptr::eq(*new, *change)))
        .map(|change| Change {
            from: change.old.as_ref().map(|_| change.path.as_path()),
            to: target(change).or(change.new.as_ref().map(|_| change)).map(|to| to.path.as_path()),
            old: change.old.as_deref().unwrap_or_default(),
            new: target(change).unwrap_or(change).new.as_deref().unwrap_or_default(),
        })
        .collect()
}

struct Diff<'a> {
    old: Vec<&'a str>,
    new: Vec<&'a str>,
    lines_before: (usize, usize),
    hunks: Vec<Vec<DiffOp>>,
}

impl<'a> Diff<'a> {
    fn of(old: &'a str, new: &'a str) -> Self {
        let (old, new): (Vec<_>, Vec<_>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
        let operations = capture_diff_slices(Algorithm::Myers, &old, &new);
        let changed = operations.iter().any(|operation| operation.tag() != DiffTag::Equal);
        let hunks = if changed { group_diff_ops(operations, CONTEXT) } else { Vec::new() };
        Self { old, new, lines_before: (0, 0), hunks }
    }

    /// `@@ -1,4 +1,3 @@`. An empty range is named by the line before it.
    fn header(&self, hunk: &[DiffOp]) -> String {
        let range = |before: usize, start: usize, end: usize| match end - start {
            0 => format!("{},0", before + start),
            1 => format!("{}", before + start + 1),
            length => format!("{},{length}", before + start + 1),
        };
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { return String::new() };
        format!(
            "@@ -{} +{} @@",
            range(self.lines_before.0, first.old_range().start, last.old_range().end),
            range(self.lines_before.1, first.new_range().start, last.new_range().end)
        )
    }

    /// The lines of a hunk with their ends, each with ' ', '-' or '+'.
    fn lines<'b>(&'b self, hunk: &'b [DiffOp]) -> impl Iterator<Item = (char, &'a str)> + 'b {
        hunk.iter().flat_map(|operation| {
            let (old, new) = (&self.old[operation.old_range()], &self.new[operation.new_range()]);
            let (same, old, new) = match operation.tag() {
                DiffTag::Equal => (old, &[][..], &[][..]),
                DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => (&[][..], old, new),
            };
            let tagged = |tag| move |line: &&'a str| (tag, *line);
            same.iter().map(tagged(' ')).chain(old.iter().map(tagged('-'))).chain(new.iter().map(tagged('+')))
        })
    }
}

/// A path as git writes it: in quotes when it holds quotes, backslashes or control characters.
fn quoted(prefix: &str, path: &Path) -> String {
    let name = format!("{prefix}{}", draw::path_name(path));
    if !name.contains(|c: char| c == '"' || c == '\\' || c.is_control()) {
        return name;
    }
    let mut out = String::from('"');
    for c in name.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\{:03o}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out + "\""
}
