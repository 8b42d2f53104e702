//! What `--fix` writes for whole projects, on real servers, run the way each migration tool runs it: the same catalogs and rows
//! as the original leaves, nothing long under a lock that others wait for, down and up again.
//!
//! `fixtures/projects` are histories that end in two bad migrations; `fixtures/monoliths` are histories that are mostly bad.
//! Beside each stands a seed that fills the tables when the history has run. `SAFESTEP_PROJECT=goose` runs one tool only.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::{Class, Engine, Files, Level, Options};
use safestep_tests::servers::{Database, Server};
use safestep_tests::tools::{self, Migration};
use safestep_tests::watch::Watched;
use safestep_tests::{catalog, run, servers};

struct Project {
    /// Directory below `fixtures`; its last part is the tool.
    directory: &'static str,
    /// So many migrations at the end are fixed, one after the other. What comes before is the history.
    targets: usize,
    /// Columns whose values are made up anew in each run.
    ignored: &'static [&'static str],
}

const fn project(directory: &'static str, targets: usize) -> Project {
    Project { directory, targets, ignored: &[] }
}

const PROJECTS: &[Project] = &[
    Project { ignored: &["public.orders.updated_at"], ..project("projects/goose", 2) },
    project("projects/golang-migrate", 2),
    project("projects/dbmate", 2),
    project("projects/sqlx", 2),
    project("projects/diesel", 2),
    project("projects/flyway", 3),
    project("projects/prisma", 2),
    project("projects/plain", 2),
    project("monoliths/goose", 3),
    project("monoliths/golang-migrate", 3),
    Project { ignored: &["public.orders.token"], ..project("monoliths/dbmate", 4) },
    project("monoliths/sqlx", 3),
    Project { ignored: &["public.books.uid"], ..project("monoliths/diesel", 2) },
    project("monoliths/flyway", 4),
    Project { ignored: &["public.\"Post\".publishedAt"], ..project("monoliths/prisma", 2) },
    project("monoliths/plain", 2),
];

/// `tools` was measured against this version.
const DBMATE: &str =
    if cfg!(target_arch = "aarch64") { "@dbmate/linux-arm64@2.36.0" } else { "@dbmate/linux-x64@2.36.0" };

/// A project whose last migrations are not applied yet, in a repository of its own.
struct Tree {
    root: tempfile::TempDir,
    tool: &'static str,
}

/// What `--fix` made of one migration, or of all that are pending.
struct Rewrite {
    tree: Tree,
    class: Class,
    /// The migrations that take the place of the originals, in the tool's order.
    parts: Vec<Migration>,
    /// What lint still says about them.
    left: Vec<diagnostics::Finding>,
}

impl Project {
    fn tool(&self) -> &'static str {
        self.directory.rsplit('/').next().unwrap()
    }

    fn source(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(self.directory)
    }

    fn migrations(&self) -> Vec<Migration> {
        tools::migrations(self.tool(), &self.source()).unwrap_or_else(|why| panic!("{}: {why}", self.directory))
    }

    /// By class; what the next class writes as well is proven once.
    fn rewrites(&self, fix: impl Fn(Class) -> Option<Rewrite>) -> Vec<Rewrite> {
        let mut rewrites: Vec<Rewrite> = [Class::Safe, Class::Unsafe].into_iter().filter_map(fix).collect();
        rewrites.dedup_by_key(|rewrite| rewrite.text());
        rewrites
    }

    /// The migrations of the history, and those to fix. Repeatable ones have no place in the order.
    fn split(&self, all: Vec<Migration>) -> (Vec<Migration>, Vec<Migration>) {
        let mut all: Vec<Migration> = all.into_iter().filter(|it| !it.order.starts_with('~')).collect();
        let targets = all.split_off(all.len() - self.targets);
        (all, targets)
    }

    /// A copy in which the history is committed and the rest is not.
    fn tree(&self) -> Tree {
        let tree = Tree { root: tempfile::tempdir().unwrap(), tool: self.tool() };
        copy(&self.source(), tree.root.path());
        let (_, targets) = self.split(tree.migrations());
        let aside: Vec<PathBuf> = targets.iter().flat_map(Migration::files).collect();
        let kept: Vec<Vec<u8>> = aside.iter().map(|path| std::fs::read(path).unwrap()).collect();
        aside.iter().for_each(|path| std::fs::remove_file(path).unwrap());
        for arguments in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-q", "-m", "history"]] {
            git(tree.root.path(), arguments);
        }
        for (path, bytes) in aside.iter().zip(kept) {
            std::fs::write(path, bytes).unwrap();
        }
        tree
    }

    /// Fixes one pending migration, or all of them. None when that changes nothing.
    fn fix(&self, target: Option<&Migration>, class: Class) -> Option<Rewrite> {
        self.fix_as(target, class, Options::default())
    }

    fn fix_as(&self, target: Option<&Migration>, class: Class, options: Options) -> Option<Rewrite> {
        let tree = self.tree();
        let before = tree.migrations();
        let (history, _) = self.split(before.clone());
        let place = |it: &Migration| it.path.strip_prefix(tree.root.path()).unwrap().to_owned();
        let paths = target.map(|target| target.path.strip_prefix(self.source()).unwrap().to_owned());
        let options = Options { paths: paths.clone().into_iter().collect(), ..options };
        let engine = Engine::new(Files::disk(tree.root.path())).unwrap();
        let linted = engine.lint(&options, Some(class)).unwrap_or_else(|errors| panic!("{errors:?}"));
        if linted.changes.is_empty() {
            return None;
        }
        engine::write(&engine.files, &linted.changes).unwrap();
        let after = tree.migrations();
        // A migration that had to make room keeps its text.
        let texts: BTreeSet<_> = before
            .iter()
            .filter(|it| target.is_none_or(|target| place(it) != place_of(target, &self.source())))
            .map(|it| &it.up.messages)
            .collect();
        let parts: Vec<Migration> = match target {
            Some(_) => after.into_iter().filter(|it| !texts.contains(&it.up.messages)).collect(),
            None => {
                let repeatable = |it: &Migration| it.order.starts_with('~');
                after.into_iter().filter(|it| !repeatable(it) && history.iter().all(|old| old.id != it.id)).collect()
            }
        };
        assert!(!parts.is_empty(), "{}: no part of {:?} is left", self.directory, paths);
        Some(Rewrite::new(tree, class, parts))
    }

    /// Fixes the history too.
    fn fix_all(&self, class: Class) -> Option<Rewrite> {
        let tree = self.tree();
        let engine = Engine::new(Files::disk(tree.root.path())).unwrap();
        let paths = vec![tree.root.path().to_owned()];
        let options = Options { paths, all_files: true, ..Options::default() };
        let linted = engine.lint(&options, Some(class)).unwrap_or_else(|errors| panic!("{errors:?}"));
        engine::write(&engine.files, &linted.changes).unwrap();
        let parts = tree.migrations();
        (!linted.changes.is_empty()).then(|| Rewrite::new(tree, class, parts))
    }
}

fn place_of(it: &Migration, root: &Path) -> PathBuf {
    it.path.strip_prefix(root).unwrap().to_owned()
}

impl Tree {
    fn migrations(&self) -> Vec<Migration> {
        tools::migrations(self.tool, self.root.path()).unwrap_or_else(|why| panic!("{}: {why}", self.tool))
    }
}

impl Rewrite {
    fn new(tree: Tree, class: Class, parts: Vec<Migration>) -> Rewrite {
        let options = Options { paths: parts.iter().map(|it| it.path.clone()).collect(), ..Options::default() };
        let engine = Engine::new(Files::disk(tree.root.path())).unwrap();
        let left = engine.lint(&options, None).unwrap().report.findings;
        Rewrite { tree, class, parts, left }
    }

    /// What is left may be a finding that was withheld, never one that a fix was said to remove.
    fn check_findings(&self) -> Result<(), String> {
        let allowed = |it: &&diagnostics::Finding| {
            it.level == Level::Error && it.fix.as_ref().is_some_and(|fix| fix.class <= self.class)
        };
        let wrong: Vec<_> = self.left.iter().filter(allowed).map(|it| (&it.path, it.rule, &it.message)).collect();
        if wrong.is_empty() { Ok(()) } else { Err(format!("these are left although they can be fixed: {wrong:#?}")) }
    }

    /// Fixing what was fixed changes nothing.
    fn check_again(&self) -> Result<(), String> {
        let options = Options { paths: self.parts.iter().map(|it| it.path.clone()).collect(), ..Options::default() };
        let engine = Engine::new(Files::disk(self.tree.root.path())).unwrap();
        let linted = engine.lint(&options, Some(self.class)).unwrap();
        match linted.changes.as_slice() {
            [] => Ok(()),
            changes => Err(format!("fixed again:\n{}", diagnostics::patch(changes))),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            for path in part.files() {
                let shown = path.strip_prefix(self.tree.root.path()).unwrap_or(&path).display().to_string();
                text += &format!("==== {shown}\n{}", std::fs::read_to_string(&path).unwrap());
            }
        }
        text
    }
}

#[test]
fn fixed_files_are_fixed_for_good() {
    let mut failures = Vec::new();
    for project in chosen() {
        let (_, targets) = project.split(project.migrations());
        for target in targets.iter().map(Some).chain([None]) {
            for class in [Class::Safe, Class::Unsafe] {
                let Some(rewrite) = project.fix(target, class) else { continue };
                for outcome in [rewrite.check_findings(), rewrite.check_again()] {
                    failures.extend(outcome.err().map(|why| format!("== {}\n{why}", name(project, target, class))));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn fixed_files_do_what_the_original_does() {
    if servers::majors().is_empty() {
        return;
    }
    let fix = |project: &'static Project| {
        let (_, targets) = project.split(project.migrations());
        let fixed = targets.into_iter().map(|target| {
            let mut rewrites = project.rewrites(|class| project.fix(Some(&target), class));
            // As for an editor that creates no files.
            if project.tool() == "goose" {
                let one_file = || Options { one_file: true, ..Options::default() };
                rewrites.extend(project.rewrites(|class| project.fix_as(Some(&target), class, one_file())));
            }
            (target, rewrites)
        });
        (project, fixed.collect::<Vec<_>>())
    };
    let all: Vec<_> = runnable().map(fix).collect();
    servers::on_each(|server| {
        let mut failures = Vec::new();
        for (project, targets) in &all {
            let mut base = history(server, project);
            for (target, rewrites) in targets {
                let original = Original::run(project, &base, target, !rewrites.is_empty());
                for rewrite in rewrites {
                    let outcome = compare(project, &base, &original, rewrite);
                    let name = name(project, Some(target), rewrite.class);
                    failures.extend(outcome.err().map(|why| format!("== {name}\n{why}\n{}", rewrite.text())));
                }
                base = original.database;
            }
        }
        assert!(failures.is_empty(), "PostgreSQL {}:\n{}", server.major, failures.join("\n"));
    });
}

/// All pending migrations at once, and whole histories from an empty database, leave what the originals leave.
#[test]
fn whole_histories_reach_the_same() {
    if servers::majors().is_empty() {
        return;
    }
    let fixed = runnable().map(|project| {
        let pending = project.rewrites(|class| project.fix(None, class));
        (project, pending, project.rewrites(|class| project.fix_all(class)))
    });
    let all: Vec<_> = fixed.collect();
    servers::on_each(|server| {
        let mut failures = Vec::new();
        for (project, pending, whole) in &all {
            let base = history(server, project);
            let original = base.copy();
            let (_, targets) = project.split(project.migrations());
            let reached = reach(project, &original, &targets).unwrap();
            for rewrite in pending {
                let outcome = run_in_order(project, &base, rewrite).and_then(|it| same(&reached, &look(project, &it)));
                let name = name(project, None, rewrite.class);
                failures.extend(outcome.err().map(|why| format!("== {name}\n{why}\n{}", rewrite.text())));
            }
            let reached = reach(project, &server.database(""), &project.migrations()).unwrap();
            for rewrite in whole {
                let outcome = reach(project, &server.database(""), &rewrite.parts).and_then(|it| same(&reached, &it));
                let name = format!("{} --fix={:?} --all-files", project.directory, rewrite.class);
                failures.extend(outcome.err().map(|why| format!("== {name}\n{why}\n{}", rewrite.text())));
            }
        }
        assert!(failures.is_empty(), "PostgreSQL {}:\n{}", server.major, failures.join("\n"));
    });
}

/// Every part is stopped where it waits for a lock, and run again as its tool does: it reaches the end, or it stops having changed
/// nothing, and its header names the command that lets it go on.
#[test]
fn interrupted_files_can_be_run_again() {
    if servers::majors().is_empty() {
        return;
    }
    // psql has no memory: its files say that a failed block is gone on with by hand.
    let projects = runnable().filter(|project| project.tool() != "plain");
    let all: Vec<_> = projects.map(|project| (project, project.rewrites(|class| project.fix(None, class)))).collect();
    servers::on_each(|server| {
        let mut failures = Vec::new();
        for (project, rewrites) in &all {
            let base = history(server, project);
            let original = base.copy();
            let (_, targets) = project.split(project.migrations());
            let reached = reach(project, &original, &targets).unwrap();
            for rewrite in rewrites {
                let database = base.copy();
                // What is left as it was says nothing about interruptions.
                let kept = |part: &Migration| targets.iter().any(|it| it.up.messages == part.up.messages);
                let outcome = rewrite.parts.iter().try_for_each(|part| match kept(part) {
                    true => reach(project, &database, std::slice::from_ref(part)).map(drop),
                    false => interrupt(project, &database, part),
                });
                let outcome = outcome.and_then(|()| same(&reached, &look(project, &database)));
                let name = name(project, None, rewrite.class);
                failures.extend(outcome.err().map(|why| format!("== {name}\n{why}")));
            }
        }
        assert!(failures.is_empty(), "PostgreSQL {}:\n{}", server.major, failures.join("\n"));
    });
}

/// Runs a part to its end, after it was stopped at its first wait.
fn interrupt(project: &Project, database: &Database, part: &Migration) -> Result<(), String> {
    let file = part.path.display();
    let run = |client: &mut postgres::Client| tools::run(project.tool(), database, client, &part.up);
    let sequences =
        "SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value), last_value IS NOT NULL
         FROM pg_sequences";
    let sequences = database.connect().query(sequences, &[]).unwrap();
    if stop(database, run).is_ok() {
        // Nothing in it waits for anybody.
        return Ok(());
    }
    if part.up.transaction {
        // All of it was rolled back, save what it took from sequences.
        for sequence in &sequences {
            let (name, value, called): (&str, i64, bool) = (sequence.get(0), sequence.get(1), sequence.get(2));
            let parameters: &[&(dyn postgres::types::ToSql + Sync)] = &[&name, &value, &called];
            database.connect().execute("SELECT setval($1::text::regclass, $2, $3)", parameters).unwrap();
        }
    }
    let stopped = look(project, database);
    let text = std::fs::read_to_string(&part.path).unwrap();
    let interrupted = text.lines().find_map(|line| line.strip_prefix("-- If it is interrupted")?.split_once(": "));
    let recovery = interrupted.and_then(|(_, recovery)| recovery.split_once(" then "));
    let Err(why) = run(&mut database.connect()) else {
        // A second REINDEX builds beside what the first one left.
        let half = look(project, database).catalog.iter().any(|line| line.contains("valid f"));
        let recovery = recovery.filter(|_| half).map_or("", |(recovery, _)| recovery);
        return run::whole(&mut database.connect(), recovery).map_err(|why| format!("{file}: {recovery}: {why:?}"));
    };
    same(&stopped, &look(project, database)).map_err(|it| format!("{file}: run again: {why}\nand it changed: {it}"))?;
    let (recovery, _) = recovery.ok_or_else(|| format!("{file} does not say what to do about: {why}"))?;
    let mut client = database.connect();
    run::whole(&mut client, recovery).map_err(|why| format!("{file}: {recovery}: {why:?}"))?;
    run(&mut client).map_err(|why| format!("{file}, after {recovery}: {why}"))
}

/// Runs something while another session works on every table, and cancels it as soon as it waits for that one.
fn stop(database: &Database, run: impl Fn(&mut postgres::Client) -> Result<(), String> + Send) -> Result<(), String> {
    let mut other = database.connect();
    let tables = "SELECT oid::regclass::text, relkind = 'r' FROM pg_class
                  WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'";
    let tables = other.query(tables, &[]).unwrap();
    other.batch_execute("BEGIN").unwrap();
    for (table, has_rows) in tables.iter().map(|row| (row.get::<_, &str>(0), row.get::<_, bool>(1))) {
        other.batch_execute(&format!("LOCK TABLE {table} IN ROW EXCLUSIVE MODE")).unwrap();
        if has_rows {
            other.batch_execute(&format!("SELECT FROM {table} ORDER BY ctid DESC LIMIT 1 FOR UPDATE")).unwrap();
        }
    }
    let mut client = database.connect();
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let mut watcher = database.connect();
    std::thread::scope(|scope| {
        let running = scope.spawn(move || run(&mut client));
        while !running.is_finished() {
            let waiting =
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'";
            watcher.query(waiting, &[&pid]).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(3));
        }
        running.join().unwrap()
    })
}

/// A migration tool that the registries have.
struct Program {
    tool: &'static str,
    fetch: fn() -> Option<PathBuf>,
    /// The arguments that apply all migrations, and those that take the last one back.
    commands: fn(&Database) -> [Vec<String>; 2],
    /// Where it remembers what it applied.
    ledger: &'static str,
}

const PROGRAMS: [Program; 3] = [
    Program {
        tool: "dbmate",
        fetch: || servers::from_npm(DBMATE, "bin/dbmate"),
        commands: |database| {
            let command = |verb: &str| ["--no-dump-schema", "--url", &database.url(), verb].map(str::to_owned).to_vec();
            [command("migrate"), command("rollback")]
        },
        ledger: "schema_migrations",
    },
    Program {
        tool: "sqlx",
        fetch: || servers::from_crates("sqlx-cli", "0.8.6", "sqlx"),
        commands: |database| {
            let command = |verb: &str| {
                ["migrate", verb, "--database-url", &database.url_without_host()].map(str::to_owned).to_vec()
            };
            [command("run"), command("revert")]
        },
        ledger: "_sqlx_migrations",
    },
    Program {
        tool: "diesel",
        fetch: || servers::from_crates("diesel_cli", "2.3.14", "diesel"),
        commands: |database| {
            let command =
                |verb: &str| ["migration", verb, "--database-url", &database.url()].map(str::to_owned).to_vec();
            [command("run"), command("revert")]
        },
        ledger: "__diesel_schema_migrations",
    },
];

/// The tools themselves run the rewritten files, up and down again.
#[test]
fn tools_run_what_is_written_for_them() {
    if servers::majors().is_empty() {
        return;
    }
    for program in &PROGRAMS {
        let Some(path) = (program.fetch)() else { continue };
        let all: Vec<_> = chosen()
            .filter(|project| project.tool() == program.tool)
            .map(|project| (project, project.rewrites(|class| project.fix(None, class))))
            .collect();
        servers::on_each(|server| {
            for (project, rewrites) in &all {
                drive(program, &path, project, rewrites, server);
            }
        });
    }
}

fn drive(program: &Program, path: &Path, project: &Project, rewrites: &[Rewrite], server: &'static Server) {
    let run = |tree: &Tree, arguments: &[String]| {
        let root = tree.root.path();
        let output = Command::new(path).current_dir(root).args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        assert!(output.status.success(), "{} {arguments:?} in {}: {said}", program.tool, root.display());
    };
    let up = |database: &Database, tree: &Tree| run(tree, &(program.commands)(database)[0]);
    let down = |database: &Database, tree: &Tree, steps: usize| {
        (0..steps).for_each(|_| run(tree, &(program.commands)(database)[1]));
    };
    // What the tool remembers differs.
    let look = |database: &Database| {
        let mut reached = look(project, database);
        reached.data.retain(|line| !line.contains(program.ledger));
        reached
    };
    let history = project.tree();
    let (_, targets) = project.split(history.migrations());
    for file in targets.iter().flat_map(Migration::files) {
        std::fs::remove_file(&file).unwrap();
        // Some tools give each migration a directory; this fails where others are left.
        let _ = std::fs::remove_dir(file.parent().unwrap());
    }
    let base = server.database("");
    up(&base, &history);
    fill(project, &base);
    let original = base.copy();
    let whole = project.tree();
    up(&original, &whole);
    let reached = look(&original);
    down(&original, &whole, targets.len());
    let undone = look(&original);
    for rewrite in rewrites {
        let name = name(project, None, rewrite.class);
        let fixed = base.copy();
        up(&fixed, &rewrite.tree);
        same(&reached, &look(&fixed)).unwrap_or_else(|why| panic!("{name}: {why}"));
        down(&fixed, &rewrite.tree, rewrite.parts.len());
        same(&undone, &look(&fixed)).unwrap_or_else(|why| panic!("{name}: after going back, {why}"));
    }
}

/// Projects whose tool can be had here.
fn runnable() -> impl Iterator<Item = &'static Project> {
    chosen().filter(|project| project.tool() != "plain" || tools::has_psql())
}

fn chosen() -> impl Iterator<Item = &'static Project> {
    let wanted = std::env::var("SAFESTEP_PROJECT").ok();
    PROJECTS.iter().filter(move |project| wanted.as_ref().is_none_or(|wanted| project.directory.ends_with(wanted)))
}

fn name(project: &Project, target: Option<&Migration>, class: Class) -> String {
    let target = target.map_or("all pending".to_owned(), |it| place_of(it, &project.source()).display().to_string());
    format!("{} {target} --fix={class:?}", project.directory)
}

/// A database after the history, with rows.
fn history(server: &'static Server, project: &Project) -> Database {
    let database = server.database("");
    let (history, _) = project.split(project.migrations());
    reach(project, &database, &history).unwrap();
    fill(project, &database);
    database
}

fn fill(project: &Project, database: &Database) {
    let seed = std::fs::read_to_string(project.source().with_extension("seed.sql")).unwrap();
    run::whole(&mut database.connect(), &seed).unwrap_or_else(|why| panic!("{}: the seed: {why:?}", project.directory));
}

/// Runs the Up sections in one session.
fn reach(project: &Project, database: &Database, migrations: &[Migration]) -> Result<Reached, String> {
    let mut client = database.connect();
    for migration in migrations {
        tools::run(project.tool(), database, &mut client, &migration.up)?;
    }
    drop(client);
    Ok(look(project, database))
}

/// Everything that can be compared.
struct Reached {
    catalog: Vec<String>,
    data: Vec<String>,
}

fn look(project: &Project, database: &Database) -> Reached {
    let mut client = database.connect();
    Reached { catalog: catalog::fingerprint(&mut client), data: catalog::data(&mut client, project.ignored) }
}

fn same(one: &Reached, other: &Reached) -> Result<(), String> {
    let difference = catalog::difference(&one.catalog, &other.catalog) + &catalog::difference(&one.data, &other.data);
    let half = |line: &&String| line.contains("validated f") || line.contains("valid f");
    match difference.as_str() {
        "" => match other.catalog.iter().find(half).filter(|line| !one.catalog.contains(line)) {
            None => Ok(()),
            Some(line) => Err(format!("left half done: {line}")),
        },
        difference => Err(format!("original against fixed:\n{difference}")),
    }
}

/// Runs what a rewrite left pending, as the tool chooses it, up to the last part; other migrations may not come in between.
fn run_in_order(project: &Project, base: &Database, rewrite: &Rewrite) -> Result<Database, String> {
    let tool = project.tool();
    let all = rewrite.tree.migrations();
    let first = &rewrite.parts[0];
    let applied = all.iter().take_while(|it| it.order < first.order).map(|it| it.id.clone()).collect();
    let pending = tools::pending(tool, &all, &applied)?;
    let taken: Vec<&Migration> = pending.into_iter().take(rewrite.parts.len()).collect();
    if taken.iter().map(|it| &it.path).ne(rewrite.parts.iter().map(|it| &it.path)) {
        let names = |all: Vec<&Path>| all.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join("\n  ");
        return Err(format!(
            "{tool} runs other files:\n  {}",
            names(taken.iter().map(|it| it.path.as_path()).collect())
        ));
    }
    let database = base.copy();
    let mut client = database.connect();
    for part in taken {
        tools::run(tool, &database, &mut client, &part.up)?;
    }
    drop(client);
    Ok(database)
}

/// What the original migration does, for all its rewrites.
struct Original {
    /// After it.
    database: Database,
    reached: Reached,
    /// After its Down section, where it has one, and after Up again, where that is possible: what cannot be done twice (a new
    /// value of an enum) need not be done twice.
    undone: Option<(Reached, Option<Reached>)>,
    stalls: String,
}

impl Original {
    fn run(project: &Project, base: &Database, target: &Migration, in_full: bool) -> Original {
        let database = base.copy();
        let target = std::slice::from_ref(target);
        let reached = reach(project, &database, target).unwrap();
        let down = target[0].down.as_ref().filter(|_| in_full).map(|down| {
            let database = database.copy();
            let mut client = database.connect();
            tools::run(project.tool(), &database, &mut client, down).unwrap_or_else(|why| panic!("down: {why}"));
            drop(client);
            (look(project, &database), reach(project, &database, target).ok())
        });
        let stalls = if in_full { stalls(project, base, target, &BTreeMap::new()).unwrap() } else { String::new() };
        Original { database, reached, undone: down, stalls }
    }
}

fn compare(project: &Project, base: &Database, original: &Original, rewrite: &Rewrite) -> Result<(), String> {
    let fixed = run_in_order(project, base, rewrite)?;
    same(&original.reached, &look(project, &fixed))?;
    watch(project, base, original, rewrite)?;

    let Some((undone, again)) = &original.undone else { return Ok(()) };
    let mut client = fixed.connect();
    for part in rewrite.parts.iter().rev() {
        let down = part.down.as_ref().ok_or_else(|| format!("{} has no Down section", part.path.display()))?;
        tools::run(project.tool(), &fixed, &mut client, down).map_err(|why| format!("down: {why}"))?;
    }
    drop(client);
    same(undone, &look(project, &fixed)).map_err(|why| format!("after down, {why}"))?;
    if let Some(again) = again {
        let reached = reach(project, &fixed, &rewrite.parts).map_err(|why| format!("up again: {why}"))?;
        same(again, &reached).map_err(|why| format!("after down and up, {why}"))?;
    }
    Ok(())
}

/// Statement by statement: work on a table happens under no lock that others wait for, save where a finding says so; a lock that
/// others may wait for is waited for with a timeout; long work has none; no file leaves timeouts behind. The original must show
/// what the rewrite does not.
fn watch(project: &Project, base: &Database, original: &Original, rewrite: &Rewrite) -> Result<(), String> {
    let known: BTreeMap<PathBuf, BTreeSet<usize>> = rewrite.left.iter().fold(BTreeMap::new(), |mut known, finding| {
        known.entry(rewrite.tree.root.path().join(&finding.path)).or_default().insert(finding.statement);
        known
    });
    match stalls(project, base, &rewrite.parts, &known)? {
        wrong if !wrong.is_empty() => Err(wrong),
        _ if original.stalls.is_empty() => Err("nothing is wrong with the original".to_owned()),
        _ => Ok(()),
    }
}

fn stalls(
    project: &Project,
    base: &Database,
    migrations: &[Migration],
    known: &BTreeMap<PathBuf, BTreeSet<usize>>,
) -> Result<String, String> {
    let database = base.copy();
    let mut watched = Watched::new(&database);
    let mut wrong = String::new();
    for part in migrations {
        if tools::resets_session(project.tool()) {
            watched = Watched::new(&database);
        }
        let before = watched.timeouts();
        let excused = known.get(&part.path);
        for seen in watched.run(&part.up).map_err(|why| format!("watched: {}: {why}", part.path.display()))? {
            let mut complain = |what: &str| {
                let (lock, statement) = (seen.lock_timeout, seen.statement_timeout);
                wrong += &format!(
                    "{} statement {}: {what}\n  {}\n  work {:?}, locks {:?}, lock_timeout {lock}, statement_timeout {statement}\n",
                    part.path.file_name().unwrap().display(),
                    seen.index,
                    seen.sql.replace('\n', "\n  "),
                    seen.work,
                    seen.blocking
                );
            };
            let said = excused.is_some_and(|statements| statements.contains(&seen.index));
            if !seen.work.is_empty() && !seen.blocking.is_empty() && !said {
                complain("long work under a lock that others wait for");
            }
            // One finding stands for all statements of a file that lack a timeout.
            if seen.takes && seen.lock_timeout == 0 && excused.is_none() {
                complain("a lock is taken without lock_timeout");
            }
            let ours = ["CONCURRENTLY", "VALIDATE CONSTRAINT", "$safestep"].iter().any(|word| seen.sql.contains(word));
            if ours && !seen.work.is_empty() && seen.statement_timeout != 0 {
                complain("long work under a statement_timeout");
            }
        }
        if !tools::resets_session(project.tool()) && watched.timeouts() != before {
            wrong += &format!("{} leaves timeouts behind: {:?}\n", part.path.display(), watched.timeouts());
        }
    }
    Ok(wrong)
}

fn git(directory: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "core.autocrlf=false"];
    let status = Command::new("git").arg("-C").arg(directory).args(identity).args(arguments).status();
    assert!(status.unwrap().success(), "git {arguments:?}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}
