//! `safestep.toml`: strict, with the place of every mistake.
//!
//! [`KEYS`] is the one list of keys: reading, the reference table and "did you mean" come from it. Relative paths and
//! patterns start at the file's directory. The nearest file above a migration counts, alone.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use model::trace::MAJORS;
use syntax::Span;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Error;
use crate::files::Files;
use crate::tool::Tool;
use crate::tools;

pub const FILE_NAME: &str = "safestep.toml";

/// What `safestep.toml` says, with defaults for what it leaves out.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file; `None` when there is none.
    pub path: Option<PathBuf>,
    pub tool: Option<&'static Tool>,
    pub postgres: RangeInclusive<u32>,
    /// `None`: wherever migrations are found.
    pub dirs: Option<Patterns>,
    pub exclude: Patterns,
    /// Absolute.
    pub schema: Option<PathBuf>,
    pub fail_on: Level,
    pub lock_timeout: SessionTimeout,
    pub statement_timeout: SessionTimeout,
    /// Each transaction may get another server connection.
    pub transaction_pooler: bool,
    /// Rows.
    pub batch_size: u64,
    pub pause_ms: u64,
    /// By rule or group name.
    pub rules: BTreeMap<String, RuleSetting>,
    /// Later ones win.
    pub overrides: Vec<Override>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Off,
    Info,
    Warning,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionTimeout {
    /// Set outside the migrations: by the role, the database or the connection.
    External,
    /// What a rewrite writes into files.
    Milliseconds(u64),
}

#[derive(Clone, Debug, Default)]
pub struct RuleSetting {
    pub level: Option<Level>,
    /// Files in which the rule says nothing.
    pub allow: Patterns,
}

#[derive(Clone, Debug)]
pub struct Override {
    pub files: Patterns,
    pub tool: Option<&'static Tool>,
    pub transaction: Option<TransactionOverride>,
}

/// How the runner really sends files, where it does not do what its tool does by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionOverride {
    /// A transaction around each file.
    File,
    /// One transaction around all pending files.
    All,
    /// None.
    None,
    /// None, but each file is one message, which is one transaction as soon as it has two statements.
    Message,
}

/// Path patterns below a directory.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    directory: PathBuf,
    set: GlobSet,
}

/// One key of the file, for reading it and for the reference.
pub struct Key {
    /// Dotted; below `override` it belongs to each entry of the array.
    pub name: &'static str,
    pub takes: &'static str,
    pub default: &'static str,
    /// Whole sentences.
    pub docs: &'static str,
    set: fn(&mut Reader, &mut Config, &Spanned<DeValue>),
}

pub static KEYS: &[Key] = &[
    Key {
        name: "tool",
        takes: "the name of a migration tool",
        default: "detected",
        docs: "The tool that runs the migrations.",
        set: |reader, config, value| config.tool = reader.tool(value).or(config.tool),
    },
    Key {
        name: "postgres",
        takes: "a major version or a range: `16`, `\"14-18\"`",
        default: "14-18",
        docs: "The PostgreSQL majors on which the migrations run. The worst verdict counts.",
        set: |reader, config, value| {
            if let Some(majors) = reader.majors(value) {
                config.postgres = majors;
            }
        },
    },
    Key {
        name: "dirs",
        takes: "a list of path patterns",
        default: "wherever migrations are found",
        docs: "Directories that hold migrations. Files elsewhere are read only when they are named.",
        set: |reader, config, value| config.dirs = reader.patterns(value).or(config.dirs.take()),
    },
    Key {
        name: "exclude",
        takes: "a list of path patterns",
        default: "none",
        docs: "Files that are never read, not even when they are named.",
        set: |reader, config, value| {
            if let Some(patterns) = reader.patterns(value) {
                config.exclude = patterns;
            }
        },
    },
    Key {
        name: "schema",
        takes: "a path",
        default: "none",
        docs: "A schema dump (`pg_dump --schema-only`) from before the first migration.",
        set: |reader, config, value| {
            if let Some(path) = reader.string(value) {
                config.schema = Some(reader.files.absolute(&reader.directory().join(path)));
            }
        },
    },
    Key {
        name: "fail-on",
        takes: "`error`, `warning` or `info`",
        default: "warning",
        docs: "The lowest level of a finding that makes `lint` end with exit code 1.",
        set: |reader, config, value| {
            if let Some(level) = reader.choice(value, &LEVELS[1..]) {
                config.fail_on = level;
            }
        },
    },
    Key {
        name: "session.lock_timeout",
        takes: "a duration such as `\"2s\"`, or `\"external\"`",
        default: "2s",
        docs: "The lock_timeout that rewrites put before statements that block. `external`: it is set outside the migrations, \
               so nothing is reported or written.",
        set: |reader, config, value| {
            if let Some(timeout) = reader.timeout(value) {
                config.lock_timeout = timeout;
            }
        },
    },
    Key {
        name: "session.statement_timeout",
        takes: "a duration such as `\"30s\"`, or `\"external\"`",
        default: "30s",
        docs: "The statement_timeout that rewrites put before instant statements. `external`: as for lock_timeout.",
        set: |reader, config, value| {
            if let Some(timeout) = reader.timeout(value) {
                config.statement_timeout = timeout;
            }
        },
    },
    Key {
        name: "session.pooler",
        takes: "`transaction` or `none`",
        default: "none",
        docs: "`transaction`: migrations connect through a pooler that gives each transaction another server connection.",
        set: |reader, config, value| {
            if let Some(pools) = reader.choice(value, &[("transaction", true), ("none", false)]) {
                config.transaction_pooler = pools;
            }
        },
    },
    Key {
        name: "backfill.batch_size",
        takes: "a number of rows",
        default: "1000",
        docs: "Rows that a batch of a backfill updates before it commits.",
        set: |reader, config, value| {
            if let Some(rows) = reader.number(value, 1..1_000_001) {
                config.batch_size = rows;
            }
        },
    },
    Key {
        name: "backfill.pause_ms",
        takes: "milliseconds",
        default: "100",
        docs: "The pause between two batches of a backfill.",
        set: |reader, config, value| {
            if let Some(pause) = reader.number(value, 0..600_001) {
                config.pause_ms = pause;
            }
        },
    },
    Key {
        name: "rules",
        takes: "a table of rule or group names, each a level or a table with `level` and `allow`",
        default: "every rule at its own level",
        docs: "Levels are `error`, `warning`, `info` and `off`. `allow` lists path patterns of files in which the rule says \
               nothing.",
        set: |reader, config, value| reader.rules(config, value),
    },
    Key {
        name: "override.files",
        takes: "a list of path patterns",
        default: "required",
        docs: "The files that this `[[override]]` is about.",
        set: |reader, config, value| {
            if let (Some(patterns), Some(entry)) = (reader.patterns(value), config.overrides.last_mut()) {
                entry.files = patterns;
            }
        },
    },
    Key {
        name: "override.tool",
        takes: "the name of a migration tool",
        default: "`tool`",
        docs: "The tool that runs these files.",
        set: |reader, config, value| {
            if let (Some(tool), Some(entry)) = (reader.tool(value), config.overrides.last_mut()) {
                entry.tool = Some(tool);
            }
        },
    },
    Key {
        name: "override.transaction",
        takes: "`file`, `all`, `none` or `message`",
        default: "what the tool does",
        docs: "How these files are run: in a transaction each, all in one transaction, without any, or each as one message.",
        set: |reader, config, value| {
            let choices = [
                ("file", TransactionOverride::File),
                ("all", TransactionOverride::All),
                ("none", TransactionOverride::None),
                ("message", TransactionOverride::Message),
            ];
            if let (Some(choice), Some(entry)) = (reader.choice(value, &choices), config.overrides.last_mut()) {
                entry.transaction = Some(choice);
            }
        },
    },
];

pub const LEVELS: [(&str, Level); 4] =
    [("off", Level::Off), ("info", Level::Info), ("warning", Level::Warning), ("error", Level::Error)];

impl Default for Config {
    fn default() -> Self {
        Self {
            path: None,
            tool: None,
            postgres: MAJORS,
            dirs: None,
            exclude: Patterns::default(),
            schema: None,
            fail_on: Level::Warning,
            lock_timeout: SessionTimeout::Milliseconds(2_000),
            statement_timeout: SessionTimeout::Milliseconds(30_000),
            transaction_pooler: false,
            batch_size: 1000,
            pause_ms: 100,
            rules: BTreeMap::new(),
            overrides: Vec::new(),
        }
    }
}

impl Config {
    /// The directory at which relative paths start.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.path.as_deref().and_then(Path::parent)
    }

    /// The tool that the file names for a path.
    #[must_use]
    pub fn tool_of(&self, path: &Path) -> Option<&'static Tool> {
        let own = self.overrides.iter().rev().filter(|entry| entry.files.contains(path));
        own.filter_map(|entry| entry.tool).next().or(self.tool)
    }

    #[must_use]
    pub fn transaction_of(&self, path: &Path) -> Option<TransactionOverride> {
        let own = self.overrides.iter().rev().filter(|entry| entry.files.contains(path));
        own.filter_map(|entry| entry.transaction).next()
    }
}

impl Patterns {
    /// The path itself or a directory above it matches.
    #[must_use]
    pub fn contains(&self, path: &Path) -> bool {
        path.strip_prefix(&self.directory).is_ok_and(|below| self.set.is_match(below))
    }
}

/// Reads the nearest `safestep.toml` in `directory` or above it. `names` are the rules and groups that exist. All mistakes
/// of the file are returned.
pub fn nearest(files: &Files, directory: &Path, names: &[&str]) -> Result<Config, Vec<Error>> {
    let directory = files.absolute(directory);
    match directory.ancestors().map(|above| above.join(FILE_NAME)).find(|path| files.is_file(path)) {
        Some(path) => read(files, &path, names),
        None => Ok(Config::default()),
    }
}

/// Reads one file; the same as [`nearest`] otherwise.
pub fn read(files: &Files, path: &Path, names: &[&str]) -> Result<Config, Vec<Error>> {
    let path = files.absolute(path);
    let text = files.read(&path).map_err(|error| vec![error])?.text;
    let mut reader = Reader { files, path: &path, text: &text, names, errors: Vec::new() };
    let mut config = Config { path: Some(path.clone()), ..Config::default() };
    let (table, errors) = DeTable::parse_recoverable(&text);
    for error in errors {
        reader.error(error.span().unwrap_or_default(), error.message().to_owned());
    }
    if reader.errors.is_empty() {
        reader.table(&mut config, "", table.get_ref());
    }
    reader.errors.sort_by_key(|error| error.position.map(|position| position.span));
    if reader.errors.is_empty() { Ok(config) } else { Err(reader.errors) }
}

/// The name that somebody meant, if one is near.
#[must_use]
pub fn closest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance =
        |name: &str| strsim::damerau_levenshtein(&word.to_lowercase().replace('_', "-"), &name.replace('_', "-"));
    let (distance, name) = names.into_iter().map(|name| (distance(name), name)).min()?;
    (distance <= word.len().max(3) / 3 || word.len() >= 3 && name.starts_with(word)).then_some(name)
}

struct Reader<'a> {
    files: &'a Files,
    path: &'a Path,
    text: &'a Arc<str>,
    names: &'a [&'a str],
    errors: Vec<Error>,
}

impl Reader<'_> {
    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(self.path)
    }

    fn error(&mut self, range: Range<usize>, message: String) {
        self.errors.push(Error::at(self.path, self.text, Span::new(range.start, range.end), message));
    }

    fn table(&mut self, config: &mut Config, prefix: &str, table: &DeTable) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            let below = format!("{name}.");
            if let Some(known) = KEYS.iter().find(|known| known.name == name) {
                (known.set)(self, config, value);
                continue;
            }
            if !KEYS.iter().any(|known| known.name.starts_with(&below)) {
                // The next part of every key that begins like this one.
                let here = KEYS.iter().filter_map(|known| known.name.strip_prefix(prefix));
                let here: Vec<&str> = here.filter_map(|rest| rest.split('.').next()).collect();
                self.unknown(key.span(), "key", &name, key.get_ref(), &here);
                continue;
            }
            match (value.get_ref(), name == "override") {
                (DeValue::Table(inner), false) => self.table(config, &below, inner),
                (DeValue::Array(entries), true) => {
                    for entry in entries {
                        self.entry(config, &below, entry);
                    }
                }
                (_, true) => {
                    self.error(value.span(), "write `[[override]]` above these keys, with two brackets".to_owned())
                }
                (_, false) => self.error(value.span(), format!("`{name}` is a table; write its keys below `[{name}]`")),
            }
        }
    }

    fn entry(&mut self, config: &mut Config, below: &str, entry: &Spanned<DeValue>) {
        let DeValue::Table(inner) = entry.get_ref() else {
            self.error(entry.span(), "an override is a table; write `[[override]]` above its keys".to_owned());
            return;
        };
        config.overrides.push(Override { files: Patterns::default(), tool: None, transaction: None });
        self.table(config, below, inner);
        if !inner.contains_key("files") {
            self.error(entry.span(), "an override needs `files`, a list of path patterns".to_owned());
        }
    }

    fn unknown(&mut self, range: Range<usize>, what: &str, name: &str, word: &str, among: &[&str]) {
        let mut hint = closest(word, among.iter().copied());
        if what == "key" && hint.is_none() {
            // Perhaps it stands under the wrong table.
            hint = KEYS.iter().map(|key| key.name).find(|key| key.rsplit('.').next() == Some(word));
        }
        let hint = hint.map_or_else(
            || match among.len() {
                0..=12 => format!("; known: {}", among.join(", ")),
                _ => String::new(),
            },
            |name| format!("; did you mean `{name}`?"),
        );
        self.error(range, format!("unknown {what} `{name}`{hint}"));
    }

    fn wrong(&mut self, value: &Spanned<DeValue>, wanted: &str) {
        self.error(value.span(), format!("expected {wanted}, found {}", value.get_ref().type_str()));
    }

    fn string<'v>(&mut self, value: &'v Spanned<DeValue>) -> Option<&'v str> {
        let string = value.get_ref().as_str();
        if string.is_none() {
            self.wrong(value, "a string");
        }
        string
    }

    fn number(&mut self, value: &Spanned<DeValue>, range: Range<u64>) -> Option<u64> {
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.error(value.span(), format!("expected a whole number from {} to {}", range.start, range.end - 1));
        }
        number
    }

    fn choice<T: Copy>(&mut self, value: &Spanned<DeValue>, choices: &[(&'static str, T)]) -> Option<T> {
        let word = self.string(value)?;
        let found = choices.iter().find(|(name, _)| *name == word).map(|(_, choice)| *choice);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.unknown(value.span(), "value", word, word, &names);
        }
        found
    }

    fn tool(&mut self, value: &Spanned<DeValue>) -> Option<&'static Tool> {
        let choices: Vec<_> = tools::ALL.iter().map(|tool| (tool.name, *tool)).collect();
        self.choice(value, &choices)
    }

    fn majors(&mut self, value: &Spanned<DeValue>) -> Option<RangeInclusive<u32>> {
        let written = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::String(string) => string.to_string(),
            _ => String::new(),
        };
        match majors(&written) {
            Ok(majors) => Some(majors),
            Err(message) => {
                self.error(value.span(), message);
                None
            }
        }
    }

    fn timeout(&mut self, value: &Spanned<DeValue>) -> Option<SessionTimeout> {
        let timeout = match value.get_ref() {
            DeValue::String(word) if word == "external" => Some(SessionTimeout::External),
            DeValue::String(word) => milliseconds(word).map(SessionTimeout::Milliseconds),
            _ => None,
        };
        if timeout.is_none() {
            self.error(
                value.span(),
                "expected a duration such as \"2s\", \"500ms\" or \"1min\", or \"external\"".to_owned(),
            );
        }
        timeout
    }

    fn patterns(&mut self, value: &Spanned<DeValue>) -> Option<Patterns> {
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(value, "a list of path patterns");
            return None;
        };
        let mut set = GlobSetBuilder::new();
        for item in list {
            let pattern = self.string(item)?.trim_start_matches("./").trim_end_matches('/');
            // A directory stands for everything below it.
            for pattern in [pattern.to_owned(), format!("{pattern}/**")] {
                match GlobBuilder::new(&pattern).literal_separator(true).build() {
                    Ok(glob) => drop(set.add(glob)),
                    Err(error) => {
                        self.error(item.span(), format!("not a path pattern: {}", error.kind()));
                        break;
                    }
                }
            }
        }
        match set.build() {
            Ok(set) => Some(Patterns { directory: self.directory().to_owned(), set }),
            Err(error) => {
                self.error(value.span(), format!("not path patterns: {error}"));
                None
            }
        }
    }

    fn rules(&mut self, config: &mut Config, value: &Spanned<DeValue>) {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(value, "a table of rule names");
            return;
        };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !self.names.contains(&name) {
                self.unknown(key.span(), "rule", name, name, self.names);
                continue;
            }
            let mut setting = RuleSetting::default();
            match value.get_ref() {
                DeValue::Table(inner) => {
                    for (key, value) in inner {
                        match key.get_ref().as_ref() {
                            "level" => setting.level = self.choice(value, &LEVELS),
                            "allow" => setting.allow = self.patterns(value).unwrap_or_default(),
                            other => self.unknown(
                                key.span(),
                                "key",
                                &format!("rules.{name}.{other}"),
                                other,
                                &["level", "allow"],
                            ),
                        }
                    }
                }
                _ => setting.level = self.choice(value, &LEVELS),
            }
            config.rules.insert(name.to_owned(), setting);
        }
    }
}

/// Reads `16` or `14-18`, as `postgres` and `--pg-version` have it; the error is a whole sentence.
pub fn majors(written: &str) -> Result<RangeInclusive<u32>, String> {
    let (first, last) = written.split_once('-').unwrap_or((written, written));
    let (Ok(first), Ok(last)) = (first.trim().parse::<u32>(), last.trim().parse::<u32>()) else {
        return Err(format!(
            "expected a PostgreSQL major such as \"16\" or a range such as \"14-18\", found `{written}`"
        ));
    };
    if first > last {
        return Err(format!("the range ends before it begins; write \"{last}-{first}\""));
    }
    match [first, last].into_iter().find(|major| !MAJORS.contains(major)) {
        Some(major) => Err(format!("PostgreSQL {major} is not known; {} to {} are", MAJORS.start(), MAJORS.end())),
        None => Ok(first..=last),
    }
}

/// A duration as PostgreSQL reads it (manual, 19.1.1): a whole number with a unit, milliseconds without one.
fn milliseconds(word: &str) -> Option<u64> {
    let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let number: u64 = word[..digits].parse().ok()?;
    let unit = match word[digits..].trim() {
        "" | "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::testing::memory;

    const NAMES: [&str; 3] = ["blocking-index", "missing-lock-timeout", "style"];

    fn draw_errors(text: &str) -> String {
        let files = memory(&[("db/safestep.toml", text)]);
        match nearest(&files, Path::new("db/migrations/deep"), &NAMES) {
            Ok(_) => "no errors".to_owned(),
            Err(errors) => errors.iter().map(|error| format!("{error}\n")).collect(),
        }
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
tool = "goose"
postgres = "15-17"
dirs = ["migrations"]
exclude = ["migrations/legacy*"]
schema = "../dump.sql"
fail-on = "error"

[session]
lock_timeout = "external"
statement_timeout = "1min"
pooler = "transaction"

[backfill]
batch_size = 5_000
pause_ms = 0

[rules]
blocking-index = "info"
style = "warning"
missing-lock-timeout = { level = "off", allow = ["migrations/2020*.sql"] }

[[override]]
files = ["migrations/plain/**"]
tool = "plain"
transaction = "message"
"#;
        let files = memory(&[("db/safestep.toml", text)]);
        let config = nearest(&files, Path::new("db/migrations"), &NAMES).expect("no errors");
        assert_eq!(config.tool.map(|tool| tool.name), Some("goose"));
        assert_eq!(config.postgres, 15..=17);
        assert_eq!(config.schema.as_deref(), Some(Path::new("/work/dump.sql")));
        assert_eq!((config.fail_on, config.batch_size, config.pause_ms), (Level::Error, 5000, 0));
        assert_eq!(config.lock_timeout, SessionTimeout::External);
        assert_eq!(config.statement_timeout, SessionTimeout::Milliseconds(60_000));
        assert!(config.transaction_pooler);
        assert_eq!(config.rules["missing-lock-timeout"].level, Some(Level::Off));
        assert!(config.rules["missing-lock-timeout"].allow.contains(Path::new("/work/db/migrations/2020_a.sql")));
        assert_eq!(config.rules["style"].level, Some(Level::Warning));
        let plain = Path::new("/work/db/migrations/plain/1.sql");
        assert_eq!(config.tool_of(plain).map(|tool| tool.name), Some("plain"));
        assert_eq!(config.transaction_of(plain), Some(TransactionOverride::Message));
        assert_eq!(config.tool_of(Path::new("/work/db/migrations/1.sql")).map(|tool| tool.name), Some("goose"));
        assert!(config.exclude.contains(Path::new("/work/db/migrations/legacy_a/b/c.sql")));
        assert!(!config.exclude.contains(Path::new("/work/db/migrations/new.sql")));
        assert!(config.dirs.expect("given").contains(Path::new("/work/db/migrations/1.sql")));
        for key in KEYS {
            let word = key.name.rsplit('.').next().expect("a word");
            assert!(text.contains(word), "{word} is not tried");
        }
    }

    #[test]
    fn every_mistake_has_a_place_and_a_way_out() {
        let text = "\
tol = \"goose\"
lock_timeout = \"2s\"
postgres = \"9.6\"
fail-on = \"warn\"
exclude = [\"a[\", 3]
session = 1
override = 2

[rules]
blocking_index = \"error\"
missing-lock-timeout = { levle = \"off\" }

[backfill]
batch_size = 0
pause_ms = \"soon\"

[[overrides]]
";
        expect![[r#"
            /work/db/safestep.toml:1:1: unknown key `tol`; did you mean `tool`?
            /work/db/safestep.toml:2:1: unknown key `lock_timeout`; did you mean `session.lock_timeout`?
            /work/db/safestep.toml:3:12: expected a PostgreSQL major such as "16" or a range such as "14-18", found `9.6`
            /work/db/safestep.toml:4:11: unknown value `warn`; did you mean `warning`?
            /work/db/safestep.toml:5:12: not a path pattern: unclosed character class; missing ']'
            /work/db/safestep.toml:5:18: expected a string, found integer
            /work/db/safestep.toml:6:11: `session` is a table; write its keys below `[session]`
            /work/db/safestep.toml:7:12: write `[[override]]` above these keys, with two brackets
            /work/db/safestep.toml:10:1: unknown rule `blocking_index`; did you mean `blocking-index`?
            /work/db/safestep.toml:11:26: unknown key `rules.missing-lock-timeout.levle`; did you mean `level`?
            /work/db/safestep.toml:14:14: expected a whole number from 1 to 1000000
            /work/db/safestep.toml:15:12: expected a whole number from 0 to 600000
            /work/db/safestep.toml:17:3: unknown key `overrides`; did you mean `override`?
        "#]].assert_eq(&draw_errors(text));
    }

    #[test]
    fn broken_toml_is_an_error_with_its_place() {
        expect![[r#"
            /work/db/safestep.toml:1:8: string values must be quoted, expected literal string
            /work/db/safestep.toml:2:9: unclosed table, expected `]`
        "#]]
        .assert_eq(&draw_errors("tool = goose\n[session\n"));
        expect![[r#"
            /work/db/safestep.toml:1:1: an override needs `files`, a list of path patterns
        "#]]
        .assert_eq(&draw_errors("[[override]]\ntool = \"plain\"\n"));
        expect![[r#"
            /work/db/safestep.toml:3:21: expected a duration such as "2s", "500ms" or "1min", or "external"
        "#]]
        .assert_eq(&draw_errors("[session]\nlock_timeout = \"2 s\"\nstatement_timeout = \"2 weeks\"\n"));
        expect![[r#"
            /work/db/safestep.toml:1:12: the range ends before it begins; write "14-18"
        "#]]
        .assert_eq(&draw_errors("postgres = \"18-14\"\n"));
        expect!["no errors"].assert_eq(&draw_errors(""));
    }
}
