/**
 * Shapes: reshaping, broadcasting, and the sum that undoes it. The gradient of each is one of the others, so they are
 * in one file.
 */
import type { Graph, Value } from '../graph.ts';
import { formatShape, normalizeAxis, product, type Shape, sameShape, shapeError } from '../shape.ts';

/**
 * The same elements in another shape. Of the dimensions that are not numbers, those at their old place are copied
 * and at most one other is worked out at run time.
 */
export function reshape(g: Graph, x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  if (product(x.shape) !== product(shape)) {
    throw shapeError('Reshape', `${formatShape(x.shape)} has other elements than ${formatShape(shape)}.`);
  }
  let inferred = 0;
  const target = shape.map((dim, i) => {
    if (typeof dim === 'number') return dim;
    if (x.shape[i] === dim) return 0; // ONNX: copy the dimension at this place
    inferred++;
    return -1;
  });
  if (inferred > 1) {
    throw shapeError(
      'Reshape',
      `${formatShape(shape)} leaves more than one size to find from ${formatShape(x.shape)}.`,
    );
  }
  return g.emit({
    op: 'Reshape',
    inputs: [x, g.integers(target)],
    dtype: x.dtype,
    shape,
    gradient: dy => [() => reshape(g, dy, x.shape)],
  });
}

/** Broadcasts x to the shape of `like`. */
export function expandLike(g: Graph, x: Value, like: Value): Value {
  return expand(g, x, like.shape, shapeOf(g, like));
}

/** Broadcasts x to `shape`, whose sizes the int64 vector `sizes` holds at run time. */
export function expand(g: Graph, x: Value, shape: Shape, sizes: Value): Value {
  if (sameShape(x.shape, shape)) return x;
  return g.emit({
    op: 'Expand',
    inputs: [x, sizes],
    dtype: x.dtype,
    shape,
    gradient: dy => [() => sumTo(g, dy, x.shape), null],
  });
}

/** The sizes of x as an int64 vector. */
export function shapeOf(g: Graph, x: Value): Value {
  if (x.shape.every(dim => typeof dim === 'number')) return g.integers(x.shape as number[]);
  return g.once(`shape ${x.name}`, () => g.emit({ op: 'Shape', inputs: [x], dtype: 'int64', shape: [x.shape.length] }));
}

export interface ReduceOptions {
  readonly axes: readonly number[];
  /** Keep the reduced axes as size 1. */
  readonly keep?: boolean;
}

/** A reduction of any kind. @param gradient of the gradient spread over the reduced axes again */
export function reduce(
  g: Graph,
  op: string,
  x: Value,
  { axes, keep = false }: ReduceOptions,
  gradient?: (spread: Value) => Value,
): Value {
  const reduced = new Set(axes.map(axis => normalizeAxis(op, axis, x.shape.length)));
  const kept = x.shape.map((dim, i) => (reduced.has(i) ? 1 : dim));
  const shape = keep ? kept : x.shape.filter((_, i) => !reduced.has(i));
  return g.emit({
    op,
    inputs: [x, g.integers([...reduced])],
    attributes: { keepdims: keep ? 1 : 0 },
    dtype: x.dtype,
    shape,
    // The rule sees the gradient with the reduced axes back in place, ready to broadcast.
    gradient: gradient && (dy => [() => gradient(keep ? dy : reshape(g, dy, kept))]),
  });
}

export function reduceSum(g: Graph, x: Value, options: ReduceOptions): Value {
  return reduce(g, 'ReduceSum', x, options, dy => expandLike(g, dy, x));
}

/** Undoes broadcasting: sums x down to `shape`. The transpose of broadcasting `shape` up to x's. */
export function sumTo(g: Graph, x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const added = Array.from({ length: x.shape.length - shape.length }, (_, axis) => axis);
  const aligned = added.length > 0 ? reduceSum(g, x, { axes: added }) : x;
  const stretched = aligned.shape.flatMap((dim, axis) => (shape[axis] === 1 && dim !== 1 ? [axis] : []));
  return stretched.length > 0 ? reduceSum(g, aligned, { axes: stretched, keep: true }) : aligned;
}
