import { describe, expect, it } from 'vitest';
import { random } from '../common/random.ts';
import { binormalPosterior } from './binormal.ts';
import type { Scores } from './cross-fit.ts';
import { sigmoid } from './logistic-regression.ts';

interface Model {
  readonly alpha: number;
  readonly gap: number;
  readonly ratio: number;
}

function draw({ alpha, gap, ratio }: Model, targets: number, others: number, seed: number): Scores {
  const source = random(seed, 'binormal');
  const own = () => sigmoid(0.7 + 1.3 * source.normal());
  const other = () => sigmoid(0.7 + 1.3 * (ratio * source.normal() - gap));
  return {
    target: Float64Array.from({ length: targets }, own),
    auxiliary: Float64Array.from({ length: others }, () => (source.uniform() < alpha ? own() : other())),
  };
}

/** The posterior median by a plain grid and unbinned EM run to its end: slow, and short enough to be read as right. */
function plainMedian(scores: Scores): number {
  const logOdds = (p: number) => Math.log(p / (1 - p));
  const x = [...scores.target].map(logOdds);
  const centre = x.reduce((a, b) => a + b) / x.length;
  const spread = Math.sqrt(x.reduce((sum, v) => sum + (v - centre) ** 2, 0) / x.length);
  const p = x.map(v => (v - centre) / spread);
  const u = [...scores.auxiliary].map(v => (logOdds(v) - centre) / spread);
  const density = (v: number, m: number, s: number) => Math.exp(-(((v - m) / s) ** 2) / 2) / s;
  const logLikelihood = (alpha: number, gap: number, ratio: number) => {
    let [m, s] = [0, 1];
    for (let step = 0; step < 40; step++) {
      const q = u.map(v => {
        const own = alpha * density(v, m, s);
        return own / (own + (1 - alpha) * density(v, m - gap, ratio * s) || 1);
      });
      let [weight, sum] = [p.length, p.reduce((a, b) => a + b)];
      u.forEach((v, i) => {
        weight += q[i]! + (1 - q[i]!) / ratio ** 2;
        sum += q[i]! * v + ((1 - q[i]!) / ratio ** 2) * (v + gap);
      });
      m = sum / weight;
      let square = p.reduce((a, v) => a + (v - m) ** 2, 0);
      u.forEach((v, i) => {
        square += q[i]! * (v - m) ** 2 + (1 - q[i]!) * ((v + gap - m) / ratio) ** 2;
      });
      s = Math.sqrt(square / (p.length + u.length));
    }
    const mixture = (v: number) => alpha * density(v, m, s) + (1 - alpha) * density(v, m - gap, ratio * s);
    return [...p.map(v => density(v, m, s)), ...u.map(mixture)].reduce((sum, f) => sum + Math.log(f), 0);
  };
  const alphas = Array.from({ length: 26 }, (_, i) => i / 25);
  const gaps = Array.from({ length: 21 }, (_, i) => i / 2);
  const mass = alphas.map(alpha => {
    let sum = 0;
    for (const gap of gaps) {
      for (const ratio of [-4, -3, -2, -1, 0, 1, 2, 3, 4].map(step => 2 ** (step / 4))) {
        const prior = -(((gap - 2.5) / 1.5) ** 2) / 2 - (Math.log(ratio) / 0.35) ** 2 / 2;
        sum += Math.exp(logLikelihood(alpha, gap, ratio) + prior);
      }
    }
    return sum;
  });
  const total = mass.reduce((a, b) => a + b) - (mass[0]! + mass.at(-1)!) / 2;
  let below = 0;
  for (let i = 1; ; i++) {
    const slice = (mass[i - 1]! + mass[i]!) / 2;
    if (below + slice >= total / 2) return alphas[i - 1]! + (0.04 * (total / 2 - below)) / slice;
    below += slice;
  }
}

describe('the binormal posterior', () => {
  it.each([
    { alpha: 0.2, gap: 3, ratio: 1 },
    { alpha: 0.6, gap: 2, ratio: 1.4 },
    { alpha: 0.9, gap: 1.5, ratio: 0.7 },
  ])('is what a plain grid gives: %o', model => {
    const scores = draw(model, 20, 30, 1);
    // The plain grid has steps of 0.04 in alpha and 0.5 in the gap.
    expect(Math.abs(binormalPosterior(scores).median - plainMedian(scores))).toBeLessThan(0.02);
  });

  it.each([0.05, 0.3, 0.6, 0.95])('finds alpha %f in a large sample', alpha => {
    const { median, low, high } = binormalPosterior(draw({ alpha, gap: 3, ratio: 1.2 }, 3000, 5000, 2));
    // The standard error of alpha here is below 0.01; the ratio 1.2 lies between those of the first grid.
    expect(Math.abs(median - alpha)).toBeLessThan(0.03);
    expect(high - low).toBeLessThan(0.08);
  });

  it.each([6, 12, 25])('counts, where the classes are %f deviations apart', gap => {
    const { auxiliary } = draw({ alpha: 0.5, gap, ratio: 1 }, 40, 60, 1);
    const own = auxiliary.filter(p => p > sigmoid(0.7 - (1.3 * gap) / 2)).length;
    const { median } = binormalPosterior(draw({ alpha: 0.5, gap, ratio: 1 }, 40, 60, 1));
    // The prior draws a share of 60 towards 1/2 by about 1/60; far classes add a little of their grid's step.
    expect(Math.abs(median - own / 60)).toBeLessThan(0.03);
  });

  it('has intervals that reach the ends where nothing, or all, is shared', () => {
    expect(binormalPosterior(draw({ alpha: 0, gap: 3, ratio: 1 }, 40, 60, 1)).low).toBe(0);
    expect(binormalPosterior(draw({ alpha: 1, gap: 3, ratio: 1 }, 40, 60, 1)).high).toBe(1);
  });

  it('says nothing where a small sample shows nothing, and more with more records', () => {
    const few = binormalPosterior(draw({ alpha: 0.5, gap: 1, ratio: 1 }, 10, 15, 3));
    expect(few.high - few.low).toBeGreaterThan(0.6);
    const many = binormalPosterior(draw({ alpha: 0.5, gap: 1, ratio: 1 }, 2000, 3000, 3));
    expect(many.high - many.low).toBeLessThan(0.4);
  });

  it('covers alpha at about its level when the model holds and alpha comes from the prior', () => {
    const source = random(9, 'truths');
    let covered = 0;
    for (let i = 0; i < 100; i++) {
      const alpha = source.uniform();
      const gap = Math.abs(2.5 + 1.5 * source.normal());
      const { low, high } = binormalPosterior(draw({ alpha, gap, ratio: 1 }, 40, 60, i));
      if (low <= alpha && alpha <= high) covered++;
    }
    // 95 expected; a binomial of 100 at 0.95 is below 88 with probability 0.001.
    expect(covered).toBeGreaterThanOrEqual(88);
  });

  it('holds with scores that are all the same', () => {
    const same = new Float64Array(20).fill(0.5);
    const { median, low, high } = binormalPosterior({ target: same, auxiliary: same });
    expect([low, median, high].every(Number.isFinite)).toBe(true);
  });
});
