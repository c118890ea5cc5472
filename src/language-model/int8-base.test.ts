/** The 8-bit base: near float32 where it counts, made once, and the same bytes every time. */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cosineOf, movedFromZero } from '../../recipes/gradient-cosine.ts';
import { fixtureFolder, oneThread, temporaryFolders } from '../../tests/parity/support.ts';
import { contentOf } from '../../tests/support/workspace.ts';
import { random } from '../common/random.ts';
import { type Checkpoint, openCheckpoint } from '../model/checkpoint.ts';
import { initialMatrices, loraConfigSchema } from '../model/lora.ts';
import { ropeSource } from '../model/rope.ts';
import { sft } from '../objectives/index.ts';
import { BatchGradients, type TrainingExample } from '../training/batch-gradient.ts';
import { withInt8Base } from './int8-base.ts';

const temporary = temporaryFolders();

const stories = fileURLToPath(new URL('../../../shared/models/stories260k/', import.meta.url));

/** What the 8-bit weights are made and tried with: ids of the model's vocabulary. */
function sequences({ config }: Checkpoint, count: number, length = 24): number[][] {
  const source = random(count, 'sequences');
  return Array.from({ length: count }, () => Array.from({ length }, () => source.integer(config.vocabSize)));
}

async function gradientOf(checkpoint: Checkpoint): Promise<Float32Array[]> {
  const model = { checkpoint, engine: oneThread, rope: ropeSource(checkpoint.config) };
  const lora = loraConfigSchema.parse({ rank: 4 });
  const matrices = movedFromZero(initialMatrices(lora, checkpoint.linears, random(0, 'lora')));
  const objective = sft();
  const gradients = new BatchGradients(model, lora, objective, 1 << 20);
  const batch = sequences(checkpoint, 8).map(
    (ids): TrainingExample => ({ ids, promptLength: 8, group: 'target', referenceLogProb: 0 }),
  );
  const found = await gradients.compute(batch, { matrices, objective, state: objective.initialState });
  await gradients.release();
  return found.gradients;
}

const trained = existsSync(stories) ? [stories] : [];
if (trained.length === 0) console.log('skipped: the model stories260k is not beside the project');

// .99 is the bound that the method needs (docs/performance.md). Random weights have no large channels, so they are
// easier than trained ones; they are here for their shapes: biases, norms of queries and keys, stored halves, shards.
test.each([
  ...trained,
  ...['qwen2', 'qwen3', 'llama-gqa-tied', 'llama-bias', 'llama-bf16', 'llama-sharded'].map(fixtureFolder),
])('the LoRA gradient on %s points where that of float32 does', async folder => {
  const checkpoint = await openCheckpoint(folder);
  const int8 = await withInt8Base(checkpoint, sequences(checkpoint, 2), oneThread, { cache: await temporary() });
  const [exact, near] = [await gradientOf(checkpoint), await gradientOf(int8)];
  expect(cosineOf(exact, near)).toBeGreaterThanOrEqual(0.99);
  expect(near).not.toEqual(exact);
});

test('a base is made once a cache, and has the same bytes in every cache', async () => {
  const checkpoint = await openCheckpoint(fixtureFolder('qwen2'));
  const [cache, another] = [await temporary(), await temporary()];
  const notices: string[] = [];
  const onNotice = (message: string) => notices.push(message);
  const texts = sequences(checkpoint, 2);
  await withInt8Base(checkpoint, texts, oneThread, { cache, onNotice });
  const [folder] = await readdir(join(cache, 'int8'));
  const file = join(cache, 'int8', folder!, 'base.safetensors');
  const { mtimeMs } = await stat(file);
  await withInt8Base(checkpoint, texts, oneThread, { cache, onNotice });
  expect((await stat(file)).mtimeMs).toBe(mtimeMs);
  expect(notices).toEqual([
    `preparing the 8-bit base of ${checkpoint.name}; it is kept in ${join(cache, 'int8', folder!)}`,
  ]);
  await withInt8Base(checkpoint, texts, oneThread, { cache: another });
  expect(await contentOf(another)).toEqual(await contentOf(cache));
  // Any reader of safetensors can open it: the header is as long as the file says.
  const bytes = await readFile(file);
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString());
  expect(header.__metadata__).toMatchObject({ model: checkpoint.fingerprint });
});

test('stopped while it is made, it leaves nothing', async () => {
  const checkpoint = await openCheckpoint(fixtureFolder('qwen2'));
  const cache = await temporary();
  const stopped = withInt8Base(checkpoint, sequences(checkpoint, 2), oneThread, {
    cache,
    signal: AbortSignal.abort(),
  });
  await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(await contentOf(cache)).toEqual({});
});

test('another device is refused by name', async () => {
  const checkpoint = await openCheckpoint(fixtureFolder('qwen2'));
  await expect(withInt8Base(checkpoint, [], { device: 'webgpu', threads: 1 })).rejects.toThrow(
    '`base` int8 needs `device` cpu, and it is webgpu. Use float32.',
  );
});
