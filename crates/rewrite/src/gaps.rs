//! Whether a table is without a constraint for a while, between parts, that the original replaces at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::ordmap::DiffItem;
use model::effect::OperationKind;
use model::name::QName;
use model::schema::{Constraint, ConstraintKind, Schema};
use model::trace::Trace;

/// What keeps wrong rows out of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Guard {
    PrimaryKey(Vec<Arc<str>>),
    /// By a constraint or an index.
    Unique(Vec<Arc<str>>),
    ForeignKey(Vec<Arc<str>>),
    Check(Arc<str>),
}

impl Guard {
    fn of(constraint: &Constraint) -> Option<Self> {
        Some(match &constraint.kind {
            ConstraintKind::PrimaryKey { columns } => Self::PrimaryKey(columns.clone()),
            ConstraintKind::Unique { columns } => Self::Unique(columns.clone()),
            ConstraintKind::ForeignKey { columns, .. } => Self::ForeignKey(columns.clone()),
            ConstraintKind::Check { .. } => Self::Check(constraint.name.clone()),
            ConstraintKind::NotNull { .. } | ConstraintKind::Exclude { .. } => return None,
        })
    }

    /// An operation of that kind can make it.
    pub fn is_made_by(&self, kind: OperationKind) -> bool {
        use OperationKind::{AddCheck, AddColumn, AddForeignKey, AddPrimaryKey, AddUnique, CreateIndex};
        match self {
            Self::PrimaryKey(_) | Self::Unique(_) => {
                matches!(kind, AddPrimaryKey | AddUnique | CreateIndex | AddColumn)
            }
            Self::ForeignKey(_) => matches!(kind, AddForeignKey | AddColumn),
            Self::Check(_) => matches!(kind, AddCheck | AddColumn),
        }
    }

    /// The one stands for the other. A key may get other columns.
    fn replaces(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::PrimaryKey(_), Self::PrimaryKey(_)) => true,
            (Self::Unique(new), Self::Unique(old) | Self::PrimaryKey(old))
            | (Self::PrimaryKey(new), Self::Unique(old)) => new.iter().any(|column| old.contains(column)),
            _ => self == other,
        }
    }
}

/// A table that others see without a guard.
pub(crate) struct Gap {
    /// The number of the state.
    pub at: usize,
    pub table: QName,
    /// What is to stand for the lost guard.
    pub missing: Guard,
}

/// The first gap in states that others see, where the original has none.
pub(crate) fn gap<'a>(original: &Trace, states: impl Iterator<Item = &'a Schema>) -> Option<Gap> {
    let (before, after) = (&original.before, &original.after);
    let mut tables: BTreeSet<&QName> = BTreeSet::new();
    for item in before.relations.diff(&after.relations) {
        if let DiffItem::Update { old: (name, _), .. } = item {
            tables.insert(name);
        }
    }
    for item in before.indexes.diff(&after.indexes) {
        match item {
            DiffItem::Add(_, index) | DiffItem::Remove(_, index) => tables.insert(&index.table),
            DiffItem::Update { old: (_, index), .. } => tables.insert(&index.table),
        };
    }
    let changed: Vec<(&QName, BTreeSet<Guard>, BTreeSet<Guard>)> = tables
        .into_iter()
        .map(|table| (table, guards(before, table), guards(after, table)))
        .filter(|(_, before, after)| !before.is_empty() && !after.is_empty())
        .collect();
    // What comes later in the place of something that is gone.
    let missing = |state: &Schema, (table, before, after): &(&QName, BTreeSet<Guard>, BTreeSet<Guard>)| {
        let now = guards(state, table);
        let lost: Vec<&Guard> = before.difference(&now).collect();
        let mut late = after.difference(&now).filter(|new| lost.iter().any(|lost| new.replaces(lost)));
        late.next().filter(|_| state.relations.contains_key(*table)).cloned()
    };
    let own: Vec<&Schema> = original
        .judged
        .windows(2)
        .filter(|pair| pair[0].transaction.id != pair[1].transaction.id || pair[1].transaction.inside == Some(false))
        .map(|pair| &pair[1].before)
        .collect();
    let changed: Vec<_> = changed.iter().filter(|it| !own.iter().any(|state| missing(state, it).is_some())).collect();
    states.enumerate().find_map(|(at, state)| {
        changed.iter().find_map(|it| Some(Gap { at, table: it.0.clone(), missing: missing(state, it)? }))
    })
}

fn guards(schema: &Schema, table: &QName) -> BTreeSet<Guard> {
    let constraints = schema.relations.get(table).into_iter().flat_map(|relation| &relation.constraints);
    let mut guards: BTreeSet<Guard> = constraints.filter_map(Guard::of).collect();
    let unique = schema
        .indexes_of(table)
        .filter(|it| it.unique && it.valid && it.constraint.is_none() && it.predicate.is_none());
    guards.extend(unique.filter_map(|index| {
        let columns: Option<Vec<Arc<str>>> = index.elements.iter().map(|it| it.column.clone()).collect();
        Some(Guard::Unique(columns?))
    }));
    guards
}
