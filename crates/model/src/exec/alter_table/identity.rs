//! Serial and identity columns, and the sequences that they bring.

use syntax::Span;
use syntax::ast::{self, DefElem};

use super::columns::edit_column;
use super::{Alter, Task, require_column};
use crate::effect::{Breaks, LockMode};
use crate::exec::{Exec, Stop};
use crate::name::QName;
use crate::names;
use crate::schema::{Column, ColumnType, Default, Relation, RelationKind};
use crate::volatility;

/// The type is that of the sequence (process_owned_by and init_params, sequence.c).
pub(in crate::exec) fn refuse_type(exec: &mut Exec, ty: &ColumnType, span: Span) -> Result<(), Stop> {
    let fits = match ty {
        ColumnType::Known(ty) if ty.array => false,
        ColumnType::Known(ty) if crate::coercion::is_built_in(ty) => matches!(&*ty.name, "int2" | "int4" | "int8"),
        ColumnType::Known(ty) => crate::exec::define::types(exec).kind(ty).is_none(),
        ColumnType::Unknown => true,
    };
    if fits {
        return Ok(());
    }
    exec.refuse("22023", "identity column type must be smallint, integer, or bigint".to_owned(), span)
}

/// Serial and identity columns bring a sequence (generateSerialExtraStmts, parse_utilcmd.c); a serial's default draws from it.
pub(in crate::exec) fn add_sequence(exec: &mut Exec, table: &QName, it: &ast::ColumnDef, column: &mut Column) {
    let is_serial = it.ty.as_ref().is_some_and(|ty| crate::coercion::serial(ty).is_some());
    let identity = it.constraints.iter().find_map(|constraint| match &constraint.kind {
        ast::ConstraintKind::Identity { options, .. } => Some(options),
        _ => None,
    });
    if !is_serial && identity.is_none() {
        return;
    }
    let name = sequence_name(exec, table, &column.name, identity.map_or(&[], |options| options));
    create_sequence(exec, table, column, &name);
    if is_serial {
        column.default = Some(nextval(&name));
    }
}

/// The sequence of an identity column that LIKE copies.
pub(in crate::exec) fn add_identity_sequence(exec: &mut Exec, table: &QName, column: &Column) {
    let name = sequence_name(exec, table, &column.name, &[]);
    create_sequence(exec, table, column, &name);
}

/// The name given with SEQUENCE NAME, else `table_column_seq`.
fn sequence_name(exec: &Exec, table: &QName, column: &str, options: &[DefElem]) -> QName {
    let given = options.iter().find(|option| option.name == "sequence_name").and_then(|option| option.value.as_deref());
    if let Some(given) = given {
        let name = volatility::parse_name(given);
        return QName::of(&name, &table.schema);
    }
    let name = names::choose_relation_name(&exec.schema, table, &table.name, Some(column), "seq", false, || false);
    table.sibling(&name)
}

fn create_sequence(exec: &mut Exec, table: &QName, column: &Column, name: &QName) {
    let ty = match &column.ty {
        ColumnType::Known(ty) => crate::coercion::describe(ty),
        ColumnType::Unknown => "bigint".to_owned(),
    };
    let persistence = exec.relation(table).persistence;
    let sequence = Relation {
        kind: RelationKind::Sequence,
        born: exec.born,
        open: false,
        persistence,
        owned_by: Some((table.clone(), column.name.clone())),
        sequence_type: Some(ty.as_str().into()),
        ..Relation::open(name.clone())
    };
    exec.schema.insert_relation(sequence);
}

/// `nextval('t_c_seq'::regclass)`.
fn nextval(sequence: &QName) -> Default {
    let name = if &*sequence.schema == "public" {
        syntax::quote_ident(&sequence.name)
    } else {
        format!("{}.{}", syntax::quote_ident(&sequence.schema), syntax::quote_ident(&sequence.name))
    };
    let text = format!("nextval('{}'::regclass)", name.replace('\'', "''"));
    let argument =
        ast::Expr::Cast { operand: Box::new(ast::Expr::String(name)), ty: crate::coercion::plain("regclass") };
    let function = ast::Name { schema: None, name: "nextval".to_owned(), span: Span::default() };
    Default { expr: ast::Expr::Call { name: function, arguments: vec![argument] }, text: text.into() }
}

/// ATExecAddIdentity.
pub(super) fn add_identity(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    column: &str,
    always: bool,
    options: &[DefElem],
) -> Result<(), Stop> {
    require_column(exec, task, &alter.table, column)?;
    let relation = exec.relation(&alter.table);
    let tables = identity_tables(exec, alter, task, &relation, "add identity to", "add identity to a column of only")?;
    let Some(it) = relation.column(column).cloned() else { return Ok(()) };
    let problem = if !it.not_null && !relation.open {
        Some("must be declared NOT NULL before identity can be added")
    } else if it.identity.is_some() {
        Some("is already an identity column")
    } else if it.default.is_some() {
        Some("already has a default value")
    } else {
        None
    };
    if let Some(problem) = problem {
        let message = format!("column \"{column}\" of relation \"{}\" {problem}", alter.table.name);
        return exec.refuse("55000", message, task.span);
    }
    refuse_type(exec, &it.ty, task.span)?;
    let name = sequence_name(exec, &alter.table, column, options);
    create_sequence(exec, &alter.table, &it, &name);
    for table in tables {
        edit_column(exec, &table, column, |it| it.identity = Some(if always { 'a' } else { 'd' }));
    }
    Ok(())
}

/// Identity goes to partitions since 17, and only through the partitioned table.
fn identity_tables(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    relation: &Relation,
    on_partition: &str,
    on_only: &str,
) -> Result<Vec<QName>, Stop> {
    let partitioned = relation.kind == RelationKind::PartitionedTable;
    if !(partitioned || relation.partition_of.is_some()) || !exec.since(17) {
        return Ok(vec![alter.table.clone()]);
    }
    if relation.partition_of.is_some() {
        return exec.refuse("42P16", format!("cannot {on_partition} a column of a partition"), task.span);
    }
    if !alter.recurse {
        return exec.refuse("42P16", format!("cannot {on_only} the partitioned table"), task.span);
    }
    Ok(alter.with_descendants(exec, task))
}

/// SET GENERATED and the options of the sequence: ALTER SEQUENCE runs in any case (transformAlterTableStmt).
pub(super) fn set_identity(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    column: &str,
    options: &[DefElem],
) -> Result<(), Stop> {
    require_column(exec, task, &alter.table, column)?;
    let relation = exec.relation(&alter.table);
    let generated = options.iter().find(|option| option.name == "generated");
    if relation.column(column).is_some_and(|it| it.identity.is_none()) && !relation.open {
        let message = format!("column \"{column}\" of relation \"{}\" is not an identity column", alter.table.name);
        return exec.refuse("55000", message, task.span);
    }
    for (sequence, _) in exec.schema.sequences_of(&alter.table).iter().filter(|(_, of)| &**of == column) {
        exec.lock(sequence, LockMode::ShareRowExclusive);
    }
    let Some(generated) = generated else { return Ok(()) };
    let always = generated.value.as_deref().is_none_or(|value| value.eq_ignore_ascii_case("always") || value == "97");
    let partitioned = relation.kind == RelationKind::PartitionedTable;
    let tables =
        if partitioned && exec.since(17) { alter.with_descendants(exec, task) } else { vec![alter.table.clone()] };
    for table in tables {
        edit_column(exec, &table, column, |it| it.identity = Some(if always { 'a' } else { 'd' }));
    }
    Ok(())
}

/// ATExecDropIdentity: the sequence goes too.
pub(super) fn drop_identity(
    exec: &mut Exec,
    alter: &Alter,
    task: &Task<'_>,
    column: &str,
    if_exists: bool,
) -> Result<(), Stop> {
    require_column(exec, task, &alter.table, column)?;
    let relation = exec.relation(&alter.table);
    let tables =
        identity_tables(exec, alter, task, &relation, "drop identity from", "drop identity from a column of only")?;
    if relation.column(column).is_some_and(|it| it.identity.is_none()) && !relation.open {
        if if_exists {
            return Ok(());
        }
        let message = format!("column \"{column}\" of relation \"{}\" is not an identity column", alter.table.name);
        return exec.refuse("55000", message, task.span);
    }
    for table in tables {
        edit_column(exec, &table, column, |it| it.identity = None);
    }
    for (sequence, of) in exec.schema.sequences_of(&alter.table) {
        if &*of == column {
            exec.lock(&sequence, LockMode::AccessExclusive);
            exec.schema.remove_relation(&sequence);
        }
    }
    if relation.column(column).is_some_and(|it| it.not_null) {
        exec.breaks.push(Breaks::InsertNeedsColumn { relation: alter.table.clone(), column: column.to_owned() });
    }
    Ok(())
}
