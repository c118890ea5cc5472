/** Elementwise operators with NumPy broadcasting. */
import type { DType, Graph, Value } from '../graph.ts';
import { broadcastShapes } from '../shape.ts';
import { sumTo } from './broadcast.ts';

function binary(
  g: Graph,
  op: string,
  a: Value,
  b: Value,
  gradient?: (dy: Value) => [da: () => Value, db: () => Value],
  dtype: DType = a.dtype,
): Value {
  return g.emit({
    op,
    inputs: [a, b],
    dtype,
    shape: broadcastShapes(op, a.shape, b.shape),
    gradient:
      gradient &&
      (dy => {
        const [da, db] = gradient(dy);
        return [() => sumTo(g, da(), a.shape), () => sumTo(g, db(), b.shape)];
      }),
  });
}

function unary(g: Graph, op: string, x: Value, gradient: (dy: Value, y: Value) => Value): Value {
  const y: Value = g.emit({
    op,
    inputs: [x],
    dtype: x.dtype,
    shape: x.shape,
    gradient: dy => [() => gradient(dy, y)],
  });
  return y;
}

export function add(g: Graph, a: Value, b: Value): Value {
  return binary(g, 'Add', a, b, dy => [() => dy, () => dy]);
}

export function sub(g: Graph, a: Value, b: Value): Value {
  return binary(g, 'Sub', a, b, dy => [() => dy, () => neg(g, dy)]);
}

export function mul(g: Graph, a: Value, b: Value): Value {
  return binary(g, 'Mul', a, b, dy => [() => mul(g, dy, b), () => mul(g, dy, a)]);
}

/** d(a/b) = da/b - (a/b) db/b */
export function div(g: Graph, a: Value, b: Value): Value {
  const y: Value = binary(g, 'Div', a, b, dy => [() => div(g, dy, b), () => neg(g, div(g, mul(g, dy, y), b))]);
  return y;
}

/** x * factor, for a factor known when the graph is built. */
export function scale(g: Graph, x: Value, factor: number): Value {
  return factor === 1 ? x : mul(g, x, g.scalar(factor));
}

export function neg(g: Graph, x: Value): Value {
  return unary(g, 'Neg', x, dy => neg(g, dy));
}

export function exp(g: Graph, x: Value): Value {
  return unary(g, 'Exp', x, (dy, y) => mul(g, dy, y));
}

export function log(g: Graph, x: Value): Value {
  return unary(g, 'Log', x, dy => div(g, dy, x));
}

export function sqrt(g: Graph, x: Value): Value {
  return unary(g, 'Sqrt', x, (dy, y) => div(g, scale(g, dy, 0.5), y));
}

/** 1 / (1 + exp(-x)) */
export function sigmoid(g: Graph, x: Value): Value {
  return unary(g, 'Sigmoid', x, (dy, y) => mul(g, dy, sub(g, y, mul(g, y, y))));
}

/** log(1 + exp(x)), stable on both sides; softplus(-z) = -log sigmoid(z). */
export function softplus(g: Graph, x: Value): Value {
  return unary(g, 'Softplus', x, dy => mul(g, dy, sigmoid(g, x)));
}

/** The larger of two values. It has no gradient. */
export function max(g: Graph, a: Value, b: Value): Value {
  return binary(g, 'Max', a, b);
}

/** |x|. It has no gradient. */
export function abs(g: Graph, x: Value): Value {
  return g.emit({ op: 'Abs', inputs: [x], dtype: x.dtype, shape: x.shape });
}

/** max(0, x), with gradient 0 at 0. */
export function relu(g: Graph, x: Value): Value {
  return unary(g, 'Relu', x, dy => mul(g, dy, cast(g, greater(g, x, g.scalar(0)), 'float32')));
}

/** The same value as a constant: nothing flows back through it. */
export function detach(g: Graph, x: Value): Value {
  return g.emit({ op: 'Identity', inputs: [x], dtype: x.dtype, shape: x.shape, gradient: () => [null] });
}

const FLOATS: ReadonlySet<DType> = new Set(['float32', 'float16', 'bfloat16']);

/** Another number type; between float types the gradient is cast back. */
export function cast(g: Graph, x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return x;
  return g.emit({
    op: 'Cast',
    inputs: [x],
    attributes: { to: ONNX_TYPE[dtype] },
    dtype,
    shape: x.shape,
    gradient: dy => [FLOATS.has(x.dtype) && FLOATS.has(dtype) ? () => cast(g, dy, x.dtype) : null],
  });
}

export function greater(g: Graph, a: Value, b: Value): Value {
  return binary(g, 'Greater', a, b, undefined, 'bool');
}

export function lessOrEqual(g: Graph, a: Value, b: Value): Value {
  return binary(g, 'LessOrEqual', a, b, undefined, 'bool');
}

export function and(g: Graph, a: Value, b: Value): Value {
  return binary(g, 'And', a, b, undefined, 'bool');
}

/** a where the condition holds, else b. For masks: both branches are constants. */
export function where(g: Graph, condition: Value, a: Value, b: Value): Value {
  const shape = broadcastShapes('Where', condition.shape, broadcastShapes('Where', a.shape, b.shape));
  return g.emit({ op: 'Where', inputs: [condition, a, b], dtype: a.dtype, shape });
}

/** TensorProto.DataType of onnx.proto3. */
export const ONNX_TYPE: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
};
