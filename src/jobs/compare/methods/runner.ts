/** Does what the catalogue says: trains a method's adapters for some users, and has them answer their queries. */
import { dirname, join } from 'node:path';
import { IdiolectError } from '../../../common/errors.ts';
import { exists, makeFolder, PRIVATE, writeFileAtomic } from '../../../common/files.ts';
import { readKeptJson } from '../../../common/own-file.ts';
import { random } from '../../../common/random.ts';
import { resolveSettings } from '../../../common/settings.ts';
import type { Dataset } from '../../../histories/dataset.ts';
import { type HistoryRecord, recordKey, renderPrompt } from '../../../histories/index.ts';
import { latest } from '../../../histories/user-records.ts';
import type { LanguageModel } from '../../../language-model/language-model.ts';
import type { Adapter } from '../../../model/adapter.ts';
import { objectiveNamed, type TrainableObjective } from '../../../objectives/objectives.ts';
import { readEstimates, writeEstimates } from '../../../overlap/estimates-file.ts';
import { type Answer, answersSchema } from '../../../results/answer.ts';
import { folderName, RunFolder } from '../../../runs/run-folder.ts';
import { trainSchema } from '../../../runs/settings.ts';
import { requireAllTrained, type TrainEvent, train } from '../../train/train.ts';
import type { MethodSpec, TrainingSpec } from './catalogue.ts';
import { type Prompt, type PromptChoices, Prompts } from './prompts.ts';
import { leastPersonal, samplesOf, writeRejected } from './pseudo-negatives.ts';
import type { MethodSettings } from './settings.ts';

/** The users answered for: those hyper-parameters are chosen on, or those the result is about. */
export type Group = 'development' | 'targets';

/** The hyper-parameters of every method; those a method does not have are not read. */
export interface Choices extends PromptChoices {
  /** Learning rate of each training. */
  readonly rates: Readonly<Partial<Record<TrainingSpec['name'], number>>>;
}

export interface RunnerContext {
  readonly settings: MethodSettings & { readonly maxTokens: number };
  /** Of each setting, as in the run's record. */
  readonly origins: Readonly<Record<string, string>>;
  /** All users, undivided. */
  readonly dataset: Dataset;
  /** The backbone, and the same adapted to the task (or itself). */
  readonly base: LanguageModel;
  readonly task: LanguageModel;
  readonly taskFolder: string;
  /** The division of users whose targets are the group. */
  readonly splits: Readonly<Record<Group, string>>;
  readonly version: string;
  /** Of the caller's own, beside the built-in ones. */
  readonly objectives: readonly TrainableObjective[];
  readonly onTraining: (event: TrainEvent) => void;
  readonly onProgress: (what: string, done: number, total: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** A user's answers by a method, or by a try of one. */
export function answersFile(out: string, group: Group, method: string, user: string): string {
  return join(out, group, 'answers', method, `${folderName(user)}.json`);
}

/** The run folder of a training at a rate. */
export function trainingFolder(out: string, group: Group, training: string, rate: number): string {
  return join(out, group, 'adapters', `${training}-${rate}`);
}

export class MethodRunner {
  readonly #context: RunnerContext;
  readonly #prompts: Prompts;

  constructor(context: RunnerContext) {
    this.#context = context;
    this.#prompts = new Prompts({ ...context, historyOf: user => this.#historyOf(user) });
  }

  /** The run folder of a training at a rate. */
  runFolder(group: Group, { name }: Pick<TrainingSpec, 'name'>, choices: Choices): string {
    return trainingFolder(this.#context.settings.out, group, name, choices.rates[name]!);
  }

  /** The users' estimated alphas, once C-BPO was trained for the group. */
  overlapFile(group: Group): string {
    return join(this.#context.settings.out, group, 'overlap.json');
  }

  /** Trains the adapters of a method for all users of a group that have none yet. */
  async train(group: Group, training: TrainingSpec, users: readonly string[], choices: Choices): Promise<void> {
    const { settings, origins, taskFolder, splits, task, version, objectives, onTraining, signal } = this.#context;
    const objective = objectiveNamed(training.method, objectives);
    const out = this.runFolder(group, training, choices);
    const shared = Object.keys(trainSchema.shape).filter(key => key in settings && origins[key] !== 'default');
    const start = training.start && this.runFolder(group, { name: training.start }, choices);
    const rejected = training.rejected && (await this.#rejectedFile(group, training, users, choices));
    const resolved = resolveSettings(trainSchema, [
      {
        origin: 'comparison',
        values: {
          ...Object.fromEntries(shared.map(key => [key, settings[key as keyof MethodSettings]])),
          model: taskFolder,
          // It names the model; what adapters of a task-adapted one belong to is another.
          baseName: taskFolder === settings.model ? settings.baseName : undefined,
          data: this.#context.dataset.file,
          out,
          targetUsers: splits[group],
          lr: choices.rates[training.name],
          klEvery: 0,
        },
      },
      {
        origin: 'method',
        values: {
          method: training.method,
          batchSize: batchSizeOf(objective, settings),
          ...training.settings,
          ...(start && { start }),
          ...(rejected && { rejected }),
        },
      },
    ]);
    const overlaps = this.overlapFile(group);
    const run = new RunFolder(out);
    const estimates = objective.usesAlpha === true && settings.alpha === undefined;
    const known = estimates && !(await exists(run.overlapFile)) ? await readEstimates(overlaps) : undefined;
    if (known) {
      await makeFolder(out);
      await writeEstimates(run.overlapFile, known);
    }
    await task.close(); // its sessions make room for those of training; they open again
    requireAllTrained(await train(resolved, { version, objectives, onEvent: onTraining, ...(signal && { signal }) }));
    const estimated = estimates ? await readEstimates(run.overlapFile) : undefined;
    if (estimated) await writeEstimates(overlaps, estimated);
  }

  /**
   * A user's answers: read where they were given before, else decoded and kept. The adapters must be trained.
   *
   * @param method name of the folder, which tells the tries of a method apart
   */
  async answer(group: Group, spec: MethodSpec, method: string, user: string, choices: Choices): Promise<Answer[]> {
    const file = answersFile(this.#context.settings.out, group, method, user);
    const { settings, base, task, dataset, signal } = this.#context;
    const known = await readKeptJson(file, answersSchema(dataset.users.get(user)!.query));
    if (known) return known;
    const model = spec.model === 'base' ? base : task;
    const adapter = spec.training && (await this.#adapterOf(group, spec.training, user, choices));
    const queries = dataset.users.get(user)!.query;
    const prompts: Prompt[] = [];
    for (const query of queries) prompts.push(await this.#prompts.of(spec, model, user, query, choices));
    const { chat, maxTokens, seed } = settings;
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

  async #adapterOf(group: Group, training: TrainingSpec, user: string, choices: Choices): Promise<Adapter> {
    return this.#context.task.loadAdapter(new RunFolder(this.runFolder(group, training, choices)).adapterOf(user));
  }

  /** The earlier records every method learns from. */
  #historyOf(user: string): readonly HistoryRecord[] {
    const { settings, dataset } = this.#context;
    return latest(dataset.users.get(user)!.train, settings.historyShare);
  }

  /** The file of what each training record is chosen over, for all users of the group at once. */
  async #rejectedFile(
    group: Group,
    { name, rejected }: TrainingSpec,
    users: readonly string[],
    choices: Choices,
  ): Promise<string> {
    const { settings, task, onProgress, signal } = this.#context;
    const { out, template, maxTokens, chat, seed } = settings;
    const file = join(out, group, 'rejected', `${name}.jsonl`);
    if (await exists(file)) return file;
    const maxLength = this.#prompts.maxLength;
    const prompt = (record: HistoryRecord) => renderPrompt(template, record);
    const pairs: { record: HistoryRecord; rejected: string }[] = [];
    for (const [done, user] of users.entries()) {
      onProgress('sampling what TAM writes', done, users.length);
      if (signal?.aborted) throw new IdiolectError('INTERRUPTED', `stopped; what is done is kept in ${out}.`);
      const history = this.#historyOf(user);
      const options = { prompt, maxTokens, maxLength, chat, seed, ...(signal && { signal }) };
      const samples = await samplesOf(join(out, group, 'samples'), task, user, history, options);
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

/** So that every method sees as many own records a step and takes as many steps: a pair counts as two records. */
function batchSizeOf({ records }: TrainableObjective, { batchSize, auxiliaryRatio }: MethodSettings): number {
  const own = Math.max(1, Math.round(batchSize / (1 + auxiliaryRatio)));
  return { own, pairs: 2 * own, others: batchSize }[records];
}
