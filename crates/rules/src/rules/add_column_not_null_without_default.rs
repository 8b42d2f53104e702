//! A NOT NULL column that existing rows have no value for.

use model::effect::FailsWhen;

use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "add-column-not-null-without-default",
        level: Level::Error,
        group: Group::Data,
        docs: r#"
Adding a NOT NULL column without a default fails as soon as the table has a row.

### What it does
Reports ADD COLUMN with NOT NULL and no default, on a table that was there before.

### Why it hurts
The rows that are there have no value for it: PostgreSQL refuses with SQLSTATE 23502. It works on an empty development
database and fails in production. Running application code that does not know the column fails to insert, too.

### Way out
Give it a constant default, which costs nothing, or add it without NOT NULL, fill the old rows in batches, and set NOT NULL
later without a long lock.

### When to allow it
The table is certainly empty.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
```
```sql
ALTER TABLE users ADD COLUMN name text NOT NULL;
```
```sql ok
ALTER TABLE users ADD COLUMN name text NOT NULL DEFAULT '';
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, _, judged, failure) in context.failures() {
        if failure.when != FailsWhen::NotEmpty || failure.sqlstate != "23502" || context.emptied(statement) {
            continue;
        }
        let operation = judged.operations.iter().position(|it| it.span.contains(failure.span));
        let message = format!("this fails as soon as the table has a row: {} ({})", failure.message, failure.sqlstate);
        let mut finding = context.finding(&RULE, statement, failure.span, message);
        finding.operations.extend(operation.map(|index| (statement, index)));
        findings.push(
            finding.note(
                "Give the column a constant default, or fill the old rows first and set NOT NULL in a later step",
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY);";

    #[test]
    fn without_default() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN a int, ADD COLUMN b text NOT NULL;
            --                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-not-null-without-default
        "#]],
        );
    }

    #[test]
    fn on_an_unknown_table() {
        check(
            "",
            expect![[r#"
            ALTER TABLE users ADD COLUMN b text NOT NULL;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-not-null-without-default
        "#]],
        );
    }

    #[test]
    fn after_all_rows_went() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                DELETE FROM users WHERE id > 7;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unbatched-backfill (warning)
                ALTER TABLE users ADD COLUMN a text NOT NULL;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-not-null-without-default
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^ lock-upgrade-in-transaction
                DELETE FROM users;
                --^^^^^^^^^^^^^^^ backfill-in-ddl-transaction
                ALTER TABLE users ADD COLUMN b text NOT NULL;
            "#]],
        );
    }

    #[test]
    fn with_default() {
        check(GIVEN, expect!["ALTER TABLE users ADD COLUMN a int NOT NULL DEFAULT 0;"]);
    }

    #[test]
    fn a_column_that_fills_itself() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN a serial NOT NULL;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
        "#]],
        );
    }

    #[test]
    fn null_as_default() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN a int NOT NULL DEFAULT NULL;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-not-null-without-default
        "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            CREATE TABLE posts (id bigint);
            ALTER TABLE posts ADD COLUMN title text NOT NULL;
        "#]],
        );
    }

    #[test]
    fn that_is_there_already() {
        check(GIVEN, expect!["ALTER TABLE users ADD COLUMN IF NOT EXISTS id bigint NOT NULL;"]);
    }
}
