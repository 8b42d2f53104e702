//! A type change that only prepared statements notice.

use model::effect::{Breaks, OperationKind};
use syntax::ast::AlterAction;

use crate::facts::stops_others;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "cached-plan-change",
        level: Level::Info,
        group: Group::Compatibility,
        docs: r#"
Even a type change that touches no row makes prepared statements fail once.

### What it does
Reports ALTER COLUMN TYPE on a table that was there before, when it changes the catalogs only.

### Why it hurts
A prepared statement that returns the column answers "cached plan must not change result type", once per connection. Some
drivers prepare anew by themselves, others pass the error on. The column's statistics are gone until the next ANALYZE.

### Way out
Let the application reconnect after the migration, and ANALYZE the column.

### When to allow it
The driver prepares anew by itself, or no statement is prepared.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, name varchar(50));
```
```sql
ALTER TABLE users ALTER COLUMN name TYPE varchar(100);
```
```sql ok
ALTER TABLE users ALTER COLUMN name SET DEFAULT '';
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::AlterType]) {
        let Some(AlterAction::AlterType { column, .. }) = at.action() else { continue };
        let own = at.operation.effects.iter().find(|it| Some(&it.relation) == at.operation.relation.as_ref());
        let noticed = at.judged.breaks.iter().any(|it| matches!(it, Breaks::CachedPlans { .. }));
        // What takes long is another rule's finding.
        if !own.is_some_and(stops_others) || !noticed || at.judged.effects.iter().any(crate::facts::is_long) {
            continue;
        }
        let message =
            format!("prepared statements that return {}.{} fail once after the change", at.name(), column.text);
        findings.push(at.finding(&RULE, message).note("Let the application reconnect, and analyze the column"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY, name varchar(50), total numeric(10,2));";

    #[test]
    fn widening() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER name TYPE text;
            --                ^^^^^^^^^^^^^^^^^^^^ cached-plan-change
        "#]],
        );
    }

    #[test]
    fn more_digits() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER total TYPE numeric(12,2);
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cached-plan-change
        "#]],
        );
    }

    #[test]
    fn a_rewrite_is_the_greater_cause() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ALTER id TYPE text;
                --                ^^^^^^^^^^^^^^^^^^ column-type-rewrite
            "#]],
        );
    }

    #[test]
    fn adding_a_column() {
        check(GIVEN, expect!["ALTER TABLE users ADD COLUMN note text;"]);
    }

    #[test]
    fn setting_a_default() {
        check(GIVEN, expect!["ALTER TABLE users ALTER name SET DEFAULT '';"]);
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(GIVEN, expect!["CREATE TABLE t (a varchar(5)); ALTER TABLE t ALTER a TYPE text;"]);
    }
}
