//! A constraint on a domain that tables use.

use model::effect::{OperationKind, lock_name};

use crate::facts::{is_long, list, table_of};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "domain-constraint-scan",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
A constraint on a domain stops writes to every table that uses the domain while their rows are checked.

### What it does
Reports ALTER DOMAIN with ADD CONSTRAINT, SET NOT NULL or VALIDATE CONSTRAINT, when a table that was there before has a
column of the domain.

### Why it hurts
Each of these tables is held in SHARE while it is read from end to end: INSERT, UPDATE and DELETE wait. NOT VALID avoids it
for adding, but VALIDATE takes the same lock, unlike with a table's constraint.

### Way out
Put a CHECK constraint on the tables instead: there it can be added as NOT VALID and validated while writes pass.

### When to allow it
The tables are small.

```sql given
CREATE DOMAIN email AS text;
CREATE TABLE users (id bigint PRIMARY KEY, email email);
```
```sql
ALTER DOMAIN email ADD CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
```
```sql ok
ALTER TABLE users ADD CONSTRAINT has_at CHECK (email LIKE '%@%') NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT has_at;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::DomainConstraint]) {
        let Some(effect) = at.long_blocking() else { continue };
        let mut tables: Vec<_> = at.operation.effects.iter().filter(|it| is_long(it)).map(table_of).collect();
        tables.dedup();
        let message = format!(
            "the domain's constraint holds {} on {}: writes wait while every row is checked",
            lock_name(effect.lock),
            list(&tables),
        );
        findings.push(
            at.with_held(at.finding(&RULE, message)).note(
                "Add a CHECK constraint to the tables as NOT VALID instead, and validate it in a later transaction",
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE DOMAIN email AS text;
        CREATE DOMAIN unused AS text;
        CREATE TABLE users (id bigint PRIMARY KEY, email email);
        CREATE TABLE invitations (to_email email);
    ";

    #[test]
    fn add() {
        check(
            GIVEN,
            expect![[r#"
            ALTER DOMAIN email ADD CONSTRAINT c CHECK (VALUE <> '');
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ domain-constraint-scan
        "#]],
        );
    }

    #[test]
    fn set_not_null() {
        check(
            GIVEN,
            expect![[r#"
            ALTER DOMAIN email SET NOT NULL;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ domain-constraint-scan
        "#]],
        );
    }

    #[test]
    fn validating_blocks_as_well() {
        check(
            GIVEN,
            expect![[r#"
                ALTER DOMAIN email ADD CONSTRAINT c CHECK (VALUE <> '') NOT VALID;
                ALTER DOMAIN email VALIDATE CONSTRAINT c;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ domain-constraint-scan
            "#]],
        );
    }

    #[test]
    fn a_domain_no_table_uses() {
        check(GIVEN, expect!["ALTER DOMAIN unused ADD CONSTRAINT c CHECK (VALUE <> '');"]);
    }

    #[test]
    fn dropping_checks_nothing() {
        check(GIVEN, expect!["ALTER DOMAIN email DROP NOT NULL;"]);
    }

    #[test]
    fn used_by_a_table_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            CREATE TABLE drafts (a unused);
            ALTER DOMAIN unused SET NOT NULL;
        "#]],
        );
    }
}
