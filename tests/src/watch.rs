//! What a migration does to a running application, statement by statement: the work of each and the locks held meanwhile.
//!
//! Statements are sent one by one where the tool sends them together: BEGIN and COMMIT stand where the server puts them, so the
//! locks are those of the tool's own run, and between two statements there is time to look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use postgres::{Client, NoTls};

use crate::observe::{self, MODES, Relation, SHARE};
use crate::run;
use crate::servers::Database;
use crate::tools::Section;

/// One statement, as it ran.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Index in its section.
    pub index: usize,
    pub sql: String,
    /// What it did to tables that had rows before the migration: `scan t`, `rewrite t`, `build index on t`, `write t`.
    pub work: BTreeSet<String>,
    /// Locks held behind it, or while it ran, that keep others from reading or writing what was there before the migration.
    pub blocking: BTreeMap<String, &'static str>,
    /// Some of these it took itself.
    pub takes: bool,
    /// In milliseconds; 0 is for ever.
    pub lock_timeout: i32,
    pub statement_timeout: i32,
}

/// A session that runs migrations under observation.
pub struct Watched {
    client: Client,
    pid: i32,
    watcher: Client,
    before: BTreeMap<u32, Relation>,
    messages: Arc<Mutex<Vec<String>>>,
    /// Blocking locks since BEGIN.
    held: BTreeMap<String, &'static str>,
    open: bool,
}

impl Watched {
    pub fn new(database: &Database) -> Self {
        let messages = Arc::new(Mutex::new(Vec::new()));
        let mut config = database.config();
        let collected = Arc::clone(&messages);
        config.notice_callback(move |notice| {
            collected.lock().unwrap_or_else(PoisonError::into_inner).push(notice.message().to_owned());
        });
        let mut client = config.connect(NoTls).expect("a session");
        let mut watcher = database.connect();
        let before = observe::relations(&mut watcher);
        let pid = observe::rows(&mut client, "SELECT pg_backend_pid()")[0].get(0);
        must(&mut client, "SET client_min_messages = debug1");
        Self { client, pid, watcher, before, messages, held: BTreeMap::new(), open: false }
    }

    /// Runs a section the way its tool does. The error tells the statement and what the server said.
    pub fn run(&mut self, section: &Section) -> Result<Vec<Seen>, String> {
        let mut seen = Vec::new();
        if section.transaction {
            self.begin();
        }
        for message in &section.messages {
            let script = syntax::parse(message, &syntax::Options::default());
            let statements: Vec<&str> = script.statements.iter().map(|it| it.span.slice(message)).collect();
            // Several statements in one message are one transaction.
            let implicit = !section.transaction && statements.len() > 1;
            for (at, sql) in statements.iter().enumerate() {
                let index = seen.len();
                match first_word(sql).as_str() {
                    "BEGIN" | "START" => self.begin(),
                    "COMMIT" | "END" => self.commit().map_err(|why| format!("{sql}: {why}"))?,
                    _ => {
                        if implicit {
                            self.begin();
                        }
                        seen.push(self.statement(index, sql).map_err(|why| format!("{sql}: {why}"))?);
                        if implicit && at + 1 == statements.len() {
                            self.commit().map_err(|why| format!("{sql}: {why}"))?;
                        }
                        continue;
                    }
                }
                seen.push(self.idle(index, sql));
            }
        }
        if section.transaction {
            self.commit()?;
        }
        Ok(seen)
    }

    /// `lock_timeout` and `statement_timeout` as the session has them now.
    pub fn timeouts(&mut self) -> (i32, i32) {
        let sql =
            "SELECT setting::int FROM pg_settings WHERE name IN ('lock_timeout', 'statement_timeout') ORDER BY name";
        let rows = observe::rows(&mut self.client, sql);
        (rows[0].get(0), rows[1].get(0))
    }

    fn statement(&mut self, index: usize, sql: &str) -> Result<Seen, String> {
        if self.open {
            return self.inside(index, sql).map_err(|error| told(&error));
        }
        // A statement alone is a transaction, save those that want none.
        self.begin();
        match self.inside(index, sql) {
            Ok(seen) => self.commit().map(|()| seen),
            Err(error) => {
                must(&mut self.client, "ROLLBACK");
                self.open = false;
                self.held.clear();
                // ERRCODE_ACTIVE_SQL_TRANSACTION, and ERRCODE_INVALID_TRANSACTION_TERMINATION for a COMMIT in a block.
                match run::failure(&error).sqlstate.as_str() {
                    "25001" | "2D000" => self.alone(index, sql),
                    _ => Err(told(&error)),
                }
            }
        }
    }

    fn inside(&mut self, index: usize, sql: &str) -> Result<Seen, postgres::Error> {
        let counts = observe::counts(&mut self.client, "pg_stat_xact_all_tables");
        let nodes = self.filenodes();
        self.take_messages();
        run::execute(&mut self.client, sql)?;
        let mut seen = self.idle(index, sql);
        seen.work = self.built();
        let after = observe::counts(&mut self.client, "pg_stat_xact_all_tables");
        for (oid, now) in after {
            let Some(relation) = self.before.get(&oid).filter(|it| it.rows > 0 && "rm".contains(it.kind)) else {
                continue;
            };
            let then = counts.get(&oid);
            let passes = now.scanned_rows - then.map_or(0, |then| then.scanned_rows);
            if passes * 10 >= relation.rows * 9 {
                seen.work.insert(format!("scan {}", relation.name));
            }
            let written = now.written.iter().sum::<i64>() - then.map_or(0, |then| then.written.iter().sum::<i64>());
            if written * 2 >= relation.rows {
                seen.work.insert(format!("write {}", relation.name));
            }
        }
        let now = self.filenodes();
        for (oid, relation) in self.before.iter().filter(|(_, it)| it.rows > 0 && "rm".contains(it.kind)) {
            if now.get(oid).is_some_and(|node| Some(node) != nodes.get(oid)) {
                seen.work.insert(format!("rewrite {}", relation.name));
            }
        }
        let locks =
            "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let rows = observe::rows(&mut self.client, locks);
        let held = self.blocking(&rows);
        seen.takes = held.iter().any(|(name, mode)| self.held.get(name) != Some(mode));
        self.held.clone_from(&held);
        seen.blocking = held;
        Ok(seen)
    }

    /// Outside a transaction, with another session looking at its locks.
    fn alone(&mut self, index: usize, sql: &str) -> Result<Seen, String> {
        let mut seen = self.idle(index, sql);
        self.take_messages();
        let done = AtomicBool::new(false);
        let locks = "SELECT relation, mode FROM pg_locks WHERE pid = $1 AND locktype = 'relation' AND granted
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let locks = self.watcher.prepare(locks).expect("the lock query");
        let mut sampled: Vec<postgres::Row> = Vec::new();
        let result = std::thread::scope(|scope| {
            let (client, done) = (&mut self.client, &done);
            let running = scope.spawn(move || {
                let result = run::execute(client, sql);
                done.store(true, Ordering::Release);
                result
            });
            while !done.load(Ordering::Acquire) {
                sampled.extend(self.watcher.query(&locks, &[&self.pid]).expect("pg_locks"));
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            running.join().expect("the watched session")
        });
        result.map_err(|error| told(&error))?;
        // Locks on indexes are left out: one that is dropped concurrently is dead before it is locked.
        sampled.retain(|row| self.before.get(&row.get(0)).is_some_and(|relation| relation.table.is_none()));
        seen.blocking = self.blocking(&sampled);
        seen.takes = !seen.blocking.is_empty();
        seen.work = self.built();
        Ok(seen)
    }

    fn idle(&mut self, index: usize, sql: &str) -> Seen {
        let (lock_timeout, statement_timeout) = self.timeouts();
        let (work, blocking) = (BTreeSet::new(), self.held.clone());
        Seen { index, sql: sql.to_owned(), work, blocking, takes: false, lock_timeout, statement_timeout }
    }

    /// Locks that keep others from reading or writing, by the table they are on.
    fn blocking(&self, rows: &[postgres::Row]) -> BTreeMap<String, &'static str> {
        let mut strongest: BTreeMap<String, usize> = BTreeMap::new();
        for row in rows {
            let Some(relation) = self.before.get(&row.get(0)) else { continue };
            let mode: &str = row.get(1);
            let mode = MODES.iter().position(|(name, _)| *name == mode).expect("all lock modes are listed");
            let table = relation.table.map_or(Some(relation), |table| self.before.get(&table));
            // Nothing but REFRESH writes to a materialized view.
            let blocks = |table: &&Relation| mode >= if table.kind == 'm' { MODES.len() - 1 } else { SHARE };
            if let Some(table) = table.filter(|table| blocks(table) && "rpm".contains(table.kind)) {
                let known = strongest.entry(table.name.clone()).or_default();
                *known = mode.max(*known);
            }
        }
        strongest.into_iter().map(|(name, mode)| (name, MODES[mode].1)).collect()
    }

    fn filenodes(&mut self) -> BTreeMap<u32, u32> {
        let rows = observe::rows(&mut self.client, "SELECT oid, relfilenode FROM pg_class");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Indexes that the server said it built on tables with rows.
    fn built(&mut self) -> BTreeSet<String> {
        let messages = self.take_messages();
        let tables = messages.iter().filter_map(|message| observe::built(message)).map(|(_, table)| table);
        let full =
            |table: &&str| self.before.values().any(|it| it.rows > 0 && it.name.rsplit('.').next() == Some(table));
        tables.filter(full).map(|table| format!("build index on {table}")).collect()
    }

    fn take_messages(&self) -> Vec<String> {
        std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn begin(&mut self) {
        if !self.open {
            must(&mut self.client, "BEGIN");
            self.open = true;
            self.held.clear();
        }
    }

    fn commit(&mut self) -> Result<(), String> {
        if self.open {
            self.open = false;
            self.held.clear();
            self.client.batch_execute("COMMIT").map_err(|error| told(&error))?;
        }
        Ok(())
    }
}

fn first_word(sql: &str) -> String {
    let code = sql.lines().find(|line| !line.trim_start().starts_with("--")).unwrap_or_default();
    code.split(|c: char| !c.is_ascii_alphabetic())
        .find(|word| !word.is_empty())
        .unwrap_or_default()
        .to_ascii_uppercase()
}

fn told(error: &postgres::Error) -> String {
    let failure = run::failure(error);
    format!("{} {}", failure.sqlstate, failure.message)
}

fn must(client: &mut Client, sql: &str) {
    client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {}", run::failure(&error).message));
}
