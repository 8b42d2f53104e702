//! What other sessions cannot do while a statement's locks are held.

use std::collections::BTreeMap;

use crate::effect::{Blocked, Effect, blocks_reads, blocks_writes};
use crate::name::QName;
use crate::schema::Schema;

pub(super) fn blocked(schema: &Schema, effects: &[Effect]) -> Vec<Blocked> {
    let _ = schema;
    let mut blocked: BTreeMap<QName, (bool, bool)> = BTreeMap::new();
    for effect in effects {
        // Planning locks every index of a table, so a locked index stops the table (get_relation_info, plancat.c).
        let relation = effect.on.as_ref().unwrap_or(&effect.relation);
        let slot = blocked.entry(relation.clone()).or_default();
        slot.0 |= blocks_reads(effect.lock);
        slot.1 |= blocks_writes(effect.lock);
    }
    blocked
        .into_iter()
        .filter(|(_, (reads, writes))| *reads || *writes)
        .map(|(relation, (reads, writes))| Blocked { relation, reads, writes })
        .collect()
}
