/**
 * The binormal model of out-of-fold scores, and what it says about alpha. On the log-odds scale the target's records are
 * taken as normal, and the auxiliary ones as a mixture of that same normal and another one below it:
 *
 *   P: x ~ N(m, s^2)          U: x ~ alpha N(m, s^2) + (1 - alpha) N(m - d, (r s)^2)
 *
 * A linear classifier's score is a sum over many features, which is why a normal fits well enough; the binormal model
 * is the usual one of ROC curves (Green & Swets 1966; Metz 1986), the semi-supervised mixture that of positive-unlabelled
 * learning. It uses the whole shape of U, where bin rules look at its top only, and needs no pure bin. The posterior of
 * alpha under a uniform prior is summed over a grid of d and r; m and s are profiled by EM.
 */
import type { Scores } from './cross-fit.ts';
import { logOddsOf } from './estimators.ts';
import { isTied, normalScores } from './ties.ts';

export interface Posterior {
  readonly median: number;
  /** The shortest interval that holds 95% of the posterior; it reaches 0 or 1 where the density is highest there. */
  readonly low: number;
  readonly high: number;
}

/**
 * Prior of the gap d, in deviations of the target's scores: normal, and flat from 3 deviations of its own on, so that
 * classes that are very far apart are believed. The grid goes to `most`, or to the lowest auxiliary score beyond it.
 */
const GAP = { mean: 2.5, deviation: 1.5, flatFrom: 3, most: 10 };
/** Prior of the logarithm of the ratio r: normal around 0, cut off where one deviation is twice the other. */
const LOG_RATIO = { deviation: 0.35, most: Math.log(2) };
const POINTS = { alpha: 21, gap: 16, logRatio: 5 };
/** More bins than this change the median by less than the grid does. */
const BINS = 128;

/** A side as weighted points, so that the cost does not grow with its size. */
interface Points {
  readonly at: Float64Array;
  readonly weight: Float64Array;
}

interface Sample {
  readonly auxiliary: Points;
  readonly auxiliaryCount: number;
  /** The target's scores have mean 0 and variance 1 here. */
  readonly targetCount: number;
  /** Of the auxiliary scores. */
  readonly lowest: number;
}

interface Range {
  readonly low: number;
  readonly high: number;
}

interface Ranges {
  readonly alpha: Range;
  readonly gap: Range;
  readonly logRatio: Range;
}

/**
 * A large sample's posterior is a ridge far narrower than the first grid, whose best point may lie off it. So the first
 * pass weighs the sample as if it had this many records, and each next one as four times as many.
 */
const FIRST_RECORDS = 200;

/** The posterior of alpha. Each pass lays the grid over the mass that the one before found. */
export function binormalPosterior(scores: Scores): Posterior {
  const sample = sampleOf(scores);
  const records = sample.targetCount + sample.auxiliaryCount;
  let ranges: Ranges = {
    alpha: { low: 0, high: 1 },
    gap: { low: 0, high: Math.max(GAP.most, -sample.lowest) },
    logRatio: { low: -LOG_RATIO.most, high: LOG_RATIO.most },
  };
  for (let weighed = FIRST_RECORDS; weighed < records; weighed *= 4) {
    ranges = massOf(gridOver(sample, ranges, weighed / records));
  }
  ranges = massOf(gridOver(sample, ranges, 1));
  return summaryOf(gridOver(sample, ranges, 1));
}

/** Log-odds in units of the target's mean and deviation, the auxiliary ones in bins. */
function sampleOf(scores: Scores): Sample {
  const logOdds = { target: scores.target.map(logOddsOf), auxiliary: scores.auxiliary.map(logOddsOf) };
  // Tied scores have no width of their own to measure a gap in: their order alone is used.
  const { target: x, auxiliary } = isTied(scores) ? normalScores(logOdds) : logOdds;
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const deviation = Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length) || 1;
  const u = auxiliary.map(value => (value - mean) / deviation);
  return { auxiliary: binned(u), auxiliaryCount: u.length, targetCount: x.length, lowest: Math.min(...u) };
}

function binned(values: Float64Array): Points {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  if (values.length <= BINS || low === high) return { at: values, weight: new Float64Array(values.length).fill(1) };
  const sum = new Float64Array(BINS);
  const weight = new Float64Array(BINS);
  for (const value of values) {
    const bin = Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS));
    sum[bin]! += value;
    weight[bin]!++;
  }
  const used = [...weight.keys()].filter(bin => weight[bin]! > 0);
  return {
    at: Float64Array.from(used, bin => sum[bin]! / weight[bin]!),
    weight: Float64Array.from(used, bin => weight[bin]!),
  };
}

interface Grid {
  readonly alpha: Float64Array;
  readonly gap: Float64Array;
  readonly logRatio: Float64Array;
  /** Posterior, its likelihood raised to `power`, at [logRatio][gap][alpha] up to a factor; the largest is 1. */
  readonly weight: readonly (readonly Float64Array[])[];
}

function gridOver(sample: Sample, ranges: Ranges, power: number): Grid {
  const points = (name: keyof Ranges) => {
    const { low, high } = ranges[name];
    const last = POINTS[name] - 1;
    // Weighing both ends, unlike adding steps, never passes the upper one: log(1 - alpha) must exist.
    return Float64Array.from({ length: last + 1 }, (_, i) => (low * (last - i) + high * i) / last);
  };
  const [alpha, gap, logRatio] = [points('alpha'), points('gap'), points('logRatio')];
  const logs = Array.from(logRatio, r =>
    Array.from(gap, d => {
      const far = Math.min(GAP.flatFrom, Math.abs(d - GAP.mean) / GAP.deviation);
      const prior = -((r / LOG_RATIO.deviation) ** 2) / 2 - far ** 2 / 2;
      const start = { mean: 0, variance: 1 }; // of the target; each alpha starts where the one before ended
      return alpha.map(a => prior + power * profile(sample, a, d, Math.exp(r), start));
    }),
  );
  const largest = Math.max(...logs.flat().map(column => Math.max(...column)));
  const weight = logs.map(byGap => byGap.map(column => column.map(log => Math.exp(log - largest))));
  return { alpha, gap, logRatio, weight };
}

/** The log-likelihood at alpha, gap and ratio, with the target's mean and variance at their best (EM). */
function profile(
  { auxiliary, auxiliaryCount, targetCount }: Sample,
  alpha: number,
  gap: number,
  ratio: number,
  start: { mean: number; variance: number },
): number {
  const { at, weight } = auxiliary;
  const square = ratio * ratio;
  const [logOwn, logOther] = [Math.log(alpha), Math.log(1 - alpha) - Math.log(ratio)];
  let { mean, variance } = start;
  for (let iteration = 0; iteration < 30; iteration++) {
    // Sums of weights, of x and of x^2, where x of another's record is moved up by the gap.
    let [count, first, second] = [targetCount, 0, targetCount];
    for (let i = 0; i < at.length; i++) {
      const own = at[i]! - mean;
      const moved = own + gap;
      const logRatio = logOther - logOwn + (own * own - (moved * moved) / square) / (2 * variance);
      const p = weight[i]! / (1 + Math.exp(logRatio));
      const n = (weight[i]! - p) / square;
      const x = at[i]! + gap;
      count += p + n;
      first += p * at[i]! + n * x;
      second += p * at[i]! * at[i]! + n * x * x;
    }
    const nextMean = first / count;
    const nextVariance = Math.max(1e-6, (second - count * nextMean * nextMean) / (targetCount + auxiliaryCount));
    // At the top the value changes with the square of what is left here, so that this is far closer than the grid.
    const still = Math.abs(nextMean - mean) + Math.abs(nextVariance - variance) < 1e-3;
    [mean, variance] = [nextMean, nextVariance];
    if (still) break;
  }
  start.mean = mean;
  start.variance = variance;
  let value = -(targetCount * (1 + mean * mean)) / (2 * variance);
  value -= ((targetCount + auxiliaryCount) / 2) * Math.log(variance);
  for (let i = 0; i < at.length; i++) {
    const own = at[i]! - mean;
    const moved = own + gap;
    const logP = logOwn - (own * own) / (2 * variance);
    const logN = logOther - (moved * moved) / (2 * variance * square);
    value += weight[i]! * (Math.max(logP, logN) + Math.log1p(Math.exp(-Math.abs(logP - logN))));
  }
  return value;
}

/** The ranges outside which there is hardly any mass, one grid step wider. */
function massOf({ alpha, gap, logRatio, weight }: Grid): Ranges {
  const most = (columns: readonly Float64Array[]) => Math.max(...columns.map(column => Math.max(...column)));
  const range = (points: Float64Array, largest: (i: number) => number): Range => {
    const held = [...points.keys()].filter(i => largest(i) > 1e-4);
    return { low: points[Math.max(0, held[0]! - 1)]!, high: points[Math.min(points.length - 1, held.at(-1)! + 1)]! };
  };
  return {
    alpha: range(alpha, a => Math.max(...weight.flat().map(column => column[a]!))),
    gap: range(gap, d => most(weight.map(byGap => byGap[d]!))),
    logRatio: range(logRatio, r => most(weight[r]!)),
  };
}

/** Quantiles of alpha, its mass spread evenly between grid points. */
function summaryOf({ alpha, weight }: Grid): Posterior {
  const density = Array.from(alpha, (_, a) => weight.flat().reduce((sum, column) => sum + column[a]!, 0));
  const mass = density.slice(1).map((right, i) => (density[i]! + right) / 2);
  const total = mass.reduce((sum, m) => sum + m, 0);
  const quantile = (level: number) => {
    let left = level * total;
    let i = 0;
    while (i < mass.length - 1 && left > mass[i]!) left -= mass[i++]!;
    const share = Math.min(1, left / (mass[i]! || 1));
    return alpha[i]! * (1 - share) + alpha[i + 1]! * share;
  };
  let shortest = { low: 0, high: Number.POSITIVE_INFINITY };
  for (let step = 0; step <= 50; step++) {
    const [low, high] = [quantile(step / 1000), quantile(0.95 + step / 1000)];
    if (high - low < shortest.high - shortest.low) shortest = { low, high };
  }
  return { median: quantile(0.5), ...shortest };
}
