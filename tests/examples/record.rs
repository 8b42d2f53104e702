//! Makes records for `fixtures/observations`: reads forms (JSON array of `id`, `setup`, `pre`, `settings`, `sql`) from standard
//! input, runs them on the servers that `SAFESTEP_PG` names and prints the records.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use safestep_tests::observe::{Case, Observation, observe};
use safestep_tests::servers;
use serde_json::{Value, json};

#[derive(serde::Deserialize)]
struct Form {
    id: String,
    setup: String,
    pre: String,
    settings: Vec<String>,
    sql: String,
}

#[allow(clippy::print_stdout)]
fn main() {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).expect("forms on standard input");
    let forms: Vec<Form> = serde_json::from_str(&input).expect("an array of forms");
    let setups = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/observations/setups");
    let seen: Mutex<BTreeMap<(usize, u32), Value>> = Mutex::default();
    servers::on_each(|server| {
        for (at, form) in forms.iter().enumerate() {
            let setup = std::fs::read_to_string(setups.join(format!("{}.sql", form.setup))).expect("a setup");
            let case = Case { setup: &setup, pre: &form.pre, settings: &form.settings, statements: &[&form.sql] };
            let outcome = outcome(&observe(server, &case));
            seen.lock().unwrap_or_else(PoisonError::into_inner).insert((at, server.major), outcome);
        }
    });
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut lines = Vec::new();
    for (at, form) in forms.iter().enumerate() {
        let mut results: Vec<(Vec<u32>, &Value)> = Vec::new();
        for ((_, major), outcome) in seen.range((at, 0)..(at + 1, 0)) {
            match results.iter_mut().find(|(_, same)| *same == outcome) {
                Some((majors, _)) => majors.push(*major),
                None => results.push((vec![*major], outcome)),
            }
        }
        let results: Vec<String> = results
            .into_iter()
            .map(|(majors, outcome)| format!("{{\"pg\":{},{}", json!(majors), &outcome.to_string()[1..]))
            .collect();
        lines.push(format!(
            "{{\"id\":{},\"setup\":{},\"pre\":{},\"settings\":{},\"sql\":{},\"main\":\"\",\"note\":\"\",\"results\":[{}]}}",
            json!(form.id),
            json!(form.setup),
            json!(form.pre),
            json!(form.settings),
            json!(form.sql),
            results.join(",")
        ));
    }
    println!("[\n{}\n]", lines.join(",\n"));
}

/// An observation as it is recorded: what is empty is left out.
fn outcome(it: &Observation) -> Value {
    let error = it.error.as_ref().map(|error| json!({"sqlstate": error.sqlstate, "message": error.message}));
    let mut outcome = json!({
        "txblock": it.txblock,
        "txblock_error": it.txblock_error,
        "sampled": it.sampled,
        "locks": it.locks,
        "index_locks": it.index_locks,
        "rewrite": it.rewrite,
        "emptied": it.emptied,
        "trivial": it.trivial,
        "scanned": it.scanned,
        "indexes_built": it.indexes_built,
        "dml": it.dml,
        "debug": it.debug,
    });
    if let Some(fields) = outcome.as_object_mut() {
        fields.retain(|name, value| {
            let empty = value.as_object().is_some_and(serde_json::Map::is_empty)
                || value.as_array().is_some_and(Vec::is_empty)
                || value.is_null()
                || (name == "sampled" && *value == false);
            !empty
        });
        fields.insert("error".to_owned(), json!(error));
        let summary = &it.summary;
        let summary = json!({"reads_blocked": summary.reads_blocked, "writes_blocked": summary.writes_blocked, "work": summary.work});
        fields.insert("summary".to_owned(), summary);
    }
    outcome
}
