//! An editor without a screen: speaks the language server protocol with the program over its standard streams.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// What takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub struct Editor {
    pub server: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Came while an answer was waited for.
    inbox: VecDeque<Value>,
    id: u64,
    root: PathBuf,
}

impl Editor {
    /// Starts the program and agrees with it on a folder. Diagnostics are pulled, columns counted in UTF-16.
    #[must_use]
    pub fn start(program: &Path, root: &Path) -> Self {
        let mut editor = Self::silent(program, root);
        let root = json!([{ "uri": editor.uri(""), "name": "root" }]);
        let capabilities = json!({ "textDocument": { "diagnostic": {} } });
        editor.ask("initialize", json!({ "processId": null, "capabilities": capabilities, "workspaceFolders": root }));
        editor.tell("initialized", json!({}));
        editor
    }

    /// Starts the program and says nothing.
    ///
    /// # Panics
    /// The program cannot be started.
    #[must_use]
    pub fn silent(program: &Path, root: &Path) -> Self {
        let mut command = Command::new(program);
        command.arg("lsp").current_dir(root).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let input = server.stdin.take();
        let output = BufReader::new(server.stdout.take().expect("piped"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut output = output;
            while let Some(message) = receive(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self { server, input, messages, inbox: VecDeque::new(), id: 0, root: root.to_owned() }
    }

    #[must_use]
    pub fn uri(&self, name: &str) -> String {
        format!("file://{}", self.root.join(name).display())
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// The server is gone.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("open");
        input.write_all(bytes).and_then(|()| input.flush()).expect("the server listens");
    }

    pub fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request and returns its number.
    pub fn request(&mut self, method: &str, params: Value) -> u64 {
        self.id += 1;
        let mut request = json!({ "jsonrpc": "2.0", "id": self.id, "method": method });
        if !params.is_null() {
            request["params"] = params;
        }
        self.send(&request);
        self.id
    }

    /// The whole answer to a request.
    pub fn answer(&mut self, id: u64) -> Value {
        if let Some(at) = self.inbox.iter().position(|message| is_answer(message, id)) {
            return self.inbox.remove(at).unwrap_or_default();
        }
        loop {
            let message = self.heard();
            if is_answer(&message, id) {
                return message;
            }
            self.inbox.push_back(message);
        }
    }

    /// The result of a request.
    ///
    /// # Panics
    /// It is an error.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        let answer = self.answer(id);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// What the server says next.
    ///
    /// # Panics
    /// It says nothing any more.
    pub fn heard(&mut self) -> Value {
        match self.messages.recv_timeout(PATIENCE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => panic!("the server says nothing"),
            Err(RecvTimeoutError::Disconnected) => panic!("the server is gone: {:?}", self.server.wait()),
        }
    }

    pub fn open(&mut self, name: &str, text: &str) {
        let document = json!({ "uri": self.uri(name), "languageId": "sql", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Replaces a stretch: line and column of its start, and of its end.
    pub fn edit(&mut self, name: &str, version: usize, [line, column, to_line, to_column]: [usize; 4], text: &str) {
        let start = json!({ "line": line, "character": column });
        let range = json!({ "start": start, "end": { "line": to_line, "character": to_column } });
        let document = json!({ "uri": self.uri(name), "version": version });
        let params = json!({ "textDocument": document, "contentChanges": [{ "range": range, "text": text }] });
        self.tell("textDocument/didChange", params);
    }

    /// All diagnostics of a file as it is now.
    ///
    /// # Panics
    /// The server sends no full report.
    pub fn diagnostics(&mut self, name: &str) -> Vec<Value> {
        let report = self.ask("textDocument/diagnostic", json!({ "textDocument": { "uri": self.uri(name) } }));
        report["items"].as_array().unwrap_or_else(|| panic!("{report}")).clone()
    }

    /// Says nothing any more.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Ends the server as the protocol wants it, and returns its exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.ask("shutdown", Value::Null);
        self.send(&json!({ "jsonrpc": "2.0", "method": "exit" }));
        self.input = None;
        self.server.wait().ok()?.code()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn is_answer(message: &Value, id: u64) -> bool {
    message["id"] == id && message.get("method").is_none()
}

fn receive(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().strip_prefix("Content-Length: ") {
            Some(number) => length = number.parse().ok()?,
            None if line.trim().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
