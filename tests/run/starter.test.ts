/** The backbone in the box: found by its name from anywhere, small, and able to do what its card says. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { random } from '../../src/common/random.ts';
import { Population, renderPrompt, simulateSchema } from '../../src/histories/index.ts';
import { resolveModel } from '../../src/model/hub.ts';
import { LanguageModel } from '../../src/runtime/language-model.ts';

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
