/** Downloads a large file: continues where it stopped, checks what came, and gives it its name only when it is whole. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { sha256OfFile } from '../common/files.ts';
import { readKeptJson } from '../common/own-file.ts';
import { type Answer, type Patience, request, TooSlow } from '../common/request.ts';
import { stopIfAsked } from '../common/stop.ts';

export interface RemoteFile {
  readonly url: string;
  /** Bytes; where it is not known beforehand, what the server says is what is checked. */
  readonly size?: number;
  /** SHA-256 as lower-case hexadecimal. */
  readonly sha256?: string;
  /** The name git has for the content, the SHA-1 of `blob SIZE`, a zero byte and the bytes, as hexadecimal. */
  readonly gitBlob?: string;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  /** Bytes there are and there will be (undefined where the server does not say), and those from an earlier try. */
  readonly onProgress?: (done: number, total: number | undefined, before: number) => void;
  /** Sent with each request; `authorization` not to another host, should the server send us there. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where what has come is kept until it is whole. Default a hidden file beside `path`. */
  readonly partial?: string;
  /** Milliseconds before the first new try, doubled each time. Default 1,000. */
  readonly retryDelay?: number;
  readonly patience?: Patience;
}

/** As progress lines show bytes. */
export const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** Tries in a row that bring nothing new before giving up. */
const TRIES = 5;
/** Bytes that a try must bring before it becomes too slow: those of a server that drips are no reason to ask again. */
const USEFUL = 1e6;

/**
 * Downloads to `path` and returns its size in bytes, 0 where the file was there already. What has come is in a
 * file beside it, so that after a lost connection, or in another run, only the rest is asked for (HTTP ranges,
 * with If-Range, so that parts of two versions are never joined). A server that knows no ranges sends it all again.
 *
 * @throws IdiolectError DATA where the server cannot be reached, says no (its Response is the cause), or keeps breaking
 *   off or sends next to nothing, where the disk is full, and where what came is of another size or content;
 *   INTERRUPTED by the signal. In all cases but the last check, what came is kept where the server names its version.
 */
export async function download(remote: RemoteFile, path: string, options: DownloadOptions = {}): Promise<number> {
  const { signal, retryDelay = 1000 } = options;
  const there = await sizeOf(path);
  if (there !== undefined && (remote.size === undefined || there === remote.size)) return 0;
  const partial = options.partial ?? join(dirname(path), `.${basename(path)}.partial`);
  const before = (await sizeOf(partial)) ?? 0;
  let furthest = 0;
  const again = `run the same command again to continue with ${path}`;
  for (let fruitless = 0; ; ) {
    stopIfAsked(signal, again);
    const failed = await attempt(remote, partial, before, Math.max(before, furthest) > 0, options);
    if (!failed) break;
    const reached = (await sizeOf(partial)) ?? 0;
    const useful = failed.cause instanceof TooSlow ? USEFUL : 1;
    fruitless = reached - furthest >= useful ? 1 : fruitless + 1;
    stopIfAsked(signal, again);
    if (failed.isFinal || fruitless === TRIES) {
      const isKept = (await readNote(partial))?.url === remote.url;
      const advice = isKept
        ? 'What came is kept; run the same command again.'
        : 'The same command starts from the beginning.';
      const sentence = reached > 0 ? `${failed.sentence} ${advice}` : failed.sentence;
      throw new IdiolectError('DATA', `${remote.url} ${sentence}`, { cause: failed.cause });
    }
    furthest = Math.max(furthest, reached);
    await pause(retryDelay * 2 ** (fruitless - 1), undefined, { signal }).catch(() => {});
  }
  const size = (await sizeOf(partial)) ?? 0;
  await check(remote, partial, size);
  await rename(partial, path);
  await rm(noteOf(partial), { force: true });
  return size;
}

/** What the bytes of a partial file are of. */
const noteSchema = z.object({
  url: z.string(),
  /** The version, as the server names it: an ETag or a date. */
  version: z.string(),
});
const noteOf = (partial: string) => `${partial}.json`;

interface Failure {
  sentence: string;
  /** Whether trying again is of no use. */
  isFinal: boolean;
  cause?: unknown;
}

/** One request, to the end of the file or until it breaks; undefined where the file is whole. */
async function attempt(
  remote: RemoteFile,
  partial: string,
  before: number,
  hasCome: boolean,
  { signal, onProgress, headers: given, patience }: DownloadOptions,
): Promise<Failure | undefined> {
  const { url, size } = remote;
  const note = await readNote(partial);
  const have = note?.url === url ? ((await sizeOf(partial)) ?? 0) : 0;
  const headers: Record<string, string> = { ...given, 'accept-encoding': 'identity' };
  if (note && have > 0) Object.assign(headers, { range: `bytes=${have}-`, 'if-range': note.version });
  let answer: Answer;
  try {
    answer = await request(url, { headers, signal, patience });
  } catch (error) {
    if (error instanceof TooSlow) return { sentence: `${error.message}.`, isFinal: !hasCome, cause: error };
    const cause = error instanceof Error ? error.cause : undefined;
    // Where nothing ever came, there is no network, no such server or a mistyped address.
    return { sentence: `cannot be reached (${reasonOf(cause ?? error)}).`, isFinal: !hasCome, cause: error };
  }
  const { response } = answer;
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  const continues = response.status === 206 && range !== null && Number(range[1]) === have;
  if (!continues && response.status !== 200) {
    await response.body?.cancel();
    const { status, statusText } = response;
    // A run that was ended just before the file got its name left nothing to ask for.
    if (status === 416 && response.headers.get('content-range') === `bytes */${have}`) return undefined;
    // A range that cannot be had, though it was there before: asked for again without one.
    if (have > 0 && (status === 416 || status === 206)) await rm(partial, { force: true });
    else
      return {
        sentence: `answers ${status} ${statusText}`.trimEnd().concat('.'),
        isFinal: status < 500 && status !== 429,
        cause: response,
      };
    return { sentence: `sends no part of the file (${status}).`, isFinal: false };
  }
  const length = response.headers.get('content-length');
  const total = continues ? Number(range[2]) : length === null ? undefined : Number(length);
  if (size !== undefined && total !== undefined && total !== size) {
    await response.body?.cancel();
    await throwAway(remote, partial, `has ${total} bytes where ${size} were announced`);
  }
  const version = response.headers.get('etag') ?? response.headers.get('last-modified');
  // A weak ETag does not promise the same bytes. Without a version there is nothing to continue from.
  const isKept = version !== null && version !== '' && !version.startsWith('W/');
  if (isKept) await writeFile(noteOf(partial), JSON.stringify({ url, version }));
  else await rm(noteOf(partial), { force: true });
  const file = await open(partial, continues ? 'a' : 'w');
  let done = continues ? have : 0;
  const earlier = continues ? Math.min(before, have) : 0;
  try {
    onProgress?.(done, total, earlier);
    for await (const bytes of chunksOf(answer)) {
      if (size !== undefined && done + bytes.length > size) {
        await throwAway(remote, partial, `sends more than the ${size} bytes that were announced`);
      }
      await writeAll(file, bytes);
      done += bytes.length;
      onProgress?.(done, total, earlier);
    }
    await file.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      const kept = isKept ? '; what came is kept' : '';
      const full = `the disk of ${dirname(partial)} is full${kept}`;
      throw new IdiolectError('DATA', `${full}. Make room and run the same command again.`);
    }
    if (!(error instanceof Broken)) throw error;
    if (error.cause instanceof TooSlow) {
      return { sentence: `${error.cause.message}.`, isFinal: false, cause: error.cause };
    }
    return { sentence: `broke off (${reasonOf(error.cause)}).`, isFinal: false, cause: error.cause };
  } finally {
    await file.close();
  }
  if (total === undefined || done === total) return undefined;
  return { sentence: `broke off after ${done} of ${total} bytes.`, isFinal: false };
}

/** The connection failed, not the disk. */
class Broken extends Error {}

async function* chunksOf(answer: Answer): AsyncGenerator<Uint8Array> {
  const chunks = answer.chunks();
  try {
    for (;;) {
      const { done, value } = await chunks.next().catch(cause => {
        throw new Broken('', { cause });
      });
      if (done) return;
      yield value;
    }
  } finally {
    await chunks.return(undefined);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) written += (await file.write(bytes, written)).bytesWritten;
}

async function check(remote: RemoteFile, partial: string, found: number): Promise<void> {
  const { size, sha256, gitBlob } = remote;
  const wrong =
    size !== undefined && found !== size
      ? `has ${found} bytes where ${size} were announced`
      : sha256 !== undefined && (await sha256OfFile(partial)) !== sha256
        ? 'has other content than was announced (its SHA-256 differs)'
        : gitBlob !== undefined && (await gitBlobOf(partial, found)) !== gitBlob
          ? 'has other content than was announced (its SHA-1 differs)'
          : undefined;
  if (wrong) await throwAway(remote, partial, wrong);
}

/** Removes what does not pass, so that the next try starts from nothing. */
async function throwAway({ url }: RemoteFile, partial: string, wrong: string): Promise<never> {
  for (const file of [partial, noteOf(partial)]) await rm(file, { force: true });
  throw new IdiolectError('DATA', `${url} ${wrong}; it was thrown away. Run the command again.`);
}

async function gitBlobOf(file: string, size: number): Promise<string> {
  const hash = createHash('sha1').update(`blob ${size}\0`);
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Where there is none, or a damaged one, the download starts from nothing. */
async function readNote(partial: string): Promise<z.infer<typeof noteSchema> | undefined> {
  return readKeptJson(noteOf(partial), noteSchema);
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}
