//! A column whose value must be computed for every row that is there.

use model::effect::{OperationKind, Work};
use model::volatility::is_volatile;
use syntax::ast::{ColumnDef, ConstraintKind};

use crate::facts::{At, holds, majors_note};
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "add-column-rewrite",
        level: Level::Error,
        group: Group::Lock,
        docs: r#"
Adding a column that every row gets its own value for stops reads and writes while the table is rewritten.

### What it does
Reports an added column with a volatile default, a serial or identity column, a stored generated column, and a column whose
type is a domain with constraints, and a virtual generated column that is NOT NULL, on a table that was there before.

### Why it hurts
The table is held in ACCESS EXCLUSIVE while each row is written anew and each index is built again: even SELECT waits. A
constant or stable default (`now()` is stable) costs nothing: it is stored once.

### Way out
Add the column without default, set the default for rows to come, and fill the old rows in batches. Make it NOT NULL at the
end, if it must be. A generated column can be VIRTUAL from PostgreSQL 18 on. For a domain, use its base type with a CHECK
constraint.

### When to allow it
The table is small.

```sql given
CREATE TABLE users (id bigint PRIMARY KEY);
```
```sql
ALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid();
```
```sql ok
ALTER TABLE users ADD COLUMN token uuid;
ALTER TABLE users ALTER COLUMN token SET DEFAULT gen_random_uuid();
```
```sql ok
ALTER TABLE users ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    for at in context.operations_on_others([OperationKind::AddColumn]) {
        let column = at.added_column();
        let Some(effect) = at.long_blocking() else { continue };
        if effect.work == Work::Scan && column.is_some_and(is_virtual) {
            let message = format!(
                "adding a virtual generated column that is NOT NULL {} while its value is computed for every row",
                holds(effect)
            );
            findings.push(at.with_held(at.finding(&RULE, message)).note(
                "Add the column without NOT NULL, then a CHECK constraint that it IS NOT NULL as NOT VALID, and validate it in a later transaction",
            ));
        }
        if effect.work != Work::Rewrite {
            continue;
        }
        let (why, way) = column.map_or(UNKNOWN, |column| reason(&at, column));
        let message = format!("adding {why} {} while the table is rewritten", holds(effect));
        let mut finding = at.with_held(at.finding(&RULE, message));
        finding.notes.extend(majors_note(at.judged));
        findings.push(finding.note(way));
    }
}

fn is_virtual(column: &ColumnDef) -> bool {
    column.constraints.iter().any(|it| matches!(it.kind, ConstraintKind::Generated { stored: false, .. }))
}

const UNKNOWN: (&str, &str) = (
    "the column",
    "Add the column without default, set the default for rows to come, and fill the old rows in batches",
);

/// What about the column makes it expensive, and the way out.
fn reason(at: &At, column: &ColumnDef) -> (&'static str, &'static str) {
    const SEQUENCE: &str =
        "Add a plain column, give it a sequence as default for rows to come, and fill the old rows in batches";
    for constraint in &column.constraints {
        match &constraint.kind {
            ConstraintKind::Identity { .. } => return ("an identity column", SEQUENCE),
            ConstraintKind::Generated { stored: true, .. } => {
                return (
                    "a stored generated column",
                    "Add a plain column that a trigger fills, and fill the old rows in batches; from PostgreSQL 18 on a VIRTUAL column costs nothing",
                );
            }
            ConstraintKind::Default(default)
                if is_volatile(&default.expr, at.judged.before(), &at.judged.search_path) =>
            {
                return ("a column with a volatile default", UNKNOWN.1);
            }
            _ => {}
        }
    }
    match column.ty.as_ref().map(|ty| ty.name.as_str()) {
        Some("serial" | "bigserial" | "smallserial" | "serial2" | "serial4" | "serial8") => {
            ("a serial column", SEQUENCE)
        }
        Some(_) => (
            "a column of a constrained domain",
            "Use the domain's base type, and add its check to the table as NOT VALID",
        ),
        None => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on, wrapped};

    const GIVEN: &str = "
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE DOMAIN positive AS int CHECK (VALUE > 0);
        CREATE DOMAIN plain AS int;
        CREATE FUNCTION next_code() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
        CREATE FUNCTION pure_code() RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END';
    ";

    #[test]
    fn virtual_and_not_null() {
        let sql = "ALTER TABLE users ADD COLUMN a bigint GENERATED ALWAYS AS (id) VIRTUAL NOT NULL, ADD COLUMN b bigint GENERATED ALWAYS AS (id) VIRTUAL";
        on(18..=18).say(GIVEN, sql, expect![[r#"
            add-column-rewrite: adding a virtual generated column that is NOT NULL holds ACCESS EXCLUSIVE on users: reads and writes wait while its value is computed for every row
              = Add the column without NOT NULL, then a CHECK constraint that it IS NOT NULL as NOT VALID, and validate it in a later transaction
        "#]]);
    }

    #[test]
    fn volatile_defaults() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users
                  ADD COLUMN a uuid DEFAULT gen_random_uuid(),
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
                  ADD COLUMN b int DEFAULT 1 + (random() * 10)::int,
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
                  ADD COLUMN c timestamptz DEFAULT clock_timestamp(),
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
                  ADD COLUMN d int DEFAULT nextval('s'),
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
                  ADD COLUMN e int DEFAULT next_code(),
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
                  ADD COLUMN f int DEFAULT unheard_of();
                --^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
            "#]],
        );
    }

    #[test]
    fn free_defaults() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users
              ADD COLUMN a int NOT NULL DEFAULT -1,
              ADD COLUMN b timestamptz NOT NULL DEFAULT now(),
              ADD COLUMN c date DEFAULT CURRENT_DATE + interval '1 day',
              ADD COLUMN d jsonb NOT NULL DEFAULT '{}'::jsonb,
              ADD COLUMN e text[] DEFAULT ARRAY[]::text[],
              ADD COLUMN f int DEFAULT pure_code(),
              ADD COLUMN g text DEFAULT lower('X');
        "#]],
        );
    }

    #[test]
    fn serial_and_identity() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN n bigserial;
                --                ^^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
                ALTER TABLE users ADD COLUMN m bigint GENERATED BY DEFAULT AS IDENTITY;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
            "#]],
        );
    }

    #[test]
    fn generated() {
        on(18..=18).check(
            GIVEN,
            expect![[r#"
                ALTER TABLE users ADD COLUMN a bigint GENERATED ALWAYS AS (id * 2) STORED;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
                ALTER TABLE users ADD COLUMN b bigint GENERATED ALWAYS AS (id * 2) VIRTUAL;
            "#]],
        );
    }

    #[test]
    fn domains() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE users ADD COLUMN a positive, ADD COLUMN b plain;
            --                ^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
        "#]],
        );
        wrapped().say(
            GIVEN,
            "ALTER TABLE users ADD COLUMN a positive DEFAULT 4;",
            expect![[r#"
                add-column-rewrite: adding a column of a constrained domain holds ACCESS EXCLUSIVE on users: reads and writes wait while the table is rewritten
                  = Use the domain's base type, and add its check to the table as NOT VALID
            "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            CREATE TABLE posts (id bigint);
            ALTER TABLE posts ADD COLUMN n serial;
        "#]],
        );
    }

    #[test]
    fn if_not_exists() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE IF EXISTS users ADD COLUMN IF NOT EXISTS n serial;
            --                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ add-column-rewrite
        "#]],
        );
    }
}
