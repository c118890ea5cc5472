/** `idiolect import git|lamp|longlamp|oppu`: other people's files as histories. */
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import {
  type HistoryRecord,
  importGit,
  importLamp,
  importLongLamp,
  importOppu,
  writeHistories,
} from '../histories/index.ts';
import type { Terminal } from './terminal.ts';
import type { Verb, VerbArguments } from './verb.ts';

const out = z.string().describe('file to write: JSON Lines, compressed when the name ends in .gz');
const skipBad = z.boolean().default(false).describe('leave out malformed entries, and count them, instead of stopping');

const gitSchema = z.object({
  out,
  names: z.boolean().default(false).describe('users as "Name <e-mail>" (default: pseudonyms)'),
  salt: z.string().optional().describe('salt of the pseudonyms; choose a secret one before sharing the file'),
  branch: z.string().optional().describe('branch, tag or commit to read (default: what is checked out)'),
  since: z.string().optional().describe('only commits since then: a date, or words such as "2 years ago"'),
});

export const importGitVerb: Verb = {
  name: 'import git',
  summary: 'One record per commit: changed files and first lines of the diff to the subject line, by author.',
  operands: [{ name: 'PATH', description: 'a git repository' }],
  schema: gitSchema,
  example: 'idiolect import git . --out histories.jsonl',
  async run(args) {
    const { names, salt, branch, since } = args.resolved.values as z.infer<typeof gitSchema>;
    const { onSkip } = reporting(args.terminal);
    await write(args, importGit(args.operands[0]!, { pseudonyms: !names, salt, branch, since, onSkip }));
  },
};

const lampSchema = z.object({
  out,
  outputs: z.string().optional().describe('the answers: {split}_outputs.json, plain or gzip'),
  skipBad,
});

export const importLampVerb: Verb = {
  name: 'import lamp',
  summary:
    'A {split}_questions.json of LaMP-2 to LaMP-6: profiles become training records, answered questions queries.',
  operands: [{ name: 'QUESTIONS', description: '{split}_questions.json, plain or gzip' }],
  schema: lampSchema,
  example: 'idiolect import lamp dev_questions.json --outputs dev_outputs.json --out lamp-5.jsonl',
  async run(args) {
    const { outputs, skipBad } = args.resolved.values as z.infer<typeof lampSchema>;
    await write(args, importLamp(args.operands[0]!, { outputs, skipBad, ...reporting(args.terminal) }));
  },
};

const longLampSchema = z.object({
  out,
  split: z.enum(['train', 'val', 'test']).default('test').describe('which files of a folder'),
  skipBad,
});

export const importLongLampVerb: Verb = {
  name: 'import longlamp',
  summary: 'Parquet files of LongLaMP: profiles become training records, answered rows queries.',
  operands: [{ name: 'PATH', description: "the folder of one configuration's files, or one of its files" }],
  schema: longLampSchema,
  example: 'idiolect import longlamp abstract_generation_user --out abstracts.jsonl.gz',
  async run(args) {
    const { split, skipBad } = args.resolved.values as z.infer<typeof longLampSchema>;
    await write(args, importLongLamp(args.operands[0]!, { split, skipBad, ...reporting(args.terminal) }));
  },
};

const oppuSchema = z.object({
  out,
  users: z.enum(['evaluated', 'others']).default('evaluated').describe('which users of a folder'),
  labels: z.string().optional().describe('the label file (default: the one in the folder)'),
  skipBad,
});

export const importOppuVerb: Verb = {
  name: 'import oppu',
  summary: 'The layout OPPU and CoPe share: user_others.json, user_top_100_history.json and its labels.',
  operands: [{ name: 'PATH', description: 'the folder, or one of its files' }],
  schema: oppuSchema,
  example: 'idiolect import oppu data/news_headline --out headlines.jsonl',
  async run(args) {
    const { users, labels, skipBad } = args.resolved.values as z.infer<typeof oppuSchema>;
    await write(args, importOppu(args.operands[0]!, { users, labels, skipBad, ...reporting(args.terminal) }));
  },
};

function reporting(terminal: Terminal) {
  return { onSkip: (message: string) => terminal.say(`note: ${message}`) };
}

/** Writes the records as they come, in one atomic step, and tells how many there were of how many users. */
async function write(
  { resolved, terminal, json, signal }: VerbArguments,
  records: AsyncIterable<HistoryRecord>,
): Promise<void> {
  const file = (resolved.values as { out: string }).out;
  const users = new Set<string>();
  let read = 0;
  async function* counted() {
    for await (const record of records) {
      if (signal.aborted) throw new IdiolectError('INTERRUPTED', `stopped; ${file} was not written.`);
      users.add(record.user);
      terminal.progress(`read ${++read} records`);
      yield record;
    }
  }
  const count = await writeHistories(file, counted());
  if (json) terminal.print(JSON.stringify({ file, records: count, users: users.size }));
  else terminal.say(`${file}: ${count} records of ${users.size} users`);
}
