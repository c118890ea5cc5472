/** Small float64 arrays: the plain computation that graphs are checked against. Written to be read, not to be fast. */
import { random } from '../../src/common/random.ts';

export interface NdArray {
  readonly shape: readonly number[];
  /** Row by row. */
  readonly data: Float64Array;
}

type Index = readonly number[];

export function sizeOfShape(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** The array whose element at each index is `element(index)`. */
export function tabulate(shape: readonly number[], element: (index: Index) => number): NdArray {
  const data = Float64Array.from({ length: sizeOfShape(shape) }, (_, flat) => element(unflatten(shape, flat)));
  return { shape, data };
}

function unflatten(shape: readonly number[], flat: number): number[] {
  const index: number[] = [];
  let rest = flat;
  for (const size of shape.toReversed()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}

/** The element at an index of an array that `x` broadcasts to: missing axes are skipped, axes of size 1 stay at 0. */
export function at(x: NdArray, index: Index): number {
  const own = index.slice(index.length - x.shape.length);
  const flat = x.shape.reduce((offset, size, axis) => offset * size + (size === 1 ? 0 : own[axis]!), 0);
  return x.data[flat]!;
}

export function map(x: NdArray, f: (element: number) => number): NdArray {
  return { shape: x.shape, data: x.data.map(f) };
}

/** f over two arrays that broadcast. */
export function zip(a: NdArray, b: NdArray, f: (x: number, y: number) => number): NdArray {
  const rank = Math.max(a.shape.length, b.shape.length);
  const size = (x: NdArray, axis: number) => x.shape[axis - rank + x.shape.length] ?? 1;
  const shape = Array.from({ length: rank }, (_, axis) => Math.max(size(a, axis), size(b, axis)));
  return tabulate(shape, index => f(at(a, index), at(b, index)));
}

/** Sums `term(0) + ... + term(count - 1)`. */
export function sum(count: number, term: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total;
}

export function rowsOf(x: NdArray): Float64Array[] {
  const width = x.shape.at(-1)!;
  return Array.from({ length: x.data.length / width }, (_, row) => x.data.subarray(row * width, (row + 1) * width));
}

/** f applied to each vector along the last axis, which keeps its length. */
export function mapRows(x: NdArray, f: (row: Float64Array) => ArrayLike<number>): NdArray {
  return { shape: x.shape, data: Float64Array.from(rowsOf(x).flatMap(row => Array.from(f(row)))) };
}

/** A seeded array of numbers that float32 holds exactly, so that reference and graph start from the same ones. */
export function draw(shape: readonly number[], seed: number, low = -2, high = 2): NdArray {
  const source = random(seed, `array ${shape}`);
  return tabulate(shape, () => Math.fround(low + (high - low) * source.uniform()));
}

export function softmaxOf(row: ArrayLike<number>): number[] {
  const largest = Math.max(...Array.from(row));
  const shifted = Array.from(row, x => Math.exp(x - largest));
  const total = sum(shifted.length, i => shifted[i]!);
  return shifted.map(x => x / total);
}

/** alpha op(a) op(b) over the last two axes; the leading ones are shared. */
export function matrixProduct(
  a: NdArray,
  b: NdArray,
  { transA = false, transB = false, alpha = 1 }: { transA?: boolean; transB?: boolean; alpha?: number } = {},
): NdArray {
  const [m, k] = transA ? a.shape.slice(-2).reverse() : a.shape.slice(-2);
  const n = b.shape.at(transB ? -2 : -1)!;
  const swapIf = (swap: boolean, row: number, column: number) => (swap ? [column, row] : [row, column]);
  return tabulate([...a.shape.slice(0, -2), m!, n], index => {
    const lead = index.slice(0, -2);
    const [row, column] = index.slice(-2) as [number, number];
    const left = (i: number) => at(a, [...lead, ...swapIf(transA, row, i)]);
    const right = (i: number) => at(b, [...lead, ...swapIf(transB, i, column)]);
    return alpha * sum(k!, i => left(i) * right(i));
  });
}
