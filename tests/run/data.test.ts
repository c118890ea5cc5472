/** Benchmarks by the command line: downloaded from a server, then made histories. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idiolect } from '../support/cli.ts';
import { type FileServer, fileServer } from '../support/file-server.ts';

let server: FileServer;
let folder = '';
beforeAll(async () => {
  server = await fileServer();
  folder = await mkdtemp(join(tmpdir(), 'idiolect-data-'));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe('data get', () => {
  it('LongLaMP: downloaded, then imported', async () => {
    const name = 'topic_writing_user/test-00000-of-00001.parquet';
    const content = await readFile(new URL(`../fixtures/longlamp/${name}`, import.meta.url));
    const repository = { sha: 'c0ffee', siblings: [{ rfilename: name, size: content.length }] };
    server.files.set('/api/datasets/LongLaMP/LongLaMP', { content: Buffer.from(JSON.stringify(repository)) });
    server.files.set(`/datasets/LongLaMP/LongLaMP/resolve/c0ffee/${name}`, { content, etag: '"1"' });

    const get = ['data', 'get', 'topic-writing', '--split', 'test', '--out', folder, '--mirror', server.address];
    const got = await idiolect([...get, '--json']);
    expect(got).toMatchObject({ code: 0 });
    expect(got.stderr).toContain("LongLaMP's licence: not stated on its card");
    const home = join(folder, 'topic_writing_user');
    expect(JSON.parse(got.stdout)).toEqual({
      folder: home,
      files: ['test-00000-of-00001.parquet'],
      bytes: content.length,
    });

    const again = await idiolect(get);
    expect(again.stderr).toContain(`${join(home, 'test-00000-of-00001.parquet')}: there already`);

    const mine = join(folder, 'mine');
    await mkdir(join(mine, 'topic_writing_user'), { recursive: true });
    const file = join(mine, 'topic_writing_user', 'test-00000-of-00001.parquet');
    await writeFile(file, 'mine\n');
    const elsewhere = get.map(word => (word === folder ? mine : word));
    const refused = await idiolect(elsewhere);
    expect(refused.stderr).toContain(`${file} is there already and has 5 bytes instead of ${content.length}.`);
    expect(refused.code).toBe(1);
    expect(await readFile(file, 'utf8')).toBe('mine\n');
    await rm(file);
    await mkdir(file);
    expect((await idiolect(elsewhere)).stderr).toContain(`${file} is a folder, which no file can replace.`);

    const out = join(folder, 'topics.jsonl');
    const imported = await idiolect(['import', 'longlamp', home, '--out', out]);
    expect(imported).toMatchObject({ code: 0, stderr: expect.stringContaining('68 records of 9 users') });
  });

  it('LaMP: its files, its licence; one sentence for what is not there', async () => {
    server.files.set('/LaMP_4/dev/dev_questions.json', { content: Buffer.from('[]') });
    const get = ['data', 'get', 'lamp-4', '--split', 'dev', '--out', folder, '--mirror', server.address];
    const { code, stderr } = await idiolect(get);
    expect(code).toBe(1);
    expect(stderr).toContain('LaMP is under CC BY-NC-SA 4.0');
    expect(stderr).toContain('dev_questions.json: 0.0 MB');
    expect(stderr).toMatch(/error: http:\S+\/LaMP_4\/dev\/dev_outputs\.json answers 404 Not Found\.\n$/);
    expect(await readFile(join(folder, 'LaMP_4', 'dev_questions.json'), 'utf8')).toBe('[]');
  });

  it.each([
    ['lamp-4', String.raw`/LaMP_4/dev/dev_questions\.json`],
    ['topic-writing', String.raw`/api/datasets/LongLaMP/LongLaMP\?blobs=true`],
  ])('%s without a network: one sentence', async (task, address) => {
    const gone = await fileServer();
    await gone.close();
    const get = ['data', 'get', task, '--split', 'dev', '--out', join(folder, 'offline'), '--mirror', gone.address];
    const { code, stdout, stderr } = await idiolect(get);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      new RegExp(`(^|\\n)error: ${gone.address}${address} cannot be reached \\(.*ECONNREFUSED.*\\)\\.\n$`),
    );
  });
});
