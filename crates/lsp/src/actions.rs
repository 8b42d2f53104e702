//! What can be done about a migration, as edits.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use diagnostics::{FileChange, Finding, Fix, Source};
use engine::Class;
use tower_lsp::ls_types::{
    AnnotatedTextEdit, ChangeAnnotation, CodeAction, CodeActionDisabled, CodeActionKind, CodeActionParams,
    CodeActionTriggerKind, Command, CreateFile, DeleteFile, DocumentChangeOperation, DocumentChanges, OneOf,
    OptionalVersionedTextDocumentIdentifier, Position, Range, ResourceOp, TextDocumentEdit, TextEdit, Uri,
    WorkspaceEdit,
};

use crate::Wanted;
use crate::answers::diagnostic;
use crate::world::{Abilities, Judged};

/// What `source.fixAll` is called among the fix-alls of other servers.
const FIX_ALL: CodeActionKind = CodeActionKind::new("source.fixAll.safestep");

const SPLIT: CodeActionKind = CodeActionKind::new("refactor.rewrite.safestep.split");

/// Shows the page of the rule that it is given.
pub const OPEN_RULE: &str = "safestep.openRule";

pub const KINDS: [CodeActionKind; 3] = [CodeActionKind::QUICKFIX, FIX_ALL, SPLIT];

/// Everything that is asked for. Plans are made here, which takes time.
pub fn actions(judged: &Judged, client: Abilities, params: &CodeActionParams, wanted: Wanted) -> Vec<CodeAction> {
    let only = params.context.only.as_deref();
    // A kind asks for everything below it.
    let asked = |kind: &CodeActionKind| {
        let below = |above: &CodeActionKind| {
            let rest = kind.as_str().strip_prefix(above.as_str());
            rest.is_some_and(|rest| above.as_str().is_empty() || rest.is_empty() || rest.starts_with('.'))
        };
        only.is_none_or(|only| only.iter().any(below))
    };
    let mut actions = Vec::new();
    if asked(&CodeActionKind::QUICKFIX) {
        actions.extend(quick_fixes(judged, client, params.range, wanted));
    }
    // Nobody who only moves the cursor asks about the whole file.
    let automatic = params.context.trigger_kind == Some(CodeActionTriggerKind::AUTOMATIC) && only.is_none();
    if !judged.findings.is_empty() && !automatic && wanted() && (asked(&FIX_ALL) || asked(&SPLIT)) {
        let (changes, is_split) = judged.told.as_ref().map(|told| told.fix(Class::Safe)).unwrap_or_default();
        if asked(&FIX_ALL) {
            actions.extend(if is_split { fix_whole(judged, client) } else { fix_all(judged, client, &changes) });
        }
        if asked(&SPLIT) && is_split {
            actions.extend(split(judged, client, &changes));
        }
        if asked(&SPLIT) && !is_split {
            actions.extend(no_split(judged));
        }
    }
    actions
}

/// In a menu for more findings nobody finds anything, and each fix is a plan of the whole migration.
const MANY: usize = 16;

/// What can be done about the findings in a range: each fix once, whatever it is good for. Of many findings only what is done
/// about all of a rule.
fn quick_fixes(judged: &Judged, client: Abilities, range: Range, wanted: Wanted) -> Vec<CodeAction> {
    let (from, to) =
        (client.encoding.offset(&judged.source, range.start), client.encoding.offset(&judged.source, range.end));
    let meets = |finding: &Finding, from: u32, to: u32| finding.span.start <= to && from <= finding.span.end;
    let mut here: Vec<&Finding> = judged.findings.iter().filter(|finding| meets(finding, from, to)).collect();
    // Editors show findings by lines: a cursor asks about its line, and first about what it stands in. A selection asks about
    // its lines when it holds nothing itself.
    if from == to || here.is_empty() {
        let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let (first, last) = (judged.source.line(range.start.line), judged.source.line(range.end.line));
        let (first, last) = (at(first.start), at(last.end));
        let lines = judged.findings.iter().filter(|finding| meets(finding, first, last) && !meets(finding, from, to));
        here.extend(lines);
    }
    let line = |finding: &Finding| judged.source.position(finding.span.start).line;
    let many_lines = here.iter().any(|finding| line(finding) != line(here[0]));
    let named = |finding: &Finding| match many_lines {
        true => format!("{} in line {}", finding.rule, line(finding)),
        false => finding.rule.to_owned(),
    };
    let mut rules: Vec<&str> = Vec::new();
    for finding in &here {
        if !rules.contains(&finding.rule) {
            rules.push(finding.rule);
        }
    }
    if here.len() > MANY {
        here.clear();
    }
    let mut fixes: Vec<(Arc<Fix>, Vec<&Finding>, String)> = Vec::new();
    for finding in here.iter().take_while(|_| wanted()) {
        let Some(fix) = offer(judged, &[*finding]) else { continue };
        match fixes.iter_mut().find(|(known, ..)| *known == fix) {
            Some((_, treated, names)) => {
                if treated.iter().all(|known| known.rule != finding.rule) {
                    let _ = write!(names, ", {}", named(finding));
                }
                treated.push(*finding);
            }
            None => fixes.push((fix, vec![*finding], named(finding))),
        }
    }
    let single = fixes.len();
    for rule in rules.iter().take_while(|_| wanted()) {
        let all: Vec<&Finding> = judged.findings.iter().filter(|finding| finding.rule == *rule).collect();
        let Some(fix) = Some(&all).filter(|all| all.len() > 1).and_then(|all| offer(judged, all)) else { continue };
        if !fixes.iter().any(|(known, ..)| *known == fix) {
            let names = format!("all {} of {rule}", all.len());
            fixes.push((fix, all, names));
        }
    }
    let mut actions: Vec<CodeAction> = Vec::new();
    for (at, (fix, treated, names)) in fixes.iter().enumerate() {
        let class = match fix.class {
            Class::Safe => "",
            Class::Unsafe => " (unsafe)",
            Class::Plan => " (plan: has steps in several releases)",
        };
        let title = format!("Fix {names}: {}{class}{}", fix.title, unless_applied(judged));
        let Some(edit) = fix_edit(judged, client, fix, &title) else { continue };
        actions.push(CodeAction {
            // Not every client shows what edits are for, and a menu has no room for it in those that do.
            title: match client.annotations || fix.assumptions.is_empty() {
                true => title,
                false => format!("{title}. {}", conditions(fix)),
            },
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(treated.iter().map(|finding| diagnostic(judged, client, finding)).collect()),
            edit: Some(edit),
            is_preferred: Some(fix.class == Class::Safe && fix.files.is_empty() && at < single),
            ..CodeAction::default()
        });
    }
    let mut pages = Vec::new();
    for finding in &here {
        let Some((start, _)) = judged.statement_of(finding) else { continue };
        if !engine::rules().any(|rule| rule.info.name == finding.rule) {
            continue;
        }
        actions.push(CodeAction {
            title: format!("Allow {}{}{}", named(finding), if many_lines { "" } else { " here" }, edited(judged)),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![diagnostic(judged, client, finding)]),
            edit: Some(one_file(judged, client, vec![allow(&judged.source, client, finding.rule, start)])),
            ..CodeAction::default()
        });
        if client.shows {
            let title = format!("Open the page of {}", finding.rule);
            pages.push(CodeAction {
                title: title.clone(),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![diagnostic(judged, client, finding)]),
                command: Some(Command::new(title, OPEN_RULE.to_owned(), Some(vec![finding.rule.into()]))),
                ..CodeAction::default()
            });
        }
    }
    actions.extend(pages);
    // Two findings of one rule in a line say the same; whoever wants only the second puts the cursor there.
    let mut titles: HashSet<String> = HashSet::new();
    actions.retain(|action| titles.insert(action.title.clone()));
    actions
}

/// What is true only as long as a migration is not applied says so where nobody knows.
fn unless_applied(judged: &Judged) -> &'static str {
    let unknown = judged.told.as_ref().is_some_and(|told| told.unknown.is_some());
    if unknown { " (if it is not applied yet)" } else { "" }
}

/// What becomes of a migration whose text is edited.
fn edited(judged: &Judged) -> String {
    let Some(told) = judged.told.as_ref().filter(|told| told.checksum) else { return String::new() };
    let tool = judged.sections.first().map_or("its tool", |section| section.tool);
    match told.pending {
        Some(false) => format!(" ({tool} keeps a checksum of this applied file; safestep.toml can allow it instead)"),
        _ => unless_applied(judged).to_owned(),
    }
}

/// The fix of some findings, and of nothing else.
fn offer(judged: &Judged, findings: &[&Finding]) -> Option<Arc<Fix>> {
    judged.told.as_ref().filter(|told| told.pending != Some(false))?.offer(findings)
}

/// All safe fixes at once, where they stay in the document. `changes` is what the engine would write.
fn fix_all(judged: &Judged, client: Abilities, changes: &[FileChange]) -> Option<CodeAction> {
    let [change] = changes else { return None };
    let (Some(old), Some(new)) = (&change.old, &change.new) else { return None };
    if uri_of(judged, &change.path)? != judged.uri || old != judged.source.text() {
        return None;
    }
    Some(CodeAction {
        title: format!("Fix all that is safe{}", unless_applied(judged)),
        kind: Some(FIX_ALL),
        edit: Some(one_file(judged, client, vec![client.encoding.rewrite(&judged.source, new)])),
        ..CodeAction::default()
    })
}

/// The safe fixes that leave in one piece a migration that all of them would take apart.
fn fix_whole(judged: &Judged, client: Abilities) -> Option<CodeAction> {
    let fix = judged.told.as_ref().filter(|told| told.pending != Some(false))?.offer_whole()?;
    let title = format!("Fix what is safe without a split{}", unless_applied(judged));
    Some(CodeAction {
        edit: Some(fix_edit(judged, client, &fix, &title)?),
        title,
        kind: Some(FIX_ALL),
        ..CodeAction::default()
    })
}

const SPLIT_TITLE: &str = "Split this migration into safe steps";

/// All safe fixes at once, where they take the migration apart.
fn split(judged: &Judged, client: Abilities, changes: &[FileChange]) -> Option<CodeAction> {
    let edit = match fix_all(judged, client, changes) {
        Some(one_file) => one_file.edit?,
        None => files_edit(judged, client, changes, annotation(SPLIT_TITLE))?,
    };
    let title = format!("{SPLIT_TITLE}{}", unless_applied(judged));
    Some(CodeAction { title, kind: Some(SPLIT), edit: Some(edit), ..CodeAction::default() })
}

/// Why there is no split.
fn no_split(judged: &Judged) -> Option<CodeAction> {
    let told = judged.told.as_ref()?;
    let reason = match told.pending {
        Some(false) => "the migration is already applied".to_owned(),
        _ => told.plan(Class::Safe).0.into_iter().flat_map(|it| it.withheld).next()?.reason,
    };
    Some(CodeAction {
        title: SPLIT_TITLE.to_owned(),
        kind: Some(SPLIT),
        disabled: Some(CodeActionDisabled { reason }),
        ..CodeAction::default()
    })
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

fn conditions(fix: &Fix) -> String {
    format!("Provided: {}", fix.assumptions.join(" "))
}

/// `None` when the client cannot do what the fix needs.
fn fix_edit(judged: &Judged, client: Abilities, fix: &Fix, title: &str) -> Option<WorkspaceEdit> {
    let mut annotation = annotation(title);
    if !fix.assumptions.is_empty() {
        annotation.description = Some(conditions(fix));
    }
    // What rests on conditions is shown before it is made.
    annotation.needs_confirmation = Some(fix.class != Class::Safe);
    if !fix.files.is_empty() {
        return files_edit(judged, client, &fix.files, annotation);
    }
    let edits = fix.edits.iter().map(|edit| {
        let range = client.encoding.range(&judged.source, edit.span.start, edit.span.end);
        TextEdit::new(range, edit.text.clone())
    });
    let mut edit = one_file(judged, client, edits.collect());
    let told = client.annotations && fix.class != Class::Safe;
    if let (true, Some(DocumentChanges::Edits(changes))) = (told, &mut edit.document_changes) {
        for edit in changes.iter_mut().flat_map(|change| &mut change.edits) {
            if let OneOf::Left(text_edit) = edit.clone() {
                *edit = OneOf::Right(AnnotatedTextEdit { text_edit, annotation_id: ANNOTATION.to_owned() });
            }
        }
        edit.change_annotations = Some(HashMap::from([(ANNOTATION.to_owned(), annotation)]));
    }
    Some(edit)
}

/// The name of the one annotation that all parts of an edit have.
const ANNOTATION: &str = "safestep";

/// What the parts of an edit are for.
fn annotation(title: &str) -> ChangeAnnotation {
    ChangeAnnotation {
        label: title.to_owned(),
        // Steps belong together. A client that asks about each of them would let its user leave some out; it shows them before
        // it writes them when it is asked to.
        needs_confirmation: Some(false),
        description: Some("The steps run in this order, each as a migration of its own".to_owned()),
    }
}

/// Files written, created and deleted. `None` when the client cannot do that.
fn files_edit(
    judged: &Judged,
    client: Abilities,
    changes: &[FileChange],
    annotation: ChangeAnnotation,
) -> Option<WorkspaceEdit> {
    if !client.document_changes {
        return None;
    }
    let mut operations = Vec::new();
    for change in changes {
        operations.extend(change_operations(judged, client, change)?);
    }
    Some(WorkspaceEdit {
        document_changes: Some(DocumentChanges::Operations(operations)),
        change_annotations: client.annotations.then(|| HashMap::from([(ANNOTATION.to_owned(), annotation)])),
        ..WorkspaceEdit::default()
    })
}

fn change_operations(judged: &Judged, client: Abilities, change: &FileChange) -> Option<Vec<DocumentChangeOperation>> {
    let path = judged.files.absolute(&change.path);
    let version = judged.open.get(&path).map(|(_, version)| *version);
    let uri = uri_of(judged, &change.path)?;
    let annotation_id = client.annotations.then(|| ANNOTATION.to_owned());
    let edit = |uri: Uri, version: Option<i32>, edit: TextEdit| {
        let edit = match &annotation_id {
            Some(id) => OneOf::Right(AnnotatedTextEdit { text_edit: edit, annotation_id: id.clone() }),
            None => OneOf::Left(edit),
        };
        let text_document = OptionalVersionedTextDocumentIdentifier { uri, version };
        DocumentChangeOperation::Edit(TextDocumentEdit { text_document, edits: vec![edit] })
    };
    Some(match (&change.old, &change.new) {
        (Some(old), Some(new)) => {
            vec![edit(uri, version, client.encoding.rewrite(&Source::new(old.as_str().into()), new))]
        }
        (None, Some(new)) if client.create => {
            let create = CreateFile { uri: uri.clone(), options: None, annotation_id: annotation_id.clone() };
            // The end lies behind the only line and counts as its end. By that Neovim knows that the text's last line break
            // is the line's own, and does not add another one.
            let nothing = Range::new(Position::new(0, 0), Position::new(0, 1));
            let fill = edit(uri, None, TextEdit::new(nothing, new.clone()));
            vec![DocumentChangeOperation::Op(ResourceOp::Create(create)), fill]
        }
        (Some(_), None) if client.delete => {
            let delete = DeleteFile { uri, options: None, annotation_id: annotation_id.clone() };
            vec![DocumentChangeOperation::Op(ResourceOp::Delete(delete))]
        }
        (None, None) => Vec::new(),
        _ => return None,
    })
}

/// Edits of the document itself.
fn one_file(judged: &Judged, client: Abilities, edits: Vec<TextEdit>) -> WorkspaceEdit {
    if client.document_changes {
        let text_document =
            OptionalVersionedTextDocumentIdentifier { uri: judged.uri.clone(), version: Some(judged.version) };
        let edit = TextDocumentEdit { text_document, edits: edits.into_iter().map(OneOf::Left).collect() };
        return WorkspaceEdit {
            document_changes: Some(DocumentChanges::Edits(vec![edit])),
            ..WorkspaceEdit::default()
        };
    }
    WorkspaceEdit { changes: Some(HashMap::from([(judged.uri.clone(), edits)])), ..WorkspaceEdit::default() }
}

/// As the client spells it, where it has the file open.
fn uri_of(judged: &Judged, path: &Path) -> Option<Uri> {
    let path = judged.files.absolute(path);
    match judged.open.get(&path) {
        Some((uri, _)) => Some(uri.clone()),
        None => Uri::from_file_path(&path),
    }
}
