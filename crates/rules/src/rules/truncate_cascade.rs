//! TRUNCATE ... CASCADE.

use model::effect::{OperationKind, blocks_reads};
use syntax::ast::StatementKind;

use crate::facts::{list, resolve, stops_others};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "truncate-cascade",
        level: Level::Error,
        group: Group::Data,
        docs: r#"
TRUNCATE with CASCADE deletes the rows of tables that the statement does not name.

### What it does
Reports TRUNCATE with CASCADE on a table that was there before.

### Why it hurts
Every table that references the named one by a foreign key loses all its rows, and so on from there, whether its rows point
to anything or not.

### Way out
Name every table that is to be emptied and leave CASCADE out: PostgreSQL refuses when one is missing.

### When to allow it
All tables that reference this one are meant to be emptied.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
```
```sql
TRUNCATE users CASCADE;
```
```sql ok
CREATE TABLE drafts (id bigint PRIMARY KEY);
TRUNCATE drafts CASCADE;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let mut last = None;
    for at in context.operations_on_others([OperationKind::Truncate]) {
        let Some(StatementKind::Truncate { relations, cascade: true, .. }) = at.kind() else { continue };
        if last == Some((at.statement, at.operation.span)) {
            continue;
        }
        last = Some((at.statement, at.operation.span));
        let named: Vec<_> = relations.iter().map(|it| resolve(at.judged, &it.name)).collect();
        let effects =
            at.judged.effects.iter().filter(|it| it.on.is_none() && stops_others(it) && blocks_reads(it.lock));
        let (named, others): (Vec<_>, Vec<_>) = effects.map(|it| &it.relation).partition(|it| named.contains(it));
        if named.is_empty() {
            continue;
        }
        // Partitions and children are emptied without CASCADE, too.
        let below: Vec<_> = named.iter().flat_map(|it| at.judged.before().descendants(it)).collect();
        let others: Vec<_> = others.into_iter().filter(|it| !below.contains(it)).collect();
        let message = if others.is_empty() {
            format!("CASCADE empties every table that references {} too", list(&named))
        } else {
            format!("CASCADE empties {} too, because of foreign keys to {}", list(&others), list(&named))
        };
        findings.push(at.finding(&RULE, message).note("Name the tables that are to be emptied and leave CASCADE out"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, timeouts, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
        CREATE TABLE items (id bigint PRIMARY KEY, order_id bigint REFERENCES orders);
    ";

    #[test]
    fn known_references() {
        check(
            GIVEN,
            expect![[r#"
            TRUNCATE users CASCADE;
            --^^^^^^^^^^^^^^^^^^^^ truncate-cascade
        "#]],
        );
    }

    #[test]
    fn some_of_them_named() {
        check(
            GIVEN,
            expect![[r#"
                TRUNCATE users, orders CASCADE;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^ truncate-cascade
            "#]],
        );
    }

    #[test]
    fn partitions_are_no_dependents() {
        let given = "
            CREATE TABLE days (id int PRIMARY KEY) PARTITION BY RANGE (id);
            CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (1) TO (2);
        ";
        let notes = "CREATE TABLE notes (id int PRIMARY KEY, day int REFERENCES days);";
        timeouts().say(given, "TRUNCATE days CASCADE", expect![[r#"
            missing-lock-timeout: no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on days_1, reads and writes wait behind it
              = Set lock_timeout to 2s before it, and try again when it runs out
            truncate-cascade: CASCADE empties every table that references days too
              = Name the tables that are to be emptied and leave CASCADE out
        "#]]);
        timeouts().say(&format!("{given}{notes}"), "TRUNCATE days CASCADE", expect![[r#"
            missing-lock-timeout: no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on notes, reads and writes wait behind it
              = Set lock_timeout to 2s before it, and try again when it runs out
            truncate-cascade: CASCADE empties notes too, because of foreign keys to days
              = Name the tables that are to be emptied and leave CASCADE out
        "#]]);
    }

    #[test]
    fn an_unknown_table() {
        check(
            "",
            expect![[r#"
            TRUNCATE TABLE users RESTART IDENTITY CASCADE;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ truncate-cascade
        "#]],
        );
    }

    #[test]
    fn without_cascade() {
        check(
            GIVEN,
            expect![[r#"
            TRUNCATE items;
            --^^^^^^^^^^^^ truncate-table
        "#]],
        );
    }

    #[test]
    fn without_cascade_a_reference_fails() {
        check(
            GIVEN,
            expect![[r#"
                TRUNCATE orders;
                --^^^^^^^^^^^^^ certain-failure
            "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                CREATE TABLE t (a int); TRUNCATE t CASCADE;
            "#]],
        );
    }
}
