//! R-IDX: CREATE INDEX becomes CREATE INDEX CONCURRENTLY with a name, followed by a check that the index is valid.

use model::plan::Mode;
use model::runner::Messages;
use syntax::Span;
use syntax::ast::{CreateIndex, StatementKind};
use syntax::lex::{self, Token};

use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite, Role};
use crate::edit::{self, Edit};
use crate::{names, titles};

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    let StatementKind::CreateIndex(it) = site.kind else {
        return Err("the statement is not a CREATE INDEX".to_owned());
    };
    if site.is_partitioned() && !it.relation.only {
        let table = site.table();
        return Err(format!(
            "{table} is partitioned: its index cannot be built concurrently, only those of the partitions one by one"
        ));
    }
    if it.relation.only && site.is_partitioned() {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    let here = site.relation().is_some_and(|relation| !site.is_old(relation.born) && !relation.maybe);
    if here || (it.concurrently && it.name.is_some()) {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    let name = match &it.name {
        Some(name) => name.text.clone(),
        None => names::created_index(site).ok_or("the name of the index is not known")?,
    };
    let certain = it.if_not_exists && is_new(site, &name);
    let may_be_there = it.if_not_exists && !certain;
    let edits = concurrently(site, it, &name, certain)
        .ok_or("the statement is written in a way that is not understood; change it by hand")?;
    let whole = Span::new(0, site.text.len());
    let index = site.beside(&name);
    let drop = format!("{} {index};", site.word("DROP INDEX CONCURRENTLY"));
    // What later statements make of it takes it along when it is undone: a constraint by USING INDEX, another name.
    let left = site.operation.relation.as_ref().and_then(|it| site.request.trace.after.indexes.get(&it.sibling(&name)));
    let undo = match left {
        Some(index) if index.constraint.is_none() => drop.clone(),
        _ => format!("{} {index};", site.word("DROP INDEX CONCURRENTLY IF EXISTS")),
    };
    let build =
        Draft::new(Mode::NonTx, edit::terminated(edit::apply(site.text, whole, &edits)), titles::slug("create", &name))
            .undone_by(Mode::NonTx, undo)
            .recovered_by(drop);
    if it.concurrently {
        return Ok(Rewrite::safe(Place::Statement, vec![build]));
    }
    let mut steps = Vec::new();
    if may_be_there {
        steps.push(guard(site, &name));
    }
    let again = edit::on_one_line(build.sql.trim_end_matches(';'));
    steps.push(build);
    steps.push(assertion(site, &name, may_be_there.then_some(&*again)));
    // Where not all names are known, PostgreSQL could have had to generate another one.
    let unknown = (it.name.is_none() && !site.before.complete) || (certain && site.before.presumed);
    let taken = unknown.then(|| format!("No other relation is called {index}."));
    Ok(Rewrite::safe(Place::Statement, steps).assuming(site.ordinary_table()).assuming(taken))
}

/// Alone in a file that is one message, IF NOT EXISTS would pass over what an interrupted build left and the file would count
/// as applied. Where the name is free it says nothing, so it goes. Elsewhere a guard in the same file stops before that, and the
/// author, who may run the file again and again, keeps it.
fn is_new(site: &Site, name: &str) -> bool {
    let free = site.operation.relation.as_ref().is_some_and(|table| !site.before.has_class(&table.sibling(name)));
    site.request.runner.messages == Messages::Whole && site.before.complete && free
}

fn concurrently(site: &Site, it: &CreateIndex, name: &str, certain: bool) -> Option<Vec<Edit>> {
    let tokens: Vec<Token> = lex::tokens(site.text).into_iter().filter(|token| !token.is_comment()).collect();
    let index = tokens.iter().find(|token| token.is(site.text, "INDEX"))?;
    let mut words = String::new();
    if !it.concurrently {
        words = format!(" {}", site.word("CONCURRENTLY"));
    }
    let mut edits = vec![Edit::insert(index.span.end, words)];
    if certain {
        let before = tokens.iter().find(|token| token.is(site.text, "CONCURRENTLY")).unwrap_or(index);
        let exists = tokens.iter().find(|token| token.is(site.text, "EXISTS"))?;
        edits.push(Edit::cut(Span { start: before.span.end, end: exists.span.end }));
    }
    if it.name.is_none() {
        let on = tokens.iter().find(|token| token.is(site.text, "ON"))?;
        edits.push(Edit::insert(on.span.start, format!("{} ", syntax::quote_ident(name))));
    }
    Some(edits)
}

/// IF NOT EXISTS passes over the invalid index that an interrupted build leaves; this stops before it.
fn guard(site: &Site, name: &str) -> Draft {
    let index = site.beside(name);
    let message = edit::literal(&format!("an earlier build left the invalid index {index}"));
    let hint = edit::literal(&format!("Run DROP INDEX CONCURRENTLY {index}; then run this again."));
    let sql = format!(
        "DO $safestep$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass({}) AND NOT indisvalid) THEN
    RAISE EXCEPTION USING MESSAGE = {message}, HINT = {hint};
  END IF;
END
$safestep$;",
        edit::literal(&index),
    );
    Draft::new(Mode::Tx, sql, titles::slug("guard", name)).role(Role::Guard)
}

/// Stops later steps when the index is not there or cannot be used. `again` builds it when its own step does not, because
/// that counts as done.
fn assertion(site: &Site, name: &str, again: Option<&str>) -> Draft {
    let index = site.beside(name);
    let message = edit::literal(&format!("index {index} is missing or invalid"));
    let build = again.unwrap_or("build it again");
    let hint = edit::literal(&format!("Run DROP INDEX CONCURRENTLY IF EXISTS {index}; then {build}."));
    let sql = format!(
        "DO $safestep$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass({}) AND indisvalid) THEN
    RAISE EXCEPTION USING MESSAGE = {message}, HINT = {hint};
  END IF;
END
$safestep$;",
        edit::literal(&index),
    );
    let role = if again.is_some() { Role::RequiredAssertion } else { Role::Assertion };
    Draft::new(Mode::Tx, sql, titles::slug("assert", name)).role(role)
}
