//! What the engine says, as the protocol wants it.

use std::fmt::Write;
use std::str::FromStr;
use std::sync::Arc;

use diagnostics::{Finding, Source};
use engine::{Error, Level};
use tower_lsp::ls_types::{
    ClientCapabilities, CodeDescription, CodeLens, Command, Diagnostic, DiagnosticRelatedInformation,
    DiagnosticSeverity, DiagnosticTag, Hover, HoverContents, InlayHint, InlayHintLabel, InlayHintTooltip, Location,
    NumberOrString, Position, Range, ResourceOperationKind, Uri,
};

use crate::convert::Encoding;
use crate::markup;
use crate::world::{Abilities, Judged, Refresh, explained};

/// Its findings are about directives that do nothing: editors draw them faint.
const UNUSED: &str = "unused-suppression";

/// Shows the steps that a fix would write, in clients that know the command.
pub const SHOW_PLAN: &str = "safestep.showPlan";

/// What of the client's abilities makes a difference to us.
pub fn abilities(capabilities: &ClientCapabilities) -> Abilities {
    let encodings = capabilities.general.as_ref().and_then(|it| it.position_encodings.as_deref());
    let workspace = capabilities.workspace.as_ref();
    let edit = workspace.and_then(|it| it.workspace_edit.as_ref());
    let operations = edit.and_then(|edit| edit.resource_operations.as_deref()).unwrap_or_default();
    let document = capabilities.text_document.as_ref();
    let completion = document.and_then(|it| it.completion.as_ref()?.completion_item.as_ref());
    let publish = document.and_then(|it| it.publish_diagnostics.as_ref());
    let watches = workspace.and_then(|it| it.did_change_watched_files.as_ref());
    let configuration = workspace.and_then(|it| it.did_change_configuration.as_ref());
    Abilities {
        encoding: Encoding::agree(encodings),
        related: publish.and_then(|it| it.related_information).unwrap_or_default(),
        // Operations stand among document changes, so who says only the first (Neovim) takes the second.
        document_changes: edit.and_then(|edit| edit.document_changes).unwrap_or(!operations.is_empty()),
        watches: watches.and_then(|it| it.dynamic_registration).unwrap_or_default(),
        create: operations.contains(&ResourceOperationKind::Create),
        delete: operations.contains(&ResourceOperationKind::Delete),
        // An edit changes what is said about other documents, so who cannot be asked to pull again (Neovim) is pushed at.
        pulls: document.is_some_and(|it| it.diagnostic.is_some())
            && workspace.and_then(|it| it.diagnostics.as_ref()?.refresh_support).unwrap_or_default(),
        refresh: Refresh {
            inlay_hints: workspace.and_then(|it| it.inlay_hint.as_ref()?.refresh_support).unwrap_or_default(),
            code_lenses: workspace.and_then(|it| it.code_lens.as_ref()?.refresh_support).unwrap_or_default(),
        },
        progress: capabilities.window.as_ref().and_then(|it| it.work_done_progress).unwrap_or_default(),
        disabled: document.and_then(|it| it.code_action.as_ref()?.disabled_support).unwrap_or_default(),
        annotations: edit.is_some_and(|edit| edit.change_annotation_support.is_some()),
        configuration: workspace.and_then(|it| it.configuration).unwrap_or_default(),
        watches_configuration: configuration.and_then(|it| it.dynamic_registration).unwrap_or_default(),
        plain_hover: markup::is_plain(document.and_then(|it| it.hover.as_ref()?.content_format.as_deref())),
        plain_completion: markup::is_plain(completion.and_then(|it| it.documentation_format.as_deref())),
        shows: capabilities.window.as_ref().and_then(|it| it.show_document.as_ref()).is_some_and(|it| it.support),
    }
}

pub fn diagnostics(judged: &Judged, client: Abilities) -> Vec<Diagnostic> {
    judged.findings.iter().map(|finding| diagnostic(judged, client, finding)).collect()
}

pub fn diagnostic(judged: &Judged, client: Abilities, finding: &Finding) -> Diagnostic {
    let mut message = finding.message.clone();
    for note in finding.notes.iter().chain(&finding.withheld) {
        let _ = write!(message, "\n{note}");
    }
    let related = finding.related.iter().filter(|_| client.related).map(|related| {
        // Rules look at one section of one file.
        let range = client.encoding.range(&judged.source, related.span.start, related.span.end);
        DiagnosticRelatedInformation {
            location: Location { uri: judged.uri.clone(), range },
            message: related.message.clone(),
        }
    });
    let related: Vec<_> = related.collect();
    Diagnostic {
        range: client.encoding.range(&judged.source, finding.span.start, finding.span.end),
        severity: Some(match finding.level {
            Level::Error => DiagnosticSeverity::ERROR,
            Level::Warning => DiagnosticSeverity::WARNING,
            Level::Info => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(finding.rule.to_owned())),
        code_description: Uri::from_str(&finding.docs).ok().map(|href| CodeDescription { href }),
        source: Some("safestep".to_owned()),
        message,
        tags: (finding.rule == UNUSED).then(|| vec![DiagnosticTag::UNNECESSARY]),
        related_information: (!related.is_empty()).then_some(related),
        ..Diagnostic::default()
    }
}

/// What the statement at a place locks, whom that stops, and what the rules say about it.
pub fn hover(judged: &Judged, client: Abilities, position: Position) -> Option<Hover> {
    let (section, at) = judged.statement_at(client.encoding.offset(&judged.source, position))?;
    let statement = &section.script.statements[at];
    let mut value = diagnostics::explain::markdown(&explained(section), at, section.tool);
    let about = |finding: &&Finding| finding.section == section.section && finding.statement == at;
    for (index, finding) in judged.findings.iter().filter(about).enumerate() {
        let gap = if index == 0 { "\n" } else { "" };
        let _ = writeln!(value, "{gap}- [{}]({}): {}", finding.rule, finding.docs, finding.message);
    }
    let conflicts = diagnostics::explain::conflicts(&explained(section), at);
    if !conflicts.is_empty() {
        let _ = write!(value, "\n{conflicts}");
    }
    Some(Hover {
        contents: HoverContents::Markup(markup::content(client.plain_hover, value)),
        range: Some(client.encoding.range(&judged.source, statement.span.start, statement.end)),
    })
}

/// The strongest lock behind each statement that takes one.
pub fn inlay_hints(judged: &Judged, client: Abilities, range: Range) -> Vec<InlayHint> {
    let (from, to) =
        (client.encoding.offset(&judged.source, range.start), client.encoding.offset(&judged.source, range.end));
    let mut hints = Vec::new();
    for section in judged.sections.iter() {
        for (index, statement) in section.script.statements.iter().enumerate() {
            if statement.end < from || statement.end > to {
                continue;
            }
            let Some(lock) = diagnostics::explain::strongest_lock(&explained(section), index) else { continue };
            hints.push(InlayHint {
                position: client.encoding.position(&judged.source, statement.end),
                label: InlayHintLabel::String(lock.short),
                kind: None,
                text_edits: None,
                tooltip: Some(InlayHintTooltip::String(lock.full)),
                padding_left: Some(true),
                padding_right: None,
                data: None,
            });
        }
    }
    hints
}

/// What a migration does to its tool's users, above its first statement: how many findings, and the way to the plan, which may
/// have steps or say why there are none: to make it takes too long for a line that is drawn after every keystroke.
pub fn code_lenses(judged: &Judged, client: Abilities) -> Vec<CodeLens> {
    let Some(first) = judged.sections.iter().find_map(|section| section.script.statements.first()) else {
        return Vec::new();
    };
    let count = |level| judged.findings.iter().filter(|finding| finding.level == level).count();
    let words = [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Info, "note")].map(|(level, word)| {
        let count = count(level);
        (count > 0).then(|| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
    });
    let words: Vec<String> = words.into_iter().flatten().collect();
    let is_applied = judged.told.as_ref().is_some_and(|told| told.pending == Some(false));
    if words.is_empty() || is_applied {
        return Vec::new();
    }
    vec![CodeLens {
        range: client.encoding.range(&judged.source, first.span.start, first.span.end),
        command: Some(Command {
            title: format!("{}: show the plan", words.join(", ")),
            command: SHOW_PLAN.to_owned(),
            arguments: Some(vec![judged.uri.as_str().into()]),
        }),
        data: None,
    }]
}

/// What is wrong with a file that others are judged by; without its text it is told at its beginning.
pub fn error(error: &Error, text: Option<&Arc<str>>, client: Abilities) -> Diagnostic {
    let range = match (error.position, text) {
        (Some(position), Some(text)) => {
            let source = Source::new(Arc::clone(text));
            client.encoding.range(&source, position.span.start, position.span.end)
        }
        (Some(position), None) => {
            let number = |number: usize| u32::try_from(number - 1).unwrap_or(u32::MAX);
            let start = Position::new(number(position.line), number(position.column));
            Range::new(start, start)
        }
        (None, _) => Range::default(),
    };
    Diagnostic {
        range,
        severity: Some(DiagnosticSeverity::ERROR),
        source: Some("safestep".to_owned()),
        message: error.message.clone(),
        ..Diagnostic::default()
    }
}
