//! A primary key whose index is built, or whose columns are checked, in the same step.

use model::effect::{OperationKind, Work};

use crate::facts::holds;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "blocking-primary-key",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Adding a primary key stops reads and writes while its index is built and its columns are checked for NULL.

### What it does
Reports a primary key that is added to a table that was there before and builds its index in the same step, and one that
uses an index but has a column that may be NULL.

### Why it hurts
The table is held in ACCESS EXCLUSIVE for the whole time: even SELECT waits. A primary key makes its columns NOT NULL, which
reads every row unless a valid constraint proves it already.

### Way out
Make the columns NOT NULL first (by a CHECK constraint that is validated, see set-not-null-scan), build a unique index
concurrently, then add the primary key USING INDEX, which only takes a moment.

### When to allow it
The table is small.

```sql given
CREATE TABLE users (id bigint NOT NULL, email text);
```
```sql
ALTER TABLE users ADD PRIMARY KEY (id);
```
```sql ok
CREATE UNIQUE INDEX CONCURRENTLY users_pkey ON users (id);
ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY USING INDEX users_pkey;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let kinds = [OperationKind::AddPrimaryKey, OperationKind::AttachIndex];
    for at in context.operations_on_others(kinds) {
        let Some(effect) = at.long_blocking() else { continue };
        let builds = at.does(Work::Build);
        let message = format!(
            "adding the primary key {} {}",
            holds(effect),
            if builds { "until its index is built" } else { "while every row is checked for NULL" },
        );
        let partitioned = at.relation().is_some_and(|it| it.partition_by.is_some());
        let finding = at.with_held(at.finding(&RULE, message));
        findings.push(finding.note(if partitioned {
            "Add it to only the parent, prepare the key on each partition from a concurrently built index, then attach their indexes"
        } else if builds {
            "Make the columns NOT NULL without a long lock, build a unique index concurrently, then add the key using that index"
        } else {
            "Make the columns NOT NULL without a long lock first, then add the key using the index"
        }));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint NOT NULL, email text);
        CREATE TABLE proven (id bigint, CONSTRAINT c CHECK (id IS NOT NULL));
        CREATE TABLE events (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (minvalue) TO (maxvalue);
    ";

    #[test]
    fn one_step() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD PRIMARY KEY (id);
            --                ^^^^^^^^^^^^^^^^^^^^ blocking-primary-key
        "#]],
        );
    }

    #[test]
    fn inline_with_a_new_column() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE proven ADD COLUMN key bigint DEFAULT 0 PRIMARY KEY;
                --                                                 ^^^^^^^^^^^ blocking-primary-key
                --                                                 ^^^^^^^^^^^ certain-failure
            "#]],
        );
    }

    #[test]
    fn from_an_index() {
        check(
            GIVEN,
            expect![[r#"
            CREATE UNIQUE INDEX CONCURRENTLY u ON users (id);
            ALTER TABLE users ADD CONSTRAINT u PRIMARY KEY USING INDEX u;
        "#]],
        );
    }

    #[test]
    fn from_an_index_on_a_nullable_column() {
        check(
            GIVEN,
            expect![[r#"
                CREATE UNIQUE INDEX CONCURRENTLY u ON users (email);
                ALTER TABLE users ADD CONSTRAINT u PRIMARY KEY USING INDEX u;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-primary-key
            "#]],
        );
    }

    #[test]
    fn from_an_index_on_a_column_proven_not_null() {
        check(
            GIVEN,
            expect![[r#"
            CREATE UNIQUE INDEX CONCURRENTLY u ON proven (id);
            ALTER TABLE proven ADD CONSTRAINT u PRIMARY KEY USING INDEX u;
        "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE posts (id bigint);
            ALTER TABLE posts ADD PRIMARY KEY (id);
        "#]],
        );
    }

    #[test]
    fn on_a_partitioned_table() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE events ADD PRIMARY KEY (id, at);
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^ blocking-primary-key
        "#]],
        );
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD PRIMARY KEY (id);
            --                ^^^^^^^^^^^^^^^^^^^^ blocking-primary-key
        "#]],
        );
    }
}
