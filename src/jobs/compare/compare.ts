/** `idiolect compare`: from data and a backbone to the table of every method, each stage kept, and continued after a stop. */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { counted } from '../../common/counted.ts';
import { IdiolectError } from '../../common/errors.ts';
import { sha256 } from '../../common/files.ts';
import { childSettings, type Given, type Resolved, resolveGiven } from '../../common/settings.ts';
import { packageVersion } from '../../common/version.ts';
import { setting } from '../../common/wording.ts';
import { type Dataset, loadDataset, withSplit } from '../../histories/dataset.ts';
import { Encoder } from '../../language-model/encoder.ts';
import type { LanguageModel } from '../../language-model/language-model.ts';
import { UNIQUENESS_GROUPS, type UniquenessGroup } from '../../overlap/uniqueness.ts';
import type { Answer, MethodAnswers } from '../../results/answer.ts';
import type { JudgeResults } from '../../results/judge-results.ts';
import { measureResults } from '../../results/measure.ts';
import type { ResultMetric, Results } from '../../results/results.ts';
import { requireDistinctFolders } from '../../runs/folder-names.ts';
import { stopRunIfAsked } from '../../runs/loop.ts';
import { RunFolder } from '../../runs/run-folder.ts';
import { NOT_IDENTITY } from '../../runs/settings.ts';
import { adaptOn } from '../adapt/adapt.ts';
import type { JobContext } from '../context.ts';
import { openModel } from '../opened.ts';
import { type OverlapEvent, overlapReportSchema, uniquenessGroups } from '../overlap/overlap-report.ts';
import { adaptationSettings } from './adaptation.ts';
import { type Division, divideUsers, type WrittenSplits, writeDivisions } from './division.ts';
import type { CompareEvent } from './events.ts';
import { type FirstMetric, withFirstMetric } from './first-metric.ts';
import { ADAPTING, evaluating, planStages, searching, secondsOfStages, UNIQUENESS } from './forecast.ts';
import { judge, judgeSchema } from './judge/judge.ts';
import { type MethodSpec, methodsByName, withoutRecords } from './methods/catalogue.ts';
import { type AskedMethod, type Choices, MethodRunner, type Workbench } from './methods/runner.ts';
import { Outlook } from './outlook.ts';
import { type ComparisonReports, writeReports } from './report-files.ts';
import { methodsOf, type OwnMethods, requirePossible } from './requirements.ts';
import {
  chooseTry,
  criterionOf,
  describeMethod,
  firstChoices,
  isSearched,
  type TriedSetting,
  type Try,
  triesOf,
  unlessDiverged,
} from './search.ts';
import { StageCosts } from './stages.ts';
import { type ClosedSettings, compareSchema, settingsOfTask, taskFileName } from './task-settings.ts';

export interface CompareContext extends JobContext<CompareEvent>, OwnMethods {
  /** Of the judge's server; kept nowhere. */
  readonly judgeKey?: string;
}

/**
 * Adapts the backbone to the task, chooses each method's hyper-parameters on development users, trains and asks every
 * method for the target users, and writes results.md, results.json and report.html.
 *
 * @throws IdiolectError INTERRUPTED when stopped by the signal; the same call continues from there
 */
export async function compare(
  given: Given<typeof compareSchema>,
  context: CompareContext = {},
): Promise<ComparisonReports> {
  const resolved = resolveGiven(compareSchema, given);
  const specs = methodsByName(resolved.values.methods, context.methods);
  const notice = (message: string) => context.onEvent?.({ type: 'notice', message });
  const folder = new RunFolder(resolved.values.out);
  const { task, data } = resolved.values;
  const unlock = await folder.lock(task === undefined ? [] : [taskFileName(task, data)]);
  try {
    const { settings, metrics: ofTask } = await settingsOfTask(resolved, {
      folder: folder.path,
      onNotice: notice,
      onRecord: () => stopRunIfAsked(context.signal, folder),
    });
    const dataset = await loadDataset({ ...settings.values, targetUsers: undefined });
    for (const message of dataset.notices) notice(message);
    const division = await divideUsers(dataset, settings.values);
    const asked = [...division.targets, ...division.development];
    requireDistinctFolders(asked);
    const references = asked.flatMap(user => dataset.users.get(user)!.query.map(({ output }) => output));
    const measured = withFirstMetric(ofTask, resolved.values.metrics !== undefined, references);
    for (const message of [...division.notices, measured.note ?? []].flat()) notice(message);
    await requirePossible(settings.values, measured.metrics, division, context);
    const base = await openModel(settings.values.model, settings.values);
    try {
      const run = new Comparison({ settings, measured, specs, division, folder }, { base, dataset }, context);
      return await run.all();
    } finally {
      await base.close();
    }
  } finally {
    await unlock();
  }
}

/** What a comparison is of. */
interface ComparisonPlan {
  readonly settings: Resolved<ClosedSettings>;
  readonly measured: FirstMetric;
  readonly specs: readonly MethodSpec[];
  readonly division: Division;
  readonly folder: RunFolder;
}

class Comparison {
  readonly #plan: ComparisonPlan;
  readonly #settings: ClosedSettings;
  readonly #specs: readonly MethodSpec[];
  readonly #dataset: Dataset;
  readonly #division: Division;
  readonly #base: LanguageModel;
  readonly #folder: RunFolder;
  readonly #context: CompareContext;
  readonly #now: () => number;
  readonly #costs: StageCosts;
  #outlook = new Outlook(new Map());

  constructor(
    plan: ComparisonPlan,
    { base, dataset }: { readonly base: LanguageModel; readonly dataset: Dataset },
    context: CompareContext,
  ) {
    this.#plan = plan;
    this.#settings = plan.settings.values;
    this.#specs = plan.specs;
    this.#dataset = dataset;
    this.#division = plan.division;
    this.#base = base;
    this.#folder = plan.folder;
    this.#context = context;
    this.#now = context.now ?? (() => performance.now());
    this.#costs = new StageCosts(plan.folder.path, this.#now);
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
    await this.#folder.open(settings, sources, version, [...NOT_IDENTITY, ...Object.keys(judgeSchema.shape)]);
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
      const { choices, tried } = await this.#search(runner);
      const methods = await this.#evaluate(runner, choices);
      const groups = await this.#uniqueness(bench);
      const names = this.#specs.map(({ name }) => name);
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
          criterion: this.#criterion,
          metricsNote: this.#plan.measured.note,
          costs: await this.#costs.all(),
          alphas: await runner.alphas('targets'),
        });
      // A judge who does not answer must not take the results along.
      const reports = await report();
      const judged = await this.#judge(methods, anchor);
      return judged ? await report(judged) : reports;
    } finally {
      await runner.close();
      await task.close();
    }
  }

  #emit(event: CompareEvent): void {
    this.#context.onEvent?.(event);
  }

  /** A little of each kind of work, so that nobody starts hours of it unknowingly. */
  async #forecast(): Promise<void> {
    const { methods, signal } = this.#context;
    const input = {
      settings: this.#settings,
      methods: methodsOf(this.#settings.methods, methods),
      asked: new Set(this.#specs.map(({ name }) => name)),
      dataset: this.#dataset,
      division: this.#division,
      own: this.#context,
    };
    const stages = await planStages(input);
    if (stages.length === 0) return;
    stopRunIfAsked(signal, this.#folder);
    this.#emit({ type: 'progress', what: 'measuring how long it will take', done: 0, total: 1 });
    this.#outlook = new Outlook(await secondsOfStages(stages, this.#base, input, () => this.#now() / 1000));
    this.#emit({ type: 'forecast', seconds: this.#outlook.seconds, stages: stages.length });
  }

  /** Tells that a stage begins, does it, and learns from how long it took. */
  async #stage<T>(
    key: string,
    { name, done = 0, total = 0 }: { readonly name: string; readonly done?: number; readonly total?: number },
    work: () => Promise<T>,
  ): Promise<T> {
    this.#emit({ type: 'stage', name, done, total, ahead: this.#outlook.ahead(key) });
    const begun = this.#now();
    const result = await work();
    this.#outlook.ended(key, (this.#now() - begun) / 1000);
    return result;
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
        onEvent: event => this.#emit({ type: 'adapt', event }),
        ...(version !== undefined && { version }),
        ...(signal && { signal }),
      });
    const { summary, adapted } = await this.#stage(ADAPTING, { name: 'adapting the model to the task' }, () =>
      this.#costs.of('task adaptation', counted(this.#division.others.length, 'other user'), work),
    );
    return { model: adapted, folder: summary.model };
  }

  /** Every method's tries on development users, the best one kept for those that come after. */
  async #search(runner: MethodRunner): Promise<{ choices: Choices; tried: TriedSetting[] }> {
    const { development } = this.#division;
    let choices = firstChoices(this.#settings, this.#context.methods);
    const tried: TriedSetting[] = [];
    if (development.length === 0 || !isSearched(this.#settings)) return { choices, tried };
    const methods = methodsOf(this.#settings.methods, this.#context.methods);
    const searched = methods.filter(spec => triesOf(spec, choices, this.#settings).length > 0);
    for (const [done, spec] of searched.entries()) {
      const tries = triesOf(spec, choices, this.#settings);
      const name = `trying ${spec.title} on ${counted(development.length, 'development user')}`;
      const answers: MethodAnswers[] = [];
      const answered: Try[] = [];
      const work = async () => {
        for (const attempt of tries) {
          const { name, text } = attempt;
          const users = await unlessDiverged(
            () => this.#answersOf(runner, { group: 'development', spec, name, choices: attempt.choices }),
            reason =>
              this.#emit({ type: 'notice', message: `${spec.title}, ${text}: this try is left out. ${reason}` }),
          );
          if (!users) continue;
          answered.push(attempt);
          answers.push({ name, title: text, description: text, users });
        }
      };
      await this.#stage(searching(spec), { name, done, total: searched.length }, () =>
        this.#costs.of(
          `search: ${spec.title}`,
          `${counted(tries.length, 'try', 'tries')}, ${counted(development.length, 'user')}`,
          work,
        ),
      );
      if (answered.length === 0) {
        const texts = tries.map(({ text }) => text).join(', ');
        throw new IdiolectError(
          'DIVERGED',
          `${spec.title}: training diverged at ${texts}. Give lower ${setting('rates')}.`,
        );
      }
      const { methods: measured } = this.#measure(answers, answers[0]!.name, new Map());
      const outcome = chooseTry(spec.title, answered, measured, this.#criterion);
      choices = outcome.choices;
      for (const entry of outcome.tried) {
        tried.push(entry);
        this.#emit({ type: 'tried', tried: entry });
      }
    }
    return { choices, tried };
  }

  get #criterion(): ResultMetric {
    return criterionOf(this.#settings, this.#plan.measured.metrics);
  }

  async #evaluate(runner: MethodRunner, choices: Choices): Promise<MethodAnswers[]> {
    const { targets } = this.#division;
    const answers = new Map<string, ReadonlyMap<string, readonly Answer[]>>();
    const methods = methodsOf(this.#settings.methods, this.#context.methods);
    for (const [done, spec] of methods.entries()) {
      const name = `${spec.title}: ${counted(targets.length, 'user')}`;
      const isAsked = this.#specs.some(asked => asked.name === spec.name);
      await this.#stage(evaluating(spec), { name, done, total: methods.length }, async () => {
        const asked = { group: 'targets', spec, name: spec.name, choices } as const;
        if (isAsked) answers.set(spec.name, await this.#answersOf(runner, asked, true));
        else if (spec.training) {
          const work = () => runner.train('targets', spec.training!, targets, choices);
          await this.#costs.of(`training: ${spec.title}`, counted(targets.length, 'user'), work);
        }
      });
    }
    return this.#specs.map(spec => ({
      name: spec.name,
      title: spec.title,
      description: describeMethod(spec, choices),
      users: answers.get(spec.name)!,
      ...withoutRecords(spec),
    }));
  }

  async #answersOf(
    runner: MethodRunner,
    asked: AskedMethod,
    isCounted = false,
  ): Promise<ReadonlyMap<string, readonly Answer[]>> {
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
        this.#emit({ type: 'progress', what: 'answers of users', done: answers.size, total: users.length });
        answers.set(user, await runner.answer(asked, user));
      }
    });
    return answers;
  }

  /** By the model all methods start from, on the records before the queries. */
  async #uniqueness({ task, taskFolder, splits }: Workbench): Promise<ReadonlyMap<string, UniquenessGroup>> {
    // Fewer are in no group, and one has nobody to be unlike.
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
      if (event.type !== 'notice') this.#emit({ ...event, type: 'progress', what: 'embedding texts' });
    };
    const work = () => uniquenessGroups(opened, settings, { onEvent, ...(signal && { signal }) });
    return this.#stage(UNIQUENESS, { name: 'how unlike each other the users write' }, () =>
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
      judge(ours, others, this.#historiesOf(methods), settings, {
        seed: settings.seed,
        folder: this.#folder.path,
        fetch,
        sleep: (milliseconds, signal) => pause(milliseconds, undefined, { signal }),
        onProgress: (done, total) => this.#emit({ type: 'progress', what: 'questions to the judge', done, total }),
        ...(key !== undefined && { key }),
        ...(signal && { signal }),
      });
    return this.#stage('judge', { name: `asking ${settings.judgeModel} which texts read like the user` }, () =>
      this.#costs.of('judge', `${settings.judgeModel}, ${counted(others.length, 'method')}`, work),
    );
  }
}
