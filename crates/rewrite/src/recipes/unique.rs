//! R-UQ: ADD UNIQUE becomes a unique index of the constraint's name, built concurrently, and ADD UNIQUE USING INDEX; a UNIQUE
//! inside ADD COLUMN is taken out of the column first (R-ICHK).

use model::plan::Mode;
use syntax::ast::{AlterAction, ColumnDef, Constraint, ConstraintKind, DefElem, UniqueKey};

use super::add_column;
use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite};
use crate::{names, titles};

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    let constraint = site.constraint().ok_or("the statement is not an ALTER TABLE")?;
    let ConstraintKind::Unique(key) = &constraint.kind else {
        return Err("the statement is written in a way that is not understood; change it by hand".to_owned());
    };
    if !site.blocks_long() {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    let (place, column) = place(site, constraint)?;
    let steps = steps(site, constraint, key, column, "UNIQUE")?;
    Ok(Rewrite::safe(place, steps).assuming(site.ordinary_table()))
}

/// What the steps of a key replace, and the column that it stands in.
pub(super) fn place<'a>(site: &Site<'a>, constraint: &Constraint) -> Result<(Place, Option<&'a ColumnDef>), String> {
    match site.subcommand().map(|it| &it.action) {
        Some(AlterAction::AddColumn { column, if_not_exists }) => {
            add_column::must_be_new(site, column, *if_not_exists)?;
            Ok((Place::Inside(vec![add_column::without(site, column, constraint)]), Some(column)))
        }
        _ => Ok((Place::Subcommand, None)),
    }
}

/// The index, and the constraint on it. PostgreSQL refuses an invalid index there, so no other check is needed.
pub(super) fn steps(
    site: &Site,
    constraint: &Constraint,
    key: &UniqueKey,
    column: Option<&ColumnDef>,
    words: &str,
) -> Result<Vec<Draft>, String> {
    if site.is_partitioned() {
        return Err(format!(
            "{} is partitioned: its key cannot be built concurrently, only those of the partitions one by one",
            site.table()
        ));
    }
    if key.without_overlaps {
        return Err("WITHOUT OVERLAPS needs an exclusion constraint, which cannot be built concurrently".to_owned());
    }
    let name = names::constraint(site, constraint, column.map(|it| it.name.text.as_str()))
        .ok_or("the name of the constraint is not known")?;
    let quoted = syntax::quote_ident(&name);
    let built = index_name(site, &name);
    let built_quoted = syntax::quote_ident(&built);
    let columns = match column {
        Some(column) => site.slice(column.name.span).to_owned(),
        None => list(site, &key.columns),
    };
    let mut build = format!(
        "{} {built_quoted} {} {} ({columns})",
        site.word("CREATE UNIQUE INDEX CONCURRENTLY"),
        site.word("ON"),
        site.table()
    );
    if !key.including.is_empty() {
        build.push_str(&format!(" {} ({})", site.word("INCLUDE"), list(site, &key.including)));
    }
    if key.nulls_not_distinct {
        build.push_str(&format!(" {}", site.word("NULLS NOT DISTINCT")));
    }
    if !key.options.is_empty() {
        let options = options(&key.options).ok_or("the storage parameters are not understood")?;
        build.push_str(&format!(" {} ({options})", site.word("WITH")));
    }
    if let Some(tablespace) = &key.tablespace {
        build.push_str(&format!(" {} {}", site.word("TABLESPACE"), syntax::quote_ident(tablespace)));
    }
    build.push(';');
    let mut attach = format!(
        "{} {quoted} {} {built_quoted}",
        site.word("ADD CONSTRAINT"),
        site.word(&format!("{words} USING INDEX"))
    );
    if constraint.deferrable {
        attach.push_str(&format!(" {}", site.word("DEFERRABLE")));
    }
    if constraint.initially_deferred {
        attach.push_str(&format!(" {}", site.word("INITIALLY DEFERRED")));
    }
    let index = site.beside(&built);
    let drop = format!("{} {index};", site.word("DROP INDEX CONCURRENTLY"));
    // Undoing the constraint takes the index with it.
    let undo_build = format!("{} {index};", site.word("DROP INDEX CONCURRENTLY IF EXISTS"));
    let undo_attach = site.alter(&format!("{} {quoted}", site.word("DROP CONSTRAINT")));
    Ok(vec![
        Draft::new(Mode::NonTx, build, titles::slug("build", &built))
            .undone_by(Mode::NonTx, undo_build)
            .recovered_by(drop),
        Draft::new(Mode::Tx, site.alter(&attach), titles::slug("add", &name)).undone_by(Mode::Tx, undo_attach),
    ])
}

/// The index gets the name of the constraint at the latest when that is made on it. When the file replaces a constraint of
/// that name, the new index must be built beside the old one.
fn index_name(site: &Site, name: &str) -> String {
    let base = &site.request.trace.before;
    match &site.operation.relation {
        Some(table) if base.has_class(&table.sibling(name)) => {
            names::helper_relation(base, table, name.strip_prefix(&format!("{}_", table.name)).unwrap_or(name), "new")
        }
        _ => name.to_owned(),
    }
}

fn list(site: &Site, columns: &[syntax::ast::Ident]) -> String {
    columns.iter().map(|column| site.slice(column.span)).collect::<Vec<_>>().join(", ")
}

/// Storage parameters as SQL; `None` for what cannot be written back with certainty.
pub(super) fn options(options: &[DefElem]) -> Option<String> {
    let written = |option: &DefElem| {
        let simple = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
        };
        let name = (option.namespace.is_none() && simple(&option.name)).then_some(&option.name)?;
        match &option.value {
            None => Some(name.clone()),
            Some(value) => simple(value).then(|| format!("{name} = {value}")),
        }
    };
    options.iter().map(written).collect::<Option<Vec<_>>>().map(|written| written.join(", "))
}
