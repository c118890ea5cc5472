/** Finds the user's earlier records that are most like a request, by BM25 or by embeddings. */
import { Bm25, type HistoryRecord } from '../../../histories/index.ts';
import type { Embedder } from '../../../overlap/embedder.ts';

/** Finds the records most like a request, best first. */
export type Retriever = (input: string, count: number) => Promise<readonly HistoryRecord[]>;

/** BM25Okapi over the words of input and output, split at spaces. */
export function bm25Retriever(records: readonly HistoryRecord[]): Retriever {
  const index = new Bm25(records.map(({ input, output }) => `${input} ${output}`));
  return async (input, count) => index.topK(input, count).map(hit => records[hit.index]!);
}

/**
 * Ranks records by the cosine between the request's embedding and that of the record's input; outputs are not compared,
 * as the request has none yet. Of equal cosines the earlier record comes first.
 */
export function denseRetriever(records: readonly HistoryRecord[], embedder: Embedder): Retriever {
  const directionOf = async (input: string) => {
    const vector = await embedder.embed({ prompt: '', completion: input });
    const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    return length > 0 ? vector.map(value => value / length) : vector;
  };
  let directions: Promise<Float32Array[]> | undefined;
  const embedAll = async () => {
    const all: Float32Array[] = [];
    for (const { input } of records) all.push(await directionOf(input));
    return all;
  };
  return async (input, count) => {
    directions ??= embedAll();
    const [known, query] = [await directions, await directionOf(input)];
    const scores = known.map(direction => direction.reduce((sum, value, i) => sum + value * query[i]!, 0));
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
    return order.slice(0, count).map(index => records[index]!);
  };
}
