/** Uncertainty over users. */
import { IdiolectError } from '../common/errors.ts';
import type { Random } from '../common/random.ts';

export interface Estimate {
  readonly mean: number;
  /** 95% interval, percentile bootstrap over the values. */
  readonly low: number;
  readonly high: number;
}

export const RESAMPLES = 10_000;

/**
 * The mean of one value per user and its 95% interval by resampling users (Efron & Tibshirani 1993, ch. 13).
 *
 * @throws IdiolectError DATA where there is no value, or one is not finite: a table would show NaN, and JSON null
 */
export function bootstrapMean(values: readonly number[], random: Random): Estimate {
  if (values.length === 0 || !values.every(Number.isFinite)) {
    const found = values.length === 0 ? 'none' : String(values.find(value => !Number.isFinite(value)));
    throw new IdiolectError('DATA', `a mean over users needs a finite value of at least one; found ${found}.`);
  }
  const average = (pick: (i: number) => number) => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += pick(i);
    return sum / values.length;
  };
  const means = Float64Array.from({ length: RESAMPLES }, () => average(() => values[random.integer(values.length)]!));
  return percentileEstimate(
    average(i => values[i]!),
    means,
  );
}

/** A value with the 95% percentile interval of its resampled values. */
export function percentileEstimate(value: number, resampled: Float64Array): Estimate {
  return { mean: value, ...percentileInterval(resampled) };
}

/** From the 2.5% to the 97.5% percentile of some values. */
export function percentileInterval(values: Float64Array): { readonly low: number; readonly high: number } {
  const sorted = values.toSorted();
  return {
    low: sorted[Math.floor(0.025 * sorted.length)]!,
    high: sorted[Math.ceil(0.975 * sorted.length) - 1]!,
  };
}
