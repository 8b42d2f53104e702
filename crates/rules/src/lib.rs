//! Hazard rules over a trace.
//!
//! A rule looks at what statements do (effects, operations, failures) first, at the typed statement second, at SQL text
//! never. It builds no SQL and knows no migration tool: a finding names the operations it is about, and the runner's name
//! and marker reach a message as plain data. No I/O, no clock, no failure. One finding per cause.
//!
//! A new rule is one file in `rules/`: run the tests twice, the module list and `rules.md` write themselves.

use std::collections::BTreeMap;

use model::effect::OperationKind;
use model::runner::Runner;
use model::schema::Schema;
use model::trace::Trace;
use syntax::Span;
use syntax::ast::Script;
pub use syntax::directive::Date;

use crate::suppress::suppress;

mod aliases;
mod backfill;
#[cfg(test)]
mod check;
pub mod docs;
mod facts;
mod rules;
mod suppress;

pub use rules::ALL;

/// Judges one section of one file with every rule that is on.
#[must_use]
pub fn lint(context: &Context) -> Linted {
    let mut findings = Vec::new();
    let mut called = 0;
    for rule in ALL {
        let Some(level) = context.settings.level(&rule.info) else { continue };
        called += 1;
        let from = findings.len();
        (rule.check)(context, &mut findings);
        for finding in &mut findings[from..] {
            finding.level = level.unwrap_or(finding.level);
        }
    }
    findings.retain(|finding| !(context.rolls_back(finding.statement) && comes_with_commit(context, finding)));
    write_placeholders(context, &mut findings);
    let mut linted = Linted { called, ..suppress(context, findings) };
    linted.findings.sort_by(|a, b| (a.statement, a.span, a.rule.name).cmp(&(b.statement, b.span, b.rule.name)));
    for rule in ALL.iter().filter(|rule| rule.once) {
        merge(&mut linted.findings, &rule.info);
    }
    linted
}

/// Names that stand in for placeholders are told as these are written.
fn write_placeholders(context: &Context, findings: &mut [Finding]) {
    let mut said: Vec<&mut String> = Vec::new();
    for Finding { message, notes, related, .. } in findings {
        said.extend(std::iter::once(message).chain(notes).chain(related.iter_mut().map(|(_, message)| message)));
    }
    said.retain(|it| it.contains('_'));
    if said.is_empty() {
        return;
    }
    for (read, written) in syntax::placeholders(context.text, context.script) {
        for text in said.iter_mut().filter(|it| it.contains(&read)) {
            **text = text.replace(&read, written);
        }
    }
}

/// It is about what others see, lose or run into once the transaction has committed. Writing many rows hurts before.
fn comes_with_commit(context: &Context, finding: &Finding) -> bool {
    let writes = |(statement, operation): &(usize, usize)| {
        let kind = context.trace.judged[*statement].operations[*operation].kind;
        matches!(kind, OperationKind::Update | OperationKind::Delete | OperationKind::InsertSelect)
    };
    match finding.rule.group {
        Group::Lock | Group::Transaction | Group::Timeout => false,
        // The others of this group are about what the server refuses.
        Group::Compatibility => !finding.operations.is_empty(),
        Group::Data | Group::Replication | Group::Security | Group::Style => !finding.operations.iter().any(writes),
    }
}

/// Leaves the first finding of a rule, which then speaks for the others.
fn merge(findings: &mut Vec<Finding>, info: &'static RuleInfo) {
    let mut all = findings.extract_if(.., |finding| finding.rule == info);
    let Some(mut first) = all.next() else { return };
    let others: Vec<Finding> = all.collect();
    if !others.is_empty() {
        let verb = if others.len() == 1 { "place in this file is" } else { "places in this file are" };
        first.notes.insert(0, format!("{} more {verb} like it", others.len()));
    }
    first.operations.extend(others.into_iter().flat_map(|finding| finding.operations));
    let at =
        findings.partition_point(|it| (it.statement, it.span, it.rule.name) < (first.statement, first.span, info.name));
    findings.insert(at, first);
}

/// What rules may look at: one section of one file in its place.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub trace: &'a Trace,
    pub script: &'a Script,
    /// The file. Rules do not read it; suppressions do, for lines.
    pub text: &'a str,
    pub runner: &'a Runner,
    pub settings: &'a Settings,
    pub section: Section,
    /// The schema after the last migration known, for what only a later file can settle; `None` when later files are not
    /// known.
    pub latest: Option<&'a Schema>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    Up,
    Down,
}

/// What [`lint`] found.
#[derive(Clone, Debug, Default)]
pub struct Linted {
    /// In source order; unused suppressions among them.
    pub findings: Vec<Finding>,
    /// Findings that a directive allows, with its reason.
    pub suppressed: Vec<(Finding, String)>,
    /// How many rules looked.
    pub called: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub rule: &'static RuleInfo,
    pub level: Level,
    /// Index in [`Script::statements`]; the number of statements for a finding about a comment behind the last one.
    pub statement: usize,
    /// In the file.
    pub span: Span,
    /// Begins in lower case, no full stop.
    pub message: String,
    /// Whole sentences without full stop: first why, last the way out.
    pub notes: Vec<String>,
    /// Other places in the file that explain it.
    pub related: Vec<(Span, String)>,
    /// What a recipe may do differently: (statement, index in `Judged::operations`).
    pub operations: Vec<(usize, usize)>,
}

/// A rule: what is known about it and what finds it.
#[derive(Debug)]
pub struct Rule {
    pub info: RuleInfo,
    pub check: fn(&Context, &mut Vec<Finding>),
    /// One finding per section is shown: the first that no directive allows, with the operations of the others.
    pub once: bool,
}

#[derive(Debug, PartialEq)]
pub struct RuleInfo {
    /// File stem, docs anchor, config key.
    pub name: &'static str,
    /// A finding may be milder than its rule; a configured level replaces both.
    pub level: Level,
    pub group: Group,
    /// Markdown: a summary sentence, then the fixed headings.
    pub docs: &'static str,
}

impl RuleInfo {
    /// The first sentence of the docs, without full stop.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.docs.trim_start().lines().next().unwrap_or_default().trim_end_matches('.')
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Info,
    Warning,
    Error,
}

impl Level {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Reads or writes wait.
    Lock,
    /// The transaction that a statement runs in makes it fail or hurt.
    Transaction,
    /// Nothing bounds the waiting, or something bounds it in the wrong place.
    Timeout,
    /// Rows or guarantees are lost.
    Data,
    /// Running application code, the schema or the server's version does not go with it.
    Compatibility,
    Replication,
    Security,
    /// Taste, and what costs only later: off unless asked for.
    Style,
}

impl Group {
    pub const ALL: [Self; 8] = [
        Self::Lock,
        Self::Transaction,
        Self::Timeout,
        Self::Data,
        Self::Compatibility,
        Self::Replication,
        Self::Security,
        Self::Style,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Transaction => "transaction",
            Self::Timeout => "timeout",
            Self::Data => "data",
            Self::Compatibility => "compatibility",
            Self::Replication => "replication",
            Self::Security => "security",
            Self::Style => "style",
        }
    }

    /// On without being asked for.
    #[must_use]
    pub fn default_on(self) -> bool {
        self != Self::Style
    }
}

/// What a configuration says about rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// By rule name; stronger than groups.
    pub rules: BTreeMap<String, Choice>,
    /// By group; a group not named is as [`Group::default_on`] says.
    pub groups: BTreeMap<Group, Choice>,
    /// lock_timeout and statement_timeout are set outside the migrations (role, URL).
    pub external_timeouts: bool,
    /// The session goes through a pooler that gives each transaction another server connection.
    pub transaction_pooler: bool,
    /// The majors were chosen, not defaulted: what fails on the oldest of them fails.
    pub majors_configured: bool,
    /// For directives with an expiry date; `None` lets none expire.
    pub today: Option<Date>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Off,
    /// On, each finding at its own level.
    On,
    At(Level),
}

impl Settings {
    /// `None`: the rule is off. `Some(None)`: each finding keeps its own level.
    #[must_use]
    pub fn level(&self, rule: &RuleInfo) -> Option<Option<Level>> {
        let choice = self.rules.get(rule.name).or_else(|| self.groups.get(&rule.group));
        match choice {
            Some(Choice::Off) => None,
            Some(Choice::On) => Some(None),
            Some(Choice::At(level)) => Some(Some(*level)),
            None => rule.group.default_on().then_some(None),
        }
    }
}

/// The rule of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.info.name == name)
}
