//! Requests of our own, for views that the protocol has no word for.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use diagnostics::timeline::{Compared, Theme};
use diagnostics::{Explained, Planned, Sources};
use engine::{Class, ExplainedSection, Level, Section};
use serde::{Deserialize, Serialize};
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::notification::Notification;
use tower_lsp::ls_types::{Range, TextDocumentIdentifier, TextDocumentPositionParams, Uri};

use crate::Server;
use crate::world::{Judged, Refused, explained};

/// `$/safestep/status`: what a document is taken for, whenever something new is said about it. Clients that do not know it ignore
/// it, as the protocol says of such names.
pub enum Status {}

impl Notification for Status {
    type Params = StatusParams;
    const METHOD: &'static str = "$/safestep/status";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusParams {
    pub uri: Uri,
    /// It is judged: a migration, or a file that somebody asked about.
    pub migration: bool,
    /// As messages call it; empty when nothing is judged.
    pub tool: String,
    /// What the tool is known by.
    pub because: String,
    /// `14-18`, or `16`.
    pub postgres: String,
    /// Not applied anywhere as far as git knows; `null` when git cannot tell.
    pub pending: Option<bool>,
    pub errors: usize,
    pub warnings: usize,
    pub infos: usize,
    /// What keeps it from being judged: errors of other files.
    pub wrong: Option<String>,
}

pub fn status(judged: &Judged) -> StatusParams {
    let count = |level| judged.findings.iter().filter(|finding| finding.level == level).count();
    let section = judged.sections.first();
    let is_file = judged.uri.as_str().starts_with("file:");
    let majors = |(from, to): (u32, u32)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    StatusParams {
        uri: judged.uri.clone(),
        migration: judged.told.is_some(),
        tool: section.map_or_else(String::new, |section| section.tool.to_owned()),
        // That nothing is known of a buffer without a file needs no reason.
        because: judged.told.as_ref().filter(|_| is_file).map_or_else(String::new, |told| told.because.clone()),
        postgres: section.map_or_else(String::new, |section| majors(section.postgres)),
        pending: judged.told.as_ref().and_then(|told| told.pending),
        errors: count(Level::Error),
        warnings: count(Level::Warning),
        infos: count(Level::Info),
        wrong: match &judged.refused {
            Refused::Wrong(errors) => Some(errors.clone()),
            Refused::No | Refused::Skipped(_) => None,
        },
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentParams {
    text_document: TextDocumentIdentifier,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanParams {
    text_document: TextDocumentIdentifier,
    /// `safe` (when it is not said), `unsafe` or `plan`.
    class: Option<String>,
}

/// The lock timeline, as pictures.
#[derive(Debug, Serialize)]
pub struct Timeline {
    /// The file, as a person would write it.
    title: String,
    /// As the migration is.
    before: String,
    /// As its safe steps would run; `null` when there are none.
    after: Option<String>,
    /// Its Down section, if there is one.
    down: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Page {
    markdown: String,
}

/// A statement of a document.
#[derive(Debug, Serialize, Deserialize)]
pub struct StatementOf {
    section: SectionName,
    /// From 0, in its section.
    statement: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SectionName {
    Up,
    Down,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementParams {
    text_document: TextDocumentIdentifier,
    #[serde(flatten)]
    of: StatementOf,
}

impl Server {
    /// The statement at a place, for a picture that follows the cursor.
    pub async fn statement_at(&self, params: TextDocumentPositionParams) -> Result<Option<StatementOf>> {
        let encoding = self.shared.client().encoding;
        let judged = self.shared.judged(&params.text_document.uri).await;
        Ok(judged.and_then(|judged| {
            let (section, statement) = judged.statement_at(encoding.offset(&judged.source, params.position))?;
            Some(StatementOf { section: section_name(section), statement })
        }))
    }

    /// The place of a statement, for a picture that leads to it.
    pub async fn range_of(&self, params: StatementParams) -> Result<Option<Range>> {
        let encoding = self.shared.client().encoding;
        let judged = self.shared.judged(&params.text_document.uri).await;
        Ok(judged.and_then(|judged| {
            let section = judged.sections.iter().find(|section| section_name(section) == params.of.section)?;
            let statement = section.script.statements.get(params.of.statement)?;
            Some(encoding.range(&judged.source, statement.span.start, statement.end))
        }))
    }

    /// The lock timeline of a migration and of its safe steps.
    pub async fn timeline(&self, params: DocumentParams) -> Result<Option<Timeline>> {
        let drawn = self.shared.planned(&params.text_document.uri, |judged, _| {
            let told = judged.told.as_ref()?;
            let path = &judged.sections.first()?.path;
            let (up, down) = judged.sections.split_at(1);
            let after = told.compare(Class::Safe).into_iter().next().filter(|it| !it.after.is_empty());
            Some(Timeline {
                title: judged.files.display(path),
                before: picture(judged, up, None),
                after: after.map(|it| picture(judged, &it.after, it.planned.as_ref())),
                down: (!down.is_empty()).then(|| picture(judged, down, None)),
            })
        });
        Ok(drawn.await.flatten())
    }

    /// The steps that a fix would write, with the locks before and after.
    pub async fn plan(&self, params: PlanParams) -> Result<Option<Page>> {
        let class = match params.class.as_deref() {
            None | Some("safe") => Class::Safe,
            Some("unsafe") => Class::Unsafe,
            Some("plan") => Class::Plan,
            Some(other) => {
                let message = format!("class is safe, unsafe or plan, not {other}");
                return Err(Error::invalid_params(message));
            }
        };
        let planned = self.shared.planned(&params.text_document.uri, move |judged, _| {
            let Some(told) = &judged.told else { return why_none(judged) };
            let (planned, sources) = told.plan(class);
            let mut markdown = diagnostics::plan::markdown(&planned, &sources);
            if told.pending == Some(false) {
                markdown.insert_str(0, "The migration is already applied, so nothing of this is written.\n\n");
            } else if let Some(why) = &told.unknown {
                let _ =
                    write!(markdown, "\nThis is for a migration that is not applied yet, which is not known: {why}.\n");
            }
            Page { markdown }
        });
        Ok(planned.await)
    }

    /// What each statement locks, and whom that stops.
    pub async fn explain(&self, params: DocumentParams) -> Result<Option<Page>> {
        let judged = self.shared.judged(&params.text_document.uri).await;
        Ok(judged.map(|judged| if judged.told.is_none() { why_none(&judged) } else { page(&judged) }))
    }
}

fn section_name(section: &ExplainedSection) -> SectionName {
    match section.section {
        Section::Up => SectionName::Up,
        Section::Down => SectionName::Down,
    }
}

/// A picture of sections as they are, or of those that a plan would write.
fn picture(judged: &Judged, sections: &[ExplainedSection], planned: Option<&Planned>) -> String {
    let mut sources = Sources::default();
    let shown = sections.iter().map(|section| PathBuf::from(judged.files.display(&section.path)));
    let shown: Vec<PathBuf> = shown.collect();
    for (section, path) in sections.iter().zip(&shown) {
        sources.insert(path.clone(), Arc::clone(&section.text));
    }
    let drawn = sections.iter().zip(&shown).map(|(section, path)| Explained { path, ..explained(section) }).collect();
    let (before, after) = if planned.is_some() { (Vec::new(), drawn) } else { (drawn, Vec::new()) };
    let compared = Compared { before, planned, after, after_sources: sources.clone() };
    diagnostics::timeline::svg(&[compared], &engine::assumed(sections), &sources, Theme::Editor)
}

/// Why nothing is said about a file, and what to do where that is wrong.
fn why_none(judged: &Judged) -> Page {
    let config = engine::CONFIG_FILE;
    Page {
        markdown: match &judged.refused {
            Refused::Skipped(reason) => format!("This file is left alone: it {reason}.\n"),
            Refused::Wrong(errors) => format!("This file cannot be judged until this is mended: {errors}.\n"),
            Refused::No => format!(
                "This file is left alone: neither its name, its place nor its text is that of a migration.\n\n\
                 - If it is one, name its directory in `{config}`, as in `dirs = [\"db/changes\"]`; where the tool that runs it \
                 cannot be found out either, `safestep.tool` names it.\n\
                 - With the setting `safestep.lintAllSqlFiles` it is looked at all the same.\n"
            ),
        },
    }
}

fn page(judged: &Judged) -> Page {
    let mut markdown = String::new();
    for section in judged.sections.iter() {
        let title = match section.section {
            Section::Up => "Up",
            Section::Down => "Down",
        };
        let _ = writeln!(markdown, "# {title}");
        for (at, statement) in section.script.statements.iter().enumerate() {
            let _ = writeln!(markdown, "\n{}", diagnostics::fenced(&statement.parsed.text));
            markdown.push_str(&diagnostics::explain::markdown(&explained(section), at, section.tool));
        }
    }
    Page { markdown }
}
