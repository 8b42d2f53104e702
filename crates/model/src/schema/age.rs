//! What a schema is to the next unit: things grow older, and a branch that may not run leaves things that may not be there.

use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use syntax::ast::Persistence;

use super::{Born, Function, Index, Relation, Schema, Type};

impl Schema {
    /// The schema as later units see it: nothing that came since `since` is younger than `born`, and temporary tables went with
    /// their session.
    #[must_use]
    pub fn aged(&self, since: &Self, born: Born) -> Self {
        let mut aged = self.clone();
        let mut temporary = Vec::new();
        each_new(&since.relations, &self.relations, |name, it| {
            if it.persistence == Persistence::Temporary {
                temporary.push(name.clone());
            }
            aged.relations.insert(name.clone(), Arc::new(age_relation((**it).clone(), born)));
        });
        each_new(&since.indexes, &self.indexes, |name, it| {
            aged.indexes.insert(name.clone(), Arc::new(Index { born: it.born.min(born), ..(**it).clone() }));
        });
        each_new(&since.types, &self.types, |name, it| {
            aged.types.insert(name.clone(), Arc::new(Type { born: it.born.min(born), ..(**it).clone() }));
        });
        each_new(&since.functions, &self.functions, |name, it| {
            let age = |it: &Function| Function { born: it.born.min(born), ..it.clone() };
            aged.functions.insert(name.clone(), Arc::new(it.iter().map(age).collect()));
        });
        for name in temporary {
            aged.remove_relation(&name);
        }
        aged
    }

    /// Equal, found out without visiting what both share.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let Self {
            complete,
            presumed,
            relations,
            indexes,
            types,
            functions,
            schemas,
            extensions,
            publications,
            statistics,
            lookup: _,
        } = self;
        fn same<K: Ord + Clone, V: PartialEq + Clone>(a: &OrdMap<K, V>, b: &OrdMap<K, V>) -> bool {
            a.ptr_eq(b) || a.diff(b).next().is_none()
        }
        (*complete, *presumed) == (other.complete, other.presumed)
            && same(relations, &other.relations)
            && same(indexes, &other.indexes)
            && same(types, &other.types)
            && same(functions, &other.functions)
            && same(schemas, &other.schemas)
            && same(extensions, &other.extensions)
            && same(publications, &other.publications)
            && same(statistics, &other.statistics)
    }

    /// The state after a branch that ran or did not: what only one side has may be there, and a relation that the branch
    /// changed is open, because either state of it is possible.
    #[must_use]
    pub(crate) fn joined(before: &Self, after: &Self) -> Self {
        let mut joined = after.clone();
        for item in before.relations.diff(&after.relations) {
            match item {
                DiffItem::Add(name, it) | DiffItem::Remove(name, it) => {
                    joined.relations.insert(name.clone(), Arc::new(Relation { maybe: true, ..(**it).clone() }));
                }
                DiffItem::Update { old: (_, old), new: (name, new) } => {
                    let empty = old.empty && new.empty;
                    // Rows alone make no other state of it.
                    let rows_only = **old == Relation { empty: old.empty, ..(**new).clone() };
                    let open = new.open || !rows_only;
                    joined.relations.insert(name.clone(), Arc::new(Relation { open, empty, ..(**new).clone() }));
                }
            }
        }
        for item in before.indexes.diff(&after.indexes) {
            if let DiffItem::Add(name, it) | DiffItem::Remove(name, it) = item {
                joined.indexes.insert(name.clone(), Arc::new(Index { maybe: true, ..(**it).clone() }));
            }
        }
        for item in before.types.diff(&after.types) {
            if let DiffItem::Add(name, it) | DiffItem::Remove(name, it) = item {
                joined.types.insert(name.clone(), Arc::new(Type { maybe: true, ..(**it).clone() }));
            }
        }
        for item in before.functions.diff(&after.functions) {
            if let DiffItem::Remove(name, it) = item {
                joined.functions.insert(name.clone(), it.clone());
            }
        }
        joined
    }
}

fn each_new<K: Ord, V: PartialEq>(since: &OrdMap<K, V>, now: &OrdMap<K, V>, mut visit: impl FnMut(&K, &V)) {
    for item in since.diff(now) {
        match item {
            DiffItem::Add(name, it) | DiffItem::Update { new: (name, it), .. } => visit(name, it),
            DiffItem::Remove(..) => {}
        }
    }
}

fn age_relation(mut it: Relation, born: Born) -> Relation {
    it.born = it.born.min(born);
    for column in &mut it.columns {
        column.born = column.born.min(born);
    }
    for constraint in &mut it.constraints {
        constraint.born = constraint.born.min(born);
    }
    // A table of the history holds rows by the time of the pending migrations.
    it.empty &= born != Born::Before;
    it
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::QName;

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
