//! A NOT VALID constraint added before the rows satisfy it.

use model::effect::OperationKind;
use model::schema::Born;
use syntax::ast::{ConstraintKind, Expr, StatementKind, Update};

use crate::facts::by_relation;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "not-valid-before-backfill",
        level: Level::Warning,
        group: Group::Data,
        docs: r#"
A NOT VALID constraint breaks every UPDATE of an old row that violates it.

### What it does
Reports a CHECK that a column IS NOT NULL, or a NOT NULL constraint, added as NOT VALID before a later statement of the file
fills that column.

### Why it hurts
NOT VALID spares old rows from being checked when the constraint is added, not when they are updated: until the backfill
reaches a row, the application cannot change even another column of it.

### Way out
Fill the old rows first, with a default in place for new ones, then add the constraint.

### When to allow it
Nothing updates the old rows in between.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, state text);
```
```sql
ALTER TABLE users ADD CONSTRAINT state_present CHECK (state IS NOT NULL) NOT VALID;
UPDATE users SET state = 'new' WHERE state IS NULL AND id BETWEEN 1 AND 5000;
```
```sql ok
UPDATE users SET state = 'new' WHERE state IS NULL AND id BETWEEN 1 AND 5000;
ALTER TABLE users ADD CONSTRAINT state_present CHECK (state IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT state_present;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let updates = by_relation(context.operations_on_others([OperationKind::Update]));
    for at in context.operations_on_others([OperationKind::AddCheck, OperationKind::SetNotNull]) {
        let Some(constraint) = at.constraint().filter(|it| it.not_valid) else { continue };
        let column = match &constraint.kind {
            ConstraintKind::NotNull { column: Some(column) } => column.text.as_str(),
            ConstraintKind::Check(check) => match not_null_column(&check.expr) {
                Some(column) => column,
                None => continue,
            },
            _ => continue,
        };
        if at.relation().is_some_and(|it| it.born != Born::Before) {
            continue;
        }
        let updates = at.operation.relation.as_ref().and_then(|it| updates.get(it));
        let filled = updates.into_iter().flatten().find(|later| {
            let sets = |it: &Update| it.assignments.iter().any(|it| it.column == column);
            later.statement > at.statement
                && later.judged.transaction.id != at.judged.transaction.id
                && matches!(later.kind(), Some(StatementKind::Update(it)) if sets(it))
        });
        let Some(filled) = filled else { continue };
        let place = context.locate(filled.statement, filled.operation.span);
        let message = format!("until {column} is filled, every UPDATE of a row where it is NULL fails");
        findings.push(
            at.finding(&RULE, message)
                .related(place, "it is filled only here")
                .note("Fill the old rows first, then add the constraint"),
        );
    }
}

/// `column IS NOT NULL`.
fn not_null_column(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::IsNull { operand, negated: true } => match &**operand {
            Expr::Column(parts) => parts.last().map(String::as_str),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on, wrapped};

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY, state text, kind text);";

    #[test]
    fn constraint_first() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD CONSTRAINT c CHECK (state IS NOT NULL) NOT VALID;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not-valid-before-backfill
                UPDATE users SET state = 'new' WHERE id = 1;
            "#]],
        );
    }

    #[test]
    fn backfill_first() {
        check(
            GIVEN,
            expect![[r#"
            UPDATE users SET state = 'new' WHERE id = 1;
            ALTER TABLE users ADD CONSTRAINT c CHECK (state IS NOT NULL) NOT VALID;
        "#]],
        );
    }

    #[test]
    fn another_column() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD CONSTRAINT c CHECK (state IS NOT NULL) NOT VALID;
            UPDATE users SET kind = 'new' WHERE id = 1;
        "#]],
        );
    }

    #[test]
    fn in_one_transaction_nobody_sees_it() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD CONSTRAINT c CHECK (state IS NOT NULL) NOT VALID;
            UPDATE users SET state = 'new' WHERE id = 1;
        "#]],
        );
    }

    #[test]
    fn not_null_on_18() {
        on(18..=18).check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD CONSTRAINT n NOT NULL state NOT VALID;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not-valid-before-backfill
                UPDATE users SET state = 'new' WHERE id = 1;
            "#]],
        );
    }

    #[test]
    fn in_a_loop_of_a_block() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD CONSTRAINT c CHECK (state IS NOT NULL) NOT VALID;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not-valid-before-backfill
                DO $$
                BEGIN
                  LOOP
                    UPDATE users SET state = 'x' WHERE id IN (SELECT id FROM users WHERE state IS NULL LIMIT 10);
                    EXIT WHEN NOT FOUND;
                    COMMIT;
                  END LOOP;
                END $$;
            "#]],
        );
    }
}
