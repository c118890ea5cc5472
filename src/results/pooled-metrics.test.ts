import { describe, expect, it } from 'vitest';
import { random } from '../common/random.ts';
import { macroF1 } from '../metrics/classification.ts';
import { rootMeanSquaredError } from '../metrics/regression.ts';
import { bootstrapMean, percentileEstimate } from '../statistics/intervals.ts';
import type { Answer } from './answer.ts';
import { pooledMacroF1, pooledRmse, ratingError, resampled } from './pooled-metrics.ts';

const answer = (text: string, reference: string): Answer => ({
  key: 'k1',
  input: '',
  reference,
  text,
  logProb: -1,
  tokens: 1,
});
const pairs = [
  [
    ['2', '2'],
    ['3', '2'],
  ],
  [
    ['1', '3'],
    ['2', '3'],
    ['3', '3'],
  ],
  [['5', '1']],
].map(user => user.map(([text, reference]) => answer(text!, reference!)));

describe('pooled metrics', () => {
  it.each([[[0, 1, 2]], [[1, 1, 0]], [[2, 2, 2]]])('of users %j are those of their answers in a row', picked => {
    const answers = picked.flatMap(user => pairs[user]!);
    const [predicted, wanted] = [answers.map(({ text }) => text), answers.map(({ reference }) => reference)];
    // The same terms in another order.
    expect(pooledMacroF1(pairs)(picked)).toBeCloseTo(macroF1(predicted, wanted), 12);
    expect(pooledRmse(pairs)(picked)).toBeCloseTo(rootMeanSquaredError(predicted.map(Number), wanted.map(Number)), 12);
  });

  it('have the interval of the bootstrap over users', () => {
    const values = [3, 1, 4, 1, 5];
    const measure = (picked: Iterable<number>) => Array.from(picked, user => values[user]!).reduce((a, b) => a + b) / 5;
    const sample = resampled(measure, 5, random(1, 'users'));
    expect(percentileEstimate(measure([0, 1, 2, 3, 4]), sample)).toEqual(bootstrapMean(values, random(1, 'users')));
  });
});

describe('the error of a rating', () => {
  it.each([
    [' 4\n', '5', -1],
    ['2.', '5', -3],
    ['1e1', '5', 5], // as float() does; nothing is cut to 1 to 5
    ['', '5', -4], // Number('') would be 0
    ['0x2', '2', 3],
    ['4 stars', '4', -3],
    ['good', '3', 2], // both ends are as far: 5
    ['1e999', '1', 4],
  ])('of %j for %s is %d', (text, reference, error) => {
    expect(ratingError(answer(text, reference))).toBe(error);
  });

  it('needs a rating to differ from', () => {
    expect(() => ratingError(answer('4', 'four'))).toThrow('record k1: the user wrote "four", but mae and rmse need');
  });
});
