//! A timestamp that does not say when.

use syntax::ast::{AlterAction, ColumnDef, StatementKind};

use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "timestamp-without-time-zone",
        level: Level::Info,
        group: Group::Style,
        docs: r#"
A timestamp without time zone means another moment in each session.

### What it does
Reports a column of type timestamp without time zone in CREATE TABLE and ADD COLUMN. Off unless asked for.

### Why it hurts
It stores what the clock on the wall says, not a moment. Changing it to timestamptz later rewrites the table unless the session
runs in UTC.

### Way out
Use timestamptz: it takes the same space.

### When to allow it
The wall clock is what is meant, e.g. for opening hours.

```sql
CREATE TABLE events (id bigint PRIMARY KEY, at timestamp);
```
```sql ok
CREATE TABLE events (id bigint PRIMARY KEY, at timestamptz);
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, kind, _) in context.statements() {
        let columns: Vec<&ColumnDef> = match kind {
            StatementKind::CreateTable(it) => it.columns.iter().collect(),
            StatementKind::AlterTable(it) => it
                .subcommands
                .iter()
                .filter_map(|it| match &it.action {
                    AlterAction::AddColumn { column, .. } => Some(column),
                    _ => None,
                })
                .collect(),
            _ => continue,
        };
        for column in columns {
            if column.ty.as_ref().is_some_and(|ty| ty.name == "timestamp") {
                let message = format!("{} does not say which moment it means", column.name.text);
                findings.push(context.finding(&RULE, statement, column.span, message).note("Use timestamptz"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, style};

    #[test]
    fn in_create_table() {
        style().check(
            "",
            expect![[r#"
            CREATE TABLE t (at timestamp(3) without time zone);
            --              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ timestamp-without-time-zone
        "#]],
        );
    }

    #[test]
    fn in_add_column() {
        style().check(
            "",
            expect![[r#"
            ALTER TABLE t ADD COLUMN at timestamp;
            --                       ^^^^^^^^^^^^ timestamp-without-time-zone
        "#]],
        );
    }

    #[test]
    fn an_array() {
        style().check(
            "",
            expect![[r#"
            CREATE TABLE t (at timestamp[]);
            --              ^^^^^^^^^^^^^^ timestamp-without-time-zone
        "#]],
        );
    }

    #[test]
    fn with_time_zone() {
        style().check("", expect!["CREATE TABLE t (at timestamptz, b timestamp with time zone);"]);
    }

    #[test]
    fn other_types() {
        style().check("", expect!["CREATE TABLE t (a date, b time, c interval);"]);
    }

    #[test]
    fn unless_asked_for() {
        check("", expect!["CREATE TABLE t (at timestamp);"]);
    }
}
