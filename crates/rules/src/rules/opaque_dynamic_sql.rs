//! SQL that is put together at run time.

use model::effect::OperationKind;
use model::name::QName;
use model::trace::Judged;
use syntax::Span;
use syntax::ast::{Expr, Name, StatementKind};

use crate::facts::new_name;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "opaque-dynamic-sql",
        level: Level::Info,
        group: Group::Compatibility,
        docs: r#"
What SQL put together at run time will do cannot be told.

### What it does
Says once per file that there is a statement that cannot be judged: EXECUTE of a text that is not constant, a body in a language
that is not read, a call of a routine that no earlier migration makes, or text that is mostly template.

### Why it hurts
It may lock anything. None of the other rules sees it.

### Way out
Write the statements out where their number is small.

### When to allow it
It has been read by somebody.

```sql
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT tablename FROM pg_tables LOOP
    EXECUTE 'DROP TABLE ' || quote_ident(name);
  END LOOP;
END $$;
```
```sql ok
DO $$
BEGIN
  EXECUTE 'CREATE TABLE t (a int)';
END $$;
```
"#,
    },
    check,
    once: true,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let mut push = |statement: usize, span: Span, message: &str| {
        findings.push(context.finding(&RULE, statement, span, message.to_owned()));
    };
    let at_run_time = "what this does is known only at run time";
    for (statement, kind, judged) in context.statements() {
        match kind {
            StatementKind::Template(it) => push(statement, it.error.span, at_run_time),
            StatementKind::Invalid(error) if context.script.is_chosen(context.locate(statement, error.span)) => {
                push(statement, error.span, at_run_time);
            }
            _ => {}
        }
        if judged.does(OperationKind::Opaque) {
            let opaque = judged.operations.iter().filter(|it| it.kind == OperationKind::Opaque);
            // What stands in a body that is read was put together there; a call of its own is of a routine without body.
            let message = match unread_routine(kind, judged) {
                Some(name) => {
                    &format!("what {} does is not known: no migration before makes it", new_name(judged, name))
                }
                None => at_run_time,
            };
            opaque.for_each(|operation| push(statement, operation.span, message));
        }
    }
}

/// The routine without known body that a statement outside of bodies calls.
fn unread_routine<'a>(kind: &'a StatementKind, judged: &Judged) -> Option<&'a Name> {
    let known = |name: &Name| {
        let functions = &judged.before().functions;
        let schemas = name.schema.iter().chain(judged.search_path.iter().filter(|_| name.schema.is_none()));
        schemas.map(|schema| QName::new(schema, &name.name)).any(|name| functions.contains_key(&name))
    };
    let called = match kind {
        StatementKind::Call { name, .. } => name,
        StatementKind::Select(query) => query.targets.iter().find_map(|target| match target {
            Expr::Call { name, .. } if !known(name) => Some(name),
            _ => None,
        })?,
        _ => return None,
    };
    (!known(called)).then_some(called)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, external, wrapped};

    #[test]
    fn once_per_file() {
        check(
            "",
            expect![[r#"
                DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'a'); END $$;
                --                          ^^^^^^^^^^^^^^^^^^^ drop-table
                DO $$ BEGIN EXECUTE 'DROP TABLE ' || current_user; END $$;
                --          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ opaque-dynamic-sql
            "#]],
        );
    }

    #[test]
    fn a_constant_text_is_read() {
        check(
            "CREATE TABLE users (id bigint);",
            expect![[r#"
                DO $$ BEGIN EXECUTE 'CREATE INDEX i ON users (id)'; END $$;
                --                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
            "#]],
        );
    }

    #[test]
    fn another_language() {
        check(
            "",
            expect![[r#"
            DO LANGUAGE plpython3u 'plpy.execute(x)';
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ opaque-dynamic-sql
        "#]],
        );
    }

    #[test]
    fn a_block_without_dynamic_sql() {
        wrapped().check("", expect!["DO $$ BEGIN RAISE NOTICE 'x'; END $$;"]);
    }

    #[test]
    fn a_function_is_not_run_when_it_is_made() {
        check("", expect!["CREATE FUNCTION f(t text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE t; END';"]);
    }

    #[test]
    fn a_routine_that_is_not_known() {
        external().say(
            "",
            "SELECT app.watch('users');",
            expect![[r#"
            opaque-dynamic-sql: what app.watch does is not known: no migration before makes it
        "#]],
        );
        external().say(
            "",
            "CALL tidy();",
            expect![[r#"
            opaque-dynamic-sql: what tidy does is not known: no migration before makes it
        "#]],
        );
    }

    #[test]
    fn calling_it_is() {
        check(
            "CREATE FUNCTION f(t text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE t; END';",
            expect![[r#"
                SELECT f('DROP TABLE a');
                --^^^^^^^^^^^^^^^^^^^^^^ opaque-dynamic-sql
            "#]],
        );
    }
}
