//! Owners, comments, privileges.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{CommentOn, Grant, Name, ObjectKind, SetOwner};

use super::drop::{is_kind, noun};
use super::reach::{find_name, lock_indexes};
use super::{Exec, Stop, dependents};
use crate::effect::{LockMode, OperationKind};
use crate::name::QName;
use crate::schema::RelationKind;

/// ALTER ... OWNER TO of anything that is not a relation locks none; relations come as ALTER TABLE.
pub(super) fn set_owner(exec: &mut Exec, it: &SetOwner, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    if is_relation(it.object)
        && let Some(name) = find_name(exec, &it.name)?
    {
        own(exec, &name, &it.role);
    }
    Ok(())
}

/// ACCESS EXCLUSIVE on the relation, its indexes and its sequences (ATExecChangeOwner, tablecmds.c).
fn own(exec: &mut Exec, name: &QName, role: &str) {
    exec.lock(name, LockMode::AccessExclusive);
    lock_indexes(exec, name, LockMode::AccessExclusive);
    for (sequence, _) in exec.schema.sequences_of(name) {
        exec.lock(&sequence, LockMode::AccessExclusive);
        exec.schema.edit(&sequence, |it| it.owner = Some(role.into()));
    }
    exec.schema.edit(name, |it| it.owner = Some(role.into()));
}

fn owned(exec: &Exec, roles: &[String]) -> Vec<QName> {
    let owned =
        |owner: &Option<Arc<str>>| owner.as_ref().is_some_and(|owner| roles.iter().any(|role| **role == **owner));
    exec.schema.relations.values().filter(|it| owned(&it.owner)).map(|it| it.name.clone()).collect()
}

pub(super) fn reassign_owned(exec: &mut Exec, from: &[String], span: Span) {
    exec.operation(OperationKind::Other, span, None);
    for name in owned(exec, from) {
        own(exec, &name, "");
        exec.schema.edit(&name, |it| it.owner = None);
    }
}

pub(super) fn drop_owned(exec: &mut Exec, roles: &[String], span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::DropObject, span, None);
    let names = owned(exec, roles);
    dependents::drop_relations(exec, names, true, span)
}

/// SHARE UPDATE EXCLUSIVE on a relation; ACCESS SHARE on the table of a constraint, trigger, rule or policy, which is locked
/// itself (CommentObject, comment.c; get_object_address, objectaddress.c).
pub(super) fn comment(exec: &mut Exec, it: &CommentOn, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    let text: Option<Arc<str>> = it.text.as_deref().filter(|text| !text.is_empty()).map(Arc::from);
    let label = it.name.name.as_str();
    match it.object {
        object if is_relation(object) => {
            let Some(name) = find_name(exec, &it.name)? else { return Ok(()) };
            if !is_kind(exec, &name, object) {
                return exec.refuse("42809", format!("\"{}\" is not a {}", name.name, noun(object)), it.name.span);
            }
            exec.lock(&name, LockMode::ShareUpdateExclusive);
            exec.schema.edit(&name, |it| it.comment = text.clone());
            exec.schema.edit_index(&name, |it| it.comment = text);
        }
        ObjectKind::Column => {
            let Some(relation) = &it.relation else { return Ok(()) };
            // Composite types have columns too.
            if exec.schema.types.contains_key(&exec.resolve_type(relation)) {
                return Ok(());
            }
            let Some(name) = find_name(exec, relation)? else { return Ok(()) };
            let known = exec.relation(&name);
            if !known.open && known.column(label).is_none() {
                let message = format!("column \"{label}\" of relation \"{}\" does not exist", name.name);
                return exec.refuse("42703", message, it.name.span);
            }
            exec.lock(&name, LockMode::ShareUpdateExclusive);
            exec.schema.edit(&name, |it| {
                it.columns.change(|it| *it.name == *label, |it| it.comment = text.clone());
            });
        }
        ObjectKind::TableConstraint | ObjectKind::Trigger | ObjectKind::Rule | ObjectKind::Policy => {
            let Some(relation) = &it.relation else { return Ok(()) };
            let Some(name) = find_name(exec, relation)? else { return Ok(()) };
            let known = exec.relation(&name);
            let (what, exists) = match it.object {
                ObjectKind::Trigger => ("trigger", known.triggers.iter().any(|it| *it.name == *label)),
                ObjectKind::Rule => ("rule", known.rules.iter().any(|it| *it.name == *label)),
                ObjectKind::Policy => ("policy", known.policies.iter().any(|it| *it.name == *label)),
                // Names of NOT NULL constraints are of 18.
                _ => ("constraint", known.constraint(label).is_some()),
            };
            if !exists && !known.open {
                let place = if what == "rule" { "relation" } else { "table" };
                let message = format!("{what} \"{label}\" for {place} \"{}\" does not exist", name.name);
                return exec.refuse("42704", message, it.name.span);
            }
            exec.lock(&name, LockMode::AccessShare);
            if it.object == ObjectKind::TableConstraint {
                exec.schema.edit(&name, |it| {
                    it.constraints.change(|it| *it.name == *label, |it| it.comment = text.clone());
                });
            }
        }
        _ => {}
    }
    Ok(())
}

pub(super) fn security_label(exec: &mut Exec, object: ObjectKind, name: &Name, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    if is_relation(object)
        && let Some(name) = find_name(exec, name)?
    {
        exec.lock(&name, LockMode::ShareUpdateExclusive);
    }
    Ok(())
}

/// Relations that are named are locked ACCESS SHARE since 18 (objectNamesToOids, aclchk.c); before, and for ALL ... IN SCHEMA,
/// none is.
pub(super) fn grant(exec: &mut Exec, it: &Grant, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    if it.all_in_schema || !is_relation(it.object) {
        return Ok(());
    }
    for name in &it.names {
        let Some(name) = find_name(exec, name)? else { continue };
        if exec.since(18) {
            exec.lock(&name, LockMode::AccessShare);
        }
    }
    Ok(())
}

fn is_relation(object: ObjectKind) -> bool {
    matches!(
        object,
        ObjectKind::Table
            | ObjectKind::View
            | ObjectKind::MaterializedView
            | ObjectKind::Sequence
            | ObjectKind::ForeignTable
            | ObjectKind::Index
    )
}

/// The lock of RENAME and SET SCHEMA on a relation, by what stands in the statement and what it is.
pub(super) fn is_index(exec: &Exec, name: &QName) -> bool {
    exec.schema.indexes.contains_key(name)
        || exec
            .schema
            .relations
            .get(name)
            .is_some_and(|it| matches!(it.kind, RelationKind::Index | RelationKind::PartitionedIndex))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TABLE t (id bigserial PRIMARY KEY); CREATE TABLE p (a int) PARTITION BY LIST (a)";

    #[test]
    fn words_and_rights() {
        let sql = "
COMMENT ON TABLE t IS 'x'; COMMENT ON COLUMN t.id IS 'x'; COMMENT ON COLUMN t.nope IS 'x'; COMMENT ON INDEX t_pkey IS 'x'; COMMENT ON CONSTRAINT t_pkey ON t IS 'x';
GRANT SELECT ON t TO someone; GRANT SELECT ON ALL TABLES IN SCHEMA public TO someone; GRANT SELECT ON nope TO someone; ALTER TABLE t OWNER TO someone; DROP OWNED BY someone";
        expect![[r#"
            COMMENT ON TABLE t IS 'x'
                t SHARE UPDATE EXCLUSIVE
            COMMENT ON COLUMN t.id IS 'x'
                t SHARE UPDATE EXCLUSIVE
            COMMENT ON COLUMN t.nope IS 'x'
                nothing | 42703: column "nope" of relation "t" does not exist
            COMMENT ON INDEX t_pkey IS 'x'
                t_pkey SHARE UPDATE EXCLUSIVE
            COMMENT ON CONSTRAINT t_pkey ON t IS 'x'
                t ACCESS SHARE
            GRANT SELECT ON t TO someone
                t ACCESS SHARE
            GRANT SELECT ON ALL TABLES IN SCHEMA public TO someone
                nothing
            GRANT SELECT ON nope TO someone
                nope ACCESS SHARE
            ALTER TABLE t OWNER TO someone
                t ACCESS EXCLUSIVE, t_id_seq ACCESS EXCLUSIVE, t_pkey ACCESS EXCLUSIVE | blocks t:RW t_id_seq:W
            DROP OWNED BY someone
                t ACCESS EXCLUSIVE, t_id_seq ACCESS EXCLUSIVE, t_pkey ACCESS EXCLUSIVE | blocks t:RW t_id_seq:W
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
