//! What `explain` tells: the traces of the migrations that were asked for.

use std::path::PathBuf;
use std::sync::Arc;

use diagnostics::Planned;
use model::trace::Trace;
use rules::Section;
use syntax::Span;
use syntax::ast::Script;

use crate::view::{FileView, HistoryView, SectionView, View};

/// One section of one file.
#[derive(Clone, Debug)]
pub struct ExplainedSection {
    pub path: PathBuf,
    pub text: Arc<str>,
    pub section: Section,
    /// Sections divide their file without gaps.
    pub span: Span,
    pub script: Arc<Script>,
    pub trace: Arc<Trace>,
    /// As messages call it.
    pub tool: &'static str,
    pub postgres: (u32, u32),
}

/// A migration beside what its rewrite would run instead.
#[derive(Debug)]
pub struct Comparison {
    pub before: Vec<ExplainedSection>,
    /// What [`Engine::plan`](crate::Engine::plan) tells about it.
    pub planned: Option<Planned>,
    /// The first sections of the files that would be written, as they run; empty when nothing is rewritten.
    pub after: Vec<ExplainedSection>,
}

pub(crate) fn explain(view: &View) -> Vec<ExplainedSection> {
    let histories = view.histories.iter();
    histories.flat_map(|history| history.files.iter().flat_map(|file| sections(history, file))).collect()
}

pub(crate) fn sections(history: &HistoryView, file: &FileView) -> Vec<ExplainedSection> {
    let migration = history.migration(file);
    let explained = |section: &SectionView| {
        let unit = &migration.units[section.unit];
        ExplainedSection {
            path: unit.path.clone(),
            text: unit.text.clone(),
            section: crate::findings::section(unit.section),
            span: unit.span,
            script: Arc::clone(&section.script),
            trace: Arc::clone(&section.trace),
            tool: history.history.tool.label,
            postgres: crate::view::range(&history.settings.majors),
        }
    };
    file.sections.iter().map(explained).collect()
}

/// How the sections were judged.
#[must_use]
pub fn assumed<'a>(sections: impl IntoIterator<Item = &'a ExplainedSection>) -> diagnostics::Assumed {
    let (mut tools, versions): (Vec<&str>, Vec<(u32, u32)>) =
        sections.into_iter().map(|section| (section.tool, section.postgres)).unzip();
    tools.sort_unstable();
    tools.dedup();
    let postgres = versions.into_iter().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    diagnostics::Assumed {
        guessed: false,
        tool: tools.join(", "),
        postgres: postgres.unwrap_or(crate::view::range(&model::trace::MAJORS)),
    }
}
