/** How near two gradients of the same adapter are. */
import { random } from '../src/index.ts';
import type { LoraMatrices } from '../src/model/lora.ts';

const DEVIATION = 0.01;

/** An adapter with a B that is drawn: at first B is 0, where A has no gradient. */
export function movedFromZero(initial: LoraMatrices): LoraMatrices {
  const source = random(2, 'lora');
  return initial.map(matrix =>
    matrix.name.endsWith('lora_B.weight')
      ? { ...matrix, data: matrix.data.map(() => DEVIATION * source.normal()) }
      : matrix,
  );
}

/** Of two gradients as one vector each, over all matrices. */
export function cosineOf(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  const dot = (x: readonly Float32Array[], y: readonly Float32Array[]) =>
    x.reduce((sum, values, i) => sum + values.reduce((part, value, j) => part + value * y[i]![j]!, 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
