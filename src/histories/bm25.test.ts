import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bm25 } from './bm25.ts';

interface Case {
  name: string;
  documents: string[];
  queries: string[];
  scores: number[][];
}
const file = new URL('../../tests/fixtures/bm25.json', import.meta.url);
const cases: Case[] = JSON.parse(await readFile(file, 'utf8'));

describe('Bm25', () => {
  it.each(cases)('scores as rank_bm25 does: $name', ({ documents, queries, scores }) => {
    const index = new Bm25(documents);
    for (const [i, query] of queries.entries()) {
      const found = index.scores(query);
      expect(found).toHaveLength(documents.length);
      // Both sum a few products of doubles, in the same order; only the logarithms' last digits may differ.
      scores[i]!.forEach((wanted, d) => {
        expect(Math.abs(found[d]! - wanted), `${query} in ${documents[d]}`).toBeLessThan(1e-9);
      });
    }
  });

  it('was checked on negative scores, floored idf and zeros', () => {
    const all = cases.flatMap(({ scores }) => scores.flat());
    expect([all.some(score => score < 0), all.some(score => score > 1), all.some(score => score === 0)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('puts the best first, and of equals the earlier', () => {
    const index = new Bm25(['no', 'the cat', 'a dog', 'the cat', 'my cat cat']);
    expect(index.topK('cat', 3).map(hit => hit.index)).toEqual([4, 1, 3]);
    expect(index.topK('nothing known', 9)).toEqual([0, 1, 2, 3, 4].map(i => ({ index: i, score: 0 })));
    expect(index.topK('cat', 0)).toEqual([]);
  });

  it('takes nothing to search in', () => {
    expect(new Bm25([]).topK('cat', 2)).toEqual([]);
    expect([...new Bm25(['', ' ']).scores('cat')]).toEqual([0, 0]);
  });

  it('ranks as its scores say, whatever was asked before', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 8 }).map(words => words.join(' '));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 12 }), text, text, (documents, before, query) => {
        const index = new Bm25(documents);
        index.topK(before, 3);
        const scores = new Bm25(documents).scores(query);
        const hits = index.topK(query, documents.length);
        expect(hits.map(hit => hit.index).toSorted((a, b) => a - b)).toEqual(documents.map((_, i) => i));
        for (const [i, { index: document, score }] of hits.entries()) {
          expect(score).toBe(scores[document]);
          const next = hits[i + 1];
          if (next) expect(score > next.score || (score === next.score && document < next.index)).toBe(true);
        }
      }),
    );
  });
});
