/** Rounding to the float types weights are stored in: nearest, ties to even, in one step from float64. */
import { IdiolectError } from '../common/errors.ts';

interface HalfFormat {
  /** Bits of the fraction, the leading one not counted. */
  readonly fractionBits: number;
  /** Exponent of the smallest normal number; below it the spacing stays. */
  readonly minExponent: number;
  readonly largest: number;
  /** The bits of a number of this format that is not negative. */
  readonly bits: (value: number) => number;
}

const float32 = new Float32Array(1);
const float32Bits = new Uint32Array(float32.buffer);
const float64 = new Float64Array(1);
const float64Bits = new Uint32Array(float64.buffer);

/** floor(log2 value) of a number that is not negative, read from its bits; far below every format's range for 0. */
function exponentOf(value: number): number {
  float64[0] = value;
  return (float64Bits[1]! >>> 20) - 1023;
}

const HALVES: Readonly<Record<string, HalfFormat>> = {
  BF16: {
    fractionBits: 7,
    minExponent: -126,
    largest: (2 - 2 ** -7) * 2 ** 127,
    bits(value) {
      float32[0] = value; // exact: bfloat16 is the upper half of a float32
      return float32Bits[0]! >>> 16;
    },
  },
  F16: {
    fractionBits: 10,
    minExponent: -14,
    largest: 65_504,
    bits(value) {
      const exponent = exponentOf(value);
      if (exponent < -14) return value * 2 ** 24;
      return ((exponent + 15) << 10) | ((value / 2 ** exponent - 1) * 1024);
    },
  },
};

/**
 * The bytes of finite numbers as F32, F16 or BF16.
 *
 * @throws IdiolectError CHECKPOINT when a number is too large for the type, or the type is another one
 */
export function encodeFloats(dtype: string, values: Float64Array): Uint8Array {
  const tooLarge = (value: number) =>
    new IdiolectError(
      'CHECKPOINT',
      `${value} cannot be stored as ${dtype}. Check the adapter, or use a base stored in a wider type.`,
    );
  if (dtype === 'F32') {
    const rounded = Float32Array.from(values);
    const beyond = rounded.findIndex(value => !Number.isFinite(value));
    if (beyond >= 0) throw tooLarge(values[beyond]!);
    return new Uint8Array(rounded.buffer);
  }
  const format = HALVES[dtype];
  if (!format) throw new IdiolectError('CHECKPOINT', `${dtype} is not a type weights can be rounded to.`);
  const result = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const rounded = roundToFormat(Math.abs(value), format);
    if (!(rounded <= format.largest)) throw tooLarge(value);
    result[i] = format.bits(rounded) | (value < 0 || Object.is(value, -0) ? 0x8000 : 0);
  }
  return new Uint8Array(result.buffer);
}

/**
 * Adding 1.5 * 2^52 spacings leaves float64 no bit below one spacing, so its own rounding, to nearest with ties to
 * even, is the rounding wanted; taking them away again is exact.
 */
function roundToFormat(value: number, { fractionBits, minExponent }: HalfFormat): number {
  const spacing = Math.max(exponentOf(value), minExponent) - fractionBits;
  const magic = 1.5 * 2 ** (spacing + 52);
  return value + magic - magic;
}
