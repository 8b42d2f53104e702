//! Drawn tests of the formats, on one small world.

mod explain;
mod formats;
mod plan;
mod text;
mod timeline;

use std::path::PathBuf;
use std::sync::Arc;

use model::plan::Class;
use rules::{Level, Section};
use syntax::Span;

use crate::{Assumed, Edit, FileChange, Finding, Fix, Related, Report, Sources, Style};

const PLAIN: Style = Style { color: false, unicode: true, width: 80 };
const ASCII: Style = Style { unicode: false, ..PLAIN };
const COLOR: Style = Style { color: true, ..PLAIN };

/// Findings over texts.
struct World {
    sources: Sources,
    report: Report,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let mut sources = Sources::default();
        for (path, text) in files {
            sources.insert(PathBuf::from(path), Arc::from(*text));
        }
        let assumed = Assumed { tool: "goose".to_owned(), guessed: false, postgres: (14, 18) };
        World { sources, report: Report { assumed, files: files.len(), ..Report::default() } }
    }

    /// The span of the first occurrence.
    fn span(&self, path: &str, needle: &str) -> Span {
        let text = self.sources.get(path.as_ref()).map_or("", |source| source.text());
        let start = text.find(needle).expect("the needle is in the text");
        Span::new(start, start + needle.len())
    }

    fn find(&mut self, level: Level, rule: &'static str, path: &str, needle: &str, message: &str) -> &mut Finding {
        let span = self.span(path, needle);
        self.report.findings.push(Finding {
            rule,
            level,
            message: message.to_owned(),
            path: PathBuf::from(path),
            section: Section::Up,
            span,
            statement: 0,
            notes: Vec::new(),
            related: Vec::new(),
            docs: format!("https://safestep.dev/rules#{rule}"),
            fingerprint: "0123456789abcdef0123456789abcdef".to_owned(),
            fix: None,
            withheld: None,
        });
        self.report.findings.last_mut().expect("just pushed")
    }
}

const USERS: &str = "db/migrations/0007_users.sql";
const USERS_TEXT: &str = "\
-- +goose Up
ALTER TABLE users ADD COLUMN email text;

CREATE INDEX users_email_idx ON users (lower(email));

ALTER TABLE orders
  ADD CONSTRAINT orders_user_fk
  FOREIGN KEY (user_id) REFERENCES users (id);
";

/// A migration with two errors that one fix removes, a warning without fix and a file that was not read.
fn users() -> World {
    let mut world = World::new(&[(USERS, USERS_TEXT), ("db/migrations/0008_clean.sql", "SELECT 1;\n")]);
    let index = "CREATE INDEX users_email_idx ON users (lower(email))";
    let foreign_key = "ADD CONSTRAINT orders_user_fk\n  FOREIGN KEY (user_id) REFERENCES users (id)";
    let (at_index, at_key) = (world.span(USERS, index), world.span(USERS, foreign_key));
    let in_key = world.span(USERS, "(id);");
    let lock = world.span(USERS, "ALTER TABLE users ADD COLUMN email text");
    let fix = Arc::new(Fix {
        title: "split into 2 files".to_owned(),
        class: Class::Safe,
        assumptions: vec!["No other relation is called users_email_idx".to_owned()],
        edits: vec![
            Edit { span: at_index.to(Span::new(at_key.start as usize - 21, at_key.start as usize - 21)), text: String::new() },
            Edit { span: Span::new(in_key.end as usize - 1, in_key.end as usize - 1), text: " NOT VALID".to_owned() },
        ],
        files: vec![FileChange {
            path: "db/migrations/0009_users_email_idx.sql".into(),
            old: None,
            new: Some("-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY users_email_idx ON users (lower(email));\nALTER TABLE orders VALIDATE CONSTRAINT orders_user_fk;\n".to_owned()),
        }],
    });
    let found =
        world.find(Level::Error, "index-blocks-writes", USERS, index, "writes to users wait until the index is built");
    found.fix = Some(fix.clone());
    found.notes = vec![
        "CREATE INDEX holds SHARE on users until the transaction of goose commits, and it reads the whole table first"
            .to_owned(),
        "build it CONCURRENTLY, in a file that opens no transaction".to_owned(),
    ];
    found.related =
        vec![Related { path: USERS.into(), span: lock, message: "ACCESS EXCLUSIVE on users since here".to_owned() }];
    let found = world.find(
        Level::Error,
        "foreign-key-scans",
        USERS,
        foreign_key,
        "writes to orders and users wait while every row of orders is checked",
    );
    found.fix = Some(fix);
    found.statement = 2;
    let found = world.find(
        Level::Warning,
        "no-lock-timeout",
        USERS,
        "ALTER TABLE users",
        "no lock_timeout bounds the wait for users",
    );
    found.withheld = Some("goose runs this file with others in one transaction".to_owned());
    world.report.skipped.push(("db/migrations/0006_blob.sql".into(), "not UTF-8".to_owned()));
    world.report.notes.push("no base branch found, so the named files count as pending".to_owned());
    world
}
