//! Which files are migrations, of which tool, and in which order.

use expect_test::expect;

use super::*;
use crate::testing::{draw, memory};

#[test]
fn every_example_project_is_recognised_and_read_without_a_problem() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/projects");
    let files = Files::disk(&root);
    let mut drawn = String::new();
    for directory in files.list(&root).1 {
        let files = Files::disk(&directory);
        let project = load(&files, &Request::default()).expect("readable");
        for history in &project.histories {
            let problems: usize = history.migrations.iter().map(|migration| migration.problems.len()).sum();
            drawn.push_str(&format!(
                "{} in {}: {} migrations, {problems} problems; {}\n",
                history.tool.name,
                files.display(&history.root),
                history.migrations.len(),
                history.because
            ));
        }
        drawn.extend(project.skipped.iter().map(|skipped| format!("  skipped {}\n", files.display(&skipped.path))));
    }
    expect![[r#"
            dbmate in db/migrations: 12 migrations, 0 problems; its own text says so
            diesel in migrations: 12 migrations, 0 problems; diesel.toml is there
            flyway in src/main/resources/db/migration: 13 migrations, 0 problems; src/main/resources/application.yml names flyway
            golang-migrate in migrations: 12 migrations, 0 problems; go.mod names github.com/golang-migrate/migrate
            goose in db/migrations: 12 migrations, 0 problems; its own text says so
            plain in migrations: 12 migrations, 0 problems; nothing points at a tool
            prisma in prisma/migrations: 12 migrations, 0 problems; prisma/migrations/migration_lock.toml is there
            sqlx in migrations: 12 migrations, 0 problems; the files beside it say so
        "#]].assert_eq(&drawn);
}

#[test]
fn any_beginning_of_any_file_is_read_and_its_units_divide_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/projects");
    let files = Files::disk(&root);
    let request = Request { paths: &[root], ..Request::default() };
    let project = load(&files, &request).expect("readable");
    for (history, migration) in project.histories.iter().flat_map(|it| it.migrations.iter().map(move |m| (it, m))) {
        let place = (history.tool.place)(&migration.path, &history.settings).expect("placed");
        let text = migration.text.replace('\n', "\r\n").replace(' ', "\u{a0}");
        for end in (0..text.len()).step_by(7).filter(|end| text.is_char_boundary(*end)) {
            for tool in tools::ALL {
                let source =
                    Source { path: &migration.path, text: &text[..end].into(), place: &place, companions: &[] };
                let reading = (tool.read)(&source, &history.settings);
                let mut position = 0;
                for unit in &reading.units {
                    assert_eq!(unit.span.start, position, "{} of {end} bytes", migration.path.display());
                    assert_eq!(unit.options.range, Some(unit.span));
                    assert!(unit.marks.iter().all(|mark| unit.span.contains(*mark)));
                    position = unit.span.end;
                }
                assert_eq!(position as usize, end);
            }
        }
    }
}

#[test]
fn the_configuration_chooses_files_tools_and_transactions() {
    let files = memory(&[
        (
            "safestep.toml",
            "dirs = [\"db\"]\nexclude = [\"db/old\"]\n[[override]]\nfiles = [\"db/by_hand\"]\ntool = \"plain\"\n\
                 transaction = \"file\"\n",
        ),
        ("db/1_a.sql", "-- +goose Up\nSELECT 1;\n"),
        ("db/old/1_b.sql", "-- +goose Up\n"),
        ("db/by_hand/x.sql", "SELECT 1;\n"),
        ("elsewhere/migrations/1_c.sql", "-- +goose Up\n"),
        ("db/mysql/1_d.sql", "-- +goose Up\n"),
    ]);
    expect![[r#"
            goose in db, its own text says so
              1_a.sql [1] a
                up, transaction
                  "SELECT 1;"
            plain in db/by_hand, safestep.toml names it
              x.sql Text("x") x
                up, transaction, each statement
            skipped db/mysql/1_d.sql: is for mysql, by its name
        "#]]
    .assert_eq(&draw(&files, &[]));
    expect![[r#"
            goose in elsewhere/migrations, its own text says so
              1_c.sql [1] c
                up, transaction
            skipped db/old/1_b.sql: is excluded by safestep.toml
        "#]]
    .assert_eq(&draw(&files, &["db/old/1_b.sql", "elsewhere/migrations/1_c.sql"]));
    expect![[r#"
            error: /work/nowhere: no such file or directory
        "#]]
    .assert_eq(&draw(&files, &["nowhere"]));
    let request = Request { tool: tools::named("sqlx"), ..Request::default() };
    let project = load(&files, &request).expect("readable");
    expect![[r#"
            sqlx in db, --tool names it
              1_a.sql [1] a
                up, transaction, whole
            skipped db/mysql/1_d.sql: is for mysql, by its name
        "#]]
    .assert_eq(&crate::testing::draw_project(&files, &project));
}

#[test]
fn a_configured_tool_needs_no_directory_of_a_certain_name() {
    let configured = [("safestep.toml", "tool = \"plain\"\n"), ("db/1_a.sql", "SELECT 1;\n")];
    expect![[r#"
            plain in db, safestep.toml names it
              1_a.sql Text("1_a") a
                up, no transaction, each statement
        "#]]
    .assert_eq(&draw(&memory(&configured), &[]));
    expect![[""]].assert_eq(&draw(&memory(&configured[1..]), &[]));
}

#[test]
fn a_named_tool_takes_the_whole_directory_whatever_unknown_tool_wrote_it() {
    let files =
        memory(&[("m/0001_a.sql", "SELECT 1;--> statement-breakpoint\nSELECT 2;\n"), ("m/0002_b.sql", "SELECT 1;\n")]);
    let paths = [PathBuf::from("m/0002_b.sql")];
    let request = Request { paths: &paths, tool: tools::named("plain"), ..Request::default() };
    let project = load(&files, &request).expect("readable");
    expect![[r#"
            plain in m, --tool names it
              0001_a.sql Text("0001_a") a
                up, no transaction, each statement
              0002_b.sql Text("0002_b") b
                up, no transaction, each statement
        "#]]
    .assert_eq(&crate::testing::draw_project(&files, &project));
}

#[test]
fn pending_is_what_the_main_branch_does_not_have() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@t"];
        let done = std::process::Command::new("git").arg("-C").arg(root.path()).args(identity).args(arguments).status();
        assert!(done.expect("git runs").success());
    };
    let write = |name: &str| std::fs::write(root.path().join(name), "-- +goose Up\n").expect("written");
    git(&["init", "-q", "-b", "main"]);
    std::fs::create_dir(root.path().join("m")).expect("made");
    write("m/1_a.sql");
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "x"]);
    write("m/2_b.sql");
    let mut files = Files::disk(root.path());
    files.put(Path::new("m/3_unsaved.sql"), Some("-- +goose Up\n".into()));
    let project = load(&files, &Request::default()).expect("readable");
    let drawn: Vec<_> =
        project.histories[0].migrations.iter().map(|it| (it.name.as_str(), it.pending, it.named)).collect();
    assert_eq!(drawn, [("a", Some(false), false), ("b", Some(true), false), ("unsaved", Some(true), false)]);
    let named = [PathBuf::from("m/1_a.sql")];
    let project = load(&files, &Request { paths: &named, ..Request::default() }).expect("readable");
    assert!(project.histories[0].migrations[0].named && !project.histories[0].migrations[1].named);
    assert!(project.notes.is_empty());
}
