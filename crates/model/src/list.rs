//! The lists that relations are made of: copies share what they have in common.
//!
//! A schema is kept from before every statement, so that a table to which very many statements add a column, a constraint
//! or a partition would otherwise be copied whole for each of them.

use std::sync::Arc;

use imbl::Vector;
use imbl::shared_ptr::DefaultSharedPtr;
use imbl::vector::Iter;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(Vector<Arc<T>>);

impl<T: Clone> List<T> {
    #[must_use]
    pub fn new() -> Self {
        Self(Vector::new())
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator + Clone {
        self.into_iter()
    }

    pub fn push(&mut self, item: T) {
        self.0.push_back(Arc::new(item));
    }

    #[must_use]
    pub fn contains(&self, item: &T) -> bool
    where
        T: PartialEq,
    {
        self.iter().any(|it| it == item)
    }

    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        for at in self.positions(|it| !keep(it)).into_iter().rev() {
            self.0.remove(at);
        }
    }

    /// Changes the items that a condition holds for; the others stay shared.
    pub fn change(&mut self, which: impl Fn(&T) -> bool, mut change: impl FnMut(&mut T)) {
        for at in self.positions(which) {
            change(Arc::make_mut(&mut self.0[at]));
        }
    }

    pub fn change_all(&mut self, change: impl FnMut(&mut T)) {
        self.0.iter_mut().map(Arc::make_mut).for_each(change);
    }

    pub fn sort_by_key<K: Ord>(&mut self, key: impl Fn(&T) -> K) {
        self.0.sort_by(|a, b| key(a).cmp(&key(b)));
    }

    fn positions(&self, which: impl Fn(&T) -> bool) -> Vec<usize> {
        self.iter().enumerate().filter(|(_, it)| which(it)).map(|(at, _)| at).collect()
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vector::new())
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::iter::Map<Iter<'a, Arc<T>, DefaultSharedPtr>, fn(&'a Arc<T>) -> &'a T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(Arc::as_ref)
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().map(Arc::new).collect())
    }
}

impl<T> Extend<T> for List<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.0.extend(items.into_iter().map(Arc::new));
    }
}

impl<T: Clone> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::iter::Map<imbl::vector::ConsumingIter<Arc<T>, DefaultSharedPtr>, fn(Arc<T>) -> T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().map(Arc::unwrap_or_clone)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::drawn::{plain, run};
    use crate::name::QName;
    use crate::schema::Schema;

    /// However many states there are of a table, each part of it is there once.
    #[test]
    fn a_table_that_grows_is_not_copied() {
        let sql = |at: usize| {
            format!(
                "ALTER TABLE t ADD COLUMN c{at} int; ALTER TABLE t ADD CONSTRAINT k{at} CHECK (c{at} > 0) NOT VALID;"
            )
        };
        let sql: String = (0..500).map(sql).collect();
        let trace = run(&Schema::default(), &sql, &plain(), (14, 18));
        let (mut columns, mut constraints) = (HashSet::new(), HashSet::new());
        let states = trace.judged.iter().map(|it| it.before()).chain([&trace.after]);
        for relation in states.filter_map(|it| it.relations.get(&QName::new("public", "t"))) {
            columns.extend(relation.columns.iter().map(std::ptr::from_ref));
            constraints.extend(relation.constraints.iter().map(std::ptr::from_ref));
        }
        assert_eq!((columns.len(), constraints.len()), (500, 500));
    }
}
