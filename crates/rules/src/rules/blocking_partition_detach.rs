//! DETACH PARTITION without CONCURRENTLY.

use model::effect::{OperationKind, lock_name};

use crate::facts::{holds, is_concurrent, outside_transaction, stops_others, table_of};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "blocking-partition-detach",
        level: Level::Warning,
        group: Group::Lock,
        docs: r#"
Detaching a partition without CONCURRENTLY stops reads and writes of the whole partitioned table.

### What it does
Reports DETACH PARTITION without CONCURRENTLY from a parent that was there before.

### Why it hurts
It takes ACCESS EXCLUSIVE on the parent: it queues behind the longest running query, and every later query on any partition
queues behind it. When foreign keys reference the parent, the tables that have them, the partition and the parent stay locked
while all rows are searched for one that points into the partition.

### Way out
DETACH PARTITION ... CONCURRENTLY, outside a transaction. When it is interrupted, finish it with FINALIZE. A parent with a
default partition knows no concurrent detach.

### When to allow it
The parent is hardly used, or a short lock_timeout with a retry is in place.

```sql given
CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
```
```sql
ALTER TABLE events DETACH PARTITION events_2020;
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
    for at in context.operations_on_others([OperationKind::DetachPartition]) {
        let parent = at.operation.effects.iter().find(|it| Some(&it.relation) == at.operation.relation.as_ref());
        let Some(effect) = parent.filter(|it| stops_others(it)) else { continue };
        if at.kind().is_some_and(is_concurrent) {
            continue;
        }
        let mut finding = match at.long_blocking() {
            Some(long) => at.with_held(at.finding(
                &RULE,
                format!("detaching the partition {} while the foreign keys to it are checked", holds(long)),
            )),
            None => at.finding(
                &RULE,
                format!(
                    "detaching the partition takes {} on {}: reads and writes queue behind it while a query on the table runs",
                    lock_name(effect.lock),
                    table_of(effect),
                ),
            ),
        };
        if at.long_blocking().is_some() {
            finding.level = Level::Error;
        }
        findings.push(if at.judged.transaction.inside == Some(true) {
            finding
                .note("Detach it concurrently, which a transaction does not allow")
                .note(outside_transaction(context))
        } else {
            finding.note("Detach it concurrently")
        });
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on, wrapped};

    const GIVEN: &str = "
        CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    ";

    #[test]
    fn blocking() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE events DETACH PARTITION events_1;
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-partition-detach
        "#]],
        );
    }

    #[test]
    fn with_foreign_keys_to_a_table_above() {
        let given = "
            CREATE TABLE events (id bigint PRIMARY KEY) PARTITION BY RANGE (id);
            CREATE TABLE e1 PARTITION OF events FOR VALUES FROM (0) TO (1000) PARTITION BY RANGE (id);
            CREATE TABLE e1a PARTITION OF e1 FOR VALUES FROM (0) TO (500);
            CREATE TABLE notes (event_id bigint REFERENCES events);
        ";
        on(14..=18).say(given, "ALTER TABLE e1 DETACH PARTITION e1a", expect![[r#"
            blocking-partition-detach: detaching the partition holds ACCESS EXCLUSIVE on notes: reads and writes wait while the foreign keys to it are checked
              = Detach it concurrently
        "#]]);
    }

    #[test]
    fn concurrently() {
        check(GIVEN, expect!["ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY;"]);
    }

    #[test]
    fn finalize() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE events DETACH PARTITION events_1 FINALIZE;
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ certain-failure
        "#]],
        );
    }

    #[test]
    fn of_an_unknown_parent() {
        check(
            "",
            expect![[r#"
            ALTER TABLE app.events DETACH PARTITION app.events_1;
            --                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-partition-detach
        "#]],
        );
    }

    #[test]
    fn of_a_parent_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE visits (at date) PARTITION BY RANGE (at);
            CREATE TABLE visits_1 PARTITION OF visits DEFAULT;
            ALTER TABLE visits DETACH PARTITION visits_1;
        "#]],
        );
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE events DETACH PARTITION events_1;
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-partition-detach
        "#]],
        );
    }
}
