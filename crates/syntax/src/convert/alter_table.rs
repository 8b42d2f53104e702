//! ALTER TABLE and its siblings: one converted subcommand per source segment.

use super::Tight;
use super::column;
use super::expr;
use super::names;
use super::source::{Cursor, Source};
use crate::ast::{AlterAction, AlterTable, DefElem, Ident, Name, ObjectKind, RelationRef, StatementKind, Subcommand};
use crate::ffi::{List, Node};
use crate::lex::TokenKind;
use crate::nodes::{self as pg, Kind};

pub fn alter_table(source: &Source<'_>, node: &pg::AlterTableStmt<'_>) -> StatementKind {
    let Some(range) = node.relation else {
        return StatementKind::Other { tag: "ALTER TABLE" };
    };
    let mut start = source.at(range.location).map_or(0, |index| source.name_end(index));
    // `ONLY (name)` and `name *`.
    if source.kind(start) == Some(TokenKind::RightParen) || source.word(start) == "*" {
        start += 1;
    }
    let segments = source.elements(start, source.tokens.len());
    let subcommands = node
        .cmds
        .iter()
        .enumerate()
        .filter_map(|(index, command)| {
            let Kind::AlterTableCmd(command) = command.kind() else { return None };
            let (from, to) = segments.get(index).copied().unwrap_or((start, source.tokens.len()));
            let spread = matches!(command.subtype, pg::AT_AddColumn | pg::AT_AlterColumnType);
            Some(Subcommand {
                span: source.tokens_span(from, to),
                action: action(source, command, from, to),
                cascade: spread && command.behavior == pg::DROP_CASCADE,
            })
        })
        .tight();
    let object = names::object_kind(node.objtype);
    if object == ObjectKind::Sequence
        && let Some(at) = source.find(start, "LOGGED").or_else(|| source.find(start, "UNLOGGED"))
    {
        source.need(15, "ALTER SEQUENCE ... SET LOGGED", at.saturating_sub(1), at + 1);
    }
    StatementKind::AlterTable(AlterTable {
        object,
        // A composite type has no children, which the grammar notes as ONLY.
        relation: RelationRef { only: !range.inh && object != ObjectKind::Type, ..names::relation(source, range) },
        if_exists: node.missing_ok,
        subcommands,
    })
}

/// The subcommand at the tokens `from..to`.
fn action(source: &Source<'_>, node: &pg::AlterTableCmd<'_>, from: usize, to: usize) -> AlterAction {
    let cascade = node.behavior == pg::DROP_CASCADE;
    let if_exists = node.missing_ok;
    let column = || column_name(source, node, from);
    match node.subtype {
        pg::AT_AddColumn => match node.def.map(Node::kind) {
            Some(Kind::ColumnDef(def)) => {
                AlterAction::AddColumn { column: column::column_def(source, def), if_not_exists: node.missing_ok }
            }
            _ => AlterAction::GenericOptions,
        },
        pg::AT_DropColumn => AlterAction::DropColumn { column: column(), if_exists, cascade },
        pg::AT_ColumnDefault => match node.def {
            None => AlterAction::DropDefault { column: column() },
            Some(_) => {
                let default = source.find(from, "DEFAULT").unwrap_or(from);
                AlterAction::SetDefault { column: column(), default: expr::expr_at(source, node.def, default + 1, to) }
            }
        },
        pg::AT_SetNotNull => AlterAction::SetNotNull { column: column() },
        pg::AT_DropNotNull => AlterAction::DropNotNull { column: column() },
        pg::AT_AlterColumnType => alter_type(source, node, from, to),
        pg::AT_SetExpression => {
            let at = source.find(from, "EXPRESSION").unwrap_or(from);
            source.need(17, "SET EXPRESSION", at.saturating_sub(1), to);
            let open = source.find_open(at).unwrap_or(at);
            let expression = expr::expr_at(source, node.def, open + 1, source.group_end(open).saturating_sub(1));
            AlterAction::SetExpression { column: column(), expression }
        }
        pg::AT_DropExpression => AlterAction::DropExpression { column: column(), if_exists },
        pg::AT_AddIdentity => match node.def.map(Node::kind) {
            Some(Kind::Constraint(identity)) => AlterAction::AddIdentity {
                column: column(),
                always: identity.generated_when == b'a',
                options: names::options(identity.options),
            },
            _ => AlterAction::GenericOptions,
        },
        pg::AT_SetIdentity => AlterAction::SetIdentity { column: column(), options: identity_options(list(node.def)) },
        pg::AT_DropIdentity => AlterAction::DropIdentity { column: column(), if_exists },
        pg::AT_SetStatistics => {
            if node.def.is_none()
                && let Some(at) = source.find(from, "STATISTICS")
            {
                source.need(17, "SET STATISTICS DEFAULT", at, to);
            }
            AlterAction::SetStatistics { column: node.name.opt().map(|_| column()) }
        }
        pg::AT_SetOptions => {
            AlterAction::SetColumnOptions { column: column(), options: names::options(list(node.def)) }
        }
        pg::AT_ResetOptions => {
            AlterAction::ResetColumnOptions { column: column(), options: names::options(list(node.def)) }
        }
        pg::AT_SetStorage => {
            if source.is(to - 1, "DEFAULT") {
                source.need(16, "SET STORAGE DEFAULT", to - 2, to);
            }
            AlterAction::SetStorage { column: column(), storage: crate::lex::fold(source.word(to - 1)) }
        }
        pg::AT_SetCompression => {
            AlterAction::SetCompression { column: column(), compression: crate::lex::fold(source.word(to - 1)) }
        }
        pg::AT_AddConstraint => match node.def.map(Node::kind) {
            Some(Kind::Constraint(constraint)) => {
                AlterAction::AddConstraint(column::table_constraint(source, constraint))
            }
            _ => AlterAction::GenericOptions,
        },
        pg::AT_AlterConstraint => alter_constraint(source, node, from, to),
        pg::AT_ValidateConstraint => AlterAction::ValidateConstraint { name: constraint_name(source, node, from) },
        pg::AT_DropConstraint => {
            AlterAction::DropConstraint { name: constraint_name(source, node, from), if_exists, cascade }
        }
        pg::AT_ChangeOwner => AlterAction::Owner { role: names::role(node.newowner) },
        pg::AT_ClusterOn => AlterAction::ClusterOn { index: last_ident(source, node.name.get(), to) },
        pg::AT_DropCluster => AlterAction::SetWithoutCluster,
        pg::AT_SetLogged => AlterAction::SetLogged,
        pg::AT_SetUnLogged => AlterAction::SetUnlogged,
        pg::AT_SetAccessMethod => {
            let method = node.name.opt_owned();
            if method.is_none() {
                source.need(17, "SET ACCESS METHOD DEFAULT", from, to);
            } else {
                source.need(15, "SET ACCESS METHOD", from, to);
            }
            AlterAction::SetAccessMethod { method }
        }
        pg::AT_SetTableSpace => AlterAction::SetTablespace { tablespace: node.name.owned() },
        pg::AT_SetRelOptions | pg::AT_ReplaceRelOptions => {
            AlterAction::SetOptions { options: relation_options(source, list(node.def)) }
        }
        pg::AT_ResetRelOptions => AlterAction::ResetOptions { options: names::options(list(node.def)) },
        pg::AT_AddInherit => AlterAction::Inherit { parent: relation(source, node.def) },
        pg::AT_DropInherit => AlterAction::NoInherit { parent: relation(source, node.def) },
        pg::AT_AddOf => match node.def.map(Node::kind) {
            Some(Kind::TypeName(ty)) => AlterAction::Of { ty: names::type_name(source, ty) },
            _ => AlterAction::GenericOptions,
        },
        pg::AT_DropOf => AlterAction::NotOf,
        pg::AT_ReplicaIdentity => match node.def.map(Node::kind) {
            Some(Kind::ReplicaIdentityStmt(identity)) => AlterAction::ReplicaIdentity {
                kind: char::from(identity.identity_type),
                index: identity.name.opt().map(|name| last_ident(source, name, to)),
            },
            _ => AlterAction::GenericOptions,
        },
        pg::AT_EnableRowSecurity => AlterAction::RowSecurity { enable: true },
        pg::AT_DisableRowSecurity => AlterAction::RowSecurity { enable: false },
        pg::AT_ForceRowSecurity => AlterAction::ForceRowSecurity { force: true },
        pg::AT_NoForceRowSecurity => AlterAction::ForceRowSecurity { force: false },
        pg::AT_EnableTrig | pg::AT_EnableAlwaysTrig | pg::AT_EnableReplicaTrig => {
            AlterAction::EnableTrigger { name: Some(last_ident(source, node.name.get(), to)), user: false }
        }
        pg::AT_EnableTrigAll => AlterAction::EnableTrigger { name: None, user: false },
        pg::AT_EnableTrigUser => AlterAction::EnableTrigger { name: None, user: true },
        pg::AT_DisableTrig => {
            AlterAction::DisableTrigger { name: Some(last_ident(source, node.name.get(), to)), user: false }
        }
        pg::AT_DisableTrigAll => AlterAction::DisableTrigger { name: None, user: false },
        pg::AT_DisableTrigUser => AlterAction::DisableTrigger { name: None, user: true },
        pg::AT_EnableRule | pg::AT_EnableAlwaysRule | pg::AT_EnableReplicaRule => {
            AlterAction::EnableRule { name: last_ident(source, node.name.get(), to) }
        }
        pg::AT_DisableRule => AlterAction::DisableRule { name: last_ident(source, node.name.get(), to) },
        pg::AT_AttachPartition => match node.def.map(Node::kind) {
            Some(Kind::PartitionCmd(command)) => AlterAction::AttachPartition {
                partition: partition(source, command),
                bound: command.bound.map(|bound| column::partition_bound(source, bound)),
            },
            _ => AlterAction::GenericOptions,
        },
        pg::AT_DetachPartition | pg::AT_DetachPartitionFinalize => match node.def.map(Node::kind) {
            Some(Kind::PartitionCmd(command)) => AlterAction::DetachPartition {
                partition: partition(source, command),
                concurrently: command.concurrent,
                finalize: node.subtype == pg::AT_DetachPartitionFinalize,
            },
            _ => AlterAction::GenericOptions,
        },
        pg::AT_DropOids => AlterAction::SetWithoutOids,
        _ => AlterAction::GenericOptions,
    }
}

fn list(node: Option<Node<'_>>) -> List<'_> {
    match node.map(Node::kind) {
        Some(Kind::List(list)) => list,
        _ => List::EMPTY,
    }
}

/// SET GENERATED is an option whose value the grammar gives as a character code.
fn identity_options(list: List<'_>) -> Vec<DefElem> {
    let mut options = names::options(list);
    for option in options.iter_mut().filter(|option| option.name == "generated") {
        let always = option.value.as_deref() == Some("97");
        option.value = Some(if always { "always" } else { "by default" }.to_owned());
    }
    options
}

fn relation(source: &Source<'_>, node: Option<Node<'_>>) -> Name {
    match node.map(Node::kind) {
        Some(Kind::RangeVar(range)) => names::relation_name(source, range),
        _ => names::name_of(std::iter::empty(), source.whole()),
    }
}

fn partition(source: &Source<'_>, command: &pg::PartitionCmd<'_>) -> Name {
    match command.name {
        Some(range) => names::relation_name(source, range),
        None => names::name_of(std::iter::empty(), source.whole()),
    }
}

/// The column of `ALTER [COLUMN] c`, `DROP [COLUMN] [IF EXISTS] c`, and of attributes.
fn column_name(source: &Source<'_>, node: &pg::AlterTableCmd<'_>, from: usize) -> Ident {
    let mut cursor = Cursor::new(source, from);
    cursor.eat_any(&["ALTER", "DROP", "ADD"]);
    cursor.eat_any(&["COLUMN", "ATTRIBUTE"]);
    cursor.eat_all(&["IF", "EXISTS"]);
    cursor.ident(node.name.get())
}

/// The constraint of `VALIDATE CONSTRAINT c` and `DROP CONSTRAINT [IF EXISTS] c`.
fn constraint_name(source: &Source<'_>, node: &pg::AlterTableCmd<'_>, from: usize) -> Ident {
    let mut cursor = Cursor::new(source, from + 1);
    cursor.eat("CONSTRAINT");
    cursor.eat_all(&["IF", "EXISTS"]);
    cursor.ident(node.name.get())
}

fn last_ident(source: &Source<'_>, text: &str, to: usize) -> Ident {
    Ident { text: text.to_owned(), span: source.tokens_span(to.saturating_sub(1), to) }
}

fn alter_type(source: &Source<'_>, node: &pg::AlterTableCmd<'_>, from: usize, to: usize) -> AlterAction {
    let Some(Kind::ColumnDef(def)) = node.def.map(Node::kind) else { return AlterAction::GenericOptions };
    let Some(ty) = def.type_name else { return AlterAction::GenericOptions };
    let using = def.raw_default.and_then(|value| {
        let at = source.find(from, "USING")?;
        Some(expr::expr_at(source, Some(value), at + 1, to))
    });
    AlterAction::AlterType {
        column: column_name(source, node, from),
        ty: names::type_name(source, ty),
        collation: column::collation(source, def.coll_clause),
        using,
    }
}

fn alter_constraint(source: &Source<'_>, node: &pg::AlterTableCmd<'_>, from: usize, to: usize) -> AlterAction {
    let Some(Kind::ATAlterConstraint(change)) = node.def.map(Node::kind) else { return AlterAction::GenericOptions };
    if change.alter_enforceability || change.alter_inheritability {
        let construct =
            if change.alter_enforceability { "ALTER CONSTRAINT ... ENFORCED" } else { "ALTER CONSTRAINT ... INHERIT" };
        source.need(18, construct, from, to);
    }
    AlterAction::AlterConstraint {
        name: Ident { text: change.conname.owned(), span: source.tokens_span(from + 2, from + 3) },
        deferrable: change.alter_deferrability.then_some(change.deferrable),
        initially_deferred: change.alter_deferrability.then_some(change.initdeferred),
        enforced: change.alter_enforceability.then_some(change.is_enforced),
        no_inherit: change.alter_inheritability.then_some(change.noinherit),
    }
}

/// Options of a relation; `security_invoker` of views came with 15.
pub fn relation_options(source: &Source<'_>, list: List<'_>) -> Vec<DefElem> {
    for node in list.iter() {
        if let Kind::DefElem(option) = node.kind()
            && option.defname.get() == "security_invoker"
            && let Some(index) = source.at(option.location)
        {
            source.need(15, "security_invoker", index, index + 1);
        }
    }
    names::options(list)
}
