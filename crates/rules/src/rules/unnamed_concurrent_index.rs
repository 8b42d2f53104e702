//! CREATE INDEX CONCURRENTLY without a name.

use model::effect::OperationKind;
use syntax::ast::StatementKind;

use crate::facts::is_busy;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "unnamed-concurrent-index",
        level: Level::Info,
        group: Group::Data,
        docs: r#"
A concurrent build without a name makes a second index when it is tried again.

### What it does
Reports CREATE INDEX CONCURRENTLY without a name, on a table that was there before.

### Why it hurts
A concurrent build that fails leaves an invalid index behind. Without a name, PostgreSQL chooses another one for the next try:
the invalid index stays and costs writes.

### Way out
Name the index.

### When to allow it
Something else watches for invalid indexes.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
```
```sql
CREATE INDEX CONCURRENTLY ON users (email);
```
```sql ok
CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::CreateIndex]) {
        let Some(StatementKind::CreateIndex(index)) = at.kind() else { continue };
        if !index.concurrently || index.name.is_some() || !at.operation.effects.iter().any(is_busy) {
            continue;
        }
        let message =
            "without a name, another try after a failed build makes a second index beside the invalid one".to_owned();
        findings.push(at.finding(&RULE, message).note("Name the index"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY, email text);";

    #[test]
    fn unnamed() {
        check(
            GIVEN,
            expect![[r#"
            CREATE UNIQUE INDEX CONCURRENTLY ON users (email);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unnamed-concurrent-index
        "#]],
        );
    }

    #[test]
    fn on_an_unknown_table() {
        check(
            "",
            expect![[r#"
            CREATE INDEX CONCURRENTLY ON users (email);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unnamed-concurrent-index
        "#]],
        );
    }

    #[test]
    fn named() {
        check(GIVEN, expect!["CREATE INDEX CONCURRENTLY i ON users (email);"]);
    }

    #[test]
    fn not_concurrently() {
        check(
            GIVEN,
            expect![[r#"
            CREATE INDEX ON users (email);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
        "#]],
        );
    }

    #[test]
    fn on_a_table_born_in_the_file() {
        check(GIVEN, expect!["CREATE TABLE t (a int); CREATE INDEX CONCURRENTLY ON t (a);"]);
    }

    #[test]
    fn where_it_fails_anyway() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            CREATE INDEX CONCURRENTLY ON users (email);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ concurrently-in-transaction
        "#]],
        );
    }
}
