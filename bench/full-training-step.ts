/**
 * A training step of every weight of a small Llama (seven million parameters, batch 8 x 256, float32) against PyTorch in
 * eager mode, in the same run: seconds, tokens per second, processor seconds and peak memory, medians.
 *
 *   node bench/full-training-step.ts [--python PYTHON] [--runs 3] [--steps 7] [--threads 2] [--folder FOLDER]
 *
 * Without --python (an interpreter with torch and transformers) only this side is measured. The sides take turns, so
 * that a busy spell of the machine meets both; processor seconds with --threads 1 hold on a busy machine too.
 */
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lastLine, median, own } from './measure.ts';
import { writeShape } from './shapes.ts';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    runs: { type: 'string', default: '3' },
    steps: { type: 'string', default: '7' },
    threads: { type: 'string', default: '2' },
    folder: { type: 'string', default: join(tmpdir(), 'idiolect-bench') },
  },
});
const TOKENS = 8 * 256;

interface Measured {
  readonly step_s: readonly number[];
  readonly cpu_s: readonly number[];
  readonly peak_rss_bytes: number;
}

const model = join(values.folder, 'starter-7m');
await writeShape(model, 'starter-7m');
const args = ['--model', model, '--steps', values.steps, '--threads', values.threads];
const sides = [
  { name: 'idiolect', command: process.execPath, script: own('full-step-child.ts') },
  ...(values.python ? [{ name: 'PyTorch', command: values.python, script: own('peers/full_step.py') }] : []),
].map(side => ({ ...side, steps: [] as number[], cpu: [] as number[], peaks: [] as number[] }));
for (let i = 0; i < Number(values.runs); i++) {
  for (const side of sides) {
    const measured: Measured = JSON.parse(await lastLine(side.command, [side.script, ...args]));
    side.steps.push(median(measured.step_s));
    side.cpu.push(median(measured.cpu_s));
    side.peaks.push(measured.peak_rss_bytes / 1e9);
  }
}
console.log(`load ${loadavg()[0]!.toFixed(1)}, ${values.threads} threads; median of ${values.runs} runs`);
const [ours] = sides as [(typeof sides)[number]];
for (const side of sides) {
  const [step, cpu, peak] = [median(side.steps), median(side.cpu), median(side.peaks)];
  const ratio =
    side === ours
      ? ''
      : `; idiolect has ${(step / median(ours.steps)).toFixed(2)}x the speed, ${(cpu / median(ours.cpu)).toFixed(2)}x by processor time`;
  console.log(
    `  ${side.name}: step ${step.toFixed(3)} s [${Math.min(...side.steps).toFixed(3)} to ${Math.max(...side.steps).toFixed(3)}], ` +
      `${(TOKENS / step).toFixed(0)} tokens/s, processor ${cpu.toFixed(3)} s, peak ${peak.toFixed(2)} GB${ratio}`,
  );
}
