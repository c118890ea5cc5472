/**
 * The stages of a comparison, in order. Each keeps its results in the folder, and a stopped comparison continues from
 * them.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { counted } from '../../common/counted.ts';
import { sha256 } from '../../common/files.ts';
import { childSettings, type Resolved } from '../../common/settings.ts';
import { packageVersion } from '../../common/version.ts';
import { type Dataset, withSplit } from '../../histories/dataset.ts';
import { Encoder } from '../../language-model/encoder.ts';
import type { LanguageModel } from '../../language-model/language-model.ts';
import { UNIQUENESS_GROUPS, type UniquenessGroup } from '../../overlap/uniqueness.ts';
import type { Answer, MethodAnswers } from '../../results/answer.ts';
import type { JudgeResults } from '../../results/judge-results.ts';
import { measureResults } from '../../results/measure.ts';
import type { Results } from '../../results/results.ts';
import { stopRunIfAsked } from '../../runs/loop.ts';
import type { RunFolder } from '../../runs/run-folder.ts';
import { NOT_IDENTITY } from '../../runs/settings.ts';
import { adaptOn } from '../adapt/adapt.ts';
import type { JobContext } from '../context.ts';
import { type OverlapEvent, overlapReportSchema, uniquenessGroups } from '../overlap/overlap-report.ts';
import { adaptationSettings } from './adaptation.ts';
import { type Division, type WrittenSplits, writeDivisions } from './division.ts';
import type { CompareEvent } from './events.ts';
import type { FirstMetric } from './first-metric.ts';
import { ADAPTING, evaluating, planStages, secondsOfStages, UNIQUENESS } from './forecast.ts';
import { judge, judgeSchema } from './judge/judge.ts';
import { type MethodSpec, withoutRecords } from './methods/catalogue.ts';
import { type AskedMethod, type Choices, MethodRunner, type Workbench } from './methods/runner.ts';
import { CompareProgress } from './progress.ts';
import { type ComparisonReports, writeReports } from './report-files.ts';
import { methodsOf, type OwnMethods } from './requirements.ts';
import { criterionOf, describeMethod } from './search.ts';
import { StageCosts } from './stages.ts';
import type { ClosedSettings } from './task-settings.ts';
import { tuneMethods } from './tuning.ts';

export interface CompareContext extends JobContext<CompareEvent>, OwnMethods {
  /** The API key of the judge's server; it is never written to disk. */
  readonly judgeKey?: string;
}

/** What is compared: the settings, metrics, methods and users, and the folder for the results. */
export interface ComparisonPlan {
  readonly settings: Resolved<ClosedSettings>;
  readonly measured: FirstMetric;
  readonly specs: readonly MethodSpec[];
  readonly division: Division;
  readonly folder: RunFolder;
}

export class Comparison {
  readonly #plan: ComparisonPlan;
  readonly #settings: ClosedSettings;
  /** Every method that takes part, in the order of the work: those asked for, and those they build on. */
  readonly #methods: readonly MethodSpec[];
  readonly #dataset: Dataset;
  readonly #division: Division;
  readonly #base: LanguageModel;
  readonly #folder: RunFolder;
  readonly #context: CompareContext;
  readonly #now: () => number;
  readonly #costs: StageCosts;
  readonly #progress: CompareProgress;

  constructor(
    plan: ComparisonPlan,
    { base, dataset }: { readonly base: LanguageModel; readonly dataset: Dataset },
    context: CompareContext,
  ) {
    this.#plan = plan;
    this.#settings = plan.settings.values;
    this.#methods = methodsOf(this.#settings.methods, context.methods);
    this.#dataset = dataset;
    this.#division = plan.division;
    this.#base = base;
    this.#folder = plan.folder;
    this.#context = context;
    this.#now = context.now ?? (() => performance.now());
    this.#costs = new StageCosts(plan.folder.path, this.#now);
    this.#progress = new CompareProgress(context.onEvent, this.#now);
  }

  async all(): Promise<ComparisonReports> {
    const { settings } = this.#plan;
    const { targets, development, others } = this.#division;
    const sources = {
      model: this.#base.checkpoint.fingerprint,
      data: this.#dataset.fingerprint,
      users: sha256(JSON.stringify([targets, development, others].map(group => group.toSorted()))),
    };
    const version = this.#context.version ?? packageVersion();
    const notIdentity = [...NOT_IDENTITY, ...Object.keys(judgeSchema.shape)];
    await this.#folder.open(settings, sources, version, { notIdentity });
    const splits = await writeDivisions(
      join(this.#folder.path, 'users'),
      this.#division,
      this.#dataset,
      this.#settings.seed,
    );
    await this.#forecast();
    const adapted = await this.#adapt(splits);
    const task = adapted?.model ?? this.#base;
    const taskFolder = adapted?.folder ?? this.#settings.model;
    const bench = { settings, dataset: this.#dataset, base: this.#base, task, taskFolder, splits };
    const runner = new MethodRunner(bench, this.#context);
    try {
      const { choices, tried } = await this.#tune(runner);
      const methods = await this.#evaluate(runner, choices);
      const groups = await this.#uniqueness(bench);
      const names = this.#plan.specs.map(({ name }) => name);
      const anchor = names.includes('cbpo') ? 'cbpo' : names.at(-1)!;
      const results = this.#measure(methods, anchor, groups);
      const report = async (judged?: JudgeResults) =>
        writeReports({
          settings,
          sources,
          results,
          ...(judged && { judged }),
          methods,
          division: this.#division,
          groups,
          search: tried,
          criterion: criterionOf(this.#settings, this.#plan.measured.metrics),
          metricsNote: this.#plan.measured.note,
          costs: await this.#costs.all(),
          alphas: await runner.alphas('targets'),
        });
      // Written before the judge is asked, so that the results are not lost if it does not answer.
      const reports = await report();
      const judged = await this.#judge(methods, anchor);
      return judged ? await report(judged) : reports;
    } finally {
      await runner.close();
      await task.close();
    }
  }

  /** Times a little of each kind of work, so that the user knows how long the comparison will take before it starts. */
  async #forecast(): Promise<void> {
    const input = {
      settings: this.#settings,
      methods: this.#methods,
      asked: new Set(this.#plan.specs.map(({ name }) => name)),
      dataset: this.#dataset,
      division: this.#division,
      own: this.#context,
    };
    const stages = await planStages(input);
    if (stages.length === 0) return;
    stopRunIfAsked(this.#context.signal, this.#folder);
    this.#progress.emit({ type: 'progress', what: 'measuring how long it will take', done: 0, total: 1 });
    this.#progress.forecast(await secondsOfStages(stages, this.#base, input, () => this.#now() / 1000));
  }

  /** The task-adapted model, open, and its folder; null where every method starts from the model itself. */
  async #adapt({ adaptation }: WrittenSplits): Promise<{ model: LanguageModel; folder: string } | null> {
    if (this.#settings.skipAdaptation) return null;
    const settings = adaptationSettings(this.#plan.settings, adaptation.file);
    const { version, signal } = this.#context;
    const opened = {
      model: this.#base,
      dataset: withSplit(this.#dataset, adaptation.split),
      encoder: new Encoder(this.#base, settings.values),
    };
    const work = () =>
      adaptOn(opened, settings, {
        onEvent: event => this.#progress.emit({ type: 'adapt', event }),
        ...(version !== undefined && { version }),
        ...(signal && { signal }),
      });
    const { summary, adapted } = await this.#progress.stage(ADAPTING, { name: 'adapting the model to the task' }, () =>
      this.#costs.of('task adaptation', counted(this.#division.others.length, 'other user'), work),
    );
    return { model: adapted, folder: summary.model };
  }

  #tune(runner: MethodRunner): ReturnType<typeof tuneMethods> {
    return tuneMethods({
      settings: this.#settings,
      methods: this.#methods,
      own: this.#context.methods,
      developmentUsers: this.#division.development.length,
      criterion: criterionOf(this.#settings, this.#plan.measured.metrics),
      answersOf: asked => this.#answersOf(runner, asked),
      measure: answers => this.#measure(answers, answers[0]!.name, new Map()).methods,
      progress: this.#progress,
      costs: this.#costs,
    });
  }

  async #evaluate(runner: MethodRunner, choices: Choices): Promise<MethodAnswers[]> {
    const { targets } = this.#division;
    const answers = new Map<string, MethodAnswers['users']>();
    for (const [done, spec] of this.#methods.entries()) {
      const name = `${spec.title}: ${counted(targets.length, 'user')}`;
      const isAsked = this.#plan.specs.some(asked => asked.name === spec.name);
      await this.#progress.stage(evaluating(spec), { name, done, total: this.#methods.length }, async () => {
        const asked = { group: 'targets', spec, name: spec.name, choices } as const;
        if (isAsked) answers.set(spec.name, await this.#answersOf(runner, asked, true));
        else if (spec.training) {
          const work = () => runner.train('targets', spec.training!, targets, choices);
          await this.#costs.of(`training: ${spec.title}`, counted(targets.length, 'user'), work);
        }
      });
    }
    return this.#plan.specs.map(spec => ({
      name: spec.name,
      title: spec.title,
      description: describeMethod(spec, choices),
      users: answers.get(spec.name)!,
      ...withoutRecords(spec),
    }));
  }

  async #answersOf(runner: MethodRunner, asked: AskedMethod, isCounted = false): Promise<MethodAnswers['users']> {
    const { group, spec, choices } = asked;
    const users = this.#division[group];
    const { training } = spec;
    const measured = <T>(stage: string, work: () => Promise<T>) =>
      isCounted ? this.#costs.of(`${stage}: ${spec.title}`, counted(users.length, 'user'), work) : work();
    if (training) await measured('training', () => runner.train(group, training, users, choices));
    const answers = new Map<string, readonly Answer[]>();
    await measured('answers', async () => {
      for (const user of users) {
        stopRunIfAsked(this.#context.signal, this.#folder);
        this.#progress.emit({ type: 'progress', what: 'answers of users', done: answers.size, total: users.length });
        answers.set(user, await runner.answer(asked, user));
      }
    });
    return answers;
  }

  /**
   * Groups the target users by uniqueness, using the model all methods start from and the records before the queries.
   */
  async #uniqueness({ task, taskFolder, splits }: Workbench): Promise<ReadonlyMap<string, UniquenessGroup>> {
    // Fewer users than groups cannot be grouped, and a single user has no others to differ from.
    if (this.#division.targets.length < UNIQUENESS_GROUPS.length) return new Map();
    const { values: settings } = childSettings(overlapReportSchema, this.#plan.settings, {
      origin: 'comparison',
      layers: [{ origin: 'comparison', values: { model: taskFolder, targetUsers: splits.targets.file } }],
    });
    const { signal } = this.#context;
    const opened = {
      model: task,
      dataset: withSplit(this.#dataset, splits.targets.split),
      encoder: new Encoder(task, settings),
    };
    const onEvent = (event: OverlapEvent) => {
      if (event.type !== 'notice') this.#progress.emit({ ...event, type: 'progress', what: 'embedding texts' });
    };
    const work = () => uniquenessGroups(opened, settings, { onEvent, ...(signal && { signal }) });
    return this.#progress.stage(UNIQUENESS, { name: 'comparing how the users write' }, () =>
      this.#costs.of('uniqueness', counted(this.#division.targets.length, 'user'), work),
    );
  }

  #measure(methods: readonly MethodAnswers[], anchor: string, groups: ReadonlyMap<string, UniquenessGroup>): Results {
    const { metrics } = this.#plan.measured;
    const { seed } = this.#settings;
    return measureResults({ methods, anchor, histories: this.#historiesOf(methods), groups, metrics, seed });
  }

  /** What each evaluated user wrote before. */
  #historiesOf(methods: readonly MethodAnswers[]): ReadonlyMap<string, readonly string[]> {
    const users = [...methods[0]!.users.keys()];
    return new Map(users.map(user => [user, this.#dataset.users.get(user)!.train.map(({ output }) => output)]));
  }

  async #judge(methods: readonly MethodAnswers[], anchor: string): Promise<JudgeResults | undefined> {
    const settings = this.#settings;
    if (settings.judgeUrl === undefined || methods.length < 2) return undefined;
    const ours = methods.find(({ name }) => name === anchor)!;
    const others = methods.filter(method => method !== ours);
    const { judgeKey: key, signal } = this.#context;
    const work = () =>
      judge({ anchor: ours, others, histories: this.#historiesOf(methods) }, settings, {
        seed: settings.seed,
        folder: this.#folder.path,
        fetch,
        sleep: (milliseconds, signal) => pause(milliseconds, undefined, { signal }),
        onProgress: (done, total) =>
          this.#progress.emit({ type: 'progress', what: 'questions to the judge', done, total }),
        ...(key !== undefined && { key }),
        ...(signal && { signal }),
      });
    return this.#progress.stage('judge', { name: `asking ${settings.judgeModel} which texts read like the user` }, () =>
      this.#costs.of('judge', `${settings.judgeModel}, ${counted(others.length, 'method')}`, work),
    );
  }
}
