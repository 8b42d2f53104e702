//! `--format json` of lint, explain and plan, version 1. Fields may be added, nothing else changes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use model::effect::{Effect, FailsWhen, WaitsFor, blocks_reads, blocks_writes, lock_name};
use model::schema::Born;
use model::trace::{Judged, Until};
use rules::Section;
use serde::Serialize;
use syntax::Span;
use syntax::ast::Statement;

use crate::draw::{class_name, path_name};
use crate::{
    Assumed, Edit, Explained, FileChange, Finding, Fix, Format, Output, Planned, PlannedPart, Position, Related,
    Report, Sources, Withheld, command, wire,
};

pub(crate) const FORMAT: Format = Format {
    name: "json",
    about: "everything, for programs",
    from_root: false,
    render: |report, sources, _| Output { text: lint(report, sources), job_summary: None },
};

const VERSION: u32 = 1;

/// A fix with more text than this is written out at the first of its findings only.
const REPEATED: usize = 32 << 10;

fn lint(report: &Report, sources: &Sources) -> String {
    let counts = report.counts();
    let findings = report.in_order();
    let mut firsts: HashMap<*const Fix, usize> = HashMap::new();
    let mut same_as = |index: usize, fix: &Arc<Fix>| {
        let first = *firsts.entry(Arc::as_ptr(fix)).or_insert(index);
        (first < index).then_some(first)
    };
    wire::to_json(&LintWire {
        version: VERSION,
        tool: &report.assumed.tool,
        tool_guessed: report.assumed.guessed,
        postgres: wire::versions(report.assumed.postgres),
        findings: findings
            .iter()
            .enumerate()
            .map(|(index, finding)| {
                let same_as = finding.fix.as_ref().and_then(|fix| same_as(index, fix));
                FindingWire::of(finding, same_as, sources)
            })
            .collect(),
        skipped: report.skipped.iter().map(|(path, reason)| SkippedWire { path: path_name(path), reason }).collect(),
        notes: &report.notes,
        summary: SummaryWire {
            errors: counts.errors,
            warnings: counts.warnings,
            infos: counts.infos,
            files: report.files,
            files_with_findings: counts.files,
            fixable: FixableWire { safe: counts.safe, r#unsafe: counts.r#unsafe, plan: counts.plan },
            fixed: report.fixed,
            suppressed: report.suppressed,
            written: report.written.iter().map(|path| path_name(path)).collect(),
        },
    })
}

/// What `explain --format json` prints.
#[must_use]
pub fn explain(explained: &[Explained], assumed: &Assumed, sources: &Sources) -> String {
    wire::to_json(&ExplainWire {
        version: VERSION,
        tool: &assumed.tool,
        tool_guessed: assumed.guessed,
        postgres: wire::versions(assumed.postgres),
        files: explained
            .iter()
            .map(|it| ExplainedWire {
                path: path_name(it.path),
                section: section(it.section),
                statements: std::iter::zip(&it.script.statements, &it.trace.judged)
                    .enumerate()
                    .map(|(index, (statement, judged))| StatementWire::of(index, statement, judged, it.path, sources))
                    .collect(),
            })
            .collect(),
    })
}

/// What `plan --format json` prints.
#[must_use]
pub fn plan(planned: &[Planned], sources: &Sources) -> String {
    wire::to_json(&PlanWire {
        version: VERSION,
        files: planned.iter().map(|it| PlannedWire::of(it, sources)).collect(),
    })
}

fn section(section: Section) -> &'static str {
    match section {
        Section::Up => "up",
        Section::Down => "down",
    }
}

#[derive(Serialize)]
struct PositionWire {
    byte: u32,
    line: u32,
    column: u32,
}

impl From<Position> for PositionWire {
    fn from(at: Position) -> Self {
        Self { byte: at.byte, line: at.line, column: at.column }
    }
}

#[derive(Serialize)]
struct SpanWire {
    start: PositionWire,
    end: PositionWire,
}

impl SpanWire {
    fn of(span: Span, path: &Path, sources: &Sources) -> Self {
        Self {
            start: wire::position(sources, path, span.start).into(),
            end: wire::position(sources, path, span.end).into(),
        }
    }
}

// ---------------------------------------------------------------------------------------------------- lint

#[derive(Serialize)]
struct LintWire<'a> {
    version: u32,
    tool: &'a str,
    tool_guessed: bool,
    postgres: String,
    findings: Vec<FindingWire<'a>>,
    skipped: Vec<SkippedWire<'a>>,
    notes: &'a [String],
    summary: SummaryWire,
}

#[derive(Serialize)]
struct SkippedWire<'a> {
    path: String,
    reason: &'a str,
}

#[derive(Serialize)]
struct SummaryWire {
    errors: usize,
    warnings: usize,
    infos: usize,
    files: usize,
    files_with_findings: usize,
    fixable: FixableWire,
    fixed: usize,
    suppressed: usize,
    written: Vec<String>,
}

#[derive(Serialize)]
struct FixableWire {
    safe: usize,
    r#unsafe: usize,
    plan: usize,
}

#[derive(Serialize)]
struct FindingWire<'a> {
    rule: &'a str,
    level: &'a str,
    message: &'a str,
    path: String,
    section: &'a str,
    #[serde(flatten)]
    span: SpanWire,
    statement: usize,
    notes: &'a [String],
    related: Vec<RelatedWire<'a>>,
    docs: &'a str,
    fingerprint: &'a str,
    fix: Option<FixWire<'a>>,
    withheld: Option<&'a str>,
}

impl<'a> FindingWire<'a> {
    fn of(finding: &'a Finding, same_as: Option<usize>, sources: &Sources) -> Self {
        Self {
            rule: finding.rule,
            level: finding.level.name(),
            message: &finding.message,
            path: path_name(&finding.path),
            section: section(finding.section),
            span: SpanWire::of(finding.span, &finding.path, sources),
            statement: finding.statement,
            notes: &finding.notes,
            related: finding.related.iter().map(|related| RelatedWire::of(related, sources)).collect(),
            docs: &finding.docs,
            fingerprint: &finding.fingerprint,
            fix: finding.fix.as_ref().map(|fix| FixWire::of(fix, same_as, &finding.path, sources)),
            withheld: finding.withheld.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct RelatedWire<'a> {
    path: String,
    #[serde(flatten)]
    span: SpanWire,
    message: &'a str,
}

impl<'a> RelatedWire<'a> {
    fn of(related: &'a Related, sources: &Sources) -> Self {
        Self {
            path: path_name(&related.path),
            span: SpanWire::of(related.span, &related.path, sources),
            message: &related.message,
        }
    }
}

#[derive(Serialize)]
struct FixWire<'a> {
    title: &'a str,
    class: &'a str,
    assumptions: &'a [String],
    edits: Vec<EditWire<'a>>,
    files: Vec<FileWire<'a>>,
    /// The earlier finding, by index, that has the same fix. A long fix has its edits and files there only.
    same_as: Option<usize>,
}

impl<'a> FixWire<'a> {
    fn of(fix: &'a Fix, same_as: Option<usize>, path: &Path, sources: &Sources) -> Self {
        let edits: usize = fix.edits.iter().map(|edit| edit.text.len() + size_of::<Edit>()).sum();
        let files: usize = fix.files.iter().filter_map(|file| file.new.as_ref()).map(String::len).sum();
        let written = same_as.is_none() || edits + files <= REPEATED;
        Self {
            title: &fix.title,
            class: class_name(fix.class),
            assumptions: &fix.assumptions,
            edits: fix.edits.iter().filter(|_| written).map(|edit| EditWire::of(edit, path, sources)).collect(),
            files: fix.files.iter().filter(|_| written).map(FileWire::of).collect(),
            same_as,
        }
    }
}

#[derive(Serialize)]
struct EditWire<'a> {
    #[serde(flatten)]
    span: SpanWire,
    text: &'a str,
}

impl<'a> EditWire<'a> {
    fn of(edit: &'a Edit, path: &Path, sources: &Sources) -> Self {
        Self { span: SpanWire::of(edit.span, path, sources), text: &edit.text }
    }
}

#[derive(Serialize)]
struct FileWire<'a> {
    path: String,
    action: &'static str,
    /// The whole file afterwards.
    text: Option<&'a str>,
}

impl<'a> FileWire<'a> {
    fn of(file: &'a FileChange) -> Self {
        let action = match (&file.old, &file.new) {
            (None, _) => "create",
            (Some(_), Some(_)) => "change",
            (Some(_), None) => "delete",
        };
        Self { path: path_name(&file.path), action, text: file.new.as_deref() }
    }
}

// ---------------------------------------------------------------------------------------------------- explain

#[derive(Serialize)]
struct ExplainWire<'a> {
    version: u32,
    tool: &'a str,
    tool_guessed: bool,
    postgres: String,
    files: Vec<ExplainedWire>,
}

#[derive(Serialize)]
struct ExplainedWire {
    path: String,
    section: &'static str,
    statements: Vec<StatementWire>,
}

#[derive(Serialize)]
struct StatementWire {
    index: usize,
    #[serde(flatten)]
    span: SpanWire,
    kind: String,
    in_transaction: Option<bool>,
    /// Statements with the same number share a transaction and hold each other's locks.
    transaction: u32,
    effects: Vec<EffectWire>,
    waits_for: Vec<&'static str>,
    fails: Option<FailsWire>,
}

#[derive(Serialize)]
struct EffectWire {
    #[serde(flatten)]
    lock: LockWire,
    until: &'static str,
}

/// A lock and the work done under it.
#[derive(Serialize)]
struct LockWire {
    relation: String,
    kind: &'static str,
    on: Option<String>,
    lock: &'static str,
    work: &'static str,
    reads_blocked: bool,
    writes_blocked: bool,
}

#[derive(Serialize)]
struct FailsWire {
    sqlstate: &'static str,
    message: String,
    when: &'static str,
    /// Not on an empty table.
    only_with_rows: bool,
    postgres: String,
}

impl StatementWire {
    fn of(index: usize, statement: &Statement, judged: &Judged, path: &Path, sources: &Sources) -> Self {
        let until = match judged.transaction.until {
            Until::Statement => "statement",
            Until::Commit => "commit",
            Until::Run => "run",
        };
        Self {
            index,
            span: SpanWire::of(statement.span, path, sources),
            kind: command::name(&statement.parsed.kind),
            in_transaction: judged.transaction.inside,
            transaction: judged.transaction.id,
            effects: judged.effects.iter().map(|effect| EffectWire { lock: LockWire::of(effect), until }).collect(),
            waits_for: judged
                .waits_for
                .iter()
                .map(|whom| match whom {
                    WaitsFor::Readers => "readers",
                    WaitsFor::Writers => "writers",
                    WaitsFor::Snapshots => "snapshots",
                })
                .collect(),
            fails: judged.fails.as_ref().map(|failure| FailsWire {
                sqlstate: failure.sqlstate,
                message: failure.message.clone(),
                when: match failure.when {
                    FailsWhen::Wrapped => "wrapped",
                    FailsWhen::Always | FailsWhen::NotEmpty => "always",
                },
                only_with_rows: failure.when == FailsWhen::NotEmpty,
                postgres: wire::versions(failure.majors),
            }),
        }
    }
}

impl LockWire {
    fn of(effect: &Effect) -> Self {
        // Other sessions do not see what the transaction created.
        let seen = effect.born != Born::Here;
        Self {
            relation: effect.relation.to_string(),
            kind: wire::relation_kind(effect.kind),
            on: effect.on.as_ref().map(ToString::to_string),
            lock: lock_name(effect.lock),
            work: wire::work(effect.work),
            reads_blocked: seen && blocks_reads(effect.lock),
            writes_blocked: seen && blocks_writes(effect.lock),
        }
    }
}

// ---------------------------------------------------------------------------------------------------- plan

#[derive(Serialize)]
struct PlanWire<'a> {
    version: u32,
    files: Vec<PlannedWire<'a>>,
}

#[derive(Serialize)]
struct PlannedWire<'a> {
    path: String,
    class: &'static str,
    assumptions: &'a [String],
    parts: Vec<PartWire<'a>>,
    withheld: Vec<WithheldWire<'a>>,
}

#[derive(Serialize)]
struct PartWire<'a> {
    path: String,
    transaction: bool,
    sql: &'a str,
    from: &'a [usize],
    locks_before: Vec<LockWire>,
    locks_after: Vec<LockWire>,
    after_deploy: Option<&'a str>,
}

#[derive(Serialize)]
struct WithheldWire<'a> {
    statement: usize,
    #[serde(flatten)]
    span: SpanWire,
    reason: &'a str,
}

impl<'a> PlannedWire<'a> {
    fn of(planned: &'a Planned, sources: &Sources) -> Self {
        let part = |part: &'a PlannedPart| PartWire {
            path: path_name(&part.path),
            transaction: part.transaction,
            sql: &part.sql,
            from: &part.from,
            locks_before: part.before.iter().map(LockWire::of).collect(),
            locks_after: part.after.iter().map(LockWire::of).collect(),
            after_deploy: part.after_deploy.as_deref(),
        };
        let withheld = |withheld: &'a Withheld| WithheldWire {
            statement: withheld.statement,
            span: SpanWire::of(withheld.span, &planned.path, sources),
            reason: &withheld.reason,
        };
        Self {
            path: path_name(&planned.path),
            class: class_name(planned.class),
            assumptions: &planned.assumptions,
            parts: planned.parts.iter().map(part).collect(),
            withheld: planned.withheld.iter().map(withheld).collect(),
        }
    }
}
