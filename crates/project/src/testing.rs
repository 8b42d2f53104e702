//! Projects drawn as text for tests.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use model::runner::{Messages, RunnerTransaction};

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
