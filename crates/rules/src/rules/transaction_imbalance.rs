//! BEGIN without COMMIT, COMMIT without BEGIN, BEGIN inside a transaction.

use model::trace::Opener;
use syntax::ast::TransactionKind;

use crate::facts::transaction_kind;
use crate::{Context, Finding, Group, Level, Rule, RuleInfo};

pub static RULE: Rule = Rule {
    info: RuleInfo {
        name: "transaction-imbalance",
        level: Level::Warning,
        group: Group::Transaction,
        docs: r#"
A transaction that is opened twice, never ended, or ended without being open does not do what it looks like.

### What it does
Reports BEGIN inside a transaction, BEGIN without COMMIT or ROLLBACK, and COMMIT or ROLLBACK without a transaction.

### Why it hurts
An inner BEGIN does nothing, so the next COMMIT ends the outer transaction, the migration tool's too: what follows runs
without one. A transaction that is never ended keeps its locks until the session ends, and is then undone.

### Way out
Leave out BEGIN and COMMIT where the tool opens a transaction. Elsewhere, end what is begun.

### When to allow it
The file is only a piece of a longer script.

```sql
BEGIN;
CREATE TABLE users (id bigint PRIMARY KEY);
```
```sql ok
BEGIN;
CREATE TABLE users (id bigint PRIMARY KEY);
COMMIT;
```
"#,
    },
    check,
    once: false,
};

fn check(context: &Context, findings: &mut Vec<Finding>) {
    let mut push = |statement: usize, message: String, way: &str| {
        let whole = context.whole(statement);
        findings.push(context.finding(&RULE, statement, whole, message).note(way));
    };
    // The BEGIN that is open, and whether a transaction was open before it.
    let mut open: Option<usize> = None;
    let mut nested = false;
    for (statement, kind, judged) in context.statements() {
        let Some(kind) = transaction_kind(kind) else { continue };
        let outside = judged.transaction.inside == Some(false);
        match kind {
            TransactionKind::Begin => {
                let outer = statement.checked_sub(1).map(|before| context.trace.judged[before].transaction);
                let in_runners = judged.transaction.opened_by == Opener::Runner;
                if in_runners && !nested {
                    nested = true;
                    push(
                        statement,
                        format!(
                            "{} has opened a transaction already: this BEGIN does nothing, and the next COMMIT ends that one",
                            context.runner.name
                        ),
                        "Leave BEGIN and COMMIT out, or tell the tool to run the file without a transaction",
                    );
                } else if open.is_some() && outer.is_some_and(|outer| outer.id == judged.transaction.id) {
                    push(
                        statement,
                        "a transaction is open already: this BEGIN does nothing".to_owned(),
                        "Leave it out, or end the first transaction before",
                    );
                }
                open = Some(statement);
            }
            TransactionKind::Commit | TransactionKind::Rollback | TransactionKind::Prepare => {
                if outside && open.is_none() {
                    push(
                        statement,
                        "no transaction is open here: this does nothing".to_owned(),
                        "Leave it out, or begin a transaction before",
                    );
                }
                open = None;
            }
            _ => {}
        }
    }
    if let Some(statement) = open.filter(|_| !nested) {
        push(
            statement,
            "this transaction is never ended: its locks stay until the session ends, and its changes are undone"
                .to_owned(),
            "End it with COMMIT, or with ROLLBACK if nothing of it shall stay",
        );
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::check::{check, unknown, whole, wrapped};

    #[test]
    fn balanced() {
        check("", expect!["BEGIN; CREATE TABLE t (); COMMIT; START TRANSACTION; SELECT 1; ROLLBACK;"]);
    }

    #[test]
    fn never_ended() {
        check(
            "",
            expect![[r#"
            BEGIN; CREATE TABLE t (); COMMIT; BEGIN; SELECT 1;
            --                                ^^^^^ transaction-imbalance
        "#]],
        );
    }

    #[test]
    fn ended_without_beginning() {
        check(
            "",
            expect![[r#"
            CREATE TABLE t (); COMMIT;
            --                 ^^^^^^ transaction-imbalance
        "#]],
        );
    }

    #[test]
    fn twice() {
        check(
            "",
            expect![[r#"
            BEGIN; BEGIN; CREATE TABLE t (); COMMIT;
            --     ^^^^^ transaction-imbalance
        "#]],
        );
    }

    #[test]
    fn in_the_runners_transaction() {
        wrapped().check(
            "",
            expect![[r#"
            BEGIN; CREATE TABLE t (); COMMIT;
            --^^^ transaction-imbalance
        "#]],
        );
    }

    #[test]
    fn ending_the_runners_transaction_on_purpose() {
        wrapped().check(
            "CREATE TABLE users (id bigint);",
            expect![[r#"
            CREATE TABLE t ();
            COMMIT;
            CREATE INDEX CONCURRENTLY i ON users (id);
        "#]],
        );
    }

    #[test]
    fn in_one_message() {
        whole().check("", expect!["BEGIN; CREATE TABLE t (); COMMIT;"]);
    }

    #[test]
    fn savepoints() {
        check("", expect!["BEGIN; SAVEPOINT a; ROLLBACK TO SAVEPOINT a; RELEASE a; COMMIT;"]);
    }

    #[test]
    fn under_an_unknown_runner() {
        unknown().check("", expect!["BEGIN; CREATE TABLE t (); COMMIT;"]);
    }
}
