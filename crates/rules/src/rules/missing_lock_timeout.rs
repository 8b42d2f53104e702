//! Locks that others wait for, taken without lock_timeout.

use model::effect::{Effect, Operation, OperationKind, lock_name};
use model::schema::Born;
use model::trace::{Judged, Timeout};
use syntax::ast::{LockMode, StatementKind};

use crate::facts::{is_concurrent, place, settings_of, stops_others, surely_fails, table_of, who_waits};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "missing-lock-timeout",
        level: Level::Warning,
        group: Group::Timeout,
        docs: r#"
A statement that waits for its lock without limit makes everyone behind it wait as long.

### What it does
Reports, once per file, the first statement that takes a lock that stops reads or writes of a relation that was there before,
while no lock_timeout is in force.

### Why it hurts
The statement queues behind the longest running query or idle transaction, and every later query on the relation queues
behind the statement. A change that takes a millisecond becomes an outage of minutes.

### Way out
SET lock_timeout to 2s before the first such statement (SET LOCAL inside a transaction), and try again when it runs out.
Statements with CONCURRENTLY are the exception: a timeout would leave an invalid index, so set it to 0 around them.

### When to allow it
The timeout is set where the migration connects, by role or URL: say so in the configuration with `lock_timeout =
"external"` under `[session]`.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
```
```sql
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

fn check(context: &Context, findings: &mut Vec<Finding>) {
    if context.section == Section::Down || context.settings.external_timeouts {
        return;
    }
    let sets = settings_of(context, "lock_timeout");
    for (statement, kind, judged) in context.statements().filter(|(.., judged)| judged.meets_others()) {
        let Some(effect) = waits_unguarded(context, kind, judged) else { continue };
        let (earlier, later) = sets.split_at(sets.partition_point(|(at, _)| *at < statement));
        // A SET LOCAL that had no effect is the finding.
        if earlier.iter().any(|(_, set)| set.local && set.values.is_some()) {
            continue;
        }
        let message = format!(
            "no lock_timeout is set: while this waits for {} on {}, {} wait behind it",
            lock_name(effect.lock),
            place(effect),
            who_waits(effect.lock),
        );
        let mut finding = context.finding(&RULE, statement, context.whole(statement), message);
        let place = |at: usize| context.script.statements[at].span;
        finding = match (earlier.last(), later.iter().find(|(_, set)| set.values.is_some())) {
            (Some((at, _)), _) => finding.related(place(*at), "it is switched off here, or ends with a transaction"),
            (None, Some((at, _))) => finding.related(place(*at), "this comes too late for it"),
            (None, None) => finding,
        };
        findings.push(finding.note("Set lock_timeout to 2s before it, and try again when it runs out"));
    }
}

/// The lock that others would wait behind, when nothing limits the wait for it.
fn waits_unguarded<'a>(context: &Context, kind: &StatementKind, judged: &'a Judged) -> Option<&'a Effect> {
    let unguarded = matches!(judged.timeouts.lock, Timeout::Unset | Timeout::Off);
    // LOCK ... NOWAIT does not wait.
    let never_waits = matches!(kind, StatementKind::LockTable { nowait: true, .. });
    // Only other refreshes wait behind one that is concurrent: nothing else changes the rows of a materialized view.
    let refreshes = matches!(kind, StatementKind::RefreshMaterializedView { concurrently: true, .. });
    if !unguarded || never_waits || refreshes || is_concurrent(kind) || surely_fails(context, judged) {
        return None;
    }
    // Rules of their own ask for these to run concurrently, which needs no timeout.
    let better_concurrently = |it: &Operation| {
        matches!(it.kind, OperationKind::CreateIndex | OperationKind::DropIndex | OperationKind::Reindex)
    };
    if !judged.operations.is_empty() && judged.operations.iter().all(better_concurrently) {
        return None;
    }
    let held = |effect: &Effect| -> Option<LockMode> { judged.held().get(&effect.relation).map(|it| it.lock) };
    // Of a table that this file makes IF NOT EXISTS, no earlier migration tells.
    let made_here = |effect: &Effect| {
        let table = judged.before().relations.get(table_of(effect));
        table.is_some_and(|it| it.maybe && it.born == Born::Here)
    };
    let new = judged
        .effects
        .iter()
        .filter(|it| stops_others(it) && held(it).is_none_or(|lock| lock < it.lock) && !made_here(it));
    new.max_by_key(|it| (it.lock, it.on.is_none()))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{external, on_down, timeouts};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);
        CREATE INDEX i ON orders (user_id);
    ";

    #[test]
    fn once_per_file() {
        timeouts().check(
            GIVEN,
            expect![[r#"
                CREATE TABLE posts (id bigint);
                ALTER TABLE users ADD COLUMN a int;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ missing-lock-timeout
                ALTER TABLE orders ADD COLUMN a int;
            "#]],
        );
    }

    #[test]
    fn refreshes_wait_behind_a_refresh() {
        timeouts().check(
            "CREATE TABLE t (id int); CREATE MATERIALIZED VIEW v AS SELECT id FROM t; CREATE UNIQUE INDEX i ON v (id);",
            expect![[r#"
            REFRESH MATERIALIZED VIEW CONCURRENTLY v;
        "#]],
        );
    }

    #[test]
    fn set_before() {
        timeouts().check(
            GIVEN,
            expect![[r#"
            SET lock_timeout = '2s';
            ALTER TABLE users ADD COLUMN a int;
        "#]],
        );
    }

    #[test]
    fn set_local_in_the_transaction() {
        timeouts().wrapped().check(
            GIVEN,
            expect![[r#"
            SET LOCAL lock_timeout = '2s';
            ALTER TABLE users ADD COLUMN a int;
        "#]],
        );
    }

    #[test]
    fn set_too_late() {
        timeouts().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a int;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ missing-lock-timeout
                SET lock_timeout = '2s';
            "#]],
        );
    }

    #[test]
    fn switched_off() {
        timeouts().check(
            GIVEN,
            expect![[r#"
                SET lock_timeout = 0;
                ALTER TABLE users ADD COLUMN a int;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ missing-lock-timeout
            "#]],
        );
    }

    #[test]
    fn reset_in_between() {
        timeouts().check(
            GIVEN,
            expect![[r#"
                SET lock_timeout = '5s';
                ALTER TABLE users ADD COLUMN a int;
                RESET lock_timeout;
                ALTER TABLE orders ADD COLUMN a int;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ missing-lock-timeout
            "#]],
        );
    }

    #[test]
    fn the_other_end_of_a_new_tables_foreign_key() {
        timeouts().check(
            GIVEN,
            expect![[r#"
            CREATE TABLE posts (id bigint, user_id bigint REFERENCES users);
            --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ missing-lock-timeout
        "#]],
        );
    }

    #[test]
    fn locks_that_stop_nobody() {
        timeouts().check(
            GIVEN,
            expect![[r#"
                CREATE TABLE posts (id bigint);
                ALTER TABLE posts ADD COLUMN a int;
                ALTER TABLE users ALTER id SET STATISTICS 100;
                CREATE INDEX CONCURRENTLY j ON orders (id);
                DROP INDEX CONCURRENTLY i;
                INSERT INTO users VALUES (1);
                CREATE VIEW v AS SELECT id FROM users;
            "#]],
        );
    }

    #[test]
    fn a_table_that_the_file_makes_if_it_is_not_there() {
        timeouts().check(
            GIVEN,
            expect![[r#"
                CREATE TABLE IF NOT EXISTS posts (id bigint);
                CREATE TRIGGER t BEFORE UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION f();
            "#]],
        );
    }

    #[test]
    fn set_outside_the_migrations() {
        external().check(GIVEN, expect!["ALTER TABLE users ADD COLUMN a int;"]);
    }

    #[test]
    fn down() {
        on_down().timeouts().check(GIVEN, expect!["ALTER TABLE users ADD COLUMN a int;"]);
    }
}
