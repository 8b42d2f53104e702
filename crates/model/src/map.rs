//! The map that schemas are made of: persistent, able to differ from another map in a few entries at no cost, and able to
//! tell which entries somebody looked at.
//!
//! Both serve judging again after an edit: what a statement did not look at cannot change what it does, and a state long
//! after the edit is the old one with the few entries changed that the edit changed.

use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::ops::Index;
use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;

/// `PART` tells the maps of a schema apart; below 16.
#[derive(Clone)]
pub struct Map<K, V, const PART: u8> {
    base: OrdMap<K, V>,
    /// Entries that take the place of those of the base; `None` is no entry.
    over: Option<Arc<Over<K, V>>>,
}

type Over<K, V> = BTreeMap<K, Option<V>>;

/// An entry in which two maps differ; a side without it has `None`.
#[derive(Debug)]
pub struct Change<'a, K, V> {
    pub key: &'a K,
    pub old: Option<&'a V>,
    pub new: Option<&'a V>,
}

/// Which entries somebody looked at, changed ones among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    /// Hashes of keys, whatever map they are of, in order. Two keys of one hash only cost work.
    keys: Box<[u32]>,
    /// Maps that were walked, by bit.
    parts: u16,
}

/// Keys that an edit changes the entries of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    /// In order.
    hashes: Vec<u32>,
    parts: u16,
}

thread_local! {
    static LOOKING: Cell<bool> = const { Cell::new(false) };
    static SEEN: RefCell<(Vec<u32>, u16)> = const { RefCell::new((Vec::new(), 0)) };
}

/// Runs something and tells what it looked at in maps.
pub(crate) fn watch<T>(run: impl FnOnce() -> T) -> (T, Reads) {
    LOOKING.set(true);
    let result = run();
    LOOKING.set(false);
    let reads = SEEN.with_borrow_mut(|(keys, parts)| {
        keys.sort_unstable();
        keys.dedup();
        let reads = Reads { keys: keys.as_slice().into(), parts: std::mem::take(parts) };
        keys.clear();
        reads
    });
    (result, reads)
}

impl Reads {
    /// Whether one of those entries changes.
    pub fn meet(&self, changed: &Keys) -> bool {
        self.parts & changed.parts != 0
            || if changed.hashes.len() < 8 {
                changed.hashes.iter().any(|hash| self.keys.binary_search(hash).is_ok())
            } else {
                self.keys.iter().any(|hash| changed.hashes.binary_search(hash).is_ok())
            }
    }
}

impl Keys {
    /// The keys of what a map has above its base.
    pub fn add<K: Hash, V, const PART: u8>(&mut self, map: &Map<K, V, PART>) {
        if let Some(over) = &map.over {
            self.hashes.extend(over.keys().map(hash));
            self.hashes.sort_unstable();
            self.parts |= 1 << PART;
        }
    }

    pub fn add_part(&mut self, part: u8) {
        self.parts |= 1 << part;
    }

    pub fn is_empty(&self) -> bool {
        self.parts == 0
    }

    pub fn len(&self) -> usize {
        self.hashes.len()
    }
}

fn hash<Q: Hash + ?Sized>(key: &Q) -> u32 {
    BuildHasherDefault::<DefaultHasher>::new().hash_one(key) as u32
}

fn note<Q: Hash + ?Sized>(key: &Q) {
    if LOOKING.get() {
        let hash = hash(key);
        SEEN.with_borrow_mut(|(keys, _)| keys.push(hash));
    }
}

/// Notes that a map was walked, or what stands beside the maps and has a number as they have.
pub(crate) fn note_part(part: u8) {
    if LOOKING.get() {
        SEEN.with_borrow_mut(|(_, parts)| *parts |= 1 << part);
    }
}

impl<K, V, const PART: u8> Default for Map<K, V, PART> {
    fn default() -> Self {
        Self { base: OrdMap::default(), over: None }
    }
}

impl<K: Ord + Clone + Hash, V: Clone, const PART: u8> Map<K, V, PART> {
    pub fn get<Q: Ord + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        note(key);
        self.peek(key)
    }

    fn peek<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match self.over.as_ref().and_then(|over| over.get(key)) {
            Some(entry) => entry.as_ref(),
            None => self.base.get(key),
        }
    }

    pub fn contains_key<Q: Ord + Hash + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    pub fn get_mut<Q: Ord + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        note(key);
        self.settle().get_mut(key)
    }

    /// The entry of a key, made when there is none.
    pub fn entry_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        note(&key);
        self.settle().entry(key).or_insert_with(make)
    }

    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        note(&key);
        self.settle().insert(key, value)
    }

    pub fn remove<Q: Ord + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        note(key);
        self.settle().remove(key)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The entries in order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        note_part(PART);
        merged(self.base.iter(), self.over.iter().flat_map(|over| over.iter()))
    }

    /// The entries from a key on.
    pub fn range_from(&self, first: K) -> impl Iterator<Item = (&K, &V)> {
        note_part(PART);
        let below = self.base.range(first.clone()..);
        merged(below, self.over.iter().flat_map(move |over| over.range(first.clone()..)))
    }

    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// Nothing was changed since the one was copied from the other.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        let over = match (&self.over, &other.over) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        over && self.base.ptr_eq(&other.base)
    }

    /// The entries in which another map differs, found without visiting what both share.
    pub fn diff<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Change<'a, K, V>>
    where
        V: PartialEq,
    {
        let mut changes = BTreeMap::new();
        if !self.base.ptr_eq(&other.base) {
            changes.extend(self.base.diff(&other.base).map(|item| match item {
                DiffItem::Add(key, new) => (key, (None, Some(new))),
                DiffItem::Update { old: (_, old), new: (key, new) } => (key, (Some(old), Some(new))),
                DiffItem::Remove(key, old) => (key, (Some(old), None)),
            }));
        }
        if !self.ptr_eq(other) {
            for key in [&self.over, &other.over].into_iter().flatten().flat_map(|over| over.keys()) {
                match (self.peek(key), other.peek(key)) {
                    (old, new) if old == new => drop(changes.remove(key)),
                    pair => drop(changes.insert(key, pair)),
                }
            }
        }
        changes.into_iter().map(|(key, (old, new))| Change { key, old, new })
    }

    /// Nothing but the entries in which another map differs.
    pub(crate) fn patch_to(&self, other: &Self) -> Self
    where
        V: PartialEq,
    {
        Self::above(self.diff(other).map(|it| (it.key.clone(), it.new.cloned())).collect())
    }

    /// The map with the entries of a patch above its own.
    pub(crate) fn under(&self, patch: &Self) -> Self
    where
        V: PartialEq,
    {
        let over = match (&self.over, &patch.over) {
            (over, None) | (None, over) => over.clone(),
            (Some(own), Some(above)) => {
                let mut over = joined(own, above);
                // What comes and goes leaves nothing behind.
                over.retain(|key, value| self.base.get(key) != value.as_ref());
                Self::above(over).over
            }
        };
        Self { base: self.base.clone(), over }
    }

    /// The patch with every entry as it becomes by a change.
    pub(crate) fn mapped(&self, mut change: impl FnMut(&K, &V) -> V) -> Self {
        let entries = self.over.iter().flat_map(|over| over.iter());
        Self::above(entries.map(|(key, value)| (key.clone(), value.as_ref().map(|it| change(key, it)))).collect())
    }

    /// The patch that does to this map what one does, and then another.
    pub(crate) fn join(&self, first: &Self, second: &Self) -> Self
    where
        V: PartialEq,
    {
        let mut over = match (&first.over, &second.over) {
            (None, None) => return Self::default(),
            (Some(one), None) | (None, Some(one)) => Over::clone(one),
            (Some(first), Some(second)) => joined(first, second),
        };
        over.retain(|key, value| self.peek(key) != value.as_ref());
        Self::above(over)
    }

    fn above(over: Over<K, V>) -> Self {
        Self { base: OrdMap::default(), over: (!over.is_empty()).then(|| Arc::new(over)) }
    }

    /// All entries in the base, where they can be changed.
    fn settle(&mut self) -> &mut OrdMap<K, V> {
        for (key, value) in self.over.take().into_iter().flat_map(Arc::unwrap_or_clone) {
            match value {
                Some(value) => self.base.insert(key, value),
                None => self.base.remove(&key),
            };
        }
        &mut self.base
    }
}

impl<K: Ord + Clone + Hash, V: Clone + PartialEq, const PART: u8> PartialEq for Map<K, V, PART> {
    fn eq(&self, other: &Self) -> bool {
        self.diff(other).next().is_none()
    }
}

impl<K: Ord + Clone + Hash, V: Clone + Eq, const PART: u8> Eq for Map<K, V, PART> {}

impl<K: Ord + Clone + Hash, V: Clone, const PART: u8> Index<&K> for Map<K, V, PART> {
    type Output = V;

    fn index(&self, key: &K) -> &V {
        self.get(key).expect("an entry")
    }
}

impl<K: Ord + Clone + Hash, V: Clone, const PART: u8> FromIterator<(K, V)> for Map<K, V, PART> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(entries: T) -> Self {
        Self { base: entries.into_iter().collect(), over: None }
    }
}

impl<K: Ord + Clone + Hash + fmt::Debug, V: Clone + fmt::Debug, const PART: u8> fmt::Debug for Map<K, V, PART> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

fn joined<K: Ord + Clone, V: Clone>(below: &Over<K, V>, above: &Over<K, V>) -> Over<K, V> {
    let mut joined = below.clone();
    joined.extend(above.iter().map(|(key, value)| (key.clone(), value.clone())));
    joined
}

/// Entries of both in order; those above take the place of those below.
fn merged<'a, K: Ord + 'a, V: 'a>(
    below: impl Iterator<Item = (&'a K, &'a V)>,
    above: impl Iterator<Item = (&'a K, &'a Option<V>)>,
) -> impl Iterator<Item = (&'a K, &'a V)> {
    let (mut below, mut above) = (below.peekable(), above.peekable());
    std::iter::from_fn(move || {
        loop {
            let Some((key, _)) = above.peek() else { return below.next() };
            match below.peek() {
                Some((other, _)) if other < key => return below.next(),
                Some((other, _)) if other == key => drop(below.next()),
                _ => {}
            }
            if let Some((key, Some(value))) = above.next() {
                return Some((key, value));
            }
        }
    })
}
