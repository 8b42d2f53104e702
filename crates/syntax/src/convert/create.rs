//! CREATE of relations and of things on them.

use super::Tight;
use super::column;
use super::names;
use super::source::{Cursor, Source};
use super::{expr, query};
use crate::ast::{
    ColumnDef, Constraint, ConstraintKind, CreateIndex, CreateSequence, CreateTable, CreateTableAs, CreateTrigger,
    CreateView, DefElem, Ident, Like, Name, ObjectKind, PartitionBy, Persistence, StatementKind,
};
use crate::ffi::{List, Node};
use crate::nodes::{self as pg, Kind};

pub fn create_table(source: &Source<'_>, node: &pg::CreateStmt<'_>, foreign: bool) -> StatementKind {
    let Some(range) = node.relation else { return StatementKind::Other { tag: "CREATE TABLE" } };
    let (mut columns, mut constraints, mut likes) = (Vec::new(), Vec::new(), Vec::new());
    for element in node.table_elts.iter() {
        match element.kind() {
            Kind::ColumnDef(def) => columns.push(column::column_def(source, def)),
            Kind::Constraint(constraint) => constraints.push(column::table_constraint(source, constraint)),
            Kind::TableLikeClause(clause) => likes.extend(like(source, clause, foreign)),
            _ => {}
        }
    }
    if let Some(spec) = node.partspec {
        partitioned_needs(source, node, spec, &columns, &constraints);
    }
    StatementKind::CreateTable(CreateTable {
        name: names::relation_name(source, range),
        if_not_exists: node.if_not_exists,
        persistence: persistence(range),
        foreign,
        columns,
        constraints,
        likes,
        inherits: names::relations(source, node.inh_relations).into_iter().map(|relation| relation.name).tight(),
        of_type: node.of_typename.map(|ty| names::type_name(source, ty)),
        partition_of: node.partbound.map(|bound| column::partition_bound(source, bound)),
        partition_by: node.partspec.map(|spec| partition_by(source, spec)),
        options: names::options(node.options),
        access_method: node.access_method.opt_owned(),
        tablespace: node.tablespacename.opt_owned(),
    })
}

/// What partitioned tables could not have before 17.
fn partitioned_needs(
    source: &Source<'_>,
    node: &pg::CreateStmt<'_>,
    spec: &pg::PartitionSpec<'_>,
    columns: &[ColumnDef],
    constraints: &[Constraint],
) {
    if node.access_method.opt().is_some()
        && let Some(at) = source.at(spec.location).and_then(|at| source.find(at, "USING"))
    {
        source.need(17, "USING of a partitioned table", at, at + 2);
    }
    let of_columns = columns.iter().flat_map(|column| &column.constraints);
    for constraint in of_columns.chain(constraints) {
        if matches!(constraint.kind, ConstraintKind::Exclude(_)) {
            source.need_at(17, "an exclusion constraint of a partitioned table", constraint.span);
        }
    }
}

pub fn persistence(range: &pg::RangeVar<'_>) -> Persistence {
    match range.relpersistence {
        b't' => Persistence::Temporary,
        b'u' => Persistence::Unlogged,
        _ => Persistence::Permanent,
    }
}

fn like(source: &Source<'_>, clause: &pg::TableLikeClause<'_>, foreign: bool) -> Option<Like> {
    const OPTIONS: [(u32, &str); 9] = [
        (pg::CREATE_TABLE_LIKE_COMMENTS, "comments"),
        (pg::CREATE_TABLE_LIKE_COMPRESSION, "compression"),
        (pg::CREATE_TABLE_LIKE_CONSTRAINTS, "constraints"),
        (pg::CREATE_TABLE_LIKE_DEFAULTS, "defaults"),
        (pg::CREATE_TABLE_LIKE_GENERATED, "generated"),
        (pg::CREATE_TABLE_LIKE_IDENTITY, "identity"),
        (pg::CREATE_TABLE_LIKE_INDEXES, "indexes"),
        (pg::CREATE_TABLE_LIKE_STATISTICS, "statistics"),
        (pg::CREATE_TABLE_LIKE_STORAGE, "storage"),
    ];
    let relation = names::relation_name(source, clause.relation?);
    let start = source.at(clause.relation?.location)?.saturating_sub(1);
    let end = source.element_end(start);
    if foreign {
        source.need(18, "LIKE in CREATE FOREIGN TABLE", start, end);
    }
    // INCLUDING ALL sets every bit.
    let including = if clause.options == pg::CREATE_TABLE_LIKE_ALL {
        vec!["all"]
    } else {
        OPTIONS.iter().filter(|(bit, _)| clause.options & bit != 0).map(|(_, name)| *name).tight()
    };
    Some(Like { relation, including, span: source.tokens_span(start, end) })
}

fn partition_by(source: &Source<'_>, spec: &pg::PartitionSpec<'_>) -> PartitionBy {
    PartitionBy {
        strategy: match u8::try_from(spec.strategy) {
            Ok(b'l') => "list",
            Ok(b'h') => "hash",
            _ => "range",
        },
        keys: spec
            .part_params
            .iter()
            .filter_map(|node| match node.kind() {
                Kind::PartitionElem(element) => Some(column::partition_element(source, element)),
                _ => None,
            })
            .tight(),
    }
}

/// CREATE TABLE AS, CREATE MATERIALIZED VIEW and SELECT INTO.
pub fn create_table_as(source: &Source<'_>, node: &pg::CreateTableAsStmt<'_>) -> StatementKind {
    let (Some(into), Some(inner)) = (node.into, node.query) else {
        return StatementKind::Other { tag: "CREATE TABLE AS" };
    };
    let Some(range) = into.rel else { return StatementKind::Other { tag: "CREATE TABLE AS" } };
    let columns: Vec<String> = into.col_names.strings().map(str::to_owned).tight();
    let query = query::query_with_targets(source, inner);
    let materialized = node.objtype == pg::OBJECT_MATVIEW;
    StatementKind::CreateTableAs(CreateTableAs {
        name: names::relation_name(source, range),
        object: if materialized { ObjectKind::MaterializedView } else { ObjectKind::Table },
        persistence: persistence(range),
        if_not_exists: node.if_not_exists,
        with_data: !into.skip_data,
        output: query::output_columns(inner, &columns),
        columns,
        select_into: node.is_select_into,
        columns_used: if materialized { query::columns_used(source, [inner]) } else { Vec::new() },
        query,
    })
}

/// SELECT ... INTO is still a SELECT in a raw tree.
pub fn select_into(source: &Source<'_>, node: Node<'_>, into: &pg::IntoClause<'_>) -> StatementKind {
    let Some(range) = into.rel else { return StatementKind::Select(query::query_with_targets(source, node)) };
    StatementKind::CreateTableAs(CreateTableAs {
        name: names::relation_name(source, range),
        object: ObjectKind::Table,
        persistence: persistence(range),
        if_not_exists: false,
        with_data: true,
        columns: Vec::new(),
        select_into: true,
        columns_used: Vec::new(),
        query: query::query_with_targets(source, node),
        output: query::output_columns(node, &[]),
    })
}

pub fn create_view(source: &Source<'_>, node: &pg::ViewStmt<'_>) -> StatementKind {
    let (Some(range), Some(inner)) = (node.view, node.query) else {
        return StatementKind::Other { tag: "CREATE VIEW" };
    };
    let given: Vec<String> = node.aliases.strings().map(str::to_owned).tight();
    StatementKind::CreateView(CreateView {
        name: names::relation_name(source, range),
        replace: node.replace,
        temporary: persistence(range) == Persistence::Temporary,
        query: query::query_with_targets(source, inner),
        columns_used: query::columns_used(source, [inner]),
        output: query::output_columns(inner, &given),
        options: super::alter_table::relation_options(source, node.options),
    })
}

pub fn create_index(source: &Source<'_>, node: &pg::IndexStmt<'_>) -> StatementKind {
    let Some(range) = node.relation else { return StatementKind::Other { tag: "CREATE INDEX" } };
    // CREATE [UNIQUE] INDEX [CONCURRENTLY] [[IF NOT EXISTS] name] ON
    let mut cursor = Cursor::new(source, 1);
    cursor.eat("UNIQUE");
    cursor.eat("INDEX");
    cursor.eat("CONCURRENTLY");
    cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let name = node.idxname.opt().map(|text| cursor.ident(text));
    let table_end = source.at(range.location).map_or(cursor.at, |index| source.name_end(index));
    let open = source.find_open(table_end);
    let places = open.map(|open| source.elements(open + 1, source.tokens.len())).unwrap_or_default();
    let elements = node
        .index_params
        .iter()
        .enumerate()
        .filter_map(|(index, element)| match element.kind() {
            Kind::IndexElem(element) => {
                let (from, to) = places.get(index).copied().unwrap_or((table_end, table_end));
                Some(column::index_element(source, element, from, to))
            }
            _ => None,
        })
        .tight();
    let behind = open.map_or(table_end, |open| source.group_end(open));
    let including = source.find(behind, "INCLUDE").map(|at| at + 1);
    let included = node.index_including_params.iter().filter_map(|element| match element.kind() {
        Kind::IndexElem(element) => element.name.opt(),
        _ => None,
    });
    if let Some(at) = source.find(behind, "NULLS") {
        let to = source.scan(at, |_, token| token.is(source.text, "DISTINCT"));
        if source.is(to, "DISTINCT") && to <= at + 2 {
            source.need(15, "NULLS NOT DISTINCT", at, to + 1);
        }
    }
    let predicate = node.where_clause.and_then(|condition| {
        let at = source.find(behind, "WHERE")?;
        Some(expr::expr_at(source, Some(condition), at + 1, source.tokens.len()))
    });
    StatementKind::CreateIndex(CreateIndex {
        name,
        relation: names::relation(source, range),
        unique: node.unique,
        concurrently: node.concurrent,
        if_not_exists: node.if_not_exists,
        method: node.access_method.opt().unwrap_or("btree").to_owned(),
        elements,
        including: names::idents_in(source, included, including),
        nulls_not_distinct: node.nulls_not_distinct,
        predicate,
        options: names::options(node.options),
        tablespace: node.table_space.opt_owned(),
    })
}

/// The table and column of OWNED BY, taken out of a sequence's options.
pub fn sequence_options(list: List<'_>) -> (Vec<DefElem>, Option<(Name, String)>) {
    let mut owned_by = None;
    for node in list.iter() {
        if let Kind::DefElem(option) = node.kind()
            && option.defname.get() == "owned_by"
            && let Some(Kind::List(parts)) = option.arg.map(Node::kind)
        {
            let parts: Vec<&str> = parts.strings().tight();
            if let Some((column, table)) = parts.split_last()
                && !table.is_empty()
            {
                let name = names::name_of(table.iter().copied(), crate::span::Span::default());
                owned_by = Some((name, (*column).to_owned()));
            }
        }
    }
    (names::options(list), owned_by)
}

pub fn create_sequence(source: &Source<'_>, node: &pg::CreateSeqStmt<'_>) -> StatementKind {
    let Some(range) = node.sequence else { return StatementKind::Other { tag: "CREATE SEQUENCE" } };
    if persistence(range) == Persistence::Unlogged {
        source.need(15, "CREATE UNLOGGED SEQUENCE", 1, 3);
    }
    let (options, owned_by) = sequence_options(node.options);
    StatementKind::CreateSequence(CreateSequence {
        name: names::relation_name(source, range),
        if_not_exists: node.if_not_exists,
        temporary: persistence(range) == Persistence::Temporary,
        options,
        owned_by: place_owner(source, owned_by),
    })
}

/// Gives the owning table of OWNED BY its place.
pub fn place_owner(source: &Source<'_>, owned_by: Option<(Name, String)>) -> Option<(Name, String)> {
    let (mut name, column) = owned_by?;
    if let Some(at) = source.find(0, "OWNED") {
        let end = source.name_end(at + 2);
        name.span = source.tokens_span(at + 2, end.saturating_sub(2));
    }
    Some((name, column))
}

pub fn create_trigger(source: &Source<'_>, node: &pg::CreateTrigStmt<'_>) -> StatementKind {
    let Some(range) = node.relation else { return StatementKind::Other { tag: "CREATE TRIGGER" } };
    let name_at = source.find(0, "TRIGGER").map_or(0, |at| at + 1);
    let function_at = source.find(name_at, "EXECUTE").map_or(name_at, |at| at + 2);
    // trigger.h: TRIGGER_TYPE_*.
    let event = |bit: i16| node.events & bit != 0;
    StatementKind::CreateTrigger(CreateTrigger {
        name: Ident { text: node.trigname.owned(), span: source.tokens_span(name_at, name_at + 1) },
        relation: names::relation_name(source, range),
        replace: node.replace,
        constraint: node.isconstraint,
        row: node.row,
        timing: match node.timing {
            2 => "before",
            64 => "instead of",
            _ => "after",
        },
        insert: event(4),
        delete: event(8),
        update: event(16),
        truncate: event(32),
        columns: node.columns.strings().map(str::to_owned).tight(),
        when: node.when_clause.map(|node| expr::expr(source, node)),
        function: names::name_at(source, node.funcname, function_at),
        referenced: node.constrrel.map(|range| names::relation_name(source, range)),
    })
}

pub fn create_rule(source: &Source<'_>, node: &pg::RuleStmt<'_>) -> StatementKind {
    let at = source.find(0, "RULE").map_or(0, |at| at + 1);
    StatementKind::CreateRule {
        name: Ident { text: node.rulename.owned(), span: source.tokens_span(at, at + 1) },
        relation: optional_relation(source, node.relation),
        replace: node.replace,
        event: match node.event {
            pg::CMD_SELECT => "select",
            pg::CMD_UPDATE => "update",
            pg::CMD_DELETE => "delete",
            _ => "insert",
        },
        instead: node.instead && node.where_clause.is_none(),
        facts: query::collect(source, node.actions.iter()).0,
    }
}

pub fn optional_relation(source: &Source<'_>, range: Option<&pg::RangeVar<'_>>) -> Name {
    match range {
        Some(range) => names::relation_name(source, range),
        None => names::name_of(std::iter::empty(), source.whole()),
    }
}

/// The name and expressions of CREATE POLICY and ALTER POLICY.
pub fn policy(
    source: &Source<'_>,
    name: &str,
    table: Option<&pg::RangeVar<'_>>,
    expressions: [Option<Node<'_>>; 2],
) -> (Ident, Name, Vec<crate::ast::Expr>) {
    (
        Ident { text: name.to_owned(), span: source.tokens_span(2, 3) },
        optional_relation(source, table),
        expressions.into_iter().flatten().map(|node| expr::expr(source, node)).tight(),
    )
}

pub fn create_statistics(source: &Source<'_>, node: &pg::CreateStatsStmt<'_>) -> StatementKind {
    let mut cursor = Cursor::new(source, 2);
    cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let name = if node.defnames.is_empty() {
        source.need(16, "CREATE STATISTICS without a name", 0, 2);
        None
    } else {
        Some(names::name_at(source, node.defnames, cursor.at))
    };
    let (mut columns, mut expressions) = (Vec::new(), Vec::new());
    for element in node.exprs.iter() {
        if let Kind::StatsElem(element) = element.kind() {
            columns.extend(element.name.opt_owned());
            expressions.extend(element.expr.map(|node| expr::expr(source, node)));
        }
    }
    let relation = names::relations(source, node.relations).into_iter().next().map(|relation| relation.name);
    StatementKind::CreateStatistics { name, relation, columns, expressions, if_not_exists: node.if_not_exists }
}
