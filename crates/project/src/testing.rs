//! Projects drawn as text for tests.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use model::plan::{Class, Inverse, Mode, Part, Plan, Recovery, Step};
use model::runner::{Messages, RunnerTransaction};

use crate::emit::{self, Emission, Withheld};
use crate::files::Files;
use crate::load::{Project, Request, load};
use crate::migration::{Key, Section};

pub(crate) fn memory(files: &[(&str, &str)]) -> Files {
    let mut all = Files::memory(Path::new("/work"));
    for (path, text) in files {
        all.put(Path::new(path), Some((*text).into()));
    }
    all
}

/// Loads paths, or everything, and draws what was found.
pub(crate) fn draw(files: &Files, paths: &[&str]) -> String {
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    match load(files, &Request { paths: &paths, ..Request::default() }) {
        Ok(project) => draw_project(files, &project),
        Err(errors) => errors.iter().map(|error| format!("error: {error}\n")).collect(),
    }
}

pub(crate) fn draw_project(files: &Files, project: &Project) -> String {
    let mut drawn = String::new();
    for history in &project.histories {
        let _ = writeln!(drawn, "{} in {}, {}", history.tool.name, files.display(&history.root), history.because);
        for migration in &history.migrations {
            let path = migration.path.strip_prefix(&history.root).expect("below the root").display();
            let key = match &migration.key {
                Key::Numbers(numbers) => {
                    format!("[{}]", numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join("."))
                }
                other => format!("{other:?}"),
            };
            let _ = writeln!(drawn, "  {path} {key} {}", migration.name);
            for companion in &migration.companions {
                let _ = writeln!(drawn, "    with {}", files.display(&companion.path));
            }
            for problem in &migration.problems {
                let text = problem.span.slice(&migration.text);
                let _ = writeln!(drawn, "    problem at {text:?}: {}", problem.message);
            }
            for unit in &migration.units {
                let section = if unit.section == Section::Up { "up" } else { "down" };
                let transaction = match unit.runner.transaction {
                    RunnerTransaction::None => "no transaction",
                    RunnerTransaction::Unit => "transaction",
                    RunnerTransaction::AllPending => "one transaction for all",
                    RunnerTransaction::Unknown => "unknown transaction",
                };
                let messages = match &unit.runner.messages {
                    Messages::Each => ", each statement",
                    Messages::Whole => ", whole",
                    Messages::Spans(_) => "",
                };
                let _ = writeln!(drawn, "    {section}, {transaction}{messages}");
                if let Messages::Spans(spans) = &unit.runner.messages {
                    for span in spans {
                        let _ = writeln!(drawn, "      {:?}", span.slice(&unit.text));
                    }
                }
            }
        }
    }
    for skipped in &project.skipped {
        let _ = writeln!(drawn, "skipped {}: {}", files.display(&skipped.path), skipped.reason);
    }
    drawn
}

/// A step that is the statement `from` of the original, and undone by the original's Down section.
pub(crate) fn kept(from: usize, sql: &str) -> Step {
    Step {
        mode: Mode::Tx,
        sql: sql.to_owned(),
        from: vec![from],
        verbatim: true,
        title: "keep".to_owned(),
        spaced: false,
        long: false,
        blocks: true,
        effects: Vec::new(),
        inverse: Inverse::Original,
        recovery: None,
        after_deploy: None,
    }
}

/// A step made from the statement `from`, with its inverse.
pub(crate) fn made(from: usize, mode: Mode, title: &str, sql: &str, inverse: &str) -> Step {
    let inverse = match inverse {
        "" => Inverse::Nothing,
        sql => Inverse::Sql { sql: sql.to_owned(), mode },
    };
    Step {
        mode,
        verbatim: false,
        title: title.to_owned(),
        long: mode != Mode::Tx,
        blocks: mode == Mode::Tx,
        recovery: (mode == Mode::NonTx)
            .then(|| Recovery::First(sql.replace("CREATE", "DROP").split(" ON").next().unwrap_or("").to_owned() + ";")),
        inverse,
        ..kept(from, sql)
    }
}

pub(crate) fn plan(parts: Vec<Vec<Step>>) -> Plan {
    let part = |steps: Vec<Step>| Part {
        transaction: steps.iter().all(|step| step.mode != Mode::NonTx),
        title: steps[0].title.clone(),
        settings: Vec::new(),
        steps,
    };
    let parts = parts.into_iter().map(part).collect();
    Plan { class: Class::Safe, parts, left: Vec::new(), assumptions: Vec::new(), withheld: Vec::new() }
}

/// Added column, index and CHECK constraint: one file of each kind.
pub(crate) fn three_parts() -> Plan {
    plan(vec![
        vec![
            kept(0, "ALTER TABLE orders ADD COLUMN note text;"),
            made(
                2,
                Mode::Tx,
                "add_orders_total",
                "ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;",
                "ALTER TABLE orders DROP CONSTRAINT orders_total;",
            ),
        ],
        vec![made(
            1,
            Mode::NonTx,
            "create_orders_note",
            "-- for the search\nCREATE INDEX CONCURRENTLY orders_note ON orders (note);",
            "DROP INDEX CONCURRENTLY orders_note;",
        )],
        vec![made(2, Mode::OwnTx, "validate_orders_total", "ALTER TABLE orders VALIDATE CONSTRAINT orders_total;", "")],
    ])
}

/// The statements that [`three_parts`] is made from, and what undoes them.
pub(crate) const UP: &str = "ALTER TABLE orders ADD COLUMN note text;
-- for the search
CREATE INDEX orders_note ON orders (note);
ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0);
";
pub(crate) const DOWN: &str = "ALTER TABLE orders DROP CONSTRAINT orders_total;
DROP INDEX orders_note;
ALTER TABLE orders DROP COLUMN note;
";

/// Writes a plan for the migration at `path` and draws the files that change.
pub(crate) fn emitted(files: &Files, path: &str, plan: &Plan) -> String {
    emitted_with(files, path, plan, &emit::Options { changed: true, ..emit::Options::default() })
}

pub(crate) fn emitted_with(files: &Files, path: &str, plan: &Plan, options: &emit::Options) -> String {
    let project = match load(files, &Request { paths: &[PathBuf::from(path)], ..Request::default() }) {
        Ok(project) => project,
        Err(errors) => return errors.iter().map(|error| format!("error: {error}\n")).collect(),
    };
    let all = project.histories.iter().flat_map(|history| history.migrations.iter().map(move |it| (history, it)));
    let (history, migration) =
        all.into_iter().find(|(_, it)| it.path == files.absolute(Path::new(path))).expect("found");
    match emit::emit(files, history, migration, plan, options) {
        Ok(emission) => draw_emission(files, &emission),
        Err(Withheld(reason)) => format!("withheld: {reason}\n"),
    }
}

fn draw_emission(files: &Files, emission: &Emission) -> String {
    let mut drawn = String::new();
    for change in &emission.changes {
        let path = files.display(&change.path);
        match &change.new {
            Some(text) => {
                let end = if text.ends_with('\n') { "" } else { "<no newline>\n" };
                let _ = write!(drawn, "==== {path}\n{}{end}", text.replace('\r', "<CR>").replace('\u{feff}', "<BOM>"));
            }
            None => drop(writeln!(drawn, "==== {path} goes")),
        }
    }
    for note in &emission.notes {
        let _ = writeln!(drawn, "note: {note}");
    }
    drawn
}
