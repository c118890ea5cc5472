/** `npm run fuzz`: damaged inputs to every reader. Usage: node tests/fuzz/fuzz.ts [inputs] [kind,kind] [seed] */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCorpus } from './corpus.ts';
import { KINDS } from './kind.ts';
import { type FuzzResult, fuzz, type Tally } from './runner.ts';

const [inputs = '10000', names = Object.keys(KINDS).join(), seed = '1'] = process.argv.slice(2);
const kinds = names.split(',');
const unknown = kinds.find(kind => !Object.hasOwn(KINDS, kind));
if (unknown !== undefined || !(Number(inputs) >= kinds.length)) {
  console.error(`expected a number of inputs, then some of ${Object.keys(KINDS).join()}, then a seed`);
  process.exit(2);
}

/** As even as the number allows. */
function share(index: number): number {
  const part = (i: number) => Math.floor((Number(inputs) * i) / kinds.length);
  return part(index + 1) - part(index);
}

/** The beginning and the end: a stack follows the message. */
const short = (text: string) => (text.length > 2_000 ? `${text.slice(0, 400)} ... ${text.slice(-1_500)}` : text);

function print({ tallies }: FuzzResult): void {
  const row = (cells: readonly (string | number)[]) =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(12) : String(cell).padStart(10))).join('');
  console.log(row(['kind', 'inputs', 'refused', 'accepted', 'failures', 'slowest', 'memory']));
  const line = (name: string, { inputs, refused, accepted, failed, slowestMs, peakBytes }: Tally) =>
    console.log(
      row([
        name,
        inputs,
        refused,
        accepted,
        failed,
        `${(slowestMs / 1000).toFixed(2)} s`,
        `${Math.round(peakBytes / 2 ** 20)} MB`,
      ]),
    );
  for (const [kind, tally] of tallies) line(kind, tally);
  const all = [...tallies.values()];
  const sum = (key: keyof Tally) => all.reduce((total, tally) => total + tally[key], 0);
  const most = (key: keyof Tally) => Math.max(...all.map(tally => tally[key]));
  const counts = { inputs: sum('inputs'), refused: sum('refused'), accepted: sum('accepted'), failed: sum('failed') };
  line('all', { ...counts, slowestMs: most('slowestMs'), peakBytes: most('peakBytes') });
}

const folder = await mkdtemp(join(tmpdir(), 'idiolect-fuzz-'));
const corpus = join(folder, 'corpus');
await writeCorpus(corpus, kinds.includes('runs'));
const start = performance.now();
const result = await fuzz({
  counts: Object.fromEntries(kinds.map((kind, i) => [kind, share(i)])),
  ...{ seed: Number(seed), corpus, folder, processes: 2 },
  onProgress: (done, failures) => {
    if (done % 500 === 0) console.error(`${done} inputs, ${failures} failures`);
  },
});
print(result);
console.log(`${Math.round((performance.now() - start) / 1000)} s, seed ${seed}`);
for (const { kind, number, message, folder: kept } of result.failures) {
  console.log(`\n${kind} ${number} (${kept}):\n${short(message)}`);
}
if (result.failures.length === 0) await rm(folder, { recursive: true });
else {
  console.log(`\n${result.failures.length} failures; their inputs are in ${join(folder, 'failures')}`);
  process.exitCode = 1;
}
