//! CREATE TABLE ... PARTITION OF on a parent in use.

use model::effect::{OperationKind, lock_name};

use crate::facts::{is_long, stops_others, table_of};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "create-partition-locks-parent",
        level: Level::Warning,
        group: Group::Lock,
        docs: r#"
Creating a partition by PARTITION OF stops reads and writes of the whole partitioned table.

### What it does
Reports CREATE TABLE ... PARTITION OF a parent that was there before.

### Why it hurts
It takes ACCESS EXCLUSIVE on the parent: it queues behind the longest running query, and every later query on any partition
queues behind it. When the parent has a default partition, that one is read from end to end meanwhile, and the finding is an
error.

### Way out
Create the table by itself, LIKE the parent, then ATTACH it. That takes SHARE UPDATE EXCLUSIVE on the parent, which lets reads
and writes pass.

### When to allow it
The parent is hardly used, or a short lock_timeout with a retry is in place.

```sql given
CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
```
```sql
CREATE TABLE events_2030 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
```
```sql ok
CREATE TABLE events_2030 (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE events ATTACH PARTITION events_2030 FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::CreatePartition]) {
        let effects = &at.operation.effects;
        let Some(parent) = effects.iter().find(|it| it.on.is_none() && stops_others(it) && !is_long(it)) else {
            continue;
        };
        let (lock, name) = (lock_name(parent.lock), table_of(parent));
        let mut finding = match effects.iter().find(|it| is_long(it)) {
            Some(default) => at.finding(
                &RULE,
                format!(
                    "creating the partition holds {lock} on {name}: reads and writes wait while every row of {} is checked",
                    table_of(default)
                ),
            ),
            None => at.finding(
                &RULE,
                format!(
                    "creating the partition takes {lock} on {name}: reads and writes queue behind it while a query on the table runs"
                ),
            ),
        };
        if effects.iter().any(is_long) {
            finding.level = Level::Error;
        }
        findings.push(
            at.with_held(finding).note(
                "Create the table by itself like the parent, then attach it: reads and writes of the parent go on",
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE logs (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE logs_rest PARTITION OF logs DEFAULT;
    ";

    #[test]
    fn of_a_parent_made_in_the_file() {
        check(
            "",
            expect![[r#"
            CREATE TABLE IF NOT EXISTS made (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
            CREATE TABLE IF NOT EXISTS made_1 PARTITION OF made FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
        "#]],
        );
    }

    #[test]
    fn of_an_existing_parent() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE e1 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ create-partition-locks-parent
        "#]],
        );
    }

    #[test]
    fn of_a_parent_with_a_default_partition() {
        check(
            GIVEN,
            expect![[r#"
                CREATE TABLE l1 PARTITION OF logs FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ create-partition-locks-parent (error)
            "#]],
        );
    }

    #[test]
    fn of_an_unknown_parent() {
        check(
            "",
            expect![[r#"
            CREATE TABLE p1 PARTITION OF part.p FOR VALUES IN (1);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ create-partition-locks-parent
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
        "#]],
        );
    }

    #[test]
    fn by_attaching() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE e1 (LIKE events INCLUDING ALL);
            ALTER TABLE events ATTACH PARTITION e1 FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
        "#]],
        );
    }

    #[test]
    fn several_in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                CREATE TABLE e1 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ create-partition-locks-parent
                CREATE TABLE e2 PARTITION OF events FOR VALUES FROM ('2031-01-01') TO ('2032-01-01');
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ create-partition-locks-parent
            "#]],
        );
    }
}
