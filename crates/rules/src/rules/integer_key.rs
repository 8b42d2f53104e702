//! A key that runs out at 2,147,483,647.

use syntax::ast::{ConstraintKind, StatementKind};

use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "integer-key",
        level: Level::Info,
        group: Group::Style,
        docs: r#"
An integer key runs out at 2,147,483,647, and changing it later rewrites the table.

### What it does
Reports a primary key column of type integer, smallint, serial or smallserial in CREATE TABLE. Off unless asked for.

### Why it hurts
When the numbers run out, inserts fail. Changing the column to bigint rewrites the table and everything that references it.

### Way out
Use bigint.

### When to allow it
The table stays small by its nature.

```sql
CREATE TABLE users (id integer PRIMARY KEY);
```
```sql ok
CREATE TABLE users (id bigint PRIMARY KEY);
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, kind, _) in context.statements() {
        let StatementKind::CreateTable(table) = kind else { continue };
        for column in &table.columns {
            let small = column.ty.as_ref().is_some_and(|ty| {
                !ty.array && ["int2", "int4", "serial", "serial4", "smallserial", "serial2"].contains(&ty.name.as_str())
            });
            let inline = column.constraints.iter().any(|it| matches!(it.kind, ConstraintKind::PrimaryKey(_)));
            let alone = table.constraints.iter().any(|it| match &it.kind {
                ConstraintKind::PrimaryKey(key) => matches!(&key.columns[..], [one] if one.text == column.name.text),
                _ => false,
            });
            if !small || !(inline || alone) {
                continue;
            }
            let message =
                format!("{} runs out at 2,147,483,647, and changing it later rewrites the table", column.name.text);
            findings.push(context.finding(&RULE, statement, column.span, message).note("Use bigint"));
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, style};

    #[test]
    fn inline() {
        style().check(
            "",
            expect![[r#"
            CREATE TABLE t (id serial PRIMARY KEY);
            --              ^^^^^^^^^^^^^^^^^^^^^ integer-key
        "#]],
        );
    }

    #[test]
    fn as_a_table_constraint() {
        style().check(
            "",
            expect![[r#"
            CREATE TABLE t (id int, PRIMARY KEY (id));
            --              ^^^^^^ integer-key
        "#]],
        );
    }

    #[test]
    fn one_of_several_columns() {
        style().check("", expect!["CREATE TABLE t (a int, b int, PRIMARY KEY (a, b));"]);
    }

    #[test]
    fn bigint() {
        style().check("", expect!["CREATE TABLE t (id bigserial PRIMARY KEY);"]);
    }

    #[test]
    fn not_a_key() {
        style().check("", expect!["CREATE TABLE t (id uuid PRIMARY KEY, count int);"]);
    }

    #[test]
    fn unless_asked_for() {
        check("", expect!["CREATE TABLE t (id int PRIMARY KEY);"]);
    }
}
