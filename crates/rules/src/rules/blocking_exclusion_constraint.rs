//! An exclusion constraint on a table in use.

use model::effect::OperationKind;

use crate::facts::holds;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "blocking-exclusion-constraint",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Adding an exclusion constraint stops reads and writes while its index is built.

### What it does
Reports an EXCLUDE constraint that is added to a table that was there before.

### Why it hurts
The table is held in ACCESS EXCLUSIVE until the index is built. Unlike a UNIQUE constraint it cannot be made from an index
built concurrently, and it knows no NOT VALID.

### Way out
There is no way without waiting on this table. Add it in a quiet hour under a lock_timeout, or create a new table with the
constraint and move the rows.

### When to allow it
The table is small, or the hour is quiet.

```sql given
CREATE TABLE bookings (room int, during tsrange);
```
```sql
ALTER TABLE bookings ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&);
```
```sql ok
CREATE TABLE reservations (room int, during tsrange, EXCLUDE USING gist (during WITH &&));
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::AddExclusion]) {
        let Some(effect) = at.long_blocking() else { continue };
        let message = format!("adding the exclusion constraint {} until its index is built", holds(effect));
        findings.push(at.with_held(at.finding(&RULE, message)).note(
            "No concurrent form exists: add it in a quiet hour, or move the rows to a new table that has the constraint",
        ));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "CREATE TABLE bookings (room int, during tsrange);";

    #[test]
    fn on_an_existing_table() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE bookings ADD EXCLUDE USING gist (during WITH &&);
            --                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-exclusion-constraint
        "#]],
        );
    }

    #[test]
    fn on_an_unknown_table() {
        check(
            "",
            expect![[r#"
            ALTER TABLE app.bookings ADD CONSTRAINT e EXCLUDE USING gist (during WITH &&);
            --                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-exclusion-constraint
        "#]],
        );
    }

    #[test]
    fn with_other_subcommands() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE bookings
                  ADD COLUMN note text,
                  ADD CONSTRAINT e EXCLUDE USING gist (during WITH &&) WHERE (room > 0);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-exclusion-constraint
            "#]],
        );
    }

    #[test]
    fn in_create_table() {
        check(GIVEN, expect!["CREATE TABLE other (during tsrange, EXCLUDE USING gist (during WITH &&));"]);
    }

    #[test]
    fn on_a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE other (during tsrange);
            ALTER TABLE other ADD EXCLUDE USING gist (during WITH &&);
        "#]],
        );
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE bookings ADD EXCLUDE USING gist (during WITH &&);
            --                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-exclusion-constraint
        "#]],
        );
    }
}
