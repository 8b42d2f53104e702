//! DROP TABLE.

use model::effect::OperationKind;
use model::name::QName;
use model::schema::Born;
use syntax::ast::{Persistence, StatementKind};

use crate::facts::{At, list, resolve, stops_others};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "drop-table",
        level: Level::Warning,
        group: Group::Compatibility,
        docs: r#"
Dropping a table breaks application code that still uses it, and its rows are gone.

### What it does
Reports DROP TABLE of a table that was there before. Where the same transaction creates a table of that name again, it is only
the rows that are gone.

### Why it hurts
Code of the release that runs while the migration does still reads and writes the table: its statements fail at once. A
foreign key on either side makes the drop take ACCESS EXCLUSIVE on the other table too.

### Way out
Deploy code that does not use the table first. Drop its foreign keys one by one, perhaps rename the table and wait a while,
then drop it in a later migration and acknowledge it there with a directive.

### When to allow it
No code that runs uses the table any more: say so with a directive.

```sql given
CREATE TABLE sessions (id bigint PRIMARY KEY);
```
```sql
DROP TABLE sessions;
```
```sql
BEGIN;
DROP TABLE sessions;
CREATE TABLE sessions (id uuid PRIMARY KEY);
COMMIT;
```
```sql ok
-- safestep: allow(drop-table) unused since release 41
DROP TABLE sessions;
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
    for at in context.operations_of(OperationKind::DropTable) {
        let Some(StatementKind::Drop(drop)) = at.kind() else { continue };
        let named: Vec<QName> = drop.names.iter().map(|it| resolve(at.judged, &it.name)).collect();
        let effects = || at.operation.effects.iter().filter(|it| it.on.is_none() && stops_others(it));
        let used = |name: &&QName| effects().any(|it| it.relation == **name && !is_temporary(&at, name));
        let tables: Vec<&QName> = named.iter().filter(used).collect();
        if tables.is_empty() {
            continue;
        }
        let after = context.end_of_transaction(at.statement);
        let (again, gone): (Vec<&QName>, Vec<&QName>) =
            tables.iter().partition(|it| after.relations.get(**it).is_some_and(|it| it.born != Born::Before));
        let (message, way_out) = if gone.is_empty() {
            let message = format!("the rows of {} are gone, although the name is taken again", list(&again));
            (message, "Change the table as it is, or copy its rows before it goes")
        } else {
            let verb = if gone.len() == 1 { "table is" } else { "tables are" };
            let message = format!("running code that uses {} fails once the {verb} gone", list(&gone));
            (message, "Deploy code that does without it first, then acknowledge the drop with a directive")
        };
        let mut finding = at.finding(&RULE, message);
        let is_parent = |other: &QName| named.iter().any(|it| parent(&at, it) == Some(other));
        let others: Vec<_> =
            effects().map(|it| &it.relation).filter(|it| !named.contains(it) && !is_parent(it)).collect();
        if !others.is_empty() {
            finding = finding.note(format!("Foreign keys make it take ACCESS EXCLUSIVE on {} too", list(&others)));
        }
        findings.push(finding.note(way_out));
    }
}

fn is_temporary(at: &At, name: &QName) -> bool {
    at.judged.before().relations.get(name).is_some_and(|it| it.persistence == Persistence::Temporary)
}

fn parent<'a>(at: &At<'a>, name: &QName) -> Option<&'a QName> {
    at.judged.before().relations.get(name)?.partition_of.as_ref().map(|(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, timeouts, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE sessions (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
    ";

    #[test]
    fn an_existing_table() {
        check(
            GIVEN,
            expect![[r#"
            DROP TABLE sessions;
            --^^^^^^^^^^^^^^^^^ drop-table
        "#]],
        );
    }

    #[test]
    fn several() {
        check(
            GIVEN,
            expect![[r#"
            DROP TABLE IF EXISTS sessions, users;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ drop-table
        "#]],
        );
    }

    #[test]
    fn an_unknown_table() {
        check(
            "",
            expect![[r#"
            DROP TABLE IF EXISTS app.sessions;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ drop-table
        "#]],
        );
    }

    #[test]
    fn born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                CREATE TABLE t (a int); DROP TABLE t;
            "#]],
        );
    }

    #[test]
    fn created_again() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                DROP TABLE sessions; CREATE TABLE sessions (id uuid);
                --^^^^^^^^^^^^^^^^^ drop-table
            "#]],
        );
    }

    #[test]
    fn in_a_loop() {
        let sql = "DO $$ BEGIN FOR i IN 1..2 LOOP DROP TABLE IF EXISTS sessions; END LOOP; END $$";
        timeouts().say(GIVEN, sql, expect![[r#"
            missing-lock-timeout: no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on users, reads and writes wait behind it
              = Set lock_timeout to 2s before it, and try again when it runs out
            drop-table: running code that uses sessions fails once the table is gone
              = Foreign keys make it take ACCESS EXCLUSIVE on users too
              = Deploy code that does without it first, then acknowledge the drop with a directive
        "#]]);
    }

    #[test]
    fn acknowledged() {
        check(
            GIVEN,
            expect![[r#"
            DROP TABLE sessions; -- safestep: allow(drop-table) unused since release 41
        "#]],
        );
    }

    #[test]
    fn down() {
        on_down().check(GIVEN, expect!["DROP TABLE sessions;"]);
    }
}
