import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { accuracy, macroF1 } from './classification.ts';

interface Case {
  predictions: string[];
  references: string[];
  accuracy: number;
  macroF1: number;
}
const file = new URL('../../tests/fixtures/labels.json', import.meta.url);
const { labels }: { labels: Case[] } = JSON.parse(await readFile(file, 'utf8'));

describe('labels', () => {
  it.each(labels)('$accuracy right: accuracy and macro F1 are scikit-learn’s', expected => {
    // Recorded whole; sums of up to 15 terms differ by rounding alone.
    expect(accuracy(expected.predictions, expected.references)).toBeCloseTo(expected.accuracy, 12);
    expect(macroF1(expected.predictions, expected.references)).toBeCloseTo(expected.macroF1, 12);
  });

  it('takes texts as they are, and refuses what is not aligned', () => {
    expect(accuracy(['a ', 'A', 'a'], ['a', 'a', 'a'])).toBe(1 / 3);
    expect(() => accuracy(['a'], ['a', 'b'])).toThrow('found 1 predictions and 2 references');
    expect(() => macroF1([], [])).toThrow('found 0');
  });
});
