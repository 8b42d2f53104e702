//! Many rows changed in one statement.

use crate::backfill::{BACKFILLS, Backfill, backfill, held_meanwhile};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "unbatched-backfill",
        level: Level::Error,
        group: Group::Data,
        docs: r#"
Changing all rows of a table in one statement keeps them locked until it ends.

### What it does
Reports UPDATE and DELETE on a table that was there before, unless a few rows are named by a key, a range with two ends or a
limit; and, as a warning, INSERT ... SELECT that copies one existing table into another. A condition that cannot be judged makes
it a warning too.

### Why it hurts
Each changed row stays locked until the whole statement commits, so writers wait for a time that grows with the table. One
large transaction also holds vacuum back, doubles the table and makes replicas lag.

### Way out
Walk through the table by its primary key in batches of some thousand rows, commit after each, and check at the end that none
is left.

### When to allow it
The table is small.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, name text, state text);
```
```sql
UPDATE users SET state = 'active';
```
```sql ok
UPDATE users SET state = 'active' WHERE id BETWEEN 1 AND 5000;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others(BACKFILLS) {
        let Some(Backfill { what, table, certain, locks_rows }) = backfill(&at) else { continue };
        // Under a lock on a whole table the greater harm is that lock.
        if !locks_rows || held_meanwhile(&at).is_some() {
            continue;
        }
        let end = if at.judged.transaction.inside == Some(true) { "the transaction ends" } else { "it ends" };
        let message = match (certain, what) {
            (_, "INSERT") => format!("the INSERT copies an unknown number of rows into {table} in one transaction"),
            (true, _) => format!("the {what} locks every row of {table} until {end}: writes to them wait"),
            (false, _) => format!("the {what} may lock many rows of {table} until {end}: writes to them wait"),
        };
        let mut finding = at.finding(&RULE, message);
        if !certain {
            finding.level = Level::Warning;
        }
        findings.push(finding.note("Change the rows in batches by primary key that commit one by one"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, name text, email text UNIQUE, state text, at date);
        CREATE TABLE archive (id bigint PRIMARY KEY, name text);
    ";

    #[test]
    fn all_rows() {
        check(
            GIVEN,
            expect![[r#"
                UPDATE users SET state = 'new'; DELETE FROM users;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unbatched-backfill
                --                              ^^^^^^^^^^^^^^^^^ unbatched-backfill
            "#]],
        );
    }

    #[test]
    fn a_table_that_a_branch_of_a_template_makes() {
        check(
            GIVEN,
            expect![[r#"
                {{if exists "old_users"}} SELECT 1; {{else}}
                --^^^^^^^^^^^^^^^^^^^^^^^ opaque-dynamic-sql
                CREATE TABLE IF NOT EXISTS app.old_users (id bigint, {{if .postgres}} at date {{end}});
                INSERT INTO app.old_users (id) SELECT id FROM users;
                {{end}}
            "#]],
        );
    }

    #[test]
    fn the_locks_stay() {
        let sql = "UPDATE users SET state = 'new'";
        wrapped().say(
            GIVEN,
            sql,
            expect![[r#"
            unbatched-backfill: the UPDATE locks every row of users until the transaction ends: writes to them wait
              = Change the rows in batches by primary key that commit one by one
        "#]],
        );
        check(
            GIVEN,
            expect![[r#"
            BEGIN; UPDATE users SET state = 'new'; COMMIT;
            --     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unbatched-backfill
        "#]],
        );
    }

    #[test]
    fn many_rows() {
        check(
            GIVEN,
            expect![[r#"
                UPDATE users SET state = 'new' WHERE state IS NULL;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unbatched-backfill (warning)
                DELETE FROM users WHERE at < '2020-01-01';
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unbatched-backfill (warning)
                UPDATE users SET state = 'new' WHERE state = 'old';
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unbatched-backfill (warning)
                UPDATE users SET name = a.name FROM archive a WHERE a.id = users.id;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unbatched-backfill (warning)
            "#]],
        );
    }

    #[test]
    fn few_rows() {
        check(
            GIVEN,
            expect![[r#"
                UPDATE users SET state = 'new' WHERE id = 1;
                UPDATE users SET state = 'new' WHERE email IN ('a', 'b') AND state IS NULL;
                UPDATE users SET state = 'new' WHERE id > 10 AND id <= 20;
                DELETE FROM users WHERE id IN (SELECT id FROM users WHERE state IS NULL LIMIT 1000);
            "#]],
        );
    }

    #[test]
    fn an_unknown_table_by_a_value() {
        check(
            "",
            expect![[r#"
                UPDATE settings SET value = '1' WHERE key = 'a';
                UPDATE settings SET value = '1' WHERE value IS NULL;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unbatched-backfill (warning)
            "#]],
        );
    }

    #[test]
    fn copies() {
        check(
            GIVEN,
            expect![[r#"
                INSERT INTO archive SELECT id, name FROM users;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unbatched-backfill (warning)
                INSERT INTO archive (id, name) SELECT 1, 'a' WHERE NOT EXISTS (SELECT 1 FROM archive);
                INSERT INTO archive VALUES (1, 'a'), (2, 'b');
            "#]],
        );
    }

    #[test]
    fn in_batches() {
        check(
            GIVEN,
            expect![[r#"
            DO $$
            DECLARE last bigint := 0; upto bigint;
            BEGIN
              LOOP
                SELECT max(id) INTO upto FROM (SELECT id FROM users WHERE id > last ORDER BY id LIMIT 1000) AS batch;
                EXIT WHEN upto IS NULL;
                UPDATE users SET state = 'new' WHERE id > last AND id <= upto;
                last := upto;
                COMMIT;
              END LOOP;
            END $$;
        "#]],
        );
    }

    #[test]
    fn tables_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                CREATE TABLE posts (id bigint, name text);
                INSERT INTO posts SELECT id, name FROM users;
                UPDATE posts SET id = id + 1;
                DELETE FROM posts;
            "#]],
        );
    }
}
