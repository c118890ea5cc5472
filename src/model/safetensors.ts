/** The safetensors format: a length, a JSON header, then the tensors' bytes. Read in place, written whole. */
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { writeFileAtomic } from '../common/files.ts';
import { openInput, refuseLfsPointer } from '../common/input-file.ts';
import { printable } from '../common/printable.ts';
import { encodeFloats } from './rounding.ts';

/** Where one tensor is. */
export interface TensorEntry {
  readonly name: string;
  /** As the file says it: F32, F16, BF16, I64, U8 ... */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly file: string;
  /** Byte offset from the start of the file. */
  readonly offset: number;
  readonly length: number;
}

const BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

const HEADER_LIMIT = 100_000_000;

const metadataSchema = z.record(z.string(), z.string());

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/**
 * Reads the header of a file and checks it against the file's own size.
 *
 * @throws IdiolectError CHECKPOINT when the file is missing, truncated or malformed
 */
export async function readHeader(file: string): Promise<Map<string, TensorEntry>> {
  return (await readWholeHeader(file)).entries;
}

/** The free-form strings a file carries beside its tensors. */
export async function readMetadata(file: string): Promise<Readonly<Record<string, string>>> {
  return (await readWholeHeader(file)).metadata;
}

interface Header {
  readonly entries: Map<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

async function readWholeHeader(file: string): Promise<Header> {
  const handle = await openInput(file, { code: 'CHECKPOINT' });
  try {
    return await parseHeader(handle, file);
  } finally {
    await handle.close();
  }
}

async function parseHeader(handle: FileHandle, file: string): Promise<Header> {
  const damaged = (what: string) =>
    new IdiolectError('CHECKPOINT', `${file}: ${what} The file is truncated or damaged; download or write it again.`);
  const { size } = await handle.stat();
  const prefix = Buffer.alloc(8);
  if ((await handle.read(prefix, 0, 8, 0)).bytesRead < 8) throw damaged(`holds ${size} bytes, too few for a header.`);
  const head = Buffer.alloc(Math.min(size, 64));
  await handle.read(head, 0, head.length, 0);
  refuseLfsPointer(file, head, 'CHECKPOINT');
  const headerLength = Number(prefix.readBigUInt64LE());
  if (headerLength > HEADER_LIMIT || 8 + headerLength > size) {
    throw damaged(`announces a header of ${headerLength} bytes but holds ${size}.`);
  }
  const header = Buffer.alloc(headerLength);
  await handle.read(header, 0, headerLength, 8);
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(header.toString('utf8'));
  } catch (error) {
    throw damaged(`its header is not JSON (${reasonOf(error)}).`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw damaged('its header is not an object.');
  const start = 8 + headerLength;
  const entries = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') continue;
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success) throw damaged(`tensor "${name}" has a malformed header entry.`);
    const { dtype, shape, data_offsets } = parsed.data;
    const [begin, end] = data_offsets;
    if (end < begin) throw damaged(`tensor "${name}" ends before it begins.`);
    const bytes = BYTES[dtype];
    if (bytes !== undefined && end - begin !== bytes * shape.reduce((a, b) => a * b, 1)) {
      throw damaged(`tensor "${name}" of ${dtype} [${shape}] does not fill its ${end - begin} bytes.`);
    }
    if (start + end > size) throw damaged(`tensor "${name}" ends at byte ${start + end} of ${size}.`);
    entries.set(name, { name, dtype, shape, file, offset: start + begin, length: end - begin });
  }
  refuseOverlaps([...entries.values()], start, size, damaged);
  return { entries, metadata: metadataSchema.safeParse(json.__metadata__).data ?? {} };
}

/** The format has the tensors one behind the other, from the header to the end of the file. */
function refuseOverlaps(
  entries: readonly TensorEntry[],
  start: number,
  size: number,
  damaged: (what: string) => IdiolectError,
): void {
  let end = start;
  for (const { name, offset, length } of entries.toSorted((a, b) => a.offset - b.offset || a.length - b.length)) {
    const what = offset < end ? 'overlaps the one before it' : 'leaves a hole before it';
    if (offset !== end) throw damaged(`tensor "${printable(name)}" ${what} (byte ${offset}, expected ${end}).`);
    end += length;
  }
  if (end !== size) throw damaged(`its tensors end at byte ${end} of ${size}.`);
}

/** Reads one tensor as float32, whatever float type it is stored in. */
export async function readFloats(entry: TensorEntry): Promise<Float32Array> {
  const bytes = await readBytes(entry);
  switch (entry.dtype) {
    case 'F32':
      return new Float32Array(bytes.buffer);
    case 'BF16':
      // bfloat16 is the upper half of a float32
      return new Float32Array(Uint32Array.from(new Uint16Array(bytes.buffer), half => half << 16).buffer);
    case 'F16':
      return Float32Array.from(new Uint16Array(bytes.buffer), fromHalf);
    default:
      throw new IdiolectError(
        'CHECKPOINT',
        `${entry.file}: tensor "${entry.name}" is ${entry.dtype}; expected F32, F16 or BF16.`,
      );
  }
}

/** Reads the bytes of one tensor into memory of their own. */
export async function readBytes(entry: TensorEntry): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(entry.length);
  const handle = await open(entry.file, 'r');
  try {
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await handle.read(bytes, done, bytes.length - done, entry.offset + done);
      if (bytesRead === 0) throw new IdiolectError('CHECKPOINT', `${entry.file} ended inside tensor "${entry.name}".`);
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return bytes;
}

/** IEEE 754 half precision to a number. */
function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Writes tensors in one atomic step, in order of name, so that equal tensors make equal files.
 *
 * @param dtype F32, or F16 or BF16 to round to (nearest, ties to even)
 * @throws IdiolectError CHECKPOINT when a number is too large for the type
 */
export async function writeSafetensors(
  file: string,
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
  dtype: 'F32' | 'F16' | 'BF16' = 'F32',
): Promise<void> {
  await writeFileAtomic(file, encodeSafetensors(tensors, metadata, dtype));
}

export type TensorSpec = Pick<TensorEntry, 'name' | 'dtype' | 'shape'>;

/**
 * The beginning of a file that holds tensors in this order, and where each of them starts.
 *
 * @returns starts: bytes from the beginning of the file, by name
 */
export function layOut(
  tensors: readonly TensorSpec[],
  metadata: Readonly<Record<string, string>>,
): { readonly header: Buffer; readonly starts: ReadonlyMap<string, number> } {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  const offsets = new Map<string, number>();
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    const length = shape.reduce((a, b) => a * b, 1) * BYTES[dtype]!;
    entries[name] = { dtype, shape, data_offsets: [end, end + length] };
    offsets.set(name, end);
    end += length;
  }
  // Padding with spaces puts the first tensor on a multiple of 8, as the format's own library does.
  const text = Buffer.from(JSON.stringify(entries));
  const header = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  text.copy(header, 8);
  return { header, starts: new Map([...offsets].map(([name, offset]) => [name, header.length + offset])) };
}

function encodeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
  dtype: 'F32' | 'F16' | 'BF16',
): Buffer {
  const sorted = tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const { header } = layOut(
    sorted.map(({ name, shape }) => ({ name, dtype, shape })),
    metadata,
  );
  const bytes = (data: Float32Array) =>
    dtype === 'F32'
      ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      : encodeFloats(dtype, Float64Array.from(data));
  return Buffer.concat([header, ...sorted.map(({ data }) => bytes(data))]);
}
