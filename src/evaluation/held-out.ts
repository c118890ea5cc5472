/** Held-out log-likelihood of a run: each user's later records, with and without the user's adapter. */
import { z } from 'zod';
import { defaultCacheFolder } from '../common/cache-folder.ts';
import { IdiolectError } from '../common/errors.ts';
import { random } from '../common/random.ts';
import type { Adapter } from '../model/adapter.ts';
import type { TokenSequence } from '../runtime/batch.ts';
import { LanguageModel } from '../runtime/language-model.ts';
import { engineSchema } from '../runtime/session.ts';
import { Encoder, loadDataset } from '../training/dataset.ts';
import { ReferenceCache } from '../training/reference-cache.ts';
import { RunFolder } from '../training/run-folder.ts';
import { trainSchema } from '../training/settings.ts';
import { bootstrapMean, type Estimate } from './intervals.ts';

export const scoreSchema = z.object({
  run: z.string().describe('run folder written by idiolect train'),
  model: z.string().optional().describe('where the model folder lies now, if it was moved'),
  data: z.string().optional().describe('where the histories lie now, if they were moved'),
  users: z.string().optional().describe('users to score: names separated by commas (default: all with an adapter)'),
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
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Scores the query records, which training never saw, under the run's own split, template and lengths.
 *
 * @throws IdiolectError CONFIG when the model or the data is not the one the run was made with
 */
export async function scoreRun(settings: ScoreSettings, options: ScoreOptions = {}): Promise<HeldOutScores> {
  const folder = new RunFolder(settings.run);
  const record = await folder.read();
  if (!record) {
    throw new IdiolectError('CONFIG', `${settings.run} is not a run: there is no run.json. Train first.`);
  }
  const saved = Object.fromEntries(Object.entries(record.settings).map(([key, { value }]) => [key, value]));
  const run = trainSchema.parse({
    ...saved,
    ...(settings.model && { model: settings.model }),
    ...(settings.data && { data: settings.data }),
  });
  const model = await LanguageModel.load(run.model, { device: settings.device, threads: settings.threads });
  try {
    const dataset = await loadDataset(run);
    requireSame('model', run.model, record.sources.model, model.checkpoint.fingerprint);
    requireSame('data', run.data, record.sources.data, dataset.fingerprint);
    const trained: string[] = [];
    for (const user of dataset.users.keys()) if (await folder.isFinished(user)) trained.push(user);
    const chosen = settings.users?.split(',').map(name => name.trim()) ?? trained;
    for (const user of chosen) {
      if (trained.includes(user)) continue;
      throw new IdiolectError('DATA', `--users: the run ${settings.run} has no adapter for "${user}". Train it first.`);
    }
    if (chosen.length === 0) throw new IdiolectError('DATA', `${settings.run} has no adapter yet. Train first.`);

    const encoder = new Encoder(model, run);
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
        const base = await baseScore(model, cache, sequence);
        sums.tokens += base.tokens;
        sums.base += base.logProb;
        sums.adapter += await logProb(model, sequence, own);
        if (other) sums.other += await logProb(model, sequence, other);
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

async function baseScore(model: LanguageModel, cache: ReferenceCache, sequence: TokenSequence) {
  const known = cache.get(sequence);
  if (known) return known;
  const score = await model.score(sequence);
  await cache.add(sequence, score);
  return score;
}

async function logProb(model: LanguageModel, sequence: TokenSequence, adapter: Adapter): Promise<number> {
  return (await model.score(sequence, adapter)).logProb;
}

function requireSame(what: string, place: string, expected: string, found: string): void {
  if (expected === found) return;
  throw new IdiolectError(
    'CONFIG',
    `${place} is not the ${what} the run was made with. Name the right one by --${what}.`,
  );
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
