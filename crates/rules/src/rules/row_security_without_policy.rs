//! Row security switched on with no policy to let anyone through.

use model::effect::OperationKind;
use model::schema::Born;
use syntax::ast::AlterAction;

use crate::facts::stops_others;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo, Section};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "row-security-without-policy",
        level: Level::Warning,
        group: Group::Security,
        docs: r#"
Row security without a policy hides every row from everyone but the owner.

### What it does
Reports ENABLE ROW LEVEL SECURITY on a table that was there before, when the table has no policy when the transaction ends.

### Why it hurts
Without a policy nothing is allowed: SELECT returns no row and INSERT fails, for every role but the owner and those that bypass
row security. With FORCE ROW LEVEL SECURITY the owner is no exception. The application finds its table empty.

### Way out
Create the policies first, in the same transaction at the latest.

### When to allow it
Only the owner uses the table.

```sql given
CREATE TABLE notes (id bigint PRIMARY KEY, owner text);
```
```sql
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
```
```sql ok
BEGIN;
CREATE POLICY own_notes ON notes USING (owner = current_user);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
COMMIT;
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
    for at in context.operations_on_others([OperationKind::Other]) {
        let Some(AlterAction::RowSecurity { enable: true }) = at.action() else { continue };
        let own = at.operation.effects.iter().find(|it| Some(&it.relation) == at.operation.relation.as_ref());
        let Some(own) = own.filter(|it| stops_others(it)) else { continue };
        let after = context.end_of_transaction(at.statement).relations.get(&own.relation);
        if at.relation().is_some_and(|it| it.born == Born::Here) {
            continue;
        }
        // Policies of a table first met here are not known.
        let open = at.relation().is_none_or(|it| it.open);
        let protected = after.is_none_or(|it| !it.row_security || !it.policies.is_empty());
        if open || protected {
            continue;
        }
        let message = if after.is_some_and(|it| it.force_row_security) {
            format!("no policy lets anyone, the owner included, see or write rows of {}", own.relation)
        } else {
            format!("no policy lets anyone but the owner see or write rows of {}", own.relation)
        };
        findings
            .push(at.finding(&RULE, message).note("Create the policies first, in the same transaction at the latest"));
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, external, on_down, timeouts, wrapped};

    const GIVEN: &str = "
        CREATE TABLE notes (id bigint PRIMARY KEY, owner text);
        CREATE TABLE guarded (id bigint);
        CREATE POLICY p ON guarded USING (true);
    ";

    #[test]
    fn without_policy() {
        check(
            GIVEN,
            expect![[r#"
            ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
            --                ^^^^^^^^^^^^^^^^^^^^^^^^^ row-security-without-policy
        "#]],
        );
    }

    #[test]
    fn forced_on_the_owner() {
        let sql = "ALTER TABLE notes FORCE ROW LEVEL SECURITY, ENABLE ROW LEVEL SECURITY";
        timeouts().say(GIVEN, sql, expect![[r#"
            missing-lock-timeout: no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on notes, reads and writes wait behind it
              = Set lock_timeout to 2s before it, and try again when it runs out
            row-security-without-policy: no policy lets anyone, the owner included, see or write rows of notes
              = Create the policies first, in the same transaction at the latest
        "#]]);
    }

    #[test]
    fn of_a_table_made_in_the_file() {
        check(
            "",
            expect![[r#"
            CREATE TABLE IF NOT EXISTS notes (id bigint, owner text);
            ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
            CREATE POLICY p ON notes USING (true);
        "#]],
        );
    }

    #[test]
    fn names_with_placeholders() {
        let enable = "ALTER TABLE {{ .Schema }}.notes ENABLE ROW LEVEL SECURITY";
        let given = "CREATE TABLE {{ .Schema }}.notes (id bigint)";
        let policy = "ALTER TABLE @app@.notes ENABLE ROW LEVEL SECURITY";
        external().say(
            "CREATE TABLE @app@.notes ()",
            policy,
            expect![[r#"
            row-security-without-policy: no policy lets anyone but the owner see or write rows of @app@.notes
              = Create the policies first, in the same transaction at the latest
        "#]],
        );
        external().say(
            given,
            &format!("{enable}; DO $$ BEGIN {enable}; END $$"),
            expect![[r#"
            row-security-without-policy: no policy lets anyone but the owner see or write rows of {{ .Schema }}.notes
              = Create the policies first, in the same transaction at the latest
            row-security-without-policy: no policy lets anyone but the owner see or write rows of {{ .Schema }}.notes
              = Create the policies first, in the same transaction at the latest
        "#]],
        );
    }

    #[test]
    fn a_policy_that_comes_too_late() {
        check(
            GIVEN,
            expect![[r#"
                ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
                --                ^^^^^^^^^^^^^^^^^^^^^^^^^ row-security-without-policy
                CREATE POLICY p ON notes USING (true);
            "#]],
        );
    }

    #[test]
    fn a_policy_in_the_transaction() {
        wrapped().check(
            GIVEN,
            expect![[r#"
            ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
            CREATE POLICY p ON notes USING (true);
        "#]],
        );
    }

    #[test]
    fn a_policy_from_before() {
        check(GIVEN, expect!["ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;"]);
    }

    #[test]
    fn a_table_born_in_the_file() {
        check(GIVEN, expect!["CREATE TABLE t (a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY;"]);
    }

    #[test]
    fn an_unknown_table() {
        check("", expect!["ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY;"]);
    }

    #[test]
    fn down() {
        on_down().check(GIVEN, expect!["ALTER TABLE notes ENABLE ROW LEVEL SECURITY;"]);
    }
}
