//! Enums, domains, composite types.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{
    AlterAction, AlterEnum, ColumnDef, Constraint, ConstraintKind, DomainAction, EnumAction, Expr, Ident, Name,
    StatementKind, TypeName,
};

use super::dependents::is_type;
use super::reach::written;
use super::{Exec, Stop};
use crate::effect::{Breaks, FailsWhen, LockMode, OperationKind, Work};
use crate::expr;
use crate::name::QName;
use crate::names::object_name;
use crate::schema::{Born, ColumnType, Default, Relation, RelationKind, Type, TypeKind};
use crate::trace::NewValue;

pub(super) fn types(exec: &mut Exec, it: &StatementKind, span: Span) {
    let _ = match it {
        StatementKind::CreateEnum { name, values } => {
            // pg_enum_typid_label_index.
            if (1..values.len()).any(|at| values[..at].contains(&values[at])) {
                let message = "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"".to_owned();
                return exec.fail("23505", message, FailsWhen::Always, span);
            }
            let values = values.iter().map(|value| value.as_str().into()).collect();
            create(exec, name, TypeKind::Enum { values }, span)
        }
        StatementKind::AlterEnum(it) => alter_enum(exec, it, span),
        StatementKind::CreateComposite { name, attributes } => {
            let attribute = |it: &ColumnDef| Some((it.name.text.as_str().into(), it.ty.clone()?));
            create(
                exec,
                name,
                TypeKind::Composite { attributes: attributes.iter().filter_map(attribute).collect() },
                span,
            )
        }
        StatementKind::CreateRange { name } => create(exec, name, TypeKind::Range, span),
        StatementKind::Define { object: syntax::ast::ObjectKind::Type, name } => define(exec, name, span),
        StatementKind::CreateDomain { name, base, constraints, .. } => {
            create_domain(exec, name, base, constraints, span)
        }
        StatementKind::AlterDomain { name, action } => alter_domain(exec, name, action, span),
        _ => {
            exec.operation(OperationKind::Other, span, None);
            Ok(())
        }
    };
}

/// Types and relations share one name space (pg_type).
fn create(exec: &mut Exec, written: &Name, kind: TypeKind, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    let name = exec.new_name(written);
    let taken = exec.schema.types.get(&name).is_some_and(|it| !it.maybe)
        || exec.schema.relations.get(&name).is_some_and(|it| !it.maybe && it.kind != RelationKind::Sequence);
    if taken {
        return exec.refuse("42710", format!("type \"{}\" already exists", written.name), written.span);
    }
    let ty = Type { name: name.clone(), kind, born: exec.born, maybe: false };
    exec.schema.types.insert(name, Arc::new(ty));
    Ok(())
}

/// CREATE TYPE of a base type fills the shell of the same name.
fn define(exec: &mut Exec, written: &Name, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    let name = exec.new_name(written);
    let ty = Type { name: name.clone(), kind: TypeKind::Other, born: exec.born, maybe: false };
    exec.schema.types.insert(name, Arc::new(ty));
    Ok(())
}

/// No relation is locked; the type is, in EXCLUSIVE mode (AddEnumLabel, pg_enum.c).
fn alter_enum(exec: &mut Exec, it: &AlterEnum, span: Span) -> Result<(), Stop> {
    let name = exec.resolve_type(&it.name);
    let kind = match it.action {
        EnumAction::AddValue { .. } => OperationKind::AddEnumValue,
        EnumAction::RenameValue { .. } => OperationKind::RenameEnumValue,
        EnumAction::DropValue { .. } => OperationKind::Other,
    };
    exec.operation(kind, span, Some(&name));
    let known = exec.schema.types.get(&name).cloned();
    let values: Option<&Vec<Arc<str>>> = match known.as_ref().map(|it| &it.kind) {
        Some(TypeKind::Enum { values }) => Some(values),
        Some(_) => return exec.refuse("42809", format!("{name} is not an enum"), it.name.span),
        None if exec.schema.is_complete() && exec.schema.extensions.is_empty() => {
            return exec.refuse("42704", format!("type \"{}\" does not exist", written(&it.name)), it.name.span);
        }
        None => None,
    };
    let has = |value: &str| values.map(|values| values.iter().any(|it| **it == *value));
    match &it.action {
        EnumAction::AddValue { value, neighbour, after, if_not_exists } => {
            if has(value) == Some(true) {
                if *if_not_exists {
                    return Ok(());
                }
                return exec.refuse("42710", format!("enum label \"{value}\" already exists"), span);
            }
            if let Some(neighbour) = neighbour
                && has(neighbour) == Some(false)
            {
                return exec.refuse("22023", format!("\"{neighbour}\" is not an existing enum label"), span);
            }
            if exec.setting.in_transaction != Some(false) {
                let with_type = known.as_ref().is_some_and(|ty| ty.born == Born::Here);
                let new = NewValue { ty: name.clone(), value: value.as_str().into(), with_type };
                Arc::make_mut(&mut exec.session.new_values).push(new);
            }
            change_values(exec, &name, |values| {
                let at = neighbour.as_ref().and_then(|it| values.iter().position(|value| **value == **it));
                values.insert(at.map_or(values.len(), |at| at + usize::from(*after)), value.as_str().into());
            });
            Ok(())
        }
        EnumAction::RenameValue { from, to } => {
            if has(from) == Some(false) {
                return exec.refuse("22023", format!("\"{from}\" is not an existing enum label"), span);
            }
            if has(to) == Some(true) {
                return exec.refuse("42710", format!("enum label \"{to}\" already exists"), span);
            }
            exec.breaks.push(Breaks::EnumValueRenamed { name: name.clone(), from: from.clone() });
            change_values(exec, &name, |values| {
                values.iter_mut().filter(|value| ***value == **from).for_each(|value| *value = to.as_str().into());
            });
            Ok(())
        }
        // Grammar of 17, rejected in it (AlterEnumStmt, gram.y).
        EnumAction::DropValue { .. } => {
            exec.refuse("0A000", "dropping an enum value is not implemented".to_owned(), span)
        }
    }
}

fn change_values(exec: &mut Exec, name: &QName, change: impl FnOnce(&mut Vec<Arc<str>>)) {
    if let Some(ty) = exec.schema.types.get_mut(name)
        && let TypeKind::Enum { values } = &mut Arc::make_mut(ty).kind
    {
        change(values);
    }
}

fn create_domain(
    exec: &mut Exec,
    name: &Name,
    base: &TypeName,
    constraints: &[Constraint],
    span: Span,
) -> Result<(), Stop> {
    let mut not_null = false;
    let mut default = None;
    let mut checks = Vec::new();
    for constraint in constraints {
        match &constraint.kind {
            ConstraintKind::NotNull { .. } => not_null = true,
            ConstraintKind::Default(it) => {
                default = Some(Default { expr: expr::placeless(&it.expr), text: exec.source(it.span) });
            }
            ConstraintKind::Check(it) => {
                let taken: Vec<Arc<str>> =
                    checks.iter().map(|(name, ..): &(Arc<str>, Arc<str>, bool)| name.clone()).collect();
                let label = constraint_name(constraint.name.as_ref(), &name.name, "check", &taken);
                checks.push((label, exec.source(it.span), true));
            }
            _ => {}
        }
    }
    create(exec, name, TypeKind::Domain { base: base.clone(), not_null, default, constraints: checks }, span)
}

/// The name given, or `domain_check`, `domain_check1`, ... (ChooseConstraintName, pg_constraint.c).
fn constraint_name(given: Option<&Ident>, domain: &str, label: &str, taken: &[Arc<str>]) -> Arc<str> {
    if let Some(given) = given {
        return given.text.as_str().into();
    }
    let mut name = object_name(domain, None, label);
    let mut count = 0;
    while taken.iter().any(|it| **it == *name) {
        count += 1;
        name = object_name(domain, None, &format!("{label}{count}"));
    }
    name.as_str().into()
}

/// A constraint that is checked scans every table with a column of the domain under SHARE (validateDomainCheckConstraint and
/// validateDomainNotNullConstraint through get_rels_with_domain, typecmds.c); everything else locks no relation.
fn alter_domain(exec: &mut Exec, written_name: &Name, action: &DomainAction, span: Span) -> Result<(), Stop> {
    let name = exec.resolve_type(written_name);
    exec.operation(OperationKind::DomainConstraint, span, Some(&name));
    let known = exec.schema.types.get(&name).cloned();
    let domain = match known.as_ref().map(|it| &it.kind) {
        Some(TypeKind::Domain { not_null, constraints, .. }) => Some((*not_null, constraints.clone())),
        Some(_) => return exec.refuse("42809", format!("\"{}\" is not a domain", name.name), written_name.span),
        None if exec.schema.is_complete() && exec.schema.extensions.is_empty() => {
            let message = format!("type \"{}\" does not exist", written(written_name));
            return exec.refuse("42704", message, written_name.span);
        }
        None => None,
    };
    let has = |label: &str| domain.as_ref().map(|(_, constraints)| constraints.iter().any(|(it, ..)| **it == *label));
    match action {
        DomainAction::SetDefault(it) => {
            let default = it.as_ref().map(|it| Default { expr: expr::placeless(&it.expr), text: exec.source(it.span) });
            change_domain(exec, &name, |_, slot, _| *slot = default);
        }
        DomainAction::DropNotNull => change_domain(exec, &name, |not_null, _, _| *not_null = false),
        DomainAction::SetNotNull => {
            // Already not null: nothing is done (AlterDomainNotNull).
            if domain.as_ref().is_none_or(|(not_null, _)| !not_null) {
                scan(exec, &name, span)?;
                change_domain(exec, &name, |not_null, _, _| *not_null = true);
            }
        }
        DomainAction::AddConstraint(it) => match &it.kind {
            ConstraintKind::NotNull { .. } => {
                if !exec.since(17) {
                    return exec.refuse("42601", "syntax error at or near \"NOT\"".to_owned(), it.span);
                }
                if domain.as_ref().is_none_or(|(not_null, _)| !not_null) {
                    scan(exec, &name, span)?;
                    change_domain(exec, &name, |not_null, _, _| *not_null = true);
                }
            }
            ConstraintKind::Check(check) => {
                if let Some(label) = &it.name
                    && has(&label.text) == Some(true)
                {
                    let message = format!("constraint \"{}\" for domain \"{}\" already exists", label.text, name.name);
                    return exec.refuse("42710", message, label.span);
                }
                if !it.not_valid {
                    scan(exec, &name, span)?;
                }
                let text = exec.source(check.span);
                let valid = !it.not_valid;
                change_domain(exec, &name, |_, _, constraints| {
                    let taken: Vec<Arc<str>> = constraints.iter().map(|(name, ..)| name.clone()).collect();
                    constraints.push((constraint_name(it.name.as_ref(), &name.name, "check", &taken), text, valid));
                });
            }
            _ => {}
        },
        DomainAction::DropConstraint { name: label, if_exists } => {
            if has(&label.text) == Some(false) && !if_exists {
                let message = format!("constraint \"{}\" of domain \"{}\" does not exist", label.text, name.name);
                return exec.refuse("42704", message, label.span);
            }
            change_domain(exec, &name, |_, _, constraints| constraints.retain(|(it, ..)| **it != *label.text));
        }
        DomainAction::ValidateConstraint { name: label } => {
            if has(&label.text) == Some(false) {
                let message = format!("constraint \"{}\" of domain \"{}\" does not exist", label.text, name.name);
                return exec.refuse("42704", message, label.span);
            }
            // Even a valid one is checked again (AlterDomainValidateConstraint).
            scan(exec, &name, span)?;
            change_domain(exec, &name, |_, _, constraints| {
                constraints.iter_mut().filter(|(it, ..)| **it == *label.text).for_each(|it| it.2 = true);
            });
        }
    }
    Ok(())
}

fn change_domain(
    exec: &mut Exec,
    name: &QName,
    change: impl FnOnce(&mut bool, &mut Option<Default>, &mut Vec<(Arc<str>, Arc<str>, bool)>),
) {
    if let Some(ty) = exec.schema.types.get_mut(name)
        && let TypeKind::Domain { not_null, default, constraints, .. } = &mut Arc::make_mut(ty).kind
    {
        change(not_null, default, constraints);
    }
}

fn scan(exec: &mut Exec, domain: &QName, span: Span) -> Result<(), Stop> {
    let domains = domains_over(exec, domain);
    let is_domain = |ty: &ColumnType| domains.iter().any(|domain| is_type(ty, domain));
    let composites: Vec<QName> = exec
        .schema
        .types
        .values()
        .filter(|it| match &it.kind {
            TypeKind::Composite { attributes } => {
                attributes.iter().any(|(_, ty)| is_domain(&ColumnType::Known(ty.clone())))
            }
            _ => false,
        })
        .map(|it| it.name.clone())
        .collect();
    // Arrays of the domain and types made with it are beyond it (find_composite_type_dependencies, tablecmds.c).
    let inside = |ty: &ColumnType| {
        let array = matches!(ty, ColumnType::Known(it) if it.array) && is_domain(ty);
        array || composites.iter().any(|composite| is_type(ty, composite))
    };
    let beyond = exec.schema.relations.values().filter(|it| it.of_type.is_none()).find_map(|it| {
        let column = it.columns.iter().find(|column| inside(&column.ty))?;
        Some(format!("{}.{}", it.name.name, column.name))
    });
    if let Some(place) = beyond {
        let message = format!("cannot alter type \"{}\" because column \"{place}\" uses it", domain.name);
        return exec.refuse("0A000", message, span);
    }
    let uses = |ty: &ColumnType| match ty {
        ColumnType::Known(it) if !it.array => domains.iter().any(|domain| is_type(ty, domain)),
        _ => false,
    };
    let tables: Vec<(QName, RelationKind)> = exec
        .schema
        .relations
        .values()
        .filter(|it| it.columns.iter().any(|column| uses(&column.ty)))
        .map(|it| (it.name.clone(), it.kind))
        .collect();
    for (table, kind) in tables {
        // Relations without storage are let go at once.
        if matches!(kind, RelationKind::Table | RelationKind::MaterializedView) {
            exec.work(&table, LockMode::Share, Work::Scan);
        }
    }
    Ok(())
}

/// The domain and domains over it.
fn domains_over(exec: &Exec, domain: &QName) -> Vec<QName> {
    let mut found = vec![domain.clone()];
    let mut next = 0;
    while next < found.len() {
        for ty in exec.schema.types.values() {
            if let TypeKind::Domain { base, .. } = &ty.kind
                && is_type(&ColumnType::Known(base.clone()), &found[next])
                && !found.contains(&ty.name)
            {
                found.push(ty.name.clone());
            }
        }
        next += 1;
    }
    found
}

/// A value that ALTER TYPE ... ADD VALUE brought in a transaction cannot be used before that is committed
/// (check_safe_enum_use, enum.c), unless the type was created in the same transaction, and that from 17 on.
pub(super) fn check_new_values(exec: &mut Exec, it: &StatementKind, span: Span) {
    if exec.session.new_values.is_empty() {
        return;
    }
    match it {
        StatementKind::Select(query) => query.targets.iter().for_each(|target| check(exec, target, None, span)),
        StatementKind::Update(it) => {
            let table = exec.relation(&exec.resolve(&it.target.name));
            for assignment in &it.assignments {
                let Some(value) = &assignment.value else { continue };
                let ty = table.column(&assignment.column).map(|column| column.ty.clone());
                check(exec, &value.expr, ty.as_ref(), value.span);
            }
            if let Some(filter) = &it.filter {
                check_filter(exec, &filter.expr, &types_of(&table), filter.span);
            }
        }
        StatementKind::Delete(it) => {
            let table = exec.relation(&exec.resolve(&it.target.name));
            if let Some(filter) = &it.filter {
                check_filter(exec, &filter.expr, &types_of(&table), filter.span);
            }
        }
        StatementKind::CreateTable(it) => {
            it.columns.iter().for_each(|column| check_column(exec, column));
            let own = it.columns.iter().flat_map(|column| &column.constraints).chain(&it.constraints);
            let checks = own.filter_map(|constraint| match &constraint.kind {
                ConstraintKind::Check(it) => Some(it),
                _ => None,
            });
            let types =
                |column: &str| it.columns.iter().find(|own| own.name.text == column)?.ty.clone().map(ColumnType::Known);
            checks.for_each(|at| check_filter(exec, &at.expr, &types, at.span));
        }
        StatementKind::CreateIndex(it) => {
            let table = exec.relation(&exec.resolve(&it.relation.name));
            if let Some(predicate) = &it.predicate {
                check_filter(exec, &predicate.expr, &types_of(&table), predicate.span);
            }
        }
        StatementKind::AlterTable(it) => {
            let table = exec.relation(&exec.resolve(&it.relation.name));
            for subcommand in &it.subcommands {
                match &subcommand.action {
                    AlterAction::AddColumn { column, .. } => check_column(exec, column),
                    AlterAction::SetDefault { column, default } => {
                        let ty = table.column(&column.text).map(|column| column.ty.clone());
                        check(exec, &default.expr, ty.as_ref(), default.span);
                    }
                    AlterAction::AddConstraint(Constraint { kind: ConstraintKind::Check(it), .. }) => {
                        check_filter(exec, &it.expr, &types_of(&table), it.span);
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn check_column(exec: &mut Exec, column: &ColumnDef) {
    let ty = column.ty.clone().map(ColumnType::Known);
    for constraint in &column.constraints {
        if let ConstraintKind::Default(it) = &constraint.kind {
            check(exec, &it.expr, ty.as_ref(), it.span);
        }
    }
}

fn types_of(table: &Relation) -> impl Fn(&str) -> Option<ColumnType> {
    |column| table.column(column).map(|column| column.ty.clone())
}

/// Comparisons of a column with a literal give the literal the column's type.
fn check_filter(exec: &mut Exec, expr: &Expr, types: &dyn Fn(&str) -> Option<ColumnType>, span: Span) {
    let ty = match expr {
        Expr::Operator { left: Some(left), .. } | Expr::AnyOf { left, .. } => match &**left {
            Expr::Column(parts) => parts.last().and_then(|column| types(column)),
            _ => None,
        },
        _ => None,
    };
    match (expr, ty) {
        (Expr::Operator { right, .. }, Some(ty)) => check(exec, right, Some(&ty), span),
        (Expr::AnyOf { values, .. }, Some(ty)) => values.iter().for_each(|value| check(exec, value, Some(&ty), span)),
        _ => expr::children(expr).into_iter().for_each(|child| check_filter(exec, child, types, span)),
    }
}

/// `context`: the type that a literal without a type of its own gets.
fn check(exec: &mut Exec, expr: &Expr, context: Option<&ColumnType>, span: Span) {
    match expr {
        Expr::Cast { operand, ty } => check(exec, operand, Some(&ColumnType::Known(ty.clone())), span),
        Expr::String(text) => {
            let Some(ty) = context else { return };
            let values = exec.session.new_values.clone();
            let fresh = values
                .iter()
                .find(|it| *it.value == **text && is_type(ty, &it.ty) && !(it.with_type && exec.since(17)));
            if let Some(fresh) = fresh {
                let message = format!("unsafe use of new value \"{text}\" of enum type {}", fresh.ty.name);
                let inside = exec.setting.in_transaction == Some(true);
                let when = if inside { FailsWhen::Always } else { FailsWhen::Wrapped };
                exec.fail("55P04", message, when, span);
            }
        }
        _ => expr::children(expr).into_iter().for_each(|child| check(exec, child, context, span)),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN pos AS int CHECK (VALUE > 0); CREATE TABLE t (id int, m mood, p pos); CREATE TABLE u (p pos)";

    #[test]
    fn enums() {
        let sql = "
ALTER TYPE mood ADD VALUE 'great' AFTER 'ok'; ALTER TYPE mood ADD VALUE 'ok'; ALTER TYPE mood ADD VALUE IF NOT EXISTS 'ok'; ALTER TYPE mood RENAME VALUE 'nope' TO 'x';
UPDATE t SET m = 'great'; BEGIN; ALTER TYPE mood ADD VALUE 'new'; UPDATE t SET m = 'new'; ALTER TABLE t ALTER COLUMN m SET DEFAULT 'new'; CREATE INDEX ON t (id) WHERE m = 'new'; CREATE TABLE x (m mood CHECK (m <> 'new')); COMMIT; UPDATE t SET m = 'new' WHERE m = 'sad';
BEGIN; CREATE TYPE e2 AS ENUM ('a'); ALTER TYPE e2 ADD VALUE 'b'; CREATE TABLE w (e e2 DEFAULT 'b'); COMMIT";
        expect![[r#"
            ALTER TYPE mood ADD VALUE 'great' AFTER 'ok'
                nothing
            ALTER TYPE mood ADD VALUE 'ok'
                nothing | 42710: enum label "ok" already exists
            ALTER TYPE mood ADD VALUE IF NOT EXISTS 'ok'
                nothing
            ALTER TYPE mood RENAME VALUE 'nope' TO 'x'
                nothing | 22023: "nope" is not an existing enum label
            UPDATE t SET m = 'great'
                t ROW EXCLUSIVE+rows, t ROW EXCLUSIVE+scan | blocks t:W
            BEGIN
                nothing
            ALTER TYPE mood ADD VALUE 'new'
                nothing
            UPDATE t SET m = 'new'
                t ROW EXCLUSIVE+rows, t ROW EXCLUSIVE+scan | blocks t:W | 55P04: unsafe use of new value "new" of enum type mood
            ALTER TABLE t ALTER COLUMN m SET DEFAULT 'new'
                t ACCESS EXCLUSIVE | blocks t:RW | 55P04: unsafe use of new value "new" of enum type mood
            CREATE INDEX ON t (id) WHERE m = 'new'
                t SHARE+build, t_id_idx SHARE+build | blocks t:W | 55P04: unsafe use of new value "new" of enum type mood
            CREATE TABLE x (m mood CHECK (m <> 'new'))
                nothing | 55P04: unsafe use of new value "new" of enum type mood
            COMMIT
                nothing
            UPDATE t SET m = 'new' WHERE m = 'sad'
                t ROW EXCLUSIVE+rows, t ROW EXCLUSIVE+scan | blocks t:W
            BEGIN
                nothing
            CREATE TYPE e2 AS ENUM ('a')
                nothing
            ALTER TYPE e2 ADD VALUE 'b'
                nothing
            CREATE TABLE w (e e2 DEFAULT 'b')
                nothing | 55P04: unsafe use of new value "b" of enum type e2 (14-16)
            COMMIT
                nothing
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn domains() {
        let sql = "
ALTER DOMAIN pos ADD CHECK (VALUE < 10); ALTER DOMAIN pos ADD CONSTRAINT c CHECK (VALUE < 9) NOT VALID; ALTER DOMAIN pos VALIDATE CONSTRAINT c;
ALTER DOMAIN pos SET NOT NULL; ALTER DOMAIN pos SET NOT NULL; ALTER DOMAIN pos DROP CONSTRAINT nope; ALTER DOMAIN pos SET DEFAULT 1; ALTER DOMAIN nope DROP NOT NULL";
        expect![[r#"
            ALTER DOMAIN pos ADD CHECK (VALUE < 10)
                t SHARE+scan, u SHARE+scan | blocks t:W u:W
            ALTER DOMAIN pos ADD CONSTRAINT c CHECK (VALUE < 9) NOT VALID
                nothing
            ALTER DOMAIN pos VALIDATE CONSTRAINT c
                t SHARE+scan, u SHARE+scan | blocks t:W u:W
            ALTER DOMAIN pos SET NOT NULL
                t SHARE+scan, u SHARE+scan | blocks t:W u:W
            ALTER DOMAIN pos SET NOT NULL
                nothing
            ALTER DOMAIN pos DROP CONSTRAINT nope
                nothing | 42704: constraint "nope" of domain "pos" does not exist
            ALTER DOMAIN pos SET DEFAULT 1
                nothing
            ALTER DOMAIN nope DROP NOT NULL
                nothing
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
