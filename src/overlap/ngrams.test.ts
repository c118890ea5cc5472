/** N-gram vectors: their features, their hash, and what they tell apart. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOf, NgramEmbedder, ngramVector } from './ngrams.ts';

const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const text = fc.string({ unit: 'grapheme', maxLength: 40 });

// Computed apart from this code, in Python's unbounded integers, from the published definitions of both parts.
test.each([
  ['', 2872998923],
  ['ca', 307926447],
  ['cé😀', 3109500925],
])('the hash of %j', (string, expected) => {
  expect(hashOf(string)).toBe(expected);
});

describe('ngramVector', () => {
  test('one letter: each n-gram at its place with its sign, the whole of length 1', () => {
    // "^a$" in two spellings: 3 + 2 + 1 n-grams each, and "a" is its own shape
    const grams = ['\u0002', 'a', '\u0003', '\u0002a', 'a\u0003', '\u0002a\u0003'];
    const sums = new Float64Array(512);
    for (const gram of ['c', 's'].flatMap(kind => grams.map(gram => kind + gram))) {
      const hash = hashOf(gram);
      sums[hash % 512]! += hash >= 2 ** 31 ? -1 : 1;
    }
    const length = Math.sqrt(sums.reduce((total, sum) => total + sum * sum, 0));
    expect([...ngramVector('a')]).toEqual([...Float32Array.from(sums, sum => sum / length)]);
  });

  test('a feature seen again counts by its logarithm', () => {
    // Width 2^20 keeps the few features of these texts apart.
    const weight = (of: string) => {
      const vector = ngramVector(of, 2 ** 20);
      const at = (gram: string) => Math.abs(vector[hashOf(gram) % 2 ** 20]!);
      return at('ca') / at('c\u0002');
    };
    expect(weight('a')).toBeCloseTo(1, 6);
    expect(weight('aaaa')).toBeCloseTo(1 + Math.log(4), 5);
  });

  test('any text: length 1, the same numbers again', () => {
    fc.assert(
      fc.property(text, written => {
        const vector = ngramVector(written);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
        expect(ngramVector(written)).toEqual(vector);
      }),
    );
  });

  test('case is seen by the shape alone, spelling by both', () => {
    const [plain, shouted, other] = ['fix the parser', 'FIX THE PARSER', 'ADD NEW WIDGET'].map(t => ngramVector(t));
    expect(cosine(plain!, shouted!)).toBeLessThan(0.9);
    expect(cosine(plain!, shouted!)).toBeGreaterThan(cosine(plain!, other!));
    const shapes = [ngramVector('Fix #12'), ngramVector('Add #97'), ngramVector('add 97.')];
    expect(cosine(shapes[0]!, shapes[1]!)).toBeGreaterThan(cosine(shapes[0]!, shapes[2]!));
  });
});

test('the prompt is not looked at', async () => {
  const embedder = new NgramEmbedder();
  const found = await embedder.embed({ prompt: 'one', completion: 'same' });
  expect(found).toEqual(await embedder.embed({ prompt: 'other', completion: 'same' }));
  expect(found).toHaveLength(embedder.width);
});
