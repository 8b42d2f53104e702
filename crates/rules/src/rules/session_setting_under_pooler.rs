//! SET for a session that the next transaction does not have.

use model::trace::Until;
use syntax::ast::StatementKind;

use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "session-setting-under-pooler",
        level: Level::Warning,
        group: Group::Timeout,
        docs: r#"
Behind a transaction pooler a session setting lands on a connection that others use next.

### What it does
Reports SET without LOCAL outside a transaction, when the configuration has `pooler = "transaction"` under
`[session]`.

### Why it hurts
The pooler may give the next transaction another server connection, without the setting, and the connection that has it to
somebody else.

### Way out
SET LOCAL inside the transaction, a setting of the role, or a direct connection for migrations.

### When to allow it
Migrations connect past the pooler: leave the option out of the configuration.

```sql pooler
SET statement_timeout = '30s';
```
```sql ok pooler
BEGIN;
SET LOCAL statement_timeout = '30s';
COMMIT;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    if !context.settings.transaction_pooler {
        return;
    }
    for (statement, kind, judged) in context.statements() {
        let StatementKind::Set(set) = kind else { continue };
        // Resetting undoes no harm and does none.
        if set.local || set.values.is_none() || judged.transaction.until != Until::Statement {
            continue;
        }
        let span = context.whole(statement);
        let message = format!(
            "{} is set for a connection that the pooler may give to somebody else after this statement",
            set.name
        );
        findings.push(
            context
                .finding(&RULE, statement, span, message)
                .note("Set it locally in the transaction that needs it, or for the role that runs migrations"),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, pooled};

    #[test]
    fn outside_a_transaction() {
        pooled().check(
            "",
            expect![[r#"
            SET lock_timeout = '2s';
            --^^^^^^^^^^^^^^^^^^^^^ session-setting-under-pooler
        "#]],
        );
    }

    #[test]
    fn any_setting() {
        pooled().check(
            "",
            expect![[r#"
            SET search_path = app;
            --^^^^^^^^^^^^^^^^^^^ session-setting-under-pooler
        "#]],
        );
    }

    #[test]
    fn local() {
        pooled().check("", expect!["BEGIN; SET LOCAL lock_timeout = '2s'; COMMIT;"]);
    }

    #[test]
    fn inside_a_transaction() {
        pooled().wrapped().check("", expect!["SET lock_timeout = '2s';"]);
    }

    #[test]
    fn reset() {
        pooled().check("", expect!["RESET lock_timeout;"]);
    }

    #[test]
    fn without_a_pooler() {
        check("", expect!["SET lock_timeout = '2s';"]);
    }
}
