/** Numbers as the report writes them, and who is best by a metric. */
import type { Estimate } from '../statistics/intervals.ts';
import type { MethodDifference, MethodResult, MetricInfo, MetricResult, PooledDifference, Results } from './results.ts';

/** Three decimals, but one of metrics that go to 100. */
export function digitsOf(metric: Pick<MetricInfo, 'name'> | undefined): number {
  return metric?.name === 'bleu' || metric?.name === 'chrf' ? 1 : 3;
}

/** The minus is U+2212, and a zero has no sign. */
export function decimal(value: number, metric?: MetricInfo): string {
  const text = value.toFixed(digitsOf(metric));
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '\u2212');
}

/** With its sign: `+0.012`. */
export function signed(value: number, metric?: MetricInfo): string {
  const text = decimal(value, metric);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function range({ low, high }: Estimate, metric?: MetricInfo, write = decimal): string {
  return `${write(low, metric)} to ${write(high, metric)}`;
}

export function pValue(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`;
}

/** An interval over fewer than two users has no width and would look like certainty. */
export function hasInterval(users: number): boolean {
  return users > 1;
}

/** The ends of an estimate's interval as a chart takes them; none where there is no interval. */
export function intervalOf({ low, high }: Estimate, users: number): { low?: number; high?: number } {
  return hasInterval(users) ? { low, high } : {};
}

export interface Measured {
  readonly method: MethodResult;
  readonly result: MetricResult;
}

/** The methods a metric was measured of, in the order of the table. */
export function measuredBy({ methods }: Results, { name }: MetricInfo): Measured[] {
  return methods.flatMap(method => {
    const result = method.metrics[name];
    return result ? [{ method, result }] : [];
  });
}

/** Whether there is a best: of one method, and where all have the same printed mean, there is none. */
export function hasBest(measured: readonly Measured[], metric: MetricInfo): boolean {
  return bestOf(measured, metric).length < measured.length;
}

/** Those with the best mean, the very best first: all that are printed alike. */
export function bestOf(measured: readonly Measured[], metric: MetricInfo): Measured[] {
  const sign = metric.better === 'higher' ? -1 : 1;
  const ranked = [...measured].sort((a, b) => sign * (a.result.mean - b.result.mean));
  const printed = ({ result }: Measured) => decimal(result.mean, metric);
  return ranked.filter(one => printed(one) === printed(ranked[0]!));
}

/** The anchor minus another method; what is one value over all answers has an interval alone. */
export type Difference = PooledDifference & Partial<MethodDifference>;

/** The differences by a metric, in the order of the table. */
export function differencesBy({ comparisons, pooledComparisons }: Results, metric: MetricInfo): Difference[] {
  return [...comparisons, ...pooledComparisons].filter(one => one.metric === metric.name);
}

/**
 * What a comparison says of the anchor. It is `better` or `worse` only where the interval leaves out 0 and the p-value,
 * corrected for all comparisons of the table, is at most 0.05. `alone`: one user gives no interval. `untold`: the interval
 * includes 0. `few`: it does not, and says nothing all the same. `chance`: the corrected test does not rule chance out.
 * `untested`: the interval leaves out 0, and there is no test of a value over all answers together.
 */
export type Verdict = 'better' | 'worse' | 'alone' | 'untold' | 'few' | 'chance' | 'untested';

/** With five, signs that all agree still come by chance one time in sixteen; their bootstrap interval leaves 0 out. */
const FEWEST_USERS = 6;

/** The largest corrected p-value at which a difference is put into words. */
const LEVEL = 0.05;

export function verdictOf({ low, high, adjustedP }: Difference, users: number): Verdict {
  if (!hasInterval(users)) return 'alone';
  if (low <= 0 && high >= 0) return 'untold';
  if (users < FEWEST_USERS) return 'few';
  if (adjustedP === undefined) return 'untested';
  if (adjustedP > LEVEL) return 'chance';
  return low > 0 ? 'better' : 'worse';
}
