/** Checks one operator: its value against a float64 reference, its gradients against finite differences of it. */
import { expect } from 'vitest';
import { type Feeds, float32, floats, type Tensor } from '../../src/engine/tensor.ts';
import {
  type Dim,
  type DType,
  Graph,
  gradients,
  mul,
  reduceSum,
  type Shape,
  type Value,
} from '../../src/graph/index.ts';
import { draw, type NdArray } from './array.ts';
import { evaluate } from './evaluate.ts';

/**
 * How far a float32 result may be from the float64 one, relative to the largest number of its tensor (at least 1). The
 * tiny sums here have at most some 50 terms and each rounding is 6e-8 of its number: 4e-6 is about 60 of them, four
 * times the worst ever seen, and far below any wrong factor or lost term.
 */
export const TOLERANCE = 4e-6;

/** Step of the central differences. In float64 their error is h²/6 |f'''| + 1e-16/h, about 1e-9: nothing here. */
const STEP = 1e-4;

export interface Operator {
  /** The differentiable inputs, by name. */
  readonly inputs: Readonly<Record<string, NdArray>>;
  /** Inputs that take no gradient: indices, tables, masks. */
  readonly constants?: Feeds;
  /** Sizes above 1 are declared as names, as the dimensions of a batch are; equal sizes have equal names. */
  readonly symbolic?: boolean;
  /** Shapes the graph is told of single inputs, where neither all sizes nor none can be names. */
  readonly declared?: Readonly<Record<string, Shape>>;
  build(g: Graph, inputs: Readonly<Record<string, Value>>): Value;
  reference(inputs: Readonly<Record<string, NdArray>>): NdArray;
  /** Where the upstream gradient is not drawn at random. */
  readonly seed?: NdArray;
}

/** The gradient of sum(seed y) with respect to each input, and y itself, agree with the reference. */
export async function checkOperator(operator: Operator): Promise<void> {
  const { inputs, constants = {}, build, reference } = operator;
  const expected = reference(inputs);
  const seed = operator.seed ?? draw(expected.shape, expected.data.length);
  const wrt = Object.keys(inputs);
  const feeds: Feeds = {
    ...constants,
    ...Object.fromEntries(Object.entries(inputs).map(([name, array]) => [name, tensor(array)])),
  };

  const g = new Graph();
  const sizes = new Map<Dim, number>();
  const values: Record<string, Value> = {};
  for (const [name, { type, dims }] of Object.entries(feeds)) {
    const named = dims.map(size => (operator.symbolic && size > 1 ? `n${size}` : size));
    const shape = operator.declared?.[name] ?? named;
    shape.forEach((dim, axis) => void sizes.set(dim, dims[axis]!));
    values[name] = g.input(name, type as DType, shape);
  }
  const y = build(g, values);
  const size = (dim: Dim) => sizes.get(dim) ?? dim;
  // The shape rule says before any run what the run then finds.
  expect(y.shape.map(dim => `${dim}`.split('*').reduce((n, factor) => n * Number(size(factor)), 1))).toEqual(
    expected.shape,
  );
  const weighted = mul(g, y, g.input('seed', 'float32', y.shape));
  const loss = reduceSum(g, weighted, { axes: y.shape.map((_, axis) => axis) });
  const found = gradients(
    g,
    loss,
    wrt.map(name => values[name]!),
    g.scalar(1),
  );
  g.output('y', y);
  wrt.forEach((name, i) => void g.output(`d${name}`, found[i]!));

  const results = await evaluate(g, { ...feeds, seed: tensor(seed) });
  expectClose('y', floats(results.y!), expected.data);
  expect(results.y!.dims).toEqual(expected.shape);
  for (const name of wrt) {
    const difference = finiteDifferences(inputs, name, probe => weightedSum(seed, reference(probe)));
    expect(results[`d${name}`]!.dims).toEqual(inputs[name]!.shape);
    expectClose(`d${name}`, floats(results[`d${name}`]!), difference);
  }
}

/** Every element within `tolerance` of the expected one, relative to 1 or to the largest expected magnitude. */
export function expectClose(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance = TOLERANCE,
): void {
  expect(actual.length, name).toBe(expected.length);
  const scale = Array.from(expected).reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (error <= tolerance * scale) continue;
    expect.fail(`${name}[${i}] is ${actual[i]}, expected ${expected[i]} within ${tolerance * scale}`);
  }
}

export function tensor({ shape, data }: NdArray): Tensor {
  return float32(Float32Array.from(data), shape);
}

function weightedSum(seed: NdArray, y: NdArray): number {
  return y.data.reduce((total, element, i) => total + element * seed.data[i]!, 0);
}

function finiteDifferences(
  inputs: Readonly<Record<string, NdArray>>,
  name: string,
  f: (inputs: Readonly<Record<string, NdArray>>) => number,
): Float64Array {
  const { shape, data } = inputs[name]!;
  const shifted = (i: number, by: number) => {
    const copy = data.slice();
    copy[i]! += by;
    return f({ ...inputs, [name]: { shape, data: copy } });
  };
  return data.map((_, i) => (shifted(i, STEP) - shifted(i, -STEP)) / (2 * STEP));
}
