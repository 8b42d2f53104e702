//! R-DIX: DROP INDEX becomes one DROP INDEX CONCURRENTLY per index.

use model::name::QName;
use model::plan::{Inverse, Mode};
use model::schema::{Index, RelationKind};
use syntax::ast::{Drop, Name, StatementKind};

use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite};
use crate::titles;

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    let StatementKind::Drop(it) = site.kind else {
        return Err("the statement is not a DROP INDEX".to_owned());
    };
    if it.concurrently {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    if it.cascade {
        return Err("DROP INDEX CONCURRENTLY does not support CASCADE; drop what depends on it first".to_owned());
    }
    let mut steps = Vec::new();
    let mut assumptions = Vec::new();
    for entry in &it.names {
        let name = site.written(&entry.name);
        match known(site, &entry.name) {
            Some(index) if index.constraint.is_some() => {
                return Err(format!("a constraint needs index {name}; drop the constraint instead"));
            }
            Some(index) if index.kind == RelationKind::PartitionedIndex || index.parent.is_some() => {
                return Err(format!("index {name} belongs to a partitioned table and cannot be dropped concurrently"));
            }
            Some(_) => {}
            None => {
                assumptions.push(format!("Index {name} belongs neither to a constraint nor to a partitioned table."))
            }
        }
        steps.push(step(site, it, &entry.name, &name));
    }
    Ok(Rewrite { assumptions, ..Rewrite::safe(Place::Statement, steps) })
}

fn step(site: &Site, it: &Drop, name: &Name, written: &str) -> Draft {
    // What was interrupted leaves the index invalid, or none when only the client was gone; the same step again ends the matter.
    let again = it.if_exists || known(site, name).is_some();
    let drop = site.word(if again { "DROP INDEX CONCURRENTLY IF EXISTS" } else { "DROP INDEX CONCURRENTLY" });
    let sql = format!("{drop} {written};");
    let mut draft = Draft::new(Mode::NonTx, sql, titles::slug("drop", &name.name));
    draft.inverse = match known(site, name).and_then(definition) {
        Some(sql) => Inverse::Sql { sql, mode: Mode::NonTx },
        None => Inverse::Original,
    };
    draft
}

fn known<'a>(site: &Site<'a>, name: &Name) -> Option<&'a Index> {
    let resolved = match &name.schema {
        Some(schema) => QName::new(schema, &name.name),
        None => {
            site.before.indexes.keys().find(|it| it.name == name.name.as_str().into() && on_path(site, it))?.clone()
        }
    };
    site.before.indexes.get(&resolved).filter(|index| !index.maybe).map(|index| &**index)
}

/// The operation's relation is the table or the index as the model resolved it; either is in the schema that was meant.
fn on_path(site: &Site, name: &QName) -> bool {
    site.operation.effects.iter().any(|effect| effect.relation == *name)
        || site.operation.relation.as_ref().is_some_and(|relation| relation.schema == name.schema)
}

/// The statement that builds the index again.
pub(super) fn definition(index: &Index) -> Option<String> {
    let list = |parts: Vec<String>| parts.join(", ");
    let elements = list(index.elements.iter().map(|element| element.text.to_string()).collect());
    let mut sql = format!(
        "CREATE {}INDEX CONCURRENTLY {} ON {}",
        if index.unique { "UNIQUE " } else { "" },
        syntax::quote_ident(&index.name.name),
        index.table,
    );
    if &*index.method != "btree" {
        sql.push_str(&format!(" USING {}", syntax::quote_ident(&index.method)));
    }
    sql.push_str(&format!(" ({elements})"));
    if !index.including.is_empty() {
        let columns = list(index.including.iter().map(|column| syntax::quote_ident(column)).collect());
        sql.push_str(&format!(" INCLUDE ({columns})"));
    }
    if index.nulls_not_distinct {
        sql.push_str(" NULLS NOT DISTINCT");
    }
    if !index.options.is_empty() {
        sql.push_str(&format!(" WITH ({})", super::unique::options(&index.options)?));
    }
    if let Some(tablespace) = &index.tablespace {
        sql.push_str(&format!(" TABLESPACE {}", syntax::quote_ident(tablespace)));
    }
    match (&index.predicate, &index.predicate_text) {
        (None, _) => {}
        (Some(_), Some(text)) => sql.push_str(&format!(" WHERE {text}")),
        (Some(_), None) => return None,
    }
    sql.push(';');
    Some(sql)
}
