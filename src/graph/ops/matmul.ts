/** Matrix products: two-dimensional with an addend (Gemm), and batched. */
import type { Graph, Value } from '../graph.ts';
import { broadcastShapes, type Dim, formatShape, sameShape, shapeError } from '../shape.ts';
import { sumTo } from './broadcast.ts';

export interface GemmOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  /** Factor of the product; not of the addend. */
  readonly alpha?: number;
  /** Added to the product: a bias [n], or a matrix of the result's shape. */
  readonly addend?: Value;
}

/** alpha op(a) op(b) + addend, for matrices a and b. */
export function gemm(g: Graph, a: Value, b: Value, options: GemmOptions = {}): Value {
  const { transA = false, transB = false, alpha = 1, addend } = options;
  if (a.shape.length !== 2 || b.shape.length !== 2) {
    throw shapeError('Gemm', `needs two matrices, got ${formatShape(a.shape)} and ${formatShape(b.shape)}.`);
  }
  const [m, k] = transA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
  const [inner, n] = transB ? [b.shape[1]!, b.shape[0]!] : [b.shape[0]!, b.shape[1]!];
  requireInner('Gemm', a, b, k, inner);
  if (addend && !sameShape(broadcastShapes('Gemm', addend.shape, [m, n]), [m, n])) {
    throw shapeError(
      'Gemm',
      `the addend ${formatShape(addend.shape)} does not fit the product ${formatShape([m, n])}.`,
    );
  }
  return g.emit({
    op: 'Gemm',
    inputs: addend ? [a, b, addend] : [a, b],
    attributes: {
      ...(transA && { transA: 1 }),
      ...(transB && { transB: 1 }),
      ...(alpha !== 1 && { alpha: { float: alpha } }),
    },
    dtype: a.dtype,
    shape: [m, n],
    gradient: dy => [
      () =>
        transA ? gemm(g, b, dy, { transA: transB, transB: true, alpha }) : gemm(g, dy, b, { transB: !transB, alpha }),
      () =>
        transB ? gemm(g, dy, a, { transA: true, transB: transA, alpha }) : gemm(g, a, dy, { transA: !transA, alpha }),
      addend ? () => sumTo(g, dy, addend.shape) : null,
    ],
  });
}

/** x Wᵀ (+ bias): x [rows, in], W [out, in] as Hugging Face stores it, bias [out]. */
export function linear(g: Graph, x: Value, weight: Value, bias?: Value): Value {
  return gemm(g, x, weight, { transB: true, addend: bias });
}

export interface MatmulOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly alpha?: number;
}

/** alpha op(a) op(b) over equal leading dimensions; the transposes are of the last two axes and cost no copy. */
export function matmul(g: Graph, a: Value, b: Value, options: MatmulOptions = {}): Value {
  const { transA = false, transB = false, alpha = 1 } = options;
  const batch = a.shape.slice(0, -2);
  if (a.shape.length < 3 || !sameShape(batch, b.shape.slice(0, -2))) {
    throw shapeError('MatMul', `${formatShape(a.shape)} and ${formatShape(b.shape)} need equal leading dimensions.`);
  }
  const [rowsA, colsA] = a.shape.slice(-2) as [Dim, Dim];
  const [rowsB, colsB] = b.shape.slice(-2) as [Dim, Dim];
  const [m, k] = transA ? [colsA, rowsA] : [rowsA, colsA];
  const [inner, n] = transB ? [colsB, rowsB] : [rowsB, colsB];
  requireInner('MatMul', a, b, k, inner);
  return g.emit({
    op: 'FusedMatMul',
    domain: 'com.microsoft',
    inputs: [a, b],
    attributes: { transA: transA ? 1 : 0, transB: transB ? 1 : 0, alpha: { float: alpha } },
    dtype: a.dtype,
    shape: [...batch, m, n],
    gradient: dy => [
      () =>
        transA
          ? matmul(g, b, dy, { transA: transB, transB: true, alpha })
          : matmul(g, dy, b, { transB: !transB, alpha }),
      () =>
        transB
          ? matmul(g, dy, a, { transA: true, transB: transA, alpha })
          : matmul(g, a, dy, { transA: !transA, alpha }),
    ],
  });
}

function requireInner(op: string, a: Value, b: Value, k: Dim, inner: Dim): void {
  if (k !== inner) {
    throw shapeError(
      op,
      `inner sizes ${k} and ${inner} differ for ${formatShape(a.shape)} and ${formatShape(b.shape)}.`,
    );
  }
}
