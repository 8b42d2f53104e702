//! Menus of code actions.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{Editor, applied, changes, titled};

const HISTORY: &str = "-- +goose Up\nCREATE TABLE orders (id bigint PRIMARY KEY, b int, c int);\n";
const NAME: &str = "db/20240102000000_b.sql";

/// The titles that are offered for some lines of a migration for goose.
async fn menu(text: &str, lines: std::ops::Range<u32>, menu: Expect) {
    let edit = json!({ "documentChanges": true, "resourceOperations": ["create", "rename", "delete"] });
    let shows = json!({ "showDocument": { "support": true } });
    let mut editor = Editor::start(json!({ "workspace": { "workspaceEdit": edit }, "window": shows })).await;
    editor.write("db/20240101000000_a.sql", HISTORY);
    editor.open(NAME, text).await;
    let place = |line: u32| json!({ "line": line, "character": 0 });
    let range = json!({ "start": place(lines.start), "end": place(lines.end) });
    let actions = editor.actions(NAME, &range, None).await;
    let titles = actions.iter().filter_map(|action| action["title"].as_str()).map(|title| format!("{title}\n"));
    menu.assert_eq(&titles.collect::<String>());
}

#[tokio::test]
async fn what_one_rewrite_treats_is_offered_once() {
    menu(
        "-- +goose NO TRANSACTION\n-- +goose Up\nALTER TABLE orders ALTER COLUMN b SET NOT NULL, ADD x int;\nALTER TABLE orders ADD y int;\n",
        2..2,
        expect![[r#"
            Fix missing-lock-timeout: set timeouts where they are missing
            Fix set-not-null-scan: split the migration into 3 files
            Allow missing-lock-timeout here
            Allow set-not-null-scan here
            Open the page of missing-lock-timeout
            Open the page of set-not-null-scan
            Fix what is safe without a split
            Split this migration into safe steps
        "#]],
    )
    .await;
}

#[tokio::test]
async fn several_lines_are_told_apart() {
    menu(
        "-- +goose Up\nCREATE INDEX i ON orders (b);\nCREATE INDEX j ON orders (c);\n\
         CREATE INDEX k ON orders (b); CREATE INDEX l ON orders (c);\n",
        1..4,
        expect![[r#"
            Fix blocking-index-creation in line 2: split the migration into 2 files
            Fix blocking-index-creation in line 3: split the migration into 2 files
            Fix blocking-index-creation in line 4: split the migration into 2 files
            Fix all 4 of blocking-index-creation: split the migration into 4 files
            Allow blocking-index-creation in line 2
            Allow blocking-index-creation in line 3
            Allow blocking-index-creation in line 4
            Open the page of blocking-index-creation
            Split this migration into safe steps
        "#]],
    )
    .await;
}

const PARTS: &str = "-- +goose Up\nCREATE INDEX i ON orders (b);\nALTER TABLE orders ALTER COLUMN c SET NOT NULL;\n";

/// The split that a client is offered which creates no files, and what it is told instead.
async fn splits(name: &str, text: &str, disabled: bool, history: &[(&str, &str)]) -> (Vec<Value>, Editor) {
    let action = json!({ "disabledSupport": disabled });
    let mut editor = Editor::start(json!({ "textDocument": { "codeAction": action } })).await;
    for (name, text) in history {
        editor.write(name, text);
    }
    editor.open(name, text).await;
    let place = json!({ "line": 1, "character": 0 });
    let context = json!({ "diagnostics": [], "only": ["refactor.rewrite"], "triggerKind": 1 });
    let document = json!({ "uri": editor.uri(name) });
    let range = json!({ "start": place, "end": place });
    let params = json!({ "textDocument": document, "range": range, "context": context });
    let actions = editor.ask("textDocument/codeAction", params).await;
    (actions.as_array().expect("a list").clone(), editor)
}

#[tokio::test]
async fn a_client_that_creates_no_files_gets_blocks_in_one() {
    let (actions, editor) = splits(NAME, PARTS, true, &[("db/20240101000000_a.sql", HISTORY)]).await;
    let split = titled(&actions, "Split this migration into safe steps");
    let text = applied(PARTS, &changes(split, &editor.uri(NAME)));
    expect![[r#"
        -- +goose NO TRANSACTION
        -- Split into 4 blocks by safestep, which commit one by one. After a failure take out those that ran, then `goose up`.
        -- +goose Up
        -- Block 1 of 4. Locks: SHARE UPDATE EXCLUSIVE on orders while an index is built (blocks neither reads nor writes).
        -- If it is interrupted: DROP INDEX CONCURRENTLY i; then `goose up`.
        SET lock_timeout = 0;
        SET statement_timeout = 0;
        CREATE INDEX CONCURRENTLY i ON orders (b);
        RESET lock_timeout;
        RESET statement_timeout;

        -- Block 2 of 4. Locks: ACCESS EXCLUSIVE on orders for an instant (blocks reads and writes).
        BEGIN;
        SET LOCAL lock_timeout = '2s';
        SET LOCAL statement_timeout = '30s';
        -- +goose StatementBegin
        DO $safestep$
        BEGIN
          IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('i') AND indisvalid) THEN
            RAISE EXCEPTION USING MESSAGE = 'index i is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY IF EXISTS i; then build it again.';
          END IF;
        END
        $safestep$;
        -- +goose StatementEnd
        ALTER TABLE orders ADD CONSTRAINT orders_c_not_null_proof CHECK (c IS NOT NULL) NOT VALID;
        COMMIT;

        -- Block 3 of 4. Locks: SHARE UPDATE EXCLUSIVE on orders while the table is read (blocks neither reads nor writes).
        -- If it fails because of rows without c, nothing has changed: correct them, then `goose up`.
        BEGIN;
        SET LOCAL statement_timeout = 0;
        ALTER TABLE orders VALIDATE CONSTRAINT orders_c_not_null_proof;
        COMMIT;

        -- Block 4 of 4. Locks: ACCESS EXCLUSIVE on orders for an instant (blocks reads and writes).
        BEGIN;
        SET LOCAL lock_timeout = '2s';
        SET LOCAL statement_timeout = '30s';
        ALTER TABLE orders ALTER COLUMN c SET NOT NULL;
        ALTER TABLE orders DROP CONSTRAINT orders_c_not_null_proof;
        COMMIT;
    "#]].assert_eq(&text);
}

#[tokio::test]
async fn a_client_that_creates_no_files_is_told_where_they_are_needed() {
    let (name, text) = ("migrations/20240102000000_b.sql", PARTS.replace("-- +goose Up\n", "\n"));
    let history = [
        ("migrations/20240101000000_a.sql", HISTORY.strip_prefix("-- +goose Up\n").expect("a mark")),
        ("Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n"),
    ];
    let (actions, _) = splits(name, &text, true, &history).await;
    let reason = expect!["sqlx sends each file as one message, so the steps need files of their own"];
    reason.assert_eq(actions[0]["disabled"]["reason"].as_str().unwrap_or_default());
    // Who cannot show it gets a message.
    let (actions, mut editor) = splits(name, &text, false, &history).await;
    assert_eq!(actions, Vec::<Value>::new());
    let told = editor.asked("window/showMessage", Value::Null).await;
    assert!(told["message"].as_str().is_some_and(|it| it.contains("files of their own")), "{told}");
}

#[tokio::test]
async fn a_selection_that_holds_nothing_stands_for_its_lines() {
    let text = "-- +goose Up\n/* selected */ CREATE INDEX i ON orders (b);\nCREATE INDEX j ON orders (c);\n";
    let mut editor = Editor::start(json!({})).await;
    editor.write("db/20240101000000_a.sql", HISTORY);
    editor.open(NAME, text).await;
    let place = |character: u32| json!({ "line": 1, "character": character });
    for (range, expected) in [((3, 11), 1), ((3, 20), 1), ((15, 15), 1)] {
        let range = json!({ "start": place(range.0), "end": place(range.1) });
        let actions = editor.actions(NAME, &range, Some("quickfix")).await;
        let allowed = actions.iter().filter(|it| it["title"] == "Allow blocking-index-creation here").count();
        assert_eq!(allowed, expected, "{range} {actions:?}");
    }
}

const FILLS: &str = "-- +goose Up\nALTER TABLE orders ADD COLUMN slug uuid NOT NULL DEFAULT gen_random_uuid();\n";

#[tokio::test]
async fn conditions_are_read_before_a_fix_is_made() {
    let edit = json!({ "documentChanges": true, "resourceOperations": ["create"], "changeAnnotationSupport": {} });
    let mut editor = Editor::start(json!({ "workspace": { "workspaceEdit": edit } })).await;
    editor.write("db/20240101000000_a.sql", HISTORY);
    editor.open(NAME, FILLS).await;
    let place = json!({ "line": 1, "character": 0 });
    let actions = editor.actions(NAME, &json!({ "start": place, "end": place }), Some("quickfix")).await;
    let fix = actions.iter().find(|it| it["title"].as_str().is_some_and(|it| it.contains("(unsafe)"))).expect("a fix");
    let annotation = &fix["edit"]["changeAnnotations"]["safestep"];
    assert_eq!(annotation["needsConfirmation"], true);
    let drawn = format!("{}\n{}\n{}\n", fix["title"], annotation["label"], annotation["description"]);
    expect![[r#"
        "Fix add-column-rewrite: split the migration into 5 files (unsafe)"
        "Fix add-column-rewrite: split the migration into 5 files (unsafe)"
        "Provided: The rows of orders get their values of slug batch by batch in the order of the primary key, and until then are NULL."
    "#]].assert_eq(&drawn);
}

fn git(editor: &Editor, arguments: &[&str]) {
    let mut git = std::process::Command::new("git");
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    let run = git.current_dir(editor.directory.path()).args(who).args(arguments).output().expect("git runs");
    assert!(run.status.success(), "{run:?}");
}

/// A migration for Flyway in a repository, and the titles of what is offered for it.
async fn in_repository(prepare: impl Fn(&Editor), drawn: Expect) -> Editor {
    let edit = json!({ "documentChanges": true, "resourceOperations": ["create"] });
    let mut editor = Editor::start(json!({ "workspace": { "workspaceEdit": edit } })).await;
    editor.write("flyway.conf", "");
    editor.write("sql/V1__a.sql", &HISTORY.replace("-- +goose Up\n", ""));
    editor.write("sql/V2__b.sql", "CREATE INDEX i ON orders (b);\n");
    git(&editor, &["init", "-q"]);
    prepare(&editor);
    editor.open("sql/V2__b.sql", "CREATE INDEX i ON orders (b);\n").await;
    let place = json!({ "line": 0, "character": 0 });
    let actions = editor.actions("sql/V2__b.sql", &json!({ "start": place, "end": place }), None).await;
    let titles = actions.iter().filter_map(|action| action["title"].as_str()).map(|title| format!("{title}\n"));
    drawn.assert_eq(&titles.collect::<String>());
    editor
}

#[tokio::test]
async fn an_applied_file_is_left_as_it_is() {
    let commit = |editor: &Editor| {
        git(editor, &["checkout", "-q", "--orphan", "main"]);
        git(editor, &["add", "."]);
        git(editor, &["commit", "-q", "-m", "a"]);
    };
    let mut editor = in_repository(commit, expect![[r#"
        Allow blocking-index-creation here (Flyway keeps a checksum of this applied file; safestep.toml can allow it instead)
    "#]]).await;
    let document = json!({ "textDocument": { "uri": editor.uri("sql/V2__b.sql") } });
    let plan = editor.ask("safestep/plan", document).await["markdown"].clone();
    assert!(plan.as_str().is_some_and(|it| it.starts_with("The migration is already applied, so nothing")), "{plan}");
}

#[tokio::test]
async fn where_git_cannot_tell_what_is_applied_it_is_said() {
    let apart = |editor: &Editor| {
        for branch in ["main", "other"] {
            git(editor, &["checkout", "-q", "--orphan", branch]);
            git(editor, &["add", "."]);
            git(editor, &["commit", "-q", "-m", branch]);
        }
    };
    in_repository(
        apart,
        expect![[r#"
            Fix blocking-index-creation: rewrite the migration (if it is not applied yet)
            Allow blocking-index-creation here (if it is not applied yet)
            Fix all that is safe (if it is not applied yet)
        "#]],
    )
    .await;
}

#[tokio::test]
async fn of_many_findings_whole_rules_are_offered() {
    let indexes: String = (0..20).map(|at| format!("CREATE INDEX i{at} ON orders (b);\n")).collect();
    menu(
        &format!("-- +goose Up\n{indexes}"),
        1..20,
        expect![[r#"
        Fix all 20 of blocking-index-creation: split the migration into 20 files
        Split this migration into safe steps
    "#]],
    )
    .await;
}
