/** The uniqueness score against its definition, and the three groups. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureOf } from '../../tests/parity/support.ts';
import { random } from '../common/random.ts';
import { uniqueness } from './uniqueness.ts';

type Embeddings = Map<string, Float32Array[]>;

/** Users u0, u1, ... with records around a centre of their own, `spread` times as far apart as the centres. */
function users(counts: readonly number[], spread: readonly number[], seed = 1): Embeddings {
  const width = 8;
  return new Map(
    counts.map((count, u) => {
      const source = random(seed, `user ${u}`);
      const centre = Array.from({ length: width }, () => source.normal());
      const record = () => Float32Array.from(centre, value => 3 + value + spread[u]! * source.normal());
      return [`u${u}`, Array.from({ length: count }, record)];
    }),
  );
}

/** The definition, pair by pair. */
function defined(embeddings: Embeddings): number[] {
  const mean = (rows: readonly number[][]) =>
    rows[0]!.map((_, i) => rows.reduce((s, row) => s + row[i]!, 0) / rows.length);
  const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const all = [...embeddings.values()].map(vectors => vectors.map(vector => [...vector]));
  const centre = mean(all.map(mean));
  const cosine = (a: readonly number[], b: readonly number[]) => {
    const [x, y] = [a, b].map(row => row.map((value, i) => value - centre[i]!));
    const dot = (p: readonly number[], q: readonly number[]) => p.reduce((s, value, i) => s + value * q[i]!, 0);
    return dot(x!, y!) / Math.sqrt(dot(x!, x!) * dot(y!, y!));
  };
  return all.map((own, u) => {
    const within = average(own.flatMap((a, i) => own.flatMap((b, j) => (i === j ? [] : [cosine(a, b)]))));
    const others = all.filter((_, v) => v !== u);
    return within - average(others.map(other => average(own.flatMap(a => other.map(b => cosine(a, b))))));
  });
}

describe('the score', () => {
  test('is the definition', () => {
    const counts = fc.array(fc.integer({ min: 2, max: 6 }), { minLength: 3, maxLength: 7 });
    fc.assert(
      fc.property(counts, fc.nat(1000), (records, seed) => {
        const embeddings = users(records, records.map((_, u) => 0.2 + u / 4), seed); // biome-ignore format: one line
        const expected = defined(embeddings);
        // Both in double precision; sums of some tens of values below 1.
        uniqueness(embeddings).forEach(({ score }, u) => void expect(score).toBeCloseTo(expected[u]!, 10));
      }),
    );
  });

  test('is higher for a user who keeps to one way of writing', () => {
    const scores = uniqueness(users([20, 20, 20], [0.1, 1, 10])).map(({ score }) => score);
    expect(scores[0]).toBeGreaterThan(scores[1]!);
    expect(scores[1]).toBeGreaterThan(scores[2]!);
  });

  test('does not grow by having few records: users without any way of their own score 0 on average', () => {
    const counts = Array.from({ length: 300 }, (_, u) => (u % 2 === 0 ? 2 : 40));
    const embeddings = users(counts, counts.map(() => 1000)); // biome-ignore format: one line
    const scores = uniqueness(embeddings).map(({ score }) => score);
    const few = scores.filter((_, u) => u % 2 === 0);
    // Two random directions in 8 dimensions: a cosine of deviation 1/sqrt(8); over 150 users 0.029, here 4 times that.
    expect(Math.abs(few.reduce((a, b) => a + b, 0) / few.length)).toBeLessThan(0.12);
  });

  test('is 0 where all records are equal', () => {
    const same = () => [Float32Array.of(1, 2), Float32Array.of(1, 2)];
    const found = uniqueness(new Map(['c', 'a', 'b'].map(user => [user, same()])));
    expect(found.map(({ score }) => score)).toEqual([0, 0, 0]);
    // nobody is more unique than another
    expect(found.map(({ user, group }) => `${user} ${group}`)).toEqual(['c middle', 'a middle', 'b middle']);
  });
});

describe('the groups', () => {
  test.each([
    [3, [1, 1, 1]],
    [4, [2, 1, 1]],
    [5, [2, 2, 1]],
    [100, [34, 33, 33]],
  ])('of %i users hold %j', (count, sizes) => {
    const found = uniqueness(users(Array(count).fill(3), Array(count).fill(1)));
    const groups = ['unique', 'middle', 'non-unique'].map(group => found.filter(user => user.group === group));
    expect(groups.map(({ length }) => length)).toEqual(sizes);
    const lowest = (group: typeof found) => Math.min(...group.map(({ score }) => score));
    const highest = (group: typeof found) => Math.max(...group.map(({ score }) => score));
    expect(lowest(groups[0]!)).toBeGreaterThan(highest(groups[1]!));
    expect(lowest(groups[1]!)).toBeGreaterThan(highest(groups[2]!));
  });

  test('do not depend on the order of the users', () => {
    const embeddings = users([4, 5, 6, 7, 8, 9], [1, 1, 1, 1, 1, 1]);
    const groupOf = (of: Embeddings) => Object.fromEntries(uniqueness(of).map(({ user, group }) => [user, group]));
    expect(groupOf(new Map([...embeddings].reverse()))).toEqual(groupOf(embeddings));
  });

  test('need three users of two records', async () => {
    expect(await failureOf(() => uniqueness(users([2, 2], [1, 1])))).toEqual({
      code: 'DATA',
      message: 'uniqueness divides users into three groups; 2 were given. Give three or more.',
    });
    expect(await failureOf(() => uniqueness(users([2, 1, 2], [1, 1, 1])))).toEqual({
      code: 'DATA',
      message: '"u1" has 1 record; uniqueness compares at least two of a user.',
    });
  });
});
