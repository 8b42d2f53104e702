//! A timeout in force over a concurrent statement.

use model::trace::Timeout;
use syntax::ast::StatementKind;

use crate::facts::{is_concurrent, surely_fails};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "timeout-over-concurrent-statement",
        level: Level::Warning,
        group: Group::Timeout,
        docs: r#"
A timeout cancels a concurrent statement half-way and leaves its debris behind.

### What it does
Reports CREATE INDEX, DROP INDEX, REINDEX and DETACH PARTITION with CONCURRENTLY while a lock_timeout or statement_timeout set in
the file is in force.

### Why it hurts
A concurrent statement waits for other transactions to end, which counts as waiting for a lock, and it takes long. When a
timeout cancels it, an invalid index stays behind that costs writes and serves no query, or a partition that is detached by
half.

### Way out
Set both timeouts to 0 before it and set them again after it. It blocks nobody while it waits.

### When to allow it
Never: there is no timeout that is right.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
```
```sql
SET lock_timeout = '2s';
CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
```
```sql ok
SET lock_timeout = 0;
SET statement_timeout = 0;
CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
SET lock_timeout = '2s';
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for (statement, kind, judged) in context.statements() {
        if !is_concurrent(kind) || surely_fails(context, judged) {
            continue;
        }
        let limits = [("lock_timeout", judged.timeouts.lock), ("statement_timeout", judged.timeouts.statement)];
        let Some((name, limit)) = limits.iter().find_map(|(name, limit)| match limit {
            Timeout::Milliseconds(limit) => Some((*name, *limit)),
            _ => None,
        }) else {
            continue;
        };
        let span = context.whole(statement);
        let left = match kind {
            StatementKind::AlterTable(_) => "leaves the partition detached by half",
            _ => "leaves an invalid index behind",
        };
        let message = format!("a {name} of {} is in force, and running out of it {left}", milliseconds(limit));
        let mut finding = context.finding(&RULE, statement, span, message);
        let sets = |kind: &StatementKind| matches!(kind, StatementKind::Set(set) if set.name == name);
        if let Some((at, ..)) = context.statements().take(statement).filter(|(_, kind, _)| sets(kind)).last() {
            finding = finding.related(context.script.statements[at].span, "it is set here");
        }
        finding.operations = (0..judged.operations.len()).map(|index| (statement, index)).collect();
        findings
            .push(finding.note("Set lock_timeout and statement_timeout to 0 before it, and set them again after it"));
    }
}

fn milliseconds(limit: u64) -> String {
    if limit.is_multiple_of(1000) { format!("{} s", limit / 1000) } else { format!("{limit} ms") }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{timeouts, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY, email text);
        CREATE INDEX i ON users (email);
        CREATE TABLE events (id bigint) PARTITION BY RANGE (id);
        CREATE TABLE e1 PARTITION OF events FOR VALUES FROM (0) TO (9);
    ";

    #[test]
    fn each_form() {
        timeouts().check(
            GIVEN,
            expect![[r#"
                SET lock_timeout = '2s';
                SET statement_timeout = '1min';
                CREATE INDEX CONCURRENTLY j ON users (email);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ timeout-over-concurrent-statement
                REINDEX TABLE CONCURRENTLY users;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ timeout-over-concurrent-statement
                DROP INDEX CONCURRENTLY i;
                --^^^^^^^^^^^^^^^^^^^^^^^ timeout-over-concurrent-statement
                ALTER TABLE events DETACH PARTITION e1 CONCURRENTLY;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ timeout-over-concurrent-statement
            "#]],
        );
    }

    #[test]
    fn a_statement_timeout() {
        timeouts().check(
            GIVEN,
            expect![[r#"
                SET statement_timeout = '30min';
                CREATE INDEX CONCURRENTLY j ON users (email);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ timeout-over-concurrent-statement
            "#]],
        );
    }

    #[test]
    fn switched_off_around_it() {
        timeouts().check(
            GIVEN,
            expect![[r#"
            SET lock_timeout = '2s';
            ALTER TABLE users ADD COLUMN a int;
            SET lock_timeout = 0;
            CREATE INDEX CONCURRENTLY j ON users (email);
            SET lock_timeout = '2s';
            ALTER TABLE users ADD COLUMN b int;
        "#]],
        );
    }

    #[test]
    fn none_set() {
        timeouts().check(GIVEN, expect!["CREATE INDEX CONCURRENTLY j ON users (email);"]);
    }

    #[test]
    fn a_blocking_build_is_another_matter() {
        timeouts().check(
            GIVEN,
            expect![[r#"
            SET lock_timeout = '2s'; CREATE INDEX j ON users (email);
            --                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
        "#]],
        );
    }

    #[test]
    fn local_to_a_transaction_that_has_ended() {
        timeouts().check(
            GIVEN,
            expect![[r#"
            BEGIN;
            SET LOCAL lock_timeout = '2s';
            ALTER TABLE users ADD COLUMN a int;
            COMMIT;
            CREATE INDEX CONCURRENTLY j ON users (email);
        "#]],
        );
    }

    #[test]
    fn in_a_transaction_it_fails_anyway() {
        wrapped().timeouts().check(
            GIVEN,
            expect![[r#"
                SET lock_timeout = '2s'; CREATE INDEX CONCURRENTLY j ON users (email);
                --                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ concurrently-in-transaction
            "#]],
        );
    }
}
