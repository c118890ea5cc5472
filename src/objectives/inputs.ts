/** How batches and settings reach an objective's graph: columns with one number per sequence, and scalars. */
import { IdiolectError } from '../common/errors.ts';
import { float32, type Tensor } from '../engine/tensor.ts';
import { type Graph, mul, reduceSum, scale, sub, type Value } from '../graph/index.ts';
import type { Example, Group } from './objective.ts';

export function column(examples: readonly Example[], value: (example: Example) => number): Tensor {
  return float32(Float32Array.from(examples, value), [examples.length]);
}

export function scalar(value: number): Tensor {
  return float32(Float32Array.of(value), []);
}

/** An input with one number per sequence. */
export function columnInput(g: Graph, name: string, sequenceLogProbs: Value): Value {
  return g.input(name, 'float32', sequenceLogProbs.shape);
}

export function scalarInput(g: Graph, name: string): Value {
  return g.input(name, 'float32', []);
}

/** Sum of a column weighted by another: a mean over a group where the shares are 1/n on it and 0 elsewhere. */
export function weightedSum(g: Graph, values: Value, shares: Value): Value {
  return reduceSum(g, mul(g, values, shares), { axes: [0] });
}

/** log pi - log pi_ref, [sequences]. */
export function logRatio(g: Graph, sequenceLogProbs: Value): Value {
  return sub(g, sequenceLogProbs, columnInput(g, 'reference_log_probs', sequenceLogProbs));
}

/** r = beta (log pi - log pi_ref), [sequences]. */
export function implicitReward(g: Graph, sequenceLogProbs: Value, beta: number): Value {
  return scale(g, logRatio(g, sequenceLogProbs), beta);
}

export function referenceLogProbs(examples: readonly Example[]): Tensor {
  return column(examples, ({ referenceLogProb }) => referenceLogProb);
}

/** Records of each group in a batch. */
export function countGroups(examples: readonly Example[]): Record<Group, number> {
  const counts: Record<Group, number> = { target: 0, auxiliary: 0, disliked: 0, mismatched: 0 };
  for (const { group } of examples) counts[group]++;
  return counts;
}

/** @throws IdiolectError DATA when own or others' records are missing from a batch */
export function requireBothGroups(objective: string, { target, auxiliary }: Record<Group, number>): void {
  if (target > 0 && auxiliary > 0) return;
  throw new IdiolectError(
    'DATA',
    `a ${objective} batch needs records of both groups; this one has ${target} target and ${auxiliary} auxiliary ` +
      'records. Use a larger `batchSize`.',
  );
}
