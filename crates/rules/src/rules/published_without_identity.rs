//! A published table whose rows cannot be told apart.

use model::name::QName;
use model::schema::{Relation, RelationKind};
use syntax::ast::{Persistence, PublicationAction, StatementKind};

use crate::facts::{has_replica_identity, is_published, new_name, resolve};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "published-without-identity",
        level: Level::Warning,
        group: Group::Replication,
        docs: r#"
A published table without a key refuses UPDATE and DELETE.

### What it does
Reports a publication that gets a table without primary key and replica identity, and a table made without either while a
publication covers all tables.

### Why it hurts
Logical replication needs a key to tell which row changed: without one every UPDATE and DELETE of the table fails.

### Way out
Give the table a primary key, or REPLICA IDENTITY FULL, before it is published.

### When to allow it
The publication is for inserts only.

```sql given
CREATE TABLE logs (line text);
CREATE TABLE users (id bigint PRIMARY KEY);
```
```sql
CREATE PUBLICATION p FOR TABLE logs;
```
```sql ok
CREATE PUBLICATION p FOR TABLE users;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, kind, judged) in context.statements() {
        let names: Vec<QName> = match kind {
            StatementKind::CreatePublication(it)
            | StatementKind::AlterPublication {
                publication: it,
                action: PublicationAction::Add | PublicationAction::Set,
            } => it.tables.iter().map(|(table, _)| resolve(judged, &table.name)).collect(),
            StatementKind::CreateTable(it)
                if it.persistence == Persistence::Permanent && !judged.before().publications.is_empty() =>
            {
                vec![new_name(judged, &it.name)]
            }
            _ => continue,
        };
        let after = context.end_of_transaction(statement);
        let made = matches!(kind, StatementKind::CreateTable(_));
        let exposed = |name: &&QName| {
            let known = |it: &Relation| !it.open && !it.maybe && matches!(it.kind, RelationKind::Table);
            let relation = after.relations.get(*name).filter(|it| known(it));
            relation.is_some_and(|it| !has_replica_identity(after, it)) && (!made || is_published(after, name))
        };
        let span = context.whole(statement);
        for name in names.iter().filter(exposed) {
            let message = format!("{name} is published without a key: every UPDATE and DELETE of it fails");
            findings.push(
                context
                    .finding(&RULE, statement, span, message)
                    .note("Give it a primary key, or a full replica identity, first"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "CREATE TABLE logs (line text); CREATE TABLE users (id bigint PRIMARY KEY);";

    #[test]
    fn created() {
        check(
            GIVEN,
            expect![[r#"
            CREATE PUBLICATION p FOR TABLE users, logs;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ published-without-identity
        "#]],
        );
    }

    #[test]
    fn added() {
        check(
            "CREATE TABLE logs (line text); CREATE PUBLICATION p;",
            expect![[r#"
            ALTER PUBLICATION p ADD TABLE logs;
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ published-without-identity
        "#]],
        );
    }

    #[test]
    fn a_new_table_where_all_are_published() {
        check(
            "CREATE PUBLICATION p FOR ALL TABLES;",
            expect![[r#"
            CREATE TABLE t (a int);
            --^^^^^^^^^^^^^^^^^^^^ published-without-identity
        "#]],
        );
    }

    #[test]
    fn a_new_table_that_gets_its_key_later() {
        wrapped().check(
            "CREATE PUBLICATION p FOR ALL TABLES;",
            expect!["CREATE TABLE t (a int); ALTER TABLE t ADD PRIMARY KEY (a);"],
        );
    }

    #[test]
    fn with_a_key() {
        check(GIVEN, expect!["CREATE PUBLICATION p FOR TABLE users;"]);
    }

    #[test]
    fn with_full_identity() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE logs REPLICA IDENTITY FULL; CREATE PUBLICATION p FOR TABLE logs;
            "#]],
        );
    }

    #[test]
    fn an_unknown_table() {
        check("", expect!["CREATE PUBLICATION p FOR TABLE app.logs;"]);
    }
}
