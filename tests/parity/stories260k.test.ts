/** A trained model, where it lies beside the project: its recorded greedy continuation and first logits. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { random } from '../../src/common/random.ts';
import { Generator } from '../../src/language-model/generator.ts';
import { LanguageModel } from '../../src/language-model/language-model.ts';
import { argmax } from '../../src/language-model/sampler.ts';
import { allLogits, oneThread } from './support.ts';

const folder = fileURLToPath(new URL('../../../shared/models/stories260k/', import.meta.url));
const present = existsSync(join(folder, 'reference.json'));
if (!present) console.log('skipped: the model stories260k is not beside the project');

// The reference was computed in float64 from the same float32 weights: a float32 forward pass of five layers is some
// 1e-6 of the logits' size (17) away.
const LOGITS = 1e-4;

describe.skipIf(!present)('stories260k', () => {
  let model: LanguageModel;
  let ids: number[];
  let top: [id: number, logit: number][];
  beforeAll(async () => {
    model = await LanguageModel.load(folder, oneThread);
    const reference = JSON.parse(await readFile(join(folder, 'reference.json'), 'utf8'));
    ids = reference.greedy_ids_from_bos;
    top = reference.logits_after_bos_top3;
  });
  afterAll(() => model?.close());

  test('the three largest logits after the start token', async () => {
    const logits = await allLogits(model, [[1]]);
    const found = Array.from(logits.entries())
      .sort(([, a], [, b]) => b - a)
      .slice(0, 3);
    expect(found.map(([id]) => id)).toEqual(top.map(([id]) => id));
    found.forEach(([, logit], i) => void expect(Math.abs(logit - top[i]![1])).toBeLessThan(LOGITS));
  });

  test('greedy ids, by the cache', async () => {
    const generator = await Generator.create(model);
    const found = [1];
    const choose = (logits: Float32Array) => (found.length < ids.length ? argmax(logits) : null);
    for await (const { id } of generator.decode([{ prompt: [1], choose }], { batchSize: 1 }))
      if (id !== null) found.push(id);
    expect(found).toEqual(ids);
    await generator.release();
  });

  test('greedy ids, in a batch with others before, beside and after them', async () => {
    const generator = await Generator.create(model);
    const opening = (length: number) => ids.slice(0, length);
    const prompts = [opening(30), opening(1), opening(44), opening(1), opening(12), opening(1)];
    const found = prompts.map(prompt => [...prompt]);
    const tasks = prompts.map((prompt, i) => ({
      prompt,
      choose: (logits: Float32Array) => (found[i]!.length < ids.length ? argmax(logits) : null),
    }));
    for await (const { task, id } of generator.decode(tasks, { batchSize: 4 })) if (id !== null) found[task]!.push(id);
    // Every prompt is a beginning of the recorded text, and greedy decoding continues with the rest of it.
    for (const produced of found) expect(produced).toEqual(ids);
    await generator.release();
  });

  test('the same as streamed text', async () => {
    const pieces: string[] = [];
    const options = { temperature: 0, topP: 1, maxTokens: ids.length - 1, random: random(0) };
    for await (const piece of model.generate('', options)) pieces.push(piece);
    expect(pieces.join('')).toBe(model.tokenizer.decode(ids.slice(1)).trimStart());
    expect(pieces.join('')).toMatch(/^Once upon a time, there was a little girl named Lily\./);
    expect(pieces.length).toBeGreaterThan(30);
  });

  test('many texts together are what each is alone', async () => {
    const prompts = [
      '',
      'Once upon a time',
      'Lily and Tom',
      'The big dog was',
      'One day, a cat',
      'Tim had a red ball. He',
    ];
    const options = { topP: 0.9, maxTokens: 50 };
    for (const temperature of [0, 1]) {
      const streams = (i: number) => random(7, `text ${i}`);
      const told: [number, string][] = [];
      const onText = (prompt: number, text: string) => void told.push([prompt, text]);
      const texts = await model.generateAll(prompts, {
        ...options,
        temperature,
        random: streams,
        batchSize: 4,
        onText,
      });
      for (const [i, prompt] of prompts.entries()) {
        let text = '';
        for await (const piece of model.generate(prompt, { ...options, temperature, random: streams(i) }))
          text += piece;
        expect(texts[i]).toBe(text);
      }
      expect(told.sort(([a], [b]) => a - b)).toEqual([...texts.entries()]);
    }
  });
});
