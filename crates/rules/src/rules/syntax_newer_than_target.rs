//! Syntax that a targeted major does not know.

use crate::facts::majors_text;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "syntax-newer-than-target",
        level: Level::Error,
        group: Group::Compatibility,
        docs: r#"
The statement uses syntax that the targeted PostgreSQL does not have.

### What it does
Reports a construct that is newer than the configured version. When the version is a range and only its older majors lack the
construct, it is an error if the range was configured, else information.

### Why it hurts
The older server answers with a syntax error.

### Way out
Write it in the older way, or raise the configured version.

### When to allow it
The servers are newer than the configuration says.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY, email text);
```
```sql 14
CREATE UNIQUE INDEX CONCURRENTLY users_email_idx ON users (email) NULLS NOT DISTINCT;
```
```sql ok 15-18
CREATE UNIQUE INDEX CONCURRENTLY users_email_idx ON users (email) NULLS NOT DISTINCT;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let majors = &context.trace.majors;
    for (statement, it) in context.script.statements.iter().enumerate() {
        let Some(needs) = it.parsed.needs.as_ref().filter(|it| it.major > *majors.start()) else { continue };
        let message = format!("{} needs PostgreSQL {}", needs.construct, needs.major);
        let mut finding = context.finding(&RULE, statement, needs.span, message);
        if needs.major <= *majors.end() {
            if !context.settings.majors_configured {
                finding.level = Level::Info;
            }
            finding = finding.note(format!("It fails on {}", majors_text((*majors.start(), needs.major - 1))));
        }
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on};

    const GIVEN: &str = "CREATE TABLE users (id bigint PRIMARY KEY, email text);";

    #[test]
    fn newer_than_the_target() {
        on(14..=14).check(
            GIVEN,
            expect![[r#"
                CREATE UNIQUE INDEX CONCURRENTLY i ON users (email) NULLS NOT DISTINCT;
                --                                                  ^^^^^^^^^^^^^^^^^^ syntax-newer-than-target
            "#]],
        );
    }

    #[test]
    fn newer_than_part_of_the_range() {
        on(14..=16).check(
            GIVEN,
            expect![[r#"
            CREATE UNIQUE INDEX CONCURRENTLY i ON users (email) NULLS NOT DISTINCT;
            --                                                  ^^^^^^^^^^^^^^^^^^ syntax-newer-than-target
        "#]],
        );
    }

    #[test]
    fn newer_than_part_of_the_default_range() {
        check(
            GIVEN,
            expect![[r#"
            CREATE UNIQUE INDEX CONCURRENTLY i ON users (email) NULLS NOT DISTINCT;
            --                                                  ^^^^^^^^^^^^^^^^^^ syntax-newer-than-target (info)
        "#]],
        );
    }

    #[test]
    fn known_to_all() {
        on(15..=18).check(GIVEN, expect!["CREATE UNIQUE INDEX CONCURRENTLY i ON users (email) NULLS NOT DISTINCT;"]);
    }

    #[test]
    fn virtual_columns() {
        on(17..=17).check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a text GENERATED ALWAYS AS (lower(email)) VIRTUAL;
                --                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ syntax-newer-than-target
            "#]],
        );
    }

    #[test]
    fn not_null_not_valid() {
        on(16..=17).check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD CONSTRAINT n NOT NULL email NOT VALID;
                --                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ syntax-newer-than-target
            "#]],
        );
    }
}
