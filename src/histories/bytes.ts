/** The bytes of a file, plain or gzip, in pieces; what goes wrong with a file is said in one sentence. */
import type { FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { exists } from '../common/files.ts';
import { inputError, openInput, refuseLfsPointer } from '../common/input-file.ts';

const PIECE = 256 * 1024;

/**
 * Streams a file in constant memory. Gzip is recognised by its first two bytes, not by the name, since downloads often lose
 * or gain a `.gz`. Concatenated gzip members read as one.
 *
 * @throws IdiolectError DATA where the file is missing, not a regular file, unreadable, or damaged or truncated gzip.
 */
export async function* readBytes(path: string): AsyncGenerator<Uint8Array> {
  const handle = await openInput(path);
  try {
    const head = await headOf(handle);
    refuseLfsPointer(path, head);
    const source = rest(handle, head);
    if (head[0] !== 0x1f || head[1] !== 0x8b) {
      yield* source;
      return;
    }
    const gunzip = createGunzip();
    // pipeline() carries an error of either side to the loop below, and closes the source when the loop ends early.
    pipeline(Readable.from(source, { objectMode: false }), gunzip, () => {});
    for await (const piece of gunzip) yield piece as Uint8Array;
  } catch (error) {
    throw inputError(path, error);
  } finally {
    await handle.close().catch(() => {});
  }
}

/** The first two bytes at least (a pipe may hand over one at a time), or all there is. */
async function headOf(handle: FileHandle): Promise<Uint8Array> {
  let head = new Uint8Array(0);
  while (head.length < 2) {
    const piece = await readPiece(handle);
    if (!piece) break;
    head = Buffer.concat([head, piece]);
  }
  return head;
}

async function* rest(handle: FileHandle, head: Uint8Array): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (let piece = await readPiece(handle); piece; piece = await readPiece(handle)) yield piece;
}

async function readPiece(handle: FileHandle): Promise<Uint8Array | null> {
  const { bytesRead, buffer } = await handle.read(new Uint8Array(PIECE), 0, PIECE, null);
  return bytesRead > 0 ? buffer.subarray(0, bytesRead) : null;
}

/** The path of a file or of its compressed twin, `.gz`, whichever there is. */
export async function eitherName(path: string): Promise<string | undefined> {
  if (await exists(path)) return path;
  return (await exists(`${path}.gz`)) ? `${path}.gz` : undefined;
}
