//! Steps into parts. Two steps may swap only when their footprints allow it; what may share a transaction does.
//!
//! A transaction holds locks that block others on one table, or on the two tables of a foreign key, and does nothing long
//! while it holds them. Statements about which nothing was chosen stay together as they were.

use std::collections::{BTreeMap, BTreeSet};

use model::name::QName;
use model::plan::{Mode, Setting};

use crate::draft::Role;
use crate::expand::Item;
use crate::facts::{Facts, Locks};
use crate::footprint::{self, Footprint};
use crate::settings::is_timeout;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub transaction: bool,
    /// Indices of steps.
    pub steps: Vec<usize>,
}

/// How far steps may leave the order of the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freedom {
    Independent,
    None,
}

/// Steps that stay together: a guard and what it guards, a step and those joined to it.
#[derive(Clone, Debug)]
struct Atom {
    steps: Vec<usize>,
    after: BTreeSet<usize>,
}

/// What an earlier arrangement did wrong.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// Steps that come as late as they can.
    pub waiting: BTreeSet<usize>,
    /// Steps that share a part, and what would happen otherwise.
    pub together: BTreeMap<(usize, usize), String>,
    /// Steps that share a part when nothing stands between them.
    pub near: Vec<(usize, usize)>,
}

/// Steps that cannot share a part and stand between two that must.
pub(crate) struct Apart {
    pub steps: Vec<usize>,
    pub reason: String,
}

pub(crate) fn arrange(items: &[Item], facts: &[Facts], freedom: Freedom, wishes: &Wishes) -> Result<Vec<Group>, Apart> {
    let mut facts = facts.to_vec();
    let mut atoms = atoms(items, &facts, freedom, &wishes.waiting);
    if freedom == Freedom::Independent {
        change_types_first(items, &mut facts, &mut atoms);
        fill_before_restricting(items, &facts, &mut atoms);
        destroy_last(items, &facts, wishes, &mut atoms);
    }
    for ((early, late), reason) in &wishes.together {
        let apart = |steps| Apart { steps, reason: reason.clone() };
        atoms = joined(items, &atoms, *early, *late).map_err(apart)?;
    }
    for (early, late) in &wishes.near {
        let of = |step: &usize| atoms.iter().position(|atom| atom.steps.contains(step));
        if let (Some(first), Some(last)) = (of(early), of(late))
            && between(&atoms, first, last).len() <= 2
            && let Ok(joined) = joined(items, &atoms, *early, *late)
        {
            atoms = joined;
        }
    }
    let facts = &facts[..];
    let mut open: Vec<usize> = (0..atoms.len()).collect();
    let mut groups: Vec<Building> = Vec::new();
    let mut done: BTreeSet<usize> = BTreeSet::new();
    // What drops waits as long as it can, so that what replaces it is there by then.
    let waits = |step: &usize| facts[*step].drops || wishes.waiting.contains(step);
    let drops = |atom: &usize| freedom == Freedom::Independent && atoms[*atom].steps.iter().all(waits);
    while !open.is_empty() {
        // The first of all has nothing before it, so there is always one that is ready.
        let ready = |atom: &usize| atoms[*atom].after.is_subset(&done);
        let first = open.iter().position(|atom| ready(atom) && !drops(atom)).or_else(|| open.iter().position(ready));
        let atom = open.remove(first.unwrap_or(0));
        let mut group = Building::new(items, facts, &atoms[atom].steps);
        done.insert(atom);
        let mut position = 0;
        while position < open.len() {
            let candidate = open[position];
            let ready = |atom: &usize| atoms[*atom].after.is_subset(&done);
            let early = drops(&candidate) && open.iter().any(|atom| ready(atom) && !drops(atom));
            if ready(&candidate) && !early && group.takes(items, facts, &atoms[candidate].steps) {
                group.add(items, facts, &atoms[candidate].steps);
                done.insert(candidate);
                open.remove(position);
                // What waited for it may be ready now.
                position = 0;
            } else if freedom == Freedom::None {
                break;
            } else {
                position += 1;
            }
        }
        groups.push(group);
    }
    let groups = groups.into_iter().map(|it| Group { transaction: it.transaction, steps: it.steps }).collect();
    Ok(with_assertions(items, groups))
}

fn atoms(items: &[Item], facts: &[Facts], freedom: Freedom, waiting: &BTreeSet<usize>) -> Vec<Atom> {
    let mut atoms: Vec<Atom> = Vec::new();
    let mut atom_of: Vec<usize> = vec![0; items.len()];
    let mut guarded = false;
    for (index, item) in items.iter().enumerate() {
        if matches!(item.draft.role, Role::Assertion | Role::RequiredAssertion) {
            continue;
        }
        match atoms.last_mut() {
            Some(atom) if guarded || item.draft.role == Role::Joined => atom.steps.push(index),
            _ => atoms.push(Atom { steps: vec![index], after: BTreeSet::new() }),
        }
        guarded = item.draft.role == Role::Guard;
        atom_of[index] = atoms.len() - 1;
    }
    let stepping: Vec<usize> = atoms.iter().flat_map(|atom| atom.steps.clone()).collect();
    let prints: Vec<Footprint> = stepping
        .iter()
        .map(|index| {
            let guard = items[*index].draft.role == Role::Guard;
            if guard { Footprint::default() } else { facts[*index].footprint.clone() }
        })
        .collect();
    let mut chains: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut kept: Option<usize> = None;
    for (position, before) in footprint::dependencies(&prints).into_iter().enumerate() {
        let step = stepping[position];
        let atom = atom_of[step];
        let mut after: BTreeSet<usize> = before.into_iter().map(|it| atom_of[stepping[it]]).collect();
        // The steps of one operation build on each other, and what stays of the original stays in its order.
        let item = &items[step];
        for operation in &item.operations {
            after.extend(chains.insert((item.statement, *operation), atom));
        }
        if item.operations.is_empty() && !waiting.contains(&step) && !facts[step].defaults {
            after.extend(kept.replace(atom));
        }
        if freedom == Freedom::None {
            after.extend(0..atom);
        }
        after.remove(&atom);
        atoms[atom].after.extend(after);
    }
    atoms
}

/// A change of type that keeps the rows and builds an index of this file anew comes before the index is made, which it then
/// need not touch: the index is made of the same text either way.
fn change_types_first(items: &[Item], facts: &mut [Facts], atoms: &mut [Atom]) {
    for change in 0..atoms.len() {
        let [step] = atoms[change].steps[..] else { continue };
        if facts[step].rebuilds.is_empty() {
            continue;
        }
        for made in 0..change {
            let concurrently = |it: &&usize| items[**it].draft.mode == Mode::NonTx;
            let makes = |it: &&usize| facts[**it].builds.as_ref().is_some_and(|it| facts[step].rebuilds.contains(it));
            let Some(index) = atoms[made].steps.iter().filter(concurrently).find(makes).copied() else { continue };
            if !footprint::differ_in_columns_only(&facts[index].footprint, &facts[step].footprint)
                || atoms[change].after.iter().any(|it| *it != made && preceding(atoms, *it)[made])
            {
                continue;
            }
            atoms[change].after.remove(&made);
            atoms[made].after.insert(change);
            let name = facts[index].builds.clone();
            facts[step].rebuilds.retain(|it| Some(it) != name.as_ref());
            facts[step].long = !facts[step].rebuilds.is_empty();
        }
    }
}

/// What fills a table in a new way comes before rows are held to it, since others would write in the old way and fail, and
/// before old rows are filled, which would miss what others write in the old way after that.
fn fill_before_restricting(items: &[Item], facts: &[Facts], atoms: &mut [Atom]) {
    for fills in 0..atoms.len() {
        let filled: BTreeSet<QName> = atoms[fills].steps.iter().flat_map(|it| facts[*it].fills.clone()).collect();
        if filled.is_empty() {
            continue;
        }
        let defaults = atoms[fills].steps.iter().all(|it| facts[*it].defaults);
        let meets = |step: &usize| {
            let Facts { restricts, writes, long, .. } = &facts[*step];
            let takes_long = *long && (defaults || !items[*step].operations.is_empty());
            !restricts.is_disjoint(&filled) || (takes_long && !writes.is_disjoint(&filled))
        };
        // What is put after it below changes nothing about what it comes after.
        let before = preceding(atoms, fills);
        for later in (0..fills).filter(|it| !before[*it]) {
            if atoms[later].steps.iter().any(meets) {
                atoms[later].after.insert(fills);
            }
        }
    }
}

/// What goes for good waits until nothing can fail any more over rows that must be made from it again, unless nobody can write
/// between the copy and the drop.
fn destroy_last(items: &[Item], facts: &[Facts], wishes: &Wishes, atoms: &mut [Atom]) {
    let may_fail = |step: &usize| {
        let Facts { validates, writes, long, .. } = &facts[*step];
        !items[*step].operations.is_empty() && (validates.is_some() || (*long && !writes.is_empty()))
    };
    let failing: Vec<usize> = (0..atoms.len()).filter(|it| atoms[*it].steps.iter().any(may_fail)).collect();
    let mut followers = followers(atoms);
    for drops in 0..atoms.len() {
        let waits = |it: &usize| facts[*it].destroys && !wishes.together.keys().any(|(_, late)| late == it);
        if !atoms[drops].steps.iter().any(waits) {
            continue;
        }
        // Nor does what it is put after change what comes after it.
        let after = reached(atoms.len(), drops, |it| &followers[it]);
        for earlier in failing.iter().copied().take_while(|it| *it < drops).filter(|it| !after[*it]) {
            if atoms[drops].after.insert(earlier) {
                followers[earlier].push(drops);
            }
        }
    }
}

/// The atoms of two steps as one, with all that must stand between them.
fn joined(items: &[Item], atoms: &[Atom], early: usize, late: usize) -> Result<Vec<Atom>, Vec<usize>> {
    let of = |step: usize| atoms.iter().position(|atom| atom.steps.contains(&step));
    let (Some(one), Some(other)) = (of(early), of(late)) else { return Ok(atoms.to_vec()) };
    let (first, last) = if preceding(atoms, one)[other] { (other, one) } else { (one, other) };
    let members = between(atoms, first, last);
    let steps = || members.iter().flat_map(|it| &atoms[*it].steps).copied();
    let apart: Vec<usize> = steps().filter(|it| items[*it].draft.mode != Mode::Tx).collect();
    if !apart.is_empty() {
        return Err(apart);
    }
    let mut whole = Atom { steps: Vec::new(), after: BTreeSet::new() };
    let mut open = members.clone();
    while let Some(first) = open.first().copied() {
        let next = open.iter().copied().find(|it| atoms[*it].after.is_disjoint(&open)).unwrap_or(first);
        whole.steps.extend(&atoms[next].steps);
        open.remove(&next);
    }
    // The whole stands where its last atom stood.
    let stays = |it: &usize| *it == last || !members.contains(it);
    let mut number = vec![0; atoms.len()];
    for (new, old) in (0..atoms.len()).filter(stays).enumerate() {
        number[old] = new;
    }
    for member in &members {
        number[*member] = number[last];
    }
    let numbers = |after: &BTreeSet<usize>| -> BTreeSet<usize> { after.iter().map(|it| number[*it]).collect() };
    for member in &members {
        whole.after.extend(numbers(&atoms[*member].after));
    }
    whole.after.remove(&number[last]);
    let mut whole = Some(whole);
    let kept = atoms.iter().enumerate().filter_map(|(at, atom)| match members.contains(&at) {
        true => whole.take_if(|_| at == last),
        false => Some(Atom { steps: atom.steps.clone(), after: numbers(&atom.after) }),
    });
    Ok(kept.collect())
}

/// The two, and what must come after the first and before the last.
fn between(atoms: &[Atom], first: usize, last: usize) -> BTreeSet<usize> {
    let followers = followers(atoms);
    let (after, before) = (reached(atoms.len(), first, |it| &followers[it]), preceding(atoms, last));
    (0..atoms.len()).filter(|it| *it == first || *it == last || (after[*it] && before[*it])).collect()
}

/// For each atom those that come right after it.
fn followers(atoms: &[Atom]) -> Vec<Vec<usize>> {
    let mut found = vec![Vec::new(); atoms.len()];
    for (later, atom) in atoms.iter().enumerate() {
        for earlier in &atom.after {
            found[*earlier].push(later);
        }
    }
    found
}

/// Which atoms this one comes after, by way of others too. It counts itself.
fn preceding(atoms: &[Atom], atom: usize) -> Vec<bool> {
    reached(atoms.len(), atom, |it| &atoms[it].after)
}

/// Which of so many are met from the first on.
fn reached<'a, N: IntoIterator<Item = &'a usize>>(count: usize, first: usize, next: impl Fn(usize) -> N) -> Vec<bool> {
    let mut seen = vec![false; count];
    let mut open = vec![first];
    while let Some(it) = open.pop() {
        if !std::mem::replace(&mut seen[it], true) {
            open.extend(next(it));
        }
    }
    seen
}

/// A part that is being filled.
#[derive(Debug)]
struct Building {
    transaction: bool,
    steps: Vec<usize>,
    locks: Locks,
    writes: BTreeSet<QName>,
    long: bool,
    /// Only validations, of these tables.
    own: bool,
    /// Statements that ran one by one and still do.
    loose: bool,
    ended: bool,
}

impl Building {
    fn new(items: &[Item], facts: &[Facts], steps: &[usize]) -> Self {
        let mode = mode(items, steps);
        let mut group = Self {
            transaction: mode != Mode::NonTx && !is_loose(items, facts, steps),
            steps: Vec::new(),
            locks: BTreeMap::new(),
            writes: BTreeSet::new(),
            long: false,
            own: mode == Mode::OwnTx,
            loose: is_loose(items, facts, steps),
            ended: false,
        };
        group.add(items, facts, steps);
        group
    }

    fn add(&mut self, items: &[Item], facts: &[Facts], steps: &[usize]) {
        for step in steps {
            for (relation, lock) in &facts[*step].locks {
                let held = self.locks.entry(relation.clone()).or_insert(*lock);
                *held = (*held).max(*lock);
            }
            self.writes.extend(facts[*step].writes.iter().cloned());
            self.long |= facts[*step].long;
            self.ended |= items[*step].draft.role == Role::EndsPart;
            self.steps.push(*step);
        }
    }

    fn takes(&self, items: &[Item], facts: &[Facts], steps: &[usize]) -> bool {
        if self.ended || !same_settings(&items[self.steps[0]].settings, &items[steps[0]].settings) {
            return false;
        }
        if is_loose(items, facts, steps) {
            // Only neighbours, so that the order among those that run one by one is plain to see.
            return self.loose;
        }
        if !self.transaction {
            return false;
        }
        match mode(items, steps) {
            Mode::NonTx => false,
            Mode::OwnTx => self.own && steps.iter().all(|step| self.validates_with(facts, *step)),
            Mode::Tx => !self.own && steps.iter().all(|step| self.shares(items, facts, *step)),
        }
    }

    /// Validations of one table.
    fn validates_with(&self, facts: &[Facts], step: usize) -> bool {
        let table = &facts[step].validates;
        table.is_some() && self.steps.iter().all(|it| facts[*it].validates == *table)
    }

    fn shares(&self, items: &[Item], facts: &[Facts], step: usize) -> bool {
        let fact = &facts[step];
        let together = items[step].untouched
            && fact.transaction.is_some()
            && self.steps.iter().any(|it| items[*it].untouched && facts[*it].transaction == fact.transaction);
        if together {
            return true;
        }
        // Under a lock that the long work takes itself, what else in the original holds that lock makes nothing worse.
        let original = self.steps.iter().chain([&step]).all(|it| items[*it].operations.is_empty());
        let harmless = |long: &Locks, other: &Locks| other.is_empty() || (original && covers(long, other));
        if (fact.long && !harmless(&fact.locks, &self.locks)) || (self.long && !harmless(&self.locks, &fact.locks)) {
            return false;
        }
        // No lock on another table, and none that is stronger than what is held: with another session that does the same
        // that is a deadlock.
        if fact.locks.keys().any(|table| self.writes.contains(table) && !self.locks.contains_key(table)) {
            return false;
        }
        fact.locks.is_empty() || self.locks.is_empty() || covers(&self.locks, &fact.locks)
    }
}

/// Whether each of `locks` is held in `held`, or a stronger one on the same table.
fn covers(held: &Locks, locks: &Locks) -> bool {
    locks.iter().all(|(table, lock)| held.get(table).is_some_and(|held| lock <= held))
}

fn mode(items: &[Item], steps: &[usize]) -> Mode {
    steps.iter().map(|step| items[*step].draft.mode).max().unwrap_or(Mode::Tx)
}

/// Long or unknown work of the original that ran in a transaction of its own stays like that, and so do statements that
/// must follow each other in one session.
fn is_loose(items: &[Item], facts: &[Facts], steps: &[usize]) -> bool {
    let bound = |step: &usize| items[*step].verbatim && facts[*step].transaction.is_none();
    if steps.len() > 1 && steps.iter().all(bound) {
        return true;
    }
    steps.iter().all(|step| {
        let item = &items[*step];
        item.untouched && item.draft.mode == Mode::Tx && facts[*step].long && facts[*step].transaction.is_none()
    })
}

fn same_settings(a: &[Setting], b: &[Setting]) -> bool {
    a.iter().filter(|it| !is_timeout(&it.name)).eq(b.iter().filter(|it| !is_timeout(&it.name)))
}

/// Each assertion opens the next transaction after what it is about.
fn with_assertions(items: &[Item], mut groups: Vec<Group>) -> Vec<Group> {
    for (index, item) in items.iter().enumerate().rev() {
        if !matches!(item.draft.role, Role::Assertion | Role::RequiredAssertion) {
            continue;
        }
        let about = groups.iter().position(|group| group.steps.contains(&(index.saturating_sub(1))));
        let Some(about) = about else { continue };
        // A validation stays alone with its lock.
        let validates = |group: &Group| group.steps.iter().any(|step| items[*step].draft.mode == Mode::OwnTx);
        let fits = |group: &&mut Group| {
            let same = same_settings(&items[group.steps[0]].settings, &item.settings);
            group.transaction && same && !validates(group)
        };
        match groups.iter_mut().skip(about + 1).find(fits) {
            Some(group) => group.steps.insert(0, index),
            None if item.draft.role == Role::RequiredAssertion => {
                groups.insert(about + 1, Group { transaction: true, steps: vec![index] });
            }
            None => {}
        }
    }
    groups
}
