// What the editor says at its lower edge about the file that is open.

import * as path from 'node:path';
import { languages, LanguageStatusSeverity, MarkdownString, StatusBarAlignment, type TextDocument, ThemeColor, window, workspace } from 'vscode';

import { isSql, type Status } from './protocol';

/** Where nobody else is told that a file is left alone: behind the braces beside the language. */
const QUIET = [
  { scheme: 'file', pattern: '**/*.sql' },
  { scheme: 'untitled', language: 'sql' },
];

export class StatusItems {
  private readonly item = window.createStatusBarItem('safestep', StatusBarAlignment.Left, -100);
  private readonly quiet = languages.createLanguageStatusItem('safestep', QUIET);

  constructor() {
    this.item.name = 'Safestep';
    this.quiet.name = 'Safestep';
  }

  /** The server is down, and why. */
  fail(told: string): void {
    this.item.text = '$(error) Safestep';
    this.item.tooltip = told;
    this.item.command = { command: 'safestep.restart', title: 'Restart' };
    this.item.backgroundColor = new ThemeColor('statusBarItem.errorBackground');
    this.item.show();
    this.quiet.text = 'Safestep does not run';
    this.quiet.detail = told;
    this.quiet.severity = LanguageStatusSeverity.Error;
    this.quiet.command = { command: 'safestep.restart', title: 'Restart' };
  }

  /** Migrations have an item of their own; nothing is said at the edge about other files. */
  show(document: TextDocument | undefined, status: Status | undefined): void {
    this.item.backgroundColor = undefined;
    this.quiet.severity = LanguageStatusSeverity.Information;
    if (isSql(document) && status?.wrong) {
      this.item.text = '$(error) Safestep cannot judge this file';
      this.item.tooltip = status.wrong;
      this.item.command = { command: 'safestep.explain', title: 'Explain' };
      this.item.backgroundColor = new ThemeColor('statusBarItem.errorBackground');
      this.item.show();
      this.quiet.text = 'Safestep cannot judge this file';
      this.quiet.detail = status.wrong;
      this.quiet.severity = LanguageStatusSeverity.Error;
      this.quiet.command = this.item.command;
      return;
    }
    if (!isSql(document) || !status?.migration) {
      this.item.hide();
      this.quiet.text = status ? 'Safestep: not a migration' : 'Safestep';
      this.quiet.detail = status && 'nothing is reported here';
      this.quiet.command = {
        command: 'workbench.action.openSettings',
        title: 'Look at All SQL Files',
        arguments: ['safestep.lintAllSqlFiles'],
      };
      return;
    }
    this.item.text = `$(${icon(status)}) ${[status.tool, postgres(status), counts(status)].filter(Boolean).join(' \u00b7 ')}`;
    this.item.tooltip = tooltip(document, status);
    this.item.command = { command: 'safestep.showTimeline', title: 'Show Lock Timeline' };
    this.item.show();
    this.quiet.text = this.item.text;
    this.quiet.detail = status.because;
    this.quiet.command = { command: 'safestep.showTimeline', title: 'Timeline' };
  }

  dispose(): void {
    this.item.dispose();
    this.quiet.dispose();
  }
}

function icon(status: Status): string {
  if (status.errors > 0) return 'error';
  if (status.warnings > 0) return 'warning';
  return status.infos > 0 ? 'info' : 'pass';
}

function postgres(status: Status): string {
  return status.postgres ? `PostgreSQL ${status.postgres.replace('-', '\u2013')}` : '';
}

function counts(status: Status): string {
  const count = (of: number, name: string) => (of === 0 ? [] : [`${of} ${name}${of === 1 ? '' : 's'}`]);
  const told = [...count(status.errors, 'error'), ...count(status.warnings, 'warning'), ...count(status.infos, 'note')];
  return told.length === 0 ? 'safe' : told.join(', ');
}

function tooltip(document: TextDocument, status: Status): MarkdownString {
  const unknown = workspace.isTrusted ? 'applied or not: git cannot tell' : 'applied or not: git is asked in trusted workspaces only';
  const pending = { true: 'pending', false: 'applied: never rewritten', null: unknown }[`${status.pending ?? null}`];
  const told = new MarkdownString('', true);
  told.isTrusted = { enabledCommands: ['safestep.split', 'safestep.showTimeline', 'safestep.showPlan', 'safestep.explain'] };
  told.appendMarkdown('**Safestep**: ').appendText(path.basename(document.fileName));
  if (pending) told.appendText(` (${pending})`);
  told.appendMarkdown('\n\n').appendText([status.tool, postgres(status)].filter(Boolean).join(', '));
  if (status.because) told.appendText(`: ${status.because}`);
  told.appendMarkdown('\n\n').appendText(counts(status));
  told.appendMarkdown(
    '\n\n[Timeline](command:safestep.showTimeline) \u00b7 [Plan](command:safestep.showPlan) \u00b7 ' +
      '[Explain](command:safestep.explain) \u00b7 [Split](command:safestep.split)',
  );
  return told;
}
