import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { estimateOverlap, overlapSchema } from './estimate.ts';
import { readEstimates, writeEstimates } from './estimates-file.ts';

test('estimates read from a file and written again give the same bytes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'idiolect-test-'));
  const [first, second] = ['first.json', 'second.json'].map(name => join(folder, name)) as [string, string];
  const few = [Float32Array.of(1, 0)];
  const estimate = estimateOverlap(few, few, overlapSchema.parse({}), { seed: 0, label: 'ada' });
  await writeEstimates(first, new Map([['ada', estimate]]));
  const read = await readEstimates(first);
  expect(read).toEqual(new Map([['ada', estimate]]));
  await writeEstimates(second, read!);
  expect(await readFile(second, 'utf8')).toBe(await readFile(first, 'utf8'));
});
