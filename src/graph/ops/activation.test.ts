/** SwiGLU: silu(gate) up. GEGLU: gelu(gate) up. */
import fc from 'fast-check';
import { test } from 'vitest';
import { draw, zip } from '../../../tests/support/array.ts';
import { checkOperator } from '../../../tests/support/gradient.ts';
import { anySeed, anyShape, forAll } from '../../../tests/support/property.ts';
import { geglu, swiglu } from './activation.ts';

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

/** By its series of positive terms, exact to the last digits: 2/sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!. */
function erf(x: number): number {
  let term = x;
  let sum = 0;
  for (let n = 1; n < 200; n++) {
    sum += term;
    term *= (2 * x * x) / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

test.each([
  ['exact', (x: number) => (x * (1 + erf(x / Math.SQRT2))) / 2],
  ['tanh', (x: number) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2],
] as const)('geglu, %s', async (form, gelu) => {
  await forAll(fc.tuple(anyShape, anySeed, fc.boolean()), async ([shape, seed, symbolic]) =>
    checkOperator({
      inputs: { gate: draw(shape, seed, -6, 6), up: draw(shape, seed + 1) },
      symbolic,
      build: (g, { gate, up }) => geglu(g, gate!, up!, form),
      reference: ({ gate, up }) => zip(gate!, up!, (x, y) => gelu(x) * y),
    }),
  );
});
