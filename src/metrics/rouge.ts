/**
 * ROUGE-1, ROUGE-2 and ROUGE-L of one text against one reference (Lin 2004, "ROUGE: A Package for Automatic Evaluation
 * of Summaries"), equal to rouge_score 0.1.2 without its stemmer, which is what Hugging Face evaluate runs by default.
 */

export interface RougeScore {
  /** Overlap divided by the prediction's count, 0 to 1. */
  readonly precision: number;
  /** Overlap divided by the reference's count, 0 to 1. */
  readonly recall: number;
  /** Their harmonic mean; 0 where both are 0. */
  readonly f1: number;
}

export interface RougeScores {
  readonly rouge1: RougeScore;
  readonly rouge2: RougeScore;
  /** By the longest common subsequence of the whole texts, lines not looked at (rouge_score's rougeL, not rougeLsum). */
  readonly rougeL: RougeScore;
}

/** Scores a prediction against its reference. A text without a token scores 0. */
export function rouge(prediction: string, reference: string): RougeScores {
  const predicted = rougeTokens(prediction);
  const wanted = rougeTokens(reference);
  return {
    rouge1: ngramScore(predicted, wanted, 1),
    rouge2: ngramScore(predicted, wanted, 2),
    rougeL: scoreOf(commonSubsequence(predicted, wanted), predicted.length, wanted.length),
  };
}

/** The runs of a-z and 0-9 in the lower-cased text: an accented letter parts a word, other scripts leave nothing. */
function rougeTokens(text: string): readonly string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

function ngramScore(predicted: readonly string[], wanted: readonly string[], n: number): RougeScore {
  const counts = new Map<string, number>();
  // Tokens hold no space, so that joined n-grams cannot be confused.
  const ngram = (tokens: readonly string[], i: number) => tokens.slice(i, i + n).join(' ');
  for (let i = 0; i + n <= wanted.length; i++) {
    const key = ngram(wanted, i);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  let shared = 0;
  for (let i = 0; i + n <= predicted.length; i++) {
    const key = ngram(predicted, i);
    const left = counts.get(key) ?? 0;
    if (left > 0) {
      shared++;
      counts.set(key, left - 1);
    }
  }
  return scoreOf(shared, Math.max(predicted.length - n + 1, 0), Math.max(wanted.length - n + 1, 0));
}

function scoreOf(shared: number, predicted: number, wanted: number): RougeScore {
  if (shared === 0) return { precision: 0, recall: 0, f1: 0 };
  const precision = shared / predicted;
  const recall = shared / wanted;
  return { precision, recall, f1: (2 * precision * recall) / (precision + recall) };
}

/** Places in a word of bits: sums of two words and a carry stay integers of 32 bits. */
const BITS = 30;
const ALL = 2 ** BITS - 1;

/** Where a token occurs: the words that hold one of its places, in order, and the bits of the places in each. */
interface Places {
  readonly words: number[];
  readonly masks: number[];
}

/**
 * Length of the longest common subsequence, 30 places of `b` at a time (Hyyrö 2004, "Bit-parallel LCS-length computation
 * revisited"): bit j of the row is 0 where the usual table rises from j to j + 1. For each token of `a`, with its places
 * in `b` as mask M, U = V & M and V = (V + U) | (V - U); only words that M or a carry reaches change.
 */
function commonSubsequence(a: readonly string[], b: readonly string[]): number {
  const row = new Int32Array(Math.ceil(b.length / BITS)).fill(ALL);
  const places = placesOf(b);
  for (const token of a) {
    const found = places.get(token);
    if (!found) continue;
    const { words, masks } = found;
    let carry = 0;
    let at = 0;
    for (let word = words[0]!; word < row.length; word++) {
      let mask = 0;
      if (words[at] === word) mask = masks[at++]!;
      else if (carry === 0) {
        if (at === words.length) break;
        word = words[at]!;
        mask = masks[at++]!;
      }
      const before = row[word]!;
      const shared = before & mask;
      const sum = before + shared + carry;
      row[word] = (sum | (before & ~shared)) & ALL;
      carry = sum >>> BITS;
    }
  }
  let length = 0;
  for (let j = 0; j < b.length; j++) if (((row[Math.floor(j / BITS)]! >>> (j % BITS)) & 1) === 0) length++;
  return length;
}

function placesOf(tokens: readonly string[]): Map<string, Places> {
  const places = new Map<string, Places>();
  tokens.forEach((token, place) => {
    const { words, masks } = places.get(token) ?? { words: [], masks: [] };
    if (words.length === 0) places.set(token, { words, masks });
    const word = Math.floor(place / BITS);
    if (words.at(-1) !== word) masks[words.push(word) - 1] = 0;
    masks[words.length - 1]! |= 1 << (place % BITS);
  });
  return places;
}
