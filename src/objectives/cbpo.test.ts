/** The worked numbers, the formulas and the invariants of C-BPO. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdiolectError } from '../common/errors.ts';
import { type CbpoOptions, cbpo } from './cbpo.ts';
import type { Example, Group } from './objective.ts';
import { ObjectiveSession } from './objective-session.ts';

interface Rewards {
  readonly target: readonly number[];
  readonly auxiliary: readonly number[];
  readonly disliked?: readonly number[];
}

const sessions = new Map<string, Promise<ObjectiveSession>>();

/** Runs with reference 0, so that the log-probabilities times beta are the rewards. */
async function run(
  { target, auxiliary, disliked = [] }: Rewards,
  options: CbpoOptions,
  state: Record<string, number> = {},
  weightOf: (group: Group, index: number) => number = () => 1,
) {
  const objective = cbpo(options);
  const session = sessions.get(objective.signature) ?? ObjectiveSession.create(objective);
  sessions.set(objective.signature, session);
  const examplesOf = (group: Group, rewards: readonly number[]) =>
    rewards.map((_, i): Example => ({ group, weight: weightOf(group, i), referenceLogProb: 0, completionTokens: 1 }));
  const examples = [
    ...examplesOf('target', target),
    ...examplesOf('auxiliary', auxiliary),
    ...examplesOf('disliked', disliked),
  ];
  const logProbs = [...target, ...auxiliary, ...disliked].map(reward => reward / (options.beta ?? 0.1));
  return (await session).evaluate(objective, logProbs, examples, { ...objective.initialState, ...state });
}

/** delta fixed at a value: the averages hold it and a batch does not move them. */
const fixedDelta = (delta: number) => ({ ema_target: delta, ema_auxiliary: delta });
const frozen = (alpha: number, options: Partial<CbpoOptions> = {}): CbpoOptions => ({
  alpha,
  beta: 1,
  emaDecay: 1,
  ...options,
});
const sigma = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** The formulas of the method in float64. */
function reference({ target, auxiliary, disliked = [] }: Rewards, alpha: number, delta: number) {
  const positive = mean(target.map(r => softplus(delta - r)));
  const negative = (rewards: readonly number[]) => mean(rewards.map(r => softplus(r - delta)));
  const pure = negative(auxiliary) - alpha * negative(target);
  const gamma = disliked.length / (disliked.length + (1 - alpha) * auxiliary.length);
  const k = pure > 0 ? 1 - gamma : 0;
  return {
    pure,
    loss: positive + (k * pure) / (1 - alpha) + (gamma > 0 ? gamma * negative(disliked) : 0),
    gradient: [
      ...target.map(r => (-sigma(delta - r) - ((k * alpha) / (1 - alpha)) * sigma(r - delta)) / target.length),
      ...auxiliary.map(r => ((k / (1 - alpha)) * sigma(r - delta)) / auxiliary.length),
      ...disliked.map(r => (gamma * sigma(r - delta)) / disliked.length),
    ],
  };
}

const worked: Rewards = { target: [0.8, -0.2, 0.5], auxiliary: [0.1, -0.6, 0.3, 0] };
const clipped: Rewards = { target: [3, 4, 2.5], auxiliary: [-3, -2, -4, -1] };

describe('the C-BPO loss', () => {
  // Seven digits: what float32 holds.
  it.each([
    { rewards: worked, alpha: 0, delta: 0.05, pure: 0.658228513, loss: 1.22691497, clips: 0 },
    { rewards: worked, alpha: 0.3, delta: 0.05, pure: 0.658228513 - 0.3 * 0.885353124, loss: 1.129575851, clips: 0 },
    { rewards: worked, alpha: 0.9, delta: 0.05, pure: -0.138589299, loss: 0.568686457, clips: 1 },
    { rewards: clipped, alpha: 0.1, delta: 0, pure: -0.194789156, loss: 0.048542338, clips: 1 },
  ])('gives the worked numbers at alpha $alpha, delta $delta', async ({ rewards, alpha, delta, pure, loss, clips }) => {
    const found = await run(rewards, frozen(alpha), fixedDelta(delta));
    expect(found.loss).toBeCloseTo(loss, 6);
    expect(found.metrics.pure_negative_risk).toBeCloseTo(pure, 6);
    expect(found.metrics.clipped).toBe(clips);
  });

  it('is 2 ln 2 before the first step, whatever alpha, the group sizes and the disliked records', async () => {
    for (const alpha of [0, 0.3, 0.9, 0.99]) {
      for (const disliked of [[], [0, 0, 0]]) {
        const { loss } = await run({ target: [0, 0, 0], auxiliary: [0, 0], disliked }, { alpha });
        expect(loss).toBeCloseTo(2 * Math.LN2, 5);
      }
    }
  });

  it('and its gradient are the formulas, clipped or not, with and without disliked records', async () => {
    const reward = fc.double({ min: -4, max: 4, noNaN: true });
    const group = fc.array(reward, { minLength: 1, maxLength: 6 });
    const disliked = fc.array(reward, { maxLength: 3 });
    const alphas = fc.double({ min: 0, max: 0.9, noNaN: true });
    await fc.assert(
      fc.asyncProperty(group, group, disliked, alphas, reward, async (target, auxiliary, rejected, alpha, delta) => {
        const rewards = { target, auxiliary, disliked: rejected };
        const expected = reference(rewards, alpha, delta);
        fc.pre(Math.abs(expected.pure) > 1e-5); // at the kink the two number types may fall on different sides
        const beta = 0.5;
        const { loss, gradient } = await run(rewards, frozen(alpha, { beta }), fixedDelta(delta));
        // float32 sums divided by 1 - alpha >= 0.1: ten times its resolution
        expect(Math.abs(loss - expected.loss)).toBeLessThan(2e-5);
        gradient.forEach((value, i) => void expect(Math.abs(value - beta * expected.gradient[i]!)).toBeLessThan(1e-5));
      }),
      { numRuns: 100, seed: 5 },
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
    const { loss } = await run({ target, auxiliary }, frozen(0), fixedDelta(delta));
    expect(loss).toBeCloseTo(2 * bco, 6);
  });
});

describe('a batch of one class', () => {
  it('is refused, as its loss has no value', async () => {
    const only = { target: [0, 1], auxiliary: [] };
    await expect(run(only, frozen(0.3))).rejects.toThrow(IdiolectError);
    await expect(run(only, frozen(0.3))).rejects.toThrow(/both groups; this one has 2 target and 0 auxiliary/);
  });
});

describe('the negative risk below 0', () => {
  const delta = fixedDelta(0);

  it('has no gradient under the paper’s rule', async () => {
    const { gradient } = await run(clipped, frozen(0.1), delta);
    const positive = clipped.target.map(r => -sigma(-r) / 3);
    [...positive, 0, 0, 0, 0].forEach((value, i) => void expect(gradient[i]).toBeCloseTo(value, 6));
  });

  it('is stepped back up, alone, under nnPU’s rule, and the loss told is the same', async () => {
    const { loss, gradient } = await run(clipped, frozen(0.1, { negativeRisk: 'nnpu' }), delta);
    expect(loss).toBeCloseTo(0.048542338, 6);
    // minus the gradient of L_neg / (1 - alpha)
    const expected = [
      ...clipped.target.map(r => (0.1 / 0.9) * (sigma(r) / 3)),
      ...clipped.auxiliary.map(r => -(1 / 0.9) * (sigma(r) / 4)),
    ];
    expected.forEach((value, i) => void expect(gradient[i]).toBeCloseTo(value, 6));
  });

  it('above 0 the two rules are one', async () => {
    const clip = await run(worked, frozen(0.3), fixedDelta(0.05));
    const nnpu = await run(worked, frozen(0.3, { negativeRisk: 'nnpu' }), fixedDelta(0.05));
    expect(nnpu.loss).toBeCloseTo(clip.loss, 6);
    nnpu.gradient.forEach((value, i) => void expect(value).toBeCloseTo(clip.gradient[i]!, 6));
  });
});

describe('disliked records', () => {
  const rewards = { target: [0.5, 0.1], auxiliary: [0.3, -0.4] };

  it('weigh against the negatives hidden among the auxiliary records by their number', async () => {
    // one disliked record beside (1 - 0.5) * 2 = 1 hidden negative: each estimate counts half
    const withOne = await run({ ...rewards, disliked: [0.2] }, frozen(0.5), fixedDelta(0));
    const without = await run(rewards, frozen(0.5), fixedDelta(0));
    const { positive_risk, pure_negative_risk } = without.metrics;
    const expected = positive_risk! + 0.5 * (pure_negative_risk! / 0.5) + 0.5 * softplus(0.2);
    expect(withOne.loss).toBeCloseTo(expected, 6);
  });

  it('of weight 2 are two of them', async () => {
    const twice = await run({ ...rewards, disliked: [0.2, 0.2] }, frozen(0.5), fixedDelta(0));
    const heavy = await run({ ...rewards, disliked: [0.2] }, frozen(0.5), fixedDelta(0), group =>
      group === 'disliked' ? 2 : 1,
    );
    expect(heavy.loss).toBeCloseTo(twice.loss, 6);
    expect(heavy.gradient[4]).toBeCloseTo(twice.gradient[4]! + twice.gradient[5]!, 6);
  });

  it('keep their gradient where the pure negative risk is clipped', async () => {
    const { gradient } = await run({ ...clipped, disliked: [1] }, frozen(0.1), fixedDelta(0));
    const gamma = 1 / (1 + 0.9 * 4);
    expect(gradient[7]).toBeCloseTo(gamma * sigma(1), 6);
  });

  it('do not move the reference point', async () => {
    const options = { alpha: 0.5, beta: 1 };
    const without = await run(rewards, options);
    const withOne = await run({ ...rewards, disliked: [3] }, options);
    expect(withOne.state).toEqual(without.state);
  });
});

describe('weights of target records', () => {
  it('scale each record’s part of the three means over them', async () => {
    const rewards = { target: [0.5, 0.1], auxiliary: [0.3, -0.4] };
    const weights = [1.6, 0.4]; // mean 1
    const found = await run(rewards, { alpha: 0.4, beta: 1 }, {}, (group, i) => (group === 'target' ? weights[i]! : 1));
    const delta = found.metrics.delta!;
    const over = (loss: (r: number) => number) => mean(rewards.target.map((r, i) => weights[i]! * loss(r)));
    const pure = mean(rewards.auxiliary.map(r => softplus(r - delta))) - 0.4 * over(r => softplus(r - delta));
    expect(found.metrics.target_reward).toBeCloseTo(
      over(r => r),
      6,
    );
    expect(found.loss).toBeCloseTo(over(r => softplus(delta - r)) + pure / 0.6, 6);
  });
});

describe('the reference point delta', () => {
  const rewards = { target: [1, 3], auxiliary: [-1, -1, -4] };
  const before = { ema_target: 0.5, ema_auxiliary: -0.5, batches: 3 };
  const moved = { target: 0.9 * 0.5 + 0.1 * 2, auxiliary: 0.9 * -0.5 + 0.1 * -2 };

  it('takes the batch into each average before it is used, and gives each group the same weight', async () => {
    const { state, metrics } = await run(rewards, { alpha: 0.2, beta: 1 }, before);
    expect(state.ema_target).toBeCloseTo(moved.target, 6);
    expect(state.ema_auxiliary).toBeCloseTo(moved.auxiliary, 6);
    expect(state.batches).toBe(4);
    expect(metrics.delta).toBeCloseTo((moved.target + moved.auxiliary) / 2, 6);
  });

  it('or after, where told so', async () => {
    const { state, metrics } = await run(rewards, { alpha: 0.2, beta: 1, emaUpdate: 'after' }, before);
    expect(metrics.delta).toBe(0);
    expect(state.ema_target).toBeCloseTo(moved.target, 6);
  });

  it('can start at the first batch', async () => {
    const options: CbpoOptions = { alpha: 0.2, beta: 1, emaStart: 'first' };
    const first = await run(rewards, options);
    expect(first.state).toMatchObject({ ema_target: 2, ema_auxiliary: -2 });
    const second = await run({ target: [3], auxiliary: [0] }, options, first.state);
    expect(second.state.ema_target).toBeCloseTo(0.9 * 2 + 0.1 * 3, 6);
  });

  it('pooled, is pulled towards the larger group', async () => {
    const options: CbpoOptions = { alpha: 0.2, beta: 1, referencePoint: 'pooled' };
    const { state, metrics } = await run(rewards, options, { ema_pooled: 1 });
    const expected = 0.9 * 1 + 0.1 * mean([1, 3, -1, -1, -4]);
    expect(metrics.delta).toBeCloseTo(expected, 6);
    expect(Object.keys(state).sort()).toEqual(['batches', 'ema_pooled']);
  });

  it('is a constant in the gradient', async () => {
    const two = { target: [1, 3], auxiliary: [-1, -2] };
    const { metrics, gradient } = await run(two, { alpha: 0.2, beta: 1, emaDecay: 0.5 });
    const expected = reference(two, 0.2, metrics.delta!);
    gradient.forEach((value, i) => void expect(value).toBeCloseTo(expected.gradient[i]!, 5));
  });
});
