/** Reductions over any axes, with and without keeping them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { at, draw, type NdArray, sum, tabulate, zip } from '../../../tests/support/array.ts';
import { evaluateBuilt } from '../../../tests/support/evaluate.ts';
import { checkOperator, expectClose, tensor } from '../../../tests/support/gradient.ts';
import { anySeed, anyShape, broadcastingShapes, forAll } from '../../../tests/support/property.ts';
import { floats } from '../../engine/tensor.ts';
import { gradients } from '../differentiate.ts';
import { Graph } from '../graph.ts';
import { reduceSum, sumTo } from './broadcast.ts';
import { reduceMax, reduceMean, reduceSumSquare } from './reduce.ts';

const reduction = anyShape.chain(shape =>
  fc.record({
    shape: fc.constant(shape),
    axes: fc.subarray(
      shape.map((_, axis) => axis),
      { minLength: 1 },
    ),
    fromEnd: fc.boolean(),
    keep: fc.boolean(),
    symbolic: fc.boolean(),
    seed: anySeed,
  }),
);

/** f over the elements of each group that falls onto one element of the result. */
function reduceBy(x: NdArray, axes: readonly number[], keep: boolean, f: (group: number[]) => number): NdArray {
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const groupShape = x.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
  const values = tabulate(kept, index => {
    const group = tabulate(groupShape, offset =>
      at(
        x,
        index.map((i, axis) => i + offset[axis]!),
      ),
    );
    return f([...group.data]);
  });
  return keep ? values : { ...values, shape: x.shape.filter((_, axis) => !axes.includes(axis)) };
}

const total = (group: number[]) => sum(group.length, i => group[i]!);

describe('gradients spread over the reduced axes', () => {
  test.each<[string, typeof reduceSum, (group: number[]) => number]>([
    ['reduceSum', reduceSum, total],
    ['reduceMean', reduceMean, group => total(group) / group.length],
    ['reduceSumSquare', reduceSumSquare, group => total(group.map(x => x * x))],
  ])('%s', async (name, op, f) => {
    // A mean needs sizes that are known; putting two named axes back around a reduced one is refused by reshape.
    const named = (keep: boolean) => keep && name !== 'reduceMean';
    await forAll(reduction, async ({ shape, axes, fromEnd, keep, symbolic, seed }) =>
      checkOperator({
        inputs: { x: draw(shape, seed) },
        symbolic: symbolic && named(keep),
        build: (g, { x }) => op(g, x!, { axes: fromEnd ? axes.map(axis => axis - shape.length) : axes, keep }),
        reference: ({ x }) => reduceBy(x!, axes, keep, f),
      }),
    );
  });
});

test('reduceMax', async () => {
  await forAll(reduction, async ({ shape, axes, keep, seed }) => {
    const x = draw(shape, seed);
    const { y } = await evaluateBuilt(g => ({ y: reduceMax(g, g.input('x', 'float32', shape), { axes, keep }) }), {
      x: tensor(x),
    });
    const expected = reduceBy(x, axes, keep, group => Math.max(...group));
    expect([...floats(y!)]).toEqual([...expected.data]);
    expect(y!.dims).toEqual(expected.shape);
  });
});

test('sumTo is the transpose of broadcasting: <a, sumTo(b)> = <broadcast(a), b>', async () => {
  await forAll(fc.tuple(broadcastingShapes, anySeed), async ([[shape, other], seed]) => {
    const a = draw(shape, seed);
    const b = zip(a, draw(other, seed + 1), (_, y) => y);
    fc.pre(b.shape.join() !== shape.join());
    const { y } = await evaluateBuilt(g => ({ y: sumTo(g, g.input('b', 'float32', b.shape), shape) }), {
      b: tensor(b),
    });
    expect(y!.dims).toEqual(shape);
    const dot = (left: NdArray, right: NdArray) => zip(left, right, (x, y) => x * y).data.reduce((p, q) => p + q, 0);
    expectClose('product', [dot(a, { shape, data: Float64Array.from(floats(y!)) })], [dot(a, b)]);
  });
});

test('an axis that is not there is refused', () => {
  const g = new Graph();
  const x = g.input('x', 'float32', ['n', 3]);
  for (const axis of [2, -3, 0.5]) {
    expect(() => reduceSum(g, x, { axes: [axis] })).toThrow(`ReduceSum: axis ${axis} is outside a tensor of rank 2.`);
  }
});

test('a sum over the named axis of a batch spreads its gradient at run time', async () => {
  await checkOperator({
    inputs: { x: draw([3, 4], 1) },
    declared: { x: ['n', 4] },
    build: (g, { x }) => reduceSum(g, reduceSum(g, x!, { axes: [1] }), { axes: [0], keep: true }),
    reference: ({ x }) => ({ shape: [1], data: Float64Array.of(total([...x!.data])) }),
  });
});

test('the gradient of a mean needs a size that is known', () => {
  const g = new Graph();
  const x = g.input('x', 'float32', ['n']);
  expect(() => gradients(g, reduceMean(g, x, { axes: [0] }), [x], g.scalar(1))).toThrow(/unknown size/);
});
