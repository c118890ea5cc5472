/**
 * Merged models against PEFT's merge_and_unload (tests/fixtures/merged.py), transformers reading the written folders
 * (tests/fixtures/write-merged.ts), and the adapter applied beside the base in idiolect's own engine.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/common/files.ts';
import { type Adapter, readAdapter } from '../../src/model/adapter.ts';
import { type Checkpoint, openCheckpoint } from '../../src/model/checkpoint.ts';
import { loraScale, matrixName } from '../../src/model/lora.ts';
import { ropeSource } from '../../src/model/rope.ts';
import { readFloats, readHeader } from '../../src/model/safetensors.ts';
import { LOADED, MERGED_VARIANTS, mergedByPeft, writeMerged } from '../fixtures/write-merged.ts';
import { allLogits, fixtureFolder, largestDifference, oneThread, readExpected, temporaryFolders } from './support.ts';

interface Loaded {
  readonly sha256: Readonly<Record<string, string>>;
  readonly dtype: string;
  readonly ids: readonly number[];
  readonly logits: readonly number[];
}

// float32 against float32 in another order of summation, on logits of up to about 20; see checkpoints.test.ts.
const LOGITS = 1e-4;
/** Rounding of one float32 operation, relative to its result. */
const UNIT = 2 ** -24;
/** Distance from a half-precision number to the next, relative to its power of two. */
const SPACING: Readonly<Record<string, number>> = { F16: 2 ** -10, BF16: 2 ** -7 };

const folders = temporaryFolders();
const loaded: Readonly<Record<string, Loaded>> = JSON.parse(await readFile(LOADED, 'utf8'));
const engineOf = (checkpoint: Checkpoint) => {
  return { checkpoint, engine: oneThread, rope: ropeSource(checkpoint.config) };
};

test('every type is merged, and every merged folder was read by transformers', () => {
  expect(Object.keys(loaded)).toEqual(MERGED_VARIANTS);
  const types = new Set(Object.values(loaded).map(({ dtype }) => dtype));
  expect(types).toEqual(new Set(['torch.float32', 'torch.float16', 'torch.bfloat16']));
});

describe.each(MERGED_VARIANTS)('%s', variant => {
  let folder: string;
  let base: Checkpoint;
  let merged: Checkpoint;
  let adapter: Adapter;
  beforeAll(async () => {
    folder = join(await folders(), 'merged');
    await writeMerged(variant, folder);
    base = await openCheckpoint(fixtureFolder(variant));
    merged = await openCheckpoint(folder);
    adapter = await readAdapter(join(base.folder, 'adapter'), base);
  });

  test("the weights are those of PEFT's merge, and no other changed", async () => {
    const peft = await readHeader(mergedByPeft(variant));
    const matrices = new Map(adapter.matrices.map(({ name, data }) => [name, data]));
    const { rank } = adapter.config;
    const scale = loraScale(adapter.config);
    for (const [name, entry] of merged.tensors) {
      const before = await readFloats(base.tensors.get(name)!);
      const ours = await readFloats(entry);
      const theirs = peft.get(name);
      if (!theirs) {
        expect(ours, name).toEqual(before);
        continue;
      }
      expect(entry).toMatchObject({ dtype: theirs.dtype, shape: theirs.shape });
      const recorded = await readFloats(theirs);
      const path = name.replace('.weight', '');
      const [a, b] = [matrices.get(matrixName(path, 'A'))!, matrices.get(matrixName(path, 'B'))!];
      const width = entry.shape[1]!;
      for (let i = 0; i < ours.length; i++) {
        let exact = before[i]!;
        let size = 0; // of the products, signs aside: what float32 rounding in their sum is relative to
        for (let r = 0; r < rank; r++) {
          const product = scale * b[Math.floor(i / width) * rank + r]! * a[r * width + (i % width)]!;
          exact += product;
          size += Math.abs(product);
        }
        // PEFT sums and scales the products in float32, then adds: rank + 1 roundings of the sum, one of the result.
        const peftError = UNIT * ((rank + 1) * size + Math.abs(exact));
        const spacing = SPACING[entry.dtype];
        if (spacing === undefined) {
          // One rounding more is ours.
          expect(Math.abs(ours[i]! - recorded[i]!)).toBeLessThanOrEqual(peftError + UNIT * Math.abs(exact));
        } else if (ours[i] !== recorded[i]) {
          // Ours is the nearest half; PEFT's differs only where its float32 error reaches across a midpoint.
          const step = spacing * 2 ** Math.floor(Math.log2(Math.abs(exact)));
          expect(Math.abs(ours[i]! - recorded[i]!)).toBe(step);
          expect(Math.abs(exact - (ours[i]! + recorded[i]!) / 2)).toBeLessThanOrEqual(peftError);
        }
      }
    }
    expect(peft.size).toBe(adapter.matrices.length / 2);
  });

  test('the files are those transformers has read, and mean the same here', async () => {
    const recorded = loaded[variant]!;
    expect(merged.weightNames).toEqual(Object.keys(recorded.sha256));
    for (const [file, hash] of Object.entries(recorded.sha256)) {
      expect(sha256(await readFile(join(folder, file))), `${file} changed: record it again`).toBe(hash);
    }
    const logits = await allLogits(engineOf(merged), [recorded.ids]);
    const last = logits.subarray(-merged.config.vocabSize);
    expect(largestDifference(last, recorded.logits)).toBeLessThan(LOGITS);
  });

  test('the merged model says what base and adapter say together', async () => {
    const { ids, logits, adapterLogits } = await readExpected(variant);
    const found = await allLogits(engineOf(merged), ids);
    const beside = await allLogits(engineOf(base), ids, adapter);
    const distance = largestDifference(found, beside);
    // In float32 one more rounding of each weight, of the size of those in the sums; in half precision the weights
    // themselves are rounded, so there the merge is only required to be far nearer to the adapter than the base is.
    if (SPACING[[...merged.tensors.values()][0]!.dtype] === undefined) {
      expect(distance).toBeLessThan(LOGITS);
      expect(largestDifference(found, adapterLogits)).toBeLessThan(LOGITS);
    }
    expect(distance).toBeLessThan(0.1 * largestDifference(logits, adapterLogits));
  });
});
