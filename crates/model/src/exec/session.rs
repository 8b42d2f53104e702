//! SET, RESET, DISCARD and the commands of transaction control that are judged like other statements.

use syntax::Span;
use syntax::ast::{Set, StatementKind, TransactionKind};

use super::{Exec, NeedsBlock};
use crate::effect::{FailsWhen, OperationKind};
use crate::trace::{Session, Timeout};

pub(super) fn session(exec: &mut Exec, it: &StatementKind, span: Span) {
    match it {
        StatementKind::Set(it) => set(exec, it, span),
        StatementKind::Discard { all } if *all => {
            exec.refuse_transaction("DISCARD ALL", span);
            reset_all(exec);
        }
        StatementKind::Transaction { kind } => transaction(exec, kind, span),
        _ => {}
    }
}

fn set(exec: &mut Exec, it: &Set, span: Span) {
    if matches!(it.name.as_str(), "lock_timeout" | "statement_timeout" | "transaction_timeout") {
        exec.operation(OperationKind::SetTimeout, span, None);
    }
    if it.name == "all" {
        return reset_all(exec);
    }
    assign(exec, &it.name, it.values.as_deref(), it.local);
}

/// SET, SET LOCAL and set_config(). SET LOCAL outside a transaction block has no effect beyond a warning
/// (WarnNoTransactionBlock, xact.c); where the runner is not known it is believed.
pub(super) fn assign(exec: &mut Exec, name: &str, values: Option<&[String]>, local: bool) {
    let external = exec.setting.external_timeouts;
    exec.sets = true;
    if local {
        if exec.setting.in_block || exec.lowered {
            apply(&mut exec.session, name, values, external);
        }
    } else {
        apply(&mut exec.session, name, values, external);
        apply(&mut exec.durable, name, values, external);
    }
}

fn reset_all(exec: &mut Exec) {
    for name in ["lock_timeout", "statement_timeout", "search_path", "timezone", "check_function_bodies"] {
        assign(exec, name, None, false);
    }
}

fn apply(session: &mut Session, name: &str, values: Option<&[String]>, external: bool) {
    match name {
        "lock_timeout" => session.lock_timeout = timeout(values, external),
        "statement_timeout" => session.statement_timeout = timeout(values, external),
        "search_path" => {
            session.search_path = match values {
                // "$user" names a schema that hardly any database has.
                Some(values) => values.iter().filter(|v| !v.is_empty() && *v != "$user").cloned().collect(),
                None => Session::default().search_path,
            };
        }
        "timezone" => session.time_zone = values.and_then(|v| v.first().cloned()),
        "check_function_bodies" => session.check_function_bodies = !values.is_some_and(is_off),
        _ => {}
    }
}

fn timeout(values: Option<&[String]>, external: bool) -> Timeout {
    match values {
        None if external => Timeout::External,
        None => Timeout::Off,
        Some([value]) => milliseconds(value).map_or(Timeout::External, |ms| match ms {
            0 => Timeout::Off,
            ms => Timeout::Milliseconds(ms),
        }),
        Some(_) => Timeout::External,
    }
}

/// A time setting whose base unit is milliseconds (parse_int with GUC_UNIT_MS, guc.c); `None` for what is not constant.
fn milliseconds(value: &str) -> Option<u64> {
    let value = value.trim();
    let digits = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let factor = match unit.trim() {
        "" | "ms" => 1.0,
        "us" => 0.001,
        "s" => 1_000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    // The largest value is INT_MAX, so the conversion is exact enough.
    let ms = (number * factor).round();
    (ms <= f64::from(i32::MAX)).then_some(ms as u64)
}

fn is_off(values: &[String]) -> bool {
    values.first().is_some_and(|v| matches!(v.to_ascii_lowercase().as_str(), "off" | "false" | "no" | "0" | "f"))
}

/// BEGIN, COMMIT and ROLLBACK belong to the trace driver; these are commands with demands of their own.
fn transaction(exec: &mut Exec, kind: &TransactionKind, span: Span) {
    if exec.lowered {
        let message = "unsupported transaction command in PL/pgSQL".to_owned();
        return exec.fail("0A000", message, FailsWhen::Always, span);
    }
    let command = match kind {
        // PreventInTransactionBlock in standard_ProcessUtility, utility.c.
        TransactionKind::CommitPrepared => return exec.refuse_transaction("COMMIT PREPARED", span),
        TransactionKind::RollbackPrepared => return exec.refuse_transaction("ROLLBACK PREPARED", span),
        TransactionKind::Savepoint => "SAVEPOINT",
        TransactionKind::Release => "RELEASE SAVEPOINT",
        TransactionKind::RollbackTo => "ROLLBACK TO SAVEPOINT",
        TransactionKind::CommitAndChain => "COMMIT AND CHAIN",
        TransactionKind::RollbackAndChain => "ROLLBACK AND CHAIN",
        TransactionKind::Begin | TransactionKind::Commit | TransactionKind::Rollback | TransactionKind::Prepare => {
            return;
        }
    };
    exec.needs_block = Some(NeedsBlock { command, explicit: true, span });
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn units() {
        let drawn: Vec<String> = ["2s", "2000", "1min", "0", "1.5 s", "500us", "1h", ":timeout", "10parsec", "99d"]
            .iter()
            .map(|v| format!("{v} = {:?}", milliseconds(v)))
            .collect();
        expect_test::expect![[r#"
            2s = Some(2000)
            2000 = Some(2000)
            1min = Some(60000)
            0 = Some(0)
            1.5 s = Some(1500)
            500us = Some(1)
            1h = Some(3600000)
            :timeout = None
            10parsec = None
            99d = None"#]]
        .assert_eq(&drawn.join("\n"));
    }
}
