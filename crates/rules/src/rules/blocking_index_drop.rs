//! DROP INDEX without CONCURRENTLY.

use model::effect::{Effect, OperationKind, lock_name};
use model::name::QName;
use syntax::ast::AlterAction;

use crate::facts::{At, is_concurrent, is_unknown_index, outside_transaction, stops_others, table_of};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "blocking-index-drop",
        level: Level::Warning,
        group: Group::Lock,
        docs: r#"
Dropping an index without CONCURRENTLY stops reads and writes of its table.

### What it does
Reports DROP INDEX without CONCURRENTLY when the table was there before.

### Why it hurts
It takes ACCESS EXCLUSIVE on the table. The drop itself is quick, but it queues behind the longest running query, and every
later SELECT, INSERT, UPDATE and DELETE queues behind it.

### Way out
DROP INDEX CONCURRENTLY, one index per statement, outside a transaction. An index that belongs to a constraint goes with
DROP CONSTRAINT, and an index on a partitioned table knows no concurrent drop.

### When to allow it
A short lock_timeout with a retry is in place and an abort does no harm.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
CREATE INDEX users_email_idx ON users (email);
```
```sql
DROP INDEX users_email_idx;
```
```sql ok
DROP INDEX CONCURRENTLY users_email_idx;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::DropIndex]) {
        // It locks the index at the end only, when nobody uses it any more.
        if at.kind().is_some_and(is_concurrent) {
            continue;
        }
        let Some(effect) = at.operation.effects.iter().filter(|it| stops_others(it)).max_by_key(|it| it.on.is_none())
        else {
            continue;
        };
        // Who drops the table as well, or in the same transaction a column of the index, gains nothing by dropping the index
        // first, and slowly.
        let table = table_of(effect);
        if context.drops_later(at.statement, table) || goes_with_a_column(&at, table) {
            continue;
        }
        let unknown = is_unknown_index(effect);
        let own = at.operation.effects.iter().find(|it| it.on.is_some());
        let index = if unknown { Some(effect) } else { own };
        let message = format!(
            "dropping {} takes {} on {}: reads and writes queue behind it while a query on the table runs",
            index.map_or_else(|| "the index".to_owned(), |it| format!("index {}", it.relation)),
            lock_name(effect.lock),
            if unknown { "its table".to_owned() } else { table_of(effect).to_string() },
        );
        let finding = at.finding(&RULE, message);
        findings.push(if at.judged.transaction.inside == Some(true) {
            finding.note("Drop it concurrently, which a transaction does not allow").note(outside_transaction(context))
        } else {
            finding.note("Drop it concurrently")
        });
    }
}

/// The same transaction drops columns of the table with which all the indexes would go.
fn goes_with_a_column(at: &At, table: &QName) -> bool {
    let drops = at.context.operations_of(OperationKind::DropColumn).filter(|it| {
        it.statement > at.statement
            && it.judged.transaction.id == at.judged.transaction.id
            && !it.operation.conditional
            && it.operation.relation.as_ref() == Some(table)
    });
    let columns: Vec<&str> = drops
        .filter_map(|it| match it.action()? {
            AlterAction::DropColumn { column, .. } => Some(column.text.as_str()),
            _ => None,
        })
        .collect();
    let goes = |effect: &Effect| {
        let index = at.judged.before.indexes.get(&effect.relation);
        index
            .is_some_and(|it| it.elements.iter().any(|it| it.column.as_deref().is_some_and(|it| columns.contains(&it))))
    };
    at.operation.effects.iter().any(|it| it.on.is_some())
        && at.operation.effects.iter().filter(|it| it.on.is_some()).all(goes)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, timeouts, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email text UNIQUE);
        CREATE INDEX i ON users (email);
        CREATE INDEX j ON users (id, email);
    ";

    #[test]
    fn an_existing_index() {
        check(
            GIVEN,
            expect![[r#"
            DROP INDEX i;
            --^^^^^^^^^^ blocking-index-drop
        "#]],
        );
    }

    #[test]
    fn of_an_unknown_table() {
        timeouts().say("", "DROP INDEX i", expect![[r#"
            blocking-index-drop: dropping index i takes ACCESS EXCLUSIVE on its table: reads and writes queue behind it while a query on the table runs
              = Drop it concurrently
        "#]]);
    }

    #[test]
    fn with_its_table() {
        check(
            GIVEN,
            expect![[r#"
                DROP INDEX i;
                DROP TABLE users;
                --^^^^^^^^^^^^^^ drop-table
            "#]],
        );
    }

    #[test]
    fn with_its_column() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                DROP INDEX j;
                ALTER TABLE users DROP COLUMN email;
                --                ^^^^^^^^^^^^^^^^^ drop-column
            "#]],
        );
    }

    #[test]
    fn with_a_column_of_another_index() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                DROP INDEX i, j;
                --^^^^^^^^^^^^^ blocking-index-drop
                ALTER TABLE users DROP COLUMN id;
                --                ^^^^^^^^^^^^^^ drop-column
            "#]],
        );
    }

    #[test]
    fn several_at_once() {
        check(
            GIVEN,
            expect![[r#"
            DROP INDEX IF EXISTS i, j;
            --^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-drop
        "#]],
        );
    }

    #[test]
    fn concurrently() {
        check(
            GIVEN,
            expect![[r#"
                DROP INDEX CONCURRENTLY i;
            "#]],
        );
    }

    #[test]
    fn an_index_that_no_migration_made() {
        check(
            GIVEN,
            expect![[r#"
            DROP INDEX unheard_of;
            --^^^^^^^^^^^^^^^^^^^ blocking-index-drop
        "#]],
        );
    }

    #[test]
    fn on_a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
                CREATE TABLE posts (id bigint);
                CREATE INDEX k ON posts (id);
                DROP INDEX k;
            "#]],
        );
    }

    #[test]
    fn an_index_built_in_the_file_on_an_existing_table() {
        check(
            GIVEN,
            expect![[r#"
                CREATE INDEX CONCURRENTLY k ON users (id);
                DROP INDEX k;
                --^^^^^^^^^^ blocking-index-drop
            "#]],
        );
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            DROP INDEX i;
            --^^^^^^^^^^ blocking-index-drop
        "#]],
        );
    }

    #[test]
    fn the_index_of_a_constraint_fails() {
        check(
            GIVEN,
            expect![[r#"
                DROP INDEX users_email_key;
                --         ^^^^^^^^^^^^^^^ certain-failure
            "#]],
        );
    }
}
