/** Splits and auxiliary samples: what they promise about time, completeness and whose records are whose. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sampleAuxiliary } from './auxiliary.ts';
import type { HistoryRecord } from './record.ts';
import { groupByUser, inTimeOrder, splitByTime } from './split.ts';

const record = (user: string, output: string, fields: Partial<HistoryRecord> = {}): HistoryRecord => ({
  user,
  input: '',
  output,
  ...fields,
});
const day = (n: number) => `2024-01-${String(n).padStart(2, '0')}T00:00:00.000Z`;
const outputs = (records: readonly HistoryRecord[]) => records.map(({ output }) => output);

/** Records of a few users, some without a time, each distinguished by its output. */
const anyHistory = fc
  .array(fc.record({ user: fc.constantFrom('a', 'b', 'c'), day: fc.option(fc.integer({ min: 1, max: 9 })) }))
  .map(items => items.map((item, i) => record(item.user, `${i}`, item.day === null ? {} : { time: day(item.day) })));

describe('splitByTime', () => {
  test('keeps every record exactly once, and no query precedes a training record in time', async () => {
    const options = fc.record({
      queryShare: fc.double({ min: 0, max: 0.99, noNaN: true }),
      minQuery: fc.nat(3),
      minTrain: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(anyHistory, options, async (records, given) => {
        const split = splitByTime(await groupByUser(records), given);
        const users = [...split.users.values()];
        const all = [
          ...users.flatMap(({ train, query }) => [...train, ...query]),
          ...split.tooFew.flatMap(u => u.records),
        ];
        expect(outputs(all).sort()).toEqual(outputs(records).sort());
        for (const { user, train, query } of users) {
          expect([...train, ...query].every(other => other.user === user)).toBe(true);
          expect(train.length).toBeGreaterThanOrEqual(given.minTrain);
          expect(query.length).toBeGreaterThanOrEqual(given.minQuery);
          const latest =
            train
              .map(({ time }) => time ?? '')
              .sort()
              .at(-1) ?? '';
          expect(query.every(({ time }) => time === undefined || time >= latest)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('takes the last fifth, in time order, and the file order among equals', async () => {
    const records = [5, 3, 3, 1, 2, 4, 4, 4, 9, 8].map((n, i) => record('a', `${i}`, { time: day(n) }));
    const { users } = splitByTime(await groupByUser(records));
    expect(outputs(users.get('a')!.train)).toEqual(['3', '4', '1', '2', '5', '6', '7', '0']);
    expect(outputs(users.get('a')!.query)).toEqual(['9', '8']);
  });

  test('records without a time keep file order and stay behind the one they followed', () => {
    expect(outputs(inTimeOrder(['x', 'y', 'z'].map(text => record('a', text))))).toEqual(['x', 'y', 'z']);
    const mixed = [
      record('a', 'first'),
      record('a', 'late', { time: day(5) }),
      record('a', 'after late'),
      record('a', 'early', { time: day(2) }),
      record('a', 'after early'),
    ];
    expect(outputs(inTimeOrder(mixed))).toEqual(['first', 'early', 'after early', 'late', 'after late']);
  });

  test("the data set's own split overrides time", async () => {
    const records = [
      record('a', 'q', { time: day(1), split: 'query' }),
      record('a', 't', { time: day(2), split: 'train' }),
      record('a', 'unmarked', { time: day(3) }),
    ];
    const { users } = splitByTime(await groupByUser(records));
    expect(outputs(users.get('a')!.train)).toEqual(['t', 'unmarked']);
    expect(outputs(users.get('a')!.query)).toEqual(['q']);
  });

  test('a user with too few records is reported with the records, not dropped', async () => {
    const groups = await groupByUser([record('lone', 'x'), record('fine', 'y'), record('fine', 'z')]);
    const { users, tooFew } = splitByTime(groups);
    expect([...users.keys()]).toEqual(['fine']);
    expect(tooFew).toEqual([
      {
        user: 'lone',
        records: [record('lone', 'x')],
        reason: '"lone" has too few records: there are 1; 1 for training and 1 as queries are needed.',
      },
    ]);
    const marked = await groupByUser([record('a', 'x', { split: 'train' }), record('a', 'y', { split: 'train' })]);
    expect(splitByTime(marked).tooFew[0]!.reason).toContain('gives 2 for training and 0 queries');
    expect(splitByTime(marked, { minQuery: 0 }).users.get('a')!.train).toHaveLength(2);
  });

  test('counts queries whose very text is also trained on', async () => {
    const groups = await groupByUser(['bump', 'fix', 'bump', 'new', 'bump'].map(text => record('a', text)));
    expect(splitByTime(groups, { queryShare: 0.4 }).users.get('a')!.repeated).toBe(1);
  });

  test('refuses shares and counts out of range', () => {
    expect(() => splitByTime(new Map(), { queryShare: 1 })).toThrow('queryShare is 1; it must be');
    expect(() => splitByTime(new Map(), { minQuery: -1 })).toThrow('minQuery is -1; it must be');
  });
});

describe('sampleAuxiliary', () => {
  const draw = fc.record({ user: fc.constantFrom('a', 'b', 'd'), count: fc.nat(30), seed: fc.nat() });

  test("never has the target's records, never one twice, and as many as there are", () => {
    fc.assert(
      fc.property(anyHistory, draw, (records, options) => {
        const pool = records.filter(({ user }) => user !== options.user);
        fc.pre(pool.length > 0);
        const drawn = sampleAuxiliary(records, options);
        expect(drawn.every(({ user }) => user !== options.user)).toBe(true);
        expect(new Set(drawn).size).toBe(drawn.length);
        expect(drawn.length).toBe(Math.min(options.count, pool.length));
        // The same again, whatever was drawn for others in between; and a smaller draw is its beginning.
        for (const user of ['b', 'a', 'd'])
          if (pool.some(r => r.user !== user)) sampleAuxiliary(records, { ...options, user });
        expect(sampleAuxiliary(records, options)).toEqual(drawn);
        const fewer = Math.floor(options.count / 2);
        expect(sampleAuxiliary(records, { ...options, count: fewer })).toEqual(drawn.slice(0, fewer));
      }),
    );
  });

  test('another user keeps an identical text; another seed or target draws otherwise; all are drawn equally often', () => {
    const twins = [record('a', 'same'), record('b', 'same')];
    expect(sampleAuxiliary(twins, { user: 'a', count: 1, seed: 0 })).toEqual([record('b', 'same')]);

    const pool = Array.from({ length: 50 }, (_, i) => record('other', `${i}`));
    const of = (user: string, seed: number) => outputs(sampleAuxiliary(pool, { user, count: 10, seed })).join();
    expect(new Set([of('a', 0), of('a', 1), of('b', 0)]).size).toBe(3);

    const counts = new Map<string, number>();
    for (let seed = 0; seed < 1000; seed++) {
      for (const { output } of sampleAuxiliary(pool, { user: 'a', count: 10, seed })) {
        counts.set(output, (counts.get(output) ?? 0) + 1);
      }
    }
    // Each is drawn 200 times on average with a standard deviation of 12.6: five of those on either side.
    expect(Math.min(...counts.values())).toBeGreaterThan(137);
    expect(Math.max(...counts.values())).toBeLessThan(263);
  });

  test('says so where there is nobody else', () => {
    expect(() => sampleAuxiliary([record('a', 'x')], { user: 'a', count: 1, seed: 0 })).toThrow(
      'there is no record of anyone but "a"',
    );
    expect(() => sampleAuxiliary([], { user: 'a', count: -1, seed: 0 })).toThrow('the auxiliary count is -1');
  });
});
