//! What queries and data-modifying statements read, write and call.
//!
//! The walk keeps its own stack: a query may nest thousands of levels deep.

use super::Tight as _;
use super::expr;
use super::names;
use super::source::Source;
use crate::ast::{ColumnUse, Expr, Query, Read, Write, WriteKind};
use crate::ffi::{List, Node, Tagged};
use crate::lex::TokenKind;
use crate::nodes::{self as pg, Kind};

/// The facts of a query; its target list too when `targets` asks for it in [`query_with_targets`].
pub fn query(source: &Source<'_>, node: Node<'_>) -> Query {
    collect(source, [node]).0
}

/// The facts of a statement that is a query.
pub fn query_with_targets(source: &Source<'_>, node: Node<'_>) -> Query {
    let mut query = query(source, node);
    if let Kind::SelectStmt(select) = node.kind() {
        if select.op == pg::SETOP_NONE && select.from_clause.is_empty() && select.values_lists.is_empty() {
            query.targets = expr::exprs(source, select.target_list);
        }
        query.into = select.into_clause.and_then(|into| into.rel).map(|rel| names::relation_name(source, rel));
    }
    query
}

/// The facts of several nodes together, and the columns they name.
pub fn collect<'a>(source: &Source<'_>, roots: impl IntoIterator<Item = Node<'a>>) -> (Query, Vec<Named<'a>>) {
    let walk = walk(source, roots);
    (walk.query, walk.columns.into_iter().map(|(column, _)| column).collect())
}

/// The columns that several nodes name, each with where it is looked for.
pub fn columns_used<'a>(source: &Source<'_>, roots: impl IntoIterator<Item = Node<'a>>) -> Vec<ColumnUse> {
    let walk = walk(source, roots);
    let used = |(column, scope): &(Named<'_>, Option<usize>)| {
        let parts = column.parts();
        let from = if parts.len() == 1 { walk.levels(*scope) } else { Vec::new() };
        ColumnUse { parts, from }
    };
    walk.columns.iter().map(used).tight()
}

fn walk<'a>(source: &Source<'_>, roots: impl IntoIterator<Item = Node<'a>>) -> Walk<'a> {
    let mut walk = Walk::default();
    for root in roots {
        if let Kind::SelectStmt(select) = root.kind() {
            walk.query.filtered |= restricts(select);
            walk.query.limited |= select.limit_count.is_some() || select.limit_offset.is_some();
        }
        walk.run(source, root);
    }
    walk
}

/// Columns that a query names.
#[derive(Clone, Copy)]
pub enum Named<'a> {
    Column(&'a pg::ColumnRef<'a>),
    /// All columns of one relation of FROM, by the name it has there: a `*` does not reach into subqueries.
    All(&'a str),
    /// JOIN ... USING.
    Shared(&'a str),
}

impl Named<'_> {
    pub fn parts(self) -> Vec<String> {
        match self {
            Self::Column(column) => expr::column_parts(column),
            Self::All(relation) => vec![relation.to_owned(), "*".to_owned()],
            Self::Shared(column) => vec![column.to_owned()],
        }
    }
}

/// The columns, calls and subqueries below a node, flat.
pub fn leaves(source: &Source<'_>, node: Node<'_>) -> Vec<Expr> {
    let (query, columns) = collect(source, [node]);
    let mut leaves: Vec<Expr> = columns.into_iter().map(|column| Expr::Column(column.parts())).collect();
    leaves.extend(query.functions.iter().map(|name| Expr::Call { name: name.clone(), arguments: Vec::new() }));
    if !query.reads.is_empty() {
        leaves.push(Expr::Subquery(Box::new(query)));
    }
    leaves
}

fn restricts(select: &pg::SelectStmt<'_>) -> bool {
    select.where_clause.is_some()
        || select.from_clause.iter().any(|item| match item.kind() {
            Kind::JoinExpr(join) => join.quals.is_some() || !join.using_clause.is_empty() || join.is_natural,
            _ => false,
        })
}

#[derive(Default)]
struct Walk<'a> {
    query: Query,
    /// With the innermost scope they stand in.
    columns: Vec<(Named<'a>, Option<usize>)>,
    stack: Vec<Item<'a>>,
    scopes: Vec<Scope<'a>>,
    locks: Vec<&'a pg::LockingClause<'a>>,
}

/// A node to visit.
#[derive(Clone, Copy)]
struct Item<'a> {
    node: Node<'a>,
    /// The innermost common table expression or FROM that it sees.
    scope: Option<usize>,
    /// The row-locking clauses of the query whose FROM it stands in, as a range of `locks`.
    locks: (usize, usize),
}

/// What names resolve to: a common table expression, or the items of a FROM.
struct Scope<'a> {
    outer: Option<usize>,
    /// Empty for a FROM.
    name: &'a str,
    from: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn run(&mut self, source: &Source<'_>, root: Node<'a>) {
        self.stack.push(Item { node: root, scope: None, locks: (0, 0) });
        let mut children = Vec::new();
        while let Some(item) = self.stack.pop() {
            let bottom = self.stack.len();
            match item.node.kind() {
                Kind::RangeVar(range) => self.read(source, range, item),
                // A bare `*` is told by the query it stands in.
                Kind::ColumnRef(column) if column.fields.len() == 1 && is_star(item.node) => {}
                Kind::ColumnRef(column) => self.columns.push((Named::Column(column), item.scope)),
                Kind::FuncCall(call) => {
                    let name = expr::call_name(source, call);
                    if !self.query.functions.iter().any(|known| known.name == name.name && known.schema == name.schema)
                    {
                        self.query.functions.push(name);
                    }
                    note_needs(source, item.node);
                    self.push_children(item, item.scope, &mut children);
                }
                Kind::SelectStmt(select) => {
                    self.query.limited_within |= select.limit_count.is_some();
                    let scope = self.with(source, select.with_clause, item.scope);
                    let first = self.locks.len();
                    for clause in select.locking_clause.iter() {
                        if let Kind::LockingClause(clause) = clause.kind() {
                            self.locks.push(clause);
                        }
                    }
                    // FOR UPDATE reaches into the subqueries of FROM.
                    let locks = if self.locks.len() > first { (first, self.locks.len()) } else { item.locks };
                    let scope = self.enter(select.from_clause, scope);
                    self.push_list(select.from_clause, scope, locks);
                    let (from, rest) = (Item { scope, locks: (0, 0), ..item }, select);
                    self.push_select(rest, from);
                }
                Kind::InsertStmt(insert) => {
                    let scope = self.with(source, insert.with_clause, item.scope);
                    let values =
                        |it: Node<'_>| matches!(it.kind(), Kind::SelectStmt(it) if !it.values_lists.is_empty());
                    let joined = insert.select_stmt.is_some_and(|it| !values(it));
                    self.write(source, insert.relation, WriteKind::Insert, None, joined);
                    returning_needs(source, insert.returning_clause, insert.relation);
                    self.push_node(insert.select_stmt, scope);
                    if let Some(conflict) = insert.on_conflict_clause {
                        self.push_list(conflict.target_list, scope, (0, 0));
                        self.push_node(conflict.where_clause, scope);
                    }
                    self.push_returning(insert.returning_clause, scope);
                }
                Kind::UpdateStmt(update) => {
                    let scope = self.with(source, update.with_clause, item.scope);
                    let joined = !update.from_clause.is_empty();
                    self.write(source, update.relation, WriteKind::Update, update.where_clause, joined);
                    returning_needs(source, update.returning_clause, update.relation);
                    self.push_list(update.target_list, scope, (0, 0));
                    self.push_list(update.from_clause, scope, (0, 0));
                    self.push_node(update.where_clause, scope);
                    self.push_returning(update.returning_clause, scope);
                }
                Kind::DeleteStmt(delete) => {
                    let scope = self.with(source, delete.with_clause, item.scope);
                    let joined = !delete.using_clause.is_empty();
                    self.write(source, delete.relation, WriteKind::Delete, delete.where_clause, joined);
                    returning_needs(source, delete.returning_clause, delete.relation);
                    self.push_list(delete.using_clause, scope, (0, 0));
                    self.push_node(delete.where_clause, scope);
                    self.push_returning(delete.returning_clause, scope);
                }
                Kind::MergeStmt(merge) => {
                    let scope = self.with(source, merge.with_clause, item.scope);
                    self.write(source, merge.relation, WriteKind::Merge, None, true);
                    merge_needs(source, merge);
                    returning_needs(source, merge.returning_clause, merge.relation);
                    self.push_node(merge.source_relation, scope);
                    self.push_node(merge.join_condition, scope);
                    self.push_list(merge.merge_when_clauses, scope, (0, 0));
                    self.push_returning(merge.returning_clause, scope);
                }
                Kind::RangeSubselect(subselect) => {
                    if subselect.alias.is_none() {
                        subselect_needs(source, subselect);
                    }
                    if let Some(node) = subselect.subquery {
                        self.stack.push(Item { node, ..item });
                    }
                }
                Kind::JoinExpr(join) => {
                    for node in join.larg.into_iter().chain(join.rarg) {
                        self.stack.push(Item { node, ..item });
                    }
                    self.columns.extend(join.using_clause.strings().map(|name| (Named::Shared(name), item.scope)));
                    self.push_node(join.quals, item.scope);
                }
                _ => {
                    note_needs(source, item.node);
                    self.push_children(item, item.scope, &mut children);
                }
            }
            // The stack is popped from its end: what was pushed first comes first.
            self.stack[bottom..].reverse();
        }
    }

    fn push_select(&mut self, select: &'a pg::SelectStmt<'a>, item: Item<'a>) {
        let scope = item.scope;
        if select.target_list.iter().any(is_bare_star) {
            self.star(select.from_clause);
        }
        // A chain of UNION leans to the left.
        for arm in select.larg.into_iter().chain(select.rarg) {
            self.stack.push(Item { node: arm.node(), ..item });
        }
        for list in [
            select.distinct_clause,
            select.target_list,
            select.group_clause,
            select.window_clause,
            select.values_lists,
            select.sort_clause,
        ] {
            self.push_list(list, scope, (0, 0));
        }
        for node in [select.where_clause, select.having_clause, select.limit_offset, select.limit_count] {
            self.push_node(node, scope);
        }
    }

    /// `*` over these items of FROM.
    fn star(&mut self, from: List<'a>) {
        let tables = items(from).filter(|(_, table)| *table);
        self.columns.extend(tables.map(|(called, _)| (Named::All(called), None)));
    }

    /// The scope of a query with this FROM.
    fn enter(&mut self, from: List<'a>, outer: Option<usize>) -> Option<usize> {
        if from.is_empty() {
            return outer;
        }
        self.scopes.push(Scope { outer, name: "", from: items(from).map(|(called, _)| called).collect() });
        Some(self.scopes.len() - 1)
    }

    /// The names of each FROM around a scope, the innermost first.
    fn levels(&self, mut scope: Option<usize>) -> Vec<Vec<String>> {
        let mut levels = Vec::new();
        while let Some(index) = scope {
            let it = &self.scopes[index];
            if it.name.is_empty() {
                levels.push(it.from.iter().map(|name| (*name).to_owned()).tight());
            }
            scope = it.outer;
        }
        levels
    }

    fn push_node(&mut self, node: Option<Node<'a>>, scope: Option<usize>) {
        self.stack.extend(node.map(|node| Item { node, scope, locks: (0, 0) }));
    }

    fn push_list(&mut self, list: List<'a>, scope: Option<usize>, locks: (usize, usize)) {
        self.stack.extend(list.iter().map(|node| Item { node, scope, locks }));
    }

    fn push_returning(&mut self, clause: Option<&'a pg::ReturningClause<'a>>, scope: Option<usize>) {
        if let Some(clause) = clause {
            self.push_list(clause.exprs, scope, (0, 0));
        }
    }

    fn push_children(&mut self, item: Item<'a>, scope: Option<usize>, children: &mut Vec<Node<'a>>) {
        children.clear();
        self::children(item.node, children);
        self.stack.extend(children.iter().map(|node| Item { node: *node, scope, locks: (0, 0) }));
    }

    /// Enters the common table expressions of a WITH clause and gives the scope of the statement behind it. Without
    /// RECURSIVE each sees only those before it.
    fn with(
        &mut self,
        source: &Source<'_>,
        clause: Option<&'a pg::WithClause<'a>>,
        outer: Option<usize>,
    ) -> Option<usize> {
        let Some(clause) = clause else { return outer };
        let mut scope = outer;
        let mut queries = Vec::new();
        for node in clause.ctes.iter() {
            if let Kind::CommonTableExpr(cte) = node.kind() {
                queries.push((cte.ctequery, scope));
                self.scopes.push(Scope { outer: scope, name: cte.ctename.get(), from: Vec::new() });
                scope = Some(self.scopes.len() - 1);
            }
        }
        for (node, seen) in queries {
            if let Some(Kind::MergeStmt(_)) = node.map(Node::kind)
                && let Some(index) = source.at(clause.location)
            {
                source.need(17, "MERGE in WITH", index, index + 1);
            }
            self.push_node(node, if clause.recursive { scope } else { seen });
        }
        scope
    }

    fn read(&mut self, source: &Source<'_>, range: &'a pg::RangeVar<'a>, item: Item<'a>) {
        let name = range.relname.get();
        if range.schemaname.opt().is_none() {
            let mut scope = item.scope;
            while let Some(index) = scope {
                if self.scopes[index].name == name {
                    return;
                }
                scope = self.scopes[index].outer;
            }
        }
        let called = range.alias.map_or(name, |alias| alias.aliasname.get());
        let mut read = Read { relation: names::relation(source, range), row_lock: None, skip_locked: false };
        for clause in &self.locks[item.locks.0..item.locks.1] {
            let named = clause.locked_rels.is_empty()
                || clause
                    .locked_rels
                    .iter()
                    .any(|node| matches!(node.kind(), Kind::RangeVar(of) if of.relname.get() == called));
            if named {
                read.row_lock = row_lock(clause.strength);
                read.skip_locked = clause.wait_policy == pg::LockWaitSkip;
            }
        }
        self.query.reads.push(read);
    }

    fn write(
        &mut self,
        source: &Source<'_>,
        range: Option<&pg::RangeVar<'_>>,
        kind: WriteKind,
        filter: Option<Node<'_>>,
        joined: bool,
    ) {
        if let Some(range) = range {
            let filter = filter.map(|filter| expr::expr(source, filter));
            self.query.writes.push(Write { relation: names::relation(source, range), kind, filter, joined });
        }
    }
}

/// The names of the items of FROM, those in joins too, and whether each is a table.
fn items<'a>(from: List<'a>) -> impl Iterator<Item = (&'a str, bool)> {
    let mut rest: Vec<Node<'a>> = from.iter().collect();
    std::iter::from_fn(move || {
        loop {
            let alias = match rest.pop()?.kind() {
                Kind::RangeVar(range) => {
                    return Some((range.alias.map_or(range.relname.get(), |alias| alias.aliasname.get()), true));
                }
                Kind::JoinExpr(join) => {
                    rest.extend(join.larg.into_iter().chain(join.rarg));
                    continue;
                }
                Kind::RangeTableSample(sample) => {
                    rest.extend(sample.relation);
                    continue;
                }
                Kind::RangeSubselect(subselect) => subselect.alias,
                Kind::RangeFunction(function) => function.alias,
                _ => None,
            };
            return Some((alias.map_or("", |alias| alias.aliasname.get()), false));
        }
    })
}

fn row_lock(strength: u32) -> Option<&'static str> {
    match strength {
        pg::LCS_FORUPDATE => Some("FOR UPDATE"),
        pg::LCS_FORNOKEYUPDATE => Some("FOR NO KEY UPDATE"),
        pg::LCS_FORSHARE => Some("FOR SHARE"),
        pg::LCS_FORKEYSHARE => Some("FOR KEY SHARE"),
        _ => None,
    }
}

pub fn merge_needs(source: &Source<'_>, merge: &pg::MergeStmt<'_>) {
    let index = merge.relation.and_then(|range| source.at(range.location)).unwrap_or(0);
    let merge_word = (0..=index).rev().find(|at| source.is(*at, "MERGE")).unwrap_or(index);
    source.need(15, "MERGE", merge_word, merge_word + 1);
    for node in merge.merge_when_clauses.iter() {
        if let Kind::MergeWhenClause(when) = node.kind()
            && when.match_kind == pg::MERGE_WHEN_NOT_MATCHED_BY_SOURCE
        {
            let at = source.find(index, "BY").unwrap_or(merge_word);
            source.need(17, "MERGE ... WHEN NOT MATCHED BY SOURCE", at, at + 2);
        }
    }
    if merge.returning_clause.is_some() {
        let at = source.find(index, "RETURNING").unwrap_or(merge_word);
        source.need(17, "MERGE ... RETURNING", at, at + 1);
    }
}

/// RETURNING WITH (OLD AS o), and `old.x` or `new.x` where no relation has that name: PostgreSQL 18.
pub fn returning_needs(
    source: &Source<'_>,
    clause: Option<&pg::ReturningClause<'_>>,
    target: Option<&pg::RangeVar<'_>>,
) {
    let Some(clause) = clause else { return };
    if let Some(Kind::ReturningOption(option)) = clause.options.first().map(Node::kind)
        && let Some(index) = source.at(option.location)
    {
        source.need(18, "RETURNING WITH (OLD, NEW)", index, index + 3);
    }
    let called = target.map(|range| range.alias.map_or(range.relname.get(), |alias| alias.aliasname.get()));
    for target in clause.exprs.iter() {
        let mut stack = vec![target];
        while let Some(node) = stack.pop() {
            if let Kind::ColumnRef(column) = node.kind() {
                let first = column.fields.strings().next().unwrap_or_default();
                if column.fields.len() == 2
                    && matches!(first, "old" | "new")
                    && called != Some(first)
                    && let Some(index) = source.at(column.location)
                {
                    source.need(18, "RETURNING old and new", index, source.name_end(index));
                }
            }
            children(node, &mut stack);
        }
    }
}

fn subselect_needs(source: &Source<'_>, subselect: &pg::RangeSubselect<'_>) {
    // The node has no location; its innermost located part leads to the parenthesis before it.
    let location = subselect.subquery.and_then(first_location);
    let open = location
        .and_then(|location| source.at(location))
        .and_then(|index| (0..index).rev().find(|at| source.kind(*at) == Some(TokenKind::LeftParen)));
    match open {
        Some(open) => source.need(16, "a subquery in FROM without alias", open, source.group_end(open)),
        None => source.need_at(16, "a subquery in FROM without alias", source.whole()),
    }
}

fn first_location(node: Node<'_>) -> Option<i32> {
    let Kind::SelectStmt(mut select) = node.kind() else { return None };
    while let Some(left) = select.larg {
        select = left;
    }
    match select.target_list.first()?.kind() {
        Kind::ResTarget(target) => Some(target.location),
        _ => None,
    }
}

/// Notes what one node of an expression needs.
pub fn note_needs(source: &Source<'_>, node: Node<'_>) {
    let (major, construct, location) = match node.kind() {
        Kind::FuncCall(call) if call.args.is_empty() => {
            // Without parentheses it is the keyword.
            let name = call.funcname.strings().next_back().unwrap_or_default();
            match source.at(call.location) {
                Some(index) if name == "system_user" && source.kind(index + 1) != Some(TokenKind::LeftParen) => {
                    (16, "SYSTEM_USER", call.location)
                }
                _ => return,
            }
        }
        Kind::JsonTable(table) => (17, "JSON_TABLE", table.location),
        Kind::JsonFuncExpr(function) => (17, "JSON_EXISTS, JSON_QUERY, JSON_VALUE", function.location),
        Kind::JsonParseExpr(json) => (17, "JSON()", json.location),
        Kind::JsonScalarExpr(json) => (17, "JSON_SCALAR", json.location),
        Kind::JsonSerializeExpr(json) => (17, "JSON_SERIALIZE", json.location),
        Kind::MergeSupportFunc(function) => (17, "merge_action()", function.location),
        Kind::JsonObjectConstructor(json) => (16, "JSON_OBJECT", json.location),
        Kind::JsonArrayConstructor(json) => (16, "JSON_ARRAY", json.location),
        Kind::JsonArrayQueryConstructor(json) => (16, "JSON_ARRAY", json.location),
        Kind::JsonAggConstructor(json) => (16, "JSON_OBJECTAGG, JSON_ARRAYAGG", json.location),
        Kind::JsonIsPredicate(json) => (16, "IS JSON", json.location),
        _ => return,
    };
    if let Some(index) = source.at(location) {
        source.need(major, construct, index, index + 1);
    }
}

/// Appends the nodes below an expression or a part of a query.
pub fn children<'a>(node: Node<'a>, out: &mut Vec<Node<'a>>) {
    match node.kind() {
        Kind::List(list) => out.extend(list.iter()),
        Kind::AExpr(n) => out.extend(n.lexpr.into_iter().chain(n.rexpr)),
        Kind::BoolExpr(n) => out.extend(n.args.iter()),
        Kind::TypeCast(n) => out.extend(n.arg),
        Kind::CollateClause(n) => out.extend(n.arg),
        Kind::FuncCall(n) => {
            out.extend(n.args.iter());
            out.extend(n.agg_order.iter());
            out.extend(n.agg_filter);
            out.extend(n.over.map(Tagged::node));
        }
        Kind::WindowDef(n) => {
            out.extend(n.partition_clause.iter());
            out.extend(n.order_clause.iter());
            out.extend(n.start_offset.into_iter().chain(n.end_offset));
        }
        Kind::SortBy(n) => out.extend(n.node),
        Kind::ResTarget(n) => {
            out.extend(n.indirection.iter());
            out.extend(n.val);
        }
        // Each column of the assignment holds the same source.
        Kind::MultiAssignRef(n) if n.colno == 1 => out.extend(n.source),
        Kind::AIndirection(n) => {
            out.extend(n.arg);
            out.extend(n.indirection.iter());
        }
        Kind::AIndices(n) => out.extend(n.lidx.into_iter().chain(n.uidx)),
        Kind::AArrayExpr(n) => out.extend(n.elements.iter()),
        Kind::RowExpr(n) => out.extend(n.args.iter()),
        Kind::CaseExpr(n) => {
            out.extend(n.arg);
            out.extend(n.args.iter());
            out.extend(n.defresult);
        }
        Kind::CaseWhen(n) => out.extend(n.expr.into_iter().chain(n.result)),
        Kind::CoalesceExpr(n) => out.extend(n.args.iter()),
        Kind::MinMaxExpr(n) => out.extend(n.args.iter()),
        Kind::NullTest(n) => out.extend(n.arg),
        Kind::BooleanTest(n) => out.extend(n.arg),
        Kind::NamedArgExpr(n) => out.extend(n.arg),
        Kind::SubLink(n) => out.extend(n.testexpr.into_iter().chain(n.subselect)),
        Kind::GroupingFunc(n) => out.extend(n.args.iter()),
        Kind::GroupingSet(n) => out.extend(n.content.iter()),
        Kind::XmlExpr(n) => {
            out.extend(n.named_args.iter());
            out.extend(n.args.iter());
        }
        Kind::XmlSerialize(n) => out.extend(n.expr),
        Kind::RangeFunction(n) => out.extend(n.functions.iter()),
        Kind::RangeTableSample(n) => {
            out.extend(n.relation);
            out.extend(n.args.iter());
        }
        Kind::RangeTableFunc(n) => {
            out.extend(n.docexpr.into_iter().chain(n.rowexpr));
            out.extend(n.namespaces.iter());
            out.extend(n.columns.iter());
        }
        Kind::RangeTableFuncCol(n) => out.extend(n.colexpr.into_iter().chain(n.coldefexpr)),
        Kind::JoinExpr(n) => {
            out.extend(n.larg.into_iter().chain(n.rarg));
            out.extend(n.quals);
        }
        Kind::RangeSubselect(n) => out.extend(n.subquery),
        Kind::MergeWhenClause(n) => {
            out.extend(n.condition);
            out.extend(n.target_list.iter());
            out.extend(n.values.iter());
        }
        Kind::JsonValueExpr(n) => out.extend(n.raw_expr),
        Kind::JsonIsPredicate(n) => out.extend(n.expr),
        Kind::JsonBehavior(n) => out.extend(n.expr),
        Kind::JsonArgument(n) => out.extend(n.val.map(Tagged::node)),
        Kind::JsonKeyValue(n) => {
            out.extend(n.key);
            out.extend(n.value.map(Tagged::node));
        }
        Kind::JsonFuncExpr(n) => {
            out.extend(n.context_item.map(Tagged::node));
            out.extend(n.pathspec);
            out.extend(n.passing.iter());
            out.extend(n.on_empty.map(Tagged::node));
            out.extend(n.on_error.map(Tagged::node));
        }
        Kind::JsonTable(n) => {
            out.extend(n.context_item.map(Tagged::node));
            out.extend(n.passing.iter());
            out.extend(n.columns.iter());
        }
        Kind::JsonTableColumn(n) => {
            out.extend(n.columns.iter());
            out.extend(n.on_empty.map(Tagged::node));
            out.extend(n.on_error.map(Tagged::node));
        }
        Kind::JsonParseExpr(n) => out.extend(n.expr.map(Tagged::node)),
        Kind::JsonScalarExpr(n) => out.extend(n.expr),
        Kind::JsonSerializeExpr(n) => out.extend(n.expr.map(Tagged::node)),
        Kind::JsonObjectConstructor(n) => out.extend(n.exprs.iter()),
        Kind::JsonArrayConstructor(n) => out.extend(n.exprs.iter()),
        Kind::JsonArrayQueryConstructor(n) => out.extend(n.query),
        Kind::JsonObjectAgg(n) => {
            out.extend(n.constructor.map(Tagged::node));
            out.extend(n.arg.map(Tagged::node));
        }
        Kind::JsonArrayAgg(n) => {
            out.extend(n.constructor.map(Tagged::node));
            out.extend(n.arg.map(Tagged::node));
        }
        Kind::JsonAggConstructor(n) => {
            out.extend(n.agg_filter);
            out.extend(n.agg_order.iter());
            out.extend(n.over.map(Tagged::node));
        }
        Kind::SelectStmt(n) => {
            out.extend(n.target_list.iter());
            out.extend(n.from_clause.iter());
            out.extend(n.where_clause);
            out.extend(n.larg.map(Tagged::node).into_iter().chain(n.rarg.map(Tagged::node)));
        }
        _ => {}
    }
}

/// The names of the output columns, those in `given` first, then as PostgreSQL's `FigureColname` gives them; `None` where
/// one is not evident.
pub fn output_columns(node: Node<'_>, given: &[String]) -> Option<Vec<String>> {
    let Kind::SelectStmt(mut select) = node.kind() else { return None };
    while let Some(left) = select.larg {
        select = left;
    }
    if !select.values_lists.is_empty() {
        let Kind::List(row) = select.values_lists.first()?.kind() else { return None };
        return Some(
            (1..=row.len()).map(|number| given.get(number - 1).cloned().unwrap_or(format!("column{number}"))).collect(),
        );
    }
    select
        .target_list
        .iter()
        .enumerate()
        .map(|(index, node)| match node.kind() {
            Kind::ResTarget(target) => {
                let star = target.val.is_some_and(is_star);
                let given = given.get(index).filter(|_| !star).cloned();
                given.or_else(|| target.name.opt_owned()).or_else(|| column_name(target.val?, 0).map(|(name, _)| name))
            }
            _ => None,
        })
        .collect()
}

fn is_bare_star(target: Node<'_>) -> bool {
    match target.kind() {
        Kind::ResTarget(target) => target.val.is_some_and(|value| match value.kind() {
            Kind::ColumnRef(column) => column.fields.len() == 1 && is_star(value),
            _ => false,
        }),
        _ => false,
    }
}

fn is_star(node: Node<'_>) -> bool {
    match node.kind() {
        Kind::ColumnRef(column) => column.fields.iter().any(|field| matches!(field.kind(), Kind::AStar(_))),
        _ => false,
    }
}

/// The name and whether it is a strong choice (`FigureColnameInternal`: 2 strong, 1 weak).
fn column_name(node: Node<'_>, depth: u32) -> Option<(String, bool)> {
    if depth > 100 {
        return None;
    }
    let strong = |name: &str| Some((name.to_owned(), true));
    match node.kind() {
        Kind::ColumnRef(column) => column.fields.iter().next_back().and_then(Node::string).and_then(strong),
        Kind::AIndirection(indirection) => match indirection.indirection.strings().next_back() {
            Some(field) => strong(field),
            None => column_name(indirection.arg?, depth + 1),
        },
        Kind::FuncCall(call) => call.funcname.strings().next_back().and_then(strong),
        Kind::AExpr(operation) if operation.kind == pg::AEXPR_NULLIF => strong("nullif"),
        Kind::TypeCast(cast) => match cast.arg.and_then(|arg| column_name(arg, depth + 1)) {
            Some((name, true)) => Some((name, true)),
            weak => cast
                .type_name
                .and_then(|ty| ty.names.strings().next_back().map(|name| (name.to_owned(), false)))
                .or(weak),
        },
        Kind::CollateClause(collate) => column_name(collate.arg?, depth + 1),
        Kind::CaseExpr(case) => match case.defresult.and_then(|node| column_name(node, depth + 1)) {
            Some((name, true)) => Some((name, true)),
            _ => Some(("case".to_owned(), false)),
        },
        Kind::SubLink(link) => match link.sub_link_type {
            pg::EXISTS_SUBLINK => strong("exists"),
            pg::ARRAY_SUBLINK => strong("array"),
            pg::EXPR_SUBLINK => match link.subselect?.kind() {
                Kind::SelectStmt(select) => match select.target_list.first()?.kind() {
                    Kind::ResTarget(target) => match target.name.opt() {
                        Some(name) => strong(name),
                        None => column_name(target.val?, depth + 1),
                    },
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        },
        Kind::GroupingFunc(_) => strong("grouping"),
        Kind::AArrayExpr(_) => strong("array"),
        Kind::RowExpr(_) => strong("row"),
        Kind::CoalesceExpr(_) => strong("coalesce"),
        Kind::MinMaxExpr(minmax) => strong(if minmax.op == pg::IS_GREATEST { "greatest" } else { "least" }),
        Kind::SQLValueFunction(value) => match value.op {
            pg::SVFOP_CURRENT_DATE => strong("current_date"),
            pg::SVFOP_CURRENT_TIME | pg::SVFOP_CURRENT_TIME_N => strong("current_time"),
            pg::SVFOP_CURRENT_TIMESTAMP | pg::SVFOP_CURRENT_TIMESTAMP_N => strong("current_timestamp"),
            pg::SVFOP_LOCALTIME | pg::SVFOP_LOCALTIME_N => strong("localtime"),
            pg::SVFOP_LOCALTIMESTAMP | pg::SVFOP_LOCALTIMESTAMP_N => strong("localtimestamp"),
            pg::SVFOP_CURRENT_ROLE => strong("current_role"),
            pg::SVFOP_CURRENT_USER => strong("current_user"),
            pg::SVFOP_USER => strong("user"),
            pg::SVFOP_SESSION_USER => strong("session_user"),
            pg::SVFOP_CURRENT_CATALOG => strong("current_catalog"),
            _ => strong("current_schema"),
        },
        Kind::XmlSerialize(_) => strong("xmlserialize"),
        Kind::JsonObjectConstructor(_) => strong("json_object"),
        Kind::JsonArrayConstructor(_) | Kind::JsonArrayQueryConstructor(_) => strong("json_array"),
        Kind::JsonObjectAgg(_) => strong("json_objectagg"),
        Kind::JsonArrayAgg(_) => strong("json_arrayagg"),
        Kind::JsonParseExpr(_) => strong("json"),
        Kind::JsonScalarExpr(_) => strong("json_scalar"),
        Kind::JsonSerializeExpr(_) => strong("json_serialize"),
        Kind::MergeSupportFunc(_) => strong("merge_action"),
        _ => None,
    }
}
