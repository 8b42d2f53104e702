//! ALTER COLUMN TYPE that keeps the rows and builds indexes again.

use model::effect::{Effect, OperationKind, Work};
use syntax::ast::AlterAction;

use crate::facts::{holds, is_long, list};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "column-type-index-rebuild",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Changing a column's type can build its indexes again even where the rows stay as they are.

### What it does
Reports ALTER COLUMN TYPE on a table that was there before, when the rows keep their form but an index has to be built
again: the collation or the operator family changes, or the column stands in an index expression or predicate.

### Why it hurts
The table is held in ACCESS EXCLUSIVE until the indexes are built: even SELECT waits.

### Way out
Drop such an index concurrently, change the type, and build the index again concurrently.

### When to allow it
The table is small.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50));
CREATE INDEX users_email_idx ON users (lower(email));
```
```sql
ALTER TABLE users ALTER COLUMN email TYPE varchar(320);
```
```sql ok
DROP INDEX CONCURRENTLY users_email_idx;
CREATE INDEX CONCURRENTLY users_email_idx ON users (lower(email));
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::AlterType]) {
        if at.does(Work::Rewrite) || !at.does(Work::Build) {
            continue;
        }
        let (Some(effect), Some(AlterAction::AlterType { column, .. })) = (at.long_blocking(), at.action()) else {
            continue;
        };
        let built = |it: &&Effect| is_long(it) && it.work == Work::Build && it.on.is_some();
        let indexes: Vec<_> = at.operation.effects.iter().filter(built).map(|it| &it.relation).collect();
        let message = format!(
            "changing the type of {}.{} {} while {} built again",
            at.name(),
            column.text,
            holds(effect),
            match &indexes[..] {
                [] => "its indexes are".to_owned(),
                [one] => format!("index {one} is"),
                several => format!("the indexes {} are", list(several)),
            },
        );
        let finding = at.with_held(at.finding(&RULE, message));
        findings.push(finding.note(
            "The rows stay as they are: drop the index concurrently, change the type, then build the index again concurrently",
        ));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50), name text, at timestamp, note varchar(5));
        CREATE INDEX by_lower ON users (lower(email));
        CREATE INDEX by_name ON users (name);
        CREATE INDEX by_at ON users (at) WHERE note IS NOT NULL;
    ";

    #[test]
    fn an_index_expression() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ALTER email TYPE varchar(100);
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-index-rebuild
            "#]],
        );
    }

    #[test]
    fn an_index_predicate() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ALTER note TYPE text;
                --                ^^^^^^^^^^^^^^^^^^^^ column-type-index-rebuild
            "#]],
        );
    }

    #[test]
    fn a_collation() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ALTER name TYPE text COLLATE "C";
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-index-rebuild
            "#]],
        );
    }

    #[test]
    fn a_plain_index_stays() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ALTER name TYPE varchar;
            --                ^^^^^^^^^^^^^^^^^^^^^^^ cached-plan-change
        "#]],
        );
    }

    #[test]
    fn time_stamps_in_utc() {
        check(
            GIVEN,
            expect![[r#"
                SET timezone TO 'UTC';
                ALTER TABLE users ALTER at TYPE timestamptz;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-index-rebuild
            "#]],
        );
    }

    #[test]
    fn with_the_index_dropped_before() {
        check(
            GIVEN,
            expect![[r#"
                DROP INDEX CONCURRENTLY by_lower;
                ALTER TABLE users ALTER email TYPE varchar(100);
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cached-plan-change
                CREATE INDEX CONCURRENTLY by_lower ON users (lower(email));
            "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        wrapped().check(
            "",
            expect![[r#"
            CREATE TABLE drafts (title varchar(5));
            CREATE INDEX ON drafts (lower(title));
            ALTER TABLE drafts ALTER title TYPE text;
        "#]],
        );
    }
}
