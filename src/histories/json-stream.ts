/** A large JSON file taken apart element by element: nothing larger than one element is ever held. */
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { parseJson } from '../common/json.ts';

/** An element of the top-level list, or of a list that is a member of the top-level object, or another member. */
export interface JsonItem {
  /** The member's name in a top-level object; null in a top-level list. */
  key: string | null;
  /** Position in its list from 0; null for a member that is not a list. */
  index: number | null;
  value: unknown;
}

/** The text between two structural marks, and the mark that ended it. */
interface Cut {
  /** Null where there is nothing but space. */
  text: Uint8Array | null;
  /** One of `[ ] { } , :`, or '' at the end of the file. */
  mark: string;
}

/**
 * Yields the elements of `[a, b, ...]`, or of `{"name": value, "list": [a, b, ...]}` the value and each of a, b, ...
 *
 * @param source the name used in errors.
 * @param isText as for `parseJson`
 * @throws IdiolectError DATA where the text is cut short, is not JSON, or is neither a list nor an object.
 */
export async function* jsonItems(
  pieces: AsyncIterable<Uint8Array>,
  source: string,
  isText?: (field: string) => boolean,
): AsyncGenerator<JsonItem> {
  const reader = cuts(pieces, source);
  const next = async (): Promise<Cut> => (await reader.next()).value ?? { text: null, mark: '' };
  const fail = (sentence: string, cause?: unknown) => new IdiolectError('DATA', `${source} ${sentence}`, { cause });
  const unexpected = ({ mark }: Cut, place: string) =>
    fail(mark === '' ? `is cut short ${place}. Copy it again.` : `is not valid JSON: unexpected "${mark}" ${place}.`);
  const parse = (text: Uint8Array, place: string): unknown => {
    try {
      return parseJson(utf8.decode(text), isText);
    } catch (error) {
      throw fail(`is not valid JSON ${place} (${reasonOf(error)}).`, error);
    }
  };

  async function* list(key: string | null): AsyncGenerator<JsonItem> {
    for (let index = 0; ; index++) {
      const place = `in element ${index + 1}${key === null ? '' : ` of "${key}"`}`;
      const cut = await next();
      if (index === 0 && cut.text === null && cut.mark === ']') return;
      if (cut.text === null || (cut.mark !== ',' && cut.mark !== ']')) throw unexpected(cut, place);
      yield { key, index, value: parse(cut.text, place) };
      if (cut.mark === ']') return;
    }
  }

  async function* members(): AsyncGenerator<JsonItem> {
    for (let count = 0; ; count++) {
      const name = await next();
      if (count === 0 && name.text === null && name.mark === '}') return;
      if (name.text === null || name.mark !== ':') throw unexpected(name, `in member ${count + 1}`);
      const key = String(parse(name.text, `in member ${count + 1}`));
      let value = await next();
      if (value.text === null && value.mark === '[') {
        yield* list(key);
        value = await next();
        if (value.text !== null) throw unexpected(value, `after the list "${key}"`);
      } else {
        if (value.text === null) throw unexpected(value, `in "${key}"`);
        yield { key, index: null, value: parse(value.text, `in "${key}"`) };
      }
      if (value.mark === '}') return;
      if (value.mark !== ',') throw unexpected(value, `after "${key}"`);
    }
  }

  try {
    const first = await next();
    if (first.text === null && first.mark === '') throw fail('is empty.');
    if (first.text !== null || (first.mark !== '[' && first.mark !== '{')) throw fail('is not a JSON list or object.');
    yield* first.mark === '[' ? list(null) : members();
    const end = await next();
    if (end.text !== null || end.mark !== '') throw fail('is not valid JSON: more text follows its end.');
  } finally {
    await reader.return(undefined); // closes the file also where the caller stops early
  }
}

/** In bytes. One element is held in memory whole; a damaged or hostile file must not take all there is. */
const LONGEST_ITEM = 64 * 2 ** 20;

const utf8 = new TextDecoder('utf-8', { fatal: true });
const byteOf = (character: string) => character.charCodeAt(0);
const [QUOTE, BACKSLASH, LIST, LIST_END, OBJECT, OBJECT_END] = ['"', '\\', '[', ']', '{', '}'].map(byteOf);
const [COMMA, COLON] = [',', ':'].map(byteOf);

/** JSON's four space characters, and the three bytes of a byte order mark (only legal, and only seen, in front). */
const isSpace = (byte: number, atStart: boolean) =>
  byte === 0x20 ||
  byte === 0x0a ||
  byte === 0x0d ||
  byte === 0x09 ||
  (atStart && (byte === 0xef || byte === 0xbb || byte === 0xbf));

/**
 * Cuts the text at the marks of its outer levels: the top-level list or object, and lists that are members of the
 * top-level object. Deeper marks are part of the text. It works on bytes, since in UTF-8 no byte of a longer character
 * equals an ASCII one: pieces may break anywhere.
 */
async function* cuts(pieces: AsyncIterable<Uint8Array>, source: string): AsyncGenerator<Cut> {
  let outer = ''; // the outer brackets that are open: '', '[', '{' or '{['
  let nesting = 0; // brackets open inside the current text
  let inString = false;
  let escaped = false;
  let blank = true;
  let atStart = true;
  let kept: Uint8Array[] = []; // the part of the current text that came with earlier pieces
  let keptBytes = 0;
  for await (const piece of pieces) {
    let from = 0;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i]!;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (isSpace(byte, atStart)) continue;
      atStart = false;
      const opens = byte === LIST || byte === OBJECT;
      const closes = byte === LIST_END || byte === OBJECT_END;
      const descends = opens && blank && (outer === '' || (outer === '{' && byte === LIST));
      if (descends || (nesting === 0 && (closes || byte === COMMA || byte === COLON))) {
        const mark = String.fromCharCode(byte);
        outer = descends ? outer + mark : closes ? outer.slice(0, -1) : outer;
        yield { text: blank ? null : Buffer.concat([...kept, piece.subarray(from, i)]), mark };
        kept = [];
        keptBytes = 0;
        blank = true;
        from = i + 1;
      } else {
        blank = false;
        if (byte === QUOTE) inString = true;
        else if (opens) nesting += 1;
        else if (closes) nesting -= 1;
      }
    }
    if (from === piece.length) continue;
    kept.push(piece.subarray(from));
    keptBytes += piece.length - from;
    if (keptBytes > LONGEST_ITEM) {
      const limit = `${LONGEST_ITEM / 2 ** 20} MiB`;
      throw new IdiolectError('DATA', `${source} holds an element of more than ${limit}. Split it into smaller ones.`);
    }
  }
  yield { text: blank ? null : Buffer.concat(kept), mark: '' };
}
