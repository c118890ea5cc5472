/**
 * chrF against one reference a text (Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation"; chrF++:
 * Popović 2017), equal to sacrebleu's defaults: character n-grams up to 6 without white space, beta 2, cases kept, no
 * smoothing. It needs no words and knows no script, so that it sees Chinese as well as English.
 */
import { checkAligned } from './aligned.ts';
import { splitAtSpace } from './white-space.ts';

/** Recall weighs as much as precision, squared. */
const BETA = 2;

const CHARACTERS = 6;

export interface ChrfOptions {
  /** Longest n-grams of words that count beside those of characters; 2 is chrF++. */
  readonly wordOrder?: number;
}

/** n-grams of one order: of the prediction (0 where the reference has none), of the reference, and in both. */
interface Counts {
  predicted: number;
  wanted: number;
  matches: number;
}

/** chrF of one text, 0 to 100: sacrebleu.sentence_chrf. 0 for an empty text. */
export function sentenceChrf(prediction: string, reference: string, options: ChrfOptions = {}): number {
  return scoreOf(countsOf(prediction, reference, options));
}

/**
 * chrF of a corpus, 0 to 100: sacrebleu.corpus_chrf. n-grams are summed over the texts first.
 *
 * @param predictions n texts
 * @param references n texts, in the same order
 * @throws IdiolectError DATA where there is none, or not as many of both
 */
export function corpusChrf(
  predictions: readonly string[],
  references: readonly string[],
  options: ChrfOptions = {},
): number {
  checkAligned(predictions, references);
  const sums: Counts[] = [];
  predictions.forEach((prediction, i) => {
    countsOf(prediction, references[i]!, options).forEach(({ predicted, wanted, matches }, order) => {
      sums[order] ??= { predicted: 0, wanted: 0, matches: 0 };
      sums[order].predicted += predicted;
      sums[order].wanted += wanted;
      sums[order].matches += matches;
    });
  });
  return scoreOf(sums);
}

/** Of each order: 1 to 6 characters, then words. */
function countsOf(prediction: string, reference: string, { wordOrder = 0 }: ChrfOptions): Counts[] {
  const characters = (text: string) => Array.from(splitAtSpace(text).join(''));
  return [
    ...countsByOrder(characters(prediction), characters(reference), CHARACTERS),
    ...countsByOrder(partedWords(prediction), partedWords(reference), wordOrder),
  ];
}

function countsByOrder(predicted: readonly string[], wanted: readonly string[], longest: number): Counts[] {
  return Array.from({ length: longest }, (_, k) => {
    const left = ngramCounts(wanted, k + 1);
    let matches = 0;
    for (const [ngram, count] of ngramCounts(predicted, k + 1)) matches += Math.min(count, left.get(ngram) ?? 0);
    const ofReference = Math.max(wanted.length - k, 0);
    return { predicted: ofReference > 0 ? Math.max(predicted.length - k, 0) : 0, wanted: ofReference, matches };
  });
}

function ngramCounts(units: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= units.length; i++) {
    const ngram = units.slice(i, i + n).join(' '); // no unit holds a space
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

const PUNCTUATION = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');

/** Words with a punctuation mark at the end parted from them, or else one at the beginning; `(hi)` becomes `(hi` and `)`. */
function partedWords(text: string): string[] {
  return splitAtSpace(text).flatMap(word => {
    const characters = Array.from(word);
    if (characters.length === 1) return [word];
    if (PUNCTUATION.has(characters.at(-1)!)) return [word.slice(0, -1), characters.at(-1)!];
    if (PUNCTUATION.has(characters[0]!)) return [characters[0]!, word.slice(1)];
    return [word];
  });
}

/**
 * F of the mean precision and the mean recall over the orders that both texts have n-grams of:
 *
 *     100 (1 + beta^2) P R / (beta^2 P + R)
 */
function scoreOf(counts: readonly Counts[]): number {
  const used = counts.filter(({ predicted, wanted }) => predicted > 0 && wanted > 0);
  if (used.length === 0) return 0;
  const mean = (share: (count: Counts) => number) => used.reduce((sum, count) => sum + share(count), 0) / used.length;
  const precision = mean(({ matches, predicted }) => matches / predicted);
  const recall = mean(({ matches, wanted }) => matches / wanted);
  if (precision + recall === 0) return 0;
  return (100 * (1 + BETA ** 2) * precision * recall) / (BETA ** 2 * precision + recall);
}
