/** Who is evaluated, chosen on, and adapted on: nobody twice, and the same for the same seed. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataset, UserHistory } from '../../histories/dataset.ts';
import type { HistoryRecord } from '../../histories/index.ts';
import { divideUsers, writeDivisions } from './division.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Counts {
  readonly train: number;
  readonly query: number;
}

function datasetOf(users: ReadonlyMap<string, Counts>): Dataset {
  const records = (user: string, count: number): HistoryRecord[] =>
    Array.from({ length: count }, (_, i) => ({ user, input: `asked ${i}`, output: `wrote ${i}` }));
  const histories = [...users].map(([user, { train, query }]): [string, UserHistory] => [
    user,
    { user, train: records(user, train), query: records(user, query), disliked: [], repeated: 0, fingerprint: '' },
  ]);
  return {
    file: 'histories.jsonl',
    fingerprint: 'f'.repeat(64),
    users: new Map(histories),
    split: null,
    leftOut: new Map(),
    notices: [],
  };
}

/** Users of one query each, with as many training records as told. */
const usersOf = (train: Readonly<Record<string, number>>) =>
  new Map(Object.entries(train).map(([user, count]) => [user, { train: count, query: 1 }]));

const settings = { targetUsers: 2, developmentUsers: 1, skipAdaptation: false, seed: 0 };

/** Users in random numbers of records, some without training records or without queries. */
const population = fc
  .uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.nat(5), fc.nat(2)), {
    selector: ([user]) => user,
    minLength: 4,
    maxLength: 14,
  })
  .map(users => new Map(users.map(([user, train, query]) => [user, { train, query }])))
  .filter(users => [...users.values()].filter(({ train, query }) => train > 0 && query > 0).length >= 3);

describe('a division by a number', () => {
  it('puts nobody in two groups, the most active in the first two, and depends on the seed alone', async () => {
    const check = fc.asyncProperty(population, fc.nat(), fc.nat(), fc.nat(), async (users, a, b, seed) => {
      const able = [...users].filter(([, { train, query }]) => train > 0 && query > 0);
      const targetUsers = 1 + (a % (able.length - 2));
      const developmentUsers = 1 + (b % (able.length - 1 - targetUsers));
      const asked = { targetUsers, developmentUsers, skipAdaptation: false, seed };
      const { targets, development, others } = await divideUsers(datasetOf(users), asked);
      expect([targets.length, development.length]).toEqual([targetUsers, developmentUsers]);
      expect([...targets, ...development, ...others].sort()).toEqual(able.map(([user]) => user).sort());

      const activity = (user: string) => users.get(user)!.train + users.get(user)!.query;
      const least = Math.min(...[...targets, ...development].map(activity));
      for (const user of others) expect(activity(user)).toBeLessThanOrEqual(least);

      const turned = await divideUsers(datasetOf(new Map([...users].reverse())), asked);
      expect({ ...turned, others: turned.others.toSorted() }).toEqual({
        targets,
        development,
        others: others.toSorted(),
        notices: [],
      });
    });
    await fc.assert(check, { seed: 5 });
  });

  it('draws development users among the most active by the seed: now more, now less active than a target', async () => {
    const dataset = datasetOf(usersOf({ a: 9, b: 8, c: 7, d: 6, e: 5 }));
    const drawn = await Promise.all(
      Array.from({ length: 12 }, async (_, seed) => (await divideUsers(dataset, { ...settings, seed })).development[0]),
    );
    expect([...new Set(drawn)].sort()).toEqual(['a', 'b', 'c']);
  });

  it('needs no other users where nothing is adapted, whatever the order of the data', async () => {
    const users = usersOf({ a: 3, b: 9, c: 5 });
    const whole = { ...settings, skipAdaptation: true };
    for (const seed of [0, 1, 2, 3]) {
      const division = await divideUsers(datasetOf(users), { ...whole, seed });
      expect(division.others).toEqual([]);
      expect([...division.targets, ...division.development].sort()).toEqual(['a', 'b', 'c']);
      expect(await divideUsers(datasetOf(new Map([...users].reverse())), { ...whole, seed })).toEqual(division);
    }
  });

  it('may have no development users', async () => {
    const none = { ...settings, developmentUsers: 0 };
    const { targets, development, others } = await divideUsers(datasetOf(usersOf({ a: 3, b: 9, c: 5 })), none);
    expect({ targets, development, others }).toEqual({ targets: ['b', 'c'], development: [], others: ['a'] });
  });

  it.each([
    [
      { targetUsers: 2, developmentUsers: 1 },
      '`targetUsers` and `developmentUsers` ask for 3 users with records and queries, and at least one more to adapt ' +
        'the model to the task (or `skipAdaptation`); there are 3 in histories.jsonl. Use smaller numbers.',
    ],
    [
      { targetUsers: 2, developmentUsers: 2, skipAdaptation: true },
      '`targetUsers` and `developmentUsers` ask for 4 users with records and queries; there are 3 in ' +
        'histories.jsonl. Use smaller numbers.',
    ],
    [{ targetUsers: 0 }, '`targetUsers` 0: nobody would be evaluated. Give 1 or more.'],
    [{ targetUsers: -1, developmentUsers: 2 }, '`targetUsers` -1: nobody would be evaluated. Give 1 or more.'],
  ])('%j of three users who can be evaluated is refused', async (change, message) => {
    const users = new Map([...usersOf({ a: 3, b: 9, c: 5 }), ['idle', { train: 0, query: 3 }] as const]);
    const asked = divideUsers(datasetOf(users), { ...settings, ...change });
    await expect(asked).rejects.toMatchObject({ code: 'CONFIG', message });
  });
});

describe('a division by a file', () => {
  const users = usersOf({ a: 9, b: 8, c: 7, d: 6, e: 5 });
  const write = async (content: unknown) => {
    const file = join(folder, 'users.json');
    await writeFile(file, JSON.stringify(content));
    return file;
  };

  it('evaluates its targets, and takes the most active of the others to choose on', async () => {
    const targetUsers = await write({ targets: ['e', 'b'] });
    const { targets, development, others } = await divideUsers(datasetOf(users), { ...settings, targetUsers });
    expect({ targets, development, others }).toEqual({ targets: ['e', 'b'], development: ['a'], others: ['c', 'd'] });
  });

  it('leaves out users it does not name, and says so', async () => {
    const targetUsers = await write({ targets: ['a'], others: ['d', 'c', 'gone'] });
    const division = await divideUsers(datasetOf(users), { ...settings, targetUsers });
    expect(division).toMatchObject({ targets: ['a'], development: ['c'], others: ['d'] });
    expect(division.notices).toEqual([`users in neither list of ${targetUsers} are left out: 2`]);
  });

  it('with too few others is refused', async () => {
    const targetUsers = await write({ targets: ['a', 'b'] });
    await expect(divideUsers(datasetOf(users), { ...settings, targetUsers, developmentUsers: 3 })).rejects.toThrow(
      '`developmentUsers` asks for 3 users with records and queries, and at least one more to adapt the model to the ' +
        `task (or \`skipAdaptation\`); there are 3 in histories.jsonl outside ${targetUsers}'s targets. Use smaller numbers.`,
    );
  });
});

describe('the files of a division', () => {
  it('keep targets and development users out of adaptation, and each other out of the groups', async () => {
    const dataset = datasetOf(usersOf({ a: 9, b: 8, c: 7, d: 6, e: 5 }));
    const division = await divideUsers(dataset, settings);
    const files = await writeDivisions(join(folder, 'users'), division, dataset, settings.seed);
    const read = async (file: string) => JSON.parse(await readFile(file, 'utf8'));
    const { targets, development, others } = division;
    const origin = { data: dataset.fingerprint, seed: 0 };
    expect(await read(files.adaptation.file)).toEqual({ ...origin, targets: [...targets, ...development], others });
    expect(await read(files.development.file)).toEqual({ ...origin, targets: development, others });
    expect(await read(files.targets.file)).toEqual({ ...origin, targets, others });
  });
});
