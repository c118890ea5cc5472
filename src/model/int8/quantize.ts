/** A frozen matrix as 8-bit integers, for either direction of its products. */

/** Integers in rows of `columns`; column j stands for scale[j] * values[., j]. */
export interface QuantizedMatrix {
  readonly values: Int8Array;
  readonly scale: Float32Array;
}

const LEVELS = 127;

/** Rows and columns that are transposed together: both the reads and the writes of a tile stay in the cache. */
const TILE = 64;

/**
 * For x Wᵀ: the transpose of W diag(1 / factors), with a scale for each output.
 *
 * @param weight  [outputs, inputs]
 * @param factors [inputs]; none of them 0
 */
export function quantizeForward(weight: Float32Array, factors: Float32Array): QuantizedMatrix {
  const inputs = factors.length;
  const outputs = weight.length / inputs;
  const inverse = factors.map(factor => 1 / factor);
  const scale = new Float32Array(outputs);
  for (let o = 0, at = 0; o < outputs; o++) {
    let largest = 0;
    for (let i = 0; i < inputs; i++, at++) largest = Math.max(largest, Math.abs(weight[at]! * inverse[i]!));
    scale[o] = scaleOf(largest);
  }
  const values = new Int8Array(weight.length);
  for (let o0 = 0; o0 < outputs; o0 += TILE) {
    const oEnd = Math.min(outputs, o0 + TILE);
    for (let i0 = 0; i0 < inputs; i0 += TILE) {
      const iEnd = Math.min(inputs, i0 + TILE);
      for (let o = o0; o < oEnd; o++) {
        const perStep = 1 / scale[o]!;
        for (let i = i0; i < iEnd; i++) {
          values[i * outputs + o] = Math.round(weight[o * inputs + i]! * inverse[i]! * perStep);
        }
      }
    }
  }
  return { values, scale };
}

/**
 * For dy W: W itself, with a scale for each input.
 *
 * @param weight [outputs, inputs]
 */
export function quantizeBackward(weight: Float32Array, inputs: number): QuantizedMatrix {
  const scale = new Float32Array(inputs);
  for (let at = 0; at < weight.length; at += inputs) {
    for (let i = 0; i < inputs; i++) scale[i] = Math.max(scale[i]!, Math.abs(weight[at + i]!));
  }
  for (let i = 0; i < inputs; i++) scale[i] = scaleOf(scale[i]!);
  const values = new Int8Array(weight.length);
  for (let at = 0; at < weight.length; at += inputs) {
    for (let i = 0; i < inputs; i++) values[at + i] = Math.round(weight[at + i]! / scale[i]!);
  }
  return { values, scale };
}

/** A column of zeros gets a scale that does no harm. */
function scaleOf(largest: number): number {
  return largest === 0 ? 1 : largest / LEVELS;
}
