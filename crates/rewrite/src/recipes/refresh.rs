//! R-MV: REFRESH MATERIALIZED VIEW becomes REFRESH ... CONCURRENTLY where the view certainly allows it.

use model::plan::Mode;
use syntax::Span;
use syntax::ast::StatementKind;
use syntax::lex;

use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite};
use crate::edit::{self, Edit};
use crate::titles;

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    let StatementKind::RefreshMaterializedView { name, concurrently, with_data } = site.kind else {
        return Err("the statement is not a REFRESH MATERIALIZED VIEW".to_owned());
    };
    if *concurrently {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    if !with_data {
        return Err("WITH NO DATA empties the view, which cannot be done concurrently; leave it full, or do this while nobody reads it".to_owned());
    }
    let written = site.written(name);
    let view = site.relation().filter(|view| view.populated && !view.maybe);
    let Some(view) = view else {
        return Err(format!(
            "CONCURRENTLY needs a view with data, and whether {written} has any is not known; write CONCURRENTLY if it has"
        ));
    };
    // matview_is_index_usable (matview.c): unique, valid, of plain columns, on all rows.
    let usable = site.before.indexes_of(&view.name).any(|index| {
        index.unique
            && index.valid
            && !index.maybe
            && index.predicate.is_none()
            && index.elements.iter().all(|element| element.column.is_some())
    });
    if !usable {
        return Err(format!(
            "CONCURRENTLY needs a unique index on columns of {written} that covers all rows; create one first"
        ));
    }
    let tokens = lex::tokens(site.text);
    let keyword = tokens
        .iter()
        .find(|it| it.is(site.text, "VIEW"))
        .ok_or("the statement is written in a way that is not understood; change it by hand")?;
    let edits = [Edit::insert(keyword.span.end, format!(" {}", site.word("CONCURRENTLY")))];
    let sql = edit::terminated(edit::apply(site.text, Span::new(0, site.text.len()), &edits));
    let step = Draft::new(Mode::Tx, sql, titles::slug("refresh", &name.name));
    Ok(Rewrite::safe(Place::Statement, vec![step]))
}
