//! TRUNCATE and LOCK TABLE.

use syntax::Span;
use syntax::ast::RelationRef;

use super::{Exec, NeedsBlock, Stop, integrity, reach};
use crate::effect::{LockMode, OperationKind};
use crate::name::QName;
use crate::schema::{ConstraintKind, RelationKind};

/// ACCESS EXCLUSIVE on the tables, their partitions and children, with CASCADE on all tables that reference them
/// (ExecuteTruncate, heap_truncate_find_FKs), and on their indexes (reindex_relation).
pub(super) fn truncate(
    exec: &mut Exec,
    relations: &[RelationRef],
    restart_identity: bool,
    cascade: bool,
    span: Span,
) -> Result<(), Stop> {
    let mut tables: Vec<QName> = Vec::new();
    let mut named = Vec::new();
    for relation in relations {
        let Some(name) = reach::find(exec, relation)? else { continue };
        let kind = exec.relation(&name).kind;
        match kind {
            RelationKind::Table | RelationKind::ForeignTable => {}
            RelationKind::PartitionedTable if relation.only => {
                return exec.refuse("42809", "cannot truncate only a partitioned table".to_owned(), span);
            }
            RelationKind::PartitionedTable => {}
            _ => return exec.refuse("42809", format!("\"{}\" is not a table", name.name), span),
        }
        named.push(name.clone());
        push(&mut tables, name.clone());
        if !relation.only {
            exec.schema.descendants(&name).into_iter().for_each(|child| push(&mut tables, child));
        }
    }
    let mut next = 0;
    while next < tables.len() {
        for (child, constraint) in exec.schema.foreign_keys_over(&tables[next].clone()) {
            if tables.contains(&child) {
                continue;
            }
            // Who has no trigger is not asked, and a NOT ENFORCED key makes none (heap_truncate_check_FKs, heap.c).
            if !cascade && !has_triggers(exec, &tables[next]) {
                continue;
            }
            if !cascade {
                let message = "cannot truncate a table referenced in a foreign key constraint".to_owned();
                return exec.refuse("0A000", message, span);
            }
            debug_assert!(matches!(constraint.kind, ConstraintKind::ForeignKey { .. }));
            exec.schema.descendants(&child).into_iter().for_each(|it| push(&mut tables, it));
            push(&mut tables, child);
        }
        next += 1;
    }
    exec.operation(OperationKind::Truncate, span, named.first());
    for table in &tables {
        exec.lock(table, LockMode::AccessExclusive);
        if exec.relation(table).kind == RelationKind::PartitionedTable {
            continue;
        }
        reach::lock_indexes(exec, table, LockMode::AccessExclusive);
        if restart_identity {
            for (sequence, _) in exec.schema.sequences_of(table) {
                exec.lock(&sequence, LockMode::AccessExclusive);
            }
        }
        let certain = !exec.conditional;
        exec.schema.edit(table, |it| it.empty |= certain);
    }
    for table in &named {
        integrity::triggers(exec, table, integrity::Event::Truncate, span);
    }
    Ok(())
}

fn has_triggers(exec: &Exec, table: &QName) -> bool {
    let relation = exec.relation(table);
    let own = relation.constraints.iter().filter(|it| matches!(it.kind, ConstraintKind::ForeignKey { .. }));
    relation.kind == RelationKind::PartitionedTable
        || !relation.triggers.is_empty()
        || own.chain(exec.schema.foreign_keys_over(table).iter().map(|(_, it)| it)).any(|it| it.enforced)
}

/// LOCK TABLE takes the mode on children too, and on what a view reads (LockTableCommand, lockcmds.c).
pub(super) fn lock_table(exec: &mut Exec, relations: &[RelationRef], mode: LockMode, span: Span) -> Result<(), Stop> {
    if !exec.lowered {
        exec.needs_block = Some(NeedsBlock { command: "LOCK TABLE", explicit: false, span });
    }
    for relation in relations {
        let Some(name) = reach::find(exec, relation)? else { continue };
        exec.operation(OperationKind::LockTable, span, Some(&name));
        let index = exec.schema.indexes.contains_key(&name);
        let kind = if index { RelationKind::Index } else { exec.relation(&name).kind };
        match kind {
            RelationKind::View => lock_view(exec, &name, mode, 0),
            RelationKind::Table | RelationKind::PartitionedTable => {
                lock_tree(exec, &name, mode, relation.only);
            }
            _ => {
                let message = if exec.since(15) {
                    format!("cannot lock relation \"{}\"", name.name)
                } else {
                    format!("\"{}\" is not a table or view", name.name)
                };
                return exec.refuse("42809", message, span);
            }
        }
    }
    Ok(())
}

fn lock_tree(exec: &mut Exec, name: &QName, mode: LockMode, only: bool) {
    exec.lock(name, mode);
    if !only {
        for child in exec.schema.descendants(name) {
            exec.lock(&child, mode);
        }
    }
}

fn lock_view(exec: &mut Exec, name: &QName, mode: LockMode, depth: usize) {
    exec.lock(name, mode);
    for (read, _) in exec.relation(name).reads.clone() {
        if exec.relation(&read).kind == RelationKind::View {
            if depth < 16 {
                lock_view(exec, &read, mode, depth + 1);
            }
        } else {
            lock_tree(exec, &read, mode, false);
        }
    }
}

fn push(tables: &mut Vec<QName>, name: QName) {
    if !tables.contains(&name) {
        tables.push(name);
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TABLE users (id bigserial PRIMARY KEY); CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint REFERENCES users);
CREATE VIEW v AS SELECT * FROM users; CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)";

    #[test]
    fn keys_over_partitions_and_keys_that_are_not_enforced() {
        let before = "CREATE TABLE r (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE r2 PARTITION OF r DEFAULT PARTITION BY RANGE (id); CREATE TABLE r2a PARTITION OF r2 DEFAULT;
CREATE TABLE ref (r int REFERENCES r); CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE loose (u int REFERENCES u NOT ENFORCED)";
        let sql = "
TRUNCATE r2a; DELETE FROM r2a WHERE id = 1; ALTER TABLE r2 DETACH PARTITION r2a; TRUNCATE u; DROP TABLE r2a CASCADE";
        expect![[r#"
            TRUNCATE r2a
                nothing | 0A000: cannot truncate a table referenced in a foreign key constraint
            DELETE FROM r2a WHERE id = 1
                r2a ROW EXCLUSIVE+rows, r2a_pkey ROW EXCLUSIVE, ref ROW SHARE+scan | blocks r:W r2:W r2a:W
            ALTER TABLE r2 DETACH PARTITION r2a
                r2 ACCESS EXCLUSIVE, r2a ACCESS EXCLUSIVE+scan, r2a_pkey ACCESS EXCLUSIVE, ref ACCESS EXCLUSIVE+scan | blocks r:RW r2:RW r2a:RW ref:RW
            TRUNCATE u
                u ACCESS EXCLUSIVE, u_pkey ACCESS EXCLUSIVE | blocks u:RW
            DROP TABLE r2a CASCADE
                r2a ACCESS EXCLUSIVE, r2a_pkey ACCESS EXCLUSIVE | blocks r2a:RW
        "#]].assert_eq(&effects(before, sql));
    }

    #[test]
    fn truncating() {
        let sql = "
TRUNCATE orders; TRUNCATE users; TRUNCATE users CASCADE; TRUNCATE orders RESTART IDENTITY; TRUNCATE p; TRUNCATE ONLY p; TRUNCATE v";
        expect![[r#"
            TRUNCATE orders
                orders ACCESS EXCLUSIVE, orders_pkey ACCESS EXCLUSIVE | blocks orders:RW users:W
            TRUNCATE users
                nothing | 0A000: cannot truncate a table referenced in a foreign key constraint
            TRUNCATE users CASCADE
                orders ACCESS EXCLUSIVE, orders_pkey ACCESS EXCLUSIVE, users ACCESS EXCLUSIVE, users_pkey ACCESS EXCLUSIVE | blocks orders:RW users:RW v:R
            TRUNCATE orders RESTART IDENTITY
                orders ACCESS EXCLUSIVE, orders_id_seq ACCESS EXCLUSIVE, orders_pkey ACCESS EXCLUSIVE | blocks orders:RW orders_id_seq:W users:W
            TRUNCATE p
                p ACCESS EXCLUSIVE, p1 ACCESS EXCLUSIVE | blocks p:RW p1:RW
            TRUNCATE ONLY p
                nothing | 42809: cannot truncate only a partitioned table
            TRUNCATE v
                nothing | 42809: "v" is not a table
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn locking() {
        let sql = "
BEGIN; LOCK TABLE users IN SHARE MODE; LOCK TABLE v; LOCK TABLE ONLY p; LOCK TABLE p IN EXCLUSIVE MODE; LOCK TABLE users_id_seq; COMMIT; LOCK TABLE users";
        expect![[r#"
            BEGIN
                nothing
            LOCK TABLE users IN SHARE MODE
                users SHARE | blocks users:W
            LOCK TABLE v
                users ACCESS EXCLUSIVE, v ACCESS EXCLUSIVE | blocks orders:W users:RW v:R
            LOCK TABLE ONLY p
                p ACCESS EXCLUSIVE | blocks p:RW p1:W
            LOCK TABLE p IN EXCLUSIVE MODE
                p EXCLUSIVE, p1 EXCLUSIVE | blocks p:W p1:W
            LOCK TABLE users_id_seq
                nothing | 42809: cannot lock relation "users_id_seq"
            COMMIT
                nothing
            LOCK TABLE users
                users ACCESS EXCLUSIVE | blocks orders:W users:RW v:R | 25P01: LOCK TABLE can only be used in transaction blocks
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
