//! What the grammar rejects.

use syntax::ast::StatementKind;

use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "syntax-error",
        level: Level::Error,
        group: Group::Compatibility,
        docs: r#"
The statement is not PostgreSQL.

### What it does
Reports a statement that PostgreSQL's own grammar rejects. The other statements of the file are judged all the same.

### Why it hurts
The migration fails there.

### Way out
Correct the statement.

### When to allow it
The file is not meant for PostgreSQL as it stands.

```sql
CREATE TABEL users (id bigint);
```
```sql ok
CREATE TABLE users (id bigint);
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, kind, _) in context.statements() {
        let StatementKind::Invalid(error) = kind else { continue };
        // It may be meant for another database.
        if context.script.is_chosen(context.locate(statement, error.span)) {
            continue;
        }
        let mut finding = context.finding(&RULE, statement, error.span, error.message.clone());
        finding.notes.extend(error.hint.clone());
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    #[test]
    fn a_word() {
        check(
            "",
            expect![[r#"
            CREATE TABEL users (id bigint);
            --     ^^^^^ syntax-error
        "#]],
        );
    }

    #[test]
    fn where_a_template_chooses() {
        check(
            "CREATE TABLE users (id bigint PRIMARY KEY);",
            expect![[r#"
                {{if .mysql}}
                --^^^^^^^^^^^ opaque-dynamic-sql
                SELECT 1;
                INSERT IGNORE INTO users VALUES (1);
                ALTER TABLE users ADD PRIMARY KEY (id);
                {{end}}
                SELEC 1;
            "#]],
        );
    }

    #[test]
    fn the_end() {
        check(
            "",
            expect![[r#"
            ALTER TABLE users ADD COLUMN
            --                    ^^^^^^ syntax-error
        "#]],
        );
    }

    #[test]
    fn the_other_statements_are_judged() {
        check(
            "CREATE TABLE users (id bigint);",
            expect![[r#"
                CREATE INDEX i ON users (id);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
                SELEC 1;
                --^^^ syntax-error
                CREATE INDEX j ON users (id);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
            "#]],
        );
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            "",
            expect![[r#"
            ALTER TABLE users ADD CONSTRAINT c CHECK (a > 0;
            --                                            ^ syntax-error
        "#]],
        );
    }

    #[test]
    fn an_open_quote() {
        check(
            "",
            expect![[r#"
            SELECT 'abc;
            --     ^^^^^ syntax-error
        "#]],
        );
    }

    #[test]
    fn psql_commands_are_none() {
        check(
            "",
            expect![[r#"
            \set ON_ERROR_STOP on
            SELECT 1;
        "#]],
        );
    }
}
