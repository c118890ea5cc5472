/**
 * The result in a few sentences made from the numbers: who is best by the first metric, and how the anchor compares
 * with the strongest other method. What does not differ by the corrected test does not differ here either.
 */

import {
  bestOf,
  type Difference,
  decimal,
  differencesBy,
  hasBest,
  hasInterval,
  type Measured,
  measuredBy,
  pValue,
  range,
  signed,
  verdictOf,
} from '../numbers.ts';
import type { MetricInfo, Results } from '../results.ts';
import { counted, listed } from './html.ts';

/** The first sentence first. */
export function headline(results: Results): string[] {
  const metric = results.metrics[0]!;
  const measured = measuredBy(results, metric);
  const best = bestOf(measured, metric);
  if (best.length === 0) return [`No method was measured by ${metric.title}.`];
  if (results.methods.length === 1) return [alone(best[0]!, metric, results)];
  if (!hasBest(measured, metric)) return [noneIsBest(best[0]!, metric, results), ...byOtherMetrics(results)];
  return [whoIsBest(best, metric, results), ...againstStrongest(measured, metric, results), ...byOtherMetrics(results)];
}

function alone({ method, result }: Measured, metric: MetricInfo, { users, queries }: Results): string {
  const interval = hasInterval(users.length) ? ` (95% interval ${range(result, metric)})` : '';
  const sample = `${counted(users.length, 'user')} and ${counted(queries, 'query')}`;
  return `${method.title} was measured alone, so it is compared with nothing: ${metric.title} ${decimal(result.mean, metric)}${interval}, ${sample}.`;
}

function noneIsBest({ result }: Measured, metric: MetricInfo, { methods, users, queries }: Results): string {
  const sample = `${counted(users.length, 'user')} and ${counted(queries, 'query')}`;
  return `All ${methods.length} methods have the same ${metric.title}, ${decimal(result.mean, metric)}, measured on ${sample}: it does not tell them apart.`;
}

function whoIsBest(best: readonly Measured[], metric: MetricInfo, { users, queries }: Results): string {
  const names = listed(best.map(({ method }) => method.title));
  const { result } = best[0]!;
  const interval = best.length === 1 && hasInterval(users.length) ? ` (95% interval ${range(result, metric)})` : '';
  const measured = `measured on ${counted(users.length, 'user')} and ${counted(queries, 'query')}`;
  return `${names} ${best.length === 1 ? 'has' : 'share'} the best mean ${metric.title}: ${decimal(result.mean, metric)}${interval}, ${measured}.`;
}

function againstStrongest(measured: readonly Measured[], metric: MetricInfo, results: Results): string[] {
  const anchor = measured.find(({ method }) => method.name === results.anchor);
  const [other] = bestOf(
    measured.filter(one => one !== anchor),
    metric,
  );
  if (!anchor || !other) return [];
  const ours = differencesBy(results, metric);
  const difference = ours.find(({ method }) => method === other.method.name);
  if (!difference) return [];
  const names = { anchor: anchor.method.title, other: other.method.title };
  const users = results.users.length;
  return [standing(difference, names, metric, users) + corrected(difference, ours.length, users)];
}

function standing(
  difference: Difference,
  { anchor, other }: { readonly anchor: string; readonly other: string },
  metric: MetricInfo,
  users: number,
): string {
  const size = decimal(Math.abs(difference.mean), metric);
  const isEqual = !/[1-9]/.test(size);
  const side = isEqual ? 'neither better nor worse' : `${difference.mean < 0 ? 'worse' : 'better'} by ${size}`;
  const interval = `95% interval ${range(difference, metric, signed)}`;
  const wins = forUsers(difference, users);
  switch (verdictOf(difference, users)) {
    case 'better':
      return `${anchor} is better than ${other}, the strongest other method, by ${size} (${interval}, above 0)${wins}.`;
    case 'worse':
      return `${anchor} is worse than ${other}, the strongest other method, by ${size} (${anchor} minus ${other}: ${interval}, below 0)${wins}.`;
    case 'untold':
      return `${anchor} and ${other}, the strongest other method, do not differ clearly: ${anchor} is ${side}${isEqual ? ', and' : ', but'} the ${interval} includes 0${wins}.`;
    case 'chance':
      return `${anchor} and ${other}, the strongest other method, do not differ clearly: ${anchor} is ${side} (${interval})${wins}, but chance is not ruled out.`;
    case 'untested':
      return `Against ${other}, the strongest other method, ${anchor} is ${side} (${interval})${wins}; a value over all answers together has no test, so chance is not ruled out.`;
    case 'few':
      return `Against ${other}, the strongest other method, ${anchor} is ${side} (${interval}), but ${users} users are too few to tell${wins}.`;
    case 'alone':
      return `Against ${other}, the strongest other method, ${anchor} is ${side} for the one user there is; one user gives no interval and says nothing about others.`;
  }
}

function forUsers({ winRate }: Difference, users: number): string {
  if (!winRate) return '';
  const equal = winRate.ties > 0 ? `, equal for ${winRate.ties}` : '';
  return `; better for ${winRate.wins} of ${counted(users, 'user')}${equal}`;
}

/** The test that the words follow. */
function corrected(difference: Difference, of: number, users: number): string {
  const { adjustedP } = difference;
  if (adjustedP === undefined || !['better', 'worse', 'chance'].includes(verdictOf(difference, users))) return '';
  const how = of > 1 ? ` Corrected for ${of} comparisons (Holm), ` : ' By the randomisation test, ';
  return `${how}${pValue(adjustedP)}.`;
}

/** Who has the best mean by the other metrics; one that is the same for all says nothing and is left out. */
function byOtherMetrics(results: Results): string[] {
  const wins = new Map<string, string[]>();
  for (const metric of results.metrics.slice(1)) {
    const measured = measuredBy(results, metric);
    const best = bestOf(measured, metric);
    if (!hasBest(measured, metric)) continue;
    const names = listed(best.map(({ method }) => method.title));
    wins.set(names, [...(wins.get(names) ?? []), metric.title]);
  }
  if (wins.size === 0) return [];
  const parts = [...wins].map(([names, metrics]) => `${names} by ${listed(metrics)}`);
  return [`Best means by the other metrics, not tested: ${parts.join('; ')}.`];
}
