//! Where a recipe works: one operation of one statement, the schema around it, and the words to write SQL with.

use std::ops::RangeInclusive;

use model::effect::{Operation, Work, blocks_reads, blocks_writes};
use model::schema::{Born, Relation, RelationKind, Schema};
use syntax::Span;
use syntax::ast::{AlterAction, AlterTable, Constraint, RelationRef, StatementKind, Subcommand};

use crate::Request;
use crate::edit::{self, Edit};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub request: &'a Request<'a>,
    pub statement: usize,
    pub operation: &'a Operation,
    /// Of the statement, without its terminator.
    pub text: &'a str,
    pub kind: &'a StatementKind,
    /// The schema before the statement.
    pub before: &'a Schema,
    /// The schema after the whole statement: it has the names that PostgreSQL generated.
    pub after: &'a Schema,
    /// A table that the section makes counts as old.
    apart: bool,
    /// The statement is written in lower case, so new keywords are too.
    lower: bool,
}

impl<'a> Site<'a> {
    /// `None` when the request names what is not there.
    pub fn new(request: &'a Request<'a>, statement: usize, operation: usize) -> Option<Self> {
        let trace = request.trace;
        let judged = trace.judged.get(statement)?;
        let parsed = request.script.statements.get(statement)?;
        let text = parsed.span.slice(request.text);
        let word = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        Some(Self {
            request,
            statement,
            operation: judged.operations.get(operation)?,
            text,
            kind: &*parsed.parsed.kind,
            before: judged.before(),
            after: trace.judged.get(statement + 1).map_or(&trace.after, |next| next.before()),
            apart: request.apart.contains(&(statement, operation)),
            lower: !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()),
        })
    }

    pub fn majors(&self) -> &'a RangeInclusive<u32> {
        &self.request.trace.majors
    }

    /// The relation of the operation before the statement, when anything is known of it.
    pub fn relation(&self) -> Option<&'a Relation> {
        self.before.relations.get(self.operation.relation.as_ref()?).map(|relation| &**relation)
    }

    /// More may be there than is known: partitions, constraints, indexes, triggers.
    pub fn is_open(&self) -> bool {
        self.relation().is_none_or(|relation| relation.open || relation.maybe)
    }

    pub fn is_partitioned(&self) -> bool {
        self.relation().is_some_and(|relation| relation.kind == RelationKind::PartitionedTable)
    }

    /// An assumption that must be stated unless the table is known.
    pub fn ordinary_table(&self) -> Option<String> {
        let name = self.operation.relation.as_ref()?;
        self.is_open().then(|| format!("{name} is not partitioned."))
    }

    /// Others wait for it longer the larger the table is. What is empty here may hold rows when it runs apart.
    pub fn blocks_long(&self) -> bool {
        self.operation.effects.iter().any(|effect| {
            effect.work != Work::Instant
                && self.is_old(effect.born)
                && (self.apart || !effect.empty)
                && (blocks_reads(effect.lock) || blocks_writes(effect.lock))
        })
    }

    /// Others use by then what came into being at that time.
    pub fn is_old(&self, born: Born) -> bool {
        self.apart || born == Born::Before
    }

    pub fn alter_table(&self) -> Option<&'a AlterTable> {
        match self.kind {
            StatementKind::AlterTable(it) => Some(it),
            _ => None,
        }
    }

    pub fn subcommand(&self) -> Option<&'a Subcommand> {
        self.alter_table()?.subcommands.get(self.operation.subcommand?)
    }

    /// The constraint that the operation adds, as a subcommand of its own or inside a new column.
    pub fn constraint(&self) -> Option<&'a Constraint> {
        match (&self.subcommand()?.action, self.operation.constraint) {
            (AlterAction::AddConstraint(it), _) => Some(it),
            (AlterAction::AddColumn { column, .. }, Some(index)) => column.constraints.get(index),
            _ => None,
        }
    }

    pub fn slice(&self, span: Span) -> &'a str {
        span.slice(self.text)
    }

    /// Keywords in the case of the statement.
    pub fn word(&self, upper: &str) -> String {
        if self.lower { upper.to_ascii_lowercase() } else { upper.to_owned() }
    }

    /// The relation of the statement as written there, without ONLY and alias.
    pub fn table(&self) -> String {
        self.relation_ref().map(|it| self.written(&it.name)).unwrap_or_default()
    }

    /// A name as written.
    pub fn written(&self, name: &syntax::ast::Name) -> String {
        edit::on_one_line(self.slice(name.span))
    }

    /// An index or sequence beside the table: qualified as the table is in the statement.
    pub fn beside(&self, name: &str) -> String {
        let quoted = syntax::quote_ident(name);
        match self.relation_ref().and_then(|it| it.name.schema.as_deref()) {
            Some(schema) => format!("{}.{quoted}", syntax::quote_ident(schema)),
            None => quoted,
        }
    }

    pub fn relation_ref(&self) -> Option<&'a RelationRef> {
        match self.kind {
            StatementKind::AlterTable(it) => Some(&it.relation),
            StatementKind::CreateIndex(it) => Some(&it.relation),
            StatementKind::Update(it) => Some(&it.target),
            StatementKind::Delete(it) => Some(&it.target),
            _ => None,
        }
    }

    /// `ALTER TABLE t <action>;` with the table, IF EXISTS and ONLY as the statement has them.
    pub fn alter(&self, action: &str) -> String {
        edit::terminated(format!("{}{action}", prefix(self.text, self.alter_table())))
    }

    /// A subcommand with edits: the whole statement when there is no other.
    pub fn alter_edited(&self, subcommand: &Subcommand, edits: &[Edit]) -> String {
        match self.alter_table() {
            Some(it) if it.subcommands.len() == 1 => {
                edit::terminated(edit::apply(self.text, Span::new(0, self.text.len()), edits))
            }
            _ => self.alter(&edit::apply(self.text, subcommand.span, edits)),
        }
    }
}

/// What stands before the first subcommand, on one line and without comments, which stay with the first step.
pub(crate) fn prefix(text: &str, it: Option<&AlterTable>) -> String {
    let first = it.and_then(|it| it.subcommands.first()).map_or(0, |first| first.span.start);
    format!("{} ", edit::on_one_line(&text[..first as usize]))
}
