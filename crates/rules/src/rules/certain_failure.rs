//! A statement that PostgreSQL refuses.

use model::effect::FailsWhen;
use model::runner::{Messages, RunnerTransaction};

use crate::facts::majors_text;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "certain-failure",
        level: Level::Error,
        group: Group::Compatibility,
        docs: r#"
PostgreSQL refuses the statement for what the schema is.

### What it does
Reports a statement that certainly fails, for a reason that no other rule names: something depends on what it changes, the name
is taken, or the form is not supported. A table that no migration creates is taken for one that was there before. The code is
PostgreSQL's SQLSTATE.

### Why it hurts
The migration fails there. What ran before it stays, unless it is in one transaction.

### Way out
See the message.

### When to allow it
The migrations do not tell everything about the schema.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
CREATE INDEX a ON users (email);
CREATE INDEX b ON users (email, id);
```
```sql
DROP INDEX CONCURRENTLY a, b;
```
```sql ok
DROP INDEX CONCURRENTLY a;
DROP INDEX CONCURRENTLY b;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let range = (*context.trace.majors.start(), *context.trace.majors.end());
    for (statement, _, _, failure) in context.failures() {
        // Each of these has a rule of its own: an enum value that is used too early, syntax of a newer major, NOT NULL
        // without a value.
        let needs = &context.script.statements[statement].parsed.needs;
        let newer = failure.sqlstate == "42601" && needs.as_ref().is_some_and(|it| it.span == failure.span);
        if newer || ["55P04", "23502"].contains(&failure.sqlstate) {
            continue;
        }
        // Of the branches of a template all are judged, but one is run.
        if context.script.is_chosen(context.locate(statement, failure.span)) {
            continue;
        }
        // Nothing says that a file of plain SQL is run outside of a transaction.
        let runner = context.runner;
        let perhaps = failure.sqlstate == "25P01"
            && runner.transaction == RunnerTransaction::None
            && runner.messages == Messages::Each
            && !runner.opted_out;
        let when = match failure.when {
            FailsWhen::Always if perhaps => "this fails if no transaction is open",
            FailsWhen::Always => "this fails",
            FailsWhen::NotEmpty if context.emptied(statement) => continue,
            FailsWhen::NotEmpty if failure.sqlstate == "23505" => "this fails once the table has two rows",
            FailsWhen::NotEmpty => "this fails once the table has rows",
            FailsWhen::Wrapped => continue,
        };
        let message = format!("{when}: {} ({})", failure.message, failure.sqlstate);
        let mut finding = context.finding(&RULE, statement, failure.span, message);
        if perhaps {
            finding.level = Level::Warning;
        }
        if failure.majors != range {
            if !context.settings.majors_configured {
                finding.level = Level::Info;
            }
            finding = finding.note(format!("It fails on {}", majors_text(failure.majors)));
        }
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, complete, on, whole, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email text);
        CREATE VIEW emails AS SELECT email FROM users;
        CREATE TABLE events (id bigint) PARTITION BY RANGE (id);
        CREATE TABLE e1 PARTITION OF events FOR VALUES FROM (0) TO (9);
    ";

    #[test]
    fn a_column_that_a_view_reads() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER email TYPE varchar(10);
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ certain-failure
        "#]],
        );
    }

    /// 14 gives it another code.
    #[test]
    fn a_column_that_another_is_generated_from() {
        wrapped().say(
            "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED);",
            "ALTER TABLE t ALTER a TYPE bigint;",
            expect![[r#"
                certain-failure: this fails: cannot alter type of a column used by a generated column (0A000)
            "#]],
        );
    }

    #[test]
    fn a_concurrent_build_on_a_partitioned_table() {
        check(
            GIVEN,
            expect![[r#"
            CREATE INDEX CONCURRENTLY i ON events (id);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ certain-failure
        "#]],
        );
    }

    #[test]
    fn a_table_that_is_there_already() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE users (id bigint);
            --           ^^^^^ certain-failure
        "#]],
        );
    }

    #[test]
    fn a_column_that_is_there_already() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN email text;
            --                ^^^^^^^^^^^^^^^^^^^^^ certain-failure
        "#]],
        );
    }

    #[test]
    fn what_is_not_known_may_be_there() {
        check(
            "",
            expect![[r#"
                ALTER TABLE app.users DROP CONSTRAINT c; DROP INDEX CONCURRENTLY i;
            "#]],
        );
    }

    #[test]
    fn what_demands_a_transaction() {
        check(
            GIVEN,
            expect![[r#"
                LOCK TABLE users;
                --^^^^^^^^^^^^^^ certain-failure (warning)
            "#]],
        );
        whole().check(
            GIVEN,
            expect![[r#"
            LOCK TABLE users;
            --^^^^^^^^^^^^^^ certain-failure
        "#]],
        );
        wrapped().check(
            GIVEN,
            expect![[r#"
            SELECT 1; COMMIT; SAVEPOINT a;
            --                ^^^^^^^^^^^ certain-failure
        "#]],
        );
    }

    #[test]
    fn on_some_majors() {
        on(16..=18).check(
            GIVEN,
            expect![[r#"
            ALTER TABLE events ADD FOREIGN KEY (id) REFERENCES users NOT VALID;
            --                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ certain-failure
        "#]],
        );
    }

    #[test]
    fn what_no_migration_creates() {
        complete().check(GIVEN, expect!["ALTER TABLE nowhere ADD COLUMN a int;"]);
    }

    /// PostgreSQL 18 takes all of it.
    #[test]
    fn what_comes_again() {
        check(
            "",
            expect![[r#"
                CREATE TABLE a (x int, y int); CREATE STATISTICS s ON x, y FROM a; CREATE PUBLICATION p FOR TABLE a; DROP TABLE a;
                --                                                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ published-without-identity
                CREATE TABLE a (x int, y int); CREATE STATISTICS s ON x, y FROM a; ALTER PUBLICATION p ADD TABLE a;
                --                                                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ published-without-identity
                CREATE TABLE b (id int PRIMARY KEY, n int UNIQUE);
                ALTER TABLE b ADD COLUMN IF NOT EXISTS id int PRIMARY KEY, ADD COLUMN IF NOT EXISTS n int CONSTRAINT b_n_key UNIQUE;
                BEGIN; CREATE TEMP TABLE t (id int PRIMARY KEY) ON COMMIT DROP; COMMIT;
                BEGIN; CREATE TEMP TABLE t (id int PRIMARY KEY) ON COMMIT DROP; COMMIT;
                ALTER SEQUENCE IF EXISTS q RESTART; CREATE SEQUENCE q;
                ALTER VIEW IF EXISTS v RENAME TO w; CREATE VIEW w AS SELECT 1;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-table
                CREATE TABLE r (n int, CONSTRAINT later UNIQUE (n) DEFERRABLE, CONSTRAINT now UNIQUE (n));
                ALTER TABLE r DROP CONSTRAINT now;
                CREATE TABLE p1 (n int); CREATE TABLE p1_c1 () INHERITS (p1);
                ALTER TABLE p1 ADD CONSTRAINT c1 CHECK (n > 0); ALTER TABLE p1_c1 ADD CONSTRAINT c1 CHECK (n > 0);
            "#]],
        );
    }

    #[test]
    fn if_not_exists() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE IF NOT EXISTS users (id bigint); DROP TABLE IF EXISTS nothing;
            --                                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ drop-table
        "#]],
        );
    }
}
