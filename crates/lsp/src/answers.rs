//! What the engine says, as the protocol wants it.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use diagnostics::{FileChange, Finding, Fix, Source};
use engine::{Class, Level};
use tower_lsp::ls_types::{
    CodeAction, CodeActionKind, CodeDescription, Command, CreateFile, DeleteFile, Diagnostic,
    DiagnosticRelatedInformation, DiagnosticSeverity, DocumentChangeOperation, DocumentChanges, Hover, HoverContents,
    InlayHint, InlayHintLabel, Location, MarkupContent, MarkupKind, NumberOrString, OneOf,
    OptionalVersionedTextDocumentIdentifier, Position, Range, ResourceOp, TextDocumentEdit, TextEdit, Uri,
    WorkspaceEdit,
};

use crate::world::{Abilities, Judged, explained};

/// What `source.fixAll` is called among the fix-alls of other servers.
pub const FIX_ALL: CodeActionKind = CodeActionKind::new("source.fixAll.safestep");

/// Shows the page of the rule that it is given.
pub const OPEN_RULE: &str = "safestep.openRule";

pub fn diagnostics(judged: &Judged, client: Abilities) -> Vec<Diagnostic> {
    judged.findings.iter().map(|finding| diagnostic(judged, client, finding)).collect()
}

fn diagnostic(judged: &Judged, client: Abilities, finding: &Finding) -> Diagnostic {
    let mut message = finding.message.clone();
    for note in finding.notes.iter().chain(&finding.withheld) {
        let _ = write!(message, "\n{note}");
    }
    let related = finding.related.iter().filter(|_| client.related).filter_map(|related| {
        let source = judged.sources.get(&related.path)?;
        let range = client.encoding.range(source, related.span.start, related.span.end);
        let uri = uri_of(judged, &related.path)?;
        Some(DiagnosticRelatedInformation { location: Location { uri, range }, message: related.message.clone() })
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
        related_information: (!related.is_empty()).then_some(related),
        ..Diagnostic::default()
    }
}

/// What can be done about the findings in a range.
pub fn quick_fixes(judged: &Judged, client: Abilities, range: Range) -> Vec<CodeAction> {
    let (from, to) =
        (client.encoding.offset(&judged.source, range.start), client.encoding.offset(&judged.source, range.end));
    let here: Vec<&Finding> =
        judged.findings.iter().filter(|finding| finding.span.start <= to && from <= finding.span.end).collect();
    let mut actions = Vec::new();
    let mut done: Vec<&Arc<Fix>> = Vec::new();
    for fix in here.iter().filter_map(|finding| finding.fix.as_ref()) {
        if done.iter().any(|known| Arc::ptr_eq(known, fix)) {
            continue;
        }
        done.push(fix);
        let Some(edit) = fix_edit(judged, client, fix) else { continue };
        let removes = |finding: &&Finding| finding.fix.as_ref().is_some_and(|other| Arc::ptr_eq(other, fix));
        let removed = judged.findings.iter().filter(removes);
        actions.push(CodeAction {
            title: title(fix),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(removed.map(|finding| diagnostic(judged, client, finding)).collect()),
            edit: Some(edit),
            is_preferred: Some(fix.class == Class::Safe && fix.files.is_empty()),
            ..CodeAction::default()
        });
    }
    let mut allowed: Vec<(&str, u32)> = Vec::new();
    let mut opened: Vec<&str> = Vec::new();
    for finding in here {
        let Some((start, _)) = judged.statement_of(finding) else { continue };
        if allowed.contains(&(finding.rule, start)) || !engine::rules().any(|rule| rule.info.name == finding.rule) {
            continue;
        }
        allowed.push((finding.rule, start));
        actions.push(CodeAction {
            title: format!("Allow {} here", finding.rule),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![diagnostic(judged, client, finding)]),
            edit: Some(one_file(judged, client, vec![allow(&judged.source, client, finding.rule, start)])),
            ..CodeAction::default()
        });
        if !client.shows || opened.contains(&finding.rule) {
            continue;
        }
        opened.push(finding.rule);
        let title = format!("Open the page of {}", finding.rule);
        actions.push(CodeAction {
            title: title.clone(),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![diagnostic(judged, client, finding)]),
            command: Some(Command::new(title, OPEN_RULE.to_owned(), Some(vec![finding.rule.into()]))),
            ..CodeAction::default()
        });
    }
    actions
}

/// The title as a sentence, with what the fix asks of its reader.
fn title(fix: &Fix) -> String {
    let mut letters = fix.title.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let class = match fix.class {
        Class::Safe => "",
        Class::Unsafe => " (unsafe: read its conditions)",
        Class::Plan => " (plan: has steps in several releases)",
    };
    format!("{first}{}{class}", letters.as_str())
}

/// A directive on a line of its own above the statement, or before it where it shares its line. Its reason is to be written.
fn allow(source: &Source, client: Abilities, rule: &str, start: u32) -> TextEdit {
    let text = source.text();
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let before = &text[..start as usize];
    let line = before.rfind('\n').map_or(before, |at| &before[at + 1..]);
    let directive = format!("-- safestep: allow({rule}) because ...{end}");
    let new = if line.trim_start_matches('\u{feff}').trim().is_empty() {
        format!("{directive}{}", line.trim_start_matches('\u{feff}'))
    } else {
        format!("{end}{directive}")
    };
    TextEdit::new(client.encoding.range(source, start, start), new)
}

/// `None` when the client cannot do what the fix needs.
fn fix_edit(judged: &Judged, client: Abilities, fix: &Fix) -> Option<WorkspaceEdit> {
    let own = fix
        .edits
        .iter()
        .map(|edit| {
            let range = client.encoding.range(&judged.source, edit.span.start, edit.span.end);
            TextEdit::new(range, edit.text.clone())
        })
        .collect::<Vec<_>>();
    if fix.files.is_empty() {
        return Some(one_file(judged, client, own));
    }
    if !client.document_changes {
        return None;
    }
    let path = judged.sections.first().map(|section| section.path.clone());
    let told = fix.files.iter().any(|change| Some(judged.files.absolute(&change.path)) == path);
    let mut operations = Vec::new();
    if !told && !own.is_empty() {
        operations.push(edit_of(judged.uri.clone(), Some(judged.version), own));
    }
    for change in &fix.files {
        operations.extend(change_operations(judged, client, change)?);
    }
    Some(WorkspaceEdit { document_changes: Some(DocumentChanges::Operations(operations)), ..WorkspaceEdit::default() })
}

fn change_operations(judged: &Judged, client: Abilities, change: &FileChange) -> Option<Vec<DocumentChangeOperation>> {
    let path = judged.files.absolute(&change.path);
    let open = judged.open.get(&path);
    let uri = uri_of(judged, &change.path)?;
    let version = open.map(|(_, version)| *version);
    Some(match (&change.old, &change.new) {
        (Some(old), Some(new)) => {
            let edit = client.encoding.rewrite(&Source::new(old.as_str().into()), new);
            vec![edit_of(uri, version, vec![edit])]
        }
        (None, Some(new)) if client.create => {
            let create = CreateFile { uri: uri.clone(), options: None, annotation_id: None };
            let start = Range::new(Position::new(0, 0), Position::new(0, 0));
            let fill = edit_of(uri, None, vec![TextEdit::new(start, new.clone())]);
            vec![DocumentChangeOperation::Op(ResourceOp::Create(create)), fill]
        }
        (Some(_), None) if client.delete => {
            let delete = DeleteFile { uri, options: None, annotation_id: None };
            vec![DocumentChangeOperation::Op(ResourceOp::Delete(delete))]
        }
        (None, None) => Vec::new(),
        _ => return None,
    })
}

fn edit_of(uri: Uri, version: Option<i32>, edits: Vec<TextEdit>) -> DocumentChangeOperation {
    DocumentChangeOperation::Edit(text_edit(uri, version, edits))
}

fn text_edit(uri: Uri, version: Option<i32>, edits: Vec<TextEdit>) -> TextDocumentEdit {
    TextDocumentEdit {
        text_document: OptionalVersionedTextDocumentIdentifier { uri, version },
        edits: edits.into_iter().map(OneOf::Left).collect(),
    }
}

/// Edits of the document itself.
fn one_file(judged: &Judged, client: Abilities, edits: Vec<TextEdit>) -> WorkspaceEdit {
    if client.document_changes {
        let edit = text_edit(judged.uri.clone(), Some(judged.version), edits);
        return WorkspaceEdit {
            document_changes: Some(DocumentChanges::Edits(vec![edit])),
            ..WorkspaceEdit::default()
        };
    }
    WorkspaceEdit { changes: Some(HashMap::from([(judged.uri.clone(), edits)])), ..WorkspaceEdit::default() }
}

/// All safe fixes at once, where they stay in the document. `changes` is what the engine would write.
pub fn fix_all(judged: &Judged, client: Abilities, changes: &[FileChange]) -> Option<CodeAction> {
    let [change] = changes else { return None };
    let (Some(old), Some(new)) = (&change.old, &change.new) else { return None };
    if uri_of(judged, &change.path)? != judged.uri || old != judged.source.text() {
        return None;
    }
    Some(CodeAction {
        title: "Fix all that is safe".to_owned(),
        kind: Some(FIX_ALL),
        edit: Some(one_file(judged, client, vec![client.encoding.rewrite(&judged.source, new)])),
        ..CodeAction::default()
    })
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
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }),
        range: Some(client.encoding.range(&judged.source, statement.span.start, statement.end)),
    })
}

/// The strongest lock behind each statement that takes one.
pub fn inlay_hints(judged: &Judged, client: Abilities, range: Range) -> Vec<InlayHint> {
    let (from, to) =
        (client.encoding.offset(&judged.source, range.start), client.encoding.offset(&judged.source, range.end));
    let mut hints = Vec::new();
    for section in &judged.sections {
        for (index, statement) in section.script.statements.iter().enumerate() {
            if statement.end < from || statement.end > to {
                continue;
            }
            let Some(lock) = diagnostics::explain::strongest_lock(&explained(section), index) else { continue };
            hints.push(InlayHint {
                position: client.encoding.position(&judged.source, statement.end),
                label: InlayHintLabel::String(lock),
                kind: None,
                text_edits: None,
                tooltip: None,
                padding_left: Some(true),
                padding_right: None,
                data: None,
            });
        }
    }
    hints
}

/// As the client spells it, where it has the file open.
fn uri_of(judged: &Judged, path: &Path) -> Option<Uri> {
    let path = judged.files.absolute(path);
    match judged.open.get(&path) {
        Some((uri, _)) => Some(uri.clone()),
        None => Uri::from_file_path(&path),
    }
}
