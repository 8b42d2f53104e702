// Edits of the server, in the shape that the editor can undo.

import type { CodeAction, CreateFile, TextDocumentEdit, WorkspaceEdit } from 'vscode-languageclient/node';

type Change = NonNullable<WorkspaceEdit['documentChanges']>[number];

/** Code actions make files together with what is in them; every other answer stays as it is. */
export function folded<T>(answer: T): T {
  for (const action of Array.isArray(answer) ? answer : [answer]) {
    const edit = (action as Partial<CodeAction> | null | undefined)?.edit;
    if (edit?.documentChanges) edit.documentChanges = together(edit.documentChanges);
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
