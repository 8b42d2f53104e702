//! R-RIX: REINDEX becomes REINDEX ... CONCURRENTLY.

use model::plan::Mode;
use model::schema::ConstraintKind;
use syntax::Span;
use syntax::ast::{ObjectKind, StatementKind};
use syntax::lex;

use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite};
use crate::edit::{self, Edit};
use crate::titles;

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    let StatementKind::Reindex(it) = site.kind else {
        return Err("the statement is not a REINDEX".to_owned());
    };
    if it.concurrently {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    let keyword = match it.object {
        ObjectKind::Index => "INDEX",
        ObjectKind::Table => "TABLE",
        ObjectKind::Schema => "SCHEMA",
        ObjectKind::Database => "DATABASE",
        _ => {
            return Err(
                "system catalogs cannot be reindexed concurrently; do it while nobody uses the database".to_owned()
            );
        }
    };
    let excludes = |table: &model::schema::Relation| {
        table.constraints.iter().any(|it| matches!(it.kind, ConstraintKind::Exclude { .. }))
    };
    let touched = site.operation.effects.iter().filter_map(|effect| site.before.relations.get(&effect.relation));
    if touched.into_iter().any(|table| excludes(table)) {
        return Err(
            "the index of an exclusion constraint cannot be rebuilt concurrently; do it while nobody uses the table"
                .to_owned(),
        );
    }
    let tokens = lex::tokens(site.text);
    let object = tokens
        .iter()
        .skip(1)
        .find(|token| token.is(site.text, keyword) && outside_parentheses(site.text, token.span))
        .ok_or("the statement is written in a way that is not understood; change it by hand")?;
    let edits = [Edit::insert(object.span.end, format!(" {}", site.word("CONCURRENTLY")))];
    let sql = edit::terminated(edit::apply(site.text, Span::new(0, site.text.len()), &edits));
    let name = it.name.as_ref().map_or_else(|| "database".to_owned(), |name| name.name.clone());
    let mut step = Draft::new(Mode::NonTx, sql, titles::slug("reindex", &name));
    if it.object == ObjectKind::Index
        && let Some(name) = &it.name
    {
        let left = format!("{}_ccnew", name.name);
        let left = match &name.schema {
            Some(schema) => format!("{}.{}", syntax::quote_ident(schema), syntax::quote_ident(&left)),
            None => syntax::quote_ident(&left),
        };
        step = step.recovered_by(format!("DROP INDEX CONCURRENTLY {left};"));
    }
    Ok(Rewrite::safe(Place::Statement, vec![step]))
}

/// `REINDEX (TABLESPACE index) INDEX i`.
fn outside_parentheses(text: &str, span: Span) -> bool {
    let before = &text[..span.start as usize];
    before.matches('(').count() == before.matches(')').count()
}
