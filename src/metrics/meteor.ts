/**
 * METEOR of one text against one reference, equal to NLTK's meteor_score with its defaults (alpha 0.9, beta 3, gamma
 * 0.5; Lavie & Agarwal 2007, "METEOR: An Automatic Metric for MT Evaluation with High Levels of Correlation with Human
 * Judgments").
 */
import { porterStem } from './porter-stemmer.ts';
import type { Synonyms } from './wordnet.ts';

const ALPHA = 0.9;
const BETA = 3;
const GAMMA = 0.5;

/** A word of one of the texts and its place there. */
interface Placed {
  readonly place: number;
  readonly word: string;
}

/**
 * METEOR, 0 to 1; 0 where no word is shared. Words are joined in three stages: the same in lower case, of one stem, and
 * of one synset, each taking from the end of the texts what the stage before left.
 *
 *     P = joined / predicted,  R = joined / wanted,  F = P R / (0.9 P + 0.1 R),  METEOR = F (1 - (chunks / joined)^3 / 2)
 *
 * A chunk is a run of words that are joined in a row in both texts.
 *
 * @param prediction tokens, as from `wordTokens`
 * @param reference tokens
 * @param synonyms from `readWordNet`; without it the third stage is left out, and the score is not NLTK's: say so
 */
export function meteor(prediction: readonly string[], reference: readonly string[], synonyms?: Synonyms): number {
  const joined: (readonly [predicted: number, wanted: number])[] = [];
  let left = prediction.map((word, place): Placed => ({ place, word: word.toLowerCase() }));
  let open = reference.map((word, place): Placed => ({ place, word: word.toLowerCase() }));
  // NLTK passes the stems on, so that the third stage looks these up and not the words.
  const stages = [
    (word: string) => [word],
    (word: string) => [word],
    ...(synonyms ? [(word: string) => [word, ...synonyms(word)]] : []),
  ];
  stages.forEach((candidates, stage) => {
    if (stage === 1) {
      left = left.map(({ place, word }) => ({ place, word: porterStem(word) }));
      open = open.map(({ place, word }) => ({ place, word: porterStem(word) }));
    }
    const places = Map.groupBy(open.keys(), i => open[i]!.word);
    const unjoined: Placed[] = [];
    const taken = new Set<number>();
    for (const item of left.toReversed()) {
      const free = candidates(item.word).flatMap(word => places.get(word)?.at(-1) ?? []);
      if (free.length === 0) {
        unjoined.push(item);
        continue;
      }
      const last = Math.max(...free);
      places.get(open[last]!.word)!.pop();
      taken.add(last);
      joined.push([item.place, open[last]!.place]);
    }
    left = unjoined.reverse();
    open = open.filter((_, i) => !taken.has(i));
  });
  if (joined.length === 0) return 0;
  const precision = joined.length / prediction.length;
  const recall = joined.length / reference.length;
  const mean = (precision * recall) / (ALPHA * precision + (1 - ALPHA) * recall);
  joined.sort(([a], [b]) => a - b);
  const chunks = joined.filter(
    ([p, w], i) => i === 0 || p !== joined[i - 1]![0] + 1 || w !== joined[i - 1]![1] + 1,
  ).length;
  return (1 - GAMMA * (chunks / joined.length) ** BETA) * mean;
}
