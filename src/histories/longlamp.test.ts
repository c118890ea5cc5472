import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect } from './collect.ts';
import { importLongLamp, type LongLampOptions } from './longlamp.ts';

const fixtures = fileURLToPath(new URL('../../tests/fixtures/longlamp/', import.meta.url));
const at = (name: string) => join(fixtures, name);
const shard = (split: string, i: number, count: number) => `${split}-0000${i}-of-0000${count}.parquet`;
const read = (path: string, options?: LongLampOptions) => collect(importLongLamp(path, options));

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-longlamp-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('importLongLamp', () => {
  it('reads the files of a split as one, every record once', async () => {
    const told: string[] = [];
    const records = await read(at('abstract_generation_user'), { onSkip: message => told.push(message) });
    const count = (user: string, split: string) =>
      records.filter(record => record.user === `Author ${user}` && record.split === split).length;
    // The profile of author n has n items: one of author 3's is empty, and author 2 comes again with one new item.
    expect([0, 1, 2, 3, 4, 5].map(n => count(`${n}`, 'train'))).toEqual([0, 1, 3, 2, 4, 5]);
    // Author 5's query has no answer.
    expect([0, 1, 2, 3, 4, 5].map(n => count(`${n}`, 'query'))).toEqual([1, 1, 2, 1, 1, 0]);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/test-00001-of-00003\.parquet: row 1: profile item 1 has an empty text\.$/);

    const one = records.find(({ user, split }) => user === 'Author 1' && split === 'train')!;
    expect(one.input).toMatch(/^Generate an abstract for the title ".+"$/);
    expect(one).toMatchObject({ id: 'p0', time: '2010-01-01T00:00:00.000Z' });
    // The year 0 is none.
    expect(records.filter(({ user, time }) => user === 'Author 4' && time === undefined)).toHaveLength(2);
    const asked = records.filter(({ split }) => split === 'query').map(({ id }) => id);
    expect(asked).toEqual(
      ['0-0', '0-1', '0-2', '1-0', '2-0', '2-2'].map(id => id.replace('-', '-of-00003-')).map(id => `test-0000${id}`),
    );
  });

  it.each([
    [
      'product_review_temporal',
      /^Generate the review text .* rating of "\d\.0" for a product with description ".+"\. The summary/s,
    ],
    ['topic_writing_user', /^Generate the content for a reddit post \S/],
  ])('%s: profile and query open with the same words', async (configuration, opening) => {
    const records = await read(at(configuration));
    expect(records.length).toBeGreaterThan(10);
    for (const { input } of records) expect(input).toMatch(opening);
    expect(new Set(records.map(({ user }) => user)).size).toBeGreaterThan(3);
  });

  it('takes another split, or one file', async () => {
    const records = await read(at('abstract_generation_user'), { split: 'val' });
    expect(records.map(({ id }) => id)).toEqual(['val-00000-of-00001-0']);
    const one = await read(at('abstract_generation_user/test-00001-of-00003.parquet'));
    expect(new Set(one.map(({ user }) => user))).toEqual(new Set(['Author 3']));
  });

  it('says what is missing', async () => {
    await expect(read(at('nowhere'))).rejects.toThrow('nowhere does not exist.');
    await expect(read(fixtures)).rejects.toThrow('holds no test-00000-of-00001.parquet or the like');
    await expect(read(at('nested-snappy.parquet'))).rejects.toThrow(
      'nested-snappy.parquet: row 1: "input" is missing. Each row needs input, output and profile.',
    );
    const part = join(folder, 'part');
    await mkdir(part);
    for (const i of [0, 2]) {
      await copyFile(at(`abstract_generation_user/${shard('test', i, 3)}`), join(part, shard('test', i, 3)));
    }
    await expect(read(part)).rejects.toThrow('expected 3 files of "test", found test-00000-of-00003.parquet, test-0');
    await copyFile(at('topic_writing_user/test-00000-of-00001.parquet'), join(part, shard('test', 1, 1)));
    await expect(read(part)).rejects.toThrow('expected 3 files of "test"');
  });
});
