/** `idiolect import git|lamp|longlamp|oppu|table`: other people's files as histories. */
import { z } from 'zod';
import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { repositoryFiles, requireOutputFile } from '../common/output.ts';
import {
  diffInput,
  type HistoryRecord,
  importGit,
  importLamp,
  importLongLamp,
  importOppu,
  importTable,
  QUOTES,
  type TableColumns,
  TIME_FORMATS,
  writeHistories,
} from '../histories/index.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { readStandardInput } from './standard-input.ts';
import { defineVerb, force, type VerbArguments } from './verb.ts';

const out = z.string().describe('file to write: JSON Lines, compressed when the name ends in .gz');
const files = { out, force };
const skipBad = z.boolean().default(false).describe('leave out malformed entries, and count them, instead of stopping');

export const botsSchema = z.object({
  bots: z.enum(['leave-out', 'keep']).default('leave-out').describe('commits by authors that look like programs'),
});

const gitSchema = z.object({
  ...files,
  names: z.boolean().default(false).describe('users as "Name <e-mail>" (default: pseudonyms)'),
  salt: z.string().optional().describe('salt of the pseudonyms; choose a secret one before sharing the file'),
  branch: z.string().optional().describe('branch, tag or commit to read (default: what is checked out)'),
  since: z.string().optional().describe('only commits since then: a date, or words such as "2 years ago"'),
  ...botsSchema.shape,
});

export const importGitVerb = defineVerb({
  name: 'import git',
  summary: 'One record per commit: changed files and first lines of the diff to the subject line, by author.',
  operands: [{ name: 'PATH', description: 'a git repository' }],
  schema: gitSchema,
  example: 'idiolect import git . --out histories.jsonl',
  async run(args) {
    const { names, salt, branch, since, bots } = args.resolved.values;
    const { onSkip } = reporting(args.terminal);
    const inputs = [await repositoryFiles(args.operands[0]!)];
    await write(args, inputs, () =>
      importGit(args.operands[0]!, { pseudonyms: !names, salt, branch, since, bots, onSkip }),
    );
  },
});

export const importDiffVerb = defineVerb({
  name: 'import diff',
  summary: 'Turns a diff on standard input into the input that import git makes of its commit, for generate to read.',
  operands: [],
  schema: z.object({}),
  example: 'git diff --cached -M | idiolect import diff | idiolect generate --run runs/first --user NAME',
  async run({ json, terminal }) {
    const input = diffInput(await readStandardInput('Stage fewer files.'));
    terminal.print(json ? JSON.stringify({ input }) : input);
  },
});

const lampSchema = z.object({
  ...files,
  outputs: z.string().optional().describe('the answers: {split}_outputs.json, plain or gzip'),
  skipBad,
});

export const importLampVerb = defineVerb({
  name: 'import lamp',
  summary: 'A {split}_questions.json of LaMP: profiles become training records, answered questions queries.',
  operands: [{ name: 'QUESTIONS', description: '{split}_questions.json, plain or gzip' }],
  schema: lampSchema,
  example: 'idiolect import lamp dev_questions.json --outputs dev_outputs.json --out lamp-5.jsonl',
  async run(args) {
    const { outputs, skipBad } = args.resolved.values;
    await write(args, [args.operands[0], outputs], report =>
      importLamp(args.operands[0]!, { outputs, skipBad, ...report }),
    );
  },
});

const longLampSchema = z.object({
  ...files,
  split: z.enum(['train', 'val', 'test']).default('test').describe('which files of a folder'),
  skipBad,
});

export const importLongLampVerb = defineVerb({
  name: 'import longlamp',
  summary: 'Parquet files of LongLaMP: profiles become training records, answered rows queries.',
  operands: [{ name: 'PATH', description: "the folder of one configuration's files, or one of its files" }],
  schema: longLampSchema,
  example: 'idiolect import longlamp abstract_generation_user --out abstracts.jsonl.gz',
  async run(args) {
    const { split, skipBad } = args.resolved.values;
    await write(args, args.operands, report => importLongLamp(args.operands[0]!, { split, skipBad, ...report }));
  },
});

const oppuSchema = z.object({
  ...files,
  users: z.enum(['evaluated', 'others']).default('evaluated').describe('which users of a folder'),
  labels: z.string().optional().describe('the label file (default: the one in the folder)'),
  skipBad,
});

export const importOppuVerb = defineVerb({
  name: 'import oppu',
  summary: 'The layout OPPU and CoPe share: user_others.json, user_top_100_history.json and its labels.',
  operands: [{ name: 'PATH', description: 'the folder, or one of its files' }],
  schema: oppuSchema,
  example: 'idiolect import oppu data/news_headline --out headlines.jsonl',
  async run(args) {
    const { users, labels, skipBad } = args.resolved.values;
    await write(args, [args.operands[0], labels], report =>
      importOppu(args.operands[0]!, { users, labels, skipBad, ...report }),
    );
  },
});

/** The flags that say which column is which; `init` has them too. */
export const columnSchema = z.object({
  userField: z.string().optional().describe('column of who wrote the text (default: user)'),
  inputField: z
    .string()
    .optional()
    .describe('column of what it was written in answer to (default: input); "" where there is none'),
  outputField: z.string().optional().describe('column of the text (default: output)'),
  timeField: z.string().optional().describe('column of when it was written (default: time, if there is one)'),
  labelField: z
    .string()
    .optional()
    .describe('column of whether its user liked it, true or false (default: label, if there is one)'),
});

/** How a table is written; `init` has these too. */
export const tableFormatSchema = z.object({
  timeFormat: z
    .enum(TIME_FORMATS)
    .optional()
    .describe('how times are written, hh:mm or hh:mm:ss after them or not (default: ISO 8601 or Unix seconds)'),
  quote: z
    .enum(QUOTES)
    .optional()
    .describe('none: a quote in a CSV is part of the text, as often in TSV (default: double, around a cell)'),
});

/** The flags as the importer takes them. */
export function columnsOf(flags: z.infer<typeof columnSchema>): TableColumns {
  const { userField: user, inputField: input, outputField: output, timeField: time, labelField: label } = flags;
  return { user, input, output, time, label };
}

export function formatOf({ timeFormat, quote }: z.infer<typeof tableFormatSchema>) {
  return { timeFormat, quote };
}

const tableSchema = z.object({ ...files, ...columnSchema.shape, ...tableFormatSchema.shape, skipBad });

export const importTableVerb = defineVerb({
  name: 'import table',
  summary: "A product's own CSV or JSON Lines: each row becomes a record, its fields read from the columns named.",
  operands: [{ name: 'FILE', description: 'CSV with a header, or JSON Lines; plain or gzip' }],
  schema: tableSchema,
  example:
    'idiolect import table posts.csv --user-field author --input-field subject --output-field text --out histories.jsonl',
  async run(args) {
    const { skipBad, ...flags } = args.resolved.values;
    const options = { columns: columnsOf(flags), ...formatOf(flags), skipBad };
    await write(args, args.operands, report => importTable(args.operands[0]!, { ...options, ...report }));
  },
});

/** Entries left out that are named one by one. */
const SKIPS_SHOWN = 5;

export type Report = ReturnType<typeof reporting>;

export function reporting(terminal: Terminal) {
  let [total, told] = [0, 0];
  return {
    /** Says how many entries were left out, where not all of them were listed. */
    finish() {
      if (told > SKIPS_SHOWN) terminal.say(`note: ${total} entries were left out in all`);
    },
    onNote(message: string) {
      terminal.say(`note: ${message}`);
    },
    onSkip(message: string, skipped: number) {
      total = skipped;
      told += 1;
      if (told <= SKIPS_SHOWN) terminal.say(`note: ${message}`);
      else if (told === SKIPS_SHOWN + 1) terminal.say('note: more were left out, which are not listed');
    },
  };
}

async function write<S extends z.ZodObject<typeof files>>(
  { resolved, json, config, ...work }: VerbArguments<S>,
  inputs: readonly (string | undefined)[],
  records: (report: Report) => AsyncIterable<HistoryRecord>,
): Promise<void> {
  const { out: file, force } = resolved.values;
  await requireOutputFile(file, { force, inputs: [...inputs, config] });
  const report = reporting(work.terminal);
  const written = await writeRecords(file, records(report), work);
  report.finish();
  if (json) work.terminal.print(JSON.stringify({ file, ...written }));
}

/** Writes the records as they come, in one atomic step, and says how many there were of how many users. */
export async function writeRecords(
  file: string,
  records: AsyncIterable<HistoryRecord>,
  { terminal, signal }: Pick<VerbArguments, 'terminal' | 'signal'>,
): Promise<{ records: number; users: number }> {
  const users = new Set<string>();
  let read = 0;
  async function* passing() {
    for await (const record of records) {
      if (signal.aborted) throw new IdiolectError('INTERRUPTED', `stopped; ${file} was not written.`);
      users.add(record.user);
      terminal.progress(`read ${counted(++read, 'record')}`);
      yield record;
    }
  }
  const count = await writeHistories(file, passing());
  terminal.say(`${file}: ${counted(count, 'record')} of ${counted(users.size, 'user')}`);
  return { records: count, users: users.size };
}
