//! What `explain` tells: the traces of the migrations that were asked for.

use std::path::PathBuf;
use std::sync::Arc;

use model::trace::Trace;
use rules::Section;
use syntax::Span;
use syntax::ast::Script;

use crate::view::View;

/// One section of one file.
#[derive(Debug)]
pub struct ExplainedSection {
    pub path: PathBuf,
    pub text: Arc<str>,
    pub section: Section,
    /// Sections divide their file without gaps.
    pub span: Span,
    pub script: Arc<Script>,
    pub trace: Trace,
    /// As messages call it.
    pub tool: &'static str,
    pub postgres: (u32, u32),
}

pub(crate) fn explain(view: View) -> Vec<ExplainedSection> {
    let mut explained = Vec::new();
    for history in view.histories {
        for file in history.files {
            let migration = &history.history.migrations[file.migration];
            for section in file.sections {
                let unit = &migration.units[section.unit];
                explained.push(ExplainedSection {
                    path: unit.path.clone(),
                    text: unit.text.clone(),
                    section: crate::findings::section(unit.section),
                    span: unit.span,
                    script: section.script,
                    trace: section.trace,
                    tool: history.history.tool.label,
                    postgres: crate::view::range(&history.settings.majors),
                });
            }
        }
    }
    explained
}

/// How the sections were judged.
#[must_use]
pub fn assumed(sections: &[ExplainedSection]) -> diagnostics::Assumed {
    let mut tools: Vec<&str> = sections.iter().map(|section| section.tool).collect();
    tools.sort_unstable();
    tools.dedup();
    let postgres = sections.iter().map(|section| section.postgres).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    diagnostics::Assumed {
        guessed: false,
        tool: tools.join(", "),
        postgres: postgres.unwrap_or(crate::view::range(&model::trace::MAJORS)),
    }
}
