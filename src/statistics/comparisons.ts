/** Two methods compared on the same users: difference, p-value, win rate; and the correction for many comparisons. */
import { IdiolectError } from '../common/errors.ts';
import type { Random } from '../common/random.ts';
import { bootstrapMean, type Estimate } from './intervals.ts';

/** Random sign flips where all are too many; with fewer than 14 users that differ all are tried. */
const FLIPS = 10_000;

/** Quantile of the standard normal at 0.975. */
const Z = 1.959963984540054;

export interface PairedDifference extends Estimate {
  /** Two-sided p-value of the paired randomisation test of no difference. */
  readonly p: number;
}

/**
 * The mean of a - b over users with its 95% bootstrap interval, and the p-value of the paired randomisation test: how
 * often the mean is as far from 0 when each user's two values are swapped by chance (scipy.stats.permutation_test
 * with permutation_type='samples'; where flips are drawn, p = (hits + 1) / (draws + 1)).
 *
 * @param a one value a user
 * @param b one value a user, the same users in the same order
 * @throws IdiolectError DATA where there is none, not as many of both, or one is not finite
 */
export function pairedDifference(a: readonly number[], b: readonly number[], random: Random): PairedDifference {
  const differences = a.map((value, i) => value - b[i]!);
  if (a.length === 0 || a.length !== b.length || !differences.every(Number.isFinite)) {
    throw new IdiolectError(
      'DATA',
      `a paired comparison needs a finite value of both sides for each user; found ${a.length} and ${b.length} values.`,
    );
  }
  return { ...bootstrapMean(differences, random), p: signFlipTest(differences, random) };
}

/** The p-value of the paired randomisation test: how often the sum is as far from 0 when signs are drawn by chance. */
export function signFlipTest(differences: readonly number[], random: Random): number {
  const sizes = differences.map(Math.abs).filter(size => size > 0);
  const observed = Math.abs(differences.reduce((sum, value) => sum + value, 0));
  // Flips that give the same sum in exact arithmetic must count, whatever their rounding.
  const reached = (sum: number) => Math.abs(sum) >= observed - 1e-12 * sizes.reduce((total, size) => total + size, 0);
  const exact = 2 ** sizes.length <= FLIPS;
  const draws = exact ? 2 ** sizes.length : FLIPS;
  let hits = 0;
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0;
    for (let i = 0; i < sizes.length; i++) {
      const plus = exact ? (draw >>> i) & 1 : random.uniform() < 0.5;
      sum += plus ? sizes[i]! : -sizes[i]!;
    }
    if (reached(sum)) hits++;
  }
  return exact ? hits / draws : (hits + 1) / (draws + 1);
}

export interface WinRate {
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
  /** (wins + ties / 2) / users, with its 95% interval after Wilson (1927). */
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/**
 * How often a is above b, a tie counting as half a win.
 *
 * @param differences a - b, one a user
 * @throws IdiolectError DATA where there is none
 */
export function winRate(differences: readonly number[]): WinRate {
  const n = differences.length;
  if (n === 0) throw new IdiolectError('DATA', 'a win rate needs at least one user; found none.');
  const wins = differences.filter(difference => difference > 0).length;
  const losses = differences.filter(difference => difference < 0).length;
  const ties = n - wins - losses;
  const rate = (wins + ties / 2) / n;
  const centre = (rate + Z ** 2 / (2 * n)) / (1 + Z ** 2 / n);
  const half = (Z * Math.sqrt((rate * (1 - rate)) / n + Z ** 2 / (4 * n ** 2))) / (1 + Z ** 2 / n);
  return { wins, losses, ties, rate, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/**
 * Holm's correction (1979): adjusted p-values, in the order given. Those at most 0.05 can be called significant with a
 * chance of 5% that any of them is false, however the comparisons depend on each other.
 *
 *     adjusted of the i-th smallest = max over j <= i of min(1, (m - j + 1) p_j)
 */
export function holm(pValues: readonly number[]): number[] {
  const adjusted: number[] = new Array(pValues.length);
  let largest = 0;
  const order = [...pValues.keys()].sort((i, j) => pValues[i]! - pValues[j]!);
  order.forEach((at, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[at]!));
    adjusted[at] = largest;
  });
  return adjusted;
}
