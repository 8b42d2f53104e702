//! Plans drawn as text. A test gives the schema, the migration and the plan; every plan is also checked for what must hold
//! for all of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use expect_test::Expect;
use model::plan::{Class, Inverse, Mode, Plan, Recovery};
use model::runner::{Messages, Runner, RunnerTransaction};
use model::schema::{Born, Schema};
use model::trace::{Session, Settings, Trace, Unit, fold, trace};
use syntax::ast::Script;
use syntax::{Options, Span};

use crate::{Outcome, Parameters, Request, rewrite};

mod columns;
mod constraints;
mod data;
mod files;
mod indexes;
mod meanwhile;
mod monoliths;
mod partitions;
mod twice;

/// How a migration is run and rewritten.
#[derive(Clone, Debug)]
struct Given<'a> {
    base: &'a str,
    /// What is not in the base does not exist.
    complete: bool,
    majors: RangeInclusive<u32>,
    allowed: Class,
    runner: Runner,
    /// `None`: all.
    chosen: Option<Vec<(usize, usize)>>,
    apart: BTreeSet<(usize, usize)>,
}

fn wrapped(base: &str) -> Given<'_> {
    let runner = Runner {
        name: "goose",
        transaction: RunnerTransaction::Unit,
        messages: Messages::Each,
        opt_out: None,
        opted_out: false,
        resets_session: false,
    };
    Given { base, complete: true, majors: 14..=18, allowed: Class::Safe, runner, chosen: None, apart: BTreeSet::new() }
}

fn plain(base: &str) -> Given<'_> {
    let mut given = wrapped(base);
    given.runner.name = "plain psql";
    given.runner.transaction = RunnerTransaction::None;
    given
}

impl Given<'_> {
    fn allowing(mut self, allowed: Class) -> Self {
        self.allowed = allowed;
        self
    }

    fn on(mut self, majors: RangeInclusive<u32>) -> Self {
        self.majors = majors;
        self
    }

    fn unknown(mut self) -> Self {
        self.complete = false;
        self
    }

    fn choosing(mut self, chosen: &[(usize, usize)]) -> Self {
        self.chosen = Some(chosen.to_vec());
        self
    }

    /// Their tables count as old.
    fn apart(mut self, apart: &[(usize, usize)]) -> Self {
        self.apart = apart.iter().copied().collect();
        self
    }
}

fn settings(given: &Given) -> Settings {
    Settings { majors: given.majors.clone(), external_timeouts: true }
}

fn base(given: &Given) -> Schema {
    let empty = Schema { complete: given.complete, ..Schema::default() };
    let script = syntax::parse(given.base, &Options::default());
    let unit = Unit { script: &script, runner: &given.runner };
    fold(&empty, &Session::default(), &unit, &settings(given), Born::Before).0.aged(&empty, Born::Before)
}

fn run(given: &Given, sql: &str) -> (Script, Trace, Outcome) {
    let script = syntax::parse(sql, &Options::default());
    let unit = Unit { script: &script, runner: &given.runner };
    let session = Session::default();
    let trace = trace(&base(given), &session, &unit, &settings(given));
    let all = trace
        .judged
        .iter()
        .enumerate()
        .flat_map(|(statement, judged)| (0..judged.operations.len()).map(move |operation| (statement, operation)));
    let chosen: Vec<(usize, usize)> = given.chosen.clone().unwrap_or_else(|| all.collect());
    let outcome = rewrite(&Request {
        text: sql,
        section: Span::new(0, sql.len()),
        script: &script,
        options: &Options::default(),
        trace: &trace,
        session: &session,
        runner: &given.runner,
        marks: &[],
        chosen: &chosen,
        apart: &given.apart,
        allowed: given.allowed,
        parameters: Parameters::default(),
    });
    (script, trace, outcome)
}

/// The plan for a migration of which every operation is chosen.
fn check(given: &Given, sql: &str, expected: Expect) {
    let sql = sql.trim_start_matches('\n');
    let (script, trace, outcome) = run(given, sql);
    let mut text = draw(&outcome);
    for problem in problems(given, sql, &script, &trace, &outcome) {
        let _ = writeln!(text, "PROBLEM {problem}");
    }
    expected.assert_eq(&text);
}

fn draw(outcome: &Outcome) -> String {
    let plan = &outcome.plan;
    let mut text = String::new();
    let class = match plan.class {
        Class::Safe => "",
        Class::Unsafe => "unsafe\n",
        Class::Plan => "plan\n",
    };
    text.push_str(class);
    if outcome.changed {
        for part in &plan.parts {
            draw_part(&mut text, part);
        }
    } else {
        text.push_str("unchanged\n");
    }
    for assumption in &plan.assumptions {
        let _ = writeln!(text, "assuming: {assumption}");
    }
    for (statement, operation, reason) in &plan.withheld {
        let _ = writeln!(text, "withheld {statement}.{operation}: {reason}");
    }
    text
}

fn draw_part(text: &mut String, part: &model::plan::Part) {
    let _ = writeln!(text, "== {}{}", part.title, if part.transaction { "" } else { " (no transaction)" });
    for setting in &part.settings {
        let _ = writeln!(text, "with {}", setting.sql);
    }
    for step in &part.steps {
        let marks = [
            (step.mode == Mode::OwnTx, " own"),
            (step.long, " long"),
            (step.blocks, " blocks"),
            (step.verbatim, " verbatim"),
        ];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        let _ = writeln!(text, "{}  --{marks}", step.sql);
        match &step.inverse {
            Inverse::Sql { sql, .. } => {
                let _ = writeln!(text, "    undo {}", sql.replace('\n', " "));
            }
            Inverse::Impossible(reason) => {
                let _ = writeln!(text, "    undo: {reason}");
            }
            Inverse::Nothing | Inverse::Original => {}
        }
        match &step.recovery {
            Some(Recovery::Again(left)) => {
                let _ = writeln!(text, "    again: {left}");
            }
            Some(Recovery::Rows { rows, changed_by: Some(by), .. }) => {
                let _ = writeln!(text, "    again: {rows} by {by}");
            }
            _ => {}
        }
    }
}

/// The text of a plan as a script that psql runs.
fn script_of(plan: &Plan) -> String {
    let mut text = String::new();
    for part in &plan.parts {
        for setting in part.settings.iter().filter(|it| !it.local) {
            let _ = writeln!(text, "{}", setting.sql);
        }
        if part.transaction {
            text.push_str("BEGIN;\n");
        }
        for setting in part.settings.iter().filter(|it| it.local) {
            let _ = writeln!(text, "{}", setting.sql);
        }
        for step in &part.steps {
            let _ = writeln!(text, "{}", step.sql);
        }
        if part.transaction {
            text.push_str("COMMIT;\n");
        }
    }
    text
}

/// What must hold for every plan.
fn problems(given: &Given, sql: &str, script: &Script, trace: &Trace, outcome: &Outcome) -> Vec<String> {
    let mut problems = Vec::new();
    let text = script_of(&outcome.plan);
    let parsed = syntax::parse(&text, &Options::default());
    for statement in &parsed.statements {
        if let syntax::ast::StatementKind::Invalid(error) = &*statement.parsed.kind {
            problems.push(format!("{} in {}", error.message, statement.parsed.text));
        }
    }
    for comment in &script.comments {
        let comment = comment.span.slice(sql);
        if outcome.changed && !text.contains(comment) {
            problems.push(format!("a comment is lost: {comment}"));
        }
    }
    let runner = plain(given.base).runner;
    let unit = Unit { script: &parsed, runner: &runner };
    let executed = model::trace::trace(&trace.before, &Session::default(), &unit, &settings(given));
    let fails = trace.judged.iter().any(|it| it.fails.is_some());
    if !fails {
        problems.extend(crate::equivalence::differences(&trace.after, &executed.after));
    }
    for part in &outcome.plan.parts {
        for inverse in part.steps.iter().map(|step| &step.inverse) {
            if let Inverse::Sql { sql, .. } = inverse
                && let [statement] = syntax::parse(sql, &Options::default()).statements.as_slice()
                && let syntax::ast::StatementKind::Invalid(error) = &*statement.parsed.kind
            {
                problems.push(format!("{} in {sql}", error.message));
            }
        }
    }
    if outcome.changed && given.chosen.is_none() {
        let again = Given { runner, chosen: None, ..given.clone() };
        let (_, _, second) = run(&again, &text);
        if second.changed {
            problems.push(format!("a second run changes it again:\n{}", draw(&second)));
        }
    }
    problems
}
