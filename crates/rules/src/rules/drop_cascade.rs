//! DROP ... CASCADE.

use model::effect::OperationKind;
use model::name::QName;
use model::schema::{Born, ConstraintKind, Relation, RelationKind};
use syntax::ast::{AlterAction, ObjectKind, StatementKind};

use crate::facts::{At, list, resolve};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "drop-cascade",
        level: Level::Error,
        group: Group::Data,
        docs: r#"
CASCADE drops objects that the statement does not name.

### What it does
Reports DROP with CASCADE of a thing that was there before, and DROP COLUMN and DROP CONSTRAINT with CASCADE, unless the history
of the migrations is known from the beginning and nothing depends on it.

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
    let drops =
        [OperationKind::DropColumn, OperationKind::DropConstraint, OperationKind::DropTable, OperationKind::DropObject];
    let mut last = None;
    for at in context.operations_among(drops) {
        if !cascades(&at) || last == Some((at.statement, at.operation.span)) {
            continue;
        }
        last = Some((at.statement, at.operation.span));
        let named = named(&at);
        let along = taken_along(&at, &named);
        if along.is_empty() && (made_here(&at, &named) || known_in_full(&at, &named)) {
            continue;
        }
        let message = match &along[..] {
            [] => "CASCADE drops whatever depends on it, without naming it".to_owned(),
            [..] if along.len() <= 4 => format!("CASCADE drops {} as well", list(&along)),
            [first, second, third, rest @ ..] => {
                format!("CASCADE drops {first}, {second}, {third} and {} more things as well", rest.len())
            }
            _ => continue,
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

/// What the statement names: objects to drop, or the relation of the column or constraint.
fn named(at: &At) -> Vec<QName> {
    match at.kind() {
        Some(StatementKind::Drop(drop)) => drop.names.iter().map(|it| resolve(at.judged, &it.name)).collect(),
        _ => at.operation.relation.iter().cloned().collect(),
    }
}

/// What the file itself made has no dependents but the file's.
fn made_here(at: &At, named: &[QName]) -> bool {
    let schema = at.judged.before();
    !named.is_empty()
        && named.iter().all(|name| {
            let relation = schema.relations.get(name).map(|it| it.born);
            let ty = schema.types.get(name).map(|it| it.born);
            relation.or(ty).is_some_and(|born| born != Born::Before)
        })
}

/// The history tells all there is, so what it does not tell to depend on it does not.
fn known_in_full(at: &At, named: &[QName]) -> bool {
    let schema = at.judged.before();
    let known = |name: &QName| {
        let relation = schema.relations.get(name).is_some_and(|it| !it.open && !it.maybe);
        relation || schema.types.contains_key(name) || schema.functions.contains_key(name)
    };
    schema.complete && !named.is_empty() && named.iter().all(known)
}

/// What goes beyond what is named, as far as the history tells.
fn taken_along(at: &At, named: &[QName]) -> Vec<String> {
    let before = at.judged.before();
    let after = at.context.trace.judged.get(at.statement + 1).map_or(&at.context.trace.after, |next| next.before());
    let mut along = Vec::new();
    let below: Vec<QName> = named.iter().flat_map(|it| before.descendants(it)).collect();
    for (name, relation) in before.relations.iter() {
        match after.relations.get(name) {
            Some(now) if at.action().is_some() && (named.contains(name) || below.contains(name)) => {
                along.extend(lost(&without_cascade(at, relation), now));
            }
            _ if named.contains(name) => {}
            Some(now) => along.extend(lost(relation, now)),
            None => {
                // These go without CASCADE too.
                let part = relation.owned_by.is_some()
                    || relation.partition_of.as_ref().is_some_and(|(parent, _)| named.contains(parent));
                if !part {
                    along.push(format!("{} {name}", noun(relation.kind)));
                }
            }
        }
    }
    let functions = before.functions.keys().filter(|it| !named.contains(it) && !after.functions.contains_key(*it));
    along.extend(functions.map(|name| format!("function {name}")));
    let types = before.types.keys().filter(|it| !named.contains(it) && !after.types.contains_key(*it));
    along.extend(types.map(|name| format!("type {name}")));
    along
}

/// The relation of a DROP COLUMN or DROP CONSTRAINT less what goes without CASCADE: its columns, and the constraints on them.
fn without_cascade(at: &At, relation: &Relation) -> Relation {
    let actions = || at.alter_table().into_iter().flat_map(|it| &it.subcommands).map(|it| &it.action);
    let dropped = |name: &str| {
        actions().any(|it| matches!(it, AlterAction::DropColumn { column, .. } if column.text.as_str() == name))
    };
    let mut rest = relation.clone();
    rest.columns.retain(|it| !dropped(&it.name));
    rest.constraints.retain(|it| match &it.kind {
        ConstraintKind::ForeignKey { columns, referenced, .. } => {
            let named = |action: &AlterAction| matches!(action, AlterAction::DropConstraint { name, .. } if *name.text == *it.name);
            *referenced == relation.name && !columns.iter().any(|it| dropped(it)) && !actions().any(named)
        }
        _ => false,
    });
    rest
}

/// What a relation that stays has lost.
fn lost(before: &Relation, after: &Relation) -> Vec<String> {
    let name = &before.name;
    let mut lost = Vec::new();
    for column in &before.columns {
        match after.column(&column.name) {
            None => lost.push(format!("column {name}.{}", column.name)),
            Some(now) if column.default.is_some() && now.default.is_none() => {
                lost.push(format!("the default of {name}.{}", column.name));
            }
            Some(_) => {}
        }
    }
    let gone = before.constraints.iter().filter(|it| after.constraint(&it.name).is_none());
    lost.extend(gone.map(|it| format!("constraint {} of {name}", it.name)));
    let gone = before.triggers.iter().filter(|it| after.triggers.iter().all(|now| now.name != it.name));
    lost.extend(gone.map(|it| format!("trigger {} of {name}", it.name)));
    let gone = before.policies.iter().filter(|it| after.policies.iter().all(|now| now.name != it.name));
    lost.extend(gone.map(|it| format!("policy {} of {name}", it.name)));
    lost
}

fn noun(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::View => "view",
        RelationKind::MaterializedView => "materialized view",
        RelationKind::Sequence => "sequence",
        _ => "table",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, complete, on_down, timeouts, wrapped};

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
    fn dependents_in_the_same_table() {
        let given = "
            CREATE TABLE tasks (id int PRIMARY KEY, above int REFERENCES tasks, note text);
            CREATE TRIGGER t AFTER UPDATE OF note ON tasks FOR EACH ROW EXECUTE FUNCTION f();
        ";
        let said =
            |action: &str, expected| timeouts().say(given, &format!("ALTER TABLE tasks {action} CASCADE"), expected);
        said(
            "DROP COLUMN note",
            expect![[r#"
            missing-lock-timeout: no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on tasks, reads and writes wait behind it
              = Set lock_timeout to 2s before it, and try again when it runs out
            drop-cascade: CASCADE drops trigger t of tasks as well
              = Leave CASCADE out and drop what depends on it one by one
            drop-column: running code that uses tasks.note fails once the column is gone
              = Deploy code that does without it first, then acknowledge the drop with a directive
        "#]],
        );
        said(
            "DROP CONSTRAINT tasks_pkey",
            expect![[r#"
            missing-lock-timeout: no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on tasks, reads and writes wait behind it
              = Set lock_timeout to 2s before it, and try again when it runs out
            drop-cascade: CASCADE drops constraint tasks_above_fkey of tasks as well
              = Leave CASCADE out and drop what depends on it one by one
            dropped-unique-index-breaks-upsert: code that inserts into tasks ON CONFLICT (id) fails without tasks_pkey
              = Build another unique index on id concurrently before this one goes
        "#]],
        );
    }

    #[test]
    fn what_nothing_depends_on() {
        complete().check(
            GIVEN,
            expect![[r#"
                DROP TABLE orders CASCADE;
                --^^^^^^^^^^^^^^^^^^^^^^^ drop-table
                DROP TABLE users CASCADE;
                --^^^^^^^^^^^^^^^^^^^^^^ drop-cascade
                --^^^^^^^^^^^^^^^^^^^^^^ drop-table
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
