/** Choosing the next token from logits. */
import { z } from 'zod';
import type { Random } from '../common/random.ts';

export const samplingSchema = z.object({
  temperature: z.number().min(0).default(0).describe('0: the most likely token each time; above: sample'),
  topP: z.number().gt(0).max(1).default(1).describe('sample from the smallest set of tokens with this probability'),
});

export type SamplingOptions = z.infer<typeof samplingSchema>;

/** The index of the largest value; the first of equals. */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Greedy at temperature 0, else nucleus sampling (Holtzman et al. 2020) after temperature. */
export function sampleToken(logits: Float32Array, { temperature, topP }: SamplingOptions, random: Random): number {
  if (temperature === 0) return argmax(logits);
  const top = logits[argmax(logits)]!;
  const weights = Float64Array.from(logits, logit => Math.exp((logit - top) / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  let candidates = Array.from(weights.keys());
  let mass = total;
  if (topP < 1) {
    candidates.sort((a, b) => weights[b]! - weights[a]!);
    mass = 0;
    let count = 0;
    while (count < candidates.length && mass < topP * total) mass += weights[candidates[count++]!]!;
    candidates = candidates.slice(0, count);
  }
  let left = random.uniform() * mass;
  for (const candidate of candidates) {
    left -= weights[candidate]!;
    if (left < 0) return candidate;
  }
  return candidates.at(-1)!; // rounding left a sliver
}
