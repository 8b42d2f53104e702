//! A loop over rows that skips locked ones and stops when it finds none.

use model::effect::OperationKind;
use syntax::ast::{Lowered, StatementKind};

use crate::facts::{body, query};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "backfill-loop-skip-locked",
        level: Level::Warning,
        group: Group::Data,
        docs: r#"
A batch loop with SKIP LOCKED ends while rows that others hold are still to be done.

### What it does
Reports a loop in a DO block that changes rows chosen with FOR UPDATE SKIP LOCKED.

### Why it hurts
When the last rows are locked by somebody at that moment, the batch is empty, the loop ends, and these rows are never filled.
The NOT NULL or the validation that follows fails on them, or the application does.

### Way out
Walk through the primary key without SKIP LOCKED, so that a locked row is waited for, and check at the end that none is left.

### When to allow it
A check at the end starts the loop again.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, state text);
```
```sql
DO $$
BEGIN
  LOOP
    UPDATE users SET state = 'new'
    WHERE id IN (SELECT id FROM users WHERE state IS NULL LIMIT 1000 FOR UPDATE SKIP LOCKED);
    EXIT WHEN NOT FOUND;
    COMMIT;
  END LOOP;
END $$;
```
```sql ok
DO $$
BEGIN
  LOOP
    UPDATE users SET state = 'new'
    WHERE id IN (SELECT id FROM users WHERE state IS NULL ORDER BY id LIMIT 1000);
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
    for (statement, kind, judged) in context.statements() {
        let Some(body) = body(kind) else { continue };
        let skips = |it: &&Lowered| query(&it.kind).is_some_and(|it| it.reads.iter().any(|it| it.skip_locked));
        let Some(skipping) = body.statements.iter().filter(|it| it.in_loop).find(skips) else { continue };
        let changes = |it: &Lowered| matches!(it.kind, StatementKind::Update(_) | StatementKind::Delete(_));
        if !body.statements.iter().any(|it| it.in_loop && changes(it)) {
            continue;
        }
        let message = "rows that somebody holds at the end are skipped, and the loop ends without them".to_owned();
        let mut finding = context.finding(&RULE, statement, skipping.span, message);
        let changes = |kind| matches!(kind, OperationKind::Update | OperationKind::Delete);
        let indexes = (0..judged.operations.len()).filter(|&it| changes(judged.operations[it].kind));
        finding.operations = indexes.map(|index| (statement, index)).collect();
        findings.push(
            finding.note("Walk through the primary key without SKIP LOCKED, and check at the end that no row is left"),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::check;

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY, state text);";

    #[test]
    fn in_the_update() {
        check(
            GIVEN,
            expect![[r#"
                DO $$
                BEGIN
                  LOOP
                    UPDATE users SET state = 'x' WHERE id IN (
                --  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-loop-skip-locked
                      SELECT id FROM users WHERE state IS NULL LIMIT 10 FOR UPDATE SKIP LOCKED);
                    EXIT WHEN NOT FOUND;
                    COMMIT;
                  END LOOP;
                END $$;
            "#]],
        );
    }

    #[test]
    fn in_a_common_table_expression() {
        check(
            GIVEN,
            expect![[r#"
                DO $$
                DECLARE n int;
                BEGIN
                  LOOP
                    WITH batch AS (SELECT id FROM users WHERE state IS NULL LIMIT 10 FOR UPDATE SKIP LOCKED)
                --  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-loop-skip-locked
                    UPDATE users SET state = 'x' FROM batch WHERE users.id = batch.id;
                    GET DIAGNOSTICS n = ROW_COUNT;
                    EXIT WHEN n = 0;
                    COMMIT;
                  END LOOP;
                END $$;
            "#]],
        );
    }

    #[test]
    fn without_skip_locked() {
        check(
            GIVEN,
            expect![[r#"
            DO $$
            BEGIN
              LOOP
                UPDATE users SET state = 'x' WHERE id IN (SELECT id FROM users WHERE state IS NULL LIMIT 10 FOR UPDATE);
                EXIT WHEN NOT FOUND;
                COMMIT;
              END LOOP;
            END $$;
        "#]],
        );
    }

    #[test]
    fn outside_a_loop() {
        check(
            GIVEN,
            expect![[r#"
                UPDATE users SET state = 'x' WHERE id IN (SELECT id FROM users LIMIT 10 FOR UPDATE SKIP LOCKED);
            "#]],
        );
    }

    #[test]
    fn a_loop_that_only_reads() {
        check(
            GIVEN,
            expect![[r#"
            DO $$
            BEGIN
              FOR i IN 1..3 LOOP
                PERFORM id FROM users FOR UPDATE SKIP LOCKED;
              END LOOP;
            END $$;
        "#]],
        );
    }

    #[test]
    fn in_a_queue_function() {
        check(
            GIVEN,
            expect![[r#"
            CREATE FUNCTION take() RETURNS bigint LANGUAGE sql AS
              'SELECT id FROM users LIMIT 1 FOR UPDATE SKIP LOCKED';
        "#]],
        );
    }
}
