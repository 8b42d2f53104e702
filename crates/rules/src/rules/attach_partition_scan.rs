//! ATTACH PARTITION that reads rows or builds indexes.

use model::effect::{OperationKind, Work};

use crate::facts::{holds, is_long};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "attach-partition-scan",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Attaching a partition stops reads and writes of it while every row is checked against the bound.

### What it does
Reports ATTACH PARTITION of a table that was there before without a valid CHECK constraint that proves the bound, without the
indexes or constraints that the parent demands, and next to a default partition that has to be searched.

### Why it hurts
The table that is attached, and the default partition, are held in ACCESS EXCLUSIVE while they are read from end to end or
an index is built.

### Way out
Beforehand, add a CHECK constraint that says the bound and that the key IS NOT NULL as NOT VALID, and validate it in a later
transaction; the same with the opposite on the default partition. Build matching indexes concurrently, and matching
constraints from them. Then attach, and drop the CHECK constraints.

### When to allow it
The table is small, or nothing uses it before it is attached.

```sql given
CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2020 (id bigint, at date NOT NULL);
```
```sql
ALTER TABLE events ATTACH PARTITION events_2020 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
```
```sql ok
ALTER TABLE events_2020 ADD CONSTRAINT bound CHECK (at IS NOT NULL AND at >= '2020-01-01' AND at < '2021-01-01') NOT VALID;
ALTER TABLE events_2020 VALIDATE CONSTRAINT bound;
ALTER TABLE events ATTACH PARTITION events_2020 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::AttachPartition]) {
        let Some(effect) = at.long_blocking() else { continue };
        let builds = at.operation.effects.iter().any(|it| is_long(it) && it.work == Work::Build);
        let message = format!(
            "attaching the partition {} {}",
            holds(effect),
            if builds { "until its indexes are built" } else { "while every row is checked" },
        );
        let is_default = at
            .judged
            .before()
            .relations
            .get(&effect.relation)
            .is_some_and(|it| matches!(it.partition_of, Some((_, syntax::ast::PartitionBound::Default))));
        findings.push(at.with_held(at.finding(&RULE, message)).note(if builds {
            "Build the indexes and constraints of the parent on the partition first, concurrently"
        } else if is_default {
            "Prove to the default partition that no such row is in it: a CHECK constraint added as NOT VALID and validated later"
        } else {
            "Prove the bound first: a CHECK constraint added as NOT VALID and validated in a later transaction"
        }));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE e1 (id bigint, at date NOT NULL);
        CREATE TABLE proven (id bigint NOT NULL, at date NOT NULL,
          CONSTRAINT bound CHECK (at IS NOT NULL AND at >= '2020-01-01' AND at < '2021-01-01'));
        CREATE TABLE keyed (id bigint, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE logs (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE logs_rest PARTITION OF logs DEFAULT;
    ";

    #[test]
    fn without_proof() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE events ATTACH PARTITION e1 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ attach-partition-scan
            "#]],
        );
    }

    #[test]
    fn with_a_valid_proof() {
        check(
            GIVEN,
            expect!["ALTER TABLE events ATTACH PARTITION proven FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');"],
        );
    }

    #[test]
    fn without_the_parents_index() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE keyed ATTACH PARTITION proven FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ attach-partition-scan
            "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE e2 (LIKE events INCLUDING ALL);
            ALTER TABLE events ATTACH PARTITION e2 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
        "#]],
        );
    }

    #[test]
    fn next_to_a_default_partition() {
        check(
            GIVEN,
            expect![[r#"
                CREATE TABLE l1 (LIKE logs INCLUDING ALL);
                ALTER TABLE logs ATTACH PARTITION l1 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
                --               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ attach-partition-scan
            "#]],
        );
    }

    #[test]
    fn an_unknown_table() {
        check(
            "",
            expect![[r#"
            ALTER TABLE p ATTACH PARTITION q FOR VALUES IN (1);
            --            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ attach-partition-scan
        "#]],
        );
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE events ATTACH PARTITION e1 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ attach-partition-scan
            "#]],
        );
    }
}
