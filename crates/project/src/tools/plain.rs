//! Plain SQL files run by psql: statement by statement, each its own transaction unless the file says BEGIN.

use std::path::Path;

use model::runner::{Messages, Runner, RunnerTransaction};
use syntax::{Options, Span};

use crate::emit::paired;
use crate::migration::{Key, Role, Section, UnitText};
use crate::tool::{Evidence, Place, Reading, Settings, Source, Tool, Writer};
use crate::tools::{bom, no_settings, pair};

pub(super) static TOOL: Tool = Tool {
    name: "plain",
    label: "plain psql",
    evidence: Evidence {
        signature: |_| false,
        always_signed: false,
        files: &[],
        dependencies: &[],
        words: &[],
        by_name: |_| false,
    },
    settings_files: &[],
    settings: no_settings,
    place,
    recursive: false,
    unique_version: false,
    directories: false,
    checksums: false,
    read,
    writer: WRITER,
};

/// Files of one directory in the order in which a shell lists them. `a.down.sql` undoes `a.up.sql` or `a.sql`, and `down.sql`
/// undoes `up.sql`.
pub(super) fn place(path: &Path, _: &Settings) -> Option<Place> {
    let (stem, role) = match path.file_name()?.to_str()? {
        "down.sql" => ("up", Some(Role::Down)),
        file => pair(file)?,
    };
    let version = &stem[..stem.find(|c: char| !c.is_ascii_digit()).unwrap_or(stem.len())];
    Some(Place {
        root: path.parent()?.to_owned(),
        key: Key::Text(stem.to_owned()),
        version: version.to_owned(),
        name: stem[version.len()..].trim_start_matches(['_', '-', '.', ' ']).to_owned(),
        role: role.unwrap_or(Role::Up),
    })
}

fn read(source: &Source, _: &Settings) -> Reading {
    let runner = Runner {
        name: "plain psql",
        transaction: RunnerTransaction::None,
        messages: Messages::Each,
        opt_out: None,
        opted_out: false,
        resets_session: true,
    };
    Reading { units: whole_files(source, &runner, Options::default()), problems: Vec::new() }
}

/// The file is the Up section, and the paired down file, when there is one, is the Down section.
pub(super) fn whole_files(source: &Source, runner: &Runner, options: Options) -> Vec<UnitText> {
    let up = (Section::Up, source.path, source.text);
    let down = source.companions.iter().filter(|companion| companion.role == Role::Down);
    let down = down.map(|companion| (Section::Down, companion.path.as_path(), &companion.text));
    std::iter::once(up)
        .chain(down)
        .map(|(section, path, text)| UnitText {
            section,
            path: path.to_owned(),
            text: text.clone(),
            span: Span::new(0, text.len()),
            runner: runner.clone(),
            marks: Vec::new(),
            options: Options { range: Some(Span::new(0, text.len())), ..options.clone() },
        })
        .collect()
}

const WRITER: Option<Writer> = Some(Writer {
    one_file: true,
    versions: |_, _, _| None,
    path: |_, _, _| None,
    write: |sheet| {
        let down = sheet.path.with_extension("down.sql");
        Ok(paired(sheet, down, format!("{}{}{}", bom(sheet), sheet.header, sheet.up.joined())))
    },
    statement: |sql, _| sql.to_owned(),
    fences: &[],
    one_switch: false,
    sets_freely: true,
    down_required: false,
    nothing: "",
    run: "go on with this block",
    undo: None,
    repair: |_, _| String::new(),
    advice: |_| None,
});

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use model::plan::Mode;

    use crate::emit;
    use crate::testing::{DOWN, UP, draw, emitted, emitted_with, kept, made, memory, plan, three_parts};

    #[test]
    fn files_of_a_directory_are_a_history_in_the_order_of_a_shell() {
        let files = memory(&[
            ("db/migrations/10_b.sql", "SELECT 1;\n"),
            ("db/migrations/9_a.up.sql", "SELECT 1;\n"),
            ("db/migrations/9_a.down.sql", "SELECT 1;\n"),
            ("db/migrations/empty.sql", ""),
            ("db/queries/get.sql", "SELECT 1;\n"),
            ("db/migrations/add/up.sql", "SELECT 1;\n"),
            ("db/migrations/add/down.sql", "SELECT 1;\n"),
            ("db/dump.sql", "--\n-- PostgreSQL database dump\n--\n"),
            ("db/test.sql", "BEGIN;\nSELECT plan(1);\nSELECT pass();\nSELECT * FROM finish();\nROLLBACK;\n"),
        ]);
        expect![[r#"
            golang-migrate in db/migrations, files are named the way it wants
              9_a.up.sql [9] a
                with db/migrations/9_a.down.sql
                up, no transaction, whole
                down, no transaction, whole
            plain in db/migrations/add, nothing points at a tool
              up.sql Text("up") up
                with db/migrations/add/down.sql
                up, no transaction, each statement
                down, no transaction, each statement
            skipped db/dump.sql: is a schema dump, not a migration
            skipped db/migrations/10_b.sql: lies among migrations of golang-migrate, which does not run a file of this name
            skipped db/migrations/empty.sql: lies among migrations of golang-migrate, which does not run a file of this name
            skipped db/test.sql: is a pgTAP test, not a migration
        "#]].assert_eq(&draw(&files, &[]));
        expect![[r#"
            plain in db/migrations, nothing points at a tool
              10_b.sql Text("10_b") b
                up, no transaction, each statement
              empty.sql Text("empty") empty
                up, no transaction, each statement
            plain in db/migrations/add, nothing points at a tool
              up.sql Text("up") up
                with db/migrations/add/down.sql
                up, no transaction, each statement
                down, no transaction, each statement
            plain in db/queries, nothing points at a tool
              get.sql Text("get") get
                up, no transaction, each statement
        "#]]
        .assert_eq(&draw(&files, &["db/queries/get.sql", "db/migrations/10_b.sql", "db/migrations/add"]));
    }

    #[test]
    fn all_parts_stay_in_the_file_in_blocks() {
        let files = memory(&[("sql/orders.sql", UP), ("sql/orders.down.sql", DOWN)]);
        expect![[r#"
            ==== sql/orders.down.sql
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            DROP INDEX CONCURRENTLY orders_note;
            SET lock_timeout = '2s';
            SET statement_timeout = '30s';
            ALTER TABLE orders DROP CONSTRAINT orders_total;
            RESET statement_timeout;
            ALTER TABLE orders DROP COLUMN note;
            RESET lock_timeout;
            ==== sql/orders.sql
            -- Split into 3 blocks by safestep. Run it with psql -v ON_ERROR_STOP=1; after a failure go on with the block that failed.
            -- Block 1 of 3.
            BEGIN;
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;
            COMMIT;

            -- Block 2 of 3.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then go on with this block.
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            -- for the search
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);
            RESET lock_timeout;
            RESET statement_timeout;

            -- Block 3 of 3.
            BEGIN;
            SET LOCAL statement_timeout = 0;
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total;
            COMMIT;
        "#]].assert_eq(&emitted(&files, "sql/orders.sql", &three_parts()));
    }

    #[test]
    fn an_unchanged_plan_sets_timeouts_for_the_session_or_the_transaction() {
        let text = "ALTER TABLE t ADD a int;\nCREATE INDEX CONCURRENTLY i ON t (a);\nBEGIN;\n-- b\nALTER TABLE t ADD b int;\n\
                    ALTER TABLE t ADD c int;\nCOMMIT;\n";
        let files = memory(&[("sql/t.sql", text)]);
        let mut index = kept(1, "CREATE INDEX CONCURRENTLY i ON t (a);");
        index.mode = Mode::NonTx;
        let steps = plan(vec![
            vec![kept(0, "ALTER TABLE t ADD a int;")],
            vec![index],
            vec![kept(3, "-- b\nALTER TABLE t ADD b int;"), kept(4, "ALTER TABLE t ADD c int;")],
        ]);
        expect![[r#"
            ==== sql/t.sql
            SET lock_timeout = '2s';
            SET statement_timeout = '30s';
            ALTER TABLE t ADD a int;
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            CREATE INDEX CONCURRENTLY i ON t (a);
            BEGIN;
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            -- b
            ALTER TABLE t ADD b int;
            ALTER TABLE t ADD c int;
            COMMIT;
            RESET lock_timeout;
            RESET statement_timeout;
        "#]]
        .assert_eq(&emitted_with(&files, "sql/t.sql", &steps, &emit::Options::default()));
    }

    #[test]
    fn what_is_said_of_the_file_stays_above_everything() {
        let files = memory(&[("m/1_a.sql", "/* All\n   of it. */\n\n-- a\nALTER TABLE t ADD a int;\nDROP INDEX i;\n")]);
        let index = made(1, Mode::NonTx, "drop_i", "DROP INDEX CONCURRENTLY i;", "");
        let add = kept(0, "/* All\n   of it. */\n\n-- a\nALTER TABLE t ADD a int;");
        let text = emitted(&files, "m/1_a.sql", &plan(vec![vec![index], vec![add]]));
        expect![[r#"
            ==== m/1_a.sql
            -- Split into 2 blocks by safestep. Run it with psql -v ON_ERROR_STOP=1; after a failure go on with the block that failed.
            /* All
               of it. */

            -- Block 1 of 2.
            -- If it is interrupted: DROP INDEX CONCURRENTLY i;; then go on with this block.
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            DROP INDEX CONCURRENTLY i;
            RESET lock_timeout;
            RESET statement_timeout;

            -- Block 2 of 2.
            BEGIN;
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            -- a
            ALTER TABLE t ADD a int;
            COMMIT;
        "#]].assert_eq(&text);
    }
}
