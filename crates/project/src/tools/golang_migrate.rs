//! golang-migrate: `N_name.up.sql` and `N_name.down.sql`; no transaction of its own; each file is one message.
//!
//! With `x-multi-statement=true` in the database URL a file is cut at every `;` byte, strings and bodies included.

use std::path::{Path, PathBuf};

use model::runner::{Messages, Runner, RunnerTransaction};
use syntax::Span;

use crate::emit::paired;
use crate::emit::version::counted;
use crate::files::Files;
use crate::migration::Key;
use crate::tool::{Evidence, Place, Reading, Settings, Source, Tool, Writer};
use crate::tools::{bom, in_other_direction, number, pair, plain, server_sql, sqlx};

pub(super) static TOOL: Tool = Tool {
    name: "golang-migrate",
    label: "golang-migrate",
    evidence: Evidence {
        signature: |_| false,
        always_signed: false,
        files: &[],
        dependencies: &[("go.mod", "github.com/golang-migrate/migrate")],
        words: &[
            "github.com/golang-migrate/migrate",
            "golang-migrate",
            "migrate/migrate",
            "migrate -path",
            "migrate -source",
            "migrate -database",
        ],
        // It passes over files without a direction.
        by_name: |names| !sqlx::added(names, false),
    },
    settings_files: &[
        "Makefile",
        "Taskfile.yml",
        "Taskfile.yaml",
        "justfile",
        ".env",
        "docker-compose.yml",
        "docker-compose.yaml",
        "compose.yml",
        "compose.yaml",
    ],
    settings,
    place,
    recursive: false,
    unique_version: true,
    directories: false,
    checksums: false,
    read,
    writer: WRITER,
};

fn settings(files: &Files, found: &[PathBuf]) -> Settings {
    let mut settings = Settings::default();
    let says = |path: &PathBuf| files.read(path).is_ok_and(|read| read.text.contains("x-multi-statement=true"));
    if found.iter().any(says) {
        settings.0.insert("multi-statement", "true".to_owned());
    }
    settings
}

fn place(path: &Path, _: &Settings) -> Option<Place> {
    let (stem, role) = pair(path.file_name()?.to_str()?)?;
    let (version, name) = stem.split_once('_')?;
    let number = number(version).filter(|number| *number <= u128::from(u64::MAX))?;
    Some(Place {
        root: path.parent()?.to_owned(),
        key: Key::Numbers(vec![number]),
        version: version.to_owned(),
        name: name.to_owned(),
        role: role?,
    })
}

fn read(source: &Source, settings: &Settings) -> Reading {
    let runner = Runner {
        name: "golang-migrate",
        transaction: RunnerTransaction::None,
        messages: Messages::Whole,
        opt_out: None,
        opted_out: false,
        resets_session: false,
    };
    let mut units = plain::whole_files(source, &runner, server_sql(Span::default()));
    if settings.get("multi-statement").is_some() {
        for unit in &mut units {
            unit.runner.messages = Messages::Spans(cut_at_semicolons(&unit.text));
        }
    }
    Reading { units, problems: Vec::new() }
}

fn cut_at_semicolons(text: &str) -> Vec<Span> {
    let mut start = 0;
    text.split_inclusive(';')
        .map(|piece| {
            let span = Span::new(start, start + piece.len());
            start += piece.len();
            span
        })
        .collect()
}

const WRITER: Option<Writer> = Some(Writer {
    one_file: false,
    versions: |version, count, before| counted(version, count, before, 1),
    path: |beside, version, name| Some(beside.path.with_file_name(format!("{version}_{name}.up.sql"))),
    write: |sheet| {
        let down = in_other_direction(&sheet.path)?;
        Ok(paired(sheet, down, format!("{}{}{}", bom(sheet), sheet.header, sheet.up.joined())))
    },
    statement: |sql, _| sql.to_owned(),
    fences: &[],
    one_switch: false,
    sets_freely: true,
    down_required: false,
    nothing: "",
    run: "`migrate up`",
    undo: Some("`migrate down 1`"),
    // Before the first version stands -1, which looks like a flag (forceCmd, internal/cli).
    repair: |previous, _| format!("`migrate force {}`, then ", previous.unwrap_or("-- -1")),
    advice: |_| None,
});

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use model::plan::Mode;

    use crate::testing::{DOWN, UP, draw, emitted, kept, made, memory, plan, three_parts};

    #[test]
    fn up_and_down_are_files_and_order_is_by_number() {
        let files = memory(&[
            ("db/10_b.up.sql", "SELECT 1;\n"),
            ("db/10_b.down.sql", "SELECT 2;\n"),
            ("db/9_a.up.sql", ""),
            ("db/000010_c.up.sql", ""),
            ("db/8_lost.down.sql", ""),
            ("db/notes.sql", ""),
            ("go.mod", "require github.com/golang-migrate/migrate/v4 v4.17.0\n"),
        ]);
        expect![[r#"
            golang-migrate in db, go.mod names github.com/golang-migrate/migrate
              9_a.up.sql [9] a
                up, no transaction, whole
              000010_c.up.sql [10] c
                problem at "": db/10_b.up.sql has the same version; give one of the two another
                up, no transaction, whole
              10_b.up.sql [10] b
                with db/10_b.down.sql
                problem at "": db/000010_c.up.sql has the same version; give one of the two another
                up, no transaction, whole
                down, no transaction, whole
            skipped db/8_lost.down.sql: has no migration to belong to
            skipped db/notes.sql: lies among migrations of golang-migrate, which does not run a file of this name
        "#]]
        .assert_eq(&draw(&files, &["db"]));
    }

    #[test]
    fn multi_statement_mode_cuts_at_every_semicolon() {
        let files = memory(&[
            ("db/1_a.up.sql", "CREATE TABLE a ();\nDO $$ BEGIN; END $$;\n"),
            ("Makefile", "up:\n\tmigrate -database 'postgres://h/d?x-multi-statement=true' up\n"),
        ]);
        expect![[r#"
            golang-migrate in db, files are named the way it wants
              1_a.up.sql [1] a
                up, no transaction
                  "CREATE TABLE a ();"
                  "\nDO $$ BEGIN;"
                  " END $$;"
                  "\n"
        "#]]
        .assert_eq(&draw(&files, &["db"]));
    }

    #[test]
    fn parts_become_pairs_of_files() {
        let files = memory(&[
            ("go.mod", "require github.com/golang-migrate/migrate/v4 v4.17.0\n"),
            ("db/000006_first.up.sql", "SELECT 1;\n"),
            ("db/000007_orders.up.sql", UP),
            ("db/000007_orders.down.sql", DOWN),
        ]);
        expect![[r#"
            ==== db/000007_orders.down.sql
            SET LOCAL lock_timeout = '2s';
            ALTER TABLE orders DROP CONSTRAINT orders_total;
            ALTER TABLE orders DROP COLUMN note;
            ==== db/000007_orders.up.sql
            -- Step 1 of 3, split by safestep. Then: 000008_orders_step2_create_orders_note.up.sql, 000009_orders_step3_validate_orders_total.up.sql.
            -- If it fails, nothing has changed: `migrate force 000006`, then `migrate up`.
            -- Roll back with `migrate down 1`, once for each step, last step first.
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;
            ==== db/000008_orders_step2_create_orders_note.down.sql
            DROP INDEX CONCURRENTLY orders_note;
            ==== db/000008_orders_step2_create_orders_note.up.sql
            -- Step 2 of 3, split by safestep from 000007_orders.up.sql.
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then `migrate force 000007`, then `migrate up`.
            -- Roll back with `migrate down 1`, once for each step, last step first.
            -- for the search
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);
            ==== db/000009_orders_step3_validate_orders_total.down.sql
            -- There is nothing to undo.
            ==== db/000009_orders_step3_validate_orders_total.up.sql
            -- Step 3 of 3, split by safestep from 000007_orders.up.sql.
            -- If it fails, nothing has changed: `migrate force 000008`, then `migrate up`.
            -- Roll back with `migrate down 1`, once for each step, last step first.
            SET LOCAL statement_timeout = 0;
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total;
        "#]].assert_eq(&emitted(&files, "db/000007_orders.up.sql", &three_parts()));
    }

    #[test]
    fn a_written_transaction_stays_one() {
        let files =
            memory(&[("db/1_a.up.sql", "BEGIN;\nALTER TABLE t ADD a int;\nCREATE INDEX i ON t (a);\nCOMMIT;\n")]);
        let index = made(2, Mode::NonTx, "create_i", "CREATE INDEX CONCURRENTLY i ON t (a);", "");
        let steps = plan(vec![vec![kept(1, "ALTER TABLE t ADD a int;")], vec![index]]);
        expect![[r#"
            ==== db/1_a.up.sql
            -- Step 1 of 2, split by safestep. Then: 2_a_step2_create_i.up.sql.
            -- If it fails, nothing has changed: `migrate force -- -1`, then `migrate up`.
            -- There is no Down section; undo the steps by a new migration, last step first.
            BEGIN;
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE t ADD a int;
            COMMIT;
            ==== db/2_a_step2_create_i.up.sql
            -- Step 2 of 2, split by safestep from 1_a.up.sql.
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: DROP INDEX CONCURRENTLY i; then `migrate force 1`, then `migrate up`.
            -- There is no Down section; undo the steps by a new migration, last step first.
            CREATE INDEX CONCURRENTLY i ON t (a);
        "#]]
        .assert_eq(&emitted(&files, "db/1_a.up.sql", &steps));
    }
}
