/**
 * C-BPO (Ma et al., ACL 2026): binary preference optimisation with a positive-unlabelled correction.
 *
 *   r        = beta (log pi(y|x) - log pi_ref(y|x))
 *   l(r, +1) = -log sigma(r - delta) = softplus(delta - r)
 *   l(r, -1) = -log sigma(-(r - delta)) = softplus(r - delta)
 *   L_neg    = mean_aux l(r, -1) - alpha mean_tar l(r, -1)
 *   L        = mean_tar l(r, +1) + max(0, L_neg) / (1 - alpha)
 *   delta    = (EMA of target rewards + EMA of auxiliary rewards) / 2, a constant in the gradient
 *
 * The paper leaves open how the averages start and whether a batch counts in its own delta. Here they start at 0, the
 * reward of a fresh adapter, and take in the batch first, as BCO's running mean does.
 */
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { add, detach, div, mul, neg, reduceSum, relu, softplus, sub, type Value } from '../graph/index.ts';
import { float32 } from '../runtime/tensor.ts';
import type { Example, Objective } from './objective.ts';

export const cbpoSchema = z.object({
  alpha: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe('preference overlap: the share of what others write that could be this user’s (required for cbpo)'),
  beta: z.number().positive().default(0.1).describe('reward scale: reward = beta * log(pi / pi_ref)'),
  emaDecay: z.number().min(0).lt(1).default(0.9).describe('decay of the two reward averages behind delta'),
});

export interface CbpoOptions {
  readonly alpha: number;
  readonly beta: number;
  readonly emaDecay: number;
}

export function cbpo({ alpha, beta, emaDecay }: CbpoOptions): Objective {
  return {
    name: 'cbpo',
    needsReference: true,
    initialState: { ema_target: 0, ema_auxiliary: 0 },

    build(g, { sequenceLogProbs }) {
      const column = (name: string) => g.input(name, 'float32', sequenceLogProbs.shape);
      const scalar = (name: string) => g.input(name, 'float32', []);
      // The settings are inputs, so that one session trains users of different overlap.
      const settings = { alpha: scalar('alpha'), beta: scalar('beta') };
      const mean = (share: Value) => (x: Value) => reduceSum(g, mul(g, x, share), { axes: [0] });
      const overTarget = mean(column('target_share'));
      const overAuxiliary = mean(column('auxiliary_share'));

      const reward = mul(g, sub(g, sequenceLogProbs, column('reference_log_probs')), settings.beta);
      const constant = detach(g, reward);
      const mix = scalar('ema_mix');
      const average = (name: string, now: Value) => {
        const before = scalar(name);
        return add(g, before, mul(g, mix, sub(g, now, before)));
      };
      const emaTarget = average('ema_target', overTarget(constant));
      const emaAuxiliary = average('ema_auxiliary', overAuxiliary(constant));
      const delta = mul(g, add(g, emaTarget, emaAuxiliary), g.scalar(0.5));

      const margin = sub(g, reward, delta);
      const positive = overTarget(softplus(g, neg(g, margin)));
      const asNegative = softplus(g, margin);
      const pureNegative = sub(g, overAuxiliary(asNegative), mul(g, settings.alpha, overTarget(asNegative)));
      const outside = sub(g, g.scalar(1), settings.alpha);
      const loss = add(g, positive, div(g, relu(g, pureNegative), outside));

      g.output('state.ema_target', emaTarget);
      g.output('state.ema_auxiliary', emaAuxiliary);
      g.output('metric.delta', delta);
      g.output('metric.positive_risk', positive);
      g.output('metric.pure_negative_risk', pureNegative);
      g.output('metric.target_reward', overTarget(constant));
      g.output('metric.auxiliary_reward', overAuxiliary(constant));
      return loss;
    },

    feeds(examples, _batch, state) {
      const count = { target: 0, auxiliary: 0 };
      for (const { group } of examples) count[group]++;
      if (count.target === 0 || count.auxiliary === 0) {
        throw new IdiolectError(
          'DATA',
          `a C-BPO batch needs records of both groups; this one has ${count.target} target and ${count.auxiliary} ` +
            'auxiliary records. Use a larger --batch-size.',
        );
      }
      const columnOf = (value: (example: Example) => number) =>
        float32(Float32Array.from(examples, value), [examples.length]);
      const scalar = (value: number) => float32(Float32Array.of(value), []);
      return {
        target_share: columnOf(({ group }) => (group === 'target' ? 1 / count.target : 0)),
        auxiliary_share: columnOf(({ group }) => (group === 'auxiliary' ? 1 / count.auxiliary : 0)),
        reference_log_probs: columnOf(({ referenceLogProb }) => referenceLogProb),
        alpha: scalar(alpha),
        beta: scalar(beta),
        ema_mix: scalar(1 - emaDecay),
        ema_target: scalar(state.ema_target!),
        ema_auxiliary: scalar(state.ema_auxiliary!),
      };
    },
  };
}
