//! REFRESH MATERIALIZED VIEW without CONCURRENTLY.

use model::effect::{OperationKind, blocks_reads};

use crate::facts::{holds, is_busy};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "blocking-refresh",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Refreshing a materialized view without CONCURRENTLY stops reads of it until its query is done.

### What it does
Reports REFRESH MATERIALIZED VIEW without CONCURRENTLY on a view that was there before.

### Why it hurts
The view is held in ACCESS EXCLUSIVE while its query runs: every SELECT from it waits.

### Way out
REFRESH ... CONCURRENTLY, which needs a unique index on plain columns and a view that is populated. It may run in a
transaction.

### When to allow it
Nobody reads the view while the migration runs, or its query is quick.

```sql given
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
CREATE MATERIALIZED VIEW totals AS SELECT id, total FROM orders;
CREATE UNIQUE INDEX totals_id_idx ON totals (id);
```
```sql
REFRESH MATERIALIZED VIEW totals;
```
```sql ok
REFRESH MATERIALIZED VIEW CONCURRENTLY totals;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::RefreshMaterializedView]) {
        let view = at.operation.effects.iter().find(|it| Some(&it.relation) == at.operation.relation.as_ref());
        let Some(effect) = view.filter(|it| is_busy(it) && blocks_reads(it.lock)) else { continue };
        let populated = at.relation().is_none_or(|it| it.populated);
        if !populated {
            continue;
        }
        let message =
            format!("refreshing {} until its query is done", holds(effect).replace("reads and writes", "reads"));
        let keyed = at.judged.before().indexes_of(&effect.relation).any(|index| {
            index.unique && index.predicate.is_none() && index.elements.iter().all(|it| it.column.is_some())
        });
        findings.push(at.with_held(at.finding(&RULE, message)).note(if keyed {
            "Refresh it concurrently"
        } else {
            "Give it a unique index on plain columns and refresh it concurrently"
        }));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
        CREATE MATERIALIZED VIEW totals AS SELECT id, total FROM orders;
        CREATE MATERIALIZED VIEW keyed AS SELECT id FROM orders;
        CREATE UNIQUE INDEX i ON keyed (id);
        CREATE MATERIALIZED VIEW blank AS SELECT id FROM orders WITH NO DATA;
    ";

    #[test]
    fn blocking() {
        check(
            GIVEN,
            expect![[r#"
            REFRESH MATERIALIZED VIEW totals; REFRESH MATERIALIZED VIEW keyed;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-refresh
            --                                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-refresh
        "#]],
        );
    }

    #[test]
    fn concurrently() {
        check(GIVEN, expect!["REFRESH MATERIALIZED VIEW CONCURRENTLY keyed;"]);
    }

    #[test]
    fn concurrently_in_a_transaction() {
        wrapped().check(GIVEN, expect!["REFRESH MATERIALIZED VIEW CONCURRENTLY keyed;"]);
    }

    #[test]
    fn concurrently_without_unique_index_fails() {
        check(
            GIVEN,
            expect![[r#"
            REFRESH MATERIALIZED VIEW CONCURRENTLY totals;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ certain-failure
        "#]],
        );
    }

    #[test]
    fn a_view_nobody_can_read_yet() {
        check(
            GIVEN,
            expect![[r#"
                REFRESH MATERIALIZED VIEW blank;
            "#]],
        );
    }

    #[test]
    fn an_unknown_view() {
        check(
            "",
            expect![[r#"
            REFRESH MATERIALIZED VIEW report.totals;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-refresh
        "#]],
        );
    }

    #[test]
    fn a_view_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
                CREATE MATERIALIZED VIEW fresh AS SELECT id FROM orders WITH NO DATA;
                REFRESH MATERIALIZED VIEW fresh;
            "#]],
        );
    }
}
