/** Contrastive decoding: prefers tokens that are more likely with the adapter than without it. */
import { z } from 'zod';

export const contrastSchema = z.object({
  strength: z.number().min(0).default(0.1).describe('how much of the model’s own log-probability is subtracted'),
  plausibility: z
    .number()
    .gt(0)
    .max(1)
    .default(0.1)
    .describe('consider only tokens with at least this share of the largest probability'),
  repetitionPenalty: z
    .number()
    .min(1)
    .default(1)
    .describe('makes tokens that have already occurred less likely; 1: off'),
});

export type ContrastOptions = z.infer<typeof contrastSchema>;

/** Keeps logarithms finite; as in CoPe. */
const EPSILON = 1e-8;

/**
 * Scores of the next token as in CoPe (Bu et al. 2025, after Li et al. 2023); the arg-max is the next token.
 *
 *   V = {x: p(x) >= plausibility * max p},  score(x) = log(p(x) / p(V) + 1e-8) - strength * log(p_base(x) + 1e-8)
 *
 * on V, and minus infinity elsewhere. The repetition penalty of Keskar et al. 2019 follows, as in transformers: scores
 * of tokens that have occurred are divided by it where positive and multiplied where negative.
 *
 * @param logits  with the adapter, [vocabSize]
 * @param base    without it
 * @param seen    ids of the prompt and of what was decoded so far
 */
export function contrastiveScores(
  logits: Float32Array,
  base: Float32Array,
  seen: ReadonlySet<number>,
  { strength, plausibility, repetitionPenalty }: ContrastOptions,
): Float64Array {
  const top = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const least = top + Math.log(plausibility);
  const baseTop = base.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let mass = 0;
  let baseMass = 0;
  for (let x = 0; x < logits.length; x++) {
    if (logits[x]! >= least) mass += Math.exp(logits[x]! - top);
    baseMass += Math.exp(base[x]! - baseTop);
  }
  const scores = new Float64Array(logits.length).fill(Number.NEGATIVE_INFINITY);
  for (let x = 0; x < logits.length; x++) {
    if (logits[x]! < least) continue;
    const own = Math.exp(logits[x]! - top) / mass;
    const without = Math.exp(base[x]! - baseTop) / baseMass;
    scores[x] = Math.log(own + EPSILON) - strength * Math.log(without + EPSILON);
  }
  if (repetitionPenalty !== 1) {
    for (const x of seen) scores[x]! *= scores[x]! < 0 ? repetitionPenalty : 1 / repetitionPenalty;
  }
  return scores;
}
