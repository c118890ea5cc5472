import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileServer, fileServer } from '../../tests/support/file-server.ts';
import { benchmarkFiles } from './benchmark-files.ts';

let hub: FileServer;
const listing = '/api/datasets/LongLaMP/LongLaMP';
beforeAll(async () => {
  hub = await fileServer();
});
afterAll(() => hub.close());
const answer = (value: unknown) => hub.files.set(listing, { content: Buffer.from(JSON.stringify(value)) });

const splits = ['train', 'dev', 'test'] as const;
const lamp = 'https://ciir.cs.umass.edu/downloads/LaMP';

describe('benchmarkFiles', () => {
  it.each([
    ['lamp-4', false, 'LaMP_4', `${lamp}/LaMP_4`],
    ['lamp-4', true, 'LaMP_4_time', `${lamp}/time/LaMP_4`],
    ['lamp-2m', false, 'LaMP_2_new', `${lamp}/LaMP_2/new`],
    ['lamp-2n', true, 'LaMP_2_time', `${lamp}/time/LaMP_2`],
  ])('%s, by time: %s', async (task, time, folder, base) => {
    const found = await benchmarkFiles(task, { splits, time });
    expect(found).toMatchObject({ folder, licence: expect.stringContaining('CC BY-NC-SA 4.0') });
    expect(found.files.map(({ url }) => url)).toEqual([
      `${base}/train/train_questions.json`,
      `${base}/train/train_outputs.json`,
      `${base}/dev/dev_questions.json`,
      `${base}/dev/dev_outputs.json`,
      `${base}/test/test_questions.json`,
    ]);
    expect(found.files[0]!.name).toBe('train_questions.json');
  });

  it('asks the Hub for LongLaMP’s files, their sizes and hashes', async () => {
    const file = (rfilename: string, size?: number) => ({ rfilename, size, lfs: size && { sha256: 'ab', size } });
    answer({
      sha: 'c0ffee',
      cardData: { license: 'some-licence' },
      siblings: [
        file('README.md', 9),
        file('product_review_user/test-00000-of-00001.parquet', 5),
        file('product_review_temporal/train-00000-of-00002.parquet', 7),
        file('product_review_temporal/train-00001-of-00002.parquet', 8),
        file('product_review_temporal/val-00000-of-00001.parquet'),
        file('product_review_temporal/test-00000-of-00001.parquet', 6),
        file('topic_writing_temporal/test-00000-of-00001.parquet', 6),
      ],
    });
    const mirror = `${hub.address}/`;
    const found = await benchmarkFiles('product_review', { splits: ['train', 'dev'], time: true, mirror });
    const base = `${hub.address}/datasets/LongLaMP/LongLaMP/resolve/c0ffee/product_review_temporal`;
    expect(found).toEqual({
      folder: 'product_review_temporal',
      licence: `LongLaMP's licence: some-licence (${hub.address}/datasets/LongLaMP/LongLaMP).`,
      files: [
        { name: 'train-00000-of-00002.parquet', url: `${base}/train-00000-of-00002.parquet`, size: 7, sha256: 'ab' },
        { name: 'train-00001-of-00002.parquet', url: `${base}/train-00001-of-00002.parquet`, size: 8, sha256: 'ab' },
        { name: 'val-00000-of-00001.parquet', url: `${base}/val-00000-of-00001.parquet` },
      ],
    });
    const none = benchmarkFiles('abstract_generation', { splits: ['test'], time: false, mirror });
    await expect(none).rejects.toThrow('lists no files of abstract_generation_user for test.');
  });

  it('says why there is nothing to download', async () => {
    const options = { splits, time: false, mirror: hub.address };
    await expect(benchmarkFiles('lamp-6', options)).rejects.toThrow('LaMP-6 cannot be downloaded: its e-mails belong');
    await expect(benchmarkFiles('lamp-9', options)).rejects.toThrow('there is no task "lamp-9"');
    answer({ error: 'moved' });
    await expect(benchmarkFiles('topic_writing', options)).rejects.toThrow('does not answer with a list of files');
    hub.files.delete(listing);
    await expect(benchmarkFiles('topic_writing', options)).rejects.toThrow('blobs=true answers 404 Not Found.');
  });
});
