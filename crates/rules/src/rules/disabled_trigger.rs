//! Triggers switched off and not on again.

use model::effect::OperationKind;
use model::schema::Born;
use syntax::ast::{AlterAction, Ident};

use crate::facts::{At, by_relation};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "disabled-trigger",
        level: Level::Warning,
        group: Group::Data,
        docs: r#"
A disabled trigger leaves rows unchecked for everyone.

### What it does
Reports DISABLE TRIGGER on a table that was there before, unless the same transaction enables the trigger again.

### Why it hurts
It holds for all sessions, not only for the migration. ALL, unlike USER, covers the triggers that check foreign keys: rows
written meanwhile may point to nothing, and nobody checks them later. When the migration fails half-way, they stay disabled.

### Way out
Disable and enable in one transaction, so that nobody else writes in between, or let the trigger function return early for
the session of the migration.

### When to allow it
The trigger is about to be dropped.

```sql given
CREATE TABLE orders (id bigint PRIMARY KEY);
```
```sql
ALTER TABLE orders DISABLE TRIGGER ALL;
```
```sql ok
BEGIN;
ALTER TABLE orders DISABLE TRIGGER ALL;
ALTER TABLE orders ENABLE TRIGGER ALL;
COMMIT;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let enables = |at: &At| matches!(at.action(), Some(AlterAction::EnableTrigger { .. }));
    let enabling = by_relation(context.operations_on_others([OperationKind::Other]).filter(enables));
    for at in context.operations_on_others([OperationKind::Other]) {
        let Some(AlterAction::DisableTrigger { name, user }) = at.action() else { continue };
        if at.relation().is_some_and(|it| it.born != Born::Before) {
            continue;
        }
        let text = |it: &Option<Ident>| it.as_ref().map(|it| it.text.clone());
        let enabling = at.operation.relation.as_ref().and_then(|it| enabling.get(it));
        let enabled = enabling.into_iter().flatten().any(|later| {
            let Some(AlterAction::EnableTrigger { name: other, user: only }) = later.action() else { return false };
            // USER does not enable all that ALL disabled.
            let covers = if other.is_none() { name.is_some() || *user || !only } else { text(other) == text(name) };
            later.statement > at.statement && later.judged.transaction.id == at.judged.transaction.id && covers
        });
        if enabled {
            continue;
        }
        let message = match name {
            Some(name) => format!("trigger {} does not fire for anyone until it is enabled again", name.text),
            None if *user => {
                "no trigger fires for anyone until they are enabled again, except those that check foreign keys"
                    .to_owned()
            }
            None => {
                "no trigger fires for anyone until they are enabled again, those that check foreign keys among them"
                    .to_owned()
            }
        };
        findings.push(at.finding(&RULE, message).note("Disable and enable in one transaction"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, timeouts, wrapped};

    const GIVEN: &str = "
        CREATE TABLE orders (id bigint PRIMARY KEY);
        CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f();
    ";

    #[test]
    fn all() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders DISABLE TRIGGER ALL;
            --                 ^^^^^^^^^^^^^^^^^^^ disabled-trigger
        "#]],
        );
    }

    #[test]
    fn one() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders DISABLE TRIGGER t;
            --                 ^^^^^^^^^^^^^^^^^ disabled-trigger
        "#]],
        );
    }

    #[test]
    fn enabled_again_in_the_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders DISABLE TRIGGER t;
            INSERT INTO orders VALUES (1);
            ALTER TABLE orders ENABLE TRIGGER t;
        "#]],
        );
    }

    #[test]
    fn enabled_again_too_late() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE orders DISABLE TRIGGER USER;
                --                 ^^^^^^^^^^^^^^^^^^^^ disabled-trigger
                INSERT INTO orders VALUES (1);
                ALTER TABLE orders ENABLE TRIGGER USER;
            "#]],
        );
    }

    #[test]
    fn user_leaves_foreign_keys_checked() {
        let all = "BEGIN; ALTER TABLE orders DISABLE TRIGGER ALL; ALTER TABLE orders ENABLE TRIGGER USER; COMMIT;";
        timeouts().say(GIVEN, "ALTER TABLE orders DISABLE TRIGGER USER", expect![[r#"
            missing-lock-timeout: no lock_timeout is set: while this waits for SHARE ROW EXCLUSIVE on orders, writes wait behind it
              = Set lock_timeout to 2s before it, and try again when it runs out
            disabled-trigger: no trigger fires for anyone until they are enabled again, except those that check foreign keys
              = Disable and enable in one transaction
        "#]]);
        timeouts().say(GIVEN, all, expect![[r#"
            missing-lock-timeout: no lock_timeout is set: while this waits for SHARE ROW EXCLUSIVE on orders, writes wait behind it
              = Set lock_timeout to 2s before it, and try again when it runs out
            disabled-trigger: no trigger fires for anyone until they are enabled again, those that check foreign keys among them
              = Disable and enable in one transaction
        "#]]);
    }

    #[test]
    fn on_an_unknown_table() {
        check(
            "",
            expect![[r#"
            ALTER TABLE orders DISABLE TRIGGER audit;
            --                 ^^^^^^^^^^^^^^^^^^^^^ disabled-trigger
        "#]],
        );
    }

    #[test]
    fn on_a_table_born_in_the_file() {
        check(GIVEN, expect!["CREATE TABLE t (a int); ALTER TABLE t DISABLE TRIGGER ALL;"]);
    }
}
