/** What an objective is: a loss over the log-probabilities of whole completions, and the state it carries. */

import type { Feeds } from '../engine/tensor.ts';
import type { Graph, Value } from '../graph/index.ts';

/**
 * Where a record of a batch comes from:
 * - `target`: the user's own text
 * - `auxiliary`: one from the unlabelled mixture of what others wrote
 * - `disliked`: one the user rejected, a known negative
 * - `mismatched`: the prompt of one record with the completion of another, for objectives that estimate KL by them
 */
export type Group = 'target' | 'auxiliary' | 'disliked' | 'mismatched';

/** One record of a batch, beside its tokens. */
export interface Example {
  readonly group: Group;
  /** How much the record counts. Those of a user's target records have mean 1; a disliked one counts as so many. */
  readonly weight: number;
  /** log pi_ref of the completion, summed over its tokens; for objectives that have a reference. */
  readonly referenceLogProb: number;
  readonly completionTokens: number;
}

/** Running state an objective carries from batch to batch, as plain numbers: it is saved and restored with a run. */
export type ObjectiveState = Readonly<Record<string, number>>;

export interface Objective {
  readonly name: string;
  /** Objectives of equal signature build the same graph: what differs between them are inputs. */
  readonly signature: string;
  /** Whether each example needs its reference log-probability. */
  readonly needsReference: boolean;
  /** Whether a batch holds a mismatched example for each record. */
  readonly needsMismatched: boolean;
  readonly initialState: ObjectiveState;
  /**
   * Adds the scalar loss to the graph and declares outputs named `metric.*` and `state.*`.
   *
   * @param sequenceLogProbs log pi of each whole completion, [sequences]
   */
  build(g: Graph, sequenceLogProbs: Value): Value;
  /** @throws IdiolectError when the batch cannot carry the objective */
  feeds(examples: readonly Example[], state: ObjectiveState): Feeds;
}
