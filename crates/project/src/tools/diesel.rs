//! Diesel: a directory `VERSION_name` with `up.sql` and `down.sql`; a transaction around each file, which is one message;
//! `metadata.toml` with `run_in_transaction = false` turns it off, and so does a `metadata.toml` without that key.

use std::path::Path;

use model::runner::{Messages, Runner, RunnerTransaction};
use syntax::Span;

use crate::emit::{Sheet, Written, paired};
use crate::migration::{Key, Problem, Role};
use crate::tool::{Evidence, Place, Reading, Settings, Source, Tool, Writer};
use crate::tools::{bom, no_settings, plain, server_sql};

pub(super) static TOOL: Tool = Tool {
    name: "diesel",
    label: "Diesel",
    evidence: Evidence {
        signature: |_| false,
        always_signed: false,
        files: &["diesel.toml"],
        dependencies: &[("Cargo.toml", "diesel"), ("Cargo.toml", "diesel_migrations")],
        words: &[],
        by_name: |_| true,
    },
    settings_files: &[],
    settings: no_settings,
    place,
    recursive: true,
    unique_version: true,
    directories: true,
    checksums: false,
    read,
    writer: WRITER,
};

/// Versions are compared as text, without their dashes.
fn place(path: &Path, _: &Settings) -> Option<Place> {
    let role = match path.file_name()?.to_str()? {
        "up.sql" => Role::Up,
        "down.sql" => Role::Down,
        "metadata.toml" => Role::Settings,
        _ => return None,
    };
    let directory = path.parent()?;
    let (version, name) = directory.file_name()?.to_str()?.split_once('_')?;
    let key = version.replace('-', "");
    // Thirteen digits are Hasura's milliseconds.
    let hasura = version.len() == 13 && key == version;
    let wanted = key.starts_with(|c: char| c.is_ascii_digit()) && key.chars().all(|c| c.is_ascii_hexdigit()) && !hasura;
    Some(Place {
        root: directory.parent()?.to_owned(),
        key: Key::Text(key),
        version: version.to_owned(),
        name: name.to_owned(),
        role: wanted.then_some(role)?,
    })
}

fn read(source: &Source, _: &Settings) -> Reading {
    let mut problems = Vec::new();
    let metadata = source.companions.iter().find(|companion| companion.role == Role::Settings);
    let table = metadata.map(|metadata| metadata.text.parse::<toml::Table>());
    let transaction = match &table {
        // Diesel takes what it cannot read for nothing.
        None | Some(Err(_)) => true,
        Some(Ok(table)) => match table.get("run_in_transaction").and_then(toml::Value::as_bool) {
            Some(transaction) => transaction,
            None => {
                problems.push(Problem {
                    span: Span::new(0, 0),
                    message: "Diesel runs this without a transaction, because metadata.toml does not say \
                              `run_in_transaction`; say it"
                        .to_owned(),
                    fatal: false,
                });
                false
            }
        },
    };
    if source.text.is_empty() {
        let message = "Diesel refuses an empty up.sql; write at least a comment";
        problems.push(Problem { span: Span::new(0, 0), message: message.to_owned(), fatal: true });
    }
    let runner = Runner {
        name: "Diesel",
        transaction: if transaction { RunnerTransaction::Unit } else { RunnerTransaction::None },
        messages: Messages::Whole,
        opt_out: Some("`run_in_transaction = false` in metadata.toml".to_owned()),
        opted_out: !transaction,
        resets_session: false,
    };
    Reading { units: plain::whole_files(source, &runner, server_sql(Span::default())), problems }
}

const WRITER: Option<Writer> = Some(Writer {
    one_file: false,
    versions: subversions,
    path: |beside, version, name| {
        Some(beside.path.parent()?.with_file_name(format!("{version}_{name}")).join("up.sql"))
    },
    write,
    statement: |sql, _| sql.to_owned(),
    fences: &[],
    one_switch: true,
    sets_freely: true,
    down_required: false,
    // libpq answers a query without statements in a way that Diesel takes for a failure.
    nothing: "SELECT 1;",
    run: "`diesel migration run`",
    undo: Some("`diesel migration revert`"),
    repair: |_, _| String::new(),
    advice: |_| None,
});

/// The same second with the next numbers of four hexadecimal digits behind it.
fn subversions(version: &str, count: usize, _: Option<&str>) -> Option<Vec<String>> {
    let number = |text: &str| u32::from_str_radix(text, 16).ok().filter(|_| text.len() == 4);
    let (base, start) = match version.rsplit_once('-') {
        Some((base, last)) if base.matches('-').count() >= 3 || !base.contains('-') => match number(last) {
            Some(number) => (base, number),
            None => (version, 0),
        },
        _ => (version, 0),
    };
    let last = start + u32::try_from(count).ok()?;
    (last <= 0xffff).then(|| (start + 1..=last).map(|number| format!("{base}-{number:04x}")).collect())
}

fn write(sheet: &Sheet) -> Result<Written, String> {
    let directory = sheet.path.parent().ok_or("the migration has no directory")?;
    let up = format!("{}{}{}", bom(sheet), sheet.header, sheet.up.joined());
    let mut written = paired(sheet, directory.join("down.sql"), up);
    let own = sheet.migration.companion(Role::Settings).filter(|_| sheet.original);
    let line = format!("run_in_transaction = {}", sheet.transaction);
    match own {
        Some(own) => {
            let known = |line: &&str| line.split('=').next().is_some_and(|key| key.trim() == "run_in_transaction");
            let text = match own.text.lines().find(known) {
                Some(old) => own.text.replacen(old, &line, 1),
                // Above any table, where it would belong to it.
                None => format!("{line}\n{}", own.text),
            };
            written.push((own.path.clone(), Some(text)));
        }
        None if !sheet.transaction => written.push((directory.join("metadata.toml"), Some(format!("{line}\n")))),
        None => {}
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use model::plan::Mode;

    use crate::emit;
    use crate::testing::{DOWN, UP, draw, emitted, emitted_with, kept, made, memory, plan, three_parts};

    #[test]
    fn versions_are_text_without_dashes_and_metadata_turns_the_transaction_off() {
        let files = memory(&[
            ("diesel.toml", ""),
            ("migrations/2024-05-01-000000-0001_c/up.sql", "SELECT 1;\n"),
            ("migrations/2024-05-01-000000_b/up.sql", "SELECT 1;\n"),
            ("migrations/2024-05-01-000000_b/down.sql", "SELECT 2;\n"),
            ("migrations/2024-05-01-000000_b/metadata.toml", "run_in_transaction = false\n"),
            ("migrations/20240430235959_a/up.sql", ""),
            ("migrations/20240430235959_a/metadata.toml", "# nothing\n"),
            ("migrations/00000000000000_diesel_initial_setup/up.sql", "SELECT 1;\n"),
            ("migrations/00000000000000_diesel_initial_setup/metadata.toml", "run_in"),
        ]);
        expect![[r#"
            diesel in migrations, diesel.toml is there
              00000000000000_diesel_initial_setup/up.sql Text("00000000000000") diesel_initial_setup
                with migrations/00000000000000_diesel_initial_setup/metadata.toml
                up, transaction, whole
              20240430235959_a/up.sql Text("20240430235959") a
                with migrations/20240430235959_a/metadata.toml
                problem at "": Diesel runs this without a transaction, because metadata.toml does not say `run_in_transaction`; say it
                problem at "": Diesel refuses an empty up.sql; write at least a comment
                up, no transaction, whole
              2024-05-01-000000_b/up.sql Text("20240501000000") b
                with migrations/2024-05-01-000000_b/down.sql
                with migrations/2024-05-01-000000_b/metadata.toml
                up, no transaction, whole
                down, no transaction, whole
              2024-05-01-000000-0001_c/up.sql Text("202405010000000001") c
                up, transaction, whole
        "#]].assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn parts_become_directories_of_the_same_second() {
        let files = memory(&[
            ("diesel.toml", ""),
            ("migrations/2024-06-01-120000_orders/up.sql", UP),
            ("migrations/2024-06-01-120000_orders/down.sql", DOWN),
            ("migrations/2024-06-01-120001_later/up.sql", "SELECT 1;\n"),
        ]);
        expect![[r#"
            ==== migrations/2024-06-01-120000-0001_orders_step2_create_orders_note/down.sql
            DROP INDEX CONCURRENTLY orders_note;
            ==== migrations/2024-06-01-120000-0001_orders_step2_create_orders_note/metadata.toml
            run_in_transaction = false
            ==== migrations/2024-06-01-120000-0001_orders_step2_create_orders_note/up.sql
            -- Step 2 of 3, split by safestep from 2024-06-01-120000_orders/up.sql.
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then `diesel migration run`.
            -- Roll back with `diesel migration revert`, once for each step, last step first.
            -- for the search
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);
            ==== migrations/2024-06-01-120000-0002_orders_step3_validate_orders_total/down.sql
            -- There is nothing to undo.
            SELECT 1;
            ==== migrations/2024-06-01-120000-0002_orders_step3_validate_orders_total/up.sql
            -- Step 3 of 3, split by safestep from 2024-06-01-120000_orders/up.sql.
            -- Roll back with `diesel migration revert`, once for each step, last step first.
            SET LOCAL statement_timeout = 0;
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total;
            ==== migrations/2024-06-01-120000_orders/down.sql
            SET LOCAL lock_timeout = '2s';
            ALTER TABLE orders DROP CONSTRAINT orders_total;
            ALTER TABLE orders DROP COLUMN note;
            ==== migrations/2024-06-01-120000_orders/up.sql
            -- Step 1 of 3, split by safestep. Then: 2024-06-01-120000-0001_orders_step2_create_orders_note/up.sql, 2024-06-01-120000-0002_orders_step3_validate_orders_total/up.sql.
            -- Roll back with `diesel migration revert`, once for each step, last step first.
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;
        "#]].assert_eq(&emitted(&files, "migrations/2024-06-01-120000_orders/up.sql", &three_parts()));
    }

    #[test]
    fn metadata_is_changed_and_not_replaced() {
        let files = memory(&[
            ("diesel.toml", ""),
            ("m/2024-06-01-120000-000a_i/up.sql", "CREATE INDEX i ON t (a);\nALTER TABLE t ADD b int;\n"),
            ("m/2024-06-01-120000-000a_i/metadata.toml", "# ours\nrun_in_transaction = true\n[other]\n"),
            ("m/2024-06-01-120000-000b_j/up.sql", "SELECT 1;\n"),
        ]);
        let index = || made(0, Mode::NonTx, "create_i", "CREATE INDEX CONCURRENTLY i ON t (a);", "");
        let column = || kept(1, "ALTER TABLE t ADD b int;");
        expect![[r#"
            withheld: there is no version for 1 more file before m/2024-06-01-120000-000b_j/up.sql, which may be applied already; --all-files moves that all the same
        "#]].assert_eq(&emitted(
            &files,
            "m/2024-06-01-120000-000a_i/up.sql",
            &plan(vec![vec![index()], vec![column()]]),
        ));
        let options = emit::Options { changed: true, all_files: true, ..emit::Options::default() };
        expect![[r#"
            ==== m/2024-06-01-120000-000a_i/metadata.toml
            # ours
            run_in_transaction = false
            [other]
            ==== m/2024-06-01-120000-000a_i/up.sql
            -- Step 1 of 2, split by safestep. Then: 2024-06-01-120000-000b_i_step2_keep/up.sql.
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: DROP INDEX CONCURRENTLY i; then `diesel migration run`.
            -- There is no Down section; undo the steps by a new migration, last step first.
            CREATE INDEX CONCURRENTLY i ON t (a);
            ==== m/2024-06-01-120000-000b_i_step2_keep/up.sql
            -- Step 2 of 2, split by safestep from 2024-06-01-120000-000a_i/up.sql.
            -- There is no Down section; undo the steps by a new migration, last step first.
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE t ADD b int;
            ==== m/2024-06-01-120000-000b_j/up.sql goes
            ==== m/2024-06-01-120000-000c_j/up.sql
            SELECT 1;
            note: m/2024-06-01-120000-000b_j/up.sql becomes m/2024-06-01-120000-000c_j/up.sql, to make room
        "#]]
        .assert_eq(&emitted_with(
            &files,
            "m/2024-06-01-120000-000a_i/up.sql",
            &plan(vec![vec![index()], vec![column()]]),
            &options,
        ));
    }
}
