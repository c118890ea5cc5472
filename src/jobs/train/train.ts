/** `idiolect train`: from histories to one adapter folder per user, stoppable anywhere. */

import { defaultCacheFolder } from '../../common/cache-folder.ts';
import { counted } from '../../common/counted.ts';
import { IdiolectError } from '../../common/errors.ts';
import { printable } from '../../common/printable.ts';
import type { Resolved } from '../../common/settings.ts';
import { type Dataset, loadDataset, selectUsers } from '../../histories/dataset.ts';
import { writeUserSplit } from '../../histories/index.ts';
import { type RejectedTexts, readRejected } from '../../histories/rejected.ts';
import { auxiliaryPool, userRecords } from '../../histories/user-records.ts';
import type { TokenSequence } from '../../language-model/batch.ts';
import { Encoder } from '../../language-model/encoder.ts';
import { LanguageModel } from '../../language-model/language-model.ts';
import { ReferenceCache, sequenceKey } from '../../language-model/reference-cache.ts';
import { writeAdapter } from '../../model/adapter.ts';
import { loraConfigSchema, targetedModules } from '../../model/lora.ts';
import type { Objective } from '../../objectives/objective.ts';
import { isBuiltIn, objectiveNamed, type TrainableObjective } from '../../objectives/objectives.ts';
import type { OverlapEstimate } from '../../overlap/estimate.ts';
import { openEmbedder, requireEmbedder } from '../../overlap/open-embedder.ts';
import { adapterOrigin } from '../../runs/adapter-origin.ts';
import { type Inputs, inputsOf, readLineage, writeLineage } from '../../runs/lineage.ts';
import { type AdapterWork, stopIfAsked, trainAdapter } from '../../runs/loop.ts';
import { RunFolder, requireDistinctFolders, sourcesOf } from '../../runs/run-folder.ts';
import { RunProgress, TEXTS } from '../../runs/run-progress.ts';
import { NOT_IDENTITY, type TrainSettings } from '../../runs/settings.ts';
import { startAdapters, startFingerprint, startMatrices, startSource } from '../../runs/start.ts';
import { removeCheckpoint } from '../../runs/training-state.ts';
import { KlProbe, meanKl } from '../../training/kl-probe.ts';
import { type StepMetrics, Trainer } from '../../training/trainer.ts';
import { batchOf, planUser, sequencesOf, type UserPlan, usersSeen } from '../../training/user-plan.ts';
import { OverlapStudy } from '../overlap/overlap-study.ts';

export type TrainEvent =
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'start'; readonly users: number; readonly finished: number; readonly steps: number }
  | { readonly type: 'embedding'; readonly done: number; readonly total: number }
  | { readonly type: 'overlap'; readonly user: string; readonly estimate: OverlapEstimate }
  | { readonly type: 'reference'; readonly done: number; readonly total: number }
  | { readonly type: 'resume'; readonly user: string; readonly step: number }
  | {
      readonly type: 'step';
      readonly user: string;
      readonly step: number;
      readonly steps: number;
      readonly metrics: StepMetrics;
    }
  | { readonly type: 'adapter'; readonly user: string; readonly folder: string; readonly metrics: StepMetrics }
  | { readonly type: 'failed'; readonly user: string; readonly reason: string };

export interface TrainOptions {
  readonly version: string;
  /** Of the caller's own, which `method` may name beside the built-in ones. */
  readonly objectives?: readonly TrainableObjective[];
  readonly onEvent?: (event: TrainEvent) => void;
  /** Aborting stops after the step in progress and saves it. */
  readonly signal?: AbortSignal;
}

export interface TrainedUser {
  readonly user: string;
  readonly folder: string;
  readonly trainRecords: number;
  readonly queryRecords: number;
}

export interface TrainSummary {
  readonly run: string;
  readonly metrics: string;
  /** Share of all steps whose pure negative risk was below 0; for cbpo. */
  readonly clippedShare?: number;
  /** Those with an adapter. */
  readonly users: readonly TrainedUser[];
  /** Those whose training diverged, and who have none. */
  readonly failed: readonly FailedUser[];
}

export interface FailedUser {
  readonly user: string;
  /** One sentence. */
  readonly reason: string;
}

/** @throws IdiolectError DIVERGED where a user's training failed, naming each */
export function requireAllTrained({ users, failed, run }: TrainSummary): void {
  if (failed.length === 0) return;
  const reasons = failed.map(({ reason }) => reason).join(' ');
  throw new IdiolectError(
    'DIVERGED',
    `${run} has no adapter of ${failed.length} of ${counted(users.length + failed.length, 'user')}. ${reasons}`,
  );
}

/**
 * Trains every selected user that has no adapter in the run folder yet. A user whose training diverges gets no adapter;
 * the others are trained all the same.
 *
 * @throws IdiolectError INTERRUPTED when stopped by the signal, and the same call continues from there; DATA where nobody
 *   can be trained
 */
export async function train(resolved: Resolved<TrainSettings>, options: TrainOptions): Promise<TrainSummary> {
  const settings = resolved.values;
  const emit = options.onEvent ?? (() => {});
  const trained = objectiveNamed(settings.method, options.objectives);
  requirePairs(trained, settings);
  const model = await LanguageModel.load(
    settings.model,
    { device: settings.device, threads: settings.threads },
    settings,
  );
  const encoder = new Encoder(model, settings);
  const dataset = await loadDataset(settings);
  for (const message of dataset.notices) emit({ type: 'notice', message });
  const users = selectUsers(settings.users, dataset);
  requireDistinctFolders(users);
  // What cannot be is refused before the folder is taken, so that the setting can be corrected.
  const rejected = settings.rejected === undefined ? undefined : await readRejected(settings.rejected);
  if (trained.records === 'others') auxiliaryPool(dataset, settings.auxiliaryFrom);
  await requireEmbedder(settings.embedder);
  const lora = loraConfigSchema.parse(settings);
  targetedModules(lora, model.checkpoint.linears);
  const start = settings.start && (await startFingerprint(settings.start, model.checkpoint));
  const starts = settings.start ? await startAdapters(settings.start, dataset.users.keys(), users) : null;
  const folder = new RunFolder(settings.out);
  const texts = rejected && { rejected: rejected.fingerprint };
  // What a built-in objective depends on is in the settings; of another, its signature is all that is known.
  const own = !isBuiltIn(trained) && { objective: trained.create({ ...settings, alpha: 0 }).signature };
  const sources = {
    ...sourcesOf(model, dataset),
    ...texts,
    ...(start && { start }),
    ...(starts && startSource(starts)),
    ...own,
  };
  const inputs = new Map<string, Inputs>();
  for (const [user, { train: records }] of dataset.users) {
    if (records.length > 0) inputs.set(user, inputsOf(dataset, user, rejected, starts?.get(user)));
  }
  const fresh = starts ? users.filter(user => !starts.has(user)) : [];
  const progressNow = async () => RunProgress.of(folder, await folder.read(), sources, inputs);
  for (const user of unfinished(users, await progressNow())) {
    if (rejected) userRecords(dataset, user, { ...settings, ...trained }, rejected);
    if (settings.start !== undefined) await startMatrices(settings.start, user, lora, model.checkpoint);
  }

  let failed: readonly FailedUser[];
  const unlock = await folder.lock(['overlap.json']); // a comparison's estimate
  try {
    const progress = await progressNow(); // another process may have trained until the lock was free
    await folder.open(resolved, sources, options.version, NOT_IDENTITY, {
      mayChange: TEXTS,
      beforeChange: () => progress.clear(folder, dataset),
    });
    for (const message of progress.notices(users)) emit({ type: 'notice', message });
    if (fresh.length > 0) {
      const some = `${fresh.length}, such as "${printable(fresh[0]!)}"`;
      const message = `users trained from fresh adapters, since ${settings.start} has none of theirs: ${some} (--start)`;
      emit({ type: 'notice', message });
    }
    if (dataset.split) await writeUserSplit(folder.usersFile, dataset.split);
    const run = new TrainingRun(
      trained,
      settings,
      model,
      dataset,
      encoder,
      folder,
      inputs,
      emit,
      options.signal,
      rejected,
    );
    await run.recordLineage(progress.withoutLineage);
    failed = await run.trainAll(users, unfinished(users, progress));
  } finally {
    await model.close();
    await unlock();
  }
  const clipped = (await folder.readMetrics()).flatMap(({ clipped: value }) =>
    typeof value === 'number' ? [value] : [],
  );
  return {
    run: folder.path,
    metrics: folder.metricsFile,
    ...(clipped.length > 0 && { clippedShare: clipped.reduce((a, b) => a + b, 0) / clipped.length }),
    users: users.flatMap(user => {
      if (failed.some(one => one.user === user)) return [];
      const { train: own, query } = dataset.users.get(user)!;
      return [{ user, folder: folder.adapterOf(user), trainRecords: own.length, queryRecords: query.length }];
    }),
    failed,
  };
}

function unfinished(users: readonly string[], { finished }: RunProgress): string[] {
  return users.filter(user => !finished.has(user));
}

/** @throws IdiolectError CONFIG where pairs are wanted and not given, or given and not wanted */
function requirePairs({ name, records }: TrainableObjective, { rejected }: TrainSettings): void {
  if ((records === 'pairs') === (rejected !== undefined)) return;
  const instead = records === 'others' ? "takes others' records" : 'takes own records alone';
  throw new IdiolectError(
    'CONFIG',
    records === 'pairs'
      ? `--method ${name} needs --rejected, a file of what the own records were chosen over.`
      : `--rejected belongs to objectives of pairs, such as dpo; --method ${name} ${instead}. Leave it out.`,
  );
}

class TrainingRun {
  readonly #trained: TrainableObjective;
  readonly #settings: TrainSettings;
  readonly #model: LanguageModel;
  readonly #dataset: Dataset;
  readonly #encoder: Encoder;
  readonly #folder: RunFolder;
  readonly #inputs: ReadonlyMap<string, Inputs>;
  readonly #emit: (event: TrainEvent) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #rejected: RejectedTexts | undefined;

  constructor(
    trained: TrainableObjective,
    settings: TrainSettings,
    model: LanguageModel,
    dataset: Dataset,
    encoder: Encoder,
    folder: RunFolder,
    inputs: ReadonlyMap<string, Inputs>,
    emit: (event: TrainEvent) => void,
    signal: AbortSignal | undefined,
    rejected: RejectedTexts | undefined,
  ) {
    this.#trained = trained;
    this.#settings = settings;
    this.#model = model;
    this.#dataset = dataset;
    this.#encoder = encoder;
    this.#folder = folder;
    this.#inputs = inputs;
    this.#emit = emit;
    this.#signal = signal;
    this.#rejected = rejected;
  }

  /** Writes down what adapters that have no lineage were trained on: the data they were made from is still the same. */
  async recordLineage(users: readonly string[]): Promise<void> {
    for (const user of users) {
      await writeLineage(this.#folder, { user, inputs: this.#inputs.get(user)!, seen: usersSeen(this.#records(user)) });
    }
  }

  /**
   * @param open those of the users to be trained
   * @returns those whose training diverged
   */
  async trainAll(users: readonly string[], open: readonly string[]): Promise<FailedUser[]> {
    const objective = this.#objective(0);
    const plans = open.map(user => planUser(this.#records(user), this.#encoder, objective, this.#settings));
    for (const message of this.#encoder.cutNotices()) this.#emit({ type: 'notice', message });
    const steps = plans.reduce((sum, { batches }) => sum + batches.length, 0);
    for (const user of open) {
      if (!(await this.#folder.hasAdapter(user)) || (await this.#folder.isFinished(user))) continue;
      this.#emit({
        type: 'notice',
        message: `the adapter ${this.#folder.adapterOf(user)} is damaged and is trained again`,
      });
    }
    for (const user of users) if (!open.includes(user)) await removeCheckpoint(this.#folder.stateOf(user));
    this.#emit({ type: 'start', users: users.length, finished: users.length - open.length, steps });
    if (plans.length === 0) return [];

    const alphaOf = await this.#alphas(open);
    const reference = objective.needsReference ? await this.#scoreReferences(plans) : null;
    const lora = loraConfigSchema.parse(this.#settings);
    const trainer = new Trainer(this.#model, lora, objective, this.#settings);
    const probe = new KlProbe(this.#model, lora);
    const failed: FailedUser[] = [];
    try {
      for (const plan of plans) {
        const failure = await this.#trainUser(plan, alphaOf(plan.user), trainer, probe, reference);
        if (failure) failed.push(failure);
      }
    } finally {
      await trainer.release();
      await probe.release();
    }
    return failed;
  }

  #records(user: string) {
    return userRecords(this.#dataset, user, { ...this.#settings, ...this.#trained }, this.#rejected);
  }

  /** @param alpha the user's overlap, where the objective uses it */
  #objective(alpha: number): Objective {
    return this.#trained.create({ ...this.#settings, alpha });
  }

  /** Each user's alpha: as given, or estimated before training and kept in the run folder. */
  async #alphas(users: readonly string[]): Promise<(user: string) => number> {
    const { alpha } = this.#settings;
    if (!this.#trained.usesAlpha) return () => 0;
    if (alpha !== undefined) return () => alpha;
    const known = await this.#folder.readOverlaps();
    const open = users.filter(user => !known.has(user));
    if (open.length > 0) {
      const embedder = await openEmbedder({ ...this.#settings, maxLength: this.#encoder.maxLength }, this.#model);
      try {
        const study = new OverlapStudy(this.#dataset, embedder, this.#settings);
        await study.embed(open, (done, total) => {
          stopIfAsked(this.#signal, this.#folder);
          this.#emit({ type: 'embedding', done, total });
        });
        for (const user of open) {
          stopIfAsked(this.#signal, this.#folder);
          const estimate = await study.estimate(user);
          known.set(user, estimate);
          await this.#folder.writeOverlaps(known);
          this.#emit({ type: 'overlap', user, estimate });
        }
      } finally {
        await embedder.close();
        await this.#model.close();
      }
    }
    return user => known.get(user)!.alpha;
  }

  /** Each sequence once, adapter off, whichever users share it; then the scoring session makes room for training. */
  async #scoreReferences(plans: readonly UserPlan[]): Promise<ReferenceCache> {
    const { cache, device } = this.#settings;
    const { fingerprint } = this.#model.checkpoint;
    const scores = await ReferenceCache.open(cache ?? defaultCacheFolder(), fingerprint, device);
    const missing = new Map<string, TokenSequence>();
    for (const sequence of plans.flatMap(sequencesOf)) {
      if (!scores.get(sequence)) missing.set(sequenceKey(sequence), sequence);
    }
    let done = 0;
    try {
      for (const sequence of missing.values()) {
        stopIfAsked(this.#signal, this.#folder);
        await scores.add(sequence, await this.#model.score(sequence));
        this.#emit({ type: 'reference', done: ++done, total: missing.size });
      }
    } finally {
      await scores.flush();
    }
    await this.#model.close();
    return scores;
  }

  async #trainUser(
    plan: UserPlan,
    alpha: number,
    trainer: Trainer,
    probe: KlProbe,
    reference: ReferenceCache | null,
  ): Promise<FailedUser | null> {
    const { klEvery, start } = this.#settings;
    const { user, batches } = plan;
    const from = start && (await startMatrices(start, user, trainer.lora, this.#model.checkpoint));
    const work: AdapterWork = {
      ...(from && { start: from }),
      name: user,
      objective: this.#objective(alpha),
      alpha,
      batches,
      batchOf: planned => batchOf(plan, planned, reference),
      measure: async (step, batch, matrices): Promise<StepMetrics> => {
        const isMeasured = klEvery > 0 && (step % klEvery === 0 || step === batches.length - 1);
        return isMeasured ? { kl_reference: await meanKl(probe, batch, matrices) } : {};
      },
    };
    let metrics: StepMetrics;
    try {
      metrics = await trainAdapter(trainer, work, this.#settings, this.#folder, {
        onEvent: event => this.#emit(event.type === 'notice' ? event : { ...event, user }),
        signal: this.#signal,
      });
    } catch (error) {
      if (!(error instanceof IdiolectError) || error.code !== 'DIVERGED') throw error;
      await removeCheckpoint(this.#folder.stateOf(user));
      const failure = { user, reason: error.message };
      this.#emit({ type: 'failed', ...failure });
      return failure;
    }
    const before = await readLineage(this.#folder, user);
    const either = [...new Set([...(before?.seen ?? []), ...plan.seen])];
    const forgotten = before?.forgotten && { forgotten: before.forgotten };
    await writeLineage(this.#folder, { user, inputs: null, seen: either, ...forgotten });
    await this.#publish(plan, alpha, trainer);
    await writeLineage(this.#folder, { user, inputs: this.#inputs.get(user)!, seen: plan.seen });
    await removeCheckpoint(this.#folder.stateOf(user));
    this.#emit({ type: 'adapter', user, folder: this.#folder.adapterOf(user), metrics });
    return null;
  }

  async #publish({ user, target, auxiliary, batches }: UserPlan, alpha: number, trainer: Trainer): Promise<void> {
    const { beta, seed } = this.#settings;
    const { name: method, records, usesAlpha } = this.#trained;
    const overlap = usesAlpha ? `, alpha ${Number(alpha.toFixed(4))}` : '';
    const compared =
      records === 'own'
        ? ''
        : `, ${isBuiltIn(this.#trained) ? `beta ${beta}` : this.#objective(alpha).signature}, ${records === 'pairs' ? counted(auxiliary.length, 'rejected text') : counted(auxiliary.length, 'record of others', 'records of others')}`;
    const description =
      `# ${user}\n\nLoRA adapter for one user's own way of writing, trained by idiolect: method ${method}${overlap}${compared}, ` +
      `${counted(target.length, 'own record')}, ${counted(batches.length, 'step')}, seed ${seed}.`;
    const origin = adapterOrigin(this.#model, this.#settings, description);
    await writeAdapter(this.#folder.adapterOf(user), trainer.adapter, origin);
  }
}
