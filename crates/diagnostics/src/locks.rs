//! Locks as shades and as words.

use std::fmt::Write;

use model::effect::{Effect, LockMode, Work, lock_name};
use model::schema::Born;

use crate::Style;
use crate::draw::Ink;

/// Who waits for a lock, as a shade. Nobody waits for a relation that no one uses yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Shade {
    Idle,
    Nobody,
    /// Other schema changes, VACUUM, ANALYZE; no query.
    Schema,
    Writes,
    Everybody,
}

impl Shade {
    pub(crate) const DRAWN: [Self; 4] = [Self::Everybody, Self::Writes, Self::Schema, Self::Nobody];

    /// Conflicts by table 13.2 of the manual.
    pub(crate) fn of(effect: &Effect) -> Self {
        if effect.born != Born::Before {
            return Self::Nobody;
        }
        match effect.lock {
            LockMode::AccessShare | LockMode::RowShare | LockMode::RowExclusive => Self::Nobody,
            LockMode::ShareUpdateExclusive => Self::Schema,
            LockMode::Share | LockMode::ShareRowExclusive | LockMode::Exclusive => Self::Writes,
            LockMode::AccessExclusive => Self::Everybody,
        }
    }

    pub(crate) fn glyph(self, style: Style) -> char {
        match (self, style.unicode) {
            (Self::Idle, true) => '│',
            (Self::Nobody, true) => '░',
            (Self::Schema, true) => '▒',
            (Self::Writes, true) => '▓',
            (Self::Everybody, true) => '█',
            (Self::Idle, false) => '|',
            (Self::Nobody, false) => '.',
            (Self::Schema, false) => '-',
            (Self::Writes, false) => '+',
            (Self::Everybody, false) => '#',
        }
    }

    pub(crate) fn ink(self) -> Ink {
        match self {
            Self::Idle | Self::Nobody => Ink::Faint,
            Self::Schema => Ink::Cyan,
            Self::Writes => Ink::Yellow,
            Self::Everybody => Ink::Red,
        }
    }

    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Idle => "not locked",
            Self::Nobody => "nobody waits",
            Self::Schema => "DDL waits",
            Self::Writes => "writes wait",
            Self::Everybody => "reads and writes wait",
        }
    }
}

/// `SHARE on orders, an index is built`.
pub(crate) fn words(effect: &Effect) -> String {
    let mut words = format!("{} on {}", lock_name(effect.lock), effect.relation);
    if let Some(table) = &effect.on {
        let _ = write!(words, " (index of {table})");
    }
    if effect.born != Born::Before {
        words.push_str(" (new)");
    }
    if let Some(work) = work(effect) {
        let _ = write!(words, ", {work}");
    }
    if effect.maybe {
        words.push_str(", if it gets there");
    }
    words
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
