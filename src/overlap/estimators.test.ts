import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../common/random.ts';
import type { Scores } from './cross-fit.ts';
import { bbe, dedpul, elkanNoto, paper } from './estimators.ts';
import { sigmoid } from './logistic-regression.ts';

const scoresOf = (target: readonly number[], auxiliary: readonly number[]): Scores => ({
  target: Float64Array.from(target),
  auxiliary: Float64Array.from(auxiliary),
});

const repeat = (count: number, value: number) => Array<number>(count).fill(value);
/** What a perfect class-balanced classifier says: own-looking records have the odds 1 to alpha, others' 0. */
const perfect = (alpha: number) =>
  scoresOf(repeat(100, 1 / (1 + alpha)), [
    ...repeat(Math.round(1000 * alpha), 1 / (1 + alpha)),
    ...repeat(Math.round(1000 * (1 - alpha)), 0),
  ]);

describe('with a perfect classifier', () => {
  it.each([0, 0.1, 0.3, 0.6, 0.9])('alpha %f: the paper’s rule is compressed, the others are exact', alpha => {
    const scores = perfect(alpha);
    expect(paper(scores)).toBeCloseTo(alpha / (1 + alpha), 12);
    expect(elkanNoto(scores)).toBeCloseTo(alpha, 12);
    expect(bbe(scores)).toBeCloseTo(alpha, 12);
    // The bend of two values is at the ratio of their smoothed densities; the tolerated excess below it is 0.05.
    expect(Math.abs(dedpul(scores) - alpha)).toBeLessThan(0.05);
  });
});

/** Probabilities of the ideal class-balanced classifier for two normals `gap` deviations apart. */
function normals(alpha: number, gap: number, targets: number, others: number, seed: number): Scores {
  const source = random(seed, 'normals');
  const own = () => source.normal();
  const other = () => source.normal() - gap;
  const score = (x: number) => sigmoid(gap * (x + gap / 2));
  return scoresOf(
    Array.from({ length: targets }, () => score(own())),
    Array.from({ length: others }, (_, i) => score(i < alpha * others ? own() : other())),
  );
}

describe('bbe', () => {
  it('is the formula, tried at every threshold', () => {
    const value = fc.integer({ min: 0, max: 12 }).map(n => n / 12); // coarse, so that scores tie
    const side = fc.array(value, { minLength: 1, maxLength: 30 });
    const check = (target: number[], auxiliary: number[]) => {
      const term = (n: number) => Math.sqrt(Math.log(4 / 0.1) / (2 * n));
      const candidates = target.map(c => {
        const share = (values: readonly number[]) => values.filter(v => v >= c).length / values.length;
        const ratio = share(auxiliary) / share(target);
        const margin = ((1 + 0.01) / share(target)) * (term(auxiliary.length) + term(target.length));
        return { bound: ratio + margin, ratio };
      });
      const least = Math.min(...candidates.map(({ bound }) => bound));
      const found = bbe(scoresOf(target, auxiliary));
      // Bounds that differ by rounding alone leave the choice open.
      const chosen = candidates.filter(({ bound }) => bound < least + 1e-12).map(({ ratio }) => Math.min(1, ratio));
      expect(Math.min(...chosen.map(ratio => Math.abs(ratio - found)))).toBeLessThan(1e-12);
    };
    fc.assert(fc.property(side, side, check), { seed: 20_260_101, numRuns: 300 });
  });
});

describe('all estimators', () => {
  const one = fc.double({ min: 0, max: 1, noNaN: true });
  const side = fc.array(one, { minLength: 2, maxLength: 40 });

  it.each(Object.entries({ paper, elkanNoto, bbe, dedpul }))('%s stays in [0, 1]', (_, estimator) => {
    const within = (target: number[], auxiliary: number[]) => {
      fc.pre(target.some(p => p > 0)); // a classifier that gives every own record 0 is not one
      const alpha = estimator(scoresOf(target, auxiliary));
      expect(alpha).toBeGreaterThanOrEqual(0);
      expect(alpha).toBeLessThanOrEqual(1);
    };
    fc.assert(fc.property(side, side, within), { seed: 20_260_101, numRuns: 200 });
  });

  it.each([0.1, 0.5, 0.8])('bbe and dedpul are near alpha %f in a large sample', alpha => {
    const scores = normals(alpha, 4, 3000, 3000, 1);
    // Both have known biases of a few hundredths at this size; the standard error is about 0.01.
    expect(Math.abs(bbe(scores) - alpha)).toBeLessThan(0.05);
    expect(Math.abs(dedpul(scores) - alpha)).toBeLessThan(0.05);
  });

  it('Elkan-Noto is too high where the classes overlap', () => {
    const alpha = elkanNoto(normals(0.3, 2, 3000, 3000, 1));
    expect(alpha).toBeGreaterThan(0.35);
    expect(alpha).toBeLessThan(0.6);
  });
});
