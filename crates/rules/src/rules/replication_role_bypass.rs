//! SET session_replication_role = replica.

use syntax::ast::StatementKind;

use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "replication-role-bypass",
        level: Level::Warning,
        group: Group::Data,
        docs: r#"
With session_replication_role set to replica, foreign keys and triggers are not checked.

### What it does
Reports SET session_replication_role to `replica`.

### Why it hurts
Rows written in this session may point to nothing. No constraint is marked as unchecked, so nobody finds out until a restore
fails. It needs the rights of a superuser.

### Way out
Write the rows in an order that satisfies the foreign keys, or make the keys deferrable.

### When to allow it
The data comes from a consistent dump.

```sql
SET session_replication_role = replica;
```
```sql ok
SET session_replication_role = origin;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, kind, _) in context.statements() {
        let StatementKind::Set(set) = kind else { continue };
        let replica = set.values.as_ref().is_some_and(|it| it.iter().any(|it| it.eq_ignore_ascii_case("replica")));
        if set.name != "session_replication_role" || !replica {
            continue;
        }
        let span = context.whole(statement);
        let message =
            "what this session writes from here on is not checked against foreign keys, and fires no triggers"
                .to_owned();
        findings.push(
            context
                .finding(&RULE, statement, span, message)
                .note("Write the rows in an order that satisfies the foreign keys, or make the keys deferrable"),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    #[test]
    fn replica() {
        check(
            "",
            expect![[r#"
            SET session_replication_role = replica;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ replication-role-bypass
        "#]],
        );
    }

    #[test]
    fn quoted_and_local() {
        wrapped().check(
            "",
            expect![[r#"
            SET LOCAL session_replication_role TO 'replica';
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ replication-role-bypass
        "#]],
        );
    }

    #[test]
    fn for_the_session() {
        check(
            "",
            expect![[r#"
            SET SESSION session_replication_role = 'replica';
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ replication-role-bypass
        "#]],
        );
    }

    #[test]
    fn origin() {
        check("", expect!["SET session_replication_role = DEFAULT; SET session_replication_role = 'origin';"]);
    }

    #[test]
    fn reset() {
        check("", expect!["RESET session_replication_role;"]);
    }

    #[test]
    fn another_setting() {
        check("", expect!["SET application_name = 'replica';"]);
    }
}
