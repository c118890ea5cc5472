/** What an objective is: a loss on the graph, the inputs it asks a batch for, and the state it carries. */
import type { Graph, Value } from '../graph/index.ts';
import type { PackedBatch } from '../runtime/batch.ts';
import type { Feeds } from '../runtime/tensor.ts';

/** What the model makes of a batch. */
export interface Likelihoods {
  /** log pi of each completion token, [completions]. */
  readonly tokenLogProbs: Value;
  /** log pi of each whole completion, [sequences]. */
  readonly sequenceLogProbs: Value;
}

/** One record of a batch, beside its tokens. */
export interface Example {
  /** The user's own record, or one from the unlabelled mixture of others'. */
  readonly group: 'target' | 'auxiliary';
  /** log pi_ref of the completion, summed over its tokens; for objectives that have a reference. */
  readonly referenceLogProb: number;
}

/** Running state an objective carries from batch to batch, as plain numbers: it is saved and restored with a run. */
export type ObjectiveState = Readonly<Record<string, number>>;

export interface Objective {
  readonly name: string;
  /** Whether each example needs its reference log-probability. */
  readonly needsReference: boolean;
  readonly initialState: ObjectiveState;
  /** Adds the scalar loss to the graph and declares outputs named `metric.*` and `state.*`. */
  build(g: Graph, likelihoods: Likelihoods): Value;
  /** @throws IdiolectError when the batch cannot carry the objective */
  feeds(examples: readonly Example[], batch: PackedBatch, state: ObjectiveState): Feeds;
}
