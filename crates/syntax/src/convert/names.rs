//! Names, relations, types and options.

use super::Tight;
use super::source::Source;
use crate::ast::{DefElem, Ident, LockMode, Name, ObjectKind, RelationRef, TypeName};
use crate::ffi::{self, Constant, List, Node};
use crate::lex::TokenKind;
use crate::nodes::{self as pg, Kind};
use crate::span::Span;

/// A relation with the span of its name.
pub fn relation(source: &Source<'_>, range: &pg::RangeVar<'_>) -> RelationRef {
    RelationRef {
        name: relation_name(source, range),
        only: !range.inh,
        alias: range.alias.map(|alias| alias.aliasname.owned()),
    }
}

pub fn relation_name(source: &Source<'_>, range: &pg::RangeVar<'_>) -> Name {
    let span = match source.at(range.location) {
        Some(index) => source.tokens_span(index, source.name_end(index)),
        None => Span::default(),
    };
    Name { schema: range.schemaname.opt_owned(), name: range.relname.owned(), span }
}

/// The relations of a list of `RangeVar`.
pub fn relations(source: &Source<'_>, list: List<'_>) -> Vec<RelationRef> {
    list.iter()
        .filter_map(|node| match node.kind() {
            Kind::RangeVar(range) => Some(relation(source, range)),
            _ => None,
        })
        .tight()
}

/// A qualified name by its parts; a catalog is left out.
pub fn name_of<'a>(parts: impl DoubleEndedIterator<Item = &'a str>, span: Span) -> Name {
    let mut parts = parts.rev();
    let name = parts.next().unwrap_or_default().to_owned();
    Name { schema: parts.next().map(str::to_owned), name, span }
}

/// A qualified name whose first token is at `index`.
pub fn name_at(source: &Source<'_>, list: List<'_>, index: usize) -> Name {
    name_of(list.strings(), source.tokens_span(index, source.name_end(index)))
}

/// The names in the parentheses at `open`, whose texts the tree gives.
pub fn idents_in<'a>(source: &Source<'_>, texts: impl Iterator<Item = &'a str>, open: Option<usize>) -> Vec<Ident> {
    let elements = open.map(|open| source.elements(open + 1, source.tokens.len())).unwrap_or_default();
    texts
        .enumerate()
        .map(|(index, text)| {
            let span = elements.get(index).map_or(Span::default(), |(from, _)| source.tokens_span(*from, from + 1));
            Ident { text: text.to_owned(), span }
        })
        .tight()
}

/// A name the tree holds as a list of strings, a single string, a type or a function with arguments.
pub fn object_name(node: Option<Node<'_>>, span: Span) -> Name {
    let plain = |text: &str| Name { schema: None, name: text.to_owned(), span };
    match node.map(Node::kind) {
        Some(Kind::StringValue(string)) => plain(string.sval.get()),
        Some(Kind::List(list)) => match list.first().map(Node::kind) {
            Some(Kind::TypeName(ty)) => name_of(ty.names.strings(), span),
            _ => name_of(list.strings(), span),
        },
        Some(Kind::TypeName(ty)) => name_of(ty.names.strings(), span),
        Some(Kind::ObjectWithArgs(function)) => name_of(function.objname.strings(), span),
        Some(Kind::RangeVar(range)) => Name { schema: range.schemaname.opt_owned(), name: range.relname.owned(), span },
        _ => plain(""),
    }
}

pub fn role(role: Option<&pg::RoleSpec<'_>>) -> String {
    role.map_or_else(String::new, |role| match role.roletype {
        pg::ROLESPEC_CURRENT_ROLE => "current_role".to_owned(),
        pg::ROLESPEC_CURRENT_USER => "current_user".to_owned(),
        pg::ROLESPEC_SESSION_USER => "session_user".to_owned(),
        pg::ROLESPEC_PUBLIC => "public".to_owned(),
        _ => role.rolename.owned(),
    })
}

pub fn roles(list: List<'_>) -> Vec<String> {
    list.iter()
        .filter_map(|node| match node.kind() {
            Kind::RoleSpec(spec) => Some(role(Some(spec))),
            _ => None,
        })
        .tight()
}

pub fn type_name(source: &Source<'_>, ty: &pg::TypeName<'_>) -> TypeName {
    let parts: Vec<&str> = ty.names.strings().tight();
    let (schema, name) = match parts.as_slice() {
        // The grammar's own names of the standard types, and the same written out.
        ["pg_catalog", name] => (None, *name),
        [.., schema, name] => (Some((*schema).to_owned()), *name),
        [name] => (None, *name),
        [] => (None, ""),
    };
    let mut modifiers = Vec::new();
    let mut words = Vec::new();
    for node in ty.typmods.iter() {
        match node.kind() {
            Kind::AConst(constant) => match ffi::constant(constant) {
                Some(Constant::Integer(value)) => modifiers.push(i64::from(value)),
                Some(Constant::String(text)) => words.push(text.to_owned()),
                _ => {}
            },
            Kind::Integer(value) => modifiers.push(i64::from(value.ival)),
            Kind::ColumnRef(column) => words.extend(column.fields.strings().last().map(str::to_owned)),
            _ => {}
        }
    }
    let span = match source.at(ty.location) {
        Some(index) => source.tokens_span(index, type_end(source, index, !ty.typmods.is_empty())),
        None => Span::default(),
    };
    if let ("numeric", [precision, scale]) = (name, modifiers.as_slice())
        && !(0..=*precision).contains(scale)
    {
        source.need_at(15, "numeric with a scale outside its precision", span);
    }
    TypeName {
        schema,
        name: name.to_owned(),
        modifiers,
        modifier_words: words,
        array: !ty.array_bounds.is_empty(),
        setof: ty.setof,
        percent_type: ty.pct_type,
        span,
    }
}

/// Behind the type that begins at a token; `modifiers` says whether it has any in parentheses.
fn type_end(source: &Source<'_>, start: usize, modifiers: bool) -> usize {
    let is = |at: usize, words: &[&str]| words.iter().any(|word| source.is(at, word));
    let group = |at: usize| {
        if modifiers && source.kind(at) == Some(TokenKind::LeftParen) { source.group_end(at) } else { at }
    };
    let mut at;
    if is(start, &["DOUBLE"]) && is(start + 1, &["PRECISION"]) {
        at = start + 2;
    } else if is(start, &["NATIONAL"]) && is(start + 1, &["CHARACTER", "CHAR"]) {
        at = start + 2;
        at += usize::from(is(at, &["VARYING"]));
        at = group(at);
    } else if is(start, &["CHARACTER", "CHAR", "NCHAR", "BIT"]) {
        at = start + 1;
        at += usize::from(is(at, &["VARYING"]));
        at = group(at);
    } else if is(start, &["TIME", "TIMESTAMP"]) {
        at = group(start + 1);
        if is(at, &["WITH", "WITHOUT"]) && is(at + 1, &["TIME"]) && is(at + 2, &["ZONE"]) {
            at += 3;
        }
    } else if is(start, &["INTERVAL"]) {
        const FIELDS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];
        at = group(start + 1);
        if is(at, &FIELDS) {
            at = group(at + 1);
            if is(at, &["TO"]) && is(at + 1, &FIELDS) {
                at = group(at + 2);
            }
        }
    } else {
        at = source.name_end(start);
        if source.word(at) == "%" && is(at + 1, &["TYPE"]) {
            return at + 2;
        }
        at = group(at);
    }
    if is(at, &["ARRAY"]) {
        at += 1;
    }
    while source.kind(at) == Some(TokenKind::LeftBracket) {
        at = source.group_end(at);
    }
    at.min(source.tokens.len())
}

/// The options of WITH (...), of a sequence, of EXPLAIN.
pub fn options(list: List<'_>) -> Vec<DefElem> {
    list.iter()
        .filter_map(|node| match node.kind() {
            Kind::DefElem(option) => Some(DefElem {
                namespace: option.defnamespace.opt_owned(),
                name: option.defname.owned(),
                value: option.arg.map(value_text),
            }),
            _ => None,
        })
        .tight()
}

/// An option's value as written without quotes; parts of lists with commas, of names with dots.
pub fn value_text(node: Node<'_>) -> String {
    match node.kind() {
        Kind::StringValue(string) => string.sval.owned(),
        Kind::Integer(integer) => integer.ival.to_string(),
        Kind::Float(float) => float.fval.owned(),
        Kind::Boolean(boolean) => boolean.boolval.to_string(),
        Kind::BitString(bits) => bits.bsval.owned(),
        Kind::AConst(value) => match ffi::constant(value) {
            None => "null".to_owned(),
            Some(Constant::Integer(value)) => value.to_string(),
            Some(Constant::Bool(value)) => value.to_string(),
            Some(Constant::Float(text) | Constant::String(text) | Constant::Bits(text)) => text.to_owned(),
        },
        Kind::TypeName(ty) => join(ty.names.strings().filter(|part| *part != "pg_catalog"), "."),
        Kind::TypeCast(cast) => cast.arg.map(value_text).unwrap_or_default(),
        Kind::List(list) => join(list.iter().map(value_text), ", "),
        Kind::RoleSpec(spec) => role(Some(spec)),
        Kind::AStar(_) => "*".to_owned(),
        _ => String::new(),
    }
}

fn join<S: AsRef<str>>(parts: impl Iterator<Item = S>, separator: &str) -> String {
    let mut text = String::new();
    for (index, part) in parts.enumerate() {
        if index > 0 {
            text.push_str(separator);
        }
        text.push_str(part.as_ref());
    }
    text
}

/// An option by name, e.g. of VACUUM: present and not false.
pub fn flag(list: List<'_>, name: &str) -> Option<bool> {
    options(list).into_iter().rfind(|option| option.name == name).map(|option| {
        !option.value.is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "false" | "off" | "0" | "no"))
    })
}

/// The words of an object's kind in ALTER, DROP and COMMENT ON.
pub fn object_words(object: u32) -> &'static [&'static [&'static str]] {
    match object {
        pg::OBJECT_MATVIEW => &[&["MATERIALIZED", "VIEW"]],
        pg::OBJECT_FOREIGN_TABLE => &[&["FOREIGN", "TABLE"]],
        pg::OBJECT_FDW => &[&["FOREIGN", "DATA", "WRAPPER"]],
        pg::OBJECT_FOREIGN_SERVER => &[&["SERVER"]],
        pg::OBJECT_EVENT_TRIGGER => &[&["EVENT", "TRIGGER"]],
        pg::OBJECT_ACCESS_METHOD => &[&["ACCESS", "METHOD"]],
        pg::OBJECT_OPCLASS => &[&["OPERATOR", "CLASS"]],
        pg::OBJECT_OPFAMILY => &[&["OPERATOR", "FAMILY"]],
        pg::OBJECT_LANGUAGE => &[&["PROCEDURAL", "LANGUAGE"], &["LANGUAGE"]],
        pg::OBJECT_LARGEOBJECT => &[&["LARGE", "OBJECT"]],
        pg::OBJECT_TSCONFIGURATION => &[&["TEXT", "SEARCH", "CONFIGURATION"]],
        pg::OBJECT_TSDICTIONARY => &[&["TEXT", "SEARCH", "DICTIONARY"]],
        pg::OBJECT_TSPARSER => &[&["TEXT", "SEARCH", "PARSER"]],
        pg::OBJECT_TSTEMPLATE => &[&["TEXT", "SEARCH", "TEMPLATE"]],
        pg::OBJECT_ROLE => &[&["ROLE"], &["USER"], &["GROUP"]],
        pg::OBJECT_TABCONSTRAINT | pg::OBJECT_DOMCONSTRAINT => &[&["CONSTRAINT"]],
        _ => &[
            &["TABLE"],
            &["INDEX"],
            &["VIEW"],
            &["SEQUENCE"],
            &["TYPE"],
            &["DOMAIN"],
            &["COLUMN"],
            &["TRIGGER"],
            &["RULE"],
            &["POLICY"],
            &["FUNCTION"],
            &["PROCEDURE"],
            &["ROUTINE"],
            &["AGGREGATE"],
            &["SCHEMA"],
            &["EXTENSION"],
            &["STATISTICS"],
            &["PUBLICATION"],
            &["SUBSCRIPTION"],
            &["COLLATION"],
            &["CONVERSION"],
            &["DATABASE"],
            &["TABLESPACE"],
            &["OPERATOR"],
            &["CAST"],
            &["TRANSFORM"],
        ],
    }
}

pub fn object_kind(object: u32) -> ObjectKind {
    match object {
        pg::OBJECT_TABLE => ObjectKind::Table,
        pg::OBJECT_INDEX => ObjectKind::Index,
        pg::OBJECT_VIEW => ObjectKind::View,
        pg::OBJECT_MATVIEW => ObjectKind::MaterializedView,
        pg::OBJECT_SEQUENCE => ObjectKind::Sequence,
        pg::OBJECT_FOREIGN_TABLE => ObjectKind::ForeignTable,
        pg::OBJECT_TYPE => ObjectKind::Type,
        pg::OBJECT_DOMAIN => ObjectKind::Domain,
        pg::OBJECT_COLUMN => ObjectKind::Column,
        pg::OBJECT_ATTRIBUTE => ObjectKind::Attribute,
        pg::OBJECT_TABCONSTRAINT => ObjectKind::TableConstraint,
        pg::OBJECT_DOMCONSTRAINT => ObjectKind::DomainConstraint,
        pg::OBJECT_TRIGGER => ObjectKind::Trigger,
        pg::OBJECT_RULE => ObjectKind::Rule,
        pg::OBJECT_POLICY => ObjectKind::Policy,
        pg::OBJECT_FUNCTION => ObjectKind::Function,
        pg::OBJECT_PROCEDURE => ObjectKind::Procedure,
        pg::OBJECT_ROUTINE => ObjectKind::Routine,
        pg::OBJECT_AGGREGATE => ObjectKind::Aggregate,
        pg::OBJECT_SCHEMA => ObjectKind::Schema,
        pg::OBJECT_EXTENSION => ObjectKind::Extension,
        pg::OBJECT_STATISTIC_EXT => ObjectKind::Statistics,
        pg::OBJECT_PUBLICATION => ObjectKind::Publication,
        pg::OBJECT_SUBSCRIPTION => ObjectKind::Subscription,
        pg::OBJECT_EVENT_TRIGGER => ObjectKind::EventTrigger,
        pg::OBJECT_COLLATION => ObjectKind::Collation,
        pg::OBJECT_ROLE => ObjectKind::Role,
        pg::OBJECT_DATABASE => ObjectKind::Database,
        pg::OBJECT_TABLESPACE => ObjectKind::Tablespace,
        _ => ObjectKind::Other,
    }
}

/// `lockdefs.h`.
pub fn lock_mode(mode: i32) -> LockMode {
    match mode {
        1 => LockMode::AccessShare,
        2 => LockMode::RowShare,
        3 => LockMode::RowExclusive,
        4 => LockMode::ShareUpdateExclusive,
        5 => LockMode::Share,
        6 => LockMode::ShareRowExclusive,
        7 => LockMode::Exclusive,
        _ => LockMode::AccessExclusive,
    }
}
