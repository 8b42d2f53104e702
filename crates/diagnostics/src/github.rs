//! `--format github`: annotations as workflow commands, and a job summary.
//!
//! The commands and their escapes are those of the runner's `ActionCommand.cs`; a step shows at most ten annotations of a
//! level, so the rest is left to the summary.

use std::fmt::Write;

use rules::Level;

use crate::{Finding, Format, Output, Report, Sources, text, wire};

pub(crate) const FORMAT: Format = Format {
    name: "github",
    about: "annotations of a GitHub workflow, and a job summary",
    from_root: true,
    render: |report, sources, _| Output {
        text: commands(report, sources),
        job_summary: Some(summary(report, sources)),
    },
};

/// Annotations of one level that GitHub shows of a step.
const SHOWN: usize = 10;

/// Rows of the summary; GitHub refuses summaries of more than 1 MiB.
const ROWS: usize = 1000;

fn commands(report: &Report, sources: &Sources) -> String {
    let mut out = String::new();
    let findings = report.in_order();
    for level in [Level::Error, Level::Warning, Level::Info] {
        for finding in findings.iter().filter(|finding| finding.level == level).take(SHOWN) {
            command(&mut out, finding, sources);
        }
    }
    // Notices share their ten.
    for (path, reason) in report.skipped.iter().take(SHOWN.saturating_sub(report.counts().infos)) {
        let (path, reason) = (property(&sources.path_name(path)), data(reason));
        let _ = writeln!(out, "::notice file={path},title=skipped::{reason}");
    }
    if report.files > 0 {
        let _ = writeln!(out, "{}", text::assumed_words(&report.assumed));
    }
    out + &text::closing(report) + "\n"
}

fn command(out: &mut String, finding: &Finding, sources: &Sources) {
    let name = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "notice",
    };
    let start = wire::position(sources, &finding.path, finding.span.start);
    let end = wire::position(sources, &finding.path, finding.span.end.max(finding.span.start));
    let _ = write!(
        out,
        "::{name} file={},line={},endLine={}",
        property(&sources.path_name(&finding.path)),
        start.line,
        end.line
    );
    // GitHub rejects columns on spans of several lines.
    if start.line == end.line {
        let _ = write!(out, ",col={},endColumn={}", start.column, end.column);
    }
    let mut message = finding.message.clone();
    let withheld = finding.withheld.as_ref().map(|reason| format!("not fixed: {reason}"));
    for line in finding.notes.iter().chain(&withheld).chain(Some(&finding.docs).filter(|docs| !docs.is_empty())) {
        message.extend(["\n", line]);
    }
    let _ = writeln!(out, ",title={}::{}", property(finding.rule), data(&message));
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn summary(report: &Report, sources: &Sources) -> String {
    let mut out = String::from("### Safestep\n\n");
    let mut findings = report.in_order();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    if !findings.is_empty() {
        out.push_str("| | Place | Rule | Finding |\n|---|---|---|---|\n");
    }
    for finding in findings.iter().take(ROWS) {
        let sign = match finding.level {
            Level::Error => ":red_circle:",
            Level::Warning => ":yellow_circle:",
            Level::Info => ":blue_circle:",
        };
        let line = wire::position(sources, &finding.path, finding.span.start).line;
        let rule = match finding.docs.as_str() {
            "" => markdown(finding.rule),
            docs => format!("[{}]({docs})", markdown(finding.rule)),
        };
        let (path, message) = (markdown(&sources.path_name(&finding.path)), markdown(&finding.message));
        let _ = writeln!(out, "| {sign} {} | {path}:{line} | {rule} | {message} |", finding.level.name());
    }
    if findings.len() > ROWS {
        let _ = writeln!(out, "\n… and {} more.", findings.len() - ROWS);
    }
    if !findings.is_empty() {
        out.push('\n');
    }
    for (path, reason) in report.skipped.iter().take(ROWS) {
        let _ = writeln!(out, "- skipped {}: {}", markdown(&sources.path_name(path)), markdown(reason));
    }
    for note in &report.notes {
        let _ = writeln!(out, "- {}", markdown(note));
    }
    if report.files > 0 {
        let _ = writeln!(out, "- {}", markdown(&text::assumed_words(&report.assumed)));
    }
    let _ = writeln!(out, "\n**{}**", markdown(&text::closing(report)));
    out
}

/// Text that Markdown shows as it is, also in a table cell.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\r' | '\n' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '@' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}
