import { describe, expect, it } from 'vitest';
import { random } from '../common/random.ts';
import { estimateOverlap, fillFromOthers, type OverlapEstimate, overlapSchema } from './estimate.ts';

const defaults = overlapSchema.parse({});
const SOURCE = { seed: 1, label: 'ada' };

/** Target around +gap / 2 in every feature, others around -gap / 2, a share alpha of the auxiliary set from the target. */
function sample(alpha: number, targets: number, others: number, gap = 1.5) {
  const source = random(4, `sample ${alpha} ${targets}`);
  const row = (own: boolean) => Float32Array.from({ length: 6 }, () => source.normal() + (own ? gap : -gap) / 2);
  return {
    target: Array.from({ length: targets }, () => row(true)),
    auxiliary: Array.from({ length: others }, (_, i) => row(i < alpha * others)),
  };
}

describe('estimateOverlap', () => {
  it.each(overlapSchema.shape.overlapEstimator.unwrap().options)(
    '%s: an interval around alpha, again and again',
    name => {
      const { target, auxiliary } = sample(0.4, 60, 100);
      const settings = { ...defaults, overlapEstimator: name };
      const estimate = estimateOverlap(target, auxiliary, settings, SOURCE);
      expect(estimate).toMatchObject({ estimator: name, capped: false, fallback: null, targetRecords: 60 });
      expect(estimate.interval.low).toBeLessThan(estimate.alpha);
      expect(estimate.interval.high).toBeGreaterThan(estimate.alpha);
      expect(estimate.separation).toBeGreaterThan(0.7);
      expect(estimateOverlap(target, auxiliary, settings, SOURCE)).toEqual(estimate);
      // The mixture is nearly separable. The paper's rule reads alpha / (1 + alpha) = 0.29 at best and Elkan-Noto's is
      // too high where classes overlap; the rest are within 0.15, three standard errors of a share of 0.4 among 100.
      if (name !== 'paper' && name !== 'elkan-noto') expect(Math.abs(estimate.alpha - 0.4)).toBeLessThan(0.15);
    },
  );

  it('caps, and says so', () => {
    const { target, auxiliary } = sample(1, 60, 100);
    const { alpha, capped, interval } = estimateOverlap(target, auxiliary, { ...defaults, overlapCap: 0.5 }, SOURCE);
    expect([alpha, capped]).toEqual([0.5, true]);
    expect(interval.high).toBeGreaterThan(0.5);
  });

  it('falls back with few different records on either side', () => {
    const { target, auxiliary } = sample(0.2, 12, 18);
    const few = estimateOverlap(target.slice(0, 9), auxiliary, defaults, SOURCE);
    expect(few).toMatchObject({ alpha: 0.3, interval: { low: 0, high: 1 }, separation: null, targetRecords: 9 });
    expect(few.fallback).toContain('there are 9 and 18');
    const names = (rows: readonly unknown[], label: string) => rows.map((_, i) => `${label} ${i % 9}`);
    const copies = { target: names(target, 'a'), auxiliary: auxiliary.map((_, i) => `${i}`) };
    expect(estimateOverlap(target, auxiliary, defaults, SOURCE, copies).fallback).toContain('there are 9 and 18');
    expect(estimateOverlap([], [], defaults, SOURCE).fallback).toContain('there are 0 and 0');
    expect(estimateOverlap(target, auxiliary, defaults, SOURCE).fallback).toBeNull();
  });
});

describe('fillFromOthers', () => {
  const known = (alpha: number): OverlapEstimate => ({
    ...estimateOverlap([], [], defaults, SOURCE),
    alpha,
    fallback: null,
  });
  const few = estimateOverlap([], [], defaults, SOURCE);

  it('puts the median of the others in the place of the prior', () => {
    const before = new Map([
      ['a', known(0.1)],
      ['b', few],
      ['c', known(0.5)],
      ['d', known(0.2)],
      ['e', known(0.4)],
    ]);
    const after = fillFromOthers(before);
    expect(after.get('b')!.alpha).toBeCloseTo(0.3, 12);
    expect(after.get('b')!.fallback).toContain('the median of 4 other users');
    expect(after.get('c')).toBe(before.get('c'));
    expect([...after.keys()]).toEqual([...before.keys()]);
  });

  it('keeps the prior where too few others are known', () => {
    const before = new Map([
      ['a', known(0.8)],
      ['b', few],
    ]);
    expect(fillFromOthers(before).get('b')).toEqual(few);
  });
});
