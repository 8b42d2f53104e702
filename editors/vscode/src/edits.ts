// Edits of the server, in the shape that the editor can undo.

import { Selection, window, workspace } from 'vscode';
import type { CodeAction, CreateFile, LanguageClient, TextDocumentEdit, WorkspaceEdit } from 'vscode-languageclient/node';

/** Selects the reason of a suppression that was just written, so that typing gives one. */
export const REASON = 'safestep.selectReason';
const UNWRITTEN = /-- safestep: allow\(.*\) because (?=\.\.\.$)/;

type Change = NonNullable<WorkspaceEdit['documentChanges']>[number];

/** Makes an edit when what it rests on is confirmed. */
export const CONFIRM = 'safestep.confirm';

/** Code actions make files together with what is in them; every other answer stays as it is. */
export function folded<T>(answer: T): T {
  for (const action of (Array.isArray(answer) ? answer : [answer]) as (CodeAction | null | undefined)[]) {
    const edit = action?.edit;
    if (edit?.documentChanges) edit.documentChanges = together(edit.documentChanges);
    const unsure = Object.values(edit?.changeAnnotations ?? {}).find((annotation) => annotation.needsConfirmation);
    if (action && edit && unsure) {
      // The editor would show each part by itself, not ticked, and nothing of what they rest on.
      unsure.needsConfirmation = false;
      action.command = { command: CONFIRM, title: action.title, arguments: [edit, unsure.label, unsure.description] };
      delete action.edit;
    }
    if (edit && action?.title?.startsWith('Allow ')) action.command ??= { command: REASON, title: action.title };
  }
  return answer;
}

/**
 * The editor forgets the text of a file that it makes empty and fills afterwards, and with it how to undo both. The client
 * hands the options on as they are, and the editor knows `contents` among them.
 */
function together(changes: Change[]): Change[] {
  const made = new Map<string, CreateFile>();
  return changes.filter((change) => {
    if ('kind' in change) {
      if (change.kind === 'create') made.set(change.uri, change);
      return true;
    }
    const file = made.get(change.textDocument.uri);
    const text = file && only(change);
    if (!file || text === undefined) return true;
    file.options = Object.assign({}, file.options, { contents: Buffer.from(text) });
    made.delete(file.uri);
    return false;
  });
}

/** The whole text that an edit gives to an empty file. */
function only(edit: TextDocumentEdit): string | undefined {
  const [first, ...others] = edit.edits;
  return first && 'newText' in first && others.length === 0 ? first.newText : undefined;
}

export async function confirm(client: LanguageClient, edit: WorkspaceEdit, label: string, detail?: string): Promise<void> {
  const chosen = await window.showWarningMessage(`${label}?`, { modal: true, ...(detail ? { detail } : {}) }, 'Apply');
  if (!chosen) return;
  await workspace.applyEdit(await client.protocol2CodeConverter.asWorkspaceEdit(edit), { isRefactoring: true });
}

/** The cursor stands in the statement below the new line, or in one further down where many were selected. */
export function selectReason(): void {
  const editor = window.activeTextEditor;
  if (!editor) return;
  for (let line = editor.selection.end.line; line >= 0; line--) {
    const text = editor.document.lineAt(line).text;
    const before = UNWRITTEN.exec(text);
    if (!before) continue;
    editor.selection = new Selection(line, before.index + before[0].length, line, text.length);
    editor.revealRange(editor.selection);
    return;
  }
}
