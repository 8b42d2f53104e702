//! Taking subcommands out of an ALTER TABLE.
//!
//! PostgreSQL does not run the subcommands of one ALTER TABLE in their order but in passes (AT_PASS_*, tablecmds.c): drops
//! first, then type changes, new columns, checks, NOT NULL, indexes, foreign keys and defaults, the rest. What is taken out
//! runs after what stays, so a subcommand of a later pass may stay only when it has nothing to do with what is taken out.

use model::expr::columns;
use syntax::Span;
use syntax::ast::{AlterAction, AlterTable, ConstraintKind};
use syntax::lex::{self, Token, TokenKind};

use crate::edit::{self, Edit};

/// The subcommands in the order in which they must run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// These stay together in the statement.
    pub kept: Vec<usize>,
    /// These follow one by one: those taken out, and those that must come after them.
    pub rest: Vec<usize>,
}

pub(crate) fn order(it: &AlterTable, cut: &[usize]) -> Order {
    let mut indices: Vec<usize> = (0..it.subcommands.len()).collect();
    indices.sort_by_key(|index| (pass(&it.subcommands[*index].action), *index));
    let mut order = Order { kept: Vec::new(), rest: Vec::new() };
    for index in indices {
        let touched = Touched::by(&it.subcommands[index].action);
        let late = order.rest.iter().any(|other| touched.meets(&Touched::by(&it.subcommands[*other].action)));
        if cut.contains(&index) || late {
            order.rest.push(index);
        } else {
            order.kept.push(index);
        }
    }
    order.kept.sort_unstable();
    order
}

/// ATPrepCmd and ATParseTransformCmd, tablecmds.c.
fn pass(action: &AlterAction) -> u8 {
    match action {
        AlterAction::DropColumn { .. }
        | AlterAction::DropConstraint { .. }
        | AlterAction::DropDefault { .. }
        | AlterAction::DropNotNull { .. }
        | AlterAction::DropIdentity { .. }
        | AlterAction::DropExpression { .. } => 0,
        AlterAction::AlterType { .. } => 1,
        AlterAction::SetExpression { .. } => 2,
        AlterAction::AddColumn { .. } => 3,
        AlterAction::AddConstraint(it) => match &it.kind {
            ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) if key.using_index.is_some() => 6,
            ConstraintKind::Unique(_) | ConstraintKind::PrimaryKey(_) | ConstraintKind::Exclude(_) => 7,
            ConstraintKind::ForeignKey(_) => 8,
            _ => 4,
        },
        AlterAction::SetNotNull { .. } => 5,
        AlterAction::SetDefault { .. } | AlterAction::AddIdentity { .. } => 8,
        _ => 9,
    }
}

/// What a subcommand has to do with.
#[derive(Debug, Default)]
struct Touched<'a> {
    columns: Vec<&'a str>,
    /// Constraints and indexes.
    names: Vec<&'a str>,
    everything: bool,
}

impl<'a> Touched<'a> {
    fn by(action: &'a AlterAction) -> Self {
        let mut touched = Self::default();
        match action {
            AlterAction::AddColumn { column, .. } => {
                touched.columns.push(&column.name.text);
                column.constraints.iter().for_each(|it| touched.constraint(it));
            }
            AlterAction::DropColumn { column, .. }
            | AlterAction::SetDefault { column, .. }
            | AlterAction::DropDefault { column }
            | AlterAction::SetNotNull { column }
            | AlterAction::DropNotNull { column }
            | AlterAction::AlterType { column, .. }
            | AlterAction::SetExpression { column, .. }
            | AlterAction::DropExpression { column, .. }
            | AlterAction::AddIdentity { column, .. }
            | AlterAction::SetIdentity { column, .. }
            | AlterAction::DropIdentity { column, .. }
            | AlterAction::SetColumnOptions { column, .. }
            | AlterAction::ResetColumnOptions { column, .. }
            | AlterAction::SetStorage { column, .. }
            | AlterAction::SetCompression { column, .. }
            | AlterAction::SetStatistics { column: Some(column) } => touched.columns.push(&column.text),
            AlterAction::AddConstraint(it) => touched.constraint(it),
            AlterAction::AlterConstraint { name, .. }
            | AlterAction::ValidateConstraint { name }
            | AlterAction::DropConstraint { name, .. }
            | AlterAction::ClusterOn { index: name }
            | AlterAction::ReplicaIdentity { index: Some(name), .. } => touched.names.push(&name.text),
            AlterAction::Owner { .. }
            | AlterAction::SetStatistics { column: None }
            | AlterAction::SetWithoutCluster
            | AlterAction::SetLogged
            | AlterAction::SetUnlogged
            | AlterAction::SetAccessMethod { .. }
            | AlterAction::SetTablespace { .. }
            | AlterAction::SetOptions { .. }
            | AlterAction::ResetOptions { .. }
            | AlterAction::ReplicaIdentity { index: None, .. }
            | AlterAction::RowSecurity { .. }
            | AlterAction::ForceRowSecurity { .. }
            | AlterAction::EnableTrigger { .. }
            | AlterAction::DisableTrigger { .. }
            | AlterAction::EnableRule { .. }
            | AlterAction::DisableRule { .. }
            | AlterAction::SetWithoutOids => {}
            _ => touched.everything = true,
        }
        touched
    }

    fn constraint(&mut self, it: &'a syntax::ast::Constraint) {
        self.names.extend(it.name.as_ref().map(|name| name.text.as_str()));
        match &it.kind {
            ConstraintKind::Check(expr) | ConstraintKind::Default(expr) => self.columns.extend(columns(&expr.expr)),
            ConstraintKind::Generated { expression, .. } => self.columns.extend(columns(&expression.expr)),
            ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) => {
                self.columns.extend(key.columns.iter().chain(&key.including).map(|it| it.text.as_str()));
                self.names.extend(key.using_index.as_ref().map(|it| it.text.as_str()));
            }
            ConstraintKind::ForeignKey(key) => {
                self.columns.extend(key.columns.iter().map(|it| it.text.as_str()));
                // The table may refer to itself.
                self.columns.extend(key.referenced_columns.iter().map(|it| it.text.as_str()));
            }
            ConstraintKind::NotNull { column } => self.columns.extend(column.as_ref().map(|it| it.text.as_str())),
            ConstraintKind::Exclude(_) => self.everything = true,
            ConstraintKind::Null | ConstraintKind::Identity { .. } => {}
        }
    }

    fn meets(&self, other: &Self) -> bool {
        let common = |a: &[&str], b: &[&str]| a.iter().any(|it| b.contains(it) || *it == "*");
        self.everything
            || other.everything
            || common(&self.columns, &other.columns)
            || common(&other.columns, &self.columns)
            || common(&self.names, &other.names)
    }
}

/// Where a subcommand stands with the comments that belong to it: above it, and behind it on the same line.
#[derive(Clone, Copy, Debug)]
struct Extent {
    lead: u32,
    trail: u32,
    /// The comma behind it.
    comma: Option<Span>,
}

fn extents(text: &str, it: &AlterTable) -> Vec<Extent> {
    let tokens = lex::tokens(text);
    let subcommands = &it.subcommands;
    let mut found: Vec<Extent> = Vec::with_capacity(subcommands.len());
    for (index, subcommand) in subcommands.iter().enumerate() {
        let from = match index {
            0 => it.relation.name.span.end,
            _ => subcommands[index - 1].span.end,
        };
        let between: Vec<&Token> =
            tokens.iter().filter(|token| from <= token.span.start && token.span.end <= subcommand.span.start).collect();
        let comma = between.iter().position(|token| token.kind == TokenKind::Comma);
        let mut lead = subcommand.span.start;
        for (position, token) in between.iter().enumerate().filter(|(_, token)| token.is_comment()) {
            let before = comma.is_some_and(|comma| position < comma);
            let line = comma.map_or(from, |comma| between[comma].span.end);
            let same_line = || !text[line as usize..token.span.start as usize].contains('\n');
            if index > 0 && (before || same_line()) {
                found[index - 1].trail = token.span.end;
            } else {
                lead = lead.min(token.span.start);
            }
        }
        if index > 0 {
            found[index - 1].comma = comma.map(|comma| between[comma].span);
        }
        found.push(Extent { lead, trail: subcommand.span.end, comma: None });
    }
    found
}

/// The statement with only the kept subcommands, every other byte as it was. Without any of them there is no statement.
pub(crate) fn kept_text(text: &str, it: &AlterTable, kept: &[usize], edits: &[Edit]) -> Option<String> {
    let last = *kept.last()?;
    let extents = extents(text, it);
    let mut edits = edits.to_vec();
    for index in (0..last).filter(|index| !kept.contains(index)) {
        edits.push(Edit::cut(Span { start: extents[index].lead, end: extents[index + 1].lead }));
    }
    if last + 1 < it.subcommands.len() {
        let end = it.subcommands.last().map_or(0, |it| it.span.end);
        let behind = extents[last].comma.map_or(extents[last].trail, |comma| {
            edits.push(Edit::cut(comma));
            extents[last].trail.max(comma.end)
        });
        edits.push(Edit::cut(Span { start: behind, end }));
    }
    Some(edit::apply(text, Span::new(0, text.len()), &edits))
}

/// The comments that belong to one subcommand, for the step that takes its place.
pub(crate) fn comments_of(text: &str, it: &AlterTable, index: usize) -> Vec<String> {
    let extent = extents(text, it)[index];
    let subcommand = it.subcommands[index].span;
    let mut comments = comments_within(text, Span { start: extent.lead, end: subcommand.start });
    comments.extend(comments_within(text, Span { start: subcommand.end, end: extent.trail.max(subcommand.end) }));
    comments
}

pub(crate) fn comments_within(text: &str, span: Span) -> Vec<String> {
    let part = span.slice(text);
    let tokens = lex::tokens(part);
    tokens.iter().filter(|token| token.is_comment()).map(|token| token.span.slice(part).to_owned()).collect()
}
