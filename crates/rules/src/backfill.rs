//! Which data-modifying statements touch more rows than anyone named.

use std::cmp::Reverse;
use std::sync::Arc;

use model::effect::{Effect, OperationKind};
use model::name::QName;
use model::schema::{Born, ConstraintKind, Index, IndexColumn, Relation, Schema};
use syntax::ast::{Expr, ExprAt, InsertSource, Name, StatementKind, Write, WriteKind};

use crate::Finding;
use crate::facts::{At, body, is_busy, query, resolve, stops_others, target};

/// A change of many rows.
#[derive(Clone, Copy, Debug)]
pub struct Backfill<'a> {
    /// `UPDATE`, `DELETE`, `INSERT`, `MERGE`.
    pub what: &'static str,
    pub table: &'a QName,
    /// It reaches every row; otherwise how many is not known.
    pub certain: bool,
    /// It changes rows that others use, rather than filling a table that only this file knows.
    pub locks_rows: bool,
}

/// The operations that may be changes of many rows.
pub const BACKFILLS: [OperationKind; 4] =
    [OperationKind::Update, OperationKind::Delete, OperationKind::InsertSelect, OperationKind::Merge];

/// The change of many rows that the operation is, if it is one. A batch of a loop is none.
#[must_use]
pub fn backfill<'a>(at: &At<'a>) -> Option<Backfill<'a>> {
    use OperationKind::{Delete, InsertSelect, Merge, Update};
    let operation = at.operation;
    let table = operation.relation.as_ref()?;
    let kind = at.kind()?;
    let locks_rows = operation.effects.iter().any(|it| it.relation == *table && is_busy(it));
    if operation.in_loop || query(kind)?.limited_within {
        return None;
    }
    let keys = Keys {
        relation: at.relation().filter(|it| !it.open),
        schema: at.judged.before(),
        table,
        variables: operation.lowered,
    };
    let filter = |filter: &Option<ExprAt>| match filter {
        None => Some(true),
        Some(filter) => (!keys.names_few(&filter.expr)).then_some(false),
    };
    let within = || {
        let mine = |it: &&Write| made(it) == operation.kind && resolve(at.judged, &it.relation.name) == *table;
        query(kind).into_iter().flat_map(|facts| &facts.writes).filter(mine)
    };
    let reads_others =
        || query(kind).is_some_and(|facts| facts.reads.iter().any(|it| reads(at, &it.relation.name, table)));
    let own = target(kind).is_some_and(|it| resolve(at.judged, it) == *table);
    let (what, certain) = match (operation.kind, kind) {
        (made, _) if !own => within().find_map(|it| {
            let what = match made {
                Update => "UPDATE",
                Delete => "DELETE",
                InsertSelect => "INSERT",
                _ => "MERGE",
            };
            let many = match (&it.filter, it.joined) {
                (Some(filter), joined) if keys.names_few(filter) || (joined && !reads_others()) => None,
                (None, true) if !reads_others() => None,
                (filter, joined) => Some(filter.is_none() && !joined),
            };
            many.map(|certain| (what, Some(certain)))
        })?,
        (Update, StatementKind::Update(it)) if it.has_from => {
            let by_values = it.filter.is_some() && !reads_others();
            ("UPDATE", if by_values { None } else { filter(&it.filter).map(|_| false) })
        }
        (Update, StatementKind::Update(it)) => ("UPDATE", filter(&it.filter)),
        (Delete, StatementKind::Delete(it)) if it.has_using => ("DELETE", filter(&it.filter).map(|_| false)),
        (Delete, StatementKind::Delete(it)) => ("DELETE", filter(&it.filter)),
        (InsertSelect, StatementKind::Insert(it)) => {
            let copies = matches!(it.source, InsertSource::Query) && reads_others();
            ("INSERT", copies.then_some(false))
        }
        (Merge, StatementKind::Merge { .. }) => ("MERGE", reads_others().then_some(false)),
        _ => return None,
    };
    let changes_rows = locks_rows || what == "INSERT";
    changes_rows.then_some(Backfill { what, table, certain: certain?, locks_rows })
}

/// The lock under which others wait while the rows are changed: the strongest that the transaction holds, on the changed
/// table rather than on another, and with the earlier statements of its routine body.
#[must_use]
pub fn held_meanwhile<'a>(at: &At<'a>) -> Option<&'a Effect> {
    let statement = &at.context.script.statements[at.statement].parsed.kind;
    let body = body(statement).filter(|body| at.operation.lowered && body.commits.is_empty());
    let earlier = body.map_or(&[][..], |_| &at.judged.operations[..at.index]);
    let earlier = earlier.iter().filter(|it| !it.conditional || at.operation.conditional);
    let held = at.judged.held().values().chain(earlier.flat_map(|it| &it.effects)).filter(|it| stops_others(it));
    let changed = at.operation.relation.as_ref();
    let taken = |it: &Effect| at.context.taken_by(at.statement, it).unwrap_or(at.statement);
    held.max_by_key(|it| (it.lock, it.on.is_none(), Some(&it.relation) == changed, Reverse(taken(it))))
}

/// The operation that a WITH clause makes.
fn made(write: &Write) -> OperationKind {
    match write.kind {
        WriteKind::Insert if write.joined => OperationKind::InsertSelect,
        WriteKind::Insert => OperationKind::Insert,
        WriteKind::Update => OperationKind::Update,
        WriteKind::Delete => OperationKind::Delete,
        WriteKind::Merge => OperationKind::Merge,
    }
}

/// Says where the lock was taken.
#[must_use]
pub fn with_taken(at: &At, held: &Effect, finding: Finding) -> Finding {
    match at.context.taken_by(at.statement, held) {
        Some(by) => finding.related(
            at.context.script.statements[by].span,
            "the lock is taken here and kept until the end of the transaction",
        ),
        None => finding,
    }
}

/// Reads a relation, other than the target, that was there before.
fn reads(at: &At, name: &Name, target: &QName) -> bool {
    // The trace resolved the target; a name without schema is looked for where the target is.
    let schema = name.schema.as_deref().unwrap_or(&target.schema);
    let name = QName::new(schema, &name.name);
    let born_before = at.judged.before().relations.get(&name).is_none_or(|it| it.born == Born::Before);
    name != *target && born_before
}

/// What is known about a table, to judge a condition on its rows.
struct Keys<'a> {
    /// `None` when its columns and constraints are not known in full.
    relation: Option<&'a Relation>,
    schema: &'a Schema,
    table: &'a QName,
    /// In a routine body, where a name can be a variable.
    variables: bool,
}

impl Keys<'_> {
    /// The condition names few rows: by values of a key, by a range with two ends, or (where the keys are not known) by a
    /// value of anything.
    fn names_few(&self, expr: &Expr) -> bool {
        match expr {
            Expr::And(all) => {
                let above = self.bounded(all, &[">", ">="]);
                let columns: Vec<&str> = all.iter().filter_map(|it| self.equated(it)).collect();
                all.iter().any(|it| self.names_few(it))
                    || self.bounded(all, &["<", "<="]).iter().any(|below| above.contains(below))
                    || (columns.len() > 1 && self.has_key(&columns))
            }
            Expr::Or(all) => all.iter().all(|it| self.names_few(it)),
            Expr::Between { operand, low, high, negated: false } => {
                self.column(operand).is_some() && self.is_value(low) && self.is_value(high)
            }
            Expr::Bool(false) => true,
            _ => self.equated(expr).is_some_and(|column| self.has_key(&[column])),
        }
    }

    /// The columns that a value bounds on one side.
    fn bounded<'e>(&self, all: &'e [Expr], signs: &[&str]) -> Vec<&'e str> {
        let bound = |it: &'e Expr| match it {
            Expr::Operator { name, left: Some(left), right } if signs.contains(&&**name) && self.is_value(right) => {
                self.column(left)
            }
            _ => None,
        };
        all.iter().filter_map(bound).collect()
    }

    /// The column that is compared with one value or a list of them.
    fn equated<'e>(&self, expr: &'e Expr) -> Option<&'e str> {
        match expr {
            Expr::Operator { name, left: Some(left), right } if name == "=" => {
                match (self.column(left), self.column(right)) {
                    (Some(column), _) if self.is_value(right) => Some(column),
                    (_, Some(column)) if self.is_value(left) => Some(column),
                    _ => None,
                }
            }
            Expr::AnyOf { operator, left, values, all: false } if operator == "=" => {
                let listed = |it: &Expr| self.is_value(it) && !matches!(it, Expr::Subquery(_));
                self.column(left).filter(|_| values.iter().all(listed))
            }
            _ => None,
        }
    }

    /// The columns cover a key; a table not known in full may have any.
    fn has_key(&self, columns: &[&str]) -> bool {
        let Some(relation) = self.relation else { return true };
        let covers = |key: &[Arc<str>]| key.iter().all(|it| columns.contains(&&**it));
        let constrained = relation.constraints.iter().any(|it| match &it.kind {
            ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns } => covers(columns),
            _ => false,
        });
        let indexed = |index: &Index| {
            let plain = |it: &IndexColumn| it.column.as_deref().is_some_and(|it| columns.contains(&it));
            index.unique && index.elements.iter().all(plain)
        };
        constrained || self.schema.indexes_of(self.table).any(indexed)
    }

    fn column<'e>(&self, expr: &'e Expr) -> Option<&'e str> {
        match expr {
            Expr::Column(parts) if !self.is_variable(parts) => parts.last().map(String::as_str),
            Expr::Cast { operand, .. } => self.column(operand),
            _ => None,
        }
    }

    fn is_variable(&self, parts: &[String]) -> bool {
        let known = |name: &String| self.relation.is_none_or(|it| it.column(name).is_some());
        self.variables && parts.len() == 1 && !parts.iter().any(known)
    }

    /// A value that does not come from the row.
    fn is_value(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Null | Expr::Bool(_) | Expr::Number(_) | Expr::String(_) | Expr::Parameter(_) => true,
            // A subquery gives one value where it is compared with `=`.
            Expr::SqlValue(_) | Expr::Subquery(_) => true,
            Expr::Column(parts) => self.is_variable(parts),
            Expr::Cast { operand, .. } | Expr::Collate { operand, .. } => self.is_value(operand),
            Expr::Array(all) | Expr::Row(all) => all.iter().all(|it| self.is_value(it)),
            Expr::Operator { left, right, .. } => {
                left.as_deref().is_none_or(|it| self.is_value(it)) && self.is_value(right)
            }
            _ => false,
        }
    }
}
