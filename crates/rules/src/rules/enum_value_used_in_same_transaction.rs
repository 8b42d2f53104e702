//! An enum value used in the transaction that added it.

use model::effect::FailsWhen;

use crate::facts::{majors_text, opener};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "enum-value-used-in-same-transaction",
        level: Level::Error,
        group: Group::Transaction,
        docs: r#"
A new enum value cannot be used before the transaction that added it commits.

### What it does
Reports a statement that uses a value that ALTER TYPE ... ADD VALUE added in the same transaction.

### Why it hurts
PostgreSQL refuses with SQLSTATE 55P04, "unsafe use of new value". It is allowed when the type itself was created in the same
transaction.

### Way out
Add the value in an earlier migration, or commit in between.

### When to allow it
The file is never run as it stands.

```sql given
CREATE TYPE state AS ENUM ('new');
CREATE TABLE jobs (id bigint PRIMARY KEY, state state);
```
```sql
BEGIN;
ALTER TYPE state ADD VALUE 'done';
ALTER TABLE jobs ALTER COLUMN state SET DEFAULT 'done';
COMMIT;
```
```sql ok
ALTER TYPE state ADD VALUE 'done';
ALTER TABLE jobs ALTER COLUMN state SET DEFAULT 'done';
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, _, judged, failure) in context.failures().filter(|(.., failure)| failure.sqlstate == "55P04") {
        if failure.when == FailsWhen::Wrapped && judged.transaction.inside == Some(false) {
            continue;
        }
        let message = format!("{} ({}){}", failure.message, failure.sqlstate, opener(context, judged));
        let mut finding = context.finding(&RULE, statement, failure.span, message);
        let range = (*context.trace.majors.start(), *context.trace.majors.end());
        if failure.majors != range {
            finding = finding.note(format!("It fails on {}", majors_text(failure.majors)));
        }
        finding.operations = (0..judged.operations.len()).map(|index| (statement, index)).collect();
        findings.push(finding.note("Add the value in a migration that commits before this one"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on, wrapped};

    const GIVEN: &str = "
        CREATE TYPE state AS ENUM ('new');
        CREATE TABLE jobs (id bigint PRIMARY KEY, state state);
    ";

    #[test]
    fn as_a_default() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TYPE state ADD VALUE 'done';
                ALTER TABLE jobs ALTER state SET DEFAULT 'done';
                --                                       ^^^^^^ enum-value-used-in-same-transaction
            "#]],
        );
    }

    #[test]
    fn in_data() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TYPE state ADD VALUE 'done' BEFORE 'new';
                UPDATE jobs SET state = 'done' WHERE id = 1;
                --                      ^^^^^^ enum-value-used-in-same-transaction
                INSERT INTO jobs VALUES (2, 'done');
            "#]],
        );
    }

    #[test]
    fn another_value() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TYPE state ADD VALUE 'done';
            UPDATE jobs SET state = 'new' WHERE id = 1;
        "#]],
        );
    }

    #[test]
    fn statement_by_statement() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TYPE state ADD VALUE 'done';
            UPDATE jobs SET state = 'done' WHERE id = 1;
        "#]],
        );
    }

    #[test]
    fn a_type_made_in_the_same_transaction() {
        on(17..=18).wrapped().check(
            GIVEN,
            expect![[r#"
            CREATE TYPE mood AS ENUM ('good');
            ALTER TYPE mood ADD VALUE 'bad';
            CREATE TABLE moods (mood mood DEFAULT 'bad');
        "#]],
        );
    }

    #[test]
    fn adding_alone_is_allowed() {
        wrapped().check(GIVEN, expect!["ALTER TYPE state ADD VALUE IF NOT EXISTS 'done';"]);
    }
}
