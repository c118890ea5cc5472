/** Matrix products in every transposition, with a factor and an addend. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { at, draw, matrixProduct, tabulate } from '../../../tests/support/array.ts';
import { checkOperator } from '../../../tests/support/gradient.ts';
import { anySeed, forAll, size } from '../../../tests/support/property.ts';
import { Graph } from '../graph.ts';
import { gemm, linear, matmul } from './matmul.ts';

const sample = fc.record({
  m: size,
  k: size,
  n: size,
  batch: fc.array(size, { minLength: 1, maxLength: 2 }),
  transA: fc.boolean(),
  transB: fc.boolean(),
  alpha: fc.constantFrom(1, -0.5, 3),
  addend: fc.constantFrom('none', 'vector', 'matrix'),
  symbolic: fc.boolean(),
  seed: anySeed,
});

test('gemm', async () => {
  await forAll(
    sample,
    async ({ m, k, n, transA, transB, alpha, addend, symbolic, seed }) =>
      checkOperator({
        inputs: {
          a: draw(transA ? [k, m] : [m, k], seed),
          b: draw(transB ? [n, k] : [k, n], seed + 1),
          ...(addend !== 'none' && { c: draw(addend === 'vector' ? [n] : [m, n], seed + 2) }),
        },
        symbolic,
        build: (g, { a, b, c }) => gemm(g, a!, b!, { transA, transB, alpha, addend: c }),
        reference: ({ a, b, c }) => {
          const y = matrixProduct(a!, b!, { transA, transB, alpha });
          return c ? tabulate(y.shape, index => at(y, index) + at(c, index)) : y;
        },
      }),
    40,
  );
});

test('linear is x Wᵀ + bias', async () => {
  await forAll(sample, async ({ m, k, n, seed }) =>
    checkOperator({
      inputs: { x: draw([m, k], seed), weight: draw([n, k], seed + 1), bias: draw([n], seed + 2) },
      declared: { x: ['tokens', k] },
      build: (g, { x, weight, bias }) => linear(g, x!, weight!, bias!),
      reference: ({ x, weight, bias }) => {
        const y = matrixProduct(x!, weight!, { transB: true });
        return tabulate(y.shape, index => at(y, index) + at(bias!, index));
      },
    }),
  );
});

test('matmul', async () => {
  await forAll(
    sample,
    async ({ m, k, n, batch, transA, transB, alpha, symbolic, seed }) =>
      checkOperator({
        inputs: {
          a: draw([...batch, ...(transA ? [k, m] : [m, k])], seed),
          b: draw([...batch, ...(transB ? [n, k] : [k, n])], seed + 1),
        },
        symbolic,
        build: (g, { a, b }) => matmul(g, a!, b!, { transA, transB, alpha }),
        reference: ({ a, b }) => matrixProduct(a!, b!, { transA, transB, alpha }),
      }),
    40,
  );
});

describe('shapes that do not fit', () => {
  const input = (g: Graph, ...shape: (number | string)[]) => g.input(shape.join(), 'float32', shape);

  test('inner sizes', () => {
    const g = new Graph();
    expect(() => gemm(g, input(g, 2, 3), input(g, 4, 5))).toThrow(
      'Gemm: inner sizes 3 and 4 differ for [2, 3] and [4, 5].',
    );
    expect(() => gemm(g, input(g, 'n', 3), input(g, 'm', 4), { transA: true })).toThrow(
      'Gemm: inner sizes n and m differ for [n, 3] and [m, 4].',
    );
    expect(() => matmul(g, input(g, 7, 2, 3), input(g, 7, 2, 5))).toThrow(
      'MatMul: inner sizes 3 and 2 differ for [7, 2, 3] and [7, 2, 5].',
    );
  });

  test('an addend', () => {
    const g = new Graph();
    const [a, b] = [input(g, 2, 3), input(g, 3, 4)];
    expect(() => gemm(g, a, b, { addend: input(g, 5) })).toThrow(
      'Gemm: shapes [5] and [2, 4] do not broadcast: 5 against 4.',
    );
    expect(() => gemm(g, a, b, { addend: input(g, 7, 2, 4) })).toThrow(
      'Gemm: the addend [7, 2, 4] does not fit the product [2, 4].',
    );
  });

  test('ranks and leading dimensions', () => {
    const g = new Graph();
    expect(() => gemm(g, input(g, 2, 3, 4), input(g, 4))).toThrow('Gemm: needs two matrices, got [2, 3, 4] and [4].');
    expect(() => matmul(g, input(g, 2, 3, 5), input(g, 3, 5, 4))).toThrow(
      'MatMul: [2, 3, 5] and [3, 5, 4] need equal leading dimensions.',
    );
  });
});
