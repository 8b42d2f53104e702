//! Every other object, and commands that concern no object of the schema.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{ObjectKind, StatementKind};

use super::{Exec, Stop, on_table, privileges, publication, rename, routine, sequence, view};
use crate::effect::{LockMode, OperationKind};
use crate::schema::Relation;

pub(super) fn object(exec: &mut Exec, it: &StatementKind, span: Span) {
    let _ = statement(exec, it, span);
}

fn statement(exec: &mut Exec, it: &StatementKind, span: Span) -> Result<(), Stop> {
    match it {
        StatementKind::CreateView(it) => view::create_view(exec, it, span),
        StatementKind::CreateSequence(it) => sequence::create_sequence(exec, it, span),
        StatementKind::AlterSequence(it) => sequence::alter_sequence(exec, it, span),
        StatementKind::CreateTrigger(it) => on_table::create_trigger(exec, it, span),
        StatementKind::CreateRule { .. } => on_table::create_rule(exec, it, span),
        // Before the table is looked for (CreatePolicy, policy.c).
        StatementKind::CreatePolicy { misplaced: Some(message), .. } => {
            exec.refuse("42601", (*message).to_owned(), span)
        }
        StatementKind::CreatePolicy { name, relation, expressions, .. } => {
            on_table::policy(exec, name, relation, expressions, true, span)
        }
        StatementKind::AlterPolicy { name, relation, expressions } => {
            on_table::policy(exec, name, relation, expressions, false, span)
        }
        StatementKind::CreateStatistics { name, relation, columns, expressions, if_not_exists } => {
            on_table::create_statistics(
                exec,
                name.as_ref(),
                relation.as_ref(),
                columns,
                expressions,
                *if_not_exists,
                span,
            )
        }
        StatementKind::Rename(it) => rename::rename(exec, it, span),
        StatementKind::SetSchema(it) => rename::set_schema(exec, it, span),
        StatementKind::SetOwner(it) => privileges::set_owner(exec, it, span),
        StatementKind::Comment(it) => privileges::comment(exec, it, span),
        StatementKind::SecurityLabel { object, name } => privileges::security_label(exec, *object, name, span),
        StatementKind::Grant(it) => privileges::grant(exec, it, span),
        StatementKind::ReassignOwned { from } => {
            privileges::reassign_owned(exec, from, span);
            Ok(())
        }
        StatementKind::DropOwned { roles, .. } => privileges::drop_owned(exec, roles, span),
        StatementKind::CreatePublication(it) => publication::create(exec, it, span),
        StatementKind::AlterPublication { publication, action } => publication::alter(exec, publication, *action, span),
        StatementKind::DependsOnExtension { object, name, relation } => {
            exec.operation(OperationKind::Other, span, None);
            // The object is locked ACCESS EXCLUSIVE, the table of a trigger only while it is looked up
            // (ExecAlterObjectDependsStmt, alter.c).
            let (name, lock) = match object {
                ObjectKind::Index | ObjectKind::MaterializedView => (Some(name), LockMode::AccessExclusive),
                ObjectKind::Trigger => (relation.as_ref(), LockMode::AccessShare),
                _ => (None, LockMode::AccessShare),
            };
            if let Some(name) = name {
                let name = exec.resolve(name);
                exec.lock(&name, lock);
            }
            Ok(())
        }
        StatementKind::CreateSchema { name, if_not_exists, elements } => {
            create_schema(exec, name.as_deref(), *if_not_exists, elements, span)
        }
        StatementKind::CreateExtension { name, if_not_exists, .. } => {
            create_extension(exec, name, *if_not_exists, span)
        }
        StatementKind::CreateSubscription { creates_slot: true } => {
            non_transactional(exec, "CREATE SUBSCRIPTION ... WITH (create_slot = true)", span)
        }
        // Only one that has a replication slot refuses, and most have.
        StatementKind::DropSubscription => non_transactional(exec, "DROP SUBSCRIPTION", span),
        StatementKind::CreateDatabase => non_transactional(exec, "CREATE DATABASE", span),
        StatementKind::DropDatabase { .. } => non_transactional(exec, "DROP DATABASE", span),
        StatementKind::AlterDatabase { set_tablespace: true } => {
            non_transactional(exec, "ALTER DATABASE SET TABLESPACE", span)
        }
        StatementKind::CreateTablespace => non_transactional(exec, "CREATE TABLESPACE", span),
        StatementKind::DropTablespace => non_transactional(exec, "DROP TABLESPACE", span),
        StatementKind::AlterSystem => non_transactional(exec, "ALTER SYSTEM", span),
        StatementKind::Template(it) => {
            routine::opaque(exec, span);
            for name in it.creates.iter().map(|it| exec.new_name(it)).collect::<Vec<_>>() {
                if !exec.schema.has_class(&name) {
                    exec.schema.insert_relation(Relation { born: exec.born, ..Relation::open(name) });
                }
            }
            Ok(())
        }
        StatementKind::Invalid(_) | StatementKind::Other { .. } => Ok(()),
        _ => {
            exec.operation(OperationKind::Other, span, None);
            Ok(())
        }
    }
}

/// PreventInTransactionBlock in standard_ProcessUtility, utility.c, and in the commands themselves.
fn non_transactional(exec: &mut Exec, statement: &str, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::NonTransactional, span, None);
    exec.refuse_transaction(statement, span);
    Ok(())
}

/// The elements are created in the new schema (CreateSchemaCommand, schemacmds.c).
fn create_schema(
    exec: &mut Exec,
    name: Option<&str>,
    if_not_exists: bool,
    elements: &[StatementKind],
    span: Span,
) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    // AUTHORIZATION alone: the name of the role.
    let Some(name) = name else { return Ok(()) };
    if name.starts_with("pg_") {
        return exec.refuse("42939", format!("unacceptable schema name \"{name}\""), span);
    }
    if exec.schema.schemas.contains_key(name) {
        if if_not_exists {
            return Ok(());
        }
        return exec.refuse("42P06", format!("schema \"{name}\" already exists"), span);
    }
    exec.schema.schemas.insert(name.into(), ());
    exec.session.search_path.insert(0, name.to_owned());
    for element in elements {
        exec.statement(element, span);
    }
    exec.session.search_path.remove(0);
    Ok(())
}

fn create_extension(exec: &mut Exec, name: &str, if_not_exists: bool, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    let name: Arc<str> = name.into();
    if exec.schema.extensions.contains_key(&name) && !if_not_exists {
        return exec.refuse("42710", format!("extension \"{name}\" already exists"), span);
    }
    exec.schema.extensions.insert(name, ());
    exec.schema.forget_gone();
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TABLE t (id int); CREATE SCHEMA app; CREATE EXTENSION citext";

    #[test]
    fn odds_and_ends() {
        let sql = "
CREATE SCHEMA app; CREATE SCHEMA s CREATE TABLE x (id int) CREATE VIEW y AS SELECT id FROM x; SELECT * FROM s.y; CREATE EXTENSION citext; CREATE DATABASE d; ALTER SYSTEM SET work_mem = '4MB';
ALTER TABLE t OWNER TO someone; REASSIGN OWNED BY someone TO other; NOTIFY c";
        expect![[r#"
            CREATE SCHEMA app
                nothing | 42P06: schema "app" already exists
            CREATE SCHEMA s CREATE TABLE x (id int) CREATE VIEW y AS SELECT id FROM x
                s.x ACCESS SHARE
            SELECT * FROM s.y
                s.x ACCESS SHARE+scan, s.y ACCESS SHARE
            CREATE EXTENSION citext
                nothing | 42710: extension "citext" already exists
            CREATE DATABASE d
                nothing | 25001 if wrapped: CREATE DATABASE cannot run inside a transaction block
            ALTER SYSTEM SET work_mem = '4MB'
                nothing | 25001 if wrapped: ALTER SYSTEM cannot run inside a transaction block
            ALTER TABLE t OWNER TO someone
                t ACCESS EXCLUSIVE | blocks t:RW
            REASSIGN OWNED BY someone TO other
                t ACCESS EXCLUSIVE | blocks t:RW
            NOTIFY c
                nothing
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
