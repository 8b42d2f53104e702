//! RENAME TO and SET SCHEMA.

use model::effect::OperationKind;
use model::schema::RelationKind;
use syntax::ast::StatementKind;

use crate::facts::{stops_others, swaps};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "rename-table",
        level: Level::Warning,
        group: Group::Compatibility,
        docs: r#"
Renaming a table breaks application code that uses the old name.

### What it does
Reports RENAME TO and SET SCHEMA of a table or view that was there before, unless the same transaction puts a view or another
table in its place.

### Why it hurts
Code of the release that runs while the migration does uses the old name, code of the next one the new: one of them fails.

### Way out
In one transaction, rename the table and create a view under the old name, which takes writes as well. Drop the view once no
code uses the old name.

### When to allow it
No code that runs uses the table: say so with a directive.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
```
```sql
ALTER TABLE users RENAME TO accounts;
```
```sql ok
BEGIN;
ALTER TABLE users RENAME TO accounts;
CREATE VIEW users AS SELECT * FROM accounts;
COMMIT;
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
    let swaps = swaps(context);
    for at in context.operations_among([OperationKind::RenameRelation, OperationKind::SetSchema]) {
        let new = match (at.operation.kind, at.kind()) {
            (OperationKind::RenameRelation, Some(StatementKind::Rename(it))) => format!("called {}", it.new_name),
            (OperationKind::SetSchema, Some(StatementKind::SetSchema(it))) => format!("in schema {}", it.schema),
            _ => continue,
        };
        let Some(old) = at.operation.relation.as_ref() else { continue };
        let Some(own) = at.operation.effects.iter().find(|it| it.relation == *old) else { continue };
        let named = matches!(
            own.kind,
            RelationKind::Table
                | RelationKind::PartitionedTable
                | RelationKind::View
                | RelationKind::MaterializedView
                | RelationKind::ForeignTable
        );
        let replaced = context.end_of_transaction(at.statement).relations.contains_key(old);
        // What takes the place of another table was made for it.
        if !stops_others(own) || !named || replaced || swaps.contains_key(&(at.statement, at.index)) {
            continue;
        }
        let message = format!("running code that uses {old} fails once it is {new}");
        findings.push(
            at.finding(&RULE, message).note(
                "Create a view under the old name in the same transaction, and drop it once no code uses that name",
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE INDEX i ON users (id);
        CREATE VIEW ids AS SELECT id FROM users;
        CREATE SEQUENCE s;
    ";

    #[test]
    fn a_table() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users RENAME TO accounts;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-table
        "#]],
        );
    }

    #[test]
    fn a_view() {
        check(
            GIVEN,
            expect![[r#"
            ALTER VIEW ids RENAME TO keys;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-table
        "#]],
        );
    }

    #[test]
    fn to_another_schema() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users SET SCHEMA app;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-table
        "#]],
        );
    }

    #[test]
    fn with_a_view_in_its_place() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users RENAME TO accounts;
            CREATE VIEW users AS SELECT * FROM accounts;
        "#]],
        );
    }

    #[test]
    fn with_a_view_in_its_place_after_a_gap() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users RENAME TO accounts;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-table
                CREATE VIEW users AS SELECT * FROM accounts;
            "#]],
        );
    }

    #[test]
    fn other_objects() {
        check(
            GIVEN,
            expect![[r#"
            ALTER INDEX i RENAME TO j;
            ALTER SEQUENCE s RENAME TO r;
            ALTER TABLE users RENAME CONSTRAINT users_pkey TO pk;
        "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
                CREATE TABLE t (a int); ALTER TABLE t RENAME TO u;
            "#]],
        );
    }

    #[test]
    fn down() {
        on_down().check(GIVEN, expect!["ALTER TABLE users RENAME TO accounts;"]);
    }
}
