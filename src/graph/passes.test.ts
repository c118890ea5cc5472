/** Rewrites of a finished graph change what runs and not what comes out. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { draw } from '../../tests/support/array.ts';
import { evaluate } from '../../tests/support/evaluate.ts';
import { anySteps, graphValues, plainValues } from '../../tests/support/expression.ts';
import { expectClose, tensor } from '../../tests/support/gradient.ts';
import { anySeed, forAll } from '../../tests/support/property.ts';
import { floats } from '../engine/tensor.ts';
import { Graph, type Value } from './graph.ts';
import { add, exp } from './ops/elementwise.ts';
import { gemm } from './ops/matmul.ts';
import { schedule } from './passes.ts';
import { print } from './print.ts';

const operators = (g: Graph) => schedule(g).map(({ op }) => op);

describe('pruning', () => {
  test('drops what no output depends on, and its inputs need not be fed', async () => {
    const g = new Graph();
    const x = g.input('x', 'float32', [2]);
    add(g, exp(g, g.input('unused', 'float32', [2])), x);
    g.output('y', exp(g, x));
    expect(operators(g)).toEqual(['Exp']);
    const { y } = await evaluate(g, { x: tensor(draw([2], 1)) });
    expectClose('y', floats(y!), draw([2], 1).data.map(Math.exp));
  });

  test('keeps every output, one value under two names included', async () => {
    const g = new Graph();
    const y = exp(g, g.input('x', 'float32', [2]));
    g.output('one', y);
    g.output('two', y);
    g.output('three', exp(g, y));
    const results = await evaluate(g, { x: tensor(draw([2], 1)) });
    expect(Object.keys(results).sort()).toEqual(['one', 'three', 'two']);
    expect(results.two!.data).toEqual(results.one!.data);
  });
});

describe('folding a sum into the matrix product before it', () => {
  const inputs = { a: draw([2, 3], 1), b: draw([3, 4], 2), c: draw([2, 4], 3), d: draw([2, 4], 4) };
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, array]) => [name, tensor(array)]));

  function graph(build: (g: Graph, values: Record<keyof typeof inputs, Value>) => Value): Graph {
    const g = new Graph();
    const named = (name: keyof typeof inputs) => g.input(name, 'float32', inputs[name].shape);
    g.output('y', build(g, { a: named('a'), b: named('b'), c: named('c'), d: named('d') }));
    return g;
  }

  test.each([
    ['product first', (g: Graph, product: Value, c: Value) => add(g, product, c)],
    ['product second', (g: Graph, product: Value, c: Value) => add(g, c, product)],
  ])('gives what the two nodes would, %s', async (_, sum) => {
    const folded = graph((g, { a, b, c }) => sum(g, gemm(g, a, b), c));
    // A product that is also an output stays a node of its own.
    const unfolded = graph((g, { a, b, c }) => {
      const product = gemm(g, a, b);
      g.output('product', product);
      return sum(g, product, c);
    });
    expect(operators(folded)).toEqual(['Gemm']);
    expect(operators(unfolded)).toEqual(['Gemm', 'Add']);
    const [one, two] = [await evaluate(folded, feeds), await evaluate(unfolded, feeds)];
    expectClose('y', floats(one.y!), floats(two.y!), 1e-6); // one rounding of each element may differ
  });

  test('takes one sum for each product', () => {
    const g = graph((g, { a, b, c, d }) => add(g, add(g, gemm(g, a, b), c), d));
    expect(operators(g)).toEqual(['Gemm', 'Add']);
  });

  test('adds one product to another', () => {
    const g = graph((g, { a, b }) => add(g, gemm(g, a, b), gemm(g, a, b)));
    expect(operators(g)).toEqual(['Gemm', 'Gemm']);
  });

  test.each<[string, Parameters<typeof graph>[0]]>([
    ['is read twice', (g, { a, b }) => ((product: Value) => add(g, product, product))(gemm(g, a, b))],
    ['is read again later', (g, { a, b, c }) => ((p: Value) => add(g, add(g, p, c), exp(g, p)))(gemm(g, a, b))],
    ['has an addend', (g, { a, b, c, d }) => add(g, gemm(g, a, b, { addend: c }), d)],
    ['has a factor', (g, { a, b, c }) => add(g, gemm(g, a, b, { alpha: 2 }), c)],
    ['is broadcast', (g, { a, b }) => add(g, gemm(g, a, b), g.scalar(1))],
  ])('leaves a product alone that %s', (_, build) => {
    expect(operators(graph(build))).toContain('Add');
  });

  test('waits for an addend that is made after the product', async () => {
    const g = graph((g, { a, b, c }) => {
      const product = gemm(g, a, b);
      return add(g, product, exp(g, c));
    });
    expect(operators(g)).toEqual(['Exp', 'Gemm']);
    expect(print(g)).toContain('= Gemm(a, b, %1)');
    await evaluate(g, feeds);
  });
});

test('any expression gives what plain arithmetic gives, in an order that works', async () => {
  const sample = fc.record({
    steps: anySteps,
    asked: fc.array(fc.nat(7), { minLength: 1, maxLength: 3 }),
    seed: anySeed,
  });
  let folded = 0;
  await forAll(
    sample,
    async ({ steps, asked, seed }) => {
      const inputs = [0, 1, 2].map(i => draw([2, 2], seed + i, -1, 1));
      const g = new Graph();
      const values = graphValues(
        g,
        inputs.map((_, i) => g.input(`x${i}`, 'float32', [2, 2])),
        steps,
      );
      // The last step is always asked for; others may be outputs too.
      const places = [...new Set([steps.length, ...asked.map(place => 1 + (place % steps.length))])];
      for (const place of places) g.output(`step ${place}`, values[2 + place]!);

      const nodes = schedule(g);
      const known = new Set<Value | null>(g.inputs);
      for (const node of nodes) {
        for (const input of node.inputs) expect(known).toContain(input);
        known.add(node.output);
      }
      folded += nodes.filter(({ op, inputs }) => op === 'Gemm' && inputs.length === 3).length;

      const results = await evaluate(g, Object.fromEntries(inputs.map((array, i) => [`x${i}`, tensor(array)])));
      const expected = plainValues(inputs, steps);
      for (const place of places) {
        expectClose(`step ${place}`, floats(results[`step ${place}`]!), expected[2 + place]!.data);
      }
    },
    250,
  );
  expect(folded).toBeGreaterThan(20); // the sample does exercise folding
});
