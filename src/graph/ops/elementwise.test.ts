/** Elementwise operators: values and gradients over shapes that broadcast, and what takes no gradient. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { draw, map, type NdArray, zip } from '../../../tests/support/array.ts';
import { evaluateBuilt } from '../../../tests/support/evaluate.ts';
import { checkOperator } from '../../../tests/support/gradient.ts';
import { anySeed, anyShape, broadcastingShapes, forAll } from '../../../tests/support/property.ts';
import { float32, floats } from '../../engine/tensor.ts';
import { gradients } from '../differentiate.ts';
import { Graph, type Value } from '../graph.ts';
import {
  add,
  and,
  cast,
  detach,
  div,
  exp,
  greater,
  lessOrEqual,
  log,
  mul,
  neg,
  relu,
  scale,
  sigmoid,
  softplus,
  sqrt,
  sub,
  where,
} from './elementwise.ts';

/** Numbers of both signs at a distance from 0, where relu has a kink and 1/x no derivative. */
const awayFromZero = (x: NdArray) =>
  map(x, element => Math.fround(Math.sign(element || 1) * (0.5 + Math.abs(element))));
const positive = (x: NdArray) => map(x, element => Math.fround(0.5 + Math.abs(element)));
const asDrawn = (x: NdArray) => x;

describe('binary operators broadcast, and sum the gradient of what was stretched', () => {
  test.each<[string, typeof add, (x: number, y: number) => number, (x: NdArray) => NdArray]>([
    ['add', add, (x, y) => x + y, asDrawn],
    ['sub', sub, (x, y) => x - y, asDrawn],
    ['mul', mul, (x, y) => x * y, asDrawn],
    ['div', div, (x, y) => x / y, awayFromZero],
  ])('%s', async (_, op, f, domain) => {
    await forAll(fc.tuple(broadcastingShapes, anySeed, fc.boolean()), async ([[left, right], seed, symbolic]) =>
      checkOperator({
        inputs: { a: draw(left, seed), b: domain(draw(right, seed + 1)) },
        symbolic,
        build: (g, { a, b }) => op(g, a!, b!),
        reference: ({ a, b }) => zip(a!, b!, f),
      }),
    );
  });

  test('one value on both sides receives both gradients', async () => {
    await forAll(fc.tuple(anyShape, anySeed), async ([shape, seed]) =>
      checkOperator({
        inputs: { x: draw(shape, seed) },
        build: (g, { x }) => sub(g, mul(g, x!, x!), add(g, x!, x!)),
        reference: ({ x }) => map(x!, v => v * v - 2 * v),
      }),
    );
  });
});

describe('unary operators', () => {
  const logistic = (x: number) => 1 / (1 + Math.exp(-x));
  test.each<[string, (g: Graph, x: Value) => Value, (x: number) => number, (x: NdArray) => NdArray]>([
    ['neg', neg, x => -x, asDrawn],
    ['exp', exp, Math.exp, asDrawn],
    ['log', log, Math.log, positive],
    ['sqrt', sqrt, Math.sqrt, positive],
    ['sigmoid', sigmoid, logistic, asDrawn],
    ['softplus', softplus, x => Math.log1p(Math.exp(x)), asDrawn],
    ['relu', relu, x => Math.max(0, x), awayFromZero],
    ['scale', (g, x) => scale(g, x, -2.5), x => -2.5 * x, asDrawn],
    ['scale by 1', (g, x) => neg(g, scale(g, x, 1)), x => -x, asDrawn],
  ])('%s', async (_, op, f, domain) => {
    await forAll(
      fc.tuple(anyShape, anySeed, fc.boolean()),
      async ([shape, seed, symbolic]) =>
        checkOperator({
          inputs: { x: domain(draw(shape, seed)) },
          symbolic,
          build: (g, { x }) => op(g, x!),
          reference: ({ x }) => map(x!, f),
        }),
      12,
    );
  });

  test('softplus and sigmoid neither overflow nor lose their gradient far from 0', async () => {
    const x = Float32Array.of(-100, -20, 0, 20, 100);
    const results = await evaluateBuilt(
      g => {
        const input = g.input('x', 'float32', [5]);
        const y = softplus(g, input);
        const [dx] = gradients(g, y, [input], g.constant(new Float32Array(5).fill(1), [5]));
        return { y, dx: dx! };
      },
      { x: float32(x, [5]) },
    );
    // e^-20 is 2e-9: seven decimals tell it from nothing that matters beside 20.
    const near = (numbers: number[]) => numbers.map(number => expect.closeTo(number, 7));
    expect([...floats(results.y!)]).toEqual(near([0, Math.exp(-20), Math.LN2, 20, 100]));
    expect([...floats(results.dx!)]).toEqual(near([0, Math.exp(-20), 0.5, 1, 1]));
  });

  test('relu has gradient 0 at 0', async () => {
    const results = await evaluateBuilt(
      g => {
        const x = g.input('x', 'float32', [3]);
        return { dx: gradients(g, relu(g, x), [x], g.constant(Float32Array.of(5, 5, 5), [3]))[0]! };
      },
      { x: float32(Float32Array.of(-1, 0, 1), [3]) },
    );
    expect([...floats(results.dx!)]).toEqual([0, 0, 5]);
  });
});

describe('what changes the flow of gradients', () => {
  test('cast to another float type and back hands the gradient through', async () => {
    // Eighths up to 2 are exact in half precision and in bfloat16, so nothing is rounded on the way.
    const eighths = (seed: number) => map(draw([3, 2], seed), x => Math.round(x * 8) / 8);
    for (const narrow of ['float16', 'bfloat16'] as const) {
      await checkOperator({
        inputs: { x: eighths(1) },
        seed: eighths(2),
        build: (g, { x }) => cast(g, cast(g, x!, narrow), 'float32'),
        reference: ({ x }) => x!,
      });
    }
  });

  test('cast to an integer lets nothing back', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [2]);
    const y = mul(g, cast(g, cast(g, x, 'int64'), 'float32'), g.scalar(2));
    expect(() => gradients(g, y, [x], g.constant(new Float32Array(2), [2]))).toThrow(/does not depend on "x"/);
  });

  test('cast to the same type is the value itself', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [2]);
    expect(cast(g, x, 'float32')).toBe(x);
  });

  test('detach keeps the value and stops the gradient: d(x detach(x)) = detach(x)', async () => {
    const x = draw([2, 3], 4);
    await checkOperator({
      inputs: { x },
      build: (g, inputs) => mul(g, inputs.x!, detach(g, inputs.x!)),
      // The reference holds the second factor still while the first one moves.
      reference: inputs => zip(inputs.x!, x, (a, b) => a * b),
    });
  });
});

test('masks: greater, lessOrEqual, and, where', async () => {
  const a = draw([4, 1], 7);
  const b = draw([3], 8);
  const results = await evaluateBuilt(
    g => {
      const left = g.input('a', 'float32', [4, 1]);
      const right = g.input('b', 'float32', [3]);
      const both = and(g, greater(g, left, right), lessOrEqual(g, right, g.scalar(0.5)));
      return { y: where(g, both, left, right) };
    },
    { a: float32(Float32Array.from(a.data), [4, 1]), b: float32(Float32Array.from(b.data), [3]) },
  );
  expect([...floats(results.y!)]).toEqual([...zip(a, b, (x, y) => (x > y && y <= 0.5 ? x : y)).data]);
});
