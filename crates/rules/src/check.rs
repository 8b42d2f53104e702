//! Drawn tests: SQL with marks under what must be found.
//!
//! A mark is a line of the form `-- ^^^^ rule-name (level)` under the line where the finding begins; the level stands there
//! when it is not the rule's own. All findings of all rules are drawn, so that one cause gives one finding. Run with
//! `UPDATE_EXPECT=1` to draw anew.

use std::ops::RangeInclusive;

use expect_test::Expect;
use model::runner::{Messages, RunnerTransaction};
use syntax::directive::Date;

use crate::docs::Sample;
use crate::{Choice, Group, Section};

/// Judges the SQL, marks removed, as psql would run it on what `given` made.
pub fn check(given: &str, expected: Expect) {
    Setup::new().check(given, expected);
}

/// Inside the runner's transaction.
pub fn wrapped() -> Setup {
    Setup::new().wrapped()
}

/// In one message.
pub fn whole() -> Setup {
    Setup::new().whole()
}

/// With a runner that is not known.
pub fn unknown() -> Setup {
    let mut setup = Setup::new();
    setup.0.runner.transaction = RunnerTransaction::Unknown;
    setup
}

/// On certain majors, chosen by the user.
pub fn on(majors: RangeInclusive<u32>) -> Setup {
    let mut setup = Setup::new();
    setup.0.majors = majors;
    setup.0.settings.majors_configured = true;
    setup
}

pub fn on_down() -> Setup {
    let mut setup = Setup::new();
    setup.0.section = Section::Down;
    setup
}

/// Nothing outside sets timeouts.
pub fn timeouts() -> Setup {
    Setup::new().timeouts()
}

/// The role or the URL sets timeouts.
pub fn external() -> Setup {
    Setup::new()
}

pub fn pooled() -> Setup {
    let mut setup = Setup::new();
    setup.0.settings.transaction_pooler = true;
    setup
}

/// The given migrations began with an empty database.
pub fn complete() -> Setup {
    let mut setup = Setup::new();
    setup.0.complete = true;
    setup
}

/// The migration is the last one.
pub fn latest() -> Setup {
    Setup::new().latest()
}

pub fn today(date: Date) -> Setup {
    let mut setup = Setup::new();
    setup.0.settings.today = Some(date);
    setup
}

pub fn style() -> Setup {
    let mut setup = Setup::new();
    setup.0.settings.groups.insert(Group::Style, Choice::On);
    setup
}

pub struct Setup(Sample);

impl Setup {
    fn new() -> Self {
        Self(Sample::new("", ""))
    }

    pub fn wrapped(mut self) -> Self {
        self.0.runner.name = "the runner";
        self.0.runner.transaction = RunnerTransaction::Unit;
        self
    }

    pub fn whole(mut self) -> Self {
        self.0.runner.name = "the runner";
        self.0.runner.messages = Messages::Whole;
        self
    }

    pub fn timeouts(mut self) -> Self {
        self.0.settings.external_timeouts = false;
        self
    }

    pub fn latest(mut self) -> Self {
        self.0.last = true;
        self
    }

    pub fn check(mut self, given: &str, expected: Expect) {
        given.clone_into(&mut self.0.given);
        let drawn = dedent(expected.data());
        self.0.sql = drawn.lines().filter(|line| !is_mark(line)).map(|line| format!("{line}\n")).collect();
        if !drawn.contains('\n') {
            self.0.sql.pop();
        }
        expected.assert_eq(&draw(&self.0));
    }

    /// What the findings say, with their notes and the statements that explain them.
    pub fn say(mut self, given: &str, sql: &str, expected: Expect) {
        given.clone_into(&mut self.0.given);
        sql.clone_into(&mut self.0.sql);
        let (_, linted) = self.0.lint();
        let mut said = String::new();
        for finding in &linted.findings {
            said.push_str(&format!("{}: {}\n", finding.rule.name, finding.message));
            finding.notes.iter().for_each(|note| said.push_str(&format!("  = {note}\n")));
            for (span, message) in &finding.related {
                said.push_str(&format!("  {message}: {}\n", &sql[span.start as usize..span.end as usize]));
            }
        }
        expected.assert_eq(&said);
    }
}

fn is_mark(line: &str) -> bool {
    line.trim_start().strip_prefix("--").is_some_and(|rest| rest.trim_start().starts_with('^'))
}

fn draw(sample: &Sample) -> String {
    let (_, linted) = sample.lint();
    let mut drawn = String::new();
    let mut start = 0;
    for line in sample.sql.split_inclusive('\n') {
        drawn.push_str(line);
        let end = start + line.len();
        let here = linted.findings.iter().filter(|it| (start..end).contains(&(it.span.start as usize)));
        for finding in here {
            if !drawn.ends_with('\n') {
                drawn.push('\n');
            }
            let from = finding.span.start as usize - start;
            let to = (finding.span.end as usize).min(start + line.trim_end().len()) - start;
            let blank = " ".repeat(from.saturating_sub(2));
            let marks = "^".repeat(to.saturating_sub(from.max(2)).max(1));
            let level = if finding.level == finding.rule.level {
                String::new()
            } else {
                format!(" ({})", finding.level.name())
            };
            drawn.push_str(&format!("--{blank}{marks} {}{level}\n", finding.rule.name));
        }
        start = end;
    }
    drawn
}

fn dedent(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let depth = text.lines().filter(|it| !it.trim().is_empty()).map(|it| it.len() - it.trim_start().len()).min();
    let depth = depth.unwrap_or(0);
    let lines = text
        .split_inclusive('\n')
        .map(|line| if line.len() > depth { &line[depth..] } else { line.trim_start_matches(' ') });
    lines.collect()
}
