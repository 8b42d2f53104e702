//! R-CHK: ADD CHECK becomes ADD CHECK ... NOT VALID and VALIDATE CONSTRAINT in the next transaction; a CHECK inside ADD COLUMN
//! is taken out of the column first (R-ICHK).

use model::plan::Mode;
use syntax::ast::AlterAction;

use super::validate;
use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite};
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
    let constraint = site.constraint().ok_or("the statement is not understood")?;
    let (column, inside) = match &subcommand.action {
        AlterAction::AddColumn { column, if_not_exists } => {
            super::add_column::must_be_new(site, column, *if_not_exists)?;
            (Some(column), true)
        }
        _ => (None, false),
    };
    let column_name = column.map(|it| it.name.text.as_str());
    let name =
        names::constraint(site, constraint, column_name).ok_or(format!("the name of the {what} is not known"))?;
    let quoted = syntax::quote_ident(&name);
    let mut action = format!("{} ", site.word("ADD"));
    if constraint.name.is_none() || inside {
        action.push_str(&format!("{} {quoted} ", site.word("CONSTRAINT")));
    }
    action.push_str(&super::add_column::as_table_constraint(site, constraint, column)?);
    action.push_str(&format!(" {}", site.word("NOT VALID")));
    let undo = format!("{} {quoted}", site.word("DROP CONSTRAINT"));
    let add =
        Draft::new(Mode::Tx, site.alter(&action), titles::slug("add", &name)).undone_by(Mode::Tx, site.alter(&undo));
    let place = match column {
        Some(column) => Place::Inside(vec![super::add_column::without(site, column, constraint)]),
        None => Place::Subcommand,
    };
    Ok(Rewrite::safe(place, vec![add, validate::step(site, &name)]))
}
