/**
 * Predicts how long a comparison will take: the records that its stages train on, score and answer, times the cost of
 * each, measured for a few seconds on this machine. Work that an earlier call finished is not counted.
 */
import { join } from 'node:path';
import { exists } from '../../common/files.ts';
import { random } from '../../common/random.ts';
import type { Dataset } from '../../histories/dataset.ts';
import { renderPrompt } from '../../histories/index.ts';
import { countBeside } from '../../histories/user-records.ts';
import { Encoder } from '../../language-model/encoder.ts';
import type { LanguageModel } from '../../language-model/language-model.ts';
import { objectiveNamed } from '../../objectives/objectives.ts';
import { RunFolder } from '../../runs/run-folder.ts';
import { encodeSample, lengthsOf, measureRates } from '../check/training-forecast.ts';
import type { Division } from './division.ts';
import type { MethodSpec, TrainingSpec } from './methods/catalogue.ts';
import { answersFile, trainingFolder, type UserGroup } from './methods/runner.ts';
import type { OwnMethods } from './requirements.ts';
import { firstChoices, isSearched, triesOf } from './search.ts';
import type { ClosedSettings } from './task-settings.ts';

/**
 * The work of a stage: records that go through a training step, records that take only a forward pass, and answers to
 * write.
 */
export interface StageWork {
  readonly key: string;
  readonly trained: number;
  readonly scored: number;
  readonly answers: number;
}

export const ADAPTING = 'adapt';
export const UNIQUENESS = 'uniqueness';
export const searching = ({ name }: MethodSpec) => `search ${name}`;
export const evaluating = ({ name }: MethodSpec) => `evaluate ${name}`;

export interface ForecastInput {
  readonly settings: ClosedSettings;
  /** Every method that takes part, in the order of the work. */
  readonly methods: readonly MethodSpec[];
  /** Names of the methods whose answers are compared. */
  readonly asked: ReadonlySet<string>;
  readonly dataset: Dataset;
  readonly division: Division;
  readonly own: OwnMethods;
}

/** Samples drawn from the task-adapted model for each record that is trained on in pairs. */
const SAMPLES = 3;

/** The cost of a longer prompt relative to a plain one, for its answer and its score. */
const LONGER_PROMPT = 1.5;

/** The stages of a comparison that have work left, in order. */
export async function planStages(input: ForecastInput): Promise<StageWork[]> {
  const { settings, methods, asked, division } = input;
  const stages: StageWork[] = [];
  const counted = new Set<string>();
  /** True the first time only: trainings, samples and scores that methods share count once. */
  const once = (key: string) => !counted.has(key) && Boolean(counted.add(key));
  if (!settings.skipAdaptation && !(await exists(join(settings.out, 'task', 'model', 'config.json')))) {
    stages.push(adaptation(input));
  }
  const add = async (key: string, parts: readonly Promise<Omit<StageWork, 'key'>>[]) => {
    const work = { key, trained: 0, scored: 0, answers: 0 };
    for (const part of parts) {
      const { trained, scored, answers } = await part;
      work.trained += trained;
      work.scored += scored;
      work.answers += answers;
    }
    if (work.trained + work.scored + work.answers > 0) stages.push(work);
  };
  const first = firstChoices(settings, input.own.methods);
  const searched = isSearched(settings) && division.development.length > 0;
  const triesOfEach = (spec: MethodSpec) => (searched ? triesOf(spec, first, settings) : []);
  for (const spec of methods) {
    await add(
      searching(spec),
      triesOfEach(spec).flatMap(({ name, choices }) => [
        ...(spec.training
          ? [training(input, 'development', { ...spec.training, rates: [choices.rates[spec.training.name]!] }, once)]
          : []),
        answers(input, 'development', spec, name),
      ]),
    );
  }
  for (const spec of methods) {
    const { training: trained } = spec;
    // The rate that will be chosen is not known yet; existing adapters were trained at one of these.
    const rates = trained ? [first, ...triesOfEach(spec).map(({ choices }) => choices)] : [];
    const ofTargets = trained && { ...trained, rates: rates.map(choices => choices.rates[trained.name]!) };
    await add(evaluating(spec), [
      ...(ofTargets ? [training(input, 'targets', ofTargets, once)] : []),
      ...(asked.has(spec.name) ? [answers(input, 'targets', spec, spec.name)] : []),
    ]);
  }
  if (settings.embedder !== 'ngrams' && division.targets.length >= 3) {
    const own = division.targets.reduce((sum, user) => sum + input.dataset.users.get(user)!.train.length, 0);
    stages.push({ key: UNIQUENESS, trained: 0, scored: (1 + settings.overlapRatio) * own, answers: 0 });
  }
  return stages;
}

function adaptation({ settings, dataset, division }: ForecastInput): StageWork {
  const others = division.others.map(user => dataset.users.get(user)!);
  const all = others.reduce((sum, { train }) => sum + train.length, 0);
  const trained = Math.min(all, settings.taskRecords ?? all);
  const query = others.reduce((sum, { query }) => sum + query.length, 0) * (all > 0 ? trained / all : 0);
  return { key: ADAPTING, trained: settings.taskEpochs * trained, scored: 2 * query, answers: 0 };
}

/** Training work for the users who have no adapter at any of the rates. */
async function training(
  { settings, dataset, division, own }: ForecastInput,
  group: UserGroup,
  { name, method, rejected, rates }: TrainingSpec & { readonly rates: readonly number[] },
  once: (key: string) => boolean,
): Promise<Omit<StageWork, 'key'>> {
  const objective = objectiveNamed(method, own.objectives);
  const { needsReference, needsMismatched } = objective.create({ ...settings, alpha: 0 });
  const work = { trained: 0, scored: 0, answers: 0 };
  if (!once(`${group} ${name} ${group === 'targets' ? '' : rates.join()}`)) return work;
  const folders = rates.map(rate => new RunFolder(trainingFolder(settings.out, group, name, rate)));
  for (const user of division[group]) {
    if ((await Promise.all(folders.map(folder => folder.isFinished(user)))).includes(true)) continue;
    const { train, disliked } = dataset.users.get(user)!;
    const records = Math.max(1, Math.round(settings.historyShare * train.length));
    const sizes = { own: records, disliked: disliked.length };
    const beside = countBeside(objective.records, sizes, settings.auxiliaryRatio);
    const batch = (records + beside.auxiliary + beside.disliked) * (needsMismatched ? 2 : 1);
    work.trained += settings.epochs * batch;
    if (needsReference && once(`${group} ${objective.records} ${needsMismatched} ${user}`)) work.scored += batch;
    if (rejected && once(`${group} samples ${user}`)) work.answers += SAMPLES * records;
    if (rejected === 'least-personal') work.scored += 2 * SAMPLES * records;
    const estimates = objective.usesAlpha && settings.alpha === undefined && settings.embedder !== 'ngrams';
    if (estimates && once(`${group} alpha ${user}`)) work.scored += (1 + settings.overlapRatio) * records;
  }
  return work;
}

/** Work for the users whose answers are not kept yet. */
async function answers(
  { settings, dataset, division }: ForecastInput,
  group: UserGroup,
  spec: MethodSpec,
  name: string,
): Promise<Omit<StageWork, 'key'>> {
  const work = { trained: 0, scored: 0, answers: 0 };
  const cost = spec.prompt === 'plain' ? 1 : LONGER_PROMPT;
  for (const user of division[group]) {
    if (await exists(answersFile(settings.out, group, name, user))) continue;
    const queries = dataset.users.get(user)!.query.length;
    work.answers += cost * (queries * (spec.contrast ? 2 : 1) + (spec.prompt === 'profile' ? 1 : 0));
    work.scored += cost * queries;
  }
  return work;
}

/** Seconds per unit of each kind of work. */
export interface UnitCosts {
  readonly trained: number;
  readonly scored: number;
  readonly answer: number;
}

/** Prompts answered to time an answer, and the most tokens written for each. */
const ANSWERED = 4;
const WRITTEN = 16;

/**
 * Times a little of each kind of work on records of the data.
 *
 * @param now seconds of a clock
 */
async function measureUnits(
  model: LanguageModel,
  { settings, dataset }: Pick<ForecastInput, 'settings' | 'dataset'>,
  now: () => number,
): Promise<UnitCosts> {
  const { template, chat, maxTokens, maxLength, seed } = settings;
  const records = [...dataset.users.values()].flatMap(({ train }) => train);
  const encoder = new Encoder(model, settings);
  const sample = encodeSample(encoder, records);
  const { mean } = lengthsOf(sample);
  const { step, score } = await measureRates(model, sample, settings, now);
  const prompts = random(seed, 'forecast')
    .shuffled(records)
    .slice(0, ANSWERED)
    .map(record => renderPrompt(template, record));
  const written = Math.min(maxTokens, WRITTEN);
  const write = (tokens: number) =>
    model.generateAll(prompts, {
      ...{ maxTokens: tokens, maxLength: Math.min(maxLength, encoder.maxLength), chat, temperature: 0, topP: 1 },
      random: () => random(seed, 'greedy'), // not drawn from
    });
  await write(1); // opens the session
  const begun = now();
  await write(written);
  const answer = (now() - begun) / prompts.length;
  await model.release();
  return { trained: mean * step, scored: mean * score, answer: (answer * maxTokens) / written };
}

export function secondsOf({ trained, scored, answers }: StageWork, costs: UnitCosts): number {
  return trained * costs.trained + scored * costs.scored + answers * costs.answer;
}

/** Seconds of each stage, by its key. */
export async function secondsOfStages(
  stages: readonly StageWork[],
  model: LanguageModel,
  input: ForecastInput,
  now: () => number,
): Promise<ReadonlyMap<string, number>> {
  const costs = await measureUnits(model, input, now);
  return new Map(stages.map(stage => [stage.key, secondsOf(stage, costs)]));
}
