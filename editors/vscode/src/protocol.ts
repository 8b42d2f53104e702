// What the server says beyond the language server protocol.

import { type TextDocument, Uri } from 'vscode';

/** What the server looks at: also SQL that is on no disk yet, and its own settings. */
export const SELECTOR = [
  { scheme: 'file', language: 'sql' },
  // Other extensions give such files languages of their own.
  { scheme: 'file', pattern: '**/*.sql' },
  { scheme: 'untitled', language: 'sql' },
  { scheme: 'file', pattern: '**/safestep.toml' },
];

/** What a document is taken for; clients may ignore names that begin so. */
export const STATUS = '$/safestep/status';

/** What was found in a document each time it was judged. */
export interface Status {
  uri: string;
  tool?: string;
  /** Why it is taken for that tool. */
  because?: string;
  postgres?: string;
  pending?: boolean | null;
  errors: number;
  warnings: number;
  infos: number;
  migration: boolean;
  /** What keeps it from being judged. */
  wrong?: string | null;
}

/** `safestep/timeline`: drawings, the second one of what would become of the migration. */
export interface Drawings {
  before: string;
  after: string | null;
  down: string | null;
  title: string;
}

/** `safestep/statementAt`: the statement at a place of a document, and what `safestep/rangeOf` asks for. */
export interface Place {
  section: 'up' | 'down';
  statement: number;
}

/** `safestep/rangeOf`: where a statement stands. */
export interface Span {
  start: { line: number; character: number };
  end: { line: number; character: number };
}

/** `safestep/plan` and `safestep/explain`. */
export interface Text {
  markdown: string;
}

/** Sends a request, and gives nothing when there is no answer to it. */
export type Ask = <T>(method: string, parameters: object) => Promise<T | undefined>;

/** Spelled as the editor spells its documents; nothing when it is no status. */
export function statusOf(said: unknown): Status | undefined {
  const status = said as Status | undefined;
  if (typeof status?.uri !== 'string') return undefined;
  return { ...status, uri: Uri.parse(status.uri).toString() };
}

export function isSql(document: TextDocument | undefined): document is TextDocument {
  if (document?.uri.scheme === 'untitled') return document.languageId === 'sql';
  return document?.uri.scheme === 'file' && (document.languageId === 'sql' || document.uri.path.endsWith('.sql'));
}
