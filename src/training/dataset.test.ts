/** What a data set keeps out of training. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDataset } from './dataset.ts';
import { dataSchema } from './settings.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a data set', () => {
  it('keeps a text held out of one user from being trained on as another’s, and says how many', async () => {
    const data = join(folder, 'shared.jsonl');
    const records = [
      ...['a', 'b', 'c', 'd'].map(input => ({ user: 'ada', input, output: 'by both' })),
      // Ada's last one, "d", is asked of her; Grace has it among her earlier texts, and "e" to be asked.
      ...['d', 'x', 'y', 'z', 'e'].map(input => ({ user: 'grace', input, output: 'by both' })),
    ];
    await writeFile(data, records.map(record => `${JSON.stringify(record)}\n`).join(''));
    const { users, notices } = await loadDataset({ ...dataSchema.parse({ data, queryShare: 0.25 }), seed: 0 });
    expect(users.get('ada')!.query.map(({ input }) => input)).toEqual(['d']);
    expect(users.get('ada')!.train.map(({ input }) => input)).toEqual(['a', 'b', 'c']);
    expect(users.get('grace')!.train.map(({ input }) => input)).toEqual(['x', 'y', 'z']);
    expect(notices).toEqual(['1 training records are also held out of another user, word for word, and are left out']);
  });
});
