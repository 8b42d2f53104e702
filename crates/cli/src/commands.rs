//! One function per subcommand.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::CommandFactory;
use diagnostics::timeline::{Compared, Theme};
use diagnostics::{Explained, Sources};
use engine::{Class, Engine, Files, Level, Options};

use crate::arguments::{self, Arguments, Command, ExplainFormat, FailOn, FixClass, Input, TextOrJson};
use crate::{CLEAN, FINDINGS, output};

/// What standard input is called when nobody names it.
const STDIN: &str = "stdin.sql";

/// Runs a command and returns the exit code.
pub fn run(arguments: Arguments) -> Result<i32, String> {
    match arguments.command {
        Command::Lint(it) => lint(&it),
        Command::Explain(it) => explain(&it),
        Command::Plan(it) => plan(&it),
        Command::Rule(it) => rule(&it),
        Command::Lsp(_) => Ok(if lsp::serve(today)? { CLEAN } else { FINDINGS }),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "safestep", &mut script);
            output::print(&String::from_utf8_lossy(&script))?;
            Ok(CLEAN)
        }
    }
}

fn lint(it: &arguments::Lint) -> Result<i32, String> {
    if it.diff && it.fix.is_none() {
        return Err("--diff shows what --fix would change; give --fix (or --fix=unsafe, --fix=plan) too".to_owned());
    }
    let format = diagnostics::FORMATS
        .iter()
        .find(|format| format.name == it.format)
        .ok_or_else(|| format!("no format is called `{}`", it.format))?;
    let (engine, mut options, stdin) = open(&it.input)?;
    options.all_files = it.all_files;
    options.pending = it.pending;
    let mut linted = engine.lint(&options, it.fix.map(class)).map_err(|errors| told(&errors))?;
    if it.diff {
        output::print(&diagnostics::patch(&linted.changes))?;
    } else if it.fix.is_some() && stdin {
        return write_stdin(&engine, &linted);
    } else if !linted.changes.is_empty() {
        engine::write(&engine.files, &linted.changes).map_err(|error| error.to_string())?;
        linted.report.written = linted.changes.iter().map(|change| change.path.clone()).collect();
    }
    if format.from_root {
        linted.sources.directory = engine::below_root(&engine.files);
    }
    let rendered = (format.render)(&linted.report, &linted.sources, output::style(it.terminal.color));
    if it.diff && linted.changes.is_empty() {
        // The reader of standard output wants a patch; this is for whoever wonders that there is none.
        output::complain(&format!("--fix would write nothing\n{}", rendered.text.trim_end()));
    } else if !it.diff {
        output::print(&rendered.text)?;
    }
    if let (Some(markdown), Some(path)) = (rendered.job_summary, std::env::var_os("GITHUB_STEP_SUMMARY")) {
        output::append(Path::new(&path), &markdown)?;
    }
    let fail_on = it.fail_on.map_or(linted.fail_on, level);
    let failed = fail_on.is_some_and(|fail_on| linted.report.worst().is_some_and(|worst| worst >= fail_on));
    Ok(if failed { FINDINGS } else { CLEAN })
}

/// Standard input is rewritten to standard output, when that is one text.
fn write_stdin(engine: &Engine, linted: &engine::Linted) -> Result<i32, String> {
    let [change] = linted.changes.as_slice() else {
        return Err(match linted.changes.len() {
            0 => "nothing on standard input can be fixed; run without --fix for the reasons".to_owned(),
            _ => "the fix needs several files, so it cannot be written to standard output; name the file".to_owned(),
        });
    };
    let _ = engine;
    output::print(change.new.as_deref().unwrap_or_default())?;
    Ok(CLEAN)
}

fn explain(it: &arguments::Explain) -> Result<i32, String> {
    let fix = match (it.format, it.fix) {
        (ExplainFormat::Text | ExplainFormat::Json, Some(_)) => {
            return Err("--fix of explain is for --format html and svg; `safestep plan` tells the rewrite".to_owned());
        }
        (ExplainFormat::Html, None) => Some(FixClass::Safe),
        (_, fix) => fix,
    };
    let (engine, mut options, _) = open(&it.input)?;
    let compared = match fix {
        Some(fix) => {
            // What is named is told of even where it is applied.
            options.all_files = !options.paths.is_empty();
            engine.compare(&options, class(fix)).map_err(|errors| told(&errors))?
        }
        None => {
            let sections = engine.explain(&options).map_err(|errors| told(&errors))?;
            vec![engine::Comparison { before: sections, planned: None, after: Vec::new() }]
        }
    };
    let show = |section: &engine::ExplainedSection| PathBuf::from(engine.files.display(&section.path));
    let shown: Vec<(Vec<PathBuf>, Vec<PathBuf>)> =
        compared.iter().map(|it| (it.before.iter().map(show).collect(), it.after.iter().map(show).collect())).collect();
    let mut sources = Sources::default();
    let mut drawn: Vec<Compared> = Vec::new();
    for (it, (before, after)) in compared.iter().zip(&shown) {
        let mut after_sources = Sources::default();
        for (sections, paths, sources) in [(&it.before, before, &mut sources), (&it.after, after, &mut after_sources)] {
            for (section, path) in sections.iter().zip(paths) {
                sources.insert(path.clone(), section.text.clone());
            }
        }
        drawn.push(Compared {
            before: explained(&it.before, before),
            planned: it.planned.as_ref(),
            after: explained(&it.after, after),
            after_sources,
        });
    }
    let assumed = engine::assumed(compared.iter().flat_map(|it| &it.before));
    let sections: Vec<Explained> = drawn.iter().flat_map(|it| it.before.iter().copied()).collect();
    output::print(&match it.format {
        ExplainFormat::Text => {
            diagnostics::explain::text(&sections, &assumed, &sources, output::style(it.terminal.color))
        }
        ExplainFormat::Json => diagnostics::json::explain(&sections, &assumed, &sources),
        ExplainFormat::Svg => diagnostics::timeline::svg(&drawn, &assumed, &sources, Theme::Viewer),
        ExplainFormat::Html => diagnostics::timeline::html(&drawn, &assumed, &sources),
    })?;
    Ok(CLEAN)
}

/// Sections under the names that a user knows.
fn explained<'a>(sections: &'a [engine::ExplainedSection], shown: &'a [PathBuf]) -> Vec<Explained<'a>> {
    let under = |(section, path): (&'a engine::ExplainedSection, &'a PathBuf)| Explained {
        path,
        section: section.section,
        script: &section.script,
        trace: &section.trace,
    };
    sections.iter().zip(shown).map(under).collect()
}

fn plan(it: &arguments::Plan) -> Result<i32, String> {
    let (engine, mut options, _) = open(&it.input)?;
    // What is named is told of even where it is applied.
    options.all_files = !options.paths.is_empty();
    let (planned, sources) = engine.plan(&options, class(it.fix)).map_err(|errors| told(&errors))?;
    output::print(&match it.format {
        TextOrJson::Text => diagnostics::plan::text(&planned, &sources, output::style(it.terminal.color)),
        TextOrJson::Json => diagnostics::json::plan(&planned, &sources),
    })?;
    Ok(CLEAN)
}

fn rule(it: &arguments::Rule) -> Result<i32, String> {
    let text = match &it.name {
        None => {
            let width = engine::rules().map(|rule| rule.info.name.len()).max().unwrap_or_default();
            let line = |rule: &engine::Rule| {
                let (name, level) = (rule.info.name, rule.info.level.name());
                format!("{name:width$}  {level:7}  {}\n", rule.info.summary())
            };
            engine::rules().map(line).collect()
        }
        Some(name) => {
            let found = engine::rules().find(|rule| rule.info.name == name);
            let rule = found.ok_or_else(|| {
                let near = engine::closest(name, engine::rules().map(|rule| rule.info.name));
                let hint = near
                    .map_or_else(|| "`safestep rule` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
                format!("no rule is called `{name}`; {hint}")
            })?;
            format!(
                "# {}\n\nLevel {}, group {}.\n\n{}\n",
                rule.info.name,
                rule.info.level.name(),
                rule.info.group.name(),
                rule.info.docs.trim()
            )
        }
    };
    output::print(&text)?;
    Ok(CLEAN)
}

/// The engine and what to judge. The third says whether standard input was asked for.
fn open(input: &Input) -> Result<(Engine, Options, bool), String> {
    let directory =
        std::env::current_dir().map_err(|error| format!("the working directory cannot be told: {error}"))?;
    let mut files = Files::disk(&directory);
    let mut paths = input.paths.clone();
    let stdin = paths.iter().any(|path| path.as_os_str() == "-");
    if stdin {
        if paths.len() > 1 {
            return Err("`-` (standard input) stands alone; name files in another run".to_owned());
        }
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|error| format!("standard input cannot be read: {error}"))?;
        let text: Arc<str> = String::from_utf8(bytes)
            .map_err(|error| format!("standard input is not UTF-8 from byte {} on", error.utf8_error().valid_up_to()))?
            .into();
        let name = input.stdin_filename.clone().unwrap_or_else(|| PathBuf::from(STDIN));
        files.put(&name, Some(text));
        paths = vec![name];
    } else if input.stdin_filename.is_some() {
        return Err("--stdin-filename names standard input; give `-` as the path".to_owned());
    }
    let tool = match &input.tool {
        // A text without a name tells nothing about who runs it.
        None if stdin && input.stdin_filename.is_none() => engine::tool("unknown"),
        None => None,
        Some(name) => Some(engine::tool(name).ok_or_else(|| {
            let names: Vec<_> = engine::tool_names().collect();
            match engine::closest(name, names.iter().copied()) {
                Some(near) => format!("no migration tool is called `{name}`; did you mean `{near}`?"),
                None => format!("no migration tool is called `{name}`; there are {}", names.join(", ")),
            }
        })?),
    };
    let majors = input.pg_version.as_deref().map(engine::majors).transpose()?;
    let since = input.since.clone();
    let options = Options { paths, tool, majors, since, today: Some(today()), ..Options::default() };
    Ok((Engine::new(files)?, options, stdin))
}

/// Today in UTC, by the algorithm of days from the civil calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
fn today() -> engine::Date {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let days = i64::try_from(seconds / 86_400).unwrap_or_default() + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    engine::Date {
        year: u16::try_from(year).unwrap_or_default(),
        month: u8::try_from(month).unwrap_or_default(),
        day: u8::try_from(day).unwrap_or_default(),
    }
}

fn class(class: FixClass) -> Class {
    match class {
        FixClass::Safe => Class::Safe,
        FixClass::Unsafe => Class::Unsafe,
        FixClass::Plan => Class::Plan,
    }
}

fn level(level: FailOn) -> Option<Level> {
    Some(match level {
        FailOn::Error => Level::Error,
        FailOn::Warning => Level::Warning,
        FailOn::Info => Level::Info,
    })
}

fn told(errors: &[engine::Error]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\nsafestep: ")
}
