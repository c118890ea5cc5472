/** The cache gives back what was computed, bit for bit, and survives being cut off anywhere. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { temporaryFolders } from '../../tests/parity/support.ts';
import { random } from '../common/random.ts';
import type { EmbeddedText, Embedder } from './embedder.ts';
import { CachedEmbedder } from './embedding-cache.ts';

const folders = temporaryFolders();
const text = (i: number): EmbeddedText => ({ prompt: `prompt ${i % 3}`, completion: `completion ${i}` });

/** Random vectors by text, any bit pattern that is a number, and a list of what was computed. */
function counting(name = 'counting', width = 5): Embedder & { readonly computed: string[] } {
  const computed: string[] = [];
  return {
    name,
    width,
    computed,
    async embed({ prompt, completion }) {
      computed.push(completion);
      const source = random(1, `${name} ${prompt} ${completion}`);
      const patterns = Uint32Array.from({ length: width }, () => source.bits());
      return new Float32Array(patterns.buffer).map(value => (Number.isNaN(value) ? -0 : value));
    },
    async close() {},
  };
}

async function embedAll(folder: string, inner: Embedder, count: number): Promise<Float32Array[]> {
  const cached = await CachedEmbedder.open(folder, inner);
  const vectors: Float32Array[] = [];
  for (let i = 0; i < count; i++) vectors.push(await cached.embed(text(i)));
  await cached.close();
  return vectors;
}

const bits = (vectors: readonly Float32Array[]) => vectors.map(vector => [...new Uint32Array(vector.buffer)]);

test('a hit is what a miss was, bit for bit, in this session and in the next', async () => {
  const folder = await folders();
  const [first, second] = [counting(), counting()];
  const cached = await CachedEmbedder.open(folder, first);
  const missed = await cached.embed(text(0));
  const again = await cached.embed(text(0));
  await cached.close();
  const later = await embedAll(folder, second, 1);
  expect(bits([again, ...later])).toEqual(bits([missed, missed]));
  expect([first.computed.length, second.computed.length]).toEqual([1, 0]);
});

test('what a caller does to a vector stays with the caller', async () => {
  const cached = await CachedEmbedder.open(await folders(), counting());
  const missed = await cached.embed(text(0));
  const kept = missed.slice();
  missed.fill(0);
  (await cached.embed(text(0))).fill(0);
  expect(await cached.embed(text(0))).toEqual(kept);
  await cached.close();
});

test('prompt and completion are two things', async () => {
  const inner = counting();
  const cached = await CachedEmbedder.open(await folders(), inner);
  await cached.embed({ prompt: 'ab', completion: 'c' });
  await cached.embed({ prompt: 'a', completion: 'bc' });
  expect(inner.computed).toEqual(['c', 'bc']);
  await cached.close();
});

test('another embedder finds nothing of the first', async () => {
  const folder = await folders();
  await embedAll(folder, counting('first'), 3);
  const second = counting('second');
  await embedAll(folder, second, 3);
  expect(second.computed).toHaveLength(3);
});

test('two sessions at once append to one file, and both are found', async () => {
  const folder = await folders();
  const [one, other, third] = [counting(), counting(), counting()];
  const a = await CachedEmbedder.open(folder, one);
  const b = await CachedEmbedder.open(folder, other);
  await a.embed(text(0));
  await b.embed(text(1));
  await b.close();
  await a.close();
  await embedAll(folder, third, 2);
  expect(third.computed).toEqual([]);
});

test('a file cut anywhere, or with anything after the cut, loses only the rows it cuts', async () => {
  const folder = await folders();
  const file = join(folder, 'embeddings', 'counting.f32');
  const vectors = await embedAll(folder, counting(), 6);
  const whole = await readFile(file);
  const rowLength = whole.length / 6;
  const cut = fc.nat(whole.length);
  const junk = fc.uint8Array({ maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(cut, junk, async (at, after) => {
      await writeFile(file, whole.subarray(0, at));
      await appendFile(file, after);
      await appendFile(file, whole.subarray(whole.length - rowLength));
      const inner = counting();
      expect(bits(await embedAll(folder, inner, 6))).toEqual(bits(vectors));
      const kept = Math.floor(at / rowLength);
      expect(inner.computed).toEqual([0, 1, 2, 3, 4, 5].slice(kept, 5).map(i => text(i).completion));
      const healed = counting();
      await embedAll(folder, healed, 6);
      expect(healed.computed).toEqual([]);
    }),
    { numRuns: 40 },
  );
});
