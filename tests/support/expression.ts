/** Random expressions of square matrices, as a graph and as plain numbers. */
import fc from 'fast-check';
import { add, type Graph, gemm, mul, type Value } from '../../src/graph/index.ts';
import { matrixProduct, type NdArray, zip } from './array.ts';

export interface Step {
  readonly op: 'add' | 'mul' | 'gemm';
  /** Which of the values so far, counted from the latest. */
  readonly left: number;
  readonly right: number;
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

/** Each step reads inputs and earlier steps, so that one value may be read often or never. */
export const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    // Sums and products in a row are what folding looks for.
    op: fc.constantFrom('add', 'add', 'add', 'gemm', 'gemm', 'gemm', 'mul'),
    left: fc.nat(1),
    right: fc.nat(4),
    transA: fc.boolean(),
    transB: fc.boolean(),
    alpha: fc.constantFrom(1, 1, 1, 0.5),
  }),
  { minLength: 2, maxLength: 8, size: 'max' },
);

function walk<T>(inputs: readonly T[], steps: readonly Step[], apply: (step: Step, left: T, right: T) => T): T[] {
  const values = [...inputs];
  const back = (count: number) => values[Math.max(0, values.length - 1 - count)]!;
  for (const step of steps) values.push(apply(step, back(step.left), back(step.right)));
  return values;
}

/** The inputs and the value of every step. */
export function graphValues(g: Graph, inputs: readonly Value[], steps: readonly Step[]): Value[] {
  return walk(inputs, steps, (step, left, right) => {
    if (step.op === 'gemm') return gemm(g, left, right, step);
    return step.op === 'add' ? add(g, left, right) : mul(g, left, right);
  });
}

export function plainValues(inputs: readonly NdArray[], steps: readonly Step[]): NdArray[] {
  return walk(inputs, steps, (step, left, right) => {
    if (step.op === 'gemm') return matrixProduct(left, right, step);
    return zip(left, right, step.op === 'add' ? (x, y) => x + y : (x, y) => x * y);
  });
}
