/** Uncertainty over users. */
import type { Random } from '../common/random.ts';

export interface Estimate {
  readonly mean: number;
  /** 95% interval, percentile bootstrap over the values. */
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 10_000;

/** The mean of one value per user and its 95% interval by resampling users (Efron & Tibshirani 1993, ch. 13). */
export function bootstrapMean(values: readonly number[], random: Random): Estimate {
  const average = (pick: (i: number) => number) => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += pick(i);
    return sum / values.length;
  };
  const means = Float64Array.from({ length: RESAMPLES }, () =>
    average(() => values[random.integer(values.length)]!),
  ).sort();
  return {
    mean: average(i => values[i]!),
    low: means[Math.floor(0.025 * RESAMPLES)]!,
    high: means[Math.ceil(0.975 * RESAMPLES) - 1]!,
  };
}
