/**
 * Products with frozen matrices of 8-bit integers. Activations are rounded on the way in, each row by its own largest
 * value: no row depends on the rows beside it, so a record has the same value in every batch.
 */
import type { Graph, Value } from '../graph.ts';
import { formatShape, shapeError } from '../shape.ts';
import { abs, add, div, max, mul, sub } from './elementwise.ts';
import { reduceMax } from './reduce.ts';

/** A matrix of integers whose column j stands for scale[j] * values[., j]. */
export interface Int8Matrix {
  /** int8 [in, out] */
  readonly values: Value;
  /** float32 [out] */
  readonly scale: Value;
}

/** How finely an activation is rounded: to 8 bits, or to 16 as the sum of two products of 8 bits. */
export type ActivationBits = 8 | 16;

/** A frozen linear layer in integers, rounded once for each direction. */
export interface Int8Layer {
  /** [in, out], of the weights divided by `factors` where there are any. */
  readonly forward: Int8Matrix;
  /** [out, in], of the weights themselves. */
  readonly backward: Int8Matrix;
  /**
   * float32 [in]: what each channel of the input is multiplied by before it is rounded, to even the channels out
   * (SmoothQuant, Xiao et al. 2023, equation 3).
   */
  readonly factors?: Value | undefined;
  /** Of the input. Gradients are rounded to 8 bits. */
  readonly bits: ActivationBits;
}

/** The zero of an unsigned byte whose range is symmetric, and the levels on either side of it. */
const ZERO = 128;
const LEVELS = 127;

/** Keeps a row of zeros from being divided by zero. */
const SMALLEST = 1e-30;

/**
 * x Wᵀ of a frozen layer: [rows, in] gives [rows, out]. The gradient towards x, dy W, is a product of integers as well.
 */
export function int8Linear(g: Graph, x: Value, { forward, backward, factors, bits }: Int8Layer): Value {
  if (x.shape.length !== 2 || x.shape[1] !== forward.values.shape[0]) {
    const matrix = formatShape(forward.values.shape);
    throw shapeError('Int8Linear', `the input ${formatShape(x.shape)} does not fit the matrix ${matrix}.`);
  }
  return g.composite(
    [x],
    () => int8Product(g, factors ? evened(g, x, factors) : x, forward, bits),
    dy => [() => int8Product(g, dy, backward, 8)],
  );
}

/** Layers that read the same input have the same factors, and share what is made of it. */
export function evened(g: Graph, x: Value, factors: Value): Value {
  return g.once(`evened ${x.name} ${factors.name}`, () => mul(g, x, factors));
}

/** x M in integers: [rows, in] gives [rows, out]. It has no gradient of its own. */
export function int8Product(g: Graph, x: Value, matrix: Int8Matrix, bits: ActivationBits): Value {
  const largest = g.once(`largest ${x.name}`, () =>
    max(g, reduceMax(g, abs(g, x), { axes: [-1], keep: true }), g.scalar(SMALLEST)),
  );
  const share = g.once(`share ${x.name}`, () => div(g, x, largest));
  const [coarse, fine] = [1 / LEVELS, 1 / (2 * LEVELS * LEVELS)];
  const first = rounded(g, share, coarse);
  if (bits === 8) return mul(g, product(g, first, coarse, matrix), largest);
  // What the first rounding leaves is at most half a step in either direction.
  const rest = g.once(`rest ${x.name}`, () => sub(g, share, unrounded(g, first, coarse)));
  const parts = add(g, product(g, first, coarse, matrix), product(g, rounded(g, rest, fine), fine, matrix));
  return mul(g, parts, largest);
}

function rounded(g: Graph, x: Value, step: number): Value {
  return g.once(`rounded ${x.name}`, () =>
    g.emit({ op: 'QuantizeLinear', inputs: [x, g.scalar(step), zero(g)], dtype: 'uint8', shape: x.shape }),
  );
}

function unrounded(g: Graph, bytes: Value, step: number): Value {
  const inputs = [bytes, g.scalar(step), zero(g)];
  return g.emit({ op: 'DequantizeLinear', inputs, dtype: 'float32', shape: bytes.shape });
}

function product(g: Graph, bytes: Value, step: number, { values, scale }: Int8Matrix): Value {
  return g.emit({
    op: 'MatMulIntegerToFloat',
    domain: 'com.microsoft',
    inputs: [bytes, values, g.scalar(step), scale, zero(g)],
    dtype: 'float32',
    shape: [bytes.shape[0]!, values.shape[1]!],
  });
}

function zero(g: Graph): Value {
  return g.constant(Uint8Array.of(ZERO), []);
}
