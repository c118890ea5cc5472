/**
 * A LoRA training step (rank 8 on q and v, batch 4 x 128, float32) against PyTorch + PEFT on the same machine in the
 * same run: median seconds, peak memory, start-up, and the share of the engine's own matrix-product rate.
 *
 *   node bench/training-step.ts [--python PYTHON] [--shape smollm2-135m|qwen2.5-0.5b] [--runs 3] [--folder FOLDER]
 *
 * Without --python (an interpreter with torch, transformers and peft) only this side is measured. The sides take
 * turns, so that a busy spell of the machine meets both.
 */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { SHAPES, type ShapeName, writeShape } from './shapes.ts';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    shape: { type: 'string' },
    runs: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    folder: { type: 'string', default: join(tmpdir(), 'idiolect-bench') },
  },
});
const run = promisify(execFile);
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const TOKENS = 4 * 128;

interface Measured {
  readonly startup_s: number;
  readonly step_s: readonly number[];
  readonly peak_rss_bytes: number;
}

interface Contender {
  readonly name: string;
  measure(model: string): Promise<Measured>;
}

async function lastLine(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, args, { maxBuffer: 1 << 26 });
  return stdout.trim().split('\n').at(-1)!;
}

function contenders(completion: number): Contender[] {
  const common = ['--completion', String(completion), '--threads', values.threads];
  const own: Contender = {
    name: 'idiolect',
    measure: async model =>
      JSON.parse(await lastLine(process.execPath, [here('step-child.ts'), '--model', model, ...common])),
  };
  if (!values.python) return [own];
  const peer = (name: string, ...more: string[]): Contender => ({
    name,
    measure: async model =>
      JSON.parse(await lastLine(values.python!, [here('peers/peft_step.py'), '--model', model, ...common, ...more])),
  });
  const plain = peer('PyTorch + PEFT');
  return completion === 128
    ? [own, plain]
    : [own, plain, peer('PyTorch + PEFT, logits of the completion only', '--keep-completion')];
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

/** Floating-point operations of the matrix products of one step: forward and the gradient towards the input. */
function stepFlops(shape: ShapeName, completion: number): number {
  const { hidden_size: h, intermediate_size: inner, num_hidden_layers: layers, ...config } = SHAPES[shape];
  const keyWidth = (h / config.num_attention_heads) * config.num_key_value_heads;
  const perToken = 2 * h * h + 2 * h * keyWidth + 3 * h * inner;
  return 4 * (layers * perToken * TOKENS + config.vocab_size * h * 4 * completion);
}

const shapes = values.shape ? [values.shape as ShapeName] : (Object.keys(SHAPES) as ShapeName[]);
for (const shape of shapes) {
  const model = join(values.folder, shape);
  await writeShape(model, shape);
  for (const completion of [128, 32]) {
    const sides = contenders(completion).map(side => ({
      ...side,
      steps: [] as number[],
      peaks: [] as number[],
      starts: [] as number[],
    }));
    const rates: number[] = [];
    for (let i = 0; i < Number(values.runs); i++) {
      rates.push(
        JSON.parse(await lastLine(process.execPath, [here('matmul-child.ts'), '--threads', values.threads])).gflops,
      );
      for (const side of sides) {
        const { step_s, peak_rss_bytes, startup_s } = await side.measure(model);
        side.steps.push(median(step_s));
        side.peaks.push(peak_rss_bytes / 1e9);
        side.starts.push(startup_s);
      }
    }
    const rate = median(rates);
    console.log(`\n${shape}, ${completion} of 128 positions are completion; median of ${values.runs} runs`);
    console.log(`  matrix product of the engine, 512 x 1536 x 576: ${rate.toFixed(0)} GFLOP/s`);
    const [own] = sides as [(typeof sides)[number]];
    for (const side of sides) {
      const step = median(side.steps);
      const peak = median(side.peaks);
      const share = stepFlops(shape, completion) / step / 1e9 / rate;
      const ratios =
        side === own
          ? `${(100 * share).toFixed(0)}% of that rate`
          : `idiolect has ${(step / median(own.steps)).toFixed(2)}x the speed, ${(median(own.peaks) / peak).toFixed(2)}x the memory`;
      console.log(
        `  ${side.name}: step ${step.toFixed(3)} s [${Math.min(...side.steps).toFixed(3)} to ${Math.max(...side.steps).toFixed(3)}], ` +
          `peak ${peak.toFixed(2)} GB, start-up ${median(side.starts).toFixed(2)} s; ${ratios}`,
      );
    }
  }
}
