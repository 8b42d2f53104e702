//! Expressions. Their depth is bounded: below it only the columns, calls and subqueries inside are kept.

use super::Tight;
use super::names;
use super::query;
use super::source::Source;
use crate::ast::{Expr, ExprAt, Name};
use crate::ffi::{self, Constant, List, Node};
use crate::nodes::{self as pg, Kind};

/// Deeper trees are flattened, so that nobody who walks or drops an expression runs out of stack.
const DEEPEST: u32 = 100;

/// An expression that stands at the tokens `from..to`.
pub fn expr_at(source: &Source<'_>, node: Option<Node<'_>>, from: usize, to: usize) -> ExprAt {
    ExprAt { span: source.tokens_span(from, to), expr: optional(source, node) }
}

/// An absent expression, which the grammar does not leave where this is called, is NULL.
pub fn optional(source: &Source<'_>, node: Option<Node<'_>>) -> Expr {
    node.map_or(Expr::Null, |node| expr(source, node))
}

pub fn expr(source: &Source<'_>, node: Node<'_>) -> Expr {
    at_depth(source, node, 0)
}

pub fn exprs(source: &Source<'_>, list: List<'_>) -> Vec<Expr> {
    list.iter().map(|node| expr(source, node)).tight()
}

fn at_depth(source: &Source<'_>, node: Node<'_>, depth: u32) -> Expr {
    if depth >= DEEPEST {
        return Expr::Other(query::leaves(source, node));
    }
    let one = |node: Node<'_>| at_depth(source, node, depth + 1);
    let boxed = |node: Option<Node<'_>>| Box::new(node.map_or(Expr::Null, one));
    let all = |list: List<'_>| -> Vec<Expr> { list.iter().map(one).tight() };
    match node.kind() {
        Kind::AConst(value) => literal(value),
        Kind::ColumnRef(column) => Expr::Column(column_parts(column)),
        Kind::ParamRef(parameter) => Expr::Parameter(parameter.number),
        Kind::TypeCast(cast) => match cast.type_name {
            Some(ty) => Expr::Cast { operand: boxed(cast.arg), ty: names::type_name(source, ty) },
            None => cast.arg.map_or(Expr::Null, one),
        },
        Kind::CollateClause(collate) => Expr::Collate {
            operand: boxed(collate.arg),
            collation: source.at(collate.location).map_or_else(
                || names::name_of(collate.collname.strings(), crate::span::Span::default()),
                |index| names::name_at(source, collate.collname, index + 1),
            ),
        },
        Kind::FuncCall(call) => {
            query::note_needs(source, node);
            let plain = Expr::Call { name: call_name(source, call), arguments: all(call.args) };
            let mut beside: Vec<Expr> = all(call.agg_order);
            beside.extend(call.agg_filter.map(one));
            if let Some(window) = call.over {
                beside.extend(all(window.partition_clause));
                beside.extend(all(window.order_clause));
            }
            if beside.is_empty() {
                plain
            } else {
                beside.insert(0, plain);
                Expr::Other(beside)
            }
        }
        Kind::AExpr(operation) => self::operation(source, operation, depth),
        Kind::BoolExpr(boolean) => match boolean.boolop {
            pg::AND_EXPR => Expr::And(all(boolean.args)),
            pg::OR_EXPR => Expr::Or(all(boolean.args)),
            _ => Expr::Not(boxed(boolean.args.first())),
        },
        Kind::NullTest(test) => {
            Expr::IsNull { operand: boxed(test.arg), negated: test.nulltesttype == pg::IS_NOT_NULL }
        }
        Kind::BooleanTest(test) => Expr::IsBool {
            operand: boxed(test.arg),
            test: match test.booltesttype {
                pg::IS_TRUE => "IS TRUE",
                pg::IS_NOT_TRUE => "IS NOT TRUE",
                pg::IS_FALSE => "IS FALSE",
                pg::IS_NOT_FALSE => "IS NOT FALSE",
                pg::IS_UNKNOWN => "IS UNKNOWN",
                _ => "IS NOT UNKNOWN",
            },
        },
        Kind::CaseExpr(case) => {
            let mut parts: Vec<Expr> = case.arg.map(one).into_iter().tight();
            for when in case.args.iter() {
                if let Kind::CaseWhen(when) = when.kind() {
                    parts.extend(when.expr.map(one));
                    parts.extend(when.result.map(one));
                }
            }
            parts.extend(case.defresult.map(one));
            Expr::Case(parts)
        }
        Kind::CoalesceExpr(coalesce) => Expr::Coalesce(all(coalesce.args)),
        Kind::MinMaxExpr(minmax) => Expr::MinMax(all(minmax.args)),
        Kind::AArrayExpr(array) => Expr::Array(all(array.elements)),
        Kind::RowExpr(row) => Expr::Row(all(row.args)),
        Kind::SQLValueFunction(value) => Expr::SqlValue(sql_value(value.op)),
        Kind::SetToDefault(_) => Expr::SetToDefault,
        Kind::NamedArgExpr(argument) => argument.arg.map_or(Expr::Null, one),
        Kind::SortBy(sort) => sort.node.map_or(Expr::Null, one),
        Kind::ResTarget(target) => target.val.map_or(Expr::Null, one),
        Kind::SubLink(link) => sublink(source, link, depth),
        Kind::SelectStmt(_) => Expr::Subquery(Box::new(query::query(source, node))),
        Kind::List(list) => Expr::Row(all(list)),
        _ => {
            query::note_needs(source, node);
            let mut children = Vec::new();
            query::children(node, &mut children);
            Expr::Other(children.into_iter().map(one).tight())
        }
    }
}

fn literal(value: &pg::AConst<'_>) -> Expr {
    match ffi::constant(value) {
        None => Expr::Null,
        Some(Constant::Integer(value)) => Expr::Number(value.to_string()),
        Some(Constant::Float(text)) => Expr::Number(text.to_owned()),
        Some(Constant::Bool(value)) => Expr::Bool(value),
        Some(Constant::String(text) | Constant::Bits(text)) => Expr::String(text.to_owned()),
    }
}

pub fn column_parts(column: &pg::ColumnRef<'_>) -> Vec<String> {
    column.fields.iter().map(|field| field.string().unwrap_or("*").to_owned()).tight()
}

/// A function's name. The grammar spells its own functions with `pg_catalog`, which the source does not show.
pub fn call_name(source: &Source<'_>, call: &pg::FuncCall<'_>) -> Name {
    let Some(index) = source.at(call.location) else {
        let name = call.funcname.strings().next_back().unwrap_or_default().to_owned();
        return Name { schema: None, name, span: crate::span::Span::default() };
    };
    let mut name = names::name_at(source, call.funcname, index);
    if name.schema.as_deref() == Some("pg_catalog") && crate::lex::fold(source.word(index)) != "pg_catalog" {
        name.schema = None;
    }
    name
}

fn operation(source: &Source<'_>, node: &pg::AExpr<'_>, depth: u32) -> Expr {
    let one = |node: Node<'_>| at_depth(source, node, depth + 1);
    let boxed = |node: Option<Node<'_>>| Box::new(node.map_or(Expr::Null, one));
    let all = |node: Option<Node<'_>>| -> Vec<Expr> {
        match node.map(Node::kind) {
            Some(Kind::List(list)) => list.iter().map(one).tight(),
            Some(Kind::AArrayExpr(array)) => array.elements.iter().map(one).tight(),
            _ => node.map(one).into_iter().tight(),
        }
    };
    let name = node.name.strings().next_back().unwrap_or_default();
    let binary = |name: &str| Expr::Operator {
        name: name.to_owned(),
        left: node.lexpr.map(|left| Box::new(one(left))),
        right: boxed(node.rexpr),
    };
    match node.kind {
        pg::AEXPR_OP_ANY | pg::AEXPR_OP_ALL => Expr::AnyOf {
            operator: name.to_owned(),
            left: boxed(node.lexpr),
            values: all(node.rexpr),
            all: node.kind == pg::AEXPR_OP_ALL,
        },
        pg::AEXPR_IN => Expr::AnyOf {
            operator: name.to_owned(),
            left: boxed(node.lexpr),
            values: all(node.rexpr),
            all: name == "<>",
        },
        pg::AEXPR_DISTINCT => binary("IS DISTINCT FROM"),
        pg::AEXPR_NOT_DISTINCT => binary("IS NOT DISTINCT FROM"),
        pg::AEXPR_NULLIF => Expr::Call {
            name: names::name_of(
                ["nullif"].into_iter(),
                source.at(node.location).map_or_else(Default::default, |index| source.tokens_span(index, index + 1)),
            ),
            arguments: node.lexpr.into_iter().chain(node.rexpr).map(one).tight(),
        },
        pg::AEXPR_BETWEEN | pg::AEXPR_NOT_BETWEEN | pg::AEXPR_BETWEEN_SYM | pg::AEXPR_NOT_BETWEEN_SYM => {
            let mut bounds = all(node.rexpr).into_iter();
            Expr::Between {
                operand: boxed(node.lexpr),
                low: Box::new(bounds.next().unwrap_or(Expr::Null)),
                high: Box::new(bounds.next().unwrap_or(Expr::Null)),
                negated: matches!(node.kind, pg::AEXPR_NOT_BETWEEN | pg::AEXPR_NOT_BETWEEN_SYM),
            }
        }
        _ => binary(name),
    }
}

fn sublink(source: &Source<'_>, link: &pg::SubLink<'_>, depth: u32) -> Expr {
    let subquery = link.subselect.map_or(Expr::Null, |select| Expr::Subquery(Box::new(query::query(source, select))));
    match link.sub_link_type {
        pg::ANY_SUBLINK | pg::ALL_SUBLINK => Expr::AnyOf {
            operator: link.oper_name.strings().next_back().unwrap_or("=").to_owned(),
            left: Box::new(link.testexpr.map_or(Expr::Null, |node| at_depth(source, node, depth + 1))),
            values: vec![subquery],
            all: link.sub_link_type == pg::ALL_SUBLINK,
        },
        pg::ARRAY_SUBLINK => Expr::Array(vec![subquery]),
        _ => subquery,
    }
}

fn sql_value(op: u32) -> &'static str {
    match op {
        pg::SVFOP_CURRENT_DATE => "CURRENT_DATE",
        pg::SVFOP_CURRENT_TIME | pg::SVFOP_CURRENT_TIME_N => "CURRENT_TIME",
        pg::SVFOP_CURRENT_TIMESTAMP | pg::SVFOP_CURRENT_TIMESTAMP_N => "CURRENT_TIMESTAMP",
        pg::SVFOP_LOCALTIME | pg::SVFOP_LOCALTIME_N => "LOCALTIME",
        pg::SVFOP_LOCALTIMESTAMP | pg::SVFOP_LOCALTIMESTAMP_N => "LOCALTIMESTAMP",
        pg::SVFOP_CURRENT_ROLE => "CURRENT_ROLE",
        pg::SVFOP_CURRENT_USER => "CURRENT_USER",
        pg::SVFOP_USER => "USER",
        pg::SVFOP_SESSION_USER => "SESSION_USER",
        pg::SVFOP_CURRENT_CATALOG => "CURRENT_CATALOG",
        _ => "CURRENT_SCHEMA",
    }
}
