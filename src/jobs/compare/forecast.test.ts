import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../histories/dataset.ts';
import { writeSafetensors } from '../../model/safetensors.ts';
import { RunFolder } from '../../runs/run-folder.ts';
import { type ForecastInput, planStages, secondsOf } from './forecast.ts';
import { answersFile, trainingFolder } from './methods/runner.ts';
import { methodsOf } from './requirements.ts';
import { compareSchema } from './task-settings.ts';

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'idiolect-test-'));
});
afterAll(() => rm(out, { recursive: true }));

const users = ['a', 'b', 'c', 'd', 'e', 'f'];
const historyOf = (user: string) => {
  const record = (i: number) => ({ user, input: `${i}`, output: `${i}` });
  const train = Array.from({ length: 10 }, (_, i) => record(i));
  return { user, train, query: [record(10), record(11)], disliked: [], repeated: 0, fingerprint: '' };
};
const dataset: Dataset = {
  ...{ file: 'x', fingerprint: 'f', split: null, leftOut: new Map(), notices: [] },
  users: new Map(users.map(user => [user, historyOf(user)])),
};

function inputOf(names: string[], more: Record<string, unknown> = {}): ForecastInput {
  const given = { model: 'm', data: 'x', out, methods: names, rates: [1e-3, 3e-3], epochs: 2, taskEpochs: 4, ...more };
  const settings = { ...compareSchema.parse(given), maxTokens: 64 };
  return {
    ...{ settings, methods: methodsOf(names), asked: new Set(names), dataset, own: {} },
    division: { targets: ['a', 'b', 'c'], development: ['d', 'e'], others: ['f'], notices: [] },
  };
}

const workOf = async (input: ForecastInput) =>
  Object.fromEntries((await planStages(input)).map(({ key, ...work }) => [key, work]));

describe('the stages of a comparison', () => {
  it('are counted in records: two tries on two users, then three users, the rest for the task', async () => {
    expect(await workOf(inputOf(['base', 'oppu'], { embedder: 'ngrams' }))).toEqual({
      adapt: { trained: 4 * 10, scored: 2 * 2, answers: 0 },
      'search oppu': { trained: 2 * 2 * 2 * 10, scored: 2 * 2 * 2, answers: 2 * 2 * 2 },
      'evaluate base': { trained: 0, scored: 3 * 2, answers: 3 * 2 },
      'evaluate oppu': { trained: 3 * 2 * 10, scored: 3 * 2, answers: 3 * 2 },
    });
  });

  it('count what methods share once, and what each needs besides', async () => {
    const alone = await workOf(inputOf(['cope'], { developmentUsers: 0, skipAdaptation: true, embedder: 'ngrams' }));
    expect(Object.keys(alone)).toContain('evaluate oppu');
    const both = await workOf(inputOf(['dpo', 'cope'], { skipAdaptation: true, embedder: 'ngrams' }));
    // Three samples of each of ten records of two users, and the answers of two tries.
    expect(both['search dpo']).toMatchObject({ answers: 2 * 30 + 2 * 2 * 2 });
    expect(both['search cope']).toMatchObject({ answers: 2 * (2 * 2 * 2) });
    const cbpo = await workOf(inputOf(['cbpo'], { skipAdaptation: true }));
    const reference = 3 * 20;
    const alpha = 3 * 60;
    expect(cbpo['evaluate cbpo']).toEqual({ trained: 3 * 2 * 20, scored: reference + alpha + 6, answers: 6 });
    expect(cbpo.uniqueness).toEqual({ trained: 0, scored: 180, answers: 0 });
  });

  it('leave out what is finished', async () => {
    const touch = async (file: string) => {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, '[]');
    };
    for (const user of ['a', 'b', 'c']) await touch(answersFile(out, 'targets', 'base', user));
    await touch(answersFile(out, 'targets', 'oppu', 'a'));
    const run = new RunFolder(trainingFolder(out, 'targets', 'oppu', 3e-3));
    for (const user of ['a', 'b']) {
      await mkdir(run.adapterOf(user), { recursive: true });
      await writeFile(join(run.adapterOf(user), 'adapter_config.json'), '{}');
      await writeSafetensors(join(run.adapterOf(user), 'adapter_model.safetensors'), []);
    }
    await touch(join(out, 'task', 'model', 'config.json'));
    const work = await workOf(inputOf(['base', 'oppu'], { embedder: 'ngrams' }));
    expect(Object.keys(work)).toEqual(['search oppu', 'evaluate oppu']);
    expect(work['evaluate oppu']).toEqual({ trained: 2 * 10, scored: 2 * 2, answers: 2 * 2 });
  });

  it('take what their records take', () => {
    const costs = { trained: 3, scored: 1, answer: 10 };
    expect(secondsOf({ key: 'x', trained: 2, scored: 5, answers: 4 }, costs)).toBe(6 + 5 + 40);
  });
});
