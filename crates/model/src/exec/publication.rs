//! CREATE and ALTER PUBLICATION.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, Persistence, PublicationAction};

use super::{Exec, Stop, reach};
use crate::effect::{LockMode, OperationKind};
use crate::name::QName;
use crate::schema::{Publication, RelationKind};

type Tables = Vec<(QName, Vec<Arc<str>>)>;

pub(super) fn create(exec: &mut Exec, it: &ast::Publication, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    if exec.schema.publications.contains_key(it.name.as_str()) {
        return exec.refuse("42710", format!("publication \"{}\" already exists", it.name), span);
    }
    let tables = open(exec, it)?;
    let schemas = it.schemas.iter().map(|schema| schema.as_str().into()).collect();
    let publication = Publication { all_tables: it.all_tables, tables, schemas };
    exec.schema.publications.insert(it.name.as_str().into(), Arc::new(publication));
    Ok(())
}

pub(super) fn alter(exec: &mut Exec, it: &ast::Publication, action: PublicationAction, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    let found = exec.schema.publications.get(it.name.as_str()).cloned();
    let known = found.is_some();
    if !known && exec.schema.is_complete() {
        return exec.refuse("42704", format!("publication \"{}\" does not exist", it.name), span);
    }
    let tables = open(exec, it)?;
    let mut publication = found.map(Arc::unwrap_or_clone).unwrap_or_else(|| Publication {
        all_tables: false,
        tables: Vec::new(),
        schemas: Vec::new(),
    });
    let schemas = it.schemas.iter().map(|schema| Arc::<str>::from(schema.as_str()));
    let member = |table: &QName| publication.tables.iter().any(|(it, _)| it == table);
    if known
        && action == PublicationAction::Add
        && let Some((table, _)) = tables.iter().find(|(table, _)| member(table))
    {
        let message = format!("relation \"{}\" is already member of publication \"{}\"", table.name, it.name);
        return exec.refuse("42710", message, span);
    }
    if known
        && action == PublicationAction::Drop
        && let Some((table, _)) = tables.iter().find(|(table, _)| !member(table))
    {
        let message = format!("relation \"{}\" is not part of the publication", table.name);
        return exec.refuse("42704", message, span);
    }
    match action {
        PublicationAction::Add => {
            publication.tables.extend(tables);
            publication.schemas.extend(schemas);
        }
        PublicationAction::Set => {
            // Tables that leave are locked like those that come (AlterPublicationTables, publicationcmds.c).
            for (table, _) in publication.tables.iter().filter(|(table, _)| tables.iter().all(|(it, _)| it != table)) {
                exec.lock(table, LockMode::ShareUpdateExclusive);
            }
            publication.tables = tables;
            publication.schemas = schemas.collect();
        }
        PublicationAction::Drop => {
            publication.tables.retain(|(table, _)| tables.iter().all(|(it, _)| it != table));
            let schemas: Vec<Arc<str>> = schemas.collect();
            publication.schemas.retain(|schema| !schemas.contains(schema));
        }
        PublicationAction::Other => {}
    }
    exec.schema.publications.insert(it.name.as_str().into(), Arc::new(publication));
    Ok(())
}

/// SHARE UPDATE EXCLUSIVE on the tables and their children, not on partitions (OpenTableList, publicationcmds.c).
fn open(exec: &mut Exec, it: &ast::Publication) -> Result<Tables, Stop> {
    let mut tables = Vec::new();
    for (relation, columns) in &it.tables {
        let Some(name) = reach::find(exec, relation)? else { continue };
        if !matches!(exec.relation(&name).kind, RelationKind::Table | RelationKind::PartitionedTable) {
            let message = if exec.since(15) {
                format!("cannot add relation \"{}\" to publication", name.name)
            } else {
                format!("\"{}\" is not a table", name.name)
            };
            return exec.refuse("22023", message, relation.name.span);
        }
        // check_publication_add_relation.
        if exec.relation(&name).persistence != Persistence::Permanent {
            let message = format!("cannot add relation \"{}\" to publication", name.name);
            return exec.refuse("22023", message, relation.name.span);
        }
        exec.lock(&name, LockMode::ShareUpdateExclusive);
        if !relation.only && exec.relation(&name).kind != RelationKind::PartitionedTable {
            for child in exec.schema.descendants(&name) {
                exec.lock(&child, LockMode::ShareUpdateExclusive);
            }
        }
        tables.push((name, columns.iter().map(|column| column.as_str().into()).collect()));
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TABLE t (id int); CREATE TABLE u (id int); CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)";

    #[test]
    fn publishing() {
        let sql = "
CREATE PUBLICATION a FOR TABLE t, p; CREATE PUBLICATION b FOR ALL TABLES; ALTER PUBLICATION a SET TABLE u; ALTER PUBLICATION a DROP TABLE u; ALTER PUBLICATION nope ADD TABLE u; DROP PUBLICATION a";
        expect![[r#"
            CREATE PUBLICATION a FOR TABLE t, p
                p SHARE UPDATE EXCLUSIVE, t SHARE UPDATE EXCLUSIVE
            CREATE PUBLICATION b FOR ALL TABLES
                nothing
            ALTER PUBLICATION a SET TABLE u
                p SHARE UPDATE EXCLUSIVE, t SHARE UPDATE EXCLUSIVE, u SHARE UPDATE EXCLUSIVE
            ALTER PUBLICATION a DROP TABLE u
                u SHARE UPDATE EXCLUSIVE
            ALTER PUBLICATION nope ADD TABLE u
                u SHARE UPDATE EXCLUSIVE
            DROP PUBLICATION a
                nothing
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
