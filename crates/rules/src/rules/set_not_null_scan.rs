//! SET NOT NULL without a proof that spares the scan.

use model::effect::OperationKind;
use model::schema::{Constraint, ConstraintKind};
use syntax::ast::{AlterAction, Expr};

use crate::facts::{At, holds};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "set-not-null-scan",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Setting NOT NULL stops reads and writes while every row is checked.

### What it does
Reports SET NOT NULL on a column of a table that was there before, unless a valid CHECK constraint proves it.

### Why it hurts
The table is held in ACCESS EXCLUSIVE while it is read from end to end: even SELECT waits.

### Way out
Add a CHECK (column IS NOT NULL) constraint as NOT VALID, validate it in a later transaction, then SET NOT NULL, which takes
the valid constraint for a proof and reads nothing, and drop the constraint in a statement of its own. From PostgreSQL 18 on
a NOT NULL constraint can be added as NOT VALID and validated without the detour.

### When to allow it
The table is small.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
```
```sql
ALTER TABLE users ALTER COLUMN email SET NOT NULL;
```
```sql ok
ALTER TABLE users ADD CONSTRAINT email_present CHECK (email IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT email_present;
ALTER TABLE users ALTER COLUMN email SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT email_present;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::SetNotNull]) {
        let Some(effect) = at.long_blocking() else { continue };
        let message = format!("SET NOT NULL {} while every row is checked", holds(effect));
        let finding = at.with_held(at.finding(&RULE, message));
        let column = match at.action() {
            Some(AlterAction::SetNotNull { column }) => column.text.as_str(),
            _ => "",
        };
        let finding = match proof(&at, column) {
            Some(proof) if proof.validated && dropped_with_it(&at, &proof.name) => finding.note(format!(
                "{} would prove it, but it is dropped in the same statement: drop it in a second one",
                proof.name
            )),
            Some(proof) if !proof.validated => finding.note(format!(
                "{} would prove it once it is valid: validate it in an earlier transaction",
                proof.name
            )),
            _ => finding.note(
                "Add a CHECK constraint that the column IS NOT NULL as NOT VALID, validate it in a later transaction, then set NOT NULL",
            ),
        };
        // One statement reads the table once for all its columns.
        let same = |it: &&mut Finding| {
            it.statement == finding.statement && it.message == finding.message && it.notes == finding.notes
        };
        match findings.iter_mut().rev().find(same) {
            Some(first) => first.operations.extend(finding.operations),
            None => findings.push(finding),
        }
    }
}

/// A constraint that says the column is not null.
fn proof<'a>(at: &At<'a>, column: &str) -> Option<&'a Constraint> {
    at.relation()?.constraints.iter().find(|constraint| match &constraint.kind {
        ConstraintKind::Check { expr, .. } => implies_not_null(expr, column),
        ConstraintKind::NotNull { column: other } => **other == *column && !constraint.validated,
        _ => false,
    })
}

/// `column IS NOT NULL`, alone or in an AND (ConstraintImpliedByRelConstraint, tablecmds.c).
fn implies_not_null(expr: &Expr, column: &str) -> bool {
    match expr {
        Expr::And(all) => all.iter().any(|it| implies_not_null(it, column)),
        Expr::IsNull { operand, negated: true } => {
            matches!(&**operand, Expr::Column(parts) if parts.last().is_some_and(|it| it == column))
        }
        _ => false,
    }
}

fn dropped_with_it(at: &At, constraint: &str) -> bool {
    let drops =
        |action: &AlterAction| matches!(action, AlterAction::DropConstraint { name, .. } if name.text == constraint);
    at.alter_table().is_some_and(|alter| alter.subcommands.iter().any(|it| drops(&it.action)))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email text, name text, age int NOT NULL,
          CONSTRAINT named CHECK (name IS NOT NULL AND name <> ''));
        ALTER TABLE users ADD CONSTRAINT pending CHECK (email IS NOT NULL) NOT VALID;
        CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (minvalue) TO (maxvalue);
    ";

    #[test]
    fn without_proof() {
        check(
            "CREATE TABLE users (id bigint, email text CHECK (email <> ''));",
            expect![[r#"
                ALTER TABLE users ALTER email SET NOT NULL, ALTER id SET NOT NULL;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^ set-not-null-scan
            "#]],
        );
    }

    #[test]
    fn on_an_unknown_table() {
        check(
            "",
            expect![[r#"
            ALTER TABLE users ALTER email SET NOT NULL;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^ set-not-null-scan
        "#]],
        );
    }

    #[test]
    fn with_a_valid_proof() {
        check(GIVEN, expect!["ALTER TABLE users ALTER name SET NOT NULL;"]);
    }

    #[test]
    fn with_a_proof_that_is_not_valid() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER email SET NOT NULL;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^ set-not-null-scan
        "#]],
        );
    }

    #[test]
    fn with_a_proof_dropped_in_the_same_statement() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER name SET NOT NULL, DROP CONSTRAINT named;
            --                ^^^^^^^^^^^^^^^^^^^^^^^ set-not-null-scan
        "#]],
        );
    }

    #[test]
    fn with_a_proof_dropped_in_the_next_statement() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER name SET NOT NULL;
            ALTER TABLE users DROP CONSTRAINT named;
        "#]],
        );
    }

    #[test]
    fn a_not_null_constraint_pending_on_18() {
        on(18..=18).check(
            "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT t_a_not_null NOT NULL a NOT VALID;",
            expect![[r#"
                ALTER TABLE t ALTER a SET NOT NULL;
                --            ^^^^^^^^^^^^^^^^^^^^ set-not-null-scan
            "#]],
        );
    }

    #[test]
    fn already_not_null() {
        check(GIVEN, expect!["ALTER TABLE users ALTER age SET NOT NULL, ALTER id SET NOT NULL;"]);
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE posts (id bigint);
            ALTER TABLE posts ALTER id SET NOT NULL;
        "#]],
        );
    }

    #[test]
    fn a_column_added_with_a_default() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN active boolean DEFAULT true;
                ALTER TABLE users ALTER active SET NOT NULL;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^ set-not-null-scan
            "#]],
        );
    }

    #[test]
    fn on_a_partitioned_table() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE events ALTER id SET NOT NULL;
            --                 ^^^^^^^^^^^^^^^^^^^^^ set-not-null-scan
        "#]],
        );
    }
}
