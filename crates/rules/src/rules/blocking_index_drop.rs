//! DROP INDEX without CONCURRENTLY.

use model::effect::{Effect, OperationKind, lock_name};
use model::name::QName;
use model::schema::{Relation, RelationKind};
use syntax::ast::{AlterAction, StatementKind};

use crate::facts::{At, is_concurrent, is_unknown_index, outside_transaction, resolve, stops_others, table_of};
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
        // The index that the statement names, and its table: the indexes of partitions go along.
        let named: Vec<QName> = match at.kind() {
            Some(StatementKind::Drop(drop)) => drop.names.iter().map(|it| resolve(at.judged, &it.name)).collect(),
            _ => Vec::new(),
        };
        let own =
            at.operation.effects.iter().filter(|it| it.on.is_some()).min_by_key(|it| !named.contains(&it.relation));
        let of_own = |it: &Effect| own.is_some_and(|own| own.on.as_ref() == Some(&it.relation));
        let stopping = at.operation.effects.iter().filter(|it| stops_others(it));
        let Some(effect) = stopping.max_by_key(|it| (it.on.is_none(), of_own(it))) else { continue };
        // Who drops the table as well, or in the same transaction a column of the index, gains nothing by dropping the index
        // first, and slowly.
        let table = table_of(effect);
        if context.drops_later(at.statement, table) || goes_with_a_column(&at, table) {
            continue;
        }
        let unknown = is_unknown_index(effect);
        let index = if unknown { Some(effect) } else { own };
        let message = format!(
            "dropping {} takes {} on {}: reads and writes queue behind it while a query on the table runs",
            index.map_or_else(|| "the index".to_owned(), |it| format!("index {}", it.relation)),
            lock_name(effect.lock),
            if unknown { "its table".to_owned() } else { table_of(effect).to_string() },
        );
        let finding = at.finding(&RULE, message);
        let partitioned = |it: &Relation| it.kind == RelationKind::PartitionedTable;
        findings.push(if at.judged.before().relations.get(table_of(effect)).is_some_and(|it| partitioned(it)) {
            finding.note("An index on a partitioned table knows no concurrent drop: try again when a short lock_timeout runs out")
        } else if at.judged.transaction.inside == Some(true) {
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
        let index = at.judged.before().indexes.get(&effect.relation);
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
    fn of_a_partitioned_table() {
        let given = "
            CREATE TABLE days (id int) PARTITION BY RANGE (id);
            CREATE TABLE a PARTITION OF days FOR VALUES FROM (1) TO (2);
            CREATE TABLE z PARTITION OF days FOR VALUES FROM (2) TO (3);
            CREATE INDEX m ON days (id);
        ";
        timeouts().say(given, "DROP INDEX m", expect![[r#"
            blocking-index-drop: dropping index m takes ACCESS EXCLUSIVE on days: reads and writes queue behind it while a query on the table runs
              = An index on a partitioned table knows no concurrent drop: try again when a short lock_timeout runs out
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
