//! A small editor talks to the server through a pipe.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::{Date, Engine, Files};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};

use crate::{CONCURRENCY, Shared, service};

mod actions;
mod language;
mod plan;
mod settings;

struct Editor {
    input: DuplexStream,
    output: BufReader<DuplexStream>,
    /// Came while an answer was waited for.
    inbox: VecDeque<Value>,
    id: u32,
    directory: tempfile::TempDir,
    serving: tokio::task::JoinHandle<()>,
    shared: Arc<Shared>,
    /// Of the server.
    capabilities: Value,
}

impl Editor {
    async fn start(capabilities: Value) -> Self {
        Self::start_with(capabilities, Value::Null).await
    }

    async fn start_with(capabilities: Value, options: Value) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let engine = Engine::new(Files::disk(directory.path())).expect("threads");
        let shared = Arc::new(Shared::new(engine, || Date { year: 2026, month: 1, day: 1 }));
        let (input, server_input) = tokio::io::duplex(1 << 16);
        let (server_output, output) = tokio::io::duplex(1 << 20);
        let served = Arc::clone(&shared);
        let serving = tokio::spawn(async move {
            let (service, socket) = service(served);
            let server = tower_lsp::Server::new(server_input, server_output, socket);
            server.concurrency_level(CONCURRENCY).serve(service).await;
        });
        let (output, inbox) = (BufReader::new(output), VecDeque::new());
        let mut editor = Self { input, output, inbox, id: 0, directory, serving, shared, capabilities: Value::Null };
        let root = format!("file://{}", editor.directory.path().display());
        let folders = json!([{ "uri": root, "name": "root" }]);
        let mut params = json!({ "processId": null, "capabilities": capabilities, "workspaceFolders": folders });
        params["initializationOptions"] = options;
        editor.capabilities = editor.ask("initialize", params).await["capabilities"].clone();
        editor.tell("initialized", json!({})).await;
        editor
    }

    fn uri(&self, name: &str) -> String {
        format!("file://{}", self.directory.path().join(name).display())
    }

    async fn send(&mut self, message: &Value) {
        let body = message.to_string();
        let message = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.input.write_all(message.as_bytes()).await.expect("the server listens");
    }

    /// Fails instead of waiting for what never comes.
    async fn receive(&mut self) -> Value {
        let message = tokio::time::timeout(Duration::from_secs(60), self.next_message()).await;
        message.expect("the server says something")
    }

    async fn next_message(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).await.expect("the server talks");
            match line.trim().strip_prefix("Content-Length: ") {
                Some(number) => length = number.parse().expect("a number"),
                None if line.trim().is_empty() => break,
                None => {}
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).await.expect("a whole message");
        serde_json::from_slice(&body).expect("JSON")
    }

    async fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    async fn answer(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        let id = self.id;
        let request = match params {
            Value::Null => json!({ "jsonrpc": "2.0", "id": id, "method": method }),
            params => json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }),
        };
        self.send(&request).await;
        loop {
            let message = self.receive().await;
            if message["id"] == id {
                return message;
            }
            self.inbox.push_back(message);
        }
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params).await;
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    async fn open(&mut self, name: &str, text: &str) {
        let document = json!({ "uri": self.uri(name), "languageId": "sql", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document })).await;
    }

    async fn change(&mut self, name: &str, version: i32, text: &str) {
        let document = json!({ "uri": self.uri(name), "version": version });
        let params = json!({ "textDocument": document, "contentChanges": [{ "text": text }] });
        self.tell("textDocument/didChange", params).await;
    }

    /// What the server says next, but for statuses.
    async fn heard(&mut self) -> Value {
        loop {
            let message = match self.inbox.pop_front() {
                Some(message) => message,
                None => self.receive().await,
            };
            if message["method"] != "$/safestep/status" {
                return message;
            }
        }
    }

    /// The next status of a file that says how many errors there are.
    async fn status(&mut self, name: &str, errors: u32) -> Value {
        let uri = self.uri(name);
        loop {
            let message = match self.inbox.pop_front() {
                Some(message) => message,
                None => self.receive().await,
            };
            let params = &message["params"];
            if message["method"] == "$/safestep/status" && params["uri"] == *uri && params["errors"] == errors {
                return params.clone();
            }
        }
    }

    /// Answers what the server asks next.
    async fn asked(&mut self, method: &str, result: Value) -> Value {
        loop {
            let message = self.heard().await;
            if message["method"] == method {
                self.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).await;
                return message["params"].clone();
            }
        }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    /// What is published for that version of a file.
    async fn diagnostics(&mut self, name: &str, version: i32) -> Vec<Value> {
        let uri = self.uri(name);
        loop {
            let message = self.heard().await;
            let params = &message["params"];
            if message["method"] == "textDocument/publishDiagnostics" && params["uri"] == *uri {
                assert!(params["version"].as_i64() <= Some(i64::from(version)), "from the future: {params}");
                if params["version"] == version {
                    return params["diagnostics"].as_array().expect("a list").clone();
                }
            }
        }
    }

    async fn actions(&mut self, name: &str, range: &Value, only: Option<&str>) -> Vec<Value> {
        let mut context = json!({ "diagnostics": [] });
        if let Some(only) = only {
            context["only"] = json!([only]);
        }
        let params = json!({ "textDocument": { "uri": self.uri(name) }, "range": range, "context": context });
        self.ask("textDocument/codeAction", params).await.as_array().cloned().unwrap_or_default()
    }
}

/// The text after edits of one file, as an editor that counts UTF-16 applies them.
fn applied(text: &str, edits: &[Value]) -> String {
    let offset = |place: &Value| {
        let number = |key: &str| usize::try_from(place[key].as_u64().expect("a number")).expect("small");
        let start = text.split_inclusive('\n').take(number("line")).map(str::len).sum::<usize>();
        let mut units = 0;
        let before = text[start..].chars().take_while(|char| {
            units += char.len_utf16();
            units <= number("character")
        });
        start + before.map(char::len_utf8).sum::<usize>()
    };
    let mut all: Vec<_> =
        edits.iter().map(|it| (offset(&it["range"]["start"]), offset(&it["range"]["end"]), it)).collect();
    all.sort_by_key(|(start, ..)| std::cmp::Reverse(*start));
    let mut text = text.to_owned();
    for (start, end, edit) in all {
        text.replace_range(start..end, edit["newText"].as_str().expect("a text"));
    }
    text
}

fn changes(action: &Value, uri: &str) -> Vec<Value> {
    action["edit"]["changes"][uri].as_array().unwrap_or_else(|| panic!("changes of {uri}: {action}")).clone()
}

fn titled<'a>(actions: &'a [Value], title: &str) -> &'a Value {
    let found = actions.iter().find(|action| action["title"].as_str().is_some_and(|it| it.starts_with(title)));
    found.unwrap_or_else(|| panic!("{title} among {actions:#?}"))
}

const INDEX: &str = "SET lock_timeout = '2s';\nCREATE INDEX orders_b ON orders (b);\n";

#[tokio::test]
async fn findings_come_and_go_and_say_where_they_are_explained() {
    let mut editor = Editor::start(json!({})).await;
    assert_eq!(editor.capabilities["positionEncoding"], "utf-16");
    editor.open("migrations/a.sql", INDEX).await;
    let said = editor.diagnostics("migrations/a.sql", 1).await;
    let finding = said.iter().find(|it| it["code"] == "blocking-index-creation").expect("a finding");
    assert_eq!((&finding["severity"], &finding["source"]), (&json!(1), &json!("safestep")));
    assert_eq!(finding["range"]["start"], json!({ "line": 1, "character": 0 }));
    let page = finding["codeDescription"]["href"].as_str().expect("a link");
    assert!(page.ends_with("#blocking-index-creation"), "{page}");
    editor.change("migrations/a.sql", 2, "SELECT 1;\n").await;
    assert_eq!(editor.diagnostics("migrations/a.sql", 2).await, Vec::<Value>::new());
    editor.change("migrations/a.sql", 3, INDEX).await;
    assert!(!editor.diagnostics("migrations/a.sql", 3).await.is_empty());
    let document = json!({ "uri": editor.uri("migrations/a.sql") });
    editor.tell("textDocument/didClose", json!({ "textDocument": document })).await;
    let taken_back = editor.heard().await;
    assert_eq!(taken_back["params"], json!({ "uri": editor.uri("migrations/a.sql"), "diagnostics": [] }));
}

#[tokio::test]
async fn a_quick_fix_and_an_allowance_silence_a_finding() {
    let mut editor = Editor::start(json!({})).await;
    for (name, text) in [
        ("migrations/a.sql", INDEX.to_owned()),
        ("migrations/b.sql", INDEX.replace('\n', "\r\n")),
        ("migrations/c.sql", INDEX.replace(";\n", "; /* 😀é */ ")),
    ] {
        editor.open(name, &text).await;
        let said = editor.diagnostics(name, 1).await;
        let finding = said.iter().find(|it| it["code"] == "blocking-index-creation").expect("a finding");
        let actions = editor.actions(name, &finding["range"], None).await;
        let uri = editor.uri(name);

        let fix = actions.iter().find(|it| it["kind"] == "quickfix" && it["isPreferred"] == true).expect("a fix");
        let fixed = applied(&text, &changes(fix, &uri));
        assert!(fixed.contains("CREATE INDEX CONCURRENTLY orders_b ON orders (b)"), "{fixed}");
        editor.change(name, 2, &fixed).await;
        assert_eq!(editor.diagnostics(name, 2).await, Vec::<Value>::new(), "{fixed}");

        let all = editor.actions(name, &finding["range"], Some("source.fixAll")).await;
        assert_eq!(all, Vec::<Value>::new(), "nothing is left to fix");
        editor.change(name, 3, &text).await;
        editor.diagnostics(name, 3).await;
        let all = editor.actions(name, &finding["range"], Some("source.fixAll")).await;
        assert_eq!(all.len(), 1, "{all:#?}");
        assert_eq!(applied(&text, &changes(&all[0], &uri)), fixed);

        let allow = titled(&actions, "Allow blocking-index-creation here");
        let allowed = applied(&text, &changes(allow, &uri));
        assert!(allowed.contains("-- safestep: allow(blocking-index-creation)"), "{allowed}");
        assert_eq!(allowed.contains('\r'), text.contains('\r'));
        assert_eq!(allowed.replace("\r\n", "").contains('\n'), !text.contains('\r'), "line ends are not mixed");
        editor.change(name, 4, &allowed).await;
        let said = editor.diagnostics(name, 4).await;
        assert!(said.iter().all(|it| it["code"] != "blocking-index-creation"), "{said:#?}");
    }
}

#[tokio::test]
async fn columns_are_counted_as_agreed() {
    let text = "/* é😀 */ CREATE INDEX orders_b ON orders (b);\n";
    for (encodings, agreed, column) in [
        (json!(["utf-16"]), "utf-16", 10),
        (json!(["utf-16", "utf-32"]), "utf-32", 9),
        (json!(["utf-32", "utf-16", "utf-8"]), "utf-8", 13),
    ] {
        let mut editor = Editor::start(json!({ "general": { "positionEncodings": encodings } })).await;
        assert_eq!(editor.capabilities["positionEncoding"], agreed);
        editor.open("migrations/a.sql", text).await;
        let said = editor.diagnostics("migrations/a.sql", 1).await;
        let finding = said.iter().find(|it| it["code"] == "blocking-index-creation").expect("a finding");
        assert_eq!(finding["range"]["start"]["character"], column, "{agreed}");
    }
}

#[tokio::test]
async fn directives_that_do_nothing_are_drawn_faint() {
    let mut editor = Editor::start(json!({})).await;
    editor.open("migrations/a.sql", "-- safestep: allow(drop-table) nobody reads it\nSELECT 1;\n").await;
    let said = editor.diagnostics("migrations/a.sql", 1).await;
    assert_eq!((codes(&said), &said[0]["tags"]), (vec!["unused-suppression"], &json!([1])));
}

#[tokio::test]
async fn hover_and_hints_tell_locks() {
    let mut editor = Editor::start(json!({})).await;
    editor.open("migrations/a.sql", INDEX).await;
    let document = json!({ "uri": editor.uri("migrations/a.sql") });
    let place = json!({ "line": 1, "character": 9 });
    let hover = editor.ask("textDocument/hover", json!({ "textDocument": document, "position": place })).await;
    let told = hover["contents"]["value"].as_str().expect("Markdown");
    for words in [
        "- **takes** SHARE on orders, an index is built",
        "- **blocks** writes to orders, while it runs",
        "- **limit** lock_timeout 2s",
        "- [blocking-index-creation](https://",
        "| ROW EXCLUSIVE | INSERT, UPDATE, DELETE, MERGE | wait |",
        "| ACCESS SHARE | SELECT | go on |",
    ] {
        assert!(told.contains(words), "{words} in\n{told}");
    }
    let capabilities = json!({ "textDocument": { "hover": { "contentFormat": ["plaintext"] } } });
    let mut plain = Editor::start(capabilities).await;
    plain.open("migrations/a.sql", INDEX).await;
    let asked = json!({ "textDocument": { "uri": plain.uri("migrations/a.sql") }, "position": place });
    let hover = plain.ask("textDocument/hover", asked).await;
    assert_eq!(hover["contents"]["kind"], "plaintext");
    let told = hover["contents"]["value"].as_str().expect("text");
    assert!(told.contains("- takes SHARE on orders, an index is built\n") && !told.contains("**"), "{told}");
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 2, "character": 0 } });
    let hints = editor.ask("textDocument/inlayHint", json!({ "textDocument": document, "range": range })).await;
    let hints = hints.as_array().expect("a list");
    assert_eq!(hints.len(), 1, "{hints:#?}");
    assert_eq!(hints[0]["label"], "SHARE, builds an index on orders");
    assert_eq!(hints[0]["tooltip"], "SHARE on orders, an index is built");
    assert_eq!(hints[0]["position"], json!({ "line": 1, "character": 36 }));
    editor.change("migrations/a.sql", 2, "UPDATE orders SET id = 1;\n").await;
    let hints = editor.ask("textDocument/inlayHint", json!({ "textDocument": document, "range": range })).await;
    assert_eq!(hints[0]["label"], "ROW EXCLUSIVE, writes rows of orders");
}

#[tokio::test]
async fn a_split_is_offered_to_clients_that_create_files() {
    const FIRST: &str = "-- +goose Up\nCREATE TABLE orders (id bigint PRIMARY KEY, b int);\n";
    const SECOND: &str = "-- +goose Up\nALTER TABLE orders ADD COLUMN a int;\nCREATE INDEX i ON orders (b);\n";
    let able = json!({ "documentChanges": true, "resourceOperations": ["create", "rename", "delete"] });
    // What Neovim says.
    let operations = json!({ "resourceOperations": ["rename", "create", "delete"] });
    for (edit, is_offered) in [(able, true), (operations, true), (json!({ "documentChanges": true }), false)] {
        let mut editor = Editor::start(json!({ "workspace": { "workspaceEdit": edit } })).await;
        let migrations = editor.directory.path().join("migrations");
        std::fs::create_dir(&migrations).expect("a directory");
        let write = |name: &str, text: &str| std::fs::write(Path::new(&migrations).join(name), text).expect("written");
        write("20240101000000_a.sql", FIRST);
        write("20240102000000_b.sql", SECOND);
        let name = "migrations/20240102000000_b.sql";
        editor.open(name, SECOND).await;
        let said = editor.diagnostics(name, 1).await;
        let finding = said.iter().find(|it| it["code"] == "blocking-index-creation").expect("a finding");
        let actions = editor.actions(name, &finding["range"], Some("quickfix")).await;
        let split = actions.iter().find(|it| {
            it["edit"]["documentChanges"][0]["kind"] == "create" || it["edit"]["documentChanges"][1]["kind"] == "create"
        });
        assert_eq!(split.is_some(), is_offered, "{actions:#?}");
        assert!(actions.iter().any(|it| it["title"] == "Allow blocking-index-creation here"));
        if let Some(split) = split {
            let operations = split["edit"]["documentChanges"].as_array().expect("a list");
            let filled = operations.iter().filter_map(|it| it["edits"][0]["newText"].as_str());
            assert!(filled.into_iter().any(|text| text.contains("CONCURRENTLY")), "{operations:#?}");
            assert!(operations.iter().any(|it| it["textDocument"]["version"] == 1), "the open file is changed too");
            // Fixing all is what leaves the migration in one piece.
            let all = editor.actions(name, &finding["range"], Some("source.fixAll")).await;
            let fix = titled(&all, "Fix what is safe without a split");
            let edit = &fix["edit"]["documentChanges"][0];
            assert_eq!(edit["textDocument"]["uri"], editor.uri(name), "{fix:#?}");
            let text = edit["edits"][0]["newText"].as_str().expect("a text");
            assert!(text.contains("lock_timeout") && !text.contains("CONCURRENTLY"), "{text}");
        }
    }
}

#[tokio::test]
async fn the_last_of_many_changes_is_what_is_judged() {
    let mut editor = Editor::start(json!({})).await;
    editor.open("migrations/a.sql", "").await;
    for version in 2..=301 {
        let text = format!("{}{INDEX}", "\n".repeat(usize::try_from(version).expect("positive")));
        editor.change("migrations/a.sql", version, &text).await;
    }
    let said = editor.diagnostics("migrations/a.sql", 301).await;
    let finding = said.iter().find(|it| it["code"] == "blocking-index-creation").expect("a finding");
    assert_eq!(finding["range"]["start"]["line"], 302);
}

#[tokio::test]
async fn a_wrong_configuration_is_told_once() {
    let mut editor = Editor::start(json!({})).await;
    std::fs::write(editor.directory.path().join("safestep.toml"), "nonsense = 1\n").expect("written");
    editor.open("migrations/a.sql", INDEX).await;
    let told = editor.heard().await;
    assert_eq!(told["params"]["uri"], editor.uri("safestep.toml"), "{told}");
    assert_eq!(told["params"]["diagnostics"][0]["range"]["start"], json!({ "line": 0, "character": 0 }));
    let told = editor.heard().await;
    assert_eq!((&told["method"], &told["params"]["type"]), (&json!("window/showMessage"), &json!(1)));
    assert!(told["params"]["message"].as_str().is_some_and(|it| it.contains("safestep.toml")), "{told}");
    assert_eq!(editor.diagnostics("migrations/a.sql", 1).await, Vec::<Value>::new());
    editor.change("migrations/a.sql", 2, "").await;
    assert_eq!(editor.heard().await["params"]["uri"], editor.uri("migrations/a.sql"), "it is not told again");
    // Mended in the editor, not saved yet.
    editor.open("safestep.toml", "").await;
    assert_eq!(editor.heard().await["params"], json!({ "uri": editor.uri("safestep.toml"), "diagnostics": [] }));
    editor.change("migrations/a.sql", 3, INDEX).await;
    assert!(!editor.diagnostics("migrations/a.sql", 3).await.is_empty());
}

#[tokio::test]
async fn a_configuration_holds_while_it_is_typed() {
    let mut editor = Editor::start(json!({})).await;
    let off = "[rules.blocking-index-creation]\nlevel = \"off\"\n";
    // Alone, before any migration is open.
    editor.open("safestep.toml", "[rules").await;
    let said = editor.heard().await["params"].clone();
    assert_eq!(
        (&said["uri"], said["diagnostics"].as_array().map(Vec::len)),
        (&json!(editor.uri("safestep.toml")), Some(1))
    );
    editor.change("safestep.toml", 2, off).await;
    assert_eq!(editor.heard().await["params"]["diagnostics"], json!([]));
    editor.open("migrations/a.sql", INDEX).await;
    assert_eq!(editor.diagnostics("migrations/a.sql", 1).await, Vec::<Value>::new());
    // Broken again: it says so itself, and nothing else changes or is shown.
    editor.change("safestep.toml", 3, &off.replace("off\"", "of")).await;
    let said = editor.heard().await["params"].clone();
    assert_eq!(said["diagnostics"][0]["range"]["start"]["line"], 1, "{said}");
    editor.change("migrations/a.sql", 2, &format!("{INDEX}DROP TABLE orders;\n")).await;
    let said = editor.heard().await["params"].clone();
    assert_eq!(codes(said["diagnostics"].as_array().expect("a list")), ["drop-table"]);
    editor.change("safestep.toml", 4, "").await;
    assert_eq!(editor.heard().await["params"]["diagnostics"], json!([]));
    assert!(codes(&editor.diagnostics("migrations/a.sql", 2).await).contains(&"blocking-index-creation"));
}

fn codes(said: &[Value]) -> Vec<&str> {
    said.iter().filter_map(|it| it["code"].as_str()).collect()
}

#[tokio::test]
async fn files_that_are_no_migrations_are_left_alone_unless_asked() {
    let mut editor = Editor::start(json!({ "workspace": { "configuration": true } })).await;
    editor.open("queries/a.sql", INDEX).await;
    editor.asked("workspace/configuration", json!([null])).await;
    assert_eq!(editor.status("queries/a.sql", 0).await["migration"], false);
    let document =
        json!({ "textDocument": { "uri": editor.uri("queries/a.sql") }, "position": { "line": 1, "character": 3 } });
    assert_eq!(editor.ask("textDocument/hover", document.clone()).await, Value::Null);
    editor.tell("workspace/didChangeConfiguration", json!({ "settings": null })).await;
    let asked = editor.asked("workspace/configuration", json!([{ "lintAllSqlFiles": true, "tool": "gose" }])).await;
    assert_eq!(asked["items"][0]["section"], "safestep");
    let wrong = editor.asked("window/showMessage", Value::Null).await;
    assert!(wrong["message"].as_str().is_some_and(|it| it.contains("gose")), "{wrong}");
    assert_eq!(editor.status("queries/a.sql", 1).await["migration"], true);
    assert_ne!(editor.ask("textDocument/hover", document).await, Value::Null);
    // A buffer that was never saved is asked about by being opened.
    let text = json!({ "uri": "untitled:Untitled-1", "languageId": "sql", "version": 1, "text": INDEX });
    editor.tell("textDocument/didOpen", json!({ "textDocument": text })).await;
    let said = loop {
        let message = editor.heard().await;
        if message["params"]["uri"] == "untitled:Untitled-1" {
            break message["params"]["diagnostics"].as_array().expect("a list").clone();
        }
    };
    assert_eq!(codes(&said), ["blocking-index-creation"]);
}

#[tokio::test]
async fn an_edit_is_felt_in_later_migrations_that_are_open() {
    let capabilities = json!({
        "textDocument": { "diagnostic": {} },
        "workspace": { "inlayHint": { "refreshSupport": true } },
    });
    let mut editor = Editor::start(capabilities).await;
    assert_eq!(editor.capabilities["diagnosticProvider"], Value::Null, "it could not be asked to pull again");
    let first = "-- +goose Up\nCREATE TABLE a (id bigint PRIMARY KEY, n int);\n";
    editor.write("db/1_a.sql", first);
    editor.write("db/2_b.sql", "-- +goose Up\nALTER TABLE a DROP COLUMN n;\n");
    editor.write("db/3_c.sql", "-- +goose Up\n");
    let text = "-- +goose Up\nSET LOCAL lock_timeout = '2s';\nCREATE INDEX a_n ON a (n);\n";
    editor.open("db/3_c.sql", text).await;
    assert_eq!(codes(&editor.diagnostics("db/3_c.sql", 1).await), ["certain-failure"]);
    editor.open("db/2_b.sql", "-- +goose Up\n").await;
    assert_eq!(codes(&editor.diagnostics("db/3_c.sql", 1).await), ["blocking-index-creation"]);
    editor.asked("workspace/inlayHint/refresh", Value::Null).await;
    // Closed without saving, it is on the disk as it was.
    let document = json!({ "uri": editor.uri("db/2_b.sql") });
    editor.tell("textDocument/didClose", json!({ "textDocument": document })).await;
    assert_eq!(codes(&editor.diagnostics("db/3_c.sql", 1).await), ["certain-failure"]);
    editor.write("db/2_b.sql", "-- +goose Up\n");
    let change = json!({ "uri": editor.uri("db/2_b.sql"), "type": 2 });
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": [change] })).await;
    assert_eq!(codes(&editor.diagnostics("db/3_c.sql", 1).await), ["blocking-index-creation"]);
    // A migration between them that was not there before.
    editor.open("db/2_e.sql", "-- +goose Up\n").await;
    editor.change("db/2_e.sql", 2, "-- +goose Up\nALTER TABLE a DROP COLUMN n;\n").await;
    assert_eq!(codes(&editor.diagnostics("db/3_c.sql", 1).await), ["certain-failure"]);
}

#[tokio::test]
async fn clients_that_pull_are_told_when_nothing_is_new() {
    let capabilities = json!({
        "textDocument": { "diagnostic": {} },
        "workspace": { "diagnostics": { "refreshSupport": true } },
    });
    let mut editor = Editor::start(capabilities).await;
    assert_eq!(editor.capabilities["diagnosticProvider"]["interFileDependencies"], true);
    let name = "migrations/a.sql";
    editor.open(name, INDEX).await;
    let document = json!({ "uri": editor.uri(name) });
    let full = editor.ask("textDocument/diagnostic", json!({ "textDocument": document })).await;
    assert_eq!(full["kind"], "full");
    assert_eq!(codes(full["items"].as_array().expect("a list")), ["blocking-index-creation"]);
    editor.change(name, 2, &format!("{INDEX}-- nothing new\n")).await;
    let again = json!({ "textDocument": document, "previousResultId": full["resultId"] });
    let unchanged = editor.ask("textDocument/diagnostic", again.clone()).await;
    assert_eq!((&unchanged["kind"], &unchanged["resultId"]), (&json!("unchanged"), &full["resultId"]));
    editor.change(name, 3, &format!("\n{INDEX}")).await;
    assert_eq!(editor.ask("textDocument/diagnostic", again).await["kind"], "full");
    let pushed = editor.inbox.iter().find(|it| it["method"] == "textDocument/publishDiagnostics");
    assert_eq!(pushed, None, "who pulls is not pushed at");
    let unknown = json!({ "textDocument": { "uri": editor.uri("migrations/never_opened.sql") } });
    assert_eq!(editor.ask("textDocument/diagnostic", unknown).await["items"], json!([]));
}

#[tokio::test]
async fn folders_have_configurations_of_their_own() {
    let mut editor = Editor::start(json!({})).await;
    editor.write("one/safestep.toml", "[rules.blocking-index-creation]\nlevel = \"off\"\n");
    for name in ["one/migrations/a.sql", "two/migrations/a.sql"] {
        editor.open(name, INDEX).await;
    }
    assert_eq!(editor.diagnostics("one/migrations/a.sql", 1).await, Vec::<Value>::new());
    assert_eq!(codes(&editor.diagnostics("two/migrations/a.sql", 1).await), ["blocking-index-creation"]);
    let folder = json!({ "uri": editor.uri("two"), "name": "two" });
    let event = json!({ "event": { "added": [folder], "removed": [] } });
    editor.tell("workspace/didChangeWorkspaceFolders", event).await;
    editor.write("two/safestep.toml", "[rules.blocking-index-creation]\nlevel = \"info\"\n");
    let change = json!({ "uri": editor.uri("two/safestep.toml"), "type": 1 });
    editor.tell("workspace/didChangeWatchedFiles", json!({ "changes": [change] })).await;
    let said = editor.diagnostics("two/migrations/a.sql", 1).await;
    assert_eq!(said[0]["severity"], 3, "{said:#?}");
}

#[tokio::test]
async fn edits_are_taken_as_they_come() {
    let mut editor = Editor::start(json!({})).await;
    let name = "migrations/a.sql";
    editor.open(name, "").await;
    let mut version = 1;
    for letter in INDEX.chars() {
        let (line, character) = (u32::from(version > 25), if version > 25 { version - 26 } else { version - 1 });
        let place = json!({ "line": line, "character": character });
        version += 1;
        let change = json!({ "range": { "start": place, "end": place }, "text": letter });
        let document = json!({ "uri": editor.uri(name), "version": version });
        editor.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] })).await;
    }
    let said = editor.diagnostics(name, version).await;
    assert_eq!(codes(&said), ["blocking-index-creation"]);
    // A document that was never opened.
    editor.change("migrations/b.sql", 2, INDEX).await;
    let document = json!({ "uri": editor.uri("migrations/b.sql") });
    let place = json!({ "line": 1, "character": 3 });
    let hover = editor.ask("textDocument/hover", json!({ "textDocument": document, "position": place })).await;
    assert_eq!(hover, Value::Null);
}

#[tokio::test]
async fn a_split_says_what_it_is_and_what_runs() {
    let edit = json!({
        "documentChanges": true,
        "resourceOperations": ["create", "rename", "delete"],
        "changeAnnotationSupport": {},
    });
    let mut editor = Editor::start(json!({ "workspace": { "workspaceEdit": edit } })).await;
    editor
        .write("db/20240101000000_a.sql", "-- +goose Up\nCREATE TABLE orders (id bigint PRIMARY KEY, b int, c int);\n");
    let name = "db/20240102000000_b.sql";
    let text = "-- +goose Up\nCREATE INDEX i ON orders (b);\nCREATE INDEX j ON orders (c);\n";
    editor.open(name, text).await;
    let said = editor.diagnostics(name, 1).await;
    let first = &said[0]["range"];
    let split = editor.actions(name, first, Some("refactor.rewrite")).await;
    assert_eq!(split.len(), 1, "{split:#?}");
    assert_eq!(split[0]["kind"], "refactor.rewrite.safestep.split");
    let annotations = split[0]["edit"]["changeAnnotations"].as_object().expect("annotations");
    let id = annotations.keys().next().expect("one");
    assert_eq!(annotations[id]["needsConfirmation"], false, "all of it or nothing");
    for operation in split[0]["edit"]["documentChanges"].as_array().expect("a list") {
        let annotated = operation["annotationId"] == **id || operation["edits"][0]["annotationId"] == **id;
        assert!(annotated, "{operation}");
    }
    let quick = editor.actions(name, first, Some("quickfix")).await;
    let titles: Vec<&str> = quick.iter().filter_map(|it| it["title"].as_str()).collect();
    assert!(titles.contains(&"Fix all 2 of blocking-index-creation: split the migration into 2 files"), "{titles:#?}");

    let lens = editor.ask("textDocument/codeLens", json!({ "textDocument": { "uri": editor.uri(name) } })).await;
    assert_eq!(lens[0]["command"]["command"], "safestep.showPlan");
    assert_eq!(lens[0]["command"]["arguments"], json!([editor.uri(name)]));
    let document = json!({ "uri": editor.uri(name) });
    let plan = editor.ask("safestep/plan", json!({ "textDocument": document, "class": "safe" })).await;
    assert!(plan["markdown"].as_str().is_some_and(|it| it.contains("CONCURRENTLY")), "{plan}");
    let wrong = editor.answer("safestep/plan", json!({ "textDocument": document, "class": "bold" })).await;
    assert_eq!(wrong["error"]["code"], -32602);
    let page = editor.ask("safestep/explain", json!({ "textDocument": document })).await;
    assert!(page["markdown"].as_str().is_some_and(|it| it.contains("SHARE on orders")), "{page}");
    let timeline = editor.ask("safestep/timeline", json!({ "textDocument": document })).await;
    assert_eq!(timeline["title"], name);
    for picture in ["before", "after"] {
        let svg = timeline[picture].as_str().expect("a picture");
        assert!(svg.starts_with("<svg") && svg.contains("data-statement=\"0\""), "{svg}");
    }
    assert!(
        timeline["after"].as_str().is_some_and(|svg| svg.contains("Rewritten into 2 files")),
        "one picture of both"
    );
    let place = json!({ "textDocument": document, "position": { "line": 2, "character": 1 } });
    assert_eq!(editor.ask("safestep/statementAt", place).await, json!({ "section": "up", "statement": 1 }));
    let statement = json!({ "textDocument": document, "section": "up", "statement": 1 });
    let range = json!({ "start": { "line": 2, "character": 0 }, "end": { "line": 2, "character": 29 } });
    assert_eq!(editor.ask("safestep/rangeOf", statement).await, range);
    let none = json!({ "textDocument": document, "section": "down", "statement": 0 });
    assert_eq!(editor.ask("safestep/rangeOf", none).await, Value::Null);
}

#[tokio::test]
async fn unknown_requests_are_refused_and_the_end_is_clean() {
    let mut editor = Editor::start(json!({})).await;
    let refused = editor.answer("textDocument/nonsense", json!({})).await;
    assert_eq!(refused["error"]["code"], -32601, "{refused}");
    assert_eq!(editor.ask("shutdown", Value::Null).await, Value::Null);
    editor.send(&json!({ "jsonrpc": "2.0", "method": "exit" })).await;
    editor.serving.await.expect("no panic");
    assert!(editor.shared.shut_down.load(std::sync::atomic::Ordering::Relaxed));
}
