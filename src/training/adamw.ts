/** AdamW (Loshchilov & Hutter 2019), as torch.optim.AdamW computes it, and gradient clipping. */
import { z } from 'zod';

export const adamwSchema = z.object({
  lr: z.number().positive().default(1e-4).describe('peak learning rate'),
  weightDecay: z.number().min(0).default(0.01).describe('decoupled weight decay'),
  maxGradNorm: z.number().positive().default(1).describe('clip the gradient to this Euclidean norm'),
});

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** First and second moment of each matrix, in the order of the matrices. */
export interface AdamWState {
  step: number;
  readonly first: readonly Float32Array[];
  readonly second: readonly Float32Array[];
}

export function initialAdamW(parameters: readonly Float32Array[]): AdamWState {
  const zeros = () => parameters.map(({ length }) => new Float32Array(length));
  return { step: 0, first: zeros(), second: zeros() };
}

/**
 * Updates the parameters and the state in place.
 *
 * @param weightDecay one value for all parameters, or one for each in order
 */
export function adamwStep(
  parameters: readonly Float32Array[],
  gradients: readonly Float32Array[],
  state: AdamWState,
  lr: number,
  weightDecay: number | readonly number[],
  beta2 = BETA2,
): void {
  state.step++;
  const stepSize = lr / (1 - BETA1 ** state.step);
  const correction = Math.sqrt(1 - beta2 ** state.step);
  parameters.forEach((parameter, p) => {
    const keep = 1 - lr * (typeof weightDecay === 'number' ? weightDecay : weightDecay[p]!);
    const gradient = gradients[p]!;
    const first = state.first[p]!;
    const second = state.second[p]!;
    for (let i = 0; i < parameter.length; i++) {
      const dx = gradient[i]!;
      const m = BETA1 * first[i]! + (1 - BETA1) * dx;
      const v = beta2 * second[i]! + (1 - beta2) * dx * dx;
      first[i] = m;
      second[i] = v;
      parameter[i] = parameter[i]! * keep - (stepSize * m) / (Math.sqrt(v) / correction + EPSILON);
    }
  });
}

/** Scales gradients in place to a Euclidean norm of at most `limit`; returns the norm before. */
export function clipGradients(gradients: readonly Float32Array[], limit: number): number {
  let sum = 0;
  for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) sum += gradient[i]! ** 2;
  const norm = Math.sqrt(sum);
  if (norm > limit) {
    const factor = limit / (norm + 1e-6); // as torch.nn.utils.clip_grad_norm_
    for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) gradient[i]! *= factor;
  }
  return norm;
}
