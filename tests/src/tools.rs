//! Migration tools: which files they take, in which order, and what they send to the server.
//!
//! A second opinion. It is written from the tools' own source and documentation and shares nothing with `crates/project`, so a
//! wrong reading or a file that a tool would not run shows. Each function takes the root of a project as it lies in `fixtures`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postgres::Client;

use crate::run;
use crate::servers::Database;

/// One migration as its tool sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Sorts as the tool sorts.
    pub order: String,
    /// What the tool remembers of an applied migration.
    pub id: String,
    /// The file with the Up section.
    pub path: PathBuf,
    pub up: Section,
    pub down: Option<Section>,
}

impl Migration {
    /// Its files, with those that belong to it.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.path.clone()];
        files.extend(self.down.iter().map(|down| down.path.clone()).filter(|path| *path != self.path));
        let settings = [self.path.with_file_name("metadata.toml"), format!("{}.conf", self.path.display()).into()];
        files.extend(settings.into_iter().filter(|path: &PathBuf| path.is_file()));
        files
    }
}

/// What a tool sends for one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub path: PathBuf,
    /// The tool sends BEGIN before and COMMIT behind.
    pub transaction: bool,
    pub messages: Vec<String>,
}

/// What happens to a migration below the last applied one.
enum Late {
    Runs,
    /// It is left out, and nobody is told.
    Skipped,
    Refused,
}

/// All migrations of a project, in the tool's order. The error is what the tool would complain about.
pub fn migrations(tool: &str, root: &Path) -> Result<Vec<Migration>, String> {
    let read = match tool {
        "goose" => goose,
        "golang-migrate" => golang_migrate,
        "dbmate" => dbmate,
        "sqlx" => sqlx,
        "diesel" => diesel,
        "flyway" => flyway,
        "prisma" => prisma,
        "plain" => plain,
        _ => return Err(format!("no tool is called {tool}")),
    };
    let mut paths = Vec::new();
    files_below(root, &mut paths);
    let mut migrations = read(&paths)?;
    migrations.sort_by(|a, b| a.order.cmp(&b.order));
    for pair in migrations.windows(2) {
        if pair[0].id == pair[1].id {
            return Err(format!("{} and {} have one version", pair[0].path.display(), pair[1].path.display()));
        }
    }
    Ok(migrations)
}

/// The migrations that the tool would run now.
pub fn pending<'a>(tool: &str, all: &'a [Migration], applied: &BTreeSet<String>) -> Result<Vec<&'a Migration>, String> {
    let late = match tool {
        "golang-migrate" => Late::Skipped,
        "goose" | "flyway" => Late::Refused,
        _ => Late::Runs,
    };
    let last = all.iter().filter(|it| applied.contains(&it.id) && !it.order.starts_with('~')).map(|it| &it.order).max();
    let mut pending = Vec::new();
    for migration in all.iter().filter(|it| !applied.contains(&it.id)) {
        match late {
            _ if last.is_none_or(|last| migration.order > *last) => pending.push(migration),
            Late::Runs => pending.push(migration),
            Late::Skipped => {}
            Late::Refused => return Err(format!("{} is below the last applied one", migration.path.display())),
        }
    }
    Ok(pending)
}

/// Runs a section as the tool does, in a session that may have run others before.
pub fn run(tool: &str, database: &Database, client: &mut Client, section: &Section) -> Result<(), String> {
    if tool == "plain" {
        return psql(database, &section.path);
    }
    let messages: Vec<&str> = section.messages.iter().map(String::as_str).collect();
    let result = match section.transaction {
        true => run::in_transaction(client, &messages),
        false => run::each(client, &messages),
    };
    result.map_err(|failure| format!("{}: {} {}", section.path.display(), failure.sqlstate, failure.message))
}

/// Whether the tool sets the session back between two files.
pub fn resets_session(tool: &str) -> bool {
    tool == "plain"
}

/// The command `psql`, as projects without a tool run their files.
pub fn has_psql() -> bool {
    Command::new("psql").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn psql(database: &Database, path: &Path) -> Result<(), String> {
    let output = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &database.conninfo(), "-f"])
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("psql: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// github.com/pressly/goose, `internal/sqlparser/parser.go` and `collect.go`.
fn goose(paths: &[PathBuf]) -> Result<Vec<Migration>, String> {
    let mut found = Vec::new();
    for path in paths {
        let Some((version, _)) = stem(path, ".sql").and_then(|stem| stem.split_once('_')) else { continue };
        let Ok(version) = version.parse::<i64>() else { continue };
        if version < 1 {
            continue;
        }
        let text = text(path)?;
        let (up, down, transaction) = goose_sections(&text).map_err(|why| format!("{}: {why}", path.display()))?;
        let section = |messages| Section { path: path.clone(), transaction, messages };
        found.push(Migration {
            order: format!("{version:020}"),
            id: version.to_string(),
            path: path.clone(),
            up: section(up),
            down: down.map(section),
        });
    }
    Ok(found)
}

type Sections = (Vec<String>, Option<Vec<String>>, bool);

fn goose_sections(text: &str) -> Result<Sections, String> {
    let ends = |line: &str| {
        line.split_whitespace()
            .take_while(|word| !word.starts_with("--"))
            .last()
            .is_some_and(|word| word.ends_with(';'))
    };
    let (mut up, mut down, mut transaction) = (None::<Vec<String>>, None::<Vec<String>>, true);
    let (mut buffer, mut fenced) = (String::new(), false);
    for line in text.lines() {
        if line.trim().starts_with("--") {
            let comment = line.trim().trim_start_matches("--").trim();
            if let Some(annotation) = comment.strip_prefix("+goose") {
                if !line.starts_with("--") {
                    return Err(format!("white space before {line:?}"));
                }
                match annotation.trim().to_ascii_lowercase().as_str() {
                    "up" if up.is_none() => up = Some(Vec::new()),
                    "down" if up.is_some() && down.is_none() && !fenced => {
                        if !buffer.trim().is_empty() {
                            return Err("a statement has no semicolon".to_owned());
                        }
                        down = Some(Vec::new());
                    }
                    "statementbegin" if up.is_some() && !fenced => fenced = true,
                    "statementend" if fenced => {
                        fenced = false;
                        down.as_mut().or(up.as_mut()).ok_or("no section")?.push(std::mem::take(&mut buffer));
                    }
                    "no transaction" => transaction = false,
                    other => return Err(format!("annotation {other:?} in the wrong place")),
                }
                continue;
            }
            if buffer.is_empty() {
                continue;
            }
        }
        if line.trim().is_empty() && buffer.is_empty() {
            continue;
        }
        let section = down.as_mut().or(up.as_mut()).ok_or_else(|| format!("{line:?} stands before Up"))?;
        buffer.push_str(line);
        buffer.push('\n');
        if !fenced && ends(line) {
            section.push(std::mem::take(&mut buffer));
        }
    }
    if fenced || !buffer.trim().is_empty() {
        return Err(format!("an unfinished statement: {buffer}"));
    }
    Ok((up.ok_or("no Up")?, down, transaction))
}

/// github.com/golang-migrate/migrate, `source/parse.go` and `database/postgres`.
fn golang_migrate(paths: &[PathBuf]) -> Result<Vec<Migration>, String> {
    pairs(paths, |text| (false, vec![text.to_owned()]), true)
}

/// github.com/launchbadge/sqlx, `sqlx-core/src/migrate`.
fn sqlx(paths: &[PathBuf]) -> Result<Vec<Migration>, String> {
    pairs(paths, |text| (!text.starts_with("-- no-transaction"), vec![text.to_owned()]), false)
}

/// `N_name.up.sql` with `N_name.down.sql`; `N_name.sql` where the tool knows it.
fn pairs(
    paths: &[PathBuf],
    send: impl Fn(&str) -> (bool, Vec<String>),
    always_directed: bool,
) -> Result<Vec<Migration>, String> {
    let read = |path: &PathBuf| {
        let (transaction, messages) = send(&text(path)?);
        Ok::<_, String>(Section { path: path.clone(), transaction, messages })
    };
    let mut found = Vec::new();
    for path in paths {
        let Some(stem) = stem(path, ".sql").filter(|stem| !stem.ends_with(".down")) else { continue };
        let Some((version, _)) = stem.split_once('_') else { continue };
        let Ok(version) = version.parse::<u64>() else { continue };
        let directed = stem.strip_suffix(".up");
        if directed.is_none() && always_directed {
            continue;
        }
        let undo = path.with_file_name(format!("{}.down.sql", directed.unwrap_or(stem)));
        found.push(Migration {
            order: format!("{version:020}"),
            id: version.to_string(),
            path: path.clone(),
            up: read(path)?,
            down: directed.and_then(|_| paths.contains(&undo).then(|| read(&undo))).transpose()?,
        });
    }
    Ok(found)
}

/// github.com/amacneil/dbmate, `pkg/dbmate/migration.go` and `db.go`. Measured with dbmate 2.36.
fn dbmate(paths: &[PathBuf]) -> Result<Vec<Migration>, String> {
    let marker = |line: &str, word: &str| {
        let rest = line.strip_prefix("--")?.trim_start().strip_prefix(word)?;
        (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| !rest.contains("transaction:false"))
    };
    let mut found = Vec::new();
    for path in paths {
        let Some(stem) = stem(path, ".sql") else { continue };
        let digits = stem.len() - stem.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            continue;
        }
        let text = text(path)?;
        let (mut up, mut down) = (None, None);
        for line in text.split_inclusive('\n') {
            if let Some(transaction) = marker(line.trim_end(), "migrate:up") {
                if up.is_some() {
                    return Err(format!("{}: a second Up section", path.display()));
                }
                up = Some(Section { path: path.clone(), transaction, messages: vec![String::new()] });
            } else if let Some(transaction) = marker(line.trim_end(), "migrate:down") {
                down = Some(Section { path: path.clone(), transaction, messages: vec![String::new()] });
            }
            match down.as_mut().or(up.as_mut()) {
                Some(section) => section.messages[0].push_str(line),
                None if line.trim().is_empty() || line.starts_with("--") => {}
                None => return Err(format!("{}: {line:?} stands before migrate:up", path.display())),
            }
        }
        let (Some(up), Some(down)) = (up, down) else {
            return Err(format!("{}: dbmate requires each migration to have an up and a down section", path.display()));
        };
        let down = Some(down);
        found.push(Migration { order: stem.to_owned(), id: stem[..digits].to_owned(), path: path.clone(), up, down });
    }
    Ok(found)
}

/// github.com/diesel-rs/diesel, `diesel_migrations/src/file_based_migrations.rs`.
fn diesel(paths: &[PathBuf]) -> Result<Vec<Migration>, String> {
    let mut found = Vec::new();
    for path in paths.iter().filter(|path| path.ends_with("up.sql")) {
        let directory = path.parent().ok_or("no directory")?;
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let version = name.split('_').next().unwrap_or_default().replace('-', "");
        let metadata = std::fs::read_to_string(directory.join("metadata.toml")).ok();
        let transaction = metadata.is_none_or(|it| it.lines().any(|line| line.trim() == "run_in_transaction = true"));
        let section = |path: PathBuf| {
            let text = text(&path)?;
            // libpq answers a text without statements in a way that Diesel takes for a failure.
            if text.lines().all(|line| line.trim().is_empty() || line.trim().starts_with("--")) {
                return Err(format!("{}: nothing to run", path.display()));
            }
            Ok(Section { path, transaction, messages: vec![text] })
        };
        let undo = directory.join("down.sql");
        found.push(Migration {
            order: version.clone(),
            id: version,
            path: path.clone(),
            up: section(path.clone())?,
            down: paths.contains(&undo).then(|| section(undo)).transpose()?,
        });
    }
    Ok(found)
}

/// github.com/flyway/flyway: `V1_2__name.sql`, then `R__name.sql`; `PostgreSQLParser.java` for what refuses a transaction.
fn flyway(paths: &[PathBuf]) -> Result<Vec<Migration>, String> {
    let mut found = Vec::new();
    for path in paths {
        let Some((version, name)) = stem(path, ".sql").and_then(|stem| stem.split_once("__")) else { continue };
        let text = text(path)?;
        let (order, id) = match version.strip_prefix('V') {
            Some(version) => {
                let parts: Vec<&str> = version.split(['.', '_']).collect();
                let end = parts.iter().rposition(|part| !part.trim_matches('0').is_empty()).map_or(1, |last| last + 1);
                let parts: Vec<String> = parts[..end].iter().map(|part| format!("{part:0>20}")).collect();
                (parts.join("."), parts.join("."))
            }
            // Its checksum decides whether it runs again.
            None if version == "R" => (format!("~{name}"), format!("~{name} {text}")),
            None => continue,
        };
        let conf = std::fs::read_to_string(format!("{}.conf", path.display())).unwrap_or_default();
        let messages = statements(&text);
        let outside = messages.iter().filter(|sql| refuses_transaction(sql)).count();
        let off = conf.lines().any(|line| line.trim() == "executeInTransaction=false");
        if outside > 0 && outside < messages.len() && !off {
            return Err(format!("{}: Detected both transactional and non-transactional statements", path.display()));
        }
        let section = Section { path: path.clone(), transaction: outside == 0 && !off, messages };
        found.push(Migration { order, id, path: path.clone(), up: section, down: None });
    }
    Ok(found)
}

/// Flyway goes by the first words of a statement.
fn refuses_transaction(sql: &str) -> bool {
    let code = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join(" ");
    let words: Vec<String> = code.split_whitespace().map(str::to_ascii_uppercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).take(5).collect();
    matches!(
        words.as_slice(),
        ["CREATE" | "DROP", "UNIQUE", "INDEX", "CONCURRENTLY", ..]
            | ["CREATE" | "DROP", "INDEX", "CONCURRENTLY", ..]
            | ["CREATE" | "DROP", "DATABASE" | "TABLESPACE" | "SUBSCRIPTION", ..]
            | ["ALTER", "SYSTEM", ..]
            | ["VACUUM", ..]
            | ["DISCARD", "ALL", ..]
            | ["REINDEX", "SCHEMA" | "DATABASE" | "SYSTEM", ..]
    )
}

/// Prisma's schema engine, `apply_migration_script`: one message, no BEGIN.
fn prisma(paths: &[PathBuf]) -> Result<Vec<Migration>, String> {
    let mut found = Vec::new();
    for path in paths.iter().filter(|path| path.ends_with("migration.sql")) {
        let name = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let up = Section { path: path.clone(), transaction: false, messages: vec![text(path)?] };
        found.push(Migration { order: name.clone(), id: name, path: path.clone(), up, down: None });
    }
    Ok(found)
}

/// The files of `migrations/` in the order of a shell, each by psql.
fn plain(paths: &[PathBuf]) -> Result<Vec<Migration>, String> {
    let mut found = Vec::new();
    for path in paths.iter().filter(|path| path.parent().is_some_and(|parent| parent.ends_with("migrations"))) {
        let Some(stem) = stem(path, ".sql") else { continue };
        let section = Section { path: path.clone(), transaction: false, messages: statements(&text(path)?) };
        found.push(Migration {
            order: stem.to_owned(),
            id: stem.to_owned(),
            path: path.clone(),
            up: section,
            down: None,
        });
    }
    Ok(found)
}

/// Statements by the lexer of PostgreSQL.
fn statements(text: &str) -> Vec<String> {
    let script = syntax::parse(text, &syntax::Options::default());
    script.statements.iter().map(|statement| statement.span.slice(text).to_owned()).collect()
}

fn stem<'a>(path: &'a Path, suffix: &str) -> Option<&'a str> {
    path.file_name()?.to_str()?.strip_suffix(suffix)
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn files_below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}
