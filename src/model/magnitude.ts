/** How large the numbers of tensors are: what is not finite must never reach a file. */
import type { NamedTensor } from './safetensors.ts';

/** The largest magnitude in a tensor; NaN or Infinity where a number is not finite. */
export function largestMagnitude({ data }: Pick<NamedTensor, 'data'>): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) {
    const value = Math.abs(data[i]!);
    if (!(value <= largest)) largest = value;
    if (!(value < Number.POSITIVE_INFINITY)) return value;
  }
  return largest;
}

/** The first tensor that holds a number that is not finite. */
export function firstNotFinite<T extends Pick<NamedTensor, 'data'>>(tensors: readonly T[]): T | undefined {
  return tensors.find(tensor => !Number.isFinite(largestMagnitude(tensor)));
}
