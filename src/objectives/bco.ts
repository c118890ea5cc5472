/**
 * BCO (Jung et al. 2024): a binary classifier whose logit is the reward.
 *
 *   L = mean over all records of -log sigma(r - delta) for wanted ones, -log sigma(-(r - delta)) for unwanted ones
 *   delta = mean of all rewards so far, the batch included, a constant in the gradient
 *
 * TRL's running mean: every record counts alike, whichever group it is of and however long ago it was seen.
 */
import { add, detach, div, mul, softplus, sub } from '../graph/index.ts';
import {
  column,
  columnInput,
  countGroups,
  implicitReward,
  referenceLogProbs,
  requireBothGroups,
  scalar,
  scalarInput,
  weightedSum,
} from './inputs.ts';
import type { Objective } from './objective.ts';

export function bco({ beta }: { readonly beta: number }): Objective {
  return {
    name: 'bco',
    signature: `bco ${beta}`,
    needsReference: true,
    needsMismatched: false,
    initialState: { reward_mean: 0, reward_count: 0 },

    build(g, sequenceLogProbs) {
      const reward = implicitReward(g, sequenceLogProbs, beta);
      const constant = detach(g, reward);
      const mean = (name: string) => weightedSum(g, constant, columnInput(g, name, sequenceLogProbs));
      const before = scalarInput(g, 'reward_mean');
      const inBatch = scalarInput(g, 'sequence_count');
      const count = add(g, scalarInput(g, 'reward_count'), inBatch);
      const share = div(g, inBatch, count);
      const delta = add(g, before, mul(g, share, sub(g, mean('equal_share'), before)));

      // softplus(-s (r - delta)) with s = 1 for wanted and -1 for unwanted records
      const sign = columnInput(g, 'sign', sequenceLogProbs);
      const losses = softplus(g, mul(g, sign, sub(g, delta, reward)));
      g.output('state.reward_mean', delta);
      g.output('state.reward_count', count);
      g.output('metric.delta', delta);
      g.output('metric.target_reward', mean('target_mean'));
      g.output('metric.auxiliary_reward', mean('auxiliary_mean'));
      return weightedSum(g, losses, columnInput(g, 'weighted_share', sequenceLogProbs));
    },

    feeds(examples, state) {
      const counts = countGroups(examples);
      requireBothGroups('BCO', counts);
      const n = examples.length;
      return {
        reference_log_probs: referenceLogProbs(examples),
        sign: column(examples, ({ group }) => (group === 'target' ? 1 : -1)),
        equal_share: column(examples, () => 1 / n),
        weighted_share: column(examples, ({ weight }) => weight / n),
        target_mean: column(examples, ({ group }) => (group === 'target' ? 1 / counts.target : 0)),
        auxiliary_mean: column(examples, ({ group }) => (group === 'auxiliary' ? 1 / counts.auxiliary : 0)),
        sequence_count: scalar(n),
        reward_mean: scalar(state.reward_mean!),
        reward_count: scalar(state.reward_count!),
      };
    },
  };
}
