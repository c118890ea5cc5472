/** The worked numbers and invariants of C-BPO, on the graph that training differentiates. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdiolectError } from '../common/errors.ts';
import { Graph, gradients } from '../graph/index.ts';
import type { PackedBatch } from '../runtime/batch.ts';
import { defaultEngine, Session } from '../runtime/session.ts';
import { float32, floats } from '../runtime/tensor.ts';
import { type CbpoOptions, cbpo } from './cbpo.ts';
import type { Example } from './objective.ts';

const NO_BATCH: PackedBatch = { feeds: {}, sequences: 0, tokens: 0, completionLengths: [] };

/** The loss and its gradient as functions of the sequence log-probabilities alone. */
async function objectiveGraph() {
  const g = new Graph();
  const sequenceLogProbs = g.input('sequence_log_probs', 'float32', ['sequences']);
  const loss = cbpo({ alpha: 0, beta: 1, emaDecay: 0.9 }).build(g, {
    tokenLogProbs: sequenceLogProbs,
    sequenceLogProbs,
  });
  g.output('loss', loss);
  g.output('gradient', gradients(g, loss, [sequenceLogProbs], g.scalar(1))[0]!);
  return Session.create(g, defaultEngine);
}
const session = await objectiveGraph();

interface Rewards {
  readonly target: readonly number[];
  readonly auxiliary: readonly number[];
}

/** Runs with reference 0, so that with beta 1 the log-probabilities are the rewards. */
async function run({ target, auxiliary }: Rewards, options: CbpoOptions, state: Record<string, number>) {
  const examples: Example[] = [
    ...target.map(() => ({ group: 'target' as const, referenceLogProb: 0 })),
    ...auxiliary.map(() => ({ group: 'auxiliary' as const, referenceLogProb: 0 })),
  ];
  const logProbs = Float32Array.from([...target, ...auxiliary], reward => reward / options.beta);
  const results = await session.run({
    ...cbpo(options).feeds(examples, NO_BATCH, state),
    sequence_log_probs: float32(logProbs, [logProbs.length]),
  });
  const scalar = (name: string) => floats(results[name]!)[0]!;
  return { scalar, gradient: [...floats(results.gradient!)] };
}

/** delta fixed at a value: the averages hold it and a batch does not move them. */
const fixedDelta = (delta: number) => ({ ema_target: delta, ema_auxiliary: delta });
const frozen = (alpha: number, beta = 1): CbpoOptions => ({ alpha, beta, emaDecay: 1 });
const sigma = (x: number) => 1 / (1 + Math.exp(-x));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** The formulas of the method in float64. */
function reference({ target, auxiliary }: Rewards, alpha: number, delta: number) {
  const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  const positive = mean(target.map(r => softplus(delta - r)));
  const negative = (rewards: readonly number[]) => mean(rewards.map(r => softplus(r - delta)));
  const pure = negative(auxiliary) - alpha * negative(target);
  const k = pure > 0 ? 1 : 0;
  return {
    pure,
    loss: positive + (k * pure) / (1 - alpha),
    gradient: [
      ...target.map(r => (-sigma(delta - r) - ((k * alpha) / (1 - alpha)) * sigma(r - delta)) / target.length),
      ...auxiliary.map(r => ((k / (1 - alpha)) * sigma(r - delta)) / auxiliary.length),
    ],
  };
}

const worked: Rewards = { target: [0.8, -0.2, 0.5], auxiliary: [0.1, -0.6, 0.3, 0] };
const clipped: Rewards = { target: [3, 4, 2.5], auxiliary: [-3, -2, -4, -1] };

describe('the C-BPO loss', () => {
  // Seven digits: what float32 holds.
  it.each([
    { rewards: worked, alpha: 0, delta: 0.05, pure: 0.658228513, loss: 1.22691497 },
    { rewards: worked, alpha: 0.3, delta: 0.05, pure: 0.658228513 - 0.3 * 0.885353124, loss: 1.129575851 },
    { rewards: worked, alpha: 0.9, delta: 0.05, pure: -0.138589299, loss: 0.568686457 },
    { rewards: clipped, alpha: 0.1, delta: 0, pure: -0.194789156, loss: 0.048542338 },
  ])('gives the worked numbers at alpha $alpha, delta $delta', async ({ rewards, alpha, delta, pure, loss }) => {
    const { scalar } = await run(rewards, frozen(alpha), fixedDelta(delta));
    expect(scalar('loss')).toBeCloseTo(loss, 6);
    expect(scalar('metric.pure_negative_risk')).toBeCloseTo(pure, 6);
  });

  it('is 2 ln 2 before the first step, whatever alpha and the group sizes', async () => {
    for (const alpha of [0, 0.3, 0.9, 0.99]) {
      const { scalar } = await run(
        { target: [0, 0, 0], auxiliary: [0, 0] },
        { alpha, beta: 0.1, emaDecay: 0.9 },
        fixedDelta(0),
      );
      expect(scalar('loss')).toBeCloseTo(2 * Math.LN2, 5);
    }
  });

  it('and its gradient are the formulas, clipped or not', async () => {
    const reward = fc.double({ min: -4, max: 4, noNaN: true });
    const group = fc.array(reward, { minLength: 1, maxLength: 6 });
    const alphas = fc.double({ min: 0, max: 0.9, noNaN: true });
    await fc.assert(
      fc.asyncProperty(group, group, alphas, reward, async (target, auxiliary, alpha, delta) => {
        const expected = reference({ target, auxiliary }, alpha, delta);
        fc.pre(Math.abs(expected.pure) > 1e-5); // at the kink the two number types may fall on different sides
        const beta = 0.5;
        const { scalar, gradient } = await run({ target, auxiliary }, frozen(alpha, beta), fixedDelta(delta));
        // float32 sums divided by 1 - alpha >= 0.1: ten times its resolution
        expect(Math.abs(scalar('loss') - expected.loss)).toBeLessThan(2e-5);
        gradient.forEach((value, i) => void expect(Math.abs(value - beta * expected.gradient[i]!)).toBeLessThan(1e-5));
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it('at alpha 0 with equal groups is twice BCO with a pooled delta', async () => {
    const target = [0.4, -0.1];
    const auxiliary = [0.2, -0.7];
    const delta = mean([...target, ...auxiliary]);
    const bco = mean([
      ...target.map(r => -Math.log(sigma(r - delta))),
      ...auxiliary.map(r => -Math.log(sigma(delta - r))),
    ]);
    const { scalar } = await run({ target, auxiliary }, frozen(0), fixedDelta(delta));
    expect(scalar('loss')).toBeCloseTo(2 * bco, 6);
  });
});

describe('the reference point delta', () => {
  it('takes the batch into each average before it is used, and gives each group the same weight', async () => {
    const options = { alpha: 0.2, beta: 1, emaDecay: 0.9 };
    const rewards = { target: [1, 3], auxiliary: [-1, -1, -4] };
    const { scalar } = await run(rewards, options, { ema_target: 0.5, ema_auxiliary: -0.5 });
    const emaTarget = 0.9 * 0.5 + 0.1 * 2;
    const emaAuxiliary = 0.9 * -0.5 + 0.1 * -2;
    expect(scalar('state.ema_target')).toBeCloseTo(emaTarget, 6);
    expect(scalar('state.ema_auxiliary')).toBeCloseTo(emaAuxiliary, 6);
    expect(scalar('metric.delta')).toBeCloseTo((emaTarget + emaAuxiliary) / 2, 6);
  });

  it('is a constant in the gradient', async () => {
    const options = { alpha: 0.2, beta: 1, emaDecay: 0.5 };
    const rewards = { target: [1, 3], auxiliary: [-1, -2] };
    const { scalar, gradient } = await run(rewards, options, fixedDelta(0));
    const expected = reference(rewards, 0.2, scalar('metric.delta'));
    gradient.forEach((value, i) => void expect(value).toBeCloseTo(expected.gradient[i]!, 5));
  });
});

describe('a batch of one class', () => {
  it('is refused, as its loss has no value', () => {
    const only = [{ group: 'target' as const, referenceLogProb: 0 }];
    const feed = () => cbpo(frozen(0.3)).feeds(only, NO_BATCH, fixedDelta(0));
    expect(feed).toThrow(IdiolectError);
    expect(feed).toThrow(/both groups; this one has 1 target and 0 auxiliary/);
  });
});
