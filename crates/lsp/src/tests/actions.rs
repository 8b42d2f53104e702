//! Menus of code actions.

use expect_test::{Expect, expect};
use serde_json::json;

use super::Editor;

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
        2..3,
        expect![[r#"
            Fix missing-lock-timeout: set timeouts where they are missing
            Fix set-not-null-scan: split the migration into 3 files
            Allow missing-lock-timeout here
            Allow set-not-null-scan here
            Open the page of missing-lock-timeout
            Open the page of set-not-null-scan
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
