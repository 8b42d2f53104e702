//! What the language server costs: processor time after a keystroke, memory over many, and the time to open a workspace.
//!
//! ```sh
//! cargo build --release -p safestep
//! cargo run --release -p safestep-tests --example keystrokes -- target/release/safestep [EDITS]
//! ```
//!
//! Processor time is that of the whole process, all its threads, from the edit to the diagnostics.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use safestep_tests::editor::Editor;
use safestep_tests::generated;

const NAME: &str = "migrations/99999_typed.sql";

/// A moment of the server: processor time in milliseconds, memory in MiB.
fn usage(editor: &Editor) -> (f64, f64) {
    let file = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", editor.server.id())).unwrap();
    // Nanoseconds on a processor, by thread.
    let tasks = std::fs::read_dir(format!("/proc/{}/task", editor.server.id())).unwrap();
    let nanoseconds: f64 = tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split(' ').next()?.parse::<f64>().ok())
        .sum();
    let resident = file("status").lines().find_map(|line| line.strip_prefix("VmRSS:").map(str::to_owned)).unwrap();
    let kib: f64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    (nanoseconds / 1e6, kib / 1024.0)
}

/// Types a word into a line, letter by letter, and takes it away again; gives the median and the worst of all keystrokes.
fn keystrokes(editor: &mut Editor, version: &mut usize, line: usize, edits: usize) -> (f64, f64) {
    let word = "ALTER TABLE seed ADD COLUMN typed int;";
    let mut costs = Vec::new();
    let mut column = 0;
    for edit in 0..edits {
        *version += 1;
        let before = usage(editor).0;
        if column < word.len() {
            editor.edit(NAME, *version, [line, column, line, column], &word[column..=column]);
            column += 1;
        } else {
            editor.edit(NAME, *version, [line, 0, line, column], "");
            column = 0;
        }
        editor.diagnostics(NAME);
        if edit > 0 {
            costs.push(usage(editor).0 - before);
        }
    }
    *version += 1;
    editor.edit(NAME, *version, [line, 0, line, column], "");
    editor.diagnostics(NAME);
    costs.sort_by(f64::total_cmp);
    (costs[costs.len() / 2], costs[costs.len() - 1])
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let program = std::fs::canonicalize(arguments.first().expect("keystrokes PROGRAM [EDITS]")).unwrap();
    let edits: usize = arguments.get(1).map_or(10_000, |edits| edits.parse().unwrap());

    let mixed: String =
        generated::history(3300).into_iter().map(|(_, text)| text.replace("-- +goose Up\n", "")).collect();
    for (name, text) in [("rows and a few changes", generated::large(1 << 20)), ("changes of all kinds", mixed)] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("migrations")).unwrap();
        let mut editor = Editor::start(&program, directory.path());
        let blank = "-- +goose Up\n\n";
        let text = format!("{blank}{text}\n");
        let (lines, statements) =
            (text.lines().count(), syntax::parse(&text, &syntax::Options::default()).statements.len());
        editor.open(NAME, &text);
        editor.diagnostics(NAME);
        println!("{name}: {} bytes, {statements} statements, {:.0} MiB", text.len(), usage(&editor).1);
        let mut version = 1;
        for (place, line) in
            [("at the end", lines), ("in the middle", blank_line(&text, lines / 2)), ("at the start", 1)]
        {
            let (median, worst) = keystrokes(&mut editor, &mut version, line, 80);
            println!("  {place:14} {median:6.1} ms median, {worst:6.1} ms worst");
        }
        editor.stop();
    }

    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &generated::history(1000));
    let last = "-- +goose Up\nCREATE INDEX t0_amount ON t0 (amount);\n";
    let begun = Instant::now();
    let mut editor = Editor::start(&program, directory.path());
    editor.open(NAME, last);
    let said = editor.diagnostics(NAME).len();
    println!("1,000 migrations: {:.0} ms to {said} findings in the last one", begun.elapsed().as_secs_f64() * 1e3);
    let mut version = 1;
    let (median, worst) = keystrokes(&mut editor, &mut version, 2, 80);
    println!("  a keystroke    {median:6.1} ms median, {worst:6.1} ms worst");
    let (_, before) = usage(&editor);
    keystrokes(&mut editor, &mut version, 2, edits);
    println!("  memory {before:.0} MiB, after {edits} keystrokes {:.0} MiB", usage(&editor).1);
    editor.stop();
}

/// A line that a statement begins.
fn blank_line(text: &str, from: usize) -> usize {
    let starts =
        |line: &&str| ["CREATE", "ALTER", "INSERT", "UPDATE", "DROP", "SET"].iter().any(|it| line.starts_with(it));
    text.lines().skip(from).position(|line| starts(&line)).map_or(from, |at| from + at)
}

fn write(root: &Path, history: &[(String, String)]) {
    let migrations: PathBuf = root.join("migrations");
    std::fs::create_dir(&migrations).unwrap();
    for (name, text) in history {
        std::fs::write(migrations.join(name), text).unwrap();
    }
}
