//! Inverses that find their work done.
//!
//! What a later statement of the migration drops, renames, or lets go with something else is not there when the Down section
//! comes to the step that made it. It is when the Up section stopped before that statement, so the inverse stays.

use model::plan::{Inverse, Plan};
use syntax::ast::{AlterAction, StatementKind};
use syntax::{Options, Span};

use crate::edit::{self, Edit};

/// Lets the inverse that is this statement do nothing where its thing is gone. False if no step has such an inverse.
pub fn forgive(plan: &mut Plan, statement: &str) -> bool {
    let steps = plan.parts.iter_mut().flat_map(|part| &mut part.steps);
    let mut inverses = steps.filter_map(|step| match &mut step.inverse {
        Inverse::Sql { sql, .. } => Some(sql),
        _ => None,
    });
    let found = inverses.find_map(|sql| forgiving(sql, statement).map(|new| (sql, new)));
    found.map(|(sql, new)| *sql = new).is_some()
}

fn forgiving(sql: &str, statement: &str) -> Option<String> {
    let script = syntax::parse(sql, &Options::plain());
    let [parsed] = script.statements.as_slice() else { return None };
    if *parsed.parsed.text != *statement {
        return None;
    }
    let at = match &*parsed.parsed.kind {
        StatementKind::Drop(it) if !it.if_exists => it.names.first().map(|it| it.name.span),
        StatementKind::AlterTable(it) => match &it.subcommands.first()?.action {
            AlterAction::DropConstraint { name, if_exists: false, .. } => Some(name.span),
            AlterAction::DropColumn { column, if_exists: false, .. } => Some(column.span),
            _ => None,
        },
        _ => None,
    }?;
    let words = if sql.starts_with(char::is_lowercase) { "if exists " } else { "IF EXISTS " };
    Some(edit::apply(sql, Span::new(0, sql.len()), &[Edit::insert(at.start, words)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_may_be_gone() {
        let drawn = |sql: &str| forgiving(sql, sql.trim_end_matches(';')).unwrap_or_else(|| "as it is".to_owned());
        assert_eq!(drawn("DROP INDEX CONCURRENTLY \"é\".i;"), "DROP INDEX CONCURRENTLY IF EXISTS \"é\".i;");
        assert_eq!(drawn("alter table t drop constraint c;"), "alter table t drop constraint if exists c;");
        assert_eq!(drawn("ALTER TABLE t DROP CONSTRAINT IF EXISTS c;"), "as it is");
        assert_eq!(drawn("ALTER TABLE t ALTER COLUMN a DROP NOT NULL;"), "as it is");
        assert_eq!(forgiving("DROP SEQUENCE s;", "DROP SEQUENCE other"), None);
    }
}
