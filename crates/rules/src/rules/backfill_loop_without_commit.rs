//! A batch loop that never commits.

use model::effect::{OperationKind, lock_name};

use crate::backfill::{held_meanwhile, with_taken};
use crate::facts::{body, is_busy, place, query, who_waits};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "backfill-loop-without-commit",
        level: Level::Error,
        group: Group::Data,
        docs: r#"
Batches in a loop that does not commit are one large transaction.

### What it does
Reports a loop in a DO block that changes rows of a table that was there before and does not COMMIT in between.

### Why it hurts
Every row that a batch has changed stays locked until the whole block ends, as if it were one statement. It is an error where
the transaction holds a lock on a whole table meanwhile.

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
        let whole = at.kind().and_then(query).is_some_and(|it| it.limited_within);
        if !busy || commits || !whole {
            continue;
        }
        let name = at.name();
        let finding = match held_meanwhile(&at) {
            Some(held) => {
                let message = format!(
                    "the loop over {name} never commits and runs while {} is held on {}: {} wait until it ends",
                    lock_name(held.lock),
                    place(held),
                    who_waits(held.lock),
                );
                with_taken(&at, held, at.finding(&RULE, message))
            }
            None => {
                let message = format!(
                    "the loop never commits, so every row of {name} that it has changed stays locked until it ends"
                );
                Finding { level: Level::Warning, ..at.finding(&RULE, message) }
            }
        };
        findings.push(finding.note("Commit after each batch, outside any transaction"));
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
                --  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-loop-without-commit (warning)
                    EXIT WHEN NOT FOUND;
                  END LOOP;
                END $$;
            "#]],
        );
    }

    #[test]
    fn under_a_lock() {
        let sql = "
            ALTER TABLE users ADD COLUMN a int;
            DO $$
            BEGIN
              LOOP
                WITH batch AS (SELECT id FROM users WHERE a IS NULL LIMIT 10), done AS (
                  UPDATE users u SET a = 1 FROM batch b WHERE b.id = u.id RETURNING u.id
                ) SELECT count(*) FROM done;
              END LOOP;
            END $$;";
        wrapped().say(GIVEN, sql, expect![[r#"
            backfill-loop-without-commit: the loop over users never commits and runs while ACCESS EXCLUSIVE is held on users: reads and writes wait until it ends
              = Commit after each batch, outside any transaction
              the lock is taken here and kept until the end of the transaction: ALTER TABLE users ADD COLUMN a int
        "#]]);
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
