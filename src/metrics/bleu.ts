/**
 * BLEU against one reference a text (Papineni et al. 2002), equal to sacrebleu's defaults (Post 2018, "A Call for
 * Clarity in Reporting BLEU Scores"): the 13a tokenizer, n-grams up to 4, exponential smoothing, case kept.
 */
import { checkAligned } from './aligned.ts';
import { splitAtSpace, WHITE_SPACE } from './white-space.ts';

const LONGEST = 4;

/**
 * BLEU of one text, 0 to 100: sacrebleu.sentence_bleu, which leaves out n-gram lengths the prediction is too short for.
 * A score of single sentences is coarse; prefer `corpusBleu` where there are many.
 */
export function sentenceBleu(prediction: string, reference: string): number {
  return scoreOf(countsOf(prediction, reference), true);
}

/**
 * BLEU of a corpus, 0 to 100: sacrebleu.corpus_bleu. Matches and lengths are summed over the texts first.
 *
 * @param predictions n texts
 * @param references n texts, in the same order
 * @throws IdiolectError DATA where there is none, or not as many of both
 */
export function corpusBleu(predictions: readonly string[], references: readonly string[]): number {
  checkAligned(predictions, references);
  const sum: Counts = { matches: [0, 0, 0, 0], totals: [0, 0, 0, 0], predicted: 0, wanted: 0 };
  predictions.forEach((prediction, i) => {
    const { matches, totals, predicted, wanted } = countsOf(prediction, references[i]!);
    for (let k = 0; k < LONGEST; k++) {
      sum.matches[k]! += matches[k]!;
      sum.totals[k]! += totals[k]!;
    }
    sum.predicted += predicted;
    sum.wanted += wanted;
  });
  return scoreOf(sum, false);
}

interface Counts {
  /** n-grams of the prediction that the reference holds as well, each as often as there; n = 1 to 4 */
  matches: number[];
  /** n-grams of the prediction */
  totals: number[];
  /** tokens */
  predicted: number;
  wanted: number;
}

function countsOf(prediction: string, reference: string): Counts {
  const predicted = tokens13a(prediction);
  const wanted = tokens13a(reference);
  const counts: Counts = { matches: [], totals: [], predicted: predicted.length, wanted: wanted.length };
  for (let n = 1; n <= LONGEST; n++) {
    const left = ngramCounts(wanted, n);
    let matches = 0;
    for (const [ngram, count] of ngramCounts(predicted, n)) matches += Math.min(count, left.get(ngram) ?? 0);
    counts.matches.push(matches);
    counts.totals.push(Math.max(predicted.length - n + 1, 0));
  }
  return counts;
}

function ngramCounts(tokens: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= tokens.length; i++) {
    const ngram = tokens.slice(i, i + n).join(' ');
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/**
 * exp(mean of log precisions) times the brevity penalty exp(1 - wanted / predicted) of a short prediction. The first
 * length without a match counts as 1/2 match, the next as 1/4, and so on (Chen & Cherry 2014, smoothing 3).
 *
 * @param effectiveOrder whether lengths that the prediction has no n-gram of are left out; otherwise they make it 0
 */
function scoreOf({ matches, totals, predicted, wanted }: Counts, effectiveOrder: boolean): number {
  if (matches[0] === 0) return 0; // no shared word, so nothing longer either
  let logs = 0;
  let order = 0;
  let smoothed = 1;
  for (; order < LONGEST && totals[order]! > 0; order++) {
    if (matches[order] === 0) smoothed /= 2;
    logs += Math.log((100 * (matches[order] || smoothed)) / totals[order]!);
  }
  if (order < LONGEST && !effectiveOrder) return 0;
  return Math.exp(logs / order) * (predicted < wanted ? Math.exp(1 - wanted / predicted) : 1);
}

/** The 13a tokenizer of mteval-v13a as sacrebleu runs it. Its language is Western; others stay unparted. */
function tokens13a(text: string): readonly string[] {
  const line = ` ${trimEnd(text).replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ')} `
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replace(/[{-~[-` -&(-+:-@/]/gu, ' $& ')
    .replace(/([^0-9])([.,])/gu, '$1 $2 ')
    .replace(/([.,])([^0-9])/gu, ' $1 $2')
    .replace(/([0-9])(-)/gu, '$1 $2 ');
  return splitAtSpace(line);
}

/** Before the rest: a dash and a line end at the end of the text must not join. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && WHITE_SPACE.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}
