/** What held-out texts say of adapters: a test, an interval, and the words that follow from them. */
import type { Random } from '../common/random.ts';
import { signFlipTest } from './comparisons.ts';
import { type Estimate, percentileEstimate, RESAMPLES } from './intervals.ts';

/** One text under two models. */
export interface ScoredText {
  readonly tokens: number;
  /** Log-probability of the whole text under the first minus that under the second, in nats. */
  readonly difference: number;
}

/** `untold`: the test does not tell the difference from 0. `few`: there are too few texts for any test to do so. */
export type HeldOutVerdict = 'helps' | 'harms' | 'untold' | 'few';

/** With five texts, signs that all agree still come by chance one time in sixteen. */
export const FEWEST_TEXTS = 6;

const LEVEL = 0.05;

/** Of one user: nats a token with the interval of resampled texts. */
export interface Judgement extends Estimate {
  readonly texts: number;
  /** Two-sided p-value of the paired randomisation test over texts. */
  readonly p: number;
  readonly verdict: HeldOutVerdict;
}

/** The mean difference per token over a user's texts, and what can be said of it. */
export function judgeTexts(texts: readonly ScoredText[], random: Random): Judgement {
  const over = (pick: (i: number) => number) => {
    let [sum, tokens] = [0, 0];
    for (let i = 0; i < texts.length; i++) {
      const text = texts[pick(i)]!;
      sum += text.difference;
      tokens += text.tokens;
    }
    return sum / tokens;
  };
  const resampled = Float64Array.from({ length: RESAMPLES }, () => over(() => random.integer(texts.length)));
  const estimate = percentileEstimate(
    over(i => i),
    resampled,
  );
  const p = signFlipTest(
    texts.map(({ difference }) => difference),
    random,
  );
  return { ...estimate, texts: texts.length, p, verdict: verdictOf(estimate.mean, p, texts.length) };
}

export interface OverallJudgement {
  readonly texts: number;
  readonly p: number;
  readonly verdict: HeldOutVerdict;
}

/**
 * Whether the mean of the users' differences per token differs clearly from 0. The test flips texts, not users: it asks about
 * the adapters there are, which two users are enough for, and not about users to come.
 */
export function judgeUsers(users: readonly (readonly ScoredText[])[], random: Random): OverallJudgement {
  const shares = users.flatMap(texts => {
    const tokens = texts.reduce((sum, text) => sum + text.tokens, 0);
    return texts.map(({ difference }) => difference / tokens / users.length);
  });
  const p = signFlipTest(shares, random);
  const mean = shares.reduce((a, b) => a + b, 0);
  return { texts: shares.length, p, verdict: verdictOf(mean, p, shares.length) };
}

function verdictOf(mean: number, p: number, texts: number): HeldOutVerdict {
  if (texts < FEWEST_TEXTS) return 'few';
  if (p > LEVEL) return 'untold';
  return mean > 0 ? 'helps' : 'harms';
}
