/** The backbone in the box: found by its name from anywhere, small, and able to do what its card says. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { random } from '../../src/common/random.ts';
import { Population, renderPrompt, simulateSchema } from '../../src/histories/index.ts';
import { resolveModel } from '../../src/hub/hub.ts';
import { Generator } from '../../src/language-model/generator.ts';
import { LanguageModel } from '../../src/language-model/language-model.ts';
import { argmax } from '../../src/language-model/sampler.ts';

let model: LanguageModel;
beforeAll(async () => {
  model = await LanguageModel.load('starter');
});
afterAll(() => model.close());

describe('the starter', () => {
  it('is found by its name, in the package, at most 25 MB of F16', async () => {
    const here = process.cwd();
    process.chdir('/');
    try {
      expect(await resolveModel('starter')).toBe(join(fileURLToPath(new URL('../..', import.meta.url)), 'starter'));
    } finally {
      process.chdir(here);
    }
    const { folder, tensors } = model.checkpoint;
    expect((await stat(join(folder, 'model.safetensors'))).size).toBeLessThan(25e6);
    expect([...tensors.values()].every(({ dtype }) => dtype === 'F16')).toBe(true);
    expect(model.tokenizer.hasChatTemplate).toBe(true);
  });

  it('is to transformers what it is here: ids of the chat template, logits, greedy text', async () => {
    interface Recorded {
      readonly text: string;
      readonly ids: number[];
      readonly greedy: number[];
      readonly top: [id: number, logit: number][];
    }
    const file = new URL('../fixtures/starter.json', import.meta.url);
    const { prompts }: { prompts: Recorded[] } = JSON.parse(await readFile(file, 'utf8'));
    const generator = await Generator.create(model);
    for (const { text, ids, greedy, top } of prompts) {
      expect(model.tokenizer.encodePrompt(text)).toEqual(ids);
      const found: number[] = [];
      const first: Float32Array[] = [];
      const choose = (logits: Float32Array) => {
        first.push(logits.slice());
        found.push(argmax(logits));
        return found.length < greedy.length ? found.at(-1)! : null;
      };
      for await (const _ of generator.decode([{ prompt: ids, choose }], { batchSize: 1 })) {
        // `choose` keeps what is decoded.
      }
      expect(found).toEqual(greedy);
      // Two float32 forward passes of five layers, over logits of some ten: 1e-5 of that at most.
      for (const [id, logit] of top) expect(Math.abs(first[0]![id]! - logit)).toBeLessThan(1e-4);
    }
    await generator.release();
  });

  it('expects the subject line of a change more than that of another change', async () => {
    const population = new Population(simulateSchema.parse({ users: 2, records: 20, overlap: '1', seed: 5 }));
    const records = [...population.records(population.users[0]!)].map(({ record }) => record);
    const logProbOf = async (input: string, output: string) => {
      const sequence = model.encode(renderPrompt('commit-subject', { input }), output, { maxLength: 384 });
      const { logProb, tokens } = await model.score(sequence);
      return logProb / tokens;
    };
    let [own, other] = [0, 0];
    for (const [i, { input, output }] of records.entries()) {
      own += (await logProbOf(input, output)) / records.length;
      other += (await logProbOf(records[(i + 1) % records.length]!.input, output)) / records.length;
    }
    // A uniform guess has -ln 4096 = -8.3; what it has read of the change is worth a good part of a nat a token.
    expect(own).toBeGreaterThan(other + 0.2);
    expect(own).toBeGreaterThan(-5);
  });

  it('answers in one line and ends', async () => {
    const input = 'M README.md\n-An exmaple\n+An example';
    const [text] = await model.generateAll([renderPrompt('commit-subject', { input })], {
      ...{ maxTokens: 60, temperature: 0, topP: 1, random: () => random(0) },
    });
    expect(text).toMatch(/^\S.{3,120}$/);
  });
});
