//! DROP DEFAULT on a NOT NULL column.

use model::effect::OperationKind;
use syntax::ast::AlterAction;

use crate::facts::stops_others;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "dropped-default-breaks-inserts",
        level: Level::Warning,
        group: Group::Compatibility,
        docs: r#"
Without its default, a NOT NULL column breaks every INSERT that leaves it out.

### What it does
Reports DROP DEFAULT on a NOT NULL column of a table that was there before, and on one that the same file added.

### Why it hurts
Code of the release that runs while the migration does may not know the column, or may count on its default: its INSERTs
fail at once.

### Way out
Keep the default until all code that runs gives the column a value, then drop it in a later migration.

### When to allow it
All code that runs gives the column a value: say so with a directive.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
```
```sql
ALTER TABLE users ADD COLUMN state text NOT NULL DEFAULT 'new';
ALTER TABLE users ALTER COLUMN state DROP DEFAULT;
```
```sql ok
ALTER TABLE users ADD COLUMN state text NOT NULL DEFAULT 'new';
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
    for at in context.operations_on_others([OperationKind::Other]) {
        let Some(AlterAction::DropDefault { column }) = at.action() else { continue };
        let own = at.operation.effects.iter().find(|it| Some(&it.relation) == at.operation.relation.as_ref());
        let needed =
            at.relation().and_then(|it| it.column(&column.text)).is_some_and(|it| it.not_null && it.default.is_some());
        let after = context.end_of_transaction(at.statement);
        let after = at.operation.relation.as_ref().and_then(|it| after.relations.get(it));
        // The same transaction may give it another default, or take NOT NULL back.
        let still = after
            .and_then(|it| it.column(&column.text))
            .is_some_and(|it| it.not_null && it.default.is_none() && it.identity.is_none() && it.generated.is_none());
        if !own.is_some_and(stops_others) || !needed || !still {
            continue;
        }
        let message = format!(
            "running code that inserts into {} without {} fails once the default is gone",
            at.name(),
            column.text
        );
        findings.push(
            at.finding(&RULE, message).note("Keep the default until all code that runs gives the column a value"),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, wrapped};

    const GIVEN: &str =
        "CREATE TABLE users (id bigint PRIMARY KEY, state text NOT NULL DEFAULT 'new', note text DEFAULT '');";

    #[test]
    fn of_a_not_null_column() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER state DROP DEFAULT;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^ dropped-default-breaks-inserts
        "#]],
        );
    }

    #[test]
    fn of_a_column_added_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN kind int NOT NULL DEFAULT 0;
                ALTER TABLE users ALTER kind DROP DEFAULT;
                --                ^^^^^^^^^^^^^^^^^^^^^^^ dropped-default-breaks-inserts
            "#]],
        );
    }

    #[test]
    fn of_a_nullable_column() {
        check(GIVEN, expect!["ALTER TABLE users ALTER note DROP DEFAULT;"]);
    }

    #[test]
    fn replaced_in_the_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER state DROP DEFAULT;
            ALTER TABLE users ALTER state SET DEFAULT 'fresh';
        "#]],
        );
    }

    #[test]
    fn of_an_unknown_column() {
        check("", expect!["ALTER TABLE users ALTER state DROP DEFAULT;"]);
    }

    #[test]
    fn of_a_table_born_in_the_file() {
        check(GIVEN, expect!["CREATE TABLE t (a int NOT NULL DEFAULT 1); ALTER TABLE t ALTER a DROP DEFAULT;"]);
    }

    #[test]
    fn down() {
        on_down().check(GIVEN, expect!["ALTER TABLE users ALTER state DROP DEFAULT;"]);
    }
}
