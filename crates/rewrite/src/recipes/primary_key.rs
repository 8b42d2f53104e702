//! R-PK: NOT NULL for each column by R-NN, then the unique index concurrently, then ADD PRIMARY KEY USING INDEX. On a column
//! that may be null the last one would read the table under ACCESS EXCLUSIVE.

use model::plan::Mode;
use model::schema::Relation;
use syntax::ast::{AlterAction, ConstraintKind};

use super::{not_null, unique};
use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite};
use crate::titles;

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    let constraint = site.constraint().ok_or("the statement is not an ALTER TABLE")?;
    let ConstraintKind::PrimaryKey(key) = &constraint.kind else {
        return Err("the statement is written in a way that is not understood; change it by hand".to_owned());
    };
    if !site.blocks_long() {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    let (place, column) = unique::place(site, constraint)?;
    let columns: Vec<&str> = match column {
        Some(column) => vec![&column.name.text],
        None => key.columns.iter().map(|column| column.text.as_str()).collect(),
    };
    // The index is built between the proof and its use, so that what is instant can share a transaction.
    let (proofs, uses) = proofs(site, &columns);
    let mut key = unique::steps(site, constraint, key, column, "PRIMARY KEY")?;
    let attach = key.pop();
    let steps = proofs.into_iter().chain(key).chain(uses).chain(attach).collect();
    Ok(Rewrite::safe(place, steps).assuming(site.ordinary_table()))
}

/// ADD PRIMARY KEY USING INDEX over columns that may be null.
pub(crate) fn attach(site: &Site) -> Result<Rewrite, String> {
    if !site.blocks_long() {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    let constraint = site.constraint().ok_or("the statement is not an ALTER TABLE")?;
    let (ConstraintKind::PrimaryKey(key), Some(table)) = (&constraint.kind, &site.operation.relation) else {
        return Err("the statement is written in a way that is not understood; change it by hand".to_owned());
    };
    let index = key
        .using_index
        .as_ref()
        .ok_or("the statement is written in a way that is not understood; change it by hand")?;
    let known = site.before.indexes.get(&table.sibling(&index.text));
    let known = known.ok_or_else(|| format!("the columns of index {} are not known", index.text))?;
    let columns: Vec<&str> = known.elements.iter().filter_map(|element| element.column.as_deref()).collect();
    let (mut steps, uses) = proofs(site, &columns);
    steps.extend(uses);
    let span = site
        .subcommand()
        .map(|it| it.span)
        .ok_or("the statement is written in a way that is not understood; change it by hand")?;
    // The constraint's name wins over that of the index.
    let name = constraint.name.as_ref().map_or(&*index.text, |name| &*name.text);
    let drop = site.alter(&format!("{} {}", site.word("DROP CONSTRAINT"), syntax::quote_ident(name)));
    steps.push(Draft::new(Mode::Tx, site.alter(site.slice(span)), titles::slug("add", name)).undone_by(Mode::Tx, drop));
    Ok(Rewrite::safe(Place::Subcommand, steps))
}

/// For each column that may be null: what proves that it is not, and what uses the proof.
fn proofs(site: &Site, columns: &[&str]) -> (Vec<Draft>, Vec<Draft>) {
    let (mut proofs, mut uses) = (Vec::new(), Vec::new());
    let Some(table) = &site.operation.relation else { return (proofs, uses) };
    for column in columns.iter().filter(|column| !certainly_not_null(site, site.relation(), column)) {
        let mut steps = not_null::proven(site, table, column, false);
        uses.extend(steps.split_off(2));
        proofs.extend(steps);
    }
    (proofs, uses)
}

fn certainly_not_null(site: &Site, relation: Option<&Relation>, name: &str) -> bool {
    if let Some(column) = relation.and_then(|relation| relation.column(name)) {
        return column.not_null;
    }
    // Added by the same statement.
    let subcommands = site.alter_table().map(|it| it.subcommands.as_slice()).unwrap_or_default();
    subcommands.iter().any(|subcommand| match &subcommand.action {
        AlterAction::AddColumn { column, .. } => {
            column.name.text == name
                && column.constraints.iter().any(|it| matches!(it.kind, ConstraintKind::NotNull { .. }))
        }
        _ => false,
    })
}
