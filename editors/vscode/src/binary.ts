// Where the program is.

import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import * as path from 'node:path';
import { commands, env, type LogOutputChannel, Uri, window, workspace } from 'vscode';

const HELP = 'https://github.com/safestep/safestep#readme';
const NAME = process.platform === 'win32' ? 'safestep.exe' : 'safestep';

export type Found = { path: string; because: string } | { missing: string };

/** The one of the settings, else the one that came with the extension, else the one on the path. */
export function find(extension: string): Found {
  // In a workspace that is not trusted the editor leaves out what the workspace says.
  const asked = workspace.getConfiguration('safestep').get<string>('path', '').trim();
  if (asked !== '') {
    const expanded = expand(asked);
    if (runs(expanded)) return { path: expanded, because: 'safestep.path' };
    return { missing: `safestep.path names no program: ${expanded}` };
  }
  const bundled = path.join(extension, 'bin', NAME);
  if (runs(bundled)) return { path: bundled, because: 'bundled' };
  for (const directory of (process.env['PATH'] ?? '').split(path.delimiter)) {
    // What is relative would be looked for in whatever folder is open.
    const candidate = path.join(directory, NAME);
    if (path.isAbsolute(directory) && runs(candidate)) return { path: candidate, because: 'on PATH' };
  }
  return { missing: 'the safestep program is neither in the extension nor on PATH' };
}

/** Says that there is no server, with what can be done about it. */
export async function complain(told: string, output: LogOutputChannel): Promise<void> {
  const chosen = await window.showErrorMessage(`Safestep: ${told}.`, 'Open Settings', 'How to Install', 'Show Output');
  if (chosen === 'Open Settings') await commands.executeCommand('workbench.action.openSettings', 'safestep.path');
  if (chosen === 'How to Install') await env.openExternal(Uri.parse(HELP));
  if (chosen === 'Show Output') output.show();
}

function expand(asked: string): string {
  const folder = workspace.workspaceFolders?.[0]?.uri.fsPath ?? homedir();
  const expanded = asked.replace(/^~(?=$|[\\/])/, homedir()).replaceAll('${workspaceFolder}', folder);
  return path.resolve(folder, expanded);
}

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
