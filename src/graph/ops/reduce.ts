/** Reductions over given axes. */
import type { Graph, Value } from '../graph.ts';
import { normalizeAxis, type Shape, sameShape } from '../shape.ts';
import { mul, scale } from './elementwise.ts';
import { expandLike, reshape } from './movement.ts';

interface ReduceOptions {
  readonly axes: readonly number[];
  /** Keep the reduced axes as size 1. */
  readonly keep?: boolean;
}

function reduce(
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

export function reduceMean(g: Graph, x: Value, options: ReduceOptions): Value {
  return reduce(g, 'ReduceMean', x, options, dy => {
    const count = options.axes.map(axis => x.shape[normalizeAxis('ReduceMean', axis, x.shape.length)]!);
    const known = count.reduce<number>((total, dim) => total * (typeof dim === 'number' ? dim : Number.NaN), 1);
    if (Number.isNaN(known)) throw new Error('internal: the mean over an unknown size has no gradient rule');
    return expandLike(g, scale(g, dy, 1 / known), x);
  });
}

/** The sum of squares; one pass, nothing stored. */
export function reduceSumSquare(g: Graph, x: Value, options: ReduceOptions): Value {
  return reduce(g, 'ReduceSumSquare', x, options, dy => scale(g, mul(g, dy, x), 2));
}

/** The maximum; used only to shift exponents, where its gradient cancels. */
export function reduceMax(g: Graph, x: Value, options: ReduceOptions): Value {
  return reduce(g, 'ReduceMax', x, options);
}

/** Undoes broadcasting: sums x down to `shape`. The transpose of broadcasting `shape` up to x's. */
export function sumTo(g: Graph, x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const added = Array.from({ length: x.shape.length - shape.length }, (_, axis) => axis);
  const aligned = added.length > 0 ? reduceSum(g, x, { axes: added }) : x;
  const stretched = aligned.shape.flatMap((dim, axis) => (shape[axis] === 1 && dim !== 1 ? [axis] : []));
  return stretched.length > 0 ? reduceSum(g, aligned, { axes: stretched, keep: true }) : aligned;
}
