//! ALTER COLUMN TYPE that copies every row.

use model::coercion::{self, Types};
use model::effect::{OperationKind, Work};
use model::schema::ColumnType;
use syntax::ast::{AlterAction, Expr, TypeName};

use crate::facts::{At, holds};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "column-type-rewrite",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Changing a column to a type that is stored differently stops reads and writes while the table is rewritten.

### What it does
Reports ALTER COLUMN TYPE on a table that was there before, when the new type cannot take the stored values as they are. A
type that is not known counts as one that cannot.

### Why it hurts
The table is held in ACCESS EXCLUSIVE while each row is written anew and each index built again: even SELECT waits. Foreign
keys on either side are locked and checked again.

Free are a longer or unlimited varchar, varchar to text and back without a limit, numeric with more digits and the same
scale, a higher precision of timestamps, and `timestamp` to `timestamptz` while the session's time zone is UTC. USING with a
real expression always rewrites.

### Way out
Add a column of the new type, keep it in step with a trigger, copy the rows in batches, then switch over. For a shorter text,
a CHECK constraint on the length gives the same guarantee without a rewrite.

### When to allow it
The table is small.

```sql given
CREATE TABLE users (id integer PRIMARY KEY, name varchar(50), email text);
```
```sql
ALTER TABLE users ALTER COLUMN id TYPE bigint;
```
```sql ok
ALTER TABLE users ADD CONSTRAINT email_short CHECK (length(email) <= 320) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT email_short;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::AlterType]) {
        let Some(effect) = at.long_blocking() else { continue };
        if !at.does(Work::Rewrite) {
            continue;
        }
        let Some(AlterAction::AlterType { column, ty, using, .. }) = at.action() else { continue };
        let unknown = if !is_known(&at, ty) {
            Some(format!(
                "The type {} is not known here; if it is a domain without constraints over the present type, nothing is rewritten",
                coercion::describe(ty)
            ))
        } else if column_type(&at, &column.text).is_none() {
            Some("The present type of the column is not known here; if both types store values alike, nothing is rewritten".to_owned())
        } else {
            None
        };
        let message = format!(
            "changing the type of {}.{} {} while the table is {}",
            at.name(),
            column.text,
            holds(effect),
            if unknown.is_some() { "rewritten, as far as is known" } else { "rewritten" },
        );
        let mut finding = at.with_held(at.finding(&RULE, message));
        finding.notes.extend(unknown);
        let in_utc = using.as_ref().is_some_and(|it| is_at_time_zone(&it.expr));
        findings.push(if in_utc {
            finding.note(
                "USING makes it a rewrite: without it, and with the session's time zone set to UTC, the rows stay as they are",
            )
        } else if using.is_none() && is_limited_text(ty) && column_type(&at, &column.text).is_some_and(is_text) {
            finding.note(
                "A CHECK constraint on the length, added as NOT VALID and validated later, gives the guarantee without a rewrite",
            )
        } else {
            finding.note(
                "Add a column of the new type, keep it in step with a trigger, copy the rows in batches, then switch over",
            )
        });
    }
}

/// `x AT TIME ZONE 'UTC'`.
fn is_at_time_zone(expr: &Expr) -> bool {
    let Expr::Call { name, arguments } = expr else { return false };
    name.name == "timezone" && matches!(&arguments[..], [Expr::String(zone), _] if zone.eq_ignore_ascii_case("utc"))
}

/// It is built in, of an extension that is known, or the history made it.
fn is_known(at: &At, ty: &TypeName) -> bool {
    let types = Types { schema: at.judged.before(), search_path: &at.judged.search_path };
    let built_in = coercion::is_built_in(ty) || coercion::serial(ty).is_some() || ty.name == "citext";
    !ty.percent_type && (built_in || types.is_known(ty))
}

fn is_limited_text(ty: &TypeName) -> bool {
    ty.name == "varchar" && !ty.modifiers.is_empty() && !ty.array
}

fn is_text(ty: &TypeName) -> bool {
    !ty.array && (ty.name == "text" || ty.name == "varchar")
}

fn column_type<'a>(at: &At<'a>, column: &str) -> Option<&'a TypeName> {
    match &at.relation()?.column(column)?.ty {
        ColumnType::Known(ty) => Some(ty),
        ColumnType::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, external, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id integer PRIMARY KEY, name varchar(50), bio text, at timestamp, total numeric(10,2), data json);
        CREATE TABLE posts (id bigint PRIMARY KEY, user_id integer REFERENCES users);
    ";

    #[test]
    fn rewrites() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ALTER id TYPE bigint;
                --                ^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
                ALTER TABLE users ALTER data TYPE jsonb;
                --                ^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
                ALTER TABLE users ALTER total TYPE numeric(12,4);
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
                ALTER TABLE users ALTER bio TYPE varchar(100);
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^ narrowing-type-change (warning)
            "#]],
        );
    }

    #[test]
    fn time_zone() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ALTER at TYPE timestamptz;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
                ALTER TABLE users ALTER at TYPE timestamptz USING at AT TIME ZONE 'UTC';
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
            "#]],
        );
    }

    #[test]
    fn time_zone_utc() {
        check(
            GIVEN,
            expect![[r#"
                SET timezone = 'UTC';
                ALTER TABLE users ALTER at TYPE timestamptz;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^ cached-plan-change
            "#]],
        );
    }

    #[test]
    fn free_changes_are_worth_knowing_at_most() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ALTER name TYPE varchar(100), ALTER total TYPE numeric(12,2);
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cached-plan-change
                --                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cached-plan-change
                ALTER TABLE users ALTER name TYPE text USING name::text;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cached-plan-change
            "#]],
        );
    }

    #[test]
    fn an_unknown_type_counts_as_different() {
        check(
            "",
            expect![[r#"
            ALTER TABLE users ALTER COLUMN name TYPE varchar(100);
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
        "#]],
        );
    }

    #[test]
    fn a_new_type_that_is_not_known_may_be_a_domain() {
        check(
            "CREATE TABLE users (id int, at timestamptz); CREATE DOMAIN moment AS timestamptz;",
            expect![[r#"
                ALTER TABLE users ALTER at TYPE moment;
                --                ^^^^^^^^^^^^^^^^^^^^ cached-plan-change
            "#]],
        );
        external().say(
            "CREATE TABLE users (id int, at timestamptz);",
            "ALTER TABLE users ALTER at TYPE shared.moment",
            expect![[r#"
                column-type-rewrite: changing the type of users.at holds ACCESS EXCLUSIVE on users: reads and writes wait while the table is rewritten, as far as is known
                  = The type moment is not known here; if it is a domain without constraints over the present type, nothing is rewritten
                  = Add a column of the new type, keep it in step with a trigger, copy the rows in batches, then switch over
            "#]],
        );
    }

    #[test]
    fn a_referenced_column() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE posts ALTER user_id TYPE bigint;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
            "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(
            GIVEN,
            expect![[r#"
            CREATE TABLE drafts (id int);
            ALTER TABLE drafts ALTER id TYPE bigint;
        "#]],
        );
    }

    #[test]
    fn in_a_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ALTER id SET DATA TYPE bigint;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
            "#]],
        );
    }
}
