//! SET LOCAL where no transaction is open.

use crate::{Context, Finding, Group, Level, Rule, RuleInfo};
use model::trace::Until;
use syntax::ast::StatementKind;

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "set-local-outside-transaction",
        level: Level::Warning,
        group: Group::Timeout,
        docs: r#"
SET LOCAL outside a transaction does nothing.

### What it does
Reports SET LOCAL where neither the file nor the migration tool has opened a transaction.

### Why it hurts
PostgreSQL answers with a warning that few read, and the setting, a lock_timeout for instance, is not in force for anything
that follows.

### Way out
SET without LOCAL, or BEGIN before it.

### When to allow it
Never.

```sql
SET LOCAL lock_timeout = '2s';
```
```sql ok
BEGIN;
SET LOCAL lock_timeout = '2s';
COMMIT;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, kind, judged) in context.statements() {
        let StatementKind::Set(set) = kind else { continue };
        let outside = judged.transaction.inside == Some(false) && judged.transaction.until == Until::Statement;
        if !set.local || !outside {
            continue;
        }
        let span = context.whole(statement);
        let message = format!("no transaction is open, so setting {} has no effect", set.name);
        findings.push(
            context.finding(&RULE, statement, span, message).note("Leave LOCAL out, or begin a transaction before it"),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{timeouts, unknown};

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY);";

    #[test]
    fn alone() {
        timeouts().check(
            GIVEN,
            expect![[r#"
                SET LOCAL lock_timeout = '2s';
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^ set-local-outside-transaction
                ALTER TABLE users ADD COLUMN a int;
            "#]],
        );
    }

    #[test]
    fn after_the_commit() {
        timeouts().check(
            GIVEN,
            expect![[r#"
                BEGIN;
                COMMIT;
                SET LOCAL lock_timeout = '2s';
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^ set-local-outside-transaction
            "#]],
        );
    }

    #[test]
    fn in_a_block() {
        timeouts().check(
            GIVEN,
            expect![[r#"
            BEGIN;
            SET LOCAL lock_timeout = '2s';
            ALTER TABLE users ADD COLUMN a int;
            COMMIT;
        "#]],
        );
    }

    #[test]
    fn in_the_runners_transaction() {
        timeouts()
            .wrapped()
            .check(GIVEN, expect!["SET LOCAL lock_timeout = '2s'; ALTER TABLE users ADD COLUMN a int;"]);
    }

    #[test]
    fn in_one_message() {
        timeouts().whole().check(GIVEN, expect!["SET LOCAL lock_timeout = '2s'; ALTER TABLE users ADD COLUMN a int;"]);
    }

    #[test]
    fn under_an_unknown_runner() {
        unknown()
            .timeouts()
            .check(GIVEN, expect!["SET LOCAL lock_timeout = '2s'; ALTER TABLE users ADD COLUMN a int;"]);
    }
}
