//! Statements that cannot run in a transaction, CONCURRENTLY aside.

use model::effect::FailsWhen;

use crate::facts::{is_concurrent, opener, outside_transaction};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "statement-refuses-transaction",
        level: Level::Error,
        group: Group::Transaction,
        docs: r#"
Some statements fail inside a transaction.

### What it does
Reports VACUUM, REINDEX of a schema or database, CREATE and DROP DATABASE, ALTER SYSTEM and the like inside a transaction,
whether the file, the migration tool or a message with several statements opens it; also a DO block or CALL that commits. When
the tool is not known, it says so as information.

### Why it hurts
PostgreSQL refuses with SQLSTATE 25001, and a COMMIT inside such a DO block with 2D000.

### Way out
Move it to a migration of its own and tell the tool to run that one without a transaction.

### When to allow it
The file is never run as it stands.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
```
```sql
BEGIN;
VACUUM users;
COMMIT;
```
```sql ok
VACUUM users;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, kind, judged, failure) in context.failures() {
        // A value of an enum that is used too early has a rule of its own.
        let other = is_concurrent(kind) || failure.sqlstate == "55P04";
        if failure.when != FailsWhen::Wrapped || other || judged.transaction.inside == Some(false) {
            continue;
        }
        let mut finding = context.finding(&RULE, statement, failure.span, String::new());
        finding.operations = (0..judged.operations.len()).map(|index| (statement, index)).collect();
        if judged.transaction.inside.is_none() {
            finding.level = Level::Info;
            finding.message = format!("this fails with {} if the file is run in a transaction", failure.sqlstate);
            findings.push(finding.note("Which tool runs the file is not known"));
            continue;
        }
        finding.message = format!("{} ({}){}", failure.message, failure.sqlstate, opener(context, judged));
        findings.push(finding.note(outside_transaction(context)));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, unknown, whole, wrapped};

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY, email text);";

    #[test]
    fn in_the_runners_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                VACUUM ANALYZE users;
                --^^^^^^^^^^^^^^^^^^ statement-refuses-transaction
                ALTER SYSTEM SET work_mem = '1GB';
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ statement-refuses-transaction
                CREATE DATABASE other;
                --^^^^^^^^^^^^^^^^^^^ statement-refuses-transaction
                REINDEX SCHEMA public;
                --^^^^^^^^^^^^^^^^^^^ statement-refuses-transaction
            "#]],
        );
    }

    #[test]
    fn in_a_block() {
        check(
            GIVEN,
            expect![[r#"
                BEGIN;
                VACUUM users;
                --^^^^^^^^^^ statement-refuses-transaction
                END;
            "#]],
        );
    }

    #[test]
    fn a_block_that_commits() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            DO $$ BEGIN COMMIT; END $$;
            --          ^^^^^^ statement-refuses-transaction
        "#]],
        );
    }

    #[test]
    fn a_block_that_commits_outside() {
        check(GIVEN, expect!["DO $$ BEGIN COMMIT; END $$;"]);
    }

    #[test]
    fn in_one_message() {
        whole().check(
            GIVEN,
            expect![[r#"
            SELECT 1; VACUUM users;
            --        ^^^^^^^^^^^^ statement-refuses-transaction
        "#]],
        );
    }

    #[test]
    fn outside() {
        check(GIVEN, expect!["VACUUM users; ALTER SYSTEM RESET work_mem;"]);
    }

    #[test]
    fn under_an_unknown_runner() {
        unknown().check(
            GIVEN,
            expect![[r#"
            VACUUM users;
            --^^^^^^^^^^ statement-refuses-transaction (info)
        "#]],
        );
    }

    #[test]
    fn analyze_may_run_anywhere() {
        wrapped().check(GIVEN, expect!["ANALYZE users;"]);
    }
}
