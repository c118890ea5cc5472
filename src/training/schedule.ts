/** The learning rate over a run. */
import { z } from 'zod';

export const scheduleSchema = z.object({
  warmupRatio: z.number().min(0).max(1).default(0.1).describe('share of the steps over which the rate rises linearly'),
  schedule: z.enum(['linear', 'constant']).default('linear').describe('after warm-up: fall linearly to 0, or stay'),
});

export type ScheduleOptions = z.infer<typeof scheduleSchema>;

/**
 * Factor of the peak rate at step 0 .. total-1.
 *
 * Warm-up gives the first step 1/warmup of the peak. (transformers gives it 0, which wastes a batch: one in forty for a
 * short history.)
 */
export function learningRateFactor(step: number, total: number, { warmupRatio, schedule }: ScheduleOptions): number {
  const warmup = Math.ceil(total * warmupRatio);
  if (step < warmup) return (step + 1) / warmup;
  return schedule === 'constant' ? 1 : (total - step) / (total - warmup);
}

/**
 * Factor of the peak rate where it rises linearly over `warmup` steps and then falls along half a cosine, to `floor`
 * at the end (Loshchilov & Hutter 2017).
 */
export function cosineFactor(step: number, total: number, warmup: number, floor: number): number {
  if (step < warmup) return (step + 1) / warmup;
  const progress = (step - warmup) / Math.max(1, total - warmup);
  return floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2;
}
