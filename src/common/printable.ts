/** Text that came from data, made safe to show: a terminal, a log or a page must not take commands from it. */

/**
 * Control characters (C0, DEL, C1), line and paragraph separators, marks that turn the direction of writing, and halves
 * of surrogate pairs.
 */
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;

/** What a terminal may be sent besides text: line breaks, tabs, and the colours of our own lines. */
const TERMINAL = new RegExp(`\\u001b\\[[0-9;]{0,12}m|[\\n\\t]|${UNSAFE.source}`, 'gu');

const escaped = (character: string) => `\\u{${character.codePointAt(0)!.toString(16)}}`;

/**
 * A name, id or excerpt from someone's data, for use inside a message: one line, nothing hidden, and no longer than
 * `limit` characters (cut with an ellipsis).
 */
export function printable(text: string, limit = 120): string {
  // Cut first, so that a text of a gigabyte costs nothing.
  const short = text.length > limit ? `${text.slice(0, limit - 1).toWellFormed()}…` : text;
  return short.replace(UNSAFE, escaped);
}

/** A whole message for a terminal: everything unsafe escaped but line breaks, tabs and colours. */
export function printableLines(text: string): string {
  return text.replace(TERMINAL, match =>
    match.length > 1 || match === '\n' || match === '\t' ? match : escaped(match),
  );
}

/** What is too long loses its middle: a sentence begins with where, and ends with what to do. */
function withoutMiddle(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const half = Math.floor((limit - 5) / 2);
  return `${text.slice(0, half).toWellFormed()} ... ${text.slice(-half).toWellFormed()}`;
}

/** A sentence with someone's data in it as one line of at most `limit` characters, line breaks as spaces. */
export function printableSentence(text: string, limit: number): string {
  // Cut first, so that a text of a gigabyte costs nothing; escapes then make it longer again.
  const line = withoutMiddle(text, limit).replaceAll(/\s*[\n\r\t]\s*/g, ' ');
  return withoutMiddle(line.replace(UNSAFE, escaped), limit);
}
