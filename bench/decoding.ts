/**
 * Greedy decoding of many prompts: tokens a second at several batch sizes, against one sequence at a time in the same
 * run. The sizes take turns, so that a busy spell of the machine meets all; seconds of the processor are told beside
 * those of the clock, as on a shared machine only they compare.
 *
 *   node bench/decoding.ts [--model FOLDER | --shape starter-7m] [--batches 1,8,32] [--prompt 64] [--new 64]
 *     [--sequences 32] [--rounds 3] [--threads 2] [--top-p P] [--folder FOLDER]
 *
 * With --top-p the tokens are sampled at temperature 1 instead.
 */
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { random } from '../src/common/random.ts';
import { openCheckpoint } from '../src/model/checkpoint.ts';
import { ropeSource } from '../src/model/rope.ts';
import { type DecodingTask, Generator } from '../src/runtime/generator.ts';
import { sampleToken } from '../src/runtime/sampler.ts';
import { type ShapeName, writeShape } from './shapes.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    shape: { type: 'string', default: 'starter-7m' },
    batches: { type: 'string', default: '1,8,32' },
    prompt: { type: 'string', default: '64' },
    new: { type: 'string', default: '64' },
    sequences: { type: 'string', default: '32' },
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
const generator = await Generator.create(checkpoint, engine, ropeSource(config));
const topP = Number(values['top-p'] ?? 1);
const temperature = values['top-p'] === undefined ? 0 : 1;

/** Prompts of half to three halves of the length, and as many new tokens for each. */
function tasks(count: number): DecodingTask[] {
  const source = random(1, 'prompts');
  const length = Number(values.prompt);
  return Array.from({ length: count }, (_, i) => {
    const own = random(1, `${i}`);
    let left = Number(values.new);
    return {
      prompt: Array.from({ length: Math.ceil(length * (0.5 + source.uniform())) }, () =>
        source.integer(config.vocabSize),
      ),
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

async function measure(batchSize: number): Promise<Seconds> {
  const before = process.cpuUsage();
  const start = performance.now();
  for await (const _ of generator.decode(tasks(Number(values.sequences)), { batchSize }));
  const { user, system } = process.cpuUsage(before);
  return { clock: (performance.now() - start) / 1e3, processor: (user + system) / 1e6 };
}

const batches = values.batches.split(',').map(Number);
const seen = new Map<number, Seconds[]>(batches.map(size => [size, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const size of batches) seen.get(size)!.push(await measure(size));
}
await generator.release();

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
const tokens = Number(values.sequences) * Number(values.new);
const rate = (size: number, kind: keyof Seconds) => tokens / median(seen.get(size)!.map(seconds => seconds[kind]));
console.log(`${folder}, ${values.sequences} prompts of about ${values.prompt} tokens, ${values.new} new ones each,`);
console.log(
  `${values.threads} threads, load ${loadavg()[0]!.toFixed(1)}: new tokens a second (prompts' reading included)`,
);
for (const size of batches) {
  const [clock, processor] = [rate(size, 'clock'), rate(size, 'processor')];
  const times = `${(clock / rate(batches[0]!, 'clock')).toFixed(2)}x`;
  const ofProcessor = `${(processor / rate(batches[0]!, 'processor')).toFixed(2)}x`;
  console.log(
    `  batch ${String(size).padStart(3)}: ${clock.toFixed(0).padStart(7)} (${times}); ` +
      `a second of the processor ${processor.toFixed(0).padStart(7)} (${ofProcessor})`,
  );
}
