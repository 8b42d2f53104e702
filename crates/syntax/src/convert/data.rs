//! Statements that read and change rows.

use super::Tight;
use super::names;
use super::query;
use super::source::Source;
use super::{create, expr};
use crate::ast::{
    Assignment, Copy, Delete, ExprAt, Ident, Insert, InsertSource, Query, StatementKind, Update, WriteKind,
};
use crate::ffi::{List, Node, Tagged};
use crate::nodes::{self as pg, Kind};

pub fn select(source: &Source<'_>, node: Node<'_>, select: &pg::SelectStmt<'_>) -> StatementKind {
    // The INTO of a set operation stands in its first arm.
    let mut first = select;
    while let Some(left) = first.larg {
        first = left;
    }
    match first.into_clause {
        Some(into) => create::select_into(source, node, into),
        None => StatementKind::Select(query::query_with_targets(source, node)),
    }
}

/// The facts of a data-modifying statement without its own target, which the walk counts as the first write.
fn facts<'a>(source: &Source<'_>, node: Node<'a>, filter: Option<Node<'a>>, kind: WriteKind, target: &str) -> Query {
    let (mut query, _) = query::collect(source, [node]);
    let own = query.writes.iter().position(|write| write.kind == kind && write.relation.name.name == target);
    own.map(|index| query.writes.remove(index));
    query.filtered |= filter.is_some();
    query
}

pub fn insert(source: &Source<'_>, node: &pg::InsertStmt<'_>) -> StatementKind {
    let Some(range) = node.relation else { return StatementKind::Other { tag: "INSERT" } };
    let target = names::relation(source, range);
    let columns = node
        .cols
        .iter()
        .filter_map(|column| match column.kind() {
            Kind::ResTarget(column) => Some(Ident {
                text: column.name.owned(),
                span: source
                    .at(column.location)
                    .map_or_else(Default::default, |index| source.tokens_span(index, index + 1)),
            }),
            _ => None,
        })
        .tight();
    let rows = match node.select_stmt.map(Node::kind) {
        None => InsertSource::Default,
        Some(Kind::SelectStmt(select)) if !select.values_lists.is_empty() => {
            InsertSource::Values { rows: select.values_lists.len() + source.rows_left_out.get() }
        }
        Some(_) => InsertSource::Query,
    };
    let mut facts = facts(source, node.node(), None, WriteKind::Insert, range.relname.get());
    if let Some(Kind::SelectStmt(select)) = node.select_stmt.map(Node::kind) {
        facts.filtered |= select.where_clause.is_some();
        facts.limited |= select.limit_count.is_some();
    }
    StatementKind::Insert(Insert {
        target,
        columns,
        source: rows,
        on_conflict: node.on_conflict_clause.is_some(),
        facts,
    })
}

pub fn update(source: &Source<'_>, node: &pg::UpdateStmt<'_>) -> StatementKind {
    let Some(range) = node.relation else { return StatementKind::Other { tag: "UPDATE" } };
    let behind = source.at(range.location).unwrap_or(0);
    let mut facts = facts(source, node.node(), node.where_clause, WriteKind::Update, range.relname.get());
    if facts.limited_within {
        // A LIMIT in SET chooses a value, not the rows that are changed.
        let ctes = node.with_clause.into_iter().flat_map(|with| with.ctes.iter());
        let rows = ctes.chain(node.from_clause.iter()).chain(node.where_clause);
        facts.limited_within = query::collect(source, rows).0.limited_within;
    }
    StatementKind::Update(Update {
        target: names::relation(source, range),
        assignments: assignments(source, node.target_list),
        has_from: !node.from_clause.is_empty(),
        filter: filter(source, node.where_clause, behind),
        facts,
    })
}

fn assignments(source: &Source<'_>, list: List<'_>) -> Vec<Assignment> {
    list.iter()
        .filter_map(|node| {
            let Kind::ResTarget(target) = node.kind() else { return None };
            let start = source.at(target.location)?;
            let multiple = matches!(target.val.map(Node::kind), Some(Kind::MultiAssignRef(_)));
            if multiple {
                return Some(Assignment {
                    column: target.name.owned(),
                    value: None,
                    span: source.tokens_span(start, start + 1),
                });
            }
            let end = source
                .scan(start, |at, token| token.kind == crate::lex::TokenKind::Comma || ends_assignments(source, at));
            let equals = source.scan(start, |at, _| source.word(at) == "=");
            Some(Assignment {
                column: target.name.owned(),
                value: Some(expr::expr_at(source, target.val, (equals + 1).min(end), end)),
                span: source.tokens_span(start, end),
            })
        })
        .tight()
}

/// FROM, WHERE and RETURNING; the FROM of IS DISTINCT FROM does not count.
fn ends_assignments(source: &Source<'_>, at: usize) -> bool {
    source.is(at, "WHERE")
        || source.is(at, "RETURNING")
        || (source.is(at, "FROM") && !source.is(at.wrapping_sub(1), "DISTINCT"))
}

/// The condition from WHERE to RETURNING or the end.
fn filter(source: &Source<'_>, condition: Option<Node<'_>>, behind: usize) -> Option<ExprAt> {
    let at = source.find(behind, "WHERE")?;
    let end = source.find(at, "RETURNING").unwrap_or(source.tokens.len());
    condition.map(|condition| expr::expr_at(source, Some(condition), at + 1, end))
}

pub fn delete(source: &Source<'_>, node: &pg::DeleteStmt<'_>) -> StatementKind {
    let Some(range) = node.relation else { return StatementKind::Other { tag: "DELETE" } };
    StatementKind::Delete(Delete {
        target: names::relation(source, range),
        has_using: !node.using_clause.is_empty(),
        filter: filter(source, node.where_clause, source.at(range.location).unwrap_or(0)),
        facts: facts(source, node.node(), node.where_clause, WriteKind::Delete, range.relname.get()),
    })
}

pub fn merge(source: &Source<'_>, node: &pg::MergeStmt<'_>) -> StatementKind {
    let Some(range) = node.relation else { return StatementKind::Other { tag: "MERGE" } };
    StatementKind::Merge {
        target: names::relation(source, range),
        facts: facts(source, node.node(), node.join_condition, WriteKind::Merge, range.relname.get()),
    }
}

pub fn copy(source: &Source<'_>, node: &pg::CopyStmt<'_>) -> StatementKind {
    for option in node.options.iter() {
        let Kind::DefElem(option) = option.kind() else { continue };
        let value = || option.arg.map(names::value_text).unwrap_or_default();
        let needed = match option.defname.get() {
            "on_error" => Some((17, "COPY ... ON_ERROR")),
            "log_verbosity" => Some((17, "COPY ... LOG_VERBOSITY")),
            "reject_limit" => Some((18, "COPY ... REJECT_LIMIT")),
            "default" => Some((16, "COPY ... DEFAULT")),
            "header" if value().eq_ignore_ascii_case("match") => Some((15, "COPY ... HEADER MATCH")),
            _ => None,
        };
        if let (Some((major, construct)), Some(index)) = (needed, source.at(option.location)) {
            source.need(major, construct, index, index + 1);
        }
    }
    StatementKind::Copy(Copy {
        relation: node.relation.map(|range| names::relation(source, range)),
        from: node.is_from,
        stdin: node.filename.opt().is_none() && !node.is_program,
        query: node.query.map(|inner| query::query_with_targets(source, inner)),
    })
}
