//! What stays of the original's own bytes, and where it goes.

use model::plan::{Mode, Step};
use syntax::Span;
use syntax::ast::StatementKind;
use syntax::lex;

use crate::emit::Job;
use crate::emit::body::Line;
use crate::lines::lines;
use crate::migration::UnitText;
use crate::tool::Writer;

/// Where the original's own bytes go.
pub(super) struct Original {
    /// The marks above the first statement with the comments between them.
    lead: String,
    /// Those comments alone: the first statement's step has them too.
    duplicate: String,
    /// Comments above the first statement that a blank line parts from it.
    head: String,
    /// The first statement of which something stays: what is said above BEGIN and SET goes to it.
    first: usize,
    /// Marks above the first statement that every file of the migration needs.
    pub switches: String,
    pub tail: String,
    /// Statements that stand between marks of their own.
    fenced: Vec<bool>,
}

impl Original {
    pub fn new(job: &Job) -> Self {
        let Job { unit, script, writer, .. } = *job;
        let text = &*unit.text;
        let start = unit.span.start as usize + if unit.span.start == 0 && text.starts_with('\u{feff}') { 3 } else { 0 };
        let first = script.statements.first().map_or(unit.span.end as usize, |statement| statement.span.start as usize);
        let is_fence =
            |mark: &Span| writer.fences.iter().any(|fence| mark.slice(text).to_ascii_lowercase().contains(fence));
        let marks = unit.marks.iter().filter(|mark| (mark.end as usize) <= first && !is_fence(mark));
        let lead_end = marks.clone().next_back().map_or(start, |mark| {
            text[mark.end as usize..first].find('\n').map_or(first, |at| mark.end as usize + at + 1)
        });
        let lead = text[start..lead_end].to_owned();
        let duplicate = unmarked(text, start, lead_end, &unit.marks).trim_start().to_owned();
        let switches = marks.filter(|mark| mark.slice(text).to_ascii_lowercase().contains("envsub"));
        let switches: String = switches.map(|mark| format!("{}\n", mark.slice(text))).collect();
        let stays = |kind: &StatementKind| !matches!(kind, StatementKind::Transaction { .. } | StatementKind::Set(_));
        let leading = script.statements.iter().position(|it| stays(&it.parsed.kind)).unwrap_or_default();
        let mut steps = job.plan.parts.iter().flat_map(|part| &part.steps);
        let step = steps.find(|step| step.from.first() == Some(&leading) && !step.sql.is_empty());
        let head = step.filter(|_| lead.is_empty()).map_or_else(String::new, |step| head_of(&step.sql));
        let fenced = script.statements.iter().map(|statement| {
            let above = unit.marks.iter().rev().find(|mark| mark.end <= statement.span.start);
            let below = unit.marks.iter().find(|mark| mark.start >= statement.end);
            let others = |other: &&syntax::ast::Statement| {
                other.span != statement.span
                    && above.is_some_and(|mark| other.span.start >= mark.end)
                    && below.is_some_and(|mark| other.end <= mark.start)
            };
            above.is_some_and(is_fence)
                && below.is_some_and(is_fence)
                && !script.statements.iter().any(|it| others(&it))
        });
        Self {
            lead,
            duplicate,
            head,
            first: leading,
            switches,
            tail: trailing(unit.span.slice(text)).to_owned(),
            fenced: fenced.collect(),
        }
    }

    /// The bytes above the body: those that go above everything of ours, and comments that belong to the whole file.
    pub fn lead(&self) -> (String, String) {
        (format!("{}{}", self.lead, self.head), String::new())
    }

    /// A step as it is written into a file.
    pub fn line(&self, step: &Step, writer: &Writer) -> Line {
        let mut sql = step.sql.strip_prefix('\u{feff}').unwrap_or(&step.sql);
        if step.from.first() == Some(&self.first) {
            sql = sql.strip_prefix(self.duplicate.as_str()).unwrap_or(sql).trim_start_matches(['\n', '\r']);
            sql = sql.strip_prefix(self.head.as_str()).unwrap_or(sql);
        }
        let fenced = step.verbatim && step.from.iter().all(|from| self.fenced.get(*from) == Some(&true));
        Line {
            sql: (writer.statement)(sql, fenced && !step.from.is_empty()),
            mode: step.mode,
            verbatim: step.verbatim || left_alone(step.mode, writer),
            spaced: step.spaced,
            blocks: step.blocks,
            long: step.long,
        }
    }
}

/// Where SET is no free companion, a new statement outside a transaction is treated like an old one.
pub(super) fn left_alone(mode: Mode, writer: &Writer) -> bool {
    mode == Mode::NonTx && !writer.sets_freely
}

/// Comments at the beginning that a blank line parts from what follows, with that blank line.
fn head_of(sql: &str) -> String {
    let mut end = 0;
    for comment in lex::tokens(sql).into_iter().take_while(|token| token.is_comment()) {
        let rest = &sql[comment.span.end as usize..];
        let blank = &rest[..rest.len() - rest.trim_start().len()];
        if let (Some(line), true) = (blank.rfind('\n'), blank.matches('\n').count() > 1) {
            end = comment.span.end as usize + line + 1;
        }
    }
    sql[..end].trim_start_matches('\u{feff}').to_owned()
}

/// The marks at the beginning of a section, but for those that stand around one statement.
pub(super) fn marks_of(unit: &UnitText, writer: &Writer) -> String {
    let text = unit.span.slice(&unit.text);
    let mut end = 0;
    for line in lines(text) {
        let here = Span::new(line.range.start, line.range.end).shifted(unit.span.start);
        if unit.marks.contains(&here) && end == line.range.start && !is_fence(line.text, writer) {
            end = line.next;
        }
    }
    text[..end].to_owned()
}

/// A mark that stands around one statement.
pub(super) fn is_fence(mark: &str, writer: &Writer) -> bool {
    let mark = mark.to_ascii_lowercase();
    writer.fences.iter().any(|fence| mark.contains(fence))
}

pub(super) fn trailing(text: &str) -> &str {
    &text[text.trim_end().len()..]
}

/// The text between two offsets without the marks, and without the lines that only they stood on.
pub(crate) fn unmarked(text: &str, from: usize, to: usize, marks: &[Span]) -> String {
    let mut out = String::new();
    let mut position = from;
    for mark in marks.iter().filter(|mark| from <= mark.start as usize && mark.end as usize <= to) {
        out.push_str(&text[position.min(mark.start as usize)..mark.start as usize]);
        position = mark.end as usize;
        let alone = out.rsplit('\n').next().is_none_or(|line| line.trim().is_empty());
        if let Some(end) =
            text[position..to].find('\n').filter(|end| alone && text[position..position + end].trim().is_empty())
        {
            position += end + 1;
        }
    }
    out.push_str(&text[position.min(to)..to]);
    out
}
