/**
 * Checks of a model folder and of a data file before training. Each problem becomes a sentence; what can be used is
 * returned, for later checks and estimates.
 */

import { counted } from '../../common/counted.ts';
import { IdiolectError, reasonOf } from '../../common/errors.ts';
import { setting } from '../../common/wording.ts';
import type { EngineOptions } from '../../engine/session.ts';
import { setApart } from '../../histories/dataset.ts';
import { detectLayout, groupByUser, type HistoryRecord, openHistories, splitByTime } from '../../histories/index.ts';
import { localModel } from '../../hub/hub.ts';
import { hubCacheFolder, parseModelName } from '../../hub/hub-cache.ts';
import { Encoder } from '../../language-model/encoder.ts';
import { LanguageModel } from '../../language-model/language-model.ts';
import { type Checkpoint, openCheckpoint } from '../../model/checkpoint.ts';
import { requireDistinctFolders } from '../../runs/folder-names.ts';
import type { DataSettings, TrainSettings } from '../../runs/settings.ts';
import { bytesText, type Check, checkMachine, type Machine } from './machine.ts';
import {
  encodeSample,
  type Lengths,
  largestBatch,
  lengthsOf,
  trainingMemory,
  typicalLengths,
} from './training-forecast.ts';

/** Characters of many kinds: a damaged tokenizer, or one of another model, would lose some of them. */
const SAMPLE_TEXT = 'Fix the parser: 3 tests, 2 files (naïve café), "done"!';

interface CheckedModel {
  readonly checks: readonly Check[];
  /** Null where the folder cannot be used. */
  readonly model: LanguageModel | null;
}

/** Checks the configuration, weights and tokenizer of a folder. */
async function checkModel(named: string, engine: EngineOptions): Promise<CheckedModel> {
  const checks: Check[] = [];
  const checkpoint = await attempt(checks, 'model', async () => openCheckpoint(await folderOf(named)));
  if (!checkpoint) return { checks, model: null };
  checks.push({ topic: 'model', state: 'fine', found: modelText(checkpoint) });
  const model = await attempt(checks, 'tokenizer', () => LanguageModel.load(checkpoint.folder, engine));
  if (!model) return { checks, model: null };
  const problem = await attempt(checks, 'tokenizer', async () => tokenizerProblem(model));
  if (problem === undefined) return { checks, model: null };
  const chat = model.tokenizer.hasChatTemplate ? '; its chat template is used unless `chat` never' : '';
  checks.push(problem ?? { topic: 'tokenizer', state: 'fine', found: `texts survive encoding and decoding${chat}` });
  return { checks, model: problem?.state === 'wrong' ? null : model };
}

/** The folder of a model. A named model that is not in the Hub's cache is reported, not downloaded. */
async function folderOf(model: string): Promise<string> {
  const known = await localModel(model);
  if (known !== undefined) return known;
  if (!parseModelName(model)) return model; // a missing config.json is reported below
  throw new IdiolectError(
    'MODEL',
    `${model} is neither a folder nor a complete download in ${hubCacheFolder(process.env)}. idiolect init and train download it; check it after that.`,
  );
}

function modelText({ config, tensors }: Checkpoint): string {
  let parameters = 0;
  for (const { shape } of tensors.values()) parameters += shape.reduce((a, b) => a * b, 1);
  const count =
    parameters < 1e6 ? `${Math.ceil(parameters / 1e3)} thousand` : `${(parameters / 1e6).toFixed(0)} million`;
  const types = [...new Set([...tensors.values()].map(({ dtype }) => dtype))].join(' and ');
  return `${config.modelType}, ${counted(config.layers, 'layer')}, ${count} parameters in ${types}, sequences of up to ${config.maxPositions} tokens`;
}

/** Null where a text survives encoding and decoding, and every id is one the model has. */
function tokenizerProblem({ tokenizer, checkpoint }: LanguageModel): Check | null {
  const topic = 'tokenizer';
  const ids = tokenizer.encodeCompletion(SAMPLE_TEXT, 'never');
  // With the chat template, whose tokens are often the last ones of a tokenizer.
  const prompt = tokenizer.encodePrompt(SAMPLE_TEXT);
  const beyond = [...ids, ...tokenizer.endIds, ...prompt].find(id => id >= checkpoint.config.vocabSize);
  if (beyond !== undefined) {
    const why = `it gives the id ${beyond}, but the model has ${checkpoint.config.vocabSize}`;
    return { topic, state: 'wrong', found: `${why}. Use tokenizer.json and weights of the same model.` };
  }
  const text = tokenizer.decode(ids.slice(0, -1)).trim();
  if (text === SAMPLE_TEXT) return null;
  const found = `it turns ${JSON.stringify(SAMPLE_TEXT)} into ${JSON.stringify(text)}; what it drops cannot be learnt`;
  return { topic, state: 'note', found };
}

/** What a data file holds. */
export interface DataFacts {
  readonly layout: string;
  readonly records: number;
  readonly malformed: number;
  readonly users: number;
  /** Users with a record to train on. */
  readonly trainable: number;
  /** Training records of the middle one of those. */
  readonly medianRecords: number;
  readonly withoutTime: number;
  readonly duplicates: number;
  /** Present where a model was given. */
  readonly lengths?: Lengths;
}

interface CheckedData {
  readonly checks: readonly Check[];
  readonly facts: DataFacts | null;
}

/** Layout, records, users, times, duplicates and, given a model, lengths of a data file. */
async function checkData(settings: DataSettings, model: LanguageModel | null): Promise<CheckedData> {
  const checks: Check[] = [];
  const bad: string[] = [];
  const read = await attempt(checks, 'data', async () => {
    const layout = await detectLayout(settings.data);
    const onSkip = (message: string) => void bad.push(message);
    const groups = await groupByUser(openHistories(settings.data, { skipBad: true, onSkip })).catch(error => {
      if (bad.length === 0 || !(error instanceof IdiolectError)) throw error;
      throw new IdiolectError(error.code, `${error.message} The first bad line: ${bad[0]}`, { cause: error });
    });
    return { layout, groups };
  });
  if (!read) return { checks, facts: null };
  const { layout, groups } = read;
  const records = [...groups.values()].flat();
  checks.push({
    topic: 'data',
    state: 'fine',
    found: `${counted(records.length, 'record')}, one a line (layout: ${layout})`,
  });
  if (bad.length > 0) {
    const state = settings.skipBad ? 'note' : 'wrong';
    const advice = settings.skipBad ? 'They are left out.' : 'Correct them, or give `skipBad`.';
    checks.push({
      topic: 'lines',
      state,
      found: `${counted(bad.length, 'line is not a record', 'lines are not records')}, such as ${bad[0]} ${advice}`,
    });
  }

  const { queryShare } = settings;
  const { users, tooFew } = splitByTime(groups, { queryShare, minQuery: queryShare > 0 ? 1 : 0 });
  // Training leaves out some records, which may be all that a user has.
  const histories = [...setApart(users).byUser.values()];
  const trained = histories.filter(({ train }) => train.length > 0);
  const emptied = histories.find(({ train }) => train.length === 0);
  const counts = trained.map(({ train }) => train.length).sort((a, b) => a - b);
  const medianRecords = counts[Math.floor((counts.length - 1) / 2)] ?? 0;
  const repeated = [...users.values()].reduce((sum, user) => sum + user.repeated, 0);
  const reasons = [
    ...tooFew.slice(0, 1).map(({ reason }) => reason),
    ...(emptied
      ? [`Every training record of "${emptied.user}" has label false or is held out for another user too.`]
      : []),
  ];
  checks.push(usersCheck(groups.size, trained.length, medianRecords, reasons.join(' ')));
  await attempt(checks, 'users', async () => requireDistinctFolders(trained.map(({ user }) => user)));
  checks.push(timesCheck(records));
  const duplicates = records.length - new Set(records.map(textOf)).size;
  checks.push(duplicatesCheck(duplicates, repeated));
  const training = trained.flatMap(({ train }) => train);
  const facts = {
    ...{ layout, records: records.length, malformed: bad.length, users: groups.size, trainable: trained.length },
    ...{ medianRecords, withoutTime: records.filter(({ time }) => time === undefined).length, duplicates },
  };
  if (!model || training.length === 0) return { checks, facts };
  const lengths = await attempt(checks, 'lengths', async () =>
    lengthsOf(encodeSample(new Encoder(model, settings), training)),
  );
  if (!lengths) return { checks, facts };
  checks.push(lengthsCheck(lengths));
  return { checks, facts: { ...facts, lengths } };
}

function usersCheck(all: number, trainable: number, medianRecords: number, leftOut: string): Check {
  const topic = 'users';
  const found = `${trainable} of ${all} have enough records; half of them have ${medianRecords} or more to train on`;
  if (trainable < 2) {
    const why = 'Users are compared with each other, so at least two users with two records each are needed';
    return {
      topic,
      state: 'wrong',
      found: `${trainable} of ${all} have enough records. ${why}. ${leftOut}`.trim(),
    };
  }
  if (leftOut === '') return { topic, state: 'fine', found };
  return { topic, state: 'note', found: `${found}. The others are left out: ${leftOut}` };
}

function timesCheck(records: readonly HistoryRecord[]): Check {
  const topic = 'times';
  const times = records.flatMap(({ time }) => (time === undefined ? [] : [time]));
  const untimed = records.length - times.length;
  const order = 'the latest are held out, so the file must go from old to new';
  if (times.length === 0) return { topic, state: 'note', found: `no record has a time; ${order}` };
  if (untimed > 0) return { topic, state: 'note', found: `${untimed} of ${records.length} have no time; ${order}` };
  let [first, last] = [times[0]!, times[0]!];
  for (const time of times) {
    if (time < first) first = time;
    if (time > last) last = time;
  }
  const latest = new Map<string, string>();
  let moved = 0;
  for (const { user, time } of records) {
    if (time! < (latest.get(user) ?? '')) moved++;
    else latest.set(user, time!);
  }
  const sorted =
    moved > 0 ? `; ${counted(moved, 'record was', 'records were')} out of time order and sorted` : ', in time order';
  return { topic, state: 'fine', found: `${first.slice(0, 10)} to ${last.slice(0, 10)}${sorted}` };
}

function duplicatesCheck(duplicates: number, repeated: number): Check {
  const topic = 'duplicates';
  if (duplicates === 0) return { topic, state: 'fine', found: 'none' };
  const found = `${counted(duplicates, 'record repeats', 'records repeat')} another of the same user`;
  if (repeated === 0) return { topic, state: 'note', found: `${found}; training counts each repetition` };
  const why = `${counted(repeated, 'held-out one is', 'held-out ones are')} also trained on, which makes scores look too good`;
  return { topic, state: 'note', found: `${found}, and ${why}. Remove them for an evaluation` };
}

function lengthsCheck({ median, p95, longest, texts, promptsCut, completionsCut }: Lengths): Check {
  const topic = 'lengths';
  const found = `median ${median} tokens, 95% up to ${p95}, longest ${longest} (${counted(texts, 'record')}, prompt and text)`;
  if (promptsCut + completionsCut === 0) return { topic, state: 'fine', found };
  const share = (part: number) => `${(100 * part).toFixed(part < 0.1 ? 1 : 0)}%`;
  const cut = `${share(promptsCut)} of prompts lose their beginning, ${share(completionsCut)} of texts their end`;
  return {
    topic,
    state: 'note',
    found: `${found}; ${cut}. A larger ${setting('maxLength')} keeps more, up to what the model takes`,
  };
}

/** The settings of a run; the model and the data may not be known yet. */
export type CheckedSettings = Omit<TrainSettings, 'model' | 'data'> & Partial<Pick<TrainSettings, 'model' | 'data'>>;

export interface Findings extends CheckedModel {
  readonly data: DataFacts | null;
}

/** Checks the machine, and the model and data that the settings name. */
export async function checkAll(settings: CheckedSettings, machine: Machine): Promise<Findings> {
  const { model: folder, data: file, device, threads } = settings;
  const checks = await checkMachine(machine, device === 'cpu' ? ['cpu'] : ['cpu', device]);
  const ofModel = folder === undefined ? null : await checkModel(folder, { device, threads });
  const model = ofModel?.model ?? null;
  const ofData = file === undefined ? null : await checkData({ ...settings, data: file }, model);
  checks.push(...(ofModel?.checks ?? []), ...(ofData?.checks ?? []));
  if (model) checks.push(checkMemory(model.checkpoint, settings, machine.availableBytes, ofData?.facts?.lengths));
  return { checks, model, data: ofData?.facts ?? null };
}

/** Whether a machine has the memory that training at these settings takes. */
function checkMemory(
  checkpoint: Checkpoint,
  settings: CheckedSettings,
  availableBytes: number,
  lengths: Lengths | undefined,
): Check {
  const topic = 'training';
  const longest = Math.min(settings.maxLength, checkpoint.config.maxPositions);
  const batch = largestBatch(lengths ?? typicalLengths(longest), settings);
  const bytes = trainingMemory(checkpoint, batch);
  const isTooMuch = bytes > availableBytes;
  const advice = `; ${bytesText(availableBytes)} are free. Lower ${setting('microBatchTokens')} or ${setting('maxLength')}, or use a smaller model`;
  const takes = `takes about ${bytesText(bytes)} of memory`;
  const atOnce = `for ${Math.round(batch.tokens)} tokens at once`;
  if (lengths) {
    return isTooMuch
      ? { topic, state: 'wrong', found: `${takes} ${atOnce}${advice}.` }
      : { topic, state: 'fine', found: `${takes} ${atOnce}` };
  }
  const full = { p95: longest, longest, completionShare: 0.5 };
  const most = trainingMemory(checkpoint, largestBatch(full, settings));
  const upTo = batch.longest < longest ? `, and up to ${bytesText(most)} with texts of ${longest}` : '';
  const found = `${takes} with texts of ${batch.longest} tokens${upTo}`;
  return isTooMuch
    ? { topic, state: 'note', found: `${found}${advice}. Give ${setting('data')} for an estimate from your texts` }
    : { topic, state: 'fine', found: `${found}; give ${setting('data')} for an estimate from your texts` };
}

function textOf({ user, input, output }: HistoryRecord): string {
  return JSON.stringify([user, input, output]);
}

/** The result of some work; where it fails, undefined, and a further check that gives the reason in a sentence. */
async function attempt<T>(checks: Check[], topic: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    // Damage that no reader foresaw is reported too, without a stack trace.
    const found = error instanceof IdiolectError ? error.message : `cannot be used: ${reasonOf(error)}.`;
    checks.push({ topic, state: 'wrong', found });
    return undefined;
  }
}
