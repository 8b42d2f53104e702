//! Parsed statements by their text, so that unchanged statements are not parsed again.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::ast::Parsed;
use crate::options::{Options, Templates};

/// A bounded store that threads share. What was not asked for longest goes first, in two generations.
#[derive(Debug)]
pub struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    shard_bytes: usize,
    parsed: AtomicU64,
    hits: AtomicU64,
}

const SHARDS: usize = 16;

/// What of the options changes how a text reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Dialect {
    psql: bool,
    templates: Templates,
    standard_strings: bool,
}

#[derive(Debug, Default)]
struct Shard {
    young: HashMap<u64, (Dialect, Arc<Parsed>)>,
    old: HashMap<u64, (Dialect, Arc<Parsed>)>,
    /// Text bytes in `young`.
    bytes: usize,
}

impl Default for Cache {
    /// Holds about 64 MiB of statement text.
    fn default() -> Self {
        Self::new(64 << 20)
    }
}

impl Cache {
    /// A cache for about `bytes` of statement text; the trees take several times that.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            shard_bytes: bytes / SHARDS / 2,
            parsed: AtomicU64::new(0),
            hits: AtomicU64::new(0),
        }
    }

    /// How many statements were parsed because the cache did not hold them.
    #[must_use]
    pub fn statements_parsed(&self) -> u64 {
        self.parsed.load(Ordering::Relaxed)
    }

    /// How many statements the cache gave.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    pub(crate) fn get_or_parse(&self, text: &str, options: &Options, parse: impl FnOnce() -> Parsed) -> Arc<Parsed> {
        let dialect = Dialect {
            psql: options.psql,
            templates: options.templates,
            standard_strings: options.standard_conforming_strings,
        };
        let mut hasher = self.hasher.build_hasher();
        hasher.write(text.as_bytes());
        let key = hasher.finish();
        let shard = &self.shards[key as usize % SHARDS];
        if let Some(parsed) = lock(shard).get(key, dialect, text) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return parsed;
        }
        // Without the lock: another thread may parse the same text meanwhile, to the same value.
        let parsed = Arc::new(parse());
        self.parsed.fetch_add(1, Ordering::Relaxed);
        if text.len() <= self.shard_bytes {
            lock(shard).put(key, dialect, parsed.clone(), self.shard_bytes);
        }
        parsed
    }
}

/// A shard is consistent between its methods, so a panic elsewhere does not spoil it.
fn lock(shard: &Mutex<Shard>) -> std::sync::MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn get(&mut self, key: u64, dialect: Dialect, text: &str) -> Option<Arc<Parsed>> {
        let same = |entry: &(Dialect, Arc<Parsed>)| entry.0 == dialect && &*entry.1.text == text;
        if let Some(entry) = self.young.get(&key) {
            return same(entry).then(|| entry.1.clone());
        }
        if !same(self.old.get(&key)?) {
            return None;
        }
        let entry = self.old.remove(&key)?;
        let parsed = entry.1.clone();
        self.bytes += text.len();
        self.young.insert(key, entry);
        Some(parsed)
    }

    fn put(&mut self, key: u64, dialect: Dialect, parsed: Arc<Parsed>, limit: usize) {
        if self.bytes + parsed.text.len() > limit {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += parsed.text.len();
        self.young.insert(key, (dialect, parsed));
    }
}
