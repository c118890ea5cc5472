/** Contrastive scores: by hand, and as torch has them; see tests/fixtures/contrastive.py. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type ContrastOptions, contrastiveScores, contrastSchema } from './contrast.ts';
import { argmax } from './sampler.ts';

const logs = (probabilities: readonly number[]) => Float32Array.from(probabilities, Math.log);
const nothing: ReadonlySet<number> = new Set();

// Logits are float32 (6e-8 of a number of size 2), and the epsilon adds 1e-8 / p to a logarithm.
const BY_HAND = 1e-6;
// Both sides compute in float64 from the same float32 logits, in another order.
const SAME = 1e-12;

test('the defaults are those of CoPe', () => {
  expect(contrastSchema.parse({})).toEqual({ strength: 0.1, plausibility: 0.1, repetitionPenalty: 1 });
});

describe('worked by hand', () => {
  const own = logs([0.5, 0.3, 0.16, 0.04]);
  const base = logs([0.7, 0.1, 0.1, 0.1]);
  const options = { strength: 0.5, plausibility: 0.1, repetitionPenalty: 1 };

  test('0.04 is below a tenth of 0.5; the others sum to 0.96 and are held against the base', () => {
    const scores = contrastiveScores(own, base, nothing, options);
    // ln(.5 / .96) - .5 ln .7, ln(.3 / .96) - .5 ln .1, ln(.16 / .96) - .5 ln .1
    const expected = [-0.473988, -0.011858, -0.640467];
    expected.forEach((score, x) => void expect(Math.abs(scores[x]! - score)).toBeLessThan(BY_HAND));
    expect(scores[3]).toBe(Number.NEGATIVE_INFINITY);
    expect(argmax(scores)).toBe(1); // what the adapter brought, not what both say
  });

  test('strength 0 leaves the adapter alone', () => {
    const scores = contrastiveScores(own, base, nothing, { ...options, strength: 0 });
    expect(Math.abs(scores[0]! - Math.log(0.5 / 0.96))).toBeLessThan(BY_HAND);
    expect(argmax(scores)).toBe(0);
  });

  test('plausibility 1 leaves the likeliest token alone', () => {
    const scores = contrastiveScores(own, base, nothing, { ...options, plausibility: 1 });
    expect([...scores].filter(Number.isFinite)).toHaveLength(1);
    expect(argmax(scores)).toBe(0);
  });

  test('the penalty lowers what was seen, negative or positive', () => {
    const plain = contrastiveScores(own, base, nothing, options);
    const penalised = contrastiveScores(own, base, new Set([1, 3]), { ...options, repetitionPenalty: 2 });
    expect([...penalised]).toEqual([plain[0], 2 * plain[1]!, plain[2], Number.NEGATIVE_INFINITY]);
    // A token both are nearly sure of that the base holds less likely has a score above 0: ln 1 - .5 ln .1 = 1.151293
    const sure = logs([1 - 1e-7, 1e-7]);
    const [score] = contrastiveScores(sure, logs([0.1, 0.9]), new Set([0]), { ...options, repetitionPenalty: 2 });
    expect(Math.abs(score! - 1.151293 / 2)).toBeLessThan(BY_HAND);
  });

  test('a base that rules a token out gives it the epsilon', () => {
    const ruledOut = Float32Array.of(0, Number.NEGATIVE_INFINITY, 0, 0);
    const scores = contrastiveScores(own, ruledOut, nothing, options);
    expect(Math.abs(scores[1]! - (Math.log(0.3 / 0.96) - 0.5 * Math.log(1e-8)))).toBeLessThan(BY_HAND);
  });
});

interface Recorded {
  readonly logits: number[];
  readonly base: number[];
  readonly seen: number[];
  readonly options: ContrastOptions;
  readonly plausible: boolean[];
  readonly scores: number[];
  readonly chosen: number;
}

test('the scores and the choices torch finds', async () => {
  const file = new URL('../../tests/fixtures/contrastive.json', import.meta.url);
  const cases: Recorded[] = JSON.parse(await readFile(file, 'utf8'));
  expect(cases.length).toBe(6);
  for (const { logits, base, seen, options, plausible, scores, chosen } of cases) {
    const found = contrastiveScores(Float32Array.from(logits), Float32Array.from(base), new Set(seen), options);
    expect(Array.from(found, Number.isFinite)).toEqual(plausible);
    plausible.forEach((is, x) => {
      if (is) expect(Math.abs(found[x]! - scores[x]!)).toBeLessThan(SAME);
    });
    expect(argmax(found)).toBe(chosen);
  }
});
