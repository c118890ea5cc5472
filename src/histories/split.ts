/** Each user's history divided into what the adapter learns from and the later records it is asked about. */
import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import type { HistoryRecord } from './record.ts';

export interface SplitOptions {
  /** Share of a user's records that become queries, at least 0 and below 1. Default 0.2; rounded to whole records. */
  queryShare?: number;
  /** Fewest query records of a user. Default 1; with 0 a user may have none. */
  minQuery?: number;
  /** Fewest training records of a user. Default 1. */
  minTrain?: number;
}

export interface UserSplit {
  user: string;
  /** In time order. */
  train: HistoryRecord[];
  /** In time order; none is earlier than a training record, unless the data set's own split says otherwise. */
  query: HistoryRecord[];
  /** Query records whose input and output are also a training record's: the answer could be learnt by heart. */
  repeated: number;
}

/** A user who cannot be divided as asked. The records are handed back: they can still serve as others' auxiliary. */
export interface TooFew {
  user: string;
  records: HistoryRecord[];
  /** One sentence. */
  reason: string;
}

export interface Split {
  /** By user, in first-seen order. */
  users: Map<string, UserSplit>;
  /** In first-seen order. Every record is in `users` or here, exactly once. */
  tooFew: TooFew[];
}

/** Gathers records by user, users in first-seen order, each user's records in file order. */
export async function groupByUser(
  records: Iterable<HistoryRecord> | AsyncIterable<HistoryRecord>,
): Promise<Map<string, HistoryRecord[]>> {
  const groups = new Map<string, HistoryRecord[]>();
  for await (const record of records) {
    const group = groups.get(record.user);
    if (group) group.push(record);
    else groups.set(record.user, [record]);
  }
  return groups;
}

/**
 * Divides every user's records in time order: the last `queryShare` of them (at least `minQuery`) are queries.
 * Where any record of a user has a `split` of its own, that user's are divided by it instead, and those of the user's
 * records that have none are for training.
 *
 * @param groups what `groupByUser` gives.
 * @throws IdiolectError CONFIG for options out of range.
 */
export function splitByTime(groups: ReadonlyMap<string, readonly HistoryRecord[]>, options: SplitOptions = {}): Split {
  const { queryShare = 0.2, minQuery = 1, minTrain = 1 } = options;
  if (!(queryShare >= 0 && queryShare < 1)) {
    throw new IdiolectError('CONFIG', `queryShare is ${queryShare}; it must be at least 0 and below 1.`);
  }
  for (const [name, value] of Object.entries({ minQuery, minTrain })) {
    if (!Number.isInteger(value) || value < 0) {
      throw new IdiolectError('CONFIG', `${name} is ${value}; it must be a whole number, 0 or more.`);
    }
  }
  const split: Split = { users: new Map(), tooFew: [] };
  for (const [user, group] of groups) {
    const ordered = inTimeOrder(group);
    const given = ordered.some(record => record.split !== undefined);
    const queries = Math.max(minQuery, Math.round(ordered.length * queryShare));
    const isQuery = (record: HistoryRecord, position: number) =>
      given ? record.split === 'query' : position >= ordered.length - queries;
    const train = ordered.filter((record, i) => !isQuery(record, i));
    const query = ordered.filter(isQuery);
    if (train.length >= minTrain && query.length >= minQuery) {
      split.users.set(user, { user, train, query, repeated: countRepeated(train, query) });
      continue;
    }
    const found = given
      ? `the data set's split gives ${train.length} for training and ${counted(query.length, 'query', 'queries')}`
      : `there are ${ordered.length}`;
    const needed = `${minTrain} for training and ${given ? minQuery : queries} as queries are needed`;
    split.tooFew.push({ user, records: ordered, reason: `"${user}" has too few records: ${found}; ${needed}.` });
  }
  return split;
}

/**
 * Stable order by time, then by position in the file. A record without a time keeps its place in the file: it goes
 * right after the record it followed there, or first where no record before it has a time.
 */
export function inTimeOrder(records: readonly HistoryRecord[]): HistoryRecord[] {
  let latest = '';
  const placed = records.map(record => {
    latest = record.time ?? latest;
    return { record, time: latest };
  });
  // Times are UTC text of one form, so text order is time order; Array.sort is stable.
  placed.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return placed.map(({ record }) => record);
}

function countRepeated(train: readonly HistoryRecord[], query: readonly HistoryRecord[]): number {
  const textOf = (record: HistoryRecord) => JSON.stringify([record.input, record.output]);
  const seen = new Set(train.map(textOf));
  return query.filter(record => seen.has(textOf(record))).length;
}
