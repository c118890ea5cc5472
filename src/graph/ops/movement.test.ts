/** Operators that move elements: reshape, transpose, gather, concat, expand, and sizes found at run time. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { at, draw, type NdArray, sizeOfShape, tabulate } from '../../../tests/support/array.ts';
import { evaluateBuilt } from '../../../tests/support/evaluate.ts';
import { checkOperator, tensor } from '../../../tests/support/gradient.ts';
import { anySeed, anyShape, forAll, size } from '../../../tests/support/property.ts';
import { Session } from '../../engine/session.ts';
import { float32, floats, int64 } from '../../engine/tensor.ts';
import { gradients } from '../differentiate.ts';
import { Graph } from '../graph.ts';
import type { Shape } from '../shape.ts';
import { expandLike, reshape, shapeOf } from './broadcast.ts';
import { concat, gather, gatherDistinct, range, sizeOf, transpose } from './movement.ts';

describe('reshape', () => {
  test('keeps the elements in order', async () => {
    const factors = fc.array(size, { minLength: 1, maxLength: 4 });
    // Neighbouring factors multiplied together: another shape of the same size.
    const merged = (shape: readonly number[]) => [sizeOfShape(shape.slice(0, 2)), ...shape.slice(2)];
    await forAll(fc.tuple(factors, anySeed, fc.boolean()), async ([shape, seed, grow]) => {
      const [from, to] = grow ? [merged(shape), shape] : [shape, merged(shape)];
      await checkOperator({
        inputs: { x: draw(from, seed) },
        build: (g, { x }) => reshape(g, x!, to),
        reference: ({ x }) => ({ shape: to, data: x!.data }),
      });
    });
  });

  test.each<[Shape, Shape]>([
    [
      ['n', 6],
      ['n', 2, 3],
    ],
    [
      ['n', 6],
      ['2*n', 3],
    ],
    [
      ['n', 6],
      [6, 'n'],
    ],
    [['n', 2, 3], ['6*n']],
    [
      ['n', 'm', 2],
      ['n', '2*m'],
    ],
  ])('finds the size that is not known: %j to %j', async (from, to) => {
    const sizes: Record<string, number> = { n: 3, m: 4, '2*n': 6, '6*n': 18, '2*m': 8 };
    const known = (shape: Shape) => shape.map(dim => (typeof dim === 'number' ? dim : sizes[dim]!));
    await checkOperator({
      inputs: { x: draw(known(from), 3) },
      declared: { x: from },
      build: (g, { x }) => reshape(g, x!, to),
      reference: ({ x }) => ({ shape: known(to), data: x!.data }),
    });
  });

  test('refuses another number of elements, and two sizes to find', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', ['n', 'm', 6]);
    expect(() => reshape(g, x, ['n', 'm', 5])).toThrow('Reshape: [n, m, 6] has other elements than [n, m, 5].');
    expect(() => reshape(g, x, ['m', 'n', 6])).toThrow(
      'Reshape: [m, n, 6] leaves more than one size to find from [n, m, 6].',
    );
  });
});

test('transpose', async () => {
  const permuted = anyShape.chain(shape =>
    fc.tuple(
      fc.constant(shape),
      fc.shuffledSubarray(
        shape.map((_, axis) => axis),
        { minLength: shape.length },
      ),
      anySeed,
      fc.boolean(),
    ),
  );
  await forAll(permuted, async ([shape, permutation, seed, symbolic]) =>
    checkOperator({
      inputs: { x: draw(shape, seed) },
      symbolic,
      build: (g, { x }) => transpose(g, x!, permutation),
      reference: ({ x }) =>
        tabulate(
          permutation.map(axis => shape[axis]!),
          index =>
            at(
              x!,
              shape.map((_, axis) => index[permutation.indexOf(axis)]!),
            ),
        ),
    }),
  );
});

describe('gather', () => {
  const gathered = (table: NdArray, indices: readonly number[], shape: readonly number[]): NdArray => {
    const rest = table.shape.slice(1);
    const width = sizeOfShape(rest);
    return {
      shape: [...shape, ...rest],
      data: Float64Array.from(indices.flatMap(row => [...table.data.subarray(row * width, (row + 1) * width)])),
    };
  };

  test('a row read more than once receives the gradient of every reading, one never read none', async () => {
    const indexed = fc
      .tuple(anyShape, fc.array(size, { minLength: 1, maxLength: 2 }))
      .chain(([table, shape]) =>
        fc.tuple(
          fc.constant(table),
          fc.constant(shape),
          fc.array(fc.nat(table[0]! - 1), { minLength: sizeOfShape(shape), maxLength: sizeOfShape(shape) }),
          anySeed,
          fc.boolean(),
        ),
      );
    await forAll(
      indexed,
      async ([table, shape, indices, seed, symbolic]) =>
        checkOperator({
          inputs: { table: draw(table, seed) },
          constants: { indices: int64(indices, shape) },
          symbolic,
          build: (g, inputs) => gather(g, inputs.table!, inputs.indices!),
          reference: inputs => gathered(inputs.table!, indices, shape),
        }),
      25,
    );
  });
});

describe('expandLike', () => {
  test('stretches axes of size 1 and sums their gradient', async () => {
    const stretched = fc.tuple(fc.array(fc.tuple(size, fc.boolean()), { minLength: 1, maxLength: 4 }), fc.nat(3));
    await forAll(fc.tuple(stretched, anySeed, fc.boolean()), async ([[axes, dropped], seed, symbolic]) => {
      const to = axes.map(([n]) => n);
      const from = axes.map(([n, stretch]) => (stretch ? 1 : n)).slice(Math.min(dropped, axes.length - 1));
      await checkOperator({
        inputs: { x: draw(from, seed) },
        constants: { like: tensor(draw(to, seed)) },
        symbolic,
        build: (g, { x, like }) => expandLike(g, x!, like!),
        reference: ({ x }) => tabulate(to, index => at(x!, index)),
      });
    });
  });
});

describe('the gradient of gather', () => {
  test('loses nothing of a row that is read many times, on several threads', async () => {
    // Regression: ONNX Runtime's ScatterND adds from several threads without a lock.
    const count = 60_000;
    const g = new Graph();
    const table = g.input('table', 'float32', [3, 4]);
    const rows = gather(g, table, g.input('rows', 'int64', ['n']));
    g.output('gradient', gradients(g, rows, [table], g.input('seed', 'float32', ['n', 4]))[0]!);
    const session = await Session.create(g, { device: 'cpu', threads: 2 });
    const results = await session.run({
      table: float32(new Float32Array(12), [3, 4]),
      rows: int64(Array.from({ length: count }, (_, i) => i % 3)),
      seed: float32(new Float32Array(4 * count).fill(1), [count, 4]),
    });
    await session.release();
    expect([...floats(results.gradient!)]).toEqual(new Array(12).fill(count / 3));
  });

  test('puts distinct rows back in their places', async () => {
    const results = await evaluateBuilt(
      g => {
        const table = g.input('table', 'float32', [3, 2]);
        const rows = gatherDistinct(g, table, g.integers([2, 0]));
        return { gradient: gradients(g, rows, [table], g.constant(Float32Array.of(1, 2, 3, 4), [2, 2]))[0]! };
      },
      { table: tensor(draw([3, 2], 1)) },
    );
    expect([...floats(results.gradient!)]).toEqual([3, 4, 0, 0, 1, 2]);
  });
});

describe('concat', () => {
  test('joins along any axis', async () => {
    const parts = fc.tuple(fc.tuple(size, size, size), fc.integer({ min: -3, max: 2 }), size, anySeed);
    await forAll(parts, async ([shape, axis, other, seed]) => {
      const along = axis < 0 ? axis + 3 : axis;
      const a = draw(shape, seed);
      const b = draw(shape.with(along, other), seed + 1);
      const { y } = await evaluateBuilt(
        g => ({
          y: concat(g, [g.input('a', 'float32', a.shape), g.input('b', 'float32', b.shape)], axis),
        }),
        { a: tensor(a), b: tensor(b) },
      );
      const expected = tabulate(shape.with(along, shape[along]! + other), index => {
        const past = index[along]! - shape[along]!;
        return past < 0 ? at(a, index) : at(b, index.with(along, past));
      });
      expect(y!.dims).toEqual(expected.shape);
      expect([...floats(y!)]).toEqual([...expected.data]);
    });
  });

  test('names the joined size', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', ['n', 2]);
    const y = g.input('y', 'float32', ['m', 2]);
    expect(concat(g, [x, x, x], 0).shape).toEqual(['3*n', 2]);
    expect(concat(g, [x, y], 0).shape).toEqual(['n+m', 2]);
    expect(concat(g, [x, x], 1).shape).toEqual(['n', 4]);
  });

  test('refuses parts that differ beside the axis', () => {
    const g = new Graph();
    const parts = [g.input('x', 'float32', ['n', 2]), g.input('y', 'float32', ['n', 3])];
    expect(() => concat(g, parts, 0)).toThrow('Concat: [n, 2] and [n, 3] differ beside axis 0.');
  });

  test('has no gradient, and says so', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [2]);
    const y = concat(g, [x, x], 0);
    expect(() => gradients(g, y, [x], g.constant(new Float32Array(4), [4]))).toThrow(
      'Concat has no gradient rule, but a wanted gradient passes it.',
    );
  });
});

test('shapeOf, sizeOf and range find sizes at run time, and at once where they are known', async () => {
  const results = await evaluateBuilt(
    g => {
      const x = g.input('x', 'float32', ['n', 3]);
      const count = sizeOf(g, x, -2);
      return { shape: shapeOf(g, x), count, range: range(g, count, 'n') };
    },
    { x: tensor(draw([4, 3], 1)) },
  );
  expect(results.shape!.data).toEqual(BigInt64Array.of(4n, 3n));
  expect(results.count!.data).toEqual(BigInt64Array.of(4n));
  expect(results.range!.data).toEqual(BigInt64Array.of(0n, 1n, 2n, 3n));
  const g = new Graph();
  shapeOf(g, g.input('x', 'float32', [4, 3]));
  expect(g.nodes).toEqual([]);
});
