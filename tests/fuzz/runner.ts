/** Reads inputs in processes that can be lost: one that hangs, dies or takes too much memory is noted and replaced. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Outcome, Task } from './input.ts';

export const LONGEST_MS = 10_000;
export const MOST_BYTES = 2 * 2 ** 30;

export interface FuzzOptions {
  /** Inputs of each kind. */
  readonly counts: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly corpus: string;
  /** A folder of ours; what failed stays in it. */
  readonly folder: string;
  readonly processes: number;
  readonly onProgress?: (done: number, failures: number) => void;
}

/** What came of the inputs of a kind. */
export interface Tally {
  inputs: number;
  refused: number;
  accepted: number;
  failed: number;
  slowestMs: number;
  /** Of a process that read them. */
  peakBytes: number;
}

export interface Failure {
  readonly kind: string;
  readonly number: number;
  readonly message: string;
  /** Holds the input as it was. */
  readonly folder: string;
}

export interface FuzzResult {
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly failures: readonly Failure[];
}

export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { counts, seed, corpus, folder, onProgress } = options;
  const tallies = new Map<string, Tally>();
  const failures: Failure[] = [];
  const tasks = Object.entries(counts).flatMap(([kind, count]) => {
    tallies.set(kind, { inputs: 0, refused: 0, accepted: 0, failed: 0, slowestMs: 0, peakBytes: 0 });
    return Array.from({ length: count }, (_, number) => ({
      ...{ kind, number, seed, corpus },
      folder: join(folder, 'inputs', `${kind}-${number}`),
    }));
  });
  let next = 0;
  let done = 0;
  const work = async () => {
    const reader = new Reader();
    try {
      for (let task = tasks[next++]; task; task = tasks[next++]) {
        const outcome = await tryTwice(reader, task);
        const tally = tallies.get(task.kind)!;
        tally.inputs++;
        tally[outcome.result]++;
        tally.slowestMs = Math.max(tally.slowestMs, outcome.milliseconds);
        tally.peakBytes = Math.max(tally.peakBytes, outcome.peakBytes);
        if (outcome.result === 'failed') failures.push(await keep(task, outcome, folder));
        await rm(task.folder, { recursive: true, force: true });
        onProgress?.(++done, failures.length);
      }
    } finally {
      reader.end();
    }
  };
  await Promise.all(Array.from({ length: options.processes }, work));
  return { tallies, failures };
}

/** A machine that is busy makes inputs late: too late is only what is so a second time. */
async function tryTwice(reader: Reader, task: Task): Promise<Outcome> {
  const outcome = await reader.read(task);
  if (outcome.result !== 'failed' || outcome.milliseconds < LONGEST_MS) return outcome;
  await rm(task.folder, { recursive: true, force: true });
  return reader.read(task);
}

async function keep({ kind, number, ...task }: Task, { message }: Outcome, folder: string): Promise<Failure> {
  const kept = join(folder, 'failures', `${kind}-${number}`);
  await mkdir(join(folder, 'failures'), { recursive: true });
  await rename(task.folder, kept);
  await writeFile(`${kept}.txt`, `${message}\n`);
  return { kind, number, message, folder: kept };
}

class Reader {
  #child: ChildProcess | undefined;

  async read(task: Task): Promise<Outcome> {
    await mkdir(task.folder, { recursive: true });
    this.#child ??= start();
    const child = this.#child;
    const began = performance.now();
    const outcome = await new Promise<Outcome>(resolve => {
      const failed = (message: string) =>
        resolve({ result: 'failed', message, milliseconds: performance.now() - began, peakBytes: 0 });
      const late = () => failed(`no end after ${LONGEST_MS / 1000} seconds`);
      const watch = setTimeout(late, LONGEST_MS);
      child.removeAllListeners();
      child.once('message', outcome => resolve(outcome as Outcome));
      child.once('exit', (code, signal) => failed(`the process ended with ${signal ?? `code ${code}`}`));
      child.send(task, error => error && failed(error.message));
      child.once('message', () => clearTimeout(watch)).once('exit', () => clearTimeout(watch));
    });
    const isTooLarge = outcome.peakBytes > MOST_BYTES;
    // Its peak never falls again, and what hung or died reads no more.
    if (isTooLarge || outcome.peakBytes === 0) this.end();
    if (!isTooLarge) return outcome;
    const gigabytes = (outcome.peakBytes / 2 ** 30).toFixed(1);
    return { ...outcome, result: 'failed', message: `${gigabytes} GB of memory; ${outcome.message}` };
  }

  end(): void {
    this.#child?.removeAllListeners();
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

function start(): ChildProcess {
  const heap = `--max-old-space-size=${MOST_BYTES / 2 ** 20}`;
  const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));
  return fork(worker, [], { execArgv: [heap], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}
