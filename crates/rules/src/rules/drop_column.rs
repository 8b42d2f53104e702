//! DROP COLUMN.

use model::effect::OperationKind;
use model::schema::{Born, Index};
use syntax::ast::AlterAction;

use crate::facts::{list, stops_others};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "drop-column",
        level: Level::Warning,
        group: Group::Compatibility,
        docs: r#"
Dropping a column breaks application code that still uses it, and its values are gone.

### What it does
Reports DROP COLUMN on a table that was there before.

### Why it hurts
Code of the release that runs while the migration does still reads and writes the column: its statements fail at once. Every
index and constraint that contains the column goes with it, those over several columns too.

### Way out
Deploy code that does not use the column first. Let new rows leave it out (drop NOT NULL or set a default), drop its indexes
concurrently, then drop the column in a later migration and acknowledge it there with a directive.

### When to allow it
No code that runs uses the column any more: say so with a directive.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, nickname text);
```
```sql
ALTER TABLE users DROP COLUMN nickname;
```
```sql ok
-- safestep: allow(drop-column) unused since release 41
ALTER TABLE users DROP COLUMN nickname;
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
    for at in context.operations_of(OperationKind::DropColumn) {
        let Some(AlterAction::DropColumn { column, .. }) = at.action() else { continue };
        let own = at.operation.effects.iter().find(|it| Some(&it.relation) == at.operation.relation.as_ref());
        let known = at.relation().and_then(|it| it.column(&column.text));
        let dropped = at.operation.relation.as_ref().is_some_and(|it| context.drops_later(at.statement, it));
        if dropped || !own.is_some_and(stops_others) || known.is_some_and(|it| it.born != Born::Before) {
            continue;
        }
        let message = format!("running code that uses {}.{} fails once the column is gone", at.name(), column.text);
        let mut finding = at.finding(&RULE, message);
        let contains = |index: &&Index| {
            let key = index.elements.iter().any(|it| it.column.as_deref() == Some(&column.text));
            index.elements.len() > 1 && key
        };
        if let Some(table) = &at.operation.relation {
            let indexes: Vec<_> =
                at.judged.before().indexes_of(table).filter(contains).map(|it| &it.name.name).collect();
            if !indexes.is_empty() {
                finding = finding.note(format!("With the column goes {}, which other columns use too", list(&indexes)));
            }
        }
        findings
            .push(finding.note("Deploy code that does without it first, then acknowledge the drop with a directive"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, nickname text, email text);
        CREATE INDEX both ON users (email, nickname);
    ";

    #[test]
    fn an_existing_column() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users DROP COLUMN nickname, DROP COLUMN IF EXISTS email;
            --                ^^^^^^^^^^^^^^^^^^^^ drop-column
            --                                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^ drop-column
        "#]],
        );
    }

    #[test]
    fn before_the_table_goes_too() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users DROP COLUMN nickname;
                DROP TABLE users;
                --^^^^^^^^^^^^^^ drop-table
            "#]],
        );
    }

    #[test]
    fn of_an_unknown_table() {
        check(
            "",
            expect![[r#"
            ALTER TABLE app.users DROP nickname;
            --                    ^^^^^^^^^^^^^ drop-column
        "#]],
        );
    }

    #[test]
    fn a_column_added_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN helper int;
            ALTER TABLE users DROP COLUMN helper;
        "#]],
        );
    }

    #[test]
    fn of_a_table_born_in_the_file() {
        wrapped().check(GIVEN, expect!["CREATE TABLE t (a int, b int); ALTER TABLE t DROP COLUMN b;"]);
    }

    #[test]
    fn acknowledged() {
        check(
            GIVEN,
            expect![[r#"
                -- safestep: allow(drop-column) unused since release 41
                ALTER TABLE users DROP COLUMN nickname;
            "#]],
        );
    }

    #[test]
    fn down() {
        on_down().check(GIVEN, expect!["ALTER TABLE users DROP COLUMN nickname;"]);
    }
}
