/**
 * Porter's stemmer (1980, "An algorithm for suffix stripping") with the changes of NLTK's default mode, equal to
 * nltk.stem.PorterStemmer: METEOR's second stage joins words of one stem.
 *
 * In the comments, c is a consonant, v a vowel, and m the number of times a run of consonants follows one of vowels.
 */

/** Words NLTK looks up instead of stemming. */
const IRREGULAR: Readonly<Record<string, string>> = {
  sky: 'sky',
  skies: 'sky',
  dying: 'die',
  lying: 'lie',
  tying: 'tie',
  news: 'news',
  inning: 'inning',
  innings: 'inning',
  outing: 'outing',
  outings: 'outing',
  canning: 'canning',
  cannings: 'canning',
  howe: 'howe',
  proceed: 'proceed',
  exceed: 'exceed',
  succeed: 'succeed',
};

/** A suffix, what takes its place, and when. The first rule whose suffix a word has decides, applied or not. */
type Rule = readonly [suffix: string, replacement: string, condition?: (stem: string) => boolean];

const hasMeasure = (stem: string) => measure(stem) > 0;
const isLong = (stem: string) => measure(stem) > 1;

const STEP_1A: readonly Rule[] = [
  ['sses', 'ss'],
  ['ies', 'i'],
  ['ss', 'ss'],
  ['s', ''],
];

const STEP_1C: readonly Rule[] = [['y', 'i', stem => lengthOf(stem) > 1 && vowels(stem).at(-1) === false]];

const STEP_2: readonly Rule[] = [
  ['ational', 'ate', hasMeasure],
  ['tional', 'tion', hasMeasure],
  ['enci', 'ence', hasMeasure],
  ['anci', 'ance', hasMeasure],
  ['izer', 'ize', hasMeasure],
  ['bli', 'ble', hasMeasure],
  ['alli', 'al', hasMeasure],
  ['entli', 'ent', hasMeasure],
  ['eli', 'e', hasMeasure],
  ['ousli', 'ous', hasMeasure],
  ['ization', 'ize', hasMeasure],
  ['ation', 'ate', hasMeasure],
  ['ator', 'ate', hasMeasure],
  ['alism', 'al', hasMeasure],
  ['iveness', 'ive', hasMeasure],
  ['fulness', 'ful', hasMeasure],
  ['ousness', 'ous', hasMeasure],
  ['aliti', 'al', hasMeasure],
  ['iviti', 'ive', hasMeasure],
  ['biliti', 'ble', hasMeasure],
  ['fulli', 'ful', hasMeasure],
  ['logi', 'log', stem => hasMeasure(`${stem}l`)],
];

const STEP_3: readonly Rule[] = [
  ['icate', 'ic', hasMeasure],
  ['ative', '', hasMeasure],
  ['alize', 'al', hasMeasure],
  ['iciti', 'ic', hasMeasure],
  ['ical', 'ic', hasMeasure],
  ['ful', '', hasMeasure],
  ['ness', '', hasMeasure],
];

const STEP_4: readonly Rule[] = [
  ...['al', 'ance', 'ence', 'er', 'ic', 'able', 'ible', 'ant', 'ement', 'ment', 'ent'].map(
    (suffix): Rule => [suffix, '', isLong],
  ),
  ['ion', '', stem => isLong(stem) && /[st]$/.test(stem)],
  ...['ou', 'ism', 'ate', 'iti', 'ous', 'ive', 'ize'].map((suffix): Rule => [suffix, '', isLong]),
];

const STEP_5B: readonly Rule[] = [['ll', 'l', stem => isLong(`${stem}l`)]];

/** The stem of a lower-case word. */
export function porterStem(word: string): string {
  if (Object.hasOwn(IRREGULAR, word)) return IRREGULAR[word]!;
  if (lengthOf(word) <= 2) return word;
  let stem = step1b(step1a(word));
  stem = step2(applyFirst(stem, STEP_1C));
  stem = applyFirst(applyFirst(stem, STEP_3), STEP_4);
  return applyFirst(step5a(stem), STEP_5B);
}

/** Plurals; NLTK keeps the e of four-letter words (ties: tie). */
function step1a(word: string): string {
  if (word.endsWith('ies') && lengthOf(word) === 4) return word.slice(0, -1);
  return applyFirst(word, STEP_1A);
}

/** Past forms and -ing, then the end of the stem put right: hopp to hop, fil to file. */
function step1b(word: string): string {
  if (word.endsWith('ied')) return word.slice(0, lengthOf(word) === 4 ? -1 : -2);
  if (word.endsWith('eed')) return hasMeasure(word.slice(0, -3)) ? word.slice(0, -1) : word;
  const suffix = ['ed', 'ing'].find(end => word.endsWith(end) && vowels(word.slice(0, -end.length)).includes(true));
  if (suffix === undefined) return word;
  const stem = word.slice(0, -suffix.length);
  if (/(at|bl|iz)$/.test(stem)) return `${stem}e`;
  const letters = [...stem];
  const last = letters.at(-1)!;
  // NLTK writes "ends in a double consonant" as the suffix "*d", and so takes these two characters for one as well.
  if ((last === letters.at(-2) && vowels(stem).at(-1) === false) || stem.endsWith('*d')) {
    return 'lsz'.includes(last) ? stem : letters.slice(0, -2).join('') + last;
  }
  return measure(stem) === 1 && endsInShortSyllable(stem) ? `${stem}e` : stem;
}

/** Double suffixes; -alli goes first, and the step runs again on what it leaves. */
function step2(word: string): string {
  if (word.endsWith('alli') && hasMeasure(word.slice(0, -4))) return step2(word.slice(0, -2));
  return applyFirst(word, STEP_2);
}

/** A last e goes where m > 1, or m = 1 and the stem does not end in cvc. */
function step5a(word: string): string {
  if (!word.endsWith('e')) return word;
  const stem = word.slice(0, -1);
  const m = measure(stem);
  return m > 1 || (m === 1 && !endsInShortSyllable(stem)) ? stem : word;
}

function applyFirst(word: string, rules: readonly Rule[]): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (!rule) return word;
  const [suffix, replacement, condition] = rule;
  const stem = word.slice(0, word.length - suffix.length);
  return !condition || condition(stem) ? stem + replacement : word;
}

/** Whether each letter is a vowel: a, e, i, o, u, and y after a consonant. By code points, as Python counts. */
function vowels(word: string): readonly boolean[] {
  const flags: boolean[] = [];
  for (const letter of word) {
    flags.push('aeiou'.includes(letter) || (letter === 'y' && flags.length > 0 && !flags.at(-1)));
  }
  return flags;
}

function measure(stem: string): number {
  return vowels(stem).filter((vowel, i, flags) => !vowel && i > 0 && flags[i - 1]).length;
}

/** cvc, the last not w, x or y; NLTK adds words of vc alone. */
function endsInShortSyllable(stem: string): boolean {
  const flags = vowels(stem);
  if (flags.at(-1) !== false || flags.at(-2) !== true) return false;
  return flags.length === 2 || (flags.at(-3) === false && !/[wxy]$/.test(stem));
}

/** In code points. */
function lengthOf(word: string): number {
  return [...word].length;
}
