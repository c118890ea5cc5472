/** From a file of histories to what each user trains on and is asked about. */

import { z } from 'zod';
import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { sha256, sha256OfFile } from '../common/files.ts';
import { namesOf } from '../common/name-list.ts';
import { didYouMean } from '../common/nearest.ts';
import { printable } from '../common/printable.ts';
import { setting } from '../common/wording.ts';
import {
  capWords,
  groupByUser,
  type HistoryRecord,
  openHistories,
  resolveUserSplit,
  splitByTime,
  type TargetSplit,
  type UserSplit,
} from './index.ts';

export const datasetSchema = z.object({
  data: z.string().describe('histories: JSON Lines of {user, input, output, ...}, plain or gzip'),
  queryShare: z
    .number()
    .min(0)
    .lt(1)
    .default(0.2)
    .describe('share of each user’s records, the latest ones, held out of training'),
  skipBad: z.boolean().default(false).describe('leave out and count malformed lines instead of stopping'),
  targetUsers: z
    .union([z.int(), z.string()], { error: 'expected a whole number or a file' })
    .optional()
    .describe('users to evaluate and to keep out of task adaptation: a number (the most active) or a users.json file'),
});

export type DatasetSettings = z.infer<typeof datasetSchema>;

/** A user's records: those to learn from and those held out are texts the user stands by. */
export interface UserHistory extends UserSplit {
  /** Records of the training part with label false: known negatives. In time order. */
  readonly disliked: readonly HistoryRecord[];
  /** Equal for the same records divided in the same way, whatever other users wrote. */
  readonly fingerprint: string;
}

export interface Dataset {
  readonly file: string;
  /** SHA-256 of the file. */
  readonly fingerprint: string;
  readonly users: ReadonlyMap<string, UserHistory>;
  /** Who is evaluated and who is not, where that was asked for. */
  readonly split: TargetSplit | null;
  /** Why, in a sentence, a user has nothing to train on. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** One sentence for everything that was left out. */
  readonly notices: readonly string[];
}

/**
 * Reads histories, divides every user's in time order, and the users into targets and others where that is asked for.
 *
 * @throws IdiolectError DATA naming file, line and field
 */
export async function loadDataset(settings: DatasetSettings & { readonly seed: number }): Promise<Dataset> {
  const { data: file, skipBad, queryShare } = settings;
  const skipped: string[] = [];
  const records = openHistories(file, { skipBad, onSkip: message => void skipped.push(message) });
  const { users, tooFew } = splitByTime(await groupByUser(records), { queryShare, minQuery: queryShare > 0 ? 1 : 0 });
  const notices = skipped.slice(0, SKIPS_SHOWN);
  if (skipped.length > SKIPS_SHOWN) notices.push(`${skipped.length} lines were left out in all`);
  if (queryShare > 0 && [...users.values()].every(isWithoutTimes)) {
    notices.push(
      `${printable(file)} has no times: the held-out records are the last ones in the order of the file, not the latest`,
    );
  }
  if (tooFew.length > 0) {
    const [first] = tooFew;
    notices.push(
      `${counted(tooFew.length, 'user is', 'users are')} left out for having too few records (such as "${first!.user}": ${first!.reason})`,
    );
  }
  const { byUser, training, heldOut, shared, repeated } = setApart(users);
  if (training > 0) {
    notices.push(
      `${counted(training, 'training record has', 'training records have')} label false: known negatives of cbpo, bco and kto; sft and dpo leave them out`,
    );
  }
  if (heldOut > 0)
    notices.push(`${counted(heldOut, 'held-out record is', 'held-out records are')} not used: label false`);
  if (shared > 0) {
    notices.push(
      `${counted(shared, 'training record is', 'training records are')} left out: also held out of another user, word for word`,
    );
  }
  if (repeated > 0) {
    notices.push(
      `${counted(repeated, 'held-out record is', 'held-out records are')} word for word among their own user's training records too`,
    );
  }
  const leftOut = new Map(tooFew.map(({ user, reason }) => [user, reason]));
  for (const { user, train: own } of byUser.values()) {
    if (own.length > 0) continue;
    const why = 'every training record has label false, or is held out of another user, word for word.';
    leftOut.set(user, `"${printable(user)}" has nothing to train on: ${why}`);
  }
  const fingerprint = await sha256OfFile(file);
  if (settings.targetUsers === undefined) return { file, fingerprint, users: byUser, split: null, leftOut, notices };
  const counts = [...byUser].flatMap(([user, { train, query }]) =>
    train.length > 0 ? [[user, train.length + query.length] as const] : [],
  );
  const resolved = await resolveUserSplit(settings.targetUsers, new Map(counts), { file, fingerprint }, settings.seed);
  return {
    file,
    fingerprint,
    users: byUser,
    split: resolved.split,
    leftOut,
    notices: [...notices, ...resolved.notices],
  };
}

/** The same records with users divided otherwise. */
export function withSplit(dataset: Dataset, split: TargetSplit): Dataset {
  return { ...dataset, split };
}

/** Bad lines named one by one; more are only counted. */
const SKIPS_SHOWN = 5;

function isWithoutTimes({ train, query }: UserSplit): boolean {
  return [...train, ...query].every(({ time, split }) => time === undefined && split === undefined);
}

/**
 * A text its user rejected must never be learnt, or scored, as the user's own; and what is held out of one user, as a
 * paper of two authors may be, must not be learnt as another's.
 */
export function setApart(users: ReadonlyMap<string, UserSplit>) {
  const liked = (record: HistoryRecord) => record.label !== false;
  const rejected = (record: HistoryRecord) => record.label === false;
  const byUser = new Map<string, UserHistory>();
  let training = 0;
  let heldOut = 0;
  let shared = 0;
  let repeated = 0;
  const askedOf = new Map<string, Set<string>>();
  for (const { user, query } of users.values()) {
    for (const key of query.map(keyOf)) askedOf.set(key, (askedOf.get(key) ?? new Set()).add(user));
  }
  const isAskedOfAnother = (user: string, record: HistoryRecord) =>
    [...(askedOf.get(keyOf(record)) ?? [])].some(other => other !== user);
  for (const [user, split] of users) {
    const train = split.train.filter(record => !isAskedOfAnother(user, record));
    shared += split.train.length - train.length;
    repeated += split.repeated;
    const disliked = train.filter(rejected);
    training += disliked.length;
    heldOut += split.query.filter(rejected).length;
    const fingerprint = sha256(JSON.stringify([split.train, split.query]));
    byUser.set(user, { ...split, train: train.filter(liked), query: split.query.filter(liked), disliked, fingerprint });
  }
  return { byUser, training, heldOut, shared, repeated };
}

/** Of an output, from which on it is nobody else's by chance. */
const OWN_WORDS = 12;
/** As the benchmarks cut what is trained on; what is asked for is longer. */
const COMPARED_WORDS = 768;

/**
 * What makes two records the same text: a long output alone, since a benchmark may word the request for it otherwise in
 * a query than in a profile; a short one with its input.
 */
function keyOf({ input, output }: HistoryRecord): string {
  const text = capWords(output, COMPARED_WORDS);
  return capWords(text, OWN_WORDS - 1) === text ? JSON.stringify([input, text]) : text;
}

/**
 * The users a selection names: all, `first:N`, or names separated by commas; where users are divided, of the targets.
 *
 * @throws IdiolectError DATA naming a user who has no records to train on, and why; or where that is everybody
 */
export function selectUsers(selection: string | undefined, dataset: Dataset): string[] {
  const candidates = dataset.split?.targets ?? [...dataset.users.keys()];
  const all = candidates.filter(user => dataset.users.get(user)?.train.length);
  if (all.length === 0) throw nobody(dataset);
  if (selection === undefined) return all;
  const first = all.includes(selection) ? null : /^first:(\d+)$/.exec(selection);
  if (first) {
    if (Number(first[1]) > 0) return all.slice(0, Number(first[1]));
    throw new IdiolectError('DATA', `${setting('users')} ${selection} names nobody. Give first:1 or more, or names.`);
  }
  return namesOf(selection, all, 'users').map(user => {
    if (all.includes(user)) return user;
    const some = all
      .slice(0, 5)
      .map(one => printable(one))
      .join(', ');
    const why = dataset.leftOut.get(user);
    const who = `no ${dataset.split ? 'target user' : 'user'} "${printable(user)}"${dataset.split ? '' : ' with records to train on'}`;
    throw new IdiolectError(
      'DATA',
      `${setting('users')}: ${dataset.file} has ${why ? `${who} (${why.replace(/\.$/, '')})` : who}.${printable(didYouMean(user, all))} It has ${all.length}, such as ${some}.`,
    );
  });
}

/** Users named in an error; the rest are counted. */
const NAMED = 10;

function nobody({ file, split, leftOut }: Dataset): IdiolectError {
  const reasons = [...leftOut].flatMap(([user, reason]) => (!split || split.targets.includes(user) ? [reason] : []));
  const more = reasons.length > NAMED ? ` And ${counted(reasons.length - NAMED, 'more user')}.` : '';
  const why = reasons.length > 0 ? ` ${reasons.slice(0, NAMED).join(' ')}${more}` : '';
  const who = split ? 'target user' : 'user';
  return new IdiolectError(
    'DATA',
    `${file}: no ${who} has records to train on.${why} Give histories with more records, or a smaller ${setting('queryShare')}.`,
  );
}
