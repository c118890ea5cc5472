/** The lines of a UTF-8 file, streamed. */
import { IdiolectError } from '../common/errors.ts';
import { readBytes } from './bytes.ts';

const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/** In bytes. A line is held in memory whole; a damaged or hostile file must not take all there is. */
const LONGEST_LINE = 16 * 2 ** 20;

export interface Line {
  /** Counted from 1, blank lines included: what an editor shows. */
  number: number;
  /** Without its line end; null where the bytes are not valid UTF-8. */
  text: string | null;
  /** Whether the bytes begin like UTF-16 text, the usual reason for a null text. */
  utf16: boolean;
}

/**
 * Splits at line feeds only, or at carriage returns only where the first line ends in one, as in files of old Macs. Not
 * node:readline, which also splits at U+2028 and U+2029: both are legal inside a JSON string. A byte order mark is
 * dropped; a carriage return before a line feed is left (JSON takes it for space).
 *
 * @throws IdiolectError DATA as `readBytes` does, and for a line of more than 16 MiB.
 */
export async function* readLines(path: string): AsyncGenerator<Line> {
  const lineEnd = await lineEndOf(path);
  let number = 0;
  // A long line spans many pieces: they are kept as they are and joined once.
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const piece of readBytes(path)) {
    let start = 0;
    for (let end = piece.indexOf(lineEnd); end >= 0; end = piece.indexOf(lineEnd, start)) {
      const tail = piece.subarray(start, end);
      number += 1;
      yield lineOf(number, pending.length > 0 ? Buffer.concat([...pending, tail]) : tail);
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    if (start === piece.length) continue;
    pending.push(piece.subarray(start));
    pendingBytes += piece.length - start;
    if (pendingBytes > LONGEST_LINE) {
      const limit = `${LONGEST_LINE / 2 ** 20} MiB`;
      throw new IdiolectError(
        'DATA',
        `${path}:${number + 1}: the line is longer than ${limit}. Put one record on each line, with line feeds between.`,
      );
    }
  }
  if (pending.length > 0) yield lineOf(number + 1, Buffer.concat(pending));
}

/** By the first line: a carriage return with no line feed behind it ends lines by itself. */
async function lineEndOf(path: string): Promise<number> {
  let afterReturn = false;
  let bytes = 0;
  for await (const piece of readBytes(path)) {
    for (const byte of piece) {
      if (byte === LINE_FEED) return LINE_FEED;
      if (afterReturn && byte !== RETURN) return RETURN;
      afterReturn = byte === RETURN;
    }
    bytes += piece.length;
    if (bytes > LONGEST_LINE) break;
  }
  return afterReturn ? RETURN : LINE_FEED;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function lineOf(number: number, bytes: Uint8Array): Line {
  try {
    return { number, text: decoder.decode(bytes), utf16: false };
  } catch {
    const mark = bytes[0] === 0xff ? bytes[1] === 0xfe : bytes[0] === 0xfe && bytes[1] === 0xff;
    return { number, text: null, utf16: mark };
  }
}
