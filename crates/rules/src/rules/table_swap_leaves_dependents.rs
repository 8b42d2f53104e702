//! Two renames that put another table in the place of one.

use model::effect::OperationKind;
use model::schema::RelationKind;
use syntax::ast::StatementKind;

use crate::facts::{existed, swaps};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "table-swap-leaves-dependents",
        level: Level::Warning,
        group: Group::Compatibility,
        docs: r#"
Swapping tables by renaming leaves everything that depended on the old one with the old one.

### What it does
Reports a table that gets the name that another table, which was there before, has just given up.

### Why it hurts
Foreign keys of other tables, views, sequences owned by columns, privileges, triggers, policies and publications follow the
table, not the name: they still belong to the old table. Dropping that one later fails, or takes them with it by CASCADE.

### Way out
Before the swap, give the new table the same foreign keys, triggers, policies, privileges and publications, point the views and
the foreign keys of other tables at it, and move the ownership of sequences.

### When to allow it
Nothing depends on the old table, or the new one has got it all.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE users_new (id bigint PRIMARY KEY);
```
```sql
BEGIN;
ALTER TABLE users RENAME TO users_old;
ALTER TABLE users_new RENAME TO users;
COMMIT;
```
```sql ok
CREATE TABLE users_newer (id bigint PRIMARY KEY);
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
    for at in context.operations_of(OperationKind::RenameRelation) {
        let (Some(from), Some(StatementKind::Rename(rename))) = (at.operation.relation.as_ref(), at.kind()) else {
            continue;
        };
        let Some(given_up) = swaps.get(&(at.statement, at.index)) else { continue };
        let place = from.sibling(&rename.new_name);
        if given_up
            .relation()
            .is_some_and(|it| !matches!(it.kind, RelationKind::Table | RelationKind::PartitionedTable))
        {
            continue;
        }
        let known = existed(&context.trace.before, &place);
        if known.is_none() && context.trace.before.complete {
            continue;
        }
        let message = format!(
            "{} takes the place of {place}, but foreign keys, views, sequences, triggers, policies and privileges stay with the old table",
            from.name
        );
        findings.push(
            at.finding(&RULE, message)
                .related(context.script.statements[given_up.statement].span, "the old table gives up its name here")
                .note("Give the new table what depends on the old one before the swap"),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{on_down, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE users_new (id bigint PRIMARY KEY);
    ";

    #[test]
    fn in_one_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users RENAME TO users_old;
                ALTER TABLE users_new RENAME TO users;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ table-swap-leaves-dependents
            "#]],
        );
    }

    #[test]
    fn with_a_table_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                CREATE TABLE fresh (id bigint PRIMARY KEY);
                ALTER TABLE users RENAME TO users_old;
                ALTER TABLE fresh RENAME TO users;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ table-swap-leaves-dependents
            "#]],
        );
    }

    #[test]
    fn a_view_in_its_place() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users RENAME TO users_old;
            CREATE VIEW users AS SELECT * FROM users_old;
        "#]],
        );
    }

    #[test]
    fn unknown_tables() {
        wrapped().check(
            "",
            expect![[r#"
                ALTER TABLE a RENAME TO b;
                ALTER TABLE c RENAME TO a;
                --^^^^^^^^^^^^^^^^^^^^^^^ table-swap-leaves-dependents
            "#]],
        );
    }

    #[test]
    fn two_renames() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users RENAME TO a;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-table
                ALTER TABLE users_new RENAME TO b;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ locks-held-together
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-table
            "#]],
        );
    }

    #[test]
    fn down() {
        on_down().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users RENAME TO users_old;
            ALTER TABLE users_new RENAME TO users;
        "#]],
        );
    }
}
