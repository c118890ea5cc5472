/**
 * Chooses hyper-parameters on development users. Every method that has one gets the same number of tries, and all are
 * judged by the same criterion.
 */

import { counted } from '../../common/counted.ts';
import { IdiolectError } from '../../common/errors.ts';
import { setting } from '../../common/wording.ts';
import type { MetricName } from '../../histories/index.ts';
import type { MethodResult, ResultMetric } from '../../results/results.ts';
import { type MethodSpec, rateOf, trainingsOf } from './methods/catalogue.ts';
import type { Choices } from './methods/runner.ts';
import type { MethodSettings } from './methods/settings.ts';

/** One value of a method's hyper-parameter. */
export interface Try {
  /** `lr 0.001`, `2 records`. */
  readonly text: string;
  /** Fit for a folder name. */
  readonly name: string;
  readonly choices: Choices;
}

/** A try and its score. */
export interface TriedSetting {
  readonly method: string;
  readonly settings: string;
  /** Mean over development users. */
  readonly score: number;
  /** Nats per token, where several tries had the same best score and this decided. */
  readonly likelihood?: number;
  readonly chosen: boolean;
}

/** Sums in a different order may differ by this much through rounding; no criterion has steps this small. */
const ROUNDING = 1e-12;

/**
 * The try with the best score. Where several share it, the log-likelihood of what the users wrote decides, since it
 * depends on every token; where that is equal too, the first of them is chosen.
 *
 * @param measured the tries' answers, in their order
 */
export function chooseTry(
  method: string,
  tries: readonly Try[],
  measured: readonly Pick<MethodResult, 'metrics'>[],
  criterion: ResultMetric,
): { readonly choices: Choices; readonly tried: readonly TriedSetting[] } {
  const by = (metric: ResultMetric) => measured.map(({ metrics }) => metrics[metric]!.mean);
  const [scores, likelihoods] = [by(criterion), by('logLikelihood')];
  const sign = criterion === 'mae' || criterion === 'rmse' ? -1 : 1;
  const most = Math.max(...scores.map(score => sign * score));
  const leading = [...scores.keys()].filter(i => sign * scores[i]! >= most - ROUNDING);
  const best = leading.reduce((best, i) => (likelihoods[i]! > likelihoods[best]! + ROUNDING ? i : best));
  return {
    choices: tries[best]!.choices,
    tried: tries.map(({ text }, i) => ({
      method,
      settings: text,
      score: scores[i]!,
      ...(leading.length > 1 && leading.includes(i) && { likelihood: likelihoods[i]! }),
      chosen: i === best,
    })),
  };
}

/** A try as the terminal and results.md show it. */
export function triedText({ method, settings, score, likelihood, chosen }: TriedSetting): string {
  const tie = likelihood === undefined ? '' : `, a tie; log-likelihood ${likelihood.toFixed(4)}`;
  return `${method} ${settings}: ${score.toFixed(4)}${tie}${chosen ? ' (taken)' : ''}`;
}

/** The first value of each list, used where nothing is searched. */
export function firstChoices(
  { rates, retrieved, profileRecords }: MethodSettings,
  own: readonly MethodSpec[] = [],
): Choices {
  const ofAll = trainingsOf(own).map(training => [training.name, rateOf(training, rates[0]!)] as const);
  return { rates: Object.fromEntries(ofAll), retrieved: retrieved[0]!, profileRecords: profileRecords[0]! };
}

/**
 * What a try is judged by. A metric of the task measures the answers, which is what counts, but with few answers its
 * steps are coarse; log-likelihood measures every token of what the users wrote.
 */
export function criterionOf({ chooseBy }: MethodSettings, ofTask: readonly MetricName[]): ResultMetric {
  return chooseBy === 'likelihood' ? 'logLikelihood' : ofTask[0]!;
}

/** Whether there are values to choose from, and users to choose on. */
export function isSearched({ rates, developmentUsers }: MethodSettings): boolean {
  return rates.length > 1 && developmentUsers > 0;
}

/**
 * The tries of a method, added to what was chosen for earlier methods. There are none for a method without a
 * hyper-parameter, or for retrieval on top of an adapter, which uses the values chosen for each alone.
 *
 * @throws IdiolectError CONFIG where the lists have fewer tries than there are rates
 */
export function triesOf(spec: MethodSpec, chosen: Choices, settings: MethodSettings): Try[] {
  const { training, prompt } = spec;
  const count = settings.rates.length;
  const firstOf = (key: string, values: readonly number[]) => {
    if (values.length >= count) return values.slice(0, count);
    throw new IdiolectError(
      'CONFIG',
      `${setting(key)} has ${values.length} values and ${setting('rates')} ${count}: every method gets the same number of tries. Give ${count} of each.`,
    );
  };
  if (training && prompt === 'plain') {
    const rates = settings.rates.map(rate => rateOf(training, rate));
    return rates.map(rate => ({
      text: `lr ${rate}`,
      name: `${spec.name}-${rate}`,
      choices: { ...chosen, rates: { ...chosen.rates, [training.name]: rate } },
    }));
  }
  if (training || prompt === 'plain') return [];
  const isRag = prompt === 'examples';
  return firstOf(isRag ? 'retrieved' : 'profileRecords', isRag ? settings.retrieved : settings.profileRecords).map(
    value => ({
      text: counted(value, 'record'),
      name: `${spec.name}-${value}`,
      choices: { ...chosen, [isRag ? 'retrieved' : 'profileRecords']: value },
    }),
  );
}

/**
 * Methods in the order in which they can be searched and trained: a method that starts from another's adapters comes
 * after it, and retrieval on top of an adapter last. Methods that others need are added if they were not asked for.
 *
 * @returns the methods to search, each once
 */
export function inOrder(specs: readonly MethodSpec[], byName: (name: string) => MethodSpec): MethodSpec[] {
  const ordered: MethodSpec[] = [];
  const add = (spec: MethodSpec) => {
    if (ordered.some(({ name }) => name === spec.name)) return;
    for (const name of neededBy(spec)) add(byName(name));
    ordered.push(spec);
  };
  specs.forEach(add);
  return ordered;
}

function neededBy({ training, prompt }: MethodSpec): string[] {
  if (!training) return [];
  const onTop = prompt === 'examples' ? ['rag', training.name] : [];
  return [...(training.start ? [training.start] : []), ...onTop];
}

/** What distinguishes a method in this comparison, its chosen hyper-parameters included. */
export function describeMethod(spec: MethodSpec, { rates, retrieved, profileRecords }: Choices): string {
  return [
    spec.summary,
    ...(spec.training ? [`lr ${rates[spec.training.name]}`] : []),
    ...(spec.prompt === 'examples' ? [counted(retrieved, 'record')] : []),
    ...(spec.prompt === 'profile' ? [`from ${counted(profileRecords, 'record')}`] : []),
  ].join('; ');
}

/** The result of a try, or null where its training diverges: it cannot be chosen, but the other tries continue. */
export async function unlessDiverged<T>(
  work: () => Promise<T>,
  onDiverged: (reason: string) => void,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof IdiolectError) || error.code !== 'DIVERGED') throw error;
    onDiverged(error.message);
    return null;
  }
}
