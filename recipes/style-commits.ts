/**
 * The numbers of docs/metrics.md: are authors of commits distinguished by attribution and by style distance?
 *
 *     node recipes/style-commits.ts HISTORIES.jsonl.gz
 *
 * Each author's earlier subjects are the known ones, the last fifth is asked. Chance is seeded: it repeats exactly.
 */
import { collect, groupByUser, openHistories, splitByTime } from '../src/histories/index.ts';
import { IdiolectError, random } from '../src/index.ts';
import { attribute, compareStyle, type StyleDistance, styleDistance, trainAttributor } from '../src/metrics/index.ts';

const file = process.argv[2];
if (!file) throw new IdiolectError('USAGE', 'expected a file of histories: node recipes/style-commits.ts FILE.');
const split = splitByTime(await groupByUser(await collect(openHistories(file))));
const users = [...split.users.values()].map(({ user, train, query }) => ({
  user,
  known: train.map(({ output }) => output),
  asked: query.map(({ output }) => output),
}));

const attributor = trainAttributor(new Map(users.map(({ user, known }) => [user, known])));
const { ranks: _, ...attribution } = attribute(
  attributor,
  users.flatMap(({ user, asked }) => asked.map(text => ({ user, text }))),
);
console.log('attribution', attribution);

/** Ten other users, spread over the list. */
const othersOf = (i: number) => Array.from({ length: 10 }, (_, k) => users[(i + 1 + 9 * k) % users.length]!);
const parts = ['ngrams', 'shape', 'openings', 'distance'] as const satisfies (keyof StyleDistance)[];
const counts = Object.fromEntries(parts.map(part => [part, { belowMeanOfOthers: 0, belowEachOther: 0 }]));
users.forEach(({ known, asked }, i) => {
  const own = styleDistance(known, asked);
  const others = othersOf(i).map(other => styleDistance(known, other.asked));
  for (const part of parts) {
    const mean = others.reduce((sum, other) => sum + other[part], 0) / others.length;
    if (own[part] < mean) counts[part]!.belowMeanOfOthers++;
    if (others.every(other => own[part] < other[part])) counts[part]!.belowEachOther++;
  }
});
console.log('own later texts nearer than others’, of', users.length, 'users', counts);

const sums = { floor: 0, floorHigh: 0, own: 0, other: 0, ownAbove: 0, otherAbove: 0 };
users.forEach(({ user, known, asked }, i) => {
  const own = compareStyle(known, asked, random(1, user));
  const other = compareStyle(known, users[(i + 37) % users.length]!.asked, random(1, user));
  sums.floor += own.floor / users.length;
  sums.floorHigh += own.floorHigh / users.length;
  sums.own += own.distance / users.length;
  sums.other += other.distance / users.length;
  if (own.distance > own.floorHigh) sums.ownAbove++;
  if (other.distance > other.floorHigh) sums.otherAbove++;
});
console.log('noise floor', sums);
