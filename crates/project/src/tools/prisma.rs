//! Prisma Migrate: a directory `TIMESTAMP_name` with `migration.sql`; no transaction of its own, but each file is one message.

use std::path::{Path, PathBuf};

use model::runner::{Messages, Runner, RunnerTransaction};
use syntax::Span;

use crate::emit::version::counted;
use crate::files::Files;
use crate::migration::{Key, Role};
use crate::tool::{Evidence, OTHER_DIALECT, Place, Reading, Settings, Source, Tool, Writer};
use crate::tools::{bom, plain, server_sql};

pub(super) static TOOL: Tool = Tool {
    name: "prisma",
    label: "Prisma Migrate",
    evidence: Evidence {
        signature: |_| false,
        always_signed: false,
        files: &["migration_lock.toml"],
        dependencies: &[("package.json", "prisma"), ("package.json", "@prisma/client")],
        words: &[],
        by_name: |_| true,
    },
    settings_files: &["migration_lock.toml"],
    settings,
    place,
    recursive: true,
    unique_version: false,
    directories: true,
    checksums: true,
    read,
    writer: WRITER,
};

fn settings(files: &Files, found: &[PathBuf]) -> Settings {
    let mut settings = Settings::default();
    let lock = found.first().and_then(|lock| files.read(lock).ok());
    let table = lock.and_then(|lock| lock.text.parse::<toml::Table>().ok());
    let provider = table.as_ref().and_then(|table| table.get("provider")?.as_str());
    if let Some(provider) = provider.filter(|provider| !matches!(*provider, "postgresql" | "postgres")) {
        settings.0.insert(OTHER_DIALECT, format!("{provider}, by migration_lock.toml"));
    }
    settings
}

/// Sorted by the name of the directory.
fn place(path: &Path, _: &Settings) -> Option<Place> {
    let directory = path.parent().filter(|_| path.file_name().is_some_and(|name| name == "migration.sql"))?;
    let name = directory.file_name()?.to_str()?;
    let digits = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    (digits > 0).then(|| Place {
        root: directory.parent().unwrap_or(directory).to_owned(),
        key: Key::Text(name.to_owned()),
        version: name[..digits].to_owned(),
        name: name[digits..].trim_start_matches(['_', '-']).to_owned(),
        role: Role::Up,
    })
}

fn read(source: &Source, _: &Settings) -> Reading {
    let runner = Runner {
        name: "Prisma Migrate",
        transaction: RunnerTransaction::None,
        messages: Messages::Whole,
        opt_out: None,
        opted_out: false,
        resets_session: false,
    };
    Reading { units: plain::whole_files(source, &runner, server_sql(Span::default())), problems: Vec::new() }
}

const WRITER: Option<Writer> = Some(Writer {
    one_file: false,
    versions: |version, count, before| counted(version, count, before, 1),
    path: |beside, version, name| {
        Some(beside.path.parent()?.with_file_name(format!("{version}_{name}")).join("migration.sql"))
    },
    write: |sheet| {
        let text = format!("{}{}{}", bom(sheet), sheet.header, sheet.up.joined());
        Ok(vec![(sheet.path.clone(), Some(text))])
    },
    statement: |sql, _| sql.to_owned(),
    fences: &[],
    one_switch: false,
    sets_freely: true,
    down_required: false,
    nothing: "",
    run: "`prisma migrate deploy`",
    undo: None,
    repair: |_, directory| format!("`prisma migrate resolve --rolled-back {directory}`, then "),
    advice: |_| None,
});

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::emit;
    use crate::testing::{UP, draw, emitted, emitted_with, memory, three_parts};

    #[test]
    fn directories_are_migrations() {
        let files = memory(&[
            ("prisma/schema.prisma", ""),
            ("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n"),
            ("prisma/migrations/20240102000000_b/migration.sql", "SELECT 1;\n"),
            ("prisma/migrations/20240101000000_a/migration.sql", "SELECT 1;\n"),
            ("prisma/migrations/20240101000000_a/extra.sql", "SELECT 1;\n"),
        ]);
        expect![[r#"
            prisma in prisma/migrations, prisma/migrations/migration_lock.toml is there
              20240101000000_a/migration.sql Text("20240101000000_a") a
                up, no transaction, whole
              20240102000000_b/migration.sql Text("20240102000000_b") b
                up, no transaction, whole
            skipped prisma/migrations/20240101000000_a/extra.sql: lies among migrations of Prisma Migrate, which does not run a file of this name
        "#]]
        .assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn other_databases_are_left_out() {
        let files = memory(&[
            ("prisma/migrations/migration_lock.toml", "provider = \"mysql\"\n"),
            ("prisma/migrations/20240102000000_b/migration.sql", "SELECT 1;\n"),
        ]);
        expect![[r#"
            skipped prisma/migrations/20240102000000_b/migration.sql: is for mysql, by migration_lock.toml
        "#]]
        .assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn parts_become_directories_without_down() {
        let files = memory(&[
            ("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n"),
            ("prisma/migrations/20240601120000_orders/migration.sql", UP),
            ("prisma/migrations/20240601120001_next/migration.sql", "SELECT 1;\n"),
        ]);
        let path = "prisma/migrations/20240601120000_orders/migration.sql";
        expect![[r#"
            ==== prisma/migrations/20240601120000_orders/migration.sql
            -- Step 1 of 3, split by safestep. Then: 20240601120000_orders_step2_create_orders_note/migration.sql, 20240601120000_orders_step3_validate_orders_total/migration.sql.
            -- If it fails, nothing has changed: `prisma migrate resolve --rolled-back 20240601120000_orders`, then `prisma migrate deploy`.
            -- There is no Down section; undo the steps by a new migration, last step first.
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;
            ==== prisma/migrations/20240601120000_orders_step2_create_orders_note/migration.sql
            -- Step 2 of 3, split by safestep from 20240601120000_orders/migration.sql.
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then `prisma migrate resolve --rolled-back 20240601120000_orders_step2_create_orders_note`, then `prisma migrate deploy`.
            -- There is no Down section; undo the steps by a new migration, last step first.
            -- for the search
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);
            ==== prisma/migrations/20240601120000_orders_step3_validate_orders_total/migration.sql
            -- Step 3 of 3, split by safestep from 20240601120000_orders/migration.sql.
            -- If it fails, nothing has changed: `prisma migrate resolve --rolled-back 20240601120000_orders_step3_validate_orders_total`, then `prisma migrate deploy`.
            -- There is no Down section; undo the steps by a new migration, last step first.
            SET LOCAL statement_timeout = 0;
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total;
        "#]].assert_eq(&emitted(&files, path, &three_parts()));
        // Where the name of the next one leaves no room either, it moves.
        let files = memory(&[
            ("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n"),
            ("prisma/migrations/20240601120000_orders/migration.sql", UP),
            ("prisma/migrations/20240601120000_orders_next/migration.sql", "SELECT 1;\n"),
        ]);
        let options = emit::Options { changed: true, all_files: true, ..emit::Options::default() };
        expect![[r#"
            ==== prisma/migrations/20240601120000_orders/migration.sql
            -- Step 1 of 3, split by safestep. Then: 20240601120001_orders_step2_create_orders_note/migration.sql, 20240601120002_orders_step3_validate_orders_total/migration.sql.
            -- If it fails, nothing has changed: `prisma migrate resolve --rolled-back 20240601120000_orders`, then `prisma migrate deploy`.
            -- There is no Down section; undo the steps by a new migration, last step first.
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;
            ==== prisma/migrations/20240601120000_orders_next/migration.sql goes
            ==== prisma/migrations/20240601120001_orders_step2_create_orders_note/migration.sql
            -- Step 2 of 3, split by safestep from 20240601120000_orders/migration.sql.
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then `prisma migrate resolve --rolled-back 20240601120001_orders_step2_create_orders_note`, then `prisma migrate deploy`.
            -- There is no Down section; undo the steps by a new migration, last step first.
            -- for the search
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);
            ==== prisma/migrations/20240601120002_orders_step3_validate_orders_total/migration.sql
            -- Step 3 of 3, split by safestep from 20240601120000_orders/migration.sql.
            -- If it fails, nothing has changed: `prisma migrate resolve --rolled-back 20240601120002_orders_step3_validate_orders_total`, then `prisma migrate deploy`.
            -- There is no Down section; undo the steps by a new migration, last step first.
            SET LOCAL statement_timeout = 0;
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total;
            ==== prisma/migrations/20240601120003_orders_next/migration.sql
            SELECT 1;
            note: prisma/migrations/20240601120000_orders_next/migration.sql becomes prisma/migrations/20240601120003_orders_next/migration.sql, to make room
        "#]].assert_eq(&emitted_with(&files, path, &three_parts(), &options));
    }
}
