//! Forms that no record holds: predicted by the model and observed on real servers.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use model::effect::{Effect, FailsWhen, Work, lock_name};
use model::runner::{Messages, Runner, RunnerTransaction};
use model::schema::{Born, RelationKind, Schema};
use model::trace::{Judged, Session, Settings, Trace, Unit, fold, trace};
use safestep_tests::observe::{Case, Observation, observe};
use safestep_tests::servers;

#[test]
fn forms() {
    let directory = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/observations");
    let file = std::env::var("FORMS").unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let mut cases: Vec<(String, String, String)> = Vec::new();
    let (mut setup, mut pre) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("# setup ") {
            setup = name.to_owned();
            pre = String::new();
        } else if let Some(sql) = line.strip_prefix("# pre ") {
            pre = sql.to_owned();
        } else if !line.trim().is_empty() && !line.starts_with("--") {
            cases.push((setup.clone(), pre.clone(), line.to_owned()));
        }
    }
    let only = std::env::var("ONLY").unwrap_or_default();
    let cases: Vec<_> = cases.into_iter().filter(|it| it.2.contains(&only)).collect();
    let results: std::sync::Mutex<BTreeMap<(usize, String), Vec<u32>>> = Default::default();
    servers::on_each(|server| {
        for (at, (setup, pre, sql)) in cases.iter().enumerate() {
            let setup = std::fs::read_to_string(directory.join(format!("setups/{setup}.sql"))).unwrap();
            let settings = vec!["SET timezone = 'UTC'".to_owned()];
            let statements: Vec<&str> = sql.split(";; ").collect();
            let case = Case { setup: &setup, pre, settings: &settings, statements: &statements };
            let observed = observe(server, &case);
            let sql = sql.replace(";; ", "; ");
            let mut difference = compare(&setup, pre, &settings.join(";"), &sql, server.major, &observed);
            if difference.is_empty() && observed.error.is_none() && std::env::var("CATALOG").is_ok() {
                difference = catalogs(server, &setup, pre, &sql, &statements);
            }
            if !difference.is_empty() {
                results.lock().unwrap().entry((at, difference)).or_default().push(server.major);
            }
        }
    });
    let mut out = String::new();
    for ((at, difference), majors) in results.into_inner().unwrap() {
        let (setup, pre, sql) = &cases[at];
        let pre: String = pre.chars().take(70).collect();
        let _ = writeln!(out, "[{setup}] {pre}\n  {sql}   {majors:?}\n{difference}");
    }
    println!("{} cases\n{out}", cases.len());
}

const CATALOG: &str = r"
SELECT 'column ' || n.nspname || '.' || c.relname || '.' || a.attname || ' ' || CASE WHEN a.atttypid = 1186 THEN 'interval' ELSE format_type(a.atttypid, a.atttypmod) END
  || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END
  || CASE WHEN a.attgenerated <> '' THEN ' generated ' || a.attgenerated::text WHEN a.atthasdef THEN ' default' ELSE '' END
  || CASE WHEN a.attinhcount > 0 THEN ' inherited' ELSE '' END || CASE WHEN a.attislocal THEN '' ELSE ' not local' END
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'constraint ' || n.nspname || '.' || c.relname || '.' || k.conname || ' ' || k.contype::text || CASE WHEN k.convalidated THEN '' ELSE ' not valid' END
  || CASE WHEN k.coninhcount > 0 THEN ' inherited' ELSE '' END || CASE WHEN k.conislocal THEN '' ELSE ' not local' END || CASE WHEN k.condeferrable THEN ' deferrable' ELSE '' END
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
  AND k.contype <> 't' AND NOT (k.contype = 'f' AND k.conparentid <> 0 AND EXISTS (SELECT 1 FROM pg_constraint p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid))
UNION ALL
SELECT 'index ' || n.nspname || '.' || c.relname || ' on ' || t.relname || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END || CASE WHEN i.indisunique THEN ' unique' ELSE '' END
  || CASE WHEN c.relispartition THEN ' attached' ELSE '' END
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT LIKE 'pg\_%'
UNION ALL
SELECT 'relation ' || n.nspname || '.' || c.relname || ' ' || c.relkind::text || CASE WHEN c.relkind = 'S' THEN '' ELSE ' ' || c.relpersistence::text END || CASE WHEN c.relispartition THEN ' partition' ELSE '' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
";

fn catalogs(server: &'static servers::Server, setup: &str, pre: &str, sql: &str, statements: &[&str]) -> String {
    let database = server.database(setup);
    let mut client = database.connect();
    client.batch_execute(pre).unwrap();
    client.batch_execute("SET timezone = 'UTC'").unwrap();
    for statement in statements {
        if client.batch_execute(statement).is_err() {
            return String::new();
        }
    }
    let observed: BTreeSet<String> = client.query(CATALOG, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    let empty = Schema { complete: true, ..Schema::default() };
    let (schema, session) = replay(&empty, &Session::default(), setup, server.major);
    let (schema, session) = replay(&schema, &session, pre, server.major);
    let (schema, session) = replay(&schema, &session, "SET timezone = 'UTC'", server.major);
    let (schema, _) = replay(&schema, &session, sql, server.major);
    let predicted = draw(&schema, server.major);
    let mut out = String::new();
    for line in predicted.difference(&observed) {
        let _ = writeln!(out, "    only predicted: {line}");
    }
    for line in observed.difference(&predicted) {
        let _ = writeln!(out, "    only observed: {line}");
    }
    out
}

fn draw(schema: &Schema, major: u32) -> BTreeSet<String> {
    use model::schema::{ColumnType, ConstraintKind};
    let mut lines = BTreeSet::new();
    let full = |name: &model::name::QName| format!("{}.{}", name.schema, name.name);
    for relation in schema.relations.values() {
        let kind = match relation.kind {
            RelationKind::Table => 'r',
            RelationKind::PartitionedTable => 'p',
            RelationKind::View => 'v',
            RelationKind::MaterializedView => 'm',
            RelationKind::Sequence => 'S',
            _ => continue,
        };
        if &*relation.name.schema == "pg_temp" {
            continue;
        }
        let persistence = match relation.persistence {
            syntax::ast::Persistence::Permanent => " p",
            syntax::ast::Persistence::Unlogged => " u",
            syntax::ast::Persistence::Temporary => " t",
        };
        let persistence = if kind == 'S' { "" } else { persistence };
        let partition = if relation.partition_of.is_some() { " partition" } else { "" };
        lines.insert(format!("relation {} {kind}{persistence}{partition}", full(&relation.name)));
        if !matches!(kind, 'r' | 'p') {
            continue;
        }
        for column in &relation.columns {
            let ty = match &column.ty {
                ColumnType::Known(ty) => format_type(ty),
                ColumnType::Unknown => "?".to_owned(),
            };
            let mut line = format!("column {}.{} {ty}", full(&relation.name), column.name);
            line += if column.not_null { " not null" } else { "" };
            if let Some(identity) = column.identity {
                let _ = write!(line, " identity {identity}");
            }
            line += match &column.generated {
                Some(it) if it.stored => " generated s",
                Some(_) => " generated v",
                None if column.default.is_some() => " default",
                None => "",
            };
            line += if column.inherited { " inherited" } else { "" };
            line += if column.local { "" } else { " not local" };
            lines.insert(line);
        }
        for constraint in &relation.constraints {
            let kind = match &constraint.kind {
                ConstraintKind::Check { .. } => 'c',
                ConstraintKind::NotNull { .. } if major < 18 => continue,
                ConstraintKind::NotNull { .. } => 'n',
                ConstraintKind::Unique { .. } => 'u',
                ConstraintKind::PrimaryKey { .. } => 'p',
                ConstraintKind::Exclude { .. } => 'x',
                ConstraintKind::ForeignKey { .. } => 'f',
            };
            let mut line = format!("constraint {}.{} {kind}", full(&relation.name), constraint.name);
            line += if constraint.validated { "" } else { " not valid" };
            line += if constraint.inherited { " inherited" } else { "" };
            line += if constraint.local { "" } else { " not local" };
            line += if constraint.deferrable { " deferrable" } else { "" };
            lines.insert(line);
        }
    }
    for index in schema.indexes.values() {
        let mut line = format!("index {} on {}", full(&index.name), index.table.name);
        line += if index.valid { "" } else { " invalid" };
        line += if index.unique { " unique" } else { "" };
        line += if index.parent.is_some() { " attached" } else { "" };
        if &*index.name.schema != "pg_temp" {
            lines.insert(line);
        }
    }
    lines
}

fn format_type(ty: &syntax::ast::TypeName) -> String {
    let plain = syntax::ast::TypeName { array: false, ..ty.clone() };
    let name = model::coercion::describe(&plain);
    let numbers: Vec<String> = ty.modifiers.iter().map(i64::to_string).collect();
    let numbers = match (ty.name.as_str(), ty.modifiers.as_slice()) {
        ("numeric", [precision]) => format!("{precision},0"),
        ("interval", _) => String::new(),
        _ => numbers.join(","),
    };
    let name = match (numbers.is_empty(), name.split_once(' ')) {
        (true, _) => name,
        (_, Some((first, rest))) if name.starts_with("time") => format!("{first}({numbers}) {rest}"),
        _ => format!("{name}({numbers})"),
    };
    if ty.array { format!("{name}[]") } else { name }
}

fn compare(setup: &str, pre: &str, settings: &str, sql: &str, major: u32, observed: &Observation) -> String {
    let empty = Schema { complete: true, ..Schema::default() };
    let state = replay(&empty, &Session::default(), setup, major);
    let (schema, session) = replay(&state.0, &state.1, pre, major);
    let (_, session) = replay(&schema, &session, settings, major);
    let alone = predict(&schema, &session, sql, major, RunnerTransaction::None);
    let refuses = alone.judged.iter().any(|judged| judged.refuses_transaction);
    let trace = if refuses { alone } else { predict(&schema, &session, sql, major, RunnerTransaction::Unit) };
    let mut out = String::new();
    let mut differ = |name: &str, predicted: &str, observed: &str| {
        if predicted != observed {
            let _ = writeln!(out, "    {name}: predicted {predicted} | observed {observed}");
        }
    };
    let error = error(sql, &trace, major);
    let seen = observed.error.as_ref().map(|it| format!("{} {}", it.sqlstate, it.message));
    // What the history does not make may be there for all it knows.
    if seen.as_ref().is_some_and(|it| ["42P01", "42704", "3F000", "42883"].contains(&&it[..it.find(' ').unwrap()]))
        && error.is_none()
    {
        return out;
    }
    differ("error", error.as_deref().unwrap_or("none"), seen.as_deref().unwrap_or("none"));
    if error.is_some() || seen.is_some() {
        return out;
    }
    differ("refuses", &refuses.to_string(), &(!observed.txblock).to_string());
    let judged: Vec<&Judged> = trace.judged.iter().collect();
    let effects: Vec<&Effect> = judged.iter().flat_map(|judged| &judged.effects).collect();
    for (name, index, locks) in [("locks", false, &observed.locks), ("index_locks", true, &observed.index_locks)] {
        let mut strongest: BTreeMap<String, &Effect> = BTreeMap::new();
        for effect in effects.iter().copied().filter(|it| schema.has_class(&it.relation) && is_index(it) == index) {
            let slot = strongest.entry(effect.relation.to_string()).or_insert(effect);
            if effect.lock > slot.lock {
                *slot = effect;
            }
        }
        let predicted: Vec<String> = strongest
            .iter()
            .map(|(name, it)| format!("{name}:{}{}", short(lock_name(it.lock)), if it.maybe { "?" } else { "" }))
            .collect();
        let seen: Vec<String> = locks.iter().map(|(name, mode)| format!("{name}:{}", short(mode))).collect();
        differ(name, &predicted.join(" "), &seen.join(" "));
    }
    let works = |works: &[Work], index: bool| -> String {
        let doing = effects.iter().filter(|it| is_index(it) == index && works.contains(&it.work) && !it.empty);
        let doing = doing.filter(|it| index || schema.has_class(&it.relation));
        doing.map(|it| it.relation.to_string()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
    };
    let set = |it: &BTreeSet<String>| {
        it.iter().filter(|it| !it.starts_with("sequence ")).cloned().collect::<Vec<_>>().join(" ")
    };
    differ("rewritten", &works(&[Work::Rewrite], false), &set(&observed.rewrite));
    differ(
        "scanned",
        &works(&[Work::Scan, Work::Build, Work::Rewrite], false),
        &observed.scanned.keys().cloned().collect::<Vec<_>>().join(" "),
    );
    differ("built", &works(&[Work::Build], true), &set(&observed.indexes_built));
    let blocked = |reads: bool| -> String {
        let blocked =
            judged.iter().flat_map(|judged| &judged.blocked).filter(|it| if reads { it.reads } else { it.writes });
        let blocked = blocked.filter(|it| schema.has_class(&it.relation)).map(|it| it.relation.to_string());
        blocked.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
    };
    differ("reads", &blocked(true), &set(&observed.summary.reads_blocked));
    differ("writes", &blocked(false), &set(&observed.summary.writes_blocked));
    out
}

fn replay(schema: &Schema, session: &Session, sql: &str, major: u32) -> (Schema, Session) {
    let script = syntax::parse(sql, &syntax::Options::default());
    fold(
        schema,
        session,
        &Unit { script: &script, runner: &runner(RunnerTransaction::None) },
        &settings(major),
        Born::Before,
    )
}

fn predict(schema: &Schema, session: &Session, sql: &str, major: u32, transaction: RunnerTransaction) -> Trace {
    let script = syntax::parse(sql, &syntax::Options::default());
    trace(schema, session, &Unit { script: &script, runner: &runner(transaction) }, &settings(major))
}

fn runner(transaction: RunnerTransaction) -> Runner {
    Runner {
        name: "test",
        transaction,
        messages: Messages::Each,
        opt_out: None,
        opted_out: false,
        resets_session: false,
    }
}

fn settings(major: u32) -> Settings {
    Settings { majors: major..=major, external_timeouts: false }
}

fn error(sql: &str, trace: &Trace, major: u32) -> Option<String> {
    let script = syntax::parse(sql, &syntax::Options::default());
    for (statement, judged) in script.statements.iter().zip(&trace.judged) {
        if let syntax::ast::StatementKind::Invalid(error) = &statement.parsed.kind {
            return Some(format!("42601 {}", error.message));
        }
        let _ = major;
        if let Some(failure) = &judged.fails
            && (failure.when != FailsWhen::Wrapped || judged.transaction.inside == Some(true))
        {
            return Some(format!("{} {}", failure.sqlstate, failure.message));
        }
    }
    None
}

fn is_index(effect: &Effect) -> bool {
    matches!(effect.kind, RelationKind::Index | RelationKind::PartitionedIndex)
}

fn short(mode: &str) -> String {
    let short: String = mode.split(' ').filter_map(|word| word.chars().next()).collect();
    match short.as_str() {
        "AE" => "AX".to_owned(),
        "E" => "X".to_owned(),
        "SRE" => "SRX".to_owned(),
        "RE" => "RX".to_owned(),
        _ => short,
    }
}
