//! R-ADDV and R-SER: ADD COLUMN without what would rewrite the table, the default for rows to come, a backfill of the rows that
//! are there, NOT NULL at the end. Also what the recipes for constraints inside ADD COLUMN share (R-ICHK).

use model::coercion::Types;
use model::effect::Work;
use model::name::QName;
use model::plan::{Class, Inverse, Mode};
use model::schema::ColumnType;
use syntax::Span;
use syntax::ast::{AlterAction, ColumnDef, Constraint, ConstraintKind, DefElem};
use syntax::lex::{self, TokenKind};

use super::{backfill, not_null};
use crate::context::Site;
use crate::draft::{Draft, Place, Rewrite, Role};
use crate::edit::{self, Edit};
use crate::{names, titles};

pub(crate) fn rewrite(site: &Site) -> Result<Rewrite, String> {
    if !site.operation.effects.iter().any(|effect| effect.work == Work::Rewrite) || !site.blocks_long() {
        return Ok(Rewrite::safe(Place::Kept, Vec::new()));
    }
    let (Some(AlterAction::AddColumn { column, if_not_exists }), Some(table)) =
        (site.subcommand().map(|it| &it.action), &site.operation.relation)
    else {
        return Err("the statement is written in a way that is not understood; change it by hand".to_owned());
    };
    must_be_new(site, column, *if_not_exists)?;
    left_behind(site, column)?;
    let generated = column.constraints.iter().any(|it| matches!(it.kind, ConstraintKind::Generated { .. }));
    if generated {
        return Err("a stored generated column is computed for every row when it is added; from PostgreSQL 18 on make it VIRTUAL, before fill a plain column in batches and by a trigger".to_owned());
    }
    let identity = column.constraints.iter().find_map(|it| match &it.kind {
        ConstraintKind::Identity { always, options } => Some((it, *always, options)),
        _ => None,
    });
    let default = column.constraints.iter().find_map(|it| match &it.kind {
        ConstraintKind::Default(default) => Some((it, default)),
        _ => None,
    });
    // Such a type rewrites the table with and without default.
    let constrained = || {
        Err("its type is a domain that every row must be checked against; add a column of the type below, with a CHECK constraint NOT VALID that is validated later".to_owned())
    };
    if is_constrained(site, table, column) {
        return constrained();
    }
    let (edits, mut steps, mandatory) = match (identity, serial(column), default) {
        (Some((constraint, always, options)), ..) => {
            let source = with_identity(site, table, column, always, options, constraint)?;
            return finish(site, column, source.0, source.1);
        }
        (None, Some(ty), _) => with_serial(site, table, column, ty)?,
        (None, None, Some((constraint, default))) => with_default(site, column, constraint, site.slice(default.span)),
        (None, None, None) => return constrained(),
    };
    steps.push(backfill::new_column(site, table, column)?);
    if mandatory {
        steps.extend(not_null::proven(site, table, &column.name.text, false));
    }
    finish(site, column, edits, steps)
}

fn is_constrained(site: &Site, table: &QName, column: &ColumnDef) -> bool {
    let types = Types { schema: site.after, search_path: &site.request.session.search_path };
    let known = site.after.relations.get(table).and_then(|it| it.column(&column.name.text));
    let domain = known.and_then(|it| match &it.ty {
        ColumnType::Known(ty) => types.domain(&types.resolve(ty)),
        ColumnType::Unknown => None,
    });
    domain.is_some_and(|(_, constrained)| constrained)
}

fn finish(site: &Site, column: &ColumnDef, edits: Vec<Edit>, steps: Vec<Draft>) -> Result<Rewrite, String> {
    let assumption = format!(
        "The rows of {} get their values of {} batch by batch in the order of the primary key, and until then are NULL.",
        site.table(),
        site.slice(column.name.span)
    );
    let mut assumptions = vec![assumption];
    if site.is_open() {
        assumptions.push(format!(
            "{} has no triggers or rules for UPDATE, which filling the rows would set off and adding the column does not.",
            site.table()
        ));
    }
    Ok(Rewrite { class: Class::Unsafe, place: Place::Inside(edits), steps, assumptions })
}

/// The column without DEFAULT and NOT NULL; the default set by the same ALTER TABLE, which does not rewrite.
fn with_default(
    site: &Site,
    column: &ColumnDef,
    default: &Constraint,
    expression: &str,
) -> (Vec<Edit>, Vec<Draft>, bool) {
    let mut edits = vec![without(site, column, default)];
    let mandatory = not_null_constraint(column);
    edits.extend(mandatory.map(|it| without(site, column, it)));
    let set = format!(
        ", {} {} {} {expression}",
        site.word("ALTER COLUMN"),
        site.slice(column.name.span),
        site.word("SET DEFAULT"),
    );
    let end = site.subcommand().map_or(column.span.end, |it| it.span.end);
    edits.push(Edit::insert(end, set));
    (edits, Vec::new(), mandatory.is_some())
}

/// The integer type of a serial type (transformColumnDefinition, parse_utilcmd.c).
fn serial(column: &ColumnDef) -> Option<&'static str> {
    let ty = column.ty.as_ref().filter(|ty| ty.schema.is_none() && !ty.array)?;
    match ty.name.as_str() {
        "smallserial" | "serial2" => Some("smallint"),
        "serial" | "serial4" => Some("integer"),
        "bigserial" | "serial8" => Some("bigint"),
        _ => None,
    }
}

fn with_serial(
    site: &Site,
    table: &QName,
    column: &ColumnDef,
    ty: &str,
) -> Result<(Vec<Edit>, Vec<Draft>, bool), String> {
    let sequence = owned_sequence(site, table, column)?;
    let type_span = column.ty.as_ref().map(|it| it.span).ok_or("the type is not understood")?;
    let mut edits = vec![Edit { span: type_span, text: ty.to_owned() }];
    edits.extend(not_null_constraint(column).map(|it| without(site, column, it)));
    let steps = vec![create_sequence(site, &sequence, ty, Some(column)), set_default(site, column, &sequence)];
    Ok((edits, steps, true))
}

/// An identity column needs its sequence and NOT NULL at once, so the rows are filled from a helper sequence first; the
/// identity goes on where that one ends.
fn with_identity(
    site: &Site,
    table: &QName,
    column: &ColumnDef,
    always: bool,
    options: &[DefElem],
    constraint: &Constraint,
) -> Result<(Vec<Edit>, Vec<Draft>), String> {
    if !options.is_empty() {
        return Err("an identity column with sequence options of its own is left as it is; add the column, fill it in batches, and make it an identity by hand".to_owned());
    }
    if site.is_partitioned() {
        return Err("an identity column of a partitioned table is left as it is; add the column, fill it in batches, and make it an identity by hand".to_owned());
    }
    let ty = match column.ty.as_ref().map(|ty| ty.name.as_str()) {
        Some("int2") => "smallint",
        Some("int4") => "integer",
        Some("int8") => "bigint",
        _ => return Err("the type of the identity column is not known".to_owned()),
    };
    let name = &column.name.text;
    let helper = names::helper_relation(site.before, table, name, "backfill");
    let mut edits = vec![without(site, column, constraint)];
    edits.extend(not_null_constraint(column).map(|it| without(site, column, it)));
    let mut steps = vec![create_sequence(site, &helper, ty, None), set_default(site, column, &helper)];
    steps.push(backfill::new_column(site, table, column)?);
    let mut proof = not_null::proven(site, table, name, false);
    let drop_proof = proof.pop();
    steps.extend(proof);
    let quoted = site.slice(column.name.span);
    let kind = if always { "ALWAYS" } else { "BY DEFAULT" };
    let sequence = site.beside(&helper);
    let title = titles::slug("make", &format!("{}_{name}_identity", table.name));
    let column_action = |action: &str| site.alter(&format!("{} {quoted} {action}", site.word("ALTER COLUMN")));
    let joined = |sql: String| Draft::new(Mode::Tx, sql, title.clone()).role(Role::Joined);
    // Undone from the last to the first: what the helper gave out ends where the identity's sequence does.
    let number = |into: &str, from: &str| {
        let [select, of] = ["SELECT", "FROM"].map(|word| site.word(word));
        format!("{select} setval({into}, last_value, is_called) {of} {from};")
    };
    let identity = site.beside(&owned_sequence(site, table, column)?);
    let own = format!("pg_get_serial_sequence({}, {})", edit::literal(&site.table()), edit::literal(name));
    let default = set_default(site, column, &helper);
    let create = create_sequence(site, &helper, ty, None);
    let Inverse::Sql { sql: drop, .. } = create.inverse else { return Err("its helper is not understood".to_owned()) };
    steps.extend([
        joined(column_action(&site.word("DROP DEFAULT"))).undone_by(Mode::Tx, default.sql),
        joined(column_action(&site.word(&format!("ADD GENERATED {kind} AS IDENTITY"))))
            .undone_by(Mode::Tx, column_action(&site.word("DROP IDENTITY"))),
        joined(number(&own, &sequence)).undone_by(Mode::Tx, number(&edit::literal(&sequence), &identity)),
        joined(drop).undone_by(Mode::Tx, create.sql),
    ]);
    steps.extend(drop_proof);
    Ok((edits, steps))
}

/// The sequence that the original makes for its column.
fn owned_sequence(site: &Site, table: &QName, column: &ColumnDef) -> Result<String, String> {
    let owned = site
        .after
        .relations
        .values()
        .find(|it| it.owned_by.as_ref().is_some_and(|(owner, name)| owner == table && **name == *column.name.text));
    owned.map(|it| it.name.name.to_string()).ok_or_else(|| "the name of its sequence is not known".to_owned())
}

/// The helper of an identity column has no owner: pg_get_serial_sequence must find the other one.
fn create_sequence(site: &Site, name: &str, ty: &str, owner: Option<&ColumnDef>) -> Draft {
    let sequence = site.beside(name);
    let mut sql = format!("{} {sequence} {} {ty}", site.word("CREATE SEQUENCE"), site.word("AS"));
    if let Some(column) = owner {
        let owned = format!(" {} {}.{}", site.word("OWNED BY"), site.table(), site.slice(column.name.span));
        sql.push_str(&owned);
    }
    sql.push(';');
    Draft::new(Mode::Tx, sql, titles::slug("create", name))
        .undone_by(Mode::Tx, format!("{} {sequence};", site.word("DROP SEQUENCE")))
}

fn set_default(site: &Site, column: &ColumnDef, sequence: &str) -> Draft {
    let quoted = site.slice(column.name.span);
    let action = |words: &str| site.alter(&format!("{} {quoted} {words}", site.word("ALTER COLUMN")));
    let default = format!("{} nextval({}::regclass)", site.word("SET DEFAULT"), edit::literal(&site.beside(sequence)));
    let title = titles::slug("number", &format!("{}_{}", site.table(), column.name.text));
    Draft::new(Mode::Tx, action(&default), title).undone_by(Mode::Tx, action(&site.word("DROP DEFAULT")))
}

fn not_null_constraint(column: &ColumnDef) -> Option<&Constraint> {
    column.constraints.iter().find(|it| matches!(it.kind, ConstraintKind::NotNull { .. }))
}

/// Constraints that stay inside the column would be checked against rows that the backfill has not reached.
fn left_behind(site: &Site, column: &ColumnDef) -> Result<(), String> {
    let operations = &site.request.trace.judged[site.statement].operations;
    for (index, constraint) in column.constraints.iter().enumerate() {
        let checked = matches!(
            constraint.kind,
            ConstraintKind::Check(_)
                | ConstraintKind::Unique(_)
                | ConstraintKind::PrimaryKey(_)
                | ConstraintKind::ForeignKey(_)
                | ConstraintKind::Exclude(_)
        );
        let chosen = site.request.chosen.iter().any(|(statement, operation)| {
            *statement == site.statement
                && operations
                    .get(*operation)
                    .is_some_and(|it| it.subcommand == site.operation.subcommand && it.constraint == Some(index))
        });
        if checked && !chosen {
            return Err(format!(
                "the column has another constraint, {}, that would have to be added later too; add it by a statement of its own",
                site.slice(constraint.span)
            ));
        }
    }
    Ok(())
}

/// ADD COLUMN IF NOT EXISTS adds its constraints only with the column, a later ADD CONSTRAINT always.
pub(super) fn must_be_new(site: &Site, column: &ColumnDef, if_not_exists: bool) -> Result<(), String> {
    let certain = !site.is_open() && site.relation().is_some_and(|it| it.column(&column.name.text).is_none());
    if if_not_exists && !certain {
        return Err(format!(
            "IF NOT EXISTS adds what belongs to column {} only when the column is not there, which is not known",
            site.slice(column.name.span)
        ));
    }
    Ok(())
}

/// Takes a constraint out of the column that it stands in.
pub(super) fn without(site: &Site, column: &ColumnDef, constraint: &Constraint) -> Edit {
    let tokens = lex::tokens(site.slice(column.span));
    let start = constraint.span.start;
    let before = tokens.iter().rev().find(|token| column.span.start + token.span.end <= start);
    // The line break behind a line comment must stay.
    let start = match before {
        Some(token) if token.kind != TokenKind::LineComment => column.span.start + token.span.end,
        _ => start,
    };
    Edit::cut(Span { start, end: constraint.span.end })
}

/// A constraint of a column as one of the table, without its name; a foreign key gets its column.
pub(super) fn as_table_constraint(site: &Site, constraint: &Constraint, column: &ColumnDef) -> Result<String, String> {
    let text = site.slice(constraint.span);
    let keyword = match constraint.kind {
        ConstraintKind::Check(_) => "CHECK",
        ConstraintKind::ForeignKey(_) => "REFERENCES",
        _ => {
            return Err(
                "the constraint cannot be added on its own; add the column while nobody uses the table".to_owned()
            );
        }
    };
    // CONSTRAINT and the name come before it; the name could be the same word, but then it is the second token.
    let skipped = if constraint.name.is_some() { 2 } else { 0 };
    let tokens = lex::tokens(text);
    let start = tokens
        .iter()
        .filter(|token| !token.is_comment())
        .skip(skipped)
        .find(|token| token.is(text, keyword))
        .ok_or("the constraint is not understood")?;
    let rest = &text[start.span.start as usize..];
    Ok(match constraint.kind {
        ConstraintKind::ForeignKey(_) => {
            format!("{} ({}) {rest}", site.word("FOREIGN KEY"), site.slice(column.name.span))
        }
        _ => rest.to_owned(),
    })
}
