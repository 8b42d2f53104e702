//! What `--fix` writes keeps every comment of the author, wherever it stands.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{Class, Engine, Files, Options};
use syntax::lex::{self, TokenKind};

/// What stands behind every token: a comment with a number of its own.
const STYLES: &[fn(usize) -> String] = &[
    |number| format!(" /* note {number}. */"),
    |number| format!(" -- note {number}.\n"),
    |number| format!("\n\n-- note {number}.\n"),
    |number| format!("\n/* note {number}.\n   it's; */\n"),
];

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let projects = ["projects", "monoliths"].map(|name| std::fs::read_dir(root.join(name)).unwrap());
    let paths = projects.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

fn collect(from: &Path, to: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = to.join(path.file_name().unwrap());
        if path.is_dir() {
            collect(&path, &name, found);
        } else {
            found.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The text with a comment behind each of its tokens but the comments, which may be marks, and strings, which the next line
/// may go on with. A mark says where a section begins and whether statements are told apart, so a line of one is left alone.
fn noted(text: &str, style: fn(usize) -> String) -> (String, usize) {
    let mut out = String::new();
    let (mut position, mut count) = (0, 0);
    for token in lex::tokens(text) {
        let end = token.span.end as usize;
        out.push_str(&text[position..end]);
        position = end;
        let psql = text[..end].rsplit('\n').next().is_some_and(|line| line.starts_with('\\'));
        if !token.is_comment() && token.kind != TokenKind::String && !psql {
            count += 1;
            out.push_str(&style(count));
        }
    }
    out.push_str(&text[position..]);
    (out, count)
}

#[test]
fn every_comment_is_kept() {
    let root = Path::new("/project");
    let mut lost = Vec::new();
    let mut rewritten = 0;
    for fixture in fixtures() {
        let mut texts = BTreeMap::new();
        collect(&fixture, root, &mut texts);
        let mut files = Files::memory(root);
        texts.iter().for_each(|(path, text)| files.put(path, Some(Arc::from(text.as_str()))));
        for (path, text) in texts.iter().filter(|(path, _)| path.extension().is_some_and(|it| it == "sql")) {
            for style in STYLES {
                let (text, count) = noted(text, *style);
                let mut files = files.clone();
                files.put(path, Some(Arc::from(text.as_str())));
                let options = Options { paths: vec![path.clone()], all_files: true, ..Options::default() };
                let linted = Engine::new(files).unwrap().lint(&options, Some(Class::Unsafe)).unwrap();
                if linted.changes.is_empty() {
                    continue;
                }
                rewritten += 1;
                let mut after = texts.clone();
                after.insert(path.clone(), text.clone());
                for change in linted.changes {
                    after.insert(root.join(change.path), change.new.unwrap_or_default());
                }
                let written: String = after.into_values().collect();
                let gone = (1..=count).map(|number| format!("note {number}.")).filter(|note| !written.contains(note));
                let name = path.strip_prefix(root).unwrap().display();
                lost.extend(gone.map(|note| {
                    let at = text.find(&note).unwrap();
                    format!("{name}: {:?}", &text[at.saturating_sub(40)..at + note.len()])
                }));
            }
        }
    }
    assert!(lost.is_empty(), "{} comments are lost:\n{}", lost.len(), lost.join("\n"));
    assert!(rewritten > 100, "only {rewritten} files were rewritten");
}
