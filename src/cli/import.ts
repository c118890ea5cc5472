/** `idiolect import git|lamp|longlamp|oppu|table`: other people's files as histories. */
import { z } from 'zod';
import { counted } from '../common/counted.ts';
import { repositoryFiles, requireOutputFile } from '../common/output.ts';
import { stopIfAsked } from '../common/stop.ts';
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
import { defineVerb, force, type Verb, type VerbArguments } from './verb.ts';

const out = z.string().describe('file to write: JSON Lines, compressed when the name ends in .gz');
const files = { out, force };
const skipBad = z.boolean().default(false).describe('leave out and count malformed entries instead of stopping');

export const botsSchema = z.object({
  bots: z
    .enum(['leave-out', 'keep'])
    .default('leave-out')
    .describe('what to do with commits by authors that look like programs'),
});

const gitSchema = z.object({
  ...files,
  names: z.boolean().default(false).describe('users as "Name <e-mail>" (default: pseudonyms)'),
  salt: z.string().optional().describe('salt of the pseudonyms; choose a secret one before sharing the file'),
  branch: z.string().optional().describe('branch, tag or commit to read (default: what is checked out)'),
  since: z.string().optional().describe('only commits since this time: a date, or words such as "2 years ago"'),
  ...botsSchema.shape,
});

export const importGitVerb = importVerb({
  name: 'import git',
  summary:
    'Makes one record per commit: changed files and first lines of the diff as input, the subject line as output, by author.',
  operand: { name: 'PATH', description: 'a git repository' },
  schema: gitSchema,
  example: 'idiolect import git . --out histories.jsonl',
  inputs: async path => [await repositoryFiles(path)],
  records: (path, { names, salt, branch, since, bots }, { onSkip }) =>
    importGit(path, { pseudonyms: !names, salt, branch, since, bots, onSkip }),
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

export const importLampVerb = importVerb({
  name: 'import lamp',
  summary: 'A {split}_questions.json of LaMP: profiles become training records, answered questions queries.',
  operand: { name: 'QUESTIONS', description: '{split}_questions.json, plain or gzip' },
  schema: lampSchema,
  example: 'idiolect import lamp dev_questions.json --outputs dev_outputs.json --out lamp-5.jsonl',
  inputs: (path, { outputs }) => [path, outputs],
  records: (path, { outputs, skipBad }, report) => importLamp(path, { outputs, skipBad, ...report }),
});

const longLampSchema = z.object({
  ...files,
  split: z.enum(['train', 'val', 'test']).default('test').describe('which files of a folder'),
  skipBad,
});

export const importLongLampVerb = importVerb({
  name: 'import longlamp',
  summary: 'Parquet files of LongLaMP: profiles become training records, answered rows queries.',
  operand: { name: 'PATH', description: "the folder of one configuration's files, or one of its files" },
  schema: longLampSchema,
  example: 'idiolect import longlamp abstract_generation_user --out abstracts.jsonl.gz',
  records: (path, { split, skipBad }, report) => importLongLamp(path, { split, skipBad, ...report }),
});

const oppuSchema = z.object({
  ...files,
  users: z.enum(['evaluated', 'others']).default('evaluated').describe('which users of a folder'),
  labels: z.string().optional().describe('the label file (default: the one in the folder)'),
  skipBad,
});

export const importOppuVerb = importVerb({
  name: 'import oppu',
  summary: 'The layout OPPU and CoPe share: user_others.json, user_top_100_history.json and its labels.',
  operand: { name: 'PATH', description: 'the folder, or one of its files' },
  schema: oppuSchema,
  example: 'idiolect import oppu data/news_headline --out headlines.jsonl',
  inputs: (path, { labels }) => [path, labels],
  records: (path, { users, labels, skipBad }, report) => importOppu(path, { users, labels, skipBad, ...report }),
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
    .describe('how times are written, with or without hh:mm or hh:mm:ss (default: ISO 8601 or Unix seconds)'),
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

export const importTableVerb = importVerb({
  name: 'import table',
  summary: "A product's own CSV or JSON Lines: each row becomes a record, its fields read from the columns named.",
  operand: { name: 'FILE', description: 'CSV with a header, or JSON Lines; plain or gzip' },
  schema: tableSchema,
  example:
    'idiolect import table posts.csv --user-field author --input-field subject --output-field text --out histories.jsonl',
  records: (path, { skipBad, ...flags }, report) =>
    importTable(path, { columns: columnsOf(flags), ...formatOf(flags), skipBad, ...report }),
});

/** How many of the entries left out are named one by one. */
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
      else if (told === SKIPS_SHOWN + 1) terminal.say('note: more entries were left out; they are not listed');
    },
  };
}

interface ImportVerb<S extends z.ZodObject<typeof files>> {
  readonly name: string;
  readonly summary: string;
  /** The argument that names what to import. */
  readonly operand: { readonly name: string; readonly description: string };
  readonly schema: S;
  readonly example: string;
  /** Files that are read, and so must not be overwritten (default: the operand). */
  readonly inputs?: (
    path: string,
    settings: z.infer<S>,
  ) => Promise<readonly (string | undefined)[]> | readonly (string | undefined)[];
  readonly records: (path: string, settings: z.infer<S>, report: Report) => AsyncIterable<HistoryRecord>;
}

/** A verb that turns one thing into a file of histories. */
function importVerb<S extends z.ZodObject<typeof files>>(definition: ImportVerb<S>): Verb<S> {
  const { operand, inputs = path => [path], records, ...verb } = definition;
  return defineVerb({
    ...verb,
    operands: [operand],
    async run({ resolved: { values }, operands, json, config, ...work }) {
      const path = operands[0]!;
      await requireOutputFile(values.out, {
        force: values.force,
        inputs: [...(await inputs(path, values)), config],
      });
      const report = reporting(work.terminal);
      const written = await writeRecords(values.out, records(path, values, report), work);
      report.finish();
      if (json) work.terminal.print(JSON.stringify({ file: values.out, ...written }));
    },
  });
}

/** Writes the records as they arrive, in one atomic step, and reports how many there were and of how many users. */
export async function writeRecords(
  file: string,
  records: AsyncIterable<HistoryRecord>,
  { terminal, signal }: Pick<VerbArguments, 'terminal' | 'signal'>,
): Promise<{ records: number; users: number }> {
  const users = new Set<string>();
  let read = 0;
  async function* passing() {
    for await (const record of records) {
      stopIfAsked(signal, `${file} was not written`);
      users.add(record.user);
      terminal.progress(`read ${counted(++read, 'record')}`);
      yield record;
    }
  }
  const count = await writeHistories(file, passing());
  terminal.say(`${file}: ${counted(count, 'record')} of ${counted(users.size, 'user')}`);
  return { records: count, users: users.size };
}
