//! CREATE VIEW.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, ColumnUse, Persistence, Query};

use super::{Exec, Stop, data};
use crate::effect::{LockMode, OperationKind};
use crate::list::List;
use crate::name::QName;
use crate::schema::{Column, ColumnType, Relation, RelationKind};

/// ACCESS SHARE on what it reads, through parse analysis alone; OR REPLACE of an existing view ACCESS EXCLUSIVE on that
/// (DefineVirtualRelation, view.c).
pub(super) fn create_view(exec: &mut Exec, it: &ast::CreateView, span: Span) -> Result<(), Stop> {
    let name = if it.temporary { QName::new("pg_temp", &it.name.name) } else { exec.new_name(&it.name) };
    exec.operation(OperationKind::Other, span, Some(&name));
    data::analyze(exec, &it.query, false)?;
    if let Some(output) = &it.output
        && let Some(twice) = (1..output.len()).find(|at| output[..*at].contains(&output[*at]))
    {
        return exec.refuse("42701", format!("column \"{}\" specified more than once", output[twice]), it.name.span);
    }
    let existing = exec.schema.relations.get(&name).cloned();
    if let Some(existing) = &existing
        && !existing.maybe
        && (it.replace || !existing.open)
    {
        if !it.replace {
            return exec.refuse("42P07", format!("relation \"{}\" already exists", name.name), it.name.span);
        }
        exec.lock(&name, LockMode::AccessExclusive);
        if !existing.open {
            if existing.kind != RelationKind::View {
                return exec.refuse("42809", format!("\"{}\" is not a view", name.name), it.name.span);
            }
            keeps_columns(exec, &existing.columns, it)?;
        }
    } else if it.replace && (existing.is_some() || !exec.schema.is_complete()) {
        // It may be there, and then it is replaced.
        exec.perhaps(|exec| exec.lock(&name, LockMode::AccessExclusive));
    }
    let column = |name: &String| Column {
        name: name.as_str().into(),
        ty: ColumnType::Unknown,
        collation: None,
        not_null: false,
        default: None,
        identity: None,
        generated: None,
        storage: None,
        compression: None,
        statistics: None,
        options: Vec::new(),
        comment: None,
        born: exec.born,
        inherited: false,
        local: true,
    };
    let kept = existing.as_deref();
    let view = Relation {
        kind: RelationKind::View,
        born: kept.map_or(exec.born, |it| it.born),
        open: it.output.is_none(),
        persistence: if it.temporary { Persistence::Temporary } else { Persistence::Permanent },
        columns: it.output.iter().flatten().map(column).collect(),
        options: it.options.clone(),
        owner: kept.and_then(|it| it.owner.clone()),
        comment: kept.and_then(|it| it.comment.clone()),
        triggers: kept.map(|it| it.triggers.clone()).unwrap_or_default(),
        reads: reads(exec, &it.query, &it.columns_used),
        filtered: it.query.filtered || it.query.limited,
        calls: it.query.functions.iter().map(|function| function.name.as_str().into()).collect(),
        ..Relation::open(name)
    };
    exec.schema.insert_relation(view);
    Ok(())
}

/// A replaced view keeps the names of its columns and may only add some at the end (checkViewColumns, view.c).
fn keeps_columns(exec: &mut Exec, old: &List<Column>, it: &ast::CreateView) -> Result<(), Stop> {
    let Some(new) = &it.output else { return Ok(()) };
    if new.len() < old.len() {
        return exec.refuse("42P16", "cannot drop columns from view".to_owned(), it.name.span);
    }
    match old.iter().zip(new).find(|(old, new)| *old.name != ***new) {
        Some((old, new)) => {
            let message = format!("cannot change name of view column \"{}\" to \"{new}\"", old.name);
            exec.refuse("42P16", message, it.name.span)
        }
        None => Ok(()),
    }
}

/// What a query depends on, by relation and column.
pub(super) fn reads(exec: &Exec, query: &Query, columns: &[ColumnUse]) -> Vec<(QName, Option<Arc<str>>)> {
    let tables: Vec<Table> = query
        .reads
        .iter()
        .map(|read| {
            let name = exec.resolve(&read.relation.name);
            let relation = exec.schema.relations.get(&name).cloned();
            Table { called: read.relation.alias.as_deref().unwrap_or(&read.relation.name.name), name, relation }
        })
        .collect();
    let mut found: Vec<(QName, Option<Arc<str>>)> = Vec::new();
    let mut any = vec![false; tables.len()];
    for used in columns {
        let Some((column, qualifier)) = used.parts.split_last() else { continue };
        let level = used
            .from
            .iter()
            .find(|level| tables.iter().any(|it| level.iter().any(|name| name == it.called) && it.surely_has(column)));
        for (table, any) in tables.iter().zip(&mut any) {
            if qualifier.last().is_some_and(|qualifier| qualifier != table.called)
                || level.is_some_and(|level| level.iter().all(|name| name != table.called))
            {
                continue;
            }
            // A star stands for the columns of the moment.
            let named: Vec<Arc<str>> = match (column.as_str(), &table.relation) {
                ("*", Some(relation)) => relation.columns.iter().map(|column| column.name.clone()).collect(),
                ("*", None) => Vec::new(),
                _ if table.may_have(column) => vec![column.as_str().into()],
                _ => continue,
            };
            for column in named {
                *any = true;
                let entry = (table.name.clone(), Some(column));
                if !found.contains(&entry) {
                    found.push(entry);
                }
            }
        }
    }
    // `SELECT count(*) FROM t` names no column and depends on the table.
    found.extend(tables.into_iter().zip(any).filter(|(_, any)| !any).map(|(table, _)| (table.name, None)));
    found
}

/// A relation that a query reads.
struct Table<'a> {
    called: &'a str,
    name: QName,
    relation: Option<Arc<Relation>>,
}

impl Table<'_> {
    fn surely_has(&self, column: &str) -> bool {
        self.relation.as_ref().is_some_and(|it| it.column(column).is_some())
    }

    fn may_have(&self, column: &str) -> bool {
        self.relation.as_ref().is_none_or(|it| it.open || it.column(column).is_some())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TABLE t (id int, name varchar(5)); CREATE VIEW v AS SELECT * FROM t";

    #[test]
    fn a_star_stands_for_what_its_own_query_reads() {
        let sql = "
CREATE VIEW part AS SELECT * FROM (SELECT id FROM t) s; CREATE VIEW joined AS SELECT a.id FROM t a JOIN t b USING (id); DROP VIEW v; ALTER TABLE t DROP COLUMN name; ALTER TABLE t DROP COLUMN id";
        expect![[r#"
            CREATE VIEW part AS SELECT * FROM (SELECT id FROM t) s
                t ACCESS SHARE
            CREATE VIEW joined AS SELECT a.id FROM t a JOIN t b USING (id)
                t ACCESS SHARE
            DROP VIEW v
                v ACCESS EXCLUSIVE | blocks v:R
            ALTER TABLE t DROP COLUMN name
                t ACCESS EXCLUSIVE | blocks joined:R part:R t:RW
            ALTER TABLE t DROP COLUMN id
                t ACCESS EXCLUSIVE | blocks joined:R part:R t:RW | 2BP01: cannot drop column id of table t because other objects depend on it
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn a_name_without_qualifier_is_looked_for_from_the_inside() {
        let before =
            "CREATE TABLE p (id int, name text, by int); CREATE TABLE u (id int, name text); CREATE TABLE c (by int)";
        let sql = "
CREATE VIEW inner_one AS SELECT p.id, (SELECT name FROM u WHERE u.id = p.by) FROM p; CREATE VIEW outer_one AS SELECT (SELECT name FROM c WHERE c.by = u.id) FROM u;
ALTER TABLE p ALTER COLUMN name TYPE varchar(9); ALTER TABLE u ALTER COLUMN name TYPE varchar(9); DROP VIEW inner_one; ALTER TABLE u ALTER COLUMN name TYPE varchar(9)";
        expect![[r#"
            CREATE VIEW inner_one AS SELECT p.id, (SELECT name FROM u WHERE u.id = p.by) FROM p
                p ACCESS SHARE, u ACCESS SHARE
            CREATE VIEW outer_one AS SELECT (SELECT name FROM c WHERE c.by = u.id) FROM u
                c ACCESS SHARE, u ACCESS SHARE
            ALTER TABLE p ALTER COLUMN name TYPE varchar(9)
                p ACCESS EXCLUSIVE+rewrite | blocks inner_one:R p:RW
            ALTER TABLE u ALTER COLUMN name TYPE varchar(9)
                u ACCESS EXCLUSIVE | blocks inner_one:R outer_one:R u:RW | 0A000: cannot alter type of a column used by a view or rule
            DROP VIEW inner_one
                inner_one ACCESS EXCLUSIVE | blocks inner_one:R
            ALTER TABLE u ALTER COLUMN name TYPE varchar(9)
                u ACCESS EXCLUSIVE | blocks outer_one:R u:RW | 0A000: cannot alter type of a column used by a view or rule
        "#]].assert_eq(&effects(before, sql));
    }

    #[test]
    fn views() {
        let sql = "
CREATE VIEW w AS SELECT id FROM v; CREATE VIEW v AS SELECT 1; CREATE OR REPLACE VIEW v AS SELECT id FROM t; CREATE OR REPLACE VIEW v AS SELECT id, name, 1 AS one FROM t; CREATE VIEW x AS SELECT * FROM nope;
ALTER TABLE t ALTER COLUMN name TYPE varchar(9); DROP VIEW v; DROP VIEW v CASCADE; ALTER TABLE t ALTER COLUMN name TYPE varchar(9)";
        expect![[r#"
            CREATE VIEW w AS SELECT id FROM v
                v ACCESS SHARE
            CREATE VIEW v AS SELECT 1
                nothing
            CREATE OR REPLACE VIEW v AS SELECT id FROM t
                t ACCESS SHARE, v ACCESS EXCLUSIVE | blocks v:R w:R
            CREATE OR REPLACE VIEW v AS SELECT id, name, 1 AS one FROM t
                t ACCESS SHARE, v ACCESS EXCLUSIVE | blocks v:R w:R
            CREATE VIEW x AS SELECT * FROM nope
                nope ACCESS SHARE
            ALTER TABLE t ALTER COLUMN name TYPE varchar(9)
                t ACCESS EXCLUSIVE | blocks t:RW v:R w:R | 0A000: cannot alter type of a column used by a view or rule
            DROP VIEW v
                nothing | 2BP01: cannot drop view v because other objects depend on it
            DROP VIEW v CASCADE
                v ACCESS EXCLUSIVE, w ACCESS EXCLUSIVE | blocks v:R w:R
            ALTER TABLE t ALTER COLUMN name TYPE varchar(9)
                t ACCESS EXCLUSIVE | blocks t:RW
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
