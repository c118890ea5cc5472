/** The readers on whole data sets, where these lie beside the project; their content never enters it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { sampleAuxiliary } from './auxiliary.ts';
import { collect } from './collect.ts';
import { importLamp } from './lamp.ts';
import { openHistories } from './open.ts';
import { recordKey } from './record.ts';
import { groupByUser, splitByTime } from './split.ts';

const data = new URL('../../../shared/data/', import.meta.url);
const at = (name: string) => fileURLToPath(new URL(name, data));
const present = existsSync(at('commits-100users.jsonl.gz')) && existsSync(at('acl-lamp5_questions.json.gz'));
if (!present) console.log('skipped: the development data sets are not beside the project');

describe.skipIf(!present)('development data', () => {
  test('commits: 100 users of 60, the last fifth of each is asked', async () => {
    const records = await collect(openHistories(at('commits-100users.jsonl.gz')));
    const { users, tooFew } = splitByTime(await groupByUser(records));
    expect([records.length, users.size, tooFew.length]).toEqual([6000, 100, 0]);
    for (const { train, query } of users.values()) {
      expect([train.length, query.length]).toEqual([48, 12]);
      expect(train.at(-1)!.time! <= query[0]!.time!).toBe(true);
    }
    expect(records.every(({ input, time }) => /^[MADTRC] \S/.test(input) && time)).toBe(true);
    const [user] = [...users.keys()];
    const drawn = sampleAuxiliary(records, { user: user!, count: 90, seed: 1 });
    expect(drawn.filter(record => record.user === user)).toEqual([]);
  });

  test('LaMP-5 time split: 467 questions, profiles without repetition, one way of asking', async () => {
    const outputs = at('acl-lamp5_outputs.json.gz');
    const records = await collect(importLamp(at('acl-lamp5_questions.json.gz'), { outputs }));
    expect(records.filter(({ split }) => split === 'query')).toHaveLength(467);
    expect(new Set(records.map(recordKey)).size).toBe(records.length);
    const opening = 'Generate a title for the following abstract of a paper: ';
    expect(records.every(({ input }) => input.startsWith(opening))).toBe(true);
    const { users, tooFew } = splitByTime(await groupByUser(records));
    expect([users.size, tooFew.length]).toEqual([100, 0]);
  });
});
