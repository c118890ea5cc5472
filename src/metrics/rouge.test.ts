import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGzipJson } from '../../tests/support/gzip-json.ts';
import { porterStem } from './porter-stemmer.ts';
import { type RougeScores, rouge } from './rouge.ts';

const pairs = readGzipJson<[string, string][]>('text_pairs.json.gz');
const recorded = readGzipJson<number[][]>('rouge.json.gz');

/** ROUGE-1.5.5's values, where these lie beside the project; their texts never enter it. */
interface Vectors {
  vectors: {
    target: string;
    prediction: string;
    type: keyof RougeScores | 'rougeLsum';
    use_stemmer: boolean;
    precision: number;
    recall: number;
    fmeasure: number;
  }[];
}
const file = new URL('../../../shared/data/rouge_vectors.json', import.meta.url);
const present = existsSync(file);
if (!present) console.log('skipped: the vectors of ROUGE-1.5.5 are not beside the project');

describe('ROUGE', () => {
  it('equals rouge_score on 1,000 pairs', () => {
    expect(recorded).toHaveLength(1000);
    pairs.forEach(([prediction, reference], i) => {
      const { rouge1, rouge2, rougeL } = rouge(prediction, reference);
      const found = [rouge1, rouge2, rougeL].flatMap(({ precision, recall, f1 }) => [precision, recall, f1]);
      // The recorded values are rounded to 9 decimals; all else is the same arithmetic on the same counts.
      found.forEach((value, k) => {
        expect(Math.abs(value - recorded[i]![k]!), `pair ${i}: ${prediction}`).toBeLessThan(1e-9);
      });
    });
  });

  it('finds the longest common subsequence that the usual table finds, within and across words of 32 places', () => {
    const usual = (a: readonly string[], b: readonly string[]) => {
      let row = Array<number>(b.length + 1).fill(0);
      for (const token of a) {
        const next = [0];
        b.forEach((other, j) => void next.push(token === other ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!)));
        row = next;
      }
      return row.at(-1)!;
    };
    const words = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 150 });
    fc.assert(
      fc.property(words, words, (a, b) => {
        const { precision } = rouge(a.join(' '), b.join(' ')).rougeL;
        expect(Math.round(precision * a.length)).toBe(usual(a, b));
      }),
      { seed: 20_260_101, numRuns: 300 },
    );
  });

  it('is symmetric but for the names, at most 1, and 1 for a text against itself', () => {
    const text = fc.array(fc.constantFrom('one', 'two', 'Three', 'é', '-', '\n'), { maxLength: 12 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const there = rouge(a.join(' '), b.join(' '));
        const back = rouge(b.join(' '), a.join(' '));
        for (const name of ['rouge1', 'rouge2', 'rougeL'] as const) {
          expect(there[name].precision).toBe(back[name].recall);
          expect(there[name].f1).toBe(back[name].f1);
          expect(there[name].f1).toBeLessThanOrEqual(1);
        }
        const words = a.filter(word => /[a-z]/i.test(word));
        expect(rouge(a.join(' '), a.join(' ')).rougeL.f1).toBe(words.length > 0 ? 1 : 0);
      }),
    );
  });
});

describe.skipIf(!present)('the vectors of ROUGE-1.5.5', () => {
  // Its stemmer is Porter's, for words of more than three letters; ours for METEOR does the same to these.
  const stemmed = (text: string) =>
    (text.toLowerCase().match(/[a-z0-9]+/g) ?? []).map(word => (word.length > 3 ? porterStem(word) : word)).join(' ');

  it('have our values where they ask for ROUGE-1, -2 or -L', () => {
    const { vectors }: Vectors = JSON.parse(readFileSync(file, 'utf8'));
    let checked = 0;
    for (const { target, prediction, type, use_stemmer, ...expected } of vectors) {
      if (type === 'rougeLsum') continue;
      const found = use_stemmer ? rouge(stemmed(prediction), stemmed(target))[type] : rouge(prediction, target)[type];
      // Five decimals are given.
      expect(Math.abs(found.precision - expected.precision)).toBeLessThan(5.1e-6);
      expect(Math.abs(found.recall - expected.recall)).toBeLessThan(5.1e-6);
      expect(Math.abs(found.f1 - expected.fmeasure)).toBeLessThan(5.1e-6);
      checked++;
    }
    expect(checked).toBe(17); // the other 4 are of rougeLsum
  });
});
