//! Session, transaction, maintenance and cluster statements.

use super::Tight;
use super::create;
use super::names;
use super::source::{Cursor, Source};
use crate::ast::{Ident, Name, ObjectKind, Reindex, RelationRef, Set, StatementKind, TransactionKind, Vacuum};
use crate::ffi::{List, Node};
use crate::nodes::{self as pg, Kind};

pub fn transaction(node: &pg::TransactionStmt<'_>) -> StatementKind {
    let kind = match node.kind {
        pg::TRANS_STMT_COMMIT if node.chain => TransactionKind::CommitAndChain,
        pg::TRANS_STMT_COMMIT => TransactionKind::Commit,
        pg::TRANS_STMT_ROLLBACK if node.chain => TransactionKind::RollbackAndChain,
        pg::TRANS_STMT_ROLLBACK => TransactionKind::Rollback,
        pg::TRANS_STMT_SAVEPOINT => TransactionKind::Savepoint,
        pg::TRANS_STMT_RELEASE => TransactionKind::Release,
        pg::TRANS_STMT_ROLLBACK_TO => TransactionKind::RollbackTo,
        pg::TRANS_STMT_PREPARE => TransactionKind::Prepare,
        pg::TRANS_STMT_COMMIT_PREPARED => TransactionKind::CommitPrepared,
        pg::TRANS_STMT_ROLLBACK_PREPARED => TransactionKind::RollbackPrepared,
        _ => TransactionKind::Begin,
    };
    StatementKind::Transaction { kind }
}

pub fn set(source: &Source<'_>, node: &pg::VariableSetStmt<'_>) -> StatementKind {
    let name = match node.kind {
        pg::VAR_RESET_ALL => "all".to_owned(),
        _ => node.name.get().to_ascii_lowercase(),
    };
    if name == "transaction_timeout" {
        source.need_at(17, "transaction_timeout", source.whole());
    }
    let values = match node.kind {
        pg::VAR_SET_VALUE | pg::VAR_SET_MULTI => Some(node.args.iter().map(names::value_text).tight()),
        // SET x FROM CURRENT.
        pg::VAR_SET_CURRENT => Some(Vec::new()),
        _ => None,
    };
    StatementKind::Set(Set { name, values, local: node.is_local })
}

pub fn reindex(source: &Source<'_>, node: &pg::ReindexStmt<'_>) -> StatementKind {
    let object = match node.kind {
        pg::REINDEX_OBJECT_INDEX => ObjectKind::Index,
        pg::REINDEX_OBJECT_TABLE => ObjectKind::Table,
        pg::REINDEX_OBJECT_SCHEMA => ObjectKind::Schema,
        pg::REINDEX_OBJECT_DATABASE => ObjectKind::Database,
        _ => ObjectKind::Other,
    };
    let end = source.tokens.len();
    let name = match (node.relation, node.name.opt()) {
        (Some(range), _) => Some(names::relation_name(source, range)),
        (None, Some(name)) => {
            Some(Name { schema: None, name: name.to_owned(), span: source.tokens_span(end - 1, end) })
        }
        (None, None) => {
            source.need(16, "REINDEX DATABASE without a name", 0, end);
            None
        }
    };
    let options = names::options(node.params);
    StatementKind::Reindex(Reindex {
        object,
        name,
        concurrently: names::flag(node.params, "concurrently").unwrap_or(false),
        tablespace: options.into_iter().find(|option| option.name == "tablespace").and_then(|option| option.value),
    })
}

pub fn vacuum(source: &Source<'_>, node: &pg::VacuumStmt<'_>) -> StatementKind {
    let relations: Vec<(RelationRef, Vec<Ident>)> = node
        .rels
        .iter()
        .filter_map(|node| match node.kind() {
            Kind::VacuumRelation(relation) => {
                let range = relation.relation?;
                let open = source.at(range.location).map(|index| source.name_end(index));
                let columns = names::idents_in(source, relation.va_cols.strings(), open);
                Some((names::relation(source, range), columns))
            }
            _ => None,
        })
        .tight();
    if relations.iter().any(|(relation, _)| relation.only)
        && let Some(at) = source.find(0, "ONLY")
    {
        source.need(18, if node.is_vacuumcmd { "VACUUM ONLY" } else { "ANALYZE ONLY" }, at, at + 1);
    }
    for option in node.options.iter() {
        let Kind::DefElem(option) = option.kind() else { continue };
        let construct = match option.defname.get() {
            "skip_database_stats" => "VACUUM (SKIP_DATABASE_STATS)",
            "only_database_stats" => "VACUUM (ONLY_DATABASE_STATS)",
            "process_main" => "VACUUM (PROCESS_MAIN)",
            "buffer_usage_limit" => "BUFFER_USAGE_LIMIT",
            _ => continue,
        };
        if let Some(index) = source.at(option.location) {
            source.need(16, construct, index, index + 1);
        }
    }
    if !node.is_vacuumcmd {
        return StatementKind::Analyze { relations };
    }
    let flag = |name: &str| names::flag(node.options, name).unwrap_or(false);
    StatementKind::Vacuum(Vacuum {
        full: flag("full"),
        analyze: flag("analyze"),
        no_truncate: names::flag(node.options, "truncate") == Some(false),
        relations,
    })
}

pub fn cluster(source: &Source<'_>, node: &pg::ClusterStmt<'_>) -> StatementKind {
    let end = source.tokens.len();
    if node.relation.is_none() && source.kind(1) == Some(crate::lex::TokenKind::LeftParen) {
        source.need(17, "CLUSTER (options) without a table", 0, end);
    }
    let index = node.indexname.opt().map(|text| {
        // CLUSTER table USING index; CLUSTER index ON table.
        let at = source.find(0, "USING").map_or_else(|| source.find(0, "ON").map_or(0, |at| at - 1), |at| at + 1);
        Ident { text: text.to_owned(), span: source.tokens_span(at, at + 1) }
    });
    StatementKind::Cluster { relation: node.relation.map(|range| names::relation_name(source, range)), index }
}

pub fn lock(source: &Source<'_>, node: &pg::LockStmt<'_>) -> StatementKind {
    StatementKind::LockTable {
        relations: names::relations(source, node.relations),
        mode: names::lock_mode(node.mode),
        nowait: node.nowait,
    }
}

pub fn explain(source: &Source<'_>, node: &pg::ExplainStmt<'_>) -> StatementKind {
    for option in node.options.iter() {
        let Kind::DefElem(option) = option.kind() else { continue };
        let needed = match option.defname.get() {
            "generic_plan" => Some((16, "EXPLAIN (GENERIC_PLAN)")),
            "serialize" => Some((17, "EXPLAIN (SERIALIZE)")),
            "memory" => Some((17, "EXPLAIN (MEMORY)")),
            _ => None,
        };
        if let (Some((major, construct)), Some(index)) = (needed, source.at(option.location)) {
            source.need(major, construct, index, index + 1);
        }
    }
    let mut cursor = Cursor::new(source, 1);
    if source.kind(1) == Some(crate::lex::TokenKind::LeftParen) && !node.options.is_empty() {
        cursor.at = source.group_end(1);
    } else {
        cursor.eat_any(&["ANALYZE", "ANALYSE"]);
        cursor.eat("VERBOSE");
    }
    StatementKind::Explain {
        analyze: names::flag(node.options, "analyze").unwrap_or(false),
        statement: inner(source, node.query, cursor.at),
    }
}

/// PREPARE name AS query; DECLARE name CURSOR FOR query.
pub fn prepare(source: &Source<'_>, query: Option<Node<'_>>, keyword: &str) -> StatementKind {
    StatementKind::Prepare { statement: inner(source, query, source.find(0, keyword).map_or(0, |at| at + 1)) }
}

fn inner(source: &Source<'_>, node: Option<Node<'_>>, from: usize) -> Box<StatementKind> {
    Box::new(match node {
        Some(node) => super::statement_at(source, node, from, source.tokens.len()),
        None => StatementKind::Other { tag: "EXPLAIN" },
    })
}

pub fn alter_sequence(source: &Source<'_>, node: &pg::AlterSeqStmt<'_>) -> StatementKind {
    let (options, owned_by) = create::sequence_options(node.options);
    StatementKind::AlterSequence(crate::ast::AlterSequence {
        name: create::optional_relation(source, node.sequence),
        if_exists: node.missing_ok,
        options,
        owned_by: create::place_owner(source, owned_by),
    })
}

pub fn call(source: &Source<'_>, node: &pg::CallStmt<'_>) -> StatementKind {
    let Some(function) = node.funccall else { return StatementKind::Other { tag: "CALL" } };
    StatementKind::Call {
        name: super::expr::call_name(source, function),
        arguments: super::expr::exprs(source, function.args),
    }
}

/// SET TABLESPACE among the options of ALTER DATABASE.
pub fn sets_tablespace(options: List<'_>) -> bool {
    options.iter().any(|node| matches!(node.kind(), Kind::DefElem(option) if option.defname.get() == "tablespace"))
}

/// Subscription options: a slot is created unless `create_slot` or `connect` is off.
pub fn creates_slot(options: List<'_>) -> bool {
    names::flag(options, "create_slot").unwrap_or_else(|| names::flag(options, "connect").unwrap_or(true))
}

/// Options of subscriptions that came after 14.
pub fn subscription_needs(source: &Source<'_>, options: List<'_>) {
    for option in options.iter() {
        let Kind::DefElem(option) = option.kind() else { continue };
        let (major, construct) = match option.defname.get() {
            "two_phase" => (15, "a subscription's two_phase"),
            "disable_on_error" => (15, "a subscription's disable_on_error"),
            "origin" => (16, "a subscription's origin"),
            "password_required" => (16, "a subscription's password_required"),
            "run_as_owner" => (16, "a subscription's run_as_owner"),
            "failover" => (17, "a subscription's failover"),
            _ => continue,
        };
        if let Some(index) = source.at(option.location) {
            source.need(major, construct, index, index + 1);
        }
    }
}

/// ALTER OPERATOR could set RESTRICT and JOIN only.
pub fn operator_needs(source: &Source<'_>, options: List<'_>) {
    for option in options.iter() {
        if let Kind::DefElem(option) = option.kind()
            && matches!(option.defname.get(), "commutator" | "negator" | "merges" | "hashes")
            && let Some(index) = source.at(option.location)
        {
            source.need(17, "ALTER OPERATOR ... SET (COMMUTATOR, NEGATOR, HASHES, MERGES)", index, index + 1);
        }
    }
}
