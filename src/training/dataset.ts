/** From a file of histories to what each user trains on and is asked about. */

import type { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { sha256OfFile } from '../common/files.ts';
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
import type { dataSchema } from './settings.ts';

export type DataSettings = z.infer<typeof dataSchema>;

export interface Dataset {
  readonly file: string;
  /** SHA-256 of the file. */
  readonly fingerprint: string;
  readonly users: ReadonlyMap<string, UserSplit>;
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
  const disliked = leaveOutDisliked(users);
  if (disliked > 0) notices.push(`${disliked} records with label false are left out; only liked texts are trained on`);
  return { file, fingerprint: await sha256OfFile(file), users, notices };
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

  encode(record: HistoryRecord): EncodedExample {
    const { template, chat, maxLength } = this.#settings;
    const example = this.#model.encode(renderPrompt(template, record), record.output, {
      chat,
      maxLength: Math.min(maxLength, this.#model.checkpoint.config.maxPositions),
    });
    if (example.promptCut) this.cuts.prompts++;
    if (example.completionCut) this.cuts.completions++;
    return example;
  }
}

export interface UserExamples {
  readonly user: string;
  readonly target: readonly EncodedExample[];
  /** Others' records, drawn with the seed; empty for objectives that need none. */
  readonly auxiliary: readonly EncodedExample[];
}

/** The token sequences a user trains on: all own training records and a draw from other users' training records. */
export function userExamples(
  dataset: Dataset,
  user: string,
  encoder: Encoder,
  { auxiliaryRatio, seed }: { auxiliaryRatio: number; seed: number },
): UserExamples {
  const own = dataset.users.get(user)!.train;
  const pool = [...dataset.users.values()].flatMap(({ train }) => train);
  const count = auxiliaryRatio === 0 ? 0 : Math.max(1, Math.round(auxiliaryRatio * own.length));
  const others = sampleAuxiliary(pool, { user, count, seed });
  const encode = (record: HistoryRecord) => encoder.encode(record);
  return { user, target: own.map(encode), auxiliary: others.map(encode) };
}
