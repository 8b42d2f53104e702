//! The language server as editors drive it, over its standard streams: storms of edits, requests taken back, requests that
//! are wrong, large files, odd characters.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use safestep_tests::editor::Editor;
use safestep_tests::generated;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_safestep-under-test");
const NAME: &str = "migrations/00002_b.sql";

fn project() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("migrations")).unwrap();
    let first = "-- +goose Up\nCREATE TABLE orders (id bigint PRIMARY KEY, b int);\n";
    std::fs::write(directory.path().join("migrations/00001_a.sql"), first).unwrap();
    directory
}

fn start(directory: &tempfile::TempDir) -> Editor {
    Editor::start(Path::new(PROGRAM), directory.path())
}

fn codes(diagnostics: &[Value]) -> Vec<String> {
    diagnostics.iter().map(|it| format!("{}:{}", it["code"].as_str().unwrap(), it["range"]["start"]["line"])).collect()
}

#[test]
fn a_storm_of_edits_ends_where_it_ends() {
    let directory = project();
    let mut editor = start(&directory);
    editor.open(NAME, "-- +goose Up\n");
    let statement = "CREATE INDEX orders_b ON orders (b);\n";
    let mut asked = Vec::new();
    let mut version = 1;
    for round in 0..20 {
        for (column, letter) in statement.chars().enumerate() {
            version += 1;
            editor.edit(NAME, version, [1, column, 1, column], &letter.to_string());
            if version % 7 == 0 {
                let place =
                    json!({ "textDocument": { "uri": editor.uri(NAME) }, "position": { "line": 1, "character": 3 } });
                asked.push(editor.request("textDocument/hover", place));
            }
        }
        if round < 19 {
            version += 1;
            editor.edit(NAME, version, [1, 0, 2, 0], "");
        }
    }
    assert_eq!(codes(&editor.diagnostics(NAME)), ["blocking-index-creation:1"]);
    for id in asked {
        let answer = editor.answer(id);
        assert!(answer.get("error").is_none(), "{answer}");
    }
    assert_eq!(editor.stop(), Some(0));
}

#[test]
fn requests_are_taken_back() {
    let directory = project();
    let mut editor = start(&directory);
    let index = "CREATE INDEX orders_b ON orders (b);\n";
    editor.open(NAME, &format!("-- +goose Up\n{}{index}", generated::large(1 << 20)));
    let document = json!({ "uri": editor.uri(NAME) });
    let slow = editor.request("textDocument/diagnostic", json!({ "textDocument": document }));
    editor.tell("$/cancelRequest", json!({ "id": slow }));
    editor.tell("$/cancelRequest", json!({ "id": 99999 }));
    assert_eq!(editor.answer(slow)["error"]["code"], -32800);
    // The next one is answered all the same.
    assert!(!editor.diagnostics(NAME).is_empty());
    assert_eq!(editor.stop(), Some(0));
}

#[test]
fn wrong_requests_are_refused_and_the_server_goes_on() {
    let directory = project();
    let mut editor = Editor::silent(Path::new(PROGRAM), directory.path());
    let early = editor.request("textDocument/hover", json!({}));
    assert_eq!(editor.answer(early)["error"]["code"], -32002, "not initialized");
    editor.ask("initialize", json!({ "processId": null, "capabilities": {}, "workspaceFolders": null }));
    editor.tell("initialized", json!({}));
    for (method, params, code) in [
        ("textDocument/nonsense", json!({}), -32601),
        ("safestep/nonsense", json!([1, 2]), -32601),
        ("textDocument/hover", json!({ "position": "here" }), -32602),
        ("safestep/plan", json!({ "textDocument": {} }), -32602),
        ("workspace/executeCommand", json!({ "command": "rm", "arguments": [] }), -32602),
        ("initialize", json!({ "processId": null, "capabilities": {} }), -32600),
    ] {
        let id = editor.request(method, params);
        assert_eq!(editor.answer(id)["error"]["code"], code, "{method}");
    }
    editor.tell("textDocument/nonsense", json!({}));
    editor.tell("textDocument/didChange", json!({ "textDocument": 7 }));
    editor.open(NAME, "-- +goose Up\nDROP TABLE orders;\n");
    let document = json!({ "uri": editor.uri(NAME) });
    let place = json!({ "textDocument": document, "position": { "line": 1, "character": 99999 } });
    assert_ne!(editor.ask("textDocument/hover", place), Value::Null);
    for place in [json!({ "line": 77, "character": 0 }), json!({ "line": 0, "character": 0 })] {
        editor.ask("textDocument/hover", json!({ "textDocument": document, "position": place }));
    }
    assert_eq!(editor.stop(), Some(0));
}

#[test]
fn a_long_reading_is_shown_and_requests_wait_for_it_or_are_taken_back() {
    let directory = project();
    let large = format!("-- +goose Up\n{}", generated::large(4 << 20));
    std::fs::write(directory.path().join("migrations/00003_large.sql"), large).unwrap();
    let mut editor = Editor::silent(Path::new(PROGRAM), directory.path());
    let capabilities = json!({ "textDocument": { "diagnostic": {} }, "window": { "workDoneProgress": true } });
    editor.ask("initialize", json!({ "processId": null, "capabilities": capabilities }));
    editor.tell("initialized", json!({}));
    editor.open(NAME, "-- +goose Up\nCREATE INDEX orders_b ON orders (b);\n");
    let document = json!({ "textDocument": { "uri": editor.uri(NAME) } });
    let [kept, taken] = ["a", "b"].map(|_| editor.request("textDocument/diagnostic", document.clone()));
    let asked = loop {
        let message = editor.heard();
        if message["method"] == "window/workDoneProgress/create" {
            break message;
        }
    };
    let token = asked["params"]["token"].clone();
    editor.tell("$/cancelRequest", json!({ "id": taken }));
    assert_eq!(editor.answer(taken)["error"]["code"], -32800, "while it is read");
    editor.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": null }));
    let mut shown = Vec::new();
    let mut codes = Vec::new();
    while shown.last().is_none_or(|kind| kind != "end") || codes.is_empty() {
        let message = editor.heard();
        if message["id"] == kept {
            codes = self::codes(message["result"]["items"].as_array().unwrap());
        } else if message["method"] == "$/progress" {
            assert_eq!(message["params"]["token"], token);
            shown.push(message["params"]["value"]["kind"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(
        (shown, codes),
        (vec!["begin".to_owned(), "end".to_owned()], vec!["blocking-index-creation:1".to_owned()])
    );
    assert_eq!(editor.stop(), Some(0));
}

/// The framework reads nothing behind what it could not read.
#[test]
fn what_is_no_message_is_answered_and_the_next_one_is_taken() {
    let directory = project();
    let mut editor = start(&directory);
    editor.send_raw(b"Content-Length: 9\r\n\r\n{\"id\": 7,");
    let answer = loop {
        let message = editor.heard();
        if message.get("error").is_some() {
            break message;
        }
    };
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32700), &Value::Null));
    editor.open(NAME, "-- +goose Up\nCREATE INDEX i ON orders (b); -- 😀\n");
    // Half of the emoji goes.
    let uri = editor.uri(NAME);
    let change = format!(
        r#"{{"jsonrpc":"2.0","method":"textDocument/didChange","params":{{"textDocument":{{"uri":"{uri}","version":2}},"contentChanges":[{{"range":{{"start":{{"line":1,"character":33}},"end":{{"line":1,"character":35}}}},"text":"\\ud83d"}}]}}}}"#
    );
    editor.send_raw(format!("content-length: {}\r\n\r\n{change}", change.len()).as_bytes());
    assert_eq!(codes(&editor.diagnostics(NAME)), ["blocking-index-creation:1"]);
    assert_eq!(editor.stop(), Some(0));
}

#[test]
fn letters_and_line_ends_of_all_kinds_keep_their_places() {
    let directory = project();
    let mut editor = start(&directory);
    let text = "\u{feff}-- +goose Up\r\n-- 😀 é ß 漢字\r\nCOMMENT ON TABLE orders IS '😀😀'; CREATE INDEX \"ü😀\" ON orders (b);\r\n";
    editor.open(NAME, text);
    let said = editor.diagnostics(NAME);
    let index = said.iter().find(|it| it["code"] == "blocking-index-creation").unwrap();
    // Columns are UTF-16 code units: each emoji is two.
    let column = "COMMENT ON TABLE orders IS '😀😀'; ".encode_utf16().count();
    assert_eq!(index["range"]["start"], json!({ "line": 2, "character": column }));
    // An emoji before it goes, and with it two units.
    editor.edit(NAME, 2, [2, 28, 2, 30], "");
    let said = editor.diagnostics(NAME);
    let index = said.iter().find(|it| it["code"] == "blocking-index-creation").unwrap();
    assert_eq!(index["range"]["start"], json!({ "line": 2, "character": column - 2 }));
    assert_eq!(editor.stop(), Some(0));
}

#[test]
fn a_large_migration_is_edited_at_both_ends() {
    let directory = project();
    let mut editor = start(&directory);
    let text = format!("-- +goose Up\n{}", generated::large(1 << 20));
    let lines = text.lines().count();
    editor.open(NAME, &text);
    let before = editor.diagnostics(NAME).len();
    editor.edit(NAME, 2, [lines, 0, lines, 0], "CREATE INDEX orders_b ON orders (b);\n");
    assert_eq!(editor.diagnostics(NAME).len(), before + 1);
    editor.edit(NAME, 3, [1, 0, 1, 0], "CREATE INDEX orders_b2 ON orders (b);\n");
    let said = editor.diagnostics(NAME);
    assert_eq!(said.len(), before + 2, "{:?}", codes(&said));
    assert_eq!(editor.stop(), Some(0));
}

#[test]
fn it_ends_with_its_input_and_complains_without_a_goodbye() {
    let directory = project();
    let mut editor = start(&directory);
    editor.open(NAME, "-- +goose Up\n");
    editor.send(&json!({ "jsonrpc": "2.0", "method": "exit" }));
    assert_eq!(editor.server.wait().unwrap().code(), Some(1));
}

/// A client that never answers cannot keep the server; neither can one that died while its child holds the pipe.
#[test]
fn it_ends_though_its_questions_are_not_answered() {
    let directory = project();
    let mut alive = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    for end in ["exit", "input", "process"] {
        let mut editor = Editor::silent(Path::new(PROGRAM), directory.path());
        let watched = json!({ "dynamicRegistration": true });
        let workspace = json!({ "configuration": true, "didChangeWatchedFiles": watched });
        let window = json!({ "showDocument": { "support": true } });
        let capabilities = json!({ "workspace": workspace, "window": window });
        editor.ask("initialize", json!({ "processId": alive.id(), "capabilities": capabilities }));
        editor.tell("initialized", json!({}));
        editor.ask("workspace/executeCommand", json!({ "command": "safestep.openRule", "arguments": ["drop-table"] }));
        let code = match end {
            "exit" => editor.stop(),
            "input" => {
                editor.end_input();
                editor.server.wait().unwrap().code()
            }
            _ => {
                alive.kill().unwrap();
                alive.wait().unwrap();
                editor.server.wait().unwrap().code()
            }
        };
        assert_eq!(code, Some(i32::from(end != "exit")), "{end}");
    }
}
