//! `safestep explain`: what each statement locks and who waits, with a picture of the locks over time.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use model::effect::{Breaks, Effect, FailsWhen, Failure, OperationKind, WaitsFor, Work};
use model::name::QName;
use model::schema::Born;
use model::trace::{Judged, Opener, Timeout, Transaction, Until};
use rules::Section;
use syntax::ast::{InsertSource, Statement, StatementKind};

use crate::draw::{self, Ink};
use crate::locks::{self, Shade};
use crate::{Assumed, Explained, Source, Sources, Style, command};

/// Statements alike in a row that are told as one.
const ALIKE: usize = 4;

/// Locks told of one statement.
const TOLD: usize = 8;

/// Columns of a lane: two of shade, one for the work, one free.
const LANE: usize = 4;

/// Columns that the statements keep beside the lanes.
const STATEMENT: usize = 28;

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
        view.draw_picture(&mut out);
        view.tell_statements(&mut out);
        view.tell_long_waits(&mut out);
    }
    out
}

struct View<'a> {
    statements: Vec<(&'a Statement, &'a Judged)>,
    tool: &'a str,
    source: Option<&'a Source>,
    style: Style,
    groups: Vec<Group>,
    /// In range.
    majors: (u32, u32),
    /// Columns of the greatest line number.
    digits: usize,
}

/// Statements told together: most often one.
#[derive(Clone, Copy)]
struct Group {
    first: usize,
    length: usize,
}

/// A relation in the picture.
struct Lane<'a> {
    relation: &'a QName,
    worst: Shade,
}

impl<'a> View<'a> {
    fn of(explained: &Explained<'a>, tool: &'a str, source: Option<&'a Source>, style: Style) -> Self {
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

    fn line(&self, statement: usize) -> u32 {
        draw::line(self.source, self.statements[statement].0.span.start)
    }

    fn one_line(&self, statement: usize, width: usize) -> String {
        draw::one_line(&self.statements[statement].0.parsed.text, width, self.style)
    }

    // ------------------------------------------------------------------------------------------------ the picture

    /// Time goes down, a lane is a relation, a shade is who waits.
    fn draw_picture(&self, out: &mut String) {
        let style = self.style;
        let left = self.digits + 4;
        let (lanes, hidden) = self.lanes((style.width - left - STATEMENT) / LANE);
        let numbers: HashMap<&QName, usize> =
            lanes.iter().enumerate().map(|(index, it)| (it.relation, index)).collect();
        let idle = Shade::Idle.glyph(style);
        let bar = |out: &mut String, count| {
            let lines = format!("{idle}{:LANE$}", "").chars().take(LANE).collect::<String>().repeat(count);
            draw::paint(out, style, Ink::Faint, &lines);
        };
        for (index, lane) in lanes.iter().enumerate() {
            out.extend(std::iter::repeat_n(' ', left));
            bar(out, index);
            let name = draw::clip(&lane.relation.to_string(), style.width - left - index * LANE, style);
            draw::paint(out, style, Ink::Bold, &name);
            out.push('\n');
        }
        if !lanes.is_empty() {
            out.extend(std::iter::repeat_n(' ', left));
            let lines = vec![idle.to_string(); lanes.len()].join(&" ".repeat(LANE - 1));
            draw::paint(out, style, Ink::Faint, &lines);
            out.push('\n');
        }
        let mut shades = Vec::new();
        let mut works = Vec::new();
        for group in &self.groups {
            let cells = self.cells(group.first, &numbers, lanes.len());
            let rows = if group.length == 1 { 1 } else { 2 };
            for row in 0..rows {
                let statement = if row == 0 { group.first } else { group.first + group.length - 1 };
                let number = if row == 0 { self.line(statement).to_string() } else { String::new() };
                draw::paint(out, style, Ink::Faint, &format!("{number:>width$} ", width = self.digits));
                let bracket = self.bracket(group, row + 1 == rows);
                draw::paint(out, style, Ink::Faint, &format!("{bracket}  "));
                for (shade, work) in &cells {
                    draw_cell(out, *shade, *work, style);
                    shades.extend((*shade > Shade::Idle).then_some(*shade));
                    works.extend(*work);
                }
                let width = style.width - left - lanes.len() * LANE;
                if row == 0 {
                    let ink = if fails_here(self.statements[statement].1) { Ink::Red } else { Ink::Plain };
                    draw::paint(out, style, ink, &self.one_line(statement, width));
                } else {
                    draw::paint(out, style, Ink::Faint, &format!("{} more like it", group.length - 1));
                }
                out.truncate(out.trim_end().len());
                out.push('\n');
            }
        }
        out.push('\n');
        self.draw_legend(out, &shades, &works);
        if hidden > 0 {
            let _ = writeln!(out, "{} with weaker locks: not drawn", draw::count(hidden, "more relation"));
        }
        out.push('\n');
    }

    /// The relations that are locked, in order of appearance; at most so many, the worst first. And how many are left.
    fn lanes(&self, room: usize) -> (Vec<Lane<'a>>, usize) {
        let mut lanes: Vec<Lane> = Vec::new();
        let mut numbers: HashMap<&QName, usize> = HashMap::new();
        // What a later statement holds, an earlier one took, or the file began with.
        let held = self.statements.first().map_or(&[][..], |(_, judged)| &judged.held);
        for effect in held.iter().chain(self.statements.iter().flat_map(|(_, judged)| &judged.effects)) {
            let relation = lane_of(effect);
            let number = *numbers.entry(relation).or_insert_with(|| {
                lanes.push(Lane { relation, worst: Shade::Idle });
                lanes.len() - 1
            });
            lanes[number].worst = lanes[number].worst.max(Shade::of(effect));
        }
        let mut order: Vec<usize> = (0..lanes.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(lanes[*index].worst));
        order.truncate(room);
        let hidden = lanes.len() - order.len();
        let mut index = 0;
        lanes.retain(|_| {
            index += 1;
            order.contains(&(index - 1))
        });
        (lanes, hidden)
    }

    /// For each lane who waits while the statement runs, and the work it does there.
    fn cells(&self, statement: usize, lanes: &HashMap<&QName, usize>, count: usize) -> Vec<(Shade, Option<Work>)> {
        let judged = self.statements[statement].1;
        let mut cells = vec![(Shade::Idle, None); count];
        for effect in &judged.held {
            let Some(lane) = lanes.get(lane_of(effect)) else { continue };
            cells[*lane].0 = cells[*lane].0.max(Shade::of(effect));
        }
        for effect in &judged.effects {
            let Some(lane) = lanes.get(lane_of(effect)) else { continue };
            let (shade, work) = &mut cells[*lane];
            *shade = (*shade).max(Shade::of(effect));
            if effect.born == Born::Before && locks::work(effect).is_some() {
                *work = (*work).max(Some(effect.work));
            }
        }
        cells
    }

    /// What binds the statements of a transaction together.
    fn bracket(&self, group: &Group, last_row: bool) -> char {
        let transaction = |statement: usize| self.statements.get(statement).map(|(_, judged)| judged.transaction);
        let this = transaction(group.first);
        let together = |other: Option<Transaction>| {
            this.zip(other).is_some_and(|(a, b)| a.id == b.id && a.until != Until::Statement)
        };
        let before = group.first > 0 && together(transaction(group.first - 1)) || group.length > 1 && last_row;
        let after = together(transaction(group.first + group.length)) || !last_row && together(this);
        match (this.and_then(|it| it.inside), before, after) {
            (_, false, false) => ' ',
            (None, ..) => self.style.pick('┆', ':'),
            (_, false, true) => self.style.pick('╭', '/'),
            (_, true, true) => self.style.pick('│', '|'),
            (_, true, false) => self.style.pick('╰', '\\'),
        }
    }

    fn draw_legend(&self, out: &mut String, shades: &[Shade], works: &[Work]) {
        let style = self.style;
        let waits = Shade::DRAWN.into_iter().filter(|shade| shades.contains(shade));
        for (index, shade) in waits.enumerate() {
            out.push_str(if index == 0 { "" } else { "   " });
            draw::paint(out, style, shade.ink(), &shade.glyph(style).to_string().repeat(2));
            let _ = write!(out, " {}", shade.meaning());
        }
        let meanings = [
            (Work::Scan, "all rows read"),
            (Work::Build, "index built"),
            (Work::Rewrite, "all rows copied"),
            (Work::Rows, "rows written"),
        ];
        for (index, (work, meaning)) in meanings.into_iter().filter(|(work, _)| works.contains(work)).enumerate() {
            out.push_str(if index == 0 { "\n" } else { "   " });
            draw::paint(out, style, Ink::Bold, &work_letter(work).to_string());
            let _ = write!(out, " {meaning}");
        }
        if !shades.is_empty() {
            out.push('\n');
        }
    }

    // ------------------------------------------------------------------------------------------------ the words

    fn tell_statements(&self, out: &mut String) {
        let mut heading = String::new();
        for group in &self.groups {
            let (_, judged) = self.statements[group.first];
            let transaction = self.transaction(judged.transaction);
            if transaction != heading {
                draw::paint(out, self.style, Ink::Bold, &transaction);
                out.push_str("\n\n");
                heading = transaction;
            }
            self.tell_statement(out, group);
        }
    }

    fn transaction(&self, transaction: Transaction) -> String {
        let words = match (transaction.inside, transaction.opened_by) {
            (None, _) => "In a transaction or not: nothing tells who runs it".to_owned(),
            (Some(_), Opener::Explicit) => "In a transaction opened by BEGIN".to_owned(),
            (Some(_), Opener::Runner) => format!("In a transaction opened by {}", self.tool),
            (Some(_), Opener::Message) => "In one message, which is a transaction".to_owned(),
            (Some(_), Opener::Nobody) => "Each in a transaction of its own".to_owned(),
        };
        if transaction.until == Until::Run { format!("{words}, with all pending migrations") } else { words }
    }

    fn tell_statement(&self, out: &mut String, group: &Group) {
        let (statement, judged) = self.statements[group.first];
        let number = self.line(group.first).to_string();
        draw::paint(out, self.style, Ink::Faint, &format!("{number:>width$}  ", width = self.digits));
        let text = self.one_line(group.first, self.style.width - self.digits - 2);
        draw::paint(out, self.style, Ink::Cyan, &text);
        out.push('\n');
        if group.length > 1 {
            let _ = writeln!(out, "{:indent$}and {} more like it", "", group.length - 1, indent = self.digits + 2);
        }

        if let StatementKind::Invalid(error) | StatementKind::Template(error) = &statement.parsed.kind {
            self.tell(out, "unknown", Ink::Plain, &error.message);
        } else if judged.operations.iter().any(|operation| operation.kind == OperationKind::Opaque) {
            self.tell(out, "unknown", Ink::Plain, "what it runs is not known before it runs");
        }
        // An index that the statement creates is said with its table.
        let told = |effect: &&Effect| effect.on.is_none() || effect.born != Born::Here;
        let effects: Vec<&Effect> = judged.effects.iter().filter(told).collect();
        for (index, effect) in effects.iter().take(TOLD).enumerate() {
            let label = if index == 0 { "takes" } else { "" };
            self.tell(out, label, Shade::of(effect).ink(), &locks::words(effect));
        }
        if effects.len() > TOLD {
            self.tell(out, "", Ink::Plain, &format!("and {}", draw::count(effects.len() - TOLD, "more lock")));
        }
        if let Some((first, last)) = judged.majors {
            self.tell(
                out,
                "",
                Ink::Plain,
                &format!("on PostgreSQL {}; less on other versions", draw::majors((first, last))),
            );
        }
        let blocked = self.blocked(judged);
        if !blocked.is_empty() {
            self.tell(out, "blocks", Ink::Plain, &blocked);
            self.tell(out, "limit", Ink::Plain, &limit(judged));
        }
        for (index, whom) in judged.waits_for.iter().enumerate() {
            let text = match whom {
                WaitsFor::Readers => "for every transaction that reads the table",
                WaitsFor::Writers => "for every transaction that writes to the table",
                WaitsFor::Snapshots => "for every transaction with an older snapshot",
            };
            self.tell(out, if index == 0 { "waits" } else { "" }, Ink::Plain, text);
        }
        for (index, breaks) in judged.breaks.iter().enumerate() {
            self.tell(out, if index == 0 { "breaks" } else { "" }, Ink::Plain, &breaks_words(breaks));
        }
        if let Some(failure) = &judged.fails {
            let ink = if fails_here(judged) { Ink::Red } else { Ink::Plain };
            self.tell(out, "fails", ink, &self.failure(failure, judged.transaction.inside));
        }
        out.push('\n');
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
            (FailsWhen::Wrapped, Some(true)) => "in this transaction",
            (FailsWhen::Wrapped, Some(false)) => "only in a transaction, so not here",
            (FailsWhen::Wrapped, None) => "if in a transaction",
            (FailsWhen::NotEmpty, _) => "when the table holds rows",
        };
        let on = if failure.majors == self.majors {
            String::new()
        } else {
            format!(" on PostgreSQL {}", draw::majors(failure.majors))
        };
        format!("{when}{on}: {} ({})", failure.message, failure.sqlstate)
    }

    /// Who waits while work grows with a table: the sum of the picture.
    fn tell_long_waits(&self, out: &mut String) {
        let mut waits: Vec<(&QName, Shade, Vec<String>)> = Vec::new();
        let mut slots: HashMap<(&QName, Shade), usize> = HashMap::new();
        for (index, (statement, judged)) in self.statements.iter().enumerate() {
            let grows = |effect: &&Effect| {
                let small = effect.work == Work::Rows && is_values(&statement.parsed.kind);
                effect.born == Born::Before && effect.on.is_none() && locks::work(effect).is_some() && !small
            };
            let Some(work) = judged.effects.iter().filter(grows).max_by_key(|effect| effect.work) else { continue };
            let mut blocked: BTreeMap<&QName, Shade> = BTreeMap::new();
            for lock in judged.held.iter().chain(&judged.effects).filter(|effect| Shade::of(effect) >= Shade::Writes) {
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
                    waits.push((relation, shade, Vec::new()));
                    waits.len() - 1
                });
                waits[slot].2.push(format!("{what} (line {})", self.line(index)));
            }
        }
        if waits.is_empty() {
            draw::paint(out, self.style, Ink::BoldGreen, "No long waits");
            out.push_str(": nothing blocks reads or writes while work grows with a table.\n");
            return;
        }
        draw::paint(out, self.style, Ink::BoldRed, "Long waits");
        out.push_str("\n\n");
        for (relation, shade, mut works) in waits {
            if works.len() > TOLD {
                let rest = works.split_off(TOLD).len();
                works.push(format!("{rest} times more"));
            }
            let who = if shade == Shade::Everybody { "reads and writes of" } else { "writes to" };
            let text = format!("{who} {relation} wait while {}", draw::list(&works));
            for (index, line) in draw::wrap(&text, self.style.width - 4).iter().enumerate() {
                out.push_str(if index == 0 { "  " } else { "    " });
                draw::paint(out, self.style, shade.ink(), line);
                out.push('\n');
            }
        }
    }
}

impl Style {
    fn pick(self, unicode: char, ascii: char) -> char {
        if self.unicode { unicode } else { ascii }
    }
}

/// The lock of an index stops its table: planning a query locks every index of it.
fn lane_of(effect: &Effect) -> &QName {
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
        && !matches!(a.parsed.kind, StatementKind::Transaction { .. } | StatementKind::Invalid(_))
}

fn fails_here(judged: &Judged) -> bool {
    let outside = judged.transaction.inside == Some(false);
    judged.fails.as_ref().is_some_and(|failure| failure.when != FailsWhen::Wrapped || !outside)
}

fn is_values(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Insert(insert) => matches!(insert.source, InsertSource::Values { .. } | InsertSource::Default),
        _ => false,
    }
}

fn draw_cell(out: &mut String, shade: Shade, work: Option<Work>, style: Style) {
    let glyph = shade.glyph(style);
    let bar = if shade == Shade::Idle { format!("{glyph} ") } else { format!("{glyph}{glyph}") };
    draw::paint(out, style, shade.ink(), &bar);
    draw::paint(out, style, Ink::Bold, &work.map_or(' ', work_letter).to_string());
    out.push(' ');
}

fn work_letter(work: Work) -> char {
    match work {
        Work::Instant => ' ',
        Work::Rows => 'r',
        Work::Scan => 's',
        Work::Build => 'b',
        Work::Rewrite => 'c',
    }
}

fn limit(judged: &Judged) -> String {
    match judged.timeouts.lock {
        Timeout::Milliseconds(milliseconds) => format!("lock_timeout {}", duration(milliseconds)),
        Timeout::External => "lock_timeout is set elsewhere".to_owned(),
        Timeout::Unset | Timeout::Off => "no lock_timeout: others queue behind it while it waits".to_owned(),
    }
}

fn duration(milliseconds: u64) -> String {
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
