//! VALIDATE CONSTRAINT under a lock that blocks nobody: in a transaction and a statement of its own.

use model::plan::Mode;
use syntax::ast::AlterAction;

use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite};
use crate::titles;

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    let Some(AlterAction::ValidateConstraint { name }) = site.subcommand().map(|it| &it.action) else {
        return Err("the statement is not a VALIDATE CONSTRAINT".to_owned());
    };
    if site.alter_table().is_some_and(|it| it.subcommands.len() == 1) {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    Ok(Rewrite::safe(Place::Subcommand, vec![step(site, &name.text)]))
}

/// SHARE UPDATE EXCLUSIVE and a scan (ATExecValidateConstraint, tablecmds.c).
pub(super) fn step(site: &Site, constraint: &str) -> Draft {
    let action = format!("{} {}", site.word("VALIDATE CONSTRAINT"), syntax::quote_ident(constraint));
    Draft::new(Mode::OwnTx, site.alter(&action), titles::slug("validate", constraint))
}
