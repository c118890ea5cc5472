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
  resolveUserSplit,
  sampleAuxiliary,
  splitByTime,
  type TargetSplit,
  templateText,
  type UserSplit,
} from '../histories/index.ts';
import type { EncodedExample, LanguageModel } from '../runtime/language-model.ts';
import type { dataSchema, TrainSettings } from './settings.ts';

export type DataSettings = z.infer<typeof dataSchema>;

export interface Dataset {
  readonly file: string;
  /** SHA-256 of the file. */
  readonly fingerprint: string;
  readonly users: ReadonlyMap<string, UserSplit>;
  /** Who is evaluated and who is not, where that was asked for. */
  readonly split: TargetSplit | null;
  /** One sentence for everything that was left out. */
  readonly notices: readonly string[];
}

/**
 * Reads histories, divides every user's in time order, and the users into targets and others where that is asked for.
 *
 * @throws IdiolectError DATA naming file, line and field
 */
export async function loadDataset(settings: DataSettings & { readonly seed: number }): Promise<Dataset> {
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
  const disliked = leaveOutDisliked(users);
  if (disliked > 0) notices.push(`${disliked} records with label false are left out; only liked texts are trained on`);
  const fingerprint = await fileHash(file);
  if (settings.targetUsers === undefined) return { file, fingerprint, users, split: null, notices };
  const counts = [...users].flatMap(([user, { train, query }]) =>
    train.length > 0 ? [[user, train.length + query.length] as const] : [],
  );
  const resolved = await resolveUserSplit(settings.targetUsers, new Map(counts), { file, fingerprint }, settings.seed);
  return { file, fingerprint, users, split: resolved.split, notices: [...notices, ...resolved.notices] };
}

/** A text its user rejected must not be learnt as the user's own. */
function leaveOutDisliked(users: Map<string, UserSplit>): number {
  let count = 0;
  for (const [user, split] of users) {
    const liked = (records: HistoryRecord[]) => records.filter(({ label }) => label !== false);
    const kept = { ...split, train: liked(split.train), query: liked(split.query) };
    count += split.train.length - kept.train.length + split.query.length - kept.query.length;
    users.set(user, kept);
  }
  return count;
}

async function fileHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * The users a selection names: all, `first:N`, or names separated by commas; where users are divided, of the targets.
 *
 * @throws IdiolectError DATA naming a user the data does not have
 */
export function selectUsers(selection: string | undefined, dataset: Dataset): string[] {
  const candidates = dataset.split?.targets ?? [...dataset.users.keys()];
  const all = candidates.filter(user => dataset.users.get(user)!.train.length > 0);
  if (selection === undefined) return all;
  const first = /^first:(\d+)$/.exec(selection);
  if (first) return all.slice(0, Number(first[1]));
  return selection.split(',').map(name => {
    const user = name.trim();
    if (all.includes(user)) return user;
    const some = all.slice(0, 5).join(', ');
    const who = dataset.split ? `no target user "${user}"` : `no user "${user}" with records to train on`;
    throw new IdiolectError('DATA', `--users: ${dataset.file} has ${who}. It has ${all.length}, such as ${some}.`);
  });
}

/** Turns records into token sequences, always by the same template, and counts what was cut. */
export class Encoder {
  readonly #cuts = { prompts: 0, completions: 0 };
  readonly #model: LanguageModel;
  readonly #settings: DataSettings;

  constructor(model: LanguageModel, settings: DataSettings) {
    templateText(settings.template); // an unknown template is told before any work
    this.#model = model;
    this.#settings = settings;
  }

  encode(record: HistoryRecord): EncodedExample {
    const { template, chat, maxLength } = this.#settings;
    const example = this.#model.encode(renderPrompt(template, record), record.output, {
      chat,
      maxLength: Math.min(maxLength, this.#model.checkpoint.config.maxPositions),
    });
    if (example.promptCut) this.#cuts.prompts++;
    if (example.completionCut) this.#cuts.completions++;
    return example;
  }

  /** One sentence for each kind of text that had to be cut so far. */
  cutNotices(): string[] {
    const { prompts, completions } = this.#cuts;
    return [
      ...(prompts > 0 ? [`${prompts} prompts were too long and lost their beginning`] : []),
      ...(completions > 0 ? [`${completions} completions were too long and lost their end`] : []),
    ];
  }
}

export interface UserExamples {
  readonly user: string;
  readonly target: readonly EncodedExample[];
  /** Others' records, drawn with the seed; empty for objectives that need none. */
  readonly auxiliary: readonly EncodedExample[];
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
  from: TrainSettings['auxiliaryFrom'],
): readonly HistoryRecord[] {
  const group = from ?? (split ? 'targets' : 'all');
  if (group === 'all') return [...users.values()].flatMap(({ train }) => train);
  if (!split)
    throw new IdiolectError('CONFIG', `--auxiliary-from ${group} needs --target-users, which divides the users.`);
  const members = split[group].filter(user => users.get(user)?.train.length);
  if (members.length < (group === 'targets' ? 2 : 1)) {
    throw new IdiolectError(
      'CONFIG',
      `--auxiliary-from ${group}: ${file} has training records of ${members.length} such users, which leaves a target user ` +
        `nobody to be compared with. Use --auxiliary-from ${group === 'targets' ? 'others' : 'targets'}.`,
    );
  }
  const isMember = new Set(members);
  return [...users.values()].flatMap(({ user, train }) => (isMember.has(user) ? train : []));
}

/** The token sequences a user trains on: all own training records and a draw from other users' training records. */
export function userExamples(
  dataset: Dataset,
  user: string,
  encoder: Encoder,
  { auxiliaryRatio, auxiliaryFrom, seed }: Pick<TrainSettings, 'auxiliaryRatio' | 'auxiliaryFrom' | 'seed'>,
): UserExamples {
  const own = dataset.users.get(user)!.train;
  const count = auxiliaryRatio === 0 ? 0 : Math.max(1, Math.round(auxiliaryRatio * own.length));
  const pool = count === 0 ? [] : auxiliaryPool(dataset, auxiliaryFrom);
  const others = sampleAuxiliary(pool, { user, count, seed });
  const encode = (record: HistoryRecord) => encoder.encode(record);
  return { user, target: own.map(encode), auxiliary: others.map(encode) };
}
