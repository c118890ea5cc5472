import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { meanAbsoluteError, rootMeanSquaredError } from './regression.ts';

interface Case {
  predictions: number[];
  references: number[];
  mae: number;
  rmse: number;
}
const file = new URL('../../tests/fixtures/labels.json', import.meta.url);
const { ratings }: { ratings: Case[] } = JSON.parse(await readFile(file, 'utf8'));

describe('ratings', () => {
  it.each(ratings)('off by $mae: both errors are scikit-learn’s', ({ predictions, references, mae, rmse }) => {
    // Recorded whole; NumPy sums in another order.
    expect(meanAbsoluteError(predictions, references)).toBeCloseTo(mae, 12);
    expect(rootMeanSquaredError(predictions, references)).toBeCloseTo(rmse, 12);
  });

  it('refuses an answer that was no number', () => {
    expect(() => meanAbsoluteError([1, Number.NaN], [1, 2])).toThrow('prediction 1 is NaN');
    expect(() => rootMeanSquaredError([], [])).toThrow('found 0');
  });
});
