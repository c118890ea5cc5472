/** The preference overlap alpha of one user, from feature vectors of the user's records and of others'. */
import { z } from 'zod';
import { counted } from '../common/counted.ts';
import { type Random, random } from '../common/random.ts';
import { percentileInterval } from '../statistics/intervals.ts';
import { binormalPosterior } from './binormal.ts';
import { areaUnderCurve, type BySide, crossFit, type Scores } from './cross-fit.ts';
import { bbe, dedpul, type Estimator, elkanNoto, paper } from './estimators.ts';
import { isTied } from './ties.ts';

export const overlapSchema = z.object({
  overlapEstimator: z
    .enum(['binormal', 'paper', 'bbe', 'elkan-noto', 'dedpul'])
    .default('binormal')
    .describe('how alpha is read from the scores of the proxy classifier'),
  overlapRatio: z
    .number()
    .positive()
    .default(5)
    .describe('others’ records per own record for estimating alpha; they are embedded, not trained on'),
  overlapCap: z
    .number()
    .min(0)
    .lt(1)
    .default(0.9)
    .describe('largest alpha that is used; the loss has the factor 1 / (1 - alpha)'),
  overlapFewRecords: z
    .int()
    .min(2)
    .default(10)
    .describe('fewest distinct records, of the user and of others, to estimate alpha from'),
  overlapPrior: z
    .number()
    .min(0)
    .lt(1)
    .default(0.3)
    .describe('alpha of a user with too few records, when no other user’s estimate is available'),
});

export type OverlapSettings = z.infer<typeof overlapSchema>;

export interface OverlapEstimate {
  /** In [0, overlapCap]. */
  readonly alpha: number;
  /**
   * 95%: the shortest part of the posterior for `binormal`, a percentile bootstrap over the scores for the others; the
   * whole range for a fallback. Not capped, so that it shows what the cap hides.
   */
  readonly interval: { readonly low: number; readonly high: number };
  readonly estimator: OverlapSettings['overlapEstimator'];
  /** Whether the estimate was above the cap. */
  readonly capped: boolean;
  /** Why alpha is not an estimate from this user's records, or null where it is one. */
  readonly fallback: string | null;
  readonly targetRecords: number;
  readonly auxiliaryRecords: number;
  /** Area under the ROC of the out-of-fold scores, target against auxiliary; 0.5 where nothing could be distinguished. */
  readonly separation: number | null;
}

/**
 * Scikit-learn's C. The features are standardised, so that the strongest is nearly a nearest-centroid rule and the
 * weakest nearly separates any training fold.
 */
export const CROSS_FIT = { folds: 5, repeats: 5, penalties: [1e-4, 1e-3, 1e-2, 1e-1, 1] };
/** Enough for a 2.5% quantile to one decimal of its own spread; DEDPUL needs milliseconds for each. */
const RESAMPLES = 200;

/**
 * Estimates alpha. A user with fewer than `overlapFewRecords` different records gets `overlapPrior` and a fallback;
 * `fillFromOthers` puts the median of the other users in its place.
 *
 * @param target features of the user's records, [records][width]
 * @param auxiliary features of others' records, of the same width; more of them than own ones make alpha more exact
 * @param source seed and label of the folds' and the bootstrap's random streams
 * @param keys what identifies each record's text; copies share a fold and count once
 * @throws IdiolectError DATA where widths differ or a feature is not finite
 */
export function estimateOverlap(
  target: readonly Float32Array[],
  auxiliary: readonly Float32Array[],
  settings: OverlapSettings,
  source: { readonly seed: number; readonly label: string },
  keys?: BySide<readonly string[]>,
): OverlapEstimate {
  const { overlapEstimator: estimator, overlapCap, overlapFewRecords } = settings;
  const counts = { targetRecords: target.length, auxiliaryRecords: auxiliary.length };
  const different = (records: readonly unknown[], names?: readonly string[]) => new Set(names ?? records).size;
  const own = different(target, keys?.target);
  const others = different(auxiliary, keys?.auxiliary);
  if (Math.min(own, others) < overlapFewRecords) {
    const fallback =
      `alpha needs ${overlapFewRecords} different records of the user and of others; there are ${own} and ` +
      `${others}, so alpha is set, not estimated.`;
    const interval = { low: 0, high: 1 };
    return { ...capAt(settings.overlapPrior, overlapCap), interval, estimator, fallback, ...counts, separation: null };
  }
  const scores = crossFit({ target, auxiliary }, CROSS_FIT, source, keys);
  const { alpha, low, high } = alphaFromScores(scores, estimator, random(source.seed, `${source.label}/bootstrap`));
  return {
    ...capAt(alpha, overlapCap),
    interval: { low, high },
    estimator,
    fallback: null,
    ...counts,
    separation: areaUnderCurve(scores),
  };
}

/**
 * Puts the median alpha of the users that have an estimate in the place of the prior, for those that have none. With
 * fewer than `least` estimated users the median says little, and the prior stays.
 */
export function fillFromOthers(
  estimates: ReadonlyMap<string, OverlapEstimate>,
  least = 3,
): Map<string, OverlapEstimate> {
  const known = [...estimates.values()].filter(({ fallback }) => fallback === null).map(({ alpha }) => alpha);
  if (known.length < least) return new Map(estimates);
  const ascending = known.toSorted((a, b) => a - b);
  const middle = (ascending.length - 1) / 2;
  const alpha = (ascending[Math.floor(middle)]! + ascending[Math.ceil(middle)]!) / 2;
  const filled = ([user, estimate]: [string, OverlapEstimate]): [string, OverlapEstimate] => {
    if (estimate.fallback === null) return [user, estimate];
    const fallback = `${estimate.fallback} It is the median of ${counted(known.length, 'other user')}.`;
    return [user, { ...estimate, alpha, capped: false, fallback }];
  };
  return new Map([...estimates].map(filled));
}

function capAt(alpha: number, cap: number): { alpha: number; capped: boolean } {
  return { alpha: Math.min(alpha, cap), capped: alpha > cap };
}

/** Alpha and its 95% interval, neither capped; the source is drawn from by the bootstrap alone. */
export function alphaFromScores(scores: Scores, estimator: OverlapSettings['overlapEstimator'], source: Random) {
  switch (estimator) {
    case 'binormal': {
      const { median, low, high } = binormalPosterior(scores);
      return { alpha: median, low, high };
    }
    case 'paper':
      return bootstrapped(paper, scores, source);
    case 'bbe':
      return bootstrapped(bbe, scores, source);
    case 'elkan-noto':
      return bootstrapped(elkanNoto, scores, source);
    case 'dedpul': {
      const tied = isTied(scores);
      return bootstrapped(drawn => dedpul(drawn, tied), scores, source);
    }
    default:
      throw estimator satisfies never;
  }
}

/** The percentile bootstrap that draws scores of both sides again; the classifier stays as it is. */
function bootstrapped(estimator: Estimator, scores: Scores, source: Random) {
  const drawn = (values: Float64Array) => values.map(() => values[source.integer(values.length)]!);
  const alphas = Float64Array.from({ length: RESAMPLES }, () =>
    estimator({ target: drawn(scores.target), auxiliary: drawn(scores.auxiliary) }),
  );
  return { alpha: estimator(scores), ...percentileInterval(alphas) };
}
