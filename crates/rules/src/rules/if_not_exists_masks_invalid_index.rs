//! CREATE INDEX CONCURRENTLY IF NOT EXISTS taken for a retry.

use std::collections::BTreeMap;

use model::effect::OperationKind;
use syntax::ast::{ObjectKind, StatementKind};

use crate::facts::{body, query};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "if-not-exists-masks-invalid-index",
        level: Level::Info,
        group: Group::Data,
        docs: r#"
IF NOT EXISTS skips a concurrent build when an earlier try has left an invalid index of that name.

### What it does
Reports CREATE INDEX CONCURRENTLY IF NOT EXISTS, unless the file drops the index first or looks at pg_index.

### Why it hurts
A concurrent build that fails leaves an invalid index behind. Run again, the statement finds the name taken, prints a notice
and succeeds: the index costs writes and serves no query, and a unique one may not even keep duplicates out.

### Way out
DROP INDEX CONCURRENTLY IF EXISTS before it, or leave IF NOT EXISTS out so that the second run fails, or check afterwards that
the index is valid.

### When to allow it
Something else watches for invalid indexes.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
```
```sql
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email_idx ON users (email);
```
```sql ok
DROP INDEX CONCURRENTLY IF EXISTS users_email_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email_idx ON users (email);
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    if context.operations_on_others([OperationKind::CreateIndex]).next().is_none() {
        return;
    }
    let looks = context.statements().any(|(_, kind, _)| looks_at_pg_index(kind));
    // The first statement that drops an index, by its name.
    let mut dropped: BTreeMap<&str, usize> = BTreeMap::new();
    for (statement, kind, _) in context.statements() {
        if let StatementKind::Drop(drop) = kind
            && drop.object == ObjectKind::Index
        {
            for it in &drop.names {
                dropped.entry(&it.name.name).or_insert(statement);
            }
        }
    }
    for at in context.operations_on_others([OperationKind::CreateIndex]) {
        let Some(StatementKind::CreateIndex(index)) = at.kind() else { continue };
        let Some(name) = index.name.as_ref().filter(|_| index.concurrently && index.if_not_exists) else { continue };
        let busy = at.operation.effects.iter().any(crate::facts::is_busy);
        let dropped = dropped.get(name.text.as_str()).is_some_and(|drop| *drop < at.statement);
        if looks || dropped || !busy {
            continue;
        }
        let message =
            format!("after a failed build this finds the invalid index {} and succeeds without building it", name.text);
        findings.push(
            at.finding(&RULE, message)
                .note("Drop the index concurrently if it exists first, or leave IF NOT EXISTS out"),
        );
    }
}

fn looks_at_pg_index(kind: &StatementKind) -> bool {
    let reads = |kind: &StatementKind| {
        query(kind).is_some_and(|it| it.reads.iter().any(|it| it.relation.name.name == "pg_index"))
    };
    reads(kind) || body(kind).is_some_and(|it| it.statements.iter().any(|it| reads(&it.kind)))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY, email text);";

    #[test]
    fn unguarded() {
        check(
            GIVEN,
            expect![[r#"
            CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON users (email);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ if-not-exists-masks-invalid-index
        "#]],
        );
    }

    #[test]
    fn dropped_before() {
        check(
            GIVEN,
            expect![[r#"
                DROP INDEX CONCURRENTLY IF EXISTS i;
                CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (email);
            "#]],
        );
    }

    #[test]
    fn looked_at_after() {
        check(
            GIVEN,
            expect![[r#"
            CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (email);
            DO $$ BEGIN
              IF EXISTS (SELECT 1 FROM pg_index WHERE NOT indisvalid) THEN RAISE EXCEPTION 'invalid'; END IF;
            END $$;
        "#]],
        );
    }

    #[test]
    fn without_if_not_exists() {
        check(GIVEN, expect!["CREATE INDEX CONCURRENTLY i ON users (email);"]);
    }

    #[test]
    fn not_concurrently() {
        check(
            GIVEN,
            expect![[r#"
            CREATE INDEX IF NOT EXISTS i ON users (email);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
        "#]],
        );
    }

    #[test]
    fn on_a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE posts (id bigint);
            CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON posts (id);
        "#]],
        );
    }

    #[test]
    fn where_it_fails_anyway() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (email);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ concurrently-in-transaction
        "#]],
        );
    }
}
