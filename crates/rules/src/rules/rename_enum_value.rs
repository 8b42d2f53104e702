//! ALTER TYPE ... RENAME VALUE.

use model::effect::{Breaks, OperationKind};
use model::schema::Born;

use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "rename-enum-value",
        level: Level::Warning,
        group: Group::Compatibility,
        docs: r#"
Renaming an enum value breaks application code that uses the old one.

### What it does
Reports ALTER TYPE ... RENAME VALUE on a type that was there before.

### Why it hurts
Statements of running code that mention the old value fail at once, and rows come back with a value that it does not know.

### Way out
Add the new value, deploy code that understands both, and change the rows in batches. The old value stays in the type unused.

### When to allow it
No code that runs knows the value: say so with a directive.

```sql given
CREATE TYPE state AS ENUM ('new', 'dne');
```
```sql
ALTER TYPE state RENAME VALUE 'dne' TO 'done';
```
```sql ok
ALTER TYPE state ADD VALUE 'done';
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
    for at in context.operations_of(OperationKind::RenameEnumValue) {
        let renamed = at.judged.breaks.iter().find_map(|it| match it {
            Breaks::EnumValueRenamed { name, from } => Some((name, from)),
            _ => None,
        });
        let Some((name, from)) = renamed else { continue };
        if at.judged.before().types.get(name).is_some_and(|it| it.born != Born::Before) {
            continue;
        }
        let message = format!("running code that uses the value '{from}' of {name} fails once it is renamed");
        findings.push(
            at.finding(&RULE, message)
                .note("Add the new value and change the rows in batches once all code understands both"),
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, wrapped};

    const GIVEN: &str = "CREATE TYPE state AS ENUM ('new', 'dne');";

    #[test]
    fn an_existing_type() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TYPE state RENAME VALUE 'dne' TO 'done';
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-enum-value
        "#]],
        );
    }

    #[test]
    fn an_unknown_type() {
        check(
            "",
            expect![[r#"
            ALTER TYPE app.state RENAME VALUE 'dne' TO 'done';
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-enum-value
        "#]],
        );
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TYPE state RENAME VALUE 'dne' TO 'done';
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ rename-enum-value
        "#]],
        );
    }

    #[test]
    fn a_type_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
                CREATE TYPE mood AS ENUM ('good', 'bd');
                ALTER TYPE mood RENAME VALUE 'bd' TO 'bad';
            "#]],
        );
    }

    #[test]
    fn adding_breaks_nothing() {
        check(GIVEN, expect!["ALTER TYPE state ADD VALUE 'done';"]);
    }

    #[test]
    fn down() {
        on_down().check(GIVEN, expect!["ALTER TYPE state RENAME VALUE 'dne' TO 'done';"]);
    }
}
