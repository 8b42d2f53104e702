//! A CHECK constraint added and checked in one step.

use model::effect::OperationKind;

use crate::facts::{At, holds, list};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "check-without-not-valid",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Adding a CHECK constraint without NOT VALID stops reads and writes while every row is checked.

### What it does
Reports a CHECK constraint that is added to a table that was there before and checked in the same step, in ALTER TABLE or
inline with an added column; several of one ALTER TABLE at once.

### Why it hurts
The table is held in ACCESS EXCLUSIVE while it is read from end to end: even SELECT waits.

### Way out
Add it as NOT VALID, which only takes a moment, and VALIDATE it in a later transaction, which lets reads and writes pass.
While it is NOT VALID, an UPDATE of a row that violates it fails, so repair such rows first.

### When to allow it
The table is small.

```sql given
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
```
```sql
ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0);
```
```sql ok
ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT total_positive;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    // One ALTER TABLE checks all of its constraints in the same pass over the rows.
    let mut together: Vec<Vec<At>> = Vec::new();
    for at in context.operations_on_others([OperationKind::AddCheck]) {
        if at.long_blocking().is_none() {
            continue;
        }
        match together.last_mut() {
            Some(others) if is_alike(&others[0], &at) => others.push(at),
            _ => together.push(vec![at]),
        }
    }
    for all in together {
        let at = all[0];
        let Some(effect) = at.long_blocking() else { continue };
        let message = format!("adding {} {} while every row is checked", constraints(&all), holds(effect));
        let mut finding = at.with_held(at.finding(&RULE, message));
        finding.operations.extend(all[1..].iter().map(|it| (it.statement, it.index)));
        findings.push(finding.note(if at.operation.constraint.is_some() {
            "Add the column alone, then the constraint as NOT VALID, and validate it in a later transaction"
        } else {
            "Add it as NOT VALID and validate it in a later transaction"
        }));
    }
}

/// Both are subcommands of one statement, or both inline constraints of its columns.
fn is_alike(one: &At, other: &At) -> bool {
    let key = |it: &At| (it.statement, it.operation.constraint.is_some());
    !one.operation.lowered && key(one) == key(other) && one.operation.relation == other.operation.relation
}

fn constraints(all: &[At]) -> String {
    let names: Option<Vec<&str>> = all.iter().map(|it| Some(&*it.constraint()?.name.as_ref()?.text)).collect();
    match (all.len(), names) {
        (1, _) => "the CHECK constraint".to_owned(),
        (_, Some(names)) => format!("the CHECK constraints {}", list(&names)),
        (count, None) => format!("{count} CHECK constraints"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, external, on, wrapped};

    const GIVEN: &str = "
        CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
        CREATE TABLE events (id bigint) PARTITION BY RANGE (id);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (1000);
    ";

    #[test]
    fn one_step() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0), ADD CHECK (id > 0);
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ check-without-not-valid
        "#]],
        );
    }

    #[test]
    fn several_are_named() {
        external().say(
            GIVEN,
            "ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0), ADD CONSTRAINT d CHECK (id > 0)",
            expect![[r#"
                check-without-not-valid: adding the CHECK constraints c and d holds ACCESS EXCLUSIVE on orders: reads and writes wait while every row is checked
                  = Add it as NOT VALID and validate it in a later transaction
            "#]],
        );
        external().say(GIVEN, "ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0), ADD CHECK (id > 0)", expect![[r#"
            check-without-not-valid: adding 2 CHECK constraints holds ACCESS EXCLUSIVE on orders: reads and writes wait while every row is checked
              = Add it as NOT VALID and validate it in a later transaction
        "#]]);
    }

    #[test]
    fn two_steps() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT VALID;
            ALTER TABLE orders VALIDATE CONSTRAINT c;
        "#]],
        );
    }

    #[test]
    fn inline_with_a_new_column() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD COLUMN state text CHECK (state <> '');
            --                                       ^^^^^^^^^^^^^^^^^^^ check-without-not-valid
        "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE posts (id bigint CHECK (id > 0));
            ALTER TABLE posts ADD CHECK (id < 100);
        "#]],
        );
    }

    #[test]
    fn on_a_partitioned_table() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE events ADD CHECK (id > 0);
            --                 ^^^^^^^^^^^^^^^^^^ check-without-not-valid
        "#]],
        );
    }

    #[test]
    fn not_enforced_is_not_checked() {
        on(18..=18).check(GIVEN, expect!["ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT ENFORCED;"]);
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD CHECK (total > 0);
            --                 ^^^^^^^^^^^^^^^^^^^^^ check-without-not-valid
        "#]],
        );
    }

    #[test]
    fn a_foreign_table_is_not_scanned() {
        check(
            "CREATE FOREIGN TABLE f (id bigint) SERVER s;",
            expect![[r#"
                ALTER TABLE f ADD CHECK (id > 0);
            "#]],
        );
    }
}
