//! Directives that allow nothing. Found in `suppress`, when all other findings are known.

use crate::{Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "unused-suppression",
        level: Level::Warning,
        group: Group::Compatibility,
        docs: r#"
A directive that allows nothing hides the next finding that nobody has thought about.

### What it does
Reports a `safestep:` directive whose rule is not found where it applies, one with the name of no rule, one that is past its
date, and one that is not understood. The ignore comments of squawk, eugene and Atlas are obeyed, and never reported.

### Why it hurts
What it was written for is gone, misspelt or somewhere else. It stays in force for whatever comes there next.

### Way out
Remove it, or correct it.

### When to allow it
The finding comes and goes with the configuration.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
```
```sql
-- safestep: allow(blocking-index-creation) the table is small
CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
```
```sql ok
-- safestep: allow(blocking-index-creation) the table is small
CREATE INDEX users_email_idx ON users (email);
```
"#,
    },
    check: |_, _| {},
    once: false,
};

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use syntax::directive::Date;

    use crate::check::{check, today};

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY, email text);";

    #[test]
    fn used() {
        check(
            GIVEN,
            expect![[r#"
                -- safestep: allow(blocking-index-creation) small
                CREATE INDEX i ON users (email);
                CREATE INDEX j ON users (email); -- safestep: allow(blocking-index-creation)
            "#]],
        );
    }

    #[test]
    fn unused() {
        check(
            GIVEN,
            expect![[r#"
                -- safestep: allow(blocking-index-creation, drop-column) small
                --                                          ^^^^^^^^^^^ unused-suppression
                CREATE INDEX i ON users (email);
                -- safestep: allow(blocking-index-creation)
                --                 ^^^^^^^^^^^^^^^^^^^^^^^ unused-suppression
                SELECT 1;
            "#]],
        );
    }

    #[test]
    fn for_the_file() {
        check(
            GIVEN,
            expect![[r#"
                -- safestep: allow-file(blocking-index-creation) small
                -- safestep: allow-file(drop-table)
                --                      ^^^^^^^^^^ unused-suppression
                CREATE INDEX i ON users (email);
                CREATE INDEX j ON users (email);
            "#]],
        );
    }

    #[test]
    fn misspelt() {
        check(
            GIVEN,
            expect![[r#"
                -- safestep: allow(blocking-index-craetion)
                --                 ^^^^^^^^^^^^^^^^^^^^^^^ unused-suppression
                CREATE INDEX i ON users (email);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
                -- safestep: permit(blocking-index-creation)
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unused-suppression
                CREATE INDEX j ON users (email);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
                -- safestep: allow(ban-drop-column)
                --                 ^^^^^^^^^^^^^^^ unused-suppression
                SELECT 1;
            "#]],
        );
    }

    #[test]
    fn past_its_date() {
        today(Date { year: 2027, month: 3, day: 1 }).check(
            GIVEN,
            expect![[r#"
                -- safestep: allow(blocking-index-creation) until=2027-02-28
                --                 ^^^^^^^^^^^^^^^^^^^^^^^ unused-suppression
                CREATE INDEX i ON users (email);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
                -- safestep: allow(blocking-index-creation) until=2027-03-01
                CREATE INDEX j ON users (email);
            "#]],
        );
    }

    #[test]
    fn of_other_tools() {
        check(
            GIVEN,
            expect![[r#"
                -- squawk-ignore require-concurrent-index-creation
                CREATE INDEX i ON users (email);
                -- eugene: ignore E6
                CREATE INDEX j ON users (email);
                -- atlas:nolint PG101
                CREATE INDEX k ON users (email);
                -- squawk-ignore prefer-robust-stmts, ban-drop-column
                CREATE INDEX l ON users (email);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
                -- atlas:nolint MF101
                CREATE UNIQUE INDEX m ON users (email);
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ blocking-index-creation
            "#]],
        );
    }

    #[test]
    fn the_statement_that_a_file_wide_finding_moves_to() {
        crate::check::timeouts().check(
            GIVEN,
            expect![[r#"
                -- safestep: allow(missing-lock-timeout) nobody is awake
                ALTER TABLE users ADD COLUMN a int;
                ALTER TABLE users ADD COLUMN b int;
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ missing-lock-timeout
                ALTER TABLE users ADD COLUMN c int;
            "#]],
        );
    }
}
