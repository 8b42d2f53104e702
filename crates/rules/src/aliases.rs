//! What other linters call our rules, for their ignore comments.
//!
//! Names of squawk 2.70, eugene 0.8 and Atlas 0.38. A name that none of our rules answers to maps to nothing: its comment is
//! neither used nor unused here.

/// Squawk's rule names.
pub const SQUAWK: &[(&str, &[&str])] = &[
    ("adding-field-with-default", &["add-column-rewrite"]),
    ("adding-foreign-key-constraint", &["foreign-key-without-not-valid"]),
    ("adding-not-nullable-field", &["set-not-null-scan"]),
    ("adding-required-field", &["add-column-not-null-without-default"]),
    ("adding-serial-primary-key-field", &["blocking-primary-key"]),
    ("ban-alter-domain-with-add-constraint", &["domain-constraint-scan"]),
    ("ban-concurrent-index-creation-in-transaction", &["concurrently-in-transaction"]),
    ("ban-disable-trigger", &["disabled-trigger"]),
    ("ban-drop-column", &["drop-column"]),
    ("ban-drop-index", &["blocking-index-drop", "dropped-unique-index-breaks-upsert"]),
    ("ban-drop-table", &["drop-table", "drop-partition-locks-parent", "drop-cascade"]),
    ("ban-drop-view", &["drop-view", "drop-cascade"]),
    ("ban-set-schema", &["rename-table"]),
    ("ban-truncate-cascade", &["truncate-cascade"]),
    ("ban-uncommitted-transaction", &["transaction-imbalance"]),
    (
        "changing-column-type",
        &[
            "column-type-rewrite",
            "column-type-index-rebuild",
            "column-type-recheck",
            "narrowing-type-change",
            "cached-plan-change",
        ],
    ),
    (
        "constraint-missing-not-valid",
        &[
            "check-without-not-valid",
            "foreign-key-without-not-valid",
            "blocking-unique-constraint",
            "blocking-primary-key",
            "blocking-exclusion-constraint",
            "validate-in-same-transaction",
        ],
    ),
    ("disallowed-unique-constraint", &["blocking-unique-constraint"]),
    ("prefer-bigint-over-int", &["integer-key"]),
    ("prefer-bigint-over-smallint", &["integer-key"]),
    ("prefer-big-int", &["integer-key"]),
    ("prefer-repack", &["table-rewrite"]),
    ("prefer-timestamp-tz", &["timestamp-without-time-zone"]),
    ("renaming-column", &["rename-column"]),
    ("renaming-object", &["rename-table"]),
    ("renaming-table", &["rename-table", "table-swap-leaves-dependents"]),
    ("require-concurrent-index-creation", &["blocking-index-creation"]),
    ("require-concurrent-index-deletion", &["blocking-index-drop"]),
    ("require-concurrent-partition-detach", &["blocking-partition-detach"]),
    ("require-concurrent-reindex", &["blocking-reindex"]),
    ("require-lock-timeout", &["missing-lock-timeout"]),
    ("require-timeout-settings", &["missing-lock-timeout"]),
    ("transaction-nesting", &["transaction-imbalance"]),
];

/// Eugene's hint codes.
pub const EUGENE: &[(&str, &[&str])] = &[
    (
        "E1",
        &[
            "check-without-not-valid",
            "foreign-key-without-not-valid",
            "validate-in-same-transaction",
            "domain-constraint-scan",
        ],
    ),
    ("E2", &["set-not-null-scan"]),
    ("E4", &["locks-held-together", "backfill-in-ddl-transaction", "validate-in-same-transaction"]),
    ("E5", &["column-type-rewrite", "column-type-index-rebuild", "column-type-recheck"]),
    ("E6", &["blocking-index-creation"]),
    ("E7", &["blocking-unique-constraint", "blocking-primary-key"]),
    ("E8", &["blocking-exclusion-constraint"]),
    ("E9", &["missing-lock-timeout", "set-local-outside-transaction"]),
    ("E10", &["add-column-rewrite", "column-type-rewrite", "table-rewrite"]),
    ("E11", &["add-column-rewrite"]),
    ("W14", &["blocking-primary-key"]),
    ("E15", &["foreign-key-without-index"]),
];

/// Atlas's check codes and analyzers.
pub const ATLAS: &[(&str, &[&str])] = &[
    ("destructive", &["drop-table", "drop-column", "drop-view", "drop-cascade", "truncate-table"]),
    ("DS101", &["drop-cascade"]),
    ("DS102", &["drop-table", "drop-partition-locks-parent", "drop-cascade"]),
    ("DS103", &["drop-column"]),
    // MF101, MF102 and MF104 say that a unique index or NOT NULL may meet rows that do not fit: who accepts that has said
    // nothing about locks.
    ("data_depend", &["add-column-not-null-without-default"]),
    ("MF103", &["add-column-not-null-without-default"]),
    ("incompatible", &["rename-table", "rename-column", "table-swap-leaves-dependents"]),
    ("BC101", &["rename-table", "table-swap-leaves-dependents"]),
    ("BC102", &["rename-column"]),
    ("concurrent_index", &["blocking-index-creation", "blocking-index-drop", "concurrently-in-transaction"]),
    ("PG101", &["blocking-index-creation"]),
    ("PG102", &["blocking-index-drop"]),
    ("PG103", &["concurrently-in-transaction"]),
    ("PG104", &["blocking-primary-key"]),
    ("PG105", &["blocking-unique-constraint"]),
    ("PG301", &["column-type-rewrite", "column-type-index-rebuild", "column-type-recheck"]),
    ("PG302", &["add-column-rewrite"]),
    ("PG303", &["set-not-null-scan"]),
    ("PG304", &["blocking-primary-key"]),
    ("PG305", &["check-without-not-valid"]),
    ("PG306", &["foreign-key-without-not-valid"]),
];

/// The rules that a code of a table stands for.
#[must_use]
pub fn rules(table: &'static [(&str, &[&str])], code: &str) -> &'static [&'static str] {
    table.iter().find(|(name, _)| name.eq_ignore_ascii_case(code)).map_or(&[], |(_, rules)| rules)
}

#[cfg(test)]
mod tests {
    use super::{ATLAS, EUGENE, SQUAWK, rules};

    #[test]
    fn every_alias_names_a_rule() {
        for (code, names) in [SQUAWK, EUGENE, ATLAS].concat() {
            for name in names {
                assert!(crate::find(name).is_some(), "{code} maps to {name}");
            }
        }
    }

    #[test]
    fn case_does_not_matter() {
        assert_eq!(rules(EUGENE, "e6"), ["blocking-index-creation"]);
        assert!(rules(SQUAWK, "prefer-robust-stmts").is_empty());
    }
}
