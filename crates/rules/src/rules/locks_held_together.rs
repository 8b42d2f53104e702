//! Locks on several tables in use, kept until one commit.

use model::effect::{Effect, OperationKind, lock_name};
use model::name::QName;
use model::schema::RelationKind;
use syntax::ast::StatementKind;

use crate::facts::{At, list, stops_others, swaps, table_of};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "locks-held-together",
        level: Level::Warning,
        group: Group::Lock,
        docs: r#"
A transaction that locks several tables keeps all of them while it waits for the next.

### What it does
Reports, once per transaction, the first statement that takes a lock that stops reads or writes of a second table that was
there before.

### Why it hurts
The first table stays locked while the transaction waits for the second, and both until it commits. An application that
uses them in the other order runs into a deadlock.

### Way out
Give each table a transaction of its own, each with a short lock_timeout.

### When to allow it
The tables must change together, or hardly anyone uses one of them.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY);
```
```sql
BEGIN;
ALTER TABLE users ADD COLUMN note text;
ALTER TABLE orders ADD COLUMN note text;
COMMIT;
```
```sql ok
ALTER TABLE users ADD COLUMN note text;
ALTER TABLE orders ADD COLUMN note text;
```
"#,
    },
    check,
    once: false,
};

/// What an operation locks for its own sake, not the other end of a foreign key, and only for a moment: what takes long is
/// another rule's finding.
fn own<'a>(at: &At<'a>) -> Option<&'a Effect> {
    let quick = at.long_blocking().is_none();
    // A list of tables in one LOCK or TRUNCATE is taken on purpose.
    let on_purpose = matches!(at.operation.kind, OperationKind::LockTable | OperationKind::Truncate);
    let subject = |it: &&Effect| Some(&it.relation) == at.operation.relation.as_ref();
    let effect = at.operation.effects.iter().find(subject)?;
    let table = matches!(effect.kind, RelationKind::Table | RelationKind::PartitionedTable);
    (quick && !on_purpose && table && stops_others(effect)).then_some(effect)
}

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let swaps = swaps(context);
    let mut transaction = 0;
    // The tables that the transaction has locked so far, under their present names, each with its statement.
    let mut tables: Vec<(QName, usize)> = Vec::new();
    // The finding about the transaction, which is about all that it locks later too.
    let mut told = None;
    for at in context.all_on_others() {
        if at.judged.transaction.id != transaction {
            transaction = at.judged.transaction.id;
            tables.clear();
            told = None;
        }
        let Some(effect) = own(&at) else { continue };
        let table = table_of(effect);
        if !tables.iter().any(|(it, _)| it == table) {
            // One statement may lock several, e.g. DROP TABLE a, b; and a swap of two has to lock both.
            let inevitable = swaps.contains_key(&(at.statement, at.index));
            let apart = tables.last().is_some_and(|(_, by)| *by != at.statement) && !inevitable;
            if let Some(told) = told.filter(|_| apart) {
                let finding: &mut Finding = &mut findings[told];
                finding.operations.push((at.statement, at.index));
            } else if let [(first, by)] = &tables[..]
                && apart
            {
                told = Some(findings.len());
                let message = format!(
                    "{} is taken on {table} while {first} is still locked: both wait until the transaction ends",
                    lock_name(effect.lock),
                );
                findings.push(
                    at.finding(&RULE, message)
                        .related(context.script.statements[*by].span, format!("{first} is locked since here"))
                        .note(format!("Change {} in transactions of their own", list(&[first, table]))),
                );
            }
            tables.push((table.clone(), at.statement));
        }
        if let (OperationKind::RenameRelation, Some(StatementKind::Rename(rename))) = (at.operation.kind, at.kind()) {
            let renamed = tables.iter_mut().filter(|(it, _)| it == table);
            renamed.for_each(|(it, _)| *it = table.sibling(&rename.new_name));
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, whole, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
        CREATE TABLE items (id bigint PRIMARY KEY);
    ";

    #[test]
    fn once_per_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a int;
                ALTER TABLE orders ADD COLUMN a int;
                --                 ^^^^^^^^^^^^^^^^ locks-held-together
                ALTER TABLE items ADD COLUMN a int;
            "#]],
        );
    }

    #[test]
    fn in_one_message() {
        whole().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a int;
                CREATE TRIGGER t BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION f();
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ locks-held-together
            "#]],
        );
    }

    #[test]
    fn statement_by_statement() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN a int;
            ALTER TABLE orders ADD COLUMN a int;
        "#]],
        );
    }

    #[test]
    fn one_table_twice() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN a int;
            ALTER TABLE users ADD COLUMN b int;
        "#]],
        );
    }

    #[test]
    fn with_the_other_end_of_a_foreign_key() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (user_id) REFERENCES users NOT VALID;
        "#]],
        );
    }

    #[test]
    fn a_commit_in_between() {
        check(
            GIVEN,
            expect![[r#"
            BEGIN;
            ALTER TABLE users ADD COLUMN a int;
            COMMIT;
            BEGIN;
            ALTER TABLE orders ADD COLUMN a int;
            COMMIT;
        "#]],
        );
    }

    #[test]
    fn tables_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN a int;
            CREATE TABLE posts (id bigint, user_id bigint REFERENCES users);
            ALTER TABLE posts ADD COLUMN b int;
        "#]],
        );
    }
}
