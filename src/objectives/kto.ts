/**
 * KTO (Ethayarajh et al. 2024): prospect theory's value of a record against a reference point.
 *
 *   L = mean over all records of 1 - sigma(beta (z - kl)) for wanted ones, 1 - sigma(beta (kl - z)) for unwanted ones
 *   z = log pi(y|x) - log pi_ref(y|x)
 *   kl = max(0, mean z over mismatched pairs (x_i, y_j)), a constant in the gradient: the paper's estimate of
 *        KL(pi || pi_ref)
 */
import { detach, mul, relu, scale, sigmoid, sub } from '../graph/index.ts';
import {
  column,
  columnInput,
  countGroups,
  logRatio,
  referenceLogProbs,
  requireBothGroups,
  weightedSum,
} from './inputs.ts';
import type { Example, Objective } from './objective.ts';

export function kto({ beta }: { readonly beta: number }): Objective {
  return {
    name: 'kto',
    signature: `kto ${beta}`,
    needsReference: true,
    needsMismatched: true,
    initialState: {},

    build(g, sequenceLogProbs) {
      const ratio = logRatio(g, sequenceLogProbs);
      const constant = detach(g, ratio);
      const mean = (name: string) => weightedSum(g, constant, columnInput(g, name, sequenceLogProbs));
      const kl = relu(g, mean('mismatched_mean'));
      // 1 - sigma(s beta (z - kl)) = sigma(s beta (kl - z)) with s = 1 for wanted and -1 for unwanted records
      const sign = columnInput(g, 'sign', sequenceLogProbs);
      const losses = sigmoid(g, scale(g, mul(g, sign, sub(g, kl, ratio)), beta));
      g.output('metric.kl', kl);
      g.output('metric.target_reward', scale(g, mean('target_mean'), beta));
      g.output('metric.auxiliary_reward', scale(g, mean('auxiliary_mean'), beta));
      return weightedSum(g, losses, columnInput(g, 'weighted_share', sequenceLogProbs));
    },

    feeds(examples) {
      const counts = countGroups(examples);
      requireBothGroups('KTO', counts);
      const judged = examples.length - counts.mismatched;
      const meanOver = (wanted: Example['group']) =>
        column(examples, ({ group }) => (group === wanted ? 1 / counts[wanted] : 0));
      return {
        reference_log_probs: referenceLogProbs(examples),
        sign: column(examples, ({ group }) => (group === 'target' ? 1 : -1)),
        weighted_share: column(examples, ({ group, weight }) => (group === 'mismatched' ? 0 : weight / judged)),
        mismatched_mean: meanOver('mismatched'),
        target_mean: meanOver('target'),
        auxiliary_mean: meanOver('auxiliary'),
      };
    },
  };
}
