//! The few entries in which one schema differs from another.

use super::{Born, Schema};
use crate::catalog::{COMPLETE, Lookup};
use crate::map::Keys;

/// Entries to come above those of a schema: of one whose maps have nothing below them. What stands beside the maps is as it
/// is to be.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    above: Schema,
    /// [`Schema::complete`] becomes another.
    completes: bool,
}

/// A schema by what each of its maps is made of; the rest is as given.
macro_rules! schema {
    ($given:expr, $of:ident) => {
        Schema {
            complete: $given.complete,
            presumed: $given.presumed,
            relations: $of!(relations),
            indexes: $of!(indexes),
            types: $of!(types),
            functions: $of!(functions),
            schemas: $of!(schemas),
            extensions: $of!(extensions),
            publications: $of!(publications),
            statistics: $of!(statistics),
            gone: $of!(gone),
            gone_columns: $of!(gone_columns),
            lookup: Lookup {
                indexes: $of!(lookup.indexes),
                dependents: $of!(lookup.dependents),
                constraints: $of!(lookup.constraints),
                used: $of!(lookup.used),
            },
        }
    };
}

impl Schema {
    /// The entries in which another schema differs; `None` when it differs in more.
    pub(crate) fn patch_to(&self, other: &Self) -> Option<Patch> {
        macro_rules! patch {
            ($($map:ident).+) => { self.$($map).+.patch_to(&other.$($map).+) };
        }
        (self.presumed == other.presumed)
            .then(|| Patch { above: schema!(other, patch), completes: self.complete != other.complete })
    }

    /// The schema with the entries of a patch above its own.
    pub(crate) fn under(&self, patch: &Patch) -> Self {
        macro_rules! under {
            ($($map:ident).+) => { self.$($map).+.under(&patch.above.$($map).+) };
        }
        let complete = patch.complete().unwrap_or(self.complete);
        Self { complete, ..schema!(self, under) }
    }

    /// The patch that does to this schema what one does, and then another.
    pub(crate) fn join(&self, first: &Patch, second: &Patch) -> Patch {
        macro_rules! join {
            ($($map:ident).+) => { self.$($map).+.join(&first.above.$($map).+, &second.above.$($map).+) };
        }
        let complete = second.complete().or(first.complete()).unwrap_or(self.complete);
        let above = Self { complete, ..schema!(self, join) };
        Patch { above, completes: self.complete != complete }
    }
}

impl Patch {
    /// The patch with what it brings as old as [`Schema::aged`] makes it.
    pub(crate) fn aged(&self, since: &Schema, born: Born) -> Self {
        Self { above: self.above.entries_aged(since, born), completes: self.completes }
    }

    /// What [`Schema::complete`] becomes, when it becomes another.
    pub(crate) fn complete(&self) -> Option<bool> {
        self.completes.then_some(self.above.complete)
    }

    pub(crate) fn keys(&self) -> Keys {
        let mut keys = Keys::default();
        macro_rules! add {
            ($($map:ident).+) => {{
                keys.add(&self.above.$($map).+);
                Default::default()
            }};
        }
        let _: Schema = schema!(self.above, add);
        if self.completes {
            keys.add_part(COMPLETE);
        }
        keys
    }
}
