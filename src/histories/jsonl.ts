/** JSON Lines of history records: read as a stream, with every bad line named; written whole or not at all. */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { PRIVATE, requireReplaceable, stagingPath } from '../common/files.ts';
import { parseJson } from '../common/json.ts';
import { outputError } from '../common/output-error.ts';
import { type Line, readLines } from './lines.ts';
import { type HistoryRecord, type Parsed, parseRecord } from './record.ts';

export interface ReadOptions {
  /** Leave bad records out instead of ending with an error. Default false. */
  skipBad?: boolean;
  /** Called for each thing left out, with the sentence the error would have said, and how many there were so far. */
  onSkip?: (message: string, skipped: number) => void;
}

/**
 * Reads history records from JSON Lines, plain or gzip (recognised by content), one at a time. Blank lines are passed over.
 *
 * @throws IdiolectError DATA naming file, line and field for a bad line (unless `skipBad`), and for a file that is
 *   missing, damaged, or without a single usable record.
 */
export function readHistories(path: string, options: ReadOptions = {}): AsyncGenerator<HistoryRecord> {
  return readJsonLines(path, parseRecord, options);
}

/**
 * The same for lines of any other shape: `parse` turns the JSON value of a line into what is wanted.
 *
 * @param options.isText as for `parseJson`
 */
export async function* readJsonLines<T>(
  path: string,
  parse: (value: unknown) => Parsed<T>,
  { skipBad = false, onSkip, isText }: ReadOptions & { isText?: (field: string) => boolean } = {},
): AsyncGenerator<T> {
  let kept = 0;
  let skipped = 0;
  for await (const line of readLines(path)) {
    if (line.text !== null && line.text.trim() === '') continue;
    const parsed = parseLine(line, parse, isText);
    if ('value' in parsed) {
      kept += 1;
      yield parsed.value;
      continue;
    }
    const message = `${path}:${line.number}: ${parsed.problem}`;
    if (!skipBad) {
      const details = { file: path, line: line.number, ...parsed.details };
      throw new IdiolectError('DATA', message, { details });
    }
    skipped += 1;
    onSkip?.(message, skipped);
  }
  if (kept > 0) return;
  const bad = skipped === 1 ? 'its one line was left out as bad' : `all of its ${skipped} lines were left out as bad`;
  throw new IdiolectError('DATA', `${path} has no ${skipped > 0 ? `usable records: ${bad}` : 'records: it is empty'}.`);
}

function parseLine<T>(
  { text, utf16 }: Line,
  parse: (value: unknown) => Parsed<T>,
  isText?: (field: string) => boolean,
): Parsed<T> {
  if (text === null) {
    return { problem: `not valid UTF-8${utf16 ? ' (it looks like UTF-16)' : ''}. Save the file as UTF-8.` };
  }
  let value: unknown;
  try {
    value = parseJson(text, isText);
  } catch (error) {
    return { problem: `not JSON (${reasonOf(error)}). Each line must be one JSON object.` };
  }
  return parse(value);
}

/** Lines go to the disk, or the compressor, this many characters at a time: one by one is fifteen times slower. */
const PIECE = 1 << 16;

/**
 * Writes records as JSON Lines, gzip where the name ends in `.gz`, and returns how many. The file appears under its
 * name only when complete: on any error, also one of the records' source, what was there before is untouched.
 *
 * @throws IdiolectError DATA for a record that `readHistories` would refuse, and where there are no records at all.
 */
export async function writeHistories(
  path: string,
  records: Iterable<HistoryRecord> | AsyncIterable<HistoryRecord>,
): Promise<number> {
  let count = 0;
  async function* pieces(): AsyncGenerator<string> {
    let piece = '';
    for await (const record of records) {
      const parsed = parseRecord(record);
      if ('problem' in parsed) throw new IdiolectError('DATA', `${path}: record ${count + 1}: ${parsed.problem}`);
      count += 1;
      piece += `${JSON.stringify(parsed.value)}\n`;
      if (piece.length < PIECE) continue;
      yield piece;
      piece = '';
    }
    if (count === 0) throw new IdiolectError('DATA', `there are no records to write to ${path}; nothing was changed.`);
    yield piece;
  }
  await requireReplaceable(path);
  const staging = stagingPath(path);
  // flush: the content reaches the disk before the rename does.
  const file = createWriteStream(staging, { flush: true, mode: PRIVATE });
  try {
    if (path.endsWith('.gz')) await pipeline(Readable.from(pieces()), createGzip(), file);
    else await pipeline(Readable.from(pieces()), file);
    await rename(staging, path);
  } catch (error) {
    await rm(staging, { force: true }).catch(() => {});
    throw outputError(path, error);
  }
  return count;
}
