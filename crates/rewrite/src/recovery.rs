//! What a user does when a step stops half-way, or fails over rows that were written since the steps before it ran.

use model::effect::Work;
use model::expr::columns;
use model::plan::{Mode, Recovery};
use model::schema::ConstraintKind;
use model::trace::Judged;
use syntax::ast::{AlterAction, AlterTable, Expr, Statement, StatementKind};

use crate::Request;
use crate::expand::Item;

/// Of the step made of one item, as it was executed.
pub(crate) fn of(
    request: &Request,
    items: &[Item],
    index: usize,
    statement: &Statement,
    judged: &Judged,
) -> Option<Recovery> {
    let item = &items[index];
    if let Some(sql) = &item.draft.recovery {
        return Some(Recovery::First(sql.clone()));
    }
    match &*statement.parsed.kind {
        StatementKind::AlterTable(it) => validated(request, &items[..=index], it, judged),
        // The author's own blocks may do things twice.
        StatementKind::Do(it) if !item.verbatim && !it.body.commits.is_empty() => {
            Some(Recovery::Again("the batches done by then stay done"))
        }
        StatementKind::CreateIndex(it) if it.concurrently => {
            let name = syntax::quote_ident(&it.name.as_ref()?.text);
            let schema = it.relation.name.schema.as_ref().map(|schema| format!("{}.", syntax::quote_ident(schema)));
            Some(Recovery::First(format!("DROP INDEX CONCURRENTLY IF EXISTS {}{name};", schema.unwrap_or_default())))
        }
        StatementKind::Drop(it) if it.concurrently => Some(Recovery::Again(match it.if_exists {
            true => "the index may be left invalid",
            false => "the index may be left invalid (once it does not exist any more, this is done)",
        })),
        StatementKind::Reindex(it) if it.concurrently => {
            Some(Recovery::Again("invalid indexes may be left whose names end in _ccnew, which nothing needs"))
        }
        _ => None,
    }
}

/// VALIDATE CONSTRAINT, the last of the items: NOT VALID keeps new rows out only from when it is there.
fn validated(request: &Request, items: &[Item], it: &AlterTable, judged: &Judged) -> Option<Recovery> {
    let [subcommand] = it.subcommands.as_slice() else { return None };
    let AlterAction::ValidateConstraint { name } = &subcommand.action else { return None };
    let table = judged.operations.first()?.relation.as_ref()?;
    let constraint = judged.before().relations.get(table).and_then(|relation| relation.constraint(&name.text));
    let columns: Vec<&str> = match constraint.map(|it| &it.kind) {
        Some(ConstraintKind::Check { expr, .. }) => columns(expr),
        Some(ConstraintKind::NotNull { column }) => vec![column],
        Some(ConstraintKind::ForeignKey { columns, .. }) => columns.iter().map(|column| &**column).collect(),
        _ => Vec::new(),
    };
    let not_null = match constraint.map(|it| &it.kind) {
        Some(ConstraintKind::Check { expr, .. }) => matches!(expr, Expr::IsNull { negated: true, .. }),
        Some(ConstraintKind::NotNull { .. }) => true,
        _ => false,
    };
    let rows = match columns.as_slice() {
        [column] if not_null => format!("rows without {}", syntax::quote_ident(column)),
        _ => format!("rows that violate {}", syntax::quote_ident(&name.text)),
    };
    let (last, before) = items.split_last()?;
    let filler = before.iter().rev().find(|item| {
        let Some(statement) = request.script.statements.get(item.statement) else { return false };
        let changes = |judged: &Judged| judged.effects.iter().any(|it| it.relation == *table && it.work == Work::Rows);
        match &*statement.parsed.kind {
            StatementKind::Update(it) => {
                let assigned = |column: &&str| it.assignments.iter().any(|it| it.column == **column);
                columns.iter().any(assigned) && changes(&request.trace.judged[item.statement])
            }
            StatementKind::Delete(_) => changes(&request.trace.judged[item.statement]),
            // A new column that is filled in batches.
            StatementKind::AlterTable(_) => item.draft.mode == Mode::NonTx && item.statement == last.statement,
            _ => false,
        }
    });
    Some(Recovery::Rows { rows, changed_by: filler.map(|item| item.statement), repeat: not_null })
}
