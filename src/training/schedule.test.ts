import { describe, expect, it } from 'vitest';
import { cosineFactor, learningRateFactor } from './schedule.ts';

const factors = (total: number, warmupRatio: number, schedule: 'linear' | 'constant') =>
  Array.from({ length: total }, (_, step) => learningRateFactor(step, total, { warmupRatio, schedule }));

describe('the learning rate', () => {
  it('rises linearly to the peak, then falls linearly towards 0', () => {
    expect(factors(10, 0.2, 'linear')).toEqual([0.5, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]);
  });

  it('stays at the peak when constant, and needs no warm-up', () => {
    expect(factors(4, 0.5, 'constant')).toEqual([0.5, 1, 1, 1]);
    expect(factors(2, 0, 'constant')).toEqual([1, 1]);
    expect(factors(1, 1, 'linear')).toEqual([1]);
  });

  it('falls along half a cosine to a share of the peak', () => {
    const factors = Array.from({ length: 9 }, (_, step) => cosineFactor(step, 8, 4, 0.1));
    // The warm-up, then angles 0, 45, 90, 135 degrees; 180 where the run is over.
    const expected = [0.25, 0.5, 0.75, 1, 1, 0.55 + 0.45 * Math.SQRT1_2, 0.55, 0.55 - 0.45 * Math.SQRT1_2, 0.1];
    for (const [step, factor] of factors.entries()) expect(factor).toBeCloseTo(expected[step]!, 12);
    expect(cosineFactor(0, 1, 0, 0)).toBe(1);
  });
});
