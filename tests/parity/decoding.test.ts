/**
 * Decoding token by token with a cache gives what one pass over the whole sequence gives, at every step, and decoding
 * many sequences together gives what each gives alone.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { random } from '../../src/common/random.ts';
import { Session } from '../../src/engine/session.ts';
import { contrastiveScores } from '../../src/language-model/contrast.ts';
import { type DecodingOptions, type DecodingTask, Generator } from '../../src/language-model/generator.ts';
import type { LanguageModel } from '../../src/language-model/language-model.ts';
import { argmax, sampleToken } from '../../src/language-model/sampler.ts';
import type { Adapter } from '../../src/model/adapter.ts';
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

/** Ids of each task, decoded by one generator. */
async function decode(
  { checkpoint, engine, rope }: LanguageModel,
  tasks: readonly DecodingTask[],
  options: DecodingOptions,
  adapter?: Adapter,
): Promise<number[][]> {
  const generator = await Generator.create({ checkpoint, engine, rope }, adapter?.config);
  const produced = tasks.map((): number[] => []);
  const ended: number[] = [];
  for await (const { task, id } of generator.decode(tasks, options)) {
    expect(ended).not.toContain(task);
    if (id === null) ended.push(task);
    else produced[task]!.push(id);
  }
  expect(ended.toSorted((a, b) => a - b)).toEqual(tasks.map((_, i) => i));
  await generator.release();
  return produced;
}

/** Logits of each step when the sequence is forced: after the prompt, then after each further token. */
function forced(ids: readonly number[], promptLength: number, adapter?: Adapter) {
  const seen: Float32Array[] = [];
  const bases: Float32Array[] = [];
  const task: DecodingTask = {
    prompt: ids.slice(0, promptLength),
    ...(adapter && { matrices: adapter.matrices }),
    choose(logits, base) {
      seen.push(logits.slice());
      if (base) bases.push(base.slice());
      return ids[promptLength + seen.length - 1] ?? null;
    },
  };
  return { task, logits: () => joined(seen), baseLogits: () => joined(bases) };
}

/**
 * Greedy or sampled tasks from prompts of many lengths, so many in a row of each; each ends by its own limit or at id 2.
 */
function freeTasks(
  vocabSize: number,
  temperature: number,
  matricesOf?: (prompt: number, copy: number) => Adapter,
  copies = 1,
): DecodingTask[] {
  const source = random(5, 'prompts');
  const lengths = [1, 7, 3, 40, 2, 12, 5, 1, 33, 4, 9];
  return lengths.flatMap((length, i) => {
    const limits = Array.from({ length: copies }, () => 3 + source.integer(30));
    const prompt = Array.from({ length }, () => 3 + source.integer(vocabSize - 3));
    return limits.map((limit, copy): DecodingTask => {
      const own = random(5, `task ${i}/${copy}`);
      let count = 0;
      return {
        prompt: [...prompt],
        ...(matricesOf && { matrices: matricesOf(i, copy).matrices }),
        choose(logits) {
          const next = temperature === 0 ? argmax(logits) : sampleToken(logits, { temperature, topP: 0.9 }, own);
          return next === 2 || count++ === limit ? null : next;
        },
      };
    });
  });
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
      const { task, logits } = forced(ids, promptLength, adapter);
      const produced = await decode(model, [task], { batchSize: 1 }, adapter);
      expect(produced).toEqual([ids.slice(promptLength)]);
      const steps = logits();
      const whole = await allLogits(model, [ids], adapter);
      expect(largestDifference(steps, whole.subarray((promptLength - 1) * vocabSize))).toBeLessThan(SAME_ENGINE);
      const theirs = recorded.subarray((start + promptLength - 1) * vocabSize, (start + ids.length) * vocabSize);
      expect(largestDifference(steps, theirs)).toBeLessThan(RECORDED);
      start += ids.length;
    }
  });

  test.each([
    { batchSize: 2, adapted: false },
    { batchSize: 8, adapted: true },
  ])('forced tokens, sequences of other lengths side by side, %j', async ({ batchSize, adapted }) => {
    const adapter = adapted ? await model.loadAdapter(join(fixtureFolder(variant), 'adapter')) : undefined;
    const cases = expected.ids.flatMap(ids => [1, 4, 6].map(promptLength => ({ ids, promptLength })));
    const runs = cases.map(({ ids, promptLength }) => forced(ids, promptLength, adapter));
    await decode(
      model,
      runs.map(({ task }) => task),
      { batchSize },
      adapter,
    );
    const { vocabSize } = model.checkpoint.config;
    for (const [i, { ids, promptLength }] of cases.entries()) {
      const whole = await allLogits(model, [ids], adapter);
      const own = whole.subarray((promptLength - 1) * vocabSize);
      expect(largestDifference(runs[i]!.logits(), own)).toBeLessThan(SAME_ENGINE);
    }
  });

  test.each([
    { batchSize: 2, temperature: 0 },
    { batchSize: 4, temperature: 0 },
    { batchSize: 32, temperature: 0 },
    { batchSize: 4, temperature: 1 },
  ])('the same ids as alone, %j', async ({ batchSize, temperature }) => {
    const { vocabSize } = model.checkpoint.config;
    const together = await decode(model, freeTasks(vocabSize, temperature), { batchSize });
    const alone = await decode(model, freeTasks(vocabSize, temperature), { batchSize: 1 });
    expect(together).toEqual(alone);
    expect(new Set(alone.map(ids => ids.length)).size).toBeGreaterThan(4); // they end at other steps
  });

  test('several adapters in one batch, each with its own rows', async () => {
    const first = await model.loadAdapter(join(fixtureFolder(variant), 'adapter'));
    const others = [2, 3].map(factor => ({
      ...first,
      matrices: first.matrices.map(matrix => ({ ...matrix, data: matrix.data.map(x => factor * x) })),
    }));
    const adapters = [first, ...others];
    const { vocabSize } = model.checkpoint.config;
    const adapterOf = (i: number) => adapters[Math.floor(i / 2) % 3]!;
    const together = await decode(model, freeTasks(vocabSize, 0, adapterOf), { batchSize: 5 }, first);
    const alone = await decode(model, freeTasks(vocabSize, 0, adapterOf), { batchSize: 1 }, first);
    expect(together).toEqual(alone);
    // An adapter of no other's rows: most texts of the other two come out differently.
    const ofFirst = await decode(
      model,
      freeTasks(vocabSize, 0, () => first),
      { batchSize: 5 },
      first,
    );
    expect(together.filter((ids, i) => `${ids}` !== `${ofFirst[i]}`).length).toBeGreaterThan(3);
  });

  test.each([
    { batchSize: 4, contrast: false },
    { batchSize: 7, contrast: true },
    { batchSize: 64, contrast: true },
  ])('a prompt of several texts is read once for all of them, %j', async ({ batchSize, contrast }) => {
    const adapter = await model.loadAdapter(join(fixtureFolder(variant), 'adapter'));
    const other = { ...adapter, matrices: adapter.matrices.map(matrix => ({ ...matrix })) };
    const { vocabSize } = model.checkpoint.config;
    // Three texts of each prompt, then one by another adapter, which has to read for itself.
    const tasks = () => freeTasks(vocabSize, 1, (_, copy) => (copy < 3 ? adapter : other), 4);
    const run = vi.spyOn(Session.prototype, 'run');
    const together = await decode(model, tasks(), { batchSize, contrast }, adapter);
    const fed = run.mock.calls.map(([{ ids }]) => ids!.dims[0]!);
    run.mockRestore();
    expect(together).toEqual(await decode(model, tasks(), { batchSize: 1, contrast }, adapter));
    expect(new Set(together.map(ids => `${ids}`)).size).toBeGreaterThan(30);
    // Each prompt twice, each token chosen once, in one lane or two; besides a dummy row a run at most.
    const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
    const prompts = tasks().filter((_, i) => i % 2 === 0);
    const needed =
      (contrast ? 2 : 1) * sum([...prompts.map(({ prompt }) => prompt.length), ...together.map(ids => ids.length)]);
    expect(sum(fed)).toBeGreaterThanOrEqual(needed);
    expect(sum(fed)).toBeLessThanOrEqual(needed + fed.length);
  });

  test('contrast: the logits without the adapter come beside', async () => {
    const adapter = await model.loadAdapter(join(fixtureFolder(variant), 'adapter'));
    const runs = expected.ids.map(ids => forced(ids, 3, adapter));
    const tasks = runs.map(({ task }) => task);
    await decode(model, tasks, { batchSize: 2, contrast: true }, adapter);
    const { vocabSize } = model.checkpoint.config;
    for (const [i, ids] of expected.ids.entries()) {
      const own = await allLogits(model, [ids], adapter);
      const base = await allLogits(model, [ids]);
      expect(largestDifference(runs[i]!.logits(), own.subarray(2 * vocabSize))).toBeLessThan(SAME_ENGINE);
      expect(largestDifference(runs[i]!.baseLogits(), base.subarray(2 * vocabSize))).toBeLessThan(SAME_ENGINE);
      expect(largestDifference(own, base)).toBeGreaterThan(100 * SAME_ENGINE);
    }
  });
});

test('contrastive texts, two adapters in the batch: each token is what whole passes without a cache choose', async () => {
  const variant = 'llama-gqa-tied';
  const model = await openVariant(variant, await folder());
  const first = await model.loadAdapter(join(fixtureFolder(variant), 'adapter'));
  const second = {
    ...first,
    matrices: first.matrices.map(matrix => ({ ...matrix, data: matrix.data.map(x => 2 * x) })),
  };
  const prompts = ['a', 'some words, then more', 'no', 'a cat', 'what is it'];
  const adapterOf = (i: number) => (i % 2 === 0 ? first : second);
  const contrast = { strength: 0.5, plausibility: 0.1, repetitionPenalty: 1.2 };
  const options = { temperature: 0, topP: 1, maxTokens: 8, random: () => random(0), batchSize: 3 };
  const adapter = prompts.map((_, i) => adapterOf(i));
  const texts = await model.generateAll(prompts, { ...options, adapter, contrast });

  // The same by hand, for the ids.
  const sequences = prompts.map(prompt => [...model.tokenizer.encodePrompt(prompt)]);
  const lengths = sequences.map(ids => ids.length);
  const tasks = sequences.map((ids, i): DecodingTask => {
    let left = options.maxTokens;
    return {
      prompt: [...ids],
      matrices: adapterOf(i).matrices,
      choose(logits, base) {
        const next = argmax(contrastiveScores(logits, base!, new Set(ids), contrast));
        ids.push(next);
        return model.tokenizer.endIds.includes(next) || --left === 0 ? null : next;
      },
    };
  });
  await decode(model, tasks, { batchSize: 3, contrast: true }, first);
  expect(texts).toEqual(sequences.map((ids, i) => model.tokenizer.decode(ids.slice(lengths[i])).trimStart()));

  const { vocabSize } = model.checkpoint.config;
  const [ofFirst, ofSecond, base] = await Promise.all(
    [first, second, undefined].map(a => allLogits(model, sequences, a)),
  );
  let row = 0;
  let others = 0;
  for (const [i, ids] of sequences.entries()) {
    const own = i % 2 === 0 ? ofFirst! : ofSecond!;
    for (let t = lengths[i]!; t < ids.length; t++) {
      const at = (logits: Float32Array) => logits.subarray((row + t - 1) * vocabSize, (row + t) * vocabSize);
      const scores = contrastiveScores(at(own), at(base!), new Set(ids.slice(0, t)), contrast);
      expect(ids[t]).toBe(argmax(scores));
      if (ids[t] !== argmax(at(own))) others++;
    }
    row += ids.length;
  }
  expect(others).toBeGreaterThan(5); // of at most 40: it is not greedy decoding
  await model.close();
});
