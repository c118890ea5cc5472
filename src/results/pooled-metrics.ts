/** Metrics that are one value over the answers of all users, and their uncertainty by resampling users. */

import { IdiolectError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import type { Random } from '../common/random.ts';
import { RESAMPLES } from '../statistics/intervals.ts';
import type { Answer } from './answer.ts';

/** The value over all answers of the picked users; a user picked twice counts twice. At least one user. */
export type PooledMeasure = (picked: Iterable<number>) => number;

/** `macroF1` of labels, the white space around them aside. Labels are counted once, as it is asked 10,000 times. */
export function pooledMacroF1(users: readonly (readonly Answer[])[]): PooledMeasure {
  const numbers = new Map<string, number>();
  const numberOf = (label: string) => {
    const number = numbers.get(label) ?? numbers.size;
    numbers.set(label, number);
    return number;
  };
  const pairs = users.map(answers =>
    answers.map(({ text, reference }) => [numberOf(text.trim()), numberOf(reference.trim())] as const),
  );
  const named = new Int32Array(numbers.size); // how often a label is predicted or wanted, both counting
  const right = new Int32Array(numbers.size);
  return picked => {
    named.fill(0);
    right.fill(0);
    for (const user of picked) {
      for (const [predicted, wanted] of pairs[user]!) {
        named[predicted]!++;
        named[wanted]!++;
        if (predicted === wanted) right[wanted]!++;
      }
    }
    let sum = 0;
    let labels = 0;
    for (let label = 0; label < named.length; label++) {
      if (named[label] === 0) continue;
      sum += (2 * right[label]!) / named[label]!;
      labels++;
    }
    return sum / labels;
  };
}

/** `rootMeanSquaredError` of ratings. */
export function pooledRmse(users: readonly (readonly Answer[])[]): PooledMeasure {
  const squares = users.map(answers => answers.reduce((sum, answer) => sum + ratingError(answer) ** 2, 0));
  return picked => {
    let sum = 0;
    let answers = 0;
    for (const user of picked) {
      sum += squares[user]!;
      answers += users[user]!.length;
    }
    return Math.sqrt(sum / answers);
  };
}

/**
 * The rating answered minus the user's own. An answer that is no number counts as the rating of 1 to 5 that is farthest
 * from the user's, 5 for a 3; a number outside of 1 to 5 is kept. So does LaMP's own evaluation
 * (LaMP-Benchmark/LaMP, eval/evaluation.py, create_metric_mae_rmse).
 *
 * @throws IdiolectError DATA where the user's own is no number
 */
export function ratingError({ key, text, reference }: Answer): number {
  const own = numberIn(reference);
  if (own === undefined) {
    throw new IdiolectError(
      'DATA',
      `record ${printable(key)}: the user wrote "${printable(reference, 40)}", but mae and rmse need a number; choose other metrics.`,
    );
  }
  const farthest = Math.abs(1 - own) > Math.abs(5 - own) ? 1 : 5;
  return (numberIn(text) ?? farthest) - own;
}

/** A text that is a finite decimal number and nothing else, as Python's float() takes it; JavaScript takes "" for 0. */
function numberIn(text: string): number | undefined {
  const number = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

/** The measure of as many users drawn with replacement, 10,000 times: the draws of `bootstrapMean` with the same stream. */
export function resampled(measure: PooledMeasure, users: number, random: Random): Float64Array {
  const picked = new Int32Array(users);
  return Float64Array.from({ length: RESAMPLES }, () => {
    for (let i = 0; i < users; i++) picked[i] = random.integer(users);
    return measure(picked);
  });
}
