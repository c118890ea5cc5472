/** `idiolect train`: from histories to one adapter folder per user, stoppable anywhere. */
import { appendFile, mkdir } from 'node:fs/promises';
import { defaultCacheFolder } from '../common/cache-folder.ts';
import { IdiolectError } from '../common/errors.ts';
import { random } from '../common/random.ts';
import type { Resolved } from '../common/settings.ts';
import { writeAdapter } from '../model/adapter.ts';
import { loraConfigSchema } from '../model/lora.ts';
import { cbpo } from '../objectives/cbpo.ts';
import type { Objective } from '../objectives/objective.ts';
import { sft } from '../objectives/sft.ts';
import type { TokenSequence } from '../runtime/batch.ts';
import { LanguageModel } from '../runtime/language-model.ts';
import { loadCheckpoint, removeCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { type Dataset, Encoder, loadDataset, selectUsers, type UserExamples, userExamples } from './dataset.ts';
import { type PlannedBatch, planBatches } from './plan.ts';
import { ReferenceCache, sequenceKey } from './reference-cache.ts';
import { RunFolder, requireDistinctFolders } from './run-folder.ts';
import { learningRateFactor } from './schedule.ts';
import { NOT_IDENTITY, type TrainSettings } from './settings.ts';
import { type StepMetrics, Trainer, type TrainingExample } from './trainer.ts';

export type TrainEvent =
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'start'; readonly users: number; readonly finished: number; readonly steps: number }
  | { readonly type: 'reference'; readonly done: number; readonly total: number }
  | { readonly type: 'resume'; readonly user: string; readonly step: number }
  | {
      readonly type: 'step';
      readonly user: string;
      readonly step: number;
      readonly steps: number;
      readonly metrics: StepMetrics;
    }
  | { readonly type: 'adapter'; readonly user: string; readonly folder: string; readonly metrics: StepMetrics };

export interface TrainOptions {
  readonly version: string;
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
  readonly users: readonly TrainedUser[];
}

/**
 * Trains every selected user that has no adapter in the run folder yet.
 *
 * @throws IdiolectError INTERRUPTED when stopped by the signal; the same call goes on from there
 */
export async function train(resolved: Resolved<TrainSettings>, options: TrainOptions): Promise<TrainSummary> {
  const settings = resolved.values;
  const emit = options.onEvent ?? (() => {});
  objectiveOf(settings); // a missing alpha is told before anything is read
  const model = await LanguageModel.load(settings.model, { device: settings.device, threads: settings.threads });
  const encoder = new Encoder(model, settings);
  const dataset = await loadDataset(settings);
  for (const message of dataset.notices) emit({ type: 'notice', message });
  const users = selectUsers(settings.users, dataset);
  requireDistinctFolders(users);

  const folder = new RunFolder(settings.out);
  const unlock = await folder.lock();
  try {
    const sources = { model: model.checkpoint.fingerprint, data: dataset.fingerprint };
    await folder.open(resolved, sources, options.version, NOT_IDENTITY);
    const run = new TrainingRun(settings, model, dataset, encoder, folder, emit, options.signal);
    await run.trainAll(users);
  } finally {
    await model.close();
    await unlock();
  }
  return {
    run: folder.path,
    metrics: folder.metricsFile,
    users: users.map(user => {
      const { train: own, query } = dataset.users.get(user)!;
      return { user, folder: folder.adapterOf(user), trainRecords: own.length, queryRecords: query.length };
    }),
  };
}

function objectiveOf({ method, alpha, beta, emaDecay }: TrainSettings): Objective {
  if (method === 'sft') return sft();
  if (alpha === undefined) {
    throw new IdiolectError(
      'CONFIG',
      '--alpha is missing: method cbpo needs the preference overlap, from 0 (others never write like this user) to below 1.',
    );
  }
  return cbpo({ alpha, beta, emaDecay });
}

interface UserPlan extends UserExamples {
  readonly batches: readonly PlannedBatch[];
}

class TrainingRun {
  readonly #settings: TrainSettings;
  readonly #model: LanguageModel;
  readonly #dataset: Dataset;
  readonly #encoder: Encoder;
  readonly #folder: RunFolder;
  readonly #emit: (event: TrainEvent) => void;
  readonly #signal: AbortSignal | undefined;

  constructor(
    settings: TrainSettings,
    model: LanguageModel,
    dataset: Dataset,
    encoder: Encoder,
    folder: RunFolder,
    emit: (event: TrainEvent) => void,
    signal: AbortSignal | undefined,
  ) {
    this.#settings = settings;
    this.#model = model;
    this.#dataset = dataset;
    this.#encoder = encoder;
    this.#folder = folder;
    this.#emit = emit;
    this.#signal = signal;
  }

  async trainAll(users: readonly string[]): Promise<void> {
    const open: string[] = [];
    for (const user of users) if (!(await this.#folder.isFinished(user))) open.push(user);
    const plans = open.map(user => this.#plan(user));
    const { prompts, completions } = this.#encoder.cuts;
    if (prompts > 0) this.#notice(`${prompts} prompts were too long and lost their beginning`);
    if (completions > 0) this.#notice(`${completions} completions were too long and lost their end`);
    const steps = plans.reduce((sum, { batches }) => sum + batches.length, 0);
    this.#emit({ type: 'start', users: users.length, finished: users.length - open.length, steps });
    if (plans.length === 0) return;

    const objective = objectiveOf(this.#settings);
    const reference = objective.needsReference ? await this.#scoreReferences(plans) : null;
    const lora = loraConfigSchema.parse(this.#settings);
    const trainer = await Trainer.create(this.#model, lora, objective);
    try {
      for (const plan of plans) await this.#trainUser(plan, trainer, reference);
    } finally {
      await trainer.release();
    }
  }

  #plan(user: string): UserPlan {
    const { method, auxiliaryRatio, seed, epochs, batchSize } = this.#settings;
    const examples = userExamples(this.#dataset, user, this.#encoder, {
      auxiliaryRatio: method === 'sft' ? 0 : auxiliaryRatio,
      seed,
    });
    const batches = planBatches({
      user,
      seed,
      epochs,
      batchSize,
      targetCount: examples.target.length,
      auxiliaryCount: examples.auxiliary.length,
    });
    return { ...examples, batches };
  }

  /** Each sequence once, adapter off, whichever users share it; then the scoring session makes room for training. */
  async #scoreReferences(plans: readonly UserPlan[]): Promise<ReferenceCache> {
    const { cache, device } = this.#settings;
    const { fingerprint } = this.#model.checkpoint;
    const scores = await ReferenceCache.open(cache ?? defaultCacheFolder(), fingerprint, device);
    const missing = new Map<string, TokenSequence>();
    for (const { target, auxiliary } of plans) {
      for (const sequence of [...target, ...auxiliary]) {
        if (!scores.get(sequence)) missing.set(sequenceKey(sequence), sequence);
      }
    }
    let done = 0;
    try {
      for (const sequence of missing.values()) {
        this.#stopIfAsked();
        await scores.add(sequence, await this.#model.score(sequence));
        this.#emit({ type: 'reference', done: ++done, total: missing.size });
      }
    } finally {
      await scores.flush();
    }
    await this.#model.close();
    return scores;
  }

  async #trainUser(plan: UserPlan, trainer: Trainer, reference: ReferenceCache | null): Promise<void> {
    const { seed, lr, weightDecay, maxGradNorm, saveEvery } = this.#settings;
    const { user, batches } = plan;
    const stateFolder = this.#folder.stateOf(user);
    await mkdir(stateFolder, { recursive: true });
    trainer.reset(random(seed, `adapter/${user}`));
    const saved = await loadCheckpoint(stateFolder, trainer.state.matrices);
    if (saved) {
      trainer.restore(saved.state);
      this.#emit({ type: 'resume', user, step: saved.step });
    }
    await this.#folder.truncateMetrics(user, saved?.step ?? 0);

    const example =
      (group: TrainingExample['group']) =>
      (index: number): TrainingExample => {
        const sequence = plan[group][index]!;
        return { ...sequence, group, referenceLogProb: reference?.get(sequence)?.logProb ?? 0 };
      };
    let metrics: StepMetrics = {};
    for (let step = saved?.step ?? 0; step < batches.length; step++) {
      if (this.#signal?.aborted) {
        await saveCheckpoint(stateFolder, { step, state: trainer.state });
        this.#stopIfAsked();
      }
      const { epoch, target, auxiliary } = batches[step]!;
      const batch = [...target.map(example('target')), ...auxiliary.map(example('auxiliary'))];
      const found = await trainer.forwardBackward(batch, random(seed, `dropout/${user}/${step}`));
      const rate = lr * learningRateFactor(step, batches.length, this.#settings);
      const { gradNorm } = trainer.optimStep({ lr: rate, weightDecay, maxGradNorm });
      metrics = { ...found, grad_norm: gradNorm, lr: rate };
      if (!Number.isFinite(found.loss) || !Number.isFinite(gradNorm)) {
        throw new IdiolectError(
          'ENGINE',
          `user "${user}", step ${step + 1}: the loss or its gradient is not finite. Lower --lr (${lr} now) and train again.`,
        );
      }
      await this.#log(user, { step: step + 1, epoch: epoch + 1, ...metrics });
      this.#emit({ type: 'step', user, step: step + 1, steps: batches.length, metrics });
      if ((step + 1) % saveEvery === 0) await saveCheckpoint(stateFolder, { step: step + 1, state: trainer.state });
    }
    await this.#publish(plan, trainer);
    await removeCheckpoint(stateFolder);
    this.#emit({ type: 'adapter', user, folder: this.#folder.adapterOf(user), metrics });
  }

  async #publish({ user, target, auxiliary, batches }: UserPlan, trainer: Trainer): Promise<void> {
    const { model, method, alpha, beta, seed } = this.#settings;
    const overlap = method === 'cbpo' ? `, alpha ${alpha}, beta ${beta}, ${auxiliary.length} records of others` : '';
    await writeAdapter(this.#folder.adapterOf(user), trainer.adapter, {
      baseModel: model,
      description:
        `# ${user}\n\nLoRA adapter for one user's own way of writing, trained by idiolect: method ${method}${overlap}, ` +
        `${target.length} own records, ${batches.length} steps, seed ${seed}.`,
    });
  }

  async #log(user: string, entry: StepMetrics): Promise<void> {
    await appendFile(this.#folder.metricsFile, `${JSON.stringify({ user, ...entry })}\n`);
  }

  #notice(message: string): void {
    this.#emit({ type: 'notice', message });
  }

  #stopIfAsked(): void {
    if (!this.#signal?.aborted) return;
    throw new IdiolectError(
      'INTERRUPTED',
      `stopped; what is done is kept in ${this.#folder.path}, and the same command goes on from there.`,
    );
  }
}
