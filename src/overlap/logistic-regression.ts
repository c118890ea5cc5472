/**
 * Class-balanced logistic regression with an L2 penalty, for the proxy classifier that tells a user's records from
 * others'. The objective is scikit-learn's LogisticRegression(class_weight='balanced', C=c):
 *
 *   F(w, b) = |w|^2 / 2 + c sum_i s_i softplus(-y_i (w x_i + b)),   y_i = +1 or -1,   s_i = n / (2 n_class(i))
 *
 * The intercept b is not penalised. F is convex, strictly so where both classes are present; L-BFGS (Nocedal & Wright
 * 2006, algorithm 7.5) walks to its only minimum from the same start in the same order, so a fit repeats exactly.
 */
import { IdiolectError } from '../common/errors.ts';

export interface LogisticModel {
  /** [width] */
  readonly weights: Float64Array;
  readonly intercept: number;
}

/** Pairs of steps and gradient changes that L-BFGS keeps. */
const MEMORY = 10;

/**
 * The end of the walk: the gradient's norm against its norm at zero weights. The penalty makes F strongly convex
 * (modulus 1) in the weights, so that the gradient's norm also bounds their distance from the minimum.
 */
const TOLERANCE = 1e-7;

/** Of one rounding of a float64. */
const UNIT_ROUNDOFF = 2 ** -53;

/** Far more than any fit here takes (tens to a few hundred); more is a defect, not a hard problem. */
const MOST_ITERATIONS = 5000;

/**
 * Fits the model.
 *
 * @param rows n feature vectors of one width, standardised
 * @param labels n labels, true for the target class; both classes are present
 * @param c inverse strength of the penalty
 * @param start where the walk begins; the minimum does not depend on it, the time does
 * @throws IdiolectError DATA where a class is missing or a feature is not finite
 */
export function fitLogistic(
  rows: readonly Float32Array[],
  labels: readonly boolean[],
  c: number,
  start?: LogisticModel,
): LogisticModel {
  const n = rows.length;
  const width = rows[0]?.length ?? 0;
  const targets = labels.filter(label => label).length;
  if (targets === 0 || targets === n) {
    throw new IdiolectError('DATA', `a classifier needs records of both classes; ${targets} of ${n} are the target's.`);
  }
  const point = new Float64Array(width + 1);
  if (start) {
    point.set(start.weights);
    point[width] = start.intercept;
  }
  const weightOf = (label: boolean) => (c * n) / (2 * (label ? targets : n - targets));

  /** F at a point, its gradient written to `gradient`; the last place is the intercept's. */
  const evaluate = (at: Float64Array, gradient: Float64Array): number => {
    let value = 0;
    for (let k = 0; k < width; k++) {
      value += (at[k]! * at[k]!) / 2;
      gradient[k] = at[k]!;
    }
    gradient[width] = 0;
    for (let i = 0; i < n; i++) {
      const row = rows[i]!;
      let logOdds = at[width]!;
      for (let k = 0; k < width; k++) logOdds += at[k]! * row[k]!;
      const sign = labels[i]! ? 1 : -1;
      const weight = weightOf(labels[i]!);
      value += weight * softplus(-sign * logOdds);
      const slope = -sign * weight * sigmoid(-sign * logOdds);
      for (let k = 0; k < width; k++) gradient[k]! += slope * row[k]!;
      gradient[width]! += slope;
    }
    return value;
  };
  minimise(evaluate, point, roundingOfGradient(rows, labels.map(weightOf)));
  return { weights: point.slice(0, width), intercept: point[width]! };
}

/**
 * What the gradient's norm may be where the gradient is 0: where no feature tells the classes apart it starts there, and a
 * tolerance relative to the start is never met. Place k sums n terms of at most s_i |x_ik|, in any order with an error of
 * at most n u times the sum of their sizes (Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 4.2).
 */
function roundingOfGradient(rows: readonly Float32Array[], weights: readonly number[]): number {
  const sizes = new Float64Array((rows[0]?.length ?? 0) + 1);
  rows.forEach((row, i) => {
    for (let k = 0; k < row.length; k++) sizes[k]! += weights[i]! * Math.abs(row[k]!);
    sizes[row.length]! += weights[i]!; // the intercept's feature is 1
  });
  return rows.length * UNIT_ROUNDOFF * norm(sizes);
}

/** log(p / (1 - p)) of a row, where p is the probability of the target class. */
export function logOdds({ weights, intercept }: LogisticModel, row: Float32Array): number {
  let sum = intercept;
  for (let k = 0; k < weights.length; k++) sum += weights[k]! * row[k]!;
  return sum;
}

export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** log(1 + e^x) */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

type Evaluate = (at: Float64Array, gradient: Float64Array) => number;

/**
 * L-BFGS with a line search for the Armijo and the weak Wolfe conditions, in place.
 *
 * @param rounding a gradient of at most this norm cannot be distinguished from 0
 */
function minimise(evaluate: Evaluate, point: Float64Array, rounding: number): void {
  const size = point.length;
  let gradient = new Float64Array(size);
  evaluate(new Float64Array(size), gradient);
  const enough = Math.max(TOLERANCE * norm(gradient), rounding);
  let value = evaluate(point, gradient);
  if (!Number.isFinite(value)) {
    throw new IdiolectError('DATA', 'a feature vector holds a value that is not finite; the embedding must be finite.');
  }
  const memory: { step: Float64Array; change: Float64Array; rho: number }[] = [];
  const direction = new Float64Array(size);
  for (let iteration = 0; iteration < MOST_ITERATIONS && norm(gradient) > enough; iteration++) {
    quasiNewton(gradient, memory, direction);
    const slope = dot(direction, gradient);
    let [low, high] = [0, Number.POSITIVE_INFINITY];
    let length = memory.length === 0 ? 1 / Math.max(1, norm(gradient)) : 1;
    let next = point;
    let nextGradient = gradient;
    let nextValue = value;
    for (let tries = 0; tries < 60; tries++) {
      next = point.map((x, k) => x + length * direction[k]!);
      nextGradient = new Float64Array(size);
      nextValue = evaluate(next, nextGradient);
      // At the end of the walk F changes by less than its own rounding; the slope alone can still tell.
      const noise = 1e-15 * Math.abs(value);
      if (nextValue > value + 1e-4 * length * slope + noise) high = length;
      else if (dot(direction, nextGradient) < 0.9 * slope) low = length;
      else break;
      length = high === Number.POSITIVE_INFINITY ? 2 * low : (low + high) / 2;
    }
    const step = next.map((x, k) => x - point[k]!);
    const change = nextGradient.map((g, k) => g - gradient[k]!);
    const curvature = dot(step, change);
    if (curvature <= 0) return; // no step of this length can be distinguished from rounding any more
    memory.push({ step, change, rho: 1 / curvature });
    if (memory.length > MEMORY) memory.shift();
    point.set(next);
    gradient = nextGradient;
    value = nextValue;
  }
}

/** direction = -H gradient by the two-loop recursion; H starts as a multiple of the identity. */
function quasiNewton(
  gradient: Float64Array,
  memory: readonly { step: Float64Array; change: Float64Array; rho: number }[],
  direction: Float64Array,
): void {
  for (let k = 0; k < gradient.length; k++) direction[k] = -gradient[k]!;
  const shares: number[] = [];
  for (const { step, change, rho } of memory.toReversed()) {
    const share = rho * dot(step, direction);
    shares.push(share);
    for (let k = 0; k < direction.length; k++) direction[k]! -= share * change[k]!;
  }
  const last = memory.at(-1);
  if (last) {
    const scale = 1 / (last.rho * dot(last.change, last.change));
    for (let k = 0; k < direction.length; k++) direction[k]! *= scale;
  }
  for (const { step, change, rho } of memory) {
    const rest = shares.pop()! - rho * dot(change, direction);
    for (let k = 0; k < direction.length; k++) direction[k]! += rest * step[k]!;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}
