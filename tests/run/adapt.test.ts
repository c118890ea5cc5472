/** The task-adapted model: made from the others' records alone, the same wherever it was stopped, and taken by train. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { habitualHistories } from '../../examples/habits.ts';
import { type HistoryRecord, writeHistories } from '../../src/histories/index.ts';
import { type AdaptEvent, adapt, adaptSchema, resolveSettings, train, trainSchema } from '../../src/index.ts';
import { idiolect } from '../support/cli.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());

interface RunOptions {
  readonly out: string;
  readonly settings?: Record<string, unknown>;
  readonly onEvent?: (event: AdaptEvent) => void;
  readonly signal?: AbortSignal;
}

/** Grace alone is kept out, whatever is in the data; a high rate, as the tiny backbone has everything to learn. */
function run({ out, settings = {}, ...options }: RunOptions) {
  const { model, data, cache } = place;
  const common = { model, data, cache, out: place.path(out), targetUsers: place.path('grace.json'), saveEvery: 2 };
  const values = { ...common, lr: 5e-3, ...settings };
  return adapt(resolveSettings(adaptSchema, [{ origin: 'test', values }]), { version: 'test', ...options });
}

function trainRun(out: string, settings: Record<string, unknown>) {
  const { model, data, cache } = place;
  const values = { model, data, cache, out: place.path(out), alpha: 0.2, epochs: 1, ...settings };
  return train(resolveSettings(trainSchema, [{ origin: 'test', values }]), { version: 'test' });
}

const results = async (out: string) => ({
  model: await contentOf(place.path(join(out, 'model'))),
  adapter: await contentOf(place.path(join(out, 'adapter'))),
  metrics: await readFile(place.path(join(out, 'metrics.jsonl')), 'utf8'),
});

/** The histories with what `change` makes of each record, as a file of their own. */
async function changed(name: string, change: (record: HistoryRecord) => HistoryRecord): Promise<string> {
  const file = place.path(name);
  await writeHistories(file, habitualHistories(12).map(change));
  return file;
}

beforeAll(async () => {
  await writeFile(place.path('grace.json'), JSON.stringify({ targets: ['grace'] }));
});

describe('task adaptation', () => {
  it('writes the adapter, the merged model and who was kept out, and tells what it did to held-out records', async () => {
    const events: AdaptEvent[] = [];
    const summary = await run({ out: 'whole', onEvent: event => void events.push(event) });
    expect(summary).toMatchObject({
      ...{ run: place.path('whole'), model: place.path('whole/model'), users: place.path('whole/users.json') },
      ...{ targets: 1, others: 2, records: 20, heldOut: { records: 4 } },
    });
    expect(summary.heldOut!.adapted).toBeGreaterThan(summary.heldOut!.base + 0.1);
    expect((await readdir(place.path('whole'))).sort()).toEqual([
      ...['adapter', 'metrics.jsonl', 'model', 'run.json', 'state', 'users.json'],
    ]);
    expect(await readdir(place.path('whole/state'))).toEqual([]);
    expect(JSON.parse(await readFile(summary.users, 'utf8'))).toEqual({ targets: ['grace'], others: ['ada', 'linus'] });
    expect(events[0]).toEqual({ type: 'start', records: 20, users: 2, steps: 9 });
    for (const type of ['step', 'merge', 'score']) expect(events.map(event => event.type)).toContain(type);
    const files = (await contentOf(place.path('whole/model'))) as Record<string, string>;
    const base = await contentOf(place.model);
    for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json']) expect(files[name]).toBe(base[name]);
    expect(files['model.safetensors']).not.toBe(base['model.safetensors']);
  });

  it('learns nothing from the targets: other words of theirs change no byte, other words of anyone else do', async () => {
    const rewrite = (user: string) => (record: HistoryRecord) =>
      record.user === user ? { ...record, input: 'canary', output: `canary ${record.output.length}` } : record;
    await run({ out: 'canary', settings: { data: await changed('canary.jsonl', rewrite('grace')) } });
    expect(await results('canary')).toEqual(await results('whole'));
    await run({ out: 'control', settings: { data: await changed('control.jsonl', rewrite('ada')) } });
    expect((await results('control')).model).not.toEqual((await results('whole')).model);
  });

  it('continues where it stopped, to the same bytes, in training and before merging', async () => {
    for (const step of [1, 3, 5]) {
      const stop = new AbortController();
      const onEvent = (event: AdaptEvent) => event.type === 'step' && event.step >= step && stop.abort();
      const stopped = run({ out: 'parts', onEvent, signal: stop.signal });
      await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
      expect(await readdir(place.path('parts'))).not.toContain('model');
    }
    const last = new AbortController();
    const onEvent = (event: AdaptEvent) => event.type === 'step' && event.step === event.steps && last.abort();
    await expect(run({ out: 'parts', onEvent, signal: last.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect((await readdir(place.path('parts'))).filter(name => ['adapter', 'model'].includes(name))).toEqual([
      'adapter',
    ]);
    const events: AdaptEvent[] = [];
    await run({ out: 'parts', onEvent: event => void events.push(event) });
    expect(events.map(({ type }) => type)).not.toContain('step');
    expect(await results('parts')).toEqual(await results('whole'));
    // Done: the same command only tells the result again.
    await rm(place.path('parts/metrics.jsonl'));
    expect(await run({ out: 'parts' })).toMatchObject({ records: 20, heldOut: { records: 4 } });
  });

  it('trains on a draw of the records when asked, and scores as large a share of the held-out ones', async () => {
    const first = await run({ out: 'drawn', settings: { maxRecords: 5 } });
    expect(first).toMatchObject({ records: 5, heldOut: { records: 1 } });
    await run({ out: 'drawn-again', settings: { maxRecords: 5, seed: 1 } });
    expect((await results('drawn-again')).model).not.toEqual((await results('drawn')).model);
    expect((await run({ out: 'all', settings: { maxRecords: 500, queryShare: 0 } })).heldOut).toBe(null);
  });

  it('is refused with other settings or another division of users in the same folder', async () => {
    await expect(run({ out: 'whole', settings: { rank: 4 } })).rejects.toThrow(
      /other settings \(`rank` 16 there, 4 here\)/,
    );
    await expect(run({ out: 'whole', settings: { targetUsers: 1 } })).rejects.toThrow(
      /other settings \(another division of users\)/,
    );
  });

  it.each([
    [{ targetUsers: 3 }, /^`targetUsers` 3: the data has 3 users .* at least one of them must stay outside/],
    [{ targetUsers: 0 }, /^`targetUsers` 0: /],
    [{ targetUsers: undefined }, /^`targetUsers` is missing/],
    [{ targetUsers: 'nowhere.json' }, /^nowhere.json does not exist/],
    [{ targetUsers: { targets: ['eve'] } }, /the target user "eve" has no records to train on in .*histories.jsonl/],
    [{ targetUsers: { targets: ['ada', 'grace', 'linus'] } }, /has no records to train on except the target users'/],
  ])('%j is refused in one sentence', async (settings, sentence) => {
    const { targetUsers } = settings;
    const file = place.path('some-users.json');
    if (typeof targetUsers === 'object') await writeFile(file, JSON.stringify(targetUsers));
    const given = typeof targetUsers === 'object' ? file : targetUsers;
    const attempt = async () => run({ out: 'not-made', settings: { targetUsers: given } });
    await expect(attempt()).rejects.toThrow(sentence);
    expect(await readdir(place.folder)).not.toContain('not-made');
  });

  it('is refused inside the base model, before any training', async () => {
    const out = join(place.model, 'task');
    const steps: AdaptEvent[] = [];
    const attempt = run({ out: 'x', settings: { out }, onEvent: event => void steps.push(event) });
    await expect(attempt).rejects.toThrow(/cannot take the merged model: the base model .* is there/);
    expect(steps).toEqual([]);
    expect(await readdir(place.model)).not.toContain('task');
  });
});

describe('train', () => {
  it('takes the merged model and the users file: the targets get adapters, and nobody else', async () => {
    const model = place.path('whole/model');
    const targetUsers = place.path('whole/users.json');
    const { users } = await trainRun('targets', { model, targetUsers, auxiliaryFrom: 'others' });
    expect(users.map(({ user }) => user)).toEqual(['grace']);
    expect(await readFile(place.path('targets/users.json'), 'utf8')).toBe(await readFile(targetUsers, 'utf8'));
    const other = { model, targetUsers, auxiliaryFrom: 'others', users: 'ada' };
    await expect(trainRun('targets', other)).rejects.toThrow(/has no target user "ada". It has 1, such as grace\./);
    await expect(trainRun('targets', { ...other, users: undefined, targetUsers: 1 })).rejects.toThrow(
      /another division of users/,
    );
    const card = await readFile(place.path('targets/adapters/grace/adapter_config.json'), 'utf8');
    expect(JSON.parse(card).base_model_name_or_path).toBe(basename(model));
  });

  it('draws the targets itself when given a number, and says who they are', async () => {
    const { users } = await trainRun('number', { targetUsers: 2, method: 'sft' });
    const { targets, others, seed, data } = JSON.parse(await readFile(place.path('number/users.json'), 'utf8'));
    expect(users.map(({ user }) => user)).toEqual(targets);
    expect([...targets, ...others].sort()).toEqual(['ada', 'grace', 'linus']);
    expect(seed).toBe(0);
    expect(data).toMatch(/^[0-9a-f]{64}$/);
    // The number and the file it led to are the same division.
    await trainRun('number', { targetUsers: place.path('number/users.json'), method: 'sft' });
  });

  it.each([
    [{ auxiliaryFrom: 'targets' }, /^`auxiliaryFrom` targets needs `targetUsers`/],
    [
      { targetUsers: 1 },
      /^`auxiliaryFrom` targets: .* has training records of 1 such user, .* Use `auxiliaryFrom` others/,
    ],
  ])('%j is refused in one sentence', async (settings, sentence) => {
    await expect(trainRun('refused', settings)).rejects.toThrow(sentence);
    expect(await readdir(place.folder)).not.toContain('refused'); // free for the command put right
  });
});

describe('the command line', () => {
  it('adapts, tells the change and the next command', async () => {
    const { model, data, cache } = place;
    const args = [
      ...['adapt', '--model', model, '--data', data, '--cache', cache, '--target-users', '2'],
      ...['--max-records', '8', '--query-share', '0.25'],
    ];
    const told = await idiolect([...args, '--out', place.path('task')]);
    expect(told).toMatchObject({ code: 0 });
    expect(told.stdout).toMatch(/^3 held-out records of the users trained on: -[\d.]+ before, -[\d.]+ after \([+-]/);
    const next = /next: idiolect (train .*)\n/.exec(told.stderr)![1]!.split(' ');
    const users = place.path('task/users.json');
    expect(next).toEqual([
      ...['train', '--model', place.path('task/model'), '--target-users', users],
      ...['--data', data, '--out', place.path('task-users'), '--query-share', '0.25'],
    ]);
    expect(await idiolect([...next, '--alpha', '0.2', '--cache', cache, '--epochs', '1'])).toMatchObject({ code: 0 });
    const { stdout, code } = await idiolect(['score', '--run', place.path('task-users'), '--cache', cache, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).users).toHaveLength(2);
    const json = await idiolect([...args, '--out', place.path('task'), '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ model: place.path('task/model'), targets: 2 });
  });
});
