//! CREATE SEQUENCE, ALTER SEQUENCE.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{self, DefElem, Name, Persistence};

use super::{Exec, Stop, reach};
use crate::effect::{LockMode, OperationKind};
use crate::name::QName;
use crate::schema::{Relation, RelationKind};

/// Nothing is locked but the table of OWNED BY, in ACCESS SHARE (process_owned_by, sequence.c).
pub(super) fn create_sequence(exec: &mut Exec, it: &ast::CreateSequence, span: Span) -> Result<(), Stop> {
    let name = if it.temporary { QName::new("pg_temp", &it.name.name) } else { exec.new_name(&it.name) };
    exec.operation(OperationKind::Other, span, Some(&name));
    if exec.schema.has_class(&name) && exec.schema.relations.get(&name).is_none_or(|it| !it.maybe && !it.open) {
        if it.if_not_exists {
            return Ok(());
        }
        return exec.refuse("42P07", format!("relation \"{}\" already exists", name.name), it.name.span);
    }
    refuse_parameters(exec, &it.options, it.name.span)?;
    let owned_by = owner(exec, it.owned_by.as_ref())?;
    let sequence = Relation {
        kind: RelationKind::Sequence,
        born: exec.born,
        maybe: it.if_not_exists && !exec.schema.is_complete(),
        open: false,
        persistence: if it.temporary { Persistence::Temporary } else { Persistence::Permanent },
        options: it.options.iter().filter(|option| option.name != "owned_by").cloned().collect(),
        owned_by,
        sequence_type: Some(sequence_type(&it.options).unwrap_or_else(|| "bigint".into())),
        ..Relation::open(name)
    };
    exec.schema.insert_relation(sequence);
    Ok(())
}

/// SHARE ROW EXCLUSIVE, so that nextval waits (AlterSequence, sequence.c).
pub(super) fn alter_sequence(exec: &mut Exec, it: &ast::AlterSequence, span: Span) -> Result<(), Stop> {
    let name = exec.resolve(&it.name);
    exec.operation(OperationKind::Other, span, Some(&name));
    if exec.is_missing(&name) {
        if it.if_exists {
            return Ok(());
        }
        let message = format!("relation \"{}\" does not exist", reach::written(&it.name));
        return exec.refuse("42P01", message, it.name.span);
    }
    let known = exec.schema.relations.get(&name).cloned();
    if known.as_ref().is_some_and(|it| !it.open && it.kind != RelationKind::Sequence) {
        return exec.refuse("42809", format!("cannot open relation \"{}\"", name.name), it.name.span);
    }
    if known.is_none() {
        exec.schema.insert_relation(Relation { kind: RelationKind::Sequence, ..Relation::open(name.clone()) });
    }
    let owned = it.options.iter().any(|option| option.name == "owned_by");
    let renounced = owned && it.owned_by.is_none();
    if owned
        && let Some((table, column)) = known.as_ref().and_then(|it| it.owned_by.as_ref())
        && exec.relation(table).column(column).is_some_and(|column| column.identity.is_some())
    {
        return exec.refuse("0A000", "cannot change ownership of identity sequence".to_owned(), it.name.span);
    }
    exec.lock(&name, LockMode::ShareRowExclusive);
    if let Some(known) = known.as_ref().filter(|known| !known.open) {
        let kept = known.options.iter().filter(|old| it.options.iter().all(|new| new.name != old.name));
        let options: Vec<DefElem> = kept.chain(&it.options).cloned().collect();
        refuse_parameters(exec, &options, it.name.span)?;
    }
    let owned_by = owner(exec, it.owned_by.as_ref())?;
    exec.schema.edit(&name, |sequence| {
        if let Some(ty) = sequence_type(&it.options) {
            sequence.sequence_type = Some(ty);
        }
        for option in it.options.iter().filter(|option| option.name != "owned_by") {
            sequence.options.retain(|old| old.name != option.name);
            sequence.options.push(option.clone());
        }
        if owned_by.is_some() || renounced {
            sequence.owned_by = owned_by;
        }
    });
    exec.schema.note_relation(&name);
    Ok(())
}

/// Values that do not fit together (init_params, sequence.c).
fn refuse_parameters(exec: &mut Exec, options: &[DefElem], span: Span) -> Result<(), Stop> {
    let number = |name: &str| options.iter().find(|it| it.name == name)?.value.as_ref()?.parse::<i64>().ok();
    let (least, most) = match sequence_type(options).as_deref() {
        None | Some("bigint") => (i64::MIN, i64::MAX),
        Some("integer") => (i32::MIN.into(), i32::MAX.into()),
        Some("smallint") => (i16::MIN.into(), i16::MAX.into()),
        Some(_) => return exec.refuse("22023", "sequence type must be smallint, integer, or bigint".to_owned(), span),
    };
    let increment = number("increment").unwrap_or(1);
    let max = number("maxvalue").unwrap_or(if increment < 0 { -1 } else { most });
    let min = number("minvalue").unwrap_or(if increment < 0 { least } else { 1 });
    let start = number("start").unwrap_or(if increment < 0 { max } else { min });
    let message = if increment == 0 {
        "INCREMENT must not be zero".to_owned()
    } else if max > most || max < least {
        format!("MAXVALUE ({max}) is out of range for sequence data type")
    } else if min > most || min < least {
        format!("MINVALUE ({min}) is out of range for sequence data type")
    } else if min >= max {
        format!("MINVALUE ({min}) must be less than MAXVALUE ({max})")
    } else if start < min {
        format!("START value ({start}) cannot be less than MINVALUE ({min})")
    } else if start > max {
        format!("START value ({start}) cannot be greater than MAXVALUE ({max})")
    } else if number("cache").is_some_and(|cache| cache <= 0) {
        "CACHE must be greater than zero".to_owned()
    } else {
        return Ok(());
    };
    exec.refuse("22023", message, span)
}

fn owner(exec: &mut Exec, owned_by: Option<&(Name, String)>) -> Result<Option<(QName, Arc<str>)>, Stop> {
    let Some((written, column)) = owned_by else { return Ok(None) };
    let Some(table) = reach::find_name(exec, written)? else { return Ok(None) };
    let relation = exec.relation(&table);
    if !relation.open && relation.column(column).is_none() {
        let message = format!("column \"{column}\" of relation \"{}\" does not exist", table.name);
        return exec.refuse("42703", message, written.span);
    }
    exec.lock(&table, LockMode::AccessShare);
    Ok(Some((table, column.as_str().into())))
}

fn sequence_type(options: &[DefElem]) -> Option<Arc<str>> {
    let ty = options.iter().find(|option| option.name == "as")?.value.as_deref()?;
    Some(match ty {
        "int2" | "smallint" => "smallint".into(),
        "int4" | "int" | "integer" => "integer".into(),
        "int8" | "bigint" => "bigint".into(),
        other => other.into(),
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE SEQUENCE s; CREATE TABLE t (id int DEFAULT nextval('s'), v int); CREATE TABLE i (id int GENERATED ALWAYS AS IDENTITY)";

    #[test]
    fn sequences() {
        let sql = "
CREATE SEQUENCE s; CREATE SEQUENCE IF NOT EXISTS s; CREATE SEQUENCE s2 OWNED BY t.v; ALTER SEQUENCE s RESTART; ALTER SEQUENCE i_id_seq RESTART; ALTER SEQUENCE s RENAME TO s3; ALTER SEQUENCE s3 RESTART;
INSERT INTO t (v) VALUES (1); DROP SEQUENCE s3; DROP SEQUENCE i_id_seq; DROP SEQUENCE s3 CASCADE; INSERT INTO t (v) VALUES (1); ALTER SEQUENCE IF EXISTS nope RESTART";
        expect![[r#"
            CREATE SEQUENCE s
                nothing | 42P07: relation "s" already exists
            CREATE SEQUENCE IF NOT EXISTS s
                nothing
            CREATE SEQUENCE s2 OWNED BY t.v
                t ACCESS SHARE
            ALTER SEQUENCE s RESTART
                s SHARE ROW EXCLUSIVE | blocks s:W t:W
            ALTER SEQUENCE i_id_seq RESTART
                i_id_seq SHARE ROW EXCLUSIVE | blocks i:W i_id_seq:W
            ALTER SEQUENCE s RENAME TO s3
                s ACCESS EXCLUSIVE | blocks s:W t:W
            ALTER SEQUENCE s3 RESTART
                s3 SHARE ROW EXCLUSIVE | blocks s3:W t:W
            INSERT INTO t (v) VALUES (1)
                s3 ROW EXCLUSIVE, t ROW EXCLUSIVE+rows
            DROP SEQUENCE s3
                nothing | 2BP01: cannot drop sequence s3 because other objects depend on it
            DROP SEQUENCE i_id_seq
                nothing | 2BP01: cannot drop sequence i_id_seq because column id of table i requires it
            DROP SEQUENCE s3 CASCADE
                s3 ACCESS EXCLUSIVE, t ACCESS EXCLUSIVE | blocks s3:W t:RW
            INSERT INTO t (v) VALUES (1)
                t ROW EXCLUSIVE+rows
            ALTER SEQUENCE IF EXISTS nope RESTART
                nothing
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn a_default_set_later_depends() {
        let sql = "CREATE SEQUENCE s2; ALTER TABLE t ALTER v SET DEFAULT nextval('s2'); DROP SEQUENCE s2";
        expect![[r#"
            CREATE SEQUENCE s2
                nothing
            ALTER TABLE t ALTER v SET DEFAULT nextval('s2')
                t ACCESS EXCLUSIVE | blocks t:RW
            DROP SEQUENCE s2
                nothing | 2BP01: cannot drop sequence s2 because other objects depend on it
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
