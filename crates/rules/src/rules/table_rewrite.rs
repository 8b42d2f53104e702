//! Statements whose purpose is to copy a table.

use model::effect::{OperationKind, Work};
use syntax::ast::{AlterAction, StatementKind};

use crate::facts::{At, holds};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "table-rewrite",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Rewriting a table stops reads and writes until it is copied.

### What it does
Reports VACUUM FULL, CLUSTER, SET LOGGED, SET UNLOGGED, SET TABLESPACE, SET ACCESS METHOD and SET EXPRESSION of a stored
generated column, on a table that was there before.

### Why it hurts
The table is held in ACCESS EXCLUSIVE while all of it is copied: even SELECT waits, and twice the space is needed. A
transaction that took its snapshot earlier can see an empty table.

### Way out
An ordinary VACUUM lets reads and writes pass. To give space back or to sort a large table use an extension made for it, such
as pg_repack, outside the migrations.

### When to allow it
The table is small, or the service is down for it.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
```
```sql
ALTER TABLE users SET UNLOGGED;
```
```sql ok
ALTER TABLE users SET (fillfactor = 90);
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::RewriteTable]) {
        let Some(effect) = at.long_blocking() else { continue };
        let verb = if at.does(Work::Rewrite) { "copied" } else { "processed" };
        let message = format!("{} {} until all of it is {verb}", what(&at), holds(effect));
        findings.push(
            at.with_held(at.finding(&RULE, message))
                .note("Do it while the service is down, or with an extension that copies in the background"),
        );
    }
}

fn what(at: &At) -> &'static str {
    match (at.kind(), at.action()) {
        (Some(StatementKind::Vacuum(_)), _) => "VACUUM FULL",
        (Some(StatementKind::Cluster { .. }), _) => "CLUSTER",
        (_, Some(AlterAction::SetLogged)) => "SET LOGGED",
        (_, Some(AlterAction::SetUnlogged)) => "SET UNLOGGED",
        (_, Some(AlterAction::SetTablespace { .. })) | (Some(StatementKind::AlterAllInTablespace { .. }), _) => {
            "SET TABLESPACE"
        }
        (_, Some(AlterAction::SetAccessMethod { .. })) => "SET ACCESS METHOD",
        (_, Some(AlterAction::SetExpression { .. })) => "SET EXPRESSION",
        _ => "the rewrite",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, twice bigint GENERATED ALWAYS AS (id * 2) STORED);
        CREATE INDEX i ON users (twice);
    ";

    #[test]
    fn vacuum_full() {
        check(
            GIVEN,
            expect![[r#"
                VACUUM FULL users; VACUUM (FULL, ANALYZE) users;
                --^^^^^^^^^^^^^^^ table-rewrite
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ table-rewrite
            "#]],
        );
    }

    #[test]
    fn plain_vacuum() {
        check(GIVEN, expect!["VACUUM (ANALYZE) users; ANALYZE users;"]);
    }

    #[test]
    fn cluster() {
        check(
            GIVEN,
            expect![[r#"
                CLUSTER users USING i;
                --^^^^^^^^^^^^^^^^^^^ table-rewrite
            "#]],
        );
    }

    #[test]
    fn persistence_and_tablespace() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users SET UNLOGGED;
                --                ^^^^^^^^^^^^ table-rewrite
                ALTER TABLE users SET TABLESPACE fast;
                --                ^^^^^^^^^^^^^^^^^^^ table-rewrite
            "#]],
        );
    }

    #[test]
    fn access_method() {
        on(15..=18).check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users SET ACCESS METHOD columnar;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^ table-rewrite
        "#]],
        );
    }

    #[test]
    fn set_expression() {
        on(17..=18).check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER twice SET EXPRESSION AS (id * 3);
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ table-rewrite
        "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            CREATE UNLOGGED TABLE staging (id bigint);
            ALTER TABLE staging SET LOGGED;
        "#]],
        );
    }
}
