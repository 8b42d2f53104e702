//! Every rule, by name. Written by the test `the_list_of_rules_is_current`.

use crate::Rule;

pub mod add_column_not_null_without_default;
pub mod add_column_rewrite;
pub mod attach_partition_scan;
pub mod backfill_before_default;
pub mod backfill_in_ddl_transaction;
pub mod backfill_loop_skip_locked;
pub mod backfill_loop_without_commit;
pub mod blocking_exclusion_constraint;
pub mod blocking_index_creation;
pub mod blocking_index_drop;
pub mod blocking_partition_detach;
pub mod blocking_primary_key;
pub mod blocking_refresh;
pub mod blocking_reindex;
pub mod blocking_unique_constraint;
pub mod cached_plan_change;
pub mod certain_failure;
pub mod check_without_not_valid;
pub mod column_type_index_rebuild;
pub mod column_type_recheck;
pub mod column_type_rewrite;
pub mod concurrently_in_transaction;
pub mod create_partition_locks_parent;
pub mod disabled_trigger;
pub mod domain_constraint_scan;
pub mod drop_cascade;
pub mod drop_column;
pub mod drop_partition_locks_parent;
pub mod drop_table;
pub mod drop_view;
pub mod dropped_default_breaks_inserts;
pub mod dropped_unique_index_breaks_upsert;
pub mod enum_value_used_in_same_transaction;
pub mod foreign_key_without_index;
pub mod foreign_key_without_not_valid;
pub mod if_not_exists_keeps_old_definition;
pub mod if_not_exists_masks_invalid_index;
pub mod integer_key;
pub mod lock_upgrade_in_transaction;
pub mod locks_held_together;
pub mod lost_replica_identity;
pub mod missing_lock_timeout;
pub mod narrowing_type_change;
pub mod not_valid_before_backfill;
pub mod not_valid_never_validated;
pub mod opaque_dynamic_sql;
pub mod published_without_identity;
pub mod rename_column;
pub mod rename_enum_value;
pub mod rename_table;
pub mod replication_role_bypass;
pub mod row_security_without_policy;
pub mod security_definer_search_path;
pub mod session_setting_under_pooler;
pub mod set_local_outside_transaction;
pub mod set_not_null_scan;
pub mod short_lock_timeout;
pub mod statement_refuses_transaction;
pub mod syntax_error;
pub mod syntax_newer_than_target;
pub mod table_rewrite;
pub mod table_swap_leaves_dependents;
pub mod timeout_over_concurrent_statement;
pub mod timestamp_without_time_zone;
pub mod transaction_imbalance;
pub mod truncate_cascade;
pub mod truncate_table;
pub mod unbatched_backfill;
pub mod unnamed_concurrent_index;
pub mod unused_suppression;
pub mod validate_in_same_transaction;
pub mod view_options_lost;

pub static ALL: &[&Rule] = &[
    &add_column_not_null_without_default::RULE,
    &add_column_rewrite::RULE,
    &attach_partition_scan::RULE,
    &backfill_before_default::RULE,
    &backfill_in_ddl_transaction::RULE,
    &backfill_loop_skip_locked::RULE,
    &backfill_loop_without_commit::RULE,
    &blocking_exclusion_constraint::RULE,
    &blocking_index_creation::RULE,
    &blocking_index_drop::RULE,
    &blocking_partition_detach::RULE,
    &blocking_primary_key::RULE,
    &blocking_refresh::RULE,
    &blocking_reindex::RULE,
    &blocking_unique_constraint::RULE,
    &cached_plan_change::RULE,
    &certain_failure::RULE,
    &check_without_not_valid::RULE,
    &column_type_index_rebuild::RULE,
    &column_type_recheck::RULE,
    &column_type_rewrite::RULE,
    &concurrently_in_transaction::RULE,
    &create_partition_locks_parent::RULE,
    &disabled_trigger::RULE,
    &domain_constraint_scan::RULE,
    &drop_cascade::RULE,
    &drop_column::RULE,
    &drop_partition_locks_parent::RULE,
    &drop_table::RULE,
    &drop_view::RULE,
    &dropped_default_breaks_inserts::RULE,
    &dropped_unique_index_breaks_upsert::RULE,
    &enum_value_used_in_same_transaction::RULE,
    &foreign_key_without_index::RULE,
    &foreign_key_without_not_valid::RULE,
    &if_not_exists_keeps_old_definition::RULE,
    &if_not_exists_masks_invalid_index::RULE,
    &integer_key::RULE,
    &lock_upgrade_in_transaction::RULE,
    &locks_held_together::RULE,
    &lost_replica_identity::RULE,
    &missing_lock_timeout::RULE,
    &narrowing_type_change::RULE,
    &not_valid_before_backfill::RULE,
    &not_valid_never_validated::RULE,
    &opaque_dynamic_sql::RULE,
    &published_without_identity::RULE,
    &rename_column::RULE,
    &rename_enum_value::RULE,
    &rename_table::RULE,
    &replication_role_bypass::RULE,
    &row_security_without_policy::RULE,
    &security_definer_search_path::RULE,
    &session_setting_under_pooler::RULE,
    &set_local_outside_transaction::RULE,
    &set_not_null_scan::RULE,
    &short_lock_timeout::RULE,
    &statement_refuses_transaction::RULE,
    &syntax_error::RULE,
    &syntax_newer_than_target::RULE,
    &table_rewrite::RULE,
    &table_swap_leaves_dependents::RULE,
    &timeout_over_concurrent_statement::RULE,
    &timestamp_without_time_zone::RULE,
    &transaction_imbalance::RULE,
    &truncate_cascade::RULE,
    &truncate_table::RULE,
    &unbatched_backfill::RULE,
    &unnamed_concurrent_index::RULE,
    &unused_suppression::RULE,
    &validate_in_same_transaction::RULE,
    &view_options_lost::RULE,
];
