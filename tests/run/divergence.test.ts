/** Training that blows up, and training with nothing to train on: a sentence, an exit code, and no adapter of NaN. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { random } from '../../src/common/random.ts';
import { writeHistories } from '../../src/histories/index.ts';
import {
  ablate,
  ablateSchema,
  adapt,
  adaptSchema,
  compare,
  compareSchema,
  LanguageModel,
  loraConfigSchema,
  resolveSettings,
  scoreRun,
  scoreSchema,
  train,
  trainSchema,
  writeAdapter,
} from '../../src/index.ts';
import { initialMatrices } from '../../src/model/lora.ts';
import { readHeader, writeSafetensors } from '../../src/model/safetensors.ts';
import { idiolect } from '../support/cli.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());

const entries = (...path: string[]) => readdir(join(place.folder, ...path)).catch(() => [] as string[]);

function settingsOf(out: string, settings: Record<string, unknown>) {
  const { model, data, cache } = place;
  return [{ origin: 'test', values: { model, data, cache, out: place.path(out), ...settings } }];
}

function run(out: string, settings: Record<string, unknown> = {}) {
  return train(resolveSettings(trainSchema, settingsOf(out, { alpha: 0.2, ...settings })), { version: 'test' });
}

describe('a learning rate that is far too high', () => {
  it.each([
    ['in the middle', { lr: 1e9 }],
    ['in the last step, to weights that are not finite', { lr: 3e38, epochs: 1, batchSize: 500 }],
    ['in the last step, to finite weights that give no number', { lr: 1e30, epochs: 1, batchSize: 500 }],
    ['between checkpoints', { lr: 1e9, saveEvery: 1 }],
    ['with sft', { lr: 1e20, method: 'sft' }],
    ['with bco', { lr: 1e20, method: 'bco' }],
    ['with kto', { lr: 1e20, method: 'kto' }],
  ] satisfies [string, Record<string, unknown>][])(
    'ends the training of each user, %s, and publishes nothing',
    async (name, settings) => {
      const summary = await run(name, { klEvery: 0, ...settings });
      expect(summary.users).toEqual([]);
      expect(summary.failed.map(({ user }) => user)).toEqual(['ada', 'grace', 'linus']);
      expect(summary.failed[0]!.reason).toMatch(/^training "ada" diverged in step \d+: its .* not finite\. Lower `lr`/);
      expect(await entries(name, 'adapters')).toEqual([]);
      expect(await entries(name, 'state')).toEqual([]);
    },
  );

  it('is an error of the command line, which names every user', async () => {
    const { model, data, cache } = place;
    const paths = ['--model', model, '--data', data, '--cache', cache, '--out', place.path('line')];
    const { code, stderr } = await idiolect(['train', ...paths, '--alpha', '0.2', '--lr', '1e9']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: .*line has no adapter of 3 of 3 users\. training "ada" diverged.*"grace".*"linus"/);
    expect(stderr).not.toContain('next:');
  });

  it('stops adapt before anything is merged', async () => {
    const settings = resolveSettings(adaptSchema, settingsOf('task', { targetUsers: 1, lr: 1e20 }));
    await expect(adapt(settings, { version: 'test' })).rejects.toMatchObject({ code: 'DIVERGED' });
    expect(await entries('task')).not.toContain('adapter');
    expect(await entries('task')).not.toContain('model');
  });

  it('stops ablate at the cell', async () => {
    const settings = { alpha: 0.2, embedder: 'ngrams', sweep: 'lr=1e9' };
    const resolved = resolveSettings(ablateSchema, settingsOf('ablation', settings));
    await expect(ablate(resolved, { version: 'test' })).rejects.toThrow(/cells.*has no adapter of 3 of 3 users/);
  });

  it('is a try that compare leaves out; where no other is left, an error', async () => {
    const users = ['ada', 'grace', 'linus', 'kim', 'lee'];
    await writeHistories(
      place.path('five.jsonl'),
      users.flatMap(user =>
        Array.from({ length: 8 }, (_, i) => ({ user, input: `fix ${i}`, output: `${user} fixed ${i}` })),
      ),
    );
    const compared = (out: string, rates: number[], messages: string[] = []) => {
      const settings = {
        ...{ data: place.path('five.jsonl'), targetUsers: 2, developmentUsers: 2, methods: ['base', 'oppu'], rates },
        ...{ retrieved: rates.map(() => 1), profileRecords: rates.map(() => 2), skipAdaptation: true, epochs: 1 },
        ...{ maxTokens: 4, embedder: 'ngrams' },
      };
      const resolved = resolveSettings(compareSchema, settingsOf(out, settings));
      return compare(resolved, {
        version: 'test',
        now: () => 0,
        onEvent: event => void (event.type === 'notice' && messages.push(event.message)),
      });
    };
    const messages: string[] = [];
    const { search } = await compared('some', [1e20, 1e-3], messages);
    expect(search).toMatchObject([{ settings: 'lr 0.001', chosen: true }]);
    expect(messages.join('\n')).toMatch(/OPPU, lr 100000000000000000000: this try is left out\..*diverged/);
    await expect(compared('none', [1e20, 1e25])).rejects.toThrow(/OPPU: training diverged at lr .* Give lower `rates`/);
  });
});

describe('an adapter that is not made of finite numbers', () => {
  it('is neither written nor read', async () => {
    const model = await LanguageModel.load(place.model);
    const config = loraConfigSchema.parse({ rank: 2 });
    const matrices = initialMatrices(config, model.checkpoint.linears, random(0));
    const folder = place.path('broken');
    await writeAdapter(folder, { config, matrices }, { baseModel: 'tiny', description: '' });
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      matrices[1]!.data[3] = value;
      const adapter = { config, matrices };
      const written = writeAdapter(place.path('other'), adapter, { baseModel: 'tiny', description: '' });
      await expect(written).rejects.toThrow(/is not written: ".*" has weights that are not finite numbers/);
      await writeSafetensors(join(folder, 'adapter_model.safetensors'), matrices);
      await expect(model.loadAdapter(folder)).rejects.toThrow(/tensor ".*" has weights that are not finite/);
    }
    expect(await entries('other')).toEqual([]);
  });

  it('is not scored where its numbers are finite but too large: an error, never NaN', async () => {
    await run('large', { users: 'ada,grace', epochs: 1 });
    const file = place.path('large/adapters/ada/adapter_model.safetensors');
    const model = await LanguageModel.load(place.model);
    const { matrices } = await model.loadAdapter(place.path('large/adapters/ada'));
    for (const { data } of matrices) data.fill(1e30);
    expect((await readHeader(file)).size).toBe(matrices.length);
    await writeSafetensors(file, matrices);
    const settings = resolveSettings(scoreSchema, [
      { origin: 'test', values: { run: place.path('large'), cache: place.cache } },
    ]).values;
    const sequence = model.encode('fix login', 'fixed the login', { maxLength: 64 });
    const adapter = await model.loadAdapter(place.path('large/adapters/ada'));
    for (const work of [
      model.score(sequence, adapter),
      model.tokenLogProbs(sequence, adapter),
      model.scoreCandidates([sequence, model.encode('fix login', 'no', { maxLength: 64 })], adapter),
    ]) {
      await expect(work).rejects.toThrow(/the log-probability of a token is .*not a finite number.*lower `lr`/);
    }
    await expect(scoreRun(settings)).rejects.toThrow(/"ada".*large.adapters.ada.*not a finite number.*lower `lr`/);
  });
});

describe('nobody to train', () => {
  const record = (user: string, i: number, more = {}) => ({ user, input: `fix ${i}`, output: `done ${i}`, ...more });
  it.each([
    [
      'too few records',
      [record('ada', 1), record('bob', 1)],
      {},
      /"ada" has too few records.*"bob" has too few records/,
    ],
    [
      'no record at all that its user likes',
      [record('ada', 1, { label: false }), record('ada', 2)],
      {},
      /"ada" has nothing to train on: every training record has label false/,
    ],
    [
      'a user asked for who has too few',
      [record('ada', 1), ...[1, 2, 3].map(i => record('bob', i))],
      { users: 'ada' },
      /no user "ada" with records to train on \("ada" has too few records/,
    ],
    ['nobody asked for', [1, 2, 3].map(i => record('ada', i)), { users: 'first:0' }, /`users` first:0 names nobody/],
  ])('%s: why, for each user, before anything is written', async (name, records, settings, sentence) => {
    const data = place.path(`${name}.jsonl`);
    await writeFile(data, records.map(line => `${JSON.stringify(line)}\n`).join(''));
    await expect(run(name, { data, method: 'sft', ...settings })).rejects.toThrow(sentence);
    expect(await entries(name)).not.toContain('run.json');
  });

  it('names ten of many users and counts the rest', async () => {
    const data = place.path('many.jsonl');
    await writeHistories(
      data,
      Array.from({ length: 25 }, (_, i) => record(`user ${i}`, i)),
    );
    await expect(run('many', { data })).rejects.toThrow(/"user 9" has too few.* And 15 more users\./);
  });
});
