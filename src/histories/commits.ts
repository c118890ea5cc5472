/** Commits as history records: the changed files and the first lines of the diff in, the subject line out. */
import { z } from 'zod';
import { type ReadOptions, readJsonLines } from './jsonl.ts';
import { type HistoryRecord, type Parsed, parseWith } from './record.ts';
import { normaliseTime } from './time.ts';

/**
 * One commit in the fields of the commit data sets: what a line of such a file holds, and what `importGit` finds.
 * A commit with more files than it lists says so in `nfiles`.
 */
export const commitSchema = z.object({
  user: z.string().regex(/\S/).describe('The author.'),
  date: z
    .union([z.string(), z.number()])
    .refine(date => normaliseTime(date) !== null)
    .nullish()
    .describe('ISO 8601 or Unix seconds.'),
  files: z.array(z.string()).describe('Status letter and path of each changed file, such as "M src/a.ts".'),
  nfiles: z.int().nonnegative().nullish().describe('How many files changed in all.'),
  diff: z.string().describe('The first added and removed lines, each with its sign.'),
  subject: z.string().regex(/\S/).describe('The first line of the message.'),
});

export type Commit = z.output<typeof commitSchema>;

/** The fields by which a file of commits is distinguished from a file of records. */
export const COMMIT_FIELDS = ['user', 'files', 'diff', 'subject'] as const;

const EXPECTED: Record<string, string> = {
  user: 'a string with at least one visible character',
  date: 'an ISO 8601 date or a number of Unix seconds',
  files: 'a list of strings such as "M src/a.ts"',
  nfiles: 'a whole number',
  diff: 'a string (it may be empty)',
  subject: 'a string with at least one visible character',
};

/**
 * The model's input for a commit, one item a line:
 * ```
 * M src/a.ts
 * A src/b.ts
 * ... 3 more
 * -const x = 1;
 * +const x = 2;
 * ```
 */
export function commitInput({ files, nfiles, diff }: Pick<Commit, 'files' | 'nfiles' | 'diff'>): string {
  const more = (nfiles ?? files.length) - files.length;
  return [...files, ...(more > 0 ? [`... ${more} more`] : []), ...(diff === '' ? [] : [diff])].join('\n');
}

/**
 * The record of a commit. Training data from a file and from a live repository come out the same through this.
 * A date that is none is left out: the place in the file then replaces it.
 */
export function commitToRecord(commit: Commit): HistoryRecord {
  const time = normaliseTime(commit.date ?? '');
  const record = { user: commit.user, input: commitInput(commit), output: commit.subject };
  return time === null ? record : { ...record, time };
}

/** Checks one line of a commit file and makes it a record. */
export function parseCommit(value: unknown): Parsed<HistoryRecord> {
  const parsed = parseWith(commitSchema, value, EXPECTED, 'Each commit needs user, files, diff and subject.');
  return 'problem' in parsed ? parsed : { value: commitToRecord(parsed.value) };
}

/**
 * Reads a JSON Lines file of commits as history records.
 *
 * @throws IdiolectError DATA as `readHistories` does.
 */
export function readCommits(path: string, options: ReadOptions = {}): AsyncGenerator<HistoryRecord> {
  return readJsonLines(path, parseCommit, options);
}
