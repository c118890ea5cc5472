/** Products of 8-bit integers: as near to exact ones as their rounding allows, and each row by itself. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { draw } from '../../../tests/support/array.ts';
import { evaluateBuilt } from '../../../tests/support/evaluate.ts';
import { anySeed, forAll } from '../../../tests/support/property.ts';
import { random } from '../../common/random.ts';
import { float32, floats } from '../../engine/tensor.ts';
import { type Graph, gradients, type Value } from '../index.ts';
import { type ActivationBits, int8Linear, int8Product } from './quantized.ts';

interface Integers {
  readonly values: Int8Array;
  readonly scale: Float32Array;
}

function drawIntegers(rows: number, columns: number, seed: number): Integers {
  const source = random(seed, 'integers');
  return {
    values: Int8Array.from({ length: rows * columns }, () => source.integer(255) - 127),
    scale: Float32Array.from({ length: columns }, () => 0.001 + source.uniform()),
  };
}

const constants = (g: Graph, { values, scale }: Integers) => ({
  values: g.constant(values, [values.length / scale.length, scale.length]),
  scale: g.constant(scale, [scale.length]),
});

/**
 * x M in float64, and the most that rounding x can move it: half a step for each of its numbers, by the size of what it
 * is multiplied with. A 16-bit step is 1 / 254 of an 8-bit one. One more per cent is for the float32 arithmetic around.
 */
function exact(x: Float32Array, { values, scale }: Integers, bits: ActivationBits) {
  const columns = scale.length;
  const width = values.length / columns;
  const y: number[] = [];
  const bound: number[] = [];
  for (let at = 0; at < x.length; at += width) {
    const row = x.subarray(at, at + width);
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const half = largest / 127 / 2 / (bits === 8 ? 1 : 254);
    for (let j = 0; j < columns; j++) {
      let [sum, size] = [0, 0];
      row.forEach((value, i) => {
        const weight = scale[j]! * values[i * columns + j]!;
        sum += value * weight;
        size += Math.abs(weight);
      });
      y.push(sum);
      bound.push(1.01 * half * size + 1e-6 * largest * size);
    }
  }
  return { y, bound };
}

function expectWithin(found: Float32Array, { y, bound }: ReturnType<typeof exact>) {
  expect(found).toHaveLength(y.length);
  found.forEach((value, i) => void expect(Math.abs(value - y[i]!)).toBeLessThanOrEqual(bound[i]!));
}

const sample = fc.record({
  rows: fc.integer({ min: 1, max: 4 }),
  width: fc.integer({ min: 1, max: 40 }),
  columns: fc.integer({ min: 1, max: 20 }),
  seed: anySeed,
  bits: fc.constantFrom<ActivationBits[]>(8, 16),
});

test('are within half a step of the exact product, forward and backward', async () => {
  await forAll(
    sample,
    async ({ rows, width, columns, seed, bits }) => {
      const x = draw([rows, width], seed, -3, 3);
      const forward = drawIntegers(width, columns, seed);
      const backward = drawIntegers(columns, width, seed + 1);
      const factors = Float32Array.from({ length: width }, (_, i) => 2 ** ((i % 5) - 2));
      const dy = Float32Array.from(draw([rows, columns], seed + 2, -1, 1).data);
      const found = await evaluateBuilt(
        g => {
          const input = g.input('x', 'float32', [rows, width]);
          const y = int8Linear(g, input, {
            forward: constants(g, forward),
            backward: constants(g, backward),
            factors: g.constant(factors, [width]),
            bits,
          });
          const [dx] = gradients(g, y, [input], g.constant(dy, [rows, columns])) as [Value];
          return { y, dx };
        },
        { x: float32(Float32Array.from(x.data), [rows, width]) },
      );
      const evened = Float32Array.from(x.data, (value, i) => value * factors[i % width]!);
      expectWithin(floats(found.y!), exact(evened, forward, bits));
      expectWithin(floats(found.dx!), exact(dy, backward, 8));
    },
    25,
  );
});

test('do not depend on the rows beside, and a row of zeros stays zero', async () => {
  const matrix = drawIntegers(64, 48, 3);
  const row = Float32Array.from(draw([64], 1, -1, 1).data);
  const large = Float32Array.from(draw([64], 2, -1000, 1000).data);
  const productOf = async (rows: readonly Float32Array[]) => {
    const x = Float32Array.from(rows.flatMap(each => [...each]));
    const build = (g: Graph) => ({
      y: int8Product(g, g.input('x', 'float32', ['rows', 64]), constants(g, matrix), 16),
    });
    const { y } = await evaluateBuilt(build, { x: float32(x, [rows.length, 64]) });
    return rows.map((_, i) => floats(y!).slice(48 * i, 48 * (i + 1)));
  };
  const [alone] = await productOf([row]);
  const [, , beside] = await productOf([large, new Float32Array(64), row, large]);
  expect(beside).toEqual(alone);
  expect(await productOf([new Float32Array(64)])).toEqual([new Float32Array(48)]);
});

test('a matrix that does not fit is refused', () => {
  const build = (g: Graph) => {
    const matrix = constants(g, drawIntegers(4, 4, 1));
    const x = g.input('x', 'float32', ['rows', 5]);
    return { y: int8Linear(g, x, { forward: matrix, backward: matrix, bits: 8 }) };
  };
  return expect(evaluateBuilt(build, {})).rejects.toThrow(
    'Int8Linear: the input [rows, 5] does not fit the matrix [4, 4]',
  );
});
