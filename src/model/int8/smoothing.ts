/** Evens out the channels of an input before it is rounded, by what they hold in practice. */

/** The largest absolute value of each channel of each input, by the input's name. */
export type InputRanges = ReadonlyMap<string, Float32Array>;

/**
 * Factors of the channels, powers of two: s = range^-migration * weights^(1 - migration). Powers of two round nothing,
 * and are the same on every machine although the ranges differ in their last digits.
 *
 * @param range   largest absolute value of each channel
 * @param weights largest absolute weight that reads each channel, over all layers that share the input
 */
export function smoothingFactors(range: Float32Array, weights: Float32Array, migration: number): Float32Array {
  return range.map((largest, channel) => {
    const weight = weights[channel]!;
    if (largest === 0 || weight === 0) return 1;
    return 2 ** Math.round((1 - migration) * Math.log2(weight) - migration * Math.log2(largest));
  });
}
