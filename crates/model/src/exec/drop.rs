//! DROP of any object, with what CASCADE takes along.

use syntax::Span;
use syntax::ast::{self, Name, ObjectKind};

use super::reach::written;
use super::{Exec, Stop, dependents, uses};
use crate::effect::{Breaks, FailsWhen, LockMode, OperationKind, WaitsFor};
use crate::name::QName;
use crate::schema::{Relation, RelationKind, TypeKind};

pub(super) fn drop_objects(exec: &mut Exec, it: &ast::Drop, span: Span) {
    let _ = match it.object {
        ObjectKind::Table
        | ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::ForeignTable => drop_relations(exec, it, span),
        ObjectKind::Index => drop_indexes(exec, it, span),
        ObjectKind::Trigger | ObjectKind::Rule | ObjectKind::Policy => drop_on_table(exec, it, span),
        ObjectKind::Type | ObjectKind::Domain => drop_types(exec, it, span),
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine | ObjectKind::Aggregate => {
            drop_routines(exec, it, span)
        }
        ObjectKind::Schema => drop_schemas(exec, it, span),
        ObjectKind::Extension => drop_extensions(exec, it, span),
        ObjectKind::Statistics => drop_statistics(exec, it, span),
        ObjectKind::Collation => {
            exec.operation(OperationKind::DropObject, span, None);
            it.names
                .iter()
                .try_for_each(|entry| uses::drop_collation(exec, &entry.name.name, it.cascade, entry.name.span))
        }
        _ => {
            exec.operation(OperationKind::DropObject, span, None);
            if it.object == ObjectKind::Publication {
                for name in &it.names {
                    exec.schema.publications.remove(name.name.name.as_str());
                }
            }
            Ok(())
        }
    };
}

/// Whether a named thing is there, as DROP sees it.
enum Presence {
    There,
    Maybe,
    Absent,
}

fn presence(exec: &Exec, name: &QName) -> Presence {
    match exec.schema.relations.get(name) {
        Some(relation) if relation.maybe => Presence::Maybe,
        Some(_) => Presence::There,
        None => match exec.schema.indexes.get(name) {
            Some(index) if index.maybe => Presence::Maybe,
            Some(_) => Presence::There,
            None if exec.is_missing(name) => Presence::Absent,
            None => Presence::Maybe,
        },
    }
}

/// ACCESS EXCLUSIVE on each relation, on the parent of a partition, and on all that goes with them (RemoveRelations,
/// tablecmds.c; AcquireDeletionLock, dependency.c).
fn drop_relations(exec: &mut Exec, it: &ast::Drop, span: Span) -> Result<(), Stop> {
    let noun = noun(it.object);
    let mut certain = Vec::new();
    let mut possible = Vec::new();
    for entry in &it.names {
        let name = exec.resolve(&entry.name);
        match presence(exec, &name) {
            Presence::Absent if it.if_exists => continue,
            Presence::Absent => {
                let message = format!("{noun} \"{}\" does not exist", written(&entry.name));
                return exec.refuse("42P01", message, entry.name.span);
            }
            Presence::Maybe if it.if_exists => possible.push(name.clone()),
            _ => certain.push(name.clone()),
        }
        if !is_kind(exec, &name, it.object) {
            return exec.refuse("42809", format!("\"{}\" is not a {noun}", name.name), entry.name.span);
        }
    }
    let mut names: Vec<QName> = certain.iter().chain(&possible).cloned().collect();
    names.dedup();
    let kind = match it.object {
        ObjectKind::Table | ObjectKind::ForeignTable => OperationKind::DropTable,
        _ => OperationKind::DropObject,
    };
    // One operation for the statement, or the relations one by one would each be told of a common lock.
    exec.operation(kind, span, names.first());
    for name in &names {
        exec.breaks.push(Breaks::RelationGone { relation: name.clone() });
    }
    for name in &names {
        if !exec.schema.relations.contains_key(name) {
            exec.schema.insert_relation(Relation { kind: relation_kind(it.object), ..Relation::open(name.clone()) });
        }
    }
    // What may not be there cannot certainly stop the rest.
    let _ = exec.perhaps(|exec| dependents::drop_relations(exec, possible, it.cascade, span));
    dependents::drop_relations(exec, certain, it.cascade, span)
}

fn relation_kind(object: ObjectKind) -> RelationKind {
    match object {
        ObjectKind::View => RelationKind::View,
        ObjectKind::MaterializedView => RelationKind::MaterializedView,
        ObjectKind::Sequence => RelationKind::Sequence,
        ObjectKind::ForeignTable => RelationKind::ForeignTable,
        _ => RelationKind::Table,
    }
}

pub(super) fn noun(object: ObjectKind) -> &'static str {
    match object {
        ObjectKind::View => "view",
        ObjectKind::MaterializedView => "materialized view",
        ObjectKind::Sequence => "sequence",
        ObjectKind::ForeignTable => "foreign table",
        ObjectKind::Index => "index",
        ObjectKind::Rule => "rule",
        ObjectKind::Policy => "policy",
        ObjectKind::Trigger => "trigger",
        _ => "table",
    }
}

/// What is open may be of any kind.
pub(super) fn is_kind(exec: &Exec, name: &QName, object: ObjectKind) -> bool {
    let Some(relation) = exec.schema.relations.get(name) else {
        return (object == ObjectKind::Index) == exec.schema.indexes.contains_key(name)
            || !exec.schema.indexes.contains_key(name);
    };
    relation.open
        || match relation.kind {
            RelationKind::Table | RelationKind::PartitionedTable => object == ObjectKind::Table,
            RelationKind::View => object == ObjectKind::View,
            RelationKind::MaterializedView => object == ObjectKind::MaterializedView,
            RelationKind::Sequence => object == ObjectKind::Sequence,
            RelationKind::ForeignTable => object == ObjectKind::ForeignTable,
            RelationKind::Index | RelationKind::PartitionedIndex => object == ObjectKind::Index,
            RelationKind::CompositeType => object == ObjectKind::Type,
        }
}

/// The table first and then the index, both ACCESS EXCLUSIVE (RangeVarCallbackForDropRelation, tablecmds.c). CONCURRENTLY takes
/// SHARE UPDATE EXCLUSIVE on both and waits for all who could use the index (index_drop, index.c).
fn drop_indexes(exec: &mut Exec, it: &ast::Drop, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::DropIndex, span, None);
    if it.concurrently {
        exec.refuse_transaction("DROP INDEX CONCURRENTLY", span);
        let unsupported = |what: &str| format!("DROP INDEX CONCURRENTLY does not support {what}");
        if it.names.len() > 1 {
            return exec.refuse_surely("0A000", unsupported("dropping multiple objects"), span);
        }
        if it.cascade {
            return exec.refuse_surely("0A000", unsupported("CASCADE"), span);
        }
    }
    let lock = if it.concurrently { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive };
    for entry in &it.names {
        let name = exec.resolve(&entry.name);
        match presence(exec, &name) {
            Presence::Absent if it.if_exists => {}
            Presence::Absent => {
                let message = format!("index \"{}\" does not exist", written(&entry.name));
                return exec.refuse_surely("42704", message, entry.name.span);
            }
            Presence::There => drop_index(exec, &name, it, lock, &entry.name)?,
            Presence::Maybe if it.if_exists => exec.perhaps(|exec| drop_index(exec, &name, it, lock, &entry.name))?,
            Presence::Maybe => drop_index(exec, &name, it, lock, &entry.name)?,
        }
    }
    Ok(())
}

fn drop_index(exec: &mut Exec, name: &QName, it: &ast::Drop, lock: LockMode, written: &Name) -> Result<(), Stop> {
    let Some(index) = exec.schema.indexes.get(name).cloned() else {
        if exec.schema.relations.get(name).is_some_and(|relation| !relation.open) {
            return exec.refuse_surely("42809", format!("\"{}\" is not an index", name.name), written.span);
        }
        // An index that no migration told of: neither is its table known.
        exec.lock_unknown_index(name, LockMode::AccessExclusive);
        if !exec.schema.has_class(name) {
            exec.schema.gone.insert(name.clone(), ());
        }
        return Ok(());
    };
    if let Some(operation) = exec.operations.last_mut() {
        operation.relation = Some(index.table.clone());
    }
    if it.concurrently && index.kind == RelationKind::PartitionedIndex {
        let message = format!("cannot drop partitioned index \"{}\" concurrently", name.name);
        return exec.refuse_surely("0A000", message, written.span);
    }
    let requires = |what: String| format!("cannot drop index {} because {what} requires it", name.name);
    if let Some(constraint) = &index.constraint {
        let message = requires(format!("constraint {constraint} on table {}", index.table.name));
        return exec.refuse_surely("2BP01", message, written.span);
    }
    if let Some(parent) = &index.parent {
        return exec.refuse_surely("2BP01", requires(format!("index {}", parent.name)), written.span);
    }
    if it.concurrently {
        exec.waits_for.extend([WaitsFor::Readers, WaitsFor::Writers]);
        exec.lock(&index.table, lock);
        // Dead by then, so nobody waits for this one.
        exec.lock(name, LockMode::AccessExclusive);
        exec.schema.remove_index(name);
        return Ok(());
    }
    dependents::drop_index_tree(exec, &index, it.cascade, written.span)
}

/// The relation is locked in ACCESS SHARE while the object is looked up, and ACCESS EXCLUSIVE when it goes (RemoveTriggerById,
/// RemoveRewriteRuleById, RemovePolicyById). Nothing stays locked when it is absent (RemoveObjects, dropcmds.c).
fn drop_on_table(exec: &mut Exec, it: &ast::Drop, span: Span) -> Result<(), Stop> {
    let noun = noun(it.object);
    for entry in &it.names {
        let Some(table) = &entry.relation else { continue };
        let found = exec.resolve(table);
        if exec.is_missing(&found) {
            if it.if_exists {
                continue;
            }
            return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(table)), table.span);
        }
        exec.operation(OperationKind::DropObject, span, Some(&found));
        let relation = exec.relation(&found);
        let object = entry.name.name.as_str();
        let known = match it.object {
            ObjectKind::Trigger => relation.triggers.iter().any(|trigger| &*trigger.name == object),
            ObjectKind::Rule => relation.rules.iter().any(|rule| &*rule.name == object),
            _ => relation.policies.iter().any(|policy| &*policy.name == object),
        };
        if !known && !relation.open {
            if it.if_exists {
                continue;
            }
            let preposition = if it.object == ObjectKind::Trigger { "for table" } else { "for relation" };
            let preposition = if it.object == ObjectKind::Policy { "for table" } else { preposition };
            let message = format!("{noun} \"{object}\" {preposition} \"{}\" does not exist", found.name);
            return exec.refuse("42704", message, entry.name.span);
        }
        if let Some((parent, _)) = relation.partition_of.as_ref().filter(|_| it.object == ObjectKind::Trigger)
            && exec.relation(parent).triggers.iter().any(|trigger| trigger.row && &*trigger.name == object)
        {
            let message = format!(
                "cannot drop trigger {object} on table {} because trigger {object} on table {} requires it",
                found.name, parent.name
            );
            return exec.refuse("2BP01", message, entry.name.span);
        }
        let mut tables = vec![found.clone()];
        // Triggers for rows stand on the partitions too.
        if it.object == ObjectKind::Trigger && relation.kind == RelationKind::PartitionedTable {
            tables.extend(exec.schema.descendants(&found));
        }
        let drop = |exec: &mut Exec| {
            for table in &tables {
                if *table != found && !exec.relation(table).triggers.iter().any(|trigger| &*trigger.name == object) {
                    continue;
                }
                exec.lock(table, LockMode::AccessExclusive);
                exec.schema.edit(table, |relation| match it.object {
                    ObjectKind::Trigger => relation.triggers.retain(|trigger| &*trigger.name != object),
                    ObjectKind::Rule => relation.rules.retain(|rule| &*rule.name != object),
                    _ => relation.policies.retain(|policy| &*policy.name != object),
                });
            }
        };
        if known || !it.if_exists { drop(exec) } else { exec.perhaps(drop) }
    }
    Ok(())
}

fn drop_types(exec: &mut Exec, it: &ast::Drop, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::DropObject, span, None);
    for entry in &it.names {
        let name = exec.resolve_type(&entry.name);
        let Some(ty) = exec.schema.types.get(&name).cloned() else {
            let absent = exec.schema.is_complete() && exec.schema.extensions.is_empty();
            if absent && !it.if_exists {
                let message = format!("type \"{}\" does not exist", written(&entry.name));
                return exec.refuse("42704", message, entry.name.span);
            }
            continue;
        };
        if it.object == ObjectKind::Domain && !matches!(ty.kind, TypeKind::Domain { .. }) {
            return exec.refuse("42809", format!("\"{}\" is not a domain", name.name), entry.name.span);
        }
        uses::drop_type(exec, &name, it.cascade, entry.name.span)?;
    }
    Ok(())
}

/// The statement does not tell the argument types, so an overloaded routine stays.
fn drop_routines(exec: &mut Exec, it: &ast::Drop, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::DropObject, span, None);
    for entry in &it.names {
        let Some(name) = super::routine::find(exec, &entry.name) else { continue };
        let wrong = match exec.schema.functions.get(&name).map(|overloads| overloads.as_slice()) {
            Some([only]) if it.object == ObjectKind::Procedure && !only.procedure => Some("procedure"),
            Some([only]) if it.object == ObjectKind::Function && only.procedure => Some("function"),
            _ => None,
        };
        if let Some(wanted) = wrong {
            return exec.refuse("42809", format!("{}() is not a {wanted}", name.name), entry.name.span);
        }
        if exec.schema.functions.get(&name).is_some_and(|overloads| overloads.len() == 1) {
            uses::drop_routine(exec, &name, it.cascade, entry.name.span)?;
        }
    }
    Ok(())
}

fn drop_schemas(exec: &mut Exec, it: &ast::Drop, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::DropObject, span, None);
    for entry in &it.names {
        let schema = entry.name.name.as_str();
        let names: Vec<QName> = dependents::in_schema(&exec.schema.relations, schema).collect();
        let types: Vec<QName> = dependents::in_schema(&exec.schema.types, schema).collect();
        let functions: Vec<QName> = dependents::in_schema(&exec.schema.functions, schema).collect();
        let known = exec.schema.schemas.contains_key(schema) || !(names.is_empty() && types.is_empty());
        if !known && !it.if_exists && exec.schema.is_complete() && schema != "public" {
            return exec.refuse("3F000", format!("schema \"{schema}\" does not exist"), entry.name.span);
        }
        let empty = names.is_empty() && types.is_empty() && functions.is_empty();
        if !it.cascade && !empty {
            let message = format!("cannot drop schema {schema} because other objects depend on it");
            return exec.refuse("2BP01", message, entry.name.span);
        }
        for name in &names {
            exec.breaks.push(Breaks::RelationGone { relation: name.clone() });
        }
        dependents::drop_relations(exec, names, true, entry.name.span)?;
        for name in types {
            uses::drop_type(exec, &name, true, entry.name.span)?;
        }
        for name in functions {
            uses::drop_routine(exec, &name, true, entry.name.span)?;
        }
        exec.schema.schemas.remove(schema);
    }
    Ok(())
}

fn drop_extensions(exec: &mut Exec, it: &ast::Drop, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::DropObject, span, None);
    for entry in &it.names {
        let extension = entry.name.name.as_str();
        if !exec.schema.extensions.contains_key(extension) && exec.schema.is_complete() {
            if it.if_exists {
                continue;
            }
            return exec.refuse("42704", format!("extension \"{extension}\" does not exist"), entry.name.span);
        }
        uses::drop_extension(exec, extension, it.cascade, entry.name.span)?;
    }
    Ok(())
}

/// SHARE UPDATE EXCLUSIVE on the table (RemoveStatisticsById, statscmds.c).
fn drop_statistics(exec: &mut Exec, it: &ast::Drop, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::DropObject, span, None);
    for entry in &it.names {
        let found = exec.session.search_path.iter().map(|schema| QName::of(&entry.name, schema));
        let found = found.into_iter().find(|name| exec.schema.statistics.contains_key(name));
        let Some(name) = found else {
            if exec.schema.is_complete() && !it.if_exists {
                let message = format!("statistics object \"{}\" does not exist", written(&entry.name));
                return exec.refuse("42704", message, entry.name.span);
            }
            continue;
        };
        if let Some(statistics) = exec.schema.statistics.remove(&name) {
            exec.lock(&statistics.table, LockMode::ShareUpdateExclusive);
        }
    }
    Ok(())
}

impl Exec {
    /// A failure that comes whether or not a transaction is open, after one that comes only inside: DROP INDEX CONCURRENTLY
    /// of two indexes fails everywhere.
    pub(super) fn refuse_surely<T>(&mut self, sqlstate: &'static str, message: String, span: Span) -> Result<T, Stop> {
        if self.failure.as_ref().is_some_and(|failure| failure.when == FailsWhen::Wrapped) {
            self.failure = None;
        }
        self.refuse(sqlstate, message, span)
    }

    /// The type that a name means: the first schema of the search path that has it, else the first of the path.
    pub(super) fn resolve_type(&self, name: &Name) -> QName {
        if name.schema.is_none() {
            for schema in &self.session.search_path {
                let candidate = QName::new(schema, &name.name);
                if self.schema.types.contains_key(&candidate) {
                    return candidate;
                }
            }
        }
        self.new_name(name)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::{effects, plain, run};
    use crate::effect::FailsWhen;
    use crate::schema::Schema;
    use crate::trace::Judged;

    const BEFORE: &str = "CREATE TABLE users (id bigserial PRIMARY KEY, name text); CREATE INDEX users_name_idx ON users (name);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint REFERENCES users); CREATE VIEW v AS SELECT * FROM users;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f();
CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE moods (m mood); CREATE SCHEMA app; CREATE TABLE app.x (id int)";

    #[test]
    fn relations() {
        let sql = "
DROP TABLE IF EXISTS nope; DROP TABLE nope; DROP TABLE users; DROP VIEW users; DROP TABLE orders; DROP TABLE users CASCADE";
        expect![[r#"
            DROP TABLE IF EXISTS nope
                nothing
            DROP TABLE nope
                nope ACCESS EXCLUSIVE | blocks nope:RW
            DROP TABLE users
                nothing | 2BP01: cannot drop table users because other objects depend on it
            DROP VIEW users
                nothing | 42809: "users" is not a view
            DROP TABLE orders
                orders ACCESS EXCLUSIVE, orders_id_seq ACCESS EXCLUSIVE, orders_pkey ACCESS EXCLUSIVE, users ACCESS EXCLUSIVE | blocks orders:RW orders_id_seq:W users:RW v:R
            DROP TABLE users CASCADE
                users ACCESS EXCLUSIVE, users_id_seq ACCESS EXCLUSIVE, users_name_idx ACCESS EXCLUSIVE, users_pkey ACCESS EXCLUSIVE, v ACCESS EXCLUSIVE | blocks users:RW users_id_seq:W v:R
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    /// The statements that certainly fail where no migration told what there is.
    fn failures(sql: &str) -> String {
        let trace = run(&Schema::default(), sql, &plain(), (14, 18));
        let script = syntax::parse(sql, &syntax::Options::default());
        let told = |(statement, judged): (&syntax::ast::Statement, &Judged)| {
            let failure = judged.fails.as_ref().filter(|it| it.when == FailsWhen::Always)?;
            Some(format!("{}\n    {}: {}\n", statement.parsed.text.trim(), failure.sqlstate, failure.message))
        };
        script.statements.iter().zip(&trace.judged).filter_map(told).collect()
    }

    #[test]
    fn what_the_same_file_took_away() {
        let told = [
            "DROP TABLE a; ALTER TABLE t ADD COLUMN n int REFERENCES a (id)",
            "DROP TABLE IF EXISTS a; DROP TABLE IF EXISTS a; DROP TABLE a; DROP TABLE a",
            "CREATE TABLE a (); DROP TABLE a; SELECT * FROM public.a",
            "ALTER TABLE b RENAME TO c; UPDATE c SET x = 1; UPDATE b SET x = 1",
            "DROP VIEW v; CREATE VIEW w AS SELECT * FROM v",
            "DROP SEQUENCE s; ALTER SEQUENCE s RESTART",
            "DROP INDEX i; REINDEX INDEX i",
            "ALTER TABLE d SET SCHEMA app; TRUNCATE app.d; TRUNCATE d",
            "ALTER TABLE e DROP COLUMN x; ALTER TABLE e ALTER COLUMN x SET NOT NULL",
            "ALTER TABLE e DROP COLUMN x; CREATE INDEX ON e (x)",
            "ALTER TABLE f RENAME COLUMN x TO y; ALTER TABLE f ALTER y DROP DEFAULT; ALTER TABLE f DROP COLUMN x",
        ];
        expect![[r#"
            ALTER TABLE t ADD COLUMN n int REFERENCES a (id)
                42P01: relation "a" does not exist
            DROP TABLE a
                42P01: table "a" does not exist
            SELECT * FROM public.a
                42P01: relation "public.a" does not exist
            UPDATE b SET x = 1
                42P01: relation "b" does not exist
            CREATE VIEW w AS SELECT * FROM v
                42P01: relation "v" does not exist
            ALTER SEQUENCE s RESTART
                42P01: relation "s" does not exist
            REINDEX INDEX i
                42P01: relation "i" does not exist
            TRUNCATE d
                42P01: relation "d" does not exist
            ALTER TABLE e ALTER COLUMN x SET NOT NULL
                42703: column "x" of relation "e" does not exist
            CREATE INDEX ON e (x)
                42703: column "x" does not exist
            ALTER TABLE f DROP COLUMN x
                42703: column "x" of relation "f" does not exist
        "#]]
        .assert_eq(&told.map(failures).concat());
    }

    #[test]
    fn what_may_be_there_again() {
        for between in [
            "CREATE TABLE a (x int); ALTER TABLE t ADD COLUMN x int",
            "DO $$ BEGIN EXECUTE 'CREATE TABLE ' || current_setting('x.name'); END $$",
            "SELECT make('a')",
            "CREATE EXTENSION postgis",
            "SET search_path = app, public",
            "ROLLBACK",
        ] {
            let sql = format!(
                "BEGIN; DROP TABLE a; ALTER TABLE t DROP COLUMN x; {between}; CREATE INDEX ON a (x); CREATE INDEX ON t (x)"
            );
            assert_eq!(failures(&sql), "", "{between}");
        }
        let sql = "DO $$ BEGIN IF current_setting('x.y') = 'z' THEN DROP TABLE a; ALTER TABLE t DROP COLUMN x; END IF; END $$;
            CREATE INDEX ON a (x); CREATE INDEX ON t (x)";
        assert_eq!(failures(sql), "");
    }

    #[test]
    fn indexes() {
        let sql = "
DROP INDEX users_pkey; DROP INDEX CONCURRENTLY users_name_idx; DROP INDEX nope; DROP INDEX IF EXISTS nope";
        expect![[r#"
            DROP INDEX users_pkey
                nothing | 2BP01: cannot drop index users_pkey because constraint users_pkey on table users requires it
            DROP INDEX CONCURRENTLY users_name_idx
                users SHARE UPDATE EXCLUSIVE, users_name_idx ACCESS EXCLUSIVE | 25001 if wrapped: DROP INDEX CONCURRENTLY cannot run inside a transaction block
            DROP INDEX nope
                nope ACCESS EXCLUSIVE | blocks nope:RW
            DROP INDEX IF EXISTS nope
                nope ACCESS EXCLUSIVE? | blocks nope:RW
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn objects() {
        let sql = "
DROP TRIGGER IF EXISTS nope ON orders; DROP TRIGGER nope ON orders; DROP FUNCTION f(); DROP FUNCTION f() CASCADE; DROP TYPE mood;
DROP TYPE mood CASCADE; DROP SCHEMA app; DROP SCHEMA app CASCADE; DROP SEQUENCE users_id_seq; DROP SEQUENCE orders_id_seq CASCADE";
        expect![[r#"
            DROP TRIGGER IF EXISTS nope ON orders
                nothing
            DROP TRIGGER nope ON orders
                nothing | 42704: trigger "nope" for table "orders" does not exist
            DROP FUNCTION f()
                nothing | 2BP01: cannot drop function f() because other objects depend on it
            DROP FUNCTION f() CASCADE
                orders ACCESS EXCLUSIVE | blocks orders:RW users:W
            DROP TYPE mood
                nothing | 2BP01: cannot drop type mood because other objects depend on it
            DROP TYPE mood CASCADE
                moods ACCESS EXCLUSIVE | blocks moods:RW
            DROP SCHEMA app
                nothing | 2BP01: cannot drop schema app because other objects depend on it
            DROP SCHEMA app CASCADE
                app.x ACCESS EXCLUSIVE | blocks app.x:RW
            DROP SEQUENCE users_id_seq
                nothing | 2BP01: cannot drop sequence users_id_seq because other objects depend on it
            DROP SEQUENCE orders_id_seq CASCADE
                orders ACCESS EXCLUSIVE, orders_id_seq ACCESS EXCLUSIVE | blocks orders:RW orders_id_seq:W users:W
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
