/** What a graph refuses: shapes that do not fit, and names used twice. */
import { describe, expect, test } from 'vitest';
import { IdiolectError } from '../../src/common/errors.ts';
import {
  add,
  addLowRank,
  concat,
  div,
  Graph,
  gemm,
  linear,
  matmul,
  mul,
  reshape,
  rmsNorm,
  type Shape,
  sub,
  swiglu,
  type Value,
  where,
} from '../../src/graph/index.ts';

function refused(build: () => unknown): IdiolectError {
  try {
    build();
  } catch (error) {
    expect(error).toBeInstanceOf(IdiolectError);
    return error as IdiolectError;
  }
  return expect.fail('nothing was refused');
}

describe('a shape that does not fit is refused when the graph is built, and both shapes are named', () => {
  const mask = (g: Graph) => g.input('mask', 'bool', [2, 3]);
  test.each<[string, Shape, Shape, (g: Graph, a: Value, b: Value) => Value]>([
    ['add', [2, 3], [2, 4], add],
    ['sub', ['n', 3], ['m', 3], sub],
    ['mul', ['n', 3], [2, 3], mul],
    ['div', [2, 3, 4], [3, 3], div],
    ['where', [2, 3], [4, 3], (g, a, b) => where(g, mask(g), a, b)],
    ['swiglu', ['tokens', 8], ['tokens', 4], swiglu],
    ['gemm', ['n', 3], [4, 5], gemm],
    ['matmul', ['n', 2, 3], ['m', 3, 2], matmul],
    ['linear', ['tokens', 3], [5, 4], linear],
    ['concat', ['n', 2], ['m', 3], (g, a, b) => concat(g, [a, b], 1)],
    ['rmsNorm', ['tokens', 8], [4], (g, a, b) => rmsNorm(g, a, b, 1e-5)],
    ['reshape', ['n', 6], ['n', 5], (g, a, b) => reshape(g, a, b.shape)],
    [
      'addLowRank',
      ['tokens', 4],
      [2, 5],
      (g, x, a) => {
        const weight = g.input('weight', 'float32', [3, 4]);
        return addLowRank(g, x, linear(g, x, weight), { a, b: g.input('lora', 'float32', [3, 2]), scale: 1 });
      },
    ],
  ])('%s of %j and %j', (_, a, b, build) => {
    const g = new Graph();
    const error = refused(() => build(g, g.input('a', 'float32', a), g.input('b', 'float32', b)));
    expect(error.code).toBe('GRAPH');
    for (const shape of [a, b]) expect(error.message).toContain(`[${shape.join(', ')}]`);
  });
});

describe('names', () => {
  test.each<[string, (g: Graph) => unknown]>([
    ['inputs', g => g.input('x', 'int64', [1])],
    ['a weight and an input', g => g.weight('x', 'float32', [1], { file: 'f', offset: 0, length: 4 })],
  ])('%s of one name are refused', (_, build) => {
    const g = new Graph();
    g.input('x', 'float32', [2]);
    const error = refused(() => build(g));
    expect(error.code).toBe('GRAPH');
    expect(error.message).toBe('"x" is declared twice; give each input and weight its own name.');
  });

  test('outputs of one name are refused', () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [2]);
    g.output('y', x);
    expect(refused(() => g.output('y', x)).message).toBe(
      'output "y" is declared twice; give each output its own name.',
    );
  });

  test('a weight asked for again, an equal constant and a memoised value are the same value', () => {
    const g = new Graph();
    const slice = { file: 'f', offset: 0, length: 8 };
    expect(g.weight('w', 'float32', [2], slice)).toBe(g.weight('w', 'float32', [2], slice));
    expect(g.scalar(0.5)).toBe(g.scalar(0.5));
    expect(g.scalar(0.5)).not.toBe(g.constant(Float32Array.of(0.5), [1]));
    expect(g.integers([1, 2])).toBe(g.integers([1, 2]));
    const build = () => g.input('once', 'float32', [1]);
    expect(g.once('key', build)).toBe(g.once('key', build));
  });
});
