/** Operators that move elements and compute nothing. */
import type { Graph, Value } from '../graph.ts';
import { type Dim, formatShape, normalizeAxis, product, sameShape, shapeError } from '../shape.ts';
import { expand, reshape, shapeOf } from './broadcast.ts';

export function transpose(g: Graph, x: Value, permutation: readonly number[]): Value {
  const inverse = permutation.map((_, i) => permutation.indexOf(i));
  return g.emit({
    op: 'Transpose',
    inputs: [x],
    attributes: { perm: permutation },
    dtype: x.dtype,
    shape: permutation.map(i => x.shape[i]!),
    gradient: dy => [() => transpose(g, dy, inverse)],
  });
}

/** Rows of `table` by index: [rows, ...rest] and int64 indices of any shape give [...indices, ...rest]. */
export function gather(g: Graph, table: Value, indices: Value): Value {
  return gatherBy(g, table, indices, dy => scatterSum(g, table, indices, dy));
}

/** The same for an index vector that names no row twice, which makes the gradient a plain copy back. */
export function gatherDistinct(g: Graph, table: Value, indices: Value): Value {
  return gatherBy(g, table, indices, dy =>
    g.emit({
      op: 'ScatterND',
      inputs: [zerosLike(g, table), reshape(g, indices, [...indices.shape, 1]), dy],
      dtype: table.dtype,
      shape: table.shape,
    }),
  );
}

function gatherBy(g: Graph, table: Value, indices: Value, gradient: (dy: Value) => Value): Value {
  return g.emit({
    op: 'Gather',
    inputs: [table, indices],
    attributes: { axis: 0 },
    dtype: table.dtype,
    shape: [...indices.shape, ...table.shape.slice(1)],
    gradient: dy => [() => gradient(dy), null],
  });
}

/**
 * Zeros of the table's shape with `updates` added at the rows `indices` names; a row named twice receives both. By
 * ScatterElements: ONNX Runtime's ScatterND adds from several threads without a lock and loses sums.
 */
function scatterSum(g: Graph, table: Value, indices: Value, updates: Value): Value {
  const rows = flatten(g, updates, indices.shape.length);
  const sum = g.emit({
    op: 'ScatterElements',
    inputs: [
      flatten(g, zerosLike(g, table), 1),
      expand(g, flatten(g, indices, indices.shape.length), rows.shape, shapeOf(g, rows)),
      rows,
    ],
    attributes: { axis: 0, reduction: 'add' },
    dtype: table.dtype,
    shape: [table.shape[0]!, product(table.shape.slice(1))],
  });
  // By the table's own sizes: several of them may be known at run time only.
  return g.emit({ op: 'Reshape', inputs: [sum, shapeOf(g, table)], dtype: table.dtype, shape: table.shape });
}

/** As a matrix: the axes before `axis` become rows, the others columns. */
function flatten(g: Graph, x: Value, axis: number): Value {
  const shape = [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))];
  return g.emit({ op: 'Flatten', inputs: [x], attributes: { axis }, dtype: x.dtype, shape });
}

function zerosLike(g: Graph, x: Value): Value {
  return g.emit({ op: 'ConstantOfShape', inputs: [shapeOf(g, x)], dtype: x.dtype, shape: x.shape });
}

/** Joins tensors along an axis. */
export function concat(g: Graph, parts: readonly Value[], axis: number): Value {
  const [first] = parts;
  const at = normalizeAxis('Concat', axis, first!.shape.length);
  for (const { shape } of parts) {
    if (sameShape(shape.with(at, 1), first!.shape.with(at, 1))) continue;
    throw shapeError('Concat', `${formatShape(first!.shape)} and ${formatShape(shape)} differ beside axis ${at}.`);
  }
  const dims = parts.map(part => part.shape[at]!);
  const total: Dim = dims.every(dim => typeof dim === 'number')
    ? dims.reduce((sum, dim) => sum + dim, 0)
    : dims.every(dim => dim === dims[0])
      ? product([dims.length, dims[0]!])
      : dims.join('+');
  return g.emit({
    op: 'Concat',
    inputs: parts,
    attributes: { axis: at },
    dtype: first!.dtype,
    shape: first!.shape.map((dim, i) => (i === at ? total : dim)),
  });
}

/** The part of x from `start` to before `end` (int64 scalars) along an axis, `count` long. Made for decoding: no gradient. */
export function slice(g: Graph, x: Value, axis: number, start: Value, end: Value, count: Dim): Value {
  const vector = (scalar: Value) => reshape(g, scalar, [1]);
  return g.emit({
    op: 'Slice',
    inputs: [x, vector(start), vector(end), g.integers([axis])],
    dtype: x.dtype,
    shape: x.shape.with(axis, count),
  });
}

/** The size of one axis of x as an int64 scalar. */
export function sizeOf(g: Graph, x: Value, axis: number): Value {
  const at = normalizeAxis('Shape', axis, x.shape.length);
  return g.once(`size ${x.name} ${at}`, () => {
    const size = g.emit({
      op: 'Shape',
      inputs: [x],
      attributes: { start: at, end: at + 1 },
      dtype: 'int64',
      shape: [1],
    });
    return g.emit({ op: 'Squeeze', inputs: [size], dtype: 'int64', shape: [] });
  });
}

/** 0, 1, ... count-1 as int64, for a count known at run time only. */
export function range(g: Graph, count: Value, name: Dim): Value {
  const zero = g.constant(BigInt64Array.of(0n), []);
  const one = g.constant(BigInt64Array.of(1n), []);
  return g.emit({ op: 'Range', inputs: [zero, count, one], dtype: 'int64', shape: [name] });
}
