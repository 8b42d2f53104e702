//! What a schema is to the next unit: things grow older, and a branch that may not run leaves things that may not be there.

use std::hash::Hash;
use std::sync::Arc;

use syntax::ast::Persistence;

use super::{Born, Function, Index, Relation, Schema, Type};
use crate::map::Map;
use crate::name::QName;

impl Schema {
    /// The schema as later units see it: nothing that came since `since` is younger than `born`, and temporary tables went with
    /// their session.
    #[must_use]
    pub fn aged(&self, since: &Self, born: Born) -> Self {
        let mut aged = self.clone();
        let mut temporary = Vec::new();
        for (name, it) in new(&since.relations, &self.relations) {
            if it.persistence == Persistence::Temporary {
                temporary.push(name.clone());
            }
            aged.relations.insert(name.clone(), age_relation(it, born));
        }
        for (name, it) in new(&since.indexes, &self.indexes) {
            aged.indexes.insert(name.clone(), age_index(it, born));
        }
        for (name, it) in new(&since.types, &self.types) {
            aged.types.insert(name.clone(), age_type(it, born));
        }
        for (name, it) in new(&since.functions, &self.functions) {
            aged.functions.insert(name.clone(), age_functions(it, born));
        }
        for name in temporary {
            aged.remove_relation(&name);
        }
        aged.forget_gone();
        aged
    }

    /// [`Self::aged`] of a schema that differs in a few entries from another, of which it is known what that gives. `None`
    /// when it has to be found out from the beginning.
    #[must_use]
    pub fn aged_like(&self, since: &Self, born: Born, (other, known): (&Self, &Self)) -> Option<Self> {
        if self.has_temporary() || other.has_temporary() {
            return None;
        }
        Some(known.under(&other.patch_to(self)?.aged(since, born)))
    }

    fn has_temporary(&self) -> bool {
        let first = self.relations.range_from(QName::new("pg_temp", "")).next();
        first.is_some_and(|(name, _)| &*name.schema == "pg_temp")
    }

    /// The entries of a patch with the age that [`Self::aged`] gives them.
    pub(super) fn entries_aged(&self, since: &Self, born: Born) -> Self {
        fn age<K: Ord + Clone + Hash, V: Clone + PartialEq, const PART: u8>(
            now: &Map<K, V, PART>,
            since: &Map<K, V, PART>,
            age: impl Fn(&V) -> V,
        ) -> Map<K, V, PART> {
            now.mapped(|key, it| if since.get(key) == Some(it) { it.clone() } else { age(it) })
        }
        Self {
            relations: age(&self.relations, &since.relations, |it| age_relation(it, born)),
            indexes: age(&self.indexes, &since.indexes, |it| age_index(it, born)),
            types: age(&self.types, &since.types, |it| age_type(it, born)),
            functions: age(&self.functions, &since.functions, |it| age_functions(it, born)),
            gone: Map::default(),
            gone_columns: Map::default(),
            ..self.clone()
        }
    }

    /// The state after a branch that ran or did not: what only one side has may be there, and a relation that the branch
    /// changed is open, because either state of it is possible.
    #[must_use]
    pub(crate) fn joined(before: &Self, after: &Self) -> Self {
        let mut joined = after.clone();
        // Gone is only what is gone either way.
        for it in before.gone.diff(&after.gone) {
            joined.gone.remove(it.key);
        }
        for it in before.gone_columns.diff(&after.gone_columns) {
            joined.gone_columns.remove(it.key);
        }
        for it in before.relations.diff(&after.relations) {
            let relation = match (it.old, it.new) {
                (Some(old), Some(new)) => {
                    let empty = old.empty && new.empty;
                    // Rows alone make no other state of it.
                    let rows_only = **old == Relation { empty: old.empty, ..(**new).clone() };
                    let open = new.open || !rows_only;
                    Relation { open, empty, ..(**new).clone() }
                }
                (Some(only), None) | (None, Some(only)) => Relation { maybe: true, ..(**only).clone() },
                (None, None) => continue,
            };
            joined.relations.insert(it.key.clone(), Arc::new(relation));
        }
        for it in before.indexes.diff(&after.indexes) {
            if let (Some(only), None) | (None, Some(only)) = (it.old, it.new) {
                joined.indexes.insert(it.key.clone(), Arc::new(Index { maybe: true, ..(**only).clone() }));
            }
        }
        for it in before.types.diff(&after.types) {
            if let (Some(only), None) | (None, Some(only)) = (it.old, it.new) {
                joined.types.insert(it.key.clone(), Arc::new(Type { maybe: true, ..(**only).clone() }));
            }
        }
        for it in before.functions.diff(&after.functions) {
            if let (Some(gone), None) = (it.old, it.new) {
                joined.functions.insert(it.key.clone(), gone.clone());
            }
        }
        joined
    }
}

fn new<'a, K: Ord + Clone + Hash, V: Clone + PartialEq, const PART: u8>(
    since: &'a Map<K, V, PART>,
    now: &'a Map<K, V, PART>,
) -> impl Iterator<Item = (&'a K, &'a V)> {
    since.diff(now).filter_map(|it| Some((it.key, it.new?)))
}

fn age_relation(it: &Relation, born: Born) -> Arc<Relation> {
    let mut it = it.clone();
    it.born = it.born.min(born);
    it.columns.change(|column| column.born > born, |column| column.born = born);
    it.constraints.change(|constraint| constraint.born > born, |constraint| constraint.born = born);
    // A table of the history holds rows by the time of the pending migrations.
    it.empty &= born != Born::Before;
    Arc::new(it)
}

fn age_index(it: &Index, born: Born) -> Arc<Index> {
    Arc::new(Index { born: it.born.min(born), ..it.clone() })
}

fn age_type(it: &Type, born: Born) -> Arc<Type> {
    Arc::new(Type { born: it.born.min(born), ..it.clone() })
}

fn age_functions(overloads: &[Function], born: Born) -> Arc<Vec<Function>> {
    let age = |it: &Function| Function { born: it.born.min(born), ..it.clone() };
    Arc::new(overloads.iter().map(age).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_things_age() {
        let mut before = Schema::default();
        let old = QName::new("public", "old");
        before.relations.insert(old.clone(), Arc::new(Relation::open(old)));
        let mut after = before.clone();
        let new = QName::new("public", "new");
        after
            .relations
            .insert(new.clone(), Arc::new(Relation { born: Born::Here, empty: true, ..Relation::open(new) }));
        let drawn: Vec<String> = after
            .aged(&before, Born::Pending)
            .relations
            .values()
            .map(|it| format!("{} {:?} empty={}", it.name, it.born, it.empty))
            .collect();
        expect_test::expect![[r#"
            new Pending empty=true
            old Before empty=false"#]]
        .assert_eq(&drawn.join("\n"));
    }

    #[test]
    fn a_branch_leaves_both_states() {
        let mut before = Schema::default();
        for name in ["changed", "dropped", "filled"] {
            let name = QName::new("public", name);
            let relation = Relation { open: false, empty: true, ..Relation::open(name.clone()) };
            before.relations.insert(name, Arc::new(relation));
        }
        let mut after = before.clone();
        let filled = QName::new("public", "filled");
        after
            .relations
            .insert(filled.clone(), Arc::new(Relation { open: false, empty: false, ..Relation::open(filled) }));
        after.relations.remove(&QName::new("public", "dropped"));
        let changed = QName::new("public", "changed");
        after
            .relations
            .insert(changed.clone(), Arc::new(Relation { row_security: true, open: false, ..Relation::open(changed) }));
        let new = QName::new("public", "new");
        after.relations.insert(new.clone(), Arc::new(Relation { open: false, ..Relation::open(new) }));
        let drawn: Vec<String> = Schema::joined(&before, &after)
            .relations
            .values()
            .map(|it| format!("{} maybe={} open={}", it.name, it.maybe, it.open))
            .collect();
        expect_test::expect![[r#"
            changed maybe=false open=true
            dropped maybe=true open=false
            filled maybe=false open=false
            new maybe=true open=false"#]]
        .assert_eq(&drawn.join("\n"));
    }
}
