//! `--format gitlab`: a Code Quality report for merge requests.

use rules::Level;
use serde::Serialize;

use crate::{Finding, Format, Output, Sources, wire};

pub(crate) const FORMAT: Format = Format {
    name: "gitlab",
    about: "a GitLab Code Quality report",
    from_root: true,
    render: |report, sources, _| {
        let issues: Vec<Issue> = report.in_order().into_iter().map(|finding| Issue::of(finding, sources)).collect();
        Output { text: wire::to_json(&issues), job_summary: None }
    },
};

#[derive(Serialize)]
struct Issue<'a> {
    description: &'a str,
    check_name: &'a str,
    fingerprint: &'a str,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

/// From 1.
#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

impl<'a> Issue<'a> {
    fn of(finding: &'a Finding, sources: &Sources) -> Self {
        Self {
            description: &finding.message,
            check_name: finding.rule,
            fingerprint: &finding.fingerprint,
            severity: match finding.level {
                Level::Error => "critical",
                Level::Warning => "major",
                Level::Info => "info",
            },
            location: Location {
                path: sources.path_name(&finding.path),
                lines: Lines {
                    begin: wire::position(sources, &finding.path, finding.span.start).line,
                    end: wire::position(sources, &finding.path, finding.span.end.max(finding.span.start)).line,
                },
            },
        }
    }
}
