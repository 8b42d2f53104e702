//! goose: `N_name.sql` with `-- +goose Up` and `-- +goose Down`; a transaction around each file; statement by statement.
//!
//! A statement ends at a line whose last word before a `--` ends in `;`, whatever SQL says; `StatementBegin` and
//! `StatementEnd` hold several lines together (pressly/goose, `internal/sqlparser/parser.go`).

use std::path::Path;

use model::runner::{Messages, Runner, RunnerTransaction};
use syntax::Span;

use crate::emit::version::counted;
use crate::emit::{Sheet, Text, Written};
use crate::lines::{Line, lines};
use crate::migration::{Key, Problem, Role, Section, UnitText};
use crate::tool::{Evidence, Place, Reading, Settings, Source, Tool, Writer};
use crate::tools::{bom, no_settings, server_sql};

pub(super) static TOOL: Tool = Tool {
    name: "goose",
    label: "goose",
    evidence: Evidence {
        signature: |text| text.contains("+goose") && lines(text).any(|line| annotation(line.text).is_some()),
        always_signed: true,
        files: &[],
        dependencies: &[("go.mod", "github.com/pressly/goose")],
        words: &[],
        by_name: |_| false,
    },
    settings_files: &[],
    settings: no_settings,
    place,
    recursive: false,
    unique_version: true,
    directories: false,
    checksums: false,
    read,
    writer: WRITER,
};

/// The text before the first `_` is a number of at least 1 that fits 64 bits.
fn place(path: &Path, _: &Settings) -> Option<Place> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".sql")?;
    let (version, name) = stem.split_once('_')?;
    let number: i64 = version.parse().ok().filter(|number| *number >= 1)?;
    Some(Place {
        root: path.parent()?.to_owned(),
        key: Key::Numbers(vec![u128::try_from(number).ok()?]),
        version: version.to_owned(),
        name: name.to_owned(),
        role: Role::Up,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Annotation {
    Up,
    Down,
    Begin,
    End,
    NoTransaction,
    EnvsubOn,
    EnvsubOff,
    Unknown,
}

/// Any line comment that holds `+goose` is one, and a word goose does not know is an error to it.
fn annotation(line: &str) -> Option<Annotation> {
    let comment = line.trim_start().strip_prefix("--")?;
    let command = comment.trim().strip_prefix("+goose")?.trim();
    let known = [
        ("Up", Annotation::Up),
        ("Down", Annotation::Down),
        ("StatementBegin", Annotation::Begin),
        ("StatementEnd", Annotation::End),
        ("NO TRANSACTION", Annotation::NoTransaction),
        ("ENVSUB ON", Annotation::EnvsubOn),
        ("ENVSUB OFF", Annotation::EnvsubOff),
    ];
    let found = known.iter().find(|(word, _)| word.eq_ignore_ascii_case(command));
    Some(found.map_or(Annotation::Unknown, |(_, annotation)| *annotation))
}

/// The last word before a line comment ends in `;`.
fn ends_statement(line: &str) -> bool {
    if !line.contains("--") {
        return line.trim_end().ends_with(';');
    }
    line.split_whitespace().take_while(|word| !word.starts_with("--")).last().is_some_and(|word| word.ends_with(';'))
}

fn read(source: &Source, _: &Settings) -> Reading {
    let text = source.text;
    let mut problems = Vec::new();
    let mut sections: Vec<(Section, usize)> = Vec::new();
    // One list of messages for each section.
    let mut messages: Vec<Vec<Span>> = Vec::new();
    let mut statement: Option<Span> = None;
    let mut fence: Option<Span> = None;
    let mut no_transaction = false;
    let mut marks: Vec<Span> = Vec::new();

    for line in lines(text) {
        let here = Span::new(line.range.start, line.range.end);
        let mut problem =
            |message: &str| problems.push(Problem { span: here, message: message.to_owned(), fatal: true });
        let found = annotation(line.text);
        marks.extend(found.map(|_| here));
        if found.is_some() && line.text.starts_with([' ', '\t']) {
            problem("goose refuses an annotation with white space before it; start the line with `--`");
        }
        match found {
            Some(Annotation::Up | Annotation::Down) if fence.is_some() => {
                problem("goose refuses this between StatementBegin and StatementEnd; close the block above it");
            }
            Some(Annotation::Up) if sections.is_empty() => {
                sections.push((Section::Up, line.range.start));
                messages.push(Vec::new());
            }
            Some(Annotation::Up) => problem("goose refuses a second `-- +goose Up`; remove it"),
            Some(Annotation::Down) => {
                if sections.len() == 1 {
                    if let (Some(open), Some(messages)) = (statement.take(), messages.last_mut()) {
                        problems.push(unfinished(open));
                        messages.push(open);
                    }
                    sections.push((Section::Down, line.range.start));
                    messages.push(Vec::new());
                } else {
                    problem("goose refuses `-- +goose Down` here; write exactly one, after `-- +goose Up`");
                }
            }
            Some(Annotation::Begin) if fence.is_some() || sections.is_empty() => {
                problem("goose refuses `StatementBegin` here; it belongs after Up or Down, and blocks do not nest");
            }
            Some(Annotation::Begin) => fence = Some(Span::new(line.next, line.next)),
            Some(Annotation::End) => match fence.take() {
                Some(open) => {
                    if let Some(messages) = messages.last_mut() {
                        messages.push(Span::new(open.start as usize, line.range.start));
                    }
                }
                None => problem("goose refuses `StatementEnd` without `StatementBegin`; remove one or add the other"),
            },
            Some(Annotation::NoTransaction) => no_transaction = true,
            // Placeholders are masked everywhere.
            Some(Annotation::EnvsubOn | Annotation::EnvsubOff) => {}
            Some(Annotation::Unknown) => {
                problem(
                    "goose does not know this annotation; it knows Up, Down, StatementBegin, StatementEnd, \
                         NO TRANSACTION, ENVSUB ON and ENVSUB OFF",
                );
            }
            None if fence.is_some() => {}
            None => {
                let idle = statement.is_none();
                if idle && (line.text.trim().is_empty() || line.text.trim_start().starts_with("--")) {
                    continue;
                }
                let open = statement.unwrap_or(here).to(here);
                let Some(messages) = messages.last_mut() else {
                    problem("goose refuses SQL before `-- +goose Up`; put the annotation above it");
                    break;
                };
                statement = Some(open);
                if ends_statement(line.text) {
                    messages.push(open);
                    statement = None;
                }
            }
        }
    }
    if let Some(open) = statement {
        problems.push(unfinished(open));
        if let Some(messages) = messages.last_mut() {
            messages.push(open);
        }
    }
    if let Some(open) = fence {
        problems.push(Problem {
            span: open,
            message: "goose finds no `-- +goose StatementEnd` for this block; add it behind the statement".to_owned(),
            fatal: true,
        });
        if let Some(messages) = messages.last_mut() {
            messages.push(Span::new(open.start as usize, text.len()));
        }
    }
    if sections.is_empty() {
        sections.push((Section::Up, 0));
        messages.push(Vec::new());
        if problems.is_empty() {
            problems.push(Problem {
                span: Span::new(0, 0),
                message: "goose refuses a file without `-- +goose Up`; add it above the first statement".to_owned(),
                fatal: true,
            });
        }
    }

    let units = sections.iter().zip(messages).enumerate().map(|(index, (&(section, start), messages))| {
        let start = if index == 0 { 0 } else { start };
        let span = Span::new(start, sections.get(index + 1).map_or(text.len(), |(_, next)| *next));
        UnitText {
            section,
            path: source.path.to_owned(),
            text: text.clone(),
            span,
            runner: Runner {
                name: "goose",
                transaction: if no_transaction { RunnerTransaction::None } else { RunnerTransaction::Unit },
                messages: Messages::Spans(messages),
                opt_out: Some("-- +goose NO TRANSACTION".to_owned()),
                opted_out: no_transaction,
                resets_session: false,
            },
            marks: marks.iter().copied().filter(|mark| span.contains(*mark)).collect(),
            options: server_sql(span),
        }
    });
    Reading { units: units.collect(), problems }
}

fn unfinished(span: Span) -> Problem {
    Problem {
        span,
        message: "goose finds no end of this statement; a line must end with `;`, \
                  or StatementBegin and StatementEnd must enclose it"
            .to_owned(),
        fatal: true,
    }
}

const WRITER: Option<Writer> = Some(Writer {
    one_file: false,
    versions: |version, count, before| counted(version, count, before, 1),
    path: |beside, version, name| Some(beside.path.with_file_name(format!("{version}_{name}.sql"))),
    write,
    statement: fenced,
    fences: &["statementbegin", "statementend"],
    one_switch: true,
    sets_freely: true,
    down_required: false,
    nothing: "",
    run: "`goose up`",
    undo: Some("`goose down`"),
    repair: |_, _| String::new(),
    advice: |_| None,
});

/// A statement that goose would cut, or not find the end of, between fences.
fn fenced(sql: &str, was: bool) -> String {
    let mut ends =
        lines(sql).skip_while(|line| line.text.trim().is_empty() || line.text.trim_start().starts_with("--"));
    let start = ends.next();
    let from = start.as_ref().map_or(0, |line| line.range.start);
    let mut all = start.into_iter().chain(ends);
    let whole = all.any(|line| ends_statement(line.text))
        && all.all(|line| {
            let text = line.text.trim();
            text.is_empty() || text.starts_with("--")
        });
    if whole && !was {
        return sql.to_owned();
    }
    let (comments, statement) = sql.split_at(from);
    format!("{comments}-- +goose StatementBegin\n{}\n-- +goose StatementEnd", statement.trim_end())
}

fn write(sheet: &Sheet) -> Result<Written, String> {
    let Text { lead, body, tail } = &sheet.up;
    let up = if sheet.original { "" } else { "-- +goose Up\n" };
    let mut text = format!("{up}{lead}{body}{tail}");
    if let Some(down) = &sheet.down {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let lead = if down.lead.is_empty() { "\n-- +goose Down\n" } else { &down.lead };
        text.push_str(&format!("{lead}{}{}", down.body, down.tail));
    }
    let is_switch = |line: &Line| annotation(line.text) == Some(Annotation::NoTransaction);
    let switched = lines(&text).any(|line| is_switch(&line));
    if sheet.transaction && switched {
        let kept = lines(&text).filter(|line| !is_switch(line));
        text = kept.map(|line| &text[line.range.start..line.next]).collect();
    }
    let switch = if sheet.transaction || switched { "" } else { "-- +goose NO TRANSACTION\n" };
    Ok(vec![(sheet.path.clone(), Some(format!("{}{switch}{}{text}", bom(sheet), sheet.header)))])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use model::plan::{Inverse, Mode, Setting, Step};

    use crate::emit;
    use crate::testing::{DOWN, UP, draw, emitted, emitted_with, kept, made, memory, plan, three_parts};

    #[test]
    fn lines_that_end_with_a_semicolon_end_messages() {
        let files = memory(&[(
            "migrations/00002_two.sql",
            "-- a header; with a semicolon;\n-- +goose Up\n-- +goose NO TRANSACTION\n\n-- about a\nCREATE TABLE a (\n  x int -- ; no;\n); -- done\n\
             SELECT 1; SELECT 2;\nSELECT ';\n';\n\n-- +goose Down\nDROP TABLE a;\n",
        )]);
        expect![[r#"
            goose in migrations, its own text says so
              00002_two.sql [2] two
                up, no transaction
                  "CREATE TABLE a (\n  x int -- ; no;\n); -- done"
                  "SELECT 1; SELECT 2;"
                  "SELECT ';"
                  "';"
                down, no transaction
                  "DROP TABLE a;"
        "#]]
        .assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn a_fence_is_one_message_and_line_endings_do_not_matter() {
        let files = memory(&[(
            "m/20240101000000_f.sql",
            "\u{feff}-- +goose up\r\n-- +goose StatementBegin\r\nCREATE FUNCTION f() RETURNS int AS $$\r\nBEGIN\r\n  RETURN 1;\r\nEND $$;\r\n\
             -- +goose StatementEnd\r\n--   +goose ENVSUB ON\r\nSELECT ${x};\r\n",
        )]);
        expect![[r#"
            goose in m, its own text says so
              20240101000000_f.sql [20240101000000] f
                up, transaction
                  "CREATE FUNCTION f() RETURNS int AS $$\r\nBEGIN\r\n  RETURN 1;\r\nEND $$;\r\n"
                  "SELECT ${x};"
        "#]]
        .assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn what_goose_refuses_is_a_problem_and_still_read() {
        let files = memory(&[
            ("m/1_a.sql", "-- +goose Up\nSELECT 1\n-- +goose Down\nSELECT 2;\n-- +goose Down\n"),
            ("m/2_b.sql", "-- +goose Up\n -- +goose StatementBegin\nSELECT 1;\nSELECT 2;\n"),
            ("m/3_c.sql", "SELECT 1;\n"),
            ("m/4_d.sql", ""),
            ("m/04_e.sql", "-- +goose Sideways\n-- +goose Up\n-- +goose StatementEnd\n"),
            ("m/readme.sql", "-- +goose Up\n"),
        ]);
        expect![[r#"
            goose in m, its own text says so
              1_a.sql [1] a
                problem at "SELECT 1": goose finds no end of this statement; a line must end with `;`, or StatementBegin and StatementEnd must enclose it
                problem at "-- +goose Down": goose refuses `-- +goose Down` here; write exactly one, after `-- +goose Up`
                up, transaction
                  "SELECT 1"
                down, transaction
                  "SELECT 2;"
              2_b.sql [2] b
                problem at " -- +goose StatementBegin": goose refuses an annotation with white space before it; start the line with `--`
                problem at "": goose finds no `-- +goose StatementEnd` for this block; add it behind the statement
                up, transaction
                  "SELECT 1;\nSELECT 2;\n"
              3_c.sql [3] c
                problem at "SELECT 1;": goose refuses SQL before `-- +goose Up`; put the annotation above it
                up, transaction
              04_e.sql [4] e
                problem at "-- +goose Sideways": goose does not know this annotation; it knows Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON and ENVSUB OFF
                problem at "-- +goose StatementEnd": goose refuses `StatementEnd` without `StatementBegin`; remove one or add the other
                problem at "": m/4_d.sql has the same version; give one of the two another
                up, transaction
              4_d.sql [4] d
                problem at "": goose refuses a file without `-- +goose Up`; add it above the first statement
                problem at "": m/04_e.sql has the same version; give one of the two another
                up, transaction
            skipped m/readme.sql: is written for goose, which does not run a file of this name
        "#]].assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn order_is_by_number() {
        let files = memory(&[
            ("m/10_c.sql", "-- +goose Up\n"),
            ("m/9_b.sql", "-- +goose Up\n"),
            ("m/0008_a.sql", "-- +goose Up\n"),
            ("m/0_zero.sql", "-- +goose Up\n"),
            ("m/20240101000000_d.sql", "-- +goose Up\n"),
        ]);
        expect![[r#"
            goose in m, its own text says so
              0008_a.sql [8] a
                up, transaction
              9_b.sql [9] b
                up, transaction
              10_c.sql [10] c
                up, transaction
              20240101000000_d.sql [20240101000000] d
                up, transaction
            skipped m/0_zero.sql: is written for goose, which does not run a file of this name
        "#]]
        .assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn parts_become_files_with_marks_and_their_share_of_down() {
        let up = format!("-- What was agreed.\n\n-- +goose Up\n{UP}\n-- +goose Down\n{DOWN}");
        let files = memory(&[
            ("m/20240101120000_old.sql", "-- +goose Up\n"),
            ("m/20240601120000_orders.sql", &up),
            ("m/20240701120000_later.sql", "-- +goose Up\n"),
        ]);
        expect![[r#"
            ==== m/20240601120000_orders.sql
            -- Step 1 of 3, split by safestep. Then: 20240601120001_orders_step2_create_orders_note.sql, 20240601120002_orders_step3_validate_orders_total.sql.
            -- Roll back with `goose down`, once for each step, last step first.
            -- What was agreed.

            -- +goose Up
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;

            -- +goose Down
            SET LOCAL lock_timeout = '2s';
            ALTER TABLE orders DROP CONSTRAINT orders_total;
            ALTER TABLE orders DROP COLUMN note;
            ==== m/20240601120001_orders_step2_create_orders_note.sql
            -- +goose NO TRANSACTION
            -- Step 2 of 3, split by safestep from 20240601120000_orders.sql.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then `goose up`.
            -- Roll back with `goose down`, once for each step, last step first.
            -- +goose Up
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            -- for the search
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);
            RESET lock_timeout;
            RESET statement_timeout;

            -- +goose Down
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            DROP INDEX CONCURRENTLY orders_note;
            RESET lock_timeout;
            RESET statement_timeout;
            ==== m/20240601120002_orders_step3_validate_orders_total.sql
            -- Step 3 of 3, split by safestep from 20240601120000_orders.sql.
            -- Roll back with `goose down`, once for each step, last step first.
            -- +goose Up
            SET LOCAL statement_timeout = 0;
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total;

            -- +goose Down
            -- There is nothing to undo.
        "#]].assert_eq(&emitted(&files, "m/20240601120000_orders.sql", &three_parts()));
    }

    #[test]
    fn fences_switches_and_line_endings_survive() {
        let text = "\u{feff}-- +goose ENVSUB ON\r\n-- +goose Up\r\n-- +goose StatementBegin\r\nCREATE FUNCTION f() RETURNS int AS $$\r\n\
                    BEGIN\r\n  RETURN ${X};\r\nEND $$ LANGUAGE plpgsql;\r\n-- +goose StatementEnd\r\n\r\nCREATE INDEX i ON t (f());\r\n";
        let files = memory(&[("m/00007_f.sql", text)]);
        let mut function =
            kept(0, "CREATE FUNCTION f() RETURNS int AS $$\r\nBEGIN\r\n  RETURN ${X};\r\nEND $$ LANGUAGE plpgsql;");
        function.blocks = false;
        let index = made(1, Mode::NonTx, "create_i", "CREATE INDEX CONCURRENTLY i ON t (f());", "");
        expect![[r#"
            ==== m/00007_f.sql
            <BOM>-- Step 1 of 2, split by safestep. Then: 00008_f_step2_create_i.sql.<CR>
            -- There is no Down section; undo the steps by a new migration, last step first.<CR>
            -- +goose ENVSUB ON<CR>
            -- +goose Up<CR>
            -- +goose StatementBegin<CR>
            CREATE FUNCTION f() RETURNS int AS $$<CR>
            BEGIN<CR>
              RETURN ${X};<CR>
            END $$ LANGUAGE plpgsql;<CR>
            -- +goose StatementEnd<CR>
            ==== m/00008_f_step2_create_i.sql
            -- +goose NO TRANSACTION<CR>
            -- Step 2 of 2, split by safestep from 00007_f.sql.<CR>
            -- If it is interrupted: DROP INDEX CONCURRENTLY i; then `goose up`.<CR>
            -- There is no Down section; undo the steps by a new migration, last step first.<CR>
            -- +goose Up<CR>
            -- +goose ENVSUB ON<CR>
            SET lock_timeout = 0;<CR>
            SET statement_timeout = 0;<CR>
            CREATE INDEX CONCURRENTLY i ON t (f());<CR>
            RESET lock_timeout;<CR>
            RESET statement_timeout;<CR>
        "#]]
        .assert_eq(&emitted(&files, "m/00007_f.sql", &plan(vec![vec![function], vec![index]])));
    }

    #[test]
    fn a_fence_around_a_whole_section_goes() {
        let text = format!(
            "-- +goose Up\n-- +goose StatementBegin\n{UP}-- +goose StatementEnd\n\n-- +goose Down\n-- +goose StatementBegin\n{DOWN}\
             -- +goose StatementEnd\n"
        );
        let files = memory(&[("m/1_orders.sql", &text)]);
        expect![[r#"
            ==== m/1_orders.sql
            -- Step 1 of 3, split by safestep. Then: 2_orders_step2_create_orders_note.sql, 3_orders_step3_validate_orders_total.sql.
            -- Roll back with `goose down`, once for each step, last step first.
            -- +goose Up
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;

            -- +goose Down
            SET LOCAL lock_timeout = '2s';
            ALTER TABLE orders DROP CONSTRAINT orders_total;
            ALTER TABLE orders DROP COLUMN note;
            ==== m/2_orders_step2_create_orders_note.sql
            -- +goose NO TRANSACTION
            -- Step 2 of 3, split by safestep from 1_orders.sql.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then `goose up`.
            -- Roll back with `goose down`, once for each step, last step first.
            -- +goose Up
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            -- for the search
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);
            RESET lock_timeout;
            RESET statement_timeout;

            -- +goose Down
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            DROP INDEX CONCURRENTLY orders_note;
            RESET lock_timeout;
            RESET statement_timeout;
            ==== m/3_orders_step3_validate_orders_total.sql
            -- Step 3 of 3, split by safestep from 1_orders.sql.
            -- Roll back with `goose down`, once for each step, last step first.
            -- +goose Up
            SET LOCAL statement_timeout = 0;
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total;

            -- +goose Down
            -- There is nothing to undo.
        "#]].assert_eq(&emitted(&files, "m/1_orders.sql", &three_parts()));
    }

    #[test]
    fn parts_share_a_file_where_none_can_be_created() {
        let text = format!("-- +goose Up\n{UP}\n-- +goose Down\n{DOWN}");
        let files = memory(&[("m/1_orders.sql", &text)]);
        let options = emit::Options { changed: true, one_file: true, ..emit::Options::default() };
        expect![[r#"
            ==== m/1_orders.sql
            -- +goose NO TRANSACTION
            -- Split into 3 blocks by safestep, which commit one by one. After a failure take out those that ran, then `goose up`.
            -- +goose Up
            -- Block 1 of 3.
            BEGIN;
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;
            COMMIT;

            -- Block 2 of 3.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then `goose up`.
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

            -- +goose Down
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            DROP INDEX CONCURRENTLY orders_note;
            SET lock_timeout = '2s';
            SET statement_timeout = '30s';
            ALTER TABLE orders DROP CONSTRAINT orders_total;
            RESET statement_timeout;
            ALTER TABLE orders DROP COLUMN note;
            RESET lock_timeout;
        "#]].assert_eq(&emitted_with(&files, "m/1_orders.sql", &three_parts(), &options));
    }

    /// goose writes down in the same transaction and session what it ran.
    #[test]
    fn every_file_takes_back_what_it_sets_but_what_the_original_leaves() {
        let text = "-- +goose Up\nSET ROLE owner;\nCREATE TABLE a (b int);\nCREATE INDEX i ON t (a);\nRESET ROLE;\n\
                    SET search_path = app;\n-- +goose Down\nSET ROLE owner;\nDROP INDEX i;\nDROP TABLE a;\n";
        let index = made(2, Mode::NonTx, "create_i", "CREATE INDEX CONCURRENTLY i ON t (a);", "");
        let index = Step { inverse: Inverse::Original, ..index };
        let mut split = plan(vec![vec![kept(1, "CREATE TABLE a (b int);")], vec![index]]);
        let setting = |name: &str, sql: &str| Setting { name: name.to_owned(), sql: sql.to_owned(), local: false };
        split.parts.iter_mut().for_each(|part| part.settings = vec![setting("role", "SET ROLE owner;")]);
        split.left = vec![setting("role", "RESET ROLE;"), setting("search_path", "SET search_path = app;")];
        let drawn = emitted(&memory(&[("m/1_a.sql", text)]), "m/1_a.sql", &split);
        let drawn: Vec<&str> =
            drawn.lines().filter(|line| !line.starts_with("-- ") || line.contains("+goose")).collect();
        expect![[r#"
            ==== m/1_a.sql
            -- +goose Up
            SET ROLE owner;
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            CREATE TABLE a (b int);
            RESET role;
            -- +goose Down
            SET ROLE owner;
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            DROP TABLE a;
            RESET role;
            ==== m/2_a_step2_create_i.sql
            -- +goose NO TRANSACTION
            -- +goose Up
            SET ROLE owner;
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            CREATE INDEX CONCURRENTLY i ON t (a);
            RESET lock_timeout;
            RESET statement_timeout;
            RESET role;
            SET search_path = app;

            -- +goose Down
            SET ROLE owner;
            SET lock_timeout = '2s';
            SET statement_timeout = '30s';
            DROP INDEX i;
            RESET lock_timeout;
            RESET statement_timeout;
            RESET role;"#]]
        .assert_eq(&drawn.join("\n"));
    }

    #[test]
    fn a_file_that_is_split_again_is_told_of_anew() {
        let text = "-- Step 1 of 2, split by safestep. Then: 2_b.sql.\n-- Locks: ACCESS EXCLUSIVE on t for an instant.\n\
                    -- Roll back with `goose down`, once for each step, last step first.\n-- why\n-- +goose Up\n\
                    SELECT 1;\nSELECT 2;\n";
        let split = plan(vec![vec![kept(0, "SELECT 1;")], vec![kept(1, "SELECT 2;")]]);
        let drawn = emitted(&memory(&[("m/1_a.sql", text)]), "m/1_a.sql", &split);
        expect![[r#"
            ==== m/1_a.sql
            -- Step 1 of 2, split by safestep. Then: 2_a_step2_keep.sql.
            -- There is no Down section; undo the steps by a new migration, last step first.
            -- why
            -- +goose Up
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            SELECT 1;
            ==== m/2_a_step2_keep.sql
            -- Step 2 of 2, split by safestep from 1_a.sql.
            -- There is no Down section; undo the steps by a new migration, last step first.
            -- +goose Up
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            SELECT 2;
        "#]]
        .assert_eq(&drawn);
    }

    #[test]
    fn one_part_outside_a_transaction_changes_the_file_itself() {
        let files =
            memory(&[("m/7_i.sql", "-- +goose Up\n-- why\nCREATE INDEX i ON t (a);\n\n-- +goose Down\nDROP INDEX i;")]);
        let index = made(
            0,
            Mode::NonTx,
            "create_i",
            "-- why\nCREATE INDEX CONCURRENTLY i ON t (a);",
            "DROP INDEX CONCURRENTLY i;",
        );
        expect![[r#"
            ==== m/7_i.sql
            -- +goose NO TRANSACTION
            -- If it is interrupted: -- why DROP INDEX CONCURRENTLY i; then `goose up`.
            -- +goose Up
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            -- why
            CREATE INDEX CONCURRENTLY i ON t (a);
            RESET lock_timeout;
            RESET statement_timeout;

            -- +goose Down
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            DROP INDEX CONCURRENTLY i;
            RESET lock_timeout;
            RESET statement_timeout;<no newline>
        "#]]
        .assert_eq(&emitted(&files, "m/7_i.sql", &plan(vec![vec![index]])));
    }

    #[test]
    fn pending_files_make_room_and_applied_ones_do_not() {
        let up = format!("-- +goose Up\n{UP}");
        let files = memory(&[
            ("m/00012_orders.sql", up.as_str()),
            ("m/00013_next.sql", "-- +goose Up\nSELECT 1;\n"),
            ("m/00014_after.sql", "-- +goose Up\nSELECT 1;\n"),
            ("m/00017_far.sql", "-- +goose Up\nSELECT 1;\n"),
        ]);
        expect![[r#"
            withheld: there is no version for 2 more files before m/00013_next.sql, which may be applied already; --all-files moves that all the same
        "#]].assert_eq(&emitted(&files, "m/00012_orders.sql", &three_parts()));
        let options = emit::Options { changed: true, all_files: true, ..emit::Options::default() };
        expect![[r#"
            ==== m/00012_orders.sql
            -- Step 1 of 3, split by safestep. Then: 00013_orders_step2_create_orders_note.sql, 00014_orders_step3_validate_orders_total.sql.
            -- There is no Down section; undo the steps by a new migration, last step first.
            -- +goose Up
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;
            ==== m/00013_next.sql goes
            ==== m/00013_orders_step2_create_orders_note.sql
            -- +goose NO TRANSACTION
            -- Step 2 of 3, split by safestep from 00012_orders.sql.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then `goose up`.
            -- There is no Down section; undo the steps by a new migration, last step first.
            -- +goose Up
            SET lock_timeout = 0;
            SET statement_timeout = 0;
            -- for the search
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);
            RESET lock_timeout;
            RESET statement_timeout;
            ==== m/00014_after.sql goes
            ==== m/00014_orders_step3_validate_orders_total.sql
            -- Step 3 of 3, split by safestep from 00012_orders.sql.
            -- There is no Down section; undo the steps by a new migration, last step first.
            -- +goose Up
            SET LOCAL statement_timeout = 0;
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total;
            ==== m/00015_next.sql
            -- +goose Up
            SELECT 1;
            ==== m/00016_after.sql
            -- +goose Up
            SELECT 1;
            note: m/00013_next.sql becomes m/00015_next.sql, to make room
            note: m/00014_after.sql becomes m/00016_after.sql, to make room
        "#]].assert_eq(&emitted_with(&files, "m/00012_orders.sql", &three_parts(), &options));
    }

    #[test]
    fn an_unchanged_plan_only_adds_timeouts() {
        let text = "-- +goose Up\n-- about\nALTER TABLE t ADD a int;\n\n\nSELECT 1;  -- kept\n\n-- +goose Down\nALTER TABLE t DROP a;\n";
        let files = memory(&[("m/1_a.sql", text)]);
        let mut select = kept(1, "SELECT 1;  -- kept");
        select.blocks = false;
        let steps = plan(vec![vec![kept(0, "-- about\nALTER TABLE t ADD a int;"), select]]);
        expect![[r#"
            ==== m/1_a.sql
            -- +goose Up
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            -- about
            ALTER TABLE t ADD a int;


            SELECT 1;  -- kept

            -- +goose Down
            ALTER TABLE t DROP a;
        "#]]
        .assert_eq(&emitted_with(&files, "m/1_a.sql", &steps, &emit::Options::default()));
    }
}
