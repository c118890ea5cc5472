/** Carries out the methods of the catalogue: trains a method's adapters for some users, and generates their answers. */
import { dirname, join } from 'node:path';
import { exists, makeFolder, PRIVATE, writeFileAtomic } from '../../../common/files.ts';
import { readKeptJson } from '../../../common/own-file.ts';
import { random } from '../../../common/random.ts';
import { childSettings, type Resolved } from '../../../common/settings.ts';
import { stopIfAsked } from '../../../common/stop.ts';
import { type Dataset, withSplit } from '../../../histories/dataset.ts';
import { type HistoryRecord, recordKey, renderPrompt } from '../../../histories/index.ts';
import { latest } from '../../../histories/user-records.ts';
import { Encoder } from '../../../language-model/encoder.ts';
import type { LanguageModel } from '../../../language-model/language-model.ts';
import type { Adapter } from '../../../model/adapter.ts';
import { objectiveNamed, type TrainableObjective } from '../../../objectives/objectives.ts';
import type { OverlapEstimate } from '../../../overlap/estimate.ts';
import { readEstimates, writeEstimates } from '../../../overlap/estimates-file.ts';
import { type Answer, answersSchema } from '../../../results/answer.ts';
import { folderName } from '../../../runs/folder-names.ts';
import { RunFolder } from '../../../runs/run-folder.ts';
import { type TrainSettings, trainSchema } from '../../../runs/settings.ts';
import type { JobContext } from '../../context.ts';
import { requireAllTrained, type TrainEvent } from '../../train/events.ts';
import { trainOn } from '../../train/train.ts';
import type { WrittenSplit } from '../division.ts';
import type { MethodSpec, TrainingSpec } from './catalogue.ts';
import { type Prompt, type PromptChoices, Prompts } from './prompts.ts';
import { leastPersonal, samplesOf, writeRejected } from './pseudo-negatives.ts';
import type { MethodSettings } from './settings.ts';

/** Which users are answered for: those hyper-parameters are chosen on, or those the results are about. */
export type UserGroup = 'development' | 'targets';

/** The hyper-parameters of every method; a method ignores those it does not have. */
export interface Choices extends PromptChoices {
  /** Learning rate of each training. */
  readonly rates: Readonly<Partial<Record<TrainingSpec['name'], number>>>;
}

/** What every method works on. */
export interface Workbench {
  readonly settings: Resolved<MethodSettings & { readonly maxTokens: number }>;
  /** All users, undivided. */
  readonly dataset: Dataset;
  /** The backbone, and the model adapted to the task (the backbone itself without adaptation) with its folder. */
  readonly base: LanguageModel;
  readonly task: LanguageModel;
  readonly taskFolder: string;
  /** For each group, the division of users that has the group as its targets. */
  readonly splits: Readonly<Record<UserGroup, WrittenSplit>>;
}

export interface RunnerContext extends JobContext<RunnerEvent> {
  /** The caller's own objectives, in addition to the built-in ones. */
  readonly objectives?: readonly TrainableObjective[];
}

export type RunnerEvent =
  | { readonly type: 'train'; readonly event: TrainEvent }
  | { readonly type: 'progress'; readonly what: string; readonly done: number; readonly total: number };

/** A user's answers by a method, or by a try of one. */
export function answersFile(out: string, group: UserGroup, method: string, user: string): string {
  return join(out, group, 'answers', method, `${folderName(user)}.json`);
}

/** The run folder of a training at a rate. */
export function trainingFolder(out: string, group: UserGroup, training: string, rate: number): string {
  return join(out, group, 'adapters', `${training}-${rate}`);
}

/** A method, or a try of one, and the users it answers for. */
export interface AskedMethod {
  readonly group: UserGroup;
  readonly spec: MethodSpec;
  /** The folder name of its answers, different for each try of a method. */
  readonly name: string;
  readonly choices: Choices;
}

export class MethodRunner {
  readonly #bench: Workbench;
  readonly #settings: MethodSettings & { readonly maxTokens: number };
  readonly #context: RunnerContext;
  readonly #prompts: Prompts;
  /** The estimated alphas of each group, once they are known. */
  readonly #alphas = new Map<UserGroup, ReadonlyMap<string, OverlapEstimate>>();

  constructor(bench: Workbench, context: RunnerContext) {
    this.#bench = bench;
    this.#settings = bench.settings.values;
    this.#context = context;
    const { base, task } = bench;
    const { signal } = context;
    this.#prompts = new Prompts({
      ...{ settings: this.#settings, base, task, signal },
      historyOf: user => this.#historyOf(user),
    });
  }

  /** The run folder of a training at a rate. */
  runFolder(group: UserGroup, { name }: Pick<TrainingSpec, 'name'>, choices: Choices): string {
    return trainingFolder(this.#settings.out, group, name, choices.rates[name]!);
  }

  /** The users' estimated alphas, where a method of the group needed them; kept in overlap.json for later calls. */
  async alphas(group: UserGroup): Promise<ReadonlyMap<string, OverlapEstimate>> {
    const known = this.#alphas.get(group) ?? (await readEstimates(this.#overlapFile(group))) ?? new Map();
    this.#alphas.set(group, known);
    return known;
  }

  #overlapFile(group: UserGroup): string {
    return join(this.#settings.out, group, 'overlap.json');
  }

  /** Trains the adapters of a method for all users of a group that have none yet. */
  async train(group: UserGroup, training: TrainingSpec, users: readonly string[], choices: Choices): Promise<void> {
    const { task, dataset, splits } = this.#bench;
    const { signal, onEvent, objectives = [], version } = this.#context;
    const objective = objectiveNamed(training.method, objectives);
    const isEstimated = objective.usesAlpha === true && this.#settings.alpha === undefined;
    const settings = await this.#trainingSettings(group, training, users, choices);
    await task.release(); // frees the memory of its sessions for those of training
    const opened = {
      model: task,
      dataset: withSplit(dataset, splits[group].split),
      encoder: new Encoder(task, settings.values),
    };
    const run = await trainOn(opened, settings, {
      objectives,
      ...(isEstimated && { alphas: await this.alphas(group) }),
      ...(version !== undefined && { version }),
      ...(signal && { signal }),
      onEvent: event => onEvent?.({ type: 'train', event }),
    });
    requireAllTrained(run);
    if (!isEstimated) return;
    this.#alphas.set(group, run.alphas);
    await writeEstimates(this.#overlapFile(group), run.alphas);
  }

  async #trainingSettings(
    group: UserGroup,
    training: TrainingSpec,
    users: readonly string[],
    choices: Choices,
  ): Promise<Resolved<TrainSettings>> {
    const { settings, dataset, taskFolder, splits } = this.#bench;
    const objective = objectiveNamed(training.method, this.#context.objectives);
    const start = training.start && this.runFolder(group, { name: training.start }, choices);
    const rejected = training.rejected && (await this.#rejectedFile(group, training, users, choices));
    // A base name is that of the given model; adapters of a task-adapted model belong to another.
    const isBase = taskFolder === this.#settings.model;
    return childSettings(trainSchema, settings, {
      origin: 'comparison',
      keys: Object.keys(trainSchema.shape).filter(key => isBase || key !== 'baseName'),
      layers: [
        {
          origin: 'comparison',
          values: {
            model: taskFolder,
            data: dataset.file,
            out: this.runFolder(group, training, choices),
            targetUsers: splits[group].file,
            lr: choices.rates[training.name],
            klEvery: 0,
          },
        },
        {
          origin: 'method',
          values: {
            method: training.method,
            batchSize: batchSizeOf(objective, this.#settings),
            ...training.settings,
            ...(start && { start }),
            ...(rejected && { rejected }),
          },
        },
      ],
    });
  }

  /**
   * A user's answers: kept ones where there are any; otherwise they are decoded and kept. The adapters must be trained.
   */
  async answer({ group, spec, name, choices }: AskedMethod, user: string): Promise<Answer[]> {
    const file = answersFile(this.#settings.out, group, name, user);
    const { base, task, dataset } = this.#bench;
    const { signal } = this.#context;
    const known = await readKeptJson(file, answersSchema(dataset.users.get(user)!.query));
    if (known) return known;
    const model = spec.model === 'base' ? base : task;
    const adapter = spec.training && (await this.#adapterOf(group, spec.training, user, choices));
    const queries = dataset.users.get(user)!.query;
    const prompts: Prompt[] = [];
    for (const query of queries)
      prompts.push(await this.#prompts.of({ kind: spec.prompt, model, user, choices }, query));
    const { chat, maxTokens, seed } = this.#settings;
    const maxLength = this.#prompts.maxLength;
    const written = prompts.map(({ text }) => text);
    const texts = await model.generateAll(written, {
      ...{ maxTokens, maxLength, chat, temperature: 0, topP: 1 },
      random: () => random(seed, 'greedy'), // not drawn from
      ...(adapter && { adapter }),
      ...(spec.contrast && { contrast: spec.contrast }),
      ...(signal && { signal }),
    });
    const answers: Answer[] = [];
    for (const [i, query] of queries.entries()) {
      const { id, input, output } = query;
      const { text: prompt, shown, found } = prompts[i]!;
      const { logProb, tokens } = await model.score(model.encode(prompt, output, { maxLength, chat }), adapter);
      answers.push({
        key: recordKey(query),
        ...(id !== undefined && { id }),
        input,
        reference: output,
        text: texts[i]!,
        ...(shown !== undefined && { shown, found }),
        ...(!this.#prompts.fits(model, prompt) && { promptCut: true }),
        logProb,
        tokens,
      });
    }
    await makeFolder(dirname(file));
    await writeFileAtomic(file, `${JSON.stringify(answers, null, 1)}\n`, PRIVATE);
    return answers;
  }

  async close(): Promise<void> {
    await this.#prompts.close();
  }

  async #adapterOf(group: UserGroup, training: TrainingSpec, user: string, choices: Choices): Promise<Adapter> {
    return this.#bench.task.loadAdapter(new RunFolder(this.runFolder(group, training, choices)).adapterOf(user));
  }

  /** The earlier records every method learns from. */
  #historyOf(user: string): readonly HistoryRecord[] {
    return latest(this.#bench.dataset.users.get(user)!.train, this.#settings.historyShare);
  }

  /** The file of the texts that training records are chosen over, for all users of the group. */
  async #rejectedFile(
    group: UserGroup,
    { name, rejected }: TrainingSpec,
    users: readonly string[],
    choices: Choices,
  ): Promise<string> {
    const { task } = this.#bench;
    const { onEvent, signal } = this.#context;
    const { out, template, maxTokens, chat, seed } = this.#settings;
    const file = join(out, group, 'rejected', `${name}.jsonl`);
    if (await exists(file)) return file;
    const maxLength = this.#prompts.maxLength;
    const prompt = (record: HistoryRecord) => renderPrompt(template, record);
    const folder = join(out, group, 'samples');
    const options = { folder, prompt, maxTokens, maxLength, chat, seed, ...(signal && { signal }) };
    const pairs: { record: HistoryRecord; rejected: string }[] = [];
    for (const [done, user] of users.entries()) {
      onEvent?.({ type: 'progress', what: 'sampling what TAM writes', done, total: users.length });
      stopIfAsked(signal, `what is done is kept in ${out}`);
      const history = this.#historyOf(user);
      const samples = await samplesOf(task, user, history, options);
      const oppu =
        rejected === 'least-personal'
          ? await this.#adapterOf(group, { name: 'oppu', method: 'sft' }, user, choices)
          : null;
      for (const [i, record] of history.entries()) {
        const encode = (completion: string) => task.encode(prompt(record), completion, { maxLength, chat });
        const chosen = oppu ? await leastPersonal(task, oppu, encode, samples[i]!) : samples[i]![0]!;
        pairs.push({ record, rejected: chosen });
      }
    }
    await makeFolder(join(out, group, 'rejected'));
    await writeRejected(file, pairs);
    return file;
  }
}

/** Gives every method the same number of own records per step and of steps; a pair counts as two records. */
function batchSizeOf({ records }: TrainableObjective, { batchSize, auxiliaryRatio }: MethodSettings): number {
  const own = Math.max(1, Math.round(batchSize / (1 + auxiliaryRatio)));
  return { own, pairs: 2 * own, others: batchSize }[records];
}
