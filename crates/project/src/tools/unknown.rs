//! Nobody knows what runs it: standard input, signs of several tools, or of a tool that is not among ours. What would fail
//! in a transaction is reported as such, and nothing is rewritten.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use model::runner::{Messages, Runner, RunnerTransaction};
use syntax::Options;

use crate::files::Files;
use crate::lines::lines;
use crate::migration::Role;
use crate::tool::{Evidence, Place, Reading, Settings, Source, Tool};
use crate::tools::plain;

pub(super) static TOOL: Tool = Tool {
    name: "unknown",
    label: "an unknown tool",
    evidence: Evidence {
        signature: |text| lines(text).any(|line| of_others(line.text)),
        always_signed: false,
        files: &[
            "tern.conf",
            "dbconfig.yml",
            "sqitch.plan",
            "sqitch.conf",
            "yoyo.ini",
            "refinery.toml",
            "liquibase.properties",
            "drizzle.config.ts",
            "drizzle.config.js",
            "drizzle.config.mjs",
            "drizzle.config.json",
            "meta/_journal.json",
            ".gmrc",
            ".gmrc.js",
            "encore.app",
        ],
        dependencies: &[
            ("Cargo.toml", "refinery"),
            ("requirements.txt", "pyway"),
            ("pyproject.toml", "pyway"),
            ("package.json", "drizzle-kit"),
            ("package.json", "node-pg-migrate"),
            ("package.json", "graphile-migrate"),
            ("package.json", "postgrator"),
            ("package.json", "postgres-migrations"),
            ("go.mod", "github.com/mattermost/morph"),
            ("go.mod", "github.com/gobuffalo/pop"),
            ("go.mod", "github.com/uptrace/bun"),
            ("go.mod", "github.com/rubenv/sql-migrate"),
            ("go.mod", "github.com/jackc/tern"),
            ("supabase/config.toml", "project_id"),
            ("config.yaml", "metadata_directory"),
        ],
        words: &[],
        by_name: |_| false,
    },
    settings_files: &[JOURNAL, "drizzle.config.ts", "drizzle.config.js", "drizzle.config.mjs", "drizzle.config.json"],
    settings,
    place,
    recursive: false,
    unique_version: false,
    directories: false,
    checksums: false,
    read,
    writer: None,
};

/// In which drizzle keeps the order of its migrations, beside them.
const JOURNAL: &str = "meta/_journal.json";

/// Of the tools that are not among ours, how drizzle runs files is known.
const DRIZZLE: &str = "drizzle";

fn settings(_: &Files, found: &[PathBuf]) -> Settings {
    let (journals, configs): (Vec<_>, Vec<_>) = found.iter().partition(|path| path.ends_with(JOURNAL));
    let both = !journals.is_empty() && !configs.is_empty();
    Settings(both.then(|| (DRIZZLE, String::new())).into_iter().collect())
}

/// Lines that only tools write which we do not know: sql-migrate, Liquibase, tern, graphile-migrate, rambler, bun, shmig,
/// node-pg-migrate, drizzle, Hasura, morph, Atlas, sqitch, MyBatis, Play.
fn of_others(line: &str) -> bool {
    let beginnings = [
        "-- +migrate ",
        "--liquibase formatted sql",
        "-- liquibase formatted sql",
        "---- create above / drop below ----",
        "---- tern: ",
        "--! Previous:",
        "-- rambler ",
        "--bun:split",
        "-- ==== UP ====",
        "-- ====  UP  ====",
        "-- Up Migration",
        "-- hasura:",
        "-- morph:",
        "-- atlas:txmode",
        "-- //@UNDO",
        "# --- !Ups",
        "-- !Ups",
        "-- --- !Ups",
    ];
    let begins = line.starts_with(['-', '#']) && beginnings.iter().any(|beginning| line.starts_with(beginning));
    begins || line.ends_with("--> statement-breakpoint")
}

/// As for plain SQL; in sqitch's directories `revert/a.sql` undoes `deploy/a.sql`.
fn place(path: &Path, settings: &Settings) -> Option<Place> {
    let names: Vec<_> = path.iter().collect();
    let Some(at) = names.iter().rposition(|name| *name == "revert") else { return plain::place(path, settings) };
    let names = names.iter().enumerate().map(|(index, name)| if index == at { OsStr::new("deploy") } else { name });
    let place = plain::place(&names.collect::<PathBuf>(), settings)?;
    Some(Place { role: Role::Down, ..place })
}

/// Liquibase opens a transaction around each changeset that does not say otherwise, drizzle one around all pending files
/// (PgDialect.migrate, pg-core/dialect.ts).
fn read(source: &Source, settings: &Settings) -> Reading {
    let drizzle = settings.get(DRIZZLE).is_some();
    let mut changesets =
        lines(source.text).map(|line| line.text).filter(|it| it.starts_with("--changeset ")).peekable();
    let outside = changesets.peek().is_some() && changesets.all(|line| line.contains("runInTransaction:false"));
    let transaction = match (outside, drizzle) {
        (true, _) => RunnerTransaction::None,
        (_, true) => RunnerTransaction::AllPending,
        _ => RunnerTransaction::Unknown,
    };
    let runner = Runner {
        name: if drizzle { DRIZZLE } else { "an unknown tool" },
        transaction,
        messages: Messages::Each,
        opt_out: None,
        opted_out: false,
        resets_session: false,
    };
    Reading { units: plain::whole_files(source, &runner, Options::default()), problems: Vec::new() }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::testing::{draw, memory};

    #[test]
    fn a_conflict_and_the_mark_of_another_tool_leave_the_runner_unknown() {
        let files = memory(&[
            ("a/sqlx.toml", ""),
            ("a/migrations/1_a.up.sql", "SELECT 1;\n"),
            ("a/go.mod", "github.com/golang-migrate/migrate/v4\n"),
            ("b/sqlx.toml", ""),
            ("b/diesel.toml", ""),
            ("b/migrations/1_a.sql", "SELECT 1;\n"),
            ("c/go.mod", "github.com/golang-migrate/migrate/v4\n"),
            ("c/Cargo.toml", "sqlx = \"0.8\"\n"),
            ("c/migrations/1_a.up.sql", "SELECT 1;\n"),
            (
                "g/migrations/1_a.sql",
                "--liquibase formatted sql\n--changeset me:1 runInTransaction:false\nVACUUM a;\n--changeset me:2\nSELECT 1;\n",
            ),
            ("i/sqitch.plan", ""),
            ("i/deploy/tables/a.sql", "SELECT 1;\n"),
            ("i/revert/tables/a.sql", "SELECT 1;\n"),
            ("i/verify/tables/a.sql", "SELECT 1;\n"),
            ("h/migrations/1_a.sql", "--liquibase formatted sql\n--changeset me:1 runInTransaction:false\nVACUUM a;\n"),
            ("d/migrations/1_a.sql", "-- +migrate Up\nSELECT 1;\n"),
            ("e/migrations/0001_a.sql", "SELECT 1;--> statement-breakpoint\nSELECT 2;\n"),
            ("j/drizzle.config.ts", ""),
            ("j/drizzle/meta/_journal.json", "{}"),
            ("j/drizzle/0001_a.sql", "SELECT 1;--> statement-breakpoint\nSELECT 2;\n"),
            ("f/migrations/20240101000000_a.up.sql", "SELECT 1;\n"),
        ]);
        expect![[r#"
            sqlx in a/migrations, a/sqlx.toml is there
              1_a.up.sql [1] a
                up, transaction, whole
            sqlx in b/migrations, b/sqlx.toml is there
              1_a.sql [1] a
                up, transaction, whole
            unknown in c/migrations, c/migrations/1_a.up.sql points at several tools: golang-migrate (c/go.mod names github.com/golang-migrate/migrate), sqlx (c/Cargo.toml names sqlx)
              1_a.up.sql Text("1_a") a
                up, unknown transaction, each statement
            unknown in d/migrations, its own text says so
              1_a.sql Text("1_a") a
                up, unknown transaction, each statement
            unknown in e/migrations, its own text says so
              0001_a.sql Text("0001_a") a
                up, unknown transaction, each statement
            unknown in f/migrations, f/migrations/20240101000000_a.up.sql points at several tools: golang-migrate (files are named the way it wants), sqlx (files are named the way it wants)
              20240101000000_a.up.sql Text("20240101000000_a") a
                up, unknown transaction, each statement
            unknown in g/migrations, its own text says so
              1_a.sql Text("1_a") a
                up, unknown transaction, each statement
            unknown in h/migrations, its own text says so
              1_a.sql Text("1_a") a
                up, no transaction, each statement
            unknown in i/deploy/tables, i/sqitch.plan is there
              a.sql Text("a") a
                with i/revert/tables/a.sql
                up, unknown transaction, each statement
                down, unknown transaction, each statement
            unknown in j/drizzle, its own text says so
              0001_a.sql Text("0001_a") a
                up, one transaction for all, each statement
            skipped i/verify/tables/a.sql: verifies a change of sqitch, and is no migration
        "#]].assert_eq(&draw(&files, &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]));
    }
}
