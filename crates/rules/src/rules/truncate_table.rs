//! TRUNCATE of a table in use.

use model::effect::{OperationKind, blocks_reads};
use syntax::ast::StatementKind;

use crate::facts::{list, stops_others};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "truncate-table",
        level: Level::Warning,
        group: Group::Data,
        docs: r#"
TRUNCATE deletes every row and stops reads and writes of the table.

### What it does
Reports TRUNCATE of a table that was there before.

### Why it hurts
The rows are gone when it commits. It takes ACCESS EXCLUSIVE, and a transaction that took its snapshot earlier sees an empty
table.

### Way out
DELETE in batches where the table is in use.

### When to allow it
The rows are meant to go: say so with a directive.

```sql given
CREATE TABLE sessions (id bigint PRIMARY KEY);
```
```sql
TRUNCATE sessions;
```
```sql ok
CREATE TABLE staging (id bigint);
TRUNCATE staging;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    if context.section == Section::Down {
        return;
    }
    let mut last = None;
    for at in context.operations_on_others([OperationKind::Truncate]) {
        // One finding for a list of tables; CASCADE has a rule of its own.
        let cascade = matches!(at.kind(), Some(StatementKind::Truncate { cascade: true, .. }));
        if cascade || last == Some((at.statement, at.operation.span)) {
            continue;
        }
        last = Some((at.statement, at.operation.span));
        let effects =
            at.judged.effects.iter().filter(|it| it.on.is_none() && stops_others(it) && blocks_reads(it.lock));
        let tables = effects.map(|it| &it.relation).filter(|it| !context.drops_later(at.statement, it));
        let tables: Vec<_> = tables.collect();
        if tables.is_empty() {
            continue;
        }
        let tables = match &tables[..] {
            [first, second, third, rest @ ..] if rest.len() > 1 => {
                format!("{first}, {second}, {third} and {} more tables", rest.len())
            }
            all => list(all),
        };
        let message = format!("this deletes every row of {tables} and takes ACCESS EXCLUSIVE: reads and writes wait");
        findings.push(at.finding(&RULE, message).note("Acknowledge it with a directive if the rows are meant to go"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, wrapped};

    const GIVEN: &str = "CREATE TABLE sessions (id bigint PRIMARY KEY); CREATE TABLE logs (id bigint);";

    #[test]
    fn an_existing_table() {
        check(
            GIVEN,
            expect![[r#"
            TRUNCATE TABLE sessions;
            --^^^^^^^^^^^^^^^^^^^^^ truncate-table
        "#]],
        );
    }

    #[test]
    fn before_a_table_goes_too() {
        check(
            GIVEN,
            expect![[r#"
                TRUNCATE sessions;
                DROP TABLE sessions;
                --^^^^^^^^^^^^^^^^^ drop-table
            "#]],
        );
    }

    #[test]
    fn several() {
        check(
            GIVEN,
            expect![[r#"
                TRUNCATE sessions, ONLY logs RESTART IDENTITY;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ truncate-table
            "#]],
        );
    }

    #[test]
    fn an_unknown_table() {
        check(
            "",
            expect![[r#"
            TRUNCATE app.sessions;
            --^^^^^^^^^^^^^^^^^^^ truncate-table
        "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                CREATE TEMP TABLE t (a int); TRUNCATE t;
            "#]],
        );
    }

    #[test]
    fn cascade_is_worse() {
        check(
            GIVEN,
            expect![[r#"
            TRUNCATE sessions CASCADE;
            --^^^^^^^^^^^^^^^^^^^^^^^ truncate-cascade
        "#]],
        );
    }

    #[test]
    fn down() {
        on_down().check(GIVEN, expect!["TRUNCATE sessions;"]);
    }

    #[test]
    fn allowed() {
        check(
            GIVEN,
            expect![[r#"
            -- safestep: allow(truncate-table) sessions are made again on login
            TRUNCATE sessions;
        "#]],
        );
    }

    #[test]
    fn in_a_transaction_that_rolls_back() {
        check(
            "CREATE TABLE users (id bigint PRIMARY KEY, name text); CREATE TABLE posts (author bigint REFERENCES users);",
            expect![[r#"
                BEGIN; TRUNCATE posts; ALTER TABLE users DROP COLUMN name; UPDATE users SET id = id + 1; ROLLBACK;
                --                                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-in-ddl-transaction
                BEGIN; TRUNCATE posts; COMMIT;
                --     ^^^^^^^^^^^^^^ truncate-table
            "#]],
        );
    }

    #[test]
    fn a_temporary_table() {
        check(
            "",
            expect![[r#"
            DO $$ BEGIN
              LOOP
                CREATE TEMP TABLE IF NOT EXISTS batch (id bigint) ON COMMIT DROP;
                TRUNCATE batch;
              END LOOP;
            END $$;
        "#]],
        );
    }
}
