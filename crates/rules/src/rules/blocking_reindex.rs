//! REINDEX without CONCURRENTLY.

use model::effect::OperationKind;

use crate::facts::{is_concurrent, is_long, list, outside_transaction, table_of};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "blocking-reindex",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Rebuilding an index without CONCURRENTLY stops writes, and most reads too.

### What it does
Reports REINDEX without CONCURRENTLY of an index, a table, a schema or a database.

### Why it hurts
It holds SHARE on the table and ACCESS EXCLUSIVE on the index while it is rebuilt. Writes wait for the first lock; even a
plain SELECT waits for the second, because planning it looks at every index of the table.

### Way out
REINDEX CONCURRENTLY, outside a transaction. When it fails, drop the index with the ending `_ccnew`.

### When to allow it
The index is corrupt and nothing may use it, or the table is small.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
CREATE INDEX users_email_idx ON users (email);
```
```sql
REINDEX INDEX users_email_idx;
```
```sql ok
REINDEX INDEX CONCURRENTLY users_email_idx;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::Reindex]) {
        if at.long_blocking().is_none() || at.kind().is_some_and(is_concurrent) {
            continue;
        }
        let mut tables: Vec<_> = at.operation.effects.iter().filter(|it| is_long(it)).map(table_of).collect();
        tables.dedup();
        let tables = if tables.len() > 3 { format!("{} tables", tables.len()) } else { list(&tables) };
        let message = format!(
            "rebuilding holds SHARE on {tables} and ACCESS EXCLUSIVE on the index: reads and writes wait until it is rebuilt"
        );
        let finding = at.with_held(at.finding(&RULE, message));
        findings.push(if at.judged.transaction.inside == Some(true) {
            finding.note("Rebuild concurrently, which a transaction does not allow").note(outside_transaction(context))
        } else {
            finding.note("Rebuild concurrently")
        });
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email text);
        CREATE INDEX i ON users (email);
        CREATE TABLE posts (id bigint PRIMARY KEY);
    ";

    #[test]
    fn an_index() {
        check(
            GIVEN,
            expect![[r#"
            REINDEX INDEX i;
            --^^^^^^^^^^^^^ blocking-reindex
        "#]],
        );
    }

    #[test]
    fn a_table() {
        check(
            GIVEN,
            expect![[r#"
            REINDEX (VERBOSE) TABLE users;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-reindex
        "#]],
        );
    }

    #[test]
    fn a_schema() {
        check(
            GIVEN,
            expect![[r#"
            REINDEX SCHEMA public;
            --^^^^^^^^^^^^^^^^^^^ blocking-reindex
        "#]],
        );
    }

    #[test]
    fn concurrently() {
        check(
            GIVEN,
            expect![[r#"
                REINDEX TABLE CONCURRENTLY users;
            "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE drafts (id bigint PRIMARY KEY);
            REINDEX TABLE drafts;
        "#]],
        );
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            REINDEX TABLE users;
            --^^^^^^^^^^^^^^^^^ blocking-reindex
        "#]],
        );
    }
}
