//! RENAME of everything, SET SCHEMA.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, ObjectKind};

use super::dependents::{in_schema, is_type};
use super::privileges::is_index;
use super::reach::{find_name, written};
use super::{Exec, Stop, routine};
use crate::effect::{Breaks, LockMode, OperationKind};
use crate::name::QName;
use crate::schema::{ColumnType, Constraint, ConstraintKind, RelationKind, TypeKind};

const LOCK: LockMode = LockMode::AccessExclusive;

pub(super) fn rename(exec: &mut Exec, it: &ast::Rename, span: Span) -> Result<(), Stop> {
    match it.object {
        ObjectKind::Table
        | ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::ForeignTable
        | ObjectKind::Index => relation(exec, it, span),
        ObjectKind::Column => column(exec, it, span),
        ObjectKind::TableConstraint => constraint(exec, it, span),
        ObjectKind::Trigger | ObjectKind::Rule | ObjectKind::Policy => on_table(exec, it, span),
        ObjectKind::Type | ObjectKind::Domain => {
            exec.operation(OperationKind::RenameObject, span, None);
            let from = exec.resolve_type(&it.name);
            let to = from.sibling(&it.new_name);
            if exec.schema.types.contains_key(&to) || exec.schema.relations.contains_key(&to) {
                return exec.refuse("42710", format!("type \"{}\" already exists", to.name), span);
            }
            move_type(exec, &from, &to);
            Ok(())
        }
        ObjectKind::Attribute | ObjectKind::DomainConstraint => {
            exec.operation(OperationKind::RenameObject, span, None);
            let owner = it.relation.as_ref().unwrap_or(&it.name);
            let owner = exec.resolve_type(owner);
            rename_part(exec, &owner, &it.name.name, &it.new_name);
            // With CASCADE the tables OF the type follow; without, the statement fails (renameatt_internal, tablecmds.c).
            let typed = exec.schema.relations.values().filter(|it| it.of_type.as_ref() == Some(&owner));
            for table in typed.map(|it| it.name.clone()).collect::<Vec<_>>() {
                if !it.cascade {
                    let message =
                        format!("cannot alter type \"{}\" because it is the type of a typed table", owner.name);
                    return exec.refuse("2BP01", message, span);
                }
                exec.lock(&table, LOCK);
                exec.schema.rename_column(&table, &it.name.name, &it.new_name);
            }
            Ok(())
        }
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine => {
            exec.operation(OperationKind::RenameObject, span, None);
            if let Some(from) = routine::find(exec, &it.name) {
                move_routine(exec, &from, &from.sibling(&it.new_name));
            }
            Ok(())
        }
        ObjectKind::Schema => {
            exec.operation(OperationKind::RenameObject, span, None);
            if exec.schema.schemas.contains_key(it.new_name.as_str()) || it.new_name == "public" {
                return exec.refuse("42P06", format!("schema \"{}\" already exists", it.new_name), span);
            }
            rename_schema(exec, &it.name.name, &it.new_name);
            Ok(())
        }
        ObjectKind::Statistics => {
            exec.operation(OperationKind::RenameObject, span, None);
            let from = exec.new_name(&it.name);
            if let Some(statistics) = exec.schema.statistics.remove(&from) {
                exec.schema.statistics.insert(from.sibling(&it.new_name), statistics);
            }
            Ok(())
        }
        ObjectKind::Publication => {
            exec.operation(OperationKind::RenameObject, span, None);
            if let Some(publication) = exec.schema.publications.remove(it.name.name.as_str()) {
                exec.schema.publications.insert(it.new_name.as_str().into(), publication);
            }
            Ok(())
        }
        _ => {
            exec.operation(OperationKind::RenameObject, span, None);
            Ok(())
        }
    }
}

/// ACCESS EXCLUSIVE; ALTER INDEX of an index SHARE UPDATE EXCLUSIVE (RenameRelation, tablecmds.c).
fn relation(exec: &mut Exec, it: &ast::Rename, span: Span) -> Result<(), Stop> {
    let old = it.relation.as_ref().unwrap_or(&it.name);
    let from = exec.resolve(old);
    if exec.is_missing(&from) {
        if it.if_exists {
            return Ok(());
        }
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(old)), old.span);
    }
    let to = from.sibling(&it.new_name);
    let index = is_index(exec, &from);
    // ALTER TABLE renames anything (RangeVarCallbackForAlterRelation, tablecmds.c).
    if let Some(found) = exec.schema.relations.get(&from).filter(|it| !it.open) {
        let wanted = match it.object {
            ObjectKind::View if found.kind != RelationKind::View => Some("a view"),
            ObjectKind::MaterializedView if found.kind != RelationKind::MaterializedView => Some("a materialized view"),
            ObjectKind::Sequence if found.kind != RelationKind::Sequence => Some("a sequence"),
            ObjectKind::ForeignTable if found.kind != RelationKind::ForeignTable => Some("a foreign table"),
            _ => None,
        };
        if let Some(wanted) = wanted {
            return exec.refuse("42809", format!("\"{}\" is not {wanted}", from.name), old.span);
        }
    }
    let kind = if index { OperationKind::RenameObject } else { OperationKind::RenameRelation };
    let about = exec.schema.indexes.get(&from).map_or(from.clone(), |index| index.table.clone());
    exec.operation(kind, span, Some(&about));
    // One that is only named may have gone before the migrations tell.
    if exec.schema.has_class(&to) && exec.schema.relations.get(&to).is_none_or(|it| !it.maybe && !it.open) {
        return exec.refuse("42P07", format!("relation \"{}\" already exists", to.name), span);
    }
    if !index && exec.schema.types.contains_key(&to) {
        return exec.refuse("42710", format!("type \"{}\" already exists", to.name), span);
    }
    if index {
        let lock = if it.object == ObjectKind::Index { LockMode::ShareUpdateExclusive } else { LOCK };
        exec.lock(&from, lock);
        exec.schema.rename_index(&from, &it.new_name);
        return Ok(());
    }
    if it.object == ObjectKind::Index && !exec.schema.relations.contains_key(&from) {
        exec.lock_unknown_index(&from, LockMode::ShareUpdateExclusive);
        return Ok(());
    }
    let possible = it.if_exists && exec.schema.relations.get(&from).is_none_or(|it| it.maybe);
    lock_perhaps(exec, &from, possible);
    let sequence = exec.relation(&from).kind == RelationKind::Sequence;
    if !sequence {
        exec.breaks.push(Breaks::RelationRenamed { from: from.clone(), to: to.clone() });
    }
    exec.change(&from);
    exec.schema.rename_relation(&from, &to);
    Ok(())
}

fn lock_perhaps(exec: &mut Exec, name: &QName, possible: bool) {
    if possible { exec.perhaps(|exec| exec.lock(name, LOCK)) } else { exec.lock(name, LOCK) }
}

/// ACCESS EXCLUSIVE on the relation and all below it (renameatt, tablecmds.c).
fn column(exec: &mut Exec, it: &ast::Rename, span: Span) -> Result<(), Stop> {
    let Some(written_table) = &it.relation else { return Ok(()) };
    let table = exec.resolve(written_table);
    if it.if_exists && exec.is_missing(&table) {
        return Ok(());
    }
    let Some(table) = find_name(exec, written_table)? else { return Ok(()) };
    exec.operation(OperationKind::RenameColumn, span, Some(&table));
    let (from, to) = (it.name.name.as_str(), it.new_name.as_str());
    let relation = exec.relation(&table);
    if relation.of_type.is_some() {
        return exec.refuse("42809", "cannot rename column of typed table".to_owned(), span);
    }
    if matches!(from, "ctid" | "xmin" | "xmax" | "cmin" | "cmax" | "tableoid") {
        return exec.refuse("0A000", format!("cannot rename system column \"{from}\""), it.name.span);
    }
    if !relation.open {
        let Some(column) = relation.column(from) else {
            return exec.refuse("42703", format!("column \"{from}\" does not exist"), it.name.span);
        };
        if column.inherited {
            return exec.refuse("42P16", format!("cannot rename inherited column \"{from}\""), it.name.span);
        }
        if relation.column(to).is_some() {
            let message = format!("column \"{to}\" of relation \"{}\" already exists", table.name);
            return exec.refuse("42701", message, span);
        }
    }
    if it.only && !relation.children.is_empty() {
        let message = format!("inherited column \"{from}\" must be renamed in child tables too");
        return exec.refuse("42P16", message, it.name.span);
    }
    let possible = it.if_exists && exec.schema.relations.get(&table).is_none_or(|it| it.maybe);
    let mut tables = exec.schema.descendants(&table);
    tables.insert(0, table.clone());
    for table in &tables {
        lock_perhaps(exec, table, possible);
        exec.breaks.push(Breaks::ColumnRenamed { relation: table.clone(), from: from.to_owned(), to: to.to_owned() });
        exec.schema.rename_column(table, from, to);
    }
    Ok(())
}

/// ACCESS EXCLUSIVE on the table, and below it for the kinds that are inherited; the index of the constraint is renamed
/// under SHARE UPDATE EXCLUSIVE (rename_constraint_internal, tablecmds.c).
fn constraint(exec: &mut Exec, it: &ast::Rename, span: Span) -> Result<(), Stop> {
    let Some(written_table) = &it.relation else { return Ok(()) };
    let table = exec.resolve(written_table);
    if it.if_exists && exec.is_missing(&table) {
        return Ok(());
    }
    let Some(table) = find_name(exec, written_table)? else { return Ok(()) };
    exec.operation(OperationKind::RenameObject, span, Some(&table));
    let relation = exec.relation(&table);
    let from = it.name.name.as_str();
    let known = relation.constraint(from).cloned();
    // NOT NULL constraints have names since 18.
    let named = |kind: &ConstraintKind, exec: &Exec| !matches!(kind, ConstraintKind::NotNull { .. }) || exec.since(18);
    let Some(constraint) = known.filter(|it| named(&it.kind, exec)) else {
        exec.lock(&table, LOCK);
        if relation.open {
            return Ok(());
        }
        let message = format!("constraint \"{from}\" for table \"{}\" does not exist", table.name);
        return exec.refuse("42704", message, it.name.span);
    };
    if constraint.inherited && matches!(constraint.kind, ConstraintKind::Check { .. } | ConstraintKind::NotNull { .. })
    {
        return exec.refuse("42P16", format!("cannot rename inherited constraint \"{from}\""), it.name.span);
    }
    if relation.constraint(&it.new_name).is_some() {
        let message = format!("constraint \"{}\" for relation \"{}\" already exists", it.new_name, table.name);
        return exec.refuse("42710", message, span);
    }
    exec.lock(&table, LOCK);
    let mut tables = vec![table.clone()];
    let spreads = matches!(constraint.kind, ConstraintKind::Check { .. } | ConstraintKind::NotNull { .. });
    if spreads && !constraint.no_inherit {
        if it.only && !relation.children.is_empty() {
            let message = format!("inherited constraint \"{from}\" must be renamed in child tables too");
            return exec.refuse("42P16", message, it.name.span);
        }
        tables.extend(exec.schema.descendants(&table));
    }
    for table in &tables {
        exec.lock(table, LOCK);
    }
    let index = table.sibling(from);
    if exec.schema.indexes.get(&index).is_some_and(|it| it.table == table) {
        exec.lock(&index, LockMode::ShareUpdateExclusive);
        exec.schema.rename_index(&index, &it.new_name);
        return Ok(());
    }
    for table in &tables {
        exec.schema.edit(table, |relation| {
            let which = |it: &Constraint| *it.name == *from;
            relation.constraints.change(which, |constraint| {
                constraint.name = it.new_name.as_str().into();
                constraint.generated_name = false;
            });
        });
        exec.schema.note_relation(table);
    }
    Ok(())
}

/// ACCESS EXCLUSIVE on the table; a trigger is renamed on the partitions too since 15 (renametrig, trigger.c).
fn on_table(exec: &mut Exec, it: &ast::Rename, span: Span) -> Result<(), Stop> {
    let Some(written_table) = &it.relation else { return Ok(()) };
    let Some(table) = find_name(exec, written_table)? else { return Ok(()) };
    exec.operation(OperationKind::RenameObject, span, Some(&table));
    let (from, to): (&str, Arc<str>) = (&it.name.name, it.new_name.as_str().into());
    let relation = exec.relation(&table);
    let exists = match it.object {
        ObjectKind::Trigger => relation.triggers.iter().any(|trigger| *trigger.name == *from),
        ObjectKind::Rule => relation.rules.iter().any(|rule| *rule.name == *from),
        _ => relation.policies.iter().any(|policy| *policy.name == *from),
    };
    if !exists && !relation.open && !it.if_exists {
        let message = match it.object {
            ObjectKind::Trigger => format!("trigger \"{from}\" for table \"{}\" does not exist", table.name),
            ObjectKind::Rule => format!("rule \"{from}\" for relation \"{}\" does not exist", table.name),
            _ => format!("policy \"{from}\" for table \"{}\" does not exist", table.name),
        };
        return exec.refuse("42704", message, it.name.span);
    }
    if it.object == ObjectKind::Policy && relation.policies.iter().any(|policy| policy.name == to) {
        return exec.refuse("42710", format!("policy \"{to}\" for table \"{}\" already exists", table.name), span);
    }
    let mut tables = vec![table.clone()];
    let partitioned = relation.kind == RelationKind::PartitionedTable;
    if it.object == ObjectKind::Trigger && partitioned && exec.since(15) {
        tables.extend(exec.schema.descendants(&table));
    }
    for table in &tables {
        exec.lock(table, LOCK);
        exec.schema.edit(table, |relation| match it.object {
            ObjectKind::Trigger => {
                relation.triggers.change(|it| *it.name == *from, |it| it.name = to.clone());
            }
            ObjectKind::Rule => {
                relation.rules.iter_mut().filter(|it| *it.name == *from).for_each(|it| it.name = to.clone())
            }
            _ => relation.policies.change(|it| *it.name == *from, |it| it.name = to.clone()),
        });
    }
    Ok(())
}

/// ACCESS EXCLUSIVE on a relation and the sequences it owns (AlterTableNamespace, tablecmds.c); no lock for other objects.
pub(super) fn set_schema(exec: &mut Exec, it: &ast::SetSchema, span: Span) -> Result<(), Stop> {
    let moved = |name: &QName| QName::new(&it.schema, &name.name);
    match it.object {
        ObjectKind::Table
        | ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::ForeignTable => {}
        ObjectKind::Type | ObjectKind::Domain => {
            exec.operation(OperationKind::SetSchema, span, None);
            let from = exec.resolve_type(&it.name);
            move_type(exec, &from, &moved(&from));
            return Ok(());
        }
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine => {
            exec.operation(OperationKind::SetSchema, span, None);
            if let Some(from) = routine::find(exec, &it.name) {
                move_routine(exec, &from, &moved(&from));
            }
            return Ok(());
        }
        _ => {
            exec.operation(OperationKind::SetSchema, span, None);
            return Ok(());
        }
    }
    let from = exec.resolve(&it.name);
    if exec.is_missing(&from) {
        if it.if_exists {
            return Ok(());
        }
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(&it.name)), it.name.span);
    }
    let to = moved(&from);
    exec.operation(OperationKind::SetSchema, span, Some(&from));
    let relation = exec.relation(&from);
    if relation.kind == RelationKind::Sequence && relation.owned_by.is_some() {
        return exec.refuse("0A000", "cannot move an owned sequence into another schema".to_owned(), it.name.span);
    }
    if from == to {
        exec.lock(&from, LOCK);
        for (sequence, _) in exec.schema.sequences_of(&from) {
            exec.lock(&sequence, LOCK);
        }
        return Ok(());
    }
    if exec.schema.has_class(&to) && exec.schema.relations.get(&to).is_none_or(|it| !it.maybe && !it.open) {
        let message = format!("relation \"{}\" already exists in schema \"{}\"", to.name, to.schema);
        return exec.refuse("42P07", message, it.name.span);
    }
    let possible = it.if_exists && exec.schema.relations.get(&from).is_none_or(|it| it.maybe);
    lock_perhaps(exec, &from, possible);
    let sequences = exec.schema.sequences_of(&from);
    for (sequence, _) in &sequences {
        lock_perhaps(exec, sequence, possible);
    }
    exec.breaks.push(Breaks::RelationRenamed { from: from.clone(), to: to.clone() });
    exec.change(&from);
    exec.schema.rename_relation(&from, &to);
    for (sequence, _) in sequences {
        exec.schema.rename_relation(&sequence, &moved(&sequence));
    }
    Ok(())
}

/// No relation is locked and none can be waited for; every query that names the schema fails from then on.
fn rename_schema(exec: &mut Exec, from: &str, to: &str) {
    let moved = |name: &QName| QName::new(to, &name.name);
    for name in in_schema(&exec.schema.relations, from).collect::<Vec<_>>() {
        exec.breaks.push(Breaks::RelationRenamed { from: name.clone(), to: moved(&name) });
        exec.schema.rename_relation(&name, &moved(&name));
    }
    for name in in_schema(&exec.schema.types, from).collect::<Vec<_>>() {
        move_type(exec, &name, &moved(&name));
    }
    for name in in_schema(&exec.schema.functions, from).collect::<Vec<_>>() {
        move_routine(exec, &name, &moved(&name));
    }
    if exec.schema.schemas.remove(from).is_some() {
        exec.schema.schemas.insert(to.into(), ());
    }
}

fn move_type(exec: &mut Exec, from: &QName, to: &QName) {
    let Some(ty) = exec.schema.types.remove(from) else { return };
    let mut ty = Arc::unwrap_or_clone(ty);
    ty.name = to.clone();
    exec.schema.types.insert(to.clone(), Arc::new(ty));
    let renamed = |ty: &mut ast::TypeName| {
        if is_type(&ColumnType::Known(ty.clone()), from) {
            ty.name = to.name.to_string();
            if ty.schema.is_some() || from.schema != to.schema {
                ty.schema = Some(to.schema.to_string());
            }
        }
    };
    let uses = |ty: &ColumnType| is_type(ty, from);
    let users = exec.schema.relations.values();
    let users =
        users.filter(|it| it.of_type.as_ref() == Some(from) || it.columns.iter().any(|column| uses(&column.ty)));
    for user in users.map(|it| it.name.clone()).collect::<Vec<_>>() {
        exec.schema.edit(&user, |relation| {
            if relation.of_type.as_ref() == Some(from) {
                relation.of_type = Some(to.clone());
            }
            relation.columns.change_all(|column| {
                if let ColumnType::Known(ty) = &mut column.ty {
                    renamed(ty);
                }
            });
        });
    }
    for name in exec.schema.types.keys().cloned().collect::<Vec<_>>() {
        let Some(ty) = exec.schema.types.get(&name) else { continue };
        let mut changed = (**ty).clone();
        match &mut changed.kind {
            TypeKind::Domain { base, .. } => renamed(base),
            TypeKind::Composite { attributes } => attributes.iter_mut().for_each(|(_, ty)| renamed(ty)),
            TypeKind::Enum { .. } | TypeKind::Range | TypeKind::Other => continue,
        }
        if changed != **ty {
            exec.schema.types.insert(name, Arc::new(changed));
        }
    }
}

fn rename_part(exec: &mut Exec, owner: &QName, from: &str, to: &str) {
    let Some(ty) = exec.schema.types.get_mut(owner) else { return };
    let names: Vec<&mut Arc<str>> = match &mut Arc::make_mut(ty).kind {
        TypeKind::Composite { attributes } => attributes.iter_mut().map(|(name, _)| name).collect(),
        TypeKind::Domain { constraints, .. } => constraints.iter_mut().map(|(name, ..)| name).collect(),
        TypeKind::Enum { .. } | TypeKind::Range | TypeKind::Other => Vec::new(),
    };
    names.into_iter().filter(|name| ***name == *from).for_each(|name| *name = to.into());
}

fn move_routine(exec: &mut Exec, from: &QName, to: &QName) {
    let Some(functions) = exec.schema.functions.remove(from) else { return };
    exec.schema.functions.insert(to.clone(), functions);
    let users = exec.schema.relations.values();
    let users = users.filter(|it| it.triggers.iter().any(|trigger| trigger.function == *from));
    for user in users.map(|it| it.name.clone()).collect::<Vec<_>>() {
        exec.schema.edit(&user, |relation| {
            relation.triggers.change(|trigger| trigger.function == *from, |trigger| trigger.function = to.clone());
        });
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TABLE users (id bigserial PRIMARY KEY, name text, CONSTRAINT named CHECK (name <> '')); CREATE INDEX users_name ON users (name); CREATE VIEW v AS SELECT name FROM users;
CREATE TABLE orders (id int, user_id bigint REFERENCES users); CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE SCHEMA app";

    #[test]
    fn renaming() {
        let sql = "
ALTER TABLE users RENAME COLUMN name TO title; ALTER TABLE users RENAME COLUMN nope TO x; ALTER TABLE users RENAME COLUMN id TO title; ALTER TABLE p RENAME COLUMN a TO b;
ALTER TABLE users RENAME CONSTRAINT named TO titled; ALTER TABLE users RENAME CONSTRAINT users_pkey TO users_key; ALTER INDEX users_name RENAME TO users_title; ALTER TABLE users_title RENAME TO i;
ALTER TABLE users RENAME TO people; ALTER TABLE users RENAME TO x; ALTER TABLE people RENAME TO orders; ALTER TABLE IF EXISTS nope RENAME TO x; ALTER SCHEMA public RENAME TO pub";
        expect![[r#"
            ALTER TABLE users RENAME COLUMN name TO title
                users ACCESS EXCLUSIVE | blocks orders:W users:RW v:R
            ALTER TABLE users RENAME COLUMN nope TO x
                nothing | 42703: column "nope" does not exist
            ALTER TABLE users RENAME COLUMN id TO title
                nothing | 42701: column "title" of relation "users" already exists
            ALTER TABLE p RENAME COLUMN a TO b
                p ACCESS EXCLUSIVE, p1 ACCESS EXCLUSIVE | blocks p:RW p1:RW
            ALTER TABLE users RENAME CONSTRAINT named TO titled
                users ACCESS EXCLUSIVE | blocks orders:W users:RW v:R
            ALTER TABLE users RENAME CONSTRAINT users_pkey TO users_key
                users ACCESS EXCLUSIVE, users_pkey SHARE UPDATE EXCLUSIVE | blocks orders:W users:RW v:R
            ALTER INDEX users_name RENAME TO users_title
                users_name SHARE UPDATE EXCLUSIVE
            ALTER TABLE users_title RENAME TO i
                users_title ACCESS EXCLUSIVE | blocks orders:W users:RW v:R
            ALTER TABLE users RENAME TO people
                users ACCESS EXCLUSIVE | blocks orders:W users:RW v:R
            ALTER TABLE users RENAME TO x
                users ACCESS EXCLUSIVE | blocks users:RW
            ALTER TABLE people RENAME TO orders
                nothing | 42P07: relation "orders" already exists
            ALTER TABLE IF EXISTS nope RENAME TO x
                nope ACCESS EXCLUSIVE? | blocks nope:RW
            ALTER SCHEMA public RENAME TO pub
                nothing
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn moving() {
        let sql = "
ALTER TABLE users SET SCHEMA app; INSERT INTO app.users (name) VALUES ('x'); ALTER SEQUENCE app.users_id_seq SET SCHEMA public; ALTER TABLE nope SET SCHEMA app";
        expect![[r#"
            ALTER TABLE users SET SCHEMA app
                users ACCESS EXCLUSIVE, users_id_seq ACCESS EXCLUSIVE | blocks orders:W users:RW users_id_seq:W v:R
            INSERT INTO app.users (name) VALUES ('x')
                app.users ROW EXCLUSIVE+rows, app.users_id_seq ROW EXCLUSIVE
            ALTER SEQUENCE app.users_id_seq SET SCHEMA public
                nothing | 0A000: cannot move an owned sequence into another schema
            ALTER TABLE nope SET SCHEMA app
                nope ACCESS EXCLUSIVE | blocks nope:RW
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
