//! The locks over time as plain data: statements are columns, relations are lanes, and a span says from where to where a lock
//! is held and who waits for it. [`svg`] and [`html`] draw it.

mod html;
mod svg;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use model::effect::{Effect, LockMode, OperationKind, Work, lock_name};
use model::name::QName;
use model::schema::{Born, Schema};
use model::trace::{Judged, Opener, Timeout, Trace, Transaction, Until};
use rules::Section;
use syntax::ast::Statement;

use crate::explain::{self, LongWait, View};
use crate::locks::{self, Shade};
use crate::{Assumed, Explained, Planned, Sources, Style, draw};

pub use html::html;
pub use svg::{Theme, svg};

/// What is drawn together: the sections of one migration, and what its rewrite would run instead.
#[derive(Clone, Debug)]
pub struct Compared<'a> {
    pub before: Vec<Explained<'a>>,
    pub planned: Option<&'a Planned>,
    /// What is run in the place of the first section, file by file; empty when nothing is rewritten.
    pub after: Vec<Explained<'a>>,
    /// The texts of `after`, where a file may have the path of the original.
    pub after_sources: Sources,
}

/// Columns of one picture; a bulk load has very many.
const COLUMNS: usize = 200;

/// Lanes where somebody waits or work is done.
const LOUD: usize = 30;

/// Lanes of each quiet kind.
const QUIET: usize = 5;

/// Sections that run one after another.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// It shows what a plan would write.
    pub rewritten: bool,
    pub columns: Vec<Column>,
    pub files: Vec<File>,
    pub transactions: Vec<Group>,
    pub lanes: Vec<Lane>,
    /// Who waits while work grows with a table, by file.
    pub long_waits: Vec<(usize, LongWait)>,
    /// What was left out, in words.
    pub left_out: Vec<String>,
}

/// A statement, or several alike in a row.
#[derive(Debug)]
pub(crate) struct Column {
    /// Index of the first in its section.
    pub statement: usize,
    pub count: usize,
    pub line: u32,
    pub sql: String,
    /// What `explain` tells about it: labels with texts; an empty label continues the one before.
    pub facts: Vec<(&'static str, String)>,
    pub weight: Weight,
    /// Somebody cannot read or write while its work is done.
    pub hurts: bool,
    pub fails: bool,
    /// How long it waits for its own locks, when others queue behind it.
    pub bound: Option<Bound>,
    /// Whom it waits for beyond lock conflicts.
    pub waits: Vec<&'static str>,
}

/// How long a statement takes, as far as anybody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// It locks nothing.
    Nothing,
    Instant,
    /// What it does is not known before it runs.
    Unknown,
    /// With the rows of a table that others use.
    Grows,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Limit(String),
    Elsewhere,
    Endless,
}

#[derive(Debug)]
pub(crate) struct File {
    pub path: String,
    pub section: Section,
    pub columns: Range<usize>,
    /// Why it waits for a deploy of the application.
    pub after_deploy: Option<String>,
}

/// The columns of a transaction.
#[derive(Debug)]
pub(crate) struct Group {
    pub columns: Range<usize>,
    /// `None`: nothing tells.
    pub inside: Option<bool>,
    pub words: String,
}

#[derive(Debug)]
pub(crate) struct Lane {
    pub relation: String,
    /// Stands below the lane of its parent: a partition.
    pub child: bool,
    /// Made by these migrations: nobody can be blocked.
    pub new: bool,
    pub spans: Vec<Span>,
    pub marks: Vec<Mark>,
}

/// A lock, from the statement that takes it to the last one that runs under it.
#[derive(Debug)]
pub(crate) struct Span {
    pub columns: Range<usize>,
    pub lock: LockMode,
    pub shade: Shade,
    pub until: Until,
    /// Taken by an earlier migration of the same run.
    pub from_before: bool,
    pub maybe: bool,
}

/// Work that a statement does on the relation of a lane.
#[derive(Debug)]
pub(crate) struct Mark {
    pub column: usize,
    pub work: Work,
    pub words: &'static str,
}

impl Timeline {
    pub(crate) fn of(sections: &[Explained], planned: Option<&Planned>, assumed: &Assumed, sources: &Sources) -> Self {
        const STYLE: Style = Style { color: false, unicode: true, width: 80 };
        let mut it = Self {
            rewritten: planned.is_some(),
            columns: Vec::new(),
            files: Vec::new(),
            transactions: Vec::new(),
            lanes: Vec::new(),
            long_waits: Vec::new(),
            left_out: Vec::new(),
        };
        let mut lanes = Lanes::default();
        let mut hidden = 0;
        for (number, section) in sections.iter().enumerate() {
            let view = View::of(section, &assumed.tool, sources.get(section.path), STYLE);
            let begin = it.columns.len();
            let shown = shown(&view, COLUMNS - begin);
            let groups = shown.iter().map(|at| &view.groups[*at]);
            let told: usize = groups.clone().map(|group| group.length).sum();
            hidden += view.statements.len() - told;
            for group in groups {
                let at = it.columns.len();
                let (_, judged) = view.statements[group.first];
                it.columns.push(Column::of(&view, group.first, group.length));
                it.enter(at, at > begin, &view, judged.transaction);
                lanes.enter(at, number, judged, section.trace);
            }
            let deploy =
                planned.into_iter().flat_map(|planned| &planned.parts).filter(|part| part.path == section.path);
            it.files.push(File {
                path: draw::path_name(section.path),
                section: section.section,
                columns: begin..it.columns.len(),
                after_deploy: deploy.filter_map(|part| part.after_deploy.clone()).next(),
            });
            it.long_waits.extend(view.long_waits().into_iter().map(|wait| (number, wait)));
        }
        if hidden > 0 {
            it.left_out.push(draw::count(hidden, "more statement"));
        }
        it.lanes = lanes.finish(&mut it.left_out);
        it
    }

    /// Puts a column into the transaction before it, or begins another; `follows` says that it is not the first of its file.
    fn enter(&mut self, at: usize, follows: bool, view: &View, transaction: Transaction) {
        let same = follows && transaction.until != Until::Statement && {
            let before = &self.columns[at - 1];
            let before = view.statements[before.statement + before.count - 1].1.transaction;
            before.id == transaction.id && before.until != Until::Statement
        };
        match self.transactions.last_mut().filter(|_| same) {
            Some(last) => last.columns.end = at + 1,
            None => {
                let alone = transaction.opened_by == Opener::Nobody && transaction.inside.is_some();
                let words =
                    if alone { "In a transaction of its own".to_owned() } else { view.transaction(transaction) };
                let inside = if alone { Some(false) } else { transaction.inside };
                self.transactions.push(Group { columns: at..at + 1, inside, words });
            }
        }
    }
}

/// Where there is no room for all groups those that hurt come before the rest, of which the first ones do.
fn shown(view: &View, room: usize) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..view.groups.len()).collect();
    if shown.len() > room {
        shown.sort_by_key(|at| {
            let (statement, judged) = view.statements[view.groups[*at].first];
            !hurts(statement, judged)
        });
        shown.truncate(room);
        shown.sort_unstable();
    }
    shown
}

/// Others wait for it while its work grows with a table.
fn hurts(statement: &Statement, judged: &Judged) -> bool {
    let stops = |effect: &Effect| Shade::of(effect) >= Shade::Writes;
    explain::growing(statement, judged).is_some()
        && !explain::fails_here(judged)
        && (judged.effects.iter().any(stops) || judged.held().values().any(stops))
}

impl Column {
    fn of(view: &View, first: usize, count: usize) -> Self {
        let (statement, judged) = view.statements[first];
        let grows = explain::growing(statement, judged).is_some();
        let opaque = judged.operations.iter().any(|operation| operation.kind == OperationKind::Opaque);
        let worst = |effects: &mut dyn Iterator<Item = &Effect>| effects.map(Shade::of).max().unwrap_or(Shade::Idle);
        let own = worst(&mut judged.effects.iter());
        Self {
            statement: first,
            count,
            line: view.line(first),
            sql: statement.parsed.text.to_string(),
            facts: view.facts(first).into_iter().map(|(label, _, text)| (label, text)).collect(),
            weight: match (grows, opaque, judged.effects.is_empty()) {
                (true, ..) => Weight::Grows,
                (_, true, _) => Weight::Unknown,
                (.., true) => Weight::Nothing,
                _ => Weight::Instant,
            },
            hurts: hurts(statement, judged),
            fails: explain::fails_here(judged),
            bound: (own >= Shade::Writes).then(|| match judged.timeouts.lock {
                Timeout::Milliseconds(milliseconds) => Bound::Limit(explain::duration(milliseconds)),
                Timeout::External => Bound::Elsewhere,
                Timeout::Unset | Timeout::Off => Bound::Endless,
            }),
            waits: judged.waits_for.iter().map(explain::waits_words).collect(),
        }
    }
}

impl Span {
    /// `ACCESS EXCLUSIVE on orders: reads and writes wait, until commit`.
    pub(crate) fn words(&self, lane: &Lane) -> String {
        let new = if lane.new { " (new)" } else { "" };
        let who = if lane.new { "nobody uses it yet" } else { self.shade.meaning() };
        let since = if self.from_before { ", held since an earlier migration" } else { "" };
        let until = match self.until {
            Until::Statement => "while the statement runs",
            Until::Commit => "until commit",
            Until::Run => "until all pending migrations ran",
        };
        let maybe = if self.maybe { ", if it gets there" } else { "" };
        format!("{} on {}{new}: {who}{since}, {until}{maybe}", lock_name(self.lock), lane.relation)
    }
}

/// The lanes while columns come in.
#[derive(Default)]
struct Lanes {
    /// In order of appearance.
    lanes: Vec<(QName, Lane)>,
    numbers: HashMap<QName, usize>,
    parents: HashMap<QName, QName>,
    /// The section and transaction of the column before.
    last: Option<(usize, Transaction)>,
}

impl Lanes {
    fn enter(&mut self, at: usize, section: usize, judged: &Judged, trace: &Trace) {
        let schemas = [judged.before(), &trace.before, &trace.after];
        let mut cells: Vec<(usize, &Effect, bool)> = Vec::new();
        let mut known: HashMap<usize, usize> = HashMap::new();
        let held = judged.held().values().map(|effect| (effect, false));
        for (effect, own) in held.chain(judged.effects.iter().map(|effect| (effect, true))) {
            let lane = self.number(effect, &schemas);
            if own && effect.born == Born::Before {
                self.mark(lane, at, effect);
            }
            let cell = *known.entry(lane).or_insert_with(|| {
                cells.push((lane, effect, own));
                cells.len() - 1
            });
            let (_, worst, taken) = &mut cells[cell];
            if (Shade::of(effect), effect.lock) > (Shade::of(worst), worst.lock) {
                (*worst, *taken) = (effect, own);
            }
        }
        let this = judged.transaction;
        let same = self.last.is_some_and(|(before, last)| {
            let run = last.until == Until::Run && this.until == Until::Run;
            run || before == section && last.id == this.id && this.until != Until::Statement
        });
        self.last = Some((section, this));
        for (lane, effect, own) in cells {
            let spans = &mut self.lanes[lane].1.spans;
            let goes_on = |span: &&mut Span| {
                same && span.columns.end == at && span.lock == effect.lock && span.shade == Shade::of(effect)
            };
            match spans.last_mut().filter(goes_on) {
                Some(span) => span.columns.end = at + 1,
                None => spans.push(Span {
                    columns: at..at + 1,
                    lock: effect.lock,
                    shade: Shade::of(effect),
                    until: this.until,
                    from_before: !own && at == 0,
                    maybe: effect.maybe,
                }),
            }
        }
    }

    /// The lane of a lock. An index lies in the lane of its table, and so does a sequence that a column owns.
    fn number(&mut self, effect: &Effect, schemas: &[&Schema]) -> usize {
        let relation = explain::lane_of(effect);
        let number = self.numbers.get(relation).copied().unwrap_or_else(|| {
            let known = schemas.iter().find_map(|schema| schema.relations.get(relation));
            let owner = known.and_then(|it| it.owned_by.as_ref()).map_or(relation, |(table, _)| table);
            let number = *self.numbers.entry(owner.clone()).or_insert_with(|| {
                if let Some((parent, _)) = known.and_then(|it| it.partition_of.as_ref()) {
                    self.parents.insert(relation.clone(), parent.clone());
                }
                let relation = owner.to_string();
                let lane = Lane { relation, child: false, new: true, spans: Vec::new(), marks: Vec::new() };
                self.lanes.push((owner.clone(), lane));
                self.lanes.len() - 1
            });
            self.numbers.insert(relation.clone(), number);
            number
        });
        self.lanes[number].1.new &= effect.born != Born::Before;
        number
    }

    fn mark(&mut self, lane: usize, column: usize, effect: &Effect) {
        let Some(words) = locks::work(effect) else { return };
        let marks = &mut self.lanes[lane].1.marks;
        match marks.last_mut().filter(|mark| mark.column == column) {
            Some(mark) if locks::telling(mark.work) >= locks::telling(effect.work) => {}
            Some(mark) => (mark.work, mark.words) = (effect.work, words),
            None => marks.push(Mark { column, work: effect.work, words }),
        }
    }

    /// The lanes to draw: first those where somebody waits, then weak locks, then new relations; partitions below their parent.
    fn finish(self, left_out: &mut Vec<String>) -> Vec<Lane> {
        let strength = |lane: &Lane| {
            let shade = lane.spans.iter().map(|span| span.shade).max().unwrap_or(Shade::Idle);
            if shade <= Shade::Weak && !lane.marks.is_empty() { Shade::Schema } else { shade }
        };
        let family = |name: &QName| self.parents.get(name).and_then(|parent| self.numbers.get(parent)).copied();
        let kind_of = |lane: &Lane| if lane.new { 2 } else { usize::from(strength(lane) <= Shade::Weak) };
        let kinds = [(LOUD, ""), (QUIET, " with weak locks"), (QUIET, " that nobody uses yet")];
        let mut order: Vec<(usize, bool)> = Vec::new();
        for (number, (room, words)) in kinds.into_iter().enumerate() {
            let mut kind: Vec<usize> =
                (0..self.lanes.len()).filter(|at| kind_of(&self.lanes[*at].1) == number).collect();
            kind.sort_by_key(|at| Reverse(strength(&self.lanes[*at].1)));
            let rest = kind.split_off(kind.len().min(room)).len();
            if rest > 0 {
                left_out.push(format!("{}{words}", draw::count(rest, "more relation")));
            }
            let shown: HashSet<usize> = kind.iter().copied().collect();
            let parent = |at: usize| family(&self.lanes[at].0).filter(|parent| shown.contains(parent));
            kind.sort_by_key(|at| (parent(*at).unwrap_or(*at), parent(*at).is_some(), *at));
            order.extend(kind.iter().map(|at| (*at, parent(*at).is_some())));
        }
        let mut lanes: Vec<Option<Lane>> = self.lanes.into_iter().map(|(_, lane)| Some(lane)).collect();
        let take = |(at, child): (usize, bool)| Some(Lane { child, ..lanes[at].take()? });
        order.into_iter().filter_map(take).collect()
    }
}
