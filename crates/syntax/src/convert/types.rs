//! Types, domains, functions, schemas, extensions.

use super::Tight;
use super::column;
use super::names;
use super::source::{Cursor, Source};
use super::{expr, query};
use crate::ast::{
    AlterEnum, Body, Constraint, CreateFunction, DomainAction, EnumAction, Lowered, Name, StatementKind, Volatility,
};
use crate::ffi::{List, Node};
use crate::lex::TokenKind;
use crate::nodes::{self as pg, Kind};
use crate::plpgsql;

pub fn create_enum(source: &Source<'_>, node: &pg::CreateEnumStmt<'_>) -> StatementKind {
    StatementKind::CreateEnum {
        name: names::name_at(source, node.type_name, 2),
        values: node.vals.strings().map(str::to_owned).tight(),
    }
}

pub fn alter_enum(source: &Source<'_>, node: &pg::AlterEnumStmt<'_>) -> StatementKind {
    let action = match (node.old_val.opt(), node.new_val.opt()) {
        (Some(from), Some(to)) => EnumAction::RenameValue { from: from.to_owned(), to: to.to_owned() },
        (Some(value), None) => EnumAction::DropValue { value: value.to_owned() },
        (None, value) => EnumAction::AddValue {
            value: value.unwrap_or_default().to_owned(),
            neighbour: node.new_val_neighbor.opt_owned(),
            after: node.new_val_is_after,
            if_not_exists: node.skip_if_new_val_exists,
        },
    };
    StatementKind::AlterEnum(AlterEnum { name: names::name_at(source, node.type_name, 2), action })
}

pub fn create_composite(source: &Source<'_>, node: &pg::CompositeTypeStmt<'_>) -> StatementKind {
    StatementKind::CreateComposite {
        name: super::create::optional_relation(source, node.typevar),
        attributes: node
            .coldeflist
            .iter()
            .filter_map(|attribute| match attribute.kind() {
                Kind::ColumnDef(def) => Some(column::column_def(source, def)),
                _ => None,
            })
            .tight(),
    }
}

pub fn create_domain(source: &Source<'_>, node: &pg::CreateDomainStmt<'_>) -> StatementKind {
    let Some(ty) = node.type_name else { return StatementKind::Other { tag: "CREATE DOMAIN" } };
    StatementKind::CreateDomain {
        name: names::name_at(source, node.domainname, 2),
        base: names::type_name(source, ty),
        collation: column::collation(source, node.coll_clause),
        constraints: column::column_constraints(source, node.constraints, node.coll_clause, source.tokens.len()),
    }
}

pub fn alter_domain(source: &Source<'_>, node: &pg::AlterDomainStmt<'_>) -> StatementKind {
    let end = source.tokens.len();
    let behind = source.name_end(2);
    let constraint_name = || {
        let mut cursor = Cursor::new(source, source.find(behind, "CONSTRAINT").map_or(behind, |at| at + 1));
        cursor.eat_all(&["IF", "EXISTS"]);
        cursor.ident(node.name.get())
    };
    let action = match node.subtype {
        b'T' => DomainAction::SetDefault(node.def.map(|value| {
            let at = source.find(behind, "DEFAULT").map_or(behind, |at| at + 1);
            expr::expr_at(source, Some(value), at, end)
        })),
        b'N' => DomainAction::DropNotNull,
        b'O' => DomainAction::SetNotNull,
        b'X' => DomainAction::DropConstraint { name: constraint_name(), if_exists: node.missing_ok },
        b'V' => DomainAction::ValidateConstraint { name: constraint_name() },
        _ => match node.def.map(Node::kind) {
            Some(Kind::Constraint(constraint)) => {
                DomainAction::AddConstraint(domain_constraint(source, constraint, behind))
            }
            _ => return StatementKind::Other { tag: "ALTER DOMAIN" },
        },
    };
    StatementKind::AlterDomain { name: names::name_at(source, node.type_name, 2), action }
}

fn domain_constraint(source: &Source<'_>, node: &pg::Constraint<'_>, behind: usize) -> Constraint {
    let start = source.at(node.location).unwrap_or(behind);
    if node.contype == pg::CONSTR_NOTNULL {
        source.need(17, "ALTER DOMAIN ... ADD NOT NULL", start, source.tokens.len());
    }
    column::constraint(source, node, start, source.tokens.len())
}

pub fn create_function(source: &Source<'_>, node: &pg::CreateFunctionStmt<'_>) -> StatementKind {
    let keyword = if node.is_procedure { "PROCEDURE" } else { "FUNCTION" };
    let name_index = source.find(0, keyword).map_or(0, |at| at + 1);
    let mut parameters = Vec::new();
    let mut table = Vec::new();
    for parameter in node.parameters.iter() {
        let Kind::FunctionParameter(parameter) = parameter.kind() else { continue };
        let Some(ty) = parameter.arg_type.map(|ty| names::type_name(source, ty)) else { continue };
        match parameter.mode {
            pg::FUNC_PARAM_OUT => {}
            pg::FUNC_PARAM_TABLE => table.push(ty),
            _ => parameters.push(ty),
        }
    }
    let mut function = CreateFunction {
        name: names::name_at(source, node.funcname, name_index),
        procedure: node.is_procedure,
        replace: node.replace,
        parameters,
        returns: node.return_type.map(|ty| names::type_name(source, ty)),
        language: if node.sql_body.is_some() { "sql".to_owned() } else { String::new() },
        volatility: None,
        strict: false,
        security_definer: false,
        sets_search_path: false,
        body: None,
        atomic: node.sql_body.is_some(),
    };
    let mut text = None;
    for option in node.options.iter() {
        let Kind::DefElem(option) = option.kind() else { continue };
        let value = || option.arg.map(names::value_text).unwrap_or_default();
        match option.defname.get() {
            "language" => function.language = value().to_ascii_lowercase(),
            "volatility" => function.volatility = volatility(&value()),
            "strict" => function.strict = value() == "true",
            "security" => function.security_definer = value() == "true",
            "set" => {
                if let Some(Kind::VariableSetStmt(set)) = option.arg.map(Node::kind) {
                    function.sets_search_path |= set.name.get().eq_ignore_ascii_case("search_path");
                }
            }
            "as" => text = source.at(option.location),
            _ => {}
        }
    }
    function.body = match (node.sql_body, text) {
        (Some(body), _) => Some(atomic_body(source, body, name_index)),
        // `AS 'object file', 'symbol'` of C functions has no body.
        (None, Some(at))
            if matches!(function.language.as_str(), "c" | "internal")
                || source.kind(at + 2) == Some(TokenKind::Comma) =>
        {
            None
        }
        (None, Some(at)) => Some(plpgsql::body(source, at + 1, &function.language)),
        (None, None) => None,
    };
    StatementKind::CreateFunction(function)
}

fn volatility(word: &str) -> Option<Volatility> {
    match word {
        "immutable" => Some(Volatility::Immutable),
        "stable" => Some(Volatility::Stable),
        "volatile" => Some(Volatility::Volatile),
        _ => None,
    }
}

/// BEGIN ATOMIC ... END and RETURN expression: part of the statement, not a string.
fn atomic_body(source: &Source<'_>, node: Node<'_>, from: usize) -> Body {
    let end = source.tokens.len();
    let begin = source.scan(from, |at, _| source.is(at, "BEGIN") && source.is(at + 1, "ATOMIC"));
    let (first, places) = if begin < end {
        (begin, atomic_places(source, begin + 2, end.saturating_sub(1)))
    } else {
        let start = source.find(from, "RETURN").unwrap_or(from);
        (start, vec![(start, end)])
    };
    let mut nodes = Vec::new();
    flatten(node, &mut nodes);
    let queries: Vec<Node<'_>> = nodes
        .iter()
        .filter_map(|node| match node.kind() {
            Kind::ReturnStmt(returned) => returned.returnval,
            _ => Some(*node),
        })
        .tight();
    let statements = nodes
        .into_iter()
        .enumerate()
        .map(|(index, node)| {
            let (from, to) = places.get(index).copied().unwrap_or((first, end));
            let kind = match node.kind() {
                Kind::ReturnStmt(returned) => match returned.returnval {
                    Some(value) => StatementKind::Select(crate::ast::Query {
                        targets: vec![expr::expr(source, value)],
                        ..query::query(source, value)
                    }),
                    None => StatementKind::Other { tag: "RETURN" },
                },
                _ => super::statement_at(source, node, from, to),
            };
            Lowered {
                span: source.tokens_span(from, to),
                kind,
                conditional: false,
                in_loop: false,
                dynamic: false,
                guarded: false,
            }
        })
        .tight();
    Body {
        span: source.tokens_span(first, end),
        statements,
        opaque: Vec::new(),
        commits: Vec::new(),
        columns_used: query::columns_used(source, queries),
    }
}

/// A BEGIN ATOMIC body is a list in a list.
fn flatten<'a>(node: Node<'a>, out: &mut Vec<Node<'a>>) {
    match node.kind() {
        Kind::List(list) => list.iter().for_each(|item| flatten(item, out)),
        _ => out.push(node),
    }
}

fn atomic_places(source: &Source<'_>, from: usize, end: usize) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    let mut start = from;
    while start < end {
        let to = source.scan(start, |_, token| token.kind == TokenKind::Semicolon).min(end);
        if to > start {
            places.push((start, to));
        }
        start = to + 1;
    }
    places
}

pub fn alter_function(source: &Source<'_>, node: &pg::AlterFunctionStmt<'_>) -> StatementKind {
    let mut volatile = None;
    for action in node.actions.iter() {
        if let Kind::DefElem(option) = action.kind()
            && option.defname.get() == "volatility"
        {
            volatile = option.arg.and_then(|arg| volatility(&names::value_text(arg)));
        }
    }
    let objname = node.func.map_or(List::EMPTY, |function| function.objname);
    StatementKind::AlterFunction {
        name: names::name_at(source, objname, 2),
        object: names::object_kind(node.objtype),
        volatility: volatile,
    }
}

pub fn create_schema(source: &Source<'_>, node: &pg::CreateSchemaStmt<'_>) -> StatementKind {
    let end = source.tokens.len();
    let begins = |at: usize| source.is(at, "CREATE") || source.is(at, "GRANT");
    let mut start = source.scan(1, |at, _| begins(at));
    let elements = node.schema_elts.iter().map(|element| {
        let to = source.scan((start + 1).min(end), |at, _| begins(at));
        let kind = super::statement_at(source, element, start, to);
        start = to;
        kind
    });
    StatementKind::CreateSchema {
        name: node.schemaname.opt_owned(),
        if_not_exists: node.if_not_exists,
        elements: elements.tight(),
    }
}

pub fn create_extension(node: &pg::CreateExtensionStmt<'_>) -> StatementKind {
    let schema =
        names::options(node.options).into_iter().find(|option| option.name == "schema").and_then(|option| option.value);
    StatementKind::CreateExtension { name: node.extname.owned(), schema, if_not_exists: node.if_not_exists }
}

/// CREATE TYPE, AGGREGATE, OPERATOR, COLLATION, TEXT SEARCH ...: the name behind the object's words.
pub fn define(source: &Source<'_>, node: &pg::DefineStmt<'_>) -> StatementKind {
    let mut cursor = Cursor::new(source, 1);
    cursor.eat_all(&["OR", "REPLACE"]);
    for words in names::object_words(node.kind) {
        if cursor.eat_all(words) {
            break;
        }
    }
    cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let name: Name = names::name_at(source, node.defnames, cursor.at);
    StatementKind::Define { object: names::object_kind(node.kind), name }
}
