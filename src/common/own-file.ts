/**
 * Files that idiolect wrote and reads again. A hand, a full disk or a sudden death may have damaged them: what is kept to
 * save work is made again, and anything else is named with its place and the remedy.
 */
import type { FileHandle } from 'node:fs/promises';
import type { z } from 'zod';
import { type ErrorCode, IdiolectError, reasonOf } from './errors.ts';
import { openInput, readInput } from './input-file.ts';
import { printable } from './printable.ts';
import { schemaIssue } from './schema-issue.ts';

export interface OwnFile<T> {
  readonly schema: z.ZodType<T>;
  /** What to do about a damaged file, as a sentence. */
  readonly remedy: string;
  /** What the file should be, where a person may have written it: `a list of users`. */
  readonly what?: string;
  /** Of the error for a damaged file. Default CONFIG. */
  readonly code?: ErrorCode;
}

/** Longest line that is read; an answer of a judge may have 4 MiB, other lines are far shorter. */
const LONGEST_LINE = 16 * 2 ** 20;

/** What is wrong in a file, without its name. */
class Damage extends Error {}

/**
 * Reads a JSON file whose content cannot be made again.
 *
 * @returns undefined where there is no such file
 * @throws IdiolectError with the file, the place in it and the remedy
 */
export async function readOwnJson<T>(path: string, { schema, code, ...file }: OwnFile<T>): Promise<T | undefined> {
  const bytes = await ifThere(readInput(path, codeOf(code)));
  if (!bytes) return undefined;
  try {
    return parse(bytes, schema);
  } catch (error) {
    throw damaged(path, error, { code, ...file });
  }
}

/**
 * Reads a JSON file that was kept to save work.
 *
 * @returns undefined where there is none or it is damaged: the caller makes it again
 */
export async function readKeptJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const bytes = await ifThere(readInput(path));
  if (!bytes) return undefined;
  return kept(() => parse(bytes, schema))[0];
}

/**
 * Reads JSON Lines whose content cannot be made again. A last line that a kill cut short is passed over.
 *
 * @returns nothing where there is no such file
 * @throws IdiolectError with the file, the line and the remedy
 */
export async function readOwnLines<T>(path: string, { schema, code, ...file }: OwnFile<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const { bytes, number, isCut } of linesOf(path, code)) {
    try {
      values.push(parse(bytes, schema));
    } catch (error) {
      if (!isCut) throw damaged(`${path}:${number}`, error, { code, ...file });
    }
  }
  return values;
}

/** Reads JSON Lines that were kept to save work. Damaged lines are passed over: the caller makes them again. */
export async function readKeptLines<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const { bytes } of linesOf(path)) values.push(...kept(() => parse(bytes, schema)));
  return values;
}

/** The lines of a text that was kept to save work, of any form; the caller knows whole ones from damaged ones. */
export async function* keptLines(path: string): AsyncGenerator<string> {
  for await (const { bytes } of linesOf(path)) if (bytes) yield bytes.toString('utf8');
}

interface Line {
  /** Null where the line is too long. */
  readonly bytes: Buffer | null;
  readonly number: number;
  /** Whether it ends with the file, not with a line break. */
  readonly isCut: boolean;
}

/** Lines that are not empty, of a file of any size. */
async function* linesOf(path: string, code?: ErrorCode): AsyncGenerator<Line> {
  const handle = await ifThere(openInput(path, codeOf(code)));
  if (!handle) return;
  try {
    let number = 1;
    let pieces: Buffer[] = [];
    let length = 0;
    const take = (isCut: boolean): Line[] => {
      const bytes = length > LONGEST_LINE ? null : Buffer.concat(pieces);
      pieces = [];
      const isEmpty = length === 0;
      length = 0;
      return isEmpty ? [] : [{ bytes, number, isCut }];
    };
    for await (const chunk of chunksOf(handle)) {
      for (let start = 0; ; ) {
        const end = chunk.indexOf(0x0a, start);
        const piece = chunk.subarray(start, end < 0 ? chunk.length : end);
        length += piece.length;
        if (length <= LONGEST_LINE) pieces.push(piece);
        if (end < 0) break;
        yield* take(false);
        number++;
        start = end + 1;
      }
    }
    yield* take(true);
  } finally {
    await handle.close();
  }
}

function chunksOf(handle: FileHandle): AsyncIterable<Buffer> {
  return handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 2 ** 20 });
}

/** @throws Damage */
function parse<T>(bytes: Buffer | null, schema: z.ZodType<T>): T {
  if (!bytes) throw new Damage(`a line is longer than ${LONGEST_LINE} bytes`);
  if (bytes.length === 0) throw new Damage('it is empty');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new Damage(error instanceof SyntaxError ? printable(reasonOf(error), 200) : 'it is not UTF-8 text');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new Damage(schemaIssue(parsed.error));
}

function damaged(
  where: string,
  error: unknown,
  { code = 'CONFIG', what, remedy }: Pick<OwnFile<unknown>, 'what' | 'remedy'> & { code: ErrorCode | undefined },
): unknown {
  if (!(error instanceof Damage)) return error;
  return new IdiolectError(code, `${where} is ${what ? `not ${what}` : 'damaged'} (${error.message}). ${remedy}`);
}

function kept<T>(read: () => T): [T] | [] {
  try {
    return [read()];
  } catch (error) {
    if (error instanceof Damage) return [];
    throw error;
  }
}

/** What opening gives, or undefined where there is no such file. */
async function ifThere<T>(opening: Promise<T>): Promise<T | undefined> {
  return opening.catch(error => {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  });
}

function codeOf(code: ErrorCode = 'CONFIG'): { code: ErrorCode } {
  return { code };
}
