//! sqlx: `N_name.sql`, or `N_name.up.sql` with `N_name.down.sql`; a transaction around each file, which is one message; a
//! file whose first bytes are `-- no-transaction` has none.

use std::path::Path;

use model::runner::{Messages, Runner, RunnerTransaction};
use syntax::Span;

use crate::emit::version::counted;
use crate::emit::{Text, paired};
use crate::migration::{Key, Role};
use crate::tool::{Evidence, Place, Reading, Settings, Source, Tool, Writer};
use crate::tools::{bom, in_other_direction, no_settings, number, pair, plain, server_sql};

pub(super) static TOOL: Tool = Tool {
    name: "sqlx",
    label: "sqlx",
    evidence: Evidence {
        signature: |text| text.starts_with(MARKER),
        always_signed: false,
        files: &["sqlx.toml", ".sqlx", "sqlx-data.json"],
        dependencies: &[("Cargo.toml", "sqlx")],
        // Go has a library of that name too.
        words: &["name = \"sqlx\"", "sqlx-cli", "sqlx migrate", "sqlx mig", "sqlx database"],
        by_name: |names| added(names, true),
    },
    settings_files: &[],
    settings: no_settings,
    place,
    recursive: false,
    unique_version: true,
    directories: false,
    checksums: true,
    read,
    writer: WRITER,
};

const MARKER: &str = "-- no-transaction";

/// Split at the first `_`; the version fits 64 bits with sign.
fn place(path: &Path, _: &Settings) -> Option<Place> {
    let (stem, role) = pair(path.file_name()?.to_str()?)?;
    let (version, name) = stem.split_once('_')?;
    let number = number(version).filter(|number| *number <= i64::MAX.unsigned_abs().into())?;
    Some(Place {
        root: path.parent()?.to_owned(),
        key: Key::Numbers(vec![number]),
        version: version.to_owned(),
        name: name.to_owned(),
        role: role.unwrap_or(Role::Up),
    })
}

/// Files named as `sqlx migrate add` does it, with a direction or without: it counts with four digits or writes the time
/// with fourteen. golang-migrate writes fourteen too, but counts with six.
pub(super) fn added(files: &[&str], directed: bool) -> bool {
    files.iter().filter_map(|file| pair(file)).filter(|(_, role)| role.is_some() == directed).any(|(stem, _)| {
        let version = stem.split_once('_').map_or("", |(version, _)| version);
        number(version).is_some() && matches!(version.len(), 4 | 14)
    })
}

fn read(source: &Source, _: &Settings) -> Reading {
    let runner = Runner {
        name: "sqlx",
        transaction: RunnerTransaction::Unit,
        messages: Messages::Whole,
        opt_out: Some(MARKER.to_owned()),
        opted_out: false,
        resets_session: false,
    };
    let mut units = plain::whole_files(source, &runner, server_sql(Span::default()));
    for unit in units.iter_mut().filter(|unit| unit.text.starts_with(MARKER)) {
        unit.runner.opted_out = true;
        unit.runner.transaction = RunnerTransaction::None;
        unit.marks = vec![Span::new(0, unit.text.find(['\r', '\n']).unwrap_or(unit.text.len()))];
    }
    Reading { units, problems: Vec::new() }
}

const WRITER: Option<Writer> = Some(Writer {
    one_file: false,
    // Two versions that differ by one would make `sqlx migrate add` count instead of reading the clock.
    versions: |version, count, before| counted(version, count, before, 2),
    path: |beside, version, name| {
        let up = beside.path.file_name()?.to_str()?.ends_with(".up.sql");
        Some(beside.path.with_file_name(format!("{version}_{name}{}", if up { ".up.sql" } else { ".sql" })))
    },
    write: |sheet| {
        let mark = |transaction: bool| if transaction { String::new() } else { format!("{MARKER}\n") };
        let lead = match sheet.up.lead.starts_with(MARKER) {
            true => sheet.up.lead.split_once('\n').map_or("", |(_, rest)| rest),
            false => &sheet.up.lead,
        };
        // Behind a byte-order mark the marker would not be the first bytes.
        let bom = if sheet.transaction { bom(sheet) } else { "" };
        let Text { body, tail, .. } = &sheet.up;
        let up = format!("{bom}{}{}{lead}{body}{tail}", mark(sheet.transaction), sheet.header);
        let mut written = paired(sheet, in_other_direction(&sheet.path).unwrap_or_default(), up);
        for text in written.iter_mut().skip(1).filter_map(|(_, text)| text.as_mut()) {
            if !text.starts_with(MARKER) {
                text.insert_str(0, &mark(sheet.down_transaction));
            }
        }
        Ok(written)
    },
    statement: |sql, _| sql.to_owned(),
    fences: &[],
    one_switch: false,
    sets_freely: true,
    down_required: false,
    nothing: "",
    run: "`sqlx migrate run`",
    undo: Some("`sqlx migrate revert`"),
    repair: |_, _| String::new(),
    advice: |_| None,
});

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use model::plan::Mode;

    use crate::testing::{DOWN, UP, draw, emitted, made, memory, plan, three_parts};

    #[test]
    fn only_first_bytes_turn_the_transaction_off() {
        let files = memory(&[
            ("Cargo.toml", "[dependencies]\nsqlx = { version = \"0.8\" }\n"),
            ("migrations/20240101000000_a.up.sql", "-- no-transaction, for the index\nSELECT 1;\n"),
            ("migrations/20240101000000_a.down.sql", "SELECT 2;\n"),
            ("migrations/20240102000000_b.up.sql", "\n-- no-transaction\nSELECT 1;\n"),
            ("migrations/20240103000000_c.sql", "\u{feff}-- no-transaction\nSELECT 1;\n"),
            ("migrations/init.sql", "SELECT 1;\n"),
        ]);
        expect![[r#"
            sqlx in migrations, the files beside it say so
              20240101000000_a.up.sql [20240101000000] a
                with migrations/20240101000000_a.down.sql
                up, no transaction, whole
                down, transaction, whole
              20240102000000_b.up.sql [20240102000000] b
                up, transaction, whole
              20240103000000_c.sql [20240103000000] c
                up, transaction, whole
            skipped migrations/init.sql: lies among migrations of sqlx, which does not run a file of this name
        "#]]
        .assert_eq(&draw(&files, &[]));
    }

    /// golang-migrate names pairs alike.
    #[test]
    fn pairs_are_told_apart_by_what_lies_around_them() {
        let files = memory(&[
            ("mixed/20240101000000_a.up.sql", ""),
            ("mixed/20240102000000_b.sql", ""),
            ("script/Makefile", "migrate:\n\tsqlx migrate run --source db\n"),
            ("script/db/20240101000000_a.up.sql", ""),
            ("other/Makefile", "migrate:\n\tmigrate -path db up\n"),
            ("other/db/20240101000000_a.up.sql", ""),
            ("locked/Cargo.lock", "[[package]]\nname = \"sqlx\"\n"),
            ("locked/db/20240101000000_a.up.sql", ""),
            ("below/.git/HEAD", ""),
            ("below/crates/store/Cargo.toml", "sqlx.workspace = true\n"),
            ("below/db/20240101000000_a.up.sql", ""),
            ("go/go.mod", "require github.com/jmoiron/sqlx v1.4.0\n"),
            ("go/db/20240101000000_a.up.sql", ""),
            ("count/000001_a.up.sql", ""),
        ]);
        expect![[r#"
            sqlx in below/db, below/crates/store/Cargo.toml names sqlx
              20240101000000_a.up.sql [20240101000000] a
                up, transaction, whole
            golang-migrate in count, files are named the way it wants
              000001_a.up.sql [1] a
                up, no transaction, whole
            golang-migrate in go/db, go/go.mod is there
              20240101000000_a.up.sql [20240101000000] a
                up, no transaction, whole
            sqlx in locked/db, locked/Cargo.lock says name = "sqlx"
              20240101000000_a.up.sql [20240101000000] a
                up, transaction, whole
            sqlx in mixed, files are named the way it wants
              20240101000000_a.up.sql [20240101000000] a
                up, transaction, whole
              20240102000000_b.sql [20240102000000] b
                up, transaction, whole
            golang-migrate in other/db, other/Makefile says migrate -path
              20240101000000_a.up.sql [20240101000000] a
                up, no transaction, whole
            sqlx in script/db, script/Makefile says sqlx migrate
              20240101000000_a.up.sql [20240101000000] a
                up, transaction, whole
        "#]]
        .assert_eq(&draw(&files, &["mixed", "script", "other", "locked", "below", "go", "count"]));
    }

    #[test]
    fn parts_become_files_two_seconds_apart() {
        let files = memory(&[
            ("sqlx.toml", ""),
            ("migrations/20240601120000_orders.up.sql", UP),
            ("migrations/20240601120000_orders.down.sql", DOWN),
        ]);
        expect![[r#"
            ==== migrations/20240601120000_orders.down.sql
            SET LOCAL lock_timeout = '2s';
            ALTER TABLE orders DROP CONSTRAINT orders_total;
            ALTER TABLE orders DROP COLUMN note;
            ==== migrations/20240601120000_orders.up.sql
            -- Step 1 of 3, split by safestep. Then: 20240601120002_orders_step2_create_orders_note.up.sql, 20240601120004_orders_step3_validate_orders_total.up.sql.
            -- Roll back with `sqlx migrate revert`, once for each step, last step first.
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;
            ==== migrations/20240601120002_orders_step2_create_orders_note.down.sql
            -- no-transaction
            DROP INDEX CONCURRENTLY orders_note;
            ==== migrations/20240601120002_orders_step2_create_orders_note.up.sql
            -- no-transaction
            -- Step 2 of 3, split by safestep from 20240601120000_orders.up.sql.
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then `sqlx migrate run`.
            -- Roll back with `sqlx migrate revert`, once for each step, last step first.
            -- for the search
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);
            ==== migrations/20240601120004_orders_step3_validate_orders_total.down.sql
            -- There is nothing to undo.
            ==== migrations/20240601120004_orders_step3_validate_orders_total.up.sql
            -- Step 3 of 3, split by safestep from 20240601120000_orders.up.sql.
            -- Roll back with `sqlx migrate revert`, once for each step, last step first.
            SET LOCAL statement_timeout = 0;
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total;
        "#]].assert_eq(&emitted(&files, "migrations/20240601120000_orders.up.sql", &three_parts()));
    }

    #[test]
    fn the_marker_comes_and_goes_with_the_transaction() {
        let files = memory(&[
            ("sqlx.toml", ""),
            ("migrations/0001_a.sql", "\u{feff}-- why\n\nCREATE INDEX i ON t (a);\n"),
            ("migrations/0002_b.sql", "-- no-transaction\nDROP INDEX CONCURRENTLY i;\n"),
        ]);
        let index = made(0, Mode::NonTx, "create_i", "\u{feff}-- why\n\nCREATE INDEX CONCURRENTLY i ON t (a);", "");
        expect![[r#"
            ==== migrations/0001_a.sql
            -- no-transaction
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: <BOM>-- why DROP INDEX CONCURRENTLY i; then `sqlx migrate run`.
            -- why

            CREATE INDEX CONCURRENTLY i ON t (a);
        "#]]
        .assert_eq(&emitted(&files, "migrations/0001_a.sql", &plan(vec![vec![index]])));
        let drop = made(0, Mode::Tx, "drop_i", "DROP INDEX i;", "");
        expect![[r#"
            ==== migrations/0002_b.sql
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            DROP INDEX i;
        "#]]
        .assert_eq(&emitted(&files, "migrations/0002_b.sql", &plan(vec![vec![drop]])));
    }
}
