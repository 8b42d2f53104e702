//! Traces drawn as text, for tests.

use std::fmt::Write as _;

use crate::effect::{FailsWhen, Work, lock_name};
use crate::runner::{Messages, Runner, RunnerTransaction};
use crate::schema::Schema;
use crate::trace::{Judged, Opener, Session, Settings, Timeout, Trace, Unit, Until, trace};

pub(crate) fn runner(transaction: RunnerTransaction, messages: Messages) -> Runner {
    Runner { name: "test", transaction, messages, opt_out: None, opted_out: false, resets_session: false }
}

pub(crate) fn plain() -> Runner {
    runner(RunnerTransaction::None, Messages::Each)
}

/// The trace of a text on a schema.
pub(crate) fn run(before: &Schema, sql: &str, runner: &Runner, majors: (u32, u32)) -> Trace {
    let script = syntax::parse(sql, &syntax::Options::default());
    let settings = Settings { majors: majors.0..=majors.1, external_timeouts: false };
    trace(before, &Session::default(), &Unit { script: &script, runner }, &settings)
}

/// What is left of an empty database after a text, grown old.
pub(crate) fn history(sql: &str) -> Schema {
    let empty = Schema { complete: true, ..Schema::default() };
    let trace = run(&empty, sql, &plain(), (18, 18));
    for judged in &trace.judged {
        assert!(judged.fails.is_none(), "{:?}", judged.fails);
    }
    trace.after.aged(&empty, crate::schema::Born::Before)
}

/// Locks, work, operations and failures of each statement behind the history, on all majors.
pub(crate) fn effects(before: &str, sql: &str) -> String {
    let script = syntax::parse(sql, &syntax::Options::default());
    let trace = run(&history(before), sql, &plain(), (14, 18));
    let mut lines = String::new();
    for (statement, judged) in script.statements.iter().zip(&trace.judged) {
        let text: Vec<&str> = statement.parsed.text.split_whitespace().collect();
        let _ = writeln!(lines, "{}\n    {}", text.join(" "), draw_effects(judged));
    }
    lines
}

fn draw_effects(judged: &Judged) -> String {
    let mut line = String::new();
    for effect in &judged.effects {
        let lock = lock_name(effect.lock);
        let maybe = if effect.maybe { "?" } else { "" };
        let work = match effect.work {
            Work::Instant => String::new(),
            work => format!("+{}", format!("{work:?}").to_lowercase()),
        };
        let _ = write!(line, "{} {lock}{work}{maybe}, ", effect.relation);
    }
    let mut line = if line.is_empty() { "nothing".to_owned() } else { line.trim_end_matches(", ").to_owned() };
    let blocked: Vec<String> = judged
        .blocked
        .iter()
        .map(|it| format!("{}:{}{}", it.relation, if it.reads { "R" } else { "" }, if it.writes { "W" } else { "" }))
        .collect();
    if !blocked.is_empty() {
        let _ = write!(line, " | blocks {}", blocked.join(" "));
    }
    if let Some((first, last)) = judged.majors {
        let _ = write!(line, " | {first}-{last}");
    }
    if let Some(failure) = &judged.fails {
        let when = match failure.when {
            FailsWhen::Always => "",
            FailsWhen::Wrapped => " if wrapped",
            FailsWhen::NotEmpty => " unless empty",
        };
        let _ = write!(line, " | {}{when}: {}", failure.sqlstate, failure.message);
        if failure.majors != (14, 18) {
            let _ = write!(line, " ({}-{})", failure.majors.0, failure.majors.1);
        }
    }
    line
}

/// The transaction and the timeouts of each statement.
pub(crate) fn transactions(sql: &str, runner: &Runner) -> String {
    let script = syntax::parse(sql, &syntax::Options::default());
    let trace = run(&Schema::default(), sql, runner, (18, 18));
    let mut lines = String::new();
    for (statement, judged) in script.statements.iter().zip(&trace.judged) {
        let transaction = judged.transaction;
        let inside = match transaction.inside {
            Some(true) => "in",
            Some(false) => "alone",
            None => "?",
        };
        let opener = match transaction.opened_by {
            Opener::Nobody => "",
            Opener::Explicit => " by BEGIN",
            Opener::Runner => " by runner",
            Opener::Message => " by message",
        };
        let until = match transaction.until {
            Until::Statement | Until::Commit => "",
            Until::Run => " until the run ends",
        };
        let timeout = |timeout| match timeout {
            Timeout::Unset => "-".to_owned(),
            Timeout::Off => "0".to_owned(),
            Timeout::Milliseconds(ms) => format!("{ms}ms"),
            Timeout::External => "external".to_owned(),
        };
        let held: Vec<String> = judged.held().keys().map(ToString::to_string).collect();
        let held = if held.is_empty() { String::new() } else { format!(" holding {}", held.join(" ")) };
        let fails = judged.fails.as_ref().map_or_else(String::new, |it| format!(" {}", it.sqlstate));
        let _ = writeln!(
            lines,
            "{} {inside}{opener}{until} {}/{}{held}{fails}: {}",
            transaction.id,
            timeout(judged.timeouts.lock),
            timeout(judged.timeouts.statement),
            statement.parsed.text
        );
    }
    lines
}
