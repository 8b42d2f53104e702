//! Column definitions, constraints, index elements.

use super::Tight;
use super::expr;
use super::names;
use super::source::Source;
use crate::ast::{
    ColumnDef, Constraint, ConstraintKind, Exclude, ExprAt, ForeignKey, Ident, IndexElement, Name, PartitionBound,
    RangeDatum, UniqueKey,
};
use crate::ffi::{List, Node};
use crate::lex::TokenKind;
use crate::nodes::{self as pg, Kind};

/// A column from its name to the end of its list element.
pub fn column_def(source: &Source<'_>, node: &pg::ColumnDef<'_>) -> ColumnDef {
    let Some(start) = source.at(node.location) else {
        return ColumnDef {
            span: source.whole(),
            name: Ident { text: node.colname.owned(), span: source.whole() },
            ty: node.type_name.map(|ty| names::type_name(source, ty)),
            collation: None,
            storage: None,
            compression: None,
            constraints: Vec::new(),
        };
    };
    let end = source.element_end(start);
    if let (Some(_), Some(at)) = (node.storage_name.opt(), source.find(start, "STORAGE")) {
        source.need(16, "STORAGE in a column definition", at, at + 2);
    }
    ColumnDef {
        span: source.tokens_span(start, end),
        name: Ident { text: node.colname.owned(), span: source.tokens_span(start, start + 1) },
        ty: node.type_name.map(|ty| names::type_name(source, ty)),
        collation: collation(source, node.coll_clause),
        storage: node.storage_name.opt().map(str::to_lowercase),
        compression: node.compression.opt_owned(),
        constraints: column_constraints(source, node.constraints, node.coll_clause, end),
    }
}

pub fn collation(source: &Source<'_>, clause: Option<&pg::CollateClause<'_>>) -> Option<Name> {
    let clause = clause?;
    let index = source.at(clause.location)?;
    Some(names::name_at(source, clause.collname, index + 1))
}

/// The constraints behind a column's type, up to the token `end`. DEFERRABLE and the like stand in the grammar's list as
/// constraints of their own and belong to the one before.
pub fn column_constraints(
    source: &Source<'_>,
    list: List<'_>,
    collate: Option<&pg::CollateClause<'_>>,
    end: usize,
) -> Vec<Constraint> {
    let nodes: Vec<&pg::Constraint<'_>> = list
        .iter()
        .filter_map(|node| match node.kind() {
            Kind::Constraint(constraint) => Some(constraint),
            _ => None,
        })
        .tight();
    let mut starts: Vec<usize> =
        nodes.iter().filter(|node| !is_attribute(node)).filter_map(|node| source.at(node.location)).tight();
    starts.extend(collate.and_then(|clause| source.at(clause.location)));
    let mut constraints: Vec<Constraint> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let start = source.at(node.location).unwrap_or(end);
        if !is_attribute(node) {
            let to = starts.iter().copied().filter(|at| *at > start).min().unwrap_or(end);
            constraints.push(constraint(source, node, start, to));
            continue;
        }
        let Some(last) = constraints.last_mut() else { continue };
        match node.contype {
            pg::CONSTR_ATTR_DEFERRABLE => last.deferrable = true,
            pg::CONSTR_ATTR_DEFERRED => {
                last.deferrable = true;
                last.initially_deferred = true;
            }
            pg::CONSTR_ATTR_NOT_ENFORCED => {
                last.not_enforced = true;
                source.need(18, "NOT ENFORCED", start, start + 2);
            }
            pg::CONSTR_ATTR_ENFORCED => source.need(18, "ENFORCED", start, start + 1),
            _ => {}
        }
    }
    constraints
}

fn is_attribute(node: &pg::Constraint<'_>) -> bool {
    matches!(
        node.contype,
        pg::CONSTR_ATTR_DEFERRABLE
            | pg::CONSTR_ATTR_NOT_DEFERRABLE
            | pg::CONSTR_ATTR_DEFERRED
            | pg::CONSTR_ATTR_IMMEDIATE
            | pg::CONSTR_ATTR_ENFORCED
            | pg::CONSTR_ATTR_NOT_ENFORCED
    )
}

/// A constraint of a table, from CONSTRAINT or its keyword to the end of its list element.
pub fn table_constraint(source: &Source<'_>, node: &pg::Constraint<'_>) -> Constraint {
    let start = source.at(node.location).unwrap_or(0);
    let end = source.element_end(start);
    let converted = constraint(source, node, start, end);
    if node.contype == pg::CONSTR_NOTNULL {
        let construct = if converted.not_valid { "NOT NULL ... NOT VALID" } else { "NOT NULL as a table constraint" };
        source.need(18, construct, start, end);
    }
    converted
}

/// A constraint at the tokens `start..end`.
pub fn constraint(source: &Source<'_>, node: &pg::Constraint<'_>, start: usize, end: usize) -> Constraint {
    let named = source.is(start, "CONSTRAINT") && node.conname.opt().is_some();
    let keyword = if named { start + 2 } else { start };
    let name = named.then(|| Ident { text: node.conname.owned(), span: source.tokens_span(start + 1, start + 2) });
    let checked = matches!(node.contype, pg::CONSTR_CHECK | pg::CONSTR_FOREIGN | pg::CONSTR_NOTNULL);
    let converted = Constraint {
        span: source.tokens_span(start, end),
        name,
        kind: constraint_kind(source, node, keyword, end),
        deferrable: node.deferrable || node.initdeferred,
        initially_deferred: node.initdeferred,
        not_valid: checked
            && node.skip_validation
            && (node.is_enforced || written(source, keyword, end, ["NOT", "VALID"])),
        not_enforced: matches!(node.contype, pg::CONSTR_CHECK | pg::CONSTR_FOREIGN) && !node.is_enforced,
        no_inherit: node.is_no_inherit,
    };
    if let Some(at) = attribute(source, keyword, end, "ENFORCED") {
        if source.is(at.wrapping_sub(1), "NOT") {
            source.need(18, "NOT ENFORCED", at - 1, at + 1);
        } else {
            source.need(18, "ENFORCED", at, at + 1);
        }
    }
    if converted.no_inherit && matches!(converted.kind, ConstraintKind::NotNull { .. }) {
        source.need(18, "NOT NULL ... NO INHERIT", keyword, end);
    }
    converted
}

/// A word of the attributes behind the constraint, outside its parentheses.
fn attribute(source: &Source<'_>, from: usize, end: usize, word: &str) -> Option<usize> {
    source.find(from, word).filter(|at| *at < end)
}

fn written(source: &Source<'_>, from: usize, end: usize, words: [&str; 2]) -> bool {
    let at = source.scan(from, |at, _| source.is(at, words[0]) && source.is(at + 1, words[1]));
    at < end && source.is(at, words[0])
}

fn constraint_kind(source: &Source<'_>, node: &pg::Constraint<'_>, keyword: usize, end: usize) -> ConstraintKind {
    // The expression in the parentheses that open at or behind a token.
    let in_parens = |from: usize| -> ExprAt {
        let open = source.find_open(from).unwrap_or(from);
        expr::expr_at(source, node.raw_expr, open + 1, source.group_end(open).saturating_sub(1))
    };
    match node.contype {
        pg::CONSTR_NULL => ConstraintKind::Null,
        pg::CONSTR_NOTNULL => ConstraintKind::NotNull {
            column: node
                .keys
                .strings()
                .next()
                // The grammar says `value` for a domain's constraint, which the source does not.
                .filter(|text| crate::lex::fold(source.word(keyword + 2)) == **text)
                .map(|text| Ident { text: text.to_owned(), span: source.tokens_span(keyword + 2, keyword + 3) }),
        },
        pg::CONSTR_DEFAULT => ConstraintKind::Default(expr::expr_at(source, node.raw_expr, keyword + 1, end)),
        pg::CONSTR_IDENTITY => {
            ConstraintKind::Identity { always: node.generated_when == b'a', options: names::options(node.options) }
        }
        pg::CONSTR_GENERATED => {
            let expression = in_parens(keyword);
            let stored = node.generated_kind == b's';
            if !stored {
                source.need(18, "VIRTUAL generated columns", keyword, end);
            }
            ConstraintKind::Generated { expression, stored }
        }
        pg::CONSTR_CHECK => ConstraintKind::Check(in_parens(keyword)),
        pg::CONSTR_PRIMARY => ConstraintKind::PrimaryKey(unique_key(source, node, keyword, end)),
        pg::CONSTR_UNIQUE => ConstraintKind::Unique(unique_key(source, node, keyword, end)),
        pg::CONSTR_EXCLUSION => ConstraintKind::Exclude(exclude(source, node, keyword)),
        _ => ConstraintKind::ForeignKey(foreign_key(source, node, keyword, end)),
    }
}

fn unique_key(source: &Source<'_>, node: &pg::Constraint<'_>, keyword: usize, end: usize) -> UniqueKey {
    let within = |word: &str| attribute(source, keyword, end, word);
    let using_index = node.indexname.opt().and_then(|text| {
        let at = within("USING")?;
        Some(Ident { text: text.to_owned(), span: source.tokens_span(at + 2, at + 3) })
    });
    let nulls = within("NULLS");
    if let Some(at) = nulls {
        let to = source.scan(at, |_, token| token.is(source.text, "DISTINCT"));
        source.need(15, "NULLS NOT DISTINCT", at, to + 1);
    }
    let open = if node.keys.is_empty() { None } else { source.find_open(keyword) };
    if node.without_overlaps
        && let Some(open) = open
        && let Some(at) = source.find(open + 1, "WITHOUT")
    {
        source.need(18, "WITHOUT OVERLAPS", at, at + 2);
    }
    UniqueKey {
        columns: names::idents_in(source, node.keys.strings(), open),
        including: including(source, node.including, within("INCLUDE")),
        nulls_not_distinct: node.nulls_not_distinct,
        without_overlaps: node.without_overlaps,
        using_index,
        options: names::options(node.options),
        tablespace: node.indexspace.opt_owned(),
    }
}

fn including(source: &Source<'_>, list: List<'_>, word: Option<usize>) -> Vec<Ident> {
    let texts = list.iter().filter_map(|node| match node.kind() {
        Kind::StringValue(string) => Some(string.sval.get()),
        Kind::IndexElem(element) => Some(element.name.get()),
        _ => None,
    });
    names::idents_in(source, texts, word.map(|at| at + 1))
}

fn exclude(source: &Source<'_>, node: &pg::Constraint<'_>, keyword: usize) -> Exclude {
    let open = source.find_open(keyword);
    let places = open.map(|open| source.elements(open + 1, source.tokens.len())).unwrap_or_default();
    let elements = node
        .exclusions
        .iter()
        .enumerate()
        .filter_map(|(index, pair)| {
            let Kind::List(pair) = pair.kind() else { return None };
            let mut parts = pair.iter();
            let Kind::IndexElem(element) = parts.next()?.kind() else { return None };
            let operator = match parts.next()?.kind() {
                Kind::List(name) => name.strings().next_back().unwrap_or_default().to_owned(),
                _ => String::new(),
            };
            let (from, to) = places.get(index).copied().unwrap_or((keyword, keyword));
            // The element ends before its `WITH operator`.
            let with = source.scan(from, |at, token| at > from && token.is(source.text, "WITH")).min(to);
            Some((index_element(source, element, from, with), operator))
        })
        .tight();
    let behind = open.map_or(keyword, |open| source.group_end(open));
    let predicate = source.find(behind, "WHERE").filter(|_| node.where_clause.is_some()).map(|at| {
        let open = at + 1;
        expr::expr_at(source, node.where_clause, open + 1, source.group_end(open).saturating_sub(1))
    });
    Exclude {
        method: node.access_method.opt().unwrap_or("btree").to_owned(),
        elements,
        predicate,
        including: including(source, node.including, source.find(behind, "INCLUDE")),
    }
}

fn foreign_key(source: &Source<'_>, node: &pg::Constraint<'_>, keyword: usize, end: usize) -> ForeignKey {
    let columns_at = if source.is(keyword, "FOREIGN") { Some(keyword + 2) } else { None };
    let references = attribute(source, keyword, end, "REFERENCES").unwrap_or(keyword);
    let referenced_open = source.name_end(references + 1);
    if node.fk_with_period
        && let Some(at) = columns_at.and_then(|open| source.find(open + 1, "PERIOD"))
    {
        source.need(18, "PERIOD", at, at + 2);
    }
    let delete_columns = if node.fk_del_set_cols.is_empty() {
        None
    } else {
        let delete =
            source.scan(referenced_open, |at, token| token.is(source.text, "DELETE") && source.is(at - 1, "ON"));
        let open = source.find_open(delete);
        if let Some(open) = open {
            source.need(15, "ON DELETE SET ... (columns)", open, source.group_end(open));
        }
        open
    };
    ForeignKey {
        columns: foreign_columns(source, node.fk_attrs, columns_at),
        referenced: node.pktable.map_or_else(
            || names::name_of(std::iter::empty(), crate::span::Span::default()),
            |table| names::relation_name(source, table),
        ),
        referenced_columns: foreign_columns(source, node.pk_attrs, Some(referenced_open)),
        match_type: char::from(node.fk_matchtype),
        on_update: char::from(node.fk_upd_action),
        on_delete: char::from(node.fk_del_action),
        on_delete_columns: names::idents_in(source, node.fk_del_set_cols.strings(), delete_columns),
        period: node.fk_with_period,
    }
}

/// As `idents_in`, for columns of which one can stand behind PERIOD.
fn foreign_columns(source: &Source<'_>, list: List<'_>, open: Option<usize>) -> Vec<Ident> {
    let places = open.map(|open| source.elements(open + 1, source.tokens.len())).unwrap_or_default();
    list.strings()
        .enumerate()
        .map(|(index, text)| {
            let span = places.get(index).map_or_else(Default::default, |(_, to)| source.tokens_span(to - 1, *to));
            Ident { text: text.to_owned(), span }
        })
        .tight()
}

/// An element of an index or of a partition key at the tokens `from..to`.
pub fn index_element(source: &Source<'_>, node: &pg::IndexElem<'_>, from: usize, to: usize) -> IndexElement {
    let descending = node.ordering == pg::SORTBY_DESC;
    IndexElement {
        span: source.tokens_span(from, to),
        column: node.name.opt_owned(),
        expression: node.expr.map(|node| expr::expr(source, node)),
        collation: list_name(source, node.collation, from, to),
        operator_class: list_name(source, node.opclass, from, to),
        descending,
        nulls_reordered: match node.nulls_ordering {
            pg::SORTBY_NULLS_FIRST => !descending,
            pg::SORTBY_NULLS_LAST => descending,
            _ => false,
        },
    }
}

pub fn partition_element(source: &Source<'_>, node: &pg::PartitionElem<'_>) -> IndexElement {
    let from = source.at(node.location).unwrap_or(0);
    let to = source.element_end(from);
    IndexElement {
        span: source.tokens_span(from, to),
        column: node.name.opt_owned(),
        expression: node.expr.map(|node| expr::expr(source, node)),
        collation: list_name(source, node.collation, from, to),
        operator_class: list_name(source, node.opclass, from, to),
        descending: false,
        nulls_reordered: false,
    }
}

/// A name that stands somewhere in `from..to`, found by its last part.
fn list_name(source: &Source<'_>, list: List<'_>, from: usize, to: usize) -> Option<Name> {
    let last = list.strings().next_back()?;
    let at = (from + 1..to).find(|at| {
        matches!(source.kind(*at), Some(TokenKind::Word | TokenKind::QuotedName))
            && crate::lex::fold(source.word(*at)) == last
    });
    let span = at.map_or_else(Default::default, |at| {
        let start = if source.kind(at - 1) == Some(TokenKind::Dot) { at - 2 } else { at };
        source.tokens_span(start, at + 1)
    });
    Some(names::name_of(list.strings(), span))
}

pub fn partition_bound(source: &Source<'_>, node: &pg::PartitionBoundSpec<'_>) -> PartitionBound {
    if node.is_default {
        return PartitionBound::Default;
    }
    match node.strategy {
        b'h' => PartitionBound::Hash { modulus: node.modulus, remainder: node.remainder },
        b'l' => PartitionBound::List { values: expr::exprs(source, node.listdatums) },
        _ => PartitionBound::Range {
            from: range_data(source, node.lowerdatums),
            to: range_data(source, node.upperdatums),
        },
    }
}

/// MINVALUE and MAXVALUE are still column references in a raw tree.
fn range_data(source: &Source<'_>, list: List<'_>) -> Vec<RangeDatum> {
    let datum = |node: Node<'_>| match node.kind() {
        Kind::ColumnRef(column) if column.fields.len() == 1 => match column.fields.strings().next() {
            Some("minvalue") => RangeDatum::MinValue,
            Some("maxvalue") => RangeDatum::MaxValue,
            _ => RangeDatum::Value(expr::expr(source, node)),
        },
        _ => RangeDatum::Value(expr::expr(source, node)),
    };
    list.iter().map(datum).tight()
}
