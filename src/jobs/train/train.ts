/** `idiolect train`: from histories to one adapter folder per user, stoppable anywhere. */

import { IdiolectError } from '../../common/errors.ts';
import { printable } from '../../common/printable.ts';
import { type Given, type Resolved, resolveGiven } from '../../common/settings.ts';
import { packageVersion } from '../../common/version.ts';
import { setting } from '../../common/wording.ts';
import { selectUsers } from '../../histories/dataset.ts';
import { writeUserSplit } from '../../histories/index.ts';
import { readRejected } from '../../histories/rejected.ts';
import { auxiliaryPool, userRecords } from '../../histories/user-records.ts';
import { loraConfigSchema, targetedModules } from '../../model/lora.ts';
import { isBuiltIn, objectiveNamed, type TrainableObjective } from '../../objectives/objectives.ts';
import type { OverlapEstimate } from '../../overlap/estimate.ts';
import { requireEmbedder } from '../../overlap/open-embedder.ts';
import { requireDistinctFolders } from '../../runs/folder-names.ts';
import { type Inputs, inputsOf } from '../../runs/lineage.ts';
import { RunFolder } from '../../runs/run-folder.ts';
import { RunProgress, TEXTS } from '../../runs/run-progress.ts';
import { sourcesOf } from '../../runs/run-record.ts';
import { NOT_IDENTITY, type TrainSettings, trainSchema } from '../../runs/settings.ts';
import { startAdapters, startFingerprint, startMatrices, startSource } from '../../runs/start.ts';
import type { JobContext } from '../context.ts';
import { type Opened, withOpened } from '../opened.ts';
import type { FailedUser, TrainEvent, TrainSummary } from './events.ts';
import { TrainingRun } from './training-run.ts';

export interface TrainContext extends JobContext<TrainEvent> {
  /** The caller's own objectives, which `method` may name like the built-in ones. */
  readonly objectives?: readonly TrainableObjective[];
  /** Estimates made before from the same records and settings, by user. */
  readonly alphas?: ReadonlyMap<string, OverlapEstimate>;
}

/**
 * Trains every selected user that has no adapter in the run folder yet. A user whose training diverges gets no adapter;
 * the others are still trained.
 *
 * @throws IdiolectError INTERRUPTED when stopped by the signal, and the same call continues from there; DATA where nobody
 *   can be trained
 */
export async function train(given: Given<typeof trainSchema>, context: TrainContext = {}): Promise<TrainSummary> {
  const settings = resolveGiven(trainSchema, given);
  requireTrainable(settings.values, context.objectives);
  return withOpened(settings.values, context, opened => trainOn(opened, settings, context));
}

/**
 * Refuses what can be refused before a model is opened.
 *
 * @returns the objective that `method` names
 * @throws IdiolectError CONFIG where there is none, where it needs pairs and none are given, or where they are given
 *   and not needed
 */
export function requireTrainable(settings: TrainSettings, own?: readonly TrainableObjective[]): TrainableObjective {
  const objective = objectiveNamed(settings.method, own);
  requirePairs(objective, settings);
  return objective;
}

/** The same, on the model and data that the settings name, already open. */
export async function trainOn(
  opened: Opened,
  resolved: Resolved<TrainSettings>,
  context: TrainContext,
): Promise<TrainSummary> {
  const settings = resolved.values;
  const { model, dataset } = opened;
  const objective = requireTrainable(settings, context.objectives);
  const users = selectUsers(settings.users, dataset);
  requireDistinctFolders(users);
  // Invalid settings are refused before the folder is taken, so that they can still be corrected.
  const rejected = settings.rejected === undefined ? undefined : await readRejected(settings.rejected);
  if (objective.records === 'others') auxiliaryPool(dataset, settings.auxiliaryFrom);
  await requireEmbedder(settings.embedder);
  const lora = loraConfigSchema.parse(settings);
  targetedModules(lora, model.checkpoint.linears);
  const start = settings.start && (await startFingerprint(settings.start, model.checkpoint));
  const starts = settings.start ? await startAdapters(settings.start, dataset.users.keys(), users) : null;
  const inputs = new Map<string, Inputs>();
  for (const [user, { train: records }] of dataset.users) {
    if (records.length > 0) inputs.set(user, inputsOf(dataset, user, rejected, starts?.get(user)));
  }
  const sources = {
    ...sourcesOf(model, dataset),
    ...(rejected && { rejected: rejected.fingerprint }),
    ...(start && { start }),
    ...(starts && startSource(starts)),
    // The settings determine a built-in objective; another is known only by its signature.
    ...(!isBuiltIn(objective) && { objective: objective.create({ ...settings, alpha: 0 }).signature }),
  };
  const folder = new RunFolder(settings.out);
  const progressNow = async () => RunProgress.of(folder, await folder.read(), sources, inputs);
  for (const user of unfinished(users, await progressNow())) {
    if (rejected) userRecords(dataset, user, { ...settings, records: objective.records }, rejected);
    if (settings.start !== undefined) await startMatrices(settings.start, user, lora, model.checkpoint);
  }

  const notice = (message: string) => context.onEvent?.({ type: 'notice', message });
  let failed: readonly FailedUser[];
  const unlock = await folder.lock();
  try {
    const progress = await progressNow(); // another process may have trained until the lock was free
    await folder.open(resolved, sources, context.version ?? packageVersion(), {
      notIdentity: NOT_IDENTITY,
      mayChange: TEXTS,
      beforeChange: () => progress.clear(folder, dataset),
    });
    for (const message of progress.notices(users)) notice(message);
    const fresh = starts ? users.filter(user => !starts.has(user)) : [];
    if (fresh.length > 0) {
      const some = `${fresh.length}, such as "${printable(fresh[0]!)}"`;
      notice(
        `users trained from fresh adapters, since ${settings.start} has none of theirs: ${some} (${setting('start')})`,
      );
    }
    if (dataset.split) await writeUserSplit(folder.usersFile, dataset.split);
    const work = { objective, settings, folder, inputs, rejected, alphas: context.alphas ?? new Map() };
    const run = new TrainingRun(opened, work, context);
    await run.recordLineage(progress.withoutLineage);
    failed = await run.trainAll(users, unfinished(users, progress));
  } finally {
    await model.release();
    await unlock();
  }
  const steps = await folder.readMetrics();
  const clipped = steps.flatMap(({ clipped: value }) => (typeof value === 'number' ? [value] : []));
  return {
    run: folder.path,
    metrics: folder.metricsFile,
    ...(clipped.length > 0 && { clippedShare: clipped.reduce((a, b) => a + b, 0) / clipped.length }),
    users: users.flatMap(user => {
      if (failed.some(one => one.user === user)) return [];
      const { train: own, query } = dataset.users.get(user)!;
      return [{ user, folder: folder.adapterOf(user), trainRecords: own.length, queryRecords: query.length }];
    }),
    alphas: await folder.readOverlaps(),
    failed,
  };
}

function unfinished(users: readonly string[], { finished }: RunProgress): string[] {
  return users.filter(user => !finished.has(user));
}

function requirePairs({ name, records }: TrainableObjective, { rejected }: TrainSettings): void {
  if ((records === 'pairs') === (rejected !== undefined)) return;
  const instead = records === 'others' ? "takes others' records" : 'takes only own records';
  throw new IdiolectError(
    'CONFIG',
    records === 'pairs'
      ? `${setting('method')} ${name} needs ${setting('rejected')}, a file of the texts that own records were chosen over.`
      : `${setting('rejected')} belongs to objectives of pairs, such as dpo; ${setting('method')} ${name} ${instead}. Leave it out.`,
  );
}
