//! VALIDATE CONSTRAINT while stronger locks are held.

use model::effect::{Effect, OperationKind, Work, lock_name};
use syntax::ast::AlterAction;

use crate::facts::{is_busy, stops_others, table_of, who_waits};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "validate-in-same-transaction",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Validating a constraint under the lock that added it gives up what NOT VALID was for.

### What it does
Reports VALIDATE CONSTRAINT on a table that was there before, when the same transaction, or the same ALTER TABLE, already holds a
lock that stops reads or writes.

### Why it hurts
VALIDATE itself lets reads and writes pass, but the stronger lock is kept until the transaction ends: everyone waits while
every row is checked, as if the constraint had been added in one step.

### Way out
Validate in a transaction of its own, after the one that added the constraint.

### When to allow it
The table is small.

```sql given
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
```
```sql
BEGIN;
ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT total_positive;
COMMIT;
```
```sql ok
BEGIN;
ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total > 0) NOT VALID;
COMMIT;
ALTER TABLE orders VALIDATE CONSTRAINT total_positive;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::ValidateConstraint]) {
        let scanned = at.operation.effects.iter().find(|it| is_busy(it) && it.work == Work::Scan);
        if scanned.is_none() {
            continue;
        }
        let here = at.judged.operations.iter().enumerate().filter(|(index, _)| *index != at.index);
        let here: Vec<&Effect> = here.flat_map(|(_, it)| &it.effects).filter(|it| stops_others(it)).collect();
        let held = at.judged.held().values().filter(|it| stops_others(it));
        let Some(strongest) = held.chain(here).max_by_key(|it| (it.lock, it.on.is_none())) else { continue };
        let constraint = match at.action() {
            Some(AlterAction::ValidateConstraint { name }) => name.text.as_str(),
            _ => "the constraint",
        };
        let message = format!(
            "validating {constraint} reads every row while {} is held on {}: {} wait",
            lock_name(strongest.lock),
            table_of(strongest),
            who_waits(strongest.lock),
        );
        let mut finding = at.finding(&RULE, message);
        if let Some(by) = context.taken_by(at.statement, strongest) {
            finding = finding.related(
                context.script.statements[by].span,
                "the lock is taken here and kept until the end of the transaction",
            );
        }
        findings.push(finding.note("Validate it in a transaction of its own, after this one"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, whole, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total numeric);
        ALTER TABLE orders ADD CONSTRAINT pending CHECK (total > 0) NOT VALID;
    ";

    #[test]
    fn in_a_block() {
        check(
            GIVEN,
            expect![[r#"
                BEGIN;
                ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT VALID;
                ALTER TABLE orders VALIDATE CONSTRAINT f;
                --                 ^^^^^^^^^^^^^^^^^^^^^ validate-in-same-transaction
                COMMIT;
            "#]],
        );
    }

    #[test]
    fn in_the_runners_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE orders ADD CONSTRAINT c CHECK (total < 10) NOT VALID;
                ALTER TABLE orders VALIDATE CONSTRAINT c;
                --                 ^^^^^^^^^^^^^^^^^^^^^ validate-in-same-transaction
            "#]],
        );
    }

    #[test]
    fn in_one_message() {
        whole().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE orders ADD CONSTRAINT c CHECK (total < 10) NOT VALID;
                ALTER TABLE orders VALIDATE CONSTRAINT c;
                --                 ^^^^^^^^^^^^^^^^^^^^^ validate-in-same-transaction
            "#]],
        );
    }

    #[test]
    fn in_one_statement() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders VALIDATE CONSTRAINT pending, ADD COLUMN note text;
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^ validate-in-same-transaction
        "#]],
        );
    }

    #[test]
    fn statement_by_statement() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD CONSTRAINT c CHECK (total < 10) NOT VALID;
            ALTER TABLE orders VALIDATE CONSTRAINT c;
        "#]],
        );
    }

    #[test]
    fn alone_in_the_runners_transaction() {
        wrapped().check(GIVEN, expect!["ALTER TABLE orders VALIDATE CONSTRAINT pending;"]);
    }

    #[test]
    fn while_another_table_is_locked() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN note text;
                ALTER TABLE orders VALIDATE CONSTRAINT pending;
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^ validate-in-same-transaction
            "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            CREATE TABLE posts (id bigint);
            ALTER TABLE posts ADD CONSTRAINT c CHECK (id > 0) NOT VALID;
            ALTER TABLE posts VALIDATE CONSTRAINT c;
        "#]],
        );
    }
}
