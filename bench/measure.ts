/** What the benchmarks share: processes that end with a line of JSON and medians. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file of this folder. */
export const own = (file: string) => fileURLToPath(new URL(file, import.meta.url));

export async function lastLine(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, args, { maxBuffer: 1 << 26 });
  return stdout.trim().split('\n').at(-1)!;
}

export const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
