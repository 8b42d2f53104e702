//! What the user sets in the editor.

use serde_json::{Value, json};

use super::{Editor, INDEX};

#[tokio::test]
async fn folders_have_settings_of_their_own() {
    let mut editor = Editor::start(json!({ "workspace": { "configuration": true } })).await;
    editor.asked("workspace/configuration", json!([null, null])).await;
    let folder = json!({ "uri": editor.uri("two"), "name": "two" });
    editor.tell("workspace/didChangeWorkspaceFolders", json!({ "event": { "added": [folder], "removed": [] } })).await;
    let (all, none) = (json!({ "lintAllSqlFiles": true }), json!({ "lintAllSqlFiles": false }));
    let asked = editor.asked("workspace/configuration", json!([none, none, all])).await;
    let scopes: Vec<&Value> = asked["items"].as_array().expect("a list").iter().map(|it| &it["scopeUri"]).collect();
    let root = editor.uri("");
    assert_eq!(scopes, [&Value::Null, &json!(root.trim_end_matches('/')), &json!(editor.uri("two"))]);
    for (name, found) in [("one/a.sql", 0), ("two/a.sql", 1)] {
        editor.open(name, INDEX).await;
        editor.status(name, found).await;
    }
    // Changed in another one only.
    editor.tell("workspace/didChangeConfiguration", json!({ "settings": null })).await;
    editor.asked("workspace/configuration", json!([none, all, none])).await;
    editor.status("one/a.sql", 1).await;
    editor.status("two/a.sql", 0).await;
}

#[tokio::test]
async fn hints_and_lenses_are_asked_for_again_when_they_are_switched() {
    let refresh = json!({ "refreshSupport": true });
    let capabilities = json!({ "workspace": { "configuration": true, "inlayHint": refresh, "codeLens": refresh } });
    let mut editor = Editor::start(capabilities).await;
    editor.asked("workspace/configuration", json!([null, null])).await;
    let name = "migrations/a.sql";
    editor.open(name, INDEX).await;
    editor.diagnostics(name, 1).await;
    let document = json!({ "uri": editor.uri(name) });
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
    let hints = json!({ "textDocument": document, "range": range });
    assert_ne!(editor.ask("textDocument/inlayHint", hints.clone()).await, Value::Null);
    editor.tell("workspace/didChangeConfiguration", json!({ "settings": null })).await;
    let off = json!({ "inlayHints": { "enable": false }, "codeLens": { "enable": false } });
    editor.asked("workspace/configuration", json!([null, off])).await;
    editor.asked("workspace/inlayHint/refresh", Value::Null).await;
    editor.asked("workspace/codeLens/refresh", Value::Null).await;
    assert_eq!(editor.ask("textDocument/inlayHint", hints).await, Value::Null);
    assert_eq!(editor.ask("textDocument/codeLens", json!({ "textDocument": document })).await, Value::Null);
}

#[tokio::test]
async fn what_is_said_at_the_start_holds_where_nothing_is_said_later() {
    let options = json!({ "lintAllSqlFiles": true, "postgres": "16" });
    for options in [options.clone(), json!({ "safestep": options })] {
        let mut editor = Editor::start_with(json!({ "workspace": { "configuration": true } }), options).await;
        editor.asked("workspace/configuration", json!([null, { "postgres": "15" }])).await;
        editor.open("queries/a.sql", INDEX).await;
        while editor.status("queries/a.sql", 1).await["postgres"] != "15" {}
    }
    // A client that is not asked pushes.
    let mut editor = Editor::start_with(json!({}), json!({ "lintAllSqlFiles": true })).await;
    editor.tell("workspace/didChangeConfiguration", json!({ "settings": { "safestep": { "postgres": 17 } } })).await;
    editor.open("queries/a.sql", INDEX).await;
    while editor.status("queries/a.sql", 1).await["postgres"] != "17" {}
}
