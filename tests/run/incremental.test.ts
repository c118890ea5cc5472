/** The same command with more records: who changed and who is new is trained, the others keep their adapters. */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { habitualHistories } from '../../examples/habits.ts';
import { type HistoryRecord, writeHistories } from '../../src/histories/index.ts';
import { resolveSettings, type TrainEvent, train, trainSchema } from '../../src/index.ts';
import { scoreRun } from '../../src/jobs/score/held-out.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

const before = habitualHistories(12);
const of = (user: string, records: readonly HistoryRecord[]) => records.filter(record => record.user === user);
/** Two, so that one of those that were held out is trained on now. */
const newOfAda: HistoryRecord[] = ['search', 'mailer'].map((area, i) => ({
  ...{ user: 'ada', input: `fix ${area}`, output: `fix(${area}): again` },
  time: `2026-03-0${i + 1}`,
}));
const eve = of('linus', habitualHistories(9, 5)).map(record => ({ ...record, user: 'eve' }));
/** Ada wrote more, Eve is new, Grace and Linus are as they were. */
const after = [...before, ...newOfAda, ...eve];

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
  await writeHistories(place.path('after.jsonl'), after);
});
afterAll(() => place.remove());

async function run(
  out: string,
  data: string,
  settings: Record<string, unknown> = {},
  { signal, onEvent }: { signal?: AbortSignal; onEvent?: (event: TrainEvent) => void } = {},
) {
  const { model, cache } = place;
  const values = {
    model,
    data: place.path(data),
    cache,
    out: place.path(out),
    klEvery: 0,
    alpha: 0.2,
    epochs: 1,
    ...settings,
  };
  const events: TrainEvent[] = [];
  await train(resolveSettings(trainSchema, [{ origin: 'test', values }]), {
    version: 'test',
    onEvent: event => {
      events.push(event);
      onEvent?.(event);
    },
    ...(signal && { signal }),
  });
  return {
    trained: events.flatMap(event => (event.type === 'adapter' ? [event.user] : [])),
    resumed: events.flatMap(event => (event.type === 'resume' ? [event.user] : [])),
    notices: events.flatMap(event => (event.type === 'notice' ? [event.message] : [])),
  };
}

/** Stops after the n-th step. */
async function runUntil(step: number, ...[out, data, settings]: Parameters<typeof run>): Promise<void> {
  const stop = new AbortController();
  let seen = 0;
  const onEvent = ({ type }: TrainEvent) => {
    if (type === 'step' && ++seen === step) stop.abort();
  };
  await expect(run(out, data, settings, { signal: stop.signal, onEvent })).rejects.toMatchObject({
    code: 'INTERRUPTED',
  });
}

const adapterOf = (out: string, user: string) => contentOf(place.path(join(out, 'adapters', user)));
const metricsOf = async (out: string, user: string) =>
  (await readFile(place.path(join(out, 'metrics.jsonl')), 'utf8'))
    .split('\n')
    .filter(line => line.includes(`"user":"${user}"`));
const json = async (file: string) => JSON.parse(await readFile(place.path(file), 'utf8'));

describe.each([
  ['alpha given', {}],
  ['alpha estimated', { alpha: undefined, embedder: 'ngrams' }],
  ['own records alone', { method: 'sft' }],
])('the same command with more records, %s', (name, settings) => {
  const grown = `${name}/grown`;
  const fresh = `${name}/fresh`;

  it('trains users whose records changed and new ones as a run on the new data would, and keeps the rest', async () => {
    await run(grown, 'histories.jsonl', settings);
    const kept = { grace: await adapterOf(grown, 'grace'), linus: await adapterOf(grown, 'linus') };
    const times = await stat(place.path(join(grown, 'adapters/grace/adapter_model.safetensors')));
    const { trained, notices } = await run(grown, 'after.jsonl', settings);
    expect(trained).toEqual(['ada', 'eve']);
    expect(notices).toContain('what the adapters are trained on has changed. Users kept: 2, changed: 1, new: 1');
    expect({ grace: await adapterOf(grown, 'grace'), linus: await adapterOf(grown, 'linus') }).toEqual(kept);
    expect((await stat(place.path(join(grown, 'adapters/grace/adapter_model.safetensors')))).mtimeMs).toBe(
      times.mtimeMs,
    );
    await run(fresh, 'after.jsonl', settings);
    for (const user of ['ada', 'eve']) {
      expect(await adapterOf(grown, user)).toEqual(await adapterOf(fresh, user));
      expect(await metricsOf(grown, user)).toEqual(await metricsOf(fresh, user));
    }
    expect((await json(`${grown}/run.json`)).sources).toEqual((await json(`${fresh}/run.json`)).sources);
    expect((await run(grown, 'after.jsonl', settings)).trained).toEqual([]);
  });

  it('resumes when it is stopped in between, to the same bytes', async () => {
    const parts = `${name}/parts`;
    await run(parts, 'histories.jsonl', settings);
    await runUntil(1, parts, 'after.jsonl', settings);
    const { resumed, trained } = await run(parts, 'after.jsonl', settings);
    expect(resumed).toEqual(['ada']);
    expect(trained).toEqual(['ada', 'eve']);
    const { 'run.json': _, ...content } = await contentOf(place.path(parts)); // names its folder
    expect(await contentOf(place.path(grown))).toMatchObject(content);
    expect(content).toHaveProperty(['lineage/eve.json']);
  });

  it('does not continue from a checkpoint made with other records', async () => {
    const stopped = `${name}/stopped`;
    await runUntil(1, stopped, 'histories.jsonl', settings);
    const { resumed } = await run(stopped, 'after.jsonl', settings);
    expect(resumed).toEqual([]);
    expect(await adapterOf(stopped, 'ada')).toEqual(await adapterOf(fresh, 'ada'));
  });
});

const grown = 'alpha given/grown';

describe('a run that was given more records', () => {
  it('records what each adapter was trained on, for its owner alone', async () => {
    const files = (await readdir(place.path(`${grown}/lineage`))).sort();
    expect(files).toEqual(['ada.json', 'eve.json', 'grace.json', 'linus.json']);
    const { user, seen } = await json(`${grown}/lineage/ada.json`);
    expect(user).toBe('ada');
    expect(seen.length).toBeGreaterThan(1);
    expect(['eve', 'grace', 'linus']).toEqual(expect.arrayContaining(seen));
    expect((await json(`${grown}/lineage/grace.json`)).seen).not.toContain('eve');
    expect((await json('own records alone/grown/lineage/ada.json')).seen).toEqual([]);
    for (const file of files) expect((await stat(place.path(`${grown}/lineage/${file}`))).mode & 0o777).toBe(0o600);
  });

  it('is scored on the new data, and refuses the old with what to do', async () => {
    const { users } = await scoreRun({ run: place.path(grown), cache: place.cache, device: 'cpu', threads: 1 });
    expect(users.map(({ user }) => user)).toEqual(['ada', 'grace', 'linus', 'eve']);
    const old = { run: place.path(grown), data: place.data, cache: place.cache, device: 'cpu', threads: 1 } as const;
    await expect(scoreRun(old)).rejects.toThrow(
      /histories.jsonl is not the data the run was made with\. Name the right one with `data`, or, if it has new records/,
    );
  });

  it('does not score an adapter whose user has other records until it is trained again', async () => {
    await run('some', 'histories.jsonl');
    await run('some', 'after.jsonl', { users: 'eve' });
    const settings = { run: place.path('some'), cache: place.cache, device: 'cpu', threads: 1 } as const;
    expect((await scoreRun(settings)).users.map(({ user }) => user)).toEqual(['grace', 'linus', 'eve']);
    await expect(scoreRun({ ...settings, users: 'ada' })).rejects.toThrow(/has no adapter for "ada"/);
    expect((await run('some', 'after.jsonl')).trained).toEqual(['ada']);
    expect(await adapterOf('some', 'ada')).toEqual(await adapterOf(grown, 'ada'));
  });

  it('keeps the adapter of a user who is no longer in the data, and says so', async () => {
    await writeHistories(place.path('without-eve.jsonl'), [...before, ...newOfAda]);
    const { trained, notices } = await run(grown, 'without-eve.jsonl');
    expect(trained).toEqual([]);
    expect(notices.filter(notice => notice.includes('idiolect forget'))).toEqual([
      'adapters kept of users who no longer have records to train on in the data: 1, such as "eve" ' +
        '(idiolect forget removes what a run holds of a user)',
    ]);
    expect(Object.keys(await adapterOf(grown, 'eve'))).toContain('adapter_model.safetensors');
  });
});

describe('a run that starts from the adapters of another', () => {
  const sft = { method: 'sft' };
  const start = () => ({ start: place.path('supervised') });
  const fresh = (out: string) => `users trained from fresh adapters, since ${place.path(out)} has none of theirs`;

  it('trains a new user from a fresh adapter, and says so', async () => {
    await run('supervised', 'histories.jsonl', sft);
    await run('second', 'histories.jsonl', start());
    const { trained, notices } = await run('second', 'after.jsonl', start());
    expect(trained).toEqual(['ada', 'eve']);
    expect(notices).toContainEqual(`${fresh('supervised')}: 1, such as "eve" (\`start\`)`);
    expect(await adapterOf('second', 'eve')).toEqual(await adapterOf(grown, 'eve'));
  });

  it('trains those again whose adapter there is another by now, as a new run would', async () => {
    await run('supervised', 'after.jsonl', sft);
    await runUntil(1, 'second', 'after.jsonl', start());
    const { trained, notices } = await run('second', 'after.jsonl', start());
    expect(trained).toEqual(['ada', 'eve']);
    expect(notices.join()).not.toContain('fresh');
    await run('second-new', 'after.jsonl', start());
    for (const user of ['ada', 'eve']) {
      expect(await adapterOf('second', user)).toEqual(await adapterOf('second-new', user));
    }
  });
});

describe('a run of a version that did not record lineage', () => {
  it('takes new records once the same command has run with the old ones', async () => {
    await run('old', 'histories.jsonl');
    const lineage = await contentOf(place.path('old/lineage'));
    await rm(place.path('old/lineage'), { recursive: true });
    await expect(run('old', 'after.jsonl')).rejects.toThrow(
      /old does not record what the adapter of "ada" was trained on.* Run the same command once with the old data/,
    );
    expect((await run('old', 'histories.jsonl')).trained).toEqual([]);
    expect(await contentOf(place.path('old/lineage'))).toEqual(lineage);
    expect((await run('old', 'after.jsonl')).trained).toEqual(['ada', 'eve']);
  });
});
