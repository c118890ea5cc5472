/**
 * DPO, KTO and BCO against the losses of TRL's trainers and the gradients autograd takes of them; see
 * tests/fixtures/trl_losses.py for what was called.
 */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { bco } from '../../src/objectives/bco.ts';
import { dpo } from '../../src/objectives/dpo.ts';
import { kto } from '../../src/objectives/kto.ts';
import type { Example, Objective } from '../../src/objectives/objective.ts';
import { ObjectiveSession } from '../../src/objectives/objective-session.ts';
import { largestDifference, oneThread, relativeDifference } from './support.ts';

interface RecordedBatch {
  readonly examples: readonly {
    readonly group: 'target' | 'auxiliary' | 'mismatched';
    readonly policy: number;
    readonly reference: number;
  }[];
  readonly loss: number;
  readonly gradient: readonly number[];
  readonly metrics: Readonly<Record<string, number>>;
}

interface Case {
  readonly name: string;
  readonly beta: number;
  readonly batches: readonly RecordedBatch[];
}

const OBJECTIVES: Readonly<Record<string, (options: { beta: number }) => Objective>> = { bco, dpo, kto };

/** Names in TRL's log, and here. */
const METRICS: Readonly<Record<string, string>> = {
  delta: 'delta',
  kl: 'kl',
  'rewards/chosen': 'target_reward',
  'rewards/rejected': 'auxiliary_reward',
};

// TRL computed most cases in float64, from log-probabilities that float32 holds too. Margins reach 22 here: two roundings
// leave 3e-6 of error in one, at most that in its loss or, relative, in a saturated sigmoid, and so in the gradient.
// Norm of the difference over the norm for the gradient. Seen: 5e-7 and 8e-7.
const ROUNDING = 5e-6;

const file = new URL('../fixtures/trl-losses.json', import.meta.url);
const recorded: Readonly<Record<string, readonly Case[]>> = JSON.parse(await readFile(file, 'utf8'));

test('every objective of TRL is tested', () => {
  expect(Object.keys(recorded)).toEqual(Object.keys(OBJECTIVES));
});

describe.each(Object.keys(OBJECTIVES))('%s', name => {
  test.each(recorded[name]!)('$name', async ({ beta, batches }) => {
    const objective = OBJECTIVES[name]!({ beta });
    const session = await ObjectiveSession.create(objective, oneThread);
    let state = objective.initialState;
    for (const { examples, loss, gradient, metrics } of batches) {
      const found = await session.evaluate(
        objective,
        examples.map(({ policy }) => policy),
        // Lengths must not matter: these losses are of whole completions.
        examples.map(({ group, reference }, i): Example => {
          return { group, weight: 1, referenceLogProb: reference, completionTokens: 1 + i };
        }),
        state,
      );
      state = found.state;
      expect(Math.abs(found.loss - loss)).toBeLessThan(ROUNDING);
      expect(relativeDifference(found.gradient, gradient)).toBeLessThan(ROUNDING);
      if ('count' in metrics) expect(state.reward_count).toBe(metrics.count);
      for (const [theirs, ours] of Object.entries(METRICS)) {
        if (!(theirs in metrics)) continue;
        expect(largestDifference([found.metrics[ours]!], [metrics[theirs]!]), theirs).toBeLessThan(ROUNDING);
      }
    }
    await session.release();
  });
});
