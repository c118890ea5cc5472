/** Gated activations. */
import type { Graph, Value } from '../graph.ts';
import { add, mul, sigmoid, sub } from './elementwise.ts';

/** silu(x) = x sigmoid(x), in one pass. */
function silu(g: Graph, x: Value): Value {
  return g.emit({
    op: 'QuickGelu', // x sigmoid(alpha x)
    domain: 'com.microsoft',
    inputs: [x],
    attributes: { alpha: { float: 1 } },
    dtype: x.dtype,
    shape: x.shape,
  });
}

/**
 * SwiGLU (Shazeer 2020): silu(gate) * up.
 *
 * Kept for the gradient: gate, up and silu(gate). The sigmoid is found again from gate; storing it would cost a
 * quarter more activation memory in the feed-forward part.
 */
export function swiglu(g: Graph, gate: Value, up: Value): Value {
  let activated!: Value;
  return g.composite(
    [gate, up],
    () => {
      activated = silu(g, gate);
      return mul(g, activated, up);
    },
    dy => {
      // d silu(gate) = s + silu (1 - s) = s + silu - silu s,  s = sigmoid(gate)
      const dgate = () => {
        const s = sigmoid(g, gate);
        const slope = add(g, s, sub(g, activated, mul(g, activated, s)));
        return mul(g, mul(g, dy, up), slope);
      };
      return [dgate, () => mul(g, dy, activated)];
    },
  );
}
