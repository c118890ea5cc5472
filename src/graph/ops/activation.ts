/** Gated activations: an activation of one projection times another projection. */
import type { Graph, Value } from '../graph.ts';
import { add, exp, mul, scale, sigmoid, sub } from './elementwise.ts';

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

/** gelu(x) = x Phi(x), with the normal distribution's Phi, or with the tanh that Hendrycks & Gimpel (2016) put for it. */
export type GeluForm = 'exact' | 'tanh';

function gelu(g: Graph, x: Value, form: GeluForm): Value {
  const op = form === 'exact' ? 'Gelu' : 'FastGelu';
  return g.emit({ op, domain: 'com.microsoft', inputs: [x], dtype: x.dtype, shape: x.shape });
}

/**
 * GEGLU (Shazeer 2020): gelu(gate) * up.
 *
 * As in SwiGLU, only gate and up are kept for the gradient.
 */
export function geglu(g: Graph, gate: Value, up: Value, form: GeluForm): Value {
  return g.composite(
    [gate, up],
    () => mul(g, gelu(g, gate, form), up),
    dy => [
      () => mul(g, mul(g, dy, up), form === 'exact' ? exactSlope(g, gate) : tanhSlope(g, gate)),
      () => mul(g, dy, gelu(g, gate, form)),
    ],
  );
}

/** Phi(x) + x phi(x), with Phi(x) = (1 + erf(x / sqrt 2)) / 2 and phi(x) = exp(-x^2 / 2) / sqrt(2 pi). */
function exactSlope(g: Graph, x: Value): Value {
  const input = scale(g, x, Math.SQRT1_2);
  const erf = g.emit({ op: 'Erf', inputs: [input], dtype: x.dtype, shape: x.shape });
  const density = scale(g, exp(g, scale(g, mul(g, x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return add(g, scale(g, add(g, erf, g.scalar(1)), 0.5), mul(g, x, density));
}

/** With (1 + tanh u) / 2 = sigmoid(2u) = s and 2u = c x (1 + a x^2):  s + x s (1 - s) c (1 + 3 a x^2). */
function tanhSlope(g: Graph, x: Value): Value {
  const c = 2 * Math.sqrt(2 / Math.PI);
  const a = 0.044715;
  const square = mul(g, x, x);
  const s = sigmoid(g, mul(g, x, add(g, scale(g, square, a * c), g.scalar(c))));
  const inner = add(g, scale(g, square, 3 * a * c), g.scalar(c));
  return add(g, s, mul(g, mul(g, x, inner), sub(g, s, mul(g, s, s))));
}
