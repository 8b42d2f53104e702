//! What a statement really does: its locks, what it reads, rewrites and builds, and whom it blocks.
//!
//! The record and its fields are those of `fixtures/observations` (see the README there). Statements run in an open
//! transaction of one session while another one looks. Statements that refuse a transaction block run by themselves, and
//! their locks are sampled: a lock held for microseconds can be missed.

use crate::run::{self, Failure};
use crate::servers::{Database, Server};
use postgres::{Client, NoTls};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// What to observe: `statements` on a database where `setup` and `pre` have run, after `settings` in the same session.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    pub setup: &'a str,
    pub pre: &'a str,
    pub settings: &'a [String],
    pub statements: &'a [&'a str],
}

/// What was observed.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub struct Observation {
    pub txblock: bool,
    pub txblock_error: Option<String>,
    pub error: Option<Failure>,
    pub locks: BTreeMap<String, String>,
    pub index_locks: BTreeMap<String, String>,
    pub rewrite: BTreeSet<String>,
    pub emptied: BTreeSet<String>,
    pub trivial: BTreeSet<String>,
    pub scanned: BTreeMap<String, f64>,
    pub indexes_built: BTreeSet<String>,
    pub dml: BTreeMap<String, BTreeMap<String, i64>>,
    pub debug: BTreeSet<String>,
    pub sampled: bool,
    pub summary: Summary,
}

/// The part of an observation that matters to a running application.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Summary {
    pub reads_blocked: BTreeSet<String>,
    pub writes_blocked: BTreeSet<String>,
    pub work: BTreeSet<String>,
}

/// Lock modes, weakest first: the name in `pg_locks`, the name in the manual.
/// <https://www.postgresql.org/docs/current/explicit-locking.html>
pub const MODES: [(&str, &str); 8] = [
    ("AccessShareLock", "ACCESS SHARE"),
    ("RowShareLock", "ROW SHARE"),
    ("RowExclusiveLock", "ROW EXCLUSIVE"),
    ("ShareUpdateExclusiveLock", "SHARE UPDATE EXCLUSIVE"),
    ("ShareLock", "SHARE"),
    ("ShareRowExclusiveLock", "SHARE ROW EXCLUSIVE"),
    ("ExclusiveLock", "EXCLUSIVE"),
    ("AccessExclusiveLock", "ACCESS EXCLUSIVE"),
];
pub(crate) const SHARE: usize = 4;
const ACCESS_EXCLUSIVE: usize = 7;

/// Nothing ever releases the lock that a probe waits for, so the shortest wait is proof. What the watcher reads and writes must
/// not enter the statistics.
const WATCHER: &str = "SET lock_timeout = '10ms'; SET track_counts = off";

/// A statement that runs by itself is observed this often; what its runs show is united.
const SAMPLED_RUNS: usize = 3;

/// Held alone while locks are sampled: other observations would take the time from the one who looks.
static QUIET: RwLock<()> = RwLock::new(());

/// Observes a case on a database of its own.
///
/// # Panics
///
/// When anything but the observed statements fails.
pub fn observe(server: &'static Server, case: &Case<'_>) -> Observation {
    let observation = in_transaction(server, case);
    match &observation.error {
        // ERRCODE_ACTIVE_SQL_TRANSACTION, and ERRCODE_INVALID_TRANSACTION_TERMINATION for a COMMIT in a procedure.
        Some(refusal) if ["25001", "2D000"].contains(&refusal.sqlstate.as_str()) => {
            Observation { txblock_error: Some(refusal.message.clone()), ..by_itself(server, case) }
        }
        _ => observation,
    }
}

fn in_transaction(server: &'static Server, case: &Case<'_>) -> Observation {
    let _others = QUIET.read().unwrap_or_else(PoisonError::into_inner);
    let mut scene = Scene::new(server, case);
    let mut observed = scene.session(case);
    must(&mut observed.client, "BEGIN");
    if let Err(error) = case.statements.iter().try_for_each(|sql| run::execute(&mut observed.client, sql)) {
        return Observation { txblock: true, error: Some(run::failure(&error)), ..Observation::default() };
    }
    let debug = observed.take_messages();
    let mut sample = Sample::default();
    sample.take(&mut scene, observed.pid);
    let counts = counts(&mut observed.client, "pg_stat_xact_all_tables");
    let mut observation = changes(&scene.before, &mut observed.client, &counts, debug);
    observation.txblock = true;
    sample.name(&mut observation);
    for (name, probes) in scene.probes.clone() {
        if probes.reads.iter().any(|sql| scene.is_blocked(sql)) {
            observation.summary.reads_blocked.insert(name.clone());
        }
        if probes.writes.iter().any(|sql| scene.is_blocked(sql)) {
            observation.summary.writes_blocked.insert(name);
        }
    }
    observation
}

fn by_itself(server: &'static Server, case: &Case<'_>) -> Observation {
    let mut observation = Observation::default();
    let mut sample = Sample::default();
    for _ in 0..SAMPLED_RUNS {
        let mut scene = Scene::new(server, case);
        let mut observed = scene.session(case);
        let done = AtomicBool::new(false);
        let alone = QUIET.write().unwrap_or_else(PoisonError::into_inner);
        let result = std::thread::scope(|scope| {
            let (client, done) = (&mut observed.client, &done);
            let running = scope.spawn(move || {
                let result = case.statements.iter().try_for_each(|sql| run::execute(client, sql));
                done.store(true, Ordering::Release);
                result
            });
            while !done.load(Ordering::Acquire) {
                sample.take(&mut scene, observed.pid);
            }
            running.join().expect("the observed session")
        });
        drop(alone);
        let debug = observed.take_messages();
        let counts = scene.counts_after(observed);
        observation = changes(&scene.before, &mut scene.watcher, &counts, debug);
        observation.error = result.err().map(|error| run::failure(&error));
    }
    observation.sampled = true;
    observation.summary.reads_blocked.append(&mut sample.reads_blocked);
    observation.summary.writes_blocked.append(&mut sample.writes_blocked);
    sample.name(&mut observation);
    observation
}

/// A database before the observed statements, and the session that looks at it.
struct Scene {
    database: Database,
    watcher: Client,
    sampling: postgres::Statement,
    before: BTreeMap<u32, Relation>,
    probes: BTreeMap<String, Probes>,
}

/// A relation of the user, as it was before.
pub(crate) struct Relation {
    /// Without the schema when that is `public`.
    pub name: String,
    pub kind: char,
    pub filenode: u32,
    pub rows: i64,
    /// The table of an index.
    pub table: Option<u32>,
    /// What this is a partition of.
    parent: Option<u32>,
}

/// Statements of a running application, one relation's.
#[derive(Clone, Default)]
struct Probes {
    reads: Vec<String>,
    writes: Vec<String>,
}

/// The session whose statements are observed.
struct Session {
    client: Client,
    pid: i32,
    messages: Arc<Mutex<BTreeSet<String>>>,
}

/// One table's statistics.
#[derive(Clone, Copy)]
pub(crate) struct Counts {
    pub scanned_rows: i64,
    pub written: [i64; 3],
}

impl Scene {
    fn new(server: &'static Server, case: &Case<'_>) -> Scene {
        let database = server.database(case.setup);
        let mut watcher = database.connect();
        must(&mut watcher, WATCHER);
        must(&mut watcher, case.pre);
        let before = relations(&mut watcher);
        let probes = probes(&mut watcher, &before);
        let sampling = watcher.prepare(LOCKS).expect("the lock query");
        Scene { database, watcher, sampling, before, probes }
    }

    fn session(&self, case: &Case<'_>) -> Session {
        let messages = Arc::new(Mutex::new(BTreeSet::new()));
        let mut config = self.database.config();
        let collected = Arc::clone(&messages);
        config.notice_callback(move |notice| {
            let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
            collected.insert(notice.message().to_owned());
        });
        let mut client = config.connect(NoTls).expect("a session");
        for setting in case.settings {
            must(&mut client, setting);
        }
        let pid = rows(&mut client, "SELECT pg_backend_pid()")[0].get(0);
        must(&mut client, "SET client_min_messages = debug1");
        let session = Session { client, pid, messages };
        session.take_messages();
        session
    }

    /// Whether the statement waits for a lock. Any other outcome means that it got past its locks.
    fn is_blocked(&mut self, sql: &str) -> bool {
        let mut transaction = self.watcher.transaction().expect("BEGIN");
        let result = transaction.batch_execute(sql);
        transaction.rollback().expect("ROLLBACK");
        result.is_err_and(|error| run::failure(&error).sqlstate == "55P03")
    }

    /// Statistics of a session that committed. They are visible some time after it ended; a table that it read last tells when.
    fn counts_after(&mut self, mut observed: Session) -> BTreeMap<u32, Counts> {
        must(&mut self.watcher, "CREATE TABLE marker ()");
        must(&mut observed.client, "SELECT FROM marker");
        drop(observed);
        let begun = Instant::now();
        let marker = "SELECT seq_scan > 0 FROM pg_stat_all_tables WHERE relid = 'marker'::regclass";
        while !rows(&mut self.watcher, marker)[0].get::<_, bool>(0) {
            let waited = begun.elapsed();
            assert!(waited < Duration::from_secs(20), "the statistics never arrived");
            std::thread::sleep(Duration::from_millis(5));
        }
        counts(&mut self.watcher, "pg_stat_all_tables")
    }
}

/// Compares with before. `client` is the observed session, or any other once that has committed.
fn changes(
    before: &BTreeMap<u32, Relation>,
    client: &mut Client,
    counts: &BTreeMap<u32, Counts>,
    debug: BTreeSet<String>,
) -> Observation {
    let mut observation = Observation::default();
    let filenodes: BTreeMap<u32, u32> =
        rows(client, "SELECT oid, relfilenode FROM pg_class").into_iter().map(|row| (row.get(0), row.get(1))).collect();
    for (oid, relation) in before {
        let name = relation.name.clone();
        let moved = filenodes.get(oid).is_some_and(|filenode| *filenode != relation.filenode);
        match relation.kind {
            'S' if moved => drop(observation.rewrite.insert(format!("sequence {name}"))),
            'r' | 'm' if moved && relation.rows == 0 => drop(observation.trivial.insert(name.clone())),
            'r' | 'm' if moved && is_empty(client, *oid) => drop(observation.emptied.insert(name.clone())),
            'r' | 'm' if moved => drop(observation.rewrite.insert(name.clone())),
            _ => {}
        }
        let Some(counts) = counts.get(oid).filter(|_| "rm".contains(relation.kind)) else {
            continue;
        };
        let passes = counts.scanned_rows as f64 / relation.rows as f64;
        if relation.rows > 0 && passes >= 0.9 {
            observation.scanned.insert(name.clone(), (passes * 10.0).round() / 10.0);
        }
        let written = ["ins", "upd", "del"].map(str::to_owned).into_iter().zip(counts.written);
        let written: BTreeMap<String, i64> = written.filter(|(_, count)| *count > 0).collect();
        if !written.is_empty() {
            observation.dml.insert(name, written);
        }
    }
    for (index, table) in debug.iter().filter_map(|message| built(message)) {
        // A table born in the transaction is not in `before`, and filling an emptied one anew is no work.
        let Some(table) = before.values().find(|relation| relation.name == table) else {
            continue;
        };
        if table.rows == 0 {
            observation.trivial.insert(index.to_owned());
        } else if !observation.emptied.contains(&table.name) {
            observation.indexes_built.insert(index.to_owned());
        }
    }
    observation.debug = debug;
    let mut work = BTreeSet::new();
    work.extend(observation.scanned.keys().map(|table| format!("scan {table}")));
    let tables = observation.rewrite.iter().filter(|name| !name.starts_with("sequence "));
    work.extend(tables.map(|table| format!("rewrite {table}")));
    work.extend(observation.indexes_built.iter().map(|index| format!("build {index}")));
    work.extend(observation.dml.keys().map(|table| format!("write {table}")));
    observation.summary.work = work;
    observation
}

/// The index and the table of the server's message that it builds an index (`index_build` in catalog/index.c). REINDEX
/// CONCURRENTLY builds under a name of its own.
pub(crate) fn built(message: &str) -> Option<(&str, &str)> {
    let (index, rest) = message.strip_prefix("building index \"")?.split_once("\" on table \"")?;
    let (table, _) = rest.split_once('"')?;
    Some((index.split_once("_ccnew").map_or(index, |(name, _)| name), table))
}

impl Session {
    /// The server's messages about work since the last call.
    fn take_messages(&self) -> BTreeSet<String> {
        const WORK: [&str; 7] = [
            "rewriting table ",
            "verifying table ",
            "building index ",
            "validating foreign key ",
            "existing constraints ",
            "partition constraint for table ",
            "updated partition constraint ",
        ];
        let mut messages = std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner));
        messages.retain(|message| WORK.iter().any(|work| message.starts_with(work)) && !message.contains("pg_toast"));
        messages
    }
}

const LOCKS: &str = "
    SELECT relation, mode FROM pg_locks
    WHERE pid = $1 AND locktype = 'relation' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// The relations whose locks other sessions run into: not indexes that are about to be dropped concurrently, nor, through their
/// parents, partitions that are being detached concurrently. Asked after the locks, as both have that state before their lock.
const OPENED: &str = "
    SELECT indexrelid, true FROM pg_index WHERE indislive
    UNION ALL SELECT inhrelid, false FROM pg_inherits WHERE NOT inhdetachpending";

/// Locks seen so far, as indexes of [`MODES`], and what they keep others from.
#[derive(Default)]
struct Sample {
    locks: BTreeMap<String, usize>,
    index_locks: BTreeMap<String, usize>,
    reads_blocked: BTreeSet<String>,
    writes_blocked: BTreeSet<String>,
}

impl Sample {
    fn take(&mut self, scene: &mut Scene, pid: i32) {
        let mut strong = Vec::new();
        for row in scene.watcher.query(&scene.sampling, &[&pid]).expect("pg_locks") {
            let Some(relation) = scene.before.get(&row.get(0)) else {
                continue;
            };
            let mode: &str = row.get(1);
            let mode = MODES.iter().position(|(name, _)| *name == mode).expect("all lock modes are listed");
            let locks = if relation.table.is_some() { &mut self.index_locks } else { &mut self.locks };
            let strongest = locks.entry(relation.name.clone()).or_default();
            *strongest = mode.max(*strongest);
            if mode >= SHARE {
                strong.push((row.get(0), mode));
            }
        }
        if strong.is_empty() {
            return;
        }
        let opened: BTreeSet<(u32, bool)> =
            rows(&mut scene.watcher, OPENED).iter().map(|row| (row.get(0), row.get(1))).collect();
        for (oid, mode) in strong {
            // Statements open all indexes of their tables, and of a parent all partitions. What is reached through views and
            // foreign keys is left out.
            let mut next = Some(oid);
            while let Some((oid, relation)) = next.and_then(|oid| Some((oid, scene.before.get(&oid)?))) {
                next = match relation.table {
                    Some(table) => opened.contains(&(oid, true)).then_some(table),
                    None => relation.parent.filter(|_| opened.contains(&(oid, false))),
                };
                if relation.table.is_none() {
                    self.writes_blocked.insert(relation.name.clone());
                    if mode == ACCESS_EXCLUSIVE {
                        self.reads_blocked.insert(relation.name.clone());
                    }
                }
            }
        }
    }

    fn name(self, observation: &mut Observation) {
        let named = |locks: BTreeMap<String, usize>| {
            locks.into_iter().map(|(name, mode)| (name, MODES[mode].1.to_owned())).collect()
        };
        observation.locks = named(self.locks);
        observation.index_locks = named(self.index_locks);
    }
}

pub(crate) fn relations(client: &mut Client) -> BTreeMap<u32, Relation> {
    let mut relations = BTreeMap::new();
    let sql = "
        SELECT c.oid, c.relkind::text, c.relfilenode, i.indrelid, h.inhparent,
               CASE n.nspname WHEN 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END || quote_ident(c.relname),
               c.relkind IN ('r', 'm') AND c.relispopulated
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_index i ON i.indexrelid = c.oid
        LEFT JOIN pg_inherits h ON h.inhrelid = c.oid AND c.relispartition
        WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'm', 'v', 'S', 'f', 'i', 'I')";
    for row in rows(client, sql) {
        let name: String = row.get(5);
        let count = format!("SELECT count(*) FROM ONLY {name}");
        let rows = if row.get(6) { rows(client, &count)[0].get(0) } else { 0 };
        let kind = row.get::<_, String>(1).chars().next().expect("a relkind");
        let relation = Relation { name, kind, filenode: row.get(2), rows, table: row.get(3), parent: row.get(4) };
        relations.insert(row.get(0), relation);
    }
    relations
}

fn probes(client: &mut Client, relations: &BTreeMap<u32, Relation>) -> BTreeMap<String, Probes> {
    let mut probes = BTreeMap::new();
    for (oid, Relation { name, kind, .. }) in relations {
        let mut probe = Probes::default();
        if "rpmvf".contains(*kind) {
            probe.reads.push(format!("SELECT FROM {name} LIMIT 1"));
        }
        if *kind == 'S' {
            probe.writes.push(format!("SELECT nextval('{name}')"));
        }
        // It is locked before the wrapper is asked for.
        if *kind == 'f' {
            probe.writes.push(format!("DELETE FROM {name}"));
        }
        if "rp".contains(*kind) {
            let row = format!("(tableoid, ctid) = (SELECT tableoid, ctid FROM {name} LIMIT 1)");
            probe.writes.push(insert(client, *oid, name));
            probe.writes.push(format!("DELETE FROM {name} WHERE {row}"));
            let column = "
                SELECT quote_ident(attname) FROM pg_attribute
                WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a'
                ORDER BY attnum DESC LIMIT 1";
            if let Some(column) = client.query_opt(column, &[oid]).expect("a column") {
                let column: &str = column.get(0);
                probe.writes.push(format!("UPDATE {name} SET {column} = {column} WHERE {row}"));
            }
        }
        probes.insert(name.clone(), probe);
    }
    probes
}

/// An INSERT of the table's first row again, with a new key where sequences give one: it is to reach foreign keys.
fn insert(client: &mut Client, table: u32, name: &str) -> String {
    let columns = "
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
               string_agg(format('quote_nullable(%I::text)', attname), ', ' ORDER BY attnum)
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
          AND coalesce(pg_get_expr(adbin, adrelid), '') NOT LIKE 'nextval(%'";
    let columns = client.query_one(columns, &[&table]).expect("columns");
    if let (Some(names), Some(values)) = (columns.get::<_, Option<&str>>(0), columns.get::<_, Option<&str>>(1)) {
        let first = format!("SELECT concat_ws(', ', {values}) FROM {name} LIMIT 1");
        if let Some(first) = rows(client, &first).first() {
            return format!("INSERT INTO {name} ({names}) VALUES ({})", first.get::<_, &str>(0));
        }
    }
    format!("INSERT INTO {name} DEFAULT VALUES")
}

pub(crate) fn counts(client: &mut Client, view: &str) -> BTreeMap<u32, Counts> {
    let sql = format!("SELECT relid, seq_tup_read, n_tup_ins, n_tup_upd, n_tup_del FROM {view}");
    rows(client, &sql)
        .into_iter()
        .map(|row| {
            let written = [2, 3, 4].map(|column| row.get(column));
            let scanned_rows = row.get(1);
            (row.get(0), Counts { scanned_rows, written })
        })
        .collect()
}

fn is_empty(client: &mut Client, table: u32) -> bool {
    let name: String = rows(client, &format!("SELECT '{table}'::regclass::text"))[0].get(0);
    rows(client, &format!("SELECT FROM ONLY {name} LIMIT 1")).is_empty()
}

pub(crate) fn rows(client: &mut Client, sql: &str) -> Vec<postgres::Row> {
    client.query(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {}", run::failure(&error).message))
}

fn must(client: &mut Client, sql: &str) {
    client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {}", run::failure(&error).message));
}
