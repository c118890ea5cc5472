/** Alpha estimated before training: the same in the verb and in the run, kept with the run, and what stands in for it. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { habitualHistories } from '../../examples/habits.ts';
import { writeHistories } from '../../src/histories/index.ts';
import {
  overlapReportSchema,
  reportOverlaps,
  resolveSettings,
  type TrainEvent,
  train,
  trainSchema,
} from '../../src/index.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace(24);
});
afterAll(() => place.remove());

async function run(out: string, settings: Record<string, unknown> = {}) {
  const { model, data, cache } = place;
  const values = { model, data, cache, out: place.path(out), epochs: 1, embedder: 'ngrams', ...settings };
  const events: TrainEvent[] = [];
  await train(resolveSettings(trainSchema, [{ origin: 'test', values }]), {
    version: 'test',
    onEvent: event => void events.push(event),
  });
  return events;
}
const overlapsOf = async (out: string) => JSON.parse(await readFile(place.path(`${out}/overlap.json`), 'utf8'));
const report = (settings: Record<string, unknown>) =>
  reportOverlaps(overlapReportSchema.parse({ model: place.model, data: place.data, cache: place.cache, ...settings }));

describe('training without --alpha', () => {
  it('estimates it for each user, as idiolect overlap does, and keeps the estimate', async () => {
    const events = await run('estimated');
    expect(events.filter(({ type }) => type === 'overlap')).toHaveLength(3);
    const kept = await overlapsOf('estimated');
    for (const { user, uniqueness, ...estimate } of await report({ embedder: 'ngrams' })) {
      expect(kept[user]).toEqual(estimate);
      expect(estimate.fallback).toBeNull();
      expect(['unique', 'middle', 'non-unique']).toContain(uniqueness!.group);
    }
    const again = await run('estimated');
    expect(again.filter(({ type }) => type === 'overlap' || type === 'embedding')).toEqual([]);
  });

  it('trains the adapter that the same alpha, given, trains', async () => {
    const { alpha } = (await overlapsOf('estimated')).ada;
    await run('given', { alpha, users: 'ada' });
    const weights = async (out: string) =>
      (await contentOf(place.path(`${out}/adapters/ada`)))['adapter_model.safetensors'];
    expect(await weights('given')).toBe(await weights('estimated'));
  });

  it('estimates the same whoever else is trained', async () => {
    await run('alone', { users: 'grace' });
    expect((await overlapsOf('alone')).grace).toEqual((await overlapsOf('estimated')).grace);
  });

  it('by the backbone’s own hidden states, where nothing else is named', async () => {
    const [ada] = await report({ users: 'ada' });
    expect(ada!.alpha).toBeGreaterThanOrEqual(0);
    expect(ada!.separation).toBeGreaterThan(0.5); // her habits show even through random weights
  });
});

describe('a user with too few records', () => {
  it('gets the median of others who have enough, and a notice says so', async () => {
    const data = place.path('few.jsonl');
    const seen = new Map<string, number>();
    const fewOfAda = [...habitualHistories(24)].filter(({ user }) => {
      seen.set(user, (seen.get(user) ?? 0) + 1);
      return user !== 'ada' || seen.get(user)! <= 5;
    });
    const more = fewOfAda
      .map(record => ({ ...record, user: `${record.user}-2` }))
      .filter(({ user }) => user !== 'ada-2');
    await writeHistories(data, [...fewOfAda, ...more]);
    const users = await report({ data, embedder: 'ngrams' });
    const ada = users.find(({ user }) => user === 'ada')!;
    const known = users.filter(({ fallback }) => fallback === null).map(({ alpha }) => alpha);
    expect(known).toHaveLength(4);
    const ascending = known.toSorted((a, b) => a - b);
    expect(ada.alpha).toBeCloseTo((ascending[1]! + ascending[2]!) / 2, 12);
    expect(ada.fallback).toContain('the median of 4 other users');
  }, 30_000);
});
