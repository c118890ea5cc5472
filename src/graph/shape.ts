/**
 * Shapes whose dimensions are numbers or named unknowns (`'tokens'`, `'3*length'`): what is known of a tensor
 * before any batch has been seen. Two symbolic dimensions are equal when their names are.
 */
import { IdiolectError } from '../common/errors.ts';

/** A size, a named unknown, or a product of both such as `'3*length'`. */
export type Dim = number | string;
export type Shape = readonly Dim[];

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function shapeError(op: string, message: string): IdiolectError {
  return new IdiolectError('GRAPH', `${op}: ${message}`);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** The product of dimensions in normal form: the number first, then the names in order. */
export function product(dims: Shape): Dim {
  let size = 1;
  const names: string[] = [];
  for (const dim of dims) {
    for (const factor of typeof dim === 'number' ? [dim] : dim.split('*')) {
      const number = Number(factor);
      if (Number.isNaN(number)) names.push(factor as string);
      else size *= number;
    }
  }
  if (names.length === 0 || size === 0) return size;
  names.sort();
  return size === 1 ? names.join('*') : [size, ...names].join('*');
}

/** NumPy's broadcasting: aligned from the right, 1 stretches, everything else must agree. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw shapeError(op, `shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: ${x} against ${y}.`);
  });
}

/** A non-negative axis. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(normal) || normal < 0 || normal >= rank) {
    throw shapeError(op, `axis ${axis} is outside a tensor of rank ${rank}.`);
  }
  return normal;
}
