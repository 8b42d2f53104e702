//! Old rows filled before new rows get a default.

use model::effect::OperationKind;
use model::schema::Born;
use syntax::ast::{AlterAction, Expr, StatementKind};

use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "backfill-before-default",
        level: Level::Warning,
        group: Group::Data,
        docs: r#"
Rows inserted between a backfill and the default that follows it stay NULL.

### What it does
Reports an UPDATE that fills a column, when a later statement of the file, in another transaction, gives the column its
default.

### Why it hurts
What the application inserts in between has no value: the SET NOT NULL that follows fails, or the NULLs stay.

### Way out
Set the default first, then fill the old rows.

### When to allow it
Nothing inserts into the table in between.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, state text);
```
```sql
UPDATE users SET state = 'new' WHERE state IS NULL AND id BETWEEN 1 AND 5000;
ALTER TABLE users ALTER COLUMN state SET DEFAULT 'new';
```
```sql ok
ALTER TABLE users ALTER COLUMN state SET DEFAULT 'new';
UPDATE users SET state = 'new' WHERE state IS NULL AND id BETWEEN 1 AND 5000;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations() {
        let Some(AlterAction::SetDefault { column, default }) = at.action() else { continue };
        let relation = at.operation.relation.as_ref();
        // A column that had a default before loses nothing.
        let had = at.relation().is_some_and(|it| {
            it.born != Born::Before || it.column(&column.text).is_some_and(|it| it.default.is_some())
        });
        if had || default.expr == Expr::Null {
            continue;
        }
        let fills = |statement: &usize| {
            let judged = &context.trace.judged[*statement];
            let elsewhere = judged.transaction.id != at.judged.transaction.id;
            let target =
                judged.operations.iter().any(|it| it.kind == OperationKind::Update && it.relation.as_ref() == relation);
            let sets = match &context.script.statements[*statement].parsed.kind {
                StatementKind::Update(it) => it.assignments.iter().any(|it| it.column == column.text),
                _ => false,
            };
            elsewhere && target && sets
        };
        let Some(fill) = (0..at.statement).find(fills) else { continue };
        let message = format!("rows inserted after the backfill and before this default leave {} NULL", column.text);
        findings.push(
            at.finding(&RULE, message)
                .related(context.script.statements[fill].span, "the old rows are filled here")
                .note("Set the default first, then fill the old rows"),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY, state text, kind text DEFAULT 'a');";

    #[test]
    fn default_last() {
        check(
            GIVEN,
            expect![[r#"
                UPDATE users SET state = 'new' WHERE id = 1;
                ALTER TABLE users ALTER state SET DEFAULT 'new';
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ backfill-before-default
            "#]],
        );
    }

    #[test]
    fn default_first() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER state SET DEFAULT 'new';
            UPDATE users SET state = 'new' WHERE id = 1;
        "#]],
        );
    }

    #[test]
    fn in_one_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                UPDATE users SET state = 'new' WHERE id = 1;
                ALTER TABLE users ALTER state SET DEFAULT 'new';
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ lock-upgrade-in-transaction
            "#]],
        );
    }

    #[test]
    fn another_column() {
        check(
            GIVEN,
            expect![[r#"
            UPDATE users SET kind = 'b' WHERE id = 1;
            ALTER TABLE users ALTER state SET DEFAULT 'new';
        "#]],
        );
    }

    #[test]
    fn a_column_that_had_a_default() {
        check(
            GIVEN,
            expect![[r#"
            UPDATE users SET kind = 'b' WHERE id = 1;
            ALTER TABLE users ALTER kind SET DEFAULT 'b';
        "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE t (id bigint, state text);
            UPDATE t SET state = 'new' WHERE id = 1;
            ALTER TABLE t ALTER state SET DEFAULT 'new';
        "#]],
        );
    }
}
