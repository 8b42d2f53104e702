//! ALTER COLUMN TYPE to a type that holds less.

use model::effect::OperationKind;
use model::schema::{Born, ColumnType};
use syntax::ast::{AlterAction, TypeName};

use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "narrowing-type-change",
        level: Level::Error,
        group: Group::Data,
        docs: r#"
Changing a column to a type that holds less loses what does not fit.

### What it does
Reports ALTER COLUMN TYPE on a table that was there before, when the new type has fewer digits behind the point, less
precision, or no time of day; and, as a warning, when it is shorter or has a smaller range.

### Why it hurts
Decimals are rounded and times cut off without a word. A text that is too long, or a number out of range, makes the migration
fail on the data of production, or is cut off where USING says so.

### Way out
Add a column of the new type, convert what fits, look at what does not, then switch over.

### When to allow it
What is lost is not needed, or every value is known to fit.

```sql given
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(10, 4), code text);
```
```sql
ALTER TABLE orders ALTER COLUMN total TYPE numeric(10, 2);
```
```sql ok
ALTER TABLE orders ADD CONSTRAINT code_short CHECK (length(code) <= 10) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT code_short;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    if context.section == Section::Down {
        return;
    }
    for at in context.operations_of(OperationKind::AlterType) {
        let Some(AlterAction::AlterType { column, ty, .. }) = at.action() else { continue };
        let Some(relation) = at.relation().filter(|it| it.born == Born::Before) else { continue };
        let Some(ColumnType::Known(old)) = relation.column(&column.text).map(|it| &it.ty) else { continue };
        let Some(narrowing) = narrowing(old, ty) else { continue };
        let place = format!("{}.{}", at.name(), column.text);
        let mut finding = match narrowing {
            Narrowing::Loses(what) => at.finding(&RULE, format!("{place} loses {what} without a word")),
            Narrowing::MayFail(what) => {
                let mut finding = at.finding(&RULE, format!("this fails if a value of {place} {what}"));
                finding.level = Level::Warning;
                finding
            }
        };
        finding = finding.note("Copy what fits to a column of the new type, and look at what does not");
        findings.push(finding);
    }
}

enum Narrowing {
    Loses(&'static str),
    MayFail(String),
}

/// What becomes of values that the new type cannot hold; `None` when it holds all or the types are strangers.
fn narrowing(old: &TypeName, new: &TypeName) -> Option<Narrowing> {
    use Narrowing::{Loses, MayFail};
    if old.array || new.array {
        return None;
    }
    let (from, to) = (old.name.as_str(), new.name.as_str());
    let rank = |name: &str| ["int2", "int4", "int8"].iter().position(|it| *it == name);
    if let (Some(from), Some(to)) = (rank(from), rank(to)) {
        return (to < from).then(|| MayFail(format!("does not fit {}", ["smallint", "integer", "bigint"][to])));
    }
    let inexact = |name: &str| ["float4", "float8", "numeric"].contains(&name);
    if inexact(from) && rank(to).is_some() {
        return Some(Loses("its decimals"));
    }
    if from == "float8" && to == "float4" {
        return Some(Loses("precision"));
    }
    let text = |name: &str| ["text", "varchar", "bpchar"].contains(&name);
    if text(from) && (to == "varchar" || to == "bpchar") {
        let limit = new.modifiers.first().copied()?;
        let before = old.modifiers.first().copied().filter(|_| from != "text").unwrap_or(i64::MAX);
        return (limit < before).then(|| MayFail(format!("is longer than {limit} characters")));
    }
    if from == "numeric" && to == "numeric" {
        let digits = |ty: &TypeName| {
            let precision = ty.modifiers.first().copied()?;
            Some((precision, ty.modifiers.get(1).copied().unwrap_or(0)))
        };
        let (precision, scale) = digits(new)?;
        return match digits(old) {
            Some((_, old_scale)) if scale < old_scale => Some(Loses("its last decimals")),
            None => Some(Loses("decimals beyond the new scale")),
            Some((old_precision, old_scale)) if precision - scale < old_precision - old_scale => {
                Some(MayFail(format!("has more than {} digits before the point", precision - scale)))
            }
            _ => None,
        };
    }
    let moment = |name: &str| ["timestamp", "timestamptz"].contains(&name);
    if moment(from) {
        if to == "date" {
            return Some(Loses("its time of day"));
        }
        if to == "time" || to == "timetz" {
            return Some(Loses("its date"));
        }
        let precision = |ty: &TypeName| ty.modifiers.first().copied().unwrap_or(6);
        return (moment(to) && precision(new) < precision(old)).then_some(Loses("fractions of seconds"));
    }
    None
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, on_down, wrapped};

    const GIVEN: &str = "
        CREATE TABLE orders (id bigint, total numeric(10,4), ratio float8, code varchar(50), note text, at timestamptz);
    ";

    #[test]
    fn lost_without_a_word() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE orders ALTER total TYPE numeric(10,2);
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ narrowing-type-change
                ALTER TABLE orders ALTER ratio TYPE int;
                --                 ^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
                --                 ^^^^^^^^^^^^^^^^^^^^ narrowing-type-change
                ALTER TABLE orders ALTER at TYPE date;
                --                 ^^^^^^^^^^^^^^^^^^ column-type-rewrite
                --                 ^^^^^^^^^^^^^^^^^^ narrowing-type-change
            "#]],
        );
    }

    #[test]
    fn may_fail() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE orders ALTER id TYPE int;
                --                 ^^^^^^^^^^^^^^^^^ column-type-rewrite
                --                 ^^^^^^^^^^^^^^^^^ narrowing-type-change (warning)
                ALTER TABLE orders ALTER note TYPE varchar(100);
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
                --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ narrowing-type-change (warning)
            "#]],
        );
    }

    #[test]
    fn widening() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE orders ALTER code TYPE varchar(100);
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ cached-plan-change
        "#]],
        );
    }

    #[test]
    fn an_unknown_column() {
        check(
            "",
            expect![[r#"
            ALTER TABLE orders ALTER code TYPE varchar(10);
            --                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^ column-type-rewrite
        "#]],
        );
    }

    #[test]
    fn a_table_born_in_the_file() {
        wrapped().check(GIVEN, expect!["CREATE TABLE t (a bigint); ALTER TABLE t ALTER a TYPE int;"]);
    }

    #[test]
    fn down() {
        on_down().check(
            GIVEN,
            expect![[r#"
                ALTER TABLE orders ALTER id TYPE int;
                --                 ^^^^^^^^^^^^^^^^^ column-type-rewrite
            "#]],
        );
    }
}
