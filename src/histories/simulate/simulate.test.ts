/** What a simulated population promises: contents free of habit, shares met, users that do not depend on each other. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { collect } from '../collect.ts';
import { openHistories } from '../open.ts';
import { Population, type SimulatedUser, type SimulateSettings, simulateSchema } from './simulate.ts';
import { writeSimulation } from './write.ts';

const settings = (values: Partial<SimulateSettings> = {}) => simulateSchema.parse(values);
const recordsOf = (population: Population, user: SimulatedUser) => [...population.records(user)];
const kinds = ['commits', 'headlines'] as const;

describe.each(kinds)('simulated %s', kind => {
  it('say nothing in the content of who writes, or how', () => {
    // The same user with other shares, and so other ways of writing, has the same contents at the same places.
    const contents = (overlap: string) => {
      const population = new Population(settings({ kind, overlap, users: 2, records: 50 }));
      return recordsOf(population, population.users[0]!).map(({ content, record }) => [content.key, record.input]);
    };
    expect(contents('0.9')).toEqual(contents('0'));
    // Over many users, the label of a content (the first part of its key, or the second) does not go with the way:
    // chi-square of the table label x (shared or own), 7 degrees of freedom; 24.3 is exceeded once in a thousand seeds.
    const population = new Population(settings({ kind, users: 20, records: 300, overlap: '0.1..0.9' }));
    const written = population.users.flatMap(user => recordsOf(population, user));
    const part = kind === 'commits' ? 0 : 1;
    expect(
      chiSquare(written.map(({ content, isShared }) => [content.key.split('/')[part]!, String(isShared)])),
    ).toBeLessThan(24.3);
    // Nor with the user: 7 x 19 = 133 degrees of freedom, 190 by the same rule.
    expect(chiSquare(written.map(({ content, record }) => [content.key.split('/')[part]!, record.user]))).toBeLessThan(
      190,
    );
  });

  it('do not have their output in their input, and no content twice', () => {
    const population = new Population(settings({ kind, users: 40, records: 200 }));
    for (const user of population.users) {
      const written = recordsOf(population, user);
      expect(new Set(written.map(({ content }) => content.key)).size).toBe(200);
      for (const { record } of written) expect(record.input.toLowerCase()).not.toContain(record.output.toLowerCase());
      const times = written.map(({ record }) => record.time!);
      expect(times).toEqual(times.toSorted());
    }
  });

  it('never write one line in two ways: not in the shared one and a user’s, not in two users’', () => {
    const population = new Population(settings({ kind, users: 150, records: 300, overlap: '0.3', habits: 4 }));
    const wayOf = new Map<string, string>();
    for (const user of population.users) {
      for (const { record, isShared } of population.records(user)) {
        const way = isShared ? 'shared' : user.user;
        expect(wayOf.get(record.output) ?? way).toBe(way);
        wayOf.set(record.output, way);
      }
    }
    expect(wayOf.size).toBeGreaterThan(20_000);
  });

  it('are written in the shared way as often as was asked', () => {
    const population = new Population(settings({ kind, users: 12, records: 1000, overlap: '0,0.2,0.7,1' }));
    for (const user of population.users) {
      const shared = recordsOf(population, user).filter(({ isShared }) => isShared).length / 1000;
      // Four deviations of a share of 1000 draws: all of a dozen users stay within it, but for one seed in a thousand.
      expect(Math.abs(shared - user.shared)).toBeLessThanOrEqual(
        4 * Math.sqrt((user.shared * (1 - user.shared)) / 1000),
      );
    }
  });
});

describe('a population', () => {
  it('has the same user k whatever the number of users', () => {
    const choice = fc.record({
      kind: fc.constantFrom(...kinds),
      seed: fc.nat(1000),
      overlap: fc.constantFrom('0.1,0.3,0.6', '0.2..0.8'),
      circle: fc.integer({ min: 1, max: 3 }),
      habits: fc.integer({ min: 3, max: 9 }),
    });
    fc.assert(
      fc.property(choice, fc.integer({ min: 2, max: 30 }), fc.nat(29), (values, users, k) => {
        const few = new Population(settings({ ...values, users: Math.max(users, k + 1), records: 3 }));
        const many = new Population(settings({ ...values, users: 30, records: 3 }));
        const [one, other] = [few.users[k]!, many.users[k]!];
        expect(one.habits).toEqual(other.habits);
        expect(recordsOf(few, one)).toEqual(recordsOf(many, other));
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it('has other habits for other seeds, and the same ones within a circle', () => {
    const habits = (seed: number) => new Population(settings({ seed, circle: 2, users: 4 })).users.map(u => u.habits);
    const [first, second, third] = habits(1);
    expect(first).toEqual(second);
    expect(first).not.toEqual(third);
    expect(habits(2)[0]).not.toEqual(first);
  });

  it('takes shares as a list, over and over, or drawn from a range', () => {
    const shares = (overlap: string) => new Population(settings({ overlap, users: 5 })).users.map(u => u.shared);
    expect(shares('0.1,1,.5')).toEqual([0.1, 1, 0.5, 0.1, 1]);
    for (const share of shares('0.2..0.4')) expect(share).toBeGreaterThanOrEqual(0.2);
    for (const share of shares('0.2..0.4')) expect(share).toBeLessThanOrEqual(0.4);
    expect(new Set(shares('0.2..0.4')).size).toBe(5);
    for (const overlap of ['', '1.5', '0.1,', 'high', '-0.1', '0.1..2']) {
      expect(simulateSchema.safeParse({ overlap }).success, overlap).toBe(false);
    }
    expect(() => shares('0.6..0.2')).toThrow('`overlap` 0.6..0.2: the lower end comes first.');
  });
});

describe('the files', () => {
  const folder = mkdtemp(join(tmpdir(), 'idiolect-'));
  afterAll(async () => rm(await folder, { recursive: true }));

  it('are the same bytes for the same settings, and hold the records and the truth', async () => {
    const values = settings({ users: 4, records: 20, seed: 5 });
    const [a, b] = [join(await folder, 'a.jsonl.gz'), join(await folder, 'b.jsonl.gz')];
    const summary = await writeSimulation(a, values);
    await writeSimulation(b, values);
    expect(await readFile(a)).toEqual(await readFile(b));
    expect(await readFile(summary.truth)).toEqual(await readFile(`${b}.truth.json`));
    const truth = JSON.parse(await readFile(summary.truth, 'utf8'));
    const population = new Population(values);
    const written = population.users.flatMap(user => recordsOf(population, user));
    expect(await collect(openHistories(a))).toEqual(written.map(({ record }) => record));
    expect(truth.users.map(({ alpha, habits }: SimulatedUser) => ({ alpha, habits }))).toEqual(
      population.users.map(({ alpha, habits }) => ({ alpha, habits })),
    );
    expect(truth.users.flatMap(({ sharedRecords }: { sharedRecords: string[] }) => sharedRecords)).toEqual(
      written.filter(({ isShared }) => isShared).map(({ record }) => record.id),
    );
  });
});

/** Pearson's statistic of independence of the two columns. */
function chiSquare(pairs: readonly (readonly [string, string])[]): number {
  const count = (keys: readonly string[]) => {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    return counts;
  };
  const rows = count(pairs.map(([row]) => row));
  const columns = count(pairs.map(([, column]) => column));
  const cells = count(pairs.map(pair => pair.join('|')));
  let sum = 0;
  for (const [row, inRow] of rows) {
    for (const [column, inColumn] of columns) {
      const expected = (inRow * inColumn) / pairs.length;
      sum += ((cells.get(`${row}|${column}`) ?? 0) - expected) ** 2 / expected;
    }
  }
  return sum;
}
