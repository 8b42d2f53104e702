//! What others write into rows, and to what rows are held: a migration that changes both at once must not be parted so that
//! others still write in the old way what is no longer allowed.

use std::collections::BTreeSet;

use model::name::QName;
use model::trace::Judged;
use syntax::ast::{AlterAction, ConstraintKind, StatementKind};
use syntax::lex::{self, TokenKind};

/// Of the tables that a statement changes, those that it holds new rows to something.
pub(crate) fn restricted(kind: &StatementKind, changed: &BTreeSet<QName>) -> BTreeSet<QName> {
    let StatementKind::AlterTable(it) = kind else { return BTreeSet::new() };
    let restricts = |action: &AlterAction| match action {
        AlterAction::SetNotNull { .. } => true,
        AlterAction::AddConstraint(it) => {
            matches!(it.kind, ConstraintKind::Check(_) | ConstraintKind::ForeignKey(_) | ConstraintKind::NotNull { .. })
        }
        _ => false,
    };
    if !it.subcommands.iter().any(|it| restricts(&it.action)) {
        return BTreeSet::new();
    }
    // A foreign key locks the table that it refers to as well.
    changed.iter().filter(|table| *table.name == *it.relation.name.name).cloned().collect()
}

/// Tables into whose rows others write in a new way after the statement: by a default, a trigger, or a function that was there
/// before and names the table.
pub(crate) fn filled(
    kind: &StatementKind,
    sql: &str,
    changed: &BTreeSet<QName>,
    judged: &Judged,
    is_old: impl Fn(&QName) -> bool,
) -> BTreeSet<QName> {
    match kind {
        StatementKind::CreateTrigger(it) if it.timing == "before" && it.row && it.insert => changed.clone(),
        StatementKind::AlterTable(it) => {
            let default = it.subcommands.iter().any(|it| matches!(it.action, AlterAction::SetDefault { .. }));
            if default { changed.clone() } else { BTreeSet::new() }
        }
        StatementKind::CreateFunction(it) if it.replace => {
            let schema = judged.before();
            if schema.complete && !schema.functions.keys().any(|known| *known.name == *it.name.name) {
                return BTreeSet::new();
            }
            let mut names = BTreeSet::new();
            names_in(sql, NESTED, &mut names);
            let named = |it: &&QName| names.contains(&*it.name) && is_old(it);
            schema.relations.keys().filter(named).cloned().collect()
        }
        _ => BTreeSet::new(),
    }
}

/// Whether the statement has the name anywhere, in the text of a body too.
pub(crate) fn mentions(sql: &str, name: &str) -> bool {
    let mut names = BTreeSet::new();
    names_in(sql, NESTED, &mut names);
    names.contains(name)
}

/// A body, an EXECUTE in it, and one more: quotes can be nested without end.
const NESTED: usize = 3;

/// Every word that may be a name, in so many quotes around each other too.
fn names_in(sql: &str, nested: usize, found: &mut BTreeSet<String>) {
    for token in lex::tokens(sql) {
        let text = token.span.slice(sql);
        match token.kind {
            TokenKind::Word | TokenKind::QuotedName => {
                found.insert(lex::fold(text));
            }
            _ if nested == 0 => {}
            TokenKind::DollarString => {
                let tag = text[1..].find('$').map_or(0, |end| end + 2);
                names_in(text.get(tag..text.len().saturating_sub(tag)).unwrap_or_default(), nested - 1, found);
            }
            TokenKind::String | TokenKind::PrefixedString => {
                let inner = text.find('\'').map(|start| &text[start + 1..]).unwrap_or_default();
                names_in(inner.strip_suffix('\'').unwrap_or(inner), nested - 1, found);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn names_in_quotes_are_mentioned() {
        let body = r#"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $x$ BEGIN EXECUTE 'UPDATE "Old" SET a = ''c'''; END $x$"#;
        for (name, is) in [("f", true), ("Old", true), ("old", false), ("c", true), ("x", false)] {
            assert_eq!(mentions(body, name), is, "{name}");
        }
        // Neither quotes without an end nor quotes without number do harm.
        for sql in ["'".repeat(100_000), "$a$".to_owned(), r"E'\'".to_owned(), "$$ü$".to_owned()] {
            assert!(!mentions(&sql, "b"));
        }
    }
}
