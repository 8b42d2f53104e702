//! Renaming a column wherever the catalogs would follow it by number.

use std::sync::Arc;

use syntax::ast::Expr;
use syntax::lex::{self, TokenKind};

use super::{ConstraintKind, Index, Relation, Schema};
use crate::catalog::add;
use crate::expr;
use crate::name::QName;
use crate::volatility;

impl Schema {
    /// Renames a column of one relation and what names it there and elsewhere; children are the caller's business.
    pub(crate) fn rename_column(&mut self, table: &QName, from: &str, to: &str) {
        let new: Arc<str> = to.into();
        self.edit(table, |relation| rename_in_relation(relation, from, &new));
        add(&mut self.gone_columns, table, from.into());
        let indexes: Vec<QName> = self.indexes_of(table).map(|index| index.name.clone()).collect();
        for index in indexes {
            self.edit_index(&index, |index| rename_in_index(index, from, &new));
        }
        for dependent in self.dependents_of(table) {
            self.edit(&dependent, |other| {
                let reads = other.reads.iter_mut().filter(|(read, _)| read == table);
                reads.filter_map(|(_, column)| column.as_mut()).for_each(|column| swap(column, from, &new));
                if let Some((owner, column)) = &mut other.owned_by
                    && owner == table
                {
                    swap(column, from, &new);
                }
                other.constraints.change_all(|constraint| {
                    if let ConstraintKind::ForeignKey { referenced, referenced_columns, .. } = &mut constraint.kind
                        && referenced == table
                    {
                        referenced_columns.iter_mut().for_each(|column| swap(column, from, &new));
                    }
                });
            });
        }
        let mut statistics = self.statistics.clone();
        for (name, it) in self.statistics.iter() {
            if it.table == *table && it.columns.iter().any(|column| **column == *from) {
                let mut changed = (**it).clone();
                changed.columns.iter_mut().for_each(|column| swap(column, from, &new));
                statistics.insert(name.clone(), Arc::new(changed));
            }
        }
        self.statistics = statistics;
    }
}

fn swap(column: &mut Arc<str>, from: &str, to: &Arc<str>) {
    if **column == *from {
        *column = to.clone();
    }
}

fn rename_in_relation(relation: &mut Relation, from: &str, to: &Arc<str>) {
    relation.columns.change_all(|column| {
        swap(&mut column.name, from, to);
        if let Some(generated) = &mut column.generated {
            expr::rename_column(&mut generated.expr, from, to);
        }
    });
    relation.constraints.change_all(|constraint| match &mut constraint.kind {
        ConstraintKind::Check { expr, text, .. } => {
            expr::rename_column(expr, from, to);
            rename_in_text(text, from, to);
        }
        ConstraintKind::NotNull { column } => swap(column, from, to),
        ConstraintKind::Unique { columns }
        | ConstraintKind::PrimaryKey { columns }
        | ConstraintKind::Exclude { columns, .. }
        | ConstraintKind::ForeignKey { columns, .. } => columns.iter_mut().for_each(|column| swap(column, from, to)),
    });
    relation.triggers.change_all(|trigger| {
        trigger.columns.iter_mut().chain(&mut trigger.update_of).for_each(|column| swap(column, from, to));
    });
    relation.policies.change_all(|policy| {
        policy.columns.iter_mut().for_each(|column| swap(column, from, to));
    });
    if let Some(key) = &mut relation.partition_by {
        key.columns.iter_mut().flatten().for_each(|column| swap(column, from, to));
    }
}

fn rename_in_index(index: &mut Index, from: &str, to: &Arc<str>) {
    for element in &mut index.elements {
        rename_in_text(&mut element.text, from, to);
        if let Some(column) = &mut element.column {
            swap(column, from, to);
        }
        if let Some(expression) = &mut element.expression {
            expr::rename_column(expression, from, to);
        }
    }
    index.including.iter_mut().for_each(|column| swap(column, from, to));
    if let Some(predicate) = &mut index.predicate {
        expr::rename_column(predicate, from, to);
    }
    if let Some(text) = &mut index.predicate_text {
        rename_in_text(text, from, to);
    }
}

/// Renames a column in an expression as it was written, which a rewrite may have to write again. A name before a
/// parenthesis is that of a function.
fn rename_in_text(text: &mut Arc<str>, from: &str, to: &str) {
    let tokens = lex::tokens(text);
    let mut new = String::new();
    let mut copied = 0;
    for (at, token) in tokens.iter().enumerate() {
        let is_name = matches!(token.kind, TokenKind::Word | TokenKind::QuotedName);
        let calls = tokens.get(at + 1).is_some_and(|next| next.kind == TokenKind::LeftParen);
        if is_name && !calls && lex::fold(token.span.slice(text)) == from {
            new.push_str(&text[copied..token.span.start as usize]);
            new.push_str(&syntax::quote_ident(to));
            copied = token.span.end as usize;
        }
    }
    if copied > 0 {
        new.push_str(&text[copied..]);
        *text = new.into();
    }
}

/// Makes a default follow a sequence that got another name: the catalogs keep its number, we its name.
pub(crate) fn rename_sequence(default: &mut Expr, from: &QName, to: &QName) {
    if let Expr::Call { name, arguments } = default
        && name.name == "nextval"
        && let Some(argument) = arguments.first_mut()
    {
        rename_literal(argument, from, to);
    }
    match default {
        Expr::Call { arguments: parts, .. } | Expr::Coalesce(parts) | Expr::Other(parts) => {
            parts.iter_mut().for_each(|part| rename_sequence(part, from, to));
        }
        Expr::Cast { operand, .. } => rename_sequence(operand, from, to),
        Expr::Operator { left, right, .. } => {
            left.iter_mut().for_each(|left| rename_sequence(left, from, to));
            rename_sequence(right, from, to);
        }
        _ => {}
    }
}

fn rename_literal(argument: &mut Expr, from: &QName, to: &QName) {
    match argument {
        Expr::Cast { operand, .. } => rename_literal(operand, from, to),
        Expr::String(text) => {
            let name = volatility::parse_name(text);
            if name.name == *from.name && name.schema.as_deref().is_none_or(|schema| *schema == *from.schema) {
                let bare = syntax::quote_ident(&to.name);
                let qualified = name.schema.is_some() || from.schema != to.schema;
                *text = if qualified { format!("{}.{bare}", syntax::quote_ident(&to.schema)) } else { bare };
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_follows_its_sequence() {
        let draw = |text: &str, schema: &str, name: &str| {
            let argument = Expr::String(text.to_owned());
            let nextval = syntax::ast::Name { schema: None, name: "nextval".to_owned(), span: syntax::Span::default() };
            let mut default = Expr::Call { name: nextval, arguments: vec![argument] };
            rename_sequence(&mut default, &QName::new("public", "s"), &QName::new(schema, name));
            match default {
                Expr::Call { arguments, .. } => format!("{:?}", arguments[0]),
                other => format!("{other:?}"),
            }
        };
        let drawn =
            [draw("s", "public", "T"), draw("public.s", "public", "t"), draw("s", "app", "s"), draw("u", "a", "b")];
        expect_test::expect![[r#"
            String("\"T\"")
            String("public.t")
            String("app.s")
            String("u")"#]]
        .assert_eq(&drawn.join("\n"));
    }
}
