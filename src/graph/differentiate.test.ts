/** Reverse mode over whole expressions: sums over every path, frozen branches left alone, and clear refusals. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { draw, zip } from '../../tests/support/array.ts';
import { anySteps, graphValues, plainValues } from '../../tests/support/expression.ts';
import { checkOperator } from '../../tests/support/gradient.ts';
import { anySeed, forAll } from '../../tests/support/property.ts';
import { IdiolectError } from '../common/errors.ts';
import { gradients } from './differentiate.ts';
import { Graph } from './graph.ts';
import { add, exp, mul, neg, where } from './ops/elementwise.ts';
import { gemm } from './ops/matmul.ts';
import { concat } from './ops/movement.ts';
import { reduceMax } from './ops/reduce.ts';

test('the gradients of any expression agree with finite differences', async () => {
  const sample = fc.record({ steps: anySteps, seed: anySeed });
  await forAll(
    sample,
    async ({ steps, seed }) =>
      checkOperator({
        inputs: Object.fromEntries(['a', 'b', 'c'].map((name, i) => [name, draw([2, 2], seed + i, -1, 1)])),
        // Every input is added to the last value, so that it depends on each.
        build: (g, { a, b, c }) => {
          const last = graphValues(g, [a!, b!, c!], steps).at(-1)!;
          return [a!, b!, c!].reduce((sum, input) => add(g, sum, input), last);
        },
        reference: ({ a, b, c }) => {
          const last = plainValues([a!, b!, c!], steps).at(-1)!;
          return [a!, b!, c!].reduce((sum, input) => zip(sum, input, (x, y) => x + y), last);
        },
      }),
    60,
  );
});

describe('what is not asked for', () => {
  test('is not made: the gradient of x W with respect to x alone is one product', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', ['n', 3]);
    const y = gemm(g, exp(g, g.input('frozen', 'float32', ['n', 3])), g.input('w', 'float32', [3, 3]), { addend: x });
    const before = g.nodes.length;
    const seed = g.input('seed', 'float32', y.shape);
    expect(gradients(g, y, [x], seed)).toEqual([seed]);
    expect(g.nodes).toHaveLength(before);
  });

  test('may pass operators without a gradient', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [2]);
    const shift = reduceMax(g, g.input('other', 'float32', [2]), { axes: [0] });
    expect(() => gradients(g, add(g, x, shift), [x], g.constant(new Float32Array(2), [2]))).not.toThrow();
  });
});

describe('refusals name what is in the way', () => {
  const refusal = (build: (g: Graph) => unknown): IdiolectError => {
    try {
      build(new Graph());
    } catch (error) {
      if (error instanceof IdiolectError) return error;
      throw error;
    }
    return expect.fail('nothing was refused');
  };
  const seedOf = (g: Graph, count: number) => g.constant(new Float32Array(count), [count]);

  test.each<[string, (g: Graph) => unknown]>([
    [
      'Where has no gradient rule, but a wanted gradient passes it.',
      g => {
        const x = g.input('x', 'float32', [2]);
        return gradients(g, where(g, g.input('mask', 'bool', [2]), x, neg(g, x)), [x], seedOf(g, 2));
      },
    ],
    [
      'ReduceMax in layers.3.mlp has no gradient rule, but a wanted gradient passes it.',
      g => {
        const x = g.input('x', 'float32', [2]);
        const y = g.scope('layers.3', () => g.scope('mlp', () => reduceMax(g, x, { axes: [0], keep: true })));
        return gradients(g, exp(g, y), [x], seedOf(g, 1));
      },
    ],
    [
      'Concat has no gradient rule, but a wanted gradient passes it.',
      g => {
        const x = g.input('x', 'float32', [2]);
        return gradients(g, mul(g, concat(g, [x, x], 0), g.scalar(2)), [x], seedOf(g, 4));
      },
    ],
    [
      'the differentiated value does not depend on "unrelated".',
      g => {
        const [x, unrelated] = [g.input('x', 'float32', [2]), g.input('unrelated', 'float32', [2])];
        return gradients(g, exp(g, x), [x, unrelated], seedOf(g, 2));
      },
    ],
  ])('%s', (message, build) => {
    const error = refusal(build);
    expect(error.message).toBe(message);
    expect(error.code).toBe('GRAPH');
  });

  test('a seed of another shape is a defect of the caller', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', ['n', 2]);
    expect(() => gradients(g, exp(g, x), [x], g.scalar(1))).toThrow('internal: seed [] must have the shape of y');
  });
});
