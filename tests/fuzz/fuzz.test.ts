/** A few hundred damaged inputs at every run of the tests, the same each time; `npm run fuzz` tries ten thousand. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { random } from '../../src/common/random.ts';
import { writeCorpus } from './corpus.ts';
import { writeFiles } from './input.ts';
import { KINDS } from './kind.ts';
import { mutate } from './mutate.ts';
import { fuzz } from './runner.ts';

const names = Object.keys(KINDS);
let folder: string;
let corpus: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-fuzz-test-'));
  corpus = join(folder, 'corpus');
  await writeCorpus(corpus, true);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('readers', () => {
  it.each(names)('of %s accept what is sound', async kind => {
    const load = await KINDS[kind]!();
    for (const [i, reading] of (await load(corpus)).entries()) {
      const input = join(folder, `${kind}-${i}`);
      await writeFiles(input, reading.files);
      await reading.read(input).catch(error => {
        throw new Error(`${reading.name}: ${error.message}`, { cause: error });
      });
    }
  });

  it('refuse what is damaged with one sentence, or accept it: no stack, no hang, no 2 GB', async () => {
    const counts = Object.fromEntries(names.map(kind => [kind, 44]));
    const { tallies, failures } = await fuzz({ counts, seed: 7, corpus, folder, processes: 2 });
    expect(failures).toEqual([]);
    for (const { refused, accepted } of tallies.values()) expect(refused + accepted).toBe(44);
    // The damage is neither lost nor so coarse that all of it is seen at once.
    const sum = (key: 'refused' | 'accepted') => [...tallies.values()].reduce((total, tally) => total + tally[key], 0);
    expect(sum('refused')).toBeGreaterThan(100);
    expect(sum('accepted')).toBeGreaterThan(30);
  });
});

describe('damage', () => {
  const sound = Buffer.from('{"user":"ada","input":"x","output":[1,2]}\n{"user":"grace","input":"y","output":[]}\n');

  it('is the same for the same seed, and another for another', () => {
    const drawn = (seed: number) =>
      Array.from({ length: 20 }, (_, i) => mutate('a.jsonl', sound, random(seed, `${i}`)));
    expect(drawn(1)).toEqual(drawn(1));
    expect(new Set(drawn(1).map(bytes => bytes.toString('base64'))).size).toBeGreaterThan(15);
    expect(drawn(2)).not.toEqual(drawn(1));
  });
});
