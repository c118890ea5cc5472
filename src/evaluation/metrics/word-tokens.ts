/**
 * The words of English text for METEOR, equal to NLTK's word_tokenize with preserve_line=True: the Penn Treebank's
 * conventions with NLTK's changes. A full stop is parted from its word at the end of the text alone.
 */
import { splitAtSpace } from './white-space.ts';

/** A character of a word, as the regular expressions of Python's regex package see it. */
const W = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const START = `(?<!${W})`;
const END = `(?!${W})`;

/** In the order of NLTK's NLTKWordTokenizer; each sees what the one before left. */
const RULES: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // opening quotes
  [/[«“‘„]|`+/gu, ' $& '],
  [/^"/gu, '``'],
  [/``/gu, ' `` '],
  [/([ ([{<])("|'{2})/gu, '$1 `` '],
  [new RegExp(`${START}'(?!(?:re|ve|ll|m|t|s|d|n)${END})(?=${W})`, 'giu'), "' "],
  // punctuation
  [/([^.])(\.)([\])}>"'»”’ ]*)\s*$/gu, '$1 $2 $3 '],
  [/([:,])(\P{Nd})/gu, ' $1 $2'],
  [/[:,]$/gu, ' $& '],
  [/\.{2,}/gu, ' $& '],
  [/[;@#$%&]/gu, ' $& '],
  [/[\u2012-\u2015]/gu, ' $& '],
  [/([^.])(\.)([\])}>"']*)\s*$/gu, '$1 $2$3 '],
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
  return splitAtSpace(RULES.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text));
}
