/** BM25 over one user's texts: which of them share the most telling words with a query. For prompts with examples. */

/** rank_bm25's defaults, which the field uses unchanged. */
const K1 = 1.5;
const B = 0.75;
const EPSILON = 0.25;

/**
 * What Python's str.split() takes as space: Unicode's white space and the four separators U+001C to U+001F. JavaScript's
 * \s differs from it in three places.
 */
const separators = [0x1c, 0x1f].map(code => String.fromCharCode(code)).join('-');
const TOKEN = new RegExp(`[^\\p{White_Space}${separators}]+`, 'gu');

/** The documents a term occurs in, ascending, and its weight in each: the fraction of `scores`, without the idf. */
interface Postings {
  readonly documents: number[];
  readonly weights: number[];
}

/** A document by its place in the list the index was made from, and its score. */
export interface Hit {
  readonly index: number;
  readonly score: number;
}

/**
 * An index of texts for any number of queries. Scores equal those of BM25Okapi in rank_bm25 0.2.2 (k1 1.5, b 0.75,
 * epsilon 0.25) over tokens between spaces, case and punctuation kept.
 *
 * For a document d and the terms t of a query, each as often as the query has it:
 *   score(d) = sum idf(t) * f(t, d) * (k1 + 1) / (f(t, d) + k1 * (1 - b + b * |d| / mean |d|)),
 *   idf(t)   = ln(N - n(t) + 0.5) - ln(n(t) + 0.5), of N documents n(t) with the term;
 * an idf below 0 (terms in more than half of the documents) becomes epsilon times the mean idf over all terms. In a list
 * so short that this mean is below 0 itself, scores are too: rank_bm25 has it so, and so it stays.
 */
export class Bm25 {
  readonly #count: number;
  readonly #postings = new Map<string, Postings>();
  readonly #idf = new Map<string, number>();

  constructor(documents: readonly string[]) {
    this.#count = documents.length;
    const counts = documents.map(document => countTokens(document));
    const lengths = counts.map(({ length }) => length);
    const meanLength = lengths.reduce((sum, length) => sum + length, 0) / documents.length;
    for (const [index, { frequencies, length }] of counts.entries()) {
      const norm = K1 * (1 - B + (B * length) / meanLength);
      for (const [term, frequency] of frequencies) {
        const postings = this.#postings.get(term) ?? { documents: [], weights: [] };
        this.#postings.set(term, postings);
        postings.documents.push(index);
        postings.weights.push((frequency * (K1 + 1)) / (frequency + norm));
      }
    }
    let sum = 0;
    for (const [term, { documents: holding }] of this.#postings) {
      const idf = Math.log(this.#count - holding.length + 0.5) - Math.log(holding.length + 0.5);
      this.#idf.set(term, idf);
      sum += idf;
    }
    const floor = (EPSILON * sum) / this.#idf.size;
    for (const [term, idf] of this.#idf) if (idf < 0) this.#idf.set(term, floor);
  }

  /** One score a document, in the order of the documents; all 0 where the query has no term of any document. */
  scores(query: string): Float64Array {
    const scores = new Float64Array(this.#count);
    for (const [term] of query.matchAll(TOKEN)) {
      const postings = this.#postings.get(term);
      if (!postings) continue;
      const idf = this.#idf.get(term)!;
      const { documents, weights } = postings;
      for (let i = 0; i < documents.length; i++) scores[documents[i]!]! += idf * weights[i]!;
    }
    return scores;
  }

  /**
   * The `count` documents that score highest, best first; all of them where there are fewer. Of equal scores the
   * earlier document comes first, so that the same texts always give the same prompt. (rank_bm25's get_top_n leaves
   * the order of equal scores to an unstable sort.) Documents without a term of the query are not left out: they fill
   * up the places.
   */
  topK(query: string, count: number): Hit[] {
    const scores = this.scores(query);
    const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
    return Array.from(order.subarray(0, count), index => ({ index, score: scores[index]! }));
  }
}

function countTokens(text: string): { frequencies: Map<string, number>; length: number } {
  const frequencies = new Map<string, number>();
  let length = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    length += 1;
    frequencies.set(token, (frequencies.get(token) ?? 0) + 1);
  }
  return { frequencies, length };
}
