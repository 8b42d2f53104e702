//! R-TXS: the statement stays byte for byte, but no longer in one transaction with locks or work that it does not belong to.
//! The parts are made by the scheduler; here is only decided for which operations that, and a timeout, is all there is to do.

use model::effect::{OperationKind, Work};

use crate::context::Site;
use crate::draft::{Place, Rewrite};

/// What no recipe takes apart.
pub(crate) fn stays(kind: OperationKind) -> Option<&'static str> {
    match kind {
        OperationKind::InsertSelect => Some(
            "no INSERT ... SELECT is cut into batches; copy one range of a key after the other by hand, each in a transaction of its own",
        ),
        OperationKind::Merge => Some(
            "no MERGE is cut into batches; merge one range of a key after the other by hand, each in a transaction of its own",
        ),
        _ => None,
    }
}

fn builds(site: &Site) -> bool {
    site.operation.effects.iter().any(|it| it.work == Work::Build)
}

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    let reason = match site.operation.kind {
        OperationKind::DropColumn | OperationKind::DropTable | OperationKind::DropObject => {
            "the drop is safe only when no running application uses it any more; do it by a later migration, after that deploy"
        }
        OperationKind::RenameColumn
        | OperationKind::RenameRelation
        | OperationKind::RenameObject
        | OperationKind::RenameEnumValue
        | OperationKind::SetSchema => {
            "the old name must stay until every running application uses the new one; add the new one beside it, and drop the old one by a later migration"
        }
        OperationKind::Truncate => {
            "TRUNCATE blocks reads and writes however it is written; delete in batches, or do it while nobody uses the table"
        }
        OperationKind::AddExclusion => {
            "an exclusion constraint can neither be built concurrently nor be added NOT VALID; add it while nobody uses the table"
        }
        OperationKind::RewriteTable => {
            "the table is copied under a lock that blocks reads and writes however it is written; do it while nobody uses the table"
        }
        OperationKind::DomainConstraint => {
            "every table that uses the domain is read under a lock that blocks writes, also by VALIDATE; do it while little is written"
        }
        OperationKind::DetachPartition => {
            "DETACH PARTITION CONCURRENTLY would leave a CHECK constraint on the partition that DETACH PARTITION does not leave; write CONCURRENTLY if that may stay"
        }
        OperationKind::AttachPartition if site.blocks_long() && builds(site) => {
            "the indexes of the parent are not built here; create them on the partition concurrently, and its constraints from them, by a migration before this one"
        }
        OperationKind::AttachPartition if site.blocks_long() => {
            "no proof of the bound is made here; add a CHECK constraint as NOT VALID and validate it by migrations before this one, and drop it after"
        }
        OperationKind::Opaque => "what it does is not known; part it from the others by hand",
        _ if site.blocks_long() => {
            "there is no way to do this without blocking others for a time that grows with the table; do it while nobody needs it"
        }
        _ => return Ok(Rewrite::safe(Place::Kept, Vec::new())),
    };
    Err(reason.to_owned())
}
