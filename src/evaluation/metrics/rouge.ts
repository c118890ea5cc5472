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

/** Length of the longest common subsequence: the usual table, one row at a time, over numbered tokens. */
function commonSubsequence(a: readonly string[], b: readonly string[]): number {
  const numbers = new Map<string, number>();
  const numbered = (tokens: readonly string[]) =>
    Int32Array.from(tokens, token => {
      const number = numbers.get(token) ?? numbers.size;
      numbers.set(token, number);
      return number;
    });
  const rows = numbered(a);
  const columns = numbered(b);
  const row = new Int32Array(columns.length + 1);
  for (const token of rows) {
    let diagonal = 0;
    for (let j = 0; j < columns.length; j++) {
      const above = row[j + 1]!;
      row[j + 1] = token === columns[j] ? diagonal + 1 : Math.max(above, row[j]!);
      diagonal = above;
    }
  }
  return row[columns.length]!;
}
