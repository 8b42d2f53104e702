//! A unique index or constraint dropped without replacement.

use model::effect::OperationKind;
use model::schema::{Born, ConstraintKind, Index, Schema};
use syntax::ast::{AlterAction, ObjectKind, StatementKind};

use crate::facts::{list, resolve};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "dropped-unique-index-breaks-upsert",
        level: Level::Info,
        group: Group::Compatibility,
        docs: r#"
Without its unique index, INSERT with ON CONFLICT on those columns fails.

### What it does
Reports a unique index, UNIQUE constraint or primary key of a table that was there before, when it is dropped and no other
unique index covers the same columns when the transaction ends. When the file drops one of the columns as well, that is the
finding.

### Why it hurts
Running code that says ON CONFLICT with these columns fails at once: "there is no unique or exclusion constraint matching". A
partial index, or one on an expression, does not take its place.

### Way out
Create the replacement first, concurrently, then drop the old one.

### When to allow it
No code that runs uses ON CONFLICT with these columns.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
CREATE UNIQUE INDEX users_email_idx ON users (email);
```
```sql
DROP INDEX CONCURRENTLY users_email_idx;
```
```sql ok
CREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);
DROP INDEX CONCURRENTLY users_email_idx;
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
    for at in context.operations_on_others([OperationKind::DropConstraint, OperationKind::DropIndex]) {
        let before = at.judged.before();
        let dropped: Vec<&Index> = match (at.kind(), at.action()) {
            (_, Some(AlterAction::DropConstraint { name, .. })) => {
                let constraint = at.relation().and_then(|it| it.constraint(&name.text));
                let unique = constraint.is_some_and(|it| {
                    matches!(it.kind, ConstraintKind::Unique { .. } | ConstraintKind::PrimaryKey { .. })
                });
                let table = at.operation.relation.as_ref().filter(|_| unique);
                table
                    .into_iter()
                    .flat_map(|it| before.indexes_of(it))
                    .filter(|it| *it.name.name == *name.text)
                    .collect()
            }
            (Some(StatementKind::Drop(drop)), _) if drop.object == ObjectKind::Index => drop
                .names
                .iter()
                .filter_map(|it| before.indexes.get(&resolve(at.judged, &it.name)))
                .map(|it| &**it)
                .collect(),
            _ => continue,
        };
        let after = context.end_of_transaction(at.statement);
        for index in dropped {
            let old = index.unique && index.valid && index.predicate.is_none() && index.born == Born::Before;
            let columns: Option<Vec<&str>> = index.elements.iter().map(|it| it.column.as_deref()).collect();
            let Some(columns) = columns.filter(|_| old) else { continue };
            let table_stays = after.relations.get(&index.table).is_some_and(|it| it.born == Born::Before);
            if !table_stays
                || successor(after, index, &columns).is_some()
                || goes_with_a_column(context, at.statement, index)
            {
                continue;
            }
            // One that comes later in the file ends the gap.
            let until = match successor(&context.trace.after, index, &columns) {
                Some(new) => format!("until {} is built", new.name),
                None => format!("without {}", index.name),
            };
            let message =
                format!("code that inserts into {} ON CONFLICT ({}) fails {until}", index.table, columns.join(", "));
            findings.push(
                at.finding(&RULE, message).note(format!(
                    "Build another unique index on {} concurrently before this one goes",
                    list(&columns)
                )),
            );
        }
    }
}

/// This or a later statement drops a column of the index, which breaks the code that names it in any case.
fn goes_with_a_column(context: &Context, statement: usize, index: &Index) -> bool {
    let of_index = |column: &str| index.elements.iter().any(|it| it.column.as_deref() == Some(column));
    context.operations_of(OperationKind::DropColumn).any(|it| {
        it.statement >= statement
            && !it.operation.conditional
            && it.operation.relation.as_ref() == Some(&index.table)
            && matches!(it.action(), Some(AlterAction::DropColumn { column, .. }) if of_index(&column.text))
    })
}

/// An index that makes the same columns unique.
fn successor<'a>(schema: &'a Schema, old: &'a Index, columns: &[&str]) -> Option<&'a Index> {
    schema.indexes_of(&old.table).find(|index| {
        let same = index.elements.len() == columns.len()
            && index.elements.iter().all(|it| it.column.as_deref().is_some_and(|it| columns.contains(&it)));
        let other = index.name != old.name || index.born != old.born;
        other && index.unique && index.valid && index.predicate.is_none() && same
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, external, on_down, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email text UNIQUE, name text);
        CREATE UNIQUE INDEX i ON users (name, email);
        CREATE UNIQUE INDEX partial ON users (name) WHERE email IS NULL;
        CREATE INDEX plain ON users (name);
    ";

    #[test]
    fn an_index() {
        check(
            GIVEN,
            expect![[r#"
                DROP INDEX CONCURRENTLY i;
                --^^^^^^^^^^^^^^^^^^^^^^^ dropped-unique-index-breaks-upsert
            "#]],
        );
    }

    #[test]
    fn a_constraint() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users DROP CONSTRAINT users_email_key;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ dropped-unique-index-breaks-upsert
        "#]],
        );
    }

    #[test]
    fn replaced_before() {
        check(
            GIVEN,
            expect![[r#"
                CREATE UNIQUE INDEX CONCURRENTLY j ON users (email, name);
                DROP INDEX CONCURRENTLY i;
            "#]],
        );
    }

    #[test]
    fn replaced_after() {
        let sql = "DROP INDEX i; CREATE UNIQUE INDEX i ON users (name, email)";
        wrapped().say(GIVEN, sql, expect![[r#"
            blocking-index-drop: dropping index i takes ACCESS EXCLUSIVE on users: reads and writes queue behind it while a query on the table runs
              = Drop it concurrently, which a transaction does not allow
              = Put it in a migration of its own that runs without a transaction
            blocking-index-creation: building index i runs while ACCESS EXCLUSIVE is held on users: reads and writes wait until it is built
              = Build it concurrently, which a transaction does not allow
              = Put it in a migration of its own that runs without a transaction
              ACCESS EXCLUSIVE is held on users since here: DROP INDEX i
        "#]]);
        external().say(GIVEN, sql, expect![[r#"
            blocking-index-drop: dropping index i takes ACCESS EXCLUSIVE on users: reads and writes queue behind it while a query on the table runs
              = Drop it concurrently
            dropped-unique-index-breaks-upsert: code that inserts into users ON CONFLICT (name, email) fails until i is built
              = Build another unique index on name and email concurrently before this one goes
            blocking-index-creation: building index i holds SHARE on users: writes wait until it is built
              = Build it concurrently
        "#]]);
    }

    #[test]
    fn a_primary_key_swapped_in_one_statement() {
        check(
            GIVEN,
            expect![[r#"
            CREATE UNIQUE INDEX CONCURRENTLY k ON users (id);
            ALTER TABLE users DROP CONSTRAINT users_pkey, ADD CONSTRAINT k PRIMARY KEY USING INDEX k;
        "#]],
        );
    }

    #[test]
    fn indexes_that_no_conflict_names() {
        check(
            GIVEN,
            expect![[r#"
                DROP INDEX CONCURRENTLY partial; DROP INDEX CONCURRENTLY plain;
            "#]],
        );
    }

    #[test]
    fn of_a_table_born_in_the_file() {
        wrapped().check(GIVEN, expect!["CREATE TABLE t (a int UNIQUE); ALTER TABLE t DROP CONSTRAINT t_a_key;"]);
    }

    #[test]
    fn a_column_goes_as_well() {
        check(
            GIVEN,
            expect![[r#"
                DROP INDEX CONCURRENTLY i;
                ALTER TABLE users DROP CONSTRAINT users_email_key, DROP COLUMN email, ADD COLUMN email uuid;
                --                                                 ^^^^^^^^^^^^^^^^^ drop-column
            "#]],
        );
    }

    #[test]
    fn down() {
        on_down().check(
            GIVEN,
            expect![[r#"
                DROP INDEX CONCURRENTLY i;
            "#]],
        );
    }
}
