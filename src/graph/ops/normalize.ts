/** Row normalisations. */
import type { Graph, Value } from '../graph.ts';
import { formatShape, sameShape, shapeError } from '../shape.ts';
import { reduceSum, sumTo } from './broadcast.ts';
import { add, div, mul, scale, sqrt, sub } from './elementwise.ts';
import { reduceMean, reduceSumSquare } from './reduce.ts';

/** exp(x) / sum exp(x) over the last axis. */
export function softmax(g: Graph, x: Value): Value {
  const y: Value = g.emit({
    op: 'Softmax',
    inputs: [x],
    attributes: { axis: -1 },
    dtype: x.dtype,
    shape: x.shape,
    gradient: dy => [
      () => {
        const weighted = mul(g, dy, y);
        return sub(g, weighted, mul(g, y, reduceSum(g, weighted, { axes: [-1], keep: true })));
      },
    ],
  });
  return y;
}

/**
 * Root-mean-square normalisation over the last axis (Zhang & Sennrich 2019): y = w x / rms(x),
 * rms(x) = sqrt(mean(x²) + epsilon).
 *
 * The gradient takes 1/rms from the input again: the operator's own second output is wrong on WebGPU, and one number
 * per row is cheaper to find than to keep.
 */
export function rmsNorm(g: Graph, x: Value, weight: Value, epsilon: number): Value {
  const width = x.shape.at(-1) as number;
  if (!sameShape(weight.shape, [width])) {
    throw shapeError(
      'RmsNorm',
      `the weight ${formatShape(weight.shape)} does not fit rows of ${formatShape(x.shape)}.`,
    );
  }
  return g.composite(
    [x, weight],
    () =>
      g.emit({
        op: 'SimplifiedLayerNormalization',
        inputs: [x, weight],
        attributes: { axis: -1, epsilon: { float: epsilon }, stash_type: 1 },
        dtype: x.dtype,
        shape: x.shape,
      }),
    dy => {
      // n = x / rms;  dx = (w dy - n mean(w dy n)) / rms = w dy / rms - x mean(w dy x) / rms³
      const meanSquare = scale(g, reduceSumSquare(g, x, { axes: [-1], keep: true }), 1 / width);
      const inverse = div(g, g.scalar(1), sqrt(g, add(g, meanSquare, g.scalar(epsilon))));
      const dx = () => {
        const scaled = mul(g, dy, weight);
        const along = reduceMean(g, mul(g, scaled, x), { axes: [-1], keep: true });
        const correction = mul(g, along, mul(g, inverse, mul(g, inverse, inverse)));
        return sub(g, mul(g, scaled, inverse), mul(g, x, correction));
      };
      const dweight = () => sumTo(g, mul(g, dy, mul(g, x, inverse)), weight.shape);
      return [dx, dweight];
    },
  );
}
