// Starts the language server and what surrounds it: commands, status, the lock timeline.

import { type ChildProcess, spawn } from 'node:child_process';
import { commands, type ExtensionContext, type LogOutputChannel, type TextDocument, window, workspace } from 'vscode';
import { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn, type WorkspaceEdit } from 'vscode-languageclient/node';

import * as binary from './binary';
import { Documents } from './documents';
import { CONFIRM, confirm, folded, REASON, selectReason } from './edits';
import { SELECTOR, type Status, STATUS, statusOf } from './protocol';
import { StatusItems } from './status';
import { Timeline } from './timeline';

/** A server that ends more often than this within that many milliseconds stays down until somebody asks. */
const RESTARTS = 3;
const WITHIN = 3 * 60_000;
/** A program that says nothing for so many milliseconds is no language server. */
const ANSWERS = 20_000;

export async function activate(context: ExtensionContext): Promise<void> {
  const output = window.createOutputChannel('Safestep', { log: true });
  const session = new Session(context, output);
  context.subscriptions.push(output, session);

  const command = (name: string, run: (...given: never[]) => unknown) =>
    context.subscriptions.push(commands.registerCommand(`safestep.${name}`, run));
  const action = (kind: string) => () =>
    commands.executeCommand('editor.action.codeAction', { kind, apply: 'first', preferred: false });
  command('split', action('refactor.rewrite.safestep.split'));
  command('fixFile', action('source.fixAll.safestep'));
  command('showTimeline', () => session.timeline.show());
  command('showPlan', (uri?: unknown) => session.documents.show('plan', uri));
  command('explain', (uri?: unknown) => session.documents.show('explain', uri));
  command('restart', () => session.restart());
  command('showOutput', () => output.show());
  context.subscriptions.push(
    commands.registerCommand(REASON, selectReason),
    commands.registerCommand(CONFIRM, (edit: WorkspaceEdit, label: string, detail?: string) => session.confirm(edit, label, detail)),
  );

  context.subscriptions.push(
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('safestep.path')) void session.restart();
    }),
    workspace.onDidGrantWorkspaceTrust(() => session.restart()),
    workspace.onDidCloseTextDocument((document) => session.forget(document)),
    window.onDidChangeActiveTextEditor(() => session.look()),
  );
  await session.start();
}

/** One run of the server after the other, and what shows what it says. */
class Session {
  readonly documents: Documents;
  readonly timeline: Timeline;
  private readonly status = new StatusItems();
  private readonly statuses = new Map<string, Status>();
  private looked: TextDocument | undefined;
  private client: LanguageClient | undefined;
  private child: ChildProcess | undefined;
  /** Ends the wait for a server that starts; nothing is complained of where no reason is given. */
  private abandon: ((why?: string) => void) | undefined;
  /** Starts and stops follow one another. */
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: ExtensionContext,
    private readonly output: LogOutputChannel,
  ) {
    const ask = <T>(method: string, parameters: object) => this.ask<T>(method, parameters);
    this.documents = new Documents(ask);
    this.timeline = new Timeline(context.extensionUri, ask);
  }

  start(): Promise<void> {
    return this.next(() => this.up());
  }

  restart(): Promise<void> {
    this.abandon?.();
    return this.next(async () => {
      await this.down();
      await this.up();
    });
  }

  dispose(): Promise<void> {
    this.abandon?.();
    return this.next(async () => {
      await this.down();
      for (const part of [this.documents, this.timeline, this.status]) part.dispose();
    });
  }

  /** Shows what is known about the editor that is looked at now. */
  look(): void {
    // Neither a preview nor the output is an editor: what it stands beside is still looked at.
    const beside = window.visibleTextEditors.find((editor) => editor.document === this.looked);
    const active = window.activeTextEditor;
    this.looked = (active?.document.uri.scheme === 'output' ? beside : (active ?? beside))?.document;
    const status = this.looked && this.statuses.get(this.looked.uri.toString());
    void commands.executeCommand('setContext', 'safestep.migration', status?.migration ?? false);
    if (this.client) this.status.show(this.looked, status);
    this.timeline.look();
  }

  confirm(edit: WorkspaceEdit, label: string, detail?: string): Promise<void> | undefined {
    return this.client && confirm(this.client, edit, label, detail);
  }

  forget(document: TextDocument): void {
    this.statuses.delete(document.uri.toString());
  }

  private next(step: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(step).catch((error: unknown) => this.output.error(String(error)));
    return this.turn;
  }

  private async up(): Promise<void> {
    const found = binary.find(this.context.extensionPath);
    if ('missing' in found) {
      this.fail(found.missing);
      return;
    }
    this.output.info(`${found.path} lsp (${found.because})`);
    const client = this.clientOf(found.path);
    client.onNotification(STATUS, (said: unknown) => this.told(said));
    const abandoned = new Promise<never>((_, reject) => {
      this.abandon = (why) => reject(why);
    });
    const late = setTimeout(() => this.abandon?.(`no answer within ${ANSWERS / 1000} seconds`), ANSWERS);
    try {
      await Promise.race([client.start(), abandoned]);
    } catch (error) {
      if (error !== undefined) {
        this.output.error(String(error));
        this.fail(`${found.path} does not start as a language server`);
      }
      this.child?.kill('SIGKILL');
      await client.dispose().catch(() => undefined);
      return;
    } finally {
      clearTimeout(late);
      this.abandon = undefined;
    }
    this.client = client;
    await commands.executeCommand('setContext', 'safestep.running', true);
    this.look();
  }

  private clientOf(path: string): LanguageClient {
    // What a workspace configures for git may start programs, so git is not found until the workspace is trusted.
    const env = workspace.isTrusted ? process.env : { ...process.env, PATH: '', Path: '' };
    let ends: number[] = [];
    return new Client(
      'safestep',
      'Safestep',
      () => this.spawned(path, env),
      {
        documentSelector: SELECTOR,
        middleware: {
          sendRequest: async (type, parameters, token, next) => folded(await next(type, parameters, token)),
        },
        synchronize: { configurationSection: 'safestep' },
        outputChannel: this.output,
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        diagnosticCollectionName: 'safestep',
        markdown: { supportHtml: false },
        initializationFailedHandler: () => false,
        errorHandler: {
          error: () => ({ action: ErrorAction.Continue, handled: true }),
          closed: () => {
            ends = [...ends.filter((end) => Date.now() - end < WITHIN), Date.now()];
            const again = this.client !== undefined && ends.length <= RESTARTS;
            if (!again && this.client) this.fail(`the server ended ${ends.length} times`);
            return { action: again ? CloseAction.Restart : CloseAction.DoNotRestart, handled: true };
          },
        },
      },
    );
  }

  /** The client kills no server that never answered, so the process is ours. */
  private spawned(path: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
    const child = spawn(path, ['lsp'], { env, cwd: workspace.workspaceFolders?.[0]?.uri.fsPath });
    this.child = child;
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child));
    });
  }

  private fail(told: string): void {
    this.output.error(told);
    this.status.fail(told);
    void binary.complain(told, this.output);
  }

  private async down(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.statuses.clear();
    await commands.executeCommand('setContext', 'safestep.running', false);
    // The client waits for a while, then a server that does not answer is killed.
    await client?.dispose().catch((error: unknown) => this.output.warn(String(error)));
    this.child?.kill();
    this.child = undefined;
  }

  private told(said: unknown): void {
    const status = statusOf(said);
    if (!status) return;
    this.statuses.set(status.uri, status);
    this.look();
    this.timeline.judged(status.uri);
    this.documents.judged(status.uri);
  }

  /** Asks the server, and gives nothing when it is down, too old to know the question, or busy. */
  private async ask<T>(method: string, parameters: object): Promise<T | undefined> {
    try {
      return (await this.client?.sendRequest<T | null>(method, parameters)) ?? undefined;
    } catch (error) {
      this.output.debug(`${method}: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }
}

/** Its troubles go to the output; what a user should know of them is said in our words. */
class Client extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}
