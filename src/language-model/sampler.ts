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

/** The index of the largest value; the first of equal ones. */
export function argmax(values: Scores): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Greedy at temperature 0; otherwise nucleus sampling (Holtzman et al. 2020) after scaling by the temperature. */
export function sampleToken(scores: Scores, { temperature, topP }: SamplingOptions, random: Random): number {
  if (temperature === 0) return argmax(scores);
  const top = scores[argmax(scores)]!;
  const weights = new Float64Array(scores.length);
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    weights[i] = Math.exp((scores[i]! - top) / temperature);
    total += weights[i]!;
  }
  return topP < 1 ? fromNucleus(weights, total, topP, random.uniform()) : fromAll(weights, total * random.uniform());
}

function fromAll(weights: Float64Array, point: number): number {
  let left = point;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return weights.length - 1; // rounding left a sliver
}

/** Draws, with a uniform number, from the fewest and largest weights that together hold `topP` of the total. */
function fromNucleus(weights: Float64Array, total: number, topP: number, uniform: number): number {
  // All tokens below this weight together hold less than 1 - topP, so none of them is in the nucleus, and few are left
  // to sort.
  const least = ((1 - topP) * total) / weights.length;
  const sorted = weights.filter(weight => weight >= least).sort(); // sorting numbers is many times faster than sorting indices
  let first = sorted.length;
  let mass = 0;
  while (first > 0 && mass < topP * total) mass += sorted[--first]!;
  let left = uniform * mass;
  let at = sorted.length - 1;
  for (; at > first; at--) {
    left -= sorted[at]!;
    if (left < 0) break;
  }
  const weight = sorted[at]!;
  // Tokens of equal weight stay in their own order.
  let index = weights.indexOf(weight);
  for (let equal = sorted.lastIndexOf(weight); equal > at; equal--) index = weights.indexOf(weight, index + 1);
  return index;
}
