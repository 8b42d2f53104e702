//! What statements make, change and remove, as far as a Down section and the steps it undoes can be compared by it.

use Act::{Changes, Makes, Removes};
use syntax::ast::{AlterAction, Constraint, ConstraintKind, DomainAction, EnumAction, ObjectKind, StatementKind};

/// Something that a statement deals with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Thing {
    pub act: Act,
    pub kind: &'static str,
    /// The relation it is on, without schema.
    pub on: Option<String>,
    /// Without schema; empty is any of the kind.
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Makes,
    Removes,
    Changes,
}

/// A relation that a statement has to do with, and no thing of its own.
pub(super) const NEAR: &str = "near";

impl Thing {
    /// The same thing, whatever is done to it.
    pub fn meets(&self, other: &Self) -> bool {
        let on = match (&self.on, &other.on) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        let name = self.name == other.name || self.name.is_empty() || other.name.is_empty();
        self.kind == other.kind && self.kind != NEAR && on && name
    }

    /// This takes back what the other does.
    pub fn undoes(&self, other: &Self) -> bool {
        let opposite = matches!((self.act, other.act), (Makes, Removes) | (Removes, Makes) | (Changes, Changes));
        opposite && self.meets(other)
    }

    pub fn relation(&self) -> Option<&str> {
        match (&self.on, self.kind) {
            (Some(on), _) => Some(on),
            (None, "relation") => Some(&self.name),
            (None, _) => None,
        }
    }
}

fn thing(act: Act, kind: &'static str, name: &str) -> Thing {
    Thing { act, kind, on: None, name: name.to_owned() }
}

/// What CREATE makes, and OR REPLACE may only change.
fn made(kind: &'static str, relation: Option<&str>, name: &str, replace: bool) -> Vec<Thing> {
    let thing = |act| Thing { act, kind, on: relation.map(str::to_owned), name: name.to_owned() };
    if replace { vec![thing(Makes), thing(Changes)] } else { vec![thing(Makes)] }
}

fn on(act: Act, kind: &'static str, relation: &str, name: &str) -> Thing {
    Thing { act, kind, on: Some(relation.to_owned()), name: name.to_owned() }
}

pub(super) fn object(act: Act, kind: ObjectKind, relation: Option<&str>, name: &str) -> Option<Thing> {
    let class = match kind {
        ObjectKind::Table
        | ObjectKind::Index
        | ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::ForeignTable => "relation",
        ObjectKind::Type | ObjectKind::Domain => "type",
        ObjectKind::Column | ObjectKind::Attribute => "column",
        ObjectKind::TableConstraint | ObjectKind::DomainConstraint => "constraint",
        ObjectKind::Trigger => "trigger",
        ObjectKind::Rule => "rule",
        ObjectKind::Policy => "policy",
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine | ObjectKind::Aggregate => "routine",
        ObjectKind::Schema => "schema",
        ObjectKind::Extension => "extension",
        ObjectKind::Statistics => "statistics",
        ObjectKind::Publication => "publication",
        ObjectKind::Subscription => "subscription",
        ObjectKind::EventTrigger => "event trigger",
        ObjectKind::Collation => "collation",
        ObjectKind::Role => "role",
        ObjectKind::Database => "database",
        ObjectKind::Tablespace => "tablespace",
        ObjectKind::Other => return None,
    };
    Some(Thing { act, kind: class, on: relation.map(str::to_owned), name: name.to_owned() })
}

/// What a statement makes, changes or removes; `None` when that is not known.
pub(super) fn things(kind: &StatementKind) -> Option<Vec<Thing>> {
    let one = |thing: Thing| Some(vec![thing]);
    match kind {
        StatementKind::AlterTable(it) => {
            let relation = &it.relation.name.name;
            Some(it.subcommands.iter().flat_map(|subcommand| action_things(relation, &subcommand.action)).collect())
        }
        StatementKind::CreateTable(it) => one(thing(Makes, "relation", &it.name.name)),
        StatementKind::CreateTableAs(it) => one(thing(Makes, "relation", &it.name.name)),
        StatementKind::CreateIndex(it) => {
            let named = it.name.iter().map(|name| thing(Makes, "relation", &name.text));
            Some(named.chain([on(Changes, NEAR, &it.relation.name.name, "")]).collect())
        }
        StatementKind::CreateView(it) => Some(made("relation", None, &it.name.name, it.replace)),
        StatementKind::CreateSequence(it) => one(thing(Makes, "relation", &it.name.name)),
        StatementKind::AlterSequence(it) => one(on(Changes, "sequence", &it.name.name, "")),
        StatementKind::RefreshMaterializedView { .. } | StatementKind::Analyze { .. } | StatementKind::Vacuum(_) => {
            Some(Vec::new())
        }
        StatementKind::Truncate { relations, .. } => {
            Some(relations.iter().map(|relation| on(Changes, "rows", &relation.name.name, "")).collect())
        }
        StatementKind::Drop(it) => it
            .names
            .iter()
            .map(|name| object(Removes, it.object, name.relation.as_ref().map(|it| it.name.as_str()), &name.name.name))
            .collect(),
        StatementKind::Rename(it) => {
            let relation = it.relation.as_ref().map(|relation| relation.name.as_str());
            let on = if it.object == it.relation_object { None } else { relation };
            Some(vec![object(Removes, it.object, on, &it.name.name)?, object(Makes, it.object, on, &it.new_name)?])
        }
        StatementKind::SetSchema(it) => {
            one(Thing { kind: "schema of", ..object(Changes, it.object, None, &it.name.name)? })
        }
        StatementKind::SetOwner(it) => one(thing(Changes, "owner", &it.name.name)),
        StatementKind::Comment(it) => one(Thing {
            act: Changes,
            kind: "comment",
            on: it.relation.as_ref().map(|relation| relation.name.clone()),
            name: it.name.name.clone(),
        }),
        StatementKind::Grant(it) => {
            Some(it.names.iter().map(|name| thing(Changes, "privileges", &name.name)).collect())
        }
        StatementKind::CreateTrigger(it) => Some(made("trigger", Some(&it.relation.name), &it.name.text, it.replace)),
        StatementKind::CreateRule { name, relation, replace, .. } => {
            Some(made("rule", Some(&relation.name), &name.text, *replace))
        }
        StatementKind::CreatePolicy { name, relation, .. } => one(on(Makes, "policy", &relation.name, &name.text)),
        StatementKind::AlterPolicy { name, relation, .. } => one(on(Changes, "policy", &relation.name, &name.text)),
        StatementKind::CreateStatistics { name, .. } => one(thing(Makes, "statistics", &name.as_ref()?.name)),
        StatementKind::CreateEnum { name, .. }
        | StatementKind::CreateComposite { name, .. }
        | StatementKind::CreateRange { name }
        | StatementKind::CreateDomain { name, .. } => one(thing(Makes, "type", &name.name)),
        StatementKind::AlterEnum(it) => Some(match &it.action {
            EnumAction::AddValue { value, .. } => vec![on(Makes, "enum value", &it.name.name, value)],
            EnumAction::DropValue { value } => vec![on(Removes, "enum value", &it.name.name, value)],
            EnumAction::RenameValue { from, to } => {
                vec![on(Removes, "enum value", &it.name.name, from), on(Makes, "enum value", &it.name.name, to)]
            }
        }),
        StatementKind::AlterDomain { name, action } => Some(match action {
            DomainAction::SetDefault(_) => vec![on(Changes, "default", &name.name, "")],
            DomainAction::SetNotNull | DomainAction::DropNotNull => vec![on(Changes, "not null", &name.name, "")],
            DomainAction::AddConstraint(it) => {
                vec![on(Makes, "constraint", &name.name, it.name.as_ref().map_or("", |it| &it.text))]
            }
            DomainAction::DropConstraint { name: constraint, .. } => {
                vec![on(Removes, "constraint", &name.name, &constraint.text)]
            }
            DomainAction::ValidateConstraint { .. } => Vec::new(),
        }),
        StatementKind::CreateFunction(it) => Some(made("routine", None, &it.name.name, it.replace)),
        StatementKind::AlterFunction { name, .. } => one(thing(Changes, "routine", &name.name)),
        StatementKind::CreateSchema { name, elements, .. } if elements.is_empty() => {
            one(thing(Makes, "schema", name.as_ref()?))
        }
        StatementKind::CreateExtension { name, .. } => one(thing(Makes, "extension", name)),
        StatementKind::AlterExtension { name } => one(thing(Changes, "extension", name)),
        StatementKind::CreatePublication(it) => one(thing(Makes, "publication", &it.name)),
        StatementKind::AlterPublication { publication, .. } => one(thing(Changes, "publication", &publication.name)),
        StatementKind::Reindex(_) | StatementKind::LockTable { .. } | StatementKind::SetConstraints { .. } => {
            Some(Vec::new())
        }
        StatementKind::Insert(it) => one(on(Changes, "rows", &it.target.name.name, "")),
        StatementKind::Update(it) => one(on(Changes, "rows", &it.target.name.name, "")),
        StatementKind::Delete(it) => one(on(Changes, "rows", &it.target.name.name, "")),
        StatementKind::Merge { target, .. } => one(on(Changes, "rows", &target.name.name, "")),
        StatementKind::Copy(it) => one(on(Changes, "rows", &it.relation.as_ref()?.name.name, "")),
        StatementKind::Select(query) if query.functions.is_empty() && query.writes.is_empty() => Some(Vec::new()),
        _ => None,
    }
}

/// What one subcommand of an ALTER TABLE does.
pub(super) fn action_things(relation: &str, action: &AlterAction) -> Vec<Thing> {
    let one = |act, kind, name: &str| vec![on(act, kind, relation, name)];
    match action {
        AlterAction::AddColumn { column, .. } => {
            let named = column.constraints.iter().filter_map(|constraint| constraint.name.as_ref());
            let constraints = named.map(|name| on(Makes, "constraint", relation, &name.text));
            std::iter::once(on(Makes, "column", relation, &column.name.text)).chain(constraints).collect()
        }
        AlterAction::DropColumn { column, .. } => one(Removes, "column", &column.text),
        AlterAction::SetDefault { column, .. } | AlterAction::DropDefault { column } => {
            one(Changes, "default", &column.text)
        }
        AlterAction::SetNotNull { column } | AlterAction::DropNotNull { column } => {
            one(Changes, "not null", &column.text)
        }
        AlterAction::AlterType { column, .. } => one(Changes, "type of", &column.text),
        AlterAction::SetExpression { column, .. } | AlterAction::DropExpression { column, .. } => {
            one(Changes, "expression", &column.text)
        }
        AlterAction::AddIdentity { column, .. }
        | AlterAction::SetIdentity { column, .. }
        | AlterAction::DropIdentity { column, .. } => one(Changes, "identity", &column.text),
        AlterAction::SetStatistics { column } => {
            one(Changes, "statistics of", column.as_ref().map_or("", |it| &it.text))
        }
        AlterAction::SetColumnOptions { column, .. } | AlterAction::ResetColumnOptions { column, .. } => {
            one(Changes, "options of", &column.text)
        }
        AlterAction::SetStorage { column, .. } => one(Changes, "storage of", &column.text),
        AlterAction::SetCompression { column, .. } => one(Changes, "compression of", &column.text),
        AlterAction::AddConstraint(constraint) => constraint_things(relation, constraint),
        AlterAction::AlterConstraint { name, .. } => one(Changes, "constraint", &name.text),
        AlterAction::DropConstraint { name, .. } => one(Removes, "constraint", &name.text),
        AlterAction::ValidateConstraint { .. } => Vec::new(),
        AlterAction::Owner { .. } => vec![thing(Changes, "owner", relation)],
        AlterAction::ClusterOn { .. } | AlterAction::SetWithoutCluster => one(Changes, "cluster", ""),
        AlterAction::SetLogged | AlterAction::SetUnlogged => one(Changes, "logged", ""),
        AlterAction::SetAccessMethod { .. } => one(Changes, "access method", ""),
        AlterAction::SetTablespace { .. } => one(Changes, "tablespace of", ""),
        AlterAction::SetOptions { .. } | AlterAction::ResetOptions { .. } | AlterAction::GenericOptions => {
            one(Changes, "options", "")
        }
        AlterAction::Inherit { parent } => one(Makes, "parent", &parent.name),
        AlterAction::NoInherit { parent } => one(Removes, "parent", &parent.name),
        AlterAction::Of { .. } | AlterAction::NotOf => one(Changes, "of type", ""),
        AlterAction::ReplicaIdentity { .. } => one(Changes, "replica identity", ""),
        AlterAction::RowSecurity { .. } => one(Changes, "row security", ""),
        AlterAction::ForceRowSecurity { .. } => one(Changes, "forced row security", ""),
        AlterAction::EnableTrigger { name, .. } | AlterAction::DisableTrigger { name, .. } => {
            one(Changes, "firing of", name.as_ref().map_or("", |name| &name.text))
        }
        AlterAction::EnableRule { name } | AlterAction::DisableRule { name } => {
            one(Changes, "rule firing of", &name.text)
        }
        AlterAction::AttachPartition { partition, .. } => one(Makes, "partition", &partition.name),
        AlterAction::DetachPartition { partition, .. } => one(Removes, "partition", &partition.name),
        AlterAction::SetWithoutOids => Vec::new(),
    }
}

fn constraint_things(relation: &str, constraint: &Constraint) -> Vec<Thing> {
    let name = constraint.name.as_ref().map_or("", |name| name.text.as_str());
    let mut things = vec![on(Makes, "constraint", relation, name)];
    match &constraint.kind {
        ConstraintKind::NotNull { column: Some(column) } => {
            things.push(on(Changes, "not null", relation, &column.text))
        }
        // The index takes the name of the constraint, so its own name is free.
        ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) => {
            things.extend(key.using_index.iter().map(|index| thing(Removes, "relation", &index.text)));
        }
        _ => {}
    }
    things
}
