/** Style distance and attribution on real users' texts, where these lie beside the project; they never enter it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { collect, groupByUser, openHistories, splitByTime } from '../histories/index.ts';
import { attribute, trainAttributor } from '../metrics/attribution.ts';
import { styleDistance } from '../metrics/style-distance.ts';

const file = fileURLToPath(new URL('../../../shared/data/commits-100users.jsonl.gz', import.meta.url));
const present = existsSync(file);
if (!present) console.log('skipped: the development data sets are not beside the project');

async function readUsers() {
  const split = splitByTime(await groupByUser(await collect(openHistories(file))));
  const texts = (records: readonly { output: string }[]) => records.map(({ output }) => output);
  return [...split.users.values()].map(({ user, train, query }) => ({
    user,
    train: texts(train),
    query: texts(query),
  }));
}
const users = present ? await readUsers() : [];

// Seconds of work each; the limit leaves room for a machine that does much else.
describe.skipIf(!present)('one hundred authors of commits', { timeout: 240_000 }, () => {
  it('are distinguished by their later commits far better than by chance', () => {
    const attributor = trainAttributor(new Map(users.map(({ user, train }) => [user, train])));
    const { top1, chance } = attribute(
      attributor,
      users.flatMap(({ user, query }) => query.map(text => ({ user, text }))),
    );
    expect(chance.top1).toBe(0.01);
    expect(top1).toBeGreaterThan(0.5); // 0.61 was found
  });

  it('have later commits nearer to their own earlier ones than others’ are', () => {
    const asked = users.slice(0, 30);
    const nearer = asked.filter(({ train, query }, i) => {
      const others = [7, 31, 59].map(step => users[(i + step) % users.length]!.query);
      const own = styleDistance(train, query).distance;
      return own < others.reduce((sum, other) => sum + styleDistance(train, other).distance, 0) / others.length;
    });
    expect(nearer.length).toBeGreaterThan(0.8 * asked.length); // 98 of 100 were nearer than the mean of ten others
  });
});
