//! `safestep explain`: what each statement locks and who waits, with a picture of the locks over time.

mod picture;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use model::effect::{
    Breaks, Effect, FailsWhen, Failure, LOCKS, LockMode, OperationKind, WaitsFor, Work, conflict, lock_name,
};
use model::name::QName;
use model::schema::Born;
use model::trace::{Judged, Opener, Timeout, Transaction, Until};
use rules::Section;
use syntax::ast::{InsertSource, Statement, StatementKind, Template};

use crate::draw::{self, Ink};
use crate::locks::{self, Shade};
use crate::{Assumed, Explained, Source, Sources, Style, command};

/// Statements alike in a row that are told as one.
const ALIKE: usize = 4;

/// Locks told of one statement.
const TOLD: usize = 8;

/// What `safestep explain` prints.
#[must_use]
pub fn text(explained: &[Explained], assumed: &Assumed, sources: &Sources, style: Style) -> String {
    let mut out = String::new();
    for (index, it) in explained.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let view = View::of(it, &assumed.tool, sources.get(it.path), style);
        draw::paint(&mut out, style, Ink::Bold, &draw::path_name(it.path));
        let section = if it.section == Section::Down { " (Down)" } else { "" };
        let versions = draw::majors(assumed.postgres);
        let how = format!("{section} as run by {} on PostgreSQL {versions}", assumed.tool);
        draw::paint(&mut out, style, Ink::Faint, &how);
        out.push_str("\n\n");
        if view.groups.is_empty() {
            out.push_str("No statements.\n");
            continue;
        }
        picture::draw(&mut out, &view);
        view.tell_statements(&mut out);
        view.tell_long_waits(&mut out);
    }
    out
}

/// What is told about one statement, as Markdown; `tool` as messages call it.
#[must_use]
pub fn markdown(explained: &Explained, statement: usize, tool: &str) -> String {
    let view = View::of(explained, tool, None, Style { color: false, unicode: true, width: 80 });
    let Some((_, judged)) = view.statements.get(statement) else { return String::new() };
    let mut out = format!("{}\n\n", view.transaction(judged.transaction));
    for (label, _, text) in view.facts(statement) {
        let text = draw::markdown(&text);
        let _ = if label.is_empty() { writeln!(out, "- {text}") } else { writeln!(out, "- **{label}** {text}") };
    }
    out
}

/// Who waits for the strongest lock of a statement on what others use, mode by mode, as a Markdown table; empty when nobody
/// does (manual, section 13.3.1).
#[must_use]
pub fn conflicts(explained: &Explained, statement: usize) -> String {
    let effects = explained.trace.judged.get(statement).map_or(&[][..], |judged| &judged.effects);
    let used = effects.iter().filter(|effect| effect.born == Born::Before);
    let Some(held) = used.map(|effect| effect.lock).max().filter(|lock| *lock >= LockMode::ShareUpdateExclusive) else {
        return String::new();
    };
    let mut out = format!("| others want | as for | beside {} |\n| --- | --- | --- |\n", lock_name(held));
    for lock in LOCKS {
        let word = if conflict(held, lock) { "wait" } else { "go on" };
        let _ = writeln!(out, "| {} | {} | {word} |", lock_name(lock), taken_by(lock));
    }
    out
}

fn taken_by(lock: LockMode) -> &'static str {
    match lock {
        LockMode::AccessShare => "SELECT",
        LockMode::RowShare => "SELECT ... FOR UPDATE",
        LockMode::RowExclusive => "INSERT, UPDATE, DELETE, MERGE",
        LockMode::ShareUpdateExclusive => "VACUUM, ANALYZE, CREATE INDEX CONCURRENTLY",
        LockMode::Share => "CREATE INDEX",
        LockMode::ShareRowExclusive => "CREATE TRIGGER, foreign keys",
        LockMode::Exclusive => "REFRESH ... CONCURRENTLY",
        LockMode::AccessExclusive => "most of ALTER TABLE, DROP, TRUNCATE",
    }
}

/// The strongest lock of a statement on what others use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strongest {
    /// Editors cut what is longer than some forty characters, so what matters most comes first:
    /// `SHARE, builds an index on orders`.
    pub short: String,
    /// `SHARE on orders, an index is built`
    pub full: String,
}

/// A foreign key locks two tables alike: the statement is about one of them.
fn is_subject(judged: &Judged, effect: &Effect) -> bool {
    judged.operations.iter().any(|operation| operation.relation.as_ref() == Some(&effect.relation))
}

#[must_use]
pub fn strongest_lock(explained: &Explained, statement: usize) -> Option<Strongest> {
    let judged = explained.trace.judged.get(statement)?;
    let effects = &judged.effects;
    let used = effects.iter().rev().filter(|effect| effect.born == Born::Before);
    let strongest = used.max_by_key(|effect| (effect.lock, effect.on.is_none(), is_subject(judged, effect)))?;
    let same = || effects.iter().filter(|effect| effect.relation == strongest.relation);
    let (_, full) = locks::lines(same()).into_iter().next()?;
    let works = same().filter(|effect| locks::work(effect).is_some()).map(|effect| effect.work);
    let does = match works.max_by_key(|work| locks::telling(*work)).unwrap_or(Work::Instant) {
        Work::Instant => " on",
        Work::Rows if strongest.lock < LockMode::RowExclusive => ", locks rows of",
        Work::Rows => ", writes rows of",
        Work::Scan => ", reads all of",
        Work::Build => ", builds an index on",
        Work::Rewrite => ", copies all of",
    };
    Some(Strongest { short: format!("{}{does} {}", lock_name(strongest.lock), strongest.relation), full })
}

pub(crate) struct View<'a> {
    pub(crate) statements: Vec<(&'a Statement, &'a Judged)>,
    tool: &'a str,
    source: Option<&'a Source>,
    style: Style,
    pub(crate) groups: Vec<Group>,
    /// In range.
    majors: (u32, u32),
    /// Columns of the greatest line number.
    digits: usize,
}

/// Statements told together: most often one.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    pub(crate) first: usize,
    pub(crate) length: usize,
}

impl<'a> View<'a> {
    pub(crate) fn of(explained: &Explained<'a>, tool: &'a str, source: Option<&'a Source>, style: Style) -> Self {
        let statements: Vec<_> = std::iter::zip(&explained.script.statements, &explained.trace.judged).collect();
        let mut groups: Vec<Group> = Vec::new();
        let mut first = 0;
        while first < statements.len() {
            let alike = statements[first..].windows(2).take_while(|pair| is_alike(pair[0], pair[1])).count() + 1;
            let length = if alike >= ALIKE { alike } else { 1 };
            groups.push(Group { first, length });
            first += length;
        }
        let style = Style { width: style.width.max(60), ..style };
        let last = statements.last().map_or(1, |(statement, _)| draw::line(source, statement.span.start));
        let majors = (*explained.trace.majors.start(), *explained.trace.majors.end());
        Self { statements, tool, source, style, groups, majors, digits: last.to_string().len().max(2) }
    }

    pub(crate) fn line(&self, statement: usize) -> u32 {
        draw::line(self.source, self.statements[statement].0.span.start)
    }

    fn one_line(&self, statement: usize, width: usize) -> String {
        draw::one_line(&self.statements[statement].0.parsed.text, width, self.style)
    }

    fn tell_statements(&self, out: &mut String) {
        let mut heading = String::new();
        let mut limited = String::new();
        for group in &self.groups {
            let (_, judged) = self.statements[group.first];
            let transaction = self.transaction(judged.transaction);
            if transaction != heading {
                draw::paint(out, self.style, Ink::Bold, &transaction);
                out.push_str("\n\n");
                heading = transaction;
            }
            self.tell_statement(out, group, &mut limited);
        }
    }

    pub(crate) fn transaction(&self, transaction: Transaction) -> String {
        let words = match (transaction.inside, transaction.opened_by) {
            (None, _) => "In a transaction or not: nothing tells who runs it".to_owned(),
            (Some(_), Opener::Explicit) => "In a transaction opened by BEGIN".to_owned(),
            (Some(_), Opener::Runner) => format!("In a transaction opened by {}", self.tool),
            (Some(_), Opener::Message) => "In one message, which is a transaction".to_owned(),
            (Some(_), Opener::Nobody) => "Each in a transaction of its own".to_owned(),
        };
        if transaction.until == Until::Run { format!("{words}, with all pending migrations") } else { words }
    }

    /// `limited` is what was told last about timeouts; it holds until something else is told.
    fn tell_statement(&self, out: &mut String, group: &Group, limited: &mut String) {
        let number = self.line(group.first).to_string();
        draw::paint(out, self.style, Ink::Faint, &format!("{number:>width$}  ", width = self.digits));
        let text = self.one_line(group.first, self.style.width - self.digits - 2);
        draw::paint(out, self.style, Ink::Cyan, &text);
        out.push('\n');
        if group.length > 1 {
            let _ = writeln!(out, "{:indent$}and {} more like it", "", group.length - 1, indent = self.digits + 2);
        }

        for (label, ink, text) in self.facts(group.first) {
            if label == "limit" {
                if *limited == text {
                    continue;
                }
                limited.clone_from(&text);
            }
            self.tell(out, label, ink, &text);
        }
        out.push('\n');
    }

    /// What is told about a statement; an empty label continues the one before.
    pub(crate) fn facts(&self, statement: usize) -> Vec<(&'static str, Ink, String)> {
        let (statement, judged) = self.statements[statement];
        let mut facts = Vec::new();
        if let StatementKind::Invalid(error) | StatementKind::Template(Template { error, .. }) = &*statement.parsed.kind
        {
            facts.push(("error", Ink::Red, error.message.clone()));
        } else if judged.operations.iter().any(|operation| operation.kind == OperationKind::Opaque) {
            facts.push(("does", Ink::Yellow, "what is not known before it runs".to_owned()));
        }
        // An index that the statement creates is said with its table.
        let told = |effect: &&Effect| effect.on.is_none() || effect.born != Born::Here;
        // Of relations that are locked alike the one comes first that the statement is about.
        let (subjects, others): (Vec<_>, Vec<_>) =
            judged.effects.iter().filter(told).partition(|effect| is_subject(judged, effect));
        let mut locks = locks::lines(subjects.into_iter().chain(others));
        let rest = locks.split_off(locks.len().min(TOLD)).len();
        for (index, (shade, text)) in locks.into_iter().enumerate() {
            facts.push((if index == 0 { "takes" } else { "" }, shade.ink(), text));
        }
        if rest > 0 {
            facts.push(("", Ink::Plain, format!("and {}", draw::count(rest, "more lock"))));
        }
        if let Some((first, last)) = judged.majors {
            let versions = draw::majors((first, last));
            facts.push(("", Ink::Plain, format!("on PostgreSQL {versions}; less on other versions")));
        }
        let blocked = self.blocked(judged);
        if !blocked.is_empty() {
            facts.push(("blocks", Ink::Plain, blocked));
            facts.push(("limit", Ink::Plain, limit(judged)));
        }
        for (index, whom) in judged.waits_for.iter().enumerate() {
            let text = format!("for every transaction {}", waits_words(whom));
            facts.push((if index == 0 { "waits" } else { "" }, Ink::Plain, text));
        }
        for (index, breaks) in judged.breaks.iter().enumerate() {
            facts.push((if index == 0 { "breaks" } else { "" }, Ink::Plain, breaks_words(breaks)));
        }
        if let Some(failure) = judged.fails.as_ref().filter(|_| fails_here(judged)) {
            facts.push(("fails", Ink::Red, self.failure(failure, judged.transaction.inside)));
        }
        facts
    }

    fn tell(&self, out: &mut String, label: &str, ink: Ink, text: &str) {
        let indent = self.digits + 2;
        for (index, line) in draw::wrap(text, self.style.width - indent - 8).iter().enumerate() {
            out.extend(std::iter::repeat_n(' ', indent));
            draw::paint(out, self.style, Ink::Faint, &draw::pad(if index == 0 { label } else { "" }, 8));
            draw::paint(out, self.style, ink, line);
            out.push('\n');
        }
    }

    /// `reads and writes of users, writes to orders, until commit`.
    fn blocked(&self, judged: &Judged) -> String {
        let in_use = |relation: &QName| {
            let mut effects = judged.effects.iter().filter(|effect| lane_of(effect) == relation).peekable();
            effects.peek().is_none() || effects.any(|effect| effect.born == Born::Before)
        };
        let mut parts = Vec::new();
        for (reads, words) in [(true, "reads and writes of"), (false, "writes to")] {
            let relations: Vec<String> = judged
                .blocked
                .iter()
                .filter(|it| it.reads == reads && (it.reads || it.writes) && in_use(&it.relation))
                .map(|it| it.relation.to_string())
                .collect();
            let (shown, rest) = relations.split_at(relations.len().min(TOLD));
            let mut shown = shown.to_vec();
            if !rest.is_empty() {
                shown.push(format!("{} more", rest.len()));
            }
            if !shown.is_empty() {
                parts.push(format!("{words} {}", draw::list(&shown)));
            }
        }
        if parts.is_empty() {
            return String::new();
        }
        let until = match judged.transaction.until {
            Until::Statement => "while it runs",
            Until::Commit => "until commit",
            Until::Run => "until all pending migrations ran",
        };
        format!("{}, {until}", parts.join(", "))
    }

    fn failure(&self, failure: &Failure, inside: Option<bool>) -> String {
        let when = match (failure.when, inside) {
            (FailsWhen::Always, _) => "always",
            (FailsWhen::Wrapped, None) => "if in a transaction",
            (FailsWhen::Wrapped, Some(_)) => "in this transaction",
            (FailsWhen::NotEmpty, _) => "when the table holds rows",
        };
        let on = if failure.majors == self.majors {
            String::new()
        } else {
            format!(" on PostgreSQL {}", draw::majors(failure.majors))
        };
        format!("{when}{on}: {} ({})", failure.message, failure.sqlstate)
    }

    fn tell_long_waits(&self, out: &mut String) {
        let waits = self.long_waits();
        if waits.is_empty() {
            draw::paint(out, self.style, Ink::BoldGreen, "No long waits");
            out.push_str(": nothing blocks reads or writes while work grows with a table.\n");
            return;
        }
        draw::paint(out, self.style, Ink::BoldRed, "Long waits");
        out.push_str("\n\n");
        for wait in waits {
            let mut works: Vec<String> =
                wait.works.iter().take(TOLD).map(|(what, line)| format!("{what} (line {line})")).collect();
            if wait.works.len() > TOLD {
                works.push(format!("{} times more", wait.works.len() - TOLD));
            }
            let who = if wait.shade == Shade::Everybody { "reads and writes of" } else { "writes to" };
            let text = format!("{who} {} wait while {}", wait.relation, draw::list(&works));
            for (index, line) in draw::wrap(&text, self.style.width - 4).iter().enumerate() {
                out.push_str(if index == 0 { "  " } else { "    " });
                draw::paint(out, self.style, wait.shade.ink(), line);
                out.push('\n');
            }
        }
    }

    /// Who waits while work grows with a table: the sum of the picture.
    pub(crate) fn long_waits(&self) -> Vec<LongWait> {
        let mut waits: Vec<LongWait> = Vec::new();
        let mut slots: HashMap<(&QName, Shade), usize> = HashMap::new();
        let run = |(_, (_, judged)): &(usize, &(&Statement, &Judged))| !fails_here(judged);
        for (index, (statement, judged)) in self.statements.iter().enumerate().filter(run) {
            let Some(work) = growing(statement, judged) else { continue };
            let mut blocked: BTreeMap<&QName, Shade> = BTreeMap::new();
            for lock in
                judged.held().values().chain(&judged.effects).filter(|effect| Shade::of(effect) >= Shade::Writes)
            {
                let worst = blocked.entry(lane_of(lock)).or_insert(Shade::Idle);
                *worst = (*worst).max(Shade::of(lock));
            }
            for (relation, shade) in blocked {
                let at = if *relation == work.relation { "it".to_owned() } else { work.relation.to_string() };
                let what = match work.work {
                    Work::Build => format!("an index is built on {at}"),
                    Work::Rewrite => format!("every row of {at} is copied"),
                    Work::Rows => format!("rows of {at} are written"),
                    Work::Scan | Work::Instant => format!("every row of {at} is read"),
                };
                let slot = *slots.entry((relation, shade)).or_insert_with(|| {
                    waits.push(LongWait { relation: relation.to_string(), shade, works: Vec::new() });
                    waits.len() - 1
                });
                waits[slot].works.push((what, self.line(index)));
            }
        }
        waits
    }
}

/// Others cannot read or write a relation while work grows with a table.
#[derive(Debug)]
pub(crate) struct LongWait {
    pub(crate) relation: String,
    pub(crate) shade: Shade,
    /// `an index is built on it`, and the line of the statement.
    pub(crate) works: Vec<(String, u32)>,
}

/// The work of a statement that grows with a table which others use, the longest if there are several.
pub(crate) fn growing<'a>(statement: &Statement, judged: &'a Judged) -> Option<&'a Effect> {
    let grows = |effect: &&Effect| {
        let small = effect.work == Work::Rows && is_values(&statement.parsed.kind);
        effect.born == Born::Before && effect.on.is_none() && locks::work(effect).is_some() && !small
    };
    judged.effects.iter().filter(grows).rev().max_by_key(|effect| effect.work)
}

/// The lock of an index stops its table: planning a query locks every index of it.
pub(crate) fn lane_of(effect: &Effect) -> &QName {
    effect.on.as_ref().unwrap_or(&effect.relation)
}

fn is_alike((a, first): (&Statement, &Judged), (b, second): (&Statement, &Judged)) -> bool {
    let (one, other) = (first.transaction, second.transaction);
    let alone = one.until == Until::Statement && other.until == Until::Statement;
    (one.id == other.id || alone)
        && first.effects == second.effects
        && first.fails == second.fails
        && first.breaks.is_empty()
        && second.breaks.is_empty()
        && command::name(&a.parsed.kind) == command::name(&b.parsed.kind)
        && !matches!(*a.parsed.kind, StatementKind::Transaction { .. } | StatementKind::Invalid(_))
}

pub(crate) fn fails_here(judged: &Judged) -> bool {
    let outside = judged.transaction.inside == Some(false);
    judged.fails.as_ref().is_some_and(|failure| failure.when != FailsWhen::Wrapped || !outside)
}

fn is_values(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Insert(insert) => matches!(insert.source, InsertSource::Values { .. } | InsertSource::Default),
        _ => false,
    }
}

fn limit(judged: &Judged) -> String {
    match judged.timeouts.lock {
        Timeout::Milliseconds(milliseconds) => format!("lock_timeout {}", duration(milliseconds)),
        Timeout::External => "lock_timeout is set elsewhere".to_owned(),
        Timeout::Unset | Timeout::Off => "no lock_timeout: others queue behind it while it waits".to_owned(),
    }
}

/// Which transactions, as `every transaction ...` goes on.
pub(crate) fn waits_words(whom: &WaitsFor) -> &'static str {
    match whom {
        WaitsFor::Readers => "that reads the table",
        WaitsFor::Writers => "that writes to the table",
        WaitsFor::Snapshots => "with an older snapshot",
    }
}

pub(crate) fn duration(milliseconds: u64) -> String {
    match (milliseconds % 60_000, milliseconds % 1000) {
        (0, _) => format!("{}min", milliseconds / 60_000),
        (_, 0) => format!("{}s", milliseconds / 1000),
        (..) => format!("{milliseconds}ms"),
    }
}

fn breaks_words(breaks: &Breaks) -> String {
    match breaks {
        Breaks::ColumnGone { relation, column } => format!("code that names column {column} of {relation}"),
        Breaks::ColumnRenamed { relation, from, to } => {
            format!("code that names column {from} of {relation}, now {to}")
        }
        Breaks::RelationGone { relation } => format!("code that names {relation}"),
        Breaks::RelationRenamed { from, to } => format!("code that names {from}, now {to}"),
        Breaks::CachedPlans { relation } => {
            format!("prepared statements on {relation}: cached plan must not change result type")
        }
        Breaks::InsertNeedsColumn { relation, column } => format!("an INSERT into {relation} without {column}"),
        Breaks::EnumValueRenamed { name, from } => format!("code that writes '{from}' as {name}"),
    }
}
