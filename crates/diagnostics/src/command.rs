//! The names of statements.

use syntax::ast::{ObjectKind, StatementKind, TransactionKind};

/// The command as PostgreSQL reports it when it is done: `CREATE INDEX`. What never runs is `INVALID` or `TEMPLATE`.
#[must_use]
pub fn name(kind: &StatementKind) -> String {
    let object = |verb: &str, object: ObjectKind| format!("{verb} {}", object_name(object));
    let name = match kind {
        StatementKind::AlterTable(it) => return object("ALTER", it.object),
        StatementKind::CreateTable(it) if it.foreign => "CREATE FOREIGN TABLE",
        StatementKind::CreateTable(_) => "CREATE TABLE",
        StatementKind::CreateTableAs(it) if it.object == ObjectKind::MaterializedView => "CREATE MATERIALIZED VIEW",
        StatementKind::CreateTableAs(it) if it.select_into => "SELECT INTO",
        StatementKind::CreateTableAs(_) => "CREATE TABLE AS",
        StatementKind::CreateIndex(_) => "CREATE INDEX",
        StatementKind::CreateView(_) => "CREATE VIEW",
        StatementKind::CreateSequence(_) => "CREATE SEQUENCE",
        StatementKind::AlterSequence(_) => "ALTER SEQUENCE",
        StatementKind::RefreshMaterializedView { .. } => "REFRESH MATERIALIZED VIEW",
        StatementKind::Truncate { .. } => "TRUNCATE TABLE",
        StatementKind::LockTable { .. } => "LOCK TABLE",
        StatementKind::AlterAllInTablespace { object: kind, .. } => return object("ALTER", *kind),
        StatementKind::Drop(it) => return object("DROP", it.object),
        StatementKind::Rename(it) => return object("ALTER", owner(it.object, it.relation_object)),
        StatementKind::SetSchema(it) => return object("ALTER", it.object),
        StatementKind::SetOwner(it) => return object("ALTER", it.object),
        StatementKind::DependsOnExtension { object: kind, .. } => return object("ALTER", *kind),
        StatementKind::Comment(_) => "COMMENT",
        StatementKind::SecurityLabel { .. } => "SECURITY LABEL",
        StatementKind::Reindex(_) => "REINDEX",
        StatementKind::Cluster { .. } => "CLUSTER",
        StatementKind::Vacuum(_) => "VACUUM",
        StatementKind::Analyze { .. } => "ANALYZE",
        StatementKind::CreateTrigger(_) => "CREATE TRIGGER",
        StatementKind::CreateRule { .. } => "CREATE RULE",
        StatementKind::CreatePolicy { .. } => "CREATE POLICY",
        StatementKind::AlterPolicy { .. } => "ALTER POLICY",
        StatementKind::CreateStatistics { .. } => "CREATE STATISTICS",
        StatementKind::AlterStatistics { .. } => "ALTER STATISTICS",
        StatementKind::CreateEnum { .. }
        | StatementKind::CreateComposite { .. }
        | StatementKind::CreateRange { .. } => "CREATE TYPE",
        StatementKind::AlterEnum(_) => "ALTER TYPE",
        StatementKind::Define { object: kind, .. } => return object("CREATE", *kind),
        StatementKind::CreateDomain { .. } => "CREATE DOMAIN",
        StatementKind::AlterDomain { .. } => "ALTER DOMAIN",
        StatementKind::CreateFunction(it) if it.procedure => "CREATE PROCEDURE",
        StatementKind::CreateFunction(_) => "CREATE FUNCTION",
        StatementKind::AlterFunction { object: kind, .. } => return object("ALTER", *kind),
        StatementKind::CreateSchema { .. } => "CREATE SCHEMA",
        StatementKind::CreateExtension { .. } => "CREATE EXTENSION",
        StatementKind::AlterExtension { .. } => "ALTER EXTENSION",
        StatementKind::CreateCast => "CREATE CAST",
        StatementKind::CreateEventTrigger { .. } => "CREATE EVENT TRIGGER",
        StatementKind::AlterEventTrigger { .. } => "ALTER EVENT TRIGGER",
        StatementKind::Grant(it) if it.revoke => "REVOKE",
        StatementKind::Grant(_) => "GRANT",
        StatementKind::AlterDefaultPrivileges => "ALTER DEFAULT PRIVILEGES",
        StatementKind::ReassignOwned { .. } => "REASSIGN OWNED",
        StatementKind::DropOwned { .. } => "DROP OWNED",
        StatementKind::CreatePublication(_) => "CREATE PUBLICATION",
        StatementKind::AlterPublication { .. } => "ALTER PUBLICATION",
        StatementKind::CreateSubscription { .. } => "CREATE SUBSCRIPTION",
        StatementKind::AlterSubscription => "ALTER SUBSCRIPTION",
        StatementKind::DropSubscription => "DROP SUBSCRIPTION",
        StatementKind::CreateDatabase => "CREATE DATABASE",
        StatementKind::AlterDatabase { .. } => "ALTER DATABASE",
        StatementKind::DropDatabase { .. } => "DROP DATABASE",
        StatementKind::CreateTablespace => "CREATE TABLESPACE",
        StatementKind::DropTablespace => "DROP TABLESPACE",
        StatementKind::AlterSystem => "ALTER SYSTEM",
        StatementKind::Role => "ROLE",
        StatementKind::Transaction { kind } => transaction_name(kind),
        StatementKind::Set(it) if it.values.is_none() => "RESET",
        StatementKind::Set(_) => "SET",
        StatementKind::SetConstraints { .. } => "SET CONSTRAINTS",
        StatementKind::Discard { all: true } => "DISCARD ALL",
        StatementKind::Discard { all: false } => "DISCARD",
        StatementKind::Select(_) => "SELECT",
        StatementKind::Insert(_) => "INSERT",
        StatementKind::Update(_) => "UPDATE",
        StatementKind::Delete(_) => "DELETE",
        StatementKind::Merge { .. } => "MERGE",
        StatementKind::Copy(_) => "COPY",
        StatementKind::Explain { .. } => "EXPLAIN",
        StatementKind::Do(_) => "DO",
        StatementKind::Call { .. } => "CALL",
        StatementKind::Prepare { .. } => "PREPARE",
        StatementKind::Other { tag } => tag,
        StatementKind::Invalid(_) => "INVALID",
        StatementKind::Template(_) => "TEMPLATE",
    };
    name.to_owned()
}

/// A column is renamed by altering its table.
fn owner(object: ObjectKind, relation: ObjectKind) -> ObjectKind {
    match object {
        ObjectKind::Column | ObjectKind::Attribute | ObjectKind::TableConstraint => relation,
        ObjectKind::DomainConstraint => ObjectKind::Domain,
        other => other,
    }
}

fn object_name(object: ObjectKind) -> &'static str {
    match object {
        ObjectKind::Table | ObjectKind::Column | ObjectKind::TableConstraint => "TABLE",
        ObjectKind::Index => "INDEX",
        ObjectKind::View => "VIEW",
        ObjectKind::MaterializedView => "MATERIALIZED VIEW",
        ObjectKind::Sequence => "SEQUENCE",
        ObjectKind::ForeignTable => "FOREIGN TABLE",
        ObjectKind::Type | ObjectKind::Attribute => "TYPE",
        ObjectKind::Domain | ObjectKind::DomainConstraint => "DOMAIN",
        ObjectKind::Trigger => "TRIGGER",
        ObjectKind::Rule => "RULE",
        ObjectKind::Policy => "POLICY",
        ObjectKind::Function => "FUNCTION",
        ObjectKind::Procedure => "PROCEDURE",
        ObjectKind::Routine => "ROUTINE",
        ObjectKind::Aggregate => "AGGREGATE",
        ObjectKind::Schema => "SCHEMA",
        ObjectKind::Extension => "EXTENSION",
        ObjectKind::Statistics => "STATISTICS",
        ObjectKind::Publication => "PUBLICATION",
        ObjectKind::Subscription => "SUBSCRIPTION",
        ObjectKind::EventTrigger => "EVENT TRIGGER",
        ObjectKind::Collation => "COLLATION",
        ObjectKind::Role => "ROLE",
        ObjectKind::Database => "DATABASE",
        ObjectKind::Tablespace => "TABLESPACE",
        ObjectKind::Other => "OBJECT",
    }
}

fn transaction_name(kind: &TransactionKind) -> &'static str {
    match kind {
        TransactionKind::Begin => "BEGIN",
        TransactionKind::Commit | TransactionKind::CommitAndChain => "COMMIT",
        TransactionKind::Rollback | TransactionKind::RollbackAndChain | TransactionKind::RollbackTo => "ROLLBACK",
        TransactionKind::Savepoint => "SAVEPOINT",
        TransactionKind::Release => "RELEASE",
        TransactionKind::Prepare => "PREPARE TRANSACTION",
        TransactionKind::CommitPrepared => "COMMIT PREPARED",
        TransactionKind::RollbackPrepared => "ROLLBACK PREPARED",
    }
}
