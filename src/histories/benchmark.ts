/** Questions of LaMP and its descendants made records: one prompt for profile and query, every pair once per user. */
import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { readBytes } from './bytes.ts';
import { jsonItems } from './json-stream.ts';
import type { ReadOptions } from './jsonl.ts';
import { type HistoryRecord, parseRecord, recordKey } from './record.ts';
import { type BenchmarkTask, findTask, type ProfileItem, pairOf } from './tasks.ts';

export interface BenchmarkOptions extends ReadOptions {
  /** The task's name, such as `LaMP-4` or `news_headline`. Default: recognised by the words of the first query. */
  task?: string;
}

/** Ids, answers and the fields of a prompt are all used as text; a date may be a number. */
export const isBenchmarkText = (field: string) => field !== 'date';

/** A user's profile and what is asked about it. */
export interface Question {
  user: string;
  profile: readonly ProfileItem[];
  queries: readonly { id: string; input: string; gold?: string; date?: string | number }[];
  /** Whether the user may come again in the file, so that the records must be remembered. */
  returns: boolean;
  /** Its place in its file, for errors. */
  place: string;
}

/**
 * Yields every profile item as a record with split `train`, then every query whose answer is known as a record with
 * split `query`. The prompt of a profile item opens with the very words of the file's queries, except in LaMP-1 and
 * LaMP-7, whose profiles show another task than the queries ask (tasks.ts). A user who comes with several questions has
 * each record once. Items with an empty text or answer are left out and reported.
 *
 * @throws IdiolectError DATA for items that lack a field and queries worded unlike the task (unless `skipBad`), for
 *   queries of another task than is named, and where nothing is left.
 */
export async function* benchmarkRecords(
  source: string,
  questions: AsyncIterable<Question>,
  { task: taskName, skipBad = false, onSkip }: BenchmarkOptions,
): AsyncGenerator<HistoryRecord> {
  let skipped = 0;
  const leaveOut = (problem: string) => {
    skipped += 1;
    onSkip?.(problem, skipped);
  };
  const refuse = (problem: string) => {
    if (!skipBad) throw new IdiolectError('DATA', problem);
    leaveOut(problem);
  };
  let task: BenchmarkTask | undefined;
  let opening: string | undefined;
  let count = 0;
  const seen = new Map<string, Set<string>>();
  for await (const { user, profile, queries, returns, place } of questions) {
    const keys = seen.get(user) ?? new Set<string>();
    if (returns) seen.set(user, keys);
    const isNew = (record: HistoryRecord) => keys.size < keys.add(shortKey(record)).size;

    const first = queries[0];
    if (first) task ??= findTask(source, taskName, first.input);
    const asked: (typeof queries)[number][] = [];
    for (const query of queries) {
      const words = task?.opening.exec(query.input)?.[0];
      opening ??= words;
      if (words !== undefined && words === opening) asked.push(query);
      else refuse(`${place}: query "${query.id}" is not worded like the other queries of ${task?.name}.`);
    }
    if (!task || opening === undefined) {
      if (queries.length === 0) refuse(`${place}: there is no query, so the wording of the task is not known yet.`);
      continue;
    }
    for (const [i, item] of profile.entries()) {
      const made = profileRecord(task, opening, user, item);
      if (typeof made === 'string') refuse(`${place}: profile item ${i + 1}: ${made}`);
      else if (made === null) leaveOut(`${place}: profile item ${i + 1} has an empty text.`);
      else if (isNew(made)) {
        count += 1;
        yield made;
      }
    }
    for (const { id, input, gold, date } of asked) {
      if (gold === undefined) continue;
      const made = parseRecord({ user, input, output: gold, id, time: timeOf(date), split: 'query' });
      if ('problem' in made) refuse(`${place}: query "${id}": ${made.problem}`);
      else if (isNew(made.value)) {
        count += 1;
        yield made.value;
      }
    }
  }
  if (count === 0)
    throw new IdiolectError(
      'DATA',
      `${source} gave no records (${counted(skipped, 'item was', 'items were')} left out).`,
    );
}

/** 128 bits of a record's identity, in the least memory a string takes: a benchmark has millions of them. */
function shortKey(record: HistoryRecord): string {
  return Buffer.from(recordKey(record).slice(0, 32), 'hex').toString('latin1');
}

/** Benchmarks write years as numbers. An item whose date is empty keeps its text and has no time. */
function timeOf(date: unknown): unknown {
  if (typeof date === 'number') return /^[12]\d{3}$/.test(String(date)) ? String(date) : date;
  return typeof date === 'string' && date.trim() === '' ? undefined : date;
}

/** The record of a profile item; null where a text is empty; a sentence where a field is missing. */
function profileRecord(
  task: BenchmarkTask,
  opening: string,
  user: string,
  item: ProfileItem,
): HistoryRecord | null | string {
  const pair = pairOf(task, item);
  const fields = [...pair.inputs, pair.output];
  const values: string[] = [];
  for (const field of fields) {
    const value = item[field];
    if (typeof value !== 'string' && typeof value !== 'number') {
      return `"${field}" is missing. ${task.name} needs ${fields.join(', ')}.`;
    }
    values.push(String(value));
  }
  if (values.some(value => value.trim() === '')) return null;
  const output = values.pop();
  const id = typeof item.id === 'number' ? String(item.id) : (item.id ?? undefined);
  const time = timeOf(item.date);
  const input = (pair.opening ?? opening) + pair.subject(...values);
  const made = parseRecord({ user, input, output, id, time, split: 'train' });
  return 'problem' in made ? made.problem : made.value;
}

/**
 * The answers of an outputs or label file, {task, golds: [{id, output}]}, by query id.
 *
 * @throws IdiolectError DATA where it is not such a file, or answers one id twice and differently.
 */
export async function readGolds(path: string): Promise<Map<string, string>> {
  const golds = new Map<string, string>();
  for await (const { key, index, value } of jsonItems(readBytes(path), path, isBenchmarkText)) {
    if (key !== 'golds' || index === null) continue;
    const { id, output } = (value ?? {}) as { id?: unknown; output?: unknown };
    if (id === undefined || (typeof output !== 'string' && typeof output !== 'number')) {
      throw new IdiolectError('DATA', `${path}: entry ${index + 1} of "golds" needs id and output.`);
    }
    const name = String(id);
    if (golds.has(name) && golds.get(name) !== String(output)) {
      throw new IdiolectError('DATA', `${path}: the id "${name}" has two different outputs.`);
    }
    golds.set(name, String(output));
  }
  if (golds.size === 0)
    throw new IdiolectError('DATA', `${path} has no answers: expected {"task", "golds": [{"id", "output"}]}.`);
  return golds;
}
