//! Whether a table is without a constraint for a while, between parts, that the original replaces at once.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use model::expr::columns;
use model::name::QName;
use model::schema::{Constraint, ConstraintKind, IndexColumn, Schema};
use model::trace::Trace;

/// What keeps wrong rows out of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Guard {
    PrimaryKey(Vec<Arc<str>>),
    /// By a constraint or an index; with its predicate.
    Unique(Vec<Arc<str>>, Option<Arc<str>>),
    Exclusion(Vec<Arc<str>>),
    ForeignKey(Vec<Arc<str>>),
    /// With the columns that it reads.
    Check(Arc<str>, Vec<Arc<str>>),
    NotNull(Arc<str>),
}

impl Guard {
    fn of(constraint: &Constraint) -> Self {
        match &constraint.kind {
            ConstraintKind::PrimaryKey { columns } => Self::PrimaryKey(columns.clone()),
            ConstraintKind::Unique { columns } => Self::Unique(columns.clone(), None),
            ConstraintKind::ForeignKey { columns, .. } => Self::ForeignKey(columns.clone()),
            ConstraintKind::Check { expr, .. } => {
                Self::Check(constraint.name.clone(), columns(expr).into_iter().map(Into::into).collect())
            }
            ConstraintKind::NotNull { column } => Self::NotNull(column.clone()),
            ConstraintKind::Exclude { columns, .. } => Self::Exclusion(columns.clone()),
        }
    }

    /// The one stands for the other. A key may get other columns.
    fn replaces(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::PrimaryKey(_), Self::PrimaryKey(_)) => true,
            (Self::Check(_, new), Self::NotNull(old)) => new.contains(old),
            (Self::Unique(new, _) | Self::Exclusion(new), Self::Unique(old, _) | Self::PrimaryKey(old))
            | (Self::Unique(new, _) | Self::PrimaryKey(new) | Self::Exclusion(new), Self::Exclusion(old))
            | (Self::PrimaryKey(new), Self::Unique(old, _))
            | (Self::ForeignKey(new), Self::ForeignKey(old))
            | (Self::Check(_, new), Self::Check(_, old)) => new.iter().any(|column| old.contains(column)),
            _ => self == other,
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrimaryKey(_) => f.write_str("its primary key"),
            Self::Unique(columns, _) => write!(f, "a unique key on ({})", columns.join(", ")),
            Self::Exclusion(columns) => write!(f, "an exclusion constraint on ({})", columns.join(", ")),
            Self::ForeignKey(columns) => write!(f, "a foreign key on ({})", columns.join(", ")),
            Self::Check(name, _) => write!(f, "the constraint {name}"),
            Self::NotNull(column) => write!(f, "NOT NULL on {column}"),
        }
    }
}

/// A step after which others see a table without a guard.
pub(crate) struct Gap {
    pub table: QName,
    /// What is to stand for the lost guard.
    pub missing: Guard,
    /// The step that takes the guard away.
    pub early: usize,
    /// The step that makes the new one.
    pub late: usize,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, missing, .. } = self;
        write!(
            f,
            "{table} would be without {missing} between two transactions, which the original replaces at once; make the new one by an earlier migration, beside the old one, and only then drop that"
        )
    }
}

/// What a step leaves.
pub(crate) struct State<'a> {
    pub step: usize,
    pub schema: &'a Schema,
    /// Others see it.
    pub seen: bool,
}

/// Where the steps have gaps and the original has none.
pub(crate) fn gaps(original: &Trace, states: &[State]) -> Vec<Gap> {
    let (before, after) = (&original.before, &original.after);
    let mut tables: BTreeSet<&QName> = BTreeSet::new();
    let changed = before.relations.diff(&after.relations).filter(|it| it.old.is_some() && it.new.is_some());
    tables.extend(changed.map(|it| it.key));
    tables.extend(before.indexes.diff(&after.indexes).filter_map(|it| Some(&it.old.or(it.new)?.table)));
    let seen = original
        .judged
        .windows(2)
        .filter(|pair| pair[0].transaction.id != pair[1].transaction.id || pair[1].transaction.inside == Some(false));
    let own: Vec<&Schema> = seen.map(|pair| pair[1].before()).collect();
    let mut found = Vec::new();
    for table in tables {
        let (before, after) = (guards(before, table), guards(after, table));
        if before.is_empty() || after.is_empty() {
            continue;
        }
        // What comes later in the place of something that is gone.
        let missing = |state: &Schema| -> BTreeSet<Guard> {
            let now = guards(state, table);
            let lost: Vec<&Guard> = before.difference(&now).collect();
            let late = after.difference(&now).filter(|new| lost.iter().any(|lost| new.replaces(lost)));
            if state.relations.contains_key(table) { late.cloned().collect() } else { BTreeSet::new() }
        };
        if own.iter().any(|state| !missing(state).is_empty()) {
            continue;
        }
        let left: Vec<BTreeSet<Guard>> = states.iter().map(|state| missing(state.schema)).collect();
        let all: BTreeSet<&Guard> = left.iter().flatten().collect();
        for guard in all {
            let is_missing = |at: usize| left[at].contains(guard);
            let Some(at) = (0..states.len()).find(|at| states[*at].seen && is_missing(*at)) else { continue };
            let early = (0..=at).rev().find(|it| *it == 0 || !is_missing(*it - 1)).unwrap_or(at);
            let Some(late) = (at..states.len()).find(|it| !is_missing(*it)) else { continue };
            let (early, late) = (states[early].step, states[late].step);
            found.push(Gap { table: table.clone(), missing: guard.clone(), early, late });
        }
    }
    found
}

fn guards(schema: &Schema, table: &QName) -> BTreeSet<Guard> {
    let constraints = schema.relations.get(table).into_iter().flat_map(|relation| &relation.constraints);
    let mut guards: BTreeSet<Guard> = constraints.map(Guard::of).collect();
    let unique = schema.indexes_of(table).filter(|it| it.unique && it.valid && it.constraint.is_none());
    guards.extend(unique.map(|index| {
        let of = |it: &IndexColumn| -> Vec<Arc<str>> {
            let read = it.expression.iter().flat_map(columns).map(Arc::from);
            it.column.iter().cloned().chain(read).collect()
        };
        Guard::Unique(index.elements.iter().flat_map(of).collect(), index.predicate_text.clone())
    }));
    guards
}
