/**
 * The words of English text for METEOR, equal to NLTK's word_tokenize with preserve_line=True: the Penn Treebank's
 * conventions with NLTK's changes. A full stop is parted from its word at the end of the text alone.
 */
import { splitAtSpace } from './white-space.ts';

/** A character of a word, as the regular expressions of Python's regex package see it. */
const W = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const START = `(?<!${W})`;
const END = `(?!${W})`;

type Rule = readonly [pattern: RegExp, replacement: string] | ((text: string) => string);

/** In the order of NLTK's NLTKWordTokenizer; each sees what the one before left. */
const RULES: readonly Rule[] = [
  // opening quotes
  [/[«“‘„]|`+/gu, ' $& '],
  [/^"/gu, '``'],
  [/``/gu, ' `` '],
  [/([ ([{<])("|'{2})/gu, '$1 `` '],
  [new RegExp(`${START}'(?!(?:re|ve|ll|m|t|s|d|n)${END})(?=${W})`, 'giu'), "' "],
  // punctuation
  text => partLastStop(text, /^[\])}>"'»”’ ]*/u, ' . '),
  [/([:,])(\P{Nd})/gu, ' $1 $2'],
  [/[:,]$/gu, ' $& '],
  [/\.{2,}/gu, ' $& '],
  [/[;@#$%&]/gu, ' $& '],
  [/[\u2012-\u2015]/gu, ' $& '],
  text => partLastStop(text, /^[\])}>"']*/u, ' .'),
  [/[?!]/gu, ' $& '],
  [/([^'])' /gu, "$1 ' "],
  [/[*]/gu, ' $& '],
  [/[\][(){}<>]/gu, ' $& '],
  [/--/gu, ' -- '],
  [/^.*$/gsu, ' $& '],
  // closing quotes and what is said with an apostrophe
  [/[»”’]/gu, ' $& '],
  [/''|"/gu, " '' "],
  [/\p{White_Space}+/gu, ' '],
  [/([^' ])('[sS]|'[mM]|'[dD]|') /gu, '$1 $2 '],
  [/([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) /gu, '$1 $2 '],
  // words written as one
  ...['can not', "d 'ye", 'gim me', 'gon na', 'got ta', 'lem me', "more 'n"].map(pair => {
    const [first, second] = pair.split(' ');
    return [new RegExp(`${START}(${first})(${second})${END}`, 'giu'), ' $1 $2 '] as const;
  }),
  [new RegExp(`${START}(wan)(na)(?=\\p{White_Space})`, 'giu'), ' $1 $2 '],
  [new RegExp(` ('t)(is|was)${END}`, 'giu'), ' $1 $2 '],
];

/** The tokens of a text, cases kept. */
export function wordTokens(text: string): readonly string[] {
  const apply = (rest: string, rule: Rule) => (typeof rule === 'function' ? rule(rest) : rest.replace(...rule));
  return splitAtSpace(RULES.reduce(apply, text));
}

/**
 * Parts the full stop at the end of the text, where it is not one of several in a row. NLTK's `([^.])(\.)(...)\s*$` tries
 * every stop, and every division of the spaces behind it; but neither the marks nor the spaces that may follow are stops,
 * so that only the last stop of the text can match, and one look at what follows decides.
 *
 * @param marks what may follow before the white space at the end of the text
 */
function partLastStop(text: string, marks: RegExp, stop: string): string {
  const at = text.lastIndexOf('.');
  if (at < 1 || text[at - 1] === '.') return text;
  const rest = text.slice(at + 1);
  const [closing] = marks.exec(rest)!;
  return rest.slice(closing.length).trim() === '' ? `${text.slice(0, at)}${stop}${closing} ` : text;
}
