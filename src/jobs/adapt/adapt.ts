/**
 * `idiolect adapt`: the task-adapted model. One LoRA is trained by supervised fine-tuning on users who are not
 * evaluated, and merged into the base; every target user's adapter then starts from the merged model.
 */
import { basename, join } from 'node:path';
import { defaultCacheFolder } from '../../common/cache-folder.ts';
import { counted } from '../../common/counted.ts';
import { unlessDamaged } from '../../common/damage.ts';
import { IdiolectError } from '../../common/errors.ts';
import { exists } from '../../common/files.ts';
import { random } from '../../common/random.ts';
import type { Resolved } from '../../common/settings.ts';
import { type Dataset, loadDataset } from '../../histories/dataset.ts';
import { type HistoryRecord, type TargetSplit, writeUserSplit } from '../../histories/index.ts';
import type { TokenSequence } from '../../language-model/batch.ts';
import { Encoder } from '../../language-model/encoder.ts';
import { LanguageModel } from '../../language-model/language-model.ts';
import { cachedScore, ReferenceCache } from '../../language-model/reference-cache.ts';
import { writeAdapter } from '../../model/adapter.ts';
import { openCheckpoint } from '../../model/checkpoint.ts';
import { loraConfigSchema } from '../../model/lora.ts';
import { mergeAdapter, requireElsewhere } from '../../model/merge.ts';
import { isWholeAdapter } from '../../model/whole-adapter.ts';
import { sft } from '../../objectives/sft.ts';
import { adapterOrigin, baseNameOf } from '../../runs/adapter-origin.ts';
import { type AdapterWork, type LoopEvent, stopIfAsked, trainAdapter } from '../../runs/loop.ts';
import { RunFolder, sourcesOf } from '../../runs/run-folder.ts';
import { NOT_IDENTITY } from '../../runs/settings.ts';
import { removeCheckpoint } from '../../runs/training-state.ts';
import type { TrainingExample } from '../../training/batch-gradient.ts';
import { planBatches } from '../../training/plan.ts';
import { Trainer } from '../../training/trainer.ts';
import type { AdaptSettings } from './adapt-settings.ts';

export type AdaptEvent =
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'start'; readonly records: number; readonly users: number; readonly steps: number }
  | LoopEvent
  | { readonly type: 'merge'; readonly done: number; readonly total: number }
  | { readonly type: 'score'; readonly done: number; readonly total: number };

export interface AdaptOptions {
  readonly version: string;
  readonly onEvent?: (event: AdaptEvent) => void;
  /** Aborting stops after the step in progress and saves it. */
  readonly signal?: AbortSignal;
}

/** Mean log-probability per completion token (natural logarithm) of the others' held-out records. */
export interface HeldOutChange {
  readonly records: number;
  readonly tokens: number;
  readonly base: number;
  readonly adapted: number;
}

export interface AdaptSummary {
  readonly run: string;
  readonly metrics: string;
  /** The merged model, a Hugging Face folder. */
  readonly model: string;
  /** The LoRA before it was merged, a PEFT folder. */
  readonly adapter: string;
  /** The file that says who is a target and who is not. */
  readonly users: string;
  readonly targets: number;
  readonly others: number;
  /** Records trained on. */
  readonly records: number;
  /** Null where nothing is held out. */
  readonly heldOut: HeldOutChange | null;
}

/** Names the one adapter of the run in metrics and random streams. */
const NAME = 'task';

/**
 * Trains on the training part of the others' records, merges, and scores their held-out part before and after. The
 * targets' records are read to divide the users, and for nothing else.
 *
 * @throws IdiolectError INTERRUPTED when stopped by the signal; the same call continues from there
 */
export async function adapt(resolved: Resolved<AdaptSettings>, options: AdaptOptions): Promise<AdaptSummary> {
  const settings = resolved.values;
  const emit = options.onEvent ?? (() => {});
  const model = await LanguageModel.load(
    settings.model,
    { device: settings.device, threads: settings.threads },
    settings,
  );
  const folder = new RunFolder(settings.out);
  const merged = join(folder.path, 'model');
  await requireElsewhere(model.checkpoint, merged); // refused before the training, not after
  const encoder = new Encoder(model, settings);
  const dataset = await loadDataset(settings);
  for (const message of dataset.notices) emit({ type: 'notice', message });
  const split = dataset.split!;
  const records = othersRecords(dataset, split, settings);
  const train = records.train.map(record => encoder.encode(record));
  const query = records.query.map(record => encoder.encode(record));
  for (const message of encoder.cutNotices()) emit({ type: 'notice', message });

  const unlock = await folder.lock();
  try {
    await folder.open(resolved, sourcesOf(model, dataset), options.version, NOT_IDENTITY);
    await writeUserSplit(folder.usersFile, split);
    const run = new Adaptation(settings, model, folder, merged, emit, options.signal);
    const others = new Set(records.train.map(({ user }) => user)).size;
    await run.train(train, others);
    await run.merge(train.length, others);
    return {
      run: folder.path,
      metrics: folder.metricsFile,
      model: merged,
      adapter: run.adapter,
      users: folder.usersFile,
      targets: split.targets.length,
      others,
      records: train.length,
      heldOut: await run.score(query),
    };
  } finally {
    await model.close();
    await unlock();
  }
}

/** Both parts of the others' records, in the order of the data or, where there are too many, as drawn. */
function othersRecords({ file, users }: Dataset, { others }: TargetSplit, { maxRecords, seed }: AdaptSettings) {
  const members = new Set(others);
  const kept = [...users.values()].filter(({ user }) => members.has(user));
  const train = kept.flatMap(part => part.train);
  const query = kept.flatMap(part => part.query);
  if (train.length === 0) {
    throw new IdiolectError(
      'DATA',
      `${file} has no records to train on but the target users'. Use the histories the list of users was made from.`,
    );
  }
  if (maxRecords === undefined || maxRecords >= train.length) return { train, query };
  const draw = (part: string, records: readonly HistoryRecord[], count: number) =>
    random(seed, `${NAME}/${part}`).shuffled(records).slice(0, count);
  return {
    train: draw('train', train, maxRecords),
    query: draw('query', query, Math.ceil((query.length * maxRecords) / train.length)),
  };
}

class Adaptation {
  readonly adapter: string;
  readonly #settings: AdaptSettings;
  readonly #model: LanguageModel;
  readonly #folder: RunFolder;
  readonly #merged: string;
  readonly #emit: (event: AdaptEvent) => void;
  readonly #signal: AbortSignal | undefined;

  constructor(
    settings: AdaptSettings,
    model: LanguageModel,
    folder: RunFolder,
    merged: string,
    emit: (event: AdaptEvent) => void,
    signal: AbortSignal | undefined,
  ) {
    this.adapter = join(folder.path, 'adapter');
    this.#settings = settings;
    this.#model = model;
    this.#folder = folder;
    this.#merged = merged;
    this.#emit = emit;
    this.#signal = signal;
  }

  async train(sequences: readonly TokenSequence[], users: number): Promise<void> {
    const { seed, epochs, batchSize } = this.#settings;
    const counts = { targetCount: sequences.length, auxiliaryCount: 0, dislikedCount: 0 };
    const batches = planBatches({ user: NAME, seed, epochs, batchSize, ...counts });
    const isFinished = await isWholeAdapter(this.adapter);
    if (!isFinished && (await exists(this.adapter))) {
      this.#emit({ type: 'notice', message: `the adapter ${this.adapter} is damaged and is trained again` });
    }
    this.#emit({ type: 'start', records: sequences.length, users, steps: isFinished ? 0 : batches.length });
    if (isFinished) {
      await removeCheckpoint(this.#folder.stateOf(NAME));
      return;
    }
    const objective = sft();
    const trainer = new Trainer(this.#model, loraConfigSchema.parse(this.#settings), objective, this.#settings);
    const example = (i: number): TrainingExample => ({ ...sequences[i]!, group: 'target', referenceLogProb: 0 });
    const work: AdapterWork = { name: NAME, objective, batches, batchOf: ({ target }) => target.map(example) };
    try {
      const options = { onEvent: this.#emit, signal: this.#signal };
      await trainAdapter(trainer, work, this.#settings, this.#folder, options);
      const description = `# Adapted to a task\n\nLoRA adapter ${this.#origin(sequences.length, users)}.`;
      await writeAdapter(this.adapter, trainer.adapter, adapterOrigin(this.#model, this.#settings, description));
    } finally {
      await trainer.release();
    }
    await removeCheckpoint(this.#folder.stateOf(NAME));
  }

  async merge(records: number, users: number): Promise<void> {
    if (await exists(join(this.#merged, 'config.json'))) {
      if (await unlessDamaged(openCheckpoint(this.#merged))) return;
      this.#emit({ type: 'notice', message: `the model ${this.#merged} is damaged and is merged again` });
    }
    stopIfAsked(this.#signal, this.#folder);
    const { rank } = this.#settings;
    const baseModel = baseNameOf(this.#model, this.#settings);
    const name = basename(baseModel);
    await mergeAdapter(this.#model.checkpoint, await this.#model.loadAdapter(this.adapter), this.#merged, {
      baseModel,
      description: `# ${name}, adapted to a task\n\n${name} with a LoRA adapter of rank ${rank} merged into it, ${this.#origin(records, users)}.`,
      onProgress: (done, total) => this.#emit({ type: 'merge', done, total }),
    });
  }

  /** The merged folder is scored as it was written, so that this is also its first use. */
  async score(sequences: readonly TokenSequence[]): Promise<HeldOutChange | null> {
    if (sequences.length === 0) return null;
    const adapted = await LanguageModel.load(this.#merged, this.#model.engine, this.#settings);
    try {
      const before = await this.#sum(this.#model, sequences, 0);
      await this.#model.close();
      const after = await this.#sum(adapted, sequences, sequences.length);
      const { tokens } = before;
      return { records: sequences.length, tokens, base: before.logProb / tokens, adapted: after.logProb / tokens };
    } finally {
      await adapted.close();
    }
  }

  async #sum(model: LanguageModel, sequences: readonly TokenSequence[], doneBefore: number) {
    const { cache: folder, device } = this.#settings;
    const cache = await ReferenceCache.open(folder ?? defaultCacheFolder(), model.checkpoint.fingerprint, device);
    const sum = { tokens: 0, logProb: 0 };
    let done = doneBefore;
    try {
      for (const sequence of sequences) {
        stopIfAsked(this.#signal, this.#folder);
        const { tokens, logProb } = await cachedScore(model, cache, sequence);
        sum.tokens += tokens;
        sum.logProb += logProb;
        this.#emit({ type: 'score', done: ++done, total: 2 * sequences.length });
      }
    } finally {
      await cache.flush();
    }
    return sum;
  }

  #origin(records: number, users: number): string {
    const { epochs, seed } = this.#settings;
    return `trained by idiolect: supervised fine-tuning on ${counted(records, 'record')} of ${counted(users, 'user')}, ${counted(epochs, 'epoch')}, seed ${seed}`;
  }
}
