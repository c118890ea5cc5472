/** Decoding token by token with a cache gives what one pass over the whole sequence gives, at every step. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Adapter } from '../../src/model/adapter.ts';
import { Generator } from '../../src/runtime/generator.ts';
import type { LanguageModel } from '../../src/runtime/language-model.ts';
import {
  allLogits,
  type Expected,
  fixtureFolder,
  joined,
  largestDifference,
  openVariant,
  readExpected,
  temporaryFolders,
} from './support.ts';

// Both ways compute the same products in float32; a matrix of one row may be summed in another order than one of
// many (seen: 1e-5). Against the recorded logits the tolerance of checkpoints.test.ts holds.
const SAME_ENGINE = 5e-5;
const RECORDED = 1e-4;

const folder = temporaryFolders();

/** Logits of each step when the sequence is forced: after the prompt, then after each further token. */
async function forcedLogits(
  model: LanguageModel,
  ids: readonly number[],
  promptLength: number,
  adapter?: Adapter,
): Promise<Float32Array> {
  const { checkpoint, engine, rope } = model;
  const generator = await Generator.create(checkpoint, engine, rope, adapter?.config);
  const seen: Float32Array[] = [];
  const force = (logits: Float32Array) => {
    seen.push(logits.slice());
    return ids[promptLength + seen.length - 1] ?? null;
  };
  const produced: number[] = [];
  for await (const id of generator.decode(ids.slice(0, promptLength), force, adapter?.matrices)) produced.push(id);
  expect(produced).toEqual(ids.slice(promptLength));
  await generator.release();
  return joined(seen);
}

// Both windows are shorter than the sequences (5 and 4 against 13 and 9), and than what the cache comes to hold.
describe.each(['mistral-window', 'qwen2-window', 'qwen3', 'llama-bf16'])('%s', variant => {
  let model: LanguageModel;
  let expected: Expected;
  beforeAll(async () => {
    model = await openVariant(variant, await folder());
    expected = await readExpected(variant);
  });
  afterAll(() => model.close());

  test.each([
    { adapted: false, promptLength: 1 },
    { adapted: false, promptLength: 4 },
    { adapted: false, promptLength: 8 },
    { adapted: true, promptLength: 3 },
  ])('forced tokens, %j', async ({ adapted, promptLength }) => {
    const adapter = adapted ? await model.loadAdapter(join(fixtureFolder(variant), 'adapter')) : undefined;
    const recorded = adapted ? expected.adapterLogits : expected.logits;
    const { vocabSize } = model.checkpoint.config;
    let start = 0;
    for (const ids of expected.ids) {
      const steps = await forcedLogits(model, ids, promptLength, adapter);
      const whole = await allLogits(model, [ids], adapter);
      expect(largestDifference(steps, whole.subarray((promptLength - 1) * vocabSize))).toBeLessThan(SAME_ENGINE);
      const theirs = recorded.subarray((start + promptLength - 1) * vocabSize, (start + ids.length) * vocabSize);
      expect(largestDifference(steps, theirs)).toBeLessThan(RECORDED);
      start += ids.length;
    }
  });
});
