/** What own texts are chosen over: samples that stand by themselves, and CoPe's choice among them. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeTinyBackbone } from '../../../../examples/tiny-backbone.ts';
import { temporaryFolders } from '../../../../tests/parity/support.ts';
import { type Workspace, workspace } from '../../../../tests/support/workspace.ts';
import { random } from '../../../common/random.ts';
import type { HistoryRecord } from '../../../histories/index.ts';
import { readRejected } from '../../../histories/rejected.ts';
import { LanguageModel } from '../../../language-model/language-model.ts';
import type { Adapter } from '../../../model/adapter.ts';
import { initialMatrices, loraConfigSchema } from '../../../model/lora.ts';
import { readFloats, readHeader, writeSafetensors } from '../../../model/safetensors.ts';
import { leastPersonal, samplesOf, writeRejected } from './pseudo-negatives.ts';

const folders = temporaryFolders();
const oneThread = { device: 'cpu', threads: 1 } as const;

let place: Workspace;
let model: LanguageModel;
beforeAll(async () => {
  place = await workspace();
  model = await LanguageModel.load(place.model, oneThread);
});
afterAll(async () => {
  await model.close();
  await place.remove();
});

const record = (input: string, user = 'ada'): HistoryRecord => ({ user, input, output: `own ${input}` });

describe('samples', () => {
  const records = ['fix login', 'test cache', 'rename router', 'remove mailer'].map(input => record(input));
  const draw = (folder: string, of: readonly HistoryRecord[], seed = 0) =>
    samplesOf(model, 'ada', of, {
      folder: place.path(folder),
      prompt: ({ input }) => input,
      maxTokens: 6,
      maxLength: 32,
      chat: 'never',
      seed,
    });

  it('are three for each record, which do not depend on the other records of the user', async () => {
    const all = await draw('all', records);
    expect(all.map(({ length }) => length)).toEqual([3, 3, 3, 3]);
    expect(new Set(all.flat()).size).toBe(12);
    expect(await draw('few', [records[2]!, records[0]!])).toEqual([all[2], all[0]]);
    expect(await draw('seeded', records.slice(0, 1), 1)).not.toEqual(all.slice(0, 1));
  });

  it('are read where they were drawn before, not drawn again', async () => {
    const before = await draw('all', records);
    const generate = vi.spyOn(model, 'generateAll');
    expect(await draw('all', records, 7)).toEqual(before);
    expect(generate).not.toHaveBeenCalled();
    generate.mockRestore();
  });

  it('are other ones for another user with the same records', async () => {
    const [mine] = await draw('all', records);
    const [others] = await draw('other-user', [record('fix login', 'grace')]);
    expect(others).not.toEqual(mine);
  });
});

/** The tiny backbone with attention that adds nothing: what follows depends on the last token alone. */
async function forgetful(): Promise<LanguageModel> {
  const folder = await folders();
  await writeTinyBackbone(folder);
  const file = join(folder, 'model.safetensors');
  const entries = [...(await readHeader(file)).values()];
  const tensors = await Promise.all(
    entries.map(async entry => {
      const data = await readFloats(entry);
      return { name: entry.name, shape: entry.shape, data: entry.name.includes('o_proj') ? data.fill(0) : data };
    }),
  );
  await writeSafetensors(file, tensors);
  return LanguageModel.load(folder, oneThread);
}

/** An adapter that changes what the model says: neither of its matrices is zero. */
function adapterOf({ checkpoint }: LanguageModel, targetModules: string[]): Adapter {
  const config = loraConfigSchema.parse({ rank: 4, targetModules });
  const source = random(5, 'an adapter');
  const matrices = initialMatrices(config, checkpoint.linears, source);
  for (const { name, data } of matrices) {
    if (name.endsWith('lora_B.weight')) data.set(Array.from(data, () => 0.3 * source.normal()));
  }
  return { config, matrices };
}

/** Completions of 1 to 24 bytes, an empty one among them: only the end token is scored there. */
function completions(set: number): string[] {
  const source = random(set, 'completions');
  const letters = 'etaoin shrdlu';
  const text = (length: number) => Array.from({ length }, () => letters[source.integer(letters.length)]!).join('');
  return [text(source.integer(3)), text(4 + source.integer(6)), text(12 + source.integer(12))];
}
const SETS = Array.from({ length: 12 }, (_, i) => completions(i));

describe('the least personal of some samples', () => {
  it('has the largest mean log-likelihood ratio of task to user over its own tokens', async () => {
    const adapter = adapterOf(model, ['q_proj', 'v_proj']);
    const prompt = 'fix login in a request of some length';
    const encode = (completion: string) => model.encode(prompt, completion, { maxLength: 128, chat: 'never' });
    const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
    let [unlikeSum, unlikeWhole] = [0, 0];
    for (const samples of SETS) {
      const ratios: { tokens: number; length: number; sum: number }[] = [];
      for (const sample of samples) {
        const sequence = encode(sample);
        const [task, user] = [await model.tokenLogProbs(sequence), await model.tokenLogProbs(sequence, adapter)];
        ratios.push({ tokens: task.length, length: sequence.ids.length, sum: sum(task) - sum(user) });
      }
      const best = (score: (ratio: (typeof ratios)[number]) => number) => {
        const scores = ratios.map(score);
        return samples[scores.indexOf(Math.max(...scores))]!;
      };
      const winner = best(ratio => ratio.sum / ratio.tokens);
      expect(await leastPersonal(model, adapter, encode, samples)).toBe(winner);
      if (best(ratio => ratio.sum) !== winner) unlikeSum++;
      if (best(ratio => ratio.sum / ratio.length) !== winner) unlikeWhole++;
    }
    // The sets tell the mean over the completion from the sum, and from a mean that counts the prompt's tokens.
    expect(Math.min(unlikeSum, unlikeWhole)).toBeGreaterThan(0);
  });

  it('is the same after a longer prompt that leaves the completion as likely', async () => {
    const model = await forgetful();
    const adapter = adapterOf(model, ['down_proj', 'gate_proj']);
    const encodeAfter = (prompt: string) => (completion: string) =>
      model.encode(prompt, completion, { maxLength: 250, chat: 'never' });
    const [short, long] = [encodeAfter('x'), encodeAfter(`${'long before, '.repeat(14)}x`)];
    const winners = new Set<number>();
    for (const samples of SETS) {
      const [first] = samples;
      const [here, there] = [await model.score(short(first!), adapter), await model.score(long(first!), adapter)];
      expect(there.logProb).toBeCloseTo(here.logProb, 3); // the premise, up to float32 sums over other shapes
      const winner = await leastPersonal(model, adapter, short, samples);
      expect(await leastPersonal(model, adapter, long, samples)).toBe(winner);
      winners.add(samples.indexOf(winner));
    }
    expect(winners.size).toBeGreaterThan(1);
    await model.close();
  });
});

it('pairs are read back by record, whoever else wrote the same and whatever its name', async () => {
  const file = place.path('rejected.jsonl');
  const mine = { ...record('fix login'), id: '7' };
  const theirs = { ...mine, user: 'grace' };
  await writeRejected(file, [
    { record: mine, rejected: 'a sample\nof two lines' },
    { record: theirs, rejected: '' },
  ]);
  const texts = await readRejected(file);
  expect([texts.of(mine), texts.of(theirs)]).toEqual(['a sample\nof two lines', '']);
  expect(texts.of({ ...mine, id: '8' })).toBe('a sample\nof two lines');
  expect(texts.of({ ...mine, output: 'other' })).toBeUndefined();
  expect(texts.of({ ...mine, user: 'linus' })).toBeUndefined();
});
