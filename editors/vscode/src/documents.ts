// The plan and the explanation of a migration, as a preview beside it that follows its text.

import * as path from 'node:path';
import { commands, EventEmitter, type TextDocumentContentProvider, Uri, window, workspace } from 'vscode';

import { type Ask, isSql, type Text } from './protocol';

const SCHEME = 'safestep';
const TITLES = { plan: 'Plan', explain: 'Locks' };
const NOTHING = 'There is nothing to say: the server does not run, or does not know this file.\n';

type What = keyof typeof TITLES;

/** How far a plan goes, as the server calls it. */
const CLASSES = [
  { class: 'safe', label: 'Safe steps' },
  { class: 'unsafe', label: 'Also steps under conditions', detail: 'The plan names the conditions' },
  { class: 'plan', label: 'Also steps in several releases', detail: 'The application is deployed in between' },
];

export class Documents implements TextDocumentContentProvider {
  private readonly changed = new EventEmitter<Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registered = workspace.registerTextDocumentContentProvider(SCHEME, this);

  constructor(private readonly ask: Ask) {}

  /** Of the document named, or else of the one that is looked at. */
  async show(what: What, named: unknown): Promise<void> {
    const active = window.activeTextEditor?.document;
    const uri =
      named instanceof Uri ? named : typeof named === 'string' ? Uri.parse(named) : isSql(active) ? active.uri : undefined;
    if (!uri) {
      void window.showInformationMessage('Safestep: open a migration first.');
      return;
    }
    // Whoever names a document wants its safe steps.
    const asked = what === 'plan' && named === undefined;
    const chosen = asked ? await window.showQuickPick(CLASSES, { placeHolder: 'What the plan may hold' }) : CLASSES[0];
    if (!chosen) return;
    const shown = Uri.from({
      scheme: SCHEME,
      path: `/${TITLES[what]} of ${path.posix.basename(uri.path)}.md`,
      query: JSON.stringify({ what, uri: uri.toString(), class: chosen.class }),
    });
    this.changed.fire(shown);
    await commands.executeCommand('markdown.showPreviewToSide', shown);
  }

  /** What is shown of a document is asked for again. */
  judged(uri: string): void {
    for (const document of workspace.textDocuments) {
      if (document.uri.scheme === SCHEME && subject(document.uri).uri === uri) this.changed.fire(document.uri);
    }
  }

  async provideTextDocumentContent(shown: Uri): Promise<string> {
    const { what, uri, class: of } = subject(shown);
    const text = await this.ask<Text>(`safestep/${what}`, { textDocument: { uri }, class: of });
    return text?.markdown ?? NOTHING;
  }

  dispose(): void {
    this.registered.dispose();
    this.changed.dispose();
  }
}

function subject(shown: Uri): { what: What; uri: string; class: string } {
  return JSON.parse(shown.query) as { what: What; uri: string; class: string };
}
