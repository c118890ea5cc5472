/** Held-out log-likelihood of a run: each user's later records, with and without the user's adapter. */
import { join } from 'node:path';
import { z } from 'zod';
import { defaultCacheFolder } from '../../common/cache-folder.ts';
import { IdiolectError } from '../../common/errors.ts';
import { sha256OfFile } from '../../common/files.ts';
import { nameListSchema } from '../../common/name-list.ts';
import { printable } from '../../common/printable.ts';
import { random } from '../../common/random.ts';
import { type Given, resolveGiven } from '../../common/settings.ts';
import { stopIfAsked } from '../../common/stop.ts';
import type { TokenSequence } from '../../language-model/batch.ts';
import type { LanguageModel } from '../../language-model/language-model.ts';
import { modelEngineSchema } from '../../language-model/model-session.ts';
import { cachedScore, ReferenceCache } from '../../language-model/reference-cache.ts';
import type { Adapter } from '../../model/adapter.ts';
import type { TrainSettings } from '../../runs/settings.ts';
import { bootstrapMean, type Estimate } from '../../statistics/intervals.ts';
import {
  type Judgement,
  judgeTexts,
  judgeUsers,
  type OverallJudgement,
  type ScoredText,
} from '../../statistics/judgement.ts';
import type { JobContext, NoticeEvent } from '../context.ts';
import { chooseUsers, type OpenRun, withRun } from '../open-run.ts';

export const scoreSchema = z.object({
  run: z.string().describe('run folder written by idiolect train'),
  model: z.string().optional().describe('where the model folder is now, if it was moved'),
  data: z.string().optional().describe('where the histories are now, if they were moved'),
  users: nameListSchema
    .optional()
    .describe(
      'users to score: names separated by commas, in double quotes where a name has a comma (default: all with an adapter)',
    ),
  cache: z
    .string()
    .optional()
    .describe('folder for reference scores shared by runs (default: the user’s cache folder)'),
  ...modelEngineSchema.shape,
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
  /**
   * With the adapter of the next user of the run, which shows how much of the gain is not personal. Absent with one
   * user.
   */
  readonly otherAdapter?: number;
  /** Own adapter minus base, over this user's texts. */
  readonly gain: Judgement;
  /** Own adapter minus the other user's. */
  readonly personalGain?: Judgement;
}

export interface HeldOutScores {
  readonly users: readonly UserScore[];
  /** Own adapter minus base, one value per user. */
  readonly gain: Estimate;
  /** Whether that clearly differs from 0, by the texts of all users. */
  readonly overall: OverallJudgement;
  /** Own adapter minus another user's, one value per user. */
  readonly personalGain?: Estimate;
  readonly personalOverall?: OverallJudgement;
  /** How the adapters were trained. */
  readonly training: Pick<TrainSettings, 'method' | 'lr' | 'epochs'>;
}

export interface ScoreEvent {
  readonly type: 'score';
  readonly done: number;
  readonly total: number;
}

/**
 * Scores the query records, which training never saw, under the run's own split, template and lengths.
 *
 * @throws IdiolectError CONFIG when the model or the data is not the one the run was made with
 */
export async function scoreRun(
  given: Given<typeof scoreSchema>,
  context: JobContext<ScoreEvent | NoticeEvent> = {},
): Promise<HeldOutScores> {
  const { values: settings } = resolveGiven(scoreSchema, given);
  return withRun(settings, context, run => scoreOn(run, settings, context));
}

/** The same on an open run. */
export async function scoreOn(
  run: OpenRun,
  settings: Pick<ScoreSettings, 'run' | 'users' | 'cache'>,
  { signal, onEvent }: JobContext<ScoreEvent>,
): Promise<HeldOutScores> {
  const { folder, model, dataset, trained } = run;
  const chosen = chooseUsers(settings.users, trained, settings.run);
  const cache = await ReferenceCache.open(settings.cache ?? defaultCacheFolder(), model);
  const total = chosen.reduce((sum, user) => sum + dataset.users.get(user)!.query.length, 0);
  let done = 0;
  const onText = () => onEvent?.({ type: 'score', done: ++done, total });
  const scoring = { cache, signal, onText };
  const users: ScoredUser[] = [];
  for (const user of chosen) {
    if (dataset.users.get(user)!.query.length === 0) continue;
    users.push({ user, texts: await scoreTexts(run, user, scoring) });
  }
  await model.release();
  if (users.length > 0) return summarize(users, run.settings);
  throw new IdiolectError('DATA', `no held-out records: the run ${folder.path} was trained with a query share of 0.`);
}

interface Scoring {
  readonly cache: ReferenceCache;
  readonly signal: AbortSignal | undefined;
  /** Called after each text. */
  readonly onText: () => void;
}

/** A user's held-out texts: without an adapter, with the user's own, and with that of the next user of the run. */
async function scoreTexts(run: OpenRun, user: string, scoring: Scoring): Promise<ScoredQuery[]> {
  const { model, dataset, encoder, trained } = run;
  const { cache } = scoring;
  const next = trained[(trained.indexOf(user) + 1) % trained.length]!;
  const own = await AdapterScores.open(run, user, user);
  const other = next === user ? undefined : await AdapterScores.open(run, user, next);
  const texts: ScoredQuery[] = [];
  try {
    for (const query of dataset.users.get(user)!.query) {
      stopIfAsked(scoring.signal, 'the scores so far are kept, and the same command continues from there');
      const sequence = encoder.encode(query);
      const { tokens, logProb: base } = await cachedScore(model, cache, sequence);
      const adapter = await own.logProb(sequence);
      texts.push({ tokens, base, adapter, ...(other && { otherAdapter: await other.logProb(sequence) }) });
      scoring.onText();
    }
  } finally {
    await cache.flush();
    await own.save();
    await other?.save();
  }
  return texts;
}

interface ScoredQuery {
  readonly tokens: number;
  readonly base: number;
  readonly adapter: number;
  readonly otherAdapter?: number;
}

interface ScoredUser {
  readonly user: string;
  readonly texts: readonly ScoredQuery[];
}

/** Scores of one user's texts with one adapter, kept in the run folder by content. */
class AdapterScores {
  readonly #model: LanguageModel;
  readonly #adapter: Adapter;
  readonly #cache: ReferenceCache;
  readonly #what: string;

  private constructor(model: LanguageModel, adapter: Adapter, cache: ReferenceCache, what: string) {
    this.#model = model;
    this.#adapter = adapter;
    this.#cache = cache;
    this.#what = what;
  }

  /** @param owner whose adapter it is */
  static async open({ folder, model }: OpenRun, user: string, owner: string): Promise<AdapterScores> {
    const path = folder.adapterOf(owner);
    const adapter = await model.loadAdapter(path);
    const files = ['adapter_config.json', 'adapter_model.safetensors'].map(name => sha256OfFile(join(path, name)));
    const weights = [model.numerics, ...(await Promise.all(files))].join(':');
    const cache = await ReferenceCache.at(folder.scoresOf(user), weights);
    return new AdapterScores(model, adapter, cache, `a held-out text of "${printable(user)}" with ${path}`);
  }

  async logProb(sequence: TokenSequence): Promise<number> {
    try {
      return (await cachedScore(this.#model, this.#cache, sequence, this.#adapter)).logProb;
    } catch (error) {
      if (!(error instanceof IdiolectError)) throw error;
      throw new IdiolectError(error.code, `${this.#what}: ${error.message}`);
    }
  }

  /** A read-only run folder can be scored too; its scores are not kept. */
  async save(): Promise<void> {
    await this.#cache.flush().catch((error: NodeJS.ErrnoException) => {
      if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code ?? '')) throw error;
    });
  }
}

function summarize(scored: readonly ScoredUser[], { method, lr, epochs }: TrainSettings): HeldOutScores {
  const users = scored.map(scoreOfUser);
  const gain = bootstrapMean(
    users.map(({ adapter, base }) => adapter - base),
    random(0, 'gain'),
  );
  const overall = judgeUsers(
    scored.map(({ texts }) => againstBase(texts)),
    random(0, 'overall'),
  );
  const training = { method, lr, epochs };
  const paired = users.flatMap(({ adapter, otherAdapter }) =>
    otherAdapter === undefined ? [] : [adapter - otherAdapter],
  );
  if (paired.length === 0) return { users, gain, overall, training };
  const personalOverall = judgeUsers(
    scored.map(({ texts }) => againstOther(texts)),
    random(0, 'personal overall'),
  );
  return {
    ...{ users, gain, overall, training },
    ...{ personalGain: bootstrapMean(paired, random(0, 'personal gain')), personalOverall },
  };
}

function scoreOfUser({ user, texts }: ScoredUser): UserScore {
  const sum = (of: (text: ScoredQuery) => number) => texts.reduce((total, text) => total + of(text), 0);
  const tokens = sum(text => text.tokens);
  const hasOther = texts.every(({ otherAdapter }) => otherAdapter !== undefined);
  return {
    user,
    records: texts.length,
    tokens,
    base: sum(({ base }) => base) / tokens,
    adapter: sum(({ adapter }) => adapter) / tokens,
    ...(hasOther && { otherAdapter: sum(({ otherAdapter }) => otherAdapter!) / tokens }),
    gain: judgeTexts(againstBase(texts), random(0, `gain/${user}`)),
    ...(hasOther && { personalGain: judgeTexts(againstOther(texts), random(0, `personal gain/${user}`)) }),
  };
}

function againstBase(texts: readonly ScoredQuery[]): ScoredText[] {
  return texts.map(({ tokens, base, adapter }) => ({ tokens, difference: adapter - base }));
}

function againstOther(texts: readonly ScoredQuery[]): ScoredText[] {
  return texts.map(({ tokens, adapter, otherAdapter }) => ({ tokens, difference: adapter - otherAdapter! }));
}
