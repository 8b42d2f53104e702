//! CONCURRENTLY inside a transaction.

use model::effect::FailsWhen;

use crate::facts::{is_concurrent, opener, outside_transaction};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "concurrently-in-transaction",
        level: Level::Error,
        group: Group::Transaction,
        docs: r#"
A CONCURRENTLY statement fails inside a transaction.

### What it does
Reports CREATE INDEX, DROP INDEX, REINDEX and DETACH PARTITION with CONCURRENTLY inside BEGIN and COMMIT, in a file that the
migration tool runs in a transaction, and in a message that holds several statements. When the tool is not known, it says so
as information.

### Why it hurts
PostgreSQL refuses with SQLSTATE 25001. Several statements sent in one message form a transaction even without BEGIN.

### Way out
Move it to a migration of its own and tell the tool to run that one without a transaction.

### When to allow it
The file is never run as it stands.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
```
```sql
BEGIN;
CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
COMMIT;
```
```sql ok
CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, kind, judged, failure) in context.failures() {
        if failure.when != FailsWhen::Wrapped || !is_concurrent(kind) || judged.transaction.inside == Some(false) {
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

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email text);
        CREATE INDEX i ON users (email);
        CREATE TABLE events (id bigint) PARTITION BY RANGE (id);
        CREATE TABLE e1 PARTITION OF events FOR VALUES FROM (0) TO (9);
    ";

    #[test]
    fn each_form_in_the_runners_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                CREATE INDEX CONCURRENTLY j ON users (email);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ concurrently-in-transaction
                DROP INDEX CONCURRENTLY i;
                --^^^^^^^^^^^^^^^^^^^^^^^ concurrently-in-transaction
                REINDEX TABLE CONCURRENTLY users;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ concurrently-in-transaction
                ALTER TABLE events DETACH PARTITION e1 CONCURRENTLY;
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ concurrently-in-transaction
            "#]],
        );
    }

    #[test]
    fn in_a_block() {
        check(
            GIVEN,
            expect![[r#"
                BEGIN;
                CREATE INDEX CONCURRENTLY j ON users (email);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ concurrently-in-transaction
                COMMIT;
                CREATE INDEX CONCURRENTLY k ON users (email);
            "#]],
        );
    }

    #[test]
    fn in_one_message_with_another() {
        whole().check(
            GIVEN,
            expect![[r#"
                SELECT 1;
                CREATE INDEX CONCURRENTLY j ON users (email);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ concurrently-in-transaction
            "#]],
        );
    }

    #[test]
    fn alone_in_its_message() {
        whole().check(GIVEN, expect!["CREATE INDEX CONCURRENTLY j ON users (email);"]);
    }

    #[test]
    fn under_an_unknown_runner() {
        unknown().check(
            GIVEN,
            expect![[r#"
            CREATE INDEX CONCURRENTLY j ON users (email);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ concurrently-in-transaction (info)
        "#]],
        );
    }

    /// Whatever transaction the runner opened is over.
    #[test]
    fn after_commit_under_an_unknown_runner() {
        unknown().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN a int;
            COMMIT;
            CREATE INDEX CONCURRENTLY j ON users (email);
        "#]],
        );
    }

    #[test]
    fn after_the_files_own_commit() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN a int;
            COMMIT;
            CREATE INDEX CONCURRENTLY j ON users (email);
        "#]],
        );
    }

    #[test]
    fn after_rollback() {
        check(
            GIVEN,
            expect![[r#"
            BEGIN;
            ROLLBACK;
            CREATE INDEX CONCURRENTLY j ON users (email);
        "#]],
        );
    }

    #[test]
    fn refreshing_concurrently_is_allowed() {
        wrapped().check(
            "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE UNIQUE INDEX ON m (a);",
            expect!["REFRESH MATERIALIZED VIEW CONCURRENTLY m;"],
        );
    }
}
