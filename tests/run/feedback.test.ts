/** Explicit feedback: labels, weights and the age of records, from the file to what is trained. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { habitualHistories } from '../../examples/habits.ts';
import { loadDataset } from '../../src/histories/dataset.ts';
import { type HistoryRecord, writeHistories } from '../../src/histories/index.ts';
import { userRecords, type WeightedRecord } from '../../src/histories/user-records.ts';
import { LanguageModel, resolveSettings, train, trainSchema } from '../../src/index.ts';
import { objectiveNamed } from '../../src/objectives/objectives.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
let model: LanguageModel;
beforeAll(async () => {
  place = await workspace();
  model = await LanguageModel.load(place.model, { device: 'cpu', threads: 1 });
});
afterAll(async () => {
  await model.close();
  await place.remove();
});

const REJECTED = 'PLEASE FIND ATTACHED THE CHANGES';
const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString();

/** Three users; ada's first record is twice as heavy and her second is one she rejected. */
async function histories(name: string, change: (record: HistoryRecord, index: number) => HistoryRecord) {
  const file = place.path(name);
  const counts = new Map<string, number>();
  const records = [...habitualHistories(12)].map(record => {
    const index = counts.get(record.user) ?? 0;
    counts.set(record.user, index + 1);
    const dated = { ...record, time: day(index) };
    return record.user === 'ada' ? change(dated, index) : dated;
  });
  await writeHistories(file, records);
  return file;
}
const labelled = (record: HistoryRecord, index: number): HistoryRecord =>
  index === 0 ? { ...record, weight: 2 } : index === 1 ? { ...record, label: false, output: REJECTED } : record;

const settingsOf = (data: string, values: Record<string, unknown> = {}) =>
  resolveSettings(trainSchema, [
    {
      origin: 'test',
      values: { model: place.model, data, out: place.path('unused'), cache: place.cache, alpha: 0.2, ...values },
    },
  ]);

async function examplesOf(data: string, values: Record<string, unknown> = {}) {
  const settings = settingsOf(data, values).values;
  const dataset = await loadDataset(settings);
  const { records } = objectiveNamed(settings.method);
  return { ...userRecords(dataset, 'ada', { ...settings, records }), notices: dataset.notices };
}
const textOf = ({ record }: WeightedRecord) => record.output;

describe('records with feedback', () => {
  it('liked ones are learnt by weight, rejected ones stand apart, and no one else’s set holds them', async () => {
    const data = await histories('labelled.jsonl', labelled);
    const { target, disliked, notices } = await examplesOf(data);
    expect(disliked.map(textOf)).toEqual([REJECTED]);
    expect(target.map(textOf)).not.toContain(REJECTED);
    const weights = target.map(({ weight }) => weight);
    expect(weights.reduce((a, b) => a + b, 0) / weights.length).toBeCloseTo(1, 12);
    expect(weights[0]! / weights[1]!).toBeCloseTo(2, 12);
    expect(notices.join()).toContain('1 training record has label false');

    const settings = settingsOf(data, { auxiliaryRatio: 50 }).values;
    const others = userRecords(await loadDataset(settings), 'linus', { ...settings, records: 'others' });
    expect(others.auxiliary.map(textOf)).not.toContain(REJECTED);
  });

  it('sft leaves rejected ones out', async () => {
    const { target, disliked } = await examplesOf(place.path('labelled.jsonl'), { method: 'sft' });
    expect(disliked).toEqual([]);
    expect(target.map(textOf)).not.toContain(REJECTED);
  });

  it('lose half their weight in every `timeDecay` days', async () => {
    const data = await histories('dated.jsonl', record => record);
    const weights = (await examplesOf(data, { timeDecay: 2 })).target.map(({ weight }) => weight);
    expect(weights[2]! / weights[0]!).toBeCloseTo(2, 12);
    expect(weights.at(-1)! / weights.at(-2)!).toBeCloseTo(Math.SQRT2, 12);
  });

  it('must say when they were written for that', async () => {
    const data = await histories('undated.jsonl', ({ time: _, ...record }) => record as HistoryRecord);
    await expect(examplesOf(data, { timeDecay: 2 })).rejects.toThrow(/`timeDecay` needs the time .* "ada" has none/);
  });

  it('are the latest share of the history that `historyShare` asks for, with as many of others’', async () => {
    const data = place.path('dated.jsonl');
    const all = await examplesOf(data);
    const half = await examplesOf(data, { historyShare: 0.5 });
    expect(half.target.map(textOf)).toEqual(all.target.slice(all.target.length / 2).map(textOf));
    expect(half.auxiliary).toHaveLength(half.target.length);
  });
});

describe('training', () => {
  const run = async (out: string, data: string, values: Record<string, unknown> = {}) => {
    await train(settingsOf(data, { out: place.path(out), users: 'ada', lr: 5e-3, ...values }), { version: 'test' });
    return place.path(out);
  };
  const metricsOf = async (folder: string) =>
    (await readFile(`${folder}/metrics.jsonl`, 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));

  it.each(['cbpo', 'bco', 'kto'])('by %s makes a rejected text less likely than without the label', async method => {
    const data = place.path('labelled.jsonl');
    const without = await histories('unlabelled.jsonl', (record, index) =>
      index === 1
        ? { ...record, split: 'query' }
        : { ...labelled(record, index), split: index < 9 ? 'train' : 'query' },
    );
    const [disliked] = (await examplesOf(data)).disliked;
    const rejected = model.encode(disliked!.record.input, REJECTED, { maxLength: 256 });
    const score = async (folder: string) =>
      (await model.score(rejected, await model.loadAdapter(`${folder}/adapters/ada`))).logProb;
    const pushed = await score(await run(`${method}-with`, data, { method }));
    const ignored = await score(await run(`${method}-without`, without, { method }));
    expect(pushed).toBeLessThan(ignored);
  });

  it('in micro-batches gives the adapters of whole batches, but for rounding', async () => {
    const data = place.path('labelled.jsonl');
    const whole = await metricsOf(await run('whole-batches', data));
    const parts = await metricsOf(await run('micro-batches', data, { microBatchTokens: 64 }));
    expect(parts).toHaveLength(whole.length);
    // float32 rounding, carried through the run by AdamW
    parts.forEach((step, i) => void expect(step.loss).toBeCloseTo(whole[i].loss, 3));
  });

  it('logs what the diagnosis of a run needs, and measuring KL changes no adapter', async () => {
    const data = place.path('labelled.jsonl');
    const measured = await run('kl-measured', data, { klEvery: 2 });
    const unmeasured = await run('kl-unmeasured', data, { klEvery: 0 });
    expect(await contentOf(`${measured}/adapters`)).toEqual(await contentOf(`${unmeasured}/adapters`));
    const steps = await metricsOf(measured);
    const names = [
      'target_reward',
      'auxiliary_reward',
      'ema_target',
      'ema_auxiliary',
      'delta',
      'pure_negative_risk',
      'clipped',
    ];
    for (const step of steps) expect(Object.keys(step)).toEqual(expect.arrayContaining(names));
    const kl = steps.map(({ kl_reference }) => kl_reference);
    expect(kl.map(value => value !== undefined)).toEqual(steps.map((_, i) => i % 2 === 0 || i === steps.length - 1));
    expect(kl[0]).toBeCloseTo(0, 5); // a fresh adapter is the reference
    expect(kl.at(-1)).toBeGreaterThan(0.01);
  });
});
