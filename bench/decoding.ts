/**
 * Greedy decoding of many prompts: tokens a second at several batch sizes, against one sequence at a time in the same
 * run. The sizes take turns, so that a busy spell of the machine meets all; seconds of the processor are told beside
 * those of the clock, as on a shared machine only they compare.
 *
 *   node bench/decoding.ts [--model FOLDER | --shape starter-7m] [--batches 1,8,32] [--prompt 64] [--new 64]
 *     [--sequences 32] [--texts 1] [--rounds 3] [--threads 2] [--top-p P] [--folder FOLDER]
 *
 * With --top-p the tokens are sampled at temperature 1 instead. With --texts N each prompt is that of N sequences; the last
 * batch size is then measured once more with those in a row, where they share the reading of it.
 */
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { random } from '../src/common/random.ts';
import { type DecodingTask, Generator } from '../src/language-model/generator.ts';
import { sampleToken } from '../src/language-model/sampler.ts';
import { openCheckpoint } from '../src/model/checkpoint.ts';
import { ropeSource } from '../src/model/rope.ts';
import { median } from './measure.ts';
import { type ShapeName, writeShape } from './shapes.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    shape: { type: 'string', default: 'starter-7m' },
    batches: { type: 'string', default: '1,8,32' },
    prompt: { type: 'string', default: '64' },
    new: { type: 'string', default: '64' },
    sequences: { type: 'string', default: '32' },
    texts: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    'top-p': { type: 'string' },
    folder: { type: 'string', default: join(tmpdir(), 'idiolect-bench') },
  },
});

const folder = values.model ?? join(values.folder, values.shape);
if (!values.model) await writeShape(folder, values.shape as ShapeName);
const checkpoint = await openCheckpoint(folder);
const { config } = checkpoint;
const engine = { device: 'cpu', threads: Number(values.threads) } as const;
const generator = await Generator.create({ checkpoint, engine, rope: ropeSource(config) });
const topP = Number(values['top-p'] ?? 1);
const temperature = values['top-p'] === undefined ? 0 : 1;

const count = Number(values.sequences);
const texts = Number(values.texts);

/** Prompts of half to three halves of the length, and as many new tokens for each. */
function tasks(areInARow: boolean): DecodingTask[] {
  const source = random(1, 'prompts');
  const prompts = Array.from({ length: Math.ceil(count / texts) }, () => {
    const length = Math.ceil(Number(values.prompt) * (0.5 + source.uniform()));
    return Array.from({ length }, () => source.integer(config.vocabSize));
  });
  return Array.from({ length: count }, (_, i) => {
    const own = random(1, `${i}`);
    let left = Number(values.new);
    return {
      prompt: prompts[areInARow ? Math.floor(i / texts) : i % prompts.length]!,
      choose(logits) {
        const next = sampleToken(logits, { temperature, topP }, own);
        return left-- > 0 ? next : null;
      },
    };
  });
}

interface Seconds {
  readonly clock: number;
  readonly processor: number;
}

interface Case {
  readonly name: string;
  readonly batchSize: number;
  readonly areInARow: boolean;
  readonly seen: Seconds[];
}

async function measure({ batchSize, areInARow }: Case): Promise<Seconds> {
  const before = process.cpuUsage();
  const start = performance.now();
  for await (const _ of generator.decode(tasks(areInARow), { batchSize }));
  const { user, system } = process.cpuUsage(before);
  return { clock: (performance.now() - start) / 1e3, processor: (user + system) / 1e6 };
}

const batches = values.batches.split(',').map(Number);
const cases: Case[] = batches.map(batchSize => ({
  ...{ name: `batch ${batchSize}`, batchSize, areInARow: false, seen: [] },
}));
if (texts > 1) cases.push({ ...cases.at(-1)!, name: `the same, ${texts} in a row`, areInARow: true, seen: [] });
for (let round = 0; round < Number(values.rounds); round++) for (const one of cases) one.seen.push(await measure(one));
await generator.release();

const rate = ({ seen }: Case, kind: keyof Seconds) =>
  (count * Number(values.new)) / median(seen.map(seconds => seconds[kind]));
console.log(`${folder}, ${count} prompts of about ${values.prompt} tokens, ${values.new} new ones each,`);
console.log(
  `${values.threads} threads, load ${loadavg()[0]!.toFixed(1)}: new tokens a second (prompts' reading included)`,
);
const width = Math.max(...cases.map(({ name }) => name.length));
for (const one of cases) {
  const [clock, processor] = [rate(one, 'clock'), rate(one, 'processor')];
  const times = `${(clock / rate(cases[0]!, 'clock')).toFixed(2)}x`;
  const ofProcessor = `${(processor / rate(cases[0]!, 'processor')).toFixed(2)}x`;
  console.log(
    `  ${one.name.padStart(width)}: ${clock.toFixed(0).padStart(7)} (${times}); ` +
      `a second of the processor ${processor.toFixed(0).padStart(7)} (${ofProcessor})`,
  );
}
