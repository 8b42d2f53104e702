//! A batch loop that never commits.

use model::effect::OperationKind;
use syntax::ast::StatementKind;

use crate::facts::{body, is_busy};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "backfill-loop-without-commit",
        level: Level::Warning,
        group: Group::Data,
        docs: r#"
Batches in a loop that does not commit are one large transaction.

### What it does
Reports a loop in a DO block that changes rows of a table that was there before and does not COMMIT in between.

### Why it hurts
Every row that a batch has changed stays locked until the whole block ends, as if it were one statement.

### Way out
COMMIT after each batch. That works only outside a transaction, so the migration tool must not open one.

### When to allow it
The loop makes few rounds.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, state text);
```
```sql
DO $$
BEGIN
  LOOP
    UPDATE users SET state = 'new' WHERE id IN (SELECT id FROM users WHERE state IS NULL LIMIT 1000);
    EXIT WHEN NOT FOUND;
  END LOOP;
END $$;
```
```sql ok
DO $$
BEGIN
  LOOP
    UPDATE users SET state = 'new' WHERE id IN (SELECT id FROM users WHERE state IS NULL LIMIT 1000);
    EXIT WHEN NOT FOUND;
    COMMIT;
  END LOOP;
END $$;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::Update, OperationKind::Delete]) {
        if !at.operation.in_loop {
            continue;
        }
        let busy =
            at.operation.effects.iter().any(|it| Some(&it.relation) == at.operation.relation.as_ref() && is_busy(it));
        let commits =
            body(&context.script.statements[at.statement].parsed.kind).is_none_or(|it| !it.commits.is_empty());
        // One round per row of something small, e.g. per schema, changes what it names by a value.
        let whole = match at.kind() {
            Some(StatementKind::Update(it)) => it.facts.limited_within,
            Some(StatementKind::Delete(it)) => it.facts.limited_within,
            _ => false,
        };
        if !busy || commits || !whole {
            continue;
        }
        let message = format!(
            "the loop never commits, so every row of {} that it has changed stays locked until it ends",
            at.name()
        );
        findings.push(at.finding(&RULE, message).note("Commit after each batch, outside any transaction"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY, state text);";

    #[test]
    fn never() {
        check(
            GIVEN,
            expect![[r#"
                DO $$
                BEGIN
                  LOOP
                    DELETE FROM users WHERE id IN (SELECT id FROM users WHERE state = 'x' LIMIT 10);
                --  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-loop-without-commit
                    EXIT WHEN NOT FOUND;
                  END LOOP;
                END $$;
            "#]],
        );
    }

    #[test]
    fn after_each_batch() {
        check(
            GIVEN,
            expect![[r#"
            DO $$
            BEGIN
              LOOP
                DELETE FROM users WHERE id IN (SELECT id FROM users WHERE state = 'x' LIMIT 10);
                EXIT WHEN NOT FOUND;
                COMMIT;
              END LOOP;
            END $$;
        "#]],
        );
    }

    #[test]
    fn committing_in_the_runners_transaction_fails() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                DO $$
                BEGIN
                  LOOP
                    DELETE FROM users WHERE id IN (SELECT id FROM users WHERE state = 'x' LIMIT 10);
                    EXIT WHEN NOT FOUND;
                    COMMIT;
                --  ^^^^^^ statement-refuses-transaction
                  END LOOP;
                END $$;
            "#]],
        );
    }

    #[test]
    fn one_row_per_round() {
        check(
            GIVEN,
            expect![[r#"
            DO $$
            DECLARE r record;
            BEGIN
              FOR r IN SELECT id FROM users LOOP
                UPDATE users SET state = 'x' WHERE id = r.id;
              END LOOP;
            END $$;
        "#]],
        );
    }

    #[test]
    fn outside_a_loop() {
        check(GIVEN, expect!["DO $$ BEGIN UPDATE users SET state = 'x' WHERE id = 1; END $$;"]);
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE t (id bigint);
            DO $$
            BEGIN
              LOOP
                DELETE FROM t WHERE id IN (SELECT id FROM t LIMIT 10);
                EXIT WHEN NOT FOUND;
              END LOOP;
            END $$;
        "#]],
        );
    }
}
