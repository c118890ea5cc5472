/**
 * A LoRA training step (rank 8 on q and v, batch 4 x 128) against PyTorch + PEFT on the same machine in the same run:
 * median seconds, peak memory and start-up of idiolect on both bases, and of PyTorch in float32 and bfloat16, eager and
 * compiled. PyTorch's best setting is the anchor of every ratio.
 *
 *   node bench/training-step.ts [--python PYTHON] [--shape smollm2-135m|qwen2.5-0.5b] [--completion 128,32]
 *     [--runs 3] [--threads 2] [--folder FOLDER]
 *
 * Without --python (an interpreter with torch, transformers and peft) only idiolect is measured. The sides take turns,
 * so that a busy spell of the machine meets them all. All of them compute the logits of completions alone.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable } from '../src/results/markdown-table.ts';
import { lastLine, median, own } from './measure.ts';
import { SHAPES, type ShapeName, writeShape } from './shapes.ts';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    shape: { type: 'string' },
    completion: { type: 'string', default: '128,32' },
    runs: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    folder: { type: 'string', default: join(tmpdir(), 'idiolect-bench') },
  },
});

interface Measured {
  readonly startup_s: number;
  readonly step_s: readonly number[];
  readonly peak_rss_bytes: number;
}

interface Side {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly steps: number[];
  readonly peaks: number[];
  readonly starts: number[];
}

const side = (name: string, command: string, args: readonly string[]): Side => ({
  name,
  command,
  args,
  steps: [],
  peaks: [],
  starts: [],
});

const ours = (base: string) => side(`idiolect, ${base} base`, process.execPath, [own('step-child.ts'), '--base', base]);

function peer(python: string, precision: string, ...compile: string[]): Side {
  const args = [own('peers/peft_step.py'), '--keep-completion', '--precision', precision, ...compile];
  return side(`PyTorch + PEFT, ${precision}, ${compile.length > 0 ? 'compiled' : 'eager'}`, python, args);
}

function peers(python: string): Side[] {
  return [
    peer(python, 'float32'),
    peer(python, 'float32', '--compile'),
    peer(python, 'bf16'),
    peer(python, 'bf16', '--compile'),
    peer(python, 'bf16-weights', '--compile'),
  ];
}

function rowsOf(sides: readonly Side[]): string[][] {
  const anchors = sides.filter(({ name }) => name.startsWith('PyTorch'));
  const best = Math.min(...anchors.map(({ steps }) => median(steps)));
  const smallest = Math.min(...anchors.map(({ peaks }) => median(peaks)));
  const ratio = (number: number) => (Number.isFinite(number) ? `${number.toFixed(2)}x` : '');
  return sides.map(({ name, steps, peaks, starts }) => [
    name,
    `${median(steps).toFixed(3)} [${Math.min(...steps).toFixed(3)} to ${Math.max(...steps).toFixed(3)}]`,
    ratio(best / median(steps)),
    median(peaks).toFixed(2),
    ratio(median(peaks) / smallest),
    median(starts).toFixed(1),
  ]);
}

const shapes = values.shape ? [values.shape as ShapeName] : (['smollm2-135m', 'qwen2.5-0.5b'] satisfies ShapeName[]);
for (const shape of shapes) {
  if (!(shape in SHAPES)) throw new Error(`--shape: expected one of ${Object.keys(SHAPES).join(', ')}.`);
  const model = join(values.folder, shape);
  await writeShape(model, shape);
  for (const completion of values.completion.split(',')) {
    const sides = [ours('float32'), ours('int8'), ...(values.python ? peers(values.python) : [])];
    for (let i = 0; i < Number(values.runs); i++) {
      for (const { command, args, steps, peaks, starts } of sides) {
        const shared = ['--model', model, '--completion', completion, '--threads', values.threads];
        const measured: Measured = JSON.parse(await lastLine(command, [...args, ...shared]));
        steps.push(median(measured.step_s));
        peaks.push(measured.peak_rss_bytes / 1e9);
        starts.push(measured.startup_s);
      }
    }
    console.log(`\n${shape}, ${completion} of 128 positions are completion; median of ${values.runs} runs\n`);
    console.log(markdownTable(['side', 'step, s', 'speed', 'peak, GB', 'memory', 'start-up, s'], rowsOf(sides)));
  }
}
