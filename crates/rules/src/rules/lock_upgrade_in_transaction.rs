//! ACCESS EXCLUSIVE after rows of the same table were written in the same transaction.

use std::collections::BTreeMap;

use model::effect::{OperationKind, blocks_reads};
use model::name::QName;

use crate::facts::stops_others;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "lock-upgrade-in-transaction",
        level: Level::Warning,
        group: Group::Lock,
        docs: r#"
Writing rows of a table and then altering it in one transaction invites a deadlock.

### What it does
Reports a statement that takes ACCESS EXCLUSIVE on a table that was there before, after an UPDATE or DELETE of its rows in the
same transaction.

### Why it hurts
The transaction holds row locks and asks for the whole table. An application session that waits for one of these rows holds
a lock on the table that the transaction waits for: PostgreSQL aborts one of them.

### Way out
Change the rows in a transaction of their own, before or after.

### When to allow it
Nothing else writes these rows.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, state text);
```
```sql
BEGIN;
UPDATE users SET state = 'new' WHERE id = 1;
ALTER TABLE users ADD COLUMN note text;
COMMIT;
```
```sql ok
UPDATE users SET state = 'new' WHERE id = 1;
ALTER TABLE users ADD COLUMN note text;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let mut transaction = 0;
    // The tables whose rows the transaction has written, each with the statement; `None` once reported.
    let mut written: BTreeMap<&QName, Option<usize>> = BTreeMap::new();
    for at in context.all_on_others() {
        if at.judged.transaction.id != transaction {
            transaction = at.judged.transaction.id;
            written.clear();
        }
        for effect in at.operation.effects.iter().filter(|it| stops_others(it) && blocks_reads(it.lock)) {
            let already = at.judged.held().get(&effect.relation).is_some_and(stops_others);
            let Some(slot) = written.get_mut(&effect.relation).filter(|_| !already) else { continue };
            let Some(by) = slot.take() else { continue };
            let message = format!(
                "the transaction has written rows of {0} and now asks for ACCESS EXCLUSIVE on it: a session that waits for one of these rows makes it a deadlock",
                effect.relation,
            );
            findings.push(
                at.finding(&RULE, message)
                    .related(context.script.statements[by].span, "the rows are written here")
                    .note("Write the rows in a transaction of their own"),
            );
        }
        if let OperationKind::Update | OperationKind::Delete | OperationKind::Merge = at.operation.kind
            && let Some(table) = &at.operation.relation
        {
            written.entry(table).or_insert(Some(at.statement));
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str =
        "CREATE TABLE users (id bigint PRIMARY KEY, state text); CREATE TABLE roles (id bigint PRIMARY KEY);";

    #[test]
    fn an_update_before() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                UPDATE users SET state = 'new' WHERE id = 1;
                ALTER TABLE users ADD COLUMN a int;
                --                ^^^^^^^^^^^^^^^^ lock-upgrade-in-transaction
                ALTER TABLE users ADD COLUMN b int;
            "#]],
        );
    }

    #[test]
    fn a_delete_before() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                DELETE FROM users WHERE id = 1;
                DROP TABLE users;
                --^^^^^^^^^^^^^^ drop-table
                --^^^^^^^^^^^^^^ lock-upgrade-in-transaction
            "#]],
        );
    }

    #[test]
    fn locked_before_it_writes() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN a int;
            UPDATE users SET a = 1 WHERE id = 1;
            ALTER TABLE users ALTER a SET DEFAULT 1;
        "#]],
        );
    }

    #[test]
    fn another_table() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            UPDATE roles SET id = 2 WHERE id = 1;
            ALTER TABLE users ADD COLUMN a int;
        "#]],
        );
    }

    #[test]
    fn statement_by_statement() {
        check(
            GIVEN,
            expect![[r#"
            UPDATE users SET state = 'new' WHERE id = 1;
            ALTER TABLE users ADD COLUMN a int;
        "#]],
        );
    }

    #[test]
    fn inserted_rows_are_nobody_elses() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            INSERT INTO users VALUES (1, 'new');
            ALTER TABLE users ADD COLUMN a int;
        "#]],
        );
    }
}
