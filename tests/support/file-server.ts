/** A web server of files held in memory, with the faults of real ones. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServedFile {
  readonly content: Buffer;
  readonly etag?: string;
  /** Whether ranges are answered; default true. */
  readonly ranges?: boolean;
  /** How many more requests are sent half of what they ask for, and then wait for `drop`. */
  stalls?: number;
  /** How the content is sent without a length: nothing at all, a byte every few milliseconds, or again and again. */
  readonly manner?: 'silent' | 'drip' | 'endless';
  /** How many more requests are answered by this status. */
  refusals?: { count: number; status: number; headers?: Record<string, string> };
  /** Where requests are sent on to, in place of the content. */
  readonly redirect?: string;
}

export interface FileServer {
  readonly address: string;
  /** By path, such as `/a/b.json`. */
  readonly files: Map<string, ServedFile>;
  /** Each request as `path range`. */
  readonly requests: string[];
  /** What each request said who it is, by path. */
  readonly authorizations: Map<string, string | undefined>;
  /**
   * Closes the connections that wait. On the word of the reader, since what has arrived but was not read yet when a
   * connection closes is lost to it.
   */
  drop(): void;
  /** Connections on which an odd answer is still being sent. */
  open(): number;
  close(): Promise<void>;
}

export async function fileServer(): Promise<FileServer> {
  const files = new Map<string, ServedFile>();
  const requests: string[] = [];
  const authorizations = new Map<string, string | undefined>();
  const waiting = new Set<ServerResponse>();
  const odd = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://localhost').pathname;
    requests.push(`${path} ${request.headers.range ?? ''}`.trimEnd());
    authorizations.set(path, request.headers.authorization);
    const file = files.get(path);
    if (file?.manner) {
      odd.add(response.on('close', () => odd.delete(response)));
      sendOddly(file.content, file.manner, response);
    } else if (file) serve(file, request, response, waiting);
    else response.writeHead(404).end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files,
    requests,
    authorizations,
    drop() {
      for (const response of waiting) response.destroy();
      waiting.clear();
    },
    open: () => odd.size,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function serve(
  file: ServedFile,
  request: IncomingMessage,
  response: ServerResponse,
  waiting: Set<ServerResponse>,
): void {
  if (file.refusals && file.refusals.count > 0) {
    file.refusals.count -= 1;
    response.writeHead(file.refusals.status, file.refusals.headers).end();
    return;
  }
  if (file.redirect !== undefined) {
    response.writeHead(302, { location: file.redirect }).end();
    return;
  }
  const { content, etag } = file;
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const fits = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const start = asked && fits && file.ranges !== false ? Number(asked[1]) : 0;
  const headers: Record<string, string> = etag ? { etag } : {};
  if (start > 0 && start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const part = content.subarray(start);
  if (start > 0) headers['content-range'] = `bytes ${start}-${content.length - 1}/${content.length}`;
  response.writeHead(start > 0 ? 206 : 200, { ...headers, 'content-length': String(part.length) });
  if ((file.stalls ?? 0) > 0) {
    file.stalls! -= 1;
    waiting.add(response);
    response.write(part.subarray(0, part.length >> 1));
  } else response.end(part);
}

function sendOddly(content: Buffer, manner: NonNullable<ServedFile['manner']>, response: ServerResponse): void {
  if (manner === 'silent') return;
  response.writeHead(200);
  if (manner === 'drip') {
    const timer = setInterval(() => response.write(content.subarray(0, 1)), 4);
    response.on('close', () => clearInterval(timer));
    return;
  }
  // As fast as it is taken, until the other side hangs up.
  const more = () => {
    while (!response.destroyed && response.write(content)) {}
  };
  response.on('drain', more);
  more();
}
