//! Dropping what columns, triggers and constraints use: types, routines, extensions.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{Expr, TypeName};

use super::dependents::{Dependent, cut, drop_column, drop_relations, is_type};
use super::{Exec, Stop};
use crate::effect::LockMode;
use crate::expr;
use crate::name::QName;
use crate::schema::{ColumnType, ConstraintKind, Relation, TypeKind};

const LOCK: LockMode = LockMode::AccessExclusive;

/// Types that common extensions bring.
const EXTENSION_TYPES: [(&str, &[&str]); 11] = [
    ("citext", &["citext"]),
    ("hstore", &["hstore"]),
    ("ltree", &["ltree", "lquery", "ltxtquery"]),
    ("cube", &["cube"]),
    ("seg", &["seg"]),
    ("isn", &["ean13", "isbn", "isbn13", "ismn", "ismn13", "issn", "issn13", "upc"]),
    ("intarray", &["query_int"]),
    ("vector", &["vector", "halfvec", "sparsevec"]),
    ("postgis", &["geometry", "geography", "box2d", "box3d"]),
    ("pg_trgm", &["gtrgm"]),
    ("uuid-ossp", &[]),
];

/// Functions by which the defaults of columns depend on an extension.
const EXTENSION_FUNCTIONS: [(&str, &[&str]); 3] = [
    (
        "uuid-ossp",
        &["uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v3", "uuid_generate_v4", "uuid_generate_v5"],
    ),
    ("pgcrypto", &["gen_random_bytes", "crypt", "gen_salt", "digest", "hmac"]),
    ("unaccent", &["unaccent"]),
];

/// Drops a type; CASCADE drops the columns of that type.
pub(super) fn drop_type(exec: &mut Exec, name: &QName, cascade: bool, span: Span) -> Result<(), Stop> {
    let mut columns = columns_of_type(exec, |ty| is_type(&ColumnType::Known(ty.clone()), name));
    let over: Vec<QName> = exec
        .schema
        .types
        .values()
        .filter(
            |it| matches!(&it.kind, TypeKind::Domain { base, .. } if is_type(&ColumnType::Known(base.clone()), name)),
        )
        .map(|it| it.name.clone())
        .collect();
    let typed: Vec<QName> = exec
        .schema
        .relations
        .values()
        .filter(|it| it.of_type.as_ref() == Some(name))
        .map(|it| it.name.clone())
        .collect();
    let alone = columns.is_empty() && over.is_empty() && typed.is_empty();
    if !cascade && !alone {
        let message = format!("cannot drop type {} because other objects depend on it", name);
        return exec.refuse("2BP01", message, span);
    }
    for domain in over {
        drop_type(exec, &domain, true, span)?;
    }
    drop_relations(exec, typed, true, span)?;
    columns.sort();
    for (table, column) in columns {
        drop_column(exec, &table, &column);
    }
    exec.schema.types.remove(name);
    exec.schema.relations.remove(name);
    Ok(())
}

/// Drops an extension; CASCADE drops columns of its types and defaults that call it.
pub(super) fn drop_extension(exec: &mut Exec, extension: &str, cascade: bool, span: Span) -> Result<(), Stop> {
    let names = |table: &[(&str, &'static [&'static str])]| {
        table.iter().find(|(name, _)| *name == extension).map_or(&[] as &[&str], |(_, names)| names)
    };
    let in_it = |exec: &Exec| exec.schema.functions.values().any(|it| it.iter().any(|it| &*it.language == extension));
    if extension == "plpgsql" && !cascade && in_it(exec) {
        let message = "cannot drop extension plpgsql because other objects depend on it".to_owned();
        return exec.refuse("2BP01", message, span);
    }
    let (types, functions) = (names(&EXTENSION_TYPES), names(&EXTENSION_FUNCTIONS));
    let columns = columns_of_type(exec, |ty| types.contains(&ty.name.as_str()));
    let mut defaults = Vec::new();
    if !functions.is_empty() {
        for relation in exec.schema.relations.values() {
            for column in &relation.columns {
                if column.default.as_ref().is_some_and(|default| calls(&default.expr, functions)) {
                    defaults.push(Dependent::Default { table: relation.name.clone(), column: column.name.clone() });
                }
            }
        }
    }
    let alone = columns.is_empty() && defaults.is_empty();
    if !cascade && !alone {
        let message = format!("cannot drop extension {extension} because other objects depend on it");
        return exec.refuse("2BP01", message, span);
    }
    for (table, column) in columns {
        drop_column(exec, &table, &column);
    }
    defaults.into_iter().for_each(|it| cut(exec, it));
    exec.schema.extensions.remove(extension);
    Ok(())
}

/// Drops a collation; CASCADE drops the columns that use it.
pub(super) fn drop_collation(exec: &mut Exec, collation: &str, cascade: bool, span: Span) -> Result<(), Stop> {
    let mut columns = Vec::new();
    for relation in exec.schema.relations.values() {
        for column in relation.columns.iter().filter(|it| it.collation.as_deref() == Some(collation)) {
            columns.push((relation.name.clone(), column.name.clone()));
        }
    }
    if !cascade && !columns.is_empty() {
        let message = format!("cannot drop collation {collation} because other objects depend on it");
        return exec.refuse("2BP01", message, span);
    }
    for (table, column) in columns {
        drop_column(exec, &table, &column);
    }
    Ok(())
}

/// Drops a routine; CASCADE drops what calls it: triggers, defaults, constraints, indexes, policies, generated columns. It
/// is known by its name alone, so only routines without overloads come here.
pub(super) fn drop_routine(exec: &mut Exec, name: &QName, cascade: bool, span: Span) -> Result<(), Stop> {
    let function = &*name.name;
    let users: Vec<Arc<Relation>> =
        exec.schema.relations.values().filter(|it| is_called(exec, it, name)).cloned().collect();
    let views: Vec<QName> = exec
        .schema
        .relations
        .values()
        .filter(|it| it.calls.iter().any(|called| **called == *function))
        .map(|it| it.name.clone())
        .collect();
    let used = !users.is_empty() || !views.is_empty();
    if !cascade && used {
        let message = format!("cannot drop function {name}() because other objects depend on it");
        return exec.refuse("2BP01", message, span);
    }
    drop_relations(exec, views, true, span)?;
    for relation in users {
        let table = &relation.name;
        exec.lock(table, LOCK);
        for index in super::reach::index_names(exec, table) {
            if exec.schema.indexes.get(&index).is_some_and(|it| index_calls(it, function)) {
                exec.lock(&index, LOCK);
                exec.schema.remove_index(&index);
            }
        }
        for column in &relation.columns {
            if column.generated.as_ref().is_some_and(|it| calls(&it.expr, &[function])) {
                drop_column(exec, table, &column.name);
            }
        }
        exec.schema.edit(table, |it| {
            it.triggers.retain(|trigger| trigger.function != *name);
            it.policies.retain(|policy| !policy.functions.iter().any(|it| **it == *function));
            it.constraints
                .retain(|it| !matches!(&it.kind, ConstraintKind::Check { expr, .. } if calls(expr, &[function])));
            it.columns.change_all(|column| {
                if column.default.as_ref().is_some_and(|it| calls(&it.expr, &[function])) {
                    column.default = None;
                }
            });
        });
    }
    exec.schema.functions.remove(name);
    Ok(())
}

fn is_called(exec: &Exec, relation: &Relation, name: &QName) -> bool {
    let function = &*name.name;
    relation.triggers.iter().any(|trigger| trigger.function == *name)
        || relation.policies.iter().any(|policy| policy.functions.iter().any(|it| **it == *function))
        || relation.columns.iter().any(|column| {
            column.default.as_ref().is_some_and(|it| calls(&it.expr, &[function]))
                || column.generated.as_ref().is_some_and(|it| calls(&it.expr, &[function]))
        })
        || relation
            .constraints
            .iter()
            .any(|it| matches!(&it.kind, ConstraintKind::Check { expr, .. } if calls(expr, &[function])))
        || exec.schema.indexes_of(&relation.name).any(|index| index_calls(index, function))
}

fn index_calls(index: &crate::schema::Index, function: &str) -> bool {
    let elements = index.elements.iter().filter_map(|element| element.expression.as_ref());
    elements.chain(&index.predicate).any(|expr| calls(expr, &[function]))
}

fn calls(expr: &Expr, functions: &[&str]) -> bool {
    matches!(expr, Expr::Call { name, .. } if functions.contains(&name.name.as_str()))
        || expr::children(expr).into_iter().any(|child| calls(child, functions))
}

fn columns_of_type(exec: &Exec, matches: impl Fn(&TypeName) -> bool) -> Vec<(QName, Arc<str>)> {
    let mut found = Vec::new();
    for relation in exec.schema.relations.values() {
        for column in &relation.columns {
            // The column of a child goes with that of its parent.
            if let ColumnType::Known(ty) = &column.ty
                && matches(ty)
                && !column.inherited
            {
                found.push((relation.name.clone(), column.name.clone()));
            }
        }
    }
    found
}
