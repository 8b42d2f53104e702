//! What the model predicts against what servers did: every record of `fixtures/observations/locks.json`, on every major.
//!
//! Each difference must stand in `fixtures/observations/exceptions.tsv` with its reason, and each line there must be one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use model::effect::{Effect, FailsWhen, Work, lock_name};
use model::runner::{Messages, Runner, RunnerTransaction};
use model::schema::{Born, RelationKind, Schema};
use model::trace::{Judged, Session, Settings, Trace, Unit, fold, trace};
use serde::Deserialize;

#[derive(Deserialize)]
struct Record {
    id: String,
    setup: String,
    pre: String,
    settings: Vec<String>,
    sql: String,
    results: Vec<Observed>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Observed {
    pg: Vec<u32>,
    txblock: bool,
    error: Option<Failure>,
    locks: BTreeMap<String, String>,
    index_locks: BTreeMap<String, String>,
    rewrite: BTreeSet<String>,
    scanned: BTreeMap<String, f64>,
    indexes_built: BTreeSet<String>,
    summary: Summary,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            pg: Vec::new(),
            txblock: true,
            error: None,
            locks: BTreeMap::new(),
            index_locks: BTreeMap::new(),
            rewrite: BTreeSet::new(),
            scanned: BTreeMap::new(),
            indexes_built: BTreeSet::new(),
            summary: Summary::default(),
        }
    }
}

#[derive(Deserialize)]
struct Failure {
    sqlstate: String,
}

#[derive(Default, Deserialize)]
struct Summary {
    reads_blocked: BTreeSet<String>,
    writes_blocked: BTreeSet<String>,
}

/// What is compared: field and its value, items separated by spaces. Items that need not be there come second.
struct Field {
    name: &'static str,
    predicted: BTreeSet<String>,
    possible: BTreeSet<String>,
    observed: BTreeSet<String>,
}

type Difference = (String, &'static str, String, String);

const MAJORS: std::ops::RangeInclusive<u32> = 14..=18;

#[test]
fn predictions_are_what_servers_do() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/observations");
    let read =
        |name: &str| std::fs::read_to_string(directory.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut records: Vec<Record> = serde_json::from_str(&read("locks.json")).expect("locks.json");
    for more in ["more.json", "shop.json"] {
        records
            .extend(serde_json::from_str::<Vec<Record>>(&read(more)).unwrap_or_else(|error| panic!("{more}: {error}")));
    }
    let mut differences: BTreeMap<Difference, BTreeSet<u32>> = BTreeMap::new();
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut setups: BTreeMap<(String, u32), (Schema, Session)> = BTreeMap::new();
    for record in &records {
        for major in MAJORS {
            let state = setups.entry((record.setup.clone(), major)).or_insert_with(|| {
                let text = read(&format!("setups/{}.sql", record.setup));
                let empty = Schema { complete: true, ..Schema::default() };
                replay(&empty, &Session::default(), &text, major)
            });
            let observed = record.results.iter().find(|it| it.pg.contains(&major)).expect("all majors are covered");
            let fields = compare(record, state, major, observed);
            let count = counts.entry(record.id.split('/').next().unwrap_or_default().to_owned()).or_default();
            count[0] += 1;
            count[1] += fields.len();
            for field in fields {
                let missing =
                    field.observed.iter().all(|it| field.predicted.contains(it) || field.possible.contains(it));
                if !missing || !field.predicted.is_subset(&field.observed) {
                    count[2] += 1;
                    let key = (record.id.clone(), field.name, join(&field.predicted), join(&field.observed));
                    differences.entry(key).or_default().insert(major);
                }
            }
        }
    }
    report(&counts);
    let explained = read("exceptions.tsv");
    let mut explained: BTreeMap<&str, bool> =
        explained.lines().skip(1).map(|line| (line.rsplit_once('\t').map_or(line, |(key, _)| key), false)).collect();
    let mut unexplained = Vec::new();
    for ((id, field, predicted, observed), majors) in &differences {
        let line = format!("{id}\t{}\t{field}\t{predicted}\t{observed}", range(majors));
        match explained.get_mut(line.as_str()) {
            Some(used) => *used = true,
            None => unexplained.push(line),
        }
    }
    let unused: Vec<&str> = explained.iter().filter(|(_, used)| !**used).map(|(line, _)| *line).collect();
    assert!(
        unexplained.is_empty() && unused.is_empty(),
        "{} differences without a reason:\n{}\n{} reasons without a difference:\n{}",
        unexplained.len(),
        unexplained.join("\n"),
        unused.len(),
        unused.join("\n")
    );
}

/// Tables of an old history are taken to hold rows; here those are empty that the setup leaves empty.
fn replay(schema: &Schema, session: &Session, sql: &str, major: u32) -> (Schema, Session) {
    let script = syntax::parse(sql, &syntax::Options::default());
    let runner = runner(RunnerTransaction::None);
    fold(schema, session, &Unit { script: &script, runner: &runner }, &settings(major), Born::Pending)
}

fn predict(schema: &Schema, session: &Session, sql: &str, major: u32, transaction: RunnerTransaction) -> Trace {
    let script = syntax::parse(sql, &syntax::Options::default());
    trace(schema, session, &Unit { script: &script, runner: &runner(transaction) }, &settings(major))
}

fn runner(transaction: RunnerTransaction) -> Runner {
    let messages = Messages::Each;
    Runner { name: "test", transaction, messages, opt_out: None, opted_out: false, resets_session: false }
}

fn settings(major: u32) -> Settings {
    Settings { majors: major..=major, external_timeouts: false }
}

fn compare(record: &Record, state: &(Schema, Session), major: u32, observed: &Observed) -> Vec<Field> {
    let (schema, session) = replay(&state.0, &state.1, &record.pre, major);
    let (_, session) = replay(&schema, &session, &record.settings.join(";\n"), major);
    let alone = predict(&schema, &session, &record.sql, major, RunnerTransaction::None);
    let refuses = alone.judged.iter().any(|judged| judged.refuses_transaction);
    let trace = if refuses { alone } else { predict(&schema, &session, &record.sql, major, RunnerTransaction::Unit) };
    let one = |name, predicted: String, observed: String| {
        let (predicted, observed) = (BTreeSet::from([predicted]), BTreeSet::from([observed]));
        Field { name, predicted, possible: BTreeSet::new(), observed }
    };
    let mut fields = Vec::new();
    let error = error(record, &trace);
    let observed_error = observed.error.as_ref().map_or("none", |error| &error.sqlstate).to_owned();
    let fails = error.is_some() || observed.error.is_some();
    fields.push(one("error", error.unwrap_or_else(|| "none".to_owned()), observed_error));
    if fails {
        return fields;
    }
    fields.push(one("refuses", refuses.to_string(), (!observed.txblock).to_string()));
    let judged: Vec<&Judged> = trace.judged.iter().collect();
    let old = |effect: &&Effect| schema.has_class(&effect.relation);
    let effects: Vec<&Effect> = judged.iter().flat_map(|judged| &judged.effects).collect();
    for (name, index, locks) in [("locks", false, &observed.locks), ("index_locks", true, &observed.index_locks)] {
        let wanted = |effect: &&Effect| old(effect) && is_index(effect) == index;
        let mut strongest: BTreeMap<String, &Effect> = BTreeMap::new();
        for effect in effects.iter().copied().filter(wanted) {
            let slot = strongest.entry(effect.relation.to_string()).or_insert(effect);
            if effect.lock > slot.lock {
                *slot = effect;
            }
        }
        let item = |(relation, effect): (&String, &&Effect)| format!("{relation}:{}", short(lock_name(effect.lock)));
        let predicted = strongest.iter().filter(|(_, effect)| !effect.maybe).map(item).collect();
        let possible = strongest.iter().filter(|(_, effect)| effect.maybe).map(item).collect();
        let observed = locks.iter().map(|(relation, mode)| format!("{relation}:{}", short(mode))).collect();
        fields.push(Field { name, predicted, possible, observed });
    }
    let works = |works: &[Work], index: bool, maybe: bool| -> BTreeSet<String> {
        let doing = effects.iter().filter(|it| is_index(it) == index && works.contains(&it.work) && !it.empty);
        // A refreshed view is filled, not read.
        let doing = doing
            .filter(|it| works.len() == 1 || it.kind != RelationKind::MaterializedView || it.work != Work::Rewrite);
        // Scans of tables that this statement creates are not counted.
        let doing = doing.filter(|it| it.maybe == maybe && (index || schema.has_class(&it.relation)));
        doing.map(|it| it.relation.to_string()).collect()
    };
    let mut work = |name, kinds: &[Work], index, observed: BTreeSet<String>| {
        let (predicted, possible) = (works(kinds, index, false), works(kinds, index, true));
        fields.push(Field { name, predicted, possible, observed });
    };
    let tables = observed.rewrite.iter().filter(|name| !name.starts_with("sequence "));
    work("rewritten", &[Work::Rewrite], false, tables.cloned().collect());
    let scans = [Work::Scan, Work::Build, Work::Rewrite];
    work("scanned", &scans, false, observed.scanned.keys().cloned().collect());
    work("built", &[Work::Build], true, observed.indexes_built.clone());
    let blocked = |reads: bool| -> BTreeSet<String> {
        let blocked = judged.iter().flat_map(|judged| &judged.blocked);
        let blocked = blocked.filter(|it| if reads { it.reads } else { it.writes });
        blocked.filter(|it| schema.has_class(&it.relation)).map(|it| it.relation.to_string()).collect()
    };
    for (name, reads, observed) in [
        ("reads_blocked", true, &observed.summary.reads_blocked),
        ("writes_blocked", false, &observed.summary.writes_blocked),
    ] {
        fields.push(Field { name, predicted: blocked(reads), possible: BTreeSet::new(), observed: observed.clone() });
    }
    fields
}

/// The SQLSTATE that the statements end with, if they do.
fn error(record: &Record, trace: &Trace) -> Option<String> {
    let script = syntax::parse(&record.sql, &syntax::Options::default());
    for (statement, judged) in script.statements.iter().zip(&trace.judged) {
        // Features that the grammar itself refuses.
        if let syntax::ast::StatementKind::Invalid(error) = &*statement.parsed.kind {
            let known = error.message.contains("cannot be marked") || error.message.contains("is not implemented");
            return Some(if known { "0A000" } else { "42601" }.to_owned());
        }
        if let Some(failure) = &judged.fails
            && (failure.when != FailsWhen::Wrapped || judged.transaction.inside == Some(true))
        {
            return Some(failure.sqlstate.to_owned());
        }
    }
    None
}

fn is_index(effect: &Effect) -> bool {
    matches!(effect.kind, RelationKind::Index | RelationKind::PartitionedIndex)
}

/// `SUE` for SHARE UPDATE EXCLUSIVE; `X` stands for EXCLUSIVE.
fn short(mode: &str) -> String {
    let short: String = mode.split(' ').filter_map(|word| word.chars().next()).collect();
    match short.as_str() {
        "AE" => "AX".to_owned(),
        "E" => "X".to_owned(),
        "SRE" => "SRX".to_owned(),
        "RE" => "RX".to_owned(),
        _ => short,
    }
}

fn join(items: &BTreeSet<String>) -> String {
    if items.is_empty() { "-".to_owned() } else { items.iter().cloned().collect::<Vec<_>>().join(" ") }
}

/// `14-16`, `18`, or `14,16` where majors between are missing.
fn range(majors: &BTreeSet<u32>) -> String {
    let majors: Vec<u32> = majors.iter().copied().collect();
    match (majors.first(), majors.last()) {
        (Some(first), Some(last)) if first == last => first.to_string(),
        (Some(first), Some(last)) if (last - first) as usize + 1 == majors.len() => format!("{first}-{last}"),
        _ => majors.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
    }
}

/// By group: forms times majors, fields compared, fields that differ.
#[allow(clippy::print_stdout)]
fn report(counts: &BTreeMap<String, [usize; 3]>) {
    println!("{:<20} {:>9} {:>9} {:>9}", "group", "runs", "fields", "differ");
    let mut total = [0; 3];
    for (group, count) in counts {
        println!("{group:<20} {:>9} {:>9} {:>9}", count[0], count[1], count[2]);
        for (total, count) in total.iter_mut().zip(count) {
            *total += count;
        }
    }
    println!("{:<20} {:>9} {:>9} {:>9}", "all", total[0], total[1], total[2]);
}
