/** Matrices in 8 bits: every weight within half a step, in the layout of the product it is for. */
import { expect, test } from 'vitest';
import { random } from '../../common/random.ts';
import { quantizeBackward, quantizeForward } from './quantize.ts';
import { smoothingFactors } from './smoothing.ts';

// Larger than a tile in both directions, and no multiple of one.
const [OUTPUTS, INPUTS] = [70, 133];
const source = random(1, 'weights');
const weight = Float32Array.from({ length: OUTPUTS * INPUTS }, () => source.normal());
weight.fill(0, 3 * INPUTS, 4 * INPUTS); // an output that is always 0
for (let o = 0; o < OUTPUTS; o++) weight[o * INPUTS + 5] = 0; // an input that is not read

/** Half a step, and float32's own rounding of the scale. */
const HALF = 0.5001;

test('forward: transposed, divided by the factors, a scale for each output', () => {
  const factors = Float32Array.from({ length: INPUTS }, (_, i) => 2 ** ((i % 7) - 3));
  const { values, scale } = quantizeForward(weight, factors);
  expect(scale).toHaveLength(OUTPUTS);
  for (let o = 0; o < OUTPUTS; o++) {
    for (let i = 0; i < INPUTS; i++) {
      const stands = values[i * OUTPUTS + o]! * scale[o]!;
      expect(Math.abs(stands - weight[o * INPUTS + i]! / factors[i]!)).toBeLessThanOrEqual(HALF * scale[o]!);
    }
  }
});

test('backward: as it is, a scale for each input', () => {
  const { values, scale } = quantizeBackward(weight, INPUTS);
  expect(scale).toHaveLength(INPUTS);
  weight.forEach((number, at) => {
    const step = scale[at % INPUTS]!;
    expect(Math.abs(values[at]! * step - number)).toBeLessThanOrEqual(HALF * step);
  });
});

test('factors are powers of two that even a large channel out', () => {
  const range = Float32Array.of(1, 100, 0, 1);
  const factors = smoothingFactors(range, Float32Array.of(1, 1, 1, 0), 0.7);
  expect([...factors]).toEqual([1, 2 ** Math.round(-0.7 * Math.log2(100)), 1, 1]);
});
