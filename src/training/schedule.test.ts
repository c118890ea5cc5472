import { describe, expect, it } from 'vitest';
import { learningRateFactor } from './schedule.ts';

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
});
