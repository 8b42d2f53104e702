//! The plan of a migration, and what leads to it.

use expect_test::{Expect, expect};
use serde_json::json;

use super::Editor;

const HISTORY: &str = "-- +goose Up\nCREATE TABLE orders (id bigint PRIMARY KEY, b int);\n";
const NAME: &str = "db/20240102000000_b.sql";

/// The lens above a migration, and the plan.
async fn planned(text: &str, drawn: Expect) {
    let edit = json!({ "documentChanges": true, "resourceOperations": ["create"] });
    let mut editor = Editor::start(json!({ "workspace": { "workspaceEdit": edit } })).await;
    editor.write("db/20240101000000_a.sql", HISTORY);
    editor.open(NAME, text).await;
    let document = json!({ "textDocument": { "uri": editor.uri(NAME) } });
    let lenses = editor.ask("textDocument/codeLens", document.clone()).await;
    let lens = lenses[0]["command"]["title"].as_str().unwrap_or("no lens").to_owned();
    let plan = editor.ask("safestep/plan", document).await;
    drawn.assert_eq(&format!("{lens}\n\n{}", plan["markdown"].as_str().expect("Markdown")));
}

#[tokio::test]
async fn what_only_fails_has_no_plan() {
    planned(
        "-- +goose Up\nCREATE TABLE orders (id int);\n",
        expect![[r#"
            1 error: show the plan

            Nothing to rewrite.
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_stays_says_why() {
    planned(
        "-- +goose Up\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN b TYPE text;\n",
        expect![[r#"
            1 error: show the plan

            ## db/20240102000000_b.sql stays as it is

            - **kept** line 3: rows are not rewritten without this lock: another type needs a new column, a backfill and a deploy that uses it
        "#]],
    )
    .await;
}

#[tokio::test]
async fn timeouts_are_shown_where_they_come() {
    planned(
        "-- +goose Up\nALTER TABLE orders ADD COLUMN c int;\n-- Of last year.\nALTER TABLE orders ADD COLUMN d int;\n",
        expect![[r#"
            1 warning: show the plan

            ## db/20240102000000_b.sql becomes 1 part in 1 file

            ### 1. 20240102000000_b.sql, in a transaction

            - **before** ACCESS EXCLUSIVE on orders
            - **after** ACCESS EXCLUSIVE on orders

            ```sql
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN c int;
            -- Of last year.
            ALTER TABLE orders ADD COLUMN d int;
            ```
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_left_alone_says_why() {
    let mut editor = Editor::start(json!({})).await;
    editor.write("safestep.toml", "exclude = [\"migrations/a.sql\"]\n");
    let mut drawn = String::new();
    for name in ["queries/a.sql", "migrations/a.sql"] {
        editor.open(name, "DROP TABLE orders;\n").await;
        for method in ["safestep/plan", "safestep/explain"] {
            let page = editor.ask(method, json!({ "textDocument": { "uri": editor.uri(name) } })).await;
            drawn += &format!("{name}: {}\n", page["markdown"].as_str().expect("Markdown"));
        }
    }
    expect![[r#"
        queries/a.sql: This file is left alone: neither its name, its place nor its text is that of a migration.

        - If it is one, name its directory in `safestep.toml`, as in `dirs = ["db/changes"]`; where the tool that runs it cannot be found out either, `safestep.tool` names it.
        - With the setting `safestep.lintAllSqlFiles` it is looked at all the same.

        queries/a.sql: This file is left alone: neither its name, its place nor its text is that of a migration.

        - If it is one, name its directory in `safestep.toml`, as in `dirs = ["db/changes"]`; where the tool that runs it cannot be found out either, `safestep.tool` names it.
        - With the setting `safestep.lintAllSqlFiles` it is looked at all the same.

        migrations/a.sql: This file is left alone: it is excluded by safestep.toml.

        migrations/a.sql: This file is left alone: it is excluded by safestep.toml.

    "#]].assert_eq(&drawn);
}

#[tokio::test]
async fn settings_are_named_where_they_are_set() {
    let set = json!({ "tool": "unknown" });
    let mut editor = Editor::start_with(json!({}), set).await;
    editor.open("migrations/a.sql", "CREATE INDEX i ON orders (b);\n").await;
    assert_eq!(editor.status("migrations/a.sql", 1).await["because"], "the setting safestep.tool names it");
    let document = json!({ "textDocument": { "uri": editor.uri("migrations/a.sql") } });
    let page = editor.ask("safestep/plan", document).await["markdown"].clone();
    assert!(page.as_str().is_some_and(|it| it.contains("name it with the setting safestep.tool or in")), "{page}");
}
