//! R-ENUM: a new enum value is committed before anything uses it; inside one transaction using it is an error (55P04).

use model::plan::{Inverse, Mode};

use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite, Role};
use crate::edit;
use crate::titles;

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    let syntax::ast::StatementKind::AlterEnum(it) = site.kind else {
        return Err("the statement is not an ALTER TYPE ... ADD VALUE".to_owned());
    };
    let mut step = Draft::new(Mode::Tx, edit::terminated(site.text.to_owned()), titles::slug("extend", &it.name.name));
    step.inverse = Inverse::Impossible("an enum value cannot be removed".to_owned());
    Ok(Rewrite::safe(Place::Statement, vec![step.role(Role::EndsPart)]))
}
