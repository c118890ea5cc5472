/** The history record: one thing one user wrote, the unit of everything that is trained or evaluated here. */
import { z } from 'zod';
import type { ErrorDetails } from '../common/errors.ts';
import { sha256 } from '../common/files.ts';
import { normaliseTime } from './time.ts';
import { formatHint } from './time-format.ts';

const text = z.string().regex(/\S/);

/**
 * What a record holds. Fields it does not name are dropped; an optional field that is null counts as absent.
 * `time` is kept as UTC text (see `normaliseTime`), `id` as text.
 */
export const historyRecordSchema = z
  .object({
    user: text.refine(user => user.isWellFormed()).describe('Whose text this is.'),
    input: z.string().describe('What the user wrote in answer to; may be empty.'),
    output: text.describe('What the user wrote.'),
    id: z
      .union([z.string(), z.int()])
      .transform(String)
      .nullish()
      .describe('A name for the record. Not unique across users, so never a key by itself.'),
    time: z
      .union([z.string(), z.number()])
      .transform((value, context) => {
        const time = normaliseTime(value);
        if (time !== null) return time;
        context.addIssue({ code: 'custom', message: 'not a time' });
        return z.NEVER;
      })
      .nullish()
      .describe('When it was written: ISO 8601 (UTC where no zone is given) or Unix seconds.'),
    label: z.boolean().nullish().describe("Binary feedback: true for the user's liking, false for not."),
    weight: z.number().positive().nullish().describe('How much the record counts; 1 where absent.'),
    split: z
      .enum(['train', 'query'])
      .nullish()
      .describe('Where the data set itself puts it; overrides the split by time.'),
  })
  .transform(record => {
    const present = Object.entries(record).filter(([, value]) => value !== null && value !== undefined);
    return Object.fromEntries(present) as WithoutNull<typeof record>;
  });

type WithoutNull<T> = { [K in keyof T]: Exclude<T[K], null> };

/** One thing one user wrote. */
export type HistoryRecord = z.output<typeof historyRecordSchema>;

/** A parsed value, or one sentence on what is wrong with it. */
/** `details` tells the field of the problem, what was expected and what was found. */
export type Parsed<T> = { value: T } | { problem: string; details?: ErrorDetails };

const EXPECTED: Record<string, string> = {
  user: 'a string with at least one visible character and no half of a surrogate pair',
  input: 'a string (it may be empty)',
  output: 'a string with at least one visible character',
  id: 'a string or a whole number',
  time: 'an ISO 8601 date or date and time, or a number of Unix seconds (not milliseconds, a year or a day)',
  label: 'true or false',
  weight: 'a number above 0',
  split: '"train" or "query"',
};

/** Checks one record of any origin. The problem names the field, what was found, and what was expected. */
export function parseRecord(value: unknown): Parsed<HistoryRecord> {
  const parsed = parseWith(historyRecordSchema, value, EXPECTED, 'Each record needs user, input and output.');
  if ('value' in parsed || !parsed.problem.startsWith('"time" is')) return parsed;
  const hint = formatHint((value as { time?: unknown }).time);
  return hint === '' ? parsed : { ...parsed, problem: parsed.problem.replace(/ Each record needs .*$/, ` ${hint}`) };
}

/**
 * Applies a schema of named fields and turns its first issue into a sentence.
 * `expected` says in words what each field must be; `needs` is the sentence on what no record can be without.
 */
export function parseWith<T>(
  schema: z.ZodType<T>,
  value: unknown,
  expected: Record<string, string>,
  needs: string,
): Parsed<T> {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const details = { expected: 'an object', found: shown(value) };
    return { problem: `found ${details.found} where an object was expected. ${needs}`, details };
  }
  const field = String(result.error.issues[0]?.path[0] ?? '');
  const held = (value as Record<string, unknown>)[field];
  const must = expected[field] ?? 'something else';
  if (held === undefined) return { problem: `"${field}" is missing. ${needs}`, details: { field, expected: must } };
  const found = shown(held);
  return { problem: `"${field}" is ${found}; it must be ${must}. ${needs}`, details: { field, expected: must, found } };
}

/** A value in a few words, for an error sentence. */
export function shown(value: unknown): string {
  if (value === '') return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const printed = JSON.stringify(value) ?? String(value);
  return printed.length > 60 ? `${printed.slice(0, 60)}...` : printed;
}

/**
 * The identity of a record: SHA-256 (hexadecimal) over user, input, output and id. `id` alone is no identity, because
 * data sets number each user's records from the start; time, weight and label describe a record without being it.
 */
export function recordKey(record: Pick<HistoryRecord, 'user' | 'input' | 'output' | 'id'>): string {
  return sha256(JSON.stringify([record.user, record.input, record.output, record.id ?? null]));
}
