/** White space as Python knows it, for the metrics whose tokenizers are Python's. */

/** What str.split parts at: unlike JavaScript's \s without the byte order mark, with U+0085 and U+001C to U+001F. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python counts these four separators as white space
export const WHITE_SPACE = /[\p{White_Space}\x1c-\x1f]+/u;

/** str.split() */
export function splitAtSpace(text: string): readonly string[] {
  return text.split(WHITE_SPACE).filter(token => token !== '');
}
