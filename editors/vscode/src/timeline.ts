// The lock timeline: the migration as it is and as it would be, drawn by the server, in step with the cursor.

import {
  commands,
  type Disposable,
  type TextEditor,
  Uri,
  type Webview,
  type WebviewView,
  type WebviewViewProvider,
  window,
} from 'vscode';

import { type Ask, type Drawings, isSql, type Place } from './protocol';

const VIEW = 'safestep.timeline';

export class Timeline implements WebviewViewProvider {
  private view: WebviewView | undefined;
  /** The document that is drawn. It stays when the editor is left for something that is no SQL. */
  private shown: string | undefined;
  private asked = 0;
  private readonly registered: Disposable[];

  constructor(
    private readonly extension: Uri,
    private readonly ask: Ask,
  ) {
    this.registered = [
      window.registerWebviewViewProvider(VIEW, this),
      window.onDidChangeTextEditorSelection(({ textEditor }) => this.follow(textEditor)),
    ];
  }

  show(): Thenable<void> {
    return commands.executeCommand(`${VIEW}.focus`, { preserveFocus: true });
  }

  resolveWebviewView(view: WebviewView): void {
    this.view = view;
    const media = Uri.joinPath(this.extension, 'media');
    view.webview.options = { enableScripts: true, localResourceRoots: [media] };
    view.webview.onDidReceiveMessage(() => this.draw());
    view.onDidChangeVisibility(() => this.draw());
    view.onDidDispose(() => {
      this.view = undefined;
    });
    view.webview.html = page(view.webview, media);
  }

  /** Another editor may be looked at now. */
  look(): void {
    const document = window.activeTextEditor?.document;
    if (!isSql(document) || document.uri.toString() === this.shown) return;
    this.shown = document.uri.toString();
    void this.draw();
  }

  /** The server knows a document anew. */
  judged(uri: string): void {
    if (uri === this.shown) void this.draw();
  }

  dispose(): void {
    for (const it of this.registered) it.dispose();
  }

  private async draw(): Promise<void> {
    if (!this.view?.visible) return;
    const uri = this.shown;
    const asked = ++this.asked;
    const drawings = uri && (await this.ask<Drawings>('safestep/timeline', { textDocument: { uri } }));
    // A later question has its own answer.
    if (asked !== this.asked) return;
    await this.view.webview.postMessage({ drawings: drawings || null });
    const editor = window.visibleTextEditors.find((it) => it.document.uri.toString() === uri);
    if (editor) this.follow(editor);
  }

  private async follow(editor: TextEditor): Promise<void> {
    if (!this.view?.visible || editor.document.uri.toString() !== this.shown) return;
    const position = editor.selection.active;
    const place = await this.ask<Place>('safestep/statementAt', { textDocument: { uri: this.shown }, position });
    // The cursor may be elsewhere by now.
    if (position.isEqual(editor.selection.active)) await this.view?.webview.postMessage({ place: place ?? null });
  }
}

function page(webview: Webview, media: Uri): string {
  const file = (name: string) => webview.asWebviewUri(Uri.joinPath(media, name)).toString();
  const source = webview.cspSource;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${source} 'unsafe-inline'; script-src ${source}">
<link rel="stylesheet" href="${file('timeline.css')}">
<script defer src="${file('timeline.js')}"></script>
</head>
<body>
<p id="empty">Open a migration to see which locks it takes, and for how long.</p>
<figure id="before" hidden></figure>
<figure id="after" hidden></figure>
</body>
</html>`;
}
