import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type FileServer, fileServer } from '../../tests/support/file-server.ts';
import { askHub } from './hub-api.ts';

let server: FileServer;
beforeAll(async () => {
  server = await fileServer();
});
afterAll(() => server.close());

const schema = z.object({ names: z.array(z.string()) });
const answer = Buffer.from('{"names":["a","b"]}');

/** An address that answers once by half, and what waits until it has. */
function broken(path: string) {
  server.files.set(path, { content: answer, stalls: 1 });
  const sent = () => server.files.get(path)!.stalls === 0;
  return {
    url: server.address + path,
    async half() {
      while (!sent()) await new Promise(resolve => setTimeout(resolve, 5));
      await new Promise(resolve => setTimeout(resolve, 50)); // for the headers to arrive
    },
  };
}

describe('a question to the Hub', () => {
  it('gives what the schema says, and tells of other answers', async () => {
    server.files.set('/right', { content: answer });
    expect(await askHub(`${server.address}/right`, schema)).toEqual({ names: ['a', 'b'] });
    for (const other of ['{"names":1}', '<html>']) {
      server.files.set('/other', { content: Buffer.from(other) });
      await expect(askHub(`${server.address}/other`, schema)).rejects.toThrow("has the Hub's interface changed?");
    }
    await expect(askHub(`${server.address}/none`, schema)).rejects.toThrow('/none answers 404 Not Found.');
  });

  it('that is stopped while the answer comes is interrupted', async () => {
    const { url, half } = broken('/stopped');
    const stop = new AbortController();
    const asked = askHub(url, schema, { signal: stop.signal });
    const expected = expect(asked).rejects.toMatchObject({
      code: 'INTERRUPTED',
      message: `stopped while asking ${url}.`,
    });
    await half();
    stop.abort();
    await expected;
  });

  it('whose answer breaks off tells of the connection', async () => {
    const { url, half } = broken('/broken');
    const asked = askHub(url, schema);
    const expected = expect(asked).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringMatching(/\/broken cannot be reached \(.+\)\.$/),
    });
    await half();
    server.drop();
    await expected;
  });
});
