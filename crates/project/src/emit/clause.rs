//! The statements of a Down section, and what each of them deals with.

use std::collections::BTreeSet;

use model::plan::{Mode, Setting};
use syntax::Span;
use syntax::ast::{AlterAction, ObjectKind, StatementKind};
use syntax::lex;

use crate::emit::body::Line;
use crate::emit::original::unmarked;
use crate::emit::things::{Act, Thing, action_things, object, things};
use crate::migration::UnitText;

/// In order, without what only holds them together or is set for them.
pub(super) fn statements(unit: &UnitText) -> Result<Vec<Statement>, String> {
    let text = &*unit.text;
    let script = syntax::parse(text, &unit.options);
    let mut found = Vec::new();
    let mut settings: Vec<Setting> = Vec::new();
    let mut from = unit.span.start as usize;
    let count = script.statements.len();
    // Comments at statements of which nothing else stays.
    let mut carried = String::new();
    for (index, statement) in script.statements.iter().enumerate() {
        let kind = &*statement.parsed.kind;
        let (start, end) = (statement.span.start as usize, statement.end as usize);
        let gap = unmarked(text, from, start, &unit.marks);
        // A comment behind the terminator belongs to the statement.
        let rest = text[end..unit.span.end as usize].split(['\n', '\r']).next().unwrap_or_default();
        let below = if rest.trim_start().starts_with("--") { rest } else { "" };
        from = end + below.len();
        let terminator = if text[start..end].ends_with(';') { "" } else { ";" };
        let sql = format!("{}{terminator}{below}", text[start..end].trim_end());
        match kind {
            StatementKind::Transaction { .. } if index == 0 || index + 1 == count => {
                carried.push_str(&format!("{}{}", comments(&gap), comments(&sql)));
                continue;
            }
            StatementKind::Transaction { .. } => return Err("it has transactions of its own".to_owned()),
            StatementKind::Invalid(_) | StatementKind::Template(_) => {
                return Err("it holds a statement that cannot be read".to_owned());
            }
            StatementKind::Set(set) => {
                carried.push_str(&format!("{}{}", comments(&gap), comments(&sql)));
                settings.retain(|known| known.name != set.name && set.name != "all");
                if set.values.is_some() {
                    let sql = format!("{}{terminator}", text[start..end].trim_end());
                    settings.push(Setting { name: set.name.clone(), sql, local: set.local });
                }
                continue;
            }
            _ => {}
        }
        let spaced = gap[..gap.len() - gap.trim_start().len()].matches('\n').count() > 1;
        let above = &format!("{}{}", std::mem::take(&mut carried), gap.trim_start());
        let clause = |above: &str, sql: String, things, spaced| Clause {
            above: above.to_owned(),
            sql,
            settings: settings.clone(),
            things,
            idle: matches!(kind, StatementKind::Select(query) if query.functions.is_empty() && query.reads.is_empty()),
            data: is_data(kind),
            index: matches!(kind, StatementKind::CreateIndex(_)),
            mode: if refuses_transaction(kind) { Mode::NonTx } else { Mode::Tx },
            spaced,
            long: !is_instant(kind),
        };
        let whole = clause(above, sql, things(kind), spaced);
        let pieces = match cut(&statement.parsed.text, kind) {
            Some(pieces) => {
                let pieces = pieces.into_iter().enumerate();
                let above = |at| if at == 0 { above } else { "" };
                let clause = |(at, Piece { said, sql, things })| {
                    clause(&format!("{}{said}", above(at)), sql, things, spaced && at == 0)
                };
                let mut pieces: Vec<Clause> = pieces.map(clause).collect();
                // Comments before and behind the terminator.
                let behind = comments(&format!("{}{below}", &text[statement.span.end as usize..end]));
                if let (Some(last), false) = (pieces.last_mut(), behind.is_empty()) {
                    last.sql.push_str(&format!(" {}", behind.trim_end()));
                }
                pieces
            }
            None => vec![whole.clone()],
        };
        found.push(Statement { whole, pieces });
    }
    // What is said at the end stays behind the last statement.
    let end = format!("{carried}{}", unmarked(text, from, unit.span.end as usize, &unit.marks));
    if let (Some(last), end) = (found.last_mut(), end.trim())
        && !end.is_empty()
    {
        last.whole.sql.push_str(&format!("\n{end}"));
        if let Some(piece) = last.pieces.last_mut() {
            piece.sql.push_str(&format!("\n{end}"));
        }
    }
    Ok(found)
}

/// A statement of the original Down section.
pub(super) struct Statement {
    pub whole: Clause,
    /// Itself, or one for each thing that it deals with.
    pub pieces: Vec<Clause>,
}

#[derive(Clone)]
pub(super) struct Clause {
    /// The comments above it.
    pub above: String,
    pub sql: String,
    /// What the section sets above it, timeouts among them.
    pub settings: Vec<Setting>,
    /// `None`: nobody knows what it touches.
    pub things: Option<Vec<Thing>>,
    /// Harmless wherever it stands.
    pub idle: bool,
    pub data: bool,
    /// It only makes an index.
    pub index: bool,
    pub mode: Mode,
    pub spaced: bool,
    pub long: bool,
}

impl Clause {
    pub fn line(&self) -> Line {
        Line {
            sql: format!("{}{}", self.above, self.sql),
            mode: self.mode,
            verbatim: true,
            spaced: self.spaced,
            blocks: self.mode != Mode::NonTx && !self.data && !self.idle,
            long: self.long,
        }
    }

    /// All comments, each on lines of its own.
    pub fn said(&self) -> String {
        format!("{}{}", self.above, comments(&self.sql))
    }

    pub fn relations(&self) -> BTreeSet<&str> {
        self.things.iter().flatten().filter_map(Thing::relation).collect()
    }

    /// An index made after it can as well be made before it: it uses no type that is gone, and needs no constraint.
    pub fn is_nothing_to_an_index(&self) -> bool {
        let nothing =
            |thing: &Thing| matches!((thing.act, thing.kind), (Act::Removes, "type") | (Act::Makes, "constraint"));
        self.things.as_ref().is_some_and(|things| things.iter().all(nothing))
    }

    /// The order of the two may matter: not when each is about relations alone, and about different ones, nor when both only
    /// make indexes.
    pub fn may_depend_on(&self, other: &Self) -> bool {
        let known = |clause: &Self| {
            clause.things.as_ref().is_some_and(|things| things.iter().all(|thing| thing.relation().is_some()))
        };
        let apart = known(self) && known(other) && self.relations().is_disjoint(&other.relations());
        !(self.idle || other.idle || apart || (self.index && other.index))
    }
}

/// What one statement does to one thing.
struct Piece {
    /// Comments that belong to it, each on lines of its own.
    said: String,
    sql: String,
    things: Option<Vec<Thing>>,
}

/// A statement that removes several things, as one statement for each.
fn cut(text: &str, kind: &StatementKind) -> Option<Vec<Piece>> {
    let (spans, things): (Vec<Span>, Vec<Option<Vec<Thing>>>) = match kind {
        StatementKind::AlterTable(it) if it.subcommands.len() > 1 => {
            let things = |action| Some(action_things(&it.relation.name.name, action));
            it.subcommands.iter().map(|subcommand| (subcommand.span, things(&subcommand.action))).unzip()
        }
        // Routines carry arguments behind their names.
        StatementKind::Drop(it)
            if it.names.len() > 1
                && it.names.iter().all(|name| name.relation.is_none())
                && !matches!(
                    it.object,
                    ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine | ObjectKind::Aggregate
                ) =>
        {
            let thing = |name: &str| object(Act::Removes, it.object, None, name).map(|thing| vec![thing]);
            it.names.iter().map(|name| (name.name.span, thing(&name.name.name))).unzip()
        }
        _ => return None,
    };
    // Each has the words at the beginning and at the end, and the comments above it.
    let head = &text[..spans.first()?.start as usize];
    let word = lex::tokens(head).into_iter().rfind(|token| !token.is_comment())?.span.end as usize;
    let said = comments(&head[word..]);
    let head = if said.is_empty() { head.to_owned() } else { format!("{} ", &head[..word]) };
    let tail = &text[spans.last()?.end as usize..];
    let mut saids = vec![said];
    for pair in spans.windows(2) {
        // What stands on the line of the one before is about that.
        let between = &text[pair[0].end as usize..pair[1].start as usize];
        let line =
            lex::tokens(between).into_iter().filter(|token| !between[..token.span.start as usize].contains('\n'));
        let end = line.map(|token| token.span.end as usize).max().unwrap_or_default();
        saids.iter_mut().last()?.push_str(&comments(&between[..end]));
        saids.push(comments(&between[end..]));
    }
    let pieces = spans.iter().zip(things).zip(saids);
    let sql = |span: &Span| format!("{head}{}{tail};", span.slice(text));
    Some(pieces.map(|((span, things), said)| Piece { said, sql: sql(span), things }).collect())
}

/// The comments of a text, each on lines of its own.
fn comments(text: &str) -> String {
    let comments = lex::tokens(text).into_iter().filter(|token| token.is_comment());
    comments.map(|token| format!("{}\n", token.span.slice(text))).collect()
}

pub(super) fn is_data(kind: &StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::Insert(_)
            | StatementKind::Update(_)
            | StatementKind::Delete(_)
            | StatementKind::Merge { .. }
            | StatementKind::Copy(_)
            | StatementKind::Truncate { .. }
    )
}

/// Statements that PostgreSQL refuses in a transaction block, as far as Down sections hold them.
fn refuses_transaction(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::CreateIndex(it) => it.concurrently,
        StatementKind::Drop(it) => it.concurrently,
        StatementKind::Reindex(it) => it.concurrently,
        StatementKind::AlterTable(it) => it
            .subcommands
            .iter()
            .any(|subcommand| matches!(subcommand.action, AlterAction::DetachPartition { concurrently: true, .. })),
        StatementKind::Vacuum(_)
        | StatementKind::AlterSystem
        | StatementKind::CreateDatabase
        | StatementKind::DropDatabase { .. } => true,
        _ => false,
    }
}

/// Removing things takes no time; the rest may.
fn is_instant(kind: &StatementKind) -> bool {
    matches!(kind, StatementKind::Drop(_))
}
