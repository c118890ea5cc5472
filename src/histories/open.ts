/** Opens a file of histories whatever its layout: records or commits, recognised by the fields of the first line. */
import { join } from 'node:path';
import { IdiolectError } from '../common/errors.ts';
import { exists } from '../common/files.ts';
import { parseJson } from '../common/json.ts';
import { printable } from '../common/printable.ts';
import { readBytes } from './bytes.ts';
import { COMMIT_FIELDS, readCommits } from './commits.ts';
import { isCsv } from './csv.ts';
import { conversationHint, importCommand } from './import-command.ts';
import { type ReadOptions, readHistories } from './jsonl.ts';
import { readLines } from './lines.ts';
import type { HistoryRecord } from './record.ts';
import { tableColumns } from './table.ts';

export type Layout = 'records' | 'commits';

const FIELDS: Record<Layout, readonly string[]> = {
  records: ['user', 'input', 'output'],
  commits: COMMIT_FIELDS,
};

/**
 * Reads JSON Lines of records ({user, input, output, ...}) or of commits ({user, files, diff, subject, ...}), plain or
 * gzip. The first line that is not blank decides for the whole file.
 *
 * @throws IdiolectError DATA where the first line is of neither layout (listing the fields expected and found), and as
 *   `readHistories` does.
 */
export async function* openHistories(path: string, options: ReadOptions = {}): AsyncGenerator<HistoryRecord> {
  const layout = await detectLayout(path);
  yield* layout === 'commits' ? readCommits(path, options) : readHistories(path, options);
}

/**
 * The layout of a JSON Lines file. A layout matches when the first line has all of its fields. A line that is no JSON
 * object at all, and an empty file, count as records: reading them so gives the error that fits.
 *
 * @throws IdiolectError DATA where no layout matches.
 */
export async function detectLayout(path: string): Promise<Layout> {
  await refuseOtherKinds(path);
  for await (const line of readLines(path)) {
    if (line.text?.trim() === '') continue;
    if (line.text?.trimStart().startsWith('[')) {
      const importers = 'Read files of LaMP with idiolect import lamp, of OPPU with idiolect import oppu';
      throw new IdiolectError(
        'DATA',
        `${path} is a JSON list, not JSON Lines. ${importers}; else write one object a line.`,
      );
    }
    const first = objectOf(line.text ?? '');
    if (!first) {
      if (line.text !== null && /[,;\t|]/.test(line.text) && (await isCsv(path)))
        throw csvProblem(path, await tableColumns(path));
      return 'records';
    }
    // Records first: a line that is both says itself what its input is.
    for (const layout of ['records', 'commits'] as const) {
      if (FIELDS[layout].every(field => field in first)) return layout;
    }
    // A record with one field missing is a bad record, not an unknown layout.
    if (FIELDS.records.filter(field => field in first).length === 2) return 'records';
    const found = Object.keys(first).slice(0, 12).join(', ') || 'none';
    const expected = `{${FIELDS.records.join(', ')}} (records) or {${FIELDS.commits.join(', ')}} (commits)`;
    const hint = readerFor(path, first);
    throw new IdiolectError(
      'DATA',
      `${path}:${line.number}: expected the fields ${expected}; found: ${printable(found)}. ${hint}`,
    );
  }
  return 'records';
}

function csvProblem(path: string, columns: readonly string[]): IdiolectError {
  return new IdiolectError(
    'DATA',
    `${path} is not JSON Lines; it looks like a table. Import it first: ${importCommand(path, columns)}`,
  );
}

/** @throws IdiolectError DATA naming the reader of a git repository or a Parquet file */
async function refuseOtherKinds(path: string): Promise<void> {
  if (await exists(join(path, '.git'))) {
    throw new IdiolectError(
      'DATA',
      `${path} is a git repository. Import it first: idiolect import git ${path} --out FILE`,
    );
  }
  for await (const piece of readBytes(path)) {
    if (Buffer.from(piece.subarray(0, 4)).toString('latin1') !== 'PAR1') return;
    const reader = 'idiolect import longlamp reads those of LongLaMP';
    throw new IdiolectError('DATA', `${path} is a Parquet file. ${reader}; save any other as JSON Lines or CSV.`);
  }
}

/** What reads JSON Lines of these fields; chats name nobody as their author, so no command can be given for them. */
function readerFor(path: string, first: object): string {
  return conversationHint(first) || `Import it first: ${importCommand(path, Object.keys(first))}`;
}

function objectOf(text: string): object | null {
  try {
    const value = parseJson(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
