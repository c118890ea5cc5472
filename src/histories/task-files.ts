/** The histories of a benchmark task from its files as they were downloaded: which importer, which split, which answers. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { IdiolectError } from '../common/errors.ts';
import { eitherName } from './bytes.ts';
import type { ReadOptions } from './jsonl.ts';
import { importLamp } from './lamp.ts';
import { importLongLamp, longLampSplits } from './longlamp.ts';
import { evaluatedUsersFile, importOppu } from './oppu.ts';
import type { HistoryRecord } from './record.ts';
import { type BenchmarkTask, namedTask } from './tasks.ts';

export interface TaskHistoriesOptions extends ReadOptions {
  /**
   * In a folder of LaMP or LongLaMP, whose queries are evaluated; `dev` is LongLaMP's `val`. Default: `dev` for LaMP,
   * whose test answers are not public; `test` for LongLaMP, or `dev` where the folder has no test.
   */
  split?: 'train' | 'dev' | 'test';
  /** Called with one sentence each: what is evaluated, and where profiles show another task than the queries ask. */
  onNotice?: (message: string) => void;
}

const QUESTIONS = /questions\.json(\.gz)?$/;

/** What is evaluated, in words, and its records. */
interface Found {
  what: string;
  records: AsyncGenerator<HistoryRecord>;
}

/**
 * Reads what `idiolect data get TASK` left in the task's folder (LaMP's {split}_questions.json and
 * {split}_outputs.json, plain or gzip; LongLaMP's Parquet files), a folder in the layout of OPPU and CoPe, or one LaMP
 * file named `*questions.json(.gz)` beside its `*outputs.json(.gz)`. Yields profiles as records with split `train` and
 * answered queries as records with split `query`; inputs hold the instruction, so the prompt template is `plain`.
 *
 * @param task by any of its names, such as LaMP-4, news_headline or product-review.
 * @throws IdiolectError DATA where folder, files or answers are missing, for files of another task, and as the importers
 *   do; CONFIG for an unknown task, and for a split where the files leave no choice.
 */
export async function* taskHistories(
  task: string,
  path: string,
  options: TaskHistoriesOptions = {},
): AsyncGenerator<HistoryRecord> {
  const wanted = namedTask(task);
  const { name, unlikeQueries } = wanted;
  const { what, records } = await find(wanted, path, options);
  options.onNotice?.(`${name}: evaluated on ${what}`);
  if (unlikeQueries) options.onNotice?.(`${name}: ${unlikeQueries}`);
  let queries = 0;
  for await (const record of records) {
    if (record.split === 'query') queries += 1;
    yield record;
  }
  if (queries > 0) return;
  throw new IdiolectError('DATA', `${path}: no query has an answer, so there is nothing to evaluate ${name} on.`);
}

async function find(task: BenchmarkTask, path: string, options: TaskHistoriesOptions): Promise<Found> {
  const { split, skipBad, onSkip } = options;
  const reading = { task: task.name, skipBad, onSkip };
  const found = await stat(path).catch(error => {
    throw new IdiolectError('DATA', `${path} does not exist. ${howToGet(task)}`, { cause: error });
  });
  const noChoice = (why: string) => {
    if (split) throw new IdiolectError('CONFIG', `${path}: ${why}; leave the split "${split}" out.`);
  };
  if (!found.isDirectory()) {
    noChoice('one file is one split');
    if (QUESTIONS.test(path)) return lampFile(path, await outputsOf(path, task), reading);
    const expected = 'expected a folder, or a file named *questions.json or *questions.json.gz';
    throw new IdiolectError('DATA', `${path}: ${expected}. ${howToGet(task)}`);
  }
  const users = await evaluatedUsersFile(path);
  if (users) {
    noChoice('the layout of OPPU and CoPe has no splits');
    return { what: `the users of ${users}`, records: importOppu(path, reading) };
  }
  const parquet = await longLampSplits(path);
  if (parquet.length > 0) {
    const asked = split === 'dev' ? 'val' : split;
    const chosen = asked ?? (parquet.includes('test') || !parquet.includes('val') ? 'test' : 'val');
    if (!parquet.includes(chosen)) {
      throw new IdiolectError('DATA', `${path} holds ${parquet.join(', ')}, but no ${chosen}. ${howToGet(task)}`);
    }
    const why = asked || chosen === 'test' ? '' : ' (there is no test)';
    return { what: `${chosen}${why}: ${path}`, records: importLongLamp(path, { ...reading, split: chosen }) };
  }
  const wanted = split ?? 'dev';
  const questions = await eitherName(join(path, `${wanted}_questions.json`));
  if (!questions) throw await missing(task, path, `${wanted}_questions.json`);
  const why = split ? '' : " (the answers to LaMP's test split are not public)";
  return lampFile(questions, await outputsOf(questions, task), reading, `${wanted}${why}: `);
}

function lampFile(questions: string, outputs: string, reading: ReadOptions & { task: string }, split = ''): Found {
  return { what: `${split}${questions}`, records: importLamp(questions, { ...reading, outputs }) };
}

/** The answers beside a questions file. */
async function outputsOf(questions: string, task: BenchmarkTask): Promise<string> {
  const expected = questions.replace(QUESTIONS, 'outputs.json');
  const found = await eitherName(expected);
  if (found) return found;
  const advice = /^test_/.test(basename(questions))
    ? "LaMP's makers keep the answers to its test split back: use dev."
    : howToGet(task);
  const what = 'there are no answers to evaluate by';
  throw new IdiolectError('DATA', `${questions}: ${what}: ${basename(expected)} is not beside it. ${advice}`);
}

/** A folder without any of the task's files: it may be the one above, or hold other splits. */
async function missing(task: BenchmarkTask, path: string, expected: string): Promise<IdiolectError> {
  const names = (await readdir(path)).filter(name => !name.startsWith('.')).sort();
  const shown = `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', ...' : ''}`;
  const found = names.length > 0 ? `found: ${shown}` : 'it is empty';
  const files = `neither ${expected} nor files of LongLaMP or of the layout of OPPU`;
  return new IdiolectError('DATA', `${path} holds ${files}; ${found}. Give the task's own folder. ${howToGet(task)}`);
}

function howToGet({ name, files }: BenchmarkTask): string {
  if (!files) return `The files of ${name} are made from the licensed Avocado collection, by LaMP's own script.`;
  const spelled = name.toLowerCase().replaceAll(' ', '-');
  return `To download: idiolect data get ${spelled} --out FOLDER`;
}
