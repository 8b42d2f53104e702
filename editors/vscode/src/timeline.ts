// The lock timeline: the migration as it is and as it would be, drawn by the server, in step with the cursor.

import { type Disposable, Range, type TextEditor, Uri, ViewColumn, type Webview, type WebviewPanel, window } from 'vscode';

import { type Ask, type Drawings, isSql, type Place, type Span } from './protocol';

const VIEW = 'safestep.timeline';
/** Milliseconds without a change before a large migration is drawn anew: the server plans all of it for that. */
const PAUSE = 400;
const OPTIONS = { enableScripts: true, localResourceRoots: [] as Uri[] };

export class Timeline {
  private panel: WebviewPanel | undefined;
  /** The document that is drawn. It stays when the editor is left for something that is no SQL. */
  private shown: string | undefined;
  private asked = 0;
  private pause: NodeJS.Timeout | undefined;
  private readonly media: Uri;
  private readonly registered: Disposable[];

  constructor(
    extension: Uri,
    private readonly ask: Ask,
  ) {
    this.media = Uri.joinPath(extension, 'media');
    this.registered = [
      // As it was when the window was closed.
      window.registerWebviewPanelSerializer(VIEW, {
        deserializeWebviewPanel: async (panel) => {
          this.panel?.dispose();
          this.adopt(panel);
        },
      }),
      window.onDidChangeTextEditorSelection(({ textEditor }) => this.follow(textEditor)),
    ];
  }

  show(): void {
    this.look();
    if (this.panel) {
      this.panel.reveal(undefined, true);
    } else {
      this.adopt(window.createWebviewPanel(VIEW, 'Lock Timeline', { viewColumn: ViewColumn.Beside, preserveFocus: true }, OPTIONS));
    }
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
    if (uri !== this.shown) return;
    clearTimeout(this.pause);
    this.pause = setTimeout(() => void this.draw(), PAUSE);
  }

  dispose(): void {
    clearTimeout(this.pause);
    for (const it of this.registered) it.dispose();
    this.panel?.dispose();
  }

  private adopt(panel: WebviewPanel): void {
    this.panel = panel;
    panel.iconPath = Uri.joinPath(this.media, 'timeline.svg');
    panel.webview.options = { ...OPTIONS, localResourceRoots: [this.media] };
    // The page says when it is there, and when it is there again; then which statement is clicked.
    panel.webview.onDidReceiveMessage((said: Place | 'ready') => (said === 'ready' ? this.draw() : this.go(said)));
    panel.onDidDispose(() => {
      if (this.panel === panel) this.panel = undefined;
    });
    panel.webview.html = page(panel.webview, this.media);
  }

  private async draw(): Promise<void> {
    if (!this.panel?.visible) return;
    const uri = this.shown;
    const asked = ++this.asked;
    if (uri) await this.panel.webview.postMessage({ drawing: true });
    const drawings = uri && (await this.ask<Drawings>('safestep/timeline', { textDocument: { uri } }));
    // A later question has its own answer.
    if (asked !== this.asked) return;
    await this.panel.webview.postMessage({ drawings: drawings || null });
    const editor = window.visibleTextEditors.find((it) => it.document.uri.toString() === uri);
    if (editor) await this.follow(editor);
  }

  private async go(place: Place): Promise<void> {
    const uri = this.shown;
    const range = uri && (await this.ask<Span>('safestep/rangeOf', { textDocument: { uri }, ...place }));
    if (!range) return;
    const selection = new Range(range.start.line, range.start.character, range.start.line, range.start.character);
    const viewColumn = window.visibleTextEditors.find((it) => it.document.uri.toString() === uri)?.viewColumn;
    await window.showTextDocument(Uri.parse(uri), { viewColumn: viewColumn ?? ViewColumn.One, selection });
  }

  private async follow(editor: TextEditor): Promise<void> {
    if (!this.panel?.visible || editor.document.uri.toString() !== this.shown) return;
    const position = editor.selection.active;
    const place = await this.ask<Place>('safestep/statementAt', { textDocument: { uri: this.shown }, position });
    // The cursor may be elsewhere by now.
    if (position.isEqual(editor.selection.active)) await this.panel?.webview.postMessage({ place: place ?? null });
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
<figure id="down" hidden></figure>
</body>
</html>`;
}
