/**
 * Dropout on the LoRA branch, as PEFT defines it: y = Wx + scale B A (x mask / (1 - p)). The masks are inputs of the
 * training graph, one row for each packed token, so that what they must do can be said exactly.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { random } from '../../src/common/random.ts';
import { Session } from '../../src/engine/session.ts';
import { floats, uint8 } from '../../src/engine/tensor.ts';
import { packBatch } from '../../src/language-model/batch.ts';
import type { LanguageModel } from '../../src/language-model/language-model.ts';
import { loraFeeds } from '../../src/language-model/scorer.ts';
import type { Adapter } from '../../src/model/adapter.ts';
import { keepName, type LoraConfig, type LoraMatrices, loraConfigSchema, matrixShapes } from '../../src/model/lora.ts';
import { sft } from '../../src/objectives/sft.ts';
import { trainingGraph } from '../../src/training/graphs.ts';
import { openVariant, readExpected, relativeDifference, temporaryFolders } from './support.ts';

// The same float32 products with a factor in another place; gradients are compared by norm, as in checkpoints.test.ts.
const SAME = 1e-5;
const P = 0.25;

const folders = temporaryFolders();
let model: LanguageModel;
let sequences: { ids: readonly number[]; promptLength: number }[];
beforeAll(async () => {
  model = await openVariant('qwen3', await folders());
  const expected = await readExpected('qwen3');
  sequences = expected.ids.map((ids, s) => ({ ids, promptLength: expected.promptLengths[s]! }));
});
afterAll(() => model.close());

/** Every linear layer of both layers, the last one too, of which only the rows asked for are computed. */
function adapterOf(loraDropout: number): Adapter {
  const config = loraConfigSchema.parse({ targetModules: 'all-linear', rank: 4, loraDropout });
  const source = random(9);
  const matrices = matrixShapes(config, model.checkpoint.linears).map(({ name, shape }) => ({
    name,
    shape,
    data: Float32Array.from({ length: shape[0] * shape[1] }, () => 0.15 * source.normal()),
  }));
  return { config, matrices };
}

/** A's multiplied by a factor. */
const scaledA = (matrices: LoraMatrices, factor: number): LoraMatrices =>
  matrices.map(matrix =>
    matrix.name.endsWith('lora_A.weight') ? { ...matrix, data: matrix.data.map(x => x * factor) } : matrix,
  );

/** Loss and gradients with masks that say what is kept: (path, packed row, column). */
async function lossAndGradients(
  config: LoraConfig,
  matrices: LoraMatrices,
  kept?: (path: string, row: number, column: number) => boolean,
) {
  const { checkpoint, engine, rope } = model;
  const objective = sft();
  const session = await Session.create(trainingGraph(checkpoint, config, objective), engine, checkpoint.weightsFolder);
  const packed = packBatch(sequences, rope);
  const masks = checkpoint.linears.map(({ path, inWidth }) => {
    const mask = Uint8Array.from({ length: packed.tokens * inWidth }, (_, i) =>
      kept?.(path, Math.floor(i / inWidth), i % inWidth) === false ? 0 : 1,
    );
    return [keepName(path), uint8(mask, [packed.tokens, inWidth])] as const;
  });
  const feeds = {
    ...packed.feeds,
    ...loraFeeds(matrices),
    ...Object.fromEntries(masks),
    ...objective.feeds(
      packed.completionLengths.map(completionTokens => ({
        group: 'target',
        weight: 1,
        referenceLogProb: 0,
        completionTokens,
      })),
      {},
    ),
  };
  const results = await session.run(feeds);
  const gradients = matrices.map(({ name }) => floats(results[`gradient.${name}`]!).slice());
  await session.release();
  return { loss: floats(results.loss!)[0]!, gradients, selected: Array.from(packed.feeds.selected!.data, Number) };
}

describe('masks', () => {
  test('all kept is the adapter with A / (1 - p)', async () => {
    const { config, matrices } = adapterOf(P);
    const dropped = await lossAndGradients(config, matrices);
    const plain = await lossAndGradients(adapterOf(0).config, scaledA(matrices, 1 / (1 - P)));
    expect(Math.abs(dropped.loss / plain.loss - 1)).toBeLessThan(SAME);
    matrices.forEach(({ name }, i) => {
      // d L / d A carries the factor of the mask; d L / d B sees the same product either way
      const factor = name.endsWith('lora_A.weight') ? 1 / (1 - P) : 1;
      const theirs = plain.gradients[i]!.map(x => x * factor);
      expect(relativeDifference(dropped.gradients[i]!, theirs), name).toBeLessThan(SAME);
    });
  });

  test('none kept is the base model, and nothing is learnt', async () => {
    const { config, matrices } = adapterOf(P);
    const dropped = await lossAndGradients(config, matrices, () => false);
    const base = await lossAndGradients(adapterOf(0).config, scaledA(matrices, 0));
    expect(dropped.loss).toBeCloseTo(base.loss, 5);
    for (const gradient of dropped.gradients) expect(gradient.every(x => x === 0)).toBe(true);
  });

  test('columns dropped everywhere are columns of A that are zero', async () => {
    const { config, matrices } = adapterOf(P);
    const dropped = await lossAndGradients(config, matrices, (_, __, column) => column % 3 !== 0);
    const thinned = matrices.map(matrix =>
      matrix.name.endsWith('lora_A.weight')
        ? { ...matrix, data: matrix.data.map((x, i) => ((i % matrix.shape[1]) % 3 === 0 ? 0 : x / (1 - P))) }
        : matrix,
    );
    const plain = await lossAndGradients(adapterOf(0).config, thinned);
    expect(Math.abs(dropped.loss / plain.loss - 1)).toBeLessThan(SAME);
  });

  test('a row’s mask is that row’s: in the last layer’s feed-forward only rows that are asked for matter', async () => {
    const { config, matrices } = adapterOf(P);
    const whole = await lossAndGradients(config, matrices);
    const late = (path: string) => path.includes('layers.1.') && !/[qkv]_proj/.test(path);
    const others = await lossAndGradients(config, matrices, (path, row) => !late(path) || whole.selected.includes(row));
    expect(others.loss).toBe(whole.loss);
    const own = await lossAndGradients(config, matrices, (path, row) => !late(path) || !whole.selected.includes(row));
    const without = matrices.map(matrix =>
      late(matrix.name) ? { ...matrix, data: new Float32Array(matrix.data.length) } : matrix,
    );
    const none = await lossAndGradients(config, without);
    expect(own.loss).toBeCloseTo(none.loss, 5);
    expect(Math.abs(own.loss - whole.loss)).toBeGreaterThan(1e-3);
  });
});
