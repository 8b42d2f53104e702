//! DROP VIEW without a replacement.

use model::effect::OperationKind;
use model::name::QName;
use model::schema::Born;
use syntax::ast::{ObjectKind, StatementKind};

use crate::facts::resolve;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "drop-view",
        level: Level::Warning,
        group: Group::Compatibility,
        docs: r#"
Dropping a view breaks application code that still reads it.

### What it does
Reports DROP VIEW and DROP MATERIALIZED VIEW of a view that was there before, unless the same transaction creates it again.

### Why it hurts
Code of the release that runs while the migration does still reads the view: its statements fail at once. Privileges, comments
and triggers go with the view, even when it is created again.

### Way out
Deploy code that does not read the view first, and acknowledge the drop with a directive. To change a view, drop and create it
in one transaction and grant again.

### When to allow it
No code that runs reads the view any more: say so with a directive.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE VIEW ids AS SELECT id FROM users;
```
```sql
DROP VIEW ids;
```
```sql ok
BEGIN;
DROP VIEW ids;
CREATE VIEW ids AS SELECT id, id * 2 AS twice FROM users;
COMMIT;
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
    let mut done = None;
    for at in context.operations_of(OperationKind::DropObject) {
        let Some(StatementKind::Drop(drop)) = at.kind() else { continue };
        let view = matches!(drop.object, ObjectKind::View | ObjectKind::MaterializedView);
        // One look at each statement, whatever number of operations it has; CASCADE has a rule of its own.
        if !view || drop.cascade || done == Some((at.statement, at.operation.span)) {
            continue;
        }
        done = Some((at.statement, at.operation.span));
        let after = context.end_of_transaction(at.statement);
        let gone = |name: &&QName| {
            let before = at.judged.before().relations.get(*name).is_none_or(|it| it.born == Born::Before);
            before && after.relations.get(*name).is_none()
        };
        let names: Vec<QName> = drop.names.iter().map(|it| resolve(at.judged, &it.name)).collect();
        for name in names.iter().filter(gone) {
            let message = format!("running code that reads {name} fails once the view is gone");
            findings.push(at.finding(&RULE, message).note(
                "Deploy code that does without it first, then acknowledge the drop with a directive; to change it, create it again in the same transaction",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE VIEW ids AS SELECT id FROM users;
        CREATE MATERIALIZED VIEW stored AS SELECT id FROM users;
    ";

    #[test]
    fn dropped() {
        check(
            GIVEN,
            expect![[r#"
            DROP VIEW ids; DROP MATERIALIZED VIEW IF EXISTS stored;
            --^^^^^^^^^^^ drop-view
            --             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ drop-view
        "#]],
        );
    }

    #[test]
    fn created_again_in_the_transaction() {
        wrapped().check(GIVEN, expect!["DROP VIEW ids; CREATE VIEW ids AS SELECT id AS key FROM users;"]);
    }

    #[test]
    fn created_again_after_a_gap() {
        check(
            GIVEN,
            expect![[r#"
            DROP VIEW ids; CREATE VIEW ids AS SELECT id AS key FROM users;
            --^^^^^^^^^^^ drop-view
        "#]],
        );
    }

    #[test]
    fn an_unknown_view() {
        check(
            "",
            expect![[r#"
            DROP VIEW app.ids;
            --^^^^^^^^^^^^^^^ drop-view
        "#]],
        );
    }

    #[test]
    fn born_in_the_file() {
        check(GIVEN, expect!["CREATE VIEW v AS SELECT 1 AS a; DROP VIEW v;"]);
    }

    #[test]
    fn down() {
        on_down().check(GIVEN, expect!["DROP VIEW ids;"]);
    }
}
