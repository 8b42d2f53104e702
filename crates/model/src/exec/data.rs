//! SELECT, INSERT, UPDATE, DELETE, MERGE, COPY, EXPLAIN.

use syntax::Span;
use syntax::ast::{self, Expr, InsertSource, Query, RelationRef, StatementKind, WriteKind};

use super::prune::{self, Filter};
use super::reach::{self, Access};
use super::{Exec, Stop, integrity, lock, routine, session};
use crate::effect::{LockMode, OperationKind, Work};
use crate::name::QName;
use crate::schema::{RelationKind, Schema};
use crate::volatility;

pub(super) fn truncate_or_lock(exec: &mut Exec, it: &StatementKind, span: Span) {
    let _ = match it {
        StatementKind::Truncate { relations, restart_identity, cascade } => {
            lock::truncate(exec, relations, *restart_identity, *cascade, span)
        }
        StatementKind::LockTable { relations, mode, .. } => lock::lock_table(exec, relations, *mode, span),
        _ => Ok(()),
    };
}

pub(super) fn data(exec: &mut Exec, it: &StatementKind, span: Span) {
    let _ = statement(exec, it, span);
}

fn statement(exec: &mut Exec, it: &StatementKind, span: Span) -> Result<(), Stop> {
    match it {
        StatementKind::Select(query) => select(exec, query, span),
        StatementKind::Insert(it) => insert(exec, it, span),
        StatementKind::Update(it) => update(exec, it, span),
        StatementKind::Delete(it) => delete(exec, it, span),
        StatementKind::Merge { target, facts } => merge(exec, target, facts, span),
        StatementKind::Copy(it) => copy(exec, it, span),
        StatementKind::Explain { analyze: true, statement } => {
            exec.statement(statement, span);
            Ok(())
        }
        StatementKind::Explain { statement, .. } => planned_only(exec, statement),
        // DECLARE CURSOR plans its query, PREPARE only analyzes it.
        StatementKind::Prepare { statement } => match &**statement {
            StatementKind::Select(query) => {
                analyze(exec, query, true)?;
                exec.perhaps(|exec| reads(exec, query, false, true))
            }
            statement => analyze_statement(exec, statement).map(|_| ()),
        },
        _ => Ok(()),
    }
}

fn select(exec: &mut Exec, query: &Query, span: Span) -> Result<(), Stop> {
    read(exec, query)?;
    for write in &query.writes {
        cte_write(exec, write, span)?;
    }
    calls(exec, query, span);
    Ok(())
}

/// Locks and scans of everything a query reads, planned and executed.
pub(super) fn read(exec: &mut Exec, query: &Query) -> Result<(), Stop> {
    let scans = !query.filtered && !query.limited && !is_extreme(query);
    reads(exec, query, scans, true)
}

/// Parse analysis alone: a view's or function's query is not planned when it is created. The rewriter still goes through views
/// (AcquireRewriteLocks) when `rewritten`.
pub(super) fn analyze(exec: &mut Exec, query: &Query, rewritten: bool) -> Result<(), Stop> {
    for read in &query.reads {
        let lock = if read.row_lock.is_some() { LockMode::RowShare } else { LockMode::AccessShare };
        if let Some(name) = reach::find(exec, &read.relation)? {
            if rewritten && exec.relation(&name).kind == RelationKind::View {
                reach::access(exec, &name, &Access { only: true, planned: false, ..plain(lock) });
            } else {
                exec.lock(&name, lock);
            }
        }
    }
    for write in &query.writes {
        if let Some(name) = reach::find(exec, &write.relation)? {
            exec.lock(&name, LockMode::RowExclusive);
        }
    }
    Ok(())
}

/// Analyzes a statement of a routine body and gives what it queries; other commands are not looked into.
pub(super) fn analyze_statement<'a>(exec: &mut Exec, it: &'a StatementKind) -> Result<Option<&'a Query>, Stop> {
    let (target, facts) = match it {
        StatementKind::Select(query) => (None, query),
        StatementKind::Insert(it) => (Some(&it.target), &it.facts),
        StatementKind::Update(it) => (Some(&it.target), &it.facts),
        StatementKind::Delete(it) => (Some(&it.target), &it.facts),
        StatementKind::Merge { target, facts } => (Some(target), facts),
        _ => return Ok(None),
    };
    if let Some(target) = target
        && let Some(name) = reach::find(exec, target)?
    {
        exec.lock(&name, LockMode::RowExclusive);
    }
    analyze(exec, facts, true)?;
    Ok(Some(facts))
}

fn plain(lock: LockMode) -> Access<'static> {
    Access { lock, works: &[], only: false, planned: true, filter: Filter::All }
}

fn reads(exec: &mut Exec, query: &Query, scans: bool, planned: bool) -> Result<(), Stop> {
    for read in &query.reads {
        let Some(name) = reach::find(exec, &read.relation)? else { continue };
        // CheckValidRowMarkRel, execMain.c.
        let kind = exec.relation(&name).kind;
        if read.row_lock.is_some() && matches!(kind, RelationKind::MaterializedView | RelationKind::Sequence) {
            let what = super::dependents::noun(kind);
            let message = format!("cannot lock rows in {what} \"{}\"", name.name);
            return exec.refuse("42809", message, read.relation.name.span);
        }
        let lock = if read.row_lock.is_some() { LockMode::RowShare } else { LockMode::AccessShare };
        let filter = if query.filtered { Filter::Unknown } else { Filter::All };
        let mut works = Vec::new();
        if scans && planned {
            works.push(Work::Scan);
        }
        if read.row_lock.is_some() && planned {
            works.push(Work::Rows);
        }
        reach::access(exec, &name, &Access { lock, works: &works, only: read.relation.only, planned, filter });
    }
    Ok(())
}

/// `SELECT max(id)` is answered by an index (planagg.c).
fn is_extreme(query: &Query) -> bool {
    let is_call = |names: &[&str]| query.functions.iter().any(|function| names.contains(&function.name.as_str()));
    is_call(&["min", "max"]) && !is_call(&["count", "sum", "avg", "array_agg", "string_agg"])
}

/// Functions that a query calls: sequences, settings and routines whose bodies are known.
fn calls(exec: &mut Exec, query: &Query, span: Span) {
    for target in &query.targets {
        sequence_calls(exec, target);
        settings(exec, target);
        if let Expr::Call { name, arguments } = target {
            routine::open_named(exec, name, arguments);
        }
    }
    for function in &query.functions {
        let stands_alone = query.targets.iter().any(|it| matches!(it, Expr::Call { name, .. } if name == function));
        routine::call(exec, function, None, stands_alone && query.reads.is_empty(), span);
    }
}

/// setval, nextval and currval open the sequence ROW EXCLUSIVE (lock_and_open_sequence, sequence.c).
fn sequence_calls(exec: &mut Exec, expr: &Expr) {
    if let Expr::Call { name, arguments } = expr
        && matches!(name.name.as_str(), "setval" | "nextval" | "currval")
        && let Some(sequence) = arguments.first().and_then(|it| sequence_argument(exec, it))
    {
        exec.lock(&sequence, LockMode::RowExclusive);
    }
    for child in crate::expr::children(expr) {
        sequence_calls(exec, child);
    }
}

/// `'s'`, `'s'::regclass` or `pg_get_serial_sequence('t', 'c')`.
fn sequence_argument(exec: &Exec, argument: &Expr) -> Option<QName> {
    match argument {
        Expr::String(text) => Some(exec.resolve(&volatility::parse_name(text))),
        Expr::Cast { operand, .. } => sequence_argument(exec, operand),
        Expr::Call { name, arguments } if name.name == "pg_get_serial_sequence" => match arguments.as_slice() {
            [Expr::String(table), Expr::String(column)] => {
                let table = exec.resolve(&volatility::parse_name(table));
                serial_sequence(&exec.schema, &table, column)
            }
            _ => None,
        },
        _ => None,
    }
}

fn serial_sequence(schema: &Schema, table: &QName, column: &str) -> Option<QName> {
    schema.sequences_of(table).into_iter().find(|(_, owner)| **owner == *column).map(|(sequence, _)| sequence)
}

/// `SELECT set_config('search_path', 'a, b', false)`, as dumps begin.
fn settings(exec: &mut Exec, target: &Expr) {
    if let Expr::Call { name, arguments } = target
        && name.name == "set_config"
        && let [Expr::String(setting), Expr::String(value), Expr::Bool(local)] = arguments.as_slice()
    {
        let values: Vec<String> = if setting.eq_ignore_ascii_case("search_path") {
            value.split(',').map(|part| volatility::parse_name(part.trim()).name).collect()
        } else {
            vec![value.clone()]
        };
        session::assign(exec, &setting.to_ascii_lowercase(), Some(&values), *local);
    }
}

/// EXPLAIN without ANALYZE and PREPARE: locks of planning, nothing is executed.
fn planned_only(exec: &mut Exec, statement: &StatementKind) -> Result<(), Stop> {
    let (target, facts, planned) = match statement {
        StatementKind::Select(query) => (None, query, true),
        StatementKind::Insert(it) => (Some(&it.target), &it.facts, false),
        StatementKind::Update(it) => (Some(&it.target), &it.facts, true),
        StatementKind::Delete(it) => (Some(&it.target), &it.facts, true),
        StatementKind::Merge { target, facts } => (Some(target), facts, true),
        StatementKind::CreateTableAs(it) => (None, &it.query, true),
        _ => return Ok(()),
    };
    if let Some(target) = target
        && let Some(name) = reach::find(exec, target)?
    {
        let filter = if facts.filtered { Filter::Unknown } else { Filter::All };
        let only = target.only || !planned;
        reach::access(exec, &name, &Access { lock: LockMode::RowExclusive, works: &[], only, planned, filter });
    }
    reads(exec, facts, false, true)
}

fn insert(exec: &mut Exec, it: &ast::Insert, span: Span) -> Result<(), Stop> {
    let Some(target) = reach::find(exec, &it.target)? else { return reads(exec, &it.facts, true, true) };
    refuse_write(exec, &target, span)?;
    let relation = exec.relation(&target);
    let known = !exec.conditional && !relation.open && relation.kind != RelationKind::View;
    if let Some(column) = it.columns.iter().find(|column| known && relation.column(&column.text).is_none()) {
        let message = format!("column \"{}\" of relation \"{}\" does not exist", column.text, target.name);
        return exec.refuse("42703", message, column.span);
    }
    let kind = match it.source {
        InsertSource::Query => OperationKind::InsertSelect,
        InsertSource::Values { .. } | InsertSource::Default => OperationKind::Insert,
    };
    exec.operation(kind, span, Some(&target));
    let columns: Vec<&str> = it.columns.iter().map(|column| column.text.as_str()).collect();
    let given = match (&it.source, columns.is_empty()) {
        (InsertSource::Default, _) => integrity::Given::Columns(&[]),
        (_, true) => integrity::Given::Unknown,
        (_, false) => integrity::Given::Columns(&columns),
    };
    write_rows(exec, &target, given, it.on_conflict, span);
    read(exec, &it.facts)?;
    for write in &it.facts.writes {
        cte_write(exec, write, span)?;
    }
    calls(exec, &it.facts, span);
    integrity::triggers(exec, &target, integrity::Event::Insert, span);
    Ok(())
}

/// Rows arrive in a relation: routed to partitions, keys from sequences, foreign keys checked.
fn write_rows(exec: &mut Exec, target: &QName, given: integrity::Given<'_>, on_conflict: bool, span: Span) {
    let relation = exec.relation(target);
    exec.work(target, LockMode::RowExclusive, Work::Rows);
    match relation.kind {
        // One automatically updatable view reads one relation (rewriteTargetView, rewriteHandler.c).
        RelationKind::View => {
            if let Some((base, _)) = relation.reads.first().cloned() {
                exec.perhaps(|exec| write_rows(exec, &base, integrity::Given::Unknown, on_conflict, span));
            }
            return;
        }
        // Only partitions that receive rows are opened (ExecFindPartition, execPartition.c).
        RelationKind::PartitionedTable => {
            for partition in exec.schema.descendants(target) {
                exec.perhaps(|exec| exec.lock(&partition, LockMode::RowExclusive));
            }
            for partition in exec.schema.storages(target) {
                exec.perhaps(|exec| exec.work(&partition, LockMode::RowExclusive, Work::Rows));
                exec.schema.fill(&partition);
            }
        }
        _ => reach::lock_ancestors(exec, target),
    }
    // ON CONFLICT with an inference clause opens all indexes (infer_arbiter_indexes, plancat.c); DO NOTHING alone does not.
    if on_conflict {
        exec.perhaps(|exec| reach::lock_indexes(exec, target, LockMode::RowExclusive));
    }
    integrity::defaults(exec, target, given, span);
    integrity::referenced(exec, target, given);
    exec.schema.fill(target);
}

fn update(exec: &mut Exec, it: &ast::Update, span: Span) -> Result<(), Stop> {
    let Some(target) = reach::find(exec, &it.target)? else { return reads(exec, &it.facts, false, true) };
    refuse_write(exec, &target, span)?;
    let relation = exec.relation(&target);
    for assignment in
        it.assignments.iter().filter(|_| !exec.conditional && !relation.open && relation.kind != RelationKind::View)
    {
        let name = assignment.column.as_str();
        let Some(column) = relation.column(name) else {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", target.name);
            return exec.refuse("42703", message, assignment.span);
        };
        // rewriteTargetListIU, rewriteHandler.c.
        let default = matches!(assignment.value, Some(ast::ExprAt { expr: Expr::SetToDefault, .. }));
        if !default && (column.generated.is_some() || column.identity == Some('a')) {
            let message = format!("column \"{name}\" can only be updated to DEFAULT");
            return exec.refuse("428C9", message, assignment.span);
        }
    }
    exec.operation(OperationKind::Update, span, Some(&target));
    let filter = it.filter.as_ref().map(|filter| &filter.expr);
    change_rows(exec, &target, &it.target, &it.facts, filter);
    joined_reads(exec, &it.facts, it.has_from, filter)?;
    for write in &it.facts.writes {
        cte_write(exec, write, span)?;
    }
    calls(exec, &it.facts, span);
    let columns: Vec<&str> = it.assignments.iter().map(|assignment| assignment.column.as_str()).collect();
    // Moving a row checks the bounds of its partition.
    if exec.relation(&target).kind != RelationKind::PartitionedTable {
        reach::lock_ancestors(exec, &target);
    }
    if !is_rowless(exec, &target, &it.target) {
        integrity::referenced(exec, &target, integrity::Given::Columns(&columns));
        integrity::referencing(exec, &target, Some(&columns));
    }
    integrity::triggers(exec, &target, integrity::Event::Update(&columns), span);
    Ok(())
}

fn delete(exec: &mut Exec, it: &ast::Delete, span: Span) -> Result<(), Stop> {
    let Some(target) = reach::find(exec, &it.target)? else { return reads(exec, &it.facts, false, true) };
    refuse_write(exec, &target, span)?;
    if replaced(exec, &target, "delete") {
        exec.lock(&target, LockMode::RowExclusive);
        return Ok(());
    }
    exec.operation(OperationKind::Delete, span, Some(&target));
    let filter = it.filter.as_ref().map(|filter| &filter.expr);
    change_rows(exec, &target, &it.target, &it.facts, filter);
    joined_reads(exec, &it.facts, it.has_using, filter)?;
    for write in &it.facts.writes {
        cte_write(exec, write, span)?;
    }
    calls(exec, &it.facts, span);
    if !is_rowless(exec, &target, &it.target) {
        integrity::referencing(exec, &target, None);
    }
    integrity::triggers(exec, &target, integrity::Event::Delete, span);
    Ok(())
}

/// ONLY of a partitioned table: it is planned as empty (expand_inherited_rtentry, inherit.c), so no row changes.
fn is_rowless(exec: &Exec, target: &QName, written: &RelationRef) -> bool {
    written.only && exec.relation(target).kind == RelationKind::PartitionedTable
}

/// Whether a rule always does something else (fireRules, rewriteHandler.c).
fn replaced(exec: &Exec, target: &QName, event: &str) -> bool {
    exec.relation(target).rules.iter().any(|rule| rule.replaces == Some(event))
}

/// CheckValidResultRel, execMain.c.
fn refuse_write(exec: &mut Exec, target: &QName, span: Span) -> Result<(), Stop> {
    let what = match exec.schema.relations.get(target).map(|it| it.kind) {
        Some(RelationKind::MaterializedView) => "materialized view",
        Some(RelationKind::Sequence) => "sequence",
        _ => return Ok(()),
    };
    exec.refuse("42809", format!("cannot change {what} \"{}\"", target.name), span)
}

fn change_rows(exec: &mut Exec, target: &QName, written: &RelationRef, facts: &Query, filter: Option<&Expr>) {
    // The columns of a view that can be written keep their names, mostly.
    let relation = exec.relation(target);
    let view = relation.kind == RelationKind::View;
    let base = relation.reads.first().filter(|_| view).map_or(target, |(base, _)| base);
    let indexed = filter.is_some_and(|filter| prune::is_indexed(exec, base, called(written), facts, filter));
    let want = Access {
        lock: LockMode::RowExclusive,
        works: if indexed { &[Work::Rows] } else { &[Work::Rows, Work::Scan] },
        only: written.only,
        planned: true,
        filter: filter.map_or(Filter::All, Filter::Where),
    };
    reach::access(exec, target, &want);
}

fn called(relation: &RelationRef) -> &str {
    relation.alias.as_deref().unwrap_or(&relation.name.name)
}

/// The other tables of UPDATE ... FROM and DELETE ... USING, and those of subqueries in WHERE, are joined: read as a whole
/// unless an index leads to few of their rows. Subqueries elsewhere are looked up row by row.
fn joined_reads(exec: &mut Exec, facts: &Query, joins: bool, filter: Option<&Expr>) -> Result<(), Stop> {
    let joined = joins || filter.is_some_and(has_subquery);
    for read in &facts.reads {
        let Some(name) = reach::find(exec, &read.relation)? else { continue };
        let indexed =
            filter.is_some_and(|filter| prune::is_indexed(exec, &name, called(&read.relation), facts, filter));
        let lock = if read.row_lock.is_some() { LockMode::RowShare } else { LockMode::AccessShare };
        let want = Access {
            works: if joined && !indexed && !facts.limited { &[Work::Scan] } else { &[] },
            only: read.relation.only,
            filter: Filter::Unknown,
            ..plain(lock)
        };
        reach::access(exec, &name, &want);
    }
    Ok(())
}

fn has_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::Subquery(_)) || crate::expr::children(expr).into_iter().any(has_subquery)
}

fn merge(exec: &mut Exec, target: &RelationRef, facts: &Query, span: Span) -> Result<(), Stop> {
    let Some(target_name) = reach::find(exec, target)? else { return reads(exec, facts, true, true) };
    refuse_write(exec, &target_name, span)?;
    if !exec.relation(&target_name).rules.is_empty() {
        let message = format!("cannot execute MERGE on relation \"{}\"", target_name.name);
        return exec.refuse("0A000", message, span);
    }
    exec.operation(OperationKind::Merge, span, Some(&target_name));
    change_rows(exec, &target_name, target, facts, None);
    reads(exec, facts, true, true)?;
    calls(exec, facts, span);
    // Which actions it has and which of them apply is not known.
    exec.perhaps(|exec| {
        integrity::defaults(exec, &target_name, integrity::Given::Unknown, span);
        integrity::referenced(exec, &target_name, integrity::Given::Unknown);
        integrity::referencing(exec, &target_name, None);
    });
    exec.schema.fill(&target_name);
    Ok(())
}

fn copy(exec: &mut Exec, it: &ast::Copy, span: Span) -> Result<(), Stop> {
    if let Some(query) = &it.query {
        return select(exec, query, span);
    }
    let Some(relation) = &it.relation else { return Ok(()) };
    let Some(target) = reach::find(exec, relation)? else { return Ok(()) };
    let kind = exec.relation(&target).kind;
    let known = !exec.relation(&target).open || kind == RelationKind::View;
    let refused = match kind {
        RelationKind::MaterializedView if it.from => true,
        // 18 copies materialized views (BeginCopyTo).
        RelationKind::PartitionedTable | RelationKind::View | RelationKind::ForeignTable => !it.from,
        RelationKind::MaterializedView => !exec.since(18),
        _ => false,
    };
    if known && refused {
        let (what, way) = (super::dependents::noun(kind), if it.from { "to" } else { "from" });
        let message = format!("cannot copy {way} {what} \"{}\"", target.name);
        return exec.refuse("42809", message, span);
    }
    if !it.from {
        // COPY TO reads the table without a plan (BeginCopyTo, copyto.c).
        exec.work(&target, LockMode::AccessShare, Work::Scan);
        return Ok(());
    }
    exec.operation(OperationKind::Insert, span, Some(&target));
    exec.work(&target, LockMode::RowExclusive, Work::Rows);
    // How many rows come, and with which columns, is not in the statement.
    exec.perhaps(|exec| {
        write_rows(exec, &target, integrity::Given::Unknown, false, span);
        integrity::triggers(exec, &target, integrity::Event::Insert, span);
    });
    Ok(())
}

fn cte_write(exec: &mut Exec, write: &ast::Write, span: Span) -> Result<(), Stop> {
    let Some(target) = reach::find(exec, &write.relation)? else { return Ok(()) };
    let kind = match write.kind {
        WriteKind::Insert if write.joined => OperationKind::InsertSelect,
        WriteKind::Insert => OperationKind::Insert,
        WriteKind::Update => OperationKind::Update,
        WriteKind::Delete => OperationKind::Delete,
        WriteKind::Merge => OperationKind::Merge,
    };
    exec.operation(kind, span, Some(&target));
    match write.kind {
        WriteKind::Insert => write_rows(exec, &target, integrity::Given::Unknown, false, span),
        _ => {
            let all = write.filter.is_none() && !write.joined;
            let want = Access {
                lock: LockMode::RowExclusive,
                works: &[Work::Rows],
                only: write.relation.only,
                planned: true,
                filter: if all { Filter::All } else { Filter::Unknown },
            };
            reach::access(exec, &target, &want);
            exec.perhaps(|exec| integrity::referencing(exec, &target, None));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TABLE users (id bigserial PRIMARY KEY, email text, status text);
CREATE INDEX users_status_idx ON users (status);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint REFERENCES users (id), note text);
CREATE VIEW v AS SELECT id, email FROM users;
CREATE TABLE days (day date, v int) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM ('2024-02-01') TO ('2024-03-01')";

    #[test]
    fn reads() {
        let sql = "
SELECT count(*) FROM users; SELECT * FROM v WHERE id = 1; SELECT * FROM users WHERE id = 1 FOR UPDATE;
SELECT nextval('users_id_seq'); SELECT setval(pg_get_serial_sequence('orders', 'id'), 5); SELECT * FROM nope; SELECT * FROM pg_class";
        expect![[r#"
            SELECT count(*) FROM users
                users ACCESS SHARE+scan, users_pkey ACCESS SHARE, users_status_idx ACCESS SHARE
            SELECT * FROM v WHERE id = 1
                users ACCESS SHARE, users_pkey ACCESS SHARE, users_status_idx ACCESS SHARE, v ACCESS SHARE
            SELECT * FROM users WHERE id = 1 FOR UPDATE
                users ROW SHARE+rows, users_pkey ROW SHARE, users_status_idx ROW SHARE | blocks users:W
            SELECT nextval('users_id_seq')
                users_id_seq ROW EXCLUSIVE
            SELECT setval(pg_get_serial_sequence('orders', 'id'), 5)
                orders_id_seq ROW EXCLUSIVE
            SELECT * FROM nope
                nope ACCESS SHARE+scan
            SELECT * FROM pg_class
                nothing
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn writes() {
        let sql = "
INSERT INTO users (email) VALUES ('x'); INSERT INTO orders (user_id) VALUES (1); INSERT INTO orders (note) SELECT email FROM users;
UPDATE users SET status = 'x'; UPDATE users SET status = 'x' WHERE id = 1; UPDATE orders SET user_id = 1 WHERE note = 'x';
UPDATE v SET email = 'x' WHERE id = 1; DELETE FROM users WHERE id = 1; DELETE FROM orders WHERE id = 1;
UPDATE days SET v = 1 WHERE day = '2024-01-05'; INSERT INTO days_1 VALUES ('2024-01-05', 1);
EXPLAIN DELETE FROM orders; EXPLAIN ANALYZE DELETE FROM orders; COPY orders FROM STDIN; COPY users TO STDOUT";
        expect![[r#"
            INSERT INTO users (email) VALUES ('x')
                users ROW EXCLUSIVE+rows, users_id_seq ROW EXCLUSIVE
            INSERT INTO orders (user_id) VALUES (1)
                orders ROW EXCLUSIVE+rows, orders_id_seq ROW EXCLUSIVE, users ROW SHARE+rows, users_pkey ROW SHARE, users_status_idx ROW SHARE | blocks users:W
            INSERT INTO orders (note) SELECT email FROM users
                orders ROW EXCLUSIVE+rows, orders_id_seq ROW EXCLUSIVE, users ACCESS SHARE+scan, users_pkey ACCESS SHARE, users_status_idx ACCESS SHARE
            UPDATE users SET status = 'x'
                users ROW EXCLUSIVE+rows, users ROW EXCLUSIVE+scan, users_pkey ROW EXCLUSIVE, users_status_idx ROW EXCLUSIVE | blocks users:W
            UPDATE users SET status = 'x' WHERE id = 1
                users ROW EXCLUSIVE+rows, users_pkey ROW EXCLUSIVE, users_status_idx ROW EXCLUSIVE | blocks users:W
            UPDATE orders SET user_id = 1 WHERE note = 'x'
                orders ROW EXCLUSIVE+rows, orders ROW EXCLUSIVE+scan, orders_pkey ROW EXCLUSIVE, users ROW SHARE+rows, users_pkey ROW SHARE, users_status_idx ROW SHARE | blocks orders:W users:W
            UPDATE v SET email = 'x' WHERE id = 1
                users ROW EXCLUSIVE+rows, users_pkey ROW EXCLUSIVE, users_status_idx ROW EXCLUSIVE, v ROW EXCLUSIVE | blocks users:W
            DELETE FROM users WHERE id = 1
                orders ROW SHARE+scan, orders_pkey ROW SHARE, users ROW EXCLUSIVE+rows, users_pkey ROW EXCLUSIVE, users_status_idx ROW EXCLUSIVE | blocks users:W
            DELETE FROM orders WHERE id = 1
                orders ROW EXCLUSIVE+rows, orders_pkey ROW EXCLUSIVE | blocks orders:W users:W
            UPDATE days SET v = 1 WHERE day = '2024-01-05'
                days ROW EXCLUSIVE, days_1 ROW EXCLUSIVE+rows, days_1 ROW EXCLUSIVE+scan | blocks days:W days_1:W
            INSERT INTO days_1 VALUES ('2024-01-05', 1)
                days ACCESS SHARE, days_1 ROW EXCLUSIVE+rows
            EXPLAIN DELETE FROM orders
                orders ROW EXCLUSIVE, orders_pkey ROW EXCLUSIVE
            EXPLAIN ANALYZE DELETE FROM orders
                orders ROW EXCLUSIVE+rows, orders ROW EXCLUSIVE+scan, orders_pkey ROW EXCLUSIVE | blocks orders:W users:W
            COPY orders FROM STDIN
                orders ROW EXCLUSIVE+rows, orders_id_seq ROW EXCLUSIVE?, users ROW SHARE+rows?, users_pkey ROW SHARE?, users_status_idx ROW SHARE? | blocks users:W
            COPY users TO STDOUT
                users ACCESS SHARE+scan
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn only_of_a_partitioned_table_has_no_rows() {
        let before =
            "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p DEFAULT;
CREATE TABLE k (p int REFERENCES p)";
        expect![[r#"
            DELETE FROM ONLY p
                p ROW EXCLUSIVE, p_pkey ROW EXCLUSIVE
            UPDATE ONLY p SET id = 1
                p ROW EXCLUSIVE, p_pkey ROW EXCLUSIVE
            DELETE FROM p
                k ROW SHARE+scan, p ROW EXCLUSIVE, p1 ROW EXCLUSIVE+rows, p1 ROW EXCLUSIVE+scan, p1_pkey ROW EXCLUSIVE, p_pkey ROW EXCLUSIVE | blocks p:W p1:W
        "#]].assert_eq(&effects(before, "DELETE FROM ONLY p; UPDATE ONLY p SET id = 1; DELETE FROM p"));
    }
}
