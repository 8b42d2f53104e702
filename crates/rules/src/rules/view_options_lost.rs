//! CREATE OR REPLACE VIEW without the options the view had.

use syntax::ast::{DefElem, StatementKind};

use crate::facts::{existed, list, new_name};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "view-options-lost",
        level: Level::Warning,
        group: Group::Security,
        docs: r#"
Replacing a view without repeating its options switches them off.

### What it does
Reports CREATE OR REPLACE VIEW that leaves out `security_invoker` or `security_barrier`, when the view had it.

### Why it hurts
The options are those of the new definition. Without security_invoker the view reads with its owner's rights, past the row
security of the tables below it. PostgreSQL says nothing.

### Way out
Repeat the options.

### When to allow it
The option is meant to go.

```sql given
CREATE TABLE notes (id bigint PRIMARY KEY);
CREATE VIEW my_notes WITH (security_invoker = true) AS SELECT id FROM notes;
```
```sql 15-18
CREATE OR REPLACE VIEW my_notes AS SELECT id, 1 AS version FROM notes;
```
```sql ok 15-18
CREATE OR REPLACE VIEW my_notes WITH (security_invoker = true) AS SELECT id, 1 AS version FROM notes;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, kind, judged) in context.statements() {
        let StatementKind::CreateView(view) = kind else { continue };
        if !view.replace {
            continue;
        }
        let Some(before) = existed(judged.before(), &new_name(judged, &view.name)) else { continue };
        let on = |option: &&str| {
            let off = |it: &DefElem| it.value.as_deref().is_some_and(|it| ["false", "off", "0", "no"].contains(&it));
            before.options.iter().any(|it| it.name == **option && !off(it))
        };
        let mentioned = |option: &&str| view.options.iter().any(|it| it.name == **option);
        let mut lost = vec!["security_invoker", "security_barrier"];
        lost.retain(|option| on(option) && !mentioned(option));
        if lost.is_empty() {
            continue;
        }
        let message = format!("{} loses {}, which this definition does not repeat", before.name, list(&lost));
        findings.push(
            context
                .finding(&RULE, statement, view.name.span, message)
                .note("Repeat it, or set it to false if it is meant to go"),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE VIEW v WITH (security_invoker = true, security_barrier) AS SELECT 1 AS a;
        CREATE VIEW plain AS SELECT 1 AS a;
    ";

    #[test]
    fn left_out() {
        check(
            GIVEN,
            expect![[r#"
                CREATE OR REPLACE VIEW v AS SELECT 1 AS a, 2 AS b;
                --                     ^ view-options-lost
            "#]],
        );
    }

    #[test]
    fn one_of_two() {
        check(
            GIVEN,
            expect![[r#"
            CREATE OR REPLACE VIEW v WITH (security_invoker) AS SELECT 1 AS a;
            --                     ^ view-options-lost
            --                             ^^^^^^^^^^^^^^^^ syntax-newer-than-target (info)
        "#]],
        );
    }

    #[test]
    fn repeated() {
        check(
            GIVEN,
            expect![[r#"
            CREATE OR REPLACE VIEW v WITH (security_invoker, security_barrier) AS SELECT 1 AS a;
            --                             ^^^^^^^^^^^^^^^^ syntax-newer-than-target (info)
        "#]],
        );
    }

    #[test]
    fn switched_off_in_so_many_words() {
        check(
            GIVEN,
            expect![[r#"
                CREATE OR REPLACE VIEW v WITH (security_invoker = false, security_barrier = false) AS SELECT 1 AS a;
                --                             ^^^^^^^^^^^^^^^^ syntax-newer-than-target (info)
            "#]],
        );
    }

    #[test]
    fn a_view_that_had_none() {
        check(GIVEN, expect!["CREATE OR REPLACE VIEW plain AS SELECT 1 AS a;"]);
    }

    #[test]
    fn an_unknown_view() {
        wrapped().check("", expect!["CREATE OR REPLACE VIEW app.v AS SELECT 1 AS a;"]);
    }
}
