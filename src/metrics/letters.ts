/** Which letters a text is written in: ROUGE knows a-z alone. */

const LETTER = /\p{L}/gu;
const LATIN = /\p{Script=Latin}/u;

/** Whether more than half of a text's letters are not Latin; undefined where it has no letter. */
export function isNonLatin(text: string): boolean | undefined {
  let letters = 0;
  let latin = 0;
  for (const [letter] of text.matchAll(LETTER)) {
    letters++;
    if (LATIN.test(letter)) latin++;
  }
  return letters === 0 ? undefined : 2 * latin < letters;
}

/** How many texts are mostly in letters that are not Latin, of how many that have letters. */
export function countNonLatin(texts: readonly string[]): { readonly nonLatin: number; readonly texts: number } {
  const known = texts.map(isNonLatin).filter(value => value !== undefined);
  return { nonLatin: known.filter(Boolean).length, texts: known.length };
}
