/** Every estimator where nothing, all or a part is shared, and where few different records make scores tie. */
import { describe, expect, it } from 'vitest';
import { random } from '../common/random.ts';
import { alphaFromScores, estimateOverlap, overlapSchema } from './estimate.ts';
import { sigmoid } from './logistic-regression.ts';

const ESTIMATORS = overlapSchema.shape.overlapEstimator.unwrap().options;
const SOURCE = { seed: 1, label: 'ends' };

/** How many records of a side are each of a few texts. */
type Counts = readonly number[];

/** One vector a text, far apart. */
const vectors = Array.from({ length: 5 }, (_, text) => {
  const source = random(7, `text ${text}`);
  return Float32Array.from({ length: 16 }, () => source.normal());
});
const records = (counts: Counts) => counts.flatMap((count, text) => Array<Float32Array>(count).fill(vectors[text]!));

function estimate(
  estimator: (typeof ESTIMATORS)[number],
  own: readonly Float32Array[],
  others: readonly Float32Array[],
) {
  const settings = overlapSchema.parse({ overlapEstimator: estimator, overlapCap: 0.999 });
  // Records of one text to different requests count as different records.
  const names = (side: string, of: readonly unknown[]) => of.map((_, i) => `${side} ${i}`);
  const keys = { target: names('own', own), auxiliary: names('others', others) };
  const found = estimateOverlap(own, others, settings, SOURCE, keys);
  expect(found.fallback).toBeNull();
  return found;
}

/** Own records, others' records, and alpha: the largest share of the own kind that the others' can hold. */
const CASES: readonly (readonly [what: string, own: Counts, others: Counts, alpha: number])[] = [
  ['one text, 20 and 20', [20], [20], 1],
  ['one text, 80 and 80', [80], [80], 1],
  ['one text, 20 and 100', [20], [100], 1],
  ['two texts alike', [20, 20], [20, 20], 1],
  ['two texts alike, one of them rare, 5 times as many others', [18, 2], [90, 10], 1],
  ['three texts alike', [12, 9, 9], [12, 9, 9], 1],
  ['one text, of the others one is another', [50], [49, 1], 0.98],
  ['one text, others have 30% of it', [20], [30, 70], 0.3],
  ['two texts, others have 60% of them', [10, 10], [30, 30, 20, 20], 0.6],
  ['one text each', [20], [0, 20], 0],
  ['two texts each, 5 times as many others', [10, 10], [0, 0, 50, 50], 0],
];

describe.each(ESTIMATORS)('%s', overlapEstimator => {
  it.each(CASES)('%s', (_, own, others, alpha) => {
    const found = estimate(overlapEstimator, records(own), records(others));
    if (overlapEstimator === 'paper') {
      // It reads alpha / (1 + alpha) at best.
      expect(Math.abs(found.alpha - alpha / (1 + alpha))).toBeLessThan(0.05);
      return;
    }
    // Nothing tells equal sides apart from a mixture of near kinds, which the binormal posterior counts in: its median is
    // 0.85 at 20 records of each, as for continuous scores. Elkan-Noto and DEDPUL's bend are off by a few hundredths.
    const allowed = overlapEstimator === 'binormal' && alpha > 0.9 ? 0.15 : 0.05;
    expect(Math.abs(found.alpha - alpha)).toBeLessThan(allowed);
    // A bootstrap of scores that are all alike has no width, so that its interval may miss by what the estimate does.
    expect(found.interval.low).toBeLessThanOrEqual(alpha + 0.05);
    expect(found.interval.high).toBeGreaterThanOrEqual(alpha - 0.05);
  });

  it('does not grow surer of less with more records that are all alike', () => {
    const [few, many] = [20, 160].map(n => estimate(overlapEstimator, records([n]), records([n])));
    expect(many!.alpha).toBeGreaterThanOrEqual(few!.alpha);
    expect(many!.interval.high).toBeGreaterThanOrEqual(few!.interval.high - 0.01);
  });
});

describe('scores', () => {
  const filled = (count: number, logOdds: (i: number) => number) =>
    Float64Array.from({ length: count }, (_, i) => sigmoid(logOdds(i)));
  it.each([
    ['beyond what a probability can hold', filled(20, () => 60), filled(20, () => 60), 1],
    ['as far apart as probabilities go', filled(20, () => 60), filled(20, () => -60), 0],
    ['of the target alike, others spread below', filled(30, () => 1), filled(90, i => -1 - i / 30), 0],
    ['of the target spread, others alike below', filled(30, i => i / 30), filled(30, () => -3), 0],
    [
      'of the target alike, 30% of the others too',
      filled(30, () => 1),
      filled(90, i => (i < 27 ? 1 : -1 - i / 30)),
      0.3,
    ],
  ])('%s: all but the compressed rules agree', (_, target, auxiliary, alpha) => {
    for (const estimator of ['binormal', 'bbe', 'dedpul'] as const) {
      const found = alphaFromScores({ target, auxiliary }, estimator, random(1, 'bootstrap'));
      expect(Math.abs(found.alpha - alpha)).toBeLessThan(estimator === 'binormal' && alpha === 1 ? 0.15 : 0.05);
      expect(found.low).toBeLessThanOrEqual(alpha + 0.05);
      expect(found.high).toBeGreaterThanOrEqual(alpha - 0.05);
    }
  });

  it.each(ESTIMATORS)('%s: an alpha where the classifier knows no record at all', estimator => {
    const none = new Float64Array(20);
    const { alpha, low, high } = alphaFromScores({ target: none, auxiliary: none }, estimator, random(1, 'bootstrap'));
    for (const value of [alpha, low, high]) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    }
  });
});
