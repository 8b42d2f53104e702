//! What a statement names, with the place and the part that each name plays in it: for whoever follows a name through a
//! history, as editors do. It is found on demand, since nothing that judges statements needs it.

use crate::ast::{
    AlterAction, AlterTable, Body, ColumnDef, Constraint, ConstraintKind, CreateIndex, CreateTable, CreateTrigger,
    DomainAction, Drop, Ident, IndexElement, Name, ObjectKind, Parsed, Query, RelationRef, Rename, StatementKind,
    TypeName,
};
use crate::lex::{self, TokenKind};
use crate::options::Options;
use crate::span::Span;

mod query;

/// One name in a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Mention {
    /// In the statement: the name itself, without what qualifies it.
    pub span: Span,
    pub role: Role,
    pub thing: Thing,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    Define,
    Use,
    Drop,
    /// The new name, of the thing that had another one.
    Rename(String),
    /// Into another schema.
    Move(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Thing {
    /// Tables, views, sequences and indexes: what shares a name space (pg_class).
    Relation(Name),
    Type(Name),
    /// Procedures and aggregates too.
    Function(Name),
    /// A part of the first of these relations (types for attributes) that has it. A relation without a name is one whose
    /// columns are not known, e.g. a subquery.
    Part {
        part: Part,
        of: Vec<Name>,
        name: String,
    },
    /// A constraint or index that PostgreSQL finds a name for.
    Unnamed {
        clause: Clause,
        of: Name,
        columns: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Column,
    Constraint,
    Trigger,
    Policy,
    Rule,
}

/// What stands there without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause {
    NotNull,
    Check,
    Unique,
    PrimaryKey,
    Exclude,
    ForeignKey,
    Index,
}

/// The names in a statement, in source order. `options` are those it was parsed with.
#[must_use]
pub fn mentions(parsed: &Parsed, options: &Options) -> Vec<Mention> {
    let options = Options { range: None, ..options.clone() };
    let mut walk = Walk { text: &parsed.text, options: &options, found: Vec::new() };
    walk.statement(Span::new(0, parsed.text.len()), &parsed.kind);
    let mut found = walk.found;
    found.retain(|mention| !mention.span.is_empty());
    // A clause without a name comes behind the names that it consists of.
    found.sort_by_key(|it| (it.span.start, matches!(it.thing, Thing::Unnamed { .. }), it.span.end));
    found.dedup();
    found
}

/// A longer statement is data: only the relations in it are told.
const LONGEST: u32 = 1 << 18;

struct Walk<'t> {
    text: &'t str,
    options: &'t Options,
    found: Vec<Mention>,
}

impl Walk<'_> {
    fn add(&mut self, span: Span, role: Role, thing: Thing) {
        self.found.push(Mention { span, role, thing });
    }

    /// The names in the tokens of a stretch of the statement, comments left out.
    fn names_in(&self, span: Span) -> Vec<Span> {
        let tokens = lex::tokens(span.slice(self.text)).into_iter();
        let names = tokens.filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedName));
        names.map(|token| token.span.shifted(span.start)).collect()
    }

    fn last(&self, span: Span) -> Span {
        self.names_in(span).pop().unwrap_or_default()
    }

    fn first(&self, span: Span) -> Span {
        self.names_in(span).first().copied().unwrap_or_default()
    }

    /// The names from the keyword `after` to the keyword `until`.
    fn names_between(&self, whole: Span, after: &str, until: &str) -> Vec<Span> {
        let names = self.names_in(whole).into_iter();
        let is = |span: &Span, keyword: &str| span.slice(self.text).eq_ignore_ascii_case(keyword);
        names.skip_while(|span| !is(span, after)).skip(1).take_while(|span| !is(span, until)).collect()
    }

    fn relation(&mut self, name: &Name, role: Role) {
        self.add(self.last(name.span), role, Thing::Relation(name.clone()));
    }

    fn relations(&mut self, relations: &[RelationRef]) {
        for relation in relations {
            self.relation(&relation.name, Role::Use);
        }
    }

    fn function(&mut self, name: &Name, role: Role) {
        self.add(self.last(name.span), role, Thing::Function(name.clone()));
    }

    fn ty(&mut self, ty: &TypeName) {
        let names = self.names_in(ty.span);
        let place = usize::from(ty.schema.is_some());
        if ty.percent_type {
            // `t.c%TYPE`: a column.
            if let (Some(table), Some(span)) = (&ty.schema, names.get(1)) {
                let of = Name { schema: None, name: table.clone(), span: names[0] };
                self.relation(&of, Role::Use);
                self.part(Part::Column, &of, &ty.name, *span, Role::Use);
            }
            return;
        }
        let name = Name { schema: ty.schema.clone(), name: ty.name.clone(), span: ty.span };
        self.add(names.get(place).copied().unwrap_or_default(), Role::Use, Thing::Type(name));
    }

    fn part(&mut self, part: Part, of: &Name, name: &str, span: Span, role: Role) {
        self.add(span, role, Thing::Part { part, of: vec![of.clone()], name: name.to_owned() });
    }

    fn columns(&mut self, of: &Name, columns: &[Ident]) {
        for column in columns {
            self.part(Part::Column, of, &column.text, column.span, Role::Use);
        }
    }

    fn elements<'a>(&mut self, of: &Name, elements: impl IntoIterator<Item = &'a IndexElement>) {
        for element in elements {
            if let Some(column) = &element.column {
                self.part(Part::Column, of, column, self.first(element.span), Role::Use);
            }
        }
    }

    fn column_def(&mut self, of: &Name, column: &ColumnDef) {
        // Without a type it is a column of the parent or the type, with more constraints.
        let role = if column.ty.is_some() { Role::Define } else { Role::Use };
        self.part(Part::Column, of, &column.name.text, column.name.span, role);
        if let Some(ty) = &column.ty {
            self.ty(ty);
        }
        for constraint in &column.constraints {
            self.constraint(of, Some(&column.name.text), constraint);
        }
    }

    fn constraint(&mut self, of: &Name, column: Option<&str>, constraint: &Constraint) {
        let mut columns: Vec<String> = column.into_iter().map(str::to_owned).collect();
        let key = |columns: &[Ident]| columns.iter().map(|it| it.text.clone()).collect::<Vec<_>>();
        let clause = match &constraint.kind {
            ConstraintKind::Null
            | ConstraintKind::Default(_)
            | ConstraintKind::Identity { .. }
            | ConstraintKind::Generated { .. } => return,
            ConstraintKind::Check(_) => Clause::Check,
            ConstraintKind::NotNull { column } => {
                if let Some(column) = column {
                    columns = vec![column.text.clone()];
                    self.columns(of, std::slice::from_ref(column));
                }
                Clause::NotNull
            }
            ConstraintKind::Unique(unique) | ConstraintKind::PrimaryKey(unique) => {
                if !unique.columns.is_empty() {
                    columns = key(&unique.columns);
                }
                self.columns(of, &unique.columns);
                self.columns(of, &unique.including);
                if let Some(index) = &unique.using_index {
                    let role = match &constraint.name {
                        Some(name) if name.text != index.text => Role::Rename(name.text.clone()),
                        _ => Role::Use,
                    };
                    let thing = Thing::Relation(beside(of, index));
                    self.add(index.span, Role::Use, thing.clone());
                    // The constraint is the index, under its own name from now on.
                    if let Some(name) = &constraint.name {
                        self.add(name.span, role, thing);
                    }
                    return;
                }
                if matches!(constraint.kind, ConstraintKind::Unique(_)) { Clause::Unique } else { Clause::PrimaryKey }
            }
            ConstraintKind::Exclude(exclude) => {
                let elements = exclude.elements.iter().map(|(element, _)| element);
                columns = elements.clone().filter_map(|element| element.column.clone()).collect();
                self.elements(of, elements);
                self.columns(of, &exclude.including);
                Clause::Exclude
            }
            ConstraintKind::ForeignKey(foreign) => {
                if !foreign.columns.is_empty() {
                    columns = key(&foreign.columns);
                }
                self.columns(of, &foreign.columns);
                self.columns(of, &foreign.on_delete_columns);
                self.relation(&foreign.referenced, Role::Use);
                self.columns(&foreign.referenced, &foreign.referenced_columns);
                Clause::ForeignKey
            }
        };
        match &constraint.name {
            Some(name) => self.part(Part::Constraint, of, &name.text, name.span, Role::Define),
            None => self.add(constraint.span, Role::Define, Thing::Unnamed { clause, of: of.clone(), columns }),
        }
    }

    /// `whole` is the statement's own stretch of the text: in a routine body it is a part of it.
    fn statement(&mut self, whole: Span, kind: &StatementKind) {
        if matches!(kind, StatementKind::Invalid(_) | StatementKind::Template(_)) {
            return;
        }
        if whole.end - whole.start > LONGEST || !query::query(self, whole) {
            self.facts(kind);
        }
        match kind {
            StatementKind::AlterTable(it) => self.alter_table(it),
            StatementKind::CreateTable(it) => self.create_table(it),
            StatementKind::CreateTableAs(it) => self.relation(&it.name, Role::Define),
            StatementKind::CreateIndex(it) => self.create_index(it),
            StatementKind::CreateView(it) => self.relation(&it.name, Role::Define),
            StatementKind::CreateSequence(it) => {
                self.relation(&it.name, Role::Define);
                self.owned_by(whole, it.owned_by.as_ref());
            }
            StatementKind::AlterSequence(it) => {
                self.relation(&it.name, Role::Use);
                self.owned_by(whole, it.owned_by.as_ref());
            }
            StatementKind::RefreshMaterializedView { name, .. } => self.relation(name, Role::Use),
            StatementKind::Truncate { relations, .. } | StatementKind::LockTable { relations, .. } => {
                self.relations(relations);
            }
            StatementKind::Drop(it) => self.drop(it),
            StatementKind::Rename(it) => self.rename(whole, it),
            StatementKind::SetSchema(it) => self.object(it.object, &it.name, None, Role::Move(it.schema.clone())),
            StatementKind::SetOwner(it) => self.object(it.object, &it.name, None, Role::Use),
            StatementKind::DependsOnExtension { object, relation, name } => {
                self.object(*object, name, relation.as_ref(), Role::Use);
            }
            StatementKind::Comment(it) => self.object(it.object, &it.name, it.relation.as_ref(), Role::Use),
            StatementKind::SecurityLabel { object, name } => self.object(*object, name, None, Role::Use),
            StatementKind::Reindex(it) => {
                if let (ObjectKind::Index | ObjectKind::Table, Some(name)) = (it.object, &it.name) {
                    self.relation(name, Role::Use);
                }
            }
            StatementKind::Cluster { relation: Some(relation), index } => {
                self.relation(relation, Role::Use);
                if let Some(index) = index {
                    self.add(index.span, Role::Use, Thing::Relation(beside(relation, index)));
                }
            }
            StatementKind::Vacuum(it) => self.relations_with_columns(&it.relations),
            StatementKind::Analyze { relations } => self.relations_with_columns(relations),
            StatementKind::CreateTrigger(it) => self.create_trigger(whole, it),
            StatementKind::CreateRule { name, relation, .. } => {
                self.relation(relation, Role::Use);
                self.part(Part::Rule, relation, &name.text, name.span, Role::Define);
            }
            StatementKind::CreatePolicy { name, relation, .. } => {
                self.relation(relation, Role::Use);
                self.part(Part::Policy, relation, &name.text, name.span, Role::Define);
            }
            StatementKind::AlterPolicy { name, relation, .. } => {
                self.relation(relation, Role::Use);
                self.part(Part::Policy, relation, &name.text, name.span, Role::Use);
            }
            StatementKind::CreateStatistics { relation: Some(relation), .. } => self.relation(relation, Role::Use),
            StatementKind::CreateEnum { name, .. } | StatementKind::CreateRange { name } => {
                self.object(ObjectKind::Type, name, None, Role::Define);
            }
            StatementKind::AlterEnum(it) => self.object(ObjectKind::Type, &it.name, None, Role::Use),
            StatementKind::CreateComposite { name, attributes } => {
                self.object(ObjectKind::Type, name, None, Role::Define);
                for attribute in attributes {
                    self.column_def(name, attribute);
                }
            }
            StatementKind::Define { object, name } => self.object(*object, name, None, Role::Define),
            StatementKind::CreateDomain { name, base, constraints, .. } => {
                self.object(ObjectKind::Domain, name, None, Role::Define);
                self.ty(base);
                for constraint in constraints {
                    self.domain_constraint(name, constraint);
                }
            }
            StatementKind::AlterDomain { name, action } => {
                self.object(ObjectKind::Domain, name, None, Role::Use);
                match action {
                    DomainAction::AddConstraint(constraint) => self.domain_constraint(name, constraint),
                    DomainAction::DropConstraint { name: constraint, .. } => {
                        self.part(Part::Constraint, name, &constraint.text, constraint.span, Role::Drop);
                    }
                    DomainAction::ValidateConstraint { name: constraint } => {
                        self.part(Part::Constraint, name, &constraint.text, constraint.span, Role::Use);
                    }
                    DomainAction::SetDefault(_) | DomainAction::SetNotNull | DomainAction::DropNotNull => {}
                }
            }
            StatementKind::CreateFunction(it) => {
                self.function(&it.name, Role::Define);
                for ty in it.parameters.iter().chain(&it.returns) {
                    self.ty(ty);
                }
                if let Some(body) = it.body.as_ref().filter(|_| !it.atomic) {
                    self.body(body);
                }
            }
            StatementKind::AlterFunction { name, .. } => self.function(name, Role::Use),
            StatementKind::CreateSchema { elements, .. } => {
                for element in elements {
                    self.statement(Span::default(), element);
                }
            }
            StatementKind::Grant(it) if !it.all_in_schema => {
                for name in &it.names {
                    self.object(it.object, name, None, Role::Use);
                }
            }
            StatementKind::CreatePublication(publication) | StatementKind::AlterPublication { publication, .. } => {
                for (table, _) in &publication.tables {
                    self.relation(&table.name, Role::Use);
                }
            }
            StatementKind::Do(it) => self.body(&it.body),
            StatementKind::Call { name, .. } => self.function(name, Role::Use),
            _ => {}
        }
    }

    /// The relations of a statement whose text is no statement by itself, as a query in PL/pgSQL.
    fn facts(&mut self, kind: &StatementKind) {
        let (target, facts): (_, Option<&Query>) = match kind {
            StatementKind::Select(facts) => (None, Some(facts)),
            StatementKind::Insert(it) => (Some(&it.target), Some(&it.facts)),
            StatementKind::Update(it) => (Some(&it.target), Some(&it.facts)),
            StatementKind::Delete(it) => (Some(&it.target), Some(&it.facts)),
            StatementKind::Merge { target, facts } => (Some(target), Some(facts)),
            StatementKind::Copy(it) => (it.relation.as_ref(), it.query.as_ref()),
            _ => (None, None),
        };
        if let Some(target) = target {
            self.relation(&target.name, Role::Use);
        }
        if let StatementKind::Insert(it) = kind {
            self.columns(&it.target.name, &it.columns);
        }
        if let Some(facts) = facts {
            for read in &facts.reads {
                self.relation(&read.relation.name, Role::Use);
            }
            for write in &facts.writes {
                self.relation(&write.relation.name, Role::Use);
            }
            for function in &facts.functions {
                self.function(function, Role::Use);
            }
        }
    }

    fn body(&mut self, body: &Body) {
        // The text of a constant EXECUTE stands in quotes, and what it holds too: spans of both lead to the file.
        for statement in &body.statements {
            self.statement(statement.span, &statement.kind);
        }
    }

    fn alter_table(&mut self, it: &AlterTable) {
        let of = &it.relation.name;
        match it.object {
            ObjectKind::Type => self.object(ObjectKind::Type, of, None, Role::Use),
            _ => self.relation(of, Role::Use),
        }
        for subcommand in &it.subcommands {
            self.action(of, &subcommand.action);
        }
    }

    fn action(&mut self, of: &Name, action: &AlterAction) {
        match action {
            AlterAction::AddColumn { column, .. } => self.column_def(of, column),
            AlterAction::DropColumn { column, .. } => {
                self.part(Part::Column, of, &column.text, column.span, Role::Drop);
            }
            AlterAction::AlterType { column, ty, .. } => {
                self.columns(of, std::slice::from_ref(column));
                self.ty(ty);
            }
            AlterAction::SetDefault { column, .. }
            | AlterAction::DropDefault { column }
            | AlterAction::SetNotNull { column }
            | AlterAction::DropNotNull { column }
            | AlterAction::SetExpression { column, .. }
            | AlterAction::DropExpression { column, .. }
            | AlterAction::AddIdentity { column, .. }
            | AlterAction::SetIdentity { column, .. }
            | AlterAction::DropIdentity { column, .. }
            | AlterAction::SetStatistics { column: Some(column) }
            | AlterAction::SetColumnOptions { column, .. }
            | AlterAction::ResetColumnOptions { column, .. }
            | AlterAction::SetStorage { column, .. }
            | AlterAction::SetCompression { column, .. } => self.columns(of, std::slice::from_ref(column)),
            AlterAction::AddConstraint(constraint) => self.constraint(of, None, constraint),
            AlterAction::AlterConstraint { name, .. } | AlterAction::ValidateConstraint { name } => {
                self.part(Part::Constraint, of, &name.text, name.span, Role::Use);
            }
            AlterAction::DropConstraint { name, .. } => {
                self.part(Part::Constraint, of, &name.text, name.span, Role::Drop);
            }
            AlterAction::ClusterOn { index } | AlterAction::ReplicaIdentity { index: Some(index), .. } => {
                self.add(index.span, Role::Use, Thing::Relation(beside(of, index)));
            }
            AlterAction::EnableTrigger { name: Some(name), .. }
            | AlterAction::DisableTrigger { name: Some(name), .. } => {
                self.part(Part::Trigger, of, &name.text, name.span, Role::Use);
            }
            AlterAction::EnableRule { name } | AlterAction::DisableRule { name } => {
                self.part(Part::Rule, of, &name.text, name.span, Role::Use);
            }
            AlterAction::Inherit { parent: name }
            | AlterAction::NoInherit { parent: name }
            | AlterAction::AttachPartition { partition: name, .. }
            | AlterAction::DetachPartition { partition: name, .. } => self.relation(name, Role::Use),
            AlterAction::Of { ty } => self.ty(ty),
            _ => {}
        }
    }

    fn create_table(&mut self, it: &CreateTable) {
        self.relation(&it.name, Role::Define);
        for column in &it.columns {
            self.column_def(&it.name, column);
        }
        for constraint in &it.constraints {
            self.constraint(&it.name, None, constraint);
        }
        for relation in it.likes.iter().map(|like| &like.relation).chain(&it.inherits) {
            self.relation(relation, Role::Use);
        }
        if let Some(ty) = &it.of_type {
            self.ty(ty);
        }
        self.elements(&it.name, it.partition_by.iter().flat_map(|partition| &partition.keys));
    }

    fn create_index(&mut self, it: &CreateIndex) {
        let of = &it.relation.name;
        self.relation(of, Role::Use);
        self.elements(of, &it.elements);
        self.columns(of, &it.including);
        match (&it.name, it.elements.first(), it.elements.last()) {
            (Some(name), ..) => self.add(name.span, Role::Define, Thing::Relation(beside(of, name))),
            (None, Some(first), Some(last)) => {
                let columns = it.elements.iter().filter_map(|element| element.column.clone()).collect();
                let thing = Thing::Unnamed { clause: Clause::Index, of: of.clone(), columns };
                self.add(first.span.to(last.span), Role::Define, thing);
            }
            _ => {}
        }
    }

    fn create_trigger(&mut self, whole: Span, it: &CreateTrigger) {
        self.relation(&it.relation, Role::Use);
        self.part(Part::Trigger, &it.relation, &it.name.text, it.name.span, Role::Define);
        self.function(&it.function, Role::Use);
        if let Some(referenced) = &it.referenced {
            self.relation(referenced, Role::Use);
        }
        if !it.columns.is_empty() {
            for span in self.names_between(whole, "OF", "ON") {
                let name = lex::fold(span.slice(self.text));
                if it.columns.contains(&name) {
                    self.part(Part::Column, &it.relation, &name, span, Role::Use);
                }
            }
        }
    }

    fn domain_constraint(&mut self, of: &Name, constraint: &Constraint) {
        if let Some(name) = &constraint.name {
            self.part(Part::Constraint, of, &name.text, name.span, Role::Define);
        }
    }

    fn relations_with_columns(&mut self, relations: &[(RelationRef, Vec<Ident>)]) {
        for (relation, columns) in relations {
            self.relation(&relation.name, Role::Use);
            self.columns(&relation.name, columns);
        }
    }

    fn owned_by(&mut self, whole: Span, owned_by: Option<&(Name, String)>) {
        let Some((table, column)) = owned_by else { return };
        self.relation(table, Role::Use);
        let behind = Span { start: table.span.end, end: whole.end.max(table.span.end) };
        self.part(Part::Column, table, column, self.first(behind), Role::Use);
    }

    fn drop(&mut self, it: &Drop) {
        for dropped in &it.names {
            self.object(it.object, &dropped.name, dropped.relation.as_ref(), Role::Drop);
        }
    }

    fn rename(&mut self, whole: Span, it: &Rename) {
        // The new name is the one behind the last TO: `... RENAME a TO b [CASCADE]`.
        let names = self.names_in(whole);
        let to = names.iter().rposition(|span| span.slice(self.text).eq_ignore_ascii_case("TO"));
        let new = to.and_then(|to| names.get(to + 1)).copied().unwrap_or_default();
        let role = Role::Rename(it.new_name.clone());
        match (it.object, &it.relation) {
            (ObjectKind::Column | ObjectKind::Attribute, Some(of)) => {
                match it.relation_object {
                    ObjectKind::Type => self.object(ObjectKind::Type, of, None, Role::Use),
                    _ => self.relation(of, Role::Use),
                }
                self.part(Part::Column, of, &it.name.name, it.name.span, Role::Use);
                self.part(Part::Column, of, &it.name.name, new, role);
            }
            (object, Some(of)) if part_of(object).is_some() => {
                self.object(object, &it.name, Some(of), Role::Use);
                if let Some(part) = part_of(object) {
                    self.part(part, of, &it.name.name, new, role);
                }
            }
            (object, _) => {
                self.object(object, &it.name, None, Role::Use);
                self.object(object, &Name { span: new, ..it.name.clone() }, None, role);
            }
        }
    }

    /// A thing of a kind, with the relation it is a part of.
    fn object(&mut self, object: ObjectKind, name: &Name, of: Option<&Name>, role: Role) {
        match (object, of) {
            (ObjectKind::Column | ObjectKind::Attribute, Some(of)) => {
                self.relation(of, Role::Use);
                self.part(Part::Column, of, &name.name, self.last(name.span), role);
            }
            (ObjectKind::DomainConstraint, Some(of)) => {
                self.object(ObjectKind::Domain, of, None, Role::Use);
                self.part(Part::Constraint, of, &name.name, self.last(name.span), role);
            }
            (_, Some(of)) => {
                if let Some(part) = part_of(object) {
                    self.relation(of, Role::Use);
                    self.part(part, of, &name.name, self.last(name.span), role);
                }
            }
            (
                ObjectKind::Table
                | ObjectKind::Index
                | ObjectKind::View
                | ObjectKind::MaterializedView
                | ObjectKind::Sequence
                | ObjectKind::ForeignTable,
                None,
            ) => self.relation(name, role),
            (ObjectKind::Type | ObjectKind::Domain, None) => {
                self.add(self.last(name.span), role, Thing::Type(name.clone()));
            }
            (ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine | ObjectKind::Aggregate, None) => {
                self.function(name, role);
            }
            _ => {}
        }
    }
}

fn part_of(object: ObjectKind) -> Option<Part> {
    Some(match object {
        ObjectKind::TableConstraint => Part::Constraint,
        ObjectKind::Trigger => Part::Trigger,
        ObjectKind::Policy => Part::Policy,
        ObjectKind::Rule => Part::Rule,
        _ => return None,
    })
}

/// An index is in the schema of its table.
fn beside(of: &Name, index: &Ident) -> Name {
    Name { schema: of.schema.clone(), name: index.text.clone(), span: index.span }
}

#[cfg(test)]
mod tests;
