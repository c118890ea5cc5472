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
import { type Given, type Resolved, resolveGiven } from '../../common/settings.ts';
import { packageVersion } from '../../common/version.ts';
import type { Dataset } from '../../histories/dataset.ts';
import { type HistoryRecord, type TargetSplit, writeUserSplit } from '../../histories/index.ts';
import type { TokenSequence } from '../../language-model/batch.ts';
import { cutNotices } from '../../language-model/encoder.ts';
import type { LanguageModel } from '../../language-model/language-model.ts';
import { cachedScore, ReferenceCache } from '../../language-model/reference-cache.ts';
import { writeAdapter } from '../../model/adapter.ts';
import { openCheckpoint } from '../../model/checkpoint.ts';
import { loraConfigSchema } from '../../model/lora.ts';
import { mergeAdapter, requireElsewhere } from '../../model/merge.ts';
import { isWholeAdapter } from '../../model/whole-adapter.ts';
import { sft } from '../../objectives/sft.ts';
import { adapterOrigin, baseNameOf } from '../../runs/adapter-origin.ts';
import { type AdapterWork, type LoopEvent, stopRunIfAsked, trainAdapter } from '../../runs/loop.ts';
import { RunFolder } from '../../runs/run-folder.ts';
import { sourcesOf } from '../../runs/run-record.ts';
import { NOT_IDENTITY } from '../../runs/settings.ts';
import type { TrainingExample } from '../../training/batch-gradient.ts';
import { planBatches } from '../../training/plan.ts';
import { Trainer } from '../../training/trainer.ts';
import type { JobContext, NoticeEvent } from '../context.ts';
import { type Opened, openModel, withOpened } from '../opened.ts';
import { type AdaptSettings, adaptSchema } from './adapt-settings.ts';

export type AdaptEvent =
  | NoticeEvent
  | { readonly type: 'start'; readonly records: number; readonly users: number; readonly steps: number }
  | LoopEvent
  | { readonly type: 'merge'; readonly done: number; readonly total: number }
  | { readonly type: 'score'; readonly done: number; readonly total: number };

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

/** The name of the run's only adapter, in metrics and random streams. */
const NAME = 'task';

/**
 * Trains on the training part of the others' records, merges, and scores their held-out part before and after. The
 * targets' records are read to divide the users, and for nothing else.
 *
 * @throws IdiolectError INTERRUPTED when stopped by the signal; the same call continues from there
 */
export async function adapt(
  given: Given<typeof adaptSchema>,
  context: JobContext<AdaptEvent> = {},
): Promise<AdaptSummary> {
  const settings = resolveGiven(adaptSchema, given);
  return withOpened(settings.values, context, async opened => {
    const { summary, adapted } = await adaptOn(opened, settings, context);
    await adapted.close();
    return summary;
  });
}

/**
 * The same, on the model and data that the settings name, already open.
 *
 * @returns the summary, and the adapted model, which the caller closes
 */
export async function adaptOn(
  opened: Opened,
  resolved: Resolved<AdaptSettings>,
  context: JobContext<AdaptEvent>,
): Promise<{ readonly summary: AdaptSummary; readonly adapted: LanguageModel }> {
  const settings = resolved.values;
  const { model, dataset, encoder } = opened;
  const folder = new RunFolder(settings.out);
  const merged = join(folder.path, 'model');
  await requireElsewhere(model.checkpoint, merged); // refused before the training, not after
  const split = dataset.split!;
  const records = othersRecords(dataset, split, settings);
  const train = records.train.map(record => encoder.encode(record));
  const query = records.query.map(record => encoder.encode(record));
  for (const message of cutNotices([...train, ...query])) context.onEvent?.({ type: 'notice', message });

  const unlock = await folder.lock();
  try {
    await folder.open(resolved, sourcesOf(model, dataset), context.version ?? packageVersion(), {
      notIdentity: NOT_IDENTITY,
    });
    await writeUserSplit(folder.usersFile, split);
    const others = new Set(records.train.map(({ user }) => user)).size;
    const run = new Adaptation(model, { settings, folder, merged, others }, context);
    await run.train(train);
    await run.merge(train.length);
    // Scored from the files just written, which shows that they can be loaded.
    const adapted = await openModel(merged, settings, context);
    const heldOut = await run.score(adapted, query).catch(async error => {
      await adapted.close();
      throw error;
    });
    const summary = {
      run: folder.path,
      metrics: folder.metricsFile,
      model: merged,
      adapter: run.adapter,
      users: folder.usersFile,
      targets: split.targets.length,
      others,
      records: train.length,
      heldOut,
    };
    return { summary, adapted };
  } finally {
    await model.release();
    await unlock();
  }
}

/**
 * The others' training and held-out records: all of them in the order of the data, or a random draw where there are too
 * many.
 */
function othersRecords({ file, users }: Dataset, { others }: TargetSplit, { maxRecords, seed }: AdaptSettings) {
  const members = new Set(others);
  const kept = [...users.values()].filter(({ user }) => members.has(user));
  const train = kept.flatMap(part => part.train);
  const query = kept.flatMap(part => part.query);
  if (train.length === 0) {
    throw new IdiolectError(
      'DATA',
      `${file} has no records to train on except the target users'. Use the histories the list of users was made from.`,
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

interface AdaptationWork {
  readonly settings: AdaptSettings;
  readonly folder: RunFolder;
  /** Where the merged model goes. */
  readonly merged: string;
  /** How many users are trained on. */
  readonly others: number;
}

class Adaptation {
  readonly adapter: string;
  readonly #model: LanguageModel;
  readonly #work: AdaptationWork;
  readonly #context: JobContext<AdaptEvent>;

  constructor(model: LanguageModel, work: AdaptationWork, context: JobContext<AdaptEvent>) {
    this.adapter = join(work.folder.path, 'adapter');
    this.#model = model;
    this.#work = work;
    this.#context = context;
  }

  async train(sequences: readonly TokenSequence[]): Promise<void> {
    const { settings, folder, others } = this.#work;
    const { seed, epochs, batchSize } = settings;
    const counts = { targetCount: sequences.length, auxiliaryCount: 0, dislikedCount: 0 };
    const batches = planBatches({ user: NAME, seed, epochs, batchSize, ...counts });
    const isFinished = await isWholeAdapter(this.adapter);
    if (!isFinished && (await exists(this.adapter))) {
      this.#emit({ type: 'notice', message: `the adapter ${this.adapter} is damaged and is trained again` });
    }
    this.#emit({ type: 'start', records: sequences.length, users: others, steps: isFinished ? 0 : batches.length });
    if (isFinished) {
      await folder.removeState(NAME);
      return;
    }
    const objective = sft();
    const trainer = new Trainer(this.#model, loraConfigSchema.parse(settings), objective, settings);
    const example = (i: number): TrainingExample => ({ ...sequences[i]!, group: 'target', referenceLogProb: 0 });
    const work: AdapterWork = { name: NAME, objective, batches, batchOf: ({ target }) => target.map(example) };
    try {
      const options = { onEvent: (event: AdaptEvent) => this.#emit(event), signal: this.#context.signal };
      await trainAdapter(trainer, work, { settings, store: folder }, options);
      const description = `# Adapted to a task\n\nLoRA adapter ${this.#origin(sequences.length)}.`;
      await writeAdapter(this.adapter, trainer.adapter, adapterOrigin(this.#model, settings, description));
    } finally {
      await trainer.release();
    }
    await folder.removeState(NAME);
  }

  async merge(records: number): Promise<void> {
    const { settings, folder, merged } = this.#work;
    if (await exists(join(merged, 'config.json'))) {
      if (await unlessDamaged(openCheckpoint(merged))) return;
      this.#emit({ type: 'notice', message: `the model ${merged} is damaged and is merged again` });
    }
    stopRunIfAsked(this.#context.signal, folder);
    const baseModel = baseNameOf(this.#model, settings);
    const name = basename(baseModel);
    await mergeAdapter(this.#model.checkpoint, await this.#model.loadAdapter(this.adapter), merged, {
      baseModel,
      description: `# ${name}, adapted to a task\n\n${name} with a LoRA adapter of rank ${settings.rank} merged into it, ${this.#origin(records)}.`,
      onProgress: (done, total) => this.#emit({ type: 'merge', done, total }),
    });
  }

  /** Scores both models on the same texts; null where there are none. */
  async score(adapted: LanguageModel, sequences: readonly TokenSequence[]): Promise<HeldOutChange | null> {
    if (sequences.length === 0) return null;
    const progress = (before: number) => (done: number) =>
      this.#emit({ type: 'score', done: before + done, total: 2 * sequences.length });
    const before = await this.#sum(this.#model, sequences, progress(0));
    await this.#model.release();
    const after = await this.#sum(adapted, sequences, progress(sequences.length));
    await adapted.release();
    const { tokens } = before;
    return { records: sequences.length, tokens, base: before.logProb / tokens, adapted: after.logProb / tokens };
  }

  #emit(event: AdaptEvent): void {
    this.#context.onEvent?.(event);
  }

  async #sum(model: LanguageModel, sequences: readonly TokenSequence[], onDone: (done: number) => void) {
    const { settings, folder } = this.#work;
    const place = settings.cache ?? defaultCacheFolder();
    const cache = await ReferenceCache.open(place, model);
    const sum = { tokens: 0, logProb: 0 };
    try {
      for (const [done, sequence] of sequences.entries()) {
        stopRunIfAsked(this.#context.signal, folder);
        const { tokens, logProb } = await cachedScore(model, cache, sequence);
        sum.tokens += tokens;
        sum.logProb += logProb;
        onDone(done + 1);
      }
    } finally {
      await cache.flush();
    }
    return sum;
  }

  #origin(records: number): string {
    const { settings, others } = this.#work;
    const { epochs, seed } = settings;
    return `trained by idiolect: supervised fine-tuning on ${counted(records, 'record')} of ${counted(others, 'user')}, ${counted(epochs, 'epoch')}, seed ${seed}`;
  }
}
