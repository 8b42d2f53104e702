//! Relations, columns, functions and types in queries and expressions, by the places that the grammar gives them.
//!
//! The walk keeps its own stack: a query may nest thousands of levels deep.

use std::ffi::CStr;

use super::{Part, Role, Thing, Walk};
use crate::ast::Name;
use crate::convert::query::children;
use crate::convert::source::{Origin, Source};
use crate::ffi::{self, Constant, List, Node, Tagged};
use crate::lex::{self, TokenKind};
use crate::nodes::{self as pg, Kind};
use crate::parse;
use crate::span::Span;

/// Adds what the statement in a stretch of the text names in its queries and expressions; false when it is no statement.
pub fn query(walk: &mut Walk<'_>, whole: Span) -> bool {
    let sql = parse::masked_text(whole.slice(walk.text), walk.options);
    let origin = Origin { shift: whole.start, parts: Vec::new() };
    let source = Source::new(&sql, origin, walk.options, 0);
    if source.tokens.is_empty() {
        return false;
    }
    let flags = if walk.options.standard_conforming_strings { 0 } else { ffi::STANDARD_CONFORMING_STRINGS_OFF };
    let bytes = parse::for_the_parser(&source);
    let Ok(text) = CStr::from_bytes_until_nul(&bytes) else { return false };
    let parsed = ffi::parse(text, flags, |statements| {
        let mut names = Names { source: &source, walk, scopes: Vec::new(), stack: Vec::new() };
        for statement in statements.iter() {
            if let Kind::RawStmt(raw) = statement.kind() {
                names.run(raw.stmt);
            }
        }
    });
    parsed.is_ok()
}

struct Names<'n, 's, 'w, 't, 'a> {
    source: &'n Source<'s>,
    walk: &'w mut Walk<'t>,
    scopes: Vec<Scope<'a>>,
    stack: Vec<(Node<'a>, usize)>,
}

/// What rows of a relation are called in triggers, rules and ON CONFLICT.
const ROWS: [&str; 3] = ["old", "new", "excluded"];

/// What a part of a statement sees; the outermost scope is 0 and sees itself.
#[derive(Default)]
struct Scope<'a> {
    outer: usize,
    /// Common table expressions.
    queries: Vec<&'a str>,
    relations: Vec<Seen<'a>>,
}

#[derive(Clone)]
struct Seen<'a> {
    called: &'a str,
    /// `None`: a subquery, a function.
    relation: Option<Name>,
}

impl<'a> Names<'_, '_, '_, '_, 'a> {
    fn run(&mut self, root: Option<Node<'a>>) {
        self.scopes.push(Scope::default());
        let top = self.scopes.len() - 1;
        self.scopes[top].outer = top;
        self.push(root, top);
        while let Some((node, scope)) = self.stack.pop() {
            self.visit(node, scope);
        }
    }

    fn push(&mut self, nodes: impl IntoIterator<Item = Node<'a>>, scope: usize) {
        self.stack.extend(nodes.into_iter().map(|node| (node, scope)));
    }

    fn visit(&mut self, node: Node<'a>, scope: usize) {
        match node.kind() {
            Kind::SelectStmt(select) => self.select(select, scope),
            Kind::InsertStmt(insert) => self.insert(insert, scope),
            Kind::UpdateStmt(update) => {
                let scope = self.inner(scope, update.with_clause);
                self.target(update.relation, scope);
                self.from(update.from_clause, scope);
                self.assigned(update.target_list, update.relation);
                self.push(update.target_list.iter(), scope);
                self.push(update.where_clause, scope);
                self.returning(update.returning_clause, scope);
            }
            Kind::DeleteStmt(delete) => {
                let scope = self.inner(scope, delete.with_clause);
                self.target(delete.relation, scope);
                self.from(delete.using_clause, scope);
                self.push(delete.where_clause, scope);
                self.returning(delete.returning_clause, scope);
            }
            Kind::MergeStmt(merge) => {
                let scope = self.inner(scope, merge.with_clause);
                self.target(merge.relation, scope);
                self.joined(merge.source_relation, scope);
                self.push(merge.join_condition, scope);
                for when in merge.merge_when_clauses.iter() {
                    if let Kind::MergeWhenClause(when) = when.kind() {
                        self.assigned(when.target_list, merge.relation);
                    }
                }
                self.push(merge.merge_when_clauses.iter(), scope);
                self.returning(merge.returning_clause, scope);
            }
            Kind::CopyStmt(copy) => {
                self.target(copy.relation, scope);
                if let (Some(range), false) = (copy.relation, copy.attlist.is_empty())
                    && let Some(open) = self.source.at(range.location).and_then(|at| self.source.find_open(at))
                {
                    self.listed(open, &[name(range)], Role::Use);
                }
                self.push(copy.query.into_iter().chain(copy.where_clause), scope);
            }
            Kind::ColumnRef(column) => self.column(column, scope),
            Kind::FuncCall(call) => {
                self.call(call);
                self.children(node, scope);
            }
            Kind::TypeCast(cast) => {
                self.cast(cast.type_name);
                self.push(cast.arg, scope);
            }
            // The kinds of statements that hold queries and expressions.
            Kind::AlterTableStmt(alter) => {
                self.known(alter.relation, scope);
                self.push(alter.cmds.iter(), scope);
            }
            Kind::AlterTableCmd(command) => self.push(command.def, scope),
            Kind::CreateStmt(create) => {
                self.known(create.relation, scope);
                self.push(create.table_elts.iter().chain(create.constraints.iter()), scope);
                self.push(create.partspec.map(Tagged::node), scope);
            }
            Kind::PartitionSpec(partition) => self.push(partition.part_params.iter(), scope),
            Kind::PartitionElem(element) => self.push(element.expr, scope),
            Kind::ColumnDef(column) => {
                self.push(column.raw_default, scope);
                self.push(column.constraints.iter(), scope);
            }
            Kind::Constraint(constraint) => {
                self.push(constraint.raw_expr.into_iter().chain(constraint.where_clause), scope);
                self.push(constraint.exclusions.iter(), scope);
            }
            Kind::IndexStmt(index) => {
                self.known(index.relation, scope);
                self.push(index.index_params.iter(), scope);
                self.push(index.where_clause, scope);
            }
            Kind::IndexElem(element) => self.push(element.expr, scope),
            Kind::CreatePolicyStmt(policy) => {
                self.known(policy.table, scope);
                self.push(policy.qual.into_iter().chain(policy.with_check), scope);
            }
            Kind::AlterPolicyStmt(policy) => {
                self.known(policy.table, scope);
                self.push(policy.qual.into_iter().chain(policy.with_check), scope);
            }
            Kind::CreateTrigStmt(trigger) => {
                self.rows(trigger.relation, scope);
                self.push(trigger.when_clause, scope);
            }
            Kind::RuleStmt(rule) => {
                self.rows(rule.relation, scope);
                self.push(rule.where_clause, scope);
                self.push(rule.actions.iter(), scope);
            }
            Kind::CreateStatsStmt(statistics) => {
                for relation in statistics.relations.iter() {
                    if let Kind::RangeVar(range) = relation.kind() {
                        self.known(Some(range), scope);
                    }
                }
                for element in statistics.exprs.iter() {
                    if let Kind::StatsElem(element) = element.kind() {
                        self.push(element.expr, scope);
                    }
                }
                self.statistics(scope);
            }
            Kind::ViewStmt(view) => {
                if let (Some(range), false) = (view.view, view.aliases.is_empty())
                    && let Some(at) = self.source.at(range.location)
                {
                    self.listed(self.source.name_end(at), &[name(range)], Role::Define);
                }
                self.push(view.query, scope);
            }
            Kind::CreateTableAsStmt(create) => self.push(create.query, scope),
            Kind::ExplainStmt(explain) => self.push(explain.query, scope),
            Kind::PrepareStmt(prepare) => self.push(prepare.query, scope),
            Kind::DeclareCursorStmt(cursor) => self.push(cursor.query, scope),
            Kind::CreateFunctionStmt(function) => self.push(function.sql_body, scope),
            Kind::ReturnStmt(statement) => self.push(statement.returnval, scope),
            _ => self.children(node, scope),
        }
    }

    fn children(&mut self, node: Node<'a>, scope: usize) {
        let mut below = Vec::new();
        children(node, &mut below);
        self.push(below, scope);
    }

    /// A scope inside another one, and between them one for the common table expressions of a WITH clause.
    fn inner(&mut self, mut outer: usize, clause: Option<&'a pg::WithClause<'a>>) -> usize {
        if let Some(clause) = clause {
            self.scopes.push(Scope { outer, ..Scope::default() });
            outer = self.scopes.len() - 1;
            for node in clause.ctes.iter() {
                if let Kind::CommonTableExpr(cte) = node.kind() {
                    // Each sees those before it; all of them is near enough.
                    self.scopes[outer].queries.push(cte.ctename.get());
                    self.push(cte.ctequery, outer);
                }
            }
        }
        self.scopes.push(Scope { outer, ..Scope::default() });
        self.scopes.len() - 1
    }

    fn select(&mut self, select: &'a pg::SelectStmt<'a>, outer: usize) {
        let scope = self.inner(outer, select.with_clause);
        self.from(select.from_clause, scope);
        self.push(select.larg.into_iter().chain(select.rarg).map(Tagged::node), scope);
        for list in [
            select.distinct_clause,
            select.target_list,
            select.group_clause,
            select.window_clause,
            select.values_lists,
            select.sort_clause,
        ] {
            self.push(list.iter(), scope);
        }
        let clauses = [select.where_clause, select.having_clause, select.limit_offset, select.limit_count];
        self.push(clauses.into_iter().flatten(), scope);
    }

    fn insert(&mut self, insert: &'a pg::InsertStmt<'a>, outer: usize) {
        let scope = self.inner(outer, insert.with_clause);
        // What is inserted does not see the target.
        self.push(insert.select_stmt, scope);
        self.scopes.push(Scope { outer: scope, ..Scope::default() });
        let scope = self.scopes.len() - 1;
        self.target(insert.relation, scope);
        if let Some(range) = insert.relation {
            self.scopes[scope].relations.push(Seen { called: "excluded", relation: Some(name(range)) });
        }
        self.assigned(insert.cols, insert.relation);
        if let Some(conflict) = insert.on_conflict_clause {
            if let (Some(infer), Some(range)) = (conflict.infer, insert.relation)
                && let Some(at) = self.source.at(infer.location)
            {
                if infer.conname.opt().is_some() {
                    let constraint =
                        Thing::Part { part: Part::Constraint, of: vec![name(range)], name: infer.conname.owned() };
                    self.add(at + 2, constraint);
                } else {
                    self.listed(at, &[name(range)], Role::Use);
                }
                self.push(infer.index_elems.iter(), scope);
                self.push(infer.where_clause, scope);
            }
            self.assigned(conflict.target_list, insert.relation);
            self.push(conflict.target_list.iter(), scope);
            self.push(conflict.where_clause, scope);
        }
        self.returning(insert.returning_clause, scope);
    }

    fn returning(&mut self, clause: Option<&'a pg::ReturningClause<'a>>, scope: usize) {
        if let Some(clause) = clause {
            self.push(clause.exprs.iter(), scope);
        }
    }

    fn from(&mut self, items: List<'a>, scope: usize) {
        for item in items.iter() {
            self.joined(Some(item), scope);
        }
    }

    fn joined(&mut self, item: Option<Node<'a>>, scope: usize) {
        let mut items: Vec<Node<'a>> = item.into_iter().collect();
        while let Some(item) = items.pop() {
            let derived = |alias: Option<&'a pg::Alias<'a>>| Seen {
                called: alias.map_or("", |alias| alias.aliasname.get()),
                relation: None,
            };
            match item.kind() {
                Kind::RangeVar(range) => self.target(Some(range), scope),
                Kind::JoinExpr(join) => {
                    items.extend(join.rarg.into_iter().chain(join.larg));
                    self.push(join.quals, scope);
                    if !join.using_clause.is_empty() {
                        self.using(join);
                    }
                }
                Kind::RangeTableSample(sample) => {
                    items.extend(sample.relation);
                    self.push(sample.args.iter(), scope);
                }
                Kind::RangeSubselect(subselect) => {
                    self.scopes[scope].relations.push(derived(subselect.alias));
                    // It does not see what stands beside it in FROM.
                    let seen = if subselect.lateral { scope } else { self.scopes[scope].outer };
                    self.push(subselect.subquery, seen);
                }
                Kind::RangeFunction(function) => {
                    self.scopes[scope].relations.push(derived(function.alias));
                    self.push(function.functions.iter(), scope);
                }
                _ => {
                    self.scopes[scope].relations.push(derived(None));
                    self.children(item, scope);
                }
            }
        }
    }

    /// A relation that is read or written: named here, and seen from here on.
    fn target(&mut self, range: Option<&'a pg::RangeVar<'a>>, scope: usize) {
        let Some(range) = range else { return };
        let mut at = scope;
        let is_query = range.schemaname.opt().is_none()
            && loop {
                let known = &self.scopes[at];
                if known.queries.contains(&range.relname.get()) {
                    break true;
                }
                if known.outer == at {
                    break false;
                }
                at = known.outer;
            };
        let called = range.alias.map_or(range.relname.get(), |alias| alias.aliasname.get());
        if is_query {
            self.scopes[scope].relations.push(Seen { called, relation: None });
            return;
        }
        if let Some(index) = self.source.at(range.location) {
            let last = self.source.name_end(index).saturating_sub(1);
            self.add(last, Thing::Relation(name(range)));
        }
        self.scopes[scope].relations.push(Seen { called, relation: Some(name(range)) });
    }

    /// The relation that a statement is about, whose name is told elsewhere.
    fn known(&mut self, range: Option<&'a pg::RangeVar<'a>>, scope: usize) {
        if let Some(range) = range {
            self.scopes[scope].relations.push(Seen { called: range.relname.get(), relation: Some(name(range)) });
        }
    }

    /// `old` and `new` of triggers and rules.
    fn rows(&mut self, range: Option<&'a pg::RangeVar<'a>>, scope: usize) {
        for called in &ROWS[..2] {
            if let Some(range) = range {
                self.scopes[scope].relations.push(Seen { called, relation: Some(name(range)) });
            }
        }
    }

    /// The columns that INSERT and SET name.
    fn assigned(&mut self, targets: List<'a>, range: Option<&'a pg::RangeVar<'a>>) {
        for target in targets.iter() {
            if let (Kind::ResTarget(target), Some(range)) = (target.kind(), range)
                && let Some(index) = self.source.at(target.location)
            {
                self.add(index, column(target.name.get(), vec![name(range)]));
            }
        }
    }

    /// Columns in parentheses that open at a token.
    fn listed(&mut self, open: usize, of: &[Name], role: Role) {
        for (from, _) in self.source.elements(open + 1, self.source.tokens.len()) {
            if matches!(self.source.kind(from), Some(TokenKind::Word | TokenKind::QuotedName))
                && self.source.kind(from + 1) != Some(TokenKind::LeftParen)
            {
                let span = self.source.tokens_span(from, from + 1);
                self.walk.add(span, role.clone(), column(&lex::fold(self.source.word(from)), of.to_vec()));
            }
        }
    }

    /// The columns of JOIN ... USING, which stand in both sides.
    fn using(&mut self, join: &'a pg::JoinExpr<'a>) {
        let Some(Kind::RangeVar(right)) = join.rarg.map(|it| it.kind()) else { return };
        let Some(at) = self.source.at(right.location).and_then(|at| self.source.find(at, "USING")) else { return };
        let mut left = Vec::new();
        let mut items: Vec<Node<'a>> = join.larg.into_iter().collect();
        while let Some(item) = items.pop() {
            match item.kind() {
                Kind::JoinExpr(join) => items.extend(join.rarg.into_iter().chain(join.larg)),
                Kind::RangeVar(range) => left.push(name(range)),
                _ => left.push(qualified(None, "")),
            }
        }
        self.listed(at + 1, &left, Role::Use);
        self.listed(at + 1, &[name(right)], Role::Use);
    }

    /// The columns of CREATE STATISTICS, between ON and FROM.
    fn statistics(&mut self, scope: usize) {
        let Some(on) = self.source.find(0, "ON") else { return };
        let end = self.source.find(on, "FROM").unwrap_or(self.source.tokens.len());
        let of: Vec<Name> = self.scopes[scope].relations.iter().filter_map(|seen| seen.relation.clone()).collect();
        for (from, to) in self.source.elements(on + 1, end) {
            if to == from + 1 {
                self.add(from, column(&lex::fold(self.source.word(from)), of.clone()));
            }
        }
    }

    fn column(&mut self, reference: &'a pg::ColumnRef<'a>, scope: usize) {
        let Some(index) = self.source.at(reference.location) else { return };
        let parts: Vec<&str> = reference.fields.strings().collect();
        let star = parts.len() < reference.fields.len();
        let seen = self.seen(scope);
        let Some((last, qualifier)) = parts.split_last().filter(|_| !star).or(Some((&"*", parts.as_slice()))) else {
            return;
        };
        let of: Vec<Name> = match qualifier {
            [] => {
                // Rows of triggers and the like are named with their columns.
                let plain = seen.iter().filter(|seen| !ROWS.contains(&seen.called));
                plain.map(|seen| seen.relation.clone().unwrap_or(qualified(None, ""))).collect()
            }
            [called] => {
                let Some(found) = seen.iter().find(|seen| seen.called == *called) else { return };
                let Some(relation) = &found.relation else { return };
                if relation.name == *called && !ROWS.contains(called) {
                    self.add(index, Thing::Relation(relation.clone()));
                }
                vec![relation.clone()]
            }
            [.., schema, called] => {
                let relation = qualified(Some(schema), called);
                self.add(index + 2 * (qualifier.len() - 1), Thing::Relation(relation.clone()));
                vec![relation]
            }
        };
        if !star && !of.is_empty() {
            self.add(index + 2 * qualifier.len(), column(last, of));
        }
    }

    /// What a column's name is looked for in, the innermost first.
    fn seen(&self, scope: usize) -> Vec<Seen<'a>> {
        let mut seen = Vec::new();
        let mut at = scope;
        loop {
            seen.extend(self.scopes[at].relations.iter().cloned());
            if self.scopes[at].outer == at {
                return seen;
            }
            at = self.scopes[at].outer;
        }
    }

    fn call(&mut self, call: &'a pg::FuncCall<'a>) {
        let Some(index) = self.source.at(call.location) else { return };
        let mut parts = call.funcname.strings().rev();
        let (function, schema) = (parts.next().unwrap_or_default(), parts.next());
        // Special syntax (EXTRACT, POSITION) has the grammar's own function.
        if schema == Some("pg_catalog") {
            return;
        }
        let last = self.source.name_end(index).saturating_sub(1);
        self.add(last, Thing::Function(qualified(schema, function)));
        // A sequence by its name in a string.
        if matches!(function, "nextval" | "setval" | "currval")
            && let Some(mut argument) = call.args.first()
        {
            while let Kind::TypeCast(cast) = argument.kind() {
                let Some(inner) = cast.arg else { return };
                argument = inner;
            }
            if let Kind::AConst(constant) = argument.kind()
                && let Some(Constant::String(text)) = ffi::constant(constant)
                && let Some(at) = self.source.at(constant.location)
            {
                self.quoted_relation(at, text);
            }
        }
    }

    /// `'s'` or `'public.s'`, unless something in it is escaped.
    fn quoted_relation(&mut self, at: usize, text: &str) {
        let token = self.source.tokens[at].span;
        let inner = Span { start: token.start + 1, end: token.end.saturating_sub(1).max(token.start + 1) };
        if inner.slice(self.source.text) != text {
            return;
        }
        let names = lex::tokens(text);
        let names: Vec<_> = names.iter().filter(|token| token.kind != TokenKind::Dot).collect();
        let Some(last) = names.last() else { return };
        let word = |token: &lex::Token| lex::fold(token.span.slice(text));
        let schema = names.len().checked_sub(2).map(|at| word(names[at]));
        let thing = Thing::Relation(qualified(schema.as_deref(), &word(last)));
        let span = self.source.span(last.span.shifted(inner.start));
        self.walk.add(span, Role::Use, thing);
    }

    fn cast(&mut self, ty: Option<&'a pg::TypeName<'a>>) {
        let Some(ty) = ty else { return };
        let mut parts = ty.names.strings().rev();
        let (last, schema) = (parts.next().unwrap_or_default(), parts.next());
        if schema == Some("pg_catalog") {
            return;
        }
        if let Some(index) = self.source.at(ty.location) {
            let at = self.source.name_end(index).saturating_sub(1);
            self.add(at, Thing::Type(qualified(schema, last)));
        }
    }

    fn add(&mut self, token: usize, thing: Thing) {
        self.walk.add(self.source.tokens_span(token, token + 1), Role::Use, thing);
    }
}

fn name(range: &pg::RangeVar<'_>) -> Name {
    qualified(range.schemaname.opt(), range.relname.get())
}

fn qualified(schema: Option<&str>, name: &str) -> Name {
    Name { schema: schema.map(str::to_owned), name: name.to_owned(), span: Span::default() }
}

fn column(name: &str, of: Vec<Name>) -> Thing {
    Thing::Part { part: Part::Column, of, name: name.to_owned() }
}
