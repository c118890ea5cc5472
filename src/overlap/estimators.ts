/**
 * Estimators of the preference overlap alpha: the share of the auxiliary records that could be the target's own. In
 * the terms of positive-unlabelled learning it is the mixture proportion, U = alpha P + (1 - alpha) N with P the
 * target's records, U the auxiliary ones and N unknown. Each is a function of out-of-fold scores alone.
 */
import type { Scores } from './cross-fit.ts';
import { isTied } from './ties.ts';

/** Returns alpha in [0, 1]. Scores are probabilities of the target class from a class-balanced classifier. */
export type Estimator = (scores: Scores) => number;

/**
 * The rule of Ma et al. (2026): the mean target-probability over the auxiliary records. It is a compressed reading of
 * alpha: with a perfect class-balanced classifier it equals alpha / (1 + alpha) and never exceeds 1/2.
 */
export const paper: Estimator = ({ auxiliary }) => clamp(mean(auxiliary));

/**
 * Elkan & Noto (2008), e1, read for two samples: mean_U g / mean_P g. It is exact where the classes do not overlap
 * and too high where they do, because N then has some of the score.
 */
export const elkanNoto: Estimator = ({ target, auxiliary }) => {
  const own = mean(target);
  return own > 0 ? clamp(mean(auxiliary) / own) : 1; // a classifier that knows no record of the target tells nothing apart
};

/** Garg et al. (2021), eq. 3: the slack gamma and the confidence level delta they use. */
const BBE = { slack: 0.01, level: 0.1 };

/**
 * Best Bin Estimation (Garg et al. 2021). q_p(c), q_u(c) are the shares of target and auxiliary records that score c
 * or more; with c* the c that minimises
 *
 *   q_u / q_p + (1 + 0.01) / q_p * (sqrt(ln(4 / 0.1) / (2 n_u)) + sqrt(ln(4 / 0.1) / (2 n_p)))
 *
 * alpha = q_u(c*) / q_p(c*).
 */
export const bbe: Estimator = ({ target, auxiliary }) => {
  const ascendingTarget = target.toSorted();
  const ascendingAuxiliary = auxiliary.toSorted();
  const term = (n: number) => Math.sqrt(Math.log(4 / BBE.level) / (2 * n));
  const width = (1 + BBE.slack) * (term(target.length) + term(auxiliary.length));
  let best = { bound: Number.POSITIVE_INFINITY, alpha: 1 };
  let below = ascendingAuxiliary.length;
  // q_p changes at target scores only and q_u falls between them, so the best c is a target's score, or just above the
  // auxiliary ones under it; both count the same records.
  for (let i = ascendingTarget.length - 1; i >= 0; i--) {
    if (i > 0 && ascendingTarget[i - 1] === ascendingTarget[i]) continue;
    while (below > 0 && ascendingAuxiliary[below - 1]! >= ascendingTarget[i]!) below--;
    const qTarget = (target.length - i) / target.length;
    const qAuxiliary = (auxiliary.length - below) / auxiliary.length;
    const bound = (qAuxiliary + width) / qTarget;
    if (bound < best.bound) best = { bound, alpha: qAuxiliary / qTarget };
  }
  return clamp(best.alpha);
};

/** Grid of the search for the bend, and how far below the diagonal the bend may lie (Ivanov's implementation: 0.05). */
const DEDPUL = { steps: 1000, tolerance: 1e-5, excess: 0.05 };

/**
 * DEDPUL (Ivanov 2020): the density ratio r = f_P / f_U of the log-odds at every auxiliary record, by kernel estimates
 * with Silverman's width, made to rise with the score by isotonic regression. EM, alpha <- mean min(alpha r, 1) from
 * alpha = 1 down, finds the largest alpha that the ratio allows. Where noise in the ratio lets it slide towards 0, the
 * bend of alpha - mean min(alpha r, 1) says where the rise begins; the larger of the two is taken.
 *
 * Where scores tie, both kernels have the narrower width: the ratio at a tied score is then that of the shares that have
 * it, and not also that of the widths.
 *
 * @param tied whether they do; a bootstrap passes it on, as its draws always tie
 */
export function dedpul(scores: Scores, tied = isTied(scores)): number {
  const own = scores.target.map(logOddsOf);
  const others = scores.auxiliary.map(logOddsOf).sort();
  const widths = [kernelWidth(own), kernelWidth(others)] as const;
  // A side that is one value has no width of its own; where both are, any will do.
  const narrower = widths.some(width => width > 0) ? Math.min(...widths.filter(width => width > 0)) : 1;
  const densityOwn = kernelDensity(own, tied ? narrower : widths[0] || narrower);
  const densityOthers = kernelDensity(others, tied ? narrower : widths[1] || narrower);
  const ratio = isotonic(others.map(x => densityOwn(x) / densityOthers(x)));
  const above = new Float64Array(ratio.length + 1); // above[i]: sum of the ratios from i on, which rise
  for (let i = ratio.length - 1; i >= 0; i--) above[i] = above[i + 1]! + ratio[i]!;
  const posterior = (alpha: number) => {
    let [low, high] = [0, ratio.length]; // the first ratio with alpha r >= 1
    while (low < high) {
      const middle = (low + high) >> 1;
      if (alpha * ratio[middle]! < 1) low = middle + 1;
      else high = middle;
    }
    return (alpha * (above[0]! - above[low]!) + ratio.length - low) / ratio.length;
  };
  let alpha = 1;
  for (let step = 0; step < DEDPUL.steps; step++) {
    const next = posterior(alpha);
    const still = alpha - next < DEDPUL.tolerance;
    alpha = next;
    if (still) break;
  }
  const excess = Float64Array.from(
    { length: DEDPUL.steps + 1 },
    (_, i) => i / DEDPUL.steps - posterior(i / DEDPUL.steps),
  );
  let bend = { at: 0, sharpness: Number.NEGATIVE_INFINITY };
  for (let i = 1; i < DEDPUL.steps && excess[i]! < DEDPUL.excess; i++) {
    const sharpness = excess[i + 1]! - 2 * excess[i]! + excess[i - 1]!;
    if (sharpness > bend.sharpness) bend = { at: i / DEDPUL.steps, sharpness };
  }
  return clamp(Math.max(alpha, bend.at));
}

/** The log-odds of a probability; 1e-12 keeps those finite that rounded to 0 or 1. */
export function logOddsOf(p: number): number {
  return Math.log((p + 1e-12) / (1 - p + 1e-12));
}

/** Silverman's rule of thumb, 1.06 sd n^(-1/5). */
function kernelWidth(values: Float64Array): number {
  const centre = mean(values);
  return 1.06 * Math.sqrt(mean(values.map(x => (x - centre) ** 2))) * values.length ** -0.2;
}

/** Gaussian kernel density, but for the factor sqrt(2 pi). */
function kernelDensity(values: Float64Array, width: number): (at: number) => number {
  // 1e-12 keeps the ratio finite far from every value.
  return at => mean(values.map(x => Math.exp(-(((at - x) / width) ** 2) / 2))) / width + 1e-12;
}

/** The nearest rising sequence in least squares: pool adjacent violators. */
function isotonic(values: Float64Array): Float64Array {
  const blocks: { value: number; count: number }[] = [];
  for (const value of values) {
    let block = { value, count: 1 };
    for (let last = blocks.at(-1); last && last.value > block.value; last = blocks.at(-1)) {
      const count = last.count + block.count;
      block = { value: (last.value * last.count + block.value * block.count) / count, count };
      blocks.pop();
    }
    blocks.push(block);
  }
  return Float64Array.from(blocks.flatMap(({ value, count }) => Array<number>(count).fill(value)));
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function clamp(alpha: number): number {
  return Math.min(1, Math.max(0, alpha));
}
