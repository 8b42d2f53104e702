//! ALTER COLUMN TYPE that keeps the rows and checks constraints again.

use model::effect::{OperationKind, Work};
use syntax::ast::AlterAction;

use crate::facts::holds;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "column-type-recheck",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Changing a column's type reads every row again when a CHECK constraint mentions the column.

### What it does
Reports ALTER COLUMN TYPE on a table that was there before, when the rows keep their form but a valid constraint on the
column has to be checked again.

### Why it hurts
The table is held in ACCESS EXCLUSIVE while it is read from end to end: even SELECT waits.

### Way out
Drop the constraint, change the type, add the constraint as NOT VALID, and validate it in a later transaction. A constraint
that is NOT VALID is not checked again.

### When to allow it
The table is small.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50) CONSTRAINT email_filled CHECK (email <> ''));
```
```sql
ALTER TABLE users ALTER COLUMN email TYPE varchar(320);
```
```sql ok
ALTER TABLE users DROP CONSTRAINT email_filled;
ALTER TABLE users ADD CONSTRAINT email_filled CHECK (email <> '') NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT email_filled;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::AlterType]) {
        if at.does(Work::Rewrite) || at.does(Work::Build) {
            continue;
        }
        let (Some(effect), Some(AlterAction::AlterType { column, .. })) = (at.long_blocking(), at.action()) else {
            continue;
        };
        let message = format!(
            "changing the type of {}.{} {} while its constraints are checked on every row",
            at.name(),
            column.text,
            holds(effect),
        );
        let finding = at.with_held(at.finding(&RULE, message));
        findings.push(finding.note(
            "Drop the constraint, change the type, add the constraint as NOT VALID, and validate it in a later transaction",
        ));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::check;

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50) CHECK (email <> ''), name varchar(50), code varchar(5));
        ALTER TABLE users ADD CONSTRAINT pending CHECK (name <> '') NOT VALID;
    ";

    #[test]
    fn a_valid_constraint() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ALTER email TYPE varchar(100);
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-recheck
            "#]],
        );
    }

    #[test]
    fn a_constraint_that_is_not_valid() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER name TYPE varchar(100);
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cached-plan-change
        "#]],
        );
    }

    #[test]
    fn a_column_without_constraint() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER code TYPE varchar(100);
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cached-plan-change
        "#]],
        );
    }

    #[test]
    fn with_the_constraint_taken_off() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users DROP CONSTRAINT users_email_check;
                ALTER TABLE users ALTER email TYPE varchar(100);
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cached-plan-change
                ALTER TABLE users ADD CONSTRAINT users_email_check CHECK (email <> '') NOT VALID;
            "#]],
        );
    }

    #[test]
    fn a_rewrite_is_the_greater_cause() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ALTER email TYPE varchar(10);
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ narrowing-type-change (warning)
            "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            "",
            expect![[r#"
            CREATE TABLE drafts (title varchar(5) CHECK (title <> ''));
            ALTER TABLE drafts ALTER title TYPE text;
        "#]],
        );
    }
}
