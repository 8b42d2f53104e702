//! Parts run one after the other, to see what their statements do there.

use std::collections::BTreeMap;

use model::plan::Setting;
use model::runner::{Messages, Runner, RunnerTransaction};
use model::trace::{Judged, Settings, Trace, Unit, trace};
use syntax::ast::{Script, Statement};

use crate::Request;
use crate::expand::Item;
use crate::plan::Refusal;
use crate::schedule::Group;

/// Steps as they were executed in parts.
pub(crate) struct Executed {
    script: Script,
    trace: Trace,
    pub after: model::schema::Schema,
    /// Step to its statement and whether that stood in a transaction.
    statements: BTreeMap<usize, (usize, bool)>,
}

impl Executed {
    pub fn get(&self, step: &usize) -> Option<(bool, &Statement, &Judged)> {
        let (statement, transaction) = self.statements.get(step)?;
        Some((*transaction, &self.script.statements[*statement], &self.trace.judged[*statement]))
    }
}

/// Runs the parts one after the other, each transaction as BEGIN and COMMIT.
pub(crate) fn execute(request: &Request, items: &[Item], groups: &[Group]) -> Result<Executed, Refusal> {
    let mut text = String::new();
    let mut owners: Vec<Option<(usize, bool)>> = Vec::new();
    let mut settings: Vec<Setting> = Vec::new();
    for group in groups {
        let wanted = group.steps.first().map(|step| items[*step].settings.clone()).unwrap_or_default();
        let fresh: Vec<&Setting> = wanted.iter().filter(|it| it.local || !settings.contains(it)).collect();
        for setting in fresh.iter().filter(|it| !it.local) {
            line(&mut text, &mut owners, &setting.sql, None);
        }
        if group.transaction {
            line(&mut text, &mut owners, "BEGIN;", None);
        }
        for setting in fresh.iter().filter(|it| it.local) {
            line(&mut text, &mut owners, &setting.sql, None);
        }
        for step in &group.steps {
            line(&mut text, &mut owners, &items[*step].draft.sql, Some((*step, group.transaction)));
        }
        if group.transaction {
            line(&mut text, &mut owners, "COMMIT;", None);
        }
        settings = wanted.into_iter().filter(|it| !it.local).collect();
    }
    let options = syntax::Options { range: None, ..request.options.clone() };
    let script = syntax::parse(&text, &options);
    if script.statements.len() != owners.len() {
        let reason = "the statements of the file cannot be told apart".to_owned();
        return Err(Refusal { operations: Vec::new(), reason });
    }
    let runner = alone(request.runner);
    let known = Settings { majors: request.trace.majors.clone(), external_timeouts: true };
    let trace = trace(&request.trace.before, request.session, &Unit { script: &script, runner: &runner }, &known);
    let statements = owners
        .into_iter()
        .enumerate()
        .filter_map(|(statement, owner)| owner.map(|(step, transaction)| (step, (statement, transaction))))
        .collect();
    Ok(Executed { after: trace.after.clone(), script, trace, statements })
}

fn line(text: &mut String, owners: &mut Vec<Option<(usize, bool)>>, sql: &str, owner: Option<(usize, bool)>) {
    text.push_str(sql);
    text.push('\n');
    owners.push(owner);
}

/// The runner without its transactions.
pub(crate) fn alone(runner: &Runner) -> Runner {
    Runner { transaction: RunnerTransaction::None, messages: Messages::Each, resets_session: false, ..runner.clone() }
}
