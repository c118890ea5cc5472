/** From a file of histories to what each user trains on and is asked about. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import {
  groupByUser,
  type HistoryRecord,
  openHistories,
  renderPrompt,
  sampleAuxiliary,
  splitByTime,
  templateText,
  type UserSplit,
} from '../histories/index.ts';
import type { EncodedExample, LanguageModel } from '../runtime/language-model.ts';
import type { dataSchema, TrainSettings } from './settings.ts';

export type DataSettings = z.infer<typeof dataSchema>;

/** A user's records: those to learn from and those held out are texts the user stands by. */
export interface UserRecords extends UserSplit {
  /** Records of the training part with label false: known negatives. In time order. */
  readonly disliked: readonly HistoryRecord[];
}

export interface Dataset {
  readonly file: string;
  /** SHA-256 of the file. */
  readonly fingerprint: string;
  readonly users: ReadonlyMap<string, UserRecords>;
  /** One sentence for everything that was left out. */
  readonly notices: readonly string[];
}

/**
 * Reads histories and divides every user's in time order.
 *
 * @throws IdiolectError DATA naming file, line and field
 */
export async function loadDataset(settings: DataSettings): Promise<Dataset> {
  const { data: file, skipBad, queryShare } = settings;
  const skipped: string[] = [];
  const records = openHistories(file, { skipBad, onSkip: message => void skipped.push(message) });
  const { users, tooFew } = splitByTime(await groupByUser(records), { queryShare, minQuery: queryShare > 0 ? 1 : 0 });
  const notices = [...skipped];
  if (tooFew.length > 0) {
    const [first] = tooFew;
    notices.push(
      `${tooFew.length} users have too few records and are left out (such as "${first!.user}": ${first!.reason})`,
    );
  }
  const { byUser, training, heldOut } = setDislikedApart(users);
  if (training > 0) {
    notices.push(
      `${training} training records have label false: known negatives of cbpo, bco and kto; sft leaves them out`,
    );
  }
  if (heldOut > 0) notices.push(`${heldOut} held-out records have label false and are not used`);
  return { file, fingerprint: await fileHash(file), users: byUser, notices };
}

/** A text its user rejected must never be learnt, or scored, as the user's own. */
function setDislikedApart(users: ReadonlyMap<string, UserSplit>) {
  const liked = (record: HistoryRecord) => record.label !== false;
  const rejected = (record: HistoryRecord) => record.label === false;
  const byUser = new Map<string, UserRecords>();
  let training = 0;
  let heldOut = 0;
  for (const [user, split] of users) {
    const disliked = split.train.filter(rejected);
    training += disliked.length;
    heldOut += split.query.filter(rejected).length;
    byUser.set(user, { ...split, train: split.train.filter(liked), query: split.query.filter(liked), disliked });
  }
  return { byUser, training, heldOut };
}

async function fileHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * The users a selection names: all, `first:N`, or names separated by commas.
 *
 * @throws IdiolectError DATA naming a user the data does not have
 */
export function selectUsers(selection: string | undefined, dataset: Dataset): string[] {
  const all = [...dataset.users.keys()].filter(user => dataset.users.get(user)!.train.length > 0);
  if (selection === undefined) return all;
  const first = /^first:(\d+)$/.exec(selection);
  if (first) return all.slice(0, Number(first[1]));
  return selection.split(',').map(name => {
    const user = name.trim();
    if (all.includes(user)) return user;
    const some = all.slice(0, 5).join(', ');
    throw new IdiolectError(
      'DATA',
      `--users: ${dataset.file} has no user "${user}" with records to train on. It has ${all.length}, such as ${some}.`,
    );
  });
}

/** How many texts had to be cut to the longest sequence allowed. */
export interface Cuts {
  prompts: number;
  completions: number;
}

/** Turns records into token sequences, always by the same template, and counts what was cut. */
export class Encoder {
  readonly cuts: Cuts = { prompts: 0, completions: 0 };
  readonly #model: LanguageModel;
  readonly #settings: DataSettings;

  constructor(model: LanguageModel, settings: DataSettings) {
    templateText(settings.template); // an unknown template is told before any work
    this.#model = model;
    this.#settings = settings;
  }

  /** Longest sequence in tokens: what was asked for, or what the model was made for. */
  get maxLength(): number {
    return Math.min(this.#settings.maxLength, this.#model.checkpoint.config.maxPositions);
  }

  encode(record: HistoryRecord): EncodedExample {
    const { template, chat } = this.#settings;
    const example = this.#model.encode(renderPrompt(template, record), record.output, {
      chat,
      maxLength: this.maxLength,
    });
    if (example.promptCut) this.cuts.prompts++;
    if (example.completionCut) this.cuts.completions++;
    return example;
  }
}

/** A token sequence and how much it counts. */
export interface WeightedExample extends EncodedExample {
  readonly weight: number;
}

export interface UserExamples {
  readonly user: string;
  /** The user's own records; their weights have mean 1. */
  readonly target: readonly WeightedExample[];
  /** Others' records, drawn with the seed, each of weight 1; empty for objectives that need none. */
  readonly auxiliary: readonly WeightedExample[];
  /** The user's known negatives; a weight of 2 counts as two of them. */
  readonly disliked: readonly WeightedExample[];
}

export type ExampleSettings = Pick<TrainSettings, 'method' | 'auxiliaryRatio' | 'historyShare' | 'timeDecay' | 'seed'>;

/**
 * The token sequences a user trains on: the latest share of the own training records, and a draw from other users'
 * training records.
 *
 * @throws IdiolectError DATA when weights by age are asked for and a record has no time
 */
export function userExamples(
  dataset: Dataset,
  user: string,
  encoder: Encoder,
  { method, auxiliaryRatio, historyShare, timeDecay, seed }: ExampleSettings,
): UserExamples {
  const { train, disliked } = dataset.users.get(user)!;
  const own = latest(train, historyShare);
  const rejected = method === 'sft' ? [] : latest(disliked, historyShare);
  const count = method === 'sft' ? 0 : Math.max(1, Math.round(auxiliaryRatio * own.length));
  const pool = [...dataset.users.values()].flatMap(({ train: records }) => records);
  const others = sampleAuxiliary(pool, { user, count, seed });

  const weights = recordWeights([...own, ...rejected], timeDecay, user);
  const meanWeight = own.reduce((sum, record) => sum + weights.get(record)!, 0) / own.length;
  const encode = (record: HistoryRecord, weight: number) => ({ ...encoder.encode(record), weight });
  return {
    user,
    target: own.map(record => encode(record, weights.get(record)! / meanWeight)),
    auxiliary: others.map(record => encode(record, 1)),
    disliked: rejected.map(record => encode(record, weights.get(record)!)),
  };
}

function latest(records: readonly HistoryRecord[], share: number): readonly HistoryRecord[] {
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
      `--time-decay needs the time of every record, and one of user "${user}" has none. Leave --time-decay out, or add "time".`,
    );
  });
  const now = Math.max(...times);
  return new Map(
    records.map((record, i) => [record, (record.weight ?? 1) * 2 ** (-(now - times[i]!) / (timeDecay * DAY))]),
  );
}
