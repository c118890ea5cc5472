/** `idiolect overlap`: each user's preference overlap and uniqueness, before anything is trained. */
import { z } from 'zod';
import { type Given, resolveGiven } from '../../common/settings.ts';
import { stopIfAsked } from '../../common/stop.ts';
import { selectUsers } from '../../histories/dataset.ts';
import { recordChoiceSchema } from '../../histories/user-records.ts';
import { modelEngineSchema } from '../../language-model/model-session.ts';
import { type OverlapEstimate, overlapSchema } from '../../overlap/estimate.ts';
import { embedderSchema, openEmbedder } from '../../overlap/open-embedder.ts';
import { type Uniqueness, type UniquenessGroup, uniqueness } from '../../overlap/uniqueness.ts';
import { dataSchema, trainSchema } from '../../runs/settings.ts';
import type { JobContext, NoticeEvent } from '../context.ts';
import { type Opened, withOpened } from '../opened.ts';
import { OverlapStudy } from './overlap-study.ts';

const { auxiliaryFrom, historyShare } = recordChoiceSchema.shape;

export const overlapReportSchema = z.object({
  model: trainSchema.shape.model,
  ...dataSchema.shape,
  users: trainSchema.shape.users.describe('users to report on: names separated by commas, or first:N (default: all)'),
  auxiliaryFrom,
  historyShare,
  ...embedderSchema.shape,
  ...overlapSchema.shape,
  seed: trainSchema.shape.seed,
  cache: trainSchema.shape.cache.describe('folder for embeddings shared by runs (default: the user’s cache folder)'),
  ...modelEngineSchema.shape,
});

export type OverlapReportSettings = z.infer<typeof overlapReportSchema>;

export interface UserOverlap extends OverlapEstimate {
  readonly user: string;
  /** Among the users reported on; absent where there are fewer than three, or the user has only one record. */
  readonly uniqueness?: Pick<Uniqueness, 'score' | 'group'>;
}

export type OverlapEvent =
  | NoticeEvent
  | { readonly type: 'embedding'; readonly done: number; readonly total: number }
  | { readonly type: 'estimate'; readonly done: number; readonly total: number };

/**
 * The estimates that training with the same settings would use. @throws IdiolectError INTERRUPTED when stopped by the
 * signal
 */
export async function reportOverlaps(
  given: Given<typeof overlapReportSchema>,
  context: JobContext<OverlapEvent> = {},
): Promise<UserOverlap[]> {
  const { values: settings } = resolveGiven(overlapReportSchema, given);
  return withOpened(settings, context, opened =>
    withStudy(opened, settings, context, async (study, users) => {
      const unique = await uniquenessAmong(study, users);
      const found: UserOverlap[] = [];
      for (const user of users) {
        stopIfAsked(context.signal, KEPT);
        const known = unique.get(user);
        const estimate = await study.estimate(user);
        found.push({ user, ...estimate, ...(known && { uniqueness: { score: known.score, group: known.group } }) });
        context.onEvent?.({ type: 'estimate', done: found.length, total: users.length });
      }
      return found;
    }),
  );
}

/** The uniqueness group of each user, among the users of the settings. */
export async function uniquenessGroups(
  opened: Opened,
  settings: OverlapReportSettings,
  context: JobContext<OverlapEvent>,
): Promise<ReadonlyMap<string, UniquenessGroup>> {
  return withStudy(opened, settings, context, async (study, users) => {
    const unique = await uniquenessAmong(study, users);
    return new Map([...unique].map(([user, { group }]) => [user, group]));
  });
}

/** What is kept after a stop. */
const KEPT = 'embeddings made so far are kept';

/** Opens the embedder, embeds what the users of the settings need, and closes it after the work. */
async function withStudy<T>(
  { model, dataset, encoder }: Opened,
  settings: OverlapReportSettings,
  { onEvent, signal }: JobContext<OverlapEvent>,
  work: (study: OverlapStudy, users: readonly string[]) => Promise<T>,
): Promise<T> {
  const users = selectUsers(settings.users, dataset);
  const embedder = await openEmbedder({ ...settings, maxLength: encoder.maxLength }, model);
  try {
    const study = new OverlapStudy(dataset, embedder, settings);
    await study.embed(users, (done, total) => {
      stopIfAsked(signal, KEPT);
      onEvent?.({ type: 'embedding', done, total });
    });
    return await work(study, users);
  } finally {
    await embedder.close();
    await model.release();
  }
}

/**
 * The uniqueness of users by their own training records, for users with two or more records; empty if fewer than three
 * have them.
 */
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
