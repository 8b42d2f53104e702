//! A lock_timeout that every autovacuum outlasts.

use model::schema::Born;
use model::trace::Timeout;
use syntax::ast::LockMode;

use crate::facts::{is_concurrent, settings_of, surely_fails};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "short-lock-timeout",
        level: Level::Warning,
        group: Group::Timeout,
        docs: r#"
A lock_timeout of one second or less loses against every autovacuum.

### What it does
Reports, once per file, a statement that waits for a table that was there before under a lock_timeout of 1s or less.

### Why it hurts
Autovacuum gives way to a waiting statement only after deadlock_timeout, which is 1s unless configured. A shorter
lock_timeout runs out first, so the migration fails as long as autovacuum works on the table.

### Way out
Set it to 2s.

### When to allow it
deadlock_timeout is shorter on this server.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
```
```sql
SET lock_timeout = '500ms';
ALTER TABLE users ADD COLUMN note text;
```
```sql ok
SET lock_timeout = '2s';
ALTER TABLE users ADD COLUMN note text;
```
"#,
    },
    check,
    once: true,
};

/// deadlock_timeout's default (guc_tables.c): how long a waiting statement lets autovacuum go on (ProcSleep, proc.c).
const DEADLOCK_TIMEOUT: u64 = 1000;

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let sets = settings_of(context, "lock_timeout");
    for (statement, kind, judged) in context.statements().filter(|(.., judged)| judged.meets_others()) {
        let Timeout::Milliseconds(limit) = judged.timeouts.lock else { continue };
        // Autovacuum holds SHARE UPDATE EXCLUSIVE, which conflicts with itself and stronger.
        let waits =
            judged.effects.iter().any(|it| it.born == Born::Before && it.lock >= LockMode::ShareUpdateExclusive);
        if limit > DEADLOCK_TIMEOUT || !waits || is_concurrent(kind) || surely_fails(context, judged) {
            continue;
        }
        let at = sets[..sets.partition_point(|(at, _)| *at < statement)].last().map_or(statement, |(at, _)| *at);
        // Later statements under the same setting add nothing.
        if findings.iter().any(|it| it.rule == &RULE.info && it.statement == at) {
            continue;
        }
        let whole = context.whole(at);
        let message = format!("a lock_timeout of {limit} ms runs out before autovacuum gives way, which takes 1 s");
        let mut finding = context.finding(&RULE, at, whole, message);
        if at != statement {
            finding = finding
                .related(context.script.statements[statement].span, "this fails while autovacuum works on the table");
        }
        findings.push(finding.note("Set it to 2s"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::timeouts;

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY);";

    #[test]
    fn too_short() {
        timeouts().check(
            GIVEN,
            expect![[r#"
                SET lock_timeout = '1s';
                --^^^^^^^^^^^^^^^^^^^^^ short-lock-timeout
                ALTER TABLE users ADD COLUMN a int;
                ALTER TABLE users ADD COLUMN b int;
            "#]],
        );
    }

    #[test]
    fn milliseconds() {
        timeouts().wrapped().check(
            GIVEN,
            expect![[r#"
                SET LOCAL lock_timeout = 750;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^ short-lock-timeout
                ALTER TABLE users ADD COLUMN a int;
            "#]],
        );
    }

    #[test]
    fn long_enough() {
        timeouts().check(
            GIVEN,
            expect![[r#"
            SET lock_timeout = '1100ms';
            ALTER TABLE users ADD COLUMN a int;
        "#]],
        );
    }

    #[test]
    fn raised_before_it_matters() {
        timeouts().check(
            GIVEN,
            expect![[r#"
            SET lock_timeout = '100ms';
            CREATE TABLE posts (id bigint);
            SET lock_timeout = '3s';
            ALTER TABLE users ADD COLUMN a int;
        "#]],
        );
    }

    #[test]
    fn reads_and_writes_do_not_meet_autovacuum() {
        timeouts().check(
            GIVEN,
            expect![[r#"
            SET lock_timeout = '100ms';
            INSERT INTO users VALUES (1);
            SELECT * FROM users;
        "#]],
        );
    }

    #[test]
    fn on_a_table_born_in_the_file() {
        timeouts().check(
            GIVEN,
            expect![[r#"
            SET lock_timeout = '100ms';
            CREATE TABLE posts (id bigint);
            CREATE INDEX ON posts (id);
        "#]],
        );
    }
}
