//! `--format text`: source lines, notes, fixes as diffs, and one line that counts.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use codespan_reporting::diagnostic::{Diagnostic, Label, LabelStyle, Severity};
use codespan_reporting::files::{Error, Files, Location};
use codespan_reporting::term::{self, Chars, Config, GeneralWriteResult, WriteStyle};
use model::plan::Class;
use rules::Level;
use syntax::Span;
use unicode_width::UnicodeWidthChar;

use crate::draw::{self, Ink};
use crate::{Assumed, Finding, Fix, Format, Output, Report, Source, Sources, Style, diff, source};

pub(crate) const FORMAT: Format = Format {
    name: "text",
    about: "source lines with markers, notes and fixes, for people",
    from_root: false,
    render: |report, sources, style| Output { text: render(report, sources, style), job_summary: None },
};

/// Lines of a long statement that are shown at its beginning, the first not counted.
const HEAD: u32 = 3;

const TAB: usize = 4;

fn render(report: &Report, sources: &Sources, style: Style) -> String {
    let mut out = String::new();
    let findings = report.in_order();
    let fixes = shared_fixes(&findings);
    let mut documented = BTreeSet::new();
    for (index, finding) in findings.iter().enumerate() {
        let docs = documented.insert(finding.rule).then_some(finding.docs.as_str());
        draw_finding(&mut out, finding, docs, sources, style);
        for drawn in fixes.iter().filter(|drawn| drawn.findings.last() == Some(&index)) {
            draw_fix(&mut out, drawn, &findings, sources, style);
        }
    }
    for (path, reason) in &report.skipped {
        draw::paint(&mut out, style, Ink::BoldYellow, "skipped");
        draw::paint(&mut out, style, Ink::Plain, &format!(": {}: {reason}", draw::path_name(path)));
        out.push('\n');
    }
    for note in &report.notes {
        draw::paint(&mut out, style, Ink::BoldCyan, "note");
        draw::paint(&mut out, style, Ink::Plain, &format!(": {note}"));
        out.push('\n');
    }
    for path in &report.written {
        draw::paint(&mut out, style, Ink::BoldGreen, "wrote");
        draw::paint(&mut out, style, Ink::Plain, &format!(" {}", draw::path_name(path)));
        out.push('\n');
    }
    if report.files > 0 {
        draw::paint(&mut out, style, Ink::Faint, &assumed_words(&report.assumed));
        out.push('\n');
    }
    let ink = report.worst().map_or(Ink::BoldGreen, Ink::of);
    draw::paint(&mut out, style, ink, &closing(report));
    out.push('\n');
    out
}

/// `2 errors, 1 warning in 2 of 12 files; 1 fixable with --fix, 1 with --fix=unsafe`.
pub(crate) fn closing(report: &Report) -> String {
    let counts = report.counts();
    let levels: Vec<String> = [(counts.errors, "error"), (counts.warnings, "warning"), (counts.infos, "info")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| if noun == "info" { format!("{number} info") } else { draw::count(number, noun) })
        .collect();
    let mut line = match (levels.as_slice(), report.files) {
        ([], 0) => "nothing to check: no pending migrations found; `safestep lint PATH` judges any file".to_owned(),
        ([], 1) => "1 file, clean".to_owned(),
        ([], files) => format!("{files} files, all clean"),
        (levels, files) if files == counts.files => format!("{} in {}", levels.join(", "), draw::count(files, "file")),
        (levels, files) => format!("{} in {} of {}", levels.join(", "), counts.files, draw::count(files, "file")),
    };
    let fixable = [(counts.safe, Class::Safe), (counts.r#unsafe, Class::Unsafe), (counts.plan, Class::Plan)];
    for (index, (number, class)) in fixable.into_iter().filter(|(number, _)| *number > 0).enumerate() {
        let (before, after) = if index == 0 { ("; ", " fixable with ") } else { (", ", " with ") };
        let _ = write!(line, "{before}{number}{after}{}", draw::flag(class));
    }
    if !report.skipped.is_empty() {
        let _ = write!(line, "; {} skipped", report.skipped.len());
    }
    if report.fixed > 0 {
        let _ = write!(line, "; {} fixed", report.fixed);
    }
    if report.suppressed > 0 {
        let _ = write!(line, "; {} allowed by directives", report.suppressed);
    }
    line
}

/// What the verdicts rest on.
pub(crate) fn assumed_words(assumed: &Assumed) -> String {
    let versions = draw::majors(assumed.postgres);
    if assumed.guessed {
        format!(
            "judged as run by {} on PostgreSQL {versions}; no migration tool recognised, --tool names one",
            assumed.tool
        )
    } else {
        format!("judged as run by {} on PostgreSQL {versions}", assumed.tool)
    }
}

fn draw_finding(out: &mut String, finding: &Finding, docs: Option<&str>, sources: &Sources, style: Style) {
    draw::paint(out, style, Ink::of(finding.level), &format!("{}[{}]", finding.level.name(), finding.rule));
    draw::paint(out, style, Ink::Bold, &format!(": {}", finding.message));
    out.push('\n');

    let excerpts = Excerpts::of(finding, sources, style);
    let mut diagnostic = Diagnostic::new(severity(finding.level)).with_labels(excerpts.labels.clone());
    let mut note = |text: &str| diagnostic.notes.push(draw::wrap(text, style.width.saturating_sub(8)).join("\n"));
    if sources.get(&finding.path).is_none() {
        note(&format!("in {}", draw::path_name(&finding.path)));
    }
    for related in finding.related.iter().filter(|related| sources.get(&related.path).is_none()) {
        note(&format!("{}: {}", draw::path_name(&related.path), related.message));
    }
    for text in &finding.notes {
        note(text);
    }
    if let Some(reason) = &finding.withheld {
        note(&format!("not fixed: {reason}"));
    }
    if let Some(text) = docs.filter(|docs| !docs.is_empty()) {
        note(text);
    }

    let config = Config {
        tab_width: TAB,
        chars: if style.unicode { Chars::box_drawing() } else { Chars::ascii() },
        start_context_lines: HEAD as usize,
        end_context_lines: 1,
        ..Config::default()
    };
    let mut writer = Writer { out: Vec::new(), color: style.color };
    // Writing to memory does not fail, and every label points into an excerpt.
    let _ = term::emit_to_write_style(&mut writer, &config, &excerpts, &diagnostic);
    let drawn = String::from_utf8_lossy(&writer.out);
    // The first line is codespan's header, which knows no `info`.
    for line in drawn.lines().skip(1) {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Error => Severity::Error,
        Level::Warning => Severity::Warning,
        Level::Info => Severity::Help,
    }
}

// ---------------------------------------------------------------------------------------------------- fixes

/// A fix and the findings that it covers, in order.
struct DrawnFix<'a> {
    fix: &'a Fix,
    findings: Vec<usize>,
}

/// Every fix once, however many findings share it.
fn shared_fixes<'a>(findings: &[&'a Finding]) -> Vec<DrawnFix<'a>> {
    let mut fixes: Vec<DrawnFix> = Vec::new();
    let mut by_address: HashMap<*const Fix, usize> = HashMap::new();
    for (index, finding) in findings.iter().enumerate() {
        let Some(fix) = &finding.fix else { continue };
        let slot = *by_address.entry(Arc::as_ptr(fix)).or_insert_with(|| {
            let equal = |it: &DrawnFix| findings[it.findings[0]].path == finding.path && it.fix == &**fix;
            fixes.iter().position(equal).unwrap_or_else(|| {
                fixes.push(DrawnFix { fix, findings: Vec::new() });
                fixes.len() - 1
            })
        });
        fixes[slot].findings.push(index);
    }
    fixes
}

fn draw_fix(out: &mut String, drawn: &DrawnFix, findings: &[&Finding], sources: &Sources, style: Style) {
    let path = &findings[drawn.findings[0]].path;
    let source = sources.get(path);
    draw::paint(out, style, Ink::BoldGreen, "fix");
    draw::paint(out, style, Ink::Bold, &format!(": {}", drawn.fix.title));
    let mut lines: Vec<u32> =
        drawn.findings.iter().map(|index| draw::line(source, findings[*index].span.start)).collect();
    lines.dedup();
    let covers = match lines.len() {
        0 | 1 => String::new(),
        2..=6 => format!(", for lines {}", draw::list(&lines.iter().map(u32::to_string).collect::<Vec<_>>())),
        _ => format!(", for {}", draw::count(drawn.findings.len(), "finding")),
    };
    draw::paint(out, style, Ink::Faint, &format!(" ({}{covers})", draw::flag(drawn.fix.class)));
    out.push('\n');
    for assumption in &drawn.fix.assumptions {
        for (index, line) in draw::wrap(assumption, style.width.saturating_sub(12)).iter().enumerate() {
            let _ = writeln!(out, "  {} {line}", if index == 0 { "provided:" } else { "         " });
        }
    }
    diff::draw(out, drawn.fix, path, source, style);
    out.push('\n');
}

// ---------------------------------------------------------------------------------------------------- source lines

/// The lines that a finding points into, and its labels. Codespan would print a line of a megabyte whole and walk every
/// line of a long statement, so it is given short copies that know where they come from.
struct Excerpts {
    files: Vec<Excerpt>,
    labels: Vec<Label<usize>>,
}

#[derive(Default)]
struct Excerpt {
    name: String,
    text: String,
    /// Where each line begins, and its number in the file.
    lines: Vec<(usize, usize)>,
    /// Where labels begin, and the place in the file.
    places: Vec<(usize, Location)>,
}

impl Excerpts {
    fn of(finding: &Finding, sources: &Sources, style: Style) -> Self {
        let primary = (finding.path.as_path(), finding.span, "");
        let related = finding.related.iter().map(|it| (it.path.as_path(), it.span, it.message.as_str()));
        let marks: Vec<(&Path, Span, &str)> = std::iter::once(primary).chain(related).collect();

        let mut excerpts = Self { files: Vec::new(), labels: Vec::new() };
        let mut paths: Vec<&Path> = Vec::new();
        for (path, ..) in &marks {
            if !paths.contains(path) {
                paths.push(path);
            }
        }
        for path in paths {
            let Some(source) = sources.get(path) else { continue };
            let here: Vec<usize> = (0..marks.len()).filter(|mark| marks[*mark].0 == path).collect();
            let spans: Vec<Range<usize>> = here.iter().map(|mark| visible(source.text(), marks[*mark].1)).collect();
            let (excerpt, ranges) =
                Excerpt::of(draw::clean(&draw::path_name(path)).into_owned(), source, &spans, style);
            for (mark, range) in here.into_iter().zip(ranges) {
                let kind = if mark == 0 { LabelStyle::Primary } else { LabelStyle::Secondary };
                excerpts
                    .labels
                    .push(Label::new(kind, excerpts.files.len(), range).with_message(draw::clean(marks[mark].2)));
            }
            excerpts.files.push(excerpt);
        }
        excerpts
    }
}

/// A span inside the text, without the white space at its end.
fn visible(text: &str, span: Span) -> Range<usize> {
    let (start, end) = (source::floor(text, span.start as usize), source::floor(text, span.end as usize));
    start..start + text.get(start..end).unwrap_or_default().trim_end().len()
}

impl Excerpt {
    /// Copies the lines around the spans, and tells where the spans are in the copy.
    fn of(name: String, source: &Source, spans: &[Range<usize>], style: Style) -> (Self, Vec<Range<usize>>) {
        let line_of = |offset: usize| source.utf8(u32::try_from(offset).unwrap_or(u32::MAX)).0;
        let mut shown = BTreeSet::new();
        let mut several = 0;
        for span in spans {
            let (first, last) = (line_of(span.start), line_of(span.end));
            shown.extend(first..=last.min(first + HEAD));
            shown.extend([last.saturating_sub(1).max(first), last]);
            several += usize::from(first != last);
        }
        let gutter = shown.last().map_or(1, |last| (last + 1).to_string().len()) + 3 + 2 * several;
        let width = style.width.saturating_sub(gutter + 1).max(24);

        let mut excerpt = Self { name, ..Self::default() };
        let mut ranges = vec![0..0; spans.len()];
        let mut previous = None;
        for line in shown {
            match previous.map_or(0, |previous| line - previous) {
                0 | 1 => {}
                2 => {
                    excerpt.push(line as usize, &Window::of(&source.text()[source.line(line - 1)], 0..0, width, style))
                }
                // Codespan marks a gap of more than one line with dots.
                _ => (0..3).for_each(|_| excerpt.push(1, &Window::default())),
            }
            previous = Some(line);
            let place = source.line(line);
            let inside = |offset: usize| offset.clamp(place.start, place.end) - place.start;
            let touches = |span: &&Range<usize>| (line_of(span.start)..=line_of(span.end)).contains(&line);
            let focus = spans.iter().find(touches).map_or(0..0, |span| inside(span.start)..inside(span.end));
            let window = Window::of(&source.text()[place.clone()], focus, width, style);
            let start = excerpt.text.len();
            for (span, range) in spans.iter().zip(&mut ranges) {
                if line_of(span.start) == line {
                    range.start = start + window.place(inside(span.start));
                    let at = source.position(u32::try_from(span.start).unwrap_or(u32::MAX));
                    let at = Location { line_number: at.line as usize, column_number: at.column as usize };
                    excerpt.places.push((range.start, at));
                }
                if line_of(span.end) == line {
                    range.end = start + window.place(inside(span.end));
                }
            }
            excerpt.push(line as usize + 1, &window);
        }
        (excerpt, ranges)
    }

    fn push(&mut self, number: usize, window: &Window) {
        self.lines.push((self.text.len(), number));
        self.text.push_str(&window.text);
        self.text.push('\n');
    }
}

/// The part of a line that fits.
#[derive(Default)]
struct Window {
    text: String,
    /// Offsets in the line and in the text, for each character shown and for the end.
    offsets: Vec<(usize, usize)>,
}

impl Window {
    /// The whole line when it fits, else what is around the beginning of the focus. The time depends on what is shown,
    /// not on the length of the line.
    fn of(line: &str, focus: Range<usize>, width: usize, style: Style) -> Self {
        let ellipsis = draw::ellipsis(style);
        let room = width - draw::columns(ellipsis);
        let long = !fits(&line[focus.clone()], room);
        let from_beginning =
            fits(line, width) || fits(&line[..focus.end], room) || long && fits(&line[..focus.start], width / 3);
        let mut start = 0;
        if !from_beginning {
            let marked = if long { 0 } else { draw::columns(&line[focus.clone()]) + draw::columns(ellipsis) };
            let mut left = (width / 4).min(room.saturating_sub(marked));
            let lead = line[..focus.start].char_indices().rev().take_while(|(_, c)| take(&mut left, *c));
            start = lead.last().map_or(focus.start, |(at, _)| at);
        }
        let mut window = Self::default();
        let mut left = width;
        if start > 0 {
            window.text.push_str(ellipsis);
            left = room;
        }
        let whole = fits(&line[start..], left);
        if !whole {
            left -= draw::columns(ellipsis);
        }
        let mut end = line.len();
        for (at, c) in line[start..].char_indices() {
            if !take(&mut left, c) {
                end = start + at;
                break;
            }
            window.offsets.push((start + at, window.text.len()));
            window.text.push(draw::printable(c));
        }
        window.offsets.push((end, window.text.len()));
        if !whole {
            window.text.push_str(ellipsis);
        }
        window
    }

    /// Where an offset of the line is shown. What lies outside is at the ellipsis.
    fn place(&self, offset: usize) -> usize {
        let index = self.offsets.partition_point(|(at, _)| *at < offset);
        match self.offsets.get(index) {
            Some((at, _)) if index == 0 && *at > offset => 0,
            Some((_, place)) => *place,
            None => self.text.len(),
        }
    }
}

fn fits(text: &str, mut width: usize) -> bool {
    text.chars().all(|c| take(&mut width, c))
}

/// Takes the columns of a character from what is left, if it is enough. A tab is at most as wide as here.
fn take(left: &mut usize, c: char) -> bool {
    let columns = if c == '\t' { TAB } else { c.width().unwrap_or(1) };
    let rest = left.checked_sub(columns);
    *left = rest.unwrap_or(0);
    rest.is_some()
}

impl<'a> Files<'a> for Excerpts {
    type FileId = usize;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: usize) -> Result<&'a str, Error> {
        Ok(&self.file(id)?.name)
    }

    fn source(&'a self, id: usize) -> Result<&'a str, Error> {
        Ok(&self.file(id)?.text)
    }

    fn line_index(&'a self, id: usize, byte_index: usize) -> Result<usize, Error> {
        Ok(self.file(id)?.lines.partition_point(|(start, _)| *start <= byte_index).saturating_sub(1))
    }

    fn line_number(&'a self, id: usize, line_index: usize) -> Result<usize, Error> {
        self.file(id)?.line(line_index).map(|(_, number)| number)
    }

    fn location(&'a self, id: usize, byte_index: usize) -> Result<Location, Error> {
        let place = self.file(id)?.places.iter().find(|(start, _)| *start == byte_index);
        let (_, location) = place.ok_or(Error::InvalidCharBoundary { given: byte_index })?;
        Ok(Location { line_number: location.line_number, column_number: location.column_number })
    }

    fn line_range(&'a self, id: usize, line_index: usize) -> Result<Range<usize>, Error> {
        let file = self.file(id)?;
        let (start, _) = file.line(line_index)?;
        Ok(start..file.line(line_index + 1).map_or(file.text.len(), |(end, _)| end))
    }
}

impl Excerpts {
    fn file(&self, id: usize) -> Result<&Excerpt, Error> {
        self.files.get(id).ok_or(Error::FileMissing)
    }
}

impl Excerpt {
    fn line(&self, index: usize) -> Result<(usize, usize), Error> {
        let max = self.lines.len().saturating_sub(1);
        self.lines.get(index).copied().ok_or(Error::LineTooLarge { given: index, max })
    }
}

/// Codespan's drawing in our colours.
struct Writer {
    out: Vec<u8>,
    color: bool,
}

impl Writer {
    fn ink(&mut self, ink: Ink) -> GeneralWriteResult {
        if self.color {
            self.out.extend_from_slice(ink.escape().as_bytes());
        }
        Ok(())
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteStyle for Writer {
    fn set_header(&mut self, _: Severity) -> GeneralWriteResult {
        Ok(())
    }

    fn set_header_message(&mut self) -> GeneralWriteResult {
        Ok(())
    }

    fn set_line_number(&mut self) -> GeneralWriteResult {
        self.ink(Ink::Faint)
    }

    fn set_note_bullet(&mut self) -> GeneralWriteResult {
        self.ink(Ink::Faint)
    }

    fn set_source_border(&mut self) -> GeneralWriteResult {
        self.ink(Ink::Faint)
    }

    fn set_label(&mut self, severity: Severity, label: LabelStyle) -> GeneralWriteResult {
        self.ink(match (label, severity) {
            (LabelStyle::Secondary, _) => Ink::Cyan,
            (LabelStyle::Primary, Severity::Bug | Severity::Error) => Ink::Red,
            (LabelStyle::Primary, Severity::Warning) => Ink::Yellow,
            (LabelStyle::Primary, Severity::Note | Severity::Help) => Ink::Cyan,
        })
    }

    fn reset(&mut self) -> GeneralWriteResult {
        if self.color {
            self.out.extend_from_slice(b"\x1b[0m");
        }
        Ok(())
    }
}
