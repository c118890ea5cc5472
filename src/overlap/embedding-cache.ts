/**
 * Embeddings on disk, found again by content: one append-only file per embedder, shared by all users and all runs.
 * A vector depends on its text and the embedder alone (see Embedder.embed), so a hit and a miss are the same bits.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { exists, makeFolder, sha256 } from '../common/files.ts';
import { openInput } from '../common/input-file.ts';
import { outputError } from '../common/output-error.ts';
import type { EmbeddedText, Embedder } from './embedder.ts';

/** A row of the file: 16 bytes of the text's SHA-256, the vector in little-endian float32, the CRC-32 of both. */
const KEY_BYTES = 16;
const CHECK_BYTES = 4;
const FLUSH_EVERY = 64;

/** An embedder that remembers. `close` writes what is new and closes the embedder behind it. */
export class CachedEmbedder implements Embedder {
  readonly name: string;
  readonly width: number;
  readonly #inner: Embedder;
  readonly #file: FileHandle;
  /** Where each known row begins in the file. */
  readonly #places: ReadonlyMap<string, number>;
  /** Rows of this session by key; others may append to the file, so their places are not known. */
  readonly #fresh = new Map<string, Float32Array>();
  #unsaved: Uint8Array[] = [];

  private constructor(inner: Embedder, file: FileHandle, places: ReadonlyMap<string, number>) {
    this.name = inner.name;
    this.width = inner.width;
    this.#inner = inner;
    this.#file = file;
    this.#places = places;
  }

  /** Opens the rows of one embedder; a row cut short by a kill is passed over and computed again. */
  static async open(folder: string, inner: Embedder): Promise<CachedEmbedder> {
    const directory = join(folder, 'embeddings');
    await makeFolder(directory);
    const path = join(directory, `${inner.name}.f32`);
    if (await exists(path)) await (await openInput(path)).close(); // a folder or a pipe there is said so
    const file = await open(path, 'a+').catch(error => {
      throw outputError(path, error);
    });
    return new CachedEmbedder(inner, file, await findRows(file, rowBytes(inner.width)));
  }

  async embed(text: EmbeddedText): Promise<Float32Array> {
    const key = sha256(JSON.stringify([text.prompt, text.completion])).slice(0, 2 * KEY_BYTES);
    const fresh = this.#fresh.get(key);
    if (fresh) return fresh.slice();
    const place = this.#places.get(key);
    if (place !== undefined) return this.#read(place);
    const vector = await this.#inner.embed(text);
    this.#fresh.set(key, vector);
    this.#unsaved.push(rowOf(key, vector));
    if (this.#unsaved.length >= FLUSH_EVERY) await this.#flush();
    return vector.slice();
  }

  async close(): Promise<void> {
    await this.#flush();
    await this.#file.close();
    await this.#inner.close();
  }

  async #read(place: number): Promise<Float32Array> {
    const bytes = Buffer.alloc(4 * this.width);
    await this.#file.read(bytes, 0, bytes.length, place + KEY_BYTES);
    return Float32Array.from({ length: this.width }, (_, i) => bytes.readFloatLE(4 * i));
  }

  async #flush(): Promise<void> {
    const rows = Buffer.concat(this.#unsaved);
    this.#unsaved = [];
    if (rows.length > 0) await this.#file.appendFile(rows);
  }
}

function rowBytes(width: number): number {
  return KEY_BYTES + 4 * width + CHECK_BYTES;
}

function rowOf(key: string, vector: Float32Array): Uint8Array {
  const row = Buffer.alloc(rowBytes(vector.length));
  row.write(key, 'hex');
  vector.forEach((value, i) => void row.writeFloatLE(value, KEY_BYTES + 4 * i));
  row.writeUInt32LE(crc32(row.subarray(0, -CHECK_BYTES)), row.length - CHECK_BYTES);
  return row;
}

/** Where each whole row begins, by key. After a row cut short the next whole one is looked for byte by byte. */
async function findRows(file: FileHandle, length: number): Promise<Map<string, number>> {
  const places = new Map<string, number>();
  let bytes = Buffer.alloc(0);
  let start = 0;
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false, highWaterMark: 2 ** 20 })) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    let at = 0;
    while (at + length <= bytes.length) {
      const row = bytes.subarray(at, at + length);
      if (crc32(row.subarray(0, -CHECK_BYTES)) === row.readUInt32LE(length - CHECK_BYTES)) {
        places.set(row.toString('hex', 0, KEY_BYTES), start + at);
        at += length;
      } else at++;
    }
    bytes = bytes.subarray(at);
    start += at;
  }
  return places;
}
