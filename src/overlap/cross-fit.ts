/**
 * Out-of-fold scores of the proxy classifier: every record is scored by models that never saw it. In-sample scores
 * would separate any two samples, and would read as little overlap.
 */
import { IdiolectError } from '../common/errors.ts';
import { type Random, random } from '../common/random.ts';
import { fitLogistic, type LogisticModel, logOdds, sigmoid, softplus } from './logistic-regression.ts';

/** One value per record of either side. */
export interface BySide<T> {
  readonly target: T;
  readonly auxiliary: T;
}

/** Probabilities of the target class from a class-balanced classifier, one per record, each out of fold. */
export type Scores = BySide<Float64Array>;

export interface CrossFitOptions {
  /** K. Fewer where a side has fewer records. */
  readonly folds: number;
  /** How many times the records are divided; a record's score averages its log-odds over them. */
  readonly repeats: number;
  /** Inverse penalties to choose from, strongest penalty first. */
  readonly penalties: readonly number[];
}

interface Item {
  readonly row: Float32Array;
  readonly isTarget: boolean;
  readonly key: string;
}

/**
 * Stratified, repeated K-fold scores.
 *
 * Features are standardised by the means and deviations of each fold's training records. The penalty is the one of
 * least out-of-fold log-loss in the first division; one choice among a few for a whole set of records tells a score
 * next to nothing about its own record.
 *
 * @param rows feature vectors of both sides, all of one width
 * @param keys what identifies a record's text; records of one key, on either side, share a fold, so that no model is
 *   trained on a copy of what it scores. Without keys every record is taken as different.
 * @throws IdiolectError DATA where a side has fewer than 2 different records, or widths differ
 */
export function crossFit(
  rows: BySide<readonly Float32Array[]>,
  options: CrossFitOptions,
  source: { readonly seed: number; readonly label: string },
  keys?: BySide<readonly string[]>,
): Scores {
  const items = [...itemsOf(rows.target, true, keys?.target), ...itemsOf(rows.auxiliary, false, keys?.auxiliary)];
  const width = items[0]?.row.length;
  if (items.some(({ row }) => row.length !== width)) {
    throw new IdiolectError('DATA', 'feature vectors must all have one width; embed both sides with one embedder.');
  }
  const different = (side: boolean) => new Set(items.filter(item => item.isTarget === side).map(({ key }) => key)).size;
  const folds = Math.min(options.folds, different(true), different(false));
  if (folds < 2) {
    throw new IdiolectError(
      'DATA',
      `scoring out of fold needs at least 2 different records on each side; there are ${different(true)} of the ` +
        `target and ${different(false)} of others.`,
    );
  }
  const sum = new Float64Array(items.length);
  let penalties = options.penalties;
  for (let repeat = 0; repeat < options.repeats; repeat++) {
    const fold = divide(items, folds, random(source.seed, `${source.label}/folds/${repeat}`));
    const byPenalty = scoreDivision(items, fold, folds, penalties);
    const losses = byPenalty.map(scores => balancedLogLoss(items, scores));
    const best = losses.indexOf(Math.min(...losses));
    penalties = [penalties[best]!];
    for (let i = 0; i < sum.length; i++) sum[i]! += byPenalty[best]![i]! / options.repeats;
  }
  shareByFeatures(items, sum);
  shareByRounding(sum);
  const scores = sum.map(sigmoid);
  return { target: scores.slice(0, rows.target.length), auxiliary: scores.slice(rows.target.length) };
}

/** Share of (target, auxiliary) pairs that the scores put in the right order, ties counted half: the area under the ROC. */
export function areaUnderCurve({ target, auxiliary }: Scores): number {
  const sorted = auxiliary.toSorted();
  let sum = 0;
  for (const score of target) sum += countBelow(sorted, score) + countBelow(sorted, score, true);
  return sum / 2 / (target.length * auxiliary.length);
}

/** How many of ascending values are below a limit, or at most at it. */
function countBelow(sorted: Float64Array, limit: number, orEqual = false): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < limit || (orEqual && sorted[middle] === limit)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function itemsOf(rows: readonly Float32Array[], isTarget: boolean, keys?: readonly string[]): Item[] {
  const side = isTarget ? 'target' : 'auxiliary';
  return rows.map((row, i) => ({ row, isTarget, key: keys ? `=${keys[i]}` : `${side} ${i}` }));
}

/**
 * The fold of every item. Groups of one key go, largest first, to the fold that has least of their side or sides, so
 * that every fold gets its part of both.
 */
function divide(items: readonly Item[], folds: number, source: Random): Int32Array {
  const groups = new Map<string, number[]>();
  items.forEach(({ key }, i) => {
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  });
  const bySize = source.shuffled([...groups.values()]).sort((a, b) => b.length - a.length);
  const held = Array.from({ length: folds }, () => ({ target: 0, auxiliary: 0 }));
  const fold = new Int32Array(items.length);
  for (const group of bySize) {
    const target = group.filter(i => items[i]!.isTarget).length;
    const auxiliary = group.length - target;
    const load = held.map(count => target * count.target + auxiliary * count.auxiliary);
    const chosen = load.indexOf(Math.min(...load));
    held[chosen]!.target += target;
    held[chosen]!.auxiliary += auxiliary;
    for (const i of group) fold[i] = chosen;
  }
  return fold;
}

/** Log-odds of every item by the model of the other folds, for each penalty. */
function scoreDivision(
  items: readonly Item[],
  fold: Int32Array,
  folds: number,
  penalties: readonly number[],
): Float64Array[] {
  const scores = penalties.map(() => new Float64Array(items.length));
  for (let held = 0; held < folds; held++) {
    const rows = standardised(items, i => fold[i] !== held);
    const training = items.flatMap((_, i) => (fold[i] === held ? [] : [i]));
    const trainingRows = training.map(i => rows[i]!);
    const labels = training.map(i => items[i]!.isTarget);
    let model: LogisticModel | undefined;
    penalties.forEach((c, p) => {
      model = fitLogistic(trainingRows, labels, c, model);
      for (let i = 0; i < items.length; i++) if (fold[i] === held) scores[p]![i] = logOdds(model, rows[i]!);
    });
  }
  return scores;
}

/** All rows with the training rows' means taken off and their deviations divided out; a constant feature becomes 0. */
function standardised(items: readonly Item[], isTraining: (i: number) => boolean): Float32Array[] {
  const width = items[0]!.row.length;
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  let count = 0;
  items.forEach(({ row }, i) => {
    if (!isTraining(i)) return;
    count++;
    // Welford's update, which keeps its digits where the mean is far from 0.
    for (let k = 0; k < width; k++) {
      const off = row[k]! - mean[k]!;
      mean[k]! += off / count;
      square[k]! += off * (row[k]! - mean[k]!);
    }
  });
  const factor = square.map(total => {
    const deviation = Math.sqrt(total / count);
    return deviation > 0 ? 1 / deviation : 0;
  });
  return items.map(({ row }) => row.map((value, k) => (value - mean[k]!) * factor[k]!));
}

/**
 * Gives records of equal features their mean log-odds. Nothing tells them apart, and what their folds' models say otherwise
 * of them is noise, in which a record even counts against its own side: it is missing from the model that scores it.
 */
function shareByFeatures(items: readonly Item[], logOdds: Float64Array): void {
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) =>
    Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
  for (const equal of Map.groupBy(items.keys(), i => bytes(items[i]!.row)).values()) {
    if (equal.every(i => logOdds[i] === logOdds[equal[0]!])) continue;
    const mean = equal.reduce((sum, i) => sum + logOdds[i]!, 0) / equal.length;
    for (const i of equal) logOdds[i] = mean;
  }
}

/**
 * Log-odds this near are one value: rounding leaves less than 1e-11 in a sum over a thousand features, and the fit stops a
 * thousand times farther from its optimum than this.
 */
const SAME = 1e-9;

/** Makes log-odds equal that differ by rounding alone, so that what nothing tells apart ties instead of being ranked. */
function shareByRounding(logOdds: Float64Array): void {
  let value = Number.NEGATIVE_INFINITY;
  for (const i of [...logOdds.keys()].sort((a, b) => logOdds[a]! - logOdds[b]!)) {
    if (logOdds[i]! - value > SAME) value = logOdds[i]!;
    logOdds[i] = value;
  }
}

/** Mean log-loss in which both classes count alike. */
function balancedLogLoss(items: readonly Item[], scores: Float64Array): number {
  const sum = { target: 0, auxiliary: 0 };
  const count = { target: 0, auxiliary: 0 };
  items.forEach(({ isTarget }, i) => {
    const side = isTarget ? 'target' : 'auxiliary';
    sum[side] += softplus(isTarget ? -scores[i]! : scores[i]!);
    count[side]++;
  });
  return (sum.target / count.target + sum.auxiliary / count.auxiliary) / 2;
}
