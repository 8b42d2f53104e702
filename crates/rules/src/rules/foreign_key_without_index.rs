//! A foreign key whose columns lead no index.

use std::collections::BTreeSet;

use model::effect::OperationKind;
use model::schema::{Constraint, ConstraintKind, Relation};

use crate::facts::list;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "foreign-key-without-index",
        level: Level::Info,
        group: Group::Style,
        docs: r#"
A foreign key without an index on its columns makes changes of the referenced table slow.

### What it does
Reports a foreign key when no index of the referencing table begins with its columns at the end of the file. Off unless asked
for.

### Why it hurts
Every DELETE, and every UPDATE of the key, in the referenced table reads the whole referencing table.

### Way out
Create an index on the columns, concurrently if the table is in use.

### When to allow it
The table is small, or rows of the referenced table are never deleted.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
```
```sql
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
```
```sql ok
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
CREATE INDEX ON orders (user_id);
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let after = &context.trace.after;
    let kinds = [OperationKind::AddForeignKey, OperationKind::CreateTable, OperationKind::AddColumn];
    let mut seen = BTreeSet::new();
    for at in context.operations_among(kinds) {
        let Some(name) = at.operation.relation.as_ref() else { continue };
        let Some(table) = after.relations.get(name).filter(|it| !it.open) else { continue };
        let known = at.relation();
        let new = |it: &&Constraint| known.is_none_or(|before: &Relation| before.constraint(&it.name).is_none());
        for constraint in table.constraints.iter().filter(new) {
            let ConstraintKind::ForeignKey { columns, referenced, .. } = &constraint.kind else { continue };
            let indexed = after.indexes_of(name).any(|index| {
                let leading: Vec<&str> =
                    index.elements.iter().take(columns.len()).filter_map(|it| it.column.as_deref()).collect();
                index.predicate.is_none() && columns.iter().all(|it| leading.contains(&&**it))
            });
            if indexed || !seen.insert((name, &constraint.name)) {
                continue;
            }
            let message =
                format!("no index of {name} begins with {}: deleting from {referenced} reads all of it", list(columns));
            findings.push(at.finding(&RULE, message).note("Create an index on the columns"));
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, style};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, other_id bigint);
        CREATE INDEX i ON orders (user_id, id);
    ";

    #[test]
    fn in_a_new_table() {
        style().check(
            GIVEN,
            expect![[r#"
            CREATE TABLE t (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ foreign-key-without-index
        "#]],
        );
    }

    #[test]
    fn with_an_index_later_in_the_file() {
        style().check(GIVEN, expect!["CREATE TABLE t (user_id bigint REFERENCES users); CREATE INDEX ON t (user_id);"]);
    }

    #[test]
    fn with_an_index_that_begins_with_it() {
        style().check(GIVEN, expect!["ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;"]);
    }

    #[test]
    fn added_to_a_table() {
        style().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ADD FOREIGN KEY (other_id) REFERENCES users NOT VALID;
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ foreign-key-without-index
        "#]],
        );
    }

    #[test]
    fn that_is_the_primary_key() {
        style().check(GIVEN, expect!["CREATE TABLE t (id bigint PRIMARY KEY REFERENCES users);"]);
    }

    #[test]
    fn unless_asked_for() {
        check(GIVEN, expect!["CREATE TABLE t (user_id bigint REFERENCES users);"]);
    }
}
