/** `idiolect overlap`: each user's preference overlap and uniqueness, before anything is trained. */
import { z } from 'zod';
import { IdiolectError } from '../../common/errors.ts';
import { engineSchema } from '../../engine/session.ts';
import { loadDataset, selectUsers } from '../../histories/dataset.ts';
import { recordChoiceSchema } from '../../histories/user-records.ts';
import { Encoder } from '../../language-model/encoder.ts';
import { LanguageModel } from '../../language-model/language-model.ts';
import { type OverlapEstimate, overlapSchema } from '../../overlap/estimate.ts';
import { embedderSchema, openEmbedder } from '../../overlap/open-embedder.ts';
import { type Uniqueness, type UniquenessGroup, uniqueness } from '../../overlap/uniqueness.ts';
import { dataSchema, trainSchema } from '../../runs/settings.ts';
import { OverlapStudy } from './overlap-study.ts';

const { auxiliaryFrom, historyShare } = recordChoiceSchema.shape;

export const overlapReportSchema = z.object({
  model: trainSchema.shape.model,
  ...dataSchema.shape,
  users: trainSchema.shape.users.describe('users to look at: names separated by commas, or first:N (default: all)'),
  auxiliaryFrom,
  historyShare,
  ...embedderSchema.shape,
  ...overlapSchema.shape,
  seed: trainSchema.shape.seed,
  cache: trainSchema.shape.cache.describe('folder for embeddings shared by runs (default: the user’s cache folder)'),
  ...engineSchema.shape,
});

export type OverlapReportSettings = z.infer<typeof overlapReportSchema>;

export interface UserOverlap extends OverlapEstimate {
  readonly user: string;
  /** Among the users looked at; absent where they are fewer than three, or the user has one record. */
  readonly uniqueness?: Pick<Uniqueness, 'score' | 'group'>;
}

export interface OverlapReportOptions {
  readonly onNotice?: (message: string) => void;
  readonly onText?: (done: number, total: number) => void;
  readonly onUser?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** The estimates training with the same settings would use. @throws IdiolectError INTERRUPTED when stopped by the signal */
export async function reportOverlaps(
  settings: OverlapReportSettings,
  options: OverlapReportOptions = {},
): Promise<UserOverlap[]> {
  return withStudy(settings, options, async (study, users) => {
    const unique = await uniquenessAmong(study, users);
    const found: UserOverlap[] = [];
    for (const user of users) {
      stopIfAsked(options.signal);
      const known = unique.get(user);
      const estimate = await study.estimate(user);
      found.push({ user, ...estimate, ...(known && { uniqueness: { score: known.score, group: known.group } }) });
      options.onUser?.(found.length, users.length);
    }
    return found;
  });
}

/** The uniqueness group of each user, among the users of the settings. */
export async function uniquenessGroups(
  settings: OverlapReportSettings,
  options: OverlapReportOptions = {},
): Promise<ReadonlyMap<string, UniquenessGroup>> {
  return withStudy(settings, options, async (study, users) => {
    const unique = await uniquenessAmong(study, users);
    return new Map([...unique].map(([user, { group }]) => [user, group]));
  });
}

function stopIfAsked(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new IdiolectError('INTERRUPTED', 'stopped; embeddings made so far are kept.');
}

/** Opens model, data and embedder, embeds what the users of the settings need, and closes all after the work. */
async function withStudy<T>(
  settings: OverlapReportSettings,
  { onNotice, onText, signal }: OverlapReportOptions,
  work: (study: OverlapStudy, users: readonly string[]) => Promise<T>,
): Promise<T> {
  const model = await LanguageModel.load(
    settings.model,
    { device: settings.device, threads: settings.threads },
    settings,
  );
  try {
    const dataset = await loadDataset(settings);
    for (const message of dataset.notices) onNotice?.(message);
    const users = selectUsers(settings.users, dataset);
    const embedder = await openEmbedder({ ...settings, maxLength: new Encoder(model, settings).maxLength }, model);
    try {
      const study = new OverlapStudy(dataset, embedder, settings);
      await study.embed(users, (done, total) => {
        stopIfAsked(signal);
        onText?.(done, total);
      });
      return await work(study, users);
    } finally {
      await embedder.close();
    }
  } finally {
    await model.close();
  }
}

/** The uniqueness of users by their own training records; of those with two records or more, where they are three or more. */
async function uniquenessAmong(
  study: OverlapStudy,
  users: readonly string[],
): Promise<ReadonlyMap<string, Uniqueness>> {
  const vectors = new Map<string, Float32Array[]>();
  for (const user of users) {
    const own = await study.ownVectors(user);
    if (own.length >= 2) vectors.set(user, own);
  }
  return new Map(vectors.size < 3 ? [] : uniqueness(vectors).map(each => [each.user, each]));
}
