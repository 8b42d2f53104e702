//! The timeline as SVG: complete in itself, in light and dark, for browsers, pages and the view of an editor.
//!
//! A statement is a group of class `column` with `data-statement` (and `data-through`, the last of several alike), below a
//! group of class `file` with `data-path` and `data-section`. A page that gives a column the class `current` highlights it.

use std::fmt::Write;
use std::ops::Range;

use model::effect::{Work, lock_name};
use rules::Section;

use super::{Bound, Column, Compared, Group, Lane, Mark, Span, Timeline, Weight};
use crate::locks::Shade;
use crate::{Assumed, Explained, Sources, Style, draw};

/// Width of a character of code, of small code, and of prose at most.
const CODE: f64 = 6.7;
const SMALL: f64 = 6.1;
const PROSE: f64 = 6.6;

const MARGIN: f64 = 20.0;
const LANE: f64 = 30.0;
const NEW_LANE: f64 = 20.0;
/// The slant of the statements over their columns.
const SLANT: f64 = 38.0;
/// Characters of a statement, and of the name of a relation.
const SQL: usize = 42;
const NAME: usize = 28;

/// One document: the sections in the order given, each before and, if something is rewritten, after.
#[must_use]
pub fn svg(compared: &[Compared], assumed: &Assumed, sources: &Sources, theme: Theme) -> String {
    let mut pictures = Vec::new();
    for it in compared {
        let before = |section: &Explained| Picture::of(Timeline::of(&[*section], None, assumed, sources), assumed);
        pictures.extend(it.before.first().map(before));
        if !it.after.is_empty() {
            pictures.push(Picture::of(Timeline::of(&it.after, it.planned, assumed, &it.after_sources), assumed));
        }
        pictures.extend(it.before.iter().skip(1).map(before));
    }
    let width = pictures.iter().map(|picture| picture.width).fold(320.0, f64::max);
    let mut body = String::new();
    let mut height = 0.0;
    for picture in &pictures {
        let _ = write!(body, "<g transform=\"translate(0 {height})\">\n{}</g>\n", picture.body);
        height += picture.height;
    }
    let title = match pictures.as_slice() {
        [one] => one.title.clone(),
        _ => "Lock timelines".to_owned(),
    };
    let about: Vec<&str> = pictures.iter().map(|picture| picture.about.as_str()).collect();
    let body = format!("<style>\n{}</style>\n{body}", style(theme));
    document("safestep", &title, &about.join(" "), width, height.max(40.0), &body)
}

/// One drawing without its document.
pub(super) struct Picture {
    pub(super) title: String,
    /// What it shows, for those who do not see it.
    pub(super) about: String,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) body: String,
}

/// Identifiers begin with `id`, so that a page may hold several.
pub(super) fn document(id: &str, title: &str, about: &str, width: f64, height: f64, body: &str) -> String {
    let (title, about) = (escape(title), escape(about));
    let body = body.replace("url(#stripes)", &format!("url(#{id}-stripes)"));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"safestep\" role=\"img\" aria-labelledby=\"{id}-title {id}-about\" \
         width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\">\n\
         <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-about\">{about}</desc>\n\
         <defs><pattern id=\"{id}-stripes\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><path class=\"stripe\" d=\"M1.5 0V7\"/></pattern></defs>\n\
         <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n{body}</svg>\n"
    )
}

/// What shows the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// A browser or a viewer of pictures, which may know no more of CSS than classes: light, or dark where that is preferred.
    Viewer,
    /// The view of an editor, in the colours that it has chosen.
    Editor,
}

/// The style of all pictures on a page.
pub(super) fn style(theme: Theme) -> String {
    type Palette = [(&'static str, &'static str)];
    const LIGHT: &Palette = &[
        ("$ink", "#1f2328"),
        ("$paper", "#ffffff"),
        ("$faint", "#59636e"),
        ("$rule", "#d1d5d9"),
        ("$band", "#f2f3f5"),
        ("$current", "#d1eaff"),
        ("$everybody", "#c4242f"),
        ("$on-everybody", "#ffffff"),
        ("$writes", "#f5b73a"),
        ("$on-writes", "#2b1d00"),
        ("$stripe", "#e09a12"),
        ("$schema", "#0969da"),
        ("$weak", "#8c959f"),
        ("$bad", "#b3202b"),
        ("$good", "#1a7f37"),
    ];
    const DARK: &Palette = &[
        ("$ink", "#e6edf3"),
        ("$paper", "#0d1117"),
        ("$faint", "#9198a1"),
        ("$rule", "#373d44"),
        ("$band", "#1f242a"),
        ("$current", "#183253"),
        ("$everybody", "#d1353f"),
        ("$on-everybody", "#ffffff"),
        ("$writes", "#d9991f"),
        ("$on-writes", "#1c1300"),
        ("$stripe", "#bf8210"),
        ("$schema", "#58a6ff"),
        ("$weak", "#6e7681"),
        ("$bad", "#ff7b72"),
        ("$good", "#3fb950"),
    ];
    /// Colours that must suit any background.
    const EDITOR: &Palette = &[
        ("$ink", "var(--vscode-editor-foreground)"),
        ("$paper", "var(--vscode-editor-background)"),
        ("$faint", "var(--vscode-descriptionForeground)"),
        ("$rule", "#8c959f66"),
        ("$band", "#8c959f20"),
        ("$current", "#459efe44"),
    ];
    let paint = |palettes: &[&Palette]| {
        let colors = palettes.iter().copied().flatten();
        colors.fold(include_str!("colors.css").to_owned(), |css, (name, color)| {
            css.replace(&format!("{name};"), &format!("{color};"))
        })
    };
    let shapes = include_str!("style.css");
    let (light, dark) = (paint(&[LIGHT]), paint(&[DARK]));
    let viewer = format!("{shapes}{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n");
    match theme {
        Theme::Viewer => viewer,
        Theme::Editor => format!(
            "{viewer}.vscode-light, .vscode-high-contrast-light {{\n{}}}\n\
             .vscode-dark, .vscode-high-contrast:not(.vscode-high-contrast-light) {{\n{}}}\n",
            paint(&[EDITOR, LIGHT]),
            paint(&[EDITOR, DARK])
        ),
    }
}

impl Picture {
    pub(super) fn of(timeline: Timeline, assumed: &Assumed) -> Self {
        let layout = Layout::of(&timeline);
        let mut body = String::new();
        let (title, how) = heading(&timeline, assumed);
        let mut y = MARGIN + 12.0;
        text(&mut body, MARGIN, y, "title", &draw::clip(&title, 90, STYLE));
        y += 19.0;
        text(&mut body, MARGIN, y, "faint", &how);
        let verdict = verdict(&timeline);
        for (class, line) in &verdict {
            y += 18.0;
            text(&mut body, MARGIN, y, class, line);
        }
        let top = y + 16.0;
        draw_timeline(&mut body, &timeline, &layout, top);
        let mut height = top + layout.bottom + 18.0;
        let below = draw_legend(&mut body, &timeline, height);
        height += below + MARGIN - 6.0;
        let prose = [&title, &how].into_iter().chain(verdict.iter().map(|(_, line)| line));
        let prose = prose.map(|line| draw::columns(line)).max().unwrap_or_default();
        let width = (MARGIN * 2.0 + count(prose) * PROSE).max(layout.right + MARGIN).max(LEGEND);
        let about: Vec<&str> = verdict.iter().map(|(_, line)| line.as_str()).collect();
        Self { about: format!("{how}. {}", about.join(". ")), title, width, height, body }
    }
}

const STYLE: Style = Style { color: false, unicode: true, width: 80 };

/// The path, and how it is run.
fn heading(timeline: &Timeline, assumed: &Assumed) -> (String, String) {
    let how = format!("as run by {} on PostgreSQL {}", assumed.tool, draw::majors(assumed.postgres));
    match timeline.files.as_slice() {
        [file] => {
            let down = if file.section == Section::Down { " (Down)" } else { "" };
            let rewritten = if timeline.rewritten { " rewritten" } else { "" };
            (format!("{}{down}{rewritten}", file.path), how)
        }
        files => (format!("Rewritten into {}", draw::count(files.len(), "file")), how),
    }
}

/// The sum of the picture in a few lines.
fn verdict(timeline: &Timeline) -> Vec<(&'static str, String)> {
    const TOLD: usize = 6;
    if timeline.columns.is_empty() {
        return vec![("faint", "no statements".to_owned())];
    }
    if timeline.long_waits.is_empty() {
        let words = if timeline.lanes.is_empty() {
            "No locks on tables"
        } else {
            "No long waits: nothing blocks reads or writes while work grows with a table"
        };
        return vec![("good strong", words.to_owned())];
    }
    let many = timeline.files.len() > 1;
    let (told, rest) = timeline.long_waits.split_at(timeline.long_waits.len().min(TOLD));
    let mut lines: Vec<(&str, String)> = Vec::new();
    for (file, wait) in told {
        let who = if wait.shade == Shade::Everybody { "reads and writes of" } else { "writes to" };
        let place = if many { format!(" of file {}", file + 1) } else { String::new() };
        let mut at: Vec<String> = wait.works.iter().take(TOLD).map(|(_, line)| line.to_string()).collect();
        if wait.works.len() > TOLD {
            at.push(format!("{} more", wait.works.len() - TOLD));
        }
        let noun = if at.len() == 1 { "line" } else { "lines" };
        let at = draw::list(&at);
        lines.push((
            "bad",
            format!(
                "Long wait: {who} {} wait while {noun} {at}{place} {} through a table",
                wait.relation,
                if wait.works.len() == 1 { "works" } else { "work" }
            ),
        ));
    }
    if !rest.is_empty() {
        lines.push(("bad", format!("and {}", draw::count(rest.len(), "more long wait"))));
    }
    lines
}

/// Where things stand; y counts from the top of the drawing.
struct Layout {
    /// Of each column, left and right.
    columns: Vec<(f64, f64)>,
    /// The line of the brackets.
    brackets: f64,
    /// The top of each lane, and its height.
    lanes: Vec<(f64, f64)>,
    /// The middle of the row that tells who waits for the locks.
    waits: Option<f64>,
    /// The names of files stand between the brackets and the statements.
    files: bool,
    left: f64,
    right: f64,
    bottom: f64,
}

impl Layout {
    fn of(timeline: &Timeline) -> Self {
        let name = |lane: &Lane| draw::columns(&lane.relation).min(NAME) + if lane.child { 2 } else { 0 };
        let names = timeline.lanes.iter().map(name).max().unwrap_or_default();
        let left = MARGIN + (count(names) * CODE + 16.0).max(92.0);
        let many = timeline.files.len() > 1;
        let mut columns = Vec::new();
        let mut x = left;
        let mut right = left;
        let mut last = None;
        for (index, column) in timeline.columns.iter().enumerate() {
            let this = (file_of(timeline, index), timeline.transactions.partition_point(|it| it.columns.end <= index));
            x += match last {
                Some((file, _)) if file != this.0 && timeline.files[this.0].after_deploy.is_some() => 44.0,
                Some((file, _)) if file != this.0 => 22.0,
                Some(last) if last != this => 10.0,
                _ => 0.0,
            };
            last = Some(this);
            let alone = timeline.files[this.0].columns.len() == 1;
            let width: f64 = match column.weight {
                Weight::Nothing => 21.0,
                Weight::Instant | Weight::Unknown => 44.0,
                Weight::Grows => 152.0,
            };
            let width = if many && alone { width.max(56.0) } else { width };
            let waits = waits(column, false).map_or(0, |(_, words)| draw::columns(&words));
            let width = width.max(count(waits) * SMALL + 6.0);
            columns.push((x, x + width));
            let slant = SLANT.to_radians().cos() * count(draw::columns(&label(column))) * CODE;
            right = right.max(x + width).max(x + width.min(44.0) / 2.0 + slant);
            x += width;
        }
        let longest = timeline.columns.iter().map(|column| draw::columns(&label(column))).max().unwrap_or_default();
        let labels = SLANT.to_radians().sin() * count(longest) * CODE + 10.0;
        let files = if many { 20.0 } else { 0.0 };
        let brackets = labels + 22.0 + files;
        let mut y = brackets + 20.0;
        let mut lanes = Vec::new();
        for lane in &timeline.lanes {
            let height = if lane.new { NEW_LANE } else { LANE };
            lanes.push((y, height));
            y += height;
        }
        let told = timeline.columns.iter().any(|column| column.bound.is_some() || !column.waits.is_empty());
        let waits = told.then_some(y + 14.0);
        let bottom = if told { y + 24.0 } else { y + 4.0 };
        Self { columns, brackets, lanes, waits, files: many, left, right, bottom }
    }

    fn span(&self, columns: &Range<usize>) -> (f64, f64) {
        (self.columns[columns.start].0, self.columns[columns.end - 1].1)
    }
}

fn file_of(timeline: &Timeline, column: usize) -> usize {
    timeline.files.partition_point(|file| file.columns.end <= column)
}

fn label(column: &Column) -> String {
    let more = if column.count > 1 { format!(" ×{}", column.count) } else { String::new() };
    format!("{} {}{more}", column.line, draw::one_line(&column.sql, SQL, STYLE))
}

fn draw_timeline(out: &mut String, timeline: &Timeline, layout: &Layout, top: f64) {
    let _ = writeln!(out, "<g transform=\"translate(0 {top:.0})\">");
    for (number, file) in timeline.files.iter().enumerate().filter(|(_, file)| !file.columns.is_empty()) {
        let section = if file.section == Section::Down { "down" } else { "up" };
        let path = escape(&file.path);
        let _ = writeln!(out, "<g class=\"file\" data-path=\"{path}\" data-section=\"{section}\">");
        let (left, right) = layout.span(&file.columns);
        if timeline.files.len() > 1 {
            let y = layout.brackets - 18.0;
            let name = file.path.rsplit('/').next().unwrap_or_default();
            let room = ((right - left) / SMALL) as usize;
            let shown = if room >= 12 {
                clip_middle(&format!("{} {name}", number + 1), room)
            } else {
                format!("{}", number + 1)
            };
            out.push_str("<g>");
            tooltip(out, &file.path);
            let middle = (left + right) / 2.0;
            let _ = writeln!(
                out,
                "<text class=\"code small strong\" x=\"{middle:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{}</text></g>",
                escape(&shown)
            );
        }
        if let Some(reason) = &file.after_deploy {
            let x = left - 22.0;
            out.push_str("<g>");
            tooltip(out, &format!("only after a deploy of the application: {reason}"));
            let _ = writeln!(
                out,
                "<path class=\"deploy\" d=\"M{x:.1} {:.1}V{:.1}\"/><text class=\"small\" transform=\"translate({:.1} {:.1}) rotate(-90)\" text-anchor=\"end\">deploy</text></g>",
                layout.brackets - 30.0,
                layout.bottom,
                x - 4.0,
                layout.brackets - 30.0,
            );
        }
        for column in file.columns.clone() {
            draw_column(out, &timeline.columns[column], layout, column);
        }
        out.push_str("</g>\n");
    }
    for transaction in &timeline.transactions {
        draw_bracket(out, transaction, layout);
    }
    for (lane, (y, height)) in timeline.lanes.iter().zip(&layout.lanes) {
        draw_lane(out, lane, layout, (*y, *height));
    }
    if let Some(y) = layout.waits {
        let words = "waits for locks";
        let _ = writeln!(
            out,
            "<text class=\"faint small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{words}</text>",
            layout.left - 12.0,
            y + 3.0
        );
    }
    out.push_str("</g>\n");
}

fn draw_column(out: &mut String, column: &Column, layout: &Layout, at: usize) {
    let (left, right) = layout.columns[at];
    let weight = match column.weight {
        Weight::Nothing => "",
        Weight::Instant => " instant",
        Weight::Unknown => " unknown",
        Weight::Grows => " grows",
    };
    let hurts = if column.hurts { " hurts" } else { "" };
    let through = if column.count > 1 {
        format!(" data-through=\"{}\"", column.statement + column.count - 1)
    } else {
        String::new()
    };
    let _ = write!(out, "<g class=\"column{weight}{hurts}\" data-statement=\"{}\"{through}>", column.statement);
    tooltip(out, &told(column));
    let top = layout.brackets + 6.0;
    let _ = write!(
        out,
        "<rect class=\"band\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
        right - left,
        layout.bottom - top
    );
    let x = left + (right - left).min(44.0) / 2.0;
    let y = layout.brackets - if layout.files { 32.0 } else { 12.0 };
    let class = match column.weight {
        _ if column.fails || column.hurts => "code bad strong",
        Weight::Nothing => "code faint",
        _ => "code",
    };
    let label = label(column);
    let (line, sql) = label.split_once(' ').unwrap_or(("", &label));
    let sign = match column.weight {
        _ if column.fails => "✕ ",
        Weight::Unknown => "? ",
        _ => "",
    };
    let _ = write!(
        out,
        "<text class=\"{class}\" transform=\"translate({x:.1} {y:.1}) rotate(-{SLANT})\">{sign}<tspan class=\"faint\">{line}</tspan> {}</text>",
        escape(sql)
    );
    if let Some((y, (class, words))) = layout.waits.zip(waits(column, right - left > 60.0)) {
        let _ = write!(
            out,
            "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{words}</text>",
            (left + right) / 2.0,
            y + 3.0
        );
    }
    out.push_str("</g>\n");
}

/// How long a statement waits for its locks: the class of the words, and the words.
fn waits(column: &Column, wide: bool) -> Option<(&'static str, String)> {
    let (class, words) = match (&column.bound, column.waits.as_slice()) {
        (Some(Bound::Limit(limit)), []) => ("faint small", format!("≤ {limit}")),
        (Some(Bound::Endless), []) => ("bad small strong", if wide { "no time limit" } else { "no limit" }.to_owned()),
        (Some(Bound::Elsewhere), []) => ("faint small", "≤ set".to_owned()),
        (_, [.., _]) => ("faint small", if wide { "for other transactions" } else { "others" }.to_owned()),
        (None, []) => return None,
    };
    Some((class, words))
}

/// A statement and what is told about it.
fn told(column: &Column) -> String {
    let mut told = format!("line {}: {}", column.line, draw::clip(&column.sql, 2000, STYLE));
    if column.count > 1 {
        let _ = write!(told, "\nand {} more like it", column.count - 1);
    }
    let mut label = "";
    for (next, text) in &column.facts {
        label = if next.is_empty() { label } else { next };
        let _ = write!(told, "\n{label} {text}");
    }
    told
}

fn draw_bracket(out: &mut String, transaction: &Group, layout: &Layout) {
    let (left, right) = layout.span(&transaction.columns);
    let y = layout.brackets;
    let (class, path) = match transaction.inside {
        Some(true) => {
            ("bracket", format!("M{:.1} {:.1}v-5q0 -3 3 -3H{:.1}q3 0 3 3v5", left + 1.0, y + 4.0, right - 4.0))
        }
        Some(false) => ("bracket", format!("M{:.1} {y:.1}H{:.1}", left + 4.0, right - 4.0)),
        None => ("bracket unknown", format!("M{:.1} {:.1}v-8H{:.1}v8", left + 1.0, y + 4.0, right - 1.0)),
    };
    out.push_str("<g>");
    tooltip(out, &transaction.words);
    let _ = write!(out, "<path class=\"{class}\" d=\"{path}\"/>");
    let words: &[&str] = match transaction.inside {
        Some(true) => &["one transaction: locks stay until it commits", "one transaction"],
        Some(false) => &["on its own: locks go when it ends", "on its own"],
        None => &["in one transaction or not: nothing tells", "transaction?"],
    };
    if let Some(words) = words.iter().find(|words| count(words.len()) * 5.6 <= right - left) {
        let (x, y) = ((left + right) / 2.0, y + 12.0);
        let _ =
            write!(out, "<text class=\"faint small\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{words}</text>");
    }
    out.push_str("</g>\n");
}

fn draw_lane(out: &mut String, lane: &Lane, layout: &Layout, (y, height): (f64, f64)) {
    let middle = y + height / 2.0;
    let class = if lane.new { "lane new" } else { "lane" };
    let _ = write!(out, "<g class=\"{class}\" data-relation=\"{}\">", escape(&lane.relation));
    tooltip(out, &lane.relation);
    let end = layout.columns.last().map_or(layout.left, |(_, right)| *right);
    let _ = write!(out, "<path class=\"rule\" d=\"M{:.1} {middle:.1}H{end:.1}\"/>", layout.left - 6.0);
    let name = draw::clip(&lane.relation, NAME, STYLE);
    let name = if lane.child { format!("└ {name}") } else { name };
    let class = if lane.new { "code faint" } else { "code strong" };
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
        layout.left - 12.0,
        middle + 4.0,
        escape(&name)
    );
    for span in &lane.spans {
        draw_span(out, lane, span, layout, middle);
    }
    for mark in &lane.marks {
        draw_mark(out, lane, mark, layout, middle);
    }
    out.push_str("</g>\n");
}

fn draw_span(out: &mut String, lane: &Lane, span: &Span, layout: &Layout, middle: f64) {
    let (left, right) = layout.span(&span.columns);
    out.push_str("<g class=\"");
    out.push_str(class(span.shade));
    out.push_str("\">");
    tooltip(out, &span.words(lane));
    bar(out, span.shade, (left + 1.0, right - 1.0), middle);
    // The name of the lock stands where no work is marked.
    let mut start = left + 7.0;
    let mut places = Vec::new();
    for mark in lane.marks.iter().filter(|mark| span.columns.contains(&mark.column)) {
        let (from, to) = pill(mark, layout);
        places.push((start, from - 6.0));
        start = to + 8.0;
    }
    places.push((start, right - 6.0));
    let name = lock_name(span.lock);
    let place = |words: &str| places.iter().find(|(from, to)| to - from >= count(words.len()) * SMALL).map(|it| it.0);
    let written = [name, letter(span.shade)].into_iter().find_map(|words| Some((words, place(words)?)));
    if let Some((words, x)) = written.filter(|_| span.shade > Shade::Weak) {
        let _ = write!(out, "<text class=\"code small\" x=\"{x:.1}\" y=\"{:.1}\">{words}</text>", middle + 3.5);
    }
    out.push_str("</g>\n");
}

/// The stronger a lock, the thicker; colours are not the only sign.
fn bar(out: &mut String, shade: Shade, (left, right): (f64, f64), middle: f64) {
    let height = match shade {
        Shade::Everybody | Shade::Writes => 20.0,
        Shade::Schema => 14.0,
        Shade::Weak | Shade::Idle => 4.0,
    };
    let place = format!(
        "x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height}\" rx=\"3\"",
        middle - height / 2.0,
        right - left
    );
    let _ = write!(out, "<rect class=\"under\" {place}/>");
    if shade == Shade::Writes {
        let _ = write!(out, "<rect fill=\"url(#stripes)\" {place}/>");
    }
}

/// Where the mark of some work stands, left and right.
fn pill(mark: &Mark, layout: &Layout) -> (f64, f64) {
    let (left, right) = layout.columns[mark.column];
    let width = count(work(mark, layout).len()) * SMALL + 14.0;
    let middle = (left + right) / 2.0;
    (middle - width / 2.0, middle + width / 2.0)
}

fn draw_mark(out: &mut String, lane: &Lane, mark: &Mark, layout: &Layout, middle: f64) {
    let (left, right) = pill(mark, layout);
    out.push_str("<g class=\"mark\">");
    tooltip(out, &format!("{} on {}", mark.words, lane.relation));
    let _ = write!(
        out,
        "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"16\" rx=\"8\"/>",
        middle - 8.0,
        right - left
    );
    let _ = writeln!(
        out,
        "<text class=\"code small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></g>",
        (left + right) / 2.0,
        middle + 3.5,
        work(mark, layout)
    );
}

/// Width that the legend needs.
const LEGEND: f64 = 720.0;

/// Says what the signs mean that were drawn; returns its height.
fn draw_legend(out: &mut String, timeline: &Timeline, top: f64) -> f64 {
    let mut x = MARGIN;
    let mut y = top;
    for shade in Shade::DRAWN {
        let drawn = timeline.lanes.iter().flat_map(|lane| &lane.spans).any(|span| span.shade == shade);
        if !drawn {
            continue;
        }
        let _ = write!(out, "<g class=\"{}\">", class(shade));
        bar(out, shade, (x, x + 34.0), y);
        let _ = write!(
            out,
            "<text class=\"code small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></g>",
            x + 17.0,
            y + 3.5,
            letter(shade)
        );
        let words = if shade == Shade::Weak { "no query waits for the table" } else { shade.meaning() };
        text(out, x + 40.0, y + 4.0, "faint", words);
        x += 40.0 + count(words.len()) * PROSE + 16.0;
    }
    if timeline.columns.iter().any(|column| column.weight == Weight::Grows) {
        y += 26.0;
        text(
            out,
            MARGIN,
            y,
            "faint",
            "A wide column takes longer the larger the table is, a narrow one takes an instant once it has its locks",
        );
    }
    if timeline.columns.iter().any(|column| column.weight == Weight::Unknown) {
        y += 20.0;
        text(out, MARGIN, y, "faint", "? what it does is not known before it runs");
    }
    if !timeline.left_out.is_empty() {
        y += 20.0;
        text(out, MARGIN, y, "faint", &format!("Not drawn: {}", draw::list(&timeline.left_out)));
    }
    y - top + 10.0
}

fn class(shade: Shade) -> &'static str {
    match shade {
        Shade::Idle | Shade::Weak => "lock weak",
        Shade::Schema => "lock schema",
        Shade::Writes => "lock writes",
        Shade::Everybody => "lock everybody",
    }
}

/// What waits, for those who tell no colours: reads and writes, writes, DDL.
fn letter(shade: Shade) -> &'static str {
    match shade {
        Shade::Idle | Shade::Weak => "",
        Shade::Schema => "DDL",
        Shade::Writes => "W",
        Shade::Everybody => "R+W",
    }
}

/// The work of a mark in the room that its column has.
fn work(mark: &Mark, layout: &Layout) -> &'static str {
    let (left, right) = layout.columns[mark.column];
    match mark.work {
        Work::Instant => "instant",
        Work::Rows if right - left < 100.0 => "rows",
        Work::Rows if mark.words == "rows are locked" => "locks rows",
        Work::Rows => "writes rows",
        Work::Scan => "reads all rows",
        Work::Build => "builds index",
        Work::Rewrite => "copies all rows",
    }
}

fn text(out: &mut String, x: f64, y: f64, class: &str, words: &str) {
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" xml:space=\"preserve\">{}</text>",
        escape(words)
    );
}

fn tooltip(out: &mut String, words: &str) {
    let _ = write!(out, "<title>{}</title>", escape(words));
}

/// Both ends of a text: file names differ in both.
fn clip_middle(text: &str, width: usize) -> String {
    if draw::columns(text) <= width {
        return text.to_owned();
    }
    let tail: String = text.chars().rev().take(width / 2).collect::<Vec<_>>().into_iter().rev().collect();
    let head = width.saturating_sub(draw::columns(&tail));
    format!("{}{tail}", draw::clip(text, head, STYLE))
}

fn count(number: usize) -> f64 {
    f64::from(u16::try_from(number).unwrap_or(u16::MAX))
}

/// For text and attributes of XML and HTML, without characters that XML forbids.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().map(draw::printable) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push(char::REPLACEMENT_CHARACTER),
            _ => out.push(c),
        }
    }
    out
}
