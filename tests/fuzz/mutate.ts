/** Damage to a file, as a hand, a disk or an enemy would do it: drawn from a seeded source, so that it repeats. */
import type { Random } from '../../src/common/random.ts';
import { mutateJson } from './mutate-json.ts';
import { HOSTILE_TEXTS, LONG_LINE, NUMBERS, pick } from './values.ts';

type Mutation = (bytes: Buffer, random: Random) => Buffer;

/** Mutated files stay below this, so that doubling cannot run away. */
const MOST_BYTES = 8 * 2 ** 20;

const place = (bytes: Buffer, random: Random) => random.integer(bytes.length + 1);

function slice(bytes: Buffer, random: Random): [number, number] {
  const [a, b] = [place(bytes, random), place(bytes, random)];
  return a < b ? [a, b] : [b, a];
}

const insert = (bytes: Buffer, at: number, more: Buffer) =>
  Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);

const BYTE_MUTATIONS: readonly Mutation[] = [
  // flipped bits
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    for (let i = random.integer(8); i >= 0 && copy.length > 0; i--) {
      copy[random.integer(copy.length)]! ^= 1 << random.integer(8);
    }
    return copy;
  },
  (bytes, random) => bytes.subarray(0, place(bytes, random)), // cut short
  (bytes, random) => bytes.subarray(place(bytes, random)), // without its beginning
  // a slice taken out, doubled, or zeroed
  (bytes, random) => {
    const [from, to] = slice(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  (bytes, random) => {
    const [from, to] = slice(bytes, random);
    return insert(bytes, to, bytes.subarray(from, to));
  },
  (bytes, random) => {
    const [from, to] = slice(bytes, random);
    return Buffer.from(bytes).fill(0, from, Math.min(to, from + 64));
  },
  (bytes, random) => insert(bytes, place(bytes, random), Buffer.from([random.bits() & 0xff, 0, 0xff])),
  bytes => Buffer.from(bytes.toString('latin1'), 'utf16le'),
];

/** Numbers, words and quotes of a text; what stands for them is drawn again. */
const TOKEN = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\w+|["'{}[\],;:\t\n]/g;

const TEXT_MUTATIONS: readonly Mutation[] = [
  // a token replaced
  (bytes, random) => {
    const text = bytes.toString();
    const tokens = [...text.matchAll(TOKEN)];
    if (tokens.length === 0) return bytes;
    const { 0: token, index } = pick(tokens, random);
    const value = random.uniform() < 0.6 ? pick(NUMBERS, random) : pick(HOSTILE_TEXTS, random);
    return Buffer.from(text.slice(0, index) + value + text.slice(index + token.length));
  },
  // something inserted
  (bytes, random) => insert(bytes, place(bytes, random), Buffer.from(pick(HOSTILE_TEXTS, random))),
  (bytes, random) => insert(bytes, place(bytes, random), Buffer.from(LONG_LINE)),
  bytes => Buffer.concat([Buffer.from('\ufeff'), bytes]),
  // lines dropped, doubled, exchanged
  (bytes, random) => {
    const lines = bytes.toString().split('\n');
    const at = random.integer(lines.length);
    const other = random.integer(lines.length);
    const line = lines[at]!;
    if (random.uniform() < 0.3) lines.splice(at, 1);
    else if (random.uniform() < 0.5) lines.splice(other, 0, line);
    else [lines[at], lines[other]] = [lines[other]!, line];
    return Buffer.from(lines.join('\n'));
  },
  (bytes, random) => Buffer.from(bytes.toString().replaceAll('\n', pick(['\r\n', '\r', '', '\u2028'], random))),
];

/** The JSON inside a file: the whole of it, one line, or the header of a safetensors file. */
function mutateStructure(name: string, bytes: Buffer, random: Random): Buffer {
  if (name.endsWith('.safetensors')) {
    const length = Number(bytes.readBigUInt64LE());
    const header = Buffer.from(mutateJson(bytes.subarray(8, 8 + length).toString(), random));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(header.length));
    return Buffer.concat([prefix, header, bytes.subarray(8 + length)]);
  }
  if (name.endsWith('.jsonl')) {
    const lines = bytes.toString().split('\n');
    const at = random.integer(Math.max(1, lines.length - 1));
    lines[at] = mutateJson(lines[at]!, random);
    return Buffer.from(lines.join('\n'));
  }
  return Buffer.from(mutateJson(bytes.toString(), random));
}

const STRUCTURED = /\.(jsonl?|safetensors)$/;
const BINARY = /\.(safetensors|parquet|gz|onnx)$/;

/** A file with one to three things wrong. Of a kind that is JSON inside, most keep that form. */
export function mutate(name: string, sound: Buffer, random: Random): Buffer {
  let bytes = sound;
  if (STRUCTURED.test(name) && random.uniform() < 0.7) {
    bytes = mutateStructure(name, bytes, random);
    if (random.uniform() < 0.8) return bytes;
  }
  const mutations = BINARY.test(name) ? BYTE_MUTATIONS : [...BYTE_MUTATIONS, ...TEXT_MUTATIONS, ...TEXT_MUTATIONS];
  for (let rounds = 1 + random.integer(2); rounds > 0; rounds--) bytes = pick(mutations, random)(bytes, random);
  return bytes.subarray(0, MOST_BYTES);
}
