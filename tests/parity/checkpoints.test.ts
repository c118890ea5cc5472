/**
 * Each recorded checkpoint against what transformers and PEFT computed from it: logits, log-probabilities, loss and
 * the gradient of every LoRA matrix. tests/fixtures/checkpoints.py says how the numbers were made.
 */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Session } from '../../src/engine/session.ts';
import { floats } from '../../src/engine/tensor.ts';
import { packBatch } from '../../src/language-model/batch.ts';
import type { LanguageModel } from '../../src/language-model/language-model.ts';
import { loraFeeds, scoringGraph } from '../../src/language-model/scorer.ts';
import { openCheckpoint } from '../../src/model/checkpoint.ts';
import { sft } from '../../src/objectives/sft.ts';
import { initialAdamW } from '../../src/training/adamw.ts';
import { Trainer } from '../../src/training/trainer.ts';
import {
  allLogits,
  type Expected,
  fixtureFolder,
  largestDifference,
  openVariant,
  readExpected,
  relativeDifference,
  temporaryFolders,
  VARIANTS,
} from './support.ts';

// Both sides compute in float32, in different orders of summation; half-precision weights are widened exactly, so
// the variants stored in them are no different. transformers' own float32 logits (up to 8.5) lie up to 3e-5 from its
// float64 ones; idiolect's lie up to 3e-5 from them. A wrong epsilon, rope border, window or scale shows far above.
const LOGITS = 1e-4;
// Differences of logits, so of their size; the score of a completion sums one such error for each token.
const LOG_PROBS = 1e-4;
// Norm of the difference over the norm of the gradient, per tensor: the rounding of the activations (some 1e-6 of
// their size) times the few products each passes on the way back. Seen: 4e-6.
const GRADIENTS = 1e-4;

const folder = temporaryFolders();

test('every recorded variant is tested', async () => {
  expect((await readdir(dirname(fixtureFolder('any')))).sort()).toEqual([...VARIANTS].sort());
});

describe.each(VARIANTS)('%s', variant => {
  let model: LanguageModel;
  let expected: Expected;
  beforeAll(async () => {
    model = await openVariant(variant, await folder());
    expected = await readExpected(variant);
  });
  afterAll(() => model.close());

  const sequences = () => expected.ids.map((ids, s) => ({ ids, promptLength: expected.promptLengths[s]! }));
  const adapter = () => model.loadAdapter(join(fixtureFolder(variant), 'adapter'));

  test('the folder opens as it is', async () => {
    const checkpoint = await openCheckpoint(fixtureFolder(variant));
    expect(checkpoint.config).toEqual(model.checkpoint.config);
    expect(checkpoint.fingerprint).toBe(model.checkpoint.fingerprint);
  });

  test('logits of the base model, two lengths in one batch', async () => {
    expect(largestDifference(await allLogits(model, expected.ids), expected.logits)).toBeLessThan(LOGITS);
  });

  test("logits with PEFT's adapter", async () => {
    const logits = await allLogits(model, expected.ids, await adapter());
    expect(largestDifference(logits, expected.adapterLogits)).toBeLessThan(LOGITS);
    // The adapter matters: without it the same check fails by far.
    expect(largestDifference(expected.logits, expected.adapterLogits)).toBeGreaterThan(0.1);
  });

  test('log-probability of each completion token', async () => {
    const { config, matrices } = await adapter();
    const { checkpoint, engine, rope } = model;
    const session = await Session.create(scoringGraph(checkpoint, config), engine, checkpoint.weightsFolder);
    const { feeds } = packBatch(sequences(), rope);
    const results = await session.run({ ...feeds, ...loraFeeds(matrices) });
    expect(largestDifference(floats(results.token_log_probs!), expected.tokenLogProbs)).toBeLessThan(LOG_PROBS);
    await session.release();
  });

  test('score of each completion by itself', async () => {
    const loaded = await adapter();
    let start = 0;
    for (const sequence of sequences()) {
      const { logProb, tokens } = await model.score(sequence, loaded);
      const recorded = expected.tokenLogProbs.subarray(start, start + tokens);
      expect(tokens).toBe(sequence.ids.length - sequence.promptLength);
      expect(Math.abs(logProb - recorded.reduce((a, b) => a + b, 0))).toBeLessThan(tokens * LOG_PROBS);
      start += tokens;
    }
    expect(start).toBe(expected.tokenLogProbs.length);
  });

  // An adapter of several ranks is read as an equal one of one rank, whose matrices have other gradients.
  test.skipIf(variant === 'llama-patterns')('loss and the gradient of every matrix', async () => {
    const { config, matrices } = await adapter();
    const trainer = new Trainer(model, config, sft());
    trainer.restore({ matrices, optimizer: initialAdamW(matrices.map(({ data }) => data)), objective: {} });
    const examples = sequences().map(sequence => ({ ...sequence, group: 'target' as const, referenceLogProb: 0 }));
    const { loss } = await trainer.forwardBackward(examples);
    expect(Math.abs(loss! - expected.loss)).toBeLessThan(LOG_PROBS * expected.loss); // a mean of log-probabilities
    const gradients = trainer.gradients();
    expect([...gradients.keys()].sort()).toEqual([...expected.gradients.keys()].sort());
    for (const [name, recorded] of expected.gradients) {
      expect(relativeDifference(gradients.get(name)!, recorded), name).toBeLessThan(GRADIENTS);
    }
    await trainer.release();
  });
});
