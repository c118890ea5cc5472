/** What a data set keeps out of training. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataSchema } from '../runs/settings.ts';
import { loadDataset } from './dataset.ts';

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
    expect(notices).toEqual([
      expect.stringContaining('has no times: the held-out records are'),
      '1 training record is left out: also held out of another user, word for word',
    ]);
  });

  it('knows a long text again however it was asked for and where it was cut, and a short one by what it answers', async () => {
    const data = join(folder, 'worded.jsonl');
    const long = Array.from({ length: 800 }, (_, i) => `word${i}`).join(' ');
    const cut = long.split(' ').slice(0, 768).join(' ');
    const records = [
      ...['a', 'b', 'c'].map(input => ({ user: 'ada', input, output: input })),
      { user: 'ada', input: 'Write "P" using these items: x', output: long },
      { user: 'grace', input: 'Write "P"', output: cut },
      { user: 'grace', input: 'fix', output: 'd' },
      { user: 'grace', input: 'y', output: 'y' },
      { user: 'grace', input: 'mend', output: 'Fix typo' },
      { user: 'alan', input: 'other', output: 'Fix typo' },
      ...['p', 'q', 'r'].map(input => ({ user: 'alan', input, output: input })),
    ];
    await writeFile(data, records.map(record => `${JSON.stringify(record)}\n`).join(''));
    const { users } = await loadDataset({ ...dataSchema.parse({ data, queryShare: 0.25 }), seed: 0 });
    expect(users.get('grace')!.train.map(({ output }) => output)).toEqual(['d', 'y']);
    expect(users.get('alan')!.train.map(({ output }) => output)).toEqual(['Fix typo', 'p', 'q']);
  });

  it('says how many held-out records their own user had written before, word for word', async () => {
    const data = join(folder, 'repeated.jsonl');
    const records = ['a', 'b', 'c', 'a'].map(input => ({ user: 'ada', input, output: 'same' }));
    await writeFile(data, records.map(record => `${JSON.stringify(record)}\n`).join(''));
    const { notices } = await loadDataset({ ...dataSchema.parse({ data, queryShare: 0.25 }), seed: 0 });
    expect(notices).toEqual([
      expect.stringContaining('has no times: the held-out records are'),
      "1 held-out record is word for word among their own user's training records too",
    ]);
  });
});
