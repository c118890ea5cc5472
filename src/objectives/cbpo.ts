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
 * L_neg / (1 - alpha) estimates the mean of l(r, -1) over what the user would not have written. Records the user
 * disliked are a sample of just that, so the two estimates are pooled, each weighted by how many such records it
 * stands for: (1 - alpha) n_aux hidden in the auxiliary set, n_dis known (as in positive-negative-unlabelled
 * learning, Sakai et al. 2017, with the mixing weight that pools counts):
 *
 *   L = mean_tar l(r, +1) + (1 - gamma) max(0, L_neg) / (1 - alpha) + gamma mean_dis l(r, -1)
 *   gamma = n_dis / (n_dis + (1 - alpha) n_aux), 0 without disliked records
 *
 * Only the difference L_neg can fall below what a mean of losses can be, so it alone is clipped.
 */
import { z } from 'zod';
import { add, cast, detach, div, greater, mul, neg, relu, scale, softplus, sub, type Value } from '../graph/index.ts';
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

/** The settings that shape the loss, but alpha, which is each user's own. */
export const cbpoSchema = z.object({
  beta: z.number().positive().default(0.1).describe('reward scale: reward = beta * log(pi / pi_ref)'),
  referencePoint: z
    .enum(['ema', 'pooled'])
    .default('ema')
    .describe('delta of cbpo: midpoint of an average per group, or one average over all records (ablation)'),
  emaDecay: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe('decay of the reward averages behind delta; 1 keeps their starting values (cbpo)'),
  emaStart: z
    .enum(['zero', 'first'])
    .default('zero')
    .describe('reward averages start at 0, the reward of a fresh adapter, or at the first batch (cbpo)'),
  emaUpdate: z
    .enum(['before', 'after'])
    .default('before')
    .describe('whether a batch enters the reward averages before or after its own loss (cbpo)'),
  negativeRisk: z
    .enum(['clip', 'nnpu'])
    .default('clip')
    .describe('when the pure negative risk is below 0: clip it at 0, or ascend it (nnPU, Kiryo et al. 2017)'),
});

/** Alpha, and of the settings those that are not at their default. */
export interface CbpoOptions extends z.input<typeof cbpoSchema> {
  /** Preference overlap, at least 0 and below 1. */
  readonly alpha: number;
}

export function cbpo({ alpha, ...settings }: CbpoOptions): Objective {
  const { beta, referencePoint, emaDecay, emaStart, emaUpdate, negativeRisk } = cbpoSchema.parse(settings);
  return {
    name: 'cbpo',
    signature: `cbpo ${beta} ${referencePoint} ${emaUpdate} ${negativeRisk}`,
    needsReference: true,
    needsMismatched: false,
    initialState: {
      batches: 0,
      ...(referencePoint === 'ema' ? { ema_target: 0, ema_auxiliary: 0 } : { ema_pooled: 0 }),
    },

    build(g, sequenceLogProbs) {
      const over = (name: string) => {
        const shares = columnInput(g, name, sequenceLogProbs);
        return (values: Value) => weightedSum(g, values, shares);
      };
      const overTarget = over('target_share');
      const overAuxiliary = over('auxiliary_share');
      const overDisliked = over('disliked_share');

      const reward = implicitReward(g, sequenceLogProbs, beta);
      const constant = detach(g, reward);
      const mix = scalarInput(g, 'ema_mix');
      const average = (name: string, now: Value) => {
        const before = scalarInput(g, name);
        const after = add(g, before, mul(g, mix, sub(g, now, before)));
        g.output(`state.${name}`, after);
        g.output(`metric.${name}`, after);
        return emaUpdate === 'before' ? after : before;
      };
      const delta =
        referencePoint === 'ema'
          ? scale(
              g,
              add(g, average('ema_target', overTarget(constant)), average('ema_auxiliary', overAuxiliary(constant))),
              0.5,
            )
          : average('ema_pooled', over('pooled_share')(constant));

      const margin = sub(g, reward, delta);
      const positive = overTarget(softplus(g, neg(g, margin)));
      const asNegative = softplus(g, margin);
      const overlap = scalarInput(g, 'alpha');
      const pureNegative = sub(g, overAuxiliary(asNegative), mul(g, overlap, overTarget(asNegative)));
      const knownNegative = overDisliked(asNegative);
      const knownShare = scalarInput(g, 'known_share');
      const certain = add(g, positive, mul(g, knownShare, knownNegative));
      const factor = div(g, sub(g, g.scalar(1), knownShare), sub(g, g.scalar(1), overlap));
      const loss = add(g, certain, mul(g, factor, relu(g, pureNegative)));
      const clipped = cast(g, greater(g, g.scalar(0), pureNegative), 'float32');

      g.output('state.batches', add(g, scalarInput(g, 'batches'), g.scalar(1)));
      g.output('metric.delta', delta);
      g.output('metric.positive_risk', positive);
      g.output('metric.pure_negative_risk', pureNegative);
      g.output('metric.known_negative_risk', knownNegative);
      g.output('metric.clipped', clipped);
      g.output('metric.target_reward', overTarget(constant));
      g.output('metric.auxiliary_reward', overAuxiliary(constant));
      if (negativeRisk === 'clip') return loss;

      // nnPU (Kiryo et al. 2017, algorithm 1, with its beta 0 and gamma 1): a batch below 0 steps on the negated
      // pure negative risk alone. The loss reported stays the one above; what is differentiated is `stepped`.
      const kept = sub(g, g.scalar(1), clipped);
      const sign = sub(g, kept, clipped);
      const stepped = add(g, mul(g, kept, certain), mul(g, mul(g, sign, factor), pureNegative));
      return add(g, stepped, detach(g, sub(g, loss, stepped)));
    },

    feeds(examples, state) {
      const counts = countGroups(examples);
      requireBothGroups('C-BPO', counts);
      const known = examples.reduce((sum, { group, weight }) => sum + (group === 'disliked' ? weight : 0), 0);
      const compared = counts.target + counts.auxiliary;
      return {
        reference_log_probs: referenceLogProbs(examples),
        target_share: column(examples, ({ group, weight }) => (group === 'target' ? weight / counts.target : 0)),
        auxiliary_share: column(examples, ({ group }) => (group === 'auxiliary' ? 1 / counts.auxiliary : 0)),
        disliked_share: column(examples, ({ group, weight }) => (group === 'disliked' ? weight / known : 0)),
        pooled_share: column(examples, ({ group }) => (group === 'disliked' ? 0 : 1 / compared)),
        known_share: scalar(known / (known + (1 - alpha) * counts.auxiliary)),
        alpha: scalar(alpha),
        ema_mix: scalar(emaStart === 'first' && state.batches === 0 ? 1 : 1 - emaDecay),
        ...Object.fromEntries(Object.entries(state).map(([name, value]) => [name, scalar(value)])),
      };
    },
  };
}
