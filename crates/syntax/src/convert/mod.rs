//! PostgreSQL's raw parse tree to the typed statements of [`crate::ast`], one file per family.

mod alter_table;
mod column;
mod create;
mod data;
mod expr;
mod names;
mod object;
pub mod query;
mod session;
pub mod source;
mod types;

use crate::ast::{PublicationAction, StatementKind};
use crate::ffi::Node;
use crate::lex::TokenKind;
use crate::nodes::{self as pg, Kind};
use crate::plpgsql;
use source::Source;

/// Collects without slack: trees are kept, and most lists have one element, for which a vector would reserve four.
trait Tight: Iterator + Sized {
    fn tight(self) -> Vec<Self::Item> {
        let (least, most) = self.size_hint();
        let mut collected = Vec::with_capacity(most.unwrap_or(least));
        collected.extend(self);
        collected
    }
}

impl<I: Iterator> Tight for I {}

/// A statement that stands at the tokens `from..to` of another.
pub fn statement_at(source: &Source<'_>, node: Node<'_>, from: usize, to: usize) -> StatementKind {
    let part = source.part(from, to);
    let kind = statement(&part, node);
    source.need_also(part.needs.take());
    kind
}

/// Notes what the tokens alone tell: numbers with underscores or a radix, AT LOCAL, XMLSERIALIZE (... INDENT).
pub fn lexical_needs(source: &Source<'_>) {
    for (index, token) in source.tokens.iter().enumerate() {
        if matches!(token.kind, TokenKind::Integer | TokenKind::Float) {
            let digits = source.word(index);
            if digits.contains('_')
                || (digits.starts_with('0') && digits[1..].starts_with(|c: char| "xXoObB".contains(c)))
            {
                source.need(16, "numbers like 1_000 and 0xff", index, index + 1);
            }
        } else if token.is(source.text, "LOCAL") && index > 1 && source.is(index - 1, "AT") {
            source.need(17, "AT LOCAL", index - 1, index + 1);
        } else if token.is(source.text, "INDENT")
            && source.kind(index + 1) == Some(TokenKind::RightParen)
            && source.tokens[..index].iter().any(|token| token.is(source.text, "XMLSERIALIZE"))
        {
            source.need(16, "XMLSERIALIZE ... INDENT", index, index + 1);
        }
    }
}

/// The statement whose tokens are those of `source`.
pub fn statement(source: &Source<'_>, node: Node<'_>) -> StatementKind {
    let other = |tag: &'static str| StatementKind::Other { tag };
    match node.kind() {
        // Relations.
        Kind::AlterTableStmt(n) => alter_table::alter_table(source, n),
        Kind::CreateStmt(n) => create::create_table(source, n, false),
        Kind::CreateForeignTableStmt(n) => create::create_table(source, &n.base, true),
        Kind::CreateTableAsStmt(n) => create::create_table_as(source, n),
        Kind::IndexStmt(n) => create::create_index(source, n),
        Kind::ViewStmt(n) => create::create_view(source, n),
        Kind::CreateSeqStmt(n) => create::create_sequence(source, n),
        Kind::AlterSeqStmt(n) => session::alter_sequence(source, n),
        Kind::RefreshMatViewStmt(n) => StatementKind::RefreshMaterializedView {
            name: create::optional_relation(source, n.relation),
            concurrently: n.concurrent,
            with_data: !n.skip_data,
        },
        Kind::TruncateStmt(n) => StatementKind::Truncate {
            relations: names::relations(source, n.relations),
            restart_identity: n.restart_seqs,
            cascade: n.behavior == pg::DROP_CASCADE,
        },
        Kind::LockStmt(n) => session::lock(source, n),
        Kind::AlterTableMoveAllStmt(n) => StatementKind::AlterAllInTablespace {
            object: names::object_kind(n.objtype),
            from: n.orig_tablespacename.owned(),
            to: n.new_tablespacename.owned(),
        },

        // Any object.
        Kind::DropStmt(n) => object::drop(source, n),
        Kind::RenameStmt(n) => object::rename(source, n),
        Kind::AlterObjectSchemaStmt(n) => object::set_schema(source, n),
        Kind::AlterOwnerStmt(n) => object::set_owner(source, n),
        Kind::AlterObjectDependsStmt(n) => object::depends(source, n),
        Kind::CommentStmt(n) => object::comment(source, n),
        Kind::SecLabelStmt(n) => object::security_label(source, n),

        // Maintenance.
        Kind::ReindexStmt(n) => session::reindex(source, n),
        Kind::ClusterStmt(n) => session::cluster(source, n),
        Kind::VacuumStmt(n) => session::vacuum(source, n),

        // Things on a table.
        Kind::CreateTrigStmt(n) => create::create_trigger(source, n),
        Kind::RuleStmt(n) => create::create_rule(source, n),
        Kind::CreatePolicyStmt(n) => {
            let (name, relation, expressions) =
                create::policy(source, n.policy_name.get(), n.table, [n.qual, n.with_check]);
            let misplaced = match n.cmd_name.get() {
                "insert" if n.qual.is_some() => Some("only WITH CHECK expression allowed for INSERT"),
                "select" | "delete" if n.with_check.is_some() => {
                    Some("WITH CHECK cannot be applied to SELECT or DELETE")
                }
                _ => None,
            };
            StatementKind::CreatePolicy { name, relation, expressions, misplaced }
        }
        Kind::AlterPolicyStmt(n) => {
            let (name, relation, expressions) =
                create::policy(source, n.policy_name.get(), n.table, [n.qual, n.with_check]);
            StatementKind::AlterPolicy { name, relation, expressions }
        }
        Kind::CreateStatsStmt(n) => create::create_statistics(source, n),
        Kind::AlterStatsStmt(n) => {
            if n.stxstattarget.is_none()
                && let Some(at) = source.find(0, "SET")
            {
                source.need(17, "SET STATISTICS DEFAULT", at, source.tokens.len());
            }
            let at = 2 + if n.missing_ok { 2 } else { 0 };
            StatementKind::AlterStatistics { name: names::name_at(source, n.defnames, at), if_exists: n.missing_ok }
        }

        // Types, functions, schemas.
        Kind::CreateEnumStmt(n) => types::create_enum(source, n),
        Kind::AlterEnumStmt(n) => types::alter_enum(source, n),
        Kind::CompositeTypeStmt(n) => types::create_composite(source, n),
        Kind::CreateRangeStmt(n) => StatementKind::CreateRange { name: names::name_at(source, n.type_name, 2) },
        Kind::DefineStmt(n) => types::define(source, n),
        Kind::CreateDomainStmt(n) => types::create_domain(source, n),
        Kind::AlterDomainStmt(n) => types::alter_domain(source, n),
        Kind::CreateFunctionStmt(n) => types::create_function(source, n),
        Kind::AlterFunctionStmt(n) => types::alter_function(source, n),
        Kind::CreateSchemaStmt(n) => types::create_schema(source, n),
        Kind::CreateExtensionStmt(n) => types::create_extension(n),
        Kind::AlterExtensionStmt(n) => StatementKind::AlterExtension { name: n.extname.owned() },
        Kind::AlterExtensionContentsStmt(n) => StatementKind::AlterExtension { name: n.extname.owned() },
        Kind::CreateCastStmt(_) => StatementKind::CreateCast,
        Kind::CreateEventTrigStmt(n) => {
            if n.eventname.get() == "login" {
                source.need(17, "event trigger on login", 0, source.tokens.len());
            }
            StatementKind::CreateEventTrigger { name: names_ident(source, n.trigname.get(), 3) }
        }
        Kind::AlterEventTrigStmt(n) => {
            StatementKind::AlterEventTrigger { name: names_ident(source, n.trigname.get(), 3) }
        }

        // Privileges and cluster-wide objects.
        Kind::GrantStmt(n) => object::grant(source, n),
        Kind::GrantRoleStmt(n) => object::grant_role(source, n),
        Kind::AlterDefaultPrivilegesStmt(n) => {
            if n.action.is_some_and(|action| action.objtype == pg::OBJECT_LARGEOBJECT) {
                source.need(18, "ALTER DEFAULT PRIVILEGES ... LARGE OBJECTS", 0, source.tokens.len());
            }
            StatementKind::AlterDefaultPrivileges
        }
        Kind::ReassignOwnedStmt(n) => StatementKind::ReassignOwned { from: names::roles(n.roles) },
        Kind::DropOwnedStmt(n) => {
            StatementKind::DropOwned { roles: names::roles(n.roles), cascade: n.behavior == pg::DROP_CASCADE }
        }
        Kind::CreatePublicationStmt(n) => StatementKind::CreatePublication(object::publication(
            source,
            n.pubname.get(),
            n.pubobjects,
            n.for_all_tables,
        )),
        Kind::AlterPublicationStmt(n) => StatementKind::AlterPublication {
            publication: object::publication(source, n.pubname.get(), n.pubobjects, n.for_all_tables),
            action: match n.action {
                _ if n.pubobjects.is_empty() => PublicationAction::Other,
                pg::AP_AddObjects => PublicationAction::Add,
                pg::AP_DropObjects => PublicationAction::Drop,
                _ => PublicationAction::Set,
            },
        },
        Kind::CreateSubscriptionStmt(n) => {
            session::subscription_needs(source, n.options);
            StatementKind::CreateSubscription { creates_slot: session::creates_slot(n.options) }
        }
        Kind::AlterSubscriptionStmt(n) => {
            if n.kind == pg::ALTER_SUBSCRIPTION_SKIP {
                source.need(15, "ALTER SUBSCRIPTION ... SKIP", 0, source.tokens.len());
            }
            session::subscription_needs(source, n.options);
            StatementKind::AlterSubscription
        }
        Kind::DropSubscriptionStmt(_) => StatementKind::DropSubscription,
        Kind::CreatedbStmt(_) => StatementKind::CreateDatabase,
        Kind::AlterDatabaseStmt(n) => {
            StatementKind::AlterDatabase { set_tablespace: session::sets_tablespace(n.options) }
        }
        Kind::AlterDatabaseSetStmt(_) => StatementKind::AlterDatabase { set_tablespace: false },
        Kind::AlterDatabaseRefreshCollStmt(_) => {
            source.need(15, "ALTER DATABASE ... REFRESH COLLATION VERSION", 0, source.tokens.len());
            StatementKind::AlterDatabase { set_tablespace: false }
        }
        Kind::DropdbStmt(n) => StatementKind::DropDatabase { if_exists: n.missing_ok },
        Kind::CreateTableSpaceStmt(_) => StatementKind::CreateTablespace,
        Kind::DropTableSpaceStmt(_) => StatementKind::DropTablespace,
        Kind::AlterSystemStmt(_) => StatementKind::AlterSystem,
        Kind::CreateRoleStmt(_) | Kind::AlterRoleStmt(_) | Kind::AlterRoleSetStmt(_) | Kind::DropRoleStmt(_) => {
            StatementKind::Role
        }

        // Session and transaction.
        Kind::TransactionStmt(n) => session::transaction(n),
        Kind::VariableSetStmt(n) => session::set(source, n),
        Kind::ConstraintsSetStmt(n) => StatementKind::SetConstraints { deferred: n.deferred },
        Kind::DiscardStmt(n) => StatementKind::Discard { all: n.target == pg::DISCARD_ALL },

        // Data.
        Kind::SelectStmt(n) => data::select(source, node, n),
        Kind::InsertStmt(n) => data::insert(source, n),
        Kind::UpdateStmt(n) => data::update(source, n),
        Kind::DeleteStmt(n) => data::delete(source, n),
        Kind::MergeStmt(n) => data::merge(source, n),
        Kind::CopyStmt(n) => data::copy(source, n),
        Kind::ExplainStmt(n) => session::explain(source, n),
        Kind::DoStmt(n) => plpgsql::do_statement(source, n),
        Kind::CallStmt(n) => session::call(source, n),
        Kind::PrepareStmt(n) => session::prepare(source, n.query, "AS"),
        Kind::DeclareCursorStmt(n) => session::prepare(source, n.query, "FOR"),

        Kind::ExecuteStmt(_) => other("EXECUTE"),
        Kind::DeallocateStmt(_) => other("DEALLOCATE"),
        Kind::FetchStmt(_) => other("FETCH"),
        Kind::ClosePortalStmt(_) => other("CLOSE CURSOR"),
        Kind::CheckPointStmt(_) => other("CHECKPOINT"),
        Kind::NotifyStmt(_) => other("NOTIFY"),
        Kind::ListenStmt(_) => other("LISTEN"),
        Kind::UnlistenStmt(_) => other("UNLISTEN"),
        Kind::LoadStmt(_) => other("LOAD"),
        Kind::VariableShowStmt(_) => other("SHOW"),
        Kind::ReturnStmt(_) => other("RETURN"),
        Kind::AlterTableSpaceOptionsStmt(_) => other("ALTER TABLESPACE"),
        Kind::AlterCollationStmt(_) => other("ALTER COLLATION"),
        Kind::AlterOperatorStmt(n) => {
            session::operator_needs(source, n.options);
            other("ALTER OPERATOR")
        }
        Kind::AlterTypeStmt(_) => other("ALTER TYPE"),
        Kind::AlterOpFamilyStmt(_) => other("ALTER OPERATOR FAMILY"),
        Kind::AlterTSDictionaryStmt(_) => other("ALTER TEXT SEARCH DICTIONARY"),
        Kind::AlterTSConfigurationStmt(_) => other("ALTER TEXT SEARCH CONFIGURATION"),
        Kind::CreateAmStmt(_) => other("CREATE ACCESS METHOD"),
        Kind::CreatePLangStmt(_) => other("CREATE LANGUAGE"),
        Kind::CreateTransformStmt(_) => other("CREATE TRANSFORM"),
        Kind::CreateConversionStmt(_) => other("CREATE CONVERSION"),
        Kind::CreateOpClassStmt(_) => other("CREATE OPERATOR CLASS"),
        Kind::CreateOpFamilyStmt(_) => other("CREATE OPERATOR FAMILY"),
        Kind::CreateFdwStmt(_) => other("CREATE FOREIGN DATA WRAPPER"),
        Kind::AlterFdwStmt(_) => other("ALTER FOREIGN DATA WRAPPER"),
        Kind::CreateForeignServerStmt(_) => other("CREATE SERVER"),
        Kind::AlterForeignServerStmt(_) => other("ALTER SERVER"),
        Kind::CreateUserMappingStmt(_) => other("CREATE USER MAPPING"),
        Kind::AlterUserMappingStmt(_) => other("ALTER USER MAPPING"),
        Kind::DropUserMappingStmt(_) => other("DROP USER MAPPING"),
        Kind::ImportForeignSchemaStmt(_) => other("IMPORT FOREIGN SCHEMA"),
        _ => other("UNKNOWN"),
    }
}

fn names_ident(source: &Source<'_>, text: &str, index: usize) -> crate::ast::Ident {
    crate::ast::Ident { text: text.to_owned(), span: source.tokens_span(index, index + 1) }
}
