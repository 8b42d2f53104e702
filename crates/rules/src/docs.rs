//! The rules' documentation: its examples, and the page made of it.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use model::runner::{Messages, Runner, RunnerTransaction};
use model::schema::{Born, Schema};
use model::trace::{self, MAJORS, Session, Unit};
use syntax::ast::Script;

use crate::{ALL, Context, Finding, Group, Linted, RuleInfo, Section, Settings, lint};

/// The headings of every rule's docs, in order.
pub const HEADINGS: [&str; 4] = ["What it does", "Why it hurts", "Way out", "When to allow it"];

/// A piece of SQL to judge, with everything that matters for it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What earlier migrations did.
    pub given: String,
    pub sql: String,
    pub runner: Runner,
    pub majors: RangeInclusive<u32>,
    pub settings: Settings,
    pub section: Section,
    /// The migration is the last one, and that is known.
    pub last: bool,
    /// The database was empty before what is given.
    pub complete: bool,
}

impl Sample {
    /// Run by psql, statement by statement, with timeouts set outside.
    #[must_use]
    pub fn new(given: &str, sql: &str) -> Self {
        Self {
            given: given.to_owned(),
            sql: sql.to_owned(),
            runner: psql(),
            majors: MAJORS,
            settings: Settings { external_timeouts: true, ..Settings::default() },
            section: Section::Up,
            last: false,
            complete: false,
        }
    }

    /// The findings, and the script they are about.
    #[must_use]
    pub fn lint(&self) -> (Script, Linted) {
        let script = syntax::parse(&self.sql, &syntax::Options::default());
        let settings =
            trace::Settings { majors: self.majors.clone(), external_timeouts: self.settings.external_timeouts };
        let before = self.schema(&settings);
        let unit = Unit { script: &script, runner: &self.runner };
        let trace = trace::trace(&before, &Session::default(), &unit, &settings);
        let context = Context {
            trace: &trace,
            script: &script,
            text: &self.sql,
            runner: &self.runner,
            settings: &self.settings,
            section: self.section,
            latest: self.last.then_some(&trace.after),
        };
        let linted = lint(&context);
        (script, linted)
    }

    fn schema(&self, settings: &trace::Settings) -> Schema {
        let given = syntax::parse(&self.given, &syntax::Options::default());
        let unit = Unit { script: &given, runner: &psql() };
        let empty = Schema { complete: self.complete, ..Schema::default() };
        let (schema, _) = trace::fold(&empty, &Session::default(), &unit, settings, Born::Before);
        schema.aged(&empty, Born::Before)
    }
}

/// The runner of samples: each statement by itself, in no transaction.
#[must_use]
pub fn psql() -> Runner {
    Runner {
        name: "plain psql",
        transaction: RunnerTransaction::None,
        messages: Messages::Each,
        opt_out: None,
        opted_out: false,
        resets_session: true,
    }
}

/// A fenced block of a rule's docs.
#[derive(Clone, Debug)]
pub struct Example {
    pub sample: Sample,
    /// It must produce nothing; otherwise it must produce the rule.
    pub ok: bool,
}

/// The examples of a rule, in order.
///
/// The words behind `sql` in the opening fence say what a block is: `given` is the schema of the examples below it, `ok` must
/// produce nothing, `wrapped` is run in one transaction, `pooler` behind a transaction pooler, `15` or `14-16` are majors.
#[must_use]
pub fn examples(info: &RuleInfo) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut given = String::new();
    for block in blocks(info.docs) {
        if block.words.contains(&"given") {
            given = block.sql;
            continue;
        }
        let mut sample = Sample::new(&given, &block.sql);
        if info.group == Group::Timeout {
            sample.settings.external_timeouts = false;
        }
        sample.settings.groups.insert(info.group, crate::Choice::On);
        sample.settings.majors_configured = true;
        sample.settings.transaction_pooler = block.words.contains(&"pooler");
        sample.last = true;
        if block.words.contains(&"wrapped") {
            sample.runner.transaction = RunnerTransaction::Unit;
        }
        if let Some(majors) = block.words.iter().find_map(|word| majors(word)) {
            sample.majors = majors;
        }
        examples.push(Example { sample, ok: block.words.contains(&"ok") });
    }
    examples
}

struct Block<'a> {
    words: Vec<&'a str>,
    sql: String,
}

fn blocks(docs: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = docs.lines();
    while let Some(line) = lines.next() {
        let Some(words) = line.strip_prefix("```sql") else { continue };
        let mut sql = String::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            sql.push_str(line);
            sql.push('\n');
        }
        blocks.push(Block { words: words.split_whitespace().collect(), sql });
    }
    blocks
}

fn majors(word: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// The page of all rules. `render` draws what an example prints, as the lines of a text block, and what the fix writes.
#[must_use]
pub fn page(render: &dyn Fn(&Example, &Script, &[Finding]) -> String) -> String {
    let mut page = String::from(
        "# Rules\n\nWritten by `cargo test` from the docs in `crates/rules/src/rules/`: edit them there.\n",
    );
    for group in Group::ALL {
        let off = if group.default_on() { "" } else { " (off unless asked for)" };
        let _ = write!(page, "\n## {}{off}\n\n| rule | level | |\n| --- | --- | --- |\n", group.name());
        for rule in ALL.iter().map(|rule| &rule.info).filter(|info| info.group == group) {
            let _ = writeln!(page, "| [{0}](#{0}) | {1} | {2} |", rule.name, rule.level.name(), rule.summary());
        }
    }
    for rule in ALL {
        section(&mut page, &rule.info, render);
    }
    page
}

fn section(page: &mut String, info: &RuleInfo, render: &dyn Fn(&Example, &Script, &[Finding]) -> String) {
    let _ = write!(page, "\n## {}\n\n*{}, group {}*\n\n", info.name, info.level.name(), info.group.name());
    let mut examples = examples(info).into_iter();
    let mut block: Option<bool> = None;
    for line in info.docs.trim().lines() {
        if let Some(words) = line.strip_prefix("```sql") {
            let given = words.split_whitespace().any(|word| word == "given");
            block = Some(given);
            let title = if given {
                Some("Given")
            } else if words.split_whitespace().any(|word| word == "ok") {
                Some("This is fine")
            } else {
                None
            };
            if let Some(title) = title {
                let _ = write!(page, "{title}:\n\n");
            }
            page.push_str("```sql\n");
            continue;
        }
        page.push_str(line);
        page.push('\n');
        if line == "```"
            && let Some(given) = block.take()
        {
            page.push('\n');
            let Some(example) = (!given).then(|| examples.next()).flatten().filter(|it| !it.ok) else { continue };
            let (script, linted) = example.sample.lint();
            let _ = writeln!(page, "{}", render(&example, &script, &linted.findings));
        }
    }
    while page.ends_with("\n\n") {
        page.pop();
    }
}

/// The findings of an example, plainly: level, rule, message, notes.
#[must_use]
pub fn plain(_: &Example, _: &Script, findings: &[Finding]) -> String {
    let mut text = String::from("```text\n");
    for finding in findings {
        let _ = writeln!(text, "{}[{}]: {}", finding.level.name(), finding.rule.name, finding.message);
        for note in &finding.notes {
            let _ = writeln!(text, "  = {note}");
        }
    }
    text.push_str("```\n");
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ALL, HEADINGS, examples};

    #[test]
    fn the_list_of_rules_is_current() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut stems: Vec<String> = std::fs::read_dir(source.join("rules"))
            .expect("the rules are in src/rules")
            .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned))
            .collect();
        stems.sort();
        let mut list = String::from(
            "//! Every rule, by name. Written by the test `the_list_of_rules_is_current`.\n\nuse crate::Rule;\n\n",
        );
        for stem in &stems {
            list.push_str(&format!("pub mod {stem};\n"));
        }
        list.push_str("\npub static ALL: &[&Rule] = &[\n");
        for stem in &stems {
            list.push_str(&format!("    &{stem}::RULE,\n"));
        }
        list.push_str("];\n");
        let path = source.join("rules.rs");
        if std::fs::read_to_string(&path).is_ok_and(|old| old == list) {
            return;
        }
        if std::env::var_os("CI").is_none() {
            std::fs::write(&path, list).expect("src/rules.rs can be written");
        }
        panic!("src/rules.rs did not list the files in src/rules: rewritten, run again");
    }

    #[test]
    fn a_name_is_its_file_in_kebab_case() {
        let source = include_str!("rules.rs");
        let stems: Vec<&str> = source.lines().filter_map(|it| it.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
        assert_eq!(stems.len(), ALL.len());
        for (stem, rule) in stems.iter().zip(ALL) {
            let name = rule.info.name;
            assert_eq!(stem.replace('_', "-"), name);
            assert!(name.chars().all(|it| it.is_ascii_lowercase() || it == '-'), "{name}");
            for prefix in ["no-", "ban-", "require-"] {
                assert!(!name.starts_with(prefix), "{name} states a ban, not a hazard");
            }
        }
    }

    #[test]
    fn docs_have_every_heading_and_a_summary() {
        for rule in ALL {
            let docs = rule.info.docs;
            let headings: Vec<&str> = docs.lines().filter_map(|it| it.strip_prefix("### ")).collect();
            assert_eq!(headings, HEADINGS, "{}", rule.info.name);
            let summary = docs.trim_start().lines().next().unwrap_or_default();
            assert!(summary.ends_with('.') && summary.matches(". ").count() == 0, "{summary}");
        }
    }

    #[test]
    fn examples_do_what_they_say() {
        let mut wrong = String::new();
        for rule in ALL {
            let examples = examples(&rule.info);
            let name = rule.info.name;
            assert!(examples.iter().any(|it| !it.ok), "{name} has no example that is reported");
            assert!(examples.iter().any(|it| it.ok), "{name} has no example that is fine");
            for example in examples {
                let (_, linted) = example.sample.lint();
                let found: Vec<&str> = linted.findings.iter().map(|it| it.rule.name).collect();
                let right = if example.ok { found.is_empty() } else { found.contains(&name) };
                if !right {
                    wrong.push_str(&format!("{name}: found {found:?} in\n{}\n", example.sample.sql));
                }
            }
        }
        assert!(wrong.is_empty(), "\n{wrong}");
    }

    #[test]
    fn messages_keep_the_conventions() {
        for rule in ALL {
            for example in examples(&rule.info) {
                for finding in example.sample.lint().1.findings {
                    let message = &finding.message;
                    // A command keeps its capitals.
                    let mut start = message.chars();
                    let (first, second) = (start.next().unwrap_or(' '), start.next().unwrap_or(' '));
                    assert!(!first.is_uppercase() || second.is_uppercase(), "{message}");
                    assert!(!message.ends_with('.'), "{message}");
                    for note in &finding.notes {
                        assert!(note.starts_with(char::is_uppercase) || note.starts_with(char::is_numeric), "{note}");
                        assert!(!note.ends_with('.'), "{note}");
                    }
                }
            }
        }
    }
}
