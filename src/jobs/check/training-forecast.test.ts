/** What training will take, against what it took. */
import { describe, expect, it } from 'vitest';
import { SHAPES } from '../../../bench/shapes.ts';
import type { LanguageModel } from '../../language-model/language-model.ts';
import { type Checkpoint, weightShapes } from '../../model/checkpoint.ts';
import { parseModelConfig } from '../../model/config.ts';
import type { TensorEntry } from '../../model/safetensors.ts';
import { trainSchema } from '../../runs/settings.ts';
import {
  type BatchShape,
  forecastTraining,
  largestBatch,
  lengthsOf,
  trainingMemory,
  typicalLengths,
} from './training-forecast.ts';

/** A checkpoint of a published shape; only sizes and types are looked at. */
function checkpointOf(shape: 'smollm2-135m' | 'qwen2.5-0.5b', dtype = 'F32'): Pick<Checkpoint, 'config' | 'tensors'> {
  const config = parseModelConfig(SHAPES[shape], shape);
  const bytes = dtype === 'F32' ? 4 : 2;
  const tensors = new Map(
    [...weightShapes(config)].map(([name, dims]): [string, TensorEntry] => {
      const length = bytes * dims.reduce((a, b) => a * b, 1);
      return [name, { name, dtype, shape: dims, file: '', offset: 0, length }];
    }),
  );
  return { config, tensors };
}

const batch = (sequences: number, longest: number, completion: number): BatchShape => ({
  ...{ tokens: sequences * longest, longest, completionTokens: sequences * completion, twoPasses: false },
});

describe('memory of a training step', () => {
  // Largest resident sets of a process that trains rank 8 on q and v: the last two from docs/performance.md, the others
  // measured when the formula was made. Ten per cent is what the engine's arena, which grows in steps, leaves open.
  it.each([
    ['smollm2-135m', 1, 64, 16, 0.86e9],
    ['smollm2-135m', 4, 128, 128, 1.68e9],
    ['smollm2-135m', 4, 128, 32, 1.53e9],
    ['smollm2-135m', 4, 512, 64, 5.18e9],
    ['smollm2-135m', 1, 1024, 100, 4.14e9],
    ['qwen2.5-0.5b', 4, 128, 128, 3.92e9],
    ['qwen2.5-0.5b', 4, 128, 32, 3.59e9],
  ] as const)('of %s, %i x %i tokens, %i of them completion', (shape, sequences, length, completion, measured) => {
    const ratio = trainingMemory(checkpointOf(shape), batch(sequences, length, completion)) / measured;
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.1);
  });

  it('counts half-precision weights once a session, widened', () => {
    const step = batch(1, 2, 1);
    const [full, half] = ['F32', 'BF16'].map(dtype => trainingMemory(checkpointOf('smollm2-135m', dtype), step));
    const weights = 134_515_008 * 4; // parameters of SmolLM2-135M as published, in float32
    expect(half! - full!).toBeCloseTo(weights, -3);
    const twoPasses = trainingMemory(checkpointOf('smollm2-135m', 'BF16'), { ...step, twoPasses: true });
    expect(twoPasses - half!).toBeCloseTo(2 * weights, -3);
  });
});

describe('memory where no texts are known', () => {
  it('is that of ordinary texts, not of the longest there could be', () => {
    const settings = { batchSize: 8, microBatchTokens: 4096 };
    const checkpoint = checkpointOf('smollm2-135m', 'F16');
    // Measured: 6.1 GB for a training on texts of 241 tokens in the middle and 384 at most, eight in a batch.
    const lengths = { p95: 384, longest: 384, completionShare: 0.5 };
    const known = trainingMemory(checkpoint, largestBatch(lengths, settings));
    expect(known / 6.1e9).toBeGreaterThan(0.9);
    expect(known / 6.1e9).toBeLessThan(1.25); // eight of the longest never met in one batch
    const unknown = trainingMemory(checkpoint, largestBatch(typicalLengths(2048), settings));
    expect(unknown).toBeGreaterThan(4e9);
    expect(unknown).toBeLessThan(6.1e9);
    expect(typicalLengths(100)).toMatchObject({ p95: 100, longest: 100 });
  });
});

describe('lengths', () => {
  const example = (tokens: number, promptLength: number, cut = false) => ({
    ...{ ids: new Array<number>(tokens).fill(0), promptLength, promptCut: cut, completionCut: false },
  });

  it('are told by the middle, the longest and what is cut', () => {
    const texts = [...Array.from({ length: 19 }, (_, i) => example(10 + i, 5)), example(400, 100, true)];
    const found = lengthsOf(texts);
    expect(found).toMatchObject({
      texts: 20,
      median: 19,
      p95: 28,
      longest: 400,
      promptsCut: 1 / 20,
      completionsCut: 0,
    });
    expect(found.mean).toBeCloseTo((19 * 19 + 400) / 20, 10);
    expect(found.completionShare).toBeCloseTo((19 * 14 + 300) / (19 * 19 + 400), 10);
  });

  it('say how full the fullest batch is, and whether it takes two passes', () => {
    const lengths = lengthsOf([example(100, 50), example(100, 50), example(300, 150)]);
    const settings = { batchSize: 8, microBatchTokens: 4096 };
    expect(largestBatch(lengths, settings)).toEqual({
      ...{ tokens: 800, longest: 300, completionTokens: 400, twoPasses: false },
    });
    expect(largestBatch(lengths, { ...settings, microBatchTokens: 500 })).toEqual({
      ...{ tokens: 500, longest: 300, completionTokens: 250, twoPasses: true },
    });
    expect(largestBatch(lengths, { ...settings, microBatchTokens: 200 })).toMatchObject({ tokens: 300 });
  });
});

describe('an estimate', () => {
  it('says so where no record is left to train on', async () => {
    const record = { user: 'ada', input: '', output: 'no', label: false };
    const ada = { user: 'ada', train: [], query: [], disliked: [record], repeated: 0, fingerprint: '' };
    const dataset = {
      file: 'd.jsonl',
      fingerprint: '',
      users: new Map([['ada', ada]]),
      split: null,
      leftOut: new Map(),
      notices: [],
    };
    const settings = trainSchema.parse({ model: 'm', data: 'd.jsonl', out: 'o' });
    await expect(forecastTraining({} as LanguageModel, dataset, settings, () => 0)).rejects.toMatchObject({
      ...{ code: 'DATA', message: expect.stringContaining('d.jsonl has no record to train on') },
    });
  });
});
