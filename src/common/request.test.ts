/** Servers that are silent, slow or endless, met at each place that asks one. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type FileServer, fileServer } from '../../tests/support/file-server.ts';
import { download } from '../hub/download.ts';
import { askHub } from '../hub/hub-api.ts';
import { type Patience, request } from './request.ts';

/** Only the limit in question is short, so that no other is reached first on a busy machine. */
const patient: Patience = { answer: 300_000, span: 300_000, bytes: 1 };
const patiences: Readonly<Record<string, Patience>> = {
  silent: { ...patient, answer: 60 },
  drip: { ...patient, span: 60, bytes: 1e6 },
  endless: patient,
};
let server: FileServer;
let folder = '';
beforeAll(async () => {
  server = await fileServer();
  for (const manner of ['silent', 'drip', 'endless'] as const) {
    server.files.set(`/${manner}`, { content: Buffer.alloc(65_536, ' '), etag: '"one"', manner });
  }
  folder = await mkdtemp(join(tmpdir(), 'idiolect-request-'));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const silent = /did not answer within 0\.06 seconds/;
const slow = /sent only \d+ bytes in 0\.06 seconds/;

describe('a question to the Hub', () => {
  it.each([
    ['silent', silent],
    ['drip', slow],
    ['endless', /sent more than the 33554432 bytes that are read/],
  ])('is given up where the server is %s', async (manner, sentence) => {
    const asked = askHub(`${server.address}/${manner}`, z.unknown(), { patience: patiences[manner]! });
    await expect(asked).rejects.toMatchObject({ code: 'DATA', message: expect.stringMatching(sentence) });
  });
});

describe('a download', () => {
  const get = (manner: string, size?: number) =>
    download({ url: `${server.address}/${manner}`, size }, join(folder, manner), {
      patience: patiences[manner]!,
      retryDelay: 1,
    });

  it.each([
    ['silent', silent, 1],
    ['drip', slow, 5],
  ])('is given up where the server is %s', async (manner, sentence, tries) => {
    server.requests.length = 0;
    await expect(get(manner)).rejects.toMatchObject({ code: 'DATA', message: expect.stringMatching(sentence) });
    expect(server.requests).toHaveLength(tries);
  });

  it('that brings more than was announced is stopped at once, and nothing of it is kept', async () => {
    server.requests.length = 0;
    await expect(get('endless', 100_000)).rejects.toThrow(
      'endless sends more than the 100000 bytes that were announced; it was thrown away.',
    );
    expect(server.requests).toHaveLength(1);
    expect((await readdir(folder)).filter(name => name.includes('endless'))).toEqual([]);
  });

  it('whose length is not the announced one is not begun', async () => {
    server.files.set('/long', { content: Buffer.alloc(1000), etag: '"one"' });
    let came = 0;
    const begun = download({ url: `${server.address}/long`, size: 5 }, join(folder, 'long'), {
      onProgress: done => {
        came = done;
      },
    });
    await expect(begun).rejects.toThrow('has 1000 bytes where 5 were announced');
    expect(came).toBe(0);
  });
});

describe('a request', () => {
  it('closes the connection when the reader wants no more', async () => {
    const { chunks } = await request(`${server.address}/endless`);
    for await (const _ of chunks()) break;
    // Else the server would be kept waiting, and with it this one's end.
    await expect.poll(() => server.open()).toBe(0);
  });

  it('takes its time where enough comes, and where the answer is short', async () => {
    vi.useFakeTimers();
    try {
      const patience: Patience = { answer: 1000, span: 1000, bytes: 10 };
      let send: (bytes: number) => void = () => {};
      let end = () => {};
      // Breaks off when it is given up, as fetch does.
      const fetch: typeof globalThis.fetch = async (_, init) => {
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            send = bytes => controller.enqueue(new Uint8Array(bytes));
            end = () => controller.close();
            init?.signal?.addEventListener('abort', () => controller.error(init.signal!.reason));
          },
        });
        return new Response(body);
      };
      const short = await request('http://hub/short', { patience, fetch });
      send(2);
      end();
      expect(await short.text(2)).toHaveLength(2);
      const long = await request('http://hub/long', { patience, fetch });
      const text = long.text(1000);
      for (let second = 0; second < 20; second++) {
        send(10);
        await vi.advanceTimersByTimeAsync(1000);
      }
      const refused = expect(text).rejects.toThrow('sent only 9 bytes in 1 second');
      send(9);
      await vi.advanceTimersByTimeAsync(1000);
      await refused;
    } finally {
      vi.useRealTimers();
    }
  });
});
