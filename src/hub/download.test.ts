import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileServer, fileServer, type ServedFile } from '../../tests/support/file-server.ts';
import { sha256 } from '../common/files.ts';
import { type DownloadOptions, download, type RemoteFile } from './download.ts';

const content = Buffer.from(Array.from({ length: 40_000 }, (_, i) => i % 251));
let server: FileServer;
let folder = '';
let count = 0;
beforeAll(async () => {
  server = await fileServer();
  folder = await mkdtemp(join(tmpdir(), 'idiolect-download-'));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** A file on the server under a name of its own, and ways to fetch it and look at what is there. */
function place(file: Partial<ServedFile> = {}) {
  const name = `file-${count++}`;
  const served: ServedFile = { content, etag: '"one"', ...file };
  server.files.set(`/${name}`, served);
  const path = join(folder, name);
  let last = 0;
  const dropAfterBytes = (done: number) => {
    if (done > last) server.drop();
    last = done;
  };
  return {
    path,
    serve: (other: Partial<ServedFile>) => server.files.set(`/${name}`, { content, etag: '"one"', ...other }),
    get: (announced: Partial<RemoteFile> = {}, options: DownloadOptions = {}) =>
      download({ url: `${server.address}/${name}`, ...announced }, path, {
        retryDelay: 1,
        onProgress: dropAfterBytes,
        ...options,
      }),
    requests: () => server.requests.filter(request => request.startsWith(`/${name}`)).map(line => line.split(' ')[1]),
    left: async () => (await readdir(folder)).filter(other => other.includes(name)).toSorted(),
    name,
  };
}

describe('download', () => {
  it('brings the file, checked, and leaves nothing else; the next time asks for nothing', async () => {
    const { get, path, requests, left, name } = place();
    const progress: [number, number | undefined][] = [];
    const announced = { size: content.length, sha256: sha256(content) };
    expect(await get(announced, { onProgress: (done, total) => progress.push([done, total]) })).toBe(content.length);
    expect(await readFile(path)).toEqual(content);
    expect(progress[0]).toEqual([0, content.length]);
    expect(progress.at(-1)).toEqual([content.length, content.length]);
    expect(await left()).toEqual([name]);
    expect(await get(announced)).toBe(0);
    expect(requests()).toEqual([undefined]);
  });

  it('asks for the rest after the connection broke, as often as it brings something', async () => {
    const { get, path, requests } = place({ stalls: 7 });
    await get();
    expect(await readFile(path)).toEqual(content);
    // Each asks for what the one before did not bring.
    const starts = requests().map(range => Number(/\d+/.exec(range ?? '0')![0]));
    expect(starts).toHaveLength(8);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(new Set(starts).size).toBe(8);
  });

  it('continues in a later run, and tells what was there before', async () => {
    const { get, path, requests } = place({ stalls: 1 });
    const stop = new AbortController();
    const stopped = get({}, { signal: stop.signal, onProgress: done => done > 0 && stop.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
    const before: number[] = [];
    await get({}, { onProgress: (_, __, there) => before.push(there) });
    expect(await readFile(path)).toEqual(content);
    expect(before[0]).toBeGreaterThan(0);
    expect(requests()).toEqual([undefined, `bytes=${before[0]}-`]);
  });

  it('does not join parts of two versions', async () => {
    const { get, path, serve, requests } = place({ stalls: 1 });
    const stop = new AbortController();
    const stopped = get({}, { signal: stop.signal, onProgress: done => done > 0 && stop.abort() });
    await expect(stopped).rejects.toThrow('stopped');
    const other = Buffer.from(content).reverse();
    serve({ content: other, etag: '"two"' });
    await get();
    expect(requests()[1]).toMatch(/^bytes=\d+-$/);
    expect(await readFile(path)).toEqual(other);
  });

  it.each([
    ['refuses ranges', { ranges: false }],
    ['names no version', { etag: undefined }],
    ['names a weak version', { etag: 'W/"one"' }],
  ])('begins again where the server %s', async (_, faults) => {
    const { get, path, requests } = place({ ...faults, stalls: 2 });
    await get();
    expect(await readFile(path)).toEqual(content);
    expect(requests()).toHaveLength(3);
  });

  it('gives up when nothing new comes, and keeps what came', async () => {
    const { get, requests, left, name } = place({ ranges: false, stalls: 99 });
    await expect(get()).rejects.toThrow(/broke off \(.*\)\. What came is kept; run the same command again\.$/);
    expect(requests()).toHaveLength(5);
    expect(await left()).toEqual([`.${name}.partial`, `.${name}.partial.json`]);
  });

  it.each([undefined, 'W/"one"'])(
    'does not promise to continue from what is of no certain version (%s)',
    async etag => {
      const { get, requests } = place({ etag, stalls: 99 });
      await expect(get()).rejects.toThrow(/broke off \(.*\)\. The same command starts from the beginning\.$/);
      expect(requests()).toHaveLength(5);
    },
  );

  it.skipIf(!existsSync('/dev/full')).each([
    ['"one"', 'is full; what came is kept. Make room'],
    [undefined, 'is full. Make room'],
  ])('says of a full disk whether what came is kept (version %s)', async (etag, sentence) => {
    const { get, name } = place({ etag });
    await symlink('/dev/full', join(folder, `.${name}.partial`));
    await expect(get()).rejects.toThrow(sentence);
  });

  it('tries again where the connection is refused after one that broke, be there a version or not', async () => {
    let asked = 0;
    const moody = createServer((request, response) => {
      asked += 1;
      if (asked === 2 || asked === 3) request.socket.destroy();
      else {
        response.writeHead(200, { 'content-length': String(content.length) });
        if (asked > 1) response.end(content);
        else response.write(content.subarray(0, 100));
      }
    });
    await new Promise<void>(resolve => moody.listen(0, '127.0.0.1', resolve));
    const path = join(folder, 'moody');
    const url = `http://127.0.0.1:${(moody.address() as AddressInfo).port}/`;
    const onProgress = (done: number) => void (done === 100 && moody.closeAllConnections());
    await download({ url }, path, { retryDelay: 1, onProgress });
    expect(await readFile(path)).toEqual(content);
    expect(asked).toBe(4);
    await new Promise(resolve => moody.close(resolve));
  });

  it('takes a complete file that did not get its name', async () => {
    const { get, path, name, requests } = place();
    await writeFile(join(folder, `.${name}.partial`), content);
    const note = { url: `${server.address}/${name}`, version: '"one"' };
    await writeFile(join(folder, `.${name}.partial.json`), JSON.stringify(note));
    await get({ sha256: sha256(content) });
    expect(await readFile(path)).toEqual(content);
    expect(requests()).toEqual([`bytes=${content.length}-`]);
  });

  it('waits out a busy server, not one that says no', async () => {
    const busy = place({ refusals: { count: 2, status: 503 } });
    await busy.get();
    expect(busy.requests()).toHaveLength(3);
    const gone = place({ refusals: { count: 99, status: 404 } });
    await expect(gone.get()).rejects.toMatchObject({
      code: 'DATA',
      message: `${server.address}/${gone.name} answers 404 Not Found.`,
    });
    expect(gone.requests()).toHaveLength(1);
    expect(await gone.left()).toEqual([]);
  });

  it('throws away what is not what was announced', async () => {
    const long = place();
    await expect(long.get({ size: 5 })).rejects.toThrow('has 40000 bytes where 5 were announced; it was thrown away.');
    const other = place();
    await expect(other.get({ sha256: '0'.repeat(64) })).rejects.toThrow('has other content than was announced');
    for (const { left, name } of [long, other]) expect(await left()).not.toContain(name);
    await other.get({ sha256: sha256(content) });
    expect(await readFile(other.path)).toEqual(content);
  });

  it('says in one sentence that there is no network', async () => {
    const closed = await fileServer();
    await closed.close();
    const missing = download({ url: `${closed.address}/x` }, join(folder, 'x'), { retryDelay: 1 });
    await expect(missing).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/x cannot be reached \(.*ECONNREFUSED.*\)\.$/),
    });
  });
});
