//! Recipes on real servers: the plan leaves the same catalogs and the same rows as the original, on every major, under a runner
//! that wraps files in a transaction and under one that does not; what undoes it leads back, and doing it again works.

#![allow(clippy::unwrap_used)]

use std::ops::RangeInclusive;

use model::plan::{Class, Inverse, Mode, Plan};
use model::runner::{Messages, Runner, RunnerTransaction};
use model::schema::{Born, Schema};
use model::trace::{Session, Settings, Unit, fold, trace};
use postgres::Client;
use safestep_tests::observe::{Case, observe};
use safestep_tests::servers::Server;
use safestep_tests::{catalog, run, servers};
use syntax::{Options, Span};

struct Recipe {
    setup: &'static str,
    migration: &'static str,
    class: Class,
    majors: RangeInclusive<u32>,
    /// Columns whose values are made up anew in each run.
    ignored: &'static [&'static str],
    /// Every step says how it is undone.
    reversible: bool,
}

const fn safe(setup: &'static str, migration: &'static str) -> Recipe {
    Recipe { setup, migration, class: Class::Safe, majors: 14..=18, ignored: &[], reversible: true }
}

const fn unsafe_(setup: &'static str, migration: &'static str) -> Recipe {
    Recipe { class: Class::Unsafe, reversible: false, ..safe(setup, migration) }
}

const SHOP: &str = "
CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50), name text, age int, extra json, seen timestamptz);
CREATE INDEX users_name_idx ON users (name);
CREATE TABLE orders (id bigint NOT NULL, user_id bigint, total numeric(10, 2));
CREATE TABLE pairs (a int, b text, note text, PRIMARY KEY (a, b));
INSERT INTO users SELECT i, 'U' || i || '@x', CASE WHEN i % 3 > 0 THEN 'n' || i END, i % 90, NULL, now()
  FROM generate_series(1, 2500) i;
INSERT INTO orders SELECT i, i % 2500 + 1, i FROM generate_series(1, 3000) i;
INSERT INTO pairs SELECT i % 50, 'b' || i, NULL FROM generate_series(1, 2100) i;
";

const EVENTS: &str = "
CREATE TABLE events (id bigint NOT NULL, day date NOT NULL, note text DEFAULT 'x', n int GENERATED ALWAYS AS (1) STORED,
  PRIMARY KEY (id, day), CHECK (id > 0)) PARTITION BY RANGE (day);
CREATE INDEX ON events (note);
CREATE TABLE events_2023 PARTITION OF events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
INSERT INTO events SELECT i, '2023-05-05' FROM generate_series(1, 100) i;
";

const RECIPES: &[Recipe] = &[
    safe(SHOP, "CREATE INDEX users_email_idx ON users (email);"),
    Recipe { reversible: false, ..safe(SHOP, "CREATE INDEX ON users (lower(email)) WHERE age > 3;\nALTER TABLE orders ADD COLUMN note text;") },
    Recipe { reversible: false, ..safe(SHOP, "CREATE INDEX users_lower ON users (lower(email));\nALTER TABLE users ALTER email TYPE varchar(100);") },
    Recipe { reversible: false, ..safe(SHOP, "CREATE INDEX users_lower ON users (lower(email)) WHERE email <> '';\nALTER TABLE users ALTER email TYPE text;") },
    safe(SHOP, "CREATE UNIQUE INDEX IF NOT EXISTS users_email_idx ON users (email);"),
    safe(SHOP, "DROP INDEX users_name_idx;"),
    safe(SHOP, "REINDEX TABLE users;"),
    safe(SHOP, "ALTER TABLE users ADD CHECK (age >= 0), ADD CONSTRAINT named CHECK (email <> '') NO INHERIT;"),
    safe(SHOP, "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;"),
    safe(SHOP, "ALTER TABLE users ADD UNIQUE (email) INCLUDE (age);"),
    safe(SHOP, "ALTER TABLE users ADD CONSTRAINT u UNIQUE (email) WITH (fillfactor = 70) DEFERRABLE INITIALLY DEFERRED;"),
    Recipe { majors: 15..=18, ..safe(SHOP, "ALTER TABLE users ADD UNIQUE NULLS NOT DISTINCT (email, \"age\");") },
    safe(SHOP, "ALTER TABLE orders ADD PRIMARY KEY (id);"),
    Recipe { reversible: false, ..safe(SHOP, "ALTER TABLE orders ADD PRIMARY KEY (id, user_id);") },
    safe(SHOP, "ALTER TABLE users ALTER email SET NOT NULL;"),
    safe(SHOP, "ALTER TABLE users ALTER email SET NOT NULL, ALTER COLUMN age SET NOT NULL;"),
    Recipe { reversible: false, ..safe(SHOP, "ALTER TABLE users ADD COLUMN size int CHECK (size > 0), ADD nick text CONSTRAINT nick_key UNIQUE;") },
    Recipe { reversible: false, ..safe(SHOP, "ALTER TABLE orders ADD COLUMN owner bigint NOT NULL DEFAULT 1 REFERENCES users (id) ON DELETE SET NULL, ADD b int;") },
    Recipe { reversible: false, ..safe(SHOP, "ALTER TABLE users ADD COLUMN nick text, ALTER email SET NOT NULL, DROP COLUMN age;") },
    Recipe { reversible: false, ..safe(
        "CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50), CONSTRAINT filled CHECK (email <> ''));
         COMMENT ON CONSTRAINT filled ON users IS 'no empty mails'; INSERT INTO users VALUES (1, 'a');",
        "ALTER TABLE users ALTER email TYPE varchar(100);",
    ) },
    Recipe { class: Class::Unsafe, reversible: false, ..safe(
        "CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50)); CREATE INDEX i ON users (lower(email)) WHERE id > 1;
         INSERT INTO users VALUES (1, 'a'), (2, 'B');",
        "ALTER TABLE users ALTER email TYPE varchar(100);",
    ) },
    safe(EVENTS, "CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"),
    safe(EVENTS, "CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (day);"),
    Recipe { majors: 18..=18, ..safe(
        "CREATE TABLE users (id bigint PRIMARY KEY); INSERT INTO users VALUES (1);
         CREATE TABLE events (user_id bigint, day date) PARTITION BY RANGE (day);
         CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
         INSERT INTO events VALUES (1, '2024-03-03');",
        "ALTER TABLE events ADD FOREIGN KEY (user_id) REFERENCES users (id);",
    ) },
    Recipe { reversible: false, ..safe(
        "CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t (id int PRIMARY KEY, m mood);",
        "ALTER TYPE mood ADD VALUE 'sad';\nALTER TABLE t ADD COLUMN x int;",
    ) },
    safe(
        "CREATE TABLE users (id bigint PRIMARY KEY); INSERT INTO users VALUES (1);
         CREATE MATERIALIZED VIEW keyed AS SELECT id FROM users; CREATE UNIQUE INDEX ON keyed (id); INSERT INTO users VALUES (2);",
        "REFRESH MATERIALIZED VIEW keyed;",
    ),
    unsafe_(SHOP, "UPDATE users SET name = 'none', seen = '2020-01-01' WHERE name IS NULL;"),
    unsafe_(SHOP, "UPDATE users SET email = lower(email), age = 7.6;"),
    unsafe_(SHOP, "UPDATE pairs AS p SET note = p.a || '/' || p.b WHERE p.a > 3;"),
    unsafe_(SHOP, "UPDATE users SET extra = '{}' WHERE extra IS NULL AND age > 4;"),
    unsafe_(SHOP, "DELETE FROM pairs WHERE a < 20;"),
    unsafe_(SHOP, "DELETE FROM ONLY pairs p;"),
    Recipe { ignored: &["public.users.token"], ..unsafe_(SHOP, "ALTER TABLE users ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();") },
    unsafe_(SHOP, "ALTER TABLE users ADD COLUMN number serial;"),
    unsafe_(SHOP, "ALTER TABLE users ADD COLUMN number bigint GENERATED BY DEFAULT AS IDENTITY;"),
    Recipe { reversible: false, ..safe(SHOP, "ALTER TABLE users ADD COLUMN plan text;\nUPDATE users SET plan = 'free';\nALTER TABLE users ALTER COLUMN plan SET NOT NULL;") },
    unsafe_(SHOP, "ALTER TABLE users ADD COLUMN plan text;\nUPDATE users SET plan = 'free';\nALTER TABLE users ALTER COLUMN plan SET NOT NULL;"),
    Recipe { reversible: false, ..safe(
        SHOP,
        "-- Orders belong to users.
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id);
ALTER TABLE users ADD CONSTRAINT users_age_check CHECK (age >= 0);
CREATE UNIQUE INDEX users_lower_email ON users (lower(email));
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email);
ALTER TABLE users ALTER COLUMN email SET NOT NULL;
CREATE INDEX orders_user ON orders (user_id);
ALTER TABLE users ALTER COLUMN seen TYPE timestamptz;
DROP INDEX users_name_idx;",
    ) },
];

#[test]
fn plans_do_what_the_original_does() {
    servers::on_each(|server| {
        let mut failures = String::new();
        for case in RECIPES.iter().filter(|case| case.majors.contains(&server.major)) {
            // Equal plans need one proof.
            let mut proven: Vec<Plan> = Vec::new();
            for wraps in [true, false] {
                for majors in [case.majors.clone(), server.major..=server.major] {
                    let result = plan(case, wraps, &majors).and_then(|(plan, statements)| {
                        if proven.contains(&plan) {
                            return Ok(());
                        }
                        proven.push(plan.clone());
                        prove(server, case, wraps, &plan, &statements)
                    });
                    if let Err(failure) = result {
                        failures += &format!("\n{}\nwrapped {wraps}, for {majors:?}: {failure}\n", case.migration);
                    }
                }
            }
        }
        assert!(failures.is_empty(), "PostgreSQL {}:\n{failures}", server.major);
    });
}

/// Statements that run outside of transactions are left out: what they lock can only be sampled, and the model says it too.
#[test]
fn no_transaction_works_long_while_it_blocks_others() {
    servers::on_each(|server| {
        let mut failures = String::new();
        for case in RECIPES.iter().filter(|case| case.majors.contains(&server.major)) {
            let (plan, _) = plan(case, true, &case.majors).unwrap();
            let mut done = String::new();
            for part in &plan.parts {
                let steps: Vec<&str> = part.steps.iter().map(|step| step.sql.as_str()).collect();
                // A data change that was left as it is locks the rows it writes.
                if part.transaction && part.steps.iter().any(|step| !step.verbatim) {
                    let observed =
                        observe(server, &Case { setup: case.setup, pre: &done, settings: &[], statements: &steps });
                    let summary = observed.summary;
                    let blocked: Vec<&String> = summary.reads_blocked.iter().chain(&summary.writes_blocked).collect();
                    if observed.error.is_some() || !(blocked.is_empty() || summary.work.is_empty()) {
                        failures += &format!(
                            "\n{}: {:?} {:?} while {blocked:?} are blocked\n{}\n",
                            part.title,
                            observed.error,
                            summary.work,
                            steps.join("\n")
                        );
                    }
                }
                // What was committed before is set up in one message, which takes neither of these.
                done += &(steps.join("\n") + "\n").replace("CONCURRENTLY ", "").replace("    COMMIT;\n", "");
            }
        }
        assert!(failures.is_empty(), "PostgreSQL {}:\n{failures}", server.major);
    });
}

fn prove(
    server: &'static Server,
    case: &Recipe,
    wraps: bool,
    plan: &Plan,
    statements: &[String],
) -> Result<(), String> {
    let original = server.database(case.setup);
    let mut client = original.connect();
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    let ran = if wraps { run::in_transaction(&mut client, &statements) } else { run::each(&mut client, &statements) };
    ran.map_err(|failure| format!("the original fails: {failure:?}"))?;
    let expected = catalog::fingerprint(&mut client);
    let rows = catalog::data(&mut client, case.ignored);

    let rewritten = server.database(case.setup);
    let mut client = rewritten.connect();
    let before = catalog::fingerprint(&mut client);
    up(&mut client, plan)?;
    same("after the steps", &expected, &catalog::fingerprint(&mut client))?;
    same("rows after the steps", &rows, &catalog::data(&mut client, case.ignored))?;
    if case.reversible {
        down(&mut client, plan)?;
        same("after undoing", &before, &catalog::fingerprint(&mut client))?;
        up(&mut client, plan)?;
        same("after the steps again", &expected, &catalog::fingerprint(&mut client))?;
    }
    Ok(())
}

fn same(when: &str, expected: &[String], found: &[String]) -> Result<(), String> {
    let difference = catalog::difference(&told_apart(expected), &told_apart(found));
    if difference.is_empty() { Ok(()) } else { Err(format!("{when}:\n{difference}")) }
}

/// The constraint of an index is marked as inheritable when it was made as part of a partition, and not when the table was
/// attached (connoinherit). Nothing reads the mark for such constraints.
fn told_apart(lines: &[String]) -> Vec<String> {
    let keyed = |line: &str| line.contains(": PRIMARY KEY (") || line.contains(": UNIQUE");
    let plain = |line: &String| match line.split_once(", inheritable ") {
        Some((rest, _)) if keyed(line) => rest.to_owned(),
        _ => line.clone(),
    };
    lines.iter().map(plain).collect()
}

fn up(client: &mut Client, plan: &Plan) -> Result<(), String> {
    for part in &plan.parts {
        let steps: Vec<&str> = part.steps.iter().map(|step| step.sql.as_str()).collect();
        let ran = if part.transaction { run::in_transaction(client, &steps) } else { run::each(client, &steps) };
        ran.map_err(|failure| format!("part {} fails: {failure:?}", part.title))?;
    }
    Ok(())
}

fn down(client: &mut Client, plan: &Plan) -> Result<(), String> {
    for step in plan.parts.iter().rev().flat_map(|part| part.steps.iter().rev()) {
        match &step.inverse {
            Inverse::Nothing => {}
            Inverse::Sql { sql, .. } => {
                run::each(client, &[sql]).map_err(|failure| format!("undoing {} fails: {failure:?}", step.title))?;
            }
            Inverse::Impossible(_) | Inverse::Original => return Err(format!("{} cannot be undone", step.title)),
        }
    }
    Ok(())
}

fn plan(case: &Recipe, wraps: bool, majors: &RangeInclusive<u32>) -> Result<(Plan, Vec<String>), String> {
    let runner = Runner {
        name: "a tool",
        transaction: if wraps { RunnerTransaction::Unit } else { RunnerTransaction::None },
        messages: Messages::Each,
        opt_out: None,
        opted_out: false,
        resets_session: false,
    };
    let settings = Settings { majors: majors.clone(), external_timeouts: true };
    let options = Options::default();
    let session = Session::default();
    let setup = syntax::parse(case.setup, &options);
    let each = Runner { transaction: RunnerTransaction::None, ..runner.clone() };
    let empty = Schema { complete: true, ..Schema::default() };
    let base = fold(&empty, &session, &Unit { script: &setup, runner: &each }, &settings, Born::Before).0;
    let script = syntax::parse(case.migration, &options);
    let trace = trace(&base, &session, &Unit { script: &script, runner: &runner }, &settings);
    let chosen: Vec<(usize, usize)> = trace
        .judged
        .iter()
        .enumerate()
        .flat_map(|(statement, judged)| (0..judged.operations.len()).map(move |operation| (statement, operation)))
        .collect();
    let outcome = rewrite::rewrite(&rewrite::Request {
        text: case.migration,
        section: Span::new(0, case.migration.len()),
        script: &script,
        options: &options,
        trace: &trace,
        session: &session,
        runner: &runner,
        marks: &[],
        chosen: &chosen,
        apart: &std::collections::BTreeSet::new(),
        allowed: case.class,
        parameters: rewrite::Parameters { batch: 500, pause: 0 },
    });
    if !outcome.changed && !wraps && case.migration.contains("ADD VALUE") {
        // Statement by statement there is nothing to take apart.
    } else if !outcome.changed {
        return Err(format!("nothing is rewritten: {:?}", outcome.plan.withheld));
    }
    let loose =
        outcome.plan.parts.iter().flat_map(|part| &part.steps).any(|step| step.mode == Mode::NonTx && step.verbatim);
    assert!(!loose, "no case runs a statement of its own outside of transactions");
    let statements = script.statements.iter().map(|it| it.parsed.text.to_string()).collect();
    Ok((outcome.plan, statements))
}
