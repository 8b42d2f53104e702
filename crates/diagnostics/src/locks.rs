//! Locks as shades and as words.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write;

use model::effect::{Effect, LockMode, Work, lock_name};
use model::name::QName;
use model::schema::Born;

use crate::Style;
use crate::draw::{self, Ink};

/// Who waits for a lock, as a shade. Nobody waits for a relation that no one uses yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Shade {
    Idle,
    /// Nobody waits for the relation; rows may be locked.
    Weak,
    /// Other schema changes, VACUUM, ANALYZE; no query.
    Schema,
    Writes,
    Everybody,
}

impl Shade {
    pub(crate) const DRAWN: [Self; 4] = [Self::Everybody, Self::Writes, Self::Schema, Self::Weak];

    /// Conflicts by table 13.2 of the manual.
    pub(crate) fn of(effect: &Effect) -> Self {
        if effect.born != Born::Before {
            return Self::Weak;
        }
        match effect.lock {
            LockMode::AccessShare | LockMode::RowShare | LockMode::RowExclusive => Self::Weak,
            LockMode::ShareUpdateExclusive => Self::Schema,
            LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => Self::Writes,
            LockMode::AccessExclusive => Self::Everybody,
        }
    }

    pub(crate) fn glyph(self, style: Style) -> char {
        match (self, style.unicode) {
            (Self::Idle, true) => '│',
            (Self::Weak, true) => '░',
            (Self::Schema, true) => '▒',
            (Self::Writes, true) => '▓',
            (Self::Everybody, true) => '█',
            (Self::Idle, false) => '|',
            (Self::Weak, false) => '.',
            (Self::Schema, false) => '-',
            (Self::Writes, false) => '+',
            (Self::Everybody, false) => '#',
        }
    }

    pub(crate) fn ink(self) -> Ink {
        match self {
            Self::Idle | Self::Weak => Ink::Faint,
            Self::Schema => Ink::Cyan,
            Self::Writes => Ink::Yellow,
            Self::Everybody => Ink::Red,
        }
    }

    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Idle => "not locked",
            Self::Weak => "weak lock",
            Self::Schema => "DDL waits",
            Self::Writes => "writes wait",
            Self::Everybody => "reads and writes wait",
        }
    }
}

/// One line for each relation, the strongest locks first and else in order of appearance: its strongest lock and all the
/// work, like `SHARE on orders, an index is built`.
pub(crate) fn lines<'a>(effects: impl IntoIterator<Item = &'a Effect>) -> Vec<(Shade, String)> {
    let mut by_relation: Vec<Vec<&Effect>> = Vec::new();
    let mut numbers: HashMap<&QName, usize> = HashMap::new();
    for effect in effects {
        let number = *numbers.entry(&effect.relation).or_insert_with(|| {
            by_relation.push(Vec::new());
            by_relation.len() - 1
        });
        by_relation[number].push(effect);
    }
    by_relation.sort_by_key(|effects| Reverse(effects.iter().map(|effect| effect.lock).max()));
    by_relation.into_iter().map(|effects| line(&effects)).collect()
}

fn line(effects: &[&Effect]) -> (Shade, String) {
    let Some(strongest) = effects.iter().max_by_key(|effect| effect.lock) else { return (Shade::Idle, String::new()) };
    let mut words = format!("{} on {}", lock_name(strongest.lock), strongest.relation);
    if let Some(table) = &strongest.on {
        let _ = write!(words, " (index of {table})");
    }
    if strongest.born != Born::Before {
        words.push_str(" (new)");
    }
    let mut works: Vec<&Effect> = effects.iter().copied().filter(|effect| work(effect).is_some()).collect();
    works.sort_by_key(|effect| Reverse(effect.work));
    let works: Vec<String> = works.into_iter().filter_map(work).map(str::to_owned).collect();
    if !works.is_empty() {
        let _ = write!(words, ", {}", draw::list(&works));
    }
    if effects.iter().all(|effect| effect.maybe) {
        words.push_str(", if it gets there");
    }
    (Shade::of(strongest), words)
}

/// Of several works the one that says most is told: that rows are written says more than that all are read for it.
pub(crate) fn telling(work: Work) -> (Work, bool) {
    if work == Work::Rows { (Work::Scan, true) } else { (work, false) }
}

/// What is done while the lock is held, when that grows with the table.
pub(crate) fn work(effect: &Effect) -> Option<&'static str> {
    match effect.work {
        Work::Instant => None,
        Work::Rows if effect.lock < LockMode::RowExclusive => Some("rows are locked"),
        Work::Rows => Some("rows are written"),
        _ if effect.empty => None,
        Work::Scan => Some("every row is read"),
        Work::Build => Some("an index is built"),
        Work::Rewrite => Some("every row is copied"),
    }
}
