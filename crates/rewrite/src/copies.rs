//! Rows that are made of other rows while the original lets nobody else in: the source is dropped or renamed then, a trigger
//! before or after does the same for new rows, or a column is made under a name that others know. Parts that commit between
//! would miss what others write, write it twice, or write over it.

use model::effect::blocks_writes;
use model::name::QName;
use model::schema::Born;
use syntax::ast::{AlterAction, Body, CreateTrigger, InsertSource, Name, ObjectKind, StatementKind};

use crate::expand::Item;
use crate::facts::Facts;
use crate::losses::Loss;
use crate::{Request, fills, footprint};

/// Rows made of others.
struct Copy<'a> {
    statement: usize,
    sql: &'a str,
    /// Where they are made, when that is one place.
    target: Option<&'a Name>,
    /// The relations that it reads or writes; `None`: any that its text names.
    touched: Option<Vec<&'a str>>,
}

impl Copy<'_> {
    fn touches(&self, table: &str) -> bool {
        self.touched.as_ref().map_or_else(|| fills::mentions(self.sql, table), |touched| touched.contains(&table))
    }
}

/// Steps that share a part, and what would happen otherwise.
pub(crate) fn pairs(request: &Request, items: &[Item], facts: &[Facts]) -> Vec<((usize, usize), String)> {
    let statements = &request.script.statements;
    let may_end = |it: &usize| {
        matches!(
            &*statements[*it].parsed.kind,
            StatementKind::Drop(_)
                | StatementKind::AlterTable(_)
                | StatementKind::CreateTrigger(_)
                | StatementKind::Rename(_)
        )
    };
    let may_end: Vec<usize> = (0..statements.len()).filter(may_end).collect();
    let is_column = |loss: &Loss| matches!(loss, Loss::Column { .. });
    let renaming: Vec<usize> = (0..items.len()).filter(|it| facts[*it].takes.iter().any(is_column)).collect();
    let mut found = Vec::new();
    for statement in 0..statements.len() {
        let Some(copy) = copy(request, statement) else { continue };
        let together =
            |it: &usize| request.trace.judged[*it].transaction.may_share(&request.trace.judged[statement].transaction);
        let (earlier, later) = may_end.split_at(may_end.partition_point(|it| *it < statement));
        let later = later.iter().copied().filter(|it| *it > statement).filter(together);
        for (end, why) in later.filter_map(|it| Some((it, ends(request, &copy, it)?))) {
            let first = locks(request, &copy).unwrap_or(statement);
            let first = items.iter().position(|item| item.statement == first);
            // Of a statement in pieces the one that drops.
            let pieces = || (0..items.len()).rev().filter(|it| items[*it].statement == end);
            let last = pieces().find(|it| facts[*it].destroys).or_else(|| pieces().next());
            found.extend(first.zip(last).map(|pair| (pair, why)));
        }
        let last = items.iter().rposition(|item| item.statement == statement);
        let earlier = earlier.iter().copied().filter(together);
        for (begin, why) in earlier.filter_map(|it| Some((it, doubles(request, &copy, it)?))) {
            let first = items.iter().position(|item| item.statement == begin);
            found.extend(first.zip(last).map(|pair| (pair, why)));
        }
        let Some(target) = copy.target else { continue };
        let taken = |loss: &Loss| matches!(loss, Loss::Column { table, column } if *table == target.name && assigns(request, statement, column));
        let before = |it: &&usize| items[**it].statement < statement && together(&items[**it].statement);
        let renamed = renaming.iter().filter(before).find(|it| facts[**it].takes.iter().any(taken)).copied();
        let why = format!("what others write meanwhile into the new column of {} would be written over", target.name);
        found.extend(renamed.zip(last).map(|pair| (pair, why)));
    }
    found
}

fn copy<'a>(request: &Request<'a>, statement: usize) -> Option<Copy<'a>> {
    let it = &request.script.statements[statement];
    let sql = it.span.slice(request.text);
    let (target, query) = match &*it.parsed.kind {
        StatementKind::Update(it) => (&it.target.name, &it.facts),
        StatementKind::Insert(it) if matches!(it.source, InsertSource::Query) => (&it.target.name, &it.facts),
        StatementKind::Merge { target, facts } => (&target.name, facts),
        StatementKind::CreateTableAs(it) => (&it.name, &it.query),
        StatementKind::Do(it) if moves_rows(&it.body) => {
            return Some(Copy { statement, sql, target: None, touched: None });
        }
        _ => return None,
    };
    let reads = query.reads.iter().map(|it| it.relation.name.name.as_str());
    let touched = Some(reads.chain([target.name.as_str()]).collect());
    Some(Copy { statement, sql, target: Some(target), touched })
}

/// It makes rows, or may: not all of it is understood.
fn moves_rows(body: &Body) -> bool {
    let moves = |kind: &StatementKind| {
        matches!(kind, StatementKind::Insert(_) | StatementKind::Update(_) | StatementKind::Merge { .. })
    };
    !body.opaque.is_empty() || body.statements.iter().any(|it| moves(&it.kind))
}

fn assigns(request: &Request, statement: usize, column: &str) -> bool {
    match &*request.script.statements[statement].parsed.kind {
        StatementKind::Update(it) => it.assignments.iter().any(|it| it.column == *column),
        _ => false,
    }
}

/// Nobody writes yet into what the file makes.
fn is_old(request: &Request, later: usize, name: &Name) -> bool {
    let schema = request.trace.judged[later].before();
    let table = schema.resolve(name, &request.session.search_path);
    schema.relations.get(&table).is_none_or(|it| it.born == Born::Before)
}

/// Why others must not write between the copy and this later statement.
fn ends(request: &Request, copy: &Copy, later: usize) -> Option<String> {
    let source = |name: &Name| copy.touches(&name.name) && is_old(request, later, name);
    match &*request.script.statements[later].parsed.kind {
        StatementKind::Drop(it) if it.object == ObjectKind::Table => {
            let dropped = it.names.iter().map(|it| &it.name).find(|it| source(it))?;
            Some(format!("what others write into {} after it was copied would be lost", dropped.name))
        }
        StatementKind::Rename(it) if it.object == ObjectKind::Table && source(&it.name) => {
            Some(format!("what others write into {} after it was copied would be missing in the copy", it.name.name))
        }
        StatementKind::Rename(it) if it.object == ObjectKind::Column => {
            let column = &it.name.name;
            let table = it.relation.as_ref().filter(|table| source(table) && fills::mentions(copy.sql, column))?;
            // Rows that stay where they are only get another name.
            (copy.target.is_none_or(|target| target.name != table.name) || !assigns(request, copy.statement, column))
                .then(|| {
                    format!(
                        "what others write into {}.{column} after it was copied would be missing in the copy",
                        table.name
                    )
                })
        }
        StatementKind::AlterTable(it) if source(&it.relation.name) => {
            let dropped = it.subcommands.iter().find_map(|it| match &it.action {
                AlterAction::DropColumn { column, .. } if fills::mentions(copy.sql, &column.text) => Some(&column.text),
                _ => None,
            })?;
            let table = &it.relation.name.name;
            Some(format!("what others write into {table}.{dropped} after it was copied would be lost"))
        }
        StatementKind::CreateTrigger(it)
            if it.row
                && (it.insert || it.update)
                && copy.target.is_some_and(|target| target.name == it.relation.name)
                && is_old(request, later, &it.relation) =>
        {
            Some(format!(
                "the trigger {} would miss the rows that others write into {} before it",
                it.name.text, it.relation.name
            ))
        }
        _ => None,
    }
}

/// Why others must not write between this earlier statement and the copy.
fn doubles(request: &Request, copy: &Copy, earlier: usize) -> Option<String> {
    let StatementKind::CreateTrigger(it) = &*request.script.statements[earlier].parsed.kind else { return None };
    let target = copy.target.filter(|target| target.name != it.relation.name)?;
    let settled = |kind: &StatementKind| matches!(kind, StatementKind::Insert(it) if it.on_conflict);
    let again = copy.touches(&it.relation.name)
        && is_old(request, earlier, &it.relation)
        && !settled(&request.script.statements[copy.statement].parsed.kind)
        && writes(request, earlier, it, &target.name);
    again.then(|| {
        format!(
            "what others write into {} meanwhile would reach {} twice, by the trigger {} and by the copy",
            it.relation.name, target.name, it.name.text
        )
    })
}

/// The function of a trigger may write into the table.
fn writes(request: &Request, trigger: usize, it: &CreateTrigger, table: &str) -> bool {
    let of_file =
        request.script.statements[..trigger].iter().rev().find_map(|statement| match &*statement.parsed.kind {
            StatementKind::CreateFunction(function) if function.name.name == it.function.name => function.body.as_ref(),
            _ => None,
        });
    let schema = request.trace.judged[trigger].before();
    let known =
        || schema.functions.iter().find(|(name, _)| *name.name == *it.function.name)?.1.first()?.body.as_deref();
    let relations = of_file.or_else(known).and_then(footprint::body_relations);
    relations.is_none_or(|relations| relations.iter().any(|it| it.name == *table))
}

/// The first statement of the transaction that keeps others from writing into one of the tables, and does so up to the copy.
fn locks(request: &Request, copy: &Copy) -> Option<usize> {
    let judged = &request.trace.judged;
    let id = judged[copy.statement].transaction.id;
    let strong = |table: &QName, lock| copy.touches(&table.name) && blocks_writes(lock);
    if !judged[copy.statement].held().iter().any(|(table, effect)| strong(table, effect.lock)) {
        return None;
    }
    (0..copy.statement).find(|it| {
        judged[*it].transaction.id == id && judged[*it].effects.iter().any(|it| strong(&it.relation, it.lock))
    })
}
