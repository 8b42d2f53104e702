//! R-FK: ADD FOREIGN KEY becomes ADD FOREIGN KEY ... NOT VALID and VALIDATE CONSTRAINT in the next transaction; REFERENCES
//! inside ADD COLUMN becomes a table constraint first.

use super::check;
use crate::context::Site;
use crate::draft::{Place, Rewrite};

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    if !site.blocks_long() {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    // ATAddForeignKeyConstraint (tablecmds.c): NOT VALID on a partitioned table only from 18 on.
    let refused = *site.majors().start() < 18;
    if refused && site.is_partitioned() {
        return Err(format!(
            "{} is partitioned: before PostgreSQL 18 its foreign key cannot be NOT VALID, only those of the partitions one by one",
            site.table()
        ));
    }
    let rewrite = check::not_valid(site, "foreign key")?;
    Ok(rewrite.assuming(site.ordinary_table().filter(|_| refused)))
}
