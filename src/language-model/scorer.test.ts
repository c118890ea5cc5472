/** Scores do not depend on what else is in a batch, and are the same bits when asked again. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { failureOf, largestDifference, openVariant, temporaryFolders } from '../../tests/parity/support.ts';
import { random } from '../common/random.ts';
import { Session } from '../engine/session.ts';
import { floats } from '../engine/tensor.ts';
import { initialMatrices, loraConfigSchema, matrixShapes } from '../model/lora.ts';
import { packBatch } from './batch.ts';
import type { LanguageModel } from './language-model.ts';
import { loraFeeds, type Score, scoringGraph } from './scorer.ts';

const folders = temporaryFolders();
let model: LanguageModel;
beforeAll(async () => {
  model = await openVariant('mistral-window', await folders());
});
afterAll(() => model.close());

const source = random(2);
const sequences = [12, 2, 7, 7, 30].map(length => ({
  ids: Array.from({ length }, () => 3 + source.integer(45)),
  promptLength: 1 + source.integer(length - 1),
}));

const adapterOf = (seed: number) => {
  const config = loraConfigSchema.parse({ targetModules: 'all-linear', rank: 4 });
  const draw = random(seed);
  const matrices = matrixShapes(config, model.checkpoint.linears).map(({ name, shape }) => ({
    name,
    shape,
    data: Float32Array.from({ length: shape[0] * shape[1] }, () => 0.2 * draw.normal()),
  }));
  return { config, matrices };
};

describe('candidates after one prompt', () => {
  const [prompt, ...completions] = [9, 6, 1, 4, 6].map(length =>
    Array.from({ length }, () => 3 + source.integer(45)),
  ) as [number[], ...number[][]];
  const candidatesOf = (prompt: readonly number[]) =>
    completions.map(completion => ({ ids: [...prompt, ...completion], promptLength: prompt.length }));

  // The window of five is shorter than the prompt, and a prompt of one token leaves nothing to the cache.
  test.each([9, 2, 1])('score as each does by itself, after %i tokens', async length => {
    const candidates = candidatesOf(prompt.slice(0, length));
    for (const adapter of [undefined, adapterOf(1)]) {
      const alone: Score[] = [];
      for (const sequence of candidates) alone.push(await model.score(sequence, adapter));
      const together = await model.scoreCandidates(candidates, adapter);
      expect(together.map(({ tokens }) => tokens)).toEqual(completions.map(({ length }) => length));
      const logProbs = (scores: readonly Score[]) => scores.map(({ logProb }) => logProb);
      // As in a packed batch below.
      expect(largestDifference(logProbs(together), logProbs(alone))).toBeLessThan(5e-5);
      expect(new Set(logProbs(alone).map(value => value.toFixed(2))).size).toBe(4);
    }
  });

  test('the prompt is run once, and each completion after it', async () => {
    const run = vi.spyOn(Session.prototype, 'run');
    await model.scoreCandidates(candidatesOf(prompt));
    const rows = run.mock.calls.map(([{ ids }]) => ids!.dims[0]!);
    run.mockRestore();
    expect(rows).toEqual([8, 6 + 1 + 4 + 6 + 1]); // without its last token; with a dummy row
  });

  test('of different prompts are scored one by one', async () => {
    const candidates = [...candidatesOf(prompt), ...candidatesOf(prompt.slice(1))];
    const alone: Score[] = [];
    for (const sequence of candidates) alone.push(await model.score(sequence));
    expect(await model.scoreCandidates(candidates)).toEqual(alone);
    expect(await model.scoreCandidates([])).toEqual([]);
  });
});

describe('a packed batch', () => {
  test.each(['without an adapter', 'with one'])('gives each sequence what it gets by itself, %s', async which => {
    const adapter = which === 'with one' ? adapterOf(1) : undefined;
    const { checkpoint, engine, rope } = model;
    const session = await Session.create(scoringGraph(checkpoint, adapter?.config), engine, checkpoint.weightsFolder);
    const run = async (batch: typeof sequences) => {
      const { feeds } = packBatch(batch, rope);
      const results = await session.run({ ...feeds, ...loraFeeds(adapter?.matrices ?? []) });
      return [...floats(results.token_log_probs!)];
    };
    const alone: number[] = [];
    for (const sequence of sequences) alone.push(...(await run([sequence])));
    // The engine may sum a row in another order in a larger matrix: a few steps of float32 on values of up to 20.
    expect(largestDifference(await run(sequences), alone)).toBeLessThan(5e-5);
    // The order of the batch only orders the results.
    const reversed = await run(sequences.toReversed());
    const lengths = sequences.map(({ ids, promptLength }) => ids.length - promptLength);
    const back = lengths.toReversed().map((length, i, all) => {
      const start = all.slice(0, i).reduce((a, b) => a + b, 0);
      return reversed.slice(start, start + length);
    });
    expect(largestDifference(back.toReversed().flat(), alone)).toBeLessThan(5e-5);
    await session.release();
  });
});

describe('score', () => {
  test('is the same bits each time, and other with another adapter', async () => {
    const [sequence] = sequences;
    const first = await model.score(sequence!, adapterOf(1));
    expect(first.tokens).toBe(sequence!.ids.length - sequence!.promptLength);
    const second = await model.score(sequence!, adapterOf(2));
    expect(second.logProb).not.toBe(first.logProb);
    expect(await model.score(sequence!, adapterOf(1))).toEqual(first);
  });

  test('is the sum over tokens, and a token’s part does not depend on what follows it', async () => {
    const sequence = sequences[4]!;
    const adapter = adapterOf(1);
    const parts = await model.tokenLogProbs(sequence, adapter);
    const { promptLength, ids } = sequence;
    expect(parts).toHaveLength(ids.length - promptLength);
    expect(parts.reduce((a, b) => a + b, 0)).toBe((await model.score(sequence, adapter)).logProb);
    for (const [t, part] of parts.entries()) {
      const alone = { ids: ids.slice(0, promptLength + t + 1), promptLength: promptLength + t };
      // Another length is another order of sums: a few steps of float32 on values of up to 20.
      expect(Math.abs((await model.score(alone, adapter)).logProb - part)).toBeLessThan(5e-5);
    }
  });

  test('an adapter that was never trained changes nothing', async () => {
    const { config } = adapterOf(1);
    const fresh = { config, matrices: initialMatrices(config, model.checkpoint.linears, random(1)) };
    for (const sequence of sequences) {
      expect((await model.score(sequence, fresh)).logProb).toBeCloseTo((await model.score(sequence)).logProb, 5);
    }
  });

  test('a model whose sessions were released opens them again, a closed one does not', async () => {
    const other = await openVariant('mistral-window', await folders());
    const before = await other.score(sequences[0]!);
    await other.release();
    expect(await other.score(sequences[0]!)).toEqual(before);
    await other.close();
    await expect(other.score(sequences[0]!)).rejects.toThrow(/is used after it was closed/);
  });

  test('an adapter that is not given is named', async () => {
    const { config } = adapterOf(1);
    expect(await failureOf(() => model.score(sequences[0]!, { config, matrices: [] }))).toEqual({
      code: 'ENGINE',
      message:
        'the graph needs an input "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight" ' +
        'that was not given.',
    });
  });
});
