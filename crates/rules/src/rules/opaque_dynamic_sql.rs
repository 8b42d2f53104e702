//! SQL that is put together at run time.

use model::effect::OperationKind;
use syntax::Span;
use syntax::ast::StatementKind;

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
that is not read, or text that is mostly template.

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
    let mut push = |statement: usize, span: Span| {
        let message = "what this does is known only at run time".to_owned();
        findings.push(context.finding(&RULE, statement, span, message));
    };
    for (statement, kind, judged) in context.statements() {
        match kind {
            StatementKind::Template(error) => push(statement, error.span),
            StatementKind::Invalid(error) if context.script.is_chosen(context.locate(statement, error.span)) => {
                push(statement, error.span);
            }
            _ => {}
        }
        if judged.does(OperationKind::Opaque) {
            let opaque = judged.operations.iter().filter(|it| it.kind == OperationKind::Opaque);
            opaque.for_each(|operation| push(statement, operation.span));
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

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
