//! What follows when rows change: defaults that draw from sequences, foreign keys on both sides, triggers.

use syntax::Span;
use syntax::ast::{Expr, Name};

use super::{Exec, reach, routine};
use crate::effect::{LockMode, Work};
use crate::name::QName;
use crate::schema::{Constraint, ConstraintKind, RelationKind};
use crate::volatility;

/// The columns that a statement gives values for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Given<'a> {
    Columns(&'a [&'a str]),
    /// No column list, so the first so many columns.
    Unknown,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Event<'a> {
    Insert,
    Update(&'a [&'a str]),
    Delete,
    Truncate,
}

/// Cascades follow at most so many foreign keys; they may form circles.
const CASCADES: usize = 8;

impl Given<'_> {
    /// `None` when it is not known.
    fn has(self, column: &str) -> Option<bool> {
        match self {
            Self::Columns(columns) => Some(columns.contains(&column)),
            Self::Unknown => None,
        }
    }
}

/// Sequences that give the columns which an INSERT leaves out: nextval locks them ROW EXCLUSIVE (nextval_internal, sequence.c).
pub(super) fn defaults(exec: &mut Exec, table: &QName, given: Given<'_>, span: Span) {
    for column in &exec.relation(table).columns {
        let Some(default) = &column.default else { continue };
        for function in functions(&default.expr) {
            if given.has(&column.name) == Some(true) {
                continue;
            }
            if let Some(found) = routine::find(exec, &function) {
                routine::run(exec, &found, None, given.has(&column.name) == Some(false), span);
            }
        }
    }
    for (column, sequence) in column_sequences(exec, table) {
        match given.has(&column) {
            Some(true) => {}
            Some(false) => exec.lock(&sequence, LockMode::RowExclusive),
            None => exec.perhaps(|exec| exec.lock(&sequence, LockMode::RowExclusive)),
        }
    }
}

fn functions(expr: &Expr) -> Vec<Name> {
    let mut found: Vec<Name> = crate::expr::children(expr).into_iter().flat_map(functions).collect();
    if let Expr::Call { name, .. } = expr {
        found.push(name.clone());
    }
    found
}

/// Columns whose values come from a sequence: identity, serial, DEFAULT nextval(...).
fn column_sequences(exec: &Exec, table: &QName) -> Vec<(String, QName)> {
    let relation = exec.relation(table);
    let mut found = Vec::new();
    let mut owned = None;
    for column in &relation.columns {
        if let Some(default) = &column.default {
            let sequences = volatility::sequences(&default.expr);
            found
                .extend(sequences.iter().map(|sequence| (column.name.to_string(), exec.resolve_near(sequence, table))));
        }
        if column.identity.is_some() {
            // The identity of a partition is that of its parent (17).
            let owned = owned.get_or_insert_with(|| exec.schema.sequences_of(table));
            let sequence = owned.iter().find(|(_, owner)| *owner == column.name);
            found.extend(sequence.map(|(sequence, _)| (column.name.to_string(), sequence.clone())));
        }
    }
    found
}

/// Foreign keys of the table whose columns get values: the referenced row is locked FOR KEY SHARE by a planned query
/// (RI_FKey_check, ri_triggers.c), so its table and indexes are locked ROW SHARE.
pub(super) fn referenced(exec: &mut Exec, table: &QName, given: Given<'_>) {
    let relation = exec.relation(table);
    for constraint in &relation.constraints {
        let ConstraintKind::ForeignKey { columns, referenced, .. } = &constraint.kind else { continue };
        // Deferred checks run at COMMIT.
        if !constraint.enforced || constraint.initially_deferred {
            continue;
        }
        let has_default = |name: &str| relation.column(name).is_some_and(|column| column.default.is_some());
        let known = columns.iter().map(|column| given.has(column).map(|has| has || has_default(column)));
        match known.collect::<Option<Vec<bool>>>() {
            Some(given) if !given.contains(&true) => {}
            Some(_) => key_share(exec, referenced),
            None => exec.perhaps(|exec| key_share(exec, referenced)),
        }
    }
}

fn key_share(exec: &mut Exec, referenced: &QName) {
    let lock = LockMode::RowShare;
    let relation = exec.relation(referenced);
    exec.lock(referenced, lock);
    if relation.kind == RelationKind::PartitionedTable {
        if exec.since(16) {
            reach::lock_indexes(exec, referenced, lock);
        }
        // The query is planned for the one partition that has the key.
        for partition in exec.schema.storages(referenced) {
            exec.perhaps(|exec| {
                exec.work(&partition, lock, Work::Rows);
                reach::lock_indexes(exec, &partition, lock);
            });
        }
    } else {
        exec.work(referenced, lock, Work::Rows);
        reach::lock_indexes(exec, referenced, lock);
    }
}

/// Foreign keys over the table: deleting rows, or changing their keys, looks for rows that reference them, or
/// changes those (RI_FKey_noaction_del, RI_FKey_cascade_del and their kin, ri_triggers.c). `columns`: those an UPDATE sets.
pub(super) fn referencing(exec: &mut Exec, table: &QName, columns: Option<&[&str]>) {
    follow(exec, table, columns, CASCADES);
}

fn follow(exec: &mut Exec, table: &QName, columns: Option<&[&str]>, depth: usize) {
    if depth == 0 {
        return;
    }
    for (child, constraint) in exec.schema.foreign_keys_over(table) {
        let ConstraintKind::ForeignKey { columns: own, referenced_columns, on_update, on_delete, .. } =
            &constraint.kind
        else {
            continue;
        };
        let action = match columns {
            Some(changed) if !referenced_columns.iter().any(|key| changed.contains(&&**key)) => continue,
            Some(_) => *on_update,
            None => *on_delete,
        };
        if !constraint.enforced || (constraint.initially_deferred && action == 'a') {
            continue;
        }
        let mut works = Vec::new();
        let lock = match action {
            'a' | 'r' => LockMode::RowShare,
            _ => {
                works.push(Work::Rows);
                LockMode::RowExclusive
            }
        };
        for storage in exec.schema.storages(&child) {
            if !has_index(exec, &storage, &constraint) {
                works.push(Work::Scan);
            }
            for work in &works {
                exec.work(&storage, lock, *work);
            }
            exec.lock(&storage, lock);
            reach::lock_indexes(exec, &storage, lock);
        }
        exec.lock(&child, lock);
        if exec.relation(&child).kind == RelationKind::PartitionedTable && exec.since(16) {
            reach::lock_indexes(exec, &child, lock);
        }
        match (action, columns) {
            ('c', None) => follow(exec, &child, None, depth - 1),
            ('c' | 'n' | 'd', _) => {
                let own: Vec<&str> = own.iter().map(|column| &**column).collect();
                follow(exec, &child, Some(&own), depth - 1);
            }
            _ => {}
        }
    }
}

/// An index that begins with a column of the key; without one every check reads the whole table. Of an open relation the
/// indexes are not known.
fn has_index(exec: &Exec, table: &QName, constraint: &Constraint) -> bool {
    let ConstraintKind::ForeignKey { columns, .. } = &constraint.kind else { return true };
    exec.relation(table).open
        || exec.schema.indexes_of(table).any(|index| {
            let leading = index.elements.first().and_then(|element| element.column.as_ref());
            index.valid && index.predicate.is_none() && leading.is_some_and(|leading| columns.contains(leading))
        })
}

/// Triggers that fire, as far as the bodies of their functions are known.
pub(super) fn triggers(exec: &mut Exec, table: &QName, event: Event<'_>, span: Span) {
    let relation = exec.relation(table);
    for trigger in &relation.triggers {
        let fires = match event {
            Event::Insert => trigger.insert,
            Event::Update(columns) => {
                trigger.update
                    && (trigger.update_of.is_empty() || trigger.update_of.iter().any(|it| columns.contains(&&**it)))
            }
            Event::Delete => trigger.delete,
            Event::Truncate => trigger.truncate,
        };
        if fires && trigger.enabled {
            // WHEN keeps a trigger from firing, and so do rows that are not there.
            let rowless = trigger.row && relation.empty;
            let certain = !trigger.conditional && !rowless;
            routine::run(exec, &trigger.function, None, certain, span);
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE); CREATE INDEX b_a ON b (a); CREATE TABLE c (b int REFERENCES b ON DELETE SET NULL);
CREATE TABLE d (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED)";

    #[test]
    fn keys_are_followed() {
        let sql = "
DELETE FROM a WHERE id = 1; UPDATE a SET v = 1 WHERE id = 1; UPDATE a SET id = 2 WHERE id = 1; DELETE FROM c; INSERT INTO c VALUES (1); INSERT INTO d VALUES (1)";
        expect![[r#"
            DELETE FROM a WHERE id = 1
                a ROW EXCLUSIVE+rows, a_pkey ROW EXCLUSIVE, b ROW EXCLUSIVE+rows, b_a ROW EXCLUSIVE, b_pkey ROW EXCLUSIVE, c ROW EXCLUSIVE+rows, c ROW EXCLUSIVE+scan | blocks a:W b:W c:W
            UPDATE a SET v = 1 WHERE id = 1
                a ROW EXCLUSIVE+rows, a_pkey ROW EXCLUSIVE | blocks a:W
            UPDATE a SET id = 2 WHERE id = 1
                a ROW EXCLUSIVE+rows, a_pkey ROW EXCLUSIVE, b ROW SHARE, b_a ROW SHARE, b_pkey ROW SHARE | blocks a:W
            DELETE FROM c
                c ROW EXCLUSIVE+rows, c ROW EXCLUSIVE+scan | blocks b:W c:W
            INSERT INTO c VALUES (1)
                b ROW SHARE+rows?, b_a ROW SHARE?, b_pkey ROW SHARE?, c ROW EXCLUSIVE+rows | blocks b:W
            INSERT INTO d VALUES (1)
                d ROW EXCLUSIVE+rows
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
