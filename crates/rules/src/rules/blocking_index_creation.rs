//! CREATE INDEX without CONCURRENTLY on a table in use.

use model::effect::OperationKind;
use model::schema::RelationKind;
use syntax::ast::StatementKind;

use crate::facts::{At, outside_transaction};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "blocking-index-creation",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Building an index without CONCURRENTLY stops writes until it is built.

### What it does
Reports CREATE INDEX without CONCURRENTLY on a table, or materialized view, that was there before.

### Why it hurts
The build holds SHARE on the table: every INSERT, UPDATE and DELETE waits until all rows are read and sorted, and in a
transaction until its end. On a partitioned table the same happens on every partition.

### Way out
CREATE INDEX CONCURRENTLY, outside a transaction. It takes longer, but nobody waits. When it fails it leaves an invalid index
behind, which must be dropped before the next try.

A partitioned table takes no concurrent build. Create the index ON ONLY the parent, build one concurrently on each
partition, and attach them.

### When to allow it
The table is small, or nothing writes to it while the migration runs.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
```
```sql
CREATE INDEX users_email_idx ON users (email);
```
```sql ok
CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::CreateIndex]) {
        let Some(effect) = at.long_blocking() else { continue };
        let message = format!("building {} {} until it is built", index(&at), at.holds(effect));
        let partitioned = at.relation().is_some_and(|it| it.kind == RelationKind::PartitionedTable);
        let finding = at.with_held(at.finding(&RULE, message));
        findings.push(if partitioned {
            finding
                .note("All partitions are locked at once, and a partitioned table takes no concurrent build")
                .note("Create the index on only the parent, build one concurrently on each partition, then attach them")
        } else if at.judged.transaction.inside == Some(true) {
            finding.note("Build it concurrently, which a transaction does not allow").note(outside_transaction(context))
        } else {
            finding.note("Build it concurrently")
        });
    }
}

fn index(at: &At) -> String {
    match at.kind() {
        Some(StatementKind::CreateIndex(it)) => match &it.name {
            Some(name) => format!("index {}", name.text),
            None => "an index".to_owned(),
        },
        _ => "an index".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email text, created_at timestamptz);
        CREATE TABLE events (id bigint, at timestamptz) PARTITION BY RANGE (at);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (minvalue) TO (maxvalue);
        CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM users;
    ";

    #[test]
    fn each_form_on_an_existing_table() {
        check(
            GIVEN,
            expect![[r#"
                CREATE INDEX ON users (email);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
                CREATE UNIQUE INDEX IF NOT EXISTS i ON public.users (lower(email)) WHERE email IS NOT NULL;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
                CREATE INDEX j ON totals (n);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
                CREATE INDEX k ON nowhere_seen (a);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
            "#]],
        );
    }

    #[test]
    fn under_a_stronger_lock() {
        let sql = "ALTER TABLE users ADD COLUMN a int; CREATE INDEX i ON users (a)";
        wrapped().say(GIVEN, sql, expect![[r#"
            blocking-index-creation: building index i runs while ACCESS EXCLUSIVE is held on users: reads and writes wait until it is built
              = Build it concurrently, which a transaction does not allow
              = Put it in a migration of its own that runs without a transaction
              ACCESS EXCLUSIVE is held on users since here: ALTER TABLE users ADD COLUMN a int
        "#]]);
    }

    #[test]
    fn every_other_table_that_is_locked_counts_once() {
        let given =
            "CREATE TABLE users (id int); CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE TABLE c (id int);";
        let sql = "DROP INDEX gone; ALTER TABLE a ADD x int; ALTER TABLE b ADD x int; ALTER TABLE c ADD x int; ALTER TABLE users ADD x int; CREATE INDEX ON users (x)";
        wrapped().say(given, sql, expect![[r#"
            blocking-index-drop: dropping index gone takes ACCESS EXCLUSIVE on its table: reads and writes queue behind it while a query on the table runs
              = Drop it concurrently, which a transaction does not allow
              = Put it in a migration of its own that runs without a transaction
            locks-held-together: ACCESS EXCLUSIVE is taken on b while a is still locked: both wait until the transaction ends
              = Change a and b in transactions of their own
              a is locked since here: ALTER TABLE a ADD x int
            blocking-index-creation: building an index runs while ACCESS EXCLUSIVE is held on users: reads and writes wait until it is built
              = The transaction keeps 1 more relation locked
              = Build it concurrently, which a transaction does not allow
              = Put it in a migration of its own that runs without a transaction
              ACCESS EXCLUSIVE is held on users since here: ALTER TABLE users ADD x int
              ACCESS EXCLUSIVE is held on a since here: ALTER TABLE a ADD x int
              ACCESS EXCLUSIVE is held on b since here: ALTER TABLE b ADD x int
        "#]]);
    }

    #[test]
    fn while_other_tables_are_locked() {
        let given =
            "CREATE TABLE users (email text); CREATE TABLE a (id serial PRIMARY KEY); CREATE TABLE b (id int UNIQUE);";
        let sql = "DROP TABLE a, b; CREATE INDEX i ON users (email)";
        wrapped().say(
            given,
            sql,
            expect![[r#"
            drop-table: running code that uses a and b fails once the tables are gone
              = Deploy code that does without it first, then acknowledge the drop with a directive
            blocking-index-creation: building index i holds SHARE on users: writes wait until it is built
              = Build it concurrently, which a transaction does not allow
              = Put it in a migration of its own that runs without a transaction
              ACCESS EXCLUSIVE is held on a since here: DROP TABLE a, b
              ACCESS EXCLUSIVE is held on b since here: DROP TABLE a, b
        "#]],
        );
    }

    #[test]
    fn partitions_that_no_migration_tells_of() {
        check(
            "CREATE TABLE hits (id bigint, at timestamptz) PARTITION BY RANGE (at);",
            expect![[r#"
                CREATE INDEX ON hits (id);
                --^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
                CREATE INDEX ON ONLY hits (id);
            "#]],
        );
    }

    #[test]
    fn concurrently() {
        check(GIVEN, expect!["CREATE INDEX CONCURRENTLY i ON users (email);"]);
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
                CREATE TABLE posts (id bigint, title text);
                CREATE INDEX ON posts (title);
                ALTER TABLE posts RENAME TO articles;
                CREATE INDEX ON articles (title);
                CREATE TEMPORARY TABLE scratch AS SELECT * FROM users;
                CREATE INDEX ON scratch (email);
            "#]],
        );
    }

    #[test]
    fn a_table_that_may_have_been_there() {
        check(
            "",
            expect![[r#"
            CREATE TABLE IF NOT EXISTS posts (id bigint);
            CREATE INDEX i ON posts (id);
        "#]],
        );
    }

    #[test]
    fn a_partitioned_table() {
        check(
            GIVEN,
            expect![[r#"
                CREATE INDEX i ON events (at);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
                CREATE INDEX j ON ONLY events (id);
            "#]],
        );
    }

    #[test]
    fn with_other_locks_in_the_transaction_it_stays_one_finding() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN age int;
                CREATE INDEX i ON totals (n);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
            "#]],
        );
    }

    #[test]
    fn inside_a_block() {
        check(
            GIVEN,
            expect![[r#"
                DO $$ BEGIN
                  IF true THEN CREATE INDEX i ON users (email); END IF;
                --             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
                END $$;
            "#]],
        );
    }

    #[test]
    fn in_the_down_section() {
        on_down().check(
            GIVEN,
            expect![[r#"
            CREATE INDEX i ON users (email);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
        "#]],
        );
    }
}
