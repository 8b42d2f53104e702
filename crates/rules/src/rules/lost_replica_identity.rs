//! A published table loses what identifies its rows.

use model::effect::OperationKind;
use model::schema::Born;

use crate::facts::{has_replica_identity, is_published};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "lost-replica-identity",
        level: Level::Error,
        group: Group::Replication,
        docs: r#"
Without its replica identity, a published table refuses UPDATE and DELETE.

### What it does
Reports the primary key, or the index that REPLICA IDENTITY names, of a published table that was there before, when it is dropped
and the table has no other identity when the transaction ends.

### Why it hurts
Logical replication needs a key to tell which row changed: without one every UPDATE and DELETE on the publisher fails at once.

### Way out
Name another unique index on NOT NULL columns by REPLICA IDENTITY first, or create the new key in the same transaction.

### When to allow it
Rows of the table are only inserted.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE PUBLICATION p FOR TABLE users;
```
```sql
ALTER TABLE users DROP CONSTRAINT users_pkey;
```
```sql ok
ALTER TABLE users REPLICA IDENTITY FULL;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let drops = [OperationKind::DropConstraint, OperationKind::DropIndex, OperationKind::DropColumn];
    for at in context.operations_on_others(drops) {
        let touched = at.operation.effects.iter().filter(|it| it.on.is_none());
        for name in touched.map(|it| &it.relation) {
            let before = at.judged.before().relations.get(name).filter(|it| it.born == Born::Before);
            let after = context.end_of_transaction(at.statement);
            let (Some(before), Some(now)) = (before, after.relations.get(name)) else { continue };
            let lost = has_replica_identity(at.judged.before(), before) && !has_replica_identity(after, now);
            if !lost || !is_published(after, name) {
                continue;
            }
            let message =
                format!("{name} is published: without a replica identity every UPDATE and DELETE of it fails");
            findings.push(at.finding(&RULE, message).note("Name another unique index as its replica identity first"));
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
        CREATE TABLE quiet (id bigint PRIMARY KEY);
        CREATE UNIQUE INDEX i ON users (email);
        CREATE PUBLICATION p FOR TABLE users;
    ";

    #[test]
    fn the_primary_key() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users DROP CONSTRAINT users_pkey;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^ dropped-unique-index-breaks-upsert
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^ lost-replica-identity
        "#]],
        );
    }

    #[test]
    fn its_column() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users DROP COLUMN id;
            --                ^^^^^^^^^^^^^^ drop-column
            --                ^^^^^^^^^^^^^^ lost-replica-identity
        "#]],
        );
    }

    #[test]
    fn the_named_index() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users REPLICA IDENTITY USING INDEX i;
                DROP INDEX i;
                --^^^^^^^^^^ blocking-index-drop
                --^^^^^^^^^^ dropped-unique-index-breaks-upsert
                --^^^^^^^^^^ lost-replica-identity
            "#]],
        );
    }

    #[test]
    fn a_table_that_is_not_published() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE quiet DROP CONSTRAINT quiet_pkey;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^ dropped-unique-index-breaks-upsert
        "#]],
        );
    }

    #[test]
    fn another_identity_first() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users REPLICA IDENTITY USING INDEX i;
                ALTER TABLE users DROP CONSTRAINT users_pkey;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^ dropped-unique-index-breaks-upsert
            "#]],
        );
    }

    #[test]
    fn replaced_in_the_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users DROP CONSTRAINT users_pkey;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^ dropped-unique-index-breaks-upsert
                ALTER TABLE users ADD CONSTRAINT k PRIMARY KEY USING INDEX i;
            "#]],
        );
    }
}
