/** Row normalisations. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { draw, mapRows, softmaxOf, sum, zip } from '../../../tests/support/array.ts';
import { evaluateBuilt } from '../../../tests/support/evaluate.ts';
import { checkOperator } from '../../../tests/support/gradient.ts';
import { anySeed, anyShape, forAll } from '../../../tests/support/property.ts';
import { float32, floats } from '../../engine/tensor.ts';
import { rmsNorm, softmax } from './normalize.ts';

test('softmax', async () => {
  await forAll(fc.tuple(anyShape, anySeed, fc.boolean()), async ([shape, seed, symbolic]) =>
    checkOperator({
      inputs: { x: draw(shape, seed, -4, 4) },
      symbolic,
      build: (g, { x }) => softmax(g, x!),
      reference: ({ x }) => mapRows(x!, softmaxOf),
    }),
  );
});

test('softmax neither overflows nor sees what a mask hides', async () => {
  const { y } = await evaluateBuilt(g => ({ y: softmax(g, g.input('x', 'float32', [1, 3])) }), {
    x: float32(Float32Array.of(1000, 1000, 1000 - 1e9), [1, 3]),
  });
  expect([...floats(y!)]).toEqual([0.5, 0.5, 0]);
});

test('rmsNorm, with an epsilon large enough to see', async () => {
  const sample = fc.record({
    shape: anyShape.filter(shape => shape.length > 1),
    epsilon: fc.constantFrom(1e-5, 0.25),
    symbolic: fc.boolean(),
    seed: anySeed,
  });
  await forAll(sample, async ({ shape, epsilon, symbolic, seed }) => {
    const width = shape.at(-1)!;
    await checkOperator({
      // Rows of one sign: without epsilon a row at 0 has no direction and the gradient no bound.
      inputs: { x: draw(shape, seed, 0.25, 2), weight: draw([width], seed + 1) },
      declared: symbolic ? { x: [...shape.slice(0, -1).map(size => `n${size}`), width] } : undefined,
      build: (g, { x, weight }) => rmsNorm(g, x!, weight!, epsilon),
      reference: ({ x, weight }) => {
        const normal = mapRows(x!, row => {
          const meanSquare = sum(width, i => row[i]! ** 2) / width;
          return row.map(element => element / Math.sqrt(meanSquare + epsilon));
        });
        return zip(normal, weight!, (a, b) => a * b);
      },
    });
  });
});
