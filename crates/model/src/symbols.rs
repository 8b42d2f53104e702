//! What a history names: every thing under one number, through all its renames, with the places where it is named.
//!
//! A name is looked up in the schema in which its statement runs, so equal names of different things stay apart: columns of
//! two tables, tables of two schemas, a table that was dropped and one that was created later under its name.

use std::sync::Arc;

use imbl::OrdMap;
use syntax::Span;
use syntax::ast::{Name, ObjectKind, StatementKind};
use syntax::mentions::{self, Clause, Mention, Part, Thing};

use crate::name::QName;
use crate::schema::{Constraint, ConstraintKind, IndexColumn, Relation, RelationKind, Schema};
use crate::trace::Step;

#[derive(Clone, Debug, Default)]
pub struct Symbols {
    pub things: Vec<Symbol>,
    /// In the order in which the statements were read.
    pub places: Vec<Place>,
    /// Where the places of the statement being read begin.
    from: usize,
    /// What is called how at this point of the history. Names of what was dropped stay until something else takes them.
    names: OrdMap<Key, usize>,
    /// What was called how at the end of the Up section whose Down section is read.
    kept: Option<OrdMap<Key, usize>>,
}

/// A thing that is named.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    pub kind: Kind,
    /// The last one that it had.
    pub name: Arc<str>,
    /// The table of a column and the like.
    pub owner: Option<usize>,
    /// It has a place that defines it.
    pub defined: bool,
    /// A text spells its name; PostgreSQL finds names for what has none.
    pub written: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Table,
    View,
    Sequence,
    Index,
    Type,
    Function,
    Part(Part),
}

/// A name in a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// As the caller counts.
    pub unit: usize,
    /// In the file.
    pub span: Span,
    pub role: Role,
    /// Index in [`Symbols::things`].
    pub thing: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Define,
    Use,
    Drop,
    /// Gets this name here.
    Rename,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// What pg_class holds; an index that implements a constraint is that constraint.
    Class(QName),
    Type(QName),
    Function(QName),
    Part(Part, usize, Arc<str>),
}

impl Symbols {
    /// Reads a statement in its place. `mentions` are its names.
    pub fn read(&mut self, unit: usize, step: &Step, mentions: &[Mention]) {
        self.from = self.places.len();
        let mut renamed = Vec::new();
        for mention in mentions {
            let Some(key) = self.key(step, mention) else { continue };
            let thing = self.thing(step, &key, &mention.role, mention);
            let (role, new) = match &mention.role {
                mentions::Role::Define => (Role::Define, None),
                mentions::Role::Use => (Role::Use, None),
                mentions::Role::Drop => (Role::Drop, None),
                mentions::Role::Rename(name) => (Role::Rename, Some(key.called(name))),
                mentions::Role::Move(schema) => (Role::Use, Some(key.moved(schema))),
            };
            renamed.extend(new.map(|new| (key.clone(), new, thing)));
            // An index may become a constraint under the name that it has.
            if let (Key::Class(name), Role::Use) = (&key, role)
                && step.before.indexes.get(name).is_some_and(|index| index.constraint.is_none())
                && step.after.indexes.get(name).is_some_and(|index| index.constraint.is_some())
            {
                renamed.push((key.clone(), key.clone(), thing));
            }
            self.things[thing].defined |= role == Role::Define;
            self.things[thing].written |= !matches!(mention.thing, Thing::Unnamed { .. });
            self.places.push(Place { unit, span: step.statement.locate(mention.span), role, thing });
        }
        for (old, new, thing) in renamed {
            self.rename(step, &old, new, thing);
        }
        if let StatementKind::Rename(it) = &*step.statement.parsed.kind
            && it.object == ObjectKind::Schema
        {
            self.rename_schema(&it.name.name, &it.new_name);
        }
    }

    fn rename_schema(&mut self, old: &str, new: &str) {
        let inside: Vec<(Key, usize)> = self.names.iter().map(|(key, thing)| (key.clone(), *thing)).collect();
        for (key, thing) in inside.into_iter().filter(|(key, _)| key.schema() == Some(old)) {
            self.names.remove(&key);
            self.names.insert(key.moved(new), thing);
        }
    }

    /// The Down section of a migration follows its Up section, which everything else follows too.
    pub fn enter_down(&mut self) {
        self.kept = Some(self.names.clone());
    }

    pub fn leave_down(&mut self) {
        if let Some(names) = self.kept.take() {
            self.names = names;
        }
    }

    /// What is named at an offset of a unit: the shortest name there.
    #[must_use]
    pub fn at(&self, unit: usize, offset: u32) -> Option<&Place> {
        let here = self.places.iter().filter(|it| it.unit == unit && it.span.start <= offset && offset <= it.span.end);
        here.min_by_key(|it| it.span.end - it.span.start)
    }

    pub fn places_of(&self, thing: usize) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(move |place| place.thing == thing)
    }

    fn rename(&mut self, step: &Step, old: &Key, new: Key, thing: usize) {
        let new = match new {
            Key::Class(name) => self.class(step.after, name),
            new => new,
        };
        self.names.remove(old);
        // What belongs to it goes with it into another schema.
        if let (Key::Class(from), Key::Class(to)) = (old, &new)
            && from.schema != to.schema
        {
            for index in step.before.indexes_of(from) {
                if let Some(index_thing) = self.names.remove(&Key::Class(index.name.clone())) {
                    self.names.insert(Key::Class(to.sibling(&index.name.name)), index_thing);
                }
            }
        }
        if self.kept.is_none() {
            self.things[thing].name = new.name().into();
            if let Key::Part(part, owner, _) = new {
                (self.things[thing].kind, self.things[thing].owner) = (Kind::Part(part), Some(owner));
            }
        }
        self.names.insert(new, thing);
    }

    /// The thing under a key, which is a new one where another thing had the name before.
    fn thing(&mut self, step: &Step, key: &Key, role: &mentions::Role, mention: &Mention) -> usize {
        let known = self.names.get(key).copied();
        if let Some(thing) = known {
            // A Down section makes again what its Up section dropped.
            let fresh = *role == mentions::Role::Define
                && self.kept.is_none()
                && !self.exists(step.before, key)
                && self.things[thing].defined;
            if !fresh {
                return thing;
            }
        }
        let (kind, owner) = match key {
            Key::Class(name) => (class_kind(step, name, mention), None),
            Key::Type(_) => (Kind::Type, None),
            Key::Function(_) => (Kind::Function, None),
            Key::Part(part, owner, _) => (Kind::Part(*part), Some(*owner)),
        };
        self.things.push(Symbol { kind, name: key.name().into(), owner, defined: false, written: false });
        let thing = self.things.len() - 1;
        self.names.insert(key.clone(), thing);
        thing
    }

    /// The schema has what the key names.
    fn exists(&self, schema: &Schema, key: &Key) -> bool {
        match key {
            Key::Class(name) => schema.has_class(name),
            Key::Type(name) => schema.types.contains_key(name),
            Key::Function(name) => schema.functions.contains_key(name),
            Key::Part(part, owner, name) => {
                let owners = self.names.iter().filter(|(_, thing)| *thing == owner).filter_map(|(key, _)| match key {
                    Key::Class(name) => schema.relations.get(name),
                    _ => None,
                });
                owners.into_iter().any(|relation| has_part(relation, *part, name))
            }
        }
    }

    fn key(&mut self, step: &Step, mention: &Mention) -> Option<Key> {
        let define = mention.role == mentions::Role::Define;
        Some(match &mention.thing {
            Thing::Relation(name) => {
                let name = resolve(step, name, define);
                let schema = if step.before.indexes.contains_key(&name) { step.before } else { step.after };
                self.class(schema, name)
            }
            Thing::Type(name) => self.type_key(step, name, mention.role == mentions::Role::Use)?,
            Thing::Function(name) => {
                let known = |schema: &Schema, name: &QName| schema.functions.contains_key(name);
                match found(step, name, known) {
                    Some(name) => Key::Function(name),
                    None if mention.role == mentions::Role::Use => return None,
                    None => Key::Function(QName::of(name, home(step))),
                }
            }
            Thing::Part { part, of, name } => {
                let owner = self.owner(step, *part, of, name)?;
                Key::Part(*part, owner, name.as_str().into())
            }
            Thing::Unnamed { clause, of, columns } => self.unnamed(step, *clause, of, columns)?,
        })
    }

    /// An index that implements a constraint is known as that.
    fn class(&mut self, schema: &Schema, name: QName) -> Key {
        if let Some(index) = schema.indexes.get(&name)
            && let Some(constraint) = &index.constraint
        {
            let table = index.table.clone();
            return Key::Part(Part::Constraint, self.owner_thing(Key::Class(table), Kind::Table), constraint.clone());
        }
        Key::Class(name)
    }

    fn type_key(&self, step: &Step, name: &Name, only_known: bool) -> Option<Key> {
        if let Some(name) = found(step, name, |schema, name| schema.types.contains_key(name)) {
            return Some(Key::Type(name));
        }
        // Every relation is the type of its rows.
        if let Some(name) = found(step, name, |schema, name| schema.relations.contains_key(name)) {
            return Some(Key::Class(name));
        }
        (!only_known).then(|| Key::Type(QName::of(name, home(step))))
    }

    fn owner_thing(&mut self, key: Key, kind: Kind) -> usize {
        if let Some(thing) = self.names.get(&key) {
            return *thing;
        }
        self.things.push(Symbol { kind, name: key.name().into(), owner: None, defined: false, written: false });
        self.names.insert(key, self.things.len() - 1);
        self.things.len() - 1
    }

    /// The relation, or the type, that has the part.
    fn owner(&mut self, step: &Step, part: Part, of: &[Name], name: &str) -> Option<usize> {
        let mut possible = Vec::new();
        for candidate in of {
            if candidate.name.is_empty() {
                possible.push(None);
                continue;
            }
            let resolved = resolve(step, candidate, false);
            let known = [step.before, step.after].map(|schema| schema.relations.get(&resolved));
            if let Some(relation) = known.iter().flatten().find(|it| has_part(it, part, name)) {
                let owner = origin(step, relation, part, name);
                return Some(self.owner_thing(Key::Class(owner), Kind::Table));
            }
            let type_key = || match self.type_key(step, candidate, true) {
                Some(key @ Key::Type(_)) if part != Part::Trigger => Some(key),
                _ => None,
            };
            let closed = known.iter().flatten().any(|it| !it.open && it.kind == RelationKind::Table);
            match (known, closed) {
                ([None, None], _) => possible.push(Some(type_key().unwrap_or(Key::Class(resolved)))),
                // A name of one relation only is meant for it, be it wrong.
                (_, closed) if !closed || of.len() == 1 => possible.push(Some(Key::Class(resolved))),
                _ => {}
            }
        }
        match possible.as_slice() {
            [Some(key)] => Some(self.owner_thing(key.clone(), Kind::Table)),
            _ => None,
        }
    }

    /// What PostgreSQL called a constraint or an index that has no name in the text.
    fn unnamed(&mut self, step: &Step, clause: Clause, of: &Name, columns: &[String]) -> Option<Key> {
        let table = resolve(step, of, false);
        let same = |names: &[Arc<str>]| names.iter().map(|name| &**name).eq(columns.iter().map(String::as_str));
        if clause == Clause::Index {
            let plain = |elements: &[IndexColumn]| {
                elements.iter().filter_map(|element| element.column.as_deref()).eq(columns.iter().map(String::as_str))
            };
            let mut new = step.after.indexes_of(&table);
            let index = new.find(|it| !step.before.indexes.contains_key(&it.name) && plain(&it.elements))?;
            return Some(Key::Class(index.name.clone()));
        }
        let is = |constraint: &Constraint| match (&constraint.kind, clause) {
            (ConstraintKind::NotNull { column }, Clause::NotNull) => columns.iter().any(|it| **it == **column),
            (ConstraintKind::Check { .. }, Clause::Check) => true,
            (ConstraintKind::Unique { columns }, Clause::Unique)
            | (ConstraintKind::PrimaryKey { columns }, Clause::PrimaryKey)
            | (ConstraintKind::Exclude { columns, .. }, Clause::Exclude)
            | (ConstraintKind::ForeignKey { columns, .. }, Clause::ForeignKey) => same(columns),
            _ => false,
        };
        let relation = step.after.relations.get(&table)?;
        let before = step.before.relations.get(&table);
        let old = |name: &Arc<str>| before.is_some_and(|it| it.constraints.iter().any(|it| it.name == *name));
        let owner = self.owner_thing(Key::Class(table.clone()), Kind::Table);
        let key = |name: &Arc<str>| Key::Part(Part::Constraint, owner, name.clone());
        let mut new = relation.constraints.iter().filter(|it| it.generated_name && is(it) && !old(&it.name));
        // Equal clauses are told apart by their order.
        let seen = self.places[self.from..].iter();
        let taken: Vec<usize> = seen.filter(|it| it.role == Role::Define).map(|it| it.thing).collect();
        let found = new.find(|it| self.names.get(&key(&it.name)).is_none_or(|thing| !taken.contains(thing)))?;
        Some(key(&found.name))
    }
}

impl Key {
    fn name(&self) -> &str {
        match self {
            Self::Class(name) | Self::Type(name) | Self::Function(name) => &name.name,
            Self::Part(_, _, name) => name,
        }
    }

    fn schema(&self) -> Option<&str> {
        match self {
            Self::Class(name) | Self::Type(name) | Self::Function(name) => Some(&name.schema),
            Self::Part(..) => None,
        }
    }

    fn called(&self, name: &str) -> Self {
        match self {
            Self::Class(old) => Self::Class(old.sibling(name)),
            Self::Type(old) => Self::Type(old.sibling(name)),
            Self::Function(old) => Self::Function(old.sibling(name)),
            Self::Part(part, owner, _) => Self::Part(*part, *owner, name.into()),
        }
    }

    fn moved(&self, schema: &str) -> Self {
        match self {
            Self::Class(old) => Self::Class(QName::new(schema, &old.name)),
            Self::Type(old) => Self::Type(QName::new(schema, &old.name)),
            Self::Function(old) => Self::Function(QName::new(schema, &old.name)),
            Self::Part(..) => self.clone(),
        }
    }
}

/// What a statement defines is looked up after it, anything else before it.
fn resolve(step: &Step, name: &Name, define: bool) -> QName {
    let before = step.before.resolve(name, step.search_path);
    if !define && step.before.has_class(&before) { before } else { step.after.resolve(name, step.search_path) }
}

/// Where things without schema are created.
fn home<'a>(step: &Step<'a>) -> &'a str {
    step.search_path.first().map_or("public", String::as_str)
}

fn found(step: &Step, name: &Name, known: impl Fn(&Schema, &QName) -> bool) -> Option<QName> {
    let candidates: Vec<QName> = match &name.schema {
        Some(schema) => vec![QName::new(schema, &name.name)],
        None => step.search_path.iter().map(|schema| QName::new(schema, &name.name)).collect(),
    };
    candidates.into_iter().find(|name| known(step.before, name) || known(step.after, name))
}

fn has_part(relation: &Relation, part: Part, name: &str) -> bool {
    match part {
        Part::Column => relation.columns.iter().any(|it| *it.name == *name),
        Part::Constraint => relation.constraints.iter().any(|it| *it.name == *name),
        Part::Trigger => relation.triggers.iter().any(|it| *it.name == *name),
        Part::Policy => relation.policies.iter().any(|it| *it.name == *name),
        Part::Rule => relation.rules.iter().any(|it| *it.name == *name),
    }
}

/// The relation that an inherited column or constraint comes from.
fn origin(step: &Step, relation: &Relation, part: Part, name: &str) -> QName {
    let mut at = relation;
    // Inheritance has no cycles, but a wrong history is no reason to go on for ever.
    for _ in 0..64 {
        let inherited = match part {
            Part::Column => at.columns.iter().any(|it| *it.name == *name && it.inherited),
            Part::Constraint => at.constraints.iter().any(|it| *it.name == *name && it.inherited),
            Part::Trigger | Part::Policy | Part::Rule => false,
        };
        let parents = at.partition_of.iter().map(|(parent, _)| parent).chain(&at.inherits);
        let of = |parent| step.before.relations.get(parent).or_else(|| step.after.relations.get(parent));
        let parent = parents.filter_map(of).find(|parent| has_part(parent, part, name));
        match parent.filter(|_| inherited) {
            Some(parent) => at = parent,
            None => break,
        }
    }
    at.name.clone()
}

fn class_kind(step: &Step, name: &QName, mention: &Mention) -> Kind {
    if matches!(mention.thing, Thing::Unnamed { .. })
        || step.before.indexes.contains_key(name)
        || step.after.indexes.contains_key(name)
    {
        return Kind::Index;
    }
    let relation = step.after.relations.get(name).or_else(|| step.before.relations.get(name));
    match relation.map(|relation| relation.kind) {
        Some(RelationKind::View | RelationKind::MaterializedView) => Kind::View,
        Some(RelationKind::Sequence) => Kind::Sequence,
        Some(RelationKind::CompositeType) => Kind::Type,
        _ => Kind::Table,
    }
}

#[cfg(test)]
mod tests;
