//! Functions, procedures, DO and CALL.

use std::sync::Arc;

use syntax::Span;
use syntax::ast::{Body, CreateFunction, Do, Expr, Name, StatementKind, TypeName, Volatility};

use super::{Exec, Stop, data, view};
use crate::effect::{FailsWhen, OperationKind};
use crate::name::QName;
use crate::schema::{Function, Schema};

/// Bodies call bodies at most so deep.
const DEPTH: usize = 8;

/// So many bodies run below others in one statement; after that each runs only for the first time.
const RUNS: usize = 256;

/// Functions of the core that migrations call by themselves and that run nothing else, beside those whose names begin
/// with `pg_`.
const HARMLESS: [&str; 16] = [
    "clock_timestamp",
    "count",
    "current_database",
    "current_schema",
    "current_setting",
    "currval",
    "format",
    "gen_random_uuid",
    "lastval",
    "nextval",
    "now",
    "set_config",
    "setseed",
    "setval",
    "uuid_generate_v4",
    "version",
];

pub(super) fn routine(exec: &mut Exec, it: &StatementKind, span: Span) {
    match it {
        StatementKind::Do(it) => do_block(exec, it, span),
        StatementKind::Call { name, arguments } => call_procedure(exec, name, arguments, span),
        StatementKind::CreateFunction(it) => {
            let _ = create_function(exec, it, span);
        }
        StatementKind::AlterFunction { name, volatility: Some(volatility), .. } => {
            let name = find(exec, name);
            if let Some(functions) = name.and_then(|name| exec.schema.functions.get_mut(&name))
                && let [_] = functions.as_slice()
                && let Some(function) = Arc::make_mut(functions).first_mut()
            {
                function.volatility = *volatility;
            }
        }
        _ => {}
    }
}

/// DO takes no lock of its own; its statements run one by one (plpgsql_inline_handler).
fn do_block(exec: &mut Exec, it: &Do, span: Span) {
    if !matches!(it.language.as_str(), "plpgsql" | "sql") {
        return opaque(exec, span);
    }
    commits(exec, &it.body);
    run_body(exec, &it.body, true, None);
}

/// COMMIT inside a body works only where no transaction block is open (_SPI_commit, spi.c).
fn commits(exec: &mut Exec, body: &Body) {
    if let Some(at) = body.commits.first() {
        if !exec.lowered {
            exec.refuses_transaction = true;
        }
        let message = "invalid transaction termination".to_owned();
        // In a function that a query calls it always fails, but whether one is called that way is judged where it is.
        exec.fail("2D000", message, FailsWhen::Wrapped, *at);
    }
}

fn call_procedure(exec: &mut Exec, name: &Name, arguments: &[Expr], span: Span) {
    open_named(exec, name, arguments);
    let Some(found) = find(exec, name) else { return opaque(exec, span) };
    let bodies = bodies(&exec.schema, &found, Some(arguments.len()));
    if let [body] = bodies.as_slice()
        && !body.commits.is_empty()
    {
        if !exec.lowered {
            exec.refuses_transaction = true;
        }
        exec.fail("2D000", "invalid transaction termination".to_owned(), FailsWhen::Wrapped, span);
    }
    run(exec, &found, Some(arguments.len()), true, span);
}

/// A function that a query calls. One that nothing is known of may do anything; that is said where the call is all there is.
pub(super) fn call(exec: &mut Exec, name: &Name, arguments: Option<usize>, stands_alone: bool, span: Span) {
    match find(exec, name) {
        Some(found) => run(exec, &found, arguments, stands_alone, span),
        None if stands_alone && !is_of_core(name) => opaque(exec, span),
        None => {}
    }
}

/// It comes with PostgreSQL and runs nothing else.
fn is_of_core(name: &Name) -> bool {
    let core = name.schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
    core && (name.name.starts_with("pg_") || HARMLESS.contains(&name.name.as_str()))
        || crate::volatility::is_known(&name.name)
}

/// A routine that is not known whole may change the tables whose names it is given.
pub(super) fn open_named(exec: &mut Exec, routine: &Name, arguments: &[Expr]) {
    let texts: Vec<&str> = arguments.iter().filter_map(text).collect();
    let named = |text: &&str| {
        let name = crate::volatility::parse_name(text);
        let beside = texts.iter().map(|schema| QName::new(schema, &name.name));
        let mut tables = std::iter::once(exec.resolve(&name)).chain(beside);
        tables.find(|table| exec.schema.relations.contains_key(table))
    };
    let tables: Vec<QName> = texts.iter().filter_map(named).collect();
    if tables.is_empty() || is_known_whole(exec, routine) {
        return;
    }
    for table in tables {
        exec.change(&table).open = true;
        exec.schema.gone_columns.remove(&table);
    }
}

fn text(argument: &Expr) -> Option<&str> {
    match argument {
        Expr::String(text) => Some(text),
        Expr::Cast { operand, .. } => text(operand),
        _ => None,
    }
}

fn is_known_whole(exec: &Exec, routine: &Name) -> bool {
    let Some(found) = find(exec, routine) else { return is_of_core(routine) };
    let bodies = bodies(&exec.schema, &found, None);
    !bodies.is_empty() && bodies.iter().all(|body| body.opaque.is_empty())
}

/// Runs what a routine is known to do. Of several that fit, each may be the one.
pub(super) fn run(exec: &mut Exec, name: &QName, arguments: Option<usize>, certain: bool, span: Span) {
    let bodies = bodies(&exec.schema, name, arguments);
    let certain = certain && bodies.len() == 1;
    for body in bodies {
        // Triggers that set off each other's triggers would take forever; what ran already has told what it locks.
        if exec.depth > 0 {
            if exec.ran.len() >= RUNS && exec.ran.iter().any(|known| Arc::ptr_eq(known, &body)) {
                continue;
            }
            exec.ran.push(Arc::clone(&body));
        }
        run_body(exec, &body, certain, Some(span));
    }
}

fn bodies(schema: &Schema, name: &QName, arguments: Option<usize>) -> Vec<Arc<Body>> {
    let Some(functions) = schema.functions.get(name) else { return Vec::new() };
    let fits = |it: &&Function| arguments.is_none_or(|count| it.parameters.len() == count);
    let fitting: Vec<&Function> = functions.iter().filter(fits).collect();
    // Defaults and variadic parameters make the counts differ.
    let chosen = if fitting.is_empty() { functions.iter().collect() } else { fitting };
    chosen.into_iter().filter_map(|it| it.body.clone()).collect()
}

/// Runs the statements of a body. `at` is the place of the call when the body stands in another statement.
fn run_body(exec: &mut Exec, body: &Body, certain: bool, at: Option<Span>) {
    if exec.depth >= DEPTH {
        return;
    }
    let (lowered, conditional, in_loop) = (exec.lowered, exec.conditional, exec.in_loop);
    let text = exec.text.clone();
    if at.is_some() {
        exec.text = Arc::default();
    }
    exec.depth += 1;
    exec.lowered = true;
    for statement in &body.statements {
        exec.conditional = conditional || !certain || statement.conditional;
        exec.in_loop = in_loop || statement.in_loop;
        let before = exec.conditional.then(|| exec.schema.clone());
        let unguarded = exec.failure.clone();
        let state = statement.guarded.then(|| (exec.schema.clone(), exec.mark()));
        exec.statement(&statement.kind, at.unwrap_or(statement.span));
        // What fails inside a block with handlers is undone, and the block goes on with one of these.
        if let Some((state, mark)) = state
            && unguarded.is_none()
            && exec.failure.as_ref().is_some_and(|failure| failure.when == FailsWhen::Always)
        {
            exec.failure = None;
            exec.schema = state;
            exec.undo(mark);
        }
        if let Some(before) = before {
            exec.schema = Schema::joined(&before, &exec.schema);
        }
    }
    for it in &body.opaque {
        exec.operation(OperationKind::Opaque, at.unwrap_or(it.span), None);
        if it.creates {
            exec.schema.forget_completeness();
        }
    }
    exec.depth -= 1;
    exec.text = text;
    (exec.lowered, exec.conditional, exec.in_loop) = (lowered, conditional, in_loop);
}

/// What it does is not known, so from here on relations may exist that no migration tells of.
pub(super) fn opaque(exec: &mut Exec, span: Span) {
    exec.operation(OperationKind::Opaque, span, None);
    exec.schema.forget_completeness();
}

/// The body of a function in SQL is analyzed when it is created, which locks the relations it names
/// (fmgr_sql_validator, pg_proc.c; interpret_AS_clause, functioncmds.c). PL/pgSQL checks the syntax only.
fn create_function(exec: &mut Exec, it: &CreateFunction, span: Span) -> Result<(), Stop> {
    exec.operation(OperationKind::Other, span, None);
    let name = exec.new_name(&it.name);
    let existing = exec.schema.functions.get(&name).cloned().unwrap_or_default();
    let at = existing.iter().position(|function| same_types(&function.parameters, &it.parameters));
    if let Some(at) = at {
        if !it.replace && !exec.conditional {
            let message = format!("function \"{}\" already exists with same argument types", it.name.name);
            return exec.refuse("42723", message, it.name.span);
        }
        let same = match (&existing[at].returns, &it.returns) {
            (Some(old), Some(new)) => same_type(old, new),
            (old, new) => old.is_none() == new.is_none(),
        };
        if !same {
            let message = "cannot change return type of existing function".to_owned();
            return exec.refuse("42P13", message, it.name.span);
        }
    }
    let mut reads = Vec::new();
    if it.language == "sql" && (it.atomic || exec.session.check_function_bodies) {
        for (statement, body) in it.body.iter().flat_map(|body| body.statements.iter().map(move |it| (it, body))) {
            let query = data::analyze_statement(exec, &statement.kind)?;
            if it.atomic {
                reads.extend(query.iter().flat_map(|query| view::reads(exec, query, &body.columns_used)));
            }
        }
    }
    let function = Function {
        parameters: it.parameters.clone(),
        returns: it.returns.clone(),
        procedure: it.procedure,
        language: it.language.as_str().into(),
        volatility: it.volatility.unwrap_or(Volatility::Volatile),
        strict: it.strict,
        inline: inlined(it),
        reads,
        body: it.body.clone().map(Arc::new),
        born: exec.born,
    };
    let mut functions = (*existing).clone();
    match at {
        Some(at) => functions[at] = function,
        None => functions.push(function),
    }
    exec.schema.functions.insert(name, Arc::new(functions));
    for used in it.body.iter().flat_map(relations) {
        exec.schema.lookup.used.insert(used.name.as_str().into(), ());
    }
    Ok(())
}

/// One SELECT of one expression and nothing else (inline_function, clauses.c).
fn inlined(it: &CreateFunction) -> Option<Expr> {
    let body = it.body.as_ref().filter(|_| it.language == "sql" && !it.security_definer && !it.sets_search_path)?;
    match body.statements.as_slice() {
        [statement] if body.opaque.is_empty() => match &statement.kind {
            StatementKind::Select(query) if query.reads.is_empty() && query.into.is_none() => {
                match query.targets.as_slice() {
                    [target] => Some(target.clone()),
                    _ => None,
                }
            }
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn same_types(left: &[TypeName], right: &[TypeName]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_type(left, right))
}

/// Types compare without their modifiers: routines do not keep them.
fn same_type(left: &TypeName, right: &TypeName) -> bool {
    (&left.name, left.array, left.setof) == (&right.name, right.array, right.setof)
        && (left.schema == right.schema || left.schema.is_none() || right.schema.is_none())
}

/// The routine that a name means, if a migration created it.
pub(super) fn find(exec: &Exec, name: &Name) -> Option<QName> {
    let of = |schema: &str| {
        let name = QName::new(schema, &name.name);
        exec.schema.functions.contains_key(&name).then_some(name)
    };
    match &name.schema {
        Some(schema) => of(schema),
        None => exec.session.search_path.iter().find_map(|schema| of(schema)),
    }
}

/// The relations that the queries of a body name.
pub(super) fn relations(body: &Body) -> Vec<Name> {
    let mut names = Vec::new();
    for statement in &body.statements {
        let (target, facts) = match &statement.kind {
            StatementKind::Select(facts) => (None, facts),
            StatementKind::Insert(it) => (Some(&it.target), &it.facts),
            StatementKind::Update(it) => (Some(&it.target), &it.facts),
            StatementKind::Delete(it) => (Some(&it.target), &it.facts),
            StatementKind::Merge { target, facts } => (Some(target), facts),
            _ => continue,
        };
        names.extend(target.map(|target| target.name.clone()));
        names.extend(facts.reads.iter().map(|read| read.relation.name.clone()));
        names.extend(facts.writes.iter().map(|write| write.relation.name.clone()));
    }
    names
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::drawn::effects;

    const BEFORE: &str = "CREATE TABLE users (id bigint PRIMARY KEY, age int); CREATE TABLE audit (t text);
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (NEW.age); RETURN NEW; END $$;
CREATE TRIGGER log AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION log();
CREATE PROCEDURE batch() LANGUAGE plpgsql AS $$ BEGIN UPDATE users SET age = 1; COMMIT; END $$;
CREATE FUNCTION widen() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE users ADD COLUMN c int; END $$";

    /// Sixteen tables whose triggers each write to all the others.
    #[test]
    fn triggers_that_set_off_each_other_end() {
        let mut before = String::new();
        for table in 0..16 {
            let writes: String = (0..16).map(|other| format!("UPDATE t{other} SET a = 1 WHERE id = 1; ")).collect();
            before += &format!(
                "CREATE TABLE t{table} (id int PRIMARY KEY, a int);
                 CREATE FUNCTION f{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {writes} END $$;
                 CREATE TRIGGER g AFTER UPDATE ON t{table} FOR EACH ROW EXECUTE FUNCTION f{table}();"
            );
        }
        let drawn = effects(&before, "UPDATE t0 SET a = 1 WHERE id = 1");
        assert_eq!(drawn.matches("ROW EXCLUSIVE+rows").count(), 16, "{drawn}");
    }

    #[test]
    fn bodies_run() {
        let sql = "
UPDATE users SET age = 2 WHERE id = 1; CALL batch(); SELECT widen(); CALL unknown();
DO $$ BEGIN IF current_setting('x') = 'y' THEN ALTER TABLE users ADD COLUMN d int; END IF; END $$;
DO $$ BEGIN CREATE TABLE users (id int); EXCEPTION WHEN duplicate_table THEN NULL; END $$;
DO $$ BEGIN EXECUTE 'CREATE INDEX CONCURRENTLY i ON users (age)'; END $$;
DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN e int', 'users'); END $$;
DO $$ BEGIN FOR i IN 1..3 LOOP UPDATE users SET age = i WHERE id = i; COMMIT; END LOOP; END $$";
        expect![[r#"
            UPDATE users SET age = 2 WHERE id = 1
                audit ROW EXCLUSIVE+rows, users ROW EXCLUSIVE+rows, users_pkey ROW EXCLUSIVE | blocks users:W
            CALL batch()
                audit ROW EXCLUSIVE+rows, users ROW EXCLUSIVE+rows, users ROW EXCLUSIVE+scan, users_pkey ROW EXCLUSIVE | 2D000 if wrapped: invalid transaction termination
            SELECT widen()
                users ACCESS EXCLUSIVE | blocks users:RW
            CALL unknown()
                nothing
            DO $$ BEGIN IF current_setting('x') = 'y' THEN ALTER TABLE users ADD COLUMN d int; END IF; END $$
                users ACCESS EXCLUSIVE? | blocks users:RW
            DO $$ BEGIN CREATE TABLE users (id int); EXCEPTION WHEN duplicate_table THEN NULL; END $$
                nothing
            DO $$ BEGIN EXECUTE 'CREATE INDEX CONCURRENTLY i ON users (age)'; END $$
                users SHARE UPDATE EXCLUSIVE | 25001: CREATE INDEX CONCURRENTLY cannot be executed from a function
            DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN e int', 'users'); END $$
                users ACCESS EXCLUSIVE | blocks users:RW
            DO $$ BEGIN FOR i IN 1..3 LOOP UPDATE users SET age = i WHERE id = i; COMMIT; END LOOP; END $$
                users ROW EXCLUSIVE+rows?, users_pkey ROW EXCLUSIVE? | 2D000 if wrapped: invalid transaction termination
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn what_a_handler_catches_is_undone() {
        let sql = "
DO $$ BEGIN ALTER TABLE users ADD COLUMN age int; EXCEPTION WHEN duplicate_column THEN NULL; END $$;
DO $$ BEGIN ALTER TABLE users ADD COLUMN age int; END $$;
DO $$ BEGIN ALTER TABLE users ADD COLUMN n int; EXCEPTION WHEN duplicate_column THEN NULL; END $$; ALTER TABLE users ADD COLUMN n int";
        expect![[r#"
            DO $$ BEGIN ALTER TABLE users ADD COLUMN age int; EXCEPTION WHEN duplicate_column THEN NULL; END $$
                nothing
            DO $$ BEGIN ALTER TABLE users ADD COLUMN age int; END $$
                users ACCESS EXCLUSIVE | blocks users:RW | 42701: column "age" of relation "users" already exists
            DO $$ BEGIN ALTER TABLE users ADD COLUMN n int; EXCEPTION WHEN duplicate_column THEN NULL; END $$
                users ACCESS EXCLUSIVE | blocks users:RW
            ALTER TABLE users ADD COLUMN n int
                users ACCESS EXCLUSIVE | blocks users:RW | 42701: column "n" of relation "users" already exists
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn an_unknown_routine_may_change_the_tables_it_is_given() {
        let sql = "
CREATE TABLE a (id int); SELECT pg_notify('a', 'x'); UPDATE a SET at = now();
SELECT app.add_columns('public', 'a'); UPDATE a SET at = now();
CREATE TABLE b (id int); CALL app.add_columns('b'); CREATE INDEX ON b (at) WHERE at IS NULL";
        expect![[r#"
            CREATE TABLE a (id int)
                nothing
            SELECT pg_notify('a', 'x')
                nothing
            UPDATE a SET at = now()
                nothing | 42703: column "at" of relation "a" does not exist
            SELECT app.add_columns('public', 'a')
                nothing
            UPDATE a SET at = now()
                a ROW EXCLUSIVE+rows, a ROW EXCLUSIVE+scan | blocks a:W
            CREATE TABLE b (id int)
                nothing
            CALL app.add_columns('b')
                nothing
            CREATE INDEX ON b (at) WHERE at IS NULL
                b SHARE+build, b_at_idx SHARE+build | blocks b:W
        "#]]
        .assert_eq(&effects("", sql));
    }

    /// What does not exist stays known to be absent where the text tells that nothing is created.
    #[test]
    fn dynamic_sql_that_creates_nothing() {
        let sql = "
DO $$ BEGIN EXECUTE format('GRANT SELECT ON %I TO reader', current_user); END $$; DROP TABLE IF EXISTS nowhere;
DO $$ BEGIN EXECUTE format('CREATE TABLE %I ()', current_user); END $$; DROP TABLE IF EXISTS nowhere";
        expect![[r#"
            DO $$ BEGIN EXECUTE format('GRANT SELECT ON %I TO reader', current_user); END $$
                nothing
            DROP TABLE IF EXISTS nowhere
                nothing
            DO $$ BEGIN EXECUTE format('CREATE TABLE %I ()', current_user); END $$
                nothing
            DROP TABLE IF EXISTS nowhere
                nowhere ACCESS EXCLUSIVE? | blocks nowhere:RW
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }

    #[test]
    fn functions_are_analyzed() {
        let sql = "
CREATE FUNCTION a() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM users'; CREATE FUNCTION a() RETURNS bigint LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION a() RETURNS text LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION b() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM nope';
CREATE FUNCTION c() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM users); END'; SET check_function_bodies = off;
CREATE FUNCTION d() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM users'";
        expect![[r#"
            CREATE FUNCTION a() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM users'
                users ACCESS SHARE
            CREATE FUNCTION a() RETURNS bigint LANGUAGE sql AS 'SELECT 1'
                nothing | 42723: function "a" already exists with same argument types
            CREATE OR REPLACE FUNCTION a() RETURNS text LANGUAGE sql AS 'SELECT 1'
                nothing | 42P13: cannot change return type of existing function
            CREATE FUNCTION b() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM nope'
                nope ACCESS SHARE
            CREATE FUNCTION c() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM users); END'
                nothing
            SET check_function_bodies = off
                nothing
            CREATE FUNCTION d() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM users'
                nothing
        "#]]
        .assert_eq(&effects(BEFORE, sql));
    }
}
