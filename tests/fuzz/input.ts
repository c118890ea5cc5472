/** One input: drawn by its number, written into a folder of its own, read, and what came of it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { IdiolectError, LONGEST_MESSAGE } from '../../src/common/errors.ts';
import { printable } from '../../src/common/printable.ts';
import { type Random, random } from '../../src/common/random.ts';
import { type Files, KINDS, type Kind, type Reading } from './kind.ts';
import { mutate } from './mutate.ts';
import { pick } from './values.ts';

/** Which input, and where its files go. */
export interface Task {
  readonly kind: string;
  readonly number: number;
  readonly seed: number;
  readonly corpus: string;
  readonly folder: string;
}

export interface Outcome {
  readonly result: 'refused' | 'accepted' | 'failed';
  /** What was read, and the sentence or the stack. */
  readonly message: string;
  readonly milliseconds: number;
  /** The most memory the process had so far, in bytes. */
  readonly peakBytes: number;
}

const readings = new Map<string, Promise<readonly Reading[]>>();

export async function tryInput({ kind, number, seed, corpus, folder }: Task): Promise<Outcome> {
  let known = readings.get(kind);
  if (!known) {
    known = KINDS[kind]!().then((load: Kind) => load(corpus));
    readings.set(kind, known);
  }
  const source = random(seed, `fuzz/${kind}/${number}`);
  const reading = pick(await known, source);
  await writeFiles(folder, reading.files, damagedFiles(reading, source));
  const start = performance.now();
  const [result, message] = await judged(() => reading.read(folder));
  return {
    result,
    message: `${reading.name}: ${message}`,
    milliseconds: performance.now() - start,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** Writes the files; `instead` has the bytes of some, null for none and a folder for 'folder'. */
export async function writeFiles(folder: string, files: Files, instead: Damage = new Map()): Promise<void> {
  for (const [name, sound] of Object.entries(files)) {
    const bytes = instead.has(name) ? instead.get(name)! : sound;
    const path = join(folder, name);
    await mkdir(bytes === 'folder' ? path : dirname(path), { recursive: true });
    if (bytes !== null && bytes !== 'folder') await writeFile(path, bytes);
  }
}

type Damage = ReadonlyMap<string, Buffer | 'folder' | null>;

/** Most inputs have one damaged file; some have two, and some a file missing, exchanged, or a folder in its place. */
function damagedFiles({ files, damaged }: Reading, source: Random): Damage {
  const names = damaged ?? Object.keys(files);
  const chosen = new Set([pick(names, source), ...(source.uniform() < 0.2 ? [pick(names, source)] : [])]);
  const damage = (name: string) => {
    const chance = source.uniform();
    if (chance < 0.01) return null;
    if (chance < 0.02) return 'folder';
    return chance < 0.03 ? files[pick(Object.keys(files), source)]! : mutate(name, files[name]!, source);
  };
  return new Map([...chosen].map(name => [name, damage(name)]));
}

async function judged(read: () => Promise<unknown>): Promise<[Outcome['result'], string]> {
  try {
    await read();
    return ['accepted', ''];
  } catch (error) {
    // What the command line would print with a stack is a defect.
    if (!(error instanceof IdiolectError))
      return ['failed', error instanceof Error ? String(error.stack) : String(error)];
    const { message } = error;
    if (message.length > LONGEST_MESSAGE)
      return ['failed', `a message of ${message.length} characters: ${error.stack}`];
    if (printable(message, message.length) !== message) return ['failed', `not one printable line: ${error.stack}`];
    // What a schema library says of itself is no sentence.
    if (message.includes('"path":') && message.includes('"code":')) return ['failed', `a raw report: ${error.stack}`];
    return ['refused', message];
  }
}
