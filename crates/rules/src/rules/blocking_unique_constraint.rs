//! A UNIQUE constraint whose index is built in the same step.

use model::effect::OperationKind;

use crate::facts::holds;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "blocking-unique-constraint",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Adding a UNIQUE constraint stops reads and writes while its index is built.

### What it does
Reports a UNIQUE constraint that is added to a table that was there before and builds its index in the same step, in ALTER
TABLE or inline with an added column.

### Why it hurts
The table is held in ACCESS EXCLUSIVE until the index is built: even SELECT waits.

### Way out
Build a unique index concurrently, then add the constraint USING INDEX, which only takes a moment.

On a partitioned table add the constraint to only the parent, prepare the same constraint on each partition like this, and
attach their indexes.

### When to allow it
The table is small.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
```
```sql
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email);
```
```sql ok
CREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_key;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::AddUnique]) {
        let Some(effect) = at.long_blocking() else { continue };
        let message = format!("adding the UNIQUE constraint {} until its index is built", holds(effect));
        let partitioned = at.relation().is_some_and(|it| it.partition_by.is_some());
        let finding = at.with_held(at.finding(&RULE, message));
        findings.push(finding.note(if partitioned {
            "Add it to only the parent, prepare the constraint on each partition from a concurrently built index, then attach their indexes"
        } else if at.operation.constraint.is_some() {
            "Add the column alone, build a unique index concurrently, then add the constraint using that index"
        } else {
            "Build a unique index concurrently, then add the constraint using that index"
        }));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email text);
        CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (minvalue) TO (maxvalue);
    ";

    #[test]
    fn one_step() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD UNIQUE (email), ADD COLUMN age int;
            --                ^^^^^^^^^^^^^^^^^^ blocking-unique-constraint
        "#]],
        );
    }

    #[test]
    fn inline_with_a_new_column() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN token text UNIQUE;
            --                                      ^^^^^^ blocking-unique-constraint
        "#]],
        );
    }

    #[test]
    fn from_an_index() {
        check(
            GIVEN,
            expect![[r#"
            CREATE UNIQUE INDEX CONCURRENTLY u ON users (email);
            ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX u;
        "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE posts (id bigint UNIQUE, title text);
            ALTER TABLE posts ADD UNIQUE (title);
        "#]],
        );
    }

    #[test]
    fn on_a_partitioned_table() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE events ADD UNIQUE (id, at);
            --                 ^^^^^^^^^^^^^^^^^^^ blocking-unique-constraint
        "#]],
        );
    }

    #[test]
    fn on_only_the_parent() {
        check(GIVEN, expect!["ALTER TABLE ONLY events ADD UNIQUE (id, at);"]);
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD UNIQUE (email);
            --                ^^^^^^^^^^^^^^^^^^ blocking-unique-constraint
        "#]],
        );
    }
}
