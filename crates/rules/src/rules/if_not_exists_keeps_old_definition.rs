//! IF NOT EXISTS over something that is there and different.

use model::name::QName;
use model::schema::{Born, ColumnType, Relation};
use syntax::Span;
use syntax::ast::{AlterAction, ColumnDef, StatementKind};

use crate::facts::{list, new_name, resolve};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "if-not-exists-keeps-old-definition",
        level: Level::Warning,
        group: Group::Data,
        docs: r#"
IF NOT EXISTS keeps what is there, even when it is something else.

### What it does
Reports CREATE TABLE IF NOT EXISTS and ADD COLUMN IF NOT EXISTS when the table or the column is there already, from an earlier
migration, and its columns or its type differ from what the statement says.

### Why it hurts
PostgreSQL prints a notice and changes nothing. The migration succeeds, and the code that expects the new definition meets the old
one.

### Way out
Alter what is there, in so many words.

### When to allow it
The statement repeats an old definition on purpose.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, age text);
```
```sql
ALTER TABLE users ADD COLUMN IF NOT EXISTS age integer;
```
```sql ok
ALTER TABLE users ADD COLUMN IF NOT EXISTS age text;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    if context.section == Section::Down {
        return;
    }
    for (statement, kind, judged) in context.statements() {
        let relation =
            |name: &QName| judged.before().relations.get(name).filter(|it| it.born == Born::Before && !it.maybe);
        let mut push = |span: Span, message: String| {
            let finding = context.finding(&RULE, statement, span, message);
            findings
                .push(finding.note("IF NOT EXISTS looks at the name only: alter what is there where it should change"));
        };
        match kind {
            StatementKind::CreateTable(table) if table.if_not_exists && table.likes.is_empty() => {
                let name = new_name(judged, &table.name);
                let Some(known) = relation(&name).filter(|it| !it.open) else { continue };
                let different: Vec<&str> = table
                    .columns
                    .iter()
                    .filter(|it| differs(known, it) != Some(false))
                    .map(|it| &*it.name.text)
                    .collect();
                if !different.is_empty() {
                    push(
                        table.name.span,
                        format!("{name} is there already and stays as it is: {} would be different", list(&different)),
                    );
                }
            }
            StatementKind::AlterTable(alter) => {
                let quiet = |action: &AlterAction| matches!(action, AlterAction::AddColumn { if_not_exists: true, .. });
                if !alter.subcommands.iter().any(|subcommand| quiet(&subcommand.action)) {
                    continue;
                }
                let Some(known) = relation(&resolve(judged, &alter.relation.name)) else { continue };
                for subcommand in &alter.subcommands {
                    let AlterAction::AddColumn { column, if_not_exists: true } = &subcommand.action else { continue };
                    if differs(known, column) == Some(true) {
                        push(
                            subcommand.span,
                            format!("{}.{} is there already and keeps its type", known.name, column.name.text),
                        );
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether the column has another type; `None` when it is not there.
fn differs(relation: &Relation, column: &ColumnDef) -> Option<bool> {
    let known = relation.column(&column.name.text)?;
    let (ColumnType::Known(old), Some(new)) = (&known.ty, &column.ty) else { return Some(false) };
    let stored = match new.name.as_str() {
        "serial" | "serial4" => "int4",
        "bigserial" | "serial8" => "int8",
        "smallserial" | "serial2" => "int2",
        name => name,
    };
    // Without a length varchar holds what text does.
    let text = |name: &str| ["text", "varchar"].contains(&name);
    let renamed = old.name != stored && !(text(&old.name) && text(stored));
    Some(renamed || old.array != new.array || old.modifiers != new.modifiers)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, wrapped};

    const GIVEN: &str =
        "CREATE TABLE users (id bigserial PRIMARY KEY, age text, name varchar(50), total numeric(10,2));";

    #[test]
    fn a_column_of_another_type() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN IF NOT EXISTS age int, ADD COLUMN IF NOT EXISTS name varchar(100);
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ if-not-exists-keeps-old-definition
                --                                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ if-not-exists-keeps-old-definition
            "#]],
        );
    }

    #[test]
    fn a_column_of_the_same_type() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN IF NOT EXISTS name character varying(50), ADD COLUMN IF NOT EXISTS total decimal(10, 2), ADD COLUMN IF NOT EXISTS age varchar;
        "#]],
        );
    }

    #[test]
    fn a_table_with_other_columns() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                CREATE TABLE IF NOT EXISTS users (id bigint PRIMARY KEY, age int, email text);
                --                         ^^^^^ if-not-exists-keeps-old-definition
            "#]],
        );
    }

    #[test]
    fn a_table_with_the_same_columns() {
        check(GIVEN, expect!["CREATE TABLE IF NOT EXISTS users (id bigserial PRIMARY KEY, age text);"]);
    }

    #[test]
    fn what_is_not_known() {
        check("", expect!["CREATE TABLE IF NOT EXISTS app.users (id int);"]);
    }

    #[test]
    fn without_if_not_exists_it_fails() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN age int;
            --                ^^^^^^^^^^^^^^^^^^ certain-failure
        "#]],
        );
    }

    #[test]
    fn twice_in_the_file() {
        check(GIVEN, expect!["CREATE TABLE t (a int); CREATE TABLE IF NOT EXISTS t (a text);"]);
    }

    #[test]
    fn down() {
        on_down().check(GIVEN, expect!["ALTER TABLE users ADD COLUMN IF NOT EXISTS age int;"]);
    }
}
