/** The results of a comparison as data: what results.json holds, and tables and report are made of. */
import type { MetricName } from '../histories/index.ts';
import type { Synonyms } from '../metrics/wordnet.ts';
import type { UniquenessGroup } from '../overlap/uniqueness.ts';
import type { WinRate } from '../statistics/comparisons.ts';
import type { Estimate } from '../statistics/intervals.ts';
import type { MethodAnswers } from './answer.ts';

/**
 * What can be measured of answers: the metrics of the task, those every set of texts has, and `logLikelihood` (nats a
 * token of the user's own text), `style` (`compareStyle` distance), `attribution` (share of texts given to their user),
 * `exactMatch`, `rouge2`, `bleu`.
 */
export type ResultMetric = MetricName | 'rouge2' | 'bleu' | 'exactMatch' | 'logLikelihood' | 'style' | 'attribution';

export interface ResultsInput {
  /** In the order of the table. */
  readonly methods: readonly MethodAnswers[];
  /** The method the others are compared with, such as `cbpo`. */
  readonly anchor: string;
  /** The texts each evaluated user wrote before: what style and attribution are measured against. */
  readonly histories: ReadonlyMap<string, readonly string[]>;
  /** Of each evaluated user, where it is known. */
  readonly groups: ReadonlyMap<string, UniquenessGroup>;
  /** Of the task, the one that hyper-parameters were chosen by first. */
  readonly metrics: readonly MetricName[];
  /** From `readWordNet`, for METEOR; without it METEOR is not NLTK's, and its note says so. */
  readonly synonyms?: Synonyms;
  readonly seed: number;
}

export interface MetricInfo {
  readonly name: ResultMetric;
  /** As tables call it: `ROUGE-L`, `style distance`. */
  readonly title: string;
  readonly better: 'higher' | 'lower';
  /** One sentence on what it is and what it cannot see. */
  readonly note: string;
  /** What has to be known of these numbers, said beside them: that the texts are in letters it does not see. */
  readonly remark?: string;
}

export interface MetricResult extends Estimate {
  /** One value a user, in the order of `Results.users`; for metrics that are one value over all answers, absent. */
  readonly values?: readonly number[];
  readonly byGroup: readonly { readonly group: UniquenessGroup; readonly users: number; readonly estimate: Estimate }[];
}

/** The anchor minus another method on the same users; positive is better for the anchor whatever the metric. */
export interface MethodDifference extends Estimate {
  readonly method: string;
  readonly metric: ResultMetric;
  readonly p: number;
  /** After Holm over all comparisons of the table of this metric. */
  readonly adjustedP: number;
  readonly winRate: WinRate;
}

/**
 * The same for a metric that is one value over all answers: the interval is a paired bootstrap over users. It has no
 * p-value: there are no values of users whose signs could be flipped, and one read off the bootstrap is far too small
 * for few users. It has no win rate either.
 */
export interface PooledDifference extends Estimate {
  readonly method: string;
  readonly metric: ResultMetric;
}

export interface MethodResult {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** What has to be known of its numbers, said beside them: that retrieval found no room, and it equals another method. */
  readonly remark?: string;
  readonly metrics: Readonly<Partial<Record<ResultMetric, MetricResult>>>;
}

export interface Results {
  readonly users: readonly string[];
  readonly queries: number;
  readonly anchor: string;
  readonly metrics: readonly MetricInfo[];
  readonly methods: readonly MethodResult[];
  /** By metric, then by method in the order of the table. */
  readonly comparisons: readonly MethodDifference[];
  readonly pooledComparisons: readonly PooledDifference[];
  /** The users' own later texts, measured as a method's answers are: what style and attribution can reach. */
  readonly ownTexts: Readonly<Partial<Record<ResultMetric, Estimate>>>;
  /** What the histories were too few for. */
  readonly notMeasured: readonly { readonly metric: ResultMetric; readonly reason: string }[];
}
