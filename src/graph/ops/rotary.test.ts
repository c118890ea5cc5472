/** Rotary position embedding: pairs (c, c + headDim/2) of each head turn by their token's angle. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { draw, tabulate } from '../../../tests/support/array.ts';
import { evaluateBuilt } from '../../../tests/support/evaluate.ts';
import { checkOperator, expectClose } from '../../../tests/support/gradient.ts';
import { anySeed, forAll, size } from '../../../tests/support/property.ts';
import { float32, floats, int64 } from '../../engine/tensor.ts';
import { inverseFrequencies, ropeTables } from '../../model/rope.ts';
import type { Graph, Value } from '../graph.ts';
import { type RotaryTables, rotary } from './rotary.ts';

const POSITIONS = 12;

const feeds = (headDim: number) => {
  const { cos, sin, minusSin } = ropeTables(inverseFrequencies(headDim, 100, { rope_type: 'default' }), POSITIONS);
  const table = (data: Float32Array) => float32(data, [POSITIONS, headDim / 2]);
  return { cos: table(cos), sin: table(sin), minusSin: table(minusSin) };
};

const sample = fc.record({
  positions: fc.array(fc.nat(POSITIONS - 1), { minLength: 1, maxLength: 4 }),
  heads: size,
  headDim: fc.constantFrom(2, 4, 6),
  symbolic: fc.boolean(),
  seed: anySeed,
});

test('rotary', async () => {
  await forAll(sample, async ({ positions, heads, headDim, symbolic, seed }) => {
    const width = heads * headDim;
    const half = headDim / 2;
    await checkOperator({
      inputs: { x: draw([positions.length, width], seed) },
      constants: { positions: int64(positions), ...feeds(headDim) },
      declared: symbolic ? { x: ['tokens', width], positions: ['tokens'] } : undefined,
      build: (g, { x, positions: rows, cos, sin, minusSin }) =>
        rotary(g, x!, rows!, { cos: cos!, sin: sin!, minusSin: minusSin! }),
      reference: ({ x }) =>
        tabulate([positions.length, width], ([token, column]) => {
          const head = column! - (column! % headDim);
          const c = column! % headDim;
          // The tables are float32; the angle's own rounding is not under test here.
          const angle = positions[token!]! * 100 ** ((-2 * (c % half)) / headDim);
          const element = (i: number) => x!.data[token! * width + head + i]!;
          const [first, second] = [element(c % half), element((c % half) + half)];
          return c < half
            ? first * Math.cos(angle) - second * Math.sin(angle)
            : second * Math.cos(angle) + first * Math.sin(angle);
        }),
    });
  });
});

test('only the distance of two positions shows in their product', async () => {
  const [headDim, distance] = [6, 3];
  const at = async (position: number) => {
    const turned = (g: Graph, name: string, rows: Value, tables: RotaryTables) =>
      rotary(g, g.input(name, 'float32', [1, headDim]), rows, tables);
    const { q, k } = await evaluateBuilt(
      g => {
        const table = (name: string) => g.input(name, 'float32', [POSITIONS, headDim / 2]);
        const tables = { cos: table('cos'), sin: table('sin'), minusSin: table('minusSin') };
        return {
          q: turned(g, 'x', g.input('later', 'int64', [1]), tables),
          k: turned(g, 'y', g.input('earlier', 'int64', [1]), tables),
        };
      },
      {
        ...feeds(headDim),
        x: float32(Float32Array.from(draw([headDim], 1).data), [1, headDim]),
        y: float32(Float32Array.from(draw([headDim], 2).data), [1, headDim]),
        earlier: int64([position]),
        later: int64([position + distance]),
      },
    );
    return floats(q!).reduce((total, element, i) => total + element * floats(k!)[i]!, 0);
  };
  const products = [await at(0), await at(4), await at(8)];
  expect(new Set(products).size).toBeGreaterThan(1); // three different rotations, not one constant
  expectClose(
    'product',
    products,
    Array.from(products, () => products[0]!),
  );
});
