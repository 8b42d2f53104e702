//! Recipes: how one operation is done without hurting others. One file per recipe and one line in [`RECIPES`].
//!
//! A recipe answers with steps or with the reason why there are none. The steps must leave the same schema and the same
//! data; recipes keep to `facts/hazards.md` section 1, whose names (R-IDX, ...) they carry.

use model::effect::OperationKind;

use crate::context::Site;
use crate::draft::Rewrite;

mod add_column;
mod alter_type;
mod backfill;
mod check;
mod comparison;
mod create_index;
mod create_partition;
mod drop_index;
mod enum_value;
mod foreign_key;
pub(crate) mod keep;
mod not_null;
mod primary_key;
mod refresh;
mod reindex;
mod unique;
mod validate;

pub(crate) type Recipe = fn(&Site) -> Result<Rewrite, String>;

const RECIPES: &[(OperationKind, Recipe)] = &[
    (OperationKind::AddCheck, check::rewrite),
    (OperationKind::AddColumn, add_column::rewrite),
    (OperationKind::AddEnumValue, enum_value::rewrite),
    (OperationKind::AddForeignKey, foreign_key::rewrite),
    (OperationKind::AddPrimaryKey, primary_key::rewrite),
    (OperationKind::AddUnique, unique::rewrite),
    (OperationKind::AlterType, alter_type::rewrite),
    (OperationKind::AttachIndex, primary_key::attach),
    (OperationKind::CreateIndex, create_index::rewrite),
    (OperationKind::CreatePartition, create_partition::rewrite),
    (OperationKind::Delete, backfill::delete),
    (OperationKind::DropIndex, drop_index::rewrite),
    (OperationKind::RefreshMaterializedView, refresh::rewrite),
    (OperationKind::Reindex, reindex::rewrite),
    (OperationKind::SetNotNull, not_null::rewrite),
    (OperationKind::Update, backfill::update),
    (OperationKind::ValidateConstraint, validate::rewrite),
];

/// The recipe for a kind of operation; what has none of its own is kept as it is.
pub(crate) fn recipe(kind: OperationKind) -> Recipe {
    RECIPES.iter().find(|(it, _)| *it == kind).map_or(keep::rewrite, |(_, recipe)| *recipe)
}
