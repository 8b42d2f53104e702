//! DROP TABLE of a partition that is still attached.

use model::effect::{OperationKind, lock_name};
use model::name::QName;
use model::schema::Schema;
use syntax::ast::{PartitionBound, StatementKind};

use crate::facts::{outside_transaction, resolve, stops_others, table_of};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "drop-partition-locks-parent",
        level: Level::Warning,
        group: Group::Lock,
        docs: r#"
Dropping an attached partition stops reads and writes of the whole partitioned table.

### What it does
Reports DROP TABLE of a partition whose parent was there before.

### Why it hurts
It takes ACCESS EXCLUSIVE on the parent: it queues behind the longest running query, and every later query on any partition
queues behind it.

### Way out
DETACH PARTITION ... CONCURRENTLY first, outside a transaction, then drop the table. A parent with a default partition knows no
concurrent detach.

### When to allow it
The parent is hardly used, or a short lock_timeout with a retry is in place.

```sql given
CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
```
```sql
DROP TABLE events_2020;
```
```sql ok
ALTER TABLE events DETACH PARTITION events_2020 CONCURRENTLY;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_of(OperationKind::DropTable) {
        let Some(StatementKind::Drop(drop)) = at.kind() else { continue };
        let before = at.judged.before();
        let named: Vec<QName> = drop.names.iter().map(|it| resolve(at.judged, &it.name)).collect();
        let partitions = named.iter().filter_map(|name| {
            let (parent, _) = before.relations.get(name)?.partition_of.as_ref()?;
            let effect = at.operation.effects.iter().find(|it| it.relation == *parent && stops_others(it))?;
            (!named.contains(parent)).then_some((name, effect))
        });
        for (partition, effect) in partitions {
            let finding = at.finding(
                &RULE,
                format!(
                    "dropping partition {partition} takes {} on {}: reads and writes queue behind it while a query on the table runs",
                    lock_name(effect.lock),
                    table_of(effect),
                ),
            );
            findings.push(if has_default(before, &effect.relation) {
                finding.note("The default partition rules out a concurrent detach: keep the wait short with a lock_timeout")
            } else if at.judged.transaction.inside == Some(true) {
                finding
                    .note("Detach the partition concurrently first, which a transaction does not allow, then drop the table")
                    .note(outside_transaction(context))
            } else {
                finding.note("Detach the partition concurrently first, then drop the table")
            });
        }
    }
}

fn has_default(schema: &Schema, parent: &QName) -> bool {
    let children = schema.relations.get(parent).into_iter().flat_map(|it| &it.children);
    children
        .filter_map(|child| schema.relations.get(child))
        .any(|child| matches!(child.partition_of, Some((_, PartitionBound::Default))))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
        CREATE TABLE logs (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
        CREATE TABLE logs_rest PARTITION OF logs DEFAULT;
        CREATE TABLE plain (id bigint);
    ";

    #[test]
    fn an_attached_partition() {
        check(
            GIVEN,
            expect![[r#"
                DROP TABLE events_1;
                --^^^^^^^^^^^^^^^^^ drop-partition-locks-parent
                --^^^^^^^^^^^^^^^^^ drop-table
            "#]],
        );
    }

    #[test]
    fn beside_a_default_partition() {
        check(
            GIVEN,
            expect![[r#"
                DROP TABLE logs_1;
                --^^^^^^^^^^^^^^^ drop-partition-locks-parent
                --^^^^^^^^^^^^^^^ drop-table
            "#]],
        );
    }

    #[test]
    fn after_a_concurrent_detach() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY;
                DROP TABLE events_1;
                --^^^^^^^^^^^^^^^^^ drop-table
            "#]],
        );
    }

    #[test]
    fn a_plain_table() {
        check(
            GIVEN,
            expect![[r#"
            DROP TABLE plain;
            --^^^^^^^^^^^^^^ drop-table
        "#]],
        );
    }

    #[test]
    fn with_its_parent() {
        check(
            GIVEN,
            expect![[r#"
            DROP TABLE events;
            --^^^^^^^^^^^^^^^ drop-table
        "#]],
        );
    }

    #[test]
    fn born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
                CREATE TABLE visits (at date) PARTITION BY RANGE (at);
                CREATE TABLE visits_1 PARTITION OF visits DEFAULT;
                DROP TABLE visits_1;
            "#]],
        );
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                DROP TABLE IF EXISTS events_1;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^ drop-partition-locks-parent
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^ drop-table
            "#]],
        );
    }
}
