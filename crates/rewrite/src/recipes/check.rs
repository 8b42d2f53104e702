//! R-CHK: ADD CHECK becomes ADD CHECK ... NOT VALID and VALIDATE CONSTRAINT in the next transaction; a CHECK inside ADD COLUMN
//! is taken out of the column first (R-ICHK).

use model::plan::Mode;
use syntax::ast::AlterAction;

use super::{add_column, validate};
use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite};
use crate::edit::Edit;
use crate::{names, titles};

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    if !site.blocks_long() {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    not_valid(site, "CHECK constraint")
}

/// Adds the constraint of the operation NOT VALID and validates it.
pub(super) fn not_valid(site: &Site, what: &str) -> Result<Rewrite, String> {
    let subcommand = site.subcommand().ok_or("the statement is not an ALTER TABLE")?;
    let constraint =
        site.constraint().ok_or("the statement is written in a way that is not understood; change it by hand")?;
    let column = match &subcommand.action {
        AlterAction::AddColumn { column, if_not_exists } => {
            add_column::must_be_new(site, column, *if_not_exists)?;
            Some(column)
        }
        _ => None,
    };
    let column_name = column.map(|it| it.name.text.as_str());
    let name = names::constraint(site, constraint, column_name)
        .ok_or_else(|| format!("the name of the {what} is not known"))?;
    let quoted = syntax::quote_ident(&name);
    let naming = format!("{} {quoted} ", site.word("CONSTRAINT"));
    let not_valid = format!(" {}", site.word("NOT VALID"));
    let (place, sql) = match column {
        Some(column) => {
            let rest = add_column::as_table_constraint(site, constraint, column)?;
            let action = format!("{} {naming}{rest}{not_valid}", site.word("ADD"));
            (Place::Inside(vec![add_column::without(site, column, constraint)]), site.alter(&action))
        }
        None => {
            let naming = if constraint.name.is_none() { naming.as_str() } else { "" };
            let edits = [Edit::insert(constraint.span.start, naming), Edit::insert(constraint.span.end, not_valid)];
            (Place::Subcommand, site.alter_edited(subcommand, &edits))
        }
    };
    let undo = site.alter(&format!("{} {quoted}", site.word("DROP CONSTRAINT")));
    let add = Draft::new(Mode::Tx, sql, titles::slug("add", &name)).undone_by(Mode::Tx, undo);
    Ok(Rewrite::safe(place, vec![add, validate::step(site, &name)]))
}
