//! Names, outlines, completion, pages of rules.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{Editor, INDEX, applied, changes, titled};

/// A history on the disk, whose last file is open.
async fn project(capabilities: Value, files: &[(&str, &str)]) -> (Editor, String) {
    let mut editor = Editor::start(capabilities).await;
    std::fs::create_dir(editor.directory.path().join("migrations")).expect("a directory");
    for (name, text) in files {
        std::fs::write(editor.directory.path().join(name), text).expect("written");
    }
    let (name, text) = files.last().expect("a file");
    editor.open(name, text).await;
    (editor, (*name).to_owned())
}

/// The place of `|` in a text, and the text without it, as an editor counts in UTF-16.
fn place(text: &str) -> (String, Value) {
    let (before, after) = text.split_once('|').expect("a place");
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let character = before[start..].encode_utf16().count();
    (format!("{before}{after}"), json!({ "line": line, "character": character }))
}

fn draw(editor: &Editor, locations: &Value) -> String {
    let root = editor.uri("");
    let mut drawn = String::new();
    for location in locations.as_array().expect("a list") {
        let uri = location["uri"].as_str().expect("a place").trim_start_matches(&root).to_owned();
        let (start, end) = (&location["range"]["start"], &location["range"]["end"]);
        assert_eq!(start["line"], end["line"]);
        drawn += &format!("{uri}:{}:{}-{}\n", start["line"], start["character"], end["character"]);
    }
    drawn
}

const FIRST: &str = "-- +goose Up\r\nCREATE TABLE orders (id bigint PRIMARY KEY, /* 😀 */ \"Bétrag 😀\" int);\r\n\
    CREATE TABLE users (id bigint PRIMARY KEY);\r\n-- +goose Down\r\nDROP TABLE users;\r\nDROP TABLE orders;\r\n";
const SECOND: &str = "-- +goose Up\nALTER TABLE orders RENAME TO purchases;\n\
    ALTER TABLE purchases RENAME COLUMN \"Bétrag 😀\" TO total;\n-- +goose Down\n\
    ALTER TABLE purchases RENAME COLUMN total TO \"Bétrag 😀\";\nALTER TABLE purchases RENAME TO orders;\n";

async fn follow(third: &str, definition: Expect, references: Expect) {
    let (third, position) = place(third);
    let (mut editor, name) = project(
        json!({}),
        &[
            ("migrations/20240101000000_a.sql", FIRST),
            ("migrations/20240102000000_b.sql", SECOND),
            ("migrations/20240103000000_c.sql", &third),
        ],
    )
    .await;
    let mut params = json!({ "textDocument": { "uri": editor.uri(&name) }, "position": position });
    let found = editor.ask("textDocument/definition", params.clone()).await;
    definition.assert_eq(&draw(&editor, &found));
    params["context"] = json!({ "includeDeclaration": true });
    let found = editor.ask("textDocument/references", params).await;
    references.assert_eq(&draw(&editor, &found));
}

#[tokio::test]
async fn a_column_is_followed_through_its_renames() {
    follow(
        "-- +goose Up\nUPDATE /* 😀 */ purchases SET tot|al = 0 WHERE users.total;\n-- +goose Down\n\
         ALTER TABLE purchases ALTER total DROP NOT NULL;\n",
        expect![[r#"
            migrations/20240101000000_a.sql:1:53-64
        "#]],
        expect![[r#"
            migrations/20240101000000_a.sql:1:53-64
            migrations/20240102000000_b.sql:2:36-47
            migrations/20240102000000_b.sql:2:51-56
            migrations/20240102000000_b.sql:4:36-41
            migrations/20240102000000_b.sql:4:45-56
            migrations/20240103000000_c.sql:1:30-35
            migrations/20240103000000_c.sql:3:28-33
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_table_is_found_beside_a_statement_that_does_not_parse() {
    follow(
        "-- +goose Up\nALTER TABLE purchases ADD COLUMN;\nALTER TABLE |purchases ADD x int REFERENCES users;\n",
        expect![[r#"
            migrations/20240101000000_a.sql:1:13-19
        "#]],
        expect![[r#"
            migrations/20240101000000_a.sql:1:13-19
            migrations/20240101000000_a.sql:5:11-17
            migrations/20240102000000_b.sql:1:12-18
            migrations/20240102000000_b.sql:1:29-38
            migrations/20240102000000_b.sql:2:12-21
            migrations/20240102000000_b.sql:4:12-21
            migrations/20240102000000_b.sql:5:12-21
            migrations/20240102000000_b.sql:5:32-38
            migrations/20240103000000_c.sql:2:12-21
        "#]],
    )
    .await;
}

#[tokio::test]
async fn names_in_the_document_are_marked() {
    let (mut editor, name) = project(json!({}), &[("migrations/20240101000000_a.sql", FIRST)]).await;
    let position = json!({ "line": 1, "character": 14 });
    let params = json!({ "textDocument": { "uri": editor.uri(&name) }, "position": position });
    let marked = editor.ask("textDocument/documentHighlight", params).await;
    let lines: Vec<&Value> =
        marked.as_array().expect("a list").iter().map(|it| &it["range"]["start"]["line"]).collect();
    assert_eq!(lines, [1, 5]);
}

#[tokio::test]
async fn symbols_are_nested_and_survive_broken_text() {
    let text = "-- +goose Up\nCREATE TABLE t (\n  id int,\n  CHECK (id > 0));\nALTER TABLE t ADD COLUMN;\n\
                -- +goose Down\nALTER TABLE t DROP COLUMN b, ALTER c SET NOT NULL;\n";
    let (mut editor, name) = project(json!({}), &[("migrations/20240101000000_a.sql", text)]).await;
    let document = json!({ "uri": editor.uri(&name) });
    let symbols = editor.ask("textDocument/documentSymbol", json!({ "textDocument": document })).await;
    fn draw(symbols: &Value, depth: usize, drawn: &mut String) {
        for symbol in symbols.as_array().into_iter().flatten() {
            let start = &symbol["selectionRange"]["start"];
            let name = symbol["name"].as_str().expect("a name");
            *drawn += &format!("{}{name} at {}:{}\n", "  ".repeat(depth), start["line"], start["character"]);
            draw(&symbol["children"], depth + 1, drawn);
        }
    }
    let mut drawn = String::new();
    draw(&symbols, 0, &mut drawn);
    expect![[r#"
        Up at 1:0
          CREATE TABLE t at 1:13
            id at 2:2
            CHECK (id > 0) at 3:2
          ALTER TABLE t ADD COLUMN at 4:0
        Down at 6:0
          ALTER TABLE t at 6:12
            DROP COLUMN b at 6:14
            ALTER c SET NOT NULL at 6:29
    "#]]
    .assert_eq(&drawn);
}

#[tokio::test]
async fn rules_are_offered_and_explained_where_they_are_named() {
    let (text, position) = place("-- safestep: allow(drop-col|)\nALTER TABLE t DROP COLUMN a;\n");
    let mut editor = Editor::start(json!({})).await;
    editor.open("migrations/a.sql", &text).await;
    editor.diagnostics("migrations/a.sql", 1).await;
    let params = json!({ "textDocument": { "uri": editor.uri("migrations/a.sql") }, "position": position });
    let offered = editor.ask("textDocument/completion", params.clone()).await;
    let offered = offered.as_array().expect("a list");
    let item = offered.iter().find(|item| item["label"] == "drop-column").expect("the rule");
    assert_eq!(applied(&text, &[item["textEdit"].clone()]), text.replace("drop-col)", "drop-column)"));
    // Found in this file, so it comes first.
    assert!(item["sortText"].as_str().is_some_and(|it| it.starts_with(' ')), "{item}");
    assert_eq!(editor.ask("textDocument/hover", params.clone()).await["contents"]["value"].as_str(), None);

    let text = text.replace("drop-col)", "drop-column)");
    editor.change("migrations/a.sql", 2, &text).await;
    let told = editor.ask("textDocument/hover", params).await;
    let told = told["contents"]["value"].as_str().expect("Markdown");
    assert!(told.starts_with("**drop-column** (warning, compatibility)"), "{told}");
    assert!(told.ends_with("rules.md#drop-column)") && !told.contains("```"), "{told}");

    let (text, position) = place("[session]\nlock_timeout = \"|\"\n");
    editor.open("safestep.toml", &text).await;
    let params = json!({ "textDocument": { "uri": editor.uri("safestep.toml") }, "position": position });
    let offered = editor.ask("textDocument/completion", params).await;
    assert!(offered.as_array().expect("a list").iter().any(|item| item["label"] == "external"), "{offered}");
}

#[tokio::test]
async fn an_allowance_asks_for_its_reason() {
    let mut editor = Editor::start(json!({})).await;
    editor.open("migrations/a.sql", INDEX).await;
    let said = editor.diagnostics("migrations/a.sql", 1).await;
    let actions = editor.actions("migrations/a.sql", &said[0]["range"], None).await;
    let uri = editor.uri("migrations/a.sql");
    let allowed = applied(INDEX, &changes(titled(&actions, "Allow blocking-index-creation here"), &uri));
    assert!(allowed.contains("-- safestep: allow(blocking-index-creation) because ...\n"), "{allowed}");
    assert!(actions.iter().all(|action| action["command"].is_null()), "nothing that the client cannot show");
}

#[tokio::test]
async fn the_page_of_a_rule_is_shown() {
    let mut editor = Editor::start(json!({ "window": { "showDocument": { "support": true } } })).await;
    editor.open("migrations/a.sql", INDEX).await;
    let said = editor.diagnostics("migrations/a.sql", 1).await;
    let actions = editor.actions("migrations/a.sql", &said[0]["range"], None).await;
    let command = &titled(&actions, "Open the page of blocking-index-creation")["command"];
    let params = json!({ "command": command["command"], "arguments": command["arguments"] });
    assert_eq!(editor.ask("workspace/executeCommand", params).await, Value::Null, "whatever the client answers");
    let asked = editor.asked("window/showDocument", json!({ "success": true })).await;
    assert!(asked["uri"].as_str().is_some_and(|it| it.ends_with("#blocking-index-creation")), "{asked}");
    let refused =
        editor.answer("workspace/executeCommand", json!({ "command": "safestep.openRule", "arguments": ["x"] }));
    assert!(refused.await["error"]["message"].is_string());
}

#[tokio::test]
async fn what_a_history_makes_is_found_by_name() {
    let third = "-- +goose Up\nCREATE INDEX purchases_total ON purchases (total);\nCREATE TYPE state AS ENUM ('new');\n\
        CREATE FUNCTION total() RETURNS int LANGUAGE sql RETURN 1;\nALTER TABLE purchases ADD CONSTRAINT paid CHECK (total > 0);\n\
        ALTER TABLE purchases ADD COLUMN q int NOT NULL UNIQUE;\nALTER TABLE purchases DROP CONSTRAINT purchases_q_key;\n";
    let (mut editor, _) = project(
        json!({}),
        &[
            ("migrations/20240101000000_a.sql", FIRST),
            ("migrations/20240102000000_b.sql", SECOND),
            ("migrations/20240103000000_c.sql", third),
        ],
    )
    .await;
    let mut drawn = String::new();
    for query in ["pur", "TOT", "state", "pd", "nothing"] {
        let found = editor.ask("workspace/symbol", json!({ "query": query })).await;
        for it in found.as_array().expect("a list") {
            let place = draw(&editor, &json!([it["location"]]));
            let owner = it["containerName"].as_str().map(|owner| format!(" of {owner}")).unwrap_or_default();
            drawn += &format!("{query}: {}{owner}, {} at {place}", it["name"].as_str().expect("a name"), it["kind"]);
        }
    }
    expect![[r#"
        pur: purchases, 23 at migrations/20240101000000_a.sql:1:13-19
        pur: purchases_total, 20 at migrations/20240103000000_c.sql:1:13-28
        pur: purchases_q_key of purchases, 7 at migrations/20240103000000_c.sql:5:48-54
        TOT: total of purchases, 8 at migrations/20240101000000_a.sql:1:53-64
        TOT: purchases_total, 20 at migrations/20240103000000_c.sql:1:13-28
        TOT: total, 12 at migrations/20240103000000_c.sql:3:16-21
        state: state, 10 at migrations/20240103000000_c.sql:2:12-17
        pd: paid of purchases, 7 at migrations/20240103000000_c.sql:4:37-41
    "#]]
    .assert_eq(&drawn);
}

#[tokio::test]
async fn of_equal_locks_a_hint_names_the_table_that_is_altered() {
    let first = "-- +goose Up\nCREATE TABLE a (id bigint PRIMARY KEY);\nCREATE TABLE z (id bigint PRIMARY KEY);\n\
        CREATE TABLE m (id bigint PRIMARY KEY, a bigint REFERENCES a, z bigint REFERENCES z);\n";
    let second = "-- +goose Up\nALTER TABLE m ADD FOREIGN KEY (id) REFERENCES a;\nALTER TABLE m ADD FOREIGN KEY (id) REFERENCES z;\n\
        ALTER TABLE m DROP CONSTRAINT m_a_fkey;\nALTER TABLE m DROP CONSTRAINT m_z_fkey;\n";
    let files = [("migrations/20240101000000_a.sql", first), ("migrations/20240102000000_b.sql", second)];
    let (mut editor, name) = project(json!({}), &files).await;
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
    let params = json!({ "textDocument": { "uri": editor.uri(&name) }, "range": range });
    let hints = editor.ask("textDocument/inlayHint", params).await;
    let drawn: Vec<&str> = hints.as_array().expect("a list").iter().filter_map(|it| it["label"].as_str()).collect();
    expect![[r#"
        SHARE ROW EXCLUSIVE, reads all of m
        SHARE ROW EXCLUSIVE, reads all of m
        ACCESS EXCLUSIVE on m
        ACCESS EXCLUSIVE on m"#]]
    .assert_eq(&drawn.join("\n"));
}
