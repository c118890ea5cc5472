/** Held-out log-likelihood of a run: each user's later records, with and without the user's adapter. */
import { z } from 'zod';
import { defaultCacheFolder } from '../common/cache-folder.ts';
import { IdiolectError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import { random } from '../common/random.ts';
import type { Adapter } from '../model/adapter.ts';
import type { TokenSequence } from '../runtime/batch.ts';
import type { LanguageModel } from '../runtime/language-model.ts';
import { engineSchema } from '../runtime/session.ts';
import { cachedScore, ReferenceCache } from '../training/reference-cache.ts';
import { bootstrapMean, type Estimate } from './intervals.ts';
import { chooseUsers, openRun } from './open-run.ts';

export const scoreSchema = z.object({
  run: z.string().describe('run folder written by idiolect train'),
  model: z.string().optional().describe('where the model folder lies now, if it was moved'),
  data: z.string().optional().describe('where the histories lie now, if they were moved'),
  users: z
    .string()
    .optional()
    .describe(
      'users to score: names separated by commas, in double quotes where a name has a comma (default: all with an adapter)',
    ),
  cache: z
    .string()
    .optional()
    .describe('folder for reference scores shared by runs (default: the user’s cache folder)'),
  ...engineSchema.shape,
});

export type ScoreSettings = z.infer<typeof scoreSchema>;

/** Mean log-probability per completion token (natural logarithm), over all query records of a user. */
export interface UserScore {
  readonly user: string;
  readonly records: number;
  readonly tokens: number;
  readonly base: number;
  /** With the user's own adapter. */
  readonly adapter: number;
  /** With the adapter of the next user of the run: what of the gain is not this user's own. Absent with one user. */
  readonly otherAdapter?: number;
}

export interface HeldOutScores {
  readonly users: readonly UserScore[];
  /** Own adapter minus base, one value per user. */
  readonly gain: Estimate;
  /** Own adapter minus another user's, one value per user. */
  readonly personalGain?: Estimate;
}

export interface ScoreOptions {
  /** Users to score, all of them trained; instead of those the settings name. */
  readonly users?: readonly string[];
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Scores the query records, which training never saw, under the run's own split, template and lengths.
 *
 * @throws IdiolectError CONFIG when the model or the data is not the one the run was made with
 */
export async function scoreRun(settings: ScoreSettings, options: ScoreOptions = {}): Promise<HeldOutScores> {
  const { folder, model, dataset, encoder, trained } = await openRun(settings);
  try {
    const chosen = options.users ?? chooseUsers(settings.users, trained, settings.run);
    const { fingerprint } = model.checkpoint;
    const cache = await ReferenceCache.open(settings.cache ?? defaultCacheFolder(), fingerprint, settings.device);
    const total = chosen.reduce((sum, user) => sum + dataset.users.get(user)!.query.length, 0);
    let done = 0;
    const users: UserScore[] = [];
    for (const user of chosen) {
      const own = await model.loadAdapter(folder.adapterOf(user));
      const next = trained[(trained.indexOf(user) + 1) % trained.length]!;
      const other = next === user ? undefined : await model.loadAdapter(folder.adapterOf(next));
      const sums = { tokens: 0, base: 0, adapter: 0, other: 0 };
      const queries = dataset.users.get(user)!.query;
      for (const query of queries) {
        if (options.signal?.aborted) throw new IdiolectError('INTERRUPTED', 'stopped; nothing was written.');
        const sequence = encoder.encode(query);
        const base = await cachedScore(model, cache, sequence);
        sums.tokens += base.tokens;
        sums.base += base.logProb;
        sums.adapter += await logProb(model, sequence, own, folder.adapterOf(user), user);
        if (other) sums.other += await logProb(model, sequence, other, folder.adapterOf(next), user);
        options.onProgress?.(++done, total);
      }
      if (queries.length === 0) continue;
      users.push({
        user,
        records: queries.length,
        tokens: sums.tokens,
        base: sums.base / sums.tokens,
        adapter: sums.adapter / sums.tokens,
        ...(other && { otherAdapter: sums.other / sums.tokens }),
      });
    }
    await cache.flush();
    return summarize(users);
  } finally {
    await model.close();
  }
}

async function logProb(
  model: LanguageModel,
  sequence: TokenSequence,
  adapter: Adapter,
  folder: string,
  user: string,
): Promise<number> {
  try {
    return (await model.score(sequence, adapter)).logProb;
  } catch (error) {
    if (!(error instanceof IdiolectError)) throw error;
    throw new IdiolectError(error.code, `a held-out text of "${printable(user)}" with ${folder}: ${error.message}`);
  }
}

function summarize(users: readonly UserScore[]): HeldOutScores {
  if (users.length === 0) {
    throw new IdiolectError('DATA', 'no held-out records: the run was trained with a query share of 0.');
  }
  const gain = bootstrapMean(
    users.map(({ adapter, base }) => adapter - base),
    random(0, 'gain'),
  );
  const paired = users.flatMap(({ adapter, otherAdapter }) =>
    otherAdapter === undefined ? [] : [adapter - otherAdapter],
  );
  return { users, gain, ...(paired.length > 0 && { personalGain: bootstrapMean(paired, random(0, 'personal gain')) }) };
}
