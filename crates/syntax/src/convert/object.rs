//! What is done to any object: DROP, RENAME, SET SCHEMA, OWNER, COMMENT, GRANT.

use super::Tight;
use super::names;
use super::source::{Cursor, Source};
use crate::ast::{CommentOn, Drop, DropName, Grant, Name, ObjectKind, Rename, SetOwner, SetSchema, StatementKind};
use crate::ffi::Node;
use crate::lex::TokenKind;
use crate::nodes::{self as pg, Kind};

/// Behind the words of an object's kind that begin at `at`.
fn behind_words(source: &Source<'_>, object: u32, at: usize) -> usize {
    let mut cursor = Cursor::new(source, at);
    for words in names::object_words(object) {
        if cursor.eat_all(words) {
            break;
        }
    }
    cursor.at
}

pub fn drop(source: &Source<'_>, node: &pg::DropStmt<'_>) -> StatementKind {
    let mut cursor = Cursor::new(source, behind_words(source, node.remove_type, 1));
    cursor.eat("CONCURRENTLY");
    cursor.eat_all(&["IF", "EXISTS"]);
    let places = source.elements(cursor.at, source.tokens.len());
    let names = node
        .objects
        .iter()
        .enumerate()
        .map(|(index, object)| {
            let (from, _) = places.get(index).copied().unwrap_or((cursor.at, cursor.at));
            match node.remove_type {
                pg::OBJECT_TRIGGER | pg::OBJECT_RULE | pg::OBJECT_POLICY => {
                    let (name, relation) = on_relation(source, object, from);
                    DropName { name, relation }
                }
                // The access method comes first in the tree.
                pg::OBJECT_OPCLASS | pg::OBJECT_OPFAMILY => DropName { name: source.name(from), relation: None },
                _ => {
                    let span = source.tokens_span(from, source.name_end(from));
                    DropName { name: names::object_name(Some(object), span), relation: None }
                }
            }
        })
        .tight();
    StatementKind::Drop(Drop {
        object: names::object_kind(node.remove_type),
        names,
        if_exists: node.missing_ok,
        cascade: node.behavior == pg::DROP_CASCADE,
        concurrently: node.concurrent,
    })
}

/// `name ON relation`, which the tree holds as the relation's parts and the name.
fn on_relation(source: &Source<'_>, object: Node<'_>, at: usize) -> (Name, Option<Name>) {
    let Kind::List(parts) = object.kind() else { return (names::object_name(Some(object), source.whole()), None) };
    let parts: Vec<&str> = parts.strings().tight();
    let (name, relation) = parts.split_last().map_or(("", &[][..]), |(name, relation)| (*name, relation));
    let name = Name { schema: None, name: name.to_owned(), span: source.tokens_span(at, at + 1) };
    let span = source.tokens_span(at + 2, source.name_end(at + 2));
    (name, (!relation.is_empty()).then(|| names::name_of(relation.iter().copied(), span)))
}

pub fn rename(source: &Source<'_>, node: &pg::RenameStmt<'_>) -> StatementKind {
    let object = names::object_kind(node.rename_type);
    let relation = node.relation.map(|range| names::relation_name(source, range));
    let rename = source.find(0, "RENAME").unwrap_or(0);
    // The name behind RENAME [COLUMN | CONSTRAINT | ATTRIBUTE | VALUE].
    let inner = || {
        let mut cursor = Cursor::new(source, rename + 1);
        cursor.eat_any(&["COLUMN", "CONSTRAINT", "ATTRIBUTE"]);
        Name { schema: None, name: node.subname.owned(), span: source.tokens_span(cursor.at, cursor.at + 1) }
    };
    // The name behind ALTER <kind> [IF EXISTS].
    let outer = || {
        let mut cursor = Cursor::new(source, behind_words(source, node.rename_type, 1));
        cursor.eat_all(&["IF", "EXISTS"]);
        source.tokens_span(cursor.at, source.name_end(cursor.at))
    };
    let (relation_object, relation, name) = match node.rename_type {
        pg::OBJECT_COLUMN | pg::OBJECT_ATTRIBUTE => (names::object_kind(node.relation_type), relation, inner()),
        pg::OBJECT_TABCONSTRAINT => (ObjectKind::Table, relation, inner()),
        pg::OBJECT_DOMCONSTRAINT => {
            let at = behind_words(source, pg::OBJECT_DOMAIN, 1);
            let span = source.tokens_span(at, source.name_end(at));
            (ObjectKind::Domain, Some(names::object_name(node.object, span)), inner())
        }
        pg::OBJECT_TRIGGER | pg::OBJECT_RULE | pg::OBJECT_POLICY => {
            let name = Name { schema: None, name: node.subname.owned(), span: outer() };
            (ObjectKind::Table, relation, name)
        }
        _ => match &relation {
            Some(name) => {
                let name = name.clone();
                (object, relation, name)
            }
            None => {
                let span = outer();
                let mut name = names::object_name(node.object, span);
                // Schemas, roles, databases and tablespaces stand in the field of the subordinate name.
                if name.name.is_empty() {
                    name.name = node.subname.owned();
                }
                (object, None, name)
            }
        },
    };
    StatementKind::Rename(Rename {
        object,
        relation_object,
        relation,
        name,
        new_name: node.newname.owned(),
        if_exists: node.missing_ok,
        // A composite type has no children, which the grammar notes as ONLY.
        only: node.rename_type != pg::OBJECT_ATTRIBUTE && node.relation.is_some_and(|range| !range.inh),
        cascade: node.behavior == pg::DROP_CASCADE,
    })
}

/// The object of ALTER <kind> [IF EXISTS] name ...
fn altered(source: &Source<'_>, kind: u32, relation: Option<&pg::RangeVar<'_>>, object: Option<Node<'_>>) -> Name {
    if let Some(range) = relation {
        return names::relation_name(source, range);
    }
    let mut cursor = Cursor::new(source, behind_words(source, kind, 1));
    cursor.eat_all(&["IF", "EXISTS"]);
    names::object_name(object, source.tokens_span(cursor.at, source.name_end(cursor.at)))
}

pub fn set_schema(source: &Source<'_>, node: &pg::AlterObjectSchemaStmt<'_>) -> StatementKind {
    StatementKind::SetSchema(SetSchema {
        object: names::object_kind(node.object_type),
        name: altered(source, node.object_type, node.relation, node.object),
        schema: node.newschema.owned(),
        if_exists: node.missing_ok,
    })
}

pub fn set_owner(source: &Source<'_>, node: &pg::AlterOwnerStmt<'_>) -> StatementKind {
    StatementKind::SetOwner(SetOwner {
        object: names::object_kind(node.object_type),
        name: altered(source, node.object_type, node.relation, node.object),
        role: names::role(node.newowner),
    })
}

pub fn depends(source: &Source<'_>, node: &pg::AlterObjectDependsStmt<'_>) -> StatementKind {
    let (name, relation) = match (node.object_type, node.object) {
        (pg::OBJECT_TRIGGER, Some(object)) => {
            let at = behind_words(source, node.object_type, 1);
            let (name, _) = on_relation(source, object, at);
            (name, node.relation.map(|range| names::relation_name(source, range)))
        }
        _ => (altered(source, node.object_type, node.relation, node.object), None),
    };
    StatementKind::DependsOnExtension { object: names::object_kind(node.object_type), relation, name }
}

pub fn comment(source: &Source<'_>, node: &pg::CommentStmt<'_>) -> StatementKind {
    let (name, relation) = commented(source, node.objtype, node.object, 2);
    StatementKind::Comment(CommentOn {
        object: names::object_kind(node.objtype),
        name,
        relation,
        text: node.comment.opt_owned(),
    })
}

pub fn security_label(source: &Source<'_>, node: &pg::SecLabelStmt<'_>) -> StatementKind {
    let on = source.find(2, "ON").unwrap_or(2);
    let (name, _) = commented(source, node.objtype, node.object, on + 1);
    StatementKind::SecurityLabel { object: names::object_kind(node.objtype), name }
}

/// The object named behind ON, and the relation it belongs to.
fn commented(source: &Source<'_>, kind: u32, object: Option<Node<'_>>, at: usize) -> (Name, Option<Name>) {
    let at = behind_words(source, kind, at);
    let end = source.name_end(at);
    let span = source.tokens_span(at, end);
    match (kind, object) {
        (pg::OBJECT_COLUMN, Some(object)) => {
            let Kind::List(parts) = object.kind() else { return (names::object_name(Some(object), span), None) };
            let parts: Vec<&str> = parts.strings().tight();
            let Some((column, relation)) = parts.split_last() else { return (names::object_name(None, span), None) };
            let name = Name { schema: None, name: (*column).to_owned(), span: source.tokens_span(end - 1, end) };
            let relation = (!relation.is_empty()).then(|| {
                names::name_of(relation.iter().copied(), source.tokens_span(at, end.saturating_sub(2).max(at + 1)))
            });
            (name, relation)
        }
        (pg::OBJECT_TABCONSTRAINT | pg::OBJECT_TRIGGER | pg::OBJECT_RULE | pg::OBJECT_POLICY, Some(object)) => {
            on_relation(source, object, at)
        }
        (pg::OBJECT_DOMCONSTRAINT, Some(object)) => {
            // A list of the domain as a type and the constraint's name; `name ON DOMAIN domain`.
            let Kind::List(parts) = object.kind() else { return (names::object_name(Some(object), span), None) };
            let mut parts = parts.iter();
            let domain = parts.next();
            let name = parts.next().and_then(Node::string).unwrap_or_default().to_owned();
            let place = source.tokens_span(at + 3, source.name_end(at + 3));
            (Name { schema: None, name, span: source.tokens_span(at, at + 1) }, Some(names::object_name(domain, place)))
        }
        (_, object) => (names::object_name(object, span), None),
    }
}

pub fn grant(source: &Source<'_>, node: &pg::GrantStmt<'_>) -> StatementKind {
    if node.objtype == pg::OBJECT_PARAMETER_ACL {
        source.need_at(15, "GRANT ON PARAMETER", source.whole());
    }
    if node
        .privileges
        .iter()
        .any(|privilege| matches!(privilege.kind(), Kind::AccessPriv(p) if p.priv_name.get() == "maintain"))
    {
        let at = source.find(0, "MAINTAIN").unwrap_or(0);
        source.need(17, "MAINTAIN", at, at + 1);
    }
    let on = source.find(0, "ON").unwrap_or(0);
    let mut first = if node.targtype == pg::ACL_TARGET_ALL_IN_SCHEMA {
        source.find(on, "SCHEMA").map_or(on, |at| at + 1)
    } else {
        behind_words(source, node.objtype, on + 1)
    };
    if source.is(first, "TABLE") || source.is(first, "SCHEMA") {
        first += 1;
    }
    let places = source.elements(first, source.tokens.len());
    let names = node
        .objects
        .iter()
        .enumerate()
        .map(|(index, object)| match object.kind() {
            Kind::RangeVar(range) => names::relation_name(source, range),
            _ => {
                let (from, _) = places.get(index).copied().unwrap_or((first, first));
                names::object_name(Some(object), source.tokens_span(from, source.name_end(from)))
            }
        })
        .tight();
    StatementKind::Grant(Grant {
        revoke: !node.is_grant,
        object: names::object_kind(node.objtype),
        names,
        all_in_schema: node.targtype == pg::ACL_TARGET_ALL_IN_SCHEMA,
    })
}

/// GRANT role TO role.
pub fn grant_role(source: &Source<'_>, node: &pg::GrantRoleStmt<'_>) -> StatementKind {
    // Before 16 only WITH ADMIN OPTION and REVOKE ADMIN OPTION FOR.
    if node.is_grant
        && let Some(at) = source.find(0, "WITH")
        && !(source.is(at + 1, "ADMIN") && source.is(at + 2, "OPTION"))
    {
        source.need(16, "GRANT ... WITH INHERIT, SET", at, source.tokens.len());
    }
    if !node.is_grant && (source.is(1, "INHERIT") || source.is(1, "SET")) && source.is(2, "OPTION") {
        source.need(16, "REVOKE INHERIT OPTION, SET OPTION", 1, 3);
    }
    let places = source.elements(1, source.tokens.len());
    let names = node
        .granted_roles
        .iter()
        .enumerate()
        .map(|(index, role)| {
            let (from, _) = places.get(index).copied().unwrap_or((1, 1));
            let name = match role.kind() {
                Kind::AccessPriv(privilege) => privilege.priv_name.owned(),
                _ => String::new(),
            };
            Name { schema: None, name, span: source.tokens_span(from, from + 1) }
        })
        .tight();
    StatementKind::Grant(Grant { revoke: !node.is_grant, object: ObjectKind::Role, names, all_in_schema: false })
}

/// Publications: tables with the columns of their row filter.
pub fn publication(
    source: &Source<'_>,
    name: &str,
    objects: crate::ffi::List<'_>,
    all_tables: bool,
) -> crate::ast::Publication {
    let mut publication =
        crate::ast::Publication { name: name.to_owned(), tables: Vec::new(), schemas: Vec::new(), all_tables };
    let mut in_schema = false;
    for object in objects.iter() {
        let Kind::PublicationObjSpec(object) = object.kind() else { continue };
        let table = match object.pubobjtype {
            pg::PUBLICATIONOBJ_TABLES_IN_SCHEMA | pg::PUBLICATIONOBJ_TABLES_IN_CUR_SCHEMA => {
                in_schema = true;
                schema_needs(source);
                publication.schemas.push(object.name.opt().unwrap_or("current_schema").to_owned());
                continue;
            }
            pg::PUBLICATIONOBJ_TABLE => {
                in_schema = false;
                object.pubtable
            }
            // The list goes on with what stood before; a bare name is in another field than a qualified one.
            _ if in_schema => {
                publication.schemas.push(object.name.owned());
                continue;
            }
            _ => object.pubtable,
        };
        let Some(range) = table.and_then(|table| table.relation) else {
            let index = source.at(object.location).unwrap_or(0);
            let relation = crate::ast::RelationRef { name: source.name(index), only: false, alias: None };
            publication.tables.push((relation, Vec::new()));
            continue;
        };
        let filter = table.and_then(|table| table.where_clause);
        let columns = filter.map(|node| super::query::collect(source, [node]).1).unwrap_or_default();
        let list = table.is_some_and(|table| !table.columns.is_empty());
        if let Some(index) = source.at(range.location)
            && (filter.is_some() || list)
        {
            let end = source.element_end(index);
            let open = source.scan(index, |_, token| token.kind == TokenKind::LeftParen).min(end);
            let construct = if filter.is_some() { "a publication's row filter" } else { "a publication's column list" };
            source.need(15, construct, open.saturating_sub(usize::from(filter.is_some())), end);
        }
        let columns = columns.into_iter().filter_map(|column| column.parts().pop()).tight();
        publication.tables.push((names::relation(source, range), columns));
    }
    publication
}

fn schema_needs(source: &Source<'_>) {
    let at = source.scan(0, |at, _| source.is(at, "TABLES") && source.is(at + 1, "IN"));
    source.need(15, "FOR TABLES IN SCHEMA", at, at + 3);
}
