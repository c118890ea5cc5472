/** Which records a user trains on, and how much each counts. */

import { z } from 'zod';
import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { setting } from '../common/wording.ts';
import type { Dataset } from './dataset.ts';
import { type HistoryRecord, sampleAuxiliary } from './index.ts';
import type { RejectedTexts } from './rejected.ts';

/** The settings that say which records, and how much each counts. */
export const recordChoiceSchema = z.object({
  auxiliaryFrom: z
    .enum(['all', 'targets', 'others'])
    .optional()
    .describe('users to draw others’ records from (default: targets where `targetUsers` is given, else all)'),
  auxiliaryRatio: z.number().positive().default(1).describe('others’ records per own record (x in the paper)'),
  historyShare: z
    .number()
    .positive()
    .max(1)
    .default(1)
    .describe('share of the user’s training records to use, the latest ones (ablation)'),
  timeDecay: z
    .number()
    .positive()
    .optional()
    .describe('half-life of a record’s weight in days, counted back from the latest record (default: no decay)'),
});

type RecordChoice = z.infer<typeof recordChoiceSchema>;

export interface WeightedRecord {
  readonly record: HistoryRecord;
  readonly weight: number;
}

export interface UserRecords {
  readonly user: string;
  /** The user's own records; their weights have mean 1. */
  readonly target: readonly WeightedRecord[];
  /**
   * Others' records, drawn with the seed, each of weight 1; empty for objectives that need none. For pairs the i-th is
   * what the i-th target record was chosen over.
   */
  readonly auxiliary: readonly WeightedRecord[];
  /** The user's known negatives; a weight of 2 counts as two of them. */
  readonly disliked: readonly WeightedRecord[];
  /** Whether target and auxiliary records are pairs, which no batch may part. */
  readonly paired: boolean;
}

/**
 * The records an objective is computed from. A batch holds the user's own ones as group `target`, and
 * - `own`: nothing else
 * - `others`: records of other users as group `auxiliary`, and known negatives as `disliked`
 * - `pairs`: for the i-th own record the i-th text it was chosen over, as group `auxiliary`
 */
export type RecordNeed = 'own' | 'others' | 'pairs';

export interface RecordSettings extends RecordChoice {
  readonly records: RecordNeed;
  readonly seed: number;
}

/**
 * The latest share of a user's own training records, and a draw from other users' training records; with rejected
 * texts, the own records that have one, and those.
 *
 * @throws IdiolectError DATA when weights by age are asked for and a record has no time; CONFIG for a pool that is not
 */
export function userRecords(
  dataset: Dataset,
  user: string,
  { records, auxiliaryRatio, auxiliaryFrom, historyShare, timeDecay, seed }: RecordSettings,
  rejected?: RejectedTexts,
): UserRecords {
  const { train, disliked } = dataset.users.get(user)!;
  const recent = latest(train, historyShare);
  const own = rejected ? recent.filter(record => rejected.of(record) !== undefined) : recent;
  if (own.length === 0) {
    throw new IdiolectError(
      'DATA',
      `${setting('rejected')} has no text for any training record of "${user}"; each line needs the record's user, input and output.`,
    );
  }
  const needsOthers = records === 'others';
  const known = needsOthers ? latest(disliked, historyShare) : [];
  const count = auxiliaryCount(own.length, auxiliaryRatio);
  const others = needsOthers ? sampleAuxiliary(auxiliaryPool(dataset, auxiliaryFrom), { user, count, seed }) : [];
  const lost = own.flatMap(record => (rejected ? [{ ...record, output: rejected.of(record)! }] : []));

  const weights = recordWeights([...own, ...known], timeDecay, user);
  const meanWeight = own.reduce((sum, record) => sum + weights.get(record)!, 0) / own.length;
  return {
    user,
    target: own.map(record => ({ record, weight: weights.get(record)! / meanWeight })),
    auxiliary: [...others, ...lost].map(record => ({ record, weight: 1 })),
    disliked: known.map(record => ({ record, weight: weights.get(record)! })),
    paired: rejected !== undefined,
  };
}

/**
 * The training records a user's auxiliary set is drawn from, in the order of the data. A model adapted to the task has
 * seen the others' records, so that its reference scores of them are those of a training set; the other targets' are
 * as new to it as the user's own, and are the pool unless another is asked for.
 *
 * @throws IdiolectError CONFIG when the pool is given by a division of users that was not made or is too small
 */
export function auxiliaryPool(
  { file, users, split }: Dataset,
  from: RecordChoice['auxiliaryFrom'],
): readonly HistoryRecord[] {
  const group = from ?? (split ? 'targets' : 'all');
  if (group === 'all') return [...users.values()].flatMap(({ train }) => train);
  if (!split)
    throw new IdiolectError(
      'CONFIG',
      `${setting('auxiliaryFrom')} ${group} needs ${setting('targetUsers')}, which divides the users.`,
    );
  const members = split[group].filter(user => users.get(user)?.train.length);
  if (members.length < (group === 'targets' ? 2 : 1)) {
    throw new IdiolectError(
      'CONFIG',
      `${setting('auxiliaryFrom')} ${group}: ${file} has training records of ${counted(members.length, 'such user')}, which leaves a target user ` +
        `nobody to be compared with. Use ${setting('auxiliaryFrom')} ${group === 'targets' ? 'others' : 'targets'}.`,
    );
  }
  const isMember = new Set(members);
  return [...users.values()].flatMap(({ user, train }) => (isMember.has(user) ? train : []));
}

/** Records of others drawn for so many own ones. */
function auxiliaryCount(own: number, auxiliaryRatio: number): number {
  return Math.max(1, Math.round(auxiliaryRatio * own));
}

/** How many records go into a pass over a user's own ones beside them, counted without drawing any. */
export function countBeside(
  records: RecordNeed,
  { own, disliked }: { readonly own: number; readonly disliked: number },
  auxiliaryRatio: number,
): { readonly auxiliary: number; readonly disliked: number } {
  if (records === 'others') return { auxiliary: auxiliaryCount(own, auxiliaryRatio), disliked };
  return { auxiliary: records === 'pairs' ? own : 0, disliked: 0 };
}

/** The last of some records in time order, at least one of them. */
export function latest(records: readonly HistoryRecord[], share: number): readonly HistoryRecord[] {
  return records.slice(records.length - Math.max(1, Math.round(share * records.length)));
}

const DAY = 24 * 60 * 60 * 1000;

/** A record's own weight, halved for every `timeDecay` days between it and the user's latest record. */
function recordWeights(
  records: readonly HistoryRecord[],
  timeDecay: number | undefined,
  user: string,
): ReadonlyMap<HistoryRecord, number> {
  if (timeDecay === undefined) return new Map(records.map(record => [record, record.weight ?? 1]));
  const times = records.map(({ time }) => {
    if (time !== undefined) return Date.parse(time);
    throw new IdiolectError(
      'DATA',
      `${setting('timeDecay')} needs the time of every record, and one of user "${user}" has none. Leave ${setting('timeDecay')} out, or add "time".`,
    );
  });
  const now = Math.max(...times);
  return new Map(
    records.map((record, i) => [record, (record.weight ?? 1) * 2 ** (-(now - times[i]!) / (timeDecay * DAY))]),
  );
}
