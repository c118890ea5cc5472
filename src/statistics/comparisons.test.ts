import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { random } from '../common/random.ts';
import { holm, pairedDifference, winRate } from './comparisons.ts';

interface Recorded {
  holm: { p: number[]; adjusted: number[] }[];
  wilson: { wins: number; ties: number; count: number; low: number; high: number }[];
  paired: { a: number[]; b: number[]; exact: boolean; p: number }[];
}
const file = new URL('../../tests/fixtures/comparisons.json', import.meta.url);
const recorded: Recorded = JSON.parse(await readFile(file, 'utf8'));

describe('comparisons', () => {
  it.each(recorded.holm)('Holm’s correction of $p.length p-values is that of statsmodels', ({ p, adjusted }) => {
    holm(p).forEach((value, i) => {
      expect(value).toBeCloseTo(adjusted[i]!, 14); // one product each
    });
  });

  it.each(recorded.wilson)('the interval of $wins wins and $ties ties in $count is that of statsmodels', expected => {
    const { wins, ties, count } = expected;
    const found = winRate(Array.from({ length: count }, (_, i) => (i < wins ? 2 : i < wins + ties ? 0 : -1)));
    expect(found).toMatchObject({ wins, ties, losses: count - wins - ties, rate: (wins + ties / 2) / count });
    expect(found.low).toBeCloseTo(expected.low, 12); // the same formula in another order
    expect(found.high).toBeCloseTo(expected.high, 12);
  });

  it.each(recorded.paired)('the p-value of $a.length pairs is SciPy’s: $p', ({ a, b, exact, p }) => {
    const found = pairedDifference(a, b, random(1, 'paired')).p;
    if (exact) expect(found).toBeCloseTo(p, 12);
    // Drawn flips: four standard errors of 10,000 draws.
    else expect(Math.abs(found - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 10_000));
  });

  it('gives the mean difference between its bounds, and no evidence where nothing differs', () => {
    const { mean, low, high } = pairedDifference([3, 5, 4, 6], [1, 2, 3, 4], random(1, 'paired'));
    expect(mean).toBe(2);
    expect(low).toBeLessThan(2);
    expect(high).toBeGreaterThan(2);
    expect(pairedDifference([1, 2], [1, 2], random(1, 'paired'))).toEqual({ mean: 0, low: 0, high: 0, p: 1 });
  });

  it('refuses what cannot be compared', () => {
    expect(() => pairedDifference([1], [1, 2], random(1))).toThrow('found 1 and 2 values');
    expect(() => pairedDifference([Number.NaN], [1], random(1))).toThrow('finite');
    expect(() => winRate([])).toThrow('found none');
  });
});
