//! A NOT VALID constraint that no migration validates.

use model::effect::OperationKind;
use model::schema::ConstraintKind;

use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "not-valid-never-validated",
        level: Level::Warning,
        group: Group::Data,
        docs: r#"
A constraint that stays NOT VALID promises nothing about the rows that were there before.

### What it does
Reports a constraint added as NOT VALID to a table that was there before, when neither this migration nor a later one
validates or drops it. It needs to know the later migrations, so it is silent on a single file.

### Why it hurts
Old rows may violate it. The planner does not use it, SET NOT NULL takes no proof from it, and from PostgreSQL 18 on a NOT NULL
constraint that is NOT VALID stands in the way of a primary key.

### Way out
VALIDATE CONSTRAINT in a later migration: it lets reads and writes pass.

### When to allow it
The validation waits for a clean-up that is not written yet.

```sql given
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
```
```sql
ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0) NOT VALID;
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
    let Some(latest) = context.latest.filter(|_| context.section == Section::Up) else { return };
    let kinds =
        [OperationKind::AddCheck, OperationKind::AddForeignKey, OperationKind::SetNotNull, OperationKind::Other];
    for at in context.operations_among(kinds) {
        let (Some(relation), Some(constraint)) = (at.operation.relation.as_ref(), at.constraint()) else { continue };
        if !constraint.not_valid || constraint.not_enforced {
            continue;
        }
        // The catalog names it; an unnamed one is the first of its kind that was not there before.
        let before = at.relation();
        let added = latest.relations.get(relation).and_then(|after| {
            after.constraints.iter().find(|it| {
                let named = constraint.name.as_ref().is_none_or(|name| *name.text == *it.name);
                let new = || before.is_none_or(|before| before.constraint(&it.name).is_none());
                // A walk over all constraints for each of them is left to the few that fit.
                named && !it.validated && same_kind(&it.kind, &constraint.kind) && new()
            })
        });
        let Some(added) = added else { continue };
        let message = format!("{} stays NOT VALID: no migration validates it", added.name);
        findings.push(
            at.finding(&RULE, message).note("Validate it in a later migration, which lets reads and writes pass"),
        );
    }
}

fn same_kind(model: &ConstraintKind, syntax: &syntax::ast::ConstraintKind) -> bool {
    use syntax::ast::ConstraintKind as Syntax;
    matches!(
        (model, syntax),
        (ConstraintKind::Check { .. }, Syntax::Check(_))
            | (ConstraintKind::ForeignKey { .. }, Syntax::ForeignKey(_))
            | (ConstraintKind::NotNull { .. }, Syntax::NotNull { .. })
    )
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, latest, on};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total numeric);
    ";

    #[test]
    fn never() {
        latest().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT VALID;
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not-valid-never-validated
                ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not-valid-never-validated
            "#]],
        );
    }

    #[test]
    fn later() {
        latest().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT VALID;
            ALTER TABLE orders VALIDATE CONSTRAINT c;
        "#]],
        );
    }

    #[test]
    fn dropped_again() {
        latest().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT VALID;
            ALTER TABLE orders DROP CONSTRAINT c;
        "#]],
        );
    }

    #[test]
    fn what_comes_later_is_not_known() {
        check(GIVEN, expect!["ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT VALID;"]);
    }

    #[test]
    fn not_null_on_18() {
        on(18..=18).latest().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD CONSTRAINT n NOT NULL total NOT VALID;
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not-valid-never-validated
        "#]],
        );
    }

    #[test]
    fn not_enforced_cannot_be_validated() {
        on(18..=18)
            .latest()
            .check(GIVEN, expect!["ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT ENFORCED;"]);
    }
}
