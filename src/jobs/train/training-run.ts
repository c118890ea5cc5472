/**
 * Trains the users of a run one after another: alphas, reference scores, the training loop, and publishing the adapter.
 */
import { defaultCacheFolder } from '../../common/cache-folder.ts';
import { counted } from '../../common/counted.ts';
import { IdiolectError } from '../../common/errors.ts';
import type { RejectedTexts } from '../../histories/rejected.ts';
import { userRecords } from '../../histories/user-records.ts';
import type { TokenSequence } from '../../language-model/batch.ts';
import { cutNotices } from '../../language-model/encoder.ts';
import { ReferenceCache, sequenceKey } from '../../language-model/reference-cache.ts';
import { writeAdapter } from '../../model/adapter.ts';
import { loraConfigSchema } from '../../model/lora.ts';
import type { Objective } from '../../objectives/objective.ts';
import { isBuiltIn, type TrainableObjective } from '../../objectives/objectives.ts';
import type { OverlapEstimate } from '../../overlap/estimate.ts';
import { openEmbedder } from '../../overlap/open-embedder.ts';
import { adapterOrigin } from '../../runs/adapter-origin.ts';
import { type Inputs, readLineage, writeLineage } from '../../runs/lineage.ts';
import { type AdapterWork, stopRunIfAsked, trainAdapter } from '../../runs/loop.ts';
import type { RunFolder } from '../../runs/run-folder.ts';
import type { TrainSettings } from '../../runs/settings.ts';
import { startMatrices } from '../../runs/start.ts';
import { KlProbe, meanKl } from '../../training/kl-probe.ts';
import { type StepMetrics, Trainer } from '../../training/trainer.ts';
import { batchOf, planUser, sequencesOf, type UserPlan, usersSeen } from '../../training/user-plan.ts';
import type { JobContext } from '../context.ts';
import type { Opened } from '../opened.ts';
import { OverlapStudy } from '../overlap/overlap-study.ts';
import type { FailedUser, TrainEvent } from './events.ts';

export interface RunWork {
  readonly objective: TrainableObjective;
  readonly settings: TrainSettings;
  readonly folder: RunFolder;
  /** What each user's adapter is trained on. */
  readonly inputs: ReadonlyMap<string, Inputs>;
  /** The texts that own records were chosen over, where training uses pairs. */
  readonly rejected: RejectedTexts | undefined;
  /** Estimates already known, by user; they are not made again. */
  readonly alphas: ReadonlyMap<string, OverlapEstimate>;
}

/** What the training of a user needs, made once for all users. */
interface Tools {
  readonly trainer: Trainer;
  readonly probe: KlProbe;
  /** Null for objectives without a reference. */
  readonly reference: ReferenceCache | null;
}

export class TrainingRun {
  readonly #opened: Opened;
  readonly #work: RunWork;
  readonly #context: JobContext<TrainEvent>;

  constructor(opened: Opened, work: RunWork, context: JobContext<TrainEvent>) {
    this.#opened = opened;
    this.#work = work;
    this.#context = context;
  }

  /** Records what adapters without a lineage were trained on, which is known since their data has not changed. */
  async recordLineage(users: readonly string[]): Promise<void> {
    const { folder, inputs } = this.#work;
    for (const user of users) {
      await writeLineage(folder, { user, inputs: inputs.get(user)!, seen: usersSeen(this.#records(user)) });
    }
  }

  /**
   * @param open the users still to be trained
   * @returns the users whose training diverged
   */
  async trainAll(users: readonly string[], open: readonly string[]): Promise<FailedUser[]> {
    const { model, encoder } = this.#opened;
    const { folder, settings } = this.#work;
    const objective = this.#objective(0);
    const plans = open.map(user => planUser(this.#records(user), encoder, objective, settings));
    const examples = plans.flatMap(({ target, auxiliary, disliked }) => [...target, ...auxiliary, ...disliked]);
    for (const message of cutNotices(examples)) this.#emit({ type: 'notice', message });
    const steps = plans.reduce((sum, { batches }) => sum + batches.length, 0);
    for (const user of open) {
      if (!(await folder.hasAdapter(user)) || (await folder.isFinished(user))) continue;
      const message = `the adapter ${folder.adapterOf(user)} is damaged and is trained again`;
      this.#emit({ type: 'notice', message });
    }
    for (const user of users) if (!open.includes(user)) await folder.removeState(user);
    this.#emit({ type: 'start', users: users.length, finished: users.length - open.length, steps });
    if (plans.length === 0) return [];

    const alphaOf = await this.#alphas(open);
    const reference = objective.needsReference ? await this.#scoreReferences(plans) : null;
    const lora = loraConfigSchema.parse(settings);
    const trainer = new Trainer(model, lora, objective, settings);
    const probe = new KlProbe(model, lora);
    const failed: FailedUser[] = [];
    try {
      for (const plan of plans) {
        const failure = await this.#trainUser(plan, alphaOf(plan.user), { trainer, probe, reference });
        if (failure) failed.push(failure);
      }
    } finally {
      await trainer.release();
      await probe.release();
    }
    return failed;
  }

  #emit(event: TrainEvent): void {
    this.#context.onEvent?.(event);
  }

  #stopIfAsked(): void {
    stopRunIfAsked(this.#context.signal, this.#work.folder);
  }

  #records(user: string) {
    const { settings, objective, rejected } = this.#work;
    return userRecords(this.#opened.dataset, user, { ...settings, records: objective.records }, rejected);
  }

  /** @param alpha the user's overlap, where the objective uses it */
  #objective(alpha: number): Objective {
    return this.#work.objective.create({ ...this.#work.settings, alpha });
  }

  /** Each user's alpha: as given, or estimated before training and kept in the run folder. */
  async #alphas(users: readonly string[]): Promise<(user: string) => number> {
    const { model, dataset, encoder } = this.#opened;
    const { settings, folder, objective } = this.#work;
    const { alpha } = settings;
    if (!objective.usesAlpha) return () => 0;
    if (alpha !== undefined) return () => alpha;
    const known = await folder.readOverlaps();
    const handed = [...this.#work.alphas].filter(([user]) => !known.has(user));
    for (const [user, estimate] of handed) known.set(user, estimate);
    if (handed.length > 0) await folder.writeOverlaps(known);
    const open = users.filter(user => !known.has(user));
    if (open.length > 0) {
      const embedder = await openEmbedder({ ...settings, maxLength: encoder.maxLength }, model);
      try {
        const study = new OverlapStudy(dataset, embedder, settings);
        await study.embed(open, (done, total) => {
          this.#stopIfAsked();
          this.#emit({ type: 'embedding', done, total });
        });
        for (const user of open) {
          this.#stopIfAsked();
          const estimate = await study.estimate(user);
          known.set(user, estimate);
          await folder.writeOverlaps(known);
          this.#emit({ type: 'overlap', user, estimate });
        }
      } finally {
        await embedder.close();
        await model.release();
      }
    }
    return user => known.get(user)!.alpha;
  }

  /**
   * Scores each sequence once without an adapter, even if several users share it, and then releases the scoring session
   * to make room for training.
   */
  async #scoreReferences(plans: readonly UserPlan[]): Promise<ReferenceCache> {
    const { model } = this.#opened;
    const { cache } = this.#work.settings;
    const scores = await ReferenceCache.open(cache ?? defaultCacheFolder(), model);
    const missing = new Map<string, TokenSequence>();
    for (const sequence of plans.flatMap(sequencesOf)) {
      if (!scores.get(sequence)) missing.set(sequenceKey(sequence), sequence);
    }
    let done = 0;
    try {
      for (const sequence of missing.values()) {
        this.#stopIfAsked();
        await scores.add(sequence, await model.score(sequence));
        this.#emit({ type: 'reference', done: ++done, total: missing.size });
      }
    } finally {
      await scores.flush();
    }
    await model.release();
    return scores;
  }

  async #trainUser(plan: UserPlan, alpha: number, tools: Tools): Promise<FailedUser | null> {
    const { folder, inputs } = this.#work;
    const { user } = plan;
    let metrics: StepMetrics;
    try {
      metrics = await this.#runLoop(plan, alpha, tools);
    } catch (error) {
      if (!(error instanceof IdiolectError) || error.code !== 'DIVERGED') throw error;
      await folder.removeState(user);
      const failure = { user, reason: error.message };
      this.#emit({ type: 'failed', ...failure });
      return failure;
    }
    const before = await readLineage(folder, user);
    const either = [...new Set([...(before?.seen ?? []), ...plan.seen])];
    const forgotten = before?.forgotten && { forgotten: before.forgotten };
    await writeLineage(folder, { user, inputs: null, seen: either, ...forgotten });
    await this.#publish(plan, alpha, tools.trainer);
    await writeLineage(folder, { user, inputs: inputs.get(user)!, seen: plan.seen });
    await folder.removeState(user);
    this.#emit({ type: 'adapter', user, folder: folder.adapterOf(user), metrics });
    return null;
  }

  /** The steps of one user, from the last checkpoint to the last batch. */
  async #runLoop(plan: UserPlan, alpha: number, { trainer, probe, reference }: Tools): Promise<StepMetrics> {
    const { settings, folder } = this.#work;
    const { klEvery, start } = settings;
    const { user, batches } = plan;
    const from = start && (await startMatrices(start, user, trainer.lora, this.#opened.model.checkpoint));
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
    return trainAdapter(
      trainer,
      work,
      { settings, store: folder },
      {
        onEvent: event => this.#emit(event.type === 'notice' ? event : { ...event, user }),
        signal: this.#context.signal,
      },
    );
  }

  async #publish({ user, target, auxiliary, batches }: UserPlan, alpha: number, trainer: Trainer): Promise<void> {
    const { settings, folder, objective } = this.#work;
    const { name, usesAlpha } = objective;
    const overlap = usesAlpha ? `, alpha ${Number(alpha.toFixed(4))}` : '';
    const description =
      `# ${user}\n\nLoRA adapter for one user's own way of writing, trained by idiolect: method ${name}${overlap}${this.#comparedText(auxiliary.length, alpha)}, ` +
      `${counted(target.length, 'own record')}, ${counted(batches.length, 'step')}, seed ${settings.seed}.`;
    const origin = adapterOrigin(this.#opened.model, settings, description);
    await writeAdapter(folder.adapterOf(user), trainer.adapter, origin);
  }

  /** What own records were compared with and how; empty where they were not. */
  #comparedText(auxiliary: number, alpha: number): string {
    const { settings, objective } = this.#work;
    if (objective.records === 'own') return '';
    const shape = isBuiltIn(objective) ? `beta ${settings.beta}` : this.#objective(alpha).signature;
    const texts =
      objective.records === 'pairs'
        ? counted(auxiliary, 'rejected text')
        : counted(auxiliary, 'record of others', 'records of others');
    return `, ${shape}, ${texts}`;
  }
}
