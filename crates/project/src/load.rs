//! Paths to histories: which files are migrations, of which tool, in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::runner::{Messages, RunnerTransaction};
use syntax::Span;

use crate::config::{self, Config, TransactionOverride};
use crate::detect::{self, Detection, Detector};
use crate::error::Error;
use crate::files::{Files, Text};
use crate::git;
use crate::migration::{Companion, Key, Migration, Problem, Role};
use crate::tool::{OTHER_DIALECT, Place, Settings, Source, Tool, tool_setting};
use crate::tools;

/// What the command line or the editor asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// Files and directories; none means whatever lies below the working directory.
    pub paths: &'a [PathBuf],
    /// `--pending`: of these paths only what would be found without them, so a named file that is no migration is left out.
    pub pending: bool,
    /// `--tool`: no detection.
    pub tool: Option<&'static Tool>,
    /// Words are for the user of an editor.
    pub editor: bool,
    /// `--since`: the commit or branch that holds what is applied.
    pub since: Option<&'a str>,
    /// Rules and groups that `safestep.toml` may name.
    pub rule_names: &'a [&'a str],
}

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Sorted by root.
    pub histories: Vec<History>,
    /// Files that look like migrations and are left out.
    pub skipped: Vec<Skipped>,
    /// Whole sentences without full stop: why git cannot tell what is pending.
    pub notes: Vec<String>,
}

/// All migrations of one directory, in the order in which their tool runs them.
#[derive(Clone, Debug)]
pub struct History {
    pub root: PathBuf,
    pub tool: &'static Tool,
    /// By what the tool was recognised: `go.mod names github.com/golang-migrate/migrate`.
    pub because: String,
    pub settings: Settings,
    pub config: Arc<Config>,
    pub migrations: Vec<Migration>,
    /// What stood in its directories when they were read, so that they need not be listed for each rewrite.
    beside: Arc<Beside>,
}

/// The files of some directories, by what belongs together.
#[derive(Debug, Default)]
struct Beside {
    listed: BTreeSet<PathBuf>,
    by_key: BTreeMap<Key, Vec<PathBuf>>,
}

impl History {
    /// The same history with other migrations.
    #[must_use]
    pub fn with(&self, migrations: Vec<Migration>) -> History {
        History {
            root: self.root.clone(),
            tool: self.tool,
            because: self.because.clone(),
            settings: self.settings.clone(),
            config: Arc::clone(&self.config),
            migrations,
            beside: Arc::clone(&self.beside),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub path: PathBuf,
    pub reason: String,
}

/// Fails when a named path does not exist or cannot be read, or a `safestep.toml` is wrong.
pub fn load(files: &Files, request: &Request) -> Result<Project, Vec<Error>> {
    let mut skipped = Vec::new();
    let mut detector = Detector::new(files);
    let mut configs = BTreeMap::new();
    let mut groups: BTreeMap<(PathBuf, &str), Group> = BTreeMap::new();
    for candidate in candidates(files, request).map_err(|error| vec![error])? {
        let Candidate { path, explicit, .. } = candidate;
        let mut skip = |path: PathBuf, reason: String| skipped.push(Skipped { path, reason });
        let config = config_of(files, request, &mut configs, &path)?;
        let in_dirs = config.dirs.as_ref().map(|dirs| dirs.contains(&path));
        if !explicit && in_dirs == Some(false) {
            continue;
        }
        if config.exclude.contains(&path) {
            if explicit {
                skip(path, format!("is excluded by {}", config::FILE_NAME));
            }
            continue;
        }
        if let Some(dialect) = other_dialect(files, &path) {
            let reason = format!("is for {dialect}, by its name");
            skip(path, reason);
            continue;
        }
        let text = match detector.read(&path) {
            Ok(text) => text,
            Err(error) if explicit => return Err(vec![error]),
            Err(error) => {
                skip(path, error.message);
                continue;
            }
        };
        if is_dump(&text.text) && !explicit {
            skip(path, "is a schema dump, not a migration".to_owned());
            continue;
        }
        if is_pgtap_test(&text.text) && !explicit {
            skip(path, "is a pgTAP test, not a migration".to_owned());
            continue;
        }
        if verifies(files, &path) && !explicit {
            skip(path, "verifies a change of sqitch, and is no migration".to_owned());
            continue;
        }
        let Detection { tool, because } = match (request.tool, config.tool_of(&path)) {
            (Some(tool), _) => Detection { tool, because: format!("{} names it", tool_setting(request.editor)) },
            (None, Some(tool)) => Detection { tool, because: format!("{} names it", config::FILE_NAME) },
            (None, None) => detector.detect(&path, &text.text),
        };
        let named_tool = request.tool.is_some() || config.tool_of(&path).is_some();
        let found_in_passing = candidate.found_in_passing && in_dirs.is_none() && !named_tool;
        if *tool == *tools::PLAIN && found_in_passing && !in_migrations_directory(files, &path) {
            continue;
        }
        let settings = detector.settings(tool, &path);
        if let Some(dialect) = settings.get(OTHER_DIALECT) {
            skip(path, format!("is for {dialect}"));
            continue;
        }
        let place = match (tool.place)(&path, &settings) {
            Some(place) => place,
            // The tool would not run it, but somebody wants to know what it does.
            None if explicit => stray(&path),
            None => {
                if (tool.evidence.signature)(&text.text) {
                    skip(path, format!("is written for {}, which does not run a file of this name", tool.label));
                }
                continue;
            }
        };
        let group = groups.entry((place.root.clone(), tool.name)).or_insert_with(|| Group {
            tool,
            because,
            settings,
            config,
            members: BTreeMap::new(),
            named: BTreeSet::new(),
            explicit: BTreeSet::new(),
        });
        if !request.paths.is_empty() {
            group.named.insert(path.clone());
        }
        if explicit {
            group.explicit.insert(path.clone());
        }
        group.members.insert(path, place);
    }
    leave_out_strays(&mut groups, &mut skipped);

    let mut notes = BTreeSet::new();
    let mut histories = Vec::new();
    for ((root, _), mut group) in groups {
        let beside = complete(files, request, &root, &mut group, &mut detector);
        let mut migrations = assemble(&mut detector, &group, &mut skipped).map_err(|error| vec![error])?;
        if files.on_disk() {
            match git::applied(&root, request.since) {
                Ok(applied) => {
                    for migration in &mut migrations {
                        migration.pending = Some(!applied.contains(&migration.path));
                    }
                }
                Err(reason) => drop(notes.insert(reason)),
            }
        }
        if !migrations.is_empty() {
            let Group { tool, because, settings, config, .. } = group;
            let beside = Arc::new(beside);
            histories.push(History { root, tool, because, settings, config, migrations, beside });
        }
    }
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Project { histories, skipped, notes: notes.into_iter().collect() })
}

/// Reads some migrations of a history again, in order, such as those of a rewrite that is not written yet. All of them
/// count as named and are as `pending` as what they stand for.
pub fn reread(
    files: &Files,
    history: &History,
    paths: &[PathBuf],
    pending: Option<bool>,
) -> Result<Vec<Migration>, Error> {
    let mut members = BTreeMap::new();
    let place_of = |path: &Path| (history.tool.place)(path, &history.settings).unwrap_or_else(|| stray(path));
    let keys: BTreeSet<Key> = paths.iter().map(|path| place_of(path).key).collect();
    let directories: BTreeSet<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
    for directory in directories {
        let beside: Vec<PathBuf> = if history.beside.listed.contains(directory) {
            let known = keys.iter().filter_map(|key| history.beside.by_key.get(key)).flatten();
            let still = known.map(PathBuf::as_path).filter(|path| files.is_file(path));
            let here = still.chain(files.unsaved()).filter(|path| path.parent() == Some(directory));
            here.map(Path::to_owned).collect()
        } else {
            files.list(directory).0
        };
        let placed = beside.into_iter().map(|path| (place_of(&path), path));
        members.extend(placed.filter(|(place, _)| keys.contains(&place.key)).map(|(place, path)| (path, place)));
    }
    members.extend(paths.iter().map(|path| (path.clone(), place_of(path))));
    let group = again(history, members);
    let mut migrations = assemble(&mut Detector::new(files), &group, &mut Vec::new())?;
    for migration in &mut migrations {
        migration.pending = pending;
    }
    Ok(migrations)
}

/// One migration of a history with the texts that its files have now. `None` when they point at another tool than before or
/// cannot be read, so that the history must be loaded again.
#[must_use]
pub fn renew(files: &Files, history: &History, at: usize) -> Option<Migration> {
    let old = &history.migrations[at];
    let mut members = BTreeMap::new();
    for path in std::iter::once(&old.path).chain(old.companions.iter().map(|companion| &companion.path)) {
        let place = (history.tool.place)(path, &history.settings).unwrap_or_else(|| stray(path));
        members.insert(path.clone(), place);
    }
    let mut detector = Detector::new(files);
    let group = again(history, members);
    let mut migrations = assemble(&mut detector, &group, &mut Vec::new()).ok()?;
    let mut new = migrations.pop().filter(|_| migrations.is_empty())?;
    let texts = |it: &Migration| {
        let companions = it.companions.iter().map(|companion| Arc::clone(&companion.text));
        std::iter::once(Arc::clone(&it.text)).chain(companions).collect::<Vec<_>>()
    };
    let (before, now) = (texts(old), texts(&new));
    let alike = |(before, now): (&Arc<str>, &Arc<str>)| detect::points_alike(history.tool, before, now);
    if before.len() != now.len() || !before.iter().zip(&now).all(alike) {
        return None;
    }
    (new.named, new.pending) = (old.named, old.pending);
    // Versions are in names, which have not changed.
    new.problems.extend(old.problems.iter().filter(|problem| problem.message.ends_with(SAME_VERSION)).cloned());
    Some(new)
}

/// Some files of a history, as if they were named.
fn again(history: &History, members: BTreeMap<PathBuf, Place>) -> Group {
    Group {
        tool: history.tool,
        because: history.because.clone(),
        settings: history.settings.clone(),
        config: Arc::clone(&history.config),
        named: members.keys().cloned().collect(),
        explicit: BTreeSet::new(),
        members,
    }
}

/// The migration that a file belongs to: as itself, or as its Down file or its settings.
#[must_use]
pub fn of_file(history: &History, path: &Path) -> Option<usize> {
    let belongs = |it: &Migration| it.path == path || it.companions.iter().any(|companion| companion.path == path);
    history.migrations.iter().position(belongs)
}

/// Whether the file would be found without being named.
#[must_use]
pub fn is_migration(files: &Files, history: &History, migration: &Migration) -> bool {
    let chosen = match &history.config.dirs {
        Some(dirs) => dirs.contains(&migration.path),
        None => {
            *history.tool != *tools::PLAIN
                || history.config.tool_of(&migration.path).is_some()
                || in_migrations_directory(files, &migration.path)
        }
    };
    chosen
        && (history.tool.place)(&migration.path, &history.settings).is_some()
        && !is_dump(&migration.text)
        && !is_pgtap_test(&migration.text)
        && !verifies(files, &migration.path)
}

fn config_of(
    files: &Files,
    request: &Request,
    known: &mut BTreeMap<PathBuf, Arc<Config>>,
    path: &Path,
) -> Result<Arc<Config>, Vec<Error>> {
    let directory = path.parent().unwrap_or(path);
    if let Some(config) = known.get(directory) {
        return Ok(Arc::clone(config));
    }
    let config = Arc::new(config::nearest(files, directory, request.rule_names)?);
    known.insert(directory.to_owned(), Arc::clone(&config));
    Ok(config)
}

/// What is known of one history before its files are read.
struct Group {
    tool: &'static Tool,
    because: String,
    settings: Settings,
    config: Arc<Config>,
    members: BTreeMap<PathBuf, Place>,
    /// By itself or by a directory above it.
    named: BTreeSet<PathBuf>,
    explicit: BTreeSet<PathBuf>,
}

struct Candidate {
    path: PathBuf,
    /// The file itself was named.
    explicit: bool,
    /// Nobody named it or a directory above it.
    found_in_passing: bool,
}

fn candidates(files: &Files, request: &Request) -> Result<Vec<Candidate>, Error> {
    let mut found = BTreeMap::new();
    let in_passing = request.pending || request.paths.is_empty();
    if in_passing {
        for path in walk(files, files.directory()) {
            found.insert(path, (false, true));
        }
    }
    for path in request.paths {
        let path = files.absolute(path);
        if request.pending && (files.is_file(&path) || files.is_directory(&path)) {
            if !path.starts_with(files.directory()) {
                found.extend(walk(files, &path).into_iter().map(|path| (path, (false, true))));
            }
        } else if files.is_file(&path) {
            found.insert(path, (true, false));
        } else if files.is_directory(&path) {
            for path in walk(files, &path) {
                found.entry(path).or_insert((false, false));
            }
        } else {
            return Err(Error::new(&path, "no such file or directory"));
        }
    }
    if in_passing && !request.paths.is_empty() {
        let named: BTreeSet<_> = request.paths.iter().map(|path| files.absolute(path)).collect();
        found.retain(|path, _| path.ancestors().any(|above| named.contains(above)));
    }
    Ok(found
        .into_iter()
        .map(|(path, (explicit, found_in_passing))| Candidate { path, explicit, found_in_passing })
        .collect())
}

/// SQL files below a directory, without what git ignores and what others wrote.
fn walk(files: &Files, directory: &Path) -> BTreeSet<PathBuf> {
    let wanted = |path: &Path| path.extension().is_some_and(|extension| extension == "sql");
    let mut found = BTreeSet::new();
    if files.on_disk() {
        let walk = ignore::WalkBuilder::new(directory)
            .filter_entry(|entry| {
                entry.depth() == 0
                    || !matches!(entry.file_name().to_str(), Some("node_modules" | "vendor" | "target" | ".git"))
            })
            .build();
        // A directory that cannot be entered holds nothing for us.
        found
            .extend(walk.flatten().map(ignore::DirEntry::into_path).filter(|path| wanted(path) && files.is_file(path)));
    }
    found.extend(files.unsaved().filter(|path| path.starts_with(directory) && wanted(path)).map(Path::to_owned));
    found
}

/// SQL files among the migrations of a tool that the tool does not run.
fn leave_out_strays(groups: &mut BTreeMap<(PathBuf, &str), Group>, skipped: &mut Vec<Skipped>) {
    let mut of_tools: BTreeMap<PathBuf, &'static Tool> = BTreeMap::new();
    for group in groups.values().filter(|group| *group.tool != *tools::PLAIN) {
        of_tools.extend(group.members.keys().filter_map(|path| Some((path.parent()?.to_owned(), group.tool))));
    }
    for group in groups.values_mut().filter(|group| *group.tool == *tools::PLAIN) {
        group.members.retain(|path, _| {
            let tool = path.parent().and_then(|directory| of_tools.get(directory));
            match tool.filter(|_| !group.explicit.contains(path)) {
                Some(tool) => {
                    let reason =
                        format!("lies among migrations of {}, which does not run a file of this name", tool.label);
                    skipped.push(Skipped { path: path.clone(), reason });
                    false
                }
                None => true,
            }
        });
    }
    groups.retain(|_, group| !group.members.is_empty());
}

/// All migrations of the history, not only those that were asked for. Gives what stands in its directories.
fn complete(files: &Files, request: &Request, root: &Path, group: &mut Group, detector: &mut Detector) -> Beside {
    let mut beside = Beside::default();
    // What takes every name takes only what no other tool takes.
    let modest = request.tool.is_none() && (*group.tool == *tools::PLAIN || *group.tool == *tools::UNKNOWN);
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        let (inside, below) = files.list(&directory);
        if group.tool.recursive {
            open.extend(below);
        }
        for path in inside {
            let place = match group.members.get(&path) {
                Some(known) => Some(known.clone()),
                None => (group.tool.place)(&path, &group.settings),
            };
            let key = place.as_ref().map_or_else(|| stray(&path).key, |place| place.key.clone());
            beside.by_key.entry(key).or_default().push(path.clone());
            let elsewhere = group.config.tool_of(&path).is_some_and(|tool| *tool != *group.tool);
            if group.members.contains_key(&path)
                || elsewhere
                || group.config.exclude.contains(&path)
                || other_dialect(files, &path).is_some()
                || verifies(files, &path)
            {
                continue;
            }
            match place {
                Some(place) if place.root == root => {
                    let Ok(text) = detector.read(&path) else { continue };
                    let own = group.config.tool_of(&path).is_some()
                        || if modest {
                            !is_dump(&text.text)
                                && !is_pgtap_test(&text.text)
                                && *detector.detect(&path, &text.text).tool == *group.tool
                        } else {
                            !detector.of_another_tool(group.tool, request.tool.is_some(), &text.text)
                        };
                    if own {
                        group.members.insert(path, place);
                    }
                }
                _ => {}
            }
        }
        beside.listed.insert(directory);
    }
    beside
}

/// Files to migrations: what belongs together is brought together, and everything is read and sorted.
fn assemble(detector: &mut Detector, group: &Group, skipped: &mut Vec<Skipped>) -> Result<Vec<Migration>, Error> {
    let mut by_key: BTreeMap<&Key, Vec<(&PathBuf, &Place)>> = BTreeMap::new();
    for (path, place) in &group.members {
        by_key.entry(&place.key).or_default().push((path, place));
    }
    let mut migrations = Vec::new();
    for members in by_key.values() {
        let ups: Vec<_> = members.iter().filter(|(_, place)| place.role == Role::Up).collect();
        if ups.is_empty() {
            let reason = "has no migration to belong to";
            let orphans = members.iter().filter(|(_, place)| place.role == Role::Down);
            skipped.extend(orphans.map(|(path, _)| Skipped { path: (*path).clone(), reason: reason.to_owned() }));
        }
        for (path, place) in &ups {
            let mut companions = Vec::new();
            for (path, other) in members.iter().filter(|(_, other)| other.role != Role::Up) {
                if ups.len() == 1 || other.name == place.name {
                    let text = detector.read(path)?.text;
                    companions.push(Companion { role: other.role, path: (*path).clone(), text });
                }
            }
            let Text { text, exact } = match detector.read(path) {
                Ok(text) => text,
                Err(error) if group.named.contains(*path) => return Err(error),
                Err(error) => {
                    skipped.push(Skipped { path: (*path).clone(), reason: error.message });
                    continue;
                }
            };
            let source = Source { path, text: &text, place, companions: &companions };
            let mut reading = (group.tool.read)(&source, &group.settings);
            reading.units.sort_by_key(|unit| unit.section);
            if let Some(transaction) = group.config.transaction_of(path) {
                for runner in reading.units.iter_mut().map(|unit| &mut unit.runner).filter(|runner| !runner.opted_out) {
                    runner.transaction = match transaction {
                        TransactionOverride::File => RunnerTransaction::Unit,
                        TransactionOverride::All => RunnerTransaction::AllPending,
                        TransactionOverride::None | TransactionOverride::Message => RunnerTransaction::None,
                    };
                    if transaction == TransactionOverride::Message {
                        runner.messages = Messages::Whole;
                    }
                }
            }
            let belongs = |path: &PathBuf| group.named.contains(path);
            migrations.push(Migration {
                named: belongs(path) || companions.iter().any(|companion| belongs(&companion.path)),
                path: (*path).clone(),
                tool: group.tool,
                key: place.key.clone(),
                version: place.version.clone(),
                name: place.name.clone(),
                text,
                exact,
                units: reading.units,
                companions,
                problems: reading.problems,
                pending: None,
            });
        }
    }
    if group.tool.unique_version {
        name_duplicates(detector.files, &mut migrations);
    }
    Ok(migrations)
}

const SAME_VERSION: &str = " has the same version; give one of the two another";

fn name_duplicates(files: &Files, migrations: &mut [Migration]) {
    // Leading zeros do not make another number, save where versions are text.
    let identity = |migration: &Migration| match &migration.key {
        Key::Numbers(numbers) => format!("{numbers:?}"),
        Key::Text(_) => migration.version.replace('-', ""),
        Key::Repeatable(name) => format!("R{name}"),
    };
    let mut known: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, migration) in migrations.iter().enumerate() {
        known.entry(identity(migration)).or_default().push(index);
    }
    for same in known.values().filter(|same| same.len() > 1) {
        for (at, index) in same.iter().enumerate() {
            let other = files.display(&migrations[same[usize::from(at == 0)]].path);
            let message = format!("{other}{SAME_VERSION}");
            migrations[*index].problems.push(Problem { span: Span::new(0, 0), message, fatal: true });
        }
    }
}

fn stray(path: &Path) -> Place {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Place {
        root: path.parent().unwrap_or(path).to_owned(),
        key: Key::Text(name.clone()),
        version: String::new(),
        name,
        role: Role::Up,
    }
}

/// The other database that a path is for, by a word of a directory or file name below the working directory.
fn other_dialect<'a>(files: &Files, path: &'a Path) -> Option<&'a str> {
    const OTHERS: [&str; 22] = [
        "mysql",
        "mariadb",
        "sqlite",
        "sqlite3",
        "clickhouse",
        "mssql",
        "sqlserver",
        "oracle",
        "cockroach",
        "cockroachdb",
        "crdb",
        "h2",
        "hsqldb",
        "db2",
        "snowflake",
        "bigquery",
        "spanner",
        "ydb",
        "duckdb",
        "tidb",
        "vertica",
        "libsql",
    ];
    let below =
        path.strip_prefix(files.directory()).unwrap_or_else(|_| Path::new(path.file_name().unwrap_or_default()));
    let components: Vec<&str> = below.components().filter_map(|component| component.as_os_str().to_str()).collect();
    let (file, directories) = components.split_last()?;
    // In a file name only a part between dots counts: `2020_x.mysql.up.sql`, but not `10_import_from_mysql.sql`.
    let words = directories.iter().copied().flat_map(|name| name.split(['-', '_', '.'])).chain(file.split('.').skip(1));
    words.into_iter().find(|word| OTHERS.iter().any(|other| other.eq_ignore_ascii_case(word)))
}

/// pg_dump begins its output with this comment.
fn is_dump(text: &str) -> bool {
    let heads = ["-- PostgreSQL database dump", "-- PostgreSQL database cluster dump"];
    text.lines().take(10).any(|line| heads.contains(&line.trim()))
}

/// A test of pgTAP begins with a plan and leaves nothing behind, or says that it is finished.
fn is_pgtap_test(text: &str) -> bool {
    const UNDONE: &str = "rollback";
    let tail = text.trim_end_matches(|it: char| it == ';' || it.is_whitespace());
    let undone = tail.len().checked_sub(UNDONE.len()).and_then(|at| tail.get(at..));
    let plans = |line: &str| {
        let line = line.trim_start().to_ascii_lowercase();
        ["select plan(", "select * from plan(", "select no_plan(", "select * from no_plan("]
            .iter()
            .any(|it| line.starts_with(it))
    };
    let ends = undone.is_some_and(|it| it.eq_ignore_ascii_case(UNDONE)) || text.contains("finish()");
    ends && text.lines().any(plans)
}

/// In sqitch's directories `verify/a.sql` looks whether `deploy/a.sql` did its work.
fn verifies(files: &Files, path: &Path) -> bool {
    let names: Vec<&OsStr> = path.iter().collect();
    let Some(at) = names.iter().rposition(|name| *name == "verify") else { return false };
    let deploy = names.iter().enumerate().map(|(index, name)| if index == at { OsStr::new("deploy") } else { name });
    files.is_file(&deploy.collect::<PathBuf>())
}

fn in_migrations_directory(files: &Files, path: &Path) -> bool {
    let below = path.strip_prefix(files.directory()).unwrap_or(path);
    let parents = below.parent().into_iter().flat_map(Path::components);
    let own = files.directory().file_name();
    let names = parents.map(|component| component.as_os_str()).chain(own);
    names.into_iter().any(|name| name.to_string_lossy().to_ascii_lowercase().contains("migrat"))
}

#[cfg(test)]
mod tests;
