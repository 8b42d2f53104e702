//! What is claimed about PostgreSQL, held against real servers. `SAFESTEP_PG=14-18` runs it, see `servers`.

#![allow(clippy::unwrap_used)]

use safestep_tests::observe::{Case, MODES, Observation, observe};
use safestep_tests::{catalog, run, servers};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[test]
fn servers_are_the_majors_asked_for() {
    servers::on_each(|server| {
        let database = server.database("CREATE TABLE t (a int)");
        let version: String = database.connect().query_one("SHOW server_version_num", &[]).unwrap().get(0);
        assert_eq!(version.parse::<u32>().unwrap() / 10_000, server.major);
        let again = server.database("CREATE TABLE t (a int)");
        again.connect().batch_execute("INSERT INTO t VALUES (1)").unwrap();
        assert_eq!(database.connect().query("SELECT FROM t", &[]).unwrap().len(), 0, "databases do not share rows");
    });
}

/// Observes again what `fixtures/observations` records: by default every twelfth record, `SAFESTEP_EVERY=1` all.
#[test]
fn observations_are_what_servers_do() {
    #[derive(serde::Deserialize)]
    struct Record {
        id: String,
        setup: String,
        pre: String,
        settings: Vec<String>,
        sql: String,
        results: Vec<Outcome>,
    }
    #[derive(serde::Deserialize)]
    struct Outcome {
        pg: Vec<u32>,
        #[serde(flatten)]
        observation: Observation,
    }
    let read = |name: &str| std::fs::read_to_string(fixtures().join(name)).unwrap();
    let every: usize = std::env::var("SAFESTEP_EVERY").map_or(12, |every| every.parse().unwrap());
    let mut records: Vec<Record> = serde_json::from_str(&read("locks.json")).unwrap();
    for more in ["more.json", "shop.json"] {
        records.extend(serde_json::from_str::<Vec<Record>>(&read(more)).unwrap());
    }
    let records: Vec<Record> = records.into_iter().step_by(every).collect();
    let setups: BTreeMap<&str, String> =
        records.iter().map(|record| (record.setup.as_str(), read(&format!("setups/{}.sql", record.setup)))).collect();

    servers::on_each(|server| {
        let mut differences = String::new();
        for record in &records {
            let Some(outcome) = record.results.iter().find(|outcome| outcome.pg.contains(&server.major)) else {
                continue;
            };
            let case = Case {
                setup: &setups[record.setup.as_str()],
                pre: &record.pre,
                settings: &record.settings,
                statements: &[&record.sql],
            };
            let differs = compare(&outcome.observation, &observe(server, &case));
            if !differs.is_empty() {
                differences += &format!("\n{}: {}\n{differs}", record.id, record.sql);
            }
        }
        assert!(differences.is_empty(), "PostgreSQL {}, recorded against observed:\n{differences}", server.major);
    });
}

#[test]
fn runs_end_as_with_migration_tools() {
    const CONCURRENTLY: &str = "CREATE INDEX CONCURRENTLY i ON t (a)";
    servers::on_each(|server| {
        let database = server.database("CREATE TABLE t (a int)");
        let mut client = database.connect();
        let failed = |result: Result<(), run::Failure>| {
            result.map_err(|failure| (failure.statement, failure.sqlstate)).unwrap_err()
        };
        let insert = ["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1 / 0)", "INSERT INTO t VALUES (2)"];
        let rows = |client: &mut postgres::Client| client.query("DELETE FROM t RETURNING a", &[]).unwrap().len();

        assert_eq!(failed(run::whole(&mut client, &insert.join(";"))), (None, "22012".to_owned()));
        assert_eq!(rows(&mut client), 0);
        assert_eq!(failed(run::each(&mut client, &insert)), (Some(1), "22012".to_owned()));
        assert_eq!(rows(&mut client), 1);
        assert_eq!(failed(run::in_transaction(&mut client, &insert)), (Some(1), "22012".to_owned()));
        assert_eq!(rows(&mut client), 0);

        let two = format!("SET lock_timeout = '2s'; {CONCURRENTLY}");
        assert_eq!(failed(run::whole(&mut client, &two)), (None, "25001".to_owned()));
        assert_eq!(failed(run::in_transaction(&mut client, &[CONCURRENTLY])), (Some(0), "25001".to_owned()));
        assert_eq!(run::each(&mut client, &[CONCURRENTLY]), Ok(()));
        assert_eq!(run::whole(&mut client, &format!("DROP INDEX i; {}", insert[0])), Ok(()));
        assert_eq!(run::whole(&mut client, &format!("-- alone\n{CONCURRENTLY};\n")), Ok(()));

        let deferred = ["CREATE TABLE u (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)", "INSERT INTO u VALUES (1), (1)"];
        assert_eq!(failed(run::in_transaction(&mut client, &deferred)), (None, "23505".to_owned()));
    });
}

/// Whatever a migration can change shows in the fingerprint; how the same was reached does not.
#[test]
fn fingerprints_tell_databases_apart() {
    let setup = std::fs::read_to_string(fixtures().join("setups/objects.sql")).unwrap();
    let setup = setup
        + "; CREATE TABLE kin (a int, b text) PARTITION BY LIST (a); CREATE TABLE kin_1 PARTITION OF kin FOR VALUES IN (1)";
    const CHANGES: &[&str] = &[
        "CREATE EXTENSION citext",
        "CREATE SCHEMA s",
        "GRANT USAGE ON SCHEMA app TO oracle_role",
        "ALTER SCHEMA app OWNER TO oracle_role",
        "CREATE TABLE app.n ()",
        "ALTER TABLE users SET UNLOGGED",
        "ALTER TABLE users SET (fillfactor = 50)",
        "ALTER TABLE users SET (toast.autovacuum_enabled = false)",
        "ALTER TABLE users SET TABLESPACE oracle_ts",
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE users FORCE ROW LEVEL SECURITY",
        "ALTER TABLE users REPLICA IDENTITY FULL",
        "ALTER TABLE users OWNER TO oracle_role",
        "GRANT SELECT ON users TO oracle_role",
        "GRANT SELECT (name) ON users TO oracle_role",
        "ALTER TABLE typed_addr NOT OF",
        "ALTER TABLE users ADD COLUMN c int",
        "ALTER TABLE users DROP COLUMN points",
        "ALTER TABLE users RENAME age TO years",
        "ALTER TABLE users ALTER COLUMN name SET NOT NULL",
        "ALTER TABLE users ALTER COLUMN name SET DEFAULT 'x'",
        "ALTER TABLE users ALTER COLUMN age TYPE bigint USING age, DROP COLUMN status",
        "ALTER TABLE orders ALTER COLUMN note TYPE text COLLATE \"C\"",
        "ALTER TABLE users ALTER COLUMN name SET STORAGE external",
        "ALTER TABLE users ALTER COLUMN name SET COMPRESSION pglz",
        "ALTER TABLE users ALTER COLUMN name SET STATISTICS 7",
        "ALTER TABLE users ALTER COLUMN name SET (n_distinct = 5)",
        "ALTER TABLE orders ALTER COLUMN amount ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE orders ADD COLUMN c int GENERATED ALWAYS AS (amount) STORED",
        "ALTER TABLE users ADD CONSTRAINT ck CHECK (age >= 0)",
        "ALTER TABLE users ADD CONSTRAINT ck CHECK (age >= 0) NOT VALID",
        "ALTER TABLE users RENAME CONSTRAINT users_pkey TO pk",
        "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id) DEFERRABLE",
        "ALTER DOMAIN posint ADD CHECK (VALUE < 100000)",
        "CREATE INDEX ON users (name)",
        "ALTER TABLE users CLUSTER ON users_pkey",
        "ALTER TABLE users REPLICA IDENTITY USING INDEX users_pkey",
        "CREATE INDEX ON ONLY kin (b)",
        "ALTER TABLE kin DETACH PARTITION kin_1",
        "CREATE TABLE kin_2 PARTITION OF kin DEFAULT",
        "CREATE OR REPLACE VIEW users_v AS SELECT id, email FROM users WHERE true",
        "ALTER VIEW users_v SET (security_barrier)",
        "REFRESH MATERIALIZED VIEW users_mv WITH NO DATA",
        "ALTER TYPE mood ADD VALUE 'calm' BEFORE 'ok'",
        "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'",
        "ALTER TYPE addr ADD ATTRIBUTE zip text CASCADE",
        "ALTER DOMAIN posint SET DEFAULT 1",
        "CREATE TYPE span AS RANGE (subtype = int)",
        "CREATE OR REPLACE FUNCTION stable_fn() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN 2; END'",
        "REVOKE EXECUTE ON FUNCTION stable_fn() FROM PUBLIC",
        "CREATE AGGREGATE total (int) (sfunc = int4pl, stype = int)",
        "ALTER TABLE users DISABLE TRIGGER users_trg",
        "DROP TRIGGER users_trg ON users",
        "ALTER SEQUENCE free_seq INCREMENT 2",
        "ALTER SEQUENCE free_seq OWNED BY users.age",
        "ALTER POLICY users_pol ON users USING (id > 0)",
        "DROP RULE orders_rule ON orders",
        "ALTER STATISTICS users_st SET STATISTICS 9",
        "COMMENT ON COLUMN users.id IS 'x'",
        "COMMENT ON CONSTRAINT users_pkey ON users IS 'x'",
        "COMMENT ON DATABASE current IS 'x'",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO oracle_role",
        "ALTER PUBLICATION pub ADD TABLE users",
        "ALTER DATABASE current SET work_mem = '5MB'",
        "CREATE CAST (addr AS text) WITH INOUT",
        "CREATE COLLATION deutsch (locale = 'C')",
    ];
    const EQUAL: &[(&str, &str)] = &[
        (
            "ALTER TABLE users ADD COLUMN c int; ALTER TABLE users DROP COLUMN c; ALTER TABLE users ADD COLUMN d int",
            "ALTER TABLE users ADD COLUMN d int",
        ),
        ("CREATE INDEX i ON users (name)", "CREATE INDEX CONCURRENTLY i ON users (name)"),
        (
            "ALTER TABLE users ADD CONSTRAINT ck CHECK (age >= 0) NOT VALID; ALTER TABLE users VALIDATE CONSTRAINT ck",
            "ALTER TABLE users ADD CONSTRAINT ck CHECK (age >= 0)",
        ),
        (
            "ALTER TABLE users ADD CONSTRAINT u UNIQUE (email)",
            "CREATE UNIQUE INDEX u ON users (email); ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX u",
        ),
        (
            "ALTER TABLE users ADD CONSTRAINT nn CHECK (name IS NOT NULL) NOT VALID; ALTER TABLE users VALIDATE CONSTRAINT nn;
             ALTER TABLE users ALTER COLUMN name SET NOT NULL; ALTER TABLE users DROP CONSTRAINT nn",
            "ALTER TABLE users ALTER COLUMN name SET NOT NULL",
        ),
        ("GRANT SELECT ON users TO oracle_role; REVOKE SELECT ON users FROM oracle_role", ""),
    ];
    const CHANGES_18: &[&str] = &[
        "ALTER TABLE users RENAME CONSTRAINT users_email_not_null TO nn",
        "ALTER TABLE users ADD CONSTRAINT nn NOT NULL name NOT VALID",
        "ALTER TABLE users ADD CONSTRAINT ck CHECK (age > 0) NOT ENFORCED",
        "ALTER TABLE users ADD COLUMN c int GENERATED ALWAYS AS (age) VIRTUAL",
    ];
    const EQUAL_18: &[(&str, &str)] = &[(
        "ALTER TABLE users ADD CONSTRAINT users_name_not_null NOT NULL name NOT VALID;
         ALTER TABLE users VALIDATE CONSTRAINT users_name_not_null",
        "ALTER TABLE users ALTER COLUMN name SET NOT NULL",
    )];
    servers::on_each(|server| {
        let database = server.database(&setup);
        let mut client = database.connect();
        let (before, rows) = (catalog::fingerprint(&mut client), catalog::data(&mut client, &[]));
        let mut unseen = Vec::new();
        let (changes_18, equal_18) = if server.major >= 18 { (CHANGES_18, EQUAL_18) } else { (&[][..], &[][..]) };
        for change in CHANGES.iter().chain(changes_18) {
            let mut transaction = client.transaction().unwrap();
            let sql = change.replace("DATABASE current", &format!("DATABASE {}", database.name));
            transaction.batch_execute(&sql).unwrap_or_else(|error| panic!("{change}: {}", servers::told(&error)));
            if catalog::fingerprint(&mut transaction) == before {
                unseen.push(change);
            }
            transaction.rollback().unwrap();
        }
        assert!(unseen.is_empty(), "PostgreSQL {}: these do not show: {unseen:#?}", server.major);
        assert_eq!(catalog::difference(&before, &catalog::fingerprint(&mut client)), "");

        for change in
            ["UPDATE users SET age = 7 WHERE id = 8", "DELETE FROM orders WHERE id = 1", "SELECT nextval('free_seq')"]
        {
            run::whole(&mut client, change).unwrap();
            assert_eq!(
                catalog::difference(&before, &catalog::fingerprint(&mut client)),
                "",
                "{change} defines nothing"
            );
            assert_ne!(catalog::data(&mut client, &[]), rows, "{change} does not show");
        }
        run::whole(&mut client, "CREATE UNIQUE INDEX CONCURRENTLY i ON users (age)").unwrap_err();
        let invalid = catalog::difference(&before, &catalog::fingerprint(&mut client));
        assert!(invalid.starts_with("+ index public.i: ") && invalid.contains("valid f"), "{invalid}");

        for (one, other) in EQUAL.iter().chain(equal_18) {
            let [one_reached, other_reached] = [one, other].map(|sql| {
                let database = server.database(&setup);
                let mut client = database.connect();
                run::whole(&mut client, sql).unwrap();
                [catalog::fingerprint(&mut client), catalog::data(&mut client, &[])].concat()
            });
            assert_eq!(catalog::difference(&one_reached, &other_reached), "", "{one} against {other}");
        }
    });
}

/// The fields in which a record and an observation differ. How often a table is read depends on the planner for CLUSTER; which
/// tables does not. Where locks were sampled the observation may have missed some, but what it shows must be in the record.
fn compare(recorded: &Observation, observed: &Observation) -> String {
    let fields = |o: &Observation| {
        let mut fields = vec![
            ("txblock", format!("{} {:?}", o.txblock, o.txblock_error)),
            ("error", format!("{:?}", o.error)),
            ("rewrite", format!("{:?}", o.rewrite)),
            ("emptied", format!("{:?}", o.emptied)),
            ("trivial", format!("{:?}", o.trivial)),
            ("scanned", format!("{:?}", o.scanned.keys())),
            ("indexes_built", format!("{:?}", o.indexes_built)),
            ("dml", format!("{:?}", o.dml)),
            ("debug", format!("{:?}", o.debug)),
            ("sampled", format!("{:?}", o.sampled)),
            ("work", format!("{:?}", o.summary.work)),
        ];
        if !(recorded.sampled && is_within(observed, recorded)) {
            fields.push(("locks", format!("{:?}", o.locks)));
            fields.push(("index_locks", format!("{:?}", o.index_locks)));
            fields.push(("reads_blocked", format!("{:?}", o.summary.reads_blocked)));
            fields.push(("writes_blocked", format!("{:?}", o.summary.writes_blocked)));
        }
        fields
    };
    let differ = fields(recorded).into_iter().zip(fields(observed)).filter(|(recorded, observed)| recorded != observed);
    differ.map(|((field, recorded), (_, observed))| format!("  {field}: {recorded} against {observed}\n")).collect()
}

/// Whether every lock of the one is in the other, at least as strong, and so is what it blocks.
fn is_within(one: &Observation, other: &Observation) -> bool {
    let strength = |mode: &String| MODES.iter().position(|(_, name)| name == mode);
    let within = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        one.iter().all(|(name, mode)| other.get(name).is_some_and(|most| strength(mode) <= strength(most)))
    };
    within(&one.locks, &other.locks)
        && within(&one.index_locks, &other.index_locks)
        && one.summary.reads_blocked.is_subset(&other.summary.reads_blocked)
        && one.summary.writes_blocked.is_subset(&other.summary.writes_blocked)
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/observations")
}
