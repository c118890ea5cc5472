/**
 * Training of every weight against PyTorch: the loss of recorded checkpoints and the gradient of each parameter.
 * tests/fixtures/full_gradients.py says how the numbers were made.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../src/model/checkpoint.ts';
import { readFloats, readHeader } from '../../src/model/safetensors.ts';
import { readWeights } from '../../src/model/weights.ts';
import { FullTrainer, initialState } from '../../src/pretraining/full-trainer.ts';
import { fixtureFolder, oneThread, readExpected, relativeDifference } from './support.ts';

// Norm of the difference over the norm of the gradient, per tensor: two float32 computations in different orders of
// summation. Seen: up to 2e-6; ten times that leaves room for another processor's kernels, and no wrong term is so small.
const GRADIENTS = 2e-5;
// A mean of 20 log-probabilities around -5, each with a rounding of some 1e-6.
const LOSS = 2e-5;

describe.each(['llama-mha', 'llama-gqa-tied', 'llama-bias', 'mistral-window', 'qwen3'])('%s', variant => {
  test('loss and the gradient of every parameter, two lengths in one batch', async () => {
    const file = fileURLToPath(new URL(`../fixtures/full_gradients/${variant}.safetensors`, import.meta.url));
    const recorded = await readHeader(file);
    const checkpoint = await openCheckpoint(fixtureFolder(variant));
    const trainer = new FullTrainer(checkpoint.config, initialState(await readWeights(checkpoint)), oneThread);
    const { ids } = await readExpected(variant);
    const loss = await trainer.forwardBackward(ids);
    const expected = (await readFloats(recorded.get('loss')!))[0]!;
    expect(Math.abs(loss - expected)).toBeLessThan(LOSS);
    expect(Math.abs((await trainer.loss(ids)) - expected)).toBeLessThan(LOSS);
    const gradients = trainer.gradients();
    expect([...gradients.keys()].map(name => `grad.${name}`).sort()).toEqual(
      [...recorded.keys()].filter(name => name !== 'loss').sort(),
    );
    for (const [name, gradient] of gradients) {
      const reference = await readFloats(recorded.get(`grad.${name}`)!);
      expect(relativeDifference(gradient, reference), name).toBeLessThan(GRADIENTS);
    }
    await trainer.release();
  });
});
