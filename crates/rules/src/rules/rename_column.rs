//! RENAME COLUMN.

use model::effect::OperationKind;
use model::schema::{Born, RelationKind};
use syntax::ast::StatementKind;

use crate::facts::stops_others;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "rename-column",
        level: Level::Warning,
        group: Group::Compatibility,
        docs: r#"
Renaming a column breaks application code that uses the old name.

### What it does
Reports RENAME COLUMN on a table or view that was there before, unless a view under the old name of the table keeps it readable.

### Why it hurts
Code of the release that runs while the migration does uses the old name, code of the next one the new: one of them fails.

### Way out
Add a column of the new name, keep both in step with a trigger, copy the rows in batches, deploy code that uses the new name,
then drop the old one. Or rename table and column in one transaction and put a view with both names in the table's place.

### When to allow it
No code that runs uses the column: say so with a directive.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, mail text);
```
```sql
ALTER TABLE users RENAME COLUMN mail TO email;
```
```sql ok
ALTER TABLE users ADD COLUMN email text;
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
    for at in context.operations_of(OperationKind::RenameColumn) {
        let (Some(table), Some(StatementKind::Rename(rename))) = (at.operation.relation.as_ref(), at.kind()) else {
            continue;
        };
        let Some(own) = at.operation.effects.iter().find(|it| it.relation == *table) else { continue };
        let known = at.relation().and_then(|it| it.column(&rename.name.name));
        let hidden = own.kind == RelationKind::CompositeType;
        let dropped = context.drops_later(at.statement, table);
        if dropped || !stops_others(own) || hidden || known.is_some_and(|it| it.born != Born::Before) {
            continue;
        }
        // The table was renamed away, and a view takes its place.
        let after = context.end_of_transaction(at.statement);
        let view = |it: &&std::sync::Arc<model::schema::Relation>| {
            it.kind == RelationKind::View && it.born == Born::Here && it.reads.iter().any(|(read, _)| read == table)
        };
        if after.relations.values().find(view).is_some() {
            continue;
        }
        let message = format!(
            "running code that uses {}.{} fails once the column is called {}",
            at.name(),
            rename.name.name,
            rename.new_name,
        );
        findings.push(at.finding(&RULE, message).note(
            "Add a column of the new name and keep both in step until all code uses it, or put a view with both names in the table's place",
        ));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, mail text);
        CREATE VIEW mails AS SELECT mail FROM users;
        CREATE TYPE pair AS (a int, b int);
    ";

    #[test]
    fn of_a_table() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users RENAME mail TO email;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-column
        "#]],
        );
    }

    #[test]
    fn of_a_view() {
        check(
            GIVEN,
            expect![[r#"
            ALTER VIEW mails RENAME COLUMN mail TO email;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-column
        "#]],
        );
    }

    #[test]
    fn behind_a_view_under_the_old_name() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users RENAME TO users_base;
                ALTER TABLE users_base RENAME COLUMN mail TO email;
                CREATE VIEW users AS SELECT *, email AS mail FROM users_base;
            "#]],
        );
    }

    #[test]
    fn of_an_unknown_table() {
        check(
            "",
            expect![[r#"
            ALTER TABLE app.users RENAME COLUMN mail TO email;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-column
        "#]],
        );
    }

    #[test]
    fn of_a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
                CREATE TABLE t (a int); ALTER TABLE t RENAME a TO b;
            "#]],
        );
    }

    #[test]
    fn of_a_column_added_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a int;
                ALTER TABLE users RENAME a TO b;
            "#]],
        );
    }

    #[test]
    fn down() {
        on_down().check(GIVEN, expect!["ALTER TABLE users RENAME mail TO email;"]);
    }
}
