/** Opens a file of histories whatever its layout: records or commits, told by the fields of the first line. */
import { IdiolectError } from '../common/errors.ts';
import { parseJson } from '../common/json.ts';
import { printable } from '../common/printable.ts';
import { COMMIT_FIELDS, readCommits } from './commits.ts';
import { isCsv } from './csv.ts';
import { importCommand } from './import-command.ts';
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
  for await (const line of readLines(path)) {
    if (line.text?.trim() === '') continue;
    if (line.text?.trimStart().startsWith('[')) {
      const importers = 'LaMP and OPPU files are read by their importers';
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
    const hint = readerFor(path, Object.keys(first));
    throw new IdiolectError(
      'DATA',
      `${path}:${line.number}: expected the fields ${expected}; found: ${printable(found)}.${hint}`,
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

/** What reads JSON Lines of these fields; chats name nobody as their author, so no command can be given for them. */
function readerFor(path: string, fields: readonly string[]): string {
  const chat = ['messages', 'conversations'].find(field => fields.includes(field));
  if (chat === undefined) return ` Import it first: ${importCommand(path, fields)}`;
  const who = 'with "user" (whose text it is), "input" (the turns before) and "output" (that user\'s turn)';
  return ` "${chat}" holds a conversation: write one line for each turn of a user, ${who}, then train on that file.`;
}

function objectOf(text: string): object | null {
  try {
    const value = parseJson(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
