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
 * Only gate and up are kept for the gradient. Sigmoid and silu are found again: a pass over memory each, for a third
 * less to keep in the widest part of the model.
 */
export function swiglu(g: Graph, gate: Value, up: Value): Value {
  return g.composite(
    [gate, up],
    () => mul(g, silu(g, gate), up),
    dy => {
      // silu = gate s,  d silu / d gate = s (1 + gate - silu),  s = sigmoid(gate)
      const s = sigmoid(g, gate);
      const activated = mul(g, gate, s);
      const slope = () => mul(g, add(g, sub(g, gate, activated), g.scalar(1)), s);
      return [() => mul(g, mul(g, dy, up), slope()), () => mul(g, dy, activated)];
    },
  );
}
