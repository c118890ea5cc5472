/** Shapes with named sizes: broadcasting against NumPy's rule, and products in normal form. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { broadcastShapes, type Dim, normalizeAxis, product, type Shape } from './shape.ts';

const dim: fc.Arbitrary<Dim> = fc.oneof(fc.constantFrom(1, 1, 2, 3), fc.constantFrom('n', 'm', '2*n'));
const shape: fc.Arbitrary<Shape> = fc.array(dim, { maxLength: 4 });

/** NumPy's rule read literally: pad with ones on the left; sizes are equal or one of them is 1. Else undefined. */
function numpyRule(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const pad = (shape: Shape): Dim[] => [...new Array<Dim>(rank - shape.length).fill(1), ...shape];
  const [left, right] = [pad(a), pad(b)];
  if (left.some((x, i) => x !== right[i] && x !== 1 && right[i] !== 1)) return undefined;
  return left.map((x, i) => (x === 1 ? right[i]! : x));
}

const message = (a: Shape, b: Shape) => `Add: shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast`;

test('broadcastShapes follows NumPy’s rule, and names both shapes when it cannot', () => {
  const property = fc.property(shape, shape, (a, b) => {
    const expected = numpyRule(a, b);
    if (expected) expect(broadcastShapes('Add', a, b)).toEqual(expected);
    else expect(() => broadcastShapes('Add', a, b)).toThrow(message(a, b));
  });
  fc.assert(property, { seed: 1, numRuns: 2000 });
});

test('a name could be any size, so it does not broadcast with a number or another name', () => {
  expect(() => broadcastShapes('Add', ['n'], [2])).toThrow('Add: shapes [n] and [2] do not broadcast: n against 2.');
  expect(() => broadcastShapes('Add', ['n'], ['m'])).toThrow('n against m');
  expect(broadcastShapes('Add', ['n'], [1])).toEqual(['n']);
});

describe('product', () => {
  test.each<[Shape, Dim]>([
    [[], 1],
    [[2, 3], 6],
    [['n'], 'n'],
    [[1, 'n'], 'n'],
    [['n', 3], '3*n'],
    [['m', 2, 'k', 3], '6*k*m'],
    [['n', 'n'], 'n*n'],
    [['2*n', '3*m'], '6*m*n'],
    [['n', 0], 0],
  ])('of %j is %s', (dims, expected) => {
    expect(product(dims)).toBe(expected);
  });

  test('does not depend on order or grouping', () => {
    const property = fc.property(fc.array(dim), fc.nat(), (dims, at) => {
      const cut = at % (dims.length + 1);
      const whole = product(dims);
      expect(product(dims.toReversed())).toBe(whole);
      expect(product([product(dims.slice(0, cut)), product(dims.slice(cut))])).toBe(whole);
    });
    fc.assert(property, { seed: 1, numRuns: 500 });
  });
});

test('normalizeAxis counts from the end', () => {
  expect([0, 2, -1, -3].map(axis => normalizeAxis('Op', axis, 3))).toEqual([0, 2, 2, 0]);
});
