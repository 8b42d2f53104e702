//! Old rows filled before new rows get a default.

use model::effect::OperationKind;
use model::proof::{self, Condition, Order};
use model::schema::{Born, ConstraintKind, Relation};
use syntax::ast::{AlterAction, Expr, StatementKind, Update};

use crate::facts::by_relation;
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
    let updates = by_relation(context.operations_on_others([OperationKind::Update]));
    for at in context.operations_on_others([OperationKind::Other]) {
        let Some(AlterAction::SetDefault { column, default }) = at.action() else { continue };
        // A column that had a default before loses nothing.
        let had = at.relation().is_some_and(|it| {
            it.born != Born::Before || it.column(&column.text).is_some_and(|it| it.default.is_some())
        });
        if had || default.expr == Expr::Null || at.relation().is_some_and(|it| refuses_null(it, &column.text)) {
            continue;
        }
        let updates = at.operation.relation.as_ref().and_then(|it| updates.get(it));
        let fill = updates.into_iter().flatten().find(|update| {
            let elsewhere = update.judged.transaction.id != at.judged.transaction.id;
            let sets = |it: &Update| it.assignments.iter().any(|it| it.column == column.text);
            elsewhere
                && update.statement < at.statement
                && matches!(update.kind(), Some(StatementKind::Update(it)) if sets(it))
        });
        let Some(fill) = fill else { continue };
        let message = format!("rows inserted after the backfill and before this default leave {} NULL", column.text);
        findings.push(
            at.finding(&RULE, message)
                .related(context.locate(fill.statement, fill.operation.span), "the old rows are filled here")
                .note("Set the default first, then fill the old rows"),
        );
    }
}

/// Inserts that leave the column out fail: it is NOT NULL, or a CHECK says so, which binds new rows also when it is NOT VALID.
fn refuses_null(relation: &Relation, column: &str) -> bool {
    let checks = relation.constraints.iter().filter_map(|it| match &it.kind {
        ConstraintKind::Check { expr, .. } => Some(proof::condition(expr)),
        _ => None,
    });
    let known: Vec<Condition> = checks.collect();
    relation.column(column).is_some_and(|it| it.not_null)
        || proof::implied(&known, &Condition::NotNull(column.to_owned()), &|_| Order::Unknown)
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
    fn a_column_that_takes_no_null() {
        check(
            "CREATE TABLE users (id bigint PRIMARY KEY, state text NOT NULL, kind text);
             ALTER TABLE users ADD CHECK (kind IS NOT NULL) NOT VALID;",
            expect![[r#"
                UPDATE users SET state = 'new' WHERE id = 1;
                ALTER TABLE users ALTER state SET DEFAULT 'new';
                UPDATE users SET kind = 'new' WHERE id = 1;
                ALTER TABLE users ALTER kind SET DEFAULT 'new';
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
