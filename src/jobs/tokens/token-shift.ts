/**
 * What two runs did to each token of a text: shift = log pi(token) - log pi_ref(token), the terms of the implicit
 * reward before beta. The paper uses it to see whether tokens a user shares with others are pushed down less.
 */

import { z } from 'zod';
import { IdiolectError } from '../../common/errors.ts';
import { nameListSchema } from '../../common/name-list.ts';
import { printable } from '../../common/printable.ts';
import { type Given, resolveGiven } from '../../common/settings.ts';
import { stopIfAsked } from '../../common/stop.ts';
import { setting } from '../../common/wording.ts';
import { sampleAuxiliary } from '../../histories/index.ts';
import { latest, userRecords } from '../../histories/user-records.ts';
import type { TokenSequence } from '../../language-model/batch.ts';
import type { EncodedExample, LanguageModel } from '../../language-model/language-model.ts';
import { modelEngineSchema } from '../../language-model/model-session.ts';
import type { Adapter } from '../../model/adapter.ts';
import { objectiveNamed, type TrainableObjective } from '../../objectives/objectives.ts';
import { dataSchema } from '../../runs/settings.ts';
import type { JobContext, NoticeEvent } from '../context.ts';
import { chooseUsers, type OpenRun, type RecordedRun, readRun, trainedUsers, withRun } from '../open-run.ts';
import { summarizeShifts, type TokenShifts, type TokenSummary } from './token-groups.ts';

export const tokensSchema = z.object({
  run: z.string().describe('run folder written by idiolect train'),
  against: z.string().describe('run folder to compare with: same model, data, template and lengths'),
  out: z.string().describe('folder for tokens.json and the pictures'),
  set: z
    .enum(['own', 'own-training', 'others', 'auxiliary'])
    .default('own')
    .describe(
      'texts: the user’s held-out or training records, others’ held-out records, or the others’ records `run` trained against',
    ),
  records: z.int().positive().default(20).describe('records of each user, at most'),
  users: nameListSchema
    .optional()
    .describe(
      'users: names separated by commas, in double quotes where a name has a comma (default: all with an adapter in both runs)',
    ),
  model: z.string().optional().describe('where the model folder is now, if it was moved'),
  data: z.string().optional().describe('where the histories are now, if they were moved'),
  ...modelEngineSchema.shape,
});

export type TokensSettings = z.infer<typeof tokensSchema>;

export interface TokenReport {
  readonly texts: readonly TokenShifts[];
  readonly summary: TokenSummary;
}

export interface TokenContext extends JobContext<TokenEvent | NoticeEvent> {
  /** The caller's own objectives, which the runs may have been trained with. */
  readonly objectives?: readonly TrainableObjective[];
}

export interface TokenEvent {
  readonly type: 'tokens';
  readonly done: number;
  readonly total: number;
}

/** The most texts in which tokens are counted. With 2,000 a share is known to about 0.02 (two standard deviations). */
const COUNTED = 2_000;

/**
 * Shifts of the chosen records under both runs, and their means for tokens from the most distinctive to the most shared.
 *
 * How shared a token is: the share of the *other side's* training completions that contain it. For the user's own texts
 * the other side is the other users (a seeded draw of at most 2,000 of their records), for others' texts it is the user.
 *
 * @throws IdiolectError CONFIG when the runs cannot be compared token by token, DATA when there is no record or user
 */
export async function measureTokenShifts(
  given: Given<typeof tokensSchema>,
  context: TokenContext = {},
): Promise<TokenReport> {
  const { values: settings } = resolveGiven(tokensSchema, given);
  const against = await readRun({ ...settings, run: settings.against });
  return withRun(settings, context, async run => {
    requireComparable(run, against, settings);
    const users = await usersInCommon(run, against, settings);
    const chosen = users.map(user => ({ user, examples: chosenExamples(run, user, settings, context.objectives) }));
    const total = chosen.reduce((sum, { examples }) => sum + examples.length, 0);
    const texts: TokenShifts[] = [];
    for (const { user, examples } of chosen) {
      const folders = [run.folder, against.folder].map(folder => folder.adapterOf(user));
      const adapters = await Promise.all(folders.map(folder => run.model.loadAdapter(folder)));
      const frequency = documentFrequency(otherSide(run, user, settings.set));
      for (const [i, example] of examples.entries()) {
        stopIfAsked(context.signal, 'nothing was written');
        const shifts = await shiftsOf(run.model, example, adapters);
        const shared = completionOf(example).map(id => rounded(frequency(id)));
        texts.push({ user, record: i + 1, ...shifts, shared });
        context.onEvent?.({ type: 'tokens', done: texts.length, total });
      }
    }
    return { texts, summary: summarizeShifts(texts) };
  });
}

/** Users with an adapter in both runs, of those named. @throws IdiolectError DATA where there are none */
async function usersInCommon(run: OpenRun, against: RecordedRun, settings: TokensSettings): Promise<string[]> {
  const both = await trainedUsers(against.folder, run.dataset);
  const users = chooseUsers(settings.users, run.trained, settings.run).filter(user => both.includes(user));
  if (settings.users !== undefined || users.length === 0) chooseUsers(settings.users, both, settings.against);
  if (users.length > 0) return users;
  const none = `${settings.run} and ${settings.against} have no user in common. Train the same.`;
  throw new IdiolectError('DATA', none);
}

/** The tokens of a completion, log pi_ref of each, and the shift of each under two adapters. */
async function shiftsOf(
  model: LanguageModel,
  example: EncodedExample,
  adapters: readonly Adapter[],
): Promise<Pick<TokenShifts, 'tokens' | 'reference' | 'run' | 'against'>> {
  const reference = await model.tokenLogProbs(example);
  const shifts: number[][] = [];
  for (const adapter of adapters) {
    const logProbs = await model.tokenLogProbs(example, adapter);
    shifts.push(Array.from(logProbs, (value, t) => rounded(value - reference[t]!)));
  }
  // Decoded after the prompt's last token, as decoders strip the space from the first one.
  const tokens = model.tokenizer.pieces(example.ids.slice(example.promptLength - 1)).slice(1);
  return { tokens, reference: Array.from(reference, rounded), run: shifts[0]!, against: shifts[1]! };
}

/** Rounds to millionths: log-probabilities of float32 models are no more precise. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function completionOf({ ids, promptLength }: TokenSequence): readonly number[] {
  return ids.slice(promptLength);
}

/** A comparison token by token needs the same tokens, the same prompts and the same reference. */
function requireComparable(run: RecordedRun, against: RecordedRun, settings: TokensSettings): void {
  const differences = (['model', 'data', 'users'] as const)
    .filter(source => run.sources[source] !== against.sources[source])
    .map(source => (source === 'users' ? 'another division of users' : `another ${source}`));
  for (const key of Object.keys(dataSchema.shape) as (keyof typeof dataSchema.shape)[]) {
    // The place of the lists of users does not matter; their contents were compared above.
    if (key === 'data' || key === 'skipBad' || key === 'targetUsers' || run.settings[key] === against.settings[key])
      continue;
    differences.push(`${key} ${run.settings[key]} and ${against.settings[key]}`);
  }
  if (differences.length === 0) return;
  throw new IdiolectError(
    'CONFIG',
    `${settings.run} and ${settings.against} cannot be compared token by token (${differences.join('; ')}). ` +
      'Train both on the same model and data, with the same template and lengths.',
  );
}

function chosenExamples(
  open: OpenRun,
  user: string,
  { set, records, run }: TokensSettings,
  objectives: TokenContext['objectives'],
): readonly EncodedExample[] {
  const { dataset, encoder, settings } = open;
  const chosen = () => {
    if (set === 'own') return dataset.users.get(user)!.query;
    if (set === 'others') {
      const queries = [...dataset.users.values()].flatMap(({ query }) => query);
      return sampleAuxiliary(queries, { user, count: records, seed: settings.seed });
    }
    if (set === 'own-training') return latest(dataset.users.get(user)!.train, settings.historyShare);
    const { records: need } = objectiveNamed(settings.method, objectives);
    return userRecords(dataset, user, { ...settings, records: need }).auxiliary.map(({ record }) => record);
  };
  const found = chosen()
    .slice(0, records)
    .map(record => encoder.encode(record));
  if (found.length > 0) return found;
  throw new IdiolectError(
    'DATA',
    `${run} has no records of the set "${set}" for "${printable(user)}". Choose another ${setting('set')}.`,
  );
}

/** The training completions that a user's or others' texts are compared with, as token ids. */
function otherSide({ dataset, encoder, settings }: OpenRun, user: string, set: TokensSettings['set']) {
  const pool = [...dataset.users.values()].flatMap(({ train }) => train);
  const records = set.startsWith('own')
    ? sampleAuxiliary(pool, { user, count: COUNTED, seed: settings.seed })
    : dataset.users.get(user)!.train;
  return records.map(record => completionOf(encoder.encode(record)));
}

/** The share of texts that contain a token at least once. */
function documentFrequency(texts: readonly (readonly number[])[]): (id: number) => number {
  const counts = new Map<number, number>();
  for (const ids of texts) for (const id of new Set(ids)) counts.set(id, (counts.get(id) ?? 0) + 1);
  return id => (counts.get(id) ?? 0) / texts.length;
}
