//! VACUUM, ANALYZE, CLUSTER, REFRESH MATERIALIZED VIEW.

use syntax::Span;
use syntax::ast::{Ident, Name, RelationRef, StatementKind, Vacuum};

use super::prune::Filter;
use super::reach::{self, Access, index_names, lock_indexes};
use super::{Exec, Stop};
use crate::effect::{LockMode, OperationKind, Work};
use crate::name::QName;
use crate::schema::{Relation, RelationKind};

pub(super) fn maintenance(exec: &mut Exec, it: &StatementKind, span: Span) {
    let _ = match it {
        StatementKind::Vacuum(it) => vacuum(exec, it, span),
        StatementKind::Analyze { relations } => analyze(exec, relations, span),
        StatementKind::Cluster { relation, index } => cluster(exec, relation.as_ref(), index.as_ref(), span),
        StatementKind::RefreshMaterializedView { name, concurrently, with_data } => {
            refresh(exec, name, *concurrently, *with_data, span)
        }
        _ => Ok(()),
    };
}

/// SHARE UPDATE EXCLUSIVE and ROW EXCLUSIVE on the indexes; FULL copies under ACCESS EXCLUSIVE (vacuum_rel, vacuum.c). Lazy
/// VACUUM takes ACCESS EXCLUSIVE for a moment to cut off an empty tail, without waiting for it (lazy_truncate_heap).
fn vacuum(exec: &mut Exec, it: &Vacuum, span: Span) -> Result<(), Stop> {
    exec.refuse_transaction("VACUUM", span);
    if let Some((_, columns)) = it.relations.iter().find(|(_, columns)| !columns.is_empty() && !it.analyze) {
        let message = "ANALYZE option must be specified when a column list is provided".to_owned();
        return exec.refuse("0A000", message, columns[0].span);
    }
    for table in named_or_all(exec, &it.relations)? {
        let relation = exec.relation(&table);
        // Others are skipped with a warning.
        if is_skipped(exec, &table, relation.kind) {
            continue;
        }
        if relation.kind == RelationKind::PartitionedTable {
            // Partitioned tables have nothing to vacuum, but statistics.
            if it.analyze {
                exec.lock(&table, LockMode::ShareUpdateExclusive);
            }
            continue;
        }
        if it.full {
            exec.operation(OperationKind::RewriteTable, span, Some(&table));
            rewrite(exec, &table);
        } else {
            exec.operation(OperationKind::NonTransactional, span, Some(&table));
            exec.lock(&table, LockMode::ShareUpdateExclusive);
            lock_indexes(exec, &table, LockMode::RowExclusive);
        }
    }
    if exec.operations.is_empty() {
        exec.operation(OperationKind::NonTransactional, span, None);
    }
    Ok(())
}

/// SHARE UPDATE EXCLUSIVE, ACCESS SHARE on the indexes, and ACCESS SHARE on children that are sampled for their parent
/// (analyze_rel, acquire_inherited_sample_rows, analyze.c).
fn analyze(exec: &mut Exec, relations: &[(RelationRef, Vec<Ident>)], span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    for (relation, columns) in relations {
        let Some(name) = reach::find(exec, relation)? else { continue };
        let known = exec.relation(&name);
        if let Some(column) = columns.iter().find(|it| !known.open && known.column(&it.text).is_none()) {
            let message = format!("column \"{}\" of relation \"{}\" does not exist", column.text, name.name);
            return exec.refuse("42703", message, column.span);
        }
    }
    for table in named_or_all(exec, relations)? {
        let kind = exec.relation(&table).kind;
        if kind != RelationKind::ForeignTable && is_skipped(exec, &table, kind) {
            continue;
        }
        exec.lock(&table, LockMode::ShareUpdateExclusive);
        if kind != RelationKind::PartitionedTable {
            lock_indexes(exec, &table, LockMode::AccessShare);
        }
        // Partitions that are partitioned themselves have no rows to sample.
        for child in exec.schema.descendants(&table) {
            if exec.relation(&child).kind != RelationKind::PartitionedTable {
                exec.lock(&child, LockMode::AccessShare);
            }
        }
    }
    Ok(())
}

/// Whether a relation has nothing to vacuum (vacuum_rel, vacuum.c).
fn is_skipped(exec: &Exec, name: &QName, kind: RelationKind) -> bool {
    exec.schema.indexes.contains_key(name)
        || matches!(kind, RelationKind::View | RelationKind::Sequence | RelationKind::ForeignTable)
}

/// The tables named with their partitions, or every table and materialized view of the database (expand_vacuum_rel,
/// get_all_vacuum_rels, vacuum.c). Children by INHERITS belong to their parent since 18.
fn named_or_all(exec: &mut Exec, relations: &[(RelationRef, Vec<Ident>)]) -> Result<Vec<QName>, Stop> {
    let mut tables = Vec::new();
    if relations.is_empty() {
        let has_rows = |it: &&std::sync::Arc<Relation>| {
            matches!(it.kind, RelationKind::Table | RelationKind::PartitionedTable | RelationKind::MaterializedView)
        };
        return Ok(exec.schema.relations.values().filter(has_rows).map(|it| it.name.clone()).collect());
    }
    for (relation, _) in relations {
        let Some(name) = reach::find(exec, relation)? else { continue };
        let partitioned = exec.relation(&name).kind == RelationKind::PartitionedTable;
        let has_children = !exec.relation(&name).children.is_empty();
        tables.push(name.clone());
        if !relation.only && has_children && (partitioned || exec.since(18)) {
            tables.extend(exec.schema.descendants(&name));
        }
    }
    Ok(tables)
}

/// A copy of the table takes its place and all indexes are built again (finish_heap_swap, cluster.c).
fn rewrite(exec: &mut Exec, table: &QName) {
    exec.work(table, LockMode::AccessExclusive, Work::Rewrite);
    for index in index_names(exec, table) {
        exec.work(&index, LockMode::AccessExclusive, Work::Build);
        exec.work(table, LockMode::AccessExclusive, Work::Build);
    }
}

/// ACCESS EXCLUSIVE and a rewrite (cluster_rel, cluster.c). Without a name all tables that were clustered before, each in a
/// transaction of its own; a partitioned table likewise, since 15.
fn cluster(exec: &mut Exec, relation: Option<&Name>, index: Option<&Ident>, span: Span) -> Result<(), Stop> {
    let Some(relation) = relation else {
        exec.refuse_transaction("CLUSTER", span);
        let clustered = exec.schema.relations.values().filter(|it| it.clustered_on.is_some());
        for table in clustered.map(|it| it.name.clone()).collect::<Vec<_>>() {
            exec.operation(OperationKind::RewriteTable, span, Some(&table));
            rewrite(exec, &table);
        }
        return Ok(());
    };
    let Some(table) = reach::find_name(exec, relation)? else { return Ok(()) };
    let known = exec.relation(&table);
    let named = index.and_then(|index| exec.schema.indexes.get(&table.sibling(&index.text)).cloned());
    // check_index_is_clusterable, cluster.c.
    if let Some(entry) = named {
        if entry.table != table {
            let message = format!("\"{}\" is not an index for table \"{}\"", entry.name.name, table.name);
            return exec.refuse("42809", message, span);
        }
        if !matches!(&*entry.method, "btree" | "gist") {
            let message = format!(
                "cannot cluster on index \"{}\" because access method does not support clustering",
                entry.name.name
            );
            return exec.refuse("0A000", message, span);
        }
        if entry.predicate.is_some() {
            let message = format!("cannot cluster on partial index \"{}\"", entry.name.name);
            return exec.refuse("0A000", message, span);
        }
    } else if let Some(index) = index
        && !known.open
    {
        let message = format!("index \"{}\" for table \"{}\" does not exist", index.text, table.name);
        return exec.refuse("42704", message, index.span);
    }
    if known.kind == RelationKind::PartitionedTable {
        if !exec.since(15) {
            return exec.refuse("0A000", "cannot cluster a partitioned table".to_owned(), relation.span);
        }
        exec.refuse_transaction("CLUSTER", span);
        exec.lock(&table, LockMode::AccessExclusive);
        let root = index.map(|index| table.sibling(&index.text));
        if let Some(root) = &root {
            exec.lock(root, LockMode::AccessExclusive);
        }
        for partition in exec.schema.storages(&table) {
            exec.operation(OperationKind::RewriteTable, span, Some(&partition));
            rewrite(exec, &partition);
        }
        return Ok(());
    }
    if index.is_none() && known.clustered_on.is_none() && !known.open {
        let message = format!("there is no previously clustered index for table \"{}\"", table.name);
        return exec.refuse("42704", message, relation.span);
    }
    exec.operation(OperationKind::RewriteTable, span, Some(&table));
    rewrite(exec, &table);
    if let Some(index) = index {
        exec.schema.edit(&table, |it| it.clustered_on = Some(index.text.as_str().into()));
    }
    Ok(())
}

/// ACCESS EXCLUSIVE, a new heap and its indexes; CONCURRENTLY takes EXCLUSIVE and changes rows, which needs a unique index on
/// columns without WHERE (RefreshMatViewByOid, matview.c).
fn refresh(exec: &mut Exec, name: &Name, concurrently: bool, with_data: bool, span: Span) -> Result<(), Stop> {
    let Some(view) = reach::find_name(exec, name)? else { return Ok(()) };
    let relation = exec.relation(&view);
    exec.operation(OperationKind::RefreshMaterializedView, span, Some(&view));
    let known = exec.schema.relations.contains_key(&view) && !relation.open;
    if known && relation.kind != RelationKind::MaterializedView {
        // RangeVarCallbackMaintainsTable passes tables, and ExecRefreshMatView refuses them.
        let (sqlstate, what) = match relation.kind {
            RelationKind::Table | RelationKind::PartitionedTable => ("0A000", "a materialized view"),
            _ => ("42809", "a table or materialized view"),
        };
        return exec.refuse(sqlstate, format!("\"{}\" is not {what}", view.name), name.span);
    }
    if concurrently && known && !relation.populated {
        let message = "CONCURRENTLY cannot be used when the materialized view is not populated".to_owned();
        return exec.refuse("0A000", message, span);
    }
    if concurrently && !with_data {
        let message = "CONCURRENTLY and WITH NO DATA options cannot be used together".to_owned();
        return exec.refuse("42601", message, span);
    }
    let unique = exec.schema.indexes_of(&view).any(|index| {
        index.unique && index.valid && index.predicate.is_none() && index.elements.iter().all(|it| it.column.is_some())
    });
    if concurrently && known && !unique {
        let message = format!("cannot refresh materialized view \"{}\" concurrently", written_in_full(&view));
        return exec.refuse("55000", message, span);
    }
    let lock = if concurrently { LockMode::Exclusive } else { LockMode::AccessExclusive };
    // Filling an empty one is no work that anyone waits for.
    let unpopulated = known && !relation.populated;
    exec.schema.edit(&view, |it| it.empty |= unpopulated);
    if with_data {
        let mut seen: Vec<&QName> = Vec::new();
        for (read, _) in &relation.reads {
            if !seen.contains(&read) {
                seen.push(read);
                // Without an index that helps, and none is known to help, a filter reads everything too.
                let want = Access {
                    lock: LockMode::AccessShare,
                    works: &[Work::Scan],
                    only: false,
                    planned: true,
                    filter: Filter::All,
                };
                reach::access(exec, read, &want);
            }
        }
    }
    match (concurrently, with_data) {
        (true, _) => {
            exec.work(&view, lock, Work::Scan);
            exec.work(&view, lock, Work::Rows);
            lock_indexes(exec, &view, LockMode::RowExclusive);
        }
        (false, true) => {
            exec.lock(&view, lock);
            rewrite(exec, &view);
        }
        (false, false) => {
            exec.lock(&view, lock);
            lock_indexes(exec, &view, lock);
        }
    }
    exec.schema.edit(&view, |it| {
        it.populated = with_data;
        it.empty = !with_data;
    });
    Ok(())
}

fn written_in_full(name: &QName) -> String {
    format!("{}.{}", syntax::quote_ident(&name.schema), syntax::quote_ident(&name.name))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TABLE t (id int PRIMARY KEY, v int); CREATE INDEX t_v ON t (v); CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE MATERIALIZED VIEW mv AS SELECT id FROM t; CREATE UNIQUE INDEX mv_id ON mv (id); CREATE MATERIALIZED VIEW bare AS SELECT v FROM t";

    #[test]
    fn maintaining() {
        let sql = "
VACUUM t; VACUUM FULL t; VACUUM ANALYZE p; ANALYZE p; CLUSTER t; CLUSTER t USING t_v; CLUSTER t USING nope; CLUSTER p";
        expect![[r#"
            VACUUM t
                t SHARE UPDATE EXCLUSIVE, t_pkey ROW EXCLUSIVE, t_v ROW EXCLUSIVE | 25001 if wrapped: VACUUM cannot run inside a transaction block
            VACUUM FULL t
                t ACCESS EXCLUSIVE+rewrite, t ACCESS EXCLUSIVE+build, t_pkey ACCESS EXCLUSIVE+build, t_v ACCESS EXCLUSIVE+build | blocks t:RW | 25001 if wrapped: VACUUM cannot run inside a transaction block
            VACUUM ANALYZE p
                p SHARE UPDATE EXCLUSIVE, p1 SHARE UPDATE EXCLUSIVE | 25001 if wrapped: VACUUM cannot run inside a transaction block
            ANALYZE p
                p SHARE UPDATE EXCLUSIVE, p1 SHARE UPDATE EXCLUSIVE
            CLUSTER t
                nothing | 42704: there is no previously clustered index for table "t"
            CLUSTER t USING t_v
                t ACCESS EXCLUSIVE+rewrite, t ACCESS EXCLUSIVE+build, t_pkey ACCESS EXCLUSIVE+build, t_v ACCESS EXCLUSIVE+build | blocks t:RW
            CLUSTER t USING nope
                nothing | 42704: index "nope" for table "t" does not exist
            CLUSTER p
                p ACCESS EXCLUSIVE, p1 ACCESS EXCLUSIVE+rewrite | blocks p:RW p1:RW | 15-18 | 0A000: cannot cluster a partitioned table (14-14)
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn refreshing() {
        let sql = "
REFRESH MATERIALIZED VIEW mv; REFRESH MATERIALIZED VIEW CONCURRENTLY mv; REFRESH MATERIALIZED VIEW CONCURRENTLY bare; REFRESH MATERIALIZED VIEW mv WITH NO DATA; REFRESH MATERIALIZED VIEW CONCURRENTLY mv; REFRESH MATERIALIZED VIEW t";
        expect![[r#"
            REFRESH MATERIALIZED VIEW mv
                mv ACCESS EXCLUSIVE+rewrite, mv ACCESS EXCLUSIVE+build, mv_id ACCESS EXCLUSIVE+build, t ACCESS SHARE+scan, t_pkey ACCESS SHARE, t_v ACCESS SHARE | blocks mv:R
            REFRESH MATERIALIZED VIEW CONCURRENTLY mv
                mv EXCLUSIVE+scan, mv EXCLUSIVE+rows, mv_id ROW EXCLUSIVE, t ACCESS SHARE+scan, t_pkey ACCESS SHARE, t_v ACCESS SHARE
            REFRESH MATERIALIZED VIEW CONCURRENTLY bare
                nothing | 55000: cannot refresh materialized view "public.bare" concurrently
            REFRESH MATERIALIZED VIEW mv WITH NO DATA
                mv ACCESS EXCLUSIVE, mv_id ACCESS EXCLUSIVE | blocks mv:R
            REFRESH MATERIALIZED VIEW CONCURRENTLY mv
                nothing | 0A000: CONCURRENTLY cannot be used when the materialized view is not populated
            REFRESH MATERIALIZED VIEW t
                nothing | 0A000: "t" is not a materialized view
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
