//! `--format sarif`: SARIF 2.1.0 for code scanning services; only the properties that they read.

use std::path::Path;

use rules::Level;
use serde::Serialize;
use syntax::Span;

use crate::{Edit, Finding, Fix, Format, Output, Report, Sources, wire};

pub(crate) const FORMAT: Format = Format {
    name: "sarif",
    about: "SARIF 2.1.0, for code scanning",
    from_root: true,
    render: |report, sources, _| Output { text: render(report, sources), job_summary: None },
};

fn render(report: &Report, sources: &Sources) -> String {
    let findings = report.in_order();
    let mut rules: Vec<(&str, &str)> = findings.iter().map(|it| (it.rule, it.docs.as_str())).collect();
    rules.sort_unstable();
    rules.dedup_by_key(|(name, _)| *name);
    let results = findings.iter().map(|finding| SarifResult {
        rule_id: finding.rule,
        rule_index: rules.partition_point(|(name, _)| *name < finding.rule),
        level: match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "note",
        },
        message: Message {
            text: std::iter::once(&finding.message).chain(&finding.notes).cloned().collect::<Vec<_>>().join("\n"),
        },
        locations: vec![Location::of(&finding.path, finding.span, None, sources)],
        related_locations: finding
            .related
            .iter()
            .map(|it| Location::of(&it.path, it.span, Some(&it.message), sources))
            .collect(),
        partial_fingerprints: Fingerprints { safestep: &finding.fingerprint },
        fixes: finding.fix.as_ref().and_then(|fix| SarifFix::of(fix, finding, sources)).into_iter().collect(),
    });
    let notification = |path: Option<&Path>, text: &str| Notification {
        level: "note",
        message: Message { text: text.to_owned() },
        locations: path.map(|path| Location::of_file(path, sources)).into_iter().collect(),
    };
    let skipped = report.skipped.iter().map(|(path, reason)| notification(Some(path), &format!("skipped: {reason}")));
    wire::to_json(&Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "safestep",
                    version: env!("CARGO_PKG_VERSION"),
                    rules: rules
                        .iter()
                        .map(|(id, docs)| Rule {
                            id,
                            short_description: rules::find(id)
                                .map(|rule| Message { text: rule.info.summary().to_owned() }),
                            help_uri: Some(*docs).filter(|docs| docs.contains("://")),
                        })
                        .collect(),
                },
            },
            invocations: [Invocation {
                execution_successful: true,
                tool_execution_notifications: skipped
                    .chain(report.notes.iter().map(|note| notification(None, note)))
                    .collect(),
            }],
            column_kind: "unicodeCodePoints",
            results: results.collect(),
        }],
    })
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'a str,
    version: &'a str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    invocations: [Invocation; 1],
    column_kind: &'a str,
    results: Vec<SarifResult<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
struct Driver<'a> {
    name: &'a str,
    version: &'a str,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_description: Option<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'a str,
    rule_index: usize,
    level: &'a str,
    message: Message,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: Fingerprints<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<SarifFix<'a>>,
}

#[derive(Serialize)]
struct Fingerprints<'a> {
    #[serde(rename = "safestep/v1")]
    safestep: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

/// Lines and columns from 1; the end column is behind the last character.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifFix<'a> {
    description: Message,
    artifact_changes: [ArtifactChange<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange<'a> {
    artifact_location: ArtifactLocation,
    replacements: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'a> {
    deleted_region: Region,
    inserted_content: Inserted<'a>,
}

#[derive(Serialize)]
struct Inserted<'a> {
    text: &'a str,
}

impl Location {
    fn of(path: &Path, span: Span, message: Option<&str>, sources: &Sources) -> Self {
        let mut location = Self::of_file(path, sources);
        location.physical_location.region = Some(Region::of(path, span, sources));
        location.message = message.map(|text| Message { text: text.to_owned() });
        location
    }

    fn of_file(path: &Path, sources: &Sources) -> Self {
        let artifact_location = ArtifactLocation { uri: uri(path, sources) };
        Self { physical_location: PhysicalLocation { artifact_location, region: None }, message: None }
    }
}

impl Region {
    fn of(path: &Path, span: Span, sources: &Sources) -> Self {
        let start = wire::position(sources, path, span.start);
        let end = wire::position(sources, path, span.end.max(span.start));
        Self { start_line: start.line, start_column: start.column, end_line: end.line, end_column: end.column }
    }
}

impl<'a> SarifFix<'a> {
    /// Only changes of one existing file can be said. Long fixes, which many findings share, are left out.
    fn of(fix: &'a Fix, finding: &Finding, sources: &Sources) -> Option<Self> {
        let path = &finding.path;
        let replacement = |edit: &'a Edit| Replacement {
            deleted_region: Region::of(path, edit.span, sources),
            inserted_content: Inserted { text: &edit.text },
        };
        (fix.files.is_empty() && fix.edits.len() <= 100).then(|| Self {
            description: Message { text: fix.title.clone() },
            artifact_changes: [ArtifactChange {
                artifact_location: ArtifactLocation { uri: uri(path, sources) },
                replacements: fix.edits.iter().map(replacement).collect(),
            }],
        })
    }
}

/// A relative path as a URI reference (RFC 3986).
fn uri(path: &Path, sources: &Sources) -> String {
    let mut out = String::new();
    for byte in sources.path_name(path).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
