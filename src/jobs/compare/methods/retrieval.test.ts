/** Records most like a request: by rank_bm25's scores, and by the angle between made-up vectors. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { HistoryRecord } from '../../../histories/index.ts';
import type { Embedder } from '../../../overlap/embedder.ts';
import { bm25Retriever, denseRetriever } from './retrieval.ts';

interface Case {
  name: string;
  documents: string[];
  queries: string[];
  scores: number[][];
}
const file = new URL('../../../../tests/fixtures/bm25.json', import.meta.url);
const cases: Case[] = JSON.parse(await readFile(file, 'utf8'));

/** A record whose words are those of a document, in input and output, parted at its first space. */
function recordOf(document: string, index: number): HistoryRecord {
  const space = document.indexOf(' ');
  const [input, output] = space < 0 ? ['', document] : [document.slice(0, space), document.slice(space + 1)];
  return { user: 'ada', id: String(index), input, output };
}

describe('BM25 retrieval', () => {
  it.each(cases)(
    'finds records in the order of rank_bm25’s scores, of equals the earlier: $name',
    async ({ documents, queries, scores }) => {
      const records = documents.map(recordOf);
      const retrieve = bm25Retriever(records);
      for (const [i, query] of queries.entries()) {
        // Scores that differ in the last digits of a double are equal: both sum a few products.
        const rounded = scores[i]!.map(score => Math.round(score * 1e9));
        const order = [...documents.keys()].sort((a, b) => rounded[b]! - rounded[a]! || a - b);
        for (const count of [1, 3, documents.length]) {
          const found = await retrieve(query, count);
          expect(found.map(({ id }) => Number(id))).toEqual(order.slice(0, count));
        }
      }
    },
  );

  it('reads the words of input and output, and gives all records where there are fewer than asked for', async () => {
    const record = (input: string, output: string): HistoryRecord => ({ user: 'ada', input, output });
    const records = [record('fix login', 'done'), record('test cache', 'green'), record('rename router', 'moved')];
    const retrieve = bm25Retriever(records);
    expect((await retrieve('cache', 1)).map(({ output }) => output)).toEqual(['green']);
    expect((await retrieve('moved', 1)).map(({ input }) => input)).toEqual(['rename router']);
    expect(await retrieve('login', 9)).toHaveLength(3);
    expect(await bm25Retriever([])('login', 2)).toEqual([]);
  });
});

describe('dense retrieval', () => {
  const VECTORS: Readonly<Record<string, readonly [number, number]>> = {
    north: [0, 1],
    'far north-east': [30, 40],
    'near east': [0.1, 0],
    'long east': [9, 0],
    west: [-1, 0],
    nowhere: [0, 0],
  };

  /** Knows the texts above and no others, and counts what it was asked. */
  function embedder(): Embedder & { asked: string[] } {
    const asked: string[] = [];
    return {
      asked,
      name: 'made up',
      width: 2,
      async embed({ prompt, completion }) {
        asked.push(completion);
        const vector = VECTORS[completion];
        if (prompt !== '' || !vector) throw new Error(`"${prompt}${completion}" was not to be embedded`);
        return Float32Array.from(vector);
      },
      async close() {},
    };
  }
  const inputs = ['west', 'near east', 'far north-east', 'nowhere', 'long east'];
  const records = inputs.map((input): HistoryRecord => ({ user: 'ada', input, output: 'not compared' }));

  it('finds the nearest by angle, not by length; of equals the earlier', async () => {
    const retrieve = denseRetriever(records, embedder());
    const found = async (query: string, count: number) => (await retrieve(query, count)).map(({ input }) => input);
    // Cosines with east: 1, 1, 0.6, 0 (no direction), -1.
    expect(await found('near east', 5)).toEqual(['near east', 'long east', 'far north-east', 'nowhere', 'west']);
    expect(await found('north', 1)).toEqual(['far north-east']);
    expect(await found('west', 2)).toEqual(['west', 'nowhere']);
    expect(await found('nowhere', 9)).toEqual(inputs);
  });

  it('embeds each record once, whatever is asked', async () => {
    const counting = embedder();
    const retrieve = denseRetriever(records, counting);
    await Promise.all([retrieve('north', 1), retrieve('north', 2)]);
    await retrieve('west', 1);
    expect(counting.asked.toSorted()).toEqual([...inputs, 'north', 'north', 'west'].sort());
  });
});
