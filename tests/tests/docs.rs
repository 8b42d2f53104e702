//! `rules.md` is what the rules' docs and the code make of each other; the extension for VS Code knows what the program knows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diagnostics::{Assumed, FORMATS, Report, Sources, Style};
use rules::docs::{Example, page};

/// Rewrites the page and fails once when it is not current; under CI it only fails.
#[test]
fn the_page_of_rules_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules.md");
    let new = page(&render);
    if std::fs::read_to_string(&path).is_ok_and(|old| old == new) {
        return;
    }
    if std::env::var_os("CI").is_none() {
        std::fs::write(&path, new).expect("rules.md can be written");
    }
    panic!("rules.md was not what the rules' docs make: rewritten, run again");
}

#[test]
fn the_extension_for_vscode_is_current() {
    let text = include_str!("../../editors/vscode/package.json");
    let package: serde_json::Value = serde_json::from_str(text).expect("package.json is JSON");
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    let tools: Vec<&str> = std::iter::once("").chain(engine::tool_names()).collect();
    let settings = &package["contributes"]["configuration"]["properties"];
    assert_eq!(settings["safestep.tool"]["enum"], serde_json::json!(tools), "update the enum in package.json");
}

/// The findings of an example as `lint` prints them.
fn render(example: &Example, _: &syntax::ast::Script, findings: &[rules::Finding]) -> String {
    let path = PathBuf::from("migration.sql");
    let mut sources = Sources::default();
    sources.insert(path.clone(), Arc::from(&*example.sample.sql));
    let findings = findings.iter().map(|finding| diagnostics::Finding {
        rule: finding.rule.name,
        level: finding.level,
        message: finding.message.clone(),
        path: path.clone(),
        section: example.sample.section,
        span: finding.span,
        statement: finding.statement,
        notes: finding.notes.clone(),
        related: finding
            .related
            .iter()
            .map(|(span, message)| diagnostics::Related { path: path.clone(), span: *span, message: message.clone() })
            .collect(),
        docs: String::new(),
        fingerprint: String::new(),
        fix: None,
        withheld: None,
    });
    let report = Report { assumed: Assumed::default(), findings: findings.collect(), ..Report::default() };
    let style = Style { color: false, unicode: true, width: 100 };
    let text = (FORMATS[0].render)(&report, &sources, style).text;
    // The last line counts.
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let lines = lines[..lines.len().saturating_sub(1)].join("\n");
    format!("```text\n{}\n```\n", lines.trim_end())
}
