/** Supervised fine-tuning: the mean negative log-likelihood of completion tokens. */
import { neg } from '../graph/index.ts';
import { column, columnInput, weightedSum } from './inputs.ts';
import type { Objective } from './objective.ts';

/** L = -1/N sum_i w_i log pi(y_i | x_i), N the completion tokens of the batch. */
export function sft(): Objective {
  return {
    name: 'sft',
    signature: 'sft',
    needsReference: false,
    needsMismatched: false,
    initialState: {},
    build(g, sequenceLogProbs) {
      return neg(g, weightedSum(g, sequenceLogProbs, columnInput(g, 'token_share', sequenceLogProbs)));
    },
    feeds(examples) {
      const tokens = examples.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
      return { token_share: column(examples, ({ weight }) => weight / tokens) };
    },
  };
}
