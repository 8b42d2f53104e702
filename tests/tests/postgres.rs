//! What is claimed about PostgreSQL, held against real servers. `SAFESTEP_PG=14-18` runs it, see `servers`.

#![allow(clippy::unwrap_used)]

use safestep_tests::observe::{Case, MODES, Observation, observe};
use safestep_tests::servers;
use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn servers_are_the_majors_asked_for() {
    servers::on_each(|server| {
        let database = server.database("CREATE TABLE t (a int)");
        let version: String = database.connect().query_one("SHOW server_version_num", &[]).unwrap().get(0);
        assert_eq!(version.parse::<u32>().unwrap() / 10_000, server.major);
        let again = server.database("CREATE TABLE t (a int)");
        again.connect().batch_execute("INSERT INTO t VALUES (1)").unwrap();
        assert_eq!(database.connect().query("SELECT FROM t", &[]).unwrap().len(), 0, "databases do not share rows");
    });
}

/// Observes again what `fixtures/observations` records: by default every twelfth record, `SAFESTEP_EVERY=1` all.
#[test]
fn observations_are_what_servers_do() {
    #[derive(serde::Deserialize)]
    struct Record {
        id: String,
        setup: String,
        pre: String,
        settings: Vec<String>,
        sql: String,
        results: Vec<Outcome>,
    }
    #[derive(serde::Deserialize)]
    struct Outcome {
        pg: Vec<u32>,
        #[serde(flatten)]
        observation: Observation,
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/observations");
    let read = |name: &str| std::fs::read_to_string(fixtures.join(name)).unwrap();
    let every: usize = std::env::var("SAFESTEP_EVERY").map_or(12, |every| every.parse().unwrap());
    let records: Vec<Record> = serde_json::from_str(&read("locks.json")).unwrap();
    let records: Vec<Record> = records.into_iter().step_by(every).collect();
    let setups: BTreeMap<&str, String> =
        records.iter().map(|record| (record.setup.as_str(), read(&format!("setups/{}.sql", record.setup)))).collect();

    servers::on_each(|server| {
        let mut differences = String::new();
        for record in &records {
            let Some(outcome) = record.results.iter().find(|outcome| outcome.pg.contains(&server.major)) else {
                continue;
            };
            let case = Case {
                setup: &setups[record.setup.as_str()],
                pre: &record.pre,
                settings: &record.settings,
                statements: &[&record.sql],
            };
            let differs = compare(&outcome.observation, &observe(server, &case));
            if !differs.is_empty() {
                differences += &format!("\n{}: {}\n{differs}", record.id, record.sql);
            }
        }
        assert!(differences.is_empty(), "PostgreSQL {}, recorded against observed:\n{differences}", server.major);
    });
}

/// The fields in which a record and an observation differ. How often a table is read depends on the planner for CLUSTER; which
/// tables does not. Where locks were sampled the observation may have missed some, but what it shows must be in the record.
fn compare(recorded: &Observation, observed: &Observation) -> String {
    let fields = |o: &Observation| {
        let mut fields = vec![
            ("txblock", format!("{} {:?}", o.txblock, o.txblock_error)),
            ("error", format!("{:?}", o.error)),
            ("rewrite", format!("{:?}", o.rewrite)),
            ("emptied", format!("{:?}", o.emptied)),
            ("trivial", format!("{:?}", o.trivial)),
            ("scanned", format!("{:?}", o.scanned.keys())),
            ("indexes_built", format!("{:?}", o.indexes_built)),
            ("dml", format!("{:?}", o.dml)),
            ("debug", format!("{:?}", o.debug)),
            ("sampled", format!("{:?}", o.sampled)),
            ("work", format!("{:?}", o.summary.work)),
        ];
        if !(recorded.sampled && is_within(observed, recorded)) {
            fields.push(("locks", format!("{:?}", o.locks)));
            fields.push(("index_locks", format!("{:?}", o.index_locks)));
            fields.push(("reads_blocked", format!("{:?}", o.summary.reads_blocked)));
            fields.push(("writes_blocked", format!("{:?}", o.summary.writes_blocked)));
        }
        fields
    };
    let differ = fields(recorded).into_iter().zip(fields(observed)).filter(|(recorded, observed)| recorded != observed);
    differ.map(|((field, recorded), (_, observed))| format!("  {field}: {recorded} against {observed}\n")).collect()
}

/// Whether every lock of the one is in the other, at least as strong, and so is what it blocks.
fn is_within(one: &Observation, other: &Observation) -> bool {
    let strength = |mode: &String| MODES.iter().position(|(_, name)| name == mode);
    let within = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        one.iter().all(|(name, mode)| other.get(name).is_some_and(|most| strength(mode) <= strength(most)))
    };
    within(&one.locks, &other.locks)
        && within(&one.index_locks, &other.index_locks)
        && one.summary.reads_blocked.is_subset(&other.summary.reads_blocked)
        && one.summary.writes_blocked.is_subset(&other.summary.writes_blocked)
}
