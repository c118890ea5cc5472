/**
 * DPO (Rafailov et al. 2023): a classifier of which of two answers to a prompt was preferred.
 *
 *   L = mean over pairs of -log sigma(beta (z_chosen - z_rejected)),   z = log pi(y|x) - log pi_ref(y|x)
 *
 * The i-th target record of a batch is chosen over its i-th auxiliary record: the pairing is the caller's. A pair counts
 * by the weight of its chosen record.
 */
import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { float32 } from '../engine/tensor.ts';
import { detach, gemm, neg, reshape, scale, softplus } from '../graph/index.ts';
import { column, columnInput, countGroups, logRatio, referenceLogProbs, weightedSum } from './inputs.ts';
import type { Objective } from './objective.ts';

export function dpo({ beta }: { readonly beta: number }): Objective {
  return {
    name: 'dpo',
    signature: `dpo ${beta}`,
    needsReference: true,
    needsMismatched: false,
    initialState: {},

    build(g, sequenceLogProbs) {
      const ratio = logRatio(g, sequenceLogProbs);
      const reward = scale(g, detach(g, ratio), beta);
      const pairing = g.input('pairing', 'float32', ['pairs', ...sequenceLogProbs.shape]);
      const differences = gemm(g, pairing, reshape(g, ratio, [...sequenceLogProbs.shape, 1]));
      const margins = scale(g, reshape(g, differences, ['pairs']), beta);
      const shares = g.input('pair_share', 'float32', ['pairs']);
      for (const group of ['target', 'auxiliary']) {
        const mean = columnInput(g, `${group}_mean`, sequenceLogProbs);
        g.output(`metric.${group}_reward`, weightedSum(g, reward, mean));
      }
      g.output('metric.margin', weightedSum(g, detach(g, margins), shares));
      return weightedSum(g, softplus(g, neg(g, margins)), shares);
    },

    feeds(examples) {
      const { target: pairs, auxiliary } = countGroups(examples);
      if (pairs === 0 || pairs !== auxiliary || examples.length !== 2 * pairs) {
        throw new IdiolectError(
          'DATA',
          `a DPO batch needs a rejected record for each chosen one; this one has ${pairs} target and ${counted(auxiliary, 'auxiliary record')} of ${examples.length}.`,
        );
      }
      const chosen = examples.filter(({ group }) => group === 'target');
      const pairing = new Float32Array(pairs * examples.length);
      const seen = { target: 0, auxiliary: 0 };
      examples.forEach(({ group }, i) => {
        if (group === 'target') pairing[seen.target++ * examples.length + i] = 1;
        if (group === 'auxiliary') pairing[seen.auxiliary++ * examples.length + i] = -1;
      });
      return {
        reference_log_probs: referenceLogProbs(examples),
        pairing: float32(pairing, [pairs, examples.length]),
        pair_share: float32(
          Float32Array.from(chosen, ({ weight }) => weight / pairs),
          [pairs],
        ),
        target_mean: column(examples, ({ group }) => (group === 'target' ? 1 / pairs : 0)),
        auxiliary_mean: column(examples, ({ group }) => (group === 'auxiliary' ? 1 / pairs : 0)),
      };
    },
  };
}
