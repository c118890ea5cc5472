/** The lines of a UTF-8 file, streamed, of any length. */
import { readBytes } from './bytes.ts';

const LINE_FEED = 0x0a;

export interface Line {
  /** Counted from 1, blank lines included: what an editor shows. */
  number: number;
  /** Without its line end; null where the bytes are not valid UTF-8. */
  text: string | null;
  /** Whether the bytes begin like UTF-16 text, the usual reason for a null text. */
  utf16: boolean;
}

/**
 * Splits at line feeds only. Not node:readline, which also splits at U+2028 and U+2029: both are legal inside a JSON
 * string. A byte order mark is dropped; a carriage return before the line feed is left (JSON takes it for space).
 *
 * @throws IdiolectError DATA as `readBytes` does.
 */
export async function* readLines(path: string): AsyncGenerator<Line> {
  let number = 0;
  // A long line spans many pieces: they are kept as they are and joined once.
  let pending: Uint8Array[] = [];
  for await (const piece of readBytes(path)) {
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      const tail = piece.subarray(start, end);
      number += 1;
      yield lineOf(number, pending.length > 0 ? Buffer.concat([...pending, tail]) : tail);
      pending = [];
      start = end + 1;
    }
    if (start < piece.length) pending.push(piece.subarray(start));
  }
  if (pending.length > 0) yield lineOf(number + 1, Buffer.concat(pending));
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
