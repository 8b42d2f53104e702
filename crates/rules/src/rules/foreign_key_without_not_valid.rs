//! A foreign key added and checked in one step.

use model::effect::OperationKind;
use model::name::QName;
use syntax::ast::{AlterAction, ConstraintKind};

use crate::facts::{list, majors_note, stops_others, table_of};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "foreign-key-without-not-valid",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Adding a foreign key without NOT VALID stops writes to both tables while every row is checked.

### What it does
Reports a foreign key that is added to a table that was there before and checked in the same step, in ALTER TABLE or inline
with a column that is added with a default; and ALTER CONSTRAINT ... ENFORCED, which PostgreSQL 18 knows.

### Why it hurts
Both tables are held in SHARE ROW EXCLUSIVE until all rows are looked up: INSERT, UPDATE and DELETE wait on either side.

### Way out
Add it as NOT VALID, which holds the locks for a moment only, and VALIDATE it in a later transaction, which lets reads and
writes pass.

Before PostgreSQL 18 a partitioned table takes no NOT VALID foreign key. Add it to each partition in two steps, then to
the parent, which adopts what is there.

### When to allow it
The table is small.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
```
```sql
ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id);
```
```sql ok
ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::AddForeignKey, OperationKind::Other]) {
        let enforced = matches!(at.action(), Some(AlterAction::AlterConstraint { enforced: Some(true), .. }));
        if at.operation.kind == OperationKind::Other && !enforced {
            continue;
        }
        let Some(long) = at.long_blocking() else { continue };
        let table = at.operation.relation.as_ref().unwrap_or(table_of(long));
        let mut both: Vec<&QName> = vec![table];
        both.extend(at.operation.effects.iter().filter(|it| stops_others(it)).map(table_of).filter(|it| *it != table));
        both.dedup();
        both.truncate(3);
        let holds = match at.stronger() {
            Some(_) => at.holds(long),
            None => format!("holds SHARE ROW EXCLUSIVE on {}: writes wait", list(&both)),
        };
        let verb = if enforced { "enforcing" } else { "adding" };
        let message = format!("{verb} the foreign key {holds} while every row of {table} is checked");
        let mut finding = at.with_held(at.finding(&RULE, message));
        finding.notes.extend(majors_note(at.judged));
        let inline = at.operation.constraint.is_some();
        let partitioned = at.relation().is_some_and(|it| it.partition_by.is_some());
        let referenced = match at.constraint().map(|it| &it.kind) {
            Some(ConstraintKind::ForeignKey(key)) => format!(" to {}", key.referenced.name),
            _ => String::new(),
        };
        findings.push(if enforced {
            finding.note("Drop it and add it anew as NOT VALID in one transaction, and validate it in a later one")
        } else if partitioned && *context.trace.majors.start() < 18 {
            finding.note(
                "Add the key to each partition as NOT VALID and validate it there, then to the parent, which adopts them",
            )
        } else if inline {
            finding.note(format!(
                "Add the column alone, then the key{referenced} as a table constraint NOT VALID, and validate it in a later transaction"
            ))
        } else {
            finding.note("Add it as NOT VALID and validate it in a later transaction")
        });
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, parent_id bigint);
        CREATE TABLE events (id bigint, user_id bigint) PARTITION BY RANGE (id);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (1000);
    ";

    #[test]
    fn under_a_stronger_lock() {
        let sql = "ALTER TABLE orders ADD COLUMN note text, ADD FOREIGN KEY (user_id) REFERENCES users";
        on(14..=18).say(GIVEN, sql, expect![[r#"
            foreign-key-without-not-valid: adding the foreign key runs while ACCESS EXCLUSIVE is held on orders: reads and writes wait while every row of orders is checked
              = Add it as NOT VALID and validate it in a later transaction
        "#]]);
        wrapped().say(
            GIVEN,
            "LOCK TABLE users; ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users",
            expect![[r#"
                foreign-key-without-not-valid: adding the foreign key runs while ACCESS EXCLUSIVE is held on users: reads and writes wait while every row of orders is checked
                  = Add it as NOT VALID and validate it in a later transaction
                  ACCESS EXCLUSIVE is held on users since here: LOCK TABLE users
            "#]],
        );
    }

    #[test]
    fn one_step() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE orders
                  ADD COLUMN note text,
                  ADD FOREIGN KEY (user_id) REFERENCES users;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ foreign-key-without-not-valid
            "#]],
        );
    }

    #[test]
    fn to_itself() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD FOREIGN KEY (parent_id) REFERENCES orders (id);
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ foreign-key-without-not-valid
        "#]],
        );
    }

    #[test]
    fn two_steps() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT VALID;
            ALTER TABLE orders VALIDATE CONSTRAINT f;
        "#]],
        );
    }

    #[test]
    fn enforced_later() {
        let given = "CREATE TABLE users (id bigint PRIMARY KEY);
            CREATE TABLE orders (user_id bigint CONSTRAINT f REFERENCES users NOT ENFORCED)";
        on(18..=18).say(given, "ALTER TABLE orders ALTER CONSTRAINT f ENFORCED", expect![[r#"
            foreign-key-without-not-valid: enforcing the foreign key holds SHARE ROW EXCLUSIVE on orders and users: writes wait while every row of orders is checked
              = Drop it and add it anew as NOT VALID in one transaction, and validate it in a later one
        "#]]);
        on(18..=18).say(given, "ALTER TABLE orders ALTER CONSTRAINT f DEFERRABLE", expect![[r#""#]]);
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE posts (id bigint, user_id bigint REFERENCES users);
            ALTER TABLE posts ADD FOREIGN KEY (id) REFERENCES orders;
        "#]],
        );
    }

    #[test]
    fn inline_with_a_new_column() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE orders ADD COLUMN a bigint REFERENCES users;
                ALTER TABLE orders ADD COLUMN b bigint DEFAULT 1 REFERENCES users;
                --                                               ^^^^^^^^^^^^^^^^ foreign-key-without-not-valid
            "#]],
        );
    }

    #[test]
    fn on_a_partitioned_table() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE events ADD FOREIGN KEY (user_id) REFERENCES users;
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ foreign-key-without-not-valid
        "#]],
        );
    }

    #[test]
    fn on_a_partitioned_table_from_18() {
        on(18..=18).check(
            GIVEN,
            expect!["ALTER TABLE events ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT VALID;"],
        );
    }

    #[test]
    fn on_a_partitioned_table_before_18_not_valid_fails() {
        on(14..=17).check(
            GIVEN,
            expect![[r#"
                ALTER TABLE events ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT VALID;
                --                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ certain-failure
            "#]],
        );
    }

    #[test]
    fn in_a_transaction_with_other_locks() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE orders ADD COLUMN note text;
                ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ foreign-key-without-not-valid
            "#]],
        );
    }
}
