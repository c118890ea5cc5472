/** The answers of several methods to the same queries, measured: each method alone, and one against every other. */

import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import { random } from '../common/random.ts';
import { UNIQUENESS_GROUPS } from '../overlap/uniqueness.ts';
import { holm, pairedDifference, winRate } from '../statistics/comparisons.ts';
import { bootstrapMean, type Estimate, percentileEstimate } from '../statistics/intervals.ts';
import type { Answer, MethodAnswers } from './answer.ts';
import { type PooledMeasure, resampled } from './pooled-metrics.ts';
import { chooseMetrics, type Metric } from './result-metrics.ts';
import type {
  MethodDifference,
  MethodResult,
  MetricInfo,
  MetricResult,
  PooledDifference,
  ResultMetric,
  Results,
  ResultsInput,
} from './results.ts';

/** A metric of all methods, in the order of the input. */
interface Column {
  readonly info: MetricInfo;
  readonly results: readonly MetricResult[];
  readonly comparisons: readonly MethodDifference[];
  readonly pooledComparisons: readonly PooledDifference[];
  readonly ownTexts?: Estimate;
}

/** Metrics that do not compare with the reference, so that the reference can be measured too. */
const OF_OWN_TEXTS: readonly ResultMetric[] = ['style', 'attribution'];

/** Differences that rounding makes of sums in another order; no metric has steps as small. */
const ROUNDING = 1e-12;

/**
 * Measures the methods: a metric's value of a user is the mean over the user's answers, that of a method the mean over
 * users. Users are resampled in the same way for every method and metric, so that intervals can be compared.
 *
 * @throws IdiolectError DATA where methods did not answer the same queries of the same users in the same order, where
 *   a user has no history, or a log-likelihood is not a number; CONFIG where the anchor is none of the methods
 */
export function measureResults(input: ResultsInput): Results {
  const users = checkAnswers(input);
  const { metrics, notMeasured } = chooseMetrics(input, users);
  const columns = metrics.map(metric => measureColumn(metric, input, users));
  return {
    users,
    queries: [...input.methods[0]!.users.values()].reduce((sum, answers) => sum + answers.length, 0),
    anchor: input.anchor,
    metrics: columns.map(({ info }) => info),
    methods: input.methods.map((method, m) => ({
      name: method.name,
      title: method.title,
      description: method.description,
      ...remarkOn(method),
      metrics: Object.fromEntries(columns.map(({ info, results }) => [info.name, results[m]!])),
    })),
    comparisons: columns.flatMap(({ comparisons }) => comparisons),
    pooledComparisons: columns.flatMap(({ pooledComparisons }) => pooledComparisons),
    ownTexts: Object.fromEntries(columns.flatMap(({ info, ownTexts }) => (ownTexts ? [[info.name, ownTexts]] : []))),
    notMeasured,
  };
}

/** Where nothing of the user stood before some requests. */
function remarkOn({ name, users, withoutRecords: plain }: MethodAnswers): Pick<MethodResult, 'remark'> {
  const answers = [...users.values()].flat();
  const empty = answers.filter(({ shown }) => shown === 0);
  if (empty.length === 0) return {};
  const what = name === 'pag' ? 'no word of the description' : 'no record';
  const verb = empty.some(({ found = 0 }) => found > 0) ? 'fitted' : 'was found';
  const where = empty.length === answers.length ? '' : 'there it ';
  const equals = plain === undefined ? '' : `: ${where}equals ${plain}`;
  return { remark: `${what} ${verb} in ${empty.length} of ${counted(answers.length, 'prompt')}${equals}` };
}

function measureColumn({ info, measure }: Metric, input: ResultsInput, users: readonly string[]): Column {
  const answers = input.methods.map(method => users.map(user => method.users.get(user)!));
  if ('pooled' in measure) {
    return { info, comparisons: [], ...pooledColumn(info, answers.map(measure.pooled), input, users.length) };
  }
  const valuesOf = (ofUsers: readonly (readonly Answer[])[]) =>
    ofUsers.map((answers, u) => measure.ofUser(answers, users[u]!));
  const values = answers.map(valuesOf);
  const results = values.map(values => ({
    ...bootstrapMean(values, resampling(input)),
    values,
    byGroup: byGroup(values, input, users),
  }));
  const column = { info, results, comparisons: comparisonsOf(info, values, input), pooledComparisons: [] };
  if (!OF_OWN_TEXTS.includes(info.name)) return column;
  const own = answers[0]!.map(ofUser => ofUser.map(answer => ({ ...answer, text: answer.reference })));
  return { ...column, ownTexts: bootstrapMean(valuesOf(own), resampling(input)) };
}

/** The same draws of users each time. */
function resampling({ seed }: ResultsInput) {
  return random(seed, 'resampled users');
}

function byGroup(values: readonly number[], input: ResultsInput, users: readonly string[]): MetricResult['byGroup'] {
  return UNIQUENESS_GROUPS.flatMap(group => {
    const inGroup = values.filter((_, u) => input.groups.get(users[u]!) === group);
    if (inGroup.length === 0) return [];
    return [{ group, users: inGroup.length, estimate: bootstrapMean(inGroup, resampling(input)) }];
  });
}

function comparisonsOf(
  info: MetricInfo,
  values: readonly (readonly number[])[],
  input: ResultsInput,
): MethodDifference[] {
  const anchor = values[anchorOf(input)]!;
  const compared = input.methods.flatMap(({ name }, m) => {
    if (name === input.anchor) return [];
    const [better, worse] = info.better === 'higher' ? [anchor, values[m]!] : [values[m]!, anchor];
    const differences = better.map((value, u) => value - worse[u]!);
    const wins = winRate(differences.map(difference => (Math.abs(difference) < ROUNDING ? 0 : difference)));
    return [{ method: name, metric: info.name, ...pairedDifference(better, worse, resampling(input)), winRate: wins }];
  });
  const adjusted = holm(compared.map(({ p }) => p));
  return compared.map((comparison, i) => ({ ...comparison, adjustedP: adjusted[i]! }));
}

function pooledColumn(info: MetricInfo, measures: readonly PooledMeasure[], input: ResultsInput, users: number) {
  const points = measures.map(measure => measure(Array(users).keys()));
  const samples = measures.map(measure => resampled(measure, users, resampling(input)));
  const a = anchorOf(input);
  const sign = info.better === 'higher' ? 1 : -1;
  return {
    results: points.map((point, m) => ({ ...percentileEstimate(point, samples[m]!), byGroup: [] })),
    pooledComparisons: input.methods.flatMap(({ name }, m) => {
      if (m === a) return [];
      // The draws are the same for both, so that their differences pair by user.
      const differences = samples[a]!.map((value, i) => sign * (value - samples[m]![i]!));
      return [
        { method: name, metric: info.name, ...percentileEstimate(sign * (points[a]! - points[m]!), differences) },
      ];
    }),
  };
}

function anchorOf({ methods, anchor }: ResultsInput): number {
  const at = methods.findIndex(({ name }) => name === anchor);
  if (at >= 0) return at;
  const names = methods.map(({ name }) => name).join(', ');
  throw new IdiolectError('CONFIG', `the method to compare with, "${anchor}", is none of those measured: ${names}.`);
}

/** The users, after checking that all methods answered the same. */
function checkAnswers(input: ResultsInput): readonly string[] {
  const first = input.methods[anchorOf(input)]!;
  const users = [...first.users.keys()];
  if (users.length === 0)
    throw new IdiolectError('DATA', `"${first.name}" has answered for no user; give it at least one.`);
  const must = 'every method must answer the same queries of the same users in the same order';
  for (const { name, users: answered } of input.methods) {
    const others = [...answered.keys()];
    for (let u = 0; u < Math.max(users.length, others.length); u++) {
      if (users[u] === others[u]) continue;
      const [here, there] = [others[u], users[u]].map(user =>
        user === undefined ? 'no user' : `user "${printable(user)}"`,
      );
      throw new IdiolectError('DATA', `"${name}" has ${here} where "${first.name}" has ${there}; ${must}.`);
    }
    for (const user of users) {
      const [answers, expected] = [answered.get(user)!, first.users.get(user)!];
      const where = `"${name}", user "${printable(user)}"`;
      if (answers.length !== expected.length || answers.length === 0) {
        const counts = `${counted(answers.length, 'answer')}, and "${first.name}" has ${expected.length}`;
        throw new IdiolectError('DATA', `${where}: found ${counts}; ${must}, at least one a user.`);
      }
      answers.forEach(({ key, logProb, tokens }, i) => {
        if (key !== expected[i]!.key) {
          const found = `answer ${i + 1} is to ${printable(key)}, that of "${first.name}" to ${printable(expected[i]!.key)}`;
          throw new IdiolectError('DATA', `${where}: ${found}; ${must}.`);
        }
        if (Number.isFinite(logProb) && tokens > 0) return;
        throw new IdiolectError(
          'DATA',
          `${where}: the log-probability of answer ${i + 1} is ${logProb} over ${counted(tokens, 'token')}; it must be finite, of one token or more.`,
        );
      });
    }
  }
  const without = users.find(user => !input.histories.has(user));
  if (without === undefined) return users;
  throw new IdiolectError(
    'DATA',
    `there is no history of user "${printable(without)}"; give the earlier texts of each evaluated user.`,
  );
}
