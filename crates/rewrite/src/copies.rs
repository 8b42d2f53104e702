//! Rows that are made of other rows while the original lets nobody else in: the source is dropped then, a trigger follows that
//! does the same for new rows, or a column is made under a name that others know. Parts that commit between would miss what
//! others write, or write over it.

use model::effect::blocks_writes;
use model::name::QName;
use model::schema::Born;
use syntax::ast::{AlterAction, InsertSource, Name, ObjectKind, Query, Statement, StatementKind};

use crate::expand::Item;
use crate::facts::Facts;
use crate::losses::Loss;
use crate::{Request, fills};

/// Steps that share a part, and what would happen otherwise.
pub(crate) fn pairs(request: &Request, items: &[Item], facts: &[Facts]) -> Vec<((usize, usize), String)> {
    let statements = &request.script.statements;
    let may_end = |it: &usize| {
        matches!(
            &*statements[*it].parsed.kind,
            StatementKind::Drop(_) | StatementKind::AlterTable(_) | StatementKind::CreateTrigger(_)
        )
    };
    let may_end: Vec<usize> = (0..statements.len()).filter(may_end).collect();
    let is_column = |loss: &Loss| matches!(loss, Loss::Column { .. });
    let renaming: Vec<usize> = (0..items.len()).filter(|it| facts[*it].takes.iter().any(is_column)).collect();
    let mut found = Vec::new();
    for (copy, statement) in statements.iter().enumerate() {
        let Some((target, query)) = made(&statement.parsed.kind) else { continue };
        let touched: Vec<&str> =
            query.reads.iter().map(|it| it.relation.name.name.as_str()).chain([target.name.as_str()]).collect();
        let together =
            |it: &usize| request.trace.judged[*it].transaction.may_share(&request.trace.judged[copy].transaction);
        let later = may_end.iter().copied().filter(|it| *it > copy).filter(together);
        for (end, why) in later.filter_map(|it| Some((it, ends(request, statement, target, &touched, it)?))) {
            let first = locks(request, copy, &touched).unwrap_or(copy);
            let first = items.iter().position(|item| item.statement == first);
            // Of a statement in pieces the one that drops.
            let pieces = || (0..items.len()).rev().filter(|it| items[*it].statement == end);
            let last = pieces().find(|it| facts[*it].destroys).or_else(|| pieces().next());
            found.extend(first.zip(last).map(|pair| (pair, why)));
        }
        let assigned = |loss: &Loss| match (loss, &*statement.parsed.kind) {
            (Loss::Column { table, column }, StatementKind::Update(it)) => {
                *table == target.name && it.assignments.iter().any(|it| it.column == *column)
            }
            _ => false,
        };
        let before = |it: &&usize| items[**it].statement < copy && together(&items[**it].statement);
        let renamed = renaming.iter().filter(before).find(|it| facts[**it].takes.iter().any(assigned)).copied();
        let last = items.iter().rposition(|item| item.statement == copy);
        let why = format!("what others write meanwhile into the new column of {} would be written over", target.name);
        found.extend(renamed.zip(last).map(|pair| (pair, why)));
    }
    found
}

/// Where rows are made, and the query that makes them.
fn made(kind: &StatementKind) -> Option<(&Name, &Query)> {
    match kind {
        StatementKind::Update(it) => Some((&it.target.name, &it.facts)),
        StatementKind::Insert(it) if matches!(it.source, InsertSource::Query) => Some((&it.target.name, &it.facts)),
        _ => None,
    }
}

/// Why others must not write between the copy and this later statement.
fn ends(request: &Request, copy: &Statement, target: &Name, touched: &[&str], later: usize) -> Option<String> {
    // Nobody writes yet into what the file makes.
    let schema = &request.trace.judged[later].before;
    let old = |name: &Name| {
        let table = schema.resolve(name, &request.session.search_path);
        schema.relations.get(&table).is_none_or(|it| it.born == Born::Before)
    };
    match &*request.script.statements[later].parsed.kind {
        StatementKind::Drop(it) if it.object == ObjectKind::Table => {
            let dropped =
                it.names.iter().map(|it| &it.name).find(|it| touched.contains(&it.name.as_str()) && old(it))?;
            Some(format!("what others write into {} after it was copied would be lost", dropped.name))
        }
        StatementKind::AlterTable(it)
            if touched.contains(&it.relation.name.name.as_str()) && old(&it.relation.name) =>
        {
            let sql = copy.span.slice(request.text);
            let dropped = it.subcommands.iter().find_map(|it| match &it.action {
                AlterAction::DropColumn { column, .. } if fills::mentions(sql, &column.text) => Some(&column.text),
                _ => None,
            })?;
            let table = &it.relation.name.name;
            Some(format!("what others write into {table}.{dropped} after it was copied would be lost"))
        }
        StatementKind::CreateTrigger(it)
            if it.row && (it.insert || it.update) && it.relation.name == target.name && old(&it.relation) =>
        {
            Some(format!(
                "the trigger {} would miss the rows that others write into {} before it",
                it.name.text, target.name
            ))
        }
        _ => None,
    }
}

/// The first statement of the transaction that keeps others from writing into one of the tables, and does so up to the copy.
fn locks(request: &Request, copy: usize, touched: &[&str]) -> Option<usize> {
    let judged = &request.trace.judged;
    let id = judged[copy].transaction.id;
    let strong = |table: &QName, lock| touched.contains(&&*table.name) && blocks_writes(lock);
    if !judged[copy].held.iter().any(|(table, effect)| strong(table, effect.lock)) {
        return None;
    }
    (0..copy).find(|it| {
        judged[*it].transaction.id == id && judged[*it].effects.iter().any(|it| strong(&it.relation, it.lock))
    })
}
