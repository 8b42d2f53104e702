//! DROP ... CASCADE.

use model::effect::OperationKind;
use syntax::ast::{AlterAction, ObjectKind, StatementKind};

use crate::facts::{At, stops_others, table_of};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "drop-cascade",
        level: Level::Error,
        group: Group::Data,
        docs: r#"
CASCADE drops objects that the statement does not name.

### What it does
Reports DROP with CASCADE of a thing that was there before, and DROP COLUMN and DROP CONSTRAINT with CASCADE.

### Why it hurts
Views, foreign keys of other tables, functions, whole columns of a dropped type go with it, unseen. Dropping a foreign key
takes ACCESS EXCLUSIVE on the tables at both ends.

### Way out
Leave CASCADE out, and drop what PostgreSQL then names, one by one.

### When to allow it
What depends on it is known and meant to go.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
```
```sql
DROP TABLE users CASCADE;
```
```sql ok
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
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
    let mut last = None;
    for at in context.operations() {
        if !cascades(&at) || last == Some((at.statement, at.operation.span)) || made_here(&at) {
            continue;
        }
        last = Some((at.statement, at.operation.span));
        let own = at.operation.relation.as_ref();
        let mut others: Vec<String> = Vec::new();
        for effect in at.operation.effects.iter().filter(|it| stops_others(it)) {
            let table = table_of(effect);
            if Some(table) != own && !others.contains(&table.to_string()) {
                others.push(table.to_string());
            }
        }
        let message = if others.is_empty() {
            "CASCADE drops whatever depends on it, without naming it".to_owned()
        } else {
            format!(
                "CASCADE drops whatever depends on it, and takes ACCESS EXCLUSIVE on {} as well",
                crate::facts::list(&others)
            )
        };
        findings.push(at.finding(&RULE, message).note("Leave CASCADE out and drop what depends on it one by one"));
    }
}

fn cascades(at: &At) -> bool {
    match (at.kind(), at.action()) {
        (_, Some(AlterAction::DropColumn { cascade, .. } | AlterAction::DropConstraint { cascade, .. })) => *cascade,
        // An index has no dependents but constraints.
        (Some(StatementKind::Drop(it)), _) => it.cascade && it.object != ObjectKind::Index,
        (Some(StatementKind::DropOwned { cascade, .. }), _) => *cascade,
        _ => false,
    }
}

/// What the file itself made has no dependents but the file's.
fn made_here(at: &At) -> bool {
    use model::schema::Born;
    if at.operation.kind == OperationKind::DropColumn || at.operation.kind == OperationKind::DropConstraint {
        return at.relation().is_some_and(|it| it.born != Born::Before);
    }
    let Some(StatementKind::Drop(drop)) = at.kind() else { return false };
    drop.names.iter().all(|it| {
        let name = model::name::QName::of(&it.name, "public");
        let schema = &at.judged.before;
        let relation = schema.relations.get(&name).map(|it| it.born);
        let ty = schema.types.get(&name).map(|it| it.born);
        relation.or(ty).is_some_and(|born| born != Born::Before)
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
        CREATE VIEW names AS SELECT name FROM users;
        CREATE TYPE state AS ENUM ('new');
    ";

    #[test]
    fn a_table() {
        check(
            GIVEN,
            expect![[r#"
            DROP TABLE users CASCADE;
            --^^^^^^^^^^^^^^^^^^^^^^ drop-cascade
            --^^^^^^^^^^^^^^^^^^^^^^ drop-table
        "#]],
        );
    }

    #[test]
    fn other_objects() {
        check(
            GIVEN,
            expect![[r#"
                DROP TYPE IF EXISTS state CASCADE;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ drop-cascade
                DROP VIEW names CASCADE;
                --^^^^^^^^^^^^^^^^^^^^^ drop-cascade
                DROP FUNCTION f(int) CASCADE;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^ drop-cascade
                DROP SCHEMA app CASCADE;
                --^^^^^^^^^^^^^^^^^^^^^ drop-cascade
            "#]],
        );
    }

    #[test]
    fn columns_and_constraints() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users DROP COLUMN name CASCADE, DROP CONSTRAINT users_pkey CASCADE;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^ drop-cascade
            --                ^^^^^^^^^^^^^^^^^^^^^^^^ drop-column
            --                                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ drop-cascade
            --                                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ dropped-unique-index-breaks-upsert
        "#]],
        );
    }

    #[test]
    fn without_cascade() {
        check(GIVEN, expect!["ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;"]);
    }

    #[test]
    fn what_the_file_made() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                CREATE TABLE t (a int);
                DROP TABLE t CASCADE;
            "#]],
        );
    }

    #[test]
    fn down() {
        on_down().check(GIVEN, expect!["DROP TABLE users CASCADE;"]);
    }
}
