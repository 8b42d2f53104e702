//! What a subcommand is: the lock it asks for, its pass, the relations it works on.

use syntax::ast::{AlterAction, Constraint, ConstraintKind, DefElem};

use super::Pass;
use crate::effect::{LockMode, OperationKind};
use crate::schema::RelationKind;

/// AlterTableGetLockLevel, tablecmds.c.
pub(super) fn level(action: &AlterAction) -> LockMode {
    match action {
        AlterAction::SetStatistics { .. }
        | AlterAction::SetColumnOptions { .. }
        | AlterAction::ResetColumnOptions { .. }
        | AlterAction::ClusterOn { .. }
        | AlterAction::SetWithoutCluster
        | AlterAction::ValidateConstraint { .. }
        | AlterAction::AttachPartition { .. }
        | AlterAction::DetachPartition { concurrently: true, .. }
        | AlterAction::DetachPartition { finalize: true, .. } => LockMode::ShareUpdateExclusive,
        AlterAction::EnableTrigger { .. }
        | AlterAction::DisableTrigger { .. }
        | AlterAction::AddConstraint(Constraint { kind: ConstraintKind::ForeignKey(_), .. }) => {
            LockMode::ShareRowExclusive
        }
        AlterAction::SetOptions { options } | AlterAction::ResetOptions { options } => {
            options.iter().map(option_level).max().unwrap_or(LockMode::ShareUpdateExclusive)
        }
        _ => LockMode::AccessExclusive,
    }
}

/// AlterTableGetRelOptionsLockLevel, reloptions.c: each option has its own level.
fn option_level(option: &DefElem) -> LockMode {
    // The others, also those of an index method that an extension brings, are strong.
    if WEAK.contains(&&*option.name.to_ascii_lowercase()) {
        LockMode::ShareUpdateExclusive
    } else {
        LockMode::AccessExclusive
    }
}

/// Whether a table has the option (heap_reloptions, reloptions.c).
pub(in crate::exec) fn is_table_option(option: &DefElem) -> bool {
    let name = option.name.to_ascii_lowercase();
    let of_indexes = ["deduplicate_items", "vacuum_cleanup_index_scale_factor", "effective_io_concurrency"];
    name == "user_catalog_table" || (WEAK.contains(&&*name) && !of_indexes.contains(&&*name))
}

/// Options that only matter to what comes later.
const WEAK: [&str; 26] = [
    "autovacuum_analyze_scale_factor",
    "autovacuum_analyze_threshold",
    "autovacuum_enabled",
    "autovacuum_freeze_max_age",
    "autovacuum_freeze_min_age",
    "autovacuum_freeze_table_age",
    "autovacuum_multixact_freeze_max_age",
    "autovacuum_multixact_freeze_min_age",
    "autovacuum_multixact_freeze_table_age",
    "autovacuum_vacuum_cost_delay",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_vacuum_insert_scale_factor",
    "autovacuum_vacuum_insert_threshold",
    "autovacuum_vacuum_max_threshold",
    "autovacuum_vacuum_scale_factor",
    "autovacuum_vacuum_threshold",
    "deduplicate_items",
    "fillfactor",
    "log_autovacuum_min_duration",
    "parallel_workers",
    "toast_tuple_target",
    "vacuum_cleanup_index_scale_factor",
    "vacuum_index_cleanup",
    "vacuum_max_eager_freeze_failure_rate",
    "vacuum_truncate",
    "effective_io_concurrency",
];
pub(super) fn pass(action: &AlterAction) -> Pass {
    match action {
        AlterAction::DropColumn { .. }
        | AlterAction::DropConstraint { .. }
        | AlterAction::DropDefault { .. }
        | AlterAction::DropNotNull { .. }
        | AlterAction::DropIdentity { .. }
        | AlterAction::DropExpression { .. }
        | AlterAction::SetWithoutOids => Pass::Drop,
        AlterAction::AlterType { .. } => Pass::AlterType,
        AlterAction::AddColumn { .. } => Pass::AddColumn,
        AlterAction::SetExpression { .. } => Pass::SetExpression,
        AlterAction::SetNotNull { .. } => Pass::ColumnAttributes,
        AlterAction::SetDefault { .. } | AlterAction::AddIdentity { .. } => Pass::OtherConstraint,
        AlterAction::AddConstraint(constraint) => match &constraint.kind {
            ConstraintKind::NotNull { .. } => Pass::ColumnAttributes,
            ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) => match key.using_index {
                Some(_) => Pass::IndexConstraint,
                None => Pass::Index,
            },
            ConstraintKind::Exclude(_) => Pass::Index,
            _ => Pass::OtherConstraint,
        },
        _ => Pass::Misc,
    }
}

pub(super) fn kind(action: &AlterAction) -> OperationKind {
    match action {
        AlterAction::AddColumn { .. } => OperationKind::AddColumn,
        AlterAction::DropColumn { .. } => OperationKind::DropColumn,
        AlterAction::SetNotNull { .. } => OperationKind::SetNotNull,
        AlterAction::AlterType { .. } => OperationKind::AlterType,
        AlterAction::AddConstraint(constraint) => match &constraint.kind {
            ConstraintKind::NotNull { .. } => OperationKind::SetNotNull,
            ConstraintKind::Check(_) => OperationKind::AddCheck,
            ConstraintKind::ForeignKey(_) => OperationKind::AddForeignKey,
            ConstraintKind::Exclude(_) => OperationKind::AddExclusion,
            ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) if key.using_index.is_some() => {
                OperationKind::AttachIndex
            }
            ConstraintKind::Unique(_) => OperationKind::AddUnique,
            ConstraintKind::PrimaryKey(_) => OperationKind::AddPrimaryKey,
            _ => OperationKind::Other,
        },
        AlterAction::ValidateConstraint { .. } => OperationKind::ValidateConstraint,
        AlterAction::DropConstraint { .. } => OperationKind::DropConstraint,
        AlterAction::AttachPartition { .. } => OperationKind::AttachPartition,
        AlterAction::DetachPartition { .. } => OperationKind::DetachPartition,
        AlterAction::SetLogged
        | AlterAction::SetUnlogged
        | AlterAction::SetTablespace { .. }
        | AlterAction::SetAccessMethod { .. }
        | AlterAction::SetExpression { .. } => OperationKind::RewriteTable,
        _ => OperationKind::Other,
    }
}

/// The relations that a subcommand works on (the target flags of ATPrepCmd, tablecmds.c).
pub(super) fn allows(action: &AlterAction, kind: RelationKind) -> bool {
    use RelationKind::{ForeignTable, MaterializedView, PartitionedTable, Table, View};
    let table = matches!(kind, Table | PartitionedTable);
    match action {
        AlterAction::Owner { .. } => true,
        AlterAction::SetDefault { .. }
        | AlterAction::DropDefault { .. }
        | AlterAction::AddIdentity { .. }
        | AlterAction::SetIdentity { .. }
        | AlterAction::DropIdentity { .. } => table || matches!(kind, View | ForeignTable),
        AlterAction::SetStatistics { .. }
        | AlterAction::SetColumnOptions { .. }
        | AlterAction::ResetColumnOptions { .. }
        | AlterAction::SetStorage { .. } => table || matches!(kind, MaterializedView | ForeignTable),
        AlterAction::SetCompression { .. }
        | AlterAction::ClusterOn { .. }
        | AlterAction::SetWithoutCluster
        | AlterAction::SetAccessMethod { .. }
        | AlterAction::SetTablespace { .. }
        | AlterAction::ReplicaIdentity { .. } => table || kind == MaterializedView,
        AlterAction::SetOptions { .. } | AlterAction::ResetOptions { .. } => {
            table || matches!(kind, View | MaterializedView)
        }
        AlterAction::SetLogged | AlterAction::SetUnlogged => table,
        AlterAction::GenericOptions => kind == ForeignTable,
        AlterAction::AttachPartition { .. } | AlterAction::DetachPartition { .. } => table,
        AlterAction::AlterConstraint { .. }
        | AlterAction::Of { .. }
        | AlterAction::NotOf
        | AlterAction::RowSecurity { .. }
        | AlterAction::ForceRowSecurity { .. }
        | AlterAction::EnableRule { .. }
        | AlterAction::DisableRule { .. } => table,
        _ => table || kind == ForeignTable,
    }
}

/// alter_table_type_to_string, tablecmds.c.
pub(super) fn words(action: &AlterAction) -> &'static str {
    match action {
        AlterAction::AddColumn { .. } => "ADD COLUMN",
        AlterAction::DropColumn { .. } => "DROP COLUMN",
        AlterAction::SetDefault { .. } | AlterAction::DropDefault { .. } => "ALTER COLUMN ... SET DEFAULT",
        AlterAction::SetNotNull { .. } => "ALTER COLUMN ... SET NOT NULL",
        AlterAction::DropNotNull { .. } => "ALTER COLUMN ... DROP NOT NULL",
        AlterAction::AlterType { .. } => "ALTER COLUMN ... SET DATA TYPE",
        AlterAction::SetExpression { .. } => "ALTER COLUMN ... SET EXPRESSION",
        AlterAction::DropExpression { .. } => "ALTER COLUMN ... DROP EXPRESSION",
        AlterAction::AddIdentity { .. } => "ALTER COLUMN ... ADD IDENTITY",
        AlterAction::SetIdentity { .. } => "ALTER COLUMN ... SET",
        AlterAction::DropIdentity { .. } => "ALTER COLUMN ... DROP IDENTITY",
        AlterAction::SetStatistics { .. } => "ALTER COLUMN ... SET STATISTICS",
        AlterAction::SetColumnOptions { .. } => "ALTER COLUMN ... SET",
        AlterAction::ResetColumnOptions { .. } => "ALTER COLUMN ... RESET",
        AlterAction::SetStorage { .. } => "ALTER COLUMN ... SET STORAGE",
        AlterAction::SetCompression { .. } => "ALTER COLUMN ... SET COMPRESSION",
        AlterAction::AddConstraint(_) => "ADD CONSTRAINT",
        AlterAction::AlterConstraint { .. } => "ALTER CONSTRAINT",
        AlterAction::ValidateConstraint { .. } => "VALIDATE CONSTRAINT",
        AlterAction::DropConstraint { .. } => "DROP CONSTRAINT",
        AlterAction::Owner { .. } => "OWNER TO",
        AlterAction::ClusterOn { .. } => "CLUSTER ON",
        AlterAction::SetWithoutCluster => "SET WITHOUT CLUSTER",
        AlterAction::SetLogged => "SET LOGGED",
        AlterAction::SetUnlogged => "SET UNLOGGED",
        AlterAction::SetAccessMethod { .. } => "SET ACCESS METHOD",
        AlterAction::SetTablespace { .. } => "SET TABLESPACE",
        AlterAction::SetOptions { .. } => "SET",
        AlterAction::ResetOptions { .. } => "RESET",
        AlterAction::Inherit { .. } => "INHERIT",
        AlterAction::NoInherit { .. } => "NO INHERIT",
        AlterAction::Of { .. } => "OF",
        AlterAction::NotOf => "NOT OF",
        AlterAction::ReplicaIdentity { .. } => "REPLICA IDENTITY",
        AlterAction::RowSecurity { enable: true } => "ENABLE ROW SECURITY",
        AlterAction::RowSecurity { enable: false } => "DISABLE ROW SECURITY",
        AlterAction::ForceRowSecurity { force: true } => "FORCE ROW SECURITY",
        AlterAction::ForceRowSecurity { force: false } => "NO FORCE ROW SECURITY",
        AlterAction::EnableTrigger { .. } => "ENABLE TRIGGER",
        AlterAction::DisableTrigger { .. } => "DISABLE TRIGGER",
        AlterAction::EnableRule { .. } => "ENABLE RULE",
        AlterAction::DisableRule { .. } => "DISABLE RULE",
        AlterAction::AttachPartition { .. } => "ATTACH PARTITION",
        AlterAction::DetachPartition { .. } => "DETACH PARTITION",
        AlterAction::SetWithoutOids => "SET WITHOUT OIDS",
        AlterAction::GenericOptions => "OPTIONS",
    }
}

/// What the relation is, in the words of 14 (ATWrongRelkindError, tablecmds.c).
pub(super) fn wrong_kind(action: &AlterAction) -> &'static str {
    match action {
        AlterAction::AddColumn { .. } | AlterAction::DropColumn { .. } | AlterAction::AlterType { .. } => {
            "not a table, composite type, or foreign table"
        }
        AlterAction::SetDefault { .. }
        | AlterAction::DropDefault { .. }
        | AlterAction::AddIdentity { .. }
        | AlterAction::SetIdentity { .. }
        | AlterAction::DropIdentity { .. } => "not a table, view, or foreign table",
        AlterAction::SetStatistics { .. } | AlterAction::SetTablespace { .. } | AlterAction::AttachPartition { .. } => {
            "of the wrong type"
        }
        AlterAction::SetColumnOptions { .. } | AlterAction::ResetColumnOptions { .. } => {
            "not a table, materialized view, index, or foreign table"
        }
        AlterAction::SetStorage { .. } => "not a table, materialized view, or foreign table",
        AlterAction::SetCompression { .. }
        | AlterAction::ClusterOn { .. }
        | AlterAction::SetWithoutCluster
        | AlterAction::ReplicaIdentity { .. } => "not a table or materialized view",
        AlterAction::SetOptions { .. } | AlterAction::ResetOptions { .. } => {
            "not a table, view, materialized view, or index"
        }
        AlterAction::GenericOptions => "not a foreign table",
        AlterAction::AlterConstraint { .. }
        | AlterAction::SetLogged
        | AlterAction::SetUnlogged
        | AlterAction::DetachPartition { .. }
        | AlterAction::Of { .. }
        | AlterAction::NotOf
        | AlterAction::RowSecurity { .. }
        | AlterAction::ForceRowSecurity { .. }
        | AlterAction::EnableRule { .. }
        | AlterAction::DisableRule { .. } => "not a table",
        _ => "not a table or foreign table",
    }
}
