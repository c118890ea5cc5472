/** Rounding to half types: against the platform's own float16, and against bfloat16's definition. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureOf } from '../../tests/parity/support.ts';
import { encodeFloats } from './rounding.ts';

const halfOf = (dtype: string, value: number) =>
  new Uint16Array(encodeFloats(dtype, Float64Array.of(value)).buffer)[0]!;
const widened = (half: number) => new Float32Array(Uint32Array.of(half << 16).buffer)[0]!;
/** ES2025; tests run on a Node that has it, the library may run on one that does not. */
const { f16round } = Math as Math & { f16round(value: number): number };
const readF16 = (half: number) => new DataView(Uint16Array.of(half).buffer) as DataView & Float16View;
interface Float16View {
  getFloat16(offset: number, littleEndian: boolean): number;
}

/** Numbers where rounding is decided: a half-type number, a midpoint after it, and a float64 step to either side. */
const nearHalves = (fractionBits: number, exponents: { min: number; max: number }) =>
  fc
    .record({
      fraction: fc.integer({ min: 0, max: 2 ** (fractionBits + 1) - 1 }),
      exponent: fc.integer(exponents),
      nudge: fc.constantFrom(0, 2 ** -40, -(2 ** -40)),
      sign: fc.constantFrom(1, -1),
    })
    .map(({ fraction, exponent, nudge, sign }) => {
      const value = (1 + fraction / 2 ** (fractionBits + 1)) * 2 ** exponent;
      return sign * value * (1 + nudge);
    });

test('F16: as Math.f16round, subnormals and ties too', () => {
  const value = fc.oneof(fc.double({ min: -65_504, max: 65_504, noNaN: true }), nearHalves(10, { min: -28, max: 14 }));
  fc.assert(
    fc.property(value, x => {
      expect(readF16(halfOf('F16', x)).getFloat16(0, true)).toBe(f16round(x));
    }),
    { numRuns: 2000 },
  );
});

test('BF16: the nearest of the two neighbours, the even one of a tie', () => {
  const value = fc.oneof(
    fc.double({ min: -3e38, max: 3e38, noNaN: true }),
    fc.double({ min: -1, max: 1, noNaN: true }),
    nearHalves(7, { min: -136, max: 126 }),
  );
  fc.assert(
    fc.property(value, x => {
      const found = halfOf('BF16', x);
      expect(found >>> 15).toBe(x < 0 || Object.is(x, -0) ? 1 : 0);
      // Neighbours in order of size have neighbouring bits.
      const magnitude = found & 0x7fff;
      const distance = (half: number) => Math.abs(widened(half) - Math.abs(x));
      for (const neighbour of [magnitude - 1, magnitude + 1]) {
        if (neighbour < 0 || neighbour >= 0x7f80) continue;
        expect(distance(magnitude)).toBeLessThanOrEqual(distance(neighbour));
        if (distance(magnitude) === distance(neighbour)) expect(magnitude % 2).toBe(0);
      }
    }),
    { numRuns: 2000 },
  );
});

describe('beyond the type', () => {
  test.each([
    ['F16', 65_519.99, 65_520],
    ['BF16', (2 - 2 ** -8) * 2 ** 127 * (1 - 2 ** -50), (2 - 2 ** -8) * 2 ** 127],
    ['F32', 3.4028235677973362e38, 3.4028235677973366e38],
  ])('%s holds %f, not %f', async (dtype, fits, beyond) => {
    expect(encodeFloats(dtype, Float64Array.of(-fits))).toHaveLength(dtype === 'F32' ? 4 : 2);
    expect(await failureOf(() => encodeFloats(dtype, Float64Array.of(0, -beyond)))).toEqual({
      code: 'CHECKPOINT',
      message: `${-beyond} cannot be stored as ${dtype}. Check the adapter, or use a base stored in a wider type.`,
    });
  });

  test('what is not a number is no weight', async () => {
    for (const dtype of ['F32', 'F16', 'BF16']) {
      await failureOf(() => encodeFloats(dtype, Float64Array.of(Number.NaN)));
    }
  });
});
