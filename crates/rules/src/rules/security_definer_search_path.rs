//! SECURITY DEFINER without a search_path of its own.

use syntax::ast::StatementKind;

use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "security-definer-search-path",
        level: Level::Warning,
        group: Group::Security,
        docs: r#"
A SECURITY DEFINER function without its own search_path can be made to run foreign code.

### What it does
Reports CREATE FUNCTION and CREATE PROCEDURE with SECURITY DEFINER and without SET search_path. A body written as SQL statements
(BEGIN ATOMIC) is safe: its names are looked up when it is made.

### Why it hurts
The function runs with its owner's rights, but looks names up along the caller's search_path: a caller who puts an object of
the same name in front has it run with these rights.

### Way out
SET search_path in the definition, to the schemas it needs and `pg_temp` last.

### When to allow it
Nobody but its owner can call it.

```sql
CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM secrets';
```
```sql ok
CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = app, pg_temp
AS 'SELECT count(*) FROM secrets';
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, kind, _) in context.statements() {
        let StatementKind::CreateFunction(function) = kind else { continue };
        if !function.security_definer || function.sets_search_path || function.atomic {
            continue;
        }
        let message = format!("{} runs with its owner's rights along the caller's search_path", function.name.name);
        findings.push(
            context
                .finding(&RULE, statement, function.name.span, message)
                .note("Set the search_path in its definition, with pg_temp last"),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::check;

    #[test]
    fn without() {
        check(
            "",
            expect![[r#"
            CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
            --              ^ security-definer-search-path
        "#]],
        );
    }

    #[test]
    fn a_procedure() {
        check(
            "",
            expect![[r#"
            CREATE OR REPLACE PROCEDURE app.p() LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN END';
            --                          ^^^^^ security-definer-search-path
        "#]],
        );
    }

    #[test]
    fn with() {
        check(
            "",
            expect![[r#"
            CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1';
        "#]],
        );
    }

    #[test]
    fn invoker() {
        check("", expect!["CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY INVOKER AS 'SELECT 1';"]);
    }

    #[test]
    fn default() {
        check("", expect!["CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"]);
    }

    #[test]
    fn a_standard_body() {
        check("", expect!["CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1;"]);
    }

    #[test]
    fn another_setting() {
        check(
            "",
            expect![[r#"
                CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET work_mem = '1MB' AS 'SELECT 1';
                --              ^ security-definer-search-path
            "#]],
        );
    }
}
