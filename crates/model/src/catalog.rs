//! Finding and keeping things in a schema: every change that other entries must follow is made here.
//!
//! The maps of [`Schema`] are the truth. [`Lookup`] finds what would otherwise need a walk over all relations, which would
//! make a history quadratic. Its entries may be stale, so each is checked against the truth when it is read.

use std::collections::HashSet;
use std::sync::Arc;

use syntax::ast::Name;

use crate::list::List;
use crate::map::{self, Map};
use crate::name::QName;
use crate::schema::{
    Column, ColumnType, Constraint, ConstraintKind, Index, Publication, Relation, RelationKind, Schema,
};

/// [`Schema::complete`] among the parts that somebody looks at.
pub(crate) const COMPLETE: u8 = 15;

/// What can be found by other keys than names of relations.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// The indexes of a table in order of creation; in the table's schema.
    pub(crate) indexes: Map<QName, List<Arc<str>>, 8>,
    /// Relations that name this one: foreign keys, views, owned sequences, columns of its row type.
    pub(crate) dependents: Map<QName, List<QName>, 9>,
    /// The tables that have a constraint of this name.
    pub(crate) constraints: Map<QName, List<QName>, 10>,
    /// Names of relations that bodies of routines and policies use.
    pub(crate) used: Map<Arc<str>, (), 12>,
}

/// Derived from the rest of the schema, so it never makes two schemas different.
impl PartialEq for Lookup {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Lookup {}

impl Schema {
    /// Nothing was changed since the one was copied from the other: quicker to tell than whether both are equal.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let Self { complete, presumed, relations, indexes, types, functions, schemas, .. } = self;
        let Self { extensions, publications, statistics, gone, gone_columns, lookup, .. } = self;
        (*complete, *presumed) == (other.complete, other.presumed)
            && relations.ptr_eq(&other.relations)
            && indexes.ptr_eq(&other.indexes)
            && types.ptr_eq(&other.types)
            && functions.ptr_eq(&other.functions)
            && schemas.ptr_eq(&other.schemas)
            && extensions.ptr_eq(&other.extensions)
            && publications.ptr_eq(&other.publications)
            && statistics.ptr_eq(&other.statistics)
            && gone.ptr_eq(&other.gone)
            && gone_columns.ptr_eq(&other.gone_columns)
            && lookup.indexes.ptr_eq(&other.lookup.indexes)
            && lookup.dependents.ptr_eq(&other.lookup.dependents)
            && lookup.constraints.ptr_eq(&other.lookup.constraints)
            && lookup.used.ptr_eq(&other.lookup.used)
    }

    /// [`Schema::complete`], for what is executed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        map::note_part(COMPLETE);
        self.complete
    }

    /// From here on things may exist that no migration tells of.
    pub fn forget_completeness(&mut self) {
        map::note_part(COMPLETE);
        self.complete = false;
        self.forget_gone();
    }

    /// What was taken away may be there again.
    pub(crate) fn forget_gone(&mut self) {
        // Each is looked at, as what either held is another thing afterwards.
        let empty = (self.gone.is_empty(), self.gone_columns.is_empty());
        if empty != (true, true) {
            (self.gone, self.gone_columns) = (Map::default(), Map::default());
        }
    }

    /// After a mistake nothing is told of what was taken away. That is one entry more, so that an edit that makes a mistake or
    /// mends it leaves nearly the same state; no relation has this name.
    pub(crate) fn distrust_gone(&mut self) {
        if !self.gone.contains_key(&distrusted()) {
            self.gone.insert(distrusted(), ());
        }
    }

    /// Whether this migration took the relation or index away, be the schema complete or not.
    pub(crate) fn is_gone(&self, name: &QName) -> bool {
        self.gone.contains_key(name) && !self.gone.contains_key(&distrusted())
    }

    /// Whether this migration took a column away from a relation that may have others than are known.
    pub(crate) fn has_lost(&self, table: &QName, column: &str) -> bool {
        let lost = self.gone_columns.get(table).is_some_and(|gone| gone.iter().any(|it| **it == *column));
        lost && !self.gone.contains_key(&distrusted())
    }

    /// The first schema of the search path that has the relation or index, else the first of the path.
    #[must_use]
    pub fn resolve(&self, name: &Name, search_path: &[String]) -> QName {
        if name.schema.is_none() {
            // Temporary relations come first.
            for schema in std::iter::once("pg_temp").chain(search_path.iter().map(String::as_str)) {
                let candidate = QName::new(schema, &name.name);
                if self.has_class(&candidate) {
                    return candidate;
                }
            }
        }
        QName::of(name, search_path.first().map_or("public", String::as_str))
    }

    /// Whether a relation or index has the name; they share one name space (pg_class).
    #[must_use]
    pub fn has_class(&self, name: &QName) -> bool {
        self.relations.contains_key(name) || self.indexes.contains_key(name)
    }

    pub fn insert_relation(&mut self, relation: Relation) {
        let name = relation.name.clone();
        self.relations.insert(name.clone(), Arc::new(relation));
        self.gone.remove(&name);
        self.note_relation(&name);
    }

    /// Removes a relation with its indexes and statistics, and its name from parents, children and publications.
    pub fn remove_relation(&mut self, name: &QName) -> Option<Arc<Relation>> {
        for index in self.indexes_of(name).map(|index| index.name.clone()).collect::<Vec<_>>() {
            self.remove_index(&index);
        }
        let relation = self.relations.remove(name)?;
        self.gone.insert(name.clone(), ());
        self.gone_columns.remove(name);
        for parent in parents(&relation) {
            self.edit(parent, |parent| parent.children.retain(|child| child != name));
        }
        for child in &relation.children {
            self.edit(child, |child| {
                child.inherits.retain(|parent| parent != name);
                if child.partition_of.as_ref().is_some_and(|(parent, _)| parent == name) {
                    child.partition_of = None;
                }
            });
        }
        let of_it = self.statistics.iter().filter(|(_, it)| it.table == *name);
        for statistics in of_it.map(|(statistics, _)| statistics.clone()).collect::<Vec<_>>() {
            self.statistics.remove(&statistics);
        }
        let has_it = |it: &Publication| it.tables.iter().any(|(table, _)| table == name);
        let publications = self.publications.iter().filter(|(_, it)| has_it(it));
        for publication in publications.map(|(publication, _)| publication.clone()).collect::<Vec<_>>() {
            if let Some(publication) = self.publications.get_mut(&publication) {
                Arc::make_mut(publication).tables.retain(|(table, _)| table != name);
            }
        }
        Some(relation)
    }

    /// Gives a relation another name or schema; its indexes follow into the schema, and whatever names it is corrected.
    pub fn rename_relation(&mut self, from: &QName, to: &QName) {
        let Some(relation) = self.relations.remove(from) else { return };
        self.gone.insert(from.clone(), ());
        self.gone_columns.remove(from);
        let mut relation = Arc::unwrap_or_clone(relation);
        relation.name = to.clone();
        relation.constraints.change_all(|constraint| {
            if let ConstraintKind::ForeignKey { referenced, .. } = &mut constraint.kind
                && referenced == from
            {
                *referenced = to.clone();
            }
        });
        let rename = |name: &mut QName| {
            if name == from {
                *name = to.clone();
            }
        };
        for parent in parents(&relation).cloned().collect::<Vec<_>>() {
            self.edit(&parent, |parent| parent.children.change(|child| child == from, rename));
        }
        for child in relation.children.clone() {
            self.edit(&child, |child| {
                child.inherits.iter_mut().for_each(rename);
                if let Some((parent, _)) = &mut child.partition_of {
                    rename(parent);
                }
            });
        }
        for dependent in self.dependents_of(from) {
            self.edit(&dependent, |dependent| {
                dependent.reads.iter_mut().for_each(|(read, _)| rename(read));
                if let Some((owner, _)) = &mut dependent.owned_by {
                    rename(owner);
                }
                dependent.constraints.change_all(|constraint| {
                    if let ConstraintKind::ForeignKey { referenced, .. } = &mut constraint.kind {
                        rename(referenced);
                    }
                });
                dependent.columns.change_all(|column| {
                    if let Some(default) = &mut column.default {
                        crate::schema::rename::rename_sequence(&mut default.expr, from, to);
                    }
                    if let ColumnType::Known(ty) = &mut column.ty
                        && ty.name == *from.name
                        && ty.schema.as_deref() == Some(&from.schema)
                    {
                        ty.name = to.name.to_string();
                        ty.schema = Some(to.schema.to_string());
                    }
                });
            });
        }
        let dependents = self.dependents_of(from);
        let indexes = self.indexes_of(from).map(|index| index.name.clone()).collect::<Vec<_>>();
        self.insert_relation(relation);
        for dependent in dependents {
            add(&mut self.lookup.dependents, to, dependent);
        }
        for index in indexes {
            let Some(entry) = self.remove_index(&index) else { continue };
            let mut entry = Arc::unwrap_or_clone(entry);
            entry.table = to.clone();
            let moved = QName { schema: to.schema.clone(), name: index.name.clone() };
            entry.name = moved.clone();
            let children = self.index_children(&index, to);
            self.insert_index(entry);
            for child in children {
                self.edit_index(&child, |child| child.parent = Some(moved.clone()));
            }
        }
    }

    /// Makes the relations that this one names find it; call it after its foreign keys, reads, owner or columns changed.
    pub fn note_relation(&mut self, name: &QName) {
        let Some(relation) = self.relations.get(name).cloned() else { return };
        for constraint in &relation.constraints {
            self.note_constraint(name, constraint);
        }
        for (read, _) in &relation.reads {
            add(&mut self.lookup.dependents, read, name.clone());
        }
        if let Some((owner, _)) = &relation.owned_by {
            add(&mut self.lookup.dependents, owner, name.clone());
        }
        for column in &relation.columns {
            self.note_column(name, column);
        }
    }

    /// Lets a relation be found among the dependents of another that it uses in a way of its own: in a trigger or policy.
    pub(crate) fn note_use(&mut self, used: &QName, user: &QName) {
        add(&mut self.lookup.dependents, used, user.clone());
    }

    /// Adds a constraint to a relation, which must exist.
    pub fn add_constraint(&mut self, table: &QName, constraint: Constraint) {
        self.note_constraint(table, &constraint);
        self.edit(table, |relation| relation.constraints.push(constraint));
    }

    fn note_constraint(&mut self, table: &QName, constraint: &Constraint) {
        add(&mut self.lookup.constraints, &table.sibling(&constraint.name), table.clone());
        if let ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind {
            add(&mut self.lookup.dependents, referenced, table.clone());
        }
    }

    /// Columns of a composite type keep that type from changing (find_composite_type_dependencies, tablecmds.c).
    /// A sequence that a default draws from is found by it.
    pub(crate) fn note_column(&mut self, table: &QName, column: &Column) {
        for sequence in column.default.iter().flat_map(|default| crate::volatility::sequences(&default.expr)) {
            add(&mut self.lookup.dependents, &QName::of(&sequence, &table.schema), table.clone());
        }
        if let ColumnType::Known(ty) = &column.ty
            && let Some(schema) = &ty.schema
        {
            let row_type = QName::new(schema, &ty.name);
            if self.relations.contains_key(&row_type) {
                add(&mut self.lookup.dependents, &row_type, table.clone());
            }
        }
    }

    /// The constraints of this name in a schema, with their tables.
    pub fn constraints_named<'a>(&'a self, name: &'a QName) -> impl Iterator<Item = (&'a Relation, &'a Constraint)> {
        self.lookup.constraints.get(name).into_iter().flatten().filter_map(|table| {
            let relation = self.relations.get(table)?;
            Some((&**relation, relation.constraint(&name.name)?))
        })
    }

    /// Relations that name this one, itself included when it does.
    #[must_use]
    pub fn dependents_of(&self, name: &QName) -> Vec<QName> {
        let dependents = self.lookup.dependents.get(name).into_iter().flatten();
        dependents.filter(|dependent| self.relations.contains_key(*dependent)).cloned().collect()
    }

    /// Foreign keys that reference a table: (referencing table, constraint). Those of the table to itself are among them.
    #[must_use]
    pub fn foreign_keys_to(&self, table: &QName) -> Vec<(QName, Constraint)> {
        let mut found = Vec::new();
        for dependent in self.dependents_of(table) {
            for constraint in &self.relations[&dependent].constraints {
                if let ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind
                    && referenced == table
                {
                    found.push((dependent.clone(), constraint.clone()));
                }
            }
        }
        found
    }

    /// Foreign keys that watch over the rows of a table: those that reference it, and for a partition those that reference
    /// a table above it, of which it has a copy (CloneFkReferenced, tablecmds.c).
    #[must_use]
    pub fn foreign_keys_over(&self, table: &QName) -> Vec<(QName, Constraint)> {
        let mut found = self.foreign_keys_to(table);
        let mut below = table;
        while let Some((above, _)) = self.relations.get(below).and_then(|it| it.partition_of.as_ref()) {
            found.extend(self.foreign_keys_to(above));
            below = above;
        }
        found
    }

    /// Views and materialized views that read a relation.
    #[must_use]
    pub fn views_of(&self, name: &QName) -> Vec<QName> {
        let mut views = self.dependents_of(name);
        views.retain(|view| self.relations[view].reads.iter().any(|(read, _)| read == name));
        views
    }

    /// The sequences that a table's columns own (serial, identity, OWNED BY), with the column.
    #[must_use]
    pub fn sequences_of(&self, table: &QName) -> Vec<(QName, Arc<str>)> {
        let owned = self.dependents_of(table).into_iter().filter_map(|sequence| {
            let (owner, column) = self.relations[&sequence].owned_by.clone()?;
            (owner == *table).then_some((sequence, column))
        });
        owned.collect()
    }

    /// The indexes of a table in order of creation.
    pub fn indexes_of<'a>(&'a self, table: &'a QName) -> impl Iterator<Item = &'a Index> {
        let names = self.lookup.indexes.get(table);
        names.into_iter().flatten().filter_map(move |name| {
            let index = self.indexes.get(&table.sibling(name))?;
            (index.table == *table).then_some(&**index)
        })
    }

    pub fn insert_index(&mut self, index: Index) {
        let name = index.name.clone();
        add(&mut self.lookup.indexes, &index.table, name.name.clone());
        self.gone.remove(&name);
        self.indexes.insert(name, Arc::new(index));
    }

    pub fn remove_index(&mut self, name: &QName) -> Option<Arc<Index>> {
        let index = self.indexes.remove(name)?;
        self.gone.insert(name.clone(), ());
        if let Some(names) = self.lookup.indexes.get_mut(&index.table) {
            names.retain(|entry| *entry != name.name);
        }
        Some(index)
    }

    /// Renames an index and the constraint it implements (RenameRelationInternal, tablecmds.c).
    pub fn rename_index(&mut self, from: &QName, to: &str) {
        let Some(index) = self.remove_index(from) else { return };
        let mut index = Arc::unwrap_or_clone(index);
        let table = index.table.clone();
        let old_constraint = index.constraint.take();
        index.constraint = old_constraint.is_some().then(|| to.into());
        index.name = from.sibling(to);
        let new_name = index.name.clone();
        let children = self.index_children(from, &table);
        self.insert_index(index);
        for child in children {
            self.edit_index(&child, |child| child.parent = Some(new_name.clone()));
        }
        self.edit(&table, |relation| {
            for mark in [&mut relation.clustered_on, &mut relation.replica_identity] {
                if mark.as_ref().is_some_and(|name| *name == from.name) {
                    *mark = Some(to.into());
                }
            }
            relation.constraints.change_all(|constraint| {
                if Some(&constraint.name) == old_constraint.as_ref() {
                    constraint.name = to.into();
                }
            });
        });
        self.note_relation(&table);
    }

    /// The indexes attached to a partitioned index of `table`.
    #[must_use]
    pub fn index_children(&self, index: &QName, table: &QName) -> Vec<QName> {
        let Some(relation) = self.relations.get(table) else { return Vec::new() };
        let attached = relation.children.iter().flat_map(|child| self.indexes_of(child));
        attached.filter(|child| child.parent.as_ref() == Some(index)).map(|child| child.name.clone()).collect()
    }

    /// All partitions and inheritance children below a relation, each once, itself left out (find_all_inheritors,
    /// pg_inherits.c).
    #[must_use]
    pub fn descendants(&self, name: &QName) -> Vec<QName> {
        let mut known = HashSet::from([name]);
        let mut found = vec![name];
        let mut next = 0;
        while let Some(parent) = found.get(next) {
            let children = self.relations.get(*parent).into_iter().flat_map(|it| &it.children);
            found.extend(children.filter(|child| known.insert(child)));
            next += 1;
        }
        found[1..].iter().map(|it| (*it).clone()).collect()
    }

    /// All partitions below a partitioned table; children by INHERITS are none.
    #[must_use]
    pub fn partitions(&self, name: &QName) -> Vec<QName> {
        let partitioned = self.relations.get(name).is_some_and(|it| it.kind == RelationKind::PartitionedTable);
        if partitioned { self.descendants(name) } else { Vec::new() }
    }

    /// The relation and its descendants that hold rows: partitioned tables do not.
    #[must_use]
    pub fn storages(&self, name: &QName) -> Vec<QName> {
        let mut all = self.descendants(name);
        all.insert(0, name.clone());
        all.retain(|name| self.relations.get(name).is_none_or(|it| it.kind != RelationKind::PartitionedTable));
        all
    }

    /// Changes a relation if it is known.
    pub fn edit(&mut self, name: &QName, change: impl FnOnce(&mut Relation)) {
        if let Some(relation) = self.relations.get_mut(name) {
            change(Arc::make_mut(relation));
        }
    }

    /// Notes that a relation may hold rows. A bulk load says so very often, and editing copies what earlier schemas share.
    pub fn fill(&mut self, name: &QName) {
        if self.relations.get(name).is_some_and(|it| it.empty) {
            self.edit(name, |it| it.empty = false);
        }
    }

    /// Changes an index if it is known; not its name.
    pub fn edit_index(&mut self, name: &QName, change: impl FnOnce(&mut Index)) {
        if let Some(index) = self.indexes.get_mut(name) {
            change(Arc::make_mut(index));
        }
    }
}

fn parents(relation: &Relation) -> impl Iterator<Item = &QName> {
    relation.inherits.iter().chain(relation.partition_of.as_ref().map(|(parent, _)| parent))
}

fn distrusted() -> QName {
    QName::new("", "")
}

pub(crate) fn add<T: Clone + PartialEq, const PART: u8>(map: &mut Map<QName, List<T>, PART>, key: &QName, value: T) {
    if map.get(key).is_none_or(|values| !values.contains(&value)) {
        map.entry_or_insert_with(key.clone(), List::default).push(value);
    }
}
