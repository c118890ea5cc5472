/** Reductions over given axes, beside the sum. */
import type { Graph, Value } from '../graph.ts';
import { normalizeAxis } from '../shape.ts';
import { expandLike, type ReduceOptions, reduce } from './broadcast.ts';
import { mul, scale } from './elementwise.ts';

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
