/** SwiGLU: silu(gate) up. */
import fc from 'fast-check';
import { test } from 'vitest';
import { draw, zip } from '../../../tests/support/array.ts';
import { checkOperator } from '../../../tests/support/gradient.ts';
import { anySeed, anyShape, forAll } from '../../../tests/support/property.ts';
import { swiglu } from './activation.ts';

test('swiglu', async () => {
  await forAll(fc.tuple(anyShape, anySeed, fc.boolean()), async ([shape, seed, symbolic]) =>
    checkOperator({
      inputs: { gate: draw(shape, seed, -6, 6), up: draw(shape, seed + 1) },
      symbolic,
      build: (g, { gate, up }) => swiglu(g, gate!, up!),
      reference: ({ gate, up }) => zip(gate!, up!, (x, y) => (x / (1 + Math.exp(-x))) * y),
    }),
  );
});
