//! Rows changed while the transaction keeps a table locked.

use model::effect::lock_name;

use crate::backfill::{BACKFILLS, Backfill, backfill, held_meanwhile, with_taken};
use crate::facts::{place, who_waits};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "backfill-in-ddl-transaction",
        level: Level::Error,
        group: Group::Transaction,
        docs: r#"
Changing many rows in the transaction that altered a table keeps the table locked all the while.

### What it does
Reports UPDATE, DELETE and INSERT ... SELECT over many rows in a transaction that already holds a lock that stops reads or
writes of a table that was there before.

### Why it hurts
The lock that ALTER TABLE needed for a moment is kept until the last row is changed: reads and writes wait for all of it.

### Way out
Commit after the ALTER TABLE, and change the rows in batches that commit one by one, outside any transaction.

### When to allow it
The table is small.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, name text);
```
```sql
BEGIN;
ALTER TABLE users ADD COLUMN display_name text;
UPDATE users SET display_name = name;
COMMIT;
```
```sql ok
ALTER TABLE users ADD COLUMN display_name text;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others(BACKFILLS) {
        let Some(Backfill { what, .. }) = backfill(&at) else { continue };
        let Some(held) = held_meanwhile(&at) else { continue };
        let message = format!(
            "the {what} runs while {} is held on {}: {} wait until the last row is changed",
            lock_name(held.lock),
            place(held),
            who_waits(held.lock),
        );
        let finding = with_taken(&at, held, at.finding(&RULE, message));
        findings.push(finding.note("Commit first, then change the rows in batches that commit one by one"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, whole, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE roles (id bigint PRIMARY KEY, name text);
    ";

    #[test]
    fn the_usual_chain() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a text;
                UPDATE users SET a = name;
                --^^^^^^^^^^^^^^^^^^^^^^^ backfill-in-ddl-transaction
                ALTER TABLE users ALTER a SET NOT NULL;
                --                ^^^^^^^^^^^^^^^^^^^^ set-not-null-scan
            "#]],
        );
    }

    #[test]
    fn while_another_table_is_locked() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a text;
                DELETE FROM roles WHERE name <> 'x';
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-in-ddl-transaction
            "#]],
        );
    }

    #[test]
    fn the_lock_that_is_named() {
        wrapped().say(
            GIVEN,
            "ALTER TABLE roles ADD COLUMN a text; ALTER TABLE users ADD COLUMN a text; UPDATE roles SET a = name;",
            expect![[r#"
                locks-held-together: ACCESS EXCLUSIVE is taken on users while roles is still locked: both wait until the transaction ends
                  = Change roles and users in transactions of their own
                  roles is locked since here: ALTER TABLE roles ADD COLUMN a text
                backfill-in-ddl-transaction: the UPDATE runs while ACCESS EXCLUSIVE is held on roles: reads and writes wait until the last row is changed
                  = Commit first, then change the rows in batches that commit one by one
                  the lock is taken here and kept until the end of the transaction: ALTER TABLE roles ADD COLUMN a text
            "#]],
        );
    }

    #[test]
    fn in_a_body() {
        check(
            GIVEN,
            expect![[r#"
                DO $$ BEGIN
                  ALTER TABLE users ADD COLUMN a text;
                  UPDATE users SET a = name;
                --^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-in-ddl-transaction
                END $$;
                DO $$ BEGIN
                  ALTER TABLE users ADD COLUMN b text;
                  COMMIT;
                  UPDATE users SET b = name;
                --^^^^^^^^^^^^^^^^^^^^^^^^^ unbatched-backfill
                END $$;
            "#]],
        );
    }

    #[test]
    fn copying_into_a_table_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a text;
                CREATE TABLE names (name text);
                INSERT INTO names SELECT name FROM roles;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-in-ddl-transaction
            "#]],
        );
    }

    #[test]
    fn a_limit_that_chooses_values_or_rows() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a text;
                UPDATE users SET a = (SELECT r.name FROM roles r ORDER BY r.id LIMIT 1);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-in-ddl-transaction
                UPDATE users SET a = (SELECT r.name FROM roles r LIMIT 1) WHERE id IN (SELECT id FROM users LIMIT 10);
            "#]],
        );
    }

    #[test]
    fn inside_another_statement() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a text;
                WITH x AS (UPDATE users SET a = name RETURNING 1) SELECT count(*) FROM x;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-in-ddl-transaction
                WITH x AS (DELETE FROM roles WHERE name <> 'x' RETURNING *) INSERT INTO users SELECT * FROM x;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-in-ddl-transaction
                WITH x AS (DELETE FROM roles WHERE id = 1 RETURNING *) INSERT INTO users SELECT * FROM x;
                WITH x AS (INSERT INTO roles VALUES (1, 'root') RETURNING id) UPDATE users SET a = '' WHERE id = 1;
                WITH x AS (INSERT INTO roles SELECT id, name FROM users RETURNING id) SELECT 1;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-in-ddl-transaction
            "#]],
        );
    }

    #[test]
    fn in_one_message() {
        whole().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a text;
                UPDATE users SET a = '';
                --^^^^^^^^^^^^^^^^^^^^^ backfill-in-ddl-transaction
            "#]],
        );
    }

    #[test]
    fn one_row() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN a text;
            UPDATE users SET a = 'root' WHERE id = 1;
            INSERT INTO roles VALUES (1, 'root');
        "#]],
        );
    }

    #[test]
    fn statement_by_statement_it_is_only_unbatched() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a text;
                UPDATE users SET a = name;
                --^^^^^^^^^^^^^^^^^^^^^^^ unbatched-backfill
            "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                CREATE TABLE posts (id bigint);
                ALTER TABLE posts ADD COLUMN a int;
                UPDATE posts SET a = 1;
            "#]],
        );
    }
}
