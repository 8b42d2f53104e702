//! What the machine-readable formats share.

use std::path::Path;

use model::effect::Work;
use model::schema::RelationKind;
use serde::Serialize;

use crate::{Position, Sources};

/// A place in a file that may not be at hand.
pub(crate) fn position(sources: &Sources, path: &Path, offset: u32) -> Position {
    sources.get(path).map_or(Position { byte: offset, line: 1, column: 1 }, |source| source.position(offset))
}

/// Indented, with a line end. Wire structs have no map keys that are not strings, so this does not fail.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// As `--pg-version` takes it: `14-18`, `16`.
pub(crate) fn versions((first, last): (u32, u32)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

pub(crate) fn work(work: Work) -> &'static str {
    match work {
        Work::Instant => "instant",
        Work::Rows => "rows",
        Work::Scan => "scan",
        Work::Build => "build",
        Work::Rewrite => "rewrite",
    }
}

pub(crate) fn relation_kind(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Table => "table",
        RelationKind::PartitionedTable => "partitioned table",
        RelationKind::View => "view",
        RelationKind::MaterializedView => "materialized view",
        RelationKind::Sequence => "sequence",
        RelationKind::ForeignTable => "foreign table",
        RelationKind::Index => "index",
        RelationKind::PartitionedIndex => "partitioned index",
        RelationKind::CompositeType => "composite type",
    }
}
