/** Choosing the next token from logits. */
import { z } from 'zod';
import type { Random } from '../common/random.ts';

export const samplingSchema = z.object({
  temperature: z.number().min(0).default(0).describe('0: the most likely token each time; above: sample'),
  topP: z.number().gt(0).max(1).default(1).describe('sample from the smallest set of tokens with this probability'),
});

export type SamplingOptions = z.infer<typeof samplingSchema>;

/** Logits, or other scores whose softmax is the distribution to draw from; [vocabSize]. */
type Scores = Float32Array | Float64Array;

/** The index of the largest value; the first of equals. */
export function argmax(values: Scores): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Greedy at temperature 0, else nucleus sampling (Holtzman et al. 2020) after temperature. */
export function sampleToken(scores: Scores, { temperature, topP }: SamplingOptions, random: Random): number {
  if (temperature === 0) return argmax(scores);
  const top = scores[argmax(scores)]!;
  const weights = new Float64Array(scores.length);
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    weights[i] = Math.exp((scores[i]! - top) / temperature);
    total += weights[i]!;
  }
  // All tokens below this weight together hold less than 1 - topP, so none of them is in the nucleus: few are left to sort.
  const least = ((1 - topP) * total) / weights.length;
  let candidates: number[] = [];
  for (let i = 0; i < weights.length; i++) if (weights[i]! >= least) candidates.push(i);
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
